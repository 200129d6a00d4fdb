#include "cmd/run_report.h"

#include <unistd.h>

/* What the report of one output is made of. */
static struct report report_for(const struct run_report *reports, const struct output *output) {
    return (struct report){.run = reports->run,
                           .surroundings = &reports->surroundings,
                           .verbose = reports->verbose,
                           .quiet = reports->quiet && output->path == NULL,
                           .colour = reports->colour && output->path == NULL};
}

/* Passes an event on to each format that tells events. */
static void watch(void *context, const struct run_event *event) {
    struct run_report *reports = context;
    progress_tell(&reports->progress, event);
    for (size_t i = 0; i < reports->outputs.count; i++) {
        struct output *output = &reports->outputs.rows[i];
        struct report report = report_for(reports, output);
        if (output->format->event == NULL || event->kind == RUN_WAITS)
            continue;
        output->format->event(&report, event, output->stream);
        fflush(output->stream); /* an error shows in the end */
    }
}

bool run_report_begin(struct run_report *reports, const struct run_result *run,
                      struct run_options *options) {
    bool surroundings = false, events = false;
    reports->run = run;
    if (!output_open(&reports->outputs))
        return false;
    for (size_t i = 0; i < reports->outputs.count; i++) {
        surroundings |= reports->outputs.rows[i].format->surroundings;
        events |= reports->outputs.rows[i].format->event != NULL;
    }
    if (surroundings)
        surroundings_look(options->current, &reports->surroundings);
    /* Events that scroll by on the terminal leave no room for a line of progress. */
    bool scrolls = reports->outputs.rows[0].format->event != NULL && isatty(STDOUT_FILENO) == 1;
    bool progress = !scrolls && progress_begin(&reports->progress);
    options->watcher = (struct run_watcher){.tell = progress || events ? watch : NULL,
                                            .context = reports,
                                            .steps = events,
                                            .tick_ns = progress ? PROGRESS_TICK_NS : 0};
    return true;
}

/* Standard output is written last: whoever reads that may look at the files then. */
bool run_report_end(struct run_report *reports) {
    bool written = true;
    progress_end(&reports->progress);
    for (size_t i = reports->outputs.count; i-- > 0;) {
        struct output *output = &reports->outputs.rows[i];
        struct report report = report_for(reports, output);
        output->format->write(&report, output->stream);
        written &= output_end(&reports->outputs, output);
    }
    return written;
}
