/* An address on the command line. */
#ifndef PORTREUSE_CMD_ADDRESS_H
#define PORTREUSE_CMD_ADDRESS_H

#include <stdbool.h>

#include "base/endpoint.h"

/* Takes `127.0.0.1:80`, `[::1]:80`, and for any address `:80` or `*:80`, which gives the IPv4
 * wildcard and sets `*any`. False after a complaint. */
bool address_take(const char *command, const char *text, struct endpoint *endpoint, bool *any);

#endif
