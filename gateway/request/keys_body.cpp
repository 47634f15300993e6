#include "gateway/request/keys_body.h"

#include <cstdint>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace gateway::request {
namespace {

using filters::ParseError;
using filters::Position;
using sql::plan::Body;
using sql::plan::BodyCell;
using sql::plan::BodyKeys;
using sql::plan::JsonKind;

// All JSON here has been read once by parse_body: it is well-formed, and its strings are valid Unicode.

void append_utf8(std::string& out, std::uint32_t character) {
    const auto byte = [&out](std::uint32_t bits) { out += static_cast<char>(bits); };
    if (character < 0x80U) {
        byte(character);
    } else if (character < 0x800U) {
        byte(0xC0U | (character >> 6U));
        byte(0x80U | (character & 0x3FU));
    } else if (character < 0x10000U) {
        byte(0xE0U | (character >> 12U));
        byte(0x80U | ((character >> 6U) & 0x3FU));
        byte(0x80U | (character & 0x3FU));
    } else {
        byte(0xF0U | (character >> 18U));
        byte(0x80U | ((character >> 12U) & 0x3FU));
        byte(0x80U | ((character >> 6U) & 0x3FU));
        byte(0x80U | (character & 0x3FU));
    }
}

std::uint32_t hex_value(std::string_view digits) {
    std::uint32_t value = 0;
    for (const char digit : digits) {
        const bool is_decimal = digit >= '0' && digit <= '9';
        value = value * 16 + static_cast<std::uint32_t>(is_decimal ? digit - '0' : (digit | 0x20) - 'a' + 10);
    }
    return value;
}

// Appends what the first byte or escape of `rest` stands for; how many bytes that took. A string's content, not at its end.
std::size_t take_character(std::string_view rest, std::string& out) {
    if (rest.front() != '\\') {
        out += rest.front();
        return 1;
    }
    constexpr std::size_t kEscapeSize = 6;  // \u0000
    switch (rest[1]) {
        case 'b': out += '\b'; return 2;
        case 'f': out += '\f'; return 2;
        case 'n': out += '\n'; return 2;
        case 'r': out += '\r'; return 2;
        case 't': out += '\t'; return 2;
        case 'u': break;
        default: out += rest[1]; return 2;  // a quote, a slash or a backslash
    }
    const std::uint32_t unit = hex_value(rest.substr(2, 4));
    if (unit < 0xD800U || unit > 0xDBFFU) {
        append_utf8(out, unit);
        return kEscapeSize;
    }
    const std::uint32_t low = hex_value(rest.substr(kEscapeSize + 2, 4));
    append_utf8(out, 0x10000U + ((unit - 0xD800U) << 10U) + (low - 0xDC00U));
    return 2 * kEscapeSize;
}

std::string content_of(std::string_view json) {
    std::string_view rest = json.substr(1, json.size() - 2);
    if (rest.find('\\') == std::string_view::npos) {
        return std::string(rest);
    }
    std::string content;
    while (!rest.empty()) {
        rest.remove_prefix(take_character(rest, content));
    }
    return content;
}

// From places in a string's content to those in the body. Asked in rising order it reads the string once.
class Places {
public:
    // `json` is the string with its quotes, `begin` where it stands.
    Places(std::string_view json, std::size_t begin) : json_(json), begin_(begin) {}

    Position operator()(std::size_t in_content) {
        if (in_content < in_content_) {
            in_content_ = 0;
            at_ = 1;
        }
        while (in_content_ < in_content && at_ + 1 < json_.size()) {
            scratch_.clear();
            at_ += take_character(json_.substr(at_), scratch_);
            in_content_ += scratch_.size();
        }
        return begin_ + at_;
    }

private:
    std::string_view json_;
    std::size_t begin_;
    std::size_t in_content_ = 0;
    std::size_t at_ = 1;
    std::string scratch_;
};

tl::unexpected<KeysBodyError> refuse(BodyFault fault, std::string detail, std::size_t position, std::string parameter = {}) {
    return tl::unexpected<KeysBodyError>(BodyError{fault, std::move(detail), std::move(parameter), position});
}

std::string_view shape_of(KeysForm form) {
    return form == KeysForm::ids ? R"({"ids":[…]})" : R"({"ids":[…]} or {"filter":"…"})";
}

// Reads the array of ids.
class KeyReader {
public:
    KeyReader(std::string_view json, std::size_t begin, std::size_t keys_max) : json_(json), begin_(begin), keys_max_(keys_max) {}

    tl::expected<BodyKeys, KeysBodyError> read() {
        at_ = 1;
        skip_blanks();
        if (json_[at_] == ']') {
            return refuse(BodyFault::wrong_shape, "ids is an empty list; nothing was done", begin_, "ids");
        }
        for (;;) {
            if (keys_.ends.size() == keys_max_) {
                return tl::unexpected<KeysBodyError>(
                    ParseError{filters::Fault::limit_exceeded, fmt::format("ids names more than the limit of {} keys", keys_max_),
                               "send them in parts", "ids", position()});
            }
            keys_.positions.push_back(position());
            if (auto read = json_[at_] == '[' ? read_parts() : read_part(); !read) {
                return tl::unexpected(std::move(read).error());
            }
            keys_.ends.push_back(keys_.parts.size());
            if (is_last()) {
                return std::move(keys_);
            }
        }
    }

private:
    using Outcome = tl::expected<void, KeysBodyError>;

    [[nodiscard]] Position position() const { return begin_ + at_; }

    void skip_blanks() {
        while (json_[at_] == ' ' || json_[at_] == '\t' || json_[at_] == '\r' || json_[at_] == '\n') {
            ++at_;
        }
    }

