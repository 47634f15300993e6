// Who lives here: org, project, space, database, grant; read from a folder of TOML files, one an org. Immutable once loaded.
// `Registry::find` answers in constant time however many tenants there are. Loaded by app, read by the pipeline.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <tl/expected.hpp>

#include "gateway/auth/subject.h"
#include "gateway/config/config.h"
#include "sql/exec/database.h"

namespace gateway::tenants {

// What the HTTP verbs come to.
enum class Verb { get, post, put, patch, erase };

// One [[grant]]: a role may use these verbs on these tables. Deny by default.
struct Grant {
    std::string role;
    std::vector<std::string> tables;  // names, or patterns with `*` (any run of characters) and `?` (one character)
    std::vector<Verb> verbs;          // "GET" covers HEAD and OPTIONS
};

struct RegisteredDatabase {
    std::string type;  // "ms", "sl"
    std::string name;  // as in the path
    bool is_required = false;
    std::vector<Grant> grants;
    std::shared_ptr<sql::exec::Database> database;
};

struct Space {
    std::string id;
    std::vector<RegisteredDatabase> databases;
    [[nodiscard]] const RegisteredDatabase* find(std::string_view type, std::string_view name) const;
};

struct Project {
    std::string name;
    std::string id;
    std::vector<Space> spaces;
};

struct Org {
    std::string name;
    std::string id;
    std::vector<Project> projects;
};

struct RegistryError {
    std::vector<std::string> messages;  // "tenants/acme.toml:12: …"
};

class Registry {
public:
    // The space that path names and header ids both mean; null when they do not agree or do not exist (the caller cannot tell
    // which). Ids are compared byte for byte.
    [[nodiscard]] const Space* find(std::string_view org, std::string_view project, const auth::Subject& subject) const;
    // Every database, for /readyz.
    [[nodiscard]] const std::vector<const RegisteredDatabase*>& databases() const { return databases_; }
    [[nodiscard]] const std::vector<Org>& orgs() const { return *orgs_; }

    // Reads every *.toml file of config.tenants_folder (files in it, not below it; names that begin with a dot are skipped).
    // Duplicate names or ids, unknown keys, an unreadable secret: errors with file and line. Opens no connection. Relative paths
    // in a file start at config.folder.
    [[nodiscard]] static tl::expected<Registry, RegistryError> load(const config::Config& config);

private:
    std::shared_ptr<const std::vector<Org>> orgs_ = std::make_shared<const std::vector<Org>>();  // spaces_, databases_ point in
    std::unordered_map<std::string, const Space*> spaces_;  // keyed by the five texts, each with its length
    std::vector<const RegisteredDatabase*> databases_;
};

enum class Access { allowed, verb_denied, invisible };

// True when `name` matches `pattern` whole; never worse than the product of their lengths. A character is a UTF-8 one, case
// counts.
[[nodiscard]] bool matches(std::string_view pattern, std::string_view name);

// What the grants of the caller's roles say about one table. No grant names it: invisible.
[[nodiscard]] Access access(const RegisteredDatabase& database, const auth::Subject& subject, std::string_view table, Verb verb);

// The verbs that the caller may use on a table.
[[nodiscard]] std::vector<Verb> allowed_verbs(const RegisteredDatabase& database, const auth::Subject& subject,
                                              std::string_view table);

}  // namespace gateway::tenants
