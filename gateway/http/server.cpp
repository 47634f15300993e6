#include "gateway/http/server.h"

#include <httplib.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "gateway/http/ascii.h"
#include "gateway/http/listen.h"
#include "gateway/http/receive.h"

// Without these the library's structs have other sizes than in its .so, and memory is corrupted silently.
#if !defined(CPPHTTPLIB_OPENSSL_SUPPORT) || !defined(CPPHTTPLIB_ZLIB_SUPPORT) || !defined(CPPHTTPLIB_BROTLI_SUPPORT)
static_assert(false, "compile with the flags of `pkg-config --cflags cpp-httplib`");
#endif

namespace gateway::http {
namespace {

using Clock = StopSignal::Clock;

constexpr std::chrono::milliseconds kDrainTime{10000};
constexpr std::chrono::milliseconds kAcceptPause{10};
constexpr std::size_t kWaitingMax = 1024;              // then the system's backlog keeps further connections
constexpr std::size_t kSlowestBytesPerSecond = 65536;  // an answer may take its size at this rate on top of write_timeout

// What httplib reads the request from and writes the answer to: bytes in memory, never a socket.
class AnswerStream final : public httplib::Stream {
public:
    explicit AnswerStream(std::string_view head) : head_(head) {}

    bool is_readable() const override { return !head_.empty(); }
    bool is_writable() const override { return true; }
    ssize_t read(char* to, std::size_t size) override {
        const std::size_t count = head_.copy(to, size);
        head_.remove_prefix(count);
        return static_cast<ssize_t>(count);
    }
    ssize_t write(const char* from, std::size_t size) override {
        answer_.append(from, size);
        return static_cast<ssize_t>(size);
    }
    void get_remote_ip_and_port(std::string& address, int& port) const override {
        address.clear();
        port = 0;
    }
    void get_local_ip_and_port(std::string& address, int& port) const override { get_remote_ip_and_port(address, port); }
    socket_t socket() const override { return -1; }

    [[nodiscard]] const std::string& answer() const { return answer_; }

private:
    std::string_view head_;
    std::string answer_;
};

// Headers that only the server writes.
bool is_own_header(std::string_view name) {
    constexpr std::array<std::string_view, 5> kOwn{"Connection", "Content-Length", "Date", "Keep-Alive", "Transfer-Encoding"};
    return std::any_of(kOwn.begin(), kOwn.end(), [&](std::string_view own) { return is_equal_ignoring_case(name, own); });
}

// Nothing in it could end a line early or be taken for another header.
bool is_writable(const Response& response) {
    return response.status >= 200 && response.status <= 599 &&
           std::all_of(response.headers.begin(), response.headers.end(), [](const Header& header) {
               return is_token(header.name) && std::none_of(header.value.begin(), header.value.end(), is_control);
           });
}

// RFC 9110 section 5.6.7; made once a second a thread.
const std::string& date_now() {
    thread_local std::time_t made_at = 0;
    thread_local std::string text;
    const std::time_t now = std::time(nullptr);
    if (now != made_at || text.empty()) {
        constexpr std::array<std::string_view, 7> kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
        constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                           "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
        std::tm parts{};
        ::gmtime_r(&now, &parts);
        text = fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", kDays.at(static_cast<std::size_t>(parts.tm_wday)),
                           parts.tm_mday, kMonths.at(static_cast<std::size_t>(parts.tm_mon)), parts.tm_year + 1900, parts.tm_hour,
                           parts.tm_min, parts.tm_sec);
        made_at = now;
    }
    return text;
}

// The request on its way through httplib, which calls its handlers on the thread that asked it to.
thread_local Incoming* current_incoming = nullptr;

}  // namespace

class Server::Front final : public httplib::Server {
public:
    Front(ServerOptions options, http::Handler handler, RefusalHandler refuse)
        : options_(std::move(options)),
          handler_(std::move(handler)),
          refuse_(std::move(refuse)),
          crowding_(std::max<std::size_t>(1, options_.threads)) {
        set_pre_routing_handler([this](const httplib::Request&, httplib::Response& out) {
            fill(out, respond(*current_incoming));
            return HandlerResponse::Handled;
        });
        set_post_routing_handler([this](const httplib::Request&, httplib::Response& out) { settle_own_headers(out); });
    }

