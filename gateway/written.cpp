#include "gateway/written.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "gateway/disclosure.h"
#include "gateway/preview/token.h"
#include "gateway/reply.h"
#include "sql/exec/keys.h"

namespace gateway {
namespace {

using http::Response;

auth::Instant now_in_seconds() { return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()); }

// Each with its length, so that no two lists are spelled alike.
std::string keys_of(const filters::Query& query) {
    std::string keys;
    if (query.ids) {
        for (const filters::Literal& item : query.ids->items) keys += fmt::format("{}:{}", item.text.size(), item.text);
    }
    return keys;
}

// Views: lives no longer than the request and the two strings.
preview::BoundRequest bound_request(const Context& context, const std::string& filter, const std::string& keys) {
    return {.caller = context.subject,
            .segments = context.target.segments,
            .method = context.request.method,
            .filter = filter,
            .keys = keys,
            .body = context.request.body};
}

void add_applied(const Context& context, const sql::plan::Intent& intent, bool has_rows, Response& response) {
    std::string applied = intent.asks.preferences;
    if (has_rows && context.numbers == respond::Numbers::string) applied += applied.empty() ? "numbers=string" : ", numbers=string";
    if (!applied.empty()) response.headers.push_back({"Preference-Applied", std::move(applied)});
}

bool may_see(const Context& context, std::string_view table) {
    return tenants::access(*context.database, context.subject, table, tenants::Verb::get) != tenants::Access::invisible;
}

std::string_view name_of(schemas::ReferentialAction action) {
    switch (action) {
        case schemas::ReferentialAction::no_action: return "NO ACTION";
        case schemas::ReferentialAction::restrict: return "RESTRICT";
        case schemas::ReferentialAction::cascade: return "CASCADE";
        case schemas::ReferentialAction::set_null: return "SET NULL";
        case schemas::ReferentialAction::set_default: return "SET DEFAULT";
    }
    return "";
}

// A key of one column as its value, of several as an array.
void append_sample(const Context& context, const schemas::Table& table, std::span<const schemas::Value> values, std::string& out) {
    const std::vector<std::size_t>& key = table.primary_key->columns;
    for (std::size_t at = 0; at < values.size(); ++at) {
        const std::size_t part = at % key.size();
        if (at != 0) out += ',';
        if (part == 0 && key.size() > 1) out += '[';
        respond::append_cell(out, sql::exec::cell_of(values[at]), table.columns[key[part]].type, context.numbers);
        if (part + 1 == key.size() && key.size() > 1) out += ']';
    }
}

void append_name(std::string& out, const std::string& name) {
    if (name.empty()) {
        out += "null";
    } else {
        respond::append_json_string(out, name);
    }
}

void append_cascades(const Context& context, const std::vector<sql::exec::Cascade>& cascades, std::string& out) {
    bool is_first = true;
    for (const sql::exec::Cascade& cascade : cascades) {
        const bool is_shown = may_see(context, cascade.table);
        out += is_first ? R"({"table":)" : R"(,{"table":)";
        is_first = false;
        append_name(out, is_shown ? cascade.table : std::string());
        out += R"(,"constraint":)";
        append_name(out, is_shown ? cascade.constraint : std::string());
        out += fmt::format(R"(,"action":"{}","rows":{}}})", name_of(cascade.action), cascade.rows);
    }
}

void append_triggers(const sql::exec::Preview& preview, std::string& out) {
    if (!preview.are_triggers_known) {
        out += "null";
        return;
    }
    out += '[';
    for (std::size_t i = 0; i < preview.triggers.size(); ++i) {
        if (i != 0) out += ',';
        respond::append_json_string(out, preview.triggers[i]);
    }
    out += ']';
}

// What finds more than its letters say: not told of a column that the caller may not read.
void append_hints(const Context& context, const schemas::Table& table, const sql::exec::Preview& preview, std::string& out) {
    bool is_first = true;
    for (const sql::exec::LooseMatch& match : preview.loose_matches) {
        if (!is_shown(context.policy, match.column)) continue;
        const schemas::Column& column = table.columns[match.column];
        out += is_first ? R"(,"hints":[{"column":)" : R"(,{"column":)";
        is_first = false;
        respond::append_json_string(out, column.name.text());
        out += fmt::format(R"(,"rows":{},"hint":)", match.rows);
        respond::append_json_string(out, fmt::format("{} of {} row{} match{} by the collation {} alone: the text there is not letter by letter what the "
                                                     "request says",
                                                     match.rows, preview.rows, preview.rows == 1 ? "" : "s", match.rows == 1 ? "es" : "",
                                                     column.type.collation));
        out += '}';
    }
    if (!is_first) out += ']';
}

Response respond_preview(const Context& context, const sql::plan::Intent& intent, const schemas::Table& table, const sql::exec::Preview& preview) {
    std::string text = fmt::format(R"({{"would_affect":{},"sample":[)", preview.rows);
    if (!preview.sample.empty()) append_sample(context, table, preview.sample, text);
    text += R"(],"cascades":[)";
    append_cascades(context, preview.cascades, text);
    text += R"(],"triggers":)";
    append_triggers(preview, text);
    append_hints(context, table, preview, text);
    if (preview.is_refused) text += R"(,"refused":409)";
    const bool has_token = preview.digest && preview.digest->digest && !preview.is_refused;
    if (has_token) {
        const std::string filter = preview::canonical_filter(intent.query);
        const std::string keys = keys_of(intent.query);
        const auth::Instant expires = now_in_seconds() + std::chrono::ceil<std::chrono::seconds>(context.snapshot.config.preview_token_lifetime);
        const std::string token = preview::issue_token(*context.snapshot.token_key, bound_request(context, filter, keys),
                                                       {preview.digest->rows, *preview.digest->digest}, expires);
        text += fmt::format(R"(,"token":"{}","expires":"{}"}})", token, auth::print_instant(expires));
    } else {
        text += R"(,"token":null,"expires":null})";
    }
    return json_response(200, std::move(text));
}

// Where a row is tells its key: to a caller who may read that of every row, or has said it.
bool may_tell_key(const Context& context, const sql::plan::Intent& intent, const schemas::Table& table) {
    if (intent.key || !context.readers) return true;
    return std::ranges::any_of(context.readers->alternatives, [&](const sql::plan::Alternative& grant) {
        return grant.row_filter.empty() && table.primary_key &&
               std::ranges::all_of(table.primary_key->columns, [&](std::size_t column) { return grant.read.contains(column); });
    });
}

Response empty_response(int status) {
    Response response;
    response.status = status;
    return response;
}

}  // namespace

