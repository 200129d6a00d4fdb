/* The rules of bind() for UDP: what tests/property cannot ask the kernel, sockets about which not
 * everything is known, and the order in which they come. */
#include "an_endpoint.h"
#include "test.h"

#include <errno.h>
#include <string.h>

#include "model/udp.h"

enum { USER = 1000, OTHER = 1001 };

static struct claim a_claim(const char *local, bool reuseaddr, bool reuseport) {
    return (struct claim){.protocol = PROTOCOL_UDP,
                          .local = an_endpoint(local),
                          .reuseaddr = reuseaddr,
                          .reuseport = reuseport,
                          .uid = USER,
                          .range_low = 40000,
                          .range_high = 40001};
}

static struct occupant an_occupant(const char *local, enum knowledge reuseaddr,
                                   enum knowledge reuseport) {
    return (struct occupant){.socket = {.protocol = PROTOCOL_UDP,
                                        .state = STATE_CLOSED,
                                        .local = an_endpoint(local),
                                        .inode = 4711,
                                        .uid = USER,
                                        .v6only_known = true},
                             .reuseaddr = reuseaddr,
                             .reuseport = reuseport};
}

static void check(const struct ruling *got, const char *rule, enum knowledge in_the_way,
                  unsigned unknown, size_t row) {
    if (strcmp(rules_text(got->rule)->name, rule) != 0 || got->in_the_way != in_the_way ||
        got->unknown != unknown)
        fail_msg("row %zu: got %s, in the way %d, unknown %u", row, rules_text(got->rule)->name,
                 got->in_the_way, got->unknown);
}

static void one_occupant_is_in_the_way_or_not(void **state) {
    static const struct {
        const char *mine;
        bool reuseaddr, reuseport;
        const char *theirs;
        enum knowledge their_reuseaddr, their_reuseport;
        const char *rule;
        enum knowledge in_the_way;
        unsigned unknown;
    } rows[] = {
        {"0.0.0.0:53", false, false, "127.0.0.53:53", KNOWN_NO, KNOWN_NO, "udp-port-taken",
         KNOWN_YES, 0},
        {"127.0.0.1:53", false, false, "127.0.0.53:53", NOT_KNOWN, NOT_KNOWN, "other-address",
         KNOWN_NO, 0},
        {"127.0.0.53:54", false, false, "127.0.0.53:53", NOT_KNOWN, NOT_KNOWN, "other-port",
         KNOWN_NO, 0},
        {"127.0.0.1:53", false, false, "[::]:53", NOT_KNOWN, NOT_KNOWN, "udp-port-taken", KNOWN_YES,
         0},
        {"127.0.0.1:53", true, false, "127.0.0.1:53", KNOWN_YES, KNOWN_NO, "udp-both-reuseaddr",
         KNOWN_NO, 0},
        {"127.0.0.1:53", true, false, "127.0.0.1:53", NOT_KNOWN, NOT_KNOWN, "udp-port-taken",
         NOT_KNOWN, UNKNOWN_REUSEADDR},
        {"127.0.0.1:53", false, true, "127.0.0.1:53", NOT_KNOWN, NOT_KNOWN, "udp-port-taken",
         NOT_KNOWN, UNKNOWN_REUSEPORT},
        {"127.0.0.1:53", false, true, "127.0.0.1:53", KNOWN_NO, KNOWN_YES, "udp-reuseport-group",
         KNOWN_NO, 0},
        {"127.0.0.1:53", true, false, "127.0.0.1:53", KNOWN_NO, KNOWN_YES, "udp-port-taken",
         KNOWN_YES, 0},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct claim claim = a_claim(rows[i].mine, rows[i].reuseaddr, rows[i].reuseport);
        struct occupant occupant =
            an_occupant(rows[i].theirs, rows[i].their_reuseaddr, rows[i].their_reuseport);
        struct ruling ruling = udp_between(&claim, &occupant);
        check(&ruling, rows[i].rule, rows[i].in_the_way, rows[i].unknown, i);
        struct port_ruling port = udp_port(&claim, &occupant, 1);
        assert_int_equal(port.ruling.in_the_way, rows[i].in_the_way);
    }
}

static void another_user_does_not_share_by_reuseport(void **state) {
    struct claim claim = a_claim("127.0.0.1:53", false, true);
    struct occupant occupant = an_occupant("127.0.0.1:53", KNOWN_NO, KNOWN_YES);
    (void)state;
    occupant.socket.uid = OTHER;
    assert_int_equal(udp_between(&claim, &occupant).in_the_way, KNOWN_YES);
}

