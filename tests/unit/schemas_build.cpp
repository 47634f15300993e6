#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "schemas_reading.h"

using namespace schemas_test;
using schemas::Family;
using schemas::Storage;
using schemas::Type;
using schemas::TypeClass;

namespace {

std::string name_of(TypeClass type_class) {
    constexpr std::string_view kNames[] = {"integer", "boolean", "bit",      "decimal",   "float32", "float64",  "year",
                                           "date",    "time",    "datetime", "timestamp", "uuid",    "inet4",    "inet6",
                                           "enum",    "set",     "text",     "binary",    "json",    "geometry", "unsupported"};
    return std::string(kNames[static_cast<std::size_t>(type_class)]);
}

// "integer 32 unsigned", "decimal (10,2)", "text chars 5 fixed".
std::string print(const Type& type) {
    std::string out = name_of(type.type_class);
    out += type.bits != 0 ? fmt::format(" {}", type.bits) : "";
    out += type.is_unsigned ? " unsigned" : "";
    out += type.precision ? fmt::format(" ({},{})", *type.precision, type.scale) : "";
    out += type.fraction_digits != 0 ? fmt::format(" .{}", type.fraction_digits) : "";
    out += type.characters_max ? fmt::format(" chars {}", *type.characters_max) : "";
    out += type.bytes_max ? fmt::format(" bytes {}", *type.bytes_max) : "";
    out += type.is_fixed ? " fixed" : "";
    for (const std::string& member : type.members) {
        out += fmt::format(" <{}>", member);
    }
    return out;
}

struct Declaration {
    std::string_view declared;
    std::string_view printed;
};

schemas::RawColumn column(std::string name, std::string declared, bool is_nullable = true) {
    schemas::RawColumn raw = raw_column(declared, "utf8mb4");
    raw.name = std::move(name);
    raw.data_type = raw.column_type.substr(0, raw.column_type.find_first_of("( "));
    raw.is_nullable = is_nullable;
    return raw;
}

schemas::RawTable users() {
    schemas::RawTable table;
    table.name = "users";
    table.columns = {column("id", "int(11)", false), column("name", "varchar(100)", false), column("email", "varchar(100)")};
    table.columns[0].is_auto_increment = true;
    table.keys = {{"PRIMARY", true, {"id"}}, {"email", false, {"email", "name"}}};
    table.foreign_keys = {
        {"fk", {"name"}, "names", {"name"}, schemas::ReferentialAction::cascade, schemas::ReferentialAction::restrict}};
    table.version_token = "token";
    table.is_version_settled = true;
    return table;
}

}  // namespace

TEST_CASE("what MariaDB declares becomes a type") {
    const Declaration declarations[] = {{"tinyint(1)", "boolean 8"},
                                        {"tinyint(1) unsigned", "integer 8 unsigned"},
                                        {"tinyint(4)", "integer 8"},
                                        {"tinyint(2)", "integer 8"},
                                        {"tinyint", "integer 8"},
                                        {"smallint(6)", "integer 16"},
                                        {"mediumint(8) unsigned", "integer 24 unsigned"},
                                        {"int(11)", "integer 32"},
                                        {"int", "integer 32"},
                                        {"int unsigned", "integer 32 unsigned"},
                                        {"int(5) unsigned zerofill", "integer 32 unsigned"},
                                        {"int(1)", "integer 32"},
                                        {"bigint(20) unsigned", "integer 64 unsigned"},
                                        {"bigint(20)", "integer 64"},
                                        {"bit(1)", "bit 1"},
                                        {"bit(64)", "bit 64"},
                                        {"bit(65)", "unsupported"},
                                        {"decimal(10,2)", "decimal (10,2)"},
                                        {"decimal(10,0)", "decimal (10,0)"},
                                        {"decimal(65,38) unsigned", "decimal unsigned (65,38)"},
                                        {"decimal(66,2)", "unsupported"},
                                        {"decimal(2,3)", "unsupported"},
                                        {"decimal", "unsupported"},
                                        {"float", "float32"},
                                        {"float(7,3)", "float32 (7,3)"},
                                        {"float unsigned", "float32 unsigned"},
                                        {"double", "float64"},
                                        {"double(10,4) unsigned", "float64 unsigned (10,4)"},
                                        {"year(4)", "year"},
                                        {"year", "year"},
                                        {"year(2)", "unsupported"},
                                        {"date", "date"},
                                        {"time", "time"},
                                        {"time(3)", "time .3"},
                                        {"datetime(6)", "datetime .6"},
                                        {"datetime(7)", "unsupported"},
                                        {"timestamp", "timestamp"},
                                        {"time /* mariadb-5.3 */", "time"},
                                        {"char(5)", "text chars 5 fixed"},
                                        {"varchar(7)", "text chars 7"},
                                        {"varchar(200) /*M!100301 COMPRESSED*/", "text chars 200"},
                                        {"varchar", "unsupported"},
                                        {"tinytext", "text bytes 255"},
                                        {"text", "text bytes 65535"},
                                        {"mediumtext", "text bytes 16777215"},
                                        {"longtext", "text bytes 4294967295"},
                                        {"binary(4)", "binary bytes 4 fixed"},
                                        {"varbinary(9)", "binary bytes 9"},
                                        {"tinyblob", "binary bytes 255"},
                                        {"blob", "binary bytes 65535"},
                                        {"mediumblob", "binary bytes 16777215"},
                                        {"longblob", "binary bytes 4294967295"},
                                        {"json", "json"},
                                        {"uuid", "uuid"},
                                        {"inet4", "inet4"},
                                        {"inet6", "inet6"},
                                        {"geometry", "geometry"},
                                        {"point", "geometry"},
                                        {"multipolygon", "geometry"},
                                        {"geomcollection", "geometry"},
                                        {"vector(3)", "unsupported"},
                                        {"xmltype", "unsupported"},
                                        {"", "unsupported"},
                                        {"int(11", "unsupported"},
                                        {"set('a','b')", "set <a> <b>"}};
    for (const Declaration& declaration : declarations) {
        CAPTURE(declaration.declared);
        const Type type = mysql(declaration.declared, "utf8mb4");
        CHECK(print(type) == declaration.printed);
        CHECK(type.declared == declaration.declared);
        CHECK(type.storage == Storage::typed);
    }
}

