/* An endpoint: an address and a port of TCP, IPv4 or IPv6. */
#ifndef PORTREUSE_BASE_ENDPOINT_H
#define PORTREUSE_BASE_ENDPOINT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct endpoint {
    sa_family_t family;  /* AF_INET, AF_INET6, or 0: no endpoint */
    uint16_t port;       /* host order */
    uint8_t address[16]; /* network order; AF_INET uses the first four bytes, the others are 0 */
};

/* An endpoint as a person writes it: `127.0.0.1:80`, `[::1]:80`, `*:80`, `[::1]:*`. */
struct endpoint_pattern {
    struct endpoint endpoint; /* family 0 where any_address holds */
    bool any_address;         /* the address was `*` */
    bool any_port;            /* the port was `*` */
};

/* Parses `text`, all of it, into `pattern`. Returns NULL, or what is wrong with it, static; `*at`
 * is then the place in `text` that is wrong. */
const char *endpoint_parse(const char *text, struct endpoint_pattern *pattern, const char **at);

/* Parses an address without a port, `192.0.2.1` or `2001:db8::1/64`, and how many bits of it are
 * the network: all, unless told. Returns NULL, or what is wrong with it, static. */
const char *endpoint_parse_network(const char *text, struct endpoint *address, unsigned *bits);

enum { ENDPOINT_TEXT_SIZE = 64 };

/* Writes `127.0.0.1:80` or `[::1]:80`; returns `text`, which has ENDPOINT_TEXT_SIZE bytes.
 * An endpoint of no family is written as `-`. */
const char *endpoint_text(const struct endpoint *endpoint, char *text);

/* The same with the port left open: `127.0.0.1:*`. */
const char *endpoint_text_any_port(const struct endpoint *endpoint, char *text);

bool endpoint_equal(const struct endpoint *a, const struct endpoint *b);

/* Whether the pattern names this endpoint. An IPv4 pattern also names the IPv4-mapped IPv6 address
 * (::ffff:127.0.0.1) by which an IPv6 socket knows the same place. */
bool endpoint_matches(const struct endpoint_pattern *pattern, const struct endpoint *endpoint);

/* Whether the address is the wildcard of its family: 0.0.0.0, ::, or ::ffff:0.0.0.0. */
bool endpoint_is_wildcard(const struct endpoint *endpoint);

/* Whether it is an IPv4-mapped IPv6 address. */
bool endpoint_is_mapped(const struct endpoint *endpoint);

/* The same endpoint with an IPv4-mapped address turned into the IPv4 address. */
struct endpoint endpoint_unmapped(const struct endpoint *endpoint);

/* The wildcard address of `family`, with `port`. */
struct endpoint endpoint_wildcard(sa_family_t family, uint16_t port);

/* To and from the kernel's form. _to_sockaddr returns the length that goes with it. */
socklen_t endpoint_to_sockaddr(const struct endpoint *endpoint, struct sockaddr_storage *address);
struct endpoint endpoint_from_sockaddr(const struct sockaddr_storage *address);

#endif
