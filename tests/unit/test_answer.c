/* Want and got: which answers meet what a line expects, through small texts; and how an answer is
 * written. */
#include "test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/units.h"
#include "engine/board.h"
#include "scenario/scenario.h"

/* --- the expectation of the present test --- */

static struct scenario *now; /* freed behind each test */
static struct board *board;

static int forget(void **state) {
    (void)state;
    board_free(board);
    scenario_free(now);
    board = NULL;
    now = NULL;
    return 0;
}

/* Parses the steps of one case, which must be sound. */
static const struct scenario *story(const char *steps) {
    struct errors errors = {0};
    char *text;
    forget(NULL);
    assert_true(asprintf(&text, "title t\ncase c\n%s\n", steps) > 0);
    now = scenario_parse("name", NULL, text, strlen(text), &errors);
    free(text);
    errors_print(&errors, stderr);
    size_t count = errors.count;
    errors_free(&errors);
    assert_int_equal(count, 0);
    board = board_new(now, 0);
    assert_non_null(board);
    return now;
}

/* What stands behind the arrow of `call`, a step with a socket `s` of role `r`. */
static const struct expectation *want_of(const char *call, const char *result) {
    char *steps;
    assert_true(asprintf(&steps, "r socket s\n%s -> %s", call, result) > 0);
    const struct scenario *scenario = story(steps);
    free(steps);
    return &scenario->steps[scenario->step_count - 1].want;
}

/* The same of a block: its body is a socket and a bind. */
static const struct expectation *want_of_block(const char *result) {
    char *steps;
    assert_true(asprintf(&steps, "r repeat 100\n socket s\n bind s *:0\nend -> %s", result) > 0);
    const struct scenario *scenario = story(steps);
    free(steps);
    return &scenario->steps[0].want;
}

/* What a line says that has no arrow. */
static const struct expectation *want_of_silence(const char *call) {
    char *steps;
    assert_true(asprintf(&steps, "r socket s\n%s", call) > 0);
    const struct scenario *scenario = story(steps);
    free(steps);
    return &scenario->steps[scenario->step_count - 1].want;
}

/* --- answers --- */

static const struct kernel_release linux_6_8 = {{6, 8, 0}};

static struct answer ok(void) {
    return (struct answer){.kind = ANSWER_OK};
}

static struct answer failed(int error) {
    return (struct answer){.kind = ANSWER_ERRNO, .error = error};
}

static struct answer eof(void) {
    return (struct answer){.kind = ANSWER_EOF};
}

static struct answer number(int64_t number) {
    return (struct answer){.kind = ANSWER_NUMBER, .number = number};
}

static struct answer address(const char *text) {
    struct endpoint_pattern pattern;
    const char *at;
    assert_null(endpoint_parse(text, &pattern, &at));
    return (struct answer){.kind = ANSWER_ADDRESS, .address = pattern.endpoint};
}

static struct answer value(const char *option, const char *text) {
    struct answer answer = {.kind = ANSWER_VALUE};
    assert_null(sockopt_parse(sockopt_named(option), text, &answer.value));
    return answer;
}

/* The answer of a block that a call ended, after so many whole rounds. */
static struct answer ended(struct answer answer, enum verb at, uint64_t rounds) {
    answer.in_block = true;
    answer.at = at;
    answer.rounds = rounds;
    return answer;
}

static bool resolve(void *context, const struct address *address, struct place *place) {
    return board_place(context, address, AF_INET, place);
}

static bool met_on(const struct expectation *want, struct answer got,
                   struct kernel_release kernel) {
    return expectation_met(want, &got, kernel, resolve, board) != NULL;
}

static bool met(const struct expectation *want, struct answer got) {
    return met_on(want, got, linux_6_8);
}

/* --- plain results --- */

static void ok_is_any_answer_but_an_errno_and_eof(void **state) {
    (void)state;
    const struct expectation *want = want_of("r recv s", "ok");
    assert_true(met(want, ok()));
    assert_true(met(want, number(5)));
    assert_true(met(want, number(0)));
    assert_true(met(want, address("127.0.0.1:80")));
    assert_true(met(want, value("SO_LINGER", "off")));
    assert_false(met(want, failed(EAGAIN)));
    assert_false(met(want, eof()));
}

static void a_line_without_an_arrow_expects_ok(void **state) {
    (void)state;
    const struct expectation *want = want_of_silence("r recv s");
    assert_true(met(want, number(17)));
    assert_false(met(want, eof()));
    assert_false(met(want, failed(ECONNRESET)));
}

