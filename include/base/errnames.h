/* The kernel's error numbers by name: 98 is EADDRINUSE. */
#ifndef PORTREUSE_BASE_ERRNAMES_H
#define PORTREUSE_BASE_ERRNAMES_H

enum { ERRNAME_SIZE = 24 };

/* Returns the name of an errno. For one without a name, `errno 524` is written to `text` (of
 * ERRNAME_SIZE bytes) and returned. */
const char *errname(int number, char *text);

/* Returns the number of the errno that is called `name`, or 0 if none is. */
int errname_number(const char *name);

/* Returns the name nearest to a misspelt one, static, or NULL if none is near. */
const char *errname_near(const char *name);

#endif
