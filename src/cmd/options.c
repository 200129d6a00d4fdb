#include "cmd/options.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/suggest.h"
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

/* Says what is wrong with the option that getopt_long() has just refused. */
static void refuse(char **argv, const struct option *longs, int refusal) {
    const char *word = argv[optind - 1];
    bool is_long = strncmp(word, "--", 2) == 0;
    if (refusal == ':') {
        if (is_long)
            options_complain(argv[0], "option '%s' needs a value", word);
        else
            options_complain(argv[0], "option '-%c' needs a value", optopt);
        return;
    }
    if (!is_long) {
        options_complain(argv[0], "unknown option '-%c'; see 'portreuse help %s'", optopt, argv[0]);
        return;
    }
    const char *near = long_near(longs, word + 2);
    if (long_named(longs, word + 2) != NULL)
        options_complain(argv[0], "option '%s' takes no value", word);
    else if (near != NULL)
        options_complain(argv[0], "unknown option '%s'; did you mean '--%s'?", word, near);
    else
        options_complain(argv[0], "unknown option '%s'; see 'portreuse help %s'", word, argv[0]);
}

int options_next(int argc, char **argv, const char *shorts, const struct option *longs) {
    int option = getopt_long(argc, argv, shorts, longs, NULL);
    if (option == '?' || option == ':') {
        refuse(argv, longs, option);
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
