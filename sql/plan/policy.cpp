#include "sql/plan/policy.h"

#include <algorithm>

#include <fmt/format.h>

#include "schemas/value.h"
#include "sql/plan/bind_condition.h"
#include "sql/plan/message.h"

namespace sql::plan {
namespace {

using Names = std::optional<std::vector<std::string>>;

// Names that the table does not have let nothing through.
Columns columns_of(const Names* names, const schemas::Table& table) {
    if (names == nullptr || !*names) {
        return {};
    }
    std::vector<bool> flags(table.columns.size(), false);
    for (const std::string& name : **names) {
        if (const auto index = table.index_of(name)) {
            flags[*index] = true;
        }
    }
    return Columns(std::move(flags));
}

tl::expected<Assignment, std::string> bind_value(const std::string& name, const filters::Literal& literal, const schemas::Table& table) {
    const auto index = table.index_of(name);
    if (!index) {
        return tl::unexpected("values: there is no column " + quoted(name));
    }
    const schemas::Column& column = table.columns[*index];
    if (column.is_generated) {
        return tl::unexpected("values: the column " + quoted(name) + " is generated");
    }
    auto reading = schemas::read_literal(literal.text, column.type, schemas::Purpose::storage);
    if (!reading || reading->fit != schemas::Fit::exact || column.type.type_class == schemas::TypeClass::json) {
        return tl::unexpected("values: the column " + quoted(name) + " cannot hold the value");
    }
    return Assignment{*index, std::move(reading->value)};
}

tl::expected<Alternative, std::string> bind_terms(const Terms& terms, const schemas::Table& table) {
    Alternative bound;
    bound.read = columns_of(terms.read, table);
    bound.write = columns_of(terms.write, table);
    bound.filter = terms.filter != nullptr && *terms.filter ? columns_of(terms.filter, table) : bound.read;
    for (const filters::Condition& condition : terms.row_filter) {
        if (auto done = bind_condition(condition, table, Hidden(), bound.row_filter); !done) {
            return tl::unexpected("row_filter: " + done.error().detail);
        }
    }
    for (const auto& [name, literal] : terms.values) {
        auto value = bind_value(name, literal, table);
        if (!value) {
            return tl::unexpected(std::move(value).error());
        }
        bound.values.push_back(*std::move(value));
    }
    std::sort(bound.values.begin(), bound.values.end(), [](const Assignment& a, const Assignment& b) { return a.column < b.column; });
    return bound;
}

// Collects what exists: a column is hidden until some grant shows it.
class SightBuilder {
public:
    explicit SightBuilder(std::size_t columns)
        : in_select_(columns, true), in_filter_(columns, true), in_body_(columns, true), filled_in_(columns, false) {}

    void add(const Terms& terms, const Alternative& grant) {
        for (std::size_t i = 0; i < in_select_.size(); ++i) {
            const bool is_read = terms.reads && grant.read.contains(i);
            if (is_read) {
                in_select_[i] = false;
            }
            if (is_read || (terms.filters && grant.filter.contains(i))) {
                in_filter_[i] = false;
            }
            if (is_read || (terms.writes && grant.write.contains(i))) {
                in_body_[i] = false;
            }
        }
        for (const Assignment& value : grant.values) {
            filled_in_[value.column] = true;
        }
    }

    Sight build() && {
        return {Hidden(std::move(in_select_)), Hidden(std::move(in_filter_)), Hidden(std::move(in_body_)), std::move(filled_in_)};
    }

private:
    std::vector<bool> in_select_;
    std::vector<bool> in_filter_;
    std::vector<bool> in_body_;
    std::vector<bool> filled_in_;
};

// A literal that the column can hold, where there is one.
std::string sample(const schemas::Type& type) {
    using schemas::TypeClass;
    switch (type.type_class) {
        case TypeClass::integer:
        case TypeClass::boolean:
        case TypeClass::bit:
        case TypeClass::decimal:
        case TypeClass::float32:
        case TypeClass::float64:
            return "0";
        case TypeClass::year:
            return "2000";
        case TypeClass::date:
            return "2000-01-01";
        case TypeClass::time:
            return "00:00:00";
        case TypeClass::datetime:
        case TypeClass::timestamp:
            return "2000-01-01T00:00:00";
        case TypeClass::uuid:
            return "00000000-0000-0000-0000-000000000000";
        case TypeClass::inet4:
            return "0.0.0.0";
        case TypeClass::inet6:
            return "::";
        case TypeClass::enumeration:
        case TypeClass::set:
            return type.members.empty() ? std::string() : type.members.front();
        case TypeClass::text:
            return "a";
        case TypeClass::binary: {
            std::string bytes = "\\x00";
            for (std::uint64_t i = 1; type.is_fixed && i < type.bytes_max.value_or(0); ++i) {
                bytes += "00";
            }
            return bytes;
        }
        case TypeClass::json:
        case TypeClass::geometry:
        case TypeClass::unsupported:
            return {};
    }
    return {};
}

}  // namespace

Policy bind_policy(const std::vector<Terms>& terms, const schemas::Table& table) {
    Policy policy;
    SightBuilder sight(table.columns.size());
    for (const Terms& one : terms) {
        auto bound = bind_terms(one, table);
        if (!bound) {
            policy.misfits.push_back(std::move(bound).error());
            continue;
        }
        policy.has_terms = true;
        sight.add(one, *bound);
        if (one.applies) {
            policy.alternatives.push_back(*std::move(bound));
        }
    }
    policy.sight = std::move(sight).build();
    return policy;
}

std::optional<std::string> misfit(const Terms& terms, const std::vector<Gap>& gaps, const schemas::Table& table) {
    Terms filled = terms;
    for (const Gap& gap : gaps) {
        const std::string& name = gap.is_in_values ? filled.values[gap.part].first : filled.row_filter[gap.part].column;
        if (const schemas::Column* const column = table.find(name)) {
            (gap.is_in_values ? filled.values[gap.part].second : filled.row_filter[gap.part].values[gap.at]).text = sample(column->type);
        }
    }
    const auto bound = bind_terms(filled, table);
    return bound ? std::nullopt : std::optional(bound.error());
}

}  // namespace sql::plan
