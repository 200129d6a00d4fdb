/* THE table of causes: everything that is said about each of them. The remedies are in the order in
 * which to try them; those that change more than the port come last. */
#include "model/cause.h"

#define STOP                                                                                       \
    { .kind = REMEDY_STOP }
#define NOTE(text_)                                                                                \
    { .text = (text_) }
#define NOTE_IF(when_, text_)                                                                      \
    { .text = (text_), .when = (when_) }
#define OR_STOP NOTE_IF(IF_OWNER, "or stop the program that has it:"), STOP
#define WATCH                                                                                      \
    { .kind = REMEDY_COMMAND, .text = "portreuse why --watch {question}" }
#define DESTROY(price_)                                                                            \
    { .kind = REMEDY_HERE_ROOT, .text = "ss -tK {sockets}", .price = (price_), .when = IF_DESTROY }
#define END_TIME_WAIT                                                                              \
    DESTROY("this ends TIME-WAIT early (Linux 6.x); late segments of the old connection can then " \
            "reach the next one between the same addresses and ports:")
#define END_CONNECTION                                                                             \
    DESTROY("this aborts the connection on this port, and nothing else; both programs get an "     \
            "error:")
#define END_BOUND_CONNECTION                                                                       \
    DESTROY("this aborts the connection on this port, and nothing else; the programs get an "      \
            "error, and one that bound the port before connect() keeps it until it closes the "    \
            "socket:")
#define END_SELF_CONNECTION                                                                        \
    DESTROY("this aborts the connection on this port, and nothing else; the program gets an "      \
            "error:")
#define END_FIN_WAIT_1                                                                             \
    DESTROY("this ends the connection now; the peer gets a reset, and what it has not received "   \
            "yet is lost:")
#define END_LAST_ACK                                                                               \
    DESTROY("this ends the connection now; what the peer has not received yet is lost, and it "    \
            "gets a reset only when it next sends a segment:")
#define END_FIN_WAIT_2                                                                             \
    DESTROY("this ends the connection now; the peer gets a reset, at the latest when it sends, "   \
            "and what it sends is lost:")
#define PEER_OF_ORPHAN NOTE_IF(IF_PEER, "{peer} has the other end: fix or stop that program")
#define UNTIL_ANSWERED                                                                             \
    NOTE_IF(IF_READ, "or wait: it ends when the peer answers, or when the kernel gives up, after " \
                     "tcp_orphan_retries retransmissions (8 if that is 0), a minute or two:")
#define UNTIL_READ                                                                                 \
    NOTE_IF(IF_UNREAD, "or wait until the peer reads what is left, or ends; if it answers but "    \
                       "does not read, the kernel gives up after about five minutes; if it does "  \
                       "not answer, after tcp_orphan_retries:")
#define RESERVE                                                                                    \
    {                                                                                              \
        .kind = REMEDY_SYSCTL, .text = "net.ipv4.ip_local_reserved_ports={reserved}",              \
        .price = "reserve the port from now on, at the cost of one port for outgoing "             \
                 "connections; the list includes what is reserved already:",                       \
        .when = IF_UNRESERVED                                                                      \
    }
#define WIDEN                                                                                      \
    NOTE_IF(IF_NARROW, "before you widen the range, reserve the ports of all servers in it: any "  \
                       "other port can go to an outgoing connection; on a Kubernetes node "        \
                       "reserve 30000-32767 (NodePorts), too"),                                    \
        {.kind = REMEDY_SYSCTL,                                                                    \
         .text = "net.ipv4.ip_local_reserved_ports={reserved_for_servers}",                        \
         .price = "reserved already, or with a listener now; add the servers that do not run:",    \
         .when = IF_NARROW | IF_SERVERS},                                                          \
    {                                                                                              \
        .kind = REMEDY_SYSCTL, .text = "net.ipv4.ip_local_port_range={wide_range}",                \
        .price = "then widen it, at the cost of what is not reserved:", .when = IF_NARROW          \
    }

