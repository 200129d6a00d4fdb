/* The table has a row for each set of numbers of the processors that can run on one machine; the
 * set of the machine itself is asked for first. For each set the filter compares the number of the
 * call with those watched. A call that is not watched is allowed after a few instructions that
 * depend on nothing but the number, which lets the kernel remember that (since Linux 5.11) and skip
 * the filter. */
#include "kernel/seccomp.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SECCOMP_FILTER_FLAG_SPEC_ALLOW
#define SECCOMP_FILTER_FLAG_SPEC_ALLOW (1UL << 2) /* <linux/seccomp.h>, Linux 4.17 */
#endif
#ifndef AUDIT_ARCH_RISCV64
#define AUDIT_ARCH_RISCV64 (243 | __AUDIT_ARCH_64BIT | __AUDIT_ARCH_LE) /* EM_RISCV */
#endif
#ifndef AUDIT_ARCH_LOONGARCH64
#define AUDIT_ARCH_LOONGARCH64 (258 | __AUDIT_ARCH_64BIT | __AUDIT_ARCH_LE) /* EM_LOONGARCH */
#endif

/* x32 has the architecture of x86-64, and this bit in its numbers. */
#define X32_BIT 0x40000000U

/* --- the numbers --- */

/* The same on every processor. */
enum { IO_URING_SETUP = 425 };

#define NUMBERS(arch_, bind_, listen_, connect_, sendto_, socketcall_, word_size_)                 \
    {                                                                                              \
        .arch = (arch_),                                                                           \
        .number = {[SOCKET_CALL_BIND] = (bind_),                                                   \
                   [SOCKET_CALL_LISTEN] = (listen_),                                               \
                   [SOCKET_CALL_CONNECT] = (connect_),                                             \
                   [SOCKET_CALL_SENDTO] = (sendto_),                                               \
                   [SOCKET_CALL_RING] = IO_URING_SETUP | ((bind_)&X32_BIT)},                       \
        .socketcall = (socketcall_), .word_size = (word_size_)                                     \
    }

static const struct seccomp_numbers table[] = {
#if defined __x86_64__ || defined __i386__
    NUMBERS(AUDIT_ARCH_X86_64, 49, 50, 42, 44, 0, 0),
    NUMBERS(AUDIT_ARCH_X86_64, 49 | X32_BIT, 50 | X32_BIT, 42 | X32_BIT, 44 | X32_BIT, 0, 0),
    NUMBERS(AUDIT_ARCH_I386, 361, 363, 362, 369, 102, 4),
#elif defined __aarch64__ || defined __arm__
    NUMBERS(AUDIT_ARCH_AARCH64, 200, 201, 203, 206, 0, 0),
    NUMBERS(AUDIT_ARCH_ARM, 282, 284, 283, 290, 0, 0),
#elif defined __s390__
    NUMBERS(AUDIT_ARCH_S390X, 361, 363, 362, 369, 102, 8),
    NUMBERS(AUDIT_ARCH_S390, 361, 363, 362, 369, 102, 4),
#elif defined __powerpc__
    NUMBERS(AUDIT_ARCH_PPC64LE, 327, 329, 328, 335, 102, 8),
    NUMBERS(AUDIT_ARCH_PPC64, 327, 329, 328, 335, 102, 8),
    NUMBERS(AUDIT_ARCH_PPC, 327, 329, 328, 335, 102, 4),
#elif defined __riscv
    NUMBERS(AUDIT_ARCH_RISCV64, 200, 201, 203, 206, 0, 0),
#elif defined __loongarch__
    NUMBERS(AUDIT_ARCH_LOONGARCH64, 200, 201, 203, 206, 0, 0),
#else
#error "the numbers of the socket calls of this processor are missing"
#endif
};

enum { ROWS = sizeof table / sizeof table[0] };

const struct seccomp_numbers *seccomp_numbers(unsigned index) {
    return index < ROWS ? &table[index] : NULL;
}

const char *seccomp_call_name(enum socket_call call) {
    static const char *const names[SOCKET_CALL_COUNT] = {
        [SOCKET_CALL_NONE] = "none",     [SOCKET_CALL_BIND] = "bind",
        [SOCKET_CALL_LISTEN] = "listen", [SOCKET_CALL_CONNECT] = "connect",
        [SOCKET_CALL_SENDTO] = "sendto", [SOCKET_CALL_RING] = "io_uring_setup"};
    return names[call];
}

static enum socket_call multiplexed(uint64_t which) {
    switch ((uint32_t)which) {
    case SECCOMP_NET_BIND:
        return SOCKET_CALL_BIND;
    case SECCOMP_NET_CONNECT:
        return SOCKET_CALL_CONNECT;
    case SECCOMP_NET_LISTEN:
        return SOCKET_CALL_LISTEN;
    case SECCOMP_NET_SENDTO:
        return SOCKET_CALL_SENDTO;
    default:
        return SOCKET_CALL_NONE;
    }
}

