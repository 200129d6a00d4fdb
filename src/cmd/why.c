/* portreuse why ADDRESS:PORT: would bind() and listen() succeed now, and if not, why? */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/units.h"
#include "cmd/commands.h"
#include "cmd/outputs.h"
#include "cmd/target.h"
#include "report/host/why.h"

struct request {
    struct target target;
    struct outputs outputs;
    struct why_question question;
    bool client, watch;
    uint64_t watch_ns; /* how long at most; 0: without limit */
    const char *from;
};

/* --- options --- */

static const char *const roles[] = {"server", "client", NULL};

static const char *const protocols[] = {"tcp", "udp", "unix", NULL};

static bool set_protocol(const struct option_use *use) {
    static const enum protocol values[] = {PROTOCOL_TCP, PROTOCOL_UDP, PROTOCOL_UNIX};
    struct why_question *question = use->target;
    int word = option_word(use);
    if (word >= 0)
        question->protocol = values[word];
    return word >= 0;
}

static bool set_uid(const struct option_use *use) {
    struct why_question *question = use->target;
    question->other_user = true;
    struct option_use uid = *use;
    uid.target = &question->uid;
    return option_set_unsigned(&uid);
}

static bool set_watch(const struct option_use *use) {
    struct request *request = use->target;
    struct option_use time = *use;
    time.target = &request->watch_ns;
    request->watch = true;
    return option_set_time(&time);
}

static const struct option_row rows[] = {
    {.name = "as",
     .takes = VALUE_REQUIRED,
     .values = roles,
     .set = option_set_either,
     .offset = offsetof(struct request, client),
     .help = "server: the program binds the address and listens (default); client: it connects to "
             "the address"},
    {.name = "protocol",
     .takes = VALUE_REQUIRED,
     .values = protocols,
     .set = set_protocol,
     .offset = offsetof(struct request, question),
     .help = "tcp (default), udp, or unix: then a path, or @ and an abstract name, is asked about"},
    {.name = "from",
     .takes = VALUE_REQUIRED,
     .value_name = "ADDRESS",
     .set = option_set_text,
     .offset = offsetof(struct request, from),
     .help = "client: it binds this address before it connects"},
    {.name = "reuse-addr",
     .set = option_set_flag,
     .offset = offsetof(struct request, question.reuseaddr),
     .help = "the program sets SO_REUSEADDR"},
    {.name = "reuse-port",
     .set = option_set_flag,
     .offset = offsetof(struct request, question.reuseport),
     .help = "the program sets SO_REUSEPORT"},
    {.name = "v6only",
     .set = option_set_flag,
     .offset = offsetof(struct request, question.v6only),
     .help = "the program sets IPV6_V6ONLY"},
    {.name = "uid",
     .takes = VALUE_REQUIRED,
     .value_name = "N",
     .set = set_uid,
     .offset = offsetof(struct request, question),
     .high = UINT32_MAX - 1,
     .help = "the program runs as user N; needs root"},
    {.name = "watch",
     .takes = VALUE_OPTIONAL,
     .value_name = "TIME",
     .set = set_watch,
     .help = "wait until the address is free; with TIME, no longer than that"},
    {0},
};

static const struct option_group groups[] = {
    {rows, 0},
    {target_all_options, offsetof(struct request, target)},
    {target_options, offsetof(struct request, target)},
    {outputs_options, offsetof(struct request, outputs)},
    {outputs_quiet_options, offsetof(struct request, outputs)},
    {0},
};

/* --- the question --- */

/* Takes `/run/x.sock` or `@name`. */
static bool take_name(const char *text, struct request *request) {
    struct unix_question *name = &request->question.unix_socket;
    size_t size = strlen(text);
    if (size == 0 || size >= UNIX_NAME_SIZE) {
        options_complain("why", "the name of a Unix socket has 1 to %d bytes", UNIX_NAME_SIZE - 1);
        return false;
    }
    memcpy(name->name, text, size + 1);
    name->name_size = size;
    name->is_client = request->client;
    if (text[0] == '@')
        name->name[0] = '\0';
    return true;
}

static bool take_question(int argc, char **argv, struct request *request) {
    struct why_question *question = &request->question;
    struct endpoint any = endpoint_wildcard(AF_INET, 0);
    if (optind == argc) {
        options_complain("why",
                         "an ADDRESS:PORT is missing, such as 127.0.0.1:8080, :8080 or [::1]:8080");
        return false;
    }
    const char *text = argv[optind++];
    if (!options_no_operands(argc, argv))
        return false;
    if (question->protocol == PROTOCOL_UNIX)
        return take_name(text, request);
    if (question->protocol == PROTOCOL_UDP && request->client) {
        options_complain("why", "--as client is not possible with --protocol udp");
        return false;
    }
    if (!request->client)
        return target_parse("why", NULL, text, any, &question->local, &question->any_family);
    return target_parse("why", NULL, text, any, &question->remote, NULL) &&
           (request->from == NULL ||
            target_parse("why", "--from", request->from, any, &question->local, NULL));
}

/* Repeats the look until the address is free in the first namespace. Says on standard error what it
 * waits for, each time that it changes. */
static void wait_until_free(const struct request *request, struct why *why) {
    const struct timespec pause = {.tv_nsec = NS_PER_S / 4};
    uint64_t end = request->watch_ns == 0 ? UINT64_MAX : units_now_ns() + request->watch_ns;
    enum cause cause = CAUSE_COUNT;
    char line[REPORT_LINE_SIZE];
    while (why->verdict == WHY_REFUSED && units_now_ns() < end) {
        if (why->cause != cause)
            fprintf(stderr, "portreuse why: waiting: %s\n", why_line(why, line));
        cause = why->cause;
        nanosleep(&pause, NULL);
        why_look(&request->question, &request->target.namespaces[0], why);
    }
}

static int look(struct request *request) {
    const struct target *target = &request->target;
    if (!outputs_open(&request->outputs))
        return EXIT_TROUBLE;
    struct why *looks = calloc(target->count, sizeof *looks);
    if (looks == NULL) {
        options_complain("why", "%s", strerror(ENOMEM));
        return EXIT_TROUBLE;
    }
    for (size_t i = 0; i < target->count; i++)
        why_look(&request->question, &target->namespaces[i], &looks[i]);
    if (request->watch)
        wait_until_free(request, &looks[0]);
    struct why_findings findings = {.looks = looks, .count = target->count};
    struct report report = {.subject = &subject_why, .findings = &findings};
    int status = outputs_report(&request->outputs, &report);
    free(looks);
    return status;
}

static int cmd_why(int argc, char **argv) {
    struct request request = {.outputs = {.command = "why", .subject = &subject_why}};
    int status = EXIT_TROUBLE;
    if (target_begin(&request.target, "why") &&
        options_parse("why", groups, argc, argv, &request) && take_question(argc, argv, &request))
        status = look(&request);
    outputs_free(&request.outputs);
    target_free(&request.target);
    return status;
}

const struct command command_why = {
    .name = "why",
    .function = cmd_why,
    .usage = "[OPTION...] ADDRESS:PORT",
    .summary = "explain why a program cannot use a port of this host right now",
    .description = "Shows which socket is in the way, which process owns it, and what to do. "
                   ":PORT means every address. Nothing is killed or changed.",
    .options = groups,
    .subject = &subject_why,
};
