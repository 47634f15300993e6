#include "sql/exec/counted.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "schemas/computed.h"
#include "sql/exec/kept_rows.h"
#include "sql/exec/key_tree.h"
#include "sql/exec/keys.h"
#include "sql/exec/loose_matches.h"
#include "sql/exec/met_rows.h"
#include "sql/exec/reference_map.h"
#include "sql/exec/transaction.h"
#include "sql/exec/verdict.h"
#include "sql/render/check.h"
#include "sql/render/counted.h"

namespace sql::exec {
namespace {

using render::Statement;
using schemas::Value;

constexpr std::uint64_t kSampleMax = 10;

tl::unexpected<DbError> refuse(DbFault fault, const char* internal, std::optional<Tally> tally = std::nullopt) {
    return tl::unexpected(DbError{fault, Fate::keep, {}, {}, internal, std::move(tally)});
}

bool is_of_children(DbFault fault) { return fault == DbFault::foreign_key_violated || fault == DbFault::unique_violated; }

// The table's own rules, too: a cascade may set NULL where none may be.
bool is_of_rows(DbFault fault) { return is_of_children(fault) || fault == DbFault::row_refused; }

class CountedWrite {
public:
    CountedWrite(const render::Program& program, Lease& lease, const render::Dialect& dialect, const Company& company, bool follows,
                 RowSink* rows, Deadline deadline)
        : plan_(*program.plan),
          table_(program.table),
          precautions_(*plan::precautions_of(plan_)),
          update_(std::get_if<plan::UpdatePlan>(&plan_)),
          lease_(lease),
          dialect_(dialect),
          company_(company),
          counts_cascades_(precautions_.count_cascades()),
          follows_(follows || counts_cascades_),
          sink_(rows),
          deadline_(deadline) {
        if (table_->primary_key) {
            key_ = table_->primary_key->columns;
        }
        reads_again_ = precautions_.is_preview || precautions_.has_token || key_.empty();
    }

    DbResult<Counted> run() {
        Transaction transaction(lease_);
        if (auto begun = reads_again_ ? transaction.begin_repeatable(deadline_) : transaction.begin(deadline_); !begun) {
            return tl::unexpected(as_read(std::move(begun.error()), deadline_));
        }
        auto done = precautions_.is_preview ? look() : write();
        if (!done) {
            return tl::unexpected(as_read(better_reason(std::move(done.error()), *lease_, *table_, deadline_), deadline_));
        }
        // After the statements: they hold the table's definition still, so what is proved now is what they ran on.
        if (auto proof = prove(*lease_, *table_, deadline_); !proof) {
            return tl::unexpected(as_read(std::move(proof.error()), deadline_));
        }
        if (precautions_.is_preview) {
            return done;
        }
        if (auto committed = transaction.commit(deadline_); !committed) {
            return tl::unexpected(with_rows_in_the_way(std::move(committed.error()), followed_));  // a key that is looked at last
        }
        return done;
    }

private:
    DbResult<Counted> write() {
        if (precautions_.has_token) {
            const auto set = digest(std::numeric_limits<std::int64_t>::max());
            if (!set) {
                return tl::unexpected(set.error());
            }
            if (!set->digest || !company_.is_shown_set || !company_.is_shown_set(*set)) {
                return refuse(DbFault::set_changed, "the set is not the one that was shown", Tally{set->rows, false, 0, {}, std::nullopt});
            }
        }
        if (auto found = find(); !found) {
            return tl::unexpected(std::move(found.error()));
        }
        Counted counted;
        counted.rows = rows_;
        if (rows_ == 0) {
            return counted;
        }
        if (follows_) {
            if (auto allowed = check_consequences(); !allowed) {
                return tl::unexpected(std::move(allowed.error()));
            }
        }
        if (auto given = update_ == nullptr ? give_back() : DbResult<void>(); !given) {
            return tl::unexpected(std::move(given.error()));
        }
        if (auto written = write_rows(); !written) {
            return tl::unexpected(std::move(written.error()));
        }
        if (update_ != nullptr) {
            if (auto seen = look_at_updated(); !seen) {
                return tl::unexpected(std::move(seen.error()));
            }
        }
        if (auto same = followed_.map ? check_map() : DbResult<void>(); !same) {
            return tl::unexpected(std::move(same.error()));
        }
        if (rows_ == 1 && !keys_.is_overfull()) {
            counted.key = keys_.values();
            render::follow_assignments(plan_, counted.key);
        }
        return counted;
    }

