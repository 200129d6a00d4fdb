/* A text with an address somewhere in it. */
#ifndef PORTREUSE_TYPED_TEXT_H
#define PORTREUSE_TYPED_TEXT_H

#include "typed/typed.h"

/* Reads any text, such as the error message of a program or the log before it, and finds the
 * address that it is about. Returns whether it has found one. `typed->error` is set even if it has
 * not; `typed->also` then names addresses between which it could not choose. */
bool typed_text(const char *text, struct typed *typed);

#endif
