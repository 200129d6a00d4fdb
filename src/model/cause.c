/* First the table: everything that is said about each cause. Then the choice: model/rules.h decides
 * whether a socket is in the way; from its state, and what else is known of it, follows the cause.
 */
#include "model/cause.h"

#include <errno.h>

#include "model/udp.h"

/* --- the table --- */

#define SHOW_PROCESS      "ps -o pid,user,lstart,args -p {pid}"
#define WATCH             "portreuse why --watch {question}"
#define RESERVE           "sysctl -w net.ipv4.ip_local_reserved_ports={reserved}"
#define WIDEN             "sysctl -w net.ipv4.ip_local_port_range=\"1024 65535\""
#define REUSEADDR_ON_BOTH "# set SO_REUSEADDR before bind(), on the old and the new socket"

enum { LISTENER_WEIGHT = 9, BOUND_WEIGHT = 5, TIME_WAIT_WEIGHT = 1 };

static const struct cause_row rows[CAUSE_COUNT] = {
    [CAUSE_UNKNOWN] =
        {.name = "unknown",
         .sentences =
             {{WHEN_FROM_PROC, "no socket was found in the way; this kernel has no tcp_diag, and "
                               "/proc/net does not "
                               "show sockets that are bound and idle"},
              {WHEN_BOUND_UNLISTED,
               "no socket was found in the way; this kernel does not list sockets that are "
               "bound and idle (Linux 6.8 and later do)"},
              {WHEN_ALWAYS, "no socket was found in the way"}},
         .headline = "no socket was found in the way",
         .remedies = {"sudo portreuse why {question}", "sudo portreuse why --all-netns {question}"},
         .no_scenario = "The cause was not found, so there is nothing to reproduce."},
    [CAUSE_ADDRESS_IN_USE] =
        {.name = "address-in-use",
         .rules = {RULE_ADDRESS_IN_USE},
         .weight = LISTENER_WEIGHT,
         .sentences = {{WHEN_ALWAYS,
                        "another socket listens there, and SO_REUSEADDR does not share a port with "
                        "a listener: stop it, or use another port or address"}},
         .headline = "{occupant} {listens}; stop it or change the port",
         .remedies = {SHOW_PROCESS, "{stop}", "# or have your program use another port"},
         .scenario = "address-in-use"},
    [CAUSE_WILDCARD_VS_SPECIFIC] =
        {.name = "wildcard-vs-specific",
         .rules = {RULE_WILDCARD_VS_SPECIFIC},
         .weight = LISTENER_WEIGHT,
         .sentences = {{WHEN_OCCUPANT_WILDCARD,
                        "a listener on the wildcard address has the port on every address, and "
                        "SO_REUSEADDR does not share a port with a listener"},
                       {WHEN_ALWAYS,
                        "the wildcard address means every address, and another socket listens on "
                        "one of them; SO_REUSEADDR does not share a port with a listener"}},
         .headline = "{occupant} {listens} on {address}; stop it",
         .remedies = {SHOW_PROCESS, "{stop}",
                      "# or bind both to specific addresses: 0.0.0.0 and [::] mean every address"},
         .scenario = "wildcard-vs-specific"},
    [CAUSE_DUAL_STACK] =
        {.name = "dual-stack",
         .rules = {RULE_DUAL_STACK},
         .weight = LISTENER_WEIGHT,
         .sentences =
             {{WHEN_ALWAYS,
               "an IPv6 socket on [::] takes the IPv4 port too, unless it sets IPV6_V6ONLY "
               "before bind()"}},
         .headline = "{occupant} {listens} on {address}; {apart}",
         .remedies = {"# set IPV6_V6ONLY before bind() on the IPv6 socket, or give each family its "
                      "own address",
                      "{stop}"},
         .scenario = "dual-stack"},
    [CAUSE_BIND_TWICE_LISTEN_ONCE] =
        {.name = "bind-twice-listen-once",
         .rules = {RULE_BIND_TWICE_LISTEN_ONCE},
         .weight = LISTENER_WEIGHT,
         .sentences = {{WHEN_ALWAYS,
                        "both sockets could bind because both have SO_REUSEADDR, but only one can "
                        "listen; SO_REUSEPORT on both lets both listen"}},
         .headline = "{occupant} already {listens}; stop it, or set SO_REUSEPORT on both",
         .remedies = {"{stop}"},
         .scenario = "bind-twice-listen-once"},
    [CAUSE_REUSEPORT_UID] =
        {.name = "reuseport-uid",
         .rules = {RULE_REUSEPORT_UID},
         .weight = BOUND_WEIGHT,
         .sentences =
             {{WHEN_ALWAYS,
               "both sockets have SO_REUSEPORT, but they belong to different users: a port "
               "is shared only among the sockets of one user"}},
         .headline = "{occupant} {runs} as user {user}; run both as one user",
         .remedies = {"# run both as user {user}, or stop the other:", "{stop}"},
         .scenario = "reuseport-uid"},
    [CAUSE_REUSEPORT_ALL_OR_NONE] =
        {.name = "reuseport-all-or-none",
         .rules = {RULE_ADDRESS_IN_USE},
         .weight = LISTENER_WEIGHT,
         .sentences = {{WHEN_ALWAYS,
                        "only one of the two sockets has SO_REUSEPORT: it shares a port only among "
                        "sockets that all set it before bind()"}},
         .headline = "{occupant} {listens}; both sockets need SO_REUSEPORT",
         .remedies = {"# set SO_REUSEPORT before bind() on every socket of the port, or on none",
                      "{stop}"},
         .scenario = "reuseport-all-or-none"},
    [CAUSE_LEAKED_LISTENER] =
        {.name = "leaked-listener",
         .rules = {RULE_ADDRESS_IN_USE, RULE_WILDCARD_VS_SPECIFIC, RULE_DUAL_STACK},
         .weight = LISTENER_WEIGHT,
         .sentences = {{WHEN_ALWAYS,
                        "a process that inherited this listener still has it open, although the "
                        "process that created it has closed it or exited: the port is free when "
                        "the last copy is closed"}},
         .headline = "{occupant} inherited the listener; stop it",
         .remedies =
             {SHOW_PROCESS, "ss -Htlnp 'sport = :{port}'", "{stop}",
              "# a program that starts others should open its sockets with SOCK_CLOEXEC"},
         .scenario = "leaked-listener"},
    [CAUSE_HELD_BY_NO_PROCESS] =
        {.name = "held-by-no-process",
         .weight = LISTENER_WEIGHT,
         .sentences = {{WHEN_ALWAYS,
                        "no process has the socket open: it is in transit between two processes "
                        "(SCM_RIGHTS), or belongs to an io_uring instance or to the kernel itself "
                        "(NFS, a block device over TCP)"}},
         .headline = "no process has the socket open",
         .remedies = {"cat /proc/fs/nfsd/portlist", "ss -Htlnep 'sport = :{port}'"},
         .no_scenario = "No step of the scenario language leaves a socket without a process."},
    [CAUSE_BOUND_BUT_IDLE] =
        {.name = "bound-but-idle",
         .rules = {RULE_BOUND_BUT_IDLE},
         .weight = BOUND_WEIGHT,
         .sentences = {{WHEN_ALWAYS,
                        "a socket is bound to the port and does nothing with it; many tools do not "
                        "show such a socket"}},
         .headline = "{occupant} {has} bound it and {is} idle; stop it",
         .remedies = {SHOW_PROCESS, "{stop}"},
         .scenario = "bound-but-idle"},
    [CAUSE_LIVE_CONNECTION] =
        {.name = "live-connection",
         .rules = {RULE_LIVE_CONNECTION},
         .weight = 3,
         .sentences = {{WHEN_ALWAYS,
                        "a connection that has this port is still open; SO_REUSEADDR on both the "
                        "old and the new socket lets a new listener start next to it"}},
         .headline = "{occupant} {has} a connection on it; {reuse_or_stop}",
         .remedies = {REUSEADDR_ON_BOTH, "{stop}"},
         .scenario = "live-connection"},
    [CAUSE_SELF_CONNECT] =
        {.name = "self-connect",
         .rules = {RULE_LIVE_CONNECTION, RULE_TIME_WAIT_REBIND},
         .weight = 4,
         .sentences =
             {{WHEN_TIME_WAIT,
               "a client connected to itself on this port, because nothing listened there, "
               "and left the port in TIME-WAIT"},
              {WHEN_ALWAYS,
               "a client that connected to this port while nothing listened was given the "
               "same port, so it is connected to itself"}},
         .headline = "{occupant} {is} connected to itself; stop it",
         .remedies = {"{stop}", RESERVE},
         .scenario = "self-connect"},
    [CAUSE_CLOSE_WAIT_LEAK] =
        {.name = "close-wait-leak",
         .rules = {RULE_LIVE_CONNECTION},
         .weight = 3,
         .sentences = {{WHEN_ALWAYS,
                        "the peer has closed a connection, but this side has not (CLOSE-WAIT): the "
                        "connection keeps the port"}},
         .headline = "{occupant} {leaks} CLOSE-WAIT sockets; restart it",
         .remedies = {SHOW_PROCESS,
                      "{stop}", "# fix that program: it must call close() when recv() returns 0"},
         .scenario = "close-wait-leak"},
    [CAUSE_FIN_WAIT_2_ORPHAN] =
        {.name = "fin-wait-2-orphan",
         .rules = {RULE_LIVE_CONNECTION},
         .weight = 2,
         .sentences = {{WHEN_ALWAYS,
                        "a connection closed on this side waits for its peer to close, and keeps "
                        "the port for up to tcp_fin_timeout"}},
         .headline = "closed here, but not by the peer; {reuse_or_wait}",
         .remedies = {REUSEADDR_ON_BOTH, WATCH},
         .scenario = "fin-wait-2-orphan"},
    [CAUSE_STOLEN_PORT] =
        {.name = "stolen-port",
         .rules = {RULE_LIVE_CONNECTION},
         .weight = 4,
         .sentences = {{WHEN_ALWAYS,
                        "the kernel gave this port, which lies in the ephemeral range, to an "
                        "outgoing connection; reserve it with ip_local_reserved_ports"}},
         .headline = "{occupant} {uses} it as a client; reserve it",
         .remedies = {RESERVE,
                      "# that reserves the port from now on, but this connection has to end first:",
                      "{stop}"},
         .scenario = "stolen-port"},
    [CAUSE_STOLEN_PORT_TIME_WAIT] =
        {.name = "stolen-port-time-wait",
         .rules = {RULE_TIME_WAIT_REBIND},
         .weight = TIME_WAIT_WEIGHT,
         .sentences =
             {{WHEN_ALWAYS,
               "an outgoing connection took this port from the ephemeral range, and is now "
               "in TIME-WAIT"}},
         .headline = "an outgoing connection took it, {time_left} left; reserve the port",
         .remedies = {WATCH, RESERVE},
         .scenario = "stolen-port-time-wait"},
    [CAUSE_TIME_WAIT_REBIND] =
        {.name = "time-wait-rebind",
         .rules = {RULE_TIME_WAIT_REBIND},
         .weight = TIME_WAIT_WEIGHT,
         .sentences = {{WHEN_ALWAYS,
                        "a closed connection in TIME-WAIT keeps the port for up to 60 s, unless "
                        "SO_REUSEADDR is set on both the old and the new socket"}},
         .headline = "TIME-WAIT, {time_left} left; {reuse_or_wait}",
         .remedies = {"# set SO_REUSEADDR before bind() on every listening socket, and keep it set",
                      WATCH},
         .scenario = "time-wait-rebind"},
    [CAUSE_TIME_WAIT_OLD_WITHOUT_REUSE] =
        {.name = "time-wait-old-without-reuse",
         .rules = {RULE_TIME_WAIT_REBIND},
         .weight = TIME_WAIT_WEIGHT,
         .sentences =
             {{WHEN_ALWAYS,
               "a closed connection in TIME-WAIT keeps the port for up to 60 s; its socket "
               "had no SO_REUSEADDR, so setting it on the new one alone does not help"}},
         .headline = "TIME-WAIT, {time_left} left; {wait_for_old}",
         .remedies = {WATCH, "# SO_REUSEADDR helps from the next restart on: then the old socket "
                             "has it too"},
         .scenario = "time-wait-old-without-reuse"},
    [CAUSE_FIXED_CLIENT_PORT] =
        {.name = "fixed-client-port",
         .rules = {RULE_FIXED_CLIENT_PORT, RULE_LIVE_CONNECTION, RULE_TIME_WAIT_REBIND},
         .weight = 3,
         .sentences = {{WHEN_CONNECT | WHEN_TIME_WAIT,
                        "a connection with the same addresses and ports is still in TIME-WAIT, and "
                        "cannot be reused now"},
                       {WHEN_CONNECT,
                        "a connection with the same addresses and ports already exists"},
                       {WHEN_TIME_WAIT,
                        "an earlier connection from this local port is in TIME-WAIT; bind() needs "
                        "SO_REUSEADDR on both the old and the new socket"},
                       {WHEN_ALWAYS,
                        "an earlier connection from this local port is not closed yet"}},
         .headline = "an earlier connection has it; {reuse_or_stop}",
         .remedies = {"# set SO_REUSEADDR before bind(), or let connect() choose the port", WATCH},
         .scenario = "fixed-client-port"},
    [CAUSE_EPHEMERAL_EXHAUSTION] =
        {.name = "ephemeral-exhaustion",
         .rules = {RULE_EPHEMERAL_EXHAUSTION},
         .weight = 1,
         .sentences = {{WHEN_NO_OCCUPANT, "no port of the ephemeral range was available"},
                       {WHEN_ALWAYS,
                        "every port of the ephemeral range is taken towards this destination"}},
         .headline = "no local port is left; see portreuse budget",
         .remedies = {"portreuse budget {asked}", "# keep connections open and reuse them",
                      "# before widening the range, reserve your servers' ports: portreuse audit",
                      WIDEN},
         .scenario = "ephemeral-exhaustion"},
    [CAUSE_EPHEMERAL_EXHAUSTION_ESTABLISHED] =
        {.name = "ephemeral-exhaustion-established",
         .rules = {RULE_EPHEMERAL_EXHAUSTION},
         .weight = 1,
         .sentences = {{WHEN_ALWAYS,
                        "every port of the ephemeral range is taken towards this destination, by "
                        "connections that are open"}},
         .headline = "open connections use every port; see portreuse budget",
         .remedies = {"portreuse budget {asked}",
                      "# use fewer connections, or more source addresses or destinations",
                      "# before widening the range, reserve your servers' ports: portreuse audit",
                      WIDEN},
         .scenario = "ephemeral-exhaustion-established"},
    [CAUSE_POISONED_PORT] =
        {.name = "poisoned-port",
         .rules = {RULE_POISONED_PORT},
         .weight = 1,
         .sentences = {{WHEN_ALWAYS,
                        "ports of the ephemeral range belong to sockets that were bound to a port "
                        "number or to port 0: connect() does not choose such a port, whatever the "
                        "destination"}},
         .headline = "bound sockets keep ports from connect(); see portreuse budget",
         .remedies = {"portreuse budget {asked}",
                      "# set IP_BIND_ADDRESS_NO_PORT before a bind() that connect() follows"},
         .scenario = "poisoned-port"},
    [CAUSE_PORT_RANGE_PER_SOCKET] =
        {.name = "port-range-per-socket",
         .rules = {RULE_EPHEMERAL_EXHAUSTION, RULE_POISONED_PORT, RULE_EPHEMERAL_BIND},
         .weight = 1,
         .sentences = {{WHEN_ALWAYS,
                        "every port of the socket's own range (IP_LOCAL_PORT_RANGE) is taken; "
                        "sockets without this option have a wider range"}},
         .headline = "every port of the socket's own range is taken; widen it",
         .remedies = {"# set a wider IP_LOCAL_PORT_RANGE, or none"},
         .scenario = "port-range-per-socket"},
    [CAUSE_RESERVED_PORTS] =
        {.name = "reserved-ports",
         .weight = 1,
         .sentences = {{WHEN_ALWAYS, "all ports that the kernel may choose from are in "
                                     "ip_local_reserved_ports"}},
         .headline = "every port of the range is reserved; reserve fewer",
         .remedies = {"sysctl net.ipv4.ip_local_port_range net.ipv4.ip_local_reserved_ports",
                      "sysctl -w net.ipv4.ip_local_reserved_ports="},
         .scenario = "reserved-ports"},
    [CAUSE_EPHEMERAL_BIND] =
        {.name = "ephemeral-bind",
         .rules = {RULE_EPHEMERAL_BIND, RULE_UDP_PORT_TAKEN},
         .weight = 1,
         .sentences = {{WHEN_ALWAYS,
                        "bind() to port 0 found every port of the ephemeral range in use on this "
                        "address"}},
         .headline = "none of {range_ports} ports is free; see portreuse budget",
         .remedies = {"portreuse budget",
                      "# if connect() follows, set IP_BIND_ADDRESS_NO_PORT: bind() then takes no "
                      "port",
                      WIDEN},
         .scenario = "ephemeral-bind"},
    [CAUSE_ADDRESS_NOT_LOCAL] =
        {.name = "address-not-local",
         .sentences = {{WHEN_ALWAYS, "no interface of this network namespace has this address"}},
         .headline = "no interface here has this address",
         .remedies = {"ip -brief address", "# to bind the address before an interface has it:",
                      "sysctl -w net.ipv4.ip_nonlocal_bind=1 net.ipv6.ip_nonlocal_bind=1",
                      "# or set IP_FREEBIND on the socket"},
         .scenario = "address-not-local"},
    [CAUSE_ADDRESS_TENTATIVE] =
        {.name = "address-tentative",
         .sentences = {{WHEN_ALWAYS,
                        "an interface has this address but may not use it yet: duplicate address "
                        "detection is still running, or has found another host with the address"}},
         .headline = "the address is tentative; wait, or set IP_FREEBIND",
         .remedies = {"ip -6 address show tentative", "# start the program when the network is up",
                      WATCH},
         .no_scenario = "No step of the language makes an address stay tentative."},
    [CAUSE_PRIVILEGED_PORT] =
        {.name = "privileged-port",
         .sentences = {{WHEN_ALWAYS,
                        "ports below net.ipv4.ip_unprivileged_port_start need "
                        "CAP_NET_BIND_SERVICE, whether or not another socket has the port"}},
         .headline = "ports below {privileged_below} need CAP_NET_BIND_SERVICE",
         .remedies = {"# for one program:", "setcap cap_net_bind_service=+ep /path/to/program",
                      "# or for a systemd unit: AmbientCapabilities=CAP_NET_BIND_SERVICE",
                      "# or for all programs:",
                      "sysctl -w net.ipv4.ip_unprivileged_port_start={port}"},
         .scenario = "privileged-port"},
    [CAUSE_NOT_PERMITTED] =
        {.name = "not-permitted",
         .sentences = {{WHEN_ALWAYS,
                        "a security module or filter on this system refuses it (SELinux, AppArmor, "
                        "Landlock, a cgroup BPF program, a seccomp profile)"}},
         .headline = "a security module or filter refuses it",
         .remedies = {"journalctl -k --grep 'avc|apparmor|audit' --since -10min",
                      "semanage port -l | grep -w {port}"},
         .no_scenario = "It depends on the security policy of the host."},
    [CAUSE_UDP_PORT_TAKEN] =
        {.name = "udp-port-taken",
         .rules = {RULE_UDP_PORT_TAKEN},
         .weight = LISTENER_WEIGHT,
         .sentences =
             {{WHEN_OTHER_USER,
               "both UDP sockets have SO_REUSEPORT, but they belong to different users: it shares "
               "a port only among the sockets of one user"},
              {WHEN_FAMILIES,
               "one of the two UDP sockets is bound to [::] without IPV6_V6ONLY, and so has the "
               "IPv4 port too"},
              {WHEN_OCCUPANT_WILDCARD,
               "a UDP socket on the wildcard address has the port on every address"},
              {WHEN_CLAIM_WILDCARD,
               "the wildcard address means every address, and another UDP socket has the port on "
               "one of them"},
              {WHEN_ALWAYS, "another UDP socket has the port on this address"}},
         .headline = "{occupant} {has} it on {address}; bind one address, or stop it",
         .remedies = {SHOW_PROCESS, "# bind one address: 0.0.0.0 and [::] mean every address",
                      "{stop}",
                      "# not SO_REUSEADDR: on UDP it lets both sockets bind, and the newest one "
                      "silently gets the datagrams"},
         .no_scenario = "The language has no UDP sockets yet."},
    [CAUSE_UNIX_SOCKET_IN_USE] =
        {.name = "unix-socket-in-use",
         .weight = LISTENER_WEIGHT,
         .sentences = {{WHEN_ALWAYS, "a live socket is bound to this name"}},
         .headline = "{occupant} {has} the socket; stop it or use another path",
         .remedies = {SHOW_PROCESS,
                      "{stop}", "# do not remove the file: the server would go on, out of reach"},
         .no_scenario = "The language has no Unix sockets yet."},
    [CAUSE_UNIX_STALE_SOCKET] =
        {.name = "unix-stale-socket",
         .sentences = {{WHEN_ALWAYS,
                        "no socket is bound to the socket file: the server that created it has "
                        "ended without removing it"}},
         .headline = "a server that has ended left the file; remove it",
         .remedies = {"rm {file}",
                      "# a server should remove such a file before bind(), once connect() to it "
                      "was refused"},
         .no_scenario = "The language has no Unix sockets yet."},
    [CAUSE_UNIX_NO_SOCKET] = {.name = "unix-no-socket",
                              .sentences = {{WHEN_ALWAYS,
                                             "no server listens on a socket of this name"}},
                              .headline = "no server has this socket; start it",
                              .remedies = {"# start the server, or ask it for its path"},
                              .no_scenario = "The language has no Unix sockets yet."},
    [CAUSE_UNIX_NOT_A_SOCKET] =
        {.name = "unix-not-a-socket",
         .sentences = {{WHEN_ALWAYS,
                        "there is a file at this path that is not a socket, and bind() never "
                        "replaces a file"}},
         .headline = "a file that is not a socket is there; use another path",
         .remedies = {"ls -ld {file}",
                      "# use another path, or move the file away if nothing needs it"},
         .no_scenario = "The language has no Unix sockets yet."},
    [CAUSE_UNIX_NO_DIRECTORY] =
        {.name = "unix-no-directory",
         .sentences = {{WHEN_ALWAYS, "the directory of the path does not exist"}},
         .headline = "the directory of the path does not exist; create it",
         .remedies = {"mkdir -p {directory}",
                      "# a systemd unit gets one under /run by RuntimeDirectory=, at each start"},
         .no_scenario = "The language has no Unix sockets yet."},
    [CAUSE_UNIX_DIRECTORY_NOT_WRITABLE] =
        {.name = "unix-directory-not-writable",
         .sentences = {{WHEN_ALWAYS,
                        "the user may not create a file in the directory of the path"}},
         .headline = "no permission to create a file there; see its directory",
         .remedies = {"ls -ld {directory}",
                      "# create the directory for the user that the server runs as"},
         .no_scenario = "The language has no Unix sockets yet."},
    [CAUSE_UNIX_NOT_PERMITTED] =
        {.name = "unix-not-permitted",
         .sentences = {{WHEN_ALWAYS,
                        "connect() needs the right to write to the socket file, and the user does "
                        "not have it"}},
         .headline = "no permission to write to the socket file; see its group",
         .remedies = {"ls -ld {file}", "# run as its user, or join its group and log in again"},
         .no_scenario = "The language has no Unix sockets yet."},
};

