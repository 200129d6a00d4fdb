/* The owners of sockets as they are searched for by somebody who may not look into every process:
 * this one, which cannot be dumped, is out of reach of its child, which gives up all capabilities.
 */
#include "test.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/units.h"
#include "inspect/census.h"
#include "inspect/owners.h"
#include "kernel/process.h"

static uint32_t inode_of(int fd) {
    struct stat file;
    assert_int_equal(fstat(fd, &file), 0);
    return (uint32_t)file.st_ino;
}

/* Returns 0 if a census taken without any capability says of the process that it may not be looked
 * into, and no more than that. */
static int census_of_denied(pid_t pid) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {{0}};
    struct census census = {0};
    if (syscall(SYS_capset, &header, none) < 0 || !census_take(&census))
        return 1;
    const struct census_process *process = table_find(&census.processes, &pid);
    bool right = process != NULL && process->denied && !process->moves;
    census_free(&census);
    return right ? 0 : 2;
}

/* A process whose descriptors move is looked at again and again, which takes a long time. */
static void census_does_not_take_a_denied_process_for_one_that_moves(void **state) {
    int status = -1;
    (void)state;
    assert_int_equal(prctl(PR_SET_DUMPABLE, 0), 0);
    pid_t child = fork();
    if (child == 0)
        _exit(census_of_denied(getppid()));
    waitpid(child, &status, 0);
    prctl(PR_SET_DUMPABLE, 1);
    assert_int_equal(status, 0);
}

/* Gives up all capabilities, and looks into this process and its parent alone. */
static bool look_without_rights(pid_t parent) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {{0}};
    process_use_group(parent);
    owners_forget();
    return syscall(SYS_capset, &header, none) == 0;
}

/* Searches for the sockets; returns how long that took, the shortest of some times. */
static uint64_t search_time(struct owners *sockets, size_t count) {
    uint64_t shortest = UINT64_MAX;
    for (int i = 0; i < 4; i++) {
        owners_forget();
        uint64_t begin = units_now_ns();
        owners_find(sockets, count);
        uint64_t took = units_now_ns() - begin;
        shortest = took < shortest ? took : shortest;
    }
    return shortest;
}

/* Returns 0 if the parent's socket is searched for once if another user made it, and again and
 * again otherwise; and is never called nobody's. */
static int search_out_of_reach(pid_t parent, int fd) {
    enum { LEAST_MS = 50 }; /* of a search that looks again */
    uint32_t inode = inode_of(fd);
    struct owners one = {.inode = inode, .others = true};
    struct owners two[2] = {{.inode = inode, .others = true}, {.inode = UINT32_MAX}};
    struct owners mine = {.inode = inode_of(socket(AF_INET, SOCK_STREAM, 0)), .others = true};
    close(fd);
    if (!look_without_rights(parent))
        return 1;
    uint64_t once = search_time(&one, 1), again = search_time(two, 2);
    if (one.count != 0 || one.search != OWNERS_DENIED || two[0].search != OWNERS_DENIED)
        return 2;
    if (again < LEAST_MS * (uint64_t)NS_PER_MS || once >= again / 2)
        return 3;
    owners_find(&mine, 1);
    return mine.count == 1 && mine.oldest[0].pid == getpid() ? 0 : 4;
}

/* Has a child search, while this process, which has a socket, may not be looked into. Returns the
 * status of the child. */
static int search_below_denied(int (*search)(pid_t parent, int fd)) {
    int status = -1, fd = socket(AF_INET, SOCK_STREAM, 0);
    pid_t group = getpgrp();
    assert_int_equal(setpgid(0, 0), 0);
    assert_int_equal(prctl(PR_SET_DUMPABLE, 0), 0);
    pid_t child = fork();
    if (child == 0)
        _exit(search(getppid(), fd));
    waitpid(child, &status, 0);
    prctl(PR_SET_DUMPABLE, 1);
    setpgid(0, group);
    close(fd);
    return status;
}

/* More looks do not show more: a process that may not be looked into has the socket. */
static void owners_find_searches_once_for_what_is_out_of_reach(void **state) {
    (void)state;
    assert_int_equal(search_below_denied(search_out_of_reach), 0);
}

/* Returns 0 if the parent, which cannot be looked into, is not taken for one that may have the
 * socket: it is in another network namespace. */
static int search_apart(pid_t parent, int fd) {
    int own = socket(AF_INET, SOCK_STREAM, 0);
    struct owners gone = {.inode = inode_of(own), .others = true};
    close(own);
    close(fd);
    prctl(PR_SET_DUMPABLE, 1); /* for the user namespace */
    if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
        return 77;
    if (!look_without_rights(parent))
        return 1;
    return owners_find(&gone, 1) == 0 && gone.search != OWNERS_DENIED ? 0 : 2;
}

static void owners_find_knows_who_is_in_another_namespace(void **state) {
    int status = search_below_denied(search_apart);
    (void)state;
    if (WEXITSTATUS(status) == 77)
        skip();
    assert_int_equal(status, 0);
}

/* Hands the socket on by fork(2), from one process to the next, until it is told to end. */
static pid_t spawn_relay(int fd, int *end) {
    int ends[2];
    assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
    pid_t first = fork();
    if (first == 0) {
        char byte;
        close(ends[1]);
        while (read(ends[0], &byte, 1) < 0)
            if (fork() > 0)
                _exit(fd < 0);
        _exit(0);
    }
    close(ends[0]);
    *end = ends[1];
    return first;
}

/* Returns 0 if a socket that moves from process to process is found, or else called out of reach,
 * each time. */
static int search_relay(pid_t parent, int fd) {
    enum { LOOKS = 12 };
    int end, status = 0;
    prctl(PR_SET_DUMPABLE, 1);
    struct owners found = {.inode = inode_of(fd), .others = true};
    bool ready = look_without_rights(parent);
    pid_t first = spawn_relay(fd, &end);
    close(fd);
    waitpid(first, NULL, 0);
    for (int i = 0; ready && i < LOOKS; i++) {
        owners_forget();
        owners_find(&found, 1);
        if (found.count == 0 && found.search != OWNERS_DENIED)
            status = 2;
    }
    close(end);
    return ready ? status : 1;
}

static void owners_find_calls_nothing_nobodys_where_a_process_is_denied(void **state) {
    (void)state;
    assert_int_equal(search_below_denied(search_relay), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(census_does_not_take_a_denied_process_for_one_that_moves),
        cmocka_unit_test(owners_find_searches_once_for_what_is_out_of_reach),
        cmocka_unit_test(owners_find_knows_who_is_in_another_namespace),
        cmocka_unit_test(owners_find_calls_nothing_nobodys_where_a_process_is_denied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
