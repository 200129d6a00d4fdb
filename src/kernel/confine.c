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

bool confine_refuses(long number) {
    for (size_t i = 0; i < REFUSED; i++)
        if ((long)refused[i] == number)
            return true;
    return false;
}

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

static int refuse_calls(void) {
    const uint32_t x32 = 0x40000000U;
    struct sock_filter code[REFUSED + 8];
    struct sock_filter *at = code;
    uint32_t arch = own_arch();
    if (arch == 0)
        return 0;
    *at++ =
        (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
    *at++ = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, arch, 0, REFUSED + 3);
    *at++ =
        (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    *at++ = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, x32, REFUSED + 1, 0);
    for (unsigned i = 0; i < REFUSED; i++)
        *at++ = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, refused[i],
                                             (uint8_t)(REFUSED - i), 0);
    *at++ = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    *at++ = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
    struct sock_fprog program = {.len = (unsigned short)(at - code), .filter = code};
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0L, 0L) < 0)
        return errno == EINVAL || errno == ENOSYS ? 0 : errno; /* this kernel has no filters */
    return 0;
}

int confine(struct confine_needs needs) {
    int error = keep_capabilities(needs);
    if (error == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) < 0)
        error = errno;
    return error == 0 ? refuse_calls() : error;
}
