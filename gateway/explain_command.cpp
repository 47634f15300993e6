#include "gateway/explain_command.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <iostream>
#include <iterator>
#include <optional>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "gateway/auth/key_file.h"
#include "gateway/explain.h"
#include "gateway/tenants/folder.h"
#include "sql/backends.h"

namespace gateway {
namespace {

using std::chrono::system_clock;

void complain(const std::vector<std::string>& messages) {
    for (const std::string& message : messages) fmt::print(stderr, "rowgate: {}\n", message);
}

int no_answer(const std::vector<std::string>& messages) {
    complain(messages);
    return kExitUsage;
}

void print(const Outline& outline, ListForm form) {
    fmt::print("{}", form == ListForm::json ? outline.json() + '\n' : outline.text());
}

// The settings with the tenants as they are now; faults of files and keys are told and hinder nothing.
tl::expected<Snapshot, std::vector<std::string>> load_world(const std::string& config_file, const Environment& environment) {
    auto world = load_settings(config_file, environment);
    if (!world) return world;
    tenants::Folder folder(world->config, nullptr);
    auto reading = folder.read(tenants::Folder::Scope::everything);
    if (!reading) return tl::unexpected(std::vector{reading.error()});
    for (const tenants::FaultyFile& faulty : reading->faults) complain(faulty.messages);
    world->registry = std::move(reading->registry);
    if (world->api_keys) complain(world->api_keys->refresh());
    return world;
}

// What is to be read from standard input is its first line.
bool read_secret(std::string& secret) {
    if (secret != "-") return true;
    secret.clear();
    std::getline(std::cin, secret);
    while (secret.ends_with('\r') || secret.ends_with(' ')) secret.pop_back();
    return !secret.empty();
}

// The first trusted proxy, its range's first address.
std::string usual_peer(const config::Config& config) {
    return config.trusted_proxies.empty() ? "127.0.0.1" : config.trusted_proxies.front().substr(0, config.trusted_proxies.front().find('/'));
}

http::Request request_of(const Question& question, const std::string& peer) {
    http::Request request;
    request.peer = peer;
    request.received = std::chrono::steady_clock::now();
    const auto send = [&request](const char* name, const std::string& value) {
        if (!value.empty()) request.headers.push_back({name, value});
    };
    send("X-Org-Id", question.org_id);
    send("X-Project-Id", question.project_id);
    send("X-Space-Id", question.space_id);
    send("X-User-Id", question.user_id);
    send("X-User-Roles", question.roles);
    if (!question.token.empty()) send("Authorization", "Bearer " + question.token);
    send("X-API-Key", question.key);
    return request;
}

// Keys that come by URL are waited for: the gateway has them from its start.
tl::expected<auth::Subject, Problem> identify(const http::Request& request, const Snapshot& world) {
    const auth::IdentityWatch watch(world.identity, [](const std::string& what) { complain({what}); });
    const auto until = system_clock::now() + world.config.auth.jwks_timeout;
    for (;;) {
        auto subject = world.identity->identify(request, system_clock::now());
        const bool may_come = !subject && subject.error().code == Code::identity_unavailable && !world.config.auth.jwks_url.empty();
        if (!may_come || system_clock::now() >= until) return subject;
        constexpr std::chrono::milliseconds kLook{50};
        std::this_thread::sleep_for(kLook);
    }
}

// When a token or key ends, where it does.
std::string expiry_of(const auth::Subject& subject, const config::Config& config) {
    if (!subject.key_id.empty()) {
        const auto key = auth::read_key_file(config.auth.keys_folder, subject.key_id + ".toml");
        return key && key->expires ? auth::print_instant(*key->expires) : "";
    }
    const std::string* const claim = subject.claim("exp");
    if (claim == nullptr) return "";
    constexpr std::size_t kDigitsMax = 11;
    const bool is_number = claim->size() <= kDigitsMax && std::ranges::all_of(*claim, [](char c) { return c >= '0' && c <= '9'; });
    return is_number ? auth::print_instant(auth::Instant(std::chrono::seconds(std::stoll(*claim)))) : *claim;
}

std::vector<Outline> databases_of(const tenants::Space& space, const auth::Subject& subject) {
    std::vector<Outline> databases;
    for (const tenants::RegisteredDatabase& database : space.databases) {
        Outline one;
        one.add("database", database.type + '/' + database.name);
        std::vector<Outline> grants;
        for (const tenants::Grant& grant : database.grants) {
            if (tenants::holds_role(grant, subject)) grants.push_back(describe(grant, subject));
        }
        one.add("grants", std::move(grants));
        databases.push_back(std::move(one));
    }
    return databases;
}

// By whatever name: there is one org and project at most that the registry finds for the ids.
std::vector<Outline> spaces_of(const tenants::Registry& registry, const auth::Subject& subject) {
    std::vector<Outline> spaces;
    for (const auto& org : registry.orgs()) {
        for (const tenants::Project& project : org->projects) {
            const tenants::Space* const space = registry.find(org->name, project.name, subject);
            if (space == nullptr) continue;
            Outline one;
            one.add("path", org->name + '/' + project.name);
            one.add("databases", databases_of(*space, subject));
            spaces.push_back(std::move(one));
        }
    }
    return spaces;
}

tl::expected<auth::Subject, std::string> subject_of(const Question& question) {
    const bool is_whole = !question.org_id.empty() && !question.project_id.empty() && !question.space_id.empty() && !question.user_id.empty();
    if (!is_whole || question.roles.empty()) {
        return tl::unexpected<std::string>("explain-access needs --org-id, --project-id, --space-id, --user and --roles, or --key-id");
    }
    auth::Subject subject;
    subject.org_id = question.org_id;
    subject.project_id = question.project_id;
    subject.space_id = question.space_id;
    subject.user_id = question.user_id;
    subject.roles = auth::split_roles(question.roles);
    if (subject.roles.empty()) return tl::unexpected<std::string>("--roles names no role");
    for (const std::string& claim : question.claims) {
        const std::size_t equals = claim.find('=');
        if (equals == 0 || equals == std::string::npos) return tl::unexpected(fmt::format("--claim {}: it is NAME=VALUE", claim));
        subject.claims.push_back({claim.substr(0, equals), claim.substr(equals + 1)});
    }
    return subject;
}

// Whom the key stands for, whether it is revoked or not.
tl::expected<auth::ApiKey, std::vector<std::string>> key_of(const Question& question, const config::Config& config) {
    const auto refuse = [](std::string message) { return tl::unexpected(std::vector{std::move(message)}); };
    const std::string id = key_id_in(question.key_id);
    if (id.empty()) return refuse("--key-id: a key's id is the eight characters after rg_");
    const bool is_alone = question.org_id.empty() && question.project_id.empty() && question.space_id.empty() && question.user_id.empty() &&
                          question.roles.empty() && question.claims.empty();
    if (!is_alone) return refuse("--key-id says who asks: leave out --org-id, --project-id, --space-id, --user, --roles and --claim");
    return auth::read_key_file(config.auth.keys_folder, id + ".toml");
}

// Empty: the key is good.
std::string why_refused(const auth::ApiKey& key) {
    if (key.revoked) return fmt::format("the API key {} is revoked", key.id);
    return key.expires && *key.expires <= system_clock::now() ? fmt::format("the API key {} has expired", key.id) : "";
}

bool takes_body(std::string_view method) { return method == "POST" || method == "PUT" || method == "PATCH"; }

}  // namespace

int whoami(const std::string& config_file, const Environment& environment, Question question, ListForm form) {
    if (question.token == "-" && question.key == "-") return no_answer({"one of --token and --key can be read from standard input, not both"});
    if (!read_secret(question.token) || !read_secret(question.key)) return no_answer({"standard input holds no token or key"});
    try {
        const auto world = load_world(config_file, environment);
        if (!world) return no_answer(world.error());
        const std::string peer = question.peer.empty() ? usual_peer(world->config) : question.peer;
        const http::Request request = request_of(question, peer);
        if (request.headers.empty()) return no_answer({"whoami needs --token, --key, or --org-id, --project-id, --space-id, --user and --roles"});
        const auto subject = identify(request, *world);
        Outline outline;
        outline.add_flag("verified", subject.has_value());
        if (!subject) outline.add("why", subject.error().internal.empty() ? subject.error().detail : subject.error().internal);
        outline.add("modes", world->config.auth.modes);
        outline.add("peer", peer);
        if (subject) {
            describe(*subject, outline);
            outline.add_some("expires", expiry_of(*subject, world->config));
            outline.add("spaces", spaces_of(world->registry, *subject));
        } else {
            outline.add("problem", describe(subject.error()));
        }
        print(outline, form);
        return subject ? kExitOk : kExitFailure;
    } catch (const std::exception& exception) {
        return no_answer({exception.what()});
    }
}

int explain_access(const std::string& config_file, const Environment& environment, const Question& question, ListForm form) {
    auto subject = question.key_id.empty() ? subject_of(question) : auth::Subject{};
    if (!subject) return no_answer({subject.error()});
    const bool is_target = question.target.starts_with('/') && std::ranges::all_of(question.target, [](char c) { return c > 0x20 && c < 0x7F; });
    if (!is_target) return no_answer({"the target is a path and query as it is sent: it begins with /, and what is not visible ASCII is percent-encoded"});
    if (takes_body(question.method) && question.body.empty()) return no_answer({question.method + " takes a body: --body JSON"});
    try {
        auto world = load_world(config_file, environment);
        if (!world) return no_answer(world.error());
        if (!question.key_id.empty()) {
            auto key = key_of(question, world->config);
            if (!key) return no_answer(key.error());
            if (std::string why = why_refused(*key); !why.empty()) {
                Outline outline;
                outline.add("decision", "refused");
                outline.add("why", why + ": every request with it is 401 credential_invalid");
                print(outline, form);
                return kExitFailure;
            }
            subject = std::move(key->subject);
        }
        constexpr std::chrono::milliseconds kPatience{5000};
        world->config.request_timeout = std::min(world->config.request_timeout, kPatience);
        sql::start();
        http::Request request = request_of({}, "");
        request.method = question.method;
        request.target = question.target;
        if (!question.body.empty()) {
            request.headers.push_back({"Content-Type", "application/json"});
            request.body = question.body;
            request.body_state = http::BodyState::complete;
        }
        const Explanation explanation = explain(request, *world, *subject);
        print(explanation.steps, form);
        return explanation.is_allowed ? kExitOk : kExitFailure;
    } catch (const std::exception& exception) {
        return no_answer({exception.what()});
    }
}

}  // namespace gateway
