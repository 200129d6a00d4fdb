/* Why the kernel refused: for a refused call and another socket, whether that was in the way and
 * what the cause is called. The tables are the rules; a row is one refusal and one occupant. */
#include "an_endpoint.h"
#include "test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "model/cause.h"
#include "model/udp.h"
#include "scenario/catalogue.h"

/* What a socket is, has set, or is known of it. Of an occupant, what is not said is known not to be
 * so, unless UNSURE says that nothing is known. */
enum {
    PLAIN = 0,
    REUSEADDR = 1,
    REUSEPORT = 2,
    V6ONLY = 4,
    OUTGOING = 8,    /* occupant: made by connect() */
    OTHER_USER = 16, /* occupant: of another user than the caller */
    NO_FILE = 32,    /* occupant: no process has it open */
    CHOSEN = 64,     /* occupant: its port was asked for by bind() */
    UNSURE = 128,    /* occupant: its options are not known */
    OWN_RANGE = 256, /* the caller has IP_LOCAL_PORT_RANGE */
    RESERVED = 512,  /* all ports that the caller could get are reserved */
    INHERITED = 512, /* occupant: who made it has it no more */
    UDP = 1024,      /* the caller is a UDP socket, and so is the occupant */
};

enum { USER = 1000, ANOTHER_USER = 1001, RANGE_LOW = 40000, RANGE_HIGH = 40003 };

struct call {
    enum port_call call;
    int error;
    const char *local, *remote; /* NULL: no endpoint */
    unsigned options;
};

struct other {
    enum tcp_state state;
    const char *local, *remote; /* NULL: the wildcard, port 0 */
    unsigned options;
};

struct row {
    struct call call;
    struct other other;
    const char *cause; /* NULL: not in the way */
};

#define BIND(local, options)                                                                       \
    { CALL_BIND, EADDRINUSE, local, NULL, options }
#define LISTEN(local, options)                                                                     \
    { CALL_LISTEN, EADDRINUSE, local, NULL, options }
#define CONNECT(local, remote)                                                                     \
    { CALL_CONNECT, EADDRNOTAVAIL, local, remote, PLAIN }

#define LISTENER(local, options)                                                                   \
    { STATE_LISTEN, local, NULL, options }
#define BOUND(local, options)                                                                      \
    { STATE_BOUND, local, NULL, options }

#define NOT_IN_THE_WAY NULL

/* --- from a row to the question --- */

static struct refusal a_refusal(const struct call *call) {
    return (struct refusal){
        .call = call->call,
        .error = call->error,
        .claim = {.protocol = call->options & UDP ? PROTOCOL_UDP : PROTOCOL_TCP,
                  .local = an_endpoint(call->local),
                  .remote = call->remote == NULL ? (struct endpoint){0} : an_endpoint(call->remote),
                  .reuseaddr = (call->options & REUSEADDR) != 0,
                  .reuseport = (call->options & REUSEPORT) != 0,
                  .v6only = (call->options & V6ONLY) != 0,
                  .uid = USER,
                  .range_low = RANGE_LOW,
                  .range_high = RANGE_HIGH},
        .own_range = (call->options & OWN_RANGE) != 0,
        .all_reserved = (call->options & RESERVED) != 0,
    };
}

static enum knowledge known(const struct other *other, unsigned option) {
    if (other->options & UNSURE)
        return NOT_KNOWN;
    return other->options & option ? KNOWN_YES : KNOWN_NO;
}

static struct occupant an_occupant(const struct other *other) {
    struct endpoint local = an_endpoint(other->local);
    struct claim bound = {.local = local, .v6only = (other->options & V6ONLY) != 0};
    return (struct occupant){
        .socket = {.state = other->state,
                   .local = local,
                   .remote = other->remote == NULL ? endpoint_wildcard(local.family, 0)
                                                   : an_endpoint(other->remote),
                   .inode = other->options & NO_FILE ? 0 : 4711,
                   .uid = other->options & OTHER_USER ? ANOTHER_USER : USER,
                   .v6only = rules_v6only(&bound),
                   .v6only_known = true},
        .reuseaddr = known(other, REUSEADDR),
        .reuseport = known(other, REUSEPORT),
        .outgoing = known(other, OUTGOING),
        .bound = known(other, CHOSEN),
        .inherited = known(other, INHERITED),
    };
}

static void describe(char *text, size_t size, const struct row *row) {
    snprintf(text, size, "%s %s -> %s options %u, beside %s %s -> %s options %u",
             row->call.call == CALL_BIND      ? "bind"
             : row->call.call == CALL_CONNECT ? "connect"
                                              : "listen",
             row->call.local, row->call.remote == NULL ? "-" : row->call.remote, row->call.options,
             socket_state_name(row->other.state), row->other.local,
             row->other.remote == NULL ? "-" : row->other.remote, row->other.options);
}

/* The rule that refuses must be one that the cause is a case of. */
static void check_rule(const char *text, enum cause cause, enum rule rule) {
    for (size_t i = 0; i < CAUSE_RULES; i++)
        if (cause_row(cause)->rules[i] == rule)
            return;
    fail_msg("%s: %s is no case of the rule %s", text, cause_name(cause), rules_text(rule)->name);
}

static void check_row(const struct row *row) {
    struct refusal refusal = a_refusal(&row->call);
    struct occupant occupant = an_occupant(&row->other);
    bool in_the_way = cause_in_the_way(&refusal, &occupant);
    char text[256];
    describe(text, sizeof text, row);
    if (in_the_way != (row->cause != NOT_IN_THE_WAY))
        fail_msg("%s: %s", text, in_the_way ? "in the way" : "not in the way");
    if (row->cause == NOT_IN_THE_WAY)
        return;
    struct blame blame = cause_blame(&refusal, &occupant);
    if (strcmp(cause_name(blame.cause), row->cause) != 0)
        fail_msg("%s: want %s, got %s", text, row->cause, cause_name(blame.cause));
    assert_true(strlen(cause_sentence(blame.cause, blame.when)) > 20);
    if (blame.cause != CAUSE_RESERVED_PORTS) /* which is no rule between sockets */
        check_rule(text, blame.cause,
                   refusal.claim.protocol == PROTOCOL_UDP
                       ? udp_between(&refusal.claim, &occupant).rule
                       : rules_between(refusal.call, &refusal.claim, &occupant).rule);
}

#define CHECK(table)                                                                               \
    do {                                                                                           \
        for (size_t row_ = 0; row_ < ROWS(table); row_++)                                          \
            check_row(&(table)[row_]);                                                             \
    } while (0)

/* --- bind() --- */

