/* The addresses that the interfaces of the present network namespace have. */
#ifndef PORTREUSE_KERNEL_LOCAL_ADDRESS_H
#define PORTREUSE_KERNEL_LOCAL_ADDRESS_H

#include <stdbool.h>

#include "base/endpoint.h"

/* Whether an interface has this IPv6 address, but may not use it yet, or not at all: duplicate
 * address detection goes on (IFA_F_TENTATIVE), or has found another that has it. bind() answers
 * EADDRNOTAVAIL until it is over (ipv6_chk_addr() in net/ipv6/addrconf.c). */
bool local_address_is_tentative(const struct endpoint *address);

#endif
