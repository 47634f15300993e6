#include "gateway/http/chunked.h"

#include <string>

#include <doctest/doctest.h>

using gateway::http::ChunkedDecoder;
using State = gateway::http::ChunkedDecoder::State;

namespace {

struct Result {
    State state = State::wants_bytes;
    std::size_t consumed = 0;
    std::string body;
    int refusal = 0;

    bool operator==(const Result&) const = default;
};

// Feeds the bytes in pieces of `piece` bytes.
Result decode(const std::string& bytes, std::size_t piece = std::string::npos, std::size_t body_bytes_max = 1000) {
    ChunkedDecoder decoder(body_bytes_max);
    Result result;
    std::size_t begin = 0;
    while (begin < bytes.size() && result.state == State::wants_bytes) {
        const auto progress = decoder.decode(std::string_view(bytes).substr(begin, piece), result.body);
        if (!progress) {
            result.refusal = progress.error().status;
            return result;
        }
        result.state = progress->state;
        result.consumed += progress->consumed;
        begin += progress->consumed;
    }
    return result;
}

}  // namespace

TEST_CASE("a chunked body is the same however its bytes are cut") {
    const std::string bytes = "5\r\nhello\r\n00A;name=\"v\"\r\n, world!!!\r\n0\r\nX-Trailer: a\r\nB:\r\n\r\nGET /";
    const Result whole = decode(bytes);
    CHECK(whole == Result{State::complete, bytes.size() - 5, "hello, world!!!", 0});
    for (const std::size_t piece : {1U, 2U, 3U, 7U, 19U}) {
        CHECK(decode(bytes, piece) == whole);
    }
}

TEST_CASE("an empty chunked body is complete at its last line") {
    CHECK(decode("0\r\n\r\n") == Result{State::complete, 5, "", 0});
    CHECK(decode("0\r\n\r").state == State::wants_bytes);
    CHECK(decode("0;a\r\n\r\n").state == State::complete);
}

TEST_CASE("malformed chunks are refused") {
    for (const char* bytes : {"\r\n",         "-2\r\nab",        "+2\r\nab",
                              "0x2\r\nab",    " 2\r\nab",        "2 \r\nab",
                              "2 ;a\r\nab",   "2\nab",           "2\r\rab",
                              "g\r\n",        "2\r\nabc\r\n",    "2\r\nab\n",
                              "2\r\nab\rx",   "2\r\nab2",        "11111111111111111\r\n",
                              "2;a\nb\r\nab", "2;\x01\r\nab",    "0\r\n\n",
                              "0\r\n\rx",     "0\r\n bad\r\n",   "0\r\nbad\r\n",
                              "0\r\n: a\r\n", "0\r\na b: c\r\n", "0\r\na: b\n",
                              "0\r\na: b\rx", "0\r\na: \x01",    "2\r\nab\r\n\r\n",
                              ";\r\n"}) {
        INFO(bytes);
        CHECK(decode(bytes).refusal == 400);
        CHECK(decode(bytes, 1).refusal == 400);
    }
}

TEST_CASE("a body over the limit is found by the chunk's size, before its data") {
    CHECK(decode("a\r\n0123456789\r\n0\r\n\r\n", std::string::npos, 10).state == State::complete);
    CHECK(decode("b\r\n", std::string::npos, 10).state == State::too_large);
    CHECK(decode("a\r\n0123456789\r\n1\r\n", std::string::npos, 10).state == State::too_large);
    CHECK(decode("ffffffffffffffff\r\n", std::string::npos, 10).state == State::too_large);
    CHECK(decode("a\r\n0123456789\r\nffffffffffffffff\r\n", std::string::npos, 10).state == State::too_large);
    CHECK(decode("0\r\n\r\n", std::string::npos, 0).state == State::complete);
}

TEST_CASE("extensions and trailers are bounded together") {
    CHECK(decode("0;" + std::string(16383, 'a') + "\r\n\r\n").state == State::complete);
    CHECK(decode("0;" + std::string(16384, 'a')).refusal == 400);
    CHECK(decode("0\r\nA:" + std::string(16383, 'a')).refusal == 400);
    std::string many;
    for (int index = 0; index < 9000; ++index) {
        many += "1;x\r\na\r\n";
    }
    CHECK(decode(many, std::string::npos, 100000).refusal == 400);
}
