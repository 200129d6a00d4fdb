/* Wrong texts: each error is said once, at its place, and nothing else is said; and how errors
 * are printed. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenario/scenario.h"

/* --- tables of texts with one error --- */

struct row {
    const char *text;
    unsigned line, column;
    const char *part; /* of the message */
};

static struct errors errors_of(const char *bytes, size_t size) {
    struct errors errors = {0};
    char *text = malloc(size == 0 ? 1 : size); /* AddressSanitizer sees a read behind its end */
    assert_non_null(text);
    memcpy(text, bytes, size);
    struct scenario *scenario = scenario_parse("name", "f", text, size, &errors);
    assert_non_null(scenario);
    scenario_free(scenario);
    free(text);
    return errors;
}

static bool is_only_error(const struct errors *errors, const struct row *row) {
    if (errors->count != 1)
        return false;
    const struct error *error = &errors->list[0];
    return error->line == row->line && error->column == row->column &&
           strstr(error->text, row->part) != NULL;
}

/* Whether the text gives this error alone; says so if not. */
static bool holds(const struct row *row) {
    struct errors errors = errors_of(row->text, strlen(row->text));
    bool sound = is_only_error(&errors, row);
    if (!sound) {
        fprintf(stderr,
                "--- this text:\n%s\n--- is to give this alone: %u:%u: %s\n--- but gives:\n",
                row->text, row->line, row->column, row->part);
        errors_print(&errors, stderr);
    }
    errors_free(&errors);
    return sound;
}

static void check_rows(const struct row *rows, size_t count) {
    size_t failed = 0;
    for (size_t i = 0; i < count; i++)
        failed += !holds(&rows[i]);
    assert_int_equal(failed, 0);
}

#define CHECK(rows) check_rows(rows, ROWS(rows))

/* What most rows begin with; the text behind starts in line 3, or behind the socket in line 4. */
#define CASE   "title t\ncase c\n"
#define SOCKET CASE "r socket s\n"
#define SERVES CASE "r socket s\nr serve\n accept s p\n close p\nend\n" /* behind it: line 8 */

/* --- hosts --- */

#define HOSTS "title t\nhost a 10.0.0.1/24\nhost b 10.0.0.2/24\ncase c\n" /* behind it: line 5 */

static const struct row host_rows[] = {
    {"title t\nhost\ncase c\n r socket s\n", 2, 5, "the NAME of the host is missing"},
    {"title t\nhost a\ncase c\n r socket s\n", 2, 7, "an ADDRESS/BITS is missing"},
    {"title t\nhost a 10.0.0.1\ncase c\n r socket s\n", 2, 8, "the length of its network"},
    {"title t\nhost a 10.0.0.1/33\ncase c\n r socket s\n", 2, 8, "'10.0.0.1/33'"},
    {"title t\nhost a 10.0.0.1:80\ncase c\n r socket s\n", 2, 8, "'10.0.0.1:80'"},
    {"title t\nhost a 127.0.0.1/8\ncase c\n r socket s\n", 2, 8, "loopback"},
    {"title t\nhost a 0.0.0.0/8\ncase c\n r socket s\n", 2, 8, "the wildcard"},
    {"title t\nhost a ff02::1/64\ncase c\n r socket s\n", 2, 8, "not the address of one host"},
    {"title t\nhost a 224.0.0.1/4\ncase c\n r socket s\n", 2, 8, "not the address of one host"},
    {"title t\nhost cut 10.0.0.1/24\ncase c\n r socket s\n", 2, 6, "cannot name a host"},
    {"title t\nhost setup 10.0.0.1/24\ncase c\n r socket s\n", 2, 6, "cannot name a host"},
    {"title t\nhost a 10.0.0.1/24\nhost a 10.0.0.2/24\ncase c\n r socket s\n", 3, 6, "already"},
    {"title t\nhost a 10.0.0.1/24\nhost b 10.0.0.1/24\ncase c\n r socket s\n", 3, 8,
     "host 'a' has the address"},
    {HOSTS "host d 10.0.0.3/24\nr socket s\n", 5, 1, "belongs in the header"},
    {HOSTS "host socket s\n", 5, 1, "'host' is a keyword and cannot name a role"},
    {"title t\nhots a 10.0.0.1/24\ncase c\n r socket s\n", 2, 1, "did you mean 'host'?"},
    /* where a role is */
    {HOSTS "r on c\n", 5, 6, "unknown host 'c'; the hosts are a, b"},
    {"title t\nhost web 10.0.0.1/24\ncase c\nr on wed\n", 4, 6, "did you mean 'web'?"},
    {CASE "r on b\n", 3, 6, "the header has no line 'host NAME ADDRESS/BITS...'"},
    {HOSTS "r on\n", 5, 5, "the name of a host is missing"},
    {HOSTS "r on b now\n", 5, 8, "usage: ROLE on HOST"},
    {HOSTS "r socket s\nr on b\n", 6, 1, "'on' must be its first step"},
    {HOSTS "r on a\nr on b\n", 6, 1, "'on' must be its first step"},
    {HOSTS "r socket s\nq on b\nq socket t\nr pass s q\n", 8, 10, "on another host"},
    {HOSTS "r on b\nr socket s\nr fork q\nq on a\n", 8, 1, "is already running"},
    /* where a step is done */
    {HOSTS "on c count LISTEN * -> 0\n", 5, 4, "unknown host 'c'"},
    {HOSTS "on b\n", 5, 5, "a step is missing; usage: on HOST STEP"},
    {HOSTS "on b -> ok\n", 5, 6, "a step is missing"},
    {HOSTS "on b conut LISTEN * -> 0\n", 5, 6, "did you mean 'count'?"},
    {HOSTS "on b frobnicate\n", 5, 6, "unknown verb 'frobnicate'"},
    {HOSTS "on b sleep 1s\n", 5, 6, "'sleep' is not done on a host: remove 'on b'"},
    {HOSTS "on b cut a\n", 5, 6, "'cut' is not done on a host: remove 'on b'"},
    {HOSTS "r on b\non b r socket s\n", 6, 6, "its first step says where, 'r on b'"},
    {HOSTS "on b r socket s\n", 5, 6, "its first step says where, 'r on b'"},
    {HOSTS "r on b\nwhy 10.0.0.1:80 as r -> free\n", 6, 17, "on another host"},
    {HOSTS "r repeat 2\n socket s\n on b count LISTEN * -> 0\nend\n", 7, 2,
     "not allowed in a block"},
    /* off */
    {HOSTS "off\n", 5, 4, "the name of a host is missing"},
    {HOSTS "off c\n", 5, 5, "unknown host 'c'"},
    {HOSTS "off b\non b budget 10.0.0.1:80 -> 1\n", 6, 4, "host 'b' is off; 'join b'"},
    {HOSTS "off b\ncut b\n", 6, 5, "host 'b' is off"},
    {HOSTS "off b\nr on b\n", 6, 6, "host 'b' is off"},
    {HOSTS "off a\nr socket s\n", 6, 1, "the first host, 'a', which is off"},
    {HOSTS "off a\ndestroy *:80\n", 6, 1, "say where: on HOST destroy"},
    {HOSTS "r on b\nr socket s\noff b\nr close s\n", 8, 1, "its host 'b' is off"},
    {HOSTS "r on b\nr socket s\noff b\njoin b\nr close s\n", 9, 1, "role 'r' has ended"},
    {HOSTS "r on b\nr serve\n sleep 1s\nend\noff b\nr stop\n", 10, 1, "its host 'b' is off"},
};

static void hosts_are_checked(void **state) {
    (void)state;
    CHECK(host_rows);
    static const char sound[] =
        HOSTS "off a\non a count LISTEN * -> 0\ncount LISTEN * -> 0\nawait no LISTEN *\n"
              "r on b\nr socket s\non b count LISTEN * -> 0\njoin a\nq socket s\n";
    struct errors errors = errors_of(sound, strlen(sound));
    assert_int_equal(errors.count, 0);
    errors_free(&errors);
}

/* --- programs --- */

#define PROGRAM CASE "r exec sleep 1\n" /* behind it: line 4 */

static const struct row program_rows[] = {
    {CASE "r exec\n", 3, 7, "a PROGRAM is missing"},
    {CASE "r exec $program\n", 3, 8, "the header must say 'needs program'"},
    {CASE "r exec sleep $q.l.port\n", 3, 15, "unknown role 'q'"},
    {PROGRAM "r socket s\n", 4, 1, "has become a program"},
    {PROGRAM "r exec true\n", 4, 1, "has become a program"},
    {PROGRAM "r exit\n", 4, 1, "has become a program"},
    {PROGRAM "r fork q\n", 4, 1, "has become a program"},
    {CASE "r calls bind\n", 3, 1, "'exec' must come first"},
    {SOCKET "r listens s\n", 4, 1, "'exec' must come first"},
    {CASE "r exec /x -> ENOENT\nr calls bind\n", 4, 1, "'exec' must come first"},
    {PROGRAM "r calls\n", 4, 8, "bind, listen or connect is missing"},
    {PROGRAM "r calls accept\n", 4, 9, "expected bind, listen or connect, not 'accept'"},
    {PROGRAM "r calls bind 127.0.0.1\n", 4, 14, "'127.0.0.1'"},
    {PROGRAM "r calls bind within\n", 4, 20, "a TIME is missing"},
    {PROGRAM "r calls bind -> 5\n", 4, 17, "'calls' never returns '5'"},
    {PROGRAM "r calls bind -> exit 0\n", 4, 17, "unknown result 'exit'"},
    {PROGRAM "r listens\n", 4, 10, "the name of a socket is missing"},
    {PROGRAM "r listens within 1s\n", 4, 11, "missing before 'within'"},
    {PROGRAM "r signal\n", 4, 9, "the name of a signal is missing"},
    {PROGRAM "r signal SIGTREM\n", 4, 10, "did you mean 'SIGTERM'?"},
    {PROGRAM "r signal 15\n", 4, 10, "unknown signal '15'"},
    {PROGRAM "r signal SIGTERM any\n", 4, 18, "unexpected 'any'"},
    {PROGRAM "r wait\nr signal SIGTERM\n", 5, 1, "'signal SIGTERM all' is for what it has started"},
    {PROGRAM "r listens s 127.0.0.1\n", 4, 13, "'127.0.0.1'"},
    {PROGRAM "r accepts\n", 4, 10, "the name of a socket is missing"},
    {PROGRAM "r accepts s\n", 4, 11, "socket 's' of role 'r' is used before it is created"},
    {PROGRAM "r settles s\n", 4, 11, "unexpected 's'"},
    {PROGRAM "r settles -> exit 0\n", 4, 14, "unknown result 'exit'"},
    {SOCKET "r settles\n", 4, 1, "'exec' must come first"},
    {PROGRAM "r settles -> ok, else\n", 4, 22, "SKIP or ERROR is missing"},
    {PROGRAM "r settles -> ok, else FAIL \"x\"\n", 4, 23, "expected SKIP or ERROR, not 'FAIL'"},
    {PROGRAM "r settles -> ok, else SKIP\n", 4, 27, "the reason, in quotes, is missing"},
    {PROGRAM "r settles -> ok, else SKIP x\n", 4, 28, "the reason must be in quotes"},
    {PROGRAM "r settles -> ok, SKIP \"x\"\n", 4, 16, "unexpected ','"},
    {SOCKET "q socket c $r.t\n", 4, 15, "role 'r' has no socket 't'"},
    {SOCKET "q socket c tcp6 $r.s\n", 4, 17, "'$r.s' contradicts 'tcp6'"},
    {CASE "r socket u unix\nq socket c $r.u\n", 4, 12, "which has no family of addresses"},
    {PROGRAM "r wait -> exit\n", 4, 15, "an exit status is missing"},
    {PROGRAM "r wait -> exit 256\n", 4, 16, "'256' is not an exit status"},
    {PROGRAM "r wait -> fine\n", 4, 11, "'fine'; a process ends with 'exit N' or a signal"},
    {PROGRAM "r wait -> SIGTREM\n", 4, 11, "did you mean 'SIGTERM'?"},
    {PROGRAM "r wait -> 0\n", 4, 11, "did you mean 'exit 0'?"},
    {PROGRAM "r signal TERM\n", 4, 10, "did you mean 'SIGTERM'?"},
    {CASE "r socket s\nr exit\nr calls bind\n", 5, 1, "role 'r' has ended"},
    {PROGRAM "r wait\nr kill\n", 5, 1, "role 'r' has ended"},
    {PROGRAM "r listens s\nq socket c\nq connect c $r.t\n", 6, 16, "role 'r' has no socket 't'"},
    {"title t\nneeds programs\ncase c\n r socket s\n", 2, 7, "did you mean 'program'?"},
};

