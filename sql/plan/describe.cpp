#include <fmt/format.h>

#include <iterator>

#include "sql/plan/describe_value.h"
#include "sql/plan/plan.h"

namespace sql::plan {
namespace {

std::string_view name_of(PredicateKind kind) {
    switch (kind) {
        case PredicateKind::eq:
            return "eq";
        case PredicateKind::ne:
            return "ne";
        case PredicateKind::lt:
            return "lt";
        case PredicateKind::gt:
            return "gt";
        case PredicateKind::le:
            return "le";
        case PredicateKind::ge:
            return "ge";
        case PredicateKind::between:
            return "between";
        case PredicateKind::in:
            return "in";
        case PredicateKind::not_in:
            return "not_in";
        case PredicateKind::contains:
            return "contains";
        case PredicateKind::starts_with:
            return "starts_with";
        case PredicateKind::ends_with:
            return "ends_with";
        case PredicateKind::is_null:
            return "is_null";
        case PredicateKind::is_not_null:
            return "is_not_null";
        case PredicateKind::any_value:
            return "any_value";
        case PredicateKind::never:
            return "never";
        case PredicateKind::key_in:
            return "key_in";
    }
    return "";
}

const std::string& name_of(const schemas::Table& table, std::size_t column) {
    return table.columns[column].name.text();
}

// `where key 7,'eu' 8,'us'`
void append_keys(std::string& out, const schemas::Table& table, const Predicate& predicate) {
    const std::size_t width = table.primary_key->columns.size();
    out += "where key";
    for (std::size_t i = 0; i < predicate.values.size(); ++i) {
        out += i % width == 0 ? ' ' : ',';
        out += describe(predicate.values[i]);
    }
    out += '\n';
}

void append_where(std::string& out, const schemas::Table& table, const std::vector<Predicate>& where) {
    for (const Predicate& predicate : where) {
        if (predicate.kind == PredicateKind::key_in) {
            append_keys(out, table, predicate);
            continue;
        }
        out += fmt::format("where {} {}", name_of(table, predicate.column), name_of(predicate.kind));
        for (const schemas::Value& value : predicate.values) {
            out += ' ';
            out += describe(value);
        }
        out += '\n';
    }
}

void append_row_filters(std::string& out, const schemas::Table& table, const RowFilters& one_of) {
    for (const std::vector<Predicate>& filter : one_of) {
        out += "one of\n";
        append_where(out, table, filter);
    }
}

void append_columns(std::string& out, const schemas::Table& table, const std::vector<std::size_t>& columns) {
    out += "columns";
    for (const std::size_t column : columns) {
        out += ' ';
        out += name_of(table, column);
    }
    out += '\n';
}

void append_order(std::string& out, const schemas::Table& table, const std::vector<Order>& order) {
    for (const Order& term : order) {
        out += fmt::format("order {} {}\n", name_of(table, term.column), term.direction == Direction::ascending ? "ascending" : "descending");
    }
}

void append_representation(std::string& out, const std::optional<ReadPlan>& rows) {
    if (rows) {
        out += "gives back ";
        append_columns(out, *rows->table, rows->columns);
        append_row_filters(out, *rows->table, rows->one_of);
    }
}

void append_precautions(std::string& out, const schemas::Table& table, const Precautions& precautions) {
    append_order(out, table, precautions.order);
    if (precautions.limit) {
        out += fmt::format("limit {}\n", *precautions.limit);
    }
    const auto append_cap = [&out](std::string_view what, const std::optional<Cap>& cap) {
        if (cap) {
            out += fmt::format("{}: {}\n", what, describe(*cap));
        }
    };
    append_cap("rows", precautions.set_max);
    append_cap("rows with those that foreign keys reach", precautions.affected_max);
    if (precautions.cascaded_max) {
        out += fmt::format("rows that foreign keys reach: at most {}\n", *precautions.cascaded_max);
    }
    out += precautions.is_preview ? "previews\n" : "";
    out += precautions.has_token ? "has to be the set of a preview\n" : "";
    out += precautions.names_one_row ? "names one row\n" : "";
    out += precautions.tells_key ? "tells key\n" : "";
    append_representation(out, precautions.representation);
}

struct Describer {
    std::string operator()(const ReadPlan& plan) const {
        std::string out = fmt::format("read {}\n", plan.table->name.text());
        append_columns(out, *plan.table, plan.columns);
        append_where(out, *plan.table, plan.where);
        append_row_filters(out, *plan.table, plan.one_of);
        append_order(out, *plan.table, plan.order);
        out += fmt::format("limit {}\n", plan.limit);
        if (plan.offset != 0) {
            out += fmt::format("offset {}\n", plan.offset);
        }
        return out;
    }

