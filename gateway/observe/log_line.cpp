#include "gateway/observe/log_line.h"

#include <ctime>

namespace gateway::observe {

std::string_view Line::text_of_second(std::int64_t since_1970) {
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

}  // namespace gateway::observe
