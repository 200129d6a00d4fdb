/* The C libraries disagree about the types of ptrace(2) and about what it returns, so the system
 * call is made here. */
#include "kernel/ptrace.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ptrace.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/errnames.h"
#include "base/file.h"
#include "kernel/process.h"

#ifndef PR_SET_PTRACER
#define PR_SET_PTRACER 0x59616d61 /* <linux/prctl.h> */
#endif

/* Returns what the kernel does, or -1 with errno set. */
/* A thread that is not resumed stands still for ever: what says nothing is asked again. */
static long request(long what, pid_t thread, uintptr_t address, uintptr_t data) {
    enum { TRIES = 3 };
    long answer = -1;
    for (int i = 0; i < TRIES && answer < 0 && (i == 0 || errno_says_nothing(errno)); i++)
        answer = syscall(SYS_ptrace, what, (long)thread, address, data);
    return answer;
}

/* --- beginning and end --- */

int ptrace_seize(pid_t thread, bool die_with_us) {
    uintptr_t options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                        PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_TRACESECCOMP |
                        (die_with_us ? PTRACE_O_EXITKILL : 0U);
    return request(PTRACE_SEIZE, thread, 0, options) < 0 ? errno : 0;
}

int ptrace_interrupt(pid_t thread) {
    return request(PTRACE_INTERRUPT, thread, 0, 0) < 0 ? errno : 0;
}

void ptrace_let_go(pid_t thread, int signal) {
    request(PTRACE_DETACH, thread, 0, (uintptr_t)signal);
}

void ptrace_allow(pid_t tracer) {
    prctl(PR_SET_PTRACER, (unsigned long)tracer, 0L, 0L, 0L);
}

/* --- why not --- */

static long number_in(const char *path) {
    char text[16];
    return file_read(path, text, sizeof text) <= 0 ? 0 : strtol(text, NULL, 10);
}

const char *ptrace_explain(pid_t process, int error, char *reason) {
    long yama = number_in("/proc/sys/kernel/yama/ptrace_scope");
    long tracer = process_status(process == 0 ? getpid() : process, "TracerPid");
    if (error == ESRCH)
        snprintf(reason, PTRACE_REASON_SIZE, "there is no such process");
    else if (tracer != 0)
        snprintf(reason, PTRACE_REASON_SIZE,
                 "process %ld, a debugger or tracer, has it: a process can have only one", tracer);
    else if (yama >= 3)
        snprintf(reason, PTRACE_REASON_SIZE,
                 "kernel.yama.ptrace_scope is %ld, which forbids it until the next boot", yama);
    else if (geteuid() != 0 && (yama == 2 || (yama == 1 && process != 0)))
        snprintf(reason, PTRACE_REASON_SIZE,
                 "kernel.yama.ptrace_scope is %ld: run as root, or set it to 0", yama);
    else if (process_status(getpid(), "Seccomp") == 2 || (geteuid() == 0 && error == EPERM))
        snprintf(reason, PTRACE_REASON_SIZE,
                 "the container does not allow it: run it with --cap-add=SYS_PTRACE");
    else if (error == EPERM)
        snprintf(reason, PTRACE_REASON_SIZE,
                 "it belongs to another user, or has more rights: run as root");
    else
        snprintf(reason, PTRACE_REASON_SIZE, "%s", strerror(error));
    return reason;
}

/* --- stops --- */

static pid_t event_message(pid_t thread) {
    unsigned long message = 0;
    return request(PTRACE_GETEVENTMSG, thread, 0, (uintptr_t)&message) < 0 ? 0 : (pid_t)message;
}

static bool stops_processes(int signal) {
    return signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
}

