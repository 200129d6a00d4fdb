/* No program is known by name: these are the words that programs and C libraries use. */
#include "typed/signs.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/errnames.h"
#include "typed/span.h"

/* --- the error --- */

static const struct message {
    const char *words;
    int error;
} messages[] = {
    {"address already in use", EADDRINUSE},
    {"address in use", EADDRINUSE},
    {"addrinuse", EADDRINUSE},
    {"only one usage of each socket address", EADDRINUSE},
    {"Adresse wird bereits verwendet", EADDRINUSE},
    {"Adresse déjà utilisée", EADDRINUSE},
    {"La dirección ya se está usando", EADDRINUSE},
    {"Indirizzo già in uso", EADDRINUSE},
    {"Endereço já em uso", EADDRINUSE},
    {"Adres jest już w użyciu", EADDRINUSE},
    {"Адрес уже используется", EADDRINUSE},
    {"地址已在使用", EADDRINUSE},
    {"地址已被使用", EADDRINUSE},
    {"アドレスは既に使用中", EADDRINUSE},
    {"被占用", EADDRINUSE},
    {"assign requested address", EADDRNOTAVAIL},
    {"address not available", EADDRNOTAVAIL},
    {"address is not available", EADDRNOTAVAIL},
    {"addrnotavail", EADDRNOTAVAIL},
    {"angeforderte Adresse kann nicht zugewiesen werden", EADDRNOTAVAIL},
    {"d'assigner l'adresse demandée", EADDRNOTAVAIL},
    {"asignar la dirección solicitada", EADDRNOTAVAIL},
    {"address is not valid in its context", EADDRNOTAVAIL},
    {"no free ports", EADDRNOTAVAIL},
    {"permission denied", EACCES},
    {"forbidden by its access permissions", EACCES},
    {"privileged port", EACCES},
    {"Keine Berechtigung", EACCES},
    {"Permission non accordée", EACCES},
    {"Permiso denegado", EACCES},
    {"network is unreachable", ENETUNREACH},
    {"network unreachable", ENETUNREACH},
    {"no route to host", EHOSTUNREACH},
    {"host is unreachable", EHOSTUNREACH},
    {"address family not supported", EAFNOSUPPORT},
    {"resource temporarily unavailable", EAGAIN},
    {"connection refused", ECONNREFUSED},
    {"connection timed out", ETIMEDOUT},
    {"operation not permitted", EPERM},
    /* words of programs, after those of the C libraries */
    {"already allocated", EADDRINUSE},
    {"already in use", EADDRINUSE},
    {"already used", EADDRINUSE},
    {"already being used", EADDRINUSE},
    {"already bound", EADDRINUSE},
    {"already listen", EADDRINUSE},
    {"already listening", EADDRINUSE},
    {"already running", EADDRINUSE},
    {"already taken", EADDRINUSE},
    {"being used by another", EADDRINUSE},
    {"in use", EADDRINUSE},
};

