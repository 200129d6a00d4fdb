/* System calls that fail: the kernel asks us about each (SECCOMP_RET_USER_NOTIF), so that no
 * library is in between, and a program that traces others is not in the way. Calls of the dynamic
 * loader, and of other programs than the command's, do not fail.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fault/faults.h"

#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438 /* glibc 2.32 */
#endif

/* --- which calls fail, and how --- */

#define CALL(name, error)                                                                          \
    { SYS_##name, error, #name }

const struct call calls[] = {
    CALL(read, EIO),
    CALL(write, EIO),
    CALL(openat, EMFILE),
    CALL(socket, EMFILE),
    CALL(socketpair, EMFILE),
    CALL(pipe2, EMFILE),
    CALL(accept4, EMFILE),
    CALL(epoll_create1, EMFILE),
    CALL(epoll_ctl, ENOMEM),
    CALL(dup, EMFILE),
    CALL(dup3, EMFILE),
    CALL(fcntl, EMFILE),
    CALL(timerfd_create, EMFILE),
    CALL(memfd_create, EMFILE),
    CALL(mmap, ENOMEM),
    CALL(clone, EAGAIN),
#ifdef SYS_fork
    CALL(fork, EAGAIN),
#endif
    CALL(clone3, EAGAIN),
    CALL(unshare, ENOMEM),
    CALL(setns, ENOMEM),
    CALL(bind, ENOMEM),
    CALL(listen, ENOMEM),
    CALL(connect, ENOMEM),
    CALL(accept, EMFILE),
    CALL(sendto, ENOBUFS),
    CALL(sendmsg, ENOBUFS),
    CALL(recvfrom, ENOMEM),
    CALL(recvmsg, ENOMEM),
    CALL(getsockopt, ENOMEM),
    CALL(setsockopt, ENOMEM),
    CALL(getsockname, ENOBUFS),
    CALL(getpeername, ENOBUFS),
    CALL(ioctl, ENOMEM),
    CALL(ppoll, ENOMEM),
#ifdef SYS_poll
    CALL(poll, ENOMEM),
#endif
    CALL(getdents64, EIO),
    CALL(readlinkat, EIO),
#ifdef SYS_readlink
    CALL(readlink, EIO),
#endif
#ifdef SYS_newfstatat
    CALL(newfstatat, ENOMEM),
#endif
    CALL(statx, ENOMEM),
    CALL(statfs, EIO),
#ifdef SYS_access
    CALL(access, ENOMEM),
#endif
    CALL(faccessat, ENOMEM),
    CALL(fsync, EIO),
    CALL(pidfd_open, EMFILE),
    CALL(pidfd_getfd, EMFILE),
    CALL(process_vm_readv, ENOMEM),
    CALL(ptrace, EIO),
    CALL(prctl, ENOMEM),
    CALL(mount, ENOMEM),
    CALL(chroot, ENOMEM),
    CALL(fchdir, ENOMEM),
    CALL(setresuid, EAGAIN),
    CALL(setresgid, EAGAIN),
    CALL(setgroups, ENOMEM),
    CALL(capset, ENOMEM),
    CALL(sched_setaffinity, ENOMEM),
    CALL(bpf, ENOMEM),
    CALL(epoll_pwait, ENOMEM),
#ifdef SYS_epoll_wait
    CALL(epoll_wait, ENOMEM),
#endif
    CALL(wait4, EINTR),
    CALL(waitid, EINTR),
    CALL(pwrite64, EIO),
    CALL(lseek, EIO),
    CALL(ftruncate, EIO),
    CALL(fstat, ENOMEM),
    CALL(renameat2, EIO),
    CALL(renameat, EIO),
    CALL(fchmod, EIO),
    CALL(fchown, EIO),
    CALL(linkat, EIO),
    CALL(mkdirat, ENOMEM),
    CALL(shutdown, ENOBUFS),
    CALL(seccomp, ENOMEM),
    CALL(fsopen, ENOMEM),
    CALL(fsmount, EMFILE),
    CALL(open_tree, EMFILE),
    CALL(prlimit64, EPERM),
    CALL(perf_event_open, EMFILE),
};

enum { CALLS = sizeof calls / sizeof calls[0] };
const size_t call_count = CALLS;

static const struct call *find_call(int number) {
    for (size_t i = 0; i < CALLS; i++)
        if (calls[i].number == number)
            return &calls[i];
    return NULL;
}

/* --- the child --- */

/* Asks the kernel to ask about our calls, or with `only` about that one. Returns the descriptor for
 * that. */
static int ask_about(const struct call *only) {
    struct sock_filter code[4 + CALLS + 2];
    unsigned count = only == NULL ? CALLS : 1;
    struct sock_filter *at = code;
    *at++ =
        (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args));
    *at++ = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, CHANNEL, 0, 1);
    *at++ = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    *at++ =
        (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (unsigned i = 0; i < count; i++)
        *at++ = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
                                             (unsigned)(only == NULL ? &calls[i] : only)->number,
                                             (unsigned char)(count - i), 0);
    *at++ = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    *at++ = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
    struct sock_fprog program = {.len = (unsigned short)(at - code), .filter = code};
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
                        &program);
}

