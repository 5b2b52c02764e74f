#pragma once
#include <expat.h>

/* Only what Swift cannot see of libexpat: a macro that casts. */
static inline void *maillage_user_data(XML_Parser parser) { return XML_GetUserData(parser); }
