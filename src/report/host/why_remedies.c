/* What to do, in the order in which to try it: what shows more, then an option that a trial has
 * shown to help, then the remedies of the cause, and last what helps at the cost of others.
 *
 * A command runs as it is printed: in the namespace that was asked about, with sudo(8) where it
 * needs root. What it costs is a remark before it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "report/host/setting.h"
#include "report/host/why.h"
#include "report/host/why_fields.h"
#include "report/host/wide_range.h"
#include "report/shared/layout.h"

/* Where the lines go. */
struct advice {
    const struct why *why;
    why_step_visit *visit;
    void *context;
    bool *kept;  /* it was said how a setting is kept */
    bool *begun; /* a line was given */
};

/* --- lines --- */

/* Returns the text with its fields filled in, which the caller frees. */
static char *filled(const struct why *why, const char *text) {
    struct composed result;
    why_fill(compose_begin(&result), text, why);
    compose_end(&result);
    return result.bytes;
}

/* Visits the texts, one after the other, as one line. The first is taken as it is. */
static void advise(const struct advice *advice, enum why_step step, const char *start,
                   const char *text) {
    char *rest = filled(advice->why, text);
    size_t size = strlen(rest);
    while (size > 0 && rest[size - 1] == ' ') /* after the last option */
        rest[--size] = '\0';
    char *line = memory_format("%s%s", start, rest);
    advice->visit(advice->context, step, line);
    *advice->begun = true;
    free(line);
    free(rest);
}

/* An alternative comes behind something else. */
static void note(const struct advice *advice, const char *text) {
    static const char other[] = "or ";
    bool alone = !*advice->begun && strncmp(text, other, strlen(other)) == 0;
    advise(advice, STEP_NOTE, "# ", alone ? text + strlen(other) : text);
}

/* Visits the price, if there is one. */
static void state_price(const struct advice *advice, const char *price) {
    if (price != NULL && price[0] != '\0')
        advise(advice, STEP_PRICE, "# ", price);
}

static const char *sudo(const struct advice *advice, bool needs_root) {
    return needs_root && !advice->why->asked_by_root ? "sudo " : "";
}

/* --- commands --- */

static bool is_elsewhere(const struct why *why) {
    return why->where.path[0] != '\0';
}

/* To enter a namespace takes root. */
static void advise_inside(const struct advice *advice, bool needs_root, const char *command) {
    char *text = memory_format("{inside}%s", command);
    advise(advice, STEP_COMMAND, sudo(advice, needs_root || is_elsewhere(advice->why)), text);
    free(text);
}

static void visit_setting(void *context, const char *line) {
    const struct advice *advice = context;
    advice->visit(advice->context, line[0] == '#' ? STEP_NOTE : STEP_COMMAND, line);
    *advice->begun = true;
}

static void advise_sysctl(const struct advice *advice, const char *setting) {
    const struct why *why = advice->why;
    const struct setting_place place = {
        &why->where, why->hints.is_first_netns && !why->own_pids_only, why->asked_by_root};
    struct advice copy = *advice;
    char *text = filled(why, setting);
    setting_visit_lines(&place, text, advice->kept, visit_setting, &copy);
    free(text);
}

/* A command in the output of another one needs the same rights. */
static void advise_stop(const struct advice *advice, const struct stop *stop) {
    static const char inner[] = "$(";
    const char *prefix = sudo(advice, stop->root), *at = strstr(stop->line, inner);
    state_price(advice, stop->price);
    char *line = at == NULL ? memory_format("%s%s", prefix, stop->line)
                            : memory_format("%s%.*s%s%s%s", prefix, (int)(at - stop->line),
                                            stop->line, inner, prefix, at + strlen(inner));
    advice->visit(advice->context, STEP_COMMAND, line);
    *advice->begun = true;
    free(line);
}

/* Returns whether an earlier suspect has this server, too. */
static bool was_stopped(const struct evidence *evidence, unsigned suspect) {
    for (unsigned i = 0; i < suspect; i++)
        if (evidence->suspects[i].server.main.pid == evidence->suspects[suspect].server.main.pid &&
            evidence->suspects[i].server.shape == evidence->suspects[suspect].server.shape)
            return true;
    return false;
}

