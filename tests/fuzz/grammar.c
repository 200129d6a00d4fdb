/* A text is cut into lines. A change takes away, doubles, swaps or adds a line, or puts another
 * word of the same kind in the place of one. New lines are made from patterns, one for each verb
 * and more:
 * `%r` is a role, `%s` a socket, and so on (kinds[]). There are few names, so that most of them are
 * known. */
#include "grammar.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- chance --- */

static uint64_t state;

static unsigned chance(unsigned below) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    return (unsigned)(state >> 33) % below;
}

/* --- words --- */

enum { WORDS = 48 };

struct kind {
    char letter;
    const char *words[WORDS]; /* up to NULL */
};

static const struct kind kinds[] = {
    {'r', {"a", "b", "server", "client", "x"}},
    {'s', {"l", "c", "s", "peer", "k"}},
    {'h', {"web", "db", "h1"}},
    {'a',
     {"127.0.0.1:80",
      "127.0.0.1:1215",
      "127.0.0.2:80",
      "0.0.0.0:80",
      "*:80",
      "*:0",
      "[::1]:80",
      "[::]:80",
      "[::ffff:127.0.0.1]:80",
      "10.0.0.1:80",
      "10.0.0.2:5432",
      "[fe80::1%eth0]:80",
      "224.0.0.1:80",
      "127.0.0.1:$i",
      "127.0.0.$i:80",
      "[::$i]:$i",
      "127.0.0.1:$client.c.port",
      "$server.l",
      "$client.c",
      "$a.l.peer",
      "$b.s",
      "$a.l.port",
      "unix:db",
      "unix:@db",
      "unix:f$i",
      "127.0.0.1:*",
      "*:*",
      "1.2.3.4:65535",
      "127.0.0.1:70000",
      "[::1]:*",
      "$x.k"}},
    {'k',
     {"tcp4", "tcp6", "udp4", "udp6", "mptcp4", "mptcp6", "unix", "unix-dgram", "$a.l",
      "$server.l"}},
    {'p', {"tcp", "udp", "unix", "mptcp"}},
    {'t',
     {"LISTEN", "TIME-WAIT", "ESTABLISHED", "CLOSE-WAIT", "BOUND", "ANY", "UNCONN", "SYN-SENT",
      "FIN-WAIT-1", "FIN-WAIT-2", "CLOSING", "LAST-ACK", "CLOSED", "SYN-RECEIVED", "LISTN"}},
    {'o',
     {"SO_REUSEADDR",
      "SO_REUSEPORT",
      "SO_REUSEADDR=0",
      "SO_LINGER=0",
      "SO_LINGER=off",
      "SO_BINDTODEVICE=lo",
      "SO_BINDTODEVICE=eth$i",
      "SO_KEEPALIVE",
      "SO_RCVTIMEO=200ms",
      "SO_SNDTIMEO=$ims",
      "IPV6_V6ONLY",
      "IPV6_V6ONLY=0",
      "IP_FREEBIND",
      "IP_TRANSPARENT",
      "IP_BIND_ADDRESS_NO_PORT",
      "IP_LOCAL_PORT_RANGE=40000-40099",
      "IP_LOCAL_PORT_RANGE=0-$i",
      "TCP_DEFER_ACCEPT=3",
      "TCP_USER_TIMEOUT=1000",
      "TCP_LINGER2=-1",
      "TCP_NODELAY",
      "TCP_FASTOPEN=5",
      "TCP_SYNCNT=1",
      "SO_MARK=7",
      "SO_MARK=$i",
      "SO_INCOMING_CPU=0",
      "TCP_MAXSEG=536",
      "TCP_KEEPIDLE=1",
      "SO_REUSEADR",
      "nonblock",
      "cloexec",
      "SO_ERROR"}},
    {'O',
     {"SO_REUSEADDR", "SO_ERROR", "SO_LINGER", "SO_ACCEPTCONN", "SO_RCVTIMEO", "SO_BINDTODEVICE",
      "IP_LOCAL_PORT_RANGE", "TCP_MAXSEG", "IPV6_V6ONLY", "TCP_FASTOPEN"}},
    {'e',
     {"ok",
      "EADDRINUSE",
      "EADDRNOTAVAIL",
      "EACCES",
      "EINVAL",
      "ECONNREFUSED",
      "EINPROGRESS",
      "ENOENT",
      "eof",
      "any",
      "ready",
      "timeout",
      "1",
      "90..100",
      "0..$i",
      "$i",
      "127.0.0.1:80",
      "$server.l",
      "free",
      "address-in-use",
      "time-wait-rebind",
      "exit 0",
      "exit 1..125",
      "SIGTERM",
      "ok at connect after 0..4999",
      "EADDRINUSE at bind after 50",
      "EMFILE at socket after 17",
      "EADDRINUS",
      "off",
      "lo",
      "200ms",
      "40000-40099",
      "unix:db",
      "-1"}},
    {'E',
     {"within 2s", "in 59s..62s", "since 6.8, else EADDRNOTAVAIL", "| EADDRINUSE", "within 200ms",
      ", else SKIP \"a reason\"", ", else ERROR \"a reason\"", "| eof | ok", "within $is",
      "in 1s..$is", "since 6.8.1, else EINVAL | ok within 1s"}},
    {'m', {"200ms", "3s", "1.5s", "2m", "10us", "$ims", "0s", "1ms", "25h", "$is"}},
    {'n', {"0", "1", "2", "10", "50", "200", "100000", "1000000", "$i", "-1", "65536", "1001"}},
    {'y',
     {"net.ipv4.ip_local_port_range 40000 40099", "net.ipv4.tcp_tw_reuse 1", "net.core.somaxconn 8",
      "net.ipv4.ip_local_reserved_ports $client.c.port", "net.ipv4.tcp_fin_timeout $here",
      "kernel.hostname x", "net.ipv4.ip_local_reserved_ports $a.l.port 80"}},
    {'d', {"dummy0", "eth0", "lo", "eth1"}},
    {'w', {"read", "write", "both"}},
    {'g', {"SIGTERM", "SIGKILL", "SIGHUP", "SIGSTOP", "TERM", "9"}},
    {'c', {"bind", "listen", "connect", "accept", "sendto"}},
    {'q', {"client", "server", "udp", "from 127.0.0.1:0", "as a", "as server", "from $client.c"}},
    {'x',
     {"$program", "/bin/true", "nginx -g \"daemon off;\"", "$server.l", "$a.l.port", "\"a b\"",
      "\\\"", "--port=$server.l.port"}},
    {'i', {"i", "n", "port"}},
};

