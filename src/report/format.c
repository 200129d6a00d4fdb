/* Finds a format in a subject's list, by its name or by the extension of a file. */
#include "report/format.h"

#include <string.h>

#include "base/suggest.h"
#include "report/shared/layout.h"

const struct format *format_named(const struct format *const *list, const char *name) {
    for (size_t i = 0; list[i] != NULL; i++)
        if (strcmp(list[i]->name, name) == 0)
            return list[i];
    return NULL;
}

const struct format *format_near(const struct format *const *list, const char *name) {
    struct suggestion nearest = suggest_begin(name);
    for (size_t i = 0; list[i] != NULL; i++)
        suggest_offer(&nearest, list[i]->name);
    return nearest.word == NULL ? NULL : format_named(list, nearest.word);
}

/* How long the longest of the endings is that the path has; 0 if it has none of them. */
static size_t ending_of(const char *path, const char *endings) {
    size_t longest = 0, length = strlen(path);
    for (const char *ending = endings; *ending != '\0';) {
        size_t size = strcspn(ending, " ");
        if (size < length && size > longest && memcmp(path + length - size, ending, size) == 0)
            longest = size;
        ending += size + (ending[size] == ' ');
    }
    return longest;
}

const struct format *format_of_file(const struct format *const *list, const char *path) {
    const struct format *found = NULL;
    size_t longest = 0;
    for (size_t i = 0; list[i] != NULL; i++) {
        size_t size = ending_of(path, list[i]->endings);
        if (size > longest) {
            found = list[i];
            longest = size;
        }
    }
    return found;
}

void format_print_names(const struct format *const *list, FILE *out) {
    for (size_t i = 0; list[i] != NULL; i++)
        fprintf(out, "%s%s", i == 0 ? "" : list[i + 1] != NULL ? ", " : " or ", list[i]->name);
}

void format_print_endings(const struct format *const *list, FILE *out) {
    const char *space = "";
    for (size_t i = 0; list[i] != NULL; i++) {
        fprintf(out, "%s%s", list[i]->endings[0] == '\0' ? "" : space, list[i]->endings);
        space = " ";
    }
}

void format_print_help(const struct format *const *list, FILE *out) {
    enum { COLUMN = 30 };
    for (size_t i = 0; list[i] != NULL; i++) {
        fprintf(out, "  %-10s  %-14s  ", list[i]->name, list[i]->endings);
        layout_wrap(out, list[i]->line, COLUMN, COLUMN);
    }
}
