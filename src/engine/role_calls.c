/* What each verb of a role does in its process: one system call, and the errno saved on the line
 * after it. The action is below the function, or in stage_roles.c where the stage takes part. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/units.h"
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

/* The call would have to wait, and the role is told to stop serving. */
static struct answer would_wait(void) {
    return (struct answer){.kind = ANSWER_NONE};
}

/* --- making sockets and naming them --- */

static struct answer set_options(int fd, const struct step_options *options, struct reply *reply) {
    for (size_t i = 0; i < options->count; i++) {
        const struct option_setting *setting = &options->list[i];
        int error = sockopt_set(fd, setting->option, &setting->value);
        if (error != 0) {
            reply->option = (uint32_t)i + 1;
            return failed(error);
        }
    }
    return ok();
}

static struct answer call_socket(struct role *role, const struct step *step, struct reply *reply) {
    const struct address *like = step->options.like;
    struct place place;
    reply->no_endpoint = like != NULL && !role_resolve(role, like, AF_INET, &place);
    if (reply->no_endpoint)
        return failed(EDESTADDRREQ);
    bool is_ipv6 = like != NULL && place.endpoint.family == AF_INET6;
    const struct socket_kind_row *kind = socket_kind_row(is_ipv6 ? KIND_TCP6 : step->kind);
    int fd = socket(kind->family, kind->type | step->options.flags, kind->number);
    if (fd < 0)
        return failed(errno);
    role->sockets[step->socket] = fd;
    return set_options(fd, &step->options, reply);
}

static void note_socket(struct role *role, const struct step *step) {
    struct socket_view *view = role_view_of(role, step->socket);
    view->outgoing = view->bound = view->has_peer = view->inherited = false;
    view->nonblocking = (step->options.flags & SOCK_NONBLOCK) != 0;
}

const struct action action_socket = {.role = call_socket, .note = note_socket};

static struct answer call_setsockopt(struct role *role, const struct step *step,
                                     struct reply *reply) {
    return set_options(role->sockets[step->socket], &step->options, reply);
}

const struct action action_setsockopt = {.role = call_setsockopt};

static struct answer call_getsockopt(struct role *role, const struct step *step,
                                     struct reply *reply) {
    (void)reply;
    struct answer answer = {.kind = ANSWER_VALUE};
    const struct sockopt *option = step->options.list[0].option;
    int error = sockopt_get(role->sockets[step->socket], option, &answer.value);
    if (error == 0 &&
        option->kind == SOCKOPT_ERROR) /* 0 is an answer like those of other options */
        error = (int)answer.value.number;
    return error != 0 ? failed(error) : answer;
}

const struct action action_getsockopt = {.role = call_getsockopt};

/* The step's address in the kernel's form, for this socket. Returns its size; 0, and says so in the
 * reply, if the socket that it is taken from has no endpoint. */
static socklen_t address_of(struct role *role, const struct step *step, struct reply *reply,
                            struct sockaddr_storage *kernel) {
    const struct address *address = step_address(step);
    struct place place;
    int domain = AF_INET;
    if (address->pattern.any_address) /* `*` is the socket's own wildcard */
        domain = sockopt_get_int(role->sockets[step->socket], SOL_SOCKET, SO_DOMAIN, AF_INET);
    reply->no_endpoint = !role_resolve(role, address, (sa_family_t)domain, &place);
    if (reply->no_endpoint)
        return 0;
    if (place.name != NULL)
        return socket_unix_address(place.name, kernel);
    socklen_t size = endpoint_to_sockaddr(&place.endpoint, kernel);
    if (place.zone != NULL && place.endpoint.family == AF_INET6)
        ((struct sockaddr_in6 *)kernel)->sin6_scope_id = if_nametoindex(place.zone);
    return size;
}

static struct answer call_bind(struct role *role, const struct step *step, struct reply *reply) {
    struct sockaddr_storage address;
    socklen_t size = address_of(role, step, reply, &address);
    if (size == 0)
        return failed(EDESTADDRREQ);
    return from_result(bind(role->sockets[step->socket], (const struct sockaddr *)&address, size));
}

