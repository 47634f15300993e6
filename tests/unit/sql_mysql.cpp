#include <doctest/doctest.h>

#include "sql/mysql/cells.h"
#include "sql/mysql/errors.h"

using schemas::TypeClass;
using sql::exec::DbFault;
using sql::exec::Fate;
using sql::mysql::classify;
using sql::mysql::normal_temporal;
using sql::mysql::Phase;

namespace {

DbFault fault(int code, Phase phase = Phase::execute) {
    return classify(code, "HY000", "message", phase).fault;
}

}  // namespace

TEST_CASE("each MySQL error number has its class") {
    struct Case {
        std::vector<int> codes;
        DbFault fault;
        Fate fate;
    };
    const std::vector<Case> cases = {
        {{1022, 1062, 1169, 1586, 1859}, DbFault::unique_violated, Fate::keep},
        {{1216, 1217, 1451, 1452, 1761, 1762}, DbFault::foreign_key_violated, Fate::keep},
        {{1048, 1264, 1265, 1292, 1364, 1366, 1406, 1411, 1644, 1690, 3819, 4025}, DbFault::row_refused, Fate::keep},
        {{1051, 1054, 1136, 1146, 1356, 1412}, DbFault::schema_changed, Fate::keep},
        {{1020, 1213}, DbFault::conflict, Fate::keep},
        {{1037, 1038, 1041, 1205, 1206, 1637}, DbFault::busy, Fate::keep},
        {{1040, 1135, 1203, 1226}, DbFault::busy, Fate::drop},
        {{3, 20, 1021, 1026, 1114, 1290, 1792, 1836}, DbFault::read_only, Fate::keep},
        {{1969, 3024}, DbFault::deadline_exceeded, Fate::keep},
        {{1317}, DbFault::deadline_exceeded, Fate::drop},
        {{1047, 1080, 2002, 2003, 2005, 2006}, DbFault::unavailable, Fate::drop},
        {{2013, 2026, 2027, 2055, 1158, 1159, 1160, 1161}, DbFault::outcome_unknown, Fate::drop},
        {{1153, 2020}, DbFault::too_large, Fate::drop},
        {{1044, 1045, 1049, 1142, 1143, 1370}, DbFault::denied, Fate::keep},
        {{0, 1064, 1105, 1267, 2014, 9999}, DbFault::unknown, Fate::drop},
    };
    for (const Case& expected : cases) {
        for (const int code : expected.codes) {
            CAPTURE(code);
            const auto error = classify(code, "HY000", "message", Phase::execute);
            CHECK(error.fault == expected.fault);
            CHECK(error.fate == expected.fate);
            CHECK(error.internal.find(std::to_string(code)) == 0);
        }
    }
}

TEST_CASE("a connection lost before a statement ran is unavailable, whatever it did") {
    CHECK(fault(2013, Phase::prepare) == DbFault::unavailable);
    CHECK(fault(2013, Phase::connect) == DbFault::unavailable);
    CHECK(fault(2006, Phase::prepare) == DbFault::unavailable);
}

TEST_CASE("a connection that is refused is unavailable, or busy when there are too many") {
    for (const int code : {1045, 1049, 1044, 2002, 2026, 4711}) {
        CAPTURE(code);
        CHECK(fault(code, Phase::connect) == DbFault::unavailable);
    }
    for (const int code : {1040, 1203, 1226}) {
        CAPTURE(code);
        CHECK(fault(code, Phase::connect) == DbFault::busy);
    }
}

TEST_CASE("a parameter beyond the packet limit is too large and keeps the connection") {
    const auto error = classify(
        1105, "HY000",
        "Parameter of prepared statement which is set through mysql_send_long_data() is longer than 'max_allowed_packet' bytes",
        Phase::execute);
    CHECK(error.fault == DbFault::too_large);
    CHECK(error.fate == Fate::keep);
}

TEST_CASE("a disk that is full takes no writes now, whichever number says so") {
    for (const int code : {1, 1005, 1030}) {
        CAPTURE(code);
        const auto error = classify(code, "HY000", "Got error 28 \"No space left on device\" from storage engine InnoDB", Phase::execute);
        CHECK(error.fault == DbFault::read_only);
        CHECK(error.fate == Fate::keep);
    }
    CHECK(classify(1062, "23000", "Duplicate entry 'No space left on device' for key 'k'", Phase::execute).fault ==
          DbFault::unique_violated);
    CHECK(fault(1180) == DbFault::unknown);  // during COMMIT: it may have happened
}

TEST_CASE("a cascade that is too deep is a foreign key's refusal") {
    const auto error =
        classify(1296, "HY000", "Got error 193 '`db`.`t`, CONSTRAINT `self` FOREIGN KEY (`p`) REFERENCES `t` (`id`)' from InnoDB",
                 Phase::execute);
    CHECK(error.fault == DbFault::foreign_key_violated);
    CHECK(error.constraint == "self");
    CHECK(fault(1296) == DbFault::unknown);
}

