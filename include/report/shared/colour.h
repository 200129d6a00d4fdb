/* Colour for the words that the eye looks for on a terminal; nothing where it is not wanted. */
#ifndef PORTREUSE_REPORT_SHARED_COLOUR_H
#define PORTREUSE_REPORT_SHARED_COLOUR_H

#include <stdbool.h>

#include "base/verdict.h"

/* What to print before a word in the colour of a verdict, and behind it; "" unless `wanted`. */
const char *colour_begin(bool wanted, enum verdict verdict);
const char *colour_end(bool wanted);

#endif
