/* Files first, the resolver last: an answer from the network can take long, and can be wrong. It is
 * asked in a child process with a time limit. A static program has no resolver: getaddrinfo(3)
 * would load libraries of the C library that it was linked with. */
#include "cmd/names.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/units.h"
#include "inspect/child.h"

static const char *hosts_file = "/etc/hosts", *services_file = "/etc/services";

void names_use_files(const char *hosts, const char *services) {
    hosts_file = hosts == NULL ? "/etc/hosts" : hosts;
    services_file = services == NULL ? "/etc/services" : services;
}

/* Calls `visit` with the words of each line of a file, without comments, until it returns true.
 * Returns whether it has. */
typedef bool visit_words(void *context, char **words, size_t count);

static bool visit_line(char *line, visit_words *visit, void *context) {
    static const char blanks[] = " \t\r";
    struct arena scratch = {0};
    char **words = NULL, *rest = NULL;
    size_t count = 0;
    line[strcspn(line, "#\n")] = '\0';
    for (char *word = strtok_r(line, blanks, &rest); word != NULL;
         word = strtok_r(NULL, blanks, &rest)) {
        words = arena_grow(&scratch, words, count, sizeof *words);
        words[count++] = word;
    }
    bool found = count > 1 && visit(context, words, count);
    arena_free(&scratch);
    return found;
}

static bool read_words(const char *path, visit_words *visit, void *context) {
    const char *why;
    FILE *file = file_stream_plain(path, &why);
    char *line = NULL;
    size_t room = 0;
    bool found = false;
    while (file != NULL && !found && getline(&line, &room, file) >= 0)
        found = visit_line(line, visit, context);
    free(line);
    if (file != NULL)
        fclose(file);
    return found;
}

static bool is_among(char **words, size_t count, const char *name) {
    for (size_t i = 0; i < count; i++)
        if (strcasecmp(words[i], name) == 0)
            return true;
    return false;
}

/* --- services --- */

/* For a host without /etc/services, such as a container. */
static const struct {
    const char *name;
    uint16_t port;
} services[] = {
    {"ftp", 21},         {"ssh", 22},          {"telnet", 23},     {"smtp", 25},
    {"domain", 53},      {"dns", 53},          {"http", 80},       {"www", 80},
    {"pop3", 110},       {"sunrpc", 111},      {"ntp", 123},       {"imap", 143},
    {"imap2", 143},      {"snmp", 161},        {"ldap", 389},      {"https", 443},
    {"submission", 587}, {"ldaps", 636},       {"imaps", 993},     {"pop3s", 995},
    {"mysql", 3306},     {"postgresql", 5432}, {"postgres", 5432}, {"mdns", 5353},
    {"amqp", 5672},      {"redis", 6379},      {"http-alt", 8080}, {"memcached", 11211},
    {"mongodb", 27017},
};

struct service {
    const char *name, *protocol;
    uint16_t port;
};

/* A line such as `http 80/tcp www`. */
static bool is_service(void *context, char **words, size_t count) {
    struct service *wanted = context;
    char *slash = strchr(words[1], '/');
    int64_t port;
    if (slash == NULL || strcmp(slash + 1, wanted->protocol) != 0 ||
        (strcasecmp(words[0], wanted->name) != 0 && !is_among(words + 2, count - 2, wanted->name)))
        return false;
    *slash = '\0';
    if (!units_number(words[1], 1, UINT16_MAX, &port))
        return false;
    wanted->port = (uint16_t)port;
    return true;
}

bool names_service(const char *name, const char *protocol, uint16_t *port) {
    struct service wanted = {name, protocol, 0};
    if (read_words(services_file, is_service, &wanted)) {
        *port = wanted.port;
        return true;
    }
    for (size_t i = 0; i < sizeof services / sizeof services[0]; i++)
        if (strcasecmp(services[i].name, name) == 0) {
            *port = services[i].port;
            return true;
        }
    return false;
}

/* --- hosts --- */

struct search {
    const char *name;
    sa_family_t family;
    struct endpoint *found;
    size_t most, count;
};

static void add(struct search *search, const struct endpoint *address) {
    if (search->family != 0 && address->family != search->family)
        return;
    for (size_t i = 0; i < search->count; i++)
        if (endpoint_equal(&search->found[i], address))
            return;
    if (search->count < search->most)
        search->found[search->count++] = *address;
}

static void add_text(struct search *search, const char *text) {
    struct endpoint address = {.family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET};
    if (inet_pton(address.family, text, address.address) == 1)
        add(search, &address);
}

/* A line such as `127.0.1.1 host.example host`. A name can have several lines. */
static bool is_host(void *context, char **words, size_t count) {
    struct search *search = context;
    if (is_among(words + 1, count - 1, search->name))
        add_text(search, words[0]);
    return false;
}

static bool is_localhost(const char *name) {
    return strcasecmp(name, "localhost") == 0 || strcasecmp(name, "localhost.localdomain") == 0;
}

static bool is_this_host(const char *name) {
    char own[256] = "";
    return gethostname(own, sizeof own - 1) == 0 && strcasecmp(own, name) == 0;
}

#ifndef PORTREUSE_STATIC
/* What the child process hands back. */
struct resolved {
    char name[256];
    sa_family_t family;
    struct endpoint found[8];
    size_t count;
};

static void resolve(void *data, FILE *more) {
    (void)more;
    struct resolved *resolved = data;
    struct addrinfo hints = {.ai_family = resolved->family, .ai_socktype = SOCK_STREAM}, *list;
    struct search search = {.found = resolved->found,
                            .most = sizeof resolved->found / sizeof resolved->found[0]};
    if (getaddrinfo(resolved->name, NULL, &hints, &list) != 0)
        return;
    for (const struct addrinfo *one = list; one != NULL; one = one->ai_next) {
        struct sockaddr_storage address = {0};
        memcpy(&address, one->ai_addr, one->ai_addrlen);
        struct endpoint endpoint = endpoint_from_sockaddr(&address);
        if (endpoint.family != 0)
            add(&search, &endpoint);
    }
    freeaddrinfo(list);
    resolved->count = search.count;
}

static enum names_source ask_resolver(struct search *search) {
    struct resolved resolved = {.family = search->family};
    struct child child = {.seconds = 5};
    const char *what;
    snprintf(resolved.name, sizeof resolved.name, "%s", search->name);
    if (child_run(&child, resolve, &resolved, sizeof resolved, NULL, &what) == 0)
        for (size_t i = 0; i < resolved.count; i++)
            add(search, &resolved.found[i]);
    return search->count > 0 ? NAMES_RESOLVER : NAMES_NOT_FOUND;
}
#else
static enum names_source ask_resolver(struct search *search) {
    (void)search;
    return NAMES_NO_RESOLVER;
}
#endif

enum names_source names_host(const char *name, sa_family_t family, struct endpoint *found,
                             size_t most, size_t *count) {
    struct search search = {.name = name, .family = family, .found = found, .most = most};
    enum names_source source = NAMES_HOSTS;
    if (is_localhost(name)) {
        add_text(&search, "127.0.0.1");
        add_text(&search, "::1");
        source = NAMES_LOCALHOST;
    } else {
        read_words(hosts_file, is_host, &search);
    }
    if (search.count == 0)
        source = is_this_host(name) ? NAMES_THIS_HOST : ask_resolver(&search);
    *count = search.count;
    return source;
}
