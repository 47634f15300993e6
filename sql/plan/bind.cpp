#include "sql/plan/bind.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "sql/plan/bind_condition.h"
#include "sql/plan/message.h"

namespace sql::plan {
namespace {

PlanError not_implemented(std::string_view control, filters::Position position, std::string_view where) {
    return {Fault::not_implemented,
            fmt::format("{}{} is not delivered yet", quoted(control), where),
            "",
            std::string(control),
            position,
            Origin::target};
}

// An empty query deletes nothing: a write says which rows it means. A condition that this version does not know yet may have
// said so, which is another answer.
tl::expected<void, PlanError> check_filtered(const Intent& intent) {
    const bool needs_filter = intent.verb == Verb::update || intent.verb == Verb::erase;
    if (!needs_filter || !intent.query.where.empty()) {
        return {};
    }
    for (const filters::Undelivered& control : intent.query.undelivered) {
        if (control.is_condition) {
            return tl::unexpected(not_implemented(control.name, control.position, ""));
        }
    }
    return tl::unexpected(
        PlanError{Fault::filter_required,
                  fmt::format("{} needs at least one filter", intent.verb == Verb::erase ? "a delete" : "an update"),
                  "add one, for example id=eq.10", "", std::nullopt, Origin::target});
}

tl::expected<void, PlanError> check_delivered(const Intent& intent) {
    const filters::Query& query = intent.query;
    if (!query.undelivered.empty()) {
        const auto first = std::min_element(query.undelivered.begin(), query.undelivered.end(),
                                            [](const auto& a, const auto& b) { return a.position < b.position; });
        return tl::unexpected(not_implemented(first->name, first->position, ""));
    }
    if (intent.verb == Verb::read) {
        return {};
    }
    constexpr std::string_view kOnWrite = " on a write";
    if (query.select_position || !query.select.empty()) {
        return tl::unexpected(not_implemented("select", query.select_position.value_or(0), kOnWrite));
    }
    if (query.order_position || !query.order.empty()) {
        return tl::unexpected(not_implemented("order", query.order_position.value_or(0), kOnWrite));
    }
    if (query.limit) {
        return tl::unexpected(not_implemented("limit", query.limit->position, kOnWrite));
    }
    if (query.offset) {
        return tl::unexpected(not_implemented("offset", query.offset->position, kOnWrite));
    }
    return {};
}

tl::expected<std::vector<Predicate>, PlanError> bind_where(const filters::Query& query, const schemas::Table& table, const Sight& sight) {
    std::vector<Predicate> where;
    where.reserve(query.where.size());
    for (const filters::Condition& condition : query.where) {
        auto bound = bind_condition(condition, table, sight.in_filter, where);
        if (!bound) {
            return tl::unexpected(std::move(bound).error());
        }
    }
    return where;
}

tl::expected<std::vector<std::size_t>, PlanError> bind_select(const filters::Query& query, const schemas::Table& table, const Sight& sight) {
    std::vector<std::size_t> columns(query.select.empty() ? table.columns.size() : 0);
    if (query.select.empty()) {
        std::iota(columns.begin(), columns.end(), std::size_t{0});
        return columns;
    }
    std::vector<bool> is_selected(table.columns.size(), false);
    for (const filters::SelectTerm& term : query.select) {
        const auto index = sight.in_select.find(table, term.column);
        if (!index) {
            return tl::unexpected(column_unknown(table, term.column, term.position, sight.in_select));
        }
        if (is_selected[*index]) {
            return tl::unexpected(PlanError{Fault::query_invalid, fmt::format("column {} is selected twice", quoted(term.column)),
                                            "", "select", term.position, Origin::target});
        }
        is_selected[*index] = true;
        columns.push_back(*index);
    }
    return columns;
}

bool has_order(schemas::TypeClass type_class) {
    return type_class != schemas::TypeClass::json && type_class != schemas::TypeClass::geometry &&
           type_class != schemas::TypeClass::unsupported;
}

tl::expected<std::vector<Order>, PlanError> bind_order(const filters::Query& query, const schemas::Table& table, const Sight& sight) {
    std::vector<Order> order;
    if (query.order.empty()) {
        return order;
    }
    std::vector<bool> is_ordered(table.columns.size(), false);
    for (const filters::OrderTerm& term : query.order) {
        const auto index = sight.in_filter.find(table, term.column);
        if (!index) {
            return tl::unexpected(column_unknown(table, term.column, term.position, sight.in_filter));
        }
        const schemas::Type& type = table.columns[*index].type;
        if (!has_order(type.type_class)) {
            return tl::unexpected(
                PlanError{Fault::query_invalid,
                          fmt::format("column {}: a column of type {} has no order", quoted(term.column), type_name(type)), "",
                          "order", term.position, Origin::target});
        }
        // A column named again cannot change the order any more.
        if (!is_ordered[*index]) {
            is_ordered[*index] = true;
            order.push_back(
                {*index, term.direction == filters::Direction::ascending ? Direction::ascending : Direction::descending});
        }
    }
    return order;
}

tl::expected<Plan, PlanError> bind_read(const filters::Query& query, schemas::TablePtr table, const schemas::Limits& limits,
                                        const Sight& sight) {
    ReadPlan plan;
    auto where = bind_where(query, *table, sight);
    if (!where) {
        return tl::unexpected(std::move(where).error());
    }
    auto columns = bind_select(query, *table, sight);
    if (!columns) {
        return tl::unexpected(std::move(columns).error());
    }
    auto order = bind_order(query, *table, sight);
    if (!order) {
        return tl::unexpected(std::move(order).error());
    }
    if (query.limit && query.limit->value > limits.rows_max) {
        return tl::unexpected(PlanError{
            Fault::limit_exceeded, fmt::format("limit {} is above rows_max, which is {}", query.limit->value, limits.rows_max),
            "ask for the rows in parts, with limit and offset", "limit", query.limit->position, Origin::target});
    }
    plan.table = std::move(table);
    plan.columns = *std::move(columns);
    plan.names_columns = !query.select.empty();
    plan.where = *std::move(where);
    plan.order = *std::move(order);
    plan.limit = query.limit ? query.limit->value : limits.rows_max;
    plan.offset = query.offset ? query.offset->value : 0;
    return plan;
}

}  // namespace

tl::expected<Plan, PlanError> bind_query(const Intent& intent, schemas::TablePtr table, const schemas::Limits& limits,
                                         const Sight& sight) {
    if (auto filtered = check_filtered(intent); !filtered) {
        return tl::unexpected(std::move(filtered).error());
    }
    if (auto delivered = check_delivered(intent); !delivered) {
        return tl::unexpected(std::move(delivered).error());
    }
    if (intent.verb == Verb::read) {
        return bind_read(intent.query, std::move(table), limits, sight);
    }
    if (intent.verb == Verb::insert) {
        if (!intent.query.where.empty()) {
            const filters::Condition& condition = intent.query.where.front();
            return tl::unexpected(PlanError{Fault::query_invalid, "an insert takes no filter",
                                            "columns and their values go into the body", condition.column, condition.position,
                                            Origin::target});
        }
        InsertPlan plan;
        plan.table = std::move(table);
        return plan;
    }
    auto where = bind_where(intent.query, *table, sight);
    if (!where) {
        return tl::unexpected(std::move(where).error());
    }
    if (intent.verb == Verb::update) {
        return UpdatePlan{std::move(table), {}, *std::move(where), {}};
    }
    return DeletePlan{std::move(table), *std::move(where), {}};
}

}  // namespace sql::plan
