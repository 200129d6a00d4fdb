/* Calls that a program did not ask for: the C library makes them to look something up, and does
 * without where they fail.
 *
 * What getaddrinfo() and its like do to sort addresses is one of them: for each address they
 * connect a UDP socket, which sends nothing, and see which source address it gets. glibc takes the
 * port that was asked for (0 if none was), musl 65535, Go 9. Ports 0 and 65535 tell it at once:
 * there are no datagrams to them. Otherwise it shows a moment later, when the process connects a
 * TCP socket to one of the addresses; until then a failure is held back. */
#ifndef PORTREUSE_TRACE_LOOKUPS_H
#define PORTREUSE_TRACE_LOOKUPS_H

#include "trace/recorded.h"

enum { LOOKUPS_MOST = 64 };

/* All zero at first. */
struct lookups {
    struct lookup {
        pid_t process;
        uint64_t at_ns; /* of the last one of its process: each stops it for a while */
        struct endpoint address;
        struct recorded_call *call; /* owned; NULL: it succeeded */
        struct why *why;            /* owned */
    } list[LOOKUPS_MOST];
    unsigned count;
};

/* Told of a call that was no lookup. Takes `why`. */
typedef void lookups_tell(void *context, struct recorded_call *call, struct why *why);

/* Returns whether the call is a lookup, whatever comes next. */
bool lookups_is_one(const struct recorded_call *call);

/* Returns whether what comes next can show that it is one. */
bool lookups_may_be_one(const struct recorded_call *call);

/* Keeps such a call until that is known; takes `why` if it failed. Returns false if there is no
 * room or no memory: then nothing is taken. */
bool lookups_hold(struct lookups *lookups, const struct recorded_call *call, struct why *why);

/* Drops the calls that this one shows to be lookups. */
void lookups_drop(struct lookups *lookups, const struct recorded_call *call);

/* Tells what was held back of a process (0: of each), if that was before `before_ns` of the
 * monotonic clock. */
void lookups_settle(struct lookups *lookups, pid_t process, uint64_t before_ns, lookups_tell *tell,
                    void *context);

/* Frees what is held back, untold. */
void lookups_free(struct lookups *lookups);

#endif
