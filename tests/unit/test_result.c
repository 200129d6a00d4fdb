/* The result model and the small parts of reports: verdicts summed up, results kept, the verdict in
 * one line, JSON and paragraphs. */
#include "test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "engine/result.h"
#include "report/run/run.h"
#include "report/shared/json.h"
#include "report/shared/layout.h"

/* --- a run of made-up results --- */

enum { SCENARIOS_MOST = 4 };

static struct run_result run; /* freed behind each test, with the scenarios */
static struct scenario *scenarios[SCENARIOS_MOST];

static int forget(void **state) {
    (void)state;
    for (size_t i = 0; i < SCENARIOS_MOST; i++) {
        scenario_free(scenarios[i]);
        scenarios[i] = NULL;
    }
    run_result_free(&run);
    return 0;
}

/* A scenario of so many cases. Each has two steps, of which the second, a bind, expects `want`. */
static struct scenario *parsed(const char *name, const char *want, size_t cases) {
    struct errors errors = {0};
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    fputs("title t\n", out);
    for (size_t i = 0; i < cases; i++)
        fprintf(out, "case %zu\nr socket s\nr bind s *:80 -> %s\n", i, want);
    fclose(out);
    struct scenario *scenario = scenario_parse(name, NULL, text, size, &errors);
    free(text);
    size_t count = errors.count;
    errors_free(&errors);
    assert_int_equal(count, 0);
    return scenario;
}

/* Makes the result of one case whose verdict is this. */
static void fill_case(struct case_result *result, enum verdict verdict) {
    result->verdict = verdict;
    result->step_count = 2;
    result->steps = arena_alloc(&run.arena, 2 * sizeof result->steps[0]);
    result->steps[0].status = STEP_MET;
    result->steps[1].status = verdict == VERDICT_PASS ? STEP_MET : STEP_NOT_RUN;
    if (verdict == VERDICT_FAIL) {
        result->steps[1].status = STEP_UNMET;
        result->steps[1].got = (struct answer){.kind = ANSWER_ERRNO, .error = EADDRINUSE};
    }
    result->reason = verdict == VERDICT_SKIP    ? "it cannot run here"
                     : verdict == VERDICT_ERROR ? "the role broke"
                                                : "";
}

static enum verdict verdict_of(char letter) {
    return letter == 'P'   ? VERDICT_PASS
           : letter == 'S' ? VERDICT_SKIP
           : letter == 'F' ? VERDICT_FAIL
                           : VERDICT_ERROR;
}

/* Adds a scenario whose cases have the verdicts P, S, F and E. */
static void add(const char *name, const char *want, const char *verdicts) {
    size_t cases = strlen(verdicts);
    assert_true(run.scenario_count < SCENARIOS_MOST);
    if (run.scenarios == NULL)
        run.scenarios = arena_alloc(&run.arena, SCENARIOS_MOST * sizeof run.scenarios[0]);
    struct scenario_result *result = &run.scenarios[run.scenario_count];
    scenarios[run.scenario_count++] = parsed(name, want, cases);
    result->scenario = scenarios[run.scenario_count - 1];
    result->cases = arena_alloc(&run.arena, cases * sizeof result->cases[0]);
    for (size_t i = 0; i < cases; i++)
        fill_case(&result->cases[i], verdict_of(verdicts[i]));
}

/* --- summing up --- */

/* The rule in other words than the code's: ERROR before FAIL before PASS before SKIP. */
static enum verdict expected_of(const char *verdicts) {
    static const char weight[] = "EFP";
    for (size_t i = 0; weight[i] != '\0'; i++)
        if (strchr(verdicts, weight[i]) != NULL)
            return verdict_of(weight[i]);
    return VERDICT_SKIP;
}

static void a_verdict_has_its_name(void **state) {
    (void)state;
    assert_string_equal(verdict_name(VERDICT_PASS), "PASS");
    assert_string_equal(verdict_name(VERDICT_FAIL), "FAIL");
    assert_string_equal(verdict_name(VERDICT_SKIP), "SKIP");
    assert_string_equal(verdict_name(VERDICT_ERROR), "ERROR");
}

