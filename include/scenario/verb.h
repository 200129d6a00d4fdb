/* The verbs and the keywords of the language.
 *
 * VERB_LIST is the only list of verbs. For each verb `name` in it
 *
 *   - a file scenario/steps_*.c defines `verb_name`: how the step is written, and what it changes
 *     for the steps after it;
 *   - a file of engine/ defines `action_name`: where and how it runs (engine/protocol.h).
 *
 * `why` is a keyword of the header too; what follows it decides (parse_line.c).
 *
 * A program that lacks one of the two does not link. tests/unit/test_verbs.c checks the rest: that
 * each verb is complete, is documented, and is used by a scenario. */
#ifndef PORTREUSE_SCENARIO_VERB_H
#define PORTREUSE_SCENARIO_VERB_H

#include <stdbool.h>

/* VERB(NAME, name), in the order of the documentation. */
#define VERB_LIST(VERB)                                                                            \
    /* the environment */                                                                          \
    VERB(SYSCTL, sysctl)                                                                           \
    VERB(AWAIT, await)                                                                             \
    VERB(COUNT, count)                                                                             \
    VERB(DESTROY, destroy)                                                                         \
    VERB(ADDRESS, address)                                                                         \
    VERB(CUT, cut)                                                                                 \
    VERB(JOIN, join)                                                                               \
    VERB(OFF, off)                                                                                 \
    VERB(SLEEP, sleep)                                                                             \
    VERB(WHY, why)                                                                                 \
    VERB(BUDGET, budget)                                                                           \
    VERB(EPHEMERAL, ephemeral)                                                                     \
    /* a role's calls on its sockets */                                                            \
    VERB(SOCKET, socket)                                                                           \
    VERB(SETSOCKOPT, setsockopt)                                                                   \
    VERB(GETSOCKOPT, getsockopt)                                                                   \
    VERB(BIND, bind)                                                                               \
    VERB(LISTEN, listen)                                                                           \
    VERB(CONNECT, connect)                                                                         \
    VERB(ACCEPT, accept)                                                                           \
    VERB(SEND, send)                                                                               \
    VERB(RECV, recv)                                                                               \
    VERB(POLL, poll)                                                                               \
    VERB(SHUTDOWN, shutdown)                                                                       \
    VERB(DISCONNECT, disconnect)                                                                   \
    VERB(CLOSE, close)                                                                             \
    VERB(GETSOCKNAME, getsockname)                                                                 \
    VERB(GETPEERNAME, getpeername)                                                                 \
    VERB(DUP, dup)                                                                                 \
    VERB(CHOWN, chown)                                                                             \
    VERB(UNLINK, unlink)                                                                           \
    /* a role's process */                                                                         \
    VERB(ON, on)                                                                                   \
    VERB(EXEC, exec)                                                                               \
    VERB(CALLS, calls)                                                                             \
    VERB(LISTENS, listens)                                                                         \
    VERB(SETTLES, settles)                                                                         \
    VERB(ACCEPTS, accepts)                                                                         \
    VERB(SIGNAL, signal)                                                                           \
    VERB(WAIT, wait)                                                                               \
    VERB(FORK, fork)                                                                               \
    VERB(PASS, pass)                                                                               \
    VERB(UID, uid)                                                                                 \
    VERB(EXIT, exit)                                                                               \
    VERB(KILL, kill)                                                                               \
    /* blocks */                                                                                   \
    VERB(REPEAT, repeat)                                                                           \
    VERB(SERVE, serve)                                                                             \
    VERB(STOP, stop)                                                                               \
    VERB(SLOWDOWN, slowdown)

#define VERB_ENUMERATOR(NAME, name) VERB_##NAME,

enum verb {
    VERB_NONE,
    VERB_LIST(VERB_ENUMERATOR)
    /* The line that ends a block: it has a name, a usage and an answer, but is not a step. */
    VERB_END,
    VERBS,
};

#undef VERB_ENUMERATOR

/* Where a verb may stand. */
enum verb_scope {
    SCOPE_ENVIRONMENT, /* at the start of a line: a step of the environment */
    SCOPE_ROLE,        /* after the name of a role */
    SCOPE_CALL,        /* after the name of a role, and at the start of a line of a block */
};

