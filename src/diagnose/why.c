/* Ask the kernel, by trial binds; find what explains its answer; find out whether that is still so
 * (why_steady.h). Sockets and processes come and go meanwhile: if it is not, all of it is done
 * again, some times, and if no answer holds, the last one says that things changed while looking.
 *
 * What explains a refusal: sock_diag lists the sockets in the way; the trials say something about
 * their options; /proc shows who owns them, and the owners' own descriptors show their options.
 * With all that the suspects are weighed again, and the heaviest is blamed.
 *
 * A trial must not harm a server that is starting. One with SO_REUSEADDR does not: beside a bound
 * socket that has the option and does not listen, another one with it can bind and listen. So that
 * one comes first. A trial without it is made only if it will be refused as well, most likely. */
#include "diagnose/why.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/units.h"
#include "diagnose/why_client.h"
#include "diagnose/why_shared.h"
#include "diagnose/why_steady.h"
#include "inspect/child.h"
#include "kernel/credentials.h"
#include "kernel/netdev.h"
#include "kernel/netns.h"
#include "kernel/process.h"
#include "kernel/route.h"
#include "kernel/socket.h"
#include "kernel/sockets.h"
#include "kernel/sysctl.h"

/* --- asking the kernel --- */

/* Some trials, for the child process that makes them. */
struct attempt {
    struct trial trial;
    unsigned options; /* a set, 1 << options */
    struct why_trial answers[WHY_TRIALS];
};

static void make_attempt(void *context, FILE *more) {
    (void)more;
    struct attempt *attempt = context;
    for (unsigned options = 0; options < WHY_TRIALS; options++) {
        if ((attempt->options & 1U << options) == 0)
            continue;
        struct why_trial *answer = &attempt->answers[options];
        attempt->trial.reuseaddr = (options & WHY_REUSEADDR) != 0;
        attempt->trial.reuseport = (options & WHY_REUSEPORT) != 0;
        attempt->trial.cookie = &answer->cookie;
        answer->error = socket_trial(NETNS_HERE, &attempt->trial, &answer->call);
    }
}

bool why_try(struct why *why, unsigned options) {
    const struct why_question *asked = &why->asked;
    struct attempt attempt = {.trial = {.protocol = asked->protocol,
                                        .local = asked->local,
                                        .v6only = asked->v6only,
                                        .device = netdev_index(asked->device),
                                        .zone = netdev_index(asked->zone)},
                              .options = options & ~why->tried};
    struct child child = {.as = asked->as, .other_user = asked->other_user, .uid = asked->uid};
    const char *what;
    int error = 0;
    if (attempt.options == 0)
        return true;
    if (asked->as != 0 || asked->other_user)
        error = child_run(&child, make_attempt, &attempt, sizeof attempt, NULL, &what);
    else
        make_attempt(&attempt, NULL);
    if (error != 0) {
        why_fail(why, error, what);
        return false;
    }
    why->tried |= attempt.options;
    for (unsigned i = 0; i < WHY_TRIALS; i++)
        if ((attempt.options & 1U << i) != 0)
            why->trials[i] = attempt.answers[i];
    return true;
}

/* Returns whether bind() is tried by itself. A client's bind() to port 0 is tried together with
 * connect(): it may leave the port to that (IP_BIND_ADDRESS_NO_PORT). */
static bool binds(const struct why_question *asked) {
    return asked->local.family != 0 && (asked->remote.family == 0 || asked->local.port != 0);
}

static bool first_trial(struct why *why) {
    return !binds(&why->asked) || why_try(why, 1U << why_first_options(&why->asked));
}

/* --- other looks at the sockets --- */

/* The port is counted after the trial has succeeded. */
struct count {
    struct why *why;
    struct refusal refusal;
};

static bool count_one(void *context, const struct inet_socket *socket) {
    struct count *count = context;
    struct occupant occupant = {.socket = *socket};
    count->why->on_port[socket->state]++;
    count->why->late +=
        !count->refusal.claim.reuseport && cause_ruling(&count->refusal, &occupant) == KNOWN_YES;
    return true;
}

/* To list the sockets that are bound and idle the kernel walks through those of all namespaces:
 * where each of thousands is looked at, that is left out. */