static void check_sum(const char *first, const char *second) {
    char all[8];
    snprintf(all, sizeof all, "%s%s", first, second);
    add("one", "ok", first);
    add("two", "ok", second);
    result_sum_up(&run);
    assert_int_equal(run.scenarios[0].verdict, expected_of(first));
    assert_int_equal(run.scenarios[1].verdict, expected_of(second));
    assert_int_equal(run.verdict, expected_of(all));
    size_t counts[VERDICTS] = {0};
    for (const char *letter = all; *letter != '\0'; letter++)
        counts[verdict_of(*letter)]++;
    assert_memory_equal(run.cases, counts, sizeof counts);
    forget(NULL);
}

static void every_mixture_of_verdicts_is_summed_up(void **state) {
    static const char letters[] = "PSFE";
    (void)state;
    for (size_t i = 0; i < (size_t)4 * 4 * 4; i++) {
        const char two[] = {letters[i % 4], letters[i / 4 % 4], '\0'};
        const char one[] = {letters[i / 16], '\0'};
        check_sum(two, one);
        check_sum(one, two);
    }
}

static void summing_up_again_counts_nothing_twice(void **state) {
    (void)state;
    add("one", "ok", "PFS");
    result_sum_up(&run);
    result_sum_up(&run);
    assert_int_equal(run.cases[VERDICT_PASS], 1);
    assert_int_equal(run.cases[VERDICT_FAIL], 1);
    assert_int_equal(run.cases[VERDICT_SKIP], 1);
    assert_int_equal(run.cases[VERDICT_ERROR], 0);
}

static void a_run_of_nothing_is_a_skip(void **state) {
    (void)state;
    run.verdict = VERDICT_ERROR;
    result_sum_up(&run);
    assert_int_equal(run.verdict, VERDICT_SKIP);
}

/* --- steps of results --- */

static void results_go_through_the_setup_and_then_the_case(void **state) {
    static const char text[] = "title t\nsetup\nr socket s\nr socket t\ncase a\nr close s\n"
                               "case b\nr close t\nr close s\n";
    struct errors errors = {0};
    (void)state;
    scenarios[0] = scenario_parse("n", NULL, text, sizeof text - 1, &errors);
    assert_int_equal(errors.count, 0);
    assert_int_equal(result_step(scenarios[0], 0, 0)->line, 3);
    assert_int_equal(result_step(scenarios[0], 0, 1)->line, 4);
    assert_int_equal(result_step(scenarios[0], 0, 2)->line, 6);
    assert_int_equal(result_step(scenarios[0], 1, 1)->line, 4);
    assert_int_equal(result_step(scenarios[0], 1, 2)->line, 8);
    assert_int_equal(result_step(scenarios[0], 1, 3)->line, 9);
}

static void the_failed_step_is_the_first_that_did_not_answer_as_expected(void **state) {
    static const struct {
        enum step_status statuses[4];
        int failed; /* -1: none */
    } rows[] = {
        {{STEP_MET, STEP_MET, STEP_MET, STEP_MET}, -1},
        {{STEP_NOT_RUN, STEP_NOT_RUN, STEP_NOT_RUN, STEP_NOT_RUN}, -1},
        {{STEP_MET, STEP_NOT_RUN, STEP_MET, STEP_NOT_RUN}, -1},
        {{STEP_MET, STEP_UNMET, STEP_NOT_RUN, STEP_NOT_RUN}, 1},
        {{STEP_MET, STEP_MET, STEP_BROKEN, STEP_NOT_RUN}, 2},
        {{STEP_MET, STEP_MET, STEP_MET, STEP_RUNNING}, 3},
        {{STEP_UNMET, STEP_BROKEN, STEP_UNMET, STEP_RUNNING}, 0},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct step_result steps[4] = {0};
        struct case_result result = {.steps = steps, .step_count = 4};
        for (size_t k = 0; k < 4; k++)
            steps[k].status = rows[i].statuses[k];
        const struct step_result *failed = result_failed_step(&result);
        assert_ptr_equal(failed, rows[i].failed < 0 ? NULL : &steps[rows[i].failed]);
    }
    struct case_result empty = {0};
    assert_null(result_failed_step(&empty));
}

