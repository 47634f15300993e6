// One open SQLite handle with its hardening, prepared statements, deadline and proof that the file is still the one opened.
// Knows nothing of tables or pools. Private to this folder: used by Connection and by introspect. Not thread safe; throws
// nothing but what a row sink throws.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "sql/exec/connection.h"

struct sqlite3;
struct sqlite3_stmt;

namespace sql::sqlite {

enum class Access { read, write };

struct SessionOptions {
    std::string path;
    Access access = Access::read;
    std::size_t statements_cached = 64;
    std::chrono::milliseconds statement_timeout{10000};
};

// Which file a path leads to. The time of birth tells apart two files that had the same inode one after the other; 0 where the
// file system does not keep it.
struct FileIdentity {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::int64_t born_ns = 0;
    friend bool operator==(const FileIdentity&, const FileIdentity&) = default;
};

// A statement of nothing but our own text.
[[nodiscard]] render::Statement literal(render::SqlLiteral text);

class Session {
public:
    // Fails with unavailable when there is no such regular file, it cannot be opened, is not a database, or is replaced
    // meanwhile.
    [[nodiscard]] static exec::DbResult<std::unique_ptr<Session>> open(const SessionOptions& options, exec::Deadline deadline);
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;
    ~Session();

    // Shows each row of the statement to `sink`; cells by their own storage class. A `column_count` that the statement does not
    // have is an error before the first row.
    [[nodiscard]] exec::DbResult<void> select(const render::Statement& statement, std::optional<std::size_t> column_count,
                                              exec::Deadline deadline, exec::RowSink& sink);
    // The rows that the statement itself changed; rows changed by cascades and triggers do not count.
    [[nodiscard]] exec::DbResult<std::uint64_t> change(const render::Statement& statement, exec::Deadline deadline);

    // BEGIN IMMEDIATE, or a deferred BEGIN for a consistent read.
    enum class Lock { write, none };
    [[nodiscard]] exec::DbResult<void> begin(Lock lock, exec::Deadline deadline);
    // The transaction has ended after this, whatever the answer: what could not be committed is rolled back. The deadline bounds
    // the wait for locks only. Fails with conflict when the file was replaced, with outcome_unknown when the disk failed.
    [[nodiscard]] exec::DbResult<void> commit(exec::Deadline deadline);
    // Takes no deadline: it must end. Nothing to do when there is no transaction.
    [[nodiscard]] exec::DbResult<void> rollback();
    // Fails with foreign_key_violated while a row breaks a foreign key that is looked at by COMMIT only.
    [[nodiscard]] exec::DbResult<void> look_at_deferred_keys() const;
    [[nodiscard]] bool is_in_transaction() const { return is_in_transaction_; }
    // No transaction is open, neither as we believe nor in truth.
    [[nodiscard]] bool is_settled() const;

    // The rowid that the last `change` inserted; 0 when none, or not a positive number.
    [[nodiscard]] std::uint64_t last_insert_id() const;

    // True while the path, and those of the -wal and -shm files beside it, lead to the files that were opened.
    [[nodiscard]] bool is_same_file() const;
    [[nodiscard]] const FileIdentity& identity() const { return identity_; }
    // For calls that are not statements. Owned by the session.
    [[nodiscard]] sqlite3* handle() const { return database_; }

private:
    explicit Session(const SessionOptions& options);
    struct Cached {
        std::string text;
        sqlite3_stmt* statement = nullptr;
    };
    // Holds the deadline for SQLite's callbacks, and leaves the statement reset and without bindings.
    class Running;

    [[nodiscard]] exec::DbResult<void> connect(exec::Deadline deadline);
    [[nodiscard]] exec::DbResult<void> harden();
    [[nodiscard]] exec::DbResult<void> configure(exec::Deadline deadline);
    [[nodiscard]] exec::DbResult<void> learn_journal(exec::Deadline deadline);
    [[nodiscard]] exec::DbResult<void> ready(exec::Deadline deadline) const;
    void rescue_journal() const;
    [[nodiscard]] exec::DbResult<sqlite3_stmt*> prepare(const render::Statement& statement);
    [[nodiscard]] exec::DbResult<void> bind(sqlite3_stmt* statement, const render::Params& values);
    [[nodiscard]] exec::DbResult<void> step_to_end(const render::Statement& statement, exec::Deadline deadline);
    // False when memory ran out.
    [[nodiscard]] bool read_row(sqlite3_stmt* statement);
    void evict(std::size_t bytes_wanted);
    [[nodiscard]] exec::DbError last_error() const;
    [[nodiscard]] exec::DbError moved_file(exec::DbFault fault) const;
    static int on_progress(void* session) noexcept;
    static int on_busy(void* session, int count) noexcept;

    const SessionOptions options_;
    const std::string path_;  // never begins like a URI
    sqlite3* database_ = nullptr;
    FileIdentity identity_;
    std::optional<std::array<FileIdentity, 2>> journal_;  // the -wal and -shm files, where there are such
    bool is_in_transaction_ = false;  // as we believe; SQLite may have rolled back by itself

    exec::Deadline::Clock::time_point stop_at_ = exec::Deadline::Clock::time_point::max();
    exec::Deadline::Clock::time_point wait_until_ = exec::Deadline::Clock::time_point::max();

    std::list<Cached> cached_;  // the most recently used first
    std::unordered_map<std::string_view, std::list<Cached>::iterator> by_text_;
    std::size_t cached_bytes_ = 0;
    std::vector<exec::Cell> cells_;
};

}  // namespace sql::sqlite
