/* Makes many system calls that portreuse trace does not look at: usage calls KIND NUMBER.
 *   null   getppid(), the cheapest there is
 *   read   4096 bytes of a file
 *   pipe   a byte through a pipe and back
 *   send   datagrams to an address, by sendto()
 * With the environment variable EMPTY_FILTER, it first installs a seccomp filter that allows every
 * call: what the kernel makes any filter cost. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static int install_empty_filter(void) {
    struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog program = {.len = 1, .filter = &allow};
    const unsigned long spec_allow = 1UL << 2; /* SECCOMP_FILTER_FLAG_SPEC_ALLOW */
    prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L);
    return (int)syscall(SYS_seccomp, (long)SECCOMP_SET_MODE_FILTER, spec_allow, &program);
}

int main(int argc, char **argv) {
    const char *kind = argc > 2 ? argv[1] : "";
    long number = argc > 2 ? strtol(argv[2], NULL, 10) : 0, done = 0;
    char bytes[4096];
    int file = open("/proc/self/exe", O_RDONLY), ends[2], udp = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (getenv("EMPTY_FILTER") != NULL && install_empty_filter() < 0)
        return 1;
    if (file < 0 || pipe(ends) < 0)
        return 1;
    for (long i = 0; i < number; i++)
        if (strcmp(kind, "null") == 0)
            done += syscall(SYS_getppid) != 0;
        else if (strcmp(kind, "read") == 0)
            done += pread(file, bytes, sizeof bytes, 0) > 0;
        else if (strcmp(kind, "pipe") == 0)
            done += write(ends[1], bytes, 1) + read(ends[0], bytes, 1) == 2;
        else if (strcmp(kind, "send") == 0)
            done += sendto(udp, bytes, 100, MSG_DONTWAIT, (struct sockaddr *)&to, sizeof to) != 0;
    return done == 0;
}
