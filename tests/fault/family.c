#include "fault/family.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

const char *member_kind_name(enum member_kind kind) {
    static const char *const names[MEMBER_KINDS] = {[MEMBER_COMMAND] = "command or runner",
                                                    [MEMBER_LOOK] = "child that looks",
                                                    [MEMBER_STAGE] = "stage",
                                                    [MEMBER_GRANDCHILD] = "role",
                                                    [MEMBER_TRACER] = "tracer",
                                                    [MEMBER_PROGRAM] = "traced program",
                                                    [MEMBER_DESCENDANT] = "child of a program"};
    return names[kind];
}

/* Returns the number after `key` in /proc/PID/status; -1: it has ended. */
static long status_of(pid_t pid, const char *key) {
    char path[64], text[4096];
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "re");
    size_t size = file == NULL ? 0 : fread(text, 1, sizeof text - 1, file);
    if (file != NULL)
        fclose(file);
    text[size] = '\0';
    const char *found = strstr(text, key);
    bool ended = size == 0 || strstr(text, "\nState:\tZ") != NULL || strstr(text, "\nState:\tX");
    return ended || found == NULL ? -1 : strtol(found + strlen(key), NULL, 10);
}

static void add(struct family *family, pid_t pid, pid_t parent, unsigned depth) {
    long tracer = status_of(pid, "\nTracerPid:");
    if (tracer < 0 || family->count == sizeof family->members / sizeof family->members[0])
        return;
    family->members[family->count++] = (struct member){pid, parent, (pid_t)tracer, depth, 0};
}

/* Adds the children of all threads. */
static void add_children(struct family *family, const struct member *of) {
    char path[64], text[4096];
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)of->pid, (int)of->pid);
    FILE *file = fopen(path, "re");
    size_t size = file == NULL ? 0 : fread(text, 1, sizeof text - 1, file);
    if (file != NULL)
        fclose(file);
    text[size] = '\0';
    for (char *at = text, *end; (void)0, strtol(at, &end, 10) > 0; at = end)
        add(family, (pid_t)strtol(at, NULL, 10), of->pid, of->depth + 1);
}

static const struct member *member_of(const struct family *family, pid_t pid) {
    for (size_t i = 0; i < family->count; i++)
        if (family->members[i].pid == pid)
            return &family->members[i];
    return NULL;
}

static bool traces(const struct family *family, pid_t pid) {
    for (size_t i = 0; i < family->count; i++)
        if (family->members[i].tracer == pid)
            return true;
    return false;
}

static enum member_kind kind_of(const struct family *family, const struct member *member) {
    const struct member *parent = member_of(family, member->parent);
    if (member->depth == 0)
        return MEMBER_COMMAND;
    if (member->tracer != 0)
        return parent != NULL && parent->tracer != 0 ? MEMBER_DESCENDANT : MEMBER_PROGRAM;
    if (traces(family, member->pid))
        return MEMBER_TRACER;
    if (member->depth > 1)
        return MEMBER_GRANDCHILD;
    return getpgid(member->pid) == member->pid ? MEMBER_STAGE : MEMBER_LOOK;
}

bool family_lives(const struct member *member) {
    return status_of(member->pid, "\nTracerPid:") >= 0;
}

void family_find(struct family *family, pid_t pid) {
    family->count = 0;
    add(family, pid, getpid(), 0);
    for (size_t i = 0; i < family->count; i++)
        add_children(family, &family->members[i]);
    for (size_t i = 0; i < family->count; i++)
        family->members[i].kind = kind_of(family, &family->members[i]);
}

bool family_has(const struct family *family, enum member_kind kind) {
    for (size_t i = 0; i < family->count; i++)
        if (family->members[i].kind == kind)
            return true;
    return false;
}

void family_kill_children(void) {
    static struct family family;
    for (int round = 0; round < 100; round++) {
        family_find(&family, getpid());
        if (family.count <= 1 && waitpid(-1, NULL, WNOHANG) < 0)
            return;
        for (size_t i = 1; i < family.count; i++)
            kill(family.members[i].pid, SIGKILL);
        usleep(10000);
        while (waitpid(-1, NULL, WNOHANG) > 0)
            continue;
    }
}
