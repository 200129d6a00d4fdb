/* The version of the running kernel. */
#ifndef PORTREUSE_BASE_RELEASE_H
#define PORTREUSE_BASE_RELEASE_H

#include <stdbool.h>

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