static void programs_are_checked(void **state) {
    (void)state;
    CHECK(program_rows);
}

/* --- words --- */

static const struct row word_rows[] = {
    /* verbs */
    {SOCKET "r bnid s *:80\n", 4, 3, "unknown verb 'bnid'; did you mean 'bind'?"},
    {SOCKET "  r   listne s\n", 4, 7, "did you mean 'listen'?"},
    {SOCKET "r frobnicate s\n", 4, 3, "unknown verb 'frobnicate'"},
    {SOCKET "r BIND s *:80\n", 4, 3, "did you mean 'bind'?"},
    {CASE "slep 1s\n", 3, 1, "did you mean 'sleep'?"},
    {CASE "awiat TIME-WAIT *:80\n", 3, 1, "did you mean 'await'?"},
    {CASE "conut CLOSING *:80 -> 1\n", 3, 1, "did you mean 'count'?"},
    {CASE "r sokcet s\nr listen s\n", 3, 3, "did you mean 'socket'?"},
    {SOCKET "r repaet 2\n close s\n socket s\nend\n", 4, 3, "did you mean 'repeat'?"},
    {SOCKET "server\n", 4, 1, "'server'"},
    {SOCKET "r frobnicate t\nr listen t\n", 4, 3, "unknown verb 'frobnicate'"},
    {CASE "r frobnicate t\nr listen t\n", 3, 3, "unknown verb 'frobnicate'"},
    {CASE "device d0 down\n", 3, 8, "unknown verb 'd0'; nor is 'device' a verb, or a role so far"},
    /* options */
    {SOCKET "r setsockopt s SO_REUSADDR\n", 4, 16, "did you mean 'SO_REUSEADDR'?"},
    {SOCKET "r setsockopt s so_reuseaddr=1\n", 4, 16, "did you mean 'SO_REUSEADDR'?"},
    {CASE "r socket s TCP_FOO\n", 3, 12, "'TCP_FOO'"},
    {SOCKET "r setsockopt s NONSENSE=7\n", 4, 16, "'NONSENSE'"},
    /* states */
    {CASE "await TIMEWAIT *:80\n", 3, 7, "did you mean 'TIME-WAIT'?"},
    {CASE "await TIME_WAIT *:80\n", 3, 7, "did you mean 'TIME-WAIT'?"},
    {CASE "await no SLEEPING *:80\n", 3, 10, "unknown state 'SLEEPING'"},
    {CASE "await udp4 UNCONN *:80\n", 3, 7, "unknown protocol 'udp4'; did you mean 'udp'?"},
    {CASE "await some LISTEN *:80\n", 3, 7, "'some' is neither a number, nor tcp, udp"},
    {CASE "await udp LISTEN *:80\n", 3, 11, "did you mean 'tcp LISTEN'?"},
    {CASE "count unix LISTEN db -> 1\n", 3, 19, "'db': the address of a Unix socket"},
    {CASE "r socket s unix\nr bind s /run/db.sock\n", 4, 10, "unix:NAME, as unix:db.sock"},
    {CASE "r unlink db\n", 3, 10, "unix:NAME, as unix:db"},
    {CASE "address add 10.0.0.1/24\n", 3, 9, "'add': not an address"},
    {SOCKET "r pass q s\n", 4, 8, "the socket comes first: r pass s q"},
    {SOCKET "r bind s [fe80::1%]:80\n", 4, 10, "the zone is missing"},
    {SOCKET "r bind s [fe80::1%a234567890123456]:80\n", 4, 10, "the zone is too long"},
    {SOCKET "r bind s [::1%lo]:80\n", 4, 10, "only a link-local address"},
    {SOCKET "r bind s 127.0.0.1:$i\n", 4, 21, "the counter of a block 'repeat N as i'"},
    {CASE "r repeat 2 as i\n socket s\n bind s *:$j\nend\n", 5, 12, "which is $i"},
    {CASE "r repeat 2 as i\n socket s$i\nend\n", 4, 9, "'$i' stands for a number"},
    {SOCKET "r close s -> ok witin 5s\n", 4, 17, "did you mean 'within'?"},
    {CASE "count ESTABLISHD *:80 -> 3\n", 3, 7, "did you mean 'ESTABLISHED'?"},
    /* errnos and other results */
    {SOCKET "r bind s *:80 -> EADDRINUS\n", 4, 18, "did you mean 'EADDRINUSE'?"},
    {SOCKET "r bind s *:80 -> ok | EADRNOTAVAIL\n", 4, 23, "did you mean 'EADDRNOTAVAIL'?"},
    {SOCKET "r bind s *:80 -> ok|EADRNOTAVAIL\n", 4, 21, "did you mean 'EADDRNOTAVAIL'?"},
    {SOCKET "r bind s *:80 -> ENONSENSE\n", 4, 18, "unknown errno 'ENONSENSE'"},
    {SOCKET "r bind s *:80 -> fine\n", 4, 18, "unknown result 'fine'"},
    {SOCKET "r bind s *:80 -> ok since 6.8, else EINVALL\n", 4, 37, "did you mean 'EINVAL'?"},
    /* keywords */
    {"title t\ntgas a\ncase c\n r socket s\n", 2, 1, "did you mean 'tags'?"},
    {"titel t\ncase c\n r socket s\n", 1, 1, "did you mean 'title'?"},
    {"title t\nstup\n r socket s\ncase c\n", 2, 1, "did you mean 'setup'?"},
    {"title t\ncsae c\n r socket s\n", 2, 1, "did you mean 'case'?"},
    {"title t\nwyh\n  Prose, which is not read.\ncase c\n r socket s\n", 2, 1,
     "did you mean 'why'?"},
    {"title t\nneeds ipv7\ncase c\n r socket s\n", 2, 7,
     "unknown need 'ipv7'; did you mean 'ipv6'?"},
};

static void an_unknown_word_is_named_with_the_nearest_known_one(void **state) {
    (void)state;
    CHECK(word_rows);
}

/* --- arguments --- */

static const struct row missing_rows[] = {
    {CASE "r socket\n", 3, 9, "missing"},
    {CASE "r socket tcp6\n", 3, 10, "the name of the socket is missing"},
    {CASE "r socket SO_REUSEADDR\n", 3, 10, "the name of the socket is missing"},
    {SOCKET "r bind\n", 4, 7, "missing"},
    {SOCKET "r bind s\n", 4, 9, "an ADDRESS is missing"},
    {SOCKET "r bind s -> EINVAL\n", 4, 10, "an ADDRESS is missing"},
    {SOCKET "r bind s # *:80\n", 4, 9, "an ADDRESS is missing"},
    {SOCKET "r connect s\n", 4, 12, "missing"},
    {SOCKET "r listen\n", 4, 9, "missing"},
    {SOCKET "r accept s\n", 4, 11, "missing"},
    {SOCKET "r send s\n", 4, 9, "BYTES is missing"},
    {SOCKET "r shutdown s\n", 4, 13, "missing"},
    {SOCKET "r setsockopt s\n", 4, 15, "an OPTION is missing"},
    {SOCKET "r getsockopt s\n", 4, 15, "an OPTION is missing"},
    {SOCKET "r close\n", 4, 8, "missing"},
    {SOCKET "r fork\n", 4, 7, "missing"},
    {SOCKET "r uid\n", 4, 6, "missing"},
    {CASE "sysctl\n", 3, 7, "NAME"},
    {CASE "sysctl net.ipv4.tcp_tw_reuse\n", 3, 29, "VALUE is missing"},
    {CASE "await\n", 3, 6, "STATE is missing"},
    {CASE "await no\n", 3, 9, "STATE is missing"},
    {CASE "await TIME-WAIT\n", 3, 16, "LOCAL"},
    {CASE "await TIME-WAIT *:80 within\n", 3, 28, "TIME is missing"},
    {CASE "count LISTEN -> 1\n", 3, 14, "LOCAL"},
    {CASE "destroy\n", 3, 8, "LOCAL"},
    {CASE "sleep\n", 3, 6, "TIME is missing"},
    {CASE "count LISTEN *:80\n", 3, 18, "->"},
};

static void a_missing_argument_is_named_where_it_should_stand(void **state) {
    (void)state;
    CHECK(missing_rows);
}

static const struct row extra_rows[] = {
    {SOCKET "r bind s *:80 *:81\n", 4, 15, "unexpected '*:81'"},
    {SOCKET "r bind s *:80 EINVAL\n", 4, 15, "unexpected 'EINVAL'"},
    {SOCKET "r listen s 5 6\n", 4, 14, "unexpected '6'"},
    {SOCKET "r close s s\n", 4, 11, "unexpected 's'"},
    {SOCKET "r accept s p q\n", 4, 14, "unexpected 'q'"},
    {SOCKET "r getsockopt s SO_LINGER SO_KEEPALIVE\n", 4, 26, "unexpected 'SO_KEEPALIVE'"},
    {SOCKET "r exit 0\n", 4, 8, "unexpected '0'"},
    {SOCKET "r kill KILL\n", 4, 8, "unexpected 'KILL'"},
    {SOCKET "r fork b c\n", 4, 10, "unexpected 'c'"},
    {CASE "await LISTEN *:80 *:81 *:82\n", 3, 24, "unexpected '*:82'"},
    {CASE "await LISTEN *:80 within 3s 4s\n", 3, 29, "unexpected '4s'"},
    {CASE "sleep 3s 4s\n", 3, 10, "unexpected '4s'"},
    {CASE "r repeat 3 4\n socket s\nend\n", 3, 12, "unexpected '4'"},
    {CASE "r repeat 3\n socket s\nend 4\n", 5, 5, "unexpected '4'"},
    {CASE "r repeat 3 timed 4\n socket s\nend\n", 3, 18, "unexpected '4'"},
    {CASE "r repeat 3 tmied\n socket s\nend\n", 3, 12, "unexpected 'tmied'"},
    {CASE "r repeat timed 3\n socket s\nend\n", 3, 16, "unexpected '3'"},
    {SOCKET "r serve 3\n close s\nend\n", 4, 9, "unexpected '3'"},
    {"title t\nslow 3\ncase c\n r socket s\n", 2, 6, "unexpected '3'"},
    {"title t\nneeds ipv6 uids\ncase c\n r socket s\n", 2, 12, "unexpected 'uids'"},
    {"title t\nsetup x\n r socket s\ncase c\n", 2, 7, "unexpected 'x'"},
};

