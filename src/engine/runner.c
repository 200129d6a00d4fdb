/* Each case has a slot: a stage process in its own process group, a board, and a socket to the
 * stage, over which that says how far it is. A slot goes through three states:
 *
 * - ahead: the stage enters its namespace and forks its roles while another case is under way, and
 *   then waits for word; at most one. It takes longer to make a namespace than to do a short case
 * - under way, until the deadline
 * - ending: the stage has said that its result is final, and takes down what it has made
 *
 * The runner sleeps in ppoll() until a stage says something, a stage dies (should another process
 * still have its socket), a deadline passes or a signal comes. If the run is watched, the stage
 * reports its steps, and the runner reports on a timer that a step takes long.
 */
#include "engine/runner.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/errnames.h"
#include "base/units.h"
#include "engine/board.h"
#include "engine/orphans.h"
#include "engine/stage.h"
#include "kernel/process.h"

/* One case to run, so many times. */
struct job {
    struct case_result *result; /* in the run's result */
    const struct scenario *scenario;
    size_t case_index;
    size_t place;         /* among all cases */
    uint64_t declared_ns; /* how long its text says that it may wait */
    unsigned begun, ended;
    uint64_t began_ns; /* of its first run, since the run began */
};

struct slot {
    pid_t pid;       /* of the stage; 0: the slot is free */
    struct job *job; /* NULL: it is ending */
    bool needs_program;
    struct board *board; /* owned, until it is ending */
    int socket;          /* our end of the socket to the stage */
    int death;           /* of the stage: its pidfd, or -1 */
    bool ahead;          /* its case has not begun */
    bool ready;          /* all that the case needs is made */
    bool again;          /* this is the second try to prepare it */
    unsigned repetition; /* from 1 */
    uint64_t began_ns;
    uint64_t kill_at_ns; /* well after the deadline, which the stage keeps itself */
    bool killed;         /* that moment has come */
    size_t polled;       /* where its two descriptors are among those that are polled */
    const char *trouble; /* why the runner ends it, or NULL */
};

struct runner {
    const struct run_options *options;
    struct run_result *run;
    struct job *jobs;
    size_t job_count, next_job;
    struct slot *slots;
    size_t slot_count;
    struct strangers strangers;
    size_t under_way, most;      /* how many cases are, and may be at a time */
    const struct job *not_ahead; /* the job whose stage could not be made ahead */
    unsigned failures;           /* of the last stages that were made ahead, one after the other */
    sigset_t usual_mask;
    int interrupted;
    uint64_t began_ns, next_tick_ns;
    int processor;  /* every second stage is on it, the others elsewhere: so that a case does not
                       wait while the next one is prepared. -1: the kernel chooses */
    bool elsewhere; /* the last stage */
    size_t runs_ended;
    bool stopped; /* --fail-fast: a case did not pass */
};

static volatile sig_atomic_t caught;

static void on_signal(int number) {
    caught = number;
}

static bool is_under_way(const struct slot *slot) {
    return slot->job != NULL && !slot->ahead;
}

/* The slot whose stage was made ahead, or NULL. */
static struct slot *slot_ahead(const struct runner *runner) {
    for (size_t i = 0; i < runner->slot_count; i++)
        if (runner->slots[i].ahead)
            return &runner->slots[i];
    return NULL;
}

/* How many stages are making what their cases need. To make a network namespace, the kernel takes
 * locks that all others wait for: several at once keep processors busy, and are hardly faster. */
static size_t being_made(const struct runner *runner) {
    size_t count = 0;
    for (size_t i = 0; i < runner->slot_count; i++)
        count += runner->slots[i].job != NULL && !runner->slots[i].ready;
    return count;
}

/* --- watching --- */

static void tell(const struct runner *runner, struct run_event event, uint64_t now_ns) {
    const struct run_watcher *watcher = &runner->options->watcher;
    event.at_ns = now_ns - runner->began_ns;
    event.runs_ended = runner->runs_ended;
    event.runs_total = runner->job_count * runner->options->repeat;
    if (watcher->tell != NULL)
        watcher->tell(watcher->context, &event);
}

