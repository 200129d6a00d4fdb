#include "scenario/catalogue.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"

const struct catalogue_entry *catalogue_find(const char *name) {
    for (size_t i = 0; i < catalogue_count; i++)
        if (strcmp(catalogue[i].name, name) == 0)
            return &catalogue[i];
    return NULL;
}

struct scenario *catalogue_parse(const struct catalogue_entry *entry, struct errors *errors) {
    return scenario_parse(entry->name, NULL, entry->text, entry->size, errors);
}

struct scenario *catalogue_header(const struct catalogue_entry *entry, struct errors *errors) {
    return scenario_parse_header(entry->name, entry->text, entry->size, errors);
}

const struct catalogue_group catalogue_groups[] = {
    {"bind", "a server cannot bind its port"},
    {"listen", "a server has bound its port, but gets no connections"},
    {"reuseport", "several listeners share a port through SO_REUSEPORT"},
    {"time-wait", "a connection that is over still has the port"},
    {"connect", "a client's connect() is refused, or reaches the wrong peer"},
    {"ephemeral", "the kernel chooses the port (ephemeral ports)"},
};

const size_t catalogue_group_count = sizeof catalogue_groups / sizeof catalogue_groups[0];

/* --- files --- */

static const char ending[] = ".scenario";

static bool ends_in(const char *text, const char *end) {
    size_t size = strlen(text), end_size = strlen(end);
    return size > end_size && strcmp(text + size - end_size, end) == 0;
}

/* The name of a file's scenario: its own without folders and `.scenario`. */
static const char *name_of_file(struct arena *arena, const char *path) {
    const char *slash = strrchr(path, '/');
    const char *base = slash == NULL ? path : slash + 1;
    size_t size = strlen(base);
    return arena_copy(arena, base, ends_in(base, ending) ? size - strlen(ending) : size);
}

/* Reads all of a file into the arena. Returns its text, or NULL with what is wrong in `*wrong`. */
static const char *read_all(struct arena *arena, int file, size_t *size, const char **wrong) {
    const char *text = file_read_all(arena, file, SCENARIO_FILE_MAX, size);
    if (text == NULL)
        *wrong =
            errno == EFBIG ? "it is larger than 4 MiB, the limit for a scenario" : strerror(errno);
    else if (*size == 0)
        *wrong = "it is empty";
    return *wrong == NULL ? text : NULL;
}

static const char *refuse_kind(int file) {
    struct stat status;
    if (fstat(file, &status) < 0)
        return strerror(errno);
    if (S_ISDIR(status.st_mode))
        return "it is a directory; name the files in it";
    if (S_ISBLK(status.st_mode) || S_ISSOCK(status.st_mode))
        return "it is not a text file";
    return NULL;
}

/* Reads a file, or standard input for `-`. A FIFO that nobody writes to is empty, not waited for.
 */
static const char *read_file(struct arena *arena, const char *path, size_t *size,
                             const char **wrong) {
    bool input = strcmp(path, "-") == 0;
    int file = input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (file < 0) {
        *wrong = strerror(errno);
        return NULL;
    }
    *wrong = refuse_kind(file);
    if (!input)
        fcntl(file, F_SETFL, O_RDONLY);
    const char *text = *wrong == NULL ? read_all(arena, file, size, wrong) : NULL;
    if (!input)
        close(file);
    return text;
}

static struct scenario *open_file(const char *path, struct errors *errors) {
    struct arena arena = {0};
    struct scenario *scenario = NULL;
    const char *wrong = NULL;
    size_t size = 0;
    const char *shown = strcmp(path, "-") == 0 ? "<stdin>" : path;
    const char *text = read_file(&arena, path, &size, &wrong);
    if (text != NULL)
        scenario = scenario_parse(name_of_file(&arena, shown), shown, text, size, errors);
    else
        errors_add_file(errors, path, arena_format(&arena, "cannot read this file: %s", wrong));
    arena_free(&arena);
    return scenario;
}

/* --- words --- */

static void add_unknown(struct errors *errors, const char *word) {
    struct suggestion nearest = suggest_begin(word);
    for (size_t i = 0; i < catalogue_count; i++)
        suggest_offer(&nearest, catalogue[i].name);
    const char *message =
        nearest.word != NULL
            ? arena_format(&errors->arena, "no scenario has this name; did you mean '%s'?",
                           nearest.word)
            : "no scenario or file has this name; 'portreuse list' shows all scenarios";
    errors_add_file(errors, word, message);
}

struct scenario *catalogue_open(const char *word, struct errors *errors) {
    const struct catalogue_entry *entry = catalogue_find(word);
    if (entry != NULL)
        return catalogue_parse(entry, errors);
    bool path = strcmp(word, "-") == 0 || strchr(word, '/') != NULL || ends_in(word, ending);
    if (path || access(word, F_OK) == 0)
        return open_file(word, errors);
    add_unknown(errors, word);
    return NULL;
}
