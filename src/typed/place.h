/* A place in a text, what stands around it, and the number of a port there. */
#ifndef PORTREUSE_TYPED_PLACE_H
#define PORTREUSE_TYPED_PLACE_H

#include "typed/span.h"
#include "typed/typed.h"

/* A text and the place that is looked at. */
struct place {
    const char *start; /* of the text, which ends with a 0 */
    const char *at;
    struct span line; /* that the place is in */
};

/* Returns whether one of the words, separated by `|`, ends within the few bytes before the place,
 * in its line. */
bool place_after(const struct place *place, const char *words);

/* Returns whether one of the words, separated by `|`, stands directly before the place. */
bool place_follows(const struct place *place, const char *words);

/* Returns whether the word is within the few bytes behind the place, in its line. */
bool place_ahead(const struct place *place, const char *word);

/* Returns the byte before the place; a blank at the start of the text. */
char place_before(const struct place *place);

/* Returns whether a word can begin here, as far as the byte before says. */
bool place_starts_word(const struct place *place);

bool place_is_word_byte(char byte);

/* Returns how likely an address of this form begins at the place, 0 for none; `typed` gets it. */
typedef int place_form(const struct place *place, struct typed *typed);

/* Returns the weight of the heaviest of these forms; `typed` gets what that one has found. */
int place_heaviest(const struct place *place, place_form *const *forms, size_t count,
                   struct typed *typed);

/* Returns the digits of the port that begins at `text`: nothing follows that would make them
 * another number, such as a time, a date, a version or a duration. Size 0 if it is none. */
struct span place_port(const char *text);

/* Returns whether there is a port; `typed` gets it. */
bool place_set_port(struct span port, struct typed *typed);

#endif
