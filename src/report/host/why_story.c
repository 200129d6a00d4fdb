/* A row of the table for each cause, with places to fill in:
 *
 *   %h  the process that holds the socket, and its id     %k  the command that stops it
 *   %a  the address that is in the way                    %u  its user
 *   %p  the port                                          %t  the time until TIME-WAIT ends
 *   %d  the first port that is not privileged             %n  the number of ports in the range
 *   %m  how many processes more                           %i  the id of the process
 *   %r  the reserved ports and this one                   %w  the address asked for
 *   %s  the option that a trial worked with, or what else to do
 */
#include "report/host/why_story.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/errnames.h"
#include "base/units.h"
#include "base/utf8.h"
#include "report/shared/layout.h"
#include "scenario/catalogue.h"

enum { REMEDIES = 5 };

struct story {
    const char *cause;
    const char *brief; /* what is in the way; what to do */
    const char *remedies[REMEDIES];
};

#define SHOW_PROCESS "ps -o pid,user,lstart,args -p %i"

static const struct story stories[] = {
    {"address-in-use",
     "%h listens; stop it or change port",
     {SHOW_PROCESS, "%k", "# or give your program another port"}},
    {"wildcard-vs-specific",
     "%h listens on %a; stop it",
     {SHOW_PROCESS, "%k",
      "# or bind both to specific addresses: 0.0.0.0 and [::] have the port on every one"}},
    {"dual-stack",
     "%h on [::] has IPv4; set IPV6_V6ONLY",
     {"# set IPV6_V6ONLY before bind() on the IPv6 socket, or give each family its own address",
      "%k"}},
    {"bind-twice-listen-once", "%h listens already; SO_REUSEPORT on both, or stop it", {"%k"}},
    {"reuseport-uid",
     "%h, user %u: run both as one user",
     {"# run both as user %u, or stop the other:", "%k"}},
    {"reuseport-all-or-none",
     "%h: SO_REUSEPORT takes it on both sockets",
     {"# set SO_REUSEPORT before bind() on every socket of the port, or on none", "%k"}},
    {"bound-but-idle", "%h bound it, does nothing; stop it", {SHOW_PROCESS, "%k"}},
    {"live-connection",
     "connection of %h; %s",
     {"# set SO_REUSEADDR before bind(), on the old and on the new socket", "%k"}},
    {"self-connect",
     "%h connected to itself; stop it",
     {"%k", "sysctl -w net.ipv4.ip_local_reserved_ports=%r"}},
    {"close-wait-leak",
     "%h leaks CLOSE-WAIT; restart it",
     {SHOW_PROCESS, "%k", "# mend that program: it must close() when recv() gives 0"}},
    {"fin-wait-2-orphan",
     "closed here, not by the peer; %s, wait",
     {"# set SO_REUSEADDR before bind(), on the old and on the new socket",
      "portreuse why --watch %w"}},
    {"stolen-port",
     "outgoing connection of %h; reserve it",
     {"sysctl -w net.ipv4.ip_local_reserved_ports=%r",
      "# that keeps it for the future; now the connection has to end:", "%k"}},
    {"stolen-port-time-wait",
     "outgoing connection took it, %t left; reserve the port",
     {"portreuse why --watch %w", "sysctl -w net.ipv4.ip_local_reserved_ports=%r"}},
    {"time-wait-rebind",
     "TIME-WAIT, %t left; %s or wait",
     {"# set SO_REUSEADDR before bind() on every listening socket, also on the next ones",
      "portreuse why --watch %w"}},
    {"time-wait-old-without-reuse",
     "TIME-WAIT, old socket without SO_REUSEADDR; wait %t",
     {"portreuse why --watch %w",
      "# from the next restart on SO_REUSEADDR helps: then the old socket has it too"}},
    {"fixed-client-port",
     "an earlier connection from it; %s",
     {"# set SO_REUSEADDR before bind(), or let connect() choose the port",
      "portreuse why --watch %w"}},
    {"ephemeral-exhaustion",
     "no local port is left; see portreuse budget",
     {"portreuse budget %w", "# keep connections open and use them again",
      "sysctl -w net.ipv4.ip_local_port_range=\"1024 65535\"",
      "# first reserve the ports of your servers: portreuse audit"}},
    {"ephemeral-exhaustion-established",
     "live connections have every port; see portreuse budget",
     {"portreuse budget %w", "# use fewer connections, more source addresses or destinations",
      "sysctl -w net.ipv4.ip_local_port_range=\"1024 65535\"",
      "# first reserve the ports of your servers: portreuse audit"}},
    {"poisoned-port",
     "explicit binds keep ports from it; see portreuse budget",
     {"portreuse budget %w",
      "# set IP_BIND_ADDRESS_NO_PORT before bind(), where connect() follows"}},
    {"ephemeral-bind",
     "none of %n ports is free for bind() to port 0",
     {"portreuse budget",
      "# before connect(), set IP_BIND_ADDRESS_NO_PORT and bind() takes no port",
      "sysctl -w net.ipv4.ip_local_port_range=\"1024 65535\""}},
    {"reserved-ports",
     "every port of the range is reserved; reserve fewer",
     {"sysctl net.ipv4.ip_local_port_range net.ipv4.ip_local_reserved_ports",
      "sysctl -w net.ipv4.ip_local_reserved_ports="}},
    {"address-not-local",
     "no interface here has this address",
     {"ip -brief address", "# to bind it before it is here:",
      "sysctl -w net.ipv4.ip_nonlocal_bind=1 net.ipv6.ip_nonlocal_bind=1",
      "# or IP_FREEBIND on the socket"}},
    {"address-tentative",
     "the address is tentative; wait, or set IP_FREEBIND",
     {"ip -6 address show tentative", "# start the program when the network is up",
      "portreuse why --watch %w"}},
    {"leaked-listener",
     "%h and %m more have it open; stop all",
     {SHOW_PROCESS, "ss -Htlnp 'sport = :%p'", "%k",
      "# a program that starts others should open its sockets with SOCK_CLOEXEC"}},
    {"held-by-no-process",
     "a socket that no process has; see below",
     {"cat /proc/fs/nfsd/portlist", "ss -Htlnep 'sport = :%p'"}},
    {"privileged-port",
     "below %d: needs CAP_NET_BIND_SERVICE",
     {"# for one program:", "setcap cap_net_bind_service=+ep /path/of/the/program",
      "# or for a unit of systemd: AmbientCapabilities=CAP_NET_BIND_SERVICE",
      "# or for everybody:", "sysctl -w net.ipv4.ip_unprivileged_port_start=%p"}},
    {"not-permitted",
     "a security module or filter refuses it",
     {"journalctl -k --grep 'avc|apparmor|audit' --since -10min", "semanage port -l | grep -w %p"}},
    {"unknown",
     "no socket in the way can be seen",
     {"sudo portreuse why %w", "sudo portreuse why --all-netns %w"}},
};

