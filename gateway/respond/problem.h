// A Problem to an application/problem+json answer (RFC 9457) with the headers that its status asks for.
#pragma once

#include "gateway/error.h"
#include "gateway/http/message.h"

namespace gateway::respond {

[[nodiscard]] http::Response problem_response(const Problem& problem);

}  // namespace gateway::respond
