/* What the kernel counts: lines of names and of numbers. */
#include "kernel/counters.h"
#include "test.h"

static const char text[] = "Ip: Forwarding InReceives\nIp: 1 17\n"
                           "Tcp: MaxConn ActiveOpens PassiveOpens CurrEstab\nTcp: -1 5 7 3\n"
                           "TcpExt: Opens TCPFastOpenBlackhole\nTcpExt: 9 18446744073709551615\n"
                           "Udp: InDatagrams\n";

static void a_count_is_found_by_its_whole_name_in_its_line(void **state) {
    uint64_t value = 42;
    (void)state;
    assert_true(counters_find(text, "Ip", "InReceives", &value));
    assert_int_equal(value, 17);
    assert_true(counters_find(text, "Tcp", "ActiveOpens", &value));
    assert_int_equal(value, 5);
    assert_true(counters_find(text, "Tcp", "CurrEstab", &value));
    assert_int_equal(value, 3);
    assert_true(counters_find(text, "TcpExt", "TCPFastOpenBlackhole", &value));
    assert_true(value == UINT64_MAX);
    assert_true(counters_find(text, "TcpExt", "Opens", &value));
    assert_int_equal(value, 9);
    assert_false(counters_find(text, "Tcp", "Opens", &value));
    assert_false(counters_find(text, "Tcp", "Active", &value));
    assert_false(counters_find(text, "Udp", "InDatagrams", &value)); /* without numbers */
    assert_false(counters_find(text, "Icmp", "InMsgs", &value));
    assert_false(counters_find("", "Tcp", "ActiveOpens", &value));
    assert_int_equal(value, 9);
}

static void it_is_quiet_if_nothing_was_opened_or_closed(void **state) {
    const struct counters_tcp before = {true, 12, 3}, opened = {true, 13, 3},
                              closed = {true, 12, 2}, unknown = {false, 12, 3};
    (void)state;
    assert_true(counters_quiet(&before, &before));
    assert_false(counters_quiet(&before, &opened));
    assert_false(counters_quiet(&before, &closed));
    assert_false(counters_quiet(&unknown, &before));
    assert_false(counters_quiet(&before, &unknown));
}

static void the_counts_of_this_kernel_can_be_read(void **state) {
    (void)state;
    if (!counters_tcp(NETNS_HERE).known)
        skip(); /* a /proc without it */
    uint64_t value;
    assert_true(counters_read(NETNS_HERE, "snmp", "Tcp", "ActiveOpens", &value));
    assert_false(counters_read(NETNS_HERE, "no such file", "Tcp", "ActiveOpens", &value));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_count_is_found_by_its_whole_name_in_its_line),
        cmocka_unit_test(it_is_quiet_if_nothing_was_opened_or_closed),
        cmocka_unit_test(the_counts_of_this_kernel_can_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
