/* What a stage leaves behind if it is killed: its processes become children of the runner, which is
 * their subreaper, and waits until they are gone. */
#ifndef PORTREUSE_ENGINE_ORPHANS_H
#define PORTREUSE_ENGINE_ORPHANS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/memory.h"

/* The children that the runner has from before: `sh -c './server & exec portreuse run ...'`. */
struct strangers {
    struct arena *arena; /* borrowed; owns: */
    pid_t *list;
    size_t count;
};

/* Becomes the subreaper, and notes the children that are there already. */
void orphans_expect(struct strangers *strangers, struct arena *arena);

/* Returns whether this child is a stage. */
typedef bool orphans_is_stage(const void *context, pid_t pid);

/* Waits for all children but the strangers and the stages: they have been killed. */
void orphans_reap(const struct strangers *strangers, orphans_is_stage *is_stage,
                  const void *context);

#endif
