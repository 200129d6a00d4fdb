/* The steps of a role that has become a program: what the tracer has seen of it, and its end. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/errnames.h"
#include "engine/program.h"
#include "engine/role.h"
#include "engine/stage_program.h"
#include "kernel/process.h"
#include "kernel/ptrace.h"
#include "kernel/sockdiag.h"

/* --- waiting --- */

struct stage_clock stage_clock_begin(const struct stage *stage, uint64_t within_ns) {
    return (struct stage_clock){stage, units_now_ns() + within_ns, 50ULL * NS_PER_US};
}

bool stage_clock_pauses(struct stage_clock *clock) {
    if (units_now_ns() >= clock->end_ns || stage_time_left(clock->stage) == 0)
        return false;
    nanosleep(&(struct timespec){.tv_nsec = (long)clock->pause_ns}, NULL);
    clock->pause_ns = clock->pause_ns < 5ULL * NS_PER_MS ? 2 * clock->pause_ns : clock->pause_ns;
    return true;
}

bool stage_program_gone(const struct stage_role *role) {
    siginfo_t ended = {0};
    return waitid(P_PID, (id_t)role->tracer, &ended, WEXITED | WNOHANG | WNOWAIT) < 0 ||
           ended.si_pid != 0;
}

uint64_t stage_patience(const struct step *step) {
    return step->want.timed && step->want.latest_ns > 0 ? step->want.latest_ns
                                                        : step->watch.within_ns;
}

/* In the time that the step has, not a little later; or earlier, as the program is gone. */
enum outcome stage_answer_timeout(const struct step *step, uint64_t start_ns, struct reply *reply) {
    uint64_t elapsed_ns = units_now_ns() - start_ns, most_ns = stage_patience(step);
    reply->answer = (struct answer){.kind = ANSWER_TIMEOUT};
    reply->elapsed_ns = elapsed_ns < most_ns ? elapsed_ns : most_ns;
    return OUTCOME_ANSWERED;
}

void stage_answer_errno(struct reply *reply, int error) {
    reply->answer = (struct answer){.kind = error == 0 ? ANSWER_OK : ANSWER_ERRNO, .error = error};
}

/* --- exec: in the role --- */

/* The words of the command line, with NULL at the end; NULL if a socket has no endpoint. */
static char **make_words(struct role *role, const struct step_program *program) {
    char *const *given = role->scenario->program;
    size_t count = 0, most = program->word_count + 1;
    for (size_t i = 0; given != NULL && given[i] != NULL; i++)
        most += program->word_count;
    char **words = arena_alloc(&role->arena, most * sizeof words[0]);
    for (size_t i = 0; i < program->word_count; i++) {
        const struct program_word *word = &program->words[i];
        char text[ENDPOINT_TEXT_SIZE];
        struct place place;
        if (word->use == WORD_PROGRAM) {
            for (size_t k = 0; given != NULL && given[k] != NULL; k++)
                words[count++] = given[k];
            continue;
        }
        if (word->use != WORD_WRITTEN && !role_resolve(role, &word->address, AF_INET, &place))
            return NULL;
        if (word->use == WORD_PORT)
            snprintf(text, sizeof text, "%u", place.endpoint.port);
        else if (word->use == WORD_ADDRESS)
            endpoint_text(&place.endpoint, text);
        const char *made = word->use == WORD_WRITTEN ? word->text : text;
        words[count++] = arena_copy(&role->arena, made, strlen(made));
    }
    return words;
}

/* A socket that was made with SOCK_CLOEXEC is closed by exec. */
static void note_closing(struct role *role) {
    for (size_t i = 0; i < role->scenario->socket_count; i++)
        if (role->sockets[i] >= 0 && (fcntl(role->sockets[i], F_GETFD) & FD_CLOEXEC) != 0)
            role_view_of(role, (int)i)->open = false;
}

static struct answer call_exec(struct role *role, const struct step *step, struct reply *reply) {
    struct program_before before;
    char **words = make_words(role, &step->program);
    reply->no_endpoint = words == NULL;
    if (words == NULL)
        return (struct answer){.kind = ANSWER_ERRNO, .error = EDESTADDRREQ};
    int error = role->output >= 0 ? 0 : program_begin(role->received, &role->output);
    if (error != 0)
        return (struct answer){.kind = ANSWER_ERRNO, .error = error};
    program_prepare(role->output, &before);
    note_closing(role);
    execvp(words[0], words);
    error = errno;
    program_return(&before);
    for (size_t i = 0; i < role->scenario->socket_count; i++)
        if (role->sockets[i] >= 0)
            role_view(role, (int)i);
    return (struct answer){.kind = ANSWER_ERRNO, .error = error};
}

/* --- exec: in the stage --- */

