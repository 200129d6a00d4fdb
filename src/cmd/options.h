/* Options of the commands: getopt_long(3), with errors that say what to do instead. */
#ifndef PORTREUSE_CMD_OPTIONS_H
#define PORTREUSE_CMD_OPTIONS_H

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>

/* The next option of a command: its character, or the `val` of its row in `longs`; -1 at the end of
 * the options; '?' after an error that has been printed, which suggests a near one. Operands may
 * stand between options. (--help is main's business.) */
int options_next(int argc, char **argv, const char *shorts, const struct option *longs);

/* Starts anew; to be called first by each command. */
void options_begin(void);

/* Prints `portreuse COMMAND: ...` on standard error. */
void options_complain(const char *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Says that an option's value is wrong: `portreuse run: --repeat 'x': a number from ...`. */
void options_wrong_value(const char *command, const char *option, const char *value,
                         const char *expected);

/* Takes the value of an option: a number within low..high; a time as scenarios write it, of which a
 * bare number is seconds. False if it is wrong, which has been said. */
bool options_number(const char *command, const char *option, const char *text, int64_t low,
                    int64_t high, int64_t *number);
bool options_time(const char *command, const char *option, const char *text, uint64_t *ns);

/* Whether standard output is to be in colour, by the value of --color; NULL: it was given without
 * one. `auto`: on a terminal that is not dumb, unless NO_COLOR is set (https://no-color.org). False
 * after a complaint. */
bool options_colour(const char *command, const char *when, bool *colour);

/* For a command without options: whether there are none; if there are, says so. Operands are left.
 */
bool options_none(int argc, char **argv);

/* Whether no operands are left; if some are, says so. */
bool options_no_operands(int argc, char **argv);

#endif
