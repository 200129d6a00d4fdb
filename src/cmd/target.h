/* What a command looks at: an address and port, and the network namespaces of this host. */
#ifndef PORTREUSE_CMD_TARGET_H
#define PORTREUSE_CMD_TARGET_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/endpoint.h"
#include "cmd/options.h"
#include "inspect/namespaces.h"
#include "typed/typed.h"

/* --- an address and port --- */

/* Parses `127.0.0.1:80` or `[::1]:80`. `80`, `:80` and `*:80` mean `any` with this port; `*is_any`
 * (may be NULL) says whether one of them was given. `option` is the option that it is the value of,
 * for complaints; NULL: it is an operand. Returns false after a complaint. */
bool target_parse(const char *command, const char *option, const char *text, struct endpoint any,
                  struct endpoint *endpoint, bool *is_any);

/* --- what people type --- */

enum { TARGET_ADDRESSES = 4, TARGET_TEXT_SIZE = 80, TARGET_TAKEN_SIZE = 320 };

/* An address as a person asked for it. */
struct target_address {
    struct typed typed;
    bool is_any;                            /* no address was given: */
    struct endpoint list[TARGET_ADDRESSES]; /* then the wildcards of both families, or of one */
    unsigned count;                         /* 0 for a Unix socket, which is in `typed.path` */
    char zone[IF_NAMESIZE];                 /* the device of fe80::1%eth0, or "" */
    char device[IF_NAMESIZE];               /* that of 0.0.0.0%eth0, where it is no zone, or "" */
    char text[TARGET_TEXT_SIZE];   /* how to write it, if it is several addresses; else "" */
    char taken[TARGET_TAKEN_SIZE]; /* what ambiguous words were taken for, in sentences, or "" */
};

/* Reads the operands from argv[optind] on: one word, several that are a line of text, or `-`, the
 * text of standard input up to its end, of which the last 128 KiB are read. Looks names up.
 * `protocol` is that of an option, or TYPED_ANY_PROTOCOL; `device` too, or "": a link-local address
 * needs one. Returns false after a complaint, which says what to write. */
bool target_read(const char *command, int argc, char **argv, enum typed_protocol protocol,
                 const char *device, struct target_address *address);

/* Returns address number `index` as connect() takes it: where none was given, this host is meant.
 */
struct endpoint target_remote(const struct target_address *address, unsigned index);

/* Returns whether these words, which do not begin with a command, are what target_read() reads,
 * and not a misspelt command. Looks nothing up but the names of services. */
bool target_is_address(int argc, char **argv);

/* --- network namespaces --- */

struct target {
    struct namespace *namespaces; /* owned; the first is the only one unless there is --all-netns */
    size_t count;
    pid_t as;        /* --pid: the process as which to look, in its namespace; else 0 */
    bool all;        /* --all-netns */
    char chosen[16]; /* the option that chose the namespaces, as it was given; else "" */
};

/* Begins with the current namespace. Returns false after a complaint. End with target_free(), which
 * takes an empty target too. */
bool target_begin(struct target *target, const char *command);
void target_free(struct target *target);

/* --pid and --netns, the same where --pid means more than its namespace, and --all-netns. Their
 * structure is the target. */
extern const struct option_row target_options[], target_as_options[], target_all_options[];

#endif