const struct cause_row *cause_row(enum cause cause) {
    return &rows[cause < CAUSE_COUNT ? cause : CAUSE_UNKNOWN];
}

const char *cause_name(enum cause cause) {
    return cause_row(cause)->name;
}

const char *cause_sentence(enum cause cause, unsigned when) {
    const struct cause_sentence *sentence = cause_row(cause)->sentences;
    while ((sentence->when & ~when) != 0)
        sentence++; /* the last one holds always */
    return sentence->text;
}

/* --- which sockets are in the way --- */

/* Returns whether the kernel was asked to choose the port. */
static bool automatic(const struct refusal *refusal) {
    return refusal->claim.local.port == 0;
}

static bool in_range(const struct refusal *refusal, uint16_t port) {
    return port >= refusal->claim.range_low && port <= refusal->claim.range_high;
}

static struct ruling ruling_on(const struct refusal *refusal, const struct occupant *occupant) {
    return refusal->claim.protocol == PROTOCOL_UDP
               ? udp_between(&refusal->claim, occupant)
               : rules_between(refusal->call, &refusal->claim, occupant);
}

/* What is doubtful counts: the kernel has refused, so something was in the way. But not where a
 * more certain one must exist: another listener beside listen(); in the range of a connect()
 * that found no port, those that are certainly in the way. */
