#include "diagnose/makers_look.h"

#include <string.h>

#include "base/units.h"

int makers_list(int diag, const struct makers_question *question, uint32_t states,
                sockdiag_visit *visit, void *context) {
    struct diag_query query = sockdiag_query(states);
    query.low = question->low;
    query.high = question->high;
    query.remote = (struct endpoint_pattern){.endpoint = question->remote};
    if (question->local.family != 0)
        query.local = (struct endpoint_pattern){.any_port = true, .endpoint = question->local};
    return sockdiag_dump(diag, &query, visit, context);
}

uint64_t makers_entered_ns(const struct inet_socket *socket) {
    uint32_t left_ms = socket->expires_ms < TIME_WAIT_MS ? socket->expires_ms : TIME_WAIT_MS;
    return units_now_ns() - (uint64_t)(TIME_WAIT_MS - left_ms) * NS_PER_MS;
}

bool makers_describe(pid_t pid, struct maker *maker) {
    enum { GENERATIONS = 8 };
    struct owner owner, parent;
    *maker = (struct maker){.starter = 0};
    if (!owner_read(pid, &maker->owner))
        return false;
    maker->owner.fd = -1;
    owner = maker->owner;
    for (unsigned i = 0; i < GENERATIONS && owner.parent > 0; i++) {
        if (!owner_read(owner.parent, &parent))
            break;
        if (!owner_same_program(&owner, &parent)) {
            maker->starter = parent.pid;
            memcpy(maker->starter_program, parent.program, sizeof parent.program);
            break;
        }
        maker->master = parent.pid;
        owner = parent;
    }
    return true;
}

static void name_groups(struct makers *makers, const uint64_t ids[MAKERS_LISTED]) {
    struct cgroup groups[MAKERS_LISTED] = {0};
    bool any = false;
    for (unsigned i = 0; i < makers->known; i++) {
        groups[i].id = ids[i];
        any |= ids[i] != 0;
    }
    if (any)
        cgroup_find(groups, makers->known);
    for (unsigned i = 0; i < makers->known; i++) {
        struct maker *maker = &makers->list[i];
        if (maker->owner.pid == 0)
            memcpy(maker->cgroup, groups[i].path, sizeof groups[i].path);
        if (maker->owner.unit[0] == '\0')
            memcpy(maker->owner.unit, groups[i].unit, sizeof groups[i].unit);
        owner_user(maker->owner.uid, maker->owner.user);
    }
}

void makers_sum_up(struct makers_book *book, uint64_t began_ns, struct makers *makers) {
    uint64_t cgroups[MAKERS_LISTED] = {0};
    makers_finish(book, makers, cgroups);
    makers->seconds = (double)(units_now_ns() - began_ns) / NS_PER_S;
    name_groups(makers, cgroups);
}
