/* The report of portreuse audit: text, JSON, and the summary for monitoring. */
#include "report/host/audit.h"

#include <inttypes.h>
#include <string.h>

#include "base/errnames.h"
#include "base/text.h"
#include "report/host/setting.h"
#include "report/shared/json.h"
#include "report/shared/layout.h"
#include "report/shared/place.h"
#include "report/shared/sockets.h"

enum { INDENT = 2 };

/* --- in brief --- */

static const struct audit *audit_of(const struct report *report) {
    return ((const struct audit_findings *)report->findings)->audit;
}

static size_t harmful(const struct audit *audit) {
    size_t count = 0;
    for (size_t i = 0; i < audit->setting_count; i++)
        count += audit->settings[i].harmful;
    return count;
}

static enum severity judge(const struct audit *audit) {
    if (audit->failure != NULL)
        return SEVERITY_UNKNOWN;
    return audit->port_count + audit->shared_count + harmful(audit) > 0 ? SEVERITY_WARNING
                                                                        : SEVERITY_OK;
}

static void print_counted(FILE *out, size_t count, const char *what, const char **comma) {
    if (count == 0)
        return;
    fprintf(out, "%s%zu %s%s", *comma, count, what, count == 1 ? "" : "s");
    *comma = ", ";
}

static void make_line(const struct audit *audit, char *text) {
    struct composed line;
    FILE *out = compose_begin(&line);
    char name[ERRNAME_SIZE];
    const char *comma = " ";
    fputs(severity_name(judge(audit)), out);
    if (audit->failure != NULL)
        fprintf(out, " %s: %s", audit->failure, errname(audit->error, name));
    else if (judge(audit) == SEVERITY_OK)
        fputs(" no server port is in danger", out);
    print_counted(out, audit->port_count, "unreserved server port", &comma);
    print_counted(out, audit->shared_count, "shared port", &comma);
    print_counted(out, harmful(audit), "harmful sysctl", &comma);
    layout_line_end(&line, text);
}

/* --- for people --- */

/* How many lines a list has at most. */
enum { LISTED = 64 };

static void print_more(FILE *out, size_t count) {
    if (count > LISTED)
        fprintf(out, "%*sand %zu more\n", INDENT, "", count - LISTED);
}

/* Whether one line can be about both: the second is the next port of the same server. */
static bool continues(const struct audit_port *port, const struct audit_port *next) {
    return next->port == port->port + 1 && next->protocol == port->protocol &&
           next->listening == port->listening && next->owner.pid == port->owner.pid;
}

/* Prints a port, or a range of them, and whose it is. Returns how many ports that were. */
static size_t print_range_of_ports(FILE *out, const struct audit *audit, size_t first) {
    const struct audit_port *port = &audit->ports[first];
    size_t last = first;
    while (last + 1 < audit->port_count && continues(&audit->ports[last], &audit->ports[last + 1]))
        last++;
    int column = fprintf(out, "%*s%u", INDENT, "", port->port);
    if (last > first)
        column += fprintf(out, "-%u", audit->ports[last].port);
    if (port->protocol == PROTOCOL_UDP)
        column += fprintf(out, "/udp");
    column += fprintf(out, ", ");
    if (port->owner.pid != 0)
        sockets_print_process(out, &port->owner, (unsigned)column);
    else
        fputs(port->listening ? "of a process that cannot be seen" : "given, not listening now",
              out);
    fputc('\n', out);
    return last + 1 - first;
}

static void print_ports(FILE *out, const struct audit *audit) {
    size_t i = 0;
    if (audit->port_count == 0)
        return;
    fprintf(out, "\nPorts of servers that a client can get for itself\n");
    for (unsigned line = 0; i < audit->port_count && line < LISTED; line++)
        i += print_range_of_ports(out, audit, i);
    if (i < audit->port_count)
        fprintf(out, "%*sand %zu more\n", INDENT, "", audit->port_count - i);
}

static void print_command(void *context, const char *line) {
    layout_shell_line(context, line, INDENT);
}

static void print_advice(FILE *out, const struct audit *audit) {
    const struct setting_place place = {&audit->where, audit->is_first_netns, audit->asked_by_root};
    bool said_how_to_keep = false;
    struct composed setting;
    if (audit->port_count == 0)
        return;
    fputs("net.ipv4.ip_local_reserved_ports=", compose_begin(&setting));
    port_set_print(&audit->wanted, setting.out);
    fputs("\nWhat to do\n", out);
    print_command(out, "# reserve them; outgoing connections can then no longer use them:");
    setting_visit_lines(&place, compose_end(&setting), &said_how_to_keep, print_command, out);
    print_command(out, "# to see how a connection takes a server's port:");
    print_command(out, "portreuse run stolen-port");
    compose_free(&setting);
}

