/* Faults that each analyzer must find (tests/analyze.sh): if it does not, that it finds nothing in
 * the sources proves nothing. Built for that alone. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* One byte behind the block, and the block is lost: valgrind sees both, when it runs. */
static char *copy(const char *text) {
    char *bytes = malloc(strlen(text));
    if (bytes != NULL)
        strcpy(bytes, text);
    return bytes;
}

/* The pointer is used before it is looked at, and the block is freed twice. */
int wrong(char *bytes, int which);
int wrong(char *bytes, int which) {
    int unset[2], *pointer = NULL;
    if (which == 1)
        *pointer = 1;
    if (which == 2) {
        free(bytes);
        free(bytes);
    }
    if (which == 3)
        return unset[which - 2];
    return 0;
}

int main(int argc, char **argv) {
    char *bytes = copy(argc > 5 ? argv[1] : "text");
    size_t size = bytes == NULL ? 0 : strlen(bytes);
    bytes = NULL;
    return size > 100 ? wrong(bytes, argc) : 0;
}
