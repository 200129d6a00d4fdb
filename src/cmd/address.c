#include "cmd/address.h"

#include <stdio.h>
#include <string.h>

#include "cmd/options.h"

bool address_take(const char *command, const char *text, struct endpoint *endpoint, bool *any) {
    char whole[ENDPOINT_TEXT_SIZE];
    struct endpoint_pattern pattern;
    const char *at;
    snprintf(whole, sizeof whole, "%s%s", text[0] == ':' ? "*" : "", text);
    const char *wrong = strlen(text) + 1 < sizeof whole ? endpoint_parse(whole, &pattern, &at)
                                                        : "too long for an address";
    if (wrong == NULL && pattern.any_port)
        wrong = "a port is a number here";
    if (wrong != NULL) {
        options_complain(command, "'%s': %s", text, wrong);
        return false;
    }
    *any = pattern.any_address;
    *endpoint =
        pattern.any_address ? endpoint_wildcard(AF_INET, pattern.endpoint.port) : pattern.endpoint;
    return true;
}
