/* The rules of bind(), row by row. tests/property and `portreuse matrix` compare them with the
 * kernel; this tests what neither of them can: sockets about which not everything is known. */
#include "an_endpoint.h"
#include "test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "model/cause.h"
#include "model/rules.h"

/* Options of a claim or an occupant. Of an occupant, what is not said is known not to be so, unless
 * it is under UNSURE. */
enum {
    NONE = 0,
    ADDR = 1,
    PORT = 2,
    V6ONLY = 4,
    OTHER_USER = 8,
    ORPHAN = 16, /* no process has it */
    UNSURE_ADDR = 32,
    UNSURE_PORT = 64,
    UNSURE_V6ONLY = 128,
    BY_CONNECT = 256,
    UNSURE_BY_CONNECT = 512,
    UNSURE = UNSURE_ADDR | UNSURE_PORT,
};

enum { USER = 1000, RANGE_LOW = 40000, RANGE_HIGH = 40003 };

struct row {
    const char *mine;
    unsigned my_options;
    enum tcp_state state;
    const char *theirs;
    unsigned their_options;
    enum knowledge in_the_way;
    const char *rule;
    unsigned unknown;
};

static struct claim a_claim(const char *local, unsigned options) {
    return (struct claim){.local = an_endpoint(local),
                          .remote = an_endpoint("127.0.0.1:80"),
                          .reuseaddr = (options & ADDR) != 0,
                          .reuseport = (options & PORT) != 0,
                          .v6only = (options & V6ONLY) != 0,
                          .uid = options & OTHER_USER ? USER + 1 : USER,
                          .range_low = RANGE_LOW,
                          .range_high = RANGE_HIGH};
}

static enum knowledge known(unsigned options, unsigned option, unsigned unsure) {
    return options & unsure ? NOT_KNOWN : knowledge_of((options & option) != 0);
}

static struct occupant an_occupant(enum tcp_state state, const char *local, unsigned options) {
    return (struct occupant){.socket = {.state = state,
                                        .local = an_endpoint(local),
                                        .remote = an_endpoint("127.0.0.1:80"),
                                        .inode = options & ORPHAN ? 0 : 4711,
                                        .uid = options & OTHER_USER ? USER + 1 : USER,
                                        .v6only = (options & V6ONLY) != 0,
                                        .v6only_known = (options & UNSURE_V6ONLY) == 0},
                             .reuseaddr = known(options, ADDR, UNSURE_ADDR),
                             .reuseport = known(options, PORT, UNSURE_PORT),
                             .by_connect = known(options, BY_CONNECT, UNSURE_BY_CONNECT)};
}

static void check_rows(enum port_call call, const struct row *rows, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const struct row *row = &rows[i];
        struct claim claim = a_claim(row->mine, row->my_options);
        struct occupant occupant = an_occupant(row->state, row->theirs, row->their_options);
        struct ruling got = rules_between(call, &claim, &occupant);
        if (got.in_the_way != row->in_the_way || got.unknown != row->unknown ||
            strcmp(rules_text(got.rule)->name, row->rule) != 0)
            fail_msg("row %zu, %s beside %s %s: want %s %d (unknown %u), got %s %d (unknown %u)", i,
                     row->mine, socket_state_name(row->state), row->theirs, row->rule,
                     row->in_the_way, row->unknown, rules_text(got.rule)->name, got.in_the_way,
                     got.unknown);
    }
}

/* --- what is not known --- */

