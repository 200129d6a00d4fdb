/* What people type and paste. The lines that they paste are in pasted.tsv. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/errnames.h"
#include "test.h"
#include "typed/text.h"
#include "typed/word.h"

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
    /* netstat on BSD and macOS; bind, unbound, nsd */
    {"*.8080", 0, "", "8080", "", 0, 0},
    {"127.0.0.1.8080", 0, "127.0.0.1", "8080", "", 0, 0},
    {"::1.8080", 0, "::1", "8080", "", 0, 0},
    {"fe80::1%lo0.8080", 0, "fe80::1%lo0", "8080", "", 0, 0},
    {"127.0.0.1#53", 0, "127.0.0.1", "53", "", 0, 0},
    {"::1#53", 0, "::1", "53", "", 0, 0},
    {"127.0.0.1@53", 0, "127.0.0.1", "53", "", 0, 0},
    /* ss */
    {"*%eth0:8080", 0, "%eth0", "8080", "", 0, 0},
    {"0.0.0.0%eth0:8080", 0, "0.0.0.0%eth0", "8080", "", 0, 0},
    {"[::]%eth0:8080", 0, "::%eth0", "8080", "", 0, 0},
    {"[fe80::1]%eth0:8080", 0, "fe80::1%eth0", "8080", "", 0, 0},
    {"127.0.0.53%lo:53", 0, "127.0.0.53%lo", "53", "", 0, 0},
    /* what is copied with it */
    {"8080.", 0, "", "8080", "", 0, 0},
    {"'localhost:8080',", 0, "localhost", "8080", "", 0, 0},
    {"(127.0.0.1:8080)", 0, "127.0.0.1", "8080", "", 0, 0},
    {"localhost:8080/index.html", 0, "localhost", "8080", "", 0, 0},
    {"port=8080", 0, "", "8080", "", 0, 0},
    {"PORT:8080", 0, "", "8080", "", 0, 0},
    {"http://+:5000", 0, "", "5000", "", 0, 0},
    {"http://*:5000/", 0, "", "5000", "", 0, 0},
    {"ftp://me@[::1]/x", 0, "::1", "21", "", 0, 0},
    {"tcp::1234", TYPED_TCP, "", "1234", "", 0, 0},
    {"[AF_INET]127.0.0.1:1194", 0, "127.0.0.1", "1194", "", 0, 0},
    {"0:8080", 0, "0.0.0.0", "8080", "", 0, 0},
    {"127.1:8080", 0, "127.0.0.1", "8080", "", 0, 0},
    /* docker, socat, bash */
    {"8080:80", 0, "", "8080", "", 0, 0},
    {"127.0.0.1:8080:80", 0, "127.0.0.1", "8080", "", 0, 0},
    {"53:53/udp", TYPED_UDP, "", "53", "", 0, 0},
    {"0.0.0.0:8080->80/tcp", TYPED_TCP, "0.0.0.0", "8080", "", 0, 0},
    {"TCP-LISTEN:8080,fork,reuseaddr", TYPED_TCP, "", "8080", "", 0, 0},
    {"TCP4:localhost:8080", TYPED_TCP, "localhost", "8080", "", 0, 0},
    {"TCP-CONNECT:10.0.0.5:80", TYPED_TCP, "10.0.0.5", "80", "", 1, 0},
    {"UDP-RECVFROM:53", TYPED_UDP, "", "53", "", 0, 0},
    {"UNIX-LISTEN:/tmp/x,fork", TYPED_UNIX, "", "", "/tmp/x", 0, 0},
    {"/dev/tcp/10.0.0.5/80", TYPED_TCP, "10.0.0.5", "80", "", 1, 0},
    {"/ip4/127.0.0.1/tcp/4001", TYPED_TCP, "127.0.0.1", "4001", "", 0, 0},
    {":8080:", 0, "", "8080", "", 0, 0},
    {"::8080", 0, "::", "8080", "", 0, 0},
    {"//localhost:8080/x", 0, "localhost", "8080", "", 0, 0},
    {"app.sock", TYPED_UNIX, "", "", "app.sock", 0, 0},
    {"file:///run/x.sock", TYPED_UNIX, "", "", "/run/x.sock", 0, 0},
    {"jdbc:postgresql://localhost/db", 0, "localhost", "5432", "", 0, 0},
    {"postgresql+asyncpg://localhost/db", 0, "localhost", "5432", "", 0, 0},
};

