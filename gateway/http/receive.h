// One request off a connection: waits for it, judges its head, reads its body, or says why not.
// It answers nothing but `100 Continue` and runs no handler. Called by server.cpp in each connection's loop.
#pragma once

#include "gateway/http/message.h"
#include "gateway/http/server.h"
#include "gateway/http/stream.h"

namespace gateway::http {

struct Incoming {
    enum class Kind {
        request,  // complete, or its body is too large
        refused,  // `refusal` says why; the connection is of no more use
        gone,     // nobody to answer: closed, idle for too long, or stopped
    };

    Kind kind = Kind::gone;
    Request request;  // `peer` is left empty
    Refusal refusal;
    bool keeps_alive = false;  // the client wants to, and the connection's bytes are all accounted for
    bool is_http_1_0 = false;
};

[[nodiscard]] Incoming receive(Stream& stream, const ServerOptions& options, const Crowding& crowding);

}  // namespace gateway::http