static const struct row bind_addresses[] = {
    {BIND("127.0.0.1:80", 0), LISTENER("127.0.0.1:80", 0), "address-in-use"},
    {BIND("0.0.0.0:80", 0), LISTENER("0.0.0.0:80", 0), "address-in-use"},
    {BIND("[::1]:80", 0), LISTENER("[::1]:80", 0), "address-in-use"},
    {BIND("[::]:80", 0), LISTENER("[::]:80", 0), "address-in-use"},
    {BIND("[::]:80", V6ONLY), LISTENER("[::]:80", V6ONLY), "address-in-use"},
    {BIND("127.0.0.1:80", 0), LISTENER("127.0.0.1:81", 0), NOT_IN_THE_WAY},
    {BIND("127.0.0.1:80", 0), LISTENER("127.0.0.2:80", 0), NOT_IN_THE_WAY},
    {BIND("0.0.0.0:80", 0), LISTENER("0.0.0.0:81", 0), NOT_IN_THE_WAY},
    {BIND("[::1]:80", 0), LISTENER("[::2]:80", 0), NOT_IN_THE_WAY},
    {BIND("127.0.0.1:80", 0), LISTENER("[::1]:80", 0), NOT_IN_THE_WAY},
    {BIND("0.0.0.0:80", 0), LISTENER("127.0.0.1:80", 0), "wildcard-vs-specific"},
    {BIND("127.0.0.1:80", 0), LISTENER("0.0.0.0:80", 0), "wildcard-vs-specific"},
    {BIND("[::]:80", 0), LISTENER("[::1]:80", 0), "wildcard-vs-specific"},
    {BIND("[::1]:80", V6ONLY), LISTENER("[::]:80", V6ONLY), "wildcard-vs-specific"},
};

static void bind_meets_the_same_address_and_wildcards(void **state) {
    (void)state;
    CHECK(bind_addresses);
}

static const struct row bind_leaked[] = {
    {BIND("127.0.0.1:80", 0), LISTENER("127.0.0.1:80", INHERITED), "leaked-listener"},
    {BIND("127.0.0.1:80", REUSEPORT), LISTENER("127.0.0.1:80", INHERITED), "leaked-listener"},
    {BIND("127.0.0.1:80", REUSEPORT), LISTENER("127.0.0.1:80", INHERITED | REUSEPORT),
     NOT_IN_THE_WAY},
    {BIND("0.0.0.0:80", 0), LISTENER("127.0.0.1:80", INHERITED), "wildcard-vs-specific"},
    {BIND("127.0.0.1:80", 0), BOUND("127.0.0.1:80", INHERITED), "bound-but-idle"},
};

static void bind_meets_a_listener_that_a_child_has_inherited(void **state) {
    (void)state;
    CHECK(bind_leaked);
}

static const struct row bind_families[] = {
    {BIND("127.0.0.1:80", 0), LISTENER("[::]:80", 0), "dual-stack"},
    {BIND("0.0.0.0:80", 0), LISTENER("[::]:80", 0), "dual-stack"},
    {BIND("[::]:80", 0), LISTENER("127.0.0.1:80", 0), "dual-stack"},
    {BIND("[::]:80", 0), LISTENER("0.0.0.0:80", 0), "dual-stack"},
    {BIND("127.0.0.1:80", 0), LISTENER("[::]:80", V6ONLY), NOT_IN_THE_WAY},
    {BIND("0.0.0.0:80", 0), LISTENER("[::]:80", V6ONLY), NOT_IN_THE_WAY},
    {BIND("[::]:80", V6ONLY), LISTENER("127.0.0.1:80", 0), NOT_IN_THE_WAY},
    {BIND("[::]:80", V6ONLY), LISTENER("0.0.0.0:80", 0), NOT_IN_THE_WAY},
    /* only the wildcard takes IPv4 too */
    {BIND("0.0.0.0:80", 0), LISTENER("[::1]:80", 0), NOT_IN_THE_WAY},
    {BIND("[::1]:80", 0), LISTENER("0.0.0.0:80", 0), NOT_IN_THE_WAY},
};

static void bind_to_the_ipv6_wildcard_takes_ipv4_unless_v6only(void **state) {
    (void)state;
    CHECK(bind_families);
}

static const struct row bind_mapped[] = {
    {BIND("127.0.0.1:80", 0), LISTENER("[::ffff:127.0.0.1]:80", 0), "address-in-use"},
    {BIND("[::ffff:127.0.0.1]:80", 0), LISTENER("127.0.0.1:80", 0), "address-in-use"},
    {BIND("[::ffff:127.0.0.1]:80", 0), LISTENER("[::ffff:127.0.0.1]:80", 0), "address-in-use"},
    {BIND("[::ffff:127.0.0.1]:80", 0), LISTENER("127.0.0.2:80", 0), NOT_IN_THE_WAY},
    {BIND("[::ffff:127.0.0.1]:80", 0), LISTENER("[::1]:80", 0), NOT_IN_THE_WAY},
    {BIND("[::ffff:127.0.0.1]:80", 0), LISTENER("0.0.0.0:80", 0), "wildcard-vs-specific"},
    {BIND("[::ffff:0.0.0.0]:80", 0), LISTENER("127.0.0.1:80", 0), "wildcard-vs-specific"},
    {BIND("127.0.0.1:80", 0), LISTENER("[::ffff:0.0.0.0]:80", 0), "wildcard-vs-specific"},
    {BIND("[::ffff:0.0.0.0]:80", 0), LISTENER("[::1]:80", 0), NOT_IN_THE_WAY},
    {BIND("[::1]:80", 0), LISTENER("[::ffff:0.0.0.0]:80", 0), NOT_IN_THE_WAY},
    {BIND("[::ffff:127.0.0.1]:80", 0), LISTENER("[::]:80", V6ONLY), NOT_IN_THE_WAY},
    {BIND("[::]:80", V6ONLY), LISTENER("[::ffff:127.0.0.1]:80", 0), NOT_IN_THE_WAY},
};

static void bind_takes_a_mapped_address_as_the_ipv4_address(void **state) {
    (void)state;
    CHECK(bind_mapped);
}

/* Which of the two names a mapped address beside [::] gets is open; that they meet is not. */
static void bind_to_a_mapped_address_meets_the_ipv6_wildcard(void **state) {
    static const struct call call = BIND("[::ffff:127.0.0.1]:80", 0);
    static const struct other other = LISTENER("[::]:80", 0);
    struct refusal refusal = a_refusal(&call);
    struct occupant occupant = an_occupant(&other);
    (void)state;
    assert_true(cause_in_the_way(&refusal, &occupant));
}

static const struct row bind_reuseaddr[] = {
    /* never beside a listener */
    {BIND("127.0.0.1:80", REUSEADDR), LISTENER("127.0.0.1:80", REUSEADDR), "address-in-use"},
    {BIND("0.0.0.0:80", REUSEADDR), LISTENER("127.0.0.1:80", REUSEADDR), "wildcard-vs-specific"},
    /* elsewhere only if both have it */
    {BIND("127.0.0.1:80", REUSEADDR), BOUND("127.0.0.1:80", REUSEADDR), NOT_IN_THE_WAY},
    {BIND("127.0.0.1:80", REUSEADDR), BOUND("127.0.0.1:80", REUSEADDR | OTHER_USER),
     NOT_IN_THE_WAY},
    {BIND("127.0.0.1:80", REUSEADDR), BOUND("127.0.0.1:80", 0), "bound-but-idle"},
    {BIND("127.0.0.1:80", 0), BOUND("127.0.0.1:80", REUSEADDR), "bound-but-idle"},
    {BIND("127.0.0.1:80", 0), BOUND("127.0.0.1:80", 0), "bound-but-idle"},
    {BIND("127.0.0.1:80", REUSEADDR), BOUND("127.0.0.1:80", UNSURE), "bound-but-idle"},
    {BIND("127.0.0.1:80", REUSEADDR), BOUND("127.0.0.1:80", REUSEPORT), "bound-but-idle"},
    {BIND("127.0.0.1:80", REUSEPORT), BOUND("127.0.0.1:80", REUSEADDR), "bound-but-idle"},
};