static struct run_event event_of(const struct slot *slot, enum run_event_kind kind) {
    return (struct run_event){.kind = kind,
                              .scenario = slot->job->scenario,
                              .case_index = slot->job->case_index,
                              .repetition = slot->repetition};
}

/* Passes on what a stage has reported of a step. */
static void tell_step(const struct runner *runner, const struct slot *slot,
                      const struct stage_event *said) {
    bool ended = said->kind == STAGE_STEP_ENDS;
    struct run_event event = event_of(slot, ended ? STEP_ENDS : STEP_BEGINS);
    event.step = &slot->job->scenario->steps[said->step_index];
    struct step_result result = *board_result(slot->board, event.step);
    result_set_outcome(&result, event.step, &said->outcome);
    if (ended)
        event.result = &result;
    tell(runner, event, said->at_ns);
}

/* Tells the watcher which step takes long, and sets the time of the next tick. */
static void tick(struct runner *runner, uint64_t now_ns) {
    const struct slot *oldest = NULL;
    for (size_t i = 0; i < runner->slot_count; i++) {
        const struct slot *slot = &runner->slots[i];
        if (is_under_way(slot) && (oldest == NULL || slot->began_ns < oldest->began_ns))
            oldest = slot;
    }
    runner->next_tick_ns = now_ns + runner->options->watcher.tick_ns;
    if (oldest == NULL)
        return;
    struct run_event event = event_of(oldest, RUN_WAITS);
    const struct board *board = oldest->board;
    if (board->under_way != NO_STEP) {
        event.step = &oldest->job->scenario->steps[board->under_way];
        event.rounds = board_rounds(board, event.step);
        if (now_ns > board->under_way_since_ns)
            event.waited_ns = now_ns - board->under_way_since_ns;
    }
    tell(runner, event, now_ns);
}

/* --- starting --- */

/* Turns a fork into a stage: it dies with the runner, and is not in the process group to which the
 * terminal sends its signals. */
static _Noreturn void become_stage(const struct runner *runner, struct board *board, pid_t parent,
                                   struct stage_options *options) {
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGCHLD, SIGPIPE};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    setpgid(0, 0);
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        signal(signals[i], SIG_DFL);
    sigprocmask(SIG_SETMASK, &runner->usual_mask, NULL);
    /* No role inherits what the caller of the program has open, nor other sockets of the runner. */
    options->runner = process_keep_only(options->runner);
    stage_run(board, options);
    _exit(0);
}

/* Makes it an ERROR; `why` must live as long as the run's result. */
static void set_broken(struct case_result *result, const char *why) {
    result->verdict = VERDICT_ERROR;
    result->reason = why;
}

/* How long a case may last. */
static uint64_t time_limit(const struct runner *runner, const struct job *job) {
    const uint64_t usual_ns = 30ULL * NS_PER_S;
    uint64_t given_ns = runner->options->timeout_ns;
    return given_ns != 0 ? given_ns : usual_ns + job->declared_ns;
}

static const uint64_t grace_ns = 5ULL * NS_PER_S;

/* Forks a stage for the job's next run in a free slot. Returns 0, or an errno of `*call`. */
static int fork_stage(struct runner *runner, struct slot *slot, struct job *job, bool ahead,
                      const char **call) {
    uint64_t now_ns = units_now_ns(), most_ns = time_limit(runner, job);
    int ends[2];
    pid_t self = getpid();
    struct board *board = board_new(job->scenario, job->case_index);
    *call = "mmap() of the case's results";
    if (board == NULL)
        return errno;
    *call = "socketpair() to the case's process";
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) {
        int error = errno;
        board_free(board);
        return error;
    }
    struct stage_options options = {.current = runner->options->current,
                                    .timed = runner->options->timeout_ns != 0,
                                    .limits = runner->options->limits,
                                    .began_ns = now_ns,
                                    .deadline_ns = now_ns + most_ns,
                                    .runner = ends[1],
                                    .tells_steps = runner->options->watcher.steps,
                                    .ahead = ahead,
                                    .processor = runner->processor,
                                    .elsewhere = !runner->elsewhere};
    *call = "fork() of the case's process";
    pid_t pid = fork();
    if (pid == 0)
        become_stage(runner, board, self, &options);
    int error = pid < 0 ? errno : 0;
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        board_free(board);
        return error;
    }
    runner->elsewhere = options.elsewhere;
    setpgid(pid, pid); /* here too, so that it is done before anyone may kill the group */
    *slot = (struct slot){.pid = pid,
                          .job = job,
                          .needs_program = job->scenario->needs_program,
                          .board = board,
                          .socket = ends[0],
                          .death = process_pidfd(pid),
                          .ahead = ahead,
                          .began_ns = now_ns,
                          .kill_at_ns = now_ns + most_ns + grace_ns};
    return 0;
}

