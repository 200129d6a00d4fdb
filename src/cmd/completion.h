/* What can be typed next: the program's part of completion in shells. */
#ifndef PORTREUSE_CMD_COMPLETION_H
#define PORTREUSE_CMD_COMPLETION_H

#include <stddef.h>
#include <stdio.h>

/* Prints the words that the last one of `words` can become; the others stand before it on the
 * command line: {"run", "--tag", ""} prints the tags, {} and {"r"} the commands. One word per line,
 * followed by a tab and a description if there is one. The shell selects those that match what is
 * typed. Prints nothing where a file can stand and no word of ours. */
void completion_print(size_t count, char **words, FILE *out);

#endif
