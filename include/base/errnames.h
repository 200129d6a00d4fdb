/* The kernel's error numbers by name: 98 is EADDRINUSE. */
#ifndef PORTREUSE_BASE_ERRNAMES_H
#define PORTREUSE_BASE_ERRNAMES_H

#include <stdbool.h>

enum { ERRNAME_SIZE = 24 };

/* Returns the name of an errno. If it has no name, writes `errno 524` to `text` (ERRNAME_SIZE
 * bytes) and returns that. */
const char *errname(int number, char *text);

/* Returns whether an errno tells of a want of memory or descriptors: ENOMEM, ENOBUFS, EMFILE,
 * ENFILE. It says nothing about what was asked. */
bool errno_is_shortage(int number);

/* The same, and EAGAIN, EINTR and EIO: no process could be made, a signal came, a device is broken.
 * For what is tried to find out whether it is possible here at all: such an errno is no answer. */
bool errno_says_nothing(int number);

/* Returns the errno called `name`, or 0 if there is none. */
int errname_number(const char *name);

/* Returns the name closest to a misspelt one, static, or NULL if none is close. */
const char *errname_near(const char *name);

#endif
