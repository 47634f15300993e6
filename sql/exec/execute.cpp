#include "sql/exec/execute.h"

#include <cstdint>
#include <limits>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "sql/exec/keys.h"
#include "sql/exec/transaction.h"
#include "sql/render/check.h"

namespace sql::exec {
namespace {

using render::Answer;
using render::Check;
using render::Program;
using render::Proof;

constexpr int kConflictRetriesMax = 3;
DbResult<Outcome> run_read(const Program& program, const std::vector<const schemas::Column*>& columns, Lease& lease,
                           Deadline deadline, RowSink& sink) {
    auto done = lease->query(program.statements.front(), columns, deadline, sink);
    if (!done) {
        return tl::unexpected(as_read(std::move(done.error()), deadline));
    }
    return Outcome{};
}

// One statement, its proof in its own WHERE.
DbResult<Outcome> run_alone(const Program& program, Lease& lease, Deadline deadline) {
    for (int zeros = 0;;) {
        auto count = lease->run(program.statements.front(), deadline);
        if (!count) {
            return tl::unexpected(better_reason(std::move(count.error()), *lease, *program.table, deadline));
        }
        if (*count > 0) {
            return Outcome{.rows_affected = *count, .last_insert_id = std::nullopt};
        }
        // Nothing matched, or the table moved.
        if (auto proof = prove(*lease, *program.table, deadline); !proof) {
            return tl::unexpected(as_read(std::move(proof.error()), deadline));
        }
        if (++zeros >= kZerosBelieved) {
            return Outcome{};
        }
    }
}

DbResult<void> read_inserted_id(const Program& program, Connection& connection, Deadline deadline, Outcome& outcome) {
    if (!program.last_id_is_generated) {
        outcome.last_insert_id = program.last_id_explicit;
        return {};
    }
    const auto id = connection.last_insert_id(deadline);
    if (!id) {
        return tl::unexpected(id.error());
    }
    constexpr auto kSignedMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    if (*id > kSignedMax) {
        outcome.last_insert_id.emplace(std::in_place_type<std::uint64_t>, *id);
    } else if (*id > 0) {
        outcome.last_insert_id.emplace(std::in_place_type<std::int64_t>, static_cast<std::int64_t>(*id));
    }
    return {};
}

// Where the rows go that the statements of a transaction return.
struct Returned {
    std::vector<const schemas::Column*> columns;
    KeyRows keys;
    RowCount count;
    RowSink* rows = nullptr;  // the rows themselves are given back; null: they are keys
};

// One statement of a transaction: the number of rows it wrote.
DbResult<std::uint64_t> run_statement(const Program& program, const render::Statement& statement, Connection& connection, int zeros_believed,
                                      Deadline deadline, Returned& returned) {
    if (!program.returned.empty()) {
        PassedRows rows(returned.rows != nullptr ? *returned.rows : returned.keys);
        if (auto done = connection.query(statement, returned.columns, deadline, rows); !done) {
            return tl::unexpected(std::move(done.error()));
        }
        return rows.rows();
    }
    auto count = connection.run(statement, deadline);
    for (int zeros = 1; count && *count == 0 && !program.rows_expected && zeros < zeros_believed; ++zeros) {
        count = connection.run(statement, deadline);
    }
    return count;
}

DbError too_many_to_check() {
    return {DbFault::set_too_large, Fate::keep, {}, {}, "more rows than a checked write takes"};
}

// Success when the row filters show every row that was written, as the database holds it now.
DbResult<void> check_written(const Program& program, Connection& connection, const render::Dialect& dialect, Deadline deadline, KeyRows&& keys,
                             const Outcome& outcome) {
    const auto key_columns = render::key_columns(*program.table);
    if (keys.rows() != outcome.rows_affected) {
        // Somebody else's row came between the two statements.
        return tl::unexpected(DbError{DbFault::conflict, Fate::keep, {}, {}, "the rows changed are not the rows that were found"});
    }
    RowCount shown;
    const std::uint64_t wanted = keys.rows();
    for (const render::Statement& statement : render::render_shown(*program.plan, dialect, std::move(keys).take())) {
        if (auto done = connection.query(statement, key_columns, deadline, shown); !done) {
            return tl::unexpected(std::move(done.error()));
        }
    }
    if (shown.rows() != wanted) {
        return tl::unexpected(DbError{DbFault::row_forbidden, Fate::keep, {}, {}, "the row filters do not show a row that was written"});
    }
    return {};
}

// What the statements return; `sink` gets the rows of a table without a key as they come.
Returned returned_by(const Program& program, RowSink* sink) {
    Returned returned;
    if (program.check == Check::rows_of_keys_before) {
        returned.columns = render::key_columns(*program.table);
    }
    for (const std::size_t column : program.returned) {
        returned.columns.push_back(&program.table->columns[column]);
    }
    if (!program.table->primary_key && !program.returned.empty()) {
        returned.rows = sink;
    }
    return returned;
}

// The rows that were inserted, as they are now.
DbResult<void> show_inserted(const Program& program, const Returned& returned, Connection& connection, const render::Dialect& dialect,
                             const Company& company, RowSink* sink, Deadline deadline) {
    const plan::ReadPlan* const rows = program.plan != nullptr ? plan::representation_of(*program.plan) : nullptr;
    if (rows == nullptr || sink == nullptr) {
        return {};
    }
    if (returned.rows == nullptr) {
        return show_rows(*rows, dialect, connection, returned.keys.values(), company.answer_bytes_max, *sink, deadline);
    }
    return sink->wants_more() ? DbResult<void>()
                              : tl::unexpected(DbError{DbFault::answer_too_large, Fate::keep, {}, {}, "the rows to be given back"});
}

DbResult<Outcome> run_transaction(const Program& program, Lease& lease, const render::Dialect& dialect, const Company& company, RowSink* sink,
                                  Deadline deadline) {
    Transaction transaction(lease);
    // Until COMMIT is sent, a lost connection means that nothing was done: the server rolls back.
    if (auto begun = transaction.begin(deadline); !begun) {
        return tl::unexpected(as_read(std::move(begun.error()), deadline));
    }
    Outcome outcome;
    Returned returned = returned_by(program, sink);
    if (program.keys_before) {
        if (auto found = lease->query(*program.keys_before, returned.columns, deadline, returned.keys); !found) {
            return tl::unexpected(as_read(better_reason(std::move(found.error()), *lease, *program.table, deadline), deadline));
        }
    }
    if (returned.keys.is_overfull()) {
        return tl::unexpected(too_many_to_check());
    }
    const int zeros_believed = dialect.finds_before_writing() ? 1 : kZerosBelieved;
    for (const render::Statement& statement : program.statements) {
        auto count = run_statement(program, statement, *lease, zeros_believed, deadline, returned);
        if (!count) {
            return tl::unexpected(as_read(better_reason(std::move(count.error()), *lease, *program.table, deadline), deadline));
        }
        outcome.rows_affected += *count;
    }
    if (auto id = read_inserted_id(program, *lease, deadline, outcome); !id) {
        return tl::unexpected(as_read(std::move(id.error()), deadline));
    }
    DbResult<void> written;
    if (returned.keys.is_overfull()) {
        written = tl::unexpected(too_many_to_check());
    } else {
        written = show_inserted(program, returned, *lease, dialect, company, sink, deadline);
    }
    if (written && program.check != Check::none) {
        written = check_written(program, *lease, dialect, deadline, std::move(returned.keys), outcome);
    }
    // After the statements: they hold the table's definition still, so what is proved now is what they ran on.
    if (auto proof = prove(*lease, *program.table, deadline); !proof) {
        return tl::unexpected(as_read(std::move(proof.error()), deadline));
    }
    if (!written) {
        return tl::unexpected(as_read(std::move(written.error()), deadline));
    }
    if (program.rows_expected && outcome.rows_affected != *program.rows_expected) {
        return tl::unexpected(DbError{DbFault::row_refused, Fate::keep, {}, {}, "the database skipped some of the rows"});
    }
    if (auto done = transaction.commit(deadline); !done) {
        return tl::unexpected(std::move(done.error()));
    }
    return outcome;
}

// How a write is run: as its program says, or counted; and then along foreign keys too, to say what is in the way.
enum class Way { plain, counted, explained };

DbResult<Outcome> run_counted_once(const Program& program, Lease& lease, Database& database, const Company& company, Way way, RowSink* sink,
                                   Deadline deadline) {
    auto counted = run_counted(program, lease, database.dialect(), company, way == Way::explained, sink, deadline);
    if (!counted) {
        return tl::unexpected(std::move(counted.error()));
    }
    return Outcome{.rows_affected = counted->rows, .last_insert_id = std::nullopt, .key = std::move(counted->key), .preview = std::move(counted->preview)};
}

DbResult<Outcome> run_once(const Program& program, const std::vector<const schemas::Column*>& columns, Database& database, const Company& company,
                           Way way, Deadline deadline, RowSink* sink) {
    const bool is_read = program.answer == Answer::rows;
    auto lease = is_read ? database.readers().lease(deadline, Purpose::read) : database.writers().lease(deadline, Purpose::write);
    if (!lease) {
        // Not to be tried again: this was a fresh connection, or none was free.
        DbError error = std::move(lease.error());
        if (error.fault == DbFault::unavailable) {
            database.drop_idle();
        }
        error.fate = Fate::keep;
        return tl::unexpected(std::move(error));
    }
    auto outcome = is_read                                 ? run_read(program, columns, *lease, deadline, *sink)
                   : way != Way::plain                    ? run_counted_once(program, *lease, database, company, way, sink, deadline)
                   : program.proof == Proof::in_statement ? run_alone(program, *lease, deadline)
                                                          : run_transaction(program, *lease, database.dialect(), company, sink, deadline);
    if (!outcome && outcome.error().fate == Fate::drop) {
        lease->poison();
    }
    return outcome;
}

bool acts_on_rows(schemas::ReferentialAction action) {
    return action != schemas::ReferentialAction::no_action && action != schemas::ReferentialAction::restrict;
}

// True when foreign keys may lead from rows of the table back into it, as far as the catalog knows.
DbResult<bool> is_led_back(const schemas::TablePtr& table, CatalogCache& catalog, Deadline deadline) {
    const std::string& own = table->name.text();
    std::set<std::string> met;
    std::vector<schemas::TablePtr> open{table};
    while (!open.empty()) {
        const schemas::TablePtr child = std::move(open.back());
        open.pop_back();
        for (const schemas::ForeignKey& key : child->foreign_keys) {
            if (!acts_on_rows(key.on_delete) && !acts_on_rows(key.on_update)) {
                continue;
            }
            if (key.parent_table == own) {
                return true;
            }
            if (!met.insert(key.parent_table).second) {
                continue;
            }
            auto parent = catalog.find(key.parent_table, deadline);
            if (!parent) {
                return tl::unexpected(std::move(parent.error()));
            }
            if (*parent == nullptr) {
                return true;  // it cannot be looked at: nobody knows
            }
            open.push_back(std::move(*parent));
        }
    }
    return false;
}

DbResult<Way> first_way(const Program& program, Database& database, Deadline deadline) {
    switch (program.counting) {
        case render::Counting::never: return Way::plain;
        case render::Counting::always: return Way::counted;
        case render::Counting::when_led_back: break;
    }
    const auto led_back = is_led_back(program.table, database.catalog(), deadline);
    if (!led_back) {
        return tl::unexpected(led_back.error());
    }
    return *led_back ? Way::counted : Way::plain;
}

bool changes_rows(const Program& program) {
    return program.answer == Answer::rows_affected && program.plan != nullptr && plan::precautions_of(*program.plan) != nullptr;
}

// A write always names its table, whatever its proof: without one it is proved in a transaction.
bool can_run(const Program& program, const RowSink* sink) {
    const bool is_single = program.statements.size() == 1;
    if (program.answer == Answer::rows) {
        return is_single && sink != nullptr;
    }
    if (!program.table || program.statements.empty()) {
        return false;
    }
    // A version that is not settled cannot be proved by its token, in a WHERE neither.
    return program.proof != Proof::in_statement || (is_single && program.table->version.is_settled);
}

void wait_a_little(int conflicts) {
    thread_local std::minstd_rand random{std::random_device{}()};
    std::uniform_int_distribution<int> milliseconds(1, 10 << conflicts);
    std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds(random)));
}

}  // namespace

