/* Addresses as numbers weigh most, names and bare numbers least. Numbers are ports only where
 * something says so: a separator behind an address, the word port, a protocol, the error before. */
#include "typed/places.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "typed/forms.h"
#include "typed/numbers.h"
#include "typed/signs.h"

/* --- ports --- */

/* Returns how long the word for a port is that begins here, in one of several languages; else 0. */
static size_t port_word(const struct place *place) {
    static const char *const words[] = {
        "ports",     "port(s)",    "porta",        "porto",         "portu", "port",
        "puerto",    "poort",      "Cổng",         "端口号",        "端口",  "連接埠",
        "埠",        "ポート番号", "ポート",       "포트",          "порт",  "Порт",
        "Anschluss", "ListenPort", "ListenStream", "ListenDatagram"};
    bool hump = islower((unsigned char)place_before(place)) && *place->at == 'P'; /* nodePort */
    if (isalpha((unsigned char)place_before(place)) && !hump)
        return 0;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strncasecmp(place->at, words[i], strlen(words[i])) == 0)
            return strlen(words[i]);
    return 0;
}

/* `port 80`, `port: 80`, `Port=80`, `port #80`, `"port":80`, `{port, 80}`, `port number 80`. */
static int weigh_port_word(const struct place *place, struct typed *typed) {
    size_t size = port_word(place);
    if (size == 0)
        return 0;
    const char *at = place->at + size;
    size_t separators = strspn(at, " ,\t\r\n:='\"#(\\[{");
    at += separators;
    static const char *const fillers[] = {"number", "tcp ", "udp ", "is ", "invalid value"};
    size_t filler = 0;
    for (size_t i = 0; i < sizeof fillers / sizeof fillers[0]; i++)
        if (strncasecmp(at, fillers[i], strlen(fillers[i])) == 0)
            filler = strlen(fillers[i]);
    at += filler;
    at += filler > 0 ? strspn(at, " :=") : 0;
    bool index = separators == 1 && at[-1] == '['; /* ports[0] */
    if (separators == 0 && filler == 0 && (unsigned char)*place->at < 0x80)
        return 0;
    struct span port = place_port(at);
    if (strtol(at, NULL, 10) == 0 || (index && port.size == 1))
        return 0;
    return place_set_port(port, typed) ? 45 : 0;
}

/* SELinux: `denied  { name_bind } for  pid=4711 comm="httpd" src=8081 ... tclass=tcp_socket`. */
static int weigh_denial(const struct place *place, struct typed *typed) {
    char line[512];
    span_copy(place->line, line, sizeof line);
    if (!place_follows(place, "src=|dest=") || strstr(line, " denied ") == NULL)
        return 0;
    typed->connects = strstr(line, "name_connect") != NULL;
    if (!typed->connects && strstr(line, "name_bind") == NULL)
        return 0;
    typed->protocol = strstr(line, "tclass=udp") != NULL ? TYPED_UDP : TYPED_TCP;
    return place_set_port(place_port(place->at), typed) ? 60 : 0;
}

/* Words with a number behind them that is no port. */
static bool is_label(const char *word) {
    static const char *const labels[] = {
        "errno",  "error",  "code",   "pid",      "line",    "id",      "status",  "version",
        "rc",     "fd",     "uid",    "gid",      "user",    "level",   "attempt", "retry",
        "exit",   "time",   "size",   "count",    "took",    "elapsed", "step",    "thread",
        "main",   "node",   "native", "ppid",     "tid",     "inet",    "since",   "after",
        "left",   "worker", "init",   "ttl",      "mtu",     "len",     "syscall", "signal",
        "family", "type",   "ts",     "duration", "timeout", "system",  "generic"};
    for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++)
        if (strcasecmp(word, labels[i]) == 0)
            return true;
    return false;
}

/* Returns whether the word before the place is such a label: `pid 4711`. */
static bool is_labelled(const struct place *place) {
    char word[16];
    const char *end = place->at;
    while (end > place->line.text && end[-1] == ' ')
        end--;
    const char *begin = end;
    while (begin > place->line.text && isalpha((unsigned char)begin[-1]))
        begin--;
    span_copy(span_of(begin, (size_t)(end - begin)), word, sizeof word);
    return is_label(word);
}

