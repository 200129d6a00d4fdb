/* Network namespaces that others are in: a container's, one made by `ip netns add`. */
#ifndef PORTREUSE_INSPECT_NAMESPACES_H
#define PORTREUSE_INSPECT_NAMESPACES_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { NAMESPACE_PATH_SIZE = 256, NAMESPACE_NAME_SIZE = 64 };

struct namespace {
    char name[NAMESPACE_NAME_SIZE]; /* for people: `pid 4711`, `blue`, a path */
    char path[NAMESPACE_PATH_SIZE]; /* the file that stands for it; "" is the present one */
    uint64_t inode;                 /* by which two paths to one namespace are known */
};

/* The namespace that process `pid` is in; the one that `name` stands for, which is a path if it has
 * a slash, else a name of `ip netns`. Return 0 or an errno: ENOENT if there is none, EACCES
 * without the right to look at the process, EINVAL if the file is no network namespace. */
int namespaces_of_process(pid_t pid, struct namespace *place);
int namespaces_named(const char *name, struct namespace *place);

/* The present one. */
struct namespace namespaces_here(void);

/* Finds the namespaces that processes are in and those of `ip netns`, the present one first, each
 * once; at most `most`. `*unseen` is the number of processes whose namespace may not be known.
 * Returns how many there are. */
size_t namespaces_all(struct namespace *places, size_t most, unsigned *unseen);

/* Moves the calling process, which must have one thread, into the namespace: into the user
 * namespace that owns it too, where it takes that. Returns 0 or an errno: EPERM where it may not.
 */
int namespaces_join(const struct namespace *place);

#endif
