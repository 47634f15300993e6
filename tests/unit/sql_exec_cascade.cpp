#include <doctest/doctest.h>

#include <string>

#include "tests/unit/sql_cascade_lab.h"

using namespace lab;

namespace {

// `table.constraint action rows`, sorted; SQLite's keys have no names.
std::vector<std::string> lines(const Lab& lab, const ReferenceMap& map, const std::vector<sql::exec::Reached>& reached) {
    std::vector<std::string> out;
    for (const auto& one : reached) {
        const auto& key = map.keys[one.key];
        const char* const action = one.action == ReferentialAction::cascade       ? "cascade"
                                   : one.action == ReferentialAction::set_null    ? "set_null"
                                   : one.action == ReferentialAction::set_default ? "set_default"
                                   : one.action == ReferentialAction::restrict    ? "restrict"
                                                                                  : "no_action";
        out.push_back(map.tables[key.child].table->name.text() + (lab.is_mysql() ? "." + key.key.name : "") + " " + action + " " +
                      std::to_string(one.rows));
    }
    std::sort(out.begin(), out.end());
    return out;
}

using Lines = std::vector<std::string>;

Lines named(const Lab& lab, Lines with_names) {
    if (lab.is_mysql()) {
        return with_names;
    }
    for (std::string& line : with_names) {
        const auto dot = line.find('.');
        line.erase(dot, line.find(' ') - dot);
    }
    std::sort(with_names.begin(), with_names.end());
    return with_names;
}

template <typename Test>
void on_both(Test test) {
    for (const auto kind : {Lab::Kind::sqlite, Lab::Kind::mysql}) {
        const Lab lab(kind);
        if (lab) {
            CAPTURE(lab.is_mysql());
            test(lab);
        }
    }
}

// A chain of `length` rows of one table, each referring to the one before.
void make_chain(const Lab& lab, int length) {
    lab.run("CREATE TABLE chain (n INT PRIMARY KEY, up INT, CONSTRAINT to_up FOREIGN KEY (up) REFERENCES chain (n) ON DELETE CASCADE)");
    lab.run("INSERT INTO chain VALUES (1, NULL)");
    for (int n = 2; n <= length; ++n) {
        Writer writer = write("INSERT INTO chain VALUES (");
        writer.number(static_cast<std::uint64_t>(n)).keyword(", ").number(static_cast<std::uint64_t>(n - 1)).keyword(")");
        lab.run(std::move(writer).finish());
    }
}

}  // namespace

TEST_CASE("each action is counted by its key, through two levels") {
    on_both([](const Lab& lab) {
        lab.run("CREATE TABLE a (n INT PRIMARY KEY)");
        lab.run("CREATE TABLE b (n INT PRIMARY KEY, a INT, CONSTRAINT b_a FOREIGN KEY (a) REFERENCES a (n) ON DELETE CASCADE)");
        lab.run("CREATE TABLE c (n INT PRIMARY KEY, a INT, b INT, CONSTRAINT c_a FOREIGN KEY (a) REFERENCES a (n) ON DELETE SET NULL,"
                " CONSTRAINT c_b FOREIGN KEY (b) REFERENCES b (n) ON DELETE CASCADE)");
        lab.run("INSERT INTO a VALUES (1), (2), (3)");
        lab.run("INSERT INTO b VALUES (1, 1), (2, 1), (3, 2), (4, NULL)");
        lab.run("INSERT INTO c VALUES (1, NULL, 1), (2, NULL, 2), (3, NULL, 2), (4, 1, NULL), (5, 3, 3)");
        lab.begin();
        const ReferenceMap map = lab.map("a");
        CHECK(map.is_complete);
        CHECK(map.tables.size() == 3);
        const Consequences found = lab.of_delete(map, {1});
        CHECK(lines(lab, map, found.effects) == named(lab, {"b.b_a cascade 2", "c.c_a set_null 1", "c.c_b cascade 3"}));
        CHECK(found.obstacles.empty());
        CHECK(found.rows == 6);
        CHECK(found.is_decided);
        CHECK(lab.of_delete(map, {1, 2, 3}).rows == 3 + 5);
        // Row 5 of c is deleted by one key and set to NULL by another: deleted, and which comes first is the database's choice.
        CHECK(!lab.of_delete(map, {2, 3}).is_decided);
        CHECK(lab.of_delete(map, {1}, 5).is_cut);
        CHECK(!lab.of_delete(map, {1}, 6).is_cut);
        lab.rollback();
    });
}

