#include "gateway/checks.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "gateway/request/body.h"
#include "gateway/request/prefer.h"

namespace gateway {

Outcome<std::vector<request::Preference>> check_headers(Context& context) {
    const std::vector<std::string_view> prefer = context.request.values("Prefer");
    std::vector<request::Preference> preferences;
    if (!prefer.empty()) {
        auto parsed = request::parse_prefer(prefer);
        if (!parsed) return refuse(Code::prefer_invalid, parsed.error());
        preferences = std::move(*parsed);
        static constexpr std::array<std::string_view, 3> kUndelivered{"undo", "respond-async", "resolution"};
        for (const request::Preference& preference : preferences) {
            if (std::ranges::find(kUndelivered, preference.name) != kUndelivered.end()) {
                return refuse(Code::not_implemented, fmt::format("the preference '{}' is not delivered yet", preference.name),
                              "leave it out of Prefer");
            }
            if (preference.name == "numbers" && preference.value == "string") context.numbers = respond::Numbers::string;
        }
    }
    static constexpr std::array<std::string_view, 5> kUndelivered{"If-Match", "If-Unmodified-Since", "Idempotency-Key", "X-Hard-Delete",
                                                                  "ES-HardDelete"};
    const http::NameLengths lengths(context.request.headers);
    for (const std::string_view name : kUndelivered) {
        if (lengths.may_have(name) && context.request.has(name)) {
            return refuse(Code::not_implemented, fmt::format("the header {} is not delivered yet", name), "send the request without it");
        }
    }
    // A read may answer in full; a write that the client made conditional must not run without its condition.
    const bool is_write = verb_of(context.method) != tenants::Verb::get;
    if (is_write && context.request.has("If-None-Match")) {
        return refuse(Code::not_implemented, "the header If-None-Match is not delivered yet on a write", "send the request without it");
    }
    return preferences;
}

Outcome<void> check_accept(const Context& context) {
    if (request::accepts_json(context.request.values("Accept"))) return {};
    return refuse(Code::not_acceptable, "the Accept header allows no application/json, and there is nothing else", "send Accept: application/json");
}

Outcome<std::string> take_json_body(Context& context) {
    http::Request& request = context.request;
    const std::size_t body_bytes_max = context.space->caps.body_bytes_max;
    if (request.body_state == http::BodyState::too_large || request.body.size() > body_bytes_max) {
        return refuse(Code::body_too_large, fmt::format("the body is larger than body_bytes_max, {} bytes", body_bytes_max));
    }
    if (request.body_state == http::BodyState::none) {
        return refuse(Code::length_required, fmt::format("{} takes a body, and the request has neither Content-Length nor Transfer-Encoding", request.method),
                      "send the body with its Content-Length");
    }
    if (request.has("Content-Encoding")) {
        return refuse(Code::media_type_unsupported, "a body with a Content-Encoding is not taken", "send the JSON as it is");
    }
    const http::Request::Found type = request.find("Content-Type");
    if (!request.body.empty() && (type.count != 1 || !request::is_json_content_type(type.value))) {
        return refuse(Code::media_type_unsupported, type.count == 0 ? "the body has no Content-Type" : "the body's Content-Type is not JSON",
                      "send Content-Type: application/json");
    }
    return std::move(request.body);
}

Outcome<sql::plan::Body> parse_request_body(Context& context) {
    auto bytes = take_json_body(context);
    if (!bytes) return fail(std::move(bytes).error());
    const auto shape =
        context.method == Method::post ? request::BodyShape::object_or_array : request::BodyShape::object;
    auto body = request::parse_body(std::move(*bytes), shape, context.snapshot.config.body_limits);
    if (!body) return fail(std::move(body).error());
    return std::move(*body);
}

Outcome<void> refuse_body(const Context& context) {
    if (context.request.body_state == http::BodyState::too_large || !context.request.body.empty()) {
        return refuse(Code::body_unexpected, fmt::format("{} takes no body; nothing was done", context.request.method));
    }
    return {};
}

}  // namespace gateway
