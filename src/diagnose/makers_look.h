/* What both ways of watching a route need: its sockets, and who a process is. */
#ifndef PORTREUSE_DIAGNOSE_MAKERS_LOOK_H
#define PORTREUSE_DIAGNOSE_MAKERS_LOOK_H

#include "diagnose/makers_book.h"
#include "kernel/sockdiag.h"

/* Lists the sockets of the route in these states. Returns 0 or an errno. */
int makers_list(int diag, const struct makers_question *question, uint32_t states,
                sockdiag_visit *visit, void *context);

/* Returns when a socket in TIME-WAIT entered it, by units_now_ns(). */
uint64_t makers_entered_ns(const struct inet_socket *socket);

/* Reads who a process is, and where it comes from. Returns false if it has ended. */
bool makers_describe(pid_t pid, struct maker *maker);

/* Sums the book up, and names users and control groups. */
void makers_sum_up(struct makers_book *book, uint64_t began_ns, struct makers *makers);

/* Watches by the kernel's events (kernel/tcp_watch.h), which need root. Returns 0 or an errno; if
 * the events cannot be had, nothing was watched. */
int makers_watch_events(int diag, const struct makers_question *question, struct makers *makers);

#endif
