// What one request of a space may take, however few there are: rows read and written, a body's bytes, an answer's. Of many requests says fairness::Share.
// The time of a statement is not here: it belongs to the database's connections (load_database). Made by load_caps, held by Space, read by
// the pipeline.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>

#include "schemas/limits.h"

namespace gateway::tenants {

constexpr std::size_t kNoBytesMax = std::numeric_limits<std::size_t>::max();

// Of a write, in a space or in one of its databases; nothing: no cap.
struct WriteCaps {
    std::optional<std::uint64_t> affected_max;  // rows that it names and those that foreign keys take along
    std::optional<std::uint64_t> cascaded_max;  // of the latter alone
};

// Each but those of writes is the gateway's own, or less.
struct Caps {
    schemas::Limits limits;
    std::size_t body_bytes_max = kNoBytesMax;
    std::size_t answer_bytes_max = kNoBytesMax;  // of a read's answer
    WriteCaps writes;
};

}  // namespace gateway::tenants
