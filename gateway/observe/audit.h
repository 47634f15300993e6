// The audit log: who asked for which write, and what became of it, each as one JSON line. It is a file of its own, beside the log of
// every request, and is written the same way: from memory, by a thread, in order. It knows no grant and no SQL. Owned by app,
// written by service for each write whose caller is known.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "gateway/observe/event.h"
#include "gateway/observe/log_writer.h"

namespace gateway::observe {

// Thread safe.
class Audit {
public:
    using OnReopenFailed = LogWriter::OnReopenFailed;

    // `path` "-" is standard output, "" is nowhere. Throws std::runtime_error with the reason when the file cannot be opened.
    Audit(const std::string& path, OnReopenFailed on_reopen_failed);
    // Writes what is left, as far as the file takes it within two seconds.
    ~Audit();
    Audit(const Audit&) = delete;
    Audit& operator=(const Audit&) = delete;

    // Nothing for a request that has no `write`. The line is in memory when this returns, and in the file as soon as its thread
    // comes to it.
    void write(const RequestServed& event);
    // Closes the file and opens the one that has its path now, soon.
    void reopen();
    [[nodiscard]] LogStats stats() const;

private:
    std::unique_ptr<LogWriter> writer_;  // null: nowhere
};

}  // namespace gateway::observe
