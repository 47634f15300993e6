// Where a request is addressed to below a table, and what may be done there: the rows, one row by its key, the bulk deletes. It takes
// part in no decision about grants; it says in Allow what they and the table leave. Called by the pipeline.
#pragma once

#include <string>

#include "gateway/stage.h"
#include "schemas/catalog.h"

namespace gateway {

// Settles the context's address, and its method where that is another one; org, project and route go to its event. The target has
// the segments of a database, and two more at most.
void settle_address(Context& context);

// OPTIONS asks what is allowed, and a POST to one row is told: the caller may be allowed anything, or nothing at all.
[[nodiscard]] bool asks_what_is_allowed(const Context& context);

// The methods of Allow: GET and what comes with it, then those writes that a grant allows and the table can take, at this address;
// OPTIONS alone when a key names no row of this table, for this caller.
[[nodiscard]] std::string allow_header(const Context& context, const schemas::Table& table);
inline constexpr std::string_view kNothingAllowed = "OPTIONS";

}  // namespace gateway