static void what_stands_behind_the_last_argument_is_unexpected(void **state) {
    (void)state;
    CHECK(extra_rows);
}

static const struct row address_rows[] = {
    {SOCKET "r bind s 127.0.0.1\n", 4, 10, "port is missing"},
    {SOCKET "r bind s [::1]\n", 4, 10, "port is missing"},
    {SOCKET "r bind s :80\n", 4, 10, "address is missing"},
    {SOCKET "r bind s 256.0.0.1:80\n", 4, 10, "not an IPv4 address"},
    {SOCKET "r bind s localhost:80\n", 4, 10, "not an IPv4 address"},
    {SOCKET "r bind s ::1:80\n", 4, 10, "brackets"},
    {SOCKET "r bind s [::g]:80\n", 4, 10, "not an IPv6 address"},
    {SOCKET "r bind s []:80\n", 4, 10, "address is missing"},
    {SOCKET "r bind s 127.0.0.1:\n", 4, 20, "not a port"},
    {SOCKET "r bind s 127.0.0.1:65536\n", 4, 20, "not a port"},
    {SOCKET "r bind s 127.0.0.1:-1\n", 4, 20, "not a port"},
    {SOCKET "r bind s 127.0.0.1:http\n", 4, 20, "not a port"},
    {SOCKET "r bind s 127.0.0.1:80x\n", 4, 20, "not a port"},
    {SOCKET "r bind s 127.0.0.1:80->\n", 4, 20, "not a port"},
    {SOCKET "r bind s 127.0.0.1:*\n", 4, 10, "port cannot be '*'"},
    {SOCKET "r connect s *:*\n", 4, 13, "port cannot be '*'"},
    {CASE "await LISTEN 127.0.0.1:x\n", 3, 24, "not a port"},
    {CASE "count LISTEN *:1 *:x -> 1\n", 3, 20, "not a port"},
    {SOCKET "r getsockname s -> 127.0.0.1:x\n", 4, 30, "not a port"},
    /* references */
    {SOCKET "r bind s $\n", 4, 11, "$ROLE.SOCKET"},
    {SOCKET "r bind s $r\n", 4, 12, "the socket is missing: $r.SOCKET"},
    {SOCKET "rolle socket t\nr bind s $role.t\n", 5, 11, "did you mean 'rolle'?"},
    {SOCKET "r bind s $nobody.t\n", 4, 11, "unknown role 'nobody'"},
    {SOCKET "r bind s $r.t\n", 4, 13, "has no socket 't'"},
    {SOCKET "r bind s $r.s.prt\n", 4, 15, "only .peer, .port"},
    {SOCKET "r bind s $r.s.port\n", 4, 10, "is only a port"},
    {SOCKET "r bind s 127.0.0.1:$r.s\n", 4, 20, "a port is needed here: '$r.s.port'"},
    {SOCKET "r bind s 127.0.0:$r.s.port\n", 4, 10, "not an IPv4 address"},
    {SOCKET "r connect s 127.0.0.1:$nobody.t.port\n", 4, 24, "unknown role 'nobody'"},
    {SOCKET "r bind s $r.s.peer\n", 4, 10, "has no peer"},
    {SOCKET "a socket t\nr bind s $r.t\n", 5, 10, "used before it is created"},
    {SOCKET "sysctl net.ipv4.x $r.s\n", 4, 19, "port"},
    {SOCKET "sysctl net.ipv4.x $nobody.s.port\n", 4, 20, "unknown role 'nobody'"},
};

static void a_wrong_address_is_said_at_the_part_that_is_wrong(void **state) {
    (void)state;
    CHECK(address_rows);
}

static const struct row value_rows[] = {
    /* numbers */
    {SOCKET "r listen s many\n", 4, 12, "'many'"},
    {SOCKET "r listen s 2147483648\n", 4, 12, "'2147483648'"},
    {SOCKET "r send s -1\n", 4, 10, "'-1'"},
    {SOCKET "r send s 67108865\n", 4, 10, "67108864"},
    {SOCKET "r recv s 0\n", 4, 10, "'0'"},
    {SOCKET "r recv s 1k\n", 4, 10, "'1k'"},
    {SOCKET "r uid root\n", 4, 7, "'root'"},
    {SOCKET "r uid -1\n", 4, 7, "'-1'"},
    {SOCKET "r uid 4294967295\n", 4, 7, "'4294967295'"},
    {CASE "r repeat 0\n socket s\nend -> EMFILE\n", 3, 10, "'0'"},
    {CASE "r repeat 1000001\n socket s\nend -> EMFILE\n", 3, 10, "1000000"},
    {CASE "r repeat x\n socket s\nend -> EMFILE\n", 3, 10, "'x'"},
    {SOCKET "r shutdown s rw\n", 4, 14, "'rw'"},
    /* values of options */
    {SOCKET "r setsockopt s SO_REUSEADDR=on\n", 4, 29, "not a whole number"},
    {SOCKET "r setsockopt s SO_REUSEADDR=\n", 4, 29, "not a whole number"},
    {SOCKET "r setsockopt s TCP_NODELAY=2147483648\n", 4, 28, "not a whole number"},
    {SOCKET "r setsockopt s SO_LINGER=never\n", 4, 26, "off"},
    {SOCKET "r setsockopt s SO_LINGER=-1\n", 4, 26, "off"},
    {SOCKET "r setsockopt s SO_RCVTIMEO\n", 4, 16, "needs a time"},
    {SOCKET "r setsockopt s SO_RCVTIMEO=5\n", 4, 28, "not a time"},
    {SOCKET "r setsockopt s SO_BINDTODEVICE\n", 4, 16, "needs a device"},
    {SOCKET "r setsockopt s SO_BINDTODEVICE=abcdefghijklmnop\n", 4, 32,
     "too long for the name of a network device"},
    {SOCKET "r setsockopt s IP_LOCAL_PORT_RANGE\n", 4, 16, "needs a range"},
    {SOCKET "r setsockopt s IP_LOCAL_PORT_RANGE=40000\n", 4, 36, "not a range of ports"},
    {SOCKET "r setsockopt s IP_LOCAL_PORT_RANGE=40000-70000\n", 4, 36, "not a range of ports"},
    {SOCKET "r getsockopt s SO_REUSEADDR -> yes\n", 4, 32, "'yes'"},
    {SOCKET "r getsockopt s SO_RCVTIMEO -> 5\n", 4, 31, "'5'"},
    {SOCKET "r getsockopt s SO_REUSEADDR -> 5..1\n", 4, 32, "empty"},
    {SOCKET "r getsockopt s SO_REUSEADDR -> 1..x\n", 4, 32, "'1..x'"},
    {SOCKET "r getsockopt s SO_BINDTODEVICE -> EINVALL\n", 4, 35, "did you mean 'EINVAL'?"},
    /* times */
    {CASE "sleep 5\n", 3, 7, "'5'"},
    {CASE "sleep 5 s\n", 3, 7, "'5'"},
    {CASE "sleep -1s\n", 3, 7, "'-1s'"},
    {CASE "sleep s\n", 3, 7, "'s'"},
    {CASE "sleep 5sec\n", 3, 7, "'5sec'"},
    {CASE "sleep 99999999999999999999s\n", 3, 7, "'99999999999999999999s'"},
    {CASE "await LISTEN *:80 within soon\n", 3, 26, "'soon'"},
    {SOCKET "r close s -> ok within 5\n", 4, 24, "'5'"},
    {SOCKET "r close s -> ok in 5s\n", 4, 20, "'5s'"},
    {SOCKET "r close s -> ok in 5s..\n", 4, 20, "'5s..'"},
    {SOCKET "r close s -> ok in ..5s\n", 4, 20, "'..5s'"},
    {SOCKET "r close s -> ok in 5s..3s\n", 4, 20, "empty"},
    /* ranges */
    {SOCKET "r recv s -> 5..3\n", 4, 13, "empty"},
    {SOCKET "r recv s -> 1..x\n", 4, 13, "'1..x'"},
    {SOCKET "r recv s -> 1..\n", 4, 13, "'1..'"},
    {SOCKET "r recv s -> 1...3\n", 4, 13, "'1...3'"},
    {SOCKET "r recv s -> 99999999999999999999\n", 4, 13, "'99999999999999999999'"},
    /* sysctls */
    {CASE "sysctl kernel.pid_max 5\n", 3, 8, "net."},
    {CASE "sysctl net 5\n", 3, 8, "net."},
    {CASE "sysctl net.ipv4.. 5\n", 3, 8, "'net.ipv4..'"},
    {CASE "sysctl net./../kernel/x 5\n", 3, 8, "'net./../kernel/x'"},
    /* versions */
    {"title t\nneeds ipv5\ncase c\n r socket s\n", 2, 7, "did you mean 'ipv6'?"},
    {"title t\nneeds IP_LOCAL_PORT_RNGE\ncase c\n r socket s\n", 2, 7,
     "did you mean 'IP_LOCAL_PORT_RANGE'?"},
    {"title t\nneeds sysctl\ncase c\n r socket s\n", 2, 13, "NAME of a sysctl is missing"},
    {"title t\nneeds sysctl kernel.x\ncase c\n r socket s\n", 2, 14, "net."},
    {"title t\nneeds sock_diag 5\ncase c\n r socket s\n", 2, 17, "unexpected '5'"},
    {"title t\nneeds money\ncase c\n r socket s\n", 2, 7, "unknown need 'money'; it must be"},
    {"title t\nneeds kernel 6.3\ncase c\n r socket s\n", 2, 14, "needs kernel >= 6.3"},
    {"title t\nneeds kernel\ncase c\n r socket s\n", 2, 13, "needs kernel >= 6.3"},
    {"title t\nneeds kernel >=\ncase c\n r socket s\n", 2, 16, "missing"},
    {"title t\nneeds kernel >= six\ncase c\n r socket s\n", 2, 17, "'six'"},
    {"title t\nneeds kernel >= 6.3-rc1\ncase c\n r socket s\n", 2, 17, "'6.3-rc1'"},
    {SOCKET "r close s -> ok since x, else EINVAL\n", 4, 23, "'x'"},
    {SOCKET "r close s -> ok since 6.8-rc1, else EINVAL\n", 4, 23, "'6.8-rc1'"},
};

static void a_wrong_value_is_named(void **state) {
    (void)state;
    CHECK(value_rows);
}

/* --- questions to the tool itself --- */

