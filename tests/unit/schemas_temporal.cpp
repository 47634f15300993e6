#include <doctest/doctest.h>

#include "schemas_reading.h"

using namespace schemas_test;

TEST_CASE("a date is a real day of the years 0001 to 9999") {
    CHECK_ROWS(mysql("date"), {"2024-02-29", "'2024-02-29'"}, {"2000-02-29", "'2000-02-29'"}, {"0001-01-01", "'0001-01-01'"},
               {"9999-12-31", "'9999-12-31'"}, {"2023-02-29", "error: is not a day of the calendar"},
               {"1900-02-29", "error: is not a day of the calendar"}, {"0000-01-01", "error: is not a day of the calendar"},
               {"0000-00-00", "error: is not a day of the calendar"}, {"2024-13-01", "error: is not a day of the calendar"},
               {"2024-00-10", "error: is not a day of the calendar"}, {"2024-04-31", "error: is not a day of the calendar"},
               {"2024-04-00", "error: is not a day of the calendar"});
    CHECK_ROWS(sqlite("DATE"), {"2024-02-29", "'2024-02-29'"}, {"2023-02-29", "error: is not a day of the calendar"});
    for (const std::string_view literal :
         {"", "2024", "2024-1-1", "2024-01-01 ", " 2024-01-01", "20240101", "2024/01/01", "24-01-01", "2024-01-01T00:00:00",
          "10000-01-01", "-001-01-01", "2024-01-0a", "２０２４-01-01", "today", "2024-01-01Z"}) {
        CAPTURE(literal);
        CHECK(read(literal, mysql("date"), kComparison) == "error: is not a date");
    }
}

TEST_CASE("a datetime is a date, or a date and a time of the day") {
    CHECK_ROWS(mysql("datetime(6)"), {"2024-02-29", "'2024-02-29 00:00:00'"}, {"2024-02-29 10:11:12", "'2024-02-29 10:11:12'"},
               {"2024-02-29T10:11:12", "'2024-02-29 10:11:12'"}, {"2024-02-29T10:11:12.5", "'2024-02-29 10:11:12.500000'"},
               {"2024-02-29 23:59:59.999999", "'2024-02-29 23:59:59.999999'"},
               {"2024-02-29 00:00:00.000000", "'2024-02-29 00:00:00'"},
               {"2024-02-29 00:00:00.000001", "'2024-02-29 00:00:00.000001'"}, {"0001-01-01", "'0001-01-01 00:00:00'"},
               {"9999-12-31 23:59:59.999999", "'9999-12-31 23:59:59.999999'"},
               {"2023-02-29 10:11:12", "error: is not a day of the calendar"});
    for (const std::string_view literal : {"",
                                           "2024-01-01 ",
                                           "2024-01-01T",
                                           "2024-01-01 10",
                                           "2024-01-01 10:11",
                                           "2024-01-01 24:00:00",
                                           "2024-01-01 10:60:00",
                                           "2024-01-01 10:11:60",
                                           "2024-01-01  10:11:12",
                                           "2024-01-01t10:11:12",
                                           "2024-01-01 10:11:12.",
                                           "2024-01-01 10:11:12.1234567",
                                           "2024-01-01 10:11:12,5",
                                           "2024-01-01_10:11:12",
                                           "2024-01-01 1:11:12",
                                           "2024-01-01 10:11:12 ",
                                           "2024-01-01Z",
                                           "2024-01-01+02:00",
                                           "now()",
                                           "2024-01-01 -1:11:12"}) {
        CAPTURE(literal);
        CHECK(read(literal, mysql("datetime"), kComparison) == "error: is not a date and time");
        CHECK(read(literal, mysql("timestamp"), kStorage) == "error: is not a date and time");
    }
    constexpr std::string_view kZone = "error: has a time zone, which only a timestamp takes";
    CHECK_ROWS(mysql("datetime"), {"2024-01-01T10:11:12Z", kZone}, {"2024-01-01T10:11:12+02:00", kZone});
}