/* Prints `127.0.0.1:80`, or `127.0.0.1%eth0:80` as ss(8) does. */
static void print_place(FILE *out, const struct audit_shared *shared) {
    char text[ENDPOINT_TEXT_SIZE];
    endpoint_text(&shared->local, text);
    const char *port = strrchr(text, ':');
    fprintf(out, "%.*s%s", (int)(port - text), text, shared->device[0] == '\0' ? "" : "%");
    layout_text(out, shared->device);
    fputs(port, out);
}

static void print_shared(FILE *out, const struct audit *audit) {
    if (audit->shared_count == 0)
        return;
    fprintf(out, "\nPorts that different programs share with SO_REUSEPORT\n");
    for (size_t i = 0; i < audit->shared_count && i < LISTED; i++) {
        fprintf(out, "%*s", INDENT, "");
        print_place(out, &audit->shared[i]);
        fputc('\n', out);
        for (int k = 0; k < 2; k++) {
            fprintf(out, "%*s", 2 * INDENT, "");
            sockets_print_process(out, &audit->shared[i].owners[k], 2 * INDENT);
            fputc('\n', out);
        }
    }
    print_more(out, audit->shared_count);
    fprintf(out, "%*sEach program gets some of the connections.\n", INDENT, "");
}

static void print_settings(FILE *out, const struct audit *audit) {
    if (audit->setting_count == 0)
        return;
    fprintf(out, "\nSettings that do harm, or do not do what they are often set for\n");
    for (size_t i = 0; i < audit->setting_count; i++) {
        const struct audit_setting *setting = &audit->settings[i];
        fprintf(out, "%*s%s = ", INDENT, "", setting->name);
        layout_text(out, setting->value);
        fputs(setting->harmful ? ", harmful\n" : "\n", out);
        if (setting->where[0] != '\0') {
            fprintf(out, "%*sin ", 2 * INDENT, "");
            layout_text(out, setting->where);
            fputc('\n', out);
        }
        fprintf(out, "%*s", 2 * INDENT, "");
        layout_wrap(out, setting->words, 2 * INDENT, 2 * INDENT);
        fprintf(out, "%*s(%s)\n", 2 * INDENT, "", setting->source);
    }
}

/* A range that was not read is all zero. */
static void print_range(FILE *out, const struct port_range *range) {
    if (range->high == 0)
        return;
    fprintf(out, "\nOutgoing connections use ports %u-%u", range->low, range->high);
    if (range->reserved_count > 0)
        fprintf(out, ", except %" PRIu32 " reserved ones", range->reserved_count);
    fputs(".\n", out);
}

static void print_not_seen(FILE *out, const struct audit *audit) {
    char text[SOCKETS_UNSEEN_SIZE];
    if (audit->unseen > 0) {
        fputc('\n', out);
        layout_wrap(out, sockets_unseen_text(audit->unseen, audit->asked_by_root, text), 0, 0);
    } else if (audit->owners_missing != NULL) {
        snprintf(text, sizeof text, "The processes of some sockets were not found: %s.",
                 audit->owners_missing);
        fputc('\n', out);
        layout_wrap(out, text, 0, 0);
    }
    for (size_t i = 0; i < audit->unread_count; i++)
        fprintf(out, "%sSettings that could not be read: %s (%s)\n", i == 0 ? "\n" : "",
                audit->unread[i].path, strerror(audit->unread[i].error));
    if (audit->from_proc)
        fputs("\nThe sockets were read from /proc/net: load tcp_diag and udp_diag (modprobe)\n"
              "to see their devices.\n",
              out);
    if (audit->udp_not_seen)
        fputs("\nServers of UDP were not looked at: that needs udp_diag (modprobe udp_diag).\n",
              out);
}

static void write_text(const struct report *report, FILE *out) {
    const struct audit *audit = audit_of(report);
    char line[REPORT_LINE_SIZE];
    make_line(audit, line);
    layout_print_line(out, line, severity_verdict(judge(audit)), report->colour);
    if (report->quiet)
        return;
    print_range(out, &audit->range);
    print_ports(out, audit);
    print_advice(out, audit);
    print_shared(out, audit);
    print_settings(out, audit);
    print_not_seen(out, audit);
}

static const struct format format_audit_text = {
    .name = "text",
    .extensions = ".txt",
    .line = "for people; the default",
    .write = write_text,
};

/* --- for programs --- */

static void write_owner(struct json *json, const struct owner *owner) {
    json_object(json, NULL);
    sockets_json_process(json, owner);
    json_end(json);
}

