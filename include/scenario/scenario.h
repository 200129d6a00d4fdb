/* A scenario: a story in steps, read from text. See docs/scenario-language.md.
 *
 * Everything that a scenario points to lives in its arena. Roles and sockets are known by index:
 * a role's process keeps its descriptors in an array, the engine its endpoints.
 */
#ifndef PORTREUSE_SCENARIO_SCENARIO_H
#define PORTREUSE_SCENARIO_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/release.h"
#include "kernel/sockopt.h"
#include "scenario/address.h"
#include "scenario/answer.h"
#include "scenario/mistakes.h"
#include "scenario/verb.h"

/* Limits; the parser refuses what goes beyond. */
enum {
    SCENARIO_FILE_MAX = 4 * 1024 * 1024, /* bytes of a file */
    SCENARIO_LINE_MAX = 64 * 1024,       /* bytes of a line */
    SCENARIO_ROLES_MAX = 64,
    SCENARIO_SOCKETS_MAX = 256, /* names of sockets */
    SCENARIO_STEPS_MAX = 4096,
    SCENARIO_ROUNDS_MAX = 1000 * 1000,
    SCENARIO_BYTES_MAX = 64 * 1024 * 1024, /* of one send or recv */
};

enum { NO_ROLE = -1 };

struct option_setting {
    const struct sockopt *option;
    struct sockopt_value value;
};

/* One word of a sysctl's value: written, or the port of a socket. */
struct sysctl_word {
    const char *text; /* as written */
    bool is_address;
    struct address address;
};

/* One line. Which members mean something depends on the verb. */
struct step {
    enum verb verb;
    int role; /* NO_ROLE: a step of the environment */
    unsigned line;
    const char *arguments; /* as written, blanks folded; without the expectation */
    const char *comment;   /* as written behind `#`, or NULL */
    struct expectation want;

    unsigned socket;                /* the socket it is about; accept: the listener */
    unsigned made;                  /* accept: the socket it makes */
    int new_role;                   /* fork; pass: who gets it */
    sa_family_t family;             /* socket */
    struct option_setting *options; /* socket, setsockopt; getsockopt: the option of the first */
    size_t option_count;
    struct address address; /* bind, connect; await, count, destroy: LOCAL */
    struct address remote;  /* await, count, destroy: REMOTE, a pattern of `*:*` if not written */
    uint32_t states;        /* await, count */
    bool absent;            /* await no, address no */
    uint64_t duration_ns;   /* sleep; await: within */
    bool has_number;        /* listen, recv, repeat: a number was written */
    int64_t number;         /* backlog, bytes, uid, rounds */
    int how;                /* shutdown: SHUT_RD, SHUT_WR, SHUT_RDWR */
    const char *sysctl;     /* sysctl: the name */
    const char *device;     /* address: whose */
    struct sysctl_word *words;
    size_t word_count;
    bool timed;  /* repeat: the report tells how long its rounds took */
    size_t body; /* repeat, serve: how many of the next steps are its body */
};

/* A run of steps: the setup, or a case. */
struct section {
    const char *title; /* NULL for the setup */
    unsigned line;
    size_t first, count; /* in scenario->steps */
};

struct scenario {
    struct arena arena; /* owns all below */
    const char *name;   /* time-wait-rebind */
    const char *file;   /* the path it came from, or NULL for a built-in one */
    const char *source; /* the text; borrowed if built in */
    size_t source_size;

    const char *title;
    const char **tags;
    size_t tag_count;
    struct kernel_release needs_kernel; /* 0.0.0: any */
    bool needs_ipv6, needs_uids, slow;
    const char *why, *fix; /* prose, lines parted by newlines; NULL if not given */

    const char **roles;
    size_t role_count;
    const char **sockets;
    size_t socket_count;
    struct step *steps;
    size_t step_count;
    struct section setup;
    struct section *cases;
    size_t case_count;
};

/* Parses `size` bytes of text. `name` and `file` (NULL if built in) are copied, and so is the text
 * but if built in: it must then stay as long as the scenario does. Mistakes are added
 * to `mistakes`, every one of the text; the scenario is returned all the same, as far as it could
 * be understood, and must not be run if there were any. The caller frees it. */
struct scenario *scenario_parse(const char *name, const char *file, const char *text, size_t size,
                                struct mistakes *mistakes);

/* The same for what stands before the setup and the cases: title, tags, why and the like. It is for
 * looking through many scenarios, and takes a tenth of the time; there are no steps in it. */
struct scenario *scenario_parse_header(const char *name, const char *text, size_t size,
                                       struct mistakes *mistakes);

void scenario_free(struct scenario *scenario);

bool scenario_has_tag(const struct scenario *scenario, const char *tag);

/* How long the steps of a case, with the setup, say that they will wait at most, in nanoseconds:
 * sleep, await ... within, -> ... within. The engine's deadline is that much later. */
uint64_t scenario_declared_ns(const struct scenario *scenario, size_t case_index);

#endif
