/* What a step answered, and what was expected of it: got and want. */
#ifndef PORTREUSE_SCENARIO_ANSWER_H
#define PORTREUSE_SCENARIO_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/endpoint.h"
#include "base/release.h"
#include "kernel/sockopt.h"
#include "scenario/address.h"
#include "scenario/verb.h"

enum answer_kind {
    ANSWER_NONE,    /* no answer came before the deadline */
    ANSWER_OK,      /* the call succeeded */
    ANSWER_ERRNO,   /* it failed: error */
    ANSWER_EOF,     /* recv: the peer has closed */
    ANSWER_NUMBER,  /* recv, send, count, destroy, stop: number */
    ANSWER_ADDRESS, /* getsockname, getpeername: address */
    ANSWER_VALUE,   /* getsockopt: value */
};

/* What came. A plain value: it can be copied, and sent between processes of one program. */
struct answer {
    enum answer_kind kind;
    union { /* what the kind says */
        int error;
        int64_t number;
        struct endpoint address;
        struct sockopt_value value;
    };
    /* A block's answer says where it came from. */
    bool in_block;
    enum verb at;    /* the call that ended the block; VERB_NONE: all rounds were run */
    unsigned line;   /* the line of that call, 0 if none */
    uint64_t rounds; /* whole rounds before it */
};

/* One of the results that a line allows. */
struct wanted {
    enum {
        WANT_OK, /* any answer that is not an errno, nor eof */
        WANT_ANY,
        WANT_ERRNO,
        WANT_EOF,
        WANT_NUMBER, /* low..high */
        WANT_ADDRESS,
        WANT_VALUE, /* of a socket option, number between low and high where it is a number */
    } kind;
    const char *text; /* as written */
    int error;
    int64_t low, high;
    struct address address;
    struct sockopt_value value;
    enum verb at; /* blocks: the call that is to end it, or VERB_NONE: any */
    bool counted; /* blocks: rounds_low..rounds_high */
    int64_t rounds_low, rounds_high;
};

/* All that `-> ...` says. Borrowed by a step from its scenario. */
struct expectation {
    bool given;                  /* false: no `->`; then `either` is one WANT_OK */
    const char *text;            /* as written, behind the arrow; "ok" if not given */
    const struct wanted *either; /* these, if the kernel is `since` or newer, or always */
    size_t either_count;
    bool split;
    struct kernel_release since;
    const struct wanted *otherwise; /* these, on an older kernel */
    size_t otherwise_count;
    bool timed;
    uint64_t soonest_ns, latest_ns;
};

/* Finds the endpoint that an address stands for, now. False if it stands for none yet. */
typedef bool answer_resolve(void *context, const struct address *address,
                            struct endpoint *endpoint);

/* The first of the wanted answers on a kernel of this release that `got` is, or NULL. The time that
 * a step took is not looked at: see expectation_in_time(). */
const struct wanted *expectation_met(const struct expectation *want, const struct answer *got,
                                     struct kernel_release running, answer_resolve *resolve,
                                     void *context);

bool expectation_in_time(const struct expectation *want, uint64_t elapsed_ns);

/* Whether only a number greater than this one is expected. */
bool expectation_wants_more(const struct expectation *want, int64_t got);

/* Whether some answer that is not an errno is allowed: what the step makes may exist after it. */
bool expectation_allows_success(const struct expectation *want);

/* Whether the wanted answer leaves nothing open of this one, which met it: then a report may print
 * it and still be the same from run to run. A number that came where `ok` would do is open. */
bool wanted_pins(const struct wanted *wanted, const struct answer *got);

enum { ANSWER_TEXT_SIZE = 160 };

/* Writes the answer as the language spells it: `ok`, `EADDRINUSE`, `eof`, `EMFILE at socket after
 * 17`; returns `text`, of ANSWER_TEXT_SIZE bytes. */
const char *answer_text(const struct answer *got, char *text);

#endif
