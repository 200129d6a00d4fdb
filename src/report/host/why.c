/* The table of causes (model/cause.h) has the texts; here their `{fields}` are filled in. The line
 * has at most 80 bytes, and nothing in it is cut: what is too long is left out, or said more
 * briefly. */
#include "report/host/why.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/errnames.h"
#include "base/units.h"
#include "report/shared/layout.h"
#include "report/shared/sockets.h"

/* --- the fields --- */

/* How long the fields of a line may be. */
enum brevity { WHOLE, SHORT_ADDRESSES, SHORT_NAMES };

struct filling {
    FILE *out;
    const struct why *why;
    enum brevity brevity;
};

/* Returns the suspect that is blamed, or NULL if there is none. */
static const struct suspect *blamed(const struct why *why) {
    return why->evidence.suspect_count > 0 ? &why->evidence.suspects[0] : NULL;
}

/* Returns the oldest process that has the blamed socket, or NULL if none is known. */
static const struct owner *oldest(const struct why *why) {
    const struct suspect *suspect = blamed(why);
    return suspect != NULL && suspect->owners.known > 0 ? &suspect->owners.oldest[0] : NULL;
}

static const struct endpoint *target(const struct why *why) {
    return why->asked.remote.family != 0 ? &why->asked.remote : &why->asked.local;
}

/* What has the socket: `nginx (4711) and 2 workers`. */
static void fill_occupant(const struct filling *filling) {
    static const enum sockets_extent extents[] = {[WHOLE] = SOCKETS_WITH_UNIT,
                                                  [SHORT_ADDRESSES] = SOCKETS_PROGRAM,
                                                  [SHORT_NAMES] = SOCKETS_PID};
    const struct suspect *suspect = blamed(filling->why);
    if (suspect == NULL)
        fputs("another process", filling->out);
    else
        sockets_print_occupant(filling->out, &suspect->server, &suspect->owners,
                               suspect->occupant.socket.uid, extents[filling->brevity]);
}

/* A verb behind `{occupant}`. */
static void fill_verb(const struct filling *filling, const char *one, const char *many) {
    const struct suspect *suspect = blamed(filling->why);
    bool plural =
        suspect != NULL && filling->brevity != SHORT_NAMES && sockets_is_plural(&suspect->server);
    fputs(plural ? many : one, filling->out);
}

static void fill_has(const struct filling *filling) {
    fill_verb(filling, "has", "have");
}

static void fill_is(const struct filling *filling) {
    fill_verb(filling, "is", "are");
}

static void fill_leaks(const struct filling *filling) {
    fill_verb(filling, "leaks", "leak");
}

static void fill_listens(const struct filling *filling) {
    fill_verb(filling, "listens", "listen");
}

static void fill_runs(const struct filling *filling) {
    fill_verb(filling, "runs", "run");
}

static void fill_uses(const struct filling *filling) {
    fill_verb(filling, "uses", "use");
}

/* The command that frees the port. */
static void fill_stop(const struct filling *filling) {
    const struct suspect *suspect = blamed(filling->why);
    if (suspect == NULL)
        return;
    for (unsigned i = 0; i < suspect->server.stops.count; i++)
        fprintf(filling->out, "%s%s", i == 0 ? "" : "; ", suspect->server.stops.list[i].line);
}

static void fill_pid(const struct filling *filling) {
    const struct owner *owner = oldest(filling->why);
    if (owner != NULL)
        fprintf(filling->out, "%d", (int)owner->pid);
}

/* The user that has the socket. */
static void fill_user(const struct filling *filling) {
    const struct owner *owner = oldest(filling->why);
    const struct suspect *suspect = blamed(filling->why);
    if (owner != NULL && owner->user[0] != '\0' && filling->brevity != SHORT_NAMES)
        fputs(owner->user, filling->out);
    else if (suspect != NULL)
        fprintf(filling->out, "%" PRIu32, suspect->occupant.socket.uid);
}

/* The address that is in the way. */
static void fill_address(const struct filling *filling) {
    char text[ENDPOINT_TEXT_SIZE];
    const struct suspect *suspect = blamed(filling->why);
    if (suspect == NULL || filling->brevity != WHOLE)
        fputs("another address", filling->out);
    else
        fputs(endpoint_text(&suspect->occupant.socket.local, text), filling->out);
}

