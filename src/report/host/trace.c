/* The words of the report, its first line, and its summary. */
#include "report/host/trace.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/wait.h>

#include "base/errnames.h"
#include "base/text.h"
#include "base/units.h"
#include "report/host/why.h"
#include "report/shared/layout.h"

/* --- calls --- */

static const char *suffix_of(const struct recorded_socket *socket) {
    return !socket->protocol_known              ? ""
           : socket->protocol == PROTOCOL_UDP   ? "/udp"
           : socket->protocol == PROTOCOL_MPTCP ? "/mptcp"
                                                : "";
}

void trace_print_name(FILE *out, const struct recorded_call *call) {
    char text[ENDPOINT_TEXT_SIZE], name[WHY_UNIX_NAME_SIZE];
    fprintf(out, "%s(", seccomp_call_name(call->call));
    if (call->address.family != 0) {
        fprintf(out, "%s%s", endpoint_text(&call->address, text), suffix_of(&call->socket));
    } else {
        fputs("unix:", out);
        layout_text(out, why_unix_name(&call->unix_socket, name));
    }
    fputc(')', out);
}

const char *trace_cause(const struct recorded_call *call) {
    return call->why == NULL || call->why->verdict != WHY_REFUSED ? NULL
                                                                  : cause_name(call->why->cause);
}

/* Returns whether the program could have had the port with SO_REUSEADDR: nobody listens. */
static bool lacks_reuseaddr(const struct recorded_call *call) {
    const struct evidence *evidence = &call->why->evidence;
    enum tcp_state state =
        evidence->suspect_count == 0 ? STATE_NONE : evidence->suspects[0].occupant.socket.state;
    return call->error == EADDRINUSE && call->call == SOCKET_CALL_BIND && call->socket.known &&
           !call->socket.view.reuseaddr && call->socket.protocol == PROTOCOL_TCP &&
           !evidence->automatic && state != STATE_NONE && state != STATE_LISTEN &&
           call->why->cause != CAUSE_BOUND_TWICE;
}

/* Prints the headline of the cause; without what to do if there is more to say of the program. */
static void print_headline(FILE *out, const struct recorded_call *call) {
    const char *headline = cause_row(call->why->cause)->headline;
    char fact[256];
    snprintf(fact, sizeof fact, "%.*s", (int)strcspn(headline, ";"), headline);
    if (call->gone && call->why->cause == CAUSE_UNKNOWN) {
        fputs("nothing is in the way any more, as the program has ended", out);
    } else if (lacks_reuseaddr(call)) {
        why_fill(out, fact, call->why);
        fputs("; this program did not set SO_REUSEADDR", out);
    } else if (call->why->same_run) {
        why_fill(out, fact, call->why);
        fputs("; the same run started it", out);
    } else {
        why_fill(out, headline, call->why);
    }
}

static void print_late(FILE *out, unsigned late) {
    fprintf(out, "; %s%s%s was set only after bind()",
            (late & LATE_REUSEADDR) != 0 ? "SO_REUSEADDR" : "",
            late == (LATE_REUSEADDR | LATE_REUSEPORT) ? " and " : "",
            (late & LATE_REUSEPORT) != 0 ? "SO_REUSEPORT" : "");
}

static void print_failure(FILE *out, const struct recorded_call *call) {
    char text[ERRNAME_SIZE], address[ENDPOINT_TEXT_SIZE];
    fputs(errname(call->error, text), out);
    if (call->why != NULL && call->why->verdict == WHY_REFUSED) {
        fputs("; ", out);
        print_headline(out, call);
    } else if (call->why != NULL && call->why->failure != NULL) {
        char name[ERRNAME_SIZE];
        fprintf(out, "; why is not known: %s%s%s",
                call->gone ? "the program had ended" : call->why->failure, call->gone ? "" : ": ",
                call->gone ? "" : errname(call->why->error, name));
    } else if (call->error == EINVAL && call->call == SOCKET_CALL_BIND &&
               call->socket.view.local.port != 0) {
        fprintf(out, "; the socket is bound already, to %s",
                endpoint_text(&call->socket.view.local, address));
    } else if (call->error == EADDRINUSE) {
        fputs("; the sockets in the way were not looked at", out);
    }
}

void trace_print_answer(FILE *out, const struct recorded_call *call) {
    if (call->error == 0)
        fputs("ok", out);
    else
        print_failure(out, call);
    if (call->late != 0)
        print_late(out, call->late);
    if (call->times > 1)
        fprintf(out, "; %" PRIu32 " times", call->times);
}

static void print_option(FILE *out, bool set, const char *name, bool *any) {
    if (!set)
        return;
    fprintf(out, "%s%s", *any ? ", " : "; options: ", name);
    *any = true;
}

