/* Memory: an arena, and a hash table. */
#ifndef PORTREUSE_BASE_MEMORY_H
#define PORTREUSE_BASE_MEMORY_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* --- the arena --- */

/* An arena: many small allocations that are freed together.
 *
 * A scenario, a list of errors or the results of a run are built piece by piece and discarded as a
 * whole. The arena owns every pointer that these functions return.
 */

struct arena_block;

/* An empty arena is all zero bytes: `struct arena a = {0};`. */
struct arena {
    struct arena_block *newest; /* owned */
    bool apart; /* set before the first allocation: child processes have no part of it, so that
                   fork() does not copy its page tables (madvise(2), MADV_DONTFORK) */
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

/* --- a text that is written to a stream --- */

/* Returns a stream that collects a text in memory; after fflush() or fclose(), `*text` holds all
 * that was written, followed by a NUL, and `*size` says how many bytes that is. The caller closes
 * the stream, and frees `*text`. Never NULL, and no write fails: half a report would look like a
 * whole one, so if there is no memory, the process ends as by arena_alloc(). */
FILE *memory_stream(char **text, size_t *size);

/* calloc() and realloc(), which never return NULL for want of memory: as above. */
void *memory_zeroed(size_t count, size_t size) __attribute__((returns_nonnull));
void *memory_resized(void *old, size_t size) __attribute__((returns_nonnull));

/* Return a formatted text, which the caller frees. Never NULL: as above. */
char *memory_format(const char *format, ...) __attribute__((format(printf, 1, 2)));
char *memory_vformat(const char *format, va_list values) __attribute__((format(printf, 1, 0)));

/* --- the table --- */

/* A hash table whose entries stay in the order in which they were added. */

/* Begin with the two sizes set and all else zero; end with table_free(). An entry starts with its
 * key, which is compared byte by byte: it must have no padding. */
struct table {
    size_t entry_size, key_size;
    char *entries; /* owned: `count` of them, the oldest first */
    size_t count, room;
    uint32_t *slots; /* owned: the number of an entry plus 1, or 0 */
    size_t slot_count;
};

/* Returns the entry with this key, or NULL. The pointer is valid until the next table_add(). */
void *table_find(const struct table *table, const void *key);

/* Returns the entry with this key, never NULL: as arena_alloc(). `*is_new` says whether this call
 * added it: then everything after the key is zero. */
void *table_add(struct table *table, const void *key, bool *is_new);

/* Returns entry number `index`, below `count`. */
void *table_entry(const struct table *table, size_t index);

/* Takes the array of `count` entries out of the table, which is then empty. The caller frees it. */
void *table_take(struct table *table);

/* Frees the entries; the table is then empty and can be used again. */
void table_free(struct table *table);

#endif