static void of_a_serve_block_the_line_that_ended_it_is_the_judge(void **state) {
    static const char text[] = "title t\ncase c\nr socket s\nr serve\naccept s p\nclose p\nend\n"
                               "r stop\n";
    struct errors errors = {0};
    struct step_result result = {0};
    (void)state;
    scenarios[0] = scenario_parse("n", NULL, text, sizeof text - 1, &errors);
    assert_int_equal(errors.count, 0);
    const struct step *steps = scenarios[0]->steps;
    assert_ptr_equal(result_judge(&steps[1], &result), &steps[1]);
    result.got = (struct answer){.in_block = true, .at = VERB_CLOSE, .line = 6};
    assert_ptr_equal(result_judge(&steps[1], &result), &steps[3]);
    result.got.line = 99;
    assert_ptr_equal(result_judge(&steps[1], &result), &steps[1]);
}

static void any_other_step_is_its_own_judge(void **state) {
    static const char text[] = "title t\ncase c\nr repeat 2\nsocket s\nend\n";
    struct errors errors = {0};
    struct step_result result = {
        .got = {.kind = ANSWER_ERRNO, .in_block = true, .at = VERB_SOCKET, .line = 4}};
    (void)state;
    scenarios[0] = scenario_parse("n", NULL, text, sizeof text - 1, &errors);
    assert_int_equal(errors.count, 0);
    assert_ptr_equal(result_judge(&scenarios[0]->steps[0], &result), &scenarios[0]->steps[0]);
}

static void an_outcome_keeps_what_the_board_has(void **state) {
    static const char text[] =
        "title t\ncase c\nr socket s SO_REUSEADDR SO_KEEPALIVE -> ok | EINVAL\n";
    struct errors errors = {0};
    struct evidence evidence = {0};
    char seen[] = "seen";
    struct step_result result = {.evidence = &evidence, .seen = seen};
    const struct step_outcome outcome = {.status = STEP_MET,
                                         .got = {.kind = ANSWER_ERRNO, .error = EINVAL},
                                         .met_index = 1,
                                         .option = 2,
                                         .elapsed_ns = 5};
    (void)state;
    scenarios[0] = scenario_parse("n", NULL, text, sizeof text - 1, &errors);
    assert_int_equal(errors.count, 0);
    const struct step *step = &scenarios[0]->steps[0];
    assert_null(result_where(scenarios[0], &result));
    result_set_outcome(&result, step, &outcome);
    assert_int_equal(result.status, STEP_MET);
    assert_int_equal(result.got.error, EINVAL);
    assert_ptr_equal(result.met, &step->want.either[1]);
    assert_string_equal(result_where(scenarios[0], &result), "SO_KEEPALIVE");
    assert_ptr_equal(result.evidence, &evidence);
    assert_ptr_equal(result.seen, seen);
}

/* --- keeping --- */

static void a_kept_result_shares_nothing_with_the_original(void **state) {
    struct evidence evidence = {.total = 7, .suspect_count = 1, .words = "words"};
    uint64_t rounds_ns[3] = {10, 20, 30};
    char seen[] = "seen", reason[] = "reason";
    struct step_result steps[2] = {
        {.status = STEP_UNMET, .has_evidence = true, .evidence = &evidence, .seen = seen},
        {.status = STEP_MET, .evidence = &evidence, .rounds_ns = rounds_ns, .round_count = 3},
    };
    struct case_result result = {
        .verdict = VERDICT_FAIL, .reason = reason, .steps = steps, .step_count = 2, .runs = 4};
    (void)state;
    struct case_result kept = result_keep(&run.arena, &result);
    memset(&evidence, 0xff, sizeof evidence);
    memset(rounds_ns, 0xff, sizeof rounds_ns);
    memset(seen, 0xff, sizeof seen);
    memset(reason, 0xff, sizeof reason);
    memset(steps, 0xff, sizeof steps);
    memset(&result, 0xff, sizeof result);
    assert_int_equal(kept.verdict, VERDICT_FAIL);
    assert_string_equal(kept.reason, "reason");
    assert_int_equal(kept.runs, 4);
    assert_int_equal(kept.step_count, 2);
    assert_int_equal(kept.steps[0].status, STEP_UNMET);
    assert_string_equal(kept.steps[0].seen, "seen");
    assert_int_equal(kept.steps[0].evidence->total, 7);
    assert_string_equal(kept.steps[0].evidence->words, "words");
    assert_int_equal(kept.steps[1].status, STEP_MET);
    assert_null(kept.steps[1].seen);
    assert_null(kept.steps[1].evidence); /* there was none: its place on the board was empty */
    assert_int_equal(kept.steps[1].round_count, 3);
    assert_int_equal(kept.steps[1].rounds_ns[0], 10);
    assert_int_equal(kept.steps[1].rounds_ns[2], 30);
}

