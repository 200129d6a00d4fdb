/* Names and values of the kernel: TCP states, releases, sysctls, socket options. */
#include "test.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/units.h"
#include "in_namespace.h"
#include "kernel/gvisor.h"
#include "kernel/sockopt.h"
#include "kernel/sysctl.h"
#include "model/socket.h"

/* --- states --- */

static const struct {
    enum tcp_state state;
    const char *name;
} states[] = {
    {STATE_ESTABLISHED, "ESTABLISHED"},
    {STATE_SYN_SENT, "SYN-SENT"},
    {STATE_SYN_RECEIVED, "SYN-RECEIVED"},
    {STATE_FIN_WAIT_1, "FIN-WAIT-1"},
    {STATE_FIN_WAIT_2, "FIN-WAIT-2"},
    {STATE_TIME_WAIT, "TIME-WAIT"},
    {STATE_CLOSED, "CLOSED"},
    {STATE_CLOSE_WAIT, "CLOSE-WAIT"},
    {STATE_LAST_ACK, "LAST-ACK"},
    {STATE_LISTEN, "LISTEN"},
    {STATE_CLOSING, "CLOSING"},
    {STATE_BOUND, "BOUND"},
};

static void socket_state_name_and_states_agree(void **state) {
    (void)state;
    for (size_t i = 0; i < ROWS(states); i++) {
        assert_string_equal(socket_state_name(states[i].state), states[i].name);
        assert_int_equal(socket_states(PROTOCOL_TCP, states[i].name), 1U << states[i].state);
    }
}

/* The C library has the kernel's numbers, except 13, which is new in Linux 6.8. */
static void socket_states_have_the_numbers_of_the_kernel(void **state) {
    (void)state;
    assert_int_equal(STATE_ESTABLISHED, TCP_ESTABLISHED);
    assert_int_equal(STATE_SYN_SENT, TCP_SYN_SENT);
    assert_int_equal(STATE_SYN_RECEIVED, TCP_SYN_RECV);
    assert_int_equal(STATE_FIN_WAIT_1, TCP_FIN_WAIT1);
    assert_int_equal(STATE_FIN_WAIT_2, TCP_FIN_WAIT2);
    assert_int_equal(STATE_TIME_WAIT, TCP_TIME_WAIT);
    assert_int_equal(STATE_CLOSED, TCP_CLOSE);
    assert_int_equal(STATE_CLOSE_WAIT, TCP_CLOSE_WAIT);
    assert_int_equal(STATE_LAST_ACK, TCP_LAST_ACK);
    assert_int_equal(STATE_LISTEN, TCP_LISTEN);
    assert_int_equal(STATE_CLOSING, TCP_CLOSING);
    assert_int_equal(STATE_BOUND, 13);
}

static void socket_states_any_has_every_state_but_none(void **state) {
    (void)state;
    assert_int_equal(socket_states(PROTOCOL_TCP, "ANY"), STATES_ANY);
    for (size_t i = 0; i < ROWS(states); i++)
        assert_true(STATES_ANY & 1U << states[i].state);
    assert_false(STATES_ANY & 1U << STATE_NONE);
    assert_int_equal((unsigned)STATES_ANY >> STATE_COUNT, 0);
}

static void socket_states_of_an_unknown_name_is_empty(void **state) {
    static const char *const rows[] = {"",     "NONE",    "any",     "time-wait",  "TIME_WAIT",
                                       "TIME", "LISTEN ", "LISTENS", "TIME-WAIT-", "ESTAB"};
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++)
        assert_int_equal(socket_states(PROTOCOL_TCP, rows[i]), 0);
}

static void socket_state_name_of_another_number_is_none(void **state) {
    static const unsigned rows[] = {0, 12, 14, 15, 255, UINT_MAX};
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++)
        assert_string_equal(socket_state_name((enum tcp_state)rows[i]), "NONE");
}