static const struct row doubts[] = {
    /* nothing depends on what is not known */
    {"127.0.0.1:80", NONE, STATE_BOUND, "127.0.0.1:80", UNSURE, KNOWN_YES, "bound-but-idle", 0},
    {"127.0.0.1:80", ADDR, STATE_LISTEN, "127.0.0.1:80", UNSURE, KNOWN_YES, "address-in-use", 0},
    {"127.0.0.2:80", ADDR, STATE_BOUND, "127.0.0.1:80", UNSURE, KNOWN_NO, "other-address", 0},
    {"127.0.0.1:80", PORT, STATE_LISTEN, "127.0.0.1:80", UNSURE | OTHER_USER, KNOWN_YES,
     "address-in-use", 0},
    {"127.0.0.1:80", ADDR | PORT, STATE_BOUND, "127.0.0.1:80", ADDR | UNSURE_PORT, KNOWN_NO,
     "both-reuseaddr", 0},
    /* something does */
    {"127.0.0.1:80", ADDR, STATE_BOUND, "127.0.0.1:80", UNSURE, NOT_KNOWN, "bound-but-idle",
     UNKNOWN_REUSEADDR},
    {"127.0.0.1:80", PORT, STATE_LISTEN, "0.0.0.0:80", UNSURE, NOT_KNOWN, "wildcard-vs-specific",
     UNKNOWN_REUSEPORT},
    {"127.0.0.1:80", ADDR | PORT, STATE_TIME_WAIT, "127.0.0.1:80", UNSURE | OTHER_USER, NOT_KNOWN,
     "time-wait-rebind", UNKNOWN_REUSEADDR | UNKNOWN_REUSEPORT},
    {"127.0.0.1:80", ADDR | PORT, STATE_TIME_WAIT, "127.0.0.1:80", UNSURE_PORT, NOT_KNOWN,
     "time-wait-rebind", UNKNOWN_REUSEPORT},
    /* sock_diag does not report IPV6_V6ONLY of a connection */
    {"0.0.0.0:80", NONE, STATE_ESTABLISHED, "[::1]:80", UNSURE_V6ONLY, NOT_KNOWN, "live-connection",
     UNKNOWN_V6ONLY},
    {"0.0.0.0:80", ADDR, STATE_ESTABLISHED, "[::1]:80", UNSURE_V6ONLY | UNSURE, NOT_KNOWN,
     "live-connection", UNKNOWN_V6ONLY | UNKNOWN_REUSEADDR},
    {"0.0.0.0:80", ADDR, STATE_ESTABLISHED, "[::1]:80", UNSURE_V6ONLY | ADDR, KNOWN_NO,
     "both-reuseaddr", 0},
};

static void what_is_not_known_makes_doubt_only_where_it_matters(void **state) {
    (void)state;
    check_rows(CALL_BIND, doubts, ROWS(doubts));
}

/* --- addresses --- */

static const struct row meetings[] = {
    /* an IPv6 connection of a dual-stack listener meets 0.0.0.0, but no other IPv4 address */
    {"0.0.0.0:80", NONE, STATE_ESTABLISHED, "[::1]:80", NONE, KNOWN_YES, "live-connection", 0},
    {"0.0.0.0:80", NONE, STATE_ESTABLISHED, "[::1]:80", V6ONLY, KNOWN_NO, "v6only", 0},
    {"127.0.0.1:80", NONE, STATE_ESTABLISHED, "[::1]:80", NONE, KNOWN_NO, "other-address", 0},
    {"[::ffff:0.0.0.0]:80", NONE, STATE_ESTABLISHED, "[::1]:80", NONE, KNOWN_NO, "v6only", 0},
    /* what was bound to [::], has connected, and has nothing any more but the port */
    {"0.0.0.0:80", NONE, STATE_BOUND, "[::1]:80", NONE, KNOWN_YES, "bound-but-idle", 0},
    {"[::]:80", V6ONLY, STATE_LISTEN, "[::ffff:0.0.0.0]:80", NONE, KNOWN_NO, "v6only", 0},
    {"[::]:80", V6ONLY, STATE_LISTEN, "[::]:80", NONE, KNOWN_YES, "address-in-use", 0},
    {"[::1]:80", NONE, STATE_LISTEN, "[::]:80", V6ONLY, KNOWN_YES, "wildcard-vs-specific", 0},
    {"[::ffff:127.0.0.1]:80", NONE, STATE_LISTEN, "0.0.0.0:80", NONE, KNOWN_YES,
     "wildcard-vs-specific", 0},
    {"[::ffff:127.0.0.1]:80", NONE, STATE_LISTEN, "[::]:80", NONE, KNOWN_YES, "dual-stack", 0},
};

