#include "gateway/http/crew.h"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "gateway/http/blocking.h"

namespace gateway::http {

thread_local Crew::Worker* Crew::current_ = nullptr;

Blocking::Blocking() {
    if (Crew::Worker* const worker = Crew::current_; worker != nullptr) {
        worker->crew.leave_seat(*worker);
    }
}

Blocking::~Blocking() {
    // Without a free seat the thread ends its request all the same, and waits for one before the next.
    if (Crew::Worker* const worker = Crew::current_; worker != nullptr && worker->crew.take_seat()) {
        worker->busy_since.store(Crew::Clock::now().time_since_epoch().count(), std::memory_order_relaxed);
        worker->is_seated.store(true, std::memory_order_release);
    }
}

Crew::Crew(int epoll, std::size_t seats, std::size_t threads_max, OnEvent on_event)
    : epoll_(epoll), seats_(std::min(seats, threads_max)), threads_max_(threads_max), on_event_(std::move(on_event)) {
    workers_.reserve(threads_max_);
    spare_.reserve(threads_max_);
}

Crew::~Crew() = default;

void Crew::start() {
    while (take_seat()) {
        const std::lock_guard lock(mutex_);
        hire();
    }
}

void Crew::stop() {
    {
        const std::lock_guard lock(mutex_);
        is_stopping_.store(true, std::memory_order_release);
        for (Worker* const worker : spare_) {
            worker->called.notify_one();
        }
    }
    // Nobody is hired any more.
    for (const auto& worker : workers_) {
        worker->thread.join();
    }
}

bool Crew::take_seat() {
    std::size_t seen = seated_.load(std::memory_order_acquire);
    while (seen < seats_) {
        if (seated_.compare_exchange_weak(seen, seen + 1, std::memory_order_acq_rel, std::memory_order_acquire)) {
            return true;
        }
    }
    return false;
}

void Crew::leave_seat(Worker& worker) {
    if (worker.is_seated.exchange(false, std::memory_order_acq_rel)) {
        seated_.fetch_sub(1, std::memory_order_acq_rel);
        call_in();
    }
}

void Crew::call_in() {
    if (polling_.load(std::memory_order_acquire) != 0 || !take_seat()) {
        return;
    }
    const std::lock_guard lock(mutex_);
    if (!is_stopping_.load(std::memory_order_relaxed)) {
        if (!spare_.empty()) {
            Worker* const worker = spare_.back();
            spare_.pop_back();
            worker->is_called = true;
            worker->called.notify_one();
            return;
        }
        if (workers_.size() < threads_max_) {
            try {
                hire();
                return;
            } catch (const std::system_error&) {
                // No thread to be had: those that there are take the seat when they come back.
            }
        }
    }
    seated_.fetch_sub(1, std::memory_order_acq_rel);
}

// With the mutex held, and a seat taken for the new one.
void Crew::hire() {
    auto worker = std::make_unique<Worker>(*this);
    worker->thread = std::thread([this, hired = worker.get()] { work(*hired); });
    workers_.push_back(std::move(worker));
    thread_count_.fetch_add(1, std::memory_order_relaxed);
}

bool Crew::await_seat(Worker& worker) {
    std::unique_lock lock(mutex_);
    if (!is_stopping_.load(std::memory_order_relaxed) && !take_seat()) {
        worker.is_called = false;
        spare_.push_back(&worker);
        worker.called.wait(lock, [&] { return worker.is_called || is_stopping_.load(std::memory_order_relaxed); });
    }
    worker.is_seated.store(true, std::memory_order_release);
    return !is_stopping_.load(std::memory_order_relaxed);
}

void Crew::work(Worker& worker) {
    current_ = &worker;
    // A batch thread does not interrupt who wakes it: clients and database finish what they are at, and answers come in heaps
    // instead of one by one. Where it is not allowed, nothing is lost but that.
    const sched_param priority{};
    static_cast<void>(::pthread_setschedparam(::pthread_self(), SCHED_BATCH, &priority));
    while (!is_stopping_.load(std::memory_order_acquire)) {
        if (!worker.is_seated.load(std::memory_order_acquire) && !await_seat(worker)) {
            return;
        }
        epoll_event event{};
        polling_.fetch_add(1, std::memory_order_acq_rel);
        const int count = ::epoll_wait(epoll_, &event, 1, -1);
        polling_.fetch_sub(1, std::memory_order_acq_rel);
        if (count != 1) {
            continue;  // a signal
        }
        if (seated_.load(std::memory_order_relaxed) < seats_) {
            call_in();
        }
        worker.busy_since.store(Clock::now().time_since_epoch().count(), std::memory_order_relaxed);
        on_event_(event);
        worker.busy_since.store(0, std::memory_order_relaxed);
        worker.served.store(worker.served.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    }
}

void Crew::reclaim_seats(std::chrono::milliseconds time) {
    const Clock::rep before = (Clock::now() - time).time_since_epoch().count();
    std::size_t reclaimed = 0;
    {
        const std::lock_guard lock(mutex_);
        for (const auto& worker : workers_) {
            const Clock::rep since = worker->busy_since.load(std::memory_order_relaxed);
            if (since != 0 && since < before && worker->is_seated.exchange(false, std::memory_order_acq_rel)) {
                seated_.fetch_sub(1, std::memory_order_acq_rel);
                ++reclaimed;
            }
        }
    }
    for (; reclaimed > 0; --reclaimed) {
        call_in();
    }
}

bool Crew::is_busy() const {
    const std::lock_guard lock(mutex_);
    return std::any_of(workers_.begin(), workers_.end(),
                       [](const auto& worker) { return worker->busy_since.load(std::memory_order_relaxed) != 0; });
}

std::uint64_t Crew::served() const {
    const std::lock_guard lock(mutex_);
    std::uint64_t sum = 0;
    for (const auto& worker : workers_) {
        sum += worker->served.load(std::memory_order_relaxed);
    }
    return sum;
}

bool Crew::is_exhausted() const {
    return polling_.load(std::memory_order_acquire) == 0;
}

}  // namespace gateway::http
