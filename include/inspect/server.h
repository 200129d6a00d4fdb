/* The processes that have a socket open, as one server: a master and its workers, or what
 * remained of them, or a program that got the socket by accident; who started it, and the commands
 * that really free the port. */
#ifndef PORTREUSE_INSPECT_SERVER_H
#define PORTREUSE_INSPECT_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "inspect/keeper.h"
#include "inspect/owners.h"
#include "model/socket.h"

enum server_shape {
    SERVER_NOT_FOUND,   /* no process is known to have the socket; struct owners says why */
    SERVER_ONE,         /* one process, or one with its workers */
    SERVER_ORPHANS,     /* workers; the process that started them is gone */
    SERVER_LEAK,        /* only programs that inherited the socket and do not know of it */
    SERVER_SOCKET_UNIT, /* systemd listens, for a .socket unit */
    SERVER_SEVERAL,     /* processes of which nothing shows how they belong together */
};

/* A process of the chain that started the server. */
struct server_link {
    pid_t pid;
    char program[OWNER_PROGRAM_SIZE];
};

enum { SERVER_LINKS = 6 };

struct server {
    enum server_shape shape;
    struct owner
        main; /* the process to name: the master, the oldest worker, the one with the leak */
    unsigned workers;  /* the other processes of its program */
    unsigned heirs;    /* processes of other programs that only inherited the socket: */
    struct owner heir; /* the oldest of them, if `shape` is not SERVER_LEAK */
    bool stopped;      /* it is stopped (SIGSTOP, Ctrl-Z, a debugger): it does not end by SIGTERM */
    bool parent_alive; /* SERVER_LEAK: the parent of the process lives; it has no part in this */
    uint32_t waiting;  /* connections that nobody has accepted yet */
    struct keeper keeper;
    struct stops stops; /* the commands that free the port: all of them are needed, in this order,
                           but for those after a command that `asks` */
    struct server_link
        chain[SERVER_LINKS]; /* who started it: from the first process to its parent */
    unsigned chain_count;
    bool chain_shortened; /* some between the first and the second are left out */
};

/* A socket, and the processes that have it. */
struct server_socket {
    const struct owners *owners;
    const struct inet_socket *socket;
};

enum { SERVER_SOCKETS = 64 };

/* Describes what has each of the sockets, at most SERVER_SOCKETS. Those whose processes belong
 * together, as the workers of one master do that have a socket each (SO_REUSEPORT), get the same
 * description. Reads /proc. */
void server_describe(const struct server_socket *sockets, size_t count, struct server *servers);

/* Returns whether a process adopts those whose parent has ended. */
bool server_adopts(const struct owner *owner);

#endif
