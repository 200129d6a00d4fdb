/* What a person typed or pasted: a port, an address, a URL, a path, or the error line of a program.
 *
 * This only reads text. Names of hosts and services stay names; target.h looks them up. */
#ifndef PORTREUSE_CMD_TYPED_H
#define PORTREUSE_CMD_TYPED_H

#include <stdbool.h>
#include <stddef.h>

enum typed_protocol { TYPED_ANY_PROTOCOL, TYPED_TCP, TYPED_UDP, TYPED_UNIX };

enum { TYPED_HOST_SIZE = 256, TYPED_PORT_SIZE = 32, TYPED_PATH_SIZE = 109, TYPED_ERROR_SIZE = 160 };

struct typed {
    enum typed_protocol protocol;
    int family;                 /* AF_INET or AF_INET6 if the text says so (tcp4, udp6), else 0 */
    char host[TYPED_HOST_SIZE]; /* a name or an address with its %zone, without brackets; "" or "*"
                                   if the text names none */
    char port[TYPED_PORT_SIZE]; /* a number or the name of a service; "" if the text has none */
    char path[TYPED_PATH_SIZE]; /* TYPED_UNIX: the path, or the abstract name after `@` */
    bool connects;              /* the line is about connect(): the address is the remote one */
    int error;                  /* the errno that the line reports, or 0 */
    bool pasted;                /* found in a line of text, and not typed by itself */
};

/* Reads one word, as typed on a command line: `8080`, `:http`, `localhost:8080`, `udp/53`,
 * `53/udp`, `tcp://HOST:PORT`, a URL, `:::3000`, `*:3000`, `[fe80::1%eth0]:80`, `/run/x.sock`,
 * `unix:PATH`,
 * `@abstract`. Returns NULL, or an error message that says what to write instead, in `error`
 * (TYPED_ERROR_SIZE bytes). */
const char *typed_word(const char *word, struct typed *typed, char *error);

/* Reads any text of several words, such as the error message of a program, and finds the address
 * that it is about. Returns whether it has found one. `typed->error` is set even if it has not. */
bool typed_line(const char *line, struct typed *typed);

#endif
