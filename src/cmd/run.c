/* portreuse run: runs scenarios and reports what the kernel answered. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/units.h"
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "cmd/outputs.h"
#include "cmd/progress.h"
#include "engine/runner.h"
#include "report/run/run.h"
#include "scenario/catalogue.h"

struct request {
    struct run_options run;
    struct outputs outputs;
    bool verbose;
    bool all, slow;
    const char **tags; /* owned by the arena */
    size_t tag_count;
    struct arena arena;
};

/* --- options --- */

enum {
    OPTION_ALL = 256,
    OPTION_TAG,
    OPTION_SLOW,
    OPTION_REPEAT,
    OPTION_NET,
    OPTION_MUST_RUN,
    OPTION_TIMEOUT,
    OPTION_FORMAT,
    OPTION_OUTPUT,
    OPTION_COLOR,
};

static const struct option longs[] = {
    {"all", no_argument, NULL, OPTION_ALL},
    {"tag", required_argument, NULL, OPTION_TAG},
    {"slow", no_argument, NULL, OPTION_SLOW},
    {"jobs", optional_argument, NULL, 'j'},
    {"repeat", required_argument, NULL, OPTION_REPEAT},
    {"net", required_argument, NULL, OPTION_NET},
    {"must-run", no_argument, NULL, OPTION_MUST_RUN},
    {"timeout", required_argument, NULL, OPTION_TIMEOUT},
    {"format", required_argument, NULL, OPTION_FORMAT},
    {"output", required_argument, NULL, OPTION_OUTPUT},
    {"color", optional_argument, NULL, OPTION_COLOR},
    {"verbose", no_argument, NULL, 'v'},
    {"quiet", no_argument, NULL, 'q'},
    {0},
};

static bool take_count(const char *option, const char *text, int64_t most, unsigned *count) {
    int64_t number;
    if (!options_number("run", option, text, 1, most, &number))
        return false;
    *count = (unsigned)number;
    return true;
}

/* `-j4` and `-j 4`; `-j` alone means two for each processor, as most
 * of a case's time is spent waiting. */
static bool take_jobs(int argc, char **argv, struct request *request) {
    enum { JOBS_MOST = 64 };
    const char *text = optarg;
    int64_t ignored;
    if (text == NULL && optind < argc && units_number(argv[optind], 0, INT64_MAX, &ignored))
        text = argv[optind++];
    if (text != NULL)
        return take_count("-j", text, JOBS_MOST, &request->run.jobs);
    long jobs = 2 * sysconf(_SC_NPROCESSORS_ONLN);
    request->run.jobs = jobs < 1 ? 1 : jobs > JOBS_MOST ? JOBS_MOST : (unsigned)jobs;
    return true;
}

static bool take_net(struct request *request) {
    request->run.current = strcmp(optarg, "current") == 0;
    if (request->run.current || strcmp(optarg, "private") == 0)
        return true;
    options_wrong_value("run", "--net", optarg, "'private' or 'current'");
    return false;
}

static bool take_timeout(struct request *request) {
    if (!options_time("run", "--timeout", optarg, &request->run.timeout_ns))
        return false;
    if (request->run.timeout_ns > 0)
        return true;
    options_wrong_value("run", "--timeout", optarg, "more than nothing");
    return false;
}

