/* What people type and paste. The lines are those of the programs named beside them. */
#include "cmd/typed.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "test.h"

struct row {
    const char *text;
    enum typed_protocol protocol;
    const char *host, *port, *path;
    bool connects;
    int error;
};

static const struct row words[] = {
    {"8080", 0, "", "8080", "", 0, 0},
    {":8080", 0, "", "8080", "", 0, 0},
    {":http", 0, "", "http", "", 0, 0},
    {"http", 0, "", "http", "", 0, 0},
    {"localhost:8080", 0, "localhost", "8080", "", 0, 0},
    {"localhost:http-alt", 0, "localhost", "http-alt", "", 0, 0},
    {"8080/tcp", TYPED_TCP, "", "8080", "", 0, 0},
    {"udp/53", TYPED_UDP, "", "53", "", 0, 0},
    {"53/udp", TYPED_UDP, "", "53", "", 0, 0},
    {"udp:53", TYPED_UDP, "", "53", "", 0, 0},
    {"127.0.0.1:53/udp", TYPED_UDP, "127.0.0.1", "53", "", 0, 0},
    {"domain/udp", TYPED_UDP, "", "domain", "", 0, 0},
    {"tcp://127.0.0.1:2375", TYPED_TCP, "127.0.0.1", "2375", "", 0, 0},
    {"http://localhost:3000/path?x=1:2", 0, "localhost", "3000", "", 0, 0},
    {"http://localhost", 0, "localhost", "80", "", 0, 0},
    {"https://[::1]/x", 0, "::1", "443", "", 0, 0},
    {"postgres://me:secret@db.example.com/x", 0, "db.example.com", "5432", "", 0, 0},
    {"postgres://me:secret@db:6000/x", 0, "db", "6000", "", 0, 0},
    {":::3000", 0, "::", "3000", "", 0, 0},
    {"*:3000", 0, "", "3000", "", 0, 0},
    {"::1:6379", 0, "::1", "6379", "", 0, 0},
    {"[::]:80", 0, "::", "80", "", 0, 0},
    {"[fe80::1%eth0]:80", 0, "fe80::1%eth0", "80", "", 0, 0},
    {"0.0.0.0:80", 0, "0.0.0.0", "80", "", 0, 0},
    {"/run/docker.sock", TYPED_UNIX, "", "", "/run/docker.sock", 0, 0},
    {"./app.sock/", TYPED_UNIX, "", "", "./app.sock/", 0, 0},
    {"unix:/run/x.sock", TYPED_UNIX, "", "", "/run/x.sock", 0, 0},
    {"unix:x.sock", TYPED_UNIX, "", "", "x.sock", 0, 0},
    {"unix:///run/x.sock", TYPED_UNIX, "", "", "/run/x.sock", 0, 0},
    {"http+unix:///run/x.sock", TYPED_UNIX, "", "", "/run/x.sock", 0, 0},
    {"@abstract", TYPED_UNIX, "", "", "@abstract", 0, 0},
    {"unix:@abstract", TYPED_UNIX, "", "", "@abstract", 0, 0},
};

#define TCP  TYPED_TCP
#define UDP  TYPED_UDP
#define UNIX TYPED_UNIX