static const char *const patterns[] = {
    "%r socket %s",
    "%r socket %s %k %o",
    "%r socket %s %k %o %o",
    "%r setsockopt %s %o",
    "%r setsockopt %s %o %o",
    "%r getsockopt %s %O -> %e",
    "%r bind %s %a",
    "%r bind %s %a -> %e",
    "%r bind %s %a -> %e %E",
    "%r listen %s",
    "%r listen %s %n",
    "%r connect %s %a",
    "%r connect %s %a -> %e",
    "%r accept %s %s",
    "%r send %s %n",
    "%r send %s %n %a",
    "%r recv %s",
    "%r recv %s %n -> %e",
    "%r poll %s %w within %m -> %e",
    "%r shutdown %s %w",
    "%r disconnect %s",
    "%r close %s",
    "%r getsockname %s -> %a",
    "%r getpeername %s -> %e",
    "%r dup %s %s",
    "%r chown %s %n",
    "%r unlink %a",
    "%r on %h",
    "%r exec %x %x",
    "%r calls %c %a -> %e within %m",
    "%r calls %c -> %e",
    "%r listens %s %a within %m",
    "%r listens %s",
    "%r settles",
    "%r accepts %s",
    "%r signal %g",
    "%r signal %g all",
    "%r wait within %m -> %e",
    "%r fork %r",
    "%r pass %s %r",
    "%r uid %n",
    "%r exit",
    "%r kill",
    "%r repeat %n",
    "%r repeat %n as %i from %n timed",
    "%r repeat",
    "%r serve",
    "%r serve epoll",
    "%r stop -> %e",
    "%r slowdown -> %e",
    "end",
    "end -> %e",
    "end -> %e %E",
    "sysctl %y",
    "sysctl %y -> %e",
    "await %t %a",
    "await no %t %a %a within %m",
    "await %n %p %t %a",
    "count %t %a -> %n",
    "count %p %t %a %a -> %n within %m",
    "destroy %a %a -> %n",
    "destroy %p %a",
    "address %a %d",
    "address 10.9.0.1/24 %d",
    "address no 10.9.0.1/24 %d",
    "sleep %m",
    "why %a -> %e",
    "why %a %q %q %o -> %e",
    "budget %a -> %n",
    "budget %a from %a -> %e",
    "ephemeral %a -> %n",
    "cut %h",
    "join %h",
    "off %h",
    "on %h await %t %a",
    "on %h sysctl %y",
    "on %h why %a -> %e",
    "case another",
    "setup",
    "title a title",
    "tags bind time-wait",
    "slow",
    "needs kernel >= 6.3",
    "needs ipv6",
    "needs uids",
    "needs program",
    "needs %O",
    "needs sysctl net.ipv4.tcp_tw_reuse",
    "needs sock_diag",
    "needs mptcp",
    "needs hosts",
    "host %h 10.0.0.1/24",
    "host %h 10.0.0.2/24 fd00::2/64",
    "why\n  prose with %% and \"quotes\"",
    "fix\n  more prose",
    "# a comment",
};