bool cause_in_the_way(const struct refusal *refusal, const struct occupant *occupant) {
    enum knowledge in_the_way = ruling_on(refusal, occupant).in_the_way;
    if (refusal->error == EADDRNOTAVAIL && refusal->call == CALL_BIND)
        return false;
    if (in_the_way != NOT_KNOWN)
        return in_the_way == KNOWN_YES;
    if (refusal->call == CALL_LISTEN)
        return occupant->socket.state == STATE_LISTEN;
    return refusal->call != CALL_CONNECT || !automatic(refusal);
}

bool cause_by_elimination(const struct refusal *refusal, const struct occupant *occupant) {
    return refusal->call == CALL_CONNECT && automatic(refusal) &&
           in_range(refusal, occupant->socket.local.port);
}

/* --- what to call it --- */

static enum cause listener_cause(const struct refusal *refusal, const struct occupant *occupant) {
    enum knowledge mine = knowledge_of(refusal->claim.reuseport);
    switch (ruling_on(refusal, occupant).rule) {
    case RULE_BIND_TWICE_LISTEN_ONCE:
        return CAUSE_BIND_TWICE_LISTEN_ONCE;
    case RULE_DUAL_STACK:
        return CAUSE_DUAL_STACK;
    case RULE_WILDCARD_VS_SPECIFIC:
        return CAUSE_WILDCARD_VS_SPECIFIC;
    default: /* a listener on the same address */
        if (occupant->inherited == KNOWN_YES)
            return CAUSE_LEAKED_LISTENER;
        return occupant->reuseport != NOT_KNOWN && occupant->reuseport != mine
                   ? CAUSE_REUSEPORT_ALL_OR_NONE
                   : CAUSE_ADDRESS_IN_USE;
    }
}

