// The closed list of what happens here that somebody outside may want to know. It has two readers, Log and Metrics, and knows
// neither. Made by service, pipeline and app; texts are the request's own and are read before it ends.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gateway::observe {

// What a request was for, as a template: never the path itself.
enum class Route : std::uint8_t { none, livez, readyz, database, table, row, bulk_delete };

enum class DatabaseSystem : std::uint8_t { mariadb, sqlite };
enum class DatabaseOperation : std::uint8_t { select, insert, update, erase };

// One program run on a database for a request, its retries included.
struct DatabaseCalled {
    DatabaseSystem system = DatabaseSystem::mariadb;
    DatabaseOperation operation = DatabaseOperation::select;
    std::string_view code;  // of the problem that a failure is, static; empty when it went well
    std::chrono::microseconds duration{0};
};

// The calls of one request, in place: there is one, or a few where the table had changed.
class DatabaseCalls {
public:
    static constexpr std::size_t kMax = 8;  // what comes after is left out

    void add(const DatabaseCalled& call) {
        if (count_ < kMax) {
            calls_[count_++] = call;
        }
    }
    [[nodiscard]] const DatabaseCalled* begin() const { return calls_.data(); }
    [[nodiscard]] const DatabaseCalled* end() const { return calls_.data() + count_; }

private:
    std::array<DatabaseCalled, kMax> calls_;
    std::size_t count_ = 0;
};

// A write whose caller is known, for the audit log: filled only where there is one.
struct WriteAsked {
    std::string_view method;
    std::string space, key_id;
    std::string database;  // "ms/main", as the path says it
    std::string table;     // as the path says it; empty when it names none
    std::string row;       // the key in the path as it was sent; `_` unless the setting says otherwise; empty when there is none
    std::string filter;    // in canonical form, that of the body included; without values unless the setting says otherwise
    std::optional<std::uint64_t> ids;  // how many keys `ids` names, in query and body
    std::optional<std::uint64_t> rows;  // of a write that the database has done
};

// One a request, when its answer is complete.
struct RequestServed {
    std::string request_id;
    std::string_view peer;
    std::string_view method;    // as sent
    std::string_view target;    // as sent; the log escapes it
    Route route = Route::none;
    int status = 0;
    std::string_view code;      // the problem's, static, or empty
    std::string org, project, user;
    std::uint64_t bytes_in = 0; // of the request's body
    std::uint64_t bytes = 0;    // of the answer's
    std::chrono::microseconds duration{0};
    DatabaseCalls calls;
    std::string internal;       // an error's inner text; empty otherwise
    std::optional<WriteAsked> write;
};

struct Started { std::string address; std::uint16_t port = 0; };
struct AdminStarted { std::string address; std::uint16_t port = 0; };
struct Stopping { std::string reason; };
struct Failed { std::string what; };
// A reading of the tenants' files that changed something, or was asked for.
struct TenantsRead {
    std::size_t orgs = 0;
    std::size_t databases = 0;
    std::size_t files_parsed = 0;
    std::size_t files_faulty = 0;
    std::chrono::microseconds duration{0};
};
// One fault of a tenant's file, with file and line.
struct TenantFileRefused {
    std::string file;
    std::string what;
    bool has_last_good = false;  // what the file said before stays in force
};
// A grant that does not fit the tables that there are; with file and line.
struct GrantUnfit { std::string file; std::string what; };
// A database that could not be asked whether its grants fit.
struct GrantsUnchecked { std::string file; std::string what; };
// The end of a look at every grant that was new.
struct GrantsChecked {
    std::size_t databases = 0;
    std::size_t unfit = 0;      // findings
    std::size_t unreached = 0;  // databases
};

}  // namespace gateway::observe
