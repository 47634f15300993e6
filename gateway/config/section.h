// One TOML table of a tenant's or an API key's file, read key by key: wrong types and unknown keys become complaints with file and
// line. Knows what TOML is, not what a tenant is. Called by gateway/tenants, gateway/grants and auth/key_file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <toml++/toml.h>

namespace gateway::config {

// The complaints about one file.
struct Complaints {
    std::string file;
    std::vector<std::string>& messages;

    void add(std::size_t line, std::string_view what);
    void add(std::string_view what);
};

// A key that is refused with a reason of its own.
struct RefusedKey {
    std::string_view key;
    std::string_view reason;
};

class Section {
public:
    // `label` names the table in messages: "[[project]]", or empty for the file itself.
    Section(const toml::table& table, std::string label, Complaints& complaints)
        : table_(table), label_(std::move(label)), complaints_(complaints) {}

    // Each answers nothing when the key is absent, and when its value is wrong, which is then complained about.
    [[nodiscard]] std::optional<std::string> text(std::string_view key);
    [[nodiscard]] std::optional<bool> flag(std::string_view key);
    [[nodiscard]] std::optional<std::int64_t> number(std::string_view key, std::int64_t least, std::int64_t most);
    [[nodiscard]] std::vector<std::string> texts(std::string_view key);
    [[nodiscard]] std::vector<const toml::table*> tables(std::string_view key);
    [[nodiscard]] const toml::table* table(std::string_view key);
    // Absence is complained about too. A name or id: not empty, no blank at either end, no control character, at most 256 bytes.
    [[nodiscard]] std::string identifier(std::string_view key);
    // An identifier that stands in a path: no `/`, not `.` or `..` either.
    [[nodiscard]] std::string path_name(std::string_view key);

    [[nodiscard]] bool has(std::string_view key) const { return table_.contains(key); }
    void complain(std::string_view key, std::string_view what);
    void complain(std::string_view what);
    // Call last: complains about every key that nothing asked for.
    void refuse_the_rest(const std::vector<RefusedKey>& refused = {});

private:
    [[nodiscard]] const toml::node* find(std::string_view key);

    const toml::table& table_;
    std::string label_;
    Complaints& complaints_;
    std::vector<std::string> asked_;
};

// What is wrong with a name or id, or empty.
[[nodiscard]] std::string identifier_problem(std::string_view text);

}  // namespace gateway::config