static void socket_state_near_finds_the_state_that_is_meant(void **state) {
    (void)state;
    assert_string_equal(socket_state_near(PROTOCOL_TCP, "TIME_WAIT"), "TIME-WAIT");
    assert_string_equal(socket_state_near(PROTOCOL_TCP, "listen"), "LISTEN");
    assert_string_equal(socket_state_near(PROTOCOL_TCP, "ETSABLISHED"), "ESTABLISHED");
    assert_string_equal(socket_state_near(PROTOCOL_TCP, "BUOND"), "BOUND");
    assert_string_equal(socket_state_near(PROTOCOL_TCP, "any"), "ANY");
    assert_null(socket_state_near(PROTOCOL_TCP, "SLEEPING"));
}

/* --- releases --- */

static void release_parse_takes_up_to_three_parts(void **state) {
    static const struct {
        const char *text;
        bool with_tail;
        unsigned part[3];
    } rows[] = {
        {"6", false, {6, 0, 0}},
        {"6.8", false, {6, 8, 0}},
        {"6.8.12", false, {6, 8, 12}},
        {"65535.0.65535", false, {65535, 0, 65535}},
        {"6.8", true, {6, 8, 0}},
        {"6.8.0-45-generic", true, {6, 8, 0}},
        {"6.18.44-fc-v669", true, {6, 18, 44}},
        {"6.8-rc1", true, {6, 8, 0}},
        {"5.4.17.2", true, {5, 4, 17}},
        {"6.8+", true, {6, 8, 0}},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct kernel_release release = {{7, 7, 7}};
        if (!release_parse(rows[i].text, rows[i].with_tail, &release))
            fail_msg("%s was refused", rows[i].text);
        assert_memory_equal(release.part, rows[i].part, sizeof release.part);
    }
}

static void release_parse_refuses_everything_else(void **state) {
    static const struct {
        const char *text;
        bool with_tail;
    } rows[] = {
        {"", false},       {"", true},        {"6 ", false},       {"6", true},
        {"6.", true},      {"six", true},     {"v6.8", true},      {".8", true},
        {"6..8", true},    {"6-8", true},     {" 6.8", true},      {"6. 8", true},
        {"-6.8", true},    {"6.-8", true},    {"6.x", true},       {"+6.8", true},
        {"6.8.", false},   {"6.8 ", false},   {"6.8-rc1", false},  {"6.8.1.1", false},
        {"65536.1", true}, {"6.65536", true}, {"6.8.65536", true}, {"6.99999999999999999999", true},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct kernel_release release;
        if (release_parse(rows[i].text, rows[i].with_tail, &release))
            fail_msg("'%s' was taken", rows[i].text);
    }
}

static void release_at_least_compares_part_by_part(void **state) {
    static const struct {
        const char *release, *least;
        bool want;
    } rows[] = {
        {"6.8", "6.8", true},       {"6.8.1", "6.8", true},     {"6.8", "6.8.1", false},
        {"6.10", "6.8", true},      {"6.8", "6.10", false},     {"7.0", "6.18.44", true},
        {"5.19.9", "6.0", false},   {"6.8.2", "6.8.10", false}, {"6.8.10", "6.8.2", true},
        {"5.4.200", "5.10", false},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct kernel_release release, least;
        assert_true(release_parse(rows[i].release, false, &release));
        assert_true(release_parse(rows[i].least, false, &least));
        if (release_at_least(release, least) != rows[i].want)
            fail_msg("%s and %s", rows[i].release, rows[i].least);
    }
}

static void release_running_is_what_uname_says(void **state) {
    struct kernel_release running = release_running();
    struct utsname names;
    char *end;
    (void)state;
    assert_int_equal(uname(&names), 0);
    unsigned long major = strtoul(names.release, &end, 10);
    if (end == names.release || *end != '.')
        skip();
    unsigned long minor = strtoul(end + 1, NULL, 10);
    assert_int_equal(running.part[0], major);
    assert_int_equal(running.part[1], minor);
}

/* --- sysctls --- */

static void sysctl_under_net_may_be_written(void **state) {
    static const char *const rows[] = {
        "net.ipv4.tcp_tw_reuse",
        "net.ipv4.ip_local_port_range",
        "net.core.somaxconn",
        "net.ipv4.conf.eth0/100.rp_filter",
        "net.ipv6.conf.lo.disable_ipv6",
        "net.ipv4.conf.br-lan@1.forwarding",
        "net.ipv4.conf.eth0:1.rp_filter",
        "net.x",
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++)
        if (sysctl_refusal(rows[i]) != NULL)
            fail_msg("%s: %s", rows[i], sysctl_refusal(rows[i]));
}

