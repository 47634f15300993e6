// An array of characters has the type of a literal. What it holds is known at run time only, so it is none.
#include "sql/render/writer.h"

sql::render::SqlLiteral make(char last) {
#ifdef CONTROL
    static_cast<void>(last);
    return sql::render::SqlLiteral("SELECT ");
#else
    const char text[] = {'a', last, '\0'};
    return sql::render::SqlLiteral(text);  // refused
#endif
}
