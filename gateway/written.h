// The answers of writes: what was done, or with a preview what would be; what a preview's token is bound to; and the refusals that
// only the counting of a write makes. It runs nothing. Called by the pipeline.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "gateway/http/message.h"
#include "gateway/respond/json.h"
#include "gateway/stage.h"
#include "sql/exec/execute.h"
#include "sql/plan/intent.h"
#include "sql/plan/plan.h"

namespace gateway {

// What the counting of a write is given: the salt of digests and, from the request's token, what its preview showed. Refuses a token
// that is not this request's, before the database is asked anything. `shown_rows` is set where there is one.
[[nodiscard]] Outcome<sql::exec::Company> company_of(const Context& context, const sql::plan::Intent& intent, std::optional<std::uint64_t>& shown_rows);

// Of a write that was carried out, or a preview. `rows` holds what the plan gives back.
[[nodiscard]] http::Response respond_write(const Context& context, const sql::plan::Intent& intent, const sql::plan::Plan& plan,
                                           sql::exec::Outcome&& outcome, respond::JsonRows&& rows);

// What a set has become since its preview, in number.
[[nodiscard]] std::string describe_change(std::uint64_t shown_rows, const sql::exec::DbError& error);

// Takes the names out of the error that the caller may not see, of this table and of those that refer to it.
void hide_names(const Context& context, const sql::plan::Plan& plan, sql::exec::DbError& error);

}  // namespace gateway