static void sysctl_elsewhere_belongs_to_the_host(void **state) {
    static const char *const rows[] = {
        "",           "net",       "kernel.ostype", "vm.swappiness",
        "netx.ipv4",  "Net.ipv4",  " net.ipv4.x",   ".net.ipv4.x",
        "net/ipv4/x", "../net.ip", "fs.net.x",      "/proc/sys/net.x"};
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        const char *why = sysctl_refusal(rows[i]);
        if (why == NULL || strstr(why, "net.") == NULL)
            fail_msg("'%s': %s", rows[i], why == NULL ? "may be written" : why);
    }
}

static void sysctl_refuses_ways_out_of_the_directory(void **state) {
    static const char *const rows[] = {
        "net.",        "net..",         "net...",         "net..x",
        "net.ipv4.",   "net.ipv4..x",   "net.ipv4./../x", "net./../kernel.ostype",
        "net.//",      "net.//.//.x",   "net.ipv4.//x",   "net.ipv4.//.//.kernel.ostype",
        "net.ipv4.x ", "net.ipv4.x\n",  "net.ipv4.x=1",   "net.ipv4.x;y",
        "net.ipv4.*",  "net.ipv4.x\\y", "net.ipv4.\x01",  "net.ipv4.\xc3\xa9",
        "net.ipv4.%n", "net.ipv4.'x'",  "net.ipv4.$x",    "net.ipv4.~",
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        const char *why = sysctl_refusal(rows[i]);
        if (why == NULL)
            fail_msg("'%s' may be written", rows[i]);
        assert_string_equal(why, "not the name of a sysctl");
    }
}

/* These tests only read sysctls, and only those that every Linux has. */
static void sysctl_read_gives_the_value_without_its_newline(void **state) {
    char value[16];
    (void)state;
    if (access("/proc/sys/kernel/ostype", R_OK) != 0)
        skip();
    assert_int_equal(sysctl_read(NETNS_HERE, "kernel.ostype", value, sizeof value), 0);
    assert_string_equal(value, "Linux");
}

static void sysctl_read_separates_numbers_by_blanks(void **state) {
    char value[64] = "untouched";
    char *middle, *end;
    (void)state;
    assert_int_equal(sysctl_read(NETNS_HERE, "net.ipv4.ip_local_port_range", value, sizeof value),
                     0);
    assert_null(strchr(value, '\t'));
    assert_true(strtoul(value, &middle, 10) > 0);
    assert_int_equal(*middle, ' ');
    assert_true(strtoul(middle, &end, 10) > 0);
    assert_string_equal(end, "");
}

static void sysctl_read_cuts_at_the_size_given(void **state) {
    char *value = malloc(4);
    (void)state;
    if (access("/proc/sys/kernel/ostype", R_OK) != 0) {
        free(value);
        skip();
    }
    assert_int_equal(sysctl_read(NETNS_HERE, "kernel.ostype", value, 4), 0);
    assert_string_equal(value, "Lin");
    free(value);
}

/* Sets a list of ports whose text has that length, and reads it. Returns the number of the step
 * that has failed. */
static int keep_list(size_t length) {
    static const char *const first[] = {"", "1,1001,", "1,", "11,", "101,", "1001,"};
    static char list[64 * 1024];
    struct port_range range;
    struct port_set ports = {0};
    char *all;
    size_t used = (size_t)snprintf(list, sizeof list, "%s", first[(length + 1) % 6]);
    for (unsigned port = 40001; used < length; port += 2)
        used += (size_t)snprintf(list + used, sizeof list - used, "%u,", port);
    list[length] = '\0'; /* instead of the last comma */
    if (used != length + 1 || !port_set_parse(list, &ports))
        return 1;
    if (sysctl_write(NETNS_HERE, "net.ipv4.ip_local_reserved_ports", list) != 0)
        return 2;
    bool same = sysctl_read_all(NETNS_HERE, "net.ipv4.ip_local_reserved_ports", &all) == 0 &&
                strcmp(all, list) == 0;
    free(all);
    if (!same || sysctl_port_range(NETNS_HERE, &range, NULL) != 0)
        return 3;
    bool counted = range.reserved_count > 0 && range.reserved_count <= port_set_count(&ports);
    return counted && memcmp(&range.reserved, &ports, sizeof ports) == 0 ? 0 : 4;
}

