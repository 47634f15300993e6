#include "gateway/tenants/grant.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "gateway/tenants/key_grants.h"
#include "gateway/tenants/registry.h"

namespace gateway::tenants {
namespace {

const std::string* value_of(const Restriction::Place& place, const auth::Subject& subject) {
    switch (place.variable) {
        case Variable::user_id: return &subject.user_id;
        case Variable::org_id: return &subject.org_id;
        case Variable::project_id: return &subject.project_id;
        case Variable::space_id: return &subject.space_id;
        case Variable::claim: return subject.claim(place.claim);
    }
    return nullptr;
}

bool has_value(const Restriction::Place& place, const auth::Subject& subject) {
    const std::string* const value = value_of(place, subject);
    return value != nullptr && !value->empty();
}

std::string name_of(const Restriction::Place& place) {
    switch (place.variable) {
        case Variable::user_id: return "$user_id";
        case Variable::org_id: return "$org_id";
        case Variable::project_id: return "$project_id";
        case Variable::space_id: return "$space_id";
        case Variable::claim: return "$claim." + place.claim;
    }
    return {};
}

bool names(const Grant& grant, const auth::Subject& subject, std::string_view table) {
    return holds_role(grant, subject) && names_table(grant, table) && applies_to(grant, subject);
}

sql::plan::Terms verbs_of(const Grant& grant, Verb verb) {
    sql::plan::Terms terms;
    terms.applies = allows(grant, verb);
    terms.reads = allows(grant, Verb::get);
    terms.filters = std::any_of(grant.verbs.begin(), grant.verbs.end(), [](Verb one) { return one != Verb::post; });
    terms.writes = allows(grant, Verb::post) || allows(grant, Verb::put) || allows(grant, Verb::patch);
    if (const Restriction* const restriction = grant.restriction.get()) {
        terms.read = &restriction->read;
        terms.write = &restriction->write;
        terms.filter = &restriction->filter;
        terms.row_filter = restriction->row_filter;
        terms.values = restriction->values;
    }
    return terms;
}

bool is_pattern(const std::string& name) { return name.find_first_of("*?") != std::string::npos; }

// One grant against the tables that there are.
class GrantCheck {
public:
    GrantCheck(const RegisteredDatabase& database, const Grant& grant, std::vector<std::string>& wrong)
        : database_(database), grant_(grant), wrong_(wrong) {}

    void check(const std::vector<schemas::TableName>& tables, sql::exec::Deadline deadline) {
        for (const std::string& name : grant_.tables) {
            bool is_there = false;
            for (const schemas::TableName& table : tables) {
                if (matches(name, table.name)) {
                    is_there = true;
                    check_table(name, table.name, deadline);
                }
            }
            if (!is_there && !is_pattern(name)) {
                complain(fmt::format("there is no table '{}'", name));
            }
        }
        for (const auto& [column, is_somewhere] : seen_) {
            if (!is_somewhere) {
                complain(fmt::format("{}: no table that the patterns match has a column '{}'", column.first, column.second));
            }
        }
    }

private:
    void complain(std::string_view what) {
        wrong_.push_back(fmt::format("line {}: grant of role '{}' on database '{}': {}", grant_.line, grant_.role, database_.name, what));
    }

    void check_table(const std::string& name, const std::string& table_name, sql::exec::Deadline deadline) {
        if (grant_.restriction == nullptr) {
            return;
        }
        const auto table = database_.database->catalog().find(table_name, deadline);
        if (!table || *table == nullptr) {
            return;
        }
        check_columns(name, **table, "read", grant_.restriction->read);
        check_columns(name, **table, "write", grant_.restriction->write);
        check_columns(name, **table, "filter", grant_.restriction->filter);
        if (const auto wrong = sql::plan::misfit(verbs_of(grant_, Verb::get), **table)) {
            complain(fmt::format("table '{}': {}", table_name, *wrong));
        }
    }

