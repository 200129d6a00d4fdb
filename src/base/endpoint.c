#include "base/endpoint.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

/* Parses the part before the last colon, `size` bytes at `text`. */
static const char *parse_host(const char *text, size_t size, struct endpoint_pattern *pattern) {
    char host[INET6_ADDRSTRLEN + 1];
    if (size == 1 && *text == '*') {
        pattern->any_address = true;
        return NULL;
    }
    bool bracketed = size >= 2 && text[0] == '[' && text[size - 1] == ']';
    if (bracketed) {
        text++;
        size -= 2;
    }
    if (size == 0)
        return "an address is missing";
    if (size >= sizeof host)
        return "too long for an address";
    memcpy(host, text, size);
    host[size] = '\0';
    pattern->endpoint.family = bracketed ? AF_INET6 : AF_INET;
    if (inet_pton(pattern->endpoint.family, host, pattern->endpoint.address) == 1)
        return NULL;
    if (bracketed)
        return "not an IPv6 address";
    if (memchr(host, ':', size) != NULL)
        return "write an IPv6 address in brackets: [::1]:80";
    return "not an IPv4 address (names are not looked up)";
}

const char *endpoint_parse(const char *text, struct endpoint_pattern *pattern, const char **at) {
    *pattern = (struct endpoint_pattern){0};
    *at = text;
    const char *colon = strrchr(text, ':'), *bracket = strrchr(text, ']');
    if (colon == NULL || (bracket != NULL && colon < bracket))
        return "the port is missing; write ADDRESS:PORT";
    const char *wrong = parse_host(text, (size_t)(colon - text), pattern);
    if (wrong != NULL)
        return wrong;
    const char *port = *at = colon + 1;
    int64_t number = 0;
    pattern->any_port = strcmp(port, "*") == 0;
    if (!pattern->any_port && (*port == '-' || !units_number(port, 0, UINT16_MAX, &number)))
        return "not a port number (0 to 65535)";
    pattern->endpoint.port = (uint16_t)number;
    return NULL;
}

const char *endpoint_parse_network(const char *text, struct endpoint *address, unsigned *bits) {
    char host[INET6_ADDRSTRLEN + 1] = "";
    size_t size = strcspn(text, "/");
    sa_family_t family = memchr(text, ':', size) != NULL ? AF_INET6 : AF_INET;
    int64_t number = family == AF_INET6 ? 128 : 32;
    *address = (struct endpoint){.family = family};
    if (size < sizeof host)
        memcpy(host, text, size);
    if (inet_pton(family, host, address->address) != 1)
        return "not an address such as 192.0.2.1 or 2001:db8::1/64";
    if (text[size] == '/' && !units_number(text + size + 1, 1, number, &number))
        return family == AF_INET6 ? "the prefix length after '/' must be from 1 to 128"
                                  : "the prefix length after '/' must be from 1 to 32";
    *bits = (unsigned)number;
    return NULL;
}

static const char *text_with_port(const struct endpoint *endpoint, const char *port, char *text) {
    char host[INET6_ADDRSTRLEN];
    if (endpoint->family == 0 ||
        inet_ntop(endpoint->family, endpoint->address, host, sizeof host) == NULL)
        snprintf(text, ENDPOINT_TEXT_SIZE, "-");
    else
        snprintf(text, ENDPOINT_TEXT_SIZE, endpoint->family == AF_INET6 ? "[%s]:%s" : "%s:%s", host,
                 port);
    return text;
}

const char *endpoint_text(const struct endpoint *endpoint, char *text) {
    char port[8];
    snprintf(port, sizeof port, "%u", endpoint->port);
    return text_with_port(endpoint, port, text);
}

const char *endpoint_text_any_port(const struct endpoint *endpoint, char *text) {
    return text_with_port(endpoint, "*", text);
}

static bool same_address(const struct endpoint *a, const struct endpoint *b) {
    return a->family == b->family && memcmp(a->address, b->address, sizeof a->address) == 0;
}

