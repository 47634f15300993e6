#include "schemas/charset.h"

#include <iconv.h>

#include <algorithm>
#include <array>
#include <bitset>
#include <iterator>
#include <memory>
#include <mutex>
#include <optional>
#include <span>

#include "schemas/value.h"

namespace schemas {
namespace {

constexpr std::size_t kBmpSize = 0x10000;
using CharacterSet = std::bitset<kBmpSize>;

struct Range {
    char32_t first;
    char32_t last;
};

// Where MariaDB 10.11 differs from glibc 2.36: `not_held` has what iconv would convert and MariaDB loses on the way there and
// back, `held` what MariaDB keeps and iconv does not know.
constexpr Range kArmscii8NotHeld[] = {{0x55a, 0x55a}, {0x587, 0x587}, {0x58a, 0x58a}};
constexpr Range kArmscii8Held[] = {{0xa7, 0xa7}, {0x55f, 0x55f}, {0x2019, 0x2019}, {0x2741, 0x2741}};
constexpr Range kBig5NotHeld[] = {
    {0x80, 0x80},     {0xaf, 0xaf},     {0x2cd, 0x2cd},   {0x2027, 0x2027}, {0x20ac, 0x20ac}, {0x2215, 0x2215}, {0x2295, 0x2295},
    {0x2299, 0x2299}, {0x2551, 0x255d}, {0x255f, 0x2560}, {0x2562, 0x2569}, {0x256b, 0x256c}, {0x2574, 0x2574}, {0x2593, 0x2593},
    {0xf6b1, 0xf848}, {0xfe51, 0xfe51}, {0xfe68, 0xfe68}, {0xff5e, 0xff5e}, {0xffe0, 0xffe1}, {0xffe3, 0xffe3}, {0xffe5, 0xffe5}};
constexpr Range kBig5Held[] = {{0xa2, 0xa3},     {0xa5, 0xa5},     {0x401, 0x401},   {0x414, 0x41c},   {0x423, 0x44f},
                               {0x451, 0x451},   {0x2022, 0x2022}, {0x203e, 0x203e}, {0x223c, 0x223c}, {0x2460, 0x2469},
                               {0x2474, 0x247d}, {0x2609, 0x2609}, {0x2641, 0x2641}, {0x3005, 0x3005}, {0x3041, 0x3093},
                               {0x309d, 0x309e}, {0x30a1, 0x30f6}, {0x30fe, 0x30fe}, {0xff64, 0xff64}, {0xfffd, 0xfffd}};
constexpr Range kCp1256NotHeld[] = {{0x679, 0x679}, {0x688, 0x688}, {0x691, 0x691}, {0x6a9, 0x6a9},
                                    {0x6ba, 0x6ba}, {0x6be, 0x6be}, {0x6c1, 0x6c1}, {0x6d2, 0x6d2}};
constexpr Range kCp866NotHeld[] = {{0xa4, 0xa4}, {0x2116, 0x2116}};
constexpr Range kCp866Held[] = {{0xb2, 0xb2}, {0x207f, 0x207f}};
constexpr Range kCp932NotHeld[] = {{0xa2, 0xa3},     {0xa5, 0xa5},     {0xac, 0xac},     {0x2014, 0x2014},
                                   {0x2016, 0x2016}, {0x203e, 0x203e}, {0x2212, 0x2212}, {0x301c, 0x301c}};
constexpr Range kDec8Held[] = {{0xa0, 0xa0}};
constexpr Range kEucjpmsNotHeld[] = {{0x80, 0x8d},     {0x90, 0x9f},     {0xa2, 0xa3},     {0xa5, 0xa6},     {0xac, 0xac},
                                     {0x2014, 0x2014}, {0x2016, 0x2016}, {0x203e, 0x203e}, {0x2212, 0x2212}, {0x301c, 0x301c}};
constexpr Range kGbkNotHeld[] = {{0x20ac, 0x20ac}};
constexpr Range kGeostd8NotHeld[] = {{0x80, 0x81},   {0x8d, 0x90},   {0x9d, 0x9e},    {0xe6, 0xff},
                                     {0x152, 0x153}, {0x160, 0x161}, {0x178, 0x178},  {0x192, 0x192},
                                     {0x2c6, 0x2c6}, {0x2dc, 0x2dc}, {0x2122, 0x2122}};
constexpr Range kGeostd8Held[] = {{0x20ac, 0x20ac}, {0x2116, 0x2116}};
constexpr Range kGreekNotHeld[] = {{0x37a, 0x37a}, {0x2018, 0x2019}, {0x20ac, 0x20ac}, {0x20af, 0x20af}};
constexpr Range kGreekHeld[] = {{0x2bc, 0x2bd}};
constexpr Range kHebrewNotHeld[] = {{0xaf, 0xaf}};
constexpr Range kHebrewHeld[] = {{0x203e, 0x203e}};
constexpr Range kKeybcs2Held[] = {
    {0xa0, 0xa1},     {0xab, 0xab},     {0xb0, 0xb2},     {0xb5, 0xb5},     {0xb7, 0xb7},     {0xbb, 0xbc},     {0xc1, 0xc1},
    {0xc4, 0xc4},     {0xc9, 0xc9},     {0xcd, 0xcd},     {0xd3, 0xd4},     {0xd6, 0xd6},     {0xda, 0xda},     {0xdc, 0xdd},
    {0xdf, 0xdf},     {0xe1, 0xe1},     {0xe4, 0xe4},     {0xe9, 0xe9},     {0xed, 0xed},     {0xf3, 0xf4},     {0xf6, 0xf7},
    {0xfa, 0xfa},     {0xfc, 0xfd},     {0x10c, 0x10f},   {0x11a, 0x11b},   {0x139, 0x13a},   {0x13d, 0x13e},   {0x147, 0x148},
    {0x154, 0x155},   {0x158, 0x159},   {0x160, 0x161},   {0x164, 0x165},   {0x16e, 0x16f},   {0x17d, 0x17e},   {0x393, 0x393},
    {0x398, 0x398},   {0x3a3, 0x3a3},   {0x3a6, 0x3a6},   {0x3a9, 0x3a9},   {0x3b1, 0x3b1},   {0x3b4, 0x3b5},   {0x3c0, 0x3c0},
    {0x3c3, 0x3c4},   {0x3c6, 0x3c6},   {0x207f, 0x207f}, {0x2219, 0x221a}, {0x221e, 0x221e}, {0x2229, 0x2229}, {0x2248, 0x2248},
    {0x2261, 0x2261}, {0x2264, 0x2265}, {0x2320, 0x2321}, {0x2500, 0x2500}, {0x2502, 0x2502}, {0x250c, 0x250c}, {0x2510, 0x2510},
    {0x2514, 0x2514}, {0x2518, 0x2518}, {0x251c, 0x251c}, {0x2524, 0x2524}, {0x252c, 0x252c}, {0x2534, 0x2534}, {0x253c, 0x253c},
    {0x2550, 0x256c}, {0x2580, 0x2580}, {0x2584, 0x2584}, {0x2588, 0x2588}, {0x258c, 0x258c}, {0x2590, 0x2593}, {0x25a0, 0x25a0}};
constexpr Range kKoi8uNotHeld[] = {{0x2219, 0x2219}};
constexpr Range kKoi8uHeld[] = {{0x2022, 0x2022}};
constexpr Range kLatin1Held[] = {{0x81, 0x81}, {0x8d, 0x8d}, {0x8f, 0x90}, {0x9d, 0x9d}};
constexpr Range kMacromanNotHeld[] = {{0x394, 0x394}, {0xe01e, 0xe01e}};
constexpr Range kMacromanHeld[] = {{0x2206, 0x2206}, {0xf8ff, 0xf8ff}};
constexpr Range kSjisNotHeld[] = {{0xa5, 0xa5}, {0x203e, 0x203e}, {0xff3c, 0xff3c}, {0xffe0, 0xffe2}};
constexpr Range kSwe7NotHeld[] = {{0x40, 0x40}, {0x5b, 0x5e}, {0x60, 0x60}, {0x7b, 0x7f}};
constexpr Range kSwe7Held[] = {{0xc4, 0xc5}, {0xc9, 0xc9}, {0xd6, 0xd6}, {0xdc, 0xdc},
                               {0xe4, 0xe5}, {0xe9, 0xe9}, {0xf6, 0xf6}, {0xfc, 0xfc}};
constexpr Range kTis620Held[] = {{0x80, 0x9f}, {0xfffd, 0xfffd}};
constexpr Range kUjisNotHeld[] = {{0x80, 0x8d}, {0x90, 0x9f}, {0xa5, 0xa5}, {0x203e, 0x203e}, {0xff3c, 0xff3c}, {0xff5e, 0xff5e}};
constexpr Range kUjisHeld[] = {{0xe000, 0xe757}};

struct Legacy {
    std::string_view name;
    const char* iconv_name;
    unsigned bytes_per_character;  // at most, for a character that is not ASCII
    std::span<const Range> not_held;
    std::span<const Range> held;
};

// The common ones first. None of them holds a character above U+FFFF.
constexpr Legacy kLegacy[] = {
    {"latin1", "CP1252", 1, {}, kLatin1Held},
    {"ascii", "ASCII", 1, {}, {}},
    {"latin2", "ISO-8859-2", 1, {}, {}},
    {"latin5", "ISO-8859-9", 1, {}, {}},
    {"latin7", "ISO-8859-13", 1, {}, {}},
    {"greek", "ISO-8859-7", 1, kGreekNotHeld, kGreekHeld},
    {"hebrew", "ISO-8859-8", 1, kHebrewNotHeld, kHebrewHeld},
    {"cp1250", "CP1250", 1, {}, {}},
    {"cp1251", "CP1251", 1, {}, {}},
    {"cp1256", "CP1256", 1, kCp1256NotHeld, {}},
    {"cp1257", "CP1257", 1, {}, {}},
    {"cp850", "CP850", 1, {}, {}},
    {"cp852", "CP852", 1, {}, {}},
    {"cp866", "CP866", 1, kCp866NotHeld, kCp866Held},
    {"koi8r", "KOI8-R", 1, {}, {}},
    {"koi8u", "KOI8-U", 1, kKoi8uNotHeld, kKoi8uHeld},
    {"tis620", "TIS-620", 1, {}, kTis620Held},
    {"armscii8", "ARMSCII-8", 1, kArmscii8NotHeld, kArmscii8Held},
    {"geostd8", "GEORGIAN-PS", 1, kGeostd8NotHeld, kGeostd8Held},
    {"dec8", "DEC-MCS", 1, {}, kDec8Held},
    {"hp8", "HP-ROMAN8", 1, {}, {}},
    {"keybcs2", "ASCII", 1, {}, kKeybcs2Held},
    {"macce", "MAC-CENTRALEUROPE", 1, {}, {}},
    {"macroman", "MACINTOSH", 1, kMacromanNotHeld, kMacromanHeld},
    {"swe7", "ASCII", 1, kSwe7NotHeld, kSwe7Held},
    {"gbk", "GBK", 2, kGbkNotHeld, {}},
    {"gb2312", "EUC-CN", 2, {}, {}},
    {"big5", "BIG5", 2, kBig5NotHeld, kBig5Held},
    {"euckr", "UHC", 2, {}, {}},
    {"sjis", "SHIFT_JIS", 2, kSjisNotHeld, {}},
    {"cp932", "CP932", 2, kCp932NotHeld, {}},
    {"ujis", "EUC-JP", 3, kUjisNotHeld, kUjisHeld},
    {"eucjpms", "EUC-JP-MS", 3, kEucjpmsNotHeld, {}},
};

const Legacy* find_legacy(std::string_view charset) {
    const auto* found =
        std::find_if(std::begin(kLegacy), std::end(kLegacy), [&](const Legacy& one) { return one.name == charset; });
    return found == std::end(kLegacy) ? nullptr : found;
}

bool is_ascii(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

std::size_t encode_utf8(char32_t c, std::array<char, 4>& out) {
    if (c < 0x80) {
        out[0] = static_cast<char>(c);
        return 1;
    }
    if (c < 0x800) {
        out[0] = static_cast<char>(0xc0 | (c >> 6));
        out[1] = static_cast<char>(0x80 | (c & 0x3f));
        return 2;
    }
    out[0] = static_cast<char>(0xe0 | (c >> 12));
    out[1] = static_cast<char>(0x80 | ((c >> 6) & 0x3f));
    out[2] = static_cast<char>(0x80 | (c & 0x3f));
    return 3;
}

// The next character of `text`, which gets shorter; nothing when the text is not UTF-8 there.
std::optional<char32_t> take(std::string_view& text) {
    const auto byte = [&](std::size_t i) { return static_cast<char32_t>(static_cast<unsigned char>(text[i])); };
    const char32_t lead = byte(0);
    const std::size_t length = lead < 0x80                   ? 1
                               : lead >= 0xc2 && lead < 0xe0 ? 2
                               : (lead & 0xf0) == 0xe0       ? 3
                               : lead >= 0xf0 && lead < 0xf5 ? 4
                                                             : 0;
    if (length == 0 || text.size() < length) {
        return std::nullopt;
    }
    char32_t c = length == 1 ? lead : lead & (0x7fU >> length);
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xc0) != 0x80) {
            return std::nullopt;
        }
        c = (c << 6) | (byte(i) & 0x3f);
    }
    if ((length == 3 && (c < 0x800 || (c >= 0xd800 && c < 0xe000))) || (length == 4 && (c < 0x10000 || c > 0x10ffff))) {
        return std::nullopt;
    }
    text.remove_prefix(length);
    return c;
}

