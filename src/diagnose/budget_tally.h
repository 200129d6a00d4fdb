/* The counting part of a budget: sockets in, routes out. Makes no system call. */
#ifndef PORTREUSE_DIAGNOSE_BUDGET_TALLY_H
#define PORTREUSE_DIAGNOSE_BUDGET_TALLY_H

#include "base/table.h"
#include "diagnose/budget.h"

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
void budget_tally_explicit(struct budget_tally *tally, const struct tcp_socket *socket);

/* Counts a connection, in any state. `owner` is a process that has it, or NULL. Returns false if
 * memory is out. */
bool budget_tally_connection(struct budget_tally *tally, const struct tcp_socket *socket,
                             const struct owners_sample *owner);

/* Fills in what the counts come to, at least one route among them. Of the owners only the pids are
 * filled in. */
void budget_tally_finish(const struct budget_tally *tally, struct budget *budget);

/* Returns how many ports connect() cannot choose on this route. */
uint32_t budget_tally_used(const struct budget_tally *tally, const struct budget_route *route);

#endif
