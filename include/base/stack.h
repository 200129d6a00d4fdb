/* Room on the stack. */
#ifndef PORTREUSE_BASE_STACK_H
#define PORTREUSE_BASE_STACK_H

/* The most that a process of this program needs, in bytes; what was measured is 600 KiB. */
enum { STACK_SIZE = 1024 * 1024 };

/* Makes the stack as large as that, for this process and its children. If it cannot be, reports
 * that on standard error and exits with status 2. */
void stack_take(void);

#endif
