/* "unknown verb 'bnid'; did you mean 'bind'?": finds the known word closest to a misspelt one. */
#ifndef PORTREUSE_BASE_SUGGEST_H
#define PORTREUSE_BASE_SUGGEST_H

#include <stddef.h>

struct suggestion {
    const char *misspelt; /* borrowed */
    const char *word;     /* borrowed: the closest word so far, or NULL */
    size_t
        distance; /* its distance; while there is no word, the smallest distance that is too far */
};

/* Starts a search for words close to `misspelt`, which must outlive the search. Longer words may
 * differ more: one typing error in a word of three letters, two from six letters on. */
struct suggestion suggest_begin(const char *misspelt);

/* Offers a word, which must outlive the search. In the end `search->word` is the closest of all
 * words offered, the first of several that are equally close. Two letters swapped count as one
 * error. */
void suggest_offer(struct suggestion *search, const char *word);

#endif