DbResult<Outcome> execute(const Program& program, const std::vector<const schemas::Column*>& columns, Database& database,
                          Deadline deadline, RowSink* sink, const Company& company) {
    if (!can_run(program, sink)) {
        return tl::unexpected(DbError{DbFault::unknown, Fate::keep, {}, {}, "a program that cannot be run"});
    }
    auto way = first_way(program, database, deadline);
    if (!way) {
        return tl::unexpected(std::move(way.error()));
    }
    bool was_lost = false;
    for (int conflicts = 0;;) {
        auto outcome = run_once(program, columns, database, company, *way, deadline, sink);
        if (outcome || deadline.has_passed()) {
            return outcome;
        }
        const DbError& error = outcome.error();
        if (error.fault == DbFault::unavailable && error.fate == Fate::drop && !was_lost) {
            was_lost = true;
            database.drop_idle();
        } else if (error.fault == DbFault::conflict && conflicts < kConflictRetriesMax) {
            wait_a_little(++conflicts);
        } else if (error.fault == DbFault::foreign_key_violated && !error.tally && changes_rows(program) && *way != Way::explained) {
            way = Way::explained;
        } else {
            return outcome;
        }
        if (sink != nullptr) {
            sink->restart();
        }
    }
}

}  // namespace sql::exec