static int keep_lists(void) {
    static const size_t lengths[] = {509, 510, 511, 512, 513, 16382, 16383, 16384, 60001};
    for (size_t i = 0; i < ROWS(lengths); i++) {
        int step = keep_list(lengths[i]);
        if (step != 0) {
            fprintf(stderr, "with a list of %zu bytes, step %d has failed\n", lengths[i], step);
            return 1;
        }
    }
    return 0;
}

static void sysctl_takes_a_dot_as_a_slash_and_a_slash_as_a_dot(void **state) {
    char value[16];
    (void)state;
    assert_int_equal(sysctl_read(NETNS_HERE, "kernel/ostype", value, sizeof value), ENOENT);
}

static void sysctl_that_does_not_exist_is_enoent(void **state) {
    char value[16];
    (void)state;
    assert_int_equal(sysctl_read(NETNS_HERE, "net.portreuse_no_such", value, sizeof value), ENOENT);
    assert_int_equal(sysctl_write(NETNS_HERE, "net.portreuse_no_such", "1"), ENOENT);
}

static void sysctl_with_a_name_too_long_is_an_error(void **state) {
    char name[5000], value[16];
    (void)state;
    memset(name, 'x', sizeof name);
    memcpy(name, "net.", 4);
    name[sizeof name - 1] = '\0';
    assert_int_equal(sysctl_read(NETNS_HERE, name, value, sizeof value), ENAMETOOLONG);
    assert_int_equal(sysctl_write(NETNS_HERE, name, "1"), ENAMETOOLONG);
}

/* A path that is cut short could be that of another sysctl: at the right length, these names would
 * become kernel.ostype, because dots in a row are slashes in a row. */
static void sysctl_never_opens_a_name_cut_short(void **state) {
    char name[512], value[16];
    (void)state;
    for (size_t dots = 1; dots < sizeof name - sizeof "kernelostypeX"; dots++) {
        int end = snprintf(name, sizeof name, "kernel%*sostypeX", (int)dots, "");
        assert_in_range(end, 1, sizeof name - 1);
        memset(name + strlen("kernel"), '.', dots);
        if (sysctl_read(NETNS_HERE, name, value, sizeof value) == 0)
            fail_msg("%s was read", name);
    }
}

/* --- socket options: names and values --- */

static const struct sockopt *an_option(const char *name) {
    const struct sockopt *option = sockopt_named(name);
    if (option == NULL)
        fail_msg("no option is called %s", name);
    return option;
}

