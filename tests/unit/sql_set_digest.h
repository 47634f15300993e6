// A random walk over small tables, the same for both databases: each step changes one thing, and then the digest must be that of the
// rows as they are: as before where they were so before, and of no other rows. The model of the rows is the test's own.
#pragma once

#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <iterator>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "schemas/catalog.h"
#include "sql/exec/set_digest.h"
#include "sql/render/set_digest.h"

namespace set_digest_tests {

using schemas::Value;

inline const schemas::Text kSalt{"000102030405060708090a0b0c0d0e0f"};
inline const schemas::Text kOtherSalt{"000102030405060708090a0b0c0d0e10"};

inline const std::vector<sql::plan::Predicate> kEverything;
inline const sql::plan::RowFilters kNoFilters;

// Every row of the table.
inline sql::render::Statement all_rows(const schemas::Table& table, const sql::render::Dialect& dialect, const schemas::Text& salt = kSalt) {
    return sql::render::render_set_digest({table, kEverything, kNoFilters, {}, 1'000'000}, dialect, salt);
}

inline sql::exec::SetDigest digest_of(sql::exec::Connection& connection, const sql::render::Statement& statement) {
    auto read = sql::exec::read_set_digest(connection, statement, sql::exec::Deadline::after(std::chrono::seconds(10)));
    REQUIRE_MESSAGE(read, read.error().internal);
    return *read;
}

// Rows by their id, each a choice of one value for each column after the id.
using Model = std::map<std::int64_t, std::vector<std::size_t>>;

struct Walk {
    const schemas::Table& table;                  // the first column is the id
    std::vector<std::vector<Value>> values;       // what each other column may hold: no two alike
    std::vector<std::vector<std::size_t>> alike;  // groups of columns that hold the same values, to exchange cells between them
    sql::exec::Connection& connection;
    const sql::render::Dialect& dialect;
    std::minstd_rand random{20261121};
    Model model = {};
    std::map<Model, std::string> digests = {};
    std::map<std::string, Model> models = {};

    std::size_t below(std::size_t count) { return std::uniform_int_distribution<std::size_t>(0, count - 1)(random); }

    void run(sql::render::Writer&& writer) {
        const auto done = connection.run(std::move(writer).finish(), sql::exec::Deadline::after(std::chrono::seconds(10)));
        REQUIRE_MESSAGE(done, done.error().internal);
        REQUIRE(*done == 1);
    }

    void insert(std::int64_t id) {
        std::vector<std::size_t> row;
        sql::render::Writer writer(dialect.quote());
        writer.keyword("INSERT INTO ").ident(table.name).keyword(" VALUES (").param(id);
        for (const std::vector<Value>& choices : values) {
            row.push_back(below(choices.size()));
            writer.keyword(", ").param(choices[row.back()]);
        }
        run(std::move(writer.keyword(")")));
        model[id] = row;
    }

    void erase(std::int64_t id) {
        sql::render::Writer writer(dialect.quote());
        writer.keyword("DELETE FROM ").ident(table.name).keyword(" WHERE ").ident(table.columns[0].name).keyword(" = ").param(id);
        run(std::move(writer));
        model.erase(id);
    }

    void set(std::int64_t id, std::size_t column, std::size_t choice) {
        sql::render::Writer writer(dialect.quote());
        writer.keyword("UPDATE ").ident(table.name).keyword(" SET ").ident(table.columns[column + 1].name).keyword(" = ");
        writer.param(values[column][choice]).keyword(" WHERE ").ident(table.columns[0].name).keyword(" = ").param(id);
        run(std::move(writer));
        model[id][column] = choice;
    }

    void step() {
        const std::size_t what = below(10);
        const auto any = [this] { return std::next(model.begin(), static_cast<std::ptrdiff_t>(below(model.size())))->first; };
        if (model.size() < 2 || (what == 0 && model.size() < 6)) {
            std::int64_t id = 1;
            while (model.contains(id)) {
                ++id;
            }
            insert(id);
        } else if (what == 1) {
            erase(any());
        } else if (what <= 5) {
            const std::size_t column = below(values.size());
            set(any(), column, below(values[column].size()));
        } else if (what <= 7) {
            const std::size_t column = below(values.size());
            const std::int64_t one = any();
            const std::int64_t other = any();
            const std::size_t of_one = model[one][column];
            set(one, column, model[other][column]);
            set(other, column, of_one);
        } else {
            const std::vector<std::size_t>& group = alike[below(alike.size())];
            const std::size_t left = group[below(group.size())];
            const std::size_t right = group[below(group.size())];
            const std::int64_t id = any();
            const std::size_t of_left = model[id][left];
            set(id, left, model[id][right]);
            set(id, right, of_left);
        }
    }

    void check() {
        const sql::exec::SetDigest found = digest_of(connection, all_rows(table, dialect));
        REQUIRE(found.rows == model.size());
        REQUIRE(found.digest.has_value());
        const auto [digest, is_new_model] = digests.emplace(model, *found.digest);
        REQUIRE(digest->second == *found.digest);
        const auto [rows, is_new_digest] = models.emplace(*found.digest, model);
        REQUIRE(rows->second == model);
        REQUIRE(is_new_model == is_new_digest);
    }

    void go(int steps) {
        for (int i = 0; i < steps; ++i) {
            step();
            check();
        }
        CHECK(digests.size() > static_cast<std::size_t>(steps / 4));  // it went about, and did not stand still
    }
};

}  // namespace set_digest_tests
