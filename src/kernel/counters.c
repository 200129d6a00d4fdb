/* Two lines for each group of counts: one has the names, the next one the numbers. */
#include "kernel/counters.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

bool counters_find(const char *text, const char *line, const char *name, uint64_t *value) {
    char start[16], next[18];
    size_t length = strlen(name);
    snprintf(start, sizeof start, "%s: ", line);
    snprintf(next, sizeof next, "\n%s", start);
    const char *names = text;
    if (strncmp(text, start, strlen(start)) != 0) {
        names = strstr(text, next);
        names = names == NULL ? NULL : names + 1;
    }
    const char *numbers = names == NULL ? NULL : strstr(names, next);
    if (numbers == NULL)
        return false;
    for (numbers++; *names != '\n' && *names != '\0'; names += strcspn(names, " \n")) {
        names += *names == ' ';
        if (strncmp(names, name, length) == 0 && strchr(" \n", names[length]) != NULL) {
            *value = strtoull(numbers, NULL, 10);
            return true;
        }
        numbers += strcspn(numbers, " \n");
        numbers += *numbers == ' ';
    }
    return false;
}

/* Reads a whole file of /proc/net, which the caller frees. Returns NULL if that fails. */
static char *read_file(struct netns ns, const char *file) {
    enum { SIZE = 64 * 1024 };
    char path[64], *text = malloc(SIZE);
    snprintf(path, sizeof path, "/proc/thread-self/net/%s", file);
    if (text != NULL && file_read_open(netns_open(ns, path, O_RDONLY), text, SIZE) > 0)
        return text;
    free(text);
    return NULL;
}

bool counters_read(struct netns ns, const char *file, const char *line, const char *name,
                   uint64_t *value) {
    char *text = read_file(ns, file);
    bool found = text != NULL && counters_find(text, line, name, value);
    free(text);
    return found;
}

/* A silent trial (kernel/silent.h) counts as none. */
struct counters_tcp counters_tcp(struct netns ns) {
    struct counters_tcp tcp = {.known = false};
    uint64_t active, passive;
    char *text = read_file(ns, "snmp");
    tcp.known = text != NULL && counters_find(text, "Tcp", "ActiveOpens", &active) &&
                counters_find(text, "Tcp", "PassiveOpens", &passive) &&
                counters_find(text, "Tcp", "CurrEstab", &tcp.established);
    tcp.opened = tcp.known ? active + passive : 0;
    free(text);
    return tcp;
}

bool counters_quiet(const struct counters_tcp *before, const struct counters_tcp *now) {
    return before->known && now->known && before->opened == now->opened &&
           before->established == now->established;
}
