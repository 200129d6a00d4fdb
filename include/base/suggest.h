/* "unknown verb 'bnid'; did you mean 'bind'?": the known word nearest to a misspelt one. */
#ifndef PORTREUSE_BASE_SUGGEST_H
#define PORTREUSE_BASE_SUGGEST_H

#include <stddef.h>

struct suggestion {
    const char *misspelt; /* borrowed */
    const char *word;     /* borrowed: the nearest word so far, or NULL */
    size_t distance; /* its distance; while there is none, the first distance that is too far */
};

/* Starts a search for words near to `misspelt`, which must outlive it. How far is too far grows
 * with the word's length: one typing error in a word of three letters, two from six on. */
struct suggestion suggest_begin(const char *misspelt);

/* Offers a word, which must outlive the search; the nearest of all offered, and of equals the
 * first, is in `search->word` at the end. An exchanged pair of letters counts as one error. */
void suggest_offer(struct suggestion *search, const char *word);

#endif
