/* The matrix: for each pair of a socket that has a port and a second one that wants it, what the
 * kernel answers to bind() and listen(), and what the model says (model/rules.h, model/udp.h).
 *
 * Every pair is made from scratch on its own port, because the history of a port could change the
 * answer. Everything runs in one private network namespace. */
#ifndef PORTREUSE_PROBE_MATRIX_H
#define PORTREUSE_PROBE_MATRIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/verdict.h"
#include "kernel/netns.h"
#include "model/rules.h"

enum matrix_user { MATRIX_SAME_USER, MATRIX_OTHER_USER, MATRIX_USERS };

/* Of the first socket. For ESTABLISHED and TIME-WAIT, it is a listener that has accepted a
 * connection in that state and is closed. LISTEN-LATER: it is bound when the second one calls
 * bind(), and listens when the second one calls listen(). A UDP socket is BOUND, which is called
 * UNCONN, or ESTABLISHED: connected. */
enum matrix_state {
    MATRIX_BOUND,
    MATRIX_LISTEN,
    MATRIX_ESTABLISHED,
    MATRIX_TIME_WAIT,
    MATRIX_LISTEN_LATER,
    MATRIX_STATES
};

/* The second socket has one of the first MATRIX_ADDRESSES. The first socket can also be the one
 * after them: [::] again, where it has accepted an IPv4 client. */
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
    const char *name;     /* 127.0.0.1, ::, "::,v6only" */
    const char *accepted; /* of a socket that has accepted, where it tells more: its client */
    const char *text;     /* as endpoint_parse() reads it */
    const char *peer;     /* the address that a client connects to */
    bool v6only;
};

extern const struct matrix_address matrix_addresses[MATRIX_FIRSTS];

/* "none", "REUSEADDR", "REUSEPORT", "both"; "BOUND", ...; "same", "other". All static. */
extern const char *const matrix_options_names[MATRIX_OPTIONS];
extern const char *const matrix_state_names[MATRIX_STATES + 2]; /* ends with UNCONN and NULL */
extern const char *const matrix_user_names[MATRIX_USERS];

/* One end of a pair. */
struct matrix_end {
    unsigned address, options;
};

struct matrix_pair {
    enum matrix_user user; /* of the second socket: the first one's or another */
    enum matrix_state state;
    struct matrix_end first, second;
};

/* What the two calls answered: 0, an errno, or MATRIX_NOT_ASKED. */
enum { MATRIX_NOT_ASKED = -1 }; /* all of its bits are set */

struct matrix_answer {
    int16_t bind, listen; /* listen is asked only where bind answered 0, and never of UDP */
};

struct matrix_cell {
    struct matrix_answer want;      /* by the model, */
    uint8_t bind_rule, listen_rule; /* and by which enum rule */
    struct matrix_answer got; /* by the kernel; bind MATRIX_NOT_ASKED: the pair was left out */
};

enum { MATRIX_REASON_SIZE = NETNS_REASON_SIZE };

struct matrix {
    enum protocol protocol;          /* TCP or UDP */
    enum verdict verdict;            /* PASS: model and kernel agree; FAIL: they do not */
    char reason[MATRIX_REASON_SIZE]; /* of SKIP and ERROR */
    char kernel[65];                 /* its release */
    bool ipv6, users;                /* false: pairs that need them are left out */
    size_t pairs, disagreements;
    struct matrix_cell cells[MATRIX_USERS][MATRIX_STATES][MATRIX_FIRSTS][MATRIX_OPTIONS]
                            [MATRIX_ADDRESSES][MATRIX_OPTIONS];
};

/* Measures all pairs, in a child process, and asks the model for each. The caller frees the matrix
 * with free(). NULL with errno set if there is no memory or no process for it. */
struct matrix *matrix_measure(enum protocol protocol);

/* Return whether sockets of the protocol have this state, and what it is called there. */
bool matrix_has_state(enum protocol protocol, enum matrix_state state);
const char *matrix_state_name(enum protocol protocol, enum matrix_state state);

/* Return whether the first socket can have the address in this state, and what it is called there:
 * `::`, or `:: (IPv4 client)`. */
bool matrix_has_first(enum protocol protocol, enum matrix_state state, unsigned address);
const char *matrix_first_name(enum protocol protocol, enum matrix_state state, unsigned address);

/* Advances `*pair` to the next pair, in the order of the cells; the first one is all zero. Returns
 * false after the last. There are pairs of another user only where both sockets have SO_REUSEPORT:
 * nothing else depends on the user. There are no pairs that matrix_has_first() excludes for TCP. */
bool matrix_next(struct matrix_pair *pair);

/* Returns the cell of a pair. Like strchr(3), it takes a const pointer but returns one that is not:
 * write through it only if the matrix may be changed. */
struct matrix_cell *matrix_cell(const struct matrix *matrix, const struct matrix_pair *pair);

/* Return whether the kernel was asked, and whether it and the model agree. */
bool matrix_measured(const struct matrix_cell *cell);
bool matrix_agrees(const struct matrix_cell *cell);

#endif
