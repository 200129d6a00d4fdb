/* NOLINTBEGIN: to be looked at one by one */
/* One word is read strictly, with an error that says what to write instead. A line is searched: at
 * each place where an address could start, the readers below try to find one, and each candidate
 * gets a weight by what it is and by what stands around it. The heaviest wins. No program is known
 * by name: the forms are those in which programs print addresses, whatever they say around them. */
#include "cmd/typed.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/errnames.h"
#include "base/units.h"

/* --- pieces --- */

static void copy(char *to, size_t room, const char *from, size_t size) {
    snprintf(to, room, "%.*s", (int)size, from);
}

static bool is_port_number(const char *text, size_t size) {
    char digits[8];
    int64_t port;
    if (size == 0 || size >= sizeof digits || strspn(text, "0123456789") < size)
        return false;
    copy(digits, sizeof digits, text, size);
    return units_number(digits, 0, UINT16_MAX, &port);
}

/* A service is named by letters, digits and dashes, with a letter among them (RFC 6335). */
static bool is_service(const char *text, size_t size) {
    bool letter = false;
    for (size_t i = 0; i < size; i++) {
        if (!isalnum((unsigned char)text[i]) && text[i] != '-' && text[i] != '_')
            return false;
        letter |= isalpha((unsigned char)text[i]) != 0;
    }
    return letter && size < TYPED_PORT_SIZE;
}

static bool is_address(int family, const char *text, size_t size) {
    unsigned char address[16];
    char plain[INET6_ADDRSTRLEN + 1];
    const char *zone = memchr(text, '%', size);
    size_t length = zone == NULL ? size : (size_t)(zone - text);
    if (length >= sizeof plain)
        return false;
    copy(plain, sizeof plain, text, length);
    return inet_pton(family, plain, address) == 1;
}

static bool is_host(const char *text, size_t size) {
    for (size_t i = 0; i < size; i++)
        if (!isalnum((unsigned char)text[i]) && strchr(".-_", text[i]) == NULL)
            return false;
    return size > 0 && size < TYPED_HOST_SIZE;
}

/* Where the last colon of the text is, or NULL. */
static const char *last_colon(const char *text, size_t size) {
    return memrchr(text, ':', size);
}

static bool word_is(const char *word, size_t size, const char *name) {
    return strlen(name) == size && strncasecmp(word, name, size) == 0;
}

/* --- protocols --- */

static const struct protocol {
    const char *name;
    enum typed_protocol protocol;
    int family;
} protocols[] = {
    {"tcp", TYPED_TCP, 0},         {"tcp4", TYPED_TCP, AF_INET},   {"tcp6", TYPED_TCP, AF_INET6},
    {"udp", TYPED_UDP, 0},         {"udp4", TYPED_UDP, AF_INET},   {"udp6", TYPED_UDP, AF_INET6},
    {"tcpv4", TYPED_TCP, AF_INET}, {"tcpv6", TYPED_TCP, AF_INET6},
};

static bool take_protocol(const char *word, size_t size, struct typed *typed) {
    for (size_t i = 0; i < sizeof protocols / sizeof protocols[0]; i++)
        if (word_is(word, size, protocols[i].name)) {
            typed->protocol = protocols[i].protocol;
            typed->family = protocols[i].family;
            return true;
        }
    return false;
}

/* Ports of URLs that name none (the registry of IANA, and what the servers' own pages say). */
static const struct {
    const char *scheme, *port;
} schemes[] = {
    {"http", "80"},    {"ws", "80"},         {"https", "443"},       {"wss", "443"},
    {"ftp", "21"},     {"ssh", "22"},        {"sftp", "22"},         {"smtp", "25"},
    {"dns", "53"},     {"ldap", "389"},      {"ldaps", "636"},       {"imap", "143"},
    {"imaps", "993"},  {"mysql", "3306"},    {"postgres", "5432"},   {"postgresql", "5432"},
    {"redis", "6379"}, {"rediss", "6379"},   {"amqp", "5672"},       {"amqps", "5671"},
    {"mqtt", "1883"},  {"mongodb", "27017"}, {"nats", "4222"},       {"git", "9418"},
    {"rtsp", "554"},   {"sip", "5060"},      {"clickhouse", "9000"}, {"memcached", "11211"},
};

