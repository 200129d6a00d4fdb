/* The stories of the matrix, in the model alone: `portreuse matrix` compares them with the kernel.
 * Between two sockets on one address, without a device. */
#include "an_endpoint.h"
#include "test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "model/story.h"

enum { PORT = 80, OPTIONS = 4 };

static struct kernel_quirks quirks;

static struct claim claim_of(unsigned options, uint32_t uid) {
    return (struct claim){.quirks = quirks,
                          .local = an_endpoint("127.0.0.1:80"),
                          .remote = an_endpoint("127.0.0.1:5000"),
                          .reuseaddr = (options & 1) != 0,
                          .reuseport = (options & 2) != 0,
                          .uid = uid,
                          .range_low = PORT,
                          .range_high = PORT};
}

static struct story_answer answer_of(unsigned state, enum story_call call, unsigned first,
                                     struct claim second) {
    struct story_cast cast = {.first = claim_of(first, 0),
                              .connection = an_endpoint("127.0.0.1:80"),
                              .server = an_endpoint("127.0.0.1:5000")};
    return story_second(&stories[state], &cast, call, &second);
}

static char mark_of(struct story_answer answer) {
    if (answer.bind > 0 || (answer.bind == STORY_NOT_ASKED && answer.connect > 0))
        return '.';
    return answer.listen > 0 || answer.connect > 0 ? 'b' : '+';
}

/* As in the summary: the four options of the first socket, each with the second's four; another
 * user with SO_REUSEPORT, and with both; port 0; connect() to the same server, and to another;
 * bind() with both options, and connect(). */
static const struct {
    const char *state, *marks;
} rows[STORIES] = {
    {"BOUND", ".... .+.+ ..++ .+++  .. .+  . .. +"},
    {"LISTEN", ".... .... ..++ ..++  .. ..  . .. +"},
    {"ESTABLISHED", ".... .+.+ ..++ .+++  .. .+  . .. +"},
    {"TIME-WAIT", ".... .+.+ ..++ .+++  ++ ++  . .. +"},
    {"LISTEN-LATER", ".... .b.b ..++ .b++  .. .b  . .. +"},
    {"WITH-LISTENER", ".... .... ..++ ..++  .. ..  . .. +"},
    {"CLOSE-WAIT", ".... .+.+ ..++ .+++  .. .+  . .. +"},
    {"FIN-WAIT-2", ".... .+.+ ..++ .+++  ++ ++  . .. +"},
    {"FIN-WAIT-2-OPEN", ".... .+.+ ..++ .+++  .. .+  . .. +"},
    {"OUT-BOUND", ".... .+.+ ..++ .+++  .. .+  . .. b"},
    {"OUT-PORT-0", ".... .+.+ ..++ .+++  .. .+  . .. b"},
    {"OUT-CONNECT", ".... .+.+ ..++ .+++  .. .+  . .+ b"},
    {"SYN-SENT", ".... .+.+ ..++ .+++  .. .+  . .+ b"},
    {"OUT-BOUND-TIME-WAIT", ".... .+.+ ..++ .+++  ++ ++  . .. +"},
    {"OUT-PORT-0-TIME-WAIT", ".... .+.+ ..++ .+++  ++ ++  . .. +"},
    {"OUT-CONNECT-TIME-WAIT", ".... .+.+ ..++ .+++  ++ ++  . .+ +"},
    {"SET-LATER", ".... .+.+ ..++ .+++  .. .+  . .. +"},
    {"CLEARED", ".... .... ..++ ..++  .. ..  . .. +"},
    {"LISTEN-CLEARED", ".... .... ..++ ..++  .. ..  . .. +"},
    {"SECOND-CLEARED", ".... .b.b ..bb .bbb  .. .b  . .. +"},
    {"JOINED", ".... .+++ ..++ .+++  .. .+  . .. +"},
    {"JOINED-LISTEN", ".... ..++ ..++ ..++  .. ..  . .. +"},
};

static void write_marks(unsigned state, char *at) {
    struct claim elsewhere = claim_of(0, 0);
    elsewhere.remote = an_endpoint("127.0.0.2:5000");
    for (unsigned i = 0; i < OPTIONS; i++, *at++ = ' ')
        for (unsigned k = 0; k < OPTIONS; k++)
            *at++ = mark_of(answer_of(state, STORY_CALL_BIND, i, claim_of(k, 0)));
    for (unsigned i = 2; i < OPTIONS; i++) {
        *at++ = ' ';
        for (unsigned k = 2; k < OPTIONS; k++)
            *at++ = mark_of(answer_of(state, STORY_CALL_BIND, i, claim_of(k, 1)));
    }
    at += sprintf(at, "  %c %c%c", mark_of(answer_of(state, STORY_CALL_PORT_0, 0, claim_of(3, 0))),
                  mark_of(answer_of(state, STORY_CALL_CONNECT, 0, claim_of(0, 0))),
                  mark_of(answer_of(state, STORY_CALL_CONNECT, 0, elsewhere)));
    sprintf(at, " %c", mark_of(answer_of(state, STORY_CALL_BIND_CONNECT, 3, claim_of(3, 0))));
}

