/* A line that says several things: `timeout connecting to A; bind B failed`. Each is a clause, and
 * an error belongs to the address in its own. */
#ifndef PORTREUSE_TYPED_CLAUSE_H
#define PORTREUSE_TYPED_CLAUSE_H

#include <stdbool.h>

#include "typed/span.h"

/* Returns the clause of the line that has this place in it: the whole line, if it has but one.
 * Clauses end with `; `, ` / `, a full stop before a word, a comma outside of brackets, and
 * `but`, `while`, `whereas`, `after`, `because`, `when`. */
struct span clause_at(struct span line, const char *at);

/* Returns whether this clause tells of a failure, and more clearly than another of the line. */
bool clause_fails(struct span line, struct span clause);

/* Returns what the clause of an address adds to its weight: it fails, and more clearly than others;
 * or as clearly, and is about bind(); or the error follows the address. */
int clause_weight(struct span line, const char *at);

#endif
