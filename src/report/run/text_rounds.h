/* How long the rounds of a block took, as a table. */
#ifndef PORTREUSE_REPORT_RUN_TEXT_ROUNDS_H
#define PORTREUSE_REPORT_RUN_TEXT_ROUNDS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { TEXT_ROUNDS_LEAST = 10 };

/* Prints the quartiles of the times for each tenth of the rounds, a line each below a heading, all
 * indented by `indent`; nothing if there are fewer than TEXT_ROUNDS_LEAST. */
void text_rounds(FILE *out, const uint64_t *rounds_ns, size_t count, unsigned indent);

#endif
