/* What a program prints: a process of its own reads it, so that the program never waits, and keeps
 * only the end of it, so that the program may print without end. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "engine/program.h"
#include "kernel/process.h"

_Noreturn void program_listen(struct program_log *log, int pipe, pid_t stage) {
    struct program_output *output = &log->output;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != stage)
        _exit(1);
    pipe = process_keep_only(pipe);
    for (;;) {
        unsigned long long size = atomic_load(&output->size);
        size_t at = (size_t)(size % sizeof output->end);
        ssize_t got = read(pipe, output->end + at, sizeof output->end - at);
        if (got == 0 || (got < 0 && errno != EINTR))
            _exit(0);
        if (got > 0)
            atomic_store(&output->size, size + (unsigned long long)got);
    }
}

/* Returns where the last PROGRAM_LINES lines of the text begin. */
static size_t last_lines(const char *text, size_t size) {
    size_t at = size;
    if (at > 0 && text[at - 1] == '\n')
        at--;
    for (int lines = 0; at > 0; at--)
        if (text[at - 1] == '\n' && ++lines == PROGRAM_LINES)
            break;
    return at;
}

void program_printed(const struct program_log *log, char *text) {
    enum { LEAST = 64 }; /* room for the line that says that something is left out */
    const struct program_output *output = &log->output;
    char kept[OUTPUT_TEXT_SIZE];
    unsigned long long all = atomic_load(&output->size);
    size_t most = sizeof kept - LEAST, size = all < most ? (size_t)all : most;
    for (size_t i = 0; i < size; i++) {
        char c = output->end[(all - size + i) % sizeof output->end];
        kept[i] = c == '\r' || c == '\0' ? ' ' : c;
    }
    size_t start = size < all ? 1 : 0; /* begin with a whole line, if there is one */
    while (start > 0 && start < size && kept[start - 1] != '\n')
        start++;
    start = start >= size ? 0 : start;
    start += last_lines(kept + start, size - start);
    unsigned long long missing = all - size + start;
    int used =
        missing == 0 ? 0 : snprintf(text, LEAST, "(%llu bytes are left out here)\n", missing);
    memcpy(text + used, kept + start, size - start);
    text[(size_t)used + size - start] = '\0';
}
