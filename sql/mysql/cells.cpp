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

Cell integer_cell(ResultSet& row, unsigned index, bool is_unsigned) {
    Cell cell;
    if (is_unsigned) {
        cell.kind = Cell::Kind::unsigned_integer;
        cell.unsigned_integer = row.getUInt64(index);
    } else {
        cell.kind = Cell::Kind::integer;
        cell.integer = row.getInt64(index);
    }
    return cell;
}

Cell text_cell(std::string& buffer, Cell::Kind kind) {
    Cell cell;
    cell.kind = kind;
    cell.text = buffer;
    return cell;
}

// The form that nearly all have already, as far as the fraction; 0 stands for any digit.
std::string_view usual_shape(TypeClass type_class) {
    return type_class == TypeClass::date   ? "0000-00-00"
           : type_class == TypeClass::time ? "00:00:00"
                                           : "0000-00-00 00:00:00";
}

bool has_shape(std::string_view text, std::string_view shape) {
    if (text.size() < shape.size()) {
        return false;
    }
    for (std::size_t i = 0; i < shape.size(); ++i) {
        if (shape[i] == '0' ? !is_digit(text[i]) : text[i] != shape[i]) {
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

// False when the text needs a closer look.
bool read_usual(std::string_view text, TypeClass type_class, unsigned fraction_digits, std::string& out) {
    const std::string_view shape = usual_shape(type_class);
    if (!has_shape(text, shape)) {
        return false;
    }
    std::string_view fraction = text.substr(shape.size());
    if (!fraction.empty()) {
        if (type_class == TypeClass::date || fraction.front() != '.' || fraction.size() == 1 ||
            !std::all_of(fraction.begin() + 1, fraction.end(), is_digit)) {
            return false;
        }
        fraction.remove_prefix(1);
    }
    out.assign(text.substr(0, shape.size()));
    append_fraction(out, fraction, type_class == TypeClass::date ? 0 : fraction_digits);
    return true;
}

}  // namespace

std::string normal_temporal(std::string_view text, TypeClass type_class, unsigned fraction_digits) {
    std::string out;
    if (read_usual(text, type_class, fraction_digits, out)) {
        return out;
    }
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
    if (row.isNull(index)) {
        return {};
    }
    switch (type.type_class) {
        case TypeClass::integer:
        case TypeClass::boolean:
            return integer_cell(row, index, type.is_unsigned);
        case TypeClass::bit:
        case TypeClass::year:
            return integer_cell(row, index, true);
        case TypeClass::float32:
        case TypeClass::float64: {
            // Not getString: the driver prints doubles with %f.
            Cell cell;
            cell.kind = Cell::Kind::real;
            cell.real = static_cast<double>(row.getDouble(index));
            return cell;
        }
        case TypeClass::date:
        case TypeClass::time:
        case TypeClass::datetime:
        case TypeClass::timestamp:
            buffer = normal_temporal(row.getString(index).asStdString(), type.type_class, type.fraction_digits);
            return text_cell(buffer, Cell::Kind::text);
        case TypeClass::decimal:
        case TypeClass::uuid:
        case TypeClass::inet4:
        case TypeClass::inet6:
        case TypeClass::enumeration:
        case TypeClass::set:
        case TypeClass::text:
        case TypeClass::json:
            buffer = row.getString(index).asStdString();
            return text_cell(buffer, Cell::Kind::text);
        case TypeClass::binary:
        case TypeClass::geometry:
            buffer = row.getString(index).asStdString();
            return text_cell(buffer, Cell::Kind::bytes);
        case TypeClass::unsupported:
            buffer = row.getString(index).asStdString();
            return text_cell(buffer, filters::is_utf8(buffer) ? Cell::Kind::text : Cell::Kind::bytes);
    }
    return {};
}

}  // namespace sql::mysql
