#include <doctest/doctest.h>

#include <string>

#include "schemas_reading.h"

using namespace schemas_test;

TEST_CASE("integers are read within the declared width, at its limits and one past them") {
    CHECK_ROWS(mysql("tinyint(4)"), {"0", "int 0"}, {"-0", "int 0"}, {"-128", "int -128"}, {"127", "int 127"},
               {"-129", "error: is outside -128 to 127"}, {"128", "error: is outside -128 to 127"});
    CHECK_ROWS(mysql("tinyint(1) unsigned"), {"0", "int 0"}, {"-0", "int 0"}, {"255", "int 255"},
               {"256", "error: is outside 0 to 255"}, {"-1", "error: is outside 0 to 255"});
    CHECK_ROWS(mysql("smallint(6)"), {"-32768", "int -32768"}, {"32767", "int 32767"},
               {"32768", "error: is outside -32768 to 32767"}, {"-32769", "error: is outside -32768 to 32767"});
    CHECK_ROWS(mysql("mediumint(9)"), {"-8388608", "int -8388608"}, {"8388607", "int 8388607"},
               {"8388608", "error: is outside -8388608 to 8388607"});
    CHECK_ROWS(mysql("mediumint(8) unsigned"), {"16777215", "int 16777215"}, {"16777216", "error: is outside 0 to 16777215"});
    CHECK_ROWS(mysql("int(11)"), {"-2147483648", "int -2147483648"}, {"2147483647", "int 2147483647"},
               {"2147483648", "error: is outside -2147483648 to 2147483647"},
               {"-2147483649", "error: is outside -2147483648 to 2147483647"});
    CHECK_ROWS(mysql("int(5) unsigned zerofill"), {"4294967295", "int 4294967295"},
               {"4294967296", "error: is outside 0 to 4294967295"}, {"00042", "error: is not an integer"});
    CHECK_ROWS(mysql("bigint(20)"), {"-9223372036854775808", "int -9223372036854775808"},
               {"9223372036854775807", "int 9223372036854775807"},
               {"9223372036854775808", "error: is outside -9223372036854775808 to 9223372036854775807"},
               {"-9223372036854775809", "error: is outside -9223372036854775808 to 9223372036854775807"},
               {"-18446744073709551617", "error: is outside -9223372036854775808 to 9223372036854775807"});
    CHECK_ROWS(mysql("bigint(20) unsigned"), {"9223372036854775807", "int 9223372036854775807"},
               {"9223372036854775808", "uint 9223372036854775808"}, {"18446744073709551615", "uint 18446744073709551615"},
               {"18446744073709551616", "error: is outside 0 to 18446744073709551615"},
               {"-1", "error: is outside 0 to 18446744073709551615"},
               {"99999999999999999999999999999999999999", "error: is outside 0 to 18446744073709551615"});
}

TEST_CASE("what is not written as an integer is refused") {
    for (const std::string_view literal :
         {"",    "-",   "+1",  " 1", "1 ",    "1abc", "abc", "0x10", "1e0", "1.0",  "1.",  ".1",
          "--1", "007", "-01", "00", "1_000", "true", "１",  "٣",    "−1",  "NULL", "1\n", "1,2"}) {
        CAPTURE(literal);
        CHECK(read(literal, mysql("int(11)"), kComparison) == "error: is not an integer");
        CHECK(read(literal, mysql("int(11)"), kStorage) == "error: is not an integer");
        CHECK(read(literal, mysql("bit(8)"), kComparison) == "error: is not an integer");
    }
    CHECK(read(std::string_view("1\0", 2), mysql("int(11)"), kComparison) == "error: is not an integer");
}

TEST_CASE("SQLite keeps 64 signed bits, so an unsigned value above them is above every cell and cannot be stored") {
    CHECK_ROWS(sqlite("BIGINT UNSIGNED"), {"9223372036854775807", "int 9223372036854775807"},
               {"9223372036854775808", "above int 9223372036854775807",
                "error: is outside 0 to 9223372036854775807, all that SQLite keeps"},
               {"18446744073709551615", "above int 9223372036854775807",
                "error: is outside 0 to 9223372036854775807, all that SQLite keeps"},
               {"18446744073709551616", "error: is outside 0 to 18446744073709551615"},
               {"-1", "error: is outside 0 to 18446744073709551615"});
    CHECK_ROWS(sqlite("BIT(64)"), {"9223372036854775808", "above int 9223372036854775807",
                                   "error: is outside 0 to 9223372036854775807, all that SQLite keeps"});
    CHECK_ROWS(sqlite("INTEGER"), {"9223372036854775807", "int 9223372036854775807"},
               {"-9223372036854775808", "int -9223372036854775808"},
               {"9223372036854775808", "error: is outside -9223372036854775808 to 9223372036854775807"});
}

