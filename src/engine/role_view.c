/* How a role sees its sockets, and the addresses that are taken from them. */
#include "engine/role.h"

void role_view(struct role *role, unsigned socket) {
    socket_look(board_view(role->board, (unsigned)role->index, socket), role->sockets[socket]);
}

bool role_resolve(struct role *role, const struct address *address, sa_family_t family,
                  struct endpoint *endpoint) {
    bool own = address->use != ADDRESS_WRITTEN && address->role == (unsigned)role->index;
    if (own && role->sockets[address->socket] >= 0)
        role_view(role, address->socket);
    return board_resolve(role->board, address, family, endpoint);
}

static bool resolve(void *context, const struct address *address, struct endpoint *endpoint) {
    return role_resolve(context, address, 0, endpoint);
}

bool role_expected(struct role *role, const struct step *step, const struct answer *answer) {
    return expectation_met(&step->want, answer, role->kernel, resolve, role) != NULL;
}
