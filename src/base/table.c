/* The entries lie in one array. Beside it is an open-addressing index of their numbers, at most
 * half full. */
#include "base/table.h"

#include <stdlib.h>
#include <string.h>

static size_t hash(const char *key, size_t size) {
    const uint64_t prime = 1099511628211U; /* FNV-1a */
    uint64_t value = 14695981039346656037U;
    for (size_t i = 0; i < size; i++)
        value = (value ^ (unsigned char)key[i]) * prime;
    return (size_t)(value ^ value >> 32);
}

void *table_entry(const struct table *table, size_t index) {
    return table->entries + index * table->entry_size;
}

/* Returns the slot of the key, or the empty one where it would go. */
static uint32_t *slot_of(const struct table *table, const void *key) {
    size_t at = hash(key, table->key_size) & (table->slot_count - 1);
    while (table->slots[at] != 0 &&
           memcmp(table_entry(table, table->slots[at] - 1), key, table->key_size) != 0)
        at = (at + 1) & (table->slot_count - 1);
    return &table->slots[at];
}

/* Makes room for one more entry. Returns false if memory is out. */
static bool grow(struct table *table) {
    enum { FIRST = 32 };
    size_t room = table->room == 0 ? FIRST : 2 * table->room;
    if (table->count < table->room)
        return true;
    char *entries = realloc(table->entries, room * table->entry_size);
    if (entries == NULL)
        return false;
    table->entries = entries;
    uint32_t *slots = calloc(2 * room, sizeof *slots);
    if (slots == NULL)
        return false;
    free(table->slots);
    table->slots = slots;
    table->slot_count = 2 * room;
    table->room = room;
    for (size_t i = 0; i < table->count; i++)
        *slot_of(table, table_entry(table, i)) = (uint32_t)i + 1;
    return true;
}

void *table_find(const struct table *table, const void *key) {
    uint32_t *slot = table->count == 0 ? NULL : slot_of(table, key);
    return slot == NULL || *slot == 0 ? NULL : table_entry(table, *slot - 1);
}

void *table_add(struct table *table, const void *key, bool *is_new) {
    void *entry = table_find(table, key);
    *is_new = entry == NULL;
    if (entry != NULL)
        return entry;
    if (!grow(table))
        return NULL;
    *slot_of(table, key) = (uint32_t)table->count + 1;
    entry = table_entry(table, table->count++);
    memset(entry, 0, table->entry_size);
    memcpy(entry, key, table->key_size);
    return entry;
}

void *table_take(struct table *table) {
    void *entries = table->entries;
    table->entries = NULL;
    table_free(table);
    return entries;
}

void table_free(struct table *table) {
    free(table->entries);
    free(table->slots);
    *table = (struct table){.entry_size = table->entry_size, .key_size = table->key_size};
}
