/* portreuse budget [ADDRESS:PORT]: how many local ports are left, and for how long. The destination
 * is typed or pasted as for `why`. Of several addresses of a name, a client that is refused at one
 * goes on to the next: shown is the one with the fewest ports of those where connect() works. */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
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
    struct target_address address; /* count 0: none was given */
    char taken[2 * TARGET_TAKEN_SIZE];
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
    char plain[ENDPOINT_TEXT_SIZE];
    size_t size = strlen(use->value);
    bool brackets = size > 2 && use->value[0] == '[' && use->value[size - 1] == ']';
    unsigned bits;
    snprintf(plain, sizeof plain, "%.*s", (int)(brackets ? size - 2 : size), use->value + brackets);
    if (endpoint_parse_network(plain, from, &bits) == NULL && strchr(plain, '/') == NULL)
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

static bool set_port_range(const struct option_use *use) {
    struct budget_question *question = use->target;
    return port_range_parse_own(use->value, &question->low, &question->high) ||
           options_wrong_value(use, "a range of ports, such as 40000-49999");
}

/* Each of these ports is to be named to bind(), so that none is 0. */
static bool set_range(const struct option_use *use) {
    struct budget_question *question = use->target;
    uint16_t low, high;
    if (!port_range_parse_own(use->value, &low, &high) || low == 0 || high == 0)
        return options_wrong_value(use, "a range of ports, such as 40000-49999");
    question->named_low = low;
    question->named_high = high;
    return true;
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
     .help = "the sockets are bound to this device (SO_BINDTODEVICE)"},
    {.name = "port-range",
     .takes = VALUE_REQUIRED,
     .value_name = "LOW-HIGH",
     .set = set_port_range,
     .offset = offsetof(struct request, question),
     .help = "the sockets have this range of ports (IP_LOCAL_PORT_RANGE); a 0 stands for the "
             "host's own bound"},
    {.name = "bind",
     .set = option_set_flag,
     .offset = offsetof(struct request, question.bind_first),
     .help = "the programs call bind() with port 0 before connect()"},
    {.name = "range",
     .takes = VALUE_REQUIRED,
     .value_name = "LOW-HIGH",
     .set = set_range,
     .offset = offsetof(struct request, question),
     .help = "the programs bind() each port of this range themselves, such as 512-1023"},
    {.name = "reuse-addr",
     .set = option_set_flag,
     .offset = offsetof(struct request, question.reuseaddr),
     .help = "the programs set SO_REUSEADDR before bind()"},
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

/* --- the question --- */

