/* The name of a program is that of the kernel, `comm`, which a script with a `#!` line has too. But
 * `python3 x.py` is called python3: there the command line is read as the interpreter reads it. */
#include "inspect/owner.h"

#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/errnames.h"
#include "base/file.h"
#include "base/memory.h"
#include "inspect/placement.h"
#include "kernel/process.h"

_Static_assert((int)OWNER_UNIT_SIZE >= (int)PLACEMENT_UNIT_SIZE,
               "room for what placement_text() writes");

/* --- interpreters --- */

/* How an interpreter reads its options. The lists have a blank around each word. */
struct interpreter {
    const char *name;   /* a version may follow it */
    const char *valued; /* options that take the next argument */
    const char *module; /* options that are followed by what is to run */
    const char *code;   /* options that are followed by program text, or that stand for a program */
    const char *commands; /* words that precede the script */
    const char *joined;   /* short options whose value can follow at once; "" if short options are
                             never written together */
};

static const struct interpreter interpreters[] = {
    {"python", " -W -X -Q --check-hash-based-pycs ", " -m ", " -c ", "", "WXQ"},
    {"pypy", " -W -X -Q ", " -m ", " -c ", "", "WXQ"},
    {"node", " -r --require --import --loader --experimental-loader -C --conditions --env-file ",
     "", " -e --eval -p --print -pe ", "", ""},
    {"nodejs", " -r --require --import --loader --experimental-loader -C --conditions ", "",
     " -e --eval -p --print -pe ", "", ""},
    {"ruby", " -I -r -C -E -W ", "", " -e ", "", "IrCEWxKT"},
    {"perl", " -I ", "", " -e -E ", "", "IMmxDdiFlC0"},
    {"java",
     " -cp -classpath --class-path -p --module-path --upgrade-module-path --add-modules "
     "--add-opens --add-exports --add-reads --limit-modules --source ",
     " -jar -m --module ", "", "", ""},
    {"php", " -c -d -t -z ", " -f ", " -r -S ", "", ""},
    {"sh", " -o -O +o +O ", "", " -c ", "", "oO"},
    {"bash", " -o -O +o +O --rcfile --init-file ", "", " -c ", "", "oO"},
    {"dash", " -o +o ", "", " -c ", "", "o"},
    {"ash", " -o +o ", "", " -c ", "", "o"},
    {"ksh", " -o +o ", "", " -c ", "", "o"},
    {"zsh", " -o +o ", "", " -c ", "", "o"},
    {"deno", " -c --config --import-map -L ", "", " eval ", " run serve ", ""},
    {"bun", " -c --config --cwd -r --preload ", "", " -e --eval ", " run ", ""},
    {"dotnet", "", "", "", " exec run ", ""},
    {"mono", "", "", "", "", ""},
    {"lua", " -l ", "", " -e ", "", ""},
    {"Rscript", "", "", " -e ", "", ""},
    {"tclsh", "", "", "", "", ""},
    {"guile", " -L -x -l ", " -s ", " -c ", "", ""},
};

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

static const struct interpreter *interpreter_of(const char *name) {
    for (size_t i = 0; i < sizeof interpreters / sizeof interpreters[0]; i++) {
        size_t length = strlen(interpreters[i].name);
        if (strncmp(name, interpreters[i].name, length) == 0 &&
            name[length + strspn(name + length, "0123456789.")] == '\0')
            return &interpreters[i];
    }
    return NULL;
}

bool owner_is_interpreter(const char *name) {
    return interpreter_of(name) != NULL;
}

/* Returns whether the list has the word. */
static bool has_word(const char *list, const char *word) {
    size_t length = strlen(word);
    const char *at = list;
    while (length > 0 && (at = strstr(at, word)) != NULL) {
        if (at > list && at[-1] == ' ' && at[length] == ' ')
            return true;
        at += length;
    }
    return false;
}

/* Returns the option that an argument ends with: `-m` for `-Im`, where short options can be written
 * together; else the argument itself. */
static const char *last_option(const struct interpreter *interpreter, const char *argument,
                               char option[3]) {
    size_t length = strlen(argument);
    if (interpreter->joined[0] == '\0' || length < 3 || argument[0] != '-' || argument[1] == '-' ||
        strchr(interpreter->joined, argument[1]) != NULL)
        return argument;
    snprintf(option, 3, "-%c", argument[length - 1]);
    return option;
}

/* Returns the argument behind this one, or NULL. */
static const char *next_argument(const struct owner_words *words, const char *argument) {
    const char *end = words->arguments + words->size;
    const char *next = argument + strnlen(argument, (size_t)(end - argument)) + 1;
    return next < end && *next != '\0' ? next : NULL;
}

/* Returns what the interpreter runs, without its folder, or NULL if the command line does not name
 * it. `*code` is then the option that gives the program text, if there is one, in `room`. */
