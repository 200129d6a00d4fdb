/* A library for LD_PRELOAD: allocations of portreuse that fail, also those that the C library makes
 * for it, and reads and writes that are short, as those of pipes, streams and files may be.
 * faults.c says which, in a file that all processes map. For glibc, whose own names of malloc() we
 * use.
 */
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fault/state.h"

static struct fault_state *state; /* NULL: nothing fails here */
static bool shown;                /* who wanted what fails is written to standard error */

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv(FAULT_STATE), *program = getenv(FAULT_PROGRAM);
    char own[512];
    ssize_t size = readlink("/proc/self/exe", own, sizeof own - 1);
    own[size > 0 ? size : 0] = '\0';
    if (path == NULL || program == NULL || strcmp(own, program) != 0)
        return;
    shown = getenv(FAULT_SHOW) != NULL;
    if (shown) { /* it loads a library the first time */
        void *caller;
        backtrace(&caller, 1);
    }
    int fd = open(path, O_RDWR | O_CLOEXEC);
    void *mapped = mmap(NULL, sizeof *state, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (mapped != MAP_FAILED)
        state = mapped;
}

/* --- allocations --- */

/* NOLINTBEGIN(bugprone-reserved-identifier): names of glibc */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
/* NOLINTEND(bugprone-reserved-identifier) */

static bool fails(void) {
    if (state == NULL)
        return false;
    unsigned long now = atomic_fetch_add(&state->seen, 1) + 1;
    if (state->fail == 0 || (now != state->fail && !(state->stays && now > state->fail)))
        return false;
    atomic_fetch_add(&state->failed, 1);
    if (shown) {
        void *callers[32];
        backtrace_symbols_fd(callers, backtrace(callers, 32), STDERR_FILENO);
    }
    errno = ENOMEM;
    return true;
}

/* The names that glibc has for the parameters are its own. */
// NOLINTBEGIN(readability-inconsistent-declaration-parameter-name)
void *malloc(size_t size) {
    return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    return fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size) {
    return fails() ? NULL : __libc_realloc(old, size);
}

void *reallocarray(void *old, size_t count, size_t size) {
    if (size != 0 && count > SIZE_MAX / size) {
        errno = ENOMEM;
        return NULL;
    }
    return realloc(old, count > 0 && size > 0 ? count * size : 1);
}

// NOLINTEND(readability-inconsistent-declaration-parameter-name)

/* --- short reads and writes --- */

/* A pipe, a stream or a file; not a file of /proc/sys, which the kernel takes and gives as a whole.
 */
static bool may_be_short(int fd) {
    struct stat status;
    char link[64] = "/proc/self/fd/", path[16];
    int type = 0;
    socklen_t size = sizeof type;
    if (fstat(fd, &status) < 0)
        return false;
    if (S_ISFIFO(status.st_mode))
        return true;
    if (S_ISSOCK(status.st_mode))
        return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
    char *at = link + strlen(link) + 10;
    *at = '\0';
    unsigned rest = (unsigned)fd;
    do
        *--at = (char)('0' + rest % 10);
    while ((rest /= 10) > 0);
    memmove(link + strlen("/proc/self/fd/"), at, strlen(at) + 1);
    ssize_t got = readlink(link, path, sizeof path);
    return S_ISREG(status.st_mode) && !(got >= 10 && memcmp(path, "/proc/sys/", 10) == 0);
}

static size_t cut(int fd, size_t size) {
    int error = errno;
    if (state == NULL || state->most == 0 || size <= state->most || !may_be_short(fd)) {
        errno = error;
        return size;
    }
    atomic_fetch_add(&state->cut, 1);
    errno = error;
    return state->most;
}

// NOLINTBEGIN(readability-inconsistent-declaration-parameter-name)
ssize_t read(int fd, void *bytes, size_t size) {
    return syscall(SYS_read, fd, bytes, cut(fd, size));
}

ssize_t write(int fd, const void *bytes, size_t size) {
    return syscall(SYS_write, fd, bytes, cut(fd, size));
}

ssize_t pread(int fd, void *bytes, size_t size, off_t offset) {
    return syscall(SYS_pread64, fd, bytes, cut(fd, size), offset);
}
// NOLINTEND(readability-inconsistent-declaration-parameter-name)
