#include "sql/exec/set_digest.h"

#include <span>
#include <utility>

#include "schemas/computed.h"

namespace sql::exec {
namespace {

class DigestSink final : public RowSink {
public:
    void row(std::span<const Cell> cells) override {
        const Cell& count = cells[0];
        has_row_ = count.kind == Cell::Kind::integer || count.kind == Cell::Kind::unsigned_integer;
        digest_.rows = count.kind == Cell::Kind::integer ? static_cast<std::uint64_t>(count.integer) : count.unsigned_integer;
        if (cells[1].kind == Cell::Kind::text) {
            digest_.digest = std::string(cells[1].text);
        } else if (digest_.rows == 0) {
            digest_.digest = std::string();
        }
    }
    void restart() override {
        digest_ = {};
        has_row_ = false;
    }
    [[nodiscard]] bool has_row() const { return has_row_; }
    [[nodiscard]] SetDigest take() && { return std::move(digest_); }

private:
    SetDigest digest_;
    bool has_row_ = false;
};

}  // namespace

void SetDigest::add(const SetDigest& next) {
    rows += next.rows;
    if (digest && next.digest) {
        *digest += '|' + *next.digest;
    } else {
        digest.reset();
    }
}

DbResult<SetDigest> read_set_digest(Connection& connection, const render::Statement& statement, Deadline deadline) {
    static const schemas::Column kCount = schemas::computed_column(schemas::TypeClass::integer);
    static const schemas::Column kDigest = schemas::computed_column(schemas::TypeClass::text);
    DigestSink sink;
    if (auto done = connection.query(statement, {&kCount, &kDigest}, deadline, sink); !done) {
        return tl::unexpected(std::move(done.error()));
    }
    if (!sink.has_row()) {
        return tl::unexpected(DbError{DbFault::unknown, Fate::keep, {}, {}, "a set's digest came without a row"});
    }
    return std::move(sink).take();
}

}  // namespace sql::exec
