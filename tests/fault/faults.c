/* Runs a command again and again, and each time something else fails in one of its processes: a
 * system call (inject.c), or an allocation; or all its reads and writes are short (preload.c).
 *
 * usage: faults [OPTION...] COMMAND...
 *
 *   -c CALL       calls of this kind only (default: of all kinds, one kind after the other)
 *   -x CALL,...   no calls of these kinds
 *   -e ERRNO      what fails fails with it (default: what is usual for the call)
 *   -a LIBRARY    allocations fail, not system calls; LIBRARY is made of preload.c
 *   -r LIBRARY    nothing fails, but reads and writes are short: of 1, 7 and 100 bytes
 *   -s            all later ones of the kind fail, too
 *   -n N, -f N    every Nth, from the Nth on (default: 1)
 *   -m N          at most N of a kind, spread evenly
 *   -t SECONDS    a run must end in this time (default: 20)
 *   -2            the answer is the first line of standard error, not that of standard output
 *   -v            also print each run that is right
 *
 * First the command runs without a fault: its exit status and its first line are the truth. A run
 * is right if it tells the truth, but for numbers, or says with exit status 2 that it could not,
 * and why; or if it has the verdict of the truth, and names the errno that kept it from saying
 * more. It must end, by no signal, and leave no process, and no file in the current directory.
 * Prints each run that is not right, and one line with the sum. Exit status 1 if one was wrong, 77
 * if nothing can fail here.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/errnames.h"
#include "base/units.h"
#include "fault/faults.h"

enum { UNABLE = 125 };

static char out_path[] = "/tmp/faults-out-XXXXXX", err_path[] = "/tmp/faults-err-XXXXXX";
static char state_path[] = "/tmp/faults-state-XXXXXX";
static const char *library;

/* --- one run --- */

