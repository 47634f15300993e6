// What the grants of a caller say about one table: first in names and text (Terms), then in columns and values (Policy).
// It does not decide anything: bind asks it what exists, the guard rewrites a plan by it. Binding it is pure.
// Made by the pipeline for callers without a plain grant; a caller who may do everything has no policy.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tl/expected.hpp>

#include "filters/ast.h"
#include "sql/plan/error.h"
#include "sql/plan/plan.h"
#include "sql/plan/sight.h"

namespace sql::plan {

// One grant, its variables replaced by the caller's values. A list of columns that is not there means all of them, but
// `filter` is then `read`.
struct Terms {
    bool reads = false;    // the grant's verbs hold GET
    bool filters = false;  // … a verb that takes a filter
    bool writes = false;   // … a verb that takes a body
    bool applies = false;  // … the request's verb
    const std::optional<std::vector<std::string>>* read = nullptr;
    const std::optional<std::vector<std::string>>* write = nullptr;
    const std::optional<std::vector<std::string>>* filter = nullptr;
    std::vector<filters::Condition> row_filter;
    std::vector<std::pair<std::string, filters::Literal>> values;
    std::shared_ptr<const void> lists = nullptr;  // what `read`, `write` and `filter` point into, where that is no grant's own
};

// The columns that one grant lets through in one use; all of them by default.
class Columns {
public:
    Columns() = default;
    explicit Columns(std::vector<bool> flags) : flags_(std::move(flags)) {}

    [[nodiscard]] bool is_all() const { return flags_.empty(); }
    [[nodiscard]] bool contains(std::size_t column) const { return flags_.empty() || flags_[column]; }

private:
    std::vector<bool> flags_;
};

// One grant that allows the request's verb.
struct Alternative {
    Columns read;
    Columns write;
    Columns filter;
    std::vector<Predicate> row_filter;  // empty: every row
    std::vector<Assignment> values;     // what an insert or update sets whatever the body says, one a column
};

struct Policy {
    Sight sight;  // of all the caller's grants on the table, whatever their verbs
    std::vector<Alternative> alternatives;
    std::vector<std::string> misfits;  // why a grant does not apply to this table: for the log, never for the client
    bool has_terms = false;            // some grant applies, be it for another verb
};

// A grant whose row filter or values do not fit the table does not apply.
[[nodiscard]] Policy bind_policy(const std::vector<Terms>& terms, const schemas::Table& table);

// The first column of the plan that a grant does not allow to be used as the plan uses it, and the use: "filter", "read", "write",
// or "forced": the grant writes another value. The guard drops a grant for which there is one. Nothing says that it stays.
struct Obstacle {
    std::string_view use;
    std::size_t column = 0;
};
[[nodiscard]] std::optional<Obstacle> obstacle(const Plan& plan, const Alternative& grant);

// Where a caller's value will stand: value `at` of condition `part` of the row filter, or the value of forced column `part`.
struct Gap {
    bool is_in_values = false;
    std::size_t part = 0;
    std::size_t at = 0;
};

// Why a grant's row filter or values do not fit the table whatever stands in the gaps, or nothing.
[[nodiscard]] std::optional<std::string> misfit(const Terms& terms, const std::vector<Gap>& gaps, const schemas::Table& table);

}  // namespace sql::plan
