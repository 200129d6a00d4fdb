#include "base/units.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

/* --- numbers and durations --- */

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool units_number(const char *text, int64_t low, int64_t high, int64_t *number) {
    const char *digits = *text == '-' ? text + 1 : text;
    if (!is_digit(*digits))
        return false;
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno != 0 || *end != '\0' || value < low || value > high)
        return false;
    *number = value;
    return true;
}

static uint64_t unit_ns(const char *unit) {
    static const struct {
        const char *name;
        uint64_t ns;
    } units[] = {{"us", NS_PER_US}, {"ms", NS_PER_MS}, {"s", NS_PER_S}, {"m", 60ULL * NS_PER_S}};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (strcmp(units[i].name, unit) == 0)
            return units[i].ns;
    return 0;
}

bool units_duration(const char *text, uint64_t *ns) {
    const uint64_t day_ns = 24 * 3600ULL * NS_PER_S;
    uint64_t whole = 0, thousandths = 0, weight = 100;
    const char *at = text;
    if (!is_digit(*at))
        return false;
    for (; is_digit(*at); at++)
        if ((whole = whole * 10 + (uint64_t)(*at - '0')) > day_ns)
            return false;
    if (at[0] == '.' && is_digit(at[1]))
        for (at++; is_digit(*at) && weight > 0; at++, weight /= 10)
            thousandths += (uint64_t)(*at - '0') * weight;
    uint64_t unit = unit_ns(at);
    if (unit == 0 || whole > day_ns / unit)
        return false;
    *ns = whole * unit + thousandths * (unit / 1000);
    return *ns <= day_ns;
}

const char *units_range_split(const char *text) {
    const char *dots = strstr(text, "..");
    return dots == NULL ? NULL : dots + 2;
}

const char *units_duration_text(uint64_t ns, char *text) {
    const char *name = ns < NS_PER_MS ? "us" : ns < NS_PER_S ? "ms" : "s";
    uint64_t unit = ns < NS_PER_MS ? NS_PER_US : ns < NS_PER_S ? NS_PER_MS : NS_PER_S;
    uint64_t hundredths = ns / (unit / 100);
    int length = snprintf(text, UNITS_DURATION_SIZE, "%" PRIu64 ".%02" PRIu64, hundredths / 100,
                          hundredths % 100);
    while (length > 0 && text[length - 1] == '0')
        length--;
    if (length > 0 && text[length - 1] == '.')
        length--;
    snprintf(text + length, UNITS_DURATION_SIZE - (size_t)length, "%s", name);
    return text;
}

uint64_t units_now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

/* --- kernel versions --- */

bool release_parse(const char *text, bool with_tail, struct kernel_release *release) {
    const unsigned long largest = 65535;
    *release = (struct kernel_release){0};
    int parts = 0;
    for (;;) {
        char *end;
        if (*text < '0' || *text > '9')
            return false;
        unsigned long number = strtoul(text, &end, 10);
        if (number > largest)
            return false;
        release->part[parts++] = (unsigned)number;
        text = end;
        if (*text != '.' || parts == 3)
            break;
        text++;
    }
    return with_tail ? parts >= 2 : *text == '\0';
}

bool release_at_least(struct kernel_release release, struct kernel_release least) {
    for (int i = 0; i < 3; i++)
        if (release.part[i] != least.part[i])
            return release.part[i] > least.part[i];
    return true;
}

struct kernel_release release_running(void) {
    struct utsname names;
    struct kernel_release release = {0};
    if (uname(&names) < 0 || !release_parse(names.release, true, &release))
        release = (struct kernel_release){0};
    return release;
}