    // The rows' keys, in order and locked; without a primary key their number alone.
    DbResult<void> find() {
        const auto rows_max = render::rows_sought(precautions_);
        // They can be given back only as they are found.
        const bool gives_now = key_.empty() && precautions_.representation && sink_ != nullptr;
        const std::vector<std::size_t>& columns = gives_now ? precautions_.representation->columns : key_;
        const auto statements = render::render_find(plan_, dialect_, columns, rows_max);
        if (statements.size() > 1 && !precautions_.order.empty()) {
            return refuse(DbFault::too_large, "an order over keys of several statements");
        }
        RowCount count;
        std::optional<PassedRows> given;
        if (gives_now) {
            given.emplace(*sink_);
        }
        RowSink& sink = given ? static_cast<RowSink&>(*given) : key_.empty() ? static_cast<RowSink&>(count) : keys_;
        if (auto done = query(statements, columns, sink); !done) {
            return done;
        }
        if (statements.size() > 1 && !key_.empty()) {
            drop_doubles();
        }
        rows_ = given ? given->rows() : key_.empty() ? count.rows() : keys_.rows();
        if (given && !given->wants_more()) {
            return refuse(DbFault::answer_too_large, "the rows to be given back");
        }
        return check_count(rows_, true);
    }

    DbResult<void> check_count(std::uint64_t rows, bool is_cut) const {
        if (precautions_.names_one_row && rows == 0) {
            return refuse(DbFault::row_missing, "no row at the key");
        }
        if (precautions_.set_max && rows > precautions_.set_max->rows) {
            return refuse(DbFault::over_cap, "more rows than may be", Tally{rows, is_cut, 0, {}, precautions_.set_max});
        }
        return {};
    }

    // Each key as bytes, equal for equal keys, with the place where its values begin.
    template <typename Use>
    void for_each_key(const std::vector<Value>& all, Use use) const {
        const std::size_t width = key_.size();
        for (std::size_t at = 0; at + width <= all.size(); at += width) {
            std::string identity;
            for (std::size_t part = 0; part < width; ++part) {
                append_cell(identity, all[at + part]);
            }
            use(identity, at);
        }
    }

    // A key that two statements were asked for in two spellings.
    void drop_doubles() {
        std::unordered_set<std::string> seen;
        std::vector<Value> once;
        const std::vector<Value>& all = keys_.values();
        for_each_key(all, [&](const std::string& identity, std::size_t at) {
            if (seen.insert(identity).second) {
                once.insert(once.end(), all.begin() + static_cast<std::ptrdiff_t>(at), all.begin() + static_cast<std::ptrdiff_t>(at + key_.size()));
            }
        });
        keys_.replace(std::move(once), seen.size());
    }

    [[nodiscard]] std::vector<const schemas::Column*> columns_of(std::span<const std::size_t> columns) const {
        static const schemas::Column kOne = schemas::computed_column(schemas::TypeClass::integer);
        std::vector<const schemas::Column*> out;
        for (const std::size_t column : columns) {
            out.push_back(&table_->columns[column]);
        }
        if (out.empty()) {
            out.push_back(&kOne);
        }
        return out;
    }

    DbResult<void> query(const std::vector<Statement>& statements, std::span<const std::size_t> columns, RowSink& sink) {
        const std::vector<const schemas::Column*> types = columns_of(columns);
        for (const Statement& statement : statements) {
            if (auto done = lease_->query(statement, types, deadline_, sink); !done) {
                return done;
            }
        }
        return {};
    }