struct ptrace_stop ptrace_read_stop(pid_t thread, int status) {
    struct ptrace_stop stop = {.stop = STOP_OTHER, .status = status};
    if (!WIFSTOPPED(status)) {
        stop.stop = STOP_GONE;
        return stop;
    }
    stop.signal = WSTOPSIG(status);
    switch (status >> 16) {
    case 0:
        stop.stop = stop.signal == (SIGTRAP | 0x80) ? STOP_EXIT : STOP_SIGNAL;
        break;
    case PTRACE_EVENT_SECCOMP:
        stop.stop = STOP_SECCOMP;
        break;
    case PTRACE_EVENT_FORK:
    case PTRACE_EVENT_VFORK:
    case PTRACE_EVENT_CLONE:
        stop.stop = STOP_CHILD;
        stop.other = event_message(thread);
        break;
    case PTRACE_EVENT_EXEC:
        stop.stop = STOP_EXEC;
        stop.other = event_message(thread);
        break;
    case PTRACE_EVENT_STOP:
        stop.stop = stops_processes(stop.signal) ? STOP_GROUP : STOP_OTHER;
        break;
    default:
        break;
    }
    return stop;
}

/* A thread that is killed meanwhile needs no end of its stop. */
static int end_stop(long how, pid_t thread, int signal) {
    return request(how, thread, 0, (uintptr_t)signal) < 0 && errno != ESRCH ? errno : 0;
}

int ptrace_resume(pid_t thread, enum ptrace_until until, int signal) {
    return end_stop(until == UNTIL_CALL ? PTRACE_SYSCALL : PTRACE_CONT, thread, signal);
}

pid_t ptrace_sender(pid_t thread) {
    siginfo_t info;
    if (request(PTRACE_GETSIGINFO, thread, 0, (uintptr_t)&info) < 0)
        return 0;
    return info.si_code == SI_USER || info.si_code == SI_QUEUE || info.si_code == SI_TKILL
               ? info.si_pid
               : 0;
}

int ptrace_listen(pid_t thread) {
    return end_stop(PTRACE_LISTEN, thread, 0);
}

/* --- calls --- */

/* A kernel that knows more fills more, up to the size given. */
static bool call_info(pid_t thread, struct ptrace_syscall_info *info) {
    *info = (struct ptrace_syscall_info){0};
    return request(PTRACE_GET_SYSCALL_INFO, thread, sizeof *info, (uintptr_t)info) > 0;
}

bool ptrace_read_call(pid_t thread, struct seccomp_call *call) {
    struct ptrace_syscall_info info;
    if (!call_info(thread, &info))
        return false;
    bool seccomp = info.op == PTRACE_SYSCALL_INFO_SECCOMP;
    *call = (struct seccomp_call){.arch = info.arch,
                                  .number = seccomp ? info.seccomp.nr : info.entry.nr};
    for (unsigned i = 0; i < 6; i++)
        call->arguments[i] = seccomp ? info.seccomp.args[i] : info.entry.args[i];
    return seccomp || info.op == PTRACE_SYSCALL_INFO_ENTRY;
}

enum stop_kind ptrace_read_result(pid_t thread, int64_t *result) {
    struct ptrace_syscall_info info;
    if (!call_info(thread, &info))
        return STOP_GONE;
    *result = info.exit.rval;
    return info.op == PTRACE_SYSCALL_INFO_EXIT    ? STOP_EXIT
           : info.op == PTRACE_SYSCALL_INFO_ENTRY ? STOP_ENTRY
                                                  : STOP_OTHER;
}

/* For a tracer of 32 bits and a program of 64, and where process_vm_readv(2) is refused. */
static bool read_file(pid_t thread, uint64_t address, void *bytes, size_t size) {
    char path[32];
    snprintf(path, sizeof path, "/proc/%d/mem", (int)thread);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return false;
    bool all = pread64(file, bytes, size, (off64_t)address) == (ssize_t)size;
    close(file);
    return all;
}

bool ptrace_read_memory(pid_t thread, uint64_t address, void *bytes, size_t size) {
    uintptr_t place = (uintptr_t)address;
    struct iovec here = {bytes, size}, there = {NULL, size};
    memcpy(&there.iov_base, &place, sizeof place);
    if (address <= UINTPTR_MAX && process_vm_readv(thread, &here, 1, &there, 1, 0) == (ssize_t)size)
        return true;
    return read_file(thread, address, bytes, size);
}