static const struct story *story_of(const char *cause) {
    const size_t count = sizeof stories / sizeof stories[0];
    for (size_t i = 0; i < count; i++)
        if (strcmp(stories[i].cause, cause) == 0)
            return &stories[i];
    return &stories[count - 1];
}

/* --- filling in --- */

/* The socket that is blamed, and the oldest process that has it; NULL if there is none. */
static const struct tcp_socket *blamed(const struct why *why) {
    return why->evidence.socket_count > 0 ? &why->evidence.sockets[0].socket : NULL;
}

static const struct owner *oldest(const struct why *why) {
    const struct owners *owners = &why->holders[0].owners;
    return blamed(why) != NULL && owners->known > 0 ? &owners->oldest[0] : NULL;
}

/* The name of a program, without its path and arguments, of at most `most` bytes. */
static void print_program(FILE *out, const char *command, size_t most) {
    size_t size = strcspn(command, " :"), start = 0;
    for (size_t i = 0; i < size; i++)
        start = command[i] == '/' ? i + 1 : start;
    size -= start;
    size_t cut = utf8_cut(command + start, size < most ? size : most);
    utf8_print(out, command + start, cut);
}

static void print_holder(FILE *out, const struct why *why) {
    enum { MOST = 12 };
    const struct owner *owner = oldest(why);
    if (owner == NULL) {
        fputs("somebody", out);
        return;
    }
    print_program(out, owner->command, MOST);
    fprintf(out, " (%d)", (int)owner->pid);
}