static void count_on_port(struct why *why) {
    struct count count = {why, why_trial_refusal(why, why_first_options(&why->asked))};
    struct diag_query query = evidence_query(&count.refusal);
    if (why->asked.name_namespace)
        query.states &= ~(1U << STATE_BOUND);
    query.opener = true; /* as in the search for suspects that may follow */
    struct sockets sockets = sockets_open(NETNS_HERE);
    sockets.memory = why_listed();
    if (why->asked.local.port != 0)
        why->count_error = sockets_dump(&sockets, &query, count_one, &count);
    why->counted = why->asked.local.port != 0 && why->count_error == 0;
    sockets_close(&sockets);
}

static bool has_connections(const struct why *why) {
    for (unsigned state = 0; state < STATE_COUNT; state++)
        if (why->on_port[state] > 0)
            return true;
    return false;
}

/* --- the answer --- */

static void refuse(struct why *why, const struct why_trial *trial) {
    why->verdict = WHY_REFUSED;
    why->error = trial->error;
    why->call = trial->call;
}

/* Returns whether a socket is in the way for certain, whatever is not known of it: one that is
 * bound and may be about to listen, for one. */
static bool is_certain(const struct why *why) {
    struct refusal refusal = why_refusal(why);
    for (unsigned i = 0; i < why->evidence.suspect_count; i++)
        if (cause_ruling(&refusal, &why->evidence.suspects[i].occupant) == KNOWN_YES)
            return true;
    return false;
}

/* bind() takes the broadcast address of a network on an interface. The kernel is asked only where
 * that matters: for a TCP server on a certain address. */
static bool is_broadcast(const struct why_question *asked) {
    const struct endpoint *local = &asked->local;
    const struct route_question question = {.to = *local, .protocol = IPPROTO_TCP};
    struct route route;
    bool matters = asked->protocol != PROTOCOL_UDP && asked->remote.family == 0 &&
                   local->family == AF_INET && !endpoint_is_wildcard(local);
    return matters && route_find(NETNS_HERE, &question, &route) == 0 && route.broadcast;
}

/* The first trial, with SO_REUSEADDR, has succeeded. Whether bind() would be refused without it,
 * the rules say; where they are in doubt, a trial does. */
static void judge_free(struct why *why) {
    const struct why_question *asked = &why->asked;
    why->broadcast = is_broadcast(asked);
    unsigned plain = why_first_options(asked) & ~(unsigned)WHY_REUSEADDR;
    count_on_port(why);
    why_shared_find(why);
    if (asked->protocol == PROTOCOL_UDP || asked->local.port == 0 || why->shared)
        return;
    why->needs_reuseaddr = true;
    if (has_connections(why)) {
        why->error = EADDRINUSE;
        why_find_suspects(why);
        why->error = 0;
    }
    if (why->evidence.total > 0 && !is_certain(why) && !why_try(why, 1U << plain))
        return;
    if ((why->tried & 1U << plain) != 0)
        why->needs_reuseaddr = why->trials[plain].error == EADDRINUSE;
    else
        why->needs_reuseaddr = why->evidence.total > 0;
    if (!why->needs_reuseaddr) {
        why->evidence = (struct evidence){0};
        why->time_left_ms = 0;
        why->words = NULL;
    }
}

/* A privileged port can be taken as well. */
static void find_occupant_anyway(struct why *why) {
    int error = why->error;
    enum cause cause = why->cause;
    const char *words = why->words;
    why->error = EADDRINUSE;
    why_find_suspects(why);
    why->error = error;
    why->cause = cause;
    why->words = words;
    why->when = WHEN_NO_OCCUPANT;
    /* No trial has shown whether a connection would be in the way. */
    if (why->asked.protocol == PROTOCOL_TCP && why->evidence.suspect_count > 0 &&
        why->evidence.suspects[0].occupant.socket.state != STATE_LISTEN)
        why->evidence = (struct evidence){0};
}

static bool reuseaddr_helps(const struct why *why) {
    return (why->tried & 1U << WHY_REUSEADDR) != 0 && why->trials[WHY_REUSEADDR].error == 0;
}

/* What bind() says EINVAL to (__inet6_bind() in net/ipv6/af_inet6.c), or NULL. */
static const char *invalid_address(const struct why_question *asked) {
    bool ipv6 = asked->local.family == AF_INET6;
    if (ipv6 && asked->protocol != PROTOCOL_UDP && asked->local.address[0] == 0xff)
        return "TCP takes no IPv6 multicast address";
    if (ipv6 && asked->v6only && endpoint_is_mapped(&asked->local))
        return "IPV6_V6ONLY excludes it";
    return NULL;
}

