// The tables of one database as far as they were asked for: immutable entries, loaded on first use, single flight.
// Reads may lag by `lifetime`; writes prove themselves (see execute). Thread safe.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "schemas/catalog.h"
#include "sql/exec/pool.h"

namespace sql::exec {

struct CatalogOptions {
    std::chrono::milliseconds lifetime{5000};        // an entry older than this is loaded again before use
    std::chrono::milliseconds miss_interval{1000};   // an unknown name is looked for at most this often
    std::size_t misses_max = 5000;                   // remembered unknown names
};

class CatalogCache {
public:
    CatalogCache(Pool& pool, CatalogOptions options) : pool_(pool), options_(options) {}

    // Each fails as the pool and the connection do, or with busy when a load by another caller did not end in time. A load that
    // failed is not remembered; all who waited for it get its error.

    // The table of exactly this name; a null pointer when the database has none.
    [[nodiscard]] DbResult<schemas::TablePtr> find(std::string_view table, Deadline deadline);

    // True when `find` would give this very table without asking the database.
    [[nodiscard]] bool has(std::string_view table, const schemas::TablePtr& known);

    // `stale` was found not to hold any more: load the table again unless somebody already has.
    [[nodiscard]] DbResult<schemas::TablePtr> reload(const schemas::TablePtr& stale, std::string_view table, Deadline deadline);

    // A column was asked for that the entry does not have: load again, but at most once in `miss_interval` a table.
    // Answers the same pointer when it was loaded too recently.
    [[nodiscard]] DbResult<schemas::TablePtr> reload_for_miss(const schemas::TablePtr& known, std::string_view table,
                                                              Deadline deadline);

private:
    // One load that several callers wait for.
    struct Flight {
        std::optional<DbResult<schemas::TablePtr>> result;
    };
    struct Entry {
        schemas::TablePtr table;  // null: there is no such table
        Deadline::Clock::time_point loaded;
        Deadline::Clock::time_point missed{};  // the last load for a miss
        bool is_loaded = false;
        std::shared_ptr<Flight> flight;  // while somebody loads it
    };
    enum class Thoroughness {
        by_version,  // an entry whose settled version still holds is good for another lifetime
        whole,
    };

    [[nodiscard]] DbResult<schemas::TablePtr> load(std::string_view table, Deadline deadline, Thoroughness thoroughness,
                                                   const std::function<bool(const Entry&)>& is_good);
    [[nodiscard]] DbResult<schemas::TablePtr> read(std::string_view table, const schemas::TablePtr& known, Deadline deadline);
    void land(const std::string& name, const std::shared_ptr<Flight>& flight, DbResult<schemas::TablePtr> result);
    void forget_old_misses(Deadline::Clock::time_point now);
    [[nodiscard]] bool is_fresh(const Entry& entry) const;

    Pool& pool_;
    const CatalogOptions options_;
    std::mutex mutex_;
    std::condition_variable loaded_;
    std::map<std::string, Entry, std::less<>> entries_;
    std::size_t miss_count_ = 0;  // entries that are loaded and null
    Deadline::Clock::time_point next_sweep_{};
};

}  // namespace sql::exec
