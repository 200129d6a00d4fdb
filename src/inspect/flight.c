/* The kernel counts them for each Unix socket, in /proc/PID/fdinfo (unix_show_fdinfo() in
 * net/unix/af_unix.c). Only those are read that have something in their queue, by unix_diag; of a
 * datagram socket that shows the size of the first message, which can be empty. */
#include "inspect/flight.h"

#include <sys/socket.h>

#include "kernel/process.h"
#include "kernel/sockets.h"

struct search {
    const struct census *census;
    pid_t found;
};

static bool look_at(void *context, const struct unix_socket *socket) {
    struct search *search = context;
    if (socket->receive_queue == 0 && socket->type != SOCK_DGRAM)
        return true;
    const struct census_place *place = census_find(search->census, socket->inode);
    for (; place != NULL; place = census_next(search->census, place))
        if (process_awaited_descriptors(place->pid, place->thread, place->fd) > 0)
            search->found = place->pid;
    return search->found == 0;
}

pid_t flight_receiver(const struct census *census) {
    struct search search = {.census = census};
    struct sockets sockets = sockets_open(NETNS_HERE);
    sockets_dump_unix(&sockets, look_at, &search);
    sockets_close(&sockets);
    return search.found;
}