/* A connection, or what is left of it in TIME-WAIT. */
static enum cause connection_cause(const struct refusal *refusal, const struct occupant *occupant) {
    const struct tcp_socket *socket = &occupant->socket;
    enum tcp_state state = socket->state;
    bool reuseaddr = refusal->claim.reuseaddr || refusal->assume_reuseaddr;
    if (endpoint_equal(&socket->local, &socket->remote))
        return CAUSE_SELF_CONNECT;
    if (occupant->outgoing == KNOWN_YES && occupant->bound == KNOWN_YES)
        return CAUSE_FIXED_CLIENT_PORT;
    if (occupant->outgoing == KNOWN_YES && in_range(refusal, socket->local.port))
        return state == STATE_TIME_WAIT ? CAUSE_STOLEN_PORT_TIME_WAIT : CAUSE_STOLEN_PORT;
    if (state == STATE_TIME_WAIT)
        return reuseaddr && occupant->reuseaddr == KNOWN_NO ? CAUSE_TIME_WAIT_OLD_WITHOUT_REUSE
                                                            : CAUSE_TIME_WAIT_REBIND;
    if (state == STATE_CLOSE_WAIT)
        return CAUSE_CLOSE_WAIT_LEAK;
    if ((state == STATE_FIN_WAIT_1 || state == STATE_FIN_WAIT_2) && socket->inode == 0)
        return CAUSE_FIN_WAIT_2_ORPHAN;
    return CAUSE_LIVE_CONNECTION;
}

