/* The line on a terminal that tells those who wait what is waited for. */
#ifndef PORTREUSE_CMD_PROGRESS_H
#define PORTREUSE_CMD_PROGRESS_H

#include <stdbool.h>

#include "base/units.h"
#include "engine/watch.h"

enum { PROGRESS_TICK_NS = 250 * NS_PER_MS };

struct progress {
    bool wanted;
    char *shown; /* owned: what stands on the terminal, or NULL */
};

/* Returns whether there is anyone to tell: standard error is a terminal that can take back what
 * was written. All zero before that. */
bool progress_begin(struct progress *progress);

/* Takes in what happens. Nothing is shown in the first half second, and only what has changed. */
void progress_tell(struct progress *progress, const struct run_event *event);

/* Takes the line away. */
void progress_end(struct progress *progress);

#endif
