// A small HTTP client for what wrk cannot do: a fixed rate with each latency counted from the planned time (so that a stall is seen by all
// who would have come meanwhile), each id once, every answer looked at, idle connections, and clients that are slow on purpose.
// One thread. Started by tests/bench/run; no part of the gateway.
//
//     load drive --port P --connections N --seconds S [--rate R] --method M --target T [--ids N [--once]] [--expect TEXT] [--header H]...
//                        `{}` in T is an id of 1 to N, at random or each once in turn; prints one line of JSON
//     load idle  --port P --connections N --target T [--header H]...      one request each, then silence; "ready"; until stdin ends
//     load slow  --port P --connections N --target T [--header H]...      a third each: head, body, answer; "ready"; until stdin ends
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <fmt/format.h>

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::nanoseconds;

constexpr auto kGrace = std::chrono::seconds(5);  // for the last answers after the end

[[noreturn]] void fail(const std::string& why) {
    fmt::print(stderr, "load: {}\n", why);
    std::exit(1);
}

struct Options {
    std::uint16_t port = 0;
    std::size_t connections = 1;
    double seconds = 1;
    double rate = 0;  // requests a second; 0: each connection sends as soon as it has its answer
    std::string method = "GET";
    std::string target = "/";
    std::int64_t ids = 0;
    bool is_once = false;
    std::string expect;
    std::string headers;
};

Options parse(int argc, char** argv) {
    Options options;
    for (int i = 2; i < argc; ++i) {
        const std::string name = argv[i];
        if (name == "--once") {
            options.is_once = true;
            continue;
        }
        if (++i == argc) fail(name + " needs a value");
        const std::string value = argv[i];
        if (name == "--port") options.port = static_cast<std::uint16_t>(std::stoul(value));
        else if (name == "--connections") options.connections = std::stoul(value);
        else if (name == "--seconds") options.seconds = std::stod(value);
        else if (name == "--rate") options.rate = std::stod(value);
        else if (name == "--method") options.method = value;
        else if (name == "--target") options.target = value;
        else if (name == "--ids") options.ids = std::stoll(value);
        else if (name == "--expect") options.expect = value;
        else if (name == "--header") options.headers += value + "\r\n";
        else fail("unknown option " + name);
    }
    return options;
}

int connect_to(const Options& options, int receive_buffer = 0) {
    const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) fail(fmt::format("socket: {}", std::strerror(errno)));
    if (receive_buffer != 0) ::setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(options.port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        ::close(descriptor);
        return -1;
    }
    const int on = 1;
    ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::fcntl(descriptor, F_SETFL, ::fcntl(descriptor, F_GETFL) | O_NONBLOCK);
    return descriptor;
}

std::string request_text(const Options& options, std::string_view target, std::string_view more = {}) {
    return fmt::format("{} {} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n{}{}\r\n", options.method, target, options.port, options.headers, more);
}

// One connection's answer as it comes in.
struct Answer {
    int status = 0;
    std::string_view body;
    std::size_t size = 0;  // bytes of the whole answer
    bool closes = false;
};

// Empty until it is whole. Only what the gateway sends is understood: a Content-Length.
bool parse_answer(std::string_view bytes, Answer& answer) {
    const std::size_t end = bytes.find("\r\n\r\n");
    if (end == std::string_view::npos) return false;
    const std::string_view head = bytes.substr(0, end + 2);
    if (head.size() < 12 || !head.starts_with("HTTP/1.1 ")) fail("an answer that is not HTTP/1.1");
    answer.status = std::atoi(std::string(head.substr(9, 3)).c_str());
    std::size_t length = 0;
    for (std::size_t at = head.find("\r\n") + 2; at < head.size();) {
        const std::size_t stop = head.find("\r\n", at);
        const std::string_view line = head.substr(at, stop - at);
        constexpr std::string_view kLength = "content-length:";
        constexpr std::string_view kConnection = "connection:";
        if (line.size() > kLength.size() && ::strncasecmp(line.data(), kLength.data(), kLength.size()) == 0) {
            length = std::strtoul(std::string(line.substr(kLength.size())).c_str(), nullptr, 10);
        } else if (line.size() > kConnection.size() && ::strncasecmp(line.data(), kConnection.data(), kConnection.size()) == 0) {
            answer.closes = line.find("close") != std::string_view::npos;
        }
        at = stop + 2;
    }
    answer.size = end + 4 + length;
    if (bytes.size() < answer.size) return false;
    answer.body = bytes.substr(end + 4, length);
    return true;
}

struct Connection {
    int descriptor = -1;
    std::string out;
    std::size_t sent = 0;
    std::string in;
    Clock::time_point planned;
    bool is_busy = false;
};

