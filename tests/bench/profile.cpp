// Runs one stage or one whole request so many times, without a database, so that callgrind can count its instructions:
// (count of 2N runs - count of N runs) / N. Prints nothing but a check sum. Not a timer, and no part of the gate.
//
//     valgrind --tool=callgrind ./profile plan 1000
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include "filters/parse.h"
#include "gateway/pipeline.h"
#include "gateway/request/body.h"
#include "gateway/request/target.h"
#include "gateway/respond/json.h"
#include "schemas/build.h"
#include "sql/exec/database.h"
#include "sql/mysql/dialect.h"
#include "sql/plan/bind.h"
#include "sql/plan/guard.h"
#include "sql/render/render.h"

namespace {

using gateway::http::Request;

constexpr std::string_view kWrite = "id=bw.10.20&name=li.x&status=in.a,b,c";
constexpr std::string_view kPath = "/minimal/api/rest/auto/v1/btec/tst/ms/demo_db/users";
constexpr std::size_t kBodyRows = 10000;

schemas::RawColumn column(std::string name, std::string declared) {
    schemas::RawColumn raw;
    raw.name = std::move(name);
    raw.data_type = declared.substr(0, declared.find('('));
    raw.column_type = std::move(declared);
    raw.is_nullable = false;
    return raw;
}

schemas::RawColumn text_column(std::string name, std::uint64_t characters) {
    schemas::RawColumn raw = column(std::move(name), fmt::format("varchar({})", characters));
    raw.characters_max = characters;
    raw.bytes_max = characters * 4;
    raw.charset = "utf8mb4";
    raw.collation = "utf8mb4_general_ci";
    return raw;
}

schemas::RawTable raw_users(bool has_status) {
    schemas::RawTable raw;
    raw.name = "users";
    raw.columns = {column("id", "int(11)"), text_column("name", 100), text_column("email", 100),
                   column("is_active", "tinyint(1)"), column("created_at", "timestamp")};
    raw.columns[0].is_auto_increment = true;
    raw.columns[0].numeric_precision = 10;
    raw.columns[3].default_expression = "1";
    raw.columns[4].default_expression = "current_timestamp()";
    raw.columns[4].datetime_precision = 0;
    if (has_status) {
        raw.columns.push_back(text_column("status", 20));
    }
    raw.keys = {{"PRIMARY", true, {"id"}}};
    raw.version_token = "2026-01-02 03:04:05";
    raw.is_version_settled = true;
    return raw;
}

class Connection final : public sql::exec::Connection {
public:
    sql::exec::DbResult<void> query(const sql::render::Statement&, const std::vector<const schemas::Column*>&,
                                    sql::exec::Deadline, sql::exec::RowSink& sink) override {
        using Kind = sql::exec::Cell::Kind;
        std::vector<sql::exec::Cell> cells(5);
        cells[0] = {Kind::integer, 7, 0, 0, {}};
        cells[1] = {Kind::text, 0, 0, 0, "Ada Lovelace"};
        cells[2] = {Kind::text, 0, 0, 0, "ada.lovelace@example.org"};
        cells[3] = {Kind::integer, 1, 0, 0, {}};
        cells[4] = {Kind::text, 0, 0, 0, "2026-01-02 03:04:05"};
        sink.row(cells);
        return {};
    }
    sql::exec::DbResult<std::uint64_t> run(const sql::render::Statement&, sql::exec::Deadline) override { return 1; }
    sql::exec::DbResult<void> begin(sql::exec::Deadline) override { return {}; }
    sql::exec::DbResult<void> commit(sql::exec::Deadline) override { return {}; }
    sql::exec::DbResult<void> rollback(sql::exec::Deadline) override { return {}; }
    sql::exec::DbResult<std::uint64_t> last_insert_id(sql::exec::Deadline) override { return 1; }
    sql::exec::DbResult<std::vector<schemas::TableName>> tables(sql::exec::Deadline) override { return {}; }
    sql::exec::DbResult<std::optional<schemas::RawTable>> introspect(std::string_view, sql::exec::Deadline) override {
        return raw_users(false);
    }
    sql::exec::DbResult<std::string> version_token(std::string_view, sql::exec::Deadline) override { return "2026-01-02 03:04:05"; }
    sql::exec::DbResult<schemas::References> referencing(std::string_view, sql::exec::Deadline) override { return schemas::References(); }
    bool is_alive(sql::exec::Deadline) override { return true; }
};

// A registry of one tenant whose database is a Connection of ours.
class World {
public:
    World() : folder_(std::filesystem::temp_directory_path() / fmt::format("rowgate-profile-{}", ::getpid())) {
        std::filesystem::create_directories(folder_ / "tenants");
        std::ofstream(folder_ / "tenants" / "btec.toml") << R"(name = "btec"
id = "01KKBPGAE4CR13W14E4T4ACSAB"
[[project]]
name = "tst"
id = "01KF6G55AK87WWGQ145SDA2AC9"
[[project.space]]
id = "01KF6G55AK87WWGQ145SDA25X9"
[[project.space.database]]
type = "sl"
name = "demo_db"
path = "nothing.sqlite"
[[project.space.database.grant]]
role = "readers"
tables = ["*"]
verbs = ["GET"]
[[project.space.database.grant]]
role = "users"
tables = ["users", "accounts"]
verbs = ["GET", "POST", "PUT", "PATCH", "DELETE"]
)";
        std::ofstream(folder_ / "nothing.sqlite") << "";
        snapshot_.config.folder = folder_;
        snapshot_.config.tenants_folder = folder_ / "tenants";
        snapshot_.trusted = *gateway::auth::TrustedProxies::parse(snapshot_.config.trusted_proxies);
        auto registry = gateway::tenants::Registry::load(snapshot_.config);
        if (!registry) {
            fmt::print(stderr, "{}\n", fmt::join(registry.error().messages, "\n"));
            std::exit(1);
        }
        snapshot_.registry = std::move(*registry);
        auto pool = std::make_unique<sql::exec::Pool>(
            [](sql::exec::Deadline) -> sql::exec::DbResult<std::unique_ptr<sql::exec::Connection>> {
                return std::make_unique<Connection>();
            },
            sql::exec::PoolOptions{});
        auto* const database = const_cast<gateway::tenants::RegisteredDatabase*>(snapshot_.registry.databases().front());
        database->type = "ms";
        database->database = std::make_shared<sql::exec::Database>(sql::mysql::dialect(), std::move(pool), nullptr,
                                                                   sql::exec::CatalogOptions{std::chrono::hours(1)});
    }
    ~World() { std::filesystem::remove_all(folder_); }
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    [[nodiscard]] std::size_t answer(Request request) const {
        gateway::observe::RequestServed event;
        const auto response = gateway::answer(std::move(request), snapshot_, event);
        if (response.status >= 300) {
            fmt::print(stderr, "{} {}\n", response.status, response.body);
            std::exit(1);
        }
        return response.body.size();
    }

private:
    std::filesystem::path folder_;
    gateway::Snapshot snapshot_;
};