static const struct row lines[] = {
    /* Go */
    {"2024/05/01 12:00:00 listen tcp :8080: bind: address already in use", TCP, "", "8080", "", 0,
     EADDRINUSE},
    {"listen tcp4 0.0.0.0:8080: bind: address already in use", TCP, "0.0.0.0", "8080", "", 0,
     EADDRINUSE},
    {"panic: listen tcp [::1]:9090: bind: cannot assign requested address", TCP, "::1", "9090", "",
     0, EADDRNOTAVAIL},
    {"listen udp 127.0.0.1:53: bind: address already in use", UDP, "127.0.0.1", "53", "", 0,
     EADDRINUSE},
    {"listen unix /tmp/app.sock: bind: address already in use", UNIX, "", "", "/tmp/app.sock", 0,
     EADDRINUSE},
    {"main.go:42: listen tcp :80: bind: permission denied", TCP, "", "80", "", 0, EACCES},
    {"dial tcp 10.0.0.5:5432: connect: cannot assign requested address", TCP, "10.0.0.5", "5432",
     "", 1, EADDRNOTAVAIL},
    {"Get \"http://10.0.0.5:8500/v1\": dial tcp 127.0.0.1:0->10.0.0.5:8500: bind: address already "
     "in use",
     TCP, "10.0.0.5", "8500", "", 1, EADDRINUSE},
    /* node */
    {"Error: listen EADDRINUSE: address already in use :::3000", 0, "::", "3000", "", 0,
     EADDRINUSE},
    {"Error: listen EADDRINUSE: address already in use 127.0.0.1:3000\n    at "
     "Server.setupListenHandle [as "
     "_listen2] (node:net:1817:16)\n    at listenInCluster (node:net:1865:12) {\n  code: "
     "'EADDRINUSE',\n  errno: "
     "-98,\n  syscall: 'listen',\n  address: '127.0.0.1',\n  port: 3000\n}",
     0, "127.0.0.1", "3000", "", 0, EADDRINUSE},
    {"Error: listen EACCES: permission denied 0.0.0.0:80", 0, "0.0.0.0", "80", "", 0, EACCES},
    {"Error: listen EADDRINUSE: address already in use /tmp/x.sock", UNIX, "", "", "/tmp/x.sock", 0,
     EADDRINUSE},
    {"Error: bind EADDRINUSE 0.0.0.0:41234", UDP, "0.0.0.0", "41234", "", 0, EADDRINUSE},
    {"Error: connect EADDRNOTAVAIL 10.0.0.5:5432 - Local (0.0.0.0:0)", 0, "10.0.0.5", "5432", "", 1,
     EADDRNOTAVAIL},
    {"Error: listen EADDRNOTAVAIL: address not available 192.0.2.7:8080", 0, "192.0.2.7", "8080",
     "", 0, EADDRNOTAVAIL},
    {"Error: Port 5173 is already in use", 0, "", "5173", "", 0, EADDRINUSE},
    {"Something is already running on port 3000.", 0, "", "3000", "", 0, EADDRINUSE},
    /* nginx, apache, haproxy, lighttpd */
    {"nginx: [emerg] bind() to 0.0.0.0:80 failed (98: Address already in use)", 0, "0.0.0.0", "80",
     "", 0, EADDRINUSE},
    {"2024/05/01 12:00:00 [emerg] 1234#1234: bind() to [::]:443 failed (98: Address already in "
     "use)",
     0, "::", "443", "", 0, EADDRINUSE},
    {"nginx: [emerg] bind() to unix:/run/x.sock failed (98: Address already in use)", UNIX, "", "",
     "/run/x.sock", 0, EADDRINUSE},
    {"nginx: [emerg] bind() to 0.0.0.0:80 failed (13: Permission denied)", 0, "0.0.0.0", "80", "",
     0, EACCES},
    {"2024/05/01 12:00:00 [crit] 12#12: *77 connect() to 10.0.0.5:8080 failed (99: Cannot assign "
     "requested "
     "address) while connecting to upstream, client: 192.0.2.1, server: _, request: \"GET / "
     "HTTP/1.1\", upstream: "
     "\"http://10.0.0.5:8080/\", host: \"example.com\"",
     0, "10.0.0.5", "8080", "", 1, EADDRNOTAVAIL},
    {"(98)Address already in use: AH00072: make_sock: could not bind to address [::]:80", 0,
     "::", "80", "", 0, EADDRINUSE},
    {"(98)Address already in use: AH00072: make_sock: could not bind to address 0.0.0.0:8080", 0,
     "0.0.0.0", "8080", "", 0, EADDRINUSE},
    {"[ALERT] 120/120000 (123) : Starting proxy web: cannot bind socket [0.0.0.0:80]", 0, "0.0.0.0",
     "80", "", 0, 0},
    {"[ALERT]    (4242) : Starting frontend web: cannot bind socket (Address already in use) for "
     "[:::8080]",
     0, "::", "8080", "", 0, EADDRINUSE},
    {"(server.c.1234) can't bind to socket: 0.0.0.0:80 Address already in use", 0, "0.0.0.0", "80",
     "", 0, EADDRINUSE},
    /* Python */
    {"OSError: [Errno 98] Address already in use", 0, "", "", "", 0, EADDRINUSE},
    {"OSError: [Errno 98] error while attempting to bind on address ('0.0.0.0', 8080): address "
     "already in use",
     0, "0.0.0.0", "8080", "", 0, EADDRINUSE},
    {"ERROR:    [Errno 98] error while attempting to bind on address ('::1', 8000, 0, 0): address "
     "already in use",
     0, "::1", "8000", "", 0, EADDRINUSE},
    {"[2024-05-01 12:00:00 +0000] [812] [ERROR] Connection in use: ('127.0.0.1', 8000)", 0,
     "127.0.0.1", "8000", "", 0, EADDRINUSE},
    {"Address already in use\nPort 5000 is in use by another program. Either identify and stop "
     "that program, or "
     "start the server with a different port.",
     0, "", "5000", "", 0, EADDRINUSE},
    /* Java */
    {"Web server failed to start. Port 8080 was already in use.", 0, "", "8080", "", 0, EADDRINUSE},
    {"java.io.IOException: Failed to bind to 0.0.0.0/0.0.0.0:8080", 0, "0.0.0.0", "8080", "", 0, 0},
    {"org.jboss.netty.channel.ChannelException: Failed to bind to: /0.0.0.0:9092", 0, "0.0.0.0",
     "9092", "", 0, 0},
    {"Socket server failed to bind to localhost:9092: Address already in use.", 0, "localhost",
     "9092", "", 0, EADDRINUSE},
    {"java.net.BindException: Address already in use", 0, "", "", "", 0, EADDRINUSE},
    /* Redis, PostgreSQL, MySQL, MongoDB */
    {"Warning: Could not create server TCP listening socket *:6379: bind: Address already in use",
     TCP, "", "6379", "", 0, EADDRINUSE},
    {"1234:M 01 May 2024 12:00:00.123 # Warning: Could not create server TCP listening socket "
     "::1:6379: bind: "
     "Cannot assign requested address",
     TCP, "::1", "6379", "", 0, EADDRNOTAVAIL},
    {"LOG:  could not bind IPv4 address \"127.0.0.1\": Address already in use\nHINT:  Is another "
     "postmaster "
     "already running on port 5432? If not, wait a few seconds and retry.",
     0, "127.0.0.1", "5432", "", 0, EADDRINUSE},
    {"[ERROR] Do you already have another mysqld server running on port: 3306 ?", 0, "", "3306", "",
     0, 0},
    {"Failed to set up listener: SocketException: Address already in use", 0, "", "", "", 0,
     EADDRINUSE},
    /* Ruby, PHP, .NET, Erlang, Rust */
    {"Address already in use - bind(2) for \"127.0.0.1\" port 3000 (Errno::EADDRINUSE)", 0,
     "127.0.0.1", "3000", "", 0, EADDRINUSE},
    {"Failed to listen on localhost:8000 (reason: Address already in use)", 0, "localhost", "8000",
     "", 0, EADDRINUSE},
    {"ERROR: unable to bind listening socket for address '127.0.0.1:9000': Address already in use "
     "(98)",
     0, "127.0.0.1", "9000", "", 0, EADDRINUSE},
    {"ERROR: Another FPM instance seems to already listen on /run/php/php8.2-fpm.sock", UNIX, "",
     "", "/run/php/php8.2-fpm.sock", 0, EADDRINUSE},
    {"System.IO.IOException: Failed to bind to address http://127.0.0.1:5000: address already in "
     "use.",
     0, "127.0.0.1", "5000", "", 0, EADDRINUSE},
    {"Failed to start Ranch listener MyApp.Endpoint.HTTP in ranch_tcp:listen([{port,4000}]) for "
     "reason eaddrinuse "
     "(address already in use)",
     TCP, "", "4000", "", 0, EADDRINUSE},
    {"Error: Os { code: 98, kind: AddrInUse, message: \"Address already in use\" }", 0, "", "", "",
     0, EADDRINUSE},
    /* sshd, ssh, dnsmasq, systemd, socat, docker, envoy, uwsgi, caddy */
    {"error: Bind to port 22 on 0.0.0.0 failed: Address already in use.", 0, "0.0.0.0", "22", "", 0,
     EADDRINUSE},
    {"bind [127.0.0.1]:8080: Address already in use", 0, "127.0.0.1", "8080", "", 0, EADDRINUSE},
    {"channel_setup_fwd_listener_tcpip: cannot listen to port: 8080", 0, "", "8080", "", 0, 0},
    {"dnsmasq: failed to create listening socket for port 53: Address already in use", 0, "", "53",
     "", 0, EADDRINUSE},
    {"web.socket: Failed to create listening socket ([::]:80): Address already in use", 0,
     "::", "80", "", 0, EADDRINUSE},
    {"2024/05/01 12:00:00 socat[123] E bind(5, {AF=2 0.0.0.0:8080}, 16): Address already in use", 0,
     "0.0.0.0", "8080", "", 0, EADDRINUSE},
    {"docker: Error response from daemon: driver failed programming external connectivity on "
     "endpoint web (4e5f): "
     "Error starting userland proxy: listen tcp4 0.0.0.0:8080: bind: address already in use.",
     TCP, "0.0.0.0", "8080", "", 0, EADDRINUSE},
    {"Bind for 0.0.0.0:8080 failed: port is already allocated.", 0, "0.0.0.0", "8080", "", 0,
     EADDRINUSE},
    {"cannot bind '0.0.0.0:10000': Address already in use", 0, "0.0.0.0", "10000", "", 0,
     EADDRINUSE},
    {"probably another instance of uWSGI is running on the same address (127.0.0.1:3031).\nbind(): "
     "Address "
     "already in use [core/socket.c line 769]",
     0, "127.0.0.1", "3031", "", 0, EADDRINUSE},
    {"Error: loading initial config: http app module: start: listening on :443: listen tcp :443: "
     "bind: address "
     "already in use",
     TCP, "", "443", "", 0, EADDRINUSE},
    {"\x1b[31merror\x1b[0m: listen tcp \x1b[1m127.0.0.1:7000\x1b[0m: bind: address already in use",
     TCP, "127.0.0.1", "7000", "", 0, EADDRINUSE},
    {"Cannot start service web: 12:34:56 no address here at all", 0, "", "", "", 0, 0},
};

