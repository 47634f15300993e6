#include "sql/sqlite/introspect.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "sql/sqlite/conflicts.h"
#include "sql/sqlite/errors.h"

namespace sql::sqlite {
namespace {

using exec::Cell;
using exec::DbResult;
using exec::Deadline;
using render::Quote;
using render::SqlLiteral;
using render::Statement;
using render::Writer;
using schemas::RawColumn;
using schemas::RawKey;
using schemas::RawTable;

template <typename OnRow>
class RowCall : public exec::RowSink {
public:
    explicit RowCall(OnRow& on_row) : on_row_(on_row) {}
    void row(std::span<const Cell> cells) override { on_row_(cells); }
    void restart() override {}

private:
    OnRow& on_row_;
};

template <typename OnRow>
DbResult<void> each_row(Session& session, const Statement& statement, Deadline deadline, OnRow on_row) {
    RowCall<OnRow> sink(on_row);
    return session.select(statement, std::nullopt, deadline, sink);
}

// A statement with one placeholder, and the name that goes there.
Statement about(SqlLiteral text_before, SqlLiteral text_after, std::string_view name) {
    Writer writer(Quote::double_quote);
    writer.keyword(text_before).param(schemas::Text{std::string(name)}).keyword(text_after);
    return std::move(writer).finish();
}

std::string text_of(const Cell& cell) {
    return std::string(cell.text);
}

// As SQLite folds names: ASCII only.
bool is_same_name(std::string_view a, std::string_view b) {
    const auto fold = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return fold(x) == fold(y); });
}

bool is_reserved(std::string_view table) {
    return is_same_name(table.substr(0, 7), "sqlite_");
}

// What a table_list row tells beyond the name.
struct Entry {
    schemas::TableKind kind = schemas::TableKind::table;
    bool is_without_rowid = false;
};

// A table that swallows conflicts can be read, as a view can.
schemas::TableKind kind_of(const Cell& type, const Cell& definition) {
    return type.text == "view" || swallows_conflicts(definition.text) ? schemas::TableKind::view : schemas::TableKind::table;
}

struct ColumnsRead {
    std::vector<RawColumn> columns;
    std::vector<std::pair<std::int64_t, std::string>> primary;  // place in the key, column
};

DbResult<std::optional<Entry>> find_entry(Session& session, std::string_view table, Deadline deadline) {
    // A statement on a real table makes SQLite compare its idea of the schema with the file, and read it again if it is old.
    const auto is_there = exists(session, table, deadline);
    if (!is_there) {
        return tl::unexpected(is_there.error());
    }
    if (!*is_there || is_reserved(table)) {
        return std::nullopt;
    }
    std::optional<Entry> found;
    return each_row(
               session,
               about("SELECT l.type, s.sql, l.wr"
                     " FROM main.sqlite_schema AS s JOIN pragma_table_list(s.name) AS l ON l.schema = 'main' AND l.type = s.type"
                     " WHERE s.type IN ('table', 'view') AND s.name = ",
                     "", table),
               deadline,
               [&](std::span<const Cell> cells) {
                   found = Entry{.kind = kind_of(cells[0], cells[1]), .is_without_rowid = cells[2].integer != 0};
               })
        .map([&] { return found; });
}

DbResult<ColumnsRead> read_columns(Session& session, std::string_view table, Deadline deadline) {
    ColumnsRead read;
    constexpr std::int64_t kHidden = 1;
    return each_row(session,
                    about("SELECT name, type, \"notnull\", dflt_value, pk, hidden FROM pragma_table_xinfo(",
                          ", 'main') ORDER BY cid", table),
                    deadline,
                    [&](std::span<const Cell> cells) {
                        if (cells[5].integer == kHidden) {
                            return;
                        }
                        RawColumn column;
                        column.name = text_of(cells[0]);
                        column.column_type = text_of(cells[1]);
                        // SQLite lets NULL into a primary key that is not the rowid; nobody means that.
                        column.is_nullable = cells[2].integer == 0 && cells[4].integer == 0;
                        if (cells[3].kind != Cell::Kind::null) {
                            column.default_expression = text_of(cells[3]);
                        }
                        column.is_generated = cells[5].integer != 0;
                        if (cells[4].integer != 0) {
                            read.primary.emplace_back(cells[4].integer, column.name);
                        }
                        read.columns.push_back(std::move(column));
                    })
        .map([&] {
            std::sort(read.primary.begin(), read.primary.end());
            return std::move(read);
        });
}

