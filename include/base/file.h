/* Files that are read and written as a whole; short ones are above all those of /proc. */
#ifndef PORTREUSE_BASE_FILE_H
#define PORTREUSE_BASE_FILE_H

#include <stddef.h>
#include <sys/types.h>

#include "base/memory.h"

/* Reads at most `size` - 1 bytes of a file into `text` and ends them with a NUL. Returns how many
 * bytes were read, or -1 with errno set; `text` is then "". */
ssize_t file_read(const char *path, char *text, size_t size);

/* The same for an open descriptor, which is closed. With descriptor -1 only errno is kept: the
 * result of open() can be passed as it is. */
ssize_t file_read_open(int file, char *text, size_t size);

/* Reads all of an open descriptor, which stays open, into the arena. Returns the bytes, or NULL
 * with errno set: EFBIG if there are more than `most`. */
char *file_read_all(struct arena *arena, int file, size_t most, size_t *size);

/* Writes `text` with a single write(), which is how files of /proc want it, to an open descriptor,
 * which is closed. With descriptor -1 only errno is kept. Returns 0 or an errno. */
int file_write_open(int file, const char *text);

#endif