static void bind_shares_with_reuseaddr_on_both_and_no_listener(void **state) {
    (void)state;
    CHECK(bind_reuseaddr);
}

static const struct row bind_reuseport[] = {
    {BIND("127.0.0.1:80", REUSEPORT), LISTENER("127.0.0.1:80", REUSEPORT), NOT_IN_THE_WAY},
    {BIND("127.0.0.1:80", REUSEPORT), BOUND("127.0.0.1:80", REUSEPORT), NOT_IN_THE_WAY},
    {BIND("127.0.0.1:80", REUSEPORT | REUSEADDR), LISTENER("127.0.0.1:80", REUSEPORT | REUSEADDR),
     NOT_IN_THE_WAY},
    {BIND("127.0.0.1:80", REUSEPORT), LISTENER("127.0.0.1:80", 0), "reuseport-all-or-none"},
    {BIND("127.0.0.1:80", 0), LISTENER("127.0.0.1:80", REUSEPORT), "reuseport-all-or-none"},
    {BIND("127.0.0.1:80", REUSEADDR), LISTENER("127.0.0.1:80", REUSEADDR | REUSEPORT),
     "reuseport-all-or-none"},
    {BIND("0.0.0.0:80", 0), LISTENER("127.0.0.1:80", REUSEPORT), "wildcard-vs-specific"},
    {BIND("127.0.0.1:80", REUSEPORT), LISTENER("127.0.0.1:80", UNSURE), "address-in-use"},
    {BIND("127.0.0.1:80", 0), LISTENER("127.0.0.1:80", UNSURE), "address-in-use"},
    {BIND("127.0.0.1:80", REUSEPORT), LISTENER("127.0.0.1:80", REUSEPORT | OTHER_USER),
     "reuseport-uid"},
    {BIND("127.0.0.1:80", REUSEPORT), BOUND("127.0.0.1:80", REUSEPORT | OTHER_USER),
     "reuseport-uid"},
    {BIND("127.0.0.1:80", REUSEADDR), LISTENER("127.0.0.1:80", REUSEPORT | OTHER_USER),
     "reuseport-all-or-none"},
    /* a socket in TIME-WAIT has no user any more */
    {BIND("127.0.0.1:80", REUSEPORT),
     {STATE_TIME_WAIT, "127.0.0.1:80", "127.0.0.1:9", REUSEPORT | OTHER_USER | NO_FILE},
     NOT_IN_THE_WAY},
};

static void bind_shares_with_reuseport_on_both_of_one_user(void **state) {
    (void)state;
    CHECK(bind_reuseport);
}

#define TIME_WAIT(options)                                                                         \
    { STATE_TIME_WAIT, "127.0.0.1:80", "127.0.0.1:9", NO_FILE | (options) }

static const struct row bind_time_wait[] = {
    {BIND("127.0.0.1:80", 0), TIME_WAIT(0), "time-wait-rebind"},
    {BIND("0.0.0.0:80", 0), TIME_WAIT(0), "time-wait-rebind"},
    {BIND("[::]:80", 0), TIME_WAIT(0), "time-wait-rebind"},
    {BIND("127.0.0.1:80", 0), TIME_WAIT(REUSEADDR), "time-wait-rebind"},
    {BIND("127.0.0.1:80", 0), TIME_WAIT(UNSURE), "time-wait-rebind"},
    {BIND("127.0.0.1:80", REUSEADDR), TIME_WAIT(UNSURE), "time-wait-rebind"},
    {BIND("127.0.0.1:80", REUSEADDR), TIME_WAIT(0), "time-wait-old-without-reuse"},
    {BIND("127.0.0.1:80", REUSEADDR), TIME_WAIT(REUSEADDR), NOT_IN_THE_WAY},
    {BIND("127.0.0.1:80", REUSEPORT), TIME_WAIT(REUSEPORT), NOT_IN_THE_WAY},
    {BIND("127.0.0.1:80", REUSEPORT), TIME_WAIT(REUSEADDR), "time-wait-rebind"},
    {BIND("127.0.0.1:80", REUSEPORT), TIME_WAIT(0), "time-wait-rebind"},
    {BIND("127.0.0.2:80", 0), TIME_WAIT(0), NOT_IN_THE_WAY},
    {BIND("127.0.0.1:9", 0), TIME_WAIT(0), NOT_IN_THE_WAY},
    {BIND("[::]:80", V6ONLY), TIME_WAIT(0), NOT_IN_THE_WAY},
};

static void bind_over_time_wait_needs_the_option_on_both(void **state) {
    (void)state;
    CHECK(bind_time_wait);
}

#define CONNECTION(state, options)                                                                 \
    { state, "127.0.0.1:80", "127.0.0.1:9", options }

static const struct row bind_connections[] = {
    {BIND("0.0.0.0:80", 0), CONNECTION(STATE_ESTABLISHED, 0), "live-connection"},
    {BIND("0.0.0.0:80", 0), CONNECTION(STATE_ESTABLISHED, UNSURE), "live-connection"},
    {BIND("0.0.0.0:80", 0), CONNECTION(STATE_ESTABLISHED, NO_FILE), "live-connection"},
    {BIND("0.0.0.0:80", 0), CONNECTION(STATE_SYN_RECEIVED, NO_FILE), "live-connection"},
    {BIND("0.0.0.0:80", REUSEADDR), CONNECTION(STATE_ESTABLISHED, REUSEADDR), NOT_IN_THE_WAY},
    {BIND("0.0.0.0:80", REUSEADDR), CONNECTION(STATE_ESTABLISHED, 0), "live-connection"},
    {BIND("0.0.0.0:81", 0), CONNECTION(STATE_ESTABLISHED, 0), NOT_IN_THE_WAY},
    {BIND("127.0.0.2:80", 0), CONNECTION(STATE_ESTABLISHED, 0), NOT_IN_THE_WAY},
    {BIND("0.0.0.0:80", 0), CONNECTION(STATE_CLOSE_WAIT, 0), "close-wait-leak"},
    {BIND("0.0.0.0:80", REUSEADDR), CONNECTION(STATE_CLOSE_WAIT, REUSEADDR), NOT_IN_THE_WAY},
    {BIND("0.0.0.0:80", 0), CONNECTION(STATE_FIN_WAIT_1, NO_FILE), "fin-wait-1-orphan"},
    {BIND("0.0.0.0:80", 0), CONNECTION(STATE_CLOSING, NO_FILE), "fin-wait-1-orphan"},
    {BIND("0.0.0.0:80", 0), CONNECTION(STATE_LAST_ACK, NO_FILE), "last-ack-orphan"},
    {BIND("0.0.0.0:80", 0), CONNECTION(STATE_LAST_ACK, 0), "live-connection"},
    {BIND("0.0.0.0:80", 0), CONNECTION(STATE_FIN_WAIT_2, NO_FILE), "fin-wait-2-orphan"},
    /* half closed, not orphaned: a process has it */
    {BIND("0.0.0.0:80", 0), CONNECTION(STATE_FIN_WAIT_1, 0), "live-connection"},
    {BIND("0.0.0.0:80", 0), CONNECTION(STATE_FIN_WAIT_2, 0), "live-connection"},
};

static void bind_beside_a_connection_is_called_by_its_state(void **state) {
    (void)state;
    CHECK(bind_connections);
}

