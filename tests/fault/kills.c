/* Runs commands of portreuse, and kills one of their processes at a moment that chance chooses.
 *
 * usage: kills [-s SEED] [-f FIRST] [-v] N PORTREUSE FOLDER
 *
 * FOLDER has the scenarios talk.scenario and program.scenario, and is empty but for that; the
 * current directory is empty, too. Chance follows from the seed and from the number of the kill
 * alone, so that `-s SEED -f 17 1` repeats the 17th (but for the scheduler). The processes are
 * those of the command started, found by walking from parent to child.
 *
 * After each kill:
 *   - all processes are gone within ten seconds, and with them their namespaces; no file, no mount
 *     and no socket is left;
 *   - a command whose process was killed long before its end did not end with status 0, nor with 1,
 *     which is an answer of the kernel (but where a step says how a program must end);
 *   - its report is complete, and names the signal; of a child that looks at something it says that
 *     this child was killed, or what it has seen; if the command itself was killed while it
 *     ran cases, and could catch the signal, the report says so. A report in a file is complete, or
 *     not there.
 * Prints each kill that went wrong, and a line with the sum for each kind of process. Exit status 1
 * if one went wrong.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/json_reader.h"
#include "base/signames.h"
#include "base/units.h"
#include "fault/family.h"

/* --- what is run --- */

/* How its answer is judged. */
enum kind { RUNS, TRACES, LOOKS };

struct command {
    enum kind kind;
    unsigned most_ms;  /* it is killed within this time */
    const char *words; /* after the program; @ stands for the folder */
};

static const struct command commands[] = {
    {RUNS, 450, "run -j2 --format json @/talk.scenario"},
    {RUNS, 450, "run -j2 --output report.json @/talk.scenario"},
    {RUNS, 450, "run -j2 --format json @/program.scenario"},
    {RUNS, 450, "run -j2 --format json --output report.html @/program.scenario"},
    {TRACES, 300, "trace -- sh @/program.sh"},
    {TRACES, 300, "trace --output report.json -- sh @/program.sh"},
    {LOOKS, 12, "why 127.0.0.1:2000"},
    {LOOKS, 12, "why --output report.json 127.0.0.1:2000"},
    {LOOKS, 12, "audit"},
    {LOOKS, 12, "budget"},
};
enum { COMMANDS = sizeof commands / sizeof commands[0], WORDS = 16, OUTPUT_SIZE = 512 * 1024 };

/* Of ten, this many are of each kind. */
static const enum kind kinds[] = {RUNS, RUNS, RUNS, RUNS, RUNS, RUNS, TRACES, TRACES, LOOKS, LOOKS};

static const int signals[] = {SIGKILL, SIGKILL, SIGTERM, SIGINT};

static const char *program, *folder;
static char out_path[] = "/tmp/kills-out-XXXXXX", err_path[] = "/tmp/kills-err-XXXXXX";

/* --- chance --- */

static uint64_t state;

static uint64_t chance(uint64_t most) { /* splitmix64: 0 to most - 1 */
    uint64_t z = state += 0x9e3779b97f4a7c15U;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return (z ^ (z >> 31)) % most;
}

/* --- one kill --- */

struct kill {
    unsigned long number;
    const struct command *command;
    int signal;
    uint64_t delay_ns;
    enum member_kind victim;
    pid_t pid;      /* 0: it had ended before */
    bool had_stage; /* a case was under way */
    uint64_t at_ns, end_ns, gone_ns;
    int status; /* as by waitpid(2) */
    char out[OUTPUT_SIZE], err[OUTPUT_SIZE];
    const char *wrong; /* what is, static; or NULL */
};

