/* What the words of a line say: the error, and whether it is about bind() or connect(). */
#ifndef PORTREUSE_TYPED_SIGNS_H
#define PORTREUSE_TYPED_SIGNS_H

#include <stdbool.h>
#include <stddef.h>

enum signs_role { SIGNS_NO_ROLE, SIGNS_BIND, SIGNS_CONNECT };

/* Returns the errno that a line reports, by its name, by its number where that is called one, or by
 * the words of the C library or of a program; 0 if it reports none. */
int signs_error(const char *line);

/* Returns the errno that has this number on Linux, the BSDs (and macOS) or Windows, if programs
 * report it for an address; else 0. */
int signs_numbered(long number);

/* Returns how strongly a line says that bind() or connect() has failed: 0 for not at all. */
int signs_failure(const char *line);

/* Returns what a line says about an address at `at` in it: the nearest words before it count, then
 * those behind it. */
enum signs_role signs_role(const char *line, const char *at);

/* Returns whether a line tells that something starts or listens. */
bool signs_starts(const char *line);

#endif
