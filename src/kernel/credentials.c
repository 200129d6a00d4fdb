/* /proc/PID/status shows the ids as the user namespace of the reader has them: so the namespace is
 * joined first. */
#include "kernel/credentials.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/memory.h"
#include "kernel/process.h"

enum { MOST_GROUPS = NGROUPS_MAX };

struct credentials {
    uid_t uid; /* effective, as of the group */
    gid_t gid;
    gid_t *groups; /* owned: room for MOST_GROUPS */
    size_t group_count;
    uint64_t capabilities; /* the effective ones */
};

/* --- reading --- */

/* Returns what follows `name` on its line, or NULL. */
static const char *line_of(const char *status, const char *name) {
    const char *found = strstr(status, name);
    return found == NULL ? NULL : found + strlen(name);
}

/* The line has the real id, the effective one and more. */
static bool read_id(const char *status, const char *name, unsigned *effective) {
    const char *line = line_of(status, name);
    char *end;
    if (line == NULL)
        return false;
    strtoul(line, &end, 10);
    *effective = (unsigned)strtoul(end, NULL, 10);
    return true;
}

static void read_groups(const char *status, struct credentials *found) {
    const char *line = line_of(status, "\nGroups:");
    if (line == NULL)
        return;
    size_t size = strcspn(line, "\n");
    const char *end = line + size;
    while (found->group_count < MOST_GROUPS) {
        char *after;
        line += strspn(line, " \t");
        if (line >= end)
            return;
        found->groups[found->group_count++] = (gid_t)strtoul(line, &after, 10);
        if (after == line)
            return;
        line = after;
    }
}

static int parse_credentials(const char *status, struct credentials *found) {
    const char *capabilities = line_of(status, "\nCapEff:");
    if (!read_id(status, "\nUid:", &found->uid) || !read_id(status, "\nGid:", &found->gid) ||
        capabilities == NULL)
        return EPROTO;
    found->capabilities = strtoull(capabilities, NULL, 16);
    read_groups(status, found);
    return 0;
}

static int read_credentials(pid_t pid, struct credentials *found) {
    char *status;
    *found = (struct credentials){.groups = memory_zeroed(MOST_GROUPS, sizeof *found->groups)};
    bool read = process_read_all(pid, "status", &status) >= 0;
    int error = read ? parse_credentials(status, found) : errno;
    free(status);
    return error;
}

/* --- taking --- */

/* Joins the user namespace of the process, if it is another one. */
static int join_user_namespace(pid_t pid) {
    char path[64];
    struct stat theirs, ours;
    snprintf(path, sizeof path, "/proc/%d/ns/user", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno;
    int error = 0;
    if (fstat(fd, &theirs) == 0 && stat("/proc/self/ns/user", &ours) == 0 &&
        theirs.st_ino != ours.st_ino && setns(fd, CLONE_NEWUSER) < 0)
        error = errno;
    close(fd);
    return error;
}

static bool same_groups(const struct credentials *wanted) {
    gid_t *mine = memory_zeroed(MOST_GROUPS, sizeof *mine);
    int count = getgroups(MOST_GROUPS, mine);
    bool same = count == (int)wanted->group_count &&
                memcmp(mine, wanted->groups, wanted->group_count * sizeof *mine) == 0;
    free(mine);
    return same;
}

/* The real and the saved ids stay ours: a process with those of the other user could be stopped and
 * killed by that user (kill(2)), as long as we wait for it. No check of bind() or connect() looks
 * at them. */
static int set_ids(const struct credentials *wanted) {
    if (!same_groups(wanted) && setgroups(wanted->group_count, wanted->groups) < 0)
        return errno;
    const gid_t own_gid = (gid_t)-1;
    const uid_t own_uid = (uid_t)-1;
    if (setresgid(own_gid, wanted->gid, own_gid) < 0 ||
        setresuid(own_uid, wanted->uid, own_uid) < 0)
        return errno;
    return 0;
}

static int set_capabilities(uint64_t wanted) {
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
    if (syscall(SYS_capget, &head, data) < 0)
        return errno;
    for (unsigned i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
        uint32_t kept = data[i].permitted & (uint32_t)(wanted >> (32 * i));
        data[i] = (struct __user_cap_data_struct){.effective = kept, .permitted = kept};
    }
    return syscall(SYS_capset, &head, data) < 0 ? errno : 0;
}

/* --- files --- */

static bool same_file(const char *theirs, const char *ours) {
    struct stat one, other;
    return stat(theirs, &one) == 0 && stat(ours, &other) == 0 && one.st_dev == other.st_dev &&
           one.st_ino == other.st_ino;
}

bool credentials_share_files(pid_t pid) {
    char root[64], mounts[64];
    snprintf(root, sizeof root, "/proc/%d/root", (int)pid);
    snprintf(mounts, sizeof mounts, "/proc/%d/ns/mnt", (int)pid);
    return same_file(mounts, "/proc/self/ns/mnt") && same_file(root, "/");
}

static int open_directory(pid_t pid, const char *name) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* The working directory lies below the root: it is opened first, and entered last. */
static int take_files(pid_t pid) {
    bool same_root = credentials_share_files(pid);
    int directory = open_directory(pid, "cwd");
    int root = directory < 0 || same_root ? -1 : open_directory(pid, "root");
    int error = directory < 0 || (root < 0 && !same_root) ? errno : 0;
    if (error == 0 && !same_root && (fchdir(root) < 0 || chroot(".") < 0))
        error = errno;
    if (error == 0 && fchdir(directory) < 0)
        error = errno;
    if (directory >= 0)
        close(directory);
    if (root >= 0)
        close(root);
    return error;
}

/* --- the whole --- */

/* Without PR_SET_KEEPCAPS, a change of the user id drops the capabilities. */
static int become(const struct credentials *wanted) {
    if (prctl(PR_SET_KEEPCAPS, 1L, 0L, 0L, 0L) < 0)
        return errno;
    int error = set_ids(wanted);
    return error != 0 ? error : set_capabilities(wanted->capabilities);
}

int credentials_take(pid_t pid, bool files) {
    struct credentials wanted = {0};
    int error = join_user_namespace(pid);
    if (error == 0)
        error = read_credentials(pid, &wanted);
    if (error == 0 && files) /* /proc is another one then */
        error = take_files(pid);
    if (error == 0)
        error = become(&wanted);
    free(wanted.groups);
    return error;
}
