#include "sql/mysql/introspect.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "schemas/value.h"

namespace sql::mysql {
namespace {

using exec::DbResult;
using render::Quote;
using render::Statement;
using render::Writer;
using schemas::RawTable;
using schemas::TableKind;

// `create_time` counts whole seconds, so it proves a definition only when the clock has left that second for good.
constexpr long kSettledAfterSeconds = 2;
// How often a table is read again because it changed while it was being read.
constexpr int kReadsMax = 3;

Statement for_table(render::SqlLiteral select, std::string_view table, render::SqlLiteral rest) {
    Writer writer(Quote::backtick);
    writer.keyword(select).param(schemas::Text{std::string(table)}).keyword(rest);
    return std::move(writer).finish();
}

const std::string& text_of(const std::optional<std::string>& cell) {
    static const std::string empty;
    return cell ? *cell : empty;
}

template <typename Number>
std::optional<Number> number_of(const std::optional<std::string>& cell) {
    Number number{};
    if (!cell) {
        return std::nullopt;
    }
    const auto [end, error] = std::from_chars(cell->data(), cell->data() + cell->size(), number);
    return error == std::errc() && end == cell->data() + cell->size() ? std::optional(number) : std::nullopt;
}

bool is_system_schema(std::string_view schema) {
    std::string lower(schema);
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return lower == "mysql" || lower == "information_schema" || lower == "performance_schema" || lower == "sys";
}

std::optional<TableKind> kind_of(std::string_view table_type) {
    if (table_type == "BASE TABLE" || table_type == "SYSTEM VERSIONED") {
        return TableKind::table;
    }
    return table_type == "VIEW" ? std::optional(TableKind::view) : std::nullopt;
}

struct Head {
    TableKind kind = TableKind::table;
    std::string engine;
    std::string token;
    bool is_old_enough = false;
};

DbResult<std::string> view_token(const Select& select, std::string_view table) {
    auto rows = select(for_table("SELECT table_name, MD5(view_definition) FROM information_schema.views"
                                 " WHERE table_schema = DATABASE() AND table_name = ",
                                 table, ""));
    if (!rows) {
        return tl::unexpected(std::move(rows.error()));
    }
    for (const TextRow& row : *rows) {
        if (text_of(row[0]) == table) {
            return std::string("view ").append(text_of(row[1]));
        }
    }
    return std::string();
}

// information_schema's names are utf8mb3, and a comparison with anything else is error 1267. No table can bear such a name.
bool can_be_name(std::string_view table) { return schemas::charset_holds("utf8mb3", table); }

DbResult<std::optional<Head>> read_head(const Select& select, std::string_view table) {
    if (!can_be_name(table)) {
        return std::nullopt;
    }
    auto rows = select(for_table("SELECT table_name, table_schema, table_type, engine, CAST(create_time AS CHAR),"
                                 " TIMESTAMPDIFF(SECOND, create_time, NOW())"
                                 " FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = ",
                                 table, ""));
    if (!rows) {
        return tl::unexpected(std::move(rows.error()));
    }
    // The server compares these names without case.
    const auto row = std::find_if(rows->begin(), rows->end(), [&](const TextRow& r) { return text_of(r[0]) == table; });
    if (row == rows->end() || is_system_schema(text_of((*row)[1]))) {
        return std::nullopt;
    }
    const auto kind = kind_of(text_of((*row)[2]));
    if (!kind) {
        return std::nullopt;
    }
    Head head{*kind, text_of((*row)[3]), text_of((*row)[4]), false};
    head.is_old_enough = number_of<long>((*row)[5]).value_or(0) >= kSettledAfterSeconds;
    if (head.kind == TableKind::view) {
        auto token = view_token(select, table);
        if (!token) {
            return tl::unexpected(std::move(token.error()));
        }
        head.token = std::move(*token);
    }
    if (head.token.empty()) {
        head.token = "-";
        head.is_old_enough = false;
    }
    return head;
}

DbResult<bool> can_roll_back(const Select& select, const std::string& engine) {
    if (engine == "InnoDB") {
        return true;
    }
    Writer writer(Quote::backtick);
    writer.keyword("SELECT transactions FROM information_schema.engines WHERE engine = ").param(schemas::Text{engine});
    auto rows = select(std::move(writer).finish());
    if (!rows) {
        return tl::unexpected(std::move(rows.error()));
    }
    return !rows->empty() && text_of(rows->front()[0]) == "YES";
}

DbResult<void> read_columns(const Select& select, RawTable& raw) {
    auto rows = select(for_table(
        "SELECT table_name, column_name, data_type, column_type, is_nullable, column_default, extra, character_set_name,"
        " collation_name, character_maximum_length, character_octet_length, numeric_precision, numeric_scale,"
        " datetime_precision FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = ",
        raw.name, " ORDER BY ordinal_position"));
    if (!rows) {
        return tl::unexpected(std::move(rows.error()));
    }
    for (TextRow& row : *rows) {
        if (text_of(row[0]) != raw.name) {
            continue;
        }
        schemas::RawColumn column;
        column.name = text_of(row[1]);
        column.data_type = text_of(row[2]);
        column.column_type = text_of(row[3]);
        column.is_nullable = text_of(row[4]) == "YES";
        column.default_expression = row[5];
        const std::string& extra = text_of(row[6]);
        const auto says = [&extra](std::string_view word) { return extra.find(word) != std::string::npos; };
        column.is_auto_increment = says("auto_increment");
        // Not DEFAULT_GENERATED: MySQL 8 says that of a column whose default is an expression.
        column.is_generated = says("VIRTUAL GENERATED") || says("STORED GENERATED") || says("PERSISTENT");
        column.charset = text_of(row[7]);
        column.collation = text_of(row[8]);
        column.characters_max = number_of<std::uint64_t>(row[9]);
        column.bytes_max = number_of<std::uint64_t>(row[10]);
        column.numeric_precision = number_of<unsigned>(row[11]);
        column.numeric_scale = number_of<unsigned>(row[12]);
        column.datetime_precision = number_of<unsigned>(row[13]);
        raw.columns.push_back(std::move(column));
    }
    return {};
}

// MariaDB's JSON is LONGTEXT with the check `json_valid(col)` on the column itself.
DbResult<void> read_json_checks(const Select& select, RawTable& raw) {
    const bool may_have_json = std::any_of(raw.columns.begin(), raw.columns.end(),
                                           [](const schemas::RawColumn& c) { return c.data_type == "longtext"; });
    if (!may_have_json) {
        return {};
    }
    auto rows = select(for_table("SELECT table_name, constraint_name, level, check_clause"
                                 " FROM information_schema.check_constraints"
                                 " WHERE constraint_schema = DATABASE() AND table_name = ",
                                 raw.name, ""));
    if (!rows) {
        return tl::unexpected(std::move(rows.error()));
    }
    for (const TextRow& row : *rows) {
        if (text_of(row[0]) != raw.name || text_of(row[2]) != "Column") {
            continue;
        }
        for (schemas::RawColumn& column : raw.columns) {
            if (column.name == text_of(row[1]) && column.data_type == "longtext" &&
                text_of(row[3]).starts_with("json_valid(`")) {
                column.has_json_check = true;
            }
        }
    }
    return {};
}

DbResult<void> read_keys(const Select& select, RawTable& raw) {
    auto rows = select(for_table("SELECT table_name, index_name, column_name, sub_part FROM information_schema.statistics"
                                 " WHERE table_schema = DATABASE() AND table_name = ",
                                 raw.name, " AND non_unique = 0 ORDER BY index_name, seq_in_index"));
    if (!rows) {
        return tl::unexpected(std::move(rows.error()));
    }
    std::vector<std::string> left_out;
    for (const TextRow& row : *rows) {
        if (text_of(row[0]) != raw.name) {
            continue;
        }
        const std::string& name = text_of(row[1]);
        if (raw.keys.empty() || raw.keys.back().name != name) {
            raw.keys.push_back({name, name == "PRIMARY", {}});
        }
        // A key over a part of a column, or over an expression, does not make the column's value unique.
        if (!row[2] || row[3]) {
            left_out.push_back(name);
        } else {
            raw.keys.back().columns.push_back(*row[2]);
        }
    }
    std::erase_if(raw.keys, [&](const schemas::RawKey& key) {
        return std::find(left_out.begin(), left_out.end(), key.name) != left_out.end();
    });
    return {};
}

schemas::ReferentialAction action_of(std::string_view rule) {
    using schemas::ReferentialAction;
    constexpr std::array<std::pair<std::string_view, ReferentialAction>, 4> kRules{{
        {"RESTRICT", ReferentialAction::restrict},
        {"CASCADE", ReferentialAction::cascade},
        {"SET NULL", ReferentialAction::set_null},
        {"SET DEFAULT", ReferentialAction::set_default},
    }};
    const auto* found = std::find_if(kRules.begin(), kRules.end(), [&](const auto& entry) { return entry.first == rule; });
    return found == kRules.end() ? ReferentialAction::no_action : found->second;
}

// Two lookups, each by table, joined here: a join of the two views makes the server read every table of the database.
DbResult<void> read_foreign_keys(const Select& select, RawTable& raw) {
    auto rules = select(for_table("SELECT table_name, constraint_name, delete_rule, update_rule"
                                  " FROM information_schema.referential_constraints"
                                  " WHERE constraint_schema = DATABASE() AND table_name = ",
                                  raw.name, " ORDER BY constraint_name"));
    if (!rules) {
        return tl::unexpected(std::move(rules.error()));
    }
    for (const TextRow& row : *rules) {
        if (text_of(row[0]) == raw.name) {
            schemas::ForeignKey key;
            key.name = text_of(row[1]);
            key.on_delete = action_of(text_of(row[2]));
            key.on_update = action_of(text_of(row[3]));
            raw.foreign_keys.push_back(std::move(key));
        }
    }
    if (raw.foreign_keys.empty()) {
        return {};
    }
    auto columns = select(for_table("SELECT table_name, constraint_name, column_name, referenced_table_name,"
                                    " referenced_column_name, table_schema, referenced_table_schema"
                                    " FROM information_schema.key_column_usage"
                                    " WHERE table_schema = DATABASE() AND table_name = ",
                                    raw.name, " AND referenced_table_name IS NOT NULL ORDER BY ordinal_position"));
    if (!columns) {
        return tl::unexpected(std::move(columns.error()));
    }
    for (const TextRow& row : *columns) {
        for (schemas::ForeignKey& key : raw.foreign_keys) {
            if (text_of(row[0]) == raw.name && key.name == text_of(row[1])) {
                key.columns.push_back(text_of(row[2]));
                key.parent_columns.push_back(text_of(row[4]));
                key.parent_table = text_of(row[5]) == text_of(row[6]) ? text_of(row[3])
                                                                      : text_of(row[6]) + "." + text_of(row[3]);
            }
        }
    }
    return {};
}

}  // namespace

DbResult<std::vector<schemas::TableName>> tables(const Select& select) {
    Writer writer(Quote::backtick);
    writer.keyword(
        "SELECT table_name, table_schema, table_type, engine IN (SELECT engine FROM information_schema.engines"
        " WHERE transactions = 'YES') FROM information_schema.tables WHERE table_schema = DATABASE()");
    auto rows = select(std::move(writer).finish());
    if (!rows) {
        return tl::unexpected(std::move(rows.error()));
    }
    std::vector<schemas::TableName> names;
    for (TextRow& row : *rows) {
        const auto kind = kind_of(text_of(row[2]));
        if (!kind || is_system_schema(text_of(row[1]))) {
            continue;
        }
        const bool is_writable = *kind == TableKind::table && text_of(row[3]) == "1";
        names.push_back({text_of(row[0]), is_writable ? TableKind::table : TableKind::view});
    }
    return names;
}

DbResult<std::optional<RawTable>> introspect(const Select& select, Server server, std::string_view table) {
    for (int read = 1;; ++read) {
        auto head = read_head(select, table);
        if (!head) {
            return tl::unexpected(std::move(head.error()));
        }
        if (!*head) {
            return std::nullopt;
        }
        const Head& before = **head;
        RawTable raw;
        raw.family = schemas::Family::mysql;
        raw.name = std::string(table);
        raw.kind = before.kind;
        raw.version_token = before.token;
        if (auto done = read_columns(select, raw); !done) {
            return tl::unexpected(std::move(done.error()));
        }
        if (raw.columns.empty()) {
            return std::nullopt;
        }
        if (raw.kind == TableKind::table) {
            const auto writable = can_roll_back(select, before.engine);
            if (!writable) {
                return tl::unexpected(writable.error());
            }
            raw.kind = *writable ? TableKind::table : TableKind::view;
            auto done = read_keys(select, raw).and_then([&] { return read_foreign_keys(select, raw); });
            if (done && server == Server::mariadb) {
                done = read_json_checks(select, raw);
            }
            if (!done) {
                return tl::unexpected(std::move(done.error()));
            }
        }
        // information_schema is no snapshot: the token before and after tells whether the parts belong together.
        auto after = version_token(select, table);
        if (!after) {
            return tl::unexpected(std::move(after.error()));
        }
        const bool is_whole = *after == before.token;
        if (!is_whole && read < kReadsMax) {
            continue;
        }
        // Only InnoDB on MariaDB gives the time of the last change; other engines keep a renamed table's old time, and MySQL
        // does not count instant changes.
        raw.is_version_settled = is_whole && before.is_old_enough && before.kind == TableKind::table &&
                                 server == Server::mariadb && before.engine == "InnoDB";
        return raw;
    }
}

DbResult<std::string> version_token(const Select& select, std::string_view table) {
    auto head = read_head(select, table);
    if (!head) {
        return tl::unexpected(std::move(head.error()));
    }
    return *head ? (*head)->token : std::string();
}

}  // namespace sql::mysql