/* Without SO_REUSEADDR, what is refused with it is refused as well: the one trial that is left to
 * make has both options. Where SO_REUSEADDR has helped it is not made: it would succeed, and from
 * then on the kernel would let SO_REUSEPORT alone bind over a TIME-WAIT that lacks it
 * (inet_csk_update_fastreuse() in net/ipv4/inet_connection_sock.c). */
static void judge_refusal(struct why *why, const struct why_trial *trial) {
    if (trial->error == EADDRINUSE && why->asked.protocol != PROTOCOL_UDP &&
        why_asks_reuseport_alone(&why->asked) && !why_try(why, 1U << WHY_REUSEADDR))
        return;
    if (trial->error == EADDRINUSE && why->asked.protocol != PROTOCOL_UDP &&
        !reuseaddr_helps(why) && !why_try(why, 1U << (WHY_REUSEADDR | WHY_REUSEPORT)))
        return;
    refuse(why, trial);
    if (trial->error == EADDRINUSE)
        why_find_suspects(why);
    else if (trial->error == EADDRNOTAVAIL || trial->error == EACCES || trial->error == EPERM)
        why_explain_without_socket(why);
    else if (trial->error == EAFNOSUPPORT && why->asked.local.family == AF_INET6)
        why_fail(why, trial->error, "no IPv6 here (boot parameter ipv6.disable)");
    else if (trial->error == EINVAL && invalid_address(&why->asked) != NULL)
        why_fail(why, trial->error, invalid_address(&why->asked));
    else
        why_fail(why, trial->error, trial->call);
    if (why->verdict == WHY_REFUSED && why->cause == CAUSE_PRIVILEGED_PORT)
        find_occupant_anyway(why);
}

void why_judge_bind(struct why *why) {
    const struct why_question *asked = &why->asked;
    const struct why_trial *first = &why->trials[why_first_options(asked)];
    const struct why_trial *mine = &why->trials[why_asked_options(asked)];
    if (asked->every_trial && !why_try(why, (1U << WHY_TRIALS) - 1))
        return;
    if (first->error != 0) {
        judge_refusal(why, first);
    } else if (mine == first) {
        judge_free(why);
    } else if (why_try(why, 1U << why_asked_options(asked))) {
        if (mine->error != 0) {
            judge_refusal(why, mine);
        } else {
            count_on_port(why);
            why_shared_find(why);
        }
    }
}

static void judge(struct why *why) {
    if (why->verdict != WHY_UNKNOWN && binds(&why->asked))
        why_judge_bind(why);
    if (why->verdict == WHY_FREE && why->asked.remote.family != 0)
        why_client_judge(why);
}

void why_read_settings(struct why *why) {
    sysctl_port_range(NETNS_HERE, &why->range, &why->unread);
    why->in_range =
        why->asked.local.port >= why->range.low && why->asked.local.port <= why->range.high;
    why->reserved = port_set_has(&why->range.reserved, why->asked.local.port);
    why->privileged_below = (uint16_t)sysctl_number(
        NETNS_HERE, "net.ipv4.ip_unprivileged_port_start", 1024, false, &why->unread);
    why->own_pids_only = !process_sees_all();
}

/* Returns whether the answer depends on the range of ports that the kernel chooses from. */
static bool needs_range(const struct why_question *asked) {
    return asked->local.port == 0;
}

static void look_at_port(struct why *why) {
    const struct why_question *asked = &why->asked;
    why_read_settings(why);
    if (asked->device[0] != '\0' && netdev_index(asked->device) == 0)
        why_fail(why, errno, "finding the network device");
    else if (asked->zone[0] != '\0' && netdev_index(asked->zone) == 0)
        why_fail(why, errno, "finding the device of the address");
    else if (why->unread.what != NULL && needs_range(asked))
        why_fail(why, why->unread.error, why->unread.what);
    else if (first_trial(why))
        judge(why);
}

/* --- Unix sockets --- */

static void look_at_name(void *context, FILE *more) {
    (void)more;
    struct why *why = context;
    why_unix_look(&why->asked.unix_socket, &why->unix_socket);
}

