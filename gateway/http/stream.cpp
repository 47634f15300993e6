#include "gateway/http/stream.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <stdexcept>
#include <system_error>

namespace gateway::http {
namespace {

constexpr std::size_t kReceiveBytes = 16384;
constexpr std::size_t kLingerBytesMax = 16U << 20;
constexpr std::chrono::milliseconds kLingerTime{1000};

// Rounded up, so that a poll does not end just before its deadline and spin.
int milliseconds_until(StopSignal::Clock::time_point deadline) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - StopSignal::Clock::now()).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, INT_MAX));
}

}  // namespace

StopSignal::StopSignal() : descriptor_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (descriptor_ < 0) {
        throw std::runtime_error("no descriptor for the server's stop signal: " + std::generic_category().message(errno));
    }
}

StopSignal::~StopSignal() {
    ::close(descriptor_);
}

void StopSignal::raise(std::chrono::milliseconds grace) {
    Clock::rep expected = 0;
    const Clock::rep ends_at = std::max<Clock::rep>(1, (Clock::now() + grace).time_since_epoch().count());
    if (ends_at_.compare_exchange_strong(expected, ends_at, std::memory_order_acq_rel)) {
        const std::uint64_t one = 1;
        // It cannot fail: the counter is far from its end.
        [[maybe_unused]] const ssize_t written = ::write(descriptor_, &one, sizeof one);
    }
}

StopSignal::Clock::time_point StopSignal::clamp(Clock::time_point time) const {
    const Clock::rep ends_at = ends_at_.load(std::memory_order_acquire);
    return ends_at == 0 ? time : std::min(time, Clock::time_point(Clock::duration(ends_at)));
}

Stream::~Stream() {
    ::close(descriptor_);
}

void Stream::take(std::size_t count) {
    begin_ += std::min(count, buffer_.size() - begin_);
    if (begin_ == buffer_.size()) {
        buffer_.clear();
        begin_ = 0;
    }
}

Stream::Readiness Stream::wait(short events, Clock::time_point deadline) {
    const bool was_stopped = stop_.is_raised();
    for (;;) {
        const Clock::time_point end = stop_.clamp(deadline);
        // Once raised the stop's descriptor is always readable: watching it on would turn the wait into a spin.
        std::array<pollfd, 2> watched{pollfd{descriptor_, events, 0}, pollfd{stop_.descriptor(), POLLIN, 0}};
        const int count = ::poll(watched.data(), was_stopped ? 1 : 2, milliseconds_until(end));
        if (count < 0 && errno != EINTR) {
            return Readiness::timed_out;
        }
        if (count > 0) {
            return watched[0].revents != 0 ? Readiness::ready : Readiness::stopped;
        }
        if (Clock::now() >= end) {
            return Readiness::timed_out;
        }
    }
}

ReadOutcome Stream::receive_now(bool& would_block) {
    if (begin_ != 0) {
        buffer_.erase(0, begin_);
        begin_ = 0;
    }
    would_block = false;
    const std::size_t old_size = buffer_.size();
    buffer_.resize(old_size + kReceiveBytes);
    ssize_t received = 0;
    do {
        received = ::recv(descriptor_, buffer_.data() + old_size, kReceiveBytes, MSG_DONTWAIT);
    } while (received < 0 && errno == EINTR);
    const int error = errno;
    buffer_.resize(old_size + static_cast<std::size_t>(std::max<ssize_t>(received, 0)));
    would_block = received < 0 && (error == EAGAIN || error == EWOULDBLOCK);
    return received > 0 ? ReadOutcome::bytes : ReadOutcome::closed;
}

ReadOutcome Stream::read(Clock::time_point deadline) {
    for (;;) {
        bool would_block = false;
        const ReadOutcome outcome = receive_now(would_block);
        if (!would_block) {
            return outcome;
        }
        if (wait(POLLIN, deadline) == Readiness::timed_out) {
            return ReadOutcome::timed_out;
        }
    }
}

ReadOutcome Stream::await_request(Clock::time_point deadline, const Crowding& crowding) {
    for (;;) {
        const Clock::time_point check = std::min(deadline, Clock::now() + kGiveWayTime);
        const Readiness readiness = stop_.is_raised() ? Readiness::stopped : wait(POLLIN, check);
        if (readiness != Readiness::timed_out) {
            bool would_block = false;
            const ReadOutcome outcome = receive_now(would_block);
            if (!would_block) {
                return outcome;
            }
            if (readiness == Readiness::stopped) {
                return ReadOutcome::closed;
            }
        }
        if (crowding.is_high()) {
            return ReadOutcome::closed;
        }
        if (Clock::now() >= deadline) {
            return ReadOutcome::timed_out;
        }
    }
}

bool Stream::write(std::string_view bytes, std::chrono::milliseconds stall, Clock::time_point deadline) {
    Clock::time_point stalled_at = std::min(deadline, Clock::now() + stall);
    while (!bytes.empty()) {
        const ssize_t sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent > 0) {
            bytes.remove_prefix(static_cast<std::size_t>(sent));
            stalled_at = std::min(deadline, Clock::now() + stall);
            continue;
        }
        if (errno == EINTR) {
            continue;
        }
        if ((errno != EAGAIN && errno != EWOULDBLOCK) || wait(POLLOUT, stalled_at) == Readiness::timed_out) {
            return false;
        }
    }
    return true;
}

void Stream::linger() {
    ::shutdown(descriptor_, SHUT_WR);
    const Clock::time_point deadline = Clock::now() + kLingerTime;
    std::size_t dropped = 0;
    while (dropped < kLingerBytesMax) {
        // On TCP, MSG_TRUNC throws the bytes away without copying them.
        const ssize_t received = ::recv(descriptor_, nullptr, kLingerBytesMax - dropped, MSG_DONTWAIT | MSG_TRUNC);
        if (received == 0) {
            return;
        }
        if (received > 0) {
            dropped += static_cast<std::size_t>(received);
            continue;
        }
        if (errno != EINTR && ((errno != EAGAIN && errno != EWOULDBLOCK) || wait(POLLIN, deadline) == Readiness::timed_out)) {
            return;
        }
    }
}

}  // namespace gateway::http