static void no_answer_meets_nothing(void **state) {
    (void)state;
    const struct answer none = {.kind = ANSWER_NONE};
    assert_false(met(want_of("r close s", "ok"), none));
    assert_false(met(want_of("r close s", "any"), none));
    assert_false(met(want_of_silence("r close s"), none));
}

static void an_errno_is_met_by_itself_alone(void **state) {
    (void)state;
    const struct expectation *want = want_of("r bind s *:80", "EADDRINUSE");
    assert_true(met(want, failed(EADDRINUSE)));
    assert_false(met(want, failed(EADDRNOTAVAIL)));
    assert_false(met(want, ok()));
    assert_false(met(want, number(EADDRINUSE)));
    assert_true(
        met(want_of("r recv s", "EWOULDBLOCK"), failed(EAGAIN))); /* one number, two names */
}

static void eof_is_met_by_eof_alone(void **state) {
    (void)state;
    const struct expectation *want = want_of("r recv s", "eof");
    assert_true(met(want, eof()));
    assert_false(met(want, number(0)));
    assert_false(met(want, ok()));
    assert_false(met(want, failed(ECONNRESET)));
}

static void a_number_is_met_by_itself_alone(void **state) {
    (void)state;
    const struct expectation *want = want_of("count LISTEN *:80", "3");
    assert_true(met(want, number(3)));
    assert_false(met(want, number(2)));
    assert_false(met(want, number(4)));
    assert_false(met(want, ok()));
    assert_true(met(want_of("count LISTEN *:80", "0"), number(0)));
}

static void a_range_includes_both_ends(void **state) {
    (void)state;
    const struct expectation *want = want_of("r recv s", "90..100");
    assert_true(met(want, number(90)));
    assert_true(met(want, number(95)));
    assert_true(met(want, number(100)));
    assert_false(met(want, number(89)));
    assert_false(met(want, number(101)));
    assert_false(met(want, eof()));
    assert_true(met(want_of("r recv s", "7..7"), number(7)));
}

static void any_is_met_by_every_answer(void **state) {
    (void)state;
    const struct expectation *want = want_of("r recv s", "any");
    assert_true(met(want, ok()));
    assert_true(met(want, failed(EINVAL)));
    assert_true(met(want, eof()));
    assert_true(met(want, number(5)));
}

static void a_bar_allows_either(void **state) {
    (void)state;
    const struct expectation *want = want_of("r recv s", "5 | eof | ECONNRESET");
    assert_true(met(want, number(5)));
    assert_true(met(want, eof()));
    assert_true(met(want, failed(ECONNRESET)));
    assert_false(met(want, number(6)));
    assert_false(met(want, failed(EAGAIN)));
}

/* --- kernels --- */

static void since_parts_newer_kernels_from_older_ones(void **state) {
    static const struct {
        struct kernel_release kernel;
        bool newer;
    } rows[] = {
        {{{6, 8, 0}}, true}, {{{6, 8, 1}}, true},   {{{6, 9, 0}}, true},   {{{6, 10, 0}}, true},
        {{{7, 0, 0}}, true}, {{{6, 7, 99}}, false}, {{{5, 15, 0}}, false}, {{{0, 0, 0}}, false},
    };
    (void)state;
    const struct expectation *want = want_of("r bind s *:80", "ok since 6.8, else EINVAL | EPERM");
    for (size_t i = 0; i < ROWS(rows); i++) {
        assert_int_equal(met_on(want, ok(), rows[i].kernel), rows[i].newer);
        assert_int_equal(met_on(want, failed(EINVAL), rows[i].kernel), !rows[i].newer);
        assert_int_equal(met_on(want, failed(EPERM), rows[i].kernel), !rows[i].newer);
        assert_false(met_on(want, failed(EACCES), rows[i].kernel));
    }
}

static void since_looks_at_the_third_number_too(void **state) {
    (void)state;
    const struct expectation *want = want_of("r bind s *:80", "ok since 6.8.12, else EINVAL");
    assert_true(met_on(want, ok(), (struct kernel_release){{6, 8, 12}}));
    assert_true(met_on(want, failed(EINVAL), (struct kernel_release){{6, 8, 11}}));
    assert_false(met_on(want, ok(), (struct kernel_release){{6, 8, 11}}));
}

static void without_since_the_kernel_does_not_matter(void **state) {
    (void)state;
    assert_true(met_on(want_of("r close s", "ok"), ok(), (struct kernel_release){{0, 0, 0}}));
}

