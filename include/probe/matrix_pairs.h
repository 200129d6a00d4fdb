/* The pairs of the matrix: a first socket that has a port, and a second one that wants it. Which
 * there are, what they are called, and what each socket is. */
#ifndef PORTREUSE_PROBE_MATRIX_PAIRS_H
#define PORTREUSE_PROBE_MATRIX_PAIRS_H

#include <stdbool.h>
#include <stdint.h>

#include "model/story.h"

/* --- a pair --- */

enum matrix_user { MATRIX_SAME_USER, MATRIX_OTHER_USER, MATRIX_USERS };

/* Which socket is bound to a device (SO_BINDTODEVICE): the first one or both to `lo`, and in the
 * last case the second one to another device. */
enum matrix_device {
    MATRIX_NO_DEVICE,
    MATRIX_DEVICE_FIRST,
    MATRIX_DEVICE_SECOND,
    MATRIX_DEVICE_SAME,
    MATRIX_DEVICE_OTHER,
    MATRIX_DEVICES
};

/* The second socket has one of the first MATRIX_ADDRESSES; for connect() without bind(), it is the
 * address that it connects to. The first socket can also be the one after them: [::] again, where
 * its connection is over IPv4. */
enum { MATRIX_ADDRESSES = 8, MATRIX_FIRSTS };

enum matrix_options {
    MATRIX_NONE,
    MATRIX_REUSEADDR,
    MATRIX_REUSEPORT,
    MATRIX_BOTH,
    MATRIX_OPTIONS
};

/* A local address to bind. */
struct matrix_address {
    const char *name;   /* 127.0.0.1, ::, "::,v6only" */
    const char *family; /* of the connection of a socket on [::]: IPv4 or IPv6; else NULL */
    const char *text;   /* as endpoint_parse() reads it */
    const char *peer;   /* the address that its connection has at both ends */
    bool v6only;
};

extern const struct matrix_address matrix_addresses[MATRIX_FIRSTS];

/* "none", "REUSEADDR", "REUSEPORT", "both"; "same", "other"; "none", "first", ...; "bind",
 * "port-0",
 * ... All static; the last two end with NULL. */
extern const char *const matrix_options_names[MATRIX_OPTIONS];
extern const char *const matrix_user_names[MATRIX_USERS];
extern const char *const matrix_device_names[MATRIX_DEVICES + 1];
extern const char *const matrix_call_names[STORY_CALLS + 1];

/* One end of a pair. */
struct matrix_end {
    unsigned address, options;
};

struct matrix_pair {
    enum matrix_user user; /* of the second socket: the first one's or another */
    unsigned state;        /* of the first socket: what it does is stories[state] */
    enum story_call call;  /* of the second socket */
    enum matrix_device device;
    struct matrix_end first, second;
};

/* Return what a state is called for a protocol: a UDP socket that is only bound is UNCONN, one that
 * is connected ESTABLISHED. Static. */
const char *matrix_state_name(enum protocol protocol, unsigned state);

/* Returns the state with that name, or STORIES if there is none. */
unsigned matrix_state_named(enum protocol protocol, const char *name);

/* Return whether sockets of the protocol have this state, and what it is. */
bool matrix_has_state(enum protocol protocol, unsigned state);
const char *matrix_state_line(enum protocol protocol, unsigned state);

/* Return whether the first socket can have the address in this state, and what it is called there:
 * `::`, `:: (IPv4 client)` if it has accepted one, or `:: (IPv4 server)` if it has connected to
 * one.
 */
bool matrix_has_first(unsigned state, unsigned address);
const char *matrix_first_name(unsigned state, unsigned address, char *text);

enum { MATRIX_NAME_SIZE = 24 };

/* Advances `*pair` to the next pair of the protocol, in the order of the cells; the first one is
 * all zero. Returns false after the last. There are pairs of another user only for bind(), and
 * where both sockets have SO_REUSEPORT: nothing else depends on the user. Beside another call or a
 * device, the options of TCP sockets are none or both: nothing more depends on them. */
bool matrix_next(enum protocol protocol, struct matrix_pair *pair);

/* --- the choice of pairs --- */

/* Which ends are chosen. */
typedef bool matrix_ends[MATRIX_FIRSTS][MATRIX_OPTIONS];

struct matrix_choice {
    bool states[STORIES], calls[STORY_CALLS], devices[MATRIX_DEVICES];
    matrix_ends first, second;
    bool sample; /* of all but the first states with bind() alone, only a few addresses */
};

/* Returns whether the pair is chosen. */
bool matrix_chosen(const struct matrix_choice *choice, const struct matrix_pair *pair);

/* --- the answers, and who gives them --- */

/* What the calls answered: 0, an errno, or MATRIX_NOT_ASKED. */
enum { MATRIX_NOT_ASKED = STORY_NOT_ASKED }; /* all of its bits are set */

/* Each is asked only where the one before answered 0; listen never of UDP. */
struct matrix_answer {
    int16_t bind, listen, connect;
};

/* What can be measured here. Pairs that need what is false are left out. */
struct matrix_means {
    bool ipv6, users; /* sockets of another user */
    bool ranges;      /* ip_local_port_range takes effect */
    bool devices;     /* there is another device than lo */
    bool closed;      /* sock_diag shows whether a closed connection is in TIME-WAIT */
};

enum { MATRIX_LO = 1, MATRIX_OTHER_DEVICE = 2, MATRIX_SERVER_PORT = 5000, MATRIX_SILENT_PORT };

/* Who plays a pair on a port, and the second socket: for the model. The devices are those above. */
struct story_cast matrix_cast(enum protocol protocol, const struct matrix_pair *pair,
                              uint16_t port);
struct claim matrix_second(enum protocol protocol, const struct matrix_pair *pair, uint16_t port);

#endif
