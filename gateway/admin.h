// The operators' listener: /metrics, /livez and /readyz, nothing else, on an address of its own that clients cannot reach. Its
// requests are neither logged nor counted: they would drown the clients'. Owned by app.
#pragma once

#include "gateway/current_snapshot.h"
#include "gateway/health.h"
#include "gateway/http/message.h"
#include "gateway/http/server.h"
#include "gateway/observe/audit.h"
#include "gateway/observe/log.h"
#include "gateway/observe/metrics.h"
#include "gateway/pipeline.h"

namespace gateway {

// Thread safe. What it is given must outlive it.
class Admin {
public:
    Admin(const CurrentSnapshot& current, Health& health, const observe::Log& log, const observe::Audit& audit, const observe::Metrics& metrics,
          const http::Server& front)
        : current_(current), health_(health), log_(log), audit_(audit), metrics_(metrics), front_(front) {}

    [[nodiscard]] http::Response serve(http::Request&& request);
    [[nodiscard]] static http::Response refuse(const http::Refusal& refusal);

private:
    [[nodiscard]] http::Response answer(const http::Request& request, observe::RequestServed& unlogged);
    [[nodiscard]] observe::Readings read() const;

    const CurrentSnapshot& current_;
    Health& health_;
    const observe::Log& log_;
    const observe::Audit& audit_;
    const observe::Metrics& metrics_;
    const http::Server& front_;
};

// How the listener is to be opened: few threads, small limits.
[[nodiscard]] http::ServerOptions admin_options(const config::Config& config);

}  // namespace gateway
