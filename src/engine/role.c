/* The loop of a role: receive a request, do the step, look at the socket, reply. */
#include "engine/role.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/units.h"

/* --- the process --- */

/* Has the kernel kill this process when the stage dies, and checks that it has not died before. */
static void die_with_stage(const struct role *role) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != role->stage)
        _exit(1);
}

static struct answer answer_of(long result) {
    if (result < 0)
        return (struct answer){.kind = ANSWER_ERRNO, .error = errno};
    return (struct answer){.kind = ANSWER_OK};
}

static struct answer take_uid(struct role *role, const struct step *step) {
    uid_t uid = (uid_t)step->number;
    struct answer answer = answer_of(setresuid(uid, uid, uid));
    /* A change of ids clears both (prctl(2)); the runner has to look into this process still. */
    prctl(PR_SET_DUMPABLE, 1);
    die_with_stage(role);
    return answer;
}

static pid_t fork_sibling(void) {
#if defined(__s390__) || defined(__CRIS__)
    return (pid_t)syscall(SYS_clone, NULL, CLONE_PARENT | SIGCHLD, NULL, NULL, 0);
#else
    return (pid_t)syscall(SYS_clone, CLONE_PARENT | SIGCHLD, NULL, NULL, NULL, 0);
#endif
}

static _Noreturn void serve_requests(struct role *role);

/* Before the child has run at all, others may ask for the endpoints of what it inherits. */
static void leave_views(struct role *role, int heir) {
    for (unsigned i = 0; i < role->scenario->socket_count; i++)
        if (role->sockets[i] >= 0) {
            struct socket_view *view = board_view(role->board, (unsigned)heir, i);
            *view = *board_view(role->board, (unsigned)role->index, i);
            view->inherited = true;
        }
}

/* Forks the new role. It becomes a child of the stage, not of this process (CLONE_PARENT): so it
 * lives on when this one exits, and dies with the stage. */
static struct answer fork_role(struct role *role, const struct step *step, int channel,
                               pid_t *child) {
    leave_views(role, step->new_role);
    *child = fork_sibling();
    if (*child == 0) {
        close(role->channel);
        role->channel = channel;
        role->index = step->new_role;
        die_with_stage(role);
        serve_requests(role);
    }
    return answer_of(*child);
}

/* Gives a socket away, or takes it: the two roles have one end each of a Unix socket. */
static struct answer pass_socket(struct role *role, const struct step *step, int channel) {
    int error;
    char nothing = 0;
    if (step->role == role->index) {
        error = protocol_send(channel, &nothing, sizeof nothing, role->sockets[step->socket]);
    } else {
        error =
            protocol_receive(channel, &nothing, sizeof nothing, 0, &role->sockets[step->socket]);
        *board_view(role->board, (unsigned)role->index, step->socket) =
            *board_view(role->board, (unsigned)step->role, step->socket);
    }
    errno = error;
    return answer_of(error == 0 ? 0 : -1);
}

/* --- steps --- */

/* Which of its sockets a step may have changed: the one it is about, and the one it makes. */
static void look_after(struct role *role, const struct step *step) {
    if (verb_row(step->verb)->place != PLACE_CALL)
        return;
    role_view(role, step->socket);
    struct socket_view *view = board_view(role->board, (unsigned)role->index, step->socket);
    if (step->verb == VERB_CONNECT)
        view->outgoing = true;
    if (step->verb == VERB_BIND && step->address.pattern.endpoint.port != 0)
        view->bound = true;
    if (step->verb == VERB_SOCKET)
        view->outgoing = view->bound = view->has_peer = view->inherited = false;
    if (step->verb == VERB_ACCEPT) {
        role_view(role, step->made);
        board_view(role->board, (unsigned)role->index, step->made)->inherited = false;
    }
}

static void do_block(struct role *role, const struct step *step, struct reply *reply) {
    role_block(role, step, reply);
    for (size_t i = 1; i <= step->body; i++)
        look_after(role, step + i);
}

static void do_step(struct role *role, const struct step *step, int fd, struct reply *reply) {
    uint64_t start_ns = units_now_ns();
    switch (step->verb) {
    case VERB_REPEAT:
    case VERB_SERVE:
        do_block(role, step, reply);
        break;
    case VERB_FORK:
        reply->answer = fork_role(role, step, fd, &reply->pid);
        break;
    case VERB_PASS:
        reply->answer = pass_socket(role, step, fd);
        break;
    case VERB_UID:
        reply->answer = take_uid(role, step);
        break;
    case VERB_EXIT:
        reply->answer = (struct answer){.kind = ANSWER_OK};
        break;
    default:
        reply->answer = role_call(role, step, &reply->where);
        break;
    }
    reply->elapsed_ns = units_now_ns() - start_ns;
    look_after(role, step);
}

static void send_reply(const struct role *role, const struct reply *reply) {
    if (protocol_send(role->channel, reply, sizeof *reply, -1) != 0)
        _exit(1); /* the stage is gone, and with it all use of this process */
}

/* Begins to serve: says so, runs the block, and keeps its result for the `stop`. A block that ends
 * by itself has met an unexpected answer, and the stage is told at once. */
static void serve(struct role *role, const struct step *step, struct reply *result) {
    uint32_t place = (uint32_t)(step - role->scenario->steps);
    struct reply begun = {.step = place, .call = place, .answer = {.kind = ANSWER_OK}};
    role_stop_prepare();
    send_reply(role, &begun);
    *result = (struct reply){.step = place, .call = place};
    do_step(role, step, -1, result);
    role_stop_over();
    if (result->answer.in_block)
        send_reply(role, result);
}

static _Noreturn void serve_requests(struct role *role) {
    struct reply served = {0}; /* by the last serve block */
    for (;;) {
        struct request request;
        int fd;
        if (protocol_receive(role->channel, &request, sizeof request, 0, &fd) != 0)
            _exit(0);
        const struct step *step = &role->scenario->steps[request.step];
        struct reply reply = {.step = request.step, .call = request.step};
        if (step->verb == VERB_SERVE && !request.stop) {
            serve(role, step, &served);
            continue;
        }
        if (request.stop) {
            reply = served;
            reply.step = request.step;
        } else {
            do_step(role, step, fd, &reply);
        }
        if (fd >= 0)
            close(fd);
        send_reply(role, &reply);
        if (step->verb == VERB_EXIT)
            _exit(0);
    }
}

/* Closes what came from the stage, but for the channel, which becomes descriptor 3. */
static int keep_only(int channel) {
    enum { KEPT = 3, HIGHEST = 1023 };
    if (channel != KEPT)
        channel = dup3(channel, KEPT, O_CLOEXEC);
#ifdef SYS_close_range
    if (syscall(SYS_close_range, KEPT + 1, ~0U, 0) == 0)
        return channel;
#endif
    for (int fd = KEPT + 1; fd <= HIGHEST; fd++)
        close(fd);
    return channel;
}

_Noreturn void role_main(const struct scenario *scenario, struct board *board, int index,
                         int channel, pid_t stage) {
    struct arena arena = {0}; /* lives as long as the process */
    struct role role = {.scenario = scenario,
                        .board = board,
                        .kernel = release_running(),
                        .index = index,
                        .channel = keep_only(channel),
                        .stage = stage};
    die_with_stage(&role);
    role.sockets = arena_alloc(&arena, (scenario->socket_count + 1) * sizeof role.sockets[0]);
    for (size_t i = 0; i < scenario->socket_count; i++)
        role.sockets[i] = -1;
    serve_requests(&role);
}
