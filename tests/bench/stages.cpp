// Runs parse, bind, guard and render of one request so many times against a table in memory, so that callgrind can count their
// instructions: (count of 2N runs - count of N runs) / N. No timer. Started by tests/bench/run and its suite.
//
//     stages TIMES        prints the SQL text once
#include <cstdlib>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "filters/parse.h"
#include "schemas/build.h"
#include "sql/mysql/dialect.h"
#include "sql/plan/bind.h"
#include "sql/plan/guard.h"
#include "sql/render/render.h"

namespace {

constexpr std::string_view kQuery = "id=bw.10.20&name=li.x&status=in.a,b,c";
constexpr filters::Position kOffset = 50;  // where it begins in the target

schemas::RawColumn text_column(std::string name, std::uint64_t characters) {
    schemas::RawColumn raw;
    raw.name = std::move(name);
    raw.data_type = "varchar";
    raw.column_type = fmt::format("varchar({})", characters);
    raw.characters_max = characters;
    raw.bytes_max = characters * 4;
    raw.charset = "utf8mb4";
    raw.collation = "utf8mb4_general_ci";
    return raw;
}

schemas::TablePtr users() {
    schemas::RawTable raw;
    raw.name = "users";
    schemas::RawColumn id;
    id.name = "id";
    id.data_type = "int";
    id.column_type = "int(11)";
    id.numeric_precision = 10;
    id.is_auto_increment = true;
    schemas::RawColumn active;
    active.name = "is_active";
    active.data_type = "tinyint";
    active.column_type = "tinyint(1)";
    schemas::RawColumn created;
    created.name = "created_at";
    created.data_type = "timestamp";
    created.column_type = "timestamp";
    created.datetime_precision = 0;
    raw.columns = {id, text_column("name", 100), text_column("email", 100), active, created, text_column("status", 20)};
    raw.keys = {{"PRIMARY", true, {"id"}}};
    raw.version_token = "2026-01-02 03:04:05";
    raw.is_version_settled = true;
    return schemas::build(raw);
}

std::string sql_of(const schemas::TablePtr& table) {
    auto query = filters::parse(kQuery, kOffset, {});
    if (!query) return query.error().detail;
    sql::plan::Intent intent;
    intent.verb = sql::plan::Verb::erase;
    intent.query = std::move(*query);
    auto plan = sql::plan::bind_query(intent, table, {});
    if (!plan) return plan.error().detail;
    const auto guarded = sql::plan::Guard::guard(std::move(*plan));
    if (!guarded) return guarded.error().detail;
    const sql::render::Program program = sql::render::render(*guarded, sql::mysql::dialect());
    return std::string(program.statements.front().text());
}

}  // namespace

int main(int argc, char** argv) {
    const long times = argc == 2 ? std::strtol(argv[1], nullptr, 10) : 0;
    if (times < 1) {
        fmt::print(stderr, "usage: stages TIMES\n");
        return 2;
    }
    const schemas::TablePtr table = users();
    const std::string text = sql_of(table);
    for (long i = 1; i < times; ++i) {
        if (sql_of(table) != text) return 1;
    }
    fmt::print("{}\n", text);
    return text.starts_with("DELETE ") ? 0 : 1;
}