/* The job's next run begins in this slot. */
static void note_begin(struct runner *runner, struct slot *slot, struct job *job) {
    slot->repetition = ++job->begun;
    runner->under_way++;
    if (job->begun == 1)
        job->began_ns = slot->began_ns - runner->began_ns;
    tell(runner, event_of(slot, CASE_BEGINS), slot->began_ns);
}

static int start(struct runner *runner, struct slot *slot, struct job *job, const char **call) {
    int error = fork_stage(runner, slot, job, false, call);
    if (error == 0)
        note_begin(runner, slot, job);
    return error;
}

static void drop_ahead(struct runner *runner, struct slot *ahead);

/* Gives a stage that was made ahead its word. If it is dead, that shows; if it is deaf, it ends. */
static void let_begin(struct runner *runner, struct slot *slot, struct job *job) {
    uint64_t now_ns = units_now_ns(), most_ns = time_limit(runner, job);
    struct stage_word word = {.began_ns = now_ns, .deadline_ns = now_ns + most_ns};
    ssize_t sent;
    while ((sent = send(slot->socket, &word, sizeof word, MSG_NOSIGNAL)) < 0 && errno == EINTR)
        continue;
    if (sent < 0 && errno != EPIPE && errno != ECONNRESET) {
        drop_ahead(runner, slot);
        return;
    }
    slot->ahead = false;
    slot->began_ns = now_ns;
    slot->kill_at_ns = now_ns + most_ns + grace_ns;
    note_begin(runner, slot, job);
}

/* --- ending --- */

/* Adds a run's result to the case's: the first one is kept, until the first that did not pass
 * replaces it. */
static void add_result(struct runner *runner, struct job *job, struct case_result *now) {
    struct case_result *kept = job->result;
    bool first = job->ended++ == 0;
    runner->runs_ended++;
    if (now->verdict == VERDICT_SKIP && runner->options->must_run)
        now->verdict = VERDICT_ERROR;
    unsigned passed = kept->passed + (now->verdict == VERDICT_PASS);
    if (first || (kept->verdict == VERDICT_PASS && now->verdict != VERDICT_PASS))
        *kept = result_keep(&runner->run->arena, now);
    kept->began_ns = job->began_ns;
    kept->runs = job->ended;
    runner->stopped |= runner->options->fail_fast && now->verdict >= VERDICT_FAIL;
    kept->passed = passed;
}

/* Gives the result of a case to those of its scenario that have not begun. */
static void spare_others(struct runner *runner, const struct job *hopeless) {
    for (size_t i = 0; i < runner->job_count; i++) {
        struct job *job = &runner->jobs[i];
        struct case_result broken = {0};
        if (job->scenario != hopeless->scenario)
            continue;
        set_broken(&broken, hopeless->result->reason);
        for (; job->begun < runner->options->repeat; job->begun++)
            add_result(runner, job, &broken);
    }
}

static bool is_stage(const void *context, pid_t pid) {
    const struct runner *runner = context;
    for (size_t i = 0; i < runner->slot_count; i++)
        if (runner->slots[i].pid == pid)
            return true;
    return false;
}

