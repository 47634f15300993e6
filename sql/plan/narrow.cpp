#include "sql/plan/narrow.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "sql/plan/message.h"

namespace sql::plan {
namespace {

using Grants = std::vector<const Alternative*>;

PlanError no_grant() {
    return {Fault::forbidden, "no single grant of the caller allows all the columns that the request uses", "use fewer columns",
            "", std::nullopt, Origin::target};
}

PlanError contradicted() {
    return {Fault::row_forbidden, "the caller's grants force another value than the body has; nothing was changed", "",
            "", std::nullopt, Origin::body};
}

std::size_t column_of(const Predicate& predicate) { return predicate.column; }
std::size_t column_of(const Order& order) { return order.column; }
std::size_t column_of(const Assignment& assignment) { return assignment.column; }
std::size_t column_of(std::size_t column) { return column; }

Grants all_of(const Policy& policy) {
    Grants grants;
    for (const Alternative& grant : policy.alternatives) {
        grants.push_back(&grant);
    }
    return grants;
}

template <typename Drop>
void drop_if(Grants& grants, Drop drop) {
    grants.erase(std::remove_if(grants.begin(), grants.end(), [&](const Alternative* grant) { return drop(*grant); }), grants.end());
}

// The column of the first part for which the grant does not hold what `is_allowed` asks.
template <typename Parts, typename IsAllowed>
std::optional<std::size_t> first_not(const Parts& parts, IsAllowed is_allowed) {
    const auto found = std::find_if(parts.begin(), parts.end(), [&](const auto& part) { return !is_allowed(part); });
    return found == parts.end() ? std::nullopt : std::optional(column_of(*found));
}

std::optional<std::size_t> not_filtered(const Alternative& grant, const std::vector<Order>& order) {
    return first_not(order, [&](const Order& term) { return grant.filter.contains(term.column); });
}

// Of a plan's conditions. One on a composite key uses all of its columns.
template <typename AnyPlan>
std::optional<std::size_t> not_filtered(const Alternative& grant, const AnyPlan& plan) {
    const auto column = first_not(plan.where, [&](const Predicate& predicate) { return grant.filter.contains(predicate.column); });
    const bool names_keys = std::any_of(plan.where.begin(), plan.where.end(),
                                        [](const Predicate& predicate) { return predicate.kind == PredicateKind::key_in; });
    if (column || !names_keys) {
        return column;
    }
    return first_not(plan.table->primary_key->columns, [&](std::size_t part) { return grant.filter.contains(part); });
}

// Of a write's conditions and order.
template <typename WritePlan>
std::optional<std::size_t> not_found(const Alternative& grant, const WritePlan& plan) {
    const auto column = not_filtered(grant, plan);
    return column ? column : not_filtered(grant, plan.precautions.order);
}

std::optional<std::size_t> not_read(const Alternative& grant, const std::vector<std::size_t>& columns) {
    return first_not(columns, [&](std::size_t column) { return grant.read.contains(column); });
}

// Joined with OR; a grant without a row filter lifts those of the others.
RowFilters row_filters(const Grants& grants) {
    RowFilters filters;
    for (const Alternative* grant : grants) {
        if (grant->row_filter.empty()) {
            return {};
        }
        filters.push_back(grant->row_filter);
    }
    return filters;
}

// What a read that names no columns gives: columns that go with every row that the grants show. A grant without a row filter
// shows every row, so the one of them with the most columns says; else what all of them have.
std::vector<std::size_t> common_columns(const Grants& grants, std::size_t count) {
    const auto columns_of = [count](auto holds) {
        std::vector<std::size_t> columns;
        for (std::size_t i = 0; i < count; ++i) {
            if (holds(i)) {
                columns.push_back(i);
            }
        }
        return columns;
    };
    std::vector<std::size_t> widest;
    for (const Alternative* grant : grants) {
        if (grant->row_filter.empty()) {
            auto columns = columns_of([&](std::size_t i) { return grant->read.contains(i); });
            if (columns.size() > widest.size()) {
                widest = std::move(columns);
            }
        }
    }
    if (!widest.empty()) {
        return widest;
    }
    return columns_of([&](std::size_t i) {
        return std::all_of(grants.begin(), grants.end(), [i](const Alternative* grant) { return grant->read.contains(i); });
    });
}

tl::expected<void, PlanError> check_key(const schemas::Table& table, const RowFilters& filters) {
    if (filters.empty() || table.primary_key) {
        return {};
    }
    return tl::unexpected(PlanError{Fault::not_implemented,
                                    "the caller's grants have a row filter, and a row that is written cannot be found again in a table "
                                    "without a primary key",
                                    "", "", std::nullopt, Origin::target});
}

// The grants of one write must force the same values: else what is written would depend on which of them a row is seen by.
// `is_silent` tells whether the body leaves a column to the grant.
template <typename IsSilent>
tl::expected<std::vector<Assignment>, PlanError> agree_on_values(Grants& grants, IsSilent is_silent) {
    const auto forced = [&](const Alternative& grant) {
        std::vector<Assignment> values;
        std::copy_if(grant.values.begin(), grant.values.end(), std::back_inserter(values),
                     [&](const Assignment& value) { return is_silent(value.column); });
        return values;
    };
    const auto is_same = [](const std::vector<Assignment>& a, const std::vector<Assignment>& b) {
        return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Assignment& one, const Assignment& other) {
            return one.column == other.column && one.value == other.value;
        });
    };
    const std::vector<Assignment> first = forced(*grants.front());
    if (std::all_of(grants.begin(), grants.end(), [&](const Alternative* grant) { return is_same(forced(*grant), first); })) {
        return first;
    }
    drop_if(grants, [&](const Alternative& grant) { return !forced(grant).empty(); });
    if (!grants.empty()) {
        return std::vector<Assignment>{};
    }
    return tl::unexpected(PlanError{Fault::row_forbidden, "the caller's grants force different values; nothing was changed",
                                    "name the columns in the body", "", std::nullopt, Origin::body});
}

