/* Makes many system calls that portreuse trace does not look at: usage calls KIND NUMBER.
 *   null   getppid(), the cheapest there is
 *   read   4096 bytes of a file
 *   pipe   a byte through a pipe and back
 *   send   datagrams to an address, by sendto() */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv) {
    const char *kind = argc > 2 ? argv[1] : "";
    long number = argc > 2 ? strtol(argv[2], NULL, 10) : 0, done = 0;
    char bytes[4096];
    int file = open("/proc/self/exe", O_RDONLY), ends[2], udp = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
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