/* --- time --- */

static void within_and_in_bound_the_time(void **state) {
    const uint64_t s = NS_PER_S;
    (void)state;
    const struct expectation *want = want_of("r close s", "ok within 2s");
    assert_true(expectation_in_time(want, 0));
    assert_true(expectation_in_time(want, 2 * s));
    assert_false(expectation_in_time(want, 2 * s + 1));
    want = want_of("r close s", "ok in 59s..62s");
    assert_false(expectation_in_time(want, 59 * s - 1));
    assert_true(expectation_in_time(want, 59 * s));
    assert_true(expectation_in_time(want, 62 * s));
    assert_false(expectation_in_time(want, 62 * s + 1));
    assert_true(expectation_in_time(want_of("r close s", "ok"), UINT64_MAX));
    assert_true(expectation_in_time(want_of_silence("r close s"), UINT64_MAX));
}

static void time_is_no_part_of_the_answer(void **state) {
    (void)state;
    assert_true(met(want_of("r close s", "ok within 0s"), ok()));
    assert_false(met(want_of("r close s", "ok within 2s"), failed(EINVAL)));
}

/* --- blocks --- */

static void a_block_that_is_to_end_ok_runs_all_its_rounds(void **state) {
    (void)state;
    const struct expectation *want = want_of_block("ok");
    assert_true(met(want, ended(ok(), VERB_NONE, 100)));
    assert_false(met(want, ended(ok(), VERB_BIND, 5)));
    assert_false(met(want, ended(failed(EMFILE), VERB_SOCKET, 5)));
}

static void a_block_without_an_expectation_is_to_run_all_its_rounds(void **state) {
    (void)state;
    const struct expectation *want =
        &story("r repeat 100\n socket s\n bind s *:0\nend")->steps[0].want;
    assert_true(met(want, ended(ok(), VERB_NONE, 100)));
    assert_false(met(want, ended(failed(EMFILE), VERB_SOCKET, 5)));
    assert_false(met(want, ended(ok(), VERB_BIND, 5)));
}

static void a_block_that_is_to_fail_may_not_run_to_its_end(void **state) {
    (void)state;
    const struct expectation *want = want_of_block("EMFILE at socket after 5");
    assert_false(met(want, ended(ok(), VERB_NONE, 100)));
    want = want_of_block("EMFILE");
    assert_false(met(want, ended(ok(), VERB_NONE, 100)));
}

static void at_names_the_call_that_ends_the_block(void **state) {
    (void)state;
    const struct expectation *want = want_of_block("EADDRINUSE at bind");
    assert_true(met(want, ended(failed(EADDRINUSE), VERB_BIND, 0)));
    assert_true(met(want, ended(failed(EADDRINUSE), VERB_BIND, 99)));
    assert_false(met(want, ended(failed(EADDRINUSE), VERB_SOCKET, 5)));
    assert_false(met(want, ended(failed(EINVAL), VERB_BIND, 5)));
    assert_false(met(want, failed(EADDRINUSE)));
}

static void after_counts_the_whole_rounds(void **state) {
    (void)state;
    const struct expectation *want = want_of_block("EADDRINUSE at bind after 50");
    assert_true(met(want, ended(failed(EADDRINUSE), VERB_BIND, 50)));
    assert_false(met(want, ended(failed(EADDRINUSE), VERB_BIND, 49)));
    assert_false(met(want, ended(failed(EADDRINUSE), VERB_BIND, 51)));
    want = want_of_block("EADDRINUSE at bind after 0..50");
    assert_true(met(want, ended(failed(EADDRINUSE), VERB_BIND, 0)));
    assert_true(met(want, ended(failed(EADDRINUSE), VERB_BIND, 50)));
    assert_false(met(want, ended(failed(EADDRINUSE), VERB_BIND, 51)));
    assert_false(met(want, ended(failed(EADDRINUSE), VERB_SOCKET, 5)));
    want = want_of_block("EADDRINUSE after 50");
    assert_true(met(want, ended(failed(EADDRINUSE), VERB_SOCKET, 50)));
    assert_false(met(want, ended(failed(EADDRINUSE), VERB_SOCKET, 49)));
}

static void ok_at_a_call_is_a_success_that_came_unexpected(void **state) {
    (void)state;
    const struct expectation *want = want_of_block("ok at bind after 0..49");
    assert_true(met(want, ended(ok(), VERB_BIND, 49)));
    assert_true(met(want, ended(number(5), VERB_BIND, 0)));
    assert_false(met(want, ended(ok(), VERB_BIND, 50)));
    assert_false(met(want, ended(ok(), VERB_NONE, 49)));
    assert_false(met(want, ended(failed(EINVAL), VERB_BIND, 5)));
}