static const struct row question_rows[] = {
    {CASE "why -> free\n", 3, 5, "an ADDRESS is missing"},
    {CASE "why 127.0.0.1 -> free\n", 3, 5, "port is missing"},
    {CASE "why 127.0.0.1:* -> free\n", 3, 5, "port cannot be '*'"},
    {CASE "why $r.s -> free\n", 3, 6, "unknown role 'r'"},
    {CASE "why *:80\n", 3, 9, "'why' needs a result: '-> CAUSE'"},
    {CASE "why *:80 ->\n", 3, 12, "a result is missing"},
    /* the cause */
    {CASE "why *:80 -> adress-in-use\n", 3, 13, "did you mean 'address-in-use'?"},
    {CASE "why *:80 -> free | time-wait-rebnd\n", 3, 20, "did you mean 'time-wait-rebind'?"},
    {CASE "why *:80 -> free since 6.8, else stolenport\n", 3, 34, "did you mean 'stolen-port'?"},
    {CASE "why *:80 -> nonsense\n", 3, 13, "'nonsense' is neither 'free' nor the name of a cause"},
    {CASE "why *:80 -> ok\n", 3, 13, "'why' never returns 'ok'; did you mean 'free'?"},
    {CASE "why *:80 -> EADDRINUSE\n", 3, 13, "'EADDRINUSE' is neither 'free' nor"},
    {CASE "why *:80 -> 5\n", 3, 13, "'5' is neither 'free' nor"},
    {CASE "why *:80 -> free at bind\n", 3, 18, "belong after 'end ->'"},
    {SOCKET "r bind s *:80 -> free\n", 4, 18, "unknown result 'free'"},
    {SOCKET "r bind s *:80 -> address-in-use\n", 4, 18, "unknown result 'address-in-use'"},
    /* who asks, and what for */
    {CASE "why *:80 clinet -> free\n", 3, 10, "did you mean 'client'?"},
    {CASE "why *:80 nonsense -> free\n", 3, 10, "unexpected 'nonsense'; usage: why ADDRESS"},
    {CASE "why *:80 *:81 -> free\n", 3, 10, "unexpected '*:81'"},
    {CASE "why *:80 server client -> free\n", 3, 17, "'client' contradicts 'server'"},
    {CASE "why *:80 udp udp -> free\n", 3, 14, "'udp' is given twice"},
    {CASE "why *:80 server IP_LOCAL_PORT_RANGE=1-5 -> free\n", 3, 17, "is about a client"},
    {CASE "why *:80 server IP_BIND_ADDRESS_NO_PORT -> free\n", 3, 17, "is about a client"},
    {CASE "why *:80 IP_LOCAL_PORT_RANGE -> free\n", 3, 10, "needs a range"},
    {CASE "why *:80 from -> free\n", 3, 15, "an ADDRESS is missing"},
    {CASE "why *:80 from nowhere -> free\n", 3, 15, "port is missing"},
    {CASE "why *:80 from 127.0.0.1:x -> free\n", 3, 25, "not a port"},
    {CASE "why *:80 server from *:1 -> free\n", 3, 17, "a server binds only ADDRESS"},
    {CASE "why *:80 as -> free\n", 3, 13, "the name of a role is missing"},
    {SOCKET "why *:80 as nobody -> free\n", 4, 13, "role 'nobody' does not exist yet"},
    {SOCKET "r exit\nwhy *:80 as r -> free\n", 5, 13, "role 'r' has ended"},
    /* options */
    {CASE "why *:80 SO_REUSADDR -> free\n", 3, 10, "did you mean 'SO_REUSEADDR'?"},
    {CASE "why *:80 no -> free\n", 3, 13, "an OPTION is missing"},
    {CASE "why *:80 no SO_REUSADDR -> free\n", 3, 13, "did you mean 'SO_REUSEADDR'?"},
    {CASE "why *:80 no SO_REUSEADDR=1 -> free\n", 3, 13, "'no' takes only the name"},
    {CASE "why *:80 no SO_BINDTODEVICE -> free\n", 3, 13, "'no' goes with an option"},
    {CASE "why *:80 SO_REUSEADDR=on -> free\n", 3, 23, "not a whole number"},
    {CASE "why *:80 TCP_NODELAY -> free\n", 3, 10, "'TCP_NODELAY' makes no difference here"},
    /* budget */
    {CASE "budget -> 5\n", 3, 8, "an ADDRESS is missing"},
    {CASE "budget *:80\n", 3, 12, "'budget' needs a result: '-> N'"},
    {CASE "budget *:* -> 5\n", 3, 8, "port cannot be '*'"},
    {CASE "budget *:80 -> free\n", 3, 16, "unknown result 'free'"},
    {CASE "budget *:80 from -> 5\n", 3, 18, "an ADDRESS is missing"},
    {CASE "budget *:80 client -> 5\n", 3, 13, "unexpected 'client'; usage: budget ADDRESS"},
    {CASE "budget *:80 -> 5..3\n", 3, 16, "empty"},
    {CASE "r socket s\nr poll s read -> readdy\n", 4, 18, "a result is ready, timeout, an errno"},
    {CASE "r serve epol\nsocket s\nend\n", 3, 9, "unexpected 'epol'; did you mean 'epoll'?"},
    {CASE "count LISTEN *:53 within 2s -> 3\n", 3, 19, "'within' comes after the result here"},
    {CASE "r exec true\nr socket s\n", 4, 1, "only calls, listens, settles, accepts, signal, wait"},
    {CASE "r socket s unix\nr bind s unix:\n", 4, 15, "'unix:': the NAME is missing"},
    {CASE "ephemeral -> 0\n", 3, 11, "an ADDRESS is missing"},
    {CASE "ephemeral *:80\n", 3, 15, "'ephemeral' needs a result: '-> N'"},
    {CASE "ephemeral unix:a -> 0\n", 3, 11, "'unix:a' is a Unix socket: it has no port"},
    {CASE "ephemeral *:80 from *:0 -> 0\n", 3, 16, "unexpected 'from'; usage: ephemeral ADDRESS"},
    {CASE "sysctl net.a $here 5\n", 3, 20, "unexpected '5'; usage: sysctl NAME VALUE...|$here"},
    {CASE "sysctl net.a 5 $here\n", 3, 16, "'$here' is a whole value"},
    {CASE "budgt *:80 -> 5\n", 3, 1, "did you mean 'budget'?"},
    /* the keyword of the same name */
    {CASE "wyh *:80 -> free\n", 3, 1, "did you mean 'why'?"},
    {SOCKET "why the server failed\n", 4, 1, "'why' belongs in the header"},
    {SOCKET "why bind s *:80 -> EINVAL\n", 4, 1, "'why' is a keyword"},
    {SOCKET "why *:80 \"free\n", 4, 10, "not closed"},
    {SOCKET "r why *:80 -> free\n", 4, 3, "takes no role"},
    {SOCKET "r repeat 2\n why *:80 -> free\n close s\n socket s\nend\n", 5, 2,
     "'why' is not allowed in a block"},
};

static void a_question_is_about_an_address_and_its_answer_a_cause(void **state) {
    (void)state;
    CHECK(question_rows);
}

/* --- the story --- */

static const struct row name_rows[] = {
    {SOCKET "socket socket s\n", 4, 1, "'socket' is a keyword"},
    {SOCKET "sleep socket s\n", 4, 1, "'sleep' is a keyword"},
    {SOCKET "slow socket s\n", 4, 1, "'slow' is a keyword"},
    {SOCKET "needs socket s\n", 4, 1, "'needs' is a keyword"},
    {SOCKET "setup bind s *:80\n", 4, 1, "'setup' is a keyword"},
    {SOCKET "end socket s\n", 4, 1, "'end' is a keyword"},
    {SOCKET "case socket s\n", 4, 1, "'case' is a keyword"},
    {SOCKET "r fork case\n", 4, 8, "'case' is a keyword"},
    {SOCKET "r fork bind\n", 4, 8, "'bind' is a keyword"},
    {SOCKET "bind s *:80\n", 4, 1, "the role before"},
    {SOCKET "exit\n", 4, 1, "the role before"},
    {SOCKET "repeat 3\n", 4, 1, "the role before"},
    {SOCKET "r sleep 1s\n", 4, 3, "takes no role"},
    {SOCKET "r await LISTEN *:80\n", 4, 3, "takes no role"},
};

static void a_keyword_cannot_name_a_role_and_a_call_needs_one(void **state) {
    (void)state;
    CHECK(name_rows);
}

/* --- kinds of sockets --- */

#define UDP  CASE "r socket s udp4\n"
#define UNIX CASE "r socket s unix\n"

static const struct row kind_rows[] = {
    {CASE "r socket s udp5\n", 3, 12, "did you mean 'udp4'?"},
    {CASE "r socket s unixdgram\n", 3, 12, "did you mean 'unix-dgram'?"},
    {CASE "r socket s udp4 tcp4\n", 3, 17, "contradicts 'udp4'"},
    {CASE "r socket udp6\n", 3, 10, "missing before 'udp6'"},
    /* what a kind of socket never does */
    {UDP "r listen s\n", 4, 3, "does not listen"},
    {UDP "r accept s p\n", 4, 3, "no connections to accept"},
    {CASE "r socket s unix-dgram\nr listen s\n", 4, 3, "does not listen"},
    {SOCKET "r shutdown s write\n", 4, 3, "neither connected nor listening"},
    {UDP "r shutdown s both\n", 4, 3, "neither connected nor listening"},
    {UNIX "r disconnect s\n", 4, 3, "cannot be disconnected"},
    {SOCKET "r send s 5 127.0.0.1:1\n", 4, 3, "must be connected"},
    {UDP "r setsockopt s TCP_NODELAY\n", 4, 3, "a TCP option"},
    {CASE "r socket s unix IP_FREEBIND\n", 3, 3, "an IP option"},
    /* names */
    {SOCKET "r bind s unix:db\n", 4, 3, "address of a Unix socket"},
    {UNIX "r connect s 127.0.0.1:1\n", 4, 3, "is unix:NAME"},
    {UNIX "r bind s unix:\n", 4, 15, "the NAME is missing"},
    {UNIX "r bind s unix:@\n", 4, 15, "the NAME is missing"},
    {UNIX "r bind s unix:/tmp/db\n", 4, 15, "no '/'"},
    {UNIX "r bind s unix:..\n", 4, 15, "no '.' at the start"},
    {UNIX "r bind s unix:@1234567890123456789012345678901234567890123456789012345678901234567890"
          "1234567890123456789012345678901234567\n",
     4, 15, "too long"},
    {UNIX "r unlink unix:@db\n", 4, 10, "not the file"},
    {UNIX "r unlink 127.0.0.1:80\n", 4, 10, "not the file"},
    {UNIX "s socket t\ns bind t 127.0.0.1:$r.s.port\n", 5, 20, "it has no port"},
    {SOCKET "r bind s [::1%lo]:80\n", 4, 10, "only a link-local address"},
    {SOCKET "r bind s [fe80::1%lo]:x\n", 4, 23, "not a port number"},
    {SOCKET "r bind s [fe80:::1%lo]:80\n", 4, 10, "not an IPv6 address"},
    /* states */
    {CASE "await UNCONN *:80\n", 3, 7, "'udp UNCONN'"},
    {CASE "await udp TIME-WAIT *:80\n", 3, 11, "'tcp TIME-WAIT'"},
    {CASE "await udp UNCON *:80\n", 3, 11, "did you mean 'UNCONN'?"},
    {CASE "await unix FROZEN *\n", 3, 12, "UNCONN, LISTEN, ESTABLISHED"},
    {CASE "count unix LISTEN *:80 -> 1\n", 3, 19, "unix:NAME"},
    {CASE "count LISTEN unix:db -> 1\n", 3, 14, "write 'unix' before"},
    {CASE "destroy unix unix:db\n", 3, 9, "cannot destroy a Unix socket"},
    {CASE "why unix:db udp -> free\n", 3, 13, "says nothing about a Unix socket"},
    {CASE "why unix:db no SO_REUSEADDR -> free\n", 3, 13, "says nothing about a Unix socket"},
    {CASE "budget unix:db -> 1\n", 3, 8, "need no port"},
    {"title t\nneeds mptpc\ncase c\nsleep 1ms\n", 2, 7, "did you mean 'mptcp'?"},
};

