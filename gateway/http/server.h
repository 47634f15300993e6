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
    std::string address = "127.0.0.1";
    std::uint16_t port = 8080;               // 0: any free port
    std::size_t threads = 64;                // one a connection, for now
    std::size_t target_bytes_max = 8192;     // 414
    std::size_t head_bytes_max = 16384;      // 431
    std::size_t headers_max = 100;           // 431
    std::size_t body_bytes_max = 16u << 20;  // Request::body_state says too_large; the pipeline answers 413 in its turn
    std::chrono::milliseconds head_timeout{10000};
    std::chrono::milliseconds body_timeout{30000};
    std::chrono::milliseconds write_timeout{10000};
    std::chrono::milliseconds idle_timeout{60000};
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

private:
    class Front;
    std::unique_ptr<Front> front_;
};

}  // namespace gateway::http