    std::string operator()(const InsertPlan& plan) const {
        std::string out = fmt::format("insert {}\n", plan.table->name.text());
        append_columns(out, *plan.table, plan.columns);
        for (std::size_t row = 0; row < plan.row_count; ++row) {
            out += "row";
            for (std::size_t i = 0; i < plan.columns.size(); ++i) {
                const schemas::Value* const cell = plan.cell(row, i);
                out += ' ';
                out += cell != nullptr ? describe(*cell) : "default";
            }
            out += '\n';
        }
        append_row_filters(out, *plan.table, plan.one_of);
        append_representation(out, plan.representation);
        return out;
    }

    std::string operator()(const UpdatePlan& plan) const {
        std::string out = fmt::format("update {}\n", plan.table->name.text());
        for (const Assignment& assignment : plan.assignments) {
            out += fmt::format("set {} {}\n", name_of(*plan.table, assignment.column), describe(assignment.value));
        }
        append_where(out, *plan.table, plan.where);
        append_row_filters(out, *plan.table, plan.one_of);
        append_precautions(out, *plan.table, plan.precautions);
        return out;
    }

    std::string operator()(const DeletePlan& plan) const {
        std::string out = fmt::format("delete {}\n", plan.table->name.text());
        append_where(out, *plan.table, plan.where);
        append_row_filters(out, *plan.table, plan.one_of);
        append_precautions(out, *plan.table, plan.precautions);
        return out;
    }
};

struct ValueDescriber {
    std::string operator()(const schemas::Null&) const { return "null"; }
    std::string operator()(std::int64_t number) const { return fmt::format("{}", number); }
    std::string operator()(std::uint64_t number) const { return fmt::format("{}u", number); }
    // `.0` keeps a double apart from an integer of the same value: they bind differently.
    std::string operator()(double number) const {
        std::string out = fmt::format("{}", number);
        if (out.find_first_not_of("-0123456789") == std::string::npos) {
            out += ".0";
        }
        return out;
    }
    std::string operator()(const schemas::Text& text) const {
        std::string out = "'";
        for (const char c : text.text) {
            if (c == '\'' || c == '\\') {
                out += '\\';
                out += c;
            } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
                fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned char>(c));
            } else {
                out += c;
            }
        }
        return out + "'";
    }
    std::string operator()(const schemas::Bytes& bytes) const {
        std::string out = "x'";
        for (const char c : bytes.bytes) {
            fmt::format_to(std::back_inserter(out), "{:02x}", static_cast<unsigned char>(c));
        }
        return out + "'";
    }
};

}  // namespace

std::string describe(const schemas::Value& value) {
    return std::visit(ValueDescriber{}, value);
}

const Precautions* precautions_of(const Plan& plan) {
    const auto* const update = std::get_if<UpdatePlan>(&plan);
    const auto* const erase = std::get_if<DeletePlan>(&plan);
    return update != nullptr ? &update->precautions : erase != nullptr ? &erase->precautions : nullptr;
}

const ReadPlan* representation_of(const Plan& plan) {
    const auto* const insert = std::get_if<InsertPlan>(&plan);
    const Precautions* const precautions = precautions_of(plan);
    const std::optional<ReadPlan>* const rows =
        insert != nullptr ? &insert->representation : precautions != nullptr ? &precautions->representation : nullptr;
    return rows != nullptr && *rows ? &**rows : nullptr;
}

std::string describe(const Cap& cap) {
    switch (cap.source) {
        case CapSource::preference:
            return fmt::format("the request allows {} (max-affected)", cap.rows);
        case CapSource::standing:
            return fmt::format("at most {} may be affected here at once", cap.rows);
        case CapSource::conditional_delete:
            return "a filter here may delete one, unless X-Conditional-Delete: remove-all is sent";
        case CapSource::rows_max:
            return fmt::format("an answer holds at most {} (rows_max)", cap.rows);
        case CapSource::cascades:
            return fmt::format("foreign keys may reach at most {} here", cap.rows);
    }
    return "";
}

std::string describe(const Plan& plan) {
    return std::visit(Describer{}, plan);
}

}  // namespace sql::plan
