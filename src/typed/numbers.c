/* A port stands behind its address, in one of many ways; the surer the way, the heavier. */
#include "typed/numbers.h"

#include <ctype.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "typed/forms.h"

/* The size of the address that begins here, with its device and without brackets. */
static size_t address_size(const char *at) {
    size_t size = strspn(at, "0123456789abcdefABCDEF:.");
    if (at[size] == '%')
        size += 1 + strspn(at + size + 1,
                           "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
    return size;
}

/* The port behind an address that ends at `end`, and how sure it is. */
static int port_behind(const char *end, struct span *port) {
    if (*end == ':' || *end == '#' || *end == '@') {
        size_t size = strspn(end + 1, "0123456789");
        *port = span_of(end + 1, size);
        bool another = end[1 + size] == ':'; /* Docker: 0.0.0.0:80:172.17.0.2:80 */
        if (span_is_port(*port) && (another || place_port(end + 1).size > 0))
            return 60;
        *port = span_of(end + 1, size);
        if (span_is_port(*port) && end[1 + size] == '-') /* -> or - between two ends */
            return end[2 + size] == '>' ? 60 : 0;
        return 0;
    }
    if (*end == '.' && (*port = place_port(end + 1)).size > 0)
        return 30;
    const char *at = end + strspn(end, "\"'`]}|>");
    if (at > end && *at == ':' && (*port = place_port(at + 1)).size > 0) /* '127.0.0.1':80 */
        return 58;
    size_t blanks = strspn(at, " ,\t");
    at += blanks;
    if (blanks > 0 && strncasecmp(at, "port", 4) == 0) {
        at += 4 + strspn(at + 4, " :='\"#(");
        return (*port = place_port(at)).size > 0 ? 58 : 0;
    }
    return blanks > 0 && (*port = place_port(at)).size > 0 ? 34 : 0;
}

/* `[::1]:80`, `[::]%eth0:80`, `[127.0.0.1]:80`. */
static int weigh_bracketed(const struct place *place, struct typed *typed) {
    const char *close = strchr(place->at, ']');
    struct span port = {place->at, 0};
    if (*place->at != '[' || close == NULL)
        return 0;
    size_t size = (size_t)(close + 1 - place->at);
    if (close[1] == '%')
        size += 1 + strcspn(close + 2, ": \t\n");
    struct span host = span_of(place->at, size);
    struct span inside = span_of(place->at + 1, (size_t)(close - place->at - 1));
    if (span_begins(inside, "v1.")) /* CUPS */
        inside = span_from(inside, 3);
    if ((span_family(inside) == 0 && !span_is(inside, "-") && !span_is(inside, "undef")) ||
        !forms_host(host, typed))
        return 0;
    int weight = port_behind(place->at + size, &port);
    return place_set_port(port, typed) ? weight : 0;
}

/* Returns whether the place is behind `::ffff:` and the like. */
static bool is_in_ipv6(const struct place *place) {
    size_t colons = 0;
    for (const char *at = place->at; at > place->line.text; at--) {
        if (at[-1] != ':' && !isxdigit((unsigned char)at[-1]))
            return colons > 1 && at[-1] == '[';
        colons += at[-1] == ':';
    }
    return colons > 1;
}

/* `127.0.0.1:80`, `:::80`, `::1#53`, `0.0.0.0 port 25`. */
static int weigh_address(const struct place *place, struct typed *typed) {
    size_t size = address_size(place->at);
    struct span port = {place->at, 0};
    if (size < 3 || place_is_word_byte(place_before(place)) ||
        strchr(".-", place_before(place)) != NULL)
        return 0;
    bool inside = is_in_ipv6(place) ||
                  (place->at - place->start > 1 && isdigit((unsigned char)place->at[-2]) &&
                   !place_follows(place, "ipv4:|ipv6:|tcp4:|tcp6:|udp4:|udp6:")); /* gRPC */
    if (place_before(place) == ':' && (inside || strspn(place->at, "0123456789.") < 7))
        return 0; /* in the midst of an address */
    for (const char *end = place->at + size; end > place->at + 1; end--) {
        struct span host = span_of(place->at, (size_t)(end - place->at));
        bool separated = end == place->at + size || *end == ':' || *end == '.';
        if (!separated || span_family(host) == 0)
            continue;
        int weight = port_behind(end, &port);
        if (weight > 0) {
            span_copy(host, typed->host, sizeof typed->host);
            place_set_port(port, typed);
            return weight;
        }
    }
    return 0;
}

/* `*:80`, `*%eth0:80`, `*.80`, `:80`, `* port 1812`, `any:80`, `null:80`. */
static int weigh_any(const struct place *place, struct typed *typed) {
    static const char *const words[] = {"*", "+", "any", "null", "undefined", "all"};
    struct span port = {place->at, 0};
    if (!place_starts_word(place) && place_before(place) != ':')
        return 0;
    bool behind_key = (place_before(place) == '"' || place_before(place) == '\'') &&
                      place->at - place->start > 1 && place_is_word_byte(place->at[-2]);
    if (behind_key) /* "port":80 */
        return 0;
    if (*place->at == ':' && (place_starts_word(place) || place->at[-1] == ':')) {
        bool udp_or_tcp = place_before(place) == ':'; /* qemu: tcp::1234 */
        if (udp_or_tcp && !place_after(place, "tcp:|udp:"))
            return 0;
        struct span digits = place_port(place->at + 1);
        if (digits.size < 2 && !place_after(place, "tcp|udp")) /* the display of X11 and VNC */
            return 0;
        return place_set_port(digits, typed) ? 50 : 0;
    }
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        size_t size = strlen(words[i]);
        if (strncasecmp(place->at, words[i], size) != 0)
            continue;
        if (place->at[size] == '%')
            size += 1 + strcspn(place->at + size + 1, ": \t\n");
        if (place->at[size] != ':' && *place->at != '*')
            continue;
        int weight = port_behind(place->at + size, &port);
        if (weight > 0 && forms_host(span_of(place->at, size), typed) &&
            place_set_port(port, typed))
            return weight - 5;
    }
    return 0;
}

