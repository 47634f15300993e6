#include "sql/mysql/references.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <tuple>
#include <utility>

#include "schemas/value.h"

namespace sql::mysql {
namespace {

using exec::DbFault;
using exec::DbResult;
using render::Quote;
using render::Statement;
using render::Writer;
using schemas::Reference;
using schemas::ReferentialAction;
using schemas::References;
using schemas::Trigger;
using schemas::TriggerEvent;
using schemas::TriggerTiming;

// Tables that fall out of the server's cache of open tables between two counts are opened once more.
constexpr int kCountsMax = 4;

const std::string& text_of(const std::optional<std::string>& cell) {
    static const std::string empty;
    return cell ? *cell : empty;
}

std::uint64_t number_of(const std::optional<std::string>& cell) {
    std::uint64_t number = 0;
    const std::string& text = text_of(cell);
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

Statement about(render::SqlLiteral select, std::string_view table, render::SqlLiteral rest) {
    Writer writer(Quote::backtick);
    writer.keyword(select).param(schemas::Text{std::string(table)}).keyword(rest);
    return std::move(writer).finish();
}

// The bits of dict_foreign_t::type.
ReferentialAction action_of(std::uint64_t type, std::uint64_t cascade, std::uint64_t set_null, std::uint64_t no_action) {
    if ((type & cascade) != 0) {
        return ReferentialAction::cascade;
    }
    if ((type & set_null) != 0) {
        return ReferentialAction::set_null;
    }
    return (type & no_action) != 0 ? ReferentialAction::no_action : ReferentialAction::restrict;
}

ReferentialAction action_of(std::string_view rule) {
    if (rule == "CASCADE") {
        return ReferentialAction::cascade;
    }
    if (rule == "SET NULL") {
        return ReferentialAction::set_null;
    }
    if (rule == "SET DEFAULT") {
        return ReferentialAction::set_default;
    }
    return rule == "NO ACTION" ? ReferentialAction::no_action : ReferentialAction::restrict;
}

void add_row(std::vector<Reference>& list, Reference&& row, const std::string& column, const std::string& parent_column) {
    const bool is_next_column = !list.empty() && list.back().child_database == row.child_database &&
                                list.back().child_table == row.child_table && list.back().key.name == row.key.name;
    if (!is_next_column) {
        list.push_back(std::move(row));
    }
    list.back().key.columns.push_back(column);
    list.back().key.parent_columns.push_back(parent_column);
}

// InnoDB spells names as files are named; the character set `filename` is the server's own door to and from it. The name of a
// constraint, behind its database's, is the only part that is not so spelled.
Statement innodb_keys(Server server, std::string_view table) {
    Writer writer(Quote::backtick);
    writer.keyword(
        "SELECT IF(CAST(SUBSTRING_INDEX(f.for_name, '/', 1) AS BINARY) = CAST(SUBSTRING_INDEX(f.ref_name, '/', 1) AS BINARY), '',"
        " CONVERT(CONVERT(CAST(SUBSTRING_INDEX(f.for_name, '/', 1) AS BINARY) USING filename) USING utf8mb4)),"
        " CONVERT(CONVERT(CAST(SUBSTRING_INDEX(f.for_name, '/', -1) AS BINARY) USING filename) USING utf8mb4),"
        " SUBSTRING(f.id, LOCATE('/', f.id) + 1), f.type, c.for_col_name, c.ref_col_name FROM ");
    if (server == Server::mariadb) {
        writer.keyword("information_schema.innodb_sys_foreign AS f JOIN information_schema.innodb_sys_foreign_cols AS c");
    } else {
        writer.keyword("information_schema.innodb_foreign AS f JOIN information_schema.innodb_foreign_cols AS c");
    }
    writer.keyword(
        " ON CAST(c.id AS BINARY) = CAST(f.id AS BINARY) WHERE CAST(f.ref_name AS BINARY) = CONCAT(CAST(CONVERT(DATABASE() USING filename) AS BINARY), '/',"
        " CAST(CONVERT(");
    writer.param(schemas::Text{std::string(table)}).keyword(" USING filename) AS BINARY)) ORDER BY CAST(f.id AS BINARY), c.pos");
    return std::move(writer).finish();
}

// Nothing when our account lacks the privilege.
DbResult<std::optional<std::vector<Reference>>> read_from_innodb(const Select& select, Server server, std::string_view table) {
    const auto rows = select(innodb_keys(server, table));
    if (!rows) {
        if (rows.error().fault == DbFault::denied) {
            return std::nullopt;
        }
        return tl::unexpected(rows.error());
    }
    std::vector<Reference> list;
    for (const TextRow& row : *rows) {
        const std::uint64_t type = number_of(row[3]);
        Reference reference{text_of(row[0]), text_of(row[1]), {}};
        reference.key.name = text_of(row[2]);
        reference.key.parent_table = std::string(table);
        reference.key.on_delete = action_of(type, 1, 2, 16);
        reference.key.on_update = action_of(type, 4, 8, 32);
        add_row(list, std::move(reference), text_of(row[4]), text_of(row[5]));
    }
    return list;
}

DbResult<std::vector<Reference>> read_shown(const Select& select, std::string_view table) {
    const auto keys = select(about("SELECT table_name, constraint_name, delete_rule, update_rule, referenced_table_name"
                                   " FROM information_schema.referential_constraints WHERE constraint_schema = DATABASE()"
                                   " AND unique_constraint_schema = DATABASE() AND referenced_table_name = ",
                                   table, " ORDER BY table_name, constraint_name"));
    if (!keys) {
        return tl::unexpected(keys.error());
    }
    std::vector<Reference> list;
    std::string read_table;
    std::vector<TextRow> columns;
    for (const TextRow& key : *keys) {
        if (text_of(key[4]) != table) {  // the server compares without case
            continue;
        }
        if (read_table != text_of(key[0])) {
            read_table = text_of(key[0]);
            auto rows = select(about("SELECT table_name, constraint_name, column_name, referenced_column_name"
                                     " FROM information_schema.key_column_usage"
                                     " WHERE table_schema = DATABASE() AND table_name = ",
                                     read_table, " AND referenced_table_name IS NOT NULL ORDER BY constraint_name, ordinal_position"));
            if (!rows) {
                return tl::unexpected(rows.error());
            }
            columns = std::move(*rows);
        }
        for (const TextRow& row : columns) {
            if (text_of(row[0]) != text_of(key[0]) || text_of(row[1]) != text_of(key[1])) {
                continue;
            }
            Reference reference{{}, text_of(key[0]), {}};
            reference.key.name = text_of(key[1]);
            reference.key.parent_table = std::string(table);
            reference.key.on_delete = action_of(text_of(key[2]));
            reference.key.on_update = action_of(text_of(key[3]));
            add_row(list, std::move(reference), text_of(row[2]), text_of(row[3]));
        }
    }
    return list;
}

DbResult<void> read_triggers(const Select& select, std::string_view table, References& references) {
    const auto rows = select(about("SELECT event_object_table, trigger_name, event_manipulation, action_timing"
                                   " FROM information_schema.triggers"
                                   " WHERE event_object_schema = DATABASE() AND event_object_table = ",
                                   table, " ORDER BY trigger_name"));
    if (!rows) {
        return tl::unexpected(rows.error());
    }
    for (const TextRow& row : *rows) {
        if (text_of(row[0]) != table) {
            continue;
        }
        const std::string& event = text_of(row[2]);
        references.triggers.push_back({text_of(row[1]),
                                       event == "INSERT"   ? TriggerEvent::insert
                                       : event == "UPDATE" ? TriggerEvent::update
                                                           : TriggerEvent::remove,
                                       text_of(row[3]) == "BEFORE" ? TriggerTiming::before : TriggerTiming::after});
    }
    // Only who has the privilege TRIGGER is shown triggers. (What a role gives is not found here: then we do not know.)
    const auto right = select(about("SELECT 1 FROM (SELECT grantee, privilege_type FROM information_schema.user_privileges"
                                    " UNION ALL SELECT grantee, privilege_type FROM information_schema.schema_privileges"
                                    " WHERE DATABASE() LIKE table_schema"
                                    " UNION ALL SELECT grantee, privilege_type FROM information_schema.table_privileges"
                                    " WHERE table_schema = DATABASE() AND table_name = ",
                                    table,
                                    ") AS p WHERE privilege_type = 'TRIGGER' AND grantee = CONCAT('''',"
                                    " LEFT(CURRENT_USER(), CHAR_LENGTH(CURRENT_USER()) - CHAR_LENGTH(SUBSTRING_INDEX(CURRENT_USER(), '@', -1)) - 1),"
                                    " '''@''', SUBSTRING_INDEX(CURRENT_USER(), '@', -1), '''') LIMIT 1"));
    if (!right) {
        return tl::unexpected(right.error());
    }
    references.are_triggers_complete = !right->empty();
    return {};
}

DbResult<std::uint64_t> count_of_opened(const Select& select) {
    Writer writer(Quote::backtick);
    writer.keyword("SHOW SESSION STATUS WHERE variable_name IN ('Table_open_cache_hits', 'Table_open_cache_misses')");
    const auto rows = select(std::move(writer).finish());
    if (!rows) {
        return tl::unexpected(rows.error());
    }
    std::uint64_t sum = 0;
    for (const TextRow& row : *rows) {
        sum += number_of(row[1]);
    }
    return sum;
}

}  // namespace

DbResult<References> referencing(const Select& select, Server server, std::string_view table) {
    References references;
    // No table can bear such a name, and a comparison with the catalog's names would be an error.
    if (!schemas::charset_holds("utf8mb3", table)) {
        return references;
    }
    auto listed = read_from_innodb(select, server, table);
    if (!listed) {
        return tl::unexpected(std::move(listed.error()));
    }
    if (*listed) {
        references.list = std::move(**listed);
        references.is_complete = true;
    } else {
        auto shown = read_shown(select, table);
        if (!shown) {
            return tl::unexpected(std::move(shown.error()));
        }
        references.list = std::move(*shown);
    }
    std::sort(references.list.begin(), references.list.end(), [](const Reference& a, const Reference& b) {
        return std::tie(a.child_database, a.child_table, a.key.name) < std::tie(b.child_database, b.child_table, b.key.name);
    });
    if (auto done = read_triggers(select, table, references); !done) {
        return tl::unexpected(std::move(done.error()));
    }
    return references;
}

DbResult<std::optional<std::size_t>> tables_of_delete(const Select& select, const Run& run, const schemas::Ident& table) {
    std::optional<std::uint64_t> last;
    for (int count = 0; count < kCountsMax; ++count) {
        const auto before = count_of_opened(select);
        if (!before) {
            return tl::unexpected(before.error());
        }
        Writer writer(Quote::backtick);
        writer.keyword("DELETE FROM ").ident(table).keyword(" WHERE FALSE");
        const auto deleted = run(std::move(writer).finish());
        if (!deleted) {
            const bool may_not = deleted.error().fault == DbFault::denied || deleted.error().fault == DbFault::read_only;
            return may_not ? DbResult<std::optional<std::size_t>>(std::nullopt) : tl::unexpected(deleted.error());
        }
        const auto after = count_of_opened(select);
        if (!after) {
            return tl::unexpected(after.error());
        }
        // The first DELETE finds out which tables it needs by opening some of them twice.
        if (last == *after - *before) {
            return static_cast<std::size_t>(*last);
        }
        last = *after - *before;
    }
    return std::nullopt;
}

}  // namespace sql::mysql
