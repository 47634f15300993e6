#include "sql/exec/database.h"

#include <algorithm>
#include <utility>

namespace sql::exec {

DbResult<std::vector<schemas::TableName>> Database::tables(Deadline deadline) {
    for (bool is_second = false;; is_second = true) {
        DbError error;
        {
            auto lease = readers_->lease(deadline, Purpose::read);
            if (!lease) {
                return tl::unexpected(std::move(lease.error()));
            }
            auto names = (*lease)->tables(deadline);
            if (names) {
                std::sort(names->begin(), names->end(),
                          [](const schemas::TableName& a, const schemas::TableName& b) { return a.name < b.name; });
                return names;
            }
            error = as_read(std::move(names.error()), deadline);
            if (error.fate == Fate::drop) {
                lease->poison();
            }
        }
        if (is_second || error.fault != DbFault::unavailable) {
            return tl::unexpected(std::move(error));
        }
        readers_->drop_idle();
    }
}

DbResult<void> Database::check(Deadline deadline) {
    auto lease = readers_->lease(deadline);
    if (!lease) {
        return tl::unexpected(std::move(lease.error()));
    }
    if ((*lease)->is_alive(deadline)) {
        return {};
    }
    lease->poison();
    return tl::unexpected(DbError{DbFault::unavailable, Fate::drop, {}, {}, "the connection does not answer"});
}

}  // namespace sql::exec
