#include "gateway/http/affinity.h"

#include <unistd.h>

#include <charconv>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <string_view>

namespace gateway::http {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

// Of two looks in a row that agree the second acts: a burst moves nobody.
constexpr milliseconds kBetweenLooks{200};
// A load between the two is served wide rather than moved to and fro.
constexpr milliseconds kRest{3000};

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

Spread suitable_spread(Spread now, const ProcessorLoad& load, std::size_t all, std::size_t half) {
    const auto processors = static_cast<double>(all);
    const auto ours = static_cast<double>(half);
    if (now == Spread::half) {
        // Others may still use our half, so that a machine with enough to do is not idle.
        constexpr double kLittle = 0.62, kUnused = 0.1;
        return load.idle >= kUnused * processors || load.ours <= kLittle * ours ? Spread::all : Spread::half;
    }
    // Full, and even: when there is time to spare, one processor's queue only delays (measured at half load: four times the p99), and
    // when others need much more or much less than we, the halves do not fit (measured: 15 % fewer deletes).
    constexpr double kBusy = 0.05, kLeast = 0.395, kMost = 0.53;
    const bool is_even = load.ours >= kLeast * processors && load.ours <= kMost * processors;
    return load.idle <= kBusy * processors && is_even ? Spread::half : Spread::all;
}

Affinity::Affinity(bool is_on) {
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
    return idle && ours ? std::optional(Sample{now, *ours, *idle}) : std::nullopt;
}

bool Affinity::was_moved_by_others() const {
    cpu_set_t now;
    CPU_ZERO(&now);
    const cpu_set_t& set = spread_ == Spread::all ? all_ : half_;
    return ::sched_getaffinity(0, sizeof now, &now) != 0 || !CPU_EQUAL(&now, &set);
}

void Affinity::move_all(Spread spread) {
    const cpu_set_t& set = spread == Spread::all ? all_ : half_;
    // Twice: one that began during the first round may have been begun by a thread that had not moved yet.
    for (int round = 0; round < 2; ++round) {
        std::error_code error;
        for (fs::directory_iterator thread("/proc/self/task", error), end; !error && thread != end; thread.increment(error)) {
            if (const auto id = leading_number(thread->path().filename().native())) {
                ::sched_setaffinity(*id, sizeof set, &set);  // fails when it has ended
            }
        }
    }
    spread_ = spread;
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
        const Spread wanted = suitable_spread(spread_, load, processors(all_), processors(half_));
        if (wanted != spread_ && wanted == wanted_before_ && (wanted == Spread::all || now >= rest_until_)) {
            if (was_moved_by_others()) {
                is_on_ = false;
                return;
            }
            move_all(wanted);
            rest_until_ = now + kRest;
        }
        wanted_before_ = wanted;
    }
    last_ = next;
}

}  // namespace gateway::http
