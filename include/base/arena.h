/* An arena: many small allocations that are freed together.
 *
 * A scenario, a list of errors or the results of a run are built piece by piece and discarded as a
 * whole. The arena owns every pointer that these functions return.
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

/* Returns `size` zeroed bytes, aligned for any type. Never NULL: if there is no memory, the process
 * reports that on standard error and exits with status 2. */
void *arena_alloc(struct arena *arena, size_t size);

/* Reports that there is no memory and exits, as arena_alloc() does; for other allocations that the
 * caller cannot do without. */
_Noreturn void arena_out_of_memory(void);

/* Returns a copy of the `size` bytes at `bytes`, aligned for any type. */
void *arena_keep(struct arena *arena, const void *bytes, size_t size);

/* Returns a copy of the `size` bytes at `bytes`, followed by a NUL. */
char *arena_copy(struct arena *arena, const char *bytes, size_t size);

/* Returns the formatted text. */
char *arena_format(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
char *arena_vformat(struct arena *arena, const char *format, va_list values)
    __attribute__((format(printf, 2, 0)));

/* Makes room for one more item after the `count` items in `items`: returns `items`, or a larger
 * copy when `count` has reached a power of two. `size` is the size of one item. `items` must come
 * from an earlier call, or be NULL with a count of 0. */
void *arena_grow(struct arena *arena, void *items, size_t count, size_t size);

/* Frees everything and leaves the arena empty. */
void arena_free(struct arena *arena);

#endif
