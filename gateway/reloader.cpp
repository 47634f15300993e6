#include "gateway/reloader.h"

#include <malloc.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <exception>
#include <stdexcept>
#include <utility>

#include "gateway/preview/token_key.h"

namespace gateway {
namespace {

using namespace std::chrono_literals;
using tenants::Folder;

// Files come in groups, and an editor writes in steps: read when it has been quiet for so long, or after the longest time.
constexpr auto kQuiet = 100ms;
constexpr auto kQuietAtMost = 1000ms;
// Between two looks at a folder that cannot be watched, or is not there.
constexpr auto kBlindLook = 2000ms;
constexpr auto kRetireLook = 100ms;
constexpr std::size_t kMuch = 1000;  // files; giving memory back holds up whoever allocates
constexpr std::chrono::milliseconds kSweepAtLeast = 50ms;
constexpr std::chrono::milliseconds kSweepAtMost = 5000ms;

}  // namespace

Reloader::Reloader(Folder& folder, sql::exec::Budget& budget, CurrentSnapshot& current, GrantWatch& grants, observe::Log& log)
    : folder_(folder), budget_(budget), current_(current), grants_(grants), log_(log), watch_(current.pin()->config.tenants_folder),
      wake_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)), swept_(Clock::now()) {
    if (wake_ < 0) throw std::runtime_error(std::string("no eventfd: ") + std::strerror(errno));
    thread_ = std::thread([this] { run(); });
}

Reloader::~Reloader() {
    is_stopping_ = true;
    ::eventfd_write(wake_, 1);
    thread_.join();
    ::close(wake_);
}

void Reloader::reload() {
    is_asked_ = true;
    ::eventfd_write(wake_, 1);
}

void Reloader::tell(const Folder::Reading& reading, std::chrono::microseconds duration, observe::Log& log) {
    for (const tenants::FaultyFile& faulty : reading.faults) {
        for (const std::string& message : faulty.messages) log.write(observe::TenantFileRefused{faulty.file, message, faulty.has_last_good});
    }
    log.write(observe::TenantsRead{reading.registry.orgs().size(), reading.registry.databases().size(), reading.parsed,
                                   reading.registry.faulty_files().size(), duration});
}

void Reloader::run() {
    // A file may have changed between the first reading and the watch.
    read(Folder::Scope::changed, {});
    tenants::FolderWatch::Seen seen;
    Clock::time_point first{};
    Clock::time_point last{};
    while (!is_stopping_) {
        const bool was_any = seen.is_any;
        if (wait(seen)) {
            last = Clock::now();
            if (!was_any) first = last;
        }
        if (is_stopping_) return;
        tidy();
        if (is_asked_.exchange(false)) {
            seen = {};
            read_token_key();
            read(Folder::Scope::everything, {});
        } else if (!watch_.is_watching() && Clock::now() - looked_ >= kBlindLook) {
            // Nobody says what changes: the files' status does.
            watch_.watch();
            looked_ = Clock::now();
            seen = {};
            read(Folder::Scope::changed, {});
        } else if (seen.is_any && (Clock::now() - last >= kQuiet || Clock::now() - first >= kQuietAtMost)) {
            const auto all = std::exchange(seen, {});
            read(all.is_all ? Folder::Scope::everything : Folder::Scope::changed, all.names);
        }
    }
}

bool Reloader::wait(tenants::FolderWatch::Seen& seen) {
    std::chrono::milliseconds time = std::clamp(budget_.idle_max() / 4, kSweepAtLeast, kSweepAtMost);
    if (!watch_.is_watching()) time = std::min<std::chrono::milliseconds>(time, kBlindLook);
    if (has_retired_) time = std::min<std::chrono::milliseconds>(time, kRetireLook);
    if (seen.is_any) time = kQuiet;
    std::array<pollfd, 2> waited{{{wake_, POLLIN, 0}, {watch_.descriptor(), POLLIN, 0}}};
    ::poll(waited.data(), waited.size(), static_cast<int>(time.count()));
    eventfd_t count = 0;
    ::eventfd_read(wake_, &count);
    auto more = watch_.read();
    const bool is_any = more.is_any;
    seen.add(std::move(more));
    return is_any;
}

void Reloader::tidy() {
    has_retired_ = current_.retire();
    // The many old tenants lay between the new ones: back to the system with what is free.
    if (!has_retired_ && std::exchange(is_much_replaced_, false)) ::malloc_trim(0);
    if (Clock::now() - swept_ < std::clamp(budget_.idle_max() / 4, kSweepAtLeast, kSweepAtMost)) return;
    budget_.close_idle();
    swept_ = Clock::now();
}

void Reloader::read(Folder::Scope scope, const std::set<std::string>& named) {
    const auto began = Clock::now();
    try {
        auto reading = folder_.read(scope, named);
        if (!reading) {
            if (reading.error() != std::exchange(unreadable_, reading.error())) log_.write(observe::Failed{unreadable_});
            return;
        }
        unreadable_.clear();
        const bool is_worth_telling = reading->is_changed || !reading->faults.empty() || scope == Folder::Scope::everything;
        if (reading->is_changed) {
            const CurrentSnapshot::Pin before = current_.pin();
            Snapshot next = *before;
            next.registry = reading->registry;
            current_.publish(std::move(next));
            has_retired_ = true;
            is_much_replaced_ = is_much_replaced_ || reading->parsed >= kMuch;
        }
        if (is_worth_telling) tell(*reading, std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - began), log_);
        if (reading->is_changed) grants_.look();
    } catch (const std::exception& exception) {
        log_.write(observe::Failed{std::string("the tenants' files could not be read again: ") + exception.what()});
    }
}

// A random key is of one start, and stays. One that cannot be read leaves the one before.
void Reloader::read_token_key() {
    const CurrentSnapshot::Pin before = current_.pin();
    if (before->config.token_key_file.empty()) return;
    try {
        auto key = preview::load_token_key(before->config.token_key_file);
        if (!key) {
            log_.write(observe::Failed{key.error() + "; the key before it is kept"});
        } else if (before->token_key == nullptr || **key != *before->token_key) {
            Snapshot next = *before;
            next.token_key = std::move(*key);
            current_.publish(std::move(next));
            has_retired_ = true;
        }
    } catch (const std::exception& exception) {
        log_.write(observe::Failed{std::string("token_key_file could not be read again: ") + exception.what()});
    }
}

}  // namespace gateway