/* `80/tcp`, `tcp/80`, `http/tcp`. */
static int weigh_with_protocol(const struct place *place, struct typed *typed) {
    struct span word = span_of(place->at, strcspn(place->at, " \t\r\n\"'`<>(){},;:=|]"));
    const char *slash = span_find(word, '/');
    if (!place_starts_word(place) || slash == NULL)
        return 0;
    struct span left = span_of(word.text, (size_t)(slash - word.text));
    struct span right = span_from(word, left.size + 1);
    bool port_first = forms_protocol(right, typed);
    if (!port_first && !forms_protocol(left, typed))
        return 0;
    struct span port = port_first ? left : right;
    struct typed other;
    bool service =
        port_first && span_is_service(port) && !forms_protocol(port, &other); /* TCP/UDP */
    return (span_is_port(port) || service) && place_set_port(port, typed)
               ? (span_is_port(port) ? 40 : 25)
               : 0;
}

/* Tomcat's names of connectors: `"http-nio-8080"`, `[HTTP/1.1-8080]`, `ajp-nio-127.0.0.1-8009`. */
static int weigh_connector(const struct place *place, struct typed *typed) {
    struct span word = span_of(place->at, strcspn(place->at, " \t\r\n\"'`<>(){},;=|[]"));
    if (!place_starts_word(place) || (!span_begins(word, "http") && !span_begins(word, "ajp")))
        return 0;
    const char *dash = span_find_last(word, '-');
    if (dash == NULL || span_find(word, ':') != NULL)
        return 0;
    struct span front = span_of(word.text, (size_t)(dash - word.text));
    const char *host = span_find_last(front, '-');
    if (host != NULL && span_family(span_from(front, (size_t)(host + 1 - front.text))) != 0)
        span_copy(span_from(front, (size_t)(host + 1 - front.text)), typed->host,
                  sizeof typed->host);
    return place_set_port(place_port(dash + 1), typed) ? 42 : 0;
}

/* `Failed to bind to [9300-9400]`, `in range 7860-7870`: the first port of a range. */
static int weigh_range(const struct place *place, struct typed *typed) {
    size_t low = strspn(place->at, "0123456789");
    bool bracketed = place_before(place) == '[',
         said = place_follows(place, "range |range: |ports |ports: ");
    if ((!bracketed && !said) || low == 0 || place->at[low] != '-' ||
        !span_is_port(span_of(place->at, low)))
        return 0;
    size_t high = strspn(place->at + low + 1, "0123456789");
    if ((bracketed && place->at[low + 1 + high] != ']') ||
        !span_is_port(span_of(place->at + low + 1, high)))
        return 0;
    place_set_port(span_of(place->at, low), typed);
    snprintf(typed->note, sizeof typed->note, "%s is the first of the ports %.*s.", typed->port,
             (int)(low + 1 + high), place->at);
    const char *host = place->at - 1;
    if (bracketed && host > place->line.text && host[-1] == ':') { /* 127.0.0.1:[9300-9400] */
        const char *begin = host - 1;
        while (begin > place->line.text && begin[-1] != ' ')
            begin--;
        struct typed found = {0};
        if (forms_host(span_of(begin, (size_t)(host - 1 - begin)), &found))
            memcpy(typed->host, found.host, sizeof typed->host);
    }
    return 35;
}

/* The first of `-p 8080:80` and `-L 8080:HOST:80`. */
static int weigh_published(const struct place *place, struct typed *typed) {
    struct span port = span_of(place->at, strspn(place->at, "0123456789"));
    bool published =
        place_follows(place, "-p |-p|--publish |--publish=|-L |-L|-p \"|ports: - |ports: - \"");
    if (!published || !span_is_port(port) || place->at[port.size] != ':' || span_is(port, "0"))
        return 0;
    place_set_port(port, typed);
    snprintf(typed->note, sizeof typed->note, "%s is the port of this host.", typed->port);
    return 45;
}

/* `what is on 8080`: at the end of the line. */
static bool ends_with_number(const struct place *place, struct span port) {
    const char *rest = port.text + port.size;
    return place_follows(place, "on ") && strtol(port.text, NULL, 10) > 20 &&
           rest + strspn(rest, " ?.!\r") >= place->line.text + place->line.size;
}

