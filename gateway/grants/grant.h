// A [[grant]] as its file says it: verbs on tables, whole or by columns, row filter and forced values, what stands for writes there;
// and its words again. It knows no caller and no table. Whose grant it is, is not here either: a tenant's file grants to a role, an
// API key's file narrows what the key's roles have. Read by load_grant, asked by gateway/tenants. Pure data, immutable once loaded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "filters/ast.h"
#include "sql/plan/asks.h"

namespace gateway::grants {

using sql::plan::Standing;

// What the HTTP verbs come to.
enum class Verb { get, post, put, patch, erase };

// As a file says it: "GET", "DELETE".
[[nodiscard]] std::string_view name_of(Verb verb);
[[nodiscard]] std::optional<Verb> verb_of(std::string_view name);

// A value that each caller brings along.
enum class Variable { user_id, org_id, project_id, space_id, claim };

// What a grant lets through of a table; a list of columns that is not there means all of them, but `filter` is then `read`.
struct Restriction {
    // Where a caller's value goes: value `at` of condition `part`, or the value of forced column `part`.
    struct Place {
        bool is_in_values = false;
        std::size_t part = 0;
        std::size_t at = 0;
        Variable variable = Variable::user_id;
        std::string claim;  // its name
    };

    std::optional<std::vector<std::string>> read;
    std::optional<std::vector<std::string>> write;
    std::optional<std::vector<std::string>> filter;
    std::vector<filters::Condition> row_filter;  // joined with AND; a literal that is a variable is empty here
    std::vector<std::pair<std::string, filters::Literal>> values;
    std::vector<Place> places;
    std::string row_filter_text;  // as the file has it
};

// "$user_id", "$claim.team".
[[nodiscard]] std::string name_of(const Restriction::Place& place);
[[nodiscard]] std::optional<Restriction::Place> variable_of(std::string_view text);

// The forced values as a file has them: a `$` that is none of a variable is `$$`. Reading them again gives the same.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> values_as_written(const Restriction& restriction);

struct Grant {
    std::string role;                 // empty in a key's file
    std::vector<std::string> tables;  // names, or patterns with `*` (any run of characters) and `?` (one character)
    std::vector<Verb> verbs;          // "GET" covers HEAD and OPTIONS
    std::shared_ptr<const Restriction> restriction = nullptr;  // null: whole tables
    std::uint32_t line = 0;                                    // of its file
    std::shared_ptr<const Standing> standing = nullptr;        // null: nothing stands
};

}  // namespace gateway::grants
