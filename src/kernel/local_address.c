#include "kernel/local_address.h"

#include <linux/if_addr.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* The 32 hexadecimal digits of /proc/net/if_inet6. */
static void address_digits(const struct endpoint *address, char *digits) {
    for (size_t i = 0; i < sizeof address->address; i++)
        snprintf(digits + 2 * i, 3, "%02x", address->address[i]);
}

/* Whether a line of that file says that the address is tentative: the address, the index of the
 * device, the length of the prefix, the scope, the flags, all in hexadecimal, and the device. */
static bool says_tentative(char *line, const char *address) {
    enum { FLAGS = 4 };
    char *rest = line, *found = strtok_r(line, " ", &rest), *flags = found;
    for (int i = 0; i < FLAGS && flags != NULL; i++)
        flags = strtok_r(NULL, " ", &rest);
    return flags != NULL && strcmp(found, address) == 0 &&
           (strtoul(flags, NULL, 16) & IFA_F_TENTATIVE) != 0;
}

bool local_address_is_tentative(const struct endpoint *address) {
    char wanted[2 * sizeof address->address + 1], line[256];
    bool tentative = false;
    FILE *file = address->family == AF_INET6 ? fopen("/proc/net/if_inet6", "re") : NULL;
    if (file == NULL)
        return false;
    address_digits(address, wanted);
    while (!tentative && fgets(line, sizeof line, file) != NULL)
        tentative = says_tentative(line, wanted);
    fclose(file);
    return tentative;
}
