#include "gateway/observe/log_writer.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace gateway::observe {
namespace {

constexpr std::size_t kFlushBytes = 64u << 10;  // then at once
constexpr std::size_t kKeptBytes = 1u << 20;    // memory that a block keeps for the next one
constexpr std::chrono::milliseconds kRetryAfter{100};
constexpr mode_t kMode = 0640;

std::atomic<LogWriter*> abort_writer{nullptr};

// Never waits: a named pipe that nobody reads is an error.
int open_file(const std::string& path) {
    int descriptor = -1;
    do {
        descriptor = path == "-" ? ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)
                                 : ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, kMode);
    } while (descriptor < 0 && errno == EINTR);
    if (descriptor < 0) {
        throw std::runtime_error("cannot open the log " + path + ": " + std::generic_category().message(errno));
    }
    return descriptor;
}

bool is_regular_file(int descriptor) {
    struct stat state{};
    return ::fstat(descriptor, &state) == 0 && S_ISREG(state.st_mode);
}

// True when the file's last line has no end: whoever wrote it was stopped in the middle.
bool ends_within_line(const std::string& path) {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (descriptor < 0) {
        return false;
    }
    char last = '\n';
    struct stat state{};
    if (::fstat(descriptor, &state) == 0 && S_ISREG(state.st_mode) && state.st_size > 0 &&
        ::pread(descriptor, &last, 1, state.st_size - 1) != 1) {
        last = '\n';
    }
    ::close(descriptor);
    return last != '\n';
}

bool has_room(int descriptor, std::chrono::milliseconds time) {
    pollfd watched{descriptor, POLLOUT, 0};
    // An error counts as room: the write will say what it is.
    return ::poll(&watched, 1, static_cast<int>(time.count())) > 0;
}

// As many whole lines as a pipe with room takes at once, or a part of a longer line: a larger write to a pipe would block.
std::string_view piece_of(std::string_view rest) {
    if (rest.size() <= PIPE_BUF) {
        return rest;
    }
    const std::size_t end = rest.substr(0, PIPE_BUF).rfind('\n');
    return rest.substr(0, end == std::string_view::npos ? PIPE_BUF : end + 1);
}

}  // namespace

LogWriter::LogWriter(const std::string& path, std::chrono::milliseconds flush_after, OnReopenFailed on_reopen_failed)
    : path_(path), flush_after_(flush_after), on_reopen_failed_(std::move(on_reopen_failed)), descriptor_(open_file(path)) {
    is_regular_ = is_regular_file(descriptor_);
    mend_last_line();
    thread_ = std::thread([this] { run(); });
}

LogWriter::~LogWriter() {
    LogWriter* self = this;
    abort_writer.compare_exchange_strong(self, nullptr);
    {
        const std::lock_guard lock(mutex_);
        is_stopping_ = true;
    }
    changed_.notify_one();
    thread_.join();
    ::close(descriptor_);
}

void LogWriter::append(std::string_view line) noexcept {
    bool is_to_wake = false;
    try {
        const std::lock_guard lock(mutex_);
        const std::size_t before = waiting_.size();
        if (before + line.size() > kWaitingMax) {
            lines_lost_.fetch_add(1, std::memory_order_relaxed);
            return;
        }
        waiting_ += line;
        is_to_wake = before == 0 || (before < kFlushBytes && waiting_.size() >= kFlushBytes);
    } catch (...) {
        lines_lost_.fetch_add(1, std::memory_order_relaxed);
    }
    if (is_to_wake) {
        changed_.notify_one();
    }
}

void LogWriter::reopen() {
    {
        const std::lock_guard lock(mutex_);
        is_to_reopen_ = path_ != "-";
    }
    changed_.notify_one();
}

LogStats LogWriter::stats() const {
    return {lines_lost_.load(std::memory_order_relaxed), write_failures_.load(std::memory_order_relaxed)};
}

