#include "gateway/grant_watch.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <utility>

#include <fmt/format.h>

namespace gateway {
namespace {

// For one database; connecting and each statement have their own, shorter ones.
constexpr std::chrono::seconds kTimeMax{20};
constexpr std::size_t kAtOnce = 8;

struct Place {
    const tenants::Org* org;
    const tenants::RegisteredDatabase* database;
};

std::vector<Place> places_to_check(const tenants::Org& org) {
    std::vector<Place> places;
    for (const tenants::Project& project : org.projects) {
        for (const tenants::Space& space : project.spaces) {
            for (const tenants::RegisteredDatabase& database : space.databases) {
                if (tenants::has_grants_to_check(database)) places.push_back({&org, &database});
            }
        }
    }
    return places;
}

tenants::GrantFindings check(const Place& place) {
    auto findings = tenants::check_grants(*place.database, place.org->file, sql::exec::Deadline::after(kTimeMax));
    if (!findings.unreached.empty()) {
        findings.unreached = fmt::format("{}: database {}/{} cannot be asked whether its grants fit: {}", place.org->file, place.database->type,
                                         place.database->name, findings.unreached);
    }
    return findings;
}

}  // namespace

GrantWatch::GrantWatch(const CurrentSnapshot& current, observe::Log& log) : current_(current), log_(log), thread_([this] { run(); }) {}

GrantWatch::~GrantWatch() {
    {
        const std::lock_guard lock(mutex_);
        is_stopping_ = true;
    }
    wake_.notify_all();
    thread_.join();
}

void GrantWatch::look() {
    {
        const std::lock_guard lock(mutex_);
        is_asked_ = true;
    }
    wake_.notify_all();
}

bool GrantWatch::is_stopping() {
    const std::lock_guard lock(mutex_);
    return is_stopping_;
}

void GrantWatch::run() {
    for (;;) {
        bool is_asked = false;
        {
            std::unique_lock lock(mutex_);
            wake_.wait(lock, [this] { return is_asked_ || is_stopping_ || !waiting_.empty(); });
            if (is_stopping_) return;
            is_asked = std::exchange(is_asked_, false);
        }
        try {
            if (is_asked) find_new();
            check_next();
            if (waiting_.empty() && found_.databases != 0) log_.write(std::exchange(found_, {}));
        } catch (const std::exception& exception) {
            log_.write(observe::Failed{std::string("grants could not be checked: ") + exception.what()});
        }
    }
}

void GrantWatch::find_new() {
    std::set<OrgRef, std::owner_less<OrgRef>> all;
    const CurrentSnapshot::Pin snapshot = current_.pin();
    for (const std::shared_ptr<const tenants::Org>& org : snapshot->registry.orgs()) {
        if (places_to_check(*org).empty()) continue;
        if (!known_.contains(org)) waiting_.push_back(org);
        all.insert(org);
    }
    known_ = std::move(all);
}

void GrantWatch::check_next() {
    if (waiting_.empty()) return;
    const std::shared_ptr<const tenants::Org> org = waiting_.back().lock();
    waiting_.pop_back();
    if (org == nullptr) return;
    for (const Place& place : places_to_check(*org)) {
        if (is_stopping()) return;
        const tenants::GrantFindings findings = check(place);
        for (const std::string& what : findings.wrong) log_.write(observe::GrantUnfit{org->file, what});
        if (!findings.unreached.empty()) log_.write(observe::GrantsUnchecked{org->file, findings.unreached});
        ++found_.databases;
        found_.unfit += findings.wrong.size();
        found_.unreached += findings.unreached.empty() ? 0 : 1;
    }
}

std::vector<tenants::GrantFindings> check_all_grants(const tenants::Registry& registry) {
    std::vector<Place> places;
    for (const auto& org : registry.orgs()) {
        for (const Place& place : places_to_check(*org)) places.push_back(place);
    }
    std::vector<tenants::GrantFindings> findings(places.size());
    std::atomic<std::size_t> next{0};
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < std::min(kAtOnce, places.size()); ++i) {
        threads.emplace_back([&] {
            for (std::size_t at = next++; at < places.size(); at = next++) findings[at] = check(places[at]);
        });
    }
    for (std::thread& thread : threads) thread.join();
    return findings;
}

}  // namespace gateway
