/* The roles as the stage sees them: it forks them, asks them, and ends them. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/errnames.h"
#include "base/signames.h"
#include "base/units.h"
#include "engine/role.h"
#include "engine/stage.h"

static bool is_alive(const struct stage_role *role) {
    return role->state == STAGE_ROLE_RUNS || role->state == STAGE_ROLE_SERVES ||
           role->state == STAGE_ROLE_PROGRAM;
}

/* Reaps a role that is ending or dead, and returns its wait status. */
static int reap(struct stage_role *role) {
    int status = 0;
    while (waitpid(role->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (role->state != STAGE_ROLE_PROGRAM)
        close(role->channel);
    role->state = STAGE_ROLE_ENDED;
    role->status = status;
    return status;
}

static enum outcome broke(struct stage *stage, const char *what, int error) {
    char name[ERRNAME_SIZE];
    return stage_reason(stage, OUTCOME_ERROR, "%s: %s", what, errname(error, name));
}

/* Looks whether a child has ended, and leaves it to be reaped. Returns 0, with its number in
 * `ended` if it has, or an errno: ECHILD if it is no child of the stage. */
static int look_at(pid_t pid, siginfo_t *ended) {
    *ended = (siginfo_t){0};
    return waitid(P_PID, (id_t)pid, ended, WEXITED | WNOWAIT | WNOHANG) < 0 ? errno : 0;
}

/* The role has closed its channel without being told to, and so is about to end. Waits for that,
 * but only for a second, in case it does not end. */
static enum outcome lost(struct stage *stage, int index) {
    const struct timespec pause = {.tv_nsec = NS_PER_MS};
    struct stage_role *role = &stage->roles[index];
    const char *name = stage->scenario->roles[index];
    siginfo_t ended = {0};
    for (int tries = 0; tries < 1000 && ended.si_pid == 0; tries++) {
        if (look_at(role->pid, &ended) != 0)
            break;
        if (ended.si_pid == 0)
            nanosleep(&pause, NULL);
    }
    kill(role->pid, SIGKILL);
    int status = reap(role);
    char signal[SIGNAME_SIZE];
    if (WIFSIGNALED(status) && ended.si_pid == 0)
        return stage_reason(stage, OUTCOME_ERROR,
                            "the process of role '%.64s' did not end; portreuse has killed it",
                            name);
    if (WIFSIGNALED(status))
        return stage_reason(
            stage, OUTCOME_ERROR,
            "the process of role '%.64s' was killed by %s, which no step has sent%s", name,
            signame(WTERMSIG(status), signal),
            WTERMSIG(status) == SIGKILL ? "; see dmesg if memory ran out" : "");
    if (WEXITSTATUS(status) > ROLE_BROKEN)
        return broke(stage, "the process of a role", WEXITSTATUS(status) - ROLE_BROKEN);
    return stage_reason(stage, OUTCOME_ERROR,
                        "the process of role '%.64s' ended by itself, status %d", name,
                        WEXITSTATUS(status));
}

/* Returns whether a role that should be there is dead, or about to be. */
static bool has_died(const struct stage_role *role) {
    struct pollfd channel = {.fd = role->channel};
    siginfo_t ended;
    if (role->state != STAGE_ROLE_RUNS && role->state != STAGE_ROLE_SERVES)
        return false;
    return (poll(&channel, 1, 0) > 0 && (channel.revents & POLLHUP) != 0) ||
           (look_at(role->pid, &ended) == 0 && ended.si_pid != 0);
}

/* Returns whether a signal has ended the child, and which one; it is left to be reaped. */
static bool was_killed(pid_t pid, int *number) {
    siginfo_t ended;
    if (pid <= 0 || look_at(pid, &ended) != 0 || ended.si_pid == 0 || ended.si_code == CLD_EXITED)
        return false;
    *number = ended.si_status;
    return true;
}

/* Returns whether the case has such a step of the role. */
static bool has_step(const struct stage *stage, int role, enum verb verb) {
    const struct board *board = stage->board;
    for (size_t i = 0; i < board->result.step_count; i++) {
        const struct step *step = result_step(stage->scenario, board->case_index, i);
        if (step->verb == verb && step->role == role)
            return true;
    }
    return false;
}

/* Returns whether a step of the case sends the program a signal, or says how it ends. */
static bool is_watched(const struct stage *stage, int role) {
    return (has_step(stage, role, VERB_SIGNAL) || has_step(stage, role, VERB_WAIT)) &&
           atomic_load(&stage->roles[role].log->executed);
}

/* ERROR if a signal has ended a program, its tracer or who reads its output, and no step can have
 * to do with it. */
static enum outcome check_program(struct stage *stage, int index) {
    const struct stage_role *role = &stage->roles[index];
    const char *what = NULL;
    char name[SIGNAME_SIZE];
    int number = 0;
    if (was_killed(role->tracer, &number)) /* the program has died with it */
        what = "tracer of the program";
    else if (was_killed(role->listener, &number)) /* it may have printed in vain since */
        what = "reader of the output of the program";
    else if (role->state == STAGE_ROLE_PROGRAM && !is_watched(stage, index) &&
             was_killed(role->pid, &number))
        what = "program";
    if (what == NULL)
        return OUTCOME_ANSWERED;
    return stage_reason(stage, OUTCOME_ERROR,
                        "the %s of role '%.64s' was killed by %s, which no step has sent%s", what,
                        stage->scenario->roles[index], signame(number, name),
                        number == SIGKILL ? "; see dmesg if memory ran out" : "");
}

/* Returns whether a signal has stopped the child, and which one. */
static bool is_stopped(pid_t pid, int *number) {
    siginfo_t stopped = {0};
    if (pid <= 0 || waitid(P_PID, (id_t)pid, &stopped, WSTOPPED | WNOWAIT | WNOHANG) < 0 ||
        stopped.si_pid == 0)
        return false;
    *number = stopped.si_status;
    return true;
}

/* ERROR if a signal has stopped what the case waits for, and no step can have sent it. */
static enum outcome check_stopped(struct stage *stage, int index) {
    const struct stage_role *role = &stage->roles[index];
    const char *what = NULL;
    char name[SIGNAME_SIZE];
    int number = 0;
    if (is_stopped(role->tracer, &number))
        what = "tracer of the program";
    else if (is_stopped(role->listener, &number))
        what = "reader of the output of the program";
    else if (is_alive(role) && !has_step(stage, index, VERB_SIGNAL) &&
             is_stopped(role->pid, &number))
        what = role->state == STAGE_ROLE_PROGRAM ? "program" : "process";
    if (what == NULL)
        return OUTCOME_ANSWERED;
    return stage_reason(stage, OUTCOME_ERROR,
                        "the %s of role '%.64s' is stopped by %s, which no step has sent", what,
                        stage->scenario->roles[index], signame(number, name));
}

enum outcome stage_check_roles(struct stage *stage) {
    enum outcome outcome = OUTCOME_ANSWERED;
    for (size_t i = 0; i < stage->scenario->role_count && outcome == OUTCOME_ANSWERED; i++)
        outcome = has_died(&stage->roles[i]) ? lost(stage, (int)i) : check_program(stage, (int)i);
    for (size_t i = 0; i < stage->scenario->role_count && outcome == OUTCOME_ANSWERED; i++)
        outcome = check_stopped(stage, (int)i);
    return outcome;
}

/* Adds a role with one end of a new channel. Returns the other end, or -1 with errno set. */
static int open_channel(struct stage_role *role) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return -1;
    role->channel = ends[0];
    return ends[1];
}

/* Forks the role if there is none yet. */
static enum outcome start(struct stage *stage, int index) {
    struct stage_role *role = &stage->roles[index];
    if (role->state != STAGE_ROLE_UNBORN)
        return OUTCOME_ANSWERED;
    pid_t self = getpid();
    int far_end = open_channel(role);
    if (far_end < 0)
        return broke(stage, "socketpair() for a role", errno);
    role->pid = fork();
    if (role->pid == 0)
        role_main(stage->scenario, stage->board, index, far_end, self);
    int error = errno;
    close(far_end);
    if (role->pid < 0) {
        close(role->channel);
        return broke(stage, "fork() of a role", error);
    }
    role->state = STAGE_ROLE_RUNS;
    role->host = stage->here;
    return OUTCOME_ANSWERED;
}

/* Returns whether the case has the role from the start: what it does first is not to be forked. */
static bool is_there_first(const struct stage *stage, int role) {
    for (size_t i = 0; i < stage->board->result.step_count; i++) {
        const struct step *step = result_step(stage->scenario, stage->board->case_index, i);
        if (step->verb == VERB_FORK && step->other_role == role)
            return false;
        if (step->role == role || (step->verb == VERB_PASS && step->other_role == role))
            return true;
    }
    return false;
}

void stage_raise_roles(struct stage *stage) {
    bool more = stage->hosts == NULL;
    for (int i = 0; more && i < (int)stage->scenario->role_count; i++)
        if (is_there_first(stage, i))
            more = start(stage, i) == OUTCOME_ANSWERED;
    stage->board->reason[0] = '\0';
}

/* --- waiting --- */

/* Waits until the role has said something, or with `others` a serving role has. Returns which,
 * `role` first; NO_ROLE after `ns`. */
static int wait_for_roles(struct stage *stage, int role, bool others, uint64_t ns) {
    struct pollfd waiting[SCENARIO_ROLES_MAX];
    int who[SCENARIO_ROLES_MAX];
    nfds_t count = 0;
    for (int i = 0; i < (int)stage->scenario->role_count; i++)
        if (i == role || (others && stage->roles[i].state == STAGE_ROLE_SERVES)) {
            waiting[count] = (struct pollfd){.fd = stage->roles[i].channel, .events = POLLIN};
            who[count++] = i;
        }
    struct timespec time = {.tv_sec = (time_t)(ns / NS_PER_S), .tv_nsec = (long)(ns % NS_PER_S)};
    int ready = ppoll(waiting, count, &time, NULL);
    if (ready < 0 && errno != EINTR)
        return role; /* to receive from it waits, too */
    if (ready <= 0)
        return NO_ROLE;
    int first = NO_ROLE;
    for (nfds_t i = 0; i < count; i++)
        if (waiting[i].revents != 0 && (first < 0 || who[i] == role))
            first = who[i];
    return first;
}

/* Takes over what a role has said, and written of its sockets: nothing of it is used unchecked.
 * Returns 0 or EBADMSG. */
static int take_reply(const struct stage *stage, int role, const struct reply *reply) {
    board_take(stage->board, (unsigned)role);
    return protocol_is_sound(stage->scenario, reply) ? 0 : EBADMSG;
}

/* What is known of a role's sockets is not to be used if it could not look at one. */
static enum outcome check_reply(struct stage *stage, const struct reply *reply, int error) {
    if (error != 0)
        return broke(stage, "receiving a role's reply", error);
    return reply->look_error == 0 ? OUTCOME_ANSWERED
                                  : broke(stage, "looking at a role's socket", reply->look_error);
}

enum outcome stage_poll_serving(struct stage *stage, int *role, struct reply *reply) {
    *role = wait_for_roles(stage, NO_ROLE, true, 0);
    if (*role < 0)
        return OUTCOME_ANSWERED;
    int error = protocol_receive(stage->roles[*role].channel, reply, sizeof *reply, 0, NULL);
    if (error == EPIPE)
        return lost(stage, *role);
    error = error == 0 ? take_reply(stage, *role, reply) : error;
    return check_reply(stage, reply, error);
}

/* --- asking --- */

/* Waits until the role has said something. If a serving role has said that its block broke, the
 * step may be waiting for that role in vain: then it gets one more second, not the whole deadline.
 */
static bool wait_for_reply(struct stage *stage, int role) {
    int who;
    do
        who = wait_for_roles(stage, role, true, stage_time_left(stage));
    while (who < 0 && stage_time_left(stage) > 0);
    if (who >= 0 && who != role) {
        uint64_t left_ns = stage_time_left(stage);
        who = wait_for_roles(stage, role, false, left_ns < NS_PER_S ? left_ns : NS_PER_S);
    }
    return who == role;
}

/* Waits for the role's reply to a step, given by its index; ANSWER_NONE if there is none in time.
 * Other replies of a serving role are skipped: it says the same again when it is stopped. */
static enum outcome receive_reply(struct stage *stage, int role, uint32_t step_index,
                                  struct reply *reply) {
    do {
        *reply = protocol_reply(step_index);
        if (!wait_for_reply(stage, role))
            return OUTCOME_ANSWERED;
        int error = protocol_receive(stage->roles[role].channel, reply, sizeof *reply, 0, NULL);
        if (error == EPIPE)
            return lost(stage, role);
        error = error == 0 ? take_reply(stage, role, reply) : error;
        enum outcome outcome = check_reply(stage, reply, error);
        if (outcome != OUTCOME_ANSWERED)
            return outcome;
    } while (reply->step_index != step_index);
    return OUTCOME_ANSWERED;
}

static enum outcome send_request(struct stage *stage, int role, const struct request *request,
                                 int fd) {
    int error = protocol_send(stage->roles[role].channel, request, sizeof *request, fd);
    if (error == EPIPE)
        return lost(stage, role);
    return error == 0 ? OUTCOME_ANSWERED : broke(stage, "sending a role its step", error);
}

/* Sends the role its step and waits for the reply. */
static enum outcome exchange(struct stage *stage, const struct step *step, int fd,
                             struct reply *reply) {
    struct request request = {.step_index = stage_index(stage, step)};
    enum outcome outcome = send_request(stage, step->role, &request, fd);
    if (outcome != OUTCOME_ANSWERED)
        return outcome;
    return receive_reply(stage, step->role, request.step_index, reply);
}

enum outcome stage_ask_to_leave(struct stage *stage, const struct step *step, int fd,
                                struct reply *reply, bool *left) {
    struct stage_role *role = &stage->roles[step->role];
    struct request request = {.step_index = stage_index(stage, step)};
    enum outcome outcome = send_request(stage, step->role, &request, fd);
    if (outcome != OUTCOME_ANSWERED || !wait_for_reply(stage, step->role))
        return outcome;
    int error = protocol_receive(role->channel, reply, sizeof *reply, 0, NULL);
    *left = error == EPIPE;
    if (*left)
        close(role->channel);
    if (error == 0)
        error = take_reply(stage, step->role, reply);
    else
        board_take(stage->board, (unsigned)step->role);
    return *left ? OUTCOME_ANSWERED : check_reply(stage, reply, error);
}

/* --- steps in which the stage takes part --- */

/* Looks at the process that a role says it has made. gVisor gives what is cloned with CLONE_PARENT
 * another parent than Linux does, and it has ended for that (role_die_with_stage()). */
static enum outcome check_child(struct stage *stage, const struct step *step, pid_t pid) {
    siginfo_t ended;
    int error = look_at(pid, &ended);
    if (error == ECHILD)
        return stage_reason(stage, OUTCOME_SKIP,
                            "line %u: this kernel has no sibling processes (CLONE_PARENT)",
                            step->line);
    if (pid <= 0 || error != 0)
        return broke(stage, "a role's reply names a process that is not its child", EBADMSG);
    return OUTCOME_ANSWERED;
}

/* Sends the new role's channel with the request. */
static enum outcome do_fork(struct stage *stage, const struct step *step, struct reply *reply) {
    struct stage_role *child = &stage->roles[step->other_role];
    int far_end = open_channel(child);
    if (far_end < 0)
        return broke(stage, "socketpair() for a role", errno);
    enum outcome outcome = exchange(stage, step, far_end, reply);
    close(far_end);
    bool forked = outcome == OUTCOME_ANSWERED && reply->answer.kind == ANSWER_OK;
    if (forked)
        outcome = check_child(stage, step, reply->pid);
    if (!forked || outcome != OUTCOME_ANSWERED) {
        close(child->channel);
        return outcome;
    }
    board_take(stage->board, (unsigned)step->other_role);
    child->pid = reply->pid;
    child->host = stage->roles[step->role].host;
    child->state = STAGE_ROLE_RUNS;
    return outcome;
}

const struct action action_fork = {.stage = do_fork, .role = role_fork};

/* Has both roles do the step, one after the other. */
static enum outcome do_pass(struct stage *stage, const struct step *step, struct reply *reply) {
    struct request request = {.step_index = stage_index(stage, step)};
    int roles[] = {step->role, step->other_role}, ends[2];
    enum outcome outcome = OUTCOME_ANSWERED;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return broke(stage, "socketpair() between two roles", errno);
    reply->answer = (struct answer){.kind = ANSWER_OK};
    for (int i = 0; i < 2 && reply->answer.kind == ANSWER_OK; i++) {
        outcome = start(stage, roles[i]);
        if (outcome == OUTCOME_ANSWERED)
            outcome = send_request(stage, roles[i], &request, ends[i]);
        if (outcome == OUTCOME_ANSWERED)
            outcome = receive_reply(stage, roles[i], request.step_index, reply);
        if (outcome != OUTCOME_ANSWERED)
            break;
    }
    close(ends[0]);
    close(ends[1]);
    return outcome;
}

const struct action action_pass = {.stage = do_pass, .role = role_pass};

static enum outcome do_exit(struct stage *stage, const struct step *step, struct reply *reply) {
    enum outcome outcome = exchange(stage, step, -1, reply);
    if (outcome == OUTCOME_ANSWERED && reply->answer.kind != ANSWER_NONE)
        reap(&stage->roles[step->role]);
    return outcome;
}

const struct action action_exit = {.stage = do_exit, .role = role_exit};

static enum outcome do_kill(struct stage *stage, const struct step *step, struct reply *reply) {
    struct stage_role *role = &stage->roles[step->role];
    uint64_t start_ns = units_now_ns();
    kill(role->pid, SIGKILL);
    reap(role);
    reply->answer = (struct answer){.kind = ANSWER_OK};
    reply->elapsed_ns = units_now_ns() - start_ns;
    return OUTCOME_ANSWERED;
}

const struct action action_kill = {.stage = do_kill};

/* A block without a number of rounds could take more than a limit. */
static enum outcome do_repeat(struct stage *stage, const struct step *step, struct reply *reply) {
    const struct limits *limits = &stage->options->limits;
    enum limit which = LIMITS;
    struct request request = {.step_index = stage_index(stage, step)};
    request.most_rounds =
        limits_of_rounds(stage->scenario, stage->board->case_index, step, limits, &which);
    enum outcome outcome = send_request(stage, step->role, &request, -1);
    if (outcome == OUTCOME_ANSWERED)
        outcome = receive_reply(stage, step->role, request.step_index, reply);
    bool all = outcome == OUTCOME_ANSWERED && reply->answer.kind == ANSWER_OK &&
               reply->answer.at == VERB_NONE && reply->answer.rounds == request.most_rounds;
    if (!all || which == LIMITS)
        return outcome;
    return stage_reason(stage, OUTCOME_ERROR,
                        "line %u: more than %" PRIu64 " rounds could take more than %" PRIu64
                        " %s (--limit %s=N)",
                        step->line, request.most_rounds, limits->most[which], limits_nouns[which],
                        limits_names[which]);
}

const struct action action_repeat = {.stage = do_repeat, .role = role_block};

static enum outcome do_serve(struct stage *stage, const struct step *step, struct reply *reply) {
    enum outcome outcome = exchange(stage, step, -1, reply);
    if (outcome == OUTCOME_ANSWERED && reply->answer.kind != ANSWER_NONE) {
        stage->roles[step->role].state = STAGE_ROLE_SERVES;
        stage->roles[step->role].serve = step;
    }
    return outcome;
}

const struct action action_serve = {.stage = do_serve, .role = role_block};

enum outcome stage_stop_serving(struct stage *stage, int role, const struct step *step,
                                struct reply *reply) {
    struct request request = {.step_index = stage_index(stage, step), .stop = true};
    kill(stage->roles[role].pid, SIGNAL_STOP);
    enum outcome outcome = send_request(stage, role, &request, -1);
    /* A block that ended by itself has said so with the same reply. Where `step` is the block, that
     * reply may be taken here, and the one to this request skipped later. */
    if (outcome == OUTCOME_ANSWERED)
        outcome = receive_reply(stage, role, request.step_index, reply);
    if (outcome == OUTCOME_ANSWERED && reply->answer.kind != ANSWER_NONE)
        stage->roles[role].state = STAGE_ROLE_RUNS;
    return outcome;
}

static enum outcome do_stop(struct stage *stage, const struct step *step, struct reply *reply) {
    return stage_stop_serving(stage, step->role, step, reply);
}

const struct action action_stop = {.stage = do_stop};

/* The block that the role of this step has repeated last. */
static const struct step *last_repeat(const struct stage *stage, const struct step *step) {
    const struct step *last = NULL, *earlier = NULL;
    for (size_t i = 0; earlier != step && i < stage->board->result.step_count; i++) {
        earlier = result_step(stage->scenario, stage->board->case_index, i);
        if (earlier->verb == VERB_REPEAT && earlier->role == step->role)
            last = earlier;
    }
    return last;
}

static int by_time(const void *a, const void *b) {
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

/* What one of ten of these times does not exceed; sorts them. A process that waits for its
 * processor makes rounds longer, perhaps most of them, but none shorter. */
static uint64_t first_decile(uint64_t *times_ns, size_t count) {
    qsort(times_ns, count, sizeof times_ns[0], by_time);
    return times_ns[count / 10];
}

static enum outcome do_slowdown(struct stage *stage, const struct step *step, struct reply *reply) {
    const struct step *block = last_repeat(stage, step);
    const struct step_result *result = block == NULL ? NULL : board_result(stage->board, block);
    size_t rounds = result == NULL ? 0 : result->round_count, tenth = (rounds + 9) / 10;
    struct arena scratch = {0};
    reply->answer = (struct answer){.kind = ANSWER_NUMBER};
    if (rounds > 0) {
        uint64_t *first = arena_keep(&scratch, result->rounds_ns, tenth * sizeof *first);
        uint64_t *last =
            arena_keep(&scratch, result->rounds_ns + rounds - tenth, tenth * sizeof *last);
        uint64_t before_ns = first_decile(first, tenth);
        uint64_t after_ns = first_decile(last, tenth);
        reply->answer.number = (int64_t)(after_ns / (before_ns == 0 ? 1 : before_ns));
    }
    arena_free(&scratch);
    return OUTCOME_ANSWERED;
}

const struct action action_slowdown = {.stage = do_slowdown};

/* --- any step of a role --- */

/* The sockets of a role that has ended are closed. */
static void close_views(const struct stage *stage, int role) {
    for (unsigned i = 0; i < stage->scenario->socket_count; i++)
        board_view(stage->board, (unsigned)role, i)->open = false;
    board_give(stage->board, (unsigned)role);
}

enum outcome stage_ask(struct stage *stage, const struct step *step, struct reply *reply) {
    stage_action *action = action_of(step->verb)->stage;
    enum outcome outcome = start(stage, step->role);
    if (outcome != OUTCOME_ANSWERED)
        return outcome;
    uint64_t start_ns = units_now_ns();
    outcome = action != NULL ? action(stage, step, reply) : exchange(stage, step, -1, reply);
    if (reply->elapsed_ns == 0) /* the role has measured nothing */
        reply->elapsed_ns = units_now_ns() - start_ns;
    if (stage->roles[step->role].state == STAGE_ROLE_ENDED)
        close_views(stage, step->role);
    return outcome;
}

int stage_reap(struct stage *stage, int role) {
    struct stage_role *ending = &stage->roles[role];
    return ending->state == STAGE_ROLE_ENDED ? ending->status : reap(ending);
}

/* Kills the tracer of a program, and with it all that it watches. */
static void end_tracer(struct stage_role *role) {
    if (role->tracer <= 0)
        return;
    kill(role->tracer, SIGKILL);
    while (waitpid(role->tracer, NULL, 0) < 0 && errno == EINTR)
        continue;
    role->tracer = 0;
}

/* Kills and reaps the roles of a host, or with `everywhere` all. */
static void end_roles(struct stage *stage, int host, bool everywhere) {
    for (size_t i = 0; i < stage->scenario->role_count; i++)
        if (everywhere || stage->roles[i].host == host)
            end_tracer(&stage->roles[i]);
    for (size_t i = 0; i < stage->scenario->role_count; i++)
        if (is_alive(&stage->roles[i]) && (everywhere || stage->roles[i].host == host))
            kill(stage->roles[i].pid, SIGKILL);
    for (size_t i = 0; i < stage->scenario->role_count; i++)
        if (is_alive(&stage->roles[i]) && (everywhere || stage->roles[i].host == host)) {
            reap(&stage->roles[i]);
            close_views(stage, (int)i);
        }
}

void stage_end_roles(struct stage *stage) {
    end_roles(stage, NO_HOST, true);
}

void stage_end_roles_on(struct stage *stage, int host) {
    end_roles(stage, host, false);
}