static void note_bind(struct role *role, const struct step *step) {
    if (step->address.pattern.endpoint.port != 0)
        role_view_of(role, step->socket)->bound = true;
}

const struct action action_bind = {.role = call_bind, .note = note_bind, .takes_port = true};

static struct answer call_listen(struct role *role, const struct step *step, struct reply *reply) {
    (void)reply;
    int backlog = step->amount.given ? (int)step->amount.number : SOMAXCONN;
    return from_result(listen(role->sockets[step->socket], backlog));
}

const struct action action_listen = {.role = call_listen, .takes_port = true};

/* --- connections --- */

static struct answer call_connect(struct role *role, const struct step *step, struct reply *reply) {
    struct sockaddr_storage address;
    socklen_t size = address_of(role, step, reply, &address);
    unsigned patience = 0;
    if (size == 0)
        return failed(EDESTADDRREQ);
    for (;;) {
        int result = connect(role->sockets[step->socket], (const struct sockaddr *)&address, size);
        if (result == 0 || errno != EINTR)
            return from_result(result);
        if (role_would_wait(&patience))
            return would_wait();
    }
}

static void note_connect(struct role *role, const struct step *step) {
    role_view_of(role, step->socket)->outgoing = true;
}

const struct action action_connect = {
    .role = call_connect, .note = note_connect, .takes_port = true};

/* Registers a listener, which must not block then, as another process may be faster. Returns 0 or
 * an errno. */
static int register_listener(struct role *role, int socket) {
    struct epoll_event event = {.events = EPOLLIN | EPOLLEXCLUSIVE};
    int *epoll = &role->epolls[socket], listener = role->sockets[socket];
    if (*epoll < 0)
        *epoll = epoll_create1(EPOLL_CLOEXEC);
    if (*epoll < 0)
        return errno;
    if (epoll_ctl(*epoll, EPOLL_CTL_ADD, listener, &event) == 0)
        fcntl(listener, F_SETFL, fcntl(listener, F_GETFL) | O_NONBLOCK);
    else if (errno != EEXIST)
        return errno;
    return 0;
}

/* The order in which roles register is that in which the kernel wakes them. */
void role_start_polling(struct role *role, const struct step *block) {
    for (const struct step *step = block + 1; step <= block + block->body; step++)
        if (step->verb == VERB_ACCEPT && role->sockets[step->socket] >= 0)
            register_listener(role, step->socket);
}

/* Waits as a server with an event loop does: in epoll_wait(), on an epoll instance of its own.
 * Returns 0, EINTR, or another errno. */
static int wait_for_connection(struct role *role, int socket) {
    struct epoll_event event;
    int error = register_listener(role, socket);
    if (error != 0)
        return error;
    return epoll_wait(role->epolls[socket], &event, 1, -1) < 0 ? errno : 0;
}

void role_stop_polling(struct role *role) {
    for (size_t i = 0; i < role->scenario->socket_count; i++)
        if (role->epolls[i] >= 0) {
            close(role->epolls[i]);
            role->epolls[i] = -1;
        }
}

/* Returns whether a listener blocks as far as the scenario says. One that an event loop has made
 * non-blocking, here or in another role that has it too, still blocks in every other accept(). */
static bool should_block(struct role *role, int socket) {
    return !role_view_of(role, socket)->nonblocking &&
           (fcntl(role->sockets[socket], F_GETFL) & O_NONBLOCK) != 0;
}

/* Waits for a connection as far as accept() does not. Returns 0 or an errno. */
static int wait_to_accept(struct role *role, int socket, int refused) {
    struct pollfd waiting = {.fd = role->sockets[socket], .events = POLLIN};
    if (role->polls)
        return wait_for_connection(role, socket);
    if (refused != EAGAIN)
        return 0;
    return poll(&waiting, 1, -1) < 0 ? errno : 0;
}

