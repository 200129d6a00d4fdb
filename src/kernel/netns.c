/* Acting in a namespace is setns(2) there and back around a single call. A new namespace is
 * unshare(2); most of that part explains a refusal. Known reasons for a refusal:
 * - a seccomp filter answers EPERM (the default profiles of Docker and Podman allow unshare() of
 *   namespaces only with CAP_SYS_ADMIN), or ENOSYS;
 * - Ubuntu since 23.10 lets an unprivileged process make a user namespace, but removes its
 *   capabilities there (kernel.apparmor_restrict_unprivileged_userns=1);
 * - kernels of Debian and others have kernel.unprivileged_userns_clone; 0 refuses with EPERM;
 * - user.max_user_namespaces and user.max_net_namespaces refuse with ENOSPC (namespaces(7));
 * - no user namespace can be made in a chroot: EPERM (user_namespaces(7));
 * - a kernel without CONFIG_NET_NS or CONFIG_USER_NS answers EINVAL.
 */
#include "kernel/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/errnames.h"
#include "base/file.h"
#include "base/units.h"
#include "kernel/process.h"

/* --- acting in a namespace --- */

/* Moves this thread into the namespace. Returns 0, and in `*back` what netns_return() needs; or an
 * errno. */
static int netns_go(struct netns ns, int *back) {
    *back = -1;
    if (ns.fd < 0)
        return 0;
    *back = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    if (*back < 0)
        return errno;
    if (setns(ns.fd, CLONE_NEWNET) == 0)
        return 0;
    int error = errno;
    close(*back);
    return error;
}

/* Returns to where netns_go() was called. Whatever the process did next would be done in the wrong
 * namespace if that failed, so it ends here. */
static void netns_return(int back) {
    int error = errno;
    if (back < 0)
        return;
    if (setns(back, CLONE_NEWNET) < 0)
        abort();
    close(back);
    errno = error;
}

int netns_socket(struct netns ns, int family, int type, int protocol) {
    int back, error = netns_go(ns, &back);
    if (error != 0) {
        errno = error;
        return -1;
    }
    int fd = socket(family, type | SOCK_CLOEXEC, protocol);
    netns_return(back);
    return fd;
}

int netns_open(struct netns ns, const char *path, int flags) {
    int back, error = netns_go(ns, &back);
    if (error != 0) {
        errno = error;
        return -1;
    }
    int fd = open(path, flags | O_CLOEXEC);
    netns_return(back);
    return fd;
}

/* Returns whether the interface is up already: gVisor has none that is not, and does not know
 * SIOCSIFFLAGS (ENOTTY). */
static bool is_up(int any, struct ifreq request) {
    return ioctl(any, SIOCGIFFLAGS, &request) == 0 && (request.ifr_flags & IFF_UP) != 0;
}

int netns_raise(struct netns ns, const char *device) {
    struct ifreq request = {.ifr_flags = IFF_UP};
    strncpy(request.ifr_name, device, sizeof request.ifr_name - 1);
    int any = netns_socket(ns, AF_INET, SOCK_DGRAM, 0);
    if (any < 0)
        return errno;
    int error = ioctl(any, SIOCSIFFLAGS, &request) < 0 ? errno : 0;
    if (error == ENOTTY && is_up(any, request))
        error = 0;
    close(any);
    return error;
}

/* Where bind() finds no port that is left, it has found the address. */
int netns_try_ipv6(struct netns ns) {
    struct sockaddr_in6 loopback = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int any = netns_socket(ns, AF_INET6, SOCK_STREAM, 0);
    if (any < 0)
        return errno;
    int error = bind(any, (struct sockaddr *)&loopback, sizeof loopback) < 0 ? errno : 0;
    close(any);
    return error == EADDRINUSE ? 0 : error;
}

bool netns_has_ipv6(struct netns ns) {
    int error = netns_try_ipv6(ns);
    return error == 0 || errno_says_nothing(error);
}

/* --- a new namespace: why it is refused --- */

/* Returns whether the first line of the file is this value. */
static bool file_says(const char *path, const char *value) {
    char line[32];
    file_read(path, line, sizeof line);
    line[strcspn(line, "\n")] = '\0';
    return strcmp(line, value) == 0;
}

/* What refused it, as far as can be known, and what to do about it. */
static const char *explanation(int error) {
    if (file_says("/proc/sys/user/max_user_namespaces", "0"))
        return "user.max_user_namespaces is 0: run as root, or set it to 1000";
    if (file_says("/proc/sys/user/max_net_namespaces", "0"))
        return "user.max_net_namespaces is 0: set it to 1000";
    if (error == ENOSPC)
        return "a limit was reached: raise user.max_user_namespaces and user.max_net_namespaces";
    if (file_says("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1"))
        return "AppArmor refuses it: run with sudo, or set "
               "kernel.apparmor_restrict_unprivileged_userns=0";
    if (file_says("/proc/sys/kernel/unprivileged_userns_clone", "0"))
        return "kernel.unprivileged_userns_clone is 0: run with sudo, or set it to 1";
    if (process_status(getpid(), "Seccomp") == 2)
        return "a seccomp filter refuses it: run the container with --cap-add=SYS_ADMIN or "
               "--security-opt seccomp=unconfined, or use --net=current";
    if (error == EINVAL || error == ENOSYS)
        return "this kernel does not support it: use --net=current";
    return "it is not permitted, as in a chroot: run as root, or use --net=current";
}