TEST_CASE("a fraction of a second that the column does not keep lies between two of its values and is not stored") {
    constexpr std::string_view kWhole = "error: would be rounded to whole seconds";
    constexpr std::string_view kOne = "error: would be rounded to 1 digit of a second";
    constexpr std::string_view kThree = "error: would be rounded to 3 digits of a second";
    CHECK_ROWS(mysql("datetime"), {"2024-01-01 00:00:00.5", "between '2024-01-01 00:00:00'", kWhole},
               {"2024-01-01 00:00:00.999999", "between '2024-01-01 00:00:00'", kWhole},
               {"2024-01-01 00:00:00.000", "'2024-01-01 00:00:00'"});
    CHECK_ROWS(mysql("datetime(1)"), {"2024-01-01 00:00:00.55", "between '2024-01-01 00:00:00.500000'", kOne},
               {"2024-01-01 00:00:00.500000", "'2024-01-01 00:00:00.500000'"});
    CHECK_ROWS(mysql("timestamp(3)"), {"2024-01-01 00:00:00.1234", "between '2024-01-01 00:00:00.123000'", kThree},
               {"2024-01-01 00:00:00.123", "'2024-01-01 00:00:00.123000'"},
               {"2024-01-01 00:00:00.1234+01:00", "between '2023-12-31 23:00:00.123000'", kThree});
    CHECK_ROWS(mysql("time(3)"), {"10:00:00.0001", "between '10:00:00'", kThree},
               {"-10:00:00.0001", "between '-10:00:00.001000'", kThree}, {"10:00:00.001", "'10:00:00.001000'"});
    CHECK_ROWS(mysql("time"), {"00:00:00.5", "between '00:00:00'", kWhole}, {"-00:00:00.5", "between '-00:00:01'", kWhole},
               {"-09:59:59.000001", "between '-10:00:00'", kWhole}, {"-838:59:58.999999", "between '-838:59:59'", kWhole},
               {"99:59:59.9", "between '99:59:59'", kWhole}, {"-99:59:59.9", "between '-100:00:00'", kWhole});
    CHECK_ROWS(sqlite("DATETIME"), {"2024-01-01T00:00:00.5", "'2024-01-01 00:00:00.500000'", kWhole});
    CHECK_ROWS(sqlite("TIME"), {"-00:00:00.5", "int -500000", kWhole});
}

TEST_CASE("a zone turns a timestamp into UTC") {
    CHECK_ROWS(mysql("timestamp"), {"2024-01-01T00:00:00Z", "'2024-01-01 00:00:00'"},
               {"2024-01-01T00:00:00+02:00", "'2023-12-31 22:00:00'"}, {"2024-02-28 23:30:00-01:00", "'2024-02-29 00:30:00'"},
               {"2024-01-01T00:00:00-00:00", "'2024-01-01 00:00:00'"}, {"2024-01-01T14:00:00+14:00", "'2024-01-01 00:00:00'"},
               {"2024-01-01T00:00:00-14:00", "'2024-01-01 14:00:00'"}, {"2024-01-01T00:00:00.000Z", "'2024-01-01 00:00:00'"});
    for (const std::string_view literal :
         {"2024-01-01T00:00:00+14:01", "2024-01-01T00:00:00-14:01", "2024-01-01T00:00:00+15:00", "2024-01-01T00:00:00+02:60",
          "2024-01-01T00:00:00+0200", "2024-01-01T00:00:00+02", "2024-01-01T00:00:00 02:00", "2024-01-01T00:00:00z",
          "2024-01-01T00:00:00 Z", "2024-01-01T00:00:00ZZ", "2024-01-01T00:00:00Z+02:00", "2024-01-01T00:00:00UTC",
          "2024-01-01T00:00:00+02:00 "}) {
        CAPTURE(literal);
        CHECK(read(literal, mysql("timestamp"), kComparison) == "error: is not a date and time");
    }
    CHECK_ROWS(mysql("timestamp"), {"0001-01-01T00:00:00+00:01", "error: is outside the years 0001 to 9999 in UTC"},
               {"9999-12-31T23:59:59-00:01", "error: is outside the years 0001 to 9999 in UTC"});
}

