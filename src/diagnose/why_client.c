/* The kernel answers by a connect() that sends nothing: the route, the source address, the security
 * modules, the port, and whether a TIME-WAIT is in the way. What it does not say is looked up
 * afterwards: by RTM_GETROUTE why there is no route, and whether the destination is here; by
 * sock_diag who listens there, and which sockets have the ports.
 *
 * A trial would take over a TIME-WAIT that the connection itself would take over. Such a one is
 * left alone, unless the question allows it, and judged by the rules: it is taken over if it is old
 * enough, its port is one that connect() may choose, and its connection had TCP timestamps. The
 * second is tried, towards another port of the same destination; of the third, only the setting of
 * this end is known. */
#include "diagnose/why_client.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "base/errnames.h"
#include "diagnose/budget.h"
#include "diagnose/why_path.h"
#include "diagnose/why_suspects.h"
#include "inspect/child.h"
#include "kernel/netdev.h"
#include "kernel/route.h"
#include "kernel/silent.h"
#include "kernel/sockets.h"
#include "kernel/sysctl.h"
#include "kernel/time_wait.h"

static void refuse(struct why *why, int error, const char *call) {
    why->verdict = WHY_REFUSED;
    why->error = error;
    why->call = call;
    why->needs_reuseaddr = false; /* what bind() alone would have met */
    why->evidence = (struct evidence){0};
}

static bool is_udp(const struct why *why) {
    return why->asked.protocol == PROTOCOL_UDP;
}

static bool has_no_timestamps(void) {
    return sysctl_number(NETNS_HERE, "net.ipv4.tcp_timestamps", 1, true, NULL) == 0;
}

/* --- asking the kernel --- */

/* A trial, and what is asked with it, for the process that asks as another user. */
struct attempt {
    struct silent_trial trial;
    struct route_question way;
    struct silent_answer answer;
    struct route route;
    int route_error;
    struct endpoint source; /* of a connect() that was refused; */
    int source_error;       /* why that could not be found out, or 0 */
};

static void make_attempt(void *context, FILE *more) {
    (void)more;
    struct attempt *attempt = context;
    silent_connect(NETNS_HERE, &attempt->trial, &attempt->answer);
    attempt->route_error = route_find(NETNS_HERE, &attempt->way, &attempt->route);
    if (attempt->answer.from.family == 0)
        attempt->source_error = silent_source(NETNS_HERE, &attempt->trial, &attempt->source);
}

static struct attempt attempt_of(const struct why *why) {
    const struct why_question *asked = &why->asked;
    struct attempt attempt = {
        .trial = {.protocol = asked->protocol,
                  .remote = asked->remote,
                  .local = asked->local,
                  .low = asked->range_low,
                  .high = asked->range_high,
                  .no_port = asked->no_port,
                  .reuseaddr = asked->reuseaddr,
                  .reuseport = asked->reuseport,
                  .v6only = asked->v6only,
                  .device = netdev_index(asked->device),
                  .zone = netdev_index(asked->zone),
                  .any_time_wait = asked->try_time_wait},
        .way = {.from = asked->local,
                .device = netdev_index(asked->device[0] != '\0' ? asked->device : asked->zone),
                .protocol = is_udp(why) ? IPPROTO_UDP : IPPROTO_TCP}};
    attempt.way.to = silent_destination(&attempt.trial);
    return attempt;
}

static const char asking_source[] = "asking for the source address";

/* Returns false after a failure. */
static bool ask(struct why *why, struct attempt *attempt) {
    const struct why_question *asked = &why->asked;
    struct child child = {.as = asked->as, .other_user = asked->other_user, .uid = asked->uid};
    const char *what;
    int error = 0;
    if (asked->as != 0 || asked->other_user)
        error = child_run(&child, make_attempt, attempt, sizeof *attempt, NULL, &what);
    else
        make_attempt(attempt, NULL);
    if (error == 0 && attempt->answer.verdict == SILENT_FAILED) {
        error = attempt->answer.error;
        what = "trying connect()";
    }
    if (error == 0 && errno_says_nothing(attempt->route_error)) {
        error = attempt->route_error;
        what = "asking for the route";
    }
    if (error == 0 && attempt->source_error != 0) {
        error = attempt->source_error;
        what = asking_source;
    }
    if (error != 0)
        why_fail(why, error, what);
    return error == 0;
}

