#include "sql/plan/bind.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "sql/plan/bind_condition.h"
#include "sql/plan/bind_keys.h"
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
    const bool names_keys = intent.key || intent.query.ids || intent.body_keys || intent.awaits_body;
    if (!needs_filter || names_keys || !intent.query.where.empty() || !intent.body_where.empty()) {
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
    if (intent.verb != Verb::read && query.offset) {
        return tl::unexpected(not_implemented("offset", query.offset->position, " on a write"));
    }
    return {};
}

tl::expected<void, PlanError> bind_body_where(const Intent& intent, const schemas::Table& table, const Hidden& hidden,
                                              std::vector<Predicate>& where) {
    if (intent.body_keys) {
        if (auto bound = bind_body_keys(*intent.body_keys, table, hidden, where); !bound) {
            return bound;
        }
    }
    for (const filters::Condition& condition : intent.body_where) {
        if (auto bound = bind_condition(condition, table, hidden, where); !bound) {
            bound.error().origin = Origin::body;
            return bound;
        }
    }
    return {};
}

// What stands further in front in the request is bound first, so that the first error from the left is told.
tl::expected<std::vector<Predicate>, PlanError> bind_where(const Intent& intent, const schemas::Table& table, const Sight& sight) {
    const filters::Query& query = intent.query;
    std::vector<Predicate> where;
    where.reserve(query.where.size());
    if (intent.key) {
        if (auto bound = bind_path_key(*intent.key, table, sight.in_filter, where); !bound) {
            return tl::unexpected(std::move(bound).error());
        }
    }
    for (const filters::Condition& condition : query.where) {
        auto bound = bind_condition(condition, table, sight.in_filter, where);
        if (!bound) {
            return tl::unexpected(std::move(bound).error());
        }
    }
    if (query.ids) {
        if (auto bound = bind_ids(*query.ids, table, sight.in_filter, where); !bound) {
            return tl::unexpected(std::move(bound).error());
        }
    }
    if (auto bound = bind_body_where(intent, table, sight.in_filter, where); !bound) {
        return tl::unexpected(std::move(bound).error());
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

// One row has no order and no parts.
tl::expected<void, PlanError> check_row_read(const Intent& intent) {
    const filters::Query& query = intent.query;
    if (!intent.key) {
        return {};
    }
    const auto refuse = [](std::string_view control, std::optional<filters::Position> position) {
        return tl::unexpected(PlanError{Fault::query_invalid, fmt::format("{} does not go with one row by its key", control),
                                        "leave it out", std::string(control), position, Origin::target});
    };
    if (query.order_position || !query.order.empty()) {
        return refuse("order", query.order_position);
    }
    if (query.limit) {
        return refuse("limit", query.limit->position);
    }
    if (query.offset) {
        return refuse("offset", query.offset->position);
    }
    return {};
}

tl::expected<Plan, PlanError> bind_read(const Intent& intent, schemas::TablePtr table, const schemas::Limits& limits,
                                        const Sight& sight) {
    const filters::Query& query = intent.query;
    if (auto possible = check_row_read(intent); !possible) {
        return tl::unexpected(std::move(possible).error());
    }
    ReadPlan plan;
    auto where = bind_where(intent, *table, sight);
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
    plan.has_usual_limit = plan.limit == limits.rows_max;
    plan.offset = query.offset ? query.offset->value : 0;
    return plan;
}

// The keys that a preview shows of some rows.
std::optional<ReadPlan> bind_sample(const schemas::TablePtr& table, const Sight& sight) {
    const bool is_shown = table->primary_key && std::none_of(table->primary_key->columns.begin(), table->primary_key->columns.end(),
                                                              [&](std::size_t column) { return sight.in_select.contains(column); });
    if (!is_shown) {
        return std::nullopt;
    }
    ReadPlan rows;
    rows.table = table;
    rows.columns = table->primary_key->columns;
    return rows;
}

// The rows that a write gives back. Which of them the caller may see is for the guard.
tl::expected<std::optional<ReadPlan>, PlanError> bind_representation(const Intent& intent, const schemas::TablePtr& table,
                                                                     const schemas::Limits& limits, const Sight& sight) {
    if (intent.asks.is_preview) {
        return bind_sample(table, sight);
    }
    if (intent.asks.answer != Return::representation) {
        return std::nullopt;
    }
    auto columns = bind_select(intent.query, *table, sight);
    if (!columns) {
        return tl::unexpected(std::move(columns).error());
    }
    ReadPlan rows;
    rows.table = table;
    rows.columns = *std::move(columns);
    rows.names_columns = !intent.query.select.empty();
    rows.limit = limits.rows_max;
    return rows;
}

void lower(std::optional<Cap>& cap, std::uint64_t rows, CapSource source) {
    if (!cap || rows < cap->rows) {
        cap = Cap{rows, source};
    }
}

// What the request asks and what stands anyway, the strictest of each.
void set_caps(const Intent& intent, std::uint64_t rows_max, Precautions& precautions) {
    for (std::optional<Cap>* const cap : {&precautions.set_max, &precautions.affected_max}) {
        if (intent.asks.affected_max) {
            lower(*cap, *intent.asks.affected_max, CapSource::preference);
        }
        if (intent.standing.affected_max) {
            lower(*cap, *intent.standing.affected_max, CapSource::standing);
        }
    }
    precautions.cascaded_max = intent.standing.cascaded_max;
    if (intent.verb == Verb::erase && intent.standing.deletes_one && !intent.asks.removes_all) {
        lower(precautions.set_max, 1, CapSource::conditional_delete);
    }
    if (precautions.representation && !intent.asks.is_preview) {
        lower(precautions.set_max, rows_max, CapSource::rows_max);
    }
}

tl::expected<void, PlanError> check_total(const filters::Query& query, const std::vector<Order>& order, const schemas::Table& table) {
    if (!query.limit || is_total(order, table)) {
        return {};
    }
    return tl::unexpected(PlanError{Fault::query_invalid, "limit on a write needs an order by a unique key: by this one, two rows may be equal",
                                    table.primary_key ? "add the primary key's columns to order=" : "name the rows by a filter alone", "order",
                                    query.order_position, Origin::target});
}

tl::expected<Precautions, PlanError> bind_precautions(const Intent& intent, const schemas::TablePtr& table, const schemas::Limits& limits,
                                                      const Sight& sight) {
    Precautions precautions;
    auto representation = bind_representation(intent, table, limits, sight);
    if (!representation) {
        return tl::unexpected(std::move(representation).error());
    }
    precautions.representation = *std::move(representation);
    auto order = bind_order(intent.query, *table, sight);
    if (!order) {
        return tl::unexpected(std::move(order).error());
    }
    if (auto total = check_total(intent.query, *order, *table); !total) {
        return tl::unexpected(std::move(total).error());
    }
    precautions.order = *std::move(order);
    if (intent.query.limit) {
        precautions.limit = intent.query.limit->value;
    }
    set_caps(intent, limits.rows_max, precautions);
    precautions.is_preview = intent.asks.is_preview;
    precautions.has_token = !intent.asks.token.empty();
    precautions.names_one_row = intent.key.has_value();
    precautions.tells_key = intent.verb == Verb::update && intent.asks.answer == Return::headers_only && table->primary_key;
    return precautions;
}

// A preview changes nothing, so that nothing has to be confirmed.
tl::expected<void, PlanError> check_confirmed(const Intent& intent) {
    if (intent.verb != Verb::erase || !intent.standing.needs_confirmation || intent.asks.is_confirmed || intent.asks.is_preview) {
        return {};
    }
    return tl::unexpected(PlanError{Fault::confirmation_required, "deletes from this table have to be confirmed; nothing was done",
                                    "add confirm=true to the query string; _preview=true shows what would be deleted", "confirm", std::nullopt,
                                    Origin::target});
}

tl::expected<Plan, PlanError> bind_insert_query(const Intent& intent, schemas::TablePtr table, const schemas::Limits& limits, const Sight& sight) {
    constexpr const char* kHint = "columns and their values go into the body";
    const filters::Query& query = intent.query;
    if (!query.where.empty()) {
        const filters::Condition& condition = query.where.front();
        return tl::unexpected(PlanError{Fault::query_invalid, "an insert takes no filter", kHint, condition.column, condition.position, Origin::target});
    }
    if (query.ids) {
        return tl::unexpected(PlanError{Fault::query_invalid, "an insert takes no ids", kHint, "ids", query.ids->position, Origin::target});
    }
    if (query.order_position || query.limit) {
        const char* const control = query.order_position ? "order" : "limit";
        return tl::unexpected(PlanError{Fault::query_invalid, fmt::format("an insert takes no {}", control), "leave it out", control,
                                        query.order_position ? query.order_position : query.limit->position, Origin::target});
    }
    auto representation = bind_representation(intent, table, limits, sight);
    if (!representation) {
        return tl::unexpected(std::move(representation).error());
    }
    InsertPlan plan;
    if (intent.asks.affected_max) {
        lower(plan.set_max, *intent.asks.affected_max, CapSource::preference);
    }
    if (intent.standing.affected_max) {
        lower(plan.set_max, *intent.standing.affected_max, CapSource::standing);
    }
    if (*representation) {
        lower(plan.set_max, limits.rows_max, CapSource::rows_max);
    }
    plan.table = std::move(table);
    plan.representation = *std::move(representation);
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
        return bind_read(intent, std::move(table), limits, sight);
    }
    if (intent.verb == Verb::insert) {
        return bind_insert_query(intent, std::move(table), limits, sight);
    }
    auto where = bind_where(intent, *table, sight);
    if (!where) {
        return tl::unexpected(std::move(where).error());
    }
    auto precautions = bind_precautions(intent, table, limits, sight);
    if (!precautions) {
        return tl::unexpected(std::move(precautions).error());
    }
    if (auto confirmed = check_confirmed(intent); !confirmed) {
        return tl::unexpected(std::move(confirmed).error());
    }
    if (intent.verb == Verb::update) {
        return UpdatePlan{std::move(table), {}, *std::move(where), {}, *std::move(precautions)};
    }
    return DeletePlan{std::move(table), *std::move(where), {}, *std::move(precautions)};
}

}  // namespace sql::plan
