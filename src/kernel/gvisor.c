/* gVisor answers uname(2) with a fixed release of Linux. Its messages, which everybody may read
 * there, and its command line tell. */
#include "kernel/gvisor.h"

#include <stdio.h>
#include <string.h>
#include <sys/klog.h>

#include "base/file.h"

enum { READ_ALL = 3 }; /* SYSLOG_ACTION_READ_ALL of syslog(2) */

bool gvisor_is_here(void) {
    char text[1024] = "";
    if (file_read("/proc/cmdline", text, sizeof text) >= 0)
        return strstr(text, "-gvisor") != NULL;
    int size = klogctl(READ_ALL, text, sizeof text - 1);
    text[size > 0 ? size : 0] = '\0';
    return strstr(text, "Starting gVisor") != NULL;
}

void gvisor_uname(struct utsname *names) {
    static const char mark[] = " (gVisor)";
    uname(names);
    if (gvisor_is_here() && strlen(names->release) + sizeof mark <= sizeof names->release)
        strcat(names->release, mark);
}
