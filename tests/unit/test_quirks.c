/* What older kernels do otherwise (model/quirks.h): which release has which quirk, and what the
 * rules say with it. Seen with tests/kernels. */
#include "an_endpoint.h"
#include "test.h"

#include "model/quirks.h"
#include "model/rules.h"

static struct kernel_quirks of(const char *text) {
    struct kernel_release release;
    assert_true(release_parse(text, true, &release));
    return quirks_of(release);
}

static void a_release_has_the_quirks_of_its_time(void **state) {
    static const struct {
        const char *release;
        bool mapped_wildcard, first_bind, stays_poisoned;
    } rows[] = {
        {"5.10.0-46-cloud-amd64", false, true, true},
        {"6.1.0-56-cloud-amd64", true, true, true},
        {"6.6.130", true, true, true},
        {"6.6.131", false, true, true},
        {"6.7.12", true, true, true},
        {"6.8.0-45-generic", false, false, true},
        {"6.12.118+deb13-cloud-amd64", false, false, true},
        {"6.17.7", false, false, true},
        {"6.17.8", false, false, false},
        {"6.18.0", false, false, false},
        {"7.3-cloud-amd64", false, false, false},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct kernel_quirks quirks = of(rows[i].release);
        if (quirks.mapped_wildcard != rows[i].mapped_wildcard ||
            quirks.first_bind != rows[i].first_bind ||
            quirks.stays_poisoned != rows[i].stays_poisoned)
            fail_msg("%s", rows[i].release);
        assert_int_equal(quirks_any(quirks), rows[i].stays_poisoned);
    }
    assert_false(quirks_any(quirks_of((struct kernel_release){0})));
}

enum { ADDR = 1, PORT = 2 };

static struct claim a_claim(const char *local, unsigned options, const char *release) {
    return (struct claim){.local = an_endpoint(local),
                          .reuseaddr = (options & ADDR) != 0,
                          .reuseport = (options & PORT) != 0,
                          .range_low = 40000,
                          .range_high = 40003,
                          .quirks = of(release)};
}

static struct occupant an_occupant(const char *local, unsigned options) {
    return (struct occupant){.socket = {.state = STATE_BOUND,
                                        .local = an_endpoint(local),
                                        .inode = 1,
                                        .v6only_known = true},
                             .reuseaddr = knowledge_of((options & ADDR) != 0),
                             .reuseport = knowledge_of((options & PORT) != 0)};
}

static void a_mapped_address_overlooks_the_mapped_wildcard(void **state) {
    static const struct {
        const char *release, *mine, *theirs;
        bool meets;
    } rows[] = {
        {"6.1.192", "[::ffff:127.0.0.1]:80", "[::ffff:0.0.0.0]:80", false},
        {"6.18.0", "[::ffff:127.0.0.1]:80", "[::ffff:0.0.0.0]:80", true},
        {"5.10.262", "[::ffff:127.0.0.1]:80", "[::ffff:0.0.0.0]:80", true},
        {"6.1.192", "127.0.0.1:80", "[::ffff:0.0.0.0]:80", true},
        {"6.1.192", "[::ffff:127.0.0.1]:80", "0.0.0.0:80", true},
        {"6.1.192", "[::ffff:0.0.0.0]:80", "[::ffff:127.0.0.1]:80", true},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct claim claim = a_claim(rows[i].mine, 0, rows[i].release);
        struct occupant occupant = an_occupant(rows[i].theirs, 0);
        if (rules_between(CALL_BIND, &claim, &occupant).in_the_way != knowledge_of(rows[i].meets))
            fail_msg("row %zu: %s beside %s on %s", i, rows[i].mine, rows[i].theirs,
                     rows[i].release);
    }
}

/* The first socket had the option at its bind(), and has lost it since; the second one has it. */
static void the_first_bind_decides(void **state) {
    static const struct {
        const char *release, *second;
        unsigned option;
        enum port_call call;
        bool passes;
    } rows[] = {
        {"6.1.0", "127.0.0.1:80", ADDR, CALL_BIND, true},
        {"6.8.0", "127.0.0.1:80", ADDR, CALL_BIND, false},
        {"6.1.0", "127.0.0.1:80", ADDR, CALL_LISTEN, false},
        {"6.1.0", "0.0.0.0:80", PORT, CALL_BIND,
         true}, /* an address that the first one's does not cover */
        {"6.8.0", "0.0.0.0:80", PORT, CALL_BIND, false},
        {"6.1.0", "0.0.0.0:80", PORT, CALL_LISTEN, true},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct claim first = a_claim("127.0.0.1:80", rows[i].option, rows[i].release);
        struct claim second = a_claim(rows[i].second, rows[i].option, rows[i].release);
        struct occupant occupant = an_occupant("127.0.0.1:80", 0);
        struct port_history history = {0};
        rules_remember(&history, &first);
        struct port_ruling port = rules_port(rows[i].call, &second, &occupant, 1, &history);
        if ((port.ruling.in_the_way == KNOWN_NO) != rows[i].passes)
            fail_msg("row %zu: %s", i, rules_text(port.ruling.rule)->name);
    }
}

/* Only where connect() has chosen the port before is no socket the first one. */
static void connect_is_first_too(void **state) {
    struct claim first = a_claim("127.0.0.1:80", PORT, "6.1.0");
    struct claim second = a_claim("0.0.0.0:80", PORT, "6.1.0");
    struct occupant occupant = an_occupant("127.0.0.1:80", 0);
    struct port_history history = {0};
    (void)state;
    rules_remember_connect(&history);
    rules_remember(&history, &first);
    assert_int_equal(rules_port(CALL_BIND, &second, &occupant, 1, &history).ruling.in_the_way,
                     KNOWN_YES);
}

static void a_port_stays_poisoned(void **state) {
    struct occupant client = an_occupant("127.0.0.1:40000", 0);
    client.socket.state = STATE_ESTABLISHED;
    client.outgoing = client.by_connect = KNOWN_YES;
    (void)state;
    for (unsigned old = 0; old < 2; old++) {
        struct claim first = a_claim("127.0.0.1:40000", PORT, old ? "6.12.1" : "6.18.1");
        struct port_history history = {0};
        rules_remember(&history, &first);
        rules_forget(&history, &client, 1);
        assert_int_equal(history.bound, old);
        rules_forget(&history, NULL, 0);
        assert_false(history.bound);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_release_has_the_quirks_of_its_time),
        cmocka_unit_test(a_mapped_address_overlooks_the_mapped_wildcard),
        cmocka_unit_test(the_first_bind_decides),
        cmocka_unit_test(connect_is_first_too),
        cmocka_unit_test(a_port_stays_poisoned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
