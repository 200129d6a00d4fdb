/* portreuse trace for programs, in the words of docs/trace.schema.json: as one document, or a line
 * for each call and finding. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/text.h"
#include "base/units.h"
#include "report/host/trace.h"
#include "report/host/why.h"
#include "report/shared/json.h"
#include "report/shared/sockets.h"

/* --- calls --- */

/* Writes what `print` prints as a text. */
static void write_address(struct json *json, const struct recorded_call *call) {
    char address[ENDPOINT_TEXT_SIZE];
    const struct unix_question *asked = &call->unix_socket;
    char name[UNIX_NAME_SIZE + sizeof "unix:"] = "unix:";
    size_t at = strlen(name);
    if (call->address.family != 0) {
        json_string(json, "address", endpoint_text(&call->address, address));
        return;
    }
    for (size_t i = 0; i < asked->name_size; i++)
        name[at++] = asked->name[i] == '\0' ? '@' : asked->name[i];
    name[at] = '\0';
    json_string(json, "address", name);
}

/* Those that only a look at the socket itself tells. */
static void write_rarer_options(struct json *json, const struct recorded_socket *socket) {
    json_bool(json, "freebind", socket->freebind);
    json_bool(json, "bind_address_no_port", socket->no_port);
    json_string(json, "device", socket->device[0] == '\0' ? NULL : socket->device);
    json_number(json, "range_low", socket->view.range_low);
    json_number(json, "range_high", socket->view.range_high);
}

static void write_options(struct json *json, const struct recorded_call *call) {
    const struct recorded_socket *socket = &call->socket;
    if (!socket->known) {
        json_string(json, "options", NULL);
        return;
    }
    json_object(json, "options");
    json_bool(json, "reuseaddr", socket->view.reuseaddr);
    json_bool(json, "reuseport", socket->view.reuseport);
    json_bool(json, "v6only", socket->view.v6only);
    json_bool(json, "nonblocking", socket->nonblocking);
    if (!socket->partly)
        write_rarer_options(json, socket);
    json_end(json);
    json_array(json, "late");
    if ((call->late & LATE_REUSEADDR) != 0)
        json_string(json, NULL, "reuseaddr");
    if ((call->late & LATE_REUSEPORT) != 0)
        json_string(json, NULL, "reuseport");
    json_end(json);
}

static void write_nothing(struct json *json, const char *key) {
    json_array(json, key);
    json_end(json);
}

/* Of a call that did not fail, or of which nothing is to be found out, there is no socket. */
static void write_why(struct json *json, const struct why *why) {
    bool known = why != NULL && why->verdict == WHY_REFUSED;
    json_string(json, "words", known ? why->words : NULL);
    json_string(json, "failure", why == NULL ? NULL : why->failure);
    json_string(json, "namespace", known ? why->where.name : NULL);
    if (known) {
        why_json_sockets(json, why);
    } else {
        write_nothing(json, "sockets");
    }
    if (known && why_call_can_be_reached(why)) {
        why_json_remedies(json, why);
    } else {
        write_nothing(json, "remedies");
        write_nothing(json, "steps");
    }
}

/* Of a process that was not stopped at the call. */
static void write_afterwards(struct json *json, const struct recorded_call *call) {
    if (!call->afterwards) {
        json_string(json, "looked_after_ms", NULL);
        return;
    }
    json_number(json, "looked_after_ms", (int64_t)(call->after_ns / NS_PER_MS));
    json_bool(json, "process_ended", call->gone);
}

/* Writes the members of an object. */
static void write_call(struct json *json, const struct recorded_call *call) {
    const char *protocol = socket_protocol_name(call->socket.protocol);
    json_string(json, "call", seccomp_call_name(call->call));
    json_string(json, "protocol", call->socket.protocol_known ? protocol : NULL);
    write_address(json, call);
    json_errno(json, "error", call->error);
    json_string(json, "cause", trace_cause(call));
    json_bool(json, "conflict", call->conflict);
    json_number(json, "pid", call->process);
    json_string(json, "program", call->program);
    json_number(json, "parent_pid", call->parent);
    json_string(json, "parent_program",
                call->parent_program[0] == '\0' ? NULL : call->parent_program);
    json_number(json, "times", call->times);
    write_afterwards(json, call);
    write_options(json, call);
    write_why(json, call->why);
}

