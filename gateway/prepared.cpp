#include "gateway/prepared.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <utility>
#include <variant>

#include "gateway/http/ascii.h"
#include "schemas/value.h"

namespace gateway {
namespace {

// Beyond these a request is not remembered: what all workers keep stays small beside what else they need.
constexpr std::size_t kHeadBytesMax = 2048;
constexpr std::size_t kColumnsMax = 64;
constexpr std::size_t kStatementBytesMax = 4096;
// No more digits than fit into 64 bits, whatever they are.
constexpr std::size_t kDigitsMax = 18;

// Of the number that a filter of the target asks for: `…?id=eq.` ends before it. Size 0: there is none.
struct Place {
    std::size_t at = 0;
    std::size_t size = 0;
};

Place number_in(std::string_view target) {
    constexpr std::string_view kEquals = "=eq.";
    const std::size_t found = target.find(kEquals);
    if (found == std::string_view::npos) return {};
    const std::size_t at = found + kEquals.size();
    const std::size_t end = std::min(target.find('&', at), target.size());
    const std::string_view digits = target.substr(at, end - at);
    const bool are_digits = std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; });
    // One text a number: 007 is left to those who read literals.
    if (!are_digits || digits.empty() || digits.size() > kDigitsMax || (digits[0] == '0' && digits.size() > 1)) return {};
    return {at, digits.size()};
}

bool is_request_id(std::string_view name) {
    return http::is_equal_ignoring_case(name, "X-Request-Id");
}

// Which slot is a request's. By the lengths of its headers and their last bytes, for two users of a table differ in these at least.
std::size_t slot_of(const http::Request& request, std::string_view before) {
    constexpr std::uint64_t kMultiplier = 0x9E3779B97F4A7C15u;  // 2^64 by the golden ratio: the highest bits depend on all
    std::uint64_t hash = std::hash<std::string_view>{}(before);
    for (const http::Header& header : request.headers) {
        const std::uint64_t last = header.value.empty() ? 0 : static_cast<unsigned char>(header.value.back());
        const std::uint64_t value = is_request_id(header.name) ? 0 : header.value.size() << 8u | last;
        hash = (hash ^ (header.name.size() << 32u | value)) * kMultiplier;
    }
    return hash >> (64u - PreparedReads::kSlotBits);
}

// The only condition of the request: that a column equals the number at `place`.
const filters::Condition* only_condition(const sql::plan::Intent& intent, std::string_view target, Place place) {
    if (place.size == 0 || intent.verb != sql::plan::Verb::read || intent.key || intent.body_keys || !intent.body_where.empty()) return nullptr;
    if (intent.query.ids || intent.query.where.size() != 1) return nullptr;
    const filters::Condition& condition = intent.query.where.front();
    if (condition.op != filters::Operator::eq || condition.is_negated || condition.values.size() != 1) return nullptr;
    const filters::Literal& literal = condition.values.front();
    return literal.position == place.at && literal.text == target.substr(place.at, place.size) ? &condition : nullptr;
}

}  // namespace

PreparedReads& prepared_reads() {
    thread_local PreparedReads reads;
    return reads;
}

bool PreparedReads::is_like(const Slot& slot, const http::Request& request, std::string_view before, std::string_view after) {
    const auto is_same = [](const http::Header& a, const http::Header& b) {
        return a.name == b.name && (a.value == b.value || is_request_id(a.name));
    };
    return slot.before == before && slot.after == after && slot.peer == request.peer &&
           std::ranges::equal(slot.headers, request.headers, is_same);
}

