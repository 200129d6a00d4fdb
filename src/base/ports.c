#include "base/ports.h"

#include <stdlib.h>

bool port_set_any(const struct port_set *set) {
    uint8_t any = 0;
    for (size_t i = 0; i < sizeof set->bits; i++)
        any |= set->bits[i];
    return any != 0;
}

uint32_t port_set_count(const struct port_set *set) {
    uint32_t count = 0;
    for (size_t i = 0; i < sizeof set->bits; i++)
        for (unsigned bits = set->bits[i]; bits != 0; bits &= bits - 1)
            count++;
    return count;
}

bool port_set_add(struct port_set *set, uint16_t port) {
    bool is_new = !port_set_has(set, port);
    set->bits[port / 8] |= (uint8_t)(1U << (port & 7));
    return is_new;
}

void port_set_add_all(struct port_set *set, const struct port_set *others) {
    for (size_t i = 0; i < sizeof set->bits; i++)
        set->bits[i] |= others->bits[i];
}

/* Reads one port number and moves `*text` past it. Returns -1 if there is none. */
static long read_port(const char **text) {
    char *end;
    if (**text < '0' || **text > '9')
        return -1;
    long port = strtol(*text, &end, 10);
    *text = end;
    return port <= UINT16_MAX ? port : -1;
}

bool port_set_parse(const char *text, struct port_set *set) {
    while (*text != '\0') {
        long first = read_port(&text), last = first;
        if (*text == '-') {
            text++;
            last = read_port(&text);
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

void port_range_count(struct port_range *range) {
    range->reserved_count = 0;
    if (port_set_any(&range->reserved)) /* seldom */
        for (uint32_t port = range->low; port <= range->high; port++)
            range->reserved_count += port_set_has(&range->reserved, (uint16_t)port);
}

struct port_range port_range(uint16_t low, uint16_t high, const struct port_set *reserved) {
    struct port_range range = {.low = low, .high = high, .reserved = *reserved};
    port_range_count(&range);
    return range;
}

struct port_range port_range_narrow(const struct port_range *range, uint16_t low, uint16_t high) {
    bool own_low = low >= range->low && low <= range->high;
    bool own_high = high >= range->low && high <= range->high;
    return port_range(own_low ? low : range->low, own_high ? high : range->high, &range->reserved);
}

bool port_range_parse_own(const char *text, uint16_t *low, uint16_t *high) {
    long first = read_port(&text);
    if (first < 0 || *text++ != '-')
        return false;
    long last = read_port(&text);
    if (last < 0 || *text != '\0' || (first > last && last != 0) || first + last == 0)
        return false;
    *low = (uint16_t)first;
    *high = (uint16_t)last;
    return true;
}

bool port_range_has(const struct port_range *range, uint16_t port) {
    return port >= range->low && port <= range->high && !port_set_has(&range->reserved, port);
}

uint32_t port_range_size(const struct port_range *range) {
    return (uint32_t)range->high - range->low + 1 - range->reserved_count;
}
