// Asks a connection for the count and digest of a set of rows, as sql/render/set_digest writes the statement. It decides nothing, and
// opens no transaction: whoever calls holds one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "sql/exec/connection.h"
#include "sql/exec/deadline.h"
#include "sql/render/writer.h"

namespace sql::exec {

struct SetDigest {
    std::uint64_t rows = 0;
    // Equal for the same rows with the same cells, under one salt. Empty for no rows; nothing when the database could not digest one.
    std::optional<std::string> digest;

    // Of a set that several statements name together: each row by one of them only, and always in the same order.
    void add(const SetDigest& next);
};

[[nodiscard]] DbResult<SetDigest> read_set_digest(Connection& connection, const render::Statement& statement, Deadline deadline);

}  // namespace sql::exec
