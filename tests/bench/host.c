/* host PROCESSES DESCRIPTORS NAMESPACES COMMAND...: runs the command on a busy host: among so many
 * processes that have a few descriptors, two that have DESCRIPTORS each, and so many network
 * namespaces, each with a process in it, which in every tenth listens on port 2001. Needs root. */
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PORT = 2001, LISTENING = 10 };

static void need(int result, const char *what) {
    if (result >= 0)
        return;
    perror(what);
    exit(1);
}

static void listen_here(void) {
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    need(fd, "socket");
    need(bind(fd, (struct sockaddr *)&any, sizeof any), "bind");
    need(listen(fd, 1), "listen");
}

/* A process that opens `descriptors`, in a network namespace of its own if `apart`, and waits. */
static void start(int descriptors, int apart, int listens) {
    int ready[2];
    char byte;
    need(pipe(ready), "pipe");
    pid_t pid = fork();
    need(pid, "fork");
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (apart)
            need(unshare(CLONE_NEWNET), "unshare");
        if (listens)
            listen_here();
        for (int i = 0; i < descriptors; i++)
            need(open("/dev/null", O_RDONLY), "open");
        need((int)write(ready[1], "r", 1), "write");
        for (;;)
            pause();
    }
    close(ready[1]);
    if (read(ready[0], &byte, 1) != 1)
        exit(1);
    close(ready[0]);
}

int main(int argc, char **argv) {
    if (argc < 5) {
        fputs("usage: host PROCESSES DESCRIPTORS NAMESPACES COMMAND...\n", stderr);
        return 2;
    }
    struct rlimit limit;
    int descriptors = atoi(argv[2]);
    need(getrlimit(RLIMIT_NOFILE, &limit), "RLIMIT_NOFILE");
    limit.rlim_cur = limit.rlim_max;
    need(setrlimit(RLIMIT_NOFILE, &limit), "RLIMIT_NOFILE");
    need(unshare(CLONE_NEWPID), "unshare"); /* all of them end with the first */
    pid_t first = fork();
    need(first, "fork");
    if (first == 0) {
        need(unshare(CLONE_NEWNS), "unshare");
        if (system("mount --make-rprivate / && mount -t proc proc /proc") != 0)
            return 1;
        for (int i = atoi(argv[1]); i > 0; i--)
            start(8, 0, 0);
        for (int i = 0; i < 2; i++)
            start(descriptors, 0, 0);
        for (int i = atoi(argv[3]); i > 0; i--)
            start(0, 1, i % LISTENING == 0);
        need(setenv("NAMESPACES", argv[3], 1), "setenv");
        pid_t command = fork();
        int status;
        need(command, "fork");
        if (command == 0) {
            execvp(argv[4], argv + 4);
            perror(argv[4]);
            _exit(127);
        }
        need(waitpid(command, &status, 0), "wait");
        return status == 0 ? 0 : 1;
    }
    int status;
    need(waitpid(first, &status, 0), "wait");
    return status == 0 ? 0 : 1;
}
