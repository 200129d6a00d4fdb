/* A hash table whose entries stay in the order in which they were added. */
#ifndef PORTREUSE_BASE_TABLE_H
#define PORTREUSE_BASE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Begin with the two sizes set and all else zero; end with table_free(). An entry starts with its
 * key, which is compared byte by byte: it must have no padding. */
struct table {
    size_t entry_size, key_size;
    char *entries; /* owned: `count` of them, the oldest first */
    size_t count, room;
    uint32_t *slots; /* owned: the number of an entry plus 1, or 0 */
    size_t slot_count;
};

/* Returns the entry with this key, or NULL. It stays where it is until table_add(). */
void *table_find(const struct table *table, const void *key);

/* Returns the entry with this key. `*is_new` says whether it was added just now: then everything
 * behind the key is zero. NULL if memory is out. */
void *table_add(struct table *table, const void *key, bool *is_new);

/* Returns entry number `index`, below `count`. */
void *table_entry(const struct table *table, size_t index);

/* Takes the array of `count` entries out of the table, which is then empty. The caller frees it. */
void *table_take(struct table *table);

/* Frees the entries; the table is then empty and can be used again. */
void table_free(struct table *table);

#endif
