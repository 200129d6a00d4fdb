/* A process, as a person knows it: its program, its user, where it comes from. */
#ifndef PORTREUSE_INSPECT_OWNER_H
#define PORTREUSE_INSPECT_OWNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* With the NUL. The name of a user has at most 32 bytes, that of a unit of systemd 255. */
enum {
    OWNER_NAME_SIZE = 17,
    OWNER_PROGRAM_SIZE = 48,
    OWNER_EXECUTABLE_SIZE = 128,
    OWNER_COMMAND_SIZE = 64,
    OWNER_USER_SIZE = 64,
    OWNER_UNIT_SIZE = 256
};

/* A process. What cannot be read is 0 or "". The texts come from the process itself, and can
 * contain anything: print them with layout_text(). */
struct owner {
    pid_t pid, parent, group;
    pid_t thread;     /* whose own table has the descriptor; 0: that of the process */
    int fd;           /* its descriptor for the socket in question; -1: not known */
    char state;       /* as in /proc/PID/stat */
    uint64_t started; /* clock ticks since the machine started: the less, the older */
    uint64_t image;   /* another number after each execve(2); 0 if that may not be read */
    uint32_t uid;
    char name[OWNER_NAME_SIZE];       /* the kernel's name for it: that of the program, shortened */
    char program[OWNER_PROGRAM_SIZE]; /* owner_program(); never "" */
    char executable[OWNER_EXECUTABLE_SIZE]; /* the path of its file; the end of it, if it is long */
    char command[OWNER_COMMAND_SIZE]; /* the words of its command line that fit; else its name */
    char user[OWNER_USER_SIZE];       /* from /etc/passwd; "" if it is not there */
    char unit[OWNER_UNIT_SIZE];       /* the unit or container it runs in: placement_text() */
};

/* Reads what is known of process `pid`. Returns false, with errno set, if it is gone, or a file of
 * it could not be read for want of descriptors or the like. */
bool owner_read(pid_t pid, struct owner *owner);

/* Returns whether two processes run one program: the same executable and, where that is an
 * interpreter, the same script. */
bool owner_same_program(const struct owner *a, const struct owner *b);

/* Returns the name of its executable file without the folder; "" if it is not known. */
const char *owner_file(const struct owner *owner);

/* Returns whether it is a manager of systemd, which listens for .socket units: the first process,
 * which can be called init, or that of a user. A program that only calls itself so is none. */
bool owner_is_systemd(const struct owner *owner);

/* Writes the name of a user by /etc/passwd, "" if it is not there, to `user` of OWNER_USER_SIZE
 * bytes. */
void owner_user(uint32_t uid, char *user);

/* Copies the value of a variable from the environment that the process started with, to `value` of
 * `size` bytes. Returns false, with "", if it has none, or it cannot be read or does not fit. */
bool owner_variable(pid_t pid, const char *name, char *value, size_t size);

/* Returns whether that environment has one of these variables, whatever its value. The list ends
 * with NULL. */
bool owner_has_variable(pid_t pid, const char *const *names);

/* Copies argument `index` of its command line, if it has so many, in the same way; the program is
 * number 0. */
bool owner_argument(pid_t pid, unsigned index, char *value, size_t size);

/* Returns whether the process is stopped, by a signal or by a debugger. */
bool owner_is_stopped(const struct owner *owner);

/* --- the name of a program; pure --- */

struct owner_words {
    const char *name;       /* /proc/PID/comm */
    const char *executable; /* where /proc/PID/exe leads, or "" */
    const char *arguments;  /* /proc/PID/cmdline: each ends with a NUL */
    size_t size;            /* of all of them */
};

/* Writes the name by which people know the program to `program`, of OWNER_PROGRAM_SIZE bytes, and
 * returns it: that of the kernel, which ss(8) shows, in full where it is cut; for an interpreter
 * the script or module that it runs (`http.server` for `python3 -m http.server`), or interpreter
 * and option if the program text is in the command line (`perl -e`). Never "". */
const char *owner_program(const struct owner_words *words, char *program);

/* Returns whether the name is that of an interpreter, also with a version: python3.11. */
bool owner_is_interpreter(const char *name);

#endif
