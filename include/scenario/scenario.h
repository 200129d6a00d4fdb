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
#include <stdio.h>
#include <sys/types.h>

#include "base/memory.h"
#include "base/units.h"
#include "kernel/seccomp.h"
#include "kernel/socket.h"
#include "kernel/sockopt.h"
#include "scenario/answer.h"
#include "scenario/verb.h"

/* Limits; the parser refuses what goes beyond. */
enum {
    SCENARIO_FILE_MAX = 4 * 1024 * 1024, /* bytes of a file */
    SCENARIO_LINE_MAX = 64 * 1024,       /* bytes of a line */
    SCENARIO_ROLES_MAX = 64,
    SCENARIO_SOCKETS_MAX = 256, /* names of sockets */
    SCENARIO_HOSTS_MAX = 32,
    SCENARIO_STEPS_MAX = 4096,
    SCENARIO_ROUNDS_MAX = 1000 * 1000,
    SCENARIO_BYTES_MAX = 64 * 1024 * 1024, /* of one send or recv */
};

enum { NO_ROLE = -1, NO_SOCKET = -1, NO_HOST = -1 };

struct option_setting {
    const struct sockopt *option;
    struct sockopt_value value; /* getsockopt: not set */
};

/* socket, setsockopt, getsockopt */
struct step_options {
    int flags; /* socket: SOCK_NONBLOCK and SOCK_CLOEXEC, as told */
    const struct address
        *like;    /* socket: of the family of this address; NULL: of the step's kind */
    size_t count; /* getsockopt: 1 */
    struct option_setting *list;
};

/* listen: the backlog; send, recv: bytes. */
struct step_amount {
    bool given;
    int64_t number;
    bool addressed; /* send: to this address */
    struct address address;
};

/* One word of a sysctl's value: written, or the port of a socket. */
struct sysctl_value {
    const char *text; /* as written */
    bool is_address;
    struct address address;
};

/* sysctl */
struct step_sysctl {
    const char *name;
    bool outside; /* `$here`: the value that it has where portreuse was started */
    struct sysctl_value *values;
    size_t value_count;
};

/* await, count, destroy: which sockets. */
struct step_query {
    enum protocol protocol;
    uint32_t states;
    struct address local, remote; /* `*:*` where REMOTE is not written */
    bool absent;                  /* await no */
    int64_t least;                /* await: so many must exist; 1 unless told */
    uint64_t within_ns;           /* await */
};

/* address */
struct step_device {
    const char *name;
    struct endpoint address; /* port 0 */
    unsigned bits;
    bool absent; /* address no */
};

/* why, budget: what the tool is asked about itself. */
struct step_question {
    struct address address; /* what a server binds, or a client connects to */
    bool client, udp;
    bool has_from;
    struct address from;         /* a client binds it first */
    struct step_options options; /* those that the program sets: see question_options[] */
    int as;                      /* the role that asks, an index; NO_ROLE: the case's own process */
};

/* A word of a program's command line. */
struct program_word {
    enum { WORD_WRITTEN, WORD_PROGRAM, WORD_ADDRESS, WORD_PORT } use; /* PROGRAM: all of $program */
    const char *text;                                                 /* as written */
    struct address address;
};

/* exec */
struct step_program {
    struct program_word *words;
    size_t word_count;
};

/* calls, listens, wait: what a program is watched for. */
struct step_watch {
    enum socket_call call; /* calls */
    bool has_address;      /* calls, listens: of this address alone: */
    struct address address;
    int made; /* listens: the name that the socket gets, an index, or NO_SOCKET */
    uint64_t within_ns;
};

/* signal */
struct step_signal {
    int number;
    bool all; /* also to all that the program has started, and what is left of it */
};

/* poll */
struct step_wait {
    bool write; /* else read */
    uint64_t within_ns;
};

/* repeat, serve */
struct step_rounds {
    bool given;          /* repeat N */
    uint64_t most;       /* SCENARIO_ROUNDS_MAX where N is not written; serve: UINT64_MAX */
    bool timed;          /* repeat: the report shows how long the rounds took */
    bool epoll;          /* serve: accept waits in epoll_wait() */
    const char *counter; /* repeat: its name, or NULL; the lines of the body that have it vary: */
    int64_t start;       /* its value in the first round */
};

/* --- lines that vary from round to round --- */

enum { VARIATION_SIZE = 256 };

/* A word of a line that has the counter of its block in it. The step has the values of the first
 * round. */
struct variation {
    enum variation_place {
        VARIES_ADDRESS, /* step_address() */
        VARIES_AMOUNT,  /* amount.number */
        VARIES_UID,     /* uid */
        VARIES_OPTION,  /* the value of options.list[index] */
        VARIES_WANT,    /* the wanted answer of this index, see expectation_index() */
        VARIES_TIME,    /* the time that sleep or poll takes */
        VARIES_WITHIN,  /* the times of the expectation */
    } place;
    int index;
    const char *text; /* the word, without the name of an option, with COUNTER for the counter */
    char *filled;     /* in a copy: VARIATION_SIZE bytes for the same with its value; else NULL */
};

enum { COUNTER = '\1' };

/* One line: a head that every step has, and the arguments of its verb. */
struct step {
    enum verb verb;
    int role; /* an index, or NO_ROLE: a step of the environment */
    int host; /* where it is done, an index; NO_HOST: in no host, or there are none */
    unsigned line;
    const char *who;       /* for people: `server`, `server on db`, `on db`, "" */
    const char *arguments; /* as written, blanks folded; without the expectation */
    const char *comment;   /* as written after `#`, or NULL */
    struct expectation want;
    size_t body; /* repeat, serve: how many of the next steps are its body; else 0 */
    int socket;  /* an index: the socket that the call is on (accept: the listener); or NO_SOCKET */
    enum socket_kind kind;        /* of that socket, as far as the text tells */
    struct variation *variations; /* what the counter of the block changes */
    size_t variation_count;

