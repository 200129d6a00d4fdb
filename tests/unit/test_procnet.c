/* Lines of /proc/net, recorded and hostile; and the kernel's own two lists, compared. */
#include "test.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kernel/procnet.h"
#include "kernel/sockets.h"

/* The fields of the address as the kernel writes them on this machine. */
static const char *words(const uint8_t *address, size_t count, char *text) {
    for (size_t i = 0; i < count; i++) {
        uint32_t word;
        memcpy(&word, address + 4 * i, sizeof word);
        sprintf(text + 8 * i, "%08X", word);
    }
    return text;
}

static void assert_endpoint(const struct endpoint *endpoint, const char *want) {
    char text[ENDPOINT_TEXT_SIZE];
    assert_string_equal(endpoint_text(endpoint, text), want);
}

static void tcp_line_has_every_field(void **state) {
    static const uint8_t local[] = {127, 0, 0, 1}, remote[] = {192, 0, 2, 7};
    char line[200], one[40], two[40];
    struct inet_socket socket;
    (void)state;
    snprintf(
        line, sizeof line,
        "  12: %s:1F90 %s:C350 06 00000000:00000003 03:00000ED8 00000000  1000        0 4711 3 "
        "0000000000000000 20 4 30 10 -1\n",
        words(local, 1, one), words(remote, 1, two));
    assert_true(procnet_parse(line, PROTOCOL_TCP, AF_INET, &socket));
    assert_endpoint(&socket.local, "127.0.0.1:8080");
    assert_endpoint(&socket.remote, "192.0.2.7:50000");
    assert_int_equal(socket.protocol, PROTOCOL_TCP);
    assert_int_equal(socket.state, STATE_TIME_WAIT);
    assert_int_equal(socket.receive_queue, 3);
    assert_int_equal(socket.expires_ms, 38000);
    assert_int_equal(socket.uid, 1000);
    assert_int_equal(socket.inode, 4711);
    assert_int_equal(socket.drops, 0);
    assert_false(socket.v6only_known);
}

static void part_of_fin_wait_2_is_not_the_whole(void **state) {
    static const struct {
        const char *timer;
        uint32_t expires_ms;
    } rows[] = {{"02", 0}, {"03", 30000}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char line[300];
        struct inet_socket socket;
        snprintf(line, sizeof line,
                 "   0: 0100007F:0050 0100007F:C350 05 00000000:00000000 %s:00000BB8 00000000     "
                 "0        0 0 1 0000000000000000\n",
                 rows[i].timer);
        assert_true(procnet_parse(line, PROTOCOL_TCP, AF_INET, &socket));
        assert_int_equal(socket.expires_ms, rows[i].expires_ms);
    }
}

static void tcp6_line_has_four_words(void **state) {
    static const uint8_t local[16] = {[15] = 1}, any[16];
    char line[300], one[40], two[40];
    struct inet_socket socket;
    (void)state;
    snprintf(line, sizeof line,
             "   0: %s:0050 %s:0000 0A 00000000:00000000 00:00000000 00000000     0        0 99 1 "
             "0000000000000000 100 0 0 10 0\n",
             words(local, 4, one), words(any, 4, two));
    assert_true(procnet_parse(line, PROTOCOL_TCP, AF_INET6, &socket));
    assert_endpoint(&socket.local, "[::1]:80");
    assert_endpoint(&socket.remote, "[::]:0");
    assert_int_equal(socket.state, STATE_LISTEN);
    assert_int_equal(socket.expires_ms, 0);
    assert_false(procnet_parse(line, PROTOCOL_TCP, AF_INET, &socket));
}

static void udp_line_has_drops(void **state) {
    static const char line[] = " 3421: 00000000:0035 00000000:0000 07 00000000:00000000 "
                               "00:00000000 00000000   101        0 "
                               "1234 2 0000000000000000 42\n";
    struct inet_socket socket;
    (void)state;
    assert_true(procnet_parse(line, PROTOCOL_UDP, AF_INET, &socket));
    assert_int_equal(socket.state, STATE_CLOSED);
    assert_int_equal(socket.local.port, 53);
    assert_int_equal(socket.inode, 1234);
    assert_int_equal(socket.uid, 101);
    assert_int_equal(socket.drops, 42);
}

static void other_lines_are_refused(void **state) {
    static const char *const rows[] = {
        "",
        "\n",
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n",
        "0:",
        " 0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000 1000 0",
        " 0: 0100007F:1F90 00000000 0A 00000000:00000000 00:00000000 00000000 1000 0 1",
        " 0: 0100007:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000 1000 0 1",
        " 0: 0100007F:1F90 00000000:0000 0E 00000000:00000000 00:00000000 00000000 1000 0 1",
        " 0: 0100007F:1F90x 00000000:0000 0A 00000000:00000000 00:00000000 00000000 1000 0 1",
        " 0: -100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000 1000 0 1",
        " 0: 0100007F0100007F0100007F0100007F0100007F:1F90 00000000:0000 0A 0:0 0:0 0 0 0 1",
    };
    struct inet_socket socket;
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++)
        if (procnet_parse(rows[i], PROTOCOL_TCP, AF_INET, &socket))
            fail_msg("row %zu is taken", i);
}