#define THIEF(state, options)                                                                      \
    { state, "127.0.0.1:40001", "127.0.0.1:9", OUTGOING | (options) }

/* An outgoing connection is a thief only with a port that the kernel chose, from the range. */
static const struct row bind_thieves[] = {
    {BIND("0.0.0.0:40001", 0), THIEF(STATE_ESTABLISHED, 0), "stolen-port"},
    {BIND("127.0.0.1:40001", REUSEADDR), THIEF(STATE_SYN_SENT, 0), "stolen-port"},
    {BIND("0.0.0.0:40001", 0), THIEF(STATE_CLOSE_WAIT, 0), "stolen-port"},
    {BIND("0.0.0.0:40001", 0), THIEF(STATE_FIN_WAIT_2, NO_FILE), "stolen-port"},
    {BIND("0.0.0.0:40001", 0), THIEF(STATE_TIME_WAIT, NO_FILE), "stolen-port-time-wait"},
    {BIND("0.0.0.0:40001", REUSEADDR), THIEF(STATE_TIME_WAIT, NO_FILE), "stolen-port-time-wait"},
    {BIND("0.0.0.0:40001", REUSEADDR), THIEF(STATE_TIME_WAIT, REUSEADDR | NO_FILE), NOT_IN_THE_WAY},
    {BIND("0.0.0.0:40001", REUSEADDR),
     {STATE_ESTABLISHED, "127.0.0.1:40001", "127.0.0.1:40001", OUTGOING},
     "self-connect"},
    {BIND("0.0.0.0:40001", REUSEADDR),
     {STATE_TIME_WAIT, "127.0.0.1:40001", "127.0.0.1:40001", OUTGOING | NO_FILE},
     "self-connect"},
    {BIND("0.0.0.0:40001", 0), THIEF(STATE_ESTABLISHED, CHOSEN), "fixed-client-port"},
    {BIND("0.0.0.0:40001", 0), THIEF(STATE_CLOSE_WAIT, CHOSEN), "fixed-client-port"},
    {BIND("0.0.0.0:40001", 0), THIEF(STATE_TIME_WAIT, CHOSEN | NO_FILE), "fixed-client-port"},
    {BIND("0.0.0.0:40001", REUSEADDR), THIEF(STATE_TIME_WAIT, CHOSEN), "fixed-client-port"},
    {BIND("0.0.0.0:40001", 0), THIEF(STATE_ESTABLISHED, UNSURE), "live-connection"},
    {BIND("0.0.0.0:40001", 0), THIEF(STATE_TIME_WAIT, UNSURE | NO_FILE), "time-wait-rebind"},
    /* accepted, by a server whose port lies in the range */
    {BIND("0.0.0.0:40001", 0),
     {STATE_ESTABLISHED, "127.0.0.1:40001", "127.0.0.1:9", CHOSEN},
     "live-connection"},
    {BIND("0.0.0.0:40001", 0),
     {STATE_TIME_WAIT, "127.0.0.1:40001", "127.0.0.1:9", CHOSEN | NO_FILE},
     "time-wait-rebind"},
    /* the range's ends, and beyond */
    {BIND("0.0.0.0:40000", 0),
     {STATE_ESTABLISHED, "127.0.0.1:40000", "127.0.0.1:9", OUTGOING},
     "stolen-port"},
    {BIND("0.0.0.0:40003", 0),
     {STATE_ESTABLISHED, "127.0.0.1:40003", "127.0.0.1:9", OUTGOING},
     "stolen-port"},
    {BIND("0.0.0.0:39999", 0),
     {STATE_TIME_WAIT, "127.0.0.1:39999", "127.0.0.1:9", OUTGOING | NO_FILE},
     "time-wait-rebind"},
    {BIND("0.0.0.0:40004", 0),
     {STATE_TIME_WAIT, "127.0.0.1:40004", "127.0.0.1:9", OUTGOING | NO_FILE},
     "time-wait-rebind"},
};

static void bind_beside_an_outgoing_connection_tells_theft_from_choice(void **state) {
    (void)state;
    CHECK(bind_thieves);
}

/* --- bind() to port 0 --- */

static const struct row bind_automatic[] = {
    {BIND("127.0.0.1:0", 0), BOUND("127.0.0.1:40000", 0), "ephemeral-bind"},
    {BIND("127.0.0.1:0", 0), BOUND("127.0.0.1:40003", 0), "ephemeral-bind"},
    {BIND("127.0.0.1:0", 0), LISTENER("127.0.0.1:40001", 0), "ephemeral-bind"},
    {BIND("127.0.0.1:0", 0), LISTENER("0.0.0.0:40001", 0), "ephemeral-bind"},
    {BIND("0.0.0.0:0", 0), LISTENER("[::]:40001", 0), "ephemeral-bind"},
    {BIND("127.0.0.1:0", 0),
     {STATE_TIME_WAIT, "127.0.0.1:40001", "127.0.0.1:80", NO_FILE},
     "ephemeral-bind"},
    {BIND("127.0.0.1:0", 0),
     {STATE_ESTABLISHED, "127.0.0.1:40001", "127.0.0.1:80", OUTGOING},
     "ephemeral-bind"},
    /* automatic choice does not share */
    {BIND("127.0.0.1:0", REUSEADDR), BOUND("127.0.0.1:40000", REUSEADDR), "ephemeral-bind"},
    {BIND("127.0.0.1:0", REUSEPORT), BOUND("127.0.0.1:40000", REUSEPORT), "ephemeral-bind"},
    {BIND("127.0.0.1:0", 0), BOUND("127.0.0.1:39999", 0), NOT_IN_THE_WAY},
    {BIND("127.0.0.1:0", 0), BOUND("127.0.0.1:40004", 0), NOT_IN_THE_WAY},
    {BIND("127.0.0.1:0", 0), BOUND("127.0.0.2:40000", 0), NOT_IN_THE_WAY},
    {BIND("127.0.0.1:0", 0), BOUND("[::1]:40000", 0), NOT_IN_THE_WAY},
};

static void bind_to_port_0_meets_what_is_in_the_range(void **state) {
    (void)state;
    CHECK(bind_automatic);
}

/* --- listen() --- */

static const struct row listens[] = {
    {LISTEN("127.0.0.1:80", REUSEADDR), LISTENER("127.0.0.1:80", REUSEADDR),
     "bind-twice-listen-once"},
    {LISTEN("0.0.0.0:80", REUSEADDR), LISTENER("127.0.0.1:80", REUSEADDR),
     "bind-twice-listen-once"},
    {LISTEN("127.0.0.1:80", REUSEADDR), LISTENER("127.0.0.1:80", UNSURE), "bind-twice-listen-once"},
    {LISTEN("[::]:80", REUSEADDR), LISTENER("0.0.0.0:80", REUSEADDR), "bind-twice-listen-once"},
    {LISTEN("127.0.0.1:80", REUSEPORT), LISTENER("127.0.0.1:80", REUSEPORT), NOT_IN_THE_WAY},
    {LISTEN("127.0.0.1:80", REUSEADDR), BOUND("127.0.0.1:80", REUSEADDR), NOT_IN_THE_WAY},
    {LISTEN("127.0.0.1:80", REUSEADDR), CONNECTION(STATE_ESTABLISHED, REUSEADDR), NOT_IN_THE_WAY},
    {LISTEN("127.0.0.1:80", REUSEADDR), LISTENER("127.0.0.2:80", REUSEADDR), NOT_IN_THE_WAY},
    {LISTEN("127.0.0.1:80", REUSEADDR), LISTENER("127.0.0.1:81", REUSEADDR), NOT_IN_THE_WAY},
    /* listen() without bind() is given a port, like bind() to port 0 */
    {LISTEN("0.0.0.0:0", 0), BOUND("127.0.0.1:40001", 0), "ephemeral-bind"},
    {LISTEN("0.0.0.0:0", 0), BOUND("127.0.0.1:80", 0), NOT_IN_THE_WAY},
};

