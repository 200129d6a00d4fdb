/* portreuse why: would bind() and listen(), or connect(), succeed now, and if not, why? */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/units.h"
#include "cmd/commands.h"
#include "cmd/outputs.h"
#include "cmd/target.h"
#include "inspect/keeper.h"
#include "report/host/why.h"

/* Whether the program sets SO_REUSEADDR. On TCP nearly all servers do; on UDP few. */
enum reuseaddr { BY_PROTOCOL, SET, NOT_SET };

struct request {
    struct target target;
    struct outputs outputs;
    struct why_question question;
    struct target_address address;
    enum reuseaddr reuseaddr;
    enum typed_protocol protocol; /* --protocol */
    bool client, server, watch, verbose;
    uint64_t watch_ns; /* how long at most; 0: without limit */
    const char *from;  /* --from, or NULL */
};

/* --- options --- */

static const char *const roles[] = {"server", "client", NULL};

static bool set_role(const struct option_use *use) {
    struct request *request = use->target;
    int word = option_word(use);
    request->server = word == 0;
    request->client = word == 1;
    return word >= 0;
}

static const char *const protocols[] = {"tcp", "udp", "unix", NULL};

static bool set_protocol(const struct option_use *use) {
    static const enum typed_protocol values[] = {TYPED_TCP, TYPED_UDP, TYPED_UNIX};
    int word = option_word(use);
    if (word >= 0)
        *(enum typed_protocol *)use->target = values[word];
    return word >= 0;
}

/* Finds a user in /etc/passwd and nowhere else: getpwnam(3) loads libraries, and may ask the
 * network. */
static bool find_user(const char *name, uint32_t *uid) {
    const char *why;
    FILE *file = file_stream_plain("/etc/passwd", &why);
    bool found = false;
    if (file == NULL)
        return false;
    for (const struct passwd *entry; !found && (entry = fgetpwent(file)) != NULL;)
        if (strcmp(entry->pw_name, name) == 0) {
            *uid = entry->pw_uid;
            found = true;
        }
    fclose(file);
    return found;
}

static bool set_uid(const struct option_use *use) {
    struct why_question *question = use->target;
    int64_t uid;
    question->other_user = true;
    if (find_user(use->value, &question->uid))
        return true;
    if (!units_number(use->value, 0, UINT32_MAX - 1, &uid))
        return options_wrong_value(use, "a user ID, or a name in /etc/passwd");
    question->uid = (uint32_t)uid;
    return true;
}

/* People look for this option. */
static bool refuse_port(const struct option_use *use) {
    options_complain(use->command, "a port needs no option: portreuse why %s", use->value);
    return false;
}

static bool set_device(const struct option_use *use) {
    struct why_question *question = use->target;
    if (use->value[0] == '\0' || strlen(use->value) >= sizeof question->device)
        return options_wrong_value(use, "the name of a network device");
    memcpy(question->device, use->value, strlen(use->value) + 1);
    return true;
}

static bool set_reuseaddr(const struct option_use *use) {
    *(enum reuseaddr *)use->target = SET;
    return true;
}

static bool clear_reuseaddr(const struct option_use *use) {
    *(enum reuseaddr *)use->target = NOT_SET;
    return true;
}

