/* What the commands that look at one network namespace have in common: where they look, and where
 * their report goes. */
#ifndef PORTREUSE_CMD_LIVE_H
#define PORTREUSE_CMD_LIVE_H

#include <stddef.h>

#include "cmd/outputs.h"
#include "cmd/target.h"

struct live {
    struct target target;
    struct outputs outputs;
};

/* The groups of options of a request that has a `struct live live`; they end the array. */
#define LIVE_GROUPS(request)                                                                       \
    {target_options, offsetof(request, live.target)},                                              \
        {outputs_options, offsetof(request, live.outputs)},                                        \
        {outputs_quiet_options, offsetof(request, live.outputs)},                                  \
        {outputs_colour_options, offsetof(request, live.outputs)}, {                               \
        0                                                                                          \
    }

/* Begins with the defaults. Returns false after a complaint. */
bool live_begin(struct live *live, const char *command, const struct subject *subject);

/* Releases everything, and returns `status`. */
int live_end(struct live *live, int status);

#endif
