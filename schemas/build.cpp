#include "schemas/build.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "schemas/declared.h"

namespace schemas {
namespace {

bool is_null_expression(std::string_view expression) {
    while (expression.size() > 1 && expression.front() == '(' && expression.back() == ')') {
        expression = expression.substr(1, expression.size() - 2);
    }
    return to_lower(expression) == "null";
}

Column build_column(const RawColumn& raw, Family family, bool is_in_primary_key) {
    Column column{Ident::from_catalog(raw.name),
                  family == Family::mysql ? mysql_type(raw) : sqlite_type(raw),
                  raw.is_nullable,
                  false,
                  false,
                  false};
    column.is_nullable = raw.is_nullable && !is_in_primary_key;
    column.is_auto_increment = raw.is_auto_increment;
    column.is_generated = raw.is_generated;
    const bool has_expression = raw.default_expression && (column.is_nullable || !is_null_expression(*raw.default_expression));
    column.has_default = column.is_nullable || column.is_auto_increment || column.is_generated || has_expression;
    return column;
}

// Nothing when the key has a part that is not a column of the table.
std::optional<Key> build_key(const RawKey& raw, const RawTable& table) {
    Key key{raw.name, {}};
    for (const std::string& name : raw.columns) {
        const auto found =
            std::find_if(table.columns.begin(), table.columns.end(), [&](const RawColumn& one) { return one.name == name; });
        if (found == table.columns.end()) {
            return std::nullopt;
        }
        key.columns.push_back(static_cast<std::size_t>(found - table.columns.begin()));
    }
    return key.columns.empty() ? std::nullopt : std::optional(std::move(key));
}

// Whose characters, all of them, come back from UTF-8 as the bytes that they were. In other character sets two different texts may
// look alike to us (cp932 has some characters twice, many take unmapped bytes for `?`), and one key would be two rows.
bool comes_back(std::string_view charset) {
    constexpr std::array<std::string_view, 19> kCharsets{"ascii",   "cp850", "cp852", "cp866",   "keybcs2", "koi8r",   "koi8u",
                                                        "latin1",  "latin2", "latin5", "latin7", "macce",   "macroman", "ucs2",
                                                        "utf16",   "utf16le", "utf32", "utf8mb3", "utf8mb4"};
    return charset.empty() || charset == "utf8" || std::find(kCharsets.begin(), kCharsets.end(), charset) != kCharsets.end();
}

// An ENUM's error value reads as its empty member, if it has one.
bool is_read_one_to_one(const Column& column) {
    const std::vector<std::string>& members = column.type.members;
    return comes_back(column.type.charset) &&
           (column.type.type_class != TypeClass::enumeration || std::find(members.begin(), members.end(), "") == members.end());
}

// Fields with their lengths, so that no two different definitions print alike.
class Print {
public:
    Print& text(std::string_view field) {
        fmt::format_to(std::back_inserter(out_), "{}:{}", field.size(), field);
        return *this;
    }
    Print& flag(bool field) {
        out_ += field ? '1' : '0';
        return *this;
    }
    template <typename Number>
    Print& number(const std::optional<Number>& field) {
        out_ += field ? fmt::format("{};", *field) : "-;";
        return *this;
    }
    Print& list(const std::vector<std::string>& fields) {
        number(std::optional(fields.size()));
        for (const std::string& field : fields) {
            text(field);
        }
        return *this;
    }
    [[nodiscard]] std::string take() { return std::move(out_); }

private:
    std::string out_;
};

std::string print_column(const RawColumn& column) {
    Print print;
    print.text(column.name).text(column.data_type).text(column.column_type).flag(column.is_nullable);
    print.flag(column.default_expression.has_value()).text(column.default_expression.value_or(""));
    print.flag(column.is_auto_increment).flag(column.is_generated).flag(column.has_json_check);
    print.text(column.charset).text(column.collation).number(column.characters_max).number(column.bytes_max);
    print.number(column.numeric_precision).number(column.numeric_scale).number(column.datetime_precision);
    return print.take();
}

std::string print_key(const RawKey& key) {
    return Print().text(key.name).flag(key.is_primary).list(key.columns).take();
}

std::string print_foreign_key(const ForeignKey& key) {
    Print print;
    print.text(key.name).list(key.columns).text(key.parent_table).list(key.parent_columns);
    print.number(std::optional(static_cast<int>(key.on_delete))).number(std::optional(static_cast<int>(key.on_update)));
    return print.take();
}

}  // namespace

TablePtr build(const RawTable& raw) {
    auto table =
        std::make_shared<Table>(Table{Ident::from_catalog(raw.name), raw.kind, {}, std::nullopt, {}, raw.foreign_keys, {}});
    for (const RawKey& raw_key : raw.keys) {
        std::optional<Key> key = build_key(raw_key, raw);
        if (key && raw_key.is_primary) {
            table->primary_key = std::move(key);
        } else if (key) {
            table->unique_keys.push_back(std::move(*key));
        }
    }
    table->columns.reserve(raw.columns.size());
    for (std::size_t i = 0; i < raw.columns.size(); ++i) {
        const bool is_in_primary_key =
            table->primary_key && std::count(table->primary_key->columns.begin(), table->primary_key->columns.end(), i) != 0;
        table->columns.push_back(build_column(raw.columns[i], raw.family, is_in_primary_key));
    }
    // What does not tell rows apart, as we read and write them, is no key to us.
    const auto tells_rows_apart = [&](const Key& key) {
        return std::all_of(key.columns.begin(), key.columns.end(), [&](std::size_t column) { return is_read_one_to_one(table->columns[column]); });
    };
    if (table->primary_key && !tells_rows_apart(*table->primary_key)) {
        table->primary_key.reset();
    }
    std::erase_if(table->unique_keys, [&](const Key& key) { return !tells_rows_apart(key); });
    table->version = Version{raw.version_token, raw.is_version_settled, fingerprint(raw)};
    return table;
}

std::string fingerprint(const RawTable& raw) {
    std::vector<std::string> columns;
    std::vector<std::string> keys;
    std::vector<std::string> foreign_keys;
    std::transform(raw.columns.begin(), raw.columns.end(), std::back_inserter(columns), print_column);
    std::transform(raw.keys.begin(), raw.keys.end(), std::back_inserter(keys), print_key);
    std::transform(raw.foreign_keys.begin(), raw.foreign_keys.end(), std::back_inserter(foreign_keys), print_foreign_key);
    // Databases list keys in no promised order; the order of columns is part of the definition.
    std::sort(keys.begin(), keys.end());
    std::sort(foreign_keys.begin(), foreign_keys.end());
    Print print;
    print.number(std::optional(static_cast<int>(raw.family))).text(raw.name).number(std::optional(static_cast<int>(raw.kind)));
    return print.list(columns).list(keys).list(foreign_keys).take();
}

}  // namespace schemas