static bool set_port_range(const struct option_use *use) {
    struct why_question *question = use->target;
    return port_range_parse_own(use->value, &question->range_low, &question->range_high) ||
           options_wrong_value(use, "a range of ports such as 40000-40099");
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
     .set = set_role,
     .help = "server: the program binds the address and listens (default); client: it connects to "
             "the address"},
    {.name = "protocol",
     .takes = VALUE_REQUIRED,
     .values = protocols,
     .set = set_protocol,
     .offset = offsetof(struct request, protocol),
     .help = "tcp (default), udp, or unix; short for 53/udp and unix:PATH"},
    {.name = "from",
     .takes = VALUE_REQUIRED,
     .value_name = "ADDRESS",
     .set = option_set_text,
     .offset = offsetof(struct request, from),
     .help = "client: it binds this address, and with ADDRESS:PORT this port, before it connects"},
    {.name = "no-port",
     .set = option_set_flag,
     .offset = offsetof(struct request, question.no_port),
     .help = "client: it sets IP_BIND_ADDRESS_NO_PORT, so that connect() chooses the port"},
    {.name = "port-range",
     .takes = VALUE_REQUIRED,
     .value_name = "LOW-HIGH",
     .set = set_port_range,
     .offset = offsetof(struct request, question),
     .help = "client: it sets IP_LOCAL_PORT_RANGE"},
    {.name = "try-time-wait",
     .set = option_set_flag,
     .offset = offsetof(struct request, question.try_time_wait),
     .help = "client: a trial may end one connection in TIME-WAIT, as connect() itself would"},
    {.name = "no-reuse-addr",
     .set = clear_reuseaddr,
     .offset = offsetof(struct request, reuseaddr),
     .help = "the program does not set SO_REUSEADDR; nearly all TCP servers do"},
    {.name = "reuse-addr",
     .set = set_reuseaddr,
     .offset = offsetof(struct request, reuseaddr),
     .help = "the program sets SO_REUSEADDR (default for TCP servers, and clients that bind a "
             "port)"},
    {.name = "reuse-port",
     .set = option_set_flag,
     .offset = offsetof(struct request, question.reuseport),
     .help = "the program sets SO_REUSEPORT"},
    {.name = "v6only",
     .set = option_set_flag,
     .offset = offsetof(struct request, question.v6only),
     .help = "the program sets IPV6_V6ONLY"},
    {.name = "device",
     .takes = VALUE_REQUIRED,
     .value_name = "DEVICE",
     .set = set_device,
     .offset = offsetof(struct request, question),
     .help = "the program sets SO_BINDTODEVICE"},
    {.name = "uid",
     .takes = VALUE_REQUIRED,
     .value_name = "USER",
     .set = set_uid,
     .offset = offsetof(struct request, question),
     .help = "the program runs as this user, a name or a number; needs root"},
    {.name = "port",
     .letter = 'p',
     .takes = VALUE_REQUIRED,
     .value_name = "PORT",
     .set = refuse_port},
    {.name = "watch",
     .takes = VALUE_OPTIONAL,
     .value_name = "TIME",
     .set = set_watch,
     .help = "wait until the address is free; with TIME, no longer than that"},
    {.name = "verbose",
     .letter = 'v',
     .set = option_set_flag,
     .offset = offsetof(struct request, verbose),
     .help = "make and show every trial, with and without SO_REUSEADDR and SO_REUSEPORT"},
    {0},
};

static const struct option_group groups[] = {
    {rows, 0},
    {target_all_options, offsetof(struct request, target)},
    {target_as_options, offsetof(struct request, target)},
    {outputs_options, offsetof(struct request, outputs)},
    {outputs_quiet_options, offsetof(struct request, outputs)},
    {outputs_colour_options, offsetof(struct request, outputs)},
    {0},
};

/* --- the question --- */

static void ask_server(struct why_question *question, const struct target_address *address) {
    question->local = address->list[0];
    question->other_count = address->count - 1;
    memcpy(question->others, address->list + 1, question->other_count * sizeof question->others[0]);
}

/* A client without an address means this host. Of several addresses, those that --from cannot reach
 * are left out. Returns false after a complaint. */
static bool ask_client(struct why_question *question, const struct target_address *address) {
    for (unsigned i = 0; i < address->count; i++) {
        struct endpoint remote = target_remote(address, i);
        if (question->local.family != 0 &&
            endpoint_is_ipv4(&remote) != endpoint_is_ipv4(&question->local))
            continue;
        if (question->remote.family == 0)
            question->remote = remote;
        else
            question->others[question->other_count++] = remote;
    }
    if (question->remote.family == 0) {
        options_complain("why", "--from: one of the two addresses is IPv4, the other IPv6");
        return false;
    }
    /* The socket has the family of the destination. */
    if (question->local.family == AF_INET && question->remote.family == AF_INET6)
        question->local = endpoint_mapped(&question->local);
    return true;
}

/* Reads an address, with a port or without. Returns false after a complaint. */
static bool read_from(const char *text, struct endpoint *from) {
    char plain[ENDPOINT_TEXT_SIZE] = "";
    size_t size = strlen(text);
    bool brackets = size > 2 && text[0] == '[' && text[size - 1] == ']';
    if (size < sizeof plain)
        memcpy(plain, text + brackets, brackets ? size - 2 : size);
    *from = (struct endpoint){.family = strchr(plain, ':') != NULL ? AF_INET6 : AF_INET};
    if (inet_pton(from->family, plain, from->address) == 1)
        return true;
    return target_parse("why", "--from", text, endpoint_wildcard(AF_INET, 0), from, NULL);
}

static void ask_unix(struct why_question *question, const struct target_address *address,
                     bool client) {
    struct unix_question *name = &question->unix_socket;
    const char *path = address->typed.path;
    question->protocol = PROTOCOL_UNIX;
    name->name_size = strlen(path);
    name->is_client = client;
    memcpy(name->name, path, name->name_size + 1);
    if (path[0] == '@')
        name->name[0] = '\0';
}

