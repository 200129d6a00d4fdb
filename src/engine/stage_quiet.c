/* The steps that concern all processes of a program, its children too: those that the tracer of the
 * program traces. A process whose parent has ended is a child of the stage, which is their
 * subreaper; so all of them are found below the stage. */
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/stage_program.h"
#include "kernel/process.h"
#include "kernel/sockdiag.h"

/* --- the processes of a program --- */

struct visit {
    pid_t parent; /* whose children are visited */
    pid_t tracer;
    process_visit *visit;
    void *context;
};

/* Visits a process if it is the program's, and then those below it. */
static bool visit_below(void *context, pid_t pid) {
    enum { STATUS_SIZE = 1024 }; /* up to TracerPid, which comes soon */
    struct visit visit = *(const struct visit *)context;
    char status[STATUS_SIZE];
    process_read(pid, "status", status, sizeof status);
    if (process_status_number(status, "PPid") != visit.parent ||
        process_status_number(status, "TracerPid") != visit.tracer)
        return true;
    visit.visit(visit.context, pid);
    visit.parent = pid;
    process_children(pid, visit_below, &visit);
    return true;
}

/* Visits the processes of the program, in whatever process group they are. */
static void each_process(const struct stage_role *role, process_visit *visit, void *context) {
    struct visit below = {getpid(), role->tracer, visit, context};
    if (role->tracer <= 0)
        return;
    process_children(getpid(), visit_below, &below);
}

/* --- settles, accepts --- */

static bool add_activity(void *context, pid_t pid) {
    activity_add(pid, context);
    return true;
}

uint64_t stage_quiet_look(struct stage_quiet *quiet, const struct stage_role *role) {
    struct activity now = {0};
    each_process(role, add_activity, &now);
    uint64_t now_ns = units_now_ns();
    if (quiet->since_ns == 0 || !activity_none(&quiet->last, &now))
        quiet->since_ns = now_ns;
    quiet->last = now;
    return now_ns - quiet->since_ns;
}

/* Nothing has happened for so long: a program that waits is then taken to have done all that it
 * can. */
static const uint64_t settled_ns = 10ULL * NS_PER_MS;

/* Returns whether the first process of the program has ended. */
static bool has_ended(const struct stage_role *role) {
    siginfo_t ended = {0};
    return waitid(P_PID, (id_t)role->pid, &ended, WEXITED | WNOHANG | WNOWAIT) < 0 ||
           ended.si_pid != 0;
}

/* Waits until the program has nothing to do, and answers ESRCH if its first process has ended. */
static enum outcome settle(const struct stage_role *role, const struct step *step,
                           uint64_t start_ns, struct stage_clock *clock, struct reply *reply) {
    struct stage_quiet quiet = {0};
    while (!has_ended(role) && stage_quiet_look(&quiet, role) < settled_ns)
        if (!stage_clock_pauses(clock))
            return stage_answer_timeout(step, start_ns, reply);
    stage_answer_errno(reply, has_ended(role) ? ESRCH : 0);
    reply->elapsed_ns = units_now_ns() - start_ns;
    return OUTCOME_ANSWERED;
}

static enum outcome do_settles(struct stage *stage, const struct step *step, struct reply *reply) {
    struct stage_clock clock = stage_clock_begin(stage, stage_patience(step));
    return settle(&stage->roles[step->role], step, units_now_ns(), &clock, reply);
}

const struct action action_settles = {.stage = do_settles};

/* A connection that a process has, or had: one that waits for accept() has no inode, and neither
 * have those that the program has closed first, which are on their way to TIME-WAIT. */
static bool find_accepted(void *context, const struct inet_socket *socket) {
    const uint32_t closed = 1U << STATE_FIN_WAIT_1 | 1U << STATE_FIN_WAIT_2 | 1U << STATE_CLOSING |
                            1U << STATE_TIME_WAIT;
    bool *found = context;
    *found = socket->inode != 0 || (closed & 1U << socket->state) != 0;
    return !*found;
}

static bool has_accepted(const struct stage *stage, const struct endpoint *listener) {
    struct diag_query query = sockdiag_query(STATES_ANY & ~(1U << STATE_LISTEN));
    bool found = false;
    query.local = (struct endpoint_pattern){.any_address = endpoint_is_wildcard(listener),
                                            .endpoint = *listener};
    return sockdiag_dump(stage->diag, &query, find_accepted, &found) == 0 && found;
}

static enum outcome do_accepts(struct stage *stage, const struct step *step, struct reply *reply) {
    const struct stage_role *role = &stage->roles[step->role];
    const struct socket_view *view =
        board_view(stage->board, (unsigned)step->role, (unsigned)step->socket);
    struct stage_clock clock = stage_clock_begin(stage, stage_patience(step));
    uint64_t start_ns = units_now_ns();
    while (!has_accepted(stage, &view->local) && !has_ended(role))
        if (!stage_clock_pauses(&clock))
            return stage_answer_timeout(step, start_ns, reply);
    return settle(role, step, start_ns, &clock, reply);
}

const struct action action_accepts = {.stage = do_accepts, .needs = NEEDS_SOCK_DIAG};

/* --- signal --- */

/* A signal for all that a program has started. */
struct broadcast {
    pid_t program;
    int signal;
};

static bool send_signal(void *context, pid_t pid) {
    const struct broadcast *broadcast = context;
    if (pid != broadcast->program)
        kill(pid, broadcast->signal);
    return true;
}

/* Reaps a zombie that the program has left to the stage. */
static bool reap_orphan(void *context, pid_t pid) {
    const struct stage *stage = context;
    for (size_t i = 0; i < stage->scenario->role_count; i++)
        if (pid == stage->roles[i].pid || pid == stage->roles[i].tracer)
            return true;
    waitpid(pid, NULL, WNOHANG);
    return true;
}

/* Kills all that is left of the program, and waits until it is gone: what it had open is closed,
 * and its process IDs, which it may have written to a file, are no longer in use. */
static bool end_all(struct stage *stage, int role, const struct broadcast *broadcast) {
    struct stage_clock clock = stage_clock_begin(stage, 5ULL * NS_PER_S);
    while (!stage_program_gone(&stage->roles[role])) {
        if (!stage_clock_pauses(&clock))
            return false;
        each_process(&stage->roles[role], send_signal, (void *)broadcast);
    }
    stage_reap(stage, role);
    process_children(getpid(), reap_orphan, stage);
    return true;
}

static enum outcome do_signal(struct stage *stage, const struct step *step, struct reply *reply) {
    const struct stage_role *role = &stage->roles[step->role];
    struct broadcast broadcast = {role->pid, step->signal.number};
    bool runs = role->state != STAGE_ROLE_ENDED;
    int error = runs && kill(role->pid, broadcast.signal) < 0 ? errno : 0;
    stage_answer_errno(reply, error);
    if (!step->signal.all || error != 0 || role->tracer <= 0)
        return OUTCOME_ANSWERED;
    each_process(role, send_signal, &broadcast);
    if (broadcast.signal == SIGKILL && !end_all(stage, step->role, &broadcast))
        reply->answer = (struct answer){.kind = ANSWER_TIMEOUT};
    return OUTCOME_ANSWERED;
}

const struct action action_signal = {.stage = do_signal};
