#include "sql/exec/loose_matches.h"

#include <utility>
#include <variant>

#include "schemas/computed.h"
#include "sql/exec/keys.h"
#include "sql/render/counted.h"

namespace sql::exec {

DbResult<std::vector<LooseMatch>> read_loose_matches(Connection& connection, const plan::Plan& plan, const render::Dialect& dialect, Deadline deadline) {
    static const schemas::Column kCount = schemas::computed_column(schemas::TypeClass::integer);
    std::vector<LooseMatch> matches;
    for (const std::size_t column : render::loosely_matched_columns(plan)) {
        matches.push_back({column, 0});
    }
    for (const render::Statement& statement : render::render_loose_matches(plan, dialect)) {
        KeyRows counts;
        if (auto done = connection.query(statement, std::vector(matches.size(), &kCount), deadline, counts); !done) {
            return tl::unexpected(std::move(done.error()));
        }
        for (std::size_t i = 0; i < matches.size() && i < counts.values().size(); ++i) {
            const auto* const count = std::get_if<std::int64_t>(&counts.values()[i]);
            matches[i].rows += static_cast<std::uint64_t>(count != nullptr ? *count : 0);
        }
    }
    std::erase_if(matches, [](const LooseMatch& match) { return match.rows == 0; });
    return matches;
}

}  // namespace sql::exec