    union { /* by verb_row(verb)->arguments */
        struct step_sysctl sysctl;
        struct step_query query;
        struct step_device device;
        uint64_t duration_ns;
        struct step_options options;
        struct address address;
        struct step_amount amount;
        int made;       /* accept: the socket that it makes, an index; or NO_SOCKET */
        int how;        /* shutdown: SHUT_RD, SHUT_WR, SHUT_RDWR */
        int other_role; /* fork: the new one; pass: the one that receives; or NO_ROLE */
        int other_host; /* on, cut, join, off: an index, or NO_HOST */
        uid_t uid;      /* uid, chown */
        struct step_rounds rounds;
        struct step_question question;
        struct step_program program;
        struct step_watch watch;
        struct step_signal signal;
        struct step_wait wait;
    };
};

/* What a step has, whatever its verb: the address that it binds, connects or sends to, the sockets
 * that it looks for, the rounds of its block, the question that it asks: each NULL if it has none.
 */
const struct address *step_address(const struct step *step);
const struct step_query *step_query(const struct step *step);
const struct step_rounds *step_rounds(const struct step *step);
const struct step_question *step_question(const struct step *step);

/* A copy of a step in which _fill sets what varies to its values where the counter is `count`.
 * _fill returns NULL, or what is wrong with one of them, static, and which one. */
struct step *step_copy(struct arena *arena, const struct step *step);
const char *step_fill(struct step *copy, int64_t count, const struct variation **which);

/* The host that the step is about: cut, join and off; else where it is done. NO_HOST if it has
 * none. */
int step_host(const struct step *step);

/* The other role that takes part in it, or NO_ROLE. */
int step_other_role(const struct step *step);

/* What the header says that the kernel must have, besides the members of struct scenario. */
enum need_kind { NEED_OPTION, NEED_SYSCTL, NEED_SOCK_DIAG, NEED_MPTCP, NEED_HOSTS };

struct need {
    enum need_kind kind;
    const char *name;             /* of the option or the sysctl */
    const struct sockopt *option; /* static */
};

/* The name of the device of every host by which it is on the wire. */
#define SCENARIO_WIRE "eth0"

/* A machine of the story, on one Ethernet with the others. */
struct scenario_host {
    const char *name;
    struct host_address {
        struct endpoint address; /* port 0 */
        unsigned bits;           /* of its network */
    } * addresses;
    size_t address_count;
};

enum { HOST_ADDRESS_TEXT_SIZE = 64 };

/* Writes `10.0.0.1/24`; returns `text`, of HOST_ADDRESS_TEXT_SIZE bytes. */
const char *host_address_text(const struct host_address *address, char *text);

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
    bool needs_ipv6, needs_uids, needs_program, slow;
    char *const *program; /* what $program stands for, with NULL at its end, set by the caller; or
                             NULL */
    uint16_t port;        /* `listens` without an address waits for this port, set by the caller; 0:
                             any */
    bool has_files;       /* a step names the file of a Unix socket */
    struct need *needs;   /* the others */
    size_t need_count;
    const char *why, *fix; /* prose, lines separated by newlines; NULL if not given */

    struct scenario_host *hosts; /* none: all happens in one namespace */
    size_t host_count;
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

/* --- the errors in a file: all are collected, then printed as compilers do --- */

/* The most errors kept in one list, those of the first lines; the rest is only counted. */
enum { ERRORS_KEPT = 20 };

struct error {
    const char *file;
    unsigned line;   /* from 1; 0: the file as a whole */
    unsigned column; /* in characters, from 1 */
    const char *text;
    const char *excerpt; /* the line, or the part of it around the column; NULL without a line */
    size_t excerpt_size;
    size_t caret; /* how many bytes of the excerpt come before the column */
};

struct errors {
    struct arena arena; /* owns all below */
    struct error *list;
    size_t count;  /* of all, also of those that are not in the list */
    bool keep_all; /* also those beyond ERRORS_KEPT */
};

/* Adds an error at byte `offset` of the `size` bytes of the line `text` (all are copied). */
void errors_add(struct errors *errors, const char *file, unsigned line, const char *text,
                size_t size, size_t offset, const char *message);

/* Adds an error of a file as a whole. */
void errors_add_file(struct errors *errors, const char *file, const char *message);

/* Prints each as `file:line:column: error: message`, the line, and a caret below the column.
 * Control characters in the text are replaced, so that they do nothing to a terminal. */
void errors_print(const struct errors *errors, FILE *out);

void errors_free(struct errors *errors);

/* --- parsing --- */

/* Parses `size` bytes of text. `name` and `file` (NULL for a built-in scenario) are copied. The
 * text is copied if there is a file; the text of a built-in scenario must outlive the scenario.
 * Every error of the text is added to `errors`. The scenario is returned in any case, as far as
 * it could be understood, but must not be run if there were errors. The caller frees it. */
struct scenario *scenario_parse(const char *name, const char *file, const char *text, size_t size,
                                struct errors *errors);

/* Parses only what stands before the setup and the cases: title, tags, why and so on. It is for
 * searching many scenarios and takes a tenth of the time; the result has no steps. */
struct scenario *scenario_parse_header(const char *name, const char *text, size_t size,
                                       struct errors *errors);

void scenario_free(struct scenario *scenario);

bool scenario_has_tag(const struct scenario *scenario, const char *tag);

/* Returns the longest time, in nanoseconds, that the steps of a case and of the setup say they will
 * wait: sleep, await ... within, -> ... within. The engine adds it to the deadline of the case. */
uint64_t scenario_declared_ns(const struct scenario *scenario, size_t case_index);

#endif