static void a_result_without_steps_can_be_kept(void **state) {
    struct case_result result = {.verdict = VERDICT_SKIP, .reason = "reason"};
    (void)state;
    struct case_result kept = result_keep(&run.arena, &result);
    assert_int_equal(kept.verdict, VERDICT_SKIP);
    assert_int_equal(kept.step_count, 0);
    assert_string_equal(kept.reason, "reason");
}

/* --- the verdict in one line --- */

static const char *line_of_run(void) {
    static char line[REPORT_LINE_SIZE];
    memset(line, 'X', sizeof line);
    result_sum_up(&run);
    assert_ptr_equal(run_verdict(&run, line), line);
    assert_non_null(memchr(line, '\0', sizeof line));
    return line;
}

static const struct {
    const char *first, *second; /* verdicts of the cases; `second` NULL: one scenario */
    const char *line;
} verdict_rows[] = {
    {"P", NULL, "PASS one: 1 case, as expected"},
    {"PPP", NULL, "PASS one: 3 cases, all as expected"},
    {"PSP", NULL, "PASS one: 2 cases, all as expected; 1 skipped"},
    {"PP", "PS", "PASS 2 scenarios: 3 cases, all as expected; 1 skipped"},
    {"S", NULL, "SKIP one: it cannot run here"},
    {"SS", "S", "SKIP 2 scenarios: one: it cannot run here"},
    {"F", NULL, "FAIL one: line 4: want ok, got EADDRINUSE"},
    {"PF", NULL, "FAIL one: 1 of 2 cases, first: line 7: want ok, got EADDRINUSE"},
    {"PSFF", NULL, "FAIL one: 2 of 4 cases, first: line 10: want ok, got EADDRINUSE"},
    {"PP", "F", "FAIL 2 scenarios: 1 of 3 cases, first: two: line 4: want ok, got EADDRINUSE"},
    {"E", NULL, "ERROR one: the role broke"},
    {"FE", NULL, "ERROR one: 1 of 2 cases, first: the role broke"},
    {"FP", "SE", "ERROR 2 scenarios: 1 of 4 cases, first: two: the role broke"},
};

static void the_verdict_is_said_in_one_line(void **state) {
    (void)state;
    for (size_t i = 0; i < ROWS(verdict_rows); i++) {
        add("one", "ok", verdict_rows[i].first);
        if (verdict_rows[i].second != NULL)
            add("two", "ok", verdict_rows[i].second);
        assert_string_equal(line_of_run(), verdict_rows[i].line);
        forget(NULL);
    }
}

static void the_verdict_says_how_often_it_was_run(void **state) {
    (void)state;
    add("one", "ok", "PP");
    run.repeat = 20;
    assert_string_equal(line_of_run(), "PASS one: 2 cases, all as expected 20 times");
    run.repeat = 1;
    assert_string_equal(line_of_run(), "PASS one: 2 cases, all as expected");
}

static void a_broken_or_unanswered_step_is_the_one_that_failed(void **state) {
    (void)state;
    add("one", "ok", "F");
    run.scenarios[0].cases[0].steps[0].status = STEP_RUNNING;
    run.scenarios[0].cases[0].steps[0].got = (struct answer){.kind = ANSWER_NONE};
    assert_string_equal(line_of_run(), "FAIL one: line 3: want ok, got no answer");
}

/* At most 80 bytes, all of them printable UTF-8. */
static void assert_printable(const char *line) {
    size_t size = strlen(line), length;
    uint32_t code;
    assert_true(size <= 80);
    for (size_t at = 0; at < size; at += length) {
        length = utf8_next(line + at, size - at, &code);
        assert_true(code != UTF8_INVALID);
        assert_true(code >= 0x20 && !(code >= 0x7f && code < 0xa0));
    }
}