/* tcp_twsk_unique() in net/ipv4/tcp_ipv4.c. */
static bool reuses_time_wait(const struct attempt *attempt) {
    enum { LOOPBACK_INDEX = 1 };
    bool loopback = endpoint_is_loopback(&attempt->way.to) ||
                    endpoint_is_loopback(&attempt->trial.local) ||
                    attempt->trial.device == LOOPBACK_INDEX;
    unsigned reuse = sysctl_number(NETNS_HERE, "net.ipv4.tcp_tw_reuse", 0, true, NULL);
    return reuse == 1 || (reuse == 2 && loopback);
}

static void note_answer(struct why *why, const struct attempt *attempt) {
    struct why_client *client = &why->client;
    const struct silent_answer *answer = &attempt->answer;
    client->tried = answer->verdict == SILENT_TRIED;
    client->not_tried = answer->verdict == SILENT_NOT_TRIED ? answer->reason : NULL;
    client->route_error = attempt->route_error;
    client->to = attempt->way.to;
    client->no_timestamps = has_no_timestamps();
    client->reuses = !client->no_timestamps && reuses_time_wait(attempt);
    client->to_this_host = attempt->route_error == 0 && attempt->route.local;
    client->path = attempt->route_error == 0 ? why_path_of(&attempt->route)
                                             : why_path_missing(&attempt->way.to);
    client->from = answer->from.family != 0      ? answer->from
                   : attempt->source.family != 0 ? attempt->source
                                                 : attempt->route.source;
    bool is_bound = why->asked.local.family != 0 && !endpoint_is_wildcard(&why->asked.local);
    if (is_bound && answer->from.family == 0)
        client->from = why->asked.local; /* but bind() to a broadcast address gives no source */
    client->from.port = why->asked.local.port;
}

/* --- whether anybody listens --- */

struct audience {
    struct claim claim; /* a socket on the destination itself: what it meets hears the client */
    enum knowledge heard;
};

/* What arrives from this host comes through `lo`. */
static bool hears(void *context, const struct inet_socket *socket) {
    struct audience *audience = context;
    enum { LOOPBACK_INDEX = 1 };
    struct occupant occupant = {.socket = *socket};
    enum knowledge meets = rules_meet(&audience->claim, &occupant).in_the_way;
    if (socket->interface != 0 && socket->interface != LOOPBACK_INDEX)
        return true;
    if (meets == KNOWN_YES || audience->heard == KNOWN_NO)
        audience->heard = meets == KNOWN_NO ? audience->heard : meets;
    return audience->heard != KNOWN_YES;
}

/* Of UDP, a connected socket hears only its own peer. */
static enum knowledge find_audience(const struct why *why) {
    struct endpoint to = why->client.to;
    struct audience audience = {.claim = {.protocol = why->asked.protocol, .local = to},
                                .heard = KNOWN_NO};
    struct diag_query query = sockdiag_query(is_udp(why) ? 1U << STATE_CLOSED : 1U << STATE_LISTEN);
    struct sockets sockets = sockets_open(NETNS_HERE);
    query.protocol = why->asked.protocol;
    query.local = (struct endpoint_pattern){.any_address = true, .endpoint = {.port = to.port}};
    int error = sockets_dump(&sockets, &query, hears, &audience);
    sockets_close(&sockets);
    return error == 0 ? audience.heard : NOT_KNOWN;
}

/* --- TCP timestamps of what is in TIME-WAIT --- */

/* Root of the host reads in the kernel which of these connections had none. */
static void read_stamps(struct why_client *client, struct port_set *unstamped) {
    struct time_wait_route route = {.local = client->from, .remote = client->to};
    if (route.local.family == 0)
        route.local = endpoint_wildcard(client->to.family, 0);
    client->stamps_read = time_wait_stamps(&route, 1) == 0;
    client->no_timestamps |=
        client->stamps_read && port_set_any(&route.without) && !port_set_any(&route.with);
    *unstamped = route.without;
}

/* --- why it is refused --- */

static bool lo_is_down(void) {
    return !netdev_is_up(NETNS_HERE, "lo");
}

