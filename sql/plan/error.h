// Why an intent cannot become a plan, or may not. Values, not exceptions; gateway/error maps each fault to its status and code.
#pragma once

#include <optional>
#include <string>

#include "filters/ast.h"

namespace sql::plan {

enum class Fault {
    column_unknown,   // 400: a filter, select or order names no visible column
    value_invalid,    // 400: a filter's value is not of its column's type, or the operator does not fit the type
    key_unknown,      // 404: a row by its key, of a table without one that the caller may see
    key_invalid,      // 400: a key in the path with too few or too many parts, or one that does not parse
    query_invalid,    // 400: limit past rows_max, a column selected twice, a filter on an insert
    limit_exceeded,   // 400: limit above rows_max; the detail names the limit
    row_invalid,      // 422: a well-formed body that the table refuses; the detail names column and row
    filter_required,  // 406: a write without a condition
    confirmation_required,  // 428: the table's policy wants a delete confirmed
    set_too_large,    // 412: more rows in the body than the request or its policy allows
    forbidden,        // 403: no grant allows all columns that the request uses
    row_forbidden,    // 403: the body contradicts a value that the caller's grants force
    not_implemented,  // 501
};

// Where `position` counts from.
enum class Origin { target, body };

struct PlanError {
    Fault fault = Fault::value_invalid;
    std::string detail;
    std::string hint;
    std::string parameter;  // the column or control at fault
    std::optional<filters::Position> position;
    Origin origin = Origin::target;
};

}  // namespace sql::plan
