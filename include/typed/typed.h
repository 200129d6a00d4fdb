/* What a person typed or pasted: a port, an address, a URL, a path, or the error line of a program.
 *
 * Names of hosts and services stay names here; the command looks them up. */
#ifndef PORTREUSE_TYPED_H
#define PORTREUSE_TYPED_H

#include <stdbool.h>
#include <stddef.h>

enum typed_protocol { TYPED_ANY_PROTOCOL, TYPED_TCP, TYPED_UDP, TYPED_UNIX };

enum {
    TYPED_HOST_SIZE = 256,
    TYPED_PORT_SIZE = 32,
    TYPED_PATH_SIZE = 109,
    TYPED_ERROR_SIZE = 200,
    TYPED_NOTE_SIZE = 128,
    TYPED_ALSO_SIZE = 64
};

/* What is said of a path, or an abstract name, that fits no address; with TYPED_PATH_SIZE - 1. */
#define TYPED_UNIX_RULE "the name of a Unix socket has 1 to %d bytes"

struct typed {
    enum typed_protocol protocol;
    int family;                 /* AF_INET or AF_INET6 if the text says so (tcp4, udp6), else 0 */
    char host[TYPED_HOST_SIZE]; /* a name or an address with its %device, without brackets; "" or
                                   "%device" if the text names none */
    char port[TYPED_PORT_SIZE]; /* a number or the name of a service; "" if the text has none */
    char path[TYPED_PATH_SIZE]; /* TYPED_UNIX: the path, or the abstract name after `@` */
    bool connects;              /* it is about connect(): the address is the remote one */
    int error;                  /* the errno that the line reports, or 0 */
    bool pasted;                /* found in a line of text, and not typed by itself */
    bool guessed;               /* the error names no address; this one is elsewhere in the text */
    char note[TYPED_NOTE_SIZE]; /* what a number that can be several things was taken for, or "" */
    char also[TYPED_ALSO_SIZE]; /* another address that the text complains about, or "" */
};

#endif
