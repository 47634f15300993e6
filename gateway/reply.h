// Answers that were a success, from what the database gave. Problems are respond::problem_response's. Called by the pipeline.
#pragma once

#include <string>
#include <vector>

#include "gateway/stage.h"
#include "sql/exec/execute.h"
#include "sql/plan/plan.h"

namespace gateway {

[[nodiscard]] http::Response json_response(int status, std::string body);
[[nodiscard]] http::Response options_response(const std::string& allow);
// GET and what comes with it, then those writes that a grant allows and the table can take.
[[nodiscard]] std::string allow_header(const std::vector<tenants::Verb>& verbs, schemas::TableKind kind);

[[nodiscard]] http::Response respond_rows(const Context& context, const sql::plan::ReadPlan& plan, respond::JsonRows&& rows);
[[nodiscard]] http::Response respond_insert(const Context& context, const sql::plan::InsertPlan& plan, const sql::exec::Outcome& outcome);

}  // namespace gateway
