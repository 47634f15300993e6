#include "gateway/config/config.h"

#include <charconv>
#include <filesystem>
#include <set>

#include <fmt/format.h>
#include <toml++/toml.h>

#include "gateway/config/settings.h"
#include "gateway/config/source.h"

namespace gateway::config {
namespace {

constexpr std::size_t kFileBytesMax = 1u << 20;

// Each assign_* sets one setting; the answer is what is wrong, or empty. On a problem the setting may hold the bad value:
// the whole configuration is then refused.

std::string assign_number(const Row& row, Config& config, std::int64_t number) {
    if (number < row.least || number > row.most) {
        return fmt::format("{} is outside {} to {}", number, row.least, row.most);
    }
    struct Setter {
        Config& config;
        std::int64_t number;
        void operator()(PortField field) const { *field(config) = static_cast<std::uint16_t>(number); }
        void operator()(CountField field) const { *field(config) = static_cast<std::size_t>(number); }
        void operator()(MillisecondsField field) const { *field(config) = std::chrono::milliseconds(number); }
        void operator()(TextField) const {}
        void operator()(FlagField) const {}
        void operator()(ListField) const {}
    };
    std::visit(Setter{config, number}, row.field);
    return {};
}

std::string assign_text(const Row& row, Config& config, std::string text) {
    if (!is_plain_text(text)) {
        return "must be UTF-8 without control characters";
    }
    *std::get<TextField>(row.field)(config) = std::move(text);
    return row.check != nullptr ? row.check(config) : std::string{};
}

std::string assign_list(const Row& row, Config& config, std::vector<std::string> items) {
    for (const std::string& item : items) {
        if (item.empty()) {
            return "must not hold an empty item";
        }
        if (!is_plain_text(item)) {
            return "must be UTF-8 without control characters";
        }
    }
    *std::get<ListField>(row.field)(config) = std::move(items);
    return row.check != nullptr ? row.check(config) : std::string{};
}

std::string assign_node(const Row& row, Config& config, const toml::node& node) {
    if (std::holds_alternative<TextField>(row.field)) {
        const auto* text = node.as_string();
        return text == nullptr ? "must be a string" : assign_text(row, config, text->get());
    }
    if (std::holds_alternative<ListField>(row.field)) {
        const toml::array* array = node.as_array();
        if (array == nullptr) {
            return "must be an array of strings";
        }
        std::vector<std::string> items;
        for (const toml::node& item : *array) {
            const auto* text = item.as_string();
            if (text == nullptr) {
                return "must be an array of strings";
            }
            items.push_back(text->get());
        }
        return assign_list(row, config, std::move(items));
    }
    if (const auto* field = std::get_if<FlagField>(&row.field)) {
        const auto* flag = node.as_boolean();
        if (flag == nullptr) {
            return "must be true or false";
        }
        *(*field)(config) = flag->get();
        return {};
    }
    const auto* number = node.as_integer();
    return number == nullptr ? "must be an integer" : assign_number(row, config, number->get());
}

std::string_view trimmed(std::string_view text) {
    const std::size_t begin = text.find_first_not_of(" \t");
    return begin == std::string_view::npos ? std::string_view{} : text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

std::string assign_variable(const Row& row, Config& config, const std::string& value) {
    if (std::holds_alternative<TextField>(row.field)) {
        return assign_text(row, config, value);
    }
    if (std::holds_alternative<ListField>(row.field)) {
        std::vector<std::string> items;
        for (std::string_view rest = value; !trimmed(value).empty();) {
            const std::size_t comma = rest.find(',');
            items.emplace_back(trimmed(rest.substr(0, comma)));
            if (comma == std::string_view::npos) {
                break;
            }
            rest.remove_prefix(comma + 1);
        }
        return assign_list(row, config, std::move(items));
    }
    if (const auto* field = std::get_if<FlagField>(&row.field)) {
        if (value != "true" && value != "false") {
            return "must be true or false";
        }
        *(*field)(config) = value == "true";
        return {};
    }
    std::int64_t number = 0;
    const char* end = value.data() + value.size();
    const auto [at, fault] = std::from_chars(value.data(), end, number);
    if (fault == std::errc::result_out_of_range) {
        return fmt::format("{} is outside {} to {}", value, row.least, row.most);
    }
    if (fault != std::errc{} || at != end) {
        return "must be an integer";
    }
    return assign_number(row, config, number);
}

const Row* find_row(std::string_view section, std::string_view name) {
    for (const Row& row : rows()) {
        if (row.section() == section && row.name() == name) {
            return &row;
        }
    }
    return nullptr;
}

bool is_section(std::string_view name) {
    for (const Row& row : rows()) {
        if (!name.empty() && row.section() == name) {
            return true;
        }
    }
    return false;
}

std::string unknown_setting(std::string_view section, std::string_view name) {
    std::vector<std::string> here;
    std::vector<std::string> everywhere;
    for (const Row& row : rows()) {
        if (row.section() == section) {
            here.emplace_back(row.name());
        }
        everywhere.push_back(row.label());
        if (row.name() == name) {
            return fmt::format("unknown setting; did you mean {}?", row.label());
        }
    }
    if (section.empty()) {
        here.insert(here.end(), {"server", "admin", "auth", "limits", "database"});
    }
    const std::string hint = did_you_mean(name, here);
    return "unknown setting" + (hint.empty() ? did_you_mean(name, everywhere) : hint);
}

class FileReader {
public:
    FileReader(std::string file, Config& config, ConfigError& errors)
        : file_(std::move(file)), config_(config), errors_(errors) {}

    void read() {
        const auto text = read_file(file_, kFileBytesMax);
        if (!text) {
            errors_.push_back(fmt::format("{}: {}", file_, text.error()));
            return;
        }
        try {
            read_table(toml::parse(std::string_view(*text), std::string_view(file_)), {});
        } catch (const toml::parse_error& error) {
            complain(error.source(), error.description());
        }
    }

private:
    void complain(const toml::source_region& where, std::string_view what) {
        errors_.push_back(fmt::format("{}:{}: {}", file_, where.begin.line, what));
    }

    void read_table(const toml::table& table, std::string_view section) {
        for (const auto& [key, node] : table) {
            const std::string_view name = key.str();
            const std::string label = section.empty() ? std::string(name) : fmt::format("[{}] {}", section, name);
            if (section.empty() && is_section(name)) {
                if (const toml::table* inner = node.as_table()) {
                    read_table(*inner, name);
                } else {
                    complain(key.source(), fmt::format("{}: must be a table, [{}]", label, name));
                }
                continue;
            }
            const Row* row = find_row(section, name);
            const std::string problem = row == nullptr ? unknown_setting(section, name) : assign_node(*row, config_, node);
            if (!problem.empty()) {
                complain(key.source(), fmt::format("{}: {}", label, problem));
            }
        }
    }

    std::string file_;
    Config& config_;
    ConfigError& errors_;
};

void read_environment(const std::map<std::string, std::string>& environment, Config& config, ConfigError& errors) {
    std::vector<std::string> variables;
    for (const Row& row : rows()) {
        variables.push_back(row.variable());
    }
    for (const auto& [name, value] : environment) {
        if (!name.starts_with("ROWGATE_")) {
            continue;
        }
        std::string problem = "unknown setting";
        bool is_known = false;
        for (const Row& row : rows()) {
            if (row.variable() == name) {
                is_known = true;
                problem = assign_variable(row, config, value);
            }
        }
        if (!is_known) {
            std::string hint = did_you_mean(name, variables);
            problem += hint.empty() ? did_you_mean(std::string_view(name).substr(8), variables) : hint;
        }
        if (!problem.empty()) {
            errors.push_back(fmt::format("{}: {}", name, problem));
        }
    }
}

}  // namespace

tl::expected<Config, ConfigError> load(const std::string& file, const std::map<std::string, std::string>& environment) {
    Config config;
    ConfigError errors;
    FileReader(file, config, errors).read();
    read_environment(environment, config, errors);
    if (config.server.target_bytes_max >= config.server.head_bytes_max) {
        errors.push_back(fmt::format("{}: [server] target_bytes_max: {} must be less than head_bytes_max, {}", file,
                                     config.server.target_bytes_max, config.server.head_bytes_max));
    }
    if (!config.has_admin() && config.admin_address != Config().admin_address) {
        errors.push_back(fmt::format("{}: [admin] address: without [admin] port nothing listens there", file));
    }
    if (config.admin_port != 0 && config.admin_port == config.server.port && config.admin_address == config.server.address) {
        errors.push_back(fmt::format("{}: [admin] port: {} is [server] port", file, config.admin_port));
    }
    if (!errors.empty()) {
        return tl::unexpected(std::move(errors));
    }
    std::error_code failed;
    config.folder = std::filesystem::absolute(file, failed).parent_path().lexically_normal().string();
    if (failed) {
        return tl::unexpected(ConfigError{fmt::format("{}: its folder is unknown: {}", file, failed.message())});
    }
    config.tenants_folder = below(config.folder, config.tenants_folder);
    config.auth.keys_folder = below(config.folder, config.auth.keys_folder);
    for (std::string* keys : {&config.auth.jwks_file, &config.auth.jwt_secret_file, &config.token_key_file}) {
        if (!keys->empty()) {
            *keys = below(config.folder, *keys);
        }
    }
    for (std::string* log : {&config.access_log, &config.audit_log}) {
        if (!log->empty() && *log != "-") {
            *log = below(config.folder, *log);
        }
    }
    if (!config.audit_log.empty() && config.audit_log != "-" && config.audit_log == config.access_log) {
        return tl::unexpected(ConfigError{fmt::format("{}: audit_log: {} is the access_log", file, config.audit_log)});
    }
    return config;
}

std::string print(const Config& config) {
    std::string out;
    std::string_view section;
    for (const Row& row : rows()) {
        if (row.section() != section) {
            section = row.section();
            out += fmt::format("\n[{}]\n", section);
        }
        out += fmt::format("{} = {}\n", row.name(), print_value(row, config));
    }
    return out;
}

std::vector<Setting> settings() {
    std::vector<Setting> out;
    const Config defaults;
    for (const Row& row : rows()) {
        out.push_back({std::string(row.key), print_value(row, defaults), std::string(row.meaning)});
    }
    return out;
}

}  // namespace gateway::config
