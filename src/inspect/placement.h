/* Where the control group of a process says that it runs: in which unit of systemd, and in which
 * container. */
#ifndef PORTREUSE_INSPECT_PLACEMENT_H
#define PORTREUSE_INSPECT_PLACEMENT_H

#include <stdbool.h>
#include <stdint.h>

enum placement_kind {
    PLACED_NOWHERE, /* nothing is known */
    PLACED_SCOPE,   /* a scope of systemd: a session, a container of an engine that is not known */
    PLACED_SERVICE, /* a service of systemd */
    PLACED_DOCKER,
    PLACED_PODMAN,
    PLACED_CONTAINER, /* of containerd or CRI-O */
    PLACED_POD,       /* of Kubernetes */
    PLACED_LXC,       /* LXC, LXD or Incus */
    PLACED_MACHINE,   /* systemd-nspawn, a virtual machine */
};

/* A unit of systemd has a name of at most 255 bytes. */
enum { PLACEMENT_UNIT_SIZE = 256, PLACEMENT_ID_SIZE = 65 };

struct placement {
    enum placement_kind kind;
    bool of_user;                   /* the unit, or the container, is one of a user's manager: */
    uint32_t user;                  /* whose */
    char unit[PLACEMENT_UNIT_SIZE]; /* the unit; in LXC or a machine one of the systemd inside */
    char id[PLACEMENT_ID_SIZE];     /* the ID of the container, or its name (LXC, machines) */
};

/* Reads a /proc/PID/cgroup. */
struct placement placement_of(const char *cgroup);

/* Writes the unit or the container in short, `nginx.service` or `docker 0123456789ab`, "" if none
 * is known, to `text` of PLACEMENT_UNIT_SIZE bytes, and returns it. */
const char *placement_text(const struct placement *placement, char *text);

#endif
