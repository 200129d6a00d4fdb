/* One function a verb: one system call, and the errno saved on the line after it. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/role.h"

static struct answer ok(void) {
    return (struct answer){.kind = ANSWER_OK};
}

static struct answer failed(int error) {
    return (struct answer){.kind = ANSWER_ERRNO, .error = error};
}

static struct answer from_result(long result) {
    return result < 0 ? failed(errno) : ok();
}

static struct answer number(int64_t value) {
    return (struct answer){.kind = ANSWER_NUMBER, .number = value};
}

/* --- making and naming --- */

static struct answer set_options(int fd, const struct step *step, const char **where) {
    for (size_t i = 0; i < step->option_count; i++) {
        const struct option_setting *setting = &step->options[i];
        int error = sockopt_set(fd, setting->option, &setting->value);
        if (error != 0) {
            *where = setting->option->name;
            return failed(error);
        }
    }
    return ok();
}

static struct answer call_socket(struct role *role, const struct step *step, const char **where) {
    int fd = socket(step->family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return failed(errno);
    role->sockets[step->socket] = fd;
    return set_options(fd, step, where);
}

static struct answer call_setsockopt(struct role *role, const struct step *step,
                                     const char **where) {
    return set_options(role->sockets[step->socket], step, where);
}

static struct answer call_getsockopt(struct role *role, const struct step *step,
                                     const char **where) {
    (void)where;
    struct answer answer = {.kind = ANSWER_VALUE};
    int error = sockopt_get(role->sockets[step->socket], step->options[0].option, &answer.value);
    return error != 0 ? failed(error) : answer;
}

/* The step's address in the kernel's form, for this socket; 0 if the scenario names none yet. */
static socklen_t address_of(struct role *role, const struct step *step,
                            struct sockaddr_storage *address) {
    struct endpoint endpoint;
    int domain = AF_INET;
    if (step->address.pattern.any_address) /* `*` is the socket's own wildcard */
        domain = sockopt_get_int(role->sockets[step->socket], SOL_SOCKET, SO_DOMAIN, AF_INET);
    if (!role_resolve(role, &step->address, (sa_family_t)domain, &endpoint))
        return 0;
    return endpoint_to_sockaddr(&endpoint, address);
}

static struct answer call_bind(struct role *role, const struct step *step, const char **where) {
    struct sockaddr_storage address;
    socklen_t size = address_of(role, step, &address);
    if (size == 0) {
        *where = role_no_endpoint;
        return failed(EDESTADDRREQ);
    }
    return from_result(bind(role->sockets[step->socket], (const struct sockaddr *)&address, size));
}

static struct answer call_listen(struct role *role, const struct step *step, const char **where) {
    (void)where;
    int backlog = step->has_number ? (int)step->number : SOMAXCONN;
    return from_result(listen(role->sockets[step->socket], backlog));
}

/* --- connections --- */

static struct answer call_connect(struct role *role, const struct step *step, const char **where) {
    struct sockaddr_storage address;
    socklen_t size = address_of(role, step, &address);
    unsigned patience = 0;
    if (size == 0) {
        *where = role_no_endpoint;
        return failed(EDESTADDRREQ);
    }
    for (;;) {
        int result = connect(role->sockets[step->socket], (const struct sockaddr *)&address, size);
        if (result == 0 || errno != EINTR)
            return from_result(result);
        if (role_would_wait(&patience))
            return (struct answer){.kind = ANSWER_NONE};
    }
}

static struct answer call_accept(struct role *role, const struct step *step, const char **where) {
    (void)where;
    unsigned patience = 0;
    for (;;) {
        int fd = accept4(role->sockets[step->socket], NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0)
            role->sockets[step->made] = fd;
        if (fd >= 0 || errno != EINTR)
            return from_result(fd);
        if (role_would_wait(&patience))
            return (struct answer){.kind = ANSWER_NONE};
    }
}

static struct answer call_disconnect(struct role *role, const struct step *step,
                                     const char **where) {
    (void)where;
    struct sockaddr nobody = {.sa_family = AF_UNSPEC};
    return from_result(connect(role->sockets[step->socket], &nobody, sizeof nobody));
}

static struct answer call_shutdown(struct role *role, const struct step *step, const char **where) {
    (void)where;
    return from_result(shutdown(role->sockets[step->socket], step->how));
}

static struct answer call_close(struct role *role, const struct step *step, const char **where) {
    (void)where;
    int fd = role->sockets[step->socket];
    role->sockets[step->socket] = -1;
    return from_result(close(fd));
}

/* --- data --- */

/* What is sent, and where what is received goes; nobody looks at it. */
enum { DATA_SIZE = 1024 * 1024 };
static char data[DATA_SIZE];

static size_t piece(int64_t left) {
    return left < DATA_SIZE ? (size_t)left : DATA_SIZE;
}

/* A call that sends less than it was told to has met SO_SNDTIMEO or an error: that ends the step
 * with what was sent, as send() does. While stopping it may be just the tick that interrupted it.
 */
static struct answer call_send(struct role *role, const struct step *step, const char **where) {
    (void)where;
    unsigned patience = 0;
    int64_t sent = 0;
    for (;;) {
        size_t size = piece(step->number - sent);
        ssize_t result = send(role->sockets[step->socket], data, size, MSG_NOSIGNAL);
        if (result < 0 && errno != EINTR)
            return sent > 0 ? number(sent) : failed(errno);
        if (result < 0 && role_would_wait(&patience))
            return (struct answer){.kind = ANSWER_NONE};
        bool whole = result == (ssize_t)size;
        sent += result > 0 ? result : 0;
        if (sent == step->number || (result >= 0 && !whole && !role_stopping()))
            return number(sent);
    }
}

/* Waits until there is something to receive: two seconds, a pause that no stream on loopback makes.
 * Returns 1, 0 if nothing came, or -1 if the role is to stop serving. */
static int await_more(int fd, unsigned *patience) {
    const int two_seconds = 2000;
    struct pollfd waiting = {.fd = fd, .events = POLLIN | POLLRDHUP};
    for (;;) {
        int ready = poll(&waiting, 1, two_seconds);
        if (ready >= 0 || errno != EINTR)
            return ready > 0;
        if (role_would_wait(patience))
            return -1;
    }
}

/* Takes what is there, but goes on while the line expects more than that, for the pieces of a
 * stream come when they come. */
static struct answer call_recv(struct role *role, const struct step *step, const char **where) {
    (void)where;
    int fd = role->sockets[step->socket], more = 1;
    unsigned patience = 0;
    int64_t got = 0, most = step->has_number ? step->number : DATA_SIZE;
    while (more > 0) {
        ssize_t result = recv(fd, data, piece(most - got), 0);
        if (result < 0 && errno == EINTR) {
            more = role_would_wait(&patience) ? -1 : 1;
            continue;
        }
        if (result < 0 && (got == 0 || errno != EAGAIN))
            return failed(errno);
        if (result <= 0)
            break;
        got += result;
        bool enough = got == most || !expectation_wants_more(&step->want, got);
        more = enough ? 0 : await_more(fd, &patience);
    }
    if (more < 0)
        return (struct answer){.kind = ANSWER_NONE};
    return got > 0 ? number(got) : (struct answer){.kind = ANSWER_EOF};
}

/* --- names --- */

static struct answer address_answer(int result, const struct sockaddr_storage *address) {
    if (result < 0)
        return failed(errno);
    return (struct answer){.kind = ANSWER_ADDRESS, .address = endpoint_from_sockaddr(address)};
}

static struct answer call_getsockname(struct role *role, const struct step *step,
                                      const char **where) {
    (void)where;
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof address;
    return address_answer(
        getsockname(role->sockets[step->socket], (struct sockaddr *)&address, &size), &address);
}

static struct answer call_getpeername(struct role *role, const struct step *step,
                                      const char **where) {
    (void)where;
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof address;
    return address_answer(
        getpeername(role->sockets[step->socket], (struct sockaddr *)&address, &size), &address);
}

/* --- the table --- */

const char role_no_endpoint[] = "the socket that the address is taken from has no endpoint";

typedef struct answer call(struct role *role, const struct step *step, const char **where);

static call *const calls[VERBS] = {
    [VERB_SOCKET] = call_socket,
    [VERB_SETSOCKOPT] = call_setsockopt,
    [VERB_GETSOCKOPT] = call_getsockopt,
    [VERB_BIND] = call_bind,
    [VERB_LISTEN] = call_listen,
    [VERB_CONNECT] = call_connect,
    [VERB_ACCEPT] = call_accept,
    [VERB_SEND] = call_send,
    [VERB_RECV] = call_recv,
    [VERB_SHUTDOWN] = call_shutdown,
    [VERB_DISCONNECT] = call_disconnect,
    [VERB_CLOSE] = call_close,
    [VERB_GETSOCKNAME] = call_getsockname,
    [VERB_GETPEERNAME] = call_getpeername,
};

struct answer role_call(struct role *role, const struct step *step, const char **where) {
    return calls[step->verb](role, step, where);
}
