/* One row for each errno that a call on files, processes or sockets can return. glibc has had such
 * a table only since 2.32, and musl has none. */
#include "base/errnames.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define NAMED(errno_name)                                                                          \
    { #errno_name, errno_name }

static const struct {
    const char *name;
    int number;
} table[] = {
    NAMED(EPERM),
    NAMED(ENOENT),
    NAMED(ESRCH),
    NAMED(EINTR),
    NAMED(EIO),
    NAMED(ENXIO),
    NAMED(E2BIG),
    NAMED(ENOEXEC),
    NAMED(EBADF),
    NAMED(ECHILD),
    NAMED(EAGAIN),
    NAMED(ENOMEM),
    NAMED(EACCES),
    NAMED(EFAULT),
    NAMED(ENOTBLK),
    NAMED(EBUSY),
    NAMED(EEXIST),
    NAMED(EXDEV),
    NAMED(ENODEV),
    NAMED(ENOTDIR),
    NAMED(EISDIR),
    NAMED(EINVAL),
    NAMED(ENFILE),
    NAMED(EMFILE),
    NAMED(ENOTTY),
    NAMED(ETXTBSY),
    NAMED(EFBIG),
    NAMED(ENOSPC),
    NAMED(ESPIPE),
    NAMED(EROFS),
    NAMED(EMLINK),
    NAMED(EPIPE),
    NAMED(EDOM),
    NAMED(ERANGE),
    NAMED(EDEADLK),
    NAMED(ENAMETOOLONG),
    NAMED(ENOLCK),
    NAMED(ENOSYS),
    NAMED(ENOTEMPTY),
    NAMED(ELOOP),
    NAMED(ENODATA),
    NAMED(ETIME),
    NAMED(ENOSR),
    NAMED(ENONET),
    NAMED(ENOLINK),
    NAMED(EPROTO),
    NAMED(EBADMSG),
    NAMED(EOVERFLOW),
    NAMED(EBADFD),
    NAMED(EILSEQ),
    NAMED(EUSERS),
    NAMED(ENOTSOCK),
    NAMED(EDESTADDRREQ),
    NAMED(EMSGSIZE),
    NAMED(EPROTOTYPE),
    NAMED(ENOPROTOOPT),
    NAMED(EPROTONOSUPPORT),
    NAMED(ESOCKTNOSUPPORT),
    NAMED(EOPNOTSUPP),
    NAMED(EPFNOSUPPORT),
    NAMED(EAFNOSUPPORT),
    NAMED(EADDRINUSE),
    NAMED(EADDRNOTAVAIL),
    NAMED(ENETDOWN),
    NAMED(ENETUNREACH),
    NAMED(ENETRESET),
    NAMED(ECONNABORTED),
    NAMED(ECONNRESET),
    NAMED(ENOBUFS),
    NAMED(EISCONN),
    NAMED(ENOTCONN),
    NAMED(ESHUTDOWN),
    NAMED(ETOOMANYREFS),
    NAMED(ETIMEDOUT),
    NAMED(ECONNREFUSED),
    NAMED(EHOSTDOWN),
    NAMED(EHOSTUNREACH),
    NAMED(EALREADY),
    NAMED(EINPROGRESS),
    NAMED(ESTALE),
    NAMED(EREMOTEIO),
    NAMED(EDQUOT),
    NAMED(ECANCELED),
    NAMED(EKEYREJECTED),
    /* A second name; the first row of a number is the one that is printed. */
    {"EWOULDBLOCK", EWOULDBLOCK},
    {"ENOTSUP", ENOTSUP},
};

enum { ROWS = sizeof table / sizeof table[0] };

const char *errname(int number, char *text) {
    for (size_t i = 0; i < ROWS; i++)
        if (table[i].number == number)
            return table[i].name;
    snprintf(text, ERRNAME_SIZE, "errno %d", number);
    return text;
}

int errname_number(const char *name) {
    for (size_t i = 0; i < ROWS; i++)
        if (strcmp(table[i].name, name) == 0)
            return table[i].number;
    return 0;
}

const char *errname_near(const char *name) {
    struct suggestion nearest = suggest_begin(name);
    for (size_t i = 0; i < ROWS; i++)
        suggest_offer(&nearest, table[i].name);
    return nearest.word;
}

bool errno_is_shortage(int number) {
    return number == ENOMEM || number == ENOBUFS || number == EMFILE || number == ENFILE;
}

bool errno_says_nothing(int number) {
    return errno_is_shortage(number) || number == EAGAIN || number == EINTR || number == EIO;
}
