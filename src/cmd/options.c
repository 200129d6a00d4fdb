/* getopt_long(3) parses; what it refuses is explained here, with a suggestion. */
#include "cmd/options.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"
#include "base/units.h"
#include "report/shared/layout.h"

/* --- rows --- */

/* Finds the row with this index, and the offset of its target. */
static const struct option_row *find_row(const struct option_group *groups, size_t index,
                                         size_t *offset) {
    for (; groups != NULL && groups->rows != NULL; groups++)
        for (const struct option_row *row = groups->rows; row->set != NULL; row++)
            if (index-- == 0) {
                *offset = groups->offset + row->offset;
                return row;
            }
    return NULL;
}

const struct option_row *options_row(const struct option_group *groups, size_t index) {
    size_t offset;
    return find_row(groups, index, &offset);
}

const struct option_row *options_find(const struct option_group *groups, const char *text,
                                      size_t size) {
    const struct option_row *row;
    for (size_t i = 0; (row = options_row(groups, i)) != NULL; i++) {
        bool letter = size == 2 && text[0] == '-' && row->letter != 0 && text[1] == row->letter;
        bool name = size > 2 && row->name != NULL && strncmp(text, "--", 2) == 0 &&
                    strlen(row->name) == size - 2 && memcmp(row->name, text + 2, size - 2) == 0;
        if (letter || name)
            return row;
    }
    return NULL;
}

bool options_know(const struct option_group *groups, const char *word) {
    return options_find(groups, word, word[1] == '-' ? strcspn(word, "=") : 2) != NULL;
}

/* --- complaints --- */

void options_complain(const char *command, const char *format, ...) {
    va_list values;
    fprintf(stderr, "portreuse %s: ", command);
    va_start(values, format);
    utf8_vprint(stderr, format, values);
    va_end(values);
    fputc('\n', stderr);
}

bool options_wrong_value(const struct option_use *use, const char *expected) {
    options_complain(use->command, "%s '%s': expected %s", use->name, use->value, expected);
    return false;
}

static const struct option *long_named(const struct option *longs, const char *name) {
    size_t size = strcspn(name, "=");
    for (; longs->name != NULL; longs++)
        if (strncmp(longs->name, name, size) == 0 && longs->name[size] == '\0')
            return longs;
    return NULL;
}

/* Returns whether getopt_long() has refused the word before optind as a long option. After a short
 * one in the middle of a word optind is still at that word; the word before it is fine. */
static bool refused_long(const char *word, const struct option *longs) {
    const struct option *named = long_named(longs, word + 2);
    return strncmp(word, "--", 2) == 0 &&
           (optopt == 0 || (named != NULL && strchr(word, '=') && named->has_arg == no_argument));
}

static void refuse_long(const char *command, const char *word, const struct option *longs) {
    struct suggestion nearest = suggest_begin(word + 2);
    for (const struct option *known = longs; known->name != NULL; known++)
        suggest_offer(&nearest, known->name);
    if (long_named(longs, word + 2) != NULL)
        options_complain(command, "option '%s' takes no value", word);
    else if (nearest.word != NULL)
        options_complain(command, "unknown option '%s'; did you mean '--%s'?", word, nearest.word);
    else
        options_complain(command, "unknown option '%s'; see 'portreuse help %s'", word, command);
}

/* Explains what is wrong with the option that getopt_long() has just refused. To it, `-jobs` is a
 * word of short options, at which optind still is; we suggest `--jobs`. */
static void refuse(const char *command, int argc, char **argv, const struct option *longs,
                   int refusal) {
    const char *word = argv[optind - 1], *next = optind < argc ? argv[optind] : NULL;
    if (refusal == ':' && strncmp(word, "--", 2) == 0)
        options_complain(command, "option '%s' needs a value", word);
    else if (refusal == ':')
        options_complain(command, "option '-%c' needs a value", optopt);
    else if (refused_long(word, longs))
        refuse_long(command, word, longs);
    else if (next != NULL && next[0] == '-' && long_named(longs, next + 1) != NULL)
        options_complain(command, "unknown option '%s'; did you mean '-%s'?", next, next);
    else
        options_complain(command, "unknown option '-%c'; see 'portreuse help %s'", optopt, command);
}

/* --- parsing --- */

/* The rows as getopt_long() wants them: its value for a row is FIRST_ROW and the index. */
enum { FIRST_ROW = 256 };

