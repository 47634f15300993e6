#include "gateway/reply.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "filters/print.h"
#include "gateway/disclosure.h"

namespace gateway {
namespace {

constexpr std::size_t kHeadersUsual = 8;  // of an answer, those that every answer bears included

// `…/{table}?id=eq.7` when one row was inserted and every part of its primary key is known.
std::optional<std::string> location_of(const Context& context, const sql::plan::InsertPlan& plan,
                                       const std::optional<schemas::Value>& last_id) {
    if (plan.row_count != 1 || !plan.table->primary_key) return std::nullopt;
    std::string query;
    for (const std::size_t index : plan.table->primary_key->columns) {
        const schemas::Column& column = plan.table->columns[index];
        if (!is_shown(context.policy, index)) return std::nullopt;
        const auto found = std::ranges::find(plan.columns, index);
        const bool is_named = found != plan.columns.end();
        const schemas::Value* value = is_named ? plan.cell(0, static_cast<std::size_t>(found - plan.columns.begin())) : nullptr;
        if (value == nullptr && column.is_auto_increment && last_id) value = &*last_id;
        if (value == nullptr || std::holds_alternative<schemas::Null>(*value)) return std::nullopt;
        filters::Condition condition;
        condition.column = column.name.text();
        condition.op = filters::Operator::eq;
        condition.values.push_back({respond::literal_of(*value, column.type), 0});
        query += (query.empty() ? '?' : '&') + filters::print(condition);
    }
    return std::string(context.target.path) + query;
}

}  // namespace

http::Response json_response(int status, std::string body) {
    http::Response response;
    response.status = status;
    response.headers.reserve(kHeadersUsual);
    response.headers.push_back({"Content-Type", "application/json"});
    response.body = std::move(body);
    return response;
}

http::Response options_response(const std::string& allow) {
    http::Response response;
    response.status = 204;
    response.headers.push_back({"Allow", allow});
    return response;
}

std::string allow_header(const std::vector<tenants::Verb>& verbs, schemas::TableKind kind) {
    std::string allow;
    const auto add = [&](std::string_view name) { allow += (allow.empty() ? "" : ", ") + std::string(name); };
    for (const tenants::Verb verb : verbs) {
        if (kind == schemas::TableKind::view && verb != tenants::Verb::get) continue;
        switch (verb) {
            case tenants::Verb::get: add("GET"); add("HEAD"); break;
            case tenants::Verb::post: add("POST"); break;
            case tenants::Verb::put: add("PUT"); break;
            case tenants::Verb::patch: add("PATCH"); break;
            case tenants::Verb::erase: add("DELETE"); break;
        }
    }
    add("OPTIONS");
    return allow;
}

http::Response respond_rows(const Context& context, const sql::plan::ReadPlan& plan, respond::JsonRows&& rows) {
    const std::uint64_t count = rows.rows();
    const bool has_more = rows.has_more();
    http::Response response = json_response(200, std::move(rows).take());
    std::string range = "rows */0";
    if (count > 0) {
        const std::string end = std::to_string(plan.offset + count);
        range = "rows ";
        range.append(std::to_string(plan.offset)).append("-").append(std::to_string(plan.offset + count - 1)).append("/");
        range.append(has_more ? "*" : end);
    }
    response.headers.push_back({"Content-Range", std::move(range)});
    if (context.numbers == respond::Numbers::string) response.headers.push_back({"Preference-Applied", "numbers=string"});
    return response;
}

http::Response respond_insert(const Context& context, const sql::plan::InsertPlan& plan, const sql::exec::Outcome& outcome) {
    std::string last_id = "null";
    const auto id_column = plan.table->auto_increment();
    if (outcome.last_insert_id && (!id_column || is_shown(context.policy, *id_column))) {
        if (const auto* number = std::get_if<std::int64_t>(&*outcome.last_insert_id)) last_id = std::to_string(*number);
        if (const auto* number = std::get_if<std::uint64_t>(&*outcome.last_insert_id)) last_id = std::to_string(*number);
    }
    http::Response response = json_response(201, fmt::format(R"({{"rows_affected":{},"last_insert_id":{}}})", outcome.rows_affected, last_id));
    if (const auto location = location_of(context, plan, outcome.last_insert_id)) response.headers.push_back({"Location", *location});
    return response;
}

}  // namespace gateway
