/* The names of the protocols and of the states, by number. */
#include "model/socket.h"

#include <stddef.h>
#include <string.h>

#include "base/text.h"

static const char *const names[STATE_COUNT] = {
    [STATE_ESTABLISHED] = "ESTABLISHED",
    [STATE_SYN_SENT] = "SYN-SENT",
    [STATE_SYN_RECEIVED] = "SYN-RECEIVED",
    [STATE_FIN_WAIT_1] = "FIN-WAIT-1",
    [STATE_FIN_WAIT_2] = "FIN-WAIT-2",
    [STATE_TIME_WAIT] = "TIME-WAIT",
    [STATE_CLOSED] = "CLOSED",
    [STATE_CLOSE_WAIT] = "CLOSE-WAIT",
    [STATE_LAST_ACK] = "LAST-ACK",
    [STATE_LISTEN] = "LISTEN",
    [STATE_CLOSING] = "CLOSING",
    [STATE_BOUND] = "BOUND",
};

/* TCP and MPTCP have every state, by its own name; the others few. */
static const char *name_of(enum protocol protocol, size_t state) {
    bool few = protocol == PROTOCOL_UDP || protocol == PROTOCOL_UNIX;
    if (!few)
        return names[state];
    if (state == STATE_CLOSED)
        return "UNCONN";
    bool has = state == STATE_ESTABLISHED || (state == STATE_LISTEN && protocol == PROTOCOL_UNIX);
    return has ? names[state] : NULL;
}

uint32_t socket_states(enum protocol protocol, const char *name) {
    if (strcmp(name, "ANY") == 0)
        return STATES_ANY;
    for (size_t i = 0; i < STATE_COUNT; i++) {
        const char *state = name_of(protocol, i);
        if (state != NULL && strcmp(state, name) == 0)
            return 1U << i;
    }
    return 0;
}

const char *socket_state_name(enum tcp_state state) {
    const char *name = state < STATE_COUNT ? names[state] : NULL;
    return name == NULL ? "NONE" : name;
}

const char *socket_state_text(enum protocol protocol, enum tcp_state state) {
    const char *name = state < STATE_COUNT ? name_of(protocol, state) : NULL;
    return name == NULL ? socket_state_name(state) : name;
}

const char *socket_protocol_name(enum protocol protocol) {
    static const char *const protocols[PROTOCOL_COUNT] = {[PROTOCOL_TCP] = "TCP",
                                                          [PROTOCOL_UDP] = "UDP",
                                                          [PROTOCOL_MPTCP] = "MPTCP",
                                                          [PROTOCOL_UNIX] = "Unix"};
    return protocols[protocol < PROTOCOL_COUNT ? protocol : PROTOCOL_TCP];
}

const char *socket_state_near(enum protocol protocol, const char *name) {
    struct suggestion nearest = suggest_begin(name);
    for (size_t i = 0; i < STATE_COUNT; i++)
        if (name_of(protocol, i) != NULL)
            suggest_offer(&nearest, name_of(protocol, i));
    suggest_offer(&nearest, "ANY");
    return nearest.word;
}

bool socket_same(const struct inet_socket *a, const struct inet_socket *b) {
    return memcmp(a->cookie, b->cookie, sizeof a->cookie) == 0 && a->inode == b->inode &&
           a->state == b->state && endpoint_equal(&a->local, &b->local) &&
           endpoint_equal(&a->remote, &b->remote);
}