std::string collation_of(Session& session, const char* table, const char* column) {
    const char* collation = nullptr;
    const int code =
        sqlite3_table_column_metadata(session.handle(), "main", table, column, nullptr, &collation, nullptr, nullptr, nullptr);
    return code == SQLITE_OK && collation != nullptr ? collation : "BINARY";
}

struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Compiled = std::unique_ptr<sqlite3_stmt, Finalize>;

// A SELECT of all of a view's columns; null for a view that does not work: something that it names is gone, or it says "text"
// where SQL wants 'text'. (table_list's ncol does not tell: one such view hides the columns of others from it.)
DbResult<Compiled> compile_view(Session& session, const std::string& view) {
    Writer writer(Quote::double_quote);
    writer.keyword("SELECT * FROM main.").ident(schemas::Ident::from_catalog(view));
    const Statement statement = std::move(writer).finish();
    sqlite3_stmt* compiled = nullptr;
    const int code = sqlite3_prepare_v2(session.handle(), statement.text().c_str(), -1, &compiled, nullptr);
    if (code != SQLITE_OK && code != SQLITE_ERROR) {
        return tl::unexpected(classify(code, sqlite3_errmsg(session.handle())));
    }
    return Compiled(compiled);
}

// A view's column that is a table's column compares as that one does. `columns` are in the view's order.
void read_view_collations(Session& session, const Compiled& view, std::vector<RawColumn>& columns) {
    const auto count = static_cast<std::size_t>(sqlite3_column_count(view.get()));
    for (std::size_t i = 0; i < std::min(count, columns.size()); ++i) {
        const char* table = sqlite3_column_table_name(view.get(), static_cast<int>(i));
        const char* column = sqlite3_column_origin_name(view.get(), static_cast<int>(i));
        columns[i].collation = table == nullptr || column == nullptr ? "BINARY" : collation_of(session, table, column);
    }
}

struct IndexRead {
    std::string name;
    bool is_unique = false;
    bool is_partial = false;
    bool is_of_primary_key = false;
};

DbResult<std::vector<IndexRead>> read_indexes(Session& session, std::string_view table, Deadline deadline) {
    std::vector<IndexRead> indexes;
    return each_row(session,
                    about("SELECT name, \"unique\", partial, origin FROM pragma_index_list(", ", 'main') ORDER BY name", table),
                    deadline,
                    [&](std::span<const Cell> cells) {
                        indexes.push_back(IndexRead{.name = text_of(cells[0]),
                                                    .is_unique = cells[1].integer != 0,
                                                    .is_partial = cells[2].integer != 0,
                                                    .is_of_primary_key = cells[3].text == "pk"});
                    })
        .map([&] { return std::move(indexes); });
}

// The columns of an index; none when a part of it is an expression or the rowid, or tells texts apart that its column, by which
// conditions compare, takes for equal.
DbResult<std::vector<std::string>> read_index_columns(Session& session, std::string_view index, const std::vector<RawColumn>& of_table,
                                                      Deadline deadline) {
    std::vector<std::string> columns;
    bool is_plain = true;
    const auto compares_as_column = [&](std::string_view name, std::string_view collation) {
        const auto column = std::find_if(of_table.begin(), of_table.end(), [&](const RawColumn& one) { return one.name == name; });
        return column != of_table.end() && (is_same_name(column->collation, "BINARY") || is_same_name(column->collation, collation));
    };
    return each_row(session, about("SELECT cid, name, coll FROM pragma_index_xinfo(", ", 'main') WHERE key = 1 ORDER BY seqno", index),
                    deadline,
                    [&](std::span<const Cell> cells) {
                        is_plain = is_plain && cells[0].integer >= 0 && compares_as_column(cells[1].text, cells[2].text);
                        columns.push_back(text_of(cells[1]));
                    })
        .map([&] { return is_plain ? std::move(columns) : std::vector<std::string>(); });
}

