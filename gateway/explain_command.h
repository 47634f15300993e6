// `rowgate whoami` and `rowgate explain-access`: what the gateway makes of a caller, and of a caller's request, with a configuration.
// They speak to no gateway that serves and carry nothing out; what they print is for the operator. Called by main; problems go to
// standard error, one a line.
#pragma once

#include <string>
#include <vector>

#include "gateway/app.h"
#include "gateway/keys.h"

namespace gateway {

// As given on the command line; empty is not given.
struct Question {
    std::string org_id;
    std::string project_id;
    std::string space_id;
    std::string user_id;
    std::string roles;
    std::string token;  // "-": on standard input
    std::string key;    // the same
    std::string key_id;
    std::string peer;
    std::vector<std::string> claims;  // NAME=VALUE
    std::string method;
    std::string target;
    std::string body;
};

// Both end with 0 for yes, 1 for no, and 2 when there is no answer: wrong usage, a configuration that cannot be used.

// Is the caller verified, who is it, and which databases and tables are named for it; if not, the very reason.
int whoami(const std::string& config_file, const Environment& environment, Question question, ListForm form);

// Would the request be allowed, with the five or with an API key, of which no secret is needed: each grant's word, row filters, hidden columns, forced values, the SQL.
int explain_access(const std::string& config_file, const Environment& environment, const Question& question, ListForm form);

}  // namespace gateway
