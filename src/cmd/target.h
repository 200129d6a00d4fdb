/* What a command looks at: an address and port, and the network namespaces of this host. */
#ifndef PORTREUSE_CMD_TARGET_H
#define PORTREUSE_CMD_TARGET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/endpoint.h"
#include "cmd/options.h"
#include "inspect/namespaces.h"

/* --- an address and port --- */

/* Parses `127.0.0.1:80` or `[::1]:80`. `:80` and `*:80` mean `any` with this port; `*is_any` (may
 * be NULL) says whether one of them was given. `option` is the option that it is the value of, for
 * complaints; NULL: it is an operand. Returns false after a complaint. */
bool target_parse(const char *command, const char *option, const char *text, struct endpoint any,
                  struct endpoint *endpoint, bool *is_any);

/* --- network namespaces --- */

struct target {
    struct namespace *namespaces; /* owned; the first is the only one unless there is --all-netns */
    size_t count;
};

/* Begins with the current namespace. Returns false after a complaint. End with target_free(), which
 * takes an empty target too. */
bool target_begin(struct target *target, const char *command);
void target_free(struct target *target);

/* --pid and --netns; --all-netns. Their structure is the target. */
extern const struct option_row target_options[], target_all_options[];

#endif