/* There is no way to the destination. */
static void explain_route(struct why *why, const struct attempt *attempt) {
    const uint8_t *from = why->asked.local.address;
    struct endpoint to = endpoint_unmapped(&attempt->way.to);
    bool loopback = to.family == AF_INET && to.address[0] == 127;
    unsigned when = WHEN_ALWAYS;
    if (attempt->route.broadcast || attempt->route.multicast || to.address[0] == 0xff ||
        (to.family == AF_INET && to.address[0] >= 224 && !is_udp(why)))
        when = WHEN_NOT_UNICAST;
    else if (why->asked.local.family == AF_INET && from[0] == 127 && !loopback &&
             why->error == EINVAL) {
        why_blame(why, CAUSE_WRONG_SOURCE, WHEN_ALWAYS);
        return;
    } else if (why->error != ENETUNREACH)
        when = WHEN_ROUTE_REFUSES;
    else if (loopback && lo_is_down())
        when = WHEN_LO_DOWN;
    else if (attempt->route_error != 0)
        when = why_path_when(&why->client.path);
    why_blame(why, CAUSE_NO_ROUTE, when);
}

static bool finds_no_source(const struct why *why, const struct attempt *attempt) {
    return why->error == EADDRNOTAVAIL && attempt->source.family == 0 &&
           why->asked.local.family == 0 && port_range_size(&why->range) > 0;
}

static void explain_connect(struct why *why, const struct attempt *attempt) {
    int error = why->error;
    if (finds_no_source(why, attempt)) {
        why_blame(why, CAUSE_ADDRESS_NOT_LOCAL, WHEN_CONNECT | WHEN_NO_OCCUPANT);
        if (lo_is_down() && endpoint_unmapped(&attempt->way.to).address[15] == 1)
            why_blame(why, CAUSE_NO_ROUTE, WHEN_LO_DOWN);
    } else if (error == EADDRNOTAVAIL || error == EAGAIN) {
        struct port_set unstamped;
        why_find_suspects(why);
        read_stamps(&why->client, &unstamped);
    } else if (error == attempt->route_error || error == ENETUNREACH || error == EHOSTUNREACH ||
               error == EINVAL || (error == EACCES && attempt->route.broadcast)) {
        explain_route(why, attempt);
    } else if (error == EACCES || error == EPERM) {
        why_blame(why, CAUSE_NOT_PERMITTED, WHEN_NO_OCCUPANT);
    } else {
        why_fail(why, error, "trying connect()");
    }
}

static void explain(struct why *why, const struct attempt *attempt) {
    const struct silent_answer *answer = &attempt->answer;
    refuse(why, answer->error, answer->call);
    if (strcmp(answer->call, "connect") == 0)
        explain_connect(why, attempt);
    else if (strcmp(answer->call, "bind") == 0 && answer->error == EADDRINUSE)
        why_find_suspects(why);
    else if (answer->error == EAFNOSUPPORT)
        why_blame(why, CAUSE_ADDRESS_NOT_LOCAL, WHEN_CONNECT | WHEN_NO_IPV6);
    else if (strcmp(answer->call, "bind") == 0 &&
             (answer->error == EADDRNOTAVAIL || answer->error == EACCES || answer->error == EPERM))
        why_explain_without_socket(why);
    else
        why_fail(why, answer->error, answer->call);
}

/* --- TIME-WAIT --- */

struct waiting {
    struct silent_trial trial; /* for one local port, towards other ports */
    struct port_range range;
    uint32_t delay_ms;
    const struct port_set *unstamped; /* ports of those that had no TCP timestamps */
    unsigned left;                    /* how many more are tried */
    bool found;
};

/* Returns whether connect() may choose this local port at all, by a trial towards another port of
 * the destination: it has that connection too then, for some microseconds. What already goes there
 * from the same local port says nothing, so several are tried. */
static bool may_be_chosen(const struct waiting *waiting, uint16_t local_port) {
    struct silent_trial trial = waiting->trial;
    trial.low = trial.high = local_port;
    for (unsigned bit = 0; bit < 8; bit++) {
        struct silent_answer answer;
        trial.remote.port = waiting->trial.remote.port ^ (uint16_t)(1U << bit);
        silent_connect(NETNS_HERE, &trial, &answer);
        if (answer.verdict == SILENT_TRIED && answer.error == 0)
            return true;
    }
    return false;
}

static bool can_be_taken_over(void *context, const struct inet_socket *socket) {
    struct waiting *waiting = context;
    if (socket->expires_ms + waiting->delay_ms > TIME_WAIT_MS ||
        !port_range_has(&waiting->range, socket->local.port) ||
        port_set_has(waiting->unstamped, socket->local.port))
        return true;
    waiting->found = may_be_chosen(waiting, socket->local.port);
    return !waiting->found && --waiting->left > 0;
}