static void write_ports(struct json *json, const struct audit *audit) {
    json_number(json, "endangered_count", (int64_t)audit->port_count);
    json_array(json, "endangered");
    for (size_t i = 0; i < audit->port_count; i++) {
        const struct audit_port *port = &audit->ports[i];
        json_object(json, NULL);
        json_number(json, "port", port->port);
        json_string(json, "protocol", port->protocol == PROTOCOL_UDP ? "udp" : "tcp");
        json_bool(json, "listening", port->listening);
        json_array(json, "processes");
        if (port->owner.pid != 0)
            write_owner(json, &port->owner);
        json_end(json);
        json_end(json);
    }
    json_end(json);
}

static void write_wanted(struct json *json, const struct audit *audit) {
    struct composed ports;
    port_set_print(&audit->wanted, compose_begin(&ports));
    json_string(json, "ip_local_reserved_ports", compose_end(&ports));
    compose_free(&ports);
}

static void write_shared(struct json *json, const struct audit *audit) {
    char text[ENDPOINT_TEXT_SIZE];
    json_array(json, "shared");
    for (size_t i = 0; i < audit->shared_count; i++) {
        json_object(json, NULL);
        json_string(json, "local", endpoint_text(&audit->shared[i].local, text));
        json_string(json, "device",
                    audit->shared[i].device[0] == '\0' ? NULL : audit->shared[i].device);
        json_array(json, "processes");
        write_owner(json, &audit->shared[i].owners[0]);
        write_owner(json, &audit->shared[i].owners[1]);
        json_end(json);
        json_end(json);
    }
    json_end(json);
}

static void write_settings(struct json *json, const struct audit *audit) {
    json_array(json, "settings");
    for (size_t i = 0; i < audit->setting_count; i++) {
        const struct audit_setting *setting = &audit->settings[i];
        json_object(json, NULL);
        json_string(json, "name", setting->name);
        json_string(json, "value", setting->value);
        json_string(json, "file", setting->where[0] == '\0' ? NULL : setting->where);
        json_bool(json, "harmful", setting->harmful);
        json_string(json, "words", setting->words);
        json_string(json, "source", setting->source);
        json_end(json);
    }
    json_end(json);
}

static void write_json(const struct report *report, FILE *out) {
    const struct audit *audit = audit_of(report);
    struct json json = {.out = out};
    json_object(&json, NULL);
    report_json_head(&json, report);
    json_string(&json, "namespace", audit->where.name);
    json_string(&json, "failure", audit->failure);
    json_errno(&json, "error", audit->error);
    json_number(&json, "range_low", audit->range.low);
    json_number(&json, "range_high", audit->range.high);
    json_number(&json, "reserved", audit->range.reserved_count);
    write_ports(&json, audit);
    write_wanted(&json, audit);
    write_shared(&json, audit);
    write_settings(&json, audit);
    json_array(&json, "unread");
    for (size_t i = 0; i < audit->unread_count; i++) {
        json_object(&json, NULL);
        json_string(&json, "path", audit->unread[i].path);
        json_errno(&json, "error", audit->unread[i].error);
        json_end(&json);
    }
    json_end(&json);
    json_bool(&json, "udp_seen", !audit->udp_not_seen);
    json_number(&json, "unseen_processes", audit->unseen);
    json_end(&json);
}

static const struct format format_audit_json = {
    .name = "json",
    .extensions = ".json",
    .line = "for programs: all that is known, in one document",
    .write = write_json,
};

/* --- for monitors --- */

static void summarize_audit(const struct report *report, struct summary *summary) {
    const struct audit *audit = audit_of(report);
    summary->severity = judge(audit);
    summary->verdict = severity_json(summary->severity);
    make_line(audit, summary->line);
    if (place_is_named(&audit->where))
        summary_about(summary, "netns", audit->where.name);
    if (audit->failure != NULL)
        return;
    summary_metric(summary, "audit_ports_endangered", "Ports of servers that a client can get.",
                   (double)audit->port_count);
    summary_metric(summary, "audit_ports_shared", "Ports that different programs share.",
                   (double)audit->shared_count);
    summary_metric(summary, "audit_settings_harmful", "Sysctls that do harm.",
                   (double)harmful(audit));
    summary_metric(summary, "audit_settings_useless",
                   "Sysctls that do not do what they are often set for.",
                   (double)(audit->setting_count - harmful(audit)));
}

/* --- the subject --- */

static const struct format *const formats[] = {
    &format_audit_text, &format_audit_json, &format_page, &format_line,
    &format_nagios,     &format_prometheus, NULL,
};

const struct subject subject_audit = {
    .name = "audit",
    .schema = 3,
    .formats = formats,
    .summarize = summarize_audit,
};