static void sockopt_named_gives_the_kernels_numbers(void **state) {
    static const struct sockopt rows[] = {
        {"SO_REUSEADDR", SOL_SOCKET, SO_REUSEADDR, SOCKOPT_NUMBER, false},
        {"SO_REUSEPORT", SOL_SOCKET, SO_REUSEPORT, SOCKOPT_NUMBER, false},
        {"SO_LINGER", SOL_SOCKET, SO_LINGER, SOCKOPT_LINGER, false},
        {"SO_BINDTODEVICE", SOL_SOCKET, SO_BINDTODEVICE, SOCKOPT_DEVICE, false},
        {"SO_RCVTIMEO", SOL_SOCKET, SO_RCVTIMEO, SOCKOPT_DURATION, false},
        {"IPV6_V6ONLY", IPPROTO_IPV6, IPV6_V6ONLY, SOCKOPT_NUMBER, false},
        {"IP_FREEBIND", IPPROTO_IP, IP_FREEBIND, SOCKOPT_NUMBER, false},
        {"IP_BIND_ADDRESS_NO_PORT", IPPROTO_IP, 24, SOCKOPT_NUMBER, false},
        {"IP_LOCAL_PORT_RANGE", IPPROTO_IP, 51, SOCKOPT_PORTS, false},
        {"TCP_LINGER2", IPPROTO_TCP, TCP_LINGER2, SOCKOPT_NUMBER, false},
        {"SO_ERROR", SOL_SOCKET, SO_ERROR, SOCKOPT_ERROR, true},
        {"SO_ACCEPTCONN", SOL_SOCKET, SO_ACCEPTCONN, SOCKOPT_NUMBER, true},
        {"SO_MARK", SOL_SOCKET, 36, SOCKOPT_NUMBER, false},
        {"SO_INCOMING_CPU", SOL_SOCKET, 49, SOCKOPT_NUMBER, false},
        {"IPV6_FREEBIND", IPPROTO_IPV6, 78, SOCKOPT_NUMBER, false},
        {"IPV6_TRANSPARENT", IPPROTO_IPV6, 75, SOCKOPT_NUMBER, false},
        {"TCP_KEEPIDLE", IPPROTO_TCP, TCP_KEEPIDLE, SOCKOPT_NUMBER, false},
        {"TCP_KEEPINTVL", IPPROTO_TCP, TCP_KEEPINTVL, SOCKOPT_NUMBER, false},
        {"TCP_KEEPCNT", IPPROTO_TCP, TCP_KEEPCNT, SOCKOPT_NUMBER, false},
        {"TCP_MAXSEG", IPPROTO_TCP, TCP_MAXSEG, SOCKOPT_NUMBER, false},
        {"TCP_FASTOPEN_CONNECT", IPPROTO_TCP, 30, SOCKOPT_NUMBER, false},
        {"TCP_FASTOPEN_NO_COOKIE", IPPROTO_TCP, 34, SOCKOPT_NUMBER, false},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        const struct sockopt *option = an_option(rows[i].name);
        assert_string_equal(option->name, rows[i].name);
        assert_int_equal(option->level, rows[i].level);
        assert_int_equal(option->number, rows[i].number);
        assert_int_equal(option->kind, rows[i].kind);
        assert_int_equal(option->read_only, rows[i].read_only);
    }
}

static void sockopt_names_are_exact_and_near_helps(void **state) {
    (void)state;
    assert_null(sockopt_named(""));
    assert_null(sockopt_named("so_reuseaddr"));
    assert_null(sockopt_named("SO_REUSE"));
    assert_null(sockopt_named("SO_REUSEADDR "));
    assert_string_equal(sockopt_near("SO_RESUEADDR"), "SO_REUSEADDR");
    assert_string_equal(sockopt_near("so_reuseport"), "SO_REUSEPORT");
    assert_string_equal(sockopt_near("IPV6_ONLY"), "IPV6_V6ONLY");
    assert_null(sockopt_near("O_CLOEXEC_ON_EVERYTHING"));
}

/* A value, and how it is written after it was parsed. */
static void sockopt_parse_takes_each_kind_and_text_writes_it(void **state) {
    static const struct {
        const char *option, *text, *want;
    } rows[] = {
        {"SO_REUSEADDR", NULL, "1"},
        {"SO_REUSEADDR", "0", "0"},
        {"SO_REUSEADDR", "-1", "-1"},
        {"TCP_USER_TIMEOUT", "2147483647", "2147483647"},
        {"TCP_USER_TIMEOUT", "-2147483648", "-2147483648"},
        {"SO_LINGER", NULL, "1"},
        {"SO_LINGER", "0", "0"},
        {"SO_LINGER", "2147483647", "2147483647"},
        {"SO_LINGER", "off", "off"},
        {"SO_RCVTIMEO", "200ms", "200ms"},
        {"SO_RCVTIMEO", "1.5s", "1.5s"},
        {"SO_SNDTIMEO", "2m", "120s"},
        {"SO_BINDTODEVICE", "lo", "lo"},
        {"SO_BINDTODEVICE", "fifteen-letters", "fifteen-letters"},
        {"IP_LOCAL_PORT_RANGE", "40000-40099", "40000-40099"},
        {"IP_LOCAL_PORT_RANGE", "0-0", "0-0"},
        {"IP_LOCAL_PORT_RANGE", "0-65535", "0-65535"},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        const struct sockopt *option = an_option(rows[i].option);
        struct sockopt_value value;
        char text[SOCKOPT_TEXT_SIZE];
        const char *wrong = sockopt_parse(option, rows[i].text, &value);
        if (wrong != NULL)
            fail_msg("%s=%s: %s", rows[i].option, rows[i].text, wrong);
        assert_int_equal(value.kind, option->kind);
        assert_ptr_equal(sockopt_text(&value, text), text);
        assert_string_equal(text, rows[i].want);
        assert_null(sockopt_parse(option, text, &value));
        assert_string_equal(sockopt_text(&value, text), rows[i].want);
    }
}

