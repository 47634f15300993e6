#include "gateway/config/section.h"

#include <algorithm>

#include <fmt/format.h>

#include "gateway/config/source.h"

namespace gateway::config {

namespace {

constexpr std::size_t kIdentifierBytesMax = 256;

}  // namespace

void Complaints::add(std::size_t line, std::string_view what) {
    messages.push_back(fmt::format("{}:{}: {}", file, line, what));
}

void Complaints::add(std::string_view what) {
    messages.push_back(fmt::format("{}: {}", file, what));
}

std::string identifier_problem(std::string_view text) {
    if (text.empty()) {
        return "must not be empty";
    }
    if (text.size() > kIdentifierBytesMax) {
        return fmt::format("is longer than {} bytes", kIdentifierBytesMax);
    }
    if (!is_plain_text(text)) {
        return "must be UTF-8 without control characters";
    }
    // A header's value loses its outer blanks, so such an id would never match.
    if (text.front() == ' ' || text.back() == ' ') {
        return "must not begin or end with a blank";
    }
    return {};
}

const toml::node* Section::find(std::string_view key) {
    asked_.emplace_back(key);
    return table_.get(key);
}

void Section::complain(std::string_view key, std::string_view what) {
    const toml::node* node = table_.get(key);
    const std::size_t line = node != nullptr ? node->source().begin.line : table_.source().begin.line;
    complaints_.add(line, fmt::format("{}{}{}: {}", label_, label_.empty() ? "" : " ", key, what));
}

void Section::complain(std::string_view what) {
    complaints_.add(table_.source().begin.line, fmt::format("{}{}{}", label_, label_.empty() ? "" : ": ", what));
}

std::optional<std::string> Section::text(std::string_view key) {
    const toml::node* node = find(key);
    if (node == nullptr) {
        return std::nullopt;
    }
    const auto* text = node->as_string();
    if (text == nullptr) {
        complain(key, "must be a string");
        return std::nullopt;
    }
    if (!is_plain_text(text->get())) {
        complain(key, "must be UTF-8 without control characters");
        return std::nullopt;
    }
    return text->get();
}

std::optional<bool> Section::flag(std::string_view key) {
    const toml::node* node = find(key);
    if (node == nullptr) {
        return std::nullopt;
    }
    const auto* flag = node->as_boolean();
    if (flag == nullptr) {
        complain(key, "must be true or false");
        return std::nullopt;
    }
    return flag->get();
}

std::optional<std::int64_t> Section::number(std::string_view key, std::int64_t least, std::int64_t most) {
    const toml::node* node = find(key);
    if (node == nullptr) {
        return std::nullopt;
    }
    const auto* number = node->as_integer();
    if (number == nullptr) {
        complain(key, "must be an integer");
        return std::nullopt;
    }
    if (number->get() < least || number->get() > most) {
        complain(key, fmt::format("{} is outside {} to {}", number->get(), least, most));
        return std::nullopt;
    }
    return number->get();
}

std::vector<std::string> Section::texts(std::string_view key) {
    const toml::node* node = find(key);
    if (node == nullptr) {
        complain(key, "is missing");
        return {};
    }
    const toml::array* array = node->as_array();
    if (array == nullptr) {
        complain(key, "must be an array of strings");
        return {};
    }
    if (array->empty()) {
        complain(key, "must not be empty");
        return {};
    }
    std::vector<std::string> texts;
    for (const toml::node& item : *array) {
        const auto* text = item.as_string();
        if (text == nullptr) {
            complain(key, "must be an array of strings");
            return {};
        }
        if (const std::string problem = identifier_problem(text->get()); !problem.empty()) {
            complain(key, fmt::format("an item {}", problem));
            return {};
        }
        texts.push_back(text->get());
    }
    return texts;
}

std::vector<const toml::table*> Section::tables(std::string_view key) {
    const toml::node* node = find(key);
    if (node == nullptr) {
        return {};
    }
    const toml::array* array = node->as_array();
    const bool holds_tables =
        array != nullptr && std::all_of(array->begin(), array->end(), [](const toml::node& item) { return item.is_table(); });
    if (!holds_tables) {
        complain(key, fmt::format("must be an array of tables, [[…{}]]", key));
        return {};
    }
    std::vector<const toml::table*> tables;
    for (const toml::node& item : *array) {
        tables.push_back(item.as_table());
    }
    return tables;
}

const toml::table* Section::table(std::string_view key) {
    const toml::node* node = find(key);
    if (node == nullptr) {
        return nullptr;
    }
    if (!node->is_table()) {
        complain(key, fmt::format("must be a table, {} = {{ … }}", key));
        return nullptr;
    }
    return node->as_table();
}

std::string Section::identifier(std::string_view key) {
    if (!has(key)) {
        asked_.emplace_back(key);
        complain(key, "is missing");
        return {};
    }
    std::optional<std::string> value = text(key);
    if (!value) {
        return {};
    }
    if (const std::string problem = identifier_problem(*value); !problem.empty()) {
        complain(key, problem);
        return {};
    }
    return *std::move(value);
}

std::string Section::path_name(std::string_view key) {
    std::string name = identifier(key);
    if (name.find('/') != std::string::npos) {
        complain(key, "must not hold a /");
        return {};
    }
    if (name == "." || name == "..") {
        complain(key, fmt::format("must not be {}", name));
        return {};
    }
    return name;
}

void Section::refuse_the_rest(const std::vector<RefusedKey>& refused) {
    for (const auto& [key, node] : table_) {
        const std::string name(key.str());
        if (std::find(asked_.begin(), asked_.end(), name) != asked_.end()) {
            continue;
        }
        const auto reason =
            std::find_if(refused.begin(), refused.end(), [&name](const RefusedKey& one) { return one.key == name; });
        const std::string what =
            reason != refused.end() ? std::string(reason->reason) : "unknown key" + did_you_mean(name, asked_);
        complaints_.add(key.source().begin.line, fmt::format("{}{}{}: {}", label_, label_.empty() ? "" : " ", name, what));
    }
}

}  // namespace gateway::config
