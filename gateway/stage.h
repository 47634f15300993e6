// What the stages of a request share: the Context that goes from one to the next, what a stage gives (a value, or the Problem that
// ends the request), and the ways to refuse. No stage is here: the pipeline and those whom it calls include it, nobody else.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tl/expected.hpp>

#include "gateway/error.h"
#include "gateway/fairness/admit.h"
#include "gateway/pipeline.h"
#include "gateway/request/target.h"
#include "gateway/respond/json.h"
#include "sql/plan/intent.h"

namespace gateway {

template <typename T>
using Outcome = tl::expected<T, Problem>;

// Cold: what refuses is kept apart from the way of a request that is served, which so fits better into the processor's caches.
[[nodiscard, gnu::cold]] inline tl::unexpected<Problem> fail(Problem problem) { return tl::unexpected<Problem>(std::move(problem)); }
template <typename Error>
[[nodiscard, gnu::cold]] tl::unexpected<Problem> fail(const Error& error) {
    return tl::unexpected<Problem>(to_problem(error));
}
[[nodiscard, gnu::cold]] tl::unexpected<Problem> refuse(Code code, std::string detail, std::string hint = {});
// 405, with what is allowed.
[[nodiscard, gnu::cold]] tl::unexpected<Problem> refuse_method(std::string detail, std::string allow);

enum class Method { get, head, post, put, patch, erase, options };

[[nodiscard]] std::optional<Method> parse_method(std::string_view method);
[[nodiscard]] tenants::Verb verb_of(Method method);
[[nodiscard]] sql::plan::Verb plan_verb(Method method);

// What stands behind the table in the path, and the verb with it: `{key}` names one row, `bulk-delete` is a DELETE that comes as POST.
enum class Address { rows, row, bulk_delete };
constexpr std::string_view kBulkDelete = "bulk-delete";

// What the stages find out about a request before the database is asked: the same for the same request in the same snapshot.
struct Findings {
    Method method = Method::get;  // of a bulk delete: erase
    request::Target target;
    Address address = Address::rows;
    auth::Subject subject;
    const tenants::Space* space = nullptr;  // never null from the database on
    const tenants::RegisteredDatabase* database = nullptr;
    respond::Numbers numbers = respond::Numbers::native;
    std::optional<std::vector<sql::plan::Terms>> terms;  // of the caller's grants on the table; nothing: the whole table
    std::optional<sql::plan::Policy> policy;  // the terms, bound to the table
    std::optional<sql::plan::Policy> readers;  // what they say of reading, for the rows that a write gives back; nothing: everything
};

// A read as it was run: what can be run again for the next request of the kind (see prepared.h).
struct ReadRun {
    sql::plan::GuardedPlan plan;
    sql::render::Program program;
    std::size_t column = 0;  // of the only condition
};

// Everything that one request carries from stage to stage. The findings stand elsewhere, for they may outlive it.
struct Context {
    Context(http::Request& asked, const Snapshot& world, observe::RequestServed& served, sql::exec::Deadline latest, Findings& found)
        : request(asked),
          snapshot(world),
          event(served),
          deadline(latest),
          method(found.method),
          target(found.target),
          address(found.address),
          subject(found.subject),
          space(found.space),
          database(found.database),
          numbers(found.numbers),
          terms(found.terms),
          policy(found.policy),
          readers(found.readers) {}

    http::Request& request;
    const Snapshot& snapshot;
    observe::RequestServed& event;
    sql::exec::Deadline deadline;
    Method& method;
    request::Target& target;
    Address& address;
    auth::Subject& subject;
    const tenants::Space*& space;
    const tenants::RegisteredDatabase*& database;
    respond::Numbers& numbers;
    std::optional<std::vector<sql::plan::Terms>>& terms;
    std::optional<sql::plan::Policy>& policy;
    std::optional<sql::plan::Policy>& readers;
    fairness::Admission* admission = nullptr;  // null: the request is admitted
    std::optional<ReadRun>* kept = nullptr;    // null: nobody wants the read that is run
    Trial* trial = nullptr;  // null: the request is carried out
};

constexpr std::size_t kDatabaseSegments = 4;  // org, project, type, database

}  // namespace gateway
