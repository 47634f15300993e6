#include "sql/sqlite/session.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <mutex>
#include <span>
#include <thread>
#include <type_traits>
#include <utility>

#include "sql/sqlite/errors.h"
#include "sql/sqlite/functions.h"

namespace sql::sqlite {
namespace {

using exec::Cell;
using exec::DbError;
using exec::DbFault;
using exec::DbResult;
using exec::Deadline;
using exec::Fate;
using render::Quote;
using render::SqlLiteral;
using render::Statement;
using render::Writer;

constexpr std::chrono::seconds kLockWaitMax{5};
constexpr std::chrono::milliseconds kWalSwitchWaitMax{500};
constexpr int kProgressOps = 1000;  // virtual machine steps between two looks at the clock: some ten microseconds
// All cached texts together. A batch INSERT's text is long, and its compiled form many times that.
constexpr std::size_t kCachedBytesMax = 262144;

DbError error_of(DbFault fault, Fate fate, std::string internal) {
    return {.fault = fault, .fate = fate, .constraint = {}, .column = {}, .internal = std::move(internal)};
}

tl::unexpected<DbError> failure(DbFault fault, Fate fate, std::string internal) {
    return tl::unexpected(error_of(fault, fate, std::move(internal)));
}

DbError rolled_back_by_itself() {
    return error_of(DbFault::unknown, Fate::drop, "SQLite has rolled the transaction back by itself");
}

// Debian's SQLite takes a path that begins with "file:" for a URI with options, "" and ":memory:" for databases of no file.
std::string plain_path(const std::string& path) {
    return path.empty() || path.front() == '/' ? path : "./" + path;
}

constexpr const char* kWal = "-wal";
constexpr const char* kShm = "-shm";

std::optional<FileIdentity> identify(const std::string& path) {
    struct statx status = {};
    constexpr unsigned kWanted = STATX_TYPE | STATX_INO | STATX_BTIME;
    if (statx(AT_FDCWD, path.c_str(), AT_STATX_SYNC_AS_STAT, kWanted, &status) != 0 || !S_ISREG(status.stx_mode)) {
        return std::nullopt;
    }
    FileIdentity identity;
    identity.device = makedev(status.stx_dev_major, status.stx_dev_minor);
    identity.inode = status.stx_ino;
    if ((status.stx_mask & STATX_BTIME) != 0) {
        identity.born_ns = status.stx_btime.tv_sec * 1'000'000'000 + status.stx_btime.tv_nsec;
    }
    return identity;
}

class IgnoredRows : public exec::RowSink {
public:
    void row(std::span<const Cell>) override {}
    void restart() override {}
};

}  // namespace

Statement literal(SqlLiteral text) {
    Writer writer(Quote::double_quote);
    writer.keyword(text);
    return std::move(writer).finish();
}

class Session::Running {
public:
    Running(Session& session, Deadline deadline) : session_(session) {
        session_.stop_at_ = deadline.at();
        session_.wait_until_ = deadline.sooner(kLockWaitMax).at();
    }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;
    ~Running() {
        if (statement_ != nullptr) {
            // The bindings point into the caller's Statement, which ends before ours does.
            sqlite3_reset(statement_);
            sqlite3_clear_bindings(statement_);
        }
        session_.stop_at_ = Deadline::Clock::time_point::max();
        session_.wait_until_ = Deadline::Clock::time_point::max();
    }
    void use(sqlite3_stmt* statement) { statement_ = statement; }
    // A COMMIT that has begun is not stopped half way.
    void disregard_deadline() { session_.stop_at_ = Deadline::Clock::time_point::max(); }

private:
    Session& session_;
    sqlite3_stmt* statement_ = nullptr;
};

Session::Session(const SessionOptions& options) : options_(options), path_(plain_path(options.path)) {}

Session::~Session() {
    if (journal_ && !is_same_file()) {
        rescue_journal();
    }
    for (const Cached& cached : cached_) {
        sqlite3_finalize(cached.statement);
    }
    sqlite3_close_v2(database_);
}

DbResult<std::unique_ptr<Session>> Session::open(const SessionOptions& options, Deadline deadline) {
    std::unique_ptr<Session> session(new Session(options));
    return session->connect(deadline).map([&] { return std::move(session); });
}

DbResult<void> Session::connect(Deadline deadline) {
    if (path_.empty() || path_.find('\0') != std::string::npos) {
        return failure(DbFault::unavailable, Fate::drop, "the SQLite path is empty or holds a NUL");
    }
    if (!identify(path_)) {
        return failure(DbFault::unavailable, Fate::drop, fmt::format("{}: no such regular file, or it cannot be reached", path_));
    }
    // Readers are kept from writing by query_only: opened read-only they could not roll back what a crashed writer left behind.
    constexpr int kFlags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE;
    if (const int code = sqlite3_open_v2(path_.c_str(), &database_, kFlags, nullptr); code != SQLITE_OK) {
        DbError error = classify(code, database_ == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(database_));
        return failure(DbFault::unavailable, Fate::drop, fmt::format("{}: {}", path_, error.internal));
    }
    // In this order: whatever replaces the file after our look at the path is seen by SQLite's comparison with its descriptor.
    const auto identity = identify(path_);
    int has_moved = 1;
    const int code = sqlite3_file_control(database_, "main", SQLITE_FCNTL_HAS_MOVED, &has_moved);
    if (!identity || code != SQLITE_OK || has_moved != 0) {
        return failure(DbFault::unavailable, Fate::drop, fmt::format("{}: the file was replaced while it was opened", path_));
    }
    identity_ = *identity;
    return harden().and_then([&] { return configure(deadline); });
}

DbResult<void> Session::harden() {
    constexpr std::array<std::pair<int, int>, 7> kSwitches = {{
        {SQLITE_DBCONFIG_DQS_DML, 0},  // else an unknown "column" is a string, equal to itself in every row
        {SQLITE_DBCONFIG_DQS_DDL, 0},
        {SQLITE_DBCONFIG_DEFENSIVE, 1},
        {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
        {SQLITE_DBCONFIG_WRITABLE_SCHEMA, 0},
        {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
        {SQLITE_DBCONFIG_ENABLE_FKEY, 1},
    }};
    for (const auto& [option, wanted] : kSwitches) {
        int is = -1;
        if (sqlite3_db_config(database_, option, wanted, &is) != SQLITE_OK || is != wanted) {
            return failure(DbFault::unavailable, Fate::drop,
                           fmt::format("this SQLite does not have the safety switch {}", option));
        }
    }
    sqlite3_limit(database_, SQLITE_LIMIT_ATTACHED, 0);
    if (register_functions(database_) != SQLITE_OK) {
        return tl::unexpected(last_error());
    }
    sqlite3_progress_handler(database_, kProgressOps, on_progress, this);
    sqlite3_busy_handler(database_, on_busy, this);
    return {};
}

DbResult<void> Session::configure(Deadline deadline) {
    // The first read of the file: whatever is not a database is found out here.
    if (auto read = step_to_end(literal("PRAGMA schema_version"), deadline); !read) {
        return read;
    }
    if (options_.access == Access::read) {
        return learn_journal(deadline).and_then([&] { return step_to_end(literal("PRAGMA query_only = ON"), deadline); });
    }
    // May be refused: a file or a file system that cannot, or somebody reading for long. The old journal is as safe, only slower.
    (void)step_to_end(literal("PRAGMA main.journal_mode = WAL"), deadline.sooner(kWalSwitchWaitMax));
    return learn_journal(deadline).and_then([&] { return step_to_end(literal("PRAGMA main.synchronous = FULL"), deadline); });
}

// Somebody who removes the -wal or -shm file of an open database parts us from every other program: what we commit goes into a
// file without a name.
DbResult<void> Session::learn_journal(Deadline deadline) {
    struct Mode : exec::RowSink {
        std::string text;
        void row(std::span<const exec::Cell> cells) override { text = cells.empty() ? std::string() : std::string(cells.front().text); }
        void restart() override {}
    } mode;
    journal_.reset();
    if (auto read = select(literal("PRAGMA main.journal_mode"), std::nullopt, deadline, mode); !read) {
        return read;
    }
    if (mode.text != "wal") {
        return {};
    }
    // So that both are there: opened by the first read of a database in this mode.
    if (auto read = step_to_end(literal("PRAGMA schema_version"), deadline); !read) {
        return read;
    }
    const auto wal = identify(path_ + kWal);
    const auto shm = identify(path_ + kShm);
    if (!wal || !shm) {
        // Other connections of this process still use the one that was removed, and share it with this one.
        return failure(DbFault::unavailable, Fate::drop, fmt::format("{}: its -wal or -shm file was removed", path_));
    }
    journal_ = {*wal, *shm};
    return {};
}

bool Session::is_same_file() const {
    return identify(path_) == identity_ &&
           (!journal_ || (identify(path_ + kWal) == (*journal_)[0] && identify(path_ + kShm) == (*journal_)[1]));
}

// What was committed into a file that has lost its name is brought into the database before the connection goes. Not when
// another -wal has that name already: its frames are not ours.
void Session::rescue_journal() const {
    static std::mutex mutex;
    const std::lock_guard lock(mutex);
    const auto wal = identify(path_ + kWal);
    if (!is_in_transaction_ && journal_ && identify(path_) == identity_ && (!wal || *wal == (*journal_)[0])) {
        sqlite3_wal_checkpoint_v2(database_, "main", SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
    }
}

DbResult<void> Session::ready(Deadline deadline) const {
    if (is_in_transaction_ && sqlite3_get_autocommit(database_) != 0) {
        // What is written now would be committed statement by statement.
        return tl::unexpected(rolled_back_by_itself());
    }
    if (deadline.has_passed()) {
        return failure(DbFault::deadline_exceeded, Fate::keep, "the deadline had passed before the statement began");
    }
    if (!is_same_file()) {
        return tl::unexpected(moved_file(DbFault::unavailable));
    }
    return {};
}

DbError Session::moved_file(DbFault fault) const {
    return error_of(fault, Fate::drop, fmt::format("{}: the file, or its -wal or -shm, was deleted or replaced", path_));
}

DbError Session::last_error() const {
    return classify(sqlite3_extended_errcode(database_), sqlite3_errmsg(database_));
}

DbResult<sqlite3_stmt*> Session::prepare(const Statement& statement) {
    const std::string& text = statement.text();
    if (const auto known = by_text_.find(text); known != by_text_.end()) {
        cached_.splice(cached_.begin(), cached_, known->second);
        return known->second->statement;
    }
    if (text.size() > static_cast<std::size_t>(sqlite3_limit(database_, SQLITE_LIMIT_SQL_LENGTH, -1))) {
        return failure(DbFault::too_large, Fate::keep, "the statement is longer than SQLite takes");
    }
    sqlite3_stmt* raw = nullptr;
    const char* tail = nullptr;
    const int size_with_nul = static_cast<int>(text.size()) + 1;
    if (sqlite3_prepare_v3(database_, text.c_str(), size_with_nul, SQLITE_PREPARE_PERSISTENT, &raw, &tail) != SQLITE_OK) {
        return tl::unexpected(last_error());
    }
    if (raw == nullptr || tail != text.c_str() + text.size()) {
        sqlite3_finalize(raw);
        return failure(DbFault::unknown, Fate::keep, "the text is not one statement");
    }
    evict(text.size());
    cached_.push_front(Cached{.text = text, .statement = raw});
    by_text_.emplace(cached_.front().text, cached_.begin());
    cached_bytes_ += text.size();
    return raw;
}

// Makes room for one more; the one that is about to run is not in the list yet.
void Session::evict(std::size_t bytes_wanted) {
    const std::size_t count_max = std::max<std::size_t>(options_.statements_cached, 1);
    while (!cached_.empty() && (cached_.size() >= count_max || cached_bytes_ + bytes_wanted > kCachedBytesMax)) {
        const Cached& oldest = cached_.back();
        cached_bytes_ -= oldest.text.size();
        by_text_.erase(oldest.text);
        sqlite3_finalize(oldest.statement);
        cached_.pop_back();
    }
}

DbResult<void> Session::bind(sqlite3_stmt* statement, const render::Params& values) {
    if (static_cast<std::size_t>(sqlite3_bind_parameter_count(statement)) != values.size()) {
        // What is not bound would be NULL.
        return failure(DbFault::unknown, Fate::keep, "the statement does not have as many placeholders as values");
    }
    int index = 0;
    for (const schemas::Value& value : values) {
        ++index;
        const int code = std::visit(
            [&](const auto& held) {
                using Held = std::decay_t<decltype(held)>;
                if constexpr (std::is_same_v<Held, schemas::Null>) {
                    return sqlite3_bind_null(statement, index);
                } else if constexpr (std::is_same_v<Held, std::int64_t>) {
                    return sqlite3_bind_int64(statement, index, held);
                } else if constexpr (std::is_same_v<Held, std::uint64_t>) {
                    return std::in_range<std::int64_t>(held)
                               ? sqlite3_bind_int64(statement, index, static_cast<std::int64_t>(held))
                               : SQLITE_MISMATCH;
                } else if constexpr (std::is_same_v<Held, double>) {
                    // SQLite would store NULL for a NaN.
                    return std::isnan(held) ? SQLITE_MISMATCH : sqlite3_bind_double(statement, index, held);
                } else if constexpr (std::is_same_v<Held, schemas::Text>) {
                    // Without a destructor SQLite borrows the bytes; Running lets go of them.
                    return sqlite3_bind_text64(statement, index, held.text.data(), held.text.size(), nullptr, SQLITE_UTF8);
                } else {
                    static_assert(std::is_same_v<Held, schemas::Bytes>);
                    return sqlite3_bind_blob64(statement, index, held.bytes.data(), held.bytes.size(), nullptr);
                }
            },
            value);
        if (code != SQLITE_OK) {
            return tl::unexpected(classify(code, fmt::format("value {} cannot be bound", index)));
        }
    }
    return {};
}

bool Session::read_row(sqlite3_stmt* statement) {
    int column = 0;
    for (Cell& cell : cells_) {
        cell = Cell();
        switch (sqlite3_column_type(statement, column)) {
            case SQLITE_INTEGER:
                cell.kind = Cell::Kind::integer;
                cell.integer = sqlite3_column_int64(statement, column);
                break;
            case SQLITE_FLOAT:
                cell.kind = Cell::Kind::real;
                cell.real = sqlite3_column_double(statement, column);
                break;
            case SQLITE_NULL:
                break;
            default: {  // SQLITE_TEXT and SQLITE_BLOB, the only others there are
                const bool is_text = sqlite3_column_type(statement, column) == SQLITE_TEXT;
                cell.kind = is_text ? Cell::Kind::text : Cell::Kind::bytes;
                // The bytes first, then their number: a UTF-16 database converts in between.
                const void* bytes = is_text ? sqlite3_column_text(statement, column) : sqlite3_column_blob(statement, column);
                const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement, column));
                if (bytes == nullptr && (size > 0 || is_text)) {
                    return false;
                }
                cell.text = std::string_view(static_cast<const char*>(bytes), size);
                break;
            }
        }
        ++column;
    }
    return true;
}

DbResult<void> Session::select(const Statement& statement, std::optional<std::size_t> column_count, Deadline deadline,
                               exec::RowSink& sink) {
    const Deadline stop = deadline.sooner(options_.statement_timeout);
    if (auto is_ready = ready(stop); !is_ready) {
        return is_ready;
    }
    Running running(*this, stop);
    const auto prepared = prepare(statement);
    if (!prepared) {
        return tl::unexpected(prepared.error());
    }
    running.use(*prepared);
    if (auto bound = bind(*prepared, statement.params()); !bound) {
        return bound;
    }
    while (sink.wants_more()) {
        const int code = sqlite3_step(*prepared);
        if (code == SQLITE_DONE) {
            return {};
        }
        if (code != SQLITE_ROW) {
            return tl::unexpected(last_error());
        }
        // Asked for after the step: a cached statement may just have compiled itself again.
        cells_.resize(static_cast<std::size_t>(sqlite3_column_count(*prepared)));
        if (column_count && cells_.size() != *column_count) {
            return failure(DbFault::unknown, Fate::keep, "the statement does not have as many columns as expected");
        }
        if (!read_row(*prepared)) {
            return failure(DbFault::busy, Fate::drop, "out of memory while reading a cell");
        }
        sink.row(cells_);
    }
    return {};
}

DbResult<void> Session::step_to_end(const Statement& statement, Deadline deadline) {
    IgnoredRows rows;
    return select(statement, std::nullopt, deadline, rows);
}

DbResult<std::uint64_t> Session::change(const Statement& statement, Deadline deadline) {
    sqlite3_set_last_insert_rowid(database_, 0);
    const bool is_alone = !is_in_transaction_;
    const sqlite3_int64 before = sqlite3_total_changes64(database_);
    if (auto changed = step_to_end(statement, deadline); !changed) {
        if (is_alone && leaves_commit_in_doubt(sqlite3_extended_errcode(database_))) {
            changed.error().fault = DbFault::outcome_unknown;
        }
        return tl::unexpected(changed.error());
    }
    const sqlite3_int64 changes = sqlite3_changes64(database_);
    if (changes == 0 && sqlite3_total_changes64(database_) != before) {
        // RAISE(IGNORE), or a row that was gone when its turn came: who is told of no row must find all as it was.
        return failure(DbFault::row_refused, Fate::keep, "triggers wrote, and no row of the statement's own was written");
    }
    return static_cast<std::uint64_t>(changes);
}

DbResult<void> Session::begin(Lock lock, Deadline deadline) {
    static const Statement kImmediate = literal("BEGIN IMMEDIATE");
    static const Statement kDeferred = literal("BEGIN DEFERRED");
    if (is_in_transaction_) {
        return failure(DbFault::unknown, Fate::drop, "a transaction is open already");
    }
    auto begun = step_to_end(lock == Lock::write ? kImmediate : kDeferred, deadline);
    is_in_transaction_ = begun.has_value();
    return begun;
}

DbResult<void> Session::look_at_deferred_keys() const {
    int broken = 0;
    int highest = 0;
    if (sqlite3_db_status(database_, SQLITE_DBSTATUS_DEFERRED_FKS, &broken, &highest, 0) != SQLITE_OK) {
        return failure(DbFault::unknown, Fate::keep, "the state of the deferred foreign keys cannot be read");
    }
    return broken == 0 ? DbResult<void>() : failure(DbFault::foreign_key_violated, Fate::keep, "rows break deferred foreign keys");
}

DbResult<void> Session::commit(Deadline deadline) {
    static const Statement kCommit = literal("COMMIT");
    if (!is_in_transaction_) {
        return failure(DbFault::unknown, Fate::drop, "there is no transaction to commit");
    }
    const auto give_up = [this](DbError error) -> DbResult<void> {
        if (auto rolled_back = rollback(); !rolled_back) {
            error.fate = Fate::drop;
        }
        return tl::unexpected(std::move(error));
    };
    if (sqlite3_get_autocommit(database_) != 0) {
        return give_up(rolled_back_by_itself());
    }
    if (!is_same_file()) {
        // Rolled back for certain, so that it may be tried on the new file: not the fault of one whose COMMIT was lost.
        return give_up(moved_file(DbFault::conflict));
    }
    Running running(*this, deadline);
    running.disregard_deadline();
    const auto prepared = prepare(kCommit);
    if (!prepared) {
        return give_up(prepared.error());
    }
    running.use(*prepared);
    if (const int code = sqlite3_step(*prepared); code != SQLITE_DONE) {
        DbError error = last_error();
        if (leaves_commit_in_doubt(sqlite3_extended_errcode(database_))) {
            error.fault = DbFault::outcome_unknown;
            error.fate = Fate::drop;
        }
        sqlite3_reset(*prepared);
        return give_up(std::move(error));
    }
    is_in_transaction_ = false;
    return {};
}

DbResult<void> Session::rollback() {
    static const Statement kRollback = literal("ROLLBACK");
    is_in_transaction_ = false;
    if (sqlite3_get_autocommit(database_) != 0) {
        return {};
    }
    const auto prepared = prepare(kRollback);
    if (!prepared) {
        DbError error = prepared.error();
        error.fate = Fate::drop;
        return tl::unexpected(std::move(error));
    }
    Running running(*this, Deadline(Deadline::Clock::time_point::max()));
    running.use(*prepared);
    if (sqlite3_step(*prepared) != SQLITE_DONE) {
        DbError error = last_error();
        error.fate = Fate::drop;
        return tl::unexpected(std::move(error));
    }
    return {};
}

bool Session::is_settled() const {
    return !is_in_transaction_ && sqlite3_get_autocommit(database_) != 0;
}

std::uint64_t Session::last_insert_id() const {
    // A table of negative rowids generates negative ones: better no id than another one.
    return static_cast<std::uint64_t>(std::max<std::int64_t>(0, sqlite3_last_insert_rowid(database_)));
}

int Session::on_progress(void* session) noexcept {
    const auto& self = *static_cast<const Session*>(session);
    return Deadline::Clock::now() >= self.stop_at_ ? 1 : 0;
}

int Session::on_busy(void* session, int count) noexcept {
    const auto& self = *static_cast<const Session*>(session);
    const auto left = self.wait_until_ - Deadline::Clock::now();
    if (left <= Deadline::Clock::duration::zero()) {
        return 0;
    }
    const Deadline::Clock::duration pause = std::chrono::milliseconds(1 << std::min(count, 4));
    std::this_thread::sleep_for(std::min(left, pause));
    return 1;
}

}  // namespace sql::sqlite