/* Returns whether the name means another file for the process as which is asked. */
static bool has_other_files(const struct why_question *asked) {
    const char *name = asked->unix_socket.name;
    return asked->as != 0 && name[0] != '\0' &&
           (name[0] != '/' || !credentials_share_files(asked->as));
}

/* As the user that is asked about: the answer depends on the rights to files. */
static void look_as_user(struct why *why) {
    const struct why_question *asked = &why->asked;
    struct child child = {.as = asked->as,
                          .files = has_other_files(asked),
                          .other_user = asked->other_user,
                          .uid = asked->uid};
    const char *what;
    int error = 0;
    if (asked->as != 0 || asked->other_user)
        error = child_run(&child, look_at_name, why, sizeof *why, NULL, &what);
    else
        look_at_name(why, NULL);
    why->unix_socket.files_of = child.files ? asked->as : 0;
    if (error != 0)
        why_fail(why, error, what);
}

void why_find_unix_owners(struct why *why) {
    const struct unix_socket *socket = &why->unix_socket.socket;
    struct evidence *evidence = &why->evidence;
    evidence->total = evidence->suspect_count = 1;
    evidence->suspects[0] = (struct suspect){
        .occupant.socket = {.protocol = PROTOCOL_UNIX,
                            .state = socket->state,
                            .inode = socket->inode,
                            .uid = socket->uid_known ? socket->uid : SOCKET_UID_UNKNOWN,
                            .receive_queue = socket->receive_queue,
                            .send_queue = socket->send_queue},
        .blame = {.cause = why->cause}};
    why->unseen = evidence_find_owners(evidence);
}

static void look_at_unix_socket(struct why *why) {
    const struct why_unix *found = &why->unix_socket;
    why->own_pids_only = !process_sees_all();
    look_as_user(why);
    if (found->unread != 0)
        why_fail(why, found->unread, why_unix_unread);
    if (why->verdict == WHY_UNKNOWN)
        return;
    if (found->error == 0 && found->place == UNIX_ABSTRACT && found->bound == NOT_KNOWN) {
        why_fail(why, ENOENT, "listing the Unix sockets (unix_diag)");
        return;
    }
    if (found->error != 0) {
        why->verdict = WHY_REFUSED;
        why->error = found->error;
        why->call = found->call;
        why_blame(why, found->cause, WHEN_ALWAYS);
    }
    if (found->found)
        why_find_unix_owners(why);
}

/* --- until it holds --- */

static void look_once(struct why *why, const struct why_question *asked) {
    struct namespace where = why->where;
    *why = (struct why){.where = where, .asked = *asked};
    if (asked->protocol == PROTOCOL_UNIX)
        look_at_unix_socket(why);
    else
        look_at_port(why);
}

static bool asks_unix_again(const struct why *why) {
    struct why again = {.where = why->where, .asked = why->asked};
    look_as_user(&again);
    return again.verdict != WHY_UNKNOWN && again.unix_socket.error == why->unix_socket.error &&
           again.unix_socket.found == why->unix_socket.found &&
           again.unix_socket.socket.inode == why->unix_socket.socket.inode;
}

/* Returns whether the kernel still answers what it answered. A trial that succeeded is made again
 * only if a socket that was found should have refused it. */
static bool asks_again(const struct why *why, struct why_watch *watch) {
    const struct why_question *asked = &why->asked;
    struct why again = {.asked = *asked};
    unsigned first = why_first_options(asked), mine = why_asked_options(asked);
    if (asked->protocol == PROTOCOL_UNIX)
        return asks_unix_again(why);
    if (!binds(asked) || (why->trials[first].error == 0 && why_is_proved(why)))
        return why_client_holds(why);
    if (why_is_proved(why) || (why->tried & 1U << mine) == 0)
        mine = first;
    bool tried = why_try(&again, 1U << first | 1U << mine);
    why_watch_except(watch, &again);
    return tried && again.trials[first].error == why->trials[first].error &&
           again.trials[mine].error == why->trials[mine].error && why_client_holds(why);
}

/* Returns whether the answer stays the same for a while in which no socket comes or goes: one that
 * does can have refused the trial, and not have been there when the sockets were listed. Looks now
 * and then are not enough for that: they can fall in step with a server that starts again and
 * again, and meet it at each trial and at no list. But if it ends, the kernel says so; if not, the
 * last look shows it. The pauses are long enough for a process that waits for a processor. */
