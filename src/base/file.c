#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

ssize_t file_read_open(int file, char *text, size_t size) {
    size_t length = 0;
    ssize_t got = -1;
    text[0] = '\0';
    if (file < 0)
        return -1;
    do {
        got = read(file, text + length, size - 1 - length);
        length += got > 0 ? (size_t)got : 0;
    } while (length < size - 1 && (got > 0 || (got < 0 && errno == EINTR)));
    int error = got < 0 ? errno : 0;
    close(file);
    text[error == 0 ? length : 0] = '\0';
    errno = error;
    return error == 0 ? (ssize_t)length : -1;
}

ssize_t file_read(const char *path, char *text, size_t size) {
    return file_read_open(open(path, O_RDONLY | O_CLOEXEC), text, size);
}

/* --- plain files --- */

/* Returns whether the descriptor is of a file system that the kernel makes up, whose files can have
 * any length, block, or be used up by reading. */
static bool is_of_kernel(unsigned long type) {
    static const unsigned long types[] = {PROC_SUPER_MAGIC, SYSFS_MAGIC, DEBUGFS_MAGIC,
                                          TRACEFS_MAGIC, SECURITYFS_MAGIC};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (type == types[i])
            return true;
    return false;
}

/* Returns why a file of this kind is not opened, static, or NULL. Opening a device can do
 * something, and a socket cannot be opened. */
static const char *refuse_kind(const struct stat *status) {
    bool is_null = S_ISCHR(status->st_mode) && status->st_rdev == makedev(1, 3); /* /dev/null */
    if (S_ISDIR(status->st_mode))
        return "it is a directory";
    return S_ISREG(status->st_mode) || S_ISFIFO(status->st_mode) || is_null
               ? NULL
               : "it is a device or a socket";
}

/* Returns why the open file is not one to be read as a whole, static, or NULL. */
static const char *refuse(int file) {
    const unsigned long of_pipes = 0x50495045; /* PIPEFS_MAGIC: a pipe without a name */
    struct stat status;
    struct statfs system;
    if (fstat(file, &status) < 0 || fstatfs(file, &system) < 0)
        return strerror(errno);
    const char *why = refuse_kind(&status);
    if (why != NULL || S_ISCHR(status.st_mode))
        return why;
    if (S_ISFIFO(status.st_mode))
        return (unsigned long)system.f_type == of_pipes ? NULL : "it is a FIFO";
    if (is_of_kernel((unsigned long)system.f_type))
        return "it is a file of the kernel, not on a disk";
    return status.st_size > FILE_PLAIN_MOST ? "it is larger than 64 MiB" : NULL;
}

/* A FIFO without a writer is opened without waiting for one. The file can be another one by then:
 * so its kind is looked at twice. */
int file_open_plain(const char *path, const char **why) {
    int path_only = open(path, O_PATH | O_CLOEXEC);
    struct stat status = {0};
    bool found = path_only >= 0 && fstat(path_only, &status) == 0;
    *why = found ? refuse_kind(&status) : strerror(errno);
    if (path_only >= 0)
        close(path_only);
    int file = *why != NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (file < 0) {
        *why = *why == NULL ? strerror(errno) : *why;
        return -1;
    }
    *why = refuse(file);
    if (*why == NULL) {
        fcntl(file, F_SETFL, O_RDONLY); /* an inherited pipe is waited for */
        return file;
    }
    close(file);
    return -1;
}

FILE *file_stream_plain(const char *path, const char **why) {
    int file = file_open_plain(path, why);
    FILE *stream = file < 0 ? NULL : fdopen(file, "r");
    if (file >= 0 && stream == NULL) {
        *why = strerror(errno);
        close(file);
    }
    return stream;
}

/* --- all of it --- */

char *file_read_all(struct arena *arena, int file, size_t most, size_t *size) {
    size_t room = (size_t)4 * 1024;
    char *bytes = arena_alloc(arena, room);
    *size = 0;
    for (;;) {
        ssize_t got = read(file, bytes + *size, room - *size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got == 0 ? bytes : NULL;
        *size += (size_t)got;
        if (*size > most) {
            errno = EFBIG;
            return NULL;
        }
        if (*size == room) {
            char *larger = arena_alloc(arena, 2 * room);
            memcpy(larger, bytes, room);
            bytes = larger;
            room *= 2;
        }
    }
}

int file_write_open(int file, const char *text) {
    if (file < 0)
        return errno;
    size_t length = strlen(text), done = 0;
    ssize_t wrote;
    do {
        wrote = write(file, text + done, length - done);
        done += wrote > 0 ? (size_t)wrote : 0;
    } while (done < length && (wrote > 0 || (wrote < 0 && errno == EINTR)));
    int error = wrote < 0 ? errno : done < length ? EIO : 0;
    close(file);
    return error;
}
