/* JSON as it is read: which values come in which order, and what is refused. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_reader.h"

/* Writes each event down: `0{ 1"key"=text ...`. */
static void note(void *context, enum json_event event, unsigned depth, const char *key,
                 const char *text) {
    static const char marks[] = "<>\"=";
    FILE *out = context;
    fprintf(out, "%u%c%s:%s ", depth, marks[event], key, text);
}

/* What json_read() tells of a copy of the text that ends where it ends; `*wrong` is its result. The
 * caller frees it. */
static char *read_all(const char *text, size_t size, const char **wrong) {
    char *noted = NULL, *bytes = malloc(size + 1);
    size_t length = 0;
    FILE *out = open_memstream(&noted, &length);
    assert_non_null(bytes);
    assert_non_null(out);
    memcpy(bytes, text, size);
    char *exact = realloc(bytes, size > 0 ? size : 1);
    *wrong = json_read(exact, size, note, out);
    free(exact);
    fclose(out);
    return noted;
}

static void json_read_tells_values_as_they_come(void **state) {
    static const struct {
        const char *text, *events;
    } rows[] = {
        {"{}", "0<: 0>: "},
        {" [ ] ", "0<: 0>: "},
        {"\"a\"", "0\":a "},
        {"-1.5e3", "0=:-1.5e3 "},
        {"[1, true, null]", "0<: 1=:1 1=:true 1=:null 0>: "},
        {"{\"a\": \"b\", \"c\": [\"d\", {}]}", "0<: 1\"a:b 1<c: 2\":d 2<: 2>: 1>c: 0>: "},
        {"\"\\\"\\\\\\/\\n\\u0041\\u00e4\"", "0\":\"\\/\nA? "},
        {"\"\xc3\xa4\"", "0\":\xc3\xa4 "},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        const char *wrong;
        char *noted = read_all(rows[i].text, strlen(rows[i].text), &wrong);
        assert_null(wrong);
        assert_string_equal(noted, rows[i].events);
        free(noted);
    }
}

static void json_read_refuses_what_is_broken(void **state) {
    static const char *const rows[] = {
        "",         "{",         "[",           "[1",    "[1,",   "[1,]",
        "{\"a\"",   "{\"a\":",   "{\"a\":1,}",  "{a:1}", "\"",    "\"\\",
        "\"\\x\"",  "\"\\u12\"", "\"\\u12g4\"", "1 2",   "[1 2]", "{\"a\" 1}",
        "\"a\nb\"", "]",         "{]",
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        const char *wrong;
        free(read_all(rows[i], strlen(rows[i]), &wrong));
        if (wrong == NULL)
            fail_msg("taken: %s", rows[i]);
    }
}

/* Every beginning of a sound text is refused, and read no further than it goes (ASan looks). */
static void json_read_refuses_every_beginning(void **state) {
    static const char text[] = "{\"a\": [\"b\\u0041\", {\"c\": null}]}";
    (void)state;
    for (size_t size = 0; size < strlen(text); size++) {
        const char *wrong;
        free(read_all(text, size, &wrong));
        assert_non_null(wrong);
    }
}

static void json_read_goes_only_so_deep(void **state) {
    char text[4 * JSON_READ_DEPTH];
    const char *wrong;
    (void)state;
    memset(text, '[', JSON_READ_DEPTH);
    memset(text + JSON_READ_DEPTH, ']', JSON_READ_DEPTH);
    free(read_all(text, (size_t)2 * JSON_READ_DEPTH, &wrong));
    assert_null(wrong);
    memset(text, '[', sizeof text);
    free(read_all(text, sizeof text, &wrong));
    assert_string_equal(wrong, "nested too deeply");
}

static void json_read_cuts_long_texts(void **state) {
    char text[3 * JSON_READ_TEXT];
    const char *wrong;
    (void)state;
    memset(text, 'x', sizeof text);
    text[0] = text[sizeof text - 1] = '"';
    char *noted = read_all(text, sizeof text, &wrong);
    assert_null(wrong);
    assert_int_equal(strlen(noted), strlen("0\": ") + JSON_READ_TEXT - 1);
    free(noted);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_read_tells_values_as_they_come),
        cmocka_unit_test(json_read_refuses_what_is_broken),
        cmocka_unit_test(json_read_refuses_every_beginning),
        cmocka_unit_test(json_read_goes_only_so_deep),
        cmocka_unit_test(json_read_cuts_long_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
