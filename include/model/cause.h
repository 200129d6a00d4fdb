/* Why the kernel refused a bind(), connect() or listen(): which sockets were in the way, and the
 * story that a person would tell about it. The rules themselves are those of model/rules.h; a
 * cause is a refusing rule, or the special case of one that has a remedy of its own (a connection
 * in CLOSE-WAIT, a port that was stolen). A pure function of what is known about the sockets.
 */
#ifndef PORTREUSE_MODEL_CAUSE_H
#define PORTREUSE_MODEL_CAUSE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/endpoint.h"
#include "kernel/sockdiag.h"
#include "model/rules.h"

/* Each cause has a stable name: that of the scenario that reproduces it. */
enum cause {
    CAUSE_UNKNOWN,
    CAUSE_ADDRESS_IN_USE,
    CAUSE_WILDCARD_VS_SPECIFIC,
    CAUSE_DUAL_STACK,
    CAUSE_BIND_TWICE_LISTEN_ONCE,
    CAUSE_REUSEPORT_UID,
    CAUSE_REUSEPORT_ALL_OR_NONE,
    CAUSE_LEAKED_LISTENER,
    CAUSE_BOUND_BUT_IDLE,
    CAUSE_LIVE_CONNECTION,
    CAUSE_SELF_CONNECT,
    CAUSE_CLOSE_WAIT_LEAK,
    CAUSE_FIN_WAIT_2_ORPHAN,
    CAUSE_STOLEN_PORT,
    CAUSE_STOLEN_PORT_TIME_WAIT,
    CAUSE_TIME_WAIT_REBIND,
    CAUSE_TIME_WAIT_OLD_WITHOUT_REUSE,
    CAUSE_FIXED_CLIENT_PORT,
    CAUSE_EPHEMERAL_EXHAUSTION,
    CAUSE_EPHEMERAL_EXHAUSTION_ESTABLISHED,
    CAUSE_POISONED_PORT,
    CAUSE_PORT_RANGE_PER_SOCKET,
    CAUSE_RESERVED_PORTS,
    CAUSE_EPHEMERAL_BIND,
    CAUSE_ADDRESS_NOT_LOCAL,
    CAUSE_COUNT,
};

/* The name, static: `time-wait-rebind`; `unknown` for CAUSE_UNKNOWN. */
const char *cause_name(enum cause cause);

/* The call that was refused. */
struct refusal {
    enum port_call call;
    int error; /* EADDRINUSE or EADDRNOTAVAIL */
    struct claim claim;
    bool own_range;    /* the claim's range is that of the socket, narrower than the namespace's */
    bool all_reserved; /* each port of the claim's range is in ip_local_reserved_ports */
};

/* The question to put to sock_diag: which sockets can have to do with this refusal. */
struct diag_query cause_query(const struct refusal *refusal);

/* Whether this socket was in the way. For an automatic choice of a port (connect() without bind(),
 * bind() to port 0), each socket that keeps one port of the range from being chosen is. */
bool cause_in_the_way(const struct refusal *refusal, const struct occupant *occupant);

/* Whether this socket must have been in the way though cause_in_the_way() does not say so, given
 * that no surer one is known on its port: a connect() that was refused for want of a port has
 * looked at every port of the range. Such a port was bound explicitly once, which sock_diag does
 * not tell, and automatic choice leaves it alone as long as any socket has it. */
bool cause_by_elimination(const struct refusal *refusal, const struct occupant *occupant);

/* The cause that one socket in the way stands for, and how much it weighs among several: the cause
 * of the heaviest is named. A listener outweighs a connection, that outweighs TIME-WAIT. Among the
 * sockets that fill a range all weigh the same: the cause that most of them stand for is named. */
struct blame {
    enum cause cause;
    unsigned weight;
    const char *words; /* one sentence, static: why, and what would help */
};

struct blame cause_blame(const struct refusal *refusal, const struct occupant *occupant);

/* The cause where no socket is in the way, or none that can be seen. */
struct blame cause_without_occupant(const struct refusal *refusal, bool sees_bound);

#endif
