#include "gateway/request/body.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <map>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

// Its stack adds an offset to a null pointer before it first grows; harmless, but the fuzz targets would stop there.
#ifdef __clang__
#pragma clang attribute push(__attribute__((no_sanitize("pointer-overflow"))), apply_to = function)
#endif
#include <rapidjson/error/en.h>
#include <rapidjson/reader.h>
#ifdef __clang__
#pragma clang attribute pop
#endif

#include "filters/text.h"

namespace gateway::request {
namespace {

using sql::plan::Body;
using sql::plan::BodyCell;
using sql::plan::JsonKind;

constexpr unsigned kFlags =
    rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag | rapidjson::kParseNumbersAsStringsFlag;

// Past any table's; bounds what the names of a hostile body can cost. MariaDB has at most 4,096 columns a table.
constexpr std::size_t kColumnsMax = 4096;
static_assert(kColumnsMax <= std::numeric_limits<BodyCell::Column>::max());
constexpr std::size_t kShownBytesMax = 64;  // of a member name in a message

constexpr std::uint32_t to_position(std::size_t offset) {
    return static_cast<std::uint32_t>(offset);
}

// RapidJSON's view of the source. Its own MemoryStream would do but for the end: both show NUL there, so the caller
// must compare Tell() with the size, else bytes after a raw NUL would be accepted unread.
class Source {
public:
    using Ch = char;

    explicit Source(std::string_view text) : text_(text) {}

    [[nodiscard]] Ch Peek() const { return position_ < text_.size() ? text_[position_] : '\0'; }
    Ch Take() {
        const Ch byte = Peek();
        position_ += position_ < text_.size() ? 1 : 0;
        return byte;
    }
    [[nodiscard]] std::size_t Tell() const { return position_; }

    // Required by the concept; only in-situ parsing calls them.
    Ch* PutBegin() { return nullptr; }
    void Put(Ch) {}
    void Flush() {}
    std::size_t PutEnd(Ch*) { return 0; }

private:
    std::string_view text_;
    std::size_t position_ = 0;
};

// Cut at a character's end, for messages.
std::string shown(std::string_view name) {
    if (name.size() <= kShownBytesMax) {
        return std::string(name);
    }
    std::size_t end = kShownBytesMax;
    while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xC0U) == 0x80U) {
        --end;
    }
    return std::string(name.substr(0, end)) + "…";
}

// A reader's events become cells. A fault of shape is kept and reading goes on, for a body that is not JSON at all is another
// error, and the more basic one; a `stop_` ends it.
class RowBuilder {
public:
    RowBuilder(Body& body, BodyShape shape, const BodyLimits& limits) : body_(body), shape_(shape), limits_(limits) {}

    bool scalar(JsonKind kind, std::size_t begin, std::size_t end);
    bool string(std::size_t begin, std::size_t end, std::string_view decoded);
    bool name(std::size_t begin, std::size_t end, std::string_view decoded);
    bool open(JsonKind kind, std::size_t begin);
    bool close(std::size_t end);

    // The body is refused for what stands at `position`.
    bool end_with(std::string detail, std::size_t position) {
        stop_ = BodyError{BodyFault::not_json, std::move(detail), {}, position};
        return false;
    }

    [[nodiscard]] const std::optional<BodyError>& stop() const { return stop_; }
    [[nodiscard]] const std::optional<BodyError>& shape_fault() const { return fault_; }

private:
    void keep_fault(std::string detail, std::string parameter, std::size_t position) {
        if (!fault_) {
            fault_ = BodyError{BodyFault::wrong_shape, std::move(detail), std::move(parameter), position};
        }
    }

    [[nodiscard]] std::size_t row_depth() const { return body_.is_array ? 2 : 1; }
    [[nodiscard]] bool is_member_of_row() const { return open_.size() == row_depth() && open_.back() == JsonKind::object; }
    [[nodiscard]] std::size_t row_number() const { return body_.row_ends.size() + 1; }

    bool count_element(std::size_t position);
    void add_cell(JsonKind kind, std::size_t begin, std::size_t end, std::uint32_t unescaped);
    void check_place(JsonKind kind, std::size_t position);
    void end_row();
    [[nodiscard]] std::optional<BodyCell::Column> column_of(std::string_view name, std::size_t position);

    Body& body_;
    const BodyShape shape_;
    const BodyLimits limits_;
    std::vector<JsonKind> open_;
    std::size_t members_ = 0;
    std::optional<BodyError> stop_;
    std::optional<BodyError> fault_;

    // An ordered map, for a hash can be made to collide.
    std::map<std::string, BodyCell::Column, std::less<>> column_indexes_;
    std::vector<std::size_t> last_row_of_column_;  // the number of the last row that named it: finds duplicates
    BodyCell::Column column_ = 0;                  // of the member whose value comes next
    std::size_t row_begin_ = 0;                    // index of the row's first cell
    std::size_t previous_row_begin_ = 0;
    std::size_t container_begin_ = 0;  // of the object or array that is a member's value
};

