/* An arena: many small allocations that live and die together.
 *
 * A scenario, a list of mistakes or a run's results are built piece by piece and thrown away
 * as a whole. Every pointer that these functions return belongs to the arena.
 */
#ifndef PORTREUSE_BASE_ARENA_H
#define PORTREUSE_BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

struct arena_block;

/* An empty arena is all zero bytes: `struct arena a = {0};`. */
struct arena {
    struct arena_block *newest; /* owned */
};

/* Returns `size` zeroed bytes, aligned for any type. Never NULL: when memory is out, the process
 * says so on standard error and ends with status 2, for nothing here could go on without. */
void *arena_alloc(struct arena *arena, size_t size);

/* What happens then; for other memory that nothing could go on without. */
_Noreturn void arena_out_of_memory(void);

/* Returns a copy of the `size` bytes at `bytes`, aligned for any type. */
void *arena_keep(struct arena *arena, const void *bytes, size_t size);

/* Returns a copy of the `size` bytes at `bytes`, with a NUL behind them. */
char *arena_copy(struct arena *arena, const char *bytes, size_t size);

/* Returns the formatted text. */
char *arena_format(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
char *arena_vformat(struct arena *arena, const char *format, va_list values)
    __attribute__((format(printf, 2, 0)));

/* Makes room for one more item behind the `count` that `items` holds: returns `items`, or a larger
 * copy of it when `count` has reached a power of two. `size` is that of one item. `items` must be
 * of an earlier call, or NULL with a count of 0. */
void *arena_grow(struct arena *arena, void *items, size_t count, size_t size);

/* Frees everything and leaves the arena empty. */
void arena_free(struct arena *arena);

#endif
