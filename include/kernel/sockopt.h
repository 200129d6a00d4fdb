/* The socket options that scenarios use, by the kernel's names for them. */
#ifndef PORTREUSE_KERNEL_SOCKOPT_H
#define PORTREUSE_KERNEL_SOCKOPT_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

enum sockopt_kind {
    SOCKOPT_NUMBER,   /* an int */
    SOCKOPT_LINGER,   /* struct linger: a number of seconds, or off */
    SOCKOPT_DURATION, /* struct timeval */
    SOCKOPT_DEVICE,   /* the name of a network interface */
    SOCKOPT_PORTS,    /* a range of ports; 0-0: no range */
    SOCKOPT_ERROR,    /* an errno, or 0 */
};

/* One row of the table of options. */
struct sockopt {
    const char *name;
    int level, number;
    enum sockopt_kind kind;
    bool read_only; /* getsockopt(2) alone knows it */
};

struct sockopt_value {
    enum sockopt_kind kind;
    bool off;            /* LINGER */
    int64_t number;      /* NUMBER, ERROR; LINGER: seconds; DURATION: nanoseconds */
    uint16_t low, high;  /* PORTS */
    char text[IFNAMSIZ]; /* DEVICE */
};

/* Returns the option called `name`, static, or NULL. */
const struct sockopt *sockopt_named(const char *name);

/* Returns the name nearest to a misspelt one, static, or NULL if none is near. */
const char *sockopt_near(const char *name);

/* Parses a value as a scenario writes it; NULL is no value, which means 1. Returns NULL, or what is
 * wrong with the value, static. */
const char *sockopt_parse(const struct sockopt *option, const char *text,
                          struct sockopt_value *value);

enum { SOCKOPT_TEXT_SIZE = 40 };

/* Writes the value as sockopt_parse() reads it; returns `text`, of SOCKOPT_TEXT_SIZE bytes. */
const char *sockopt_text(const struct sockopt_value *value, char *text);

/* Set and get the option. Return 0, or the errno of setsockopt() or getsockopt(). */
int sockopt_set(int socket, const struct sockopt *option, const struct sockopt_value *value);
int sockopt_get(int socket, const struct sockopt *option, struct sockopt_value *value);

/* Returns an option that is an int, or `otherwise` if it cannot be read. */
int sockopt_get_int(int socket, int level, int number, int otherwise);

/* The same. If it cannot be read for want of memory or descriptors, the errno goes to `*error`,
 * unless there is one already: `otherwise` is then no answer. */
int sockopt_look_int(int socket, int level, int number, int otherwise, int *error);

#endif