/* `ss -K` can end a connection. */
static bool is_connection(const struct suspect *suspect) {
    enum tcp_state state = suspect->occupant.socket.state;
    return suspect->occupant.socket.protocol == PROTOCOL_TCP && state != STATE_NONE &&
           state != STATE_LISTEN && state != STATE_BOUND;
}

/* Says how to find what no command was found for. */
static void advise_left(const struct advice *advice) {
    const struct why *why = advice->why;
    const struct rest *rest = &why->rest;
    if (rest->left == 0 || (why->hints.can_destroy && is_connection(&why->evidence.suspects[0])))
        return;
    char *text = memory_format("%u more socket%s in the way; this lists all, then ask again:",
                               (unsigned)rest->left, rest->left == 1 ? " is" : "s are");
    note(advice, text);
    free(text);
    advise_inside(advice, true,
                  why->asked.protocol == PROTOCOL_UDP ? "ss -Hanup 'sport = :{port}'"
                                                      : "ss -Hantp 'sport = :{port}'");
}

/* Visits what frees the port: the servers of the first socket, and of those like it. */
static void advise_stops(const struct advice *advice) {
    const struct evidence *evidence = &advice->why->evidence;
    if (advice->why->same_run)
        note(advice,
             "{occupant} was started by the same run: let each have a port of its own (with "
             "port 0 the kernel chooses one), or let them run one after the other");
    for (unsigned i = 0; i < evidence->suspect_count; i++) {
        const struct suspect *suspect = &evidence->suspects[i];
        if (suspect->blame.weight != evidence->suspects[0].blame.weight || was_stopped(evidence, i))
            continue;
        for (unsigned j = 0; j < suspect->server.stops.count; j++)
            advise_stop(advice, &suspect->server.stops.list[j]);
    }
    for (unsigned i = 0; i < advice->why->rest.stop_count; i++)
        advise_stop(advice, &advice->why->rest.stops[i]);
    advise_left(advice);
}

/* --- the situation --- */

static bool option_helps(const struct why *why, unsigned option) {
    return (why->tried & 1U << option) != 0 && why->trials[option].error == 0;
}

static bool reuseport_helps(const struct why *why) {
    return option_helps(why, WHY_REUSEPORT) ||
           (option_helps(why, WHY_REUSEADDR | WHY_REUSEPORT) && !option_helps(why, WHY_REUSEADDR));
}

static bool is_filled(const struct why *why, const char *field) {
    char *text = filled(why, field);
    bool any = text != NULL && text[0] != '\0';
    free(text);
    return any;
}

/* Returns whether tcp_tw_reuse=1 would let connect() choose a port that is in TIME-WAIT. */
static bool would_take_over(const struct why *why) {
    const struct evidence *evidence = &why->evidence;
    if (why->client.reuses || why->client.no_timestamps)
        return false;
    for (unsigned i = 0; i < evidence->group_count; i++)
        if (evidence->groups[i].state == STATE_TIME_WAIT)
            return true;
    return false;
}

static bool is_narrow(const struct why *why) {
    const struct port_range *range = &why->range;
    return range->low > wide_range_low(range, why->privileged_below) ||
           range->high < WIDE_RANGE_HIGH;
}

