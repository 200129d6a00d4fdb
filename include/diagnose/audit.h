/* What of this host's settings will one day keep a port from a server, and settings that do not do
 * what they are set for. */
#ifndef PORTREUSE_DIAGNOSE_AUDIT_H
#define PORTREUSE_DIAGNOSE_AUDIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/endpoint.h"
#include "base/ports.h"
#include "inspect/namespaces.h"
#include "inspect/owners.h"

enum { AUDIT_PORTS = 64, AUDIT_SHARED = 16, AUDIT_SETTINGS = 24, AUDIT_WHERE_SIZE = 96 };

/* A port that an outgoing connection can take from its server. */
struct audit_port {
    uint16_t port;
    bool listening;     /* else it was named by the caller alone */
    struct owner owner; /* the oldest process that listens; pid 0 if none is known */
};

/* An address on which programs of different names listen, by SO_REUSEPORT. */
struct audit_shared {
    struct endpoint local;
    struct owner owners[2];
};

/* A sysctl that does nothing, or harm. */
struct audit_setting {
    const char *name; /* static */
    char value[32];
    char where[AUDIT_WHERE_SIZE]; /* the file that sets it; "" is the running kernel */
    bool harmful;                 /* else it only does not do what it is often set for */
    const char *words;            /* static: what it does */
    const char *source;           /* static: who says so */
};

struct audit {
    struct namespace place;
    const char *failure; /* what could not be done, static; `error` is why; else NULL */
    int error;
    struct port_set named; /* ports that the caller wants to be looked at, too */
    struct port_range range;
    struct port_set wanted;               /* what ip_local_reserved_ports should be */
    uint32_t endangered;                  /* ports in the range that are not reserved */
    struct audit_port ports[AUDIT_PORTS]; /* the lowest of them */
    unsigned port_count;
    struct audit_shared shared[AUDIT_SHARED];
    unsigned shared_count;
    struct audit_setting settings[AUDIT_SETTINGS];
    unsigned setting_count;
    unsigned unseen; /* processes that could not be looked into */
};

/* Looks; in another namespace a child process does it. Of `audit`, `named` is set by the caller. */
void audit_look(const struct namespace *place, struct audit *audit);

/* Judges the settings that files of sysctl(8) make, and those of the running kernel.
 * (audit_settings.c) */
void audit_settings(struct audit *audit);

#endif
