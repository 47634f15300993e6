// Reads that come again with another number, `…?id=eq.7` and then `…?id=eq.8`: everything that the stages found out about the first, and
// the statement, serve for the second. A request is of the kind of another when it differs from it in nothing but those digits and its
// X-Request-Id: same peer, same headers, same address, same snapshot, and the table's definition is the one it was bound to. What was
// found is a function of these alone, so that no stage could find anything else. Each worker has its own. Used by the pipeline.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/stage.h"

namespace gateway {

struct Prepared {
    Findings found;  // the target's views are empty, for they were of a request that has gone; and so is what bind and the guard needed
    ReadRun run;
};

// For one thread.
class PreparedReads {
public:
    static constexpr unsigned kSlotBits = 4;

    // What a read of this kind found, its statement with this request's number; null when there is nothing, and the stages have to look.
    // Valid until the next call.
    [[nodiscard]] Prepared* find(const http::Request& request, const Snapshot& snapshot);
    // Of the request that `find` was asked for last: whether one of its kind came before, so that `keep` is to be called if it goes well.
    [[nodiscard]] bool is_wanted() const { return slot_ != nullptr && is_known_; }
    // What the stages made of it.
    void keep(Findings&& found, ReadRun&& run, const Snapshot& snapshot);
    // That it went well and was not kept. What is refused is never remembered.
    void note(const http::Request& request);

private:
    // The last request of this hash, and what was made of it.
    struct Slot {
        std::string before;  // the target up to the number
        std::string after;
        std::string peer;
        std::vector<http::Header> headers;
        std::uint64_t serial = 0;  // of the snapshot
        std::unique_ptr<Prepared> prepared;
    };

    [[nodiscard]] static bool is_like(const Slot& slot, const http::Request& request, std::string_view before, std::string_view after);

    std::array<Slot, std::size_t{1} << kSlotBits> slots_;  // some kilobytes each, once it has something
    Slot* slot_ = nullptr;  // of the last request; null: it is nothing for us
    bool is_known_ = false;  // the slot has its key
};

// This thread's.
[[nodiscard]] PreparedReads& prepared_reads();

// The read as it may be run again, or nothing: its only condition must be that an integer column equals the number that the target holds,
// and this the only value of its statement.
[[nodiscard]] std::optional<ReadRun> repeatable_run(const http::Request& request, const sql::plan::Intent& intent,
                                                    const sql::plan::GuardedPlan& plan, const sql::render::Program& program);

}  // namespace gateway