Outcome<sql::exec::Company> company_of(const Context& context, const sql::plan::Intent& intent, std::optional<std::uint64_t>& shown_rows) {
    sql::exec::Company company;
    if (intent.verb == sql::plan::Verb::read) return company;
    const auto& key = context.snapshot.token_key;
    const bool is_digested = intent.asks.is_preview || !intent.asks.token.empty();
    if (key != nullptr && is_digested) company.salt = key->salt();
    company.digest_rows_max = context.snapshot.config.preview_rows_max;
    company.answer_bytes_max = context.space->caps.answer_bytes_max;
    if (intent.asks.token.empty()) return company;
    const std::string filter = preview::canonical_filter(intent.query);
    const std::string keys = keys_of(intent.query);
    const auto shown = key == nullptr ? std::nullopt
                                      : preview::verify_token(*key, intent.asks.token, bound_request(context, filter, keys), now_in_seconds());
    if (!shown) {
        return refuse(Code::preview_token_invalid,
                      "the token is not of a preview of this request by this caller, or has expired; nothing was done",
                      "ask for the preview again: the same request with _preview=true and without the token");
    }
    shown_rows = shown->rows;
    company.is_shown_set = [key, shown = *shown](const sql::exec::SetDigest& now) {
        return now.digest && preview::is_same_set(*key, shown, {now.rows, *now.digest});
    };
    return company;
}

Response respond_write(const Context& context, const sql::plan::Intent& intent, const sql::plan::Plan& plan, sql::exec::Outcome&& outcome,
                       respond::JsonRows&& rows) {
    using sql::plan::Return;
    const auto* const insert = std::get_if<sql::plan::InsertPlan>(&plan);
    const schemas::Table& table = *std::visit([](const auto& each) { return each.table; }, plan);
    if (outcome.preview) {
        Response response = respond_preview(context, intent, table, *outcome.preview);
        add_applied(context, intent, true, response);
        return response;
    }
    std::optional<std::string> location;
    if (insert != nullptr) location = location_of(context, *insert, outcome.last_insert_id);
    Response response;
    bool has_rows = false;
    switch (intent.asks.answer) {
        case Return::unsaid:
            response = insert != nullptr ? inserted_response(context, *insert, outcome)
                                         : json_response(200, fmt::format(R"({{"rows_affected":{}}})", outcome.rows_affected));
            break;
        case Return::minimal: response = empty_response(204); break;
        case Return::headers_only:
            response = empty_response(insert != nullptr ? 201 : 204);
            if (std::holds_alternative<sql::plan::UpdatePlan>(plan) && may_tell_key(context, intent, table)) {
                location = location_of_row(context, table, outcome.key);
            }
            break;
        case Return::representation:
            has_rows = true;
            response = json_response(insert != nullptr ? 201 : 200, std::move(rows).take());
            break;
    }
    if (location) response.headers.push_back({"Location", *location});
    add_applied(context, intent, has_rows, response);
    return response;
}

std::string describe_change(std::uint64_t shown_rows, const sql::exec::DbError& error) {
    const std::uint64_t rows = error.tally ? error.tally->rows : 0;
    if (rows == shown_rows) {
        return rows == 1 ? std::string("1 row matches, as the preview showed, but it is not as it was; nothing was done")
                         : fmt::format("{} rows match, as the preview showed, but not all of them are as they were; nothing was done", rows);
    }
    return fmt::format("the preview showed {} row{}, and now {} {}; nothing was done", shown_rows, shown_rows == 1 ? "" : "s", rows,
                       rows == 1 ? "matches" : "match");
}

void hide_names(const Context& context, const sql::plan::Plan& plan, sql::exec::DbError& error) {
    const bool is_of_child = error.tally && !error.tally->child_table.empty();
    if (!is_of_child) return hide_names(context.policy, plan, error);
    if (may_see(context, error.tally->child_table)) return;
    error.tally->child_table.clear();
    error.constraint.clear();
}

}  // namespace gateway
