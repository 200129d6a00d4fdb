/* The report of portreuse budget: text, JSON, and the summary for monitoring. */
#include "report/host/budget.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/errnames.h"
#include "base/units.h"
#include "report/shared/json.h"
#include "report/shared/layout.h"
#include "report/shared/sockets.h"

enum { INDENT = 2 };

/* --- in brief --- */

static const struct budget *budget_of(const struct report *report) {
    return ((const struct budget_findings *)report->findings)->budget;
}

/* The thresholds are percentages of the ports in use. */
static enum severity judge(const struct budget_findings *findings) {
    const struct budget *budget = findings->budget;
    uint32_t size = port_range_size(&budget->range);
    double used = size == 0 ? 100 : 100.0 * budget->routes[0].used / size;
    if (budget->failure != NULL)
        return SEVERITY_UNKNOWN;
    if (used >= (double)findings->critical_percent)
        return SEVERITY_CRITICAL;
    return used >= (double)findings->warn_percent ? SEVERITY_WARNING : SEVERITY_OK;
}

static void print_span(FILE *out, double seconds) {
    const double minute = 60, hour = 3600, day = 86400;
    if (seconds < 2 * minute)
        fprintf(out, "%.0f s", seconds);
    else if (seconds < 2 * hour)
        fprintf(out, "%.0f min", seconds / minute);
    else if (seconds < 2 * day)
        fprintf(out, "%.0f h", seconds / hour);
    else
        fprintf(out, "%.0f days", seconds / day);
}

/* How much of the first line is printed, from all to the least. */
enum extent { WITH_ADVICE, WITH_EXHAUSTION, WITH_TOTAL, SHORTEST };

static void print_line(FILE *out, const struct report *report, enum extent extent) {
    const struct budget *budget = budget_of(report);
    const struct budget_route *route = &budget->routes[0];
    char text[ENDPOINT_TEXT_SIZE], name[ERRNAME_SIZE];
    fprintf(out, "%s ", severity_name(judge(report->findings)));
    if (budget->failure != NULL) {
        fprintf(out, "%s: %s", budget->failure, errname(budget->error, name));
        return;
    }
    if (route->remote.family != 0)
        fprintf(out, "%s: ", endpoint_text(&route->remote, text));
    fprintf(out, "%" PRIu32, route->left);
    if (extent <= WITH_TOTAL)
        fprintf(out, " of %" PRIu32, port_range_size(&budget->range));
    fputs(" ports left", out);
    if (budget->exhausted_s >= 0 && extent <= WITH_EXHAUSTION) {
        fputs(", none in ", out);
        print_span(out, budget->exhausted_s);
    }
    if (route->left == 0 && extent <= WITH_ADVICE)
        fputs("; reuse connections or widen the range", out);
}

static void make_line(const struct report *report, char *text) {
    for (enum extent extent = WITH_ADVICE; extent <= SHORTEST; extent++) {
        struct layout_line line;
        if (layout_line_begin(&line) != NULL)
            print_line(line.out, report, extent);
        if (layout_line_end(&line, text) < REPORT_LINE_SIZE)
            return;
    }
}

/* --- for people --- */

static void print_states(FILE *out, const struct budget_route *route) {
    const char *comma = "";
    char *text = NULL;
    size_t size = 0;
    FILE *states = open_memstream(&text, &size);
    if (states == NULL)
        return;
    for (unsigned i = 0; i < STATE_COUNT; i++)
        if (route->states[i] > 0) {
            fprintf(states, "%s%" PRIu32 " %s", comma, route->states[i], socket_state_name(i));
            comma = ", ";
        }
    if (fclose(states) == 0) {
        int column = fprintf(out, "%*sconnections: ", INDENT, "");
        layout_wrap(out, size == 0 ? "none" : text, 2 * INDENT, (unsigned)column);
    }
    free(text);
}

