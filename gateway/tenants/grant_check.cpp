#include "gateway/tenants/grant_check.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "sql/exec/catalog_cache.h"
#include "sql/plan/policy.h"

namespace gateway::tenants {
namespace {

using Names = std::optional<std::vector<std::string>>;

bool is_pattern(std::string_view name) { return name.find_first_of("*?") != std::string_view::npos; }
bool is_everything(std::string_view name) { return name.find_first_not_of('*') == std::string_view::npos; }

sql::plan::Terms terms_of(const Restriction& restriction) {
    sql::plan::Terms terms;
    terms.row_filter = restriction.row_filter;
    terms.values = restriction.values;
    return terms;
}

std::vector<sql::plan::Gap> gaps_of(const Restriction& restriction) {
    std::vector<sql::plan::Gap> gaps;
    for (const Restriction::Place& place : restriction.places) {
        gaps.push_back({place.is_in_values, place.part, place.at});
    }
    return gaps;
}

// The database's tables for the time of one check: what the gateway knows of tables that nobody asks for would cost memory.
class Tables {
public:
    Tables(sql::exec::Database& database, sql::exec::Deadline deadline)
        : deadline_(deadline), catalog_(database.readers(), {.lifetime = std::chrono::hours(1), .miss_interval = std::chrono::hours(1), .misses_max = 1000}),
          names_(database.tables(deadline)) {
        if (!names_) {
            unreached_ = names_.error().internal;
        }
    }

    [[nodiscard]] const std::string& unreached() const { return unreached_; }
    [[nodiscard]] std::vector<std::string> matching(std::string_view pattern) const {
        std::vector<std::string> found;
        for (const schemas::TableName& name : *names_) {
            if (matches(pattern, name.name)) {
                found.push_back(name.name);
            }
        }
        return found;
    }
    // Null when it cannot be read, or has gone.
    [[nodiscard]] schemas::TablePtr find(const std::string& name) {
        auto table = catalog_.find(name, deadline_);
        if (!table) {
            unreached_ = table.error().internal;
            return nullptr;
        }
        return *std::move(table);
    }

private:
    const sql::exec::Deadline deadline_;
    sql::exec::CatalogCache catalog_;
    const sql::exec::DbResult<std::vector<schemas::TableName>> names_;
    std::string unreached_;
};

// One grant and one of the names or patterns in it.
class NameCheck {
public:
    NameCheck(const Restriction* restriction, const std::string& name, Tables& tables) : restriction_(restriction), name_(name), tables_(tables) {}

    // What is wrong; nothing may be said once the database is out of reach.
    std::vector<std::string> check() && {
        const std::vector<std::string> names = tables_.matching(name_);
        if (names.empty() && !is_everything(name_)) {
            wrong_.push_back(is_pattern(name_) ? fmt::format("no table matches '{}'", name_) : fmt::format("there is no table '{}'", name_));
        }
        if (restriction_ == nullptr) {
            return std::move(wrong_);
        }
        std::vector<schemas::TablePtr> found;
        for (const std::string& name : names) {
            if (auto table = tables_.find(name)) {
                found.push_back(std::move(table));
            }
        }
        if (!found.empty()) {
            check_columns("read", restriction_->read, found);
            check_columns("write", restriction_->write, found);
            check_columns("filter", restriction_->filter, found);
            check_terms(found);
        }
        return std::move(wrong_);
    }

private:
    void check_columns(std::string_view key, const Names& columns, const std::vector<schemas::TablePtr>& found) {
        for (const std::string& column : columns.value_or(std::vector<std::string>())) {
            if (std::ranges::any_of(found, [&](const schemas::TablePtr& table) { return table->find(column) != nullptr; })) {
                continue;
            }
            const std::string nearest = found.size() == 1 ? found.front()->nearest(column) : std::string();
            wrong_.push_back((is_pattern(name_) ? fmt::format("{}: no table that '{}' matches has a column '{}'", key, name_, column)
                                                : fmt::format("{}: table '{}' has no column '{}'", key, name_, column)) +
                             (nearest.empty() ? std::string() : fmt::format("; did you mean '{}'?", nearest)));
        }
    }

    void check_terms(const std::vector<schemas::TablePtr>& found) {
        const sql::plan::Terms terms = terms_of(*restriction_);
        const std::vector<sql::plan::Gap> gaps = gaps_of(*restriction_);
        std::optional<std::string> first;
        for (const schemas::TablePtr& table : found) {
            auto misfit = sql::plan::misfit(terms, gaps, *table);
            if (!misfit) {
                return;
            }
            if (!first) {
                first = fmt::format("table '{}': {}", table->name.text(), *misfit);
            }
        }
        wrong_.push_back(*std::move(first));
    }

    const Restriction* const restriction_;
    const std::string& name_;
    Tables& tables_;
    std::vector<std::string> wrong_;
};

}  // namespace

bool has_grants_to_check(const RegisteredDatabase& database) {
    return database.database != nullptr && std::ranges::any_of(database.grants, [](const Grant& grant) {
               return grant.restriction != nullptr || !std::ranges::all_of(grant.tables, is_everything);
           });
}

GrantFindings check_grants(const RegisteredDatabase& database, const std::string& file, sql::exec::Deadline deadline) {
    GrantFindings findings;
    if (!has_grants_to_check(database)) {
        return findings;
    }
    const bool was_closed = database.database->readers().stats().open == 0;
    {
        Tables tables(*database.database, deadline);
        for (const Grant& grant : database.grants) {
            for (const std::string& name : grant.tables) {
                if (!tables.unreached().empty()) {
                    break;
                }
                for (const std::string& what : NameCheck(grant.restriction.get(), name, tables).check()) {
                    findings.wrong.push_back(fmt::format("{}:{}: grant of role '{}' on database {}/{}: {}", file, grant.line, grant.role,
                                                         database.type, database.name, what));
                }
            }
        }
        findings.unreached = tables.unreached();
    }
    if (was_closed) {
        database.database->drop_idle();
    }
    return findings;
}

}  // namespace gateway::tenants
