/* The list is one of calls that are refused, not of those that are allowed: which calls a C library
 * makes differs from one to the next, and from version to version. It has what could reach beyond
 * the sockets of the process: other processes, mounts and namespaces, modules, tracing, keys. */
#include "kernel/confine.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernel/seccomp.h"

/* --- capabilities --- */

static uint64_t bit(unsigned capability) {
    return 1ULL << capability;
}

static int keep_capabilities(struct confine_needs needs) {
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
    uint64_t kept = bit(CAP_NET_BIND_SERVICE) | bit(CAP_NET_RAW) | bit(CAP_NET_ADMIN);
    if (needs.ids)
        kept |= bit(CAP_SETUID) | bit(CAP_SETGID) | bit(CAP_CHOWN);
    if (needs.files)
        kept |= bit(CAP_DAC_OVERRIDE) | bit(CAP_FOWNER);
    if (syscall(SYS_capget, &head, data) < 0)
        return errno;
    for (unsigned i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
        uint32_t mask = (uint32_t)(kept >> (32 * i));
        data[i].effective &= mask;
        data[i].permitted &= mask;
        data[i].inheritable = 0;
    }
    return syscall(SYS_capset, &head, data) < 0 ? errno : 0;
}

/* --- calls --- */

static const unsigned refused[] = {
#ifdef SYS_mount
    SYS_mount,
#endif
#ifdef SYS_umount2
    SYS_umount2,
#endif
    SYS_pivot_root,
    SYS_chroot,
    SYS_unshare,
    SYS_setns,
    SYS_ptrace,
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    SYS_kcmp,
    SYS_bpf,
    SYS_perf_event_open,
    SYS_init_module,
    SYS_finit_module,
    SYS_delete_module,
    SYS_reboot,
    SYS_swapon,
    SYS_swapoff,
    SYS_acct,
    SYS_quotactl,
#ifdef SYS_settimeofday
    SYS_settimeofday,
#endif
    SYS_sethostname,
    SYS_setdomainname,
    SYS_syslog,
    SYS_add_key,
    SYS_request_key,
    SYS_keyctl,
    SYS_open_by_handle_at,
    SYS_personality,
    SYS_seccomp, /* further filters could hide failures */
#ifdef SYS_kexec_load
    SYS_kexec_load,
#endif
#ifdef SYS_userfaultfd
    SYS_userfaultfd,
#endif
#ifdef SYS_iopl
    SYS_iopl,
    SYS_ioperm,
#endif
    425, /* io_uring_setup, the same everywhere, as all that follow: */
    428, /* open_tree */
    429, /* move_mount */
    430, /* fsopen */
    431, /* fsconfig */
    432, /* fsmount */
    438, /* pidfd_getfd */
    442, /* mount_setattr */
};

enum { REFUSED = sizeof refused / sizeof refused[0] };

_Static_assert(2 * REFUSED + 5 <= CONFINE_MOST_INSTRUCTIONS, "a jump is at most 255 instructions");

/* The architecture whose numbers we know: that of this program. Programs of others for the same
 * processor have other numbers, and are refused as a whole. 0: unknown. */
static uint32_t own_arch(void) {
    const struct seccomp_numbers *row;
#if defined __x86_64__ && !defined __ILP32__
    return AUDIT_ARCH_X86_64;
#elif defined __i386__
    return AUDIT_ARCH_I386;
#elif defined __aarch64__
    return AUDIT_ARCH_AARCH64;
#elif defined __arm__
    return AUDIT_ARCH_ARM;
#else
    row = seccomp_numbers(0);
    return row != NULL && seccomp_numbers(1) == NULL ? row->arch : 0;
#endif
    (void)row;
}

static int by_number(const void *a, const void *b) {
    const unsigned *first = a, *second = b;
    return (*first > *second) - (*first < *second);
}

static struct seccomp_instruction statement(uint16_t code, uint32_t value) {
    return (struct seccomp_instruction){.code = code, .value = value};
}

static struct seccomp_instruction jump(uint16_t condition, uint32_t value, unsigned yes,
                                       unsigned no) {
    return (struct seccomp_instruction){BPF_JMP | condition | BPF_K, (uint8_t)yes, (uint8_t)no,
                                        value};
}

/* Adds a tree of comparisons for `count` numbers in ascending order, 2 * count - 1 instructions. It
 * ends at `allow`, or at the instruction after that one if the number is among them. */
static struct seccomp_instruction *add_tree(struct seccomp_instruction *at, const unsigned *numbers,
                                            unsigned count,
                                            const struct seccomp_instruction *allow) {
    unsigned half = count / 2, to_allow = (unsigned)(allow - at - 1);
    if (count == 1) {
        *at = jump(BPF_JEQ, numbers[0], to_allow + 1, to_allow);
        return at + 1;
    }
    *at = jump(BPF_JGE, numbers[half], 2 * half - 1, 0);
    at = add_tree(at + 1, numbers, half, allow);
    return add_tree(at, numbers + half, count - half, allow);
}

/* A new filter is tried by the kernel with the number of each call, so that those that it always
 * allows do not need it any more (seccomp_cache_prepare() in kernel/seccomp.c). With a list of
 * comparisons this takes most of the time of the installation. */
unsigned confine_program(struct seccomp_instruction *program) {
    enum { HEAD = 4, ALLOW = HEAD + 2 * REFUSED - 1, REFUSE, COUNT };
    const uint32_t x32 = 0x40000000U;
    unsigned numbers[REFUSED];
    uint32_t arch = own_arch();
    if (arch == 0)
        return 0;
    memcpy(numbers, refused, sizeof numbers);
    qsort(numbers, REFUSED, sizeof numbers[0], by_number);
    program[0] = statement(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
    program[1] = jump(BPF_JEQ, arch, 0, REFUSE - 2);
    program[2] = statement(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    program[3] = jump(BPF_JGE, x32, REFUSE - 4, 0);
    add_tree(program + HEAD, numbers, REFUSED, program + ALLOW);
    program[ALLOW] = statement(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    program[REFUSE] = statement(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
    return COUNT;
}

static int refuse_calls(void) {
    struct seccomp_instruction program[CONFINE_MOST_INSTRUCTIONS];
    struct sock_fprog filter = {.len = (unsigned short)confine_program(program),
                                .filter = (struct sock_filter *)program};
    if (filter.len > 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0L, 0L) < 0)
        return errno == EINVAL || errno == ENOSYS ? 0 : errno; /* this kernel has no filters */
    return 0;
}

int confine(struct confine_needs needs) {
    int error = keep_capabilities(needs);
    if (error == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) < 0)
        error = errno;
    return error == 0 ? refuse_calls() : error;
}