static void a_block_may_end_in_one_of_several_ways(void **state) {
    (void)state;
    const struct expectation *want =
        want_of_block("ok | EMFILE at socket after 5 | EADDRINUSE at bind");
    assert_true(met(want, ended(ok(), VERB_NONE, 100)));
    assert_true(met(want, ended(failed(EMFILE), VERB_SOCKET, 5)));
    assert_true(met(want, ended(failed(EADDRINUSE), VERB_BIND, 7)));
    assert_false(met(want, ended(failed(EMFILE), VERB_SOCKET, 6)));
    assert_false(met(want, ended(failed(EMFILE), VERB_BIND, 5)));
    assert_false(met(want, ended(ok(), VERB_BIND, 5)));
}

static void any_end_of_a_block_will_do(void **state) {
    (void)state;
    const struct expectation *want = want_of_block("any");
    assert_true(met(want, ended(ok(), VERB_NONE, 100)));
    assert_true(met(want, ended(failed(EMFILE), VERB_SOCKET, 5)));
    want = want_of_block("any at bind");
    assert_true(met(want, ended(eof(), VERB_BIND, 5)));
    assert_false(met(want, ended(eof(), VERB_SOCKET, 5)));
}

static void stop_answers_a_number_of_rounds(void **state) {
    (void)state;
    const struct scenario *scenario =
        story("r socket s\nr serve\n accept s p\nend\nr stop -> 50..150");
    const struct expectation *want = &scenario->steps[3].want;
    assert_true(met(want, number(50)));
    assert_true(met(want, number(150)));
    assert_false(met(want, number(151)));
    assert_false(met(want, ended(failed(EMFILE), VERB_ACCEPT, 100)));
}

/* --- addresses --- */

static void an_address_is_met_by_itself_alone(void **state) {
    (void)state;
    const struct expectation *want = want_of("r getsockname s", "127.0.0.1:1215");
    assert_true(met(want, address("127.0.0.1:1215")));
    assert_false(met(want, address("127.0.0.1:1216")));
    assert_false(met(want, address("127.0.0.2:1215")));
    assert_false(met(want, address("0.0.0.0:1215")));
    assert_false(met(want, failed(ENOTCONN)));
    assert_false(met(want, ok()));
    want = want_of("r getsockname s", "[::1]:80");
    assert_true(met(want, address("[::1]:80")));
    assert_false(met(want, address("[::2]:80")));
}

static void a_star_for_an_address_is_the_sockets_own_wildcard(void **state) {
    (void)state;
    const struct expectation *want = want_of("r getsockname s", "*:80");
    assert_true(met(want, address("0.0.0.0:80")));
    assert_true(met(want, address("[::]:80")));
    assert_false(met(want, address("0.0.0.0:81")));
    assert_false(met(want, address("127.0.0.1:80")));
    assert_false(met(want, address("[::1]:80")));
}

static void a_star_for_a_port_is_any_port(void **state) {
    (void)state;
    const struct expectation *want = want_of("r getsockname s", "127.0.0.1:*");
    assert_true(met(want, address("127.0.0.1:1")));
    assert_true(met(want, address("127.0.0.1:65535")));
    assert_false(met(want, address("127.0.0.2:1")));
    assert_false(met(want, address("[::1]:1")));
}

/* Sets what the board knows of socket `s` of role `r`. */
static void see(const char *local, const char *peer) {
    struct socket_view *view = board_view(board, 0, 0);
    view->made = true;
    view->local = address(local).address;
    view->has_peer = peer != NULL;
    if (peer != NULL)
        view->peer = address(peer).address;
}

static void a_reference_is_the_endpoint_of_its_socket_now(void **state) {
    (void)state;
    const struct expectation *want = want_of("r getsockname s", "$r.s");
    assert_false(met(want, address("127.0.0.1:80"))); /* it has none yet */
    see("127.0.0.1:80", NULL);
    assert_true(met(want, address("127.0.0.1:80")));
    assert_false(met(want, address("127.0.0.1:81")));
    see("127.0.0.1:81", NULL);
    assert_true(met(want, address("127.0.0.1:81")));
}

