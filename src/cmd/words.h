/* What may be typed next: the program's part of the completion in shells. */
#ifndef PORTREUSE_CMD_WORDS_H
#define PORTREUSE_CMD_WORDS_H

#include <stddef.h>
#include <stdio.h>

/* Prints the words that the last one of `words` may become, the others standing before it on the
 * command line: {"run", "--tag", ""} has the tags, {} or {"r"} the commands. One a line, with a tab
 * and a description behind it where there is one. They are not yet chosen by how the word begins:
 * the shells do it. Nothing is printed where a file may stand and no word of ours.
 *
 * All of it is read from the list of commands: the options from the help, what follows them and
 * the operands from the names in capitals there. */
void words_print(size_t count, char **words, FILE *out);

#endif
