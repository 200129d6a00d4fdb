#include "base/release.h"

#include <stdlib.h>
#include <sys/utsname.h>

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