static void print_route(FILE *out, const struct budget_route *route) {
    char local[ENDPOINT_TEXT_SIZE], remote[ENDPOINT_TEXT_SIZE];
    int column = fprintf(out, "\nTo %s", endpoint_text(&route->remote, remote)) - 1;
    if (route->local.family != 0) {
        int size = (int)strlen(endpoint_text_any_port(&route->local, local));
        bool fits = column + (int)strlen(" from ") + size <= LAYOUT_COLUMNS;
        fprintf(out, "%sfrom %s", fits ? " " : "\n  ", local);
    }
    fprintf(out, "\n%*s%" PRIu32 " ports used, %" PRIu32 " left\n", INDENT, "", route->used,
            route->left);
    print_states(out, route);
    if (route->states[STATE_TIME_WAIT] > 0)
        fprintf(out,
                "%*sTIME-WAIT: %" PRIu32 " closed in the last %d s; connect() can reuse %" PRIu32
                " now\n",
                INDENT, "", route->closed, BUDGET_RECENT_S, route->reusable);
    for (unsigned i = 0; i < route->owner_count; i++) {
        const struct budget_owner *found = &route->owners[i];
        column = fprintf(out, "%*sabout %" PRIu32 " of them: ", 2 * INDENT, "", found->sockets);
        sockets_print_process(out, &found->owner, (unsigned)column);
        fputc('\n', out);
    }
    if (route->process_count > route->owner_count)
        fprintf(out, "%*sand %" PRIu32 " more processes\n", 2 * INDENT, "",
                route->process_count - route->owner_count);
    if (route->by_bind > 0)
        fprintf(out,
                "%*sports probably chosen by bind() to port 0, not by connect(): %" PRIu32 ".\n"
                "%*sIP_BIND_ADDRESS_NO_PORT seems to be missing before that bind().\n",
                INDENT, "", route->by_bind, INDENT, "");
}

static void print_range(FILE *out, const struct budget *budget) {
    fprintf(out, "\nPort range\n%*s%u-%u: %" PRIu32 " ports", INDENT, "", budget->range.low,
            budget->range.high, port_range_size(&budget->range));
    if (budget->range.reserved_count > 0)
        fprintf(out, ", not counting %" PRIu32 " reserved", budget->range.reserved_count);
    fputc('\n', out);
    fprintf(out,
            "%*staken by explicit binds, for any destination: %" PRIu32 " (connections: %" PRIu32
            ")\n",
            INDENT, "", budget->explicit_ports, budget->explicit_sockets);
}

static void print_rate(FILE *out, const struct budget *budget) {
    if (budget->routes[0].remote.family == 0)
        return;
    fprintf(out, "\nRate to the first destination\n");
    fprintf(out,
            "%*sat most %.1f new connections per second in the long run, if this\n"
            "%*sside closes first: each keeps its port until TIME-WAIT ends\n",
            INDENT, "", budget->rate, INDENT, "");
    if (budget->asked.interval_ns == 0)
        return;
    fprintf(out, "%*sports in use: %+.1f per second", INDENT, "", budget->growth);
    if (budget->exhausted_s >= 0) {
        fputs("; none left in ", out);
        print_span(out, budget->exhausted_s);
    }
    fputc('\n', out);
}

static void write_text(const struct report *report, FILE *out) {
    const struct budget *budget = budget_of(report);
    char line[REPORT_LINE_SIZE];
    make_line(report, line);
    layout_print_line(out, line, severity_verdict(judge(report->findings)), report->colour);
    if (report->quiet || budget->failure != NULL)
        return;
    print_range(out, budget);
    for (unsigned i = 0; i < budget->known; i++)
        if (budget->routes[i].remote.family != 0)
            print_route(out, &budget->routes[i]);
    if (budget->route_count > budget->known)
        fprintf(out, "\nand %" PRIu32 " more destinations\n", budget->route_count - budget->known);
    print_rate(out, budget);
    if (budget->unseen > 0)
        fprintf(out,
                "\n%u process%s could not be inspected; run as root to see which\n"
                "connections are theirs\n",
                budget->unseen, budget->unseen == 1 ? "" : "es");
}

static const struct format format_budget_text = {
    .name = "text",
    .extensions = ".txt",
    .line = "for people; the default",
    .write = write_text,
};

/* --- for programs --- */

static void write_route(struct json *json, const struct budget_route *route) {
    char text[ENDPOINT_TEXT_SIZE];
    json_object(json, NULL);
    json_string(json, "remote", endpoint_text(&route->remote, text));
    json_string(json, "local",
                route->local.family == 0 ? NULL : endpoint_text_any_port(&route->local, text));
    json_number(json, "used", route->used);
    json_number(json, "left", route->left);
    json_object(json, "states");
    for (unsigned i = 0; i < STATE_COUNT; i++)
        if (route->states[i] > 0)
            json_number(json, socket_state_name(i), route->states[i]);
    json_end(json);
    json_number(json, "reusable", route->reusable);
    json_number(json, "closed_in_10s", route->closed);
    json_number(json, "by_bind_to_port_0", route->by_bind);
    json_number(json, "owner_count", route->process_count);
    json_array(json, "owners");
    for (unsigned i = 0; i < route->owner_count; i++) {
        json_object(json, NULL);
        sockets_json_process(json, &route->owners[i].owner);
        json_number(json, "sockets", route->owners[i].sockets);
        json_end(json);
    }
    json_end(json);
    json_end(json);
}

