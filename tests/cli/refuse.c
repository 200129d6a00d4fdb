/* refuse WHAT COMMAND...: runs the command in surroundings that refuse something.
 *
 *   seccomp   unshare() of namespaces answers EPERM, as under Docker's default profile
 *   userns    no further user namespace may be made (user.max_user_namespaces=0), and no capability
 *             is left that would do without one; this needs a user namespace itself
 *   netlink   a socket of AF_NETLINK answers EPROTONOSUPPORT, as where there is no sock_diag
 *   ipv6      a socket of AF_INET6 answers EAFNOSUPPORT, as with ipv6.disable=1
 *   ptrace    ptrace() answers EPERM, as in a container without the right to it
 *   pidfd     pidfd_getfd() answers ENOSYS, as before Linux 5.6
 *   memory    getsockopt() answers ENOMEM, as where there is no memory left
 *   reading   process_vm_readv() answers ENOSYS, as where the kernel was built without it
 *   filter    seccomp() answers EINVAL, as where the kernel was built without filters
 *   bpf       bpf() answers EPERM, as in a container without the right to it
 *   no-bpf    bpf() answers ENOSYS, as where the kernel was built without it
 *   old-bpf   bpf() answers EINVAL, as a kernel that does not know the kind of map
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PIDFD_GETFD = 438 }; /* the same number on every processor */

static void fail(const char *what) {
    fprintf(stderr, "refuse: %s: %s\n", what, strerror(errno));
    exit(99);
}

/* Has one system call answer `error` when its first argument meets the test, and lets all others
 * through. `jump` compares the argument with `value`. */
static void refuse_call(unsigned number, unsigned jump, unsigned value, unsigned error) {
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
        BPF_JUMP(BPF_JMP | jump | BPF_K, value, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof code / sizeof code[0], code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
        fail("a seccomp filter");
}

static void write_file(const char *path, const char *text) {
    int file = open(path, O_WRONLY);
    if (file < 0 || write(file, text, strlen(text)) < 0)
        fail(path);
    close(file);
}

static void refuse_user_namespaces(void) {
    char map[32];
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {{0}};
    snprintf(map, sizeof map, "1000 %u 1", (unsigned)geteuid());
    if (unshare(CLONE_NEWUSER) < 0)
        fail("a user namespace to refuse them in");
    write_file("/proc/self/uid_map", map);
    write_file("/proc/sys/user/max_user_namespaces", "0");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || syscall(SYS_capset, &header, none) < 0)
        fail("giving up capabilities");
}

int main(int argc, char **argv) {
    if (argc < 3) {
        fputs("usage: refuse seccomp|userns|netlink COMMAND...\n", stderr);
        return 99;
    }
    if (strcmp(argv[1], "seccomp") == 0)
        refuse_call(SYS_unshare, BPF_JSET, CLONE_NEWNET | CLONE_NEWUSER, EPERM);
    else if (strcmp(argv[1], "netlink") == 0)
        refuse_call(SYS_socket, BPF_JEQ, AF_NETLINK, EPROTONOSUPPORT);
    else if (strcmp(argv[1], "ipv6") == 0)
        refuse_call(SYS_socket, BPF_JEQ, AF_INET6, EAFNOSUPPORT);
    else if (strcmp(argv[1], "ptrace") == 0)
        refuse_call(SYS_ptrace, BPF_JGE, 0, EPERM);
    else if (strcmp(argv[1], "pidfd") == 0)
        refuse_call(PIDFD_GETFD, BPF_JGE, 0, ENOSYS);
    else if (strcmp(argv[1], "memory") == 0)
        refuse_call(SYS_getsockopt, BPF_JGE, 0, ENOMEM);
    else if (strcmp(argv[1], "reading") == 0)
        refuse_call(SYS_process_vm_readv, BPF_JGE, 0, ENOSYS);
    else if (strcmp(argv[1], "filter") == 0)
        refuse_call(SYS_seccomp, BPF_JGE, 0, EINVAL);
    else if (strcmp(argv[1], "bpf") == 0)
        refuse_call(SYS_bpf, BPF_JGE, 0, EPERM);
    else if (strcmp(argv[1], "no-bpf") == 0)
        refuse_call(SYS_bpf, BPF_JGE, 0, ENOSYS);
    else if (strcmp(argv[1], "old-bpf") == 0)
        refuse_call(SYS_bpf, BPF_JGE, 0, EINVAL);
    else
        refuse_user_namespaces();
    execvp(argv[2], argv + 2);
    fail(argv[2]);
}
