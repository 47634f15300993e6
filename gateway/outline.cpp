#include "gateway/outline.h"

#include <algorithm>
#include <string_view>

#include "gateway/observe/json_text.h"

namespace gateway {
namespace {

std::string quoted(std::string_view text) {
    std::string out;
    observe::append_json_string(out, text);
    return out;
}

// Nothing of a token or a path may move a terminal's cursor.
std::string plain(const std::string& text) {
    const bool is_plain = std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7F; });
    return is_plain && !text.empty() ? text : quoted(text);
}

template <typename Items, typename Print>
std::string list(const Items& items, Print print) {
    std::string out = "[";
    for (const auto& item : items) out.append(out.size() == 1 ? "" : ",").append(print(item));
    return out + ']';
}

}  // namespace

struct Outline::JsonValue {
    bool is_one = false;

    std::string operator()(const std::string& text) const { return quoted(text); }
    std::string operator()(bool flag) const { return flag ? "true" : "false"; }
    std::string operator()(std::uint64_t number) const { return std::to_string(number); }
    std::string operator()(const Texts& texts) const { return list(texts, quoted); }
    std::string operator()(const std::vector<Outline>& items) const {
        return is_one ? items.front().json() : list(items, [](const Outline& item) { return item.json(); });
    }
};

// What follows the colon, to the end of the line or of the lines.
struct Outline::TextValue {
    std::size_t indent = 0;
    bool is_one = false;

    std::string operator()(const std::string& text) const { return ' ' + plain(text) + '\n'; }
    std::string operator()(bool flag) const { return flag ? " yes\n" : " no\n"; }
    std::string operator()(std::uint64_t number) const { return ' ' + std::to_string(number) + '\n'; }
    std::string operator()(const Texts& texts) const {
        std::string out;
        for (const std::string& text : texts) out.append(out.empty() ? " " : ", ").append(plain(text));
        return (texts.empty() ? " none" : out) + '\n';
    }
    std::string operator()(const std::vector<Outline>& items) const {
        if (is_one) return '\n' + items.front().text(indent + 2);
        if (items.empty()) return " none\n";
        std::string out = "\n";
        for (const Outline& item : items) {
            std::string lines = item.text(indent + 4);
            if (lines.size() > indent + 2) lines[indent + 2] = '-';
            out += lines;
        }
        return out;
    }
};

std::string Outline::json() const {
    std::string out = "{";
    for (const Part& part : parts_) {
        out.append(out.size() == 1 ? "" : ",").append(quoted(part.name)).append(":").append(std::visit(JsonValue{part.is_one}, part.value));
    }
    return out + '}';
}

std::string Outline::text(std::size_t indent) const {
    std::string out;
    for (const Part& part : parts_) out += std::string(indent, ' ') + part.name + ':' + std::visit(TextValue{indent, part.is_one}, part.value);
    return out;
}

}  // namespace gateway
