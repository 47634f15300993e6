// The expressions by which MariaDB and MySQL digest a row and a set: 64 bits a row of SHA-256 over salt and cells, and their exact
// sum over the rows. Private to this folder; called by the dialect.
#pragma once

#include "schemas/catalog.h"
#include "schemas/value.h"
#include "sql/render/writer.h"

namespace sql::mysql {

void write_row_digest(render::Writer& writer, const schemas::Table& table, const schemas::Text& salt);
void write_set_digest(render::Writer& writer);

}  // namespace sql::mysql
