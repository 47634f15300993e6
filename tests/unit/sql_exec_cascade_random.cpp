#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <numeric>
#include <string>

#include "tests/unit/sql_cascade_lab.h"

using namespace lab;

namespace {

using Random = std::mt19937;  // mixes seeds that are near each other, as minstd_rand does not

int pick(Random& random, int count) { return std::uniform_int_distribution<int>(0, count - 1)(random); }

// Which columns refer to which.
struct Shape {
    std::vector<std::string> from;
    std::vector<std::string> to;
};
const std::vector<Shape> kShapes = {{{"f"}, {"n"}}, {{"g"}, {"n"}}, {{"f"}, {"u"}},           {{"f", "g"}, {"u", "v"}},
                                    {{"u"}, {"n"}}, {{"u"}, {"u"}}, {{"g", "v"}, {"u", "v"}}, {{"v"}, {"u"}}};

void write_columns(Writer& writer, const std::vector<std::string>& names) {
    writer.keyword("(");
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (i != 0) {
            writer.keyword(", ");
        }
        writer.ident(name(names[i]));
    }
    writer.keyword(")");
}

void write_action(Writer& writer, Random& random, bool has_default) {
    switch (pick(random, has_default ? 11 : 10)) {
        case 0: writer.keyword("RESTRICT"); return;
        case 1: writer.keyword("NO ACTION"); return;
        case 2: case 3: case 4: writer.keyword("SET NULL"); return;
        case 10: writer.keyword("SET DEFAULT"); return;
        default: writer.keyword("CASCADE"); return;
    }
}

std::string table_name(int index) { return "t" + std::to_string(index); }

// Some tables with some foreign keys among them, whatever refers to whatever.
std::vector<schemas::TablePtr> make_tables(const Lab& lab, Random& random) {
    const int tables = 1 + pick(random, 4);
    if (lab.is_mysql()) {
        lab.run("SET foreign_key_checks = 0");
    }
    for (int t = 0; t < tables; ++t) {
        Writer writer = write("CREATE TABLE ");
        writer.ident(name(table_name(t)));
        if (pick(random, 5) == 0) {
            writer.keyword(" (n INT UNIQUE, u INT UNIQUE, v INT, f INT, g INT, UNIQUE (u, v)");
        } else {
            writer.keyword(" (n INT PRIMARY KEY, u INT UNIQUE, v INT, f INT, g INT DEFAULT 2, UNIQUE (u, v)");
        }
        const int keys = tables == 1 ? 1 + pick(random, 2) : pick(random, 4);
        for (int k = 0; k < keys; ++k) {
            const Shape& shape = kShapes[static_cast<std::size_t>(pick(random, static_cast<int>(kShapes.size())))];
            const int parent = pick(random, tables);
            if (parent == t && shape.from == shape.to) {
                continue;
            }
            writer.keyword(", CONSTRAINT ").ident(name("k" + std::to_string(t) + "_" + std::to_string(k))).keyword(" FOREIGN KEY ");
            write_columns(writer, shape.from);
            writer.keyword(" REFERENCES ").ident(name(table_name(parent)));
            write_columns(writer, shape.to);
            writer.keyword(" ON DELETE ");
            write_action(writer, random, !lab.is_mysql());
            writer.keyword(" ON UPDATE ");
            write_action(writer, random, !lab.is_mysql());
        }
        writer.keyword(")");
        lab.run(std::move(writer).finish());
    }
    if (lab.is_mysql()) {
        lab.run("SET foreign_key_checks = 1");
    }
    std::vector<schemas::TablePtr> made;
    for (int t = 0; t < tables; ++t) {
        made.push_back(lab.table(table_name(t)));
    }
    return made;
}