static const char *scheme_port(const char *scheme, size_t size) {
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++)
        if (word_is(scheme, size, schemes[i].scheme))
            return schemes[i].port;
    return "";
}

/* --- one word --- */

/* Host and port: `HOST:PORT`, `[V6%zone]:PORT`, `:::PORT`, `*:PORT`, `:PORT`. Returns whether it is
 * that. */
static bool take_endpoint(const char *text, size_t size, struct typed *typed) {
    const char *colon = last_colon(text, size);
    if (colon == NULL)
        return false;
    size_t host = (size_t)(colon - text), port = size - host - 1;
    if (!is_port_number(colon + 1, port) && !is_service(colon + 1, port))
        return false;
    bool bracketed = host >= 2 && text[0] == '[' && text[host - 1] == ']';
    bool six = bracketed ? is_address(AF_INET6, text + 1, host - 2) ||
                               is_address(AF_INET, text + 1, host - 2)
                         : memchr(text, ':', host) != NULL && is_address(AF_INET6, text, host);
    bool any = host == 0 || (host == 1 && *text == '*');
    if (!six && !any && (bracketed || !is_host(text, host)))
        return false;
    copy(typed->host, sizeof typed->host, text + bracketed, any ? 0 : host - 2 * bracketed);
    copy(typed->port, sizeof typed->port, colon + 1, port);
    return true;
}

static bool take_path(const char *text, size_t size, struct typed *typed) {
    if (size < 2 || size >= TYPED_PATH_SIZE || strchr("/@.", *text) == NULL)
        return false;
    if (*text == '.' && memchr(text, '/', size) == NULL)
        return false;
    typed->protocol = TYPED_UNIX;
    copy(typed->path, sizeof typed->path, text, size);
    return true;
}

/* What follows `SCHEME://`: an authority and whatever comes after it. */
static bool take_url(const char *scheme, size_t scheme_size, const char *rest, size_t size,
                     struct typed *typed) {
    if (strcasestr(scheme, "unix") == scheme || memmem(scheme, scheme_size, "unix", 4) != NULL)
        return take_path(rest, size, typed);
    const char *at = memchr(rest, '@', strcspn(rest, "/?#"));
    if (at != NULL && at < rest + size) {
        size -= (size_t)(at + 1 - rest);
        rest = at + 1;
    }
    size_t authority = strcspn(rest, "/?#");
    authority = authority < size ? authority : size;
    take_protocol(scheme, scheme_size, typed);
    if (take_endpoint(rest, authority, typed))
        return true;
    bool bracketed = authority > 2 && rest[0] == '[' && rest[authority - 1] == ']';
    if (!bracketed && !is_host(rest, authority))
        return false;
    copy(typed->host, sizeof typed->host, rest + bracketed, authority - 2 * bracketed);
    copy(typed->port, sizeof typed->port, scheme_port(scheme, scheme_size), TYPED_PORT_SIZE - 1);
    return true;
}

/* `PORT/tcp`, `tcp/PORT`, `tcp:ADDRESS`, and the rest without it; returns the rest. */
static const char *strip_protocol(const char *text, size_t *size, struct typed *typed) {
    const char *slash = memrchr(text, '/', *size);
    if (slash != NULL && take_protocol(slash + 1, *size - (size_t)(slash + 1 - text), typed)) {
        *size = (size_t)(slash - text);
        return text;
    }
    size_t word = strcspn(text, "/:");
    if (word < *size && take_protocol(text, word, typed)) {
        *size -= word + 1;
        return text + word + 1;
    }
    return text;
}

static bool take_word(const char *text, size_t size, struct typed *typed) {
    const char *url = memmem(text, size, "://", 3);
    if (url != NULL && url > text)
        return take_url(text, (size_t)(url - text), url + 3, size - (size_t)(url + 3 - text),
                        typed);
    if (size > 5 && strncmp(text, "unix:", 5) == 0)
        return take_path(text + 5, size - 5, typed) ||
               (typed->protocol = TYPED_UNIX,
                copy(typed->path, sizeof typed->path, text + 5, size - 5),
                size - 5 < TYPED_PATH_SIZE);
    if (take_path(text, size, typed))
        return true;
    text = strip_protocol(text, &size, typed);
    if (is_port_number(text, size) || is_service(text, size)) {
        copy(typed->port, sizeof typed->port, text, size);
        return true;
    }
    return take_endpoint(text, size, typed);
}

