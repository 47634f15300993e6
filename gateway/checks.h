// What a request's headers and body must be before the database is asked: preferences and conditions that are delivered, an Accept that
// JSON meets, a body where one belongs. Of its address and its filters nothing is known here. Called by the pipeline, in its order.
#pragma once

#include "gateway/stage.h"
#include "sql/plan/intent.h"

namespace gateway {

// What the head asks for beyond this version is refused, never ignored; what RFC 7240 lets us ignore is ignored. Notes in the
// context what it asks for and gets.
[[nodiscard]] Outcome<void> check_headers(Context& context);
[[nodiscard]] Outcome<void> check_accept(const Context& context);
// 413, 415, 400, 422: in this order, after everything that the head can be refused for. Takes the request's body.
[[nodiscard]] Outcome<sql::plan::Body> parse_request_body(Context& context);
[[nodiscard]] Outcome<void> refuse_body(const Context& context);

}  // namespace gateway
