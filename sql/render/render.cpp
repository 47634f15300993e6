#include "sql/render/render.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "sql/render/check.h"
#include "sql/render/counted.h"
#include "sql/render/insert.h"
#include "sql/render/keys.h"
#include "sql/render/where.h"

namespace sql::render {
namespace {

// Databases count rows in signed 64 bits. Past that there is no row, so that a larger number may as well be the largest.
std::int64_t signed_count(std::uint64_t count) {
    constexpr auto kMax = std::numeric_limits<std::int64_t>::max();
    return count > static_cast<std::uint64_t>(kMax) ? kMax : static_cast<std::int64_t>(count);
}

Program as_write(Writer writer, const schemas::TablePtr& table, Proof proof) {
    Program program;
    program.answer = Answer::rows_affected;
    program.table = table;
    program.proof = proof;
    program.statements.push_back(std::move(writer).finish());
    return program;
}

bool can_prove_in_statement(const Dialect& dialect, const schemas::Table& table) {
    return dialect.proves_in_statement() && table.version.is_settled;
}

// A write whose WHERE is not empty, with the proof of the table's version in it where the dialect and the table allow.
Program finish_write(Writer writer, const Dialect& dialect, const schemas::TablePtr& table) {
    if (!can_prove_in_statement(dialect, *table)) {
        return as_write(std::move(writer), table, Proof::in_transaction);
    }
    dialect.freshness(writer, *table);
    return as_write(std::move(writer), table, Proof::in_statement);
}

// Each column of the primary key equals one value: at most one row.
bool is_by_key(const schemas::Table& table, const std::vector<plan::Predicate>& where) {
    return table.primary_key && std::all_of(table.primary_key->columns.begin(), table.primary_key->columns.end(), [&](std::size_t column) {
               return std::any_of(where.begin(), where.end(), [column](const plan::Predicate& predicate) {
                   return predicate.column == column && predicate.kind == plan::PredicateKind::eq;
               });
           });
}

// One row filter counts as conditions of the request's own; of several nobody knows which will hold.
bool tells_meaning(const Dialect& dialect, const plan::DeletePlan& plan) {
    const auto tells = [&](const plan::Predicate& predicate) {
        return dialect.tells_meaning(plan.table->columns[predicate.column], predicate);
    };
    return plan.one_of.size() <= 1 && std::all_of(plan.where.begin(), plan.where.end(), tells) &&
           (plan.one_of.empty() || std::all_of(plan.one_of.front().begin(), plan.one_of.front().end(), tells));
}

bool changes_rows(schemas::ReferentialAction action) {
    return action != schemas::ReferentialAction::no_action && action != schemas::ReferentialAction::restrict;
}

// A way from the table's rows back to them ends with a key of the table's own.
bool may_be_led_back(const schemas::Table& table) {
    return std::any_of(table.foreign_keys.begin(), table.foreign_keys.end(),
                       [](const schemas::ForeignKey& key) { return changes_rows(key.on_delete) || changes_rows(key.on_update); });
}

struct Renderer {
    const Dialect& dialect;

    Program operator()(const plan::ReadPlan& plan) const {
        const schemas::Table& table = *plan.table;
        Writer writer(dialect.quote());
        writer.keyword("SELECT ");
        for (std::size_t i = 0; i < plan.columns.size(); ++i) {
            if (i != 0) {
                writer.keyword(", ");
            }
            dialect.selected(writer, table.columns[plan.columns[i]]);
        }
        writer.keyword(" FROM ").ident(table.name);
        write_where(writer, dialect, table, plan.where, plan.one_of);
        for (std::size_t i = 0; i < plan.order.size(); ++i) {
            if (i == 0) {
                writer.keyword(" ORDER BY ");
            } else {
                writer.keyword(", ");
            }
            dialect.ordered(writer, table.columns[plan.order[i].column]);
            if (plan.order[i].direction == plan::Direction::descending) {
                writer.keyword(" DESC");
            }
        }
        const std::uint64_t limit = std::min(plan.limit, std::numeric_limits<std::uint64_t>::max() - 1) + 1;
        writer.keyword(" LIMIT ");
        if (plan.has_usual_limit) {
            writer.number(limit);  // one text for nearly all reads, and a parameter less
        } else {
            writer.param(signed_count(limit));
        }
        if (plan.offset != 0) {
            writer.keyword(" OFFSET ").param(signed_count(plan.offset));
        }
        Program program;
        program.answer = Answer::rows;
        program.proof = Proof::none;
        program.table = plan.table;
        program.statements.push_back(std::move(writer).finish());
        return program;
    }