static void a_reference_may_be_to_the_peer(void **state) {
    (void)state;
    const struct expectation *want =
        want_of("r connect s 127.0.0.1:9\nr getpeername s", "$r.s.peer");
    see("127.0.0.1:80", NULL);
    assert_false(met(want, address("127.0.0.1:80")));
    see("127.0.0.1:80", "127.0.0.1:9");
    assert_true(met(want, address("127.0.0.1:9")));
    assert_false(met(want, address("127.0.0.1:80")));
}

static void a_reference_may_be_to_a_port_alone(void **state) {
    (void)state;
    const struct expectation *want = want_of("r getsockname s", "127.0.0.2:$r.s.port");
    see("127.0.0.1:80", NULL);
    assert_true(met(want, address("127.0.0.2:80")));
    assert_false(met(want, address("127.0.0.1:80")));
    assert_false(met(want, address("127.0.0.2:81")));
    want = want_of("r getsockname s", "*:$r.s.port");
    see("127.0.0.1:80", NULL);
    assert_true(met(want, address("[::]:80")));
    assert_true(met(want, address("0.0.0.0:80")));
    assert_false(met(want, address("[::]:81")));
}

/* --- values of options --- */

static const struct {
    const char *option, *want, *got;
    bool met;
} value_rows[] = {
    {"SO_REUSEADDR", "1", "1", true},
    {"SO_REUSEADDR", "1", "0", false},
    {"TCP_DEFER_ACCEPT", "1..3", "3", true},
    {"TCP_DEFER_ACCEPT", "1..3", "4", false},
    {"TCP_DEFER_ACCEPT", "1..3", "0", false},
    {"TCP_LINGER2", "-1", "-1", true},
    {"SO_LINGER", "off", "off", true},
    {"SO_LINGER", "off", "0", false},
    {"SO_LINGER", "0", "off", false},
    {"SO_LINGER", "0", "0", true},
    {"SO_LINGER", "5", "6", false},
    {"SO_LINGER", "off | 5", "5", true},
    {"SO_RCVTIMEO", "200ms", "0.2s", true},
    {"SO_RCVTIMEO", "200ms", "201ms", false},
    {"SO_SNDTIMEO", "0s", "0s", true},
    {"SO_BINDTODEVICE", "lo", "lo", true},
    {"SO_BINDTODEVICE", "lo", "lo0", false},
    {"SO_BINDTODEVICE", "\"\"", "", true},
    {"SO_BINDTODEVICE", "\"\"", "lo", false},
    {"IP_LOCAL_PORT_RANGE", "40000-40099", "40000-40099", true},
    {"IP_LOCAL_PORT_RANGE", "40000-40099", "40000-40098", false},
    {"IP_LOCAL_PORT_RANGE", "40000-40099", "40001-40099", false},
    {"IP_LOCAL_PORT_RANGE", "0-0", "0-0", true},
    {"SO_REUSEADDR", "ok", "0", true},
    {"SO_REUSEADDR", "any", "7", true},
};

static void a_value_is_compared_as_its_option_has_it(void **state) {
    (void)state;
    for (size_t i = 0; i < ROWS(value_rows); i++) {
        char call[60];
        snprintf(call, sizeof call, "r getsockopt s %s", value_rows[i].option);
        const struct expectation *want = want_of(call, value_rows[i].want);
        assert_int_equal(met(want, value(value_rows[i].option, value_rows[i].got)),
                         value_rows[i].met);
    }
}

static void a_value_is_no_errno_and_an_errno_no_value(void **state) {
    (void)state;
    assert_false(met(want_of("r getsockopt s SO_REUSEADDR", "1"), failed(ENOPROTOOPT)));
    assert_false(met(want_of("r getsockopt s SO_REUSEADDR", "1"), number(1)));
    const struct expectation *want = want_of("r getsockopt s SO_BINDTODEVICE", "ENOPROTOOPT");
    assert_true(met(want, failed(ENOPROTOOPT)));
    assert_false(met(want, value("SO_BINDTODEVICE", "lo")));
}

/* --- what an expectation allows --- */

static void an_expectation_allows_success_unless_all_of_it_is_errnos(void **state) {
    static const struct {
        const char *result;
        bool allows;
    } rows[] = {
        {"ok", true},
        {"any", true},
        {"5", true},
        {"eof", true},
        {"EAGAIN", false},
        {"EAGAIN | EINVAL", false},
        {"EAGAIN | ok", true},
        {"ok since 6.8, else EAGAIN", true},
        {"EAGAIN since 6.8, else 5", true},
        {"EAGAIN since 6.8, else EINVAL", false},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++)
        assert_int_equal(expectation_allows_success(want_of("r recv s", rows[i].result)),
                         rows[i].allows);
    assert_true(expectation_allows_success(want_of_silence("r recv s")));
}

