#include <doctest/doctest.h>

#include <string_view>
#include <thread>
#include <vector>

#include "schemas/charset.h"
#include "schemas/value.h"

using schemas::charset_holds;

namespace {

struct Sample {
    std::string_view charset;
    std::string_view held;
    std::vector<std::string_view> not_held;
};

}  // namespace

TEST_CASE("each character set holds what MariaDB stores in it and nothing else") {
    const Sample samples[] = {
        {"utf8mb4", "aé€😀\U0010FFFF", {}},
        {"utf16", "aé€😀", {}},
        {"utf16le", "aé€😀", {}},
        {"utf32", "aé€😀", {}},
        {"utf8mb3", "aé€\uFFFF", {"😀", "\U00010000"}},
        {"utf8", "aé€", {"😀"}},
        {"ucs2", "aé€", {"😀"}},
        {"ascii", "a~\x7f", {"é", "\u0080"}},
        {"latin1", "aé€ÿ„Ÿ\u0081\u008d\u008f\u0090\u009d", {"ł", "\u0080", "\u009f", "Ā", "😀"}},
        {"latin2", "łŐ", {"é€", "õ", "€"}},
        {"latin5", "ğİ", {"ð", "€"}},
        {"latin7", "ķ’", {"é€", "ñ"}},
        {"greek", "αΩʼ", {"€", "‘", "б"}},
        {"hebrew", "אב‾", {"¯", "é"}},
        {"cp1250", "łž€", {"ñ"}},
        {"cp1251", "яЖ€", {"é"}},
        {"cp1256", "پچé", {"ٹ", "ڈ", "ے"}},
        {"cp1257", "ķž€", {"ñ"}},
        {"cp850", "é░", {"€", "я"}},
        {"cp852", "ł░", {"€"}},
        {"cp866", "я░²ⁿ", {"¤", "№"}},
        {"koi8r", "яё░", {"і", "€"}},
        {"koi8u", "яіґ•", {"∙", "€"}},
        {"tis620", "กข", {"é", "€"}},
        {"armscii8", "աբ§’", {"և", "՚"}},
        {"geostd8", "აბ€№", {"é", "œ"}},
        {"gbk", "中文龥", {"€", "é€", "한"}},
        {"gb2312", "中文", {"龥", "€"}},
        {"big5", "中文あЯ£", {"€", "简", "¯"}},
        {"euckr", "한글갂뷁", {"€€中文简"}},
        {"sjis", "日本語ｱ", {"¥", "‾", "①", "한"}},
        {"cp932", "日本語①～", {"¥", "〜", "—"}},
        {"ujis", "日本語\uE000", {"¥", "～", "①"}},
        {"eucjpms", "日本語①～", {"¥", "〜", "¦"}},
        {"macroman", "é∆", {"Δ", "ł"}},
        {"macce", "łé", {"ñ"}},
        {"keybcs2", "čž░", {"ł", "ç"}},
        {"swe7", "abcÅÄÖåäö", {"@", "[", "~", "{", "\\", "ø"}},
        {"dec8", "éœ", {"€"}},
        {"hp8", "éŠ", {"€"}},
        {"gb18030", "中😀", {}},
    };
    for (const Sample& sample : samples) {
        CAPTURE(sample.charset);
        CHECK(charset_holds(sample.charset, sample.held));
        for (const std::string_view text : sample.not_held) {
            CAPTURE(text);
            CHECK_FALSE(charset_holds(sample.charset, text));
        }
    }
}

TEST_CASE("an unknown character set holds ASCII only") {
    CHECK(charset_holds("klingon", "abc"));
    CHECK(charset_holds("", "abc"));
    CHECK_FALSE(charset_holds("klingon", "é"));
    CHECK(schemas::holding("klingon", "é") == schemas::Holding::unknown);
    CHECK(schemas::holding("latin1", "ł") == schemas::Holding::not_all);
}

TEST_CASE("text that is not UTF-8 is held by no character set") {
    for (const std::string_view text : {"\x80", "\xc3", "\xc0\xaf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf0\x80\x80\x80",
                                        "\xf4\x90\x80\x80", "\xff", "a\xe2\x82"}) {
        CHECK_FALSE(charset_holds("utf8mb4", text));
        CHECK_FALSE(charset_holds("utf8mb3", text));
        CHECK_FALSE(charset_holds("latin1", text));
        CHECK_FALSE(charset_holds("gbk", text));
    }
}

TEST_CASE("bytes are counted in the column's character set") {
    CHECK(schemas::encoded_bytes("utf8mb4", "aé😀") == 7);
    CHECK(schemas::encoded_bytes("latin1", "aé€") == 3);
    CHECK(schemas::encoded_bytes("ucs2", "aé") == 4);
    CHECK(schemas::encoded_bytes("utf16", "a😀") == 6);
    CHECK(schemas::encoded_bytes("utf32", "a😀") == 8);
    CHECK(schemas::encoded_bytes("gbk", "a中") == 3);
    CHECK(schemas::encoded_bytes("ujis", "a日") == 4);
    CHECK(schemas::encoded_bytes("klingon", "aé") == 5);
}

TEST_CASE("the tables of the character sets load once, whoever asks first") {
    std::vector<std::thread> threads;
    std::vector<int> answers(8, 0);
    for (int& answer : answers) {
        threads.emplace_back([&answer] { answer = charset_holds("cp1125", "я") ? 1 : charset_holds("eucjpms", "日") ? 2 : 3; });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    CHECK(answers == std::vector<int>(8, 2));
}