/* How to stop it: by what started it, if that is known. */
static void print_stop(FILE *out, const struct owner *owner) {
    static const char *const engines[] = {"docker ", "podman "};
    for (size_t i = 0; i < sizeof engines / sizeof engines[0]; i++)
        if (strncmp(owner->unit, engines[i], strlen(engines[i])) == 0) {
            fprintf(out, "%sstop %s", engines[i], owner->unit + strlen(engines[i]));
            return;
        }
    const char *end = strrchr(owner->unit, '.');
    if (end != NULL && strcmp(end, ".service") == 0)
        fprintf(out, "systemctl stop %s", owner->unit);
    else
        fprintf(out, "kill %d", (int)owner->pid);
}

static void print_user(FILE *out, const struct why *why) {
    const struct owner *owner = oldest(why);
    if (owner != NULL && owner->user[0] != '\0')
        fputs(owner->user, out);
    else if (blamed(why) != NULL)
        fprintf(out, "%" PRIu32, blamed(why)->uid);
}

static void print_reserved(FILE *out, const struct why *why) {
    struct port_set reserved = why->range.reserved;
    port_set_add(&reserved, why->asked.local.port);
    port_set_print(&reserved, out);
}

static void print_time_left(FILE *out, const struct why *why) {
    char text[UNITS_DURATION_SIZE];
    uint64_t seconds = (why->time_left_ms + 999) / 1000;
    fputs(units_duration_text(seconds * NS_PER_S, text), out);
}

static const struct endpoint *target(const struct why *why) {
    return why->asked.remote.family != 0 ? &why->asked.remote : &why->asked.local;
}

static void print_place(FILE *out, char place, const struct why *why) {
    static const struct owner nobody; /* needs_owner() keeps that from being told */
    const struct owner *found = oldest(why), *owner = found == NULL ? &nobody : found;
    char text[ENDPOINT_TEXT_SIZE];
    switch (place) {
    case 'h':
        print_holder(out, why);
        break;
    case 'k':
        print_stop(out, owner);
        break;
    case 'i':
        fprintf(out, "%d", (int)owner->pid);
        break;
    case 'a':
        fputs(blamed(why) == NULL ? "it" : endpoint_text(&blamed(why)->local, text), out);
        break;
    case 'u':
        print_user(out, why);
        break;
    case 'p':
        fprintf(out, "%u", target(why)->port);
        break;
    case 't':
        print_time_left(out, why);
        break;
    case 's':
        fputs(why->trials[WHY_REUSEADDR].error == 0 ? "set SO_REUSEADDR" : "stop it", out);
        break;
    case 'd':
        fprintf(out, "%u", why->privileged_below);
        break;
    case 'n':
        fprintf(out, "%" PRIu32, port_range_size(&why->range));
        break;
    case 'm':
        fprintf(out, "%u", why->holders[0].owners.count - 1);
        break;
    case 'r':
        print_reserved(out, why);
        break;
    default:
        fputs(endpoint_text(target(why), text), out);
        break;
    }
}

static void print_filled(FILE *out, const char *text, const struct why *why) {
    for (; *text != '\0'; text++)
        if (*text == '%')
            print_place(out, *++text, why);
        else
            fputc(*text, out);
}

/* --- the line --- */

static void print_free(FILE *out, const struct why *why) {
    char text[ENDPOINT_TEXT_SIZE];
    fprintf(out, "FREE %s: ", endpoint_text(target(why), text));
    if (why->asked.remote.family != 0)
        fputs("connect() would get a local port", out);
    else
        fputs("bind() and listen() would succeed now", out);
}

static void print_refused(FILE *out, const struct why *why, bool whole_address) {
    char text[ENDPOINT_TEXT_SIZE], name[ERRNAME_SIZE];
    if (whole_address)
        endpoint_text(target(why), text);
    else
        snprintf(text, sizeof text, "port %u", target(why)->port);
    fprintf(out, "%s %s: ", errname(why->error, name), text);
    print_filled(out, story_of(why->cause)->brief, why);
}

static void print_line(FILE *out, const struct why *why, bool whole_address) {
    char name[ERRNAME_SIZE], place[ENDPOINT_TEXT_SIZE];
    if (why->changed)
        fputs("changed while looking; ", out);
    if (why->verdict == WHY_FREE)
        print_free(out, why);
    else if (why->verdict == WHY_REFUSED)
        print_refused(out, why, whole_address);
    else
        fprintf(out, "UNKNOWN %s: %s: %s", endpoint_text(target(why), place), why->failure,
                errname(why->error, name));
}

