// Random hostile requests through target, filters, body, bind, guard and render, for both dialects: whatever comes in, the SQL
// text holds words of ours, names of the catalog and placeholders, and nothing else. `hostile SEED COUNT`; fails when fewer than
// three in ten requests reach render, for a test that refuses everything proves nothing.
#include <fmt/format.h>

#include <array>
#include <cstdlib>
#include <iostream>
#include <map>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "filters/parse.h"
#include "filters/print.h"
#include "filters/text.h"
#include "gateway/request/asks.h"
#include "gateway/request/body.h"
#include "gateway/request/keys_body.h"
#include "gateway/request/target.h"
#include "schemas/build.h"
#include "sql/mysql/dialect.h"
#include "sql/plan/bind.h"
#include "sql/plan/guard.h"
#include "sql/render/render.h"
#include "sql/sqlite/dialect.h"

namespace {

using schemas::Family;
using Random = std::mt19937_64;

constexpr std::array<std::string_view, 12> kTypes{"int(11)",  "bigint(20) unsigned", "varchar(100)", "decimal(10,2)", "double", "datetime(6)",
                                                  "time(6)",  "varbinary(50)",       "tinyint(1)",   "longtext",      "date",   "float"};

// Names that a database may well have.
const std::vector<std::string> kNames{"id",         "a`b",          "a\"b",       "x'; DROP TABLE t; --", "\xF0\x9F\x92\xA3",
                                      "order",      "`) OR (1=1",   "\"\" OR 1=1", "semi;colon",           "back\\slash",
                                      "?",          "limit",        "a.b",         "_hidden",              std::string(64, 'n'),
                                      "/*c*/"};

constexpr std::size_t kTextKey = 2;  // the other column of the primary key, of text

const std::vector<std::string> kHostile{"' OR '1'='1",
                                        "\" OR \"1\"=\"1",
                                        "`; DROP TABLE users; --",
                                        "1; DELETE FROM t",
                                        "1 OR 1=1",
                                        "\\' OR 1=1 #",
                                        "?",
                                        "%s%n",
                                        "/*! SELECT 1 */",
                                        "\xBF\x27 OR 1=1",
                                        "\xEF\xBC\x87 OR 1=1",
                                        "${jndi}",
                                        "1) UNION SELECT NULL,NULL --",
                                        "x' AND SLEEP(5)='",
                                        "\xF0\x9F\x98\x80",
                                        "%",
                                        "_",
                                        "!",
                                        "[a-z]*",
                                        "0x27204f5220313d31",
                                        "CHAR(39)",
                                        "null",
                                        "\r\nSET x=1",
                                        "\x7f\x01",
                                        "a,b\",\"c",
                                        "(1,2)",
                                        "eq.eq.eq"};

const std::set<std::string, std::less<>> kWords{
    "SELECT", "FROM", "WHERE", "AND", "ORDER", "BY", "DESC", "LIMIT", "OFFSET", "INSERT", "INTO", "VALUES", "UPDATE", "SET", "DELETE",
    "DEFAULT", "CAST", "AS", "BINARY", "BLOB", "CHAR", "DATE", "DATETIME", "DECIMAL", "INET4", "INET6", "TIME", "UUID", "BETWEEN", "ESCAPE",
    "GLOB", "IN", "IS", "NOT", "NULL", "LIKE", "instr", "lower", "length", "substr", "typeof", "rowgate_float32", "rowgate_time",
    "create_time", "information_schema", "tables", "table_schema", "DATABASE", "table_name", "COERCIBILITY", "OR"};
const std::set<std::string, std::less<>> kStrings{"", "!", "integer", "real", "text", "blob", " ", ".000000"};

schemas::TablePtr make_table(Family family) {
    schemas::RawTable raw;
    raw.family = family;
    raw.name = "evil`t\"able; --";
    for (std::size_t i = 0; i < kNames.size(); ++i) {
        schemas::RawColumn column;
        column.name = kNames[i];
        const std::string_view type = kTypes[i % kTypes.size()];
        column.column_type = type;
        column.data_type = std::string(type.substr(0, type.find('(')));
        column.is_nullable = i != 0 && i != kTextKey;
        if (i == kTextKey) column.default_expression = "''";
        column.is_auto_increment = i == 0;
        if (column.data_type == "varchar") column.characters_max = 100;
        if (column.data_type == "varbinary") column.bytes_max = 50;
        if (column.data_type == "decimal") {
            column.numeric_precision = 10;
            column.numeric_scale = 2;
        }
        if (column.data_type == "datetime" || column.data_type == "time") column.datetime_precision = 6;
        if (column.data_type == "varchar" || column.data_type == "longtext") {
            column.charset = "utf8mb4";
            column.collation = family == Family::mysql ? "utf8mb4_general_ci" : (i % 2 == 0 ? "NOCASE" : "BINARY");
        }
        raw.columns.push_back(column);
    }
    raw.keys.push_back({"PRIMARY", true, {"id", kNames[kTextKey]}});
    raw.version_token = "2026-01-01 00:00:00";
    raw.is_version_settled = true;
    return schemas::build(raw);
}

std::size_t below(Random& random, std::size_t bound) { return std::uniform_int_distribution<std::size_t>(0, bound - 1)(random); }
bool chance(Random& random, unsigned percent) { return below(random, 100) < percent; }

const std::string& any(Random& random, const std::vector<std::string>& list) { return list[below(random, list.size())]; }

std::string noise(Random& random) {
    std::string text;
    for (std::size_t i = below(random, 12) + 1; i > 0; --i) text += static_cast<char>(below(random, 256));
    return text;
}

// A literal that the column's type takes, or (text) something hostile that is text all the same.
std::string fitting(Random& random, const schemas::Type& type) {
    using schemas::TypeClass;
    if (type.type_class == TypeClass::text) {
        const std::string& text = any(random, kHostile);
        return filters::is_utf8(text) ? text : "x";
    }
    if (type.type_class == TypeClass::datetime) return "2026-01-02T03:04:05.678901";
    if (type.type_class == TypeClass::date) return "2026-01-02";
    if (type.type_class == TypeClass::time) return "-11:22:33";
    if (type.type_class == TypeClass::binary) return "\\x270a00";
    if (type.type_class == TypeClass::boolean) return "1";
    return std::to_string(below(random, 1000));
}

std::string value_for(Random& random, const schemas::Type& type) {
    if (chance(random, 88)) return fitting(random, type);
    return chance(random, 70) ? any(random, kHostile) : noise(random);
}

std::string encoded(Random& random, std::string_view text) {
    if (chance(random, 97)) return filters::percent_encode(text);
    return std::string(text);
}

std::string quoted_name(const std::string& name) {
    std::string out = "\"";
    for (const char c : name) {
        if (c == '"' || c == '\\') out.push_back('\\');
        out.push_back(c);
    }
    out.push_back('"');
    return out;
}

std::string condition(Random& random, const schemas::Table& table) {
    static const std::vector<std::string> kOperators{"eq", "ne", "lt", "gt", "le", "ge", "bw", "in", "nin", "is", "not.is"};
    static const std::vector<std::string> kPatterns{"li", "rli", "lli", "eq", "in"};
    const schemas::Column& column = table.columns[below(random, table.columns.size())];
    const std::string name = chance(random, 96) ? quoted_name(column.name.text()) : any(random, kHostile);
    const bool is_text = column.type.type_class == schemas::TypeClass::text;
    const std::string op = chance(random, 97) ? any(random, is_text ? kPatterns : kOperators) : any(random, kHostile);
    std::string values = value_for(random, column.type);
    if (op.ends_with("is")) values = "null";
    if (op == "in" || op == "nin" || op == "bw") {
        values = quoted_name(values) + "," + quoted_name(value_for(random, column.type));
        if (op != "bw" && chance(random, 30)) values += "," + quoted_name(value_for(random, column.type));
    }
    return encoded(random, name) + "=" + encoded(random, op + "." + values);
}

std::string query(Random& random, const schemas::Table& table, bool is_read) {
    std::string out;
    for (std::size_t i = below(random, 3) + 1; i > 0; --i) out += (out.empty() ? "" : "&") + condition(random, table);
    if (is_read && chance(random, 30)) {
        out += "&order=" + encoded(random, quoted_name(any(random, kNames))) + (chance(random, 80) ? ".desc" : any(random, kHostile));
    }
    if (is_read && chance(random, 30)) out += "&select=" + encoded(random, quoted_name(chance(random, 90) ? any(random, kNames) : any(random, kHostile)));
    if (chance(random, 3)) out += "&" + noise(random);
    return out;
}

std::string json_string(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        if (static_cast<unsigned char>(c) < 0x20) {
            out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
        } else {
            out += c;
        }
    }
    return out + '"';
}

