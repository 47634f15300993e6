#include "sql/sqlite/sip_hash.h"

#include <bit>

namespace sql::sqlite {
namespace {

std::uint64_t word_of(const char* bytes) {
    std::uint64_t word = 0;
    for (unsigned i = 0; i < 8; ++i) {
        word |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
    }
    return word;
}

}  // namespace

SipHash::SipHash(const Hash& key)
    : state_{key[0] ^ 0x736f6d6570736575U, key[1] ^ 0x646f72616e646f6dU ^ 0xeeU, key[0] ^ 0x6c7967656e657261U, key[1] ^ 0x7465646279746573U} {}

void SipHash::round() {
    auto& [v0, v1, v2, v3] = state_;
    v0 += v1;
    v1 = std::rotl(v1, 13) ^ v0;
    v0 = std::rotl(v0, 32);
    v2 += v3;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 += v3;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 += v1;
    v1 = std::rotl(v1, 17) ^ v2;
    v2 = std::rotl(v2, 32);
}

void SipHash::mix(std::uint64_t word) {
    state_[3] ^= word;
    round();
    round();
    state_[0] ^= word;
}

void SipHash::add(std::string_view bytes) {
    size_ += bytes.size();
    while (!bytes.empty()) {
        if (held_bytes_ == 0 && bytes.size() >= 8) {
            mix(word_of(bytes.data()));
            bytes.remove_prefix(8);
            continue;
        }
        held_ |= std::uint64_t{static_cast<unsigned char>(bytes.front())} << (8 * held_bytes_);
        bytes.remove_prefix(1);
        if (++held_bytes_ == 8) {
            mix(held_);
            held_ = 0;
            held_bytes_ = 0;
        }
    }
}

void SipHash::add_number(std::uint64_t number) {
    std::array<char, 8> bytes{};
    for (unsigned i = 0; i < bytes.size(); ++i) {
        bytes[i] = static_cast<char>(number >> (8 * i) & 0xFFu);
    }
    add({bytes.data(), bytes.size()});
}

SipHash::Hash SipHash::finish() && {
    mix(held_ | size_ << 56u);
    const auto fold = [this] {
        for (int i = 0; i < 4; ++i) {
            round();
        }
        return state_[0] ^ state_[1] ^ state_[2] ^ state_[3];
    };
    state_[2] ^= 0xeeU;
    const std::uint64_t first = fold();
    state_[1] ^= 0xddU;
    return {first, fold()};
}

}  // namespace sql::sqlite
