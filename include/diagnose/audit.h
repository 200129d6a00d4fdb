/* Settings of this host that can prevent a server from getting its port one day, and settings that
 * do not do what they are set for. */
#ifndef PORTREUSE_DIAGNOSE_AUDIT_H
#define PORTREUSE_DIAGNOSE_AUDIT_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/endpoint.h"
#include "base/memory.h"
#include "base/ports.h"
#include "base/units.h"
#include "inspect/namespaces.h"
#include "inspect/owners.h"
#include "kernel/sysctl.h"
#include "model/socket.h"

/* A port of a server that an outgoing connection, or a UDP client, can take. */
struct audit_port {
    enum protocol protocol; /* TCP or UDP; of a port that only the caller named: TCP */
    uint16_t port;
    bool listening;     /* else only the caller named it */
    struct owner owner; /* the oldest process that listens; pid 0 if none is known */
};

/* An address, on a device or on all of them, on which different programs listen, with
 * SO_REUSEPORT. UDP sockets are not compared: programs that receive multicast share a port on
 * purpose, and each gets all of it. */
struct audit_shared {
    struct endpoint local;
    char device[IF_NAMESIZE]; /* or "" */
    struct owner owners[2];
};

/* A sysctl that does harm, or has no effect on what it is often set for. */
struct audit_setting {
    const char *name;   /* static */
    const char *value;  /* owned by the audit */
    const char *where;  /* the file that sets it, owned by the audit; "" is the running kernel */
    bool harmful;       /* else it only has no effect on what it is often set for */
    const char *words;  /* static: what it does */
    const char *source; /* static: who says so */
};

/* A file or a directory of settings that could not be read. */
struct audit_unread {
    const char *path; /* owned by the audit */
    int error;        /* an errno */
};

/* Begin with all zero except `named`; end with audit_free(). */
struct audit {
    struct port_set named; /* more ports to check: set by the caller */
    struct namespace where;
    const char *failure; /* what could not be done, static, and `error` why; else NULL */
    int error;
    struct port_range range;
    struct port_set wanted;   /* what ip_local_reserved_ports should be */
    struct audit_port *ports; /* in ascending order, TCP first; each is in the range and not
                                 reserved */
    size_t port_count;
    struct audit_shared *shared;
    size_t shared_count;
    struct audit_setting *settings;
    size_t setting_count;
    struct audit_unread *unread;
    size_t unread_count;
    unsigned long default_tw_buckets; /* of tcp_max_tw_buckets on this machine; 0: not known */
    struct kernel_release release;    /* of the running kernel */
    bool is_first_netns; /* the namespace is that of process 1, which sysctl.d(5) is for */
    bool asked_by_root;
    unsigned unseen;            /* processes that could not be looked into */
    const char *owners_missing; /* static: why the processes of some sockets were not found, if not
                                   for `unseen`; else NULL */
    bool from_proc;             /* /proc/net was read instead of sock_diag */
    bool udp_not_seen;          /* which UDP sockets are servers could not be found out */
    struct arena arena;         /* owns the arrays */
};

/* Makes the audit; for another namespace, in a child process. */
void audit_look(const struct namespace *where, struct audit *audit);
void audit_free(struct audit *audit);

/* --- the parts that judge: they make no system call --- */

/* A TCP socket that listens, or a UDP socket whose port was named to bind(), and the oldest process
 * that has it; pid 0 if none is known. */
struct audit_listener {
    struct inet_socket socket;
    struct owner owner;
};

/* Finds the ports in danger and the shared addresses among `count` listeners. `range` and `named`
 * are set. */
void audit_listeners(struct audit *audit, const struct audit_listener *listeners, size_t count);

/* Judges one setting, and adds it to the audit if there is something to say about it. `where` is as
 * in struct audit_setting. (audit_settings.c) */
void audit_setting(struct audit *audit, const char *name, const char *value, const char *where);

/* Judges the settings of a file in the format of sysctl.conf(5). (audit_settings.c) */
void audit_settings_file(struct audit *audit, FILE *file, const char *path);

/* Judges the settings of the running kernel and those of the files that sysctl(8) reads.
 * A running one that exists and cannot be read is a failure. (audit_settings.c) */
void audit_settings(struct audit *audit, struct sysctl_failure *unread);

#endif
