#include "gateway/http/receive.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "gateway/http/chunked.h"
#include "gateway/http/head.h"

namespace gateway::http {
namespace {

using Clock = Stream::Clock;

Incoming refused(Refusal refusal) {
    Incoming incoming;
    incoming.kind = Incoming::Kind::refused;
    incoming.refusal = std::move(refusal);
    return incoming;
}

// An answer to HEAD has no body, also when the head was refused: then its first bytes say the method.
Incoming refused_head(Refusal refusal, std::string_view bytes) {
    Incoming incoming = refused(std::move(refusal));
    if (bytes.starts_with("HEAD ")) {
        incoming.request.method = "HEAD";
    }
    return incoming;
}

// What to say when the stream gave no bytes in the middle of a request.
Incoming cut_short(ReadOutcome outcome, std::string_view late) {
    return outcome == ReadOutcome::timed_out ? refused({408, std::string(late), 0}) : Incoming{};
}

// RFC 9112 section 2.2: one empty line before a request line is skipped, for clients that end a body with one.
// False when no request begins.
bool await_first_bytes(Stream& stream, const ServerOptions& options, const Crowding& crowding) {
    bool has_skipped = false;
    const Clock::time_point deadline = Clock::now() + options.idle_timeout;
    for (;;) {
        const std::string_view bytes = stream.buffered();
        if (!has_skipped && bytes.substr(0, 2) == "\r\n") {
            stream.take(2);
            has_skipped = true;
            continue;
        }
        if (bytes.empty()) {
            if (stream.await_request(deadline, crowding) != ReadOutcome::bytes) {
                return false;
            }
            continue;
        }
        if (has_skipped || bytes != "\r") {
            return true;
        }
        if (stream.read(deadline) != ReadOutcome::bytes) {
            return false;
        }
    }
}

// Null when the head is in; else how the request ends.
std::optional<Incoming> read_head(Stream& stream, const ServerOptions& options, Head& head) {
    const Clock::time_point deadline = Clock::now() + options.head_timeout;
    std::size_t scanned = 0;
    for (;;) {
        const auto end = find_head_end(stream.buffered(), scanned, options);
        if (!end) {
            return refused_head(end.error(), stream.buffered());
        }
        if (*end != 0) {
            auto parsed = parse_head(stream.buffered().substr(0, *end), options);
            if (!parsed) {
                return refused_head(std::move(parsed.error()), stream.buffered());
            }
            stream.take(*end);
            head = std::move(*parsed);
            return std::nullopt;
        }
        scanned = stream.buffered().size();
        const ReadOutcome outcome = stream.read(deadline);
        if (outcome != ReadOutcome::bytes) {
            return cut_short(outcome, "the request's head did not come in time");
        }
    }
}

std::optional<Incoming> read_counted(Stream& stream, std::size_t length, Clock::time_point deadline, Request& request) {
    // Grows with what has come, not with what was announced: announcing costs nothing.
    for (;;) {
        const std::string_view bytes = stream.buffered().substr(0, length - request.body.size());
        request.body.append(bytes);
        stream.take(bytes.size());
        if (request.body.size() == length) {
            request.body_state = BodyState::complete;
            return std::nullopt;
        }
        const ReadOutcome outcome = stream.read(deadline);
        if (outcome != ReadOutcome::bytes) {
            return cut_short(outcome, "the request's body did not come in time");
        }
    }
}

std::optional<Incoming> read_chunked(Stream& stream, std::size_t body_bytes_max, Clock::time_point deadline, Request& request) {
    ChunkedDecoder decoder(body_bytes_max);
    for (;;) {
        const auto progress = decoder.decode(stream.buffered(), request.body);
        if (!progress) {
            return refused(progress.error());
        }
        stream.take(progress->consumed);
        switch (progress->state) {
            case ChunkedDecoder::State::complete:
                request.body_state = BodyState::complete;
                return std::nullopt;
            case ChunkedDecoder::State::too_large:
                request.body = {};
                request.body_state = BodyState::too_large;
                return std::nullopt;
            case ChunkedDecoder::State::wants_bytes:
                break;
        }
        const ReadOutcome outcome = stream.read(deadline);
        if (outcome != ReadOutcome::bytes) {
            return cut_short(outcome, "the request's body did not come in time");
        }
    }
}

// Null when the body is in, or found too large; else how the request ends.
std::optional<Incoming> read_body(Stream& stream, const ServerOptions& options, const Head& head, Request& request) {
    if (head.framing == BodyFraming::none) {
        return std::nullopt;
    }
    if (head.framing == BodyFraming::length && head.content_length > options.body_bytes_max) {
        request.body_state = BodyState::too_large;
        return std::nullopt;
    }
    const Clock::time_point deadline = Clock::now() + options.body_timeout;
    // RFC 9110 section 10.1.1: not needed when the client has begun to send.
    if (head.expects_continue && stream.buffered().empty() &&
        !stream.write("HTTP/1.1 100 Continue\r\n\r\n", options.write_timeout, deadline)) {
        return Incoming{};
    }
    return head.framing == BodyFraming::length ? read_counted(stream, head.content_length, deadline, request)
                                               : read_chunked(stream, options.body_bytes_max, deadline, request);
}

}  // namespace

Incoming receive(Stream& stream, const ServerOptions& options, const Crowding& crowding) {
    if (!await_first_bytes(stream, options, crowding)) {
        return {};
    }
    Head head;
    if (auto end = read_head(stream, options, head)) {
        return std::move(*end);
    }
    Incoming incoming;
    if (auto end = read_body(stream, options, head, incoming.request)) {
        return std::move(*end);
    }
    incoming.kind = Incoming::Kind::request;
    incoming.is_http_1_0 = head.is_http_1_0;
    incoming.keeps_alive = head.keeps_alive && incoming.request.body_state != BodyState::too_large;
    incoming.request.method = std::move(head.method);
    incoming.request.target = std::move(head.target);
    incoming.request.headers = std::move(head.headers);
    incoming.request.received = Clock::now();
    return incoming;
}

}  // namespace gateway::http