/* Fills `text` with copies of `part` up to `size` bytes, and a NUL. */
static void fill_with(char *text, size_t size, const char *part) {
    size_t length = strlen(part), at = 0;
    for (; at + length < size; at += length)
        memcpy(text + at, part, length);
    text[at] = '\0';
}

/* Names of these characters: a name that has no room is left out, not cut. */
static void a_long_name_is_left_out(void **state) {
    static const char *const parts[] = {"a",    "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80",
                                        "\xff", "\x1b",     "\n",           "\xc2\x9b"};
    static const char verdicts[] = "PSFE";
    (void)state;
    for (size_t i = 0; i < ROWS(parts); i++)
        for (size_t shift = 0; shift < 8; shift++) {
            char name[5000] = "12345678";
            const char one[] = {verdicts[shift % 4], '\0'};
            fill_with(name + shift, sizeof name - shift, parts[i]);
            add(name, "ok", one);
            assert_printable(line_of_run());
            assert_null(strstr(line_of_run(), "1234567"));
            assert_non_null(strstr(line_of_run(), " 1 scenario: "));
            add("two", "ok", one);
            assert_printable(line_of_run());
            forget(NULL);
        }
}

static void a_long_expectation_or_reason_is_cut(void **state) {
    char want[300], result[] = "ok | ", reason[RESULT_TEXT_SIZE];
    (void)state;
    fill_with(want, sizeof want - 10, result);
    strcat(want, "EINVAL");
    add("one", want, "F");
    assert_printable(line_of_run());
    assert_int_equal(strncmp(line_of_run(), "FAIL one: line 4: want ok | ok", 30), 0);
    assert_non_null(strstr(line_of_run(), "..., got "));
    forget(NULL);
    add("one", "ok", "E");
    fill_with(reason, sizeof reason, "\n\xe2\x82\xac\xff");
    run.scenarios[0].cases[0].reason = reason;
    assert_printable(line_of_run());
    assert_int_equal(strlen(line_of_run()), 80 - 2); /* the next character has three bytes */
}

static void a_verdict_of_exactly_the_limit_is_not_cut(void **state) {
    (void)state;
    for (size_t size = 79; size <= 82; size++) {
        char whole[RESULT_TEXT_SIZE + 16], reason[RESULT_TEXT_SIZE];
        add("n", "ok", "E");
        memset(reason, 'r', sizeof reason);
        run.scenarios[0].cases[0].reason = reason;
        reason[size - strlen("ERROR n: ")] = '\0';
        snprintf(whole, sizeof whole, "ERROR n: %s", reason);
        assert_int_equal(strlen(whole), size);
        whole[80] = '\0';
        assert_string_equal(line_of_run(), whole);
        forget(NULL);
    }
}

static void a_run_of_no_scenarios_has_a_verdict(void **state) {
    (void)state;
    assert_int_equal(strncmp(line_of_run(), "SKIP 0 scenarios", 16), 0);
}

/* --- JSON --- */

/* A writer to memory. */
struct sheet {
    struct json json;
    char *text;
    size_t size;
};

static void open_sheet(struct sheet *sheet) {
    *sheet = (struct sheet){0};
    sheet->json.out = open_memstream(&sheet->text, &sheet->size);
    assert_non_null(sheet->json.out);
}

static void close_sheet(struct sheet *sheet, const char *expected) {
    fclose(sheet->json.out);
    assert_string_equal(sheet->text, expected);
    free(sheet->text);
}

static void json_nests_indents_and_parts_by_commas(void **state) {
    struct sheet sheet;
    (void)state;
    open_sheet(&sheet);
    json_object(&sheet.json, NULL);
    json_string(&sheet.json, "text", "a");
    json_array(&sheet.json, "list");
    json_number(&sheet.json, NULL, 1);
    json_object(&sheet.json, NULL);
    json_bool(&sheet.json, "yes", true);
    json_bool(&sheet.json, "no", false);
    json_end(&sheet.json);
    json_end(&sheet.json);
    json_number(&sheet.json, "last", -2);
    json_end(&sheet.json);
    close_sheet(&sheet, "{\n"
                        "  \"text\": \"a\",\n"
                        "  \"list\": [\n"
                        "    1,\n"
                        "    {\n"
                        "      \"yes\": true,\n"
                        "      \"no\": false\n"
                        "    }\n"
                        "  ],\n"
                        "  \"last\": -2\n"
                        "}\n");
}

