// One registered database: its dialect, its pools and its catalog. Built by sql/backends, owned by the gateway's registry,
// used by the pipeline. Thread safe.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "sql/exec/catalog_cache.h"
#include "sql/exec/pool.h"
#include "sql/render/dialect.h"

namespace sql::exec {

class Database {
public:
    // A database with one writer (SQLite) has a pool of its own for it; otherwise both are one.
    Database(const render::Dialect& dialect, std::unique_ptr<Pool> readers, std::unique_ptr<Pool> writer, CatalogOptions options)
        : dialect_(dialect), readers_(std::move(readers)), writer_(std::move(writer)), catalog_(*readers_, options) {}

    [[nodiscard]] const render::Dialect& dialect() const { return dialect_; }
    [[nodiscard]] Pool& readers() { return *readers_; }
    [[nodiscard]] Pool& writers() { return writer_ ? *writer_ : *readers_; }
    [[nodiscard]] CatalogCache& catalog() { return catalog_; }

    // The database was seen down, or is another one: no idle connection is to be trusted.
    void drop_idle() {
        readers_->drop_idle();
        if (writer_) writer_->drop_idle();
    }

    // Connections count in `budget`, which other databases share. Before the first use.
    void share(const std::shared_ptr<Budget>& budget) {
        readers_->share(budget);
        if (writer_) writer_->share(budget);
    }

    // The tables and views there are, in the byte order of their names; read anew at each call.
    [[nodiscard]] DbResult<std::vector<schemas::TableName>> tables(Deadline deadline);

    // Opens or checks a connection: the database answers. For /readyz.
    [[nodiscard]] DbResult<void> check(Deadline deadline);

private:
    const render::Dialect& dialect_;
    std::unique_ptr<Pool> readers_;
    std::unique_ptr<Pool> writer_;
    CatalogCache catalog_;
};

}  // namespace sql::exec
