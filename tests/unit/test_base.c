/* The ground floor: the arena, errno names, suggestions, units, UTF-8 and endpoints. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/endpoint.h"
#include "base/errnames.h"
#include "base/suggest.h"
#include "base/units.h"
#include "base/utf8.h"

#define ROWS(table) (sizeof(table) / sizeof(table)[0])

/* Copies bytes to a block of exactly their size, so that AddressSanitizer sees a read behind them.
 * The caller frees it. */
static char *exact_copy(const char *bytes, size_t size) {
    char *copy = malloc(size);
    assert_true(copy != NULL || size == 0);
    if (size > 0)
        memcpy(copy, bytes, size);
    return copy;
}

/* --- arena --- */

static bool all_bytes_are(const void *bytes, size_t size, unsigned char value) {
    const unsigned char *at = bytes;
    for (size_t i = 0; i < size; i++)
        if (at[i] != value)
            return false;
    return true;
}

static void arena_bytes_are_zeroed_and_aligned_for_any_type(void **state) {
    struct arena arena = {0};
    (void)state;
    for (size_t size = 1; size <= 300; size++) {
        void *bytes = arena_alloc(&arena, size);
        assert_int_equal((uintptr_t)bytes % alignof(max_align_t), 0);
        assert_true(all_bytes_are(bytes, size, 0));
        memset(bytes, 0xff, size); /* would show up in the next one if they overlapped */
    }
    arena_free(&arena);
}

static void arena_keeps_allocations_apart_over_many_blocks(void **state) {
    enum { COUNT = 4000, SIZE = 41 };
    static unsigned char *given[COUNT];
    struct arena arena = {0};
    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        given[i] = arena_alloc(&arena, SIZE);
        memset(given[i], (int)(i % 251), SIZE);
    }
    for (size_t i = 0; i < COUNT; i++)
        assert_true(all_bytes_are(given[i], SIZE, (unsigned char)(i % 251)));
    arena_free(&arena);
}

static void arena_serves_sizes_around_and_above_its_block(void **state) {
    static const size_t sizes[] = {1, 16383, 16384, 16385, 1, 1 << 20, 1, 16384, 16368, 16};
    unsigned char *given[ROWS(sizes)];
    struct arena arena = {0};
    (void)state;
    for (size_t i = 0; i < ROWS(sizes); i++) {
        given[i] = arena_alloc(&arena, sizes[i]);
        assert_int_equal((uintptr_t)given[i] % alignof(max_align_t), 0);
        memset(given[i], (int)i + 1, sizes[i]);
    }
    for (size_t i = 0; i < ROWS(sizes); i++)
        assert_true(all_bytes_are(given[i], sizes[i], (unsigned char)(i + 1)));
    arena_free(&arena);
}

static void arena_copy_keeps_every_byte_and_ends_with_nul(void **state) {
    struct arena arena = {0};
    (void)state;
    memset(arena_alloc(&arena, 64), 0xff, 64);
    char *copy = arena_copy(&arena, "ab\0cd", 5);
    assert_memory_equal(copy, "ab\0cd", 6);
    assert_string_equal(arena_copy(&arena, "abcdef", 3), "abc");
    assert_string_equal(arena_copy(&arena, "a", 1), "a");
    assert_string_equal(arena_copy(&arena, NULL, 0), "");
    arena_free(&arena);
}

static void arena_format_takes_texts_of_any_length(void **state) {
    enum { LONG = 50 * 1000 };
    struct arena arena = {0};
    (void)state;
    assert_string_equal(arena_format(&arena, "%s", ""), "");
    assert_string_equal(arena_format(&arena, "%s", "a"), "a");
    assert_string_equal(arena_format(&arena, "%d %s", -7, "seven"), "-7 seven");
    const char *wide = arena_format(&arena, "%0*d", LONG, 1);
    assert_int_equal(strlen(wide), LONG);
    assert_int_equal(wide[LONG - 1], '1');
    arena_free(&arena);
}

