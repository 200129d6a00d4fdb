/* Each trial is made in a child process, as entering a namespace cannot be undone. */
#include "probe/capabilities.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/errnames.h"
#include "inspect/child.h"
#include "kernel/gvisor.h"
#include "kernel/sockdiag.h"
#include "kernel/sockopt.h"
#include "kernel/sysctl.h"

const char *const capabilities_sysctl[CAPABILITIES_SYSCTLS] = {
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ip_autobind_reuse",
    "net.ipv4.tcp_tw_reuse",
    "net.ipv4.tcp_tw_reuse_delay",
    "net.ipv4.tcp_timestamps",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_max_tw_buckets",
    "net.ipv4.tcp_rfc1337",
};

/* Returns a listener on a free port, so that there is something to list and to destroy; or -1. */
static int open_listener(void) {
    struct sockaddr_in any_port = {.sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener >= 0 && (bind(listener, (struct sockaddr *)&any_port, sizeof any_port) < 0 ||
                          listen(listener, 1) < 0)) {
        close(listener);
        return -1;
    }
    return listener;
}

struct own_listener {
    int fd;
    struct inet_socket socket;
    bool found;
};

static bool find_own(void *context, const struct inet_socket *socket) {
    struct own_listener *own = context;
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    if (getsockname(own->fd, (struct sockaddr *)&address, &size) < 0)
        return false;
    struct endpoint endpoint = endpoint_from_sockaddr(&address);
    own->found = endpoint_equal(&endpoint, &socket->local);
    own->socket = *socket;
    return !own->found;
}

/* Notes an errno that is no answer, but a want of memory, descriptors or processes. */
static void note(struct capabilities *found, int error) {
    if (found->error == 0 && (error == ECHILD || errno_says_nothing(error)))
        found->error = error;
}

static void probe_diag(struct capabilities *found) {
    int diag = sockdiag_open(NETNS_HERE);
    if (diag < 0)
        note(found, errno);
    struct own_listener own = {.fd = open_listener()};
    if (own.fd < 0)
        note(found, errno);
    struct diag_query query = sockdiag_query(1U << STATE_LISTEN);
    int error = diag >= 0 && own.fd >= 0 ? sockdiag_dump(diag, &query, find_own, &own) : 0;
    note(found, error);
    found->sock_diag = error == 0 && own.found;
    int bound = diag >= 0 ? sockdiag_sees_bound(diag, NETNS_HERE) : 0;
    if (bound < 0)
        note(found, errno);
    found->lists_bound = bound == 1;
    error = own.found ? sockdiag_destroy(diag, &own.socket) : ENOENT;
    note(found, error);
    found->destroys = error == 0;
    if (diag >= 0)
        close(diag);
    if (own.fd >= 0)
        close(own.fd);
}

/* A list of ports can be long. */
static void read_sysctl(struct capabilities *found, size_t index) {
    char *value = found->sysctls[index];
    note(found,
         sysctl_read(NETNS_HERE, capabilities_sysctl[index], value, sizeof found->sysctls[index]));
    if (strlen(value) == sizeof found->sysctls[index] - 1)
        strcpy(value + strlen(value) - strlen("..."), "...");
}

static void probe_present(void *data, FILE *more) {
    struct capabilities *found = data;
    const struct sockopt *option = sockopt_named("IP_LOCAL_PORT_RANGE");
    struct sockopt_value value = {.kind = SOCKOPT_PORTS, .low = 40000, .high = 40001};
    (void)more;
    int error = netns_try_ipv6(NETNS_HERE);
    found->ipv6 = error == 0;
    note(found, error);
    error = child_try_other_user();
    found->uids = error == 0;
    note(found, error);
    probe_diag(found);
    int any = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (any < 0)
        note(found, errno);
    error = any >= 0 ? sockopt_set(any, option, &value) : EBADF;
    found->port_range = error == 0;
    note(found, error);
    if (any >= 0)
        close(any);
    found->sysctls_writable = sysctl_obstacle() == NULL;
    for (size_t i = 0; i < CAPABILITIES_SYSCTLS; i++)
        read_sysctl(found, i);
}

static void probe_private(void *data, FILE *more) {
    struct capabilities *found = data;
    found->netns = netns_enter(found->netns_reason);
    if (!netns_is_none(found->netns) && !found->current)
        probe_present(found, more);
}

int capabilities_probe(bool current, struct capabilities *found, const char **what) {
    struct child child = {0};
    struct rlimit limit = {0};
    *found = (struct capabilities){.uid = (unsigned)geteuid(), .current = current};
    gvisor_uname(&found->kernel);
    getrlimit(RLIMIT_NOFILE, &limit);
    found->open_files = limit.rlim_cur;
    found->open_files_most = limit.rlim_max;
    int error = child_run(&child, probe_private, found, sizeof *found, NULL, what);
    found->current = current || netns_is_none(found->netns);
    if (error == 0 && found->current)
        error = child_run(&child, probe_present, found, sizeof *found, NULL, what);
    if (error != 0 || found->error == 0)
        return error;
    *what = "trying what is possible";
    return found->error;
}