TEST_CASE("rows in the way are counted, unless they go or let go in the same statement") {
    on_both([](const Lab& lab) {
        lab.run("CREATE TABLE a (n INT PRIMARY KEY)");
        lab.run("CREATE TABLE b (n INT PRIMARY KEY, a INT, CONSTRAINT b_a FOREIGN KEY (a) REFERENCES a (n) ON DELETE CASCADE)");
        lab.run("CREATE TABLE c (n INT PRIMARY KEY, b INT, CONSTRAINT c_b FOREIGN KEY (b) REFERENCES b (n) ON DELETE RESTRICT)");
        lab.run("CREATE TABLE d (n INT PRIMARY KEY, a INT, b INT, CONSTRAINT d_a FOREIGN KEY (a) REFERENCES a (n) ON DELETE CASCADE,"
                " CONSTRAINT d_b FOREIGN KEY (b) REFERENCES b (n))");
        lab.run("INSERT INTO a VALUES (1), (2), (3)");
        lab.run("INSERT INTO b VALUES (1, 1), (2, 2), (3, 3)");
        lab.run("INSERT INTO c VALUES (1, 1), (2, 1)");
        lab.run("INSERT INTO d VALUES (1, 2, 2)");
        lab.begin();
        const ReferenceMap map = lab.map("a");
        const Consequences blocked = lab.of_delete(map, {1, 3});
        CHECK(lines(lab, map, blocked.obstacles) == named(lab, {"c.c_b restrict 2"}));
        CHECK(blocked.is_refused());
        CHECK(blocked.is_decided);
        CHECK(lab.try_delete(name("a"), {1, 3}).error().fault == DbFault::foreign_key_violated);
        CHECK(!lab.of_delete(map, {3}).is_refused());
        // In the way of b's row 2 stands d's row 1, which goes with a's row 2.
        const Consequences both_go = lab.of_delete(map, {2});
        CHECK(!both_go.is_refused());
        CHECK(both_go.is_decided == !lab.is_mysql());
        if (!lab.is_mysql()) {
            CHECK(lab.try_delete(name("a"), {2}));
        }
        lab.rollback();
    });
}

TEST_CASE("composite keys are followed by all their columns, and a NULL in one refers to nothing") {
    on_both([](const Lab& lab) {
        lab.run("CREATE TABLE a (x INT, y VARCHAR(10), n INT, PRIMARY KEY (x, y))");
        lab.run("CREATE TABLE b (n INT PRIMARY KEY, y VARCHAR(10), x INT, CONSTRAINT b_a FOREIGN KEY (x, y) REFERENCES a (x, y) ON DELETE CASCADE)");
        lab.run("INSERT INTO a VALUES (1, 'eu', 1), (1, 'us', 2), (2, 'eu', 3)");
        lab.run("INSERT INTO b VALUES (1, 'eu', 1), (2, 'us', 1), (3, 'eu', 2), (4, NULL, 1), (5, 'eu', NULL), (6, 'eu', 1)");
        lab.begin();
        const ReferenceMap map = lab.map("a");
        CHECK(lines(lab, map, lab.of_delete(map, {1}).effects) == named(lab, {"b.b_a cascade 2"}));
        CHECK(lines(lab, map, lab.of_delete(map, {1, 3}).effects) == named(lab, {"b.b_a cascade 3"}));
        lab.rollback();
    });
}