/* Two arrays grow in turns, so that one which were too short would run into the other. */
static void arena_grow_keeps_items_across_powers_of_two(void **state) {
    enum { COUNT = 1100 };
    struct arena arena = {0};
    uint64_t *up = NULL, *down = NULL;
    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        up = arena_grow(&arena, up, i, sizeof up[0]);
        up[i] = i;
        down = arena_grow(&arena, down, i, sizeof down[0]);
        down[i] = UINT64_MAX - i;
        for (size_t j = 0; j <= i; j++)
            assert_true(up[j] == j && down[j] == UINT64_MAX - j);
    }
    arena_free(&arena);
}

static void arena_grow_moves_only_when_the_room_is_used_up(void **state) {
    struct arena arena = {0};
    int *items = NULL;
    unsigned moves = 0;
    (void)state;
    for (size_t i = 0; i < 1024; i++) {
        int *grown = arena_grow(&arena, items, i, sizeof items[0]);
        bool power_of_two = (i & (i - 1)) == 0;
        if (grown != items && !power_of_two)
            fail_msg("moved at %zu items", i);
        moves += grown != items;
        items = grown;
    }
    assert_in_range(moves, 2, 11);
    arena_free(&arena);
}

static void arena_free_empties_and_may_be_repeated(void **state) {
    struct arena arena = {0};
    (void)state;
    arena_free(&arena);
    arena_alloc(&arena, 100 * 1000);
    arena_alloc(&arena, 1);
    arena_free(&arena);
    assert_null(arena.newest);
    arena_free(&arena);
    assert_string_equal(arena_copy(&arena, "again", 5), "again");
    arena_free(&arena);
    assert_null(arena.newest);
}

/* A size that cannot be had ends the process, here a child, with status 2 and a line. */
static void arena_out_of_memory_ends_with_status_2(void **state) {
    int ends[2], status = 0;
    char line[64] = "";
    (void)state;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        struct arena arena = {0};
        dup2(ends[1], STDERR_FILENO);
        arena_alloc(&arena, SIZE_MAX - 1);
        _exit(0);
    }
    close(ends[1]);
    assert_true(child > 0);
    assert_true(read(ends[0], line, sizeof line - 1) > 0);
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 2);
    assert_string_equal(line, "portreuse: out of memory\n");
}

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

/* --- UTF-8 --- */

static void utf8_next_reads_characters_of_one_to_four_bytes(void **state) {
    static const struct {
        const char *bytes;
        size_t size;
        uint32_t code;
    } rows[] = {
        {"\0", 1, 0},
        {"A", 1, 'A'},
        {"\x7f", 1, 0x7f},
        {"\xc2\x80", 2, 0x80},
        {"\xc3\xa9", 2, 0xe9},
        {"\xdf\xbf", 2, 0x7ff},
        {"\xe0\xa0\x80", 3, 0x800},
        {"\xe2\x82\xac", 3, 0x20ac},
        {"\xed\x9f\xbf", 3, 0xd7ff},
        {"\xee\x80\x80", 3, 0xe000},
        {"\xef\xbf\xbf", 3, 0xffff},
        {"\xf0\x90\x80\x80", 4, 0x10000},
        {"\xf0\x9f\x98\x80", 4, 0x1f600},
        {"\xf4\x8f\xbf\xbf", 4, 0x10ffff},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        char *bytes = exact_copy(rows[i].bytes, rows[i].size);
        uint32_t code = 4711;
        assert_int_equal(utf8_next(bytes, rows[i].size, &code), rows[i].size);
        assert_int_equal(code, rows[i].code);
        free(bytes);
    }
}

