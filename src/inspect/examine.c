/* Most often there are a few sockets, and one search for owners is enough. Where there are more
 * than the evidence shows, the heaviest are examined first. If that clears some of them, others
 * take their place, and are examined in turn, in batches that grow: each search reads all of /proc.
 */
#include "inspect/examine.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "kernel/process.h"
#include "model/rules.h"

enum { FIRST_BATCH = EVIDENCE_SUSPECTS, LARGEST_BATCH = 1024 };

void candidates_add(void *context, const struct occupant *occupant) {
    struct candidates *candidates = context;
    if (candidates->count == candidates->room) {
        size_t room = candidates->room == 0 ? 64 : 2 * candidates->room;
        candidates->list = memory_resized(candidates->list, room * sizeof *candidates->list);
        candidates->room = room;
    }
    candidates->list[candidates->count++] = (struct candidate){.occupant = *occupant};
}

/* --- whether bind() was given the port --- */

struct bound_entry {
    uint32_t cookie[2];
    size_t index; /* of the candidate */
};

struct bound_search {
    struct table table; /* of struct bound_entry, by cookie */
    struct candidates *candidates;
};

static bool mark_bound(void *context, const struct inet_socket *socket) {
    struct bound_search *search = context;
    const struct bound_entry *entry = table_find(&search->table, socket->cookie);
    if (entry != NULL)
        search->candidates->list[entry->index].occupant.bound = KNOWN_YES;
    return true;
}

/* Finds out which outgoing connections got their port from the kernel. Without an outgoing one the
 * walk is saved. */
static void find_bound(const struct evidence_source *source, const struct refusal *refusal,
                       struct candidates *candidates) {
    struct bound_search search = {
        .table = {.entry_size = sizeof(struct bound_entry), .key_size = sizeof(uint32_t[2])},
        .candidates = candidates};
    for (size_t i = 0; i < candidates->count; i++) {
        struct occupant *occupant = &candidates->list[i].occupant;
        bool is_new;
        if (occupant->socket.opener != OPENED_HERE)
            continue;
        occupant->bound = KNOWN_NO;
        struct bound_entry *entry = table_add(&search.table, occupant->socket.cookie, &is_new);
        entry->index = i;
    }
    struct diag_query query = evidence_query(refusal);
    query.states &= ~(1U << STATE_BOUND | 1U << STATE_TIME_WAIT | 1U << STATE_LISTEN);
    query.asked = true;
    if (search.table.count > 0 && query.protocol == PROTOCOL_TCP)
        sockdiag_dump(source->diag, &query, mark_bound, &search);
    table_free(&search.table);
}

/* --- options --- */

/* Reads the options of a socket from the first of its owners that allows it. */
static void borrow_options(const struct owners *owners, struct occupant *occupant) {
    struct socket_view view = {0};
    for (unsigned i = 0; i < owners->known; i++) {
        const struct owner *owner = &owners->oldest[i];
        int fd = process_borrow(owner->pid, owner->fd, occupant->socket.inode);
        if (fd < 0)
            continue;
        int error = socket_look(&view, fd);
        close(fd);
        if (error != 0)
            continue;
        occupant->reuseaddr = knowledge_of(view.reuseaddr);
        occupant->reuseport = knowledge_of(view.reuseport);
        return;
    }
}

/* --- batches --- */

static struct candidate *candidate_of(struct candidates *candidates,
                                      const struct suspect *suspect) {
    const struct inet_socket *wanted = &suspect->occupant.socket;
    for (size_t i = 0; i < candidates->count; i++)
        if (socket_same(&candidates->list[i].occupant.socket, wanted))
            return &candidates->list[i];
    return NULL;
}

/* Returns whether a listener is in the way: one that has been examined, or where there are many
 * candidates, one of which nothing that is still to be learnt would change that. */
static bool listener_is_in_the_way(const struct refusal *refusal,
                                   const struct candidates *candidates) {
    bool many = candidates->count > EVIDENCE_SUSPECTS;
    for (size_t i = 0; i < candidates->count; i++) {
        const struct candidate *candidate = &candidates->list[i];
        const struct occupant *occupant = &candidate->occupant;
        if (occupant->socket.state != STATE_LISTEN || !cause_in_the_way(refusal, occupant))
            continue;
        if (candidate->examined ||
            (many &&
             rules_between(refusal->call, &refusal->claim, occupant).in_the_way == KNOWN_YES))
            return true;
    }
    return false;
}

/* A busy server has thousands of connections that it accepted: once its listener is known to be in
 * the way, those that have not been examined are left out. */
static bool is_chosen(const struct candidate *candidate, bool listener) {
    return !listener || candidate->examined || candidate->occupant.socket.state == STATE_LISTEN ||
           candidate->occupant.socket.opener == OPENED_HERE;
}

/* Chooses the heaviest of the candidates that are in the way. Returns whether all of these have
 * been examined. */
