// What the front does with a client's socket in more than one place. Called inside gateway/http.
#pragma once

#include <sys/socket.h>
#include <sys/types.h>

#include <cerrno>
#include <cstddef>

namespace gateway::http {

// recv() in short: a count, 0 for the end, or one of these.
inline constexpr ssize_t kNothingYet = -1;
inline constexpr ssize_t kBroken = -2;
inline ssize_t receive_some(int descriptor, char* to, std::size_t size, int flags) {
    for (;;) {
        const ssize_t count = ::recv(descriptor, to, size, MSG_DONTWAIT | flags);
        if (count >= 0) {
            return count;
        }
        if (errno != EINTR) {
            return errno == EAGAIN || errno == EWOULDBLOCK ? kNothingYet : kBroken;
        }
    }
}

}  // namespace gateway::http
