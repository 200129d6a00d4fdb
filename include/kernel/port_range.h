/* The ports from which the kernel chooses for itself. */
#ifndef PORTREUSE_KERNEL_PORT_RANGE_H
#define PORTREUSE_KERNEL_PORT_RANGE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* A set of ports, bit by bit; all zero is the empty one. */
struct port_set {
    uint8_t bits[(UINT16_MAX + 1) / 8];
};

bool port_set_has(const struct port_set *set, uint16_t port);

/* Adds a port; whether it was not there yet. */
bool port_set_add(struct port_set *set, uint16_t port);

struct port_range {
    uint16_t low, high;       /* ip_local_port_range, both included */
    struct port_set reserved; /* ip_local_reserved_ports: those of the range that are left alone */
    uint32_t reserved_count;  /* of them, within the range */
};

/* Reads both sysctls of the present network namespace. What cannot be read is taken to be the
 * kernel's default: 32768 to 60999, nothing reserved. */
struct port_range port_range_read(void);

bool port_range_has(const struct port_range *range, uint16_t port);

/* How many ports of the range are not reserved. */
uint32_t port_range_size(const struct port_range *range);

/* Adds the ports of a list as ip_local_reserved_ports has it (`8080,9148-9150`) to the set. False
 * if it is no such list. */
bool port_set_parse(const char *text, struct port_set *set);

/* Prints the set as such a list. */
void port_set_print(const struct port_set *set, FILE *out);

#endif