static void addresses_meet_as_the_kernel_compares_them(void **state) {
    (void)state;
    check_rows(CALL_BIND, meetings, ROWS(meetings));
}

static const struct row remnants[] = {
    /* the kernel keeps an orphan in FIN-WAIT-2 as it does TIME-WAIT: it has no user */
    {"127.0.0.1:80", PORT, STATE_FIN_WAIT_2, "127.0.0.1:80", PORT | OTHER_USER | ORPHAN, KNOWN_NO,
     "both-reuseport", 0},
    {"127.0.0.1:80", PORT, STATE_FIN_WAIT_2, "127.0.0.1:80", PORT | OTHER_USER, KNOWN_YES,
     "reuseport-uid", 0},
    {"127.0.0.1:80", PORT, STATE_FIN_WAIT_1, "127.0.0.1:80", PORT | OTHER_USER | ORPHAN, KNOWN_YES,
     "reuseport-uid", 0},
};

static void a_remnant_has_no_user(void **state) {
    (void)state;
    check_rows(CALL_BIND, remnants, ROWS(remnants));
}

/* --- automatic ports --- */

static const struct row connects[] = {
    {"0.0.0.0:0", NONE, STATE_ESTABLISHED, "127.0.0.1:40000", BY_CONNECT, KNOWN_YES,
     "ephemeral-exhaustion", 0},
    {"127.0.0.2:0", NONE, STATE_ESTABLISHED, "127.0.0.1:40000", BY_CONNECT, KNOWN_NO,
     "connect-shares", 0},
    {"127.0.0.2:0", NONE, STATE_ESTABLISHED, "127.0.0.1:40000", NONE, KNOWN_YES, "poisoned-port",
     0},
    {"127.0.0.2:0", NONE, STATE_ESTABLISHED, "127.0.0.1:40000", UNSURE_BY_CONNECT, NOT_KNOWN,
     "poisoned-port", UNKNOWN_BY_CONNECT},
    {"127.0.0.2:0", NONE, STATE_LISTEN, "127.0.0.1:40000", UNSURE_BY_CONNECT, KNOWN_YES,
     "poisoned-port", 0},
    {"127.0.0.2:0", NONE, STATE_LISTEN, "127.0.0.1:39999", NONE, KNOWN_NO, "other-port", 0},
    {"127.0.0.1:500", NONE, STATE_TIME_WAIT, "127.0.0.1:500", ORPHAN, NOT_KNOWN,
     "fixed-client-port", UNKNOWN_TIMESTAMPS},
};

static void connect_shares_what_connect_chose(void **state) {
    (void)state;
    check_rows(CALL_CONNECT, connects, ROWS(connects));
}

static void autobind_reuse_shares_by_reuseaddr_alone(void **state) {
    static const struct {
        unsigned mine, theirs;
        enum tcp_state state;
        enum knowledge in_the_way;
    } rows[] = {
        {ADDR, ADDR, STATE_BOUND, KNOWN_NO},
        {ADDR, ADDR, STATE_LISTEN, KNOWN_YES},
        {ADDR, NONE, STATE_BOUND, KNOWN_YES},
        {PORT, PORT, STATE_BOUND, KNOWN_YES},
        {ADDR | PORT, ADDR | PORT, STATE_BOUND, KNOWN_YES},
        {ADDR | PORT, ADDR | PORT | OTHER_USER, STATE_BOUND, KNOWN_NO},
        {ADDR, UNSURE, STATE_BOUND, NOT_KNOWN},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct claim claim = a_claim("127.0.0.1:0", rows[i].mine);
        struct occupant occupant = an_occupant(rows[i].state, "127.0.0.1:40000", rows[i].theirs);
        assert_int_equal(rules_between(CALL_BIND, &claim, &occupant).in_the_way, KNOWN_YES);
        claim.autobind_reuse = true;
        if (rules_between(CALL_BIND, &claim, &occupant).in_the_way != rows[i].in_the_way)
            fail_msg("row %zu", i);
    }
}