/* A report that printed what is left open would not be the same from run to run. */
static void an_expectation_wants_more_until_a_number_would_do(void **state) {
    static const struct {
        const char *result;
        int64_t got;
        bool more;
    } rows[] = {
        {"5", 4, true},           {"5", 5, false},      {"5", 6, false},
        {"5..9", 4, true},        {"5..9", 5, false},   {"9 | 5", 4, true},
        {"9 | 5", 5, false},      {"9 | eof", 4, true}, {"9 | ECONNRESET", 4, true},
        {"ECONNRESET", 4, false}, {"eof", 4, false},    {"ok", 4, false},
        {"any", 4, false},        {"9 | ok", 4, false}, {"9 since 5.4, else 3", 4, true},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++)
        if (expectation_wants_more(want_of("r recv s", rows[i].result), rows[i].got) !=
            rows[i].more)
            fail_msg("%s after %lld", rows[i].result, (long long)rows[i].got);
    assert_false(expectation_wants_more(want_of_silence("r recv s"), 1));
}

static void ready_is_ok_and_timeout_is_not(void **state) {
    static const struct {
        const char *result;
        enum answer_kind got;
        bool met;
    } rows[] = {{"ready", ANSWER_READY, true},    {"ready", ANSWER_TIMEOUT, false},
                {"ready", ANSWER_OK, false},      {"timeout", ANSWER_TIMEOUT, true},
                {"timeout", ANSWER_READY, false}, {"ok", ANSWER_READY, true},
                {"ok", ANSWER_TIMEOUT, false},    {"ready | timeout", ANSWER_TIMEOUT, true}};
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct answer got = {.kind = rows[i].got};
        const struct expectation *want = want_of("r poll s read", rows[i].result);
        if ((expectation_met(want, &got, linux_6_8, resolve, board) != NULL) != rows[i].met)
            fail_msg("row %zu: %s", i, rows[i].result);
    }
}

static void a_cause_is_met_by_itself_alone_and_free_by_free(void **state) {
    static const struct {
        const char *result;
        struct answer got;
        bool met;
    } rows[] = {
        {"free", {.kind = ANSWER_FREE}, true},
        {"free", {.kind = ANSWER_CAUSE, .cause = CAUSE_STOLEN_PORT}, false},
        {"free", {.kind = ANSWER_OK}, false},
        {"stolen-port", {.kind = ANSWER_CAUSE, .cause = CAUSE_STOLEN_PORT}, true},
        {"stolen-port", {.kind = ANSWER_CAUSE, .cause = CAUSE_STOLEN_PORT_TIME_WAIT}, false},
        {"stolen-port", {.kind = ANSWER_FREE}, false},
        {"unknown", {.kind = ANSWER_FREE}, false},
        {"unknown", {.kind = ANSWER_CAUSE, .cause = CAUSE_UNKNOWN}, true},
        {"free | stolen-port", {.kind = ANSWER_CAUSE, .cause = CAUSE_STOLEN_PORT}, true},
        {"any", {.kind = ANSWER_FREE}, true},
        {"any", {.kind = ANSWER_CAUSE, .cause = CAUSE_STOLEN_PORT}, true},
        {"any", {.kind = ANSWER_NONE}, false},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        const struct expectation *want = want_of("why *:80", rows[i].result);
        if ((expectation_met(want, &rows[i].got, linux_6_8, resolve, board) != NULL) != rows[i].met)
            fail_msg("row %zu: %s", i, rows[i].result);
    }
}