static void print_options(FILE *out, const struct recorded_socket *socket) {
    bool any = false;
    print_option(out, socket->view.reuseaddr, "SO_REUSEADDR", &any);
    print_option(out, socket->view.reuseport, "SO_REUSEPORT", &any);
    print_option(out, socket->view.v6only, "IPV6_V6ONLY", &any);
    print_option(out, socket->freebind, "IP_FREEBIND", &any);
    print_option(out, socket->no_port, "IP_BIND_ADDRESS_NO_PORT", &any);
    print_option(out, socket->view.range_low != 0, "IP_LOCAL_PORT_RANGE", &any);
    print_option(out, socket->device[0] != '\0', "SO_BINDTODEVICE", &any);
    if (socket->device[0] != '\0') {
        fputc(' ', out);
        layout_text(out, socket->device);
    }
    if (!any && socket->protocol != PROTOCOL_UNIX)
        fprintf(out, "; options: none%s",
                socket->partly ? " of SO_REUSEADDR, SO_REUSEPORT, IPV6_V6ONLY" : "");
}

/* The process went on while it was looked. */
static void print_afterwards(FILE *out, const struct recorded_call *call) {
    if (call->too_late) {
        fputs("; too many calls failed at once", out);
        return;
    }
    fprintf(out, "; looked %" PRIu64 " ms afterwards", call->after_ns / NS_PER_MS);
    if (call->gone)
        fputs(", when it had ended", out);
}

void trace_print_caller(FILE *out, const struct recorded_call *call) {
    fputs("by ", out);
    layout_text(out, call->program);
    fprintf(out, " (%d)", (int)call->process);
    if (call->parent_program[0] != '\0') {
        fputs(", started by ", out);
        layout_text(out, call->parent_program);
        fprintf(out, " (%d)", (int)call->parent);
    }
    char name[ERRNAME_SIZE];
    if (call->socket.known)
        print_options(out, &call->socket);
    else if (call->socket.error != 0)
        fprintf(out, "; its options could not be read: %s", errname(call->socket.error, name));
    else
        fprintf(out, "; its options could not be read%s",
                call->afterwards ? "" : " (needs Linux 5.6)");
    if (call->afterwards)
        print_afterwards(out, call);
}

/* --- findings --- */

void trace_print_sentence(FILE *out, const struct finding *finding) {
    char address[ENDPOINT_TEXT_SIZE], error[ERRNAME_SIZE];
    const char *udp = finding->protocol == PROTOCOL_UDP ? "/udp" : "";
    endpoint_text(&finding->address, address);
    layout_text(out, finding->program);
    switch (finding->kind) {
    case FINDING_PORT_IN_RANGE:
        fprintf(out,
                " has %s%s, which is in the range that outgoing connections get their ports from "
                "(%u-%u): one of them can take it while the program does not run. Use a port "
                "outside of the range, or reserve it: see portreuse audit.",
                address, udp, finding->range_low, finding->range_high);
        break;
    case FINDING_NO_REUSEADDR:
        fprintf(out,
                " listens on %s without SO_REUSEADDR: after a restart bind() fails while an "
                "earlier connection is in TIME-WAIT, for up to 60 s. Set it before bind().",
                address);
        break;
    case FINDING_ERROR_IGNORED:
        fprintf(out,
                " went on with the socket after bind(%s%s) had failed with %s: it has "
                "another port, which the kernel chose.",
                address, udp, errname(finding->error, error));
        break;
    case FINDING_LISTENER_INHERITED:
        fprintf(out, " left its listener %s open in ", address);
        layout_text(out, finding->other);
        fprintf(out,
                " (%d), another program: that keeps the port when the server ends. Open the "
                "socket with SOCK_CLOEXEC.",
                (int)finding->process);
        break;
    case FINDING_LATE_OPTION:
        fprintf(out,
                " set an option of the socket on %s only after bind(), which therefore had to do "
                "without it. Set SO_REUSEADDR and SO_REUSEPORT before bind().",
                address);
        break;
    case FINDING_PRIVILEGES_LOST:
        fputs(" gets no privileges from its file (setuid, or capabilities), as an ordinary user "
              "traces it. As root, portreuse trace leaves them.",
              out);
        break;
    case FINDING_IO_URING:
        fputs(" uses io_uring: bind(), listen() and connect() calls that it makes through it are "
              "not seen, and not reported.",
              out);
        break;
    case FINDING_KINDS:
        break;
    }
}

/* --- the first line --- */

static const struct trace_findings *findings_of(const struct report *report) {
    return report->findings;
}

struct tally {
    uint64_t calls, failed, conflicts;
    const struct recorded_call *first; /* that failed; a conflict, if there was one */
};

static struct tally count_calls(const struct record *record) {
    struct tally tally = {.conflicts = record->conflicts};
    for (size_t i = 0; i < record->failures.count; i++)
        tally.failed += ((const struct failure_count *)table_entry(&record->failures, i))->times;
    for (size_t i = 0; i < record->call_count; i++) {
        const struct recorded_call *call = record->calls[i];
        tally.calls += call->times;
        if (call->error == 0)
            continue;
        if (tally.first == NULL || (call->conflict && !tally.first->conflict))
            tally.first = call;
    }
    return tally;
}

