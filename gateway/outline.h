// A small tree of names and values, in the order in which they were added, printed for people or as JSON: what a command has to
// say is put together once. Pure data. Filled by explain and its commands.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace gateway {

class Outline {
public:
    using Texts = std::vector<std::string>;

    void add(std::string name, std::string text) { parts_.push_back({std::move(name), std::move(text)}); }
    void add(std::string name, Texts texts) { parts_.push_back({std::move(name), std::move(texts)}); }
    void add(std::string name, std::vector<Outline> items) { parts_.push_back({std::move(name), std::move(items)}); }
    void add(std::string name, Outline one) { parts_.push_back({std::move(name), std::vector{std::move(one)}, true}); }
    void add_flag(std::string name, bool flag) { parts_.push_back({std::move(name), flag}); }
    void add_number(std::string name, std::uint64_t number) { parts_.push_back({std::move(name), number}); }
    // Left out when there is nothing to say.
    void add_some(std::string name, std::string text) {
        if (!text.empty()) add(std::move(name), std::move(text));
    }
    void add_some(std::string name, Texts texts) {
        if (!texts.empty()) add(std::move(name), std::move(texts));
    }

    void append(Outline other) { parts_.insert(parts_.end(), std::make_move_iterator(other.parts_.begin()), std::make_move_iterator(other.parts_.end())); }

    // One object.
    [[nodiscard]] std::string json() const;
    // `name: value` lines, what is inside indented; texts with control characters as JSON strings.
    [[nodiscard]] std::string text(std::size_t indent = 0) const;

private:
    struct Part {
        std::string name;
        std::variant<std::string, bool, std::uint64_t, Texts, std::vector<Outline>> value;
        bool is_one = false;  // an object, no list of them
    };
    struct JsonValue;
    struct TextValue;

    std::vector<Part> parts_;
};

}  // namespace gateway
