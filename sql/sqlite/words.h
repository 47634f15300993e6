// Cuts the SQL text of a definition into words, for the few things that no call of SQLite's tells.
// No parser: it knows what a string, a quoted name and a comment are, and nothing of grammar. Used within this folder.
#pragma once

#include <string>
#include <string_view>

namespace sql::sqlite {

class Words {
public:
    explicit Words(std::string_view text) : rest_(text) {}

    // The next word in lower case. Everything that is no word comes out as itself, one byte of it; a string or a quoted name as the
    // quote that opens it, its content skipped. Empty at the end.
    std::string next();

private:
    void skip_past(std::string_view end);
    void skip_blanks();

    std::string_view rest_;
};

}  // namespace sql::sqlite