static void a_kind_of_socket_has_calls_that_can_only_fail(void **state) {
    (void)state;
    CHECK(kind_rows);
}

/* --- counters --- */

static const struct row counter_rows[] = {
    {CASE "r repeat 3 as\n socket s\nend\n", 3, 14, "the NAME of the counter is missing"},
    {CASE "r repeat 3 as 9\n socket s\nend\n", 3, 15, "'9' cannot name a counter"},
    {CASE "r repeat 3 as r\n socket s\nend\n", 3, 15, "is the name of a role"},
    {CASE "r repeat 3 as i from x\n socket s\nend\n", 3, 22, "'x' is not a number"},
    {CASE "r repeat 3 as i\n socket s$i\nend\n", 4, 9, "'$i' stands for a number"},
    {SOCKET "r repeat 3 as i\n setsockopt s SO_MARK$i\nend\n", 5, 15, "unknown"},
    {SOCKET "r repeat 3 as i\n getsockname s -> 127.0.0.1$i\nend\n", 5, 19, "127.0.0.11"},
    {SOCKET "r repeat 3 as i\n connect s 127.0.0.1:$j\nend\n", 5, 23, "$ROLE.SOCKET"},
    /* the first round and the last are looked at */
    {SOCKET "r repeat 9 as i from 65536\n connect s 127.0.0.1:$i\nend\n", 5, 22, "not a port"},
    {SOCKET "r repeat 9 as i from 65530\n connect s 127.0.0.1:$i\nend\n", 5, 12,
     "in the last round, $i is 65538: not a port number"},
    {SOCKET "r repeat 9 as i from 250\n connect s 127.0.0.$i:80\nend\n", 5, 12,
     "$i is 258: not an"},
    {SOCKET "r repeat 3 as i from 67108863\n send s $i -> ok\nend\n", 5, 9, "$i is 67108865"},
    /* behind its block a counter is nothing */
    {SOCKET "r repeat 3 as i\n connect s 127.0.0.1:$i\nend\nr connect s 127.0.0.1:$i\n", 7, 24,
     "$ROLE.SOCKET"},
};

static void a_counter_stands_for_a_number_in_each_round(void **state) {
    (void)state;
    CHECK(counter_rows);
}

/* What is expected to fail may. So may what another process has changed. */
static void a_call_that_is_expected_to_fail_is_no_error(void **state) {
    static const char *const texts[] = {
        UDP "r listen s -> EOPNOTSUPP\n",
        UDP "r listen s -> any\n",
        SOCKET "r shutdown s write -> ENOTCONN\n",
        SOCKET "r bind s unix:db -> EINVAL | EAFNOSUPPORT\n",
        SOCKET "r fork q\nr connect s 127.0.0.1:1\nq shutdown s write\n",
        SOCKET "r dup s t\nr connect s 127.0.0.1:1\nr shutdown t write\n",
        UDP "r repeat 2\n listen s\nend -> EOPNOTSUPP at listen after 0\n",
        "title t\nneeds mptcp\ncase c\nsleep 1ms\n",
    };
    (void)state;
    for (size_t i = 0; i < ROWS(texts); i++) {
        struct errors errors = errors_of(texts[i], strlen(texts[i]));
        errors_print(&errors, stderr);
        assert_int_equal(errors.count, 0);
        errors_free(&errors);
    }
}

static const struct row socket_rows[] = {
    {CASE "r listen s\n", 3, 10, "used before it is created"},
    {CASE "r listen s\nr listen s\nr close s\n", 3, 10, "used before it is created"},
    {CASE "r socket listener\nr listen listner\n", 4, 10, "did you mean 'listener'?"},
    {SOCKET "a listen s\n", 4, 10, "role 'r' has one"},
    {SOCKET "r close s\nr listen s\n", 5, 10, "is closed"},
    {SOCKET "r close s\nr listen s\nr listen s\n", 5, 10, "is closed"},
    {SOCKET "r close s\nr close s\n", 5, 9, "is closed"},
    {SOCKET "r accept s p -> EAGAIN\nr close p\n", 5, 9, "used before it is created"},
    {CASE "r socket s -> EMFILE\nr close s\n", 4, 9, "used before it is created"},
    {CASE "r fork a\nr socket s\na close s\n", 5, 9, "role 'r' has one"},
    {SOCKET "case d\nr listen s\n", 5, 10, "used before it is created"},
    {"title t\nsetup\nr socket s\nr close s\ncase c\nr listen s\n", 6, 10, "is closed"},
    {SOCKET "r connect s 127.0.0.1:9 -> ECONNREFUSED\nr bind s $r.s.peer\n", 5, 10, "has no peer"},
};

static void a_socket_is_used_between_its_making_and_its_close_alone(void **state) {
    (void)state;
    CHECK(socket_rows);
}

static const struct row address_step_rows[] = {
    {CASE "address\n", 3, 8, "an ADDRESS is missing"},
    {CASE "address no\n", 3, 11, "an ADDRESS is missing"},
    {CASE "address 192.0.2\n", 3, 9, "not an address"},
    {CASE "address 192.0.2.1:80\n", 3, 9, "not an address"},
    {CASE "address [::1]\n", 3, 9, "not an address"},
    {CASE "address localhost\n", 3, 9, "not an address"},
    {CASE "address 192.0.2.1/\n", 3, 9, "from 1 to 32"},
    {CASE "address 192.0.2.1/33\n", 3, 9, "from 1 to 32"},
    {CASE "address 192.0.2.1/0\n", 3, 9, "from 1 to 32"},
    {CASE "address ::1/129\n", 3, 9, "from 1 to 128"},
    {CASE "address 192.0.2.1 a/b\n", 3, 19, "network device"},
    {CASE "address 192.0.2.1 \"\"\n", 3, 19, "network device"},
    {CASE "address 192.0.2.1 abcdefghijklmnop\n", 3, 19, "network device"},
    {CASE "address 192.0.2.1 lo eth0\n", 3, 22, "unexpected 'eth0'"},
    {CASE "adress 192.0.2.1\n", 3, 1, "did you mean 'address'?"},
    {SOCKET "r address 192.0.2.1\n", 4, 3, "takes no role"},
};

static void an_address_step_needs_an_address_and_a_device(void **state) {
    (void)state;
    CHECK(address_step_rows);
}

static const struct row role_rows[] = {
    {SOCKET "r exit\nr socket t\n", 5, 1, "role 'r' has ended"},
    {SOCKET "r kill\nr socket t\n", 5, 1, "role 'r' has ended"},
    {SOCKET "r exit\nr uid 5\n", 5, 1, "role 'r' has ended"},
    {SOCKET "r exit\nr exit\n", 5, 1, "role 'r' has ended"},
    {SOCKET "r fork r\n", 4, 8, "already exists"},
    {SOCKET "a socket s\nr fork a\n", 5, 8, "already exists"},
    {SOCKET "a exit\nr fork a\n", 5, 8, "already exists"},
    {"title t\nsetup\nr exit\ncase c\nr socket s\n", 5, 1, "role 'r' has ended"},
    {SERVES "r socket t\n", 8, 1, "is serving"},
    {SERVES "r close s\n", 8, 1, "is serving"},
    {SERVES "r fork a\n", 8, 1, "is serving"},
    {SERVES "r uid 5\n", 8, 1, "is serving"},
    {SERVES "r serve\n close s\nend\n", 8, 1, "is serving"},
    {SERVES "r kill\nr uid 5\n", 9, 1, "has ended"},
    {SOCKET "r pass s\n", 4, 9, "the name of the role that gets it is missing"},
    {SOCKET "r pass t a\n", 4, 8, "used before it is created"},
    {SOCKET "r pass s a b\n", 4, 12, "unexpected 'b'"},
    {SOCKET "r pass s r\n", 4, 10, "has this socket already"},
    {SOCKET "r pass s end\n", 4, 10, "'end' is a keyword"},
    {SOCKET "a exit\nr pass s a\n", 5, 10, "role 'a' has ended"},
    {SERVES "a socket t\na pass t r\n", 9, 10, "role 'r' is serving"},
    {SERVES "r pass s a\n", 8, 1, "is serving"},
};

static void a_role_takes_steps_while_it_runs_and_does_not_serve(void **state) {
    (void)state;
    CHECK(role_rows);
}

/* --- blocks --- */

static const struct row block_rows[] = {
    {SOCKET "end\n", 4, 1, "'end' without a block"},
    {SOCKET "end -> EMFILE\n", 4, 1, "'end' without a block"},
    {SERVES "end\n", 8, 1, "'end' without a block"},
    {CASE "r repeat 2\n socket s\n", 3, 1, "not closed"},
    {CASE "r repeat 2\n socket s\ncase d\na socket s\n", 3, 1, "not closed"},
    {"title t\nsetup\n  r repeat 2\n socket s\ncase c\n", 3, 3, "not closed"},
    {CASE "r repeat 2\nend\n", 3, 1, "empty"},
    {CASE "  r serve\n # nothing\nend\n", 3, 3, "empty"},
    {CASE "r repeat 2\n socket s\n repeat 3\n  close s\n end\nend\n", 5, 2, "block"},
    {CASE "r repeat 2\n socket s\n serve\n  close s\n end\nend\n", 5, 2, "block"},
    {CASE "r repeat 2\n socket s\n r repeat 3\n  close s\n end\nend\n", 5, 2, "block"},
    {CASE "r repeat 2\n r socket s\nend\n", 4, 2, "remove 'r'"},
    {CASE "r repeat 2\n a socket s\nend\n", 3, 1, "'end' is missing"},
    {CASE "r repeat 2\n socket s\n exit\nend\n", 5, 2, "'exit' is not allowed in a block"},
    {CASE "r repeat 2\n socket s\n fork a\nend\n", 5, 2, "'fork' is not allowed in a block"},
    {CASE "r repeat 2\n socket s\n pass s a\nend\n", 5, 2, "'pass' is not allowed in a block"},
    {CASE "r repeat 2\n socket s\n uid 5\nend\n", 5, 2, "'uid' is not allowed in a block"},
    {CASE "r repeat 2\n socket s\n stop\nend\n", 5, 2, "'stop' is not allowed in a block"},
    {CASE "r repeat 2\n socket s\n await LISTEN *:80\nend\n", 5, 2,
     "'await' is not allowed in a block"},
    {CASE "r repeat 2\n socket s\n await LISTEN *:80\nend\n", 5, 2, "'await' is not allowed"},
    {CASE "r repeat 2\n socket s\n r exit\nend\n", 5, 4, "'exit' is not allowed in a block"},
    {CASE "r repeat 2\n sokcet s\n close s\nend\n", 4, 2, "did you mean 'socket'?"},
    {CASE "r repeat 2\n socket s\n frobnicate s\nend\n", 5, 2, "unknown verb 'frobnicate'"},
    {CASE "r repeat 2\n listen s\nend\n", 4, 9, "used before it is created"},
    {CASE "r repeat 2\n socket s\n tags a\nend\n", 5, 2, "'tags' belongs in the header"},
    {CASE "r repeat\n socket s\nend\n", 5, 4, "needs '-> RESULT'"},
    {SOCKET "r serve\n accept s p\nend -> 5\n", 6, 5, "'ROLE stop'"},
    {CASE "r repeat 2 -> EMFILE\n socket s\nend\n", 3, 12, "after its 'end'"},
    {SOCKET "r stop\n", 4, 3, "is not serving"},
    {SOCKET "r repeat 2\n listen s\nend\nr stop\n", 7, 3, "is not serving"},
    {SERVES "r stop\nr stop\n", 9, 3, "is not serving"},
    {SOCKET "r slowdown -> 1\n", 4, 3, "has repeated no block before"},
    {SOCKET "r repeat 2\n listen s\nend\nr slowdown\n", 7, 11, "'slowdown' needs a result"},
};