static void listen_meets_other_listeners_only(void **state) {
    (void)state;
    CHECK(listens);
}

/* --- connect() --- */

static const struct row connects_from_a_port[] = {
    {CONNECT("127.0.0.1:5000", "127.0.0.1:80"),
     {STATE_TIME_WAIT, "127.0.0.1:5000", "127.0.0.1:80", NO_FILE},
     "fixed-client-port"},
    {CONNECT("127.0.0.1:5000", "127.0.0.1:80"),
     {STATE_ESTABLISHED, "127.0.0.1:5000", "127.0.0.1:80", OUTGOING},
     "fixed-client-port"},
    {CONNECT("[::1]:5000", "[::1]:80"),
     {STATE_TIME_WAIT, "[::1]:5000", "[::1]:80", NO_FILE},
     "fixed-client-port"},
    {CONNECT("127.0.0.1:5000", "127.0.0.1:80"),
     {STATE_TIME_WAIT, "[::ffff:127.0.0.1]:5000", "[::ffff:127.0.0.1]:80", NO_FILE},
     "fixed-client-port"},
    {CONNECT("[::ffff:127.0.0.1]:5000", "[::ffff:127.0.0.1]:80"),
     {STATE_TIME_WAIT, "127.0.0.1:5000", "127.0.0.1:80", NO_FILE},
     "fixed-client-port"},
    /* connect() to the wildcard means this host */
    {CONNECT("127.0.0.1:5000", "0.0.0.0:80"),
     {STATE_TIME_WAIT, "127.0.0.1:5000", "127.0.0.1:80", NO_FILE},
     "fixed-client-port"},
    {CONNECT("127.0.0.1:5000", "0.0.0.0:81"),
     {STATE_TIME_WAIT, "127.0.0.1:5000", "127.0.0.1:80", NO_FILE},
     NOT_IN_THE_WAY},
    {CONNECT("127.0.0.1:5000", "127.0.0.1:80"),
     {STATE_TIME_WAIT, "127.0.0.1:5000", "127.0.0.1:81", NO_FILE},
     NOT_IN_THE_WAY},
    {CONNECT("127.0.0.1:5000", "127.0.0.1:80"),
     {STATE_TIME_WAIT, "127.0.0.1:5000", "127.0.0.2:80", NO_FILE},
     NOT_IN_THE_WAY},
    {CONNECT("127.0.0.1:5000", "127.0.0.1:80"),
     {STATE_TIME_WAIT, "127.0.0.1:5001", "127.0.0.1:80", NO_FILE},
     NOT_IN_THE_WAY},
    {CONNECT("127.0.0.1:5000", "127.0.0.1:80"),
     {STATE_TIME_WAIT, "127.0.0.2:5000", "127.0.0.1:80", NO_FILE},
     NOT_IN_THE_WAY},
    {CONNECT("127.0.0.1:5000", "0.0.0.0:80"),
     {STATE_TIME_WAIT, "127.0.0.2:5000", "127.0.0.1:80", NO_FILE},
     NOT_IN_THE_WAY},
    /* bound to the wildcard: connect() has yet to choose the source address */
    {CONNECT("0.0.0.0:5000", "127.0.0.1:80"),
     {STATE_TIME_WAIT, "127.0.0.1:5000", "127.0.0.1:80", NO_FILE},
     "fixed-client-port"},
    {CONNECT("127.0.0.1:5000", "127.0.0.1:80"), LISTENER("127.0.0.1:5000", 0), NOT_IN_THE_WAY},
    {CONNECT("127.0.0.1:5000", "127.0.0.1:80"), BOUND("127.0.0.1:5000", 0), NOT_IN_THE_WAY},
};

static void connect_from_a_port_meets_the_same_connection_only(void **state) {
    (void)state;
    CHECK(connects_from_a_port);
}

#define EPHEMERAL_TO(local, remote)                                                                \
    { STATE_TIME_WAIT, local, remote, OUTGOING | NO_FILE }

static const struct row connects[] = {
    {CONNECT("0.0.0.0:0", "127.0.0.1:80"), EPHEMERAL_TO("127.0.0.1:40000", "127.0.0.1:80"),
     "ephemeral-exhaustion"},
    {CONNECT("0.0.0.0:0", "127.0.0.1:80"), EPHEMERAL_TO("127.0.0.1:40003", "127.0.0.1:80"),
     "ephemeral-exhaustion"},
    {CONNECT("127.0.0.1:0", "127.0.0.1:80"),
     {STATE_ESTABLISHED, "127.0.0.1:40001", "127.0.0.1:80", OUTGOING},
     "ephemeral-exhaustion-established"},
    {CONNECT("0.0.0.0:0", "127.0.0.1:80"),
     {STATE_CLOSE_WAIT, "127.0.0.1:40001", "127.0.0.1:80", OUTGOING},
     "close-wait-leak"},
    {CONNECT("0.0.0.0:0", "127.0.0.1:80"),
     {STATE_FIN_WAIT_2, "127.0.0.1:40001", "127.0.0.1:80", OUTGOING | NO_FILE},
     "fin-wait-2-orphan"},
    {CONNECT("0.0.0.0:0", "127.0.0.1:80"),
     {STATE_FIN_WAIT_2, "127.0.0.1:40001", "127.0.0.1:80", OUTGOING},
     "ephemeral-exhaustion"},
    {CONNECT("[::]:0", "[::1]:80"), EPHEMERAL_TO("[::1]:40001", "[::1]:80"),
     "ephemeral-exhaustion"},
    {CONNECT("0.0.0.0:0", "127.0.0.1:80"), EPHEMERAL_TO("127.0.0.1:39999", "127.0.0.1:80"),
     NOT_IN_THE_WAY},
    {CONNECT("0.0.0.0:0", "127.0.0.1:80"), EPHEMERAL_TO("127.0.0.1:40004", "127.0.0.1:80"),
     NOT_IN_THE_WAY},
    {CONNECT("0.0.0.0:0", "127.0.0.1:80"), EPHEMERAL_TO("127.0.0.1:40001", "127.0.0.1:81"),
     NOT_IN_THE_WAY},
    {CONNECT("0.0.0.0:0", "127.0.0.1:80"), EPHEMERAL_TO("127.0.0.1:40001", "127.0.0.2:80"),
     NOT_IN_THE_WAY},
    {CONNECT("127.0.0.2:0", "127.0.0.1:80"), EPHEMERAL_TO("127.0.0.1:40001", "127.0.0.1:80"),
     NOT_IN_THE_WAY},
    /* a port that was chosen explicitly is left alone, whatever its address */
    {CONNECT("0.0.0.0:0", "127.0.0.1:80"), BOUND("127.0.0.1:40001", 0), "poisoned-port"},
    {CONNECT("0.0.0.0:0", "127.0.0.1:80"), LISTENER("0.0.0.0:40001", 0), "poisoned-port"},
    {CONNECT("0.0.0.0:0", "127.0.0.1:80"), LISTENER("[::1]:40001", 0), "poisoned-port"},
    {CONNECT("0.0.0.0:0", "127.0.0.1:80"), BOUND("127.0.0.1:39999", 0), NOT_IN_THE_WAY},
    {CONNECT("0.0.0.0:0", "127.0.0.1:80"), LISTENER("0.0.0.0:40004", 0), NOT_IN_THE_WAY},
};

