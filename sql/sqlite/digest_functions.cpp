#include "sql/sqlite/digest_functions.h"

#include <sqlite3.h>

#include <array>
#include <bit>
#include <charconv>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "sql/sqlite/sip_hash.h"

namespace sql::sqlite {
namespace {

using Hash = SipHash::Hash;

// Nothing when memory was short. A text of UTF-16 comes as UTF-8.
std::optional<std::string_view> bytes_of(sqlite3_value* value) {
    const bool is_text = sqlite3_value_type(value) == SQLITE_TEXT;
    // The bytes first, then their number: the first call may convert.
    const void* const bytes = is_text ? sqlite3_value_text(value) : sqlite3_value_blob(value);
    const auto size = static_cast<std::size_t>(sqlite3_value_bytes(value));
    if (bytes == nullptr && (size > 0 || is_text)) {
        return std::nullopt;
    }
    return std::string_view(static_cast<const char*>(bytes), size);
}

std::optional<Hash> read_salt(sqlite3_value* value) {
    Hash salt{};
    const auto text = sqlite3_value_type(value) == SQLITE_TEXT ? bytes_of(value) : std::nullopt;
    if (!text || text->size() != 32) {
        return std::nullopt;
    }
    for (std::size_t i = 0; i < salt.size(); ++i) {
        const char* const end = text->data() + 16 * (i + 1);
        const auto [at, fault] = std::from_chars(text->data() + 16 * i, end, salt[i], 16);
        if (fault != std::errc{} || at != end) {
            return std::nullopt;
        }
    }
    return salt;
}

// False when memory was short.
bool add_cell(SipHash& hash, sqlite3_value* value) {
    const int type = sqlite3_value_type(value);
    hash.add_number(static_cast<std::uint64_t>(type));
    switch (type) {
        case SQLITE_NULL:
            return true;
        case SQLITE_INTEGER:
            hash.add_number(static_cast<std::uint64_t>(sqlite3_value_int64(value)));
            return true;
        case SQLITE_FLOAT:
            hash.add_number(std::bit_cast<std::uint64_t>(sqlite3_value_double(value)));
            return true;
        default: {  // SQLITE_TEXT and SQLITE_BLOB, the only others there are
            const auto bytes = bytes_of(value);
            if (bytes) {
                hash.add_number(bytes->size());
                hash.add(*bytes);
            }
            return bytes.has_value();
        }
    }
}

void row_digest(sqlite3_context* context, int count, sqlite3_value** values) {
    const auto salt = count > 0 ? read_salt(values[0]) : std::nullopt;
    if (!salt) {
        sqlite3_result_error(context, "rowgate_row_digest: the salt is not 32 hexadecimal digits", -1);
        return;
    }
    SipHash hash(*salt);
    for (int i = 1; i < count; ++i) {
        if (!add_cell(hash, values[i])) {
            sqlite3_result_error_nomem(context);
            return;
        }
    }
    const Hash digest = std::move(hash).finish();
    sqlite3_result_blob(context, digest.data(), static_cast<int>(sizeof(digest)), SQLITE_TRANSIENT);
}

// SQLite gives it zeroed, and frees it.
struct Sums {
    Hash sums;
    bool has_rows;
    bool is_broken;
};

void add_row(sqlite3_context* context, int, sqlite3_value** values) {
    auto* const sums = static_cast<Sums*>(sqlite3_aggregate_context(context, sizeof(Sums)));
    if (sums == nullptr) {
        sqlite3_result_error_nomem(context);
        return;
    }
    sums->has_rows = true;
    const auto bytes = sqlite3_value_type(values[0]) == SQLITE_BLOB ? bytes_of(values[0]) : std::nullopt;
    if (!bytes || bytes->size() != sizeof(Hash)) {
        sums->is_broken = true;
        return;
    }
    Hash digest{};
    std::memcpy(digest.data(), bytes->data(), sizeof(digest));
    sums->sums[0] += digest[0];
    sums->sums[1] += digest[1];
}

void finish_set(sqlite3_context* context) {
    const auto* const sums = static_cast<const Sums*>(sqlite3_aggregate_context(context, 0));
    if (sums == nullptr || !sums->has_rows || sums->is_broken) {
        sqlite3_result_null(context);
        return;
    }
    const std::string text = fmt::format("{} {}", sums->sums[0], sums->sums[1]);
    sqlite3_result_text(context, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
}

}  // namespace

int register_digest_functions(sqlite3* database) {
    constexpr int kFlags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;
    const int code =
        sqlite3_create_function_v2(database, "rowgate_row_digest", -1, kFlags, nullptr, row_digest, nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) {
        return code;
    }
    return sqlite3_create_function_v2(database, "rowgate_set_digest", 1, kFlags, nullptr, nullptr, add_row, finish_set, nullptr);
}

}  // namespace sql::sqlite
