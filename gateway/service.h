// Each request into one answer, one line of the log and one count in the metrics; what the front refuses by itself, too. Adds the
// headers that every answer bears. Owns no socket. Called by the front's threads, wired up by app.
#pragma once

#include <string>

#include "gateway/cors.h"
#include "gateway/current_snapshot.h"
#include "gateway/health.h"
#include "gateway/http/message.h"
#include "gateway/http/server.h"
#include "gateway/observe/audit.h"
#include "gateway/observe/event.h"
#include "gateway/observe/log.h"
#include "gateway/observe/metrics.h"
#include "gateway/pipeline.h"

namespace gateway {

// Thread safe. What it is given must outlive it.
class Service {
public:
    // `audit` may be null: no audit log.
    Service(const CurrentSnapshot& current, Health& health, observe::Log& log, observe::Metrics& metrics, observe::Audit* audit = nullptr)
        : current_(current), health_(health), log_(log), metrics_(metrics), audit_(audit) {}

    [[nodiscard]] http::Response serve(http::Request&& request);
    // The answer to what never became a request.
    [[nodiscard]] http::Response refuse(const http::Refusal& refusal);

private:
    void finish(http::Response& response, observe::RequestServed& event, std::chrono::steady_clock::time_point received);

    const CurrentSnapshot& current_;
    Health& health_;
    observe::Log& log_;
    observe::Metrics& metrics_;
    observe::Audit* audit_;
};

// The caller's id when it sent one that is well formed, else a new one.
[[nodiscard]] std::string request_id_of(const http::Request& request);
[[nodiscard]] std::string new_request_id();

// What every answer bears, whoever made it.
void add_common_headers(http::Response& response, std::string request_id);

}  // namespace gateway
