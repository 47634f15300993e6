// The log: each event as one JSON line. It makes the lines; LogWriter brings them to the file a little later, from a thread of
// its own, so that nothing here waits for a disk. Owned by app, written by service from every worker.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "gateway/observe/event.h"
#include "gateway/observe/log_writer.h"

namespace gateway::observe {

// Thread safe. `path` "-" is standard output, "" is nowhere.
class Log {
public:
    static constexpr std::chrono::milliseconds kFlushAfter{100};

    // A line is in the file `flush_after` later at the latest, unless the file takes none. Throws std::runtime_error with the
    // reason when the file cannot be opened.
    explicit Log(const std::string& path, std::chrono::milliseconds flush_after = kFlushAfter);
    // Writes what is left, as far as the file takes it within two seconds.
    ~Log();
    Log(const Log&) = delete;
    Log& operator=(const Log&) = delete;

    void write(const RequestServed& event);
    void write(const Started& event);
    void write(const AdminStarted& event);
    void write(const Stopping& event);
    void write(const Failed& event);
    void write(const TenantsRead& event);
    void write(const TenantFileRefused& event);
    void write(const GrantUnfit& event);
    void write(const GrantsUnchecked& event);
    void write(const GrantsChecked& event);

    // Closes the file and opens the one that has its path now, soon. When that fails, the old one stays, and a Failed says why.
    void reopen();
    // From now on the lines that wait are written when the program aborts. For one log of a program.
    void write_on_abort();
    [[nodiscard]] LogStats stats() const;

private:
    std::unique_ptr<LogWriter> writer_;  // null: nowhere
};

}  // namespace gateway::observe
