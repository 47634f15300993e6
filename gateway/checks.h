// What a request's headers and body must be before the database is asked: preferences and conditions that are delivered, an Accept that
// JSON meets, a body where one belongs. Of its address and its filters nothing is known here. Called by the pipeline, in its order.
#pragma once

#include <string>
#include <vector>

#include "gateway/request/prefer.h"
#include "gateway/stage.h"
#include "sql/plan/intent.h"

namespace gateway {

// What the head asks for beyond this version is refused, never ignored; what RFC 7240 lets us ignore is ignored. Notes in the
// context what a read asks for and gets; gives the preferences, for those of writes.
[[nodiscard]] Outcome<std::vector<request::Preference>> check_headers(Context& context);
[[nodiscard]] Outcome<void> check_accept(const Context& context);
// 413, 411, 415: the body's bytes, taken from the request, if they are said to be JSON.
[[nodiscard]] Outcome<std::string> take_json_body(Context& context);
// The same, then 400, 422: in this order, after everything that the head can be refused for.
[[nodiscard]] Outcome<sql::plan::Body> parse_request_body(Context& context);
[[nodiscard]] Outcome<void> refuse_body(const Context& context);

}  // namespace gateway
