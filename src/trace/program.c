/* Three processes: the caller, the tracer, the program. The caller forks both. The program waits at
 * a pipe until the tracer has seized it; then it installs the filter and executes.
 *
 * A page of memory that all three share tells the caller what the tracer sees of the program's
 * signals. A signal that reaches the caller alone (`kill PID`, a supervisor, a batch system) is
 * meant for the program and passed on; one that was sent to the whole process group, by a terminal
 * or by kill(2), has reached the program as well. */
#include "trace/program.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/shared.h"
#include "base/signals.h"
#include "base/units.h"
#include "kernel/ptrace.h"
#include "kernel/seccomp.h"

enum { SIGNALS = 65 };

/* The exit status of a tracer that could not trace. */
enum { NOT_TRACED = 255 };

struct shared {
    atomic_bool stopped; /* the program is stopped by a signal */
    struct {
        _Atomic uint64_t ns; /* when it last got the signal, and from whom */
        _Atomic pid_t sender;
    } got[SIGNALS];
    atomic_int trace_error;  /* why the program could not be traced */
    atomic_int start_error;  /* why it could not be executed */
    atomic_int filter_error; /* why the filter could not be installed */
    atomic_int wait_error;   /* why the program could not wait for the tracer */
};

struct run {
    const struct program *program;
    struct shared *shared;
    sigset_t passed_on, before;  /* the signals that are passed on; those blocked before */
    pid_t caller, tracer, child; /* `child` is the program; in it and the tracer they are known */
    int go[2], pid[2]; /* pipes: to the program when it may start; of its pid, to the tracer */
};

/* The tracer's own. */
static const struct run *tracing;

pid_t program_pid(void) {
    return tracing->child;
}

int program_start_error(void) {
    int error = atomic_load(&tracing->shared->filter_error);
    return error != 0 ? error : atomic_load(&tracing->shared->start_error);
}

/* --- the program --- */

static _Noreturn void give_up(const struct run *run, int error) {
    atomic_store(&run->shared->start_error, error);
    _exit(error == ENOENT ? 127 : 126);
}

/* Becomes the program, once it is traced. The tracer may not try earlier than it is allowed to. */
static _Noreturn void become_program(const struct run *run) {
    pid_t own = getpid();
    char go;
    close(run->go[1]);
    ptrace_allow(run->tracer);
    if (write(run->pid[1], &own, sizeof own) != sizeof own)
        _exit(127);
    ssize_t allowed = read(run->go[0], &go, 1);
    if (allowed < 0)
        atomic_store(&run->shared->wait_error, errno);
    if (allowed != 1) /* if it is 0, the tracer has said why */
        _exit(127);
    int error = seccomp_watch_socket_calls(run->program->sendto);
    atomic_store(&run->shared->filter_error, error);
    if (error != 0)
        _exit(127);
    signals_give_back();
    sigprocmask(SIG_SETMASK, &run->before, NULL);
    execvp(run->program->words[0], run->program->words);
    give_up(run, errno);
}

/* The program's input and output must end when it closes them: nobody else may hold them. */
static void leave_standard_streams(void) {
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0)
        return;
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    close(null);
}

/* --- the tracer --- */

static void note_signal(void *context, pid_t process, int signal, pid_t sender) {
    const struct run *run = context;
    if (process != run->child || signal <= 0 || signal >= SIGNALS)
        return;
    atomic_store(&run->shared->got[signal].sender, sender);
    atomic_store(&run->shared->got[signal].ns, units_now_ns());
}

/* The caller stops with the program, so that a shell notices, and goes on with it. */
static void note_stop(void *context, pid_t process, bool stopped) {
    const struct run *run = context;
    if (process != run->child)
        return;
    atomic_store(&run->shared->stopped, stopped);
    kill(run->caller, stopped ? SIGSTOP : SIGCONT);
}

static int seize(struct run *run, struct tracer *tracer) {
    if (read(run->pid[0], &run->child, sizeof run->child) != sizeof run->child)
        return ECHILD;
    int error = tracer_take_program(tracer, run->child);
    if (error == 0 && write(run->go[1], "", 1) != 1)
        error = errno;
    return error;
}

static volatile sig_atomic_t ended;

/* Comes again each second: the first one may be too early for the waitpid(2) that it is to end. An
 * alarm alone only wakes the tracer up. */
static void end_tracing(int signal) {
    if (signal != SIGALRM)
        ended = 1;
    if (ended)
        alarm(1);
}

/* What is written to a terminal in the background, or to a pipe that nobody reads, must not end the
 * program. */
static void set_signals(const struct run *run) {
    struct sigaction ending = {.sa_handler = end_tracing};
    signal(SIGTTOU, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    sigaction(SIGTERM, &ending, NULL);
    sigaction(SIGALRM, &ending, NULL);
    sigset_t mask = run->before;
    sigdelset(&mask, SIGTERM);
    sigdelset(&mask, SIGALRM);
    sigprocmask(SIG_SETMASK, &mask, NULL);
}

static _Noreturn void become_tracer(struct run *run) {
    struct tracer tracer = {
        .signals = {.stopped = note_stop, .delivered = note_signal, .context = run}, .end = &ended};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != run->caller)
        _exit(NOT_TRACED);
    setpgid(0, 0);
    close(run->pid[1]);
    close(run->go[0]);
    set_signals(run);
    leave_standard_streams();
    tracing = run;
    int error = seize(run, &tracer);
    close(run->go[1]);
    atomic_store(&run->shared->trace_error, error);
    if (error != 0)
        _exit(NOT_TRACED);
    int result = run->program->watch(run->program->context, &tracer);
    tracer_free(&tracer);
    fflush(NULL);
    _exit(result);
}

