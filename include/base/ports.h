/* Sets of ports, and the range from which the kernel chooses local ports. */
#ifndef PORTREUSE_BASE_PORTS_H
#define PORTREUSE_BASE_PORTS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* A set of ports, one bit each. The empty set is all zero bytes. */
struct port_set {
    uint8_t bits[(UINT16_MAX + 1) / 8];
};

static inline bool port_set_has(const struct port_set *set, uint16_t port) {
    return (set->bits[port / 8] & 1U << (port & 7)) != 0;
}

/* Returns whether there is any port in the set. */
bool port_set_any(const struct port_set *set);

/* Returns how many ports are in the set. */
uint32_t port_set_count(const struct port_set *set);

/* Adds a port. Returns whether it is new to the set. */
bool port_set_add(struct port_set *set, uint16_t port);

/* Adds all ports of another set. */
void port_set_add_all(struct port_set *set, const struct port_set *others);

/* Adds the ports of a list in the format of ip_local_reserved_ports (`8080,9148-9150`). Returns
 * false if the text is not such a list. */
bool port_set_parse(const char *text, struct port_set *set);

/* Prints the set as such a list. */
void port_set_print(const struct port_set *set, FILE *out);

struct port_range {
    uint16_t low, high;       /* ip_local_port_range, inclusive */
    struct port_set reserved; /* ip_local_reserved_ports, inside the range and outside it */
    uint32_t reserved_count;  /* how many of them are in the range */
};

/* Counts the reserved ports in the range. */
void port_range_count(struct port_range *range);

/* A range with its reserved ports counted. */
struct port_range port_range(uint16_t low, uint16_t high, const struct port_set *reserved);

/* Returns the part of it that a socket's own range (IP_LOCAL_PORT_RANGE) leaves: a bound counts if
 * it lies in the range (inet_sk_get_local_port_range() in net/ipv4/inet_connection_sock.c). */
struct port_range port_range_narrow(const struct port_range *range, uint16_t low, uint16_t high);

/* Reads the range of a socket as IP_LOCAL_PORT_RANGE takes it, `LOW-HIGH`: with 0 in the place of
 * one of them, the bound of the namespace holds. Returns false if the text is not one. */
bool port_range_parse_own(const char *text, uint16_t *low, uint16_t *high);

/* Returns whether the kernel may choose the port: it is in the range and not reserved. */
bool port_range_has(const struct port_range *range, uint16_t port);

/* Returns how many ports of the range are not reserved. */
uint32_t port_range_size(const struct port_range *range);

#endif
