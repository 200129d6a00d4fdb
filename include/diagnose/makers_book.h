/* What is known of the connections of a route, and of those that make them. Makes no system call.
 */
#ifndef PORTREUSE_DIAGNOSE_MAKERS_BOOK_H
#define PORTREUSE_DIAGNOSE_MAKERS_BOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/endpoint.h"
#include "base/memory.h"
#include "diagnose/holders.h"
#include "inspect/cgroup.h"
#include "inspect/owner.h"

/* --- a route, and what is found --- */

struct makers_question {
    struct endpoint local; /* its port does not count; family 0: any address */
    struct endpoint remote;
    uint16_t low, high; /* the local ports */
    uint64_t end_ns;    /* until when; units_now_ns() */
};

/* A program whose connections ended in TIME-WAIT. */
struct maker {
    struct owner owner; /* a process of it; pid 0: none was found, and only `uid`, `user` and `unit`
                           are known */
    pid_t starter;      /* the nearest ancestor that runs another program; 0: not known */
    char starter_program[OWNER_PROGRAM_SIZE];
    pid_t master;                  /* its ancestor that runs the same program; 0: none */
    char cgroup[CGROUP_PATH_SIZE]; /* with pid 0: the control group, "" if it is not known */
    unsigned processes;            /* how many were seen */
    uint32_t opened;               /* connections that began meanwhile and were seen */
    uint32_t closed;               /* connections that ended in TIME-WAIT meanwhile */
    bool estimated; /* with connections of its user whose process was not found: no other program
                       of that user was seen to open any */
};

enum { MAKERS_LISTED = 4 };

struct makers {
    double seconds;      /* how long it was watched; 0: not at all */
    uint32_t opened;     /* connections that began meanwhile and were seen; short ones are not */
    uint32_t closed;     /* connections that ended in TIME-WAIT meanwhile: all of them */
    uint32_t attributed; /* of these, the ones that were seen open before */
    bool all_events;     /* the kernel told of each connection: else samples were taken */
    unsigned count;      /* how many makers there are */
    unsigned known;      /* how many are listed, those with the most first */
    struct maker list[MAKERS_LISTED];
};

/* --- the book --- */

enum { MAKERS_PORTS = 65536, MAKERS_MOST = 64 };

/* What is known of a port of the route. */
struct makers_port {
    uint32_t inode;   /* of the open connection seen last; 0: none was */
    uint32_t seen_ms; /* when, since the watch began */
    uint32_t maker;   /* whose, its place in the list plus 1; 0: not known */
    bool was_open;    /* at the first look already */
};

struct makers_book {
    struct makers_port *ports;    /* owned: of all 65536 */
    struct maker *list;           /* owned: of MAKERS_MOST */
    uint64_t groups[MAKERS_MOST]; /* the control group of each */
    unsigned count;
    struct table processes; /* owns: which process of which maker was seen */
    uint32_t opened, closed, attributed;
    bool is_first;   /* the first look: what is open did not begin meanwhile */
    uint32_t gap_ms; /* the longest time between two looks */
};

/* Begins a book, which ends with makers_end(), also if it returns false: out of memory. */
bool makers_begin(struct makers_book *book);
void makers_end(struct makers_book *book);

/* Notes an open connection, or with inode 0 one that was closed and waits for its peer. Returns
 * whether it is one that was not seen before: then the caller says with makers_own() whose it is.
 */
bool makers_see(struct makers_book *book, uint16_t port, uint32_t inode, uint32_t now_ms);

/* Says whose the open connection on a port is. `maker` is compared with those that are known: by
 * program, user, master and starter, or, with pid 0, by user and control group. Returns false if
 * out of memory. */
bool makers_own(struct makers_book *book, uint16_t port, const struct maker *maker,
                uint64_t cgroup);

/* Finds a maker by the same comparison, or adds it, for what the kernel's events tell. `*place` is
 * its place in the list plus 1, or 0 if there are too many. Returns false if out of memory. */
bool makers_know(struct makers_book *book, const struct maker *maker, uint64_t cgroup,
                 uint32_t *place);

/* Notes that this maker opens a connection, or is the first to close the one on a port. Place 0:
 * who it is is not known. */
void makers_opens(struct makers_book *book, uint32_t place);
void makers_closes(struct makers_book *book, uint32_t place, uint16_t port, uint32_t now_ms);

/* Notes that the connection on a port has entered TIME-WAIT. It is attributed if an open one was
 * seen at the last look before that. */
void makers_close(struct makers_book *book, uint16_t port, uint32_t entered_ms);

/* Sums it all up. What was nobody's of a user goes to the program of that user, if no other one of
 * it was seen. */
void makers_finish(struct makers_book *book, struct makers *makers,
                   uint64_t cgroups[MAKERS_LISTED]);

/* Names owners that were not found, because their connections ended before their process was looked
 * into: if one program alone of that user was seen to open connections of the route, it is that. */
void makers_name(const struct makers *makers, struct budget_owners *owners);

#endif
