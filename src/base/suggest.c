/* The restricted Damerau-Levenshtein distance: insertions, deletions, replacements and swaps of
 * neighbours, ignoring case. */
#include "base/suggest.h"

#include <ctype.h>
#include <string.h>

enum { LONGEST = 48 }; /* no known word is longer */

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

static int folded(char letter) {
    return tolower((unsigned char)letter);
}

static size_t distance_between(const char *a, size_t a_length, const char *b, size_t b_length) {
    size_t row[3][LONGEST + 1]; /* for the letter of a before last, the last and the current one */
    size_t *before = row[0], *last = row[1], *now = row[2];
    for (size_t j = 0; j <= b_length; j++)
        last[j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        now[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            size_t differ = folded(a[i - 1]) != folded(b[j - 1]);
            now[j] = least(least(last[j], now[j - 1]) + 1, last[j - 1] + differ);
            if (i > 1 && j > 1 && folded(a[i - 1]) == folded(b[j - 2]) &&
                folded(a[i - 2]) == folded(b[j - 1]))
                now[j] = least(now[j], before[j - 2] + 1);
        }
        size_t *unused = before;
        before = last;
        last = now;
        now = unused;
    }
    return last[b_length];
}

struct suggestion suggest_begin(const char *misspelt) {
    size_t allowed = strlen(misspelt) / 3;
    return (struct suggestion){.misspelt = misspelt, .distance = least(allowed, 3) + 1};
}

void suggest_offer(struct suggestion *search, const char *word) {
    size_t a_length = strlen(search->misspelt), b_length = strlen(word);
    if (a_length > LONGEST || b_length > LONGEST)
        return;
    size_t distance = distance_between(search->misspelt, a_length, word, b_length);
    if (distance < search->distance) {
        search->word = word;
        search->distance = distance;
    }
}
