/* portreuse why for programs, in the words of docs/why.schema.json. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "report/host/why.h"
#include "report/host/why_client_text.h"
#include "report/shared/json.h"
#include "report/shared/sockets.h"

static void write_knowledge(struct json *json, const char *key, enum knowledge known) {
    if (known == NOT_KNOWN)
        json_string(json, key, NULL);
    else
        json_bool(json, key, known == KNOWN_YES);
}

/* --- parts --- */

static const char *text_or_null(const char *text) {
    return text[0] == '\0' ? NULL : text;
}

/* IP_LOCAL_PORT_RANGE; null if it is not set. */
static void write_range(struct json *json, const struct why_question *asked) {
    char text[16];
    snprintf(text, sizeof text, "%u-%u", asked->range_low, asked->range_high);
    json_string(json, "port_range", asked->range_low == 0 && asked->range_high == 0 ? NULL : text);
}

static void write_asked(struct json *json, const struct why *why) {
    const struct why_question *asked = &why->asked;
    char name[WHY_UNIX_NAME_SIZE];
    json_object(json, "asked");
    bool client = asked->remote.family != 0 || asked->unix_socket.is_client;
    json_string(json, "as", client ? "client" : "server");
    json_string(json, "protocol", socket_protocol_name(asked->protocol));
    if (asked->protocol == PROTOCOL_UNIX)
        json_string(json, "name", why_unix_name(&asked->unix_socket, name));
    sockets_json_endpoint(json, "local", &asked->local);
    sockets_json_endpoint(json, "remote", &asked->remote);
    json_bool(json, "reuseaddr", asked->reuseaddr);
    json_bool(json, "reuseport", asked->reuseport);
    json_bool(json, "v6only", asked->v6only);
    json_bool(json, "no_port", asked->no_port);
    write_range(json, asked);
    if (asked->other_user)
        json_number(json, "uid", asked->uid);
    json_string(json, "device", text_or_null(asked->device));
    json_string(json, "zone", text_or_null(asked->zone));
    if (asked->as == 0)
        json_string(json, "as_pid", NULL);
    else
        json_number(json, "as_pid", asked->as);
    json_string(json, "text", text_or_null(asked->text));
    json_string(json, "taken", text_or_null(asked->taken));
    json_errno(json, "reported", asked->reported);
    json_array(json, "others");
    for (unsigned i = 0; i < asked->other_count; i++)
        sockets_json_endpoint(json, NULL, &asked->others[i]);
    json_end(json);
    json_end(json);
}

static void write_trials(struct json *json, const struct why *why) {
    json_array(json, "trials");
    for (unsigned i = 0; why->asked.local.family != 0 && i < WHY_TRIALS; i++) {
        if ((why->tried & 1U << i) == 0)
            continue;
        json_object(json, NULL);
        json_bool(json, "reuseaddr", (i & WHY_REUSEADDR) != 0);
        json_bool(json, "reuseport", (i & WHY_REUSEPORT) != 0);
        json_string(json, "call", why->trials[i].error == 0 ? NULL : why->trials[i].call);
        json_errno(json, "error", why->trials[i].error);
        json_end(json);
    }
    json_end(json);
}

/* What a trial says of sockets in TIME-WAIT holds for all of them together, not for each. */
static void write_suspect(struct json *json, const struct suspect *suspect) {
    const struct occupant *occupant = &suspect->occupant;
    bool own = occupant->socket.state != STATE_TIME_WAIT;
    json_object(json, NULL);
    sockets_json(json, &occupant->socket, NULL);
    json_string(json, "device", text_or_null(suspect->device));
    write_knowledge(json, "reuseaddr", own ? occupant->reuseaddr : NOT_KNOWN);
    write_knowledge(json, "reuseport", own ? occupant->reuseport : NOT_KNOWN);
    enum owners_search search = suspect->owners.search;
    json_string(json, "processes_search",
                search == OWNERS_SEARCHED || search == OWNERS_IN_FLIGHT       ? "complete"
                : search == OWNERS_NOT_SEARCHED && suspect->owners.error == 0 ? "none"
                                                                              : "partial");
    json_string(json, "processes_missing",
                search == OWNERS_SEARCHED ? NULL : owners_search_text(&suspect->owners));
    if (suspect->owners.own_count > 0) {
        json_object(json, "own_process");
        sockets_json_process(json, &suspect->owners.own);
        json_end(json);
    } else {
        json_string(json, "own_process", NULL);
    }
    sockets_json_server(json, "server", &suspect->server);
    json_number(json, "process_count", suspect->owners.count);
    json_array(json, "processes");
    for (unsigned i = 0; i < suspect->owners.known; i++) {
        json_object(json, NULL);
        sockets_json_process(json, &suspect->owners.oldest[i]);
        json_end(json);
    }
    json_end(json);
    json_end(json);
}

void why_json_sockets(struct json *json, const struct why *why) {
    const struct evidence *evidence = &why->evidence;
    char missing[EVIDENCE_MISSING_SIZE];
    json_string(json, "missing", evidence_missing(evidence, missing));
    json_bool(json, "from_proc", evidence->from_proc || why->unix_socket.from_proc);
    json_number(json, "socket_count", evidence->total);
    if (evidence->automatic)
        json_number(json, "ports_taken", evidence->ports_taken);
    json_array(json, "sockets");
    const struct budget_owners *owners = &why->holders.owners;
    bool shown = !evidence->automatic || owners->processes > 0; /* one of the first holder */
    for (unsigned i = 0; shown && i < evidence->suspect_count; i++)
        write_suspect(json, &evidence->suspects[i]);
    json_end(json);
    json_number(json, "time_left_ms", why->time_left_ms);
}

