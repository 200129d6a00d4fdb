/* The list of formats, and the streams that escape. */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "report/host/audit.h"
#include "report/host/budget.h"
#include "report/host/why.h"
#include "report/matrix/matrix.h"
#include "report/run/run.h"

static const struct subject *const subjects[] = {&subject_run, &subject_why, &subject_budget,
                                                 &subject_audit, &subject_matrix};

static void every_format_can_be_found(void **state) {
    (void)state;
    for (size_t k = 0; k < ROWS(subjects); k++)
        for (size_t i = 0; subjects[k]->formats[i] != NULL; i++) {
            const struct format *format = subjects[k]->formats[i];
            assert_ptr_equal(format_named(subjects[k], format->name), format);
            assert_ptr_equal(format_near(subjects[k], format->name), format);
            assert_non_null(format->line);
            assert_true(format->write != NULL);
        }
    assert_string_equal(subject_run.formats[0]->name, "text");
    assert_null(format_named(&subject_run, "xml"));
    assert_null(format_near(&subject_run, "no such format"));
    assert_string_equal(format_near(&subject_run, "jnuit")->name, "junit");
    assert_null(format_named(&subject_matrix, "junit"));
}

static const struct {
    const char *path, *name; /* NULL: none */
} file_rows[] = {
    {"a.txt", "text"},
    {"/some/where/a.json", "json"},
    {"a.ndjson", "ndjson"},
    {"a.jsonl", "ndjson"},
    {"a.tap", "tap"},
    {"a.xml", "junit"},
    {"a.md", "markdown"},
    {"a.markdown", "markdown"},
    {"a.mermaid.md", "mermaid"},
    {"a.b.c.json", "json"},
    {"a.json.bak", NULL},
    {"json", NULL},
    {".json", NULL},
    {"a.JSON", NULL},
    {"", NULL},
    {"a", NULL},
    {"a.", NULL},
    {"a.m", NULL},
};

static void an_extension_selects_a_format(void **state) {
    (void)state;
    for (size_t i = 0; i < ROWS(file_rows); i++) {
        const struct format *format = format_of_file(&subject_run, file_rows[i].path);
        if (file_rows[i].name == NULL)
            assert_null(format);
        else
            assert_string_equal(format->name, file_rows[i].name);
    }
}

static void no_two_formats_have_an_extension_in_common(void **state) {
    (void)state;
    for (size_t k = 0; k < ROWS(subjects); k++)
        for (size_t i = 0; subjects[k]->formats[i] != NULL; i++) {
            char extensions[80], path[80], *rest;
            snprintf(extensions, sizeof extensions, "%s", subjects[k]->formats[i]->extensions);
            for (char *extension = strtok_r(extensions, " ", &rest); extension != NULL;
                 extension = strtok_r(NULL, " ", &rest)) {
                snprintf(path, sizeof path, "a%s", extension);
                assert_ptr_equal(format_of_file(subjects[k], path), subjects[k]->formats[i]);
            }
        }
}

/* --- escapes --- */

static void shout(FILE *out, unsigned char byte) {
    if (byte == 'x')
        fputs("<X>", out);
    else
        fputc(byte, out);
}

/* What is printed through it is escaped, byte by byte and in order with what goes past it. */
static void a_stream_escapes_what_goes_through_it(void **state) {
    char *text = NULL;
    size_t size = 0;
    (void)state;
    FILE *out = open_memstream(&text, &size);
    FILE *escaped = escape_open(out, shout);
    fputs("x1", out);
    fprintf(escaped, "x%d", 2);
    fputc('x', out);
    fputc('x', escaped);
    utf8_print(escaped, "x\x1b\xc3\xa9\xff", 5);
    fclose(escaped);
    fputs("x.", out);
    fclose(out);
    assert_string_equal(text, "x1<X>2x<X><X>\\<X>1b\xc3\xa9\xef\xbf\xbdx.");
    free(text);
}

static void an_error_shows_in_the_stream_below(void **state) {
    (void)state;
    FILE *out = fopen("/dev/full", "w");
    assert_non_null(out);
    setvbuf(out, NULL, _IONBF, 0);
    FILE *escaped = escape_open(out, shout);
    fputs("text", escaped);
    fclose(escaped);
    assert_true(ferror(out));
    fclose(out);
}

static void markdown_has_its_signs_escaped(void **state) {
    char *text = NULL;
    size_t size = 0;
    (void)state;
    FILE *out = open_memstream(&text, &size);
    for (const char *byte = "a_b|c`<d>&\\"; *byte != '\0'; byte++)
        escape_markdown(out, (unsigned char)*byte);
    escape_markdown(out, 0);
    fclose(out);
    assert_string_equal(text, "a\\_b\\|c\\`\\<d\\>\\&\\\\");
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_format_can_be_found),
        cmocka_unit_test(an_extension_selects_a_format),
        cmocka_unit_test(no_two_formats_have_an_extension_in_common),
        cmocka_unit_test(a_stream_escapes_what_goes_through_it),
        cmocka_unit_test(an_error_shows_in_the_stream_below),
        cmocka_unit_test(markdown_has_its_signs_escaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
