/* The language of scenarios, as far as a mutator needs it. */
#ifndef PORTREUSE_FUZZ_GRAMMAR_H
#define PORTREUSE_FUZZ_GRAMMAR_H

#include <stddef.h>

/* Changes a scenario by lines and words, in place; returns its new size, at most `most`. */
size_t grammar_mutate(char *text, size_t size, size_t most, unsigned seed);

/* Writes the lines of one scenario up to some place, and those of another one from some place on.
 */
size_t grammar_cross(const char *one, size_t one_size, const char *other, size_t other_size,
                     char *out, size_t most, unsigned seed);

#endif
