/* Layout: safe text, colour, and first lines that are not cut inside a word. (Paragraphs and JSON:
 * test_result.c.) */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "report/shared/layout.h"

/* Returns the line that is left of `words`; `*whole` is the length of all of it. */
static const char *line_of(const char *words, size_t *whole) {
    static char text[LAYOUT_LINE_SIZE];
    struct composed line;
    fputs(words, compose_begin(&line));
    *whole = layout_line_end(&line, text);
    return text;
}

#define TEN "ten chars "

static void a_line_that_fits_is_kept(void **state) {
    size_t whole;
    (void)state;
    assert_string_equal(line_of("", &whole), "");
    assert_int_equal(whole, 0);
    const char *eighty = TEN TEN TEN TEN TEN TEN TEN "ten chars.";
    assert_string_equal(line_of(eighty, &whole), eighty);
    assert_int_equal(whole, 80);
}

static void a_long_line_loses_whole_words(void **state) {
    size_t whole;
    (void)state;
    assert_string_equal(line_of(TEN TEN TEN TEN TEN TEN "address 127.0.0.1:8080", &whole),
                        TEN TEN TEN TEN TEN TEN "address");
    assert_int_equal(whole, 82);
    assert_string_equal(line_of(TEN TEN TEN TEN TEN "here: EMFILE (no private namespace)", &whole),
                        TEN TEN TEN TEN TEN "here: EMFILE");
    assert_string_equal(line_of(TEN TEN TEN TEN TEN "here (4 of them), (in one namespace)", &whole),
                        TEN TEN TEN TEN TEN "here (4 of them)");
    assert_string_equal(line_of(TEN TEN TEN TEN TEN TEN "here, 127.0.0.1:8080 is", &whole),
                        TEN TEN TEN TEN TEN TEN "here, 127.0.0.1:8080"); /* 80 bytes */
    assert_string_equal(line_of(TEN TEN TEN TEN TEN TEN TEN "here; 127.0.0.1", &whole),
                        TEN TEN TEN TEN TEN TEN TEN "here");
}

static void only_a_word_of_half_a_line_is_cut(void **state) {
    char words[200] = "ERROR ";
    size_t whole;
    (void)state;
    for (size_t i = 6; i < 190; i += 3)
        strcpy(words + i, "\xe2\x82\xac");
    assert_int_equal(strlen(line_of(words, &whole)), 78); /* between characters of three bytes */
    assert_true(whole > 180);
}

static void text_from_outside_is_made_safe(void **state) {
    char *text = NULL;
    size_t size = 0;
    (void)state;
    FILE *out = open_memstream(&text, &size);
    layout_text(out, "a\x1b[2Jb\n\xff");
    fclose(out);
    assert_string_equal(text, "a\\x1b[2Jb\\x0a\xef\xbf\xbd");
    free(text);
}

static void colour_is_there_only_if_wanted(void **state) {
    (void)state;
    for (unsigned i = 0; i < VERDICTS; i++) {
        assert_string_equal(layout_colour(false, i), "");
        assert_int_equal(layout_colour(true, i)[0], 0x1b);
    }
    assert_string_equal(layout_colour_end(false), "");
    assert_string_equal(layout_colour_end(true), "\x1b[0m");
}

static void each_line_of_a_long_remark_begins_with_a_hash(void **state) {
    char text[512] = "";
    (void)state;
    FILE *out = fmemopen(text, sizeof text - 1, "w");
    layout_shell_line(out, "# " TEN TEN TEN TEN TEN TEN TEN TEN "end", 2);
    layout_shell_line(out, TEN TEN TEN TEN TEN TEN TEN TEN "end", 2);
    fclose(out);
    assert_string_equal(text, "  # " TEN TEN TEN TEN TEN TEN TEN "ten\n"
                              "  # chars end\n"
                              "  " TEN TEN TEN TEN TEN TEN TEN TEN "end\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_that_fits_is_kept),
        cmocka_unit_test(a_long_line_loses_whole_words),
        cmocka_unit_test(only_a_word_of_half_a_line_is_cut),
        cmocka_unit_test(text_from_outside_is_made_safe),
        cmocka_unit_test(colour_is_there_only_if_wanted),
        cmocka_unit_test(each_line_of_a_long_remark_begins_with_a_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
