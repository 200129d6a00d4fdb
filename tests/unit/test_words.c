/* Errno names, suggestions for misspelt words, numbers and spans of time. */
#include "test.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/errnames.h"
#include "base/text.h"
#include "base/units.h"

/* --- errno names --- */

static void errname_and_number_are_inverse(void **state) {
    static const struct {
        const char *name;
        int number;
    } rows[] = {
        {"EPERM", EPERM},           {"EACCES", EACCES},
        {"EADDRINUSE", EADDRINUSE}, {"EADDRNOTAVAIL", EADDRNOTAVAIL},
        {"EAGAIN", EAGAIN},         {"ECONNREFUSED", ECONNREFUSED},
        {"EINVAL", EINVAL},         {"EOPNOTSUPP", EOPNOTSUPP},
        {"ETIMEDOUT", ETIMEDOUT},   {"EINPROGRESS", EINPROGRESS},
    };
    char text[ERRNAME_SIZE];
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        assert_string_equal(errname(rows[i].number, text), rows[i].name);
        assert_int_equal(errname_number(rows[i].name), rows[i].number);
    }
}

static void errname_of_each_known_number_reads_back(void **state) {
    unsigned known = 0;
    (void)state;
    for (int number = 1; number < 200; number++) {
        char text[ERRNAME_SIZE] = "";
        const char *name = errname(number, text);
        if (name == text)
            continue;
        known++;
        assert_int_equal(errname_number(name), number);
    }
    assert_true(known > 60);
}

static void errname_aliases_read_but_are_not_printed(void **state) {
    char text[ERRNAME_SIZE];
    (void)state;
    assert_int_equal(errname_number("EWOULDBLOCK"), EAGAIN);
    assert_string_equal(errname(EWOULDBLOCK, text), "EAGAIN");
    assert_int_equal(errname_number("ENOTSUP"), ENOTSUP);
    assert_string_equal(errname(ENOTSUP, text), "EOPNOTSUPP");
}

static void errname_of_an_unknown_number_is_the_number(void **state) {
    static const struct {
        int number;
        const char *want;
    } rows[] = {{0, "errno 0"},
                {524, "errno 524"},
                {-98, "errno -98"},
                {INT_MAX, "errno 2147483647"},
                {INT_MIN, "errno -2147483648"}};
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        char *text = malloc(ERRNAME_SIZE);
        assert_ptr_equal(errname(rows[i].number, text), text);
        assert_string_equal(text, rows[i].want);
        free(text);
    }
}

static void errname_number_of_an_unknown_name_is_0(void **state) {
    static const char *const rows[] = {
        "", "E", "EADDR", "eaddrinuse", "EADDRINUSE ", "EADDRINUSES", "errno 98", "98"};
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++)
        assert_int_equal(errname_number(rows[i]), 0);
}

static void errname_near_finds_the_name_meant(void **state) {
    (void)state;
    assert_string_equal(errname_near("EPREM"), "EPERM");
    assert_string_equal(errname_near("EADRINUSE"), "EADDRINUSE");
    assert_string_equal(errname_near("eaddrinuse"), "EADDRINUSE");
    assert_string_equal(errname_near("EADDRNOTAVIAL"), "EADDRNOTAVAIL");
    assert_string_equal(errname_near("EWOLUDBLOCK"), "EWOULDBLOCK");
    assert_null(errname_near("nothing of the kind"));
    assert_null(errname_near(""));
}

/* --- suggestions --- */

