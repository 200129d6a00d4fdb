#include "kernel/port_range.h"

#include <stdlib.h>
#include <string.h>

#include "kernel/sysctl.h"

bool port_set_has(const struct port_set *set, uint16_t port) {
    return (set->bits[port / 8] & 1U << (port & 7)) != 0;
}

bool port_set_add(struct port_set *set, uint16_t port) {
    bool is_new = !port_set_has(set, port);
    set->bits[port / 8] |= (uint8_t)(1U << (port & 7));
    return is_new;
}

/* Reads one number of the list, and goes on behind it; -1 if there is none. */
static long take_port(const char **text) {
    char *end;
    if (**text < '0' || **text > '9')
        return -1;
    long port = strtol(*text, &end, 10);
    *text = end;
    return port <= UINT16_MAX ? port : -1;
}

bool port_set_parse(const char *text, struct port_set *set) {
    while (*text != '\0') {
        long first = take_port(&text), last = first;
        if (*text == '-') {
            text++;
            last = take_port(&text);
        }
        if (first < 0 || last < first || (*text != '\0' && *text != ','))
            return false;
        text += *text == ',';
        for (long port = first; port <= last; port++)
            port_set_add(set, (uint16_t)port);
    }
    return true;
}

void port_set_print(const struct port_set *set, FILE *out) {
    const char *comma = "";
    for (uint32_t port = 0; port <= UINT16_MAX; port++) {
        uint32_t last = port;
        if (!port_set_has(set, (uint16_t)port))
            continue;
        while (last < UINT16_MAX && port_set_has(set, (uint16_t)(last + 1)))
            last++;
        fprintf(out, last > port ? "%s%u-%u" : "%s%u", comma, port, last);
        comma = ",";
        port = last;
    }
}

bool port_range_has(const struct port_range *range, uint16_t port) {
    return port >= range->low && port <= range->high && !port_set_has(&range->reserved, port);
}

uint32_t port_range_size(const struct port_range *range) {
    return (uint32_t)range->high - range->low + 1 - range->reserved_count;
}

struct port_range port_range_read(void) {
    enum { LIST_SIZE = 128 * 1024 }; /* more than any list of ranges of all ports */
    struct port_range range = {.low = 32768, .high = 60999};
    char text[64], *end, *list = malloc(LIST_SIZE);
    if (sysctl_read("net.ipv4.ip_local_port_range", text, sizeof text) == 0) {
        range.low = (uint16_t)strtoul(text, &end, 10);
        range.high = (uint16_t)strtoul(end, NULL, 10);
    }
    if (list != NULL && sysctl_read("net.ipv4.ip_local_reserved_ports", list, LIST_SIZE) == 0)
        port_set_parse(list, &range.reserved);
    free(list);
    for (uint32_t port = range.low; port <= range.high; port++)
        range.reserved_count += port_set_has(&range.reserved, (uint16_t)port);
    return range;
}