/* The case in a slot has its result. */
static void conclude(struct runner *runner, struct slot *slot, struct case_result *result) {
    struct job *job = slot->job;
    struct run_event event = event_of(slot, CASE_ENDS);
    add_result(runner, job, result);
    event.case_result = result;
    tell(runner, event, units_now_ns());
    board_free(slot->board);
    slot->board = NULL;
    slot->job = NULL;
    slot->kill_at_ns = units_now_ns() + grace_ns;
    runner->under_way--;
    if (result_is_hopeless(job->scenario, job->result))
        spare_others(runner, job);
}

/* The result of a case whose stage has ended without saying that it is final. */
static void judge_end(struct runner *runner, const struct slot *slot, int status) {
    struct case_result *result = &slot->board->result;
    bool clean = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (!clean && runner->interrupted != 0)
        set_broken(result, "interrupted");
    else if (slot->trouble != NULL)
        set_broken(result, slot->trouble);
    else if (!clean && slot->killed)
        set_broken(result, board_too_long(slot->board, &runner->run->arena));
    else if (!clean)
        set_broken(result, board_ended_early(&runner->run->arena, slot->pid, status));
}

/* How many stages in a row cannot be made ahead before no more are tried. */
enum { FAILURES_MOST = 3 };

/* A case could not be prepared. If that is perhaps for want of what the stage made ahead of it has,
 * tries again without that one. Returns whether it does. */
static bool try_again(struct runner *runner, struct slot *slot) {
    struct slot before = *slot, *ahead = slot_ahead(runner);
    const char *call;
    if (slot->again || runner->interrupted != 0 || ahead == NULL)
        return false;
    drop_ahead(runner, ahead);
    runner->failures = FAILURES_MOST;
    if (fork_stage(runner, slot, before.job, false, &call) != 0)
        return false;
    board_free(before.board);
    slot->repetition = before.repetition;
    slot->again = true;
    return true;
}

/* Handles the end of the stage in a slot: reaps it, and then the roles that it may have left to us
 * as their subreaper, dead or about to be: those in its process group, among them the tracers, and
 * then the programs, which die with their tracers. One that was made ahead and could not be has
 * perhaps met a limit that the other cases share: its case is then begun when they have ended. */