static void empty_containers_stand_on_one_line(void **state) {
    struct sheet sheet;
    (void)state;
    open_sheet(&sheet);
    json_object(&sheet.json, NULL);
    json_array(&sheet.json, "a");
    json_end(&sheet.json);
    json_object(&sheet.json, "o");
    json_end(&sheet.json);
    json_end(&sheet.json);
    close_sheet(&sheet, "{\n  \"a\": [],\n  \"o\": {}\n}\n");
    open_sheet(&sheet);
    json_array(&sheet.json, NULL);
    json_end(&sheet.json);
    close_sheet(&sheet, "[]\n");
    open_sheet(&sheet);
    json_object(&sheet.json, NULL);
    json_end(&sheet.json);
    close_sheet(&sheet, "{}\n");
}

static void json_nests_as_deep_as_it_says(void **state) {
    struct sheet sheet;
    char expected[2000] = "";
    (void)state;
    open_sheet(&sheet);
    for (int i = 0; i < JSON_DEPTH; i++)
        json_array(&sheet.json, NULL);
    for (int i = 0; i < JSON_DEPTH; i++)
        json_end(&sheet.json);
    for (int i = 0; i < JSON_DEPTH; i++)
        sprintf(expected + strlen(expected), i == 0 ? "[" : "\n%*s[", 2 * i, "");
    strcat(expected, "]");
    for (int i = JSON_DEPTH - 2; i >= 0; i--)
        sprintf(expected + strlen(expected), "\n%*s]", 2 * i, "");
    strcat(expected, "\n");
    close_sheet(&sheet, expected);
}

static const struct {
    const char *text, *json;
} string_rows[] = {
    {"", "\"\""},
    {"plain", "\"plain\""},
    {"say \"hi\"", "\"say \\\"hi\\\"\""},
    {"back\\slash", "\"back\\\\slash\""},
    {"two\nlines", "\"two\\nlines\""},
    {"\t\r\x01\x1f", "\"\\u0009\\u000d\\u0001\\u001f\""},
    {"\x7f\xc2\x80", "\"\\u007f\\u0080\""},
    {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\""},
    {"\xff", "\"\\ufffd\""},
    {"a\xc3", "\"a\\ufffd\""},
    {"\xc3(", "\"\\ufffd(\""},
    {"\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\""}, /* a surrogate */
    {"\xc0\x80", "\"\\ufffd\\ufffd\""},            /* a NUL in two bytes */
    {"\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\""},
    {"</script>", "\"</script>\""},
    {NULL, "null"},
};

static void json_can_stand_on_one_line(void **state) {
    struct sheet sheet;
    (void)state;
    open_sheet(&sheet);
    sheet.json.line = true;
    json_object(&sheet.json, NULL);
    json_number(&sheet.json, "a", 1);
    json_array(&sheet.json, "b");
    json_string(&sheet.json, NULL, "x\ny");
    json_bool(&sheet.json, NULL, true);
    json_end(&sheet.json);
    json_object(&sheet.json, "c");
    json_end(&sheet.json);
    json_end(&sheet.json);
    close_sheet(&sheet, "{\"a\": 1, \"b\": [\"x\\ny\", true], \"c\": {}}\n");
}

static void strings_are_escaped_and_made_valid_utf8(void **state) {
    (void)state;
    for (size_t i = 0; i < ROWS(string_rows); i++) {
        struct sheet sheet;
        char expected[200];
        open_sheet(&sheet);
        json_array(&sheet.json, NULL);
        json_string(&sheet.json, NULL, string_rows[i].text);
        json_end(&sheet.json);
        snprintf(expected, sizeof expected, "[\n  %s\n]\n", string_rows[i].json);
        close_sheet(&sheet, expected);
    }
}

static void keys_are_escaped_too(void **state) {
    struct sheet sheet;
    (void)state;
    open_sheet(&sheet);
    json_object(&sheet.json, NULL);
    json_number(&sheet.json, "a\"\n\xff", 1);
    json_end(&sheet.json);
    close_sheet(&sheet, "{\n  \"a\\\"\\n\\ufffd\": 1\n}\n");
}