static bool take_option(int option, int argc, char **argv, struct request *request) {
    enum { REPEAT_MOST = 1000 * 1000 };
    switch (option) {
    case OPTION_ALL:
        request->all = true;
        return true;
    case OPTION_TAG:
        request->tags =
            arena_grow(&request->arena, request->tags, request->tag_count, sizeof request->tags[0]);
        request->tags[request->tag_count++] = optarg;
        return true;
    case OPTION_SLOW:
        request->slow = true;
        return true;
    case 'j':
        return take_jobs(argc, argv, request);
    case OPTION_REPEAT:
        return take_count("--repeat", optarg, REPEAT_MOST, &request->run.repeat);
    case OPTION_NET:
        return take_net(request);
    case OPTION_MUST_RUN:
        request->run.must_run = true;
        return true;
    case OPTION_TIMEOUT:
        return take_timeout(request);
    case OPTION_FORMAT:
        return outputs_take_format(&request->outputs, optarg);
    case OPTION_OUTPUT:
        return outputs_take_file(&request->outputs, optarg);
    case OPTION_COLOR:
        return options_colour("run", optarg, &request->outputs.colour);
    case 'v':
        request->verbose = true;
        return true;
    case 'q':
        request->outputs.quiet = true;
        return true;
    default:
        return false;
    }
}

/* --- which scenarios --- */

struct selection {
    struct scenario **scenarios; /* in the request's arena; each owned */
    size_t count;
    struct mistakes mistakes;
};

static void add_scenario(struct arena *arena, struct selection *selection,
                         struct scenario *scenario) {
    if (scenario == NULL)
        return;
    selection->scenarios =
        arena_grow(arena, selection->scenarios, selection->count, sizeof selection->scenarios[0]);
    selection->scenarios[selection->count++] = scenario;
}

static bool has_one_tag(const struct request *request, const struct scenario *scenario) {
    for (size_t i = 0; i < request->tag_count; i++)
        if (scenario_has_tag(scenario, request->tags[i]))
            return true;
    return false;
}

/* Adds the built-in scenarios that --all and --tag ask for. */
static void select_built_in(struct request *request, struct selection *selection) {
    for (size_t i = 0; i < catalogue_count; i++) {
        struct scenario *scenario = catalogue_parse(&catalogue[i], &selection->mistakes);
        bool wanted = request->tag_count == 0 || has_one_tag(request, scenario);
        if (wanted && (request->slow || !scenario->slow))
            add_scenario(&request->arena, selection, scenario);
        else
            scenario_free(scenario);
    }
}

/* Finds what is to be run; false, after a complaint, if something of it cannot be. */
static bool select_scenarios(struct request *request, int argc, char **argv,
                             struct selection *selection) {
    bool several = request->all || request->tag_count > 0;
    if (several && optind < argc) {
        options_complain("run", "either names, or --all or --tag, not both: '%s'", argv[optind]);
        return false;
    }
    if (several)
        select_built_in(request, selection);
    else if (optind == argc)
        options_complain("run", "what? Name a scenario or a file, or say --all; 'portreuse list' "
                                "shows the scenarios");
    for (int i = optind; i < argc; i++)
        add_scenario(&request->arena, selection, catalogue_open(argv[i], &selection->mistakes));
    if (several && selection->count == 0)
        options_complain("run", "no scenario has such a tag%s",
                         request->slow ? "" : ", or all that have it need --slow");
    mistakes_print(&selection->mistakes, stderr);
    return selection->mistakes.count == 0 && selection->count > 0;
}

static void selection_free(struct selection *selection) {
    for (size_t i = 0; i < selection->count; i++)
        scenario_free(selection->scenarios[i]);
    mistakes_free(&selection->mistakes);
}

/* --- running --- */

/* Ends as the signal would have ended us, now that everything is cleaned up and told. */
static void end_by_signal(int number) {
    fflush(stdout);
    signal(number, SIG_DFL);
    raise(number);
}

/* A run that is under way, and who wants to know about it. */
struct watch {
    struct outputs *outputs; /* borrowed */
    const struct report *report;
    struct progress progress;
};

static void tell(void *context, const struct run_event *event) {
    struct watch *watch = context;
    progress_tell(&watch->progress, event);
    if (event->kind != RUN_WAITS)
        outputs_event(watch->outputs, watch->report, event);
}

/* Has the run watched by the formats that write events, and by the line of progress. Events that
 * scroll by on the terminal leave no room for that. */
