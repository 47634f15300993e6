// MariaDB's and MySQL's answers to render's questions: how a typed value is compared without an implicit conversion.
// Each spelling was measured on MariaDB 10.11; the comments say what the plainer one does. Stateless, shared by all threads.
// Called by render.
#pragma once

#include "sql/render/dialect.h"

namespace sql::mysql {

[[nodiscard]] const render::Dialect& dialect();

}  // namespace sql::mysql
