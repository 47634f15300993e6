#include "gateway/tenants/key_grants.h"

#include <algorithm>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "gateway/tenants/registry.h"

namespace gateway::tenants {
namespace {

using Names = std::optional<std::vector<std::string>>;

struct Pair {
    const Grant* of_role = nullptr;
    const Grant* of_key = nullptr;
};

// Those that speak for the caller about the table, whatever their verbs.
std::vector<Pair> pairs_on(const RegisteredDatabase& database, const auth::Subject& subject, std::string_view table) {
    std::vector<const Grant*> of_key;
    for (const Grant& grant : *subject.key_grants) {
        if (names_table(grant, table) && applies_to(grant, subject)) {
            of_key.push_back(&grant);
        }
    }
    std::vector<Pair> pairs;
    for (const Grant& of_role : database.grants) {
        if (of_key.empty() || !holds_role(of_role, subject) || !names_table(of_role, table) || !applies_to(of_role, subject)) {
            continue;
        }
        for (const Grant* const one : of_key) {
            if (!clash(of_role, *one, subject)) {
                pairs.push_back({&of_role, one});
            }
        }
    }
    return pairs;
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

// A list that is not there means all columns.
Names in_both(const Names& one, const Names& other) {
    if (!one || !other) {
        return one ? one : other;
    }
    std::vector<std::string> names;
    std::copy_if(one->begin(), one->end(), std::back_inserter(names), [&](const std::string& name) { return contains(*other, name); });
    return names;
}

const Names& effective_filter(const Restriction& restriction) {
    return restriction.filter ? restriction.filter : restriction.read;
}

struct Lists {
    Names read;
    Names write;
    Names filter;
};

// The verbs of a pair are those of both.
Grant verbs_of_both(const Grant& one, const Grant& other) {
    Grant both;
    std::copy_if(one.verbs.begin(), one.verbs.end(), std::back_inserter(both.verbs), [&](Verb verb) { return allows(other, verb); });
    return both;
}

}  // namespace

Access access_by_key(const RegisteredDatabase& database, const auth::Subject& subject, std::string_view table, Verb verb) {
    Access answer = Access::invisible;
    for (const Pair& pair : pairs_on(database, subject, table)) {
        if (allows(*pair.of_role, verb) && allows(*pair.of_key, verb)) {
            return Access::allowed;
        }
        answer = Access::verb_denied;
    }
    return answer;
}

std::optional<std::string> clash(const Grant& of_role, const Grant& of_key, const auth::Subject& subject) {
    if (of_role.restriction == nullptr || of_key.restriction == nullptr || of_key.restriction->values.empty()) {
        return std::nullopt;
    }
    const auto terms = terms_of({&of_role, &of_key}, subject, Verb::post);
    const auto& role_values = terms.front().values;
    for (const auto& [column, literal] : terms.back().values) {
        const auto same = std::find_if(role_values.begin(), role_values.end(), [&name = column](const auto& value) { return value.first == name; });
        if (same != role_values.end() && same->second.text != literal.text) {
            return fmt::format("the role's grant writes another value into column '{}' than the key's", column);
        }
        const Names& write = of_role.restriction->write;
        if (same == role_values.end() && write && !contains(*write, column)) {
            return fmt::format("the key's grant writes a value into column '{}', which the role's grant does not let be written", column);
        }
    }
    return std::nullopt;
}

sql::plan::Terms terms_of_pair(const Grant& of_role, const Grant& of_key, const auth::Subject& subject, Verb verb) {
    const Grant verbs = verbs_of_both(of_role, of_key);
    sql::plan::Terms both = std::move(terms_of({&verbs}, subject, verb).front());
    for (const Grant* const grant : {&of_role, &of_key}) {
        sql::plan::Terms terms = std::move(terms_of({grant}, subject, verb).front());
        std::move(terms.row_filter.begin(), terms.row_filter.end(), std::back_inserter(both.row_filter));
        for (auto& value : terms.values) {
            const bool is_there = std::any_of(both.values.begin(), both.values.end(), [&value](const auto& one) { return one.first == value.first; });
            if (!is_there) {
                both.values.push_back(std::move(value));
            }
        }
    }
    static const Restriction kWhole;
    const Restriction& one = of_role.restriction != nullptr ? *of_role.restriction : kWhole;
    const Restriction& other = of_key.restriction != nullptr ? *of_key.restriction : kWhole;
    const auto lists = std::make_shared<const Lists>(
        Lists{in_both(one.read, other.read), in_both(one.write, other.write), in_both(effective_filter(one), effective_filter(other))});
    both.read = &lists->read;
    both.write = &lists->write;
    both.filter = &lists->filter;
    both.lists = lists;
    return both;
}

std::optional<std::vector<sql::plan::Terms>> terms_on(const RegisteredDatabase& database, const auth::Subject& subject, std::string_view table,
                                                      Verb verb) {
    if (!subject.key_grants) {
        const auto grants = restricting_grants(database, subject, table, verb);
        return grants.empty() ? std::nullopt : std::optional(terms_of(grants, subject, verb));
    }
    const auto is_whole = [verb](const Grant& grant) { return grant.restriction == nullptr && allows(grant, verb); };
    const std::vector<Pair> pairs = pairs_on(database, subject, table);
    if (std::any_of(pairs.begin(), pairs.end(), [&](const Pair& pair) { return is_whole(*pair.of_role) && is_whole(*pair.of_key); })) {
        return std::nullopt;
    }
    std::vector<sql::plan::Terms> terms;
    terms.reserve(pairs.size());
    for (const Pair& pair : pairs) {
        terms.push_back(terms_of_pair(*pair.of_role, *pair.of_key, subject, verb));
    }
    return terms;
}

}  // namespace gateway::tenants
