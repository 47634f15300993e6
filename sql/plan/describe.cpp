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
    }
    return "";
}

const std::string& name_of(const schemas::Table& table, std::size_t column) {
    return table.columns[column].name.text();
}

void append_where(std::string& out, const schemas::Table& table, const std::vector<Predicate>& where) {
    for (const Predicate& predicate : where) {
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

struct Describer {
    std::string operator()(const ReadPlan& plan) const {
        std::string out = fmt::format("read {}\n", plan.table->name.text());
        append_columns(out, *plan.table, plan.columns);
        append_where(out, *plan.table, plan.where);
        append_row_filters(out, *plan.table, plan.one_of);
        for (const Order& order : plan.order) {
            out += fmt::format("order {} {}\n", name_of(*plan.table, order.column),
                               order.direction == Direction::ascending ? "ascending" : "descending");
        }
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
        return out;
    }

    std::string operator()(const UpdatePlan& plan) const {
        std::string out = fmt::format("update {}\n", plan.table->name.text());
        for (const Assignment& assignment : plan.assignments) {
            out += fmt::format("set {} {}\n", name_of(*plan.table, assignment.column), describe(assignment.value));
        }
        append_where(out, *plan.table, plan.where);
        append_row_filters(out, *plan.table, plan.one_of);
        return out;
    }

    std::string operator()(const DeletePlan& plan) const {
        std::string out = fmt::format("delete {}\n", plan.table->name.text());
        append_where(out, *plan.table, plan.where);
        append_row_filters(out, *plan.table, plan.one_of);
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

std::string describe(const Plan& plan) {
    return std::visit(Describer{}, plan);
}

}  // namespace sql::plan
