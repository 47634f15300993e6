// What stands for a caller on a table whatever he asks, out of all that has a word in it: the grants of his roles, those of his API
// key, the entry of the database, the caps of the space. It grants nothing: whether he may write at all is access()'s answer. Pure;
// asked for each write, by the pipeline and by explain.
#pragma once

#include <string_view>

#include "gateway/auth/subject.h"
#include "gateway/tenants/caps.h"
#include "gateway/tenants/grant.h"
#include "sql/plan/asks.h"

namespace gateway::tenants {

struct RegisteredDatabase;

// The strictest of each, and only what goes with the verb: nothing for GET; a delete by whatever method is Verb::erase. Every grant
// that names the table and the verb counts, even one that gives this caller nothing (a claim that he lacks, a row filter that does
// not fit): no grant that is added and no claim that is left out lifts a cap.
[[nodiscard]] sql::plan::Standing standing_on(const RegisteredDatabase& database, const Caps& caps, const auth::Subject& subject,
                                              std::string_view table, Verb verb);

}  // namespace gateway::tenants
