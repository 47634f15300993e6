#include "gateway/tenants/load_grant.h"

#include <array>
#include <optional>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "filters/parse.h"

namespace gateway::tenants {
namespace {

constexpr std::string_view kUndelivered = "not delivered yet; leave it out";

std::optional<Verb> verb_of(std::string_view name) {
    if (name == "GET") {
        return Verb::get;
    }
    if (name == "POST") {
        return Verb::post;
    }
    if (name == "PUT") {
        return Verb::put;
    }
    if (name == "PATCH") {
        return Verb::patch;
    }
    if (name == "DELETE") {
        return Verb::erase;
    }
    return std::nullopt;
}

std::optional<Restriction::Place> variable_of(std::string_view text) {
    constexpr std::array<std::pair<std::string_view, Variable>, 4> kNames{{{"$user_id", Variable::user_id},
                                                                          {"$org_id", Variable::org_id},
                                                                          {"$project_id", Variable::project_id},
                                                                          {"$space_id", Variable::space_id}}};
    Restriction::Place place;
    for (const auto& [name, variable] : kNames) {
        if (name == text) {
            place.variable = variable;
            return place;
        }
    }
    constexpr std::string_view kClaim = "$claim.";
    if (text.starts_with(kClaim) && text.size() > kClaim.size()) {
        place.variable = Variable::claim;
        place.claim = text.substr(kClaim.size());
        return place;
    }
    return std::nullopt;
}

// `$$` is a `$`; nothing when a `$` stands alone.
std::optional<std::string> unescaped(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '$' && (++i == text.size() || text[i] != '$')) {
            return std::nullopt;
        }
        out += text[i];
    }
    return out;
}

class RestrictionLoader {
public:
    explicit RestrictionLoader(Section& section) : section_(section) {}

    // Null when the grant has no key that restricts it.
    std::shared_ptr<const Restriction> load() && {
        result_.read = columns("read");
        result_.write = columns("write");
        result_.filter = columns("filter");
        load_row_filter();
        load_values();
        const bool is_whole = !result_.read && !result_.write && !result_.filter && result_.row_filter.empty() && result_.values.empty();
        return is_whole ? nullptr : std::make_shared<const Restriction>(std::move(result_));
    }

private:
    std::optional<std::vector<std::string>> columns(std::string_view key) {
        if (!section_.has(key)) {
            return std::nullopt;
        }
        auto names = section_.texts(key);
        std::set<std::string_view> seen;
        for (const std::string& name : names) {
            if (name == "*") {
                section_.complain(key, "names columns, not patterns; without the key it is all of them");
            } else if (!seen.insert(name).second) {
                section_.complain(key, fmt::format("\"{}\" stands twice", name));
            }
        }
        return names;
    }

    void load_row_filter() {
        const auto text = section_.text("row_filter");
        if (!text) {
            return;
        }
        auto query = filters::parse(*text, 0, {});
        if (!query) {
            section_.complain("row_filter", fmt::format("at {}: {}", query.error().position, query.error().detail));
            return;
        }
        if (query->select_position || query->order_position || query->limit || query->offset || !query->undelivered.empty()) {
            section_.complain("row_filter", "takes conditions only, as column=operator.value");
            return;
        }
        if (query->where.empty()) {
            section_.complain("row_filter", "has no condition; leave the key out");
            return;
        }
        result_.row_filter = std::move(query->where);
        for (std::size_t part = 0; part < result_.row_filter.size(); ++part) {
            for (std::size_t at = 0; at < result_.row_filter[part].values.size(); ++at) {
                take_variable("row_filter", result_.row_filter[part].values[at], {false, part, at, Variable::user_id, {}});
            }
        }
    }

    void load_values() {
        const toml::table* const table = section_.table("values");
        if (table == nullptr) {
            return;
        }
        if (table->empty()) {
            section_.complain("values", "is empty; leave the key out");
        }
        for (const auto& [key, node] : *table) {
            filters::Literal literal;
            if (const auto* const text = node.as_string()) {
                literal.text = text->get();
                take_variable("values", literal, {true, result_.values.size(), 0, Variable::user_id, {}});
            } else if (const auto* const number = node.as_integer()) {
                literal.text = std::to_string(number->get());
            } else if (const auto* const flag = node.as_boolean()) {
                literal.text = flag->get() ? "1" : "0";
            } else {
                section_.complain("values", fmt::format("{}: must be a string, an integer, true or false", std::string(key.str())));
            }
            result_.values.emplace_back(std::string(key.str()), std::move(literal));
        }
    }

    void take_variable(std::string_view key, filters::Literal& literal, Restriction::Place place) {
        if (auto variable = variable_of(literal.text)) {
            place.variable = variable->variable;
            place.claim = std::move(variable->claim);
            result_.places.push_back(std::move(place));
            literal.text.clear();
            return;
        }
        auto text = unescaped(literal.text);
        if (!text) {
            section_.complain(key, fmt::format("\"{}\" is none of $user_id, $org_id, $project_id, $space_id, $claim.NAME; a $ itself is written $$",
                                               literal.text));
            return;
        }
        literal.text = *std::move(text);
    }

    Section& section_;
    Restriction result_;
};

}  // namespace

Grant load_grant(const toml::table& table, const std::string& label, Complaints& complaints) {
    Section section(table, label, complaints);
    Grant grant;
    grant.line = static_cast<std::uint32_t>(table.source().begin.line);
    grant.role = section.identifier("role");
    // Roles are compared as they are and come from a comma-separated list: neither of these could ever match as it was meant.
    if (grant.role.find_first_of(",*") != std::string::npos) {
        section.complain("role", "must be one role's exact name, without , and *");
    }
    grant.tables = section.texts("tables");
    for (const std::string& name : section.texts("verbs")) {
        if (const std::optional<Verb> verb = verb_of(name)) {
            grant.verbs.push_back(*verb);
        } else {
            section.complain("verbs",
                             fmt::format("\"{}\" is none of GET (with HEAD and OPTIONS), POST, PUT, PATCH, DELETE", name));
        }
    }
    grant.restriction = RestrictionLoader(section).load();
    section.refuse_the_rest({{"columns", "is read, write or filter"},
                             {"forced", "is called values"},
                             {"caps", kUndelivered},
                             {"max_affected", kUndelivered}});
    return grant;
}

}  // namespace gateway::tenants
