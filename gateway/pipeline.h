// READ FIRST: request to response, in one function. Everything above `execute` is pure; a connection comes last.
#pragma once

#include <memory>

#include "gateway/auth/api_keys.h"
#include "gateway/auth/headers.h"
#include "gateway/auth/identity.h"
#include "gateway/config/config.h"
#include "gateway/http/message.h"
#include "gateway/observe/event.h"
#include "gateway/tenants/registry.h"

namespace gateway {

// What one request sees of the world: immutable, swapped whole.
struct Snapshot {
    config::Config config;
    auth::TrustedProxies trusted;
    tenants::Registry registry;
    std::shared_ptr<auth::Identity> identity = nullptr;  // null: the X- headers of trusted peers alone
    std::shared_ptr<auth::ApiKeys> api_keys = nullptr;  // null: not a mode
};

// The answer, complete but for X-Request-Id and the other headers that every answer bears. `event` is filled for log and metrics.
// Of `request` only the body is taken: the rest stays, for `event` looks into it. Never throws but for our own bugs and bad_alloc; thread safe.
[[nodiscard]] http::Response answer(http::Request&& request, const Snapshot& snapshot, observe::RequestServed& event);

[[nodiscard]] inline observe::DatabaseSystem system_of(const tenants::RegisteredDatabase& database) {
    return database.type == "ms" ? observe::DatabaseSystem::mariadb : observe::DatabaseSystem::sqlite;
}

}  // namespace gateway
