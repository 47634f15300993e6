// SipHash-2-4 with 128 bits (Aumasson and Bernstein, 2012): whoever does not know the key cannot look for texts of one hash. It takes its
// input in pieces. No checksum to be kept. Called by sql/sqlite/functions.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sql::sqlite {

class SipHash {
public:
    using Hash = std::array<std::uint64_t, 2>;

    explicit SipHash(const Hash& key);

    void add(std::string_view bytes);
    // Eight bytes, the least first.
    void add_number(std::uint64_t number);
    [[nodiscard]] Hash finish() &&;

private:
    void mix(std::uint64_t word);
    void round();

    std::array<std::uint64_t, 4> state_;
    std::uint64_t held_ = 0;   // bytes that do not make a word yet
    unsigned held_bytes_ = 0;
    std::uint64_t size_ = 0;
};

}  // namespace sql::sqlite
