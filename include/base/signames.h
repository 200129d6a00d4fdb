/* Names of signals: SIGTERM. */
#ifndef PORTREUSE_BASE_SIGNAMES_H
#define PORTREUSE_BASE_SIGNAMES_H

/* Returns the number of the signal called `name`, as in signal(7), or 0. */
int signame_number(const char *name);

/* Returns the name nearest to a misspelt one, static, or NULL. */
const char *signame_near(const char *name);

enum { SIGNAME_SIZE = 16 };

/* Writes the name of a signal, or `signal 34`; returns `text`, of SIGNAME_SIZE bytes. */
const char *signame(int number, char *text);

#endif
