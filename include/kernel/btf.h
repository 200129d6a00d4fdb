/* Where the members of the kernel's own structures are, by the types that the kernel describes
 * (/sys/kernel/btf/vmlinux; Documentation/bpf/btf.rst). */
#ifndef PORTREUSE_KERNEL_BTF_H
#define PORTREUSE_KERNEL_BTF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All zero at first; end with btf_close(). */
struct btf {
    char *bytes; /* owned */
    size_t size;
    uint32_t *types; /* owned: where type number i begins in `bytes`; number 0 is void */
    uint32_t count;
    const char *names; /* in `bytes`: */
    size_t names_size;
};

/* Reads all types. Returns 0 or an errno: ENOENT if the kernel does not describe itself, EBADMSG if
 * this is not in a form that is understood. */
int btf_open(struct btf *btf, const char *path);

extern const char btf_of_kernel[]; /* "/sys/kernel/btf/vmlinux" */

/* A member: its bits, counted from the beginning of the structure, the lowest one first. */
struct btf_place {
    uint32_t bit, bits;
};

/* Finds a member of `struct TYPE`: `sk_type`, or `__sk_common.skc_net.net` for one of a structure
 * in it. Members of structures and unions without a name belong to the one around them. Returns
 * whether there is one. */
bool btf_find(const struct btf *btf, const char *type, const char *member, struct btf_place *place);

/* Returns the number of a function, or 0. */
uint32_t btf_function(const struct btf *btf, const char *name);

void btf_close(struct btf *btf);

#endif
