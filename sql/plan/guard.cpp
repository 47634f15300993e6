#include "sql/plan/guard.h"

#include <utility>

#include <fmt/format.h>

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

// Last of all, for a row that is wrong in itself is told before there are too many of them.
tl::expected<void, PlanError> check_inserted(const Plan& plan) {
    const auto* const insert = std::get_if<InsertPlan>(&plan);
    if (insert == nullptr || !insert->set_max || insert->row_count <= insert->set_max->rows) {
        return {};
    }
    return tl::unexpected(PlanError{Fault::set_too_large,
                                    fmt::format("the body holds {} rows, and {}; nothing was done", insert->row_count, describe(*insert->set_max)),
                                    "send fewer rows at once", "", std::nullopt, Origin::body});
}

struct RepresentationIn {
    ReadPlan* operator()(ReadPlan&) const { return nullptr; }
    ReadPlan* operator()(InsertPlan& plan) const { return plan.representation ? &*plan.representation : nullptr; }
    template <typename Write>
    ReadPlan* operator()(Write& plan) const {
        return plan.precautions.representation ? &*plan.precautions.representation : nullptr;
    }
};

bool is_preview(const Plan& plan) {
    const Precautions* const precautions = precautions_of(plan);
    return precautions != nullptr && precautions->is_preview;
}

// Who may not read the keys is shown none of them.
void drop_sample(Plan& plan) {
    if (auto* const update = std::get_if<UpdatePlan>(&plan)) {
        update->precautions.representation.reset();
    } else if (auto* const erase = std::get_if<DeletePlan>(&plan)) {
        erase->precautions.representation.reset();
    }
}

// A row that is given back can be found among others by its key alone.
tl::expected<void, PlanError> check_representation(const Plan& plan) {
    const ReadPlan* const rows = representation_of(plan);
    if (rows == nullptr || rows->table->primary_key) {
        return {};
    }
    const bool are_at_hand = std::holds_alternative<DeletePlan>(plan) || std::holds_alternative<InsertPlan>(plan);
    if (are_at_hand && rows->one_of.empty()) {
        return {};
    }
    return tl::unexpected(PlanError{Fault::not_implemented, "return=representation: without a primary key these rows cannot be found again", "",
                                    "return", std::nullopt, Origin::target});
}

}  // namespace

tl::expected<GuardedPlan, PlanError> Guard::guard(Plan plan, const Policy* policy, const Policy* readers) {
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
    if (ReadPlan* const rows = std::visit(RepresentationIn{}, plan); rows != nullptr && readers != nullptr) {
        auto narrowed = narrow(*rows, *readers);
        if (!narrowed && is_preview(plan)) {
            drop_sample(plan);
        } else if (!narrowed) {
            return tl::unexpected(std::move(narrowed).error());
        }
    }
    if (auto possible = check_representation(plan); !possible) {
        return tl::unexpected(std::move(possible).error());
    }
    if (auto few = check_inserted(plan); !few) {
        return tl::unexpected(std::move(few).error());
    }
    return GuardedPlan(std::move(plan));
}

}  // namespace sql::plan