Request request(std::string method, std::string query) {
    Request made;
    made.method = std::move(method);
    made.target = std::string(kPath) + std::move(query);
    made.headers = {{"Host", "127.0.0.1:8080"},
                    {"X-Org-Id", "01KKBPGAE4CR13W14E4T4ACSAB"},
                    {"X-Project-Id", "01KF6G55AK87WWGQ145SDA2AC9"},
                    {"X-Space-Id", "01KF6G55AK87WWGQ145SDA25X9"},
                    {"X-User-Id", "01KBY3K9NDC5XW523M2V1Z0373"},
                    {"X-User-Roles", "users, admin"},
                    {"Accept", "*/*"},
                    {"User-Agent", "wrk"}};
    made.peer = "127.0.0.1";
    made.received = std::chrono::steady_clock::now();
    return made;
}

std::string rows_body() {
    std::string body = "[";
    for (std::size_t i = 0; i < kBodyRows; ++i) {
        body += fmt::format(R"({}{{"id":{},"name":"Person number {}","email":"person{}@example.org","is_active":{},)"
                            R"("created_at":"2026-01-02T03:04:05"}})",
                            i == 0 ? "" : ",", i + 1, i, i, i % 2 == 0 ? "true" : "0");
    }
    return body + "]";
}

sql::plan::Body parsed(std::string body) {
    return *gateway::request::parse_body(std::move(body), gateway::request::BodyShape::object_or_array, {});
}

