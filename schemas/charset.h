// What a database's character set can hold, and in how many bytes. The answers are MariaDB's, measured on 10.11 for every
// character, where they differ from those of the C library. Private to schemas; called by value.cpp. Thread safe.
#pragma once

#include <cstdint>
#include <string_view>

namespace schemas {

enum class Holding {
    all,      // every character exists
    not_all,  // at least one does not (also: the text is not UTF-8)
    unknown,  // the text is not ASCII and nothing is known about the character set
};

// `charset` is a MariaDB name in lower case.
[[nodiscard]] Holding holding(std::string_view charset, std::string_view text);

// An upper limit of the bytes that valid UTF-8 `text` takes in `charset`; exact for ASCII, Unicode and single-byte sets.
[[nodiscard]] std::uint64_t encoded_bytes(std::string_view charset, std::string_view text);

}  // namespace schemas
