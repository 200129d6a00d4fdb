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

bool local_address_is_tentative(const struct endpoint *address) {
    char wanted[2 * sizeof address->address + 1], found[33], flags[9];
    bool tentative = false;
    FILE *file = address->family == AF_INET6 ? fopen("/proc/net/if_inet6", "re") : NULL;
    if (file == NULL)
        return false;
    address_digits(address, wanted);
    while (!tentative && fscanf(file, "%32s %*s %*s %*s %8s %*s", found, flags) == 2)
        tentative = strcmp(found, wanted) == 0 && (strtoul(flags, NULL, 16) & IFA_F_TENTATIVE) != 0;
    fclose(file);
    return tentative;
}