const char *typed_word(const char *word, struct typed *typed, char *error) {
    size_t size = strlen(word);
    *typed = (struct typed){0};
    if (take_word(word, size, typed))
        return NULL;
    if (is_address(AF_INET, word, size) || is_address(AF_INET6, word, size))
        snprintf(error, TYPED_ERROR_SIZE, "the port is missing; write %s%s%s:PORT",
                 strchr(word, ':') ? "[" : "", word, strchr(word, ':') ? "]" : "");
    else if (size > 0 && strspn(word, "0123456789") == size)
        snprintf(error, TYPED_ERROR_SIZE, "a port is a number from 0 to 65535");
    else
        snprintf(error, TYPED_ERROR_SIZE,
                 "write PORT, ADDRESS:PORT, [IPV6]:PORT, PORT/udp, a URL or unix:PATH");
    return error;
}

/* --- the errno of a line --- */

static const struct {
    const char *words;
    int error;
} messages[] = {
    {"address already in use", EADDRINUSE},
    {"address in use", EADDRINUSE},
    {"addrinuse", EADDRINUSE},
    {"only one usage of each socket address", EADDRINUSE},
    {"already allocated", EADDRINUSE},
    {"already in use", EADDRINUSE},
    {"already being used", EADDRINUSE},
    {"already listen", EADDRINUSE},
    {"already running on", EADDRINUSE},
    {"in use", EADDRINUSE},
    {"assign requested address", EADDRNOTAVAIL},
    {"address not available", EADDRNOTAVAIL},
    {"addrnotavail", EADDRNOTAVAIL},
    {"permission denied", EACCES},
    {"network is unreachable", ENETUNREACH},
    {"network unreachable", ENETUNREACH},
    {"no route to host", EHOSTUNREACH},
    {"host is unreachable", EHOSTUNREACH},
    {"address family not supported", EAFNOSUPPORT},
    {"resource temporarily unavailable", EAGAIN},
    {"connection refused", ECONNREFUSED},
    {"operation not permitted", EPERM},
};