static enum outcome broke(struct stage *stage, const char *what, int error) {
    char name[ERRNAME_SIZE];
    return stage_reason(stage, OUTCOME_ERROR, "%s: %s", what, errname(error, name));
}

/* Forks the process that reads what the program prints. Returns the pipe to it, or -1 with errno
 * set. */
static int start_listener(struct stage_role *role, pid_t self) {
    int pipe[2];
    if (pipe2(pipe, O_CLOEXEC) < 0)
        return -1;
    role->listener = fork();
    if (role->listener == 0)
        program_listen(role->log, pipe[0], self);
    int error = errno;
    close(pipe[0]);
    if (role->listener < 0)
        close(pipe[1]);
    errno = error;
    return role->listener < 0 ? -1 : pipe[1];
}

/* Forks the tracer. Returns the role's end of the channel to it, or -1 with errno set. */
static int start_tracer(struct stage *stage, struct stage_role *role) {
    int ends[2];
    pid_t self = getpid();
    prctl(PR_SET_CHILD_SUBREAPER, 1L, 0L, 0L, 0L); /* of what the program leaves behind */
    process_use_group(0);                          /* it is in another one, or in several */
    process_use_namespace(!stage->options->current);
    role->log = program_log_new();
    if (role->log == NULL || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return -1;
    int output = start_listener(role, self);
    role->tracer = output < 0 ? -1 : fork();
    if (role->tracer == 0) {
        close(ends[1]);
        if (stage->diag >= 0)
            close(stage->diag); /* its answers are the stage's */
        program_watch(role->log, role->pid, ends[0], output, self);
    }
    int error = errno;
    close(ends[0]);
    if (output >= 0)
        close(output);
    if (role->tracer < 0)
        close(ends[1]);
    errno = error;
    return role->tracer < 0 ? -1 : ends[1];
}

/* Why the program could not be watched. */
static enum outcome not_traced(struct stage *stage, const struct step *step, int error) {
    char reason[PTRACE_REASON_SIZE], name[ERRNAME_SIZE];
    if (stage_refusal(error) == OUTCOME_ERROR)
        return stage_reason(stage, OUTCOME_ERROR, "line %u: starting the tracer of a program: %s",
                            step->line, errname(error, name));
    return stage_reason(stage, OUTCOME_SKIP, "line %u: a program cannot be traced here: %s",
                        step->line, ptrace_explain(0, error, reason));
}

/* Waits until the role, which has left, has become the program. */
static enum outcome await_program(struct stage *stage, const struct step *step) {
    struct stage_role *role = &stage->roles[step->role];
    struct stage_clock clock = stage_clock_begin(stage, 5ULL * NS_PER_S);
    role->state = STAGE_ROLE_PROGRAM;
    while (!atomic_load(&role->log->executed)) {
        enum outcome outcome = stage_check_roles(stage);
        if (outcome != OUTCOME_ANSWERED)
            return outcome;
        if (!stage_clock_pauses(&clock))
            return stage_reason(stage, OUTCOME_ERROR, "line %u: the role has ended instead",
                                step->line);
    }
    return OUTCOME_ANSWERED;
}

static enum outcome do_exec(struct stage *stage, const struct step *step, struct reply *reply) {
    struct stage_role *role = &stage->roles[step->role];
    bool left = false;
    bool again = role->tracer > 0; /* an earlier one could not be executed */
    int channel = again ? -1 : start_tracer(stage, role);
    if (channel < 0 && !again)
        return broke(stage, "starting the tracer of a program", errno);
    enum outcome outcome = stage_ask_to_leave(stage, step, channel, reply, &left);
    if (channel >= 0)
        close(channel);
    if (outcome != OUTCOME_ANSWERED)
        return outcome;
    int error = atomic_load(&role->log->trace_error);
    if (error != 0)
        return not_traced(stage, step, error);
    if (left) {
        outcome = await_program(stage, step);
        if (outcome != OUTCOME_ANSWERED)
            return outcome;
        role->exec = step;
        for (unsigned call = 0; call < SOCKET_CALL_COUNT; call++)
            role->next_call[call] = atomic_load(&role->log->first);
        role->next_listener = atomic_load(&role->log->first);
        stage_answer_errno(reply, 0);
    }
    return OUTCOME_ANSWERED;
}

const struct action action_exec = {.stage = do_exec, .role = call_exec, .needs = TOUCHES_HOST};

/* --- calls --- */

static bool is_asked_for(const struct stage *stage, const struct step_watch *watch,
                         const struct program_call *call) {
    struct endpoint_pattern pattern;
    if (call->call != watch->call)
        return false;
    return !watch->has_address || (board_resolve_pattern(stage->board, &watch->address, &pattern) &&
                                   endpoint_matches(&pattern, &call->address));
}

/* Returns the next such call that no earlier step has taken, or NULL. */
static const struct program_call *next_call(const struct stage *stage, struct stage_role *role,
                                            const struct step_watch *watch) {
    unsigned *next = &role->next_call[watch->call], count = atomic_load(&role->log->count);
    while (*next < count) {
        const struct program_call *call = &role->log->calls[(*next)++];
        if (is_asked_for(stage, watch, call))
            return call;
    }
    return NULL;
}

static enum outcome do_calls(struct stage *stage, const struct step *step, struct reply *reply) {
    struct stage_role *role = &stage->roles[step->role];
    struct step_result *result = board_result(stage->board, step);
    uint64_t start_ns = units_now_ns();
    struct stage_clock clock = stage_clock_begin(stage, stage_patience(step));
    const struct program_call *call;
    bool gone = false; /* one more look, behind its last call */
    while ((call = next_call(stage, role, &step->watch)) == NULL)
        if (gone || !stage_clock_pauses(&clock))
            return stage_answer_timeout(step, start_ns, reply);
        else
            gone = stage_program_gone(role);
    char text[ENDPOINT_TEXT_SIZE];
    stage_answer_errno(reply, call->error);
    reply->elapsed_ns = units_now_ns() - start_ns;
    snprintf(result->seen, RESULT_TEXT_SIZE, "%s %s", seccomp_call_name(call->call),
             endpoint_text(&call->address, text));
    if (call->evidence >= 0) {
        *result->evidence = role->log->evidence[call->evidence];
        result->has_evidence = true;
        stage_name_owners(stage, result->evidence);
    }
    return OUTCOME_ANSWERED;
}

const struct action action_calls = {.stage = do_calls};

/* --- listens --- */

/* Returns whether this is the address that the step waits for. */
static bool is_wanted(const struct stage *stage, const struct step *step,
                      const struct endpoint *address) {
    struct endpoint_pattern pattern;
    if (step->watch.has_address)
        return board_resolve_pattern(stage->board, &step->watch.address, &pattern) &&
               endpoint_matches(&pattern, address);
    return stage->scenario->port == 0 || stage->scenario->port == address->port;
}

/* A listener that the program got from the role. */
struct inherited {
    const struct stage *stage;
    const struct step *step;
    const struct stage_role *role;
    uint32_t inode; /* of the one that is looked at */
    struct endpoint *address;
    bool found;
};

static bool is_it(void *context, uint32_t inode, int fd) {
    struct inherited *inherited = context;
    (void)fd;
    inherited->found = inode == inherited->inode;
    return !inherited->found;
}

static bool take_listener(void *context, const struct inet_socket *socket) {
    struct inherited *inherited = context;
    if (!is_wanted(inherited->stage, inherited->step, &socket->local))
        return true;
    inherited->inode = socket->inode;
    *inherited->address = socket->local;
    process_sockets(inherited->role->pid, UINT_MAX, is_it, inherited);
    return !inherited->found;
}

static bool has_listener(struct stage *stage, const struct step *step, struct endpoint *address) {
    struct diag_query query = sockdiag_query(1U << STATE_LISTEN);
    struct inherited inherited = {
        .stage = stage, .step = step, .role = &stage->roles[step->role], .address = address};
    return stage->diag >= 0 && sockdiag_dump(stage->diag, &query, take_listener, &inherited) == 0 &&
           inherited.found;
}

/* Returns whether a listen() of the program has succeeded that no earlier step has named. `other`
 * is then the last one that is not the wanted one, if there was one. */
static bool next_listener(struct stage *stage, const struct step *step, struct endpoint *address,
                          struct endpoint *other) {
    struct stage_role *role = &stage->roles[step->role];
    unsigned count = atomic_load(&role->log->count);
    while (role->next_listener < count) {
        const struct program_call *call = &role->log->calls[role->next_listener++];
        if (call->call != SOCKET_CALL_LISTEN || call->error != 0)
            continue;
        if (is_wanted(stage, step, &call->address)) {
            *address = call->address;
            return true;
        }
        *other = call->address;
    }
    return false;
}

/* How long a program may do nothing before it is no longer waited for: one that has opened another
 * port is not likely to be at its start still. */
static const uint64_t idle_ns = 10ULL * NS_PER_S, idle_elsewhere_ns = 2ULL * NS_PER_S;

/* Looks whether the program has nothing to do any more; from time to time, as it costs some. */
static bool has_given_up(const struct stage_role *role, bool elsewhere, struct stage_quiet *quiet,
                         uint64_t *look_ns) {
    const uint64_t pause_ns = 50ULL * NS_PER_MS;
    if (units_now_ns() < *look_ns)
        return false;
    *look_ns = units_now_ns() + pause_ns;
    return stage_quiet_look(quiet, role) > (elsewhere ? idle_elsewhere_ns : idle_ns);
}

/* Waits for the listener. `other` is then the last one that is not the wanted one, if any. */
static bool wait_for_listener(struct stage *stage, const struct step *step,
                              struct endpoint *address, struct endpoint *other) {
    struct stage_role *role = &stage->roles[step->role];
    struct stage_clock clock = stage_clock_begin(stage, stage_patience(step));
    struct stage_quiet quiet = {0};
    uint64_t look_ns = 0;
    bool first = role->next_listener == atomic_load(&role->log->first);
    bool found =
        next_listener(stage, step, address, other) || (first && has_listener(stage, step, address));
    for (bool gone = false; !found && !gone && stage_clock_pauses(&clock);) {
        gone = stage_program_gone(role) || has_given_up(role, other->family != 0, &quiet, &look_ns);
        found = next_listener(stage, step, address, other);
    }
    return found;
}

static enum outcome do_listens(struct stage *stage, const struct step *step, struct reply *reply) {
    struct endpoint address, other = {0};
    char text[ENDPOINT_TEXT_SIZE];
    uint64_t start_ns = units_now_ns();
    bool found = wait_for_listener(stage, step, &address, &other);
    if (!found && other.family != 0)
        snprintf(board_result(stage->board, step)->seen, RESULT_TEXT_SIZE, "listen %s",
                 endpoint_text(&other, text));
    if (!found)
        return stage_answer_timeout(step, start_ns, reply);
    reply->elapsed_ns = units_now_ns() - start_ns;
    struct socket_view *view =
        board_view(stage->board, (unsigned)step->role, (unsigned)step->watch.made);
    *view = (struct socket_view){
        .made = true, .family = address.family, .local = address, .reuseaddr = false};
    board_give(stage->board, (unsigned)step->role);
    snprintf(board_result(stage->board, step)->seen, RESULT_TEXT_SIZE, "%s",
             endpoint_text(&address, text));
    stage_answer_errno(reply, 0);
    return OUTCOME_ANSWERED;
}

const struct action action_listens = {.stage = do_listens};

/* --- wait --- */

static enum outcome do_wait(struct stage *stage, const struct step *step, struct reply *reply) {
    struct stage_role *role = &stage->roles[step->role];
    uint64_t start_ns = units_now_ns();
    struct stage_clock clock = stage_clock_begin(stage, stage_patience(step));
    siginfo_t ended = {0};
    while (role->state != STAGE_ROLE_ENDED) {
        if (waitid(P_PID, (id_t)role->pid, &ended, WEXITED | WNOHANG | WNOWAIT) < 0)
            return broke(stage, "waiting for a program", errno);
        if (ended.si_pid != 0)
            break;
        if (!stage_clock_pauses(&clock))
            return stage_answer_timeout(step, start_ns, reply);
    }
    int status = stage_reap(stage, step->role);
    if (WIFSIGNALED(status))
        reply->answer = (struct answer){.kind = ANSWER_SIGNAL, .number = WTERMSIG(status)};
    else
        reply->answer = (struct answer){.kind = ANSWER_EXIT, .number = WEXITSTATUS(status)};
    return OUTCOME_ANSWERED;
}

const struct action action_wait = {.stage = do_wait};

/* --- the end --- */

/* Gives the program of the command line a moment to end by itself: it may have files to remove that
 * would be in the way of the next case. */
static void ask_to_end(const struct stage *stage) {
    const uint64_t moment_ns = NS_PER_S / 2;
    struct stage_clock clock = stage_clock_begin(stage, moment_ns);
    for (size_t i = 0; i < stage->scenario->role_count; i++)
        if (stage->roles[i].state == STAGE_ROLE_PROGRAM)
            kill(stage->roles[i].pid, SIGTERM);
    for (size_t i = 0; i < stage->scenario->role_count; i++)
        while (stage->roles[i].state == STAGE_ROLE_PROGRAM &&
               !stage_program_gone(&stage->roles[i]) && stage_clock_pauses(&clock))
            continue;
}

void stage_end_programs(struct stage *stage) {
    bool any = false;
    if (stage->scenario->needs_program)
        ask_to_end(stage);
    stage_end_roles(stage);
    for (size_t i = 0; i < stage->scenario->role_count; i++)
        any = any || stage->roles[i].log != NULL;
    /* What they have started has died with the tracer, and is ours as its parents are gone. Then
     * nobody can print any more, and those who read it have read all. */
    while (any && (wait(NULL) > 0 || errno == EINTR))
        continue;
    for (size_t i = 0; i < stage->scenario->role_count; i++) {
        struct stage_role *role = &stage->roles[i];
        if (role->log == NULL)
            continue;
        if (role->exec != NULL && stage->board->result.verdict != VERDICT_PASS)
            program_printed(role->log, board_result(stage->board, role->exec)->seen);
        munmap(role->log, sizeof *role->log);
        role->log = NULL;
    }
}
