// Text that exists at run time only cannot become SQL.
#include <string>

#include "sql/render/writer.h"

void write(sql::render::Writer& writer, const std::string& text) {
#ifdef CONTROL
    static_cast<void>(text);
    writer.keyword("SELECT ");
#else
    writer.keyword(text);  // refused
#endif
}