static bool choose(const struct refusal *refusal, struct candidates *candidates,
                   struct evidence *evidence) {
    bool examined = true, listener = listener_is_in_the_way(refusal, candidates);
    evidence_clear(evidence);
    for (size_t i = 0; i < candidates->count; i++) {
        const struct candidate *candidate = &candidates->list[i];
        if (is_chosen(candidate, listener))
            evidence_add(evidence, refusal, &candidate->occupant);
    }
    for (unsigned i = 0; i < evidence->suspect_count; i++) {
        const struct candidate *candidate = candidate_of(candidates, &evidence->suspects[i]);
        examined &= candidate == NULL || candidate->examined;
    }
    return examined;
}

/* Examines those that are shown, and up to `most` others. */
static void examine_batch(struct candidates *candidates, const struct evidence *evidence,
                          size_t most) {
    struct owners *owners = memory_zeroed(most, sizeof *owners);
    struct candidate **batch = memory_zeroed(most, sizeof *batch);
    size_t count = 0;
    uint32_t asker = geteuid();
    for (unsigned i = 0; i < evidence->suspect_count; i++) {
        struct candidate *candidate = candidate_of(candidates, &evidence->suspects[i]);
        if (candidate != NULL && !candidate->examined) {
            candidate->examined = true;
            batch[count++] = candidate;
        }
    }
    for (size_t i = 0; i < candidates->count && count < most; i++)
        if (!candidates->list[i].examined) {
            candidates->list[i].examined = true;
            batch[count++] = &candidates->list[i];
        }
    for (size_t i = 0; i < count; i++)
        owners[i] = owners_wanted(&batch[i]->occupant.socket, asker);
    owners_find(owners, count);
    for (size_t i = 0; i < count; i++)
        borrow_options(&owners[i], &batch[i]->occupant);
    free(owners);
    free(batch);
}

/* Finds the owners of those that are shown, and reads their options. Returns how many processes
 * could not be looked into. */
static unsigned find_owners(struct candidates *candidates, struct evidence *evidence) {
    unsigned unseen = evidence_find_owners(evidence);
    for (unsigned i = 0; i < evidence->suspect_count; i++) {
        struct suspect *suspect = &evidence->suspects[i];
        struct candidate *candidate = candidate_of(candidates, suspect);
        borrow_options(&suspect->owners, &suspect->occupant);
        if (candidate == NULL)
            continue;
        candidate->occupant = suspect->occupant;
        candidate->examined = true;
    }
    return unseen;
}

/* An MPTCP listener was found after its TCP socket had become a candidate. */
static void take_mptcp(struct candidates *candidates, const struct evidence *evidence) {
    for (unsigned i = 0; i < evidence->suspect_count; i++) {
        const struct occupant *found = &evidence->suspects[i].occupant;
        for (size_t j = 0; found->socket.protocol == PROTOCOL_MPTCP && j < candidates->count; j++) {
            struct occupant *mine = &candidates->list[j].occupant;
            if (memcmp(mine->socket.cookie, found->socket.cookie, sizeof found->socket.cookie) == 0)
                *mine = *found;
        }
    }
}

/* Locates all that may be examined in one look at the processes, where they are so many that they
 * are examined in batches. Connections are not, beside a listener that is in the way. */
static void locate(const struct refusal *refusal, const struct candidates *candidates) {
    bool listener = listener_is_in_the_way(refusal, candidates);
    uint32_t *inodes = memory_zeroed(candidates->count, sizeof *inodes);
    size_t count = 0;
    bool others = true;
    uint32_t asker = geteuid();
    for (size_t i = 0; i < candidates->count; i++) {
        const struct inet_socket *socket = &candidates->list[i].occupant.socket;
        if (!is_chosen(&candidates->list[i], listener))
            continue;
        inodes[count++] = socket->inode;
        others &= socket->inode == 0 || owners_of_others(socket, asker);
    }
    owners_locate(inodes, count, others);
    free(inodes);
}

unsigned examine_candidates(const struct evidence_source *source, const struct refusal *refusal,
                            struct candidates *candidates, struct evidence *evidence) {
    size_t most = FIRST_BATCH;
    take_mptcp(candidates, evidence);
    find_bound(source, refusal, candidates);
    choose(refusal, candidates, evidence);
    if (candidates->count > EVIDENCE_SUSPECTS)
        locate(refusal, candidates);
    unsigned unseen = find_owners(candidates, evidence);
    if (candidates->count > EVIDENCE_SUSPECTS) {
        while (!choose(refusal, candidates, evidence)) {
            examine_batch(candidates, evidence, most);
            most = 8 * most < LARGEST_BATCH ? 8 * most : LARGEST_BATCH;
        }
        unseen = find_owners(candidates, evidence);
    }
    evidence_weigh(evidence, refusal);
    return unseen;
}
