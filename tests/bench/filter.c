/* A library that lets `trace` run under valgrind, which does not know seccomp(2), but prctl(2): it
 * installs the filter that way. */
#include <dlfcn.h>
#include <linux/seccomp.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

enum { ARGUMENTS = 6 };

long syscall(long number, ...) {
    long given[ARGUMENTS];
    va_list list;
    va_start(list, number);
    for (int i = 0; i < ARGUMENTS; i++)
        given[i] = va_arg(list, long);
    va_end(list);
    if (number == SYS_seccomp && given[0] == SECCOMP_SET_MODE_FILTER)
        return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, given[2]);
    long (*next)(long, ...) = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
    return next(number, given[0], given[1], given[2], given[3], given[4], given[5]);
}
