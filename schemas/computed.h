// Columns that a statement computes and no table has: a count, a text. They have no name, so they can be read and not written into SQL.
// Called by whoever asks a connection for more than rows.
#pragma once

#include "schemas/catalog.h"

namespace schemas {

// An integer has 64 bits.
[[nodiscard]] inline Column computed_column(TypeClass type_class) {
    Column column{Ident::from_catalog({}), {}};
    column.type.type_class = type_class;
    column.type.bits = 64;
    return column;
}

}  // namespace schemas