static bool stays(const struct why *why) {
    static const long pauses_ms[] = {1, 2, 4, 8, 16, 32, 64};
    const size_t times = sizeof pauses_ms / sizeof pauses_ms[0];
    struct why_watch watch = why_watch_begin(why);
    struct why_signs first = why_read_signs(why);
    bool holds = !first.new_one && asks_again(why, &watch) && why_suspects_hold(why);
    for (size_t i = 0; holds && i < times; i++) {
        struct timespec pause = {.tv_nsec = pauses_ms[i] * NS_PER_MS};
        nanosleep(&pause, NULL);
        holds = why_signs_stay(why, &first) && asks_again(why, &watch) && why_suspects_hold(why);
    }
    holds = holds && why_signs_stay(why, &first);
    return !why_watch_end(&watch, why) && holds;
}

/* An answer that the sockets prove holds if they are still there. */
static bool sockets_hold(const struct why *why) {
    return why_is_proved(why) ? asks_again(why, NULL) && why_suspects_hold(why) : stays(why);
}

/* Returns whether the owners of the socket that is blamed came and went. */
static bool owners_changed(const struct why *why) {
    const struct suspect *first = &why->evidence.suspects[0];
    return why->verdict == WHY_REFUSED && why->evidence.suspect_count > 0 &&
           first->owners.count == 0 && first->owners.search == OWNERS_CHANGED;
}

/* No answer has held. Of sockets that are gone nothing is said, as long as others are left; and
 * nothing that they do not prove. Of a socket that no process seemed to have nobody says that none
 * has it. */
static void say_less(struct why *why, bool sockets) {
    if (!sockets) {
        why_drop_gone(why);
        if (!why_is_proved(why))
            why_drop_suspects(why);
    }
    if (why->cause == CAUSE_HELD_BY_NO_PROCESS)
        why_name(why);
}

void why_settle(struct why *why) {
    bool sockets = sockets_hold(why);
    why->changed = !sockets || !evidence_owners_hold(&why->evidence) || owners_changed(why);
    if (why->changed)
        say_less(why, sockets);
}

/* What an answer comes to. */
struct gist {
    enum why_verdict verdict;
    enum cause cause;
    enum knowledge listens;
};

static struct gist gist_of(const struct why *why) {
    return (struct gist){why->verdict, why->cause, why->client.listens};
}

/* What could not be looked at contradicts nothing. */
static bool agree(enum knowledge a, enum knowledge b) {
    return a == b || a == NOT_KNOWN || b == NOT_KNOWN;
}

/* A trial that ends a TIME-WAIT removes a cause itself. */
static bool same_gist(const struct gist *a, const struct gist *b,
                      const struct why_question *asked) {
    return a->verdict == b->verdict && agree(a->listens, b->listens) &&
           (a->cause == b->cause || asked->try_time_wait);
}

/* The last look counts. Where the first one saw something else, that is told. */
static void look_until_it_holds(struct why *why, const struct why_question *asked) {
    enum { LEAST = 2, MOST = 5, TIME_MS = 700 };
    uint64_t end = units_now_ns() + (uint64_t)TIME_MS * NS_PER_MS;
    struct gist first = {0}, last;
    bool sockets = false, owners = false, any = false;
    for (int i = 0; !owners && (i < LEAST || (i < MOST && units_now_ns() < end)); i++) {
        if (i > 0)
            why_forget();
        look_once(why, asked);
        sockets = why->verdict == WHY_UNKNOWN || sockets_hold(why);
        owners = sockets && evidence_owners_hold(&why->evidence);
        last = gist_of(why);
        if (!any) /* a look that failed saw nothing */
            first = last;
        any |= why->verdict != WHY_UNKNOWN;
    }
    why->changed = why->verdict != WHY_UNKNOWN &&
                   (!owners || owners_changed(why) || !same_gist(&first, &last, asked));
    if (why->changed)
        say_less(why, sockets);
}

/* --- several addresses --- */

unsigned why_rank(const struct why *why) {
    bool known = why->evidence.suspect_count > 0;
    unsigned kind = why->cause == CAUSE_DUAL_STACK             ? 0
                    : why->cause == CAUSE_WILDCARD_VS_SPECIFIC ? 1
                                                               : 2;
    if (why->verdict == WHY_FREE)
        return why->shared ? 2 : why->needs_reuseaddr ? 1 : 0;
    if (why->verdict == WHY_UNKNOWN)
        return 3;
    if (why->error != EADDRINUSE)
        return why->error == EADDRNOTAVAIL ? 4 : 5;
    return 6 + (known ? 3 * why->evidence.suspects[0].blame.weight + kind : 0);
}