void drop_tables(const Lab& lab, const std::vector<schemas::TablePtr>& tables) {
    lab.run(lab.is_mysql() ? SqlLiteral("SET foreign_key_checks = 0") : SqlLiteral("PRAGMA foreign_keys = OFF"));
    for (const auto& table : tables) {
        lab.run(std::move(write("DROP TABLE ").ident(table->name)).finish());
    }
    lab.run(lab.is_mysql() ? SqlLiteral("SET foreign_key_checks = 1") : SqlLiteral("PRAGMA foreign_keys = ON"));
}

// Rows that refer to nothing, which are then made to refer to what they may.
void fill(const Lab& lab, const std::vector<schemas::TablePtr>& tables, Random& random) {
    for (const auto& table : tables) {
        for (int n = 1; n <= 6; ++n) {
            const auto number = static_cast<std::uint64_t>(n);
            lab.run(std::move(write("INSERT INTO ").ident(table->name).keyword(" (n, u, v, f, g) VALUES (").number(number).keyword(", NULL, ")
                                  .keyword("NULL, NULL, NULL)")).finish());
        }
    }
    for (int tries = 0; tries < 60 * static_cast<int>(tables.size()); ++tries) {
        const auto& table = tables[static_cast<std::size_t>(pick(random, static_cast<int>(tables.size())))];
        Writer writer = write("UPDATE ");
        writer.ident(table->name).keyword(" SET ").ident(name(std::string(1, "uvfgfg"[pick(random, 6)]))).keyword(" = ");
        writer.number(static_cast<std::uint64_t>(1 + pick(random, 6))).keyword(" WHERE n = ").number(static_cast<std::uint64_t>(1 + pick(random, 6)));
        (void)lab.try_run(std::move(writer).finish());  // refused, often
    }
}

using Content = std::vector<std::map<int, std::vector<Value>>>;

Content content(const Lab& lab, const std::vector<schemas::TablePtr>& tables) {
    Content out;
    for (const auto& table : tables) {
        out.push_back(lab.content(*table));
    }
    return out;
}

struct Real {
    std::uint64_t beyond = 0;  // rows deleted or changed, the statement's own left out
    std::uint64_t own_gone = 0;
};

Real differences(const Content& before, const Content& after, std::size_t written, const std::vector<int>& numbers) {
    Real real;
    for (std::size_t t = 0; t < before.size(); ++t) {
        for (const auto& [n, cells] : before[t]) {
            const auto now = after[t].find(n);
            const bool is_own = t == written && std::count(numbers.begin(), numbers.end(), n) != 0;
            const bool is_other = now == after[t].end() || now->second != cells;
            real.beyond += is_other && !is_own ? 1 : 0;
            real.own_gone += is_own && now == after[t].end() ? 1 : 0;
        }
    }
    return real;
}

std::vector<Value> cells_of(const std::vector<Value>& row, const schemas::Table& table, const std::vector<std::string>& columns) {
    std::vector<Value> out;
    for (const std::string& column : columns) {
        out.push_back(row[*table.index_of(column)]);
    }
    return out;
}

// How many rows went, or changed, that referred by this key to a row that went; the statement's own left out.
std::uint64_t really_reached(const Content& before, const Content& after, const std::vector<schemas::TablePtr>& tables,
                             const ReferenceMap& map, const sql::exec::MapKey& key, std::size_t written, const std::vector<int>& numbers,
                             bool deletes) {
    const auto place = [&](std::size_t table) {
        const auto found = std::find_if(tables.begin(), tables.end(), [&](const auto& one) { return one->name == map.tables[table].table->name; });
        return static_cast<std::size_t>(found - tables.begin());
    };
    const std::size_t parent = place(key.parent);
    const std::size_t child = place(key.child);
    std::uint64_t rows = 0;
    for (const auto& [n, cells] : before[child]) {
        const auto now = after[child].find(n);
        const bool is_gone = now == after[child].end();
        const bool is_own = child == written && std::count(numbers.begin(), numbers.end(), n) != 0;
        if (is_own || is_gone != deletes || (!is_gone && now->second == cells)) {
            continue;
        }
        const auto refers = cells_of(cells, *tables[child], key.key.columns);
        rows += std::any_of(before[parent].begin(), before[parent].end(), [&](const auto& each) {
            const bool has_gone = !after[parent].contains(each.first);
            return has_gone && cells_of(each.second, *tables[parent], key.key.parent_columns) == refers &&
                   std::count(refers.begin(), refers.end(), Value(schemas::Null{})) == 0;
        });
    }
    return rows;
}

