/* Work in a child process: what comes back, and how its early end is reported; and acting in
 * another namespace from here. */
#include "test.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "inspect/child.h"
#include "kernel/netns.h"
#include "kernel/sockdiag.h"
#include "kernel/sysctl.h"

enum { MANY = 300000 };

static void count_up(void *data, FILE *more) {
    int *number = data;
    (*number)++;
    for (uint32_t i = 0; i < MANY; i++)
        fwrite(&i, sizeof i, 1, more);
    fwrite("text", sizeof "text", 1, more);
}

static void what_the_work_changes_and_writes_comes_back(void **state) {
    struct child child = {0};
    struct child_bytes more;
    const char *what;
    int number = 41;
    (void)state;
    assert_int_equal(child_run(&child, count_up, &number, sizeof number, &more, &what), 0);
    assert_int_equal(number, 42);
    struct arena arena = {0};
    uint32_t *items = child_take_array(&more, &arena, MANY, sizeof *items), one;
    assert_non_null(items);
    for (uint32_t i = 0; i < MANY; i++)
        assert_int_equal(items[i], i);
    assert_string_equal(child_take_text(&more, &arena), "text");
    assert_string_equal(child_take_text(&more, &arena), "");
    assert_false(child_take(&more, &one, sizeof one));
    assert_null(child_take_array(&more, &arena, 0, sizeof one));
    arena_free(&arena);
    child_bytes_free(&more);
}

static void die(void *data, FILE *more) {
    (void)more;
    *(int *)data = 1;
    raise(SIGKILL);
}

static void an_early_end_is_an_error_and_changes_nothing(void **state) {
    struct child child = {0};
    struct child_bytes more;
    const char *what;
    int number = 0;
    (void)state;
    assert_int_equal(child_run(&child, die, &number, sizeof number, &more, &what), ECHILD);
    assert_int_equal(number, 0);
    assert_string_equal(what, "the child process was killed");
    child_bytes_free(&more);
}

static void hang(void *data, FILE *more) {
    (void)data;
    (void)more;
    for (;;)
        pause();
}

static void the_time_limit_is_kept(void **state) {
    struct child child = {.seconds = 1};
    const char *what;
    (void)state;
    assert_int_equal(child_run(&child, hang, NULL, 0, NULL, &what), ETIMEDOUT);
}

static void stop(void *data, FILE *more) {
    (void)data;
    (void)more;
    raise(SIGSTOP);
}

/* Its own alarm does not end it. */
static void a_child_that_is_stopped_is_not_waited_for(void **state) {
    struct child child = {.seconds = 1};
    const char *what;
    (void)state;
    assert_int_equal(child_run(&child, stop, NULL, 0, NULL, &what), ETIMEDOUT);
    assert_string_equal(what, "the child process exceeded its time limit");
}

enum { OTHER_USER = 4321 };

static void look_at_ids(void *data, FILE *more) {
    uid_t *ids = data;
    (void)more;
    getresuid(&ids[0], &ids[1], &ids[2]);
}

/* Who has the effective id alone of a process cannot send it signals. */
static void another_user_cannot_stop_the_child(void **state) {
    struct child child = {.other_user = true, .uid = OTHER_USER};
    uid_t ids[3];
    const char *what;
    (void)state;
    if (geteuid() != 0)
        skip();
    assert_int_equal(child_run(&child, look_at_ids, ids, sizeof ids, NULL, &what), 0);
    assert_int_equal(ids[0], getuid());
    assert_int_equal(ids[1], OTHER_USER);
    assert_int_equal(ids[2], getuid());
}

static void a_namespace_that_is_none_is_an_error(void **state) {
    struct namespace nowhere = {.path = "/proc/self/status"};
    struct child child = {.where = &nowhere};
    const char *what;
    int number = 0;
    (void)state;
    assert_int_equal(child_run(&child, die, &number, sizeof number, NULL, &what), EINVAL);
    assert_string_equal(what, "entering the network namespace");
}

/* --- acting in another namespace --- */

/* In one process: a second namespace, whose handle is kept, and back to the first. Returns the
 * number of the step that failed. */
static int act_elsewhere(void) {
    char reason[NETNS_REASON_SIZE], value[32];
    if (netns_enter(reason) == NETNS_REFUSED)
        return -1;
    int first = netns_open(NETNS_HERE, "/proc/self/ns/net", 0);
    if (netns_enter(reason) == NETNS_REFUSED)
        return -1;
    struct namespace here = namespaces_here();
    struct netns there = {first};
    if (sysctl_write(NETNS_HERE, "net.ipv4.ip_local_port_range", "30000 30099") != 0 ||
        sysctl_write(there, "net.ipv4.ip_local_port_range", "20000 20099") != 0)
        return 1;
    if (sysctl_read(there, "net.ipv4.ip_local_port_range", value, sizeof value) != 0 ||
        strcmp(value, "20000 20099") != 0)
        return 2;
    struct port_range range;
    if (sysctl_port_range(NETNS_HERE, &range, NULL) != 0 || range.low != 30000 ||
        range.high != 30099)
        return 3;
    int listener = netns_socket(there, AF_INET, SOCK_STREAM, 0);
    int diag = sockdiag_open(there);
    if (listener < 0 || diag < 0 || sockdiag_works(diag) != 0 ||
        sockdiag_sees_bound(diag, there) < 0)
        return 4;
    close(listener);
    close(diag);
    return namespaces_here().inode == here.inode ? 0 : 5;
}

static void act(void *data, FILE *more) {
    (void)more;
    *(int *)data = act_elsewhere();
}

static void a_call_in_another_namespace_comes_back(void **state) {
    struct child child = {0};
    const char *what;
    int step = 0;
    (void)state;
    assert_int_equal(child_run(&child, act, &step, sizeof step, NULL, &what), 0);
    if (step < 0)
        skip();
    assert_int_equal(step, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_work_changes_and_writes_comes_back),
        cmocka_unit_test(an_early_end_is_an_error_and_changes_nothing),
        cmocka_unit_test(the_time_limit_is_kept),
        cmocka_unit_test(a_child_that_is_stopped_is_not_waited_for),
        cmocka_unit_test(another_user_cannot_stop_the_child),
        cmocka_unit_test(a_namespace_that_is_none_is_an_error),
        cmocka_unit_test(a_call_in_another_namespace_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
