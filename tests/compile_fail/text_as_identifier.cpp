// A name from a request is no identifier: only the catalog's names are.
#include <string>

#include "sql/render/writer.h"

void write(sql::render::Writer& writer, const std::string& column, const schemas::Ident& name) {
#ifdef CONTROL
    static_cast<void>(column);
    writer.ident(name);
#else
    static_cast<void>(name);
    writer.ident(column);  // refused
#endif
}
