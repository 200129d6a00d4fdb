/* The board of a case: its layout, the addresses that it resolves, the rounds that it counts. */
#include "test.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/board.h"

static const char text[] = "title t\n"
                           "setup\n"
                           " a socket s\n"
                           " a bind s 127.0.0.1:80\n"
                           "case one\n"
                           " await LISTEN *:80\n"
                           "case two\n"
                           " a socket c\n"
                           " a repeat 10\n"
                           "  connect c $a.s\n"
                           "  close c\n"
                           " end\n"
                           " b socket x\n"
                           " b bind x *:$a.s.port\n"
                           " b repeat\n"
                           "  socket x\n"
                           " end -> EMFILE\n";

static struct scenario *scenario;
static struct board *board;

static int make_board(void **state) {
    struct errors errors = {0};
    (void)state;
    scenario = scenario_parse("n", NULL, text, sizeof text - 1, &errors);
    errors_print(&errors, stderr);
    errors_free(&errors);
    board = board_new(scenario, 1);
    return board == NULL ? -1 : 0;
}

static int free_board(void **state) {
    (void)state;
    board_free(board);
    board_free(NULL);
    scenario_free(scenario);
    return 0;
}

static const struct step *step_of_line(unsigned line) {
    const struct step *step = scenario->steps;
    while (step->line != line)
        step++;
    return step;
}

static void each_step_of_the_setup_and_the_case_has_a_result(void **state) {
    (void)state;
    assert_int_equal(board->result.step_count, 2 + 8);
    assert_int_equal(board->under_way, NO_STEP);
    assert_ptr_equal(board_result(board, step_of_line(3)), &board->result.steps[0]);
    assert_ptr_equal(board_result(board, step_of_line(4)), &board->result.steps[1]);
    assert_ptr_equal(board_result(board, step_of_line(8)), &board->result.steps[2]);
    assert_ptr_equal(board_result(board, step_of_line(16)), &board->result.steps[9]);
    assert_string_equal(board->result.reason, "");
}

/* The parts of the mapping do not overlap: what is written to each is still there at the end. */
static void the_parts_do_not_overlap(void **state) {
    (void)state;
    for (size_t i = 0; i < board->result.step_count; i++) {
        struct step_result *result = &board->result.steps[i];
        const struct step *step = result_step(scenario, 1, i);
        result->elapsed_ns = i + 1;
        memset(result->evidence, (int)i + 1, sizeof *result->evidence);
        for (size_t k = 0; k < board_rounds_kept(step); k++)
            result->rounds_ns[k] = i + 1;
    }
    for (unsigned role = 0; role < scenario->role_count; role++)
        for (unsigned socket = 0; socket < scenario->socket_count; socket++)
            board_view(board, role, socket)->inode = role * 100 + socket;
    for (size_t i = 0; i < board->result.step_count; i++) {
        const struct step_result *result = &board->result.steps[i];
        const unsigned char *bytes = (const unsigned char *)result->evidence;
        assert_int_equal(result->elapsed_ns, i + 1);
        assert_int_equal(bytes[0], i + 1);
        assert_int_equal(bytes[sizeof *result->evidence - 1], i + 1);
        for (size_t k = 0; k < board_rounds_kept(result_step(scenario, 1, i)); k++)
            assert_int_equal(result->rounds_ns[k], i + 1);
    }
    for (unsigned role = 0; role < scenario->role_count; role++)
        for (unsigned socket = 0; socket < scenario->socket_count; socket++)
            assert_int_equal(board_view(board, role, socket)->inode, role * 100 + socket);
}

/* What a role writes is seen when it is taken, and sound then. */
static void what_a_role_writes_is_checked(void **state) {
    (void)state;
    board_mistrust(board);
    struct socket_view *written = &board->written[0], *view = board_view(board, 0, 0);
    memset(written, 0xff, sizeof *written);
    assert_int_equal(view->family, 0);
    board_take(board, 0);
    assert_int_equal(view->family, 0);
    assert_int_equal(view->local.family, 0);
    assert_true((unsigned)view->protocol < PROTOCOL_COUNT);
    assert_int_equal(strlen(view->name), UNIX_NAME_SIZE);
    written->family = written->local.family = AF_UNIX; /* no endpoint has it */
    board_take(board, 0);
    assert_int_equal(view->family, AF_UNIX);
    assert_int_equal(view->local.family, 0);
    memcpy(written->name, "a\033[2Jb", sizeof "a\033[2Jb");
    board_take(board, 0);
    assert_string_equal(view->name, "a?[2Jb");
    view->inode = 7;
    board_give(board, 0);
    assert_int_equal(written->inode, 7);
}

