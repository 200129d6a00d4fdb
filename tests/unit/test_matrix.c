/* The matrix: the order of pairs, the choice of ends, and pairs as text. */
#include "test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "report/matrix/matrix.h"

static unsigned count_ends(const char *text, unsigned addresses) {
    matrix_ends ends = {{false}};
    unsigned count = 0;
    bool any = matrix_choose_ends(text, addresses, ends);
    for (unsigned i = 0; i < MATRIX_FIRSTS; i++)
        for (unsigned k = 0; k < MATRIX_OPTIONS; k++)
            count += ends[i][k];
    assert_int_equal(any, count > 0);
    return count;
}

static void ends_are_chosen_by_words(void **state) {
    static const struct {
        const char *text;
        unsigned first, second;
    } rows[] = {
        {"127.0.0.1", 4, 4},      {"::", 12, 8},
        {"[::]", 12, 8},          {"::,v6only", 4, 4},
        {"REUSEADDR", 9, 8},      {"SO_REUSEADDR", 9, 8},
        {"v6only", 4, 4},         {"127.0.0.1,both", 1, 1},
        {"::,IPv4", 4, 0},        {"::,IPv6,none", 1, 1},
        {"IPv5", 0, 0},           {"127.0.0.1,127.0.0.2", 0, 0},
        {"127.0.0.1,IPv4", 0, 0}, {"127.0.0.3", 0, 0},
        {"reuseaddr", 0, 0},      {"", 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        assert_int_equal(count_ends(rows[i].text, MATRIX_FIRSTS), rows[i].first);
        assert_int_equal(count_ends(rows[i].text, MATRIX_ADDRESSES), rows[i].second);
    }
}

/* The pairs of bind() alone, without a device: as the address and options of both are free. */
static void every_pair_comes_once(void **state) {
    const size_t ends = (size_t)MATRIX_ADDRESSES * MATRIX_OPTIONS,
                 reuseport = (size_t)MATRIX_ADDRESSES * 2;
    struct matrix_pair pair = {0};
    size_t same = 0, other = 0, firsts = 0;
    (void)state;
    do {
        bool plain = pair.call == STORY_CALL_BIND && pair.device == MATRIX_NO_DEVICE;
        same += plain && pair.user == MATRIX_SAME_USER;
        other += pair.user == MATRIX_OTHER_USER;
        assert_true(plain || pair.user == MATRIX_SAME_USER);
        assert_true(plain || pair.first.options == MATRIX_NONE ||
                    pair.first.options == MATRIX_BOTH);
    } while (matrix_next(PROTOCOL_TCP, &pair));
    for (unsigned i = 0; i < STORIES; i++)
        for (unsigned k = 0; k < MATRIX_FIRSTS; k++)
            firsts += matrix_has_first(i, k);
    assert_int_equal(same, firsts * MATRIX_OPTIONS * ends);
    assert_int_equal(other, firsts * 2 * reuseport);
}

/* What comes twice would be measured twice. */
static void the_cells_of_all_pairs_differ(void **state) {
    struct matrix *matrix = calloc(1, sizeof *matrix);
    struct matrix_pair pair = {0};
    (void)state;
    assert_non_null(matrix);
    do {
        struct matrix_cell *cell = matrix_cell(matrix, &pair);
        assert_false(cell->measured);
        cell->measured = true;
    } while (matrix_next(PROTOCOL_TCP, &pair));
    free(matrix);
}

static void states_have_names_and_firsts(void **state) {
    char text[MATRIX_NAME_SIZE];
    unsigned connect = matrix_state_named(PROTOCOL_TCP, "OUT-CONNECT");
    (void)state;
    for (unsigned i = 0; i < STORIES; i++)
        for (enum protocol protocol = PROTOCOL_TCP; protocol <= PROTOCOL_UDP; protocol++)
            if (matrix_has_state(protocol, i))
                assert_int_equal(matrix_state_named(protocol, matrix_state_name(protocol, i)), i);
    assert_int_equal(matrix_state_named(PROTOCOL_UDP, "LISTEN"), STORIES);
    assert_int_equal(matrix_state_named(PROTOCOL_UDP, "UNCONN"), STORY_OF_BOUND);
    assert_int_equal(matrix_state_named(PROTOCOL_UDP, "ESTABLISHED"), STORY_OF_OUT_BOUND);
    assert_true(matrix_has_first(connect, 0));
    assert_false(matrix_has_first(connect, 1)); /* a socket that is not bound has no address */
    assert_true(matrix_has_first(connect, MATRIX_ADDRESSES));
    assert_false(matrix_has_first(STORY_OF_LISTEN, MATRIX_ADDRESSES));
    assert_string_equal(matrix_first_name(connect, 3, text), ":: (IPv6 server)");
}

static void check_text(const struct matrix_pair *pair, const char *want) {
    char text[MATRIX_PAIR_SIZE];
    assert_string_equal(matrix_pair_text(&(struct matrix){0}, pair, text), want);
}

static void pairs_and_answers_are_text(void **state) {
    struct matrix_pair pair = {.user = MATRIX_OTHER_USER,
                               .state = STORY_OF_ESTABLISHED,
                               .first = {MATRIX_ADDRESSES - 1, MATRIX_REUSEADDR},
                               .second = {MATRIX_ADDRESSES - 1, MATRIX_REUSEPORT}};
    char text[MATRIX_ANSWER_SIZE];
    (void)state;
    check_text(&pair, "ESTABLISHED ::ffff:127.0.0.1 REUSEADDR, then ::ffff:127.0.0.1 REUSEPORT of "
                      "another user");
    pair = (struct matrix_pair){.state = STORY_OF_TIME_WAIT, .first = {MATRIX_ADDRESSES, 0}};
    check_text(&pair, "TIME-WAIT :: (IPv4 client) none, then 0.0.0.0 none");
    pair.first.address = 3;
    check_text(&pair, "TIME-WAIT :: (IPv6 client) none, then 0.0.0.0 none");
    pair.state = STORY_OF_LISTEN;
    check_text(&pair, "LISTEN :: none, then 0.0.0.0 none");
    pair.call = STORY_CALL_PORT_0;
    check_text(&pair, "LISTEN :: none, then 0.0.0.0 none to port 0");
    pair = (struct matrix_pair){
        .state = STORY_OF_LISTEN, .device = MATRIX_DEVICE_OTHER, .second = {1, MATRIX_BOTH}};
    check_text(&pair, "LISTEN 0.0.0.0 none, then 127.0.0.1 both; the first on lo, the second on "
                      "another device");
    struct matrix_answer answer = {0, EADDRINUSE, MATRIX_NOT_ASKED};
    assert_string_equal(matrix_answer_text(&answer, text), "bind ok, listen EADDRINUSE");
    answer = (struct matrix_answer){EADDRINUSE, MATRIX_NOT_ASKED, MATRIX_NOT_ASKED};
    assert_string_equal(matrix_answer_text(&answer, text), "bind EADDRINUSE");
    answer = (struct matrix_answer){MATRIX_NOT_ASKED, MATRIX_NOT_ASKED, EADDRNOTAVAIL};
    assert_string_equal(matrix_answer_text(&answer, text), "connect EADDRNOTAVAIL");
}

enum { NONE = MATRIX_NOT_ASKED };

static void a_cell_has_a_mark(void **state) {
    static const struct {
        struct matrix_answer want, got;
        char mark;
    } rows[] = {
        {{0, 0, NONE}, {0, 0, NONE}, '+'},
        {{0, EADDRINUSE, NONE}, {0, EADDRINUSE, NONE}, 'b'},
        {{0, NONE, EADDRNOTAVAIL}, {0, NONE, EADDRNOTAVAIL}, 'b'},
        {{EADDRINUSE, NONE, NONE}, {EADDRINUSE, NONE, NONE}, '.'},
        {{NONE, NONE, EADDRNOTAVAIL}, {NONE, NONE, EADDRNOTAVAIL}, '.'},
        {{NONE, NONE, 0}, {NONE, NONE, 0}, '+'},
        {{0, 0, NONE}, {EADDRINUSE, NONE, NONE}, '!'},
        {{0, NONE, 0}, {0, NONE, EADDRNOTAVAIL}, '!'},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct matrix_cell cell = {.measured = true, .want = rows[i].want, .got = rows[i].got};
        assert_int_equal(matrix_mark(&cell), rows[i].mark);
    }
    assert_int_equal(matrix_mark(&(struct matrix_cell){0}), ' ');
}

/* A reason of any length: the first line has 80 bytes at most and ends with a word. */
static void a_long_reason_is_not_cut_inside_a_word(void **state) {
    struct matrix *matrix = calloc(1, sizeof *matrix);
    char line[REPORT_LINE_SIZE];
    (void)state;
    assert_non_null(matrix);
    matrix->verdict = VERDICT_SKIP;
    snprintf(matrix->reason, sizeof matrix->reason,
             "no private namespace: a seccomp filter refuses clone(CLONE_NEWUSER), see docs");
    assert_string_equal(matrix_verdict(matrix, line),
                        "SKIP matrix: no private namespace: a seccomp "
                        "filter refuses");
    free(matrix);
}

static void the_verdict_says_of_which_kernel_the_model_is(void **state) {
    struct matrix *matrix = calloc(1, sizeof *matrix);
    char line[REPORT_LINE_SIZE];
    (void)state;
    assert_non_null(matrix);
    matrix->pairs = 1;
    snprintf(matrix->kernel, sizeof matrix->kernel, "6.1.0-45-amd64");
    assert_string_equal(matrix_verdict(matrix, line),
                        "PASS matrix: 1 pair of sockets, as the model says");
    matrix->pairs = 11820;
    matrix->quirks = quirks_of((struct kernel_release){{6, 1, 0}});
    assert_string_equal(matrix_verdict(matrix, line),
                        "PASS matrix: 11820 pairs of sockets, as the model of Linux 6.1 says");
    matrix->verdict = VERDICT_FAIL;
    matrix->protocol = PROTOCOL_UDP;
    matrix->disagreements = 28;
    assert_string_equal(matrix_verdict(matrix, line),
                        "FAIL matrix: 28 of 11820 pairs of UDP sockets not as the model of Linux "
                        "6.1 says");
    free(matrix);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ends_are_chosen_by_words),
        cmocka_unit_test(every_pair_comes_once),
        cmocka_unit_test(the_cells_of_all_pairs_differ),
        cmocka_unit_test(states_have_names_and_firsts),
        cmocka_unit_test(pairs_and_answers_are_text),
        cmocka_unit_test(a_cell_has_a_mark),
        cmocka_unit_test(the_verdict_says_of_which_kernel_the_model_is),
        cmocka_unit_test(a_long_reason_is_not_cut_inside_a_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
