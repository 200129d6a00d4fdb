/* Whose sockets the connections of a route are. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "diagnose/holders.h"

enum { HERE = 3, ELSEWHERE = 7 };

static const uint32_t here[] = {HERE};

static struct inet_socket opened(uint32_t inode, uint32_t uid, uint64_t cgroup) {
    return (struct inet_socket){
        .state = STATE_ESTABLISHED, .inode = inode, .uid = uid, .cgroup = cgroup};
}

static void note(struct holders *holders, uint32_t route, uint32_t inode) {
    struct inet_socket socket = opened(inode, 0, 0);
    assert_true(holders_note(holders, route, &socket));
}

static void found(struct holders *holders, uint32_t inode, pid_t pid, pid_t parent,
                  const char *program) {
    struct holder process = {
        .pid = pid, .parent = parent, .group = parent, .started = (uint64_t)pid};
    snprintf(process.program, sizeof process.program, "%s", program);
    assert_true(holders_found(holders, inode, &process));
}

static struct budget_owners rank(struct holders *holders, uint64_t group[BUDGET_OWNERS]) {
    struct budget_owners owners;
    holders_join(holders);
    assert_true(holders_count(holders, here, 1));
    holders_rank(holders, HERE, &owners, group);
    return owners;
}

static void the_owners_with_the_most_are_listed_whoever_comes_first(void **state) {
    enum { OWNERS = BUDGET_OWNERS + 3 };
    struct holders holders;
    uint64_t group[BUDGET_OWNERS];
    char name[16];
    (void)state;
    holders_begin(&holders);
    for (uint32_t i = 0; i < OWNERS; i++)
        for (uint32_t k = 0; k <= i; k++) {
            note(&holders, HERE, 1000 * (i + 1) + k);
            snprintf(name, sizeof name, "program-%u", i);
            found(&holders, 1000 * (i + 1) + k, (pid_t)(100 + i), 1, name);
        }
    note(&holders, ELSEWHERE, 1);
    found(&holders, 1, 100, 1, "program-0");
    struct budget_owners owners = rank(&holders, group);
    assert_int_equal(owners.count, OWNERS);
    assert_int_equal(owners.processes, OWNERS);
    assert_int_equal(owners.known, BUDGET_OWNERS);
    for (unsigned i = 0; i < BUDGET_OWNERS; i++) {
        assert_int_equal(owners.list[i].owner.pid, 100 + OWNERS - 1 - i);
        assert_int_equal(owners.list[i].sockets, OWNERS - i);
        assert_false(owners.list[i].estimated);
    }
    holders_free(&holders);
}

static void a_socket_of_two_processes_counts_once_for_the_older(void **state) {
    struct holders holders;
    uint64_t group[BUDGET_OWNERS];
    (void)state;
    holders_begin(&holders);
    note(&holders, HERE, 1);
    found(&holders, 1, 20, 10, "sleep");
    found(&holders, 1, 10, 5, "client");
    found(&holders, 1, 30, 10, "sleep");
    struct budget_owners owners = rank(&holders, group);
    assert_int_equal(owners.count, 1);
    assert_int_equal(owners.list[0].owner.pid, 10);
    assert_int_equal(owners.list[0].sockets, 1);
    assert_int_equal(owners.list[0].workers, 0);
    holders_free(&holders);
}

static void a_master_and_its_workers_are_one(void **state) {
    struct holders holders;
    uint64_t group[BUDGET_OWNERS];
    struct holder master = {.pid = 10, .parent = 1, .program = "nginx"};
    bool is_new;
    (void)state;
    holders_begin(&holders);
    for (uint32_t i = 1; i <= 6; i++) {
        note(&holders, HERE, i);
        found(&holders, i, (pid_t)(20 + i % 3), 10, "nginx");
    }
    note(&holders, HERE, 100);
    found(&holders, 100, 40, 10, "other");
    struct holder *added = table_add(&holders.processes, &master.pid, &is_new);
    *added = master; /* has no socket itself */
    struct budget_owners owners = rank(&holders, group);
    assert_int_equal(owners.count, 2);
    assert_int_equal(owners.processes, 4);
    assert_int_equal(owners.list[0].owner.pid, 10);
    assert_int_equal(owners.list[0].workers, 3);
    assert_int_equal(owners.list[0].sockets, 6);
    assert_int_equal(owners.list[1].owner.pid, 40);
    holders_free(&holders);
}

static void a_single_process_is_named_itself(void **state) {
    struct holders holders;
    uint64_t group[BUDGET_OWNERS];
    struct holder parent = {.pid = 10, .parent = 1, .program = "client"};
    bool is_new;
    (void)state;
    holders_begin(&holders);
    note(&holders, HERE, 1);
    found(&holders, 1, 20, 10, "client");
    struct holder *added = table_add(&holders.processes, &parent.pid, &is_new);
    *added = parent;
    struct budget_owners owners = rank(&holders, group);
    assert_int_equal(owners.list[0].owner.pid, 20);
    assert_int_equal(owners.list[0].workers, 0);
    holders_free(&holders);
}