static void a_wanted_answer_pins_what_can_come_in_one_way_only(void **state) {
    static const struct {
        const char *call, *result;
        enum answer_kind got;
        bool pins;
    } rows[] = {
        {"r bind s *:80", "EADDRINUSE", ANSWER_ERRNO, true},
        {"r bind s *:80", "any", ANSWER_ERRNO, true},
        {"r bind s *:80", "ok", ANSWER_OK, true},
        {"r recv s", "eof", ANSWER_EOF, true},
        {"r recv s", "5", ANSWER_NUMBER, true},
        {"r recv s", "5..5", ANSWER_NUMBER, true},
        {"r recv s", "5..6", ANSWER_NUMBER, false},
        {"r recv s", "any", ANSWER_NUMBER, false},
        {"r recv s", "any", ANSWER_EOF, true},
        {"r recv s", "ok", ANSWER_NUMBER, false},
        {"destroy *:80", "ok", ANSWER_NUMBER, false},
        {"r getsockname s", "127.0.0.1:80", ANSWER_ADDRESS, true},
        {"r getsockname s", "127.0.0.1:*", ANSWER_ADDRESS, false},
        {"r getsockname s", "$r.s", ANSWER_ADDRESS, false},
        {"r getsockname s", "127.0.0.1:$r.s.port", ANSWER_ADDRESS, false},
        {"r getsockname s", "ok", ANSWER_ADDRESS, false},
        {"r getsockopt s SO_LINGER", "5", ANSWER_VALUE, true},
        {"r getsockopt s TCP_DEFER_ACCEPT", "1..5", ANSWER_VALUE, false},
        {"why *:80", "free", ANSWER_FREE, true},
        {"why *:80", "stolen-port", ANSWER_CAUSE, true},
        {"why *:80", "any", ANSWER_CAUSE, true},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct answer got = {.kind = rows[i].got};
        const struct expectation *want = want_of(rows[i].call, rows[i].result);
        if (wanted_pins(&want->either[0], &got) != rows[i].pins)
            fail_msg("%s -> %s", rows[i].call, rows[i].result);
    }
}

static void a_wanted_answer_pins_a_block_if_it_says_after_how_many_rounds(void **state) {
    struct answer ended = {
        .kind = ANSWER_ERRNO, .error = EMFILE, .in_block = true, .at = VERB_SOCKET, .rounds = 5};
    struct answer complete = {.kind = ANSWER_OK, .in_block = true, .rounds = 5};
    (void)state;
    assert_true(wanted_pins(want_of_block("EMFILE at socket after 5")->either, &ended));
    assert_false(wanted_pins(want_of_block("EMFILE at socket after 5..6")->either, &ended));
    assert_false(wanted_pins(want_of_block("EMFILE at socket")->either, &ended));
    assert_false(wanted_pins(want_of_block("EMFILE")->either, &ended));
    assert_false(wanted_pins(want_of_block("any")->either, &ended));
    assert_true(wanted_pins(want_of_block("ok")->either, &complete));
}

static const char *text_of_met(const struct expectation *want, struct answer got) {
    const struct wanted *met = expectation_met(want, &got, linux_6_8, resolve, board);
    return met == NULL ? "none" : met->text;
}

static void the_one_of_several_that_was_met_is_told(void **state) {
    const struct expectation *want = want_of("r recv s", "eof | 5..6|EAGAIN");
    (void)state;
    assert_string_equal(text_of_met(want, failed(EAGAIN)), "EAGAIN");
    assert_string_equal(text_of_met(want, number(6)), "5..6");
    assert_string_equal(text_of_met(want, number(7)), "none");
    want = want_of("r recv s", "5 since 99.0, else 6 | 7");
    assert_string_equal(text_of_met(want, number(7)), "7");
    want = want_of_silence("r recv s");
    assert_string_equal(text_of_met(want, number(7)), "ok");
}

/* --- in words --- */

static void an_answer_is_written_as_the_language_spells_it(void **state) {
    const struct {
        struct answer got;
        const char *text;
    } rows[] = {
        {{.kind = ANSWER_NONE}, "no answer"},
        {ok(), "ok"},
        {failed(EADDRINUSE), "EADDRINUSE"},
        {failed(EAGAIN), "EAGAIN"},
        {failed(524), "errno 524"},
        {eof(), "eof"},
        {number(0), "0"},
        {number(INT64_MIN), "-9223372036854775808"},
        {address("127.0.0.1:80"), "127.0.0.1:80"},
        {address("[::1]:65535"), "[::1]:65535"},
        {{.kind = ANSWER_ADDRESS}, "-"},
        {value("SO_REUSEADDR", "1"), "1"},
        {value("SO_LINGER", "off"), "off"},
        {value("SO_LINGER", "0"), "0"},
        {value("SO_RCVTIMEO", "200ms"), "200ms"},
        {value("SO_BINDTODEVICE", "lo"), "lo"},
        {value("IP_LOCAL_PORT_RANGE", "40000-40099"), "40000-40099"},
        {{.kind = ANSWER_READY}, "ready"},
        {{.kind = ANSWER_TIMEOUT}, "timeout"},
        {{.kind = ANSWER_FREE}, "free"},
        {{.kind = ANSWER_CAUSE, .cause = CAUSE_STOLEN_PORT}, "stolen-port"},
        {ended(ok(), VERB_NONE, 100), "ok"},
        {ended(failed(EMFILE), VERB_SOCKET, 17), "EMFILE at socket after 17"},
        {ended(ok(), VERB_CONNECT, 0), "ok at connect after 0"},
        {ended(eof(), VERB_RECV, 1), "eof at recv after 1"},
        {ended(number(5), VERB_SEND, 2), "5 at send after 2"},
        {ended(number(50), VERB_NONE, 50), "50"},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        char text[ANSWER_TEXT_SIZE];
        assert_ptr_equal(answer_text(&rows[i].got, text), text);
        assert_string_equal(text, rows[i].text);
    }
}