static void a_block_is_one_roles_calls_between_its_line_and_end(void **state) {
    (void)state;
    CHECK(block_rows);
}

/* --- expectations --- */

static const struct row want_rows[] = {
    {SOCKET "r listen s ->\n", 4, 14, "missing"},
    {SOCKET "r listen s -> # ok\n", 4, 14, "missing"},
    {SOCKET "r bind s *:80 ->ok\n", 4, 15, "blank is missing"},
    {SOCKET "r close s ->EBADF # c\n", 4, 11, "blank is missing"},
    {SOCKET "r close s -> ok |\n", 4, 18, "result is missing"},
    {SOCKET "r close s -> | ok\n", 4, 14, "'|'"},
    {SOCKET "r close s -> ok || EBADF\n", 4, 18, "'|'"},
    {SOCKET "r close s -> ok EBADF\n", 4, 17, "unexpected 'EBADF'"},
    {SOCKET "r close s -> ok -> ok\n", 4, 17, "unexpected '->'"},
    {SOCKET "r close s -> ok,\n", 4, 16, "unexpected ','"},
    /* at, after */
    {SOCKET "r close s -> EBADF at close\n", 4, 20, "'end ->'"},
    {SOCKET "r close s -> ok after 5\n", 4, 17, "'end ->'"},
    {CASE "r repeat 2\n socket s\nend -> EMFILE at\n", 5, 17, "verb is missing"},
    {CASE "r repeat 2\n socket s\nend -> EMFILE at sokcet\n", 5, 18, "did you mean 'socket'?"},
    {CASE "r repeat 2\n socket s\nend -> EMFILE at exit\n", 5, 18, "'exit'"},
    {CASE "r repeat 2\n socket s\nend -> EMFILE at nowhere\n", 5, 18, "'nowhere'"},
    {CASE "r repeat 2\n socket s\nend -> EMFILE after\n", 5, 20, "rounds is missing"},
    {CASE "r repeat 2\n socket s\nend -> EMFILE after -1\n", 5, 21, "'-1'"},
    {CASE "r repeat 2\n socket s\nend -> EMFILE after some\n", 5, 21, "'some'"},
    {CASE "r repeat 2\n socket s\nend -> EMFILE after 5..3\n", 5, 21, "empty"},
    {CASE "r repeat 2\n socket s\nend -> EMFIL at socket\n", 5, 8, "did you mean 'EMFILE'?"},
    /* since, within, in */
    {SOCKET "r close s -> ok since\n", 4, 22, "missing"},
    {SOCKET "r close s -> ok since 6.8\n", 4, 26, "'else' is missing"},
    {SOCKET "r close s -> ok since 6.8, EBADF\n", 4, 28, "'else' is missing"},
    {SOCKET "r close s -> ok since 6.8 within 2s\n", 4, 27, "'else' is missing"},
    {SOCKET "r close s -> ok since 6.8, else\n", 4, 32, "result is missing"},
    {SOCKET "r close s -> ok else EBADF\n", 4, 17, "unexpected 'else'"},
    {SOCKET "r close s -> ok since 6.8, else EBADF since 6.9, else EBADF\n", 4, 39,
     "unexpected 'since'"},
    {SOCKET "r close s -> ok within\n", 4, 23, "TIME is missing"},
    {SOCKET "r close s -> ok in\n", 4, 19, "TIME..TIME is missing"},
    {SOCKET "r close s -> ok within 2s in 1s..2s\n", 4, 27, "unexpected 'in'"},
    /* what a verb never returns */
    {SOCKET "r bind s *:80 -> eof\n", 4, 18, "'bind' never returns 'eof'"},
    {SOCKET "r bind s *:80 -> 5\n", 4, 18, "'bind' never returns '5'"},
    {SOCKET "r close s -> ok | 1..5\n", 4, 19, "'close' never returns '1..5'"},
    {SOCKET "r send s 5 -> eof\n", 4, 15, "'send' never returns 'eof'"},
    {SOCKET "r listen s -> *:80\n", 4, 15, "'listen' never returns '*:80'"},
    {SOCKET "r recv s -> 127.0.0.1:1\n", 4, 13, "'recv' never returns"},
    {SOCKET "r getsockname s -> 5\n", 4, 20, "'getsockname' never returns '5'"},
    {SOCKET "r getpeername s -> eof\n", 4, 20, "'getpeername' never returns 'eof'"},
    {SOCKET "r getsockopt s SO_LINGER -> eof\n", 4, 29, "'getsockopt' never returns 'eof'"},
    {CASE "sleep 1s -> 5\n", 3, 13, "'sleep' never returns '5'"},
    {CASE "await LISTEN *:80 -> 5\n", 3, 22, "'await' never returns '5'"},
};

static void an_expectation_is_a_result_that_the_verb_can_give(void **state) {
    (void)state;
    CHECK(want_rows);
}

/* --- the order of things --- */

static const struct row order_rows[] = {
    {"case c\n r socket s\n", 1, 1, "title is missing"},
    {"\n# c\n case c\n r socket s\n", 1, 1, "title is missing"},
    {"title\ncase c\n r socket s\n", 1, 6, "text of the title is missing"},
    {"title # t\ncase c\n r socket s\n", 1, 6, "text of the title is missing"},
    {"title t\ntags\ncase c\n r socket s\n", 2, 5, "a tag is missing"},
    {"title t\nneeds\ncase c\n r socket s\n", 2, 6, "missing"},
    {"title t\n", 1, 1, "there is no case"},
    {"title t\nsetup\n r socket s\n", 1, 1, "there is no case"},
    {"title t\ntitle u\ncase c\n r socket s\n", 2, 1, "title is given twice"},
    {"title t\nwhy\n a\nwhy\n b\ncase c\n r socket s\n", 4, 1, "'why' is given twice"},
    {"title t\nsetup\n r socket s\nsetup\n a socket s\ncase c\n", 4, 1,
     "'setup' can appear only once"},
    {"title t\ncase c\n r socket s\nsetup\n a socket s\n", 4, 1, "'setup' can appear only once"},
    {"title t\nsetup\n r socket s\ntags a\ncase c\n", 4, 1, "'tags' belongs in the header"},
    {"title t\ncase c\n r socket s\nslow\n", 4, 1, "'slow' belongs in the header"},
    {"title t\ncase c\n r socket s\n title u\n", 4, 2, "'title' belongs in the header"},
    {"title t\nr socket s\ncase c\n", 2, 1, "'setup' or in a 'case'"},
    {"title t\nsleep 1s\ncase c\n", 2, 1, "'setup' or in a 'case'"},
    {"title t\ncase\n r socket s\n", 2, 5, "title of the case is missing"},
    {"title t\ncase \"\"\n r socket s\n", 2, 8, "title of the case is missing"},
    {"title t\ncase c\n", 2, 1, "this case has no steps"},
    {"title t\ncase c\n  # r socket s\ncase d\n r socket s\n", 2, 1, "this case has no steps"},
};

static void a_scenario_is_a_header_then_a_setup_then_cases(void **state) {
    (void)state;
    CHECK(order_rows);
}

/* --- lines --- */

static const struct row line_rows[] = {
    {SOCKET "r listen \"s\n", 4, 10, "quote is not closed"},
    {SOCKET "r listen \"s # c\n", 4, 10, "quote is not closed"},
    {SOCKET "r listen \"s\"x\n", 4, 10, "blank is missing"},
    {"title t\r\ncase c\r\n r socket s\r\n r listne s\r\n", 4, 4, "did you mean 'listen'?"},
    {"\xef\xbb\xbftitel t\ncase c\n r socket s\n", 1, 1, "did you mean 'title'?"},
    {SOCKET "r listen t", 4, 10, "used before it is created"},
    /* a character is one column, whatever it takes; so is a byte that is no character */
    {SOCKET "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80 listen t\n", 4, 12, "used before it is created"},
    {SOCKET "\xff\xfe listen t\n", 4, 11, "used before it is created"},
    {SOCKET "\tr\tlisten\tt\n", 4, 11, "used before it is created"},
};

static void the_place_of_a_error_is_counted_in_characters(void **state) {
    (void)state;
    CHECK(line_rows);
}

static void a_nul_byte_is_a_error_of_the_whole_file(void **state) {
    static const char text[] = "title t\ncase c\n r socket \0 s\n r frob s\n";
    (void)state;
    struct errors errors = errors_of(text, sizeof text - 1);
    assert_int_equal(errors.count, 1);
    assert_int_equal(errors.list[0].line, 0);
    assert_non_null(strstr(errors.list[0].text, "NUL"));
    errors_free(&errors);
}

/* A sound text whose line 3 is a comment of `size` bytes. */
static struct errors errors_of_long_line(size_t size) {
    static const char head[] = "title t\ncase c\n", tail[] = "\nr socket s\n";
    char *text = malloc(sizeof head + size + sizeof tail);
    assert_non_null(text);
    memcpy(text, head, sizeof head - 1);
    memset(text + sizeof head - 1, '#', size);
    memcpy(text + sizeof head - 1 + size, tail, sizeof tail - 1);
    struct errors errors = errors_of(text, sizeof head + size + sizeof tail - 2);
    free(text);
    return errors;
}