/* sock_diag does not say whether a connected socket is IPv6 only; it matters for 0.0.0.0 alone. */
static void a_connected_ipv6_socket_may_overlap_the_ipv4_wildcard(void **state) {
    struct occupant occupant = an_occupant("[::1]:53", KNOWN_NO, KNOWN_NO);
    struct claim wildcard = a_claim("0.0.0.0:53", false, false);
    struct claim specific = a_claim("127.0.0.1:53", false, false);
    (void)state;
    occupant.socket.state = STATE_ESTABLISHED;
    occupant.socket.v6only_known = false;
    struct ruling ruling = udp_between(&wildcard, &occupant);
    check(&ruling, "udp-port-taken", NOT_KNOWN, UNKNOWN_V6ONLY, 0);
    assert_int_equal(udp_between(&specific, &occupant).in_the_way, KNOWN_NO);
}

static void devices_that_differ_do_not_overlap(void **state) {
    struct claim claim = a_claim("127.0.0.1:53", false, false);
    struct occupant occupant = an_occupant("127.0.0.1:53", KNOWN_NO, KNOWN_NO);
    (void)state;
    claim.interface = 1;
    assert_int_equal(udp_between(&claim, &occupant).in_the_way, KNOWN_YES);
    occupant.socket.interface = 2;
    struct ruling ruling = udp_between(&claim, &occupant);
    check(&ruling, "other-device", KNOWN_NO, 0, 0);
}

/* The kernel's walk ends at the first socket of the group: a later one that refuses is not seen. */
static void the_order_decides(void **state) {
    struct claim claim = a_claim("127.0.0.1:53", false, true);
    struct occupant group = an_occupant("127.0.0.1:53", KNOWN_NO, KNOWN_YES);
    struct occupant plain = an_occupant("0.0.0.0:53", KNOWN_NO, KNOWN_NO);
    struct occupant doubtful = an_occupant("127.0.0.1:53", KNOWN_NO, NOT_KNOWN);
    struct occupant elsewhere = an_occupant("127.0.0.2:53", KNOWN_NO, KNOWN_NO);
    struct occupant first[] = {elsewhere, group, plain}, second[] = {elsewhere, plain, group};
    struct occupant third[] = {doubtful, plain}, fourth[] = {doubtful, group};
    (void)state;
    struct port_ruling port = udp_port(&claim, first, 3);
    check(&port.ruling, "udp-reuseport-group", KNOWN_NO, 0, 0);
    assert_int_equal(port.occupant, 1);
    port = udp_port(&claim, second, 3);
    check(&port.ruling, "udp-port-taken", KNOWN_YES, 0, 1);
    assert_int_equal(port.occupant, 1);
    /* What is not known of the first may end the walk either way. */
    port = udp_port(&claim, third, 2);
    check(&port.ruling, "udp-port-taken", NOT_KNOWN, UNKNOWN_REUSEPORT, 2);
    port = udp_port(&claim, fourth, 2);
    check(&port.ruling, "udp-port-taken", NOT_KNOWN, UNKNOWN_REUSEPORT, 3);
}

/* A doubtful socket that at best is passed does not change that a later one refuses. */
static void a_doubt_that_cannot_matter_is_none(void **state) {
    struct claim claim = a_claim("127.0.0.1:53", true, false);
    struct occupant both[] = {an_occupant("127.0.0.1:53", NOT_KNOWN, KNOWN_NO),
                              an_occupant("0.0.0.0:53", KNOWN_NO, KNOWN_NO)};
    (void)state;
    struct port_ruling port = udp_port(&claim, both, 2);
    check(&port.ruling, "udp-port-taken", KNOWN_YES, 0, 0);
    assert_int_equal(port.occupant, 1);
}

static void a_free_port_is_free(void **state) {
    struct claim claim = a_claim("127.0.0.1:53", false, false);
    (void)state;
    struct port_ruling port = udp_port(&claim, NULL, 0);
    check(&port.ruling, "free", KNOWN_NO, 0, 0);
    assert_int_equal(port.occupant, 0);
}

static void a_range_has_what_nobody_keeps(void **state) {
    struct claim claim = a_claim("127.0.0.1:0", false, true);
    struct occupant occupants[] = {an_occupant("0.0.0.0:40000", KNOWN_NO, KNOWN_YES),
                                   an_occupant("0.0.0.0:40001", KNOWN_NO, KNOWN_NO)};
    bool ports[2];
    (void)state;
    struct range_ruling range = udp_range(&claim, occupants, 2, ports);
    assert_int_equal(range.eligible, 1);
    assert_true(ports[0] && !ports[1]);
    claim.reuseport = false;
    range = udp_range(&claim, occupants, 2, NULL);
    assert_int_equal(range.error, EADDRINUSE);
    assert_int_equal(range.rule, RULE_UDP_PORT_TAKEN);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_occupant_is_in_the_way_or_not),
        cmocka_unit_test(another_user_does_not_share_by_reuseport),
        cmocka_unit_test(a_connected_ipv6_socket_may_overlap_the_ipv4_wildcard),
        cmocka_unit_test(devices_that_differ_do_not_overlap),
        cmocka_unit_test(the_order_decides),
        cmocka_unit_test(a_doubt_that_cannot_matter_is_none),
        cmocka_unit_test(a_free_port_is_free),
        cmocka_unit_test(a_range_has_what_nobody_keeps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