static void workers_without_a_master_are_one_if_they_are_of_one_group(void **state) {
    struct holders holders;
    uint64_t group[BUDGET_OWNERS];
    (void)state;
    holders_begin(&holders);
    for (uint32_t i = 1; i <= 3; i++) {
        note(&holders, HERE, i);
        struct holder process = {
            .pid = (pid_t)(20 + i), .parent = 1, .group = 10, .adopted = true, .program = "puma"};
        process.group += i == 3;
        assert_true(holders_found(&holders, i, &process));
    }
    struct budget_owners owners = rank(&holders, group);
    assert_int_equal(owners.count, 2);
    assert_int_equal(owners.list[0].owner.pid, 21);
    assert_int_equal(owners.list[0].workers, 1);
    holders_free(&holders);
}

static void what_is_not_found_is_told_by_user_and_control_group(void **state) {
    struct holders holders;
    uint64_t group[BUDGET_OWNERS];
    (void)state;
    holders_begin(&holders);
    for (uint32_t i = 1; i <= 5; i++) {
        struct inet_socket socket = opened(i, 1000, i <= 3 ? 77 : 88);
        socket.state = i == 1 ? STATE_CLOSE_WAIT : STATE_ESTABLISHED;
        assert_true(holders_note(&holders, HERE, &socket));
    }
    note(&holders, HERE, 0); /* TIME-WAIT */
    struct budget_owners owners = rank(&holders, group);
    assert_int_equal(owners.count, 2);
    assert_int_equal(owners.hidden, 5);
    assert_int_equal(owners.nobody, 1);
    assert_int_equal(owners.processes, 0);
    assert_int_equal(owners.list[0].owner.pid, 0);
    assert_int_equal(owners.list[0].owner.uid, 1000);
    assert_int_equal(owners.list[0].sockets, 3);
    assert_int_equal(owners.list[0].close_wait, 1);
    assert_int_equal(group[0], 77);
    assert_int_equal(group[1], 88);
    holders_free(&holders);
}

/* One process of which a part was read: all that is missing is its; of two they are shared out. */
static void the_rest_goes_to_the_processes_that_were_read_partly(void **state) {
    uint64_t group[BUDGET_OWNERS];
    (void)state;
    for (int partly = 1; partly <= 2; partly++) {
        struct holders holders;
        struct holder process = {.pid = 10, .program = "a", .partly = true};
        holders_begin(&holders);
        for (uint32_t i = 1; i <= 100; i++)
            note(&holders, HERE, i);
        for (uint32_t i = 1; i <= 10; i++)
            assert_true(holders_found(&holders, i, &process));
        struct holder other = {.pid = 20, .program = "b", .partly = partly == 2};
        for (uint32_t i = 11; i <= 15; i++)
            assert_true(holders_found(&holders, i, &other));
        struct budget_owners owners = rank(&holders, group);
        assert_int_equal(owners.list[0].owner.pid, 10);
        assert_int_equal(owners.list[0].sockets, partly == 1 ? 95 : 10 + 85 * 10 / 15);
        assert_int_equal(owners.list[0].estimated, partly == 2);
        assert_int_equal(owners.list[1].estimated, partly == 2);
        holders_free(&holders);
    }
}

static void only_partly_read_processes_of_the_same_user_get_the_rest(void **state) {
    struct holders holders;
    uint64_t group[BUDGET_OWNERS];
    struct holder process = {.pid = 10, .program = "a", .partly = true};
    (void)state;
    holders_begin(&holders);
    note(&holders, HERE, 1);
    assert_true(holders_found(&holders, 1, &process));
    struct inet_socket socket = opened(2, 1000, 0);
    assert_true(holders_note(&holders, HERE, &socket));
    struct budget_owners owners = rank(&holders, group);
    assert_int_equal(owners.hidden, 1);
    assert_int_equal(owners.list[0].sockets, 1);
    holders_free(&holders);
}

/* --- control groups --- */

static void control_groups_are_found_by_the_inode_of_their_folder(void **state) {
    char mount[] = "/tmp/portreuse-cgroup-XXXXXX", path[128];
    static const char *const folders[] = {"system.slice", "system.slice/nginx.service", "mine"};
    struct cgroup groups[4] = {{.id = 1}};
    struct stat folder;
    (void)state;
    assert_non_null(mkdtemp(mount));
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", mount, folders[i]);
        assert_int_equal(mkdir(path, 0700), 0);
        assert_int_equal(stat(path, &folder), 0);
        groups[i].id = folder.st_ino;
    }
    groups[3].id = UINT64_MAX; /* outside of this container */
    cgroup_find_below(mount, groups, 4);
    assert_string_equal(groups[1].path, "/system.slice/nginx.service");
    assert_string_equal(groups[1].unit, "nginx.service");
    assert_string_equal(groups[2].path, "/mine");
    assert_string_equal(groups[2].unit, "");
    assert_string_equal(groups[3].path, "");
    for (size_t i = 3; i-- > 0;) {
        snprintf(path, sizeof path, "%s/%s", mount, folders[i]);
        rmdir(path);
    }
    rmdir(mount);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_owners_with_the_most_are_listed_whoever_comes_first),
        cmocka_unit_test(a_socket_of_two_processes_counts_once_for_the_older),
        cmocka_unit_test(a_master_and_its_workers_are_one),
        cmocka_unit_test(a_single_process_is_named_itself),
        cmocka_unit_test(workers_without_a_master_are_one_if_they_are_of_one_group),
        cmocka_unit_test(what_is_not_found_is_told_by_user_and_control_group),
        cmocka_unit_test(the_rest_goes_to_the_processes_that_were_read_partly),
        cmocka_unit_test(only_partly_read_processes_of_the_same_user_get_the_rest),
        cmocka_unit_test(control_groups_are_found_by_the_inode_of_their_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
