/* The separator of host and port decides: the last colon first, then what single programs use. */
#include "typed/forms.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* --- protocols and schemes --- */

static const struct {
    const char *name;
    enum typed_protocol protocol;
    int family;
} protocols[] = {{"tcp", TYPED_TCP, 0},         {"tcp4", TYPED_TCP, AF_INET},
                 {"tcp6", TYPED_TCP, AF_INET6}, {"udp", TYPED_UDP, 0},
                 {"udp4", TYPED_UDP, AF_INET},  {"udp6", TYPED_UDP, AF_INET6},
                 {"tcpv4", TYPED_TCP, AF_INET}, {"tcpv6", TYPED_TCP, AF_INET6},
                 {"udpv4", TYPED_UDP, AF_INET}, {"udpv6", TYPED_UDP, AF_INET6}};

bool forms_protocol(struct span word, struct typed *typed) {
    for (size_t i = 0; i < sizeof protocols / sizeof protocols[0]; i++)
        if (span_is(word, protocols[i].name)) {
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

/* Of `jdbc:postgresql` and `postgresql+asyncpg` the name of the protocol counts. */
static const char *scheme_port(struct span scheme) {
    const char *colon = span_find_last(scheme, ':'), *plus = span_find(scheme, '+');
    if (plus != NULL)
        scheme.size = (size_t)(plus - scheme.text);
    if (colon != NULL && plus == NULL)
        scheme = span_from(scheme, (size_t)(colon + 1 - scheme.text));
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++)
        if (span_is(scheme, schemes[i].scheme))
            return schemes[i].port;
    return "";
}

/* --- host and port --- */

/* Numbers and points that are no IPv4 address, but that inet_aton(3) takes for one: `127.1`. */
static bool take_short_ipv4(struct span text, struct typed *typed) {
    char digits[TYPED_HOST_SIZE], address[INET_ADDRSTRLEN];
    struct in_addr short_form;
    span_copy(text, digits, sizeof digits);
    if (strspn(digits, "0123456789.") < text.size)
        return false;
    bool is_zero = strcmp(digits, "0") == 0;
    if ((!is_zero && span_find(text, '.') == NULL) || inet_aton(digits, &short_form) == 0)
        return false;
    inet_ntop(AF_INET, &short_form, address, sizeof address);
    snprintf(typed->host, sizeof typed->host, "%s", address);
    snprintf(typed->note, sizeof typed->note, "%.40s is %s.", digits, address);
    return true;
}

/* Writes the host, with its device behind it. */
static void set_host(struct span host, struct span device, struct typed *typed) {
    char zone[TYPED_HOST_SIZE];
    span_copy(host, typed->host, sizeof typed->host);
    if (device.size == 0)
        return;
    span_copy(device, zone, 32);
    size_t used = strlen(typed->host);
    snprintf(typed->host + used, sizeof typed->host - used, "%%%s", zone);
}

bool forms_host(struct span text, struct typed *typed) {
    struct span host = text, device = span_of(text.text, 0);
    const char *zone = span_find_last(text, '%');
    if (zone != NULL) {
        host.size = (size_t)(zone - text.text);
        device = span_from(text, host.size + 1);
        if (device.size == 0 || device.size > 16)
            return false;
        const char *end = span_find(device, ']');
        if (end != NULL && host.size > 0 && host.text[0] == '[') { /* [fe80::1%eth0] */
            if (end != device.text + device.size - 1)
                return false;
            host = span_from(host, 1);
            if (--device.size == 0)
                return false;
        }
    }
    bool bracketed = host.size > 1 && host.text[0] == '[' && host.text[host.size - 1] == ']';
    if (bracketed)
        host = span_of(host.text + 1, host.size - 2);
    if (bracketed && span_begins(host, "v1.")) /* RFC 6874's draft, as CUPS writes it */
        host = span_from(host, 3);
    if (span_is_any(host))
        host.size = 0;
    else if (span_family(host) == 0 && (zone != NULL || !span_is_host(host)))
        return false;
    else if (span_family(host) == 0 && strspn(host.text, "0123456789.") >= host.size)
        return take_short_ipv4(host, typed);
    set_host(host, device, typed);
    return true;
}

/* Splits at the separator. Only a colon may follow a name; a point only an address or `*`. */
static bool split(struct span text, const char *separator, struct typed *typed) {
    struct typed found = *typed;
    if (separator == NULL)
        return false;
    struct span host = span_of(text.text, (size_t)(separator - text.text));
    struct span port = span_from(text, host.size + 1);
    if (!span_is_port(port) && !span_is_service(port))
        return false;
    if (*separator == '.' &&
        (!span_is_port(port) || (span_family(host) == 0 && !span_is(host, "*"))))
        return false;
    if ((*separator == '#' || *separator == '@') && span_family(host) == 0)
        return false;
    if (!forms_host(host, &found))
        return false;
    span_copy(port, found.port, sizeof found.port);
    *typed = found;
    return true;
}

bool forms_endpoint(struct span text, struct typed *typed) {
    if (span_begins(text, "[AF_INET]") || span_begins(text, "[AF_INET6]")) { /* OpenVPN */
        typed->family = text.text[8] == ']' ? AF_INET : AF_INET6;
        text = span_from(text, text.text[8] == ']' ? 9 : 10);
    }
    return split(text, span_find_last(text, ':'), typed) ||
           split(text, span_find_last(text, '#'), typed) ||
           split(text, span_find_last(text, '@'), typed) ||
           split(text, span_find_last(text, '.'), typed);
}

/* --- paths and URLs --- */

bool forms_path(struct span text, struct typed *typed) {
    if (text.size < 2 || text.size >= TYPED_PATH_SIZE || strchr("/@.", *text.text) == NULL)
        return false;
    if (*text.text == '.' && span_find(text, '/') == NULL)
        return false;
    typed->protocol = TYPED_UNIX;
    span_copy(text, typed->path, sizeof typed->path);
    return true;
}

/* Any other name, behind `unix:`. */
static bool take_unix_name(struct span name, struct typed *typed) {
    if (name.size == 0 || name.size >= TYPED_PATH_SIZE)
        return false;
    typed->protocol = TYPED_UNIX;
    span_copy(name, typed->path, sizeof typed->path);
    return true;
}

bool forms_url(struct span text, struct typed *typed) {
    const char *colon = memmem(text.text, text.size, "://", 3);
    if (colon == NULL || colon == text.text)
        return false;
    struct span scheme = span_of(text.text, (size_t)(colon - text.text));
    struct span rest = span_from(text, scheme.size + 3);
    if (memmem(scheme.text, scheme.size, "unix", 4) != NULL || span_is(scheme, "file"))
        return forms_path(rest, typed);
    size_t end = strcspn(rest.text, "/?#");
    struct span authority = span_of(rest.text, end < rest.size ? end : rest.size);
    const char *at = span_find_last(authority, '@');
    if (at != NULL)
        authority = span_from(authority, (size_t)(at + 1 - authority.text));
    forms_protocol(scheme, typed);
    if (authority.size == 0)
        return false;
    if (forms_endpoint(authority, typed))
        return true;
    if (authority.text[authority.size - 1] == ':' || !forms_host(authority, typed))
        return false;
    snprintf(typed->port, sizeof typed->port, "%s", scheme_port(scheme));
    return true;
}

/* --- one word --- */

/* `PORT/tcp`, `tcp/PORT`, `tcp:ADDRESS`: returns what is left without the protocol. */
static struct span strip_protocol(struct span text, struct typed *typed) {
    const char *slash = span_find_last(text, '/');
    if (slash != NULL && forms_protocol(span_from(text, (size_t)(slash + 1 - text.text)), typed))
        return span_of(text.text, (size_t)(slash - text.text));
    size_t word = strcspn(text.text, "/:");
    if (word < text.size && forms_protocol(span_of(text.text, word), typed))
        return span_from(text, word + 1);
    return text;
}

/* An address of socat(1): `TCP4-LISTEN:8080,fork`, `UNIX-CONNECT:/run/x.sock`. */
static bool take_socat(struct span text, struct typed *typed) {
    size_t word = strcspn(text.text, "-:"), kind = strcspn(text.text, ":");
    if (word >= text.size || text.text[word] != '-' || kind >= text.size)
        return false;
    struct span action = span_of(text.text + word + 1, kind - word - 1);
    struct span rest = span_from(text, kind + 1);
    if (strcspn(rest.text, ",") < rest.size)
        rest.size = strcspn(rest.text, ",");
    bool connects = span_is(action, "connect") || span_is(action, "sendto");
    if (!connects && !span_is(action, "listen") && !span_begins(action, "recv"))
        return false;
    typed->connects = connects;
    struct span name = span_of(text.text, word);
    if (span_is(name, "unix"))
        return take_unix_name(rest, typed);
    if (!forms_protocol(name, typed))
        return false;
    if (span_is_port(rest) || span_is_service(rest)) {
        span_copy(rest, typed->port, sizeof typed->port);
        return true;
    }
    return forms_endpoint(rest, typed);
}

/* bash(1) connects to `/dev/tcp/HOST/PORT`. */
static bool take_dev_tcp(struct span text, struct typed *typed) {
    if (!span_begins(text, "/dev/tcp/") && !span_begins(text, "/dev/udp/"))
        return false;
    struct span rest = span_from(text, strlen("/dev/tcp/"));
    const char *slash = span_find(rest, '/');
    if (slash == NULL)
        return false;
    struct span port = span_from(rest, (size_t)(slash + 1 - rest.text));
    if ((!span_is_port(port) && !span_is_service(port)) ||
        !forms_host(span_of(rest.text, (size_t)(slash - rest.text)), typed))
        return false;
    typed->protocol = text.text[5] == 'u' ? TYPED_UDP : TYPED_TCP;
    typed->connects = true;
    span_copy(port, typed->port, sizeof typed->port);
    return true;
}

/* Takes the next component of a path; size 0 behind its end. */
static struct span next_component(struct span *rest) {
    if (rest->size > 0)
        *rest = span_from(*rest, 1); /* its slash */
    const char *slash = span_find(*rest, '/');
    struct span component =
        span_of(rest->text, slash == NULL ? rest->size : (size_t)(slash - rest->text));
    *rest = span_from(*rest, component.size);
    return component;
}

bool forms_multiaddr(struct span text, struct typed *typed) {
    static const char *const kinds[] = {"ip4", "ip6", "dns", "dns4", "dns6"};
    struct span rest = text, kind, host, protocol, port;
    bool known = false;
    if (text.size == 0 || *text.text != '/')
        return false;
    kind = next_component(&rest);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        known |= span_is(kind, kinds[i]);
    host = next_component(&rest);
    protocol = next_component(&rest);
    port = next_component(&rest);
    if (!known || !span_is_port(port) || !forms_protocol(protocol, typed) ||
        !forms_host(host, typed))
        return false;
    span_copy(port, typed->port, sizeof typed->port);
    return true;
}

/* `localhost:8080/index.html`: a URL without its scheme. */
static bool take_with_path(struct span text, struct typed *typed) {
    const char *slash = span_find(text, '/');
    return slash != NULL && slash > text.text &&
           forms_endpoint(span_of(text.text, (size_t)(slash - text.text)), typed) &&
           span_is_port(span_whole(typed->port));
}

static bool take_authority(struct span text, struct typed *typed) {
    return forms_endpoint(text, typed) || take_with_path(text, typed);
}

bool forms_word(struct span text, struct typed *typed) {
    struct typed start = *typed;
    if (memmem(text.text, text.size, "://", 3) != NULL)
        return forms_url(text, typed);
    if (span_begins(text, "unix:"))
        return take_unix_name(span_from(text, 5), typed);
    if (take_dev_tcp(text, typed) || take_socat(text, typed))
        return true;
    *typed = start;
    if (forms_multiaddr(text, typed))
        return true;
    *typed = start;
    if (span_begins(text, "//") && take_authority(span_from(text, 2), typed))
        return true;
    bool named_sock = text.size > 5 && memcmp(text.text + text.size - 5, ".sock", 5) == 0;
    if (forms_path(text, typed) || (named_sock && take_unix_name(text, typed)))
        return true;
    struct span rest = strip_protocol(text, typed);
    if (span_is_port(rest) || span_is_service(rest)) {
        span_copy(rest, typed->port, sizeof typed->port);
        return true;
    }
    return take_authority(rest, typed);
}
