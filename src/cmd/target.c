/* Addresses and namespaces on the command line, with complaints that say how to write them. */
#include "cmd/target.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/errnames.h"
#include "base/memory.h"
#include "base/units.h"
#include "cmd/names.h"
#include "kernel/process.h"
#include "typed/text.h"
#include "typed/word.h"

/* --- an address and port --- */

/* Always returns false. */
static bool wrong_address(const char *command, const char *option, const char *text,
                          const char *why) {
    options_complain(command, "%s%s'%s': %s", option == NULL ? "" : option,
                     option == NULL ? "" : " ", text, why);
    return false;
}

bool target_parse(const char *command, const char *option, const char *text, struct endpoint any,
                  struct endpoint *endpoint, bool *is_any) {
    char whole[ENDPOINT_TEXT_SIZE];
    struct endpoint_pattern pattern;
    const char *at;
    int64_t port;
    bool alone = units_number(text, 0, UINT16_MAX, &port);
    int size = snprintf(whole, sizeof whole, "%s%s",
                        alone            ? "*:"
                        : text[0] == ':' ? "*"
                                         : "",
                        text);
    if (size < 0 || (size_t)size >= sizeof whole)
        return wrong_address(command, option, text, "this is too long for an address");
    const char *wrong = endpoint_parse(whole, &pattern, &at);
    if (wrong != NULL && text[0] != '\0' && text[strspn(text, "0123456789")] == '\0')
        wrong = "a port is a number from 0 to 65535";
    if (wrong == NULL && pattern.any_port)
        wrong = "a port is missing; 0 lets the kernel choose";
    if (wrong != NULL)
        return wrong_address(command, option, text, wrong);
    *endpoint = pattern.endpoint;
    if (pattern.any_address) {
        *endpoint = any;
        endpoint->port = pattern.endpoint.port;
    }
    if (is_any != NULL)
        *is_any = pattern.any_address;
    return true;
}

/* --- what people type --- */

/* Of a text on standard input its end is read; words on the command line can be as long. */
enum { TEXT_SIZE = 256 * 1024 };

