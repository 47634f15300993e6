// Keeps the tenants up to date while the gateway serves: a thread that reads their folder again when a file changed or somebody asks,
// and publishes what came of it; who asks has the key of preview tokens read again too. It also closes database connections that nobody uses. Settings are not read again. Owned by app.
#pragma once

#include <atomic>
#include <chrono>
#include <string>
#include <thread>

#include "gateway/current_snapshot.h"
#include "gateway/grant_watch.h"
#include "gateway/observe/log.h"
#include "gateway/tenants/folder.h"
#include "gateway/tenants/folder_watch.h"
#include "sql/exec/budget.h"

namespace gateway {

class Reloader {
public:
    // Everything given must outlive it. Its thread runs at once; `folder` was read once.
    Reloader(tenants::Folder& folder, sql::exec::Budget& budget, CurrentSnapshot& current, GrantWatch& grants, observe::Log& log);
    ~Reloader();
    Reloader(const Reloader&) = delete;
    Reloader& operator=(const Reloader&) = delete;

    // All files anew, with what they name. Returns at once. Safe from any thread.
    void reload();

    // What a reading had to tell, as lines of the log.
    static void tell(const tenants::Folder::Reading& reading, std::chrono::microseconds duration, observe::Log& log);

private:
    using Clock = std::chrono::steady_clock;

    void run();
    // Waits for something to do; true when something was seen.
    bool wait(tenants::FolderWatch::Seen& seen);
    void read(tenants::Folder::Scope scope, const std::set<std::string>& named);
    void read_token_key();
    void tidy();

    tenants::Folder& folder_;
    sql::exec::Budget& budget_;
    CurrentSnapshot& current_;
    GrantWatch& grants_;
    observe::Log& log_;
    tenants::FolderWatch watch_;
    std::atomic<bool> is_stopping_{false};
    std::atomic<bool> is_asked_{false};
    int wake_ = -1;  // an eventfd
    std::string unreadable_;  // why the folder could not be read, so that it is said once
    Clock::time_point swept_;
    Clock::time_point looked_;  // at a folder that cannot be watched
    bool is_much_replaced_ = false;
    bool has_retired_ = false;  // old snapshots wait for their last request
    std::thread thread_;
};

}  // namespace gateway