enum socket_call seccomp_which(const struct seccomp_call *call, unsigned *word_size) {
    *word_size = 0;
    for (size_t i = 0; i < ROWS; i++) {
        const struct seccomp_numbers *row = &table[i];
        uint32_t number = (uint32_t)call->number;
        if (row->arch != call->arch)
            continue;
        for (unsigned which = SOCKET_CALL_BIND; which < SOCKET_CALL_COUNT; which++)
            if (row->number[which] == number)
                return (enum socket_call)which;
        if (row->socketcall != 0 && row->socketcall == number) {
            *word_size = row->word_size;
            return multiplexed(call->arguments[0]);
        }
    }
    return SOCKET_CALL_NONE;
}

/* --- the filter --- */

/* Where the 32 bits of a value of 64 bits that are not its upper ones begin. */
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
enum { LOW_HALF = 4 };
#else
enum { LOW_HALF = 0 };
#endif

struct filter {
    struct seccomp_instruction *at;
    unsigned count;
};

static void add(struct filter *filter, uint16_t code, uint32_t value, uint8_t yes, uint8_t no) {
    filter->at[filter->count++] = (struct seccomp_instruction){code, yes, no, value};
}

static void load(struct filter *filter, size_t offset) {
    add(filter, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

/* Stops if the loaded value is this one, else goes on. */
static void stop_if(struct filter *filter, uint32_t value) {
    add(filter, BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1);
    add(filter, BPF_RET | BPF_K, SECCOMP_RET_TRACE, 0, 0);
}

static void allow(struct filter *filter) {
    add(filter, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
}

/* A datagram of a connected socket has no address: its fifth argument is NULL. */
static void add_sendto(struct filter *filter, uint32_t number) {
    add(filter, BPF_JMP | BPF_JEQ | BPF_K, number, 0, 4);
    load(filter, offsetof(struct seccomp_data, args[4]) + LOW_HALF);
    add(filter, BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1);
    allow(filter);
    add(filter, BPF_RET | BPF_K, SECCOMP_RET_TRACE, 0, 0);
}

/* Compares the number of the call, which is loaded, with those of a row. The arguments of
 * socketcall(2) are in memory, where the filter cannot look. */
static void add_row(struct filter *filter, const struct seccomp_numbers *row, bool sendto) {
    static const uint32_t calls[] = {SECCOMP_NET_BIND, SECCOMP_NET_CONNECT, SECCOMP_NET_LISTEN};
    for (unsigned which = SOCKET_CALL_BIND; which <= SOCKET_CALL_CONNECT; which++)
        stop_if(filter, row->number[which]);
    stop_if(filter, row->number[SOCKET_CALL_RING]);
    if (sendto)
        add_sendto(filter, row->number[SOCKET_CALL_SENDTO]);
    if (row->socketcall == 0)
        return;
    add(filter, BPF_JMP | BPF_JEQ | BPF_K, row->socketcall, 1, 0);
    allow(filter);
    load(filter, offsetof(struct seccomp_data, args) + LOW_HALF);
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
        stop_if(filter, calls[i]);
    if (sendto)
        stop_if(filter, SECCOMP_NET_SENDTO);
}

/* The rows of one architecture, which stand together. */
unsigned seccomp_program(struct seccomp_instruction *program, bool sendto) {
    struct filter filter = {.at = program};
    for (size_t i = 0; i < ROWS;) {
        uint32_t arch = table[i].arch;
        load(&filter, offsetof(struct seccomp_data, arch));
        unsigned jump = filter.count;
        add(&filter, BPF_JMP | BPF_JEQ | BPF_K, arch, 0, 0);
        load(&filter, offsetof(struct seccomp_data, nr));
        for (; i < ROWS && table[i].arch == arch; i++)
            add_row(&filter, &table[i], sendto);
        allow(&filter);
        program[jump].no = (uint8_t)(filter.count - jump - 1);
    }
    allow(&filter);
    return filter.count;
}

_Static_assert(sizeof(struct seccomp_instruction) == sizeof(struct sock_filter),
               "an instruction is a struct sock_filter");

static int install(const struct sock_fprog *program) {
    return syscall(SYS_seccomp, (long)SECCOMP_SET_MODE_FILTER,
                   (unsigned long)SECCOMP_FILTER_FLAG_SPEC_ALLOW, program) < 0
               ? errno
               : 0;
}

/* Without SECCOMP_FILTER_FLAG_SPEC_ALLOW kernels before 5.16 would slow down the whole program. */
int seccomp_watch_socket_calls(bool sendto) {
    struct seccomp_instruction instructions[SECCOMP_MOST_INSTRUCTIONS];
    struct sock_fprog program = {.len = (unsigned short)seccomp_program(instructions, sendto),
                                 .filter = (struct sock_filter *)instructions};
    int error = install(&program);
    if (error != EACCES)
        return error;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) < 0)
        return errno;
    return install(&program);
}
