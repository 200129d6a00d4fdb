/* Options of the commands: one row per option. Parsing, help and completion all come from it. */
#ifndef PORTREUSE_CMD_OPTIONS_H
#define PORTREUSE_CMD_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct option_row;

/* An option on the command line. All borrowed. */
struct option_use {
    const char *command; /* for complaints */
    const struct option_row *row;
    const char *name;  /* `-j` or `--repeat`, for complaints */
    const char *value; /* NULL: given without one */
    const char *next;  /* the following word, or NULL; a setter that takes it increments optind */
    void *target;      /* what the row's offset points to, in the request of the command */
};

/* Stores the value in the target. Returns false after a complaint. */
typedef bool option_setter(const struct option_use *use);

enum option_value { VALUE_NONE, VALUE_REQUIRED, VALUE_OPTIONAL };

struct option_row {
    const char *name;          /* `repeat` for --repeat; NULL: there is only the letter */
    char letter;               /* `j` for -j; 0: there is only the name */
    enum option_value takes;   /* whether a value follows */
    const char *value_name;    /* in help: FILE, TAG, N; help.c knows some of them */
    const char *const *values; /* all possible ones, ending with NULL; NULL: any */
    option_setter *set;        /* NULL ends a table */
    size_t offset;             /* of the target, from the beginning of the group's structure */
    int64_t low, high;         /* bounds of a number */
    const char *help;          /* NULL: a hidden option */
};

/* Options that belong together. A command has an array of groups that ends with one without rows;
 * several commands may share a group. */
struct option_group {
    const struct option_row *rows; /* ends with a row without `set` */
    size_t offset;                 /* of the group's structure in the request of the command */
};

/* --- parsing --- */

/* Takes all options; `groups` is NULL for a command without options. The operands are left in
 * argv[optind] to argv[argc - 1]; they may stand between options. Complaints suggest a similar
 * option. Returns false after one. (--help is handled by main().) */
bool options_parse(const char *command, const struct option_group *groups, int argc, char **argv,
                   void *request);

/* Returns whether a word that begins with a dash is an option of these groups: `--name`,
 * `--name=VALUE`, or `-x` with anything behind it. */
bool options_know(const struct option_group *groups, const char *word);

/* Returns whether there are no operands; complains if there are. */
bool options_no_operands(int argc, char **argv);

/* Prints `portreuse COMMAND: ...` on standard error. */
void options_complain(const char *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Complains about the value of an option: `portreuse run: --repeat 'x': EXPECTED is expected`.
 * Always returns false. */
bool options_wrong_value(const struct option_use *use, const char *expected);

/* --- setters --- */

/* The target is a bool: set to true, or to false. */
bool option_set_flag(const struct option_use *use);
bool option_clear_flag(const struct option_use *use);

/* The target is a const char *: the value itself, borrowed from the command line. */
bool option_set_text(const struct option_use *use);

/* The target is an int64_t, or an unsigned: a number between the bounds of the row. */
bool option_set_number(const struct option_use *use);
bool option_set_unsigned(const struct option_use *use);

/* The target is a uint64_t in nanoseconds: a time as in scenarios; a number without a unit is
 * seconds. Without a value the target stays as it is. */
bool option_set_time(const struct option_use *use);

/* The target is a bool: whether the value is the second of the row's values, not the first. */
bool option_set_either(const struct option_use *use);

/* The target is a bool: whether standard output is in colour. The value is always (also without
 * one), never or auto: on a terminal that is not dumb, unless NO_COLOR is set
 * (https://no-color.org). */
extern const char *const option_colour_values[];
bool option_set_colour(const struct option_use *use);
bool options_colour_by_default(void);

/* The same for another stream than standard output. */
bool options_colour_on(int fd);

/* Returns which of the row's values it is, from 0; -1 after a complaint. */
int option_word(const struct option_use *use);

/* --- help and completion --- */

/* Returns the row with this index, counted over all groups, or NULL; `groups` may be NULL. */
const struct option_row *options_row(const struct option_group *groups, size_t index);

/* Returns the row of an option as it is written, `-j` or `--jobs`, up to `size` bytes; or NULL. */
const struct option_row *options_find(const struct option_group *groups, const char *text,
                                      size_t size);

/* Prints the options in columns. */
void options_print_help(const struct option_group *groups, FILE *out);

#endif