static void finish(struct runner *runner, struct slot *slot) {
    int status = 0, ignored;
    siginfo_t ended;
    while (waitid(P_PID, (id_t)slot->pid, &ended, WEXITED | WNOWAIT) < 0 && errno == EINTR)
        continue;
    kill(-slot->pid, SIGKILL); /* whatever is left; the number is the stage's until it is reaped */
    while (waitpid(slot->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    while (waitpid(-slot->pid, &ignored, 0) > 0 || errno == EINTR)
        continue;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        orphans_reap(&runner->strangers, is_stage, runner);
    close(slot->socket);
    if (slot->death >= 0)
        close(slot->death);
    if (is_under_way(slot) && slot->board->refused && try_again(runner, slot))
        return;
    if (is_under_way(slot)) {
        judge_end(runner, slot, status);
        conclude(runner, slot, &slot->board->result);
    }
    if (slot->ahead) {
        runner->not_ahead = slot->job;
        runner->failures += slot->board->scarce ? FAILURES_MOST : 1;
    }
    board_free(slot->board);
    *slot = (struct slot){0};
}

/* --- the loop --- */

/* Returns whether a case with the program of the command line is under way. */
static bool program_runs(const struct runner *runner) {
    for (size_t i = 0; i < runner->slot_count; i++)
        if (runner->slots[i].pid != 0 && runner->slots[i].needs_program)
            return true;
    return false;
}

/* The next job that has runs left to start, or NULL. The program of the command line runs in one
 * case at a time: it has its files, such as that with its process ID, for itself. */
static struct job *next_job(struct runner *runner) {
    while (runner->next_job < runner->job_count &&
           runner->jobs[runner->next_job].begun == runner->options->repeat)
        runner->next_job++;
    if (runner->next_job == runner->job_count || runner->interrupted != 0 || runner->stopped)
        return NULL;
    struct job *next = &runner->jobs[runner->next_job];
    return next->scenario->needs_program && program_runs(runner) ? NULL : next;
}

/* Starts the job's next run. If it cannot be started, that is the job's result; but not while other
 * stages take of what there is, although their cases have ended, or have not begun. Returns whether
 * it need not wait for those. */
static bool start_or_break(struct runner *runner, struct slot *slot, struct job *job) {
    const char *call;
    int error = start(runner, slot, job, &call);
    struct slot *ahead = slot_ahead(runner);
    if (error != 0 && ahead != NULL) {
        drop_ahead(runner, ahead);
        runner->failures = FAILURES_MOST;
        error = start(runner, slot, job, &call);
    }
    if (error == 0)
        return true;
    for (size_t i = 0; i < runner->slot_count; i++)
        if (runner->slots[i].pid != 0 && !is_under_way(&runner->slots[i]))
            return false;
    struct case_result broken = {0};
    char name[ERRNAME_SIZE];
    set_broken(&broken, arena_format(&runner->run->arena, "%s: %s", call, errname(error, name)));
    job->begun = runner->options->repeat;
    add_result(runner, job, &broken);
    return true;
}

static struct slot *free_slot(const struct runner *runner) {
    for (size_t i = 0; i < runner->slot_count; i++)
        if (runner->slots[i].pid == 0)
            return &runner->slots[i];
    return NULL;
}

/* Begins the cases that may be under way now. One whose stage is still being made begins when that
 * is ready. */
static void begin_cases(struct runner *runner) {
    enum { MADE_AT_ONCE = 2 };
    struct job *job;
    while (runner->under_way < runner->most && being_made(runner) < MADE_AT_ONCE &&
           (job = next_job(runner)) != NULL) {
        struct slot *ahead = slot_ahead(runner), *slot = free_slot(runner);
        if (ahead != NULL && ahead->job == job && ahead->ready)
            let_begin(runner, ahead, job);
        else if ((ahead != NULL && ahead->job == job) || slot == NULL ||
                 !start_or_break(runner, slot, job))
            return;
    }
}

static void drop_ahead(struct runner *runner, struct slot *ahead) {
    kill(-ahead->pid, SIGKILL);
    finish(runner, ahead);
}

/* Makes the stage of the next case while others are under way, as far as these cannot be in its
 * way: not in the current namespace, and not for the program of the command line. */
static void make_ahead(struct runner *runner) {
    struct slot *ahead = slot_ahead(runner), *slot = free_slot(runner);
    struct job *next = next_job(runner);
    const char *call;
    if (ahead != NULL && ahead->job != next)
        drop_ahead(runner, ahead);
    if (ahead != NULL || slot == NULL || next == NULL || next == runner->not_ahead ||
        runner->under_way == 0 || runner->failures >= FAILURES_MOST || being_made(runner) > 0 ||
        runner->options->current || next->scenario->needs_program)
        return;
    if (fork_stage(runner, slot, next, true, &call) != 0)
        runner->not_ahead = next;
}

/* Fills the slots. Returns whether any is in use. */
static bool fill_slots(struct runner *runner) {
    begin_cases(runner);
    make_ahead(runner);
    for (size_t i = 0; i < runner->slot_count; i++)
        if (runner->slots[i].pid != 0)
            return true;
    return false;
}

/* The time until the next deadline or tick. */
static uint64_t time_to_sleep(const struct runner *runner) {
    uint64_t earliest = runner->options->watcher.tick_ns == 0 ? UINT64_MAX : runner->next_tick_ns;
    for (size_t i = 0; i < runner->slot_count; i++)
        if (runner->slots[i].pid != 0 && runner->slots[i].kill_at_ns < earliest)
            earliest = runner->slots[i].kill_at_ns;
    uint64_t now_ns = units_now_ns();
    return earliest > now_ns ? earliest - now_ns : 0;
}

/* Ends a case that the runner cannot follow: `call` has failed. */
static void break_off(struct runner *runner, struct slot *slot, const char *call, int error) {
    char name[ERRNAME_SIZE];
    slot->trouble = arena_format(&runner->run->arena, "waiting for the case, %s: %s", call,
                                 errname(error, name));
    kill(-slot->pid, SIGKILL);
    finish(runner, slot);
}

/* Handles what a stage has said, or its end. */
static void handle_socket(struct runner *runner, struct slot *slot) {
    struct stage_event said;
    ssize_t size = recv(slot->socket, &said, sizeof said, 0);
    if (size < 0 && errno == EINTR)
        return;
    if (size < 0 && errno != ECONNRESET) /* it may be waiting for word */
        break_off(runner, slot, "recv()", errno);
    else if (size < (ssize_t)sizeof said)
        finish(runner, slot);
    if (size < (ssize_t)sizeof said)
        return;
    switch (said.kind) {
    case STAGE_READY:
        slot->ready = true;
        if (slot->ahead)
            runner->failures = 0;
        break;
    case STAGE_STEP_BEGINS:
    case STAGE_STEP_ENDS:
        tell_step(runner, slot, &said);
        break;
    case STAGE_DONE:
        conclude(runner, slot, &slot->board->result);
        break;
    }
}

/* Ends all cases under way: the runner cannot wait for them. */
static void give_up(struct runner *runner, int error) {
    for (size_t i = 0; i < runner->slot_count; i++)
        if (runner->slots[i].pid != 0)
            break_off(runner, &runner->slots[i], "ppoll()", error);
}

/* Waits until something happens, and handles it. */
static void wait_for_slots(struct runner *runner, struct pollfd *waiting) {
    uint64_t ns = time_to_sleep(runner);
    struct timespec time = {.tv_sec = (time_t)(ns / NS_PER_S), .tv_nsec = (long)(ns % NS_PER_S)};
    nfds_t count = 0;
    for (size_t i = 0; i < runner->slot_count; i++) {
        struct slot *slot = &runner->slots[i];
        slot->polled = count;
        if (slot->pid == 0)
            continue;
        waiting[count++] = (struct pollfd){.fd = slot->socket, .events = POLLIN};
        waiting[count++] = (struct pollfd){.fd = slot->death, .events = POLLIN};
    }
    int ready = ppoll(waiting, count, &time, &runner->usual_mask);
    if (ready < 0 && errno != EINTR) {
        give_up(runner, errno);
        return;
    }
    bool interrupted = caught != 0 && runner->interrupted == 0;
    if (interrupted)
        runner->interrupted = caught;
    uint64_t now_ns = units_now_ns();
    for (size_t i = 0; i < runner->slot_count; i++) {
        struct slot *slot = &runner->slots[i];
        if (slot->pid == 0)
            continue;
        slot->killed = slot->killed || now_ns >= slot->kill_at_ns;
        if (interrupted || slot->killed)
            kill(-slot->pid, SIGKILL); /* its roles too: it is not reaped yet */
        if (ready > 0 && waiting[slot->polled].revents != 0)
            handle_socket(runner, slot);
        else if (slot->killed || (ready > 0 && waiting[slot->polled + 1].revents != 0))
            finish(runner, slot); /* somebody else has its socket */
    }
    if (runner->options->watcher.tick_ns > 0 && now_ns >= runner->next_tick_ns)
        tick(runner, now_ns);
}

static void run_jobs(struct runner *runner, struct arena *scratch) {
    struct pollfd *waiting = arena_alloc(scratch, 2 * runner->slot_count * sizeof waiting[0]);
    while (fill_slots(runner))
        wait_for_slots(runner, waiting);
    for (size_t i = 0; i < runner->job_count; i++) {
        const struct job *job = &runner->jobs[i];
        if (job->ended == runner->options->repeat || job->result->verdict > VERDICT_SKIP)
            continue;
        if (runner->interrupted != 0) {
            set_broken(job->result, "interrupted before it was run");
        } else if (job->ended == 0) {
            job->result->verdict = VERDICT_SKIP;
            job->result->reason = "not run, because another case did not pass (--fail-fast)";
        }
    }
}

/* --- before and after --- */

/* Blocks the signals that end a run, except while the runner sleeps, and records them. */
static void catch_signals(struct runner *runner, struct sigaction *before, const int *signals,
                          size_t count) {
    struct sigaction note = {.sa_handler = on_signal};
    sigset_t blocked;
    sigemptyset(&blocked);
    caught = 0;
    for (size_t i = 0; i < count; i++) {
        sigaddset(&blocked, signals[i]);
        sigaction(signals[i], NULL, &before[i]);
        if (before[i].sa_handler != SIG_IGN)
            sigaction(signals[i], &note, NULL);
    }
    sigprocmask(SIG_BLOCK, &blocked, &runner->usual_mask);
}

static size_t list_jobs(struct runner *runner, struct arena *scratch,
                        const struct scenario *const *scenarios, size_t count) {
    struct run_result *run = runner->run;
    size_t jobs = 0;
    for (size_t i = 0; i < count; i++)
        jobs += scenarios[i]->case_count;
    runner->jobs = arena_alloc(scratch, (jobs + 1) * sizeof runner->jobs[0]);
    run->scenarios = arena_alloc(&run->arena, (count + 1) * sizeof run->scenarios[0]);
    run->scenario_count = count;
    for (size_t i = 0; i < count; i++) {
        size_t cases = scenarios[i]->case_count;
        run->scenarios[i] = (struct scenario_result){
            .scenario = scenarios[i],
            .cases = arena_alloc(&run->arena, (cases + 1) * sizeof(struct case_result))};
        for (size_t k = 0; k < cases; k++) {
            run->scenarios[i].cases[k].reason = "";
            runner->jobs[runner->job_count] =
                (struct job){.result = &run->scenarios[i].cases[k],
                             .scenario = scenarios[i],
                             .case_index = k,
                             .place = runner->job_count,
                             .declared_ns = scenario_declared_ns(scenarios[i], k)};
            runner->job_count++;
        }
    }
    return jobs;
}

/* Those that may wait longest come first; the others as they are given. */
static int longest_first(const void *left, const void *right) {
    const struct job *a = left, *b = right;
    if (a->declared_ns != b->declared_ns)
        return a->declared_ns > b->declared_ns ? -1 : 1;
    return a->place < b->place ? -1 : 1;
}

void runner_run(const struct scenario *const *scenarios, size_t count,
                const struct run_options *options, struct run_result *run) {
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    enum { SIGNALS = sizeof signals / sizeof signals[0] };
    struct sigaction before[SIGNALS];
    struct arena scratch = {0};
    struct runner runner = {.options = options, .run = run, .began_ns = units_now_ns()};
    *run = (struct run_result){.arena.apart = true, .repeat = options->repeat, .began = time(NULL)};
    size_t jobs = list_jobs(&runner, &scratch, scenarios, count);
    size_t most = options->current || options->jobs == 0 ? 1 : options->jobs;
    runner.most = jobs * options->repeat < most ? jobs * options->repeat : most;
    runner.processor = runner.most == 1 ? sched_getcpu() : -1;
    if (runner.most > 1) /* a long case that begins last would be waited for alone */
        qsort(runner.jobs, jobs, sizeof runner.jobs[0], longest_first);
    runner.slot_count = 2 * runner.most + 1; /* as many may be ending, and one made ahead */
    runner.slots = arena_alloc(&scratch, (runner.slot_count + 1) * sizeof runner.slots[0]);
    runner.next_tick_ns = runner.began_ns + options->watcher.tick_ns;
    tell(&runner, (struct run_event){.kind = RUN_BEGINS}, runner.began_ns);
    orphans_expect(&runner.strangers, &scratch);
    catch_signals(&runner, before, signals, SIGNALS);
    run_jobs(&runner, &scratch);
    for (size_t i = 0; i < SIGNALS; i++)
        sigaction(signals[i], &before[i], NULL);
    sigprocmask(SIG_SETMASK, &runner.usual_mask, NULL);
    run->interrupted = runner.interrupted;
    run->elapsed_ns = units_now_ns() - runner.began_ns;
    result_sum_up(run);
    arena_free(&scratch);
}