static void unix_lines_have_a_name_or_none(void **state) {
    static const struct {
        const char *line;
        int type;
        enum tcp_state state;
        uint32_t inode;
        const char *name;
        size_t size;
    } rows[] = {
        {"0000000000000000: 00000002 00000000 00010000 0001 01 4711 /run/a b.sock\n", SOCK_STREAM,
         STATE_LISTEN, 4711, "/run/a b.sock", 13},
        {"ffff8880: 00000002 00000000 00000000 0002 01 12 @a@b\n", SOCK_DGRAM, STATE_CLOSED, 12,
         "\0a@b", 4},
        {"ffff8880: 00000003 00000000 00000000 0005 03 13\n", SOCK_SEQPACKET, STATE_ESTABLISHED, 13,
         "", 0},
    };
    struct unix_socket socket;
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        assert_true(procnet_parse_unix(rows[i].line, &socket));
        assert_int_equal(socket.type, rows[i].type);
        assert_int_equal(socket.state, rows[i].state);
        assert_int_equal(socket.inode, rows[i].inode);
        assert_int_equal(socket.name_size, rows[i].size);
        assert_memory_equal(socket.name, rows[i].name, rows[i].size);
        assert_false(socket.has_file);
    }
    assert_false(
        procnet_parse_unix("Num       RefCount Protocol Flags    Type St Inode Path\n", &socket));
    assert_false(procnet_parse_unix("", &socket));
}

static void unix_name_is_cut_where_it_is_too_long(void **state) {
    char line[400];
    struct unix_socket socket;
    (void)state;
    snprintf(line, sizeof line, "0: 00000002 00000000 00010000 0001 01 1 /%0300d\n", 0);
    assert_true(procnet_parse_unix(line, &socket));
    assert_int_equal(socket.name_size, UNIX_NAME_SIZE);
    assert_int_equal(strlen(socket.name), UNIX_NAME_SIZE);
}

/* --- the kernel --- */

struct wanted {
    uint16_t port;
    unsigned count;
    struct inet_socket socket;
};

static bool note(void *context, const struct inet_socket *socket) {
    struct wanted *wanted = context;
    wanted->count++;
    wanted->socket = *socket;
    return true;
}

/* Both ways find the same socket. */
static void both_ways_agree(enum protocol protocol, int type) {
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    bool six = true;
    socklen_t size = sizeof address;
    struct sockets sockets = sockets_open(NETNS_HERE);
    struct wanted by_diag = {0}, by_proc = {0};
    int fd = socket(AF_INET6, type | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0) {
        six = false;
        close(fd);
        fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
        assert_int_equal(bind(fd, (struct sockaddr *)&four, sizeof four), 0);
    }
    if (type == SOCK_STREAM)
        assert_int_equal(listen(fd, 3), 0);
    getsockname(fd, (struct sockaddr *)&address, &size);
    struct diag_query query = sockdiag_query(STATES_ANY);
    query.protocol = protocol;
    query.local = (struct endpoint_pattern){
        .any_address = true,
        .endpoint = {.port = ntohs(address.sin6_port)}}; /* in the same place in both families */
    assert_int_equal(procnet_dump(NETNS_HERE, &query, note, &by_proc), 0);
    assert_int_equal(by_proc.count, 1);
    assert_int_equal(sockets_dump(&sockets, &query, note, &by_diag), 0);
    assert_int_equal(by_diag.count, 1);
    assert_true(endpoint_equal(&by_diag.socket.local, &by_proc.socket.local));
    assert_int_equal(by_diag.socket.local.family, six ? AF_INET6 : AF_INET);
    assert_int_equal(by_diag.socket.state, by_proc.socket.state);
    assert_int_equal(by_diag.socket.inode, by_proc.socket.inode);
    close(fd);
    sockets_close(&sockets);
}

static void both_ways_show_the_same_sockets(void **state) {
    (void)state;
    both_ways_agree(PROTOCOL_TCP, SOCK_STREAM);
    both_ways_agree(PROTOCOL_UDP, SOCK_DGRAM);
}

static void without_sock_diag_proc_is_read(void **state) {
    struct sockets sockets = {.ns = NETNS_HERE, .diag = -1, .diag_error = EPROTONOSUPPORT};
    struct diag_query query = sockdiag_query(1U << STATE_LISTEN);
    struct wanted any = {0};
    (void)state;
    assert_int_equal(sockets_dump(&sockets, &query, note, &any), 0);
    assert_true(sockets.from_proc);
    query.protocol = PROTOCOL_MPTCP;
    assert_int_equal(sockets_dump(&sockets, &query, note, &any), EPROTONOSUPPORT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tcp_line_has_every_field),
        cmocka_unit_test(part_of_fin_wait_2_is_not_the_whole),
        cmocka_unit_test(tcp6_line_has_four_words),
        cmocka_unit_test(udp_line_has_drops),
        cmocka_unit_test(other_lines_are_refused),
        cmocka_unit_test(unix_lines_have_a_name_or_none),
        cmocka_unit_test(unix_name_is_cut_where_it_is_too_long),
        cmocka_unit_test(both_ways_show_the_same_sockets),
        cmocka_unit_test(without_sock_diag_proc_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
