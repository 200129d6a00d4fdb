/* Work done in a child process: in another network namespace, as another user, with a time limit.
 * Whatever happens to the child cannot harm the caller. */
#ifndef PORTREUSE_INSPECT_CHILD_H
#define PORTREUSE_INSPECT_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "base/memory.h"
#include "inspect/namespaces.h"

/* Where, as whom, and for how long. All zero: a plain child. */
struct child {
    const struct namespace *where; /* NULL: here */
    pid_t as; /* with the user namespace, user, groups and capabilities of this process; 0: ours */
    bool files;      /* with its root and working directory, too */
    bool other_user; /* as another user than that: */
    uint32_t uid;
    unsigned seconds; /* 0: CHILD_SECONDS_MOST */
};

/* No child may take longer: not even one that somebody has stopped. */
enum { CHILD_SECONDS_MOST = 120 };

/* The work. It may change the bytes at `data`, and write results of any length to `more`. What it
 * changes elsewhere is lost, and a pointer that it hands back must be to something static. */
typedef void child_work(void *data, FILE *more);

/* What the work wrote to `more`. */
struct child_bytes {
    char *bytes; /* owned */
    size_t size, at;
};

/* Runs `work` on the `size` bytes at `data` and waits for it. `more` may be NULL if nothing is
 * written there; otherwise the caller frees it with child_bytes_free(), also after an error.
 * Returns 0, or an errno with `*what`, static, saying what could not be done: ETIMEDOUT when the
 * time limit was exceeded, ECHILD when the work ended early. `data` is then unchanged. */
int child_run(const struct child *child, child_work *work, void *data, size_t size,
              struct child_bytes *more, const char **what);

/* Writes an array to `more`; with no items, `items` may be NULL. */
void child_give_array(FILE *more, const void *items, size_t count, size_t size);

/* Takes the next `size` bytes off `more`. Returns false, and leaves them zero, if fewer are left.
 */
bool child_take(struct child_bytes *more, void *bytes, size_t size);

/* Takes the next `count` items of `size` bytes off `more`, into the arena. NULL if there are none.
 * What is missing is zero. */
void *child_take_array(struct child_bytes *more, struct arena *arena, size_t count, size_t size);

/* Takes the next text with its NUL off `more`, into the arena. Returns "" if there is none. */
const char *child_take_text(struct child_bytes *more, struct arena *arena);

void child_bytes_free(struct child_bytes *more);

/* Tries whether a process here can change its user ID. Returns 0 or an errno; one that says nothing
 * (base/errnames.h) leaves it open. */
int child_try_other_user(void);

#endif
