// A connection's requests out of its bytes, however they are cut: judges each head, collects each body, or says why not.
// It reads no socket and keeps no time; bytes are pushed in and complete requests come out. Called by server.cpp, one receiver
// a connection.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/http/message.h"
#include "gateway/http/server.h"

namespace gateway::http {

struct Incoming {
    enum class Kind {
        request,  // complete, or its body is too large
        refused,  // `refusal` says why; the connection is of no more use
    };

    Kind kind = Kind::request;
    Request request;  // `peer` is left empty
    Refusal refusal;
    bool keeps_alive = false;  // the client wants to, and the connection's bytes are all accounted for
    bool is_http_1_0 = false;
};

class Receiver {
public:
    enum class Phase { idle, head, body };

    Receiver();
    ~Receiver();
    Receiver(const Receiver&) = delete;
    Receiver& operator=(const Receiver&) = delete;

    // Takes from the front of `bytes` what belongs to the request under way. Nothing when it wants more bytes; then all of `bytes`
    // has been taken. After a refusal the receiver is of no more use.
    [[nodiscard]] std::optional<Incoming> advance(std::string_view& bytes, const ServerOptions& options);

    // What of a request has come.
    [[nodiscard]] Phase phase() const;
    // True once for a request that asked for `100 Continue` and whose body has not begun to come (RFC 9110 section 10.1.1).
    [[nodiscard]] bool wants_continue();
    // Bytes kept for the request under way.
    [[nodiscard]] std::size_t held() const;
    // The request under way will not be completed: what to answer.
    [[nodiscard]] Incoming give_up(int status, std::string detail) const;
    void reset();

private:
    struct Body;

    [[nodiscard]] std::optional<Incoming> advance_head(std::string_view& bytes, const ServerOptions& options);
    [[nodiscard]] std::optional<Incoming> advance_body(std::string_view& bytes);
    [[nodiscard]] Incoming complete();

    std::string head_;         // the bytes of a head that is not complete
    std::size_t scanned_ = 0;  // of head_
    bool has_skipped_ = false;
    std::unique_ptr<Body> body_;  // from the end of a head on until its body is in
};

}  // namespace gateway::http