static void each_wanted_answer_has_an_index(void **state) {
    (void)state;
    const struct expectation *want =
        want_of("r bind s *:0", "ok | EADDRINUSE since 6.8, else EINVAL | EACCES");
    assert_int_equal(want->either_count, 2);
    assert_int_equal(want->otherwise_count, 2);
    for (int i = 0; i < 4; i++) {
        const struct wanted *wanted = i < 2 ? &want->either[i] : &want->otherwise[i - 2];
        assert_int_equal(expectation_index(want, wanted), i);
        assert_ptr_equal(expectation_at(want, i), wanted);
    }
    assert_int_equal(expectation_index(want, NULL), -1);
    assert_null(expectation_at(want, -1));
}

static void the_longest_answer_fits_its_buffer(void **state) {
    (void)state;
    struct answer got = ended(address("[1111:2222:3333:4444:5555:6666:7777:8888]:65535"),
                              VERB_GETSOCKNAME, UINT64_MAX);
    char text[ANSWER_TEXT_SIZE];
    assert_string_equal(answer_text(&got, text),
                        "[1111:2222:3333:4444:5555:6666:7777:8888]:65535 at getsockname after "
                        "18446744073709551615");
}

#define TEST(function) cmocka_unit_test_teardown(function, forget)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(ok_is_any_answer_but_an_errno_and_eof),
        TEST(a_line_without_an_arrow_expects_ok),
        TEST(no_answer_meets_nothing),
        TEST(an_errno_is_met_by_itself_alone),
        TEST(eof_is_met_by_eof_alone),
        TEST(a_number_is_met_by_itself_alone),
        TEST(a_range_includes_both_ends),
        TEST(any_is_met_by_every_answer),
        TEST(a_bar_allows_either),
        TEST(since_parts_newer_kernels_from_older_ones),
        TEST(since_looks_at_the_third_number_too),
        TEST(without_since_the_kernel_does_not_matter),
        TEST(within_and_in_bound_the_time),
        TEST(time_is_no_part_of_the_answer),
        TEST(a_block_that_is_to_end_ok_runs_all_its_rounds),
        TEST(a_block_without_an_expectation_is_to_run_all_its_rounds),
        TEST(a_block_that_is_to_fail_may_not_run_to_its_end),
        TEST(at_names_the_call_that_ends_the_block),
        TEST(after_counts_the_whole_rounds),
        TEST(ok_at_a_call_is_a_success_that_came_unexpected),
        TEST(a_block_may_end_in_one_of_several_ways),
        TEST(any_end_of_a_block_will_do),
        TEST(stop_answers_a_number_of_rounds),
        TEST(an_address_is_met_by_itself_alone),
        TEST(a_star_for_an_address_is_the_sockets_own_wildcard),
        TEST(a_star_for_a_port_is_any_port),
        TEST(a_reference_is_the_endpoint_of_its_socket_now),
        TEST(a_reference_may_be_to_the_peer),
        TEST(a_reference_may_be_to_a_port_alone),
        TEST(a_value_is_compared_as_its_option_has_it),
        TEST(a_value_is_no_errno_and_an_errno_no_value),
        TEST(an_expectation_allows_success_unless_all_of_it_is_errnos),
        TEST(an_expectation_wants_more_until_a_number_would_do),
        TEST(ready_is_ok_and_timeout_is_not),
        TEST(a_cause_is_met_by_itself_alone_and_free_by_free),
        TEST(a_wanted_answer_pins_what_can_come_in_one_way_only),
        TEST(a_wanted_answer_pins_a_block_if_it_says_after_how_many_rounds),
        TEST(the_one_of_several_that_was_met_is_told),
        TEST(an_answer_is_written_as_the_language_spells_it),
        TEST(each_wanted_answer_has_an_index),
        TEST(the_longest_answer_fits_its_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
