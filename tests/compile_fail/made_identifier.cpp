// Nor can one be made of text in passing: from_catalog is the one door, and its callers are counted.
#include <string>

#include "schemas/ident.h"

schemas::Ident make(const std::string& column) {
#ifdef CONTROL
    return schemas::Ident::from_catalog(column);
#else
    return schemas::Ident(column);  // refused
#endif
}
