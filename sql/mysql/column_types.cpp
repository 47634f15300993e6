#include "sql/mysql/column_types.h"

#include <cppconn/datatype.h>
#include <cppconn/resultset.h>
#include <cppconn/resultset_metadata.h>

namespace sql::mysql {
namespace {

enum class Family { number, real, decimal, temporal, text, bytes, other };

Family family_of(int sql_type) {
    using ::sql::DataType;
    switch (sql_type) {
        case DataType::TINYINT:
        case DataType::SMALLINT:
        case DataType::MEDIUMINT:
        case DataType::INTEGER:
        case DataType::BIGINT:
            return Family::number;
        case DataType::REAL:
        case DataType::DOUBLE:
            return Family::real;
        case DataType::DECIMAL:
        case DataType::NUMERIC:
            return Family::decimal;
        case DataType::DATE:
        case DataType::TIME:
        case DataType::TIMESTAMP:
            return Family::temporal;
        case DataType::CHAR:
        case DataType::VARCHAR:
        case DataType::LONGVARCHAR:
            return Family::text;
        case DataType::BINARY:
        case DataType::VARBINARY:
        case DataType::LONGVARBINARY:
            return Family::bytes;
        default:
            return Family::other;  // the driver's list, not ours
    }
}

Family family_of(schemas::TypeClass type_class) {
    using schemas::TypeClass;
    switch (type_class) {
        case TypeClass::integer:
        case TypeClass::boolean:
            return Family::number;
        case TypeClass::float32:
        case TypeClass::float64:
            return Family::real;
        case TypeClass::decimal:
            return Family::decimal;
        case TypeClass::text:
            return Family::text;
        case TypeClass::binary:
            return Family::bytes;
        // Dates and times are selected as text: what they are by now is not seen.
        case TypeClass::date:
        case TypeClass::time:
        case TypeClass::datetime:
        case TypeClass::timestamp:
        case TypeClass::bit:
        case TypeClass::year:
        case TypeClass::uuid:
        case TypeClass::inet4:
        case TypeClass::inet6:
        case TypeClass::enumeration:
        case TypeClass::set:
        case TypeClass::json:
        case TypeClass::geometry:
        case TypeClass::unsupported:
            return Family::other;
    }
    return Family::other;
}

}  // namespace

bool has_other_type(::sql::ResultSet& rows, const std::vector<const schemas::Column*>& columns) {
    ::sql::ResultSetMetaData* const described = rows.getMetaData();
    for (std::size_t i = 0; i < columns.size(); ++i) {
        const auto index = static_cast<unsigned>(i + 1);
        const Family wanted = family_of(columns[i]->type.type_class);
        const Family is = wanted == Family::other ? wanted : family_of(described->getColumnType(index));
        if (is == Family::other) {
            continue;
        }
        if (wanted == Family::decimal && is == Family::text) {
            continue;  // a wide decimal comes as text
        }
        if (is != wanted || (is == Family::number && described->isSigned(index) == columns[i]->type.is_unsigned)) {
            return true;
        }
    }
    return false;
}

bool has_overlong_decimal(::sql::ResultSet& rows, const std::vector<const schemas::Column*>& columns) {
    constexpr unsigned kDigitsMax = 61;
    for (std::size_t i = 0; i < columns.size(); ++i) {
        const schemas::Type& type = columns[i]->type;
        if (type.type_class == schemas::TypeClass::decimal && type.precision.value_or(65) > kDigitsMax &&
            rows.getMetaData()->getColumnType(static_cast<unsigned>(i + 1)) == ::sql::DataType::DECIMAL) {
            return true;
        }
    }
    return false;
}

}  // namespace sql::mysql