bool RowBuilder::count_element(std::size_t position) {
    ++members_;
    if (members_ > limits_.members_max) {
        return end_with(fmt::format("the body has more than {} members and elements", limits_.members_max), position);
    }
    return true;
}

// A value outside a row that is no row itself.
void RowBuilder::check_place(JsonKind kind, std::size_t position) {
    if (open_.empty()) {
        if (kind == JsonKind::array && shape_ == BodyShape::object) {
            keep_fault("the body must be one object, not an array", {}, position);
        } else if (kind != JsonKind::object && kind != JsonKind::array) {
            keep_fault(
                shape_ == BodyShape::object ? "the body must be an object" : "the body must be an object or an array of objects",
                {}, position);
        }
    } else if (open_.size() == 1 && body_.is_array && kind != JsonKind::object) {
        keep_fault(fmt::format("row {} is not an object", row_number()), {}, position);
    }
}

void RowBuilder::add_cell(JsonKind kind, std::size_t begin, std::size_t end, std::uint32_t unescaped) {
    body_.cells.push_back({to_position(begin), to_position(end - begin), unescaped, column_, kind});
}

bool RowBuilder::scalar(JsonKind kind, std::size_t begin, std::size_t end) {
    check_place(kind, begin);
    if (!open_.empty() && open_.back() == JsonKind::array && !count_element(begin)) {
        return false;
    }
    if (!fault_ && is_member_of_row()) {
        add_cell(kind, begin, end, BodyCell::kVerbatim);
    }
    return true;
}

bool RowBuilder::string(std::size_t begin, std::size_t end, std::string_view decoded) {
    if (!is_member_of_row()) {
        return scalar(JsonKind::string, begin, end);
    }
    if (fault_) {
        return true;
    }
    std::uint32_t unescaped = BodyCell::kVerbatim;
    if (decoded.size() + 2 != end - begin) {  // an escape is longer than what it stands for
        unescaped = to_position(body_.unescaped.size());
        body_.unescaped.emplace_back(decoded);
    }
    add_cell(JsonKind::string, begin, end, unescaped);
    return true;
}

// The index of a column; new names are added. Null, with a fault kept, when it must not be.
std::optional<BodyCell::Column> RowBuilder::column_of(std::string_view name, std::size_t position) {
    // Rows of one body mostly name the same columns in the same order.
    const std::size_t same_in_previous_row = previous_row_begin_ + (body_.cells.size() - row_begin_);
    if (same_in_previous_row < row_begin_) {
        const BodyCell::Column guess = body_.cells[same_in_previous_row].column;
        if (body_.columns[guess] == name) {
            return guess;
        }
    }
    if (const auto found = column_indexes_.find(name); found != column_indexes_.end()) {
        return found->second;
    }
    if (name.find('\0') != std::string_view::npos) {
        keep_fault(fmt::format("row {} has a member name that holds a NUL", row_number()), {}, position);
        return std::nullopt;
    }
    if (body_.columns.size() == kColumnsMax) {
        keep_fault(fmt::format("the body names more than {} columns", kColumnsMax), shown(name), position);
        return std::nullopt;
    }
    const auto index = static_cast<BodyCell::Column>(body_.columns.size());
    column_indexes_.emplace(name, index);
    body_.columns.emplace_back(name);
    last_row_of_column_.push_back(0);
    return index;
}

bool RowBuilder::name(std::size_t begin, std::size_t, std::string_view decoded) {
    if (!count_element(begin)) {
        return false;
    }
    if (fault_ || !is_member_of_row()) {
        return true;
    }
    const auto column = column_of(decoded, begin);
    if (!column) {
        return true;
    }
    column_ = *column;
    if (std::exchange(last_row_of_column_[column_], row_number()) == row_number()) {
        keep_fault(fmt::format("row {}, column '{}': the column is named twice", row_number(), shown(decoded)), shown(decoded), begin);
    }
    return true;
}

bool RowBuilder::open(JsonKind kind, std::size_t begin) {
    if (open_.size() == limits_.depth_max) {
        return end_with(fmt::format("the body is nested more than {} levels deep", limits_.depth_max), begin);
    }
    check_place(kind, begin);
    if (!open_.empty() && open_.back() == JsonKind::array && !count_element(begin)) {
        return false;
    }
    if (open_.empty()) {
        body_.is_array = kind == JsonKind::array;
    } else if (is_member_of_row()) {
        container_begin_ = begin;
    }
    open_.push_back(kind);
    if (is_member_of_row()) {
        body_.row_positions.push_back(to_position(begin));
    }
    return true;
}

void RowBuilder::end_row() {
    if (body_.cells.size() == row_begin_ && !fault_) {
        keep_fault(body_.is_array ? fmt::format("row {} is an empty object", row_number()) : "the body is an empty object", {},
                   body_.row_positions.back());
    }
    body_.row_ends.push_back(body_.cells.size());
    previous_row_begin_ = row_begin_;
    row_begin_ = body_.cells.size();
}