/* Adds a sentence to what the question was taken for. */
static void add_sentence(struct request *request, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void add_sentence(struct request *request, const char *format, ...) {
    size_t used = strlen(request->taken);
    va_list values;
    va_start(values, format);
    if (used > 0 && used + 1 < sizeof request->taken)
        request->taken[used++] = ' ';
    vsnprintf(request->taken + used, sizeof request->taken - used, format, values);
    va_end(values);
}

static void say_what_was_taken(struct request *request) {
    const struct target_address *address = &request->address;
    const struct typed *typed = &address->typed;
    char text[ENDPOINT_TEXT_SIZE];
    if (address->taken[0] != '\0')
        add_sentence(request, "%s", address->taken);
    if (typed->pasted)
        add_sentence(request, "The text was taken for a TCP connect() to %s.",
                     address->text[0] != '\0' ? address->text
                                              : endpoint_text(&address->list[0], text));
    if (typed->note[0] != '\0')
        add_sentence(request, "%s", typed->note);
    if (typed->also[0] != '\0')
        add_sentence(request, "It also complains about %s.", typed->also);
}

/* Returns what is wrong with the address for this command, and what to write instead, or NULL. */
static const char *unfit(const struct request *request) {
    const struct typed *typed = &request->address.typed;
    if (typed->protocol == TYPED_UNIX)
        return "a Unix socket has no port: ask 'portreuse why' about it";
    if (typed->protocol == TYPED_UDP)
        return "the ports of TCP are counted; 'portreuse why --as client PORT/udp' tries UDP";
    if (typed->pasted && !typed->connects && typed->error == EADDRINUSE)
        return "the text is about bind(), which 'portreuse why' answers; name the ADDRESS:PORT "
               "that "
               "a client connects to";
    const char *named =
        request->address.zone[0] != '\0' ? request->address.zone : request->address.device;
    if (named[0] != '\0' && request->question.device[0] != '\0' &&
        strcmp(named, request->question.device) != 0)
        return "the address names another device than --device: leave out one of them";
    return NULL;
}

/* What a program does before connect() matters for one destination. */
static bool is_complete(const struct request *request) {
    const struct budget_question *question = &request->question;
    bool any = question->local.family != 0 || question->device[0] != '\0' || question->low != 0 ||
               question->high != 0 || question->bind_first || question->named_low != 0;
    if (!any || request->address.count != 0)
        return true;
    options_complain("budget", "--from, --device, --port-range, --bind and --range are about "
                               "connections to one ADDRESS:PORT; name it");
    return false;
}

/* Asks about one of the addresses. The socket has the family of the destination. Returns false if
 * the source address is one of the other family. */
static bool ask_address(struct budget_question *question, const struct target_address *address,
                        unsigned index) {
    question->remote = target_remote(address, index);
    if (question->local.family == 0)
        return true;
    question->local = endpoint_unmapped(&question->local);
    if (endpoint_is_ipv4(&question->remote) != endpoint_is_ipv4(&question->local))
        return false;
    if (question->local.family == AF_INET && question->remote.family == AF_INET6)
        question->local = endpoint_mapped(&question->local);
    return true;
}

static bool take_question(int argc, char **argv, struct request *request) {
    struct target_address *address = &request->address;
    struct budget_question *question = &request->question;
    bool any = false;
    if (optind == argc)
        return is_complete(request);
    if (!target_read("budget", argc, argv, TYPED_ANY_PROTOCOL, question->device, address))
        return false;
    const char *wrong = unfit(request);
    for (unsigned i = 0; wrong == NULL && i < address->count; i++)
        any |= ask_address(question, address, i);
    if (wrong == NULL && !any)
        wrong = "--from: one of the two addresses is IPv4, the other IPv6";
    if (wrong != NULL) {
        options_complain("budget", "%s", wrong);
        return false;
    }
    if (question->device[0] == '\0')
        memcpy(question->device, address->zone[0] != '\0' ? address->zone : address->device,
               sizeof question->device);
    say_what_was_taken(request);
    return true;
}

/* --- looking --- */

/* Returns whether a client would sooner have trouble with the second than with the first. */
static bool is_worse(const struct budget *budget, const struct budget *first) {
    if (first->failure != NULL || budget->failure != NULL)
        return budget->failure != NULL && first->failure == NULL;
    if ((budget->refused == 0) != (first->refused == 0))
        return budget->refused == 0;
    return budget->routes[0].left < first->routes[0].left;
}

static void look_at(const struct request *request, struct budget *budget) {
    struct budget_question question = request->question;
    const struct namespace *where = &request->live.target.namespaces[0];
    struct budget other;
    bool any = false;
    if (request->address.count == 0)
        budget_look(&question, where, budget);
    for (unsigned i = 0; i < request->address.count; i++) {
        if (!ask_address(&question, &request->address, i))
            continue;
        budget_look(&question, where, any ? &other : budget);
        if (any && is_worse(&other, budget))
            *budget = other;
        any = true;
    }
}

static int look(struct request *request) {
    struct budget budget;
    struct budget_findings findings = {.budget = &budget,
                                       .taken = request->taken,
                                       .warn_percent = request->warn_percent,
                                       .critical_percent = request->critical_percent};
    struct report report = {.subject = &subject_budget, .findings = &findings};
    if (!outputs_open(&request->live.outputs))
        return EXIT_TROUBLE;
    look_at(request, &budget);
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

static int cmd_budget(int argc, char **argv) {
    const uint64_t tenth = NS_PER_S / 10;
    struct request request = {
        .question.interval_ns = tenth, .warn_percent = 50, .critical_percent = 90};
    int status = EXIT_TROUBLE;
    bool good = live_begin(&request.live, "budget", &subject_budget) &&
                options_parse("budget", groups, argc, argv, &request);
    good = good && take_question(argc, argv, &request);
    if (good)
        status = request.watch_ns == 0 ? look(&request) : watch(&request);
    return live_end(&request.live, status);
}

const struct command command_budget = {
    .name = "budget",
    .function = cmd_budget,
    .usage = "[OPTION...] [ADDRESS:PORT]",
    .summary = "show how many local ports are left, and how long they last",
    .description = "The destination is typed as for 'why': ADDRESS:PORT, NAME:PORT, a URL, or the "
                   "error\nmessage of a client. Without one, it looks at the busiest destinations.",
    .options = groups,
    .subject = &subject_budget,
};