/* Adds a sentence to what the question was taken for. */
static void add_sentence(struct why_question *question, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void add_sentence(struct why_question *question, const char *format, ...) {
    size_t used = strlen(question->taken);
    va_list values;
    va_start(values, format);
    if (used > 0 && used + 1 < sizeof question->taken)
        question->taken[used++] = ' ';
    vsnprintf(question->taken + used, sizeof question->taken - used, format, values);
    va_end(values);
}

/* Says what a text was taken for. */
static void say_what_was_taken(const struct request *request, struct why_question *question,
                               bool free_on_tcp) {
    const struct target_address *address = &request->address;
    const struct typed *typed = &address->typed;
    char text[ENDPOINT_TEXT_SIZE];
    bool client = question->remote.family != 0 || question->unix_socket.is_client;
    const char *what = typed->path[0] != '\0'      ? typed->path
                       : question->text[0] != '\0' ? question->text
                                                   : endpoint_text(&address->list[0], text);
    snprintf(question->taken, sizeof question->taken, "%s", address->taken);
    if (typed->guessed)
        add_sentence(question, "The error itself names no port; another line names %s.", what);
    if (free_on_tcp)
        add_sentence(question, "The port is free for TCP, and the text names no protocol.");
    if (typed->pasted)
        add_sentence(question, "The text was taken for %s %s to %s%s.",
                     question->protocol == PROTOCOL_UNIX ? "a"
                                                         : socket_protocol_name(question->protocol),
                     client ? "connect()" : "bind()", what,
                     client                               ? "; --as server asks about bind()"
                     : question->protocol == PROTOCOL_UDP ? ""
                                                          : "; --as client asks about connect()");
    if (typed->note[0] != '\0')
        add_sentence(question, "%s", typed->note);
    if (typed->also[0] != '\0')
        add_sentence(question, "It also complains about %s.", typed->also);
}

static bool is_only_of_client(const struct request *request) {
    const struct why_question *question = &request->question;
    return request->from != NULL || question->no_port || question->range_low != 0 ||
           question->range_high != 0 || question->try_time_wait;
}

/* Returns what is wrong with options that are of no use together, or for this address, and what to
 * write instead; NULL if nothing is. */
static const char *contradiction(const struct request *request, bool client) {
    const struct why_question *question = &request->question;
    const struct target_address *address = &request->address;
    bool is_unix = address->typed.protocol == TYPED_UNIX;
    bool only_ipv4 = !address->is_any && address->count == 1 && address->list[0].family == AF_INET;
    if (request->watch && request->target.all)
        return "--watch waits in one network namespace: choose it by --netns or --pid";
    if (is_unix && (question->device[0] != '\0' || question->v6only || question->reuseport ||
                    request->reuseaddr != BY_PROTOCOL || request->from != NULL))
        return "a Unix socket has no device, no source address and none of the options "
               "SO_REUSEADDR, SO_REUSEPORT and IPV6_V6ONLY: leave them out";
    if (!client && is_only_of_client(request))
        return "--from and the like are about a client that connects: leave them out, or ask "
               "--as client";
    if (question->v6only && only_ipv4)
        return "IPV6_V6ONLY is an option of IPv6 sockets, and the address is an IPv4 one: leave "
               "out --v6only";
    const char *named = address->zone[0] != '\0' ? address->zone : address->device;
    if (named[0] != '\0' && question->device[0] != '\0' && strcmp(named, question->device) != 0)
        return "the address names another device than --device: leave out one of them";
    return NULL;
}

static bool take_question(int argc, char **argv, struct request *request) {
    struct why_question *question = &request->question;
    struct target_address *address = &request->address;
    if (!target_read("why", argc, argv, request->protocol, question->device, address))
        return false;
    bool client = request->client || (address->typed.connects && !request->server) ||
                  (is_only_of_client(request) && !request->server);
    const char *wrong = contradiction(request, client);
    if (wrong != NULL) {
        options_complain("why", "%s", wrong);
        return false;
    }
    if (address->typed.protocol == TYPED_UDP)
        question->protocol = PROTOCOL_UDP;
    memcpy(question->zone, address->zone, sizeof question->zone);
    if (question->device[0] == '\0')
        memcpy(question->device, address->device, sizeof question->device);
    snprintf(question->text, sizeof question->text, "%s", address->text);
    question->reported = address->typed.error;
    question->every_trial = request->verbose;
    question->as = request->target.as;
    question->name_namespace = request->target.all;
    if (client && request->from != NULL && !read_from(request->from, &question->local))
        return false;
    if (address->typed.protocol == TYPED_UNIX)
        ask_unix(question, address, client);
    else if (!client)
        ask_server(question, address);
    else if (!ask_client(question, address))
        return false;
    bool by_default = question->protocol == PROTOCOL_TCP && (!client || question->local.port != 0);
    question->reuseaddr =
        request->reuseaddr == SET || (request->reuseaddr == BY_PROTOCOL && by_default);
    say_what_was_taken(request, question, false);
    return true;
}

/* --- waiting --- */

/* Waits until the sockets in the way change, as sock_diag lists them: nothing is bound meanwhile.
 * Where none is listed, only another look can tell. Returns false at the end of the time. */
static bool wait_for_change(const struct why *why, uint64_t end) {
    const struct timespec pause = {.tv_nsec = NS_PER_S / 4};
    uint64_t before = why_glance(why);
    do {
        if (units_now_ns() >= end)
            return false;
        nanosleep(&pause, NULL);
    } while (before != 0 && why_glance(why) == before);
    return true;
}

/* Repeats the look until the address is free in the first namespace. Says on standard error what it
 * waits for, each time that it changes. */
static void wait_until_free(const struct request *request, struct why *why) {
    uint64_t end = request->watch_ns == 0 ? UINT64_MAX : units_now_ns() + request->watch_ns;
    enum cause cause = CAUSE_COUNT;
    char line[REPORT_LINE_SIZE];
    if (why->verdict == WHY_REFUSED)
        fputs("portreuse why: waiting until the address is free\n", stderr);
    while (why->verdict == WHY_REFUSED) {
        if (why->cause != cause)
            fprintf(stderr, "%s\n", why_line(why, line));
        cause = why->cause;
        if (!wait_for_change(why, end))
            return;
        why_look(&request->question, &request->target.namespaces[0], why);
    }
}

/* A text that reports EADDRINUSE and does not say of which protocol can be about UDP, if all is
 * free on TCP. */
static bool may_be_udp(const struct request *request, const struct why *looks, size_t count) {
    const struct typed *typed = &request->address.typed;
    bool may = typed->pasted && typed->protocol == TYPED_ANY_PROTOCOL &&
               typed->error == EADDRINUSE && request->question.remote.family == 0;
    for (size_t i = 0; may && i < count; i++)
        may = looks[i].verdict == WHY_FREE;
    return may;
}

/* The same question about UDP. */
static struct why_question about_udp(const struct request *request) {
    struct why_question question = request->question;
    char text[WHY_TEXT_SIZE], endpoint[ENDPOINT_TEXT_SIZE];
    snprintf(text, sizeof text, "%.100s/udp",
             question.text[0] != '\0' ? question.text : endpoint_text(&question.local, endpoint));
    memcpy(question.text, text, sizeof question.text);
    question.protocol = PROTOCOL_UDP;
    question.reuseaddr = request->reuseaddr == SET;
    say_what_was_taken(request, &question, true);
    return question;
}

/* Copies the parts that are not zero to memory that is: so that what was not found takes no memory,
 * in thousands of looks. */
static void copy_sparsely(char *to, const char *from, size_t size) {
    enum { PART = 4096 };
    static const char zeros[PART];
    for (size_t at = 0; at < size; at += PART) {
        size_t length = size - at < PART ? size - at : PART;
        if (memcmp(from + at, zeros, length) != 0)
            memcpy(to + at, from + at, length);
    }
}

/* Looks in all namespaces. Returns in how many of them; with --all-netns, one that has vanished
 * meanwhile is left out. `looks` is zero. */
static size_t look_everywhere(const struct target *target, const struct why_question *question,
                              struct why *looks) {
    struct why *one = malloc(sizeof *one);
    size_t count = 0;
    if (one == NULL)
        arena_out_of_memory();
    for (size_t i = 0; i < target->count; i++) {
        if (i == 1)
            owners_look_ahead();
        why_look(question, &target->namespaces[i], one);
        if (target->all && i > 0 && one->verdict == WHY_UNKNOWN && one->error == ENOENT)
            continue;
        copy_sparsely((char *)&looks[count++], (const char *)one, sizeof *one);
    }
    owners_forget();
    free(one);
    return count;
}

/* Looks, on UDP as well if that is what a text can be about. The looks are the arena's; returns how
 * many there are. */
static size_t look_around(struct request *request, struct arena *arena, struct why **looks) {
    const struct target *target = &request->target;
    *looks = arena_alloc(arena, target->count * sizeof **looks);
    size_t count = look_everywhere(target, &request->question, *looks);
    if (!may_be_udp(request, *looks, count))
        return count;
    struct why_question question = about_udp(request);
    struct why *more = arena_alloc(arena, target->count * sizeof *more);
    bool refused = false;
    size_t others = look_everywhere(target, &question, more);
    for (size_t i = 0; i < others; i++)
        refused |= more[i].verdict == WHY_REFUSED;
    if (!refused)
        return count;
    request->question = question;
    *looks = more;
    return others;
}

static int look(struct request *request) {
    if (!outputs_open(&request->outputs))
        return EXIT_TROUBLE;
    struct arena arena = {.apart = !request->watch}; /* which has a child look again in place */
    struct why *looks;
    size_t count = look_around(request, &arena, &looks);
    if (request->watch)
        wait_until_free(request, &looks[0]);
    struct why_findings findings = {.looks = looks, .count = count};
    struct report report = {
        .subject = &subject_why, .findings = &findings, .verbose = request->verbose};
    int status = outputs_report(&request->outputs, &report);
    arena_free(&arena);
    return status;
}

/* Returns whether the words are the command of a program, `nc -l 8080`: the first is no address,
 * and a later one is an option that we do not have. */
static bool is_command(int argc, char **argv) {
    bool unknown = false;
    for (int i = 2; i < argc; i++)
        unknown |= argv[i][0] == '-' && argv[i][1] != '\0' && !options_know(groups, argv[i]);
    return unknown && argv[1][0] != '-' && !target_is_address(1, argv + 1) &&
           target_is_address(argc - 1, argv + 1);
}

static bool is_executable(const char *path) {
    struct stat file;
    return stat(path, &file) == 0 && S_ISREG(file.st_mode) && access(path, X_OK) == 0;
}

/* Returns whether the PATH has a program of this name. */
static bool is_program(const char *name) {
    const char *at = getenv("PATH");
    char path[PATH_MAX];
    while (at != NULL && *at != '\0' && strchr(name, '/') == NULL) {
        int size = (int)strcspn(at, ":");
        int length = snprintf(path, sizeof path, "%.*s/%s", size, at, name);
        if (length < (int)sizeof path && is_executable(path))
            return true;
        at += size + (at[size] == ':');
    }
    return false;
}

/* How to see a program fail, if the words are its command and name no port: composed before
 * getopt_long() changes their order, and ended. */
static void compose_hint(struct composed *hint, int argc, char **argv) {
    FILE *out = compose_begin(hint);
    char word[PATH_MAX];
    bool good = argc > 1 && argv[1][0] != '-' && is_program(argv[1]) &&
                !target_is_address(argc - 1, argv + 1);
    fputs(good ? "  to run it and see why it fails: portreuse trace --" : "", out);
    for (int i = 1; i < argc && good; i++) {
        size_t dashes = strspn(argv[i], "-");
        good = stop_quote(argv[i] + dashes, word, sizeof word);
        fprintf(out, " %.*s%s", (int)dashes, argv[i], word);
    }
    fputs(good ? "\n" : "", out);
    compose_end(hint);
    if (!good)
        hint->bytes[0] = '\0';
}

/* Takes the options, and leaves optind at the address. */
static bool take_options(int argc, char **argv, struct request *request) {
    if (!is_command(argc, argv))
        return options_parse("why", groups, argc, argv, request);
    optind = 1;
    return true;
}

static int cmd_why(int argc, char **argv) {
    struct request request = {.outputs = {.command = "why",
                                          .subject = &subject_why,
                                          .colour = options_colour_by_default()}};
    int status = EXIT_TROUBLE;
    struct composed hint;
    compose_hint(&hint, argc, argv);
    if (target_begin(&request.target, "why") && take_options(argc, argv, &request) &&
        take_question(argc, argv, &request))
        status = look(&request);
    else
        fputs(hint.bytes, stderr);
    compose_free(&hint);
    outputs_free(&request.outputs);
    target_free(&request.target);
    return status;
}

const struct command command_why = {
    .name = "why",
    .function = cmd_why,
    .usage = "[OPTION...] ADDRESS",
    .summary = "explain why a program cannot use a port of this host right now",
    .description =
        "Shows which socket is in the way, which process owns it, and what to do. Kills no "
        "process, and changes nothing.\n\n"
        "ADDRESS can be typed as 8080, :http, localhost:8080, [::1]:80, udp/53, a URL, "
        "unix:PATH, or the error message of a program, in one word or several. A dash reads the "
        "message from standard input: ./server 2>&1 | portreuse why -. A port alone means every "
        "address. You can leave out the word why: portreuse :8080.\n\n"
        "why assumes that a TCP server sets SO_REUSEADDR, as nearly all do.",
    .options = groups,
    .operands = {"LISTENER"},
    .subject = &subject_why,
};