/* Returns the set of IF_... that hold. */
static unsigned situation(const struct why *why) {
    const struct evidence *evidence = &why->evidence;
    const struct suspect *first = evidence->suspect_count == 0 ? NULL : &evidence->suspects[0];
    enum tcp_state state = first == NULL ? STATE_NONE : first->occupant.socket.state;
    bool ends_by_itself = first != NULL && first->occupant.socket.expires_ms > 0 &&
                          (state == STATE_FIN_WAIT_2 || state == STATE_TIME_WAIT);
    return (first != NULL && first->server.stops.count > 0 ? IF_OWNER : 0U) |
           (!option_helps(why, WHY_REUSEADDR) && !reuseport_helps(why) ? IF_NO_OPTION : 0U) |
           (why->hints.can_destroy && first != NULL && is_connection(first) ? IF_DESTROY : 0U) |
           (why->hints.no_ipv6 ? IF_NO_IPV6 : IF_IPV6) |
           (is_filled(why, "{reserved_for_servers}") ? IF_SERVERS : 0U) |
           (is_narrow(why) ? IF_NARROW : 0U) |
           (is_filled(why, "{still_reserved}") && is_filled(why, "{given_up}") ? IF_RESERVED_MORE
                                                                               : 0U) |
           (!why->reserved ? IF_UNRESERVED : 0U) | (!why->asked_by_root ? IF_NOT_ROOT : 0U) |
           (why->hints.peer.pid != 0 ? IF_PEER : 0U) |
           ((why->when & WHEN_UNREAD) != 0 ? IF_UNREAD : IF_READ) |
           (ends_by_itself ? IF_TIMED : 0U) | (evidence->automatic ? IF_RANGE : IF_PORT) |
           (why->asked.protocol == PROTOCOL_UDP ? IF_UDP : IF_TCP) |
           (why->asked.unix_socket.name[0] != '\0' ? IF_FILE : IF_ABSTRACT) |
           (why_is_same_address(why) ? IF_SAME_ADDRESS : IF_OTHER_ADDRESS) |
           ((why->when & WHEN_LO_DOWN) != 0       ? IF_LO_DOWN
            : (why->when & WHEN_LINK_DOWN) != 0   ? IF_LINK_DOWN
            : (why->when & WHEN_NO_CARRIER) != 0  ? IF_NO_CARRIER
            : (why->when & WHEN_NOT_UNICAST) != 0 ? IF_NOT_UNICAST
                                                  : IF_ROUTE) |
           (why->call != NULL && strcmp(why->call, "connect") == 0 ? 0U : IF_BIND) |
           (would_take_over(why) ? IF_TW_REUSE : 0U);
}

/* --- the whole --- */

static void advise_remedy(const struct advice *advice, const struct cause_remedy *remedy) {
    if (remedy->kind == REMEDY_SYSCTL && advice->why->unread.what != NULL)
        return; /* the new value would be made from an old one that is not known */
    if (remedy->kind != REMEDY_NOTE)
        state_price(advice, remedy->price);
    switch (remedy->kind) {
    case REMEDY_NOTE:
        note(advice, remedy->text);
        return;
    case REMEDY_COMMAND:
        advise(advice, STEP_COMMAND, "", remedy->text);
        return;
    case REMEDY_ROOT:
        advise(advice, STEP_COMMAND, sudo(advice, true), remedy->text);
        return;
    case REMEDY_HERE:
    case REMEDY_HERE_ROOT:
        advise_inside(advice, remedy->kind == REMEDY_HERE_ROOT, remedy->text);
        return;
    case REMEDY_SYSCTL:
        advise_sysctl(advice, remedy->text);
        return;
    case REMEDY_STOP:
        advise_stops(advice);
    }
}

static bool has_listener(const struct evidence *evidence) {
    for (unsigned i = 0; i < evidence->suspect_count; i++)
        if (evidence->suspects[i].occupant.socket.state == STATE_LISTEN)
            return true;
    return false;
}

/* Visits the option with which a trial succeeded, if the program does not set it. */
static void advise_option(const struct advice *advice, bool last) {
    const struct why *why = advice->why;
    bool shares = has_listener(&why->evidence);
    if (why->error != EADDRINUSE)
        return;
    if (!last && option_helps(why, WHY_REUSEADDR) && !why->asked.reuseaddr)
        note(advice, "set SO_REUSEADDR before bind(): a trial with it has just worked");
    if (last == shares && reuseport_helps(why) && !why->asked.reuseport)
        note(advice,
             shares ? "with SO_REUSEPORT bind() would succeed, too; but your program would then "
                      "share the connections with {occupant}, without an error: do it only "
                      "for instances of one server"
                    : "set SO_REUSEPORT before bind(): a trial with it has just worked");
}

/* Of a port that is free with SO_REUSEADDR alone. */
static void advise_reuseaddr(const struct advice *advice) {
    note(advice, "nothing, if the program sets SO_REUSEADDR before bind(), as most servers do");
    note(advice, "if it does not, change it, or wait:");
    advise(advice, STEP_COMMAND, "", "portreuse why --watch --no-reuse-addr {question}");
}

static bool is_hidden(const struct why *why, const struct suspect *suspect) {
    return suspect->owners.known == 0 && suspect->occupant.socket.inode != 0 &&
           (why->unseen > 0 || suspect->owners.search == OWNERS_DENIED ||
            suspect->owners.search == OWNERS_HIDDEN);
}

