#include "gateway/http/queue_age.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <stdexcept>
#include <system_error>

namespace gateway::http {

QueueAge::QueueAge() : descriptor_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (descriptor_ < 0) {
        throw std::runtime_error("no descriptor for the server's queue: " + std::generic_category().message(errno));
    }
}

QueueAge::~QueueAge() {
    ::close(descriptor_);
}

void QueueAge::send() {
    const Clock::rep now = Clock::now().time_since_epoch().count();
    if (const Clock::rep sent = sent_.load(std::memory_order_acquire); sent != 0) {
        last_.store(std::max(last_.load(std::memory_order_relaxed), now - sent), std::memory_order_relaxed);
        return;
    }
    sent_.store(now, std::memory_order_release);
    const std::uint64_t one = 1;
    // It cannot fail: nothing else is written, and the counter is far from its end.
    [[maybe_unused]] const ssize_t written = ::write(descriptor_, &one, sizeof one);
}

void QueueAge::received() {
    if (const Clock::rep sent = sent_.load(std::memory_order_acquire); sent != 0) {
        last_.store(Clock::now().time_since_epoch().count() - sent, std::memory_order_relaxed);
        sent_.store(0, std::memory_order_release);
    }
}

}  // namespace gateway::http
