#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
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

char *file_read_all(struct arena *arena, int file, size_t most, size_t *size) {
    size_t room = (size_t)64 * 1024;
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
    int error = write(file, text, strlen(text)) < 0 ? errno : 0;
    close(file);
    return error;
}
