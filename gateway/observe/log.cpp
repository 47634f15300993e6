#include <ctime>
#include <stdexcept>

#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include "gateway/observe/event.h"
#include "gateway/observe/json_text.h"

namespace gateway::observe {
namespace {

// RFC 3339, UTC, milliseconds.
std::string now_text() {
    const auto now = std::chrono::system_clock::now();
    const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count();
    const std::time_t seconds = static_cast<std::time_t>(milliseconds / 1000);
    std::tm utc{};
    gmtime_r(&seconds, &utc);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour,
                       utc.tm_min, utc.tm_sec, milliseconds % 1000);
}

class Line {
public:
    explicit Line(std::string_view event) {
        text_.reserve(512);
        text_ += R"({"time":")";
        text_ += now_text();
        text_ += '"';
        text("event", event);
    }
    Line& text(std::string_view key, std::string_view value) {
        begin(key);
        append_json_string(text_, value);
        return *this;
    }
    // Left out when empty.
    Line& text_if_any(std::string_view key, std::string_view value) { return value.empty() ? *this : text(key, value); }
    Line& number(std::string_view key, std::int64_t value) {
        begin(key);
        text_ += std::to_string(value);
        return *this;
    }
    [[nodiscard]] const std::string& finish() {
        text_ += '}';
        return text_;
    }

private:
    void begin(std::string_view key) {
        text_ += ",\"";
        text_ += key;
        text_ += "\":";
    }

    std::string text_;
};

spdlog::sink_ptr open_sink(const std::string& path) {
    if (path == "-") {
        return std::make_shared<spdlog::sinks::stdout_sink_mt>();
    }
    try {
        return std::make_shared<spdlog::sinks::basic_file_sink_mt>(path, false);
    } catch (const spdlog::spdlog_ex& error) {
        throw std::runtime_error(fmt::format("cannot open the log: {}", error.what()));
    }
}

}  // namespace

struct Log::Sink {
    // Outside spdlog's registry: a logger of ours, no global name. Its sinks lock, so a line is written whole.
    spdlog::logger logger;

    explicit Sink(const std::string& path) : logger("rowgate", open_sink(path)) {
        logger.set_pattern("%v");
        logger.set_level(spdlog::level::info);
        logger.flush_on(spdlog::level::info);
    }
    // The text is no format string: it goes in as it is.
    void write(Line& line) { logger.log(spdlog::level::info, spdlog::string_view_t(line.finish())); }
};

Log::Log(const std::string& path) : sink_(path.empty() ? nullptr : std::make_unique<Sink>(path)) {}
Log::~Log() = default;

void Log::write(const RequestServed& event) {
    if (!sink_) {
        return;
    }
    Line line("request_served");
    line.text("request_id", event.request_id).text("peer", event.peer).text("method", event.method).text("target", event.target);
    line.number("status", event.status).text_if_any("code", event.code);
    line.text_if_any("org", event.org).text_if_any("project", event.project).text_if_any("user", event.user);
    line.number("bytes", static_cast<std::int64_t>(event.bytes)).number("duration_us", event.duration.count());
    line.text_if_any("internal", event.internal);
    sink_->write(line);
}

void Log::write(const Started& event) {
    if (sink_) {
        Line line("started");
        line.text("address", event.address).number("port", event.port);
        sink_->write(line);
    }
}

void Log::write(const Stopping& event) {
    if (sink_) {
        Line line("stopping");
        line.text("reason", event.reason);
        sink_->write(line);
    }
}

void Log::write(const Failed& event) {
    if (sink_) {
        Line line("failed");
        line.text("what", event.what);
        sink_->write(line);
    }
}

}  // namespace gateway::observe
