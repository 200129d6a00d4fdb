/* Work in a child process: in another network namespace, as another user. */
#ifndef PORTREUSE_INSPECT_APART_H
#define PORTREUSE_INSPECT_APART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "inspect/netns_place.h"

/* Where, and as whom. */
struct apart {
    const struct netns_place *place; /* NULL: here */
    bool other_user;
    uint32_t uid;
};

typedef void apart_work(void *data);

/* Runs `work` on the `size` bytes at `data` there, and waits for it. The work may change these
 * bytes and nothing else; what they point to must be static. Returns 0, or an errno with `*what`,
 * static, saying what could not be done; `data` is as it was then. */
int apart_run(const struct apart *apart, apart_work *work, void *data, size_t size,
              const char **what);

#endif
