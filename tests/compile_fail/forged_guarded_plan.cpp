// Only Guard makes a GuardedPlan.
#include <utility>

#include "sql/plan/guard.h"

sql::plan::GuardedPlan make(sql::plan::Plan plan) {
#ifdef CONTROL
    return sql::plan::Guard::guard(std::move(plan)).value();
#else
    return sql::plan::GuardedPlan(std::move(plan));  // refused
#endif
}