/* bind() and listen() on a given port. */
static enum cause port_cause(const struct refusal *refusal, const struct occupant *occupant) {
    if (ruling_on(refusal, occupant).rule == RULE_REUSEPORT_UID)
        return CAUSE_REUSEPORT_UID;
    switch (occupant->socket.state) {
    case STATE_LISTEN:
        return listener_cause(refusal, occupant);
    case STATE_BOUND:
        return CAUSE_BOUND_BUT_IDLE;
    default:
        return connection_cause(refusal, occupant);
    }
}

/* The kernel was to choose a port. A connection is open while neither side, or only the peer, has
 * closed it. */
static enum cause range_cause(const struct refusal *refusal, const struct occupant *occupant) {
    enum tcp_state state = occupant->socket.state;
    bool is_open = state == STATE_ESTABLISHED || state == STATE_CLOSE_WAIT ||
                   state == STATE_SYN_SENT || state == STATE_SYN_RECEIVED;
    if (refusal->all_reserved)
        return CAUSE_RESERVED_PORTS;
    if (refusal->own_range)
        return CAUSE_PORT_RANGE_PER_SOCKET;
    if (refusal->call != CALL_CONNECT)
        return CAUSE_EPHEMERAL_BIND;
    if (ruling_on(refusal, occupant).rule == RULE_POISONED_PORT)
        return CAUSE_POISONED_PORT;
    return is_open ? CAUSE_EPHEMERAL_EXHAUSTION_ESTABLISHED : CAUSE_EPHEMERAL_EXHAUSTION;
}

