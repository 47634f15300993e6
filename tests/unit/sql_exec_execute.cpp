#include <doctest/doctest.h>

#include "schemas/build.h"
#include "sql/exec/execute.h"
#include "sql/render/writer.h"
#include "tests/unit/sql_exec_fake.h"

using namespace fake;
using sql::exec::execute;
using sql::render::Answer;
using sql::render::Program;
using sql::render::Proof;
using Calls = std::vector<std::string>;

namespace {

sql::render::Statement statement() {
    sql::render::Writer writer(sql::render::Quote::backtick);
    writer.keyword("SELECT 1");
    return std::move(writer).finish();
}

Program write(Proof proof, std::size_t statements = 1, bool is_settled = true) {
    Program program;
    program.answer = Answer::rows_affected;
    program.proof = proof;
    program.table = schemas::build(raw_table("int(11)", "v1", is_settled));
    for (std::size_t i = 0; i < statements; ++i) {
        program.statements.push_back(statement());
    }
    return program;
}

Program read() {
    Program program;
    program.statements.push_back(statement());
    return program;
}

struct Sink final : sql::exec::RowSink {
    void row(std::span<const sql::exec::Cell>) override {}
    void restart() override { ++restarts; }
    int restarts = 0;
};

struct Ran {
    DbResult<sql::exec::Outcome> outcome;
    int restarts = 0;
};

Ran run(const Program& program, Script& script, Deadline deadline = soon()) {
    const auto database = fake::database(script);
    Sink sink;
    auto outcome = execute(program, {}, *database, deadline, &sink);
    return {std::move(outcome), sink.restarts};
}

DbFault fault_of(const Program& program, Script& script) {
    const auto ran = run(program, script);
    REQUIRE(!ran.outcome);
    return ran.outcome.error().fault;
}

}  // namespace

TEST_CASE("a read on a lost connection is tried once more on a new one, from the first row") {
    Script script;
    SUBCASE("lost before the statement was sent") {
        script.query = [](int connection) -> DbResult<void> {
            return connection == 1 ? DbResult<void>(failed(DbFault::unavailable, Fate::drop)) : DbResult<void>();
        };
    }
    SUBCASE("lost after it") {
        script.query = [](int connection) -> DbResult<void> {
            return connection == 1 ? DbResult<void>(failed(DbFault::outcome_unknown, Fate::drop)) : DbResult<void>();
        };
    }
    const auto ran = run(read(), script);
    CHECK(ran.outcome);
    CHECK(ran.restarts == 1);
    CHECK(script.connects == 2);
}

TEST_CASE("a read that loses two connections is unavailable") {
    Script script;
    script.query = [](int) -> DbResult<void> { return failed(DbFault::outcome_unknown, Fate::drop); };
    CHECK(fault_of(read(), script) == DbFault::unavailable);
    CHECK(script.connects == 2);
}

TEST_CASE("a database that cannot be reached is asked once") {
    Script script;
    int attempts = 0;
    script.connect = [&]() -> DbResult<void> {
        ++attempts;
        return failed(DbFault::unavailable, Fate::drop);
    };
    CHECK(fault_of(read(), script) == DbFault::unavailable);
    CHECK(attempts == 1);
}

TEST_CASE("a write with its proof in the statement runs alone") {
    Script script;
    script.run = [](int) -> DbResult<std::uint64_t> { return 3; };
    const auto ran = run(write(Proof::in_statement), script);
    REQUIRE(ran.outcome);
    CHECK(ran.outcome->rows_affected == 3);
    CHECK(!ran.outcome->last_insert_id);
    CHECK(script.calls == Calls{"run"});
}

TEST_CASE("a write that matched nothing is asked once more, for a killed one may say so") {
    Script script;
    int runs = 0;
    script.run = [&](int) -> DbResult<std::uint64_t> { return ++runs == 2 ? 1 : 0; };
    CHECK(run(write(Proof::in_statement), script).outcome->rows_affected == 1);
    CHECK(runs == 2);
    runs = 10;
    CHECK(run(write(Proof::in_statement), script).outcome->rows_affected == 0);
    CHECK(runs == 12);
}

