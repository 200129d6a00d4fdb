/* The text and the JSON of a socket, an endpoint and a process, for every report. Nothing here ends
 * a line, and all text from outside is made safe to print (base/text.h). */
#ifndef PORTREUSE_REPORT_SHARED_SOCKETS_H
#define PORTREUSE_REPORT_SHARED_SOCKETS_H

#include <stdio.h>

#include "inspect/owner.h"
#include "inspect/owners.h"
#include "inspect/server.h"
#include "model/socket.h"
#include "report/shared/json.h"

/* Writes an endpoint; returns `text`, which has ENDPOINT_TEXT_SIZE bytes. */
typedef const char *sockets_endpoint(const void *context, const struct endpoint *endpoint,
                                     char *text);

/* Prints `LISTEN 127.0.0.1:80`, `ESTABLISHED 127.0.0.1:80 to 127.0.0.1:4000`, `UDP UNCONN
 * 0.0.0.0:53`, or of a Unix socket `Unix LISTEN, 0 waiting, backlog 128`. `write` writes the
 * endpoints, or of a Unix socket its name; NULL: as endpoint_text() does. */
void sockets_print(FILE *out, const struct inet_socket *socket, sockets_endpoint *write,
                   const void *context);

/* Prints `, 59 s left` of a socket in TIME-WAIT, or in FIN-WAIT-2 without a process, and nothing of
 * others. */
void sockets_print_time_left(FILE *out, const struct inet_socket *socket);

/* Prints `pid 4711, www-data, nginx.service: nginx -g daemon off;` where `column` columns of the
 * line are used already. If that is wider than 80 columns, it leaves out the arguments of the
 * command, then the unit, then the user; then the program has the name that the kernel has for it,
 * which is short. */
void sockets_print_process(FILE *out, const struct owner *owner, unsigned column);

/* Prints the name of the program: owner_program(). */
void sockets_print_program(FILE *out, const struct owner *owner);

/* How much of a server is named. */
enum sockets_extent {
    SOCKETS_WITH_UNIT, /* `nginx (4711) and 2 workers of nginx.service` */
    SOCKETS_PROGRAM,   /* `nginx (4711) and 2 workers` */
    SOCKETS_PID,       /* `pid 4711`, `2 orphaned workers (4711)` */
};

/* Prints what has a socket, as the subject of a sentence, like above; `2 orphaned workers of nginx
 * (4712)`, `cups.socket (systemd)`, `app.py (4711, stopped)`. Without a process it is `a
 * process of root`, by the user of the socket, or `another process`. */
void sockets_print_occupant(FILE *out, const struct server *server, const struct owners *owners,
                            uint32_t uid, enum sockets_extent extent);

enum { SOCKETS_UNSEEN_SIZE = 160 };

/* Writes that `unseen` processes could not be searched, and what to do, to `text` of
 * SOCKETS_UNSEEN_SIZE bytes, and returns it. `by_root`: root has asked. */
const char *sockets_unseen_text(unsigned unseen, bool by_root, char *text);

/* Returns whether what sockets_print_occupant() prints is a plural. */
bool sockets_is_plural(const struct server *server);

/* Prints the details of a server, each on a line of its own behind `indent` blanks: its processes
 * and the command of the main one, who started it, and what is unusual about it. */
void sockets_print_server(FILE *out, const struct server *server, const struct owners *owners,
                          uint32_t uid, unsigned indent);

/* Writes an endpoint, or null for one without a family. */
void sockets_json_endpoint(struct json *json, const char *key, const struct endpoint *endpoint);

/* Writes the members of an object: protocol, state, local, remote (null: none), uid, inode, and in
 * TIME-WAIT time_left_ms. `name` is what stands for the endpoint of a Unix socket, or NULL. */
void sockets_json(struct json *json, const struct inet_socket *socket, const char *name);

/* Writes the members of an object: pid, fd (null: not known), uid, user (null: not known), name,
 * program, command, unit (null: none). */
void sockets_json_process(struct json *json, const struct owner *owner);

/* Writes an object, or null if no process is known: shape, program, pid, workers, heirs, stopped,
 * waiting, keeper (null: none), chain, stop. */
void sockets_json_server(struct json *json, const char *key, const struct server *server);

#endif
