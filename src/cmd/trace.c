/* portreuse trace: run a program, or watch one that runs, and explain each call that fails. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/errnames.h"
#include "base/text.h"
#include "base/units.h"
#include "cmd/commands.h"
#include "cmd/outputs.h"
#include "kernel/netns.h"
#include "kernel/process.h"
#include "kernel/ptrace.h"
#include "report/host/trace.h"
#include "report/shared/layout.h"
#include "trace/host.h"
#include "trace/program.h"
#include "trace/record.h"
#include "trace/tracer.h"

enum { MOST_ERRORS = 32 };
#define INTERVAL_NS (15ULL * NS_PER_S)

struct request {
    struct outputs outputs;
    struct record record;
    int errors[MOST_ERRORS + 1]; /* --only: ends with 0 */
    bool verbose, private_net, fail, host, sendto;
    bool colour;
    int64_t pid;                /* --pid, or 0 */
    uint64_t interval_ns;       /* --interval */
    const struct format *lines; /* --format: standard output gets each call as a line of it */
    bool formatted;             /* --format was given */
    char *const *words;         /* the program, or NULL */
    bool has_ring;              /* that process uses io_uring */
    struct trace_findings findings;
    struct host_watch *host_watch;
    bool trouble; /* a file could not be written */
};

/* --- options --- */

static bool add_error(struct request *request, int error) {
    size_t count = 0;
    while (request->errors[count] != 0)
        count++;
    if (count == MOST_ERRORS)
        return false;
    request->errors[count] = error;
    request->record.filter.errors = request->errors;
    return true;
}

/* An errno or a call. */
static bool set_only(const struct option_use *use) {
    struct request *request = use->target;
    for (unsigned call = SOCKET_CALL_BIND; call <= SOCKET_CALL_SENDTO; call++)
        if (strcmp(use->value, seccomp_call_name((enum socket_call)call)) == 0) {
            request->record.filter.calls |= 1U << call;
            return true;
        }
    int error = errname_number(use->value);
    if (error != 0 && add_error(request, error))
        return true;
    return options_wrong_value(use, "bind, listen, connect, sendto, or the name of an errno");
}

/* Only for --host: otherwise standard output is the program's. */
static bool set_format(const struct option_use *use) {
    struct request *request = use->target;
    struct option_use inner = *use;
    inner.target = &request->outputs;
    request->formatted = true;
    return outputs_options[0].set(&inner);
}

static const char *const networks[] = {"current", "private", NULL};

static const struct option_row rows[] = {
    {.name = "net",
     .takes = VALUE_REQUIRED,
     .values = networks,
     .set = option_set_either,
     .offset = offsetof(struct request, private_net),
     .help = "current (default), or private: run the program in a network namespace of its own, "
             "which has only lo"},
    {.name = "pid",
     .takes = VALUE_REQUIRED,
     .value_name = "PID",
     .set = option_set_number,
     .low = 1,
     .high = INT32_MAX,
     .offset = offsetof(struct request, pid),
     .help = "watch a running process, and what it starts, until Ctrl-C; each of its system calls "
             "then costs some microseconds more"},
    {.name = "host",
     .set = option_set_flag,
     .offset = offsetof(struct request, host),
     .help = "watch every program of this host, until Ctrl-C, for calls that fail; needs root; "
             "each system call of the host then costs about 0.1 us more"},
    {.name = "format",
     .takes = VALUE_REQUIRED,
     .value_name = "FORMAT",
     .set = set_format,
     .help = "with --host: also write a report to standard output (ndjson: as it happens; others: "
             "at the end); see below"},
    {.name = "interval",
     .takes = VALUE_REQUIRED,
     .value_name = "TIME",
     .set = option_set_time,
     .offset = offsetof(struct request, interval_ns),
     .help = "with --host: rewrite the files of --output every TIME (default 15s)"},
    {.name = "fail",
     .set = option_set_flag,
     .offset = offsetof(struct request, fail),
     .help =
         "exit with 1 if a call failed because of a conflict, even if the program exited with 0"},
    {.name = "only",
     .takes = VALUE_REQUIRED,
     .value_name = "ERRNO|CALL",
     .set = set_only,
     .help =
         "report only calls with this error, or only bind, listen, connect or sendto; may be given "
         "several times"},
    {.name = "sendto",
     .set = option_set_flag,
     .offset = offsetof(struct request, sendto),
     .help = "also watch sendto() with an address: the first one of a UDP socket takes a port; a "
             "datagram then costs about seven times as much"},
    {.name = "verbose",
     .letter = 'v',
     .set = option_set_flag,
     .offset = offsetof(struct request, verbose),
     .help = "also report the calls that succeed, and the C library's own"},
    {0},
};