bool endpoint_equal(const struct endpoint *a, const struct endpoint *b) {
    return a->port == b->port && same_address(a, b);
}

bool endpoint_matches(const struct endpoint_pattern *pattern, const struct endpoint *endpoint) {
    if (!pattern->any_port && pattern->endpoint.port != endpoint->port)
        return false;
    if (pattern->any_address || same_address(&pattern->endpoint, endpoint))
        return true;
    struct endpoint plain = endpoint_unmapped(endpoint);
    return same_address(&pattern->endpoint, &plain);
}

bool endpoint_is_mapped(const struct endpoint *endpoint) {
    return endpoint->family == AF_INET6 &&
           memcmp(endpoint->address, mapped_prefix, sizeof mapped_prefix) == 0;
}

struct endpoint endpoint_unmapped(const struct endpoint *endpoint) {
    if (!endpoint_is_mapped(endpoint))
        return *endpoint;
    struct endpoint plain = {.family = AF_INET, .port = endpoint->port};
    memcpy(plain.address, endpoint->address + sizeof mapped_prefix, 4);
    return plain;
}

bool endpoint_is_ipv4(const struct endpoint *endpoint) {
    return endpoint->family == AF_INET || endpoint_is_mapped(endpoint);
}

bool endpoint_same_address(const struct endpoint *a, const struct endpoint *b) {
    struct endpoint left = endpoint_unmapped(a), right = endpoint_unmapped(b);
    return same_address(&left, &right);
}

bool endpoint_is_wildcard(const struct endpoint *endpoint) {
    static const uint8_t zero[16];
    struct endpoint plain = endpoint_unmapped(endpoint);
    return memcmp(plain.address, zero, sizeof zero) == 0;
}

bool endpoint_is_loopback(const struct endpoint *endpoint) {
    static const uint8_t six[16] = {[15] = 1};
    struct endpoint plain = endpoint_unmapped(endpoint);
    return plain.family == AF_INET ? plain.address[0] == 127
                                   : memcmp(plain.address, six, sizeof six) == 0;
}

struct endpoint endpoint_mapped(const struct endpoint *endpoint) {
    struct endpoint mapped = {.family = AF_INET6, .port = endpoint->port};
    mapped.address[10] = mapped.address[11] = 0xff;
    memcpy(mapped.address + 12, endpoint->address, 4);
    return mapped;
}

struct endpoint endpoint_wildcard(sa_family_t family, uint16_t port) {
    return (struct endpoint){.family = family, .port = port};
}

socklen_t endpoint_to_sockaddr(const struct endpoint *endpoint, struct sockaddr_storage *address) {
    *address = (struct sockaddr_storage){.ss_family = endpoint->family};
    if (endpoint->family == AF_INET6) {
        struct sockaddr_in6 *six = (struct sockaddr_in6 *)address;
        six->sin6_port = htons(endpoint->port);
        memcpy(&six->sin6_addr, endpoint->address, sizeof six->sin6_addr);
        return sizeof *six;
    }
    struct sockaddr_in *four = (struct sockaddr_in *)address;
    four->sin_port = htons(endpoint->port);
    memcpy(&four->sin_addr, endpoint->address, sizeof four->sin_addr);
    return sizeof *four;
}

struct endpoint endpoint_from_sockaddr(const struct sockaddr_storage *address) {
    struct endpoint endpoint = {.family = address->ss_family};
    if (address->ss_family == AF_INET6) {
        const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)address;
        endpoint.port = ntohs(six->sin6_port);
        memcpy(endpoint.address, &six->sin6_addr, sizeof six->sin6_addr);
    } else if (address->ss_family == AF_INET) {
        const struct sockaddr_in *four = (const struct sockaddr_in *)address;
        endpoint.port = ntohs(four->sin_port);
        memcpy(endpoint.address, &four->sin_addr, sizeof four->sin_addr);
    } else {
        endpoint.family = 0;
    }
    return endpoint;
}
