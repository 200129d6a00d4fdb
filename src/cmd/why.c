/* portreuse why ADDRESS:PORT: would bind() and listen() succeed now, and if not, why? */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/units.h"
#include "cmd/address.h"
#include "cmd/cmd.h"
#include "cmd/live.h"
#include "cmd/options.h"
#include "report/host/why_story.h"

struct request {
    struct live live;
    struct why_question question;
    bool client, watch;
    uint64_t watch_ns; /* how long at most; 0: for ever */
    const char *from;
};

/* --- options --- */

enum {
    OPTION_AS = 256,
    OPTION_FROM,
    OPTION_UID,
    OPTION_REUSE_ADDR,
    OPTION_REUSE_PORT,
    OPTION_V6ONLY,
    OPTION_WATCH,
};

static const struct option longs[] = {
    {"as", required_argument, NULL, OPTION_AS},
    {"from", required_argument, NULL, OPTION_FROM},
    {"uid", required_argument, NULL, OPTION_UID},
    {"reuse-addr", no_argument, NULL, OPTION_REUSE_ADDR},
    {"reuse-port", no_argument, NULL, OPTION_REUSE_PORT},
    {"v6only", no_argument, NULL, OPTION_V6ONLY},
    {"watch", optional_argument, NULL, OPTION_WATCH},
    {"all-netns", no_argument, NULL, LIVE_OPTION_ALL_NETNS},
    LIVE_OPTIONS,
    {0},
};

static bool take_role(struct request *request) {
    request->client = strcmp(optarg, "client") == 0;
    if (request->client || strcmp(optarg, "server") == 0)
        return true;
    options_wrong_value("why", "--as", optarg, "'server' or 'client'");
    return false;
}

static bool take_uid(struct request *request) {
    int64_t uid;
    if (!options_number("why", "--uid", optarg, 0, UINT32_MAX - 1, &uid))
        return false;
    request->question.other_user = true;
    request->question.uid = (uint32_t)uid;
    return true;
}

static bool take_option(void *context, int option) {
    struct request *request = context;
    switch (option) {
    case OPTION_AS:
        return take_role(request);
    case OPTION_FROM:
        request->from = optarg;
        return true;
    case OPTION_UID:
        return take_uid(request);
    case OPTION_REUSE_ADDR:
        request->question.reuseaddr = true;
        return true;
    case OPTION_REUSE_PORT:
        request->question.reuseport = true;
        return true;
    case OPTION_V6ONLY:
        request->question.v6only = true;
        return true;
    case OPTION_WATCH:
        request->watch = true;
        return optarg == NULL || options_time("why", "--watch", optarg, &request->watch_ns);
    default:
        return live_take(&request->live, option);
    }
}

/* --- the question --- */

static bool take_question(int argc, char **argv, struct request *request) {
    struct why_question *question = &request->question;
    bool any;
    if (optind == argc) {
        options_complain("why", "which address? As in 127.0.0.1:8080, :8080 or [::1]:8080");
        return false;
    }
    const char *text = argv[optind++];
    if (!options_no_operands(argc, argv))
        return false;
    if (!request->client)
        return address_take("why", text, &question->local, &question->any_family);
    return address_take("why", text, &question->remote, &any) &&
           (request->from == NULL || address_take("why", request->from, &question->local, &any));
}

/* Looks again and again until the first place is free, and says on standard error what it waits for
 * each time that this is something else. */
static void wait_until_free(const struct request *request, struct why *why) {
    const struct timespec pause = {.tv_nsec = NS_PER_S / 4};
    uint64_t end = request->watch_ns == 0 ? UINT64_MAX : units_now_ns() + request->watch_ns;
    const char *cause = "";
    char line[REPORT_LINE_SIZE];
    while (why->verdict == WHY_REFUSED && units_now_ns() < end) {
        if (strcmp(why->cause, cause) != 0)
            fprintf(stderr, "portreuse why: waiting: %s\n", why_line(why, line));
        cause = why->cause;
        nanosleep(&pause, NULL);
        why_look(&request->question, &request->live.places[0], why);
    }
}

static int look(struct request *request) {
    struct live *live = &request->live;
    if (!outputs_open(&live->outputs))
        return EXIT_TROUBLE;
    struct why *looks = calloc(live->place_count, sizeof *looks);
    if (looks == NULL) {
        options_complain("why", "%s", strerror(ENOMEM));
        return EXIT_TROUBLE;
    }
    for (size_t i = 0; i < live->place_count; i++)
        why_look(&request->question, &live->places[i], &looks[i]);
    if (request->watch)
        wait_until_free(request, &looks[0]);
    struct why_findings findings = {.looks = looks, .count = live->place_count};
    struct report report = {.subject = &subject_why, .findings = &findings};
    int status = outputs_report(&live->outputs, &report);
    free(looks);
    return status;
}

static int cmd_why(int argc, char **argv) {
    struct request request = {0};
    int status = EXIT_TROUBLE;
    if (live_begin(&request.live, command_named(argv[0])) &&
        live_options(argc, argv, longs, take_option, &request) &&
        take_question(argc, argv, &request))
        status = look(&request);
    live_end(&request.live);
    return status;
}

const struct command command_why = {
    .name = "why",
    .function = cmd_why,
    .usage = "[OPTION...] ADDRESS:PORT",
    .line = "tell why a port of this host cannot be bound or connected from, now",
    .help = "  --as ROLE        server: the program binds the address and listens (the default);\n"
            "                   client: it connects to the address\n"
            "  --from ADDRESS   a client: what it binds before\n"
            "  --reuse-addr     the program sets SO_REUSEADDR\n"
            "  --reuse-port     the program sets SO_REUSEPORT\n"
            "  --v6only         the program sets IPV6_V6ONLY\n"
            "  --uid N          the program runs as this user; takes root\n"
            "  --watch[=TIME]   wait until it is free, or so long\n"
            "  --all-netns      look in all of them\n" LIVE_HELP,
    .subject = &subject_why,
};
