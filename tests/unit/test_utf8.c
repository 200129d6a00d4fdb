/* Text from outside: what is a character, where it may be cut, how it is shown. */
#include "test.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* Copies bytes to a block of exactly their size, so that AddressSanitizer sees a read behind them.
 * The caller frees it. */
static char *exact_copy(const char *bytes, size_t size) {
    char *copy = malloc(size);
    assert_true(copy != NULL || size == 0);
    if (size > 0)
        memcpy(copy, bytes, size);
    return copy;
}

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
        {"\xef\xbf\xbe\xef\xbf\xbf\xef\xbf\xbd", 9, "\\ufffe\\uffff\xef\xbf\xbd"},
        {"a\0b", 3, "a\\x00b"},
        {"\xe2\x80\x8b\xe2\x80\xa8\xef\xbb\xbf", 9, "\\u200b\\u2028\\ufeff"},
        {"\xf3\xa0\x81\x81", 4, "\\U0e0041"},
        {"\xe2\x80\x8d", 3, "\xe2\x80\x8d"}, /* a joiner */
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
        /* commands in a log */
        {"::error::x", 10, "\\x3a:error::x"},
        {"  ::add-mask::x", 15, "  \\x3a:add-mask::x"},
        {"::Echo", 6, "\\x3a:Echo"},
        {"a ::error::x", 12, "a ::error::x"},
        {"::1", 3, "::1"},
        {"::ffff:127.0.0.1", 16, "::ffff:127.0.0.1"},
        {":::3000", 7, ":::3000"},
        {"::", 2, "::"},
        {"::e", 3, "::e"},
        {":error", 6, ":error"},
        {"a ##[error]x", 12, "a ##\\x5berror]x"},
        {"##vso[task]", 11, "##vso\\x5btask]"},
        {"###[", 4, "###\\x5b"},
        {"#[ [ vso[ ## [", 14, "#[ [ vso[ ## ["},
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
        assert_int_equal(utf8_width(text, rows[i].size), utf8_length(printed, size));
        free(printed);
        free(text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utf8_next_reads_characters_of_one_to_four_bytes),
        cmocka_unit_test(utf8_next_gives_one_byte_where_it_is_not_utf8),
        cmocka_unit_test(utf8_length_counts_characters_and_bad_bytes),
        cmocka_unit_test(utf8_cut_takes_whole_characters_only),
        cmocka_unit_test(utf8_print_shows_controls_and_bad_bytes_harmlessly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
