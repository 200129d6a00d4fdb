/* What the records of perf_event_open(2) tell about connections and processes. */
#include "test.h"

#include <linux/perf_event.h>
#include <string.h>

#include "kernel/tcp_watch.h"

/* The `format` file of Linux 6.18, shortened. */
static const char format[] =
    "name: inet_sock_set_state\nID: 2287\nformat:\n"
    "\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"
    "\tfield:const void * skaddr;\toffset:8;\tsize:8;\tsigned:0;\n"
    "\tfield:int oldstate;\toffset:16;\tsize:4;\tsigned:1;\n"
    "\tfield:int newstate;\toffset:20;\tsize:4;\tsigned:1;\n"
    "\tfield:__u16 sport;\toffset:24;\tsize:2;\tsigned:0;\n"
    "\tfield:__u16 dport;\toffset:26;\tsize:2;\tsigned:0;\n"
    "\tfield:__u16 family;\toffset:28;\tsize:2;\tsigned:0;\n"
    "\tfield:__u8 saddr[4];\toffset:32;\tsize:4;\tsigned:0;\n"
    "\tfield:__u8 saddr_v6[16];\toffset:40;\tsize:16;\tsigned:0;\n"
    "\tfield:__u8 daddr_v6[16];\toffset:56;\tsize:16;\tsigned:0;\n\n"
    "print fmt: \"oldstate=%s newstate=%s\", REC->oldstate, REC->newstate\n";

static void the_fields_are_where_the_format_says(void **state) {
    struct tcp_event_fields fields;
    (void)state;
    assert_true(tcp_event_format(format, &fields));
    assert_int_equal(fields.newstate, 20);
    assert_int_equal(fields.sport, 24);
    assert_int_equal(fields.dport, 26);
    assert_int_equal(fields.saddr, 40);
    assert_int_equal(fields.daddr, 56);
    assert_false(tcp_event_format("", &fields));
    assert_false(tcp_event_format("\tfield:int newstate;\toffset:20;", &fields));
}

/* A record with room for the largest. */
struct record {
    struct perf_event_header header;
    char body[240];
};

static void put(struct record *record, const void *bytes, size_t size) {
    memcpy((char *)record + record->header.size, bytes, size);
    record->header.size = (uint16_t)(record->header.size + size);
}

static struct record sample_of(uint32_t new_state) {
    struct record record = {.header = {.type = PERF_RECORD_SAMPLE, .size = 8}};
    char data[76] = {0};
    const uint32_t ids[2] = {4711, 4712}, size = sizeof data;
    const uint64_t time = 123, cgroup = 99;
    const uint16_t ports[2] = {40000, 80};
    const uint8_t mapped[16] = {[10] = 0xff, 0xff, 127, 0, 0, 1}, ipv6[16] = {0x20, 1, [15] = 2};
    memcpy(data + 20, &new_state, 4);
    memcpy(data + 24, ports, 4);
    memcpy(data + 40, mapped, sizeof mapped);
    memcpy(data + 56, ipv6, sizeof ipv6);
    put(&record, ids, sizeof ids);
    put(&record, &time, sizeof time);
    put(&record, &size, sizeof size);
    put(&record, data, sizeof data);
    put(&record, &cgroup, sizeof cgroup);
    return record;
}

static void a_connection_is_told_with_its_process(void **state) {
    struct tcp_watch watch = {.with_cgroup = true};
    struct record record = sample_of(4);
    struct tcp_event event;
    (void)state;
    assert_true(tcp_event_format(format, &watch.fields));
    assert_true(tcp_event_read(&watch, &record, record.header.size, &event));
    assert_int_equal(event.kind, TCP_CLOSED_FIRST);
    assert_int_equal(event.pid, 4711);
    assert_int_equal(event.time_ns, 123);
    assert_int_equal(event.cgroup, 99);
    assert_int_equal(event.local.family, AF_INET);
    assert_int_equal(event.local.address[0], 127);
    assert_int_equal(event.local.port, 40000);
    assert_int_equal(event.remote.family, AF_INET6);
    assert_int_equal(event.remote.port, 80);
    record = sample_of(2);
    assert_true(tcp_event_read(&watch, &record, record.header.size, &event));
    assert_int_equal(event.kind, TCP_OPENED);
    record = sample_of(1);
    assert_false(tcp_event_read(&watch, &record, record.header.size, &event));
    record = sample_of(4);
    for (size_t size = 0; size < record.header.size - 8U; size++)
        assert_false(tcp_event_read(&watch, &record, size, &event));
    watch.with_cgroup = false;
    assert_true(tcp_event_read(&watch, &record, record.header.size - 8U, &event));
    assert_int_equal(event.cgroup, 0);
}

static void processes_are_told_and_threads_are_not(void **state) {
    struct tcp_watch watch = {.with_cgroup = true};
    struct record fork = {.header = {.type = PERF_RECORD_FORK, .size = 8}};
    struct record name = {.header = {.type = PERF_RECORD_COMM, .size = 8}};
    const uint32_t child[4] = {20, 10, 20, 10}, thread[4] = {20, 20, 21, 20};
    const uint32_t leader[2] = {20, 20}, other[2] = {20, 21};
    struct tcp_event event;
    (void)state;
    put(&fork, child, sizeof child);
    assert_true(tcp_event_read(&watch, &fork, fork.header.size, &event));
    assert_int_equal(event.kind, TCP_FORKED);
    assert_int_equal(event.pid, 20);
    assert_int_equal(event.other, 10);
    memcpy(fork.body, thread, sizeof thread);
    assert_false(tcp_event_read(&watch, &fork, fork.header.size, &event));
    put(&name, leader, sizeof leader);
    put(&name, "curl\0\0\0", 8);
    assert_true(tcp_event_read(&watch, &name, name.header.size, &event));
    assert_int_equal(event.kind, TCP_NAMED);
    assert_string_equal(event.name, "curl");
    memcpy(name.body, other, sizeof other);
    assert_false(tcp_event_read(&watch, &name, name.header.size, &event));
    assert_false(tcp_event_read(&watch, &name, 12, &event));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_fields_are_where_the_format_says),
        cmocka_unit_test(a_connection_is_told_with_its_process),
        cmocka_unit_test(processes_are_told_and_threads_are_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
