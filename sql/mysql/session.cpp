#include "sql/mysql/session.h"

#include <cppconn/datatype.h>
#include <cppconn/exception.h>
#include <cppconn/resultset_metadata.h>
#include <cppconn/statement.h>

#include <sstream>
#include <type_traits>
#include <utility>
#include <variant>

#include "sql/mysql/cells.h"
#include "sql/mysql/column_types.h"
#include "sql/mysql/references.h"

namespace sql::mysql {
namespace {

using exec::Deadline;
using exec::DbError;
using exec::DbFault;
using exec::DbResult;
using exec::Fate;
using render::Quote;
using render::Statement;
using render::Writer;

// A batch of an INSERT may have 65,535 placeholders, which cost the server megabytes each: such a statement is prepared for
// its own transaction and not kept.
constexpr std::size_t kLargeParams = 512;

DbError classified(const ::sql::SQLException& thrown, Phase phase) {
    return classify(thrown.getErrorCode(), thrown.getSQLState(), thrown.what(), phase);
}

DbError too_late() {
    return {DbFault::deadline_exceeded, Fate::keep, {}, {}, "the deadline had passed before the statement was sent"};
}

Statement command(render::SqlLiteral text) {
    Writer writer(Quote::backtick);
    writer.keyword(text);
    return std::move(writer).finish();
}

// The driver sends a string of more than this many bytes as a blob, and the server takes it for bytes: in a column of another
// character set each byte would become a character. `CONVERT(? USING utf8mb4)` says what they are.
constexpr std::size_t kDriverStringMax = 262144;

bool would_send_text_as_bytes(const Statement& statement) {
    std::size_t long_texts = 0;
    for (const schemas::Value& param : statement.params()) {
        const auto* text = std::get_if<schemas::Text>(&param);
        long_texts += text != nullptr && text->text.size() > kDriverStringMax ? 1 : 0;
    }
    constexpr std::string_view kConverted = "CONVERT(? USING utf8mb4)";
    for (std::size_t at = 0; long_texts > 0; --long_texts) {
        at = statement.text().find(kConverted, at);
        if (at == std::string::npos) {
            return true;
        }
        at += kConverted.size();
    }
    return false;
}

// Streams must outlive the execution: the driver reads them then.
using Streams = std::list<std::istringstream>;

void bind(::sql::PreparedStatement& prepared, const render::Params& params, Streams& streams) {
    unsigned index = 0;
    for (const schemas::Value& param : params) {
        ++index;
        std::visit(
            [&](const auto& value) {
                using V = std::decay_t<decltype(value)>;
                if constexpr (std::is_same_v<V, schemas::Null>) {
                    prepared.setNull(index, ::sql::DataType::SQLNULL);
                } else if constexpr (std::is_same_v<V, std::int64_t>) {
                    prepared.setInt64(index, value);
                } else if constexpr (std::is_same_v<V, std::uint64_t>) {
                    prepared.setUInt64(index, value);
                } else if constexpr (std::is_same_v<V, double>) {
                    prepared.setDouble(index, value);
                } else if constexpr (std::is_same_v<V, schemas::Text>) {
                    prepared.setString(index, value.text);
                } else {
                    static_assert(std::is_same_v<V, schemas::Bytes>);
                    // A string would be taken as utf8mb4; a blob is bytes.
                    prepared.setBlob(index, &streams.emplace_back(value.bytes));
                }
            },
            param);
    }
}

}  // namespace

class Session::Timed {
public:
    Timed(Session& session, Deadline deadline, exec::Watched::Means means) {
        const auto stopped_by_server = Deadline::after(session.options_.statement_timeout);
        // MySQL stops nothing but a SELECT by itself.
        if (session.options_.server == Server::mysql || deadline.at() < stopped_by_server.at()) {
            watched_ = session.watched_.get();
            watched_->arm(Deadline(std::min(deadline.at(), stopped_by_server.at())), means);
        }
    }
    Timed(const Timed&) = delete;
    Timed& operator=(const Timed&) = delete;
    ~Timed() {
        if (watched_ != nullptr) {
            watched_->disarm();
        }
    }

private:
    exec::Watched* watched_ = nullptr;
};

Session::Session(std::unique_ptr<::sql::Connection> connection, const SessionOptions& options, Socket socket,
                 std::unique_ptr<exec::Watched> watched)
    : connection_(std::move(connection)),
      text_statement_(connection_->createStatement()),
      options_(options),
      socket_(std::move(socket)),
      watched_(std::move(watched)) {}

::sql::PreparedStatement& Session::prepare(const Statement& statement) {
    const std::string& text = statement.text();
    if (const auto found = by_text_.find(text); found != by_text_.end()) {
        cache_.splice(cache_.begin(), cache_, found->second);
        return *cache_.front().statement;
    }
    if (large_ && large_->text == text) {
        return *large_->statement;
    }
    std::unique_ptr<::sql::PreparedStatement> prepared(connection_->prepareStatement(text));
    if (statement.params().size() > kLargeParams) {
        large_.emplace(Prepared{text, std::move(prepared)});
        return *large_->statement;
    }
    if (!cache_.empty() && cache_.size() >= options_.statements_cached) {
        by_text_.erase(cache_.back().text);
        cache_.pop_back();
    }
    cache_.push_front({text, std::move(prepared)});
    by_text_.emplace(cache_.front().text, cache_.begin());
    return *cache_.front().statement;
}

void Session::forget(const std::string& text) {
    if (const auto found = by_text_.find(text); found != by_text_.end()) {
        const auto entry = found->second;
        by_text_.erase(found);
        cache_.erase(entry);
    }
    if (large_ && large_->text == text) {
        large_.reset();
    }
}

void Session::forget_large() {
    if (!is_in_transaction_) {
        large_.reset();
    }
}

template <typename Use>
auto Session::with_prepared(const Statement& statement, Deadline deadline, Use use)
    -> decltype(use(std::declval<::sql::PreparedStatement&>())) {
    if (deadline.has_passed()) {
        return tl::unexpected(too_late());
    }
    if (watched_->is_stopped()) {
        // What was sent to stop the statement before may hit this one.
        return tl::unexpected(DbError{DbFault::deadline_exceeded, Fate::drop, {}, {}, "the statement before was stopped"});
    }
    if (would_send_text_as_bytes(statement)) {
        return tl::unexpected(DbError{DbFault::too_large, Fate::keep, {}, {}, "the driver would send a long text as bytes"});
    }
    const Timed timed(*this, deadline, exec::Watched::Means::stop_and_sever);
    for (bool is_second = false;; is_second = true) {
        Phase phase = Phase::prepare;
        try {
            ::sql::PreparedStatement& prepared = prepare(statement);
            Streams streams;
            mysql::bind(prepared, statement.params(), streams);  // std::bind takes anything, and Streams is of std
            phase = Phase::execute;
            auto result = use(prepared);
            forget_large();
            return result;
        } catch (const ::sql::SQLException& thrown) {
            DbError error = classified(thrown, phase);
            const bool is_again = !is_second && wants_new_prepare(thrown.getErrorCode());
            if (is_again || error.fault == DbFault::too_large) {
                // A statement that was sent too long a value keeps refusing all others.
                forget(statement.text());
            }
            if (!is_again) {
                return tl::unexpected(std::move(error));
            }
        }
    }
}

DbResult<void> Session::query(const Statement& statement, const std::vector<const schemas::Column*>& columns, Deadline deadline,
                              exec::RowSink& sink) {
    if (statement.text().starts_with("INSERT")) {  // … RETURNING
        has_unread_id_ = true;
    }
    return with_prepared(statement, deadline, [&](::sql::PreparedStatement& prepared) -> DbResult<void> {
        const std::unique_ptr<::sql::ResultSet> rows(prepared.executeQuery());
        if (has_other_type(*rows, columns)) {
            return tl::unexpected(DbError{DbFault::schema_changed, Fate::keep, {}, {}, "a column has another type than the catalog says"});
        }
        if (has_overlong_decimal(*rows, columns)) {
            return tl::unexpected(DbError{DbFault::unknown, Fate::keep, {}, {}, "a decimal too long for the driver"});
        }
        cells_.resize(columns.size());
        if (buffers_.size() < columns.size()) {
            buffers_.resize(columns.size());
        }
        while (sink.wants_more() && rows->next()) {
            for (std::size_t i = 0; i < columns.size(); ++i) {
                cells_[i] = read_cell(*rows, static_cast<unsigned>(i + 1), columns[i]->type, buffers_[i]);
            }
            sink.row(cells_);
        }
        shrink_buffers();
        return {};
    });
}

// A connection must not keep the largest rows that it ever read.
void Session::shrink_buffers() {
    constexpr std::size_t kBufferKept = 1024;
    for (std::string& buffer : buffers_) {
        if (buffer.capacity() > kBufferKept) {
            buffer = std::string();
        }
    }
}

DbResult<std::uint64_t> Session::run(const Statement& statement, Deadline deadline) {
    if (statement.text().starts_with("INSERT")) {
        has_unread_id_ = true;
    }
    return with_prepared(statement, deadline, [](::sql::PreparedStatement& prepared) -> DbResult<std::uint64_t> {
        // The driver narrows the server's 64-bit count to int.
        return static_cast<std::uint32_t>(prepared.executeUpdate());
    });
}

// Never stopped, for what it did must be known: if it does not end in time, the connection is cut.
DbResult<void> Session::text_command(const Statement& statement, Deadline deadline) {
    const Timed timed(*this, deadline, exec::Watched::Means::sever);
    try {
        text_statement_->execute(statement.text());
        return {};
    } catch (const ::sql::SQLException& thrown) {
        return tl::unexpected(classified(thrown, Phase::execute));
    }
}

DbResult<void> Session::begin(Deadline deadline) {
    if (deadline.has_passed()) {
        return tl::unexpected(too_late());
    }
    if (has_unread_id_) {
        // An id that an earlier INSERT left must not answer for one that generates none.
        if (auto id = last_insert_id(deadline); !id) {
            return tl::unexpected(std::move(id.error()));
        }
    }
    auto done = text_command(command("START TRANSACTION"), deadline);
    is_in_transaction_ = done.has_value();
    return done;
}

DbResult<void> Session::begin_repeatable(Deadline deadline) {
    if (deadline.has_passed()) {
        return tl::unexpected(too_late());
    }
    // Of the next transaction alone. Under READ COMMITTED a locking read keeps nobody from inserting what it would have found.
    if (auto set = text_command(command("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"), deadline); !set) {
        return set;
    }
    return begin(deadline);
}

DbResult<void> Session::commit(Deadline deadline) {
    auto done = text_command(command("COMMIT"), deadline);
    is_in_transaction_ = !done.has_value();
    forget_large();
    return done;
}

DbResult<void> Session::rollback(Deadline deadline) {
    auto done = text_command(command("ROLLBACK"), deadline);
    is_in_transaction_ = !done.has_value();
    forget_large();
    return done;
}

DbResult<std::uint64_t> Session::last_insert_id(Deadline deadline) {
    // Reads the id and sets it to 0, for the server keeps it through statements that generate none.
    auto rows = select(command("SELECT LAST_INSERT_ID(), LAST_INSERT_ID(0)"), deadline);
    if (!rows) {
        return tl::unexpected(std::move(rows.error()));
    }
    has_unread_id_ = false;
    return rows->empty() || !rows->front()[0] ? 0 : std::stoull(*rows->front()[0]);
}

DbResult<std::vector<TextRow>> Session::select(const Statement& statement, Deadline deadline) {
    return with_prepared(statement, deadline, [](::sql::PreparedStatement& prepared) -> DbResult<std::vector<TextRow>> {
        const std::unique_ptr<::sql::ResultSet> result(prepared.executeQuery());
        const unsigned count = result->getMetaData()->getColumnCount();
        std::vector<TextRow> rows;
        while (result->next()) {
            TextRow& row = rows.emplace_back(count);
            for (unsigned i = 0; i < count; ++i) {
                if (!result->isNull(i + 1)) {
                    row[i] = result->getString(i + 1).asStdString();
                }
            }
        }
        return rows;
    });
}

Select Session::selector(Deadline deadline) {
    return [this, deadline](const Statement& statement) { return select(statement, deadline); };
}

DbResult<std::vector<schemas::TableName>> Session::tables(Deadline deadline) {
    return mysql::tables(selector(deadline));
}

DbResult<std::optional<schemas::RawTable>> Session::introspect(std::string_view table, Deadline deadline) {
    return mysql::introspect(selector(deadline), options_.server, table);
}

DbResult<std::string> Session::version_token(std::string_view table, Deadline deadline) {
    return mysql::version_token(selector(deadline), table);
}

DbResult<schemas::References> Session::referencing(std::string_view table, Deadline deadline) {
    return mysql::referencing(selector(deadline), options_.server, table);
}

DbResult<std::optional<std::size_t>> Session::tables_of_delete(const schemas::Ident& table, Deadline deadline) {
    if (options_.server != Server::mariadb) {
        return std::nullopt;
    }
    // Not prepared: a prepared statement goes on with the tables that it found when it was.
    return mysql::tables_of_delete(selector(deadline), [&](const Statement& statement) { return text_command(statement, deadline); }, table);
}

bool Session::is_alive(Deadline deadline) {
    const Timed timed(*this, deadline, exec::Watched::Means::sever);
    try {
        return connection_->isValid();
    } catch (const ::sql::SQLException&) {
        return false;
    }
}

exec::Look Session::look() const {
    if (!socket_.is_known()) {
        return exec::Look::unknown;
    }
    return socket_.is_ended() ? exec::Look::dead : exec::Look::alive;
}

bool Session::is_reusable() const {
    return !is_in_transaction_ && !watched_->is_stopped();
}

}  // namespace sql::mysql