    ~Front() override { close_listener(); }

    std::uint16_t bind() {
        const Listener listener = open_listener(options_.address, options_.port);
        svr_sock_ = listener.descriptor;
        return listener.port;
    }

    void run();
    void raise_stop() { stop_.raise(kDrainTime); }

private:
    bool process_and_close_socket(socket_t descriptor) override;
    void serve(http::Stream& stream, const std::string& peer);
    bool answer(http::Stream& stream, Incoming& incoming);

    [[nodiscard]] Response respond(Incoming& incoming) const;
    [[nodiscard]] Response refusal_response(const Refusal& refusal) const;
    static void fill(httplib::Response& out, Response&& response);
    void settle_own_headers(httplib::Response& out) const;

    void accept_one(httplib::ThreadPool& pool);
    bool wait_for_stop(std::chrono::milliseconds time, int also_watched) const;
    void close_listener();

    const ServerOptions options_;
    const http::Handler handler_;
    const RefusalHandler refuse_;
    StopSignal stop_;
    Crowding crowding_;
};

// The refusal handler's own failure still gets an answer, without a body.
Response Server::Front::refusal_response(const Refusal& refusal) const {
    try {
        Response response = refuse_(refusal);
        if (is_writable(response)) {
            return response;
        }
    } catch (...) {
        return {};
    }
    return {};
}

Response Server::Front::respond(Incoming& incoming) const {
    if (incoming.kind == Incoming::Kind::refused) {
        return refusal_response(incoming.refusal);
    }
    try {
        Response response = handler_(std::move(incoming.request));
        if (is_writable(response)) {
            return response;
        }
        return refusal_response({500, "the answer had a status or a header that must not be sent", 0});
    } catch (const std::exception& error) {
        return refusal_response({500, std::string("the handler threw: ") + error.what(), 0});
    } catch (...) {
        return refusal_response({500, "the handler threw", 0});
    }
}

void Server::Front::fill(httplib::Response& out, Response&& response) {
    out.status = response.status;
    for (Header& header : response.headers) {
        if (!is_own_header(header.name)) {
            out.headers.emplace(std::move(header.name), std::move(header.value));
        }
    }
    const bool has_no_body = response.status == 204 || response.status == 304;
    out.body = has_no_body ? std::string{} : std::move(response.body);
}

void Server::Front::settle_own_headers(httplib::Response& out) const {
    Incoming& incoming = *current_incoming;
    // Asked after the handler: a stop that came while it ran is still told to the client.
    incoming.keeps_alive = incoming.keeps_alive && !stop_.is_raised();
    for (const char* name : {"Connection", "Keep-Alive", "Accept-Ranges"}) {
        out.headers.erase(name);
    }
    if (out.status == 204 || out.status == 304) {
        out.headers.erase("Content-Length");
    }
    if (!incoming.keeps_alive) {
        out.headers.emplace("Connection", "close");
    } else if (incoming.is_http_1_0) {
        out.headers.emplace("Connection", "keep-alive");
    }
    out.headers.emplace("Date", date_now());
}

// False when the connection is of no more use.
bool Server::Front::answer(http::Stream& stream, Incoming& incoming) {
    // The only thing that httplib must know of a request is whether its answer has a body; everything else was read by us.
    AnswerStream answer_stream(incoming.request.method == "HEAD" ? "HEAD / HTTP/1.1\r\n\r\n" : "GET / HTTP/1.1\r\n\r\n");
    current_incoming = &incoming;
    bool is_closed = false;
    const bool is_served = process_request(answer_stream, !incoming.keeps_alive, is_closed, nullptr);
    current_incoming = nullptr;
    const std::string& bytes = answer_stream.answer();
    const std::chrono::seconds for_size(static_cast<std::int64_t>(bytes.size() / kSlowestBytesPerSecond));
    return is_served && stream.write(bytes, options_.write_timeout, Clock::now() + options_.write_timeout + for_size);
}