#define HOSTS "title t\nhost web 10.0.0.1/24\nhost db 10.0.0.2/24\nsetup\n server on db\n"

static const char *const whole[] = {
    "title t\ncase c\n a socket l\n",
    HOSTS " server socket l\ncase c\n client on web\n client socket c\n",
    "title t\nneeds program\ncase c\n x exec $program\n x listens l\n",
    "title t\ncase c\n a repeat 10 as i from 1\n  socket s\n  bind s 127.0.0.1:$i\n end\n",
};

static const char *word_of(char letter) {
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        unsigned count = 0;
        if (kinds[i].letter != letter)
            continue;
        while (count < WORDS && kinds[i].words[count] != NULL)
            count++;
        return kinds[i].words[chance(count)];
    }
    return "%";
}

enum { LINE_MOST = 512 };

/* Makes a line of a pattern, with its newline. Returns its length. */
static size_t make_line(const char *pattern, char *line) {
    size_t used = 0;
    for (; *pattern != '\0' && used < LINE_MOST - 100; pattern++)
        if (*pattern == '%')
            used += (size_t)snprintf(line + used, LINE_MOST - used, "%s", word_of(*++pattern));
        else
            line[used++] = *pattern;
    line[used++] = '\n';
    line[used] = '\0';
    return used;
}

/* --- changing a text --- */

struct text {
    char *at;
    size_t size, most;
};

/* Puts `size` bytes in the place of the `old` ones at `offset`. Returns whether there is room. */
static bool replace(struct text *text, size_t offset, size_t old, const char *bytes, size_t size) {
    if (text->size - old + size > text->most)
        return false;
    memmove(text->at + offset + size, text->at + offset + old, text->size - offset - old);
    memcpy(text->at + offset, bytes, size);
    text->size += size;
    text->size -= old;
    return true;
}

static unsigned count_lines(const struct text *text) {
    unsigned lines = 0;
    for (size_t i = 0; i < text->size; i++)
        lines += text->at[i] == '\n';
    return lines + 1;
}

/* Where a line begins, and how long it is with its newline. */
static size_t line_at(const struct text *text, unsigned number, size_t *length) {
    size_t at = 0;
    while (number-- > 0) {
        const char *end = memchr(text->at + at, '\n', text->size - at);
        if (end == NULL)
            break;
        at = (size_t)(end - text->at) + 1;
    }
    const char *end = memchr(text->at + at, '\n', text->size - at);
    *length = end == NULL ? text->size - at : (size_t)(end - text->at) + 1 - at;
    return at;
}

static void add_line(struct text *text) {
    char line[LINE_MOST + 1];
    size_t length, at = line_at(text, chance(count_lines(text) + 1), &length);
    size_t size = make_line(patterns[chance(sizeof patterns / sizeof patterns[0])], line);
    if (at > 0 && text->at[at - 1] != '\n')
        at = text->size;
    replace(text, at, 0, line, size);
}

static void take_line(struct text *text) {
    size_t length, at = line_at(text, chance(count_lines(text)), &length);
    replace(text, at, length, "", 0);
}

