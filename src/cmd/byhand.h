/* What `portreuse server` and `portreuse client` share: socket calls by hand. Each is printed with
 * its result at once, and if it is refused, with what `portreuse why` says of the same question:
 * the sockets in the way, the cause, and what to do. */
#ifndef PORTREUSE_CMD_BYHAND_H
#define PORTREUSE_CMD_BYHAND_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/endpoint.h"
#include "cmd/options.h"

struct byhand {
    const char *command;    /* server, client */
    struct endpoint remote; /* where the client connects to */
    struct endpoint bound;  /* the address that bind() was called with; family 0: it was not */
    const char *address;    /* the value of --listen or --endpoint, or the operand, or NULL */
    bool reuseaddr, reuseport, no_port;
    const char *linger, *port_range; /* as given, and checked; or NULL */
    bool no_close;                   /* the kernel closes everything when the process ends */
    bool waits;                      /* --wait was given: */
    uint64_t wait_ns;
    bool failed;  /* a call was refused */
    bool lacking; /* or failed for want of memory or descriptors, which says nothing */
};

/* --- options --- */

/* The options that both have. Their structure is the byhand. */
extern const struct option_row byhand_options[];

/* Setter of --wait, which each describes in its own way. The target is the byhand. */
bool byhand_set_wait(const struct option_use *use);

/* Setter of a text that must be a value of the socket option `name`; else `expected` is. */
bool byhand_set_sockopt(const struct option_use *use, const char *name, const char *expected);

/* Takes the operand, if there is one, as the address, unless an option has given it. Returns false
 * after a complaint about what is left. */
bool byhand_operand(struct byhand *hand, int argc, char **argv);

/* Determines the address to use: of the environment `variable` (may be NULL), or else `text`, the
 * value of the option `option` (may be NULL). `:1215` is the address `otherwise` with that port.
 * Returns false after a complaint, also if there is no address. */
bool byhand_address(const struct byhand *hand, const char *option, const char *text,
                    const char *variable, struct endpoint otherwise, struct endpoint *endpoint);

/* --- time --- */

/* To be called first: lines are written at once, and SIGINT and SIGTERM interrupt what waits. */
void byhand_begin(void);

/* Returns whether one of these signals has arrived. */
bool byhand_is_over(void);

/* The exit status: whether all calls succeeded, and whether the failure of one is an answer. */
int byhand_status(const struct byhand *hand);

/* Returns how long poll() may wait: the milliseconds until `deadline_ns` on the monotonic clock,
 * rounded up; 0 if it is past or one of these signals has arrived; -1 for UINT64_MAX, which means
 * never. */
int byhand_milliseconds_until(uint64_t deadline_ns);

/* --- the calls --- */

/* Each prints what it did, and its errno; one that was refused sets `failed`. */

/* Returns a TCP socket with the options of the command line, which the caller closes; -1 if one was
 * refused. `flags` are those of socket(). */
int byhand_socket(struct byhand *hand, sa_family_t family, int flags);

/* `*local` is the address to bind; on return the one that the socket has. */
bool byhand_bind(struct byhand *hand, int fd, struct endpoint *local);
bool byhand_listen(struct byhand *hand, int fd, const struct endpoint *local);

bool byhand_connect(struct byhand *hand, int fd, const struct endpoint *remote);

/* Returns the accepted connection, which the caller closes; -1 with errno set, EAGAIN if there was
 * none. */
int byhand_accept(struct byhand *hand, int listener, struct endpoint *peer);

/* Reads what the peer has sent. Returns false at end of file, or after an error. */
bool byhand_receive(struct byhand *hand, int fd, const struct endpoint *peer);

/* `whose` is the endpoint to print: of a connection the peer's. */
void byhand_close(struct byhand *hand, int fd, const struct endpoint *whose);

/* Prints a line that is not about a call. */
void byhand_say(const char *what, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
