/* Who leaves ports in TIME-WAIT: what is known of the ports of a route while it is watched. */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "diagnose/makers_book.h"

static struct maker program(pid_t pid, const char *name, uint32_t uid, pid_t starter) {
    struct maker maker = {.owner = {.pid = pid, .uid = uid}, .starter = starter};
    snprintf(maker.owner.program, sizeof maker.owner.program, "%s", name);
    return maker;
}

/* A connection that was seen open, and whose it is. */
static void open_one(struct makers_book *book, uint16_t port, uint32_t inode, uint32_t ms,
                     const struct maker *maker, uint64_t cgroup) {
    assert_true(makers_see(book, port, inode, ms));
    assert_true(makers_own(book, port, maker, cgroup));
}

static struct makers finish(struct makers_book *book) {
    uint64_t groups[MAKERS_LISTED];
    struct makers makers = {0};
    makers_finish(book, &makers, groups);
    makers_end(book);
    return makers;
}

static void processes_of_one_program_and_starter_are_one_maker(void **state) {
    struct makers_book book;
    (void)state;
    assert_true(makers_begin(&book));
    for (uint16_t i = 0; i < 10; i++) {
        struct maker curl = program((pid_t)(100 + i), "curl", 1000, i < 8 ? 7 : 8);
        open_one(&book, (uint16_t)(2000 + i), 50 + i, i, &curl, 0);
        makers_close(&book, (uint16_t)(2000 + i), i + 1);
    }
    struct maker ab = program(90, "ab", 0, 7);
    for (uint16_t i = 0; i < 3; i++)
        open_one(&book, (uint16_t)(3000 + i), 500 + i, 1, &ab, 0);
    struct makers makers = finish(&book);
    assert_int_equal(makers.closed, 10);
    assert_int_equal(makers.attributed, 10);
    assert_int_equal(makers.opened, 13);
    assert_int_equal(makers.count, 3);
    assert_int_equal(makers.list[0].closed, 8);
    assert_int_equal(makers.list[0].processes, 8);
    assert_int_equal(makers.list[0].starter, 7);
    assert_int_equal(makers.list[1].closed, 2);
    assert_string_equal(makers.list[2].owner.program, "ab");
    assert_int_equal(makers.list[2].opened, 3);
    assert_int_equal(makers.list[2].closed, 0);
    assert_int_equal(makers.list[2].processes, 1);
}

static void what_was_not_seen_open_is_counted_for_nobody(void **state) {
    struct makers_book book;
    struct maker maker = program(90, "ab", 0, 7);
    (void)state;
    assert_true(makers_begin(&book));
    book.gap_ms = 10;
    makers_close(&book, 2000, 5); /* never seen */
    open_one(&book, 2001, 1, 100, &maker, 0);
    makers_close(&book, 2001, 105);
    makers_close(&book, 2001, 900); /* another connection on that port */
    open_one(&book, 2002, 2, 1000, &maker, 0);
    makers_close(&book, 2002, 900); /* an earlier one */
    struct makers makers = finish(&book);
    assert_int_equal(makers.closed, 4);
    assert_int_equal(makers.attributed, 1);
    assert_int_equal(makers.list[0].closed, 1);
}

/* It was closed here, and waits in FIN-WAIT-2: there it has no inode any more. */
static void a_connection_that_waits_for_its_peer_is_still_the_makers(void **state) {
    struct makers_book book;
    struct maker maker = program(90, "ab", 0, 7);
    (void)state;
    assert_true(makers_begin(&book));
    book.gap_ms = 10;
    open_one(&book, 2000, 1, 0, &maker, 0);
    for (uint32_t ms = 10; ms <= 500; ms += 10)
        assert_false(makers_see(&book, 2000, 0, ms));
    makers_close(&book, 2000, 505);
    assert_false(makers_see(&book, 2001, 0, 505)); /* nobody's */
    makers_close(&book, 2001, 506);
    struct makers makers = finish(&book);
    assert_int_equal(makers.attributed, 1);
}

static void a_process_can_be_found_at_a_later_look(void **state) {
    struct makers_book book;
    struct maker unknown = {.owner = {.uid = 5}}, other = {.owner = {.uid = 5}};
    struct maker found = program(90, "ab", 5, 7);
    (void)state;
    assert_true(makers_begin(&book));
    open_one(&book, 2000, 1, 0, &unknown, 77);
    open_one(&book, 2001, 2, 0, &other, 88);
    assert_true(makers_see(&book, 2000, 1, 5));
    assert_true(makers_own(&book, 2000, &found, 77));
    assert_false(makers_see(&book, 2000, 1, 10));
    makers_close(&book, 2000, 12);
    struct makers makers = finish(&book);
    assert_int_equal(makers.opened, 2);
    assert_int_equal(makers.count, 2);
    assert_int_equal(makers.list[0].owner.pid, 90);
    assert_int_equal(makers.list[0].closed, 1);
    assert_int_equal(makers.list[1].owner.pid, 0);
    assert_int_equal(makers.list[1].opened, 1);
    assert_int_equal(makers.list[1].processes, 0);
}