static const char *nearest(const char *misspelt, const char *const *words) {
    struct suggestion search = suggest_begin(misspelt);
    for (; *words != NULL; words++)
        suggest_offer(&search, *words);
    return search.word;
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void suggest_finds_the_word_meant(void **state) {
    (void)state;
    const char *const *verbs = WORDS("socket", "listen", "bind", "connect", "close");
    assert_string_equal(nearest("bnid", verbs), "bind");
    assert_string_equal(nearest("BIND", verbs), "bind");
    assert_string_equal(nearest("Conect", verbs), "connect");
    assert_string_equal(nearest("listten", verbs), "listen");
    assert_string_equal(nearest("clone", verbs), "close");
    assert_null(nearest("accept", verbs));
    assert_null(nearest("", verbs));
}

static void suggest_allows_one_error_in_three_letters_up_to_three(void **state) {
    static const struct {
        const char *misspelt, *word;
        bool near;
    } rows[] = {
        {"ab", "AB", true},
        {"ab", "ac", false},
        {"abc", "abd", true},
        {"abc", "axd", false},
        {"abcde", "abcxy", false},
        {"abcdef", "abcdxy", true},
        {"abcdef", "abcxyz", false},
        {"abcdefghi", "abcdefxyz", true},
        {"abcdefghi", "abcdewxyz", false},
        {"abcdefghijklmno", "abcdefghijklxyz", true},
        {"abcdefghijklmno", "abcdefghijkwxyz", false},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++)
        if ((nearest(rows[i].misspelt, WORDS(rows[i].word)) != NULL) != rows[i].near)
            fail_msg("%s and %s", rows[i].misspelt, rows[i].word);
}

static void suggest_counts_each_kind_of_error_as_one(void **state) {
    static const struct {
        const char *misspelt, *word;
        size_t distance;
    } rows[] = {
        {"", "", 0},
        {"connect", "CONNECT", 0},
        {"conect", "connect", 1},
        {"connnect", "connect", 1},
        {"comnect", "connect", 1},
        {"ocnnect", "connect", 1},
        {"connetc", "connect", 1},
        {"ocnnetc", "connect", 2},
        {"onnect", "connect", 1},
        {"connect1", "connect", 1},
        {"abcdefghi", "defghi", 3},
        {"defghijkl", "abcdefghijkl", 3},
        {"abcdefghi", "abcdefghi", 0},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct suggestion search = suggest_begin(rows[i].misspelt);
        suggest_offer(&search, rows[i].word);
        assert_ptr_equal(search.word, rows[i].word);
        assert_int_equal(search.distance, rows[i].distance);
    }
}

static void suggest_takes_the_nearest_and_of_equals_the_first(void **state) {
    (void)state;
    assert_string_equal(nearest("sock", WORDS("rock", "lock", "sack")), "rock");
    assert_string_equal(nearest("abcdef", WORDS("abcxyf", "abcdex", "abcdeyy")), "abcdex");
    assert_string_equal(nearest("abcdef", WORDS("abcdex", "abcxyf")), "abcdex");
}

static void suggest_leaves_very_long_words_alone(void **state) {
    enum { LONG = 5000, LONGEST = 48 };
    char longer[LONG + 1], most[LONGEST + 1], over[LONGEST + 2];
    (void)state;
    memset(longer, 'a', LONG);
    longer[LONG] = '\0';
    memset(most, 'a', LONGEST);
    most[LONGEST] = '\0';
    memset(over, 'a', LONGEST + 1);
    over[LONGEST + 1] = '\0';
    assert_null(nearest(longer, WORDS("a", longer, most)));
    assert_null(nearest(over, WORDS(over, most)));
    assert_ptr_equal(nearest(most, WORDS(over, longer, most)), most);
    assert_string_equal(nearest("bnid", WORDS(longer, "bind")), "bind");
}

/* --- numbers, spans of time, ranges --- */

static void units_number_takes_whole_decimal_numbers_within_bounds(void **state) {
    static const struct {
        const char *text;
        int64_t low, high, want;
    } rows[] = {
        {"0", 0, 10, 0},
        {"10", 0, 10, 10},
        {"007", 0, 10, 7},
        {"-5", -5, 5, -5},
        {"-0", 0, 0, 0},
        {"65535", 0, 65535, 65535},
        {"9223372036854775807", INT64_MIN, INT64_MAX, INT64_MAX},
        {"-9223372036854775808", INT64_MIN, INT64_MAX, INT64_MIN},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        int64_t number = 4711;
        if (!units_number(rows[i].text, rows[i].low, rows[i].high, &number) ||
            number != rows[i].want)
            fail_msg("%s gave %" PRId64, rows[i].text, number);
    }
}

static void units_number_refuses_what_is_none(void **state) {
    static const char *const rows[] = {"",    "-",   "+1",  "--1", "-+1", " 1",  "1 ",
                                       "1\n", "\t1", "1x",  "x1",  "0x5", "5e0", "1.",
                                       "1.0", "1,0", "0b1", "one", "1-1"};
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        int64_t number = 0;
        if (units_number(rows[i], INT64_MIN, INT64_MAX, &number))
            fail_msg("'%s' was taken as %" PRId64, rows[i], number);
    }
}

