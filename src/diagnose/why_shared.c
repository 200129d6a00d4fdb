/* The sockets that would be in the way without the options are those that the port is shared with.
 * Connections are not: they keep their peers. */
#include "diagnose/why_shared.h"

#include <errno.h>

#include "diagnose/why_suspects.h"

static bool is_shared(const struct suspect *suspect, enum protocol protocol) {
    enum tcp_state state = suspect->occupant.socket.state;
    return protocol == PROTOCOL_UDP ? state == STATE_CLOSED : state == STATE_LISTEN;
}

/* Keeps the sockets that receive from any peer. They are the heaviest, and so come first. */
static void keep_shared(struct evidence *evidence, enum protocol protocol, uint32_t on_port) {
    unsigned kept = 0;
    while (kept < evidence->suspect_count && is_shared(&evidence->suspects[kept], protocol))
        kept++;
    if (kept < evidence->suspect_count)
        evidence->total = kept;
    else if (evidence->total > on_port)
        evidence->total = on_port;
    evidence->suspect_count = kept;
}

void why_shared_find(struct why *why) {
    const struct why_question *asked = &why->asked;
    bool udp = asked->protocol == PROTOCOL_UDP;
    uint32_t on_port = why->on_port[udp ? STATE_CLOSED : STATE_LISTEN];
    bool by_option = asked->reuseport || (udp && asked->reuseaddr);
    if (on_port == 0 || asked->remote.family != 0 || !by_option)
        return;
    why->shared = true;
    why->error = EADDRINUSE;
    why_find_suspects(why);
    why->error = 0;
    keep_shared(&why->evidence, asked->protocol, on_port);
    why->shared = why->evidence.suspect_count > 0;
    why->words = NULL;
    why->time_left_ms = 0;
    if (!why->shared)
        why->evidence = (struct evidence){0};
}
