/* The list of formats. Each is in a file of its own, to which it owes only its name here: see
 * docs/add-a-format.md. */
#include "report/format.h"

#include <string.h>

#include "base/suggest.h"

extern const struct format format_text, format_json, format_ndjson, format_tap, format_junit,
    format_markdown, format_mermaid;

const struct format *const formats[] = {
    &format_text,  &format_json,     &format_ndjson,  &format_tap,
    &format_junit, &format_markdown, &format_mermaid,
};

const size_t format_count = sizeof formats / sizeof formats[0];

const struct format *format_named(const char *name) {
    for (size_t i = 0; i < format_count; i++)
        if (strcmp(formats[i]->name, name) == 0)
            return formats[i];
    return NULL;
}

const struct format *format_near(const char *name) {
    struct suggestion nearest = suggest_begin(name);
    for (size_t i = 0; i < format_count; i++)
        suggest_offer(&nearest, formats[i]->name);
    return nearest.word == NULL ? NULL : format_named(nearest.word);
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

const struct format *format_of_file(const char *path) {
    const struct format *found = NULL;
    size_t longest = 0;
    for (size_t i = 0; i < format_count; i++) {
        size_t size = ending_of(path, formats[i]->endings);
        if (size > longest) {
            found = formats[i];
            longest = size;
        }
    }
    return found;
}

void format_print_names(FILE *out) {
    for (size_t i = 0; i < format_count; i++)
        fprintf(out, "%s%s", i == 0 ? "" : i + 1 < format_count ? ", " : " or ", formats[i]->name);
}

void format_print_endings(FILE *out) {
    for (size_t i = 0; i < format_count; i++)
        fprintf(out, "%s%s", i == 0 ? "" : " ", formats[i]->endings);
}

void format_print_help(FILE *out) {
    for (size_t i = 0; i < format_count; i++)
        fprintf(out, "  %-9s %-16s %s\n", formats[i]->name, formats[i]->endings, formats[i]->line);
}