/* A server binds all of its addresses; a client is content with one. */
static bool is_better(const struct why *why, const struct why *best) {
    if (why->asked.remote.family != 0)
        return why_client_rank(why) > why_client_rank(best);
    return why_rank(why) > why_rank(best);
}

static struct why_address address_of(const struct why *why) {
    return (struct why_address){.remote = why->asked.remote,
                                .verdict = why->verdict,
                                .error = why->error,
                                .listens = why->client.listens};
}

/* An address of a family that does not work here is not bound by a server either. */
static void look_at_others(struct why *why, struct why *one, const struct why_question *asked) {
    struct why_address addresses[WHY_OTHERS + 1] = {address_of(why)};
    bool is_client = asked->remote.family != 0;
    unsigned count = 1;
    struct endpoint free_one = why->verdict == WHY_FREE ? why->asked.local : (struct endpoint){0};
    bool ipv6 = netns_has_ipv6(NETNS_HERE);
    for (unsigned i = 0; i < asked->other_count; i++) {
        struct why_question other = *asked;
        *(asked->remote.family != 0 ? &other.remote : &other.local) = asked->others[i];
        if (!is_client && asked->others[i].family == AF_INET6 && !ipv6)
            continue;
        one->where = why->where;
        look_until_it_holds(one, &other);
        addresses[count++] = address_of(one);
        if (one->verdict == WHY_FREE)
            free_one = one->asked.local;
        if (is_better(one, why))
            *why = *one;
    }
    if (why->verdict == WHY_REFUSED && asked->remote.family == 0)
        why->free_other = free_one;
    why->address_count = is_client ? count : 0;
    memcpy(why->addresses, addresses, sizeof addresses);
}

void why_find_hints(struct why *why) {
    if (why->verdict == WHY_FREE && !why->needs_reuseaddr)
        return;
    const struct why_question *asked = &why->asked;
    bool is_remote = asked->local.family == 0;
    why_hints_look(why->error, is_remote ? &asked->remote : &asked->local, &why->evidence,
                   &why->hints);
    if (why->cause == CAUSE_ADDRESS_NOT_LOCAL && why->hints.no_ipv6)
        why_blame(why, why->cause, why->when | WHEN_NO_IPV6);
}

struct glance {
    const struct why *why;
    struct why_signs signs;
};

static void glance_here(void *context, FILE *more) {
    (void)more;
    struct glance *glance = context;
    glance->signs = why_read_signs(glance->why);
}

uint64_t why_glance(const struct why *why) {
    struct glance glance = {.why = why};
    struct child child = {.where = &why->where};
    const char *what;
    if (why->where.path[0] == '\0')
        glance_here(&glance, NULL);
    else if (child_run(&child, glance_here, &glance, sizeof glance, NULL, &what) != 0)
        return 0;
    return glance.signs.sum;
}

static void look_here(void *context, FILE *more) {
    (void)more;
    struct why *why = context;
    struct why_question asked = why->asked;
    look_until_it_holds(why, &asked);
    if (asked.protocol == PROTOCOL_UNIX)
        return;
    struct why *one = asked.other_count == 0 ? NULL : malloc(sizeof *one);
    if (one != NULL)
        look_at_others(why, one, &asked);
    else if (asked.other_count > 0)
        why_fail(why, ENOMEM, "looking at the other addresses");
    free(one);
    if (asked.remote.family == 0 && asked.local.port != 0)
        other_protocol_look(asked.protocol, asked.local.port, &why->other);
    why_find_hints(why);
}

/* What an earlier look saw is not used again. */
static void look_anew(struct why *why) {
    why_forget();
    look_here(why, NULL);
    why_forget();
}

void why_look(const struct why_question *question, const struct namespace *where, struct why *why) {
    struct child child = {.where = where};
    const char *what;
    int error = 0;
    *why = (struct why){.where = *where, .asked = *question};
    if (where->path[0] == '\0')
        look_anew(why);
    else
        error = child_run(&child, look_here, why, sizeof *why, NULL, &what);
    if (error != 0)
        why_fail(why, error, what);
    why->asked_by_root = geteuid() == 0;
}
