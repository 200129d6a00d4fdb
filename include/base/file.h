/* Reading and writing whole files, most of them short files in /proc. */
#ifndef PORTREUSE_BASE_FILE_H
#define PORTREUSE_BASE_FILE_H

#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

#include "base/memory.h"

/* Reads at most `size` - 1 bytes of a file into `text` and ends them with a NUL. Returns how many
 * bytes were read, or -1 with errno set; `text` is then "". */
ssize_t file_read(const char *path, char *text, size_t size);

/* The same for an open descriptor, which is closed. Descriptor -1 returns -1 and leaves errno
 * unchanged, so the result of open() can be passed without a check. */
ssize_t file_read_open(int file, char *text, size_t size);

/* Opens a file that a person or another program has named, to be read from begin to end: a regular
 * file of at most FILE_PLAIN_MOST bytes, /dev/null, or a pipe that the caller has inherited
 * (/dev/stdin, a shell's `<(...)`). What can block or never ends is refused at once: a FIFO, a
 * device, a file of the kernel such as /proc/kmsg. Returns a descriptor, which the caller closes;
 * or -1 with
 * `*why`, static, which continues "cannot read this file:". The stream is NULL then. */
enum { FILE_PLAIN_MOST = 64 * 1024 * 1024 };
int file_open_plain(const char *path, const char **why);
FILE *file_stream_plain(const char *path, const char **why);

/* Reads all of an open descriptor, which stays open, into the arena. Returns the bytes, or NULL
 * with errno set: EFBIG if there are more than `most`. */
char *file_read_all(struct arena *arena, int file, size_t most, size_t *size);

/* Writes `text` to an open descriptor, and closes it: with a single write(), as files in /proc
 * require, unless that takes only a part, as it does of a list of ports that is longer than a page
 * (proc_do_large_bitmap() in kernel/sysctl.c). Returns 0 or an errno: EIO if the file takes no
 * more; for descriptor -1, the present errno. */
int file_write_open(int file, const char *text);

#endif
