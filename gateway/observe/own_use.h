// What this program uses of the machine, as the kernel sees it. Called by admin when somebody reads the metrics.
#pragma once

#include <chrono>
#include <cstdint>

namespace gateway::observe {

struct OwnUse {
    std::uint64_t resident_bytes = 0;
    std::chrono::microseconds processor_time{0};
    std::uint64_t open_files = 0;
    std::uint64_t open_files_max = 0;
    std::chrono::milliseconds started{0};  // since 1970, as of the first look
};

// What the kernel does not tell stays 0. Thread safe.
[[nodiscard]] OwnUse read_own_use();

// Keeps the present moment as the one at which the program started. Called by app, once.
void note_start();

}  // namespace gateway::observe