TEST_CASE("rows without a primary key count one by one, also when two keys lead to them") {
    on_both([](const Lab& lab) {
        lab.run("CREATE TABLE a (n INT PRIMARY KEY)");
        lab.run("CREATE TABLE b (n INT, x INT, y INT, CONSTRAINT b_x FOREIGN KEY (x) REFERENCES a (n) ON DELETE CASCADE,"
                " CONSTRAINT b_y FOREIGN KEY (y) REFERENCES a (n) ON DELETE CASCADE)");
        lab.run("INSERT INTO a VALUES (1), (2)");
        lab.run("INSERT INTO b VALUES (1, 1, 2), (1, 1, 2), (2, 1, NULL), (3, NULL, 2)");
        lab.begin();
        const ReferenceMap map = lab.map("a");
        const Consequences found = lab.of_delete(map, {1, 2});
        CHECK(lines(lab, map, found.effects) == named(lab, {"b.b_x cascade 3", "b.b_y cascade 1"}));
        CHECK(found.rows == 4);
        lab.rollback();
    });
}

TEST_CASE("cycles and references to the row itself end, and own rows are not counted twice") {
    on_both([](const Lab& lab) {
        lab.run("CREATE TABLE a (n INT PRIMARY KEY, up INT, CONSTRAINT to_up FOREIGN KEY (up) REFERENCES a (n) ON DELETE CASCADE)");
        lab.run("INSERT INTO a VALUES (1, 1), (2, NULL), (3, 2), (4, 3)");
        lab.run("UPDATE a SET up = 4 WHERE n = 2");
        lab.begin();
        const ReferenceMap map = lab.map("a");
        const Consequences itself = lab.of_delete(map, {1});
        CHECK(itself.rows == 0);
        CHECK(itself.own_rows_reached == 0);
        CHECK(itself.effects.empty());
        const Consequences round = lab.of_delete(map, {2});
        CHECK(round.rows == 2);
        CHECK(lines(lab, map, round.effects) == named(lab, {"a.to_up cascade 2"}));
        const Consequences some = lab.of_delete(map, {2, 3});
        CHECK(some.rows == 1);
        CHECK(some.own_rows_reached == 2);
        const auto affected = lab.try_delete(name("a"), {2, 3});
        REQUIRE(affected);
        CHECK(*affected <= 2);
        CHECK(*affected + some.own_rows_reached >= 2);
        CHECK(lab.content(*lab.table("a")).size() == 1);
        lab.rollback();
    });
}

TEST_CASE("a chain of references is as deep as the database follows it, and no deeper") {
    for (const int length : {3, 14, 15, 16, 20}) {
        on_both([&](const Lab& lab) {
            CAPTURE(length);
            make_chain(lab, length);
            lab.begin();
            const ReferenceMap map = lab.map("chain");
            const Consequences found = lab.of_delete(map, {1});
            const bool is_too_deep = lab.is_mysql() && length > 15;
            CHECK(found.is_too_deep == is_too_deep);
            CHECK(found.is_refused() == is_too_deep);
            CHECK(found.is_decided);
            if (!is_too_deep) {
                CHECK(found.rows == static_cast<std::uint64_t>(length - 1));
            }
            const auto deleted = lab.try_delete(name("chain"), {1});
            CHECK(deleted.has_value() == !is_too_deep);
            if (!deleted) {
                CHECK(deleted.error().fault == DbFault::foreign_key_violated);
            }
            lab.rollback();
            // Where all rows are named, it depends on which comes first.
            std::vector<int> all;
            for (int n = 1; n <= length; ++n) {
                all.push_back(n);
            }
            lab.begin();
            CHECK(lab.of_delete(map, all).is_decided == !is_too_deep);
            CHECK(!lab.of_delete(map, all).is_refused());
            lab.rollback();
        });
    }
}