static _Noreturn void become(const struct run *run, int channel) {
    int nothing = open("/dev/null", O_RDONLY);
    int to = open(out_path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    int complaints = open(err_path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    setpgid(0, 0);
    prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L);
    if (nothing < 0 || to < 0 || complaints < 0 || dup2(channel, CHANNEL) < 0)
        _exit(UNABLE);
    dup2(nothing, STDIN_FILENO);
    dup2(to, STDOUT_FILENO);
    dup2(complaints, STDERR_FILENO);
    for (int fd = 3; fd < CHANNEL; fd++)
        close(fd);
    if (run->state != NULL) {
        setenv("LD_PRELOAD", library, 1);
        setenv(FAULT_STATE, state_path, 1);
        setenv(FAULT_PROGRAM, run->program, 1);
    } else if (!inject_install(run)) {
        _exit(UNABLE);
    }
    close(CHANNEL);
    execvp(run->command[0], run->command);
    _exit(127);
}

static bool has_ended(pid_t pid) {
    siginfo_t ended = {0};
    return waitid(P_PID, (id_t)pid, &ended, WEXITED | WNOWAIT | WNOHANG) == 0 && ended.si_pid != 0;
}

/* Kills what the command has left: we are its subreaper. Returns how many processes that were. */
static unsigned kill_left(void) {
    char path[64], text[4096];
    unsigned killed = 0;
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    for (int round = 0; round < 100; round++) {
        FILE *file = fopen(path, "re");
        size_t size = file == NULL ? 0 : fread(text, 1, sizeof text - 1, file);
        if (file != NULL)
            fclose(file);
        text[size] = '\0';
        if (size == 0)
            break;
        for (char *at = text, *end; (void)0, strtol(at, &end, 10) > 0; at = end) {
            pid_t pid = (pid_t)strtol(at, NULL, 10);
            killed += !has_ended(pid);
            kill(pid, SIGKILL);
        }
        while (waitpid(-1, NULL, 0) > 0)
            continue;
    }
    return killed;
}

/* Answers the kernel, or waits, until the command has ended and its processes, too: a second later
 * it has left some. */
static void watch(struct run *run, pid_t pid, int listener) {
    uint64_t end_ns = units_now_ns() + (uint64_t)run->seconds * NS_PER_S, dead_ns = 0;
    while (!run->hung && !run->left) {
        struct pollfd waiting = {.fd = listener, .events = POLLIN};
        int ready = poll(&waiting, 1, listener < 0 ? 1 : 20);
        if (ready > 0 && (waiting.revents & POLLIN) != 0)
            inject_answer(run, listener);
        else if (ready > 0)
            return; /* nobody is left */
        uint64_t now_ns = units_now_ns();
        if (dead_ns == 0 && ready == 0 && has_ended(pid)) {
            if (listener < 0)
                return;
            dead_ns = now_ns;
        }
        run->hung = dead_ns == 0 && now_ns > end_ns;
        run->left = dead_ns != 0 && now_ns > dead_ns + NS_PER_S;
    }
}

/* Waits until the processes that the command has left are gone, for at most a second: what is
 * killed with its parent may need a moment. */
static void wait_for_rest(void) {
    uint64_t end_ns = units_now_ns() + NS_PER_S;
    pid_t ended;
    while ((ended = waitpid(-1, NULL, WNOHANG)) >= 0 && units_now_ns() < end_ns)
        if (ended == 0)
            usleep(500);
}

static size_t read_output(const char *path, char *text, size_t room, char *line) {
    FILE *file = fopen(path, "re");
    size_t size = file == NULL ? 0 : fread(text, 1, room - 1, file);
    if (file != NULL)
        fclose(file);
    text[size] = '\0';
    snprintf(line, LINE_SIZE, "%.*s", (int)strcspn(text, "\n"), text);
    return size;
}

static long files(void) {
    long count = 0;
    DIR *directory = opendir(".");
    while (directory != NULL && readdir(directory) != NULL)
        count++;
    if (directory != NULL)
        closedir(directory);
    return count;
}

static void run_once(struct run *run) {
    int ends[2], listener = -1;
    long before = files();
    run->seen = 0;
    memset(run->seen_of, 0, sizeof run->seen_of);
    run->failed = NULL;
    run->hung = run->left = false;
    inject_forget();
    if (run->state != NULL) {
        atomic_store(&run->state->seen, 0);
        atomic_store(&run->state->failed, 0);
        atomic_store(&run->state->cut, 0);
        run->state->fail = run->fail;
        run->state->stays = run->stays;
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        exit(3);
    pid_t pid = fork();
    if (pid == 0)
        become(run, ends[1]);
    close(ends[1]);
    if (run->state == NULL && (listener = inject_take_over(ends[0])) < 0)
        exit(77);
    close(ends[0]);
    watch(run, pid, listener);
    if (run->hung)
        kill(pid, SIGKILL);
    if (listener >= 0)
        close(listener);
    run->status = -1;
    waitpid(pid, &run->status, 0);
    if (!run->hung)
        wait_for_rest();
    run->left = kill_left() > 0 || run->left;
    run->files = files() - before;
    size_t size = read_output(out_path, run->output, OUTPUT_SIZE, run->line);
    read_output(err_path, run->output + size, OUTPUT_SIZE - size, run->complaint);
    if (run->state != NULL)
        run->seen = atomic_load(&run->state->seen);
}

/* --- all runs --- */

/* Compares two lines but for their numbers. */
static bool same_line(const char *one, const char *other) {
    while (*one != '\0' || *other != '\0') {
        bool number = isdigit((unsigned char)*one) && isdigit((unsigned char)*other);
        for (; number && isdigit((unsigned char)*one); one++)
            continue;
        for (; number && isdigit((unsigned char)*other); other++)
            continue;
        if (!number && *one++ != *other++)
            return false;
    }
    return true;
}

static int error_of(const struct run *run) {
    if (run->state != NULL)
        return ENOMEM;
    return run->error != 0 || run->failed == NULL ? run->error : run->failed->error;
}

static bool names_errno(const struct run *run) {
    char name[ERRNAME_SIZE];
    int error = error_of(run);
    return strstr(run->output, errname(error, name)) != NULL ||
           strstr(run->output, strerror(error)) != NULL ||
           (error == ENOMEM && strstr(run->output, "out of memory") != NULL) ||
           (run->complains && (strstr(run->output, "not looked at") != NULL ||
                               strstr(run->output, "is not known") != NULL));
}

/* Whether it says why it could not: in a complaint, in its verdict, or by the errno of a call. In
 * JSON an ERROR has its reason beside it. */
static bool says_why(const struct run *run) {
    return strstr(run->output, "\"verdict\": \"ERROR\"") != NULL || run->complaint[0] != '\0' ||
           strncmp(run->line, "UNKNOWN", 7) == 0 || strncmp(run->line, "ERROR", 5) == 0 ||
           names_errno(run);
}

/* Returns whether the verdict, up to the end of what it is about, is the same. */
static bool same_verdict(const char *truth, const char *line) {
    size_t size = strcspn(truth, ";(");
    const char *colon = strstr(truth, ": ");
    if (colon != NULL && (size_t)(colon - truth) < size)
        size = (size_t)(colon - truth);
    return strncmp(truth, line, size) == 0;
}

static bool is_right(const struct run *truth, const struct run *run) {
    if (run->hung || run->left || run->files != 0 || !WIFEXITED(run->status))
        return false;
    if (WEXITSTATUS(run->status) == 2)
        return says_why(run);
    const char *was = run->complains ? truth->complaint : truth->line;
    const char *is = run->complains ? run->complaint : run->line;
    return run->status == truth->status &&
           (same_line(was, is) || ((run->complains || same_verdict(was, is)) && names_errno(run)));
}

static void tell(const char *how, const struct run *run) {
    char name[ERRNAME_SIZE];
    printf("%s: %lu, %s %s: %s%s%s%d: %s | %s\n", how, run->fail,
           run->state != NULL ? "allocation" : run->failed->name, errname(error_of(run), name),
           run->hung ? "HANGS " : "", run->left ? "LEAVES PROCESSES " : "",
           run->files != 0 ? "LEAVES FILES " : "",
           WIFEXITED(run->status) ? WEXITSTATUS(run->status) : -WTERMSIG(run->status), run->line,
           run->complaint);
    fflush(stdout);
}

struct sum {
    unsigned long step, first, most, tried, told, wrong;
    bool verbose;
    const char *excluded; /* kinds, separated by commas; or NULL */
};

static bool is_excluded(const struct sum *sum, const char *name) {
    size_t size = strlen(name);
    for (const char *at = sum->excluded; at != NULL; at = strchr(at, ',')) {
        at += *at == ',' ? 1 : 0;
        if (strncmp(at, name, size) == 0 && (at[size] == ',' || at[size] == '\0'))
            return true;
    }
    return false;
}

/* Judges one run; the truth is what came without a fault. */
static void judge(struct sum *sum, const struct run *truth, struct run *run) {
    bool right = is_right(truth, run);
    sum->tried++;
    sum->wrong += !right;
    sum->told += right && WEXITSTATUS(run->status) == 2;
    if (!right || sum->verbose)
        tell(right ? "right" : "wrong", run);
}

/* Lets one after the other of `count` calls of a kind fail. */
static void fail_each(struct sum *sum, const struct run *truth, struct run *run,
                      unsigned long count) {
    unsigned long step = sum->step;
    if (sum->most > 0 && count / step > sum->most)
        step = count / sum->most;
    for (run->fail = sum->first; run->fail <= count; run->fail += step) {
        run_once(run);
        bool came = run->state != NULL ? run->state->failed > 0 : run->failed != NULL;
        if (came) /* or it has come by with fewer calls */
            judge(sum, truth, run);
    }
}

/* The truth of a kind is what comes while the kernel asks us about it: it then asks no tracer. */
static void fail_calls(struct sum *sum, const struct run *truth, struct run *run,
                       const char *kind) {
    static struct run unharmed;
    for (size_t i = 0; i < call_count; i++) {
        if ((kind != NULL && strcmp(kind, calls[i].name) != 0) ||
            (truth->seen_of[i] == 0 && !run->complains) || is_excluded(sum, calls[i].name))
            continue;
        run->only = &calls[i];
        run->fail = 0;
        run_once(run);
        unharmed = *run;
        fail_each(sum, &unharmed, run, unharmed.seen);
    }
}

static void be_short(struct sum *sum, const struct run *truth, struct run *run) {
    static const unsigned long most[] = {1, 7, 100};
    for (size_t i = 0; run->state != NULL && i < sizeof most / sizeof most[0]; i++) {
        run->state->most = most[i];
        run->fail = 0;
        run_once(run);
        printf("%lu byte%s at most: %lu reads and writes were short\n", most[i],
               most[i] == 1 ? "" : "s", (unsigned long)run->state->cut);
        if (run->state->cut > 0)
            judge(sum, truth, run);
    }
}

static struct fault_state *share(void) {
    int fd = mkstemp(state_path);
    struct fault_state *state = MAP_FAILED;
    if (fd >= 0 && fchmod(fd, 0666) == 0 && ftruncate(fd, sizeof *state) == 0)
        state = mmap(NULL, sizeof *state, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (state == MAP_FAILED)
        exit(3);
    close(fd);
    return state;
}

static struct run run = {.seconds = 20}, truth;

int main(int argc, char **argv) {
    struct sum sum = {.step = 1, .first = 1};
    const char *kind = NULL;
    bool shortens = false;
    char program[4096];
    int option;
    while ((option = getopt(argc, argv, "+c:x:e:a:r:sn:f:m:t:2v")) != -1)
        switch (option) {
        case 'c':
            kind = optarg;
            break;
        case 'x':
            sum.excluded = optarg;
            break;
        case 'e':
            run.error = errname_number(optarg);
            break;
        case 'a':
        case 'r':
            library = optarg;
            shortens = option == 'r';
            break;
        case 's':
            run.stays = true;
            break;
        case 'n':
            sum.step = strtoul(optarg, NULL, 10);
            break;
        case 'f':
            sum.first = strtoul(optarg, NULL, 10);
            break;
        case 'm':
            sum.most = strtoul(optarg, NULL, 10);
            break;
        case 't':
            run.seconds = (unsigned)strtoul(optarg, NULL, 10);
            break;
        case '2':
            run.complains = true;
            break;
        case 'v':
            sum.verbose = true;
            break;
        default:
            return 3;
        }
    if (optind == argc || sum.step == 0 || realpath(argv[optind], program) == NULL)
        return 3;
    run.command = argv + optind;
    run.program = program;
    setlinebuf(stdout);
    close(mkstemp(out_path));
    close(mkstemp(err_path));
    if (library != NULL)
        run.state = share();
    prctl(PR_SET_CHILD_SUBREAPER, 1L, 0L, 0L, 0L);
    run_once(&run);
    run_once(&run); /* what is only made the first time is made by now */
    truth = run;
    printf("truth: exit %d: %s\n", WEXITSTATUS(run.status),
           run.complains ? run.complaint : run.line);
    if (shortens)
        be_short(&sum, &truth, &run);
    else if (library != NULL)
        fail_each(&sum, &truth, &run, truth.seen);
    else
        fail_calls(&sum, &truth, &run, kind);
    unlink(out_path);
    unlink(err_path);
    unlink(state_path);
    printf("%lu %s, %lu failed in turn: %lu answers as before, %lu times exit 2, %lu wrong\n",
           truth.seen, library != NULL ? "allocations" : "calls", sum.tried,
           sum.tried - sum.told - sum.wrong, sum.told, sum.wrong);
    return truth.seen == 0 ? 77 : sum.wrong > 0;
}