void why_print_name(FILE *out, const struct why *why) {
    char text[UNIX_NAME_SIZE + 1];
    const struct unix_question *asked = &why->asked.unix_socket;
    for (size_t i = 0; i < asked->name_size; i++)
        text[i] = asked->name[i] == '\0' ? '@' : asked->name[i];
    text[asked->name_size] = '\0';
    layout_text(out, text);
}

/* A long path is shortened to `.../x.sock`. */
static void fill_name(const struct filling *filling) {
    const char *name = filling->why->asked.unix_socket.name, *slash = strrchr(name, '/');
    if (filling->brevity == WHOLE || (slash == NULL && filling->brevity == SHORT_ADDRESSES)) {
        why_print_name(filling->out, filling->why);
    } else if (slash != NULL && filling->brevity == SHORT_ADDRESSES) {
        fputs("...", filling->out);
        layout_text(filling->out, slash);
    } else {
        fputs("the Unix socket", filling->out);
    }
}

/* The address that was asked for. */
static void fill_asked(const struct filling *filling) {
    char text[ENDPOINT_TEXT_SIZE];
    if (filling->why->asked.protocol == PROTOCOL_UNIX)
        fill_name(filling);
    else if (filling->brevity == WHOLE)
        fputs(endpoint_text(target(filling->why), text), filling->out);
    else
        fprintf(filling->out, "port %u", target(filling->why)->port);
}

/* Writes the first `size` bytes of the path as one word of a shell command. */
static void fill_path(const struct filling *filling, size_t size) {
    const char *path = filling->why->asked.unix_socket.name;
    bool plain = path[0] != '-';
    for (size_t i = 0; i < size; i++)
        plain &= isalnum((unsigned char)path[i]) || strchr("/._+-:@%,=", path[i]) != NULL;
    if (!plain)
        fputs(path[0] == '-' ? "./'" : "'", filling->out);
    for (size_t i = 0; i < size; i++)
        fputs(path[i] == '\'' && !plain ? "'\\''" : (const char[]){path[i], '\0'}, filling->out);
    if (!plain)
        fputc('\'', filling->out);
}

static void fill_file(const struct filling *filling) {
    fill_path(filling, filling->why->asked.unix_socket.name_size);
}

static void fill_directory(const struct filling *filling) {
    const char *path = filling->why->asked.unix_socket.name, *slash = strrchr(path, '/');
    if (slash == NULL)
        fputc('.', filling->out);
    else
        fill_path(filling, slash == path ? 1 : (size_t)(slash - path));
}

/* What follows `portreuse why` to ask the same again. */
static void fill_question(const struct filling *filling) {
    const struct why *why = filling->why;
    char text[ENDPOINT_TEXT_SIZE];
    if (why->asked.protocol == PROTOCOL_UNIX) {
        fputs("--protocol unix ", filling->out);
        if (why->asked.unix_socket.name[0] == '\0')
            why_print_name(filling->out, why);
        else
            fill_file(filling);
    } else {
        fprintf(filling->out, "%s%s", why->asked.protocol == PROTOCOL_UDP ? "--protocol udp " : "",
                endpoint_text(target(why), text));
    }
}

static void fill_port(const struct filling *filling) {
    fprintf(filling->out, "%u", target(filling->why)->port);
}

/* The first port that needs no privilege. */
static void fill_privileged_below(const struct filling *filling) {
    fprintf(filling->out, "%u", filling->why->privileged_below);
}

/* How many ports the range has. */
static void fill_range_ports(const struct filling *filling) {
    fprintf(filling->out, "%" PRIu32, port_range_size(&filling->why->range));
}

/* The reserved ports, and the one that was asked for. */
static void fill_reserved(const struct filling *filling) {
    struct port_set reserved = filling->why->range.reserved;
    port_set_add(&reserved, filling->why->asked.local.port);
    port_set_print(&reserved, filling->out);
}

/* How long the last TIME-WAIT in the way lasts. */
static void fill_time_left(const struct filling *filling) {
    char text[UNITS_DURATION_SIZE];
    uint64_t seconds = (filling->why->time_left_ms + 999) / 1000;
    fputs(units_duration_text(seconds * NS_PER_S, text), filling->out);
}

