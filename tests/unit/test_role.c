/* The calls of a role, asked for over its channel, without a stage: in a child, or in this process.
 */
#include "test.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/role.h"

static struct scenario *scenario;
static struct board *board;
static int channel; /* ours */
static int far_end; /* the role's */

/* Parses the steps of one case, and opens a channel. */
static void tell_story(const char *steps) {
    struct errors errors = {0};
    char text[2000];
    int ends[2];
    int size = snprintf(text, sizeof text, "title t\ncase c\n%s", steps);
    scenario = scenario_parse("n", "f", text, (size_t)size, &errors);
    errors_print(&errors, stderr);
    assert_int_equal(errors.count, 0);
    errors_free(&errors);
    board = board_new(scenario, 0);
    assert_non_null(board);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    channel = ends[0];
    far_end = ends[1];
}

static int end_story(void **state) {
    (void)state;
    close(channel);
    board_free(board);
    scenario_free(scenario);
    return 0;
}

/* Runs the first role in a child. */
static pid_t start_role(void) {
    pid_t pid = fork();
    if (pid == 0) {
        struct role role;
        close(channel);
        role_init(&role, scenario, board, 0, far_end);
        _exit(role_serve(&role));
    }
    close(far_end);
    return pid;
}

static int exit_status(pid_t pid) {
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void request(uint32_t step_index, bool stop) {
    struct request message = {.step_index = step_index, .stop = stop, .most_rounds = UINT64_MAX};
    assert_int_equal(protocol_send(channel, &message, sizeof message, -1), 0);
}

static struct reply receive(void) {
    struct reply reply;
    assert_int_equal(protocol_receive(channel, &reply, sizeof reply, 0, NULL), 0);
    return reply;
}

static struct reply ask(uint32_t step_index) {
    request(step_index, false);
    struct reply reply = receive();
    assert_int_equal(reply.step_index, step_index);
    return reply;
}

/* Has all steps done, and checks that each answers as its line expects. */
static void expect_story(void) {
    for (uint32_t i = 0; i < scenario->step_count; i++) {
        char got[ANSWER_TEXT_SIZE];
        struct reply reply = ask(i);
        if (strcmp(answer_text(&reply.answer, got), scenario->steps[i].want.text) != 0)
            fail_msg("line %u: want %s, got %s", scenario->steps[i].line,
                     scenario->steps[i].want.text, got);
        i += (uint32_t)scenario->steps[i].body;
    }
}

static void a_connection_is_made_used_and_closed(void **state) {
    (void)state;
    tell_story("r socket l SO_REUSEADDR\n"
               "r bind l 127.0.0.1:0\n"
               "r listen l\n"
               "r getsockopt l SO_REUSEADDR -> 1\n"
               "r socket c\n"
               "r connect c $r.l\n"
               "r accept l p\n"
               "r send c 5 -> 5\n"
               "r recv p 5 -> 5\n"
               "r shutdown c write\n"
               "r recv p -> eof\n"
               "r setsockopt p SO_LINGER=0\n"
               "r close p\n"
               "r recv c -> ECONNRESET\n"
               "r disconnect c\n"
               "r getpeername c -> ENOTCONN\n"
               "r close c\n"
               "r exit\n");
    pid_t pid = start_role();
    expect_story();
    assert_int_equal(exit_status(pid), 0);
}

static void the_board_shows_the_sockets_of_the_role(void **state) {
    (void)state;
    tell_story("r socket l\nr bind l 127.0.0.1:0\nr listen l\nr socket c\n"
               "r connect c $r.l\nr accept l p\nr close p\n");
    pid_t pid = start_role();
    const struct socket_view *listener = board_view(board, 0, 0), *client = board_view(board, 0, 1);
    const struct socket_view *peer = board_view(board, 0, 2);
    assert_false(listener->made);
    ask(0);
    assert_true(listener->made && listener->open);
    ask(1);
    assert_int_not_equal(listener->local.port, 0);
    assert_false(listener->bound); /* the kernel chose the port */
    ask(2);
    ask(3);
    ask(4);
    assert_true(client->outgoing && client->has_peer);
    assert_true(endpoint_equal(&client->peer, &listener->local));
    ask(5);
    assert_true(peer->open && endpoint_equal(&peer->peer, &client->local));
    ask(6);
    assert_false(peer->open);
    assert_true(endpoint_equal(&peer->peer, &client->local)); /* the last ones are kept */
    close(channel);
    channel = -1;
    assert_int_equal(exit_status(pid), 0); /* the stage is gone */
}

static void an_errno_is_an_answer(void **state) {
    (void)state;
    tell_story("r socket a\nr bind a 127.0.0.1:0\nr socket b\nr bind b $r.a -> EADDRINUSE\n"
               "r accept a p -> EINVAL\nr exit\n");
    pid_t pid = start_role();
    expect_story();
    assert_int_equal(exit_status(pid), 0);
}

static void the_option_that_was_refused_is_named_by_its_index(void **state) {
    (void)state;
    tell_story("r socket a SO_REUSEADDR SO_BINDTODEVICE=nosuch0 SO_REUSEPORT -> any\n"
               "r getsockopt a SO_REUSEPORT -> 0\n");
    pid_t pid = start_role();
    struct reply reply = ask(0);
    assert_int_equal(reply.answer.kind, ANSWER_ERRNO);
    assert_int_equal(reply.option, 2);
    assert_int_equal(reply.call_index, 0);
    struct step_result result = {.call_index = reply.call_index, .option = reply.option};
    assert_string_equal(result_where(scenario, &result), "SO_BINDTODEVICE");
    assert_int_equal(ask(1).option, 0);
    close(channel);
    channel = -1;
    exit_status(pid);
}

static void an_address_without_an_endpoint_is_a_flag_of_the_reply(void **state) {
    (void)state;
    tell_story("r socket l\nr socket c\nr connect c $r.l\nr bind c $r.l\n");
    pid_t pid = start_role();
    ask(1); /* l is never made */
    struct reply reply = ask(2);
    assert_true(reply.no_endpoint);
    assert_int_equal(reply.answer.kind, ANSWER_ERRNO);
    assert_true(ask(3).no_endpoint);
    assert_false(ask(0).no_endpoint);
    close(channel);
    channel = -1;
    exit_status(pid);
}

static void a_repeat_runs_its_body_so_often(void **state) {
    (void)state;
    tell_story("r repeat 5\n socket s\n close s\nend\nr exit\n");
    pid_t pid = start_role();
    struct reply reply = ask(0);
    assert_int_equal(reply.answer.kind, ANSWER_OK);
    assert_true(reply.answer.in_block);
    assert_int_equal(reply.answer.at, VERB_NONE);
    assert_int_equal(reply.answer.rounds, 5);
    assert_int_equal(reply.round_count, 5);
    assert_int_equal(board_rounds(board, &scenario->steps[0]), 5);
    ask(3);
    exit_status(pid);
}

static void a_repeat_ends_at_an_unexpected_answer(void **state) {
    (void)state;
    tell_story("r socket l\nr repeat 5\n socket s\n listen s -> ok\n bind s 127.0.0.1:0 -> ok\n"
               "end -> any\n");
    pid_t pid = start_role();
    ask(0);
    struct reply reply = ask(1);
    assert_int_equal(reply.answer.kind, ANSWER_ERRNO);
    assert_int_equal(reply.answer.error, EINVAL); /* it listens already */
    assert_int_equal(reply.answer.at, VERB_BIND);
    assert_int_equal(reply.answer.line, 7);
    assert_int_equal(reply.answer.rounds, 0);
    assert_int_equal(reply.call_index, 4);
    close(channel);
    channel = -1;
    exit_status(pid);
}

static void a_serve_block_runs_until_it_is_stopped(void **state) {
    (void)state;
    tell_story("r socket l\nr bind l 127.0.0.1:0\nr listen l\nr serve\n accept l p\n close p\nend\n"
               "r stop\n");
    pid_t pid = start_role();
    for (uint32_t i = 0; i < 3; i++)
        ask(i);
    assert_int_equal(ask(3).answer.kind, ANSWER_OK); /* it has begun */
    struct sockaddr_storage address;
    socklen_t size = endpoint_to_sockaddr(&board_view(board, 0, 0)->local, &address);
    for (int i = 0; i < 3; i++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(connect(fd, (struct sockaddr *)&address, size), 0);
        close(fd);
    }
    kill(pid, SIGNAL_STOP);
    request(6, true);
    struct reply reply = receive();
    assert_int_equal(reply.step_index, 6);
    assert_int_equal(reply.answer.kind, ANSWER_NUMBER);
    assert_int_equal(reply.answer.number, 3);
    assert_int_equal(reply.round_count, 3);
    close(channel);
    channel = -1;
    exit_status(pid);
}

static void a_serve_block_that_breaks_says_so_unasked(void **state) {
    (void)state;
    tell_story("r socket l\nr serve\n accept l p\nend\nr stop -> any\n");
    pid_t pid = start_role();
    ask(0);
    assert_int_equal(ask(1).answer.kind, ANSWER_OK);
    struct reply broken = receive();
    assert_int_equal(broken.step_index, 1);
    assert_int_equal(broken.answer.error, EINVAL);
    assert_int_equal(broken.answer.at, VERB_ACCEPT);
    request(3, true);
    struct reply stopped = receive();
    assert_int_equal(stopped.step_index, 3);
    assert_int_equal(stopped.answer.error, EINVAL);
    close(channel);
    channel = -1;
    exit_status(pid);
}

static void a_forked_role_has_the_sockets_and_a_channel_of_its_own(void **state) {
    struct request message = {.step_index = 2};
    int ends[2];
    (void)state;
    tell_story("r socket l\nr bind l 127.0.0.1:0\nr fork n\nn getsockname l -> 127.0.0.1:*\n");
    pid_t pid = start_role();
    ask(0);
    ask(1);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    assert_int_equal(protocol_send(channel, &message, sizeof message, ends[1]), 0);
    close(ends[1]);
    struct reply forked = receive();
    assert_int_equal(forked.answer.kind, ANSWER_OK);
    assert_true(forked.pid > 0 && forked.pid != pid);
    assert_true(board_view(board, 1, 0)->inherited);
    close(channel);
    assert_int_equal(exit_status(pid), 0);
    channel = ends[0]; /* the new role outlives the old one, and is our child */
    struct reply named = ask(3);
    assert_int_equal(named.answer.kind, ANSWER_ADDRESS);
    assert_true(endpoint_equal(&named.answer.address, &board_view(board, 0, 0)->local));
    close(channel);
    channel = -1;
    assert_int_equal(exit_status(forked.pid), 0);
}

static void a_role_runs_in_this_process_too(void **state) {
    struct role role;
    (void)state;
    tell_story("r socket s\nr bind s 127.0.0.1:0\nr close s\nr exit\n");
    for (uint32_t i = 0; i < 4; i++)
        request(i, false);
    role_init(&role, scenario, board, 0, far_end);
    assert_int_equal(role_serve(&role), 0);
    for (uint32_t i = 0; i < 4; i++) {
        struct reply reply = receive();
        assert_int_equal(reply.step_index, i);
        assert_int_equal(reply.answer.kind, ANSWER_OK);
    }
    role_free(&role);
    role_free(&role); /* an empty one is fine */
}

static void a_request_for_no_step_ends_the_role(void **state) {
    struct role role;
    (void)state;
    tell_story("r exit\n");
    request(99, false);
    role_init(&role, scenario, board, 0, far_end);
    assert_int_equal(role_serve(&role), 1);
    role_free(&role);
}

static void a_stage_that_is_gone_ends_the_role(void **state) {
    struct role role;
    (void)state;
    tell_story("r socket s\n");
    request(0, false);
    role_init(&role, scenario, board, 0, far_end);
    close(channel);
    channel = -1;
    assert_int_equal(role_serve(&role), 1); /* the reply cannot be sent */
    role_free(&role);
}

/* The stage hears of it before the role's sockets are closed. */
static void a_request_that_cannot_be_received_ends_the_role(void **state) {
    struct role role;
    (void)state;
    tell_story("r socket s\nr bind s 127.0.0.1:0\n");
    request(0, false);
    assert_int_equal(send(channel, "?", 1, 0), 1);
    role_init(&role, scenario, board, 0, far_end);
    assert_int_equal(role_serve(&role), ROLE_BROKEN + EBADMSG);
    struct pollfd hung_up = {.fd = channel};
    assert_int_equal(poll(&hung_up, 1, 0), 1);
    assert_true((hung_up.revents & POLLHUP) != 0);
    assert_true(role.sockets[0] >= 0);
    role_free(&role);
}

#define TEST(name) cmocka_unit_test_teardown(name, end_story)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_connection_is_made_used_and_closed),
        TEST(the_board_shows_the_sockets_of_the_role),
        TEST(an_errno_is_an_answer),
        TEST(the_option_that_was_refused_is_named_by_its_index),
        TEST(an_address_without_an_endpoint_is_a_flag_of_the_reply),
        TEST(a_repeat_runs_its_body_so_often),
        TEST(a_repeat_ends_at_an_unexpected_answer),
        TEST(a_serve_block_runs_until_it_is_stopped),
        TEST(a_serve_block_that_breaks_says_so_unasked),
        TEST(a_forked_role_has_the_sockets_and_a_channel_of_its_own),
        TEST(a_role_runs_in_this_process_too),
        TEST(a_request_for_no_step_ends_the_role),
        TEST(a_stage_that_is_gone_ends_the_role),
        TEST(a_request_that_cannot_be_received_ends_the_role),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
