/* Taking the user, groups, capabilities, root and directory of another process, in a child that is
 * forked for each try. As an ordinary user, processes of that user alone can be taken. */
#include "kernel/credentials.h"

#include <errno.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

/* Starts a process that `prepare` changes first. Returns its id; 0 if that cannot be done here. */
static pid_t start(bool (*prepare)(void)) {
    int ready[2];
    char byte = 0;
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(ready[0]);
        byte = prepare == NULL || prepare() ? 'y' : 'n';
        if (write(ready[1], &byte, 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    if (byte == 'y')
        return pid;
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    return 0;
}

static void stop(pid_t pid) {
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

/* Takes what the process is, in a child, and checks it there. Returns what `check` returned; 100
 * plus the errno if it could not be taken. */
static int take_and(pid_t pid, bool files, int (*check)(void)) {
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        int error = credentials_take(pid, files);
        _exit(error != 0 ? 100 + error : check());
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* --- our own --- */

static int is_unchanged(void) {
    return getuid() == geteuid() ? 0 : 1;
}

static void what_is_ours_already_can_be_taken(void **state) {
    (void)state;
    pid_t pid = start(NULL);
    assert_int_equal(take_and(pid, false, is_unchanged), 0);
    assert_true(credentials_share_files(pid));
    stop(pid);
    assert_false(credentials_share_files(pid));
    assert_int_equal(take_and(pid, false, is_unchanged), 100 + ENOENT);
}

static char directory[] = "/tmp/portreuse-cwd-XXXXXX";

static bool go_to_directory(void) {
    return chdir(directory) == 0;
}

static int is_in_directory(void) {
    char here[256];
    return getcwd(here, sizeof here) != NULL && strcmp(here, directory) == 0 ? 0 : 1;
}

static int is_elsewhere(void) {
    return is_in_directory() == 0 ? 1 : 0;
}

static void the_working_directory_is_taken_with_the_files_alone(void **state) {
    (void)state;
    assert_non_null(mkdtemp(directory));
    pid_t pid = start(go_to_directory);
    assert_true(pid != 0);
    assert_int_equal(take_and(pid, true, is_in_directory), 0);
    assert_int_equal(take_and(pid, false, is_elsewhere), 0);
    stop(pid);
    rmdir(directory);
}

/* --- another user --- */

enum { OTHER_USER = 4321, OTHER_GROUP = 4322, MORE_GROUP = 4323 };

static bool become_user(void) {
    return setresgid(OTHER_GROUP, OTHER_GROUP, OTHER_GROUP) == 0 &&
           setresuid(OTHER_USER, OTHER_USER, OTHER_USER) == 0;
}

static bool become_other(void) {
    static const gid_t groups[] = {MORE_GROUP};
    return setgroups(1, groups) == 0 && become_user();
}

/* Takes the credentials of a process that has made itself another; root alone can. */
static void take_from(bool (*begin)(void), int (*look)(void)) {
    pid_t pid = geteuid() == 0 ? start(begin) : 0;
    if (pid == 0)
        skip();
    assert_int_equal(take_and(pid, false, look), 0);
    stop(pid);
}

static int is_other(void) {
    gid_t groups[2];
    if (geteuid() != OTHER_USER || getegid() != OTHER_GROUP)
        return 1;
    if (getgroups(2, groups) != 1 || groups[0] != MORE_GROUP)
        return 2;
    if (chroot("/") == 0) /* the capabilities of root are gone */
        return 3;
    /* Its real and saved ids are not: that user cannot stop us. */
    uid_t real, effective, saved;
    return getresuid(&real, &effective, &saved) == 0 && real == 0 && saved == 0 ? 0 : 4;
}

static void the_user_the_groups_and_no_more_capabilities_are_taken(void **state) {
    (void)state;
    take_from(become_other, is_other);
}

/* --- many groups --- */

/* /proc/PID/status has a line of 55 KB then. */
enum { GROUPS = 5000, FIRST_GROUP = 1000000000 };

static bool join_groups(void) {
    static gid_t groups[GROUPS];
    for (unsigned i = 0; i < GROUPS; i++)
        groups[i] = FIRST_GROUP + i;
    return setgroups(GROUPS, groups) == 0 && become_user();
}

static int has_groups(void) {
    static gid_t groups[GROUPS];
    if (getgroups(GROUPS, groups) != GROUPS || groups[GROUPS - 1] != FIRST_GROUP + GROUPS - 1)
        return 1;
    return chroot("/") == 0 ? 2 : 0; /* the capabilities are further below */
}

static void thousands_of_groups_are_taken(void **state) {
    (void)state;
    take_from(join_groups, has_groups);
}

/* --- another root --- */

static bool enter_root(void) {
    return unshare(CLONE_NEWNS) == 0 && chroot(directory) == 0 && chdir("/inside") == 0;
}

static int is_below_root(void) {
    char here[256];
    return getcwd(here, sizeof here) != NULL && strcmp(here, "/inside") == 0 &&
                   access("/proc", F_OK) < 0
               ? 0
               : 1;
}

static void another_root_is_taken(void **state) {
    char inside[64];
    (void)state;
    strcpy(strstr(directory, "cwd-") + 4, "XXXXXX");
    assert_non_null(mkdtemp(directory));
    snprintf(inside, sizeof inside, "%s/inside", directory);
    assert_int_equal(mkdir(inside, 0755), 0);
    pid_t pid = geteuid() == 0 ? start(enter_root) : 0;
    if (pid != 0) {
        assert_false(credentials_share_files(pid));
        assert_int_equal(take_and(pid, true, is_below_root), 0);
        stop(pid);
    }
    rmdir(inside);
    rmdir(directory);
    if (pid == 0)
        skip();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_ours_already_can_be_taken),
        cmocka_unit_test(the_working_directory_is_taken_with_the_files_alone),
        cmocka_unit_test(the_user_the_groups_and_no_more_capabilities_are_taken),
        cmocka_unit_test(thousands_of_groups_are_taken),
        cmocka_unit_test(another_root_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
