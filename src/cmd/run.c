/* portreuse run: runs scenarios, shows what it waits for, and reports what the kernel
 * answered. */
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"
#include "base/units.h"
#include "cmd/commands.h"
#include "cmd/outputs.h"
#include "cmd/selection.h"
#include "engine/limits.h"
#include "engine/runner.h"
#include "kernel/process.h"
#include "report/run/phrase.h"
#include "report/run/run.h"
#include "scenario/scenario.h"

struct request {
    struct run_options run;
    struct outputs outputs;
    struct selection selection;
    bool verbose;
    unsigned port; /* --port; 0: not given */
};

/* --- options --- */

enum { JOBS_MOST = 64, JOBS_PER_PROCESSOR = 8, REPEAT_MOST = 1000 * 1000 };

/* `-j4` and `-j 4`; `-j` alone is eight per processor: the cases that take long wait for timers of
 * the kernel, and need no processor. */
static bool set_jobs(const struct option_use *use) {
    struct option_use jobs = *use;
    int64_t ignored;
    if (jobs.value == NULL && jobs.next != NULL &&
        units_number(jobs.next, 0, INT64_MAX, &ignored)) {
        jobs.value = jobs.next;
        optind++;
    }
    if (jobs.value != NULL)
        return option_set_unsigned(&jobs);
    long most = JOBS_PER_PROCESSOR * sysconf(_SC_NPROCESSORS_ONLN);
    *(unsigned *)use->target = most < 1 ? 1 : most > JOBS_MOST ? JOBS_MOST : (unsigned)most;
    return true;
}

static bool set_timeout(const struct option_use *use) {
    if (!option_set_time(use))
        return false;
    return *(uint64_t *)use->target > 0 || options_wrong_value(use, "a time above 0");
}

/* NAME=N */
static bool set_limit(const struct option_use *use) {
    struct request *request = use->target;
    const char *equals = strchr(use->value, '=');
    size_t size = equals == NULL ? 0 : (size_t)(equals - use->value);
    int64_t most;
    for (unsigned i = 0; equals != NULL && i < LIMITS; i++)
        if (strlen(limits_names[i]) == size && strncmp(limits_names[i], use->value, size) == 0 &&
            units_number(equals + 1, 0, INT64_MAX, &most)) {
            request->run.limits.most[i] = (uint64_t)most;
            return true;
        }
    return options_wrong_value(
        use, "sockets=N, bytes=N, seconds=N, devices=N, connections=N or memory=N");
}

static const char *const nets[] = {"private", "current", NULL};

static const struct option_row rows[] = {
    {.name = "jobs",
     .letter = 'j',
     .takes = VALUE_OPTIONAL,
     .value_name = "N",
     .set = set_jobs,
     .offset = offsetof(struct request, run.jobs),
     .low = 1,
     .high = JOBS_MOST,
     .help = "run N cases at a time; without N, eight per processor"},
    {.name = "repeat",
     .takes = VALUE_REQUIRED,
     .value_name = "N",
     .set = option_set_unsigned,
     .offset = offsetof(struct request, run.repeat),
     .low = 1,
     .high = REPEAT_MOST,
     .help = "run each case N times"},
    {.name = "fail-fast",
     .set = option_set_flag,
     .offset = offsetof(struct request, run.fail_fast),
     .help = "start no other case after one that does not pass"},
    {.name = "timeout",
     .takes = VALUE_REQUIRED,
     .value_name = "TIME",
     .set = set_timeout,
     .offset = offsetof(struct request, run.timeout_ns),
     .help = "time limit per case: 500ms, 10s (default 30s plus the waiting times in the case)"},
    {.name = "port",
     .takes = VALUE_REQUIRED,
     .value_name = "PORT",
     .set = option_set_unsigned,
     .offset = offsetof(struct request, port),
     .low = 1,
     .high = UINT16_MAX,
     .help = "the port to test if PROGRAM listens on several (default: the first)"},
    {.name = "net",
     .takes = VALUE_REQUIRED,
     .values = nets,
     .set = option_set_either,
     .offset = offsetof(struct request, run.current),
     .help = "private: run each case in its own network namespace (default); current: stay in the "
             "current one and skip what would affect the host"},
    {.name = "limit",
     .takes = VALUE_REQUIRED,
     .value_name = "NAME=N",
     .set = set_limit,
     .help = "let a case take more of the host, or less: sockets, bytes (in flight), seconds (of "
             "waiting), devices, connections (with --net=current), memory (bytes of the scenario's "
             "results); "
             "may be given several times"},
    {.name = "must-run",
     .set = option_set_flag,
     .offset = offsetof(struct request, run.must_run),
     .help = "treat what cannot run here as an error, instead of skipping it"},
    {0},
};

