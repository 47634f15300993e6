// Is the gateway fit to serve: /livez and /readyz. Touches the required databases, at most a few times a second.
// Called by app for those two paths, before the pipeline.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>

#include "gateway/http/message.h"
#include "gateway/pipeline.h"

namespace gateway {

class Health {
public:
    // From now on /readyz is 503: the gateway is stopping.
    void start_draining() { is_draining_ = true; }

    // Operators alone may see the names of tenants: `/readyz?verbose` is for them.
    enum class Asker { client, operators };

    // The answer when `request` is for one of the two paths; nothing otherwise. `livez` never touches a database.
    // 503 when a database with `required = true` does not answer within a second. Thread safe.
    [[nodiscard]] std::optional<http::Response> answer(const http::Request& request, const Snapshot& snapshot, Asker asker,
                                                       observe::RequestServed& event);

private:
    [[nodiscard]] bool are_databases_up(const Snapshot& snapshot, std::string& internal);

    std::atomic<bool> is_draining_{false};
    std::mutex mutex_;
    std::chrono::steady_clock::time_point checked_;
    bool was_up_ = false;
    std::string internal_;
};

}  // namespace gateway