TEST_CASE("a timestamp is stored within the range of 32 bits and compared beyond it") {
    constexpr std::string_view kOutside = "error: is outside 1970-01-01 00:00:01 to 2106-02-07 06:28:15";
    CHECK_ROWS(mysql("timestamp"), {"1970-01-01 00:00:01", "'1970-01-01 00:00:01'"},
               {"1970-01-01 00:00:00", "'1970-01-01 00:00:00'", kOutside},
               {"1970-01-01 00:00:01+00:01", "'1969-12-31 23:59:01'", kOutside}, {"2106-02-07 06:28:15", "'2106-02-07 06:28:15'"},
               {"2106-02-07 06:28:16", "'2106-02-07 06:28:16'", kOutside}, {"0001-01-01", "'0001-01-01 00:00:00'", kOutside});
    constexpr std::string_view kPast = "error: is outside 1970-01-01 00:00:01 to 2038-01-19 03:14:07";
    CHECK_ROWS(sqlite("TIMESTAMP"), {"1970-01-01 00:00:00", "'1970-01-01 00:00:00'", kPast},
               {"2038-01-19 03:14:07", "'2038-01-19 03:14:07'"}, {"2038-01-19 03:14:08", "'2038-01-19 03:14:08'", kPast});
}

TEST_CASE("a time is a span of up to 838:59:59 either way") {
    CHECK_ROWS(mysql("time(6)"), {"00:00:00", "'00:00:00'"}, {"-00:00:00", "'00:00:00'"}, {"-00:00:00.5", "'-00:00:00.500000'"},
               {"23:59:59", "'23:59:59'"}, {"24:00:00", "'24:00:00'"}, {"100:00:00", "'100:00:00'"}, {"012:00:00", "'12:00:00'"},
               {"838:59:59", "'838:59:59'"}, {"-838:59:59", "'-838:59:59'"}, {"838:59:59.000000", "'838:59:59'"},
               {"838:59:59.999999", "'838:59:59.999999'"}, {"-838:59:59.999999", "'-838:59:59.999999'"},
               {"839:00:00", "error: is outside -838:59:59 to 838:59:59"},
               {"-839:00:00", "error: is outside -838:59:59 to 838:59:59"},
               {"999:59:59", "error: is outside -838:59:59 to 838:59:59"});
    for (const std::string_view literal :
         {"", "1", "10", "10:00", "1:00:00", "1000:00:00", "10:60:00", "10:00:60", "+10:00:00", "--10:00:00", "10:00:00.",
          "10:00:00.1234567", "10:00:00Z", "1 10:00:00", "10:00:00 ", "10-00-00", "1a:00:00", "10:00:0"}) {
        CAPTURE(literal);
        CHECK(read(literal, mysql("time"), kComparison) == "error: is not a time");
        CHECK(read(literal, sqlite("TIME"), kStorage) == "error: is not a time");
    }
}

TEST_CASE("a fraction of the last second that the column cannot hold lies at the column's end") {
    CHECK(read("838:59:59.5", mysql("time"), kComparison) == "between '838:59:59'");
    CHECK(read("-838:59:59.5", mysql("time"), kComparison) == "below '-838:59:59'");
    CHECK(read("-838:59:59.9999", mysql("time(3)"), kComparison) == "below '-838:59:59.999000'");
}

TEST_CASE("SQLite's times are compared as microseconds, since their text does not sort") {
    CHECK_ROWS(sqlite("TIME(6)"), {"00:00:01", "int 1000000", "'00:00:01'"}, {"-00:00:00.000001", "int -1", "'-00:00:00.000001'"},
               {"-00:00:00", "int 0", "'00:00:00'"}, {"838:59:59", "int 3020399000000", "'838:59:59'"},
               {"-838:59:59", "int -3020399000000", "'-838:59:59'"});
}
