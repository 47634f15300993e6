#include "sql/exec/catalog_cache.h"

#include <utility>

namespace sql::exec {

using schemas::TablePtr;
using Clock = Deadline::Clock;

DbResult<TablePtr> CatalogCache::find(std::string_view table, Deadline deadline) {
    return load(table, deadline, Thoroughness::by_version, [this](const Entry& entry) { return is_fresh(entry); });
}

bool CatalogCache::has(std::string_view table, const TablePtr& known) {
    const std::lock_guard lock(mutex_);
    const auto place = entries_.find(table);
    return place != entries_.end() && place->second.is_loaded && place->second.table == known && is_fresh(place->second);
}

DbResult<TablePtr> CatalogCache::reload(const TablePtr& stale, std::string_view table, Deadline deadline) {
    return load(table, deadline, Thoroughness::whole,
                [&](const Entry& entry) { return entry.table != stale && is_fresh(entry); });
}

DbResult<TablePtr> CatalogCache::reload_for_miss(const TablePtr& known, std::string_view table, Deadline deadline) {
    // However new the entry is: what does not bind may be newer still. But a client that misses on purpose costs one load a second.
    const auto now = Clock::now();
    {
        const std::lock_guard lock(mutex_);
        const auto place = entries_.find(table);
        if (place != entries_.end() && place->second.is_loaded) {
            Entry& entry = place->second;
            if (now - entry.missed < options_.miss_interval) {
                return entry.table;
            }
            entry.missed = now;
        }
    }
    return load(table, deadline, Thoroughness::whole,
                [&](const Entry& entry) { return entry.table != known && is_fresh(entry); });
}

bool CatalogCache::is_fresh(const Entry& entry) const {
    return Clock::now() - entry.loaded < (entry.table ? options_.lifetime : options_.miss_interval);
}

DbResult<TablePtr> CatalogCache::load(std::string_view table, Deadline deadline, Thoroughness thoroughness,
                                      const std::function<bool(const Entry&)>& is_good) {
    std::unique_lock lock(mutex_);
    auto place = entries_.find(table);
    if (place == entries_.end()) {
        place = entries_.emplace(std::string(table), Entry{}).first;
    }
    Entry& entry = place->second;
    if (entry.is_loaded && is_good(entry)) {
        return entry.table;
    }
    if (const std::shared_ptr<Flight> flight = entry.flight) {
        // The entry may be gone when we wake; the flight stays.
        if (!loaded_.wait_until(lock, deadline.at(), [&] { return flight->result.has_value(); })) {
            return tl::unexpected(
                DbError{DbFault::busy, Fate::keep, {}, {}, "the table's definition was not read in time by another request"});
        }
        return *flight->result;
    }
    const auto flight = std::make_shared<Flight>();
    entry.flight = flight;
    const std::string& name = place->first;
    const TablePtr known = thoroughness == Thoroughness::by_version ? entry.table : nullptr;
    lock.unlock();

    // A load that ended by an exception must not leave its waiters to their deadlines.
    struct Landing {
        CatalogCache& cache;
        const std::string name;
        const std::shared_ptr<Flight>& flight;
        DbResult<TablePtr> result = tl::unexpected(DbError{DbFault::unknown, Fate::keep, {}, {}, "the load was given up"});
        ~Landing() { cache.land(name, flight, std::move(result)); }
    };
    {
        Landing landing{*this, name, flight};
        landing.result = read(table, known, deadline);
    }
    return *flight->result;
}

// Reads the table without the lock; `known` is what we had, or null.
DbResult<TablePtr> CatalogCache::read(std::string_view table, const TablePtr& known, Deadline deadline) {
    for (bool is_second = false;; is_second = true) {
        DbError error;
        {
            auto lease = pool_.lease(deadline, Purpose::read);
            if (!lease) {
                return tl::unexpected(std::move(lease.error()));
            }
            if (known && known->version.is_settled) {
                const auto token = (*lease)->version_token(table, deadline);
                if (token && *token == known->version.token) {
                    return known;
                }
            }
            auto raw = (*lease)->introspect(table, deadline);
            if (raw) {
                return *raw ? schemas::build(**raw) : nullptr;
            }
            error = as_read(std::move(raw.error()), deadline);
            if (error.fate == Fate::drop) {
                lease->poison();
            }
        }
        if (is_second || error.fault != DbFault::unavailable) {
            return tl::unexpected(std::move(error));
        }
        pool_.drop_idle();
    }
}

void CatalogCache::land(const std::string& name, const std::shared_ptr<Flight>& flight, DbResult<TablePtr> result) {
    const std::lock_guard lock(mutex_);
    flight->result = std::move(result);
    const auto place = entries_.find(name);
    Entry& entry = place->second;
    entry.flight.reset();
    if (entry.is_loaded && !entry.table) {
        --miss_count_;
    }
    if (*flight->result) {
        const auto now = Clock::now();
        entry.table = **flight->result;
        entry.loaded = now;
        entry.is_loaded = true;
        if (!entry.table) {
            ++miss_count_;
            if (miss_count_ > options_.misses_max && now >= next_sweep_) {
                next_sweep_ = now + options_.miss_interval;
                forget_old_misses(now);
            }
            if (miss_count_ > options_.misses_max) {
                --miss_count_;
                entries_.erase(place);
            }
        }
    } else if (!entry.is_loaded || !entry.table) {
        entries_.erase(place);
    }
    loaded_.notify_all();
}

void CatalogCache::forget_old_misses(Clock::time_point now) {
    miss_count_ -= std::erase_if(entries_, [&](const auto& named) {
        const Entry& entry = named.second;
        return entry.is_loaded && !entry.table && !entry.flight && now - entry.loaded > options_.miss_interval;
    });
}

}  // namespace sql::exec
