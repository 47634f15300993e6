#include "gateway/config/settings.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "gateway/config/source.h"

namespace gateway::config {
namespace {

constexpr std::int64_t kHourMs = 3'600'000;

std::string check_base_path(const std::string& path) {
    if (path.empty() || path.front() != '/') {
        return fmt::format("\"{}\" must begin with /", path);
    }
    if (path.back() == '/') {
        return fmt::format("\"{}\" must not end with /", path);
    }
    std::string_view rest = std::string_view(path).substr(1);
    while (true) {
        const std::size_t slash = rest.find('/');
        const std::string_view segment = rest.substr(0, slash);
        if (segment.empty()) {
            return fmt::format("\"{}\" has an empty segment", path);
        }
        if (segment == "." || segment == "..") {
            return fmt::format("\"{}\" must not have a segment {}", path, segment);
        }
        // Base paths are compared with the raw target, so they hold only what needs no percent-encoding.
        const bool is_unreserved = std::all_of(segment.begin(), segment.end(), [](char c) {
            return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
                   c == '_' || c == '~';
        });
        if (!is_unreserved) {
            return fmt::format("\"{}\" may hold only letters, digits, - . _ ~ and /", path);
        }
        if (slash == std::string_view::npos) {
            return {};
        }
        rest.remove_prefix(slash + 1);
    }
}

std::string check_base_paths(const Config& config) {
    if (config.base_paths.empty()) {
        return "must name at least one path";
    }
    std::set<std::string> seen;
    for (const std::string& path : config.base_paths) {
        if (std::string problem = check_base_path(path); !problem.empty()) {
            return problem;
        }
        if (!seen.insert(path).second) {
            return fmt::format("\"{}\" stands twice", path);
        }
    }
    return {};
}

std::string check_address(const Config& config) {
    return config.server.address.empty() ? "must not be empty" : "";
}

std::string check_socket_mode(const Config& config) {
    const std::string& mode = config.server.socket_mode;
    const bool is_octal = mode.size() >= 3 && mode.size() <= 4 && mode.find_first_not_of("01234567") == std::string::npos;
    return is_octal ? "" : "must be three or four octal digits, as in \"0660\"";
}

std::string check_affinity(const Config& config) {
    const std::string& affinity = config.server.affinity;
    return affinity == "auto" || affinity == "off" ? "" : "must be \"auto\" or \"off\"";
}

std::string check_admin_address(const Config& config) {
    if (config.admin_address == "systemd") {
        return "must be an address or \"unix:/path\": systemd's socket is the clients'";
    }
    return config.admin_address.empty() ? "must not be empty" : "";
}

std::string check_tenants_folder(const Config& config) {
    return config.tenants_folder.empty() ? "must not be empty" : "";
}

// Each one of `known`, none twice, and at least one.
std::string check_choice(const std::vector<std::string>& chosen, const std::vector<std::string>& known) {
    std::set<std::string> seen;
    for (const std::string& each : chosen) {
        if (std::find(known.begin(), known.end(), each) == known.end()) {
            return fmt::format("\"{}\" is none of {}", each, fmt::join(known, ", "));
        }
        if (!seen.insert(each).second) {
            return fmt::format("\"{}\" stands twice", each);
        }
    }
    return chosen.empty() ? "must name at least one" : "";
}

std::string check_auth_modes(const Config& config) {
    return check_choice(config.auth.modes, {"headers", "jwt", "api_key"});
}

std::string check_keys_folder(const Config& config) {
    return config.auth.keys_folder.empty() ? "must not be empty" : "";
}

std::string check_jwt_algorithms(const Config& config) {
    return check_choice(config.auth.jwt_algorithms, auth::Settings().jwt_algorithms);
}

const std::vector<Row>& table() {
    static const std::vector<Row> kRows = {
        {"base_paths", [](Config& c) { return &c.base_paths; }, 0, 0, check_base_paths,
         "Paths below which the interface is served"},
        {"trusted_proxies", [](Config& c) { return &c.trusted_proxies; }, 0, 0, nullptr,
         "Peers whose X- identity headers are believed: addresses, CIDR ranges, \"unix\""},
        {"tenants_folder", [](Config& c) { return &c.tenants_folder; }, 0, 0, check_tenants_folder,
         "Folder of the tenants' files, one an organization; relative to the config file"},
        {"access_log", [](Config& c) { return &c.access_log; }, 0, 0, nullptr,
         "File of the JSON log, relative to the config file; \"-\" is standard output, \"\" is none"},
        {"access_log_flush_ms", [](Config& c) { return &c.access_log_flush; }, 0, 60'000, nullptr,
         "Time that a line may wait in memory to be written with others; 0 writes it at once"},
        {"audit_log", [](Config& c) { return &c.audit_log; }, 0, 0, nullptr,
         "File of the audit log, a JSON line for each write whose caller is known; \"-\" is standard output, \"\" is none"},
        {"audit_values", [](Config& c) { return &c.audit_values; }, 0, 0, nullptr,
         "Whether the audit log has the values of filters, which may be personal data, or `_` in their place"},
        {"token_key_file", [](Config& c) { return &c.token_key_file; }, 0, 0, nullptr,
         "File with the key of preview tokens, at least 32 bytes, relative to the config file, the same for all gateways; \"\" is a random key, and other gateways and the next start refuse its tokens"},
        {"preview_token_lifetime_ms", [](Config& c) { return &c.preview_token_lifetime; }, 1000, 24 * kHourMs, nullptr,
         "Time for which a preview's token can be used"},
        {"preview_rows_max", [](Config& c) { return &c.preview_rows_max; }, 0, 10'000'000, nullptr,
         "Rows of which a preview still gives a token"},
        {"database_hint", [](Config& c) { return &c.database_hint; }, 0, 0, nullptr,
         "Hint added to the answer that a database is unknown"},

        {"server.address", [](Config& c) { return &c.server.address; }, 0, 0, check_address,
         "Address to listen on, \"unix:/path\", or \"systemd\" for a socket that systemd passes"},
        {"server.port", [](Config& c) { return &c.server.port; }, 0, 65535, nullptr, "Port to listen on; 0 takes any free one"},
        {"server.socket_mode", [](Config& c) { return &c.server.socket_mode; }, 0, 0, check_socket_mode,
         "Permissions of a unix socket's file, in octal"},
        {"server.workers", [](Config& c) { return &c.server.workers; }, 0, 1024, nullptr,
         "Requests computed at once; 0 is eight times the number of processors"},
        {"server.threads", [](Config& c) { return &c.server.threads; }, 1, 4096, nullptr,
         "Requests under way at once, those included that wait for a database"},
        {"server.affinity", [](Config& c) { return &c.server.affinity; }, 0, 0, check_affinity,
         "\"auto\" keeps to half of the processors while a busy machine is shared with others, as with a database, and more is served so; \"off\" never does"},
        {"server.connections_max", [](Config& c) { return &c.server.connections_max; }, 1, 1'000'000, nullptr,
         "Connections of clients in all: 503 beyond"},
        {"server.connections_per_address_max", [](Config& c) { return &c.server.connections_per_address_max; }, 1, 1'000'000,
         nullptr, "Connections from one address: 503 beyond; loopback and `trusted_proxies` are not counted"},
        {"server.buffered_bytes_max", [](Config& c) { return &c.server.buffered_bytes_max; }, 1 << 20, std::int64_t{1} << 40,
         nullptr, "Bytes of bodies and answers kept in memory for all clients together: 503 beyond"},
        {"server.target_bytes_max", [](Config& c) { return &c.server.target_bytes_max; }, 64, 1 << 20, nullptr,
         "Longest request target (path and query): 414 beyond"},
        {"server.head_bytes_max", [](Config& c) { return &c.server.head_bytes_max; }, 1024, 1 << 21, nullptr,
         "Largest request head: 431 beyond"},
        {"server.headers_max", [](Config& c) { return &c.server.headers_max; }, 8, 10'000, nullptr,
         "Most headers in a request: 431 beyond"},
        {"server.body_bytes_max", [](Config& c) { return &c.server.body_bytes_max; }, 1, 1 << 30, nullptr,
         "Largest request body: 413 beyond"},
        {"server.head_timeout_ms", [](Config& c) { return &c.server.head_timeout; }, 1, kHourMs, nullptr,
         "Time a client has to send a request's head"},
        {"server.body_timeout_ms", [](Config& c) { return &c.server.body_timeout; }, 1, kHourMs, nullptr,
         "Time a client has to send a request's body"},
        {"server.write_timeout_ms", [](Config& c) { return &c.server.write_timeout; }, 1, kHourMs, nullptr,
         "Time a client may stall while it is sent an answer"},
        {"server.idle_timeout_ms", [](Config& c) { return &c.server.idle_timeout; }, 1, 24 * kHourMs, nullptr,
         "Time a connection may be idle between requests"},
        {"server.queue_age_max_ms", [](Config& c) { return &c.server.queue_age_max; }, 1, kHourMs, nullptr,
         "Time a request may wait for a worker: 503 beyond, before any work is done"},
        {"server.drain_timeout_ms", [](Config& c) { return &c.server.drain_timeout; }, 1, kHourMs, nullptr,
         "Time that requests under way have to end after SIGTERM"},
        {"server.request_timeout_ms", [](Config& c) { return &c.request_timeout; }, 1, kHourMs, nullptr,
         "Time after which nobody waits for an answer any more"},

        {"admin.address", [](Config& c) { return &c.admin_address; }, 0, 0, check_admin_address,
         "Address of the operators' listener (`/metrics`, `/livez`, `/readyz`), or \"unix:/path\"; clients must not reach it"},
        {"admin.port", [](Config& c) { return &c.admin_port; }, 0, 65535, nullptr, "Port of the operators' listener; 0 is none"},

        {"auth.modes", [](Config& c) { return &c.auth.modes; }, 0, 0, check_auth_modes,
         "How callers are identified: \"headers\", \"jwt\", \"api_key\"; several may be named"},
        {"auth.jwt_issuer", [](Config& c) { return &c.auth.jwt_issuer; }, 0, 0, nullptr, "What `iss` of a token must be"},
        {"auth.jwt_audiences", [](Config& c) { return &c.auth.jwt_audiences; }, 0, 0, nullptr,
         "Audiences of which a token's `aud` must hold one"},
        {"auth.jwt_algorithms", [](Config& c) { return &c.auth.jwt_algorithms; }, 0, 0, check_jwt_algorithms,
         "Algorithms that a key may be for; a key's own `alg` narrows them to one"},
        {"auth.jwt_leeway_s", [](Config& c) { return &c.auth.jwt_leeway_s; }, 0, 600, nullptr,
         "Seconds by which the issuer's clock may differ from ours"},
        {"auth.jwt_secret_file", [](Config& c) { return &c.auth.jwt_secret_file; }, 0, 0, nullptr,
         "File with the secret for HS256, at least 32 bytes, relative to the config file; read again when it changes"},
        {"auth.jwt_tokens_cached", [](Config& c) { return &c.auth.jwt_tokens_cached; }, 0, 1'000'000, nullptr,
         "Verified tokens that are remembered until they expire; 0 is none"},
        {"auth.jwks_file", [](Config& c) { return &c.auth.jwks_file; }, 0, 0, nullptr,
         "File with the issuer's JWK set, relative to the config file; read again when it changes"},
        {"auth.jwks_url", [](Config& c) { return &c.auth.jwks_url; }, 0, 0, nullptr,
         "URL of the issuer's JWK set; https, or http to a loopback address"},
        {"auth.jwks_cooldown_ms", [](Config& c) { return &c.auth.jwks_cooldown; }, 100, kHourMs, nullptr,
         "Time between two fetches of the JWK set, whatever asks for them"},
        {"auth.jwks_refresh_ms", [](Config& c) { return &c.auth.jwks_refresh; }, 100, 24 * kHourMs, nullptr,
         "Age at which the JWK set is fetched anew; a token with an unknown key asks for it sooner"},
        {"auth.jwks_timeout_ms", [](Config& c) { return &c.auth.jwks_timeout; }, 1, 60'000, nullptr, "Time of one fetch"},
        {"auth.claim_org", [](Config& c) { return &c.auth.claim_org; }, 0, 0, nullptr,
         "Claim with the organization's id; dots lead into objects"},
        {"auth.claim_project", [](Config& c) { return &c.auth.claim_project; }, 0, 0, nullptr, "Claim with the project's id"},
        {"auth.claim_space", [](Config& c) { return &c.auth.claim_space; }, 0, 0, nullptr, "Claim with the space's id"},
        {"auth.claim_user", [](Config& c) { return &c.auth.claim_user; }, 0, 0, nullptr, "Claim with the user's id"},
        {"auth.claim_roles", [](Config& c) { return &c.auth.claim_roles; }, 0, 0, nullptr,
         "Claim with the roles: an array, or one string with blanks or commas between them"},
        {"auth.keys_folder", [](Config& c) { return &c.auth.keys_folder; }, 0, 0, check_keys_folder,
         "Folder of the API keys' files, relative to the config file; read again when one changes"},
        {"auth.resource", [](Config& c) { return &c.auth.resource; }, 0, 0, nullptr,
         "This resource's URL for RFC 9728: `/.well-known/oauth-protected-resource` then answers; \"\" is none"},

        {"limits.conditions_max", [](Config& c) { return &c.filter_limits.conditions_max; }, 1, 1000, nullptr,
         "Conditions in one query"},
        {"limits.list_items_max", [](Config& c) { return &c.filter_limits.list_items_max; }, 1, 60'000, nullptr,
         "Items in one list of in and nin"},
        {"limits.keys_max", [](Config& c) { return &c.filter_limits.keys_max; }, 1, 10'000, nullptr,
         "Keys that `ids` names, in a query or a body"},
        {"limits.rows_max", [](Config& c) { return &c.limits.rows_max; }, 1, 1'000'000, nullptr,
         "Rows of one GET: without limit, and the highest limit"},
        {"limits.json_depth_max", [](Config& c) { return &c.body_limits.depth_max; }, 2, 1000, nullptr, "Nesting of a JSON body"},
        {"limits.json_members_max", [](Config& c) { return &c.body_limits.members_max; }, 1, 100'000'000, nullptr,
         "Members and elements of a JSON body in all"},
        {"limits.tenant_rate", [](Config& c) { return &c.tenant_share.rate; }, 0, 1'000'000, nullptr,
         "Requests a second of one space, unless its entry says otherwise: 429 beyond; 0 is no limit"},
        {"limits.tenant_burst", [](Config& c) { return &c.tenant_share.burst; }, 0, 1'000'000, nullptr,
         "Requests that one space may send at once after a pause; 0 is as many as its rate"},
        {"limits.tenant_concurrency_max", [](Config& c) { return &c.tenant_share.concurrency_max; }, 0, 1'000'000, nullptr,
         "Requests of one space under way at once: 429 beyond; 0 is no limit"},
        {"limits.key_rate", [](Config& c) { return &c.key_share.rate; }, 0, 1'000'000, nullptr,
         "Requests a second of one API key, unless its space's entry says otherwise: 429 beyond; 0 is no limit"},
        {"limits.key_burst", [](Config& c) { return &c.key_share.burst; }, 0, 1'000'000, nullptr,
         "Requests that one API key may send at once after a pause; 0 is as many as its rate"},
        {"limits.key_concurrency_max", [](Config& c) { return &c.key_share.concurrency_max; }, 0, 1'000'000, nullptr,
         "Requests of one API key under way at once: 429 beyond; 0 is no limit"},
        {"limits.tenant_answer_bytes_max", [](Config& c) { return &c.tenant_answer_bytes_max; }, 0, std::int64_t{1} << 40, nullptr,
         "Bytes of one read's answer, unless the space's entry says otherwise: 400 beyond; 0 is no limit"},

        {"database.connections_max", [](Config& c) { return &c.connections_max; }, 1, 10'000, nullptr,
         "Connections to one database, unless its entry says otherwise"},
        {"database.connections_total_max", [](Config& c) { return &c.connections_total_max; }, 0, 1'000'000, nullptr,
         "Connections to all databases together; when all are taken, an idle one of another database is closed; 0: no limit"},
        {"database.idle_close_ms", [](Config& c) { return &c.idle_close; }, 10, 24 * kHourMs, nullptr,
         "A connection that nobody used for this long is closed"},
        {"database.pool_wait_max_ms", [](Config& c) { return &c.pool_wait_max; }, 0, kHourMs, nullptr,
         "Time a request waits for a free connection, unless its database's entry says otherwise"},
        {"database.pool_queue_max", [](Config& c) { return &c.pool_queue_max; }, 0, 1'000'000, nullptr,
         "Requests that may wait for a free connection, unless its database's entry says otherwise: 503 beyond; 0 is four times the connections"},
        {"database.connect_timeout_ms", [](Config& c) { return &c.connect_timeout; }, 1, kHourMs, nullptr,
         "Time to connect to a database"},
        {"database.statement_timeout_ms", [](Config& c) { return &c.statement_timeout; }, 1, kHourMs, nullptr,
         "Time of one statement, unless its database's or its space's entry says otherwise"},
        {"database.statements_cached", [](Config& c) { return &c.statements_cached; }, 1, 10'000, nullptr,
         "Prepared statements kept by each connection"},
        {"database.catalog_lifetime_ms", [](Config& c) { return &c.catalog_lifetime; }, 100, kHourMs, nullptr,
         "Age at which what is known of a table is read again"},
    };
    return kRows;
}

std::string quoted(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (byte < 0x20 || byte == 0x7F) {
            out += fmt::format("\\u{:04X}", byte);
        } else {
            out += c;
        }
    }
    return out + '"';
}

}  // namespace

std::string_view Row::section() const {
    const std::size_t dot = key.find('.');
    return dot == std::string_view::npos ? std::string_view{} : key.substr(0, dot);
}

std::string_view Row::name() const {
    const std::size_t dot = key.find('.');
    return dot == std::string_view::npos ? key : key.substr(dot + 1);
}

std::string Row::label() const {
    return section().empty() ? std::string(name()) : fmt::format("[{}] {}", section(), name());
}

std::string Row::variable() const {
    std::string out = "ROWGATE_";
    for (const char c : key) {
        out += c == '.' ? '_' : (c >= 'a' && c <= 'z') ? static_cast<char>(c - 'a' + 'A') : c;
    }
    return out;
}

std::span<const Row> rows() {
    return table();
}

std::string print_value(const Row& row, const Config& config) {
    Config copy = config;
    struct Printer {
        Config& from;
        std::string operator()(TextField field) const { return quoted(*field(from)); }
        std::string operator()(ListField field) const {
            std::string out = "[";
            for (const std::string& item : *field(from)) {
                out += out.size() > 1 ? ", " : "";
                out += quoted(item);
            }
            return out + "]";
        }
        std::string operator()(PortField field) const { return std::to_string(*field(from)); }
        std::string operator()(CountField field) const { return std::to_string(*field(from)); }
        std::string operator()(MillisecondsField field) const { return std::to_string(field(from)->count()); }
        std::string operator()(FlagField field) const { return *field(from) ? "true" : "false"; }
    };
    return std::visit(Printer{copy}, row.field);
}

}  // namespace gateway::config