TEST_CASE("the members of an enumeration are parsed as MariaDB prints them") {
    // Printed by MariaDB 10.11 for: 'a\b', 'c\\d' (two backslashes), a line feed, a carriage return, a tab, a quote, a NUL.
    const Type type = mysql("enum('a\\\\b','c\\\\\\\\d','nl\\n','cr\\rx','tab\t','q''','nul\\0x','a,b','p)q','é','dq\"','\\%')");
    const std::vector<std::string> members = {"a\\b", "c\\\\d", "nl\n", "cr\rx", "tab\t", "q'", std::string("nul\0x", 5),
                                              "a,b",  "p)q",    "é",    "dq\"",  "\\%"};
    CHECK(type.members == members);
    CHECK(mysql("enum('')").members == std::vector<std::string>{""});
    CHECK(mysql("enum('','')").type_class == TypeClass::unsupported);
    CHECK(mysql("enum()").members == std::vector<std::string>{""});
    for (const std::string_view broken : {"enum('a", "enum('a'", "enum('a','b''", "enum('a'b)", "enum('a')('b')", "enum"}) {
        CAPTURE(broken);
        CHECK(mysql(broken).type_class == TypeClass::unsupported);
    }
}

TEST_CASE("what MariaDB says beside the declared type is used") {
    schemas::RawColumn raw = column("c", "longtext");
    raw.has_json_check = true;
    CHECK(print(type_of(Family::mysql, raw)) == "json bytes 4294967295");
    raw.column_type = raw.data_type = "text";
    CHECK(print(type_of(Family::mysql, raw)) == "text bytes 65535");
    raw = column("c", "VARCHAR(9)");
    raw.data_type = "VARCHAR";
    raw.charset = "LATIN1";
    raw.collation = "latin1_swedish_ci";
    raw.characters_max = 9;
    raw.bytes_max = 9;
    const Type type = type_of(Family::mysql, raw);
    CHECK(print(type) == "text chars 9");
    CHECK(type.charset == "latin1");
    CHECK(type.collation == "latin1_swedish_ci");
    raw = column("c", "datetime");
    raw.datetime_precision = 3;
    CHECK(print(type_of(Family::mysql, raw)) == "datetime .3");
    raw = column("c", "decimal");
    raw.numeric_precision = 5;
    raw.numeric_scale = 1;
    CHECK(print(type_of(Family::mysql, raw)) == "decimal (5,1)");
}

