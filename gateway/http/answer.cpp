#include "gateway/http/answer.h"

#include <httplib.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "gateway/http/ascii.h"

// Without these the library's structs have other sizes than in its .so, and memory is corrupted silently.
#if !defined(CPPHTTPLIB_OPENSSL_SUPPORT) || !defined(CPPHTTPLIB_ZLIB_SUPPORT) || !defined(CPPHTTPLIB_BROTLI_SUPPORT)
static_assert(false, "compile with the flags of `pkg-config --cflags cpp-httplib`");
#endif

namespace gateway::http {
namespace {

constexpr std::size_t kLongBody = 32768;  // is not copied

// Everything about a request was read by us; this one can be read in one way only.
constexpr std::string_view kFixedRequest = "GET / HTTP/1.1\r\n\r\n";

// What httplib reads the request from and writes the answer to: bytes in memory. Of what it writes the status line is kept and our
// header lines and body follow: through its own maps and printf they would cost half as much as the whole rest of the front.
class AnswerStream final : public httplib::Stream {
public:
    AnswerStream(std::string_view head, std::string& out) : head_(head), out_(out) {}

    bool is_readable() const override { return !head_.empty(); }
    bool is_writable() const override { return true; }
    ssize_t read(char* to, std::size_t size) override {
        const std::size_t count = head_.copy(to, size);
        head_.remove_prefix(count);
        return static_cast<ssize_t>(count);
    }
    ssize_t write(const char* from, std::size_t size) override {
        const std::string_view bytes(from, size);
        if (!has_status_line_) {
            const std::size_t end = bytes.find('\n');
            has_status_line_ = end != std::string_view::npos;
            out_.append(bytes.substr(0, has_status_line_ ? end + 1 : end));
        }
        return static_cast<ssize_t>(size);
    }
    void get_remote_ip_and_port(std::string& address, int& port) const override {
        address.clear();
        port = 0;
    }
    void get_local_ip_and_port(std::string& address, int& port) const override { get_remote_ip_and_port(address, port); }
    socket_t socket() const override { return -1; }

    [[nodiscard]] bool has_status_line() const { return has_status_line_; }

private:
    std::string_view head_;
    std::string& out_;
    bool has_status_line_ = false;
};

// Headers that only the server writes.
bool is_own_header(std::string_view name) {
    constexpr std::array<std::string_view, 5> kOwn{"Connection", "Content-Length", "Date", "Keep-Alive", "Transfer-Encoding"};
    return std::any_of(kOwn.begin(), kOwn.end(), [&](std::string_view own) { return is_equal_ignoring_case(name, own); });
}

bool has_control(std::string_view text) {
    std::size_t at = find_control_or_tab(text, 0);
    while (at < text.size() && text[at] == '\t') {
        at = find_control_or_tab(text, at + 1);
    }
    return at < text.size();
}

// Nothing in it could end a line early or be taken for another header.
bool is_writable(const Response& response) {
    return response.status >= 200 && response.status <= 599 &&
           std::all_of(response.headers.begin(), response.headers.end(), [](const Header& header) {
               return is_token(header.name) && !has_control(header.value);
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
struct Passage {
    Incoming& incoming;
    Response response;
};
thread_local Passage* current_passage = nullptr;

void append_header(std::string& out, std::string_view name, std::string_view value) {
    out += name;
    out += ": ";
    out += value;
    out += "\r\n";
}

}  // namespace

class Answerer::Front final : public httplib::Server {
public:
    Front(http::Handler handler, RefusalHandler refuse) : handler_(std::move(handler)), refuse_(std::move(refuse)) {
        set_pre_routing_handler([this](const httplib::Request&, httplib::Response& out) {
            if (current_passage == nullptr) {
                return HandlerResponse::Handled;
            }
            Passage& passage = *current_passage;
            passage.response = respond(passage.incoming);
            out.status = passage.response.status;
            return HandlerResponse::Handled;
        });
        // Once before there are threads: the library makes its tables when it is first asked.
        std::string nowhere;
        AnswerStream stream(kFixedRequest, nowhere);
        bool is_closed = false;
        static_cast<void>(process_request(stream, true, is_closed, nullptr));
    }

    Answered answer(Incoming& incoming, const std::atomic<bool>& is_stopping, std::string& out);

private:
    [[nodiscard]] Response respond(Incoming& incoming) const;
    [[nodiscard]] Response refusal_response(const Refusal& refusal) const;

    const http::Handler handler_;
    const RefusalHandler refuse_;
};

// The refusal handler's own failure still gets an answer, without a body.
Response Answerer::Front::refusal_response(const Refusal& refusal) const {
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

Response Answerer::Front::respond(Incoming& incoming) const {
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

Answered Answerer::Front::answer(Incoming& incoming, const std::atomic<bool>& is_stopping, std::string& out) {
    const bool is_head = incoming.request.method == "HEAD";
    AnswerStream stream(kFixedRequest, out);
    Passage passage{incoming, {}};
    current_passage = &passage;
    bool is_closed = false;
    // Told that the connection closes, whatever becomes of it: its Keep-Alive header costs more than its answer does.
    const bool is_written = process_request(stream, true, is_closed, nullptr);
    current_passage = nullptr;
    Answered answered;
    if (!is_written || !stream.has_status_line()) {
        answered.closes = true;
        return answered;
    }
    Response& response = passage.response;
    for (const Header& header : response.headers) {
        if (!is_own_header(header.name)) {
            append_header(out, header.name, header.value);
        }
    }
    out += response.lines.text();
    const bool has_no_body = response.status == 204 || response.status == 304;
    const bool is_made_while_sent = response.source && !has_no_body;
    answered.source_is_chunked = is_made_while_sent && !incoming.is_http_1_0;
    if (answered.source_is_chunked) {
        append_header(out, "Transfer-Encoding", "chunked");
    } else if (!is_made_while_sent && !has_no_body) {
        append_header(out, "Content-Length", fmt::format_int(response.body.size()).c_str());
    }
    answered.closes = !incoming.keeps_alive || (is_made_while_sent && incoming.is_http_1_0) ||
                      is_stopping.load(std::memory_order_acquire);
    if (answered.closes) {
        append_header(out, "Connection", "close");
    } else if (incoming.is_http_1_0) {
        append_header(out, "Connection", "keep-alive");
    }
    append_header(out, "Date", date_now());
    out += "\r\n";
    if (is_made_while_sent) {
        answered.source = is_head ? nullptr : std::move(response.source);
    } else if (!is_head && !has_no_body) {
        if (response.body.size() > kLongBody) {
            answered.body = std::move(response.body);
        } else {
            out += response.body;
        }
    }
    return answered;
}

Answerer::Answerer(Handler handler, RefusalHandler refuse) : front_(std::make_unique<Front>(std::move(handler), std::move(refuse))) {}

Answerer::~Answerer() = default;

Answered Answerer::answer(Incoming& incoming, const std::atomic<bool>& is_stopping, std::string& out) {
    return front_->answer(incoming, is_stopping, out);
}

}  // namespace gateway::http