struct getopt_tables {
    struct arena arena;
    struct option *longs;
    const char *shorts;
};

static void make_tables(struct getopt_tables *tables, const struct option_group *groups) {
    static const int has_arg[] = {[VALUE_NONE] = no_argument,
                                  [VALUE_REQUIRED] = required_argument,
                                  [VALUE_OPTIONAL] = optional_argument};
    static const char *const colons[] = {"", ":", "::"};
    const struct option_row *row;
    size_t count = 0;
    while (options_row(groups, count) != NULL)
        count++;
    tables->longs = arena_alloc(&tables->arena, (count + 1) * sizeof tables->longs[0]);
    tables->shorts = ":";
    struct option *next = tables->longs;
    for (size_t i = 0; (row = options_row(groups, i)) != NULL; i++) {
        if (row->name != NULL)
            *next++ = (struct option){row->name, has_arg[row->takes], NULL, FIRST_ROW + (int)i};
        if (row->letter != 0)
            tables->shorts = arena_format(&tables->arena, "%s%c%s", tables->shorts, row->letter,
                                          colons[row->takes]);
    }
}

/* An optional value follows behind `=`. Where only certain words can follow, as in `--color never`,
 * people leave a blank instead: returns the next word if it is one of them, and takes it. */
static const char *take_next(const struct option_row *row, const char *next) {
    if (row->takes != VALUE_OPTIONAL || row->values == NULL || next == NULL)
        return NULL;
    for (size_t i = 0; row->values[i] != NULL; i++)
        if (strcmp(row->values[i], next) == 0) {
            optind++;
            return next;
        }
    return NULL;
}

/* Passes the value to the setter of the row that getopt_long() has found. */
static bool take(const char *command, const struct option_group *groups, int option,
                 const char *next, void *request) {
    size_t index = option >= FIRST_ROW ? (size_t)(option - FIRST_ROW) : 0, offset = 0;
    while (option < FIRST_ROW && options_row(groups, index)->letter != option)
        index++;
    const struct option_row *row = find_row(groups, index, &offset);
    char name[64];
    struct option_use use = {.command = command,
                             .row = row,
                             .name = name,
                             .value = optarg != NULL ? optarg : take_next(row, next),
                             .next = next,
                             .target = (char *)request + offset};
    if (row->letter != 0)
        snprintf(name, sizeof name, "-%c", row->letter);
    else
        snprintf(name, sizeof name, "--%s", row->name);
    return row->set(&use);
}

bool options_parse(const char *command, const struct option_group *groups, int argc, char **argv,
                   void *request) {
    struct getopt_tables tables = {0};
    bool good = true;
    make_tables(&tables, groups);
    optind = 0; /* starts anew, also in the middle of a word */
    opterr = 0;
    for (int option;
         good && (option = getopt_long(argc, argv, tables.shorts, tables.longs, NULL)) != -1;) {
        good = option != '?' && option != ':';
        if (!good)
            refuse(command, argc, argv, tables.longs, option);
        else
            good = take(command, groups, option, optind < argc ? argv[optind] : NULL, request);
    }
    arena_free(&tables.arena);
    return good;
}

bool options_no_operands(int argc, char **argv) {
    if (optind == argc)
        return true;
    options_complain(argv[0], "unexpected '%s'; see 'portreuse help %s'", argv[optind], argv[0]);
    return false;
}

/* --- setters --- */

bool option_set_flag(const struct option_use *use) {
    return *(bool *)use->target = true;
}

bool option_clear_flag(const struct option_use *use) {
    *(bool *)use->target = false;
    return true;
}

bool option_set_text(const struct option_use *use) {
    *(const char **)use->target = use->value;
    return true;
}

bool option_set_number(const struct option_use *use) {
    char expected[80];
    if (units_number(use->value, use->row->low, use->row->high, use->target))
        return true;
    snprintf(expected, sizeof expected, "a number from %" PRId64 " to %" PRId64, use->row->low,
             use->row->high);
    return options_wrong_value(use, expected);
}

bool option_set_unsigned(const struct option_use *use) {
    int64_t number;
    struct option_use wide = *use;
    wide.target = &number;
    if (!option_set_number(&wide))
        return false;
    *(unsigned *)use->target = (unsigned)number;
    return true;
}

