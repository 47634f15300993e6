#include "gateway/http/receiver.h"

#include <algorithm>
#include <utility>

#include "gateway/http/chunked.h"
#include "gateway/http/head.h"

namespace gateway::http {
namespace {

// From here on a body is believed to become as long as it was announced: until then announcing costs no memory.
constexpr std::size_t kBelievedBytes = 65536;

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

Incoming begin(Head&& head) {
    Incoming incoming;
    incoming.is_http_1_0 = head.is_http_1_0;
    incoming.keeps_alive = head.keeps_alive;
    incoming.request.method = std::move(head.method);
    incoming.request.target = std::move(head.target);
    incoming.request.headers = std::move(head.headers);
    return incoming;
}

Incoming finish(Incoming&& incoming, BodyState state) {
    incoming.request.body_state = state;
    if (state == BodyState::too_large) {
        incoming.request.body = {};
        incoming.keeps_alive = false;
    }
    incoming.request.received = std::chrono::steady_clock::now();
    return std::move(incoming);
}

}  // namespace

struct Receiver::Body {
    Incoming incoming;
    std::optional<ChunkedDecoder> chunks;  // else `length`
    std::size_t length = 0;
    bool wants_continue = false;
};

Receiver::Receiver() = default;
Receiver::~Receiver() = default;

std::optional<Incoming> Receiver::advance(std::string_view& bytes, const ServerOptions& options) {
    return body_ ? advance_body(bytes) : advance_head(bytes, options);
}

std::optional<Incoming> Receiver::advance_head(std::string_view& bytes, const ServerOptions& options) {
    // Most heads come in one piece and are read where they are.
    const std::size_t old_size = head_.size();
    std::string_view view = bytes;
    if (old_size != 0) {
        head_ += bytes;
        view = head_;
    }
    // RFC 9112 section 2.2: one empty line before a request line is skipped, for clients that end a body with one.
    const std::size_t skipped = !has_skipped_ && view.starts_with("\r\n") ? 2 : 0;
    has_skipped_ = has_skipped_ || skipped != 0 || (!view.empty() && view != "\r");
    view.remove_prefix(skipped);
    const auto end = view.empty() || (view == "\r" && !has_skipped_) ? tl::expected<std::size_t, Refusal>(0)
                                                                     : find_head_end(view, scanned_, options);
    if (!end) {
        return refused_head(end.error(), view);
    }
    if (*end == 0) {
        scanned_ = view.size();
        if (old_size == 0 || skipped != 0) {
            head_ = std::string(view);
        }
        bytes = {};
        return std::nullopt;
    }
    auto head = parse_found_head(view.substr(0, *end), options);
    if (!head) {
        return refused_head(std::move(head.error()), view);
    }
    bytes.remove_prefix(*end + skipped - old_size);
    head_ = {};
    scanned_ = 0;
    has_skipped_ = false;

    const BodyFraming framing = head->framing;
    const std::size_t length = head->content_length;
    const bool expects_continue = head->expects_continue;
    Incoming incoming = begin(std::move(*head));
    if (framing == BodyFraming::none) {
        return finish(std::move(incoming), BodyState::none);
    }
    if (framing == BodyFraming::length && length > options.body_bytes_max) {
        return finish(std::move(incoming), BodyState::too_large);
    }
    body_ = std::make_unique<Body>();
    body_->incoming = std::move(incoming);
    body_->length = length;
    body_->wants_continue = expects_continue && bytes.empty();
    if (framing == BodyFraming::chunked) {
        body_->chunks.emplace(options.body_bytes_max);
    }
    return advance_body(bytes);
}

std::optional<Incoming> Receiver::advance_body(std::string_view& bytes) {
    std::string& body = body_->incoming.request.body;
    if (body_->chunks) {
        const auto progress = body_->chunks->decode(bytes, body);
        if (!progress) {
            return refused(progress.error());
        }
        bytes.remove_prefix(progress->consumed);
        switch (progress->state) {
            case ChunkedDecoder::State::complete:
                return finish(std::move(std::exchange(body_, nullptr)->incoming), BodyState::complete);
            case ChunkedDecoder::State::too_large:
                return finish(std::move(std::exchange(body_, nullptr)->incoming), BodyState::too_large);
            case ChunkedDecoder::State::wants_bytes:
                return std::nullopt;
        }
    }
    const std::size_t count = std::min(bytes.size(), body_->length - body.size());
    if (body.size() + count >= kBelievedBytes) {
        body.reserve(body_->length);
    }
    body.append(bytes.substr(0, count));
    bytes.remove_prefix(count);
    if (body.size() < body_->length) {
        return std::nullopt;
    }
    return finish(std::move(std::exchange(body_, nullptr)->incoming), BodyState::complete);
}

Receiver::Phase Receiver::phase() const {
    if (body_) {
        return Phase::body;
    }
    return head_.empty() || (head_ == "\r" && !has_skipped_) ? Phase::idle : Phase::head;
}

bool Receiver::wants_continue() {
    return body_ && std::exchange(body_->wants_continue, false) && body_->incoming.request.body.empty();
}

std::size_t Receiver::held() const {
    return head_.size() + (body_ ? body_->incoming.request.body.size() : 0);
}

Incoming Receiver::give_up(int status, std::string detail) const {
    Incoming incoming = refused_head({status, std::move(detail), 0}, head_);
    if (body_) {
        incoming.request.method = body_->incoming.request.method;
    }
    return incoming;
}

void Receiver::reset() {
    head_ = {};
    scanned_ = 0;
    has_skipped_ = false;
    body_.reset();
}

}  // namespace gateway::http
