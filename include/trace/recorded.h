/* What is kept of a traced call, and of what is remarkable about a traced program. */
#ifndef PORTREUSE_TRACE_RECORDED_H
#define PORTREUSE_TRACE_RECORDED_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "diagnose/why_call.h"
#include "inspect/owner.h"
#include "kernel/seccomp.h"

/* The socket of a call, as it is right behind it. */
struct recorded_socket {
    bool known;  /* it could be looked at; otherwise only `protocol` may be known: */
    int error;   /* not known: the errno, if that was for want of memory or descriptors; else 0 */
    bool partly; /* `device` to `no_port`, and the range of ports, could not be looked at */
    bool protocol_known;
    enum protocol protocol;
    int type; /* SOCK_STREAM, ... */
    struct socket_view view;
    char device[IF_NAMESIZE]; /* SO_BINDTODEVICE, or "" */
    bool freebind, no_port;   /* IP_FREEBIND, IP_BIND_ADDRESS_NO_PORT */
    bool nonblocking;
};

/* An option that was set after bind(), when it has no effect any more; a set. */
enum { LATE_REUSEADDR = 1, LATE_REUSEPORT = 2 };

/* A call, or several that are alike. */
struct recorded_call {
    enum socket_call call;
    int error;             /* 0: it succeeded */
    pid_t process, parent; /* of the first one */
    char program[OWNER_PROGRAM_SIZE], parent_program[OWNER_PROGRAM_SIZE];
    struct endpoint address; /* as given; of listen() that of the socket; family 0: a Unix socket */
    struct unix_question unix_socket;
    struct recorded_socket socket;
    unsigned late; /* a set of LATE_... */
    uint32_t times;
    struct why *why; /* why it failed; NULL: nothing is to be found out, or there were too many */
    bool conflict;   /* it failed because other sockets have the port, or all ports */
    /* The process was not stopped: */
    bool afterwards;   /* it was looked for the reason ... */
    uint64_t after_ns; /* ... until so long after the call */
    bool gone;         /* the process had ended before */
    bool too_late;     /* it was not looked, as that was too long ago */
};

/* What is remarkable. */
enum finding_kind {
    FINDING_PORT_IN_RANGE,      /* a server's port that an outgoing connection can take */
    FINDING_NO_REUSEADDR,       /* a listener without it: TIME-WAIT keeps it from restarting */
    FINDING_ERROR_IGNORED,      /* bind() failed, and the program went on with the socket */
    FINDING_LISTENER_INHERITED, /* another program was executed with the listener open */
    FINDING_LATE_OPTION,        /* an option was set after bind() */
    FINDING_PRIVILEGES_LOST, /* a setuid program that runs without root's rights, as it is traced */
    FINDING_IO_URING,        /* calls that the program makes through io_uring are not seen */
    FINDING_KINDS,
};

struct finding {
    enum finding_kind kind;
    enum protocol protocol;
    struct endpoint address;
    pid_t process;
    char program[OWNER_PROGRAM_SIZE];
    char other[OWNER_PROGRAM_SIZE]; /* FINDING_LISTENER_INHERITED: the program that has it too */
    int error;                      /* FINDING_ERROR_IGNORED */
    uint16_t range_low, range_high; /* FINDING_PORT_IN_RANGE */
    uint32_t times;
};

#endif
