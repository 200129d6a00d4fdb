/* Reads the help of a command as its user does. A row of it is an option:
 *
 *   -v, --verbose  what it does            one without a value
 *   --tag TAG      what it does            one with a value, of a kind that has a name in capitals
 *   -j, --jobs[=N] what it does            one whose value may be left out
 *   --net=private  what it does            one with a certain value
 *
 * The usage names the kinds of operands in the same way. Below stand the kinds whose words we know;
 * one in small letters, as in `always|never`, is itself the word. */
#include "cmd/words.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "base/arena.h"
#include "cmd/cmd.h"
#include "report/subject.h"
#include "scenario/catalogue.h"

/* A piece of a longer text, borrowed from it. */
struct part {
    const char *start;
    size_t size;
};

static struct part part_until(const char *text, const char *stops) {
    return (struct part){text, strcspn(text, stops)};
}

static const struct part nothing = {"", 0};

static bool part_is(struct part part, const char *word) {
    return strlen(word) == part.size && memcmp(part.start, word, part.size) == 0;
}

/* --- the kinds of words --- */

static void print_word(struct part before, const char *word, const char *line, FILE *out) {
    fprintf(out, "%.*s%s", (int)before.size, before.start, word);
    if (line != NULL)
        fprintf(out, "\t%s", line);
    fputc('\n', out);
}

static void print_commands(const struct command *command, struct part before, FILE *out) {
    (void)command;
    for (size_t i = 0; i < command_count; i++)
        print_word(before, commands[i]->name, commands[i]->line, out);
}

static void print_names(const struct command *command, struct part before, FILE *out) {
    (void)command;
    for (size_t i = 0; i < catalogue_count; i++) {
        struct mistakes mistakes = {0};
        struct scenario *scenario = catalogue_header(&catalogue[i], &mistakes);
        print_word(before, catalogue[i].name, scenario->title, out);
        scenario_free(scenario);
        mistakes_free(&mistakes);
    }
}

/* The tags of all scenarios, each once. */
struct tags {
    struct arena arena;
    const char **words;
    size_t count;
};

static void add_tag(struct tags *tags, const char *tag) {
    for (size_t i = 0; i < tags->count; i++)
        if (strcmp(tags->words[i], tag) == 0)
            return;
    tags->words = arena_grow(&tags->arena, tags->words, tags->count, sizeof tags->words[0]);
    tags->words[tags->count++] = arena_copy(&tags->arena, tag, strlen(tag));
}

static void print_tags(const struct command *command, struct part before, FILE *out) {
    (void)command;
    struct tags tags = {0};
    for (size_t i = 0; i < catalogue_count; i++) {
        struct mistakes mistakes = {0};
        struct scenario *scenario = catalogue_header(&catalogue[i], &mistakes);
        for (size_t t = 0; t < scenario->tag_count; t++)
            add_tag(&tags, scenario->tags[t]);
        scenario_free(scenario);
        mistakes_free(&mistakes);
    }
    for (size_t i = 0; i < tags.count; i++)
        print_word(before, tags.words[i], NULL, out);
    arena_free(&tags.arena);
}

static void print_formats(const struct command *command, struct part before, FILE *out) {
    if (command->subject == NULL)
        return;
    for (const struct format *const *list = command->subject->formats; *list != NULL; list++)
        print_word(before, (*list)->name, (*list)->line, out);
}

static const struct kind {
    const char *name;
    void (*print)(const struct command *command, struct part before,
                  FILE *out); /* NULL: files, which the shell knows */
} kinds[] = {
    {"COMMAND", print_commands}, {"FILE", NULL},      {"FORMAT", print_formats},
    {"NAME", print_names},       {"TAG", print_tags},
};

/* Prints the words of `NAME|FILE` or `always|never`, each with `before` before it. Returns whether
 * a kind of it is known. */
static bool print_kinds(const struct command *command, struct part alternatives, struct part before,
                        FILE *out) {
    const char *end = alternatives.start + alternatives.size;
    bool known = false;
    for (const char *next = alternatives.start; next < end; next++) {
        struct part word = {next, 0};
        while (next < end && strchr("|[]. :", *next) == NULL)
            next++;
        word.size = (size_t)(next - word.start);
        for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
            if (part_is(word, kinds[i].name)) {
                known = true;
                if (kinds[i].print != NULL)
                    kinds[i].print(command, before, out);
            }
        if (word.size > 0 && islower((unsigned char)*word.start)) {
            known = true;
            fprintf(out, "%.*s%.*s\n", (int)before.size, before.start, (int)word.size, word.start);
        }
    }
    return known;
}

