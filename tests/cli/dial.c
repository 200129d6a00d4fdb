/* dial silent|real|fill|hold ADDRESS:PORT [OPTION...]: opens a connection from the namespace that
 * it runs in, as a client would, and prints what came of it in one line: `ok SOURCE`, or `ERRNO
 * CALL`.
 *
 *   silent   by silent_connect(), which sends nothing; prints `not tried: REASON` where that is so,
 *            and `time-wait ...` if only those were left
 *   real     by socket(), bind() and connect() themselves, without waiting for the answer
 *   fill     real ones until one fails, at most `most`; prints their number, too, and keeps them
 *            open until standard input ends
 *   hold     one real one, kept open in the same way
 *
 * or makes a socket that is bound to the address, and keeps it until standard input ends:
 *
 *   bind     and idle
 *   listen   listens, and never accepts
 *   serve    accepts, and closes each connection when its client has
 *   slam     accepts, and closes each connection at once
 *
 * Options: udp, from ADDRESS:PORT, no-port, range LOW-HIGH, device NAME, reuse-addr, reuse-port,
 * v6only, take (a TIME-WAIT may be taken over), most N, wait (until the connection is
 * established). An address [::ffff:192.0.2.1] is IPv4 by an IPv6 socket. */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/errnames.h"
#include "kernel/silent.h"

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif
#ifndef IP_LOCAL_PORT_RANGE
#define IP_LOCAL_PORT_RANGE 51
#endif

struct dial {
    struct silent_trial trial;
    const char *device;
    unsigned most;
    bool waits;
};

static struct endpoint endpoint_of(const char *text) {
    struct endpoint_pattern pattern;
    const char *at, *wrong = endpoint_parse(text, &pattern, &at);
    if (wrong != NULL) {
        fprintf(stderr, "dial: '%s': %s\n", text, wrong);
        exit(99);
    }
    return pattern.endpoint;
}

static void read_option(struct dial *dial, char ***words) {
    const char *word = *(*words)++;
    struct silent_trial *trial = &dial->trial;
    if (strcmp(word, "udp") == 0)
        trial->protocol = PROTOCOL_UDP;
    else if (strcmp(word, "no-port") == 0)
        trial->no_port = true;
    else if (strcmp(word, "reuse-addr") == 0)
        trial->reuseaddr = true;
    else if (strcmp(word, "reuse-port") == 0)
        trial->reuseport = true;
    else if (strcmp(word, "v6only") == 0)
        trial->v6only = true;
    else if (strcmp(word, "take") == 0)
        trial->any_time_wait = true;
    else if (strcmp(word, "wait") == 0)
        dial->waits = true;
    else if (strcmp(word, "from") == 0)
        trial->local = endpoint_of(*(*words)++);
    else if (strcmp(word, "most") == 0)
        dial->most = (unsigned)strtoul(*(*words)++, NULL, 10);
    else if (strcmp(word, "device") == 0)
        trial->device = if_nametoindex(dial->device = *(*words)++);
    else if (strcmp(word, "range") == 0) {
        char *dash;
        trial->low = (uint16_t)strtoul(*(*words)++, &dash, 10);
        trial->high = (uint16_t)strtoul(dash + (*dash == '-'), NULL, 10);
    } else {
        fprintf(stderr, "dial: what is '%s'?\n", word);
        exit(99);
    }
}

static void print_failure(int error, const char *call) {
    char name[ERRNAME_SIZE];
    printf("%s %s\n", errname(error, name), call);
}

static void print_source(const struct endpoint *from) {
    char text[INET6_ADDRSTRLEN] = "-";
    if (from->family != 0)
        inet_ntop(from->family, from->address, text, sizeof text);
    printf("ok %s\n", text);
}

/* --- silent --- */

static void dial_silently(const struct dial *dial) {
    struct silent_answer answer;
    silent_connect(NETNS_HERE, &dial->trial, &answer);
    if (answer.verdict == SILENT_NOT_TRIED) {
        printf("not tried: %s\n", answer.reason);
        return;
    }
    if (answer.verdict == SILENT_TIME_WAIT)
        printf("time-wait ");
    if (answer.error != 0)
        print_failure(answer.error, answer.call);
    else
        print_source(&answer.from);
}

/* --- real --- */

/* The calls themselves, apart from those that are tested. Returns a descriptor, or -1 with errno
 * set; `*call` is the one that failed. */
