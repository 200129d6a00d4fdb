/* The network namespaces of this host: a container's, one made by `ip netns add`. */
#ifndef PORTREUSE_INSPECT_NAMESPACES_H
#define PORTREUSE_INSPECT_NAMESPACES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { NAMESPACE_PATH_SIZE = 256, NAMESPACE_NAME_SIZE = NAMESPACE_PATH_SIZE };

struct namespace {
    uint64_t inode;                 /* the same for all paths to one namespace */
    char name[NAMESPACE_NAME_SIZE]; /* for people: `pid 4711`, `blue`, a path */
    char path[NAMESPACE_PATH_SIZE]; /* its file; "" is the namespace of this process */
};

/* The namespace of this process. */
struct namespace namespaces_here(void);

/* Returns whether the namespace of this process is that of process 1, which sysctl.d(5) is for.
 * Where process 1 may not be looked at, an ordinary user asks, most likely in the first one; or the
 * root of a user namespace, most likely not. */
bool namespaces_is_first(void);

/* The namespace of process `pid`; the namespace called `name`, which is a path if it contains a
 * slash, else a name of `ip netns`. Return 0 or an errno: ENOENT if there is none, EACCES without
 * permission to inspect the process, EINVAL if the file is not a network namespace. */
int namespaces_of_process(pid_t pid, struct namespace *found);
int namespaces_named(const char *name, struct namespace *found);

/* Some namespaces, each once. */
struct namespaces {
    struct namespace *list; /* owned by the caller: free() */
    size_t count;
    unsigned unseen; /* processes that this one may not inspect: their namespace may be missing */
};

/* Finds the namespaces of all processes and those of `ip netns`; that of this process comes first.
 * Returns 0, or an errno with an empty list: ENOENT if there is no /proc, EMFILE or the like if not
 * all could be looked at. */
int namespaces_all(struct namespaces *all);

/* Moves the calling process, which must have one thread, into the namespace, and first into the
 * user namespace that owns it if that is needed. Returns 0 or an errno: EPERM if it may not. */
int namespaces_join(const struct namespace *where);

#endif
