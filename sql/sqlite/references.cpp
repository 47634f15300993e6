#include "sql/sqlite/references.h"

#include <algorithm>
#include <string>
#include <utility>

#include <sqlite3.h>

#include "sql/exec/row.h"
#include "sql/sqlite/errors.h"
#include "sql/sqlite/introspect.h"
#include "sql/sqlite/words.h"

namespace sql::sqlite {
namespace {

using exec::Cell;
using exec::DbError;
using exec::DbResult;
using exec::Deadline;
using render::Quote;
using render::Statement;
using render::Writer;
using schemas::Reference;
using schemas::References;
using schemas::Trigger;
using schemas::TriggerEvent;
using schemas::TriggerTiming;

class Texts final : public exec::RowSink {
public:
    void row(std::span<const Cell> cells) override {
        std::vector<std::string>& out = rows.emplace_back();
        for (const Cell& cell : cells) {
            out.emplace_back(cell.text);
        }
    }
    void restart() override { rows.clear(); }

    std::vector<std::vector<std::string>> rows;
};

Statement about(render::SqlLiteral before, std::string_view table, render::SqlLiteral after) {
    Writer writer(Quote::double_quote);
    writer.keyword(before).param(schemas::Text{std::string(table)}).keyword(after);
    return std::move(writer).finish();
}

DbResult<std::vector<std::string>> children_of(Session& session, std::string_view table, Deadline deadline) {
    Texts found;
    auto listed = session.select(about("SELECT DISTINCT s.name FROM main.sqlite_schema AS s, pragma_foreign_key_list(s.name, 'main') AS f"
                                       " WHERE s.type = 'table' AND f.\"table\" = ",
                                       table, " COLLATE NOCASE ORDER BY s.name COLLATE BINARY"),
                                 1, deadline, found);
    if (!listed) {
        return tl::unexpected(std::move(listed.error()));
    }
    std::vector<std::string> names;
    for (std::vector<std::string>& row : found.rows) {
        names.push_back(std::move(row[0]));
    }
    return names;
}

// Compiling a DELETE is how SQLite itself finds out that a key's columns and the table's do not go together. It is compiled anew each
// time and never stepped: an EXPLAIN does not look whether the schema is still the one that it was compiled for, and 3.40 then reads
// freed memory.
DbResult<bool> has_broken_key(Session& session, std::string_view table) {
    Writer writer(Quote::double_quote);
    writer.keyword("EXPLAIN DELETE FROM main.").ident(schemas::Ident::from_catalog(std::string(table)));
    const Statement statement = std::move(writer).finish();
    sqlite3_stmt* compiled = nullptr;
    const int code = sqlite3_prepare_v2(session.handle(), statement.text().c_str(), -1, &compiled, nullptr);
    sqlite3_finalize(compiled);
    if (code == SQLITE_OK) {
        return false;
    }
    DbError error = classify(code, sqlite3_errmsg(session.handle()));
    if (error.internal.find("foreign key mismatch") != std::string::npos) {
        return true;
    }
    return tl::unexpected(std::move(error));
}

DbResult<void> read_triggers(Session& session, std::string_view table, Deadline deadline, References& references) {
    Texts found;
    auto listed = session.select(about("SELECT name, sql FROM main.sqlite_schema WHERE type = 'trigger' AND tbl_name = ", table,
                                       " COLLATE NOCASE ORDER BY name COLLATE BINARY"),
                                 2, deadline, found);
    if (!listed) {
        return listed;
    }
    references.are_triggers_complete = true;
    for (std::vector<std::string>& row : found.rows) {
        if (auto trigger = read_trigger(row[1])) {
            trigger->name = std::move(row[0]);
            references.triggers.push_back(std::move(*trigger));
        } else {
            references.are_triggers_complete = false;
        }
    }
    return {};
}

}  // namespace

std::optional<Trigger> read_trigger(std::string_view definition) {
    Words words(definition);
    std::string word = words.next();
    const auto skip = [&](std::string_view expected) {
        const bool is_it = word == expected;
        if (is_it) {
            word = words.next();
        }
        return is_it;
    };
    if (!skip("create")) {
        return std::nullopt;
    }
    if (!skip("temp")) {
        skip("temporary");
    }
    if (!skip("trigger")) {
        return std::nullopt;
    }
    if (skip("if")) {
        skip("not");
        skip("exists");
    }
    word = words.next();  // the name, which may be a word like `after`
    if (skip(".")) {
        word = words.next();
    }
    Trigger trigger;
    trigger.timing = TriggerTiming::before;  // where it says nothing
    if (skip("after")) {
        trigger.timing = TriggerTiming::after;
    } else if (skip("instead")) {
        skip("of");
        trigger.timing = TriggerTiming::instead_of;
    } else {
        skip("before");
    }
    if (word == "delete") {
        trigger.event = TriggerEvent::remove;
    } else if (word == "insert") {
        trigger.event = TriggerEvent::insert;
    } else if (word == "update") {
        trigger.event = TriggerEvent::update;
    } else {
        return std::nullopt;
    }
    return trigger;
}

DbResult<References> referencing(Session& session, std::string_view table, Deadline deadline) {
    References references;
    references.is_complete = true;
    const auto children = children_of(session, table, deadline);
    if (!children) {
        return tl::unexpected(children.error());
    }
    for (const std::string& child : *children) {
        const auto raw = introspect(session, child, deadline);
        if (!raw) {
            return tl::unexpected(raw.error());
        }
        // One that swallows conflicts is shown as a view, without its keys.
        if (!*raw || (*raw)->kind == schemas::TableKind::view) {
            references.is_complete = false;
            continue;
        }
        for (const schemas::ForeignKey& key : (*raw)->foreign_keys) {
            if (key.parent_table == table) {
                references.list.push_back(Reference{{}, child, key});
            }
        }
    }
    if (!references.list.empty()) {
        const auto is_broken = has_broken_key(session, table);
        if (!is_broken) {
            return tl::unexpected(is_broken.error());
        }
        references.is_broken = *is_broken;
    }
    if (auto done = read_triggers(session, table, deadline, references); !done) {
        return tl::unexpected(std::move(done.error()));
    }
    return references;
}

}  // namespace sql::sqlite
