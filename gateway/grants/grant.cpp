#include "gateway/grants/grant.h"

#include <algorithm>
#include <array>

namespace gateway::grants {
namespace {

constexpr std::array kVerbs{Verb::get, Verb::post, Verb::put, Verb::patch, Verb::erase};
constexpr std::string_view kClaim = "$claim.";
constexpr std::array<std::pair<std::string_view, Variable>, 4> kVariables{{{"$user_id", Variable::user_id},
                                                                          {"$org_id", Variable::org_id},
                                                                          {"$project_id", Variable::project_id},
                                                                          {"$space_id", Variable::space_id}}};

std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        out += c;
        if (c == '$') {
            out += c;
        }
    }
    return out;
}

}  // namespace

std::string_view name_of(Verb verb) {
    switch (verb) {
        case Verb::get: return "GET";
        case Verb::post: return "POST";
        case Verb::put: return "PUT";
        case Verb::patch: return "PATCH";
        case Verb::erase: return "DELETE";
    }
    return {};
}

std::optional<Verb> verb_of(std::string_view name) {
    const auto found = std::find_if(kVerbs.begin(), kVerbs.end(), [name](Verb verb) { return name_of(verb) == name; });
    return found == kVerbs.end() ? std::nullopt : std::optional(*found);
}

std::string name_of(const Restriction::Place& place) {
    for (const auto& [name, variable] : kVariables) {
        if (variable == place.variable) {
            return std::string(name);
        }
    }
    return std::string(kClaim) + place.claim;
}

std::optional<Restriction::Place> variable_of(std::string_view text) {
    Restriction::Place place;
    for (const auto& [name, variable] : kVariables) {
        if (name == text) {
            place.variable = variable;
            return place;
        }
    }
    if (text.starts_with(kClaim) && text.size() > kClaim.size()) {
        place.variable = Variable::claim;
        place.claim = text.substr(kClaim.size());
        return place;
    }
    return std::nullopt;
}

std::vector<std::pair<std::string, std::string>> values_as_written(const Restriction& restriction) {
    std::vector<std::pair<std::string, std::string>> values;
    for (const auto& [column, literal] : restriction.values) {
        values.emplace_back(column, escaped(literal.text));
    }
    for (const Restriction::Place& place : restriction.places) {
        if (place.is_in_values) {
            values[place.part].second = name_of(place);
        }
    }
    return values;
}

}  // namespace gateway::grants
