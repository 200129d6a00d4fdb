/* What `portreuse server` and `portreuse client` share: sockets by hand, one call after the other,
 * each told with its answer at once, and at a refusal what was in the way. */
#ifndef PORTREUSE_CMD_BYHAND_H
#define PORTREUSE_CMD_BYHAND_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/endpoint.h"

struct byhand {
    const char *command;    /* server, client */
    struct endpoint remote; /* where the client connects to */
    bool reuseaddr, reuseport, no_port;
    const char *linger, *port_range; /* as they were written and found right, or NULL */
    bool no_close;                   /* closing is left to the kernel, at the end of the process */
    bool waits;                      /* --wait was given: */
    uint64_t wait_ns;
    bool failed; /* a call was refused */
};

/* --- options --- */

/* The options that both have, besides -w; a command's own go on from BYHAND_OWN. */
enum { BYHAND_NO_CLOSE = 256, BYHAND_REUSE_PORT, BYHAND_LINGER, BYHAND_OWN };

/* Takes one of them with its value in optarg. False if the value is wrong, which has been said, or
 * if the option is none of these. */
bool byhand_option(struct byhand *hand, int option);

/* Whether optarg is a value for the socket option that is called `name`; if not, says what is
 * expected. */
bool byhand_check(const struct byhand *hand, const char *option, const char *name,
                  const char *expected);

/* Takes the address that `option` or, before it, the environment gives: `text` is the value of the
 * option or NULL, `variable` the name in the environment or NULL. Where no address is written
 * (`:1215`) that is `otherwise`. False if there is none or it is wrong, which has been said. */
bool byhand_address(const struct byhand *hand, const char *option, const char *text,
                    const char *variable, struct endpoint otherwise, struct endpoint *endpoint);

/* --- time --- */

/* To be called before the first call: lines are written out as they end, and SIGINT and SIGTERM
 * interrupt what waits. */
void byhand_begin(void);

/* Whether one of these signals has come. */
bool byhand_is_over(void);

/* The milliseconds until `deadline_ns` on the monotonic clock, for poll(): rounded up, 0 if it is
 * past; -1 for UINT64_MAX, which never comes. */
int byhand_milliseconds_until(uint64_t deadline_ns);

/* --- the calls --- */

/* Each tells what it did, and its errno; one that was refused sets `failed`. */

/* A TCP socket with the options that were asked for, which the caller closes; -1 if one was
 * refused. `flags` are those of socket(). */
int byhand_socket(struct byhand *hand, sa_family_t family, int flags);

/* `*local` is the address asked for, and then the one that the socket has. */
bool byhand_bind(struct byhand *hand, int fd, struct endpoint *local);
bool byhand_listen(struct byhand *hand, int fd, const struct endpoint *local);

bool byhand_connect(struct byhand *hand, int fd, const struct endpoint *remote);

/* The accepted connection, which the caller closes; -1 with errno set, EAGAIN if there was none. */
int byhand_accept(struct byhand *hand, int listener, struct endpoint *peer);

/* Takes what the peer has sent. False at its end, or if that was refused. */
bool byhand_receive(struct byhand *hand, int fd, const struct endpoint *peer);

/* `whose` is the endpoint that the line tells: of a connection the peer's. */
void byhand_close(struct byhand *hand, int fd, const struct endpoint *whose);

/* A line that tells of no call. */
void byhand_say(const char *what, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The exit code that the calls stand for. */
int byhand_exit_code(const struct byhand *hand);

#endif