static void utf8_next_gives_one_byte_where_it_is_not_utf8(void **state) {
    static const struct {
        const char *what, *bytes;
    } rows[] = {
        {"continuation alone", "\x80"},
        {"continuations alone", "\x90\x90\x80\x80"},
        {"continuation alone", "\xbf\xbf"},
        {"overlong of two", "\xc0\x80"},
        {"overlong of two", "\xc1\xbf"},
        {"overlong of three", "\xe0\x9f\xbf"},
        {"overlong of four", "\xf0\x8f\xbf\xbf"},
        {"first surrogate", "\xed\xa0\x80"},
        {"last surrogate", "\xed\xbf\xbf"},
        {"beyond U+10FFFF", "\xf4\x90\x80\x80"},
        {"beyond U+10FFFF", "\xf5\x80\x80\x80"},
        {"no first byte", "\xf8\x88\x80\x80"},
        {"no first byte", "\xfe"},
        {"no first byte", "\xff\xff"},
        {"second byte is none", "\xc3("},
        {"second byte is none", "\xe2(\xa1"},
        {"third byte is none", "\xe2\x82("},
        {"second byte is none", "\xc3\xc3"},
        {"fourth byte is none", "\xf0\x9f\x98("},
        {"cut after one of two", "\xc3"},
        {"cut after one of three", "\xe2"},
        {"cut after two of three", "\xe2\x82"},
        {"cut after one of four", "\xf0"},
        {"cut after three of four", "\xf0\x9f\x98"},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        size_t size = strlen(rows[i].bytes);
        char *bytes = exact_copy(rows[i].bytes, size);
        uint32_t code = 4711;
        size_t length = utf8_next(bytes, size, &code);
        if (length != 1 || code != UTF8_INVALID)
            fail_msg("row %zu, %s: length %zu, code %" PRIx32, i, rows[i].what, length, code);
        free(bytes);
    }
}

static void utf8_length_counts_characters_and_bad_bytes(void **state) {
    static const struct {
        const char *text;
        size_t want;
    } rows[] = {
        {"", 0},
        {"plain", 5},
        {"na\xc3\xafve", 5},
        {"\xf0\x9f\x98\x80!", 2},
        {"a\xff"
         "b",
         3},
        {"\xe2\x82", 2},
        {"\xe2\x82\xac\xc3", 2},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        size_t size = strlen(rows[i].text);
        char *text = exact_copy(rows[i].text, size);
        assert_int_equal(utf8_length(text, size), rows[i].want);
        free(text);
    }
    assert_int_equal(utf8_length("a\0b", 3), 3);
}

static void utf8_cut_takes_whole_characters_only(void **state) {
    static const char text[] = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xff"
                               "z\xc3";
    static const size_t want[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 12, 13, 13, 13};
    char *copy = exact_copy(text, sizeof text);
    (void)state;
    for (size_t most = 0; most < ROWS(want); most++)
        assert_int_equal(utf8_cut(copy, most), want[most]);
    assert_int_equal(utf8_cut(copy, SIZE_MAX), sizeof text - 1);
    assert_int_equal(utf8_cut("", 0), 0);
    free(copy);
}

static void utf8_print_shows_controls_and_bad_bytes_harmlessly(void **state) {
    static const struct {
        const char *text;
        size_t size;
        const char *want;
    } rows[] = {
        {"", 0, ""},
        {"plain text ~", 12, "plain text ~"},
        {"na\xc3\xafve \xe2\x82\xac \xf0\x9f\x98\x80", 15,
         "na\xc3\xafve \xe2\x82\xac \xf0\x9f\x98\x80"},
        {"\x1b[31mred", 8, "\\x1b[31mred"},
        {"a\0b", 3, "a\\x00b"},
        {"\t\r\n\x1f", 4, "\\x09\\x0d\\x0a\\x1f"},
        {"\x7f", 1, "\\x7f"},
        {"\xc2\x80\xc2\x9b\xc2\x9f", 6, "\\x80\\x9b\\x9f"},
        {"\xc2\xa0", 2, "\xc2\xa0"},
        {"a\xff\x9b"
         "b",
         4,
         "a\xef\xbf\xbd\xef\xbf\xbd"
         "b"},
        {"\xe2\x82", 2, "\xef\xbf\xbd\xef\xbf\xbd"},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        char *printed = NULL, *text = exact_copy(rows[i].text, rows[i].size);
        size_t size = 0;
        FILE *out = open_memstream(&printed, &size);
        assert_non_null(out);
        utf8_print(out, text, rows[i].size);
        fclose(out);
        assert_string_equal(printed, rows[i].want);
        assert_int_equal(size, strlen(rows[i].want));
        free(printed);
        free(text);
    }
}

