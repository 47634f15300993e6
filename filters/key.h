// The `{key}` segment of a path: the one key column's value, or the values of a composite key, separated by commas.
// It does not know how many columns the key has; the caller says which of the two it is. Pure. Called by sql/plan, which knows.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "filters/ast.h"
#include "filters/parse.h"

namespace filters {

// `whole`: every byte belongs to the value. `parts`: `7,eu`; a part may be quoted as a list's item may.
enum class KeyForm { whole, parts };

// `raw` is the segment as sent, `offset` where it begins in the target. Only a comma that was sent as such separates: `%2C` belongs
// to its part. A quote is a quote however it was sent, for URL libraries encode it. A `+` is a plus.
// One literal or more; those of `parts` may be too few or too many for the key. Fails with encoding_invalid, or value_invalid: an
// empty part, a stray or unclosed quote.
[[nodiscard]] tl::expected<std::vector<Literal>, ParseError> parse_key(std::string_view raw, Position offset, KeyForm form);

// The segment that parse_key reads back to these texts: `whole` for one of them, else `parts`. Nothing when no segment can: one text
// that is empty, `.` or `..`, or a NUL in any. `texts` holds one or more, valid UTF-8.
[[nodiscard]] std::optional<std::string> print_key(const std::vector<std::string>& texts);

}  // namespace filters