/* Returns whether a connection whose port connect() chooses can take over one of these. */
static bool finds_one_to_take(const struct why *why, const struct attempt *attempt,
                              const struct port_set *unstamped) {
    struct waiting waiting = {
        .trial = attempt->trial,
        .range = port_range_narrow(&why->range, why->asked.range_low, why->asked.range_high),
        .delay_ms = sysctl_number(NETNS_HERE, "net.ipv4.tcp_tw_reuse_delay", 1000, true, NULL),
        .unstamped = unstamped,
        .left = 512};
    struct diag_query query = sockdiag_query(1U << STATE_TIME_WAIT);
    struct sockets sockets = sockets_open(NETNS_HERE);
    query.remote = (struct endpoint_pattern){.endpoint = endpoint_unmapped(&why->client.to)};
    query.local = (struct endpoint_pattern){.endpoint = endpoint_unmapped(&why->client.from),
                                            .any_address = why->client.from.family == 0,
                                            .any_port = true};
    waiting.trial.known_silent = true;
    sockets_dump(&sockets, &query, can_be_taken_over, &waiting);
    sockets_close(&sockets);
    return waiting.found;
}

/* Whether connections to the peer have TCP timestamps: what those that live have. */
struct stamps {
    uint16_t port;
    enum knowledge same_port, other_port;
};

static bool note_stamps(void *context, const struct inet_socket *socket) {
    struct stamps *stamps = context;
    if (socket->timestamps_known)
        *(socket->remote.port == stamps->port ? &stamps->same_port : &stamps->other_port) =
            knowledge_of(socket->timestamps);
    return stamps->same_port == NOT_KNOWN;
}

/* Within one network namespace, the one setting is that of both ends. */
static enum knowledge find_timestamps(const struct why *why) {
    struct stamps stamps = {.port = why->client.to.port};
    struct diag_query query = sockdiag_query(1U << STATE_ESTABLISHED | 1U << STATE_CLOSE_WAIT |
                                             1U << STATE_FIN_WAIT_1 | 1U << STATE_FIN_WAIT_2);
    if (why->client.no_timestamps)
        return KNOWN_NO;
    if (why->client.to_this_host)
        return KNOWN_YES;
    struct sockets sockets = sockets_open(NETNS_HERE);
    query.remote =
        (struct endpoint_pattern){.endpoint = endpoint_unmapped(&why->client.to), .any_port = true};
    query.opener = true;
    sockets_dump(&sockets, &query, note_stamps, &stamps);
    sockets_close(&sockets);
    return stamps.same_port != NOT_KNOWN ? stamps.same_port : stamps.other_port;
}

/* Nothing but taking over a TIME-WAIT is left. Root of the host reads in the kernel which of these
 * had timestamps; others go by what lives. */
static void judge_time_wait(struct why *why, const struct attempt *attempt) {
    struct why_client *client = &why->client;
    struct port_set unstamped;
    uint16_t port = why->asked.local.port;
    client->not_tried = "a trial would end a TIME-WAIT";
    read_stamps(client, &unstamped);
    client->timestamps = client->stamps_read ? KNOWN_YES : find_timestamps(why);
    if (client->timestamps != KNOWN_NO &&
        (port != 0 ? !port_set_has(&unstamped, port)
                   : finds_one_to_take(why, attempt, &unstamped))) {
        client->takes_time_wait = true;
        return;
    }
    refuse(why, attempt->answer.error, attempt->answer.call);
    why_find_suspects(why);
}

/* --- without a trial --- */

static bool is_connected(const struct why *why) {
    struct inet_socket socket;
    int diag = sockdiag_open(NETNS_HERE);
    bool connected = diag >= 0 &&
                     sockdiag_find_on(diag, why_refusal(why).claim.interface, &why->client.from,
                                      &why->client.to, &socket) == 0 &&
                     (socket.state != STATE_TIME_WAIT || has_no_timestamps());
    if (diag >= 0)
        close(diag);
    return connected;
}

/* Returns whether the range has a port left, by the sockets that there are. */
static bool finds_port(struct why *why) {
    struct budget_question question = {.remote = why->client.to};
    struct namespace here = namespaces_here();
    struct budget budget;
    budget_look(&question, &here, &budget);
    if (budget.failure != NULL)
        why_fail(why, budget.error, budget.failure);
    return budget.failure != NULL || budget.routes[0].left > 0;
}

