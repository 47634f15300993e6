// How far apart two names are, for hints such as "did you mean". Pure. Used wherever an unknown name is refused:
// controls here, columns in schemas, settings in gateway/config.
#pragma once

#include <cstddef>
#include <string_view>

namespace filters {

// Optimal string alignment in characters: insertions, deletions, substitutions and swaps of neighbours count one each.
// Quadratic in the lengths: callers bound them.
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

}  // namespace filters
