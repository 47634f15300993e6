// Answers that were a success, from what the database gave. Problems are respond::problem_response's. Called by the pipeline.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "gateway/stage.h"
#include "sql/exec/execute.h"
#include "sql/plan/plan.h"

namespace gateway {

[[nodiscard]] http::Response json_response(int status, std::string body);
[[nodiscard]] http::Response options_response(const std::string& allow);
// The object of the only row.
[[nodiscard]] http::Response respond_row(const Context& context, respond::JsonRows&& rows);
[[nodiscard]] http::Response respond_rows(const Context& context, const sql::plan::ReadPlan& plan, respond::JsonRows&& rows);
[[nodiscard]] http::Response inserted_response(const Context& context, const sql::plan::InsertPlan& plan, const sql::exec::Outcome& outcome);

// The address of the only row that was inserted, or of the row with this key; nothing when there is none that the caller may know.
[[nodiscard]] std::optional<std::string> location_of(const Context& context, const sql::plan::InsertPlan& plan,
                                                     const std::optional<schemas::Value>& last_id);
[[nodiscard]] std::optional<std::string> location_of_row(const Context& context, const schemas::Table& table, const std::vector<schemas::Value>& key);

}  // namespace gateway
