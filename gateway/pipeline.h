// READ FIRST: request to response, in one function. Everything above `execute` is pure; a connection comes last.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "gateway/auth/api_keys.h"
#include "gateway/auth/headers.h"
#include "gateway/auth/identity.h"
#include "gateway/config/config.h"
#include "gateway/error.h"
#include "gateway/http/message.h"
#include "gateway/observe/event.h"
#include "gateway/preview/token_key.h"
#include "gateway/tenants/registry.h"
#include "sql/plan/policy.h"
#include "sql/render/program.h"

namespace gateway {

// A number that no other object of the process has or had; a copy has one of its own, for it may be about to be changed.
class Serial {
public:
    Serial() : number_(last_.fetch_add(1, std::memory_order_relaxed) + 1) {}
    Serial(const Serial&) : Serial() {}
    Serial& operator=(const Serial&) {
        number_ = Serial().number_;
        return *this;
    }
    ~Serial() = default;
    [[nodiscard]] std::uint64_t number() const { return number_; }

private:
    static inline std::atomic<std::uint64_t> last_{0};
    std::uint64_t number_;
};

// What one request sees of the world: immutable, swapped whole.
struct Snapshot {
    config::Config config;
    auth::TrustedProxies trusted;
    tenants::Registry registry;
    std::shared_ptr<auth::Identity> identity = nullptr;  // null: the X- headers of trusted peers alone
    std::shared_ptr<auth::ApiKeys> api_keys = nullptr;  // null: not a mode
    std::shared_ptr<const preview::TokenKey> token_key = nullptr;  // never null in a gateway that serves
    Serial serial = {};  // what was found out in one snapshot is not taken for what another says
};

// A request that is looked at and not carried out: what the stages found before one of them refused it, or all let it pass.
struct Trial {
    auth::Subject subject;   // given: who asks
    bool is_clear = false;   // given: bind as if no grant hid a column, to learn what it would be; the guard refuses it then
    tenants::Verb verb = tenants::Verb::get;
    std::vector<std::string> segments;  // of the path: org, project, type, database, table
    const tenants::RegisteredDatabase* database = nullptr;
    schemas::TablePtr table;
    std::optional<sql::plan::Policy> policy;
    std::optional<sql::plan::Plan> bound;
    std::optional<sql::plan::GuardedPlan> guarded;
    std::optional<sql::render::Program> program;

    http::Response keep(sql::plan::GuardedPlan plan, const sql::render::Program& what_would_run) {
        guarded = std::move(plan);
        program = what_would_run;
        return {};
    }
};

// Goes through every stage of `answer` but the identity, with the trial's subject, and stops where the database would be asked to
// do something: it only says what its tables are like. The answer is empty then; the list of tables is one as it is.
[[nodiscard]] tl::expected<http::Response, Problem> try_out(http::Request&& request, const Snapshot& snapshot, Trial& trial);

// The answer, complete but for X-Request-Id and the other headers that every answer bears. `event` is filled for log and metrics.
// Of `request` only the body is taken: the rest stays, for `event` looks into it. Never throws but for our own bugs and bad_alloc; thread safe.
[[nodiscard]] http::Response answer(http::Request&& request, const Snapshot& snapshot, observe::RequestServed& event);

[[nodiscard]] inline observe::DatabaseSystem system_of(const tenants::RegisteredDatabase& database) {
    return database.type == "ms" ? observe::DatabaseSystem::mariadb : observe::DatabaseSystem::sqlite;
}

}  // namespace gateway