/* What was not seen is worth a word, but no warning. */
static bool any_remarkable(const struct record *record) {
    for (size_t i = 0; i < record->finding_count; i++)
        if (record->findings[i]->kind != FINDING_IO_URING)
            return true;
    return false;
}

static enum severity judge(const struct trace_findings *findings) {
    struct tally tally = count_calls(findings->record);
    if (findings->start_error != 0)
        return SEVERITY_UNKNOWN;
    return tally.conflicts > 0                                    ? SEVERITY_CRITICAL
           : tally.failed > 0 || any_remarkable(findings->record) ? SEVERITY_WARNING
           : findings->record->look_error != 0                    ? SEVERITY_UNKNOWN
                                                                  : SEVERITY_OK;
}

static void print_first(FILE *out, const struct recorded_call *call) {
    char text[ERRNAME_SIZE];
    fputs(": ", out);
    trace_print_name(out, call);
    fprintf(out, ": %s", errname(call->error, text));
    if (trace_cause(call) != NULL)
        fprintf(out, ", %s", trace_cause(call));
}

static void print_counts(FILE *out, const struct tally *tally, size_t findings, bool host) {
    const char *plural = tally->failed == 1 ? "" : "s";
    const char *plural_conflicts = tally->conflicts == 1 ? "" : "s";
    if (tally->failed == 0 && host)
        fputs("no call failed on this host", out);
    else if (tally->failed == 0)
        fprintf(out, "0 of %" PRIu64 " calls failed", tally->calls);
    else if (tally->conflicts == tally->failed)
        fprintf(out, "%" PRIu64 " conflict%s", tally->conflicts, plural_conflicts);
    else if (tally->conflicts > 0)
        fprintf(out, "%" PRIu64 " calls failed, %" PRIu64 " conflict%s", tally->failed,
                tally->conflicts, plural_conflicts);
    else
        fprintf(out, "%" PRIu64 " call%s failed, no conflict", tally->failed, plural);
    if (findings > 0)
        fprintf(out, ", %zu finding%s", findings, findings == 1 ? "" : "s");
}

static void make_line(const struct trace_findings *findings, char *text) {
    struct tally tally = count_calls(findings->record);
    char name[ERRNAME_SIZE];
    size_t size = REPORT_LINE_SIZE;
    for (int whole = 1; whole >= 0 && size >= REPORT_LINE_SIZE; whole--) {
        struct composed line;
        FILE *out = compose_begin(&line);
        fprintf(out, "%s ", severity_name(judge(findings)));
        if (findings->start_error != 0)
            fprintf(out, "the program could not be started: %s",
                    errname(findings->start_error, name));
        else
            print_counts(out, &tally, findings->record->finding_count, findings->host);
        if (whole && tally.first != NULL)
            print_first(out, tally.first);
        if (whole && findings->record->look_error != 0)
            fprintf(out, "; looking at a socket: %s", errname(findings->record->look_error, name));
        size = layout_line_end(&line, text);
    }
}

/* --- the subject --- */

static void add_metrics(struct summary *summary, const struct trace_findings *findings) {
    const struct table *failures = &findings->record->failures;
    char error[ERRNAME_SIZE];
    for (size_t i = 0; i < failures->count; i++) {
        const struct failure_count *failure = table_entry(failures, i);
        const struct failure_key *key = &failure->key;
        summary_metric(summary, "failed_calls_total",
                       "Calls of bind(), listen() and connect() that failed.",
                       (double)failure->times);
        summary_label(summary, "call", seccomp_call_name((enum socket_call)key->call));
        summary_label(summary, "errno", errname(key->error, error));
        summary_label(summary, "cause",
                      key->cause == 0 ? "" : cause_name((enum cause)(key->cause - 1)));
    }
    summary_metric(summary, "trace_lost_calls_total",
                   "Calls that failed, but were not looked at: too many at once.",
                   (double)findings->lost);
}

static void summarize_trace(const struct report *report, struct summary *summary) {
    static const char *const verdicts[SEVERITIES] = {[SEVERITY_OK] = "ok",
                                                     [SEVERITY_WARNING] = "remarkable",
                                                     [SEVERITY_CRITICAL] = "conflict",
                                                     [SEVERITY_UNKNOWN] = "unknown"};
    const struct trace_findings *findings = findings_of(report);
    summary->severity = judge(findings);
    summary->verdict = verdicts[summary->severity];
    make_line(findings, summary->line);
    add_metrics(summary, findings);
}

extern const struct format format_trace_text, format_trace_json, format_trace_junit,
    format_trace_markdown, format_trace_github;

static const struct format *const formats[] = {
    &format_trace_text,     &format_trace_json,
    &format_trace_ndjson,   &format_trace_junit,
    &format_trace_markdown, &format_trace_github,
    &format_page,           &format_line,
    &format_prometheus,     NULL,
};

const struct subject subject_trace = {
    .name = "trace",
    .schema = 1,
    .formats = formats,
    .summarize = summarize_trace,
};