static const struct option_row text_rows[] = {
    {.name = "verbose",
     .letter = 'v',
     .set = option_set_flag,
     .offset = offsetof(struct request, verbose),
     .help = "show process IDs, ports that the kernel chose, times, and every scenario in full"},
    {0},
};

static const struct option_group groups[] = {
    {selection_options, offsetof(struct request, selection)},
    {rows, 0},
    {outputs_options, offsetof(struct request, outputs)},
    {outputs_colour_options, offsetof(struct request, outputs)},
    {text_rows, 0},
    {outputs_quiet_options, offsetof(struct request, outputs)},
    {0},
};

/* --- the program of the command line --- */

/* Cuts `-- PROGRAM ARG...` off the command line: `--` after the name of a scenario. */
static char **cut_program(int *argc, char **argv) {
    bool named = false;
    for (int i = 1; i < *argc; i++) {
        if (strcmp(argv[i], "--") == 0) {
            if (!named)
                return NULL; /* it ends the options */
            *argc = i;
            argv[i] = NULL;
            return argv + i + 1;
        }
        named |= argv[i][0] != '-';
    }
    return NULL;
}

/* Gives the program to the scenarios, and its port. Returns false after a complaint. */
static bool give_program(const struct selection *selection, char **program, unsigned port) {
    bool any = false;
    for (size_t i = 0; i < selection->count; i++) {
        any |= selection->scenarios[i]->needs_program;
        selection->scenarios[i]->program = program;
        selection->scenarios[i]->port = (uint16_t)port;
    }
    if (port != 0 && !any) {
        options_complain("run", "--port: no scenario here needs a program");
        return false;
    }
    if (program == NULL || (any && program[0] != NULL))
        return true;
    options_complain("run",
                     program[0] == NULL ? "name a program after '--'"
                                        : "'%s': no scenario here needs a program",
                     program[0]);
    return false;
}

/* --- the progress line --- */

/* On a terminal, one line on standard error shows what the run waits for. It is overwritten in
 * place and removed before the report. */
enum { PROGRESS_TICK_NS = 250 * NS_PER_MS };

struct progress {
    bool wanted; /* standard error is a terminal that can overwrite a line */
    char *shown; /* owned: what the terminal shows now, or NULL */
};

static void print_seconds(FILE *out, uint64_t ns) {
    uint64_t seconds = ns / NS_PER_S;
    if (seconds < 120)
        fprintf(out, "%" PRIu64 " s", seconds);
    else
        fprintf(out, "%" PRIu64 " min %" PRIu64 " s", seconds / 60, seconds % 60);
}

/* Returns the whole line: how far the run is, the step that is running, and how long it has been.
 * The caller frees it. */
static char *progress_text(const struct run_event *event) {
    struct composed text;
    FILE *out = compose_begin(&text);
    fprintf(out, "%zu of %zu cases done in ", event->runs_ended, event->runs_total);
    print_seconds(out, event->at_ns);
    fputs("; ", out);
    phrase_text(out, event->scenario->name);
    if (event->step != NULL) {
        fputs(": ", out);
        phrase_text(out, event->step->who);
        fputs(*event->step->who == '\0' ? "" : " ", out);
        phrase_call(out, event->step);
        if (event->rounds > 0)
            fprintf(out, ", %zu rounds", event->rounds);
        fputs(", for ", out);
        print_seconds(out, event->waited_ns);
    }
    compose_end(&text);
    return text.bytes;
}

/* Returns how many bytes of a text that is safe to print fit on one line. */
static size_t fitting(const char *text) {
    struct winsize window;
    size_t columns = 80, at = 0, size = strlen(text);
    uint32_t code;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 0)
        columns = window.ws_col;
    for (size_t used = 1; at < size && used < columns; used++)
        at += utf8_next(text + at, size - at, &code);
    return at;
}

/* Shows the line if it has changed, but nothing in the first half second. */
static void progress_show(struct progress *progress, const struct run_event *event) {
    const uint64_t patience_ns = NS_PER_S / 2;
    if (!progress->wanted || event->kind != RUN_WAITS || event->at_ns < patience_ns)
        return;
    char *text = progress_text(event);
    if (progress->shown == NULL || strcmp(progress->shown, text) != 0)
        fprintf(stderr, "\r%.*s\x1b[K", (int)fitting(text), text);
    free(progress->shown);
    progress->shown = text;
}