    DbResult<SetDigest> digest(std::uint64_t rows_max) {
        std::optional<SetDigest> whole;
        for (const Statement& statement : render::render_digests(plan_, dialect_, schemas::Text{company_.salt}, rows_max)) {
            auto part = read_set_digest(*lease_, statement, deadline_);
            if (!part) {
                return part;
            }
            if (whole) {
                whole->add(*part);
            } else {
                whole = std::move(*part);
            }
        }
        return std::move(*whole);
    }

    // What the write would do to other rows, and whether that may be.
    DbResult<void> check_consequences() {
        if (auto followed = follow(); !followed) {
            return followed;
        }
        if (auto refused = obstacle(followed_)) {
            return tl::unexpected(std::move(*refused));
        }
        auto allowed = check_cascade_caps(followed_, rows_, precautions_);
        if (!allowed && !followed_.consequences.is_decided && !followed_.consequences.is_cut) {
            // What is in the way is told first, and only the write tells whether something is.
            if (auto tried = try_to_write(); !tried && is_of_rows(tried.error().fault)) {
                return tried;
            }
        }
        return allowed;
    }

    DbResult<void> follow() {
        auto followed = follow_keys();
        if (followed && !followed_.consequences.obstacles.empty() && may_triggers_act()) {
            contest_obstacles(followed_.consequences);  // a trigger may take what is in the way out of it
        }
        return followed;
    }

    [[nodiscard]] bool may_triggers_act() const {
        const auto event = update_ == nullptr ? schemas::TriggerEvent::remove : schemas::TriggerEvent::update;
        const std::vector<schemas::Trigger>& triggers = followed_.map->triggers;
        return !followed_.map->are_triggers_complete ||
               std::any_of(triggers.begin(), triggers.end(), [event](const schemas::Trigger& one) { return one.event == event; });
    }

    DbResult<void> follow_keys() {
        auto map = read_reference_map(*lease_, table_, deadline_);
        if (!map) {
            return tl::unexpected(std::move(map.error()));
        }
        followed_.map = std::move(*map);
        if (counts_cascades_ && !followed_.map->is_complete && rows_ > 0) {
            return refuse(DbFault::cascade_uncountable, "a table that refers to this one cannot be looked at");
        }
        if (followed_.map->keys.empty()) {
            return {};
        }
        if (reads_again_) {
            auto counted = consequences_in_tree(*lease_, dialect_, *followed_.map, plan_, deadline_);
            if (!counted) {
                return tl::unexpected(std::move(counted.error()));
            }
            if (*counted) {
                followed_.consequences = std::move(**counted);
                return {};
            }
        }
        KeyRows cells;
        const std::vector<std::size_t>& columns = followed_.map->tables.front().columns;
        // By their keys: the condition may find others by now.
        const bool knows_keys = !key_.empty() && keys_.rows() == rows_ && !keys_.is_overfull();
        if (auto done = query(knows_keys ? render::render_cells_by_keys(*table_, dialect_, columns, keys_.values())
                                         : render::render_find(plan_, dialect_, columns, std::nullopt),
                              columns, cells);
            !done) {
            return done;
        }
        if (cells.is_overfull()) {
            return counts_cascades_ ? refuse(DbFault::cascade_uncountable, "more rows than can be followed") : DbResult<void>();
        }
        const CascadeLimits limits;
        auto consequences = update_ == nullptr
                                ? consequences_of_delete(*lease_, dialect_, *followed_.map, cells.values(), limits, deadline_)
                                : consequences_of_update(*lease_, dialect_, *followed_.map, cells.values(), update_->assignments, limits, deadline_);
        if (!consequences) {
            return tl::unexpected(std::move(consequences.error()));
        }
        followed_.consequences = std::move(*consequences);
        const bool is_unknown = !followed_.consequences.is_refused() && has_unknown_default(followed_);
        if (counts_cascades_ && (is_unknown || (followed_.consequences.is_cut && precautions_.is_preview))) {
            return refuse(DbFault::cascade_uncountable, "rows whose fate cannot be told before");
        }
        return {};
    }

