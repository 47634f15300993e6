// Why a request would be allowed or refused: the pipeline's own verdict (try_out), and beside it what each grant of the database
// has to say. It decides nothing and changes nothing in a database. For the operator: it names what no client is told.
// Called by `rowgate explain-access`.
#pragma once

#include "gateway/outline.h"
#include "gateway/pipeline.h"

namespace gateway {

struct Explanation {
    bool is_allowed = false;
    Outline steps;
};

// `request` needs method, target, headers, body and time of arrival. Where the database does not answer, the grants alone say.
[[nodiscard]] Explanation explain(const http::Request& request, const Snapshot& snapshot, const auth::Subject& subject);

// Whom a subject stands for, all that is known of it.
void describe(const auth::Subject& subject, Outline& outline);
// What a client would be told, and the inner reason, which it would not.
[[nodiscard]] Outline describe(const Problem& problem);
// A grant as its file says it: line, role (none in a key's file), tables, verbs, what stands; with the caller's values in row filter and forced values.
[[nodiscard]] Outline describe(const tenants::Grant& grant, const auth::Subject& subject);

}  // namespace gateway