static int dial_really(const struct dial *dial, const char **call) {
    const struct silent_trial *trial = &dial->trial;
    const int on = 1;
    uint32_t range = (uint32_t)trial->high << 16 | trial->low;
    struct sockaddr_storage address;
    socklen_t size;
    *call = "socket";
    int fd =
        socket(trial->remote.family,
               (trial->protocol == PROTOCOL_UDP ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    *call = "setsockopt";
    if ((trial->reuseaddr && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0) ||
        (trial->reuseport && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) < 0) ||
        (trial->v6only && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) < 0) ||
        (trial->no_port &&
         setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on) < 0) ||
        (range != 0 && setsockopt(fd, IPPROTO_IP, IP_LOCAL_PORT_RANGE, &range, sizeof range) < 0) ||
        (dial->device != NULL && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, dial->device,
                                            (socklen_t)strlen(dial->device)) < 0))
        return -1;
    *call = "bind";
    size = endpoint_to_sockaddr(&trial->local, &address);
    if (trial->local.family != 0 && bind(fd, (struct sockaddr *)&address, size) < 0)
        return -1;
    *call = "connect";
    size = endpoint_to_sockaddr(&trial->remote, &address);
    if (connect(fd, (struct sockaddr *)&address, size) < 0 && errno != EINPROGRESS)
        return -1;
    struct pollfd ready = {.fd = fd, .events = POLLOUT};
    if (dial->waits)
        poll(&ready, 1, 2000);
    return fd;
}

static struct endpoint source_of(int fd) {
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    return getsockname(fd, (struct sockaddr *)&address, &size) == 0
               ? endpoint_from_sockaddr(&address)
               : (struct endpoint){0};
}

static void wait_for_end(void) {
    char byte;
    fflush(stdout);
    while (read(STDIN_FILENO, &byte, 1) > 0)
        continue;
}

static void dial_one(const struct dial *dial, bool holds) {
    const char *call;
    int fd = dial_really(dial, &call);
    if (fd < 0) {
        print_failure(errno, call);
        return;
    }
    struct endpoint from = source_of(fd);
    print_source(&from);
    if (holds)
        wait_for_end();
}

static void dial_many(const struct dial *dial) {
    const char *call = "";
    struct rlimit files = {.rlim_cur = 100000, .rlim_max = 100000};
    unsigned count = 0;
    setrlimit(RLIMIT_NOFILE, &files);
    while (count < dial->most && dial_really(dial, &call) >= 0)
        count++;
    printf("%u ", count);
    print_failure(count < dial->most ? errno : 0, count < dial->most ? call : "");
    wait_for_end();
}

/* --- the other side --- */

/* Accepts what there is to accept; with `slams` closes it at once, else once its client has. */
static void accept_all(int listener, bool slams) {
    enum { MOST = 4096 };
    static struct pollfd fds[2 + MOST] = {{.fd = STDIN_FILENO, .events = POLLIN}};
    nfds_t count = 2;
    fds[1] = (struct pollfd){.fd = listener, .events = POLLIN};
    while (poll(fds, count, -1) >= 0 && fds[0].revents == 0) {
        char bytes[64];
        for (nfds_t i = 2; i < count; i++)
            if (fds[i].revents != 0 && recv(fds[i].fd, bytes, sizeof bytes, 0) <= 0) {
                close(fds[i].fd);
                fds[i--] = fds[--count];
            }
        int fd = fds[1].revents == 0 || count == MOST ? -1 : accept(listener, NULL, NULL);
        if (fd >= 0 && slams)
            close(fd);
        else if (fd >= 0)
            fds[count++] = (struct pollfd){.fd = fd, .events = POLLIN};
    }
}

/* Returns whether WHAT is about this side. */
static bool take_side(const char *what, const struct dial *dial) {
    const int on = 1;
    struct sockaddr_storage address;
    struct endpoint at = dial->trial.remote;
    if (strstr("bind listen serve slam", what) == NULL)
        return false;
    socklen_t size = endpoint_to_sockaddr(&at, &address);
    int fd = socket(at.family, dial->trial.protocol == PROTOCOL_UDP ? SOCK_DGRAM : SOCK_STREAM, 0);
    if ((dial->trial.reuseaddr && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0) ||
        bind(fd, (struct sockaddr *)&address, size) < 0 ||
        (strcmp(what, "bind") != 0 && listen(fd, 4096) < 0)) {
        print_failure(errno, what);
        return true;
    }
    printf("ok\n");
    fflush(stdout);
    if (strcmp(what, "serve") == 0 || strcmp(what, "slam") == 0)
        accept_all(fd, strcmp(what, "slam") == 0);
    else
        wait_for_end();
    return true;
}

int main(int argc, char **argv) {
    struct dial dial = {.most = 70000};
    if (argc < 3)
        return 99;
    dial.trial.remote = endpoint_of(argv[2]);
    for (char **words = argv + 3; *words != NULL;)
        read_option(&dial, &words);
    if (dial.device != NULL && dial.trial.device == 0 && strcmp(argv[1], "silent") == 0) {
        print_failure(ENODEV, "setsockopt");
        return 0;
    }
    if (take_side(argv[1], &dial))
        return 0;
    if (strcmp(argv[1], "silent") == 0)
        dial_silently(&dial);
    else if (strcmp(argv[1], "fill") == 0)
        dial_many(&dial);
    else
        dial_one(&dial, strcmp(argv[1], "hold") == 0);
    return 0;
}