TEST_CASE("what a SQLite table declares becomes a type with MySQL's ranges") {
    const Declaration declarations[] = {{"INTEGER", "integer 64"},
                                        {"integer", "integer 64"},
                                        {"INTEGER(11)", "integer 32"},
                                        {"INTEGER UNSIGNED", "integer 32 unsigned"},
                                        {"INT", "integer 32"},
                                        {"int(11)", "integer 32"},
                                        {"INT UNSIGNED", "integer 32 unsigned"},
                                        {"UNSIGNED INT", "integer 32 unsigned"},
                                        {"INT(10) UNSIGNED", "integer 32 unsigned"},
                                        {"TINYINT", "integer 8"},
                                        {"TINYINT(1)", "boolean 8"},
                                        {"TINYINT(1) UNSIGNED", "integer 8 unsigned"},
                                        {"BOOLEAN", "boolean"},
                                        {"bool", "boolean"},
                                        {"SMALLINT", "integer 16"},
                                        {"INT2", "integer 16"},
                                        {"MEDIUMINT", "integer 24"},
                                        {"BIGINT", "integer 64"},
                                        {"INT8", "integer 64"},
                                        {"BIGINT UNSIGNED", "integer 64 unsigned"},
                                        {"DECIMAL(10,2)", "decimal (10,2)"},
                                        {"DECIMAL( 10 , 2 )", "decimal (10,2)"},
                                        {"NUMERIC", "decimal (10,0)"},
                                        {"DEC(5)", "decimal (5,0)"},
                                        {"DECIMAL(5,2) UNSIGNED", "decimal unsigned (5,2)"},
                                        {"DECIMAL(66)", "unsupported"},
                                        {"DECIMAL(2,3)", "unsupported"},
                                        {"DECIMAL(1,2,3)", "unsupported"},
                                        {"DECIMAL(-1)", "unsupported"},
                                        {"DECIMAL(99999999999999999999)", "unsupported"},
                                        {"REAL", "float64"},
                                        {"DOUBLE", "float64"},
                                        {"DOUBLE PRECISION", "float64"},
                                        {"double   precision", "float64"},
                                        {"FLOAT", "float32"},
                                        {"FLOAT(24)", "float32"},
                                        {"FLOAT(25)", "float64"},
                                        {"FLOAT(54)", "unsupported"},
                                        {"FLOAT(7,3)", "float32 (7,3)"},
                                        {"CHAR", "text chars 1 fixed"},
                                        {"CHAR(5)", "text chars 5 fixed"},
                                        {"VARCHAR(5)", "text chars 5"},
                                        {"VARCHAR", "text"},
                                        {"NVARCHAR(5)", "text chars 5"},
                                        {"CHARACTER VARYING(7)", "text chars 7"},
                                        {"Character(20)", "text chars 20 fixed"},
                                        {"VARCHAR(MAX)", "unsupported"},
                                        {"VARCHAR('5')", "text chars 5"},
                                        {"TEXT", "text"},
                                        {"TEXT(9)", "text"},
                                        {"CLOB", "text"},
                                        {"LONGTEXT", "text"},
                                        {"TINYTEXT", "text bytes 255"},
                                        {"BLOB", "binary"},
                                        {"TINYBLOB", "binary bytes 255"},
                                        {"BINARY(4)", "binary bytes 4 fixed"},
                                        {"VARBINARY(4)", "binary bytes 4"},
                                        {"DATE", "date"},
                                        {"TIME", "time"},
                                        {"TIME(3)", "time .3"},
                                        {"TIME(7)", "unsupported"},
                                        {"DATETIME", "datetime"},
                                        {"TIMESTAMP(6)", "timestamp .6"},
                                        {"YEAR", "year"},
                                        {"YEAR(4)", "year"},
                                        {"YEAR(2)", "unsupported"},
                                        {"BIT", "bit 1"},
                                        {"BIT(8)", "bit 8"},
                                        {"BIT(65)", "unsupported"},
                                        {"JSON", "json"},
                                        {"UUID", "uuid"},
                                        {"", "unsupported"},
                                        {"ANY", "unsupported"},
                                        {"STRING", "unsupported"},
                                        {"POINT", "unsupported"},
                                        {"INTEGERS", "unsupported"},
                                        {"INT INT", "unsupported"},
                                        {"TEXT UNSIGNED", "unsupported"},
                                        {"DATE(3)", "unsupported"},
                                        {"INT(", "unsupported"},
                                        {"INT)", "unsupported"},
                                        {"(5)", "unsupported"},
                                        {"INT(5)(6)", "unsupported"},
                                        {"UNSIGNED", "unsupported"},
                                        {"ENUM('a')", "unsupported"},
                                        {"TIMESTAMP WITH TIME ZONE", "unsupported"}};
    for (const Declaration& declaration : declarations) {
        CAPTURE(declaration.declared);
        const Type type = sqlite(declaration.declared);
        CHECK(print(type) == declaration.printed);
        CHECK(type.declared == declaration.declared);
        CHECK(type.storage == Storage::sqlite);
    }
    CHECK(sqlite("TEXT").charset == "utf8mb4");
    CHECK(sqlite("TEXT").collation == "BINARY");
    schemas::RawColumn raw = raw_column("TEXT");
    raw.collation = "NOCASE";
    CHECK(type_of(Family::sqlite, raw).collation == "NOCASE");
    raw.collation = "NoCase";  // as somebody wrote it; SQLite does not mind
    CHECK(type_of(Family::sqlite, raw).collation == "NOCASE");
}

