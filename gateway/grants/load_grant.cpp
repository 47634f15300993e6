#include "gateway/grants/load_grant.h"

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "filters/parse.h"
#include "gateway/grants/standing.h"

namespace gateway::grants {
namespace {

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
    explicit RestrictionLoader(config::Section& section) : section_(section) {}

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
        result_.row_filter_text = *text;
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

    config::Section& section_;
    Restriction result_;
};

}  // namespace

void load_grant(config::Section& section, Grant& grant) {
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
    grant.standing = load_standing(section, grant.verbs);
    section.refuse_the_rest({{"role", "stands in no grant of a key, which narrows all its roles"},
                             {"columns", "is read, write or filter"},
                             {"forced", "is called values"},
                             {"caps", "are affected_max and cascaded_max"},
                             {"max_affected", "is called affected_max"}});
}

}  // namespace gateway::grants
