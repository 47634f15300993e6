#include "gateway/observe/log.h"

#include <cstdint>
#include <ctime>
#include <string_view>

#include <fmt/format.h>

#include "gateway/observe/json_text.h"

namespace gateway::observe {
namespace {

constexpr std::size_t kLineUsual = 2048;
constexpr std::size_t kLineKept = 64u << 10;  // memory that a thread keeps for its next line
constexpr std::size_t kEscapedMax = 6;        // bytes that one byte becomes: \u001F

// RFC 3339, UTC, without the milliseconds: made once a second a thread.
std::string_view text_of_second(std::int64_t since_1970) {
    thread_local std::int64_t made_for = -1;
    thread_local std::string text;
    if (since_1970 != made_for) {
        const auto seconds = static_cast<std::time_t>(since_1970);
        std::tm utc{};
        ::gmtime_r(&seconds, &utc);
        text = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour,
                           utc.tm_min, utc.tm_sec);
        made_for = since_1970;
    }
    return text;
}

// One line, made in the thread's own memory. A key brings its comma, quotes and colon along.
class Line {
public:
    // `bytes`: of all texts that will come.
    Line(std::string_view event, std::size_t bytes) : memory_(memory()) {
        const std::size_t most = kLineUsual + bytes * kEscapedMax;
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
        if (memory_.size() > kLineKept) {
            std::string().swap(memory_);
        }
    }

private:
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

}  // namespace

Log::Log(const std::string& path, std::chrono::milliseconds flush_after)
    : writer_(path.empty() ? nullptr : std::make_unique<LogWriter>(path, flush_after, [this](const std::string& reason) {
          write(Failed{reason});
      })) {}

Log::~Log() = default;

void Log::write(const RequestServed& event) {
    if (!writer_) {
        return;
    }
    Line line("request_served", event.request_id.size() + event.peer.size() + event.method.size() + event.target.size() + event.code.size() +
                                    event.org.size() + event.project.size() + event.user.size() + event.internal.size());
    line.text(R"(,"request_id":)", event.request_id).text(R"(,"peer":)", event.peer);
    line.text(R"(,"method":)", event.method).text(R"(,"target":)", event.target);
    line.number(R"(,"status":)", event.status).text_if_any(R"(,"code":)", event.code);
    line.text_if_any(R"(,"org":)", event.org).text_if_any(R"(,"project":)", event.project).text_if_any(R"(,"user":)", event.user);
    line.number(R"(,"bytes":)", static_cast<std::int64_t>(event.bytes)).number(R"(,"duration_us":)", event.duration.count());
    line.text_if_any(R"(,"internal":)", event.internal);
    line.write_to(*writer_);
}

void Log::write(const Started& event) {
    if (writer_) {
        Line("started", event.address.size()).text(R"(,"address":)", event.address).number(R"(,"port":)", event.port).write_to(*writer_);
    }
}

void Log::write(const AdminStarted& event) {
    if (writer_) {
        Line("admin_started", event.address.size()).text(R"(,"address":)", event.address).number(R"(,"port":)", event.port).write_to(*writer_);
    }
}

void Log::write(const Stopping& event) {
    if (writer_) {
        Line("stopping", event.reason.size()).text(R"(,"reason":)", event.reason).write_to(*writer_);
    }
}

void Log::write(const Failed& event) {
    if (writer_) {
        Line("failed", event.what.size()).text(R"(,"what":)", event.what).write_to(*writer_);
    }
}

void Log::reopen() {
    if (writer_) {
        writer_->reopen();
    }
}

void Log::write_on_abort() {
    if (writer_) {
        writer_->write_on_abort();
    }
}

LogStats Log::stats() const {
    return writer_ ? writer_->stats() : LogStats{};
}

}  // namespace gateway::observe
