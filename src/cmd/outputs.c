/* Which outputs there are is known from the options; they are opened before the command begins its
 * work, and written at its end. */
#include "cmd/outputs.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "cmd/commands.h"

enum { READER_TRIES = 300 }; /* 10 ms apart */

static bool complain(const struct outputs *outputs, const char *path, int error) {
    options_complain(outputs->command, "--output %s: %s", path, strerror(error));
    return false;
}

/* Returns the row for standard output, which exists from the first call on. */
static struct output *standard_output(struct outputs *outputs) {
    if (outputs->count == 0) {
        outputs->rows = arena_grow(&outputs->arena, NULL, 0, sizeof outputs->rows[0]);
        outputs->rows[outputs->count++] =
            (struct output){.format = outputs->subject->formats[0], .stream = stdout};
    }
    return &outputs->rows[0];
}

/* --- formats --- */

/* Complains about the name of a format, and suggests a similar one. */
static void refuse_format(const struct outputs *outputs, const char *option, const char *name) {
    const struct format *near = format_near(outputs->subject, name);
    fprintf(stderr, "portreuse %s: %s: unknown format '", outputs->command, option);
    utf8_print(stderr, name, strlen(name));
    fputs(near == NULL ? "'; expected " : "'; ", stderr);
    if (near != NULL)
        fprintf(stderr, "did you mean '%s'?", near->name);
    else
        format_print_names(outputs->subject, stderr);
    fputc('\n', stderr);
}

static bool set_format(const struct option_use *use) {
    struct outputs *outputs = use->target;
    const struct format *format = format_named(outputs->subject, use->value);
    if (format == NULL)
        refuse_format(outputs, "--format", use->value);
    else
        standard_output(outputs)->format = format;
    return format != NULL;
}

/* Returns the format of a file: the given one, or by its extension. NULL after a complaint. */
static const struct format *choose_format(const struct outputs *outputs, const char *path,
                                          const char *given) {
    const struct format *format = given == NULL ? format_of_file(outputs->subject, path)
                                                : format_named(outputs->subject, given);
    if (format != NULL)
        return format;
    if (given != NULL) {
        refuse_format(outputs, "--output", given);
        return NULL;
    }
    fprintf(stderr, "portreuse %s: --output ", outputs->command);
    utf8_print(stderr, path, strlen(path));
    fputs(": no format has this extension; write ", stderr);
    utf8_print(stderr, path, strlen(path));
    fputs(":FORMAT, or use one of ", stderr);
    format_print_extensions(outputs->subject, stderr);
    fputc('\n', stderr);
    return NULL;
}

/* --- files --- */

/* Determines which file is meant, and whether it can be replaced. Returns false after a complaint.
 */
static bool find_target(struct outputs *outputs, struct output *output) {
    struct stat file, standard;
    bool exists = stat(output->path, &file) == 0;
    bool special = exists && !S_ISREG(file.st_mode) && !S_ISDIR(file.st_mode);
    int error = replace_find(output->path, &output->file);
    bool foreign = error == EACCES && exists;
    output->replaces = error == 0;
    if (special && !foreign) /* /dev/stdout is a link to a name such as pipe:[4711] */
        return true;
    if (error != 0)
        return complain(outputs, output->path, error);
    if (exists && fstat(STDOUT_FILENO, &standard) == 0 && standard.st_dev == file.st_dev &&
        standard.st_ino == file.st_ino) {
        options_complain(outputs->command, "--output %s: this is standard output; use --format",
                         output->path);
        return false;
    }
    return true;
}

/* Returns whether another output has this file. */
static bool is_named_twice(const struct outputs *outputs, const struct output *output) {
    for (size_t i = 1; i < outputs->count; i++) {
        const struct output *other = &outputs->rows[i];
        if (strcmp(other->path, output->path) == 0 ||
            (other->replaces && output->replaces && replace_same(&other->file, &output->file)))
            return true;
    }
    return false;
}

/* FILE or FILE:FORMAT. What follows the last colon is part of the file name if it contains a dot or
 * a slash. */
static bool set_file(const struct option_use *use) {
    struct outputs *outputs = use->target;
    const char *colon = strrchr(use->value, ':');
    if (colon != NULL && strpbrk(colon, "./") != NULL)
        colon = NULL;
    size_t size = colon == NULL ? strlen(use->value) : (size_t)(colon - use->value);
    struct output output = {.path = arena_copy(&outputs->arena, use->value, size),
                            .file = {.directory = -1}};
    standard_output(outputs);
    if (size == 0 || strcmp(output.path, "-") == 0) {
        options_complain(outputs->command,
                         "--output '%s': expected a file name; --format is for standard output",
                         use->value);
        return false;
    }
    output.format = choose_format(outputs, output.path, colon == NULL ? NULL : colon + 1);
    if (output.format == NULL)
        return false;
    bool found = find_target(outputs, &output);
    if (found && is_named_twice(outputs, &output)) {
        options_complain(outputs->command, "--output %s: the same file is named twice",
                         output.path);
        found = false;
    }
    if (!found) {
        replace_free(&output.file);
        return false;
    }
    outputs->rows =
        arena_grow(&outputs->arena, outputs->rows, outputs->count, sizeof outputs->rows[0]);
    outputs->rows[outputs->count++] = output;
    return true;
}

