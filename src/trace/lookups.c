#include "trace/lookups.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"

enum { PORT_OF_MUSL = 65535, PORT_OF_GO = 9 };

/* A cache of names (glibc and musl: getpwuid() and the like), a server of mDNS names (nss-mdns:
 * getaddrinfo()), and the system's log (syslog()). */
static bool is_to_server(const struct recorded_call *call) {
    static const char *const servers[] = {"/var/run/nscd/socket", "/run/nscd/socket",
                                          "/var/run/avahi-daemon/socket",
                                          "/run/avahi-daemon/socket", "/dev/log"};
    for (size_t i = 0; i < sizeof servers / sizeof servers[0]; i++)
        if (strcmp(call->unix_socket.name, servers[i]) == 0)
            return true;
    return false;
}

/* The C libraries set no option, and only Go makes the socket non-blocking. */
static bool is_plain_udp(const struct recorded_call *call) {
    const struct recorded_socket *socket = &call->socket;
    return call->call == SOCKET_CALL_CONNECT && call->address.family != 0 && socket->known &&
           socket->protocol_known && socket->protocol == PROTOCOL_UDP && !socket->view.reuseaddr &&
           !socket->view.reuseport && !socket->freebind && socket->device[0] == '\0' &&
           (!socket->nonblocking || call->address.port == PORT_OF_GO);
}

bool lookups_is_one(const struct recorded_call *call) {
    if (call->call != SOCKET_CALL_CONNECT)
        return false;
    if (call->address.family == 0)
        return is_to_server(call);
    return is_plain_udp(call) && (call->address.port == 0 || call->address.port == PORT_OF_MUSL);
}

bool lookups_may_be_one(const struct recorded_call *call) {
    bool fits = call->error == 0 || call->error == ENETUNREACH || call->error == EHOSTUNREACH ||
                call->error == EADDRNOTAVAIL || call->error == EACCES;
    return fits && is_plain_udp(call);
}

bool lookups_hold(struct lookups *lookups, const struct recorded_call *call, struct why *why) {
    struct recorded_call *kept = NULL;
    uint64_t now_ns = units_now_ns();
    if (lookups->count == LOOKUPS_MOST)
        return false;
    if (call->error != 0) {
        kept = malloc(sizeof *kept);
        if (kept == NULL)
            return false;
        *kept = *call;
    }
    for (unsigned i = 0; i < lookups->count; i++)
        if (lookups->list[i].process == call->process)
            lookups->list[i].at_ns = now_ns;
    lookups->list[lookups->count++] = (struct lookup){.process = call->process,
                                                      .at_ns = now_ns,
                                                      .address = call->address,
                                                      .call = kept,
                                                      .why = why};
    return true;
}

static void free_one(struct lookup *lookup) {
    free(lookup->call);
    free(lookup->why);
}

/* One name has one port, and addresses of any number. */
static bool is_of(const struct lookup *lookup, const struct recorded_call *call) {
    return lookup->process == call->process &&
           (lookup->address.port == call->address.port || lookup->address.port == PORT_OF_GO);
}

static bool is_to(const struct lookup *lookup, const struct recorded_call *call) {
    return is_of(lookup, call) && lookup->address.family == call->address.family &&
           memcmp(lookup->address.address, call->address.address, sizeof call->address.address) ==
               0;
}

void lookups_drop(struct lookups *lookups, const struct recorded_call *call) {
    bool any = false;
    if (call->call != SOCKET_CALL_CONNECT || call->address.family == 0 ||
        (call->socket.protocol != PROTOCOL_TCP && call->socket.protocol != PROTOCOL_MPTCP))
        return;
    for (unsigned i = 0; i < lookups->count; i++)
        any = any || is_to(&lookups->list[i], call);
    unsigned left = 0;
    for (unsigned i = 0; i < lookups->count; i++)
        if (any && is_of(&lookups->list[i], call))
            free_one(&lookups->list[i]);
        else
            lookups->list[left++] = lookups->list[i];
    lookups->count = left;
}

void lookups_settle(struct lookups *lookups, pid_t process, uint64_t before_ns, lookups_tell *tell,
                    void *context) {
    unsigned left = 0;
    for (unsigned i = 0; i < lookups->count; i++) {
        struct lookup one = lookups->list[i];
        if (one.at_ns >= before_ns || (process != 0 && one.process != process)) {
            lookups->list[left++] = one;
            continue;
        }
        if (one.call != NULL)
            tell(context, one.call, one.why);
        free(one.call);
    }
    lookups->count = left;
}

void lookups_free(struct lookups *lookups) {
    for (unsigned i = 0; i < lookups->count; i++)
        free_one(&lookups->list[i]);
    lookups->count = 0;
}
