/* Where the stack cannot grow, for want of memory or by a limit, the kernel answers with SIGSEGV:
 * in the middle of a look, or in a child, which then seems to have been killed. So it is made large
 * at once, by writing to its far end: the kernel enlarges it up to there (expand_stack() in
 * mm/mmap.c), but only pages that are used take memory. This file is compiled without
 * -fstack-clash-protection, which would use all of them. */
#include "base/stack.h"

#include <signal.h>
#include <stddef.h>
#include <unistd.h>

static void on_no_room(int number) {
    static const char text[] = "portreuse: out of memory for a stack of 1 MiB; see 'ulimit -s' and "
                               "'ulimit -v'\n";
    (void)number;
    ssize_t written = write(STDERR_FILENO, text, sizeof text - 1);
    _exit(written < 0 ? 3 : 2);
}

static __attribute__((noinline)) void write_to_far_end(void) {
    volatile char room[STACK_SIZE];
    room[0] = 0;
    (void)room[0];
}

void stack_take(void) {
    enum { OTHER_SIZE = 64 * 1024 }; /* MINSIGSTKSZ is too little for some processors */
    static char other[OTHER_SIZE];
    struct sigaction action = {.sa_handler = on_no_room, .sa_flags = SA_ONSTACK}, action_before;
    stack_t stack = {.ss_sp = other, .ss_size = sizeof other}, stack_before;
    if (sigaltstack(&stack, &stack_before) < 0)
        return;
    sigaction(SIGSEGV, &action, &action_before);
    write_to_far_end();
    sigaction(SIGSEGV, &action_before, NULL);
    sigaltstack(&stack_before, NULL);
}
