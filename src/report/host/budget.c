/* The report of portreuse budget: text, JSON, and the summary for monitoring. */
#include "report/host/budget.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "base/errnames.h"
#include "base/text.h"
#include "base/units.h"
#include "report/host/budget_advice.h"
#include "report/host/budget_owners.h"
#include "report/shared/json.h"
#include "report/shared/layout.h"
#include "report/shared/place.h"
#include "report/shared/sockets.h"

enum { INDENT = 2 };

/* --- in brief --- */

static const struct budget *budget_of(const struct report *report) {
    return ((const struct budget_findings *)report->findings)->budget;
}

static bool is_certain(const struct budget_route *route) {
    return route->left_least == route->left_most;
}

/* The thresholds are percentages of the ports in use. Where it may be critical, because it is not
 * known whether ports in TIME-WAIT can be taken over, that is worth a warning. */
static enum severity judge(const struct budget_findings *findings) {
    const struct budget *budget = findings->budget;
    const struct budget_route *route = &budget->routes[0];
    uint32_t size = port_range_size(&budget->range);
    double used = size == 0 ? 100 : 100.0 * route->used / size;
    double most = size == 0 ? 100 : 100.0 * (size - route->left_least) / size;
    double critical = (double)findings->critical_percent;
    if (budget->failure != NULL)
        return SEVERITY_UNKNOWN;
    if (used >= critical)
        return SEVERITY_CRITICAL;
    bool warns = used >= (double)findings->warn_percent || (!is_certain(route) && most >= critical);
    return warns ? SEVERITY_WARNING : SEVERITY_OK;
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

/* Writes the address without a port: `127.0.0.1`, `::1`. Returns `text`. */
static const char *address_text(const struct endpoint *endpoint, char *text) {
    if (inet_ntop(endpoint->family, endpoint->address, text, ENDPOINT_TEXT_SIZE) == NULL)
        snprintf(text, ENDPOINT_TEXT_SIZE, "-");
    return text;
}

/* How much of the first line is printed, from all to the least. */
enum extent { WITH_EXHAUSTION, WITH_TOTAL, WITH_SOURCE, SHORTEST };

/* Prints `192.0.2.1%eth0:80 from 198.51.100.1`; of a link-local address the device is the zone:
 * `[fe80::1%eth0]:80`. */
static void print_ends(FILE *out, const struct budget_route *route, bool with_source) {
    char text[ENDPOINT_TEXT_SIZE];
    endpoint_text(&route->remote, text);
    bool link_local = route->remote.family == AF_INET6 && route->remote.address[0] == 0xfe &&
                      (route->remote.address[1] & 0xc0) == 0x80;
    const char *port = strrchr(text, ':') - (link_local ? 1 : 0);
    if (route->device[0] == '\0') {
        fputs(text, out);
    } else {
        fprintf(out, "%.*s%%", (int)(port - text), text);
        layout_text(out, route->device);
        fputs(port, out);
    }
    if (with_source && route->local.family != 0)
        fprintf(out, " from %s", address_text(&route->local, text));
}

/* Prints `14`, or `13 to 14` where that is not certain. */
static void print_left(FILE *out, const struct budget_route *route) {
    if (is_certain(route))
        fprintf(out, "%" PRIu32, route->left);
    else
        fprintf(out, "%" PRIu32 " to %" PRIu32, route->left_least, route->left_most);
}

static const char *plural(uint32_t count) {
    return count == 1 ? "" : "s";
}

/* Returns how many ports what print_left() printed last is. */
static uint32_t last_left(const struct budget_route *route) {
    return is_certain(route) ? route->left : route->left_most;
}

static void print_line(FILE *out, const struct report *report, enum extent extent) {
    const struct budget *budget = budget_of(report);
    const struct budget_route *route = &budget->routes[0];
    char name[ERRNAME_SIZE];
    fprintf(out, "%s ", severity_name(judge(report->findings)));
    if (budget->failure != NULL) {
        fprintf(out, "%s: %s", budget->failure, errname(budget->error, name));
        return;
    }
    if (route->remote.family != 0) {
        print_ends(out, route, extent <= WITH_SOURCE);
        fputs(": ", out);
    }
    print_left(out, route);
    uint32_t total = port_range_size(&budget->range);
    if (extent <= WITH_TOTAL)
        fprintf(out, " of %" PRIu32, total);
    fprintf(out, " port%s left", plural(extent <= WITH_TOTAL ? total : last_left(route)));
    if (budget->refused != 0 && extent <= WITH_EXHAUSTION)
        fprintf(out, ": %s", errname(budget->refused, name));
    if (budget->exhausted_s >= 0 && extent <= WITH_EXHAUSTION) {
        fputs(", none in ", out);
        print_span(out, budget->exhausted_s);
    }
}

static void make_line(const struct report *report, char *text) {
    for (enum extent extent = WITH_EXHAUSTION; extent <= SHORTEST; extent++) {
        struct composed line;
        print_line(compose_begin(&line), report, extent);
        if (layout_line_end(&line, text) < REPORT_LINE_SIZE)
            return;
    }
}

/* --- for people --- */

static void print_states(FILE *out, const struct budget_route *route) {
    const char *comma = "";
    struct composed text;
    FILE *states = compose_begin(&text);
    for (unsigned i = 0; i < STATE_COUNT; i++)
        if (route->states[i] > 0) {
            fprintf(states, "%s%" PRIu32 " %s", comma, route->states[i], socket_state_name(i));
            comma = ", ";
        }
    const char *words = compose_end(&text);
    int column = fprintf(out, "%*sconnections: ", INDENT, "");
    layout_wrap(out, text.size == 0 ? "none" : words, 2 * INDENT, (unsigned)column);
    compose_free(&text);
}

static void print_wrapped(FILE *out, unsigned indent, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void print_wrapped(FILE *out, unsigned indent, const char *format, ...) {
    struct composed line;
    va_list values;
    compose_begin(&line);
    va_start(values, format);
    vfprintf(line.out, format, values);
    va_end(values);
    fprintf(out, "%*s", (int)indent, "");
    layout_wrap_end(out, &line, indent, indent);
}

static void print_ports(FILE *out, const struct budget *budget, const struct budget_route *route) {
    char name[ERRNAME_SIZE];
    if (budget->refused != 0 && route == &budget->routes[0]) {
        print_wrapped(out, INDENT, "%s() fails with %s, whatever the port",
                      budget->refused_call == NULL ? "connect" : budget->refused_call,
                      errname(budget->refused, name));
        return;
    }
    fprintf(out, "%*s", INDENT, "");
    print_left(out, route);
    fprintf(out, " port%s left, %" PRIu32 " used:\n", plural(last_left(route)), route->used);
    print_wrapped(out, 2 * INDENT,
                  "%" PRIu32 " by these connections, %" PRIu32 " taken for every destination",
                  route->blocked, route->kept);
    if (route->shared > 0)
        print_wrapped(out, 2 * INDENT,
                      "ip_autobind_reuse: bind() may choose a port of others with SO_REUSEADDR, "
                      "and connect() then fails if that has a connection to the same destination");
    if (route->tried + route->counted > 0)
        fprintf(out, "%*sports of other sockets: %" PRIu32 " tried, %" PRIu32 " only counted\n",
                INDENT, "", route->tried, route->counted);
}

/* Returns on what condition holds what the report tells of TIME-WAIT, a clause, or NULL. */
static const char *condition(const struct budget_route *route) {
    if (route->reuse_tried)
        return "if all of them are like the one that was tried";
    if (route->reuse_assumed && route->may_reuse + route->waiting > 0)
        return "if tcp_timestamps was the same when they were opened";
    return NULL;
}

static void print_time_wait(FILE *out, const struct budget_route *route) {
    if (route->waiting == 0)
        return;
    fprintf(out,
            "%*sTIME-WAIT: %" PRIu32 " closed in the last %d s; connect() can reuse %s%" PRIu32
            " now\n",
            INDENT, "", route->closed, BUDGET_RECENT_S,
            route->reuse == NOT_KNOWN && route->reusable > 0 ? "up to " : "", route->reusable);
    if (route->reuse == NOT_KNOWN && route->reusable > 0)
        print_wrapped(out, 2 * INDENT,
                      "whether they had TCP timestamps, which that needs, is not known; "
                      "--try-time-wait ends one of them to find out");
    if (condition(route) != NULL)
        print_wrapped(out, 2 * INDENT, "%s", condition(route));
}

static void print_route(FILE *out, const struct budget *budget, const struct budget_route *route) {
    char text[ENDPOINT_TEXT_SIZE];
    unsigned column = (unsigned)fprintf(out, "\nTo ");
    print_ends(out, route, false);
    endpoint_text(&route->remote, text);
    column += (unsigned)(strlen(text) + strlen(route->device)) + (route->device[0] != '\0');
    if (route->local.family != 0) {
        address_text(&route->local, text);
        bool fits = column + strlen(" from ") + strlen(text) <= layout_columns();
        fprintf(out, "%sfrom %s", fits ? " " : "\n  ", text);
    }
    fputc('\n', out);
    print_ports(out, budget, route);
    print_states(out, route);
    print_time_wait(out, route);
    budget_owners_print(out, &route->owners, 2 * INDENT);
    if (route->by_bind > 0) {
        print_wrapped(out, INDENT,
                      "%" PRIu32 " port%s chosen by bind() to port 0, not by connect():",
                      route->by_bind, plural(route->by_bind));
        print_wrapped(out, 2 * INDENT, "IP_BIND_ADDRESS_NO_PORT is missing before that bind()");
    }
}

static void print_range(FILE *out, const struct budget *budget) {
    uint32_t size = port_range_size(&budget->range);
    fprintf(out, "\nPort range\n%*s%u-%u: %" PRIu32 " port%s", INDENT, "", budget->range.low,
            budget->range.high, size, plural(size));
    if (budget->own_range)
        fputs(", of the socket", out);
    if (budget->range.reserved_count > 0)
        fprintf(out, ", not counting %" PRIu32 " reserved", budget->range.reserved_count);
    fputc('\n', out);
    fprintf(out,
            "%*staken by explicit binds, for any destination: %" PRIu32 " (connections: %" PRIu32
            ")\n",
            INDENT, "", budget->explicit_ports, budget->explicit_sockets);
    if (budget->kept_ports > budget->explicit_ports)
        fprintf(out,
                "%*staken by bind() to port 0, or accepted by a listener that is closed: %" PRIu32
                "\n",
                INDENT, "", budget->kept_ports - budget->explicit_ports);
    if (budget->not_tried != NULL)
        fprintf(out, "%*scounted, not tried: %s\n", INDENT, "", budget->not_tried);
}

static void print_rate(FILE *out, const struct budget *budget) {
    if (budget->routes[0].remote.family == 0 || budget->refused != 0)
        return;
    fprintf(out, "\nRate to the first destination\n");
    print_wrapped(out, INDENT,
                  "at most %.1f new connections per second in the long run, if this side closes "
                  "first: each keeps its port until TIME-WAIT ends",
                  budget->rate);
    if (budget->asked.interval_ns == 0)
        return;
    fprintf(out, "%*sports in use: %+.1f per second", INDENT, "", budget->growth);
    if (budget->exhausted_s >= 0) {
        fputs("; none left in ", out);
        print_span(out, budget->exhausted_s);
    }
    fputc('\n', out);
    budget_owners_print_makers(out, &budget->makers);
}

static void print_advice_line(void *context, const char *line) {
    layout_shell_line(context, line, INDENT);
}

/* Prints what to do, under its heading. */
static void print_advice(FILE *out, const struct report *report) {
    struct composed advice;
    budget_advice(budget_of(report), judge(report->findings) != SEVERITY_OK, print_advice_line,
                  compose_begin(&advice));
    const char *text = compose_end(&advice);
    if (advice.size > 0)
        fprintf(out, "\nWhat to do\n%s", text);
    compose_free(&advice);
}

/* Returns whether connections have no known owner because a process was not looked into. */
static bool any_hidden(const struct budget *budget) {
    for (unsigned i = 0; i < budget->known; i++)
        if (budget->routes[i].owners.hidden > 0)
            return true;
    return false;
}

static const char *taken_by(const struct report *report) {
    const char *taken = ((const struct budget_findings *)report->findings)->taken;
    return taken == NULL ? "" : taken;
}

static void print_taken(const struct report *report, FILE *out) {
    if (taken_by(report)[0] == '\0')
        return;
    fputc('\n', out);
    layout_wrap(out, taken_by(report), 0, 0);
}

static void write_text(const struct report *report, FILE *out) {
    const struct budget *budget = budget_of(report);
    char line[REPORT_LINE_SIZE];
    make_line(report, line);
    layout_print_line(out, line, severity_verdict(judge(report->findings)), report->colour);
    if (report->quiet || budget->failure != NULL)
        return;
    print_advice(out, report);
    print_range(out, budget);
    for (unsigned i = 0; i < budget->known; i++)
        if (budget->routes[i].remote.family != 0)
            print_route(out, budget, &budget->routes[i]);
    if (budget->route_count > budget->known)
        fprintf(out, "\nand %" PRIu32 " more destination%s\n", budget->route_count - budget->known,
                plural(budget->route_count - budget->known));
    print_rate(out, budget);
    char text[SOCKETS_UNSEEN_SIZE];
    if (budget->unseen > 0 && any_hidden(budget)) {
        fputc('\n', out);
        layout_wrap(out, sockets_unseen_text(budget->unseen, budget->asked_by_root, text), 0, 0);
    }
    print_taken(report, out);
}

static const struct format format_budget_text = {
    .name = "text",
    .extensions = ".txt",
    .line = "for people; the default",
    .write = write_text,
};

/* --- for programs --- */

static void write_route(struct json *json, const struct budget *budget,
                        const struct budget_route *route) {
    enum cause cause = budget_figures_cause(budget, route);
    char text[ENDPOINT_TEXT_SIZE];
    json_object(json, NULL);
    json_string(json, "remote", endpoint_text(&route->remote, text));
    json_string(json, "local",
                route->local.family == 0 ? NULL : endpoint_text_any_port(&route->local, text));
    json_string(json, "device", route->device[0] == '\0' ? NULL : route->device);
    json_number(json, "used", route->used);
    json_number(json, "left", route->left);
    json_number(json, "left_least", route->left_least);
    json_number(json, "left_most", route->left_most);
    json_number(json, "kept", route->kept);
    json_number(json, "tried", route->tried);
    json_number(json, "counted", route->counted);
    json_object(json, "states");
    for (unsigned i = 0; i < STATE_COUNT; i++)
        if (route->states[i] > 0)
            json_number(json, socket_state_name(i), route->states[i]);
    json_end(json);
    json_number(json, "reusable", route->reusable);
    json_bool(json, "reuse_assumed", condition(route) != NULL);
    json_number(json, "closed_in_10s", route->closed);
    json_number(json, "by_bind_to_port_0", route->by_bind);
    budget_owners_json(json, &route->owners);
    json_string(json, "cause", cause == CAUSE_UNKNOWN ? NULL : cause_name(cause));
    json_end(json);
}

static void write_advice_line(void *context, const char *line) {
    json_string(context, NULL, line);
}

static void write_json(const struct report *report, FILE *out) {
    const struct budget *budget = budget_of(report);
    struct json json = {.out = out};
    json_object(&json, NULL);
    report_json_head(&json, report);
    json_string(&json, "namespace", budget->where.name);
    json_string(&json, "taken", taken_by(report)[0] == '\0' ? NULL : taken_by(report));
    json_string(&json, "failure", budget->failure);
    json_errno(&json, "error", budget->error);
    json_number(&json, "range_low", budget->range.low);
    json_number(&json, "range_high", budget->range.high);
    json_number(&json, "range_ports", port_range_size(&budget->range));
    json_number(&json, "reserved", budget->range.reserved_count);
    json_number(&json, "explicit_ports", budget->explicit_ports);
    json_number(&json, "explicit_connections", budget->explicit_sockets);
    json_number(&json, "kept_ports", budget->kept_ports);
    json_string(&json, "not_tried", budget->not_tried);
    json_errno(&json, "refused", budget->refused);
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
            write_route(&json, budget, &budget->routes[i]);
    json_end(&json);
    budget_owners_json_makers(&json, &budget->makers);
    json_array(&json, "remedies");
    budget_advice(budget, judge(report->findings) != SEVERITY_OK, write_advice_line, &json);
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
    if (place_is_named(&budget->where))
        summary_about(summary, "netns", budget->where.name);
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

extern const struct format format_budget_html;

static const struct format *const formats[] = {
    &format_budget_text,
    &format_budget_json,
    &format_budget_html,
    &format_line,
    &format_nagios,
    &format_prometheus,
    NULL,
};

const struct subject subject_budget = {
    .name = "budget",
    .schema = 3,
    .formats = formats,
    .summarize = summarize_budget,
};
