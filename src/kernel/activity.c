/* /proc/PID/task/TID/status has the state of a thread, and how often it was given up the processor:
 * of its own will, as it waits (voluntary_ctxt_switches), or not. A thread that waits, and has not
 * been switched since the last look, has not run. */
#include "kernel/activity.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/process.h"

enum { NAME_SIZE = 64 };

static uint64_t number_after(const char *status, const char *key) {
    const char *found = strstr(status, key);
    return found == NULL ? 0 : strtoull(found + strlen(key), NULL, 10);
}

static void add_thread(pid_t pid, long thread, struct activity *activity) {
    static const char key[] = "\nState:\t";
    const uint64_t prime = UINT64_C(0x100000001b3); /* of FNV-1a */
    char name[NAME_SIZE], *status;
    snprintf(name, sizeof name, "task/%ld/status", thread);
    process_read_all(pid, name, &status);
    const char *found = strstr(status, key);
    char state = found == NULL ? 'X' : found[strlen(key)];
    uint64_t switches = number_after(status, "\nvoluntary_ctxt_switches:\t") +
                        number_after(status, "\nnonvoluntary_ctxt_switches:\t");
    free(status);
    if (strchr("ZX", state) != NULL)
        return;
    activity->threads++;
    activity->busy |= strchr("RDt", state) != NULL;
    activity->mark += ((uint64_t)thread * prime ^ switches) * prime; /* in whatever order */
}

void activity_add(pid_t pid, struct activity *activity) {
    char path[NAME_SIZE];
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *threads = opendir(path);
    if (threads == NULL)
        return;
    for (const struct dirent *entry; (entry = readdir(threads)) != NULL;) {
        long thread = strtol(entry->d_name, NULL, 10);
        if (thread > 0)
            add_thread(pid, thread, activity);
    }
    closedir(threads);
}

bool activity_none(const struct activity *before, const struct activity *now) {
    return !before->busy && !now->busy && before->threads == now->threads &&
           before->mark == now->mark;
}
