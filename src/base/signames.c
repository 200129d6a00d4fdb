#include "base/signames.h"

#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define NAME(name)                                                                                 \
    { name, #name }

static const struct {
    int number;
    const char *name;
} names[] = {
    NAME(SIGHUP),  NAME(SIGINT),    NAME(SIGQUIT),  NAME(SIGILL),  NAME(SIGTRAP), NAME(SIGABRT),
    NAME(SIGBUS),  NAME(SIGFPE),    NAME(SIGKILL),  NAME(SIGUSR1), NAME(SIGSEGV), NAME(SIGUSR2),
    NAME(SIGPIPE), NAME(SIGALRM),   NAME(SIGTERM),  NAME(SIGCHLD), NAME(SIGCONT), NAME(SIGSTOP),
    NAME(SIGTSTP), NAME(SIGTTIN),   NAME(SIGTTOU),  NAME(SIGURG),  NAME(SIGXCPU), NAME(SIGXFSZ),
    NAME(SIGPROF), NAME(SIGVTALRM), NAME(SIGWINCH), NAME(SIGIO),   NAME(SIGPWR),  NAME(SIGSYS),
};

enum { NAMES = sizeof names / sizeof names[0] };

int signame_number(const char *name) {
    for (size_t i = 0; i < NAMES; i++)
        if (strcmp(names[i].name, name) == 0)
            return names[i].number;
    return 0;
}

const char *signame_near(const char *name) {
    struct suggestion nearest = suggest_begin(name);
    for (size_t i = 0; i < NAMES; i++)
        suggest_offer(&nearest, names[i].name);
    return nearest.word;
}

const char *signame(int number, char *text) {
    snprintf(text, SIGNAME_SIZE, "signal %d", number);
    for (size_t i = 0; i < NAMES; i++)
        if (names[i].number == number)
            snprintf(text, SIGNAME_SIZE, "%s", names[i].name);
    return text;
}