static const struct row own_ranges[] = {
    {{CALL_CONNECT, EADDRNOTAVAIL, "0.0.0.0:0", "127.0.0.1:80", OWN_RANGE},
     EPHEMERAL_TO("127.0.0.1:40000", "127.0.0.1:80"),
     "port-range-per-socket"},
    {{CALL_CONNECT, EADDRNOTAVAIL, "0.0.0.0:0", "127.0.0.1:80", OWN_RANGE},
     BOUND("127.0.0.1:40000", 0),
     "port-range-per-socket"},
    {BIND("127.0.0.1:0", OWN_RANGE), BOUND("127.0.0.1:40000", 0), "port-range-per-socket"},
    {BIND("127.0.0.1:0", OWN_RANGE), BOUND("127.0.0.1:39999", 0), NOT_IN_THE_WAY},
    {BIND("127.0.0.1:40000", OWN_RANGE), BOUND("127.0.0.1:40000", 0), "bound-but-idle"},
    {BIND("127.0.0.1:0", OWN_RANGE | RESERVED), BOUND("127.0.0.1:40000", 0), "reserved-ports"},
    {BIND("127.0.0.1:40000", RESERVED), BOUND("127.0.0.1:40000", 0), "bound-but-idle"},
};

static void an_own_range_that_is_full_is_called_so(void **state) {
    (void)state;
    CHECK(own_ranges);
}

static void connect_without_a_port_meets_what_is_in_the_range(void **state) {
    (void)state;
    CHECK(connects);
}

/* --- UDP --- */

static const struct row udp[] = {
    {BIND("0.0.0.0:53", UDP), {STATE_CLOSED, "127.0.0.53:53", NULL, PLAIN}, "udp-port-taken"},
    {BIND("127.0.0.1:53", UDP), {STATE_CLOSED, "127.0.0.53:53", NULL, PLAIN}, NOT_IN_THE_WAY},
    {BIND("127.0.0.1:53", UDP), {STATE_CLOSED, "[::]:53", NULL, PLAIN}, "udp-port-taken"},
    {BIND("127.0.0.1:53", UDP), {STATE_CLOSED, "[::]:53", NULL, V6ONLY}, NOT_IN_THE_WAY},
    {BIND("127.0.0.1:53", UDP | REUSEADDR),
     {STATE_CLOSED, "127.0.0.1:53", NULL, REUSEADDR},
     NOT_IN_THE_WAY},
    {BIND("127.0.0.1:53", UDP | REUSEADDR),
     {STATE_CLOSED, "127.0.0.1:53", NULL, UNSURE},
     "udp-port-taken"},
    {BIND("127.0.0.1:0", UDP), {STATE_CLOSED, "0.0.0.0:40000", NULL, PLAIN}, "ephemeral-bind"},
};

static void bind_of_a_udp_socket_meets_udp_sockets(void **state) {
    (void)state;
    CHECK(udp);
}

static void udp_says_how_the_sockets_meet(void **state) {
    static const struct {
        struct call call;
        struct other other;
        const char *words;
    } rows[] = {
        {BIND("0.0.0.0:53", UDP), {STATE_CLOSED, "127.0.0.53:53", NULL, PLAIN}, "on one of them"},
        {BIND("127.0.0.1:53", UDP), {STATE_CLOSED, "0.0.0.0:53", NULL, PLAIN}, "on every address"},
        {BIND("127.0.0.1:53", UDP), {STATE_CLOSED, "[::]:53", NULL, PLAIN}, "IPV6_V6ONLY"},
        {BIND("127.0.0.1:53", UDP), {STATE_CLOSED, "127.0.0.1:53", NULL, PLAIN}, "on this address"},
        {BIND("127.0.0.1:53", UDP | REUSEPORT),
         {STATE_CLOSED, "127.0.0.1:53", NULL, REUSEPORT | OTHER_USER},
         "different users"},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct refusal refusal = a_refusal(&rows[i].call);
        struct occupant occupant = an_occupant(&rows[i].other);
        struct blame blame = cause_blame(&refusal, &occupant);
        if (strstr(cause_sentence(blame.cause, blame.when), rows[i].words) == NULL)
            fail_msg("row %zu: %s", i, cause_sentence(blame.cause, blame.when));
    }
}

/* While connections are being closed, FIN-WAIT-2 is one of their states, and nobody's fault. */
static void a_range_that_is_moving_has_no_orphans(void **state) {
    (void)state;
    for (size_t i = 0; i < ROWS(connects); i++) {
        const struct row *row = &connects[i];
        struct refusal refusal = a_refusal(&row->call);
        struct occupant occupant = an_occupant(&row->other);
        enum cause still = cause_blame(&refusal, &occupant).cause;
        refusal.moving = true;
        enum cause moving = cause_blame(&refusal, &occupant).cause;
        assert_int_equal(moving,
                         still == CAUSE_FIN_WAIT_2_ORPHAN ? CAUSE_EPHEMERAL_EXHAUSTION : still);
    }
}

/* --- by elimination --- */

static const struct row eliminations[] = {
    {CONNECT("0.0.0.0:0", "127.0.0.1:80"), EPHEMERAL_TO("127.0.0.1:40000", "127.0.0.1:81"),
     "poisoned-port"},
    {CONNECT("0.0.0.0:0", "127.0.0.1:80"), EPHEMERAL_TO("127.0.0.1:40003", "127.0.0.2:80"),
     "poisoned-port"},
    {CONNECT("0.0.0.0:0", "127.0.0.1:80"), EPHEMERAL_TO("127.0.0.1:39999", "127.0.0.1:81"), NULL},
    {CONNECT("0.0.0.0:0", "127.0.0.1:80"), EPHEMERAL_TO("127.0.0.1:40004", "127.0.0.1:81"), NULL},
    {CONNECT("127.0.0.1:40001", "127.0.0.1:80"), EPHEMERAL_TO("127.0.0.1:40001", "127.0.0.1:81"),
     NULL},
    {BIND("127.0.0.1:0", 0), EPHEMERAL_TO("127.0.0.2:40001", "127.0.0.1:81"), NULL},
    {LISTEN("127.0.0.1:0", 0), EPHEMERAL_TO("127.0.0.2:40001", "127.0.0.1:81"), NULL},
};

/* A socket to elsewhere, on a port of the range that connect() cannot have got: sharing was
 * refused, so the port was bound explicitly once. */
static void elimination_blames_what_is_left_in_the_range(void **state) {
    (void)state;
    for (size_t i = 0; i < ROWS(eliminations); i++) {
        const struct row *row = &eliminations[i];
        struct refusal refusal = a_refusal(&row->call);
        struct occupant occupant = an_occupant(&row->other);
        char text[256];
        describe(text, sizeof text, row);
        assert_false(cause_in_the_way(&refusal, &occupant));
        if (cause_by_elimination(&refusal, &occupant) != (row->cause != NULL))
            fail_msg("%s", text);
        if (row->cause != NULL)
            assert_string_equal(cause_name(cause_blame(&refusal, &occupant).cause), row->cause);
    }
}

