#include "gateway/pipeline.h"

#include <algorithm>
#include <array>
#include <optional>

#include <fmt/format.h>

#include "gateway/address.h"
#include "gateway/checks.h"
#include "gateway/disclosure.h"
#include "gateway/http/blocking.h"
#include "gateway/intent.h"
#include "gateway/prepared.h"
#include "gateway/reply.h"
#include "gateway/request/asks.h"
#include "gateway/respond/problem.h"
#include "gateway/stage.h"
#include "gateway/tenants/key_grants.h"
#include "gateway/tenants/standing.h"
#include "gateway/written.h"
#include "sql/exec/execute.h"
#include "sql/plan/bind.h"
#include "sql/plan/guard.h"
#include "sql/plan/policy.h"
#include "sql/render/render.h"

namespace gateway {
namespace {

using http::Response;

// Evaluates to the value, or leaves the function with the error as a Problem.
#define TRY(name, expression)                                               \
    auto name##_or_error = (expression);                                    \
    if (!name##_or_error) return fail(std::move(name##_or_error).error());  \
    auto& name = *name##_or_error

// The same for a stage that has nothing to give.
#define CHECK(expression) \
    if (auto checked = (expression); !checked) return fail(std::move(checked).error())

// Of the rows that the answer holds.
std::vector<const schemas::Column*> read_columns(const sql::plan::Plan& plan) {
    std::vector<const schemas::Column*> columns;
    const auto* const rows = std::get_if<sql::plan::ReadPlan>(&plan);
    if (const auto* read = rows != nullptr ? rows : sql::plan::representation_of(plan)) {
        columns.reserve(read->columns.size());
        for (const std::size_t index : read->columns) columns.push_back(&read->table->columns[index]);
    }
    return columns;
}

void note_call(const Context& context, const sql::plan::Plan& plan, std::chrono::steady_clock::time_point began, std::string_view code) {
    using observe::DatabaseOperation;
    struct Operation {
        DatabaseOperation operator()(const sql::plan::ReadPlan&) const { return DatabaseOperation::select; }
        DatabaseOperation operator()(const sql::plan::InsertPlan&) const { return DatabaseOperation::insert; }
        DatabaseOperation operator()(const sql::plan::UpdatePlan&) const { return DatabaseOperation::update; }
        DatabaseOperation operator()(const sql::plan::DeletePlan&) const { return DatabaseOperation::erase; }
    };
    const auto time = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - began);
    context.event.calls.add({system_of(*context.database), std::visit(Operation{}, plan), code, time});
}

tl::unexpected<Problem> refuse_answer(const Context& context) {
    return refuse(Code::limit_exceeded, fmt::format("the answer is larger than answer_bytes_max, {} bytes", context.space->caps.answer_bytes_max),
                  "select fewer columns, or filter or limit for fewer rows");
}

// Whether the key or a filter beside it is at fault, and whether there is a row that the caller may not see, is not said.
tl::unexpected<Problem> refuse_row() {
    return refuse(Code::row_unknown, "no row has this key and meets the filter, if there is one beside it; nothing was done");
}

struct Failure {
    Problem problem;
    bool is_stale = false;
};

// A write by key that met no row. A table's policy may say that this is as good as done.
tl::expected<Response, Failure> answer_missing(const sql::plan::Intent& intent) {
    if (intent.verb != sql::plan::Verb::erase || !intent.standing.missing_is_ok || intent.asks.is_preview) {
        return tl::unexpected<Failure>({refuse_row().value(), false});
    }
    Response response;
    response.status = 204;
    return response;
}

// What the database refused. Nothing of it is in the answer that the caller may not see.
tl::unexpected<Failure> fail_run(Context& context, const sql::plan::Plan& plan, std::chrono::steady_clock::time_point began,
                                 sql::exec::DbError&& error, std::optional<std::uint64_t> shown_rows = std::nullopt) {
    hide_names(context, plan, error);
    Problem problem = to_problem(error);
    if (shown_rows && error.fault == sql::exec::DbFault::set_changed) problem.detail = describe_change(*shown_rows, error);
    note_call(context, plan, began, entry_of(problem.code).name);
    return tl::unexpected<Failure>({std::move(problem), error.fault == sql::exec::DbFault::schema_changed});
}

// Execute and respond, of a read.
tl::expected<Response, Failure> run_read(Context& context, const sql::plan::Plan& plan, const sql::render::Program& program) {
    const auto& read = std::get<sql::plan::ReadPlan>(plan);
    respond::JsonRows rows(read_columns(plan), context.numbers, read.limit, context.space->caps.answer_bytes_max);
    const auto began = std::chrono::steady_clock::now();
    auto outcome = sql::exec::execute(program, rows.columns(), *context.database->database, context.deadline, &rows);
    if (!outcome) return fail_run(context, plan, began, std::move(outcome).error());
    note_call(context, plan, began, {});
    if (rows.is_too_large()) return tl::unexpected<Failure>({refuse_answer(context).value(), false});
    if (context.address != Address::row) return respond_rows(context, read, std::move(rows));
    // Two rows of one primary key: it is none any more.
    if (rows.rows() > 1 || rows.has_more()) return tl::unexpected<Failure>({refuse(Code::database_busy, "the table's definition keeps changing").value(), true});
    if (rows.rows() == 0) return tl::unexpected<Failure>({refuse_row().value(), false});
    return respond_row(context, std::move(rows));
}

// The same of a write.
tl::expected<Response, Failure> run_write(Context& context, const sql::plan::Intent& intent, const sql::plan::Plan& plan,
                                          const sql::render::Program& program) {
    respond::JsonRows rows(read_columns(plan), context.numbers, context.space->caps.limits.rows_max, context.space->caps.answer_bytes_max);
    std::optional<std::uint64_t> shown_rows;
    auto company = company_of(context, intent, shown_rows);
    if (!company) return tl::unexpected<Failure>({std::move(company).error(), false});
    const auto began = std::chrono::steady_clock::now();
    auto outcome = [&] {
        // Commits wait for the disk, and many at once share one wait: they do not count among the few that compute.
        const http::Blocking blocking;
        const bool has_rows = intent.asks.answer == sql::plan::Return::representation;
        return sql::exec::execute(program, rows.columns(), *context.database->database, context.deadline, has_rows ? &rows : nullptr, *company);
    }();
    if (!outcome && outcome.error().fault == sql::exec::DbFault::row_missing) return answer_missing(intent);
    if (!outcome) return fail_run(context, plan, began, std::move(outcome).error(), shown_rows);
    note_call(context, plan, began, {});
    if (context.event.write && !outcome->preview) context.event.write->rows = outcome->rows_affected;
    if (context.address == Address::row && outcome->rows_affected == 0) return answer_missing(intent);
    return respond_write(context, intent, plan, std::move(*outcome), std::move(rows));
}

// One bound attempt: guard, render, execute, respond. An error of the database comes back as it is, for the caller may bind again.
tl::expected<Response, Failure> run(Context& context, const sql::plan::Intent& intent, sql::plan::Plan&& bound) {
    if (context.trial != nullptr) context.trial->bound = bound;
    auto guarded = sql::plan::Guard::guard(std::move(bound), context.policy ? &*context.policy : nullptr, context.readers ? &*context.readers : nullptr);
    if (!guarded) return tl::unexpected<Failure>({to_problem(guarded.error()), false});
    const sql::render::Program program = sql::render::render(*guarded, context.database->database->dialect());
    if (context.trial != nullptr) return context.trial->keep(std::move(*guarded), program);
    if (!std::holds_alternative<sql::plan::ReadPlan>(guarded->plan())) return run_write(context, intent, guarded->plan(), program);
    auto response = run_read(context, guarded->plan(), program);
    if (response && context.kept != nullptr) *context.kept = repeatable_run(context.request, intent, *guarded, program);
    return response;
}

tl::unexpected<Problem> refuse_table(const Context& context) {
    return refuse(Code::table_unknown,
                  fmt::format("database '{}' has no table '{}' that the caller may see", context.target.segments[3], context.target.segments[4]),
                  "GET the database's address for the tables that can be seen");
}

tl::unexpected<Problem> refuse_view(const Context& context, const schemas::Table& view) {
    return refuse_method(fmt::format("'{}' is a view; it can be read only", context.target.segments[4]), allow_header(context, view));
}

tl::unexpected<Problem> refuse_verb(const Context& context) {
    return refuse(Code::forbidden, fmt::format("the caller's grants on table '{}' do not allow {}", context.target.segments[4],
                                               tenants::name_of(verb_of(context.method))));
}

// The grants meet the table; one whose row filter does not fit it counts for nothing.
Outcome<void> bind_terms(Context& context, const schemas::TablePtr& table) {
    if (context.trial != nullptr) context.trial->table = table;
    if (!context.terms) return {};
    context.policy = sql::plan::bind_policy(*context.terms, *table);
    context.event.internal.clear();
    for (const std::string& misfit : context.policy->misfits) {
        context.event.internal += "a grant does not fit the table: " + misfit + "; ";
    }
    if (!context.policy->has_terms) return refuse_table(context);
    if (context.policy->alternatives.empty() && !asks_what_is_allowed(context)) return refuse_verb(context);
    return {};
}

// A write that gives rows back reads them too, and so does one that says where its row is, unless the request says that itself.
Outcome<void> bind_readers(Context& context, const sql::plan::Intent& intent, const schemas::TablePtr& table) {
    const bool gives_rows = intent.asks.answer == sql::plan::Return::representation;
    const bool tells_key = intent.verb == sql::plan::Verb::update && intent.asks.answer == sql::plan::Return::headers_only && !intent.key;
    if (intent.verb == sql::plan::Verb::read || (!gives_rows && !tells_key && !intent.asks.is_preview)) return {};
    const std::string& name = context.target.segments[4];
    const bool may_read = tenants::access(*context.database, context.subject, name, tenants::Verb::get) == tenants::Access::allowed;
    if (!may_read && gives_rows) {
        return refuse(Code::forbidden, fmt::format("return=representation reads the rows, and the caller's grants on table '{}' do not allow GET", name),
                      "leave the preference out, or send return=minimal");
    }
    if (!may_read) {
        context.readers.emplace();  // no grant at all
    } else if (const auto terms = tenants::terms_on(*context.database, context.subject, name, tenants::Verb::get)) {
        context.readers = sql::plan::bind_policy(*terms, *table);
    }
    return {};
}

// Binds, runs, and binds again when the table turned out to be another than the catalog said.
// `intent` gets the rows that a body names.
Outcome<Response> answer_bound(Context& context, sql::plan::Intent& intent, schemas::TablePtr table) {
    sql::exec::CatalogCache& catalog = context.database->database->catalog();
    const std::string& name = context.target.segments[4];
    const bool takes_body = intent.verb == sql::plan::Verb::insert || intent.verb == sql::plan::Verb::update;
    bool has_reloaded = false;
    constexpr int kAttempts = 8;
    for (int attempt = 1;; ++attempt) {
        CHECK(bind_terms(context, table));
        // Checked anew with each table: it may have become a view since.
        if (table->kind == schemas::TableKind::view && intent.verb != sql::plan::Verb::read) return refuse_view(context, *table);
        CHECK(bind_readers(context, intent, table));
        const bool is_clear = !context.policy || (context.trial != nullptr && context.trial->is_clear);
        const sql::plan::Sight& sight = is_clear ? sql::plan::kClearSight : context.policy->sight;
        auto plan = sql::plan::bind_query(intent, table, context.space->caps.limits, sight);
        if (plan && takes_body) {
            TRY(body, parse_request_body(context));
            plan = sql::plan::bind_body(std::move(*plan), body, sight, intent.key);
            // Only its bytes are kept for another attempt: a large body's cells would be in memory while the database works.
            context.request.body = std::move(body.source);
        } else if (plan && intent.awaits_body) {
            CHECK(parse_named_rows(context, intent));
            plan = sql::plan::bind_query(intent, table, context.space->caps.limits, sight);
        } else if (plan && intent.verb == sql::plan::Verb::read) {
            CHECK(refuse_body(context));
        }
        if (!plan) {
            // What does not bind may be new in the database: look again, once, before it is refused.
            if (has_reloaded) return fail(plan.error());
            has_reloaded = true;
            TRY(fresh, catalog.reload_for_miss(table, name, context.deadline));
            if (fresh == nullptr) return refuse_table(context);
            if (fresh == table) return fail(plan.error());
            table = std::move(fresh);
            continue;
        }
        auto response = run(context, intent, std::move(*plan));
        if (response) return std::move(*response);
        if (!response.error().is_stale || attempt == kAttempts || context.deadline.has_passed()) {
            return fail(std::move(response.error().problem));
        }
        TRY(fresh, catalog.reload(table, name, context.deadline));
        if (fresh == nullptr) return refuse_table(context);
        table = std::move(fresh);
    }
}

// Of what asks only what is allowed: a key leads somewhere, and a POST does not belong there.
Outcome<void> check_row_address(const Context& context, const schemas::Table& table) {
    std::string allow = allow_header(context, table);
    if (allow == kNothingAllowed && context.target.segments.back() != kBulkDelete) {
        return refuse(Code::path_unknown, "the table has no primary key by which the caller may name a row", "use a filter: ?column=eq.value");
    }
    if (context.method != Method::post) return {};
    return refuse_method("a row is inserted by a POST to the table's own address", std::move(allow));
}

Outcome<Response> answer_table(Context& context) {
    const std::string& name = context.target.segments[4];
    const tenants::Verb verb = asks_what_is_allowed(context) ? tenants::Verb::get : verb_of(context.method);
    const tenants::Access access = tenants::access(*context.database, context.subject, name, verb);
    if (access == tenants::Access::invisible) return refuse_table(context);
    TRY(table, context.database->database->catalog().find(name, context.deadline));
    if (table == nullptr) return refuse_table(context);

    if (access == tenants::Access::verb_denied && !asks_what_is_allowed(context)) return refuse_verb(context);
    context.terms = tenants::terms_on(*context.database, context.subject, name, verb);
    CHECK(bind_terms(context, table));
    if (table->kind == schemas::TableKind::view && verb != tenants::Verb::get) {
        TRY(fresh, context.database->database->catalog().reload_for_miss(table, name, context.deadline));
        if (fresh == nullptr) return refuse_table(context);
        table = std::move(fresh);
        CHECK(bind_terms(context, table));
        if (table->kind == schemas::TableKind::view) return refuse_view(context, *table);
    }
    if (asks_what_is_allowed(context) && context.address == Address::row) CHECK(check_row_address(context, *table));

    TRY(intent, parse_intent(context));
    if (verb != tenants::Verb::get) intent.standing = tenants::standing_on(*context.database, context.space->caps, context.subject, name, verb);
    if (context.method == Method::options) {
        CHECK(refuse_body(context));
        return options_response(allow_header(context, *table));
    }
    if (!names_no_rows(intent)) {  // else bind refuses it, and that comes before Accept
        CHECK(check_accept(context));
    }
    return answer_bound(context, intent, std::move(table));
}

// The tables that some grant of the caller names.
Outcome<Response> answer_tables(Context& context) {
    static const std::string kAllow = "GET, HEAD, OPTIONS";
    if (context.method != Method::get && context.method != Method::head && context.method != Method::options) {
        return refuse_method("a database's address lists its tables; it can be read only", kAllow);
    }
    if (!context.target.query.empty()) {
        Problem problem;
        problem.code = Code::query_invalid;
        problem.detail = "the list of tables takes no parameters";
        problem.position = context.target.query_position;
        return fail(std::move(problem));
    }
    CHECK(check_headers(context));
    if (context.method == Method::options) {
        CHECK(refuse_body(context));
        return options_response(kAllow);
    }
    CHECK(check_accept(context));
    CHECK(refuse_body(context));
    TRY(names, context.database->database->tables(context.deadline));
    std::string text = R"({"tables":[)";
    bool is_first = true;
    for (const schemas::TableName& table : names) {
        if (tenants::access(*context.database, context.subject, table.name, tenants::Verb::get) == tenants::Access::invisible) continue;
        text += is_first ? R"({"name":)" : R"(,{"name":)";
        is_first = false;
        respond::append_json_string(text, table.name);
        text += table.kind == schemas::TableKind::view ? R"(,"kind":"view"})" : R"(,"kind":"table"})";
    }
    text += "]}";
    if (text.size() > context.space->caps.answer_bytes_max) return refuse_answer(context);
    return json_response(200, std::move(text));
}

// For the audit log, whatever becomes of it from here on.
void note_write(const Context& context) {
    const std::vector<std::string>& segments = context.target.segments;
    observe::WriteAsked& write = context.event.write.emplace();
    write.method = context.address == Address::bulk_delete ? "DELETE" : context.event.method;
    write.space = context.subject.space_id;
    write.key_id = context.subject.key_id;
    write.database = segments[2] + '/' + segments[3];
    if (segments.size() > kDatabaseSegments) write.table = segments[kDatabaseSegments];
    if (context.address == Address::row) {
        write.row = context.snapshot.config.audit_values ? request::path_key(context.target).raw : "_";
    }
}

Outcome<auth::Subject> identify(const Context& context) {
    if (context.trial != nullptr) return context.trial->subject;
    const auth::Identity* identity = context.snapshot.identity.get();
    return identity == nullptr ? auth::authenticate(context.request, context.snapshot.trusted)
                               : identity->identify(context.request, std::chrono::system_clock::now());
}

// RFC 9728: where tokens for this gateway come from, for whoever asks. Nothing when the request is for something else.
std::optional<Outcome<Response>> answer_metadata(const Context& context) {
    const std::string_view target = context.request.target;
    const std::string* document = context.snapshot.identity == nullptr || !target.starts_with("/.well-known/")
                                      ? nullptr
                                      : context.snapshot.identity->resource_metadata(target.substr(0, target.find('?')));
    if (document == nullptr) return std::nullopt;
    if (context.method != Method::get && context.method != Method::head) {
        return refuse_method("the metadata of this resource can be read only", "GET, HEAD");
    }
    return json_response(200, *document);
}

// The order of refusals of the contract: path; tenant headers 400; identity 401; 403; db 404; then the table's.
Outcome<Response> answer_request(Context& context, observe::RequestServed& event) {
    const config::Config& config = context.snapshot.config;
    const auto method = parse_method(context.request.method);
    if (!method) {
        return refuse(Code::method_unknown, "the methods are GET, HEAD, POST, PUT, PATCH, DELETE and OPTIONS, in capitals");
    }
    context.method = *method;
    if (auto metadata = answer_metadata(context)) return std::move(*metadata);
    TRY(target, request::parse_target(context.request.target, config.base_paths));
    context.target = std::move(target);
    const std::vector<std::string>& segments = context.target.segments;
    if (!context.target.has_base || segments.size() < kDatabaseSegments || segments.size() > kDatabaseSegments + 2) {
        return refuse(Code::path_unknown, "an address is {base}/{org}/{project}/{db_type}/{db}/{table} or …/{table}/{key}",
                      fmt::format("the base paths here are {}", fmt::join(config.base_paths, " and ")));
    }
    settle_address(context);
    TRY(subject, identify(context));
    event.user = subject.user_id;
    context.subject = std::move(subject);
    if (!config.audit_log.empty() && verb_of(context.method) != tenants::Verb::get) note_write(context);
    const tenants::Space* space = context.snapshot.registry.find(segments[0], segments[1], context.subject);
    if (space == nullptr) {
        if (context.snapshot.registry.is_unavailable(segments[0], context.subject)) {
            return refuse(Code::tenant_unavailable, "the settings of this organization cannot be used until its operator corrects them");
        }
        return refuse(Code::tenant_mismatch, "X-Org-Id, X-Project-Id and X-Space-Id are not those of the org, project and a space of this path");
    }
    if (context.admission != nullptr) CHECK(fairness::admit(space->share, context.subject.key_id, context.request.received, *context.admission));
    context.space = space;
    context.database = space->find(segments[2], segments[3]);
    if (context.database == nullptr) {
        return refuse(Code::database_unknown, fmt::format("this space has no database '{}' of type '{}'", segments[3], segments[2]),
                      config.database_hint);
    }
    return segments.size() == kDatabaseSegments ? answer_tables(context) : answer_table(context);
}

// A read of a kind that was run before: the stages would find what is known. Nothing when the table turned out to be another.
std::optional<Outcome<Response>> answer_prepared(Context& context, const Prepared& prepared) {
    settle_address(context);
    context.event.user = context.subject.user_id;
    auto admitted = fairness::admit(context.space->share, context.subject.key_id, context.request.received, *context.admission);
    if (!admitted) return fail(std::move(admitted).error());
    auto response = run_read(context, prepared.run.plan.plan(), prepared.run.program);
    if (response) return std::move(*response);
    if (!response.error().is_stale || context.deadline.has_passed()) return fail(std::move(response.error().problem));
    const auto& read = std::get<sql::plan::ReadPlan>(prepared.run.plan.plan());
    auto fresh = context.database->database->catalog().reload(read.table, context.target.segments[kDatabaseSegments], context.deadline);
    if (!fresh) return fail(std::move(fresh).error());
    return std::nullopt;
}

#undef TRY
#undef CHECK

}  // namespace

http::Response answer(http::Request&& request, const Snapshot& snapshot, observe::RequestServed& event) {
    const sql::exec::Deadline deadline(request.received + snapshot.config.request_timeout);
    fairness::Admission admission;
    std::optional<Outcome<Response>> answered;
    PreparedReads& reads = prepared_reads();
    Prepared* const prepared = reads.find(request, snapshot);
    if (prepared != nullptr) {
        Context context(request, snapshot, event, deadline, prepared->found);
        context.admission = &admission;
        answered = answer_prepared(context, *prepared);
    }
    if (!answered) {
        Findings found;
        std::optional<ReadRun> kept;
        Context context(request, snapshot, event, deadline, found);
        context.admission = prepared == nullptr ? &admission : nullptr;
        context.kept = reads.is_wanted() ? &kept : nullptr;
        answered = answer_request(context, event);
        if (*answered && kept && event.internal.empty()) {  // a grant that does not fit is told of each time
            reads.keep(std::move(found), std::move(*kept), snapshot);
        } else if (*answered) {
            reads.note(request);
        }
    }
    if (!*answered) {
        const Problem& problem = answered->error();
        event.code = entry_of(problem.code).name;
        event.internal += problem.internal;
        *answered = respond::problem_response(problem);
    }
    Response& response = **answered;
    admission.add_headers(response);
    return std::move(response);
}

tl::expected<http::Response, Problem> try_out(http::Request&& request, const Snapshot& snapshot, Trial& trial) {
    observe::RequestServed event;
    const sql::exec::Deadline deadline(request.received + snapshot.config.request_timeout);
    Findings found;
    fairness::Admission admission;
    Context context(request, snapshot, event, deadline, found);
    context.admission = &admission;
    context.trial = &trial;
    auto answered = answer_request(context, event);
    trial.verb = verb_of(context.method);
    trial.segments = std::move(context.target.segments);
    trial.database = context.database;
    trial.policy = std::move(context.policy);
    return answered;
}

}  // namespace gateway
