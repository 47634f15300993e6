#include "sql/sqlite/conflicts.h"

#include <string>

#include "sql/sqlite/words.h"

namespace sql::sqlite {

bool swallows_conflicts(std::string_view definition) {
    Words words(definition);
    std::string before_last;
    std::string last;
    for (std::string word = words.next(); !word.empty(); word = words.next()) {
        if (before_last == "on" && last == "conflict" && (word == "replace" || word == "ignore")) {
            return true;
        }
        before_last = std::move(last);
        last = std::move(word);
    }
    return false;
}

}  // namespace sql::sqlite