const Assignment* forced_by(const Alternative& grant, std::size_t column) {
    const auto found = std::find_if(grant.values.begin(), grant.values.end(), [column](const Assignment& value) { return value.column == column; });
    return found == grant.values.end() ? nullptr : &*found;
}

bool gives_all(const InsertPlan& plan, std::size_t slot) {
    for (std::size_t row = 0; row < plan.row_count; ++row) {
        if (plan.cell(row, slot) == nullptr) {
            return false;
        }
    }
    return true;
}

// Each cell that is given is what the grant forces.
bool agrees(const InsertPlan& plan, std::size_t slot, const schemas::Value& forced) {
    for (std::size_t row = 0; row < plan.row_count; ++row) {
        const schemas::Value* const cell = plan.cell(row, slot);
        if (cell != nullptr && *cell != forced) {
            return false;
        }
    }
    return true;
}

std::optional<std::size_t> slot_of(const InsertPlan& plan, std::size_t column) {
    const auto found = std::find(plan.columns.begin(), plan.columns.end(), column);
    return found == plan.columns.end() ? std::nullopt : std::optional(static_cast<std::size_t>(found - plan.columns.begin()));
}

std::optional<std::size_t> not_written(const Alternative& grant, const UpdatePlan& plan) {
    return first_not(plan.assignments, [&](const Assignment& assignment) {
        return grant.write.contains(assignment.column) || forced_by(grant, assignment.column) != nullptr;
    });
}

std::optional<std::size_t> not_written(const Alternative& grant, const InsertPlan& plan) {
    return first_not(plan.columns, [&](std::size_t column) { return grant.write.contains(column) || forced_by(grant, column) != nullptr; });
}

// What the body contradicts.
std::optional<std::size_t> forced_otherwise(const Alternative& grant, const UpdatePlan& plan) {
    return first_not(plan.assignments, [&](const Assignment& assignment) {
        const Assignment* const forced = forced_by(grant, assignment.column);
        return forced == nullptr || forced->value == assignment.value;
    });
}

std::optional<std::size_t> forced_otherwise(const Alternative& grant, const InsertPlan& plan) {
    return first_not(grant.values, [&](const Assignment& forced) {
        const auto slot = slot_of(plan, forced.column);
        return !slot || agrees(plan, *slot, forced.value);
    });
}

struct ObstacleFinder {
    const Alternative& grant;

    std::optional<Obstacle> operator()(const ReadPlan& plan) const {
        if (const auto column = not_filtered(grant, plan)) {
            return Obstacle{"filter", *column};
        }
        if (const auto column = not_filtered(grant, plan.order)) {
            return Obstacle{"filter", *column};
        }
        return of("read", plan.names_columns ? not_read(grant, plan.columns) : std::nullopt);
    }
    std::optional<Obstacle> operator()(const DeletePlan& plan) const { return of("filter", not_found(grant, plan)); }
    std::optional<Obstacle> operator()(const UpdatePlan& plan) const {
        const auto column = not_found(grant, plan);
        return column ? of("filter", column) : of_body(plan);
    }
    std::optional<Obstacle> operator()(const InsertPlan& plan) const { return of_body(plan); }

private:
    static std::optional<Obstacle> of(std::string_view use, std::optional<std::size_t> column) {
        return column ? std::optional(Obstacle{use, *column}) : std::nullopt;
    }
    template <typename WritePlan>
    [[nodiscard]] std::optional<Obstacle> of_body(const WritePlan& plan) const {
        const auto column = not_written(grant, plan);
        return column ? of("write", column) : of("forced", forced_otherwise(grant, plan));
    }
};

// The same rows with the forced columns too, in table order.
void fill_in(InsertPlan& plan, const std::vector<Assignment>& values) {
    if (values.empty()) {
        return;
    }
    InsertPlan filled;
    filled.table = plan.table;
    filled.columns = plan.columns;
    for (const Assignment& value : values) {
        if (!slot_of(plan, value.column)) {
            filled.columns.push_back(value.column);
        }
    }
    std::sort(filled.columns.begin(), filled.columns.end());
    filled.row_count = plan.row_count;
    filled.clear_cells();
    for (std::size_t slot = 0; slot < filled.columns.size(); ++slot) {
        const std::size_t column = filled.columns[slot];
        const auto old = slot_of(plan, column);
        const auto forced = std::find_if(values.begin(), values.end(), [column](const Assignment& value) { return value.column == column; });
        for (std::size_t row = 0; row < plan.row_count; ++row) {
            if (old && plan.cell(row, *old) != nullptr) {
                filled.give(row, slot, std::move(plan.cells[row * plan.columns.size() + *old]));
            } else if (forced != values.end()) {
                filled.give(row, slot, forced->value);
            }
        }
    }
    plan = std::move(filled);
}