static const char *script_of(const struct owner_words *words, const struct interpreter *interpreter,
                             const char **code, char room[3]) {
    bool options_end = false;
    const char *argument = words->size == 0 ? NULL : next_argument(words, words->arguments);
    for (; argument != NULL; argument = next_argument(words, argument)) {
        const char *option = last_option(interpreter, argument, room);
        if (has_word(interpreter->code, option)) {
            *code = option;
            return NULL;
        }
        if (!options_end && has_word(interpreter->module, option)) {
            argument = next_argument(words, argument);
            return argument == NULL ? NULL : base_name(argument);
        }
        if (options_end || (argument[0] != '-' && argument[0] != '+' && argument[0] != '@')) {
            if (!has_word(interpreter->commands, argument))
                return base_name(argument);
        } else if (strcmp(argument, "--") == 0) {
            options_end = true;
        } else if (has_word(interpreter->valued, option)) {
            argument = next_argument(words, argument);
            if (argument == NULL)
                return NULL;
        }
    }
    return NULL;
}

/* --- the name of a program --- */

/* Copies a name, if it fits and is not blank. */
static bool set_program(char *program, const char *name, size_t size) {
    if (size >= OWNER_PROGRAM_SIZE || strspn(name, " ") >= size)
        return false;
    memmove(program, name, size);
    program[size] = '\0';
    return true;
}

/* Names the program by what the interpreter runs. A process can also have written something else
 * over its command line: `myapp: master`. */
static bool set_script(const struct owner_words *words, const struct interpreter *interpreter,
                       char *program) {
    char room[3];
    const char *code = NULL, *first = words->size == 0 ? "" : words->arguments;
    size_t size = strcspn(first, " :");
    char title[OWNER_PROGRAM_SIZE];
    if (set_program(title, first, size) && first[size] != '\0' &&
        !owner_is_interpreter(base_name(title) + (*base_name(title) == '-')))
        return set_program(program, base_name(title), strlen(base_name(title)));
    const char *script = script_of(words, interpreter, &code, room);
    if (script != NULL && set_program(program, script, strlen(script)))
        return true;
    if (code == NULL)
        return false;
    const char *name = interpreter_of(words->name) != NULL ? words->name : interpreter->name;
    snprintf(program, OWNER_PROGRAM_SIZE, "%s %s", name, code);
    return true;
}

/* The kernel cuts a name after 15 bytes; one of the first words has it in full. */
static bool set_whole_name(const struct owner_words *words, char *program) {
    enum { CUT = 15, WORDS = 3 };
    size_t length = strlen(words->name);
    const char *argument = words->size == 0 ? NULL : words->arguments;
    const char *name = base_name(words->executable);
    bool is_path = true; /* and no title of a process, which has blanks */
    if (length < CUT)
        return false;
    for (int i = 0; i <= WORDS; i++) {
        if (strncmp(name, words->name, length) == 0 && (is_path || strpbrk(name, " :") == NULL) &&
            set_program(program, name, strlen(name)))
            return true;
        if (argument == NULL)
            return false;
        name = base_name(argument);
        is_path = name != argument;
        argument = next_argument(words, argument);
    }
    return false;
}

/* Returns whether it is the name of a script that was started by its path, `./my server.pl`. */
static bool is_script(const struct owner_words *words) {
    enum { CUT = 15 };
    const char *argument = words->size == 0 ? NULL : words->arguments;
    for (; argument != NULL; argument = next_argument(words, argument)) {
        const char *name = base_name(argument);
        if (name != argument && strncmp(name, words->name, CUT) == 0)
            return true;
    }
    return false;
}

/* A server can write what it does behind its name, which then is the title `puma 5.6.5 (tcp://...`
 * or `tmux: server`. */
static size_t name_length(const struct owner_words *words) {
    const char *colon = strstr(words->name, ": ");
    size_t length = colon != NULL ? (size_t)(colon - words->name) : strlen(words->name);
    const char *executable = base_name(words->executable);
    bool is_file = strncmp(executable, words->name, strlen(words->name)) == 0 || is_script(words);
    size_t word = strcspn(words->name, " ");
    return !is_file && word > 0 && word < length ? word : length;
}

