/* Options: setters, words left over, help in columns. Complaints are tested on the real program. */
#include "test.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/options.h"

struct inner {
    bool flag;
    uint64_t time_ns;
};

struct request {
    struct inner inner;
    const char *text;
    unsigned count;
    bool either, kept;
};

static const char *const colours[] = {"red", "green", NULL};

static const struct option_row inner_rows[] = {
    {.name = "flag",
     .letter = 'f',
     .set = option_set_flag,
     .offset = offsetof(struct inner, flag),
     .help = "a flag"},
    {.name = "time",
     .takes = VALUE_OPTIONAL,
     .value_name = "TIME",
     .set = option_set_time,
     .offset = offsetof(struct inner, time_ns),
     .help = "a time, and so many words about it that they do not fit on one line of a terminal"},
    {0},
};

static const struct option_row rows[] = {
    {.name = "text",
     .letter = 't',
     .takes = VALUE_REQUIRED,
     .value_name = "TEXT",
     .set = option_set_text,
     .offset = offsetof(struct request, text),
     .help = "a text"},
    {.letter = 'n',
     .takes = VALUE_REQUIRED,
     .value_name = "N",
     .set = option_set_unsigned,
     .offset = offsetof(struct request, count),
     .low = 2,
     .high = 9,
     .help = "a number"},
    {.name = "either",
     .takes = VALUE_REQUIRED,
     .values = colours,
     .set = option_set_either,
     .offset = offsetof(struct request, either),
     .help = "one of two"},
    {.name = "drop", .set = option_clear_flag, .offset = offsetof(struct request, kept)},
    {0},
};

static const struct option_group groups[] = {
    {inner_rows, offsetof(struct request, inner)}, {rows, 0}, {0}};

/* Parses the words of a line; returns whether that went well. */
static bool parse(const char *line, struct request *request) {
    static char words[200];
    static char *argv[20];
    int argc = 0;
    char *rest;
    snprintf(words, sizeof words, "test %s", line);
    for (char *word = strtok_r(words, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest))
        argv[argc++] = word;
    argv[argc] = NULL;
    *request = (struct request){.kept = true};
    return options_parse("test", groups, argc, argv, request);
}

static void values_go_where_the_rows_say(void **state) {
    struct request request;
    (void)state;
    assert_true(parse("-f --time=1.5s -t text -n 9 --either green --drop operand", &request));
    assert_true(request.inner.flag && request.either && !request.kept);
    assert_int_equal(request.inner.time_ns, 1500000000);
    assert_string_equal(request.text, "text");
    assert_int_equal(request.count, 9);
    assert_int_equal(optind, 10);
    assert_true(parse("operand --time --either=red -fn2", &request));
    assert_true(request.inner.flag && !request.either && request.kept);
    assert_int_equal(request.inner.time_ns, 0);
    assert_int_equal(request.count, 2);
    assert_int_equal(optind, 4);
}

static void what_is_wrong_is_refused(void **state) {
    static const char *const lines[] = {"-n 1",           "-n 10",  "-n",         "--time=soon",
                                        "--either=blue",  "--text", "--flag=yes", "-x",
                                        "--no-such-word", "-flag"};
    struct request request;
    (void)state;
    for (size_t i = 0; i < ROWS(lines); i++)
        assert_false(parse(lines[i], &request));
    assert_true(parse("", &request));
}

static void options_are_found_as_they_are_written(void **state) {
    (void)state;
    assert_ptr_equal(options_find(groups, "-f", 2), &inner_rows[0]);
    assert_ptr_equal(options_find(groups, "--flag", 6), &inner_rows[0]);
    assert_ptr_equal(options_find(groups, "--either=red", 8), &rows[2]);
    assert_null(options_find(groups, "--eithe", 7));
    assert_null(options_find(groups, "either", 6));
    assert_null(options_find(NULL, "-f", 2));
    assert_ptr_equal(options_row(groups, 5), &rows[3]);
    assert_null(options_row(groups, 6));
}

static void help_has_columns_and_no_hidden_option(void **state) {
    static const char expected[] =
        "  -f, --flag              a flag\n"
        "      --time[=TIME]       a time, and so many words about it that they do not\n"
        "                          fit on one line of a terminal\n"
        "  -t, --text TEXT         a text\n"
        "  -n N                    a number\n"
        "      --either red|green  one of two\n";
    char *text = NULL;
    size_t size = 0;
    (void)state;
    FILE *out = open_memstream(&text, &size);
    options_print_help(groups, out);
    fclose(out);
    assert_string_equal(text, expected);
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_go_where_the_rows_say),
        cmocka_unit_test(what_is_wrong_is_refused),
        cmocka_unit_test(options_are_found_as_they_are_written),
        cmocka_unit_test(help_has_columns_and_no_hidden_option),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