bool converts(iconv_t conversion, char32_t c) {
    std::array<char, 4> in{};
    std::array<char, 16> out{};
    char* in_at = in.data();
    char* out_at = out.data();
    std::size_t in_left = encode_utf8(c, in);
    std::size_t out_left = out.size();
    const bool is_exact = iconv(conversion, &in_at, &in_left, &out_at, &out_left) == 0;
    iconv(conversion, nullptr, nullptr, nullptr, nullptr);
    return is_exact;
}

// Null when the C library has no such conversion (its conversion modules are a package of their own on some systems).
std::unique_ptr<const CharacterSet> load(const Legacy& legacy) {
    iconv_t conversion = iconv_open(legacy.iconv_name, "UTF-8");
    if (reinterpret_cast<std::intptr_t>(conversion) == -1) {
        return nullptr;
    }
    auto characters = std::make_unique<CharacterSet>();
    for (char32_t c = 0; c < kBmpSize; ++c) {
        const bool is_surrogate = c >= 0xd800 && c < 0xe000;
        characters->set(c, !is_surrogate && converts(conversion, c));
    }
    iconv_close(conversion);
    for (const Range& range : legacy.not_held) {
        for (char32_t c = range.first; c <= range.last; ++c) {
            characters->reset(c);
        }
    }
    for (const Range& range : legacy.held) {
        for (char32_t c = range.first; c <= range.last; ++c) {
            characters->set(c);
        }
    }
    return characters;
}

