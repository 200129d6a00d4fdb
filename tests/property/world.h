/* The world of a story: its sockets, and what is known of them. Only the parts of it include this.
 *
 *   world.c       the moves
 *   world_look.c  what the sockets look like, and what the model says
 */
#ifndef PORTREUSE_TESTS_PROPERTY_WORLD_H
#define PORTREUSE_TESTS_PROPERTY_WORLD_H

#include <sys/socket.h>

#include "model/rules.h"
#include "story.h"

enum { OTHER_USER = 65534, LOOPBACK = 1, REMNANTS = STORY_MOVES, OCCUPANTS = SLOTS + REMNANTS };

struct actor {
    int fd; /* -1: none */
    sa_family_t family;
    uint32_t uid, device;
    bool bound;      /* it has a port, */
    bool locked;     /* and one that bind() named: it keeps it when a connection ends */
    bool by_connect; /* or one that connect() chose */
    bool mapped;     /* it was an IPv6 socket's connection over IPv4: it can be of no other kind */
    bool connected;  /* it is or was a connection: it can neither bind nor listen nor connect */
    int peer;        /* slot of the other end, or -1 */
    int ghost;       /* the remnant that the other end has become, or -1 */
};

struct world {
    struct actor actors[SLOTS];
    struct occupant remnants[REMNANTS];
    bool gone[REMNANTS]; /* a remnant that was ended */
    unsigned remnant_count;
    struct port_history histories[STORY_PORTS];
    bool autobind_reuse;
    uint16_t base;
    FILE *script;
    struct outcome *outcome;
    unsigned move;
};

/* What the model says of a call. */
struct want {
    int error;
    enum rule rule;
    bool eligible[STORY_PORTS / 2]; /* automatic ports */
};

/* --- world_look.c --- */

/* What the socket itself tells. CLOSED where its state cannot be told. */
bool is_v6only(const struct actor *actor);
enum tcp_state state_of(const struct actor *actor);

/* The local end, with port 0 if it has none any more, which getsockname(2) does not tell; and the
 * remote one. */
struct endpoint local_of(const struct actor *actor);
struct endpoint remote_of(const struct actor *actor);

struct occupant occupant_of(const struct actor *actor);

/* The socket that calls, as if bound to `local`. */
struct claim claim_of(const struct world *world, const struct actor *actor,
                      const struct endpoint *local);

/* Gathers the sockets that have a port, but for `self`; returns how many. */
size_t gather(const struct world *world, const struct actor *self,
              struct occupant occupants[OCCUPANTS]);

/* What the model says of the call, beside all other sockets of the world. */
struct want ask_model(struct world *world, enum port_call call, const struct actor *actor,
                      const struct claim *claim);

/* The memory of a port: with a socket that has just bound or listened, or that
 * connect() put there, and without those that have left. */
void remember(struct world *world, const struct claim *claim);
void remember_connect(struct world *world, uint16_t port);
void forget(struct world *world);

#endif