/* Executables that are many programs. */
static bool is_many_programs(const char *file) {
    static const char *const files[] = {"busybox", "toybox", "coreutils"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        if (strncmp(file, files[i], strlen(files[i])) == 0)
            return true;
    return false;
}

/* `busybox httpd -f` is called busybox; one that is started by the name of the applet is not. */
static bool set_applet(const struct owner_words *words, char *program) {
    const char *applet = words->size == 0 ? NULL : next_argument(words, words->arguments);
    return is_many_programs(words->name) && applet != NULL && applet[0] != '-' &&
           set_program(program, applet, strlen(applet));
}

const char *owner_program(const struct owner_words *words, char *program) {
    const struct interpreter *interpreter = interpreter_of(words->name);
    const char *executable = base_name(words->executable);
    /* What node calls its first thread, from version 20 on. */
    if (strcmp(words->name, "MainThread") == 0 || strcmp(words->name, "node-MainThread") == 0)
        interpreter = interpreter_of(executable);
    if (interpreter != NULL && set_script(words, interpreter, program))
        return program;
    if (set_applet(words, program))
        return program;
    if (set_whole_name(words, program) || set_program(program, words->name, name_length(words)) ||
        set_program(program, executable, strlen(executable)))
        return program;
    snprintf(program, OWNER_PROGRAM_SIZE, "process");
    return program;
}

/* --- reading a process --- */

/* Copies a command line; if it is too long, as many of its words as fit, and ` ...`. Returns false,
 * and copies nothing, if not even the first word fits. */
static bool shorten(const char *line, char *command) {
    static const char more[] = " ...";
    size_t length = strlen(line);
    if (length < OWNER_COMMAND_SIZE) {
        memcpy(command, line, length + 1);
        return true;
    }
    length = OWNER_COMMAND_SIZE - sizeof more;
    while (length > 0 && line[length] != ' ')
        length--;
    if (length == 0)
        return false;
    snprintf(command, OWNER_COMMAND_SIZE, "%.*s%s", (int)length, line, more);
    return true;
}

/* Writes the first line of the command line, with blanks between its words; the name of the program
 * if there is none, as for a process that is ending. `line` is changed. */
static void set_command(struct owner *owner, char *line, size_t size) {
    for (size_t i = 0; i < size; i++)
        if (line[i] == '\0')
            line[i] = ' ';
    size = strcspn(line, "\n");
    while (size > 0 && line[size - 1] == ' ')
        size--;
    line[size] = '\0';
    if (size == 0 || !shorten(line, owner->command))
        snprintf(owner->command, sizeof owner->command, "%s", owner->program);
}

/* Reads /etc/passwd and nothing else: the name services of getpwuid(3) load libraries, and may ask
 * a network that does not answer. */
void owner_user(uint32_t uid, char *user) {
    const char *why;
    FILE *file = file_stream_plain("/etc/passwd", &why);
    user[0] = '\0';
    if (file == NULL)
        return;
    for (const struct passwd *entry; (entry = fgetpwent(file)) != NULL;)
        if (entry->pw_uid == uid) {
            snprintf(user, OWNER_USER_SIZE, "%s", entry->pw_name);
            break;
        }
    fclose(file);
}

static bool keep_thread(void *context, pid_t pid, pid_t thread) {
    pid_t *found = context;
    (void)pid;
    *found = thread;
    return false;
}

/* Reads all of a file of the process. Returns false, with errno set, for want of descriptors or the
 * like: then nobody knows what it says. */
static bool read_all(pid_t pid, const char *name, char **text, ssize_t *size) {
    *size = process_read_all(pid, name, text);
    int error = *size < 0 ? errno : 0;
    if (!errno_says_nothing(error))
        return true;
    free(*text);
    errno = error;
    return false;
}

/* Reads what names the program. The leader of the threads can have exited: then only the others
 * have an executable and a command line. Returns as read_all(). */
static bool read_program(struct owner *owner) {
    char path[PATH_MAX], *line, name[64];
    pid_t thread = owner->pid;
    ssize_t size;
    if (owner->state == 'Z')
        process_own_tables(owner->pid, keep_thread, &thread);
    snprintf(name, sizeof name, "task/%d/exe", (int)thread);
    if (process_link(owner->pid, "exe", path, sizeof path) < 0)
        process_link(owner->pid, name, path, sizeof path);
    snprintf(name, sizeof name, "task/%d/cmdline", (int)thread);
    if (!read_all(owner->pid, "cmdline", &line, &size))
        return false;
    if (size <= 0) {
        free(line);
        if (!read_all(owner->pid, name, &line, &size))
            return false;
    }
    size_t length = strlen(path), room = sizeof owner->executable - 1;
    size_t skipped = length > room ? length - room : 0;
    memcpy(owner->executable, path + skipped, length - skipped + 1);
    struct owner_words words = {owner->name, path, line, size > 0 ? (size_t)size : 0};
    owner_program(&words, owner->program);
    set_command(owner, line, words.size);
    free(line);
    return true;
}

bool owner_read(pid_t pid, struct owner *owner) {
    char *cgroup;
    ssize_t cgroup_size;
    struct process_stat stat;
    *owner = (struct owner){.pid = pid, .fd = -1};
    if (!process_stat(pid, &stat) || !process_user(pid, &owner->uid))
        return false;
    owner->state = stat.state;
    owner->parent = stat.parent;
    owner->group = stat.group;
    owner->started = stat.started;
    owner->image = stat.stack;
    ssize_t size = process_read(pid, "comm", owner->name, sizeof owner->name);
    if (size < 0 && (errno == ESRCH || errno == ENOENT))
        return false; /* it has gone since */
    if (size > 0 && owner->name[size - 1] == '\n')
        owner->name[size - 1] = '\0';
    if (!read_program(owner) || !read_all(pid, "cgroup", &cgroup, &cgroup_size))
        return false;
    if (owner->name[strspn(owner->name, " ")] == '\0')
        snprintf(owner->name, sizeof owner->name, "%.*s", OWNER_NAME_SIZE - 1, owner->program);
    owner_user(owner->uid, owner->user);
    struct placement placement = placement_of(cgroup);
    free(cgroup);
    placement_text(&placement, owner->unit);
    return true;
}

/* --- a process that was read --- */

const char *owner_file(const struct owner *owner) {
    return base_name(owner->executable);
}

bool owner_is_systemd(const struct owner *owner) {
    bool has_file = strcmp(owner_file(owner), "systemd") == 0;
    bool has_name = strcmp(owner->program, "systemd") == 0;
    return (has_file && (has_name || owner->pid == 1)) ||
           (has_name && owner->executable[0] == '\0');
}

static bool copy_value(char *value, size_t size, const char *text) {
    bool fits = text != NULL && strlen(text) < size;
    snprintf(value, size, "%s", fits ? text : "");
    return fits;
}

/* Returns the value of a variable in the environment that was read, or NULL. */
static const char *find_variable(const char *text, ssize_t end, const char *name) {
    size_t length = strlen(name);
    for (ssize_t at = 0; at < end; at += (ssize_t)strlen(text + at) + 1)
        if (strncmp(text + at, name, length) == 0 && text[at + (ssize_t)length] == '=')
            return text + at + length + 1;
    return NULL;
}

bool owner_variable(pid_t pid, const char *name, char *value, size_t size) {
    char *text;
    ssize_t end = process_read_all(pid, "environ", &text);
    bool copied = copy_value(value, size, find_variable(text, end, name));
    free(text);
    return copied;
}

bool owner_has_variable(pid_t pid, const char *const *names) {
    char *text;
    ssize_t end = process_read_all(pid, "environ", &text);
    bool found = false;
    for (; *names != NULL && !found; names++)
        found = find_variable(text, end, *names) != NULL;
    free(text);
    return found;
}

bool owner_argument(pid_t pid, unsigned index, char *value, size_t size) {
    char *line;
    ssize_t end = process_read_all(pid, "cmdline", &line), at = 0;
    for (; at < end && index > 0; index--)
        at += (ssize_t)strlen(line + at) + 1;
    bool copied = copy_value(value, size, at < end ? line + at : NULL);
    free(line);
    return copied;
}

static bool same_command(const struct owner *a, const struct owner *b) {
    char *mine, *theirs;
    ssize_t size = process_read_all(a->pid, "cmdline", &mine);
    bool same = process_read_all(b->pid, "cmdline", &theirs) == size && size > 0 &&
                memcmp(mine, theirs, (size_t)size) == 0;
    free(mine);
    free(theirs);
    return same;
}

/* Returns whether Python started the process to run a function (multiprocessing.spawn). */
static bool runs_function(const struct owner *owner) {
    static const char module[] = "multiprocessing";
    char *line;
    ssize_t size = process_read_all(owner->pid, "cmdline", &line);
    bool found = strstr(owner->command, module) != NULL ||
                 (size > 0 && memmem(line, (size_t)size, module, sizeof module - 1) != NULL);
    free(line);
    return found;
}

/* Returns whether two processes of one interpreter run the same. The name of a program has a blank
 * if its text is in the command line. Python makes its processes run a function by such a text. */
static bool same_script(const struct owner *a, const struct owner *b) {
    bool mine = strchr(a->program, ' ') != NULL, theirs = strchr(b->program, ' ') != NULL;
    if (!mine && !theirs)
        return strcmp(a->program, b->program) == 0 || same_command(a, b);
    return runs_function(mine ? a : b) || runs_function(theirs ? b : a) || same_command(a, b);
}

bool owner_same_program(const struct owner *a, const struct owner *b) {
    if (a->executable[0] == '\0' || b->executable[0] == '\0')
        return strcmp(a->name, b->name) == 0;
    if (strcmp(a->executable, b->executable) != 0)
        return false;
    if (is_many_programs(owner_file(a)))
        return strcmp(a->program, b->program) == 0;
    return !owner_is_interpreter(owner_file(a)) || same_script(a, b);
}

bool owner_is_stopped(const struct owner *owner) {
    return owner->state == 'T' || owner->state == 't';
}