static void sockopt_parse_fills_the_field_of_its_kind(void **state) {
    struct sockopt_value value;
    (void)state;
    assert_null(sockopt_parse(an_option("SO_KEEPALIVE"), "7", &value));
    assert_int_equal(value.number, 7);
    assert_null(sockopt_parse(an_option("SO_LINGER"), "off", &value));
    assert_true(value.off);
    assert_null(sockopt_parse(an_option("SO_LINGER"), "5", &value));
    assert_false(value.off);
    assert_int_equal(value.number, 5);
    assert_null(sockopt_parse(an_option("SO_RCVTIMEO"), "1.5s", &value));
    assert_int_equal(value.number, 1500 * 1000 * 1000);
    assert_null(sockopt_parse(an_option("IP_LOCAL_PORT_RANGE"), "1-65535", &value));
    assert_int_equal(value.low, 1);
    assert_int_equal(value.high, 65535);
}

static void sockopt_parse_refuses_what_its_kind_does_not_take(void **state) {
    static const struct {
        const char *option, *text, *words; /* that the complaint must hold */
    } rows[] = {
        {"SO_REUSEADDR", "", "whole number"},
        {"SO_REUSEADDR", "yes", "whole number"},
        {"SO_REUSEADDR", "1.0", "whole number"},
        {"SO_REUSEADDR", "off", "whole number"},
        {"SO_REUSEADDR", "2147483648", "whole number"},
        {"SO_REUSEADDR", "-2147483649", "whole number"},
        {"SO_LINGER", "", "seconds"},
        {"SO_LINGER", "-1", "seconds"},
        {"SO_LINGER", "OFF", "seconds"},
        {"SO_LINGER", "5s", "seconds"},
        {"SO_LINGER", "2147483648", "seconds"},
        {"SO_RCVTIMEO", NULL, "needs a time"},
        {"SO_RCVTIMEO", "", "not a time"},
        {"SO_RCVTIMEO", "200", "not a time"},
        {"SO_RCVTIMEO", "-1s", "not a time"},
        {"SO_RCVTIMEO", "0.5us", "whole microseconds"},
        {"SO_BINDTODEVICE", NULL, "needs a device"},
        {"SO_BINDTODEVICE", "sixteen-letters-", "too long"},
        {"IP_LOCAL_PORT_RANGE", NULL, "needs a range"},
        {"IP_LOCAL_PORT_RANGE", "", "not a range"},
        {"IP_LOCAL_PORT_RANGE", "-", "not a range"},
        {"IP_LOCAL_PORT_RANGE", "40000", "not a range"},
        {"IP_LOCAL_PORT_RANGE", "40000-", "not a range"},
        {"IP_LOCAL_PORT_RANGE", "-40000", "not a range"},
        {"IP_LOCAL_PORT_RANGE", "40000..40099", "not a range"},
        {"IP_LOCAL_PORT_RANGE", "1-2-3", "not a range"},
        {"IP_LOCAL_PORT_RANGE", "65536-65537", "not a range"},
        {"IP_LOCAL_PORT_RANGE", "1-65536", "not a range"},
        {"IP_LOCAL_PORT_RANGE", "00000001-2", "not a range"},
        {"IP_LOCAL_PORT_RANGE", "1--2", "not a range"},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct sockopt_value value;
        const char *wrong = sockopt_parse(an_option(rows[i].option), rows[i].text, &value);
        if (wrong == NULL || strstr(wrong, rows[i].words) == NULL)
            fail_msg("%s=%s: %s", rows[i].option, rows[i].text == NULL ? "" : rows[i].text,
                     wrong == NULL ? "was taken" : wrong);
    }
}

/* --- socket options of a real socket, which is never bound --- */

static int opened; /* the socket of the present test */

static int open_socket(void **state) {
    (void)state;
    opened = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return opened < 0;
}

