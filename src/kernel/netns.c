/* unshare(2), and what to say where it is refused.
 *
 * The ways in which surroundings refuse a namespace, as far as they are known:
 * - a seccomp filter answers EPERM (Docker's and Podman's default profiles allow unshare() of
 *   namespaces to CAP_SYS_ADMIN only), or ENOSYS;
 * - Ubuntu from 23.10 on lets an unprivileged process make a user namespace, but takes the
 *   capabilities in it away (kernel.apparmor_restrict_unprivileged_userns=1);
 * - Debian's and others' kernels have kernel.unprivileged_userns_clone, 0 refuses with EPERM;
 * - user.max_user_namespaces and user.max_net_namespaces refuse with ENOSPC (namespaces(7));
 * - in a chroot no user namespace can be made: EPERM (user_namespaces(7));
 * - a kernel without CONFIG_NET_NS or CONFIG_USER_NS answers EINVAL.
 */
#include "kernel/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/errnames.h"
#include "kernel/netdev.h"

/* The first line of a file, or "" if it cannot be read. */
static void read_line(const char *path, char *line, size_t size) {
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = file < 0 ? 0 : read(file, line, size - 1);
    line[length > 0 ? length : 0] = '\0';
    line[strcspn(line, "\n")] = '\0';
    if (file >= 0)
        close(file);
}

static bool file_says(const char *path, const char *value) {
    char line[32];
    read_line(path, line, sizeof line);
    return strcmp(line, value) == 0;
}

static bool seccomp_filtered(void) {
    char status[4096];
    int file = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    ssize_t length = file < 0 ? 0 : read(file, status, sizeof status - 1);
    status[length > 0 ? length : 0] = '\0';
    if (file >= 0)
        close(file);
    return strstr(status, "\nSeccomp:\t2") != NULL;
}

/* What refuses it, as far as can be known, and what a person can do about it. */
static const char *explanation(int error) {
    if (file_says("/proc/sys/user/max_user_namespaces", "0"))
        return "user.max_user_namespaces is 0: run as root, or set it to 1000";
    if (file_says("/proc/sys/user/max_net_namespaces", "0"))
        return "user.max_net_namespaces is 0: set it to 1000";
    if (error == ENOSPC)
        return "a limit is reached: raise user.max_user_namespaces and user.max_net_namespaces";
    if (file_says("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1"))
        return "AppArmor refuses it: run with sudo, or set "
               "kernel.apparmor_restrict_unprivileged_userns=0";
    if (file_says("/proc/sys/kernel/unprivileged_userns_clone", "0"))
        return "kernel.unprivileged_userns_clone is 0: run with sudo, or set it to 1";
    if (seccomp_filtered())
        return "a seccomp filter refuses it: run the container with --cap-add=SYS_ADMIN or "
               "--security-opt seccomp=unconfined, or use --net=current";
    if (error == EINVAL || error == ENOSYS)
        return "this kernel has none: use --net=current";
    return "it is not permitted, as in a chroot: run as root, or use --net=current";
}

static enum netns_kind refused(const char *what, int error, char *reason) {
    char name[ERRNAME_SIZE];
    snprintf(reason, NETNS_REASON_SIZE, "no private namespace, %s (%s: %s)", explanation(error),
             what, errname(error, name));
    return NETNS_REFUSED;
}

/* Returns 0 or an errno. */
static int write_file(const char *path, const char *text) {
    int file = open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0)
        return errno;
    int error = write(file, text, strlen(text)) < 0 ? errno : 0;
    close(file);
    return error;
}

/* Makes the user who was `uid` and `gid` outside user 0 of the new namespace. Returns 0 or an
 * errno. Where there is no /proc, nobody is mapped, and that does no harm: the capabilities are
 * there. */
static int map_user(uid_t uid, gid_t gid) {
    char map[32];
    int error = write_file("/proc/self/setgroups", "deny");
    if (error == ENOENT)
        return 0;
    if (error != 0)
        return error;
    snprintf(map, sizeof map, "0 %u 1", (unsigned)gid);
    error = write_file("/proc/self/gid_map", map);
    if (error != 0)
        return error;
    snprintf(map, sizeof map, "0 %u 1", (unsigned)uid);
    return write_file("/proc/self/uid_map", map);
}

/* Returns 0, or the errno of the call that `*what` then names. */
static int enter_as_root(const char **what) {
    *what = "unshare(CLONE_NEWNET)";
    if (unshare(CLONE_NEWNET) < 0)
        return errno;
    *what = "taking the interface lo up";
    return netdev_raise("lo");
}

static int enter_with_user(const char **what) {
    uid_t uid = geteuid();
    gid_t gid = getegid();
    *what = "unshare(CLONE_NEWUSER | CLONE_NEWNET)";
    if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
        return errno;
    *what = "writing /proc/self/uid_map";
    int error = map_user(uid, gid);
    if (error != 0)
        return error;
    *what = "taking the interface lo up";
    return netdev_raise("lo");
}

enum netns_kind netns_enter(char *reason) {
    const char *what;
    int error = enter_as_root(&what);
    if (error == 0)
        return NETNS_AS_ROOT;
    if (error == EPERM && (error = enter_with_user(&what)) == 0)
        return NETNS_WITH_USER;
    return refused(what, error, reason);
}

bool netns_has_ipv6(void) {
    struct sockaddr_in6 loopback = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int any = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (any < 0)
        return false;
    bool works = bind(any, (struct sockaddr *)&loopback, sizeof loopback) == 0;
    close(any);
    return works;
}

bool netns_has_uids(void) {
    const uid_t other = 65534; /* nobody, by long custom */
    pid_t child = fork();
    if (child == 0)
        _exit(setresuid(other, other, other) == 0 ? 0 : 1);
    int status = 0;
    pid_t ended;
    do
        ended = child < 0 ? -1 : waitpid(child, &status, 0);
    while (ended < 0 && errno == EINTR);
    return ended == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