class Drive {
public:
    explicit Drive(const Options& options) : options_(options), epoll_(::epoll_create1(EPOLL_CLOEXEC)), connections_(options.connections) {
        const std::size_t at = options.target.find("{}");
        before_ = options.target.substr(0, at);
        after_ = at == std::string::npos ? std::string() : options.target.substr(at + 2);
        latencies_.reserve(1u << 20);
        for (Connection& connection : connections_) {
            open(connection);
            free_.push_back(&connection);
        }
    }

    void run() {
        const auto start = Clock::now();
        const auto length = duration_cast<nanoseconds>(std::chrono::duration<double>(options_.seconds));
        const auto end = start + length;
        const auto step = options_.rate > 0 ? nanoseconds(static_cast<std::int64_t>(1e9 / options_.rate)) : nanoseconds(0);
        auto planned = start;
        last_ = start;
        while (true) {
            auto now = Clock::now();
            if (options_.rate > 0) {
                for (; !free_.empty() && planned <= now && planned < end; planned += step) send_next(planned);
            } else {
                while (!free_.empty() && now < end) send_next(now);
            }
            const bool is_over = options_.rate > 0 ? planned >= end : now >= end;
            if ((is_over && busy_ == 0) || now > end + kGrace) break;
            auto until = now >= end ? end + kGrace : end;
            if (options_.rate > 0 && !free_.empty() && planned < end) until = planned;
            wait(std::max(nanoseconds(0), duration_cast<nanoseconds>(until - now)));
        }
        broken_ += busy_;
        if (options_.rate > 0 && planned < end) broken_ += static_cast<std::size_t>((end - planned) / step);
        print(start);
    }

private:
    void open(Connection& connection) {
        connection = {};
        connection.descriptor = connect_to(options_);
        if (connection.descriptor < 0) fail(fmt::format("connect: {}", std::strerror(errno)));
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.ptr = &connection;
        ::epoll_ctl(epoll_, EPOLL_CTL_ADD, connection.descriptor, &event);
    }

    std::int64_t next_id() {
        if (!options_.is_once) return std::uniform_int_distribution<std::int64_t>(1, options_.ids)(random_);
        if (id_ == options_.ids) fail("the ids are used up: the run was longer than the table");
        return ++id_;
    }

    void send_next(Clock::time_point planned) {
        Connection& connection = *free_.front();
        free_.pop_front();
        std::string target = before_;
        if (options_.ids != 0) target += std::to_string(next_id()) + after_;
        connection.out = request_text(options_, target);
        connection.planned = planned;
        connection.is_busy = true;
        ++busy_;
        ++requests_;
        // A request fits into an empty send buffer.
        const ssize_t sent = ::send(connection.descriptor, connection.out.data(), connection.out.size(), MSG_NOSIGNAL);
        if (sent != static_cast<ssize_t>(connection.out.size())) drop(connection);
    }

    void drop(Connection& connection) {
        if (connection.is_busy) {
            ++broken_;
            --busy_;
            free_.push_back(&connection);
        }
        ::close(connection.descriptor);
        open(connection);
    }

    void wait(nanoseconds time) {
        epoll_event events[64];
        const timespec limit{time.count() / 1'000'000'000, time.count() % 1'000'000'000};
        const int count = ::epoll_pwait2(epoll_, events, 64, &limit, nullptr);
        for (int i = 0; i < count; ++i) receive(*static_cast<Connection*>(events[i].data.ptr));
    }

    void receive(Connection& connection) {
        char bytes[65536];
        const ssize_t count = ::recv(connection.descriptor, bytes, sizeof bytes, 0);
        if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (count <= 0) return drop(connection);
        connection.in.append(bytes, static_cast<std::size_t>(count));
        Answer answer;
        if (!parse_answer(connection.in, answer)) return;
        if (!connection.is_busy || connection.in.size() != answer.size) fail("more came than was asked for");
        last_ = Clock::now();
        latencies_.push_back(static_cast<std::uint32_t>(duration_cast<microseconds>(last_ - connection.planned).count()));
        if (answer.status < 200 || answer.status > 299) {
            if (++bad_status_ == 1) fmt::print(stderr, "load: {} {}\n", answer.status, answer.body);
        } else if (!options_.expect.empty() && answer.body.find(options_.expect) == std::string_view::npos) {
            if (++mismatches_ == 1) fmt::print(stderr, "load: not what was expected: {}\n", answer.body);
        }
        connection.in.clear();
        connection.is_busy = false;
        --busy_;
        free_.push_back(&connection);
        if (answer.closes) {
            ::close(connection.descriptor);
            open(connection);
        }
    }

    [[nodiscard]] std::uint32_t percentile(double part) const {
        return latencies_.empty() ? 0 : latencies_[static_cast<std::size_t>(part * static_cast<double>(latencies_.size() - 1))];
    }