/* A role that leaves the board reaches neither the result nor a pointer of the others. */
static void a_role_writes_to_its_own_part_alone(void **state) {
    (void)state;
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        if (board_leave(board) != 0)
            _exit(1);
        board->result.verdict = VERDICT_ERROR;
        board->scenario = NULL;
        memset(board->result.steps, 0xff, sizeof board->result.steps[0]);
        board->written[0].inode = 4711;
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_ptr_equal(board->scenario, scenario);
    assert_int_equal(board->result.verdict, VERDICT_PASS);
    assert_int_equal(board->result.steps[0].elapsed_ns, 0);
    assert_int_equal(board->written[0].inode, 4711);
}

static void only_an_await_may_say_what_it_saw(void **state) {
    (void)state;
    for (size_t i = 0; i < board->result.step_count; i++)
        assert_null(board->result.steps[i].seen);
    struct board *other = board_new(scenario, 0);
    assert_non_null(other->result.steps[2].seen);
    board_free(other);
}

static void what_another_process_writes_is_seen_here(void **state) {
    int status;
    (void)state;
    pid_t pid = fork();
    if (pid == 0) {
        board->under_way = 3;
        strcpy(board->reason, "because");
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(board->under_way, 3);
    assert_string_equal(board->result.reason, "because");
}

static void a_block_keeps_the_time_of_so_many_rounds(void **state) {
    (void)state;
    assert_int_equal(board_rounds_kept(step_of_line(9)), 10);
    assert_int_equal(board_rounds_kept(step_of_line(15)), ROUNDS_KEPT);
    assert_int_equal(board_rounds_kept(step_of_line(10)), 0);
}

static void the_rounds_so_far_are_those_with_a_time(void **state) {
    const struct step *block = step_of_line(9);
    (void)state;
    for (size_t done = 0; done <= 10; done++) {
        if (done > 0)
            board_result(board, block)->rounds_ns[done - 1] = 1;
        assert_int_equal(board_rounds(board, block), done);
    }
    assert_int_equal(board_rounds(board, step_of_line(8)), 0);
}

static void a_written_address_is_itself(void **state) {
    struct endpoint endpoint;
    (void)state;
    assert_true(board_resolve(board, step_address(step_of_line(4)), AF_INET, &endpoint));
    assert_int_equal(endpoint.port, 80);
    assert_int_equal(endpoint.family, AF_INET);
}

static void a_reference_is_what_the_board_knows_of_the_socket(void **state) {
    const struct address *whole = step_address(step_of_line(10));
    const struct address *port = step_address(step_of_line(14));
    struct endpoint endpoint;
    char name[ENDPOINT_TEXT_SIZE];
    (void)state;
    assert_false(board_resolve(board, whole, AF_INET, &endpoint));
    assert_false(board_resolve(board, port, AF_INET, &endpoint));
    struct socket_view *view = board_view(board, 0, 0);
    view->made = true;
    view->local = step_address(step_of_line(4))->pattern.endpoint;
    view->local.port = 4242;
    assert_true(board_resolve(board, whole, AF_INET, &endpoint));
    assert_string_equal(endpoint_text(&endpoint, name), "127.0.0.1:4242");
    assert_true(board_resolve(board, port, AF_INET6, &endpoint));
    assert_string_equal(endpoint_text(&endpoint, name), "[::]:4242");
}

static void a_peer_is_known_once_there_is_one(void **state) {
    struct address peer = {.use = ADDRESS_OF_SOCKET, .role = 0, .socket = 0, .peer = true};
    struct endpoint endpoint;
    (void)state;
    board_view(board, 0, 0)->made = true;
    assert_false(board_resolve(board, &peer, AF_INET, &endpoint));
    board_view(board, 0, 0)->has_peer = true;
    board_view(board, 0, 0)->peer.port = 7;
    assert_true(board_resolve(board, &peer, AF_INET, &endpoint));
    assert_int_equal(endpoint.port, 7);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_board, free_board)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(each_step_of_the_setup_and_the_case_has_a_result),
        TEST(the_parts_do_not_overlap),
        TEST(only_an_await_may_say_what_it_saw),
        TEST(what_another_process_writes_is_seen_here),
        TEST(what_a_role_writes_is_checked),
        TEST(a_role_writes_to_its_own_part_alone),
        TEST(a_block_keeps_the_time_of_so_many_rounds),
        TEST(the_rounds_so_far_are_those_with_a_time),
        TEST(a_written_address_is_itself),
        TEST(a_reference_is_what_the_board_knows_of_the_socket),
        TEST(a_peer_is_known_once_there_is_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
