/* A seccomp filter that hands the socket calls of a program to its tracer, and lets all other calls
 * run at full speed.
 *
 * The numbers of the calls depend on the processor, and one program can use several sets of them:
 * x86-64, x32 and i386 on one machine. The filter and seccomp_call() share one table of them.
 */
#ifndef PORTREUSE_KERNEL_SECCOMP_H
#define PORTREUSE_KERNEL_SECCOMP_H

#include <stdbool.h>
#include <stdint.h>

/* The calls that are watched. i386, s390 and others also have socketcall(2), which makes any of
 * them: its first argument says which, its second points to the arguments. */
enum socket_call {
    SOCKET_CALL_NONE,
    SOCKET_CALL_BIND,
    SOCKET_CALL_LISTEN,
    SOCKET_CALL_CONNECT,
    SOCKET_CALL_SENDTO, /* with an address; only if it is asked for */
    SOCKET_CALL_RING,   /* io_uring_setup(): from then on calls can be made that nobody sees */
    SOCKET_CALL_COUNT,
};

/* Returns "bind", "listen", "connect", "sendto" or "io_uring_setup"; static. */
const char *seccomp_call_name(enum socket_call call);

/* A set of numbers, of one kind of programs that this machine can run. */
struct seccomp_numbers {
    uint32_t arch; /* AUDIT_ARCH_... */
    uint32_t number[SOCKET_CALL_COUNT];
    uint32_t socketcall; /* 0: there is none */
    unsigned word_size;  /* of its arguments in memory */
};

/* Returns set `index`, from 0; static; NULL if there are no more. */
const struct seccomp_numbers *seccomp_numbers(unsigned index);

/* The numbers of include/uapi/linux/net.h for socketcall(2). */
enum {
    SECCOMP_NET_BIND = 2,
    SECCOMP_NET_CONNECT = 3,
    SECCOMP_NET_LISTEN = 4,
    SECCOMP_NET_SENDTO = 11
};

/* A system call as the kernel sees it. */
struct seccomp_call {
    uint32_t arch;   /* AUDIT_ARCH_... */
    uint64_t number; /* the tracer gets 64 bits, of which the filter sees 32 */
    uint64_t arguments[6];
};

/* Returns which socket call this is. `*word_size` is the size of a word in memory if the arguments
 * are there, at the address arguments[1] (socketcall(2)); 0 if they are in `arguments`. */
enum socket_call seccomp_which(const struct seccomp_call *call, unsigned *word_size);

/* Installs the filter for the calling process, and all that it forks and executes: a watched call,
 * with `sendto` also a datagram to an address,
 * then stops for the tracer (PTRACE_EVENT_SECCOMP); without a tracer it fails with ENOSYS.
 *
 * An ordinary user must give up that setuid programs raise privileges (PR_SET_NO_NEW_PRIVS);
 * whoever has CAP_SYS_ADMIN keeps that. Returns 0 or an errno: EINVAL where the kernel has no
 * seccomp filters. */
int seccomp_watch_socket_calls(bool sendto);

/* --- for tests --- */

/* One instruction of the filter, struct sock_filter of <linux/filter.h>. */
struct seccomp_instruction {
    uint16_t code;
    uint8_t yes, no;
    uint32_t value;
};

enum { SECCOMP_MOST_INSTRUCTIONS = 96 };

/* Writes the filter to `program`, of SECCOMP_MOST_INSTRUCTIONS; returns its length. */
unsigned seccomp_program(struct seccomp_instruction *program, bool sendto);

#endif