    // A table that is named must have the columns; of those that a pattern matches, one must.
    void check_columns(const std::string& name, const schemas::Table& table, std::string_view key,
                       const std::optional<std::vector<std::string>>& columns) {
        for (const std::string& column : columns.value_or(std::vector<std::string>())) {
            const bool is_there = table.find(column) != nullptr;
            if (is_pattern(name)) {
                bool& is_somewhere = seen_.try_emplace({std::string(key), column}, false).first->second;
                is_somewhere = is_somewhere || is_there;
            } else if (!is_there) {
                complain(fmt::format("{}: table '{}' has no column '{}'", key, table.name.text(), column));
            }
        }
    }

    const RegisteredDatabase& database_;
    const Grant& grant_;
    std::vector<std::string>& wrong_;
    std::map<std::pair<std::string, std::string>, bool> seen_;  // key of the grant and column: has a table matched by a pattern got it
};

}  // namespace

bool holds_role(const Grant& grant, const auth::Subject& subject) {
    return std::find(subject.roles.begin(), subject.roles.end(), grant.role) != subject.roles.end();
}

bool names_table(const Grant& grant, std::string_view table) {
    return std::any_of(grant.tables.begin(), grant.tables.end(), [table](const std::string& pattern) { return matches(pattern, table); });
}

bool allows(const Grant& grant, Verb verb) {
    return std::find(grant.verbs.begin(), grant.verbs.end(), verb) != grant.verbs.end();
}

std::vector<std::string> lacking(const Grant& grant, const auth::Subject& subject) {
    std::vector<std::string> names;
    if (grant.restriction != nullptr) {
        for (const Restriction::Place& place : grant.restriction->places) {
            if (!has_value(place, subject) && std::find(names.begin(), names.end(), name_of(place)) == names.end()) {
                names.push_back(name_of(place));
            }
        }
    }
    return names;
}

bool applies_to(const Grant& grant, const auth::Subject& subject) {
    return grant.restriction == nullptr || std::all_of(grant.restriction->places.begin(), grant.restriction->places.end(),
                                                       [&](const Restriction::Place& place) { return has_value(place, subject); });
}

std::vector<const Grant*> restricting_grants(const RegisteredDatabase& database, const auth::Subject& subject, std::string_view table,
                                             Verb verb) {
    std::vector<const Grant*> grants;
    for (const Grant& grant : database.grants) {
        if (grant.restriction == nullptr && allows(grant, verb) && names(grant, subject, table)) {
            return grants;
        }
    }
    for (const Grant& grant : database.grants) {
        if (names(grant, subject, table)) {
            grants.push_back(&grant);
        }
    }
    return grants;
}

std::vector<sql::plan::Terms> terms_of(const std::vector<const Grant*>& grants, const auth::Subject& subject, Verb verb) {
    std::vector<sql::plan::Terms> all;
    all.reserve(grants.size());
    for (const Grant* grant : grants) {
        sql::plan::Terms terms = verbs_of(*grant, verb);
        if (grant->restriction != nullptr) {
            for (const Restriction::Place& place : grant->restriction->places) {
                const std::string* const value = value_of(place, subject);
                filters::Literal& literal = place.is_in_values ? terms.values[place.part].second : terms.row_filter[place.part].values[place.at];
                literal.text = value != nullptr ? *value : std::string();
            }
        }
        all.push_back(std::move(terms));
    }
    return all;
}

std::vector<std::string> check_grants(const RegisteredDatabase& database, sql::exec::Deadline deadline) {
    std::vector<std::string> wrong;
    if (database.database == nullptr) {
        return wrong;
    }
    const auto tables = database.database->tables(deadline);
    if (!tables) {
        return wrong;
    }
    for (const Grant& grant : database.grants) {
        GrantCheck(database, grant, wrong).check(*tables, deadline);
    }
    return wrong;
}

}  // namespace gateway::tenants
