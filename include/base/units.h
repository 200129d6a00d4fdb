/* Numbers, ranges and spans of time as a person writes them, and as we print them. */
#ifndef PORTREUSE_BASE_UNITS_H
#define PORTREUSE_BASE_UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NS_PER_US = 1000, NS_PER_MS = 1000 * 1000, NS_PER_S = 1000 * 1000 * 1000 };

/* Parses a whole number in decimal, all of `text`; false if it is none, or outside low..high. */
bool units_number(const char *text, int64_t low, int64_t high, int64_t *number);

/* Parses `200us`, `200ms`, `3s`, `1.5s` or `2m` into nanoseconds; false for anything else, for more
 * than three decimals, and for more than a day. */
bool units_duration(const char *text, uint64_t *ns);

/* Where the upper bound of `LOW..HIGH` starts in `text`, or NULL if there is no `..` in it. */
const char *units_range_split(const char *text);

enum { UNITS_DURATION_SIZE = 32 };

/* Writes a span of time with the unit that suits it, as `42us`, `1.5ms` or `59.98s`, cut to two
 * decimals, in a form that units_duration() reads back; returns `text`, which has
 * UNITS_DURATION_SIZE bytes. */
const char *units_duration_text(uint64_t ns, char *text);

/* The monotonic clock, in nanoseconds. */
uint64_t units_now_ns(void);

#endif