/* --- findings --- */

static void write_finding(struct json *json, const struct finding *finding) {
    char address[ENDPOINT_TEXT_SIZE];
    struct composed sentence;
    trace_print_sentence(compose_begin(&sentence), finding);
    json_string(json, "finding", finding_name(finding->kind));
    json_string(json, "address",
                finding->address.family == 0 ? NULL : endpoint_text(&finding->address, address));
    json_errno(json, "error", finding->error);
    json_number(json, "pid", finding->process);
    json_string(json, "program", finding->program);
    json_string(json, "other_program", finding->other[0] == '\0' ? NULL : finding->other);
    json_number(json, "times", finding->times);
    json_string(json, "words", compose_end(&sentence));
    compose_free(&sentence);
}

/* --- the whole --- */

static void write_program(struct json *json, const struct trace_findings *findings) {
    bool exited = findings->ended && WIFEXITED(findings->status);
    bool killed = findings->ended && WIFSIGNALED(findings->status);
    json_array(json, "command");
    for (char *const *word = findings->words; word != NULL && *word != NULL; word++)
        json_string(json, NULL, *word);
    json_end(json);
    if (exited)
        json_number(json, "status", WEXITSTATUS(findings->status));
    else
        json_string(json, "status", NULL);
    if (killed)
        json_number(json, "signal", WTERMSIG(findings->status));
    else
        json_string(json, "signal", NULL);
    json_errno(json, "start_error", findings->start_error);
    json_number(json, "left_out", (int64_t)findings->record->left_out);
    json_bool(json, "host", findings->host);
    json_number(json, "lost", (int64_t)findings->lost);
}

static void write_json(const struct report *report, FILE *out) {
    const struct trace_findings *findings = report->findings;
    const struct record *record = findings->record;
    struct json json = {.out = out};
    json_object(&json, NULL);
    report_json_head(&json, report);
    write_program(&json, findings);
    json_array(&json, "calls");
    for (size_t i = 0; i < record->call_count; i++) {
        json_object(&json, NULL);
        write_call(&json, record->calls[i]);
        json_end(&json);
    }
    json_end(&json);
    json_array(&json, "findings");
    for (size_t i = 0; i < record->finding_count; i++) {
        json_object(&json, NULL);
        write_finding(&json, record->findings[i]);
        json_end(&json);
    }
    json_end(&json);
    json_end(&json);
}

const struct format format_trace_json = {
    .name = "json",
    .extensions = ".json",
    .line = "for programs: all that is known, in one document",
    .write = write_json,
};

void trace_json_call(FILE *out, const struct recorded_call *call) {
    struct json json = {.out = out, .line = true};
    json_object(&json, NULL);
    json_string(&json, "event", "call");
    write_call(&json, call);
    json_end(&json);
}

void trace_json_end(FILE *out, const struct report *report) {
    struct json json = {.out = out, .line = true};
    json_object(&json, NULL);
    json_string(&json, "event", "end");
    report_json_head(&json, report);
    write_program(&json, report->findings);
    json_end(&json);
}

static void write_ndjson(const struct report *report, FILE *out) {
    const struct trace_findings *findings = report->findings;
    const struct record *record = findings->record;
    for (size_t i = 0; i < record->call_count; i++)
        trace_json_call(out, record->calls[i]);
    for (size_t i = 0; i < record->finding_count; i++) {
        struct json json = {.out = out, .line = true};
        json_object(&json, NULL);
        json_string(&json, "event", "finding");
        write_finding(&json, record->findings[i]);
        json_end(&json);
    }
    trace_json_end(out, report);
}

const struct format format_trace_ndjson = {
    .name = "ndjson",
    .extensions = ".ndjson .jsonl",
    .line = "for programs: a line of JSON for each call and finding",
    .write = write_ndjson,
};
