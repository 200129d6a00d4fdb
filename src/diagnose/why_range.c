/* Each socket in the way that stands for the cause is counted for the process that has it. */
#include "diagnose/why_range.h"

#include <stddef.h>

struct count {
    const struct refusal *refusal;
    const struct candidates *candidates;
    struct holders holders; /* owned: all sockets are of the route number 0 */
    enum cause cause;
};

static bool stands_for_cause(const struct count *count, const struct occupant *occupant) {
    return cause_blame(count->refusal, occupant).cause == count->cause;
}

/* Returns false if out of memory. */
static bool add_up(struct count *count, struct why_range *range) {
    bool good = true;
    for (size_t i = 0; good && i < count->candidates->count; i++) {
        const struct occupant *occupant = &count->candidates->list[i].occupant;
        if (!stands_for_cause(count, occupant))
            continue;
        range->sockets++;
        good = holders_note(&count->holders, 0, &occupant->socket);
    }
    return good;
}

/* Returns the number of a socket that the first owner has, or of any that stands for the cause. */
static size_t find_example(const struct count *count, const struct why_range *range) {
    pid_t pid = range->owners.known == 0 ? 0 : range->owners.list[0].owner.pid;
    uint32_t inode = pid == 0 ? 0 : holders_example(&count->holders, 0, pid);
    size_t i = 0;
    while (i < count->candidates->count) {
        const struct occupant *occupant = &count->candidates->list[i].occupant;
        if (stands_for_cause(count, occupant) && (inode == 0 || occupant->socket.inode == inode))
            break;
        i++;
    }
    return i;
}

/* Makes the socket the only suspect, which stands for all. */
static unsigned show_example(const struct count *count, size_t index, struct evidence *evidence) {
    if (index >= count->candidates->count)
        return 0;
    evidence->suspect_count = 1;
    evidence->suspects[0] = (struct suspect){
        .occupant = count->candidates->list[index].occupant,
        .blame = {.cause = count->cause, .when = evidence->suspects[0].blame.when}};
    return evidence_find_owners(evidence);
}

unsigned why_range_look(const struct refusal *refusal, const struct candidates *candidates,
                        struct evidence *evidence, struct why_range *range) {
    static const uint32_t route = 0;
    struct count count = {.refusal = refusal, .candidates = candidates, .cause = evidence->cause};
    *range = (struct why_range){0};
    holders_begin(&count.holders);
    if (add_up(&count, range))
        holders_search(&count.holders, &route, 1);
    holders_list(&count.holders, route, &range->owners); /* what was not found counts as hidden */
    show_example(&count, find_example(&count, range), evidence);
    unsigned unseen = range->owners.hidden > 0 ? count.holders.unseen : 0;
    holders_free(&count.holders);
    return unseen;
}
