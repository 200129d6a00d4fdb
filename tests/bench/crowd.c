/* crowd [-c] OPEN CLOSED COMMAND...: a network namespace with OPEN established connections and
 * CLOSED ones in TIME-WAIT, and the command run in it, with the id of the process that listens on
 * the first port in CROWD. Each open connection is two sockets of the namespace, each closed one is
 * one. The ports from 2001 on each have 9000 connections to them. The clients' ports are explicit,
 * as nothing here is to wait for connect() to find a free one; with -c, connect() chooses them. */
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/netns.h"
#include "kernel/sysctl.h"

enum { LISTENER_PORT = 2001, CLIENT_PORT = 10000, PAIRS = 9000, CROWDS_MOST = 256 };

static void need(int result, const char *what) {
    if (result >= 0)
        return;
    perror(what);
    exit(1);
}

static int is_chosen; /* connect() chooses the clients' ports */

static struct sockaddr_in loopback(int port) {
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static int bound(int port) {
    struct sockaddr_in local = loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    need(fd, "socket");
    need(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), "SO_REUSEADDR");
    need(bind(fd, (struct sockaddr *)&local, sizeof local), "bind");
    return fd;
}

/* Makes `count` connections to `port`, and keeps or closes them. */
static void make(int port, int count, int keep) {
    struct sockaddr_in remote = loopback(port);
    int listener = bound(port);
    need(listen(listener, SOMAXCONN), "listen");
    for (int i = 0; i < count; i++) {
        int client = is_chosen ? socket(AF_INET, SOCK_STREAM, 0) : bound(CLIENT_PORT + i);
        need(client, "socket");
        need(connect(client, (struct sockaddr *)&remote, sizeof remote), "connect");
        int server = accept(listener, NULL, NULL);
        need(server, "accept");
        if (keep)
            continue;
        close(client);
        close(server);
    }
}

/* Makes the connections in a process of its own, as none may open as many files; returns its id. */
static pid_t spawn(int port, int count, int keep) {
    int ready[2];
    char byte;
    need(pipe(ready), "pipe");
    pid_t child = fork();
    need(child, "fork");
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(ready[0]);
        make(port, count, keep);
        close(ready[1]);
        pause();
        _exit(0);
    }
    close(ready[1]);
    need(read(ready[0], &byte, 1) == 0 ? 0 : -1, "a crowd");
    close(ready[0]);
    return child;
}

int main(int argc, char **argv) {
    char reason[NETNS_REASON_SIZE];
    pid_t crowds[CROWDS_MOST];
    char first[16];
    int count = 0, status = 1;
    if (argc > 1 && strcmp(argv[1], "-c") == 0) {
        is_chosen = 1;
        argv++, argc--;
    }
    if (argc < 4) {
        fputs("usage: crowd [-c] OPEN CLOSED COMMAND...\n", stderr);
        return 2;
    }
    if (netns_enter(reason) == NETNS_REFUSED) {
        fprintf(stderr, "crowd: %s\n", reason);
        return 1;
    }
    sysctl_write(NETNS_HERE, "net.ipv4.tcp_max_tw_buckets", "400000");
    sysctl_write(NETNS_HERE, "net.ipv4.ip_local_port_range", "10000 65000");
    for (int keep = 1; keep >= 0; keep--)
        for (int left = atoi(argv[keep ? 1 : 2]); left > 0 && count < CROWDS_MOST; left -= PAIRS)
            crowds[count] = spawn(LISTENER_PORT + count, left < PAIRS ? left : PAIRS, keep),
            count++;
    snprintf(first, sizeof first, "%d", count == 0 ? 0 : (int)crowds[0]);
    setenv("CROWD", first, 1);
    pid_t command = fork();
    need(command, "fork");
    if (command == 0) {
        execvp(argv[3], argv + 3);
        need(-1, argv[3]);
    }
    waitpid(command, &status, 0);
    for (int i = 0; i < count; i++)
        kill(crowds[i], SIGKILL);
    while (wait(NULL) > 0)
        continue;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
