/* One dump has the inodes of all sockets that the kernel lists; what is behind a descriptor and not
 * among these is bound and idle, or no TCP socket at all. */
#include "inspect/bound.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"
#include "kernel/process.h"
#include "kernel/socket.h"

struct search {
    struct table known; /* owns: inodes, of the sockets that are listed or were asked */
    uint16_t port;
    sockdiag_visit *visit;
    void *context;
    bool more;
    unsigned unseen;
    pid_t pid; /* the process that is looked into */
    bool denied;
};

static bool add_listed(void *context, const struct inet_socket *socket) {
    struct search *search = context;
    bool is_new;
    if (socket->inode != 0)
        table_add(&search->known, &socket->inode, &is_new);
    return true;
}

/* Describes a borrowed socket as the kernel would list it. */
static struct inet_socket describe(int fd) {
    struct socket_view view = {0};
    uint64_t cookie = 0;
    socklen_t size = sizeof cookie;
    socket_look(&view, fd);
    struct inet_socket socket = {.state = STATE_BOUND,
                                 .local = view.local,
                                 .remote = endpoint_wildcard(view.family, 0),
                                 .inode = view.inode,
                                 .uid = view.uid,
                                 .interface = view.interface,
                                 .v6only = view.v6only,
                                 .v6only_known = view.family == AF_INET6};
    if (getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size) == 0) {
        socket.cookie[0] = (uint32_t)cookie;
        socket.cookie[1] = (uint32_t)(cookie >> 32);
    }
    return socket;
}

static bool ask(void *context, uint32_t inode, int fd) {
    struct search *search = context;
    bool is_new = true;
    if (table_find(&search->known, &inode) != NULL)
        return true;
    int copy = process_borrow(search->pid, fd, inode);
    if (copy < 0) {
        search->denied |= errno == EPERM || errno == ENOSYS;
        return true;
    }
    table_add(&search->known, &inode, &is_new);
    if (socket_is_idle_tcp(copy)) {
        struct inet_socket socket = describe(copy);
        if (socket.local.port != 0 && socket.local.port == search->port)
            search->more = search->visit(search->context, &socket);
    }
    close(copy);
    return search->more;
}

static bool look_into(void *context, pid_t pid) {
    struct search *search = context;
    if (process_in_namespace(pid) != 1)
        return true;
    search->pid = pid;
    search->denied = false;
    int error = process_sockets(pid, UINT_MAX, ask, search);
    search->unseen += search->denied || error == EACCES || error == EPERM;
    return search->more;
}

unsigned bound_find(int diag, uint16_t port, sockdiag_visit *visit, void *context) {
    struct search search = {.known = {.entry_size = sizeof(uint32_t), .key_size = sizeof(uint32_t)},
                            .port = port,
                            .visit = visit,
                            .context = context,
                            .more = true};
    struct diag_query query = sockdiag_query(STATES_ANY & ~(1U << STATE_BOUND));
    if (sockdiag_dump(diag, &query, add_listed, &search) != 0 ||
        process_each(look_into, &search) != 0)
        search.unseen++;
    table_free(&search.known);
    return search.unseen;
}
