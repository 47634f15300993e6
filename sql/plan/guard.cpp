#include "sql/plan/guard.h"

#include <utility>

#include "sql/plan/narrow.h"

namespace sql::plan {
namespace {

PlanError filter_required() {
    return {Fault::filter_required, "a write must have at least one filter", "add one, for example id=eq.10", "", std::nullopt,
            Origin::target};
}

PlanError nothing_to_write(const char* detail) {
    return {Fault::row_invalid, detail, "", "", std::nullopt, Origin::body};
}

}  // namespace

tl::expected<GuardedPlan, PlanError> Guard::guard(Plan plan, const Policy* policy) {
    if (const auto* const update = std::get_if<UpdatePlan>(&plan)) {
        if (update->where.empty()) {
            return tl::unexpected(filter_required());
        }
        if (update->assignments.empty()) {
            return tl::unexpected(nothing_to_write("the body names no column to change"));
        }
    } else if (const auto* const erase = std::get_if<DeletePlan>(&plan)) {
        if (erase->where.empty()) {
            return tl::unexpected(filter_required());
        }
    } else if (const auto* const insert = std::get_if<InsertPlan>(&plan)) {
        if (insert->row_count == 0 || insert->columns.empty()) {
            return tl::unexpected(nothing_to_write("the body holds no row to insert"));
        }
    }
    if (policy != nullptr) {
        if (auto narrowed = std::visit([policy](auto& each) { return narrow(each, *policy); }, plan); !narrowed) {
            return tl::unexpected(std::move(narrowed).error());
        }
    }
    return GuardedPlan(std::move(plan));
}

}  // namespace sql::plan
