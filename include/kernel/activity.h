/* Whether a process has anything to do now: what its threads are doing. */
#ifndef PORTREUSE_KERNEL_ACTIVITY_H
#define PORTREUSE_KERNEL_ACTIVITY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* What some threads were doing at one moment; all zero at first. */
struct activity {
    unsigned threads; /* those that have not ended */
    bool busy;        /* one of them runs, is ready to run, or waits for a disk or a debugger */
    uint64_t mark;    /* stays the same as long as these are the same threads and none of them runs:
                         made of the numbers of their context switches */
};

/* Adds the threads of a process; of one that is gone there are none. */
void activity_add(pid_t pid, struct activity *activity);

/* Returns whether nothing has happened between two looks, `before` and `now`. */
bool activity_none(const struct activity *before, const struct activity *now);

#endif