bool RowBuilder::close(std::size_t end) {
    if (is_member_of_row()) {
        end_row();
    }
    const JsonKind kind = open_.back();
    open_.pop_back();
    if (open_.empty() && kind == JsonKind::array && body_.row_ends.empty()) {
        keep_fault("the body is an empty array", {}, 0);
    }
    if (!open_.empty() && is_member_of_row() && !fault_) {
        add_cell(kind, container_begin_, end, BodyCell::kVerbatim);
    }
    return true;
}

// RapidJSON's events, with the bytes that each token takes.
class RapidEvents {
public:
    RapidEvents(RowBuilder& builder, std::string_view text, const Source& source)
        : builder_(builder), text_(text), source_(source) {}

    bool Null() { return scalar(JsonKind::null); }
    bool Bool(bool) { return scalar(JsonKind::boolean); }
    bool RawNumber(const char*, rapidjson::SizeType, bool) { return scalar(JsonKind::number); }
    bool String(const char* text, rapidjson::SizeType size, bool) {
        const auto [begin, end] = token();
        // RapidJSON takes a lone low surrogate and would hand out what is not UTF-8.
        return filters::is_utf8({text, size}) ? builder_.string(begin, end, {text, size})
                                              : builder_.end_with("a string is not valid Unicode", begin);
    }
    bool Key(const char* text, rapidjson::SizeType size, bool) {
        const auto [begin, end] = token();
        return filters::is_utf8({text, size}) ? builder_.name(begin, end, {text, size})
                                              : builder_.end_with("a member name is not valid Unicode", begin);
    }
    bool StartObject() { return open(JsonKind::object); }
    bool EndObject(rapidjson::SizeType) { return close(); }
    bool StartArray() { return open(JsonKind::array); }
    bool EndArray(rapidjson::SizeType) { return close(); }

    // Numbers come as text: these are never called.
    bool Int(int) { return false; }
    bool Uint(unsigned) { return false; }
    bool Int64(std::int64_t) { return false; }
    bool Uint64(std::uint64_t) { return false; }
    bool Double(double) { return false; }

private:
    // The value or name that was just read: only blanks, commas and colons lie between two events.
    std::pair<std::size_t, std::size_t> token() {
        const std::size_t begin = std::min(text_.find_first_not_of(" \t\r\n,:", token_end_), text_.size());
        token_end_ = source_.Tell();
        return {begin, token_end_};
    }
    bool scalar(JsonKind kind) {
        const auto [begin, end] = token();
        return builder_.scalar(kind, begin, end);
    }
    // Both come before their brace or bracket is taken.
    bool open(JsonKind kind) {
        token_end_ = source_.Tell() + 1;
        return builder_.open(kind, token_end_ - 1);
    }
    bool close() {
        token_end_ = source_.Tell() + 1;
        return builder_.close(token_end_);
    }

    RowBuilder& builder_;
    const std::string_view text_;
    const Source& source_;
    std::size_t token_end_ = 0;
};

tl::unexpected<BodyError> not_json(std::string detail, std::size_t position) {
    return tl::unexpected(BodyError{BodyFault::not_json, std::move(detail), {}, position});
}

std::string sentence_of(rapidjson::ParseErrorCode code) {
    std::string text = rapidjson::GetParseError_En(code);
    if (!text.empty() && text.back() == '.') {
        text.pop_back();
    }
    return "the body is not JSON: " + text;
}

}  // namespace

tl::expected<Body, BodyError> parse_body(std::string bytes, BodyShape shape, const BodyLimits& limits) {
    if (bytes.size() > std::numeric_limits<std::uint32_t>::max()) {
        return not_json("the body is larger than 4 GiB", 0);
    }
    if (bytes.starts_with("\xEF\xBB\xBF")) {
        return not_json("the body begins with a byte order mark", 0);
    }
    if (bytes.find_first_not_of(" \t\r\n") == std::string::npos) {
        return not_json("the body is empty", bytes.size());
    }
    Body body;
    body.source = std::move(bytes);
    const std::string_view text = body.source;
    Source source(text);
    RowBuilder builder(body, shape, limits);
    RapidEvents events(builder, text, source);
    rapidjson::Reader reader;
    const rapidjson::ParseResult result = reader.Parse<kFlags>(source, events);
    if (builder.stop()) {
        return tl::unexpected(*builder.stop());
    }
    if (result.Code() == rapidjson::kParseErrorNumberTooBig) {
        // JSON all the same: it is the columns that have no room for it.
        return tl::unexpected(BodyError{BodyFault::wrong_shape, "a number past 1e308 fits no column", {}, result.Offset()});
    }
    if (result.IsError()) {
        return not_json(sentence_of(result.Code()), result.Offset());
    }
    if (source.Tell() != text.size()) {
        return not_json("the body is not JSON: a NUL stands after the value", source.Tell());
    }
    if (builder.shape_fault()) {
        return tl::unexpected(*builder.shape_fault());
    }
    return body;
}

}  // namespace gateway::request
