/* What a budget advises, and what it does not. */
#include "test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "an_endpoint.h"
#include "report/host/budget_advice.h"

static void add_line(void *context, const char *line) {
    fprintf(context, "%s\n", line);
}

enum { TEXT_SIZE = 16384 };

static void advise(const struct budget *budget, bool is_short, char text[static TEXT_SIZE]) {
    memset(text, 0, TEXT_SIZE);
    FILE *out = fmemopen(text, TEXT_SIZE - 1, "w");
    budget_advice(budget, is_short, add_line, out);
    fclose(out);
}

static void assert_says(const struct budget *budget, const char *words, bool wanted) {
    char text[TEXT_SIZE];
    advise(budget, true, text);
    if ((strstr(text, words) != NULL) != wanted)
        fail_msg("%s '%s' in:\n%s", wanted ? "no" : "unwanted", words, text);
}

/* Ten of twenty ports are used, of which eight are in TIME-WAIT. */
static struct budget half_used(void) {
    static const struct port_set none;
    struct budget budget = {.known = 1,
                            .exhausted_s = -1,
                            .tw_reuse = 2,
                            .tw_reuse_delay_ms = 1000,
                            .timestamps = true,
                            .asked_by_root = true,
                            .is_first_netns = true};
    struct budget_route *route = &budget.routes[0];
    budget.range = port_range(20000, 20019, &none);
    *route = (struct budget_route){.local = an_endpoint("192.0.2.1:0"),
                                   .remote = an_endpoint("198.51.100.1:80"),
                                   .used = 10,
                                   .left = 10,
                                   .left_least = 10,
                                   .left_most = 10,
                                   .blocked = 10,
                                   .waiting = 8,
                                   .may_reuse = 7,
                                   .closed = 5};
    return budget;
}

static void tcp_tw_reuse_is_advised_where_it_helps(void **state) {
    static const struct {
        unsigned setting;
        bool timestamps, loopback, advised;
        enum knowledge reuse;
    } cases[] = {{2, true, false, true, NOT_KNOWN}, {2, true, false, true, KNOWN_YES},
                 {2, true, false, false, KNOWN_NO}, {1, true, false, false, NOT_KNOWN},
                 {0, true, false, true, KNOWN_YES}, {2, true, true, false, KNOWN_YES},
                 {0, true, true, true, KNOWN_YES},  {2, false, false, false, KNOWN_NO}};
    (void)state;
    for (size_t i = 0; i < ROWS(cases); i++) {
        struct budget budget = half_used();
        budget.tw_reuse = cases[i].setting;
        budget.timestamps = cases[i].timestamps;
        budget.routes[0].loopback = cases[i].loopback;
        budget.routes[0].reuse = cases[i].reuse;
        assert_says(&budget, "sysctl -w net.ipv4.tcp_tw_reuse=1\n", cases[i].advised);
        assert_says(&budget, "if the other end has TCP timestamps",
                    cases[i].advised && cases[i].reuse == NOT_KNOWN);
        assert_says(&budget, "sysctl -w net.ipv4.tcp_timestamps=1\n", !cases[i].timestamps);
    }
}

/* bind() to port 0 chose all of these ports. */
static void tcp_tw_reuse_is_not_advised_for_kept_ports(void **state) {
    struct budget budget = half_used();
    (void)state;
    budget.tw_reuse = 2;
    budget.routes[0].reuse = KNOWN_YES;
    budget.routes[0].kept_own = 10;
    assert_says(&budget, "tcp_tw_reuse=1", true);
    budget.routes[0].may_reuse = 0;
    assert_says(&budget, "tcp_tw_reuse=1", false);
}

static void the_price_stands_before_the_command(void **state) {
    static const char *const pairs[][2] = {
        {"without expert advice", "sysctl -w net.ipv4.tcp_tw_reuse=1\n"},
        {"reserve the ports of all servers",
         "sysctl -w net.ipv4.ip_local_port_range=\"10000 65535\"\n"}};
    (void)state;
    for (size_t i = 0; i < ROWS(pairs); i++) {
        struct budget budget = half_used();
        char text[TEXT_SIZE];
        advise(&budget, true, text);
        const char *price = strstr(text, pairs[i][0]);
        assert_true(price != NULL && strstr(price, pairs[i][1]) != NULL);
    }
}

/* The kernel refuses a range with a privileged port. */
static void the_wider_range_has_no_privileged_port(void **state) {
    struct budget budget = half_used();
    (void)state;
    budget.privileged_below = 20000;
    assert_says(&budget, "ip_local_port_range=\"20000 65535\"\n", true);
    budget.range.low = 20000;
    budget.range.high = UINT16_MAX;
    assert_says(&budget, "ip_local_port_range", false);
}

