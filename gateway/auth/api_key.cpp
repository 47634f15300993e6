#include "gateway/auth/api_key.h"

#include <openssl/evp.h>
#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <memory>
#include <span>
#include <stdexcept>

#include <fmt/format.h>

#include "gateway/auth/base64url.h"

namespace gateway::auth {
namespace {

constexpr std::string_view kBase32 = "abcdefghijklmnopqrstuvwxyz234567";
constexpr std::size_t kSecretBytes = 32;
constexpr std::size_t kChecksumBytes = 6;

bool is_base64url(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

bool is_base32(char c) {
    return kBase32.find(c) != std::string_view::npos;
}

// Five bits a character, from the first bit on.
std::string base32(std::span<const unsigned char> bytes, std::size_t characters) {
    std::string text;
    for (std::size_t i = 0; i < characters; ++i) {
        const std::size_t bit = i * 5;
        const unsigned low = bit / 8 + 1 < bytes.size() ? bytes[bit / 8 + 1] : 0;
        const unsigned pair = (unsigned{bytes[bit / 8]} << 8u) | low;
        text += kBase32[(pair >> (11 - bit % 8)) & 31u];
    }
    return text;
}

// Not of the key's own hash: what is shown of this must say nothing about what is stored.
std::string checksum_of(std::string_view without_checksum) {
    return base32(hash_of("rowgate key checksum " + std::string(without_checksum)), kChecksumBytes);
}

void fill_random(std::span<unsigned char> bytes) {
    while (!bytes.empty()) {
        const ssize_t got = ::getrandom(bytes.data(), bytes.size(), 0);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            throw std::runtime_error("the system gives no random bytes");
        }
        bytes = bytes.subspan(static_cast<std::size_t>(got));
    }
}

struct DigestDeleter {
    void operator()(EVP_MD* digest) const { EVP_MD_free(digest); }
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

// Digits only, all of them.
std::optional<unsigned> number_at(std::string_view text, std::size_t at, std::size_t digits) {
    unsigned number = 0;
    for (const char c : text.substr(at, digits)) {
        if (c < '0' || c > '9') {
            return std::nullopt;
        }
        number = number * 10 + static_cast<unsigned>(c - '0');
    }
    return number;
}

}  // namespace

KeyHash hash_of(std::string_view key) {
    // Looked up once: asking the library by name for each key costs more than the hash.
    static const std::unique_ptr<EVP_MD, DigestDeleter> kSha256(EVP_MD_fetch(nullptr, "SHA256", nullptr));
    thread_local const std::unique_ptr<EVP_MD_CTX, DigestDeleter> context(EVP_MD_CTX_new());
    KeyHash hash{};
    unsigned size = 0;
    if (!kSha256 || !context || EVP_DigestInit_ex2(context.get(), kSha256.get(), nullptr) != 1 ||
        EVP_DigestUpdate(context.get(), key.data(), key.size()) != 1 ||
        EVP_DigestFinal_ex(context.get(), hash.data(), &size) != 1 || size != hash.size()) {
        throw std::runtime_error("SHA-256 failed");
    }
    return hash;
}

bool is_key_id(std::string_view text) {
    return text.size() == kKeyIdBytes && std::ranges::all_of(text, is_base32);
}

KeyText judge_key(std::string_view text) {
    if (text.size() != kKeyBytes || !text.starts_with(kKeyPrefix) || !is_key_id(key_id_of(text)) ||
        text[kKeyPrefix.size() + kKeyIdBytes] != '_') {
        return KeyText::malformed;
    }
    const std::string_view secret = text.substr(kKeyPrefix.size() + kKeyIdBytes + 1);
    if (!std::ranges::all_of(secret, is_base64url)) {
        return KeyText::malformed;
    }
    const std::string_view body = text.substr(0, kKeyBytes - kChecksumBytes);
    return checksum_of(body) == text.substr(body.size()) ? KeyText::good : KeyText::mistyped;
}

std::string_view key_id_of(std::string_view good) {
    return good.substr(kKeyPrefix.size(), kKeyIdBytes);
}

NewKey make_key() {
    std::array<unsigned char, kKeyIdBytes * 5 / 8> id{};
    std::array<unsigned char, kSecretBytes> secret{};
    fill_random(id);
    fill_random(secret);
    NewKey key;
    key.id = base32(id, kKeyIdBytes);
    const std::string bytes(secret.begin(), secret.end());
    key.text = std::string(kKeyPrefix) + key.id + '_' + encode_base64url(bytes);
    key.text += checksum_of(key.text);
    key.hash = hash_of(key.text);
    return key;
}

std::optional<Instant> parse_instant(std::string_view text) {
    using namespace std::chrono;
    constexpr std::string_view kShape = "0000-00-00T00:00:00";
    if (text.size() != kShape.size() + 1 && text.size() != kShape.size() + 6) {
        return std::nullopt;
    }
    for (const std::size_t at : {4u, 7u, 10u, 13u, 16u}) {
        if (text[at] != kShape[at]) {
            return std::nullopt;
        }
    }
    const auto years = number_at(text, 0, 4);
    const auto months = number_at(text, 5, 2);
    const auto day_number = number_at(text, 8, 2);
    const auto hour_number = number_at(text, 11, 2);
    const auto minute_number = number_at(text, 14, 2);
    const auto second_number = number_at(text, 17, 2);
    if (!years || !months || !day_number || !hour_number || !minute_number || !second_number) {
        return std::nullopt;
    }
    const year_month_day date(year(static_cast<int>(*years)), month(*months), day(*day_number));
    if (!date.ok() || *years < 1970 || *hour_number > 23 || *minute_number > 59 || *second_number > 59) {
        return std::nullopt;
    }
    minutes offset{0};
    if (text.size() == kShape.size() + 1) {
        if (text.back() != 'Z') {
            return std::nullopt;
        }
    } else {
        const char sign = text[kShape.size()];
        const auto offset_hours = number_at(text, kShape.size() + 1, 2);
        const auto offset_minutes = number_at(text, kShape.size() + 4, 2);
        if ((sign != '+' && sign != '-') || text[kShape.size() + 3] != ':' || !offset_hours || !offset_minutes || *offset_hours > 23 ||
            *offset_minutes > 59) {
            return std::nullopt;
        }
        offset = hours(*offset_hours) + minutes(*offset_minutes);
        offset = sign == '-' ? -offset : offset;
    }
    return sys_days(date) + hours(*hour_number) + minutes(*minute_number) + seconds(*second_number) - offset;
}

std::string print_instant(Instant instant) {
    using namespace std::chrono;
    const auto midnight = floor<days>(instant);
    const year_month_day date(midnight);
    const hh_mm_ss time(instant - midnight);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                       static_cast<unsigned>(date.day()), time.hours().count(), time.minutes().count(), time.seconds().count());
}

std::string to_hex(const KeyHash& hash) {
    return fmt::format("{:02x}", fmt::join(hash, ""));
}

std::optional<KeyHash> parse_hash(std::string_view hex) {
    KeyHash hash{};
    if (hex.size() != hash.size() * 2) {
        return std::nullopt;
    }
    for (std::size_t i = 0; i < hash.size(); ++i) {
        const char* begin = hex.data() + 2 * i;
        const auto [at, fault] = std::from_chars(begin, begin + 2, hash[i], 16);
        if (fault != std::errc{} || at != begin + 2) {
            return std::nullopt;
        }
    }
    return hash;
}

}  // namespace gateway::auth