/* The route is asked for, and the sockets show whether a port is left. */
static void count(struct why *why, struct attempt *attempt) {
    attempt->answer.call = "connect";
    attempt->answer.error = attempt->route_error;
    if (attempt->route_error != 0) {
        explain(why, attempt);
        return;
    }
    if (attempt->trial.local.port != 0 ? !is_connected(why) : finds_port(why))
        return;
    refuse(why, EADDRNOTAVAIL, "connect");
    why_find_suspects(why);
}

/* --- the way --- */

static bool is_blocked(const struct why *why) {
    enum why_path_fault fault = why->client.path.fault;
    return fault == PATH_DOWN || fault == PATH_NO_CARRIER;
}

/* The call gets its port, and then its packets do not get out: TCP gives up in the end. connect()
 * of UDP sends nothing, and succeeds. */
static void judge_path(struct why *why) {
    if (why->verdict != WHY_FREE || is_udp(why) || why->client.route_error != 0 || !is_blocked(why))
        return;
    refuse(why, why->client.path.error, "connect");
    why_blame(why, CAUSE_NO_ROUTE, why_path_when(&why->client.path));
}

/* --- the whole --- */

void why_client_judge(struct why *why) {
    struct attempt attempt = attempt_of(why);
    if (!ask(why, &attempt))
        return;
    note_answer(why, &attempt);
    if (attempt.answer.verdict == SILENT_NOT_TRIED)
        count(why, &attempt);
    else if (attempt.answer.verdict == SILENT_TIME_WAIT)
        judge_time_wait(why, &attempt);
    else if (attempt.answer.error != 0)
        explain(why, &attempt);
    judge_path(why);
    if (why->verdict == WHY_FREE && why->client.to_this_host)
        why->client.listens = find_audience(why);
    /* TCP knows a simultaneous open: such a socket needs no listener. */
    why->client.to_itself = !is_udp(why) && why->client.listens == KNOWN_NO &&
                            why->client.from.port == why->client.to.port &&
                            endpoint_same_address(&why->client.from, &why->client.to);
}

/* An errno of the route can also have come back from a router, or from the neighbour that did not
 * answer. */
bool why_client_explain(struct why *why) {
    struct attempt attempt = attempt_of(why);
    attempt.answer =
        (struct silent_answer){.verdict = SILENT_TRIED, .error = why->error, .call = "connect"};
    attempt.route_error = route_find(NETNS_HERE, &attempt.way, &attempt.route);
    attempt.source_error = silent_source(NETNS_HERE, &attempt.trial, &attempt.source);
    if (attempt.source_error != 0) {
        why_fail(why, attempt.source_error, asking_source);
        return false;
    }
    note_answer(why, &attempt);
    if (why->error == why->client.path.error && is_blocked(why)) {
        why_blame(why, CAUSE_NO_ROUTE, why_path_when(&why->client.path));
        return true;
    }
    if (why->error != EADDRNOTAVAIL && why->error != EACCES && why->error != EPERM &&
        why->error != attempt.route_error)
        return false;
    explain_connect(why, &attempt);
    return why->verdict == WHY_REFUSED;
}

bool why_client_holds(const struct why *why) {
    struct why again = *why;
    struct attempt attempt = attempt_of(why);
    if (!why->client.tried || why->asked.remote.family == 0)
        return true;
    if (!ask(&again, &attempt))
        return false;
    note_answer(&again, &attempt);
    bool by_path = why->verdict == WHY_REFUSED && is_blocked(why) && why->client.route_error == 0;
    if (again.client.path.fault != why->client.path.fault)
        return false;
    return attempt.answer.verdict == SILENT_TRIED &&
           attempt.answer.error == (by_path ? 0 : why->error) &&
           (why->verdict != WHY_FREE || !why->client.to_this_host ||
            find_audience(why) == why->client.listens);
}

/* That nothing listens at one address is no answer while another could not be looked at. */
unsigned why_client_rank(const struct why *why) {
    if (why->verdict == WHY_FREE)
        return why->client.listens == KNOWN_NO ? 2 : 4;
    if (why->verdict == WHY_UNKNOWN)
        return errno_says_nothing(why->error) ? 3 : 1;
    return 0;
}