static void write_json(const struct report *report, FILE *out) {
    const struct budget *budget = budget_of(report);
    struct json json = {.out = out};
    json_object(&json, NULL);
    report_json_head(&json, report);
    json_string(&json, "namespace", budget->where.name);
    json_string(&json, "failure", budget->failure);
    json_errno(&json, "error", budget->error);
    json_number(&json, "range_low", budget->range.low);
    json_number(&json, "range_high", budget->range.high);
    json_number(&json, "range_ports", port_range_size(&budget->range));
    json_number(&json, "reserved", budget->range.reserved_count);
    json_number(&json, "explicit_ports", budget->explicit_ports);
    json_number(&json, "explicit_connections", budget->explicit_sockets);
    json_number(&json, "tcp_tw_reuse", budget->tw_reuse);
    json_number(&json, "most_per_minute", (int64_t)(budget->rate * 60));
    json_number(&json, "growth_per_minute", (int64_t)(budget->growth * 60));
    if (budget->exhausted_s >= 0)
        json_number(&json, "exhausted_in_s", (int64_t)budget->exhausted_s);
    else
        json_string(&json, "exhausted_in_s", NULL);
    json_number(&json, "destination_count", budget->route_count);
    json_array(&json, "destinations");
    for (unsigned i = 0; i < budget->known; i++)
        if (budget->routes[i].remote.family != 0)
            write_route(&json, &budget->routes[i]);
    json_end(&json);
    json_number(&json, "unseen_processes", budget->unseen);
    json_end(&json);
}

static const struct format format_budget_json = {
    .name = "json",
    .extensions = ".json",
    .line = "for programs: all that is known, in one document",
    .write = write_json,
};

/* --- for monitors --- */

static void add_routes(struct summary *summary, const struct budget_findings *findings,
                       const char *name, const char *help, bool left) {
    const struct budget *budget = findings->budget;
    char text[ENDPOINT_TEXT_SIZE];
    double percent = port_range_size(&budget->range) / 100.0;
    for (unsigned i = 0; i < budget->known; i++) {
        const struct budget_route *route = &budget->routes[i];
        summary_metric(summary, name, help, left ? route->left : route->used);
        summary_label(summary, "remote",
                      route->remote.family == 0 ? "" : endpoint_text(&route->remote, text));
        summary_label(summary, "local",
                      route->local.family == 0 ? "" : endpoint_text_any_port(&route->local, text));
        if (!left && i == 0)
            summary_thresholds(summary, (double)findings->warn_percent * percent,
                               (double)findings->critical_percent * percent);
    }
}

static void summarize_budget(const struct report *report, struct summary *summary) {
    const struct budget_findings *findings = report->findings;
    const struct budget *budget = findings->budget;
    summary->severity = judge(findings);
    summary->verdict = severity_json(summary->severity);
    make_line(report, summary->line);
    if (budget->failure != NULL)
        return;
    summary_metric(summary, "budget_ports", "Local ports that the kernel may choose.",
                   port_range_size(&budget->range));
    summary_metric(summary, "budget_ports_explicit", "Of these, ports in use by explicit binds.",
                   budget->explicit_ports);
    add_routes(summary, findings, "budget_ports_used", "Ports used to a destination.", false);
    add_routes(summary, findings, "budget_ports_left", "Ports left to a destination.", true);
    summary_metric(summary, "budget_most_per_second",
                   "New connections per second that TIME-WAIT permits to the busiest destination.",
                   budget->rate);
    summary_metric(summary, "budget_growth_per_second",
                   "Growth of the ports in use to the busiest destination, per second.",
                   budget->growth);
}

/* --- the subject --- */

static const struct format *const formats[] = {
    &format_budget_text, &format_budget_json, &format_line,
    &format_nagios,      &format_prometheus,  NULL,
};

const struct subject subject_budget = {
    .name = "budget",
    .schema = 2,
    .formats = formats,
    .summarize = summarize_budget,
};
