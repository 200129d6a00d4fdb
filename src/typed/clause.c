/* What ends a clause is looked for from the start of the line to its end. */
#include "typed/clause.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "typed/signs.h"

/* Returns the length of what separates two clauses here, 0 if nothing does. */
static size_t separator(struct span line, const char *at, int depth) {
    static const char *const words[] = {"; ",        " / ",     " but ",     " while ",
                                        " whereas ", " after ", " because ", " when "};
    size_t left = line.size - (size_t)(at - line.text);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strlen(words[i]) < left && strncasecmp(at, words[i], strlen(words[i])) == 0)
            return strlen(words[i]);
    if (left > 3 && *at == ',' && at[1] == ' ' && depth <= 0)
        return 2;
    return left > 3 && (*at == '.' || *at == '!') && at[1] == ' ' && isalpha((unsigned char)at[2])
               ? 2
               : 0;
}

/* Takes the next clause of the line, from `*at` on, and moves that behind it. */
static struct span next_clause(struct span line, const char **at) {
    const char *start = *at, *end = line.text + line.size;
    int depth = 0;
    for (; *at < end; (*at)++) {
        size_t size = separator(line, *at, depth);
        if (size > 0) {
            struct span clause = span_of(start, (size_t)(*at - start));
            *at += size;
            return clause;
        }
        depth += strchr("([{", **at) != NULL;
        depth -= strchr(")]}", **at) != NULL;
    }
    return span_of(start, (size_t)(end - start));
}

struct span clause_at(struct span line, const char *at) {
    const char *next = line.text;
    struct span clause = line;
    while (next < line.text + line.size && next <= at)
        clause = next_clause(line, &next);
    return clause;
}

static int failure_of(struct span clause) {
    char text[1024];
    span_copy(clause, text, sizeof text);
    return signs_failure(text);
}

bool clause_fails(struct span line, struct span clause) {
    int failure = failure_of(clause), least = failure;
    if (clause.size == line.size || failure == 0)
        return false;
    for (const char *next = line.text; next < line.text + line.size;) {
        struct span other = next_clause(line, &next);
        int its = failure_of(other);
        if (its > failure)
            return false;
        least = its < least ? its : least;
    }
    return least < failure;
}

/* `ADDRESS: Cannot assign requested address`. */
static bool precedes_error(struct span line, const char *at) {
    char text[64];
    size_t left = line.size - (size_t)(at - line.text), word = strcspn(at, " \t\n");
    if (word == 0 || word >= left || at[word - 1] != ':')
        return false;
    span_copy(span_of(at + word, left - word), text, sizeof text);
    text[strcspn(text, "(0123456789")] = '\0'; /* another address may follow */
    int error = signs_error(text);
    return error == EADDRINUSE || error == EADDRNOTAVAIL;
}

int clause_weight(struct span line, const char *at) {
    enum { FAILS = 25, FOLLOWED = 12, BINDS = 6 };
    struct span clause = clause_at(line, at);
    int weight = precedes_error(line, at) ? FOLLOWED : 0;
    if (clause_fails(line, clause))
        return weight + FAILS;
    bool binds = memmem(clause.text, clause.size, "bind", 4) != NULL ||
                 memmem(clause.text, clause.size, "listen", 6) != NULL;
    return weight + (binds && clause.size < line.size && failure_of(clause) > 0 ? BINDS : 0);
}