const struct option_row outputs_options[] = {
    {.name = "format",
     .takes = VALUE_REQUIRED,
     .value_name = "FORMAT",
     .set = set_format,
     .help = "format of the report on standard output; see below"},
    {.name = "output",
     .takes = VALUE_REQUIRED,
     .value_name = "FILE",
     .set = set_file,
     .help = "also write the report to FILE (format from its extension, or FILE:FORMAT); may be "
             "given several times"},
    {0},
};

const struct option_row outputs_quiet_options[] = {
    {.name = "quiet",
     .letter = 'q',
     .set = option_set_flag,
     .offset = offsetof(struct outputs, quiet),
     .help = "print only the first line on standard output"},
    {0},
};

const struct option_row outputs_colour_options[] = {
    {.name = "color",
     .takes = VALUE_OPTIONAL,
     .value_name = "WHEN",
     .values = option_colour_values,
     .set = option_set_colour,
     .offset = offsetof(struct outputs, colour),
     .help = "colour the text: always (also without WHEN), never, or auto (default): on a terminal "
             "unless NO_COLOR is set"},
    {0},
};

/* --- writing --- */

/* Opens what is not a regular file. The reader of a named pipe can be about to open it: it is
 * waited for, but not for ever. Returns -1 with errno set: ENXIO if no reader came. */
static int open_directly(const char *path) {
    const struct timespec pause = {.tv_nsec = 10L * 1000 * 1000};
    int fd = -1;
    for (int tries = 0; tries < READER_TRIES; tries++) {
        fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (fd >= 0 || errno != ENXIO)
            break;
        nanosleep(&pause, NULL);
        errno = ENXIO;
    }
    if (fd >= 0)
        fcntl(fd, F_SETFL, O_WRONLY);
    return fd;
}

/* Returns a stream that collects a file's report in memory, if the directory lets us replace the
 * file; or one that writes directly. NULL with errno set. */
static FILE *open_stream(struct output *output) {
    if (!output->replaces) {
        int fd = open_directly(output->path);
        return fd < 0 ? NULL : fdopen(fd, "w");
    }
    errno = replace_is_allowed(&output->file);
    return errno == 0 ? memory_stream(&output->bytes, &output->size) : NULL;
}

bool outputs_open(struct outputs *outputs) {
    standard_output(outputs);
    /* If a reader goes away, that is an error like any other: the files are still written. */
    if (outputs->count > 1)
        signal(SIGPIPE, SIG_IGN);
    for (size_t i = 1; i < outputs->count; i++) {
        struct output *output = &outputs->rows[i];
        output->stream = open_stream(output);
        if (output->stream == NULL)
            return complain(outputs, output->path, errno);
    }
    return true;
}

/* Returns 0 or an errno. */
static int close_stream(FILE *stream) {
    int error = fflush(stream) != 0 ? errno : ferror(stream) ? EIO : 0;
    if (fclose(stream) != 0 && error == 0)
        error = errno;
    return error;
}

/* Closes a stream that has been written, and replaces its file. Returns false after a complaint. */
static bool finish(const struct outputs *outputs, struct output *output) {
    FILE *stream = output->stream;
    if (output->path == NULL)
        return fflush(stream) == 0;
    output->stream = NULL;
    int error = close_stream(stream);
    if (error == 0 && output->replaces)
        error = replace_write(&output->file, output->bytes, output->size);
    free(output->bytes);
    output->bytes = NULL;
    return error == 0 || complain(outputs, output->path, error);
}

/* The report as this output shows it. */
static struct report report_for(const struct outputs *outputs, const struct output *output,
                                const struct report *report) {
    struct report own = *report;
    own.quiet = outputs->quiet && output->path == NULL;
    own.colour = outputs->colour && output->path == NULL;
    return own;
}

void outputs_event(struct outputs *outputs, const struct report *report,
                   const struct run_event *event) {
    for (size_t i = 0; i < outputs->count; i++) {
        struct output *output = &outputs->rows[i];
        struct report own = report_for(outputs, output, report);
        if (output->format->event == NULL)
            continue;
        output->format->event(&own, event, output->stream);
        fflush(output->stream); /* finish() checks for errors */
    }
}

bool outputs_write(struct outputs *outputs, const struct report *report) {
    bool written = true;
    for (size_t i = outputs->count; i-- > 0;) {
        struct output *output = &outputs->rows[i];
        struct report own = report_for(outputs, output, report);
        if (output->format == NULL)
            continue;
        output->format->write(&own, output->stream);
        written &= finish(outputs, output);
    }
    return written;
}

int outputs_report(struct outputs *outputs, const struct report *report) {
    if (!outputs_write(outputs, report))
        return EXIT_TROUBLE;
    return report_exit_code(report, outputs->rows[0].format->plugin);
}

void outputs_free(struct outputs *outputs) {
    for (size_t i = 1; i < outputs->count; i++) {
        if (outputs->rows[i].stream != NULL)
            fclose(outputs->rows[i].stream);
        free(outputs->rows[i].bytes);
        replace_free(&outputs->rows[i].file);
    }
    arena_free(&outputs->arena);
}