static void a_range_has_what_no_occupant_keeps(void **state) {
    struct claim claim = a_claim("127.0.0.1:0", ADDR);
    struct occupant occupants[] = {an_occupant(STATE_BOUND, "127.0.0.1:40000", ADDR),
                                   an_occupant(STATE_BOUND, "127.0.0.2:40001", NONE),
                                   an_occupant(STATE_ESTABLISHED, "127.0.0.1:40002", BY_CONNECT),
                                   an_occupant(STATE_LISTEN, "0.0.0.0:40003", ADDR)};
    bool ports[4];
    (void)state;
    /* bind() looks at addresses, */
    struct range_ruling range = rules_range(CALL_BIND, &claim, occupants, 4, ports);
    assert_int_equal(range.eligible, 1);
    assert_int_equal(range.error, 0);
    assert_true(ports[1] && !ports[0] && !ports[2] && !ports[3]);
    /* connect() at who chose the port, and at the same connection alone */
    assert_int_equal(rules_range(CALL_CONNECT, &claim, occupants, 4, ports).error, EADDRNOTAVAIL);
    occupants[2].socket.remote.port++;
    range = rules_range(CALL_CONNECT, &claim, occupants, 4, ports);
    assert_int_equal(range.eligible, 1);
    assert_true(ports[2]);
    /* ip_autobind_reuse counts when there is nothing else */
    claim.autobind_reuse = true;
    assert_int_equal(rules_range(CALL_BIND, &claim, occupants, 4, NULL).eligible, 1);
    occupants[1].socket.local = an_endpoint("0.0.0.0:40001");
    range = rules_range(CALL_BIND, &claim, occupants, 4, ports);
    assert_true(range.eligible == 1 && ports[0]);
    claim.autobind_reuse = false;
    range = rules_range(CALL_LISTEN, &claim, occupants, 4, NULL);
    assert_int_equal(range.error, EADDRINUSE);
    assert_int_equal(range.rule, RULE_EPHEMERAL_BIND);
}

/* --- the port as a whole --- */

static void the_sure_occupant_decides_before_the_doubtful(void **state) {
    struct claim claim = a_claim("0.0.0.0:80", ADDR);
    struct occupant occupants[] = {an_occupant(STATE_BOUND, "127.0.0.1:80", ADDR),
                                   an_occupant(STATE_BOUND, "127.0.0.2:80", UNSURE),
                                   an_occupant(STATE_LISTEN, "127.0.0.3:80", ADDR)};
    (void)state;
    struct port_ruling port = rules_port(CALL_BIND, &claim, occupants, 3, NULL);
    assert_int_equal(port.ruling.in_the_way, KNOWN_YES);
    assert_int_equal(port.occupant, 2);
    port = rules_port(CALL_BIND, &claim, occupants, 2, NULL);
    assert_int_equal(port.ruling.in_the_way, NOT_KNOWN);
    assert_int_equal(port.occupant, 1);
    port = rules_port(CALL_BIND, &claim, occupants, 1, NULL);
    assert_int_equal(port.ruling.rule, RULE_BOTH_REUSEADDR);
    assert_int_equal(port.occupant, 0);
    port = rules_port(CALL_BIND, &claim, occupants, 0, NULL);
    assert_int_equal(port.ruling.rule, RULE_FREE);
    assert_int_equal(port.occupant, 0);
}