// Loaded at the first question, a few milliseconds; afterwards a question is a bit test.
const CharacterSet* characters_of(const Legacy& legacy) {
    static std::array<std::once_flag, std::size(kLegacy)> is_loaded;
    static std::array<std::unique_ptr<const CharacterSet>, std::size(kLegacy)> loaded;
    const auto index = static_cast<std::size_t>(&legacy - std::begin(kLegacy));
    std::call_once(is_loaded[index], [&] { loaded[index] = load(legacy); });
    return loaded[index].get();
}

bool is_full_unicode(std::string_view charset) {
    return charset == "utf8mb4" || charset == "utf16" || charset == "utf16le" || charset == "utf32" || charset == "gb18030";
}

bool is_bmp_unicode(std::string_view charset) {
    return charset == "utf8mb3" || charset == "utf8" || charset == "ucs2";
}

}  // namespace

Holding holding(std::string_view charset, std::string_view text) {
    if (is_ascii(text) && charset != "swe7") {
        return Holding::all;
    }
    const bool is_full = is_full_unicode(charset);
    const CharacterSet* characters = nullptr;
    if (!is_full && !is_bmp_unicode(charset)) {
        const Legacy* legacy = find_legacy(charset);
        characters = legacy == nullptr ? nullptr : characters_of(*legacy);
        if (characters == nullptr) {
            return Holding::unknown;
        }
    }
    while (!text.empty()) {
        const std::optional<char32_t> c = take(text);
        if (!c) {
            return Holding::not_all;
        }
        const bool is_held = is_full || (*c < kBmpSize && (characters == nullptr || characters->test(*c)));
        if (!is_held) {
            return Holding::not_all;
        }
    }
    return Holding::all;
}

std::uint64_t encoded_bytes(std::string_view charset, std::string_view text) {
    if (charset == "utf8mb4" || charset == "utf8mb3" || charset == "utf8") {
        return text.size();
    }
    std::uint64_t ascii = 0;
    std::uint64_t others = 0;
    std::uint64_t astral = 0;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        ascii += byte < 0x80 ? 1 : 0;
        others += byte >= 0xc0 ? 1 : 0;
        astral += byte >= 0xf0 ? 1 : 0;
    }
    if (charset == "utf32") {
        return 4 * (ascii + others);
    }
    if (charset == "ucs2" || charset == "utf16" || charset == "utf16le") {
        return 2 * (ascii + others + astral);
    }
    const Legacy* legacy = find_legacy(charset);
    return ascii + others * (legacy == nullptr ? 4 : legacy->bytes_per_character);
}

bool charset_holds(std::string_view charset, std::string_view text) {
    return holding(charset, text) == Holding::all;
}

}  // namespace schemas
