// Whatever bytes come in, as a body that names rows or as a path's key: no crash, keys that are whole and lie where they say, and
// what is accepted reads the same when it is written anew.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <variant>

#include "filters/key.h"
#include "filters/text.h"
#include "gateway/request/keys_body.h"

namespace {

using gateway::request::KeysBody;
using gateway::request::KeysForm;
using gateway::request::parse_keys_body;
using sql::plan::BodyKeys;
using sql::plan::JsonKind;

void require(bool is_true) {
    if (!is_true) {
        std::abort();
    }
}

std::string json_string(std::string_view text) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string out = "\"";
    for (const char byte : text) {
        const auto value = static_cast<unsigned char>(byte);
        if (value < 0x20 || byte == '"' || byte == '\\') {
            out += "\\u00";
            out += kDigits[value >> 4U];
            out += kDigits[value & 0x0FU];
        } else {
            out += byte;
        }
    }
    return out + "\"";
}

// `{"ids":[[…],…]}` with every key as an array.
std::string written(const BodyKeys& keys) {
    std::string out = R"({"ids":[)";
    std::size_t at = 0;
    for (const std::size_t end : keys.ends) {
        out += at == 0 ? "[" : ",[";
        for (std::size_t part = at; part < end; ++part) {
            out += part == at ? "" : ",";
            out += keys.parts[part].kind == JsonKind::string ? json_string(keys.parts[part].literal.text) : keys.parts[part].literal.text;
        }
        out += "]";
        at = end;
    }
    return out + "]}";
}

bool is_same(const BodyKeys& left, const BodyKeys& right) {
    bool is_equal = left.ends == right.ends && left.parts.size() == right.parts.size();
    for (std::size_t i = 0; is_equal && i < left.parts.size(); ++i) {
        is_equal = left.parts[i].kind == right.parts[i].kind && left.parts[i].literal.text == right.parts[i].literal.text;
    }
    return is_equal;
}

void require_keys(const BodyKeys& keys, std::string_view text) {
    require(!keys.ends.empty() && keys.ends.size() == keys.positions.size() && keys.ends.back() == keys.parts.size());
    require(keys.ends.size() <= filters::Limits{}.keys_max);
    std::size_t at = 0;
    for (const std::size_t end : keys.ends) {
        require(end > at);
        at = end;
    }
    for (const auto& part : keys.parts) {
        require(part.kind != JsonKind::object && part.kind != JsonKind::array && filters::is_utf8(part.literal.text));
        require(part.literal.position < text.size());
        require((text[part.literal.position] == '"') == (part.kind == JsonKind::string));
        if (part.kind != JsonKind::string) {
            require(text.substr(part.literal.position, part.literal.text.size()) == part.literal.text);
        }
    }
    const auto again = parse_keys_body(written(keys), KeysForm::ids, {}, {});
    require(again && again->keys && is_same(keys, *again->keys));
}

void require_body(std::string_view text) {
    const auto ids = parse_keys_body(std::string(text), KeysForm::ids, {}, {});
    const auto body = parse_keys_body(std::string(text), KeysForm::ids_or_filter, {}, {});
    require(!ids || body);
    if (!body) {
        const auto require_error = [&](const auto& error) {
            require(error.position <= text.size() && !error.detail.empty());
            require(filters::is_utf8(error.detail) && filters::is_utf8(error.parameter));
        };
        std::visit(require_error, body.error());
        return;
    }
    require(body->bytes == text && body->keys.has_value() == body->where.empty() && body->keys.has_value() == ids.has_value());
    if (body->keys) {
        require_keys(*body->keys, text);
    }
    std::size_t before = 0;
    for (const filters::Condition& condition : body->where) {
        require(condition.position >= before && condition.position < text.size());
        before = condition.position;
        for (const filters::Literal& value : condition.values) {
            require(value.position >= before && value.position < text.size());
        }
    }
}

void require_path(std::string_view text) {
    constexpr filters::Position kOffset = 11;
    for (const filters::KeyForm form : {filters::KeyForm::whole, filters::KeyForm::parts}) {
        const auto key = filters::parse_key(text, kOffset, form);
        if (!key) {
            require(key.error().position >= kOffset && key.error().position <= kOffset + text.size() && !key.error().detail.empty());
            continue;
        }
        require(!key->empty() && (form == filters::KeyForm::parts || key->size() == 1));
        for (const filters::Literal& part : *key) {
            require(filters::is_utf8(part.text) && part.text.find('\0') == std::string::npos);
            require(part.position >= kOffset && part.position <= kOffset + text.size());
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(data, data + size);
    require_body(text);
    require_path(text);
    return 0;
}