TEST_CASE("a write alone that matched nothing asks whether the table moved") {
    Script script;
    script.run = [](int) -> DbResult<std::uint64_t> { return 0; };
    std::string token = "v1";
    script.token = [&]() -> DbResult<std::string> { return token; };
    CHECK(run(write(Proof::in_statement), script).outcome);
    token = "v2";
    CHECK(fault_of(write(Proof::in_statement), script) == DbFault::schema_changed);
    token = "";
    CHECK(fault_of(write(Proof::in_statement), script) == DbFault::schema_changed);
}

TEST_CASE("a write alone that the table refuses is bound again when the table moved") {
    Script script;
    script.run = [](int) -> DbResult<std::uint64_t> { return failed(DbFault::row_refused, Fate::keep); };
    CHECK(fault_of(write(Proof::in_statement), script) == DbFault::row_refused);
    script.token = []() -> DbResult<std::string> { return "v2"; };
    CHECK(fault_of(write(Proof::in_statement), script) == DbFault::schema_changed);
}

TEST_CASE("a write alone that was lost while it ran is never sent again") {
    Script script;
    int runs = 0;
    script.run = [&](int) -> DbResult<std::uint64_t> {
        ++runs;
        return failed(DbFault::outcome_unknown, Fate::drop);
    };
    CHECK(fault_of(write(Proof::in_statement), script) == DbFault::outcome_unknown);
    CHECK(runs == 1);
}

TEST_CASE("a write alone that never left is sent once more on a new connection") {
    Script script;
    script.run = [](int connection) -> DbResult<std::uint64_t> {
        return connection == 1 ? DbResult<std::uint64_t>(failed(DbFault::unavailable, Fate::drop)) : DbResult<std::uint64_t>(1);
    };
    CHECK(run(write(Proof::in_statement), script).outcome);
    CHECK(script.connects == 2);
}

TEST_CASE("a write in a transaction proves itself after its statements and before the commit") {
    Script script;
    script.token = [&]() -> DbResult<std::string> {
        script.calls.emplace_back("token");
        return "v1";
    };
    const auto ran = run(write(Proof::in_transaction, 3), script);
    REQUIRE(ran.outcome);
    CHECK(ran.outcome->rows_affected == 3);
    CHECK(script.calls == Calls{"begin", "run", "run", "run", "token", "commit"});
}

TEST_CASE("a write whose program names no proof is proved in a transaction all the same") {
    Script script;
    script.token = []() -> DbResult<std::string> { return "v2"; };
    CHECK(fault_of(write(Proof::none), script) == DbFault::schema_changed);
    CHECK(script.calls == Calls{"begin", "run", "rollback"});
}

TEST_CASE("a version that is not settled is proved by the whole definition") {
    Script script;
    std::string type = "int(11)";
    script.introspect = [&](std::string_view) -> DbResult<std::optional<schemas::RawTable>> {
        return raw_table(type, "v1", false);
    };
    CHECK(run(write(Proof::in_transaction, 1, false), script).outcome);
    type = "varchar(10)";
    script.calls.clear();
    CHECK(fault_of(write(Proof::in_transaction, 1, false), script) == DbFault::schema_changed);
    CHECK(script.calls == Calls{"begin", "run", "rollback"});
    script.introspect = nullptr;  // the table is gone
    CHECK(fault_of(write(Proof::in_transaction, 1, false), script) == DbFault::schema_changed);
}

TEST_CASE("a version that is not settled cannot be proved in the statement") {
    Script script;
    CHECK(fault_of(write(Proof::in_statement, 1, false), script) == DbFault::unknown);
    CHECK(fault_of(write(Proof::in_statement, 2), script) == DbFault::unknown);
    CHECK(script.calls.empty());
}

TEST_CASE("a statement that fails in a transaction rolls it back") {
    Script script;
    int runs = 0;
    script.run = [&](int) -> DbResult<std::uint64_t> {
        return ++runs == 2 ? DbResult<std::uint64_t>(failed(DbFault::unique_violated, Fate::keep)) : DbResult<std::uint64_t>(1);
    };
    CHECK(fault_of(write(Proof::in_transaction, 3), script) == DbFault::unique_violated);
    CHECK(script.calls == Calls{"begin", "run", "run", "rollback"});
}

TEST_CASE("a connection that cannot roll back is dropped") {
    Script script;
    script.run = [](int) -> DbResult<std::uint64_t> { return failed(DbFault::row_refused, Fate::keep); };
    script.rollback = [](int) -> DbResult<void> { return failed(DbFault::unknown, Fate::keep); };
    const auto database = fake::database(script);
    CHECK(!execute(write(Proof::in_transaction), {}, *database, soon(), nullptr));
    CHECK(script.open == 0);
}