/* Returns whether a bracket ends before `end` as in `rpcbind[4711`, and not as in `create[8005`. */
static bool names_process(const char *line, const char *end) {
    static const char create[] = "create";
    size_t room = (size_t)(end - line), size = strlen(create);
    if (room < 2 || end[-1] != '[' || !place_is_word_byte(end[-2]))
        return false;
    return room < size + 1 || strncasecmp(end - 1 - size, create, size) != 0;
}

/* `8080: Address already in use`, `8080 is in use`: at the start of the line. */
static bool precedes_error(const struct place *place, struct span port) {
    static const char *const words[] = {": address", " already", " is already", " in use",
                                        " is in use"};
    const char *rest = port.text + port.size;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strncasecmp(rest, words[i], strlen(words[i])) == 0)
            return place->at == place->line.text && signs_error(rest) == EADDRINUSE;
    return false;
}

/* `why is 8080 taken`, `who uses 3000?`: the one number of a short question. */
static bool is_asked_about(const struct place *place, struct span port) {
    static const char *const words[] = {"who ", "who's ", "what ", "what's ",
                                        "why ", "which ", "is ",   "where "};
    enum { QUESTION = 60 };
    size_t before = (size_t)(port.text - place->line.text);
    struct span rest = span_from(place->line, before + port.size);
    bool asks = false;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        asks |= strncasecmp(place->line.text, words[i], strlen(words[i])) == 0;
    return asks && place->line.size < QUESTION &&
           strcspn(place->line.text, "0123456789") == before &&
           strcspn(rest.text, "0123456789:/.") >= rest.size && !is_labelled(place);
}

/* `Adresse déjà utilisée: 8080`: at the end of the line, behind the error in any language. */
static bool ends_error(const struct place *place, struct span port) {
    const char *rest = port.text + port.size;
    char before[256];
    size_t size = (size_t)(place->at - place->line.text);
    if (size < 2 || size >= sizeof before || strncmp(place->at - 2, ": ", 2) != 0 ||
        rest + strspn(rest, " .!\r") < place->line.text + place->line.size)
        return false;
    span_copy(span_of(place->line.text, size - 2), before, sizeof before);
    if (signs_error(before) != EADDRINUSE)
        return false;
    char *last_word = strrchr(before, ' '); /* `already in use, attempts: 12` */
    before[last_word == NULL ? 0 : last_word - before] = '\0';
    return signs_error(before) == 0;
}

/* A number behind the error, or behind a word that a port follows: `address already in use: 80`. */
static int weigh_number(const struct place *place, struct typed *typed) {
    static const char *const words[] = {
        "in use",    "addrinuse",     "eaddrinuse", "listening on",
        "listen on", "listen",        "bind to",    "binding to",
        "bind",      "bind() for",    "bind() to",  "bind() on",
        "create",    "already bound", "socket on",  "listener on",
        "server on", "service on",    "bind on",    "-p",
        "-l",        "http.server",   "runserver",  "listening socket",
        "grep",      "tcp",           "udp"};
    struct span port = place_port(place->at);
    if (port.size < 2 || !place_starts_word(place) || strtol(port.text, NULL, 10) == 0)
        return 0;
    if (ends_with_number(place, port) || precedes_error(place, port) || is_asked_about(place, port))
        return place_set_port(port, typed) ? 25 : 0;
    if (signs_numbered(strtol(port.text, NULL, 10)) != 0) /* `Address already in use [98]` */
        return 0;
    if (ends_error(place, port))
        return place_set_port(port, typed) ? 25 : 0;
    const char *end = place->at;
    while (end > place->line.text && strchr(" :,'\"[(", end[-1]) != NULL &&
           !names_process(place->line.text, end))
        end--;
    for (size_t i = 0; end < place->at && i < sizeof words / sizeof words[0]; i++) {
        size_t size = strlen(words[i]), room = (size_t)(end - place->line.text);
        if (room >= size && strncasecmp(end - size, words[i], size) == 0 &&
            (room == size || !place_is_word_byte(end[-(ptrdiff_t)size - 1])))
            return place_set_port(port, typed) ? 25 : 0;
    }
    return 0;
}