static void numbers_and_seconds_are_written_in_full(void **state) {
    struct sheet sheet;
    (void)state;
    open_sheet(&sheet);
    json_array(&sheet.json, NULL);
    json_number(&sheet.json, NULL, INT64_MIN);
    json_number(&sheet.json, NULL, INT64_MAX);
    json_number(&sheet.json, NULL, 0);
    json_seconds(&sheet.json, NULL, 0);
    json_seconds(&sheet.json, NULL, 1234567000);
    json_seconds(&sheet.json, NULL, 999);
    json_seconds(&sheet.json, NULL, 60ULL * 1000 * 1000 * 1000 + 1000);
    json_end(&sheet.json);
    close_sheet(&sheet, "[\n  -9223372036854775808,\n  9223372036854775807,\n  0,\n"
                        "  0.000000,\n  1.234567,\n  0.000000,\n  60.000001\n]\n");
}

/* --- paragraphs --- */

static char *wrapped(const char *text, unsigned indent, unsigned column) {
    char *out_text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&out_text, &size);
    assert_non_null(out);
    layout_wrap(out, text, indent, column);
    fclose(out);
    return out_text;
}

#define TEN   "123456789 " /* ten columns, the last of them blank */
#define EUROS "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac"

static const struct {
    const char *text;
    unsigned indent, column;
    const char *printed;
} wrap_rows[] = {
    {"", 2, 2, "\n"},
    {"one", 2, 2, "one\n"},
    {"one  two\tthree", 2, 2, "one two\\x09three\n"},
    {"one\ntwo", 2, 2, "one two\n"},
    {"one\n\ntwo", 2, 2, "one\n\n  two\n"},
    {"one\n\n\n\ntwo", 0, 0, "one\n\ntwo\n"},
    {" one ", 2, 2, "one\n"},
    /* exactly 80 columns fit, 81 do not */
    {TEN TEN TEN TEN TEN TEN TEN "1234567890", 4, 0, TEN TEN TEN TEN TEN TEN TEN "1234567890\n"},
    {TEN TEN TEN TEN TEN TEN TEN "12345678901", 4, 0,
     TEN TEN TEN TEN TEN TEN "123456789\n    12345678901\n"},
    {TEN TEN TEN TEN TEN TEN TEN "1234567890", 4, 1,
     TEN TEN TEN TEN TEN TEN "123456789\n    1234567890\n"},
    {TEN TEN TEN TEN TEN TEN TEN "1234567890 x", 4, 0,
     TEN TEN TEN TEN TEN TEN TEN "1234567890\n    x\n"},
    /* a number and its unit are one word */
    {TEN TEN TEN TEN TEN TEN TEN "12345 60 s, x", 0, 0,
     TEN TEN TEN TEN TEN TEN TEN "12345\n60 s, x\n"},
    {TEN TEN TEN TEN TEN TEN TEN "12345 60 so x", 0, 0,
     TEN TEN TEN TEN TEN TEN TEN "12345 60\nso x\n"},
    /* the indent counts from the second line on */
    {TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN "x", 10, 0,
     TEN TEN TEN TEN TEN TEN TEN "123456789\n"
                                 "          " TEN TEN TEN TEN TEN TEN "123456789\n"
                                 "          x\n"},
    {TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN "x", 9, 0,
     TEN TEN TEN TEN TEN TEN TEN "123456789\n"
                                 "         " TEN TEN TEN TEN TEN TEN "123456789 x\n"},
    /* characters count, not bytes */
    {EUROS " " EUROS " " EUROS " " EUROS " " EUROS " " EUROS " " EUROS " " EUROS " " EUROS " " EUROS
           " " EUROS " " EUROS " " EUROS " 12 3",
     2, 0,
     EUROS " " EUROS " " EUROS " " EUROS " " EUROS " " EUROS " " EUROS " " EUROS " " EUROS " " EUROS
           " " EUROS " " EUROS " " EUROS " 12\n  3\n"},
    /* what would do something to a terminal */
    {"a\x1b[2Jb \xff c", 0, 0, "a\\x1b[2Jb \xef\xbf\xbd c\n"},
};

