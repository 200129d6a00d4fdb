/* What a step answered, and what was expected of it: got and want. */
#ifndef PORTREUSE_SCENARIO_ANSWER_H
#define PORTREUSE_SCENARIO_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/endpoint.h"
#include "base/memory.h"
#include "base/units.h"
#include "base/verdict.h"
#include "kernel/sockopt.h"
#include "kernel/unixdiag.h"
#include "model/cause.h"
#include "scenario/verb.h"

/* An address in a scenario: written out, or taken from a socket when the step runs. */
enum address_use {
    ADDRESS_WRITTEN,     /* 127.0.0.1:80 */
    ADDRESS_OF_SOCKET,   /* $role.socket, $role.socket.peer */
    ADDRESS_AND_ITS_PORT /* 127.0.0.1:$role.socket.port: a written address, a socket's port */
};

struct address {
    enum address_use use;
    struct endpoint_pattern pattern; /* the written part */
    unsigned role, socket;           /* the socket it is taken from: indexes into the scenario */
    bool peer;                       /* its remote end, not its local one */
    const char *name;                /* WRITTEN: of a Unix socket, `db` or `@db`; else NULL */
    const char *zone;                /* WRITTEN: the device of a link-local address, or NULL */
};

/* What an address stands for: an endpoint, or the name of a Unix socket. */
struct place {
    struct endpoint endpoint;
    const char *name; /* of a Unix socket, "" if it has none; else NULL */
    const char *zone; /* the device of a link-local address, or NULL */
};

enum answer_kind {
    ANSWER_NONE,    /* no answer came before the deadline */
    ANSWER_OK,      /* the call succeeded */
    ANSWER_ERRNO,   /* it failed: error */
    ANSWER_EOF,     /* recv: the peer has closed */
    ANSWER_READY,   /* poll: the socket is ready */
    ANSWER_TIMEOUT, /* poll: it was not in time */
    ANSWER_NUMBER,  /* recv, send, count, destroy, stop: number */
    ANSWER_ADDRESS, /* getsockname, getpeername: address */
    ANSWER_NAME,    /* the same of a Unix socket: name */
    ANSWER_VALUE,   /* getsockopt: value */
    ANSWER_FREE,    /* why: the calls would succeed */
    ANSWER_CAUSE,   /* why: cause */
    ANSWER_EXIT,    /* wait: it has exited with the status number */
    ANSWER_SIGNAL,  /* wait: the signal number has killed it */
};

/* What a step answered. It has no pointers, so it can be copied and sent to another process. */
struct answer {
    enum answer_kind kind;
    union { /* what the kind says */
        int error;
        int64_t number;
        struct endpoint address;
        char name[UNIX_NAME_SIZE + 1];
        struct sockopt_value value;
        enum cause cause;
    };
    /* A block's answer says where it came from. */
    bool in_block;
    enum verb at;    /* the call that ended the block; VERB_NONE: all rounds were run */
    unsigned line;   /* the line of that call, 0 if none */
    uint64_t rounds; /* complete rounds before it */
};

/* One of the results that a line allows. */
struct wanted {
    enum {
        WANT_OK, /* any answer that is not an errno, nor eof, nor timeout */
        WANT_ANY,
        WANT_ERRNO,
        WANT_EOF,
        WANT_READY,
        WANT_TIMEOUT,
        WANT_NUMBER, /* low..high */
        WANT_ADDRESS,
        WANT_VALUE, /* of a socket option, number between low and high where it is a number */
        WANT_FREE,
        WANT_CAUSE,
        WANT_EXIT,   /* low..high */
        WANT_SIGNAL, /* low */
    } kind;
    const char *text; /* as written */
    int error;
    int64_t low, high;
    struct address address;
    struct sockopt_value value;
    enum cause cause;
    enum verb at; /* blocks: the call that must end it, or VERB_NONE: any */
    bool counted; /* blocks: rounds_low..rounds_high */
    int64_t rounds_low, rounds_high;
};

/* All of `-> ...`. What it points to belongs to the scenario. */
struct expectation {
    bool given;                  /* false: no `->`; then `either` is one WANT_OK */
    const char *text;            /* as written, after the arrow; "ok" if not given */
    const struct wanted *either; /* these, if the kernel is `since` or newer, or always */
    size_t either_count;
    bool split;
    struct kernel_release since;
    const struct wanted *otherwise; /* these, on an older kernel */
    size_t otherwise_count;
    bool timed;
    uint64_t soonest_ns, latest_ns;
    enum verdict verdict; /* of the case if the answer is another one: FAIL; SKIP or ERROR with: */
    const char *reason;   /* `else SKIP "REASON"` */
};

/* Finds what an address stands for now. Returns false if that is nothing yet. */
typedef bool answer_resolve(void *context, const struct address *address, struct place *place);

/* Returns the first of the wanted answers, on a kernel of this release, that `got` meets, or NULL.
 * The time that a step took is not checked: see expectation_in_time(). */
const struct wanted *expectation_met(const struct expectation *want, const struct answer *got,
                                     struct kernel_release running, answer_resolve *resolve,
                                     void *context);

/* The index of a wanted answer in the two lists of its expectation, -1 for NULL; and the wanted
 * answer with an index. */
int expectation_index(const struct expectation *want, const struct wanted *wanted);
const struct wanted *expectation_at(const struct expectation *want, int index);

/* Returns whether the step took as long as expected. */
bool expectation_in_time(const struct expectation *want, uint64_t elapsed_ns);

/* Returns whether only numbers greater than this one are expected. */
bool expectation_wants_more(const struct expectation *want, int64_t got);

/* Returns whether an answer other than an errno or `timeout` is allowed, or EINPROGRESS: then what
 * the step makes may exist. */
bool expectation_allows_success(const struct expectation *want);

/* Returns whether an errno is allowed. */
bool expectation_allows_failure(const struct expectation *want);

/* Returns whether the wanted answer allows only this one, which met it: then a report may print it
 * and still be the same from run to run. A number where `ok` is expected can be any number. */
bool wanted_pins(const struct wanted *wanted, const struct answer *got);

enum { ANSWER_TEXT_SIZE = 200 };

/* Writes the answer as in a scenario: `ok`, `EADDRINUSE`, `eof`, `EMFILE at socket after 17`.
 * Returns `text`, of ANSWER_TEXT_SIZE bytes. */
const char *answer_text(const struct answer *got, char *text);

#endif
