#include "cmd/options.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/suggest.h"
#include "base/units.h"
#include "cmd/cmd.h"

void options_begin(void) {
    optind = 1;
    opterr = 0;
}

void options_complain(const char *command, const char *format, ...) {
    va_list values;
    fprintf(stderr, "portreuse %s: ", command);
    va_start(values, format);
    vfprintf(stderr, format, values);
    va_end(values);
    fputc('\n', stderr);
}

void options_wrong_value(const char *command, const char *option, const char *value,
                         const char *expected) {
    options_complain(command, "%s '%s': %s is expected", option, value, expected);
}

bool options_number(const char *command, const char *option, const char *text, int64_t low,
                    int64_t high, int64_t *number) {
    char expected[80];
    if (units_number(text, low, high, number))
        return true;
    snprintf(expected, sizeof expected, "a number from %" PRId64 " to %" PRId64, low, high);
    options_wrong_value(command, option, text, expected);
    return false;
}

bool options_time(const char *command, const char *option, const char *text, uint64_t *ns) {
    int64_t seconds;
    const int64_t day = INT64_C(24) * 3600;
    if (units_number(text, 0, day, &seconds))
        *ns = (uint64_t)seconds * NS_PER_S;
    else if (!units_duration(text, ns)) {
        options_wrong_value(command, option, text, "a time such as 500ms, 10s or 2m");
        return false;
    }
    return true;
}

static const struct option *long_named(const struct option *longs, const char *name) {
    size_t size = strcspn(name, "=");
    for (; longs->name != NULL; longs++)
        if (strncmp(longs->name, name, size) == 0 && longs->name[size] == '\0')
            return longs;
    return NULL;
}

static const char *long_near(const struct option *longs, const char *name) {
    struct suggestion nearest = suggest_begin(name);
    for (; longs->name != NULL; longs++)
        suggest_offer(&nearest, longs->name);
    return nearest.word;
}

/* Whether getopt_long() has refused the word before optind as a long option. A short one in the
 * middle of its word leaves optind on that; the word before then is another, and in order. */
static bool refused_long(const char *word, const struct option *longs) {
    const struct option *named = long_named(longs, word + 2);
    return strncmp(word, "--", 2) == 0 &&
           (optopt == 0 || (named != NULL && strchr(word, '=') && named->has_arg == no_argument));
}

static void refuse_short(int argc, char **argv, const struct option *longs) {
    const char *word = optind < argc ? argv[optind] : "";
    if (word[0] == '-' && long_named(longs, word + 1) != NULL)
        options_complain(argv[0], "unknown option '%s'; did you mean '-%s'?", word, word);
    else
        options_complain(argv[0], "unknown option '-%c'; see 'portreuse help %s'", optopt, argv[0]);
}

static void refuse_long(char **argv, const struct option *longs, const char *word) {
    const char *near = long_near(longs, word + 2);
    if (long_named(longs, word + 2) != NULL)
        options_complain(argv[0], "option '%s' takes no value", word);
    else if (near != NULL)
        options_complain(argv[0], "unknown option '%s'; did you mean '--%s'?", word, near);
    else
        options_complain(argv[0], "unknown option '%s'; see 'portreuse help %s'", word, argv[0]);
}

/* Says what is wrong with the option that getopt_long() has just refused. */
static void refuse(int argc, char **argv, const struct option *longs, int refusal) {
    const char *word = argv[optind - 1];
    if (refusal == ':' && strncmp(word, "--", 2) == 0)
        options_complain(argv[0], "option '%s' needs a value", word);
    else if (refusal == ':')
        options_complain(argv[0], "option '-%c' needs a value", optopt);
    else if (refused_long(word, longs))
        refuse_long(argv, longs, word);
    else
        refuse_short(argc, argv, longs);
}

int options_next(int argc, char **argv, const char *shorts, const struct option *longs) {
    int option = getopt_long(argc, argv, shorts, longs, NULL);
    if (option == '?' || option == ':') {
        refuse(argc, argv, longs, option);
        return '?';
    }
    return option;
}

bool options_none(int argc, char **argv) {
    static const struct option none[] = {{0}};
    options_begin();
    return options_next(argc, argv, ":", none) == -1;
}

bool options_no_operands(int argc, char **argv) {
    if (optind == argc)
        return true;
    options_complain(argv[0], "unexpected '%s'; see 'portreuse help %s'", argv[optind], argv[0]);
    return false;
}

static bool is_in_colour_by_itself(void) {
    const char *refused = getenv("NO_COLOR"), *terminal = getenv("TERM");
    return (refused == NULL || *refused == '\0') && isatty(STDOUT_FILENO) == 1 &&
           terminal != NULL && strcmp(terminal, "dumb") != 0;
}

bool options_colour(const char *command, const char *when, bool *colour) {
    bool by_itself = when != NULL && strcmp(when, "auto") == 0;
    *colour =
        when == NULL || strcmp(when, "always") == 0 || (by_itself && is_in_colour_by_itself());
    if (*colour || by_itself || strcmp(when, "never") == 0)
        return true;
    options_wrong_value(command, "--color", when, "'auto', 'always' or 'never'");
    return false;
}
