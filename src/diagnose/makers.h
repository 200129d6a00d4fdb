/* Who leaves ports in TIME-WAIT. A socket in TIME-WAIT belongs to nobody: neither its process nor
 * its user nor its control group is known any more. So the connections of one route are watched for
 * a while, and those that end in TIME-WAIT were somebody's before. Root of the host is told of each
 * by the kernel; others see those that are open at one of many looks.
 *
 * The notices of sock_diag(7) about sockets that end (SKNLGRP_INET_TCP_DESTROY), which every user
 * gets, tell nothing of all that (inet_diag_handler_get_info() in net/ipv4/inet_diag.c of the
 * kernel): they would only say that a connection has ended, as its TIME-WAIT does. */
#ifndef PORTREUSE_DIAGNOSE_MAKERS_H
#define PORTREUSE_DIAGNOSE_MAKERS_H

#include "diagnose/makers_book.h"

/* Watches a route until the time is over. `diag` is a socket of sockdiag_open() in the namespace
 * that this process is in. Reads /proc. Returns 0 or an errno. */
int makers_watch(int diag, const struct makers_question *question, struct makers *makers);

#endif