static int close_unbound_socket(void **state) {
    struct sockaddr_in local = {0};
    socklen_t size = sizeof local;
    (void)state;
    int failed = getsockname(opened, (struct sockaddr *)&local, &size);
    close(opened);
    return failed != 0 || local.sin_port != 0;
}

/* Sets the option to `text`, reads it back and compares; returns the errno of either. */
static int set_and_get(const char *name, const char *text, struct sockopt_value *got) {
    const struct sockopt *option = an_option(name);
    struct sockopt_value value;
    assert_null(sockopt_parse(option, text, &value));
    int error = sockopt_set(opened, option, &value);
    return error != 0 ? error : sockopt_get(opened, option, got);
}

static void sockopt_number_is_set_and_read(void **state) {
    struct sockopt_value got;
    (void)state;
    assert_int_equal(set_and_get("SO_REUSEADDR", NULL, &got), 0);
    assert_int_equal(got.kind, SOCKOPT_NUMBER);
    assert_int_equal(got.number, 1);
    assert_int_equal(sockopt_get_int(opened, SOL_SOCKET, SO_REUSEADDR, -1), 1);
    assert_int_equal(set_and_get("SO_REUSEADDR", "0", &got), 0);
    assert_int_equal(got.number, 0);
    assert_int_equal(set_and_get("TCP_USER_TIMEOUT", "4711", &got), 0);
    assert_int_equal(got.number, 4711);
    assert_int_equal(sockopt_get_int(opened, IPPROTO_TCP, TCP_USER_TIMEOUT, -1), 4711);
}

static void sockopt_linger_is_on_with_seconds_or_off(void **state) {
    struct linger linger = {0};
    socklen_t size = sizeof linger;
    struct sockopt_value got;
    (void)state;
    assert_int_equal(set_and_get("SO_LINGER", "7", &got), 0);
    assert_false(got.off);
    assert_int_equal(got.number, 7);
    assert_int_equal(set_and_get("SO_LINGER", "0", &got), 0);
    assert_false(got.off);
    assert_int_equal(got.number, 0);
    assert_int_equal(getsockopt(opened, SOL_SOCKET, SO_LINGER, &linger, &size), 0);
    assert_int_equal(linger.l_onoff, 1);
    assert_int_equal(set_and_get("SO_LINGER", "off", &got), 0);
    assert_true(got.off);
    assert_int_equal(getsockopt(opened, SOL_SOCKET, SO_LINGER, &linger, &size), 0);
    assert_int_equal(linger.l_onoff, 0);
}

/* The kernel rounds up to its tick, which is at most 10 ms. */
static void sockopt_duration_is_set_and_read(void **state) {
    struct sockopt_value got;
    struct timeval time = {0};
    socklen_t size = sizeof time;
    (void)state;
    assert_int_equal(set_and_get("SO_RCVTIMEO", "3s", &got), 0);
    assert_int_equal(got.kind, SOCKOPT_DURATION);
    assert_int_equal(got.number, 3000000000);
    assert_int_equal(set_and_get("SO_RCVTIMEO", "1.5s", &got), 0);
    assert_in_range(got.number, 1500000000, 1510000000);
    assert_int_equal(getsockopt(opened, SOL_SOCKET, SO_RCVTIMEO, &time, &size), 0);
    assert_int_equal(time.tv_sec, 1);
    assert_in_range(time.tv_usec, 500000, 510000);
}

static void sockopt_device_is_set_and_read(void **state) {
    struct sockopt_value got;
    (void)state;
    assert_int_equal(sockopt_get(opened, an_option("SO_BINDTODEVICE"), &got), 0);
    assert_string_equal(got.text, "");
    int error = set_and_get("SO_BINDTODEVICE", "lo", &got);
    if (error == EPERM) /* before Linux 5.7, and under some seccomp filters */
        skip();
    assert_int_equal(error, 0);
    assert_string_equal(got.text, "lo");
    assert_int_equal(set_and_get("SO_BINDTODEVICE", "portreuse-none", &got), ENODEV);
}

