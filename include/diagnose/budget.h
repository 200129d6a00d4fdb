/* How many local ports are left for connections from this host: towards one destination, or towards
 * the busiest ones. */
#ifndef PORTREUSE_DIAGNOSE_BUDGET_H
#define PORTREUSE_DIAGNOSE_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/endpoint.h"
#include "base/ports.h"
#include "inspect/namespaces.h"
#include "inspect/owners.h"
#include "model/socket.h"

struct budget_question {
    struct endpoint remote; /* family 0: the busiest destinations */
    uint64_t interval_ns;   /* between the two samples that tell the rate */
};

enum { BUDGET_ROUTES = 8, BUDGET_OWNERS = 4 };

/* A process that has some of the connections. */
struct budget_owner {
    struct owner owner;
    uint32_t sockets; /* about: of a process with many descriptors a part is looked at */
};

/* The connections from one local address to one destination: each has a port of its own. */
struct budget_route {
    struct endpoint local; /* port 0 */
    struct endpoint remote;
    uint32_t states[STATE_COUNT]; /* sockets on ports of the range */
    uint32_t used;     /* ports that connect() cannot choose: by these, and by explicit binds */
    uint32_t left;     /* that it can */
    uint32_t reusable; /* TIME-WAIT whose ports it can choose again (tcp_tw_reuse) */
    uint32_t closed;   /* that came into TIME-WAIT within the last BUDGET_RECENT_S seconds */
    uint32_t by_bind;  /* ports that bind() to port 0 has most likely chosen, not connect() */
    struct budget_owner owners[BUDGET_OWNERS]; /* those with the most first */
    unsigned owner_count;
};

enum { BUDGET_RECENT_S = 10 };

struct budget {
    struct namespace place;
    struct budget_question asked;
    const char *failure; /* what could not be done, static; `error` is why; else NULL */
    int error;
    struct port_range range;
    uint32_t explicit_ports;   /* of the range: listening, bound, or asked for by bind(); connect()
                                  chooses none of them, whatever the destination */
    uint32_t explicit_sockets; /* connections among them: bind() with a port, then connect() */
    uint32_t route_count;      /* all routes */
    struct budget_route routes[BUDGET_ROUTES]; /* the fullest first; at least one if one is asked */
    unsigned known;                            /* how many are here */
    unsigned tw_reuse;                         /* tcp_tw_reuse: 0, 1, or 2 (loopback alone) */
    uint32_t tw_reuse_delay_ms;
    double rate;        /* connections a second that can be made for ever on the first
                             route: each has its port until TIME-WAIT is over; 0: no limit */
    double growth;      /* ports a second that the first route takes more than it gives */
    double exhausted_s; /* until none is left if that goes on; negative: never */
    unsigned unseen;    /* processes that could not be looked into */
};

/* Looks; in another namespace a child process does it. */
void budget_look(const struct budget_question *question, const struct namespace *place,
                 struct budget *budget);

#endif