static size_t make_line(const struct why *why, bool whole_address, char *text) {
    struct layout_line line;
    if (layout_line_begin(&line) != NULL)
        print_line(line.out, why, whole_address);
    return layout_line_end(&line, text);
}

/* A line that is too long does without the address, which was asked for and so is known; what is
 * too long then, without its end. */
const char *why_line(const struct why *why, char *line) {
    if (make_line(why, true, line) >= REPORT_LINE_SIZE)
        make_line(why, false, line);
    return line;
}

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

static void add_metric(struct summary *summary, const struct why *why, const char *name,
                       const char *help, double value) {
    char text[ENDPOINT_TEXT_SIZE];
    summary_metric(summary, name, help, value);
    summary_label(summary, "address", endpoint_text(target(why), text));
    summary_label(summary, "netns", why->place.name);
}

static void summarize_why(const struct report *report, struct summary *summary) {
    static const enum severity severities[] = {[WHY_FREE] = SEVERITY_OK,
                                               [WHY_REFUSED] = SEVERITY_CRITICAL,
                                               [WHY_UNKNOWN] = SEVERITY_UNKNOWN};
    const struct why_findings *findings = report->findings;
    const struct why *decisive = why_decisive(report);
    char name[ERRNAME_SIZE];
    summary->severity = severities[decisive->verdict];
    summary->verdict = why_verdict_name(decisive->verdict);
    why_line(decisive, summary->line);
    for (size_t i = 0; i < findings->count; i++) {
        const struct why *why = &findings->looks[i];
        add_metric(summary, why, "why_bindable", "Whether bind() or connect() would succeed now.",
                   why->verdict == WHY_FREE);
        summary_label(summary, "cause", why->cause == NULL ? "" : why->cause);
        summary_label(summary, "error", why->error == 0 ? "" : errname(why->error, name));
    }
    for (size_t i = 0; i < findings->count; i++)
        add_metric(summary, &findings->looks[i], "why_time_wait_seconds",
                   "How long TIME-WAIT stays in the way.", findings->looks[i].time_left_ms / 1e3);
}

/* --- what to do --- */

/* Whether a line speaks of the process that holds the socket, which may not be known. */
static bool needs_owner(const char *line) {
    return strstr(line, "%k") != NULL || strstr(line, "%i") != NULL;
}

static void visit_filled(const struct why *why, const char *line, why_remedy_visit *visit,
                         void *context) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL)
        return;
    print_filled(out, line, why);
    if (fclose(out) == 0)
        visit(context, text);
    free(text);
}

/* Options with which a trial worked, where the program is without them. */
static void visit_trials(const struct why *why, why_remedy_visit *visit, void *context) {
    if (why->error != EADDRINUSE)
        return;
    if (why->trials[WHY_REUSEADDR].error == 0 && !why->asked.reuseaddr)
        visit(context, "# set SO_REUSEADDR before bind(): a trial with it has just worked");
    if (why->trials[WHY_REUSEPORT].error == 0 && !why->asked.reuseport)
        visit(context, "# set SO_REUSEPORT before bind(): a trial with it has just worked, and the "
                       "two would share the connections");
}

void why_remedies(const struct why *why, why_remedy_visit *visit, void *context) {
    if (why->verdict != WHY_REFUSED)
        return;
    const struct story *story = story_of(why->cause);
    visit_trials(why, visit, context);
    for (size_t i = 0; i < REMEDIES && story->remedies[i] != NULL; i++)
        if (oldest(why) != NULL || !needs_owner(story->remedies[i]))
            visit_filled(why, story->remedies[i], visit, context);
}

const char *why_scenario(const struct why *why) {
    const struct catalogue_entry *entry = why->cause == NULL ? NULL : catalogue_find(why->cause);
    return entry == NULL ? NULL : entry->name;
}

/* --- the subject --- */

extern const struct format format_why_text, format_why_json;

static const struct format *const formats[] = {
    &format_why_text, &format_why_json, &format_line, &format_nagios, &format_prometheus, NULL,
};

const struct subject subject_why = {
    .name = "why",
    .schema = 1,
    .formats = formats,
    .summarize = summarize_why,
};
