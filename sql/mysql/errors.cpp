#include "sql/mysql/errors.h"

#include <algorithm>
#include <array>
#include <string>

#include <fmt/format.h>

namespace sql::mysql {
namespace {

using exec::DbError;
using exec::DbFault;
using exec::Fate;

// Where the message names the constraint or column: see `name_in`.
enum class Names { none, key, foreign_key, check, column };

struct Rule {
    int code;
    DbFault fault;
    Fate fate;
    Names names = Names::none;
};

// Sorted by number. Numbers below 2000 and above 3000 are the server's, 2000 to 2999 the client library's.
constexpr std::array kRules{
    Rule{3, DbFault::read_only, Fate::keep},   // error writing a file
    Rule{20, DbFault::read_only, Fate::keep},  // the disk is full
    Rule{1020, DbFault::conflict, Fate::keep},  // record has changed since last read
    Rule{1021, DbFault::read_only, Fate::keep},  // the disk is full
    Rule{1022, DbFault::unique_violated, Fate::keep},
    Rule{1026, DbFault::read_only, Fate::keep},  // error writing a file
    Rule{1037, DbFault::busy, Fate::keep},       // out of memory, for sorting, for anything
    Rule{1038, DbFault::busy, Fate::keep},
    Rule{1040, DbFault::busy, Fate::drop},  // too many connections
    Rule{1041, DbFault::busy, Fate::keep},
    Rule{1044, DbFault::denied, Fate::keep},
    Rule{1045, DbFault::denied, Fate::keep},
    Rule{1047, DbFault::unavailable, Fate::drop},  // a Galera node that is not ready
    Rule{1048, DbFault::row_refused, Fate::keep, Names::column},
    Rule{1049, DbFault::denied, Fate::keep},
    Rule{1051, DbFault::schema_changed, Fate::keep},
    Rule{1054, DbFault::schema_changed, Fate::keep},
    Rule{1062, DbFault::unique_violated, Fate::keep, Names::key},
    Rule{1080, DbFault::unavailable, Fate::drop},
    Rule{1114, DbFault::read_only, Fate::keep},  // the table is full: so is the disk, or the tablespace
    Rule{1135, DbFault::busy, Fate::drop},       // no thread for the connection
    Rule{1136, DbFault::schema_changed, Fate::keep},
    Rule{1142, DbFault::denied, Fate::keep},
    Rule{1143, DbFault::denied, Fate::keep},
    Rule{1146, DbFault::schema_changed, Fate::keep},
    Rule{1153, DbFault::too_large, Fate::drop},  // the server closes the connection after it
    Rule{1169, DbFault::unique_violated, Fate::keep},
    Rule{1203, DbFault::busy, Fate::drop},
    Rule{1205, DbFault::busy, Fate::keep},  // lock wait timeout
    Rule{1206, DbFault::busy, Fate::keep},
    Rule{1213, DbFault::conflict, Fate::keep},  // deadlock, lost certification
    Rule{1216, DbFault::foreign_key_violated, Fate::keep},
    Rule{1217, DbFault::foreign_key_violated, Fate::keep},
    Rule{1226, DbFault::busy, Fate::drop},
    Rule{1227, DbFault::denied, Fate::keep},  // a privilege that our account does not have
    Rule{1264, DbFault::row_refused, Fate::keep, Names::column},
    Rule{1265, DbFault::row_refused, Fate::keep, Names::column},
    Rule{1290, DbFault::read_only, Fate::keep},
    Rule{1292, DbFault::row_refused, Fate::keep, Names::column},
    Rule{1317, DbFault::deadline_exceeded, Fate::drop},  // KILL QUERY; another kill may still be on its way
    Rule{1356, DbFault::schema_changed, Fate::keep},     // a view over what is gone
    Rule{1364, DbFault::row_refused, Fate::keep, Names::column},
    Rule{1366, DbFault::row_refused, Fate::keep, Names::column},
    Rule{1370, DbFault::denied, Fate::keep},
    Rule{1406, DbFault::row_refused, Fate::keep, Names::column},
    Rule{1411, DbFault::row_refused, Fate::keep},
    Rule{1412, DbFault::schema_changed, Fate::keep},  // the definition changed under the transaction
    Rule{1451, DbFault::foreign_key_violated, Fate::keep, Names::foreign_key},
    Rule{1452, DbFault::foreign_key_violated, Fate::keep, Names::foreign_key},
    Rule{1586, DbFault::unique_violated, Fate::keep, Names::key},
    Rule{1637, DbFault::busy, Fate::keep},
    Rule{1644, DbFault::row_refused, Fate::keep},  // SIGNAL from a trigger
    Rule{1690, DbFault::row_refused, Fate::keep},
    Rule{1761, DbFault::foreign_key_violated, Fate::keep},
    Rule{1762, DbFault::foreign_key_violated, Fate::keep},
    Rule{1792, DbFault::read_only, Fate::keep},
    Rule{1836, DbFault::read_only, Fate::keep},
    Rule{1859, DbFault::unique_violated, Fate::keep},
    Rule{1969, DbFault::deadline_exceeded, Fate::keep},
    Rule{2002, DbFault::unavailable, Fate::drop},
    Rule{2003, DbFault::unavailable, Fate::drop},
    Rule{2005, DbFault::unavailable, Fate::drop},
    Rule{2006, DbFault::unavailable, Fate::drop},  // the command could not be written: the server does not have it whole
    Rule{2020, DbFault::too_large, Fate::drop},
    Rule{3024, DbFault::deadline_exceeded, Fate::keep},
    Rule{3819, DbFault::row_refused, Fate::keep, Names::check},
    Rule{4025, DbFault::row_refused, Fate::keep, Names::check},
};
static_assert(std::is_sorted(kRules.begin(), kRules.end(), [](const Rule& a, const Rule& b) { return a.code < b.code; }));

// The answer never came, or came broken, after the command had been sent.
bool is_lost(int code) {
    // 1053 (shutdown) and 1927 (connection killed) are said to a statement at any moment, also when it has just been committed.
    constexpr std::array kLost{1053, 1156, 1157, 1158, 1159, 1160, 1161, 1927, 2013, 2026, 2027, 2055, 2056};
    return std::find(kLost.begin(), kLost.end(), code) != kLost.end();
}

// The text between `before` and `after`. Values of the client stand left of the name in these messages, so the last
// `before` is the server's own.
std::string last_between(std::string_view message, std::string_view before, char after) {
    const auto start = message.rfind(before);
    if (start == std::string_view::npos) {
        return {};
    }
    message.remove_prefix(start + before.size());
    const auto end = message.rfind(after);
    return std::string(message.substr(0, end == std::string_view::npos ? 0 : end));
}

// A name quoted with backticks that begins after `before`, doubled backticks undone.
std::string backticked(std::string_view message, std::string_view before) {
    const auto start = message.find(before);
    if (start == std::string_view::npos) {
        return {};
    }
    std::string name;
    for (std::size_t i = start + before.size(); i < message.size(); ++i) {
        if (message[i] == '`') {
            if (i + 1 == message.size() || message[i + 1] != '`') {
                return name;
            }
            ++i;
        }
        name += message[i];
    }
    return {};
}

// "Duplicate entry 'x' for key 'name'"; MySQL 8 writes 'table.name'.
std::string key_name(std::string_view message) {
    std::string name = last_between(message, "for key '", '\'');
    const auto dot = name.find('.');
    return dot == std::string::npos ? name : name.substr(dot + 1);
}

// "CONSTRAINT `name` failed for `db`.`table`"; MySQL 8: "Check constraint 'name' is violated."
std::string check_name(std::string_view message) {
    std::string name = backticked(message, "CONSTRAINT `");
    return name.empty() ? last_between(message, "Check constraint '", '\'') : name;
}

// "Column 'x' cannot be null", "Field 'x' doesn't have …", "… for column 'x' at row 1", "… for column `db`.`t`.`x` at row 1".
std::string column_name(std::string_view message) {
    for (const std::string_view before : {std::string_view("Column '"), std::string_view("Field '")}) {
        if (message.starts_with(before)) {
            const auto end = message.find("' ", before.size());
            return end == std::string_view::npos ? std::string()
                                                 : std::string(message.substr(before.size(), end - before.size()));
        }
    }
    const auto row = message.rfind(" at row ");
    const auto start = message.rfind(" for column ");
    if (row == std::string_view::npos || start == std::string_view::npos || start > row) {
        return {};
    }
    constexpr std::size_t kBefore = std::string_view(" for column ").size();
    std::string_view name = message.substr(start + kBefore, row - start - kBefore);
    if (const auto qualified = name.rfind("`.`"); qualified != std::string_view::npos) {
        name.remove_prefix(qualified + 2);
    }
    return name.size() > 2 ? std::string(name.substr(1, name.size() - 2)) : std::string();
}

void name_in(std::string_view message, Names names, DbError& error) {
    switch (names) {
        case Names::none: return;
        case Names::key: error.constraint = key_name(message); return;
        case Names::foreign_key: error.constraint = backticked(message, "CONSTRAINT `"); return;
        case Names::check: error.constraint = check_name(message); return;
        case Names::column: error.column = column_name(message); return;
    }
}

}  // namespace

DbError classify(int code, std::string_view state, std::string_view message, Phase phase) {
    DbError error;
    error.internal = fmt::format("{} ({}) {}", code, state, message);
    if (is_lost(code)) {
        error.fault = phase == Phase::execute ? DbFault::outcome_unknown : DbFault::unavailable;
        error.fate = Fate::drop;
        return error;
    }
    const auto* rule =
        std::lower_bound(kRules.begin(), kRules.end(), code, [](const Rule& r, int wanted) { return r.code < wanted; });
    if (rule != kRules.end() && rule->code == code) {
        error.fault = rule->fault;
        error.fate = rule->fate;
        name_in(message, rule->names, error);
    } else if (code == 1105 && message.find("max_allowed_packet") != std::string_view::npos) {
        error.fault = DbFault::too_large;
        error.fate = Fate::keep;
    } else if (code == 1296 && message.starts_with("Got error 193")) {
        // Foreign keys that cascade deeper than InnoDB goes.
        error.fault = DbFault::foreign_key_violated;
        error.fate = Fate::keep;
        error.constraint = backticked(message, "CONSTRAINT `");
    } else if (message.find("No space left on device") != std::string_view::npos) {
        // 1030 from the engine, 1 and others from temporary files. None of these messages holds a value of the client's.
        error.fault = DbFault::read_only;
        error.fate = Fate::keep;
    } else if (state == "45000") {
        error.fault = DbFault::row_refused;
        error.fate = Fate::keep;
    }
    if (phase == Phase::connect) {
        // Whatever refuses a new connection, the database cannot be used now; only "too many" passes by itself.
        error.fault = error.fault == DbFault::busy ? DbFault::busy : DbFault::unavailable;
        error.fate = Fate::drop;
    }
    return error;
}

bool wants_new_prepare(int code) {
    return code == 1243 || code == 1615 || code == 2057;
}

}  // namespace sql::mysql