static void sockopt_ports_are_set_and_read(void **state) {
    struct sockopt_value got;
    (void)state;
    int error = set_and_get("IP_LOCAL_PORT_RANGE", "40000-40099", &got);
    if (error == ENOPROTOOPT) /* before Linux 6.3 */
        skip();
    assert_int_equal(error, 0);
    assert_int_equal(got.low, 40000);
    assert_int_equal(got.high, 40099);
    assert_int_equal(set_and_get("IP_LOCAL_PORT_RANGE", "0-0", &got), 0);
    assert_int_equal(got.low, 0);
    assert_int_equal(got.high, 0);
    assert_int_equal(set_and_get("IP_LOCAL_PORT_RANGE", "40099-40000", &got), EINVAL);
}

static void sockopt_gives_the_errno_of_a_refusal(void **state) {
    const struct sockopt *option = an_option("SO_REUSEADDR");
    struct sockopt_value value;
    (void)state;
    assert_null(sockopt_parse(option, "1", &value));
    assert_int_equal(sockopt_set(-1, option, &value), EBADF);
    assert_int_equal(sockopt_get(-1, option, &value), EBADF);
    assert_int_equal(sockopt_get_int(-1, SOL_SOCKET, SO_REUSEADDR, 4711), 4711);
    assert_int_equal(set_and_get("TCP_SYNCNT", "-1", &value), EINVAL);
}

#define socket_test(function)                                                                      \
    cmocka_unit_test_setup_teardown(function, open_socket, close_unbound_socket)

/* tests/kernels/run.sh has gVisor itself. */
static void gvisor_uname_marks_gvisor_alone(void **state) {
    struct utsname plain, marked;
    (void)state;
    uname(&plain);
    gvisor_uname(&marked);
    if (strcmp(plain.release, "4.4.0") == 0 && gvisor_is_here())
        assert_string_equal(marked.release, "4.4.0 (gVisor)");
    else
        assert_string_equal(marked.release, plain.release);
}

int main(void) {
    static int (*keep)(void) = keep_lists;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(socket_state_name_and_states_agree),
        cmocka_unit_test(socket_states_have_the_numbers_of_the_kernel),
        cmocka_unit_test(socket_states_any_has_every_state_but_none),
        cmocka_unit_test(socket_states_of_an_unknown_name_is_empty),
        cmocka_unit_test(socket_state_name_of_another_number_is_none),
        cmocka_unit_test(socket_state_near_finds_the_state_that_is_meant),
        cmocka_unit_test(release_parse_takes_up_to_three_parts),
        cmocka_unit_test(release_parse_refuses_everything_else),
        cmocka_unit_test(release_at_least_compares_part_by_part),
        cmocka_unit_test(release_running_is_what_uname_says),
        cmocka_unit_test(sysctl_under_net_may_be_written),
        cmocka_unit_test(sysctl_elsewhere_belongs_to_the_host),
        cmocka_unit_test(sysctl_refuses_ways_out_of_the_directory),
        cmocka_unit_test(sysctl_read_gives_the_value_without_its_newline),
        cmocka_unit_test(gvisor_uname_marks_gvisor_alone),
        cmocka_unit_test(sysctl_read_separates_numbers_by_blanks),
        cmocka_unit_test(sysctl_read_cuts_at_the_size_given),
        {"sysctl_read_all_reads_a_list_of_any_length", in_namespace, NULL, NULL, &keep},
        cmocka_unit_test(sysctl_takes_a_dot_as_a_slash_and_a_slash_as_a_dot),
        cmocka_unit_test(sysctl_that_does_not_exist_is_enoent),
        cmocka_unit_test(sysctl_with_a_name_too_long_is_an_error),
        cmocka_unit_test(sysctl_never_opens_a_name_cut_short),
        cmocka_unit_test(sockopt_named_gives_the_kernels_numbers),
        cmocka_unit_test(sockopt_names_are_exact_and_near_helps),
        cmocka_unit_test(sockopt_parse_takes_each_kind_and_text_writes_it),
        cmocka_unit_test(sockopt_parse_fills_the_field_of_its_kind),
        cmocka_unit_test(sockopt_parse_refuses_what_its_kind_does_not_take),
        socket_test(sockopt_number_is_set_and_read),
        socket_test(sockopt_linger_is_on_with_seconds_or_off),
        socket_test(sockopt_duration_is_set_and_read),
        socket_test(sockopt_device_is_set_and_read),
        socket_test(sockopt_ports_are_set_and_read),
        socket_test(sockopt_gives_the_errno_of_a_refusal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
