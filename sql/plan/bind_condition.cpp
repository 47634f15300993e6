#include "sql/plan/bind_condition.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "filters/parse.h"
#include "schemas/value.h"
#include "sql/plan/message.h"

namespace sql::plan {
namespace {

using filters::Operator;
using schemas::Fit;
using schemas::Reading;
using schemas::TypeClass;

// What is known of the column while its condition is bound.
struct Subject {
    const filters::Condition& condition;
    const schemas::Column& column;
    std::size_t index;
    std::vector<Predicate>& where;

    void add(PredicateKind kind) const { where.push_back({index, kind, {}}); }
    void add(PredicateKind kind, schemas::Value value) const {
        Predicate predicate{index, kind, {}};
        predicate.values.push_back(std::move(value));
        where.push_back(std::move(predicate));
    }
};

bool is_comparable(TypeClass type_class) {
    return type_class != TypeClass::json && type_class != TypeClass::geometry && type_class != TypeClass::unsupported;
}

PlanError operator_misfit(const Subject& subject, std::string detail, std::string hint) {
    return {Fault::value_invalid,     std::move(detail),          std::move(hint),
            subject.condition.column, subject.condition.position, Origin::target};
}

// A SQLite column holds numbers that its declaration does not know: 1.003 in DECIMAL(6,2), -1 in an unsigned one. What lies
// between, above or below the declared ones says nothing of those, so that the number itself is compared.
std::optional<Reading> read_as_number(const filters::Literal& literal, schemas::Type type) {
    switch (type.type_class) {
        case TypeClass::decimal:
            type.type_class = TypeClass::float64;
            break;
        case TypeClass::float32:
        case TypeClass::float64:
            break;
        case TypeClass::integer:
        case TypeClass::boolean:
        case TypeClass::bit:
        case TypeClass::year:
        case TypeClass::date:
        case TypeClass::time:
        case TypeClass::datetime:
        case TypeClass::timestamp:
        case TypeClass::uuid:
        case TypeClass::inet4:
        case TypeClass::inet6:
        case TypeClass::enumeration:
        case TypeClass::set:
        case TypeClass::text:
        case TypeClass::binary:
        case TypeClass::json:
        case TypeClass::geometry:
        case TypeClass::unsupported:
            return std::nullopt;
    }
    type.is_unsigned = false;
    type.precision.reset();
    type.scale = 0;
    auto reading = schemas::read_literal(literal.text, type, schemas::Purpose::comparison);
    if (!reading) {
        return std::nullopt;
    }
    // Zero is exact for every declared type, so this literal is another number, too small for a double: it must not equal zero.
    const auto* const number = std::get_if<double>(&reading->value);
    if (number != nullptr && *number == 0) {
        return std::nullopt;
    }
    return *std::move(reading);
}

tl::expected<Reading, PlanError> read(const Subject& subject, const filters::Literal& literal) {
    return read_comparison(subject.column, literal);
}

// eq: only an exact literal equals anything. ne: every value differs from a literal that is not exact.
void bind_equality(const Subject& subject, Reading reading, bool is_equal) {
    if (reading.fit == Fit::exact) {
        subject.add(is_equal ? PredicateKind::eq : PredicateKind::ne, std::move(reading.value));
    } else {
        subject.add(is_equal ? PredicateKind::never : PredicateKind::any_value);
    }
}

void bind_less(const Subject& subject, Reading reading, bool or_equal) {
    switch (reading.fit) {
        case Fit::exact:
            subject.add(or_equal ? PredicateKind::le : PredicateKind::lt, std::move(reading.value));
            return;
        case Fit::between:
            subject.add(PredicateKind::le, std::move(reading.value));
            return;
        case Fit::above:
            subject.add(PredicateKind::any_value);
            return;
        case Fit::below:
        case Fit::foreign:
            subject.add(PredicateKind::never);
            return;
    }
}

void bind_greater(const Subject& subject, Reading reading, bool or_equal) {
    switch (reading.fit) {
        case Fit::exact:
            subject.add(or_equal ? PredicateKind::ge : PredicateKind::gt, std::move(reading.value));
            return;
        case Fit::between:
            subject.add(PredicateKind::gt, std::move(reading.value));
            return;
        case Fit::below:
            subject.add(PredicateKind::any_value);
            return;
        case Fit::above:
        case Fit::foreign:
            subject.add(PredicateKind::never);
            return;
    }
}

// True when both ends are numbers and the lower one is the greater: no cell lies between.
bool is_empty_range(const schemas::Value& low, const schemas::Value& high) {
    if (const auto* const a = std::get_if<std::int64_t>(&low)) {
        if (const auto* const b = std::get_if<std::int64_t>(&high)) {
            return *a > *b;
        }
        return false;
    }
    if (const auto* const a = std::get_if<std::uint64_t>(&low)) {
        if (const auto* const b = std::get_if<std::uint64_t>(&high)) {
            return *a > *b;
        }
        // By contract of schemas::Value an unsigned alternative is above every signed one.
        return std::holds_alternative<std::int64_t>(high);
    }
    const auto* const a = std::get_if<double>(&low);
    const auto* const b = std::get_if<double>(&high);
    return a != nullptr && b != nullptr && *a > *b;
}

void bind_between(const Subject& subject, Reading low, Reading high) {
    const bool is_empty = low.fit == Fit::foreign || high.fit == Fit::foreign || low.fit == Fit::above ||
                          high.fit == Fit::below ||
                          (low.fit == Fit::exact && high.fit == Fit::exact && is_empty_range(low.value, high.value));
    if (is_empty) {
        subject.add(PredicateKind::never);
        return;
    }
    // From here on `low` is exact, between or below everything; `high` is exact, between or above everything.
    const bool is_high_bound = high.fit != Fit::above;  // `le high.value` says it, for a floor as for an exact value
    if (low.fit == Fit::exact && is_high_bound) {
        Predicate predicate{subject.index, PredicateKind::between, {}};
        predicate.values.push_back(std::move(low.value));
        predicate.values.push_back(std::move(high.value));
        subject.where.push_back(std::move(predicate));
        return;
    }
    if (low.fit == Fit::exact) {
        subject.add(PredicateKind::ge, std::move(low.value));
    } else if (low.fit == Fit::between) {
        subject.add(PredicateKind::gt, std::move(low.value));
    }
    if (is_high_bound) {
        subject.add(PredicateKind::le, std::move(high.value));
    } else if (low.fit == Fit::below) {
        subject.add(PredicateKind::any_value);
    }
}

tl::expected<void, PlanError> bind_list(const Subject& subject, bool is_member) {
    Predicate predicate{subject.index, is_member ? PredicateKind::in : PredicateKind::not_in, {}};
    predicate.values.reserve(subject.condition.values.size());
    for (const filters::Literal& literal : subject.condition.values) {
        auto reading = read(subject, literal);
        if (!reading) {
            return tl::unexpected(std::move(reading).error());
        }
        // What equals nothing neither adds to a list nor takes away from its complement.
        if (reading->fit == Fit::exact) {
            predicate.values.push_back(std::move(reading->value));
        }
    }
    if (predicate.values.empty()) {
        subject.add(is_member ? PredicateKind::never : PredicateKind::any_value);
    } else {
        subject.where.push_back(std::move(predicate));
    }
    return {};
}

tl::expected<void, PlanError> bind_pattern(const Subject& subject, PredicateKind kind) {
    const schemas::Type& type = subject.column.type;
    if (type.type_class != TypeClass::text) {
        return tl::unexpected(
            operator_misfit(subject,
                            fmt::format("column {}: {} asks for a text column, this one is {}", quoted(subject.condition.column),
                                        filters::name_of(subject.condition.op), type_name(type)),
                            "compare with eq, ne, lt, gt, le, ge, bw, in or nin"));
    }
    const std::string& text = subject.condition.values.front().text;
    if (text.empty()) {
        // The parser refuses this; here it would match every row.
        return tl::unexpected(
            operator_misfit(subject,
                            fmt::format("column {}: {} needs at least one character", quoted(subject.condition.column),
                                        filters::name_of(subject.condition.op)),
                            ""));
    }
    if (schemas::charset_holds(type.charset, text)) {
        subject.add(kind, schemas::Text{text});
    } else {
        subject.add(PredicateKind::never);
    }
    return {};
}

// The operators that take one literal, or two.
tl::expected<void, PlanError> bind_comparison(const Subject& subject) {
    auto first = read(subject, subject.condition.values.front());
    if (!first) {
        return tl::unexpected(std::move(first).error());
    }
    switch (subject.condition.op) {
        case Operator::eq:
        case Operator::ne:
            bind_equality(subject, *std::move(first), subject.condition.op == Operator::eq);
            return {};
        case Operator::lt:
        case Operator::le:
            bind_less(subject, *std::move(first), subject.condition.op == Operator::le);
            return {};
        case Operator::gt:
        case Operator::ge:
            bind_greater(subject, *std::move(first), subject.condition.op == Operator::ge);
            return {};
        case Operator::bw: {
            auto second = read(subject, subject.condition.values.back());
            if (!second) {
                return tl::unexpected(std::move(second).error());
            }
            bind_between(subject, *std::move(first), *std::move(second));
            return {};
        }
        case Operator::in:
        case Operator::nin:
        case Operator::li:
        case Operator::rli:
        case Operator::lli:
        case Operator::is:
            break;  // bound elsewhere
    }
    subject.add(PredicateKind::never);
    return {};
}

}  // namespace

tl::expected<Reading, PlanError> read_comparison(const schemas::Column& column, const filters::Literal& literal) {
    const std::string& name = column.name.text();
    auto reading = schemas::read_literal(literal.text, column.type, schemas::Purpose::comparison);
    if (!reading) {
        return tl::unexpected(PlanError{
            Fault::value_invalid, fmt::format("column {}: {} {}", quoted(name), quoted(literal.text), reading.error().detail),
            reading.error().hint.empty() ? schemas::describe_literal(column.type) : reading.error().hint, name, literal.position,
            Origin::target});
    }
    if (reading->fit != Fit::exact && column.type.storage == schemas::Storage::sqlite) {
        return read_as_number(literal, column.type).value_or(*std::move(reading));
    }
    return *std::move(reading);
}

tl::expected<void, PlanError> bind_condition(const filters::Condition& condition, const schemas::Table& table,
                                             const Hidden& hidden, std::vector<Predicate>& where) {
    const auto index = hidden.find(table, condition.column);
    if (!index) {
        return tl::unexpected(column_unknown(table, condition.column, condition.position, hidden));
    }
    const Subject subject{condition, table.columns[*index], *index, where};
    if (condition.op == Operator::is) {
        subject.add(condition.is_negated ? PredicateKind::is_not_null : PredicateKind::is_null);
        return {};
    }
    if (!is_comparable(subject.column.type.type_class)) {
        return tl::unexpected(
            operator_misfit(subject,
                            fmt::format("column {}: {} cannot compare a column of type {}", quoted(condition.column),
                                        filters::name_of(condition.op), type_name(subject.column.type)),
                            "only is.null and not.is.null apply to it"));
    }
    switch (condition.op) {
        case Operator::in:
        case Operator::nin:
            return bind_list(subject, condition.op == Operator::in);
        case Operator::li:
            return bind_pattern(subject, PredicateKind::contains);
        case Operator::rli:
            return bind_pattern(subject, PredicateKind::starts_with);
        case Operator::lli:
            return bind_pattern(subject, PredicateKind::ends_with);
        case Operator::eq:
        case Operator::ne:
        case Operator::lt:
        case Operator::gt:
        case Operator::le:
        case Operator::ge:
        case Operator::bw:
        case Operator::is:
            break;
    }
    return bind_comparison(subject);
}

}  // namespace sql::plan
