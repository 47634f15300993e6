// One typed value as text that tells apart what binds differently: 5, 5u, 5.0, '5', x'05', null.
// For reading by people; not SQL and not JSON. Called by describe and by the golden cases.
#pragma once

#include <string>

#include "schemas/value.h"

namespace sql::plan {

[[nodiscard]] std::string describe(const schemas::Value& value);

}  // namespace sql::plan
