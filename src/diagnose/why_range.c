/* One look at the descriptors of all processes; each socket in the way that stands for the cause is
 * counted for the process that has it. */
#include "diagnose/why_range.h"

#include <stddef.h>

#include "base/memory.h"

/* How many of the sockets a process has. */
struct share {
    uint32_t pid;
    uint32_t sockets;
    size_t first; /* the number of one of them */
};

struct count {
    const struct refusal *refusal;
    const struct candidates *candidates;
    struct table sample,
        shares; /* owned: of struct owners_sample by inode, of struct share by pid */
    enum cause cause;
};

static bool stands_for_cause(const struct count *count, const struct occupant *occupant) {
    return cause_blame(count->refusal, occupant).cause == count->cause;
}

static const struct owners_sample *owner_of(const struct count *count,
                                            const struct occupant *occupant) {
    uint32_t inode = occupant->socket.inode;
    return inode == 0 ? NULL : table_find(&count->sample, &inode);
}

/* Without memory a process is left out. */
static void add_share(struct count *count, const struct owners_sample *owner, size_t index) {
    uint32_t pid = (uint32_t)owner->pid;
    bool is_new;
    struct share *share = table_add(&count->shares, &pid, &is_new);
    if (share == NULL)
        return;
    if (is_new)
        share->first = index;
    share->sockets += owner->weight;
}

static void add_up(struct count *count, struct why_range *range) {
    for (size_t i = 0; i < count->candidates->count; i++) {
        const struct occupant *occupant = &count->candidates->list[i].occupant;
        const struct owners_sample *owner = owner_of(count, occupant);
        if (!stands_for_cause(count, occupant))
            continue;
        range->sockets++;
        range->ownerless += occupant->socket.inode == 0;
        if (owner != NULL)
            add_share(count, owner, i);
    }
}

/* Lists a process among those with the most sockets. */
static void list_holder(struct why_range *range, const struct share *share) {
    unsigned place = range->holder_count;
    while (place > 0 && range->holders[place - 1].sockets < share->sockets)
        place--;
    if (place == WHY_HOLDERS)
        return;
    range->holder_count += range->holder_count < WHY_HOLDERS;
    for (unsigned i = range->holder_count - 1; i > place; i--)
        range->holders[i] = range->holders[i - 1];
    range->holders[place] =
        (struct why_holder){.owner = {.pid = (pid_t)share->pid}, .sockets = share->sockets};
}

/* Returns the number of a socket that the first holder has, or of any that stands for the cause. */
static size_t find_example(const struct count *count, const struct why_range *range) {
    uint32_t pid = range->holder_count == 0 ? 0 : (uint32_t)range->holders[0].owner.pid;
    const struct share *share = pid == 0 ? NULL : table_find(&count->shares, &pid);
    size_t i = 0;
    if (share != NULL)
        return share->first;
    while (i < count->candidates->count &&
           !stands_for_cause(count, &count->candidates->list[i].occupant))
        i++;
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
    struct count count = {
        .refusal = refusal,
        .candidates = candidates,
        .shares = {.entry_size = sizeof(struct share), .key_size = sizeof(uint32_t)},
        .cause = evidence->cause};
    unsigned unseen = owners_sample(&count.sample);
    *range = (struct why_range){0};
    add_up(&count, range);
    range->process_count = (uint32_t)count.shares.count;
    for (size_t i = 0; i < count.shares.count; i++)
        list_holder(range, table_entry(&count.shares, i));
    for (unsigned i = 0; i < range->holder_count; i++)
        owner_read(range->holders[i].owner.pid, &range->holders[i].owner);
    show_example(&count, find_example(&count, range), evidence);
    table_free(&count.sample);
    table_free(&count.shares);
    return unseen;
}
