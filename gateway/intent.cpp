#include "gateway/intent.h"

#include <utility>

#include "filters/key.h"
#include "filters/parse.h"
#include "filters/print.h"
#include "gateway/checks.h"
#include "gateway/request/asks.h"
#include "gateway/request/keys_body.h"

namespace gateway {
namespace {

using sql::plan::Intent;

// Every other DELETE says by its body, if it has one, which rows it means.
bool awaits_body(const Context& context) {
    if (context.address == Address::bulk_delete) return true;
    const bool has_body = context.request.body_state == http::BodyState::too_large || !context.request.body.empty();
    return context.method == Method::erase && has_body;
}

// Values may be about people: without leave, `_` stands for each.
void hide_values(filters::Query& query) {
    for (filters::Condition& condition : query.where) {
        for (filters::Literal& value : condition.values) value.text = "_";
    }
    if (query.ids) query.ids->items.assign(1, {"_", 0});
}

// `7,eu;8,us`, each as a path would say it; one that no path can say is `_` too.
std::string print_keys(const sql::plan::BodyKeys& keys) {
    std::string text;
    std::vector<std::string> parts;
    std::size_t at = 0;
    for (const std::size_t end : keys.ends) {
        parts.clear();
        for (; at < end; ++at) parts.push_back(keys.parts[at].literal.text);
        text += (text.empty() ? "" : ";") + filters::print_key(parts).value_or("_");
    }
    return text;
}

// Which rows, as far as they are known by now.
void note_rows(const Context& context, const Intent& intent) {
    if (!context.event.write) return;
    observe::WriteAsked& write = *context.event.write;
    const bool has_values = context.snapshot.config.audit_values;
    filters::Query query = intent.query;
    query.where.insert(query.where.end(), intent.body_where.begin(), intent.body_where.end());
    const std::size_t keys = (query.ids ? query.ids->items.size() : 0) + (intent.body_keys ? intent.body_keys->ends.size() : 0);
    if (keys > 0) write.ids = keys;
    if (!has_values) hide_values(query);
    write.filter = filters::print(query);
    if (intent.body_keys) {
        write.filter.append(write.filter.empty() ? "ids=" : "&ids=").append(has_values ? print_keys(*intent.body_keys) : "_");
    }
}

}  // namespace

Outcome<Intent> parse_intent(Context& context) {
    Intent intent;
    intent.verb = plan_verb(context.method);
    if (context.address == Address::row) intent.key = request::path_key(context.target);
    auto query = filters::parse(context.target.query, context.target.query_position, context.snapshot.config.filter_limits);
    if (!query) return fail(query.error());
    intent.query = std::move(*query);
    intent.awaits_body = awaits_body(context);
    note_rows(context, intent);
    auto preferences = check_headers(context);
    if (!preferences) return fail(std::move(preferences).error());
    const http::NameLengths lengths(context.request.headers);
    request::AskHeaders headers;
    if (lengths.may_have("X-Delete-Token")) headers.delete_token = context.request.values("X-Delete-Token");
    if (lengths.may_have("X-Conditional-Delete")) headers.conditional_delete = context.request.values("X-Conditional-Delete");
    auto asks = request::parse_asks(intent.verb, *preferences, headers, intent.query);
    const bool comes_after_rows = !asks && asks.error().fault == request::AskFault::query && names_no_rows(intent);
    if (!asks && !comes_after_rows) return fail(asks.error());
    if (asks) intent.asks = std::move(*asks);
    return intent;
}

bool names_no_rows(const Intent& intent) {
    const bool needs_rows = intent.verb == sql::plan::Verb::update || intent.verb == sql::plan::Verb::erase;
    return needs_rows && !intent.key && !intent.awaits_body && !intent.query.ids && intent.query.where.empty() && intent.query.undelivered.empty();
}

Outcome<void> parse_named_rows(Context& context, Intent& intent) {
    using request::KeysForm;
    auto bytes = take_json_body(context);
    if (!bytes) return fail(std::move(bytes).error());
    const KeysForm form = context.address == Address::bulk_delete ? KeysForm::ids_or_filter : KeysForm::ids;
    const config::Config& config = context.snapshot.config;
    auto body = request::parse_keys_body(std::move(*bytes), form, config.body_limits, config.filter_limits);
    if (!body) return fail(body.error());
    intent.body_keys = std::move(body->keys);
    intent.body_where = std::move(body->where);
    intent.awaits_body = false;
    context.request.body = std::move(body->bytes);
    note_rows(context, intent);
    return {};
}

}  // namespace gateway