TEST_CASE("a trigger's own SIGNAL refuses the row") {
    CHECK(classify(30001, "45000", "no", Phase::execute).fault == DbFault::row_refused);
    CHECK(classify(30001, "HY000", "no", Phase::execute).fault == DbFault::unknown);
}

TEST_CASE("the name of the violated constraint is taken from the message, not from the client's value in it") {
    const auto name = [](int code, const char* message) { return classify(code, "23000", message, Phase::execute).constraint; };
    CHECK(name(1062, "Duplicate entry 'a@b' for key 'email'") == "email");
    CHECK(name(1062, "Duplicate entry 'a@b' for key 'users.email'") == "email");
    CHECK(name(1062, "Duplicate entry 'x' for key 'evil' for key 'PRIMARY'") == "PRIMARY");
    CHECK(name(1586, "Duplicate entry '1' for key 'it's'") == "it's");
    CHECK(name(1062, "Eintrag doppelt") == "");
    CHECK(name(1452, "Cannot add or update a child row: a foreign key constraint fails (`d`.`c`, CONSTRAINT `fk``1` FOREIGN KEY "
                     "(`p`) REFERENCES `p` (`id`))") == "fk`1");
    CHECK(name(1451, "Cannot delete or update a parent row: a foreign key constraint fails (`d`.`c`, CONSTRAINT `c_1` FOREIGN "
                     "KEY (`p`) REFERENCES `p` (`id`))") == "c_1");
    CHECK(name(1217, "Cannot delete or update a parent row: a foreign key constraint fails") == "");
    CHECK(name(4025, "CONSTRAINT `positive` failed for `d`.`t`") == "positive");
    CHECK(name(3819, "Check constraint 'positive' is violated.") == "positive");
}

TEST_CASE("the name of the refused column is taken from the message, not from the client's value in it") {
    const auto name = [](int code, const char* message) { return classify(code, "22007", message, Phase::execute).column; };
    CHECK(name(1048, "Column 'name' cannot be null") == "name");
    CHECK(name(1364, "Field 'email' doesn't have a default value") == "email");
    CHECK(name(1406, "Data too long for column 'name' at row 1") == "name");
    CHECK(name(1264, "Out of range value for column 'a b' at row 12") == "a b");
    CHECK(name(1366, "Incorrect integer value: 'abc' for column `d`.`t`.`n` at row 1") == "n");
    CHECK(name(1292, "Incorrect date value: ' for column `x` at row 9' for column `d`.`t`.`day` at row 1") == "day");
    CHECK(name(1292, "Truncated incorrect DOUBLE value: 'x'") == "");
    CHECK(name(1690, "BIGINT UNSIGNED value is out of range in 'x'") == "");
}

TEST_CASE("a statement that the server forgot is prepared again, and nothing else is") {
    for (const int code : {1243, 1615, 2057}) {
        CHECK(sql::mysql::wants_new_prepare(code));
    }
    for (const int code : {0, 1062, 2006, 2013}) {
        CHECK(!sql::mysql::wants_new_prepare(code));
    }
}

TEST_CASE("dates and times have one form, whatever the driver prints") {
    CHECK(normal_temporal("2024-02-29", TypeClass::date, 0) == "2024-02-29");
    CHECK(normal_temporal("999-01-02", TypeClass::date, 0) == "0999-01-02");
    CHECK(normal_temporal("00-00-00", TypeClass::date, 0) == "0000-00-00");
    CHECK(normal_temporal("2024-02-29 01:02:03", TypeClass::datetime, 6) == "2024-02-29 01:02:03.000000");
    CHECK(normal_temporal("2024-02-29 01:02:03.120000", TypeClass::timestamp, 3) == "2024-02-29 01:02:03.120");
    CHECK(normal_temporal("2024-02-29 01:02:03.5", TypeClass::datetime, 6) == "2024-02-29 01:02:03.500000");
    CHECK(normal_temporal("2024-02-29 01:02:03.000000", TypeClass::datetime, 0) == "2024-02-29 01:02:03");
    CHECK(normal_temporal("0-0-0 0:0:0", TypeClass::datetime, 0) == "0000-00-00 00:00:00");
    CHECK(normal_temporal("-00:00:01", TypeClass::time, 0) == "-00:00:01");
    CHECK(normal_temporal("838:59:59", TypeClass::time, 2) == "838:59:59.00");
    CHECK(normal_temporal("-1:02:03.000001", TypeClass::time, 6) == "-01:02:03.000001");
    for (const char* odd : {"", "x", "2024-02-29T01:02:03", "1:2", "2024-02-29 01:02:03.", "1..2"}) {
        CAPTURE(odd);
        CHECK(normal_temporal(odd, TypeClass::datetime, 0) == odd);
    }
}