/* --- endpoints --- */

/* The endpoint that `text` names; the test fails if it names none. */
static struct endpoint an_endpoint(const char *text) {
    struct endpoint_pattern pattern;
    const char *at, *wrong = endpoint_parse(text, &pattern, &at);
    if (wrong != NULL)
        fail_msg("%s: %s", text, wrong);
    return pattern.endpoint;
}

static void endpoint_parse_takes_addresses_ports_and_stars(void **state) {
    static const struct {
        const char *text;
        sa_family_t family;
        uint16_t port;
        uint8_t address[16];
        bool any_address, any_port;
    } rows[] = {
        {"127.0.0.1:80", AF_INET, 80, {127, 0, 0, 1}, false, false},
        {"0.0.0.0:0", AF_INET, 0, {0}, false, false},
        {"192.0.2.255:65535", AF_INET, 65535, {192, 0, 2, 255}, false, false},
        {"127.0.0.1:*", AF_INET, 0, {127, 0, 0, 1}, false, true},
        {"[::]:0", AF_INET6, 0, {0}, false, false},
        {"[::1]:80", AF_INET6, 80, {[15] = 1}, false, false},
        {"[::1]:*", AF_INET6, 0, {[15] = 1}, false, true},
        {"[2001:DB8::a]:443", AF_INET6, 443, {0x20, 0x01, 0x0d, 0xb8, [15] = 10}, false, false},
        {"[::ffff:10.1.2.3]:7", AF_INET6, 7, {[10] = 0xff, 0xff, 10, 1, 2, 3}, false, false},
        {"[0000:0000:0000:0000:0000:ffff:255.255.255.255]:1", /* the longest there is */
         AF_INET6,
         1,
         {[10] = 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
         false,
         false},
        {"*:80", 0, 80, {0}, true, false},
        {"*:*", 0, 0, {0}, true, true},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct endpoint_pattern got;
        const char *at, *wrong = endpoint_parse(rows[i].text, &got, &at);
        if (wrong != NULL)
            fail_msg("%s: %s", rows[i].text, wrong);
        assert_int_equal(got.endpoint.family, rows[i].family);
        assert_int_equal(got.endpoint.port, rows[i].port);
        assert_memory_equal(got.endpoint.address, rows[i].address, sizeof rows[i].address);
        assert_int_equal(got.any_address, rows[i].any_address);
        assert_int_equal(got.any_port, rows[i].any_port);
    }
}

static void endpoint_parse_says_what_is_wrong_and_where(void **state) {
    static const struct {
        const char *text;
        size_t at;         /* the wrong place */
        const char *words; /* that the complaint must hold */
    } rows[] = {
        {"", 0, "port is missing"},
        {"80", 0, "port is missing"},
        {"127.0.0.1", 0, "port is missing"},
        {"[::1]", 0, "port is missing"},
        {"*", 0, "port is missing"},
        {":80", 0, "address is missing"},
        {"[]:80", 0, "address is missing"},
        {"localhost:80", 0, "not an IPv4 address"},
        {"127.0.0:80", 0, "not an IPv4 address"},
        {"127.0.0.256:80", 0, "not an IPv4 address"},
        {" 127.0.0.1:80", 0, "not an IPv4 address"},
        {"**:80", 0, "not an IPv4 address"},
        {"::1:80", 0, "brackets"},
        {"[::1:80", 0, "brackets"},
        {"[::g]:80", 0, "not an IPv6 address"},
        {"[*]:80", 0, "not an IPv6 address"},
        {"[127.0.0.1]:80", 0, "not an IPv6 address"},
        {"[fe80::1%lo]:80", 0, "not an IPv6 address"},
        {"[1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa]:80", 0, "as long as this"},
        {"127.0.0.1:", 10, "not a port"},
        {"127.0.0.1:65536", 10, "not a port"},
        {"127.0.0.1:-1", 10, "not a port"},
        {"127.0.0.1:80x", 10, "not a port"},
        {"127.0.0.1: 80", 10, "not a port"},
        {"127.0.0.1:**", 10, "not a port"},
        {"[::1]:http", 6, "not a port"},
        {"*:x", 2, "not a port"},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct endpoint_pattern pattern;
        const char *at = NULL, *wrong = endpoint_parse(rows[i].text, &pattern, &at);
        if (wrong == NULL || strstr(wrong, rows[i].words) == NULL)
            fail_msg("%s: %s", rows[i].text, wrong == NULL ? "was taken" : wrong);
        assert_ptr_equal(at, rows[i].text + rows[i].at);
    }
}

static void endpoint_parse_refuses_addresses_of_any_length(void **state) {
    char text[104];
    (void)state;
    for (size_t size = 1; size <= 100; size++) {
        struct endpoint_pattern pattern;
        const char *at;
        memset(text, '1', size);
        strcpy(text + size, ":80");
        assert_non_null(endpoint_parse(text, &pattern, &at));
        assert_ptr_equal(at, text);
    }
}

static void endpoint_text_is_what_parse_takes(void **state) {
    static const struct {
        const char *text, *any_port;
    } rows[] = {
        {"127.0.0.1:80", "127.0.0.1:*"},
        {"0.0.0.0:0", "0.0.0.0:*"},
        {"255.255.255.255:65535", "255.255.255.255:*"},
        {"[::]:1", "[::]:*"},
        {"[::1]:65535", "[::1]:*"},
        {"[::ffff:127.0.0.1]:80", "[::ffff:127.0.0.1]:*"},
        {"[1111:2222:3333:4444:5555:6666:7777:8888]:65535",
         "[1111:2222:3333:4444:5555:6666:7777:8888]:*"},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct endpoint endpoint = an_endpoint(rows[i].text);
        char *text = malloc(ENDPOINT_TEXT_SIZE);
        assert_ptr_equal(endpoint_text(&endpoint, text), text);
        assert_string_equal(text, rows[i].text);
        assert_ptr_equal(endpoint_text_any_port(&endpoint, text), text);
        assert_string_equal(text, rows[i].any_port);
        free(text);
    }
}

static void endpoint_text_of_no_endpoint_is_a_dash(void **state) {
    struct endpoint none = {.port = 80};
    char text[ENDPOINT_TEXT_SIZE];
    (void)state;
    assert_string_equal(endpoint_text(&none, text), "-");
    assert_string_equal(endpoint_text_any_port(&none, text), "-");
}

static void endpoint_equal_compares_family_address_and_port(void **state) {
    static const struct {
        const char *a, *b;
        bool want;
    } rows[] = {
        {"127.0.0.1:80", "127.0.0.1:80", true},  {"[::1]:80", "[::1]:80", true},
        {"127.0.0.1:80", "127.0.0.1:81", false}, {"127.0.0.1:80", "127.0.0.2:80", false},
        {"[::1]:80", "[::2]:80", false},         {"[1::]:80", "[2::]:80", false},
        {"0.0.0.0:80", "[::]:80", false},        {"127.0.0.1:80", "[::ffff:127.0.0.1]:80", false},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct endpoint a = an_endpoint(rows[i].a), b = an_endpoint(rows[i].b);
        if (endpoint_equal(&a, &b) != rows[i].want || endpoint_equal(&b, &a) != rows[i].want)
            fail_msg("%s and %s", rows[i].a, rows[i].b);
    }
}

static void endpoint_matches_stars_and_mapped_addresses(void **state) {
    static const struct {
        const char *pattern, *endpoint;
        bool want;
    } rows[] = {
        {"127.0.0.1:80", "127.0.0.1:80", true},
        {"127.0.0.1:80", "127.0.0.1:81", false},
        {"127.0.0.1:80", "127.0.0.2:80", false},
        {"127.0.0.1:*", "127.0.0.1:4711", true},
        {"127.0.0.1:*", "127.0.0.2:4711", false},
        {"*:80", "127.0.0.1:80", true},
        {"*:80", "[::1]:80", true},
        {"*:80", "[::1]:81", false},
        {"*:*", "[::1]:81", true},
        {"[::1]:80", "[::1]:80", true},
        {"[::1]:*", "[::2]:80", false},
        {"127.0.0.1:80", "[::ffff:127.0.0.1]:80", true},
        {"127.0.0.1:*", "[::ffff:127.0.0.1]:9", true},
        {"127.0.0.1:80", "[::ffff:127.0.0.1]:81", false},
        {"127.0.0.1:80", "[::ffff:127.0.0.2]:80", false},
        {"127.0.0.1:80", "[::127.0.0.1]:80", false},
        {"[::ffff:127.0.0.1]:80", "[::ffff:127.0.0.1]:80", true},
        {"[::ffff:127.0.0.1]:80", "127.0.0.1:80", false},
        {"0.0.0.0:80", "127.0.0.1:80", false},
        {"0.0.0.0:80", "[::]:80", false},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct endpoint endpoint = an_endpoint(rows[i].endpoint);
        struct endpoint_pattern pattern;
        const char *at;
        assert_null(endpoint_parse(rows[i].pattern, &pattern, &at));
        if (endpoint_matches(&pattern, &endpoint) != rows[i].want)
            fail_msg("%s and %s", rows[i].pattern, rows[i].endpoint);
    }
}

static void endpoint_knows_wildcards_and_mapped_addresses(void **state) {
    static const struct {
        const char *text;
        bool wildcard, mapped;
        const char *unmapped;
    } rows[] = {
        {"0.0.0.0:80", true, false, "0.0.0.0:80"},
        {"127.0.0.1:80", false, false, "127.0.0.1:80"},
        {"0.0.0.1:80", false, false, "0.0.0.1:80"},
        {"[::]:80", true, false, "[::]:80"},
        {"[::1]:80", false, false, "[::1]:80"},
        {"[8000::]:80", false, false, "[8000::]:80"},
        {"[::ffff:0.0.0.0]:80", true, true, "0.0.0.0:80"},
        {"[::ffff:10.1.2.3]:80", false, true, "10.1.2.3:80"},
        {"[1::ffff:10.1.2.3]:80", false, false, "[1::ffff:a01:203]:80"},
        {"[::fffe:10.1.2.3]:80", false, false, "[::fffe:a01:203]:80"},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct endpoint endpoint = an_endpoint(rows[i].text);
        struct endpoint plain = endpoint_unmapped(&endpoint), want = an_endpoint(rows[i].unmapped);
        if (endpoint_is_wildcard(&endpoint) != rows[i].wildcard ||
            endpoint_is_mapped(&endpoint) != rows[i].mapped || !endpoint_equal(&plain, &want))
            fail_msg("%s", rows[i].text);
    }
}

static void endpoint_wildcard_is_one_of_its_family(void **state) {
    static const struct {
        sa_family_t family;
        const char *want;
    } rows[] = {{AF_INET, "0.0.0.0:80"}, {AF_INET6, "[::]:80"}};
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct endpoint got = endpoint_wildcard(rows[i].family, 80),
                        want = an_endpoint(rows[i].want);
        assert_true(endpoint_equal(&got, &want));
    }
}

