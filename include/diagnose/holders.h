/* Whose connections use the ports up: by process, where it can be found, else by user and control
 * group. */
#ifndef PORTREUSE_DIAGNOSE_HOLDERS_H
#define PORTREUSE_DIAGNOSE_HOLDERS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/memory.h"
#include "inspect/cgroup.h"
#include "inspect/owner.h"
#include "model/socket.h"

/* --- the result --- */

/* How many owners of a route are listed. All of them are counted. */
enum { BUDGET_OWNERS = 4 };

/* A program that has some of the connections of a route: one process, or a master and its workers,
 * where several processes have some.
 * Or, with pid 0, processes that were not found: of the owner only `uid`, `user` and `unit` are
 * known then. */
struct budget_owner {
    struct owner owner;
    char cgroup[CGROUP_PATH_SIZE]; /* with pid 0: the control group, "" if it is not known */
    unsigned workers;    /* other processes of this program that have some of the sockets */
    uint32_t sockets;    /* each counts once, for the oldest process that has it */
    uint32_t close_wait; /* of these, in CLOSE-WAIT */
    bool estimated;      /* not every descriptor was looked at: the numbers are approximate */
};

struct budget_owners {
    struct budget_owner list[BUDGET_OWNERS]; /* those with the most connections */
    unsigned known;                          /* how many are listed */
    uint32_t count;                          /* how many there are */
    uint32_t processes; /* how many processes that were found have some of the connections */
    uint32_t hidden;    /* connections whose process was not found */
    uint32_t nobody;    /* connections that belong to no process: closed, or not yet accepted */
};

/* --- the search --- */

/* A socket that was noted. */
struct holders_socket {
    uint32_t inode;
    uint32_t route;
    uint32_t group;   /* who opened it: its place among the groups; HOLDERS_CLOSE_WAIT is added */
    uint32_t process; /* the place of the oldest process that has it, plus 1; 0: not found */
};

#define HOLDERS_CLOSE_WAIT (UINT32_C(1) << 31)

/* Collects the sockets of all routes, then finds their processes. Begin with
 * holders_begin(), end with holders_free(). */
struct holders {
    struct table sockets;   /* owns: of struct holders_socket, by inode */
    struct table groups;    /* owns: by user and control group */
    struct table processes; /* owns: by pid */
    struct table shares;    /* owns: how many sockets of a route a server has */
    struct table nobody;    /* owns: by route, how many sockets belong to no process */
    unsigned unseen;        /* processes of this network namespace that cannot be looked into */
};

void holders_begin(struct holders *holders);
void holders_free(struct holders *holders);

/* Notes a connection of a route, which is a number of the caller's. Returns false if out of
 * memory. */
bool holders_note(struct holders *holders, uint32_t route, const struct inet_socket *socket);

/* Gives the routes other numbers: `map` has one for each of the `count` old ones; several can
 * become one. Returns false if out of memory. */
bool holders_map(struct holders *holders, const uint32_t *map, size_t count);

/* The number of a route that nobody asks about. */
#define HOLDERS_NO_ROUTE UINT32_MAX

/* Finds the processes that have the sockets of these routes. Reads /proc:
 * every descriptor of every process, but for the largest processes of a host that has very many,
 * where a part stands for the others. Returns 0 or an errno: ENOMEM, EMFILE. */
int holders_search(struct holders *holders, const uint32_t *routes, unsigned count);

/* Writes who has the sockets of one of these routes. Reads /proc. */
void holders_list(const struct holders *holders, uint32_t route, struct budget_owners *owners);

/* Returns the inode of a socket of the route that this process, or its program, has; 0 if it has
 * none. */
uint32_t holders_example(const struct holders *holders, uint32_t route, pid_t pid);

/* --- the counting, which makes no system call --- */

/* A process, as far as it matters for who belongs to whom. */
struct holder {
    pid_t pid, parent, group;
    uint32_t main; /* the place of the process that stands for it, plus 1: the master, or itself */
    uint64_t started;
    char program[OWNER_PROGRAM_SIZE];
    bool partly;      /* only a part of its descriptors was looked at */
    bool main_partly; /* it stands for a program, and a process of that is `partly` */
    bool adopted;     /* its parent has ended */
};

/* Notes that the process has a socket. Returns false if out of memory. */
bool holders_found(struct holders *holders, uint32_t inode, const struct holder *process);

/* Takes the processes of one program together: a process and its parent, or those whose parent has
 * ended, of one process group. Only those that were noted are looked at. */
void holders_join(struct holders *holders);

/* Counts the sockets of these routes by server; spreads what was not found over the processes that
 * were looked at partly. Returns false if out of memory. */
bool holders_count(struct holders *holders, const uint32_t *routes, unsigned count);

/* Writes the shares of one route, the largest first. Of the owners only the pid is filled in, with
 * pid 0 the uid; `*group` is the control group of each. */
void holders_rank(const struct holders *holders, uint32_t route, struct budget_owners *owners,
                  uint64_t group[BUDGET_OWNERS]);

#endif