/* --- names --- */

/* `server.go:12` is a place in a source file. */
static bool is_source_place(const char *host) {
    static const char *const extensions[] = {
        "go",  "py",   "js",   "ts",   "c",      "cc",     "cpp",    "h",     "hpp", "rs",
        "rb",  "ex",   "exs",  "java", "php",    "pl",     "erl",    "lua",   "cfg", "conf",
        "yml", "yaml", "json", "xml",  "ini",    "toml",   "scala",  "kt",    "cs",  "mjs",
        "cjs", "tsx",  "jsx",  "sh",   "pm",     "log",    "txt",    "html",  "cxx", "m",
        "mm",  "pyx",  "ps1",  "sql",  "groovy", "clj",    "swift",  "jl",    "nim", "zig",
        "hs",  "dart", "ipp",  "inl",  "inc",    "tcl",    "lisp",   "el",    "fs",  "vb",
        "pas", "adb",  "cljs", "edn",  "vue",    "svelte", "gradle", "coffee"};
    const char *dot = strrchr(host, '.');
    for (size_t i = 0; dot != NULL && i < sizeof extensions / sizeof extensions[0]; i++)
        if (strcasecmp(dot + 1, extensions[i]) == 0)
            return true;
    return false;
}

/* `8080 port is already in use`, `8080端口被占用`: only in a line that says so. */
static int weigh_before_port_word(const struct place *place, struct typed *typed) {
    struct span port = place_port(place->at);
    struct place behind = *place;
    char line[256];
    static const char counter[] = "番"; /* Japanese */
    if (port.size < 2 || is_labelled(place) || isalnum((unsigned char)place_before(place)) ||
        strchr(".:-/", place_before(place)) != NULL)
        return 0;
    behind.at += port.size + strspn(place->at + port.size, " ");
    if (strncmp(behind.at, counter, strlen(counter)) == 0)
        behind.at += strlen(counter);
    size_t word = port_word(&behind);
    const char *rest = behind.at + word + strspn(behind.at + word, " :=#");
    span_copy(place->line, line, sizeof line);
    if (word == 0 || isdigit((unsigned char)*rest) || signs_error(line) != EADDRINUSE)
        return 0;
    return place_set_port(port, typed) ? 22 : 0;
}

/* `/tmp/ssh-me@web1:22` */
static bool is_in_path(const struct place *place) {
    const char *begin = place->at;
    while (begin > place->line.text && strchr(" \t\"'`<>(){}[],;=|", begin[-1]) == NULL)
        begin--;
    return *begin == '/';
}

/* `HOST:PORT` with a name: names with a point, and others only where an address is expected. */
static int weigh_name(const struct place *place, struct typed *typed) {
    struct span word = span_of(place->at, strcspn(place->at, " \t\r\n\"'`<>(){}[],;=|/"));
    const char *colon = span_find(word, ':');
    if (!isalpha((unsigned char)*place->at) || colon == NULL ||
        (!place_starts_word(place) && (place_before(place) != '@' || is_in_path(place)) &&
         (place_before(place) != '/' || place->at - place->start < 2 || place->at[-2] != ' ')))
        return 0;
    struct span host = span_of(word.text, (size_t)(colon - word.text));
    struct span port = place_port(colon + 1);
    if (port.size == 0 || !span_is_host(host) || host.size < 2)
        return 0;
    place_set_port(port, typed);
    if (forms_protocol(host, typed)) /* udp:161 */
        return 45;
    span_copy(host, typed->host, sizeof typed->host);
    if (span_is(host, "localhost") || span_is(host, "localhost.localdomain"))
        return 60;
    if (is_source_place(typed->host) || is_label(typed->host) ||
        span_begins(host, "asio.") || /* asio.netdb:1 is an error of Boost */
        (isdigit((unsigned char)host.text[host.size - 1]) && span_find(host, 'T') != NULL &&
         span_find(host, '-') != NULL))
        return 0;
    bool expected = place_after(place, "bind|listen|address|connect|dial|tcp|udp|socket| to | on |"
                                       "server|host|endpoint|proxy");
    return span_find(host, '.') != NULL ? 30 : expected ? 18 : 0;
}

