// The controls: parameters that shape the answer instead of choosing rows, and those kept for later.
// Private to filters/; called by parse.cpp alone.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "filters/ast.h"
#include "filters/lexer.h"
#include "filters/parse.h"

namespace filters {

// Which control: its place in the table of controls, below kControlCount.
using ControlIndex = std::size_t;
inline constexpr std::size_t kControlCount = 17;

// The control of exactly that name.
[[nodiscard]] std::optional<ControlIndex> find_control(std::string_view name);

// Writes what the control says into `query`; an undelivered one is only noted there. The caller refuses repeats.
// Fails with control_invalid or limit_exceeded.
[[nodiscard]] tl::expected<void, ParseError> parse_control(Query& query, ControlIndex control, const Text& name,
                                                           const Text& value, const Limits& limits);

// What a client may have meant by an unquoted name that only a control could have; `raw_value` may be anything. Never empty.
[[nodiscard]] std::string control_hint(const Text& name, std::string_view raw_value);

// Whether a name can stand unquoted: as the name of a condition, and in `select` or `order`.
[[nodiscard]] bool is_bare_name(std::string_view name);
[[nodiscard]] bool is_bare_term(std::string_view name);

}  // namespace filters
