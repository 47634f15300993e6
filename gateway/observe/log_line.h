// One JSON line of a log, made in the thread's own memory. It knows no event and no file: Log and Audit say what stands in it,
// LogWriter takes it. Private to gateway/observe.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "gateway/observe/json_text.h"
#include "gateway/observe/log_writer.h"

namespace gateway::observe {

// A key brings its comma, quotes and colon along.
class Line {
public:
    // `bytes`: of all texts that will come.
    Line(std::string_view event, std::size_t bytes) : memory_(memory()) {
        const std::size_t most = kUsual + bytes * kEscapedMax;
        if (memory_.size() < most) {
            memory_.resize(most);
        }
        at_ = memory_.data();
        const std::int64_t now =
            std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
        put(R"({"time":")").put(text_of_second(now / 1000));
        for (const std::int64_t unit : {100, 10, 1}) {
            *at_++ = static_cast<char>('0' + now / unit % 10);
        }
        put(R"(Z","event":")").put(event).put("\"");
    }
    Line& text(std::string_view key, std::string_view value) {
        put(key);
        if (json_text::plain_run(value, 0) == value.size()) {
            return put("\"").put(value).put("\"");
        }
        std::string escaped;
        append_json_string(escaped, value);
        return put(escaped);
    }
    // Left out when empty.
    Line& text_if_any(std::string_view key, std::string_view value) { return value.empty() ? *this : text(key, value); }
    Line& number(std::string_view key, std::int64_t value) {
        const fmt::format_int digits(value);
        return put(key).put({digits.data(), digits.size()});
    }
    void write_to(LogWriter& writer) {
        put("}\n");
        writer.append({memory_.data(), static_cast<std::size_t>(at_ - memory_.data())});
        if (memory_.size() > kKept) {
            std::string().swap(memory_);
        }
    }

private:
    static constexpr std::size_t kUsual = 2048;
    static constexpr std::size_t kKept = 64u << 10;  // memory that a thread keeps for its next line
    static constexpr std::size_t kEscapedMax = 6;    // bytes that one byte becomes: \u001F

    // RFC 3339, UTC, without the milliseconds: made once a second a thread.
    static std::string_view text_of_second(std::int64_t since_1970);
    static std::string& memory() {
        thread_local std::string kept;
        return kept;
    }
    Line& put(std::string_view text) {
        at_ += text.copy(at_, text.size());
        return *this;
    }

    std::string& memory_;
    char* at_ = nullptr;
};

}  // namespace gateway::observe
