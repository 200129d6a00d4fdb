/* The names of control groups that are known by their ids, as sock_diag(7) gives them. */
#ifndef PORTREUSE_INSPECT_CGROUP_H
#define PORTREUSE_INSPECT_CGROUP_H

#include <stddef.h>
#include <stdint.h>

enum { CGROUP_PATH_SIZE = 512, CGROUP_UNIT_SIZE = 256 };

struct cgroup {
    uint64_t id;                 /* set by the caller */
    char path[CGROUP_PATH_SIZE]; /* below the root, "/system.slice/nginx.service"; the end of it, if
                                    it is long; "" if there is no such group, or it cannot be seen
                                    from here */
    char unit[CGROUP_UNIT_SIZE]; /* the unit or container that this is, as in struct owner; or "" */
};

/* Finds `count` control groups. Reads /proc/self/mountinfo and walks over the folders of cgroup v2,
 * which need not be mounted at /sys/fs/cgroup. */
void cgroup_find(struct cgroup *groups, size_t count);

/* The same below one folder, where the hierarchy is mounted; for the tests. */
void cgroup_find_below(const char *mount, struct cgroup *groups, size_t count);

#endif