TEST_CASE("rows in the way are those that stay, however long the chain, and none is told once counting has ended early") {
    on_both([](const Lab& lab) {
        make_chain(lab, 20);
        lab.run("CREATE TABLE pin (n INT PRIMARY KEY, at INT, along INT, CONSTRAINT pin_at FOREIGN KEY (at) REFERENCES chain (n) ON DELETE RESTRICT,"
                " CONSTRAINT pin_along FOREIGN KEY (along) REFERENCES chain (n) ON DELETE CASCADE)");
        lab.run("INSERT INTO pin VALUES (1, 3, 18)");
        lab.begin();
        const ReferenceMap map = lab.map("chain");
        const Consequences goes = lab.of_delete(map, {1});
        CHECK(goes.obstacles.empty());
        CHECK(goes.contested.size() == 1);
        CHECK(!goes.is_refused());
        CHECK(!goes.is_decided);
        CHECK(!lab.try_delete(name("chain"), {1}));
        lab.rollback();
        lab.run("INSERT INTO pin VALUES (2, 3, NULL)");
        lab.begin();
        CHECK(lines(lab, map, lab.of_delete(map, {1}).obstacles) == named(lab, {"pin.pin_at restrict 1"}));
        const Consequences cut = lab.of_delete(map, {1}, 5);
        CHECK(cut.is_cut);
        CHECK(cut.obstacles.empty());
        lab.rollback();
    });
}

TEST_CASE("an update is followed where it changes what others refer to") {
    on_both([](const Lab& lab) {
        lab.run("CREATE TABLE a (n INT PRIMARY KEY, u INT UNIQUE)");
        lab.run("CREATE TABLE b (n INT PRIMARY KEY, u INT, CONSTRAINT b_u FOREIGN KEY (u) REFERENCES a (u) ON UPDATE SET NULL)");
        lab.run("CREATE TABLE c (n INT PRIMARY KEY, u INT, CONSTRAINT c_u FOREIGN KEY (u) REFERENCES a (u) ON UPDATE RESTRICT)");
        lab.run("CREATE TABLE d (n INT PRIMARY KEY, u INT, CONSTRAINT d_u FOREIGN KEY (u) REFERENCES a (u) ON UPDATE CASCADE)");
        lab.run("INSERT INTO a VALUES (1, 10), (2, 20), (3, 30)");
        lab.run("INSERT INTO b VALUES (1, 10), (2, 10), (3, 30)");
        lab.run("INSERT INTO c VALUES (1, 20)");
        lab.run("INSERT INTO d VALUES (1, 30)");
        lab.begin();
        const ReferenceMap map = lab.map("a");
        const auto of_update = [&](int number, std::int64_t u) {
            const std::vector<sql::plan::Assignment> assignments{{*map.tables[0].table->index_of("u"), u}};
            auto found = sql::exec::consequences_of_update(lab.connection(), lab.dialect(), map, lab.own_rows(map, {number}), assignments, {}, soon());
            REQUIRE_MESSAGE(found, found.error().internal);
            return std::move(*found);
        };
        const Consequences nulls = of_update(1, 11);
        CHECK(lines(lab, map, nulls.effects) == named(lab, {"b.b_u set_null 2"}));
        CHECK(nulls.is_decided);
        CHECK(lines(lab, map, of_update(2, 21).obstacles) == named(lab, {"c.c_u restrict 1"}));
        const Consequences cascades = of_update(3, 31);
        CHECK(lines(lab, map, cascades.effects) == named(lab, {"b.b_u set_null 1", "d.d_u cascade 1"}));
        CHECK(!cascades.is_decided);
        CHECK(of_update(2, 20).rows == 0);
        CHECK(!of_update(2, 20).is_refused());
        CHECK(lab.try_run(write("UPDATE a SET u = 21 WHERE n = 2").finish()).error().fault == DbFault::foreign_key_violated);
        CHECK(lab.try_run(write("UPDATE a SET u = 31 WHERE n = 3").finish()));
        lab.rollback();
    });
}