static bool reuseaddr_helps(const struct why *why) {
    return (why->tried & 1U << WHY_REUSEADDR) != 0 && why->trials[WHY_REUSEADDR].error == 0;
}

static void fill_reuse_or_stop(const struct filling *filling) {
    fputs(reuseaddr_helps(filling->why) ? "set SO_REUSEADDR" : "stop it", filling->out);
}

static void fill_reuse_or_wait(const struct filling *filling) {
    fputs(reuseaddr_helps(filling->why) ? "set SO_REUSEADDR or wait" : "wait", filling->out);
}

static const struct field {
    const char *name;
    void (*fill)(const struct filling *filling);
    bool needs_owner; /* a line with it is left out if no owner is known */
} fields[] = {
    {"address", fill_address, false},
    {"asked", fill_asked, false},
    {"directory", fill_directory, false},
    {"file", fill_file, false},
    {"has", fill_has, false},
    {"is", fill_is, false},
    {"leaks", fill_leaks, false},
    {"listens", fill_listens, false},
    {"occupant", fill_occupant, false},
    {"pid", fill_pid, true},
    {"port", fill_port, false},
    {"privileged_below", fill_privileged_below, false},
    {"question", fill_question, false},
    {"range_ports", fill_range_ports, false},
    {"reserved", fill_reserved, false},
    {"reuse_or_stop", fill_reuse_or_stop, false},
    {"reuse_or_wait", fill_reuse_or_wait, false},
    {"runs", fill_runs, false},
    {"stop", fill_stop, true},
    {"time_left", fill_time_left, false},
    {"user", fill_user, false},
    {"uses", fill_uses, false},
};

/* Returns the field at the front of `text`, which starts with `{`, or NULL if it is none. */
static const struct field *field_at(const char *text) {
    size_t size = strcspn(text + 1, "}");
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (text[1 + size] == '}' && strlen(fields[i].name) == size &&
            strncmp(fields[i].name, text + 1, size) == 0)
            return &fields[i];
    return NULL;
}

/* Fills in the first `size` bytes of the text. */
static bool fill(const struct filling *filling, const char *text, size_t size) {
    bool known = true;
    for (const char *end = text + size; text < end;) {
        const struct field *field = *text == '{' ? field_at(text) : NULL;
        known &= *text != '{' || field != NULL;
        if (field == NULL) {
            fputc(*text++, filling->out);
            continue;
        }
        field->fill(filling);
        text += strlen(field->name) + 2;
    }
    return known;
}

bool why_fill(FILE *out, const char *text, const struct why *why) {
    const struct filling filling = {out, why, WHOLE};
    return fill(&filling, text, strlen(text));
}

/* --- the line --- */

const struct cause_row *why_cause(const struct why *why) {
    return why->verdict == WHY_REFUSED ? cause_row(why->cause) : NULL;
}

/* How a line is made shorter, step by step. */
static const struct shape {
    enum brevity brevity;
    bool whole_headline; /* with what to do */
    bool whole_prefix;
} shapes[] = {
    {WHOLE, true, true},        {SHORT_ADDRESSES, true, true},
    {WHOLE, false, true},       {SHORT_ADDRESSES, false, true},
    {SHORT_NAMES, false, true}, {SHORT_NAMES, false, false},
};

static void print_verdict(const struct filling *filling, const struct shape *shape) {
    const struct why *why = filling->why;
    char name[ERRNAME_SIZE];
    if (why->verdict == WHY_FREE) {
        fputs("FREE ", filling->out);
        fill_asked(filling);
        fputs(why->asked.unix_socket.is_client      ? ": a server has this socket"
              : why->asked.remote.family != 0       ? ": connect() would get a local port"
              : why->asked.protocol == PROTOCOL_UDP ? "/udp: bind() would succeed now"
                                                    : ": bind() and listen() would succeed now",
              filling->out);
    } else if (why->verdict == WHY_REFUSED) {
        const char *headline = why_cause(why)->headline;
        fprintf(filling->out, "%s ", errname(why->error, name));
        fill_asked(filling);
        fputs(": ", filling->out);
        fill(filling, headline, shape->whole_headline ? strlen(headline) : strcspn(headline, ";"));
    } else {
        fputs("UNKNOWN ", filling->out);
        fill_asked(filling);
        fprintf(filling->out, ": %s: %s", why->failure, errname(why->error, name));
    }
}

