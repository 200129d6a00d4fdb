/* Which processor a process runs on. */
#ifndef PORTREUSE_KERNEL_PROCESSOR_H
#define PORTREUSE_KERNEL_PROCESSOR_H

/* Keeps this process, and those that it forks from now on, on the processor that it is on. A
 * segment on loopback waits in a queue of the sender's processor: with two of them a late one can
 * arrive after the socket that it was for is gone, draw a reset, and so end a TIME-WAIT (RFC 1337).
 * On one the order is kept, and a story goes the same way each time. Where it cannot be had,
 * nothing is done. */
void processor_stay(void);

#endif
