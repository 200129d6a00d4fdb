/* What tests/fault/faults.c lets fail, and what came of it. */
#ifndef FAULT_FAULTS_H
#define FAULT_FAULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "fault/state.h"

/* A kind of system call, and the errno that is usual for it. */
struct call {
    int number, error;
    const char *name;
};

extern const struct call calls[];
extern const size_t call_count;

enum { CHANNEL = 900, LINE_SIZE = 256, OUTPUT_SIZE = 64 * 1024 };

struct run {
    char **command;
    const char *program; /* the path of its file, without links: only its own calls fail */
    unsigned seconds;    /* it must end in this time */
    bool complains;      /* the answer stands on standard error */

    /* What fails: a system call, or with `state` what the library of preload.c lets fail. */
    int error;               /* for all calls; 0: each its own */
    bool stays;              /* all later calls of this kind fail as well */
    unsigned long fail;      /* which call, from 1; 0: none */
    const struct call *only; /* this kind alone is asked about; NULL: all */
    struct fault_state *state;

    unsigned long seen, seen_of[80];
    const struct call *failed;

    int status; /* wait status */
    bool hung, left;
    long files; /* more in the current directory than before */
    char line[LINE_SIZE], complaint[LINE_SIZE];
    char output[OUTPUT_SIZE]; /* all that it printed and complained */
};

/* Asks the kernel to ask about our calls (SECCOMP_RET_USER_NOTIF), and hands the descriptor for
 * that over to take_over(). Returns false if it does not let us. */
bool inject_install(const struct run *run);

/* The descriptor that the child at the other end of `channel` hands over; -1: none. */
int inject_take_over(int channel);

/* Decides about one call; the descriptor is readable. */
void inject_answer(struct run *run, int listener);

/* Before another run: no process is known. */
void inject_forget(void);

#endif