static void units_number_refuses_what_is_out_of_bounds(void **state) {
    static const char *const huge[] = {"9223372036854775808", "-9223372036854775809",
                                       "18446744073709551617", "99999999999999999999"};
    int64_t number = 0;
    (void)state;
    assert_false(units_number("11", -5, 10, &number));
    assert_false(units_number("-6", -5, 10, &number));
    for (size_t i = 0; i < ROWS(huge); i++)
        if (units_number(huge[i], INT64_MIN, INT64_MAX, &number))
            fail_msg("'%s' was taken as %" PRId64, huge[i], number);
}

static void units_duration_takes_each_unit_and_fractions(void **state) {
    static const struct {
        const char *text;
        uint64_t want;
    } rows[] = {
        {"0us", 0},
        {"0s", 0},
        {"200us", 200 * 1000ULL},
        {"1.5us", 1500},
        {"200ms", 200 * 1000000ULL},
        {"3s", 3 * 1000000000ULL},
        {"1.5s", 1500 * 1000000ULL},
        {"1.05s", 1050 * 1000000ULL},
        {"0.001s", 1000000},
        {"0.123ms", 123000},
        {"2m", 120 * 1000000000ULL},
        {"1.5m", 90 * 1000000000ULL},
        {"007s", 7 * 1000000000ULL},
        {"86400s", 86400 * 1000000000ULL},
        {"1440m", 86400 * 1000000000ULL},
        {"86400000000us", 86400 * 1000000000ULL},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        uint64_t ns = 4711;
        if (!units_duration(rows[i].text, &ns) || ns != rows[i].want)
            fail_msg("%s gave %" PRIu64 " ns", rows[i].text, ns);
    }
}

static void units_duration_refuses_what_is_none(void **state) {
    static const char *const rows[] = {
        "",     "5",    "1.5",  "s",    "ms",    "m",     ".5s", "1.s",  "1..5s",   "1.5.5s",
        "1,5s", "-1s",  "+1s",  " 1s",  "1 s",   "1s ",   "1S",  "1sec", "1h",      "1d",
        "1ns",  "1mss", "1e3s", "0x1s", "1.5 s", "1.-5s", "s1",  "1s\n", "1.2345s", "0.0001us"};
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        uint64_t ns = 0;
        if (units_duration(rows[i], &ns))
            fail_msg("'%s' was taken as %" PRIu64 " ns", rows[i], ns);
    }
}

static void units_duration_refuses_more_than_a_day(void **state) {
    static const char *const rows[] = {"1441m",
                                       "1440.5m",
                                       "86400.999s",
                                       "86401s",
                                       "86400001ms",
                                       "86400000001us",
                                       "86400000000001us",
                                       "18446744073709551616us",
                                       "99999999999999999999999999s"};
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        uint64_t ns = 0;
        if (units_duration(rows[i], &ns))
            fail_msg("'%s' was taken as %" PRIu64 " ns", rows[i], ns);
    }
}