/* The first socket has taken SO_REUSEPORT away since it bound. */
static void the_port_remembers_the_last_reuseport(void **state) {
    static const struct {
        const char *last;
        unsigned last_options;
        const char *mine;
        unsigned options;
        bool passes;
    } rows[] = {
        {"127.0.0.1:80", PORT, "127.0.0.1:80", PORT, true},
        {"127.0.0.1:80", PORT, "[::ffff:127.0.0.1]:80", PORT, true},
        {"0.0.0.0:80", PORT, "127.0.0.1:80", PORT, true},
        {"0.0.0.0:80", PORT, "[::]:80", PORT, true},
        {"[::]:80", PORT, "127.0.0.1:80", PORT, true},
        {"[::]:80", PORT | V6ONLY, "[::1]:80", PORT, true},
        {"127.0.0.1:80", PORT, "0.0.0.0:80", PORT, false},
        {"0.0.0.0:80", PORT, "[::]:80", PORT | V6ONLY, true}, /* they do not meet */
        {"127.0.0.1:80", PORT, "127.0.0.1:80", ADDR, false},
        {"127.0.0.1:80", PORT, "127.0.0.1:80", PORT | OTHER_USER, false},
        {"127.0.0.1:80", ADDR, "127.0.0.1:80", PORT, false},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct claim last = a_claim(rows[i].last, rows[i].last_options);
        struct claim claim = a_claim(rows[i].mine, rows[i].options);
        struct occupant occupant =
            an_occupant(STATE_BOUND, rows[i].last, rows[i].last_options & V6ONLY);
        struct port_history history = {0};
        rules_remember(&history, &last);
        struct port_ruling port = rules_port(CALL_BIND, &claim, &occupant, 1, &history);
        if ((port.ruling.in_the_way == KNOWN_NO) != rows[i].passes)
            fail_msg("row %zu: %s", i, rules_text(port.ruling.rule)->name);
    }
}

static void the_port_forgets_when_only_connect_has_it(void **state) {
    struct claim last = a_claim("127.0.0.1:80", PORT);
    struct occupant occupants[] = {an_occupant(STATE_ESTABLISHED, "127.0.0.1:80", BY_CONNECT),
                                   an_occupant(STATE_ESTABLISHED, "127.0.0.1:80", NONE)};
    struct port_history history = {0};
    (void)state;
    rules_remember(&history, &last);
    rules_forget(&history, occupants, 2);
    assert_true(history.reuseport);
    rules_forget(&history, occupants, 1);
    assert_false(history.reuseport);
    rules_remember(&history, &last);
    rules_forget(&history, occupants, 0);
    assert_false(history.reuseport);
}

/* --- the table --- */

static bool is_cause(const char *name) {
    for (unsigned i = 0; i < CAUSE_COUNT; i++)
        if (strcmp(cause_name((enum cause)i), name) == 0)
            return true;
    return false;
}

/* Reports call by the cause's name what the model calls by the rule's. poisoned-port is part of
 * ephemeral-exhaustion there. */
static void each_rule_is_in_words_and_each_refusing_one_is_a_cause(void **state) {
    (void)state;
    for (unsigned i = 0; i < RULE_COUNT; i++) {
        const struct rule_text *text = rules_text((enum rule)i);
        assert_non_null(text->name);
        assert_true(strlen(text->says) > 20);
        assert_int_equal(text->says[strlen(text->says) - 1], '.');
        assert_non_null(strstr(text->source, "()"));
        if (rules_refuses((enum rule)i) != is_cause(text->name) && i != RULE_POISONED_PORT)
            fail_msg("%s", text->name);
    }
    assert_string_equal(rules_text(RULE_COUNT)->name, "free");
    assert_false(rules_refuses(RULE_COUNT));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_known_makes_doubt_only_where_it_matters),
        cmocka_unit_test(addresses_meet_as_the_kernel_compares_them),
        cmocka_unit_test(a_remnant_has_no_user),
        cmocka_unit_test(connect_shares_what_connect_chose),
        cmocka_unit_test(autobind_reuse_shares_by_reuseaddr_alone),
        cmocka_unit_test(a_range_has_what_no_occupant_keeps),
        cmocka_unit_test(the_sure_occupant_decides_before_the_doubtful),
        cmocka_unit_test(the_port_remembers_the_last_reuseport),
        cmocka_unit_test(the_port_forgets_when_only_connect_has_it),
        cmocka_unit_test(each_rule_is_in_words_and_each_refusing_one_is_a_cause),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
