#include "filters/distance.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace filters {
namespace {

// Bytes that begin a character stand for it; what follows them is folded in, which is enough to tell characters apart.
std::u32string characters(std::string_view text) {
    std::u32string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (!out.empty() && (byte & 0xc0) == 0x80) {
            out.back() = (out.back() << 8) | byte;
        } else {
            out.push_back(byte);
        }
    }
    return out;
}

}  // namespace

std::size_t edit_distance(std::string_view left, std::string_view right) {
    const std::u32string a = characters(left);
    const std::u32string b = characters(right);
    std::vector<std::size_t> before(b.size() + 1);
    std::vector<std::size_t> previous(b.size() + 1);
    std::vector<std::size_t> current(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) {
        previous[j] = j;
    }
    for (std::size_t i = 1; i <= a.size(); ++i) {
        current[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t substituted = previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            current[j] = std::min({previous[j] + 1, current[j - 1] + 1, substituted});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                current[j] = std::min(current[j], before[j - 2] + 1);
            }
        }
        std::swap(before, previous);
        std::swap(previous, current);
    }
    return previous[b.size()];
}

}  // namespace filters
