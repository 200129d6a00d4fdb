/* The table of causes (model/cause.h) has the texts; here their `{fields}` are filled in. The line
 * has at most 80 bytes, and nothing in it is cut: what is too long is left out, or said more
 * briefly. */
#include "report/host/why.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/errnames.h"
#include "base/text.h"
#include "base/units.h"
#include "report/host/why_client_text.h"
#include "report/host/why_fields.h"
#include "report/shared/layout.h"
#include "report/shared/place.h"
#include "report/shared/sockets.h"

/* --- the fields --- */

/* How long the fields of a line may be. */
enum { ASKED_SIZE = ENDPOINT_TEXT_SIZE + 8 };

/* What is left out: addresses other than the port; the unit; both; even the name of the program. */
enum brevity { WHOLE, SHORT_ADDRESSES, NO_UNIT, SHORT_BOTH, SHORT_NAMES };

struct filling {
    FILE *out;
    const struct why *why;
    enum brevity brevity;
    bool terse; /* without what to do */
};

static bool has_whole_addresses(const struct filling *filling) {
    return filling->brevity == WHOLE || filling->brevity == NO_UNIT;
}

/* Returns the suspect that is blamed, or NULL if there is none. */
static const struct suspect *blamed(const struct why *why) {
    return why->evidence.suspect_count > 0 ? &why->evidence.suspects[0] : NULL;
}

/* Returns the oldest process that has the blamed socket, or NULL if none is known. */
static const struct owner *oldest(const struct why *why) {
    const struct suspect *suspect = blamed(why);
    return suspect != NULL && suspect->owners.known > 0 ? &suspect->owners.oldest[0] : NULL;
}

/* What was asked about. */
static const struct endpoint *target(const struct why *why) {
    return why->asked.remote.family != 0 ? &why->asked.remote : &why->asked.local;
}

/* What the line is about: where bind() of a client is refused, that is its own address. */
static const struct endpoint *subject(const struct why *why) {
    bool binds = why->call != NULL && strcmp(why->call, "bind") == 0;
    return binds && why->asked.local.family != 0 ? &why->asked.local : target(why);
}

/* How many other servers are as much in the way as the one that is blamed. */
static unsigned other_servers(const struct why *why) {
    return why->rest.servers > 1 ? why->rest.servers - 1 : 0;
}

/* What has the socket: `nginx (4711) and 2 workers`, `nc (815) and 3 other servers`. */
static void fill_occupant(const struct filling *filling) {
    static const enum sockets_extent extents[] = {[WHOLE] = SOCKETS_WITH_UNIT,
                                                  [SHORT_ADDRESSES] = SOCKETS_WITH_UNIT,
                                                  [NO_UNIT] = SOCKETS_PROGRAM,
                                                  [SHORT_BOTH] = SOCKETS_PROGRAM,
                                                  [SHORT_NAMES] = SOCKETS_PID};
    const struct suspect *suspect = blamed(filling->why);
    unsigned others = other_servers(filling->why);
    if (suspect == NULL)
        fputs("another process", filling->out);
    else
        sockets_print_occupant(filling->out, &suspect->server, &suspect->owners,
                               suspect->occupant.socket.uid, extents[filling->brevity]);
    if (others > 0)
        fprintf(filling->out, " and %u other server%s", others, others == 1 ? "" : "s");
}

/* A verb behind `{occupant}`. */
static void fill_verb(const struct filling *filling, const char *one, const char *many) {
    const struct suspect *suspect = blamed(filling->why);
    bool counted = filling->brevity != SHORT_NAMES ||
                   (suspect != NULL && suspect->server.shape == SERVER_ORPHANS);
    bool plural = other_servers(filling->why) > 0 ||
                  (suspect != NULL && counted && sockets_is_plural(&suspect->server));
    fputs(plural ? many : one, filling->out);
}

