/* The signals that this program needs otherwise than its caller may have left them. */
#ifndef PORTREUSE_BASE_SIGNALS_H
#define PORTREUSE_BASE_SIGNALS_H

/* From now on, to write beyond the file size that is allowed (ulimit -f) is the error EFBIG,
 * instead of the end of the process; and the end of a child is reported to its parent, although the
 * caller may have started us with SIGCHLD ignored. */
void signals_begin(void);

/* Before a program is executed that is to find the signals as our caller left them. */
void signals_give_back(void);

#endif
