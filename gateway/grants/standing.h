// The members of a [[grant]] that stand whatever a request asks: caps on the rows of a write, and what a delete needs. They narrow no
// columns and no rows: a grant that has nothing else is one of whole tables. Which of several grants wins is gateway/tenants' matter.
// Read by load_grant, printed by the keys' files and commands and by explain.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "gateway/config/section.h"
#include "gateway/grants/grant.h"

namespace gateway::grants {

// The highest cap that a file may name.
constexpr std::uint64_t kRowCapMax = 1'000'000'000'000;

// `affected_max` goes with the first, `cascaded_max` with the second; the rest is about DELETE alone.
[[nodiscard]] bool may_affect(Verb verb);
[[nodiscard]] bool may_cascade(Verb verb);

// A cap under this key: 0 to kRowCapMax. Nothing when it is absent, or wrong, which is then complained about.
[[nodiscard]] std::optional<std::uint64_t> load_row_cap(config::Section& section, std::string_view key);

// Null when nothing stands. A member that goes with none of the grant's verbs is complained about, whatever it says; where no verb
// could be read, that is not looked at.
[[nodiscard]] std::shared_ptr<const Standing> load_standing(config::Section& section, const std::vector<Verb>& verbs);

// As a file has it: a word, a number, or true.
struct StandingMember {
    std::string_view name;
    std::variant<std::uint64_t, bool, std::string_view> value;
};
// Those that say something, in the order of the documents. Reading them again gives the same.
[[nodiscard]] std::vector<StandingMember> members_of(const Standing& standing);

}  // namespace gateway::grants