TEST_CASE("text refers as its column compares") {
    const Lab mysql(Lab::Kind::mysql);
    if (mysql) {
        mysql.run("CREATE TABLE a (n INT, k VARCHAR(10) COLLATE utf8mb4_general_ci PRIMARY KEY)");
        mysql.run("CREATE TABLE b (n INT PRIMARY KEY, k VARCHAR(10) COLLATE utf8mb4_general_ci, CONSTRAINT b_a FOREIGN KEY (k) REFERENCES a (k) ON DELETE CASCADE)");
        mysql.run("INSERT INTO a VALUES (1, 'Ada')");
        mysql.run("INSERT INTO b VALUES (1, 'ada'), (2, 'ADA '), (3, 'Ada')");
        mysql.begin();
        CHECK(mysql.of_delete(mysql.map("a"), {1}).rows == 3);
        CHECK(mysql.try_delete(name("a"), {1}));
        CHECK(mysql.content(*mysql.table("b")).empty());
        mysql.rollback();
    }
    // SQLite: as the parent's column, not as the child's, whatever is stored.
    const Lab sqlite(Lab::Kind::sqlite);
    sqlite.run("CREATE TABLE a (n INT, k TEXT COLLATE NOCASE UNIQUE)");
    sqlite.run("CREATE TABLE b (n INT PRIMARY KEY, k TEXT, FOREIGN KEY (k) REFERENCES a (k) ON DELETE CASCADE)");
    sqlite.run("CREATE TABLE c (n INT PRIMARY KEY, k, FOREIGN KEY (k) REFERENCES a (k) ON DELETE CASCADE)");
    sqlite.run("INSERT INTO a VALUES (1, 'Ada'), (2, '7'), (3, x'41')");
    sqlite.run("INSERT INTO b VALUES (1, 'ada'), (2, 'ADA'), (3, 7), (4, x'41')");
    sqlite.run("INSERT INTO c VALUES (1, 'aDa'), (2, '7'), (3, x'41')");
    for (const int number : {1, 2, 3}) {
        CAPTURE(number);
        sqlite.begin();
        const std::uint64_t told = sqlite.of_delete(sqlite.map("a"), {number}).rows;
        REQUIRE(sqlite.try_delete(name("a"), {number}));
        const std::size_t left = sqlite.content(*sqlite.table("b")).size() + sqlite.content(*sqlite.table("c")).size();
        CHECK(told == 7 - left);
        CHECK(told == (number == 1 ? 3 : 2));
        sqlite.rollback();
    }
}

TEST_CASE("a set of thousands is followed in parts") {
    on_both([](const Lab& lab) {
        lab.run("CREATE TABLE a (n INT PRIMARY KEY)");
        lab.run("CREATE TABLE b (n INT PRIMARY KEY, a INT, CONSTRAINT b_a FOREIGN KEY (a) REFERENCES a (n) ON DELETE CASCADE)");
        std::vector<int> numbers;
        lab.begin();
        Writer parents = write("INSERT INTO a VALUES (0)");
        Writer children = write("INSERT INTO b VALUES (0, 0)");
        for (int n = 1; n <= 1500; ++n) {
            parents.keyword(", (").number(static_cast<std::uint64_t>(n)).keyword(")");
            children.keyword(", (").number(static_cast<std::uint64_t>(n)).keyword(", ").number(static_cast<std::uint64_t>(n / 2)).keyword(")");
            numbers.push_back(n);
        }
        lab.run(std::move(parents).finish());
        lab.run(std::move(children).finish());
        const Consequences found = lab.of_delete(lab.map("a"), numbers);
        CHECK(found.rows == 1499);
        CHECK(found.is_decided);
        CHECK(lab.of_delete(lab.map("a"), numbers, 700).is_cut);
        lab.rollback();
    });
}