void LogWriter::run() {
    // A reader of standard output that has gone must not end the program.
    sigset_t broken_pipe;
    sigemptyset(&broken_pipe);
    sigaddset(&broken_pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &broken_pipe, nullptr);

    bool is_blocked = false;
    std::unique_lock lock(mutex_);
    for (;;) {
        if (is_blocked && !is_stopping_ && !is_to_reopen_) {
            changed_.wait_for(lock, kRetryAfter, [this] { return is_stopping_ || is_to_reopen_; });
        } else {
            wait_for_lines(lock);
        }
        const bool is_last = is_stopping_;
        const bool reopens = std::exchange(is_to_reopen_, false);
        const Clock::time_point until = Clock::now() + (is_last ? kStopTime : kRetryAfter);
        do {
            if (block_.empty()) {
                block_.swap(waiting_);
            }
            is_writing_ = true;
            lock.unlock();
            is_blocked = !write_block(until);
            lock.lock();
            is_writing_ = false;
        } while (!is_blocked && is_last && !waiting_.empty());
        if (reopens) {
            lock.unlock();
            open_again();
            lock.lock();
        }
        if (is_last) {
            count_left_as_lost();
            return;
        }
    }
}

void LogWriter::wait_for_lines(std::unique_lock<std::mutex>& lock) {
    const auto is_urgent = [this] { return is_stopping_ || is_to_reopen_; };
    changed_.wait(lock, [&] { return is_urgent() || !waiting_.empty(); });
    if (!is_urgent()) {
        changed_.wait_for(lock, flush_after_, [&] { return is_urgent() || waiting_.size() >= kFlushBytes; });
    }
}

bool LogWriter::write_block(Clock::time_point until) {
    while (written_ < block_.size()) {
        std::string_view rest = std::string_view(block_).substr(written_);
        if (!is_regular_) {
            const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now());
            if (!has_room(descriptor_, std::clamp(left, std::chrono::milliseconds(0), kStopTime))) {
                return false;
            }
            rest = piece_of(rest);
        }
        const ssize_t count = ::write(descriptor_, rest.data(), rest.size());
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0 && errno == EAGAIN) {
            return false;
        }
        if (count <= 0) {
            write_failures_.fetch_add(1, std::memory_order_relaxed);
            return false;
        }
        written_ += static_cast<std::size_t>(count);
    }
    if (block_.capacity() > kKeptBytes) {
        std::string().swap(block_);
    }
    block_.clear();
    written_ = 0;
    return true;
}

void LogWriter::open_again() {
    int fresh = -1;
    try {
        fresh = open_file(path_);
    } catch (const std::exception& error) {
        write_failures_.fetch_add(1, std::memory_order_relaxed);
        on_reopen_failed_(error.what());
        return;
    }
    ::close(descriptor_);
    descriptor_ = fresh;
    is_regular_ = is_regular_file(descriptor_);
    // A line that the old file took a part of goes whole into the new one.
    const std::size_t end = written_ == 0 ? std::string::npos : block_.rfind('\n', written_ - 1);
    written_ = end == std::string::npos ? 0 : end + 1;
    mend_last_line();
}

void LogWriter::mend_last_line() {
    if (path_ != "-" && ends_within_line(path_)) {
        block_.insert(written_, 1, '\n');
    }
}

void LogWriter::count_left_as_lost() {
    const auto lines = [](std::string_view text) { return static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n')); };
    lines_lost_.fetch_add(lines(std::string_view(block_).substr(written_)) + lines(waiting_), std::memory_order_relaxed);
}

void LogWriter::write_on_abort() {
    abort_writer.store(this);
    struct sigaction action{};
    action.sa_handler = on_abort;
    sigemptyset(&action.sa_mask);
    ::sigaction(SIGABRT, &action, nullptr);
}

// Only what is safe in a signal handler: no allocation, and a lock only if it is free.
void LogWriter::on_abort(int) {
    LogWriter* const writer = abort_writer.exchange(nullptr);
    if (writer == nullptr || !writer->mutex_.try_lock()) {
        return;
    }
    const auto put = [writer](std::string_view text) {
        const bool goes = !text.empty() && (writer->is_regular_ || has_room(writer->descriptor_, std::chrono::milliseconds(0)));
        return goes && ::write(writer->descriptor_, text.data(), text.size()) >= 0;
    };
    if (!writer->is_writing_) {
        put(std::string_view(writer->block_).substr(writer->written_));
    }
    put(writer->waiting_);
}

}  // namespace gateway::observe
