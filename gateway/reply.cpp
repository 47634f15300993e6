#include "gateway/reply.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "filters/key.h"
#include "filters/print.h"
#include "gateway/disclosure.h"

namespace gateway {
namespace {

constexpr std::size_t kHeadersUsual = 8;  // of an answer, those that every answer bears included

// Without the key that may stand behind the table.
std::string table_path(const Context& context) {
    std::string_view path = context.target.path;
    if (context.target.segments.size() > kDatabaseSegments + 1) path = path.substr(0, path.rfind('/'));
    return std::string(path);
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

http::Response respond_row(const Context& context, respond::JsonRows&& rows) {
    http::Response response = json_response(200, std::move(rows).take_row());
    if (context.numbers == respond::Numbers::string) response.headers.push_back({"Preference-Applied", "numbers=string"});
    return response;
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

http::Response inserted_response(const Context& context, const sql::plan::InsertPlan& plan, const sql::exec::Outcome& outcome) {
    std::string last_id = "null";
    const auto id_column = plan.table->auto_increment();
    if (outcome.last_insert_id && (!id_column || is_shown(context.policy, *id_column))) {
        if (const auto* number = std::get_if<std::int64_t>(&*outcome.last_insert_id)) last_id = std::to_string(*number);
        if (const auto* number = std::get_if<std::uint64_t>(&*outcome.last_insert_id)) last_id = std::to_string(*number);
    }
    return json_response(201, fmt::format(R"({{"rows_affected":{},"last_insert_id":{}}})", outcome.rows_affected, last_id));
}

// `…/{table}/7`, or `…/{table}?id=eq.` for a key that no path can say.
std::optional<std::string> location_of_row(const Context& context, const schemas::Table& table, const std::vector<schemas::Value>& key) {
    if (!table.primary_key || key.size() != table.primary_key->columns.size()) return std::nullopt;
    std::vector<std::string> parts;
    std::string query;
    for (std::size_t part = 0; part < key.size(); ++part) {
        const std::size_t index = table.primary_key->columns[part];
        const schemas::Column& column = table.columns[index];
        if (!is_shown(context.policy, index) || std::holds_alternative<schemas::Null>(key[part])) return std::nullopt;
        parts.push_back(respond::literal_of(key[part], column.type));
        filters::Condition condition;
        condition.column = column.name.text();
        condition.op = filters::Operator::eq;
        condition.values.push_back({parts.back(), 0});
        query += (query.empty() ? '?' : '&') + filters::print(condition);
    }
    const std::optional<std::string> segment = filters::print_key(parts);
    return table_path(context) + (segment ? '/' + *segment : query);
}

std::optional<std::string> location_of(const Context& context, const sql::plan::InsertPlan& plan, const std::optional<schemas::Value>& last_id) {
    if (plan.row_count != 1 || !plan.table->primary_key) return std::nullopt;
    std::vector<schemas::Value> key;
    for (const std::size_t index : plan.table->primary_key->columns) {
        const auto found = std::ranges::find(plan.columns, index);
        const bool is_named = found != plan.columns.end();
        const schemas::Value* value = is_named ? plan.cell(0, static_cast<std::size_t>(found - plan.columns.begin())) : nullptr;
        if (value == nullptr && plan.table->columns[index].is_auto_increment && last_id) value = &*last_id;
        if (value == nullptr) return std::nullopt;
        key.push_back(*value);
    }
    return location_of_row(context, *plan.table, key);
}

}  // namespace gateway