static void owners_that_were_not_found_are_named_if_one_program_alone_is_seen(void **state) {
    (void)state;
    for (unsigned programs = 1; programs <= 2; programs++) {
        struct makers makers = {.count = programs, .known = programs};
        makers.list[0] = program(90, "ab", 5, 7);
        makers.list[0].processes = 1;
        makers.list[1] = program(91, "wrk", 5, 7);
        struct budget_owners owners = {.known = 2, .count = 2, .hidden = 30};
        owners.list[0] = (struct budget_owner){.owner = {.uid = 5}, .sockets = 20};
        owners.list[1] = (struct budget_owner){.owner = {.uid = 6}, .sockets = 10};
        makers_name(&makers, &owners);
        assert_int_equal(owners.list[0].owner.pid, programs == 1 ? 90 : 0);
        assert_int_equal(owners.list[0].estimated, programs == 1);
        assert_int_equal(owners.hidden, programs == 1 ? 10 : 30);
        assert_int_equal(owners.list[1].owner.pid, 0);
    }
}

static void what_is_nobodys_of_a_user_is_the_only_programs_of_that_user(void **state) {
    (void)state;
    for (unsigned programs = 1; programs <= 2; programs++) {
        struct makers_book book;
        struct maker unknown = {.owner = {.uid = 5}}, stranger = {.owner = {.uid = 6}};
        struct maker ab = program(90, "ab", 5, 7), wrk = program(91, "wrk", 5, 7);
        assert_true(makers_begin(&book));
        open_one(&book, 2000, 1, 0, &unknown, 0);
        open_one(&book, 2001, 2, 0, &stranger, 0);
        open_one(&book, 2002, 3, 0, &ab, 0);
        if (programs == 2)
            open_one(&book, 2003, 4, 0, &wrk, 0);
        for (uint16_t port = 2000; port < 2003; port++)
            makers_close(&book, port, 1);
        struct makers makers = finish(&book);
        assert_int_equal(makers.attributed, 3);
        assert_int_equal(makers.count, programs == 1 ? 2 : 4);
        for (unsigned i = 0; i < makers.known; i++) {
            const struct maker *maker = &makers.list[i];
            bool is_ab = maker->owner.pid == 90;
            assert_int_equal(maker->estimated, is_ab && programs == 1);
            if (maker->owner.pid != 91)
                assert_int_equal(maker->closed, is_ab && programs == 1 ? 2 : 1);
        }
    }
}

/* The peer closes whenever it wants, and the port can have been used again before the list is read.
 */
static void events_name_the_maker_of_the_last_connection_before(void **state) {
    struct makers_book book;
    struct maker ab = program(90, "ab", 5, 7), wrk = program(91, "wrk", 5, 7);
    uint32_t first, second, same;
    (void)state;
    assert_true(makers_begin(&book));
    assert_true(makers_know(&book, &ab, 0, &first));
    assert_true(makers_know(&book, &wrk, 0, &second));
    assert_true(makers_know(&book, &ab, 0, &same));
    assert_int_equal(first, same);
    makers_opens(&book, first);
    makers_opens(&book, second);
    makers_opens(&book, 0);
    makers_closes(&book, first, 2000, 100);
    makers_close(&book, 2000, 70000); /* it waited for its peer */
    makers_closes(&book, second, 2001, 200);
    makers_closes(&book, 0, 2002, 200);
    makers_close(&book, 2002, 201); /* nobody's */
    makers_close(&book, 2001, 100); /* an earlier one */
    makers_close(&book, 2003, 100); /* closed before the watch began */
    struct makers makers = finish(&book);
    assert_int_equal(makers.opened, 3);
    assert_int_equal(makers.closed, 4);
    assert_int_equal(makers.attributed, 1);
    assert_string_equal(makers.list[0].owner.program, "ab");
    assert_int_equal(makers.list[0].closed, 1);
    assert_int_equal(makers.list[0].processes, 1);
    assert_int_equal(makers.list[1].opened, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(processes_of_one_program_and_starter_are_one_maker),
        cmocka_unit_test(what_was_not_seen_open_is_counted_for_nobody),
        cmocka_unit_test(a_connection_that_waits_for_its_peer_is_still_the_makers),
        cmocka_unit_test(a_process_can_be_found_at_a_later_look),
        cmocka_unit_test(what_is_nobodys_of_a_user_is_the_only_programs_of_that_user),
        cmocka_unit_test(events_name_the_maker_of_the_last_connection_before),
        cmocka_unit_test(owners_that_were_not_found_are_named_if_one_program_alone_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
