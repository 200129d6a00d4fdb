/* portreuse budget [ADDRESS:PORT]: how many local ports are left, and for how long. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/units.h"
#include "cmd/commands.h"
#include "cmd/live.h"
#include "diagnose/budget.h"
#include "report/host/budget.h"

struct request {
    struct live live;
    struct budget_question question;
    int64_t warn_percent, critical_percent;
    uint64_t watch_ns; /* 0: once */
};

/* --- options --- */

/* `80` or `80%`: a percentage of the ports in use. */
static bool set_percent(const struct option_use *use) {
    size_t length = strlen(use->value);
    char digits[8];
    if (length > 0 && use->value[length - 1] == '%')
        length--;
    snprintf(digits, sizeof digits, "%.*s", (int)length, use->value);
    if (length < sizeof digits && units_number(digits, 0, 100, use->target))
        return true;
    return options_wrong_value(use, "a percentage of the ports, such as 80%");
}

static bool set_watch(const struct option_use *use) {
    *(uint64_t *)use->target = NS_PER_S;
    return option_set_time(use);
}

static bool set_from(const struct option_use *use) {
    struct endpoint *from = use->target;
    unsigned bits;
    if (endpoint_parse_network(use->value, from, &bits) == NULL && strchr(use->value, '/') == NULL)
        return true;
    return options_wrong_value(use, "an address of this host, such as 192.0.2.1");
}

static bool set_device(const struct option_use *use) {
    char *device = use->target;
    if (use->value[0] == '\0' || strlen(use->value) >= IF_NAMESIZE)
        return options_wrong_value(use, "the name of a network device");
    memcpy(device, use->value, strlen(use->value) + 1);
    return true;
}

/* `40000-49999`. Returns false after a complaint. */
static bool read_range(const struct option_use *use, uint16_t *low, uint16_t *high) {
    char text[8];
    const char *dash = strchr(use->value, '-');
    size_t size = dash == NULL ? 0 : (size_t)(dash - use->value);
    int64_t first, last;
    snprintf(text, sizeof text, "%.*s", (int)size, use->value);
    if (size == 0 || size >= sizeof text || !units_number(text, 1, UINT16_MAX, &first) ||
        !units_number(dash + 1, first, UINT16_MAX, &last))
        return options_wrong_value(use, "a range of ports, such as 40000-49999");
    *low = (uint16_t)first;
    *high = (uint16_t)last;
    return true;
}

static bool set_port_range(const struct option_use *use) {
    struct budget_question *question = use->target;
    return read_range(use, &question->low, &question->high);
}

static bool set_range(const struct option_use *use) {
    struct budget_question *question = use->target;
    return read_range(use, &question->named_low, &question->named_high);
}

static const struct option_row rows[] = {
    {.name = "from",
     .takes = VALUE_REQUIRED,
     .value_name = "ADDRESS",
     .set = set_from,
     .offset = offsetof(struct request, question.local),
     .help = "source address of the connections (default: the one that the kernel chooses)"},
    {.name = "device",
     .takes = VALUE_REQUIRED,
     .value_name = "DEVICE",
     .set = set_device,
     .offset = offsetof(struct request, question.device),
     .help = "of sockets that are bound to this device (SO_BINDTODEVICE)"},
    {.name = "port-range",
     .takes = VALUE_REQUIRED,
     .value_name = "LOW-HIGH",
     .set = set_port_range,
     .offset = offsetof(struct request, question),
     .help = "of sockets with this range of ports (IP_LOCAL_PORT_RANGE)"},
    {.name = "bind",
     .set = option_set_flag,
     .offset = offsetof(struct request, question.bind_first),
     .help = "of programs that call bind() with port 0 before connect()"},
    {.name = "range",
     .takes = VALUE_REQUIRED,
     .value_name = "LOW-HIGH",
     .set = set_range,
     .offset = offsetof(struct request, question),
     .help = "of programs that bind() each port of this range themselves, such as 512-1023"},
    {.name = "reuse-addr",
     .set = option_set_flag,
     .offset = offsetof(struct request, question.reuseaddr),
     .help = "they set SO_REUSEADDR before bind()"},
    {.name = "try-time-wait",
     .set = option_set_flag,
     .offset = offsetof(struct request, question.ends_time_wait),
     .help = "if it is not known whether connect() can take over a TIME-WAIT, end one to find out"},
    {.name = "warn",
     .takes = VALUE_REQUIRED,
     .value_name = "PERCENT",
     .set = set_percent,
     .offset = offsetof(struct request, warn_percent),
     .help = "report WARNING if this percentage of the ports is in use (default 50)"},
    {.name = "critical",
     .takes = VALUE_REQUIRED,
     .value_name = "PERCENT",
     .set = set_percent,
     .offset = offsetof(struct request, critical_percent),
     .help = "report CRITICAL if this percentage is in use (default 90)"},
    {.name = "interval",
     .takes = VALUE_REQUIRED,
     .value_name = "TIME",
     .set = option_set_time,
     .offset = offsetof(struct request, question.interval_ns),
     .help = "time between the two samples for the rate (default 100ms); 0: one sample, no rate"},
    {.name = "watch",
     .takes = VALUE_OPTIONAL,
     .value_name = "TIME",
     .set = set_watch,
     .offset = offsetof(struct request, watch_ns),
     .help = "print a line every TIME (default 1s) until interrupted"},
    {0},
};

static const struct option_group groups[] = {
    {rows, 0},
    LIVE_GROUPS(struct request),
};

/* --- looking --- */

static int look(struct request *request) {
    struct budget budget;
    struct budget_findings findings = {.budget = &budget,
                                       .warn_percent = request->warn_percent,
                                       .critical_percent = request->critical_percent};
    struct report report = {.subject = &subject_budget, .findings = &findings};
    if (!outputs_open(&request->live.outputs))
        return EXIT_TROUBLE;
    budget_look(&request->question, &request->live.target.namespaces[0], &budget);
    return outputs_report(&request->live.outputs, &report);
}

/* Prints one line at a time until it is interrupted. */
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

/* What a program does before connect() matters for one destination. */
static bool is_complete(const struct budget_question *question) {
    bool any = question->local.family != 0 || question->device[0] != '\0' || question->low != 0 ||
               question->bind_first || question->named_low != 0;
    if (!any || question->remote.family != 0)
        return true;
    options_complain("budget", "--from, --device, --port-range, --bind and --range are about "
                               "connections to one ADDRESS:PORT; name it");
    return false;
}

static int cmd_budget(int argc, char **argv) {
    const uint64_t tenth = NS_PER_S / 10;
    const struct endpoint any = endpoint_wildcard(AF_INET, 0);
    struct request request = {
        .question.interval_ns = tenth, .warn_percent = 50, .critical_percent = 90};
    int status = EXIT_TROUBLE;
    bool good = live_begin(&request.live, "budget", &subject_budget) &&
                options_parse("budget", groups, argc, argv, &request);
    if (good && optind < argc)
        good = target_parse("budget", NULL, argv[optind++], any, &request.question.remote, NULL);
    good = good && options_no_operands(argc, argv) && is_complete(&request.question);
    if (good)
        status = request.watch_ns == 0 ? look(&request) : watch(&request);
    return live_end(&request.live, status);
}

const struct command command_budget = {
    .name = "budget",
    .function = cmd_budget,
    .usage = "[OPTION...] [ADDRESS:PORT]",
    .summary = "show how many local ports are left, and how long they last",
    .description = "Without an address, it looks at the busiest destinations.",
    .options = groups,
    .subject = &subject_budget,
};
