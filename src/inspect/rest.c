/* All of these sockets are described together, up to SERVER_SOCKETS. The commands that stop them
 * are collected, each once; several kill(1) of the same kind become one. */
#include "inspect/rest.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* --- the commands --- */

static bool is_given(const struct evidence *evidence, const struct rest *rest,
                     const struct stop *stop) {
    for (unsigned i = 0; i < evidence->suspect_count; i++) {
        const struct stops *stops = &evidence->suspects[i].server.stops;
        for (unsigned j = 0; j < stops->count; j++)
            if (strcmp(stops->list[j].line, stop->line) == 0)
                return true;
    }
    for (unsigned i = 0; i < rest->stop_count; i++)
        if (strcmp(rest->stops[i].line, stop->line) == 0)
            return true;
    return false;
}

/* Returns the process ids of `kill PID ...`, with a blank before each, or NULL. */
static const char *plain_kill(const struct stop *stop) {
    static const char kill[] = "kill";
    const char *pids = stop->line + strlen(kill);
    bool is_plain = strncmp(stop->line, kill, strlen(kill)) == 0 && stop->price[0] == '\0' &&
                    pids[strspn(pids, " 0123456789")] == '\0';
    return is_plain ? pids : NULL;
}

/* Returns false without room. */
static bool add_stop(struct rest *rest, const struct stop *stop) {
    const char *pids = plain_kill(stop);
    for (unsigned i = 0; pids != NULL && i < rest->stop_count; i++) {
        struct stop *other = &rest->stops[i];
        if (plain_kill(other) != NULL && other->root == stop->root &&
            strlen(other->line) + strlen(pids) < sizeof other->line) {
            strcat(other->line, pids);
            return true;
        }
    }
    if (rest->stop_count == REST_STOPS)
        return false;
    rest->stops[rest->stop_count++] = *stop;
    return true;
}

static void add_stops(const struct evidence *evidence, struct rest *rest,
                      const struct server *server) {
    bool all = server->stops.count > 0;
    for (unsigned i = 0; i < server->stops.count; i++)
        if (!is_given(evidence, rest, &server->stops.list[i]))
            all &= add_stop(rest, &server->stops.list[i]);
    rest->left += !all;
}

/* --- the sockets --- */

struct crowd {
    struct inet_socket sockets[SERVER_SOCKETS];
    struct owners owners[SERVER_SOCKETS];
    struct server servers[SERVER_SOCKETS];
    unsigned count;
};

static bool is_shown(const struct evidence *evidence, const struct inet_socket *socket) {
    for (unsigned i = 0; i < evidence->suspect_count; i++)
        if (socket_same(&evidence->suspects[i].occupant.socket, socket))
            return true;
    return false;
}

/* Adds the sockets that are shown and as heavy as the first; returns how many. */
static unsigned add_shown(const struct evidence *evidence, struct crowd *crowd) {
    while (crowd->count < evidence->suspect_count &&
           evidence->suspects[crowd->count].blame.weight == evidence->suspects[0].blame.weight) {
        crowd->sockets[crowd->count] = evidence->suspects[crowd->count].occupant.socket;
        crowd->owners[crowd->count] = evidence->suspects[crowd->count].owners;
        crowd->count++;
    }
    return crowd->count;
}

/* The order of the kernel is that of a hash table. */
static int compare(const void *left, const void *right) {
    const struct inet_socket *a = left, *b = right;
    int order = (a->local.family > b->local.family) - (a->local.family < b->local.family);
    if (order == 0)
        order = memcmp(a->local.address, b->local.address, sizeof a->local.address);
    return order != 0 ? order : (a->inode > b->inode) - (a->inode < b->inode);
}

static void add_others(const struct refusal *refusal, const struct candidates *candidates,
                       const struct evidence *evidence, struct crowd *crowd, struct rest *rest) {
    unsigned shown = crowd->count;
    for (size_t i = 0; i < candidates->count; i++) {
        const struct occupant *occupant = &candidates->list[i].occupant;
        if (!cause_in_the_way(refusal, occupant) ||
            cause_blame(refusal, occupant).weight != evidence->suspects[0].blame.weight ||
            is_shown(evidence, &occupant->socket))
            continue;
        rest->sockets++;
        if (crowd->count == SERVER_SOCKETS) {
            rest->left++;
            continue;
        }
        crowd->sockets[crowd->count++] = occupant->socket;
    }
    if (crowd->count > shown)
        qsort(&crowd->sockets[shown], crowd->count - shown, sizeof crowd->sockets[0], compare);
    for (unsigned i = shown; i < crowd->count; i++)
        crowd->owners[i].inode = crowd->sockets[i].inode;
}

static unsigned count_servers(const struct crowd *crowd) {
    unsigned servers = 0;
    for (unsigned i = 0; i < crowd->count; i++) {
        bool is_new = crowd->servers[i].main.pid != 0;
        for (unsigned j = 0; j < i; j++)
            is_new &= crowd->servers[i].main.pid != crowd->servers[j].main.pid;
        servers += is_new;
    }
    return servers;
}

static void describe(struct crowd *crowd) {
    struct server_socket sockets[SERVER_SOCKETS];
    for (unsigned i = 0; i < crowd->count; i++)
        sockets[i] = (struct server_socket){&crowd->owners[i], &crowd->sockets[i]};
    server_describe(sockets, crowd->count, crowd->servers);
}

void rest_find(const struct refusal *refusal, const struct candidates *candidates,
               struct evidence *evidence, struct rest *rest) {
    struct crowd *crowd = memory_zeroed(1, sizeof *crowd);
    *rest = (struct rest){0};
    if (evidence->suspect_count == 0) {
        free(crowd);
        return;
    }
    unsigned shown = add_shown(evidence, crowd);
    if (shown == EVIDENCE_SUSPECTS)
        add_others(refusal, candidates, evidence, crowd, rest);
    for (unsigned i = 0; i < shown; i++)
        crowd->servers[i] = evidence->suspects[i].server;
    if (crowd->count > shown) {
        owners_find(&crowd->owners[shown], crowd->count - shown);
        describe(crowd);
        for (unsigned i = 0; i < shown; i++)
            evidence->suspects[i].server = crowd->servers[i];
    }
    for (unsigned i = shown; i < crowd->count; i++)
        add_stops(evidence, rest, &crowd->servers[i]);
    rest->servers = count_servers(crowd);
    free(crowd);
}