void Server::Front::serve(http::Stream& stream, const std::string& peer) {
    const Clock::time_point began = Clock::now();
    for (;;) {
        Incoming incoming = receive(stream, options_, crowding_);
        if (incoming.kind == Incoming::Kind::gone) {
            return;
        }
        incoming.request.peer = peer;
        const bool has_unread_body =
            incoming.kind == Incoming::Kind::refused || incoming.request.body_state == BodyState::too_large;
        const bool gives_way = crowding_.is_high() && Clock::now() - began > http::Stream::kGiveWayTime;
        incoming.keeps_alive = incoming.keeps_alive && !gives_way;
        if (!answer(stream, incoming)) {
            return;
        }
        if (!incoming.keeps_alive) {
            if (has_unread_body || !stream.buffered().empty()) {
                stream.linger();
            }
            return;
        }
    }
}

bool Server::Front::process_and_close_socket(socket_t descriptor) {
    http::Stream stream(descriptor, stop_);
    try {
        disable_delay(descriptor);
        serve(stream, peer_address(descriptor));
    } catch (...) {
        // Out of memory, for one: this connection ends, the thread and the others go on.
        return false;
    }
    return true;
}

bool Server::Front::wait_for_stop(std::chrono::milliseconds time, int also_watched) const {
    std::array<pollfd, 2> watched{pollfd{stop_.descriptor(), POLLIN, 0}, pollfd{also_watched, POLLIN, 0}};
    ::poll(watched.data(), also_watched < 0 ? 1 : 2, static_cast<int>(time.count()));
    return stop_.is_raised();
}

void Server::Front::accept_one(httplib::ThreadPool& pool) {
    const int descriptor = ::accept4(svr_sock_, nullptr, nullptr, SOCK_CLOEXEC);
    if (descriptor < 0) {
        switch (errno) {
            case EBADF:
            case EINVAL:
            case ENOTSOCK:
                throw std::runtime_error("cannot accept connections: " + std::generic_category().message(errno));
            case EMFILE:
            case ENFILE:
            case ENOBUFS:
            case ENOMEM:
                wait_for_stop(kAcceptPause, -1);
                return;
            default:
                return;  // nobody there after all, or the network's trouble with one connection (accept(2))
        }
    }
    crowding_.waiting.fetch_add(1);
    try {
        pool.enqueue([this, descriptor] {
            crowding_.busy.fetch_add(1);
            crowding_.waiting.fetch_sub(1);
            process_and_close_socket(descriptor);
            crowding_.busy.fetch_sub(1);
        });
    } catch (const std::bad_alloc&) {
        crowding_.waiting.fetch_sub(1);
        ::close(descriptor);
    }
}

// Our own loop in place of httplib's: that one ends for good at the first aborted connection, and its stop() closes the
// descriptor under the accept of another thread.
void Server::Front::run() {
    if (svr_sock_ == INVALID_SOCKET) {
        throw std::logic_error("run() before bind()");
    }
    httplib::ThreadPool pool(crowding_.threads);
    try {
        while (!stop_.is_raised()) {
            if (crowding_.waiting.load() >= kWaitingMax) {
                wait_for_stop(kAcceptPause, -1);
            } else if (!wait_for_stop(std::chrono::milliseconds(1000), svr_sock_)) {
                accept_one(pool);
            }
        }
    } catch (...) {
        raise_stop();
        pool.shutdown();
        throw;
    }
    close_listener();
    pool.shutdown();
}

void Server::Front::close_listener() {
    const socket_t descriptor = svr_sock_.exchange(INVALID_SOCKET);
    if (descriptor != INVALID_SOCKET) {
        ::close(descriptor);
    }
}

Server::Server(ServerOptions options, Handler handler, RefusalHandler refuse)
    : front_(std::make_unique<Front>(std::move(options), std::move(handler), std::move(refuse))) {}

Server::~Server() = default;

std::uint16_t Server::bind() {
    return front_->bind();
}

void Server::run() {
    front_->run();
}

void Server::stop() {
    front_->raise_stop();
}

}  // namespace gateway::http