// bind let columns be missing that some grant would have filled in; the grants that the insert runs under may not be those.
tl::expected<void, PlanError> check_filled(const InsertPlan& plan, const Sight& sight) {
    for (std::size_t column = 0; column < plan.table->columns.size(); ++column) {
        const schemas::Column& one = plan.table->columns[column];
        if (!sight.filled_in[column] || one.has_default || one.is_nullable || one.is_auto_increment || one.is_generated) {
            continue;
        }
        const auto slot = slot_of(plan, column);
        if (slot && gives_all(plan, *slot)) {
            continue;
        }
        const bool is_hidden = sight.in_body.contains(column);
        return tl::unexpected(PlanError{Fault::row_invalid,
                                        is_hidden ? "the table refuses a row" : fmt::format("column {} is missing and has no default", quoted(one.name.text())),
                                        "", is_hidden ? "" : one.name.text(), std::nullopt, Origin::body});
    }
    return {};
}

// What the grants whose columns fit a write force on it; those that the body contradicts are dropped.
template <typename WritePlan, typename IsSilent>
tl::expected<std::vector<Assignment>, PlanError> force_values(Grants& grants, const WritePlan& plan, IsSilent is_silent) {
    if (grants.empty()) {
        return tl::unexpected(no_grant());
    }
    drop_if(grants, [&](const Alternative& grant) { return forced_otherwise(grant, plan).has_value(); });
    if (grants.empty()) {
        return tl::unexpected(contradicted());
    }
    return agree_on_values(grants, is_silent);
}

}  // namespace

std::optional<Obstacle> obstacle(const Plan& plan, const Alternative& grant) {
    return std::visit(ObstacleFinder{grant}, plan);
}

tl::expected<void, PlanError> narrow(ReadPlan& plan, const Policy& policy) {
    Grants grants = all_of(policy);
    drop_if(grants, [&](const Alternative& grant) { return not_filtered(grant, plan) || not_filtered(grant, plan.order); });
    if (!plan.names_columns) {
        plan.columns = common_columns(grants, plan.table->columns.size());
    }
    drop_if(grants, [&](const Alternative& grant) { return not_read(grant, plan.columns).has_value(); });
    if (grants.empty()) {
        return tl::unexpected(no_grant());
    }
    if (plan.columns.empty()) {
        return tl::unexpected(PlanError{Fault::forbidden, "the caller's grants have no column in common",
                                        "name the columns: select=a,b", "", std::nullopt, Origin::target});
    }
    plan.one_of = row_filters(grants);
    return {};
}

tl::expected<void, PlanError> narrow(DeletePlan& plan, const Policy& policy) {
    Grants grants = all_of(policy);
    drop_if(grants, [&](const Alternative& grant) { return not_found(grant, plan).has_value(); });
    if (grants.empty()) {
        return tl::unexpected(no_grant());
    }
    plan.one_of = row_filters(grants);
    return {};
}

tl::expected<void, PlanError> narrow(UpdatePlan& plan, const Policy& policy) {
    Grants grants = all_of(policy);
    drop_if(grants, [&](const Alternative& grant) { return not_found(grant, plan) || not_written(grant, plan); });
    auto values = force_values(grants, plan, [&](std::size_t column) {
        return std::none_of(plan.assignments.begin(), plan.assignments.end(), [column](const Assignment& one) { return one.column == column; });
    });
    if (!values) {
        return tl::unexpected(std::move(values).error());
    }
    plan.assignments.insert(plan.assignments.end(), std::make_move_iterator(values->begin()), std::make_move_iterator(values->end()));
    std::sort(plan.assignments.begin(), plan.assignments.end(), [](const Assignment& a, const Assignment& b) { return a.column < b.column; });
    plan.one_of = row_filters(grants);
    return check_key(*plan.table, plan.one_of);
}

tl::expected<void, PlanError> narrow(InsertPlan& plan, const Policy& policy) {
    Grants grants = all_of(policy);
    drop_if(grants, [&](const Alternative& grant) { return not_written(grant, plan).has_value(); });
    auto values = force_values(grants, plan, [&](std::size_t column) {
        const auto slot = slot_of(plan, column);
        return !slot || !gives_all(plan, *slot);
    });
    if (!values) {
        return tl::unexpected(std::move(values).error());
    }
    fill_in(plan, *values);
    if (auto filled = check_filled(plan, policy.sight); !filled) {
        return filled;
    }
    plan.one_of = row_filters(grants);
    return check_key(*plan.table, plan.one_of);
}

}  // namespace sql::plan