    Program operator()(const plan::InsertPlan& plan) const {
        Program program;
        program.answer = Answer::rows_affected;
        program.proof = Proof::in_transaction;
        program.table = plan.table;
        program.statements = render_insert(plan, dialect);
        program.rows_expected = plan.row_count;
        program.check = plan.one_of.empty() ? Check::none : Check::rows_returned;
        program.returned = returned_columns(plan);
        if (const auto auto_increment = plan.table->auto_increment()) {
            const auto at = std::find(plan.columns.begin(), plan.columns.end(), *auto_increment);
            if (at != plan.columns.end()) {
                const auto slot = static_cast<std::size_t>(at - plan.columns.begin());
                if (const schemas::Value* const id = plan.cell(plan.row_count - 1, slot); id != nullptr) {
                    program.last_id_explicit = *id;
                }
            }
            program.last_id_is_generated = !program.last_id_explicit;
        }
        return program;
    }

    Program operator()(const plan::UpdatePlan& plan) const {
        const schemas::Table& table = *plan.table;
        Writer writer(dialect.quote());
        writer.keyword("UPDATE ").ident(table.name).keyword(" SET ");
        for (std::size_t i = 0; i < plan.assignments.size(); ++i) {
            if (i != 0) {
                writer.keyword(", ");
            }
            const schemas::Column& column = table.columns[plan.assignments[i].column];
            writer.ident(column.name).keyword(" = ");
            dialect.stored(writer, column, plan.assignments[i].value);
        }
        write_where(writer, dialect, table, plan.where, plan.one_of);
        if (!plan.one_of.empty()) {
            Program program = as_write(std::move(writer), plan.table, Proof::in_transaction);
            program.keys_before = render_keys_to_update(plan, dialect);
            program.check = Check::rows_of_keys_before;
            return program;
        }
        return finish_write(std::move(writer), dialect, plan.table);
    }

    Program operator()(const plan::DeletePlan& plan) const {
        Program program = render_delete(plan);
        if (may_be_led_back(*plan.table) && !is_by_key(*plan.table, plan.where)) {
            program.counting = Counting::when_led_back;
        }
        return program;
    }

private:
    [[nodiscard]] Program render_delete(const plan::DeletePlan& plan) const {
        const schemas::Table& table = *plan.table;
        if (const auto parts = split_keys(plan.where, plan.one_of, dialect.placeholders_max(), table); !parts.empty()) {
            return render_delete_in_parts(plan, parts);
        }
        Writer writer(dialect.quote());
        writer.keyword("DELETE FROM ").ident(table.name);
        write_where(writer, dialect, table, plan.where, plan.one_of);
        if (!can_prove_in_statement(dialect, table) || !is_by_key(table, plan.where) || !tells_meaning(dialect, plan)) {
            return finish_write(std::move(writer), dialect, plan.table);
        }
        for (const plan::Predicate& predicate : plan.where) {
            dialect.meaning(writer, table.columns[predicate.column], predicate);
        }
        if (!plan.one_of.empty()) {
            for (const plan::Predicate& predicate : plan.one_of.front()) {
                dialect.meaning(writer, table.columns[predicate.column], predicate);
            }
        }
        return as_write(std::move(writer), plan.table, Proof::in_statement);
    }

    [[nodiscard]] Program render_delete_in_parts(const plan::DeletePlan& plan, const std::vector<std::vector<plan::Predicate>>& parts) const {
        Program program;
        program.answer = Answer::rows_affected;
        program.table = plan.table;
        program.proof = Proof::in_transaction;
        for (const std::vector<plan::Predicate>& where : parts) {
            Writer writer(dialect.quote());
            writer.keyword("DELETE FROM ").ident(plan.table->name);
            write_where(writer, dialect, *plan.table, where, plan.one_of);
            program.statements.push_back(std::move(writer).finish());
        }
        return program;
    }
};

const schemas::TablePtr& table_of(const plan::Plan& plan) {
    return std::visit([](const auto& each) -> const schemas::TablePtr& { return each.table; }, plan);
}

Program render_counted(const plan::Plan& plan, const Dialect& dialect) {
    const plan::Precautions& precautions = *plan::precautions_of(plan);
    Program program;
    program.answer = Answer::rows_affected;
    program.proof = Proof::in_transaction;
    program.table = table_of(plan);
    program.counting = Counting::always;
    const std::optional<schemas::Key>& key = program.table->primary_key;
    program.keys_before = std::move(render_find(plan, dialect, key ? key->columns : std::vector<std::size_t>(), rows_sought(precautions)).front());
    program.statements = render_write_by_condition(plan, dialect);
    return program;
}

}  // namespace

Program render(const plan::GuardedPlan& plan, const Dialect& dialect) {
    const plan::Precautions* const precautions = plan::precautions_of(plan.plan());
    Program program = precautions != nullptr && precautions->are_any() ? render_counted(plan.plan(), dialect)
                                                                       : std::visit(Renderer{dialect}, plan.plan());
    program.plan = plan.shared();
    return program;
}

}  // namespace sql::render
