#include "gateway/http/affinity.h"

#include <unistd.h>

#include <charconv>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace gateway::http {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

constexpr milliseconds kBetweenLooks{200};

std::optional<int> leading_number(std::string_view text) {
    int number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc{} && end != text.data() ? std::optional(number) : std::nullopt;
}

// The first of the processors that share this one's core: they share its caches, too.
int core_of(int processor) {
    std::ifstream file("/sys/devices/system/cpu/cpu" + std::to_string(processor) + "/topology/thread_siblings_list");
    std::string siblings;
    std::getline(file, siblings);
    return leading_number(siblings).value_or(processor);
}

// Whole cores, the last ones: devices mostly interrupt the first.
cpu_set_t half_of(const cpu_set_t& all) {
    std::set<int> cores;
    for (int processor = 0; processor < CPU_SETSIZE; ++processor) {
        if (CPU_ISSET(processor, &all)) {
            cores.insert(core_of(processor));
        }
    }
    auto first_of_ours = cores.begin();
    std::advance(first_of_ours, (cores.size() + 1) / 2);
    const std::set<int> ours(first_of_ours, cores.end());
    cpu_set_t half;
    CPU_ZERO(&half);
    for (int processor = 0; processor < CPU_SETSIZE; ++processor) {
        if (CPU_ISSET(processor, &all) && ours.contains(core_of(processor))) {
            CPU_SET(processor, &half);
        }
    }
    return half;
}

// Seconds that these processors have had nothing to do, since the machine started; nothing when nobody says.
std::optional<double> idle_seconds(const cpu_set_t& processors) {
    static const double kTicks = static_cast<double>(::sysconf(_SC_CLK_TCK));
    std::ifstream file("/proc/stat");
    std::string word;
    bool is_known = false;
    double ticks = 0;
    // `cpu3 user nice system idle iowait …`, below the sum of all.
    for (std::string line; std::getline(file, line) && line.starts_with("cpu");) {
        const auto processor = leading_number(std::string_view(line).substr(3));
        if (!processor || *processor >= CPU_SETSIZE || !CPU_ISSET(*processor, &processors)) {
            continue;
        }
        constexpr int kFieldsBeforeIdle = 4;  // the name is one
        std::size_t at = 0;
        for (int field = 0; field < kFieldsBeforeIdle && at != std::string::npos; ++field) {
            at = line.find(' ', at + 1);
        }
        for (int field = 0; field < 2 && at != std::string::npos; ++field) {
            const std::size_t end = line.find(' ', at + 1);
            std::uint64_t number = 0;
            std::from_chars(line.data() + at + 1, line.data() + std::min(end, line.size()), number);
            ticks += static_cast<double>(number);
            is_known = true;
            at = end;
        }
    }
    return is_known ? std::optional(ticks / kTicks) : std::nullopt;
}

std::optional<double> own_seconds() {
    timespec time{};
    if (::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time) != 0) {
        return std::nullopt;
    }
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

}  // namespace

Affinity::Affinity(bool is_on, Served served) : served_(std::move(served)) {
    CPU_ZERO(&all_);
    is_on_ = is_on && ::sched_getaffinity(0, sizeof all_, &all_) == 0 && CPU_COUNT(&all_) >= 2;
    if (is_on_) {
        half_ = half_of(all_);
        is_on_ = CPU_COUNT(&half_) > 0;
    }
}

std::optional<Affinity::Sample> Affinity::sample(Clock::time_point now) const {
    const auto idle = idle_seconds(all_);
    const auto ours = own_seconds();
    return idle && ours ? std::optional(Sample{now, *ours, *idle, served_()}) : std::nullopt;
}

bool Affinity::is_where(Spread spread) const {
    cpu_set_t now;
    CPU_ZERO(&now);
    return ::sched_getaffinity(0, sizeof now, &now) == 0 && CPU_EQUAL(&now, &set_of(spread));
}

void Affinity::move_all(Spread spread) const {
    const cpu_set_t& set = set_of(spread);
    // Twice: one that began during the first round may have been begun by a thread that had not moved yet.
    for (int round = 0; round < 2; ++round) {
        std::error_code error;
        for (fs::directory_iterator thread("/proc/self/task", error), end; !error && thread != end; thread.increment(error)) {
            if (const auto id = leading_number(thread->path().filename().native())) {
                ::sched_setaffinity(*id, sizeof set, &set);  // fails when it has ended
            }
        }
    }
}

void Affinity::look(Clock::time_point now) {
    if (!is_on_ || (last_ && now - last_->at < kBetweenLooks)) {
        return;
    }
    const auto next = sample(now);
    if (!next) {
        is_on_ = false;
        return;
    }
    if (last_) {
        const double seconds = std::chrono::duration<double>(now - last_->at).count();
        const ProcessorLoad load{(next->ours - last_->ours) / seconds, (next->idle - last_->idle) / seconds};
        const auto processors = [](const cpu_set_t& set) { return static_cast<std::size_t>(CPU_COUNT(&set)); };
        const Spread before = trials_.spread();
        const Spread suits = suitable_spread(before, load, processors(all_), processors(half_));
        const Spread wanted = trials_.look(now, suits, static_cast<double>(next->served - last_->served) / seconds);
        if (wanted != before && !is_where(before)) {
            is_on_ = false;  // others moved us
            return;
        }
        if (wanted != before) {
            move_all(wanted);
        }
    }
    last_ = next;
}

}  // namespace gateway::http