/* What is to be stopped. */
static void fill_it(const struct filling *filling) {
    fputs(other_servers(filling->why) > 0 ? "them" : "it", filling->out);
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

/* Returns whether the command frees a suspect before number `suspect` too, or stands earlier. */
static bool is_given(const struct evidence *evidence, unsigned suspect, unsigned stop) {
    const char *line = evidence->suspects[suspect].server.stops.list[stop].line;
    for (unsigned i = 0; i <= suspect; i++)
        for (unsigned j = 0; j < (i < suspect ? evidence->suspects[i].server.stops.count : stop);
             j++)
            if (strcmp(evidence->suspects[i].server.stops.list[j].line, line) == 0)
                return true;
    return false;
}

/* The commands that free the port of all that are as much in the way as the one that is blamed. */
static void fill_stop(const struct filling *filling) {
    const struct evidence *evidence = &filling->why->evidence;
    bool any = false;
    for (unsigned i = 0; i < evidence->suspect_count; i++) {
        const struct suspect *suspect = &evidence->suspects[i];
        if (suspect->blame.weight != evidence->suspects[0].blame.weight)
            continue;
        for (unsigned j = 0; j < suspect->server.stops.count; j++) {
            if (is_given(evidence, i, j))
                continue;
            fprintf(filling->out, "%s%s", any ? "; " : "", suspect->server.stops.list[j].line);
            any = true;
        }
    }
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

/* Returns whether sockets on several addresses are as much in the way. */
static bool has_several_addresses(const struct why *why) {
    const struct suspect *first = blamed(why);
    for (unsigned i = 1; i < why->evidence.suspect_count; i++) {
        const struct suspect *other = &why->evidence.suspects[i];
        if (other->blame.weight == first->blame.weight &&
            !endpoint_equal(&other->occupant.socket.local, &first->occupant.socket.local))
            return true;
    }
    return false;
}

bool why_is_same_address(const struct why *why) {
    const struct suspect *suspect = blamed(why);
    return suspect != NULL && suspect->occupant.socket.interface == 0 &&
           endpoint_equal(&suspect->occupant.socket.local, subject(why));
}

/* Where that is: not of sockets on several addresses, nor the address that stands before it. */
static void fill_on_address(const struct filling *filling) {
    char text[ENDPOINT_TEXT_SIZE];
    const struct suspect *suspect = blamed(filling->why);
    if ((suspect != NULL && other_servers(filling->why) > 0 &&
         has_several_addresses(filling->why)) ||
        why_is_same_address(filling->why))
        return;
    bool told = suspect != NULL && has_whole_addresses(filling);
    fputs(told ? " on " : " on another address", filling->out);
    if (told)
        layout_text(filling->out, why_fields_local(suspect, text));
}

const char *why_unix_name(const struct unix_question *asked, char *text) {
    for (size_t i = 0; i < asked->name_size; i++)
        text[i] = asked->name[i] == '\0' ? '@' : asked->name[i];
    text[asked->name_size] = '\0';
    return text;
}

/* That before the name of the file, or NULL. */
static const char *last_slash(const struct why *why) {
    const struct unix_question *asked = &why->asked.unix_socket;
    return memrchr(asked->name, '/', why_unix_file_size(asked));
}

/* A long path is shortened to `.../x.sock`. */
static void fill_name(const struct filling *filling) {
    const char *slash = last_slash(filling->why);
    char name[WHY_UNIX_NAME_SIZE];
    if (has_whole_addresses(filling) || (slash == NULL && filling->brevity != SHORT_NAMES)) {
        layout_text(filling->out, why_unix_name(&filling->why->asked.unix_socket, name));
    } else if (slash != NULL && filling->brevity != SHORT_NAMES) {
        fputs("...", filling->out);
        layout_text(filling->out, slash);
    } else {
        fputs("the Unix socket", filling->out);
    }
}

/* The address that was asked for: as it was asked, where that stands for several and the answer is
 * about all of them. */
static const char *asked_text(const struct why *why, const struct endpoint *endpoint, char *text) {
    const struct why_question *asked = &why->asked;
    bool all = why->verdict != WHY_REFUSED || asked->zone[0] != '\0';
    size_t used;
    if (endpoint != target(why) && endpoint->port == 0)
        return inet_ntop(endpoint->family, endpoint->address, text, ASKED_SIZE);
    if (all && endpoint == target(why) && asked->text[0] != '\0')
        return asked->text;
    endpoint_text(endpoint, text);
    used = strlen(text);
    snprintf(text + used, ASKED_SIZE - used, "%s", asked->protocol == PROTOCOL_UDP ? "/udp" : "");
    return text;
}

static void fill_asked(const struct filling *filling) {
    char text[ASKED_SIZE];
    const struct why *why = filling->why;
    if (why->asked.protocol == PROTOCOL_UNIX)
        fill_name(filling);
    else if (has_whole_addresses(filling))
        layout_text(filling->out, asked_text(why, subject(why), text));
    else
        fprintf(filling->out, "port %u%s", subject(why)->port,
                why->asked.protocol == PROTOCOL_UDP ? "/udp" : "");
}

/* The path, of at most `size` bytes, as we can reach it: that of another process lies below its
 * root or working directory. */
static void fill_path(const struct filling *filling, size_t size) {
    const struct why *why = filling->why;
    const char *name = why->asked.unix_socket.name;
    char path[UNIX_NAME_SIZE + 48];
    int before = 0;
    if (why->unix_socket.files_of != 0)
        before = snprintf(path, sizeof path, "/proc/%d/%s", (int)why->unix_socket.files_of,
                          name[0] == '/' ? "root" : "cwd/");
    snprintf(path + before, sizeof path - (size_t)before, "%s", name);
    place_print_path(filling->out, path, (size_t)before + size);
}

static void fill_file(const struct filling *filling) {
    fill_path(filling, why_unix_file_size(&filling->why->asked.unix_socket));
}

static void fill_directory(const struct filling *filling) {
    const char *path = filling->why->asked.unix_socket.name, *slash = last_slash(filling->why);
    if (slash != NULL)
        fill_path(filling, slash == path ? 1 : (size_t)(slash - path));
    else if (filling->why->unix_socket.files_of != 0)
        fill_path(filling, 0);
    else
        fputc('.', filling->out);
}

/* The options that were given, each with a blank behind it. */
static void fill_options(const struct filling *filling) {
    const struct why *why = filling->why;
    const struct why_question *asked = &why->asked;
    if (asked->as != 0)
        fprintf(filling->out, "--pid %d ", (int)asked->as);
    else
        why_fields_netns(filling->out, why);
    if (asked->other_user)
        fprintf(filling->out, "--uid %" PRIu32 " ", asked->uid);
    if (asked->remote.family != 0 || asked->unix_socket.is_client)
        fputs("--as client ", filling->out);
    why_client_text_options(filling->out, why);
    bool reuses = why_client_text_reuses(asked);
    if (asked->protocol != PROTOCOL_UNIX && asked->reuseaddr != reuses)
        fputs(reuses ? "--no-reuse-addr " : "--reuse-addr ", filling->out);
    if (asked->reuseport)
        fputs("--reuse-port ", filling->out);
    if (asked->v6only)
        fputs("--v6only ", filling->out);
    place_print_value(filling->out, "--device", asked->device);
}

/* What follows `portreuse why` to ask the same again. */
static void fill_question(const struct filling *filling) {
    const struct why *why = filling->why;
    const struct unix_question *unix_socket = &why->asked.unix_socket;
    char text[ASKED_SIZE], name[WHY_UNIX_NAME_SIZE];
    fill_options(filling);
    if (why->asked.protocol == PROTOCOL_UNIX) {
        fputs("unix:", filling->out);
        place_print_path(filling->out, why_unix_name(unix_socket, name), unix_socket->name_size);
    } else if (why->asked.text[0] != '\0') {
        place_print_word(filling->out, why->asked.text);
    } else {
        place_print_word(filling->out, asked_text(why, target(why), text));
    }
}

static void fill_port(const struct filling *filling) {
    fprintf(filling->out, "%u", subject(filling->why)->port);
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

static void fill_no_route(const struct filling *filling) {
    why_fields_no_route(filling->out, filling->why, !filling->terse);
}

/* Which of the two sockets is the one on [::]. */
static void fill_ipv6_socket(const struct filling *filling) {
    if (filling->why->asked.local.family == AF_INET6)
        fputs("yours", filling->out);
    else {
        fputs("that of ", filling->out);
        fill_occupant(filling);
    }
}

static const struct field {
    const char *name;
    void (*fill)(const struct filling *filling);
    void (*print)(FILE *out, const struct why *why); /* if `fill` is NULL */
} fields[] = {
    {"addresses", NULL, why_fields_addresses},
    {"apart", NULL, why_fields_apart},
    {"asked", fill_asked, NULL},
    {"by", NULL, why_fields_by},
    {"closing", NULL, why_fields_closing},
    {"destination", NULL, why_fields_destination},
    {"device", NULL, why_fields_device},
    {"directory", fill_directory, NULL},
    {"expires", NULL, why_fields_expires},
    {"family", NULL, why_fields_family},
    {"file", fill_file, NULL},
    {"given_up", NULL, why_fields_given_up},
    {"has", fill_has, NULL},
    {"inside", NULL, why_fields_inside},
    {"holder", NULL, why_fields_holder},
    {"it", fill_it, NULL},
    {"ipv6_socket", fill_ipv6_socket, NULL},
    {"is", fill_is, NULL},
    {"leaks", fill_leaks, NULL},
    {"listens", fill_listens, NULL},
    {"netns", NULL, why_fields_netns},
    {"no_address", NULL, why_fields_no_address},
    {"no_route", fill_no_route, NULL},
    {"nonlocal", NULL, why_fields_nonlocal},
    {"occupant", fill_occupant, NULL},
    {"on_address", fill_on_address, NULL},
    {"peer", NULL, why_fields_peer},
    {"pid", fill_pid, NULL},
    {"port", fill_port, NULL},
    {"privileged_below", fill_privileged_below, NULL},
    {"question", fill_question, NULL},
    {"range_ports", fill_range_ports, NULL},
    {"reserved", fill_reserved, NULL},
    {"reserved_for_servers", NULL, why_fields_reserved_for_servers},
    {"reuse_or_stop", NULL, why_fields_reuse_or_stop},
    {"reuse_or_wait", NULL, why_fields_reuse_or_wait},
    {"release", NULL, why_fields_release},
    {"release_price", NULL, why_fields_release_price},
    {"runs", fill_runs, NULL},
    {"see_budget", NULL, why_fields_see_budget},
    {"sharing_option", NULL, why_fields_sharing_option},
    {"sockets", NULL, why_fields_sockets},
    {"ss", NULL, why_fields_ss},
    {"still_reserved", NULL, why_fields_still_reserved},
    {"stop", fill_stop, NULL},
    {"time_left", NULL, why_fields_time_left},
    {"user", fill_user, NULL},
    {"uses", fill_uses, NULL},
    {"wait_for_old", NULL, why_fields_wait_for_old},
    {"wide_range", NULL, why_fields_wide_range},
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
        if (field->fill != NULL)
            field->fill(filling);
        else
            field->print(filling->out, filling->why);
        text += strlen(field->name) + 2;
    }
    return known;
}

bool why_fill(FILE *out, const char *text, const struct why *why) {
    const struct filling filling = {.out = out, .why = why};
    return fill(&filling, text, strlen(text));
}

/* --- the line --- */

const struct cause_row *why_cause(const struct why *why) {
    return why->verdict == WHY_REFUSED ? cause_row(why->cause) : NULL;
}

/* How a line is made shorter, step by step: what to do goes first, names go last. */
static const struct shape {
    enum brevity brevity;
    bool whole_headline; /* with what to do */
    bool whole_prefix;
    bool cause_alone; /* its name, instead of the headline */
    bool source;      /* with the address that a client connects from */
} shapes[] = {
    {WHOLE, true, true, false, true},
    {WHOLE, false, true, false, true},
    {SHORT_ADDRESSES, false, true, false, true},
    {SHORT_BOTH, false, true, false, true},
    {WHOLE, true, true, false, false},
    {WHOLE, false, true, false, false},
    {SHORT_ADDRESSES, true, true, false, false},
    {SHORT_ADDRESSES, false, true, false, false},
    {NO_UNIT, true, true, false, false},
    {NO_UNIT, false, true, false, false},
    {SHORT_BOTH, true, true, false, false},
    {SHORT_BOTH, false, true, false, false},
    {SHORT_NAMES, false, true, false, false},
    {SHORT_NAMES, false, false, false, false},
    {SHORT_NAMES, false, false, true, false},
};

/* Returns whether the source need not be said: there is none, or the destination is this host. */
static bool is_source_plain(const struct why *why) {
    return why->asked.remote.family == 0 ||
           (why->asked.local.family == 0 &&
            (why->client.from.family == 0 || why->client.to_this_host));
}

/* The namespace, where several were looked at and it is not our own. */
static void print_namespace(const struct filling *filling) {
    const struct why *why = filling->why;
    if (!why->asked.name_namespace || why->where.path[0] == '\0')
        return;
    fputs(strncmp(why->where.name, "pid ", 4) == 0 ? " in the netns of " : " in netns ",
          filling->out);
    layout_text(filling->out, why->where.name);
}

/* What is in the way without SO_REUSEADDR: `TIME-WAIT, 59 s`, `ESTABLISHED of nginx (4711)`. */
static void print_obstacle(const struct filling *filling) {
    const struct suspect *suspect = blamed(filling->why);
    if (suspect == NULL)
        return;
    fputs(socket_state_name(suspect->occupant.socket.state), filling->out);
    if (suspect->occupant.socket.state == STATE_TIME_WAIT) {
        fputs(", ", filling->out);
        why_fields_time_left(filling->out, filling->why);
    } else if (suspect->owners.known > 0) {
        fputs(" of ", filling->out);
        fill_occupant(filling);
    }
}

/* `FREE 127.0.0.1:80, but shared with haproxy (17) and 1 worker`. */
static void print_shared(const struct filling *filling, const struct shape *shape) {
    fputs("FREE ", filling->out);
    fill_asked(filling);
    print_namespace(filling);
    fputs(", but shared with ", filling->out);
    fill_occupant(filling);
    if (shape->whole_headline && filling->why->asked.protocol == PROTOCOL_TCP)
        fputs(": connections are split", filling->out);
}

static void print_source(const struct filling *filling, const struct shape *shape) {
    if (shape->source)
        why_client_text_from(filling->out, filling->why);
}

static void print_free(const struct filling *filling, const struct shape *shape) {
    const struct why *why = filling->why;
    bool with_address = !why->needs_reuseaddr || shape->whole_headline;
    if (why->shared) {
        print_shared(filling, shape);
        return;
    }
    fputs("FREE", filling->out);
    if (with_address) {
        fputc(' ', filling->out);
        fill_asked(filling);
    }
    print_source(filling, shape);
    print_namespace(filling);
    if (why->needs_reuseaddr) {
        bool is_server = why->asked.remote.family == 0;
        fprintf(filling->out, " with SO_REUSEADDR%s; without: ",
                is_server && shape->brevity == WHOLE ? " (most servers set it)" : "");
        print_obstacle(filling);
        return;
    }
    if (why->asked.remote.family != 0) {
        fputs(": ", filling->out);
        why_client_text_free(filling->out, why, shape->whole_headline);
        return;
    }
    fputs(why->asked.unix_socket.is_client      ? ": a server has this socket"
          : why->asked.protocol != PROTOCOL_TCP ? ": bind() would succeed now"
                                                : ": bind() and listen() would succeed now",
          filling->out);
}

static void print_refused(const struct filling *filling, const struct shape *shape) {
    const struct why *why = filling->why;
    const char *headline = why_cause(why)->headline;
    char name[ERRNAME_SIZE];
    fprintf(filling->out, "%s ", errname(why->error, name));
    fill_asked(filling);
    print_source(filling, shape);
    print_namespace(filling);
    fputs(": ", filling->out);
    if (why->cause == CAUSE_PRIVILEGED_PORT && blamed(why) != NULL && shape->whole_prefix) {
        fputs("needs CAP_NET_BIND_SERVICE, and ", filling->out);
        fill_occupant(filling);
        fputc(' ', filling->out);
        fill_has(filling);
        fputs(" it", filling->out);
        return;
    }
    if (shape->cause_alone)
        fputs(why_cause(why)->name, filling->out);
    else
        fill(filling, headline, shape->whole_headline ? strlen(headline) : strcspn(headline, ";"));
}

static void print_verdict(const struct filling *filling, const struct shape *shape) {
    const struct why *why = filling->why;
    char name[ERRNAME_SIZE];
    if (why->verdict == WHY_FREE) {
        print_free(filling, shape);
    } else if (why->verdict == WHY_REFUSED) {
        print_refused(filling, shape);
    } else {
        fputs("UNKNOWN ", filling->out);
        fill_asked(filling);
        print_namespace(filling);
        bool reads = why->unread.what != NULL && why->failure == why->unread.what;
        bool whole = filling->brevity != SHORT_NAMES;
        bool needs_root = why->error == EPERM || why->error == EACCES;
        if (whole || (reads && !shape->cause_alone)) /* the file's name is dropped last */
            fprintf(filling->out, ": %s", why->failure);
        fprintf(filling->out, ": %s%s", errname(why->error, name),
                needs_root && (whole || !reads) ? "; needs root" : "");
    }
}

const char *why_line(const struct why *why, char *text) {
    const size_t count = sizeof shapes / sizeof shapes[0];
    size_t size = REPORT_LINE_SIZE;
    for (size_t i = 0; i < count && size >= REPORT_LINE_SIZE; i++) {
        struct composed line;
        if (shapes[i].source && shapes[i].brevity != WHOLE && is_source_plain(why))
            continue;
        const struct filling filling = {compose_begin(&line), why, shapes[i].brevity,
                                        !shapes[i].whole_headline};
        if (why->changed)
            fputs(shapes[i].whole_prefix ? "changed while looking; " : "changed; ", line.out);
        print_verdict(&filling, &shapes[i]);
        size = layout_line_end(&line, text);
    }
    return text;
}
