#include "sql/mysql/cells.h"

#include <cppconn/resultset.h>

#include <algorithm>
#include <vector>

#include "filters/text.h"

namespace sql::mysql {
namespace {

using exec::Cell;
using schemas::TypeClass;

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

void append_padded(std::string& out, std::string_view digits, std::size_t width) {
    if (digits.size() < width) {
        out.append(width - digits.size(), '0');
    }
    out += digits;
}

// For NULL the driver gives 0 or an empty text. Only then is it asked which of the two it is.

Cell integer_cell(ResultSet& row, unsigned index, bool is_unsigned) {
    Cell cell;
    if (is_unsigned) {
        cell.kind = Cell::Kind::unsigned_integer;
        cell.unsigned_integer = row.getUInt64(index);
    } else {
        cell.kind = Cell::Kind::integer;
        cell.integer = row.getInt64(index);
    }
    return cell.unsigned_integer == 0 && cell.integer == 0 && row.isNull(index) ? Cell() : cell;
}

Cell real_cell(ResultSet& row, unsigned index) {
    Cell cell;
    cell.kind = Cell::Kind::real;
    // Not getString: the driver prints doubles with %f.
    cell.real = static_cast<double>(row.getDouble(index));
    return cell.real == 0 && row.isNull(index) ? Cell() : cell;
}

Cell text_cell(ResultSet& row, unsigned index, std::string& buffer, Cell::Kind kind) {
    buffer = row.getString(index).asStdString();
    if (buffer.empty() && row.isNull(index)) {
        return {};
    }
    Cell cell;
    cell.kind = kind;
    cell.text = buffer;
    return cell;
}

// How the server writes it, 0 standing for any digit.
std::string_view usual_shape(TypeClass type_class) {
    return type_class == TypeClass::date   ? "0000-00-00"
           : type_class == TypeClass::time ? "00:00:00"
                                           : "0000-00-00 00:00:00";
}

// Nothing is to be done to what the server wrote, but for a time of three digits or below zero.
bool is_normal(std::string_view text, TypeClass type_class, unsigned fraction_digits) {
    const std::string_view shape = usual_shape(type_class);
    const std::size_t fraction = type_class == TypeClass::date || fraction_digits == 0 ? 0 : fraction_digits + 1;
    if (text.size() != shape.size() + fraction) {
        return false;
    }
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char wanted = i < shape.size() ? shape[i] : i == shape.size() ? '.' : '0';
        if (wanted == '0' ? !is_digit(text[i]) : text[i] != wanted) {
            return false;
        }
    }
    return true;
}

// Appends to what ends with the seconds.
void append_fraction(std::string& out, std::string_view fraction, unsigned digits) {
    if (digits > 0) {
        out += '.';
        out += fraction.substr(0, digits);
        out.append(digits - std::min<std::size_t>(fraction.size(), digits), '0');
    }
}

Cell temporal_cell(ResultSet& row, unsigned index, const schemas::Type& type, std::string& buffer) {
    Cell cell = text_cell(row, index, buffer, Cell::Kind::text);
    if (cell.kind == Cell::Kind::text && !is_normal(buffer, type.type_class, type.fraction_digits)) {
        buffer = normal_temporal(buffer, type.type_class, type.fraction_digits);
        cell.text = buffer;
    }
    return cell;
}

}  // namespace

std::string normal_temporal(std::string_view text, TypeClass type_class, unsigned fraction_digits) {
    std::string out;
    std::string_view rest = text;
    if (rest.starts_with('-')) {
        out += '-';
        rest.remove_prefix(1);
    }
    std::vector<std::string_view> numbers;
    std::string separators;
    while (!rest.empty()) {
        std::size_t length = 0;
        while (length < rest.size() && is_digit(rest[length])) {
            ++length;
        }
        if (length == 0) {
            return std::string(text);
        }
        numbers.push_back(rest.substr(0, length));
        rest.remove_prefix(length);
        if (!rest.empty()) {
            separators += rest.front();
            rest.remove_prefix(1);
        }
    }
    const std::string_view wanted = type_class == TypeClass::date   ? "--"
                                    : type_class == TypeClass::time ? "::"
                                                                    : "-- ::";
    std::string_view shape = separators;
    std::string_view fraction;
    if (shape.ends_with('.')) {
        if (numbers.size() != shape.size() + 1) {
            return std::string(text);
        }
        fraction = numbers.back();
        numbers.pop_back();
        shape.remove_suffix(1);
    }
    if (shape != wanted || numbers.size() != wanted.size() + 1) {
        return std::string(text);
    }
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        append_padded(out, numbers[i], i == 0 && type_class != TypeClass::time ? 4 : 2);
        if (i < wanted.size()) {
            out += wanted[i];
        }
    }
    append_fraction(out, fraction, type_class == TypeClass::date ? 0 : fraction_digits);
    return out;
}

Cell read_cell(ResultSet& row, unsigned index, const schemas::Type& type, std::string& buffer) {
    switch (type.type_class) {
        case TypeClass::integer:
        case TypeClass::boolean:
            return integer_cell(row, index, type.is_unsigned);
        case TypeClass::bit:
        case TypeClass::year:
            return integer_cell(row, index, true);
        case TypeClass::float32:
        case TypeClass::float64:
            return real_cell(row, index);
        case TypeClass::date:
        case TypeClass::time:
        case TypeClass::datetime:
        case TypeClass::timestamp:
            return temporal_cell(row, index, type, buffer);
        case TypeClass::decimal:
        case TypeClass::uuid:
        case TypeClass::inet4:
        case TypeClass::inet6:
        case TypeClass::enumeration:
        case TypeClass::set:
        case TypeClass::text:
        case TypeClass::json:
            return text_cell(row, index, buffer, Cell::Kind::text);
        case TypeClass::binary:
        case TypeClass::geometry:
            return text_cell(row, index, buffer, Cell::Kind::bytes);
        case TypeClass::unsupported: {
            Cell cell = text_cell(row, index, buffer, Cell::Kind::text);
            if (!filters::is_utf8(cell.text)) {
                cell.kind = Cell::Kind::bytes;
            }
            return cell;
        }
    }
    return {};
}

}  // namespace sql::mysql
