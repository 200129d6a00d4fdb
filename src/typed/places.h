/* Addresses inside a text: each function looks at one place, and returns a weight: how likely an
 * address begins there, by its form alone; 0 for none. It fills in what it has found. */
#ifndef PORTREUSE_TYPED_PLACES_H
#define PORTREUSE_TYPED_PLACES_H

#include "typed/span.h"
#include "typed/typed.h"

/* A text and the place that is looked at. */
struct place {
    const char *start; /* of the text, which ends with a 0 */
    const char *at;
    struct span line; /* that the place is in */
};

/* The heaviest of all forms at this place. */
int places_weigh(const struct place *place, struct typed *typed);

/* Returns whether one of the words, separated by `|`, ends within the few bytes before the place,
 * in its line. */
bool places_after(const struct place *place, const char *words);

/* Returns whether the word is within the few bytes behind the place, in its line. */
bool places_before(const struct place *place, const char *word);

/* Reads Erlang's `{0,0,0,0}` or `{0,0,0,0,0,0,0,1}`, with blanks. Writes it as an address to `host`
 * of `room` bytes, and returns where it ends; NULL if it is none. */
const char *places_erlang(const char *at, char *host, size_t room);

#endif