static void endpoint_goes_to_sockaddr_and_back(void **state) {
    static const char *const rows[] = {"127.0.0.1:80", "0.0.0.0:0", "192.0.2.1:65535",
                                       "[::1]:80",     "[::]:0",    "[2001:db8::1:2]:513"};
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct endpoint endpoint = an_endpoint(rows[i]);
        struct sockaddr_storage address;
        memset(&address, 0xff, sizeof address);
        size_t want =
            endpoint.family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
        assert_int_equal(endpoint_to_sockaddr(&endpoint, &address), want);
        assert_int_equal(address.ss_family, endpoint.family);
        struct endpoint again = endpoint_from_sockaddr(&address);
        if (!endpoint_equal(&again, &endpoint))
            fail_msg("%s came back as another", rows[i]);
    }
}

static void endpoint_sockaddr_is_in_network_order_without_rubbish(void **state) {
    struct endpoint four = an_endpoint("127.0.0.1:80"), six = an_endpoint("[::1]:80");
    struct sockaddr_storage address;
    (void)state;
    memset(&address, 0xff, sizeof address);
    endpoint_to_sockaddr(&four, &address);
    const struct sockaddr_in *in = (const struct sockaddr_in *)&address;
    assert_int_equal(in->sin_port, htons(80));
    assert_int_equal(in->sin_addr.s_addr, htonl(INADDR_LOOPBACK));
    memset(&address, 0xff, sizeof address);
    endpoint_to_sockaddr(&six, &address);
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&address;
    assert_int_equal(in6->sin6_port, htons(80));
    assert_memory_equal(&in6->sin6_addr, &in6addr_loopback, sizeof in6addr_loopback);
    assert_int_equal(in6->sin6_scope_id, 0);
    assert_int_equal(in6->sin6_flowinfo, 0);
}