bool option_set_time(const struct option_use *use) {
    const int64_t day = INT64_C(24) * 3600;
    uint64_t *ns = use->target;
    int64_t seconds;
    if (use->value == NULL)
        return true;
    if (units_number(use->value, 0, day, &seconds))
        *ns = (uint64_t)seconds * NS_PER_S;
    else if (!units_duration(use->value, ns))
        return options_wrong_value(use, "a time such as 500ms, 10s or 2m");
    return true;
}

int option_word(const struct option_use *use) {
    const char *const *words = use->row->values;
    char expected[160] = ""; /* `'auto', 'always' or 'never'` */
    size_t used = 0;
    for (int i = 0; words[i] != NULL; i++)
        if (strcmp(words[i], use->value) == 0)
            return i;
    for (size_t i = 0; words[i] != NULL && used < sizeof expected; i++) {
        const char *before = i == 0 ? "" : words[i + 1] != NULL ? ", " : " or ";
        used +=
            (size_t)snprintf(expected + used, sizeof expected - used, "%s'%s'", before, words[i]);
    }
    options_wrong_value(use, expected);
    return -1;
}

bool option_set_either(const struct option_use *use) {
    int word = option_word(use);
    *(bool *)use->target = word == 1;
    return word >= 0;
}

const char *const option_colour_values[] = {"auto", "always", "never", NULL};

bool options_colour_on(int fd) {
    const char *refused = getenv("NO_COLOR"), *terminal = getenv("TERM");
    return (refused == NULL || *refused == '\0') && isatty(fd) == 1 && terminal != NULL &&
           strcmp(terminal, "dumb") != 0;
}

bool options_colour_by_default(void) {
    return options_colour_on(STDOUT_FILENO);
}

bool option_set_colour(const struct option_use *use) {
    enum { AUTO, ALWAYS };
    int word = use->value == NULL ? ALWAYS : option_word(use);
    *(bool *)use->target = word == ALWAYS || (word == AUTO && options_colour_by_default());
    return word >= 0;
}

/* --- help --- */

enum { LEFT_SIZE = 64 };

static void append(char *text, const char *more) {
    size_t used = strlen(text);
    snprintf(text + used, LEFT_SIZE - used, "%s", more);
}

/* Writes the left column: `  -j, --jobs[=N]`, `  -l, --listen ADDRESS`, `      --as server|client`.
 * With `letters`, names stand below each other. */
static void make_left(char *text, const struct option_row *row, bool letters) {
    snprintf(text, LEFT_SIZE, "  %s", row->letter == 0 && letters ? "    " : "");
    if (row->letter != 0) {
        append(text, (const char[]){'-', row->letter, '\0'});
        append(text, row->name == NULL ? "" : ", ");
    }
    if (row->name != NULL) {
        append(text, "--");
        append(text, row->name);
    }
    if (row->takes == VALUE_NONE)
        return;
    append(text, row->takes == VALUE_OPTIONAL ? "[=" : " ");
    if (row->value_name != NULL)
        append(text, row->value_name);
    for (size_t i = 0; row->value_name == NULL && row->values[i] != NULL; i++) {
        append(text, i == 0 ? "" : "|");
        append(text, row->values[i]);
    }
    append(text, row->takes == VALUE_OPTIONAL ? "]" : "");
}

void options_print_help(const struct option_group *groups, FILE *out) {
    enum { WIDEST = 28, GAP = 2 };
    const struct option_row *row;
    char left[LEFT_SIZE];
    bool letters = false;
    size_t width = 0;
    for (size_t i = 0; (row = options_row(groups, i)) != NULL; i++)
        letters |= row->help != NULL && row->letter != 0;
    for (size_t i = 0; (row = options_row(groups, i)) != NULL; i++) {
        make_left(left, row, letters);
        if (row->help != NULL && strlen(left) > width && strlen(left) <= WIDEST)
            width = strlen(left);
    }
    for (size_t i = 0; (row = options_row(groups, i)) != NULL; i++) {
        if (row->help == NULL)
            continue;
        make_left(left, row, letters);
        unsigned column = (unsigned)(width + GAP);
        if (strlen(left) > width)
            fprintf(out, "%s\n%*s", left, (int)column, "");
        else
            fprintf(out, "%-*s", (int)column, left);
        layout_wrap(out, row->help, column, column);
    }
}