std::string row(Random& random, const schemas::Table& table) {
    std::string out = "{";
    for (const schemas::Column& column : table.columns) {
        if (!chance(random, 25)) continue;
        const std::string name = chance(random, 99) ? column.name.text() : any(random, kHostile);
        out += (out.size() == 1 ? "" : ",") + json_string(name) + ":" + json_string(value_for(random, column.type));
    }
    if (out.size() == 1) out += "\"id\":\"7\"";
    return out + "}";
}

std::string path_key(Random& random, const schemas::Table& table) {
    const std::string text = quoted_name(value_for(random, table.columns[kTextKey].type));
    return encoded(random, value_for(random, table.columns[0].type)) + "," + encoded(random, chance(random, 90) ? text : any(random, kHostile));
}

std::string keys_body(Random& random, const schemas::Table& table) {
    std::string out;
    for (std::size_t i = chance(random, 5) ? 600 : below(random, 4) + 1; i > 0; --i) {
        out += fmt::format("{}[{},{}]", out.empty() ? "" : ",", json_string(fitting(random, table.columns[0].type)),
                           json_string(chance(random, 99) ? fitting(random, table.columns[kTextKey].type) : any(random, kHostile)));
    }
    return R"({"ids":[)" + out + "]}";
}

// Empty: the text is ours alone. Otherwise what is not.
std::string foreign_part(const sql::render::Statement& statement, char quote, const schemas::Table& table) {
    const std::string& text = statement.text();
    std::size_t placeholders = 0;
    for (std::size_t i = 0; i < text.size();) {
        const char c = text[i];
        if (c == quote || c == '\'') {
            std::string content;
            for (++i; i < text.size(); ++i) {
                if (text[i] == c) {
                    if (i + 1 == text.size() || text[i + 1] != c) break;
                    ++i;
                }
                content += text[i];
            }
            if (i >= text.size()) return "an open quote";
            ++i;
            const bool is_known = c == '\'' ? kStrings.contains(content) : content == table.name.text() || table.find(content) != nullptr;
            if (!is_known) return fmt::format("quoted text {}", content);
        } else if (std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_') {
            std::string word;
            while (i < text.size() && (std::isalnum(static_cast<unsigned char>(text[i])) != 0 || text[i] == '_')) word += text[i++];
            if (!kWords.contains(word)) return fmt::format("the word {}", word);
        } else if (c == '?') {
            ++placeholders;
            ++i;
        } else if (std::string_view(" (),=<>+-*.0123456789").find(c) != std::string_view::npos) {
            if (c == '-' && i + 1 < text.size() && text[i + 1] == '-') return "a comment";
            ++i;
        } else {
            return fmt::format("the byte {}", static_cast<int>(static_cast<unsigned char>(c)));
        }
    }
    return placeholders == statement.params().size() ? "" : "placeholders and parameters that do not match";
}