static struct answer call_accept(struct role *role, const struct step *step, struct reply *reply) {
    (void)reply;
    unsigned patience = 0;
    for (int error = 0;;) {
        int fd = -1;
        error = wait_to_accept(role, step->socket, error);
        if (error == 0) {
            fd = accept(role->sockets[step->socket], NULL, NULL);
            error = fd < 0 ? errno : 0;
        }
        if (fd >= 0) {
            role->sockets[step->made] = fd;
            return ok();
        }
        bool again = error == EAGAIN && should_block(role, step->socket);
        if (error != EINTR && !again)
            return failed(error);
        if (error == EINTR && role_would_wait(&patience))
            return would_wait();
    }
}

/* The socket that is accepted is a blocking one. */
static void note_accept(struct role *role, const struct step *step) {
    role_view_of(role, step->made)->nonblocking = false;
}

const struct action action_accept = {.role = call_accept, .note = note_accept};

static struct answer call_disconnect(struct role *role, const struct step *step,
                                     struct reply *reply) {
    (void)reply;
    struct sockaddr nobody = {.sa_family = AF_UNSPEC};
    return from_result(connect(role->sockets[step->socket], &nobody, sizeof nobody));
}

const struct action action_disconnect = {.role = call_disconnect};

static struct answer call_shutdown(struct role *role, const struct step *step,
                                   struct reply *reply) {
    (void)reply;
    return from_result(shutdown(role->sockets[step->socket], step->how));
}

const struct action action_shutdown = {.role = call_shutdown};

static struct answer call_close(struct role *role, const struct step *step, struct reply *reply) {
    (void)reply;
    int fd = role->sockets[step->socket];
    role->sockets[step->socket] = -1;
    return from_result(close(fd));
}

const struct action action_close = {.role = call_close};

/* --- data --- */

/* What is sent, and where received bytes go; nothing reads it. */
enum { DATA_SIZE = 1024 * 1024 };
static char data[DATA_SIZE];

static size_t piece(int64_t left) {
    return left < DATA_SIZE ? (size_t)left : DATA_SIZE;
}

static bool is_datagram(const struct step *step) {
    return socket_kind_row(step->kind)->type == SOCK_DGRAM;
}

/* A send() that sends less than asked has met SO_SNDTIMEO or an error: that ends the step with the
 * number sent, as send() does. While stopping, the tick may have interrupted it. */
static struct answer send_stream(struct role *role, const struct step *step) {
    unsigned patience = 0;
    int64_t sent = 0;
    for (;;) {
        size_t size = piece(step->amount.number - sent);
        ssize_t result = send(role->sockets[step->socket], data, size, MSG_NOSIGNAL);
        if (result < 0 && errno != EINTR)
            return sent > 0 ? number(sent) : failed(errno);
        if (result < 0 && role_would_wait(&patience))
            return would_wait();
        bool whole = result == (ssize_t)size;
        sent += result > 0 ? result : 0;
        if (sent == step->amount.number || (result >= 0 && !whole && !role_stopping()))
            return number(sent);
    }
}

/* One datagram, which is sent as a whole or not at all. */
static struct answer send_datagram(struct role *role, const struct step *step,
                                   struct reply *reply) {
    struct sockaddr_storage address;
    socklen_t size = step->amount.addressed ? address_of(role, step, reply, &address) : 0;
    unsigned patience = 0;
    if (step->amount.addressed && size == 0)
        return failed(EDESTADDRREQ);
    for (;;) {
        ssize_t result =
            sendto(role->sockets[step->socket], data, piece(step->amount.number), MSG_NOSIGNAL,
                   size == 0 ? NULL : (const struct sockaddr *)&address, size);
        if (result >= 0 || errno != EINTR)
            return result >= 0 ? number(result) : failed(errno);
        if (role_would_wait(&patience))
            return would_wait();
    }
}

static struct answer call_send(struct role *role, const struct step *step, struct reply *reply) {
    return is_datagram(step) ? send_datagram(role, step, reply) : send_stream(role, step);
}

const struct action action_send = {.role = call_send};

/* Waits until there is something to receive, but not longer than two seconds: no stream on loopback
 * pauses that long. Returns 1, 0 if nothing came, -1 if the role must stop serving, or -2 with
 * errno set. */