static bool set_colour(const struct option_use *use) {
    enum { AUTO, ALWAYS };
    int word = use->value == NULL ? ALWAYS : option_word(use);
    *(bool *)use->target = word == ALWAYS || (word == AUTO && options_colour_on(STDERR_FILENO));
    return word >= 0;
}

static const struct option_row colour_rows[] = {
    {.name = "color",
     .takes = VALUE_OPTIONAL,
     .value_name = "WHEN",
     .values = option_colour_values,
     .set = set_colour,
     .offset = offsetof(struct request, colour),
     .help = "colour the text on standard error: always (also without WHEN), never, or auto "
             "(default): on a terminal unless NO_COLOR is set"},
    {0},
};

/* Without --format, which is the first row of the outputs: it has a row of its own. */
static const struct option_group groups[] = {
    {rows, 0},
    {outputs_options + 1, offsetof(struct request, outputs)},
    {colour_rows, 0},
    {0},
};

/* Returns where the program stands: behind `--`, or behind the options. What follows it is not for
 * us. */
static int program_at(int argc, char **argv) {
    int i = 1;
    for (; i < argc && argv[i][0] == '-' && strcmp(argv[i], "--") != 0; i++) {
        const struct option_row *row = options_find(groups, argv[i], strlen(argv[i]));
        if (row != NULL && row->takes == VALUE_REQUIRED)
            i++;
    }
    return i < argc ? i : argc;
}

/* --- while it happens --- */

/* Returns whether the number is 10, 100, 1000 ... */
static bool is_round(uint32_t number) {
    while (number >= 10 && number % 10 == 0)
        number /= 10;
    return number == 1;
}

/* Ends what was composed to be said at once: it goes to standard error in one piece, between what
 * others write there. */
static void say(struct composed *piece) {
    const char *text = compose_end(piece);
    fwrite(text, 1, piece->size, stderr);
    fflush(stderr);
    compose_free(piece);
}

/* As options_complain(), but in lines of the usual width: reasons are long. */
__attribute__((format(printf, 1, 2))) static void complain(const char *format, ...) {
    static const char lead[] = "portreuse trace: ";
    struct composed piece;
    va_list values;
    va_start(values, format);
    char *text = memory_vformat(format, values);
    va_end(values);
    fputs(lead, compose_begin(&piece));
    layout_wrap(piece.out, text, 2, sizeof lead - 1);
    say(&piece);
    free(text);
}

static void tell_call(void *context, const struct recorded_call *call, bool is_new) {
    const struct request *request = context;
    struct composed piece;
    if (call->error == 0 && !(request->verbose && is_new))
        return;
    if (!is_new && !(call->times >= 10 && is_round(call->times)))
        return;
    if (request->lines != NULL) {
        trace_json_call(stdout, call);
        fflush(stdout);
        return;
    }
    compose_begin(&piece);
    if (is_new)
        trace_print_call(piece.out, call, request->colour);
    else
        trace_print_again(piece.out, call);
    say(&piece);
}

/* What shows only at the end: how often the calls have failed, and what is remarkable. */
static void tell_end(const struct request *request) {
    const struct record *record = &request->record;
    struct composed piece;
    compose_begin(&piece);
    for (size_t i = 0; i < record->call_count; i++)
        if (record->calls[i]->error != 0 && record->calls[i]->times > 1)
            trace_print_again(piece.out, record->calls[i]);
    for (size_t i = 0; i < record->finding_count; i++)
        trace_print_finding(piece.out, record->findings[i], request->colour);
    say(&piece);
}