/* --- without an occupant --- */

static const struct lonely {
    struct call call;
    bool sees_bound;
    const char *cause, *words; /* that the sentence must hold */
} lonely[] = {
    {{CALL_BIND, EADDRNOTAVAIL, "192.0.2.1:80", NULL, 0}, true, "address-not-local", "address"},
    {{CALL_BIND, EADDRNOTAVAIL, "192.0.2.1:0", NULL, 0}, true, "address-not-local", "address"},
    {{CALL_BIND, EADDRNOTAVAIL, "[2001:db8::1]:80", NULL, 0}, false, "address-not-local", ""},
    {CONNECT("0.0.0.0:0", "127.0.0.1:80"), true, "ephemeral-exhaustion", "range"},
    {BIND("127.0.0.1:0", 0), true, "ephemeral-bind", "range"},
    {BIND("127.0.0.1:0", RESERVED), true, "reserved-ports", "ip_local_reserved_ports"},
    {{CALL_CONNECT, EADDRNOTAVAIL, "0.0.0.0:0", "127.0.0.1:80", RESERVED},
     true,
     "reserved-ports",
     "ip_local_reserved_ports"},
    {LISTEN("0.0.0.0:0", 0), true, "ephemeral-bind", "range"},
    {BIND("127.0.0.1:80", 0), true, "unknown", "was found in the way"},
    {BIND("127.0.0.1:80", 0), false, "unknown", "Linux 6.8"},
    {LISTEN("127.0.0.1:80", REUSEADDR), true, "unknown", "was found in the way"},
    {CONNECT("127.0.0.1:5000", "127.0.0.1:80"), true, "unknown", "was found in the way"},
};

static void without_an_occupant_the_call_tells_the_cause(void **state) {
    (void)state;
    for (size_t i = 0; i < ROWS(lonely); i++) {
        struct refusal refusal = a_refusal(&lonely[i].call);
        struct blame blame = cause_without_occupant(&refusal, lonely[i].sees_bound);
        assert_string_equal(cause_name(blame.cause), lonely[i].cause);
        assert_true(strlen(cause_sentence(blame.cause, blame.when)) > 20);
        const char *words = cause_sentence(blame.cause, blame.when);
        if (strstr(words, lonely[i].words) == NULL)
            fail_msg("row %zu: %s", i, words);
    }
}

static void without_an_occupant_linux_6_8_is_named_only_where_it_matters(void **state) {
    static const struct call call = BIND("127.0.0.1:80", 0);
    struct refusal refusal = a_refusal(&call);
    (void)state;
    struct blame blame = cause_without_occupant(&refusal, true);
    assert_null(strstr(cause_sentence(blame.cause, blame.when), "6.8"));
}

/* Where the address is not here, no socket is to blame. */
static void bind_to_a_foreign_address_meets_no_socket(void **state) {
    static const struct call call = {CALL_BIND, EADDRNOTAVAIL, "192.0.2.1:80", NULL, 0};
    static const struct other other = LISTENER("0.0.0.0:80", 0);
    struct refusal refusal = a_refusal(&call);
    struct occupant occupant = an_occupant(&other);
    (void)state;
    assert_false(cause_in_the_way(&refusal, &occupant));
}

/* --- all the tables --- */

static const struct {
    const struct row *rows;
    size_t count;
} tables[] = {
    {bind_addresses, ROWS(bind_addresses)},
    {bind_families, ROWS(bind_families)},
    {bind_mapped, ROWS(bind_mapped)},
    {bind_reuseaddr, ROWS(bind_reuseaddr)},
    {bind_reuseport, ROWS(bind_reuseport)},
    {bind_leaked, ROWS(bind_leaked)},
    {bind_time_wait, ROWS(bind_time_wait)},
    {bind_connections, ROWS(bind_connections)},
    {bind_thieves, ROWS(bind_thieves)},
    {bind_automatic, ROWS(bind_automatic)},
    {listens, ROWS(listens)},
    {connects_from_a_port, ROWS(connects_from_a_port)},
    {connects, ROWS(connects)},
    {own_ranges, ROWS(own_ranges)},
    {udp, ROWS(udp)},
};

/* --- weights --- */

static unsigned weight(const struct other *other) {
    static const struct call call = BIND("0.0.0.0:40001", 0);
    struct refusal refusal = a_refusal(&call);
    struct occupant occupant = an_occupant(other);
    return cause_blame(&refusal, &occupant).weight;
}

static void weights_go_from_listener_to_time_wait(void **state) {
    static const struct other order[] = {
        LISTENER("0.0.0.0:40001", 0),
        BOUND("0.0.0.0:40001", 0),
        THIEF(STATE_ESTABLISHED, 0),
        {STATE_ESTABLISHED, "127.0.0.1:40001", "127.0.0.1:9", PLAIN},
        {STATE_FIN_WAIT_2, "127.0.0.1:40001", "127.0.0.1:9", NO_FILE},
        {STATE_TIME_WAIT, "127.0.0.1:40001", "127.0.0.1:9", NO_FILE},
    };
    static const struct call fixed = CONNECT("127.0.0.1:80", "127.0.0.1:9");
    static const struct other live = CONNECTION(STATE_ESTABLISHED, OUTGOING);
    static const struct other waiting = TIME_WAIT(OUTGOING);
    (void)state;
    for (size_t i = 1; i < ROWS(order); i++)
        if (weight(&order[i - 1]) <= weight(&order[i]))
            fail_msg("%s does not outweigh %s", socket_state_name(order[i - 1].state),
                     socket_state_name(order[i].state));
    struct refusal refusal = a_refusal(&fixed);
    struct occupant heavy = an_occupant(&live), light = an_occupant(&waiting);
    assert_true(cause_blame(&refusal, &heavy).weight > cause_blame(&refusal, &light).weight);
}

/* 2 for a listener, 0 for TIME-WAIT, 1 for what is between. */
static unsigned rank(const struct row *row) {
    return row->other.state == STATE_LISTEN ? 2 : row->other.state == STATE_TIME_WAIT ? 0 : 1;
}

/* Finds the least and the greatest weight of each rank among the rows of an explicit bind(). */
static void span_weights(const struct row *rows, size_t count, unsigned least[3],
                         unsigned greatest[3]) {
    for (size_t i = 0; i < count; i++) {
        struct refusal refusal = a_refusal(&rows[i].call);
        struct occupant occupant = an_occupant(&rows[i].other);
        if (refusal.call != CALL_BIND || refusal.claim.local.port == 0 ||
            refusal.claim.protocol != PROTOCOL_TCP || rows[i].cause == NULL)
            continue;
        unsigned own = cause_blame(&refusal, &occupant).weight, *low = &least[rank(&rows[i])];
        unsigned *high = &greatest[rank(&rows[i])];
        *low = own < *low ? own : *low;
        *high = own > *high ? own : *high;
    }
}

