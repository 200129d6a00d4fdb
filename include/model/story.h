/* What a first socket does with a port before a second one wants it, as a list of steps. The table
 * of stories is the only place where one is declared: the matrix makes the steps with real sockets
 * (probe/matrix.h), and the functions here follow them in the model. */
#ifndef PORTREUSE_MODEL_STORY_H
#define PORTREUSE_MODEL_STORY_H

#include <stdbool.h>
#include <stddef.h>

#include "model/rules.h"

/* --- the table --- */

/* What happens, in this order. "The connection" is what ACCEPT or CONNECT has made. A socket that
 * closes a connection first is followed until the peer has acknowledged that. */
enum story_step {
    STORY_END,
    STORY_BIND,           /* the first socket binds to the port by its number, */
    STORY_BIND_AUTO,      /* or to port 0, */
    STORY_LISTEN,         /* and listens */
    STORY_ACCEPT,         /* a client connects to it, and is accepted */
    STORY_DROP_LISTENER,  /* the listener is closed */
    STORY_CONNECT,        /* the first socket connects to a server */
    STORY_CONNECT_SILENT, /* the same, but the server does not answer */
    STORY_SHUTDOWN,       /* the connection is shut down for writing, */
    STORY_CLOSE,          /* or closed; */
    STORY_PEER_CLOSE,     /* its peer closes */
    STORY_JOIN,           /* another socket with both options tries to bind to the same address, */
    STORY_JOIN_LISTEN,    /* and to listen, if it is bound */
    STORY_CLEAR,          /* the first socket's options are cleared, */
    STORY_SET,            /* or set: those that it is called after */
    STORY_SECOND_CLEAR,   /* the second socket's options are cleared */
    STORY_STEPS
};

enum story_kind { STORY_BOUND, STORY_ACCEPTED, STORY_OUTGOING };

enum { STORY_LENGTH = 6 };

struct story {
    const char *name; /* LISTEN, OUT-CONNECT */
    const char *line; /* what the first socket is: `a listening socket` */
    enum story_kind kind;
    bool udp, tcp;
    enum story_step before[STORY_LENGTH]; /* before the second socket's bind() or connect(), */
    enum story_step between[2];           /* and between its bind() and its listen() */
};

enum {
    STORY_OF_BOUND,
    STORY_OF_LISTEN,
    STORY_OF_ESTABLISHED,
    STORY_OF_TIME_WAIT,
    STORY_OF_LISTEN_LATER,
    STORIES_CORE, /* so many are tried in full by default */
    STORY_OF_OUT_BOUND = 9,
    STORIES = 22
};

extern const struct story stories[STORIES];

/* Returns whether the first socket makes such a step before the second one's first call. */
bool story_has(const struct story *story, enum story_step step);

/* --- the model --- */

/* Who plays. */
struct story_cast {
    struct claim first;         /* as it binds to the port, with its options */
    struct endpoint connection; /* the local end of its connection */
    struct endpoint server;     /* the remote end, where the connection is outgoing */
};

/* What a port looks like. All zero: nobody has it. */
enum { STORY_FIRST, STORY_CONNECTION, STORY_JOINED, STORY_PARTS };

struct story_scene {
    struct occupant parts[STORY_PARTS];
    bool present[STORY_PARTS];
    struct port_history history;
};

/* Makes the steps up to STORY_END or `most`. */
void story_play(const enum story_step *steps, size_t most, const struct story_cast *cast,
                struct story_scene *scene);

/* Returns the state in which the connection, or else the first socket, is at the end of `before`.
 */
enum tcp_state story_state(const struct story *story);

/* What the second socket calls. */
enum story_call {
    STORY_CALL_BIND,         /* bind() to the port, and then listen() */
    STORY_CALL_PORT_0,       /* bind() to port 0 where no other port can be chosen; listen() */
    STORY_CALL_CONNECT,      /* connect() without bind(), likewise */
    STORY_CALL_BIND_CONNECT, /* bind() to the port, and then connect() */
    STORY_CALLS
};

/* What the calls return: 0, an errno, or STORY_NOT_ASKED: the call is not made, as one before it
 * failed, or there is none. */
enum { STORY_NOT_ASKED = -1 };

struct story_answer {
    int bind, listen, connect;
    enum rule rule; /* the rule that decides the last of them */
};

/* Returns whether the first socket gets as far as the story goes once the second is bound. Where a
 * kernel lets the second in by mistake (quirks.h), the first cannot listen any more. */
bool story_goes_on(const struct story *story, const struct story_cast *cast,
                   const struct claim *second);

/* Returns what the model says of the second socket. `second` has the port that is wanted, the range
 * of that port alone, and its `remote` for connect(). */
struct story_answer story_second(const struct story *story, const struct story_cast *cast,
                                 enum story_call call, const struct claim *second);

#endif