/* What a verb can answer, besides ok and an errno. */
enum verb_answer {
    GIVES_OK,
    GIVES_NUMBER,
    GIVES_DATA,
    GIVES_ADDRESS,
    GIVES_VALUE,
    GIVES_READY, /* ready, which is ok; or timeout, which is not */
    GIVES_CAUSE, /* never ok, nor an errno */
    GIVES_CALL,  /* ok or the errno of a call that a program made; or timeout */
    GIVES_END,   /* how a process ended; ok is an exit status of 0; or timeout */
    GIVES_BLOCK,
};

/* What the arguments of a verb are: which member of the union in `struct step` they fill. */
enum step_arguments {
    ARGUMENTS_NONE,
    ARGUMENTS_SYSCTL,   /* sysctl */
    ARGUMENTS_QUERY,    /* query */
    ARGUMENTS_DEVICE,   /* device */
    ARGUMENTS_TIME,     /* duration_ns */
    ARGUMENTS_OPTIONS,  /* options */
    ARGUMENTS_ADDRESS,  /* address */
    ARGUMENTS_AMOUNT,   /* amount, and of send an address */
    ARGUMENTS_SOCKET,   /* made */
    ARGUMENTS_HOW,      /* how */
    ARGUMENTS_WAIT,     /* wait */
    ARGUMENTS_ROLE,     /* other_role */
    ARGUMENTS_HOST,     /* other_host */
    ARGUMENTS_UID,      /* uid */
    ARGUMENTS_ROUNDS,   /* rounds */
    ARGUMENTS_QUESTION, /* question */
    ARGUMENTS_PROGRAM,  /* program */
    ARGUMENTS_WATCH,    /* watch */
    ARGUMENTS_SIGNAL,   /* signal */
};

/* Where the arrow of a step points in a picture. */
enum verb_arrow { ARROW_TO_KERNEL, ARROW_TO_ROLE, ARROW_ENDS_ROLE };

struct parser;
struct cursor;
struct flow;
struct step;

struct verb_row {
    const char *name;
    const char *usage; /* the whole line, as docs/scenario-language.md has it */
    enum verb_scope scope;
    enum step_arguments arguments;
    enum verb_answer answer;
    enum verb_arrow arrow;
    bool in_block; /* a step of the environment that may stand in a block too: there the role does
                      it */
    bool on_host; /* a step of the environment that is done on a host: `on HOST` may stand before it
                   */
    bool opens_block;
    bool is_first;      /* must be the first step of its role */
    bool of_program;    /* for a role that has become a program alone */
    bool of_process;    /* for such a role too */
    bool while_serving; /* may be given to a role that serves */
    bool when_ended;    /* and to one that has ended */
    bool when_off;      /* may be done on a host that is off */
    bool needs_result;  /* must have a `-> RESULT` */
    /* Reads the arguments; NULL: there are none. */
    void (*parse)(struct parser *parser, struct cursor *cursor, struct step *step);
    /* Says why the step can only fail with what is known, or NULL: then it is a mistake, unless it
     * expects that. NULL: never. */
    const char *(*refuse)(const struct flow *flow, const struct step *step);
    /* Changes what is known of the roles and sockets once the step has succeeded; NULL: nothing. */
    void (*effect)(struct flow *flow, const struct step *step);
};

/* The row of a verb, static. */
const struct verb_row *verb_row(enum verb verb);

/* The verb called `name`, or VERB_NONE; `end` is not one of them. */
enum verb verb_named(const char *name);

/* The verb nearest to a misspelt one that may stand in this scope, or VERB_NONE. SCOPE_CALL: in a
 * block. */
enum verb verb_near(const char *name, enum verb_scope scope);

/* The words that start a line of another kind. */
enum keyword {
    KEYWORD_TITLE,
    KEYWORD_TAGS,
    KEYWORD_NEEDS,
    KEYWORD_SLOW,
    KEYWORD_HOST,
    KEYWORD_WHY,
    KEYWORD_FIX,
    KEYWORD_SETUP,
    KEYWORD_CASE,
    KEYWORD_END,
    KEYWORDS, /* how many there are; also: none of them */
};

/* Returns the name of a keyword, static; the keyword called `name`; and the one nearest to a
 * misspelt name. */
const char *keyword_name(enum keyword keyword);
enum keyword keyword_named(const char *name);
enum keyword keyword_near(const char *name);

#endif
