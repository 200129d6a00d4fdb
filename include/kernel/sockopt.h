/* The socket options that scenarios use, by the kernel's own names. */
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
    SOCKOPT_PORTS,    /* a range of ports; 0-0 is none */
};

/* One row of the table of options. */
struct sockopt {
    const char *name;
    int level, number;
    enum sockopt_kind kind;
};

struct sockopt_value {
    enum sockopt_kind kind;
    bool off;            /* LINGER */
    int64_t number;      /* NUMBER; LINGER: seconds; DURATION: nanoseconds */
    uint16_t low, high;  /* PORTS */
    char text[IFNAMSIZ]; /* DEVICE */
};

/* The option called `name`, static, or NULL. */
const struct sockopt *sockopt_named(const char *name);

/* The name nearest to a misspelt one, static, or NULL if none is near. */
const char *sockopt_near(const char *name);

/* Parses a value as a script writes it; NULL stands for no value, which means 1. Returns NULL, or
 * what is wrong with it, static. */
const char *sockopt_parse(const struct sockopt *option, const char *text,
                          struct sockopt_value *value);

enum { SOCKOPT_TEXT_SIZE = 40 };

/* Writes the value in the form that sockopt_parse() reads; returns `text`, of SOCKOPT_TEXT_SIZE. */
const char *sockopt_text(const struct sockopt_value *value, char *text);

/* The system calls: 0, or the errno of setsockopt() or getsockopt(). */
int sockopt_set(int socket, const struct sockopt *option, const struct sockopt_value *value);
int sockopt_get(int socket, const struct sockopt *option, struct sockopt_value *value);

/* An int option of a socket, or `otherwise` if it cannot be read. */
int sockopt_get_int(int socket, int level, int number, int otherwise);

#endif
