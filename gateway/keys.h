// `rowgate keys create|list|revoke`: the folder of API keys from the command line, while a gateway serves from it or not. It speaks
// to no gateway: that one sees what changed in the folder. Called by main; problems go to standard error, one a line.
#pragma once

#include <string>
#include <vector>

#include "gateway/app.h"

namespace gateway {

// As given on the command line; lists are comma separated, empty is not given.
struct NewKeyWish {
    std::string org_id;
    std::string project_id;
    std::string space_id;
    std::string user_id;
    std::string roles;
    std::string expires;  // RFC 3339
    std::string name;
    std::string verbs;   // with `tables`: the key may do only this, whatever its roles may
    std::string tables;  // names or patterns
    // With both of them: of these columns, rows and values only, as in a [[grant]].
    std::string read;
    std::string write;
    std::string filter;
    std::string row_filter;
    std::vector<std::string> values;  // COLUMN=VALUE
    // And of these tables, what stands whatever a request asks.
    std::string affected_max;  // digits
    std::string cascaded_max;
    std::string conditional_delete;  // one
    std::string missing;             // ok
    bool needs_confirmation = false;
};

// Prints the key, alone on the last line of standard output: the only time that it is to be seen.
int create_key(const std::string& config_file, const Environment& environment, const NewKeyWish& wish);

enum class ListForm { text, json };
// Id, name, tenant, roles, grants, times and state of each key; never the secret or its hash. Files that hold no good key are told on
// standard error and make the exit code 1.
int list_keys(const std::string& config_file, const Environment& environment, ListForm form);

// A gateway that serves refuses the key within two seconds. A key that was revoked before keeps its time.
int revoke_key(const std::string& config_file, const Environment& environment, const std::string& id);

// The id in what an operator has at hand: the id, or the whole key. Empty when it is neither.
[[nodiscard]] std::string key_id_in(const std::string& text);

}  // namespace gateway
