/* Numbers, ranges, durations and kernel versions, as people write them and as we print them. */
#ifndef PORTREUSE_BASE_UNITS_H
#define PORTREUSE_BASE_UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* --- numbers and durations --- */

enum { NS_PER_US = 1000, NS_PER_MS = 1000 * 1000, NS_PER_S = 1000 * 1000 * 1000 };

/* Parses all of `text` as a decimal integer. Returns false if it is not one or not in low..high. */
bool units_number(const char *text, int64_t low, int64_t high, int64_t *number);

/* Parses `200us`, `200ms`, `3s`, `1.5s` or `2m` into nanoseconds. Returns false for anything else,
 * for more than three decimals, and for more than a day. */
bool units_duration(const char *text, uint64_t *ns);

/* Returns where the upper bound of `LOW..HIGH` starts in `text`, or NULL if `text` has no `..`. */
const char *units_range_split(const char *text);

enum { UNITS_DURATION_SIZE = 32 };

/* Writes a duration in a suitable unit, such as `42us`, `1.5ms` or `59.98s`, truncated to two
 * decimals, in a form that units_duration() can parse. Returns `text` (UNITS_DURATION_SIZE bytes).
 */
const char *units_duration_text(uint64_t ns, char *text);

/* Returns the time of the monotonic clock in nanoseconds. */
uint64_t units_now_ns(void);

/* --- kernel versions --- */

struct kernel_release {
    unsigned part[3]; /* 6, 18, 44 */
};

/* Parses `6`, `6.8` or `6.8.12`; with `with_tail`, `6.8` or `6.8.12` followed by anything, as in
 * `6.8.0-45-generic`. Returns false if the text is not a version. */
bool release_parse(const char *text, bool with_tail, struct kernel_release *release);

/* Returns whether `release` is `least` or newer. */
bool release_at_least(struct kernel_release release, struct kernel_release least);

/* Returns the running kernel's version, from uname(2); 0.0.0 if it cannot be parsed. */
struct kernel_release release_running(void);

#endif
