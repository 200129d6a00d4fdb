/* The summary of portreuse why, for monitoring, and the subject. */
#include "base/errnames.h"
#include "report/host/why.h"

/* --- several namespaces --- */

const struct why *why_decisive(const struct report *report) {
    static const int weights[] = {[WHY_FREE] = 0, [WHY_UNKNOWN] = 1, [WHY_REFUSED] = 2};
    const struct why_findings *findings = report->findings;
    const struct why *decisive = &findings->looks[0];
    for (size_t i = 1; i < findings->count; i++)
        if (weights[findings->looks[i].verdict] > weights[decisive->verdict])
            decisive = &findings->looks[i];
    return decisive;
}

const char *why_verdict_name(enum why_verdict verdict) {
    static const char *const names[] = {
        [WHY_FREE] = "free", [WHY_REFUSED] = "refused", [WHY_UNKNOWN] = "unknown"};
    return names[verdict];
}

/* --- the subject --- */

enum { QUESTION_SIZE = WHY_UNIX_NAME_SIZE + ENDPOINT_TEXT_SIZE }; /* for either */

/* What was asked about: as it was asked where that stands for several addresses, for the answer is
 * about now one of them, now another. */
static const char *question(const struct why_question *asked, char text[QUESTION_SIZE]) {
    if (asked->protocol == PROTOCOL_UNIX)
        return why_unix_name(&asked->unix_socket, text);
    if (asked->text[0] != '\0')
        return asked->text;
    return endpoint_text(asked->remote.family != 0 ? &asked->remote : &asked->local, text);
}

/* Adds a metric; with several namespaces each has one of its own. */
static void add_metric(struct summary *summary, const struct why *why, bool several,
                       const char *name, const char *help, double value) {
    summary_metric(summary, name, help, value);
    if (several)
        summary_label(summary, "netns", why->where.name);
}

static void summarize_why(const struct report *report, struct summary *summary) {
    static const enum severity severities[] = {[WHY_FREE] = SEVERITY_OK,
                                               [WHY_REFUSED] = SEVERITY_CRITICAL,
                                               [WHY_UNKNOWN] = SEVERITY_UNKNOWN};
    const struct why_findings *findings = report->findings;
    const struct why *decisive = why_decisive(report);
    const bool several = decisive->asked.name_namespace;
    char name[ERRNAME_SIZE], asked[QUESTION_SIZE];
    summary->severity = severities[decisive->verdict];
    summary->verdict = why_verdict_name(decisive->verdict);
    why_line(decisive, summary->line);
    summary_about(summary, "address", question(&decisive->asked, asked));
    if (!several)
        summary_about(summary, "netns", decisive->where.name);
    for (size_t i = 0; i < findings->count; i++) {
        const struct why *why = &findings->looks[i];
        add_metric(summary, why, several, "why_bindable",
                   "Whether bind() or connect() would succeed now.", why->verdict == WHY_FREE);
    }
    for (size_t i = 0; i < findings->count; i++) {
        const struct why *why = &findings->looks[i];
        if (why->error == 0)
            continue;
        add_metric(summary, why, several, "why_info", "Why bind() or connect() would fail now.", 1);
        summary_label(summary, "cause", why_cause(why) == NULL ? "" : why_cause(why)->name);
        summary_label(summary, "error", errname(why->error, name));
    }
    for (size_t i = 0; i < findings->count; i++)
        add_metric(summary, &findings->looks[i], several, "why_time_wait_seconds",
                   "How long TIME-WAIT stays in the way.", findings->looks[i].time_left_ms / 1e3);
}

extern const struct format format_why_text, format_why_json;

static const struct format *const formats[] = {
    &format_why_text, &format_why_json,   &format_page, &format_line,
    &format_nagios,   &format_prometheus, NULL,
};

const struct subject subject_why = {
    .name = "why",
    .schema = 4,
    .formats = formats,
    .summarize = summarize_why,
};