TEST_CASE("a missing value is filled in by a default, auto-increment, a generated column or NULL") {
    schemas::RawTable raw;
    raw.name = "t";
    raw.columns = {column("plain", "int(11)", false), column("nullable", "int(11)"), column("auto", "int(11)", false),
                   column("given", "int(11)", false), column("null", "int(11)"),     column("made", "int(11)", false)};
    raw.columns[2].is_auto_increment = true;
    raw.columns[3].default_expression = "5";
    raw.columns[4].default_expression = "NULL";
    raw.columns[5].is_generated = true;
    const auto table = schemas::build(raw);
    const bool expected[] = {false, true, true, true, true, true};
    for (std::size_t i = 0; i < table->columns.size(); ++i) {
        CAPTURE(table->columns[i].name.text());
        CHECK(table->columns[i].has_default == expected[i]);
    }
    CHECK(table->columns[5].is_generated);
    CHECK(table->auto_increment() == std::optional<std::size_t>(2));
}

TEST_CASE("primary key columns are NOT NULL whatever SQLite lets them be") {
    schemas::RawTable raw;
    raw.family = Family::sqlite;
    raw.name = "t";
    raw.columns = {raw_column("TEXT"), raw_column("TEXT"), raw_column("TEXT"), raw_column("TEXT")};
    const char* const names[] = {"a", "b", "c", "d"};
    for (std::size_t i = 0; i < 4; ++i) {
        raw.columns[i].name = names[i];
    }
    raw.columns[1].default_expression = "NULL";
    raw.columns[2].default_expression = "'x'";
    raw.keys = {{"", true, {"a", "b", "c"}}};
    const auto table = schemas::build(raw);
    CHECK_FALSE(table->columns[0].is_nullable);
    CHECK_FALSE(table->columns[0].has_default);
    CHECK_FALSE(table->columns[1].is_nullable);
    CHECK_FALSE(table->columns[1].has_default);
    CHECK(table->columns[2].has_default);
    CHECK(table->columns[3].is_nullable);
}

TEST_CASE("keys point at columns, the primary one apart, and a key on something else is left out") {
    schemas::RawTable raw = users();
    raw.keys.push_back({"expression", false, {"lower(name)"}});
    raw.keys.push_back({"empty", false, {}});
    const auto table = schemas::build(raw);
    CHECK(table->name.text() == "users");
    REQUIRE(table->primary_key);
    CHECK(table->primary_key->columns == std::vector<std::size_t>{0});
    REQUIRE(table->unique_keys.size() == 1);
    CHECK(table->unique_keys[0].name == "email");
    CHECK(table->unique_keys[0].columns == std::vector<std::size_t>{2, 1});
    REQUIRE(table->foreign_keys.size() == 1);
    CHECK(table->foreign_keys[0].parent_table == "names");
    CHECK(table->version.token == "token");
    CHECK(table->version.is_settled);
    CHECK(table->version.fingerprint == schemas::fingerprint(raw));
}

TEST_CASE("a fingerprint changes with everything that introspection said, and with nothing else") {
    const std::string before = schemas::fingerprint(users());
    CHECK(before == schemas::fingerprint(users()));
    std::vector<schemas::RawTable> changed(18, users());
    changed[0].name = "user";
    changed[1].kind = schemas::TableKind::view;
    changed[2].family = Family::sqlite;
    changed[3].columns[0].name = "ID";
    changed[4].columns[0].column_type = "int(10)";
    changed[5].columns[1].is_nullable = true;
    changed[6].columns[1].default_expression = "";
    changed[7].columns[1].charset = "latin1";
    changed[8].columns[1].collation = "utf8mb4_bin";
    changed[9].columns[1].characters_max = 100;
    changed[10].columns[1].is_generated = true;
    changed[11].keys[1].columns = {"email"};
    changed[12].keys[1].is_primary = true;
    changed[13].foreign_keys[0].on_delete = schemas::ReferentialAction::set_null;
    changed[14].foreign_keys.clear();
    std::swap(changed[15].columns[1], changed[15].columns[2]);
    changed[16].columns[1].has_json_check = true;
    changed[17].columns[0].is_auto_increment = false;
    for (std::size_t i = 0; i < changed.size(); ++i) {
        CAPTURE(i);
        CHECK(schemas::fingerprint(changed[i]) != before);
    }
    schemas::RawTable same = users();
    same.version_token = "later";
    std::swap(same.keys[0], same.keys[1]);
    CHECK(schemas::fingerprint(same) == before);
}
