/* Tests that need a network namespace of their own. */
#ifndef PORTREUSE_TESTS_UNIT_IN_NAMESPACE_H
#define PORTREUSE_TESTS_UNIT_IN_NAMESPACE_H

#include <sys/wait.h>
#include <unistd.h>

#include "kernel/netns.h"
#include "test.h"

/* Runs `body` in a private network namespace, in a child process. The test fails unless it returns
 * 0, and is skipped where namespaces are refused. */
static inline void run_in_namespace(int (*body)(void)) {
    enum { REFUSED_HERE = 77 };
    char reason[NETNS_REASON_SIZE];
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(netns_enter(reason) == NETNS_REFUSED ? REFUSED_HERE : body());
    waitpid(child, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == REFUSED_HERE)
        skip();
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* The same as a test of cmocka, whose state is a pointer to the body. */
static inline void in_namespace(void **state) {
    run_in_namespace(*(int (**)(void)) * state);
}

#endif
