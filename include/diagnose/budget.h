/* How many local ports are left for connections from this host: to one destination, or to the
 * busiest ones. */
#ifndef PORTREUSE_DIAGNOSE_BUDGET_H
#define PORTREUSE_DIAGNOSE_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/endpoint.h"
#include "base/memory.h"
#include "base/ports.h"
#include "inspect/namespaces.h"
#include "inspect/owners.h"
#include "model/socket.h"

struct budget_question {
    struct endpoint remote; /* family 0: the busiest destinations */
    struct endpoint local;  /* the source address; family 0: any */
    uint64_t interval_ns;   /* between the two samples for the growth; 0: one sample */
};

/* How many routes, and how many owners of each, are listed. All of them are counted. */
enum { BUDGET_ROUTES = 8, BUDGET_OWNERS = 4 };

/* A process that has some of the connections. */
struct budget_owner {
    struct owner owner;
    uint32_t sockets; /* an estimate: only some of the descriptors of a process are looked at */
};

/* The connections from one local address to one destination. Each has a port of its own. */
struct budget_route {
    struct endpoint local; /* port 0 */
    struct endpoint remote;
    uint32_t states[STATE_COUNT]; /* sockets on ports of the range */
    uint32_t used;     /* ports that connect() cannot choose: used by these and by explicit binds */
    uint32_t left;     /* ports that it can choose */
    uint32_t reusable; /* sockets in TIME-WAIT whose port it can choose again (tcp_tw_reuse) */
    uint32_t closed;   /* sockets that entered TIME-WAIT in the last BUDGET_RECENT_S seconds */
    uint32_t by_bind; /* ports that were most likely chosen by bind() to port 0, not by connect() */
    struct budget_owner owners[BUDGET_OWNERS]; /* those with the most connections */
    unsigned owner_count;                      /* how many are listed */
    uint32_t process_count;                    /* how many there are */
};

enum { BUDGET_RECENT_S = 10 };

struct budget {
    struct namespace where;
    struct budget_question asked;
    const char *failure; /* what could not be done, static, and `error` why; else NULL */
    int error;
    struct port_range range;
    uint32_t explicit_ports;   /* ports of the range that a listener or an idle bound socket has, or
                                  that were given to bind(): connect() chooses none of them, whatever
                                  the destination */
    uint32_t explicit_sockets; /* connections among them: bind() to a port, then connect() */
    uint32_t route_count;      /* all routes */
    struct budget_route routes[BUDGET_ROUTES]; /* the fullest first; at least one if one is asked */
    unsigned known;                            /* how many are listed */
    unsigned tw_reuse;                         /* tcp_tw_reuse: 0, 1, or 2 (only loopback) */
    uint32_t tw_reuse_delay_ms;
    double rate;   /* new connections per second that the first route allows in the long run, each
                      with its port until its TIME-WAIT is over; 0: no limit */
    double growth; /* ports per second by which the first route grows */
    double exhausted_s; /* until no port is left at this growth; negative: never */
    unsigned unseen;    /* processes that could not be looked into */
};

/* Measures the budget; for another namespace, in a child process. */
void budget_look(const struct budget_question *question, const struct namespace *where,
                 struct budget *budget);

/* --- the counting, which makes no system call: sockets in, routes out --- */

struct budget_tally {
    const struct budget *budget; /* borrowed: its range, tcp_tw_reuse and delay are read */
    struct port_set taken;       /* ports of the range that are used explicitly */
    struct port_set listening;   /* of them: their connections are incoming ones */
    uint32_t explicit_ports, explicit_sockets;
    struct table routes; /* owns: the routes, by their two endpoints */
    struct table shares; /* owns: how many sockets of a route a process has */
};

/* Begins to count, for a budget with its settings filled in. */
void budget_tally_begin(struct budget_tally *tally, const struct budget *budget);
void budget_tally_free(struct budget_tally *tally);

/* Forgets the routes, and keeps the ports that are used explicitly. */
void budget_tally_restart(struct budget_tally *tally);

/* Counts a socket that listens, is bound and idle, or has a port that was named to bind():
 * connect() does not choose its port, whatever the destination. All of these come first. */
void budget_tally_explicit(struct budget_tally *tally, const struct inet_socket *socket);

/* Counts a connection, in any state. `owner` is a process that has it, or NULL. Returns false if
 * out of memory. */
bool budget_tally_connection(struct budget_tally *tally, const struct inet_socket *socket,
                             const struct owners_sample *owner);

/* Fills in the results of the count, with at least one route. Of the owners, only the pids are
 * filled in. */
void budget_tally_finish(const struct budget_tally *tally, struct budget *budget);

/* Returns how many ports connect() cannot choose on this route. */
uint32_t budget_tally_used(const struct budget_tally *tally, const struct budget_route *route);

#endif
