#include "inspect/apart.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* What parent and child share; the data lie behind it. */
struct shared {
    bool done;
    int error;
    const char *what;
    _Alignas(max_align_t) unsigned char data[];
};

/* Goes where the work is to be done. Returns 0 or an errno. */
static int go(const struct apart *apart, const char **what) {
    if (apart->place != NULL) {
        *what = "entering the network namespace";
        int error = netns_place_join(apart->place);
        if (error != 0)
            return error;
    }
    *what = "taking another user id";
    return apart->other_user && setresuid(apart->uid, apart->uid, apart->uid) < 0 ? errno : 0;
}

static void run_child(const struct apart *apart, apart_work *work, struct shared *shared,
                      pid_t parent) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    shared->error = go(apart, &shared->what);
    /* Taking a user id clears that. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (shared->error == 0)
        work(shared->data);
    shared->done = true;
    _exit(0);
}

int apart_run(const struct apart *apart, apart_work *work, void *data, size_t size,
              const char **what) {
    size_t whole = sizeof(struct shared) + size;
    *what = "making a process";
    struct shared *shared =
        mmap(NULL, whole, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return errno;
    memcpy(shared->data, data, size);
    pid_t parent = getpid(), child = fork();
    if (child == 0)
        run_child(apart, work, shared, parent);
    int error = child < 0 ? errno : 0;
    while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
        continue;
    if (child > 0) {
        error = shared->done ? shared->error : ECHILD;
        *what = shared->done ? shared->what : "the look itself, which ended early,";
    }
    if (error == 0)
        memcpy(data, shared->data, size);
    munmap(shared, whole);
    return error;
}
