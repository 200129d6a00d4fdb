/* The report for people: the verdict, what is in the way, what to do, the cause; the trials where
 * they tell something. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>

#include "base/errnames.h"
#include "base/text.h"
#include "base/units.h"
#include "kernel/sockets.h"
#include "report/host/why.h"
#include "report/host/why_client_text.h"
#include "report/host/why_fields.h"
#include "report/shared/layout.h"
#include "report/shared/sockets.h"

enum { INDENT = 2 };

static void heading(FILE *out, const char *text) {
    fprintf(out, "\n%s\n", text);
}

/* --- trials --- */

/* Returns whether not all trials that were made had the same answer. */
static bool trials_differ(const struct why *why) {
    const struct why_trial *first = NULL;
    for (unsigned i = 0; i < WHY_TRIALS; i++) {
        if ((why->tried & 1U << i) == 0)
            continue;
        if (first != NULL && first->error != why->trials[i].error)
            return true;
        first = &why->trials[i];
    }
    return false;
}

static void print_trials(FILE *out, const struct why *why) {
    static const char *const options[WHY_TRIALS] = {
        [0] = "without options",
        [WHY_REUSEADDR] = "SO_REUSEADDR",
        [WHY_REUSEPORT] = "SO_REUSEPORT",
        [WHY_REUSEADDR | WHY_REUSEPORT] = "SO_REUSEADDR and SO_REUSEPORT",
    };
    char text[ENDPOINT_TEXT_SIZE], name[ERRNAME_SIZE];
    if (why->tried == 0)
        return;
    fprintf(out, "\nTrials of bind() to %s%s\n", endpoint_text(&why->asked.local, text),
            why->asked.protocol == PROTOCOL_UDP ? " of a UDP socket" : "");
    for (unsigned i = 0; i < WHY_TRIALS; i++) {
        const struct why_trial *trial = &why->trials[i];
        if ((why->tried & 1U << i) == 0)
            continue;
        fprintf(out, "%*s%-30s %s", INDENT, "", options[i],
                trial->error == 0 ? "ok" : errname(trial->error, name));
        if (trial->error != 0 && strcmp(trial->call, "bind") != 0)
            fprintf(out, " at %s()", trial->call);
        fputc('\n', out);
    }
}

/* --- sockets --- */

static void print_option(FILE *out, const char *name, enum knowledge known) {
    if (known != NOT_KNOWN)
        fprintf(out, ", %s%s", known == KNOWN_YES ? "" : "no ", name);
}

/* An endpoint of the suspect, as sockets_print() wants it. */
static const char *with_device(const void *context, const struct endpoint *endpoint, char *text) {
    const struct suspect *suspect = context;
    return endpoint == &suspect->occupant.socket.local ? why_fields_local(suspect, text)
                                                       : endpoint_text(endpoint, text);
}

/* What a trial says of sockets in TIME-WAIT holds for all of them together, not for each. */
static void print_suspect(FILE *out, const struct suspect *suspect, bool with_server,
                          unsigned indent) {
    const struct occupant *occupant = &suspect->occupant;
    struct composed text;
    FILE *line = compose_begin(&text);
    sockets_print(line, &occupant->socket, with_device, suspect);
    if (occupant->socket.state != STATE_TIME_WAIT) {
        print_option(line, "SO_REUSEADDR", occupant->reuseaddr);
        print_option(line, "SO_REUSEPORT", occupant->reuseport);
    }
    sockets_print_time_left(line, &occupant->socket);
    fprintf(out, "%*s", (int)indent, "");
    layout_wrap_end(out, &text, indent + 2 * INDENT, indent);
    if (occupant->socket.inode != 0 && with_server)
        sockets_print_server(out, &suspect->server, &suspect->owners, occupant->socket.uid,
                             indent + INDENT);
}

/* Returns whether the next socket has the same server, which is then described there. */
static bool is_continued(const struct evidence *evidence, unsigned i) {
    const struct server *server = &evidence->suspects[i].server;
    return i + 1 < evidence->suspect_count && server->main.pid != 0 &&
           evidence->suspects[i + 1].server.main.pid == server->main.pid &&
           evidence->suspects[i + 1].server.shape == server->shape;
}