static void endpoint_from_another_family_is_none(void **state) {
    struct sockaddr_storage address;
    (void)state;
    memset(&address, 0xff, sizeof address);
    address.ss_family = AF_UNIX;
    struct endpoint endpoint = endpoint_from_sockaddr(&address), none = {0};
    assert_true(endpoint_equal(&endpoint, &none));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arena_bytes_are_zeroed_and_aligned_for_any_type),
        cmocka_unit_test(arena_keeps_allocations_apart_over_many_blocks),
        cmocka_unit_test(arena_serves_sizes_around_and_above_its_block),
        cmocka_unit_test(arena_copy_keeps_every_byte_and_ends_with_nul),
        cmocka_unit_test(arena_format_takes_texts_of_any_length),
        cmocka_unit_test(arena_grow_keeps_items_across_powers_of_two),
        cmocka_unit_test(arena_grow_moves_only_when_the_room_is_used_up),
        cmocka_unit_test(arena_free_empties_and_may_be_repeated),
        cmocka_unit_test(arena_out_of_memory_ends_with_status_2),
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
        cmocka_unit_test(utf8_next_reads_characters_of_one_to_four_bytes),
        cmocka_unit_test(utf8_next_gives_one_byte_where_it_is_not_utf8),
        cmocka_unit_test(utf8_length_counts_characters_and_bad_bytes),
        cmocka_unit_test(utf8_cut_takes_whole_characters_only),
        cmocka_unit_test(utf8_print_shows_controls_and_bad_bytes_harmlessly),
        cmocka_unit_test(endpoint_parse_takes_addresses_ports_and_stars),
        cmocka_unit_test(endpoint_parse_says_what_is_wrong_and_where),
        cmocka_unit_test(endpoint_parse_refuses_addresses_of_any_length),
        cmocka_unit_test(endpoint_text_is_what_parse_takes),
        cmocka_unit_test(endpoint_text_of_no_endpoint_is_a_dash),
        cmocka_unit_test(endpoint_equal_compares_family_address_and_port),
        cmocka_unit_test(endpoint_matches_stars_and_mapped_addresses),
        cmocka_unit_test(endpoint_knows_wildcards_and_mapped_addresses),
        cmocka_unit_test(endpoint_wildcard_is_one_of_its_family),
        cmocka_unit_test(endpoint_goes_to_sockaddr_and_back),
        cmocka_unit_test(endpoint_sockaddr_is_in_network_order_without_rubbish),
        cmocka_unit_test(endpoint_from_another_family_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