/* Removes the line. */
static void progress_end(struct progress *progress) {
    if (progress->shown != NULL)
        fputs("\r\x1b[K", stderr);
    free(progress->shown);
    progress->shown = NULL;
}

/* --- running --- */

/* Who is told what happens in the run. */
struct watch {
    struct outputs *outputs; /* borrowed */
    const struct report *report;
    struct progress progress;
};

static void tell(void *context, const struct run_event *event) {
    struct watch *watch = context;
    progress_show(&watch->progress, event);
    if (event->kind != RUN_WAITS)
        outputs_event(watch->outputs, watch->report, event);
}

/* Tells the events of the run to the formats that write them, and to the progress line. There is no
 * progress line if events scroll by on the terminal. */
static void begin_watch(struct watch *watch, struct run_options *options) {
    const char *terminal = getenv("TERM");
    bool scrolls = watch->outputs->rows[0].format->event != NULL && isatty(STDOUT_FILENO) == 1;
    bool progress =
        !scrolls && isatty(STDERR_FILENO) == 1 && terminal != NULL && strcmp(terminal, "dumb") != 0;
    bool events = false;
    for (size_t i = 0; i < watch->outputs->count; i++)
        events |= watch->outputs->rows[i].format->event != NULL;
    watch->progress.wanted = progress;
    options->watcher = (struct run_watcher){.tell = progress || events ? tell : NULL,
                                            .context = watch,
                                            .steps = events,
                                            .tick_ns = progress ? PROGRESS_TICK_NS : 0};
}

/* Finds out what the kernel offers, if a format shows it. Returns false after a complaint: what
 * could not be looked at is not reported as absent. */
static bool probe(const struct request *request, struct capabilities *found) {
    bool wanted = false;
    for (size_t i = 0; i < request->outputs.count; i++)
        wanted |= request->outputs.rows[i].format->capabilities;
    const char *what;
    int error = wanted ? capabilities_probe(request->run.current, found, &what) : 0;
    if (error != 0)
        options_complain("run", "looking at what this machine allows: %s: %s", what,
                         strerror(error));
    return error == 0;
}

static int run_selection(struct request *request, const struct selection *selection) {
    struct run_result run = {0};
    struct capabilities capabilities = {0};
    struct run_findings findings = {&run, &capabilities};
    struct report report = {
        .subject = &subject_run, .findings = &findings, .verbose = request->verbose};
    struct watch watch = {.outputs = &request->outputs, .report = &report};
    if (!outputs_open(&request->outputs))
        return EXIT_TROUBLE;
    if (!probe(request, &capabilities))
        return EXIT_TROUBLE;
    begin_watch(&watch, &request->run);
    process_raise_limits();
    runner_run((const struct scenario *const *)selection->scenarios, selection->count,
               &request->run, &run);
    progress_end(&watch.progress);
    int status = outputs_report(&request->outputs, &report);
    if (run.verdict == VERDICT_SKIP)
        options_complain("run", "%s skipped; --must-run makes that an error",
                         run.cases[VERDICT_SKIP] == 1 ? "the only case was" : "all cases were");
    int interrupted = run.interrupted;
    run_result_free(&run);
    if (interrupted != 0) { /* end as the signal would have ended us */
        fflush(stdout);
        signal(interrupted, SIG_DFL);
        raise(interrupted);
    }
    return status;
}

static int cmd_run(int argc, char **argv) {
    struct request request = {.run = {.jobs = 1, .repeat = 1, .limits = limits_usual},
                              .outputs = {.command = "run",
                                          .subject = &subject_run,
                                          .colour = options_colour_by_default()},
                              .selection = {.command = "run"}};
    struct selection *selection = &request.selection;
    int status = EXIT_TROUBLE;
    char **program = cut_program(&argc, argv);
    if (options_parse("run", groups, argc, argv, &request) &&
        selection_find(selection, argc - optind, argv + optind) &&
        give_program(selection, program, request.port))
        status = run_selection(&request, selection);
    selection_free(selection);
    outputs_free(&request.outputs);
    return status;
}

const struct command command_run = {
    .name = "run",
    .function = cmd_run,
    .usage = "[OPTION...] NAME[:CASE]... [-- PROGRAM ARG...] | --all",
    .summary = "run scenarios, and report what the kernel answered",
    .options = groups,
    .operands = {"CASE", "FILE"},
    .subject = &subject_run,
};
