/* A story: a random sequence of sockets' moves, told apart from what becomes of it. */
#ifndef PORTREUSE_TESTS_PROPERTY_STORY_H
#define PORTREUSE_TESTS_PROPERTY_STORY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "model/quirks.h"

enum move_kind {
    MOVE_SOCKET,
    MOVE_OPTION,
    MOVE_BIND,
    MOVE_LISTEN,
    MOVE_CONNECT,
    MOVE_SHUTDOWN,
    MOVE_DISCONNECT,
    MOVE_CLOSE,
    MOVE_KINDS
};

enum { SLOTS = 8, STORY_MOVES = 40, STORY_PORTS = 8, PORT_ANY = 255 };

/* Options of a socket, bit by bit. */
enum { WITH_REUSEADDR = 1, WITH_REUSEPORT = 2, WITH_V6ONLY = 4, WITH_IPV6 = 8 };

/* What a move cannot do with its slot it does with the next one that it fits, or not at all: so a
 * story stays one when moves are taken out of it. */
struct move {
    uint8_t kind;    /* enum move_kind */
    uint8_t slot;    /* of the socket */
    uint8_t other;   /* connect: from this slot on a listener is looked for */
    uint8_t address; /* bind: which of the family's addresses */
    uint8_t port;    /* bind: an offset in the story's block of ports, or PORT_ANY for 0 */
    uint8_t options; /* of a new socket; to be set or cleared */
    uint8_t device;  /* of a new socket: the index of the interface, or 0 */
    bool other_user; /* of a new socket */
};

struct story {
    bool autobind_reuse;
    unsigned count;
    struct move moves[STORY_MOVES];
};

/* The story that a number stands for. */
struct story story_random(uint64_t number, bool other_users);

/* What became of a story. */
struct outcome {
    unsigned move;  /* where it ended early */
    char text[200]; /* "", or in what model and kernel part, or what was odd */
    unsigned long binds, listens, connects; /* that were judged */
    bool odd; /* something came about that has to do with neither, and the story was left */
};

/* What the model takes the kernel for. */
extern struct kernel_quirks world_quirks;

/* Plays the story on a block of STORY_PORTS ports from `base` on, of the current namespace, and
 * compares. The story's range of automatic ports are the upper half of the block. With `script`, it
 * is written as a scenario. */
struct outcome world_play(const struct story *story, uint16_t base, FILE *script);

/* Prepares the namespace for stories. False if that cannot be done. */
bool world_prepare(void);

#endif