/* A UDP socket that is connected is less in the way than a server. */
static struct blame udp_blame(const struct refusal *refusal, const struct occupant *occupant) {
    bool families = udp_meet(&refusal->claim, occupant).rule == RULE_DUAL_STACK;
    bool users = refusal->claim.reuseport && occupant->reuseport == KNOWN_YES &&
                 occupant->socket.uid != refusal->claim.uid;
    unsigned when = (endpoint_is_wildcard(&occupant->socket.local) ? WHEN_OCCUPANT_WILDCARD : 0U) |
                    (endpoint_is_wildcard(&refusal->claim.local) ? WHEN_CLAIM_WILDCARD : 0U) |
                    (families ? WHEN_FAMILIES : 0U) | (users ? WHEN_OTHER_USER : 0U);
    if (automatic(refusal))
        return (struct blame){CAUSE_EPHEMERAL_BIND, 1, when};
    return (struct blame){CAUSE_UDP_PORT_TAKEN,
                          occupant->socket.state == STATE_CLOSED ? LISTENER_WEIGHT : BOUND_WEIGHT,
                          when};
}

struct blame cause_blame(const struct refusal *refusal, const struct occupant *occupant) {
    enum tcp_state state = occupant->socket.state;
    if (refusal->claim.protocol == PROTOCOL_UDP)
        return udp_blame(refusal, occupant);
    enum cause cause = automatic(refusal)              ? range_cause(refusal, occupant)
                       : refusal->call == CALL_CONNECT ? CAUSE_FIXED_CLIENT_PORT
                                                       : port_cause(refusal, occupant);
    unsigned weight = automatic(refusal)         ? 1
                      : state == STATE_LISTEN    ? LISTENER_WEIGHT
                      : state == STATE_TIME_WAIT ? TIME_WAIT_WEIGHT
                                                 : cause_row(cause)->weight;
    unsigned when = (endpoint_is_wildcard(&occupant->socket.local) ? WHEN_OCCUPANT_WILDCARD : 0) |
                    (state == STATE_TIME_WAIT ? WHEN_TIME_WAIT : 0) |
                    (refusal->call == CALL_CONNECT ? WHEN_CONNECT : 0);
    return (struct blame){cause, weight, when};
}

struct blame cause_without_occupant(const struct refusal *refusal, bool lists_bound) {
    unsigned when = WHEN_NO_OCCUPANT | (lists_bound ? 0 : WHEN_BOUND_UNLISTED);
    if (refusal->call == CALL_BIND && refusal->error == EADDRNOTAVAIL)
        return (struct blame){CAUSE_ADDRESS_NOT_LOCAL, 0, when};
    if (automatic(refusal) && refusal->all_reserved)
        return (struct blame){CAUSE_RESERVED_PORTS, 0, when};
    if (automatic(refusal))
        return (struct blame){refusal->call == CALL_CONNECT ? CAUSE_EPHEMERAL_EXHAUSTION
                                                            : CAUSE_EPHEMERAL_BIND,
                              0, when};
    return (struct blame){CAUSE_UNKNOWN, 0, when};
}