/* --- other notations of addresses --- */

const char *numbers_erlang(const char *at, char *host, size_t room) {
    unsigned long number[8];
    size_t count = 0, used = 0;
    if (*at++ != '{')
        return NULL;
    for (char *end; count < 8; at = end + 1 + strspn(end + 1, " \t\r\n")) {
        at += strspn(at, " \t\r\n");
        if (!isdigit((unsigned char)*at))
            return NULL;
        number[count++] = strtoul(at, &end, 10);
        end += strspn(end, " \t\r\n");
        if (*end == '}') {
            at = end + 1;
            break;
        }
        if (*end != ',')
            return NULL;
    }
    if (at[-1] != '}' || (count != 4 && count != 8))
        return NULL;
    for (size_t i = 0; i < count && used < room; i++)
        used += (size_t)snprintf(host + used, room - used, count == 4 ? "%s%lu" : "%s%lx",
                                 i == 0       ? ""
                                 : count == 4 ? "."
                                              : ":",
                                 number[i]);
    return at;
}

/* `{acceptor,{0,0,0,0},5671}` */
static int weigh_erlang(const struct place *place, struct typed *typed) {
    char host[64];
    const char *end = numbers_erlang(place->at, host, sizeof host);
    if (end == NULL || *end != ',')
        return 0;
    end += 1 + strspn(end + 1, " \t\r\n");
    bool all_zero = strspn(host, "0:.") == strlen(host);
    snprintf(typed->host, sizeof typed->host, "%s",
             all_zero && strchr(host, ':') != NULL ? "::" : host);
    return place_set_port(place_port(end), typed) ? 60 : 0;
}

/* `('127.0.0.1', 80)`, `("::", 80, 0, 0)`, `(*, 143)`, `(ipv4,127.0.0.1,80)`. */
static int weigh_tuple(const struct place *place, struct typed *typed) {
    if (*place->at != '(' && *place->at != ',' && *place->at != '[')
        return 0;
    const char *at = place->at + 1;
    bool quoted = *at == '\'' || *at == '"';
    at += quoted;
    struct span host = span_of(at, strcspn(at, "'\",() \t\n"));
    if (at[host.size] == '\0')
        return 0;
    at += host.size;
    if (quoted && *at != '\'' && *at != '"')
        return 0;
    at += quoted;
    if (*at != ',' ||
        (!quoted && span_family(host) == 0 && !span_is(host, "*") &&
         (*place->at != '(' || strchr(span_is_host(host) ? host.text : "", '.') == NULL)))
        return 0;
    at += 1 + strspn(at + 1, " '\"");
    if (!forms_host(host, typed) || place_port(at).size == 0)
        return 0;
    place_set_port(place_port(at), typed);
    return 58;
}

/* strace(1): `{sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("127.0.0.1")}`. */
static int weigh_sockaddr(const struct place *place, struct typed *typed) {
    if (strncmp(place->at, "{sa_family=AF_", 14) != 0)
        return 0;
    struct span all = span_of(place->at, strcspn(place->at, "}\n"));
    const char *path = memmem(all.text, all.size, "sun_path=", 9);
    if (path != NULL) {
        path += 9;
        bool abstract = *path == '@';
        path += abstract;
        struct span name = span_of(path + 1, strcspn(path + 1, "\"\n"));
        if (*path != '"' || name.size + 1 >= sizeof typed->path)
            return 0;
        typed->protocol = TYPED_UNIX;
        typed->path[0] = '@';
        span_copy(name, typed->path + abstract, sizeof typed->path - 1);
        return 90;
    }
    const char *port = memmem(all.text, all.size, "htons(", 6);
    const char *host = memmem(all.text, all.size, "inet_addr(\"", 11);
    if (host == NULL)
        host = memmem(all.text, all.size, "AF_INET6, \"", 11);
    if (port == NULL || host == NULL || !place_set_port(place_port(port + 6), typed))
        return 0;
    host += 11;
    span_copy(span_of(host, strcspn(host, "\"\n")), typed->host, sizeof typed->host);
    const char *zone = memmem(all.text, all.size, "if_nametoindex(\"", 16);
    if (zone != NULL && strlen(typed->host) + IF_NAMESIZE < sizeof typed->host) {
        strcat(typed->host, "%");
        span_copy(span_of(zone + 16, strcspn(zone + 16, "\"\n")), typed->host + strlen(typed->host),
                  IF_NAMESIZE);
    }
    return 90;
}

/* --- all of them --- */

int numbers_weigh(const struct place *place, struct typed *typed) {
    static place_form *const forms[] = {weigh_sockaddr, weigh_bracketed, weigh_address,
                                        weigh_any,      weigh_erlang,    weigh_tuple};
    return place_heaviest(place, forms, sizeof forms / sizeof forms[0], typed);
}
