/* The kernel's side of the matrix: the namespace, and the sockets of one pair at a time. */
#ifndef PORTREUSE_PROBE_MATRIX_STAGE_H
#define PORTREUSE_PROBE_MATRIX_STAGE_H

#include "probe/matrix_pairs.h"

/* Where pairs are made. The descriptors are -1 where there is none. */
struct stage {
    enum protocol protocol;
    int diag;           /* sock_diag, */
    int range;          /* the file of ip_local_port_range, */
    int server, silent; /* listeners: one answers, the queue of the other is full, */
    int full[3];        /* with these clients */
    uint32_t device;    /* index of a device other than lo, or 0 */
};

/* Prepares the namespace, and finds what can be measured in it. Returns 0, or an errno that says
 * nothing about that: want of resources. stage_close() is to be called in any case. */
int stage_open(struct stage *stage, enum protocol protocol, struct matrix_means *means);

void stage_close(struct stage *stage);

/* Makes a pair on a port, and closes it. Returns 0, or the errno of a call that had to succeed. */
int stage_try(const struct stage *stage, const struct matrix_pair *pair, uint16_t port,
              struct matrix_answer *got);

#endif