    // Behind an element: steps over what separates it from the next one, or over the bracket.
    bool is_last() {
        skip_blanks();
        const bool is_closed = json_[at_++] == ']';
        if (!is_closed) {
            skip_blanks();
        }
        return is_closed;
    }

    Outcome read_parts() {
        const std::size_t opening = position();
        ++at_;
        skip_blanks();
        if (json_[at_] == ']') {
            return refuse(BodyFault::not_json, "a key of ids is an empty array", opening, "ids");
        }
        do {
            if (auto read = read_part(); !read) {
                return read;
            }
        } while (!is_last());
        return {};
    }

    Outcome read_part() {
        const Position where = position();
        switch (json_[at_]) {
            case '[':
            case '{':
                return refuse(BodyFault::not_json, "a key of ids is a value or an array of values", where, "ids");
            case '"':
                keys_.parts.push_back({{content_of(take_string()), where}, JsonKind::string});
                return {};
            case 't':
            case 'f':
                keys_.parts.push_back({{std::string(take_word()), where}, JsonKind::boolean});
                return {};
            case 'n':
                keys_.parts.push_back({{std::string(take_word()), where}, JsonKind::null});
                return {};
            default:
                keys_.parts.push_back({{std::string(take_word()), where}, JsonKind::number});
                return {};
        }
    }

    std::string_view take_string() {
        const std::size_t opening = at_++;
        while (json_[at_] != '"') {
            at_ += json_[at_] == '\\' ? 2 : 1;
        }
        ++at_;
        return json_.substr(opening, at_ - opening);
    }

    std::string_view take_word() {
        const std::size_t begin = at_;
        at_ = json_.find_first_of(",] \t\r\n", begin);
        return json_.substr(begin, at_ - begin);
    }

    std::string_view json_;
    std::size_t begin_;
    std::size_t keys_max_;
    std::size_t at_ = 0;
    BodyKeys keys_;
};

// The first control of the filter, by its place; nothing when it holds conditions alone.
std::optional<std::pair<std::string, Position>> control_of(const filters::Query& query) {
    std::optional<std::pair<std::string, Position>> first;
    const auto note = [&](std::string_view name, Position position) {
        if (!first || position < first->second) {
            first.emplace(name, position);
        }
    };
    const auto note_sent = [&](std::string_view name, const std::optional<Position>& sent) {
        if (sent) {
            note(name, *sent);
        }
    };
    note_sent("select", query.select_position);
    note_sent("order", query.order_position);
    note_sent("confirm", query.confirm);
    note_sent("_preview", query.preview);
    note_sent("_no-content", query.no_content);
    if (query.limit) {
        note("limit", query.limit->position);
    }
    if (query.offset) {
        note("offset", query.offset->position);
    }
    if (query.ids) {
        note("ids", query.ids->position);
    }
    for (const filters::Undelivered& undelivered : query.undelivered) {
        note(undelivered.name, undelivered.position);
    }
    return first;
}

tl::expected<std::vector<filters::Condition>, KeysBodyError> parse_filter(std::string_view text, Places places, const filters::Limits& limits) {
    auto query = filters::parse(text, 0, limits);
    if (!query) {
        query.error().position = places(query.error().position);
        return tl::unexpected<KeysBodyError>(std::move(query.error()));
    }
    if (const auto control = control_of(*query)) {
        return tl::unexpected<KeysBodyError>(ParseError{filters::Fault::control_invalid,
                                                        fmt::format("a filter in a body holds conditions alone, not {}", control->first),
                                                        "controls stand in the query string of the address", control->first,
                                                        places(control->second)});
    }
    if (query->where.empty()) {
        return refuse(BodyFault::wrong_shape, "the filter is empty; nothing was done", places(0), "filter");
    }
    for (filters::Condition& condition : query->where) {
        condition.position = places(condition.position);
        for (filters::Literal& value : condition.values) {
            value.position = places(value.position);
        }
    }
    return std::move(query->where);
}

}  // namespace

tl::expected<KeysBody, KeysBodyError> parse_keys_body(std::string bytes, KeysForm form, const BodyLimits& body_limits,
                                                      const filters::Limits& limits) {
    auto body = parse_body(std::move(bytes), BodyShape::object, body_limits);
    if (!body) {
        if (body.error().fault == BodyFault::not_json) {
            return tl::unexpected<KeysBodyError>(std::move(body.error()));
        }
        return refuse(BodyFault::not_json, fmt::format("the body is not {}: {}", shape_of(form), body.error().detail), body.error().position);
    }
    const BodyCell& cell = body->cells.front();
    const std::string& name = body->columns[cell.column];
    const bool is_ids = name == "ids";
    if (!is_ids && !(name == "filter" && form == KeysForm::ids_or_filter)) {
        return refuse(BodyFault::not_json, fmt::format("the body is not {}: it has another member", shape_of(form)), cell.position);
    }
    if (body->cells.size() != 1) {
        return refuse(BodyFault::not_json, fmt::format("the body is not {}: it has more than one member", shape_of(form)), body->cells[1].position);
    }
    KeysBody result;
    if (is_ids) {
        if (cell.kind != JsonKind::array) {
            return refuse(BodyFault::not_json, "ids is not an array", cell.position, name);
        }
        auto keys = KeyReader(body->raw(cell), cell.position, limits.keys_max).read();
        if (!keys) {
            return tl::unexpected(std::move(keys).error());
        }
        result.keys = std::move(*keys);
    } else {
        if (cell.kind != JsonKind::string) {
            return refuse(BodyFault::not_json, "filter is not a string", cell.position, name);
        }
        auto where = parse_filter(body->text(cell), Places(body->raw(cell), cell.position), limits);
        if (!where) {
            return tl::unexpected(std::move(where).error());
        }
        result.where = std::move(*where);
    }
    result.bytes = std::move(body->source);
    return result;
}

}  // namespace gateway::request