TEST_CASE("a BIT column takes an unsigned integer below two to its width") {
    CHECK_ROWS(mysql("bit(1)"), {"0", "int 0"}, {"1", "int 1"}, {"2", "error: is outside 0 to 1"},
               {"-1", "error: is outside 0 to 1"});
    CHECK_ROWS(mysql("bit(9)"), {"511", "int 511"}, {"512", "error: is outside 0 to 511"}, {"b'1'", "error: is not an integer"});
    CHECK_ROWS(mysql("bit(64)"), {"18446744073709551615", "uint 18446744073709551615"},
               {"18446744073709551616", "error: is outside 0 to 18446744073709551615"});
}

TEST_CASE("a year is 1901 to 2155, in four digits") {
    CHECK_ROWS(mysql("year(4)"), {"1901", "int 1901"}, {"2155", "int 2155"}, {"1900", "error: is outside 1901 to 2155"},
               {"2156", "error: is outside 1901 to 2155"}, {"0", "error: is outside 1901 to 2155"},
               {"70", "error: is outside 1901 to 2155"}, {"0000", "error: is not a year"}, {"02020", "error: is not a year"},
               {"-2000", "error: is outside 1901 to 2155"}, {"2020.0", "error: is not a year"}, {"", "error: is not a year"});
}

TEST_CASE("a decimal has exactly the column's digits after the point") {
    CHECK_ROWS(mysql("decimal(5,2)"), {"1", "'1.00'"}, {"1.5", "'1.50'"}, {"1.50", "'1.50'"}, {"1.500000", "'1.50'"},
               {"0", "'0.00'"}, {"-0", "'0.00'"}, {"-0.00", "'0.00'"}, {"0.05", "'0.05'"}, {"-0.05", "'-0.05'"},
               {"1e0", "'1.00'"}, {"1E2", "'100.00'"}, {"1e+2", "'100.00'"}, {"15e-1", "'1.50'"}, {"12.5e1", "'125.00'"},
               {"0.015e1", "'0.15'"}, {"0.00e9999", "'0.00'"}, {"1000e-2", "'10.00'"}, {"999.99", "'999.99'"},
               {"-999.99", "'-999.99'"});
    CHECK_ROWS(mysql("decimal(3,0)"), {"999", "'999'"}, {"-1", "'-1'"}, {"1.0", "'1'"}, {"0", "'0'"});
    CHECK_ROWS(mysql("decimal(2,2)"), {"0.99", "'0.99'"}, {"0", "'0.00'"}, {"-0.01", "'-0.01'"});
    CHECK_ROWS(mysql("decimal(65,38)"), {"123456789012345678901234567.12345678901234567890123456789012345678",
                                         "'123456789012345678901234567.12345678901234567890123456789012345678'"});
}

TEST_CASE("a decimal between two column values is compared with the lower one and not stored") {
    constexpr std::string_view kAfter = "error: has more than 2 digits after the point";
    CHECK_ROWS(mysql("decimal(5,2)"), {"1.005", "between '1.00'", kAfter}, {"1.009", "between '1.00'", kAfter},
               {"-1.005", "between '-1.01'", kAfter}, {"-1.001", "between '-1.01'", kAfter}, {"0.001", "between '0.00'", kAfter},
               {"-0.001", "between '-0.01'", kAfter}, {"1e-9999", "between '0.00'", kAfter},
               {"-1e-9999", "between '-0.01'", kAfter}, {"-9.999", "between '-10.00'", kAfter},
               {"-0.999", "between '-1.00'", kAfter}, {"-99.991", "between '-100.00'", kAfter},
               {"999.999", "between '999.99'", kAfter}, {"-999.991", "below '-999.99'", kAfter},
               {"0.00999999999999999999999999999999999999999999999999999999", "between '0.00'", kAfter});
    CHECK_ROWS(mysql("decimal(3,0)"), {"1.5", "between '1'", "error: has digits after the point"},
               {"-1.5", "between '-2'", "error: has digits after the point"},
               {"0.5", "between '0'", "error: has digits after the point"},
               {"-999.5", "below '-999'", "error: has digits after the point"});
    CHECK_ROWS(mysql("decimal(3,1)"), {"1.55", "between '1.5'", "error: has more than 1 digit after the point"});
    CHECK_ROWS(mysql("decimal(2,2)"), {"-0.995", "below '-0.99'", kAfter}, {"0.995", "between '0.99'", kAfter});
}

