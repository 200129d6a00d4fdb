#include "world.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "kernel/sockopt.h"

struct kernel_quirks world_quirks;

static bool has_option(const struct actor *actor, int option) {
    return sockopt_get_int(actor->fd, SOL_SOCKET, option, 0) != 0;
}

bool is_v6only(const struct actor *actor) {
    return actor->family == AF_INET6 &&
           sockopt_get_int(actor->fd, IPPROTO_IPV6, IPV6_V6ONLY, 0) != 0;
}

/* CLOSED where it cannot be told. */
enum tcp_state state_of(const struct actor *actor) {
    struct tcp_info info = {0};
    socklen_t size = sizeof info;
    return getsockopt(actor->fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0
               ? STATE_CLOSED
               : (enum tcp_state)info.tcpi_state;
}

static struct endpoint name_of(const struct actor *actor,
                               int (*get)(int, struct sockaddr *, socklen_t *)) {
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof address;
    if (get(actor->fd, (struct sockaddr *)&address, &size) < 0)
        return endpoint_wildcard(actor->family, 0);
    return endpoint_from_sockaddr(&address);
}

struct endpoint local_of(const struct actor *actor) {
    struct endpoint local = name_of(actor, getsockname);
    if (!actor->bound)
        local.port = 0;
    return local;
}

struct endpoint remote_of(const struct actor *actor) {
    return name_of(actor, getpeername);
}

struct occupant occupant_of(const struct actor *actor) {
    enum tcp_state state = state_of(actor);
    return (struct occupant){.socket = {.state = state == STATE_CLOSED ? STATE_BOUND : state,
                                        .local = local_of(actor),
                                        .remote = remote_of(actor),
                                        .inode = 1,
                                        .uid = actor->uid,
                                        .interface = actor->device,
                                        .v6only = is_v6only(actor),
                                        .v6only_known = true},
                             .reuseaddr = knowledge_of(has_option(actor, SO_REUSEADDR)),
                             .reuseport = knowledge_of(has_option(actor, SO_REUSEPORT)),
                             .outgoing = NOT_KNOWN,
                             .bound = knowledge_of(actor->locked),
                             .by_connect = knowledge_of(actor->by_connect)};
}

static struct port_history *history_of(struct world *world, uint16_t port) {
    return &world->histories[(port - world->base) % STORY_PORTS];
}

/* On an older kernel, a port that bind() was given once is none that connect() shares, even if all
 * that are left there were chosen by connect(). */
static void poison(struct world *world, struct occupant *occupants, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (world_quirks.stays_poisoned && history_of(world, occupants[i].socket.local.port)->bound)
            occupants[i].by_connect = KNOWN_NO;
}

size_t gather(const struct world *world, const struct actor *self,
              struct occupant occupants[OCCUPANTS]) {
    size_t count = 0;
    for (unsigned i = 0; i < SLOTS; i++)
        if (world->actors[i].fd >= 0 && world->actors[i].bound && &world->actors[i] != self)
            occupants[count++] = occupant_of(&world->actors[i]);
    for (unsigned i = 0; i < world->remnant_count; i++)
        if (!world->gone[i])
            occupants[count++] = world->remnants[i];
    return count;
}

struct claim claim_of(const struct world *world, const struct actor *actor,
                      const struct endpoint *local) {
    return (struct claim){.local = *local,
                          .reuseaddr = has_option(actor, SO_REUSEADDR),
                          .reuseport = has_option(actor, SO_REUSEPORT),
                          .v6only = is_v6only(actor),
                          .uid = actor->uid,
                          .interface = actor->device,
                          .range_low = (uint16_t)(world->base + STORY_PORTS / 2),
                          .range_high = (uint16_t)(world->base + STORY_PORTS - 1),
                          .autobind_reuse = world->autobind_reuse,
                          .quirks = world_quirks};
}

void remember(struct world *world, const struct claim *claim) {
    rules_remember(history_of(world, claim->local.port), claim);
}

void remember_connect(struct world *world, uint16_t port) {
    rules_remember_connect(history_of(world, port));
}

void forget(struct world *world) {
    struct occupant all[OCCUPANTS], there[OCCUPANTS];
    size_t count = gather(world, NULL, all);
    for (unsigned i = 0; i < STORY_PORTS; i++) {
        size_t on_port = 0;
        for (size_t k = 0; k < count; k++)
            if (all[k].socket.local.port == world->base + i)
                there[on_port++] = all[k];
        rules_forget(&world->histories[i], there, on_port);
    }
}

/* --- what the model says --- */

struct want ask_model(struct world *world, enum port_call call, const struct actor *actor,
                      const struct claim *claim) {
    struct occupant occupants[OCCUPANTS];
    struct want want = {0};
    size_t count = gather(world, actor, occupants);
    poison(world, occupants, count);
    if (claim->local.port == 0) {
        struct range_ruling range = rules_range(call, claim, occupants, count, want.eligible);
        want.error = range.error;
        want.rule = range.rule;
        return want;
    }
    struct port_ruling port =
        rules_port(call, claim, occupants, count, history_of(world, claim->local.port));
    bool refused = port.ruling.in_the_way == KNOWN_YES;
    want.error = !refused ? 0 : call == CALL_CONNECT ? EADDRNOTAVAIL : EADDRINUSE;
    want.rule = port.ruling.rule;
    return want;
}