static int await_more(int fd, unsigned *patience) {
    const int two_seconds = 2000;
    struct pollfd waiting = {.fd = fd, .events = POLLIN | POLLRDHUP};
    for (;;) {
        int ready = poll(&waiting, 1, two_seconds);
        if (ready >= 0)
            return ready;
        if (errno != EINTR)
            return -2;
        if (role_would_wait(patience))
            return -1;
    }
}

/* Takes what is there, and goes on while the line expects more than that: a stream may arrive in
 * pieces. Of datagrams it takes one, which may be empty. */
static struct answer call_recv(struct role *role, const struct step *step, struct reply *reply) {
    (void)reply;
    int fd = role->sockets[step->socket], more = 1;
    unsigned patience = 0;
    int64_t got = 0, most = step->amount.given ? step->amount.number : DATA_SIZE;
    while (more > 0) {
        ssize_t result = recv(fd, data, piece(most - got), 0);
        if (result < 0 && errno == EINTR) {
            more = role_would_wait(&patience) ? -1 : 1;
            continue;
        }
        if (result < 0 && (got == 0 || errno != EAGAIN))
            return failed(errno);
        if (result == 0 && is_datagram(step))
            return number(0);
        if (result <= 0)
            break;
        got += result;
        bool enough = is_datagram(step) || got == most || !expectation_wants_more(&step->want, got);
        more = enough ? 0 : await_more(fd, &patience);
    }
    if (more < 0)
        return more == -1 ? would_wait() : failed(errno);
    return got > 0 ? number(got) : (struct answer){.kind = ANSWER_EOF};
}

const struct action action_recv = {.role = call_recv};

/* --- waiting --- */

/* An error or a hang-up of the socket is ready, too, as for poll(). */
static struct answer call_poll(struct role *role, const struct step *step, struct reply *reply) {
    struct pollfd waiting = {.fd = role->sockets[step->socket],
                             .events = step->wait.write ? POLLOUT : POLLIN};
    uint64_t end_ns = units_now_ns() + step->wait.within_ns;
    unsigned patience = 0;
    (void)reply;
    for (;;) {
        uint64_t now_ns = units_now_ns(), left_ns = now_ns < end_ns ? end_ns - now_ns : 0;
        const struct timespec left = {(time_t)(left_ns / NS_PER_S), (long)(left_ns % NS_PER_S)};
        int ready = ppoll(&waiting, 1, &left, NULL);
        if (ready < 0 && errno != EINTR)
            return failed(errno);
        if (ready > 0 && (waiting.revents & POLLNVAL) != 0)
            return failed(EBADF);
        if (ready >= 0)
            return (struct answer){.kind = ready > 0 ? ANSWER_READY : ANSWER_TIMEOUT};
        if (role_would_wait(&patience))
            return would_wait();
    }
}

const struct action action_poll = {.role = call_poll};

/* In a block. */
struct answer role_sleep(struct role *role, const struct step *step, struct reply *reply) {
    uint64_t end_ns = units_now_ns() + step->duration_ns;
    const struct timespec end = {(time_t)(end_ns / NS_PER_S), (long)(end_ns % NS_PER_S)};
    unsigned patience = 0;
    (void)role;
    (void)reply;
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, NULL) == EINTR)
        if (role_would_wait(&patience))
            return would_wait();
    return ok();
}

/* --- asking for names --- */

/* getsockname and getpeername */
static struct answer call_name(struct role *role, const struct step *step, struct reply *reply) {
    (void)reply;
    struct answer answer = {.kind = ANSWER_ADDRESS};
    struct endpoint endpoint;
    char name[sizeof answer.name];
    int error =
        socket_name(role->sockets[step->socket], step->verb == VERB_GETPEERNAME, &endpoint, name);
    if (error != 0)
        return failed(error);
    if (endpoint.family == AF_UNIX) {
        answer.kind = ANSWER_NAME;
        memcpy(answer.name, name, sizeof name);
    } else {
        answer.address = endpoint;
    }
    return answer;
}

const struct action action_getsockname = {.role = call_name};
const struct action action_getpeername = {.role = call_name};