/* Comes back to what is held back, if anything is. */
static void settle(void *context) {
    if (record_settle(&((struct request *)context)->record))
        alarm(RECORD_HOLD_S);
}

static void on_call(void *context, const struct traced_call *call) {
    record_call(&((struct request *)context)->record, call);
    settle(context);
}

static void on_exec(void *context, pid_t process) {
    record_exec(&((struct request *)context)->record, process);
}

static void on_exit_of(void *context, pid_t process, int status) {
    struct request *request = context;
    record_exit(&request->record, process);
    if (request->words != NULL && process == program_pid()) {
        request->findings.ended = true;
        request->findings.status = status;
    }
}

/* --- the tracer --- */

/* What the tracer tells the process that waits for it; a set. */
enum { SAW_CONFLICT = 1, HAD_TROUBLE = 2, SAW_END = 4 /* of the program */ };

static void begin_record(struct request *request) {
    struct record *record = &request->record;
    record->told = tell_call;
    record->context = request;
    record->filter.lookups = request->verbose;
    record->caller = request->words != NULL ? getppid() : 0;
    record_begin(record);
    if (request->has_ring)
        record_ring(record, (pid_t)request->pid);
    request->findings.record = record;
    request->findings.words = request->words;
}

/* Watches to the end, and writes the report. Returns the set. */
static int watch_to_end(struct request *request, struct tracer *tracer) {
    struct record *record = &request->record;
    struct report report = {
        .subject = &subject_trace, .findings = &request->findings, .verbose = request->verbose};
    begin_record(request);
    tracer->sendto = request->sendto;
    tracer->handlers = (struct tracer_handlers){.call = on_call,
                                                .executed = on_exec,
                                                .exited = on_exit_of,
                                                .woken = settle,
                                                .context = request};
    int error = tracer_run(tracer), result = 0;
    if (error != 0) {
        complain("watching a process: %s", strerror(error));
        result = HAD_TROUBLE;
    }
    if (request->words != NULL)
        request->findings.start_error = program_start_error();
    if (request->findings.ended)
        result |= SAW_END;
    record_end(record);
    tell_end(request);
    if (record->look_error != 0) {
        complain("looking at a socket: %s", strerror(record->look_error));
        result |= HAD_TROUBLE;
    }
    if (!outputs_write(&request->outputs, &report))
        result |= HAD_TROUBLE;
    if (record->conflicts > 0)
        result |= SAW_CONFLICT;
    record_free(record);
    return result;
}

static int watch_program(void *context, struct tracer *tracer) {
    return watch_to_end(context, tracer);
}

/* --- a running process --- */

static volatile sig_atomic_t ended;

/* Comes again each second: the first one may be too early for the waitpid(2) that it is to end. An
 * alarm alone only wakes the watch up. */
static void end_watch(int signal) {
    if (signal != SIGALRM)
        ended = 1;
    if (ended)
        alarm(1);
}

static void end_by_signals(void) {
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGALRM};
    struct sigaction action = {.sa_handler = end_watch};
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        sigaction(signals[i], &action, NULL);
}

static int watch_process(struct request *request) {
    struct tracer tracer = {.no_filter = true, .sendto = request->sendto, .end = &ended};
    pid_t pid = (pid_t)request->pid;
    char reason[PTRACE_REASON_SIZE];
    end_by_signals();
    int error = tracer_take_running(&tracer, pid);
    if (error != 0) {
        complain("process %d cannot be traced: %s", (int)pid, ptrace_explain(pid, error, reason));
        return EXIT_TROUBLE;
    }
    complain("watching process %d (threads: %zu); its system calls are slower meanwhile; "
             "Ctrl-C lets it go",
             (int)pid, tracer_count(&tracer));
    request->findings.process = pid;
    request->has_ring = process_has_ring(pid);
    int result = watch_to_end(request, &tracer);
    tracer_free(&tracer);
    if ((result & HAD_TROUBLE) != 0)
        return EXIT_TROUBLE;
    return request->fail && (result & SAW_CONFLICT) != 0 ? EXIT_FAIL : EXIT_AS_EXPECTED;
}