const char *why_line(const struct why *why, char *text) {
    const size_t count = sizeof shapes / sizeof shapes[0];
    size_t size = REPORT_LINE_SIZE;
    for (size_t i = 0; i < count && size >= REPORT_LINE_SIZE; i++) {
        struct layout_line line;
        if (layout_line_begin(&line) != NULL) {
            const struct filling filling = {line.out, why, shapes[i].brevity};
            if (why->changed)
                fputs(shapes[i].whole_prefix ? "changed while looking; " : "changed; ", line.out);
            print_verdict(&filling, &shapes[i]);
        }
        size = layout_line_end(&line, text);
    }
    return text;
}

/* --- what to do --- */

static bool needs_owner(const char *line) {
    for (; (line = strchr(line, '{')) != NULL; line++) {
        const struct field *field = field_at(line);
        if (field != NULL && field->needs_owner)
            return true;
    }
    return false;
}

static void visit_filled(const struct why *why, const char *line, why_remedy_visit *visit,
                         void *context) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL)
        return;
    why_fill(out, line, why);
    if (fclose(out) == 0)
        visit(context, text);
    free(text);
}

/* Visits the options with which a trial succeeded, if the program does not set them. */
static void visit_trials(const struct why *why, why_remedy_visit *visit, void *context) {
    if (why->error != EADDRINUSE)
        return;
    if (reuseaddr_helps(why) && !why->asked.reuseaddr)
        visit(context, "# set SO_REUSEADDR before bind(): a trial with it has just worked");
    if ((why->tried & 1U << WHY_REUSEPORT) != 0 && why->trials[WHY_REUSEPORT].error == 0 &&
        !why->asked.reuseport)
        visit(context, "# set SO_REUSEPORT before bind(): a trial with it has just worked, and the "
                       "two would share the connections");
}

/* Explains the UDP socket that most hosts have on port 53. */
static void visit_stub(const struct why *why, why_remedy_visit *visit, void *context) {
    static const uint8_t stub[][4] = {{127, 0, 0, 53}, {127, 0, 0, 54}};
    const struct suspect *suspect = blamed(why);
    if (suspect == NULL || why->asked.protocol == PROTOCOL_UNIX ||
        suspect->occupant.socket.local.port != 53)
        return;
    for (size_t i = 0; i < 2; i++)
        if (memcmp(suspect->occupant.socket.local.address, stub[i], sizeof stub[i]) == 0) {
            visit(context,
                  "# that is the address of systemd-resolved's stub: bind the other "
                  "addresses, or set DNSStubListener=no in resolved.conf; /etc/resolv.conf "
                  "then needs another server");
            return;
        }
}

void why_remedies(const struct why *why, why_remedy_visit *visit, void *context) {
    const struct cause_row *cause = why_cause(why);
    if (cause == NULL)
        return;
    visit_trials(why, visit, context);
    visit_stub(why, visit, context);
    for (size_t i = 0; i < CAUSE_REMEDIES && cause->remedies[i] != NULL; i++)
        if (oldest(why) != NULL || !needs_owner(cause->remedies[i]))
            visit_filled(why, cause->remedies[i], visit, context);
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

/* --- the subject --- */

static void add_metric(struct summary *summary, const struct why *why, const char *name,
                       const char *help, double value) {
    char text[ENDPOINT_TEXT_SIZE];
    summary_metric(summary, name, help, value);
    summary_label(summary, "address", endpoint_text(target(why), text));
    summary_label(summary, "netns", why->where.name);
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
        summary_label(summary, "cause", why_cause(why) == NULL ? "" : why_cause(why)->name);
        summary_label(summary, "error", why->error == 0 ? "" : errname(why->error, name));
    }
    for (size_t i = 0; i < findings->count; i++)
        add_metric(summary, &findings->looks[i], "why_time_wait_seconds",
                   "How long TIME-WAIT stays in the way.", findings->looks[i].time_left_ms / 1e3);
}

extern const struct format format_why_text, format_why_json;

static const struct format *const formats[] = {
    &format_why_text, &format_why_json, &format_line, &format_nagios, &format_prometheus, NULL,
};

const struct subject subject_why = {
    .name = "why",
    .schema = 2,
    .formats = formats,
    .summarize = summarize_why,
};