static void begin_watch(struct watch *watch, struct run_options *options) {
    bool scrolls = watch->outputs->rows[0].format->event != NULL && isatty(STDOUT_FILENO) == 1;
    bool progress = !scrolls && progress_begin(&watch->progress), events = false;
    for (size_t i = 0; i < watch->outputs->count; i++)
        events |= watch->outputs->rows[i].format->event != NULL;
    options->watcher = (struct run_watcher){.tell = progress || events ? tell : NULL,
                                            .context = watch,
                                            .steps = events,
                                            .tick_ns = progress ? PROGRESS_TICK_NS : 0};
}

/* Probes the environment if a format shows it. */
static void look_around(const struct request *request, struct surroundings *found) {
    bool wanted = false;
    for (size_t i = 0; i < request->outputs.count; i++)
        wanted |= request->outputs.rows[i].format->surroundings;
    if (wanted)
        surroundings_look(request->run.current, found);
}

static int run_selection(struct request *request, const struct selection *selection) {
    struct run_result run = {0};
    struct surroundings surroundings = {0};
    struct run_findings findings = {&run, &surroundings};
    struct report report = {
        .subject = &subject_run, .findings = &findings, .verbose = request->verbose};
    struct watch watch = {.outputs = &request->outputs, .report = &report};
    if (!outputs_open(&request->outputs))
        return EXIT_TROUBLE;
    look_around(request, &surroundings);
    begin_watch(&watch, &request->run);
    runner_raise_limits();
    runner_run((const struct scenario *const *)selection->scenarios, selection->count,
               &request->run, &run);
    progress_end(&watch.progress);
    int status = outputs_report(&request->outputs, &report);
    int interrupted = run.interrupted;
    run_result_free(&run);
    if (interrupted != 0)
        end_by_signal(interrupted);
    return status;
}

static int cmd_run(int argc, char **argv) {
    struct request request = {.run = {.jobs = 1, .repeat = 1},
                              .outputs.command = command_named(argv[0])};
    struct selection selection = {0};
    int status = EXIT_TROUBLE, option;
    options_colour("run", "auto", &request.outputs.colour);
    options_begin();
    while ((option = options_next(argc, argv, ":j::qv", longs)) != -1)
        if (option == '?' || !take_option(option, argc, argv, &request))
            goto cleanup;
    if (select_scenarios(&request, argc, argv, &selection))
        status = run_selection(&request, &selection);
cleanup:
    selection_free(&selection);
    outputs_free(&request.outputs);
    arena_free(&request.arena);
    return status;
}

const struct command command_run = {
    .name = "run",
    .function = cmd_run,
    .usage = "[OPTION...] NAME|FILE... | --all | --tag TAG",
    .line = "run scenarios, and report what the kernel answered",
    .help =
        "  --all          all built-in scenarios, but for slow ones\n"
        "  --tag TAG      those with this tag; may be given several times\n"
        "  --slow         slow ones too: they wait for timers of a minute\n"
        "  -j, --jobs[=N] N cases at a time; without N two for each processor\n"
        "  --repeat N     run each case N times\n"
        "  --timeout TIME give a case so long: 500ms, 10s (30s, and what it says that it waits)\n"
        "  --net=private  a network namespace of its own for each case (the default)\n"
        "  --net=current  stay in the present namespace; what would touch the host is skipped\n"
        "  --must-run     what cannot run here is an error, not skipped\n"
        "  --format FORMAT what standard output gets: a format below\n"
        "  --output FILE  a file with a report more, in the format of its ending, or told by\n"
        "                 FILE:FORMAT; may be given several times\n"
        "  --color[=WHEN] colour in the text: always (also without WHEN), never, or auto, which\n"
        "                 is on a terminal, unless NO_COLOR is set\n"
        "  -v, --verbose  process ids, chosen ports, times, and every scenario in full\n"
        "  -q, --quiet    on standard output the verdict alone\n",
    .subject = &subject_run,
};