/* --- the whole host --- */

static void write_files(void *context) {
    struct request *request = context;
    struct report report = {.subject = &subject_trace, .findings = &request->findings};
    const struct format *at_end = request->outputs.rows[0].format;
    request->findings.lost = host_lost(request->host_watch);
    request->outputs.rows[0].format = NULL;
    if (!outputs_write(&request->outputs, &report) || !outputs_open(&request->outputs))
        request->trouble = true;
    request->outputs.rows[0].format = at_end;
}

/* Watches until a signal ends it. Returns 0 or an errno. */
static int run_host(struct request *request) {
    const struct host_handlers handlers = {.call = on_call,
                                           .tick = request->outputs.count > 1 ? write_files : NULL,
                                           .interval_ns = request->interval_ns,
                                           .context = request};
    sigset_t ending, before;
    sigemptyset(&ending);
    sigaddset(&ending, SIGINT);
    sigaddset(&ending, SIGTERM);
    sigaddset(&ending, SIGHUP);
    sigaddset(&ending, SIGALRM);
    sigprocmask(SIG_BLOCK, &ending, &before);
    int error = host_run(request->host_watch, &handlers, &ended, &before);
    alarm(0);
    request->findings.lost = host_lost(request->host_watch);
    return error;
}

/* The report at the end; of the lines, only the last one is left to write. */
static bool write_end(struct request *request) {
    struct report report = {
        .subject = &subject_trace, .findings = &request->findings, .verbose = request->verbose};
    bool lines = request->lines != NULL;
    if (lines)
        request->outputs.rows[0].format = NULL;
    else
        tell_end(request);
    bool written = outputs_write(&request->outputs, &report);
    if (lines)
        trace_json_end(stdout, &report);
    return written;
}

static int watch_host(struct request *request) {
    struct record *record = &request->record;
    char reason[HOST_REASON_SIZE];
    end_by_signals();
    request->host_watch = host_open(reason);
    if (request->host_watch == NULL) {
        complain("%s", reason);
        return EXIT_TROUBLE;
    }
    complain("watching this host; Ctrl-C ends it");
    begin_record(request);
    record->endless = true;
    request->findings.host = true;
    int error = run_host(request);
    if (error != 0)
        complain("%s", strerror(error));
    bool good = write_end(request) && error == 0 && !request->trouble;
    bool conflict = record->conflicts > 0;
    host_close(request->host_watch);
    record_free(record);
    if (!good)
        return EXIT_TROUBLE;
    return request->fail && conflict ? EXIT_FAIL : EXIT_AS_EXPECTED;
}

/* --- a program --- */

static void tell_left_behind(void *context) {
    (void)context;
    complain("the program has ended; waiting for processes that it left behind "
             "(Ctrl-C kills them)");
}

/* Ends this process as the program ended, unless that hides what the options ask for; or unless the
 * program ended because the tracer did, with which it cannot go on. */
static int end_as_program(const struct request *request, const struct program_end *end) {
    bool succeeded = WIFEXITED(end->status) && WEXITSTATUS(end->status) == 0;
    bool alone = end->watched < 0 || (end->watched & SAW_END) == 0;
    bool killed = alone && WIFSIGNALED(end->status) && WTERMSIG(end->status) == SIGKILL;
    bool trouble = alone || (end->watched & HAD_TROUBLE) != 0;
    if (alone)
        complain("the tracer %s; %s", end->watched < 0 ? "was killed" : "had to end",
                 killed ? "the program was killed with it" : "what it saw is not all told");
    if (end->start_error != 0)
        complain("%s: %s", request->words[0], strerror(end->start_error));
    if ((succeeded || killed) && trouble)
        return EXIT_TROUBLE;
    if (!succeeded || !request->fail || (end->watched & SAW_CONFLICT) == 0)
        program_end_like(end->status);
    return EXIT_FAIL;
}

