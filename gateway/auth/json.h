// JSON of others, read with suspicion: a tree in which no object has a member twice, numbers keep their text, and depth and size
// are bounded. Not for request bodies, which have a reader of their own. Called by the readers of tokens and key sets.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gateway::auth {

struct JsonValue {
    enum class Kind { null, boolean, number, string, array, object };
    Kind kind = Kind::null;
    std::string text;                                        // of a string, decoded; of a number or boolean as JSON writes it
    std::vector<JsonValue> items;                            // of an array
    std::vector<std::pair<std::string, JsonValue>> members;  // of an object, in their order

    // Defined where all of it is known: clang 14 asks for a pair's members while it still makes the pair.
    JsonValue();
    JsonValue(const JsonValue&);
    JsonValue(JsonValue&&) noexcept;
    JsonValue& operator=(const JsonValue&);
    JsonValue& operator=(JsonValue&&) noexcept;
    ~JsonValue();

    // The member of an object; null when there is none, or this is no object.
    [[nodiscard]] const JsonValue* find(std::string_view name) const;
    // The text of a member that is a string; null otherwise.
    [[nodiscard]] const std::string* find_string(std::string_view name) const;
};

// Nothing unless `text` is one JSON object (RFC 8259) of UTF-8, no deeper than 16, with at most `values_max` values in all, and
// no member name twice in one object, however it is escaped.
[[nodiscard]] std::optional<JsonValue> parse_json_object(std::string_view text, std::size_t values_max);

}  // namespace gateway::auth
