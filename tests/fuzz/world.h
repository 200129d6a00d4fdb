/* The world outside, made of a fuzzer's input: files that are read, and datagrams that are
 * received, have the next piece of it as their bytes, whatever their name. run.sh links the
 * functions that read with --wrap. */
#ifndef PORTREUSE_FUZZ_WORLD_H
#define PORTREUSE_FUZZ_WORLD_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* From now on the world is `data`, whose pieces PIECE_END separates. Borrowed. */
enum { PIECE_END = 0x1e }; /* the record separator of ASCII */
void world_begin(const uint8_t *data, size_t size);

/* The same with pieces that begin with their length, two bytes in the order of the machine. A
 * datagram of netlink gets the sequence number of the last request, unless the highest bit of its
 * length is set. */
void world_begin_datagrams(const uint8_t *data, size_t size);

/* The world is the real one again. */
void world_end(void);

/* Returns the next piece, and its size; an empty one at the end. */
const uint8_t *world_piece(size_t *size);

/* The next piece as a text, for the caller to free. */
char *world_text(void);

/* An open descriptor that nothing can be read from or written to: the caller closes it. */
int world_descriptor(void);

#endif