/* --- the options of a command --- */

struct option_row {
    struct part names[2]; /* -v, --verbose */
    size_t name_count;
    struct part value; /* TAG; empty if none has to follow */
    struct part line;
};

/* Whether the word behind an option, after one blank, is its value, and not the description. */
static bool is_value(struct part word) {
    if (memchr(word.start, '|', word.size) != NULL)
        return true;
    for (size_t i = 0; i < word.size; i++)
        if (islower((unsigned char)word.start[i]))
            return false;
    return word.size > 0 && isupper((unsigned char)*word.start);
}

static const char *next_line(const char *text) {
    text += strcspn(text, "\n");
    return *text == '\n' ? text + 1 : text;
}

/* Reads the next option of `*help`, which may be NULL, and moves it on; false at the end. */
static bool next_option(const char **help, struct option_row *row) {
    const char *text = *help == NULL ? "" : *help;
    while (*text != '\0' && strncmp(text, "  -", 3) != 0)
        text = next_line(text);
    *help = next_line(text);
    if (*text == '\0')
        return false;
    row->name_count = 0;
    row->value = nothing;
    for (text += 2; *text == '-' && row->name_count < 2; text += *text == ',' ? 2 : 0) {
        row->names[row->name_count] = part_until(text, ", [\n");
        text += row->names[row->name_count++].size;
    }
    bool optional = *text == '[';
    text += strcspn(text, " \n");
    struct part word = part_until(text + 1, " \n");
    if (!optional && *text == ' ' && is_value(word)) {
        row->value = word;
        text += 1 + word.size;
    }
    row->line = part_until(text + strspn(text, " "), "\n");
    return true;
}

/* The option that takes its value from a word behind it and has this name. */
static bool find_option(const struct command *command, struct part name, struct option_row *row) {
    for (const char *help = command->help; next_option(&help, row);)
        for (size_t i = 0; i < row->name_count; i++)
            if (row->value.size > 0 && row->names[i].size == name.size &&
                memcmp(row->names[i].start, name.start, name.size) == 0)
                return true;
    return false;
}

static void print_options(const struct command *command, FILE *out) {
    struct option_row row;
    for (const char *help = command->help; next_option(&help, &row);)
        for (size_t i = 0; i < row.name_count; i++)
            fprintf(out, "%.*s\t%.*s\n", (int)row.names[i].size, row.names[i].start,
                    (int)row.line.size, row.line.start);
}

/* --- the operands of a command --- */

/* Prints the words of the operands that the usage names, as `[--tag TAG] NAME|FILE...` does.
 * Returns whether it names any that are known. */
static bool print_operands(const struct command *command, FILE *out) {
    bool known = false;
    for (const char *usage = command->usage; *usage != '\0'; usage += strspn(usage, " []|")) {
        size_t size = strcspn(usage, " []");
        if (*usage != '-') {
            known |= print_kinds(command, (struct part){usage, size}, nothing, out);
        } else if (usage[size] == ' ' && isupper((unsigned char)usage[size + 1])) {
            size += 1 + strcspn(usage + size + 1, " []"); /* its value */
        }
        usage += size;
    }
    return known;
}

/* --- what may come next --- */

static void print_after(const struct command *command, const char *before, const char *partial,
                        FILE *out) {
    struct option_row row;
    const char *equals = strchr(partial, '=');
    if (before != NULL && find_option(command, part_until(before, ""), &row)) {
        print_kinds(command, row.value, nothing, out);
    } else if (equals != NULL && find_option(command, part_until(partial, "="), &row)) {
        print_kinds(command, row.value, (struct part){partial, (size_t)(equals + 1 - partial)},
                    out);
    } else if (*partial == '-' || !print_operands(command, out)) {
        print_options(command, out);
    }
}

void words_print(size_t count, char **words, FILE *out) {
    const struct command *command = count > 1 ? command_named(words[0]) : NULL;
    if (count < 2)
        print_commands(NULL, nothing, out);
    else if (command != NULL)
        print_after(command, count > 2 ? words[count - 2] : NULL, words[count - 1], out);
}
