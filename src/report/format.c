/* The list of formats. Each is in a file of its own, to which it owes only its name here: see
 * docs/add-a-format.md. */
#include "report/format.h"

#include <string.h>

#include "base/suggest.h"

extern const struct format format_text, format_json, format_ndjson, format_tap, format_junit,
    format_markdown, format_mermaid, format_line, format_nagios, format_prometheus;

const struct format *const formats_of_run[] = {
    &format_text,       &format_json,  &format_ndjson,
    &format_tap,        &format_junit, &format_markdown,
    &format_mermaid,    &format_line,  &format_nagios,
    &format_prometheus, NULL,
};

extern const struct format format_matrix_text, format_matrix_json, format_matrix_csv,
    format_matrix_markdown, format_matrix_svg;

const struct format *const formats_of_matrix[] = {
    &format_matrix_text,     &format_matrix_json, &format_matrix_csv,
    &format_matrix_markdown, &format_matrix_svg,  NULL,
};

extern const struct format format_why_text, format_why_json, format_budget_text, format_budget_json,
    format_audit_text, format_audit_json;

const struct format *const formats_of_why[] = {
    &format_why_text, &format_why_json, &format_line, &format_nagios, &format_prometheus, NULL,
};

const struct format *const formats_of_budget[] = {
    &format_budget_text, &format_budget_json, &format_line,
    &format_nagios,      &format_prometheus,  NULL,
};

const struct format *const formats_of_audit[] = {
    &format_audit_text, &format_audit_json, &format_line, &format_nagios, &format_prometheus, NULL,
};

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
    for (size_t i = 0; list[i] != NULL; i++)
        fprintf(out, "%s%s", i == 0 ? "" : " ", list[i]->endings);
}

void format_print_help(const struct format *const *list, FILE *out) {
    for (size_t i = 0; list[i] != NULL; i++)
        fprintf(out, "  %-9s %-16s %s\n", list[i]->name, list[i]->endings, list[i]->line);
}
