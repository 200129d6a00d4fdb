/* The table of commands, and the choice of one: by the name of a link (portreuse-run) or by the
 * first word (portreuse run). */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/suggest.h"
#include "cmd/cmd.h"
#include "cmd/options.h"

const struct command commands[] = {
    {"list", cmd_list, "[--tag TAG]", "show the built-in scenarios",
     "  --tag TAG      only those with this tag\n"},
    {"show", cmd_show, "NAME...", "print the text of a scenario: its steps, why, and what to do",
     NULL},
    {"run", cmd_run, "[OPTION...] NAME|FILE... | --all | --tag TAG",
     "run scenarios, and report what the kernel answered",
     "  --all          all built-in scenarios, but for slow ones\n"
     "  --tag TAG      those with this tag; may be given several times\n"
     "  --slow         slow ones too: they wait for timers of a minute\n"
     "  -j, --jobs[=N] N cases at a time; without N one for each processor\n"
     "  --repeat N     run each case N times\n"
     "  --timeout TIME give a case so long: 500ms, 10s (30s, and what it says that it waits)\n"
     "  --net=private  a network namespace of its own for each case (the default)\n"
     "  --net=current  stay in the present namespace; what would touch the host is skipped\n"
     "  --must-run     what cannot run here is an error, not skipped\n"
     "  --format F     text (the default) or json\n"
     "  -v, --verbose  process ids, chosen ports, times, and every scenario in full\n"
     "  -q, --quiet    the verdict alone\n"},
    {"check", cmd_check, "FILE...", "say every mistake of scenario files, and run nothing", NULL},
    {"version", cmd_version, "[-v]", "show the version; with -v what this kernel offers",
     "  -v, --verbose  what this kernel and these surroundings offer\n"},
    {"help", cmd_help, "[COMMAND]", "show this, or the options of a command", NULL},
};

const size_t command_count = sizeof commands / sizeof commands[0];

const struct command *command_named(const char *name) {
    for (size_t i = 0; i < command_count; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

const struct command *command_near(const char *name) {
    struct suggestion nearest = suggest_begin(name);
    for (size_t i = 0; i < command_count; i++)
        suggest_offer(&nearest, commands[i].name);
    return nearest.word == NULL ? NULL : command_named(nearest.word);
}

/* `--version`, `--help` and `-h` stand for commands. */
static const char *command_word(const char *word) {
    if (strcmp(word, "--version") == 0)
        return "version";
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
        return "help";
    return word;
}

static int complain(const char *word) {
    const struct command *near = command_near(word);
    if (near != NULL)
        fprintf(stderr, "portreuse: unknown command '%s'; did you mean '%s'?\n", word, near->name);
    else
        fprintf(stderr, "portreuse: unknown command '%s'; 'portreuse help' shows them\n", word);
    return EXIT_TROUBLE;
}

/* Runs the command that the arguments name, by either way. */
static int dispatch(int argc, char **argv) {
    static const char prefix[] = "portreuse-";
    const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
    const char *program = slash != NULL ? slash + 1 : argc > 0 ? argv[0] : "portreuse";
    if (strncmp(program, prefix, strlen(prefix)) == 0) {
        const struct command *linked = command_named(program + strlen(prefix));
        if (linked == NULL)
            return complain(program + strlen(prefix));
        argv[0] = (char *)linked->name;
        return linked->function(argc, argv);
    }
    if (argc < 2) {
        fputs("portreuse: a command is missing; 'portreuse help' shows them\n", stderr);
        return EXIT_TROUBLE;
    }
    const char *word = command_word(argv[1]);
    const struct command *command = command_named(word);
    if (command == NULL)
        return complain(word);
    argv[1] = (char *)command->name;
    return command->function(argc - 1, argv + 1);
}

/* A program started without descriptors 0, 1 and 2 would take sockets of its own for them. */
static void fill_standard_descriptors(void) {
    int fd;
    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd > STDERR_FILENO)
        close(fd);
}

int main(int argc, char **argv) {
    fill_standard_descriptors();
    int status = dispatch(argc, argv);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "portreuse: writing to standard output: %s\n", strerror(errno));
        return EXIT_TROUBLE;
    }
    return status;
}
