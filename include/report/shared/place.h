/* Where a command that is printed has to run: the network namespace that was asked about. */
#ifndef PORTREUSE_REPORT_SHARED_PLACE_H
#define PORTREUSE_REPORT_SHARED_PLACE_H

#include <stdbool.h>
#include <stdio.h>

#include "inspect/namespaces.h"

/* Prints one word of a shell command, quoted if need be: pasted, it stands for these bytes,
 * whatever they are. */
void place_print_word(FILE *out, const char *word);

/* The same of a path, of at most `size` bytes, whose letters beyond ASCII stay as they are. */
void place_print_path(FILE *out, const char *path, size_t size);

/* Prints an option with its value, `--device eth0 `; nothing if the value is "". */
void place_print_value(FILE *out, const char *option, const char *value);

/* Prints the option that names the namespace to portreuse, `--netns blue `, and nothing for the
 * namespace of this process. */
void place_print_option(FILE *out, const struct namespace *where);

/* Prints what precedes a command, so that it runs in the namespace: `ip netns exec blue `, `nsenter
 * -t 4711 -n `, or nothing. */
void place_print_inside(FILE *out, const struct namespace *where);

/* Returns whether it has a name that lasts: neither that of this process, nor known by a process.
 */
bool place_is_named(const struct namespace *where);

#endif