/* Returns whether root would be told who has a socket that is as much in the way as the first. */
static bool root_sees_more(const struct why *why) {
    const struct evidence *evidence = &why->evidence;
    for (unsigned i = 0; !why->asked_by_root && i < evidence->suspect_count; i++)
        if (evidence->suspects[i].blame.weight == evidence->suspects[0].blame.weight &&
            is_hidden(why, &evidence->suspects[i]))
            return true;
    return false;
}

/* The process that most likely has the socket may not be looked into, but be ended. */
static void advise_own(const struct advice *advice, const struct owners *owners) {
    if (!owners_are_own(owners) || owners->own_count != 1)
        return;
    char *text = memory_format("or, if process %d has it, as is most likely: kill %d",
                               (int)owners->own.pid, (int)owners->own.pid);
    note(advice, text);
    free(text);
}

/* Explains the socket that most hosts have on port 53. */
static void advise_stub(const struct advice *advice) {
    static const uint8_t stub[][4] = {{127, 0, 0, 53}, {127, 0, 0, 54}};
    const struct why *why = advice->why;
    const struct endpoint *local = &why->evidence.suspects[0].occupant.socket.local;
    if (why->evidence.suspect_count == 0 || why->asked.protocol == PROTOCOL_UNIX ||
        local->port != 53)
        return;
    for (size_t i = 0; i < sizeof stub / sizeof stub[0]; i++)
        if (memcmp(local->address, stub[i], sizeof stub[i]) == 0)
            note(advice, "that is the address of systemd-resolved's stub: bind the other "
                         "addresses, or set DNSStubListener=no in resolved.conf; /etc/resolv.conf "
                         "then needs another server");
}

/* Of a port that is free because it is shared. */
static void advise_shared(const struct advice *advice) {
    const struct why *why = advice->why;
    if (why->asked.protocol == PROTOCOL_TCP)
        note(advice, "nothing, if both are instances of one server: the kernel divides the "
                     "connections among them; of different programs each gets connections that "
                     "are meant for the other, without an error");
    else if (why->asked.reuseport)
        note(advice, "nothing, if both are instances of one server: the kernel divides the "
                     "datagrams among them, without an error");
    else
        note(advice, "nothing, if both receive multicast; but of the datagrams to one address, the "
                     "socket that was bound last gets all, without an error");
    note(advice, "to be the only one, bind without {sharing_option}, or first stop the other:");
    advise_stops(advice);
}

void why_steps(const struct why *why, why_step_visit *visit, void *context) {
    bool kept = false, begun = false;
    const struct advice advice = {why, visit, context, &kept, &begun};
    const struct cause_row *cause = why_cause(why);
    if (why->needs_reuseaddr)
        advise_reuseaddr(&advice);
    if (why->shared)
        advise_shared(&advice);
    if (cause == NULL)
        return;
    unsigned holds = situation(why);
    if (root_sees_more(why))
        advise(&advice, STEP_COMMAND, "sudo ", "portreuse why {question}");
    if (why->evidence.suspect_count > 0)
        advise_own(&advice, &why->evidence.suspects[0].owners);
    advise_option(&advice, false);
    advise_stub(&advice);
    for (size_t i = 0; i < CAUSE_REMEDIES && cause_remedy_is(&cause->remedies[i]); i++)
        if ((cause->remedies[i].when & ~holds) == 0)
            advise_remedy(&advice, &cause->remedies[i]);
    advise_option(&advice, true);
}

struct lines {
    why_remedy_visit *visit;
    void *context;
};

static void visit_line(void *context, enum why_step step, const char *line) {
    const struct lines *lines = context;
    (void)step;
    lines->visit(lines->context, line);
}

void why_remedies(const struct why *why, why_remedy_visit *visit, void *context) {
    struct lines lines = {visit, context};
    why_steps(why, visit_line, &lines);
}

/* --- for people --- */

struct page {
    FILE *out;
    unsigned indent;
};

static void print_line(void *context, const char *line) {
    const struct page *page = context;
    layout_shell_line(page->out, line, page->indent);
}

void why_print_remedies(FILE *out, const struct why *why, unsigned indent) {
    struct page page = {out, indent};
    why_remedies(why, print_line, &page);
}