    void print(Clock::time_point start) {
        std::sort(latencies_.begin(), latencies_.end());
        const double seconds = std::chrono::duration<double>(last_ - start).count();
        fmt::print(R"({{"requests":{},"answers":{},"bad_status":{},"mismatches":{},"broken":{},"seconds":{:.6f},"rate":{:.1f},)"
                   R"("p50_us":{},"p99_us":{},"max_us":{}}})"
                   "\n",
                   requests_, latencies_.size(), bad_status_, mismatches_, broken_, seconds,
                   seconds > 0 ? static_cast<double>(latencies_.size()) / seconds : 0.0, percentile(0.5), percentile(0.99), percentile(1));
    }

    const Options& options_;
    int epoll_;
    std::string before_, after_;
    std::vector<Connection> connections_;
    std::deque<Connection*> free_;
    std::vector<std::uint32_t> latencies_;
    std::mt19937_64 random_{7};
    std::int64_t id_ = 0;
    std::size_t busy_ = 0, requests_ = 0, bad_status_ = 0, mismatches_ = 0, broken_ = 0;
    Clock::time_point last_;
};

bool input_ended(int timeout_ms) {
    pollfd input{STDIN_FILENO, POLLIN, 0};
    char byte = 0;
    return ::poll(&input, 1, timeout_ms) > 0 && ::read(STDIN_FILENO, &byte, 1) <= 0;
}

void ready() {
    fmt::print("ready\n");
    std::fflush(stdout);
}

void idle(const Options& options) {
    std::vector<int> descriptors;
    const std::string text = request_text(options, options.target);
    for (std::size_t i = 0; i < options.connections; ++i) {
        const int descriptor = connect_to(options);
        if (descriptor < 0) fail(fmt::format("connection {}: {}", i, std::strerror(errno)));
        if (::send(descriptor, text.data(), text.size(), MSG_NOSIGNAL) < 0) fail("send");
        descriptors.push_back(descriptor);
        std::string in;
        Answer answer;
        while (!parse_answer(in, answer)) {
            pollfd one{descriptor, POLLIN, 0};
            char bytes[4096];
            if (::poll(&one, 1, 10000) != 1) fail(fmt::format("connection {}: no answer", i));
            const ssize_t count = ::recv(descriptor, bytes, sizeof bytes, 0);
            if (count <= 0) fail(fmt::format("connection {}: closed", i));
            in.append(bytes, static_cast<std::size_t>(count));
        }
        if (answer.status != 200) fail(fmt::format("connection {}: {}", i, answer.status));
    }
    ready();
    while (!input_ended(1000)) {
    }
    std::size_t open = 0;
    for (const int descriptor : descriptors) {
        char byte = 0;
        if (::recv(descriptor, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN) ++open;
    }
    fmt::print(R"({{"open":{}}})" "\n", open);
}

// Attackers of three kinds. One that was shut out comes back at its next turn.
void slow(Options options) {
    constexpr auto kArrival = std::chrono::milliseconds(5);  // they come 200 a second: a crowd, not a wave of work
    constexpr std::size_t kTurns = 100;  // of 10 ms each: every attacker has one a second
    const std::string head = request_text(options, options.target);
    const std::string half_head = head.substr(0, head.size() - 2);
    options.method = "POST";
    const std::string body_head = request_text(options, options.target.substr(0, options.target.find('?')),
                                               "Content-Type: application/json\r\nContent-Length: 1000000\r\n");
    const std::string starts[] = {half_head, body_head + "[", head + head + head + head};
    const std::string_view drips[] = {"X-A: b\r\n", " ", ""};
    std::vector<int> descriptors(options.connections, -1);
    std::size_t connects = 0;
    const auto act = [&](std::size_t i) {
        int& descriptor = descriptors[i];
        pollfd one{descriptor, POLLRDHUP, 0};
        if (descriptor >= 0 && ::poll(&one, 1, 0) > 0) {
            ::close(descriptor);
            descriptor = -1;
        }
        if (descriptor < 0) {
            descriptor = connect_to(options, i % 3 == 2 ? 4096 : 0);
            if (descriptor < 0) return;
            ++connects;
            (void)::send(descriptor, starts[i % 3].data(), starts[i % 3].size(), MSG_NOSIGNAL);
        } else if (!drips[i % 3].empty()) {
            (void)::send(descriptor, drips[i % 3].data(), drips[i % 3].size(), MSG_NOSIGNAL);
        }
    };
    for (std::size_t i = 0; i < options.connections; ++i) {
        act(i);
        std::this_thread::sleep_for(kArrival);
    }
    ready();
    for (std::size_t turn = 0; !input_ended(10); ++turn) {
        for (std::size_t i = turn % kTurns; i < options.connections; i += kTurns) act(i);
    }
    fmt::print(R"({{"connects":{}}})" "\n", connects);
}

}  // namespace

int main(int argc, char** argv) {
    const std::string mode = argc > 1 ? argv[1] : "";
    const Options options = parse(std::max(argc, 2), argv);
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
    if (mode == "drive") Drive(options).run();
    else if (mode == "idle") idle(options);
    else if (mode == "slow") slow(options);
    else fail("usage: load drive|idle|slow …, see the head of load.cpp");
    return 0;
}
