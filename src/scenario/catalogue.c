#include "scenario/catalogue.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"

const struct catalogue_entry *catalogue_find(const char *name) {
    for (size_t i = 0; i < catalogue_count; i++)
        if (strcmp(catalogue[i].name, name) == 0)
            return &catalogue[i];
    return NULL;
}

struct scenario *catalogue_parse(const struct catalogue_entry *entry, struct errors *errors) {
    return scenario_parse(entry->name, NULL, entry->text, entry->size, errors);
}

struct scenario *catalogue_header(const struct catalogue_entry *entry, struct errors *errors) {
    return scenario_parse_header(entry->name, entry->text, entry->size, errors);
}

const struct catalogue_group catalogue_groups[] = {
    {"bind", "a server cannot bind its port"},
    {"listen", "a server has bound its port, but gets no connections"},
    {"reuseport", "several listeners share a port through SO_REUSEPORT"},
    {"time-wait", "a connection that is over still has the port"},
    {"connect", "a client's connect() is refused, or reaches the wrong peer"},
    {"ephemeral", "the kernel chooses the port (ephemeral ports)"},
};

const size_t catalogue_group_count = sizeof catalogue_groups / sizeof catalogue_groups[0];

/* --- tags --- */

/* Returns whether the text, up to a blank or its end, is the tag. */
static bool begins_with_tag(const char *text, const char *tag) {
    size_t size = strcspn(text, " ");
    return strlen(tag) == size && strncmp(text, tag, size) == 0;
}

bool catalogue_has_tag(const struct catalogue_entry *entry, const char *tag) {
    for (const char *at = entry->tags; *at != '\0'; at += strspn(at, " ")) {
        if (begins_with_tag(at, tag))
            return true;
        at += strcspn(at, " ");
    }
    return false;
}

const struct catalogue_group *catalogue_group_of(const struct catalogue_entry *entry) {
    for (size_t i = 0; i < catalogue_group_count; i++)
        if (begins_with_tag(entry->tags, catalogue_groups[i].tag))
            return &catalogue_groups[i];
    return NULL;
}

struct tags {
    const char **words; /* in the arena */
    size_t count;
};

static void add_tag(struct arena *arena, struct tags *tags, const char *tag, size_t size) {
    for (size_t i = 0; i < tags->count; i++)
        if (strlen(tags->words[i]) == size && strncmp(tags->words[i], tag, size) == 0)
            return;
    tags->words = arena_grow(arena, tags->words, tags->count, sizeof tags->words[0]);
    tags->words[tags->count++] = arena_copy(arena, tag, size);
}

const char *const *catalogue_tags(struct arena *arena) {
    struct tags tags = {0};
    for (size_t i = 0; i < catalogue_count; i++)
        for (const char *at = catalogue[i].tags; *at != '\0'; at += strspn(at, " ")) {
            size_t size = strcspn(at, " ");
            add_tag(arena, &tags, at, size);
            at += size;
        }
    tags.words = arena_grow(arena, tags.words, tags.count, sizeof tags.words[0]);
    tags.words[tags.count] = NULL;
    return tags.words;
}

const char *catalogue_lacks_tag(struct arena *arena, const char *tag) {
    struct suggestion nearest = suggest_begin(tag);
    for (const char *const *word = catalogue_tags(arena); *word != NULL; word++) {
        if (strcmp(*word, tag) == 0)
            return NULL;
        suggest_offer(&nearest, *word);
    }
    if (nearest.word == NULL)
        return arena_format(arena, "no scenario has the tag '%s'", tag);
    return arena_format(arena, "no scenario has the tag '%s'; did you mean '%s'?", tag,
                        nearest.word);
}

/* --- files --- */

static const char ending[] = ".scenario";

static bool ends_in(const char *text, const char *end) {
    size_t size = strlen(text), end_size = strlen(end);
    return size > end_size && strcmp(text + size - end_size, end) == 0;
}

/* Reads a file, or standard input for `-`, into the arena. Returns what is wrong, or NULL. */
static const char *read_file(struct arena *arena, const char *path, const char **text,
                             size_t *size) {
    bool input = strcmp(path, "-") == 0;
    const char *wrong = NULL;
    int file = input ? STDIN_FILENO : file_open_plain(path, &wrong);
    if (file < 0)
        return wrong;
    *text = file_read_all(arena, file, SCENARIO_FILE_MAX, size);
    if (*text == NULL && errno == EFBIG)
        wrong = "it is larger than 4 MiB, the limit for a scenario";
    else if (*text == NULL)
        wrong = strerror(errno);
    else if (*size == 0)
        wrong = "it is empty";
    if (!input)
        close(file);
    return wrong;
}

/* Parses a file. The name of its scenario is that of the file, without folders and `.scenario`. */
static struct scenario *open_file(const char *path, struct errors *errors) {
    struct arena arena = {0};
    struct scenario *scenario = NULL;
    const char *text = NULL, *wrong;
    size_t size = 0;
    const char *shown = strcmp(path, "-") == 0 ? "<stdin>" : path;
    const char *slash = strrchr(shown, '/');
    const char *base = slash == NULL ? shown : slash + 1;
    size_t length = strlen(base) - (ends_in(base, ending) ? strlen(ending) : 0);
    wrong = read_file(&arena, path, &text, &size);
    if (wrong == NULL)
        scenario = scenario_parse(arena_copy(&arena, base, length), shown, text, size, errors);
    else
        errors_add_file(errors, path, arena_format(&arena, "cannot read this file: %s", wrong));
    arena_free(&arena);
    return scenario;
}

/* --- words --- */

static void add_unknown(struct errors *errors, const char *word) {
    struct suggestion nearest = suggest_begin(word);
    for (size_t i = 0; i < catalogue_count; i++)
        suggest_offer(&nearest, catalogue[i].name);
    const char *message =
        nearest.word != NULL
            ? arena_format(&errors->arena, "no scenario has this name; did you mean '%s'?",
                           nearest.word)
            : "no scenario or file has this name; 'portreuse list' shows all scenarios";
    errors_add_file(errors, word, message);
}

struct scenario *catalogue_open(const char *word, struct errors *errors) {
    const struct catalogue_entry *entry = catalogue_find(word);
    if (entry != NULL)
        return catalogue_parse(entry, errors);
    bool path = strcmp(word, "-") == 0 || strchr(word, '/') != NULL || ends_in(word, ending);
    if (path || access(word, F_OK) == 0)
        return open_file(word, errors);
    add_unknown(errors, word);
    return NULL;
}
