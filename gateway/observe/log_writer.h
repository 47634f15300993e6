// Lines in memory, and the thread that writes them to the file in blocks. A line is never cut nor mixed with another one; what
// the file does not take is kept and tried again, and when the memory for that is full, lines are dropped and counted: whoever
// appends never waits for a file. Knows nothing of what the lines say. Owned by Log.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

namespace gateway::observe {

struct LogStats {
    std::uint64_t lines_lost = 0;      // neither written nor to be written
    std::uint64_t write_failures = 0;  // tries; the lines are kept as long as there is room
};

// Thread safe.
class LogWriter {
public:
    // Called by the writing thread with the reason why `path` could not be opened again; may append.
    using OnReopenFailed = std::function<void(const std::string& reason)>;

    // `path` "-" is standard output. Throws std::runtime_error with the reason.
    LogWriter(const std::string& path, std::chrono::milliseconds flush_after, OnReopenFailed on_reopen_failed);
    // Writes what is left, for at most kStopTime.
    ~LogWriter();
    LogWriter(const LogWriter&) = delete;
    LogWriter& operator=(const LogWriter&) = delete;

    // `line` with its end of line.
    void append(std::string_view line) noexcept;
    // Soon, by the writing thread. Standard output stays as it is.
    void reopen();
    // At SIGABRT (std::terminate, a failed assertion) the lines that wait are written before the program ends.
    void write_on_abort();
    [[nodiscard]] LogStats stats() const;

    static constexpr std::size_t kWaitingMax = 4u << 20;  // bytes, and as many again in the block that is being written
    static constexpr std::chrono::milliseconds kStopTime{2000};

private:
    using Clock = std::chrono::steady_clock;

    void run();
    void wait_for_lines(std::unique_lock<std::mutex>& lock);
    void open_again();
    // False: the file takes no more now; what is left of the block stays.
    [[nodiscard]] bool write_block(Clock::time_point until);
    void mend_last_line();
    void count_left_as_lost();
    static void on_abort(int signal);

    const std::string path_;
    const std::chrono::milliseconds flush_after_;
    const OnReopenFailed on_reopen_failed_;
    std::atomic<std::uint64_t> lines_lost_{0};
    std::atomic<std::uint64_t> write_failures_{0};

    std::mutex mutex_;
    std::condition_variable changed_;
    std::string waiting_;  // whole lines
    bool is_stopping_ = false;
    bool is_to_reopen_ = false;
    bool is_writing_ = false;  // the thread uses the block without the mutex

    // The thread's.
    int descriptor_ = -1;
    bool is_regular_ = false;
    std::string block_;
    std::size_t written_ = 0;  // of the block
    std::thread thread_;
};

}  // namespace gateway::observe
