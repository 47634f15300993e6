#include "gateway/auth/json.h"

#include <set>

// Its stack adds an offset to a null pointer before it first grows; harmless, but the fuzz targets would stop there.
#ifdef __clang__
#pragma clang attribute push(__attribute__((no_sanitize("pointer-overflow"))), apply_to = function)
#endif
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>
#ifdef __clang__
#pragma clang attribute pop
#endif

namespace gateway::auth {
namespace {

constexpr std::size_t kDepthMax = 16;
constexpr unsigned kFlags =
    rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag | rapidjson::kParseNumbersAsStringsFlag;

// Takes the reader's events; false from one of them ends the reading. The names of its functions are RapidJSON's.
class Builder {
public:
    explicit Builder(std::size_t values_max) : values_left_(values_max) {}

    bool Null() { return add(JsonValue::Kind::null, "null"); }
    bool Bool(bool value) { return add(JsonValue::Kind::boolean, value ? "true" : "false"); }
    bool RawNumber(const char* text, rapidjson::SizeType size, bool) { return add(JsonValue::Kind::number, {text, size}); }
    bool String(const char* text, rapidjson::SizeType size, bool) { return add(JsonValue::Kind::string, {text, size}); }
    bool Key(const char* text, rapidjson::SizeType size, bool) {
        Level& level = levels_.back();
        level.name.assign(text, size);
        return level.names.insert(level.name).second;
    }
    bool StartObject() { return open(JsonValue::Kind::object); }
    bool StartArray() { return open(JsonValue::Kind::array); }
    bool EndObject(rapidjson::SizeType) { return close(); }
    bool EndArray(rapidjson::SizeType) { return close(); }
    // Numbers come as text; the reader wants these all the same.
    bool Int(int) { return false; }
    bool Uint(unsigned) { return false; }
    bool Int64(std::int64_t) { return false; }
    bool Uint64(std::uint64_t) { return false; }
    bool Double(double) { return false; }

    [[nodiscard]] JsonValue take() { return std::move(root_); }

private:
    struct Level {
        JsonValue value;
        std::string name;  // of the member that comes next
        std::set<std::string> names;
    };

    bool add(JsonValue::Kind kind, std::string_view text) {
        if (values_left_ == 0 || levels_.empty()) {
            return false;  // a lone value is no object
        }
        --values_left_;
        JsonValue value;
        value.kind = kind;
        value.text = text;
        return put(std::move(value));
    }
    bool open(JsonValue::Kind kind) {
        if (values_left_ == 0 || levels_.size() == kDepthMax || (levels_.empty() && kind != JsonValue::Kind::object)) {
            return false;
        }
        --values_left_;
        levels_.emplace_back().value.kind = kind;
        return true;
    }
    bool close() {
        JsonValue value = std::move(levels_.back().value);
        levels_.pop_back();
        if (levels_.empty()) {
            root_ = std::move(value);
            return true;
        }
        return put(std::move(value));
    }
    bool put(JsonValue value) {
        Level& level = levels_.back();
        if (level.value.kind == JsonValue::Kind::array) {
            level.value.items.push_back(std::move(value));
        } else {
            level.value.members.emplace_back(std::move(level.name), std::move(value));
        }
        return true;
    }

    std::size_t values_left_;
    std::vector<Level> levels_;
    JsonValue root_;
};

}  // namespace

JsonValue::JsonValue() = default;
JsonValue::JsonValue(const JsonValue&) = default;
JsonValue::JsonValue(JsonValue&&) noexcept = default;
JsonValue& JsonValue::operator=(const JsonValue&) = default;
JsonValue& JsonValue::operator=(JsonValue&&) noexcept = default;
JsonValue::~JsonValue() = default;

const JsonValue* JsonValue::find(std::string_view name) const {
    for (const auto& [key, value] : members) {
        if (key == name) {
            return &value;
        }
    }
    return nullptr;
}

const std::string* JsonValue::find_string(std::string_view name) const {
    const JsonValue* value = find(name);
    return value != nullptr && value->kind == Kind::string ? &value->text : nullptr;
}

std::optional<JsonValue> parse_json_object(std::string_view text, std::size_t values_max) {
    // RapidJSON takes a raw NUL for the end and would leave what follows unread.
    if (text.find('\0') != std::string_view::npos) {
        return std::nullopt;
    }
    rapidjson::MemoryStream stream(text.data(), text.size());
    rapidjson::Reader reader;
    Builder builder(values_max);
    if (reader.Parse<kFlags>(stream, builder).IsError()) {
        return std::nullopt;
    }
    return builder.take();
}

}  // namespace gateway::auth
