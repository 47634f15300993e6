#include "sql/plan/message.h"

namespace sql::plan {
namespace {

constexpr std::size_t kCharactersMax = 40;

bool begins_character(char byte) {
    return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U;
}

}  // namespace

std::string quoted(std::string_view text) {
    std::string out = "'";
    std::size_t characters = 0;
    for (const char c : text) {
        if (begins_character(c)) {
            if (characters == kCharactersMax) {
                return out + "…'";
            }
            ++characters;
        }
        out += c;
    }
    return out + "'";
}

std::string type_name(const schemas::Type& type) {
    if (type.type_class == schemas::TypeClass::json) {
        return "json";
    }
    return type.declared.empty() ? "unknown" : type.declared;
}

std::string nearest_hint(const schemas::Table& table, std::string_view column, const Hidden& hidden) {
    const std::string nearest = table.nearest(column, hidden.flags());
    return nearest.empty() ? std::string() : "did you mean " + quoted(nearest) + "?";
}

PlanError column_unknown(const schemas::Table& table, std::string_view column, filters::Position position, const Hidden& hidden) {
    return {
        Fault::column_unknown, "there is no column " + quoted(column), nearest_hint(table, column, hidden), std::string(column), position,
        Origin::target};
}

}  // namespace sql::plan
