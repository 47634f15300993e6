#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "schemas/build.h"

namespace {

schemas::TablePtr table_of(std::initializer_list<const char*> names) {
    schemas::RawTable raw;
    raw.name = "t";
    for (const char* name : names) {
        schemas::RawColumn column;
        column.name = name;
        column.data_type = column.column_type = "int";
        raw.columns.push_back(column);
    }
    return schemas::build(raw);
}

}  // namespace

TEST_CASE("columns are found by their exact name") {
    const auto table = table_of({"id", "Name", "naïve"});
    CHECK(table->find("Name") == &table->columns[1]);
    CHECK(table->find("name") == nullptr);
    CHECK(table->find("") == nullptr);
    CHECK(table->index_of("naïve") == std::optional<std::size_t>(2));
    CHECK_FALSE(table->index_of("naive"));
    CHECK_FALSE(table->auto_increment());
}

TEST_CASE("the nearest name is a third of its letters away at most, and the first of equals") {
    const auto table = table_of({"id", "name", "email", "is_active", "created_at", "naïve"});
    struct Asked {
        std::string_view name;
        std::string_view nearest;
    };
    for (const Asked& asked : {Asked{"nmae", "name"},
                               {"nam", "name"},
                               {"names", "name"},
                               {"Name", "name"},
                               {"emial", "email"},
                               {"e-mail", "email"},
                               {"isactive", "is_active"},
                               {"is_actvie", "is_active"},
                               {"createdat", "created_at"},
                               {"naive", "naïve"},
                               {"idd", "id"},
                               {"x", ""},
                               {"", ""},
                               {"phone", ""},
                               {"zzzzzzzzzzzz", ""},
                               {"NAME", ""},
                               {"i", "id"}}) {
        CAPTURE(asked.name);
        CHECK(table->nearest(asked.name) == asked.nearest);
    }
    CHECK(table_of({"ab", "ac"})->nearest("ad") == "ab");
    CHECK(table_of({"ac", "ab"})->nearest("ad") == "ac");
    CHECK(table->nearest(std::string(100'000, 'n')).empty());
    CHECK(table->nearest("\xff\x80\x80\x80\x80\x80").empty());
}
