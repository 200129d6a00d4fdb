/* The judgement about a Unix socket's name, row by row. */
#include "test.h"

#include <errno.h>
#include <string.h>

#include "base/errnames.h"
#include "diagnose/why_unix.h"

static const struct {
    struct unix_signs signs;
    int error;
    const char *cause; /* NULL: the call succeeds */
    enum knowledge bound;
} rows[] = {
    {{.place = UNIX_NO_FILE}, 0, NULL, KNOWN_NO},
    {{.place = UNIX_NO_FILE, .error = ENOENT}, ENOENT, "unix-no-directory", KNOWN_NO},
    {{.place = UNIX_NO_FILE, .error = ENOTDIR}, ENOTDIR, "unix-not-a-directory", KNOWN_NO},
    {{.place = UNIX_NO_FILE, .error = ENOENT, .ends_in_slash = true},
     ENOENT,
     "unix-ends-in-slash",
     KNOWN_NO},
    {{.place = UNIX_NO_FILE, .error = EROFS}, EROFS, "unix-directory-not-writable", KNOWN_NO},
    {{.place = UNIX_UNREADABLE}, EACCES, "unix-directory-not-writable", NOT_KNOWN},
    {{.place = UNIX_OTHER_FILE}, EADDRINUSE, "unix-not-a-socket", KNOWN_NO},
    {{.place = UNIX_SOCKET_FILE, .asked = ECONNREFUSED}, EADDRINUSE, "unix-stale-socket", KNOWN_NO},
    {{.place = UNIX_SOCKET_FILE, .asked = EPROTOTYPE}, EADDRINUSE, "unix-socket-in-use", KNOWN_YES},
    {{.place = UNIX_SOCKET_FILE, .asked = 0}, EADDRINUSE, "unix-socket-in-use", KNOWN_YES},
    {{.place = UNIX_SOCKET_FILE, .asked = EPERM}, EADDRINUSE, "unix-socket-in-use", KNOWN_YES},
    {{.place = UNIX_SOCKET_FILE, .asked = EACCES}, EADDRINUSE, "unknown", NOT_KNOWN},
    {{.place = UNIX_SOCKET_FILE, .asked = EACCES, .found = true},
     EADDRINUSE,
     "unix-socket-in-use",
     KNOWN_YES},
    {{.place = UNIX_ABSTRACT, .listed = true}, 0, NULL, KNOWN_NO},
    {{.place = UNIX_ABSTRACT}, 0, NULL, NOT_KNOWN},
    {{.place = UNIX_ABSTRACT, .listed = true, .found = true},
     EADDRINUSE,
     "unix-socket-in-use",
     KNOWN_YES},
    {{.place = UNIX_NO_FILE, .error = ENOENT, .is_client = true},
     ENOENT,
     "unix-no-socket",
     KNOWN_NO},
    {{.place = UNIX_NO_FILE, .error = ENOTDIR, .is_client = true},
     ENOTDIR,
     "unix-not-a-directory",
     KNOWN_NO},
    {{.place = UNIX_NO_FILE, .error = ENOTDIR, .ends_in_slash = true, .is_client = true},
     ENOTDIR,
     "unix-ends-in-slash",
     KNOWN_NO},
    {{.place = UNIX_UNREADABLE, .is_client = true}, EACCES, "unix-not-permitted", NOT_KNOWN},
    {{.place = UNIX_OTHER_FILE, .asked = ECONNREFUSED, .is_client = true},
     ECONNREFUSED,
     "unix-not-a-socket",
     KNOWN_NO},
    {{.place = UNIX_OTHER_FILE, .asked = EACCES, .is_client = true},
     EACCES,
     "unix-not-a-socket",
     KNOWN_NO},
    {{.place = UNIX_SOCKET_FILE, .asked = EACCES, .found = true, .is_client = true},
     EACCES,
     "unix-not-permitted",
     KNOWN_YES},
    {{.place = UNIX_SOCKET_FILE, .asked = ECONNREFUSED, .is_client = true},
     ECONNREFUSED,
     "unix-stale-socket",
     KNOWN_NO},
    {{.place = UNIX_SOCKET_FILE, .asked = EPROTOTYPE, .is_client = true}, 0, NULL, KNOWN_YES},
    {{.place = UNIX_SOCKET_FILE, .asked = EPROTOTYPE, .found = true, .is_client = true},
     ECONNREFUSED,
     "unix-no-socket",
     KNOWN_YES},
    {{.place = UNIX_SOCKET_FILE,
      .asked = EPROTOTYPE,
      .found = true,
      .listens = true,
      .is_client = true},
     0,
     NULL,
     KNOWN_YES},
    {{.place = UNIX_ABSTRACT, .listed = true, .is_client = true},
     ECONNREFUSED,
     "unix-no-socket",
     KNOWN_NO},
};

static void signs_tell_the_errno_and_the_cause(void **state) {
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct why_unix why = {0};
        char name[ERRNAME_SIZE];
        why_unix_judge(&rows[i].signs, &why);
        if (why.error != rows[i].error || why.bound != rows[i].bound)
            fail_msg("row %zu: got %s, bound %d", i, errname(why.error, name), why.bound);
        if (why.error != 0)
            assert_string_equal(cause_name(why.cause), rows[i].cause);
        assert_int_equal(why.call != NULL, rows[i].cause != NULL);
        if (why.call != NULL)
            assert_string_equal(why.call, rows[i].signs.is_client ? "connect" : "bind");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signs_tell_the_errno_and_the_cause),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