static enum netns_kind refused(const char *what, int error, char *reason) {
    char name[ERRNAME_SIZE];
    if (errno_says_nothing(error)) {
        snprintf(reason, NETNS_REASON_SIZE, "%s: %s (no private namespace)", what,
                 errname(error, name));
        return NETNS_FAILED;
    }
    snprintf(reason, NETNS_REASON_SIZE, "no private namespace, %s (%s: %s)", explanation(error),
             what, errname(error, name));
    return NETNS_REFUSED;
}

bool netns_is_none(enum netns_kind kind) {
    return kind == NETNS_REFUSED || kind == NETNS_FAILED;
}

/* --- a new namespace: making it --- */

/* Returns 0 or an errno. */
static int write_file(const char *path, const char *text) {
    return file_write_open(open(path, O_WRONLY | O_CLOEXEC), text);
}

/* Maps the user and group who are `uid` and `gid` outside to those numbers in the new namespace.
 * Returns 0 or an errno. Without /proc nobody is mapped, which does no harm: the capabilities are
 * there. */
static int map_user(uid_t uid, gid_t gid, uid_t uid_inside, gid_t gid_inside) {
    char map[32];
    int error = write_file("/proc/self/setgroups", "deny");
    if (error == ENOENT)
        return 0;
    if (error != 0)
        return error;
    snprintf(map, sizeof map, "%u %u 1", (unsigned)gid_inside, (unsigned)gid);
    error = write_file("/proc/self/gid_map", map);
    if (error != 0)
        return error;
    snprintf(map, sizeof map, "%u %u 1", (unsigned)uid_inside, (unsigned)uid);
    return write_file("/proc/self/uid_map", map);
}

/* The kernel frees a namespace some time after the last process has left it, and counts it until
 * then (cleanup_net()). So a limit that seems to be reached is given two seconds, unless it is
 * zero.
 */
enum { FREEING_MS = 2000, FREEING_PAUSE_MS = 5 };

static bool may_be_freed(uint64_t end_ns) {
    const struct timespec pause = {.tv_nsec = (long)FREEING_PAUSE_MS * NS_PER_MS};
    if (units_now_ns() >= end_ns || file_says("/proc/sys/user/max_user_namespaces", "0") ||
        file_says("/proc/sys/user/max_net_namespaces", "0"))
        return false;
    nanosleep(&pause, NULL);
    return true;
}

/* Returns 0 or an errno. */
static int make(int kinds) {
    uint64_t end_ns = units_now_ns() + (uint64_t)FREEING_MS * NS_PER_MS;
    while (unshare(kinds) < 0) {
        int error = errno;
        if (error != ENOSPC || !may_be_freed(end_ns))
            return error;
    }
    return 0;
}

/* Both return 0, or an errno of the call that `*what` then names. */
static int enter_as_root(const char **what) {
    *what = "unshare(CLONE_NEWNET)";
    int error = make(CLONE_NEWNET);
    if (error != 0)
        return error;
    *what = "setting the interface lo up";
    return netns_raise(NETNS_HERE, "lo");
}

static int enter_with_user(bool as_self, const char **what) {
    uid_t uid = geteuid();
    gid_t gid = getegid();
    *what = "unshare(CLONE_NEWUSER | CLONE_NEWNET)";
    int error = make(CLONE_NEWUSER | CLONE_NEWNET);
    if (error != 0)
        return error;
    *what = "writing /proc/self/uid_map";
    error = map_user(uid, gid, as_self ? uid : 0, as_self ? gid : 0);
    if (error != 0)
        return error;
    *what = "setting the interface lo up";
    return netns_raise(NETNS_HERE, "lo");
}

static enum netns_kind enter(bool as_self, char *reason) {
    const char *what;
    int error = enter_as_root(&what);
    if (error == 0)
        return NETNS_AS_ROOT;
    if (error == EPERM && (error = enter_with_user(as_self, &what)) == 0)
        return NETNS_WITH_USER;
    return refused(what, error, reason);
}

enum netns_kind netns_enter(char *reason) {
    return enter(false, reason);
}

enum netns_kind netns_enter_as_self(char *reason) {
    return enter(true, reason);
}

/* --- several of them --- */

int netns_keep(struct netns *here) {
    here->fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    return here->fd < 0 ? errno : 0;
}

int netns_join(struct netns ns) {
    return setns(ns.fd, CLONE_NEWNET) < 0 ? errno : 0;
}

int netns_make(struct netns *made) {
    const char *what;
    int error = enter_as_root(&what);
    return error != 0 ? error : netns_keep(made);
}