static void weights_keep_their_ranks_under_every_name(void **state) {
    unsigned least[3] = {1000, 1000, 1000}, greatest[3] = {0};
    (void)state;
    for (size_t i = 0; i < ROWS(tables); i++)
        span_weights(tables[i].rows, tables[i].count, least, greatest);
    assert_true(least[2] > greatest[1]);
    assert_true(least[1] > greatest[0]);
    assert_int_equal(least[2], greatest[2]); /* which listener is named must not depend on this */
    assert_true(least[0] > 0);
}

/* --- names --- */

static bool names_cause(const struct row *rows, size_t count, const char *name) {
    for (size_t i = 0; i < count; i++)
        if (rows[i].cause != NULL && strcmp(rows[i].cause, name) == 0)
            return true;
    return false;
}

/* These are found without a socket, or by its owners: tests/unit/test_why.c. */
static bool is_of_no_socket(enum cause cause) {
    return cause == CAUSE_HELD_BY_NO_PROCESS || cause == CAUSE_KERNEL_SOCKET ||
           cause == CAUSE_BOUND_TWICE || cause == CAUSE_ADDRESS_TENTATIVE ||
           cause == CAUSE_NO_ROUTE || cause == CAUSE_WRONG_SOURCE ||
           cause == CAUSE_PRIVILEGED_PORT || cause == CAUSE_NOT_PERMITTED ||
           (cause >= CAUSE_UNIX_SOCKET_IN_USE && cause <= CAUSE_UNIX_NOT_PERMITTED);
}

static void each_cause_has_a_test(void **state) {
    (void)state;
    for (unsigned cause = 0; cause < CAUSE_COUNT; cause++) {
        const char *name = cause_name((enum cause)cause);
        bool found = is_of_no_socket((enum cause)cause);
        for (size_t i = 0; i < ROWS(tables) && !found; i++)
            found = names_cause(tables[i].rows, tables[i].count, name);
        for (size_t i = 0; i < ROWS(lonely) && !found; i++)
            found = strcmp(lonely[i].cause, name) == 0;
        if (!found)
            fail_msg("no row for %s", name);
    }
}

/* --- the table of causes --- */

static void each_cause_says_everything(void **state) {
    (void)state;
    for (unsigned cause = 0; cause < CAUSE_COUNT; cause++) {
        const struct cause_row *row = cause_row((enum cause)cause);
        unsigned last = 0;
        assert_non_null(row->name);
        assert_non_null(row->headline);
        assert_true(cause_remedy_is(&row->remedies[0]));
        while (last + 1 < CAUSE_SENTENCES && row->sentences[last + 1].text != NULL)
            last++;
        assert_non_null(row->sentences[last].text);
        if (row->sentences[last].when != WHEN_ALWAYS)
            fail_msg("%s: the last sentence must hold always", row->name);
        for (unsigned i = 0; i < last; i++) /* else the next one is never said */
            assert_int_not_equal(row->sentences[i].when, WHEN_ALWAYS);
    }
}

static void each_cause_has_a_scenario_of_its_name_or_says_why_not(void **state) {
    (void)state;
    for (unsigned cause = 0; cause < CAUSE_COUNT; cause++) {
        const struct cause_row *row = cause_row((enum cause)cause);
        bool exists = catalogue_find(row->name) != NULL;
        if (exists != (row->scenario != NULL) || exists == (row->no_scenario != NULL))
            fail_msg("%s: there is %s scenario of this name", row->name, exists ? "a" : "no");
        if (exists)
            assert_string_equal(row->scenario, row->name);
    }
}

static void a_sentence_is_chosen_by_the_situation(void **state) {
    (void)state;
    assert_non_null(strstr(cause_sentence(CAUSE_FIXED_CLIENT_PORT, WHEN_CONNECT | WHEN_TIME_WAIT),
                           "with the same addresses and ports is still in TIME-WAIT"));
    assert_non_null(
        strstr(cause_sentence(CAUSE_FIXED_CLIENT_PORT, WHEN_CONNECT), "already exists"));
    assert_non_null(
        strstr(cause_sentence(CAUSE_FIXED_CLIENT_PORT, WHEN_TIME_WAIT), "bind() needs"));
    assert_non_null(strstr(cause_sentence(CAUSE_FIXED_CLIENT_PORT, 0), "not closed yet"));
}

static void each_cause_has_a_name_of_its_own(void **state) {
    (void)state;
    for (unsigned a = 0; a < CAUSE_COUNT; a++) {
        const char *name = cause_name((enum cause)a);
        assert_non_null(name);
        assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-"), strlen(name));
        for (unsigned b = 0; b < a; b++)
            assert_string_not_equal(name, cause_name((enum cause)b));
    }
    assert_string_equal(cause_name(CAUSE_UNKNOWN), "unknown");
    assert_string_equal(cause_name(CAUSE_COUNT), "unknown");
    for (unsigned a = 0; a < CAUSE_COUNT; a++)
        assert_int_equal(cause_named(cause_name((enum cause)a)), a);
    assert_int_equal(cause_named("adress-in-use"), CAUSE_COUNT);
    assert_string_equal(cause_near("adress-in-use"), "address-in-use");
    assert_null(cause_near("nonsense"));
    assert_string_equal(cause_name((enum cause)4711), "unknown");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bind_meets_the_same_address_and_wildcards),
        cmocka_unit_test(bind_to_the_ipv6_wildcard_takes_ipv4_unless_v6only),
        cmocka_unit_test(bind_takes_a_mapped_address_as_the_ipv4_address),
        cmocka_unit_test(bind_to_a_mapped_address_meets_the_ipv6_wildcard),
        cmocka_unit_test(bind_shares_with_reuseaddr_on_both_and_no_listener),
        cmocka_unit_test(bind_shares_with_reuseport_on_both_of_one_user),
        cmocka_unit_test(bind_meets_a_listener_that_a_child_has_inherited),
        cmocka_unit_test(bind_over_time_wait_needs_the_option_on_both),
        cmocka_unit_test(bind_beside_a_connection_is_called_by_its_state),
        cmocka_unit_test(bind_beside_an_outgoing_connection_tells_theft_from_choice),
        cmocka_unit_test(bind_to_port_0_meets_what_is_in_the_range),
        cmocka_unit_test(listen_meets_other_listeners_only),
        cmocka_unit_test(connect_from_a_port_meets_the_same_connection_only),
        cmocka_unit_test(connect_without_a_port_meets_what_is_in_the_range),
        cmocka_unit_test(an_own_range_that_is_full_is_called_so),
        cmocka_unit_test(bind_of_a_udp_socket_meets_udp_sockets),
        cmocka_unit_test(udp_says_how_the_sockets_meet),
        cmocka_unit_test(a_range_that_is_moving_has_no_orphans),
        cmocka_unit_test(elimination_blames_what_is_left_in_the_range),
        cmocka_unit_test(without_an_occupant_the_call_tells_the_cause),
        cmocka_unit_test(without_an_occupant_linux_6_8_is_named_only_where_it_matters),
        cmocka_unit_test(bind_to_a_foreign_address_meets_no_socket),
        cmocka_unit_test(weights_go_from_listener_to_time_wait),
        cmocka_unit_test(weights_keep_their_ranks_under_every_name),
        cmocka_unit_test(each_cause_has_a_test),
        cmocka_unit_test(each_cause_says_everything),
        cmocka_unit_test(each_cause_has_a_scenario_of_its_name_or_says_why_not),
        cmocka_unit_test(a_sentence_is_chosen_by_the_situation),
        cmocka_unit_test(each_cause_has_a_name_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
