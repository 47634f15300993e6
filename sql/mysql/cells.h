// A driver's result cell to the Cell that exec/row.h promises: exact numbers, ISO dates and times.
// Private to sql/mysql; called by sql/mysql/connection for each cell of a row.
#pragma once

#include <string>
#include <string_view>

#include "schemas/type.h"
#include "sql/exec/row.h"

namespace sql {
class ResultSet;  // the driver's
}

namespace sql::mysql {

// Column `index` counts from 1. The cell's text views into `buffer`, which must stay until the row was used.
// Throws what the driver throws.
[[nodiscard]] exec::Cell read_cell(ResultSet& row, unsigned index, const schemas::Type& type, std::string& buffer);

// A date or time as the driver prints it (`999-01-02`, no fraction when it is zero) in the one form that leaves us:
// four digits of year, two of all else (hours of TIME: at least two), `fraction_digits` digits of fraction.
// Text of another shape comes back as it is.
[[nodiscard]] std::string normal_temporal(std::string_view text, schemas::TypeClass type_class, unsigned fraction_digits);

}  // namespace sql::mysql