static int run_program(struct request *request) {
    const struct program program = {.words = request->words,
                                    .sendto = request->sendto,
                                    .watch = watch_program,
                                    .left_behind = tell_left_behind,
                                    .context = request};
    struct program_end end;
    const char *what;
    char reason[NETNS_REASON_SIZE];
    if (request->private_net && netns_is_none(netns_enter_as_self(reason))) {
        complain("%s", reason);
        return EXIT_TROUBLE;
    }
    int error = program_run(&program, &end, &what);
    if (error != 0) {
        bool refused = error == EPERM || error == ENOSYS;
        complain("%s: %s", what, refused ? ptrace_explain(0, error, reason) : strerror(error));
        return EXIT_TROUBLE;
    }
    return end_as_program(request, &end);
}

/* Opens the outputs. The program must not inherit that SIGPIPE is ignored. */
static bool open_outputs(struct request *request) {
    struct sigaction before;
    sigaction(SIGPIPE, NULL, &before);
    bool opened = outputs_open(&request->outputs);
    sigaction(SIGPIPE, &before, NULL);
    if (opened && !request->formatted)
        request->outputs.rows[0].format = NULL;
    else if (opened && request->outputs.rows[0].format == &format_trace_ndjson)
        request->lines = request->outputs.rows[0].format;
    return opened;
}

/* Returns what is wrong with the options together, or NULL. */
static const char *find_fault(const struct request *request, bool has_program) {
    bool runs = request->pid != 0 || request->host;
    if (!has_program && !runs)
        return "a program is missing: portreuse trace -- PROGRAM [ARG...]";
    if (request->host && request->pid != 0)
        return "--host watches every process: leave out --pid";
    if (has_program && runs)
        return request->host ? "--host watches every program: leave out the program"
                             : "--pid watches a process that runs: leave out the program";
    if (runs && request->private_net)
        return "--net=private is for a program that is started";
    if (request->host && request->sendto)
        return "--host does not see datagrams: leave out --sendto";
    if (request->host && request->verbose)
        return "--host does not see the calls that succeed: leave out --verbose";
    if (!request->host && request->formatted)
        return "standard output is the program's: use --output FILE:FORMAT (--format is for "
               "--host)";
    if (!request->host && request->interval_ns != INTERVAL_NS)
        return "--interval is for --host";
    return request->interval_ns == 0 ? "--interval 0: a time is expected, such as 15s" : NULL;
}

static int trace(struct request *request, int argc, char **argv) {
    int at = program_at(argc, argv);
    if (!options_parse("trace", groups, at, argv, request))
        return EXIT_TROUBLE;
    if (at < argc && strcmp(argv[at], "--") == 0)
        at++;
    const char *fault = find_fault(request, at < argc);
    if (fault != NULL) {
        complain("%s", fault);
        return EXIT_TROUBLE;
    }
    if (!open_outputs(request))
        return EXIT_TROUBLE;
    if (request->host)
        return watch_host(request);
    if (request->pid != 0)
        return watch_process(request);
    request->words = argv + at;
    return run_program(request);
}

static int cmd_trace(int argc, char **argv) {
    struct request request = {.outputs = {.command = "trace", .subject = &subject_trace},
                              .interval_ns = INTERVAL_NS,
                              .colour = options_colour_on(STDERR_FILENO)};
    int status = trace(&request, argc, argv);
    outputs_free(&request.outputs);
    return status;
}

const struct command command_trace = {
    .name = "trace",
    .function = cmd_trace,
    .usage = "[OPTION...] (-- PROGRAM [ARG...] | --pid PID | --host)",
    .summary = "run a program, and explain its bind() and connect() calls that fail",
    .description =
        "Stops the program, with all that it starts, exactly at a call that fails, and shows what "
        "was in the way at that moment: on standard error as it happens, and in files at the end. "
        "The program keeps its own input, output, signals, terminal and exit status; the status is "
        "127 if it is not found, 126 if it cannot be executed. trace ends when the last process "
        "that the program has started ends.\n\n"
        "--host watches every program instead, and stops none: it examines the sockets in the way "
        "some milliseconds after a call has failed.\n\n"
        "Only --host needs root. A setuid program runs without its privileges, unless root traces "
        "it. A program that is being debugged cannot be traced.",
    .options = groups,
    .subject = &subject_trace,
};