/* `HOST port 80` with a name: ssh(1), curl(1). */
static int weigh_name_and_port(const struct place *place, struct typed *typed) {
    size_t size = strspn(place->at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                    "0123456789.-_");
    struct span host = span_of(place->at, size);
    if (!place_starts_word(place) || !isalpha((unsigned char)*place->at) || size < 2)
        return 0;
    const char *at = place->at + size + strspn(place->at + size, "\"'`,");
    bool named = place_follows(
        place, "to |host |host \"|host \'|host=|host=\"|host=\'|at |at \"|on |on \'|on \"|"
               "address |address \"|for |server ");
    if (strchr(".-", host.text[host.size - 1]) != NULL) /* the end of a sentence */
        return 0;
    if (strncasecmp(at, " port ", 6) != 0 && strncasecmp(at, " port=", 6) != 0)
        return 0;
    at += 6 + strspn(at + 6, " :='\"");
    if ((!named && !span_is(host, "localhost")) || span_is(host, "this") || span_is(host, "the") ||
        span_is(host, "local") || span_is(host, "TCP") || span_is(host, "UDP"))
        return 0;
    if (span_is(host, "socket") || span_is(host, "server") || span_is(host, "listen") ||
        span_is(host, "listening") || span_is(host, "address") || span_is(host, "host"))
        return 0;
    bool telling = span_is(host, "localhost") || memchr(host.text, '.', host.size) != NULL ||
                   strcspn(host.text, "0123456789-") < host.size;
    if (!telling && !place_after(place, "connect|host")) /* `bind to distribution port 25672` */
        return 0;
    if (!place_set_port(place_port(at), typed) || !forms_host(host, typed))
        return 0;
    return span_find(host, '.') != NULL || span_is(host, "localhost") ? 56 : 46;
}

/* `localhost 8080`, `*:http` of lsof(8). */
static int weigh_service(const struct place *place, struct typed *typed) {
    struct span word = span_of(place->at, strcspn(place->at, " \t\r\n\"'`<>(){},;=|"));
    const char *arrow = memmem(word.text, word.size, "->", 2);
    if (arrow != NULL)
        word.size = (size_t)(arrow - word.text);
    const char *colon = span_find_last(word, ':');
    if (!place_starts_word(place) || colon == NULL)
        return 0;
    struct span host = span_of(word.text, (size_t)(colon - word.text));
    struct span service = span_from(word, host.size + 1);
    bool numeric = span_is(host, "*") || span_is(host, "localhost") || span_family(host) != 0 ||
                   (host.size > 2 && *host.text == '[');
    if (!numeric || !span_is_service(service) || service.size < 2 || !forms_endpoint(word, typed))
        return 0;
    return place_after(place, "TCP |UDP |tcp|udp|LISTEN|bind|listen") ? 50 : 0;
}

/* --- URLs and paths --- */

static struct span whole_word(const struct place *place, const char *delimiters) {
    struct span word = span_of(place->at, strcspn(place->at, delimiters));
    while (word.size > 0 && strchr(".:!?-", word.text[word.size - 1]) != NULL)
        word.size--;
    if (word.size > 1 && word.text[word.size - 1] == ']' && span_find(word, '[') == NULL)
        word.size--;
    return word;
}

static int weigh_url(const struct place *place, struct typed *typed) {
    struct span word = whole_word(place, " \t\r\n\"'`<>(){},;|\\");
    const char *colon = memmem(word.text, word.size, "://", 3);
    if ((!place_starts_word(place) && place_before(place) != ':') || colon == NULL ||
        !isalpha((unsigned char)*word.text) || span_find(word, '=') != NULL ||
        !forms_url(word, typed))
        return 0;
    if (typed->path[0] != '\0') /* in a stack trace of node, file:// is a source */
        return span_begins(word, "file") && strstr(typed->path, ".sock") == NULL ? 0 : 45;
    size_t end = strcspn(colon + 3, "/?#");
    struct span authority = span_of(colon + 3, end);
    if (colon + 3 + end > word.text + word.size)
        authority.size = (size_t)(word.text + word.size - colon - 3);
    bool local = span_family(span_whole(typed->host)) != 0 ||
                 span_is_any(span_whole(typed->host)) || strcmp(typed->host, "localhost") == 0;
    const char *port = span_find_last(authority, ':');
    bool has_port =
        port != NULL && span_is_port(span_from(authority, (size_t)(port + 1 - authority.text)));
    bool expected = place_after(place, "bind|listen|address|start|connect|serv") ||
                    place_follows(place, "to |at |on ");
    if (!local && place_follows(place, "see |visit |docs: ")) /* where to read on */
        return 0;
    if (!has_port && (typed->port[0] == '\0' || !expected || !local))
        return 0;
    return !has_port ? 25 : local ? 60 : 40;
}

