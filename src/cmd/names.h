/* The names that people use for addresses and ports. /etc/hosts and /etc/services are read here,
 * as the name services of the C library load libraries and may ask the network. */
#ifndef PORTREUSE_CMD_NAMES_H
#define PORTREUSE_CMD_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/endpoint.h"

/* Reads other files than /etc/hosts and /etc/services, for the tests. Borrowed; NULL: those. */
void names_use_files(const char *hosts, const char *services);

/* Finds the port of a service: in /etc/services, else in a small table. `protocol` is "tcp" or
 * "udp". Returns false if nobody knows it. */
bool names_service(const char *name, const char *protocol, uint16_t *port);

/* How a host was found. */
enum names_source {
    NAMES_NOT_FOUND,
    NAMES_LOCALHOST,   /* localhost: 127.0.0.1 and ::1, whatever /etc/hosts says */
    NAMES_HOSTS,       /* in /etc/hosts */
    NAMES_THIS_HOST,   /* the name of this host, which /etc/hosts does not have: no address */
    NAMES_RESOLVER,    /* by getaddrinfo(3), which may have asked the network */
    NAMES_NO_RESOLVER, /* not found, and this build has no getaddrinfo(3) */
};

/* Finds the addresses of a host, at most `most` of them, with port 0, each once. `family` is
 * AF_INET, AF_INET6 or 0 for both. The count is 0 unless it was found. The resolver is given five
 * seconds. */
enum names_source names_host(const char *name, sa_family_t family, struct endpoint *found,
                             size_t most, size_t *count);

#endif
