/* The processes of a command: itself, its children and theirs, found by walking from parent to
 * child. */
#ifndef FAULT_FAMILY_H
#define FAULT_FAMILY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum member_kind {
    MEMBER_COMMAND,    /* the process that was started: of `run`, the runner */
    MEMBER_LOOK,       /* a child of it that looks at something, in the same process group */
    MEMBER_STAGE,      /* a child of it with a process group of its own: of `run`, a stage */
    MEMBER_GRANDCHILD, /* a child of that: of `run`, a role, or who listens to a program */
    MEMBER_TRACER,     /* a process that traces another one */
    MEMBER_PROGRAM,    /* one that is traced, the first of its tracer's */
    MEMBER_DESCENDANT, /* one that is traced, and that a traced one has started */
    MEMBER_KINDS,
};

struct member {
    pid_t pid, parent, tracer;
    unsigned depth;
    enum member_kind kind;
};

struct family {
    struct member members[256];
    size_t count;
};

/* Finds the processes that have not ended, of the command `pid`. */
void family_find(struct family *family, pid_t pid);
/* Returns whether the process has not ended. */
bool family_lives(const struct member *member);
bool family_has(const struct family *family, enum member_kind kind);

/* Kills and reaps all children of the calling process. */
void family_kill_children(void);

const char *member_kind_name(enum member_kind kind);

#endif