// A row that comes to refer to a default may go with it.
bool has_default(const ReferenceMap& map) {
    return std::any_of(map.keys.begin(), map.keys.end(), [](const auto& key) {
        return key.key.on_delete == ReferentialAction::set_default || key.key.on_update == ReferentialAction::set_default;
    });
}

struct Score {
    int all = 0;
    int decided = 0;
    int done = 0;
    int refused = 0;
    int reaching = 0;
};

void try_delete(const Lab& lab, const std::vector<schemas::TablePtr>& tables, const Content& before, Random& random, Score& score) {
    const auto written = static_cast<std::size_t>(pick(random, static_cast<int>(tables.size())));
    std::vector<int> numbers;
    for (int n = 1; n <= 6; ++n) {
        if (pick(random, 3) == 0) {
            numbers.push_back(n);
        }
    }
    if (numbers.empty()) {
        numbers.push_back(1 + pick(random, 6));
    }
    lab.begin();
    auto read = sql::exec::read_reference_map(lab.connection(), tables[written], soon());
    REQUIRE_MESSAGE(read, read.error().internal);
    const ReferenceMap map = std::move(*read);
    if (!map.is_complete) {
        CHECK(!tables[written]->primary_key);
        lab.rollback();
        return;
    }
    const Consequences told = map.tables[0].columns.empty() ? Consequences() : lab.of_delete(map, numbers);
    const auto affected = lab.try_delete(tables[written]->name, numbers);
    ++score.all;
    score.decided += told.is_decided ? 1 : 0;
    if (!affected) {
        CHECK(affected.error().fault != DbFault::unknown);
        CHECK((told.is_refused() || !told.is_decided));
        ++score.refused;
    } else {
        ++score.done;
        score.reaching += told.rows > 0 ? 1 : 0;
        CHECK((!told.is_refused() || !told.is_decided));
        const Content after = content(lab, tables);
        const Real real = differences(before, after, written, numbers);
        CHECK(real.own_gone == numbers.size());
        CHECK(*affected <= numbers.size());
        CHECK(*affected + told.own_rows_reached >= numbers.size());
        CHECK((real.beyond <= told.rows || has_default(map)));
        if (told.is_decided) {
            CHECK(real.beyond == told.rows);
            std::vector<std::uint64_t> by_key(map.keys.size() * 2, 0);
            for (const auto& effect : told.effects) {
                by_key[effect.key * 2 + (effect.action == ReferentialAction::cascade ? 1 : 0)] += effect.rows;
            }
            // A row that several keys reach counts for one of them.
            CHECK(std::accumulate(by_key.begin(), by_key.end(), std::uint64_t{0}) == told.rows);
            for (std::size_t key = 0; key < map.keys.size(); ++key) {
                const ReferentialAction on_delete = map.keys[key].key.on_delete;
                if (on_delete == ReferentialAction::cascade) {
                    CHECK(by_key[key * 2 + 1] <= really_reached(before, after, tables, map, map.keys[key], written, numbers, true));
                } else if (on_delete == ReferentialAction::set_null && map.keys[key].key.on_update != ReferentialAction::set_null) {
                    CHECK(by_key[key * 2] <= really_reached(before, after, tables, map, map.keys[key], written, numbers, false));
                }
            }
        }
    }
    lab.rollback();
}