static void a_paragraph_is_broken_between_words_at_80_columns(void **state) {
    (void)state;
    for (size_t i = 0; i < ROWS(wrap_rows); i++) {
        char *text = wrapped(wrap_rows[i].text, wrap_rows[i].indent, wrap_rows[i].column);
        assert_string_equal(text, wrap_rows[i].printed);
        free(text);
    }
}

/* No line has more than 80 columns, none ends in a blank, and all words come in their order. */
static void check_lines(const char *printed, unsigned column) {
    for (const char *line = printed; *line != '\0';) {
        size_t size = strcspn(line, "\n");
        assert_true(utf8_length(line, size) + column <= 80);
        assert_true(size == 0 || line[size - 1] != ' ');
        column = 0;
        line += size + 1;
    }
}

static void words_of_all_lengths_stay_within_80_columns(void **state) {
    static const char *const letters[] = {"x", "\xc3\xa9", "\xff"};
    (void)state;
    for (size_t i = 0; i < ROWS(letters); i++)
        for (unsigned indent = 0; indent <= 30; indent += 5) {
            char text[8000] = "";
            for (size_t word = 0; word < 100; word++) {
                for (size_t k = 0; k <= word * 7 % 23; k++)
                    strcat(text, letters[i]);
                strcat(text, word % 11 == 10 ? "\n" : word % 31 == 30 ? "\n\n" : " ");
            }
            char *printed = wrapped(text, indent, indent);
            check_lines(printed, indent);
            free(printed);
        }
}

/* A word that is longer than a line stands alone in one. */
static void a_word_of_more_than_a_line_is_not_cut(void **state) {
    char text[220], printed[230];
    (void)state;
    snprintf(text, sizeof text, "a %0100d b", 0);
    snprintf(printed, sizeof printed, "a\n  %0100d\n  b\n", 0);
    char *out = wrapped(text, 2, 2);
    assert_string_equal(out, printed);
    free(out);
}

static void a_first_word_that_does_not_fit_goes_to_the_next_line(void **state) {
    (void)state;
    char *printed = wrapped("12345678901234567890 x", 4, 70);
    check_lines(printed, 70);
    free(printed);
}

/* `\x1b` takes four columns. */
static void escaped_characters_count_as_they_are_shown(void **state) {
    char text[200] = "";
    (void)state;
    for (size_t i = 0; i < 60; i++)
        strcat(text, "\x1b ");
    char *printed = wrapped(text, 0, 0);
    check_lines(printed, 0);
    free(printed);
}

#define TEST(function) cmocka_unit_test_teardown(function, forget)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_verdict_has_its_name),
        TEST(every_mixture_of_verdicts_is_summed_up),
        TEST(summing_up_again_counts_nothing_twice),
        TEST(a_run_of_nothing_is_a_skip),
        TEST(results_go_through_the_setup_and_then_the_case),
        TEST(the_failed_step_is_the_first_that_did_not_answer_as_expected),
        TEST(of_a_serve_block_the_line_that_ended_it_is_the_judge),
        TEST(any_other_step_is_its_own_judge),
        TEST(an_outcome_keeps_what_the_board_has),
        TEST(a_kept_result_shares_nothing_with_the_original),
        TEST(a_result_without_steps_can_be_kept),
        TEST(the_verdict_is_said_in_one_line),
        TEST(the_verdict_says_how_often_it_was_run),
        TEST(a_broken_or_unanswered_step_is_the_one_that_failed),
        TEST(a_long_name_is_left_out),
        TEST(a_long_expectation_or_reason_is_cut),
        TEST(a_verdict_of_exactly_the_limit_is_not_cut),
        TEST(a_run_of_no_scenarios_has_a_verdict),
        TEST(json_nests_indents_and_parts_by_commas),
        TEST(empty_containers_stand_on_one_line),
        TEST(json_nests_as_deep_as_it_says),
        TEST(json_can_stand_on_one_line),
        TEST(strings_are_escaped_and_made_valid_utf8),
        TEST(keys_are_escaped_too),
        TEST(numbers_and_seconds_are_written_in_full),
        TEST(a_paragraph_is_broken_between_words_at_80_columns),
        TEST(words_of_all_lengths_stay_within_80_columns),
        TEST(a_word_of_more_than_a_line_is_not_cut),
        TEST(a_first_word_that_does_not_fit_goes_to_the_next_line),
        TEST(escaped_characters_count_as_they_are_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