TEST_CASE("a transaction lost before its commit did nothing and is run once more") {
    Script script;
    script.run = [](int connection) -> DbResult<std::uint64_t> {
        return connection == 1 ? DbResult<std::uint64_t>(failed(DbFault::outcome_unknown, Fate::drop))
                               : DbResult<std::uint64_t>(1);
    };
    CHECK(run(write(Proof::in_transaction), script).outcome);
    CHECK(script.connects == 2);
}

TEST_CASE("a commit that was lost has an unknown outcome and is not repeated") {
    Script script;
    DbFault fault = DbFault::outcome_unknown;
    script.commit = [&](int) -> DbResult<void> { return failed(fault, Fate::drop); };
    SUBCASE("no answer") { fault = DbFault::outcome_unknown; }
    SUBCASE("killed") { fault = DbFault::unavailable; }
    SUBCASE("stopped") { fault = DbFault::deadline_exceeded; }
    SUBCASE("an error that we do not know") { fault = DbFault::unknown; }
    CHECK(fault_of(write(Proof::in_transaction), script) == DbFault::outcome_unknown);
    CHECK(script.connects == 1);
}

TEST_CASE("a deadlock is tried again three times, then given back") {
    Script script;
    int runs = 0;
    int failures = 3;
    script.run = [&](int) -> DbResult<std::uint64_t> {
        return ++runs <= failures ? DbResult<std::uint64_t>(failed(DbFault::conflict, Fate::keep)) : DbResult<std::uint64_t>(1);
    };
    SUBCASE("the fourth try works") {
        CHECK(run(write(Proof::in_transaction), script).outcome);
        CHECK(runs == 4);
    }
    SUBCASE("it does not") {
        failures = 4;
        CHECK(fault_of(write(Proof::in_transaction), script) == DbFault::conflict);
        CHECK(runs == 4);
    }
}

TEST_CASE("a commit that lost its certification is tried again") {
    Script script;
    int commits = 0;
    script.commit = [&](int) -> DbResult<void> {
        return ++commits == 1 ? DbResult<void>(failed(DbFault::conflict, Fate::keep)) : DbResult<void>();
    };
    const auto ran = run(write(Proof::in_transaction), script);
    REQUIRE(ran.outcome);
    CHECK(ran.outcome->rows_affected == 1);
    CHECK(commits == 2);
}

TEST_CASE("a deadline that passes before the commit rolls the write back") {
    Script script;
    const auto deadline = Deadline::after(10ms);
    script.run = [&](int) -> DbResult<std::uint64_t> {
        while (!deadline.has_passed()) {
        }
        return 1;
    };
    const auto ran = run(write(Proof::in_transaction), script, deadline);
    REQUIRE(!ran.outcome);
    CHECK(ran.outcome.error().fault == DbFault::deadline_exceeded);
    CHECK(script.calls == Calls{"begin", "run", "rollback"});
}

TEST_CASE("the last insert id is the generated one, the explicit one, or none") {
    Script script;
    Program program = write(Proof::in_transaction);
    CHECK(!run(program, script).outcome->last_insert_id);
    program.last_id_explicit = schemas::Value(std::int64_t{9});
    CHECK(run(program, script).outcome->last_insert_id == schemas::Value(std::int64_t{9}));
    program.last_id_explicit.reset();
    program.last_id_is_generated = true;
    CHECK(!run(program, script).outcome->last_insert_id);
    script.last_id = 7;
    CHECK(run(program, script).outcome->last_insert_id == schemas::Value(std::int64_t{7}));
    script.last_id = 18446744073709551615U;
    CHECK(run(program, script).outcome->last_insert_id == schemas::Value(std::uint64_t{18446744073709551615U}));
}

TEST_CASE("a program without statements, table or sink is not run") {
    Script script;
    Program program;
    CHECK(fault_of(program, script) == DbFault::unknown);
    program = write(Proof::in_transaction);
    program.table.reset();
    CHECK(fault_of(program, script) == DbFault::unknown);
    const auto database = fake::database(script);
    CHECK(!execute(read(), {}, *database, soon(), nullptr));
    CHECK(script.connects == 0);
}
