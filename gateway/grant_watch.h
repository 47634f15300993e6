// The tenants' grants held against their databases while the gateway serves: a thread that looks at each org once when its file was
// taken, one database at a time, and says in the log what does not fit. No request waits for it, and nothing is refused by it.
// `rowgate tenants check` does the same for all at once. Owned by app; asked by Reloader.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "gateway/current_snapshot.h"
#include "gateway/observe/log.h"
#include "gateway/tenants/grant_check.h"

namespace gateway {

class GrantWatch {
public:
    // Everything given must outlive it. Its thread looks at once.
    GrantWatch(const CurrentSnapshot& current, observe::Log& log);
    // Waits for a look that is under way: as long as a connection or a statement takes at most.
    ~GrantWatch();
    GrantWatch(const GrantWatch&) = delete;
    GrantWatch& operator=(const GrantWatch&) = delete;

    // There is a new snapshot. Returns at once. Thread safe.
    void look();

private:
    using OrgRef = std::weak_ptr<const tenants::Org>;  // not to keep alive what a reload took away

    void run();
    void find_new();
    void check_next();
    [[nodiscard]] bool is_stopping();

    const CurrentSnapshot& current_;
    observe::Log& log_;
    std::set<OrgRef, std::owner_less<OrgRef>> known_;  // those of the last snapshot that have something to look at
    std::vector<OrgRef> waiting_;                      // the newest last, which comes first
    observe::GrantsChecked found_;                     // since the last time that none was waiting
    std::mutex mutex_;
    std::condition_variable wake_;
    bool is_asked_ = true;
    bool is_stopping_ = false;
    std::thread thread_;
};

// Each database's findings, in the order of the registry's orgs; several are asked at once. `unreached` says which database it was.
[[nodiscard]] std::vector<tenants::GrantFindings> check_all_grants(const tenants::Registry& registry);

}  // namespace gateway
