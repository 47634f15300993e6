#include "gateway/error.h"

#include <array>
#include <cassert>

#include <fmt/format.h>

namespace gateway {
namespace {

// In the order of the refusals of one request.
constexpr std::array kCodes{
    CodeEntry{Code::request_malformed, "request_malformed", 400, "The request is not well-formed HTTP"},
    CodeEntry{Code::length_required, "length_required", 411, "The request needs a Content-Length"},
    CodeEntry{Code::target_too_long, "target_too_long", 414, "The request target is too long"},
    CodeEntry{Code::head_too_large, "head_too_large", 431, "The request's headers are too large"},
    CodeEntry{Code::request_timeout, "request_timeout", 408, "The request came too slowly"},
    CodeEntry{Code::http_version_unsupported, "http_version_unsupported", 505, "This HTTP version is not supported"},
    CodeEntry{Code::transfer_encoding_unsupported, "transfer_encoding_unsupported", 501,
              "This transfer coding is not supported"},
    CodeEntry{Code::method_unknown, "method_unknown", 501, "This method is not supported"},
    CodeEntry{Code::path_invalid, "path_invalid", 400, "The path is malformed"},
    CodeEntry{Code::path_unknown, "path_unknown", 404, "There is nothing at this path"},
    CodeEntry{Code::header_missing, "header_missing", 400, "A tenant header is missing or malformed"},
    CodeEntry{Code::identity_missing, "identity_missing", 401, "The caller is not identified"},
    CodeEntry{Code::identity_untrusted, "identity_untrusted", 401, "Identity headers are not accepted from this peer"},
    CodeEntry{Code::credential_invalid, "credential_invalid", 401, "The token or key is not valid"},
    CodeEntry{Code::identity_unavailable, "identity_unavailable", 503, "Callers cannot be identified now"},
    CodeEntry{Code::identity_mismatch, "identity_mismatch", 403, "The headers are not those of the token or key"},
    CodeEntry{Code::tenant_mismatch, "tenant_mismatch", 403, "The ids are not those of this org, project and space"},
    CodeEntry{Code::rate_limited, "rate_limited", 429, "The tenant's share is used up"},
    CodeEntry{Code::tenant_unavailable, "tenant_unavailable", 503, "The settings of this organization are faulty"},
    CodeEntry{Code::database_unknown, "database_unknown", 404, "There is no such database"},
    CodeEntry{Code::table_unknown, "table_unknown", 404, "There is no such table"},
    CodeEntry{Code::row_unknown, "row_unknown", 404, "There is no such row"},
    CodeEntry{Code::forbidden, "forbidden", 403, "No grant of the caller allows this"},
    CodeEntry{Code::row_forbidden, "row_forbidden", 403, "The caller's grants do not allow such a row"},
    CodeEntry{Code::method_not_allowed, "method_not_allowed", 405, "This method is not possible here"},
    CodeEntry{Code::encoding_invalid, "encoding_invalid", 400, "The query string is not validly encoded"},
    CodeEntry{Code::query_invalid, "query_invalid", 400, "The query string is malformed"},
    CodeEntry{Code::operator_unknown, "operator_unknown", 417, "The filter operator is unknown"},
    CodeEntry{Code::control_unknown, "control_unknown", 400, "The query parameter is unknown"},
    CodeEntry{Code::control_invalid, "control_invalid", 400, "The query parameter is malformed"},
    CodeEntry{Code::limit_exceeded, "limit_exceeded", 400, "A limit is exceeded"},
    CodeEntry{Code::prefer_invalid, "prefer_invalid", 400, "The Prefer header is malformed"},
    CodeEntry{Code::header_invalid, "header_invalid", 400, "A header says what it cannot say here"},
    CodeEntry{Code::filter_required, "filter_required", 406, "A write needs a filter"},
    CodeEntry{Code::confirmation_required, "confirmation_required", 428, "The table asks that this write be confirmed"},
    CodeEntry{Code::not_implemented, "not_implemented", 501, "This is not delivered yet"},
    CodeEntry{Code::not_acceptable, "not_acceptable", 406, "No acceptable representation"},
    CodeEntry{Code::column_unknown, "column_unknown", 400, "There is no such column"},
    CodeEntry{Code::value_invalid, "value_invalid", 400, "A filter value is invalid"},
    CodeEntry{Code::body_unexpected, "body_unexpected", 400, "This method takes no body"},
    CodeEntry{Code::body_too_large, "body_too_large", 413, "The body is too large"},
    CodeEntry{Code::media_type_unsupported, "media_type_unsupported", 415, "The body's media type is not supported"},
    CodeEntry{Code::body_invalid, "body_invalid", 400, "The body is not valid JSON"},
    CodeEntry{Code::row_invalid, "row_invalid", 422, "The table refuses a row"},
    CodeEntry{Code::preview_token_invalid, "preview_token_invalid", 412, "The preview's token is not good for this request"},
    CodeEntry{Code::set_too_large, "set_too_large", 412, "More rows would be affected than may be"},
    CodeEntry{Code::set_changed, "set_changed", 412, "The rows are not those of the preview any more"},
    CodeEntry{Code::constraint_violated, "constraint_violated", 409, "A constraint of the table is violated"},
    CodeEntry{Code::cascade_uncountable, "cascade_uncountable", 409, "What foreign keys would do cannot be counted"},
    CodeEntry{Code::database_unavailable, "database_unavailable", 503, "The database cannot be reached"},
    CodeEntry{Code::database_busy, "database_busy", 503, "The database is busy"},
    CodeEntry{Code::database_read_only, "database_read_only", 503, "The database takes no writes now"},
    CodeEntry{Code::overloaded, "overloaded", 503, "The gateway is busy"},
    CodeEntry{Code::deadline_exceeded, "deadline_exceeded", 504, "The deadline has passed; nothing was changed"},
    CodeEntry{Code::outcome_unknown, "outcome_unknown", 504, "It is not known whether the write took place"},
    CodeEntry{Code::internal_error, "internal_error", 500, "The gateway failed"},
};

Problem make(Code code, std::string detail) {
    Problem problem;
    problem.code = code;
    problem.detail = std::move(detail);
    return problem;
}

Code code_of(filters::Fault fault) {
    switch (fault) {
        case filters::Fault::encoding_invalid: return Code::encoding_invalid;
        case filters::Fault::name_invalid: return Code::query_invalid;
        case filters::Fault::operator_unknown: return Code::operator_unknown;
        case filters::Fault::value_invalid: return Code::value_invalid;
        case filters::Fault::control_unknown: return Code::control_unknown;
        case filters::Fault::control_invalid: return Code::control_invalid;
        case filters::Fault::limit_exceeded: return Code::limit_exceeded;
    }
    return Code::internal_error;
}

Code code_of(sql::plan::Fault fault) {
    using sql::plan::Fault;
    switch (fault) {
        case Fault::column_unknown: return Code::column_unknown;
        case Fault::value_invalid: return Code::value_invalid;
        case Fault::key_unknown: return Code::path_unknown;
        case Fault::key_invalid: return Code::path_invalid;
        case Fault::query_invalid: return Code::query_invalid;
        case Fault::limit_exceeded: return Code::limit_exceeded;
        case Fault::row_invalid: return Code::row_invalid;
        case Fault::forbidden: return Code::forbidden;
        case Fault::row_forbidden: return Code::row_forbidden;
        case Fault::filter_required: return Code::filter_required;
        case Fault::confirmation_required: return Code::confirmation_required;
        case Fault::set_too_large: return Code::set_too_large;
        case Fault::not_implemented: return Code::not_implemented;
    }
    return Code::internal_error;
}

std::string named(std::string_view what, const std::string& name) {
    return name.empty() ? std::string(what) : fmt::format("{} '{}'", what, name);
}

std::string in_the_way(const sql::exec::DbError& error) {
    const sql::exec::Tally& tally = *error.tally;
    if (tally.rows == 0) {
        return "a chain of foreign keys from these rows is longer than the database follows; nothing was changed";
    }
    return fmt::format("{} row{} of {} refer{} to these: {}; nothing was changed", tally.rows, tally.rows == 1 ? "" : "s",
                       tally.child_table.empty() ? std::string("another table") : fmt::format("table '{}'", tally.child_table), tally.rows == 1 ? "s" : "",
                       named("foreign key", error.constraint));
}

std::string too_many(const sql::exec::DbError& error) {
    const sql::exec::Tally& tally = *error.tally;
    return fmt::format("{}{}, and {}; nothing was done", tally.is_at_least ? "at least " : "", tally.rows == 1 ? "1 row matches" : fmt::format("{} rows match", tally.rows),
                       tally.cap ? describe(*tally.cap) : std::string("fewer are allowed"));
}

std::string too_many_cascaded(const sql::exec::DbError& error) {
    const sql::exec::Tally& tally = *error.tally;
    return fmt::format("{}{} rows would be affected, {} of them through foreign keys, and {}; nothing was done", tally.is_at_least ? "at least " : "",
                       tally.rows, tally.cascaded, tally.cap ? describe(*tally.cap) : std::string("fewer are allowed"));
}

Problem database_problem(const sql::exec::DbError& error) {
    using sql::exec::DbFault;
    switch (error.fault) {
        case DbFault::unavailable: return make(Code::database_unavailable, "the database cannot be reached; nothing was changed");
        case DbFault::busy:
            return make(Code::database_busy, "no connection or lock came free in time; nothing was changed");
        case DbFault::conflict:
            return make(Code::database_busy, "other writes to the same rows were in the way, several times; nothing was changed");
        case DbFault::read_only: return make(Code::database_read_only, "the database takes no writes now; nothing was changed");
        case DbFault::unique_violated:
            return make(Code::constraint_violated,
                        named("another row already has this value of the unique key", error.constraint) + "; nothing was changed");
        case DbFault::foreign_key_violated:
            if (error.tally) return make(Code::constraint_violated, in_the_way(error));
            return make(Code::constraint_violated,
                        named("rows of another table refer to these, or the row referred to is missing: foreign key",
                              error.constraint) +
                            "; nothing was changed");
        case DbFault::row_refused: {
            const bool is_named = !error.column.empty() || !error.constraint.empty();
            std::string detail = is_named ? "the table refuses the values" : "the table, or a trigger of it, refuses the write";
            if (!error.column.empty()) detail += fmt::format(", column '{}'", error.column);
            if (!error.constraint.empty()) detail += fmt::format(", constraint '{}'", error.constraint);
            return make(Code::row_invalid, detail + "; nothing was changed");
        }
        case DbFault::too_large:
            return make(Code::body_too_large, "the values are larger than the database takes in one statement; nothing was changed");
        case DbFault::schema_changed:
            return make(Code::database_busy, "the table's definition keeps changing; nothing was changed");
        case DbFault::row_forbidden:
            return make(Code::row_forbidden,
                        "a row would be, once written, one that the caller's grants do not show; nothing was changed");
        case DbFault::set_too_large:
            return make(Code::limit_exceeded,
                        "the caller's grants have a row filter, and a write under one takes at most 100000 rows; nothing was changed");
        case DbFault::row_missing: return make(Code::row_unknown, "there is no row with this key; nothing was done");
        case DbFault::over_cap: return make(Code::set_too_large, too_many(error));
        case DbFault::over_cascade_cap: return make(Code::set_too_large, too_many_cascaded(error));
        case DbFault::set_changed: return make(Code::set_changed, "the rows that match are not those of the preview, or have been changed since; nothing was done");
        case DbFault::cascade_uncountable:
            return make(Code::cascade_uncountable,
                        "what foreign keys would do to other rows cannot be counted beforehand, as this request or the table's policy asks; nothing was done");
        case DbFault::answer_too_large:
            return make(Code::limit_exceeded, "the rows to be given back are larger than answer_bytes_max; nothing was changed");
        case DbFault::deadline_exceeded:
            return make(Code::deadline_exceeded, "the database was stopped at the deadline; nothing was changed");
        case DbFault::outcome_unknown:
            return make(Code::outcome_unknown, "the connection to the database was lost while the write ran: it may or may not have taken place");
        case DbFault::denied:
        case DbFault::unknown: return make(Code::internal_error, "the gateway failed; the log has the reason under this request's id");
    }
    return make(Code::internal_error, "the gateway failed");
}

}  // namespace

std::span<const CodeEntry> codes() { return kCodes; }

const CodeEntry& entry_of(Code code) {
    for (const CodeEntry& entry : kCodes) {
        if (entry.code == code) return entry;
    }
    assert(false && "every code is in the table; a test counts them");
    return kCodes.back();
}

Problem to_problem(const http::Refusal& refusal) {
    Code code = Code::internal_error;
    switch (refusal.status) {
        case 400: code = Code::request_malformed; break;
        case 408: code = Code::request_timeout; break;
        case 411: code = Code::length_required; break;
        case 413: code = Code::body_too_large; break;
        case 414: code = Code::target_too_long; break;
        case 431: code = Code::head_too_large; break;
        case 501: code = Code::transfer_encoding_unsupported; break;
        case 503: code = Code::overloaded; break;
        case 505: code = Code::http_version_unsupported; break;
        default: break;  // an int from the front, not an enumeration of ours: anything else is our failure
    }
    Problem problem;
    problem.code = code;
    if (code == Code::internal_error) {
        problem.detail = "the gateway failed; the log has the reason under this request's id";
        problem.internal = refusal.detail;
    } else {
        problem.detail = refusal.detail;
    }
    return problem;
}

Problem to_problem(const request::TargetError& error) {
    Problem problem = make(Code::path_invalid, error.detail);
    problem.position = error.position;
    return problem;
}

Problem to_problem(const filters::ParseError& error) {
    Problem problem = make(code_of(error.fault), error.detail);
    problem.hint = error.hint;
    problem.parameter = error.parameter;
    problem.position = error.position;
    return problem;
}

Problem to_problem(const sql::plan::PlanError& error) {
    Problem problem = make(code_of(error.fault), error.detail);
    problem.hint = error.hint;
    problem.parameter = error.parameter;
    problem.position = error.position;
    return problem;
}

Problem to_problem(const request::BodyError& error) {
    const Code code = error.fault == request::BodyFault::not_json ? Code::body_invalid : Code::row_invalid;
    Problem problem = make(code, error.detail);
    problem.parameter = error.parameter;
    problem.position = error.position;
    return problem;
}

Problem to_problem(const request::AskError& error) {
    Code code = Code::internal_error;
    switch (error.fault) {
        case request::AskFault::preference: code = Code::prefer_invalid; break;
        case request::AskFault::header: code = Code::header_invalid; break;
        case request::AskFault::query: code = Code::query_invalid; break;
    }
    Problem problem = make(code, error.detail);
    problem.hint = error.hint;
    problem.parameter = error.parameter;
    problem.position = error.position;
    return problem;
}

Problem to_problem(const request::KeysBodyError& error) {
    return std::visit([](const auto& each) { return to_problem(each); }, error);
}

Problem to_problem(const sql::exec::DbError& error) {
    Problem problem = database_problem(error);
    problem.internal = error.internal;
    if (entry_of(problem.code).status == 503) problem.retry_after = 1;
    return problem;
}

}  // namespace gateway
