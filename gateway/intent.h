// What a request asks, as the Intent that bind takes: read from its query, its headers, the key in its path and a body that names
// rows. Of the table it knows nothing. It also notes for the audit log which rows a write is about. Called by the pipeline, in its order.
#pragma once

#include "gateway/stage.h"
#include "sql/plan/intent.h"

namespace gateway {

// All but the body: 400 and 417 for the query, then 400 and 501 for the headers, then 400 for what does not go together
// where rows are named at all.
[[nodiscard]] Outcome<sql::plan::Intent> parse_intent(Context& context);

// An update or delete that says nothing about its rows, not even by what is not delivered: bind refuses it, whatever else is wrong.
[[nodiscard]] bool names_no_rows(const sql::plan::Intent& intent);

// For an intent that awaits its body: 411, 413, 415, 400, 417, 422. Takes the request's body and gives it back.
[[nodiscard]] Outcome<void> parse_named_rows(Context& context, sql::plan::Intent& intent);

}  // namespace gateway
