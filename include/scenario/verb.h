/* The verbs and the keywords of the language. */
#ifndef PORTREUSE_SCENARIO_VERB_H
#define PORTREUSE_SCENARIO_VERB_H

#include <stdbool.h>

enum verb {
    VERB_NONE,
    /* steps of the environment */
    VERB_SYSCTL,
    VERB_AWAIT,
    VERB_COUNT,
    VERB_DESTROY,
    VERB_ADDRESS,
    VERB_SLEEP,
    /* steps of a role: calls on sockets */
    VERB_SOCKET,
    VERB_SETSOCKOPT,
    VERB_GETSOCKOPT,
    VERB_BIND,
    VERB_LISTEN,
    VERB_CONNECT,
    VERB_ACCEPT,
    VERB_SEND,
    VERB_RECV,
    VERB_SHUTDOWN,
    VERB_DISCONNECT,
    VERB_CLOSE,
    VERB_GETSOCKNAME,
    VERB_GETPEERNAME,
    /* steps of a role: the process */
    VERB_FORK,
    VERB_PASS,
    VERB_UID,
    VERB_EXIT,
    VERB_KILL,
    /* blocks */
    VERB_REPEAT,
    VERB_SERVE,
    VERB_STOP,
    VERB_END,
    VERBS,
};

/* Where a verb may stand. */
enum verb_place {
    PLACE_ENVIRONMENT, /* a line of its own, without a role */
    PLACE_ROLE,        /* behind a role's name */
    PLACE_CALL,        /* behind a role's name, and in a block */
};

/* What kinds of answer a verb can give, besides ok and an errno. */
enum verb_answer { GIVES_OK, GIVES_NUMBER, GIVES_DATA, GIVES_ADDRESS, GIVES_VALUE, GIVES_BLOCK };

struct verb_row {
    const char *name;
    enum verb_place place;
    enum verb_answer answer;
    const char *usage; /* the arguments, as documented */
};

/* The row of a verb, static. */
const struct verb_row *verb_row(enum verb verb);

/* The verb called `name`, or VERB_NONE; `end` is not among them. */
enum verb verb_named(const char *name);

/* The verb nearest to a misspelt one that may stand at `place`, or VERB_NONE. */
enum verb verb_near(const char *name, enum verb_place place);

/* The words that start a line of another kind. */
enum keyword {
    KEYWORD_TITLE,
    KEYWORD_TAGS,
    KEYWORD_NEEDS,
    KEYWORD_SLOW,
    KEYWORD_WHY,
    KEYWORD_FIX,
    KEYWORD_SETUP,
    KEYWORD_CASE,
    KEYWORD_END,
    KEYWORDS, /* how many there are; also: none of them */
};

/* The name of a keyword, static; the keyword called `name`, and the one nearest to a misspelt name.
 */
const char *keyword_name(enum keyword keyword);
enum keyword keyword_named(const char *name);
enum keyword keyword_near(const char *name);

#endif
