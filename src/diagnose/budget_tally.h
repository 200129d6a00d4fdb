/* The counting of a budget, which makes no system call: sockets in, routes out.
 *
 * connect() does not choose a port
 * - that a socket of the same route has: the same two addresses, the same destination port, and no
 *   other device, unless it is a TIME-WAIT that may be taken over;
 * - that is kept: at least one socket on it was not given it by connect(), but by bind(), to this
 *   port or to port 0, or by accept(), whatever its destination.
 * sock_diag tells only of sockets that have no connection, and of those whose port was named to
 * bind(), that they keep the port. The other ports with sockets are doubtful, and a trial has to
 * tell (kernel/silent.h). */
#ifndef PORTREUSE_DIAGNOSE_BUDGET_TALLY_H
#define PORTREUSE_DIAGNOSE_BUDGET_TALLY_H

#include "diagnose/budget_figures.h"

/* A connection: its route, its port, and what it is. */
struct budget_entry {
    uint32_t route;
    uint16_t port;
    uint8_t state, flags; /* enum tcp_state; see budget_tally.c */
};

struct budget_tally {
    const struct budget *budget; /* borrowed: its range, tcp_tw_reuse and delay are read */
    struct port_set occupied;    /* ports of the range on which there is a socket */
    struct port_set named;       /* of them: with a socket that has no connection, or whose port was
                                    named to bind() */
    struct port_set taken;       /* of them: surely kept; a device may be one of a VRF, which has
                                    ports of its own */
    struct port_set listening;   /* of them: their connections are incoming ones */
    struct port_set tried;       /* of them: settled by a trial: */
    struct port_set refused;     /* the kernel does not choose them */
    struct port_set in_the_way;  /* on which a socket is in the way of bind() to port 0; only if
                                    the question is about that */
    struct port_set not_shared;  /* of them: also with ip_autobind_reuse */
    struct port_set opened_here, opened_there; /* with an open connection of either kind */
    struct port_set waiting; /* with a connection in TIME-WAIT, of which nothing tells the kind */
    uint32_t explicit_ports, explicit_sockets;
    struct table routes;          /* owns: the routes, by their endpoints and device */
    struct budget_entry *entries; /* owned */
    size_t entry_count, entry_room;
};

/* Begins to count, for a budget with its settings filled in. */
void budget_tally_begin(struct budget_tally *tally, const struct budget *budget);
void budget_tally_free(struct budget_tally *tally);

/* Counts a socket that listens or is bound and idle, which come before the connections; or notes
 * that the port of a connection was named to bind(). */
void budget_tally_explicit(struct budget_tally *tally, const struct inet_socket *socket);

/* Counts a connection, in any state, and notes it under its route's number if `holders` is not
 * NULL. Returns false if out of memory. */
bool budget_tally_connection(struct budget_tally *tally, const struct inet_socket *socket,
                             struct holders *holders);

/* Chooses the routes to list, and fills in their endpoints: that of the question, with its `local`
 * found out, and others to the same destination; or those with the most ports in use. */
void budget_tally_choose(const struct budget_tally *tally, struct budget *budget);

/* Finds the doubtful ports that matter to a route, or to any that is listed (NULL). */
void budget_tally_doubtful(const struct budget_tally *tally, const struct budget_route *route,
                           struct port_set *ports);

/* Notes the result of trials: which ports were tried, and which of them connect() refuses. */
void budget_tally_settle(struct budget_tally *tally, const struct port_set *tried,
                         const struct port_set *refused);

/* Returns whether connect() chooses each port of a connection for another one as well: they were
 * all tried, and none was refused. */
bool budget_tally_all_chosen(const struct budget_tally *tally);

/* Notes which side opened a connection: where all of a kept port were opened here, and none was
 * named to bind(), bind() to port 0 chose it. */
void budget_tally_opened(struct budget_tally *tally, const struct inet_socket *socket);

/* Finds the ports of the sockets of a route that are not in TIME-WAIT. */
void budget_tally_live(const struct budget_tally *tally, const struct budget_route *route,
                       struct port_set *ports);

/* Notes that the connections of a route in TIME-WAIT on these ports had no TCP timestamps: nothing
 * takes them over. */
void budget_tally_unstamped(struct budget_tally *tally, const struct budget_route *route,
                            const struct port_set *ports);

/* Returns a port at `address` that no connection has as its destination: with it a trial meets no
 * other socket. */
uint16_t budget_tally_unused(const struct budget_tally *tally, const struct endpoint *address);

/* Returns a port of the range that no socket has, or 0. */
uint16_t budget_tally_vacant(const struct budget_tally *tally);

/* Returns whether a port has a connection of the route that is in TIME-WAIT. */
bool budget_tally_has_waiting(const struct budget_tally *tally, const struct budget_route *route,
                              uint16_t port);

/* Finds a port of the route in TIME-WAIT, not kept, that connect() takes over if the connection had
 * timestamps; 0 if there is none. */
uint16_t budget_tally_waiting(const struct budget_tally *tally, const struct budget_route *route);

/* Fills in the numbers of the routes, which can be done again, and sorts those that no question
 * asks for: the fewest ports left first. Of the owners, only the pids are filled in. */
void budget_tally_finish(const struct budget_tally *tally, struct budget *budget);

/* Gives the sockets that were noted the places of the routes that are listed. Returns false if out
 * of memory. */
bool budget_tally_map(const struct budget_tally *tally, const struct budget *budget,
                      struct holders *holders);

#endif