    // The rows, as they are now, into the answer.
    DbResult<void> give_back() {
        if (!precautions_.representation || sink_ == nullptr || key_.empty()) {
            return {};
        }
        std::vector<Value> keys = keys_.values();
        if (std::any_of(keys.begin(), keys.end(), [](const Value& value) { return std::holds_alternative<schemas::Null>(value); })) {
            // SQLite lets NULL into a key, and no key equals it.
            return refuse(DbFault::row_refused, "a row with NULL in its key cannot be given back");
        }
        if (update_ != nullptr) {
            render::follow_assignments(plan_, keys);
        }
        return show_rows(*precautions_.representation, dialect_, *lease_, keys, company_.answer_bytes_max, *sink_, deadline_);
    }

    DbResult<void> write_rows() {
        const bool goes_by_key = !dialect_.finds_before_writing() && !key_.empty() && !keys_.is_overfull();
        const auto statements = goes_by_key ? render::render_write_by_keys(plan_, dialect_, keys_.values())
                                            : render::render_write_by_condition(plan_, dialect_);
        std::uint64_t written = 0;
        for (const Statement& statement : statements) {
            const auto count = lease_->run(statement, deadline_);
            if (!count) {
                return tl::unexpected(with_rows_in_the_way(count.error(), followed_));
            }
            written += *count;
        }
        return written == rows_ ? DbResult<void>() : explain_difference(written, goes_by_key);
    }

    // A cascade may have taken rows of the set before their turn came: the database does not count those, and they are gone.
    DbResult<void> explain_difference(std::uint64_t written, bool goes_by_key) {
        if (written > rows_) {
            // Nobody else's rows came between where rows are read again: a foreign key brought rows under the condition while it was read.
            return reads_again_ && update_ == nullptr ? refuse(DbFault::cascade_uncountable, "foreign keys brought more rows into the set")
                                                      : refuse(DbFault::conflict, "more rows were written than were found");
        }
        if (update_ == nullptr && (goes_by_key || dialect_.finds_before_writing())) {
            RowCount left;
            const bool knows_keys = !key_.empty() && !keys_.is_overfull();
            const auto statements = knows_keys ? render::render_keys_left(*table_, dialect_, keys_.values())
                                               : render::render_find(plan_, dialect_, {}, 1);
            if (auto done = query(statements, knows_keys ? std::span<const std::size_t>(key_) : std::span<const std::size_t>(), left); !done) {
                return done;
            }
            if (left.rows() == 0) {
                return knows_keys ? check_none_stayed() : DbResult<void>();
            }
        }
        if (dialect_.finds_before_writing()) {
            return refuse(DbFault::row_refused, "the database skipped some of the rows");
        }
        return update_ == nullptr && !goes_by_key ? refuse(DbFault::cascade_uncountable, "foreign keys changed rows of the set before their turn")
                                                  : refuse(DbFault::conflict, "fewer rows were written than were found");
    }

    // That no row has these keys may also mean that the database takes a key that it gave us for no value (a date without a day). A row
    // of the set that stayed is the first that the condition finds.
    DbResult<void> check_none_stayed() {
        KeyRows first;
        if (auto done = query(render::render_find(plan_, dialect_, key_, 1), key_, first); !done) {
            return done;
        }
        std::unordered_set<std::string> found;
        for_each_key(keys_.values(), [&](const std::string& identity, std::size_t) { found.insert(identity); });
        bool has_stayed = false;
        for_each_key(first.values(), [&](const std::string& identity, std::size_t) { has_stayed = has_stayed || found.contains(identity); });
        return has_stayed ? refuse(DbFault::row_refused, "rows that were found cannot be found by their keys") : DbResult<void>();
    }

    // What was updated is what the row filters show.
    DbResult<void> check_shown() {
        if (update_->one_of.empty()) {
            return {};
        }
        if (keys_.is_overfull()) {
            return refuse(DbFault::set_too_large, "more rows than a checked write takes");
        }
        RowCount shown;
        if (auto done = query(render::render_shown(plan_, dialect_, keys_.values()), key_, shown); !done) {
            return done;
        }
        return shown.rows() == rows_ ? DbResult<void>() : refuse(DbFault::row_forbidden, "the row filters do not show a row that was written");
    }