static void write_free(struct json *json, const struct why *why) {
    json_object(json, "on_port");
    for (unsigned i = 0; i < STATE_COUNT; i++)
        if (why->on_port[i] > 0)
            json_number(json, socket_state_text(why->asked.protocol, i), why->on_port[i]);
    json_end(json);
}

/* Who has the port in the other protocol; null if that is not known. */
static void write_other(struct json *json, const struct why *why) {
    const struct other_sockets *other = &why->other;
    json_object(json, "other_protocol");
    json_string(json, "protocol", other->listed ? socket_protocol_name(other->protocol) : NULL);
    json_number(json, "socket_count", other->total);
    json_array(json, "sockets");
    for (unsigned i = 0; i < other->count; i++) {
        const struct suspect suspect = {.occupant.socket = other->sockets[i],
                                        .owners = other->owners[i]};
        write_suspect(json, &suspect);
    }
    json_end(json);
    json_end(json);
}

static void write_settings(struct json *json, const struct why *why) {
    json_object(json, "settings");
    json_number(json, "range_low", why->range.low);
    json_number(json, "range_high", why->range.high);
    json_number(json, "range_ports", port_range_size(&why->range));
    json_bool(json, "port_in_range", why->in_range);
    json_bool(json, "port_reserved", why->reserved);
    json_number(json, "privileged_below", why->privileged_below);
    json_end(json);
}

/* The steps of what to do, and the price of the next command. */
struct steps {
    struct json *json;
    char *price; /* owned */
};

static void write_step(void *context, enum why_step step, const char *line) {
    struct steps *steps = context;
    const char *text = step == STEP_COMMAND ? line : line + strlen("# ");
    if (step == STEP_PRICE) {
        free(steps->price);
        steps->price = strdup(text);
        return;
    }
    json_object(steps->json, NULL);
    json_string(steps->json, step == STEP_COMMAND ? "command" : "note", text);
    if (step == STEP_COMMAND)
        json_string(steps->json, "price", steps->price);
    json_end(steps->json);
    free(steps->price);
    steps->price = NULL;
}

/* What is to be done, as the remedies have it; but each command with its price. */
static void write_steps(struct json *json, const struct why *why) {
    struct steps steps = {.json = json};
    json_array(json, "steps");
    why_steps(why, write_step, &steps);
    json_end(json);
    free(steps.price);
}

/* Of a connection that was closed here: the process that has the other end, if that is here, too.
 */
static void write_peer(struct json *json, const struct why *why) {
    if (why->hints.peer.pid == 0) {
        json_string(json, "peer", NULL);
        return;
    }
    json_object(json, "peer");
    sockets_json_process(json, &why->hints.peer);
    json_end(json);
}

static void write_remedy(void *context, const char *line) {
    json_string(context, NULL, line);
}

void why_json_remedies(struct json *json, const struct why *why) {
    json_array(json, "remedies");
    why_remedies(why, write_remedy, json);
    json_end(json);
    write_steps(json, why);
}

/* --- the whole --- */

static void write_look(struct json *json, const struct why *why) {
    json_string(json, "call", why->call);
    json_errno(json, "error", why->error);
    json_string(json, "failure", why->failure);
    const struct cause_row *cause = why->needs_reuseaddr ? cause_row(why->cause) : why_cause(why);
    json_bool(json, "needs_reuseaddr", why->needs_reuseaddr);
    json_bool(json, "shared", why->shared);
    sockets_json_endpoint(json, "free_other", &why->free_other);
    json_string(json, "cause", cause == NULL ? NULL : cause->name);
    json_string(json, "words", why->words);
    json_string(json, "scenario", cause == NULL ? NULL : cause->scenario);
    json_string(json, "namespace", why->where.name);
    json_number(json, "namespace_inode", (int64_t)why->where.inode);
    write_asked(json, why);
    write_trials(json, why);
    why_client_text_json(json, why);
    why_json_sockets(json, why);
    write_free(json, why);
    write_other(json, why);
    write_settings(json, why);
    why_json_remedies(json, why);
    write_peer(json, why);
    json_number(json, "servers", why->rest.servers);
    json_number(json, "unseen_processes", why->unseen);
    json_bool(json, "own_pids_only", why->own_pids_only);
    json_bool(json, "changed", why->changed);
}

static void write_namespace(struct json *json, const struct why *why) {
    char line[REPORT_LINE_SIZE];
    json_object(json, NULL);
    json_string(json, "summary", why_line(why, line));
    json_string(json, "verdict", why_verdict_name(why->verdict));
    write_look(json, why);
    json_end(json);
}

static void write_json(const struct report *report, FILE *out) {
    const struct why_findings *findings = report->findings;
    struct json json = {.out = out};
    json_object(&json, NULL);
    report_json_head(&json, report);
    write_look(&json, why_decisive(report));
    if (findings->count > 1) {
        json_array(&json, "namespaces");
        for (size_t i = 0; i < findings->count; i++)
            write_namespace(&json, &findings->looks[i]);
        json_end(&json);
    }
    json_end(&json);
}

const struct format format_why_json = {
    .name = "json",
    .extensions = ".json",
    .line = "for programs: all that is known, in one document",
    .write = write_json,
};