static _Noreturn void become(const char *words) {
    static char text[4096];
    char *list[WORDS + 2];
    size_t count = 0, used = 0;
    list[count++] = (char *)program;
    for (const char *at = words; *at != '\0' && used < sizeof text - 512; at++) {
        if (used == 0 || text[used - 1] == '\0')
            list[count++] = text + used;
        if (*at == '@')
            used += (size_t)snprintf(text + used, 500, "%s", folder);
        else
            text[used++] = *at == ' ' ? '\0' : *at;
    }
    list[count] = NULL;
    int in = open("/dev/null", O_RDONLY);
    int out = open(out_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    int err = open(err_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    setpgid(0, 0);
    if (in < 0 || out < 0 || err < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0)
        _exit(125);
    execv(program, list);
    _exit(127);
}

static void pause_for(uint64_t ns) {
    struct timespec time = {.tv_sec = (time_t)(ns / NS_PER_S), .tv_nsec = (long)(ns % NS_PER_S)};
    while (nanosleep(&time, &time) < 0 && errno == EINTR)
        continue;
}

static const struct command *choose_command(void) {
    enum kind kind = kinds[chance(sizeof kinds / sizeof kinds[0])];
    const struct command *command;
    do
        command = &commands[chance(COMMANDS)];
    while (command->kind != kind);
    return command;
}

/* Chooses a kind of process that is there, and then one of it; NULL: there is none. */
static const struct member *choose(const struct family *family) {
    enum member_kind wanted;
    if (family->count == 0)
        return NULL;
    do
        wanted = (enum member_kind)chance(MEMBER_KINDS);
    while (!family_has(family, wanted));
    for (;;) {
        const struct member *member = &family->members[chance(family->count)];
        if (member->kind == wanted)
            return member;
    }
}

static void read_file(const char *path, char *text) {
    FILE *file = fopen(path, "re");
    size_t size = file == NULL ? 0 : fread(text, 1, OUTPUT_SIZE - 1, file);
    if (file != NULL)
        fclose(file);
    text[size] = '\0';
}

/* Puts lines together that are one: what follows the first begins with blanks. */
static void join_lines(char *text) {
    char *to = text;
    for (const char *at = text; *at != '\0'; at++)
        if (*at == '\n' && at[1] == ' ')
            at += strspn(at + 1, " ") - 1;
        else
            *to++ = *at;
    *to = '\0';
}

/* Kills a process of the command, and waits until all of them are gone. */
static void strike(struct kill *now, pid_t pid) {
    static struct family family;
    uint64_t began_ns = units_now_ns();
    pause_for(now->delay_ns);
    uint64_t found_ns = units_now_ns();
    family_find(&family, pid);
    const struct member *victim = choose(&family);
    now->at_ns = units_now_ns(); /* on a busy machine it may have ended meanwhile */
    now->had_stage =
        family_has(&family, MEMBER_STAGE) && now->at_ns - found_ns < 10 * (uint64_t)NS_PER_MS;
    if (victim != NULL && family_lives(victim) && kill(victim->pid, now->signal) == 0) {
        now->victim = victim->kind;
        now->pid = victim->pid;
    }
    const uint64_t most_ns = 20 * (uint64_t)NS_PER_S;
    pid_t ended = 0;
    while ((ended = waitpid(pid, &now->status, WNOHANG)) == 0 &&
           units_now_ns() - began_ns < most_ns)
        pause_for(NS_PER_MS / 2);
    now->end_ns = units_now_ns();
    if (ended == 0) {
        now->wrong = "it hangs";
        kill(pid, SIGKILL);
        waitpid(pid, &now->status, 0);
    }
}

/* Waits for what the command has left to us, its subreaper. */
static void wait_for_rest(struct kill *now) {
    const uint64_t most_ns = 10 * (uint64_t)NS_PER_S;
    pid_t pid = 0;
    while ((pid = waitpid(-1, NULL, WNOHANG)) >= 0 && units_now_ns() - now->end_ns < most_ns)
        if (pid == 0)
            pause_for(NS_PER_MS / 2);
    now->gone_ns = units_now_ns();
    if (pid < 0)
        return;
    now->wrong = now->wrong != NULL ? now->wrong : "it leaves processes";
    family_kill_children();
}

/* --- judging --- */

/* What a report in JSON says. */
struct said {
    unsigned cases, passed, failed, explained; /* explained: did not pass, and has a reason */
    bool interrupted, whole;
    bool has_namespaces, has_diag; /* of the machine, which a child looks at: both are there */
    char verdict[JSON_READ_TEXT], last[JSON_READ_TEXT];
};

enum { TOP = 1, CASE = 5 }; /* depths: {scenarios: [{cases: [{ */

static void hear(void *context, enum json_event event, unsigned depth, const char *key,
                 const char *text) {
    struct said *said = context;
    if (depth == TOP && event == JSON_READ_STRING && strcmp(key, "verdict") == 0)
        snprintf(said->verdict, sizeof said->verdict, "%s", text);
    if (depth == TOP && event == JSON_READ_OTHER && strcmp(key, "interrupted") == 0)
        said->interrupted = strcmp(text, "true") == 0;
    if (event == JSON_READ_STRING && strcmp(key, "private_namespace") == 0)
        said->has_namespaces = strcmp(text, "refused") != 0;
    if (event == JSON_READ_OTHER && strcmp(key, "sock_diag") == 0)
        said->has_diag = strcmp(text, "true") == 0;
    if (depth != CASE)
        return;
    if (event == JSON_READ_STRING && strcmp(key, "verdict") == 0) {
        said->cases++;
        said->passed += strcmp(text, "PASS") == 0;
        said->failed += strcmp(text, "FAIL") == 0;
        snprintf(said->last, sizeof said->last, "%s", text);
    }
    if (event == JSON_READ_STRING && strcmp(key, "reason") == 0)
        said->explained += strcmp(said->last, "PASS") != 0 && strcmp(said->last, "FAIL") != 0;
}

static struct said listen_to(const char *text) {
    struct said said = {0};
    said.whole = text[0] != '\0' && json_read(text, strlen(text), hear, &said) == NULL;
    return said;
}

static bool contains(const struct kill *now, const char *text) {
    return strstr(now->out, text) != NULL || strstr(now->err, text) != NULL;
}

/* A kill shortly before the end can come too late to matter. */
static bool came_late(const struct kill *now) {
    const uint64_t short_ns = 300 * (uint64_t)NS_PER_MS;
    return now->end_ns - now->at_ns < short_ns;
}

static bool ended_by(const struct kill *now, int signal) {
    return WIFSIGNALED(now->status) && WTERMSIG(now->status) == signal;
}

/* Our process was killed: it ends so, and says what it can. */
static const char *judge_killed(const struct kill *now, const struct said *said, bool json) {
    if (!ended_by(now, now->signal))
        return "the signal is not its end";
    if (now->signal == SIGKILL || !now->had_stage || now->command->kind != RUNS || !json)
        return NULL;
    if (!said->whole)
        return "its report is not whole";
    return said->interrupted || said->passed == said->cases ? NULL
                                                            : "its report hides the interruption";
}

/* What passed although a process of it was killed. A child that looks at the machine may be killed
 * when it has told what it has seen. `said` and `filed`: on standard output, and in a file. */
static const char *judge_passed(const struct kill *now, const struct said *said,
                                const struct said *filed) {
    const struct said *report = said->whole ? said : filed;
    if (report->passed != report->cases)
        return "status 0, but not all have passed";
    if (!report->has_namespaces || !report->has_diag)
        return "what was not looked at is told as absent";
    bool may = came_late(now) || now->victim == MEMBER_DESCENDANT || now->victim == MEMBER_LOOK;
    return may ? NULL : "it has passed nevertheless";
}

static const char *judge_run(const struct kill *now, const struct said *said,
                             const struct said *filed, bool json) {
    char name[SIGNAME_SIZE];
    if (!WIFEXITED(now->status))
        return "a signal has ended it";
    bool gave_up = WEXITSTATUS(now->status) == 2 && now->out[0] == '\0' && now->err[0] != '\0';
    if (gave_up) /* before it ran any case */
        return now->had_stage ? "it ran cases, and has no report" : NULL;
    if (json && !said->whole)
        return "its report is not whole";
    if (json && said->passed + said->failed + said->explained != said->cases)
        return "it gives no reason";
    switch (WEXITSTATUS(now->status)) {
    case 0:
        return judge_passed(now, said, filed);
    case 1: /* a step may say how a program must end */
        return now->victim == MEMBER_PROGRAM ? NULL : "a kill is called FAIL";
    case 2:
        return contains(now, signame(now->signal, name)) ? NULL : "it does not name the signal";
    default:
        return "an unknown exit status";
    }
}

/* Returns what is wrong with the report on the port that is taken: it names the process in the way,
 * or says that the child that looks for it was killed. */
static const char *judge_trace_report(const struct kill *now) {
    bool has_looked = contains(now, "(127.0.0.1:2000): EADDRINUSE; portreuse (");
    return has_looked || contains(now, "the child process was killed: ECHILD")
               ? NULL
               : "no word of the child that looks";
}

/* The status is that of the program that is traced. It goes on without its children, and without
 * the process that looks for the tracer. */
static const char *judge_trace(const struct kill *now) {
    bool is_look = now->victim == MEMBER_LOOK || now->victim == MEMBER_GRANDCHILD;
    if (WIFEXITED(now->status) && WEXITSTATUS(now->status) == 0 && is_look)
        return judge_trace_report(now);
    if (WIFEXITED(now->status) && WEXITSTATUS(now->status) == 0)
        return now->victim == MEMBER_DESCENDANT || came_late(now) ? NULL : "status 0";
    if (now->victim == MEMBER_TRACER && strstr(now->err, "portreuse trace: the tracer ") == NULL)
        return "no word of the tracer";
    return now->victim == MEMBER_PROGRAM && !ended_by(now, now->signal)
               ? "the program's signal is not its end"
               : NULL;
}

/* A port that is taken is never FREE; what could not be looked at is UNKNOWN. */
static const char *judge_look(const struct kill *now) {
    bool is_why = strncmp(now->command->words, "why", 3) == 0;
    if (!WIFEXITED(now->status))
        return "a signal has ended it";
    if (is_why && WEXITSTATUS(now->status) == 0)
        return "status 0";
    if (is_why && WEXITSTATUS(now->status) == 1 && strncmp(now->out, "EADDRINUSE", 10) != 0)
        return "status 1 without a cause";
    if (WEXITSTATUS(now->status) == 2 && now->err[0] == '\0' &&
        strncmp(now->out, "UNKNOWN", 7) != 0)
        return "no reason";
    return WEXITSTATUS(now->status) <= 2 ? NULL : "an unknown exit status";
}

/* A report in a file is whole, or not there. */
static const char *judge_file(const struct kill *now, struct said *said) {
    static char text[OUTPUT_SIZE];
    const char *wrong = NULL;
    read_file("report.json", text);
    if (text[0] != '\0') {
        *said = listen_to(text);
        wrong = said->whole ? NULL : "a part of a file";
    }
    read_file("report.html", text);
    if (text[0] != '\0' && strstr(text, "</html>") == NULL)
        wrong = "a part of a file";
    (void)now;
    unlink("report.json");
    unlink("report.html");
    return wrong;
}

static void judge(struct kill *now) {
    bool in_json = strstr(now->command->words, "--format json") != NULL;
    struct said said = {0}, filed = {0};
    const char *wrong = judge_file(now, &filed);
    if (in_json)
        said = listen_to(now->out);
    if (now->wrong != NULL)
        return;
    bool had_ended = WIFEXITED(now->status) && came_late(now); /* or was about to */
    if (wrong == NULL && now->victim == MEMBER_COMMAND && !had_ended)
        wrong = judge_killed(now, &said, in_json);
    else if (wrong == NULL && now->command->kind == RUNS)
        wrong = judge_run(now, &said, &filed, in_json);
    else if (wrong == NULL && now->command->kind == TRACES)
        wrong = judge_trace(now);
    else if (wrong == NULL)
        wrong = judge_look(now);
    now->wrong = wrong;
}

/* --- what is left --- */

/* The lines of a file, or the names in a directory. */
static long count_in(const char *path) {
    long count = 0;
    DIR *directory = opendir(path);
    FILE *file = directory == NULL ? fopen(path, "re") : NULL;
    while (directory != NULL && readdir(directory) != NULL)
        count++;
    for (int c; file != NULL && (c = fgetc(file)) != EOF;)
        count += c == '\n';
    if (directory != NULL)
        closedir(directory);
    if (file != NULL)
        fclose(file);
    return count;
}

static const char *const places[] = {".",
                                     "/run/netns",
                                     "/dev/shm",
                                     "/proc/self/mountinfo",
                                     "/proc/net/unix",
                                     "/proc/net/tcp",
                                     "/proc/net/tcp6",
                                     "/proc/net/udp",
                                     "/proc/net/netlink",
                                     "/proc/self/fd"};
enum { PLACES = sizeof places / sizeof places[0] };

/* The first place where there is more than before, or NULL. A socket may take a moment to go. */
static const char *find_more(const long *before) {
    for (size_t i = 0; i < PLACES; i++) {
        unsigned tries = 0;
        while (count_in(places[i]) > before[i] && tries++ < 100)
            pause_for(10 * (uint64_t)NS_PER_MS);
        if (tries > 100)
            return places[i];
    }
    return NULL;
}

/* --- all --- */

struct sum {
    unsigned long kills, passed, wrong;
    uint64_t longest_ns;
};

static void tell(const char *how, const struct kill *now) {
    char name[SIGNAME_SIZE];
    printf("%s: %lu: %s: %s to a %s after %u ms: %s%d, %u ms later: %s: %.*s | %.*s\n", how,
           now->number, now->command->words, signame(now->signal, name),
           now->pid == 0 ? "process that had ended" : member_kind_name(now->victim),
           (unsigned)(now->delay_ns / NS_PER_MS), WIFSIGNALED(now->status) ? "signal " : "status ",
           WIFSIGNALED(now->status) ? WTERMSIG(now->status) : WEXITSTATUS(now->status),
           (unsigned)((now->end_ns - now->at_ns) / NS_PER_MS),
           now->wrong == NULL ? "right" : now->wrong, (int)strcspn(now->out, "\n"), now->out,
           (int)strcspn(now->err, "\n"), now->err);
    fflush(stdout);
}

static void do_one(struct kill *now) {
    static long before[PLACES];
    for (size_t i = 0; i < PLACES; i++)
        before[i] = count_in(places[i]);
    now->command = choose_command();
    now->signal = signals[chance(sizeof signals / sizeof signals[0])];
    now->delay_ns = chance(now->command->most_ms * (uint64_t)NS_PER_MS);
    now->pid = 0;
    now->wrong = NULL;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0)
        become(now->command->words);
    if (pid < 0)
        exit(3);
    strike(now, pid);
    wait_for_rest(now);
    read_file(out_path, now->out);
    read_file(err_path, now->err);
    join_lines(now->err);
    if (now->pid != 0 || now->wrong != NULL)
        judge(now);
    else
        judge_file(now, &(struct said){0});
    const char *more = find_more(before);
    if (now->wrong == NULL)
        now->wrong = more;
}

static void count(struct sum *sum, const struct kill *now) {
    sum->kills++;
    sum->wrong += now->wrong != NULL;
    sum->passed += WIFEXITED(now->status) && WEXITSTATUS(now->status) == 0;
    if (now->gone_ns - now->at_ns > sum->longest_ns)
        sum->longest_ns = now->gone_ns - now->at_ns;
}

static int sum_up(const struct sum *sums, unsigned long seed) {
    unsigned long all = 0, wrong = 0;
    for (unsigned i = 0; i < MEMBER_KINDS + 1; i++) {
        all += i < MEMBER_KINDS ? sums[i].kills : 0;
        wrong += sums[i].wrong;
        printf("%-22s %5lu killed, %4lu of the runs passed, gone within %4u ms, %lu wrong\n",
               i < MEMBER_KINDS ? member_kind_name((enum member_kind)i) : "ended before",
               sums[i].kills, sums[i].passed, (unsigned)(sums[i].longest_ns / NS_PER_MS),
               sums[i].wrong);
    }
    printf("seed %lu: %lu kills, %lu wrong\n", seed, all, wrong);
    return wrong > 0;
}

int main(int argc, char **argv) {
    static struct sum sums[MEMBER_KINDS + 1];
    static struct kill now;
    unsigned long seed = 1, first = 1;
    bool verbose = false;
    int option;
    while ((option = getopt(argc, argv, "+s:f:v")) != -1)
        if (option == 's')
            seed = strtoul(optarg, NULL, 10);
        else if (option == 'f')
            first = strtoul(optarg, NULL, 10);
        else if (option == 'v')
            verbose = true;
        else
            return 3;
    if (argc - optind != 3)
        return 3;
    unsigned long most = strtoul(argv[optind], NULL, 10);
    program = argv[optind + 1];
    folder = argv[optind + 2];
    close(mkstemp(out_path));
    close(mkstemp(err_path));
    prctl(PR_SET_CHILD_SUBREAPER, 1L, 0L, 0L, 0L);
    for (now.number = first; now.number < first + most; now.number++) {
        state = seed * 1000003 + now.number;
        do_one(&now);
        count(&sums[now.pid == 0 ? MEMBER_KINDS : now.victim], &now);
        if (now.wrong != NULL || verbose)
            tell(now.wrong == NULL ? "right" : "wrong", &now);
    }
    unlink(out_path);
    unlink(err_path);
    return sum_up(sums, seed);
}