/* The errno that is named in the text, as EADDRINUSE or in lower case as Erlang does it. */
static int named_errno(const char *text) {
    for (const char *at = text; *at != '\0'; at++) {
        char name[ERRNAME_SIZE];
        size_t size = strspn(at, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
        if (size == 0)
            continue;
        if ((*at == 'E' || *at == 'e') && size > 3 && size < sizeof name) {
            copy(name, sizeof name, at, size);
            for (char *c = name; *c != '\0'; c++)
                *c = (char)toupper((unsigned char)*c);
            bool as_written = strncmp(name, at, size) == 0 || islower((unsigned char)at[1]);
            if (as_written && errname_number(name) != 0)
                return errname_number(name);
        }
        at += size - 1;
    }
    return 0;
}

static int find_errno(const char *text) {
    int named = named_errno(text);
    for (size_t i = 0; named == 0 && i < sizeof messages / sizeof messages[0]; i++)
        if (strcasestr(text, messages[i].words) != NULL)
            named = messages[i].error;
    return named;
}

/* --- candidates --- */

struct search {
    const char *text;
    struct typed best;
    int weight; /* of the best one; 0: none yet */
};

enum { CONTEXT = 28 };

/* Whether one of the words, separated by blanks, ends within the CONTEXT bytes before `at`. */
static bool has_before(const struct search *search, const char *at, const char *words) {
    size_t room = (size_t)(at - search->text);
    char context[CONTEXT + 1];
    copy(context, sizeof context, at - (room < CONTEXT ? room : CONTEXT),
         room < CONTEXT ? room : CONTEXT);
    char *newline = strrchr(context, '\n');
    for (const char *word = words; *word != '\0';) {
        char one[24];
        size_t size = strcspn(word, " ");
        copy(one, sizeof one, word, size);
        if (strcasestr(newline == NULL ? context : newline + 1, one) != NULL)
            return true;
        word += size + (word[size] == ' ');
    }
    return false;
}

/* The line that `at` is in. */
static void line_of(const struct search *search, const char *at, char *line, size_t room) {
    const char *start = at;
    while (start > search->text && start[-1] != '\n')
        start--;
    copy(line, room, start, strcspn(start, "\n"));
}

static int context_weight(const struct search *search, const char *at) {
    char line[1024];
    line_of(search, at, line, sizeof line);
    int weight = find_errno(line) != 0 ? 40 : 0;
    if (has_before(search, at, "bind listen address socket connect dial -> port"))
        weight += 20;
    if (has_before(search, at, "local client: from source"))
        weight -= 45;
    return weight;
}

/* Protocol words before the candidate, the nearest one first. */
static void find_protocol(const struct search *search, const char *at, struct typed *typed) {
    char line[1024];
    if (typed->protocol != TYPED_ANY_PROTOCOL)
        return;
    line_of(search, at, line, sizeof line);
    for (const char *word = line; *word != '\0'; word++) {
        size_t size =
            strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
        take_protocol(word, size, typed);
        word += size;
        if (*word == '\0')
            break;
    }
}

static void offer(struct search *search, const char *at, int weight, struct typed *typed) {
    weight += context_weight(search, at);
    if (weight <= search->weight)
        return;
    find_protocol(search, at, typed);
    search->best = *typed;
    search->weight = weight;
}

static bool is_digit_at(const char *text, const char *at) {
    return at > text && isdigit((unsigned char)at[-1]);
}

/* `server.go:12` is a place in a source file. */
static bool is_source_place(const char *host) {
    static const char *const extensions[] = {
        "go",  "py",   "js",    "ts", "c",   "cc",  "cpp", "h",    "hpp", "rs",   "rb",   "ex",
        "exs", "java", "php",   "pl", "erl", "lua", "cfg", "conf", "yml", "yaml", "json", "xml",
        "ini", "toml", "scala", "kt", "cs",  "mjs", "cjs", "tsx",  "jsx", "sh"};
    const char *dot = strrchr(host, '.');
    for (size_t i = 0; dot != NULL && i < sizeof extensions / sizeof extensions[0]; i++)
        if (strcmp(dot + 1, extensions[i]) == 0)
            return true;
    return false;
}

static bool has_letter(const char *text) {
    return text[strcspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")] != '\0';
}

/* A word with a colon and a number: how likely it is an address. */
static int endpoint_weight(const struct typed *typed) {
    bool numeric = is_address(AF_INET, typed->host, strlen(typed->host)) ||
                   is_address(AF_INET6, typed->host, strlen(typed->host));
    if (numeric || strcmp(typed->host, "localhost") == 0)
        return 60;
    if (typed->host[0] == '\0')
        return 50;
    if (!has_letter(typed->host) || is_source_place(typed->host))
        return 0;
    return strchr(typed->host, '.') != NULL ? 30 : 15;
}

/* A word of the line, cut at what surrounds addresses in texts. */
static void try_word(struct search *search, const char *at) {
    struct typed typed = {0};
    size_t size = strcspn(at, " \t\n\"'`<>(){},;=|");
    while (size > 0 && strchr(".:!?-", at[size - 1]) != NULL)
        size--;
    if (size > 1 && at[size - 1] == ']' && memchr(at, '[', size) == NULL)
        size--; /* the address is in brackets, as in `[0.0.0.0:80]` */
    if (size == 0)
        return;
    bool url = memmem(at, size, "://", 3) != NULL;
    if (*at == '[' && memchr(at, ']', size) == NULL)
        return;
    if (url || strncmp(at, "unix:", 5) == 0) {
        if (take_word(at, size, &typed) && (typed.path[0] != '\0' || typed.port[0] != '\0'))
            offer(search, at, 40, &typed);
        return;
    }
    size_t slash = strcspn(at, "/");
    struct typed before = {0};
    if (slash < size && slash > 0 && is_host(at, slash)) { /* Java's NAME/ADDRESS:PORT */
        at += slash + 1;
        size -= slash + 1;
    } else if (*at == '/' && take_endpoint(at + 1, size - 1, &before)) {
        at++;
        size--;
    }
    if (take_endpoint(at, size, &typed) && is_port_number(typed.port, strlen(typed.port))) {
        int weight = endpoint_weight(&typed) - (strcmp(typed.port, "0") == 0 ? 40 : 0);
        if (weight > 0)
            offer(search, at, weight, &typed);
    } else if (take_path(at, size, &typed) && *at != '.') {
        bool socket = memmem(at, size, ".sock", 5) != NULL || has_before(search, at, "unix");
        offer(search, at, socket ? 45 : 1, &typed);
    }
}

/* --- a port by itself --- */

/* An address that stands alone near a port: `on 0.0.0.0`, `"127.0.0.1"`, `address: '::'`. */
static void find_lone_host(const struct search *search, struct typed *typed) {
    for (const char *at = search->text; *at != '\0'; at++) {
        size_t size = strcspn(at, " \t\n\"'`<>(){}[],;=|");
        while (size > 0 && strchr(".!?", at[size - 1]) != NULL)
            size--;
        if (size > 0 && (is_address(AF_INET, at, size) || is_address(AF_INET6, at, size))) {
            copy(typed->host, sizeof typed->host, at, size);
            return;
        }
        at += size > 0 ? size - 1 : 0;
    }
}

/* `port 8080`, `port: 8080`, `Port=8080`, `port #8080`. */
static void try_port_word(struct search *search, const char *at) {
    struct typed typed = {0};
    if (strncasecmp(at, "port", 4) != 0 || (at > search->text && isalpha((unsigned char)at[-1])))
        return;
    const char *number = at + 4 + strspn(at + 4, "s ,\t:='\"#(\\");
    size_t size = strspn(number, "0123456789");
    if (number == at + 4 || !is_port_number(number, size) || isalpha((unsigned char)number[size]))
        return;
    copy(typed.port, sizeof typed.port, number, size);
    find_lone_host(search, &typed);
    offer(search, number, typed.host[0] != '\0' ? 55 : 45, &typed);
}

/* Python's `('127.0.0.1', 8080)`, and with IPv6 `('::', 8080, 0, 0)`. */
static void try_tuple(struct search *search, const char *at) {
    struct typed typed = {0};
    if (at[0] != '(' || (at[1] != '\'' && at[1] != '"'))
        return;
    size_t host = strcspn(at + 2, "'\"");
    const char *number = at + 2 + host + strspn(at + 2 + host, "'\", ");
    size_t port = strspn(number, "0123456789");
    if (!is_port_number(number, port) || host >= sizeof typed.host)
        return;
    copy(typed.host, sizeof typed.host, at + 2, host);
    copy(typed.port, sizeof typed.port, number, port);
    offer(search, at, 60, &typed);
}

/* --- the line --- */

/* A copy without the colour of terminals and other control characters. */
static void clean(const char *text, char *plain, size_t room) {
    size_t used = 0;
    for (; *text != '\0' && used + 1 < room; text++) {
        if (text[0] == '\x1b' && text[1] == '[') {
            text += 2 + strcspn(text + 2, "@ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
            if (*text == '\0')
                break;
            continue;
        }
        plain[used++] = *text != '\n' && iscntrl((unsigned char)*text) ? ' ' : *text;
    }
    plain[used] = '\0';
}

static bool starts_word(const char *text, const char *at) {
    return at == text || strchr(" \t\n\"'`<>(){}[,;=|", at[-1]) != NULL;
}

/* Whether the text is about a client: it dials, or it connects and does not listen. */
static bool tells_of_connect(const char *text) {
    static const char *const clients[] = {
        "dial ",         "dialing ", "connect()",        "connect ",
        "connecting to", "connect:", "ConnectException", "connect error"};
    if (strcasestr(text, "dial ") != NULL)
        return true;
    if (strcasestr(text, "connection in use") != NULL)
        return false;
    if (strcasestr(text, "listen") != NULL || strcasestr(text, "bind()") != NULL)
        return false;
    for (size_t i = 0; i < sizeof clients / sizeof clients[0]; i++)
        if (strcasestr(text, clients[i]) != NULL)
            return true;
    return false;
}

bool typed_line(const char *line, struct typed *typed) {
    enum { TEXT_SIZE = 16 * 1024 };
    char text[TEXT_SIZE];
    clean(line, text, sizeof text);
    struct search search = {.text = text};
    for (const char *at = text; *at != '\0'; at++) {
        if (starts_word(text, at) && !is_digit_at(text, at))
            try_word(&search, at);
        try_port_word(&search, at);
        try_tuple(&search, at);
    }
    *typed = search.best;
    typed->error = find_errno(text);
    typed->connects = tells_of_connect(text);
    typed->pasted = true;
    if (strstr(text, "bind E") != NULL && typed->protocol == TYPED_ANY_PROTOCOL)
        typed->protocol = TYPED_UDP; /* node's dgram; its TCP servers say `listen` */
    return search.weight > 0;
}

/* NOLINTEND */
