// The connection front: sockets, framing, limits. Judges every byte of a head once, hands httplib a head that can be read
// in one way only, and writes each answer in one send. The only door to cpp-httplib.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "gateway/http/message.h"

namespace gateway::http {

struct ServerOptions {
    std::string address = "127.0.0.1";       // an address or a name, "unix:/path" or "systemd" (a socket that was passed)
    std::uint16_t port = 8080;               // 0: any free port
    std::string socket_mode = "0660";        // of a unix socket's file
    std::size_t workers = 0;                 // requests computed at once; 0: eight times the processors
    std::size_t threads = 64;                // requests under way at once, those that wait for a database included
    std::string affinity = "auto";           // may keep the process's threads to half of the processors (affinity.h); "off": does not
    std::size_t connections_max = 20000;
    std::size_t connections_per_address_max = 2000;  // not for the exempt
    std::size_t buffered_bytes_max = 256u << 20;     // of bodies and answers in memory; beyond: 503
    std::size_t target_bytes_max = 8192;     // 414
    std::size_t head_bytes_max = 16384;      // 431
    std::size_t headers_max = 100;           // 431
    std::size_t body_bytes_max = 16u << 20;  // Request::body_state says too_large; the pipeline answers 413 in its turn
    std::chrono::milliseconds head_timeout{10000};
    std::chrono::milliseconds body_timeout{30000};
    std::chrono::milliseconds write_timeout{10000};
    std::chrono::milliseconds idle_timeout{60000};
    std::chrono::milliseconds queue_age_max{1000};  // a request that waited longer for a worker is answered 503 without work
    std::chrono::milliseconds drain_timeout{10000};
    // Peers that connections_per_address_max does not count. Null: nobody. Called by the accepting thread.
    std::function<bool(const std::string& address)> is_exempt;
};

// What the front has done and has under way, for metrics.
struct ServerStats {
    std::uint64_t connections = 0;       // open now
    std::uint64_t accepted = 0;
    std::uint64_t refused_total = 0;     // by connections_max
    std::uint64_t refused_address = 0;   // by connections_per_address_max
    std::uint64_t shed = 0;              // requests answered 503 without work
    std::uint64_t timeouts = 0;          // connections ended by a deadline
    std::uint64_t buffered_bytes = 0;
    std::uint64_t threads = 0;
    std::chrono::microseconds queue_age{0};  // as last measured
};

// Why the front itself refuses a request: it never reaches the handler.
struct Refusal {
    int status = 400;
    std::string detail;
    std::size_t position = 0;
};

// Called from many threads at once.
using Handler = std::function<Response(Request&&)>;
using RefusalHandler = std::function<Response(const Refusal&)>;

class Server {
public:
    // `handler` may throw: the answer is then what `refuse` makes of a 500.
    Server(ServerOptions options, Handler handler, RefusalHandler refuse);
    ~Server();

    // Binds; the port that was bound. Throws std::runtime_error with the reason.
    std::uint16_t bind();
    // Serves until stop(); blocks.
    void run();
    // No new connections, idle ones closed, requests under way finished; returns at once. Safe from any thread.
    void stop();
    // Safe from any thread.
    [[nodiscard]] ServerStats stats() const;

private:
    class Front;
    std::unique_ptr<Front> front_;
};

}  // namespace gateway::http
