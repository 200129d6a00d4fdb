/* Addresses inside a text: each function looks at one place, and returns a weight: how likely an
 * address begins there, by its form alone; 0 for none. It fills in what it has found. */
#ifndef PORTREUSE_TYPED_PLACES_H
#define PORTREUSE_TYPED_PLACES_H

#include "typed/place.h"

/* The heaviest of all forms at this place. */
int places_weigh(const struct place *place, struct typed *typed);

#endif
