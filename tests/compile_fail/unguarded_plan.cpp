// A plan that has not met the policy cannot become SQL.
#include <utility>

#include "sql/plan/guard.h"
#include "sql/render/render.h"

sql::render::Program make(sql::plan::Plan plan, const sql::render::Dialect& dialect) {
#ifdef CONTROL
    return sql::render::render(sql::plan::Guard::guard(std::move(plan)).value(), dialect);
#else
    return sql::render::render(plan, dialect);  // refused
#endif
}
