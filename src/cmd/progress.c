/* The line is written over in place, on standard error: a report on standard output stays whole,
 * and whoever pipes standard error sees nothing of it. */
#include "cmd/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/utf8.h"
#include "report/run/phrase.h"

bool progress_begin(struct progress *progress) {
    const char *terminal = getenv("TERM");
    progress->wanted =
        isatty(STDERR_FILENO) == 1 && terminal != NULL && strcmp(terminal, "dumb") != 0;
    return progress->wanted;
}

static void print_seconds(FILE *out, uint64_t ns) {
    uint64_t seconds = ns / NS_PER_S;
    if (seconds < 120)
        fprintf(out, "%" PRIu64 " s", seconds);
    else
        fprintf(out, "%" PRIu64 " min %" PRIu64 " s", seconds / 60, seconds % 60);
}

/* What is under way, and for how long. */
static void print_step(FILE *out, const struct run_event *event) {
    const char *role = phrase_role(event->scenario, event->step);
    fputs(": ", out);
    phrase_text(out, role);
    fputs(*role == '\0' ? "" : " ", out);
    phrase_call(out, event->step);
    if (event->rounds > 0)
        fprintf(out, ", %zu rounds", event->rounds);
    fputs(", for ", out);
    print_seconds(out, event->waited_ns);
}

/* The whole line; the caller frees it. */
static char *compose(const struct run_event *event) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL)
        return NULL;
    fprintf(out, "%zu of %zu cases done in ", event->runs_ended, event->runs_total);
    print_seconds(out, event->at_ns);
    fputs("; ", out);
    phrase_text(out, event->scenario->name);
    if (event->step != NULL)
        print_step(out, event);
    fclose(out);
    return text;
}

/* How many bytes of a text that is safe to print fit on one line, and never wrap. */
static size_t fitting(const char *text) {
    struct winsize window;
    size_t columns = 80, at = 0, size = strlen(text);
    uint32_t code;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 0)
        columns = window.ws_col;
    for (size_t used = 1; at < size && used < columns; used++)
        at += utf8_next(text + at, size - at, &code);
    return at;
}

void progress_tell(struct progress *progress, const struct run_event *event) {
    const uint64_t patience_ns = NS_PER_S / 2;
    if (!progress->wanted || event->kind != RUN_WAITS || event->at_ns < patience_ns)
        return;
    char *text = compose(event);
    if (text == NULL)
        return;
    if (progress->shown == NULL || strcmp(progress->shown, text) != 0)
        fprintf(stderr, "\r%.*s\x1b[K", (int)fitting(text), text);
    free(progress->shown);
    progress->shown = text;
}

void progress_end(struct progress *progress) {
    if (progress->shown != NULL)
        fputs("\r\x1b[K", stderr);
    free(progress->shown);
    progress->shown = NULL;
}