const struct cause_row cause_table[CAUSE_COUNT] = {
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
         .remedies = {{REMEDY_COMMAND, "sudo portreuse why {question}",
                       "root sees sockets and processes that you do not see:", IF_NOT_ROOT},
                      NOTE("it may be gone by now; ask again:"),
                      {REMEDY_COMMAND, "portreuse why {question}", NULL, IF_ALWAYS},
                      NOTE("or start your program under `portreuse trace -- PROGRAM`, which shows "
                           "the call that fails, and why")},
         .no_scenario = "The cause was not found, so there is nothing to reproduce."},
    [CAUSE_ADDRESS_IN_USE] =
        {.name = "address-in-use",
         .rules = {RULE_ADDRESS_IN_USE},
         .weight = LISTENER_WEIGHT,
         .sentences = {{WHEN_ALWAYS,
                        "another socket listens there, and SO_REUSEADDR does not share a port with "
                        "a listener: stop it, or use another port or address"}},
         .headline = "{occupant} {listens}; stop {it} or change the port",
         .remedies = {STOP, NOTE("or have your program use another port or address")},
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
         .headline = "{occupant} {listens}{on_address}; stop {it}",
         .remedies =
             {STOP,
              NOTE("or bind both to specific addresses: 0.0.0.0 and [::] mean every address")},
         .scenario = "wildcard-vs-specific"},
    [CAUSE_DUAL_STACK] =
        {.name = "dual-stack",
         .rules = {RULE_DUAL_STACK},
         .weight = LISTENER_WEIGHT,
         .sentences =
             {{WHEN_ALWAYS,
               "an IPv6 socket on [::] takes the IPv4 port too, unless it sets IPV6_V6ONLY "
               "before bind()"}},
         .headline = "{occupant} {listens}{on_address}; {apart}",
         .remedies = {STOP, NOTE("or set IPV6_V6ONLY before bind() on the IPv6 socket, which is "
                                 "{ipv6_socket}; it then no longer serves IPv4")},
         .scenario = "dual-stack"},
    [CAUSE_BIND_TWICE_LISTEN_ONCE] =
        {.name = "bind-twice-listen-once",
         .rules = {RULE_BIND_TWICE_LISTEN_ONCE},
         .weight = LISTENER_WEIGHT,
         .sentences = {{WHEN_BOTH_REUSEADDR,
                        "both sockets could bind because both have SO_REUSEADDR, but only one can "
                        "listen; SO_REUSEPORT on both lets both listen"},
                       {WHEN_ALWAYS,
                        "the socket could be bound while the other one did not listen; now that "
                        "one listens, and only one can; SO_REUSEPORT on both lets both listen"}},
         .headline = "{occupant} already {listens}; stop it, or set SO_REUSEPORT on both",
         .remedies = {STOP, NOTE("without SO_REUSEADDR bind() would have reported it already; but "
                                 "then a restart fails while a connection is in TIME-WAIT")},
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
         .remedies = {NOTE("run both as user {user}; a supervisor that runs as root can instead "
                           "give its socket "
                           "to that user before bind(), by fchown()"),
                      NOTE_IF(IF_OWNER, "or stop the other one:"), STOP},
         .scenario = "reuseport-uid"},
    [CAUSE_REUSEPORT_ALL_OR_NONE] =
        {.name = "reuseport-all-or-none",
         .rules = {RULE_ADDRESS_IN_USE},
         .weight = LISTENER_WEIGHT,
         .sentences = {{WHEN_ALWAYS,
                        "only one of the two sockets has SO_REUSEPORT: it shares a port only among "
                        "sockets that all have it"}},
         .headline = "{occupant} {listens}; both sockets need SO_REUSEPORT",
         .remedies =
             {STOP,
              NOTE_IF(
                  IF_NO_OPTION,
                  "or, if both are instances of one server, set SO_REUSEPORT before "
                  "bind() on each "
                  "of their sockets: the kernel then divides the connections among them")},
         .scenario = "reuseport-all-or-none"},
    [CAUSE_LEAKED_LISTENER] =
        {.name = "leaked-listener",
         .rules = {RULE_ADDRESS_IN_USE, RULE_WILDCARD_VS_SPECIFIC, RULE_DUAL_STACK},
         .weight = LISTENER_WEIGHT,
         .sentences = {{WHEN_ALWAYS,
                        "a process that inherited this listener still has it open, although the "
                        "process that created it has closed it or exited: the port is free when "
                        "the last copy is closed"}},
         .headline = "{occupant} inherited the listener; stop {it}",
         .remedies =
             {STOP, NOTE("a program that starts others should open its sockets with SOCK_CLOEXEC")},
         .scenario = "leaked-listener"},
    [CAUSE_BOUND_TWICE] =
        {.name = "bound-twice",
         .weight = LISTENER_WEIGHT,
         .sentences = {{WHEN_FAMILIES,
                        "the program itself already has a socket on this port; one of the two is "
                        "on [::] without IPV6_V6ONLY, which includes every IPv4 address"},
                       {WHEN_OCCUPANT_WILDCARD,
                        "the program itself already has a socket on this port, on the wildcard "
                        "address, which means every address"},
                       {WHEN_ALWAYS, "the program itself already has a socket on this port"}},
         .headline = "the program has bound it twice itself",
         .remedies =
             {NOTE("look in the program's configuration for a second line that means the same "
                   "address: 0.0.0.0 and [::] mean every address, and [::] includes IPv4 unless "
                   "IPV6_V6ONLY is set (nginx: ipv6only=on)"),
              NOTE("in your own program: bind the port once, close the earlier socket first, or "
                   "set SO_REUSEPORT on all of them")},
         .no_scenario = "Only the program itself knows what it binds: portreuse trace shows it."},
    [CAUSE_KERNEL_SOCKET] =
        {.name = "kernel-socket",
         .weight = LISTENER_WEIGHT,
         .sentences = {{WHEN_ALWAYS, "the kernel itself has the socket, for a tunnel or a service "
                                     "that was set up in it: there is no process to stop"}},
         .headline = "the kernel has it for {holder}; remove that",
         .remedies = {{REMEDY_HERE_ROOT, "{release}", "{release_price}", IF_ALWAYS},
                      NOTE("or have your program use another port")},
         .no_scenario = "No step of the scenario language sets up a tunnel or an NFS server."},
    [CAUSE_HELD_BY_NO_PROCESS] =
        {.name = "held-by-no-process",
         .weight = LISTENER_WEIGHT,
         .sentences = {{WHEN_ALWAYS,
                        "no process has the socket open: it is in transit between two processes "
                        "(SCM_RIGHTS), or belongs to an io_uring instance or to the kernel itself "
                        "(NFS, WireGuard, a block device over TCP)"}},
         .headline = "no process has the socket open",
         .remedies = {{REMEDY_HERE_ROOT, "{ss} 'sport = :{port}'", NULL, IF_ALWAYS},
                      NOTE("in the kernel, it may be WireGuard (wg show all listen-port), the NFS "
                           "client's callback, ksmbd, an iSCSI or NVMe target, or DLM: stop the "
                           "unit that set it up")},
         .no_scenario = "No step of the scenario language leaves a socket without a process."},
    [CAUSE_BOUND_BUT_IDLE] =
        {.name = "bound-but-idle",
         .rules = {RULE_BOUND_BUT_IDLE},
         .weight = BOUND_WEIGHT,
         .sentences = {{WHEN_ALWAYS,
                        "a socket is bound to the port and does nothing with it; many tools do not "
                        "show such a socket"}},
         .headline = "{occupant} {has} bound it and {is} idle; stop {it}",
         .remedies = {STOP},
         .scenario = "bound-but-idle"},
    [CAUSE_LIVE_CONNECTION] =
        {.name = "live-connection",
         .rules = {RULE_LIVE_CONNECTION},
         .weight = 3,
         .sentences = {{WHEN_ALWAYS,
                        "a connection that has this port is still open; SO_REUSEADDR on both the "
                        "old and the new socket lets a new listener start next to it"}},
         .headline = "{occupant} {has} a connection on it; {reuse_or_stop}",
         .remedies = {END_BOUND_CONNECTION, OR_STOP,
                      NOTE_IF(IF_NO_OPTION, "a server that sets SO_REUSEADDR each time it starts "
                                            "never has this problem after a restart")},
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
         .remedies = {END_SELF_CONNECTION, OR_STOP, RESERVE},
         .scenario = "self-connect"},
    [CAUSE_CLOSE_WAIT_LEAK] =
        {.name = "close-wait-leak",
         .rules = {RULE_LIVE_CONNECTION, RULE_EPHEMERAL_EXHAUSTION},
         .weight = 3,
         .sentences = {{WHEN_RANGE,
                        "the peers have closed these connections, but this side has not "
                        "(CLOSE-WAIT): each of them keeps its port"},
                       {WHEN_ALWAYS,
                        "the peer has closed a connection, but this side has not (CLOSE-WAIT): the "
                        "connection keeps the port"}},
         .headline = "{occupant} {leaks} CLOSE-WAIT sockets; restart it",
         .remedies = {STOP,
                      {REMEDY_HERE_ROOT, "ss -tK {sockets}",
                       "or only abort the connections, until they leak again; the program gets an "
                       "error:",
                       IF_DESTROY},
                      NOTE("fix that program: it must call close() when recv() returns 0")},
         .scenario = "close-wait-leak"},
    [CAUSE_FIN_WAIT_1_ORPHAN] =
        {.name = "fin-wait-1-orphan",
         .rules = {RULE_LIVE_CONNECTION},
         .weight = 2,
         .sentences = {{WHEN_UNREAD, "a connection closed on this side still has data that its "
                                     "peer does not read; it keeps the port until the peer reads "
                                     "or ends, or until the kernel gives up, after some minutes"},
                       {WHEN_ALWAYS,
                        "a connection closed on this side waits for its peer to acknowledge that, "
                        "and keeps the port until the kernel gives up (tcp_orphan_retries)"}},
         .headline = "{closing}; {reuse_or_wait}",
         .remedies = {PEER_OF_ORPHAN, END_FIN_WAIT_1, UNTIL_ANSWERED, UNTIL_READ, WATCH},
         .scenario = "fin-wait-1-orphan"},
    [CAUSE_LAST_ACK_ORPHAN] =
        {.name = "last-ack-orphan",
         .rules = {RULE_LIVE_CONNECTION},
         .weight = 2,
         .sentences = {{WHEN_UNREAD,
                        "a connection that its peer closed, and then this side, still has data "
                        "that the peer does not read; it keeps the port until the peer reads or "
                        "ends, or until the kernel gives up, after some minutes"},
                       {WHEN_ALWAYS,
                        "a connection that its peer closed, and then this side, waits for the last "
                        "acknowledgement, and keeps the port until the kernel gives up "
                        "(tcp_orphan_retries)"}},
         .headline = "{closing}; {reuse_or_wait}",
         .remedies = {PEER_OF_ORPHAN, END_LAST_ACK, UNTIL_ANSWERED, UNTIL_READ, WATCH},
         .scenario = "last-ack-orphan"},
    [CAUSE_FIN_WAIT_2_ORPHAN] =
        {.name = "fin-wait-2-orphan",
         .rules = {RULE_LIVE_CONNECTION, RULE_EPHEMERAL_EXHAUSTION},
         .weight = 2,
         .sentences = {{WHEN_RANGE,
                        "connections closed on this side wait for their peers to close, and each "
                        "keeps its port for as long as tcp_fin_timeout sets"},
                       {WHEN_ALWAYS,
                        "a connection closed on this side waits for its peer to close, and keeps "
                        "the port for as long as tcp_fin_timeout sets"}},
         .headline = "{closing}; {reuse_or_wait}",
         .remedies = {NOTE_IF(IF_PEER, "{peer} has the other end, and has not closed it: fix or "
                                       "stop that program"),
                      END_FIN_WAIT_2,
                      {REMEDY_SYSCTL, "net.ipv4.tcp_fin_timeout=10",
                       "let the next ones end sooner; a peer that still sends then gets a reset, "
                       "and what it sent is lost:",
                       IF_RANGE},
                      NOTE_IF(IF_TIMED, "or wait: it ends by itself in {expires}:"),
                      WATCH},
         .scenario = "fin-wait-2-orphan"},
    [CAUSE_STOLEN_PORT] =
        {.name = "stolen-port",
         .rules = {RULE_LIVE_CONNECTION},
         .weight = 4,
         .sentences = {{WHEN_ALWAYS,
                        "the kernel gave this port, which lies in the ephemeral range, to an "
                        "outgoing connection; reserve it with ip_local_reserved_ports"}},
         .headline = "{occupant} {uses} it as a client; reserve it",
         .remedies = {END_CONNECTION, OR_STOP, RESERVE},
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
         .remedies = {END_TIME_WAIT, NOTE("or wait until it is free:"), WATCH, RESERVE},
         .scenario = "stolen-port-time-wait"},
    [CAUSE_TIME_WAIT_REBIND] =
        {.name = "time-wait-rebind",
         .rules = {RULE_TIME_WAIT_REBIND},
         .weight = TIME_WAIT_WEIGHT,
         .sentences = {{WHEN_ALWAYS,
                        "a closed connection in TIME-WAIT keeps the port for up to 60 s, unless "
                        "the old and the new socket both have SO_REUSEADDR, or both SO_REUSEPORT"}},
         .headline = "TIME-WAIT, {time_left} left; {reuse_or_wait}",
         .remedies = {NOTE_IF(IF_NO_OPTION, "set SO_REUSEADDR before bind() on every listening "
                                            "socket, and keep it set"),
                      END_TIME_WAIT, NOTE("or wait until it is free:"), WATCH},
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
         .remedies =
             {END_TIME_WAIT, NOTE("or wait until it is free:"), WATCH,
              NOTE("SO_REUSEADDR helps from the next restart on: then the old socket has it too")},
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
         .remedies =
             {NOTE("let connect() choose the client's port: the client should not call bind(), or "
                   "bind to port 0"),
              DESTROY("this ends the earlier connection; its programs get an error, and the one "
                      "that bound the port keeps it until it closes the socket; after TIME-WAIT "
                      "late segments can reach the next one:"),
              OR_STOP, NOTE("or wait until it is free:"), WATCH},
         .scenario = "fixed-client-port"},
    [CAUSE_EPHEMERAL_EXHAUSTION] =
        {.name = "ephemeral-exhaustion",
         .rules = {RULE_EPHEMERAL_EXHAUSTION},
         .weight = 1,
         .sentences = {{WHEN_NO_OCCUPANT, "no port of the ephemeral range was available"},
                       {WHEN_ALWAYS,
                        "every port of the ephemeral range is taken towards this destination"}},
         .headline = "no local port is left; see portreuse budget",
         .remedies =
             {{REMEDY_COMMAND, "portreuse budget {destination}", NULL, IF_ALWAYS},
              NOTE("keep connections open and reuse them"),
              WIDEN,
              {REMEDY_SYSCTL, "net.ipv4.tcp_tw_reuse=1",
               "reuse ports in TIME-WAIT for outgoing connections; it does nothing for the side "
               "that "
               "accepts, needs TCP timestamps on both, and the kernel's documentation says not to "
               "set it without expert advice:",
               IF_TW_REUSE}},
         .scenario = "ephemeral-exhaustion"},
    [CAUSE_EPHEMERAL_EXHAUSTION_ESTABLISHED] =
        {.name = "ephemeral-exhaustion-established",
         .rules = {RULE_EPHEMERAL_EXHAUSTION},
         .weight = 1,
         .sentences = {{WHEN_ALWAYS,
                        "every port of the ephemeral range is taken towards this destination, by "
                        "connections that are open"}},
         .headline = "open connections use every port; see portreuse budget",
         .remedies = {{REMEDY_COMMAND, "portreuse budget {destination}", NULL, IF_ALWAYS},
                      NOTE("use fewer connections, or more source addresses or destinations"),
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
         .headline = "ports were bound{by}; use IP_BIND_ADDRESS_NO_PORT",
         .remedies =
             {{REMEDY_COMMAND, "portreuse budget {destination}", NULL, IF_ALWAYS},
              NOTE("set IP_BIND_ADDRESS_NO_PORT before a bind() that is followed by connect()"),
              WIDEN,
              NOTE_IF(IF_OWNER, "or stop {occupant}, which frees the ports at once, and "
                                "ends what it does with them:"),
              STOP},
         .scenario = "poisoned-port"},
    [CAUSE_PORT_RANGE_PER_SOCKET] =
        {.name = "port-range-per-socket",
         .rules = {RULE_EPHEMERAL_EXHAUSTION, RULE_POISONED_PORT, RULE_EPHEMERAL_BIND},
         .weight = 1,
         .sentences = {{WHEN_ALWAYS,
                        "every port of the socket's own range (IP_LOCAL_PORT_RANGE) is taken; "
                        "sockets without this option have a wider range"}},
         .headline = "every port of the socket's own range is taken; widen it",
         .remedies = {NOTE("set a wider IP_LOCAL_PORT_RANGE, or none")},
         .scenario = "port-range-per-socket"},
    [CAUSE_RESERVED_PORTS] =
        {.name = "reserved-ports",
         .weight = 1,
         .sentences = {{WHEN_ALWAYS, "all ports that the kernel may choose from are in "
                                     "ip_local_reserved_ports"}},
         .headline = "every port of the range is reserved; reserve fewer",
         .remedies =
             {{REMEDY_HERE, "sysctl net.ipv4.ip_local_port_range net.ipv4.ip_local_reserved_ports",
               NULL, IF_ALWAYS},
              {REMEDY_SYSCTL, "net.ipv4.ip_local_reserved_ports={still_reserved}",
               "this gives up the reservation of {given_up}; a server with such a port can then "
               "lose it to an outgoing connection; the others stay reserved:",
               IF_RESERVED_MORE},
              WIDEN},
         .scenario = "reserved-ports"},
    [CAUSE_EPHEMERAL_BIND] =
        {.name = "ephemeral-bind",
         .rules = {RULE_EPHEMERAL_BIND, RULE_UDP_PORT_TAKEN},
         .weight = 1,
         .sentences = {{WHEN_UDP,
                        "every port of the ephemeral range has a UDP socket in the way; unlike "
                        "with TCP, sockets with different destinations do not share a port, unless "
                        "all have SO_REUSEADDR, or SO_REUSEPORT and the same user"},
                       {WHEN_ALWAYS,
                        "bind() to port 0 found every port of the ephemeral range in use on this "
                        "address"}},
         .headline = "none of {range_ports} ports is free; {see_budget}",
         .remedies = {{REMEDY_COMMAND, "portreuse budget {netns}", NULL, IF_TCP},
                      NOTE_IF(IF_TCP,
                              "if connect() follows, set IP_BIND_ADDRESS_NO_PORT: bind() then "
                              "takes no port"),
                      NOTE_IF(IF_UDP,
                              "use one socket for all destinations, with sendto() instead of "
                              "connect() (it then gets no ICMP errors); or bind the sockets to "
                              "more local addresses: each address has the whole range"),
                      NOTE_IF(IF_UDP | IF_OWNER,
                              "or stop {occupant}, which frees the ports at once, and "
                              "ends what it does with them:"),
                      {REMEDY_STOP, NULL, NULL, IF_UDP | IF_OWNER},
                      WIDEN},
         .scenario = "ephemeral-bind"},
    [CAUSE_ADDRESS_NOT_LOCAL] =
        {.name = "address-not-local",
         .sentences =
             {{WHEN_NO_IPV6, "IPv6 is switched off in this network namespace (disable_ipv6=1), so "
                             "no interface has an IPv6 address"},
              {WHEN_CONNECT,
               "no interface of this network namespace has an address from which connect() could "
               "reach the destination"},
              {WHEN_ALWAYS, "no interface of this network namespace has this address"}},
         .headline = "{no_address}",
         .remedies =
             {NOTE_IF(IF_NO_IPV6, "use an IPv4 address, or switch IPv6 on"),
              {REMEDY_SYSCTL, "net.ipv6.conf.all.disable_ipv6=0",
               "every interface gets IPv6 addresses; check the packet filter for IPv6 first:",
               IF_NO_IPV6},
              NOTE_IF(IF_IPV6 | IF_BIND,
                      "is it a typing error, or an address of another host or network "
                      "namespace? Here are {addresses}:"),
              {REMEDY_HERE, "ip -brief address", NULL, IF_IPV6},
              NOTE_IF(IF_IPV6 | IF_BIND,
                      "a socket with IP_FREEBIND can be bound before an interface has the "
                      "address"),
              {REMEDY_SYSCTL, "{nonlocal}=1",
               "the same for every program of the network namespace: a wrong address in a "
               "configuration is then no longer noticed:",
               IF_IPV6 | IF_BIND}},
         .scenario = "address-not-local"},
    [CAUSE_ADDRESS_TENTATIVE] =
        {.name = "address-tentative",
         .sentences = {{WHEN_ALWAYS,
                        "an interface has this address but may not use it yet: duplicate address "
                        "detection is still running, or has found another host with the address"}},
         .headline = "the address is tentative; wait, or set IP_FREEBIND",
         .remedies = {{REMEDY_HERE, "ip -6 address show tentative", NULL, IF_ALWAYS},
                      NOTE("start the program when the network is up, or set IP_FREEBIND"),
                      WATCH},
         .no_scenario = "No step of the language makes an address stay tentative."},
    [CAUSE_NO_ROUTE] =
        {.name = "no-route",
         .sentences =
             {{WHEN_LO_DOWN,
               "the loopback device lo is down: this network namespace cannot reach "
               "itself, at any address"},
              {WHEN_LINK_DOWN,
               "the device that leads to the destination is down, and its routes are gone"},
              {WHEN_NO_CARRIER,
               "the device that leads to the destination is up, but nothing is at its other end: "
               "no packet gets out"},
              {WHEN_NOT_UNICAST,
               "the destination is a broadcast or multicast address: TCP can only connect to the "
               "address of one host, and UDP to a broadcast address only with SO_BROADCAST"},
              {WHEN_ROUTE_REFUSES, "a route or routing rule refuses the destination: one of type "
                                   "prohibit, unreachable or blackhole"},
              {WHEN_ALWAYS,
               "the routing tables of this network namespace have no route to the destination"}},
         .headline = "{no_route}",
         .remedies = {{REMEDY_HERE_ROOT, "ip link set lo up", NULL, IF_LO_DOWN},
                      {REMEDY_HERE_ROOT, "ip link set {device} up", NULL, IF_LINK_DOWN},
                      NOTE_IF(IF_NO_CARRIER,
                              "look at the other end of the device: the cable, the other device of "
                              "a veth(4) pair, the ports of a bridge, or the program of a tunnel:"),
                      {REMEDY_HERE, "ip -details link show dev {device}", NULL, IF_NO_CARRIER},
                      NOTE_IF(IF_NOT_UNICAST,
                              "connect to the address of one host; a UDP socket can be "
                              "connected to a broadcast address once it has SO_BROADCAST"),
                      NOTE_IF(IF_ROUTE, "look at the routes and rules: is one missing, or is this "
                                        "the wrong network namespace?"),
                      {REMEDY_HERE, "ip {family} route show table all", NULL, IF_ROUTE},
                      {REMEDY_HERE, "ip {family} rule show", NULL, IF_ROUTE}},
         .scenario = "no-route"},
    [CAUSE_WRONG_SOURCE] =
        {.name = "wrong-source",
         .sentences = {{WHEN_ALWAYS,
                        "the socket is bound to a loopback address, from which nothing "
                        "may leave the host (unless route_localnet=1)"}},
         .headline = "packets from there cannot leave the host; do not bind()",
         .remedies = {NOTE("let connect() choose the source address, or bind an address of the "
                           "interface that leads to the destination:"),
                      {REMEDY_HERE, "ip -brief address", NULL, IF_ALWAYS}},
         .scenario = "wrong-source"},
    [CAUSE_PRIVILEGED_PORT] =
        {.name = "privileged-port",
         .sentences = {{WHEN_ALWAYS,
                        "ports below net.ipv4.ip_unprivileged_port_start need "
                        "CAP_NET_BIND_SERVICE, whether or not another socket has the port"}},
         .headline = "ports below {privileged_below} need CAP_NET_BIND_SERVICE",
         .remedies = {NOTE_IF(IF_OWNER, "{occupant} {has} the port anyway; first:"),
                      STOP,
                      NOTE("for one program: setcap cap_net_bind_service=+ep FILE (for a script, "
                           "that is the interpreter, and so every script); for a systemd unit: "
                           "AmbientCapabilities=CAP_NET_BIND_SERVICE"),
                      {REMEDY_SYSCTL, "net.ipv4.ip_unprivileged_port_start={port}",
                       "or for everybody: every user can then take every port from {port} on:",
                       IF_ALWAYS}},
         .scenario = "privileged-port"},
    [CAUSE_NOT_PERMITTED] =
        {.name = "not-permitted",
         .sentences = {{WHEN_ALWAYS,
                        "a security module or filter on this system refuses it (SELinux, AppArmor, "
                        "Landlock, a cgroup BPF program, a seccomp profile)"}},
         .headline = "a security module or filter refuses it",
         .remedies = {{REMEDY_ROOT, "journalctl -k --grep 'avc|apparmor|audit' --since -10min",
                       NULL, IF_ALWAYS},
                      NOTE("on a host with SELinux: semanage port -l | grep -w {port}")},
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
         .headline = "{occupant} {has} it{on_address}; stop {it}",
         .remedies = {STOP,
                      NOTE_IF(IF_SAME_ADDRESS, "or have your program use another port or address"),
                      NOTE_IF(IF_OTHER_ADDRESS, "or bind both to specific addresses: 0.0.0.0 and "
                                                "[::] mean every address"),
                      NOTE("do not use SO_REUSEADDR, unless both receive multicast: on UDP it lets "
                           "both sockets bind, and of the datagrams to one host, the newest socket "
                           "silently gets all")},
         .scenario = "udp-port-taken"},
    [CAUSE_UNIX_SOCKET_IN_USE] =
        {.name = "unix-socket-in-use",
         .weight = LISTENER_WEIGHT,
         .sentences = {{WHEN_ALWAYS, "a live socket is bound to this name"}},
         .headline = "{occupant} {has} the socket; stop it or use another name",
         .remedies = {STOP, NOTE_IF(IF_FILE, "or use another path"),
                      NOTE_IF(IF_FILE, "do not remove the file: the server would keep running, but "
                                       "no client could reach it"),
                      NOTE_IF(IF_ABSTRACT, "or use another name")},
         .no_scenario = "The scenario unix-stale-socket shows it beside its own cause."},
    [CAUSE_UNIX_STALE_SOCKET] =
        {.name = "unix-stale-socket",
         .sentences = {{WHEN_ALWAYS,
                        "no socket is bound to the socket file: the server that created it has "
                        "ended without removing it"}},
         .headline = "a server that has ended left the file; remove it",
         .remedies =
             {{REMEDY_COMMAND, "rm {file}", NULL, IF_ALWAYS},
              NOTE("a server should remove such a file before bind(), once it has seen that "
                   "it is a socket and that connect() to it is refused")},
         .scenario = "unix-stale-socket"},
    [CAUSE_UNIX_NO_SOCKET] =
        {.name = "unix-no-socket",
         .sentences = {{WHEN_ALWAYS, "no server listens on a socket of this name"}},
         .headline = "no server has this socket; start it",
         .remedies = {NOTE("start the server, or look up the path in its configuration")},
         .no_scenario = "There is nothing to reproduce: no socket is there."},
    [CAUSE_UNIX_NOT_A_SOCKET] =
        {.name = "unix-not-a-socket",
         .sentences = {{WHEN_ALWAYS,
                        "there is a file at this path that is not a socket, and bind() never "
                        "replaces a file"}},
         .headline = "a file that is not a socket is there; use another path",
         .remedies = {{REMEDY_COMMAND, "ls -ld {file}", NULL, IF_ALWAYS},
                      NOTE("use another path, or move the file away if nothing needs it")},
         .no_scenario = "The only files of a scenario are those of its sockets."},
    [CAUSE_UNIX_NO_DIRECTORY] =
        {.name = "unix-no-directory",
         .sentences = {{WHEN_ALWAYS, "the directory of the path does not exist"}},
         .headline = "the directory of the path does not exist; create it",
         .remedies =
             {{REMEDY_COMMAND, "mkdir -p {directory}", NULL, IF_ALWAYS},
              NOTE("a systemd unit gets one under /run by RuntimeDirectory=, at each start")},
         .no_scenario = "A scenario has one directory, which is there."},
    [CAUSE_UNIX_NOT_A_DIRECTORY] =
        {.name = "unix-not-a-directory",
         .sentences = {{WHEN_ALWAYS, "a part of the path that should be a directory is a file"}},
         .headline = "part of the path is a file, not a directory",
         .remedies = {{REMEDY_COMMAND, "ls -ld {directory}", NULL, IF_ALWAYS},
                      NOTE("use another path, or move the file away if nothing needs it")},
         .no_scenario = "The only files of a scenario are those of its sockets."},
    [CAUSE_UNIX_ENDS_IN_SLASH] =
        {.name = "unix-ends-in-slash",
         .sentences = {{WHEN_ALWAYS,
                        "the path ends in a slash, as only that of a directory may: a socket is a "
                        "file"}},
         .headline = "the path ends in a slash; name a file",
         .remedies = {NOTE("leave out the slash at the end, or put the name of the socket file "
                           "behind it")},
         .no_scenario = "The names of a scenario's sockets have no slash."},
    [CAUSE_UNIX_DIRECTORY_NOT_WRITABLE] =
        {.name = "unix-directory-not-writable",
         .sentences = {{WHEN_ALWAYS,
                        "the user may not create a file in the directory of the path"}},
         .headline = "no permission to create a file there; see its directory",
         .remedies = {{REMEDY_COMMAND, "ls -ld {directory}", NULL, IF_ALWAYS},
                      NOTE("create the directory for the user that the server runs as")},
         .no_scenario = "Everybody may write to the directory of a scenario."},
    [CAUSE_UNIX_NOT_PERMITTED] =
        {.name = "unix-not-permitted",
         .sentences = {{WHEN_ALWAYS,
                        "connect() needs the right to write to the socket file, and to search each "
                        "directory of its path; the user lacks one of them"}},
         .headline = "no permission for the socket file; see its mode and path",
         .remedies = {{REMEDY_COMMAND, "ls -ld {directory} {file}", NULL, IF_ALWAYS},
                      NOTE("run as its user; or, if its group may write to it, join the group and "
                           "log in again; umask() or chmod() in the server lets the group do so")},
         .no_scenario = "The socket files of a scenario are open to all its roles."},
};