/* The errno that is named in the text, as EADDRINUSE or in lower case as Erlang does it. */
static int named_error(const char *text) {
    for (const char *at = text; *at != '\0'; at++) {
        char name[ERRNAME_SIZE];
        size_t size = strspn(at, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
        if (size == 0)
            continue;
        if ((*at == 'E' || *at == 'e') && size > 3 && size < sizeof name) {
            span_copy(span_of(at, size), name, sizeof name);
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

/* Numbers of Linux, of the BSDs (and macOS), and of Windows. */
static int numbered(long number) {
    switch (labs(number)) {
    case 98:
    case 48:
    case 10048:
        return EADDRINUSE;
    case 99:
    case 49:
    case 10049:
        return EADDRNOTAVAIL;
    case 13:
    case 10013:
        return EACCES;
    case 111:
    case 61:
    case 10061:
        return ECONNREFUSED;
    default:
        return 0;
    }
}

/* `errno 98`, `[Errno 98]`, `errno: -98`, `os error 98`, `error code 98`, `SocketException (98)`.
 */
static int numbered_error(const char *line) {
    static const char *const words[] = {"errno", "os error", "error", "SocketException", "code:"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        const char *at = strcasestr(line, words[i]);
        if (at == NULL)
            continue;
        at += strlen(words[i]);
        at += strspn(at, " =:([\"");
        size_t sign = *at == '-';
        size_t digits = strspn(at + sign, "0123456789");
        if (digits > 0 && digits < 6 && !isalnum((unsigned char)at[sign + digits]) &&
            numbered(strtol(at, NULL, 10)) != 0)
            return numbered(strtol(at, NULL, 10));
    }
    return 0;
}

/* --- failures --- */

static bool has_one(const char *line, const char *const *words, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (strcasestr(line, words[i]) != NULL)
            return true;
    return false;
}

#define HAS_ONE(line, words) has_one(line, words, sizeof(words) / sizeof(words)[0])

/* Whether something could not be bound, in words that name no errno. */
static bool tells_of_failure(const char *line) {
    static const char *const fails[] = {"fail",        "cannot",           "can't",
                                        "can not",     "couldn't",         "could not",
                                        "unable to",   "not start",        "not listen",
                                        "no acceptor", "another instance", "already running",
                                        "try another", "problem"};
    static const char *const calls[] = {"bind", "listen",  "bound",     "socket",
                                        "port", "connect", "end point", "endpoint"};
    return HAS_ONE(line, fails) && HAS_ONE(line, calls);
}

/* A number alone in brackets, in a line about a failure: `Can't connect to ... (99)`. */
static int bracketed_error(const char *line) {
    for (const char *at = line; (at = strchr(at, '(')) != NULL; at++) {
        size_t digits = strspn(at + 1, "0123456789");
        if (digits > 0 && digits < 6 && at[1 + digits] == ')' &&
            numbered(strtol(at + 1, NULL, 10)) != 0 && tells_of_failure(line))
            return numbered(strtol(at + 1, NULL, 10));
    }
    return 0;
}

int signs_error(const char *line) {
    int error = named_error(line);
    for (size_t i = 0; error == 0 && i < sizeof messages / sizeof messages[0]; i++)
        if (span_has_words(line, messages[i].words))
            error = messages[i].error;
    if (error == 0)
        error = numbered_error(line);
    return error != 0 ? error : bracketed_error(line);
}

int signs_failure(const char *line) {
    switch (signs_error(line)) {
    case EADDRINUSE:
    case EADDRNOTAVAIL:
        return 45;
    case 0:
        return tells_of_failure(line) ? 30 : 0;
    case EACCES:
    case EPERM:
        return tells_of_failure(line) || strcasestr(line, "bind") != NULL ||
                       strcasestr(line, "listen") != NULL
                   ? 40
                   : 15;
    default:
        return 20;
    }
}

bool signs_starts(const char *line) {
    static const char *const words[] = {"listen",  "bind",   "starting", "started", "serving",
                                        "running", "server", "serve ",   "bound",   "opening"};
    static const char *const others[] = {"connecting", "connected", "connection",
                                         "upstream",   "database",  "backend"};
    return HAS_ONE(line, words) && !HAS_ONE(line, others);
}

/* --- bind() or connect() --- */

static const struct role_words {
    const char *words;
    enum signs_role role;
} roles[] = {
    {"bind", SIGNS_BIND},       {"bound", SIGNS_BIND},     {"listen", SIGNS_BIND},
    {"in use", SIGNS_BIND},     {"allocated", SIGNS_BIND}, {"make_sock", SIGNS_BIND},
    {"accept", SIGNS_BIND},     {"expos", SIGNS_BIND},     {"LISTEN", SIGNS_BIND},
    {"connect", SIGNS_CONNECT}, {"dial", SIGNS_CONNECT},   {"upstream", SIGNS_CONNECT},
};

/* Returns where the words are next in the line; a connector of Tomcat connects nothing. */
static const char *next_words(const char *line, const char *words) {
    const char *at = strcasestr(line, words);
    while (at != NULL &&
           (strncasecmp(at, "connector", 9) == 0 || strncasecmp(at, "connectivity", 12) == 0))
        at = strcasestr(at + 1, words);
    return at;
}

/* Returns the role of the last words that begin before `end`, or after `start` the first ones. */
static enum signs_role role_before(const char *line, const char *end) {
    enum signs_role role = SIGNS_NO_ROLE;
    const char *last = NULL;
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++)
        for (const char *at = line; (at = next_words(at, roles[i].words)) != NULL && at < end; at++)
            if (last == NULL || at > last) {
                last = at;
                role = roles[i].role;
            }
    return role;
}

static enum signs_role role_behind(const char *start) {
    enum signs_role role = SIGNS_NO_ROLE;
    const char *first = NULL;
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++) {
        const char *at = next_words(start, roles[i].words);
        if (at != NULL && (first == NULL || at < first)) {
            first = at;
            role = roles[i].role;
        }
    }
    return role;
}

enum signs_role signs_role(const char *line, const char *at) {
    const char *dial = strcasestr(line, "dial ");
    if (dial != NULL && dial < at) /* Go: `dial tcp LOCAL->REMOTE: bind: ...` */
        return SIGNS_CONNECT;
    enum signs_role role = role_before(line, at);
    return role != SIGNS_NO_ROLE ? role : role_behind(at);
}
