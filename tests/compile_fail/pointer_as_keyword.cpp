// Nor does a pointer to text.
#include "sql/render/writer.h"

void write(sql::render::Writer& writer, const char* text) {
#ifdef CONTROL
    static_cast<void>(text);
    writer.keyword("SELECT ");
#else
    writer.keyword(text);  // refused
#endif
}
