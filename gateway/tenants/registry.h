// Who lives here: org, project, space, database, grant; read from a folder of TOML files, one an org. Immutable: a reload makes
// another one, which shares with it every org whose file did not change. `Registry::find` takes the same time however many
// tenants there are. Made by Folder, read by the pipeline.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <tl/expected.hpp>

#include "gateway/auth/subject.h"
#include "gateway/config/config.h"
#include "gateway/fairness/share.h"
#include "gateway/tenants/caps.h"
#include "gateway/tenants/cors_policy.h"
#include "gateway/tenants/grant.h"
#include "sql/exec/database.h"

namespace gateway::tenants {

struct RegisteredDatabase {
    std::string type;  // "ms", "sl"
    std::string name;  // as in the path
    bool is_required = false;
    std::vector<Grant> grants;
    bool nothing_stands = false;  // true: none of the grants has anything that stands, and nobody need look
    WriteCaps write_caps;
    std::shared_ptr<sql::exec::Database> database;
    std::string settings;  // all that its connections depend on, secrets included: compared at a reload, never shown
};

struct Space {
    std::string id;
    std::vector<RegisteredDatabase> databases;
    fairness::Share share;
    Caps caps;
    [[nodiscard]] const RegisteredDatabase* find(std::string_view type, std::string_view name) const;
};

struct Project {
    std::string name;
    std::string id;
    std::vector<Space> spaces;
    CorsPolicy cors;
    std::vector<const Space*> spaces_by_id;  // sorted; made by Org::index
};

struct Org {
    std::string name;
    std::string id;
    std::string file;
    std::vector<Project> projects;
    std::vector<const Project*> projects_by_name;  // sorted; made by index(). They point in here: an Org is moved, never copied

    void index();
};

struct RegistryError {
    std::vector<std::string> messages;  // "tenants/acme.toml:12: …"
};

// A file that could not be taken as it is.
struct FaultyFile {
    std::string file;
    std::vector<std::string> messages;  // each with file and, where known, line
    bool has_last_good = false;         // what it said before stays in force; otherwise its org is unavailable
};

class Registry {
public:
    // An org that a faulty file names, and of which nothing else is known.
    struct Unavailable {
        std::string name;
        std::string id;
    };

    Registry() = default;
    // Names and ids are unique among `orgs`.
    Registry(std::vector<std::shared_ptr<const Org>> orgs, std::vector<Unavailable> unavailable, std::vector<FaultyFile> faulty_files);

    // The space that path names and header ids both mean; null when they do not agree or do not exist (the caller cannot tell
    // which). Ids are compared byte for byte.
    [[nodiscard]] const Space* find(std::string_view org, std::string_view project, const auth::Subject& subject) const;
    // By the names of a path alone, for what a browser asks before anybody is identified; null when there is none.
    [[nodiscard]] const Project* find_project(std::string_view org, std::string_view project) const;
    // True when the caller means an org whose file is faulty and was never good: name and id are both as in that file.
    [[nodiscard]] bool is_unavailable(std::string_view org, const auth::Subject& subject) const;
    // Every database, for /readyz and metrics.
    [[nodiscard]] const std::vector<const RegisteredDatabase*>& databases() const { return databases_; }
    [[nodiscard]] const std::vector<std::shared_ptr<const Org>>& orgs() const { return orgs_; }
    // Null when there is none of this name.
    [[nodiscard]] std::shared_ptr<const Org> org(std::string_view name) const;
    [[nodiscard]] const std::vector<FaultyFile>& faulty_files() const { return faulty_files_; }

    // Reads config.tenants_folder once, as Folder does; any faulty file is an error here. Opens no connection.
    [[nodiscard]] static tl::expected<Registry, RegistryError> load(const config::Config& config);

private:
    std::vector<std::shared_ptr<const Org>> orgs_;
    std::unordered_map<std::string_view, std::size_t> by_name_;  // views of the orgs' own names
    std::vector<const RegisteredDatabase*> databases_;
    std::vector<Unavailable> unavailable_;  // sorted by name
    std::vector<FaultyFile> faulty_files_;
};

// True when `name` matches `pattern` whole; never worse than the product of their lengths. A character is a UTF-8 one, case
// counts.
[[nodiscard]] bool matches(std::string_view pattern, std::string_view name);

// What the grants of the caller's roles say about one table. No grant names it: invisible.
[[nodiscard]] Access access(const RegisteredDatabase& database, const auth::Subject& subject, std::string_view table, Verb verb);

// The verbs that the caller may use on a table.
[[nodiscard]] std::vector<Verb> allowed_verbs(const RegisteredDatabase& database, const auth::Subject& subject,
                                              std::string_view table);

}  // namespace gateway::tenants
