/* Messages between a stage and its roles. */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/protocol.h"

static int ends[2];

static int open_ends(void **state) {
    (void)state;
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends);
}

static int close_ends(void **state) {
    (void)state;
    close(ends[0]);
    if (ends[1] >= 0)
        close(ends[1]);
    return 0;
}

/* How many descriptors this process has open. */
static unsigned descriptors(void) {
    unsigned count = 0;
    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static void a_message_arrives_as_it_was_sent(void **state) {
    struct request sent = {.step_index = 7, .stop = true}, got = {0};
    int fd = 99;
    (void)state;
    assert_int_equal(protocol_send(ends[0], &sent, sizeof sent, -1), 0);
    assert_int_equal(protocol_receive(ends[1], &got, sizeof got, 0, &fd), 0);
    assert_int_equal(got.step_index, 7);
    assert_true(got.stop);
    assert_int_equal(fd, -1);
}

static void messages_are_not_joined(void **state) {
    struct request first = {.step_index = 1}, second = {.step_index = 2}, got;
    (void)state;
    assert_int_equal(protocol_send(ends[0], &first, sizeof first, -1), 0);
    assert_int_equal(protocol_send(ends[0], &second, sizeof second, -1), 0);
    assert_int_equal(protocol_receive(ends[1], &got, sizeof got, 0, NULL), 0);
    assert_int_equal(got.step_index, 1);
    assert_int_equal(protocol_receive(ends[1], &got, sizeof got, 0, NULL), 0);
    assert_int_equal(got.step_index, 2);
}

static void a_descriptor_travels_with_a_message(void **state) {
    int pair[2], fd = -1;
    char byte = 'x', got = 0;
    (void)state;
    assert_int_equal(pipe(pair), 0);
    assert_int_equal(protocol_send(ends[0], &byte, sizeof byte, pair[1]), 0);
    assert_int_equal(protocol_receive(ends[1], &got, sizeof got, 0, &fd), 0);
    assert_int_equal(got, 'x');
    assert_true(fd >= 0 && fd != pair[1]);
    assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    assert_int_equal(write(fd, "y", 1), 1);
    assert_int_equal(read(pair[0], &got, 1), 1);
    assert_int_equal(got, 'y');
    close(pair[0]);
    close(pair[1]);
    close(fd);
}

static void a_message_of_another_size_is_refused_and_its_descriptor_closed(void **state) {
    const size_t sizes[] = {1, sizeof(struct reply) - 1, sizeof(struct reply) + 1};
    char bytes[sizeof(struct reply) + 1] = {0};
    struct reply reply;
    (void)state;
    unsigned before = descriptors();
    for (size_t i = 0; i < ROWS(sizes); i++) {
        int fd = 99;
        assert_int_equal(protocol_send(ends[0], bytes, sizes[i], ends[0]), 0);
        assert_int_equal(protocol_receive(ends[1], &reply, sizeof reply, 0, &fd), EBADMSG);
        assert_int_equal(fd, -1);
    }
    assert_int_equal(descriptors(), before);
}

static void a_descriptor_that_nobody_asked_for_is_closed(void **state) {
    char byte = 0;
    (void)state;
    unsigned before = descriptors();
    assert_int_equal(protocol_send(ends[0], &byte, 1, ends[0]), 0);
    assert_int_equal(protocol_receive(ends[1], &byte, 1, 0, NULL), 0);
    assert_int_equal(descriptors(), before);
}

static void without_a_message_it_is_eagain(void **state) {
    struct request got;
    int fd = 99;
    (void)state;
    assert_int_equal(protocol_receive(ends[1], &got, sizeof got, MSG_DONTWAIT, &fd), EAGAIN);
    assert_int_equal(fd, -1);
}

static void where_the_other_side_is_gone_it_is_epipe(void **state) {
    struct request message = {0};
    int fd = 99;
    (void)state;
    close(ends[1]);
    ends[1] = -1;
    assert_int_equal(protocol_send(ends[0], &message, sizeof message, -1), EPIPE);
    assert_int_equal(protocol_receive(ends[0], &message, sizeof message, 0, &fd), EPIPE);
    assert_int_equal(fd, -1);
}

static void what_was_sent_before_the_end_still_arrives(void **state) {
    struct request message = {.step_index = 5}, got;
    (void)state;
    assert_int_equal(protocol_send(ends[1], &message, sizeof message, -1), 0);
    close(ends[1]);
    ends[1] = -1;
    assert_int_equal(protocol_receive(ends[0], &got, sizeof got, 0, NULL), 0);
    assert_int_equal(got.step_index, 5);
    assert_int_equal(protocol_receive(ends[0], &got, sizeof got, 0, NULL), EPIPE);
}

static void an_empty_reply_is_of_its_own_step(void **state) {
    (void)state;
    struct reply reply = protocol_reply(9);
    assert_int_equal(reply.step_index, 9);
    assert_int_equal(reply.call_index, 9);
    assert_int_equal(reply.answer.kind, ANSWER_NONE);
    assert_int_equal(reply.option, 0);
    assert_false(reply.no_endpoint);
}

/* --- what a role may say --- */

static const char text[] = "title t\ncase one\n  a socket s SO_REUSEADDR SO_KEEPALIVE\n"
                           "  a bind s 127.0.0.1:80\n";

static void what_no_role_says_is_not_believed(void **state) {
    (void)state;
    struct errors errors = {0};
    struct scenario *scenario = scenario_parse("t", "t", text, sizeof text - 1, &errors);
    assert_int_equal(errors.count, 0);
    struct reply good = protocol_reply(0), reply;
    good.answer.kind = ANSWER_OK;
    good.option = 2;
    assert_true(protocol_is_sound(scenario, &good));
#define WRONG(change)                                                                              \
    do {                                                                                           \
        reply = good;                                                                              \
        change;                                                                                    \
        assert_false(protocol_is_sound(scenario, &reply));                                         \
    } while (0)
    WRONG(reply.step_index = 2);
    WRONG(reply.call_index = 2);
    WRONG(reply.call_index = UINT32_MAX);
    WRONG(reply.option = 3);
    WRONG(reply.call_index = 1); /* bind() has no options */
    WRONG(reply.answer.at = VERBS);
    WRONG(reply.answer.kind = ANSWER_CAUSE); /* the stage alone says that */
    WRONG(reply.answer.kind = (enum answer_kind)4711);
    WRONG((reply.answer.kind = ANSWER_ERRNO, reply.answer.error = 0));
    WRONG((reply.answer.kind = ANSWER_ERRNO, reply.answer.error = 100000));
    WRONG((reply.answer.kind = ANSWER_ADDRESS, reply.answer.address.family = AF_UNIX));
    WRONG((reply.answer.kind = ANSWER_NAME,
           memset(reply.answer.name, 'x', sizeof reply.answer.name)));
    WRONG((reply.answer.kind = ANSWER_VALUE,
           memset(&reply.answer.value, 'x', sizeof reply.answer.value)));
    WRONG(memset(&reply.answer.in_block, 2, 1)); /* a bool that is neither true nor false */
    WRONG(memset(&reply.no_endpoint, 255, 1));
    WRONG((reply.answer = (struct answer){.kind = ANSWER_VALUE},
           memset(&reply.answer.value.off, 2, 1)));
#undef WRONG
    scenario_free(scenario);
    errors_free(&errors);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_ends, close_ends)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_message_arrives_as_it_was_sent),
        TEST(messages_are_not_joined),
        TEST(a_descriptor_travels_with_a_message),
        TEST(a_message_of_another_size_is_refused_and_its_descriptor_closed),
        TEST(a_descriptor_that_nobody_asked_for_is_closed),
        TEST(without_a_message_it_is_eagain),
        TEST(where_the_other_side_is_gone_it_is_epipe),
        TEST(what_was_sent_before_the_end_still_arrives),
        TEST(an_empty_reply_is_of_its_own_step),
        cmocka_unit_test(what_no_role_says_is_not_believed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