/* Adds a sentence to what was taken for what. */
static void take(struct target_address *address, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void take(struct target_address *address, const char *format, ...) {
    size_t used = strlen(address->taken);
    va_list values;
    va_start(values, format);
    if (used > 0 && used + 1 < sizeof address->taken)
        address->taken[used++] = ' ';
    vsnprintf(address->taken + used, sizeof address->taken - used, format, values);
    va_end(values);
}

/* Joins the words, with blanks. Returns the text, which the caller frees. */
static char *join(int argc, char **argv) {
    size_t size = 1, used = 0;
    for (int i = 0; i < argc; i++)
        size += strlen(argv[i]) + 1;
    char *text = malloc(size);
    if (text == NULL)
        arena_out_of_memory();
    text[0] = '\0';
    for (int i = 0; i < argc; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", i == 0 ? "" : " ", argv[i]);
    return text;
}

/* Reads a file to its end, and keeps the end of it: an error comes last. Returns the text, which
 * the caller frees. */
static char *read_end(FILE *file) {
    size_t used = 0, got;
    char *text = malloc(TEXT_SIZE);
    if (text == NULL)
        arena_out_of_memory();
    while ((got = fread(text + used, 1, TEXT_SIZE - 1 - used, file)) > 0) {
        used += got;
        if (used == TEXT_SIZE - 1) {
            used /= 2;
            memmove(text, text + TEXT_SIZE - 1 - used, used);
        }
    }
    text[used] = '\0';
    for (size_t i = 0; i < used; i++)
        if (text[i] == '\0')
            text[i] = ' ';
    return text;
}

/* Always returns false. */
static bool no_address(const char *command, const struct typed *typed) {
    char name[ERRNAME_SIZE];
    const char *error = typed->error == 0 ? "an error" : errname(typed->error, name);
    if (typed->also[0] != '\0')
        options_complain(command,
                         "the text says %s, but not of which address; it names %s: ask with one of "
                         "them",
                         error, typed->also);
    else if (typed->error != 0)
        options_complain(command,
                         "the text says %s, but names no port; ask with the port of the program: "
                         "portreuse why :PORT",
                         error);
    else
        options_complain(command, "no port was found in the text; write :PORT, ADDRESS:PORT, "
                                  "PORT/udp, a URL or unix:PATH");
    return false;
}

static bool read_text(const char *command, const char *text, struct typed *typed) {
    if (typed_words(text, typed) || typed_text(text, typed))
        return true;
    if (text[strspn(text, "0123456789 ,")] == '\0' && text[strspn(text, " ,")] != '\0') {
        options_complain(command, "'%s': one port at a time", text);
        return false;
    }
    return no_address(command, typed);
}

/* The text on standard input. */
static bool read_input(const char *command, struct typed *typed) {
    if (isatty(STDIN_FILENO))
        fprintf(stderr, "portreuse %s: paste the message, then press Control-D\n", command);
    char *text = read_end(stdin);
    if (ferror(stdin)) {
        options_complain(command, "reading standard input: %s", strerror(errno));
        free(text);
        return false;
    }
    bool empty = text[strspn(text, " \t\r\n")] == '\0';
    if (empty)
        options_complain(command, "standard input is empty; a program prints its errors on "
                                  "standard error: ./server 2>&1 | portreuse why -");
    bool good = !empty && read_text(command, text, typed);
    free(text);
    return good;
}

/* After --protocol unix any word is a path, or an abstract name that starts with `@`. */
static bool read_unix(const char *command, const char *word, struct typed *typed) {
    typed->protocol = TYPED_UNIX;
    if (word[0] == '\0' || strlen(word) >= sizeof typed->path) {
        options_complain(command, TYPED_UNIX_RULE, TYPED_PATH_SIZE - 1);
        return false;
    }
    memcpy(typed->path, word, strlen(word) + 1);
    return true;
}

/* Returns the text without blanks around it, in `room` bytes; a longer text as it is. */
static const char *trim(const char *text, char *trimmed, size_t room) {
    static const char blanks[] = " \t\r\n";
    const char *start = text + strspn(text, blanks);
    size_t size = strlen(start);
    while (size > 0 && strchr(blanks, start[size - 1]) != NULL)
        size--;
    if (size >= room)
        return text;
    memcpy(trimmed, start, size);
    trimmed[size] = '\0';
    return trimmed;
}

/* Returns whether the word is a Unix socket as it stands, with its blanks and quotes: an abstract
 * name behind `unix:`, or a path of a file that is there. */
static bool is_exact(const char *word, bool behind_unix) {
    bool abstract = word[0] == '@' && word[1] != '\0';
    bool url = strncmp(word, "//", 2) == 0; /* unix:///run/x.sock */
    return behind_unix ? abstract || (!url && access(word, F_OK) == 0)
                       : strpbrk(word, " \t\n") != NULL && access(word, F_OK) == 0;
}

static bool read_words(const char *command, int argc, char **argv, enum typed_protocol protocol,
                       struct typed *typed) {
    char error[TYPED_ERROR_SIZE];
    if (argc == 1 && strcmp(argv[0], "-") == 0)
        return read_input(command, typed);
    bool behind_unix = strncmp(argv[0], "unix:", 5) == 0;
    const char *name = argv[0] + (behind_unix ? 5 : 0);
    if (argc == 1 && ((protocol == TYPED_UNIX && !behind_unix) || is_exact(name, behind_unix)))
        return read_unix(command, name, typed);
    char trimmed[TYPED_HOST_SIZE];
    const char *word = argc == 1 ? trim(argv[0], trimmed, sizeof trimmed) : "";
    if (argc > 1 || strpbrk(word, " \t\n") != NULL) {
        char *text = join(argc, argv);
        bool good = read_text(command, text, typed);
        free(text);
        return good;
    }
    const char *wrong = typed_word(word, typed, error);
    if (wrong != NULL && typed_text(word, typed) &&
        (strchr(word, '=') != NULL || typed->error != 0))
        return true; /* server.port=8080, 端口8080被占用 */
    if (wrong == NULL && typed->port[0] == '\0' && typed->path[0] == '\0')
        wrong = "a port is missing; write ADDRESS:PORT";
    if (wrong != NULL)
        options_complain(command, "'%s': %s", argv[0], wrong);
    return wrong == NULL;
}

/* Finds the port. Returns false after a complaint. */
static bool find_port(const char *command, struct target_address *address, uint16_t *port) {
    const struct typed *typed = &address->typed;
    int64_t number;
    if (units_number(typed->port, 0, UINT16_MAX, &number)) {
        *port = (uint16_t)number;
        return true;
    }
    if (names_service(typed->port, typed->protocol == TYPED_UDP ? "udp" : "tcp", port)) {
        take(address, "%s is port %u.", typed->port, *port);
        return true;
    }
    if (typed->host[0] == '\0' && strcasecmp(typed->port, "localhost") == 0)
        options_complain(command, "'localhost': the port is missing; write localhost:PORT");
    else
        options_complain(
            command,
            "'%s': no service in /etc/services has this name; write the port as a number: "
            ":8080, ADDRESS:8080, 53/udp",
            typed->port);
    return false;
}

static void add_wildcards(struct target_address *address) {
    const int family = address->typed.family;
    if (family != AF_INET6)
        address->list[address->count++] = endpoint_wildcard(AF_INET, 0);
    if (family != AF_INET)
        address->list[address->count++] = endpoint_wildcard(AF_INET6, 0);
}

static bool is_link_local(const struct endpoint *endpoint) {
    return endpoint->family == AF_INET6 && endpoint->address[0] == 0xfe &&
           (endpoint->address[1] & 0xc0) == 0x80;
}

/* Takes the device behind the address. On IPv6 it is the zone of a link-local address; elsewhere
 * ss(8) shows there what the socket is bound to (SO_BINDTODEVICE). */
static bool take_device(struct target_address *address, const char *device, bool is_zone) {
    char *to = is_zone ? address->zone : address->device;
    if (device == NULL || strlen(device) >= IF_NAMESIZE)
        return device == NULL;
    memcpy(to, device, strlen(device) + 1);
    return true;
}

/* An address as numbers, or none but a device. Returns whether it is that. */
static bool find_number(struct target_address *address) {
    char host[TYPED_HOST_SIZE];
    struct endpoint *found = &address->list[0];
    snprintf(host, sizeof host, "%s", address->typed.host);
    char *device = strchr(host, '%');
    if (device != NULL)
        *device++ = '\0';
    address->is_any = host[0] == '\0';
    found->family = strchr(host, ':') != NULL ? AF_INET6 : AF_INET;
    if (address->is_any)
        add_wildcards(address);
    else if (inet_pton(found->family, host, found->address) != 1)
        return false;
    else
        address->count = 1;
    return take_device(address, device, !address->is_any && is_link_local(found));
}

static bool find_name(const char *command, struct target_address *address) {
    const char *name = address->typed.host;
    size_t count;
    enum names_source source = names_host(name, (sa_family_t)address->typed.family, address->list,
                                          TARGET_ADDRESSES, &count);
    char text[ENDPOINT_TEXT_SIZE];
    address->count = (unsigned)count;
    if (source == NAMES_THIS_HOST) {
        take(address, "%s is this host: every address is meant.", name);
        address->is_any = true;
        add_wildcards(address);
    } else if (source == NAMES_NOT_FOUND || source == NAMES_NO_RESOLVER) {
        options_complain(command, "'%s': %s; write the address as a number", name,
                         source == NAMES_NOT_FOUND
                             ? "no host of this name was found"
                             : "/etc/hosts does not have this name, and this program has no DNS");
        return false;
    } else if (source != NAMES_LOCALHOST) {
        endpoint_text(&address->list[0], text);
        *strrchr(text, ':') = '\0';
        take(address, "%s is %s%s (%s).", name, text, count > 1 ? " and others" : "",
             source == NAMES_HOSTS ? "/etc/hosts" : "DNS");
    }
    return true;
}

static void write_text(struct target_address *address, uint16_t port) {
    const char *udp = address->typed.protocol == TYPED_UDP ? "/udp" : "";
    char text[ENDPOINT_TEXT_SIZE];
    if (address->is_any && address->count > 1)
        snprintf(address->text, sizeof address->text, ":%u%s", port, udp);
    else if (address->zone[0] != '\0')
        snprintf(address->text, sizeof address->text, "[%.*s%%%s]:%u%s",
                 (int)strcspn(address->typed.host, "%"), address->typed.host, address->zone, port,
                 udp);
    else if (address->count > 1 && strlen(address->typed.host) < 40)
        snprintf(address->text, sizeof address->text, "%.40s:%u%s", address->typed.host, port, udp);
    else if (*udp != '\0')
        snprintf(address->text, sizeof address->text, "%s%s",
                 endpoint_text(&address->list[0], text), udp);
}

/* A socket that is bound to a device needs no zone. */
static bool find_addresses(const char *command, const char *device,
                           struct target_address *address) {
    const struct typed *typed = &address->typed;
    uint16_t port;
    if (!find_port(command, address, &port))
        return false;
    if (!find_number(address) && !find_name(command, address))
        return false;
    for (unsigned i = 0; i < address->count; i++)
        address->list[i].port = port;
    if (address->zone[0] == '\0' && is_link_local(&address->list[0]))
        snprintf(address->zone, sizeof address->zone, "%s", device);
    if (address->zone[0] == '\0' && is_link_local(&address->list[0])) {
        options_complain(command,
                         "'%s': a link-local address needs its device: [%s%%DEVICE]:%u; 'ip -6 "
                         "address' lists both",
                         typed->host, typed->host, port);
        return false;
    }
    write_text(address, port);
    return true;
}

bool target_read(const char *command, int argc, char **argv, enum typed_protocol protocol,
                 const char *device, struct target_address *address) {
    *address = (struct target_address){0};
    struct typed *typed = &address->typed;
    if (optind == argc) {
        options_complain(command, "an address is missing: a port such as 8080, ADDRESS:PORT, "
                                  "53/udp, a URL, unix:PATH, or the error message of a program");
        return false;
    }
    if (!read_words(command, argc - optind, argv + optind, protocol, typed))
        return false;
    optind = argc;
    if (protocol != TYPED_ANY_PROTOCOL)
        typed->protocol = protocol;
    if (typed->protocol == TYPED_UNIX)
        return true;
    return find_addresses(command, device, address);
}

struct endpoint target_remote(const struct target_address *address, unsigned index) {
    struct endpoint remote = address->list[index];
    if (address->is_any) {
        remote.address[0] = remote.family == AF_INET ? 127 : 0;
        remote.address[remote.family == AF_INET ? 3 : 15] = 1;
    }
    return remote;
}

static bool is_known_port(const struct typed *typed) {
    int64_t number;
    uint16_t port;
    return units_number(typed->port, 0, UINT16_MAX, &number) ||
           names_service(typed->port, typed->protocol == TYPED_UDP ? "udp" : "tcp", &port);
}

bool target_is_address(int argc, char **argv) {
    struct typed typed;
    char error[TYPED_ERROR_SIZE];
    if (argc == 1 && strcmp(argv[0], "-") == 0)
        return true;
    if (argc == 1 && strpbrk(argv[0], " \t\n") == NULL)
        return strchr("0123456789[:*/@", argv[0][0]) != NULL ||
               (typed_word(argv[0], &typed, error) == NULL &&
                (typed.path[0] != '\0' || is_known_port(&typed) ||
                 strpbrk(argv[0], ":/") != NULL)) ||
               (typed_text(argv[0], &typed) && typed.error != 0);
    char *text = join(argc, argv);
    bool is_one = typed_words(text, &typed) || typed_text(text, &typed) || typed.error != 0;
    free(text);
    return is_one;
}

/* --- network namespaces --- */

bool target_begin(struct target *target, const char *command) {
    *target = (struct target){.namespaces = malloc(sizeof(struct namespace))};
    if (target->namespaces == NULL) {
        options_complain(command, "%s", strerror(ENOMEM));
        return false;
    }
    target->namespaces[0] = namespaces_here();
    target->count = 1;
    return true;
}

void target_free(struct target *target) {
    free(target->namespaces);
    *target = (struct target){0};
}

/* Returns whether there was no error; complains about one. */
static bool found(const struct option_use *use, int error) {
    if (error != 0)
        options_complain(use->command, "%s %s: %s%s", use->name, use->value,
                         error == EINVAL ? "it is not a network namespace" : strerror(error),
                         error == EACCES || error == EPERM ? "; needs root" : "");
    return error == 0;
}

/* Each of the options says where to look. Returns false, after a complaint, if one has done so. */
static bool chooses_first(const struct option_use *use) {
    struct target *target = use->target;
    if (target->chosen[0] != '\0' && strcmp(target->chosen, use->name) != 0) {
        options_complain(use->command, "%s and %s both say where to look; leave one of them out",
                         target->chosen, use->name);
        return false;
    }
    snprintf(target->chosen, sizeof target->chosen, "%s", use->name);
    return true;
}

static bool set_pid(const struct option_use *use) {
    struct target *target = use->target;
    struct option_use number = *use;
    int64_t pid;
    number.target = &pid;
    if (!chooses_first(use) || !option_set_number(&number))
        return false;
    int error = namespaces_of_process((pid_t)pid, &target->namespaces[0]);
    if (error == ENOENT && process_hides_others())
        options_complain(use->command,
                         "--pid %s: there is no such process, or /proc hides it (hidepid); "
                         "needs root",
                         use->value);
    else if (found(use, error == ENOENT ? ESRCH : error))
        target->as = (pid_t)pid;
    return error == 0;
}

static bool set_netns(const struct option_use *use) {
    struct target *target = use->target;
    return chooses_first(use) && found(use, namespaces_named(use->value, &target->namespaces[0]));
}

/* What /proc does not show cannot be counted. */
static void tell_unseen(const char *command, unsigned unseen) {
    static const char left_out[] = "their network namespaces may be left out";
    if (unseen > 0)
        options_complain(command, "%u process%s could not be examined%s: %s may be left out",
                         unseen, unseen == 1 ? "" : "es",
                         geteuid() == 0 ? ", not even by root" : " (run as root)",
                         unseen == 1 ? "its network namespace" : "their network namespaces");
    if (process_hides_others())
        options_complain(command, "/proc hides the processes of other users (hidepid): %s",
                         left_out);
    if (!process_sees_all())
        options_complain(command, "processes outside of this container cannot be seen: %s",
                         left_out);
}

static bool set_all(const struct option_use *use) {
    struct target *target = use->target;
    struct namespaces all;
    if (!chooses_first(use))
        return false;
    int error = namespaces_all(&all);
    if (error != 0) {
        options_complain(use->command, "%s: listing the processes in /proc: %s", use->name,
                         strerror(error));
        return false;
    }
    free(target->namespaces);
    *target = (struct target){.namespaces = all.list, .count = all.count, .all = true};
    chooses_first(use);
    tell_unseen(use->command, all.unseen);
    return true;
}

#define PID_ROW(TEXT)                                                                              \
    {                                                                                              \
        .name = "pid", .takes = VALUE_REQUIRED, .value_name = "N", .set = set_pid, .low = 1,       \
        .high = INT32_MAX, .help = (TEXT)                                                          \
    }

#define NETNS_ROW                                                                                  \
    {                                                                                              \
        .name = "netns", .takes = VALUE_REQUIRED, .value_name = "NETNS", .set = set_netns,         \
        .help = "look in this network namespace: a name from 'ip netns', or a path"                \
    }

const struct option_row target_options[] = {
    PID_ROW("look in the network namespace of process N"), NETNS_ROW, {0}};

const struct option_row target_as_options[] = {
    PID_ROW("ask as process N: in its network namespace, and with its user, groups and "
            "capabilities"),
    NETNS_ROW,
    {0}};

const struct option_row target_all_options[] = {
    {.name = "all-netns", .set = set_all, .help = "look in all network namespaces"},
    {0},
};