sql::plan::Plan bound_rows(sql::plan::Body body, const schemas::TablePtr& table) {
    sql::plan::Intent intent;
    intent.verb = sql::plan::Verb::insert;
    auto plan = sql::plan::bind_body(*sql::plan::bind_query(intent, table, {}), body);
    if (!plan) {
        fmt::print(stderr, "{}\n", plan.error().detail);
        std::exit(1);
    }
    return std::move(*plan);
}

std::size_t answer_rows(std::size_t count) {
    const schemas::TablePtr table = schemas::build(raw_users(false));
    std::vector<const schemas::Column*> columns;
    for (const schemas::Column& one : table->columns) {
        columns.push_back(&one);
    }
    gateway::respond::JsonRows rows(columns, gateway::respond::Numbers::native, count);
    Connection connection;
    std::vector<sql::exec::Cell> cells(5);
    using Kind = sql::exec::Cell::Kind;
    cells[0] = {Kind::integer, 7, 0, 0, {}};
    cells[1] = {Kind::text, 0, 0, 0, "Ada Lovelace"};
    cells[2] = {Kind::text, 0, 0, 0, "ada.lovelace@example.org"};
    cells[3] = {Kind::integer, 1, 0, 0, {}};
    cells[4] = {Kind::text, 0, 0, 0, "2026-01-02 03:04:05"};
    for (std::size_t i = 0; i < count; ++i) {
        cells[0].integer = static_cast<std::int64_t>(i);
        rows.row(cells);
    }
    return std::move(rows).take().size();
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        fmt::print(stderr, "usage: profile parse|bind|plan|target|authenticate|get|post|post-parse|post-bind|post-plan|rows TIMES\n");
        return 2;
    }
    const std::string mode = argv[1];
    const long times = std::strtol(argv[2], nullptr, 10);
    const schemas::TablePtr table = schemas::build(raw_users(true));
    const schemas::TablePtr users = schemas::build(raw_users(false));
    const World world;
    const std::string body = rows_body();
    Request post = request("POST", "");
    post.headers.push_back({"Content-Type", "application/json"});
    const Request get = request("GET", "?id=eq.7");
    const Request erase = request("DELETE", "?id=eq.7");
    const auto trusted = *gateway::auth::TrustedProxies::parse({"127.0.0.0/8", "::1/128"});
    const std::vector<std::string> bases{"/minimal/api/rest/auto/v1", "/v1"};

    const auto planned = [&](int stages) -> std::size_t {
        auto query = filters::parse(kWrite, 50, {});
        if (stages == 1) {
            return query->where.size();
        }
        sql::plan::Intent intent;
        intent.verb = sql::plan::Verb::erase;
        intent.query = std::move(*query);
        auto plan = sql::plan::bind_query(intent, table, {});
        if (stages == 2) {
            return plan->index();
        }
        auto guarded = sql::plan::Guard::guard(std::move(*plan));
        return sql::render::render(*guarded, sql::mysql::dialect()).statements.front().text().size();
    };
    const std::map<std::string, std::function<std::size_t()>> stages{
        {"parse", [&] { return planned(1); }},
        {"bind", [&] { return planned(2); }},
        {"plan", [&] { return planned(3); }},
        {"target", [&] { return gateway::request::parse_target(get.target, bases)->segments.size(); }},
        {"authenticate", [&] { return gateway::auth::authenticate(get, trusted)->roles.size(); }},
        {"request", [&] { return Request(get).headers.size(); }},
        {"get", [&] { return world.answer(get); }},
        {"delete", [&] { return world.answer(erase); }},
        {"body", [&] { return std::string(body).size(); }},
        {"post-parse", [&] { return parsed(body).cells.size(); }},
        {"post-bind", [&] { return bound_rows(parsed(body), users).index(); }},
        {"post-plan",
         [&] {
             auto guarded = sql::plan::Guard::guard(bound_rows(parsed(body), users));
             return sql::render::render(*guarded, sql::mysql::dialect()).statements.size();
         }},
        {"rows", [&] { return answer_rows(1000); }},
    };
    const auto stage = stages.find(mode);
    if (stage == stages.end()) {
        fmt::print(stderr, "no stage {}\n", mode);
        return 2;
    }
    std::size_t sum = 0;
    for (long i = 0; i < times; ++i) {
        sum += stage->second();
    }
    std::printf("%zu\n", sum);
    return 0;
}
