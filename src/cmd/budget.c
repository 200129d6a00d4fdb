/* portreuse budget [DESTINATION]: how many local ports are left, and for how long. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/units.h"
#include "cmd/address.h"
#include "cmd/cmd.h"
#include "cmd/live.h"
#include "cmd/options.h"
#include "report/host/budget.h"

struct request {
    struct live live;
    struct budget_question question;
    int64_t warn_percent, critical_percent;
    uint64_t watch_ns; /* 0: once */
};

enum { OPTION_INTERVAL = 256, OPTION_WARN, OPTION_CRITICAL, OPTION_WATCH };

static const struct option longs[] = {
    {"interval", required_argument, NULL, OPTION_INTERVAL},
    {"warn", required_argument, NULL, OPTION_WARN},
    {"critical", required_argument, NULL, OPTION_CRITICAL},
    {"watch", optional_argument, NULL, OPTION_WATCH},
    LIVE_OPTIONS,
    {0},
};

/* `80` and `80%`: so many percent of the ports in use. */
static bool take_percent(const char *option, int64_t *percent) {
    size_t length = strlen(optarg);
    char digits[8];
    if (length > 0 && optarg[length - 1] == '%')
        length--;
    snprintf(digits, sizeof digits, "%.*s", (int)length, optarg);
    if (length < sizeof digits && units_number(digits, 0, 100, percent))
        return true;
    options_wrong_value("budget", option, optarg, "a share of the ports in use, such as 80%,");
    return false;
}

static bool take_watch(struct request *request) {
    request->watch_ns = NS_PER_S;
    return optarg == NULL || options_time("budget", "--watch", optarg, &request->watch_ns);
}

static bool take_option(void *context, int option) {
    struct request *request = context;
    switch (option) {
    case OPTION_INTERVAL:
        return options_time("budget", "--interval", optarg, &request->question.interval_ns);
    case OPTION_WARN:
        return take_percent("--warn", &request->warn_percent);
    case OPTION_CRITICAL:
        return take_percent("--critical", &request->critical_percent);
    case OPTION_WATCH:
        return take_watch(request);
    default:
        return live_take(&request->live, option);
    }
}

static int look(struct request *request) {
    struct budget budget;
    struct budget_findings findings = {.budget = &budget,
                                       .warn_percent = request->warn_percent,
                                       .critical_percent = request->critical_percent};
    struct report report = {.subject = &subject_budget, .findings = &findings};
    if (!outputs_open(&request->live.outputs))
        return EXIT_TROUBLE;
    budget_look(&request->question, &request->live.places[0], &budget);
    return outputs_report(&request->live.outputs, &report);
}

/* Again and again, a line each time, until somebody ends it. */
static int watch(struct request *request) {
    struct timespec pause = {(time_t)(request->watch_ns / NS_PER_S),
                             (long)(request->watch_ns % NS_PER_S)};
    request->live.outputs.quiet = true;
    for (;;) {
        int status = look(request);
        if (status == EXIT_TROUBLE || fflush(stdout) != 0)
            return EXIT_TROUBLE;
        nanosleep(&pause, NULL);
    }
}

static int cmd_budget(int argc, char **argv) {
    const uint64_t tenth = NS_PER_S / 10;
    struct request request = {
        .question.interval_ns = tenth, .warn_percent = 100, .critical_percent = 100};
    int status = EXIT_TROUBLE;
    bool any;
    if (!live_begin(&request.live, command_named(argv[0])) ||
        !live_options(argc, argv, longs, take_option, &request))
        goto cleanup;
    if (optind < argc && !address_take("budget", argv[optind++], &request.question.remote, &any))
        goto cleanup;
    if (options_no_operands(argc, argv))
        status = request.watch_ns == 0 ? look(&request) : watch(&request);
cleanup:
    live_end(&request.live);
    return status;
}

const struct command command_budget = {
    .name = "budget",
    .function = cmd_budget,
    .usage = "[OPTION...] [ADDRESS:PORT]",
    .line = "tell how many local ports are left for connections, and for how long",
    .help = "  --warn PERCENT it is a warning if so many of the ports are in use (100)\n"
            "  --critical PERCENT it is critical (100)\n"
            "  --interval TIME between the two samples that tell the rate (100ms); 0: one sample\n"
            "  --watch[=TIME] a line every second, or every TIME\n" LIVE_HELP,
    .subject = &subject_budget,
};
