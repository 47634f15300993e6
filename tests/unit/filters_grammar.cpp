// filters/GRAMMAR.md against the parser: its operators, its limits and every example.
#include <doctest/doctest.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "filters/parse.h"
#include "filters/print.h"
#include "tests/unit/filters_equal.h"

using namespace filters;

namespace {

// The table rows below a heading, each cut at its bars.
std::vector<std::vector<std::string>> rows_below(std::string_view heading) {
    const auto path = std::filesystem::path(ROWGATE_ROOT) / "filters/GRAMMAR.md";
    std::ifstream file(path);
    REQUIRE(file.is_open());
    std::vector<std::vector<std::string>> rows;
    bool is_below = false;
    for (std::string line; std::getline(file, line);) {
        if (line.substr(0, 3) == "## ") {
            is_below = line.substr(3) == heading;
        }
        if (!is_below || line.substr(0, 2) != "| " || line.substr(0, 4) == "|---") {
            continue;
        }
        std::vector<std::string> cells;
        for (std::size_t begin = 2; begin < line.size();) {
            const std::size_t end = line.find(" |", begin);
            REQUIRE(end != std::string::npos);
            cells.push_back(line.substr(begin, end - begin));
            begin = end + 3;
        }
        rows.push_back(cells);
    }
    REQUIRE(rows.size() > 1);
    rows.erase(rows.begin());  // the head of the table
    return rows;
}

// The texts between backticks.
std::vector<std::string> code_in(const std::string& cell) {
    std::vector<std::string> texts;
    for (std::size_t begin = cell.find('`'); begin != std::string::npos;) {
        const std::size_t end = cell.find('`', begin + 1);
        REQUIRE(end != std::string::npos);
        texts.push_back(cell.substr(begin + 1, end - begin - 1));
        begin = cell.find('`', end + 1);
    }
    return texts;
}

std::string_view name_of(Fault fault) {
    switch (fault) {
        case Fault::encoding_invalid:
            return "encoding_invalid";
        case Fault::name_invalid:
            return "name_invalid";
        case Fault::operator_unknown:
            return "operator_unknown";
        case Fault::value_invalid:
            return "value_invalid";
        case Fault::control_unknown:
            return "control_unknown";
        case Fault::control_invalid:
            return "control_invalid";
        case Fault::limit_exceeded:
            return "limit_exceeded";
    }
    return "";
}

// As requests are read.
Limits limits() {
    return {.reads_asks = true};
}

void check_accepted(const std::string& query) {
    CAPTURE(query);
    const auto parsed = parse(query, 0, limits());
    REQUIRE(parsed);
    const auto again = parse(print(*parsed), 0, limits());
    REQUIRE(again);
    CHECK(same(*parsed, *again));
}

}  // namespace

TEST_CASE("the grammar's table has the thirteen operators in order, and its examples use them") {
    std::string list;
    for (const auto& row : rows_below("Conditions")) {
        const std::string op = code_in(row.front()).front();
        list += (list.empty() ? "" : ", ") + op;
        for (const std::string& example : code_in(row.back())) {
            check_accepted(example);
            CHECK(filters::name_of(parse(example, 0, limits())->where.front().op) == op);
        }
    }
    CHECK(list == operator_list());
}

TEST_CASE("the grammar's accepted examples are accepted and round-trip") {
    for (const auto& row : rows_below("Accepted")) {
        check_accepted(code_in(row.front()).front());
    }
}

TEST_CASE("the grammar's refused examples are refused with the fault it names") {
    for (const auto& row : rows_below("Refused")) {
        const std::string query = code_in(row.front()).front();
        CAPTURE(query);
        const auto parsed = parse(query, 0, limits());
        REQUIRE_FALSE(parsed);
        CHECK(name_of(parsed.error().fault) == code_in(row.back()).front());
    }
}

TEST_CASE("the grammar names the default limits") {
    const auto rows = rows_below("Limits");
    CHECK(rows[0][1] == std::to_string(Limits{}.conditions_max));
    CHECK(Limits{}.list_items_max == 1000);
    CHECK(rows[1][1] == "1,000");
    CHECK(Limits{}.keys_max == 10'000);
    CHECK(rows[2][1] == "10,000");
}