DbResult<void> read_keys(Session& session, const Entry& entry, const ColumnsRead& read, RawTable& raw, Deadline deadline) {
    if (!read.primary.empty()) {
        RawKey key{.name = "PRIMARY", .is_primary = true, .columns = {}};
        for (const auto& [place, column] : read.primary) {
            key.columns.push_back(column);
        }
        raw.keys.push_back(std::move(key));
    }
    const auto indexes = read_indexes(session, raw.name, deadline);
    if (!indexes) {
        return tl::unexpected(indexes.error());
    }
    bool has_primary_index = false;
    for (const IndexRead& index : *indexes) {
        has_primary_index = has_primary_index || index.is_of_primary_key;
        if (!index.is_unique || index.is_partial) {
            continue;
        }
        auto columns = read_index_columns(session, index.name, raw.columns, deadline);
        if (!columns) {
            return tl::unexpected(columns.error());
        }
        if (columns->empty() && index.is_of_primary_key) {
            std::erase_if(raw.keys, [](const RawKey& key) { return key.is_primary; });
        }
        if (!columns->empty() && !index.is_of_primary_key) {
            raw.keys.push_back(RawKey{.name = index.name, .is_primary = false, .columns = std::move(*columns)});
        }
    }
    // A rowid alias: INTEGER and nothing else. INTEGER PRIMARY KEY DESC is none, and shows it by having an index.
    if (read.primary.size() == 1 && !entry.is_without_rowid && !has_primary_index) {
        for (RawColumn& column : raw.columns) {
            column.is_auto_increment = column.name == read.primary[0].second && is_same_name(column.column_type, "INTEGER");
        }
    }
    return {};
}

schemas::ReferentialAction action_of(std::string_view text) {
    using schemas::ReferentialAction;
    if (text == "CASCADE") {
        return ReferentialAction::cascade;
    }
    if (text == "SET NULL") {
        return ReferentialAction::set_null;
    }
    if (text == "SET DEFAULT") {
        return ReferentialAction::set_default;
    }
    return text == "RESTRICT" ? ReferentialAction::restrict : ReferentialAction::no_action;
}

// The declaration names the parent in any case, and need not name its columns. Afterwards both are as the parent has them.
DbResult<void> resolve_parent(Session& session, schemas::ForeignKey& key, Deadline deadline) {
    auto found = each_row(
        session, about("SELECT name FROM sqlite_schema WHERE type = 'table' AND name = ", " COLLATE NOCASE", key.parent_table),
        deadline, [&](std::span<const Cell> cells) { key.parent_table = text_of(cells[0]); });
    if (!found) {
        return found;
    }
    const auto parent = read_columns(session, key.parent_table, deadline);
    if (!parent) {
        return tl::unexpected(parent.error());
    }
    const bool is_implicit =
        std::any_of(key.parent_columns.begin(), key.parent_columns.end(), [](const std::string& name) { return name.empty(); });
    if (is_implicit) {
        key.parent_columns.clear();
        for (const auto& [place, column] : parent->primary) {
            key.parent_columns.push_back(column);
        }
        return {};
    }
    for (std::string& name : key.parent_columns) {
        const auto match = std::find_if(parent->columns.begin(), parent->columns.end(),
                                        [&](const RawColumn& column) { return is_same_name(column.name, name); });
        if (match != parent->columns.end()) {
            name = match->name;
        }
    }
    return {};
}

DbResult<void> read_foreign_keys(Session& session, RawTable& raw, Deadline deadline) {
    std::optional<std::int64_t> current;
    auto listed =
        each_row(session,
                 about("SELECT id, \"table\", \"from\", \"to\", on_update, on_delete FROM pragma_foreign_key_list(",
                       ", 'main') ORDER BY id, seq", raw.name),
                 deadline, [&](std::span<const Cell> cells) {
                     if (current != cells[0].integer) {
                         current = cells[0].integer;
                         schemas::ForeignKey key;
                         key.parent_table = text_of(cells[1]);
                         key.on_update = action_of(cells[4].text);
                         key.on_delete = action_of(cells[5].text);
                         raw.foreign_keys.push_back(std::move(key));
                     }
                     raw.foreign_keys.back().columns.push_back(text_of(cells[2]));
                     raw.foreign_keys.back().parent_columns.push_back(text_of(cells[3]));
                 });
    if (!listed) {
        return listed;
    }
    for (schemas::ForeignKey& key : raw.foreign_keys) {
        if (auto resolved = resolve_parent(session, key, deadline); !resolved) {
            return resolved;
        }
    }
    return {};
}