void try_update(const Lab& lab, const std::vector<schemas::TablePtr>& tables, const Content& before, Random& random, Score& score) {
    const auto written = static_cast<std::size_t>(pick(random, static_cast<int>(tables.size())));
    const std::vector<int> numbers{1 + pick(random, 6)};
    const std::string column(1, "nuv"[pick(random, 3)]);
    const std::int64_t value = column == "n" ? 7 : 1 + pick(random, 7);
    lab.begin();
    const ReferenceMap map = lab.map(tables[written]->name.text());
    if (!map.is_complete) {
        lab.rollback();
        return;
    }
    const std::vector<sql::plan::Assignment> assignments{{*tables[written]->index_of(column), value}};
    const auto found = sql::exec::consequences_of_update(lab.connection(), lab.dialect(), map, lab.own_rows(map, numbers), assignments, {}, soon());
    REQUIRE_MESSAGE(found, found.error().internal);
    Writer writer = write("UPDATE ");
    writer.ident(tables[written]->name).keyword(" SET ").ident(name(column)).keyword(" = ").number(static_cast<std::uint64_t>(value));
    Lab::write_numbers(writer, numbers);
    const auto affected = lab.try_run(std::move(writer).finish());
    ++score.all;
    score.decided += found->is_decided ? 1 : 0;
    if (affected) {
        ++score.done;
        score.reaching += found->rows > 0 ? 1 : 0;
        CHECK((!found->is_refused() || !found->is_decided));
        // A row that got another number is not a row that went.
        if (column != "n") {
            const Real real = differences(before, content(lab, tables), written, numbers);
            CHECK((real.beyond <= found->rows || has_default(map)));
            if (found->is_decided) {
                CHECK(real.beyond == found->rows);
            }
        }
    } else {
        // A unique key of the written row, or what it refers to, may refuse the update by itself.
        ++score.refused;
    }
    lab.rollback();
}

void play(Lab::Kind kind, unsigned seed, int schemas, int tries) {
    const Lab lab(kind);
    if (!lab) {
        return;
    }
    Score deletes;
    Score updates;
    for (int s = 0; s < schemas; ++s) {
        const unsigned seed_of_schema = seed + static_cast<unsigned>(s);
        CAPTURE(seed_of_schema);
        Random random(seed_of_schema);
        if (!lab.is_mysql()) {
            lab.begin();
        }
        const auto tables = make_tables(lab, random);
        if (lab.is_mysql()) {
            lab.begin();
        }
        fill(lab, tables, random);
        lab.commit();
        const Content before = content(lab, tables);
        for (int i = 0; i < tries; ++i) {
            CAPTURE(i);
            try_delete(lab, tables, before, random, deletes);
            if (i % 3 == 0) {
                try_update(lab, tables, before, random, updates);
            }
        }
        drop_tables(lab, tables);
    }
    MESSAGE("deletes: ", deletes.all, ", decided ", deletes.decided, ", done ", deletes.done, ", refused ", deletes.refused, ", reaching others ", deletes.reaching,
            "; updates: ", updates.all, ", decided ", updates.decided, ", done ", updates.done, ", refused ", updates.refused, ", reaching others ", updates.reaching);
    CHECK(deletes.decided * 2 > deletes.all);
    CHECK(deletes.done * 4 > deletes.all);
    CHECK(deletes.refused * 20 > deletes.all);
    CHECK(deletes.reaching * 10 > deletes.all);
    // Seen on MariaDB: none of so few came through that reaches another row; the plain test has one.
    CHECK((lab.is_mysql() || updates.reaching > 0));
}

}  // namespace

TEST_CASE("what a delete or an update is told to reach is what it reaches: random foreign keys on SQLite") { play(Lab::Kind::sqlite, 1, 250, 12); }

TEST_CASE("what a delete or an update is told to reach is what it reaches: random foreign keys on MariaDB") { play(Lab::Kind::mysql, 1000, 20, 24); }
