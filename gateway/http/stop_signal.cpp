#include "gateway/http/stop_signal.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <stdexcept>
#include <system_error>

namespace gateway::http {

StopSignal::StopSignal() : descriptor_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (descriptor_ < 0) {
        throw std::runtime_error("no descriptor for the server's stop signal: " + std::generic_category().message(errno));
    }
}

StopSignal::~StopSignal() {
    ::close(descriptor_);
}

void StopSignal::raise() {
    if (!is_raised_.exchange(true, std::memory_order_acq_rel)) {
        const std::uint64_t one = 1;
        // It cannot fail: the counter is far from its end.
        [[maybe_unused]] const ssize_t written = ::write(descriptor_, &one, sizeof one);
    }
}

}  // namespace gateway::http