    DbResult<void> look_at_updated() {
        if (auto shown = check_shown(); !shown) {
            return shown;
        }
        // A trigger may have given rows other keys: then nobody knows where they are.
        if ((precautions_.representation || precautions_.tells_key) && !key_.empty()) {
            std::vector<Value> keys = keys_.values();
            render::follow_assignments(plan_, keys);
            RowCount there;
            if (auto done = query(render::render_keys_left(*table_, dialect_, keys), key_, there); !done) {
                return done;
            }
            if (there.rows() != rows_) {
                return refuse(DbFault::row_refused, "rows that were written cannot be found by their keys");
            }
        }
        return give_back();
    }

    // The statements hold every table that they reached: what refers to this one now is what did when they ran.
    DbResult<void> check_map() {
        const auto now = read_reference_map(*lease_, table_, deadline_);
        if (!now) {
            return tl::unexpected(now.error());
        }
        return now->fingerprint() == followed_.map->fingerprint() ? DbResult<void>() : refuse(DbFault::conflict, "other foreign keys than before");
    }

    DbResult<Counted> look() {
        if (precautions_.limit && render::render_count(plan_, dialect_).size() > 1) {
            return refuse(DbFault::too_large, "an order over keys of several statements");
        }
        Counted counted;
        Preview& preview = counted.preview.emplace();
        if (auto done = count_set(preview); !done) {
            return tl::unexpected(std::move(done.error()));
        }
        counted.rows = rows_ = preview.rows;
        if (auto allowed = check_count(rows_, false); !allowed) {
            return tl::unexpected(std::move(allowed.error()));
        }
        if (rows_ > 0 && rows_ <= company_.digest_rows_max && precautions_.representation) {
            auto matches = read_loose_matches(*lease_, plan_, dialect_, deadline_);
            if (!matches) {
                return tl::unexpected(std::move(matches.error()));
            }
            preview.loose_matches = std::move(*matches);
        }
        if (auto followed = follow(); !followed) {
            return tl::unexpected(std::move(followed.error()));
        }
        preview.is_refused = followed_.consequences.is_refused() || (update_ == nullptr && followed_.map->is_broken);
        // On MariaDB a trigger may write where nothing is rolled back.
        const bool leaves_no_trace = dialect_.finds_before_writing() || !may_triggers_act();
        const bool is_tried = !followed_.consequences.is_decided ||
                              (update_ != nullptr && (touches_keys() || (rows_ <= company_.digest_rows_max && leaves_no_trace)));
        if (!preview.is_refused && rows_ > 0 && is_tried) {
            auto tried = try_out();
            if (!tried && !is_of_children(tried.error().fault)) {
                return tl::unexpected(std::move(tried.error()));
            }
            preview.is_refused = !tried;
        }
        if (!preview.is_refused) {
            if (auto allowed = check_cascade_caps(followed_, rows_, precautions_); !allowed) {
                return tl::unexpected(std::move(allowed.error()));
            }
        }
        describe(followed_, update_ == nullptr, preview);
        return counted;
    }

    DbResult<void> count_set(Preview& preview) {
        if (!key_.empty()) {
            auto set = digest(company_.digest_rows_max + 1);
            if (!set) {
                return tl::unexpected(std::move(set.error()));
            }
            preview.rows = set->rows;
            if (set->rows <= company_.digest_rows_max) {
                preview.digest = std::move(*set);
                return preview.rows == 0 ? DbResult<void>() : take_sample(preview);
            }
        }
        preview.rows = 0;
        for (const Statement& statement : render::render_count(plan_, dialect_)) {
            KeyRows count;
            if (auto done = lease_->query(statement, columns_of({}), deadline_, count); !done) {
                return done;
            }
            const Value& number = count.values().front();
            const auto* const rows = std::get_if<std::int64_t>(&number);
            preview.rows += static_cast<std::uint64_t>(rows != nullptr ? *rows : 0);
        }
        return key_.empty() ? DbResult<void>() : take_sample(preview);
    }

