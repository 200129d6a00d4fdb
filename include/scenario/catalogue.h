/* The scenarios that are built into the program, and how a word of the command line names one. */
#ifndef PORTREUSE_SCENARIO_CATALOGUE_H
#define PORTREUSE_SCENARIO_CATALOGUE_H

#include <stdbool.h>
#include <stddef.h>

#include "scenario/scenario.h"

/* One file of scenarios/, as CMake built it in. */
struct catalogue_entry {
    const char *name; /* time-wait-rebind */
    const char *text;
    size_t size;
    const char *title; /* these three are from its header */
    const char *tags;  /* with a blank between them */
    bool slow;
};

/* All of them, in the order of their names. (Generated: src/scenario/embed.cmake) */
extern const struct catalogue_entry catalogue[];
extern const size_t catalogue_count;

/* The entry of this name, static, or NULL. */
const struct catalogue_entry *catalogue_find(const char *name);

/* Parses an entry, or only its header. The caller frees the scenario. */
struct scenario *catalogue_parse(const struct catalogue_entry *entry, struct errors *errors);
struct scenario *catalogue_header(const struct catalogue_entry *entry, struct errors *errors);

/* Returns whether it has this tag; its group is NULL if its first tag is none. */
bool catalogue_has_tag(const struct catalogue_entry *entry, const char *tag);
const struct catalogue_group *catalogue_group_of(const struct catalogue_entry *entry);

/* The first tag of a built-in scenario is its group. The groups are in the order in which to read
 * them: from a bind() that fails to a port that the kernel chooses. */
struct catalogue_group {
    const char *tag;
    const char *title;
};

extern const struct catalogue_group catalogue_groups[];
extern const size_t catalogue_group_count;

/* Returns the tags of all built-in scenarios, each once, and NULL behind the last, in the arena. */
const char *const *catalogue_tags(struct arena *arena);

/* Returns the sentence that no scenario has this tag, in the arena, with the most similar tag if
 * one is near; or NULL if one has it. */
const char *catalogue_lacks_tag(struct arena *arena, const char *tag);

/* Finds the scenario that `word` names: a built-in one, or the path of a file (a word that contains
 * a slash or ends in `.scenario`, `-` for standard input, or any other file that exists). Returns
 * it parsed, for the caller to free; or NULL, with an error added, if there is none or it cannot be
 * read. */
struct scenario *catalogue_open(const char *word, struct errors *errors);

#endif