Prepared* PreparedReads::find(const http::Request& request, const Snapshot& snapshot) {
    slot_ = nullptr;
    // A token or key has its time, and is nothing to be kept.
    if (snapshot.identity != nullptr && !snapshot.identity->takes_headers_alone()) return nullptr;
    if (request.method != "GET" || !request.body.empty() || request.body_state == http::BodyState::too_large) return nullptr;
    const std::string_view target = request.target;
    const Place place = number_in(target);
    if (place.size == 0) return nullptr;
    const std::string_view before = target.substr(0, place.at);
    Slot& slot = slots_[slot_of(request, before)];
    slot_ = &slot;
    is_known_ = is_like(slot, request, before, target.substr(place.at + place.size));
    if (!is_known_) return nullptr;
    if (slot.serial != snapshot.serial.number()) slot.prepared.reset();  // its pointers may lead nowhere
    if (slot.prepared == nullptr) return nullptr;
    Prepared& prepared = *slot.prepared;
    const auto& read = std::get<sql::plan::ReadPlan>(prepared.run.plan.plan());
    if (!prepared.found.database->database->catalog().has(prepared.found.target.segments[kDatabaseSegments], read.table)) return nullptr;
    const schemas::Type& type = read.table->columns[prepared.run.column].type;
    auto reading = schemas::read_literal(target.substr(place.at, place.size), type, schemas::Purpose::comparison);
    if (!reading || reading->fit != schemas::Fit::exact || !std::holds_alternative<std::int64_t>(reading->value)) {
        slot_ = nullptr;  // what it has is good for the next
        return nullptr;
    }
    prepared.run.program.statements.front().replace_param(0, std::move(reading->value));
    return &prepared;
}

void PreparedReads::keep(Findings&& found, ReadRun&& run, const Snapshot& snapshot) {
    found.target.base = found.target.path = found.target.query = {};
    // What bind and the guard alone ask for, and which may be long: the program has it.
    found.terms.reset();
    found.readers.reset();
    if (found.policy) {
        for (sql::plan::Alternative& grant : found.policy->alternatives) {
            grant.row_filter = {};
            grant.values = {};
        }
    }
    slot_->prepared.reset();  // before the number becomes another's
    slot_->serial = snapshot.serial.number();
    slot_->prepared = std::make_unique<Prepared>(Prepared{std::move(found), std::move(run)});
}

void PreparedReads::note(const http::Request& request) {
    if (slot_ == nullptr || is_known_) return;
    std::size_t bytes = request.target.size();
    for (const http::Header& header : request.headers) bytes += header.name.size() + header.value.size();
    if (bytes > kHeadBytesMax) return;
    const Place place = number_in(request.target);
    // Before its key becomes another's; and an empty one is nobody's, should memory give out.
    slot_->prepared.reset();
    slot_->before.clear();
    slot_->after = request.target.substr(place.at + place.size);
    slot_->peer = request.peer;
    slot_->headers = request.headers;
    slot_->before = request.target.substr(0, place.at);
}

std::optional<ReadRun> repeatable_run(const http::Request& request, const sql::plan::Intent& intent, const sql::plan::GuardedPlan& plan,
                                      const sql::render::Program& program) {
    const auto* const read = std::get_if<sql::plan::ReadPlan>(&plan.plan());
    const filters::Condition* const condition = only_condition(intent, request.target, number_in(request.target));
    if (read == nullptr || condition == nullptr) return std::nullopt;
    if (read->where.size() != 1 || !read->one_of.empty() || read->columns.size() > kColumnsMax) return std::nullopt;
    const sql::plan::Predicate& predicate = read->where.front();
    const bool is_number = predicate.kind == sql::plan::PredicateKind::eq && predicate.values.size() == 1 &&
                           std::holds_alternative<std::int64_t>(predicate.values.front());
    const schemas::Column& column = read->table->columns[predicate.column];
    if (!is_number || column.type.type_class != schemas::TypeClass::integer || column.name.text() != condition->column) return std::nullopt;
    if (program.statements.size() != 1 || program.keys_before) return std::nullopt;
    const sql::render::Statement& statement = program.statements.front();
    const bool has_it_alone = statement.owns_params() && statement.params().size() == 1 && statement.params()[0] == predicate.values.front();
    if (!has_it_alone || statement.text().size() > kStatementBytesMax) return std::nullopt;
    return ReadRun{plan, program, predicate.column};
}

}  // namespace gateway
