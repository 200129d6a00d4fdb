/* What keeps a server running and would start it again: a unit of systemd, a supervisor, a
 * container engine; and the commands that stop it there. */
#ifndef PORTREUSE_INSPECT_KEEPER_H
#define PORTREUSE_INSPECT_KEEPER_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "inspect/owner.h"
#include "model/socket.h"

/* --- commands --- */

enum { STOP_LINE_SIZE = 512, STOP_PRICE_SIZE = 160, STOP_COMMANDS = 4 };

/* A command to paste into a shell. What it contains from outside is quoted. */
struct stop {
    char line[STOP_LINE_SIZE];
    bool root; /* it needs root, or the user that the process belongs to */
    bool asks; /* it does not stop anything, but shows what has to be known for that */
    char price[STOP_PRICE_SIZE]; /* what else it does, as a sentence; or "" */
};

/* Some commands, the best first. */
struct stops {
    struct stop list[STOP_COMMANDS];
    unsigned count;
};

/* Adds a command and returns it, or a place that nobody reads if there is no room. */
struct stop *stops_add(struct stops *stops, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Writes a word for the shell to `quoted` of `size` bytes: in quotes, if it needs them. Returns
 * false, with "", if it does not fit or has control characters: then it must not be pasted. */
bool stop_quote(const char *word, char *quoted, size_t size);

/* --- keepers --- */

enum keeper_kind {
    KEEPER_NONE,
    KEEPER_SERVICE,      /* of systemd */
    KEEPER_USER_SERVICE, /* of the systemd of a user */
    KEEPER_SOCKET_UNIT,  /* systemd itself listens, and starts a service for a connection */
    KEEPER_SUPERVISORD,
    KEEPER_RUNIT,
    KEEPER_S6,
    KEEPER_DAEMONTOOLS,
    KEEPER_OPENRC, /* supervise-daemon(8) */
    KEEPER_PM2,
    KEEPER_MONIT,
    KEEPER_DOCKER,
    KEEPER_PODMAN,
    KEEPER_CONTAINER, /* of containerd */
    KEEPER_POD,       /* Kubernetes */
    KEEPER_LXC,
    KEEPER_MACHINE, /* systemd-nspawn, a virtual machine */
};

enum { KEEPER_NAME_SIZE = 256 };

struct keeper {
    enum keeper_kind kind;
    pid_t pid;     /* the supervisor, where it is an ancestor of the server; else 0 */
    bool forwards; /* the server only forwards the port to a container, which `name` is the address,
                      or the name, of */
    char name[KEEPER_NAME_SIZE]; /* the unit, the program, the container; "" if it is not known */
};

/* Finds what keeps `server` running, which has this socket, given its ancestors, the nearest first,
 * and adds the commands that stop it there. */
struct keeper keeper_of(const struct owner *server, const struct owner *ancestors, size_t count,
                        const struct inet_socket *socket, struct stops *stops);

/* Returns the keeper's name for people, static: "systemd", "supervisord". */
const char *keeper_kind_name(enum keeper_kind kind);

/* Finds the .socket unit with a ListenStream= of this port in the folders, which end with NULL, and
 * writes its name to `unit`, of KEEPER_NAME_SIZE bytes. Returns false, with "", if there is none or
 * more than one. */
bool keeper_socket_unit(const char *const *folders, uint16_t port, char *unit);

#endif
