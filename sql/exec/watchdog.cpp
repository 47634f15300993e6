#include "sql/exec/watchdog.h"

#include <sys/socket.h>

#include <algorithm>
#include <system_error>
#include <utility>

namespace sql::exec {
namespace {

using Clock = Deadline::Clock;
using namespace std::chrono_literals;

constexpr auto kLookInterval = 20ms;
constexpr int kIdleLooksMax = 50;  // then it sleeps until somebody arms
// A stop sent before the statement reached the database hits nothing.
constexpr auto kStopAgainAfter = 500ms;
// Time for a stop to arrive and for the database to roll back what it stopped.
constexpr auto kCutAfter = 400ms;
constexpr std::size_t kStopsMax = 8;  // threads; a database that hangs takes one at most

// States of Watched::stop_at_.
constexpr std::int64_t kDisarmed = 0;
constexpr std::int64_t kStopped = -1;

std::int64_t encoded(Clock::time_point at, Watched::Means means) {
    const auto count = std::chrono::duration_cast<std::chrono::nanoseconds>(at.time_since_epoch()).count();
    const std::int64_t even = std::max<std::int64_t>(count, 2) & ~std::int64_t{1};
    return means == Watched::Means::stop_and_sever ? even | 1 : even;
}

Clock::time_point time_of(std::int64_t code) {
    return Clock::time_point(std::chrono::duration_cast<Clock::duration>(std::chrono::nanoseconds(code)));
}

}  // namespace

Watched::Watched(std::shared_ptr<Watchdog> watchdog, std::shared_ptr<Stopper> stopper, std::uint64_t connection_id, int socket)
    : watchdog_(std::move(watchdog)), stopper_(std::move(stopper)), connection_id_(connection_id), socket_(socket) {
    watchdog_->enter(*this);
}

Watched::~Watched() {
    watchdog_->leave(*this);
}

void Watched::arm(Deadline deadline, Means means) {
    // Both in one total order with the watchdog's own two: it sees the time, or we see that it sleeps.
    stop_at_.store(encoded(deadline.at(), means), std::memory_order_seq_cst);
    if (watchdog_->is_asleep_.load(std::memory_order_seq_cst)) {
        watchdog_->wake();
    }
}

void Watched::disarm() {
    if (stop_at_.exchange(kDisarmed, std::memory_order_acq_rel) == kStopped) {
        is_stopped_ = true;
    }
}

Watchdog::~Watchdog() {
    {
        const std::lock_guard lock(mutex_);
        is_ending_ = true;
        changed_.notify_all();
    }
    if (thread_.joinable()) {
        thread_.join();
    }
    for (Stop& stop : stops_under_way_) {
        stop.thread.join();
    }
}

void Watchdog::enter(Watched& watched) {
    const std::lock_guard lock(mutex_);
    watched.place_ = watched_.size();
    watched_.push_back(&watched);
}

void Watchdog::leave(Watched& watched) {
    const std::lock_guard lock(mutex_);
    watched_.back()->place_ = watched.place_;
    watched_[watched.place_] = watched_.back();
    watched_.pop_back();
}

void Watchdog::wake() {
    const std::lock_guard lock(mutex_);
    if (!is_asleep_.exchange(false)) {
        return;
    }
    if (!thread_.joinable()) {
        thread_ = std::thread([this] { run(); });
    }
    changed_.notify_all();
}

void Watchdog::run() {
    std::unique_lock lock(mutex_);
    int idle_looks = 0;
    while (!is_ending_) {
        idle_looks = look(Clock::now()) ? 0 : idle_looks + 1;
        join_done();
        if (idle_looks < kIdleLooksMax) {
            changed_.wait_for(lock, kLookInterval, [this] { return is_ending_; });
            continue;
        }
        idle_looks = 0;
        is_asleep_.store(true, std::memory_order_seq_cst);
        if (is_anything_armed()) {
            is_asleep_.store(false);
            continue;
        }
        changed_.wait(lock, [this] { return is_ending_ || !is_asleep_.load(); });
    }
}

bool Watchdog::is_anything_armed() const {
    return std::any_of(watched_.begin(), watched_.end(), [](const Watched* watched) {
        return watched->stop_at_.load(std::memory_order_seq_cst) != kDisarmed;
    });
}

// True when anything is armed.
bool Watchdog::look(Clock::time_point now) {
    bool is_any = !stops_under_way_.empty();
    new_stops_.clear();
    for (Watched* watched : watched_) {
        std::int64_t code = watched->stop_at_.load(std::memory_order_acquire);
        if (code == kDisarmed) {
            continue;
        }
        is_any = true;
        if (code != kStopped) {
            if (now < time_of(code)) {
                continue;
            }
            // From here on its holder knows that the connection must go; if the statement ended before, nothing is sent.
            if (!watched->stop_at_.compare_exchange_strong(code, kStopped, std::memory_order_acq_rel)) {
                continue;
            }
            watched->expired_at_ = time_of(code);
            watched->may_stop_ = (code & 1) != 0;
            watched->stop_again_at_ = now;
        }
        if (watched->may_stop_ && now >= watched->stop_again_at_) {
            stop(*watched, now);
        }
        if (!watched->is_cut_ && watched->socket_ >= 0 && now >= watched->expired_at_ + (watched->may_stop_ ? kCutAfter : 0ms)) {
            ::shutdown(watched->socket_, SHUT_RDWR);
            watched->is_cut_ = true;
        }
    }
    for (Stop* stop : new_stops_) {
        try {
            stop->thread = std::thread([stop] {
                stop->stopper->stop(stop->connection_ids);
                stop->is_done.store(true, std::memory_order_release);
            });
        } catch (const std::system_error&) {
            // No thread to be had: tried again at kStopAgainAfter.
            stops_under_way_.remove_if([stop](const Stop& other) { return &other == stop; });
        }
    }
    return is_any;
}

void Watchdog::stop(Watched& watched, Clock::time_point now) {
    auto known = std::find_if(new_stops_.begin(), new_stops_.end(),
                              [&](const Stop* stop) { return stop->stopper == watched.stopper_; });
    if (known == new_stops_.end()) {
        if (!is_free(*watched.stopper_)) {
            return;  // at the next look
        }
        Stop& stop = stops_under_way_.emplace_back();
        stop.stopper = watched.stopper_;
        known = new_stops_.insert(new_stops_.end(), &stop);
    }
    (*known)->connection_ids.push_back(watched.connection_id_);
    watched.stop_again_at_ = now + kStopAgainAfter;
    stops_.fetch_add(1, std::memory_order_relaxed);
}

bool Watchdog::is_free(const Stopper& stopper) const {
    return stops_under_way_.size() < kStopsMax &&
           std::none_of(stops_under_way_.begin(), stops_under_way_.end(),
                        [&](const Stop& stop) { return stop.stopper.get() == &stopper; });
}

void Watchdog::join_done() {
    stops_under_way_.remove_if([](Stop& stop) {
        if (!stop.is_done.load(std::memory_order_acquire)) {
            return false;
        }
        stop.thread.join();
        return true;
    });
}

}  // namespace sql::exec