DbResult<std::optional<RawTable>> read_table(Session& session, std::string_view table, Deadline deadline) {
    const auto entry = find_entry(session, table, deadline);
    if (!entry) {
        return tl::unexpected(entry.error());
    }
    if (!*entry) {
        return std::nullopt;
    }
    RawTable raw;
    raw.family = schemas::Family::sqlite;
    raw.name = std::string(table);
    raw.kind = (*entry)->kind;
    raw.is_version_settled = true;
    auto token = version_token(session, deadline);
    if (!token) {
        return tl::unexpected(token.error());
    }
    raw.version_token = std::move(*token);
    Compiled view;
    if (raw.kind == schemas::TableKind::view) {
        auto compiled = compile_view(session, raw.name);
        if (!compiled) {
            return tl::unexpected(compiled.error());
        }
        if (*compiled == nullptr) {
            return std::nullopt;
        }
        view = std::move(*compiled);
    }
    auto read = read_columns(session, table, deadline);
    if (!read) {
        return tl::unexpected(read.error());
    }
    raw.columns = std::move(read->columns);
    if (view != nullptr) {
        read_view_collations(session, view, raw.columns);
        return raw;
    }
    for (RawColumn& column : raw.columns) {
        column.collation = collation_of(session, raw.name.c_str(), column.name.c_str());
    }
    return read_keys(session, **entry, *read, raw, deadline)
        .and_then([&] { return read_foreign_keys(session, raw, deadline); })
        .map([&] { return std::optional<RawTable>(std::move(raw)); });
}

}  // namespace

DbResult<std::vector<schemas::TableName>> list_tables(Session& session, Deadline deadline) {
    static const Statement kList = literal(
        "SELECT l.name, l.type, s.sql"
        " FROM pragma_table_list AS l JOIN main.sqlite_schema AS s ON s.name = l.name AND s.type = l.type"
        " WHERE l.schema = 'main' AND l.type IN ('table', 'view') ORDER BY l.name COLLATE BINARY");
    std::vector<schemas::TableName> listed;
    const auto list = each_row(session, kList, deadline, [&](std::span<const Cell> cells) {
        if (!is_reserved(cells[0].text)) {
            listed.push_back({.name = text_of(cells[0]), .kind = kind_of(cells[1], cells[2])});
        }
    });
    if (!list) {
        return tl::unexpected(list.error());
    }
    std::vector<schemas::TableName> tables;
    for (schemas::TableName& each : listed) {
        if (each.kind == schemas::TableKind::view) {
            const auto view = compile_view(session, each.name);
            if (!view) {
                return tl::unexpected(view.error());
            }
            if (*view == nullptr) {
                continue;
            }
        }
        tables.push_back(std::move(each));
    }
    return tables;
}

DbResult<std::optional<RawTable>> introspect(Session& session, std::string_view table, Deadline deadline) {
    if (session.is_in_transaction()) {
        return read_table(session, table, deadline);
    }
    if (const auto begun = session.begin(Session::Lock::none, deadline); !begun) {
        return tl::unexpected(begun.error());
    }
    auto read = read_table(session, table, deadline);
    if (const auto ended = session.rollback(); !ended) {
        return tl::unexpected(ended.error());
    }
    return read;
}

DbResult<std::string> version_token(Session& session, Deadline deadline) {
    static const Statement kVersion = literal("PRAGMA main.schema_version");
    std::int64_t version = 0;
    return each_row(session, kVersion, deadline, [&](std::span<const Cell> cells) { version = cells[0].integer; }).map([&] {
        const FileIdentity& file = session.identity();
        return fmt::format("{} {}:{}:{}", version, file.device, file.inode, file.born_ns);
    });
}

DbResult<bool> exists(Session& session, std::string_view table, Deadline deadline) {
    bool is_there = false;
    return each_row(session, about("SELECT 1 FROM main.sqlite_schema WHERE type IN ('table', 'view') AND name = ", "", table),
                    deadline, [&](std::span<const Cell>) { is_there = true; })
        .map([&] { return is_there; });
}

}  // namespace sql::sqlite
