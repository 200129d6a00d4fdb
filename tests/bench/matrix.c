/* The system calls of `portreuse matrix` for its first four states, and nothing else: every pair
 * made and asked, no look whether TIME-WAIT has come, no model, no report. It checks that as many
 * second sockets could bind as the first argument says, so that it does the same work. */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct address {
    int family;
    const char *text, *peer;
    int v6only;
} addresses[] = {
    {AF_INET, "0.0.0.0", "127.0.0.1", 0},
    {AF_INET, "127.0.0.1", "127.0.0.1", 0},
    {AF_INET, "127.0.0.2", "127.0.0.2", 0},
    {AF_INET6, "::", "::1", 0},
    {AF_INET6, "::", "::1", 1},
    {AF_INET6, "::1", "::1", 0},
    {AF_INET6, "::ffff:0.0.0.0", "::ffff:127.0.0.1", 0},
    {AF_INET6, "::ffff:127.0.0.1", "::ffff:127.0.0.1", 0},
    {AF_INET6, "::", "::ffff:127.0.0.1", 0}, /* a first socket that accepts an IPv4 client */
};

enum { ADDRESSES = 8, FIRSTS, REUSEADDR = 1, REUSEPORT = 2, OPTIONS = 4, STATES = 4 };

static struct sockaddr_in6 places[FIRSTS], peers[FIRSTS];
static socklen_t sizes[FIRSTS];
static int port = 10000, bound;

static void prepare(struct sockaddr_in6 *place, int family, const char *text) {
    place->sin6_family = (sa_family_t)family;
    inet_pton(family, text,
              family == AF_INET ? (void *)&((struct sockaddr_in *)place)->sin_addr
                                : (void *)&place->sin6_addr);
}

static int make(int address, int options) {
    static const int one = 1;
    int fd = socket(addresses[address].family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (options & REUSEADDR)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (options & REUSEPORT)
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
    if (addresses[address].v6only)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
    return fd;
}

/* sin6_port and sin_port lie in one place. */
static int bind_to(int fd, int address) {
    places[address].sin6_port = htons((uint16_t)port);
    return bind(fd, (struct sockaddr *)&places[address], sizes[address]);
}

static void pair(int user, int state, int first, int first_options, int second, int options) {
    int client = -1, peer = -1, fd = make(first, first_options);
    bind_to(fd, first);
    if (state > 0)
        listen(fd, 1);
    if (state > 1) {
        peers[first].sin6_port = htons((uint16_t)port);
        client = socket(addresses[first].family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (connect(client, (struct sockaddr *)&peers[first], sizes[first]) < 0)
            exit(1);
        peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
        close(fd);
        fd = -1;
    }
    if (state == 3) {
        struct sockaddr_in6 name;
        socklen_t size = sizeof name;
        getsockname(client, (struct sockaddr *)&name, &size);
        close(peer);
        close(client);
        peer = client = -1;
    }
    if (user)
        setfsuid(65534);
    int other = make(second, options);
    if (user)
        setfsuid(0);
    if (bind_to(other, second) == 0) {
        bound++;
        listen(other, 1);
    }
    close(other);
    if (fd >= 0)
        close(fd);
    if (peer >= 0)
        close(peer);
    if (client >= 0)
        close(client);
    port++;
}

static void all(int users) {
    for (int user = 0; user < users; user++)
        for (int state = 0; state < STATES; state++)
            for (int i = 0; i < (state > 1 ? FIRSTS : ADDRESSES) * OPTIONS; i++)
                for (int k = 0; k < ADDRESSES * OPTIONS; k++)
                    if (!user || (i & REUSEPORT && k & REUSEPORT))
                        pair(user, state, i / OPTIONS, i % OPTIONS, k / OPTIONS, k % OPTIONS);
}

static int measure(int want) {
    struct ifreq up = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    cpu_set_t here;
    int root = geteuid() == 0;
    if (unshare(root ? CLONE_NEWNET : CLONE_NEWUSER | CLONE_NEWNET) < 0)
        return 1;
    int any = socket(AF_INET, SOCK_DGRAM, 0);
    ioctl(any, SIOCSIFFLAGS, &up);
    CPU_ZERO(&here);
    CPU_SET((size_t)sched_getcpu(), &here);
    sched_setaffinity(0, sizeof here, &here);
    for (int i = 0; i < FIRSTS; i++) {
        prepare(&places[i], addresses[i].family, addresses[i].text);
        prepare(&peers[i], addresses[i].family, addresses[i].peer);
        sizes[i] = addresses[i].family == AF_INET ? sizeof(struct sockaddr_in) : sizeof places[i];
    }
    all(root ? 2 : 1);
    if (bound != want)
        fprintf(stderr, "%d bound, not %d\n", bound, want);
    return bound == want ? 0 : 1;
}

int main(int argc, char **argv) {
    int want = argc > 1 ? atoi(argv[1]) : 0, status = 1;
    pid_t child = fork();
    if (child == 0)
        _exit(measure(want));
    waitpid(child, &status, 0);
    return WEXITSTATUS(status);
}