static void check(const struct row *row, const struct typed *typed) {
    if (typed->protocol != row->protocol || strcmp(typed->host, row->host) != 0 ||
        strcmp(typed->port, row->port) != 0 || strcmp(typed->path, row->path) != 0 ||
        typed->connects != row->connects || typed->error != row->error)
        fail_msg("%s\n  got protocol %d, host '%s', port '%s', path '%s', connects %d, error %d",
                 row->text, typed->protocol, typed->host, typed->port, typed->path, typed->connects,
                 typed->error);
}

static void words_are_read(void **state) {
    char error[TYPED_ERROR_SIZE];
    (void)state;
    for (size_t i = 0; i < ROWS(words); i++) {
        struct typed typed;
        const char *wrong = typed_word(words[i].text, &typed, error);
        if (wrong != NULL)
            fail_msg("%s: %s", words[i].text, wrong);
        check(&words[i], &typed);
    }
}

static void words_that_are_no_address_say_what_to_write(void **state) {
    static const char *const wrong[][2] = {
        {"", "write PORT"},         {"70000", "0 to 65535"},      {"127.0.0.1", "127.0.0.1:PORT"},
        {"::1", "[::1]:PORT"},      {"localhost:", "write PORT"}, {"a b", "write PORT"},
        {"[::g]:80", "write PORT"}, {"host:70000", "write PORT"},
    };
    char error[TYPED_ERROR_SIZE];
    (void)state;
    for (size_t i = 0; i < ROWS(wrong); i++) {
        struct typed typed;
        const char *message = typed_word(wrong[i][0], &typed, error);
        if (message == NULL || strstr(message, wrong[i][1]) == NULL)
            fail_msg("%s: %s", wrong[i][0], message == NULL ? "was accepted" : message);
    }
}

static void lines_of_programs_are_understood(void **state) {
    (void)state;
    for (size_t i = 0; i < ROWS(lines); i++) {
        struct typed typed;
        bool found = typed_line(lines[i].text, &typed);
        check(&lines[i], &typed);
        if (found != (lines[i].port[0] != '\0' || lines[i].path[0] != '\0'))
            fail_msg("%s: found %d", lines[i].text, found);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_read),
        cmocka_unit_test(words_that_are_no_address_say_what_to_write),
        cmocka_unit_test(lines_of_programs_are_understood),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
