#include "kernel/trial.h"

#include <errno.h>
#include <netinet/in.h>
#include <unistd.h>

static int set(int fd, int level, int option, int value) {
    return setsockopt(fd, level, option, &value, sizeof value);
}

int trial_bind(const struct trial *trial, const char **call) {
    struct sockaddr_storage address;
    socklen_t size = endpoint_to_sockaddr(&trial->local, &address);
    int error = 0;
    *call = "socket";
    int fd = socket(trial->local.family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    *call = "setsockopt";
    if ((trial->reuseaddr && set(fd, SOL_SOCKET, SO_REUSEADDR, 1) < 0) ||
        (trial->reuseport && set(fd, SOL_SOCKET, SO_REUSEPORT, 1) < 0) ||
        (trial->local.family == AF_INET6 &&
         set(fd, IPPROTO_IPV6, IPV6_V6ONLY, trial->v6only) < 0)) {
        error = errno;
    } else {
        *call = "bind";
        error = bind(fd, (struct sockaddr *)&address, size) < 0 ? errno : 0;
    }
    close(fd);
    return error;
}