static void every_story_ends_as_it_does_in_the_kernel(void **state) {
    char marks[64];
    (void)state;
    for (unsigned i = 0; i < STORIES; i++) {
        assert_string_equal(stories[i].name, rows[i].state);
        write_marks(i, marks);
        if (strcmp(marks, rows[i].marks) != 0)
            fail_msg("%s: want %s, got %s", rows[i].state, rows[i].marks, marks);
    }
}

/* Before Linux 6.8, options that are cleared after bind() still count; the listener's do not. */
static void an_older_kernel_remembers_the_first_bind(void **state) {
    static const struct {
        const char *state;
        char none, now;
    } old[] = {{"CLEARED", '.', '+'}, {"LISTEN-CLEARED", '.', '.'}};
    (void)state;
    for (size_t i = 0; i < ROWS(old); i++)
        for (unsigned k = 0; k < STORIES; k++)
            if (strcmp(stories[k].name, old[i].state) == 0) {
                assert_int_equal(mark_of(answer_of(k, STORY_CALL_BIND, 1, claim_of(1, 0))),
                                 old[i].none);
                quirks = quirks_of((struct kernel_release){{6, 1, 0}});
                struct story_answer answer = answer_of(k, STORY_CALL_BIND, 1, claim_of(1, 0));
                assert_int_equal(answer.bind == 0 ? '+' : '.', old[i].now);
                quirks = (struct kernel_quirks){0};
            }
}

static void a_refusal_names_its_rule(void **state) {
    static const struct {
        unsigned state;
        enum story_call call;
        unsigned first, second;
        enum rule rule;
    } cases[] = {
        {STORY_OF_LISTEN_LATER, STORY_CALL_BIND, 1, 1, RULE_BIND_TWICE_LISTEN_ONCE},
        {STORY_OF_TIME_WAIT, STORY_CALL_BIND, 0, 1, RULE_TIME_WAIT_REBIND},
        {STORY_OF_OUT_BOUND, STORY_CALL_BIND, 0, 1, RULE_LIVE_CONNECTION},
        {STORY_OF_OUT_BOUND, STORY_CALL_PORT_0, 3, 3, RULE_EPHEMERAL_BIND},
        {STORY_OF_OUT_BOUND, STORY_CALL_CONNECT, 0, 0, RULE_POISONED_PORT},
        {STORY_OF_OUT_BOUND, STORY_CALL_BIND_CONNECT, 1, 1, RULE_FIXED_CLIENT_PORT},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(cases); i++)
        assert_int_equal(
            answer_of(cases[i].state, cases[i].call, cases[i].first, claim_of(cases[i].second, 0))
                .rule,
            cases[i].rule);
}

static void a_story_ends_in_a_state(void **state) {
    static const struct {
        const char *story;
        enum tcp_state state;
    } ends[] = {
        {"BOUND", STATE_BOUND},
        {"LISTEN", STATE_LISTEN},
        {"WITH-LISTENER", STATE_ESTABLISHED},
        {"CLOSE-WAIT", STATE_CLOSE_WAIT},
        {"FIN-WAIT-2", STATE_FIN_WAIT_2},
        {"FIN-WAIT-2-OPEN", STATE_FIN_WAIT_2},
        {"SYN-SENT", STATE_SYN_SENT},
        {"OUT-CONNECT-TIME-WAIT", STATE_TIME_WAIT},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(ends); i++)
        for (unsigned k = 0; k < STORIES; k++)
            if (strcmp(stories[k].name, ends[i].story) == 0)
                assert_int_equal(story_state(&stories[k]), ends[i].state);
}

/* On Linux 6.1, [::ffff:127.0.0.1] binds beside [::ffff:0.0.0.0], which then cannot listen. */
static void a_story_ends_early_where_a_kernel_lets_the_second_in(void **state) {
    (void)state;
    for (unsigned i = 0; i < OPTIONS; i++) {
        quirks = (struct kernel_quirks){.mapped_wildcard = true, .first_bind = true};
        struct story_cast cast = {.first = claim_of(i, 0)};
        struct claim second = claim_of(0, 0);
        cast.first.local = an_endpoint("[::ffff:0.0.0.0]:80");
        second.local = an_endpoint("[::ffff:127.0.0.1]:80");
        assert_false(story_goes_on(&stories[STORY_OF_LISTEN_LATER], &cast, &second));
        assert_true(story_goes_on(&stories[STORY_OF_BOUND], &cast, &second));
        quirks = cast.first.quirks = second.quirks = (struct kernel_quirks){0};
        assert_true(story_goes_on(&stories[STORY_OF_LISTEN_LATER], &cast, &second));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_story_ends_as_it_does_in_the_kernel),
        cmocka_unit_test(an_older_kernel_remembers_the_first_bind),
        cmocka_unit_test(a_refusal_names_its_rule),
        cmocka_unit_test(a_story_ends_early_where_a_kernel_lets_the_second_in),
        cmocka_unit_test(a_story_ends_in_a_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
