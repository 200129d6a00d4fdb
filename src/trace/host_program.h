/* The program in the kernel that sees each bind(), listen() and connect() of the host that fails,
 * and writes down what it was and what its socket was like at that moment. */
#ifndef PORTREUSE_TRACE_HOST_PROGRAM_H
#define PORTREUSE_TRACE_HOST_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include "diagnose/why_call.h"
#include "kernel/bpf.h"
#include "kernel/btf.h"

/* What is read from the structures of the kernel. */
enum host_fact {
    FACT_PARENT, /* of the process */
    FACT_MODE,   /* of the file: whether it is a socket */
    FACT_INODE,
    FACT_FLAGS, /* O_NONBLOCK */
    FACT_FAMILY,
    FACT_TYPE,
    FACT_PROTOCOL,
    FACT_REUSEADDR,
    FACT_REUSEPORT,
    FACT_V6ONLY,
    FACT_PORT,
    FACT_ADDRESS,
    FACT_ADDRESS6, /* 16 bytes */
    FACT_ADDRESS6_LOW,
    FACT_DEVICE,
    FACT_NAMESPACE, /* the inode of the socket's network namespace */
    FACT_USER,
    FACT_STATE,
    FACTS,
};

enum { HOST_OWN_MOST = WHY_CALL_OWN_MOST };

/* A call that has failed, as the program writes it. */
struct host_record {
    uint64_t at_ns; /* of the monotonic clock */
    uint64_t process_and_thread;
    int64_t result;
    uint64_t number;
    uint64_t narrow;      /* 1: it is a call of a 32-bit program */
    uint64_t multiplexed; /* 1: by socketcall(2), with its arguments in `words` */
    uint64_t no_address;  /* not 0: `address` could not be read */
    uint64_t arguments[3];
    uint32_t words[4];
    char program[16]; /* as the kernel calls it, with a NUL */
    char address[128];
    uint64_t facts[FACTS]; /* by host_fact() */
    uint64_t own_count;    /* EADDRINUSE: other sockets of the process that have the port: */
    uint64_t own_facts[HOST_OWN_MOST][FACTS];
};

/* Where the facts are in their 8 bytes. */
struct host_layout {
    struct btf_place facts[FACTS]; /* `bits` 0: this kernel does not have it */
};

/* Writes the program for this kernel, with the maps for records and for the number of records that
 * had no room. Returns 0 or an errno: ENOTSUP for a processor whose calls are not known. */
int host_program_write(struct bpf_code *code, struct host_layout *layout, const struct btf *btf,
                       int ring, int lost);

/* Returns a fact of a record; 0 if this kernel does not have it. */
uint64_t host_fact(const struct host_layout *layout, const uint64_t *facts, enum host_fact fact);

#endif
