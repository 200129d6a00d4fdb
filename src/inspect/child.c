/* The child sends one message through a pipe when its work is done: whether it got where it should
 * go, the data, and everything it wrote besides. A pipe that ends before that is a child that
 * died. */
#include "inspect/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/units.h"
#include "kernel/credentials.h"

enum { GRACE_S = 2 };

/* The head of the message. Parent and child are the same program: `what` is valid in both. */
struct message {
    int error;
    const char *what;
};

/* --- the child --- */

/* Goes where the work is to be done. Only the effective user changes: with a real or saved user ID
 * of its own, the other user could stop or kill this process (kill(2)). */
static struct message go(const struct child *child) {
    struct message message = {0, "entering the network namespace"};
    if (child->where != NULL)
        message.error = namespaces_join(child->where);
    if (message.error == 0 && child->as != 0)
        message = (struct message){credentials_take(child->as, child->files),
                                   "becoming what the process is"};
    if (message.error != 0 || !child->other_user)
        return message;
    message.what = "changing the user ID";
    if (setresuid((uid_t)-1, child->uid, (uid_t)-1) < 0)
        message.error = errno;
    return message;
}

static bool send_all(int pipe, const void *bytes, size_t size) {
    const char *at = bytes;
    while (size > 0) {
        ssize_t sent = write(pipe, at, size);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return false;
        at += sent;
        size -= (size_t)sent;
    }
    return true;
}

static _Noreturn void run_child(const struct child *child, child_work *work, void *data,
                                size_t size, int pipe) {
    char *bytes = NULL;
    size_t length = 0;
    struct message message = go(child);
    /* Changing the user id clears this. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    alarm(child->seconds);
    if (message.error == 0) {
        FILE *more = memory_stream(&bytes, &length);
        work(data, more);
        fclose(more);
    }
    bool sent = send_all(pipe, &message, sizeof message) && send_all(pipe, data, size) &&
                send_all(pipe, bytes, length);
    _exit(sent ? 0 : 1);
}

/* --- the parent --- */

/* Waits until something comes. Returns 0 or an errno: ETIMEDOUT at the deadline. */
static int wait_until(int pipe, uint64_t deadline_ns) {
    struct pollfd waiting = {.fd = pipe, .events = POLLIN};
    for (uint64_t now_ns; (now_ns = units_now_ns()) < deadline_ns;) {
        int ready = poll(&waiting, 1, (int)((deadline_ns - now_ns) / NS_PER_MS + 1));
        if (ready > 0 || (ready < 0 && errno != EINTR))
            return ready > 0 ? 0 : errno;
    }
    return ETIMEDOUT;
}

/* Reads all that comes. Returns 0 or an errno: ETIMEDOUT at the deadline. */
static int receive(int pipe, uint64_t deadline_ns, struct child_bytes *bytes) {
    size_t room = 0;
    for (;;) {
        int error = wait_until(pipe, deadline_ns);
        if (error != 0)
            return error;
        if (bytes->size == room) {
            size_t more = room == 0 ? 4096 : 2 * room;
            char *grown = realloc(bytes->bytes, more);
            if (grown == NULL)
                return ENOMEM;
            bytes->bytes = grown;
            room = more;
        }
        ssize_t got = read(pipe, bytes->bytes + bytes->size, room - bytes->size);
        if (got == 0)
            return 0;
        if (got > 0)
            bytes->size += (size_t)got;
        else if (errno != EINTR)
            return errno;
    }
}

static const char too_long[] = "the child process exceeded its time limit";

/* Waits for the child, which is killed if the parent no longer listens to it. Returns 0, or the
 * errno that stands for its early end, with `*what`. */
static int wait_for(pid_t pid, bool listening, const char **what) {
    int status = 0;
    if (!listening)
        kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    *what = signal == SIGALRM ? too_long
            : signal != 0     ? "the child process was killed"
                              : "the child process ended early";
    return signal == SIGALRM ? ETIMEDOUT : status == 0 ? 0 : ECHILD;
}

/* Starts the child. Returns the end of the pipe to read from, or -1 with errno set. */
static int start(const struct child *child, child_work *work, void *data, size_t size, pid_t *pid) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -1;
    pid_t parent = getpid();
    *pid = fork();
    if (*pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(1);
        close(ends[0]);
        run_child(child, work, data, size, ends[1]);
    }
    int error = errno;
    close(ends[1]);
    if (*pid > 0)
        return ends[0];
    close(ends[0]);
    errno = error;
    return -1;
}

int child_run(const struct child *child, child_work *work, void *data, size_t size,
              struct child_bytes *more, const char **what) {
    struct child_bytes bytes = {0};
    struct message message;
    pid_t pid;
    if (more != NULL)
        *more = (struct child_bytes){0};
    *what = "making a process";
    int pipe = start(child, work, data, size, &pid);
    if (pipe < 0)
        return errno;
    *what = "receiving the result";
    /* The child has an alarm of its own; a process that is stopped does not hear it. */
    uint64_t seconds = child->seconds > 0 ? child->seconds + GRACE_S : CHILD_SECONDS_MOST;
    int error = receive(pipe, units_now_ns() + seconds * NS_PER_S, &bytes);
    close(pipe);
    const char *how;
    int end = wait_for(pid, error == 0, &how);
    if (error == ETIMEDOUT) {
        *what = too_long;
        child_bytes_free(&bytes);
        return error;
    }
    if (error == 0 && (end != 0 || bytes.size < sizeof message + size)) {
        error = end != 0 ? end : ECHILD;
        *what = how;
    }
    if (error == 0) {
        child_take(&bytes, &message, sizeof message);
        error = message.error;
        *what = message.what;
    }
    if (error == 0)
        child_take(&bytes, data, size);
    if (error == 0 && more != NULL)
        *more = bytes;
    else
        child_bytes_free(&bytes);
    return error;
}

void child_give_array(FILE *more, const void *items, size_t count, size_t size) {
    if (count > 0)
        fwrite(items, size, count, more);
}

bool child_take(struct child_bytes *more, void *bytes, size_t size) {
    bool enough = size <= more->size - more->at;
    if (size == 0)
        return true;
    if (!enough) {
        memset(bytes, 0, size);
        return false;
    }
    memcpy(bytes, more->bytes + more->at, size);
    more->at += size;
    return true;
}

void *child_take_array(struct child_bytes *more, struct arena *arena, size_t count, size_t size) {
    void *items = count == 0 ? NULL : arena_alloc(arena, count * size);
    child_take(more, items, count * size);
    return items;
}

const char *child_take_text(struct child_bytes *more, struct arena *arena) {
    if (more->at == more->size)
        return "";
    const char *text = more->bytes + more->at, *end = memchr(text, '\0', more->size - more->at);
    if (end == NULL)
        return "";
    more->at += (size_t)(end - text) + 1;
    return arena_copy(arena, text, (size_t)(end - text));
}

void child_bytes_free(struct child_bytes *more) {
    free(more->bytes);
    *more = (struct child_bytes){0};
}

static void do_nothing(void *data, FILE *more) {
    (void)data;
    (void)more;
}

int child_try_other_user(void) {
    struct child child = {.other_user = true, .uid = 65534}; /* nobody, by long custom */
    const char *what;
    return child_run(&child, do_nothing, NULL, 0, NULL, &what);
}
