#include "engine/orphans.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/process.h"

/* Where the kernel does not list children, all processes are visited. */
static bool note_child(void *context, pid_t pid) {
    struct strangers *strangers = context;
    siginfo_t ended;
    if (waitid(P_PID, (id_t)pid, &ended, WEXITED | WNOWAIT | WNOHANG) < 0)
        return true;
    strangers->list = arena_grow(strangers->arena, strangers->list, strangers->count, sizeof pid);
    strangers->list[strangers->count++] = pid;
    return true;
}

void orphans_expect(struct strangers *strangers, struct arena *arena) {
    *strangers = (struct strangers){.arena = arena};
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    process_children(getpid(), note_child, strangers);
}

static bool is_stranger(const struct strangers *strangers, pid_t pid) {
    for (size_t i = 0; i < strangers->count; i++)
        if (strangers->list[i] == pid)
            return true;
    return false;
}

struct reaping {
    const struct strangers *strangers;
    orphans_is_stage *is_stage;
    const void *context;
};

static bool reap(void *context, pid_t pid) {
    const struct reaping *reaping = context;
    if (!is_stranger(reaping->strangers, pid) && !reaping->is_stage(reaping->context, pid))
        waitpid(pid, NULL, 0);
    return true;
}

void orphans_reap(const struct strangers *strangers, orphans_is_stage *is_stage,
                  const void *context) {
    struct reaping reaping = {strangers, is_stage, context};
    process_children(getpid(), reap, &reaping);
}