static void print_range(FILE *out, const struct why *why, unsigned indent) {
    fprintf(out, "%*s%" PRIu32 " of the %" PRIu32 " unreserved ports of %u-%u\n", (int)indent, "",
            why->evidence.ports_taken, port_range_size(&why->range), why->range.low,
            why->range.high);
}

void why_print_sockets(FILE *out, const struct why *why, unsigned indent) {
    const struct evidence *evidence = &why->evidence;
    char missing[EVIDENCE_MISSING_SIZE];
    if (evidence->missing != NULL)
        fprintf(out, "%*snot known: %s\n", (int)indent, "", evidence_missing(evidence, missing));
    else if (evidence->automatic)
        print_range(out, why, indent);
    if (evidence->automatic)
        why_client_text_holders(out, why, indent + INDENT);
    for (unsigned i = 0; !evidence->automatic && i < evidence->suspect_count; i++)
        print_suspect(out, &evidence->suspects[i], !is_continued(evidence, i), indent);
    if (!evidence->automatic && evidence->total > evidence->suspect_count)
        fprintf(out, "%*sand %" PRIu32 " more sockets\n", (int)indent, "",
                evidence->total - evidence->suspect_count);
}

static void print_in_the_way(FILE *out, const struct why *why) {
    if (why->evidence.missing == NULL && why->evidence.total == 0)
        return;
    heading(out, why->shared                           ? "Shared with"
                 : why->needs_reuseaddr                ? "In the way without SO_REUSEADDR"
                 : why->cause == CAUSE_PRIVILEGED_PORT ? "On the port"
                                                       : "In the way");
    why_print_sockets(out, why, INDENT);
}

/* --- the rest --- */

static void print_cause(FILE *out, const struct why *why) {
    const struct cause_row *cause = why->needs_reuseaddr ? cause_row(why->cause) : why_cause(why);
    if (cause == NULL)
        return;
    heading(out, "Cause");
    fprintf(out, "%*s%s: ", INDENT, "", cause->name);
    layout_wrap(out, why->words, INDENT, INDENT + (unsigned)strlen(cause->name) + 2);
}

/* The notes; their heading is printed with the first. */
struct notes {
    FILE *out;
    bool any;
};