/* --- dup, chown, unlink --- */

static struct answer call_dup(struct role *role, const struct step *step, struct reply *reply) {
    (void)reply;
    int fd = fcntl(role->sockets[step->socket], F_DUPFD, 0);
    if (fd >= 0)
        role->sockets[step->made] = fd;
    return from_result(fd);
}

/* What is known of the socket is known under the new name too. */
static void note_dup(struct role *role, const struct step *step) {
    if (role->sockets[step->made] >= 0)
        *role_view_of(role, step->made) = *role_view_of(role, step->socket);
}

const struct action action_dup = {.role = call_dup, .note = note_dup};

static struct answer call_chown(struct role *role, const struct step *step, struct reply *reply) {
    (void)reply;
    return from_result(fchown(role->sockets[step->socket], step->uid, (gid_t)-1));
}

const struct action action_chown = {.role = call_chown, .needs = NEEDS_UIDS};

/* The role's current directory is that of the case. */
static struct answer call_unlink(struct role *role, const struct step *step, struct reply *reply) {
    (void)role;
    (void)reply;
    return from_result(unlink(step->address.name));
}

const struct action action_unlink = {.role = call_unlink};

/* --- the process, and the role's part of what the stage does with two roles --- */

static struct answer call_uid(struct role *role, const struct step *step, struct reply *reply) {
    (void)reply;
    const gid_t gid =
        step->uid; /* a user of that number has a group of that number, and no other */
    long result = setgroups(0, NULL);
    if (result == 0)
        result = setresgid(gid, gid, gid);
    if (result == 0)
        result = setresuid(step->uid, step->uid, step->uid);
    struct answer answer = from_result(result);
    /* A change of ids clears both (prctl(2)), and the runner must still be able to look into this
     * process. */
    prctl(PR_SET_DUMPABLE, 1);
    role_die_with_stage(role);
    return answer;
}

const struct action action_uid = {.role = call_uid, .needs = NEEDS_UIDS};

static pid_t fork_sibling(void) {
#if defined(__s390__) || defined(__CRIS__)
    return (pid_t)syscall(SYS_clone, NULL, CLONE_PARENT | SIGCHLD, NULL, NULL, 0);
#else
    return (pid_t)syscall(SYS_clone, CLONE_PARENT | SIGCHLD, NULL, NULL, NULL, 0);
#endif
}

/* Forks the new role. It becomes a child of the stage, not of this process (CLONE_PARENT): so it
 * survives the exit of this one, and dies with the stage. Its views are filled before it has run:
 * other roles may ask for its endpoints at once. */
struct answer role_fork(struct role *role, const struct step *step, struct reply *reply) {
    for (unsigned i = 0; i < role->scenario->socket_count; i++)
        if (role->sockets[i] >= 0) {
            struct socket_view *view = board_view(role->board, (unsigned)step->other_role, i);
            *view = *role_view_of(role, (int)i);
            view->inherited = true;
        }
    reply->pid = fork_sibling();
    if (reply->pid == 0) {
        close(role->channel);
        role->channel = role->received;
        role->received = -1;
        role->index = step->other_role;
        role_die_with_stage(role);
        _exit(role_serve(role));
    }
    return from_result(reply->pid);
}

/* Gives a socket away, or takes it: each of the two roles has one end of a Unix socket. */
struct answer role_pass(struct role *role, const struct step *step, struct reply *reply) {
    char nothing = 0;
    int *fd = &role->sockets[step->socket], error;
    (void)reply;
    if (step->role == role->index) {
        error = protocol_send(role->received, &nothing, sizeof nothing, *fd);
    } else {
        error = protocol_receive(role->received, &nothing, sizeof nothing, 0, fd);
        *role_view_of(role, step->socket) =
            *board_view(role->board, (unsigned)step->role, (unsigned)step->socket);
    }
    return error == 0 ? ok() : failed(error);
}

struct answer role_exit(struct role *role, const struct step *step, struct reply *reply) {
    (void)step;
    (void)reply;
    role->exits = true;
    return ok();
}