static void a_line_beyond_the_limit_is_one_error(void **state) {
    static const size_t sizes[] = {SCENARIO_LINE_MAX + 1, (size_t)1024 * 1024};
    (void)state;
    struct errors errors = errors_of_long_line(SCENARIO_LINE_MAX);
    assert_int_equal(errors.count, 0);
    errors_free(&errors);
    for (size_t i = 0; i < ROWS(sizes); i++) {
        errors = errors_of_long_line(sizes[i]);
        assert_int_equal(errors.count, 1);
        assert_int_equal(errors.list[0].line, 3);
        assert_int_equal(errors.list[0].column, 1);
        assert_non_null(strstr(errors.list[0].text, "65536"));
        errors_free(&errors);
    }
}

static void steps_beyond_the_limit_are_one_error(void **state) {
    char *text = NULL;
    size_t size = 0;
    (void)state;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    fputs(CASE, out);
    for (int i = 0; i < SCENARIO_STEPS_MAX + 100; i++)
        fputs("r socket s\n", out);
    fclose(out);
    struct errors errors = errors_of(text, size);
    free(text);
    assert_int_equal(errors.count, 1);
    assert_int_equal(errors.list[0].line, SCENARIO_STEPS_MAX + 3);
    assert_non_null(strstr(errors.list[0].text, "4096"));
    errors_free(&errors);
}

static void a_name_beyond_the_limit_is_a_error(void **state) {
    char *text = NULL;
    size_t size = 0;
    (void)state;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    fputs(CASE, out);
    for (int i = 0; i <= SCENARIO_SOCKETS_MAX; i++)
        fprintf(out, "r%d socket s%d\n", i % SCENARIO_ROLES_MAX, i);
    fputs("another socket s0\n", out);
    fputs("r0 listen more\n", out);
    fclose(out);
    struct errors errors = errors_of(text, size);
    free(text);
    assert_int_equal(errors.count, 3);
    assert_int_equal(errors.list[0].line, SCENARIO_SOCKETS_MAX + 3);
    assert_non_null(strstr(errors.list[0].text, "256"));
    assert_int_equal(errors.list[1].line, SCENARIO_SOCKETS_MAX + 4);
    assert_non_null(strstr(errors.list[1].text, "64"));
    assert_int_equal(errors.list[2].line, SCENARIO_SOCKETS_MAX + 5);
    assert_non_null(strstr(errors.list[2].text, "256"));
    errors_free(&errors);
}

/* --- one error, one message --- */

/* A line that cannot be understood may not put the blame on those below it, nor be blamed twice. */
static const struct row single_rows[] = {
    /* a line is blamed once */
    {SOCKET "r setsockopt s SO_KEEPALIVE ->ok\n", 4, 29, "blank is missing"},
    {SOCKET "r listen s ->ok\n", 4, 12, "blank is missing"},
    {SOCKET "r recv s ->eof\n", 4, 10, "blank is missing"},
    {SOCKET "count LISTEN *:80 ->3\n", 4, 19, "blank is missing"},
    {SOCKET "r getsockopt s SO_REUSADDR -> 1\n", 4, 16, "did you mean 'SO_REUSEADDR'?"},
    {SOCKET "r getsockopt s -> 1\n", 4, 16, "an OPTION is missing"},
    {SOCKET "await TIME-WAIT within 3s\n", 4, 17, ""},
    {SOCKET "await 127.0.0.1:80 within 3s\n", 4, 7, "unknown state"},
    {SOCKET "r exit\nr stop\n", 5, 1, "has ended"},
    {SOCKET "r exit\nr close s\n", 5, 1, "has ended"},
    {SOCKET "r repeat\n listen s\nend ->\n", 6, 7, "missing"},
    {SOCKET "r repeat\n listen s\nend ->EINVAL at listen\n", 6, 5, "blank is missing"},
    {CASE "r repeat 2 -> EMFILE at socket after 1\n socket s\nend\n", 3, 12, "after its 'end'"},
    {CASE "r repeat -> EMFILE at socket\n socket s\nend\n", 3, 10, "after its 'end'"},
    {SOCKET "r serve -> 5\n accept s p\nend\n", 4, 9, "after its 'end'"},
    /* a number that is wrong was a number */
    {CASE "r repeat 0\n socket s\nend\n", 3, 10, "'0'"},
    {CASE "r repeat x\n socket s\nend\n", 3, 10, "'x'"},
    /* a wrong step is a step */
    {CASE "r frobnicate s\n", 3, 3, "unknown verb 'frobnicate'"},
    {CASE "slow socket s\n", 3, 1, "'slow' is a keyword"},
    {CASE "r repeat 2\n frobnicate s\nend\n", 4, 2, "unknown verb 'frobnicate'"},
    {CASE "r repeat 2\n exit\nend\n", 4, 2, "'exit' is not allowed in a block"},
    {CASE "r repeat 2\n frobnicate s\n close s\nend\n", 4, 2, "unknown verb 'frobnicate'"},
    /* a quote that is not closed */
    {"title say \"hi\ncase c\n r socket s\n", 1, 11, "not closed"},
    {"title t\ncase say \"hi\n r socket s\n", 2, 10, "not closed"},
    {"title t\nwhy the \"big\n  prose, not steps\ncase c\n r socket s\n", 2, 9, "not closed"},
    /* a header line in the wrong place has its prose below it */
    {SOCKET "why\n  prose, not steps\n", 4, 1, "'why' belongs in the header"},
    /* a step before the setup */
    {"title t\nr socket s\nsetup\n r listen s\ncase c\n", 2, 1, "'setup' or in a 'case'"},
    {"author Bob\ntitle t\nsetup\n r socket s\ncase c\n", 1, 1, ""},
    /* the end of a block */
    {CASE "r repeat 2\n socket s\nEnd\nr socket t\n", 5, 1, "did you mean 'end'?"},
    {CASE "r repeat 2\n socket s\nedn\nr socket t\n", 5, 1, "did you mean 'end'?"},
    {CASE "r repeat 2\n socket s\na socket t\na close t\n", 3, 1, "not closed"},
    {CASE "r loop 2\n socket s\n close s\nend\n", 3, 3, "unknown verb 'loop'"},
    /* a state is no verb */
    {CASE "conut LISTEN *:80 -> 1\n", 3, 1, "did you mean 'count'?"},
    {CASE "awiat CLOSED *:80\n", 3, 1, "did you mean 'await'?"},
    /* a number of sockets */
    {CASE "await 0 LISTEN *:80\n", 3, 7, "'0' is not a number of sockets from 1"},
    {CASE "await -1 LISTEN *:80\n", 3, 7, "'-1' is not a number of sockets"},
    {CASE "await no 3 LISTEN *:80\n", 3, 10, "'no' and a number"},
    {CASE "await 3 *:80\n", 3, 9, "unknown state '*:80'"},
    {CASE "await 3\n", 3, 8, "a STATE is missing"},
    /* a block that runs to its end has closed its sockets */
    {CASE "r repeat 2\n socket s\n close s\nend\nr listen s\n", 7, 10, "is closed"},
    {CASE "r repeat 2\n socket s\n close s\nend -> ok within 1s\nr listen s\n", 7, 10, "is closed"},
    /* kinds of sockets */
    {CASE "r socket s nonblok\n", 3, 12, "did you mean 'nonblock'?"},
    {CASE "r socket s tcp5\n", 3, 12, "did you mean 'tcp4'?"},
    {CASE "r socket s sctp\n", 3, 12, "unexpected 'sctp'; usage: ROLE socket NAME"},
    {CASE "r socket s TCP_NODELAY nonblok\n", 3, 24, "did you mean 'nonblock'?"},
    {SOCKET "r setsockopt s nonblock\n", 4, 16, "unknown socket option 'nonblock'"},
    /* options that can only be read */
    {SOCKET "r setsockopt s SO_ERROR=0\n", 4, 16, "'SO_ERROR' can only be read"},
    {CASE "r socket s SO_ACCEPTCONN\n", 3, 12, "'SO_ACCEPTCONN' can only be read"},
    {SOCKET "r getsockopt s SO_ERROR -> 5\n", 4, 28, "neither an errno by name nor 0"},
    {SOCKET "r getsockopt s SO_ERROR -> ECONREFUSED\n", 4, 28, "did you mean 'ECONNREFUSED'?"},
    /* poll */
    {SOCKET "r poll s\n", 4, 9, "read or write is missing"},
    {SOCKET "r poll s both\n", 4, 10, "expected read or write, not 'both'"},
    {SOCKET "r poll s read within\n", 4, 21, "a TIME is missing"},
    {SOCKET "r poll s read 5s\n", 4, 15, "unexpected '5s'"},
    {SOCKET "r poll s read -> redy\n", 4, 18, "unknown result 'redy'"},
    {SOCKET "r poll s read -> 5\n", 4, 18, "'poll' never returns '5'"},
    {SOCKET "r recv s -> timeout\n", 4, 13, "unknown result 'timeout'"},
    /* sleep may stand in a block */
    {CASE "r repeat 2\n socket s\n slep 1ms\nend\n", 5, 2, "did you mean 'sleep'?"},
    {CASE "r repeat 2\n socket s\n sleep\nend\n", 5, 7, "a TIME is missing"},
    /* a role that is forked twice keeps its sockets */
    {SOCKET "a socket t\nr fork a\na close t\n", 5, 8, "already exists"},
};

static void one_error_gives_one_message(void **state) {
    (void)state;
    CHECK(single_rows);
}

static void a_reference_that_ends_in_a_dot_does_not_suggest_the_same_role(void **state) {
    static const char text[] = SOCKET "r bind s $r.\n";
    (void)state;
    struct errors errors = errors_of(text, sizeof text - 1);
    assert_int_equal(errors.count, 1);
    assert_null(strstr(errors.list[0].text, "did you mean 'r'?"));
    errors_free(&errors);
}

/* --- many errors --- */

static void ten_errors_are_ten_messages_in_the_order_of_the_lines(void **state) {
    static const char text[] = "title t\n"
                               "tgas a\n"     /* 2 */
                               "needs ipv7\n" /* 3 */
                               "setup\n"
                               "  sysctl kernel.pid_max 5\n"     /* 5 */
                               "  server socket l SO_REUSADDR\n" /* 6 */
                               "  server bind l 127.0.0.1\n"     /* 7 */
                               "  server listen l\n"
                               "case c\n"
                               "  client sokcet c\n" /* 10 */
                               "  client connect c 127.0.0.1:80\n"
                               "  client recv c 5 -> EFO\n" /* 12 */
                               "  await TIMEWAIT *:80\n"    /* 13 */
                               "  client close c\n"
                               "  client send c 5\n" /* 15 */
                               "case d\n"
                               "  sleep 5\n"; /* 17 */
    static const unsigned lines[] = {2, 3, 5, 6, 7, 10, 12, 13, 15, 17};
    (void)state;
    struct errors errors = errors_of(text, sizeof text - 1);
    assert_int_equal(errors.count, ROWS(lines));
    for (size_t i = 0; i < ROWS(lines); i++)
        assert_int_equal(errors.list[i].line, lines[i]);
    errors_free(&errors);
}

static void two_errors_of_one_line_are_both_said(void **state) {
    static const char text[] = SOCKET "r setsockopt s SO_REUSADDR SO_KEEPALIV\n";
    (void)state;
    struct errors errors = errors_of(text, sizeof text - 1);
    assert_int_equal(errors.count, 2);
    assert_int_equal(errors.list[0].column, 16);
    assert_int_equal(errors.list[1].column, 28);
    errors_free(&errors);
}

