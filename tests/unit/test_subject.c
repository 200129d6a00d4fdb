/* Severities and exit codes, and summaries of any number of metrics. */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "report/shared/json.h"
#include "report/subject.h"

static void exit_codes_of_the_command_and_of_a_plugin(void **state) {
    static const struct {
        const char *name;
        int command, plugin;
    } rows[SEVERITIES] = {{"OK", 0, 0}, {"WARNING", 1, 1}, {"CRITICAL", 1, 2}, {"UNKNOWN", 2, 3}};
    (void)state;
    for (unsigned i = 0; i < SEVERITIES; i++) {
        assert_string_equal(severity_name(i), rows[i].name);
        assert_int_equal(severity_exit_code(i, false), rows[i].command);
        assert_int_equal(severity_exit_code(i, true), rows[i].plugin);
    }
}

static void a_verdict_has_a_severity(void **state) {
    (void)state;
    assert_int_equal(severity_of(VERDICT_PASS), SEVERITY_OK);
    assert_int_equal(severity_of(VERDICT_SKIP), SEVERITY_OK);
    assert_int_equal(severity_of(VERDICT_FAIL), SEVERITY_CRITICAL);
    assert_int_equal(severity_of(VERDICT_ERROR), SEVERITY_UNKNOWN);
}

/* --- a made-up subject --- */

enum { METRICS = 500, OTHERS = 4, LONG = 1000 };

static void summarize_test(const struct report *report, struct summary *summary) {
    char label[LONG + 1];
    memset(label, '"', LONG);
    label[LONG] = '\0';
    summary->severity = SEVERITY_WARNING;
    summary->verdict = "so-so";
    snprintf(summary->line, sizeof summary->line, "%s", (const char *)report->findings);
    for (unsigned i = 0; i < METRICS; i++) {
        summary_metric(summary, "test_number", "A number.", i);
        summary_label(summary, "first", "a\\b\nc\x1b\xff");
        summary_label(summary, "second", label);
    }
    summary_thresholds(summary, 12.4, 100);
    summary_metric(summary, "test_wait_seconds", "A time.", 1.5);
    summary_label(summary, "place", "a b=c'd;e|");
    summary_metric(summary, "test_calls_total", "A counter.", 7);
    summary_metric(summary, "test_growth_per_second", "A rate.", 2);
    summary_metric(summary, "test_info", "A word.", 1);
    summary_label(summary, "cause", "b");
}

static const struct subject subject = {.name = "test", .schema = 7, .summarize = summarize_test};
static const struct report report = {.subject = &subject, .findings = "WARNING so-so"};

/* Returns what a format writes; the caller frees it. */
static char *written(report_writer *write) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    write(&report, out);
    fclose(out);
    return text;
}

static unsigned count(const char *text, const char *word) {
    unsigned found = 0;
    for (; (text = strstr(text, word)) != NULL; text += strlen(word))
        found++;
    return found;
}

static void no_metric_is_dropped_and_no_label_is_cut(void **state) {
    static const char begin[] = "first=\"a\\\\b\\nc\\\\x1b\xef\xbf\xbd\",second=\"";
    struct summary summary;
    (void)state;
    summarize(&report, &summary);
    assert_int_equal(summary.count, METRICS + OTHERS);
    for (unsigned i = 0; i < METRICS; i++) {
        assert_memory_equal(summary.metrics[i].labels, begin, strlen(begin));
        assert_int_equal(strlen(summary.metrics[i].labels), strlen(begin) + (size_t)2 * LONG + 1);
        assert_string_equal(summary.metrics[i].warn, i == METRICS - 1 ? "12" : "");
    }
    summary_free(&summary);
}

static void the_formats_for_monitoring_have_all_metrics(void **state) {
    (void)state;
    char *nagios = written(format_nagios.write), *prometheus = written(format_prometheus.write);
    assert_true(strncmp(nagios, "PORTREUSE WARNING - WARNING so-so | ", 36) == 0);
    assert_int_equal(count(nagios, " test_number_a\\b_c\\x1b\xef\xbf\xbd____"), METRICS);
    assert_non_null(strstr(nagios, "=499;12;100;;"));
    assert_non_null(strstr(nagios, " test_wait_seconds_a_b_c_d_e_=1.5s;;;;"));
    assert_non_null(strstr(nagios, " test_calls_total=7c;;;;"));
    assert_non_null(strstr(nagios, " test_growth_per_second=2;;;;"));
    assert_null(strstr(nagios, "test_info"));
    assert_non_null(strstr(prometheus, "\nportreuse_test_info{cause=\"b\"} 1\n"));
    assert_non_null(strstr(prometheus, "# TYPE portreuse_test_calls_total counter\n"));
    assert_int_equal(count(prometheus, "\nportreuse_test_number{"), METRICS);
    assert_int_equal(count(prometheus, "# HELP portreuse_test_number "), 1);
    assert_non_null(strstr(prometheus, "\nportreuse_test_state 1\n"));
    free(nagios);
    free(prometheus);
}

static void summarize_about(const struct report *about, struct summary *summary) {
    (void)about;
    summary_about(summary, "address", ":80");
    summary_about(summary, "netns", "here");
    summary_metric(summary, "about_number", "A number.", 1);
    summary_label(summary, "cause", "b");
}

/* Two reports about different addresses have no sample in common. */
static void what_a_report_is_about_is_a_label_of_all_it_says(void **state) {
    static const struct subject about = {.name = "about", .summarize = summarize_about};
    static const struct report of_it = {.subject = &about};
    char *text = NULL;
    size_t size = 0;
    (void)state;
    FILE *out = open_memstream(&text, &size);
    format_prometheus.write(&of_it, out);
    fclose(out);
    assert_non_null(
        strstr(text, "\nportreuse_about_number{address=\":80\",netns=\"here\",cause=\"b\"} 1\n"));
    assert_non_null(strstr(text, "\nportreuse_about_state{address=\":80\",netns=\"here\"} 3\n"));
    assert_non_null(
        strstr(text, "\nportreuse_about_time_seconds{address=\":80\",netns=\"here\"} "));
    free(text);
}

static void write_head(const struct report *about, FILE *out) {
    struct json json = {.out = out, .line = true};
    json_object(&json, NULL);
    report_json_head(&json, about);
    json_end(&json);
}

static void every_json_document_begins_in_the_same_way(void **state) {
    (void)state;
    char *text = written(write_head);
    assert_string_equal(text,
                        "{\"summary\": \"WARNING so-so\", \"verdict\": \"so-so\", \"schema\": 7, "
                        "\"version\": \"" PORTREUSE_VERSION "\", \"severity\": \"warning\"}\n");
    free(text);
    assert_int_equal(report_exit_code(&report, true), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exit_codes_of_the_command_and_of_a_plugin),
        cmocka_unit_test(a_verdict_has_a_severity),
        cmocka_unit_test(no_metric_is_dropped_and_no_label_is_cut),
        cmocka_unit_test(the_formats_for_monitoring_have_all_metrics),
        cmocka_unit_test(what_a_report_is_about_is_a_label_of_all_it_says),
        cmocka_unit_test(every_json_document_begins_in_the_same_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
