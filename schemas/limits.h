// How much one request may ask of a database. Settings, with the contract's defaults; pure data.
#pragma once

#include <cstdint>

namespace schemas {

struct Limits {
    std::uint64_t rows_max = 1000;  // rows of one GET
};

}  // namespace schemas
