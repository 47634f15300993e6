// The one table of errors: each code with its status and title, and the mapping of every stage's error to it.
// The docs' table is checked against `codes()`; a test checks that no fault of any stage is unmapped.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "filters/parse.h"
#include "gateway/http/server.h"
#include "gateway/request/asks.h"
#include "gateway/request/body.h"
#include "gateway/request/keys_body.h"
#include "gateway/request/target.h"
#include "sql/exec/db_error.h"
#include "sql/plan/error.h"

namespace gateway {

enum class Code {
    request_malformed, path_invalid, path_unknown, header_missing, identity_missing, identity_untrusted, credential_invalid,
    identity_unavailable, identity_mismatch, tenant_mismatch, tenant_unavailable, rate_limited,
    database_unknown, table_unknown, row_unknown, forbidden, row_forbidden, method_not_allowed, method_unknown,
    encoding_invalid, query_invalid, operator_unknown, control_unknown, control_invalid, limit_exceeded, prefer_invalid, header_invalid,
    filter_required, confirmation_required, not_acceptable, not_implemented, column_unknown, value_invalid,
    body_unexpected, body_too_large, media_type_unsupported, body_invalid, row_invalid,
    preview_token_invalid, set_too_large, set_changed, constraint_violated, cascade_uncountable, database_unavailable, database_busy, database_read_only, deadline_exceeded, outcome_unknown,
    target_too_long, head_too_large, http_version_unsupported, request_timeout, length_required, transfer_encoding_unsupported,
    overloaded, internal_error,
};

struct CodeEntry {
    Code code;
    std::string_view name;   // as in the problem's `code`
    int status;
    std::string_view title;  // the same for every problem of this code
};

// Every code once, in the order of the docs.
[[nodiscard]] std::span<const CodeEntry> codes();
[[nodiscard]] const CodeEntry& entry_of(Code code);

// RFC 9457 problem, before it becomes JSON. Never holds SQL text, a connection string or another tenant's names.
struct Problem {
    Code code = Code::internal_error;
    std::string detail;
    std::string hint;
    std::string parameter;
    std::optional<std::size_t> position;
    std::string allow;                    // 405: the Allow header
    std::string authenticate;             // 401: the WWW-Authenticate header
    std::optional<unsigned> retry_after;  // 429, 503: seconds
    std::string internal;                 // for the log, never sent
};

[[nodiscard]] Problem to_problem(const http::Refusal& refusal);
[[nodiscard]] Problem to_problem(const request::TargetError& error);
[[nodiscard]] Problem to_problem(const filters::ParseError& error);
[[nodiscard]] Problem to_problem(const sql::plan::PlanError& error);
[[nodiscard]] Problem to_problem(const request::BodyError& error);
[[nodiscard]] Problem to_problem(const request::AskError& error);
[[nodiscard]] Problem to_problem(const request::KeysBodyError& error);
[[nodiscard]] Problem to_problem(const sql::exec::DbError& error);

}  // namespace gateway
