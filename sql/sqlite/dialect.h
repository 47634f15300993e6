// SQLite's answers to render's questions. A cell may hold any storage class whatever its column declares, so each comparison
// says which class it means. Uses the SQL functions rowgate_float32 and rowgate_time, which the connection registers.
// Stateless, shared by all threads. Called by render.
#pragma once

#include "sql/render/dialect.h"

namespace sql::sqlite {

[[nodiscard]] const render::Dialect& dialect();

}  // namespace sql::sqlite
