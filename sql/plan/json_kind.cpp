#include "sql/plan/json_kind.h"

namespace sql::plan {
namespace {

using schemas::TypeClass;

// A column's own JSON type besides strings; text, dates and everything else travel as strings.
bool takes_number(TypeClass type_class) {
    switch (type_class) {
        case TypeClass::integer:
        case TypeClass::boolean:
        case TypeClass::bit:
        case TypeClass::decimal:
        case TypeClass::float32:
        case TypeClass::float64:
        case TypeClass::year:
            return true;
        case TypeClass::date:
        case TypeClass::time:
        case TypeClass::datetime:
        case TypeClass::timestamp:
        case TypeClass::uuid:
        case TypeClass::inet4:
        case TypeClass::inet6:
        case TypeClass::enumeration:
        case TypeClass::set:
        case TypeClass::text:
        case TypeClass::binary:
        case TypeClass::json:
        case TypeClass::geometry:
        case TypeClass::unsupported:
            return false;
    }
    return false;
}

}  // namespace

std::string_view name_of(JsonKind kind) {
    switch (kind) {
        case JsonKind::null:
            return "null";
        case JsonKind::boolean:
            return "true or false";
        case JsonKind::number:
            return "a number";
        case JsonKind::string:
            return "a string";
        case JsonKind::object:
            return "an object";
        case JsonKind::array:
            return "an array";
    }
    return "";
}

bool takes(const schemas::Type& type, JsonKind kind) {
    if (type.type_class == TypeClass::json) {
        return true;
    }
    switch (kind) {
        case JsonKind::string:
            return true;
        case JsonKind::number:
            return takes_number(type.type_class);
        case JsonKind::boolean:
            return type.type_class == TypeClass::boolean;
        case JsonKind::null:
        case JsonKind::object:
        case JsonKind::array:
            return false;
    }
    return false;
}

}  // namespace sql::plan