static void bind_is_named_only_if_it_is_proved(void **state) {
    struct budget budget = half_used();
    (void)state;
    budget.kept_ports = budget.routes[0].kept = 3;
    assert_says(&budget, "bind() with port 0", false);
    budget.by_bind_ports = 2;
    assert_says(&budget, "bind() with port 0 chose 2 ports, which", true);
}

static void the_number_of_ports_goes_by_the_closings(void **state) {
    struct budget budget = half_used();
    (void)state;
    /* 0.5 a second, for 60 s, and two open ones */
    assert_says(&budget,
                "at 0.5 new connections a second, each closed here first, you need 32 "
                "ports, that is 2 source addresses or destinations; this range has 20\n",
                true);
    budget.routes[0].kept = 12;
    assert_says(&budget, "that is 4 source addresses or destinations; this range has 8\n", true);
    budget.routes[0].closed = 0;
    assert_says(&budget, "new connections a second", false);
}

static void servers_of_the_wider_range_are_reserved_first(void **state) {
    struct budget budget = half_used();
    struct port_set reserved = {{0}};
    (void)state;
    port_set_add(&reserved, 20005);
    budget.range = port_range(20000, 20019, &reserved);
    port_set_add(&budget.servers, 8080);
    port_set_add(&budget.servers, 30000);
    assert_says(&budget, "sysctl -w net.ipv4.ip_local_reserved_ports=20005,30000\n", true);
}

static void a_port_of_this_host_in_the_range_is_reserved(void **state) {
    struct budget budget = half_used();
    (void)state;
    budget.routes[0].remote.port = 20004;
    assert_says(&budget, "self-connect", false);
    budget.is_local = true;
    char text[TEXT_SIZE];
    advise(&budget, false, text); /* also if there are enough */
    assert_non_null(strstr(text, "sysctl -w net.ipv4.ip_local_reserved_ports=20004\n"));
}

/* Each command replaces the whole list: a later one must not take back what an earlier one
 * reserved.
 */
static void a_later_list_of_reserved_ports_keeps_the_earlier_ones(void **state) {
    struct budget budget = half_used();
    (void)state;
    budget.is_local = true;
    budget.routes[0].remote.port = 20004;
    port_set_add(&budget.servers, 20006);
    assert_says(&budget, "ip_local_reserved_ports=20006\n", true);
    assert_says(&budget, "ip_local_reserved_ports=20004,20006\n", true);
    port_set_add(&budget.servers, 20004); /* the first one has it already */
    assert_says(&budget, "ip_local_reserved_ports=20004,20006\n", true);
    assert_says(&budget, "self-connect", false);
}

static void with_enough_ports_there_is_no_advice(void **state) {
    struct budget budget = half_used();
    (void)state;
    char text[TEXT_SIZE];
    advise(&budget, false, text);
    assert_string_equal(text, "");
}

static void commands_run_where_the_question_was_asked(void **state) {
    struct budget budget = half_used();
    (void)state;
    snprintf(budget.where.path, sizeof budget.where.path, "/run/netns/blue");
    budget.asked_by_root = false;
    assert_says(&budget, "\nsudo ip netns exec blue sysctl -w net.ipv4.tcp_tw_reuse=1\n", true);
    assert_says(&budget, "sysctl.d", false);
}

static void a_refusal_is_not_about_ports(void **state) {
    struct budget budget = half_used();
    (void)state;
    budget.refused = ENETUNREACH;
    budget.asked.remote = an_endpoint("198.51.100.1:80");
    budget.asked.local = an_endpoint("192.0.2.1:0");
    assert_says(&budget, "ENETUNREACH is not about ports", true);
    assert_says(&budget, "portreuse why --as client --from 192.0.2.1 198.51.100.1:80\n", true);
    assert_says(&budget, "ip_local_port_range", false);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tcp_tw_reuse_is_advised_where_it_helps),
        cmocka_unit_test(tcp_tw_reuse_is_not_advised_for_kept_ports),
        cmocka_unit_test(the_price_stands_before_the_command),
        cmocka_unit_test(the_wider_range_has_no_privileged_port),
        cmocka_unit_test(bind_is_named_only_if_it_is_proved),
        cmocka_unit_test(the_number_of_ports_goes_by_the_closings),
        cmocka_unit_test(servers_of_the_wider_range_are_reserved_first),
        cmocka_unit_test(a_port_of_this_host_in_the_range_is_reserved),
        cmocka_unit_test(a_later_list_of_reserved_ports_keeps_the_earlier_ones),
        cmocka_unit_test(with_enough_ports_there_is_no_advice),
        cmocka_unit_test(commands_run_where_the_question_was_asked),
        cmocka_unit_test(a_refusal_is_not_about_ports),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