    // Keys of some rows, of those that the caller may read.
    DbResult<void> take_sample(Preview& preview) {
        if (!precautions_.representation) {
            return {};
        }
        KeyRows sample;
        if (auto done = query(render::render_find(plan_, dialect_, key_, kSampleMax), key_, sample); !done) {
            return done;
        }
        const std::size_t size = std::min<std::size_t>(sample.values().size(), kSampleMax * key_.size());
        const std::span<const Value> keys = std::span(sample.values()).first(size);
        if (precautions_.representation->one_of.empty()) {
            preview.sample.assign(keys.begin(), keys.end());
            return {};
        }
        KeyRows shown;
        auto done = show_rows(*precautions_.representation, dialect_, *lease_, keys, company_.answer_bytes_max, shown, deadline_);
        preview.sample = std::move(shown).take();
        return done;
    }

    // What is assigned may be another row's, or refer to a row that is not there: only the database tells.
    [[nodiscard]] bool touches_keys() const {
        if (update_ == nullptr) {
            return false;
        }
        const auto is_in = [&](std::size_t column) {
            const auto has = [column](const schemas::Key& key) { return std::find(key.columns.begin(), key.columns.end(), column) != key.columns.end(); };
            const std::string& name = table_->columns[column].name.text();
            return (table_->primary_key && has(*table_->primary_key)) || std::any_of(table_->unique_keys.begin(), table_->unique_keys.end(), has) ||
                   std::any_of(table_->foreign_keys.begin(), table_->foreign_keys.end(), [&](const schemas::ForeignKey& key) {
                       return std::find(key.columns.begin(), key.columns.end(), name) != key.columns.end();
                   });
        };
        return std::any_of(update_->assignments.begin(), update_->assignments.end(),
                           [&](const plan::Assignment& assignment) { return is_in(assignment.column); });
    }

    // The transaction is rolled back: nothing of it stays.
    DbResult<void> try_out() {
        if (auto found = find(); !found) {
            return found;
        }
        return try_to_write();
    }

    // As far as COMMIT.
    DbResult<void> try_to_write() {
        auto written = write_rows();
        if (written && update_ != nullptr) {
            written = check_shown();
        }
        if (!written) {
            return written;
        }
        auto kept = lease_->look_at_deferred_keys();
        return kept ? kept : tl::unexpected(with_rows_in_the_way(std::move(kept.error()), followed_));
    }

    const plan::Plan& plan_;
    const schemas::TablePtr table_;
    const plan::Precautions& precautions_;
    const plan::UpdatePlan* const update_;  // null: a delete
    Lease& lease_;
    const render::Dialect& dialect_;
    const Company& company_;
    const bool counts_cascades_;
    const bool follows_;
    RowSink* const sink_;
    const Deadline deadline_;

    std::vector<std::size_t> key_;
    bool reads_again_ = false;  // what is read twice must be the same rows twice, for no keys tell them
    KeyRows keys_;
    std::uint64_t rows_ = 0;
    Followed followed_;
};

}  // namespace

DbResult<void> show_rows(const plan::ReadPlan& plan, const render::Dialect& dialect, Connection& connection, std::span<const Value> keys,
                         std::size_t bytes_max, RowSink& sink, Deadline deadline) {
    const std::vector<std::size_t>& key = plan.table->primary_key->columns;
    std::vector<const schemas::Column*> columns;
    for (const std::vector<std::size_t>* const part : {&key, &plan.columns}) {
        for (const std::size_t column : *part) {
            columns.push_back(&plan.table->columns[column]);
        }
    }
    KeptRows kept(key.size(), bytes_max);
    for (const Statement& statement : render::render_rows_by_keys(plan, dialect, keys)) {
        if (auto done = connection.query(statement, columns, deadline, kept); !done) {
            return done;
        }
    }
    if (!kept.is_too_large()) {
        kept.show(keys, sink);
    }
    return kept.is_too_large() || !sink.wants_more() ? refuse(DbFault::answer_too_large, "the rows to be given back") : DbResult<void>();
}

DbResult<Counted> run_counted(const render::Program& program, Lease& lease, const render::Dialect& dialect, const Company& company, bool follows,
                              RowSink* rows, Deadline deadline) {
    return CountedWrite(program, lease, dialect, company, follows, rows, deadline).run();
}

}  // namespace sql::exec
