#include "gateway/grants/standing.h"

#include <algorithm>
#include <string>

#include <fmt/format.h>

namespace gateway::grants {
namespace {

constexpr std::string_view kAffectedMax = "affected_max";
constexpr std::string_view kCascadedMax = "cascaded_max";
constexpr std::string_view kConditionalDelete = "conditional_delete";
constexpr std::string_view kConfirm = "confirm";
constexpr std::string_view kMissing = "missing";
constexpr std::string_view kOne = "one";
constexpr std::string_view kOk = "ok";

bool is_delete(Verb verb) { return verb == Verb::erase; }

struct Company {
    std::string_view key;
    bool (*goes_with)(Verb verb);
    std::string_view verbs;
};
constexpr Company kCompanies[]{{kAffectedMax, may_affect, "POST, PUT, PATCH or DELETE"},
                               {kCascadedMax, may_cascade, "PUT, PATCH or DELETE"},
                               {kConditionalDelete, is_delete, "DELETE"},
                               {kConfirm, is_delete, "DELETE"},
                               {kMissing, is_delete, "DELETE"}};

// True when the key has the one word that it may have.
bool has_word(config::Section& section, std::string_view key, std::string_view word) {
    const auto text = section.text(key);
    if (text && *text != word) {
        section.complain(key, fmt::format("\"{}\" is not known; write \"{}\", or leave the key out", *text, word));
    }
    return text == word;
}

}  // namespace

bool may_affect(Verb verb) { return verb != Verb::get; }

bool may_cascade(Verb verb) { return verb == Verb::put || verb == Verb::patch || verb == Verb::erase; }

std::optional<std::uint64_t> load_row_cap(config::Section& section, std::string_view key) {
    const auto number = section.number(key, 0, static_cast<std::int64_t>(kRowCapMax));
    return number ? std::optional(static_cast<std::uint64_t>(*number)) : std::nullopt;
}

std::shared_ptr<const Standing> load_standing(config::Section& section, const std::vector<Verb>& verbs) {
    for (const Company& company : kCompanies) {
        if (section.has(company.key) && !verbs.empty() && std::none_of(verbs.begin(), verbs.end(), company.goes_with)) {
            section.complain(company.key, fmt::format("stands without its verb; add {} to verbs, or leave the key out", company.verbs));
        }
    }
    Standing standing;
    standing.affected_max = load_row_cap(section, kAffectedMax);
    standing.cascaded_max = load_row_cap(section, kCascadedMax);
    standing.deletes_one = has_word(section, kConditionalDelete, kOne);
    standing.needs_confirmation = section.flag(kConfirm).value_or(false);
    standing.missing_is_ok = has_word(section, kMissing, kOk);
    return members_of(standing).empty() ? nullptr : std::make_shared<const Standing>(standing);
}

std::vector<StandingMember> members_of(const Standing& standing) {
    std::vector<StandingMember> members;
    if (standing.affected_max) {
        members.push_back({kAffectedMax, *standing.affected_max});
    }
    if (standing.cascaded_max) {
        members.push_back({kCascadedMax, *standing.cascaded_max});
    }
    if (standing.deletes_one) {
        members.push_back({kConditionalDelete, kOne});
    }
    if (standing.needs_confirmation) {
        members.push_back({kConfirm, true});
    }
    if (standing.missing_is_ok) {
        members.push_back({kMissing, kOk});
    }
    return members;
}

}  // namespace gateway::grants