struct Tally {
    std::size_t requests = 0;
    std::size_t rendered = 0;
    std::size_t statements = 0;
    std::set<std::string> texts;
};

// False when a statement's text held something foreign.
bool check_program(const sql::plan::Intent& intent, const schemas::TablePtr& table, const sql::render::Dialect& dialect, char quote, Tally& tally,
                   bool& has_rendered) {
    auto plan = sql::plan::bind_query(intent, table, schemas::Limits{});
    if (plan && (intent.verb == sql::plan::Verb::insert || intent.verb == sql::plan::Verb::update)) {
        plan = sql::plan::bind_body(std::move(*plan), intent.body);
    }
    if (!plan) return true;
    const auto guarded = sql::plan::Guard::guard(std::move(*plan));
    if (!guarded) return true;
    const sql::render::Program program = sql::render::render(*guarded, dialect);
    has_rendered = true;
    for (const sql::render::Statement& statement : program.statements) {
        ++tally.statements;
        if (tally.texts.size() < 100000) tally.texts.insert(statement.text());
        if (const std::string part = foreign_part(statement, quote, *table); !part.empty()) {
            std::cout << "foreign SQL: " << part << "\n  in: " << statement.text() << "\n";
            return false;
        }
    }
    return true;
}

bool run_one(Random& random, const schemas::TablePtr& mysql, const schemas::TablePtr& sqlite, Tally& tally) {
    static const std::vector<std::string> kBases{"/v1"};
    using sql::plan::Verb;
    static constexpr std::array<Verb, 4> kVerbs{Verb::read, Verb::insert, Verb::update, Verb::erase};
    ++tally.requests;
    sql::plan::Intent intent;
    intent.verb = kVerbs[below(random, kVerbs.size())];
    std::string path = "/v1/o/p/ms/db/" + filters::percent_encode(mysql->name.text());
    if (chance(random, 3)) path = "/v1/" + any(random, kHostile) + "/" + noise(random);
    const bool has_key = intent.verb != Verb::insert && chance(random, 20);
    if (has_key) path += "/" + path_key(random, *mysql);
    const std::string text = path + (intent.verb == Verb::insert && chance(random, 95) ? "" : "?" + query(random, *mysql, intent.verb == Verb::read));
    const auto target = gateway::request::parse_target(text, kBases);
    if (!target || target->segments.size() != (has_key ? 6U : 5U) || target->segments[4] != mysql->name.text()) return true;
    auto parsed = filters::parse(target->query, target->query_position, filters::Limits{});
    if (!parsed) return true;
    intent.query = std::move(*parsed);
    if (has_key) intent.key = gateway::request::path_key(*target);
    if (intent.verb == Verb::erase && chance(random, 30)) {
        auto keys = gateway::request::parse_keys_body(keys_body(random, *mysql), gateway::request::KeysForm::ids, {}, {});
        if (!keys) return true;
        intent.body_keys = std::move(keys->keys);
    }
    if (intent.verb == Verb::insert || intent.verb == Verb::update) {
        std::string json = row(random, *mysql);
        if (intent.verb == Verb::insert && chance(random, 50)) json = "[" + json + "," + row(random, *mysql) + "]";
        auto body = gateway::request::parse_body(
            json, intent.verb == Verb::insert ? gateway::request::BodyShape::object_or_array : gateway::request::BodyShape::object, {});
        if (!body) return true;
        intent.body = std::move(*body);
    }
    bool has_rendered = false;
    const bool is_clean = check_program(intent, mysql, sql::mysql::dialect(), '`', tally, has_rendered) &&
                          check_program(intent, sqlite, sql::sqlite::dialect(), '"', tally, has_rendered);
    if (has_rendered) ++tally.rendered;
    if (!is_clean) std::cout << "  for: " << text << "\n";
    return is_clean;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        std::cerr << "usage: hostile SEED COUNT\n";
        return 2;
    }
    Random random(std::strtoull(argv[1], nullptr, 10));
    const std::size_t count = std::strtoull(argv[2], nullptr, 10);
    const schemas::TablePtr mysql = make_table(Family::mysql);
    const schemas::TablePtr sqlite = make_table(Family::sqlite);
    Tally tally;
    std::size_t failed = 0;
    while (tally.requests < count) {
        if (!run_one(random, mysql, sqlite, tally)) ++failed;
    }
    const bool is_enough = tally.rendered * 10 >= tally.requests * 3;
    std::cout << fmt::format("hostile: seed {}, {} requests, {} reached render, {} statements, {} different texts\n", argv[1], tally.requests,
                             tally.rendered, tally.statements, tally.texts.size());
    if (!is_enough) std::cout << "fewer than three in ten reached render\n";
    std::cout << fmt::format("{} passed, {} failed\n", tally.requests - failed, failed + (is_enough ? 0 : 1));
    return failed == 0 && is_enough ? 0 : 1;
}
