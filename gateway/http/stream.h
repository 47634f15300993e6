// One client's socket: bytes in under deadlines, kept until a request takes them; an answer out in one send.
// It knows nothing of HTTP. One thread uses it at a time; it owns and closes the descriptor. Called by receive.cpp and
// server.cpp.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

#include "gateway/http/stop_signal.h"

namespace gateway::http {

// How many connections wait for one of the server's threads. Thread safe.
struct Crowding {
    explicit Crowding(std::size_t thread_count) : threads(thread_count) {}

    [[nodiscard]] bool is_high() const {
        return waiting.load(std::memory_order_relaxed) != 0 && busy.load(std::memory_order_relaxed) >= threads;
    }

    const std::size_t threads;
    std::atomic<std::size_t> waiting{0};  // accepted, without a thread yet
    std::atomic<std::size_t> busy{0};     // threads that have a connection
};

enum class ReadOutcome { bytes, closed, timed_out };

class Stream {
public:
    using Clock = StopSignal::Clock;
    static constexpr std::chrono::milliseconds kGiveWayTime{250};

    Stream(int descriptor, const StopSignal& stop) : descriptor_(descriptor), stop_(stop) {}
    ~Stream();
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;

    // Bytes that came and were not taken yet. The view lasts until the next call that is not const.
    [[nodiscard]] std::string_view buffered() const { return std::string_view(buffer_).substr(begin_); }
    // Forgets the first `count` buffered bytes.
    void take(std::size_t count);

    // Waits for bytes of a next request, at most until `deadline`. `closed` also when a stop is raised and none are there, or
    // when others wait for a thread: a connection that has been idle for kGiveWayTime then gives its own away.
    [[nodiscard]] ReadOutcome await_request(Clock::time_point deadline, const Crowding& crowding);
    // Adds at least one byte to the buffer. A stop shortens the deadline.
    [[nodiscard]] ReadOutcome read(Clock::time_point deadline);
    // Sends all of `bytes`: at most until `deadline`, and while the peer takes some of them every `stall`. False when that
    // failed. Never raises SIGPIPE.
    [[nodiscard]] bool write(std::string_view bytes, std::chrono::milliseconds stall, Clock::time_point deadline);
    // Says that no more will be sent, then throws incoming bytes away for a short time, so that a client that is still sending
    // can read the last answer before the close resets the connection.
    void linger();

private:
    enum class Readiness { ready, stopped, timed_out };

    [[nodiscard]] Readiness wait(short events, Clock::time_point deadline);
    [[nodiscard]] ReadOutcome receive_now(bool& would_block);

    int descriptor_;
    const StopSignal& stop_;
    std::string buffer_;
    std::size_t begin_ = 0;
};

}  // namespace gateway::http
