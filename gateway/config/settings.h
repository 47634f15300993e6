// The one table of settings: reading, environment, printing, ranges and the docs all go by it.
// Private to gateway/config.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "gateway/config/config.h"

namespace gateway::config {

using TextField = std::string* (*)(Config&);
using ListField = std::vector<std::string>* (*)(Config&);
using PortField = std::uint16_t* (*)(Config&);
using CountField = std::size_t* (*)(Config&);
using MillisecondsField = std::chrono::milliseconds* (*)(Config&);
using FlagField = bool* (*)(Config&);
using Field = std::variant<TextField, ListField, PortField, CountField, MillisecondsField, FlagField>;

struct Row {
    std::string_view key;  // "server.port", or "base_paths" at the top level
    Field field;
    std::int64_t least = 0;  // of a number
    std::int64_t most = 0;
    std::string (*check)(const Config&) = nullptr;  // what is wrong with the value just set, or empty
    std::string_view meaning;

    [[nodiscard]] std::string_view section() const;  // "server", or empty
    [[nodiscard]] std::string_view name() const;     // "port"
    [[nodiscard]] std::string label() const;         // "[server] port"
    [[nodiscard]] std::string variable() const;      // "ROWGATE_SERVER_PORT"
};

// In the order in which they are printed: each section's rows stand together, the top level first.
[[nodiscard]] std::span<const Row> rows();

// The value as TOML.
[[nodiscard]] std::string print_value(const Row& row, const Config& config);

}  // namespace gateway::config
