#include "gateway/tenants/standing.h"

#include <algorithm>
#include <cstdint>
#include <optional>

#include "gateway/grants/standing.h"
#include "gateway/tenants/registry.h"

namespace gateway::tenants {
namespace {

using sql::plan::Standing;
using Cap = std::optional<std::uint64_t>;

void tighten(Cap& cap, const Cap& other) {
    if (other) {
        cap = std::min(cap.value_or(*other), *other);
    }
}

void tighten(Standing& standing, const WriteCaps& caps) {
    tighten(standing.affected_max, caps.affected_max);
    tighten(standing.cascaded_max, caps.cascaded_max);
}

void tighten(Standing& standing, const Standing& other) {
    tighten(standing, WriteCaps{other.affected_max, other.cascaded_max});
    standing.deletes_one = standing.deletes_one || other.deletes_one;
    standing.needs_confirmation = standing.needs_confirmation || other.needs_confirmation;
    standing.missing_is_ok = standing.missing_is_ok || other.missing_is_ok;
}

bool has_a_say(const Grant& grant, std::string_view table, Verb verb) {
    return grant.standing != nullptr && allows(grant, verb) && names_table(grant, table);
}

}  // namespace

Standing standing_on(const RegisteredDatabase& database, const Caps& caps, const auth::Subject& subject, std::string_view table, Verb verb) {
    if (!grants::may_affect(verb)) {
        return {};
    }
    Standing standing;
    tighten(standing, caps.writes);
    tighten(standing, database.write_caps);
    if (!database.nothing_stands) {
        for (const Grant& grant : database.grants) {
            if (has_a_say(grant, table, verb) && holds_role(grant, subject)) {
                tighten(standing, *grant.standing);
            }
        }
    }
    if (subject.key_grants != nullptr) {
        for (const Grant& grant : *subject.key_grants) {
            if (has_a_say(grant, table, verb)) {
                tighten(standing, *grant.standing);
            }
        }
    }
    if (!grants::may_cascade(verb)) {
        standing.cascaded_max.reset();
    }
    if (verb != Verb::erase) {
        standing.deletes_one = standing.needs_confirmation = standing.missing_is_ok = false;
    }
    return standing;
}

}  // namespace gateway::tenants
