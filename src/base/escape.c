#include "base/escape.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

struct escaping {
    FILE *out; /* borrowed */
    escape_byte *escape;
};

static ssize_t escape_write(void *cookie, const char *bytes, size_t size) {
    const struct escaping *escaping = cookie;
    for (size_t i = 0; i < size; i++)
        escaping->escape(escaping->out, (unsigned char)bytes[i]);
    return (ssize_t)size; /* an error shows in `out` */
}

static int escape_close(void *cookie) {
    free(cookie);
    return 0;
}

FILE *escape_open(FILE *out, escape_byte *escape) {
    static const cookie_io_functions_t functions = {.write = escape_write, .close = escape_close};
    struct escaping *escaping = malloc(sizeof *escaping);
    FILE *stream = escaping == NULL ? NULL : fopencookie(escaping, "w", functions);
    if (stream == NULL)
        arena_out_of_memory();
    *escaping = (struct escaping){out, escape};
    setvbuf(stream, NULL, _IONBF, 0);
    return stream;
}

void escape_backslash(FILE *out, unsigned char byte, const char *special) {
    if (byte != '\0' && strchr(special, byte) != NULL)
        fputc('\\', out);
    fputc(byte, out);
}

void escape_markdown(FILE *out, unsigned char byte) {
    escape_backslash(out, byte, "\\`*_[]<>#|~&!@$");
}