/* Files that stand beside a socket. */
static bool is_other_file(const char *name) {
    const char *dot = strrchr(name, '.');
    return dot != NULL && (strcmp(dot, ".lock") == 0 || strcmp(dot, ".pid") == 0);
}

/* `bind to '/run/x'`, `socket /run/x` */
static bool is_object(const struct place *place) {
    struct place unquoted = *place;
    if (strchr("\"'`(", place_before(place)) != NULL && place->at > place->line.text)
        unquoted.at--;
    return place_follows(&unquoted,
                         "to |on |at |path |bind |listen |connect |bind|listen|connect") ||
           (unquoted.at - place->line.text > 7 && strncasecmp(unquoted.at - 7, "socket ", 7) == 0);
}

/* `/run/x: bind: Address already in use`, as perror(3) has it. */
static bool precedes_bind(const struct place *place, struct span word) {
    char rest[64];
    span_copy(span_of(word.text + word.size, strcspn(word.text + word.size, "\n")), rest,
              sizeof rest);
    return strncmp(rest, ": bind", 6) == 0 && signs_error(rest) == EADDRINUSE &&
           place_starts_word(place);
}

/* A path is one of a socket only where something says so. */
static int weigh_path(const struct place *place, struct typed *typed) {
    struct span word = whole_word(place, " \t\r\n\"'`<>(){},;=|");
    bool prefixed = span_begins(word, "unix:");
    if (!place_starts_word(place) && place_before(place) != ':')
        return 0;
    if (forms_multiaddr(word, typed))
        return 55;
    *typed = (struct typed){0};
    if (prefixed && memmem(word.text, word.size, "://", 3) == NULL)
        word = span_from(word, 5);
    if (word.size < 2 || (*word.text != '/' && *word.text != '@') ||
        memmem(word.text, word.size, "//", 2) != NULL || !forms_path(word, typed))
        return 0;
    const char *file = strrchr(typed->path, '/');
    bool unit =
        file != NULL && strstr(typed->path, "/systemd/") != NULL && strstr(file, ".socket") != NULL;
    bool socket = prefixed || strstr(typed->path, ".sock") != NULL ||
                  strstr(typed->path, "/.s.PGSQL.") != NULL ||
                  strstr(typed->path, ".X11-unix/") != NULL;
    bool named = place_after(place, "unix|socket file|socket '|socket \"|local socket");
    bool object =
        place_follows(place, "in use |in use: |EADDRINUSE |EADDRINUSE: |denied |denied: ") ||
        precedes_bind(place, word) ||
        (is_object(place) && place_after(place, "bind|listen|connect|socket"));
    if (unit || (*word.text == '@' && !prefixed && !named && !socket) ||
        (file != NULL && (is_source_place(file) || is_other_file(file))))
        return 0;
    return prefixed ? 50 : socket ? 45 : named ? 42 : object ? 40 : 0;
}

/* --- all of them --- */

int places_weigh(const struct place *place, struct typed *typed) {
    static place_form *const forms[] = {
        numbers_weigh,
        weigh_url,
        weigh_port_word,
        weigh_path,
        weigh_name,
        weigh_name_and_port,
        weigh_with_protocol,
        weigh_connector,
        weigh_range,
        weigh_number,
        weigh_service,
        weigh_published,
        weigh_before_port_word,
        weigh_denial,
    };
    return place_heaviest(place, forms, sizeof forms / sizeof forms[0], typed);
}