static const struct row phrases[] = {
    {"127.0.0.1 8080", 0, "127.0.0.1", "8080", "", 0, 0},
    {"8080 on localhost", 0, "localhost", "8080", "", 0, 0},
    {"udp 53 127.0.0.1", TYPED_UDP, "127.0.0.1", "53", "", 0, 0},
    {"localhost 8080", 0, "localhost", "8080", "", 0, 0},
    {"* 8080", 0, "", "8080", "", 0, 0},
    {"::1 8080", 0, "::1", "8080", "", 0, 0},
    {"example.com 443", 0, "example.com", "443", "", 0, 0},
    {"localhost http", 0, "localhost", "http", "", 0, 0},
    {"0.0.0.0 port 25", 0, "0.0.0.0", "25", "", 0, 0},
    {"127.0.0.1, port 21", 0, "127.0.0.1", "21", "", 0, 0},
    {"port 8080", 0, "", "8080", "", 0, 0},
    {"port 8080 on 127.0.0.1", 0, "127.0.0.1", "8080", "", 0, 0},
    {"tcp 8080", TYPED_TCP, "", "8080", "", 0, 0},
    {"53 udp", TYPED_UDP, "", "53", "", 0, 0},
    {"udp 127.0.0.1 53", TYPED_UDP, "127.0.0.1", "53", "", 0, 0},
    {"udp localhost:53", TYPED_UDP, "localhost", "53", "", 0, 0},
    {"-p 8080", 0, "", "8080", "", 0, 0},
    {"telnet localhost 8080", 0, "localhost", "8080", "", 1, 0},
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

#define TEN        "abcdefghij"
#define TEN_DIGITS "0123456789"

static void words_that_are_no_address_say_what_to_write(void **state) {
    static const char *const wrong[][2] = {
        {"", "write PORT"},
        {"70000", "0 to 65535"},
        {"127.0.0.1", "127.0.0.1:PORT"},
        {"::1", "[::1]:PORT"},
        {"localhost:", "write localhost:PORT"},
        {"a b", "write PORT"},
        {"[::g]:80", "not an address"},
        {"host:70000", "0 to 65535"},
        {"300.1.1.1:80", "not an address"},
        {"8080-8090", "one port at a time; write 8080"},
        {"8080,8081", "one port at a time; write 8080"},
        {"*.*", "write PORT"},
        {"*:*", "write *:PORT"},
        {"*", "write *:PORT"},
        {"[::]", "write [::]:PORT"},
        {"www.example.org", "write www.example.org:PORT"},
        {"12:30:45", "not an address"},
        {"[fe80::1%]:80", "not an address"},
        {"1.2.3.4.5.6", "write PORT"},
        /* too long to be shown, or to be one */
        {"[" TEN TEN TEN TEN TEN TEN TEN TEN TEN "]", "missing; write ADDRESS:PORT"},
        {TEN TEN TEN TEN TEN TEN ".example.org", "missing; write ADDRESS:PORT"},
        {TEN TEN TEN TEN TEN TEN TEN TEN TEN ":", "missing; write ADDRESS:PORT"},
        {TEN_DIGITS TEN_DIGITS TEN_DIGITS TEN_DIGITS TEN_DIGITS TEN_DIGITS TEN_DIGITS TEN_DIGITS
             TEN_DIGITS,
         "0 to 65535"},
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

static void a_few_words_can_be_an_address(void **state) {
    static const char *const sentences[] = {
        "listen 8080 failed", "two 8080 8081", "127.0.0.1 8080 8081",
        "telnet 8080",        "hello world",   "127.0.0.1",
        "go to port 80",      "pid 8080",      "1 2 3 4 5 6 7",
    };
    struct typed typed;
    (void)state;
    for (size_t i = 0; i < ROWS(phrases); i++) {
        bool found = typed_words(phrases[i].text, &typed);
        if (found != (phrases[i].port[0] != '\0'))
            fail_msg("%s: found %d", phrases[i].text, found);
        else if (found)
            check(&phrases[i], &typed);
    }
    for (size_t i = 0; i < ROWS(sentences); i++)
        if (typed_words(sentences[i], &typed))
            fail_msg("%s: was taken for port %s", sentences[i], typed.port);
}

/* --- lines of programs --- */

/* The question that a text is, as pasted.tsv writes it. */
static const char *question(const char *text, char *line, size_t room) {
    static const char *const protocols[] = {"any", "tcp", "udp", "unix"};
    char name[ERRNAME_SIZE];
    struct typed typed;
    bool found = typed_text(text, &typed), six = strchr(typed.host, ':') != NULL;
    const char *error = typed.error == 0 ? "-" : errname(typed.error, name);
    const char *role = typed.connects ? "connect" : "bind";
    if (!found)
        snprintf(line, room, "none %s", error);
    else if (typed.path[0] != '\0')
        snprintf(line, room, "%s unix %s %s", role, typed.path, error);
    else
        snprintf(line, room, "%s %s%s %s%s%s:%s %s%s", role, protocols[typed.protocol],
                 typed.family == AF_INET    ? "4"
                 : typed.family == AF_INET6 ? "6"
                                            : "",
                 six ? "[" : "", typed.host[0] == '\0' ? "*" : typed.host, six ? "]" : "",
                 typed.port, error, typed.guessed ? " guess" : "");
    return line;
}

/* Replaces \n, \r, \t, \e and \\ in place. */
static void unescape(char *text) {
    char *to = text;
    for (; *text != '\0'; text++) {
        static const char names[] = "nrte\\", bytes[] = "\n\r\t\x1b\\";
        const char *name = text[0] == '\\' && text[1] != '\0' ? strchr(names, text[1]) : NULL;
        *to++ = name != NULL ? bytes[name - names] : *text;
        text += name != NULL;
    }
    *to = '\0';
}

static void each_line_that_people_paste_is_understood(void **state) {
    static char line[8192];
    FILE *file = fopen(PORTREUSE_UNIT_DATA "/pasted.tsv", "re");
    size_t count = 0, wrong = 0;
    (void)state;
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        char got[512], *tab = strchr(line, '\t');
        line[strcspn(line, "\n")] = '\0';
        if (line[0] == '#' || tab == NULL)
            continue;
        *tab = '\0';
        unescape(line);
        count++;
        if (strcmp(question(line, got, sizeof got), tab + 1) == 0)
            continue;
        print_error("%s\n  want %s\n  got  %s\n", line, tab + 1, got);
        wrong++;
    }
    fclose(file);
    assert_int_equal(wrong, 0);
    assert_true(count > 750);
}

/* A log of 200 lines of all kinds, and then what is given, ended as given. */
static const char *log_before(const char *text, const char *end) {
    static char log[64 * 1024];
    static const char *const lines[] = {
        "10:00:00.123 INFO  [main] o.s.b.Application: Starting Application v1.2.3 with PID 4711",
        "2026-11-26T10:00:00Z GET http://192.0.2.1:8443/api/v1/items?page=2 200 12ms",
        "127.0.0.1 - - [26/Nov/2026:10:00:00 +0000] \"GET / HTTP/1.1\" 200 612",
        "connected to postgres at 10.0.0.5:5432 in 12 ms",
        "metrics on :9090",
        "WARN cache.go:88: evicted 1024 of 65535 entries (line 80)",
        "{\"level\":30,\"time\":1732600000123,\"pid\":4711,\"msg\":\"ready in 8080 ms\"}",
        "\x1b[32m\xe2\x9c\x93\x1b[0m compiled /srv/app/src/server.ts:42 in 3000ms",
    };
    size_t used = 0;
    for (size_t i = 0; i < 200; i++)
        used +=
            (size_t)snprintf(log + used, sizeof log - used, "%s%s", lines[i % ROWS(lines)], end);
    snprintf(log + used, sizeof log - used, "%s", text);
    return log;
}

static void the_line_with_the_error_counts(void **state) {
    static const char *const texts[][2] = {
        {"Error: listen EADDRINUSE: address already in use :::3000",
         "bind any [::]:3000 EADDRINUSE"},
        {"listen udp 127.0.0.1:53: bind: address already in use\r\n",
         "bind udp 127.0.0.1:53 EADDRINUSE"},
        {"bind: Address already in use", "none EADDRINUSE"},
        {"nginx: [emerg] bind() to 0.0.0.0:80 failed (98: Address already in use)\n"
         "nginx: [emerg] still could not bind()\nserver stopped after 8080 ms\n",
         "bind any 0.0.0.0:80 EADDRINUSE"},
        {"\x01\x02\xff\xfe\x80 listen tcp :7000: bind: address already in use \xff\x03",
         "bind tcp *:7000 EADDRINUSE"},
        {"HTTP server listening on 0.0.0.0:8000\nOSError: [Errno 98] Address already in use",
         "bind any 0.0.0.0:8000 EADDRINUSE guess"},
        {"connect ECONNREFUSED 127.0.0.1:5432\nbind EADDRINUSE", "none EADDRINUSE"},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(texts); i++)
        for (int crlf = 0; crlf < 2; crlf++) {
            char got[512];
            assert_string_equal(
                question(log_before(texts[i][0], crlf ? "\r\n" : "\n"), got, sizeof got),
                texts[i][1]);
        }
}

static void other_addresses_are_named(void **state) {
    struct typed typed;
    (void)state;
    assert_true(typed_text("bind() to 0.0.0.0:80 failed (98: Address already in use)\n"
                           "bind() to [::]:443 failed (98: Address already in use)",
                           &typed));
    assert_string_equal(typed.port, "80");
    assert_string_equal(typed.also, "[::]:443");
    /* two guesses that are as good are none */
    assert_false(
        typed_text("listening on :8000\nlistening on :9000\nbind: Address already in use", &typed));
    assert_string_equal(typed.also, ":9000 and :8000");
    assert_int_equal(typed.error, EADDRINUSE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_read),
        cmocka_unit_test(words_that_are_no_address_say_what_to_write),
        cmocka_unit_test(a_few_words_can_be_an_address),
        cmocka_unit_test(each_line_that_people_paste_is_understood),
        cmocka_unit_test(the_line_with_the_error_counts),
        cmocka_unit_test(other_addresses_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
