/* The table of the times of rounds. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/run/rounds.h"

enum { ROUNDS = 2000 };

/* The table as text; the caller frees it. */
static char *table(const uint64_t *rounds_ns, size_t count, unsigned indent) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    rounds_print(out, rounds_ns, count, indent);
    fclose(out);
    return text;
}

static unsigned lines(const char *text) {
    unsigned count = 0;
    for (; *text != '\0'; text++)
        count += *text == '\n';
    return count;
}

static void each_tenth_has_its_quartiles(void **state) {
    static uint64_t rounds_ns[ROUNDS];
    (void)state;
    for (size_t i = 0; i < ROUNDS; i++) /* the last of each 200 first: order does not matter */
        rounds_ns[i] = 1000 * (i / 200 * 1000 + 199 - i % 200);
    char *text = table(rounds_ns, ROUNDS, 0);
    assert_int_equal(lines(text), 1 + 10);
    assert_non_null(strstr(text, "\n1..200                  50us       100us       150us\n"));
    assert_non_null(strstr(text, "\n1801..2000            9.05ms       9.1ms      9.15ms\n"));
    free(text);
}

static void no_round_is_left_out_where_ten_do_not_divide(void **state) {
    static const uint64_t rounds_ns[19] = {0};
    (void)state;
    char *text = table(rounds_ns, 19, 4);
    assert_int_equal(lines(text), 1 + 10);
    assert_non_null(strstr(text, "\n    1..1 "));
    assert_non_null(strstr(text, "\n    2..3 "));
    assert_non_null(strstr(text, "\n    18..19 "));
    free(text);
}

static void a_handful_of_rounds_has_no_table(void **state) {
    static const uint64_t rounds_ns[ROUNDS_LEAST] = {0};
    (void)state;
    char *few = table(rounds_ns, ROUNDS_LEAST - 1, 0);
    char *enough = table(rounds_ns, ROUNDS_LEAST, 0);
    assert_string_equal(few, "");
    assert_int_equal(lines(enough), 1 + 10);
    free(few);
    free(enough);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_tenth_has_its_quartiles),
        cmocka_unit_test(no_round_is_left_out_where_ten_do_not_divide),
        cmocka_unit_test(a_handful_of_rounds_has_no_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
