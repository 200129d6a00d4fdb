/* Words: how one line of a scenario is cut, and how words are put together again. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenario/parser.h"

/* Cuts a line that lies in a block of exactly its size, so that AddressSanitizer sees a read behind
 * its end. The copy lives in the arena no longer than the words need it: it is freed by release().
 */
struct cut {
    struct arena arena;
    char *text;
    struct line line;
    const char *wrong;
    size_t at;
};

static struct cut cut_bytes(const char *bytes, size_t size) {
    struct cut cut = {.text = malloc(size == 0 ? 1 : size)};
    assert_non_null(cut.text);
    memcpy(cut.text, bytes, size);
    cut.wrong = line_split(&cut.arena, cut.text, size, 7, &cut.line, &cut.at);
    return cut;
}

static struct cut cut_line(const char *text) {
    return cut_bytes(text, strlen(text));
}

static void release(struct cut *cut) {
    arena_free(&cut->arena);
    free(cut->text);
}

/* --- words --- */

/* The words of a line, each in angle brackets; a quoted one with a `q` before it. */
static const char *shown(const struct line *line, char *text, size_t size) {
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < line->count; i++)
        used += (size_t)snprintf(text + used, size - used, "%s<%s>",
                                 line->words[i].quoted ? "q" : "", line->words[i].text);
    assert_true(used < size);
    return text;
}

static const struct {
    const char *line, *words;
} word_rows[] = {
    {"", ""},
    {"   ", ""},
    {"\t \r", ""},
    {"one", "<one>"},
    {"server socket listener", "<server><socket><listener>"},
    {"  server   socket\tlistener  ", "<server><socket><listener>"},
    {"\tserver\t\tsocket", "<server><socket>"},
    {"a\vb\fc\rd", "<a><b><c><d>"},
    {"bind c 127.0.0.1:80 -> ok|EINVAL", "<bind><c><127.0.0.1:80><->><ok|EINVAL>"},
    {"na\xc3\xafve \xff\xfe", "<na\xc3\xafve><\xff\xfe>"},
    /* quotes */
    {"\"one word\" two", "q<one word><two>"},
    {"\"\"", "q<>"},
    {"a \"\" b", "<a>q<><b>"},
    {"\"  kept  \tas is \"", "q<  kept  \tas is >"},
    {"\"a # b\"", "q<a # b>"},
    {"\"say \\\"hi\\\"\"", "q<say \"hi\">"},
    {"\"back\\\\slash\"", "q<back\\slash>"},
    {"\"ends in one \\\\\"", "q<ends in one \\>"},
    {"\"\\\"\"", "q<\">"},
    {"\"\\n \\x\"", "q<\\n \\x>"},
    {"\"a\" \"b\"", "q<a>q<b>"},
    {"\"a\"\r", "q<a>"},
    /* a quote inside a word opens nothing */
    {"5\" b", "<5\"><b>"},
    {"a\"b c\"d", "<a\"b><c\"d>"},
    {"\\\"a b", "<\\\"a><b>"},
    /* comments */
    {"# all of it", ""},
    {"a # b", "<a>"},
    {"a#b c", "<a>"},
    {"\"a\"#b", "q<a>"},
    {"a # \"not closed", "<a>"},
    {"#", ""},
};

static void a_line_is_cut_into_words(void **state) {
    (void)state;
    for (size_t i = 0; i < ROWS(word_rows); i++) {
        char text[200];
        struct cut cut = cut_line(word_rows[i].line);
        assert_null(cut.wrong);
        assert_string_equal(shown(&cut.line, text, sizeof text), word_rows[i].words);
        release(&cut);
    }
}

static void a_line_keeps_its_text_size_and_number(void **state) {
    (void)state;
    struct cut cut = cut_line("a b  ");
    assert_ptr_equal(cut.line.text, cut.text);
    assert_int_equal(cut.line.size, 5);
    assert_int_equal(cut.line.number, 7);
    release(&cut);
}

static void many_words_are_all_kept(void **state) {
    enum { WORDS = 1000 };
    char line[2 * WORDS];
    (void)state;
    for (size_t i = 0; i < WORDS; i++) {
        line[2 * i] = (char)('a' + i % 26);
        line[2 * i + 1] = ' ';
    }
    struct cut cut = cut_bytes(line, sizeof line);
    assert_int_equal(cut.line.count, WORDS);
    for (size_t i = 0; i < WORDS; i++) {
        assert_int_equal(cut.line.words[i].text[0], 'a' + i % 26);
        assert_int_equal(cut.line.words[i].text[1], '\0');
        assert_int_equal(cut.line.words[i].at, 2 * i);
    }
    release(&cut);
}

static void words_are_copies_that_outlive_the_line(void **state) {
    (void)state;
    struct cut cut = cut_line("plain \"quoted one\"");
    memset(cut.text, 'X', cut.line.size);
    assert_string_equal(cut.line.words[0].text, "plain");
    assert_string_equal(cut.line.words[1].text, "quoted one");
    release(&cut);
}

/* --- places --- */

