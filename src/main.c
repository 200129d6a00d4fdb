/* Selects a command: by the first word (portreuse run), or by the name of a link to the program
 * (portreuse-run). Without one, an address is a question for why (portreuse :8080). */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/signals.h"
#include "base/stack.h"
#include "base/text.h"
#include "cmd/commands.h"

/* Runs the command with its arguments, or prints its help if they ask for it. argv[0] becomes its
 * name, whatever it was called. */
static int run_command(const struct command *command, int argc, char **argv) {
    argv[0] = (char *)command->name;
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            command_print_help(command);
            return EXIT_AS_EXPECTED;
        }
    return command->function(argc, argv);
}

/* Returns the command that a link to the program is named after, or NULL. */
static const struct command *linked_command(const char *program) {
    static const char prefix[] = "portreuse-";
    const char *slash = strrchr(program, '/');
    const char *name = slash == NULL ? program : slash + 1;
    return strncmp(name, prefix, strlen(prefix)) == 0 ? command_named(name + strlen(prefix)) : NULL;
}

/* The first word names the command; `--version`, `--help` and `-h` stand for commands too. */
static int dispatch(int argc, char **argv) {
    const struct command *command = argc > 0 ? linked_command(argv[0]) : NULL;
    if (command != NULL)
        return run_command(command, argc, argv);
    if (argc < 2) {
        commands_print(stderr);
        return EXIT_TROUBLE;
    }
    const char *word = argv[1];
    if (strcmp(word, "--version") == 0)
        word = "version";
    else if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
        word = "help";
    command = command_named(word);
    if (command != NULL)
        return run_command(command, argc - 1, argv + 1);
    command = command_for_question(argc, argv);
    if (command != NULL)
        return run_command(command, argc, argv);
    const struct command *near = command_near(word);
    fprintf(stderr, "portreuse: %s'",
            near != NULL     ? "unknown command "
            : word[0] == '-' ? "unknown option "
                             : "");
    utf8_print(stderr, word, strlen(word));
    if (near != NULL)
        fprintf(stderr, "'; did you mean '%s'?\n", near->name);
    else if (word[0] == '-')
        fputs("'; options follow a command, see 'portreuse help'\n", stderr);
    else
        fputs("' is neither a command nor an address\n"
              "  who has a port:                  portreuse why :PORT\n"
              "  why a program does not get one:  portreuse trace -- PROGRAM\n"
              "  all commands:                    portreuse help\n",
              stderr);
    return EXIT_TROUBLE;
}

/* Opens descriptors 0, 1 and 2 if they are closed: otherwise sockets would get these numbers. To
 * write to a standard output that was closed stays the error EBADF: it is opened for reading. */
static void fill_standard_descriptors(void) {
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0)
            open("/dev/null", fd == STDERR_FILENO ? O_WRONLY : O_RDONLY);
}

/* Where a parent has left a pipe or a terminal O_NONBLOCK, as node(1) does, what a slow reader has
 * no room for would be lost, and what a slow writer has not written yet would be missing (EAGAIN).
 * The flag is that of the open file, which others share: so we open it once more. */
static void wait_for_other_ends(void) {
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        const int access = fd == STDIN_FILENO ? O_RDONLY : O_WRONLY;
        char path[32];
        struct stat file;
        int flags = fcntl(fd, F_GETFL);
        bool blocks = flags < 0 || (flags & O_NONBLOCK) == 0 || fstat(fd, &file) < 0;
        if (blocks || (!S_ISFIFO(file.st_mode) && !isatty(fd)))
            continue;
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        int own = open(path, access | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (own < 0)
            continue;
        fcntl(own, F_SETFL, access);
        dup2(own, fd);
        close(own);
    }
}

int main(int argc, char **argv) {
    fill_standard_descriptors();
    wait_for_other_ends();
    signals_begin();
    stack_take();
    int status = dispatch(argc, argv);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "portreuse: writing to standard output: %s\n", strerror(errno));
        return EXIT_TROUBLE;
    }
    return status;
}