TEST_CASE("a decimal past the column's range lies above or below all of it and is not stored") {
    constexpr std::string_view kBefore = "error: has more than 3 digits before the point";
    CHECK_ROWS(mysql("decimal(5,2)"), {"1000", "above '999.99'", kBefore}, {"-1000", "below '-999.99'", kBefore},
               {"1e3", "above '999.99'", kBefore}, {"1e9999", "above '999.99'", kBefore}, {"-1e9999", "below '-999.99'", kBefore},
               {"1000.001", "above '999.99'", kBefore});
    CHECK_ROWS(mysql("decimal(2,2)"), {"1", "above '0.99'", "error: has digits before the point"},
               {"-1", "below '-0.99'", "error: has digits before the point"});
    CHECK_ROWS(mysql("decimal(3,0)"), {"-1000", "below '-999'", kBefore});
    CHECK_ROWS(mysql("decimal(5,2) unsigned"), {"-0.01", "below '0.00'", "error: is negative"}, {"-0", "'0.00'"},
               {"-1e9999", "below '0.00'", "error: is negative"}, {"-0.001", "below '0.00'", "error: is negative"},
               {"1000", "above '999.99'", kBefore});
    CHECK(read("1" + std::string(100'000, '0'), mysql("decimal(5,2)"), kComparison) == "above '999.99'");
    CHECK(read("0." + std::string(100'000, '0') + "1", mysql("decimal(5,2)"), kComparison) == "between '0.00'");
    CHECK(read("1" + std::string(9'000, '0') + "e-9000", mysql("decimal(5,2)"), kStorage) == "'1.00'");
}

TEST_CASE("what is not written as a decimal is refused") {
    for (const std::string_view literal :
         {"",      "-",     "+1",  "1.",  ".5",        "-.5", "007", "00.5", "-01",   "1e",  "1e+", "1.e1", "e1",
          "1e1.5", "0x1p3", "nan", "inf", "-Infinity", "1,5", " 1",  "1 ",   "1.5.5", "1d0", "１",  "abc",  "1abc"}) {
        CAPTURE(literal);
        for (const schemas::Purpose purpose : {kComparison, kStorage}) {
            CHECK(read(literal, mysql("decimal(5,2)"), purpose) == "error: is not a decimal number");
            CHECK(read(literal, mysql("double"), purpose) == "error: is not a number");
            CHECK(read(literal, mysql("float"), purpose) == "error: is not a number");
        }
    }
    CHECK_ROWS(mysql("decimal(5,2)"), {"1e00001", "error: has an exponent of more than 4 digits"},
               {"1e10000", "error: has an exponent of more than 4 digits"},
               {"1e-10000", "error: has an exponent of more than 4 digits"});
}

TEST_CASE("SQLite's decimals are integers or doubles of at most fifteen digits") {
    CHECK_ROWS(sqlite("DECIMAL(18,2)"), {"1", "int 1"}, {"1.00", "int 1"}, {"-5", "int -5"}, {"1.5", "double 1.5"},
               {"0", "int 0"}, {"-0.0", "int 0"}, {"0.1", "double 0.1"}, {"1234567890123.45", "double 1234567890123.45"},
               {"12345678901234.56", "error: has more than 15 significant digits"},
               {"1234567890123456", "error: has more than 15 significant digits"}, {"1234567890000000", "int 1234567890000000"},
               {"0.000000000000001", "between int 0", "error: has more than 2 digits after the point"},
               {"1.005", "between int 1", "error: has more than 2 digits after the point"},
               {"-1.005", "between double -1.01", "error: has more than 2 digits after the point"});
    CHECK_ROWS(sqlite("DECIMAL(3,1)"), {"100", "above double 99.9", "error: has more than 2 digits before the point"},
               {"-100", "below double -99.9", "error: has more than 2 digits before the point"});
    CHECK_ROWS(sqlite("DECIMAL(20,0)"), {"1e18", "int 1000000000000000000"}, {"1e19", "double 1e+19"});
    CHECK_ROWS(sqlite("NUMERIC"), {"9999999999", "int 9999999999"},
               {"10000000000", "above int 9999999999", "error: has more than 10 digits before the point"});
}

TEST_CASE("doubles are correctly rounded and never infinite") {
    CHECK_ROWS(mysql("double"), {"0", "double 0"}, {"-0", "double -0"}, {"0.1", "double 0.1"}, {"1e308", "double 1e+308"},
               {"1E-2", "double 0.01"}, {"1.7976931348623157e308", "double 1.7976931348623157e+308"}, {"5e-324", "double 5e-324"},
               {"1e-310", "double 1e-310"}, {"1e-400", "double 0"}, {"-1e-400", "double -0"},
               {"0e99999999999999999999", "double 0"}, {"0.3", "double 0.3"}, {"9007199254740993", "double 9007199254740992"},
               {"1e309", "error: is too large for a double-precision number"},
               {"-1e309", "error: is too large for a double-precision number"},
               {"1.7976931348623159e308", "error: is too large for a double-precision number"},
               {"1e99999999999999999999", "error: is too large for a double-precision number"},
               {"1e-99999999999999999999", "double 0"});
    CHECK(read(std::string(400, '9'), mysql("double"), kComparison) == "error: is too large for a double-precision number");
    CHECK(read("1" + std::string(400, '0') + "e-400", mysql("double"), kComparison) == "double 1");
}

TEST_CASE("floats are the nearest single-precision number, rounded once") {
    CHECK_ROWS(mysql("float"), {"0.1", "double 0.10000000149011612"}, {"16777217", "double 16777216"}, {"1e-46", "double 0"},
               {"1e-45", "double 1.401298464324817e-45"}, {"3.4028235e38", "double 3.4028234663852886e+38"},
               {"3.4028236e38", "error: is too large for a single-precision number"},
               {"1e39", "error: is too large for a single-precision number"},
               {"-1e39", "error: is too large for a single-precision number"},
               // By way of a double this is a tie, and rounds down.
               {"1.00000005960464477540", "double 1.0000001192092896"});
}

TEST_CASE("FLOAT(M,D) and DOUBLE(M,D) hold their digits only, in comparisons too") {
    constexpr std::string_view kBefore = "error: has more than 3 digits before the point";
    constexpr std::string_view kAfter = "error: has more than 2 digits after the point";
    CHECK_ROWS(mysql("double(5,2)"), {"999.99", "double 999.99"}, {"999.990", "double 999.99"}, {"-0", "double -0"},
               {"1000", "above double 999.99", kBefore}, {"-1000", "below double -999.99", kBefore},
               {"1.005", "between double 1", kAfter}, {"1.019", "between double 1.01", kAfter},
               {"-1.005", "between double -1.01", kAfter}, {"-999.999", "below double -999.99", kAfter},
               {"1e300", "above double 999.99", kBefore}, {"1e-400", "between double 0", kAfter});
    CHECK_ROWS(mysql("float(7,3)"), {"1.5", "double 1.5"}, {"0.1", "double 0.10000000149011612"},
               {"0.1005", "between double 0.10000000149011612", "error: has more than 3 digits after the point"});
    CHECK_ROWS(mysql("float(255,3)"), {"3.4e38", "double 3.3999999521443642e+38"},
               {"1e39", "error: is too large for a single-precision number"});
    CHECK_ROWS(mysql("double(10,4) unsigned"), {"-1", "below double 0", "error: is negative"}, {"-0", "double 0"},
               {"-0.0", "double 0"}, {"-1e-400", "below double 0", "error: is negative"}, {"2", "double 2"},
               {"0.00001", "between double 0", "error: has more than 4 digits after the point"});
    CHECK_ROWS(mysql("float unsigned"), {"-1", "below double 0", "error: is negative"}, {"-0", "double 0"});
    CHECK_ROWS(sqlite("DOUBLE(5,2)"), {"1.005", "double 1.005", kAfter}, {"1000", "double 1000", kBefore});
}