/* --- the caller --- */

/* Returns whether the program has got the signal from the same sender; of SIGCONT, whether it runs.
 */
static bool program_has(const struct run *run, const siginfo_t *info, uint64_t since_ns) {
    if (info->si_signo == SIGCONT)
        return !atomic_load(&run->shared->stopped);
    return atomic_load(&run->shared->got[info->si_signo].ns) >= since_ns &&
           atomic_load(&run->shared->got[info->si_signo].sender) == info->si_pid;
}

/* The same, but gives the tracer a moment to see it. */
static bool program_got_it(const struct run *run, const siginfo_t *info) {
    enum { PAUSE_NS = NS_PER_S / 200, EARLIER_NS = NS_PER_S / 10, PAUSES = 10 };
    const struct timespec pause = {.tv_nsec = PAUSE_NS};
    uint64_t since_ns = units_now_ns() - EARLIER_NS;
    for (int i = 0; i < PAUSES; i++) {
        if (program_has(run, info, since_ns))
            return true;
        nanosleep(&pause, NULL);
    }
    return false;
}

/* The kernel's own signals (the keys of the terminal, a change of its size) go to the whole group.
 * Once the program is gone, what is to end it ends the wait for what it has left behind. */
static void pass_on(const struct run *run, const siginfo_t *info, bool program_lives) {
    int signal = info->si_signo;
    if (!program_lives) {
        if (signal == SIGINT || signal == SIGTERM || signal == SIGHUP || signal == SIGQUIT)
            kill(run->tracer, SIGTERM);
        return;
    }
    if (info->si_code > 0 || info->si_pid == run->tracer)
        return;
    if (!program_got_it(run, info))
        kill(run->child, signal);
}

/* Returns whether the child has ended, now or before. */
static bool has_ended(pid_t child, bool before, int *status) {
    return before || waitpid(child, status, WNOHANG) == child;
}

/* Waits for both children. A program without a tracer cannot go on. */
static void wait_for_both(const struct run *run, struct program_end *end) {
    const struct timespec some_time = {.tv_sec = 2};
    bool program = false, tracer = false, told = run->program->left_behind == NULL;
    int status = 0;
    while (!program || !tracer) {
        siginfo_t info;
        if (sigtimedwait(&run->passed_on, &info, &some_time) < 0) {
            if (errno == EAGAIN && program && !told) {
                run->program->left_behind(run->program->context);
                told = true;
            }
        } else if (info.si_signo != SIGCHLD) {
            pass_on(run, &info, !program);
            continue;
        }
        tracer = has_ended(run->tracer, tracer, &status);
        program = has_ended(run->child, program, &end->status);
        if (tracer && !program)
            kill(run->child, SIGKILL);
    }
    end->watched = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    end->start_error = atomic_load(&run->shared->start_error);
}

/* Forks both, the tracer first. Returns 0 or an errno; then there is no child. */
static int fork_both(struct run *run) {
    run->caller = getpid();
    run->tracer = fork();
    if (run->tracer == 0)
        become_tracer(run);
    if (run->tracer < 0)
        return errno;
    run->child = fork();
    if (run->child == 0)
        become_program(run);
    int error = run->child < 0 ? errno : 0;
    if (error != 0) {
        kill(run->tracer, SIGKILL);
        waitpid(run->tracer, NULL, 0);
    }
    return error;
}

static void close_pipe(int *ends) {
    for (int i = 0; i < 2; i++)
        if (ends[i] >= 0)
            close(ends[i]);
}

static int run_both(struct run *run, struct program_end *end, const char **what) {
    *what = "making the processes of the tracer and the program";
    if (pipe2(run->go, O_CLOEXEC) < 0 || pipe2(run->pid, O_CLOEXEC) < 0)
        return errno;
    fflush(NULL);
    sigprocmask(SIG_BLOCK, &run->passed_on, &run->before);
    int error = fork_both(run);
    close_pipe(run->go);
    close_pipe(run->pid);
    run->go[0] = run->go[1] = run->pid[0] = run->pid[1] = -1;
    if (error != 0)
        return error;
    leave_standard_streams();
    wait_for_both(run, end);
    *what = "tracing the program";
    error = atomic_load(&run->shared->trace_error);
    if (error != 0)
        return error;
    *what = "waiting for the tracer of the program";
    error = atomic_load(&run->shared->wait_error);
    if (error != 0)
        return error;
    *what = "installing a seccomp filter for the program";
    return atomic_load(&run->shared->filter_error);
}

/* All signals but those that a fault of this process causes, and those that nobody can wait for. */
static void choose_signals(sigset_t *set) {
    static const int own[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGSYS, SIGTRAP, SIGABRT};
    sigfillset(set);
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        sigdelset(set, own[i]);
}

int program_run(const struct program *program, struct program_end *end, const char **what) {
    struct run run = {.program = program, .go = {-1, -1}, .pid = {-1, -1}};
    *end = (struct program_end){0};
    *what = "sharing memory";
    run.shared =
        mmap(NULL, sizeof *run.shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (run.shared == MAP_FAILED)
        return errno;
    choose_signals(&run.passed_on);
    int error = run_both(&run, end, what);
    close_pipe(run.go);
    close_pipe(run.pid);
    munmap(run.shared, sizeof *run.shared);
    return error;
}

_Noreturn void program_end_like(int status) {
    const struct rlimit no_core = {0};
    if (WIFEXITED(status))
        _exit(WEXITSTATUS(status));
    int fatal = WTERMSIG(status);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, fatal);
    setrlimit(RLIMIT_CORE, &no_core);
    signal(fatal, SIG_DFL);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    raise(fatal);
    _exit(128 + fatal);
}
