/* In this order: what is wrong at all, what a program does wrong, what TIME-WAIT costs, how many
 * ports and addresses it takes, and the range. What a command costs is a remark before it. */
#include "report/host/budget_advice.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/errnames.h"
#include "base/text.h"
#include "report/host/setting.h"
#include "report/host/wide_range.h"
#include "report/shared/place.h"

/* Where the lines go. */
struct advice {
    const struct budget *budget;
    const struct budget_route *route;
    budget_advice_visit *visit;
    void *context;
    struct port_set reserved; /* after the commands so far */
    bool said_how_to_keep;
};

enum { TIME_WAIT_S = TIME_WAIT_MS / 1000 };

/* --- lines --- */

/* Visits what `print` writes to a stream, in one line. */
typedef void line_print(FILE *out, const struct advice *advice, const char *text);

static void say(const struct advice *advice, line_print *print, const char *text) {
    struct composed line;
    print(compose_begin(&line), advice, text);
    advice->visit(advice->context, compose_end(&line));
    compose_free(&line);
}

static void note(const struct advice *advice, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void note(const struct advice *advice, const char *format, ...) {
    struct composed line;
    va_list values;
    fputs("# ", compose_begin(&line));
    va_start(values, format);
    vfprintf(line.out, format, values);
    va_end(values);
    advice->visit(advice->context, compose_end(&line));
    compose_free(&line);
}

/* --- settings --- */

static void set(struct advice *advice, const char *setting) {
    const struct budget *budget = advice->budget;
    const struct setting_place place = {&budget->where, budget->is_first_netns,
                                        budget->asked_by_root};
    setting_visit_lines(&place, setting, &advice->said_how_to_keep, advice->visit, advice->context);
}

/* Sets the list of ports that are reserved. */
static void reserve(struct advice *advice) {
    struct composed setting;
    FILE *out = compose_begin(&setting);
    fputs("net.ipv4.ip_local_reserved_ports=", out);
    port_set_print(&advice->reserved, out);
    set(advice, compose_end(&setting));
    compose_free(&setting);
}

/* --- what is wrong --- */

static void print_why(FILE *out, const struct advice *advice, const char *text) {
    const struct budget *budget = advice->budget;
    char address[ENDPOINT_TEXT_SIZE];
    (void)text;
    fputs("portreuse why --as client ", out);
    place_print_option(out, &budget->where);
    if (budget->asked.local.family != 0)
        fprintf(out, "--from %s ",
                inet_ntop(budget->asked.local.family, budget->asked.local.address, address,
                          sizeof address));
    place_print_value(out, "--device", budget->asked.device);
    fputs(endpoint_text(&budget->asked.remote, address), out);
}

static void advise_refused(const struct advice *advice) {
    char name[ERRNAME_SIZE];
    if (advice->budget->refused == 0)
        return;
    note(advice, "%s is not about ports; this shows what it means:",
         errname(advice->budget->refused, name));
    say(advice, print_why, "");
}

static void advise_bind(const struct advice *advice) {
    uint32_t ports = advice->budget->by_bind_ports;
    if (ports > 0)
        note(advice,
             "bind() with port 0 chose %" PRIu32 " port%s, which no other destination can use "
             "then: set IP_BIND_ADDRESS_NO_PORT before that bind(), or do not call it",
             ports, ports == 1 ? "" : "s");
}

/* --- connections that should have ended --- */

/* Prints `ss -tK state STATE` for the connections of the route. */
static void print_destroy(FILE *out, const struct advice *advice, const char *state) {
    const struct budget *budget = advice->budget;
    char text[ENDPOINT_TEXT_SIZE];
    if (!budget->asked_by_root)
        fputs("sudo ", out);
    place_print_inside(out, &budget->where);
    fprintf(out, "ss -tK state %s dst %s", state, endpoint_text(&advice->route->remote, text));
}

static void print_kill(FILE *out, const struct advice *advice, const char *pid) {
    const struct owner *owner = &advice->route->owners.list[0].owner;
    bool mine = advice->budget->asked_by_root || owner->uid == geteuid();
    fprintf(out, "%skill %s", mine ? "" : "sudo ", pid);
}

/* The program that has most of what the peer has closed. */
static void advise_leak(const struct advice *advice) {
    const struct budget_owner *leak = &advice->route->owners.list[0];
    char pid[16];
    bool found = advice->route->owners.known > 0 && leak->close_wait > 0 && leak->owner.pid != 0;
    if (budget_figures_cause(advice->budget, advice->route) != CAUSE_CLOSE_WAIT_LEAK)
        return;
    note(advice,
         "close-wait-leak: the peer has closed %" PRIu32 " of these connections, but this side has "
         "not: it must call close() when recv() returns 0",
         advice->route->states[STATE_CLOSE_WAIT]);
    if (found) {
        snprintf(pid, sizeof pid, "%d", (int)leak->owner.pid);
        note(advice, "restart %s%s%s, which closes them; what it is doing now is lost:",
             leak->owner.program, leak->owner.unit[0] == '\0' ? "" : " of ", leak->owner.unit);
        say(advice, print_kill, pid);
    }
    note(advice, "or only abort them, until they leak again; the program gets an error:");
    say(advice, print_destroy, "close-wait");
}

/* Returns how long the kernel keeps a connection in FIN-WAIT-2 that is closed: of tcp_fin_timeout,
 * what exceeds the time of TIME-WAIT counts twice (tcp_rcv_state_process() and
 * tcp_keepalive_timer() in net/ipv4 of the kernel). */
static unsigned fin_wait_2_s(unsigned fin_timeout_s) {
    return fin_timeout_s > TIME_WAIT_S ? 2 * (fin_timeout_s - TIME_WAIT_S) : fin_timeout_s;
}

/* The peer has to close, and is perhaps on this host. */
static void advise_orphans(struct advice *advice) {
    if (budget_figures_cause(advice->budget, advice->route) != CAUSE_FIN_WAIT_2_ORPHAN)
        return;
    uint32_t orphans = advice->route->states[STATE_FIN_WAIT_2];
    note(advice,
         "fin-wait-2-orphan: this side has closed %" PRIu32 " of these connections, but the peer "
         "has not; tcp_fin_timeout lets %s port for up to %u s",
         orphans, orphans == 1 ? "it keep its" : "each keep its",
         fin_wait_2_s(advice->budget->fin_timeout_s));
    if (advice->budget->peer.pid != 0)
        note(advice, "%s (%d) has the other end: it must close what its peer has closed",
             advice->budget->peer.program, (int)advice->budget->peer.pid);
    note(advice,
         "end them now; the peer gets a reset, at the latest when it sends, and what it sends is "
         "lost:");
    say(advice, print_destroy, "fin-wait-2");
    note(advice, "or let the next ones end sooner; a peer that still sends then gets a reset:");
    set(advice, "net.ipv4.tcp_fin_timeout=10");
}

/* --- TIME-WAIT --- */

/* Of a program that names its ports. */
static void advise_named(const struct advice *advice) {
    const struct budget_question *asked = &advice->budget->asked;
    if (advice->route->waiting > 0 && !asked->reuseaddr)
        note(advice,
             "set SO_REUSEADDR before bind(): with it on the old and the new socket, and "
             "with TCP timestamps, a connection takes over the TIME-WAIT of an earlier one");
}

/* Returns how many of the ports only TIME-WAIT keeps. */
static uint32_t waiting(const struct budget_route *route) {
    return route->waiting > route->reusable ? route->waiting - route->reusable : 0;
}

static void advise_reuse(struct advice *advice) {
    const struct budget *budget = advice->budget;
    const struct budget_route *route = advice->route;
    if (route->reuse == KNOWN_NO) {
        note(advice, budget->timestamps
                         ? "the other end has no TCP timestamps: tcp_tw_reuse does not help here"
                         : "without TCP timestamps (net.ipv4.tcp_timestamps=0) tcp_tw_reuse does "
                           "not help; later connections have them with:");
        if (!budget->timestamps)
            set(advice, "net.ipv4.tcp_timestamps=1");
        return;
    }
    if (route->may_reuse <= route->reusable && route->kept_own > 0)
        return; /* bind() or accept() has them */
    note(advice,
         "or let connect() take over what has been in TIME-WAIT for more than %.3g s, now %" PRIu32
         " port%s%s; the kernel's documentation says not to do so without expert advice:",
         budget->tw_reuse_delay_ms / 1e3, route->may_reuse - route->reusable,
         route->may_reuse - route->reusable == 1 ? "" : "s",
         route->reuse == NOT_KNOWN ? ", if the other end has TCP timestamps" : "");
    set(advice, "net.ipv4.tcp_tw_reuse=1");
}

static void advise_time_wait(struct advice *advice) {
    const struct budget_route *route = advice->route;
    if (waiting(route) * 4 < route->blocked || waiting(route) == 0 ||
        budget_figures_reuse(advice->budget, route))
        return;
    note(advice,
         "keep connections open and reuse them (HTTP keep-alive, a pool; keepalive in an "
         "upstream of nginx), or let the other end close first: each that is closed here keeps its "
         "port for %d s",
         TIME_WAIT_S);
    advise_reuse(advice);
}

/* --- how many --- */

static uint32_t divided(double by, uint32_t size) {
    uint32_t whole = (uint32_t)(by / size);
    return by > (double)whole * size ? whole + 1 : whole;
}

/* At a rate of closings, that many ports are in TIME-WAIT, and some connections are open. Where
 * connect() takes over TIME-WAIT, the rate cannot be told from what is left of it. */
static void advise_number(const struct advice *advice) {
    const struct budget *budget = advice->budget;
    const struct budget_route *route = advice->route;
    uint32_t size = port_range_size(&budget->range), usable = size - route->kept;
    double rate = (double)route->closed / BUDGET_RECENT_S;
    uint32_t open = route->blocked > waiting(route) ? route->blocked - waiting(route) : 0;
    double ports = rate * TIME_WAIT_S + open;
    if (rate == 0 || usable == 0 || route->kept > size || budget_figures_reuse(budget, route))
        return;
    uint32_t sources = divided(ports, usable);
    note(advice,
         "at %.*f new connections a second, each closed here first, you need %.0f ports, that is "
         "%" PRIu32 " source address%s or destination%s; this range has %" PRIu32,
         rate < 10, rate, ports, sources, sources == 1 ? "" : "es", sources == 1 ? "" : "s",
         usable);
}

static void advise_sources(const struct advice *advice) {
    if (advice->route->blocked > 0)
        note(advice, "more addresses of this host as the source, or of the destination, have as "
                     "many ports each (source in haproxy, proxy_bind in nginx, with "
                     "IP_BIND_ADDRESS_NO_PORT)");
}

/* --- the range --- */

static void advise_range(struct advice *advice) {
    const struct port_range *range = &advice->budget->range;
    char setting[64];
    unsigned low = wide_range_low(range, advice->budget->privileged_below);
    bool adds = false;
    if (advice->budget->own_range || (range->low == low && range->high == WIDE_RANGE_HIGH))
        return;
    note(advice, "before you widen the range, reserve the ports of all servers in it: any other "
                 "port can go to an outgoing connection; on a Kubernetes node reserve 30000-32767 "
                 "(NodePorts), too");
    for (uint32_t port = low; port <= UINT16_MAX; port++)
        if (port_set_has(&advice->budget->servers, (uint16_t)port))
            adds |= port_set_add(&advice->reserved, (uint16_t)port);
    if (adds) {
        note(advice, "reserved already, or with a listener now; add the servers that do not run:");
        reserve(advice);
    }
    note(advice, "then widen it, at the cost of what is not reserved:");
    snprintf(setting, sizeof setting, "net.ipv4.ip_local_port_range=%u %u", low, UINT16_MAX);
    set(advice, setting);
}

/* While no server listens on a port of the range, connect() to it can choose that very port. */
static void advise_self(struct advice *advice) {
    const struct budget *budget = advice->budget;
    uint16_t port = advice->route->remote.port;
    if (!budget->is_local || !port_range_has(&budget->range, port) || budget->own_range ||
        !port_set_add(&advice->reserved, port))
        return;
    note(advice,
         "port %u of this host is one of the range: while nobody listens there, connect() can "
         "connect to itself (portreuse run self-connect); reserve it, at the cost of one port:",
         port);
    reserve(advice);
}

void budget_advice(const struct budget *budget, bool is_short, budget_advice_visit *visit,
                   void *context) {
    struct advice advice = {budget,  &budget->routes[0],     visit,
                            context, budget->range.reserved, false};
    if (budget->failure != NULL || advice.route->remote.family == 0)
        return;
    advise_refused(&advice);
    if (budget->refused == 0 && (is_short || budget->exhausted_s >= 0)) {
        advise_leak(&advice);
        advise_orphans(&advice);
        if (budget->asked.named_high != 0)
            advise_named(&advice);
        else
            advise_bind(&advice);
        if (budget->asked.named_high == 0)
            advise_time_wait(&advice);
        advise_number(&advice);
        advise_sources(&advice);
        advise_range(&advice);
    }
    advise_self(&advice);
}
