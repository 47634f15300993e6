// Compares the columns that an answer has with those that the catalog promised, before a cell of it is read.
// Private to sql/mysql; called by sql/mysql/session for each answer of a read.
#pragma once

#include <vector>

#include "schemas/catalog.h"

namespace sql {
class ResultSet;  // the driver's
}

namespace sql::mysql {

// All throw what the driver throws; `columns` are those of the answer, in order.

// A read may lag behind a change of the table, but a cell read as another type than it is would be a false answer.
[[nodiscard]] bool has_other_type(ResultSet& rows, const std::vector<const schemas::Column*>& columns);

// The driver has 64 bytes for a DECIMAL's text and reads past them: with sign, point and leading zero 61 digits fit. More must
// come as CHAR.
[[nodiscard]] bool has_overlong_decimal(ResultSet& rows, const std::vector<const schemas::Column*>& columns);

}  // namespace sql::mysql