static void units_duration_text_takes_the_unit_that_suits(void **state) {
    static const struct {
        uint64_t ns;
        const char *want;
    } rows[] = {
        {0, "0us"},
        {9, "0us"},
        {10, "0.01us"},
        {1000, "1us"},
        {42000, "42us"},
        {100000, "100us"},
        {999999, "999.99us"},
        {1000000, "1ms"},
        {1500000, "1.5ms"},
        {1050000, "1.05ms"},
        {200000000, "200ms"},
        {999999999, "999.99ms"},
        {1000000000, "1s"},
        {59980000000, "59.98s"},
        {60000000000, "60s"},
        {86400000000000, "86400s"},
        {UINT64_MAX, "18446744073.7s"},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        char *text = malloc(UNITS_DURATION_SIZE);
        assert_ptr_equal(units_duration_text(rows[i].ns, text), text);
        assert_string_equal(text, rows[i].want);
        free(text);
    }
}

/* Three digits and the two behind the point are all that is shown: read back, a span is the same or
 * shorter by less than the last digit shown. */
static void units_duration_text_reads_back(void **state) {
    const uint64_t day = 86400 * 1000000000ULL;
    (void)state;
    for (uint64_t ns = 0; ns <= day; ns = ns * 5 / 4 + 7) {
        char text[UNITS_DURATION_SIZE];
        uint64_t again = 0;
        uint64_t last_digit = ns < NS_PER_MS ? 10 : ns < NS_PER_S ? 10000 : 10000000;
        units_duration_text(ns, text);
        if (!units_duration(text, &again) || again > ns || ns - again >= last_digit)
            fail_msg("%" PRIu64 " ns, written '%s', came back as %" PRIu64, ns, text, again);
    }
}

static void units_range_split_points_behind_the_dots(void **state) {
    static const struct {
        const char *text, *want; /* NULL: no range */
    } rows[] = {
        {"1..5", "5"}, {"1s..2.5s", "2.5s"}, {"1.5s..2s", "2s"}, {"..5", "5"}, {"1..", ""},
        {"5", NULL},   {"1.5s", NULL},       {"1.5.2", NULL},    {"", NULL},   {".", NULL},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        const char *upper = units_range_split(rows[i].text);
        if (rows[i].want == NULL)
            assert_null(upper);
        else
            assert_ptr_equal(upper, rows[i].text + strlen(rows[i].text) - strlen(rows[i].want));
    }
}

static uint64_t monotonic_ns(void) {
    struct timespec now;
    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
    return (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
}

static void units_now_is_the_monotonic_clock(void **state) {
    (void)state;
    uint64_t before = monotonic_ns(), now = units_now_ns(), after = monotonic_ns();
    assert_true(before <= now && now <= after);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errname_and_number_are_inverse),
        cmocka_unit_test(errname_of_each_known_number_reads_back),
        cmocka_unit_test(errname_aliases_read_but_are_not_printed),
        cmocka_unit_test(errname_of_an_unknown_number_is_the_number),
        cmocka_unit_test(errname_number_of_an_unknown_name_is_0),
        cmocka_unit_test(errname_near_finds_the_name_meant),
        cmocka_unit_test(suggest_finds_the_word_meant),
        cmocka_unit_test(suggest_allows_one_error_in_three_letters_up_to_three),
        cmocka_unit_test(suggest_counts_each_kind_of_error_as_one),
        cmocka_unit_test(suggest_takes_the_nearest_and_of_equals_the_first),
        cmocka_unit_test(suggest_leaves_very_long_words_alone),
        cmocka_unit_test(units_number_takes_whole_decimal_numbers_within_bounds),
        cmocka_unit_test(units_number_refuses_what_is_none),
        cmocka_unit_test(units_number_refuses_what_is_out_of_bounds),
        cmocka_unit_test(units_duration_takes_each_unit_and_fractions),
        cmocka_unit_test(units_duration_refuses_what_is_none),
        cmocka_unit_test(units_duration_refuses_more_than_a_day),
        cmocka_unit_test(units_duration_text_takes_the_unit_that_suits),
        cmocka_unit_test(units_duration_text_reads_back),
        cmocka_unit_test(units_range_split_points_behind_the_dots),
        cmocka_unit_test(units_now_is_the_monotonic_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
