#include "engine/program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/memory.h"
#include "diagnose/why_call.h"
#include "engine/protocol.h"
#include "kernel/ptrace.h"
#include "trace/look.h"
#include "trace/tracer.h"

struct program_log *program_log_new(void) {
    void *log = mmap(NULL, sizeof(struct program_log), PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return log == MAP_FAILED ? NULL : log;
}

/* --- the tracer --- */

struct watch {
    struct program_log *log;
    pid_t program;
};

/* Finds out what was in the way, while the process is stopped behind its call. Returns the index of
 * the evidence, or -1. */
static int find_evidence(struct program_log *log, const struct traced_call *call,
                         const struct recorded_call *recorded) {
    struct why_call question = {.call = seccomp_call_name(call->call),
                                .error = call->error,
                                .process = call->process,
                                .protocol = recorded->socket.protocol,
                                .address = recorded->address,
                                .socket = recorded->socket.view,
                                .network = -1};
    bool has_port = call->error == EADDRINUSE || call->error == EADDRNOTAVAIL;
    if (!has_port || log->evidence_count == PROGRAM_EVIDENCE || !why_call_has_cause(&question))
        return -1;
    struct arena arena = {0};
    struct why *why = arena_alloc(&arena, sizeof *why);
    why_call_look(&question, why);
    int index = why->verdict == WHY_REFUSED ? (int)log->evidence_count++ : -1;
    if (index >= 0) {
        struct evidence *evidence = &log->evidence[index];
        *evidence = why->evidence;
        evidence->cause = why->cause;
        evidence->words = why->words;
    }
    arena_free(&arena);
    return index;
}

static void note_call(void *context, const struct traced_call *call) {
    struct program_log *log = ((struct watch *)context)->log;
    struct recorded_call recorded = {.call = call->call, .error = call->error};
    char zone[IF_NAMESIZE];
    unsigned count = atomic_load(&log->count);
    if (count == PROGRAM_CALLS)
        return;
    look_at_socket(call, &recorded.socket);
    bool internet = look_at_address(call, &recorded.socket, &recorded, zone) &&
                    (recorded.address.family == AF_INET || recorded.address.family == AF_INET6);
    if (!internet)
        return;
    log->calls[count] = (struct program_call){.call = call->call,
                                              .error = call->error,
                                              .address = recorded.address,
                                              .evidence = find_evidence(log, call, &recorded)};
    atomic_store(&log->count, count + 1);
}

static void note_exec(void *context, pid_t process) {
    const struct watch *watch = context;
    if (process != watch->program || atomic_load(&watch->log->executed))
        return;
    atomic_store(&watch->log->first, atomic_load(&watch->log->count));
    atomic_store(&watch->log->executed, true);
}

_Noreturn void program_watch(struct program_log *log, pid_t program, int channel, int output,
                             pid_t stage) {
    struct watch watch = {log, program};
    struct tracer tracer = {
        .handlers = {.call = note_call, .executed = note_exec, .context = &watch}};
    char byte;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != stage)
        _exit(1);
    int error = protocol_receive(channel, &byte, sizeof byte, 0, NULL);
    if (error == 0)
        error = tracer_take_program(&tracer, program);
    atomic_store(&log->trace_error, error);
    atomic_store(&log->watched, true);
    if (error == 0)
        error = protocol_send(channel, &byte, sizeof byte, output);
    close(channel);
    close(output);
    if (error == 0)
        tracer_run(&tracer);
    tracer_free(&tracer);
    _exit(0);
}

/* --- the role --- */

int program_begin(int channel, int *output) {
    const pid_t anybody = -1; /* PR_SET_PTRACER_ANY */
    char byte = 0;
    ptrace_allow(anybody);
    int error = protocol_send(channel, &byte, sizeof byte, -1);
    if (error == 0)
        error = protocol_receive(channel, &byte, sizeof byte, 0, output);
    return error != 0 ? error : seccomp_watch_socket_calls(false);
}

void program_prepare(int output, struct program_before *before) {
    static const int signals[] = {SIGNAL_STOP, SIGALRM, SIGPIPE};
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    setpgid(0, 0); /* `kill 0` of a program is not meant for the stage */
    const int streams[] = {null, output, output};
    for (int fd = 0; fd < 3; fd++) {
        before->streams[fd] = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        dup2(streams[fd], fd);
    }
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        signal(signals[i], SIG_DFL);
    if (null >= 0)
        close(null);
}

void program_return(const struct program_before *before) {
    setpgid(0, getpgid(getppid()));
    for (int fd = 0; fd < 3; fd++)
        if (before->streams[fd] >= 0) {
            dup2(before->streams[fd], fd);
            close(before->streams[fd]);
        }
}
