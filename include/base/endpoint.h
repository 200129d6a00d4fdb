/* An endpoint: an IPv4 or IPv6 address and a TCP port. */
#ifndef PORTREUSE_BASE_ENDPOINT_H
#define PORTREUSE_BASE_ENDPOINT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct endpoint {
    sa_family_t family;  /* AF_INET, AF_INET6, or 0 for no endpoint */
    uint16_t port;       /* host order */
    uint8_t address[16]; /* network order; AF_INET uses the first four bytes, the rest are 0 */
};

/* An endpoint as a person writes it: `127.0.0.1:80`, `[::1]:80`, `*:80`, `[::1]:*`. */
struct endpoint_pattern {
    struct endpoint endpoint; /* family 0 if any_address is set */
    bool any_address;         /* the address was `*` */
    bool any_port;            /* the port was `*` */
};

/* Parses all of `text` into `pattern`. Returns NULL, or a static error message; `*at` then points
 * to the part of `text` that is wrong. */
const char *endpoint_parse(const char *text, struct endpoint_pattern *pattern, const char **at);

/* Parses an address without a port, `192.0.2.1` or `2001:db8::1/64`, and its prefix length, which
 * is the whole address if none is given. Returns NULL, or a static error message. */
const char *endpoint_parse_network(const char *text, struct endpoint *address, unsigned *bits);

enum { ENDPOINT_TEXT_SIZE = 64 };

/* Writes `127.0.0.1:80` or `[::1]:80`; returns `text`, which has ENDPOINT_TEXT_SIZE bytes.
 * An endpoint of no family is written as `-`. */
const char *endpoint_text(const struct endpoint *endpoint, char *text);

/* The same with `*` for the port: `127.0.0.1:*`. */
const char *endpoint_text_any_port(const struct endpoint *endpoint, char *text);

bool endpoint_equal(const struct endpoint *a, const struct endpoint *b);

/* Returns whether the pattern matches this endpoint. An IPv4 pattern also matches the IPv4-mapped
 * IPv6 address (::ffff:127.0.0.1) that an IPv6 socket uses for the same address. */
bool endpoint_matches(const struct endpoint_pattern *pattern, const struct endpoint *endpoint);

/* Returns whether the address is a wildcard: 0.0.0.0, ::, or ::ffff:0.0.0.0. */
bool endpoint_is_wildcard(const struct endpoint *endpoint);

/* Returns whether the address is one of loopback: 127.0.0.0/8, also IPv4-mapped, or ::1. */
bool endpoint_is_loopback(const struct endpoint *endpoint);

/* Returns whether the address is an IPv4-mapped IPv6 address. */
bool endpoint_is_mapped(const struct endpoint *endpoint);

/* Returns whether it is an address of IPv4, mapped or not. */
bool endpoint_is_ipv4(const struct endpoint *endpoint);

/* Returns whether the addresses are the same, mapped or not, whatever the ports. */
bool endpoint_same_address(const struct endpoint *a, const struct endpoint *b);

/* Returns the same endpoint with an IPv4-mapped address converted to IPv4. */
struct endpoint endpoint_unmapped(const struct endpoint *endpoint);

/* Returns the IPv4 endpoint as an IPv4-mapped address of IPv6. */
struct endpoint endpoint_mapped(const struct endpoint *endpoint);

/* Returns the wildcard address of `family` with `port`. */
struct endpoint endpoint_wildcard(sa_family_t family, uint16_t port);

/* Convert to and from the kernel's form. endpoint_to_sockaddr() returns the length of the address.
 */
socklen_t endpoint_to_sockaddr(const struct endpoint *endpoint, struct sockaddr_storage *address);
struct endpoint endpoint_from_sockaddr(const struct sockaddr_storage *address);

#endif
