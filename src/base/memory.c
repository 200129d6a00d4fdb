/* The arena is a list of blocks; the table keeps its entries in one array and finds them by slots.
 */
#include "base/memory.h"

#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* --- the arena --- */

/* A list of blocks, newest first. An allocation is cut from the newest block or starts a new one. A
 * new block that it fills completely goes after the newest, which still has room for others. */

/* Under AddressSanitizer each allocation gets its own block, so that overruns are detected. */
#if defined(__SANITIZE_ADDRESS__)
#define ARENA_ALONE 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_ALONE 1
#endif
#endif

#ifdef ARENA_ALONE
enum { BLOCK_SIZE = 0, APART_SIZE = 0, UNIT = 1 };
#else
enum { BLOCK_SIZE = 4 * 1024, APART_SIZE = 256 * 1024, UNIT = alignof(max_align_t) };
#endif

struct arena_block {
    struct arena_block *older;
    size_t used, size;
    alignas(max_align_t) char bytes[];
};

_Noreturn void arena_out_of_memory(void) {
    static const char text[] = "portreuse: out of memory\n";
    ssize_t written = write(STDERR_FILENO, text, sizeof text - 1);
    _exit(written < 0 ? 3 : 2);
}

/* Only whole pages can be kept from a child; where that fails, fork() takes longer. */
static void *pages_apart(size_t size) {
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS;
    void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (pages == MAP_FAILED)
        return NULL;
    madvise(pages, size, MADV_DONTFORK);
    return pages;
}

static struct arena_block *block_new(size_t size, bool apart) {
    size_t least = apart ? APART_SIZE : BLOCK_SIZE, room = size > least ? size : least;
    size_t whole = sizeof(struct arena_block) + room;
    struct arena_block *block = apart ? pages_apart(whole) : calloc(1, whole);
    if (block == NULL)
        arena_out_of_memory();
    block->size = room;
    return block;
}

void *arena_alloc(struct arena *arena, size_t size) {
    if (size > SIZE_MAX / 2)
        arena_out_of_memory();
    size = (size + UNIT - 1) / UNIT * UNIT;
    struct arena_block *newest = arena->newest, *block = newest;
    if (newest == NULL || newest->size - newest->used < size) {
        block = block_new(size, arena->apart);
        bool fills_it = newest != NULL && block->size == size;
        struct arena_block **place = fills_it ? &newest->older : &arena->newest;
        block->older = *place;
        *place = block;
    }
    void *start = block->bytes + block->used;
    block->used += size;
    return start;
}

void *arena_keep(struct arena *arena, const void *bytes, size_t size) {
    void *copy = arena_alloc(arena, size);
    if (size > 0)
        memcpy(copy, bytes, size);
    return copy;
}

char *arena_copy(struct arena *arena, const char *bytes, size_t size) {
    char *copy = arena_alloc(arena, size + 1);
    if (size > 0)
        memcpy(copy, bytes, size);
    return copy;
}

char *arena_vformat(struct arena *arena, const char *format, va_list values) {
    va_list again;
    va_copy(again, values);
    int length = vsnprintf(NULL, 0, format, values);
    char *text = arena_alloc(arena, length < 0 ? 1 : (size_t)length + 1);
    if (length > 0)
        vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}

char *arena_format(struct arena *arena, const char *format, ...) {
    va_list values;
    va_start(values, format);
    char *text = arena_vformat(arena, format, values);
    va_end(values);
    return text;
}

void *arena_grow(struct arena *arena, void *items, size_t count, size_t size) {
    enum { FIRST = 8 };
    if (count > 0 && (count < FIRST || (count & (count - 1)) != 0))
        return items;
    size_t room = count == 0 ? FIRST : 2 * count;
    void *larger = arena_alloc(arena, room * size);
    if (count > 0)
        memcpy(larger, items, count * size);
    return larger;
}

void arena_free(struct arena *arena) {
    while (arena->newest != NULL) {
        struct arena_block *block = arena->newest;
        arena->newest = block->older;
        if (arena->apart)
            munmap(block, sizeof *block + block->size);
        else
            free(block);
    }
}

/* --- a text that is written to a stream --- */

/* Not open_memstream(): that of glibc loses what it has no memory for without an error. */

struct text_stream {
    char **text;
    size_t *size, room;
};

static ssize_t append(void *cookie, const char *bytes, size_t count) {
    struct text_stream *stream = cookie;
    if (stream->room - *stream->size <= count) {
        size_t room = 2 * stream->room + count;
        char *grown = realloc(*stream->text, room);
        if (grown == NULL)
            arena_out_of_memory();
        *stream->text = grown;
        stream->room = room;
    }
    memcpy(*stream->text + *stream->size, bytes, count);
    *stream->size += count;
    (*stream->text)[*stream->size] = '\0';
    return (ssize_t)count;
}

static int stop_appending(void *cookie) {
    free(cookie);
    return 0;
}

FILE *memory_stream(char **text, size_t *size) {
    static const cookie_io_functions_t functions = {.write = append, .close = stop_appending};
    struct text_stream *stream = malloc(sizeof *stream);
    FILE *file = stream == NULL ? NULL : fopencookie(stream, "w", functions);
    char *empty = calloc(1, 1);
    if (file == NULL || empty == NULL)
        arena_out_of_memory();
    *stream = (struct text_stream){.text = text, .size = size, .room = 1};
    *text = empty;
    *size = 0;
    return file;
}

void *memory_zeroed(size_t count, size_t size) {
    void *zeroed = calloc(count > 0 ? count : 1, size);
    if (zeroed == NULL)
        arena_out_of_memory();
    return zeroed;
}

void *memory_resized(void *old, size_t size) {
    void *resized = realloc(old, size);
    if (resized == NULL)
        arena_out_of_memory();
    return resized;
}

char *memory_vformat(const char *format, va_list values) {
    char *text;
    if (vasprintf(&text, format, values) < 0)
        arena_out_of_memory();
    return text;
}

char *memory_format(const char *format, ...) {
    va_list values;
    va_start(values, format);
    char *text = memory_vformat(format, values);
    va_end(values);
    return text;
}

/* --- the table --- */

/* The entries lie in one array. Beside it is an open-addressing index of their numbers, at most
 * half full. */

void *table_entry(const struct table *table, size_t index) {
    return table->entries + index * table->entry_size;
}

/* Returns the slot of the key, or the empty one where it would go. */
static uint32_t *slot_of(const struct table *table, const void *key) {
    const uint64_t prime = 1099511628211U; /* of FNV-1a */
    const unsigned char *bytes = key;
    uint64_t hash = 14695981039346656037U;
    for (size_t i = 0; i < table->key_size; i++)
        hash = (hash ^ bytes[i]) * prime;
    size_t at = (size_t)(hash ^ hash >> 32) & (table->slot_count - 1);
    while (table->slots[at] != 0 &&
           memcmp(table_entry(table, table->slots[at] - 1), key, table->key_size) != 0)
        at = (at + 1) & (table->slot_count - 1);
    return &table->slots[at];
}

/* Makes room for one more entry. */
static void grow(struct table *table) {
    enum { FIRST = 32 };
    size_t room = table->room == 0 ? FIRST : 2 * table->room;
    if (table->count < table->room)
        return;
    table->entries = memory_resized(table->entries, room * table->entry_size);
    uint32_t *slots = memory_zeroed(2 * room, sizeof *slots);
    free(table->slots);
    table->slots = slots;
    table->slot_count = 2 * room;
    table->room = room;
    for (size_t i = 0; i < table->count; i++)
        *slot_of(table, table_entry(table, i)) = (uint32_t)i + 1;
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
    grow(table);
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
