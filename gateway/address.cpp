#include "gateway/address.h"

#include <array>
#include <string_view>
#include <vector>

#include "gateway/tenants/key_grants.h"
#include "sql/plan/bind_keys.h"
#include "sql/plan/policy.h"

namespace gateway {
namespace {

std::string names_of(const std::vector<tenants::Verb>& verbs) {
    std::string allow;
    const auto add = [&](std::string_view name) { allow += (allow.empty() ? "" : ", ") + std::string(name); };
    for (const tenants::Verb verb : verbs) {
        switch (verb) {
            case tenants::Verb::get: add("GET"); add("HEAD"); break;
            case tenants::Verb::post: add("POST"); break;
            case tenants::Verb::put: add("PUT"); break;
            case tenants::Verb::patch: add("PATCH"); break;
            case tenants::Verb::erase: add("DELETE"); break;
        }
    }
    add(kNothingAllowed);
    return allow;
}

// For this caller, who may use the verb on the table.
bool names_row(const Context& context, const schemas::Table& table, tenants::Verb verb) {
    const auto terms = tenants::terms_on(*context.database, context.subject, context.target.segments[kDatabaseSegments], verb);
    if (!terms) return sql::plan::has_key(table, {});
    return sql::plan::has_key(table, sql::plan::bind_policy(*terms, table).sight.in_filter);
}

}  // namespace

void settle_address(Context& context) {
    const std::vector<std::string>& segments = context.target.segments;
    static constexpr std::array kRoutes{observe::Route::database, observe::Route::table, observe::Route::row};
    context.event.route = kRoutes.at(segments.size() - kDatabaseSegments);
    context.event.org = segments[0];
    context.event.project = segments[1];
    if (segments.size() == kDatabaseSegments + 2) context.address = Address::row;
    if (context.address == Address::row && context.method == Method::post && segments.back() == kBulkDelete) {
        context.address = Address::bulk_delete;
        context.method = Method::erase;
        context.event.route = observe::Route::bulk_delete;
    }
}

bool asks_what_is_allowed(const Context& context) {
    return context.method == Method::options || (context.method == Method::post && context.address == Address::row);
}

std::string allow_header(const Context& context, const schemas::Table& table) {
    const std::vector<std::string>& segments = context.target.segments;
    const bool is_below = segments.size() > kDatabaseSegments + 1;
    // The segment is an address for POST alone, and a key like any other for the rest.
    const bool is_bulk = is_below && segments.back() == kBulkDelete;
    std::vector<tenants::Verb> possible;
    for (const tenants::Verb verb : tenants::allowed_verbs(*context.database, context.subject, segments[kDatabaseSegments])) {
        if (table.kind == schemas::TableKind::view && verb != tenants::Verb::get) continue;
        if (is_bulk && verb == tenants::Verb::erase) possible.push_back(tenants::Verb::post);
        if (!is_below || (verb != tenants::Verb::post && names_row(context, table, verb))) possible.push_back(verb);
    }
    return names_of(possible);
}

}  // namespace gateway