static void a_word_knows_where_it_starts_and_ends(void **state) {
    (void)state;
    struct cut cut = cut_line("  ab\t\"c \\\" d\" e#f");
    assert_int_equal(cut.line.count, 3);
    assert_int_equal(cut.line.words[0].at, 2);
    assert_int_equal(cut.line.words[0].end, 4);
    assert_int_equal(cut.line.words[1].at, 5); /* at its quote */
    assert_int_equal(cut.line.words[1].end, 13);
    assert_int_equal(cut.line.words[2].at, 14);
    assert_int_equal(cut.line.words[2].end, 15);
    release(&cut);
}

static void content_ends_with_the_last_word(void **state) {
    static const struct {
        const char *line;
        size_t content, comment;
    } rows[] = {
        {"", 0, 0},          {"   ", 0, 3},       {"ab  ", 2, 4}, {"ab \r", 2, 4},
        {"ab # c", 2, 4},    {"ab#c", 2, 3},      {"# c", 0, 1},  {"a \"b\"  # c", 5, 8},
        {"a \"#\" b", 7, 7}, {"  # c # d", 0, 3}, {"a #", 1, 3},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct cut cut = cut_line(rows[i].line);
        assert_int_equal(cut.line.content, rows[i].content);
        assert_int_equal(cut.line.comment, rows[i].comment);
        release(&cut);
    }
}

static void a_line_is_indented_if_it_does_not_start_in_column_one(void **state) {
    static const struct {
        const char *line;
        bool indented;
    } rows[] = {{"a", false}, {"\"a\"", false}, {"# c", false}, {"", false},
                {" a", true}, {"\ta", true},    {"  ", true},   {" # c", true}};
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct cut cut = cut_line(rows[i].line);
        assert_int_equal(cut.line.indented, rows[i].indented);
        release(&cut);
    }
}

/* --- errors --- */

static const struct {
    const char *line;
    size_t at, words_before;
    const char *wrong;
} wrong_rows[] = {
    {"\"", 0, 0, "not closed"},
    {"a \"b c", 2, 1, "not closed"},
    {"a \"b # c", 2, 1, "not closed"},
    {"a \"b\\\"", 2, 1, "not closed"},
    {"a \"b\\", 2, 1, "not closed"},
    {"a \"b\\\\\\\"", 2, 1, "not closed"},
    {"a b \"", 4, 2, "not closed"},
    {"\"a\"b", 0, 0, "blank is missing"},
    {"a \"b\"\"c\"", 2, 1, "blank is missing"},
    {"a \"b\"->", 2, 1, "blank is missing"},
};

static void a_wrong_line_names_the_place_and_keeps_the_words_before_it(void **state) {
    (void)state;
    for (size_t i = 0; i < ROWS(wrong_rows); i++) {
        struct cut cut = cut_line(wrong_rows[i].line);
        assert_non_null(cut.wrong);
        assert_non_null(strstr(cut.wrong, wrong_rows[i].wrong));
        assert_int_equal(cut.at, wrong_rows[i].at);
        assert_int_equal(cut.line.count, wrong_rows[i].words_before);
        release(&cut);
    }
}

/* --- slices --- */

static const struct {
    const char *line;
    size_t first, end;
    const char *slice;
} slice_rows[] = {
    {"title  One   two", 1, 16, "One two"},
    {"title\tOne\t \ttwo  # no", 1, 13, "One two"},
    {"a b c d", 0, 7, "a b c d"},
    {"a b c d", 1, 5, "b c"},
    {"a b c d", 1, 4, "b"}, /* a word that starts at the end is not in it */
    {"a b c d", 3, 7, "d"},
    {"a b", 2, 3, ""},
    {"a b", 1, 2, ""},
    {"", 0, 0, ""},
    {"bind   \"a  b\"   ->  ok", 1, 22, "\"a  b\" -> ok"}, /* quotes stay, and what is in them */
    {"x \"a \\\" b\"", 1, 10, "\"a \\\" b\""},
};

static void a_slice_folds_the_blanks_between_words(void **state) {
    (void)state;
    for (size_t i = 0; i < ROWS(slice_rows); i++) {
        struct cut cut = cut_line(slice_rows[i].line);
        assert_null(cut.wrong);
        assert_string_equal(
            line_slice(&cut.arena, &cut.line, slice_rows[i].first, slice_rows[i].end),
            slice_rows[i].slice);
        release(&cut);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_cut_into_words),
        cmocka_unit_test(a_line_keeps_its_text_size_and_number),
        cmocka_unit_test(many_words_are_all_kept),
        cmocka_unit_test(words_are_copies_that_outlive_the_line),
        cmocka_unit_test(a_word_knows_where_it_starts_and_ends),
        cmocka_unit_test(content_ends_with_the_last_word),
        cmocka_unit_test(a_line_is_indented_if_it_does_not_start_in_column_one),
        cmocka_unit_test(a_wrong_line_names_the_place_and_keeps_the_words_before_it),
        cmocka_unit_test(a_slice_folds_the_blanks_between_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
