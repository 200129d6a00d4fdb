/* Whether connections in TIME-WAIT had TCP timestamps, by some that had and some that had not. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kernel/netns.h"
#include "kernel/sysctl.h"
#include "kernel/time_wait.h"
#include "test.h"

enum { SERVER = 80 };

static struct endpoint address(const char *text, uint16_t port) {
    struct endpoint endpoint = {.family = strchr(text, ':') == NULL ? AF_INET : AF_INET6,
                                .port = port};
    assert_int_equal(inet_pton(endpoint.family, text, endpoint.address), 1);
    return endpoint;
}

static void bind_to(int fd, const struct endpoint *local) {
    struct sockaddr_storage storage;
    const int on = 1;
    socklen_t size = endpoint_to_sockaddr(local, &storage);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    assert_int_equal(bind(fd, (struct sockaddr *)&storage, size), 0);
}

/* Leaves a connection from this port to another of the same address in TIME-WAIT. */
static void leave(const char *text, uint16_t from, uint16_t to, bool mapped) {
    struct endpoint server = address(text, to), client = address(text, from);
    struct sockaddr_storage storage;
    int listener = socket(server.family, SOCK_STREAM, 0);
    bind_to(listener, &server);
    assert_int_equal(listen(listener, 1), 0);
    if (mapped) {
        server = endpoint_mapped(&server);
        client = endpoint_mapped(&client);
    }
    int fd = socket(client.family, SOCK_STREAM, 0);
    bind_to(fd, &client);
    socklen_t size = endpoint_to_sockaddr(&server, &storage);
    assert_int_equal(connect(fd, (struct sockaddr *)&storage, size), 0);
    int accepted = accept(listener, NULL, NULL);
    assert_true(accepted >= 0);
    char byte;
    close(fd);
    assert_int_equal(read(accepted, &byte, 1), 0);
    close(accepted);
    close(listener);
}

static void test_stamps(void **state) {
    (void)state;
    char reason[NETNS_REASON_SIZE];
    if (netns_enter(reason) == NETNS_REFUSED)
        skip();
    struct time_wait_route routes[3] = {
        {.local = address("127.0.0.1", 0), .remote = address("127.0.0.1", SERVER)},
        {.local = address("0.0.0.0", 0), .remote = address("::1", SERVER)},
        {.local = address("127.0.0.1", 0), .remote = address("127.0.0.1", SERVER + 1)}};
    int error = time_wait_stamps(routes, 3);
    if (error == EPERM || error == ENOENT || error == ENOSYS || error == EINVAL)
        skip(); /* an ordinary user, or a kernel without what it takes */
    assert_int_equal(error, 0);
    leave("127.0.0.1", 5000, SERVER, false);
    leave("127.0.0.1", 5001, SERVER, true);
    leave("127.0.0.1", 5002, SERVER + 1, false);
    leave("127.0.0.1", 5003, SERVER + 2, false);
    leave("127.0.0.2", 5004, SERVER, false);
    leave("::1", 5005, SERVER, false);
    assert_int_equal(sysctl_write(NETNS_HERE, "net.ipv4.tcp_timestamps", "0"), 0);
    leave("127.0.0.1", 5006, SERVER, false);
    leave("::1", 5007, SERVER, false);

    assert_int_equal(time_wait_stamps(routes, 3), 0);
    for (uint16_t port = 4990; port < 5020; port++) {
        assert_int_equal(port_set_has(&routes[0].with, port), port == 5000 || port == 5001);
        assert_int_equal(port_set_has(&routes[0].without, port), port == 5006);
        assert_int_equal(port_set_has(&routes[1].with, port), port == 5005);
        assert_int_equal(port_set_has(&routes[1].without, port), port == 5007);
        assert_int_equal(port_set_has(&routes[2].with, port), port == 5002);
        assert_int_equal(port_set_has(&routes[2].without, port), false);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_stamps)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