static void note(struct notes *notes, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void note(struct notes *notes, const char *format, ...) {
    char text[640];
    va_list values;
    va_start(values, format);
    vsnprintf(text, sizeof text, format, values);
    va_end(values);
    if (!notes->any)
        heading(notes->out, "Note");
    notes->any = true;
    fprintf(notes->out, "%*s", INDENT, "");
    layout_wrap(notes->out, text, INDENT, INDENT);
}

/* A free port can have sockets nevertheless, such as connections of an earlier server; and its
 * traffic can go elsewhere. */
static void note_on_port(struct notes *notes, const struct why *why) {
    const char *protocol = socket_protocol_name(why->asked.protocol);
    char name[ERRNAME_SIZE];
    if (why->asked.local.port == 0 || why->asked.remote.family != 0)
        return;
    bool any = false, failed = errno_says_nothing(why->count_error);
    for (unsigned i = 0; i < STATE_COUNT; i++)
        if (why->on_port[i] > 0) {
            if (!why->shared)
                note(notes, "%" PRIu32 " %s on the port, not in the way.", why->on_port[i],
                     socket_state_text(why->asked.protocol, i));
            any = true;
        }
    if (!why->counted)
        note(notes, "Whether a %s socket has the port is not known: %s%s.", protocol,
             failed ? "listing them failed: " : "this kernel does not list them",
             failed ? errname(why->count_error, name) : "");
    else if (!any && why->asked.protocol == PROTOCOL_UDP)
        note(notes, "No UDP socket has the port in this network namespace.");
    else if (!any)
        note(notes,
             "No TCP socket has the port. If clients can connect to it all the same, the "
             "listener is in another network namespace (portreuse why --all-netns), or the packet "
             "filter redirects them (DNAT: nft list ruleset, iptables -t nat -S).");
}

/* bind() takes an IPv4 address of many hosts, and TCP cannot use it (inet_addr_valid_or_nonlocal()
 * in include/net/inet_sock.h; tcp_v4_connect() refuses such a destination). */
static void note_on_many_hosts(struct notes *notes, const struct why *why) {
    static const uint8_t everybody[] = {255, 255, 255, 255};
    enum { MULTICAST = 0xe0, MULTICAST_MASK = 0xf0 }; /* 224.0.0.0/4 */
    const struct endpoint *local = &why->asked.local;
    if (why->asked.protocol == PROTOCOL_UDP || why->asked.remote.family != 0 ||
        local->family != AF_INET)
        return;
    bool multicast = (local->address[0] & MULTICAST_MASK) == MULTICAST;
    if (multicast || why->broadcast || memcmp(local->address, everybody, sizeof everybody) == 0)
        note(notes, "This is a %s address: bind() takes it, but no TCP client can connect to it.",
             multicast ? "multicast" : "broadcast");
}

static void print_user(FILE *out, uint32_t uid) {
    char user[OWNER_USER_SIZE];
    owner_user(uid, user);
    fputs("a process of ", out);
    if (user[0] != '\0')
        layout_text(out, user);
    else
        fprintf(out, "user %" PRIu32, uid);
}

/* Returns whether an earlier socket has the same address, and the same owner: those of a server
 * with SO_REUSEPORT. */
static bool is_said(const struct other_sockets *other, unsigned number) {
    const struct owners *owners = &other->owners[number];
    for (unsigned i = 0; i < number; i++) {
        const struct owners *before = &other->owners[i];
        bool same_owner = owners->known > 0 && before->known > 0
                              ? owners->oldest[0].pid == before->oldest[0].pid
                              : owners->known == before->known &&
                                    other->sockets[i].uid == other->sockets[number].uid;
        if (same_owner && endpoint_equal(&other->sockets[i].local, &other->sockets[number].local))
            return true;
    }
    return false;
}

/* Says who has the port in the other protocol, one socket a note. */
static void note_other_protocol(struct notes *notes, const struct why *why) {
    const struct other_sockets *other = &why->other;
    for (unsigned i = 0; i < other->count; i++) {
        const struct owners *owners = &other->owners[i];
        char endpoint[ENDPOINT_TEXT_SIZE];
        struct composed who;
        if (is_said(other, i))
            continue;
        FILE *out = compose_begin(&who);
        if (owners->known > 0) {
            sockets_print_program(out, &owners->oldest[0]);
            fprintf(out, " (pid %d)", (int)owners->oldest[0].pid);
        } else {
            print_user(out, other->sockets[i].uid);
        }
        note(notes, "On %s, %s has %s.", socket_protocol_name(other->protocol), compose_end(&who),
             endpoint_text(&other->sockets[i].local, endpoint));
        compose_free(&who);
    }
    if (other->total > other->count)
        note(notes, "On %s, %" PRIu32 " more sockets have the port.",
             socket_protocol_name(other->protocol), other->total - other->count);
}

/* What is special about a Unix socket: where its owner is, and what was not looked at. */
static void note_unix_socket(struct notes *notes, const struct why *why) {
    const struct why_unix *found = &why->unix_socket;
    if (found->other_type != 0)
        note(notes,
             "The name belongs to a %s socket. Each type has its own names: a SOCK_STREAM "
             "socket could have this one, too.",
             found->other_type == SOCK_DGRAM ? "SOCK_DGRAM" : "SOCK_SEQPACKET");
    if (found->files_of != 0 && why->asked.unix_socket.name[0] == '/')
        note(notes,
             "The path is that of process %d, which has another root directory or other mounts.",
             (int)found->files_of);
    else if (found->files_of != 0)
        note(notes, "The path begins in the working directory of process %d.",
             (int)found->files_of);
    if (found->found && found->where[0] != '\0')
        note(notes, "The socket belongs to another network namespace: %s.", found->where);
    if (found->place == UNIX_SOCKET_FILE && found->bound == KNOWN_YES && !found->found)
        note(notes,
             "The kernel says that the file is in use, but no network namespace that could be "
             "looked at has the socket. As root, portreuse looks at all of them.");
    if (found->place == UNIX_SOCKET_FILE && found->bound == NOT_KNOWN)
        note(notes,
             "Whether the file is in use is not known: connect() needs the right to write to "
             "it. As root, portreuse can tell.");
    if (found->place == UNIX_SOCKET_FILE && found->bound == KNOWN_NO)
        note(notes, "connect() to the file was refused, which proves it: no socket is bound to it, "
                    "in whatever network namespace.");
    if (found->from_proc)
        note(notes, "Unix sockets were read from /proc/net, which names them, but not their users: "
                    "load unix_diag (modprobe unix_diag).");
}

static void note_settings(struct notes *notes, const struct why *why) {
    uint16_t port = why->asked.local.port;
    char name[ERRNAME_SIZE];
    if (why->unread.what != NULL)
        note(notes,
             "What depends on this setting is left out, or assumes the kernel's default: %s: %s.",
             why->unread.what, errname(why->unread.error, name));
    if (port == 0 || why->asked.local.family == 0)
        return;
    if (port < why->privileged_below && why->verdict == WHY_FREE)
        note(notes,
             "Port %u is privileged (below %u): without CAP_NET_BIND_SERVICE bind() fails with "
             "EACCES; --uid shows the answer for another user.",
             port, why->privileged_below);
    if (why->in_range && !why->reserved)
        note(notes,
             "Port %u is in the range from which outgoing connections get their ports (%u-%u), and "
             "not reserved: one of them can take it; see portreuse audit.",
             port, why->range.low, why->range.high);
    if (why->in_range && why->reserved)
        note(notes, "Port %u is reserved: the kernel does not choose it.", port);
}

static void note_unseen(struct notes *notes, const struct why *why) {
    char text[SOCKETS_UNSEEN_SIZE];
    if (why->unseen > 0)
        note(notes, "%s", sockets_unseen_text(why->unseen, why->asked_by_root, text));
    if (why->own_pids_only && why->verdict == WHY_REFUSED)
        note(notes, "Processes outside of this container (its pid namespace) cannot be seen.");
    if (why->changed)
        note(notes,
             "The sockets, or who has them, changed during the look; this is what the last part of "
             "it saw. If that lasts, a program opens and closes one again and again, such as a "
             "server that crashes "
             "in a loop and is started again: see journalctl --since -2min.");
}

/* What could not be done, where an errno alone says little. */
static void note_failure(struct notes *notes, const struct why *why) {
    const struct why_question *asked = &why->asked;
    if (why->error == ENODEV && (asked->device[0] != '\0' || asked->zone[0] != '\0'))
        note(notes,
             "There is no network device '%s' in this network namespace; 'ip link' lists those "
             "that are there.",
             asked->device[0] != '\0' ? asked->device : asked->zone);
    if (why->error == EINVAL && asked->other_user)
        note(notes,
             "The user ID %u does not exist in this user namespace: only root outside of it can "
             "ask as that user.",
             asked->uid);
}

/* What the question was taken for, and what else it says. */
static void note_question(struct notes *notes, const struct why *why) {
    char name[ERRNAME_SIZE], text[ENDPOINT_TEXT_SIZE];
    if (why->asked.taken[0] != '\0')
        note(notes, "%s", why->asked.taken);
    if (why->asked.reported == EADDRINUSE && why->verdict == WHY_FREE &&
        why->asked.remote.family == 0)
        note(notes,
             "The text reports EADDRINUSE, but the address is free now: whatever had it is gone, "
             "or the program itself binds it twice. `portreuse trace -- PROGRAM` starts "
             "the program and shows the call that fails, and why.");
    else if (why->asked.reported != 0 && why->verdict == WHY_FREE)
        note(notes, "The text reports %s; now it would succeed.",
             errname(why->asked.reported, name));
    if (why->free_other.family != 0)
        note(notes, "%s is free.", endpoint_text(&why->free_other, text));
}

static void note_client(void *context, const char *text) {
    note(context, "%s", text);
}

static void print_notes(FILE *out, const struct why *why) {
    struct notes notes = {.out = out};
    note_question(&notes, why);
    if (why->verdict == WHY_UNKNOWN)
        note_failure(&notes, why);
    why_client_text_notes(why, note_client, &notes);
    if (why->asked.protocol == PROTOCOL_UNIX)
        note_unix_socket(&notes, why);
    else if (why->verdict == WHY_FREE && !why->needs_reuseaddr)
        note_on_port(&notes, why);
    note_on_many_hosts(&notes, why);
    if (why->evidence.from_proc)
        note(&notes, "The sockets were %s.", sockets_proc_note(why->asked.protocol));
    note_other_protocol(&notes, why);
    if (why->verdict != WHY_UNKNOWN) {
        note_settings(&notes, why);
        note_unseen(&notes, why);
    }
}

static void print_one(FILE *out, const struct why *why, bool verbose) {
    print_in_the_way(out, why);
    if (why->verdict == WHY_REFUSED || why->needs_reuseaddr || why->shared) {
        heading(out, "What to do");
        why_print_remedies(out, why, INDENT);
    }
    print_cause(out, why);
    if (verbose || trials_differ(why))
        print_trials(out, why);
    print_notes(out, why);
    if (why_cause(why) != NULL && why_cause(why)->scenario != NULL)
        fprintf(out, "\nTo see it happen: portreuse run %s\n", why_cause(why)->scenario);
}

static void print_line(FILE *out, const struct why *why, bool colour) {
    static const enum verdict verdicts[] = {
        [WHY_FREE] = VERDICT_PASS, [WHY_REFUSED] = VERDICT_FAIL, [WHY_UNKNOWN] = VERDICT_ERROR};
    char line[REPORT_LINE_SIZE];
    layout_print_line(out, why_line(why, line), verdicts[why->verdict], colour);
}

/* Returns whether a namespace is worth more than being counted. */
static bool is_told(const struct why_findings *findings, size_t i) {
    return findings->count == 1 || findings->looks[i].verdict == WHY_REFUSED ||
           findings->looks[i].needs_reuseaddr || findings->looks[i].shared;
}

/* Counts the namespaces that are not told one by one. */
static void print_others(FILE *out, const struct why_findings *findings) {
    static const char *const verdicts[] = {[WHY_FREE] = "FREE", [WHY_UNKNOWN] = "UNKNOWN"};
    size_t counts[3] = {0};
    for (size_t i = 0; i < findings->count; i++)
        if (!is_told(findings, i))
            counts[findings->looks[i].verdict]++;
    for (unsigned verdict = 0; verdict < sizeof counts / sizeof counts[0]; verdict++)
        if (counts[verdict] > 0)
            fprintf(out, "\n%s in %zu %snetwork namespace%s\n", verdicts[verdict], counts[verdict],
                    counts[verdict] < findings->count ? "other " : "",
                    counts[verdict] == 1 ? "" : "s");
}

static void write_text(const struct report *report, FILE *out) {
    const struct why_findings *findings = report->findings;
    print_line(out, why_decisive(report), report->colour);
    for (size_t i = 0; !report->quiet && i < findings->count; i++) {
        const struct why *why = &findings->looks[i];
        if (!is_told(findings, i))
            continue;
        if (findings->count > 1) {
            fputs("\n--- ", out);
            layout_text(out, why->where.name);
            fputc('\n', out);
            print_line(out, why, report->colour);
        }
        print_one(out, why, report->verbose);
    }
    if (!report->quiet)
        print_others(out, findings);
}

const struct format format_why_text = {
    .name = "text",
    .extensions = ".txt",
    .line = "for people; the default",
    .write = write_text,
};