static void move_line(struct text *text, bool leave) {
    char line[LINE_MOST];
    size_t length, at = line_at(text, chance(count_lines(text)), &length);
    if (length == 0 || length > sizeof line)
        return;
    memcpy(line, text->at + at, length);
    if (!leave)
        replace(text, at, length, "", 0);
    size_t ignored, to = line_at(text, chance(count_lines(text)), &ignored);
    replace(text, to, 0, line, length);
}

static bool is_blank(char c) {
    return c == ' ' || c == '\n' || c == '\t';
}

/* The kind of a word, or any kind. */
static char kind_of(const char *word, size_t size) {
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        for (unsigned k = 0; k < WORDS && kinds[i].words[k] != NULL; k++)
            if (strlen(kinds[i].words[k]) == size && memcmp(kinds[i].words[k], word, size) == 0)
                return kinds[i].letter;
    return memchr(word, ':', size) != NULL ? 'a'
                                           : kinds[chance(sizeof kinds / sizeof kinds[0])].letter;
}

static void change_word(struct text *text) {
    size_t at = text->size == 0 ? 0 : chance((unsigned)text->size), length = 0;
    while (at > 0 && !is_blank(text->at[at - 1]))
        at--;
    while (at < text->size && is_blank(text->at[at]))
        at++;
    while (at + length < text->size && !is_blank(text->at[at + length]))
        length++;
    if (length == 0)
        return;
    char letter = chance(8) == 0 ? kinds[chance(sizeof kinds / sizeof kinds[0])].letter
                                 : kind_of(text->at + at, length);
    const char *word = chance(12) == 0 ? "" : word_of(letter);
    replace(text, at, length, word, strlen(word));
}

/* Adds an expectation, or more of one, at the end of a line. */
static void expect(struct text *text) {
    char tail[LINE_MOST];
    size_t length, at = line_at(text, chance(count_lines(text)), &length);
    bool has = memmem(text->at + at, length, "->", 2) != NULL;
    const char *more = has || chance(2) == 0 ? word_of('E') : "";
    int size = has ? snprintf(tail, sizeof tail, " %s", more)
                   : snprintf(tail, sizeof tail, " -> %s %s", word_of('e'), more);
    length -= length > 0 && text->at[at + length - 1] == '\n';
    replace(text, at + length, 0, tail, (size_t)size);
}

/* Makes a block of what follows a line. */
static void make_block(struct text *text) {
    char line[LINE_MOST + 1];
    unsigned lines = count_lines(text), first = chance(lines);
    size_t length, size = make_line(chance(2) == 0 ? "end" : "end -> %e", line);
    replace(text, line_at(text, first + 1 + chance(4), &length), 0, line, size);
    size = make_line(chance(3) == 0 ? "%r serve" : "%r repeat %n as i from %n", line);
    replace(text, line_at(text, first, &length), 0, line, size);
}

size_t grammar_mutate(char *bytes, size_t size, size_t most, unsigned seed) {
    struct text text = {bytes, size, most};
    state = seed;
    chance(2);
    if (size < 10) {
        const char *start = whole[chance(sizeof whole / sizeof whole[0])];
        replace(&text, 0, size, start, strlen(start));
    }
    for (unsigned i = chance(4) + 1; i > 0; i--)
        switch (chance(10)) {
        case 0:
            take_line(&text);
            break;
        case 1:
            move_line(&text, false);
            break;
        case 2:
            move_line(&text, true);
            break;
        case 3:
        case 4:
        case 5:
            add_line(&text);
            break;
        case 6:
            expect(&text);
            break;
        case 7:
            make_block(&text);
            break;
        default:
            change_word(&text);
            break;
        }
    return text.size;
}

size_t grammar_cross(const char *one, size_t one_size, const char *other, size_t other_size,
                     char *out, size_t most, unsigned seed) {
    struct text first = {(char *)one, one_size, one_size},
                second = {(char *)other, other_size, other_size};
    size_t length;
    state = seed;
    chance(2);
    size_t head = line_at(&first, chance(count_lines(&first) + 1), &length);
    size_t from = line_at(&second, chance(count_lines(&second)), &length);
    head = head < most ? head : most;
    size_t rest = other_size - from < most - head ? other_size - from : most - head;
    memcpy(out, one, head);
    memcpy(out + head, other + from, rest);
    return head + rest;
}