/* Hands a descriptor over: descriptor CHANNEL is the one whose calls nobody asks about. */
static bool hand_over(int fd) {
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {.header = {.cmsg_len = CMSG_LEN(sizeof fd),
                            .cmsg_level = SOL_SOCKET,
                            .cmsg_type = SCM_RIGHTS}};
    char byte = 0;
    struct iovec part = {&byte, 1};
    memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof control};
    return sendmsg(CHANNEL, &message, 0) > 0;
}

bool inject_install(const struct run *run) {
    int listener = ask_about(run->only);
    if (listener < 0 || !hand_over(listener))
        return false;
    close(listener);
    return true;
}

/* --- the parent --- */

int inject_take_over(int channel) {
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    char byte;
    struct iovec part = {&byte, 1};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof control};
    int fd = -1;
    if (recvmsg(channel, &message, MSG_CMSG_CLOEXEC) <= 0)
        return -1;
    const struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header != NULL)
        memcpy(&fd, CMSG_DATA(header), sizeof fd);
    return fd;
}

static pid_t known[512]; /* our processes that are past their dynamic loader */
static size_t known_count;

void inject_forget(void) {
    known_count = 0;
}

/* Returns whether this is the command's own program, and past its dynamic loader. */
static bool is_ours(pid_t pid, uint64_t address, const char *program) {
    char path[64], text[512];
    snprintf(path, sizeof path, "/proc/%d/exe", (int)pid);
    ssize_t size = readlink(path, text, sizeof text - 1);
    text[size > 0 ? size : 0] = '\0';
    if (strcmp(text, program) != 0)
        return false;
    for (size_t i = 0; i < known_count; i++)
        if (known[i] == pid)
            return true;
    snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
    FILE *maps = fopen(path, "re");
    bool in_loader = false;
    while (maps != NULL && fgets(text, sizeof text, maps) != NULL) {
        char *dash;
        unsigned long long from = strtoull(text, &dash, 16);
        if (*dash == '-' && address >= from && address < strtoull(dash + 1, NULL, 16))
            in_loader = strstr(text, "/ld-") != NULL;
    }
    if (maps != NULL)
        fclose(maps);
    if (!in_loader && known_count < sizeof known / sizeof known[0])
        known[known_count++] = pid;
    return !in_loader;
}

/* Decides about one call. */
void inject_answer(struct run *run, int listener) {
    struct seccomp_notif asked = {0};
    struct seccomp_notif_resp reply = {0};
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &asked) < 0)
        return;
    const struct call *call = find_call(asked.data.nr);
    reply.id = asked.id;
    reply.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    if (call != NULL && is_ours((pid_t)asked.pid, asked.data.instruction_pointer, run->program)) {
        run->seen++;
        run->seen_of[call - calls]++;
        bool now = run->seen == run->fail;
        if (now)
            run->failed = call;
        if (now || (run->stays && run->failed == call)) {
            reply.flags = 0;
            reply.error = -(run->error != 0 ? run->error : call->error);
        }
    }
    ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &reply);
}
