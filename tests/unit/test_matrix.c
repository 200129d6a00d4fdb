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

static void every_pair_comes_once(void **state) {
    const size_t ends = (size_t)MATRIX_ADDRESSES * MATRIX_OPTIONS,
                 reuseport = (size_t)MATRIX_ADDRESSES * 2;
    struct matrix_pair pair = {0};
    size_t same = 0, other = 0;
    (void)state;
    do {
        same += pair.user == MATRIX_SAME_USER;
        other += pair.user == MATRIX_OTHER_USER;
    } while (matrix_next(&pair));
    /* in two states, there is one more address */
    assert_int_equal(same, MATRIX_STATES * ends * ends + 2UL * MATRIX_OPTIONS * ends);
    assert_int_equal(other, MATRIX_STATES * reuseport * reuseport + 2UL * 2 * reuseport);
}

static void pairs_and_answers_are_text(void **state) {
    struct matrix_pair pair = {.user = MATRIX_OTHER_USER,
                               .state = MATRIX_ESTABLISHED,
                               .first = {MATRIX_ADDRESSES - 1, MATRIX_REUSEADDR},
                               .second = {MATRIX_ADDRESSES - 1, MATRIX_REUSEPORT}};
    char text[MATRIX_PAIR_SIZE];
    (void)state;
    assert_string_equal(matrix_pair_text(&(struct matrix){0}, &pair, text),
                        "ESTABLISHED ::ffff:127.0.0.1 REUSEADDR, then ::ffff:127.0.0.1 REUSEPORT "
                        "of another user");
    pair = (struct matrix_pair){.state = MATRIX_TIME_WAIT, .first = {.address = MATRIX_ADDRESSES}};
    assert_string_equal(matrix_pair_text(&(struct matrix){0}, &pair, text),
                        "TIME-WAIT :: (IPv4 client) none, then 0.0.0.0 none");
    pair.first.address = 3;
    assert_string_equal(matrix_pair_text(&(struct matrix){0}, &pair, text),
                        "TIME-WAIT :: (IPv6 client) none, then 0.0.0.0 none");
    pair.state = MATRIX_LISTEN;
    assert_string_equal(matrix_pair_text(&(struct matrix){0}, &pair, text),
                        "LISTEN :: none, then 0.0.0.0 none");
    struct matrix_answer answer = {.bind = 0, .listen = EADDRINUSE};
    assert_string_equal(matrix_answer_text(&answer, text), "bind ok, listen EADDRINUSE");
    answer = (struct matrix_answer){.bind = EADDRINUSE, .listen = MATRIX_NOT_ASKED};
    assert_string_equal(matrix_answer_text(&answer, text), "bind EADDRINUSE");
}

static void a_cell_has_a_mark(void **state) {
    static const struct {
        struct matrix_answer want, got;
        char mark;
    } rows[] = {
        {{0, 0}, {0, 0}, '+'},
        {{0, EADDRINUSE}, {0, EADDRINUSE}, 'b'},
        {{EADDRINUSE, MATRIX_NOT_ASKED}, {EADDRINUSE, MATRIX_NOT_ASKED}, '.'},
        {{0, 0}, {EADDRINUSE, MATRIX_NOT_ASKED}, '!'},
        {{0, 0}, {MATRIX_NOT_ASKED, MATRIX_NOT_ASKED}, ' '},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct matrix_cell cell = {.want = rows[i].want, .got = rows[i].got};
        assert_int_equal(matrix_mark(&cell), rows[i].mark);
    }
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ends_are_chosen_by_words),
        cmocka_unit_test(every_pair_comes_once),
        cmocka_unit_test(pairs_and_answers_are_text),
        cmocka_unit_test(a_cell_has_a_mark),
        cmocka_unit_test(a_long_reason_is_not_cut_inside_a_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
