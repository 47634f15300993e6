#include "gateway/tenants/grant.h"

#include <algorithm>

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

}  // namespace gateway::tenants