/* What one block leaves open says nothing of the `end` of the next. */
static void an_open_block_within_a_block_does_not_hide_a_later_end(void **state) {
    static const char text[] = CASE "r repeat 2\n socket s\n repeat 3\n  close s\n"
                                    "case d\nr repeat 2\n socket s\nend\nr close s\n";
    (void)state;
    struct errors errors = errors_of(text, sizeof text - 1);
    assert_int_equal(errors.count, 2);
    assert_int_equal(errors.list[0].line, 3); /* in the order of lines */
    assert_int_equal(errors.list[1].line, 5);
    errors_free(&errors);
}

/* --- printing --- */

__attribute__((noinline)) /* else gcc 12 takes its result for a pointer to its local variable */
static char *
printed(const struct errors *errors) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    errors_print(errors, out);
    fclose(out);
    return text;
}

/* One error at byte `offset` of a line, printed. The caller frees it. */
static char *printed_one(const char *file, const char *line, size_t offset, const char *message) {
    struct errors errors = {0};
    errors_add(&errors, file, 12, line, strlen(line), offset, message);
    char *text = printed(&errors);
    errors_free(&errors);
    return text;
}

static const struct {
    const char *line;
    size_t offset;
    const char *printed;
} print_rows[] = {
    {"  r bnid s", 4, "f:12:5: error: m\n    r bnid s\n      ^\n"},
    {"bnid", 0, "f:12:1: error: m\n  bnid\n  ^\n"},
    {"bind", 4, "f:12:5: error: m\n  bind\n      ^\n"},
    {"", 0, "f:12:1: error: m\n  \n  ^\n"},
    {"\tr\tbnid", 3, "f:12:4: error: m\n  \tr\tbnid\n  \t \t^\n"},
    {"\xc3\xa9\xe2\x82\xac bnid", 6, "f:12:4: error: m\n  \xc3\xa9\xe2\x82\xac bnid\n     ^\n"},
    {"\xff bnid", 2, "f:12:3: error: m\n  \xef\xbf\xbd bnid\n    ^\n"},
    {"\x1b[2J bnid", 5, "f:12:6: error: m\n  ?[2J bnid\n       ^\n"},
    {"\xc2\x9b bnid", 3, "f:12:3: error: m\n  ? bnid\n    ^\n"},
};

static void an_error_is_printed_with_its_line_and_a_caret_below(void **state) {
    (void)state;
    for (size_t i = 0; i < ROWS(print_rows); i++) {
        char *text = printed_one("f", print_rows[i].line, print_rows[i].offset, "m");
        assert_string_equal(text, print_rows[i].printed);
        free(text);
    }
}

static void a_file_and_a_message_do_nothing_to_a_terminal(void **state) {
    (void)state;
    char *text = printed_one("a\x1b[2J\n", "x", 0, "unknown verb '\x1b\xff'");
    assert_string_equal(text,
                        "a\\x1b[2J\\x0a:12:1: error: unknown verb '\\x1b\xef\xbf\xbd'\n  x\n  ^\n");
    free(text);
}

static void an_error_of_a_file_has_no_line(void **state) {
    struct errors errors = {0};
    (void)state;
    errors_add_file(&errors, "f", "cannot read");
    char *text = printed(&errors);
    assert_string_equal(text, "f: error: cannot read\n");
    free(text);
    errors_free(&errors);
}

static void an_error_of_a_text_is_printed_exactly(void **state) {
    static const char text[] = SOCKET "\tr  bnid s *:80  # c\n";
    (void)state;
    struct errors errors = errors_of(text, sizeof text - 1);
    char *out = printed(&errors);
    errors_free(&errors);
    assert_string_equal(out, "f:4:5: error: unknown verb 'bnid'; did you mean 'bind'?\n"
                             "  \tr  bnid s *:80  # c\n"
                             "  \t   ^\n");
    free(out);
}

/* The end of a line of CRLF is no part of what a reader sees. */
static void the_cr_at_the_end_of_a_line_is_not_printed(void **state) {
    static const char text[] = "title t\r\ncase c\r\nr socket s\r\nr bnid s *:80\r\n";
    (void)state;
    struct errors errors = errors_of(text, sizeof text - 1);
    char *out = printed(&errors);
    errors_free(&errors);
    assert_string_equal(out, "f:4:3: error: unknown verb 'bnid'; did you mean 'bind'?\n"
                             "  r bnid s *:80\n"
                             "    ^\n");
    free(out);
}

static const char *line_behind(const char *text) {
    const char *newline = strchr(text, '\n');
    assert_non_null(newline);
    return newline + 1;
}

/* Of a very long line a part around the place is shown, and the caret stands below the place. */
static void a_long_line_is_shown_around_the_place(void **state) {
    enum { LONG = 5000 };
    static const size_t places[] = {0, 1, 80, 81, 2000, LONG - 1, LONG};
    char line[LONG + 1];
    (void)state;
    for (size_t i = 0; i < ROWS(places); i++) {
        memset(line, '-', LONG);
        line[LONG] = '\0';
        if (places[i] < LONG)
            line[places[i]] = 'X';
        char *text = printed_one("f", line, places[i], "m");
        const char *shown = line_behind(text), *below = line_behind(shown);
        assert_true(strlen(shown) < 400);
        size_t caret = strcspn(below, "^");
        assert_string_equal(below + caret, "^\n");
        if (places[i] < LONG)
            assert_int_equal(strcspn(shown, "X"), caret);
        else
            assert_ptr_equal(shown + caret + 1, below);
        free(text);
    }
}

static void a_long_line_is_never_cut_within_a_character(void **state) {
    enum { CHARACTERS = 1000 };
    char line[3 * CHARACTERS + 1];
    (void)state;
    for (size_t i = 0; i < CHARACTERS; i++)
        memcpy(line + 3 * i, "\xe2\x82\xac", 4);
    for (size_t i = 0; i < CHARACTERS; i++) {
        char *text = printed_one("f", line, 3 * i, "m");
        assert_null(strstr(text, "\xef\xbf\xbd"));
        free(text);
    }
}

static void no_more_than_the_cap_are_kept_and_the_rest_is_counted(void **state) {
    struct errors errors = {0};
    (void)state;
    for (size_t i = 0; i < ERRORS_KEPT; i++)
        errors_add(&errors, "f", (unsigned)i + 1, "x", 1, 0, "m");
    char *text = printed(&errors);
    assert_null(strstr(text, "more"));
    assert_non_null(strstr(text, "f:20:1: error"));
    free(text);
    errors_add(&errors, "f", ERRORS_KEPT + 1, "x", 1, 0, "one too many");
    assert_int_equal(errors.count, ERRORS_KEPT + 1);
    text = printed(&errors);
    assert_null(strstr(text, "one too many"));
    assert_non_null(strstr(text, "... and 1 more error ('"));
    free(text);
    errors_free(&errors);
}

static void an_error_that_shows_late_is_among_the_first_lines(void **state) {
    struct errors errors = {0};
    (void)state;
    for (size_t i = 0; i < ERRORS_KEPT; i++)
        errors_add(&errors, "f", 2 * (unsigned)i + 2, "x", 1, 0, "m");
    errors_add(&errors, "f", 3, "x", 1, 0, "late");
    errors_add_file(&errors, "f", "whole");
    char *text = printed(&errors);
    assert_ptr_equal(strstr(text, "f: error: whole"), text);
    assert_non_null(strstr(text, "f:3:1: error: late"));
    assert_non_null(strstr(text, "f:36:1: error"));
    assert_null(strstr(text, "f:38:1: error"));
    assert_non_null(strstr(text, "... and 2 more errors ('"));
    free(text);
    errors_free(&errors);
}

static void freeing_leaves_an_empty_list(void **state) {
    struct errors errors = {0};
    (void)state;
    errors_free(&errors);
    errors_add_file(&errors, "f", "m");
    errors_free(&errors);
    assert_int_equal(errors.count, 0);
    assert_null(errors.list);
    errors_add_file(&errors, "g", "m");
    assert_string_equal(errors.list[0].file, "g");
    errors_free(&errors);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(programs_are_checked),
        cmocka_unit_test(hosts_are_checked),
        cmocka_unit_test(an_unknown_word_is_named_with_the_nearest_known_one),
        cmocka_unit_test(a_missing_argument_is_named_where_it_should_stand),
        cmocka_unit_test(what_stands_behind_the_last_argument_is_unexpected),
        cmocka_unit_test(a_wrong_address_is_said_at_the_part_that_is_wrong),
        cmocka_unit_test(a_wrong_value_is_named),
        cmocka_unit_test(a_question_is_about_an_address_and_its_answer_a_cause),
        cmocka_unit_test(a_keyword_cannot_name_a_role_and_a_call_needs_one),
        cmocka_unit_test(a_kind_of_socket_has_calls_that_can_only_fail),
        cmocka_unit_test(a_counter_stands_for_a_number_in_each_round),
        cmocka_unit_test(a_call_that_is_expected_to_fail_is_no_error),
        cmocka_unit_test(a_socket_is_used_between_its_making_and_its_close_alone),
        cmocka_unit_test(an_address_step_needs_an_address_and_a_device),
        cmocka_unit_test(a_role_takes_steps_while_it_runs_and_does_not_serve),
        cmocka_unit_test(a_block_is_one_roles_calls_between_its_line_and_end),
        cmocka_unit_test(an_expectation_is_a_result_that_the_verb_can_give),
        cmocka_unit_test(a_scenario_is_a_header_then_a_setup_then_cases),
        cmocka_unit_test(the_place_of_a_error_is_counted_in_characters),
        cmocka_unit_test(a_nul_byte_is_a_error_of_the_whole_file),
        cmocka_unit_test(a_line_beyond_the_limit_is_one_error),
        cmocka_unit_test(steps_beyond_the_limit_are_one_error),
        cmocka_unit_test(a_name_beyond_the_limit_is_a_error),
        cmocka_unit_test(one_error_gives_one_message),
        cmocka_unit_test(a_reference_that_ends_in_a_dot_does_not_suggest_the_same_role),
        cmocka_unit_test(ten_errors_are_ten_messages_in_the_order_of_the_lines),
        cmocka_unit_test(two_errors_of_one_line_are_both_said),
        cmocka_unit_test(an_open_block_within_a_block_does_not_hide_a_later_end),
        cmocka_unit_test(an_error_is_printed_with_its_line_and_a_caret_below),
        cmocka_unit_test(a_file_and_a_message_do_nothing_to_a_terminal),
        cmocka_unit_test(an_error_of_a_file_has_no_line),
        cmocka_unit_test(an_error_of_a_text_is_printed_exactly),
        cmocka_unit_test(the_cr_at_the_end_of_a_line_is_not_printed),
        cmocka_unit_test(a_long_line_is_shown_around_the_place),
        cmocka_unit_test(a_long_line_is_never_cut_within_a_character),
        cmocka_unit_test(no_more_than_the_cap_are_kept_and_the_rest_is_counted),
        cmocka_unit_test(an_error_that_shows_late_is_among_the_first_lines),
        cmocka_unit_test(freeing_leaves_an_empty_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
