/* The rules in words. The order is that of enum rule; docs/bind-rules.md follows it. */
#include "model/rules.h"

static const struct rule_text texts[RULE_COUNT] = {
    [RULE_FREE] = {"free", "No socket has the port.", "inet_csk_get_port()"},
    [RULE_OTHER_PORT] = {"other-port",
                         "The other socket has another port, or one that is not to "
                         "be chosen from.",
                         "inet_csk_get_port(), inet_csk_find_open_port()"},
    [RULE_OTHER_DEVICE] = {"other-device",
                           "Sockets that are bound to two devices (SO_BINDTODEVICE) never meet.",
                           "inet_bind_conflict()"},
    [RULE_OTHER_ADDRESS] = {"other-address",
                            "Two addresses never meet unless one of them is a wildcard.",
                            "inet_rcv_saddr_equal(), inet_bind2_bucket_match()"},
    [RULE_V6ONLY] = {"v6only",
                     "An IPv6 socket with IPV6_V6ONLY does not meet IPv4; bind() to an IPv6 "
                     "address that is not [::] sets it by itself.",
                     "ipv6_rcv_saddr_equal(), __inet6_bind()"},
    [RULE_BOTH_REUSEADDR] = {"both-reuseaddr",
                             "Two sockets with SO_REUSEADDR share a port as long as the one that "
                             "has it does not listen.",
                             "inet_bind_conflict()"},
    [RULE_BOTH_REUSEPORT] = {"both-reuseport",
                             "Two sockets with SO_REUSEPORT and of one user share a port; one in "
                             "TIME-WAIT has no user any more.",
                             "inet_bind_conflict()"},
    [RULE_SAME_REUSEPORT] = {"same-reuseport",
                             "The kernel remembers the socket that bound or listened last: if it "
                             "had SO_REUSEPORT, the same user and an address that covers the new "
                             "one, it looks at no other socket.",
                             "sk_reuseport_match(), inet_csk_update_fastreuse()"},
    [RULE_CONNECT_SHARES] = {"connect-shares",
                             "connect() without bind() shares a port that only connect() has "
                             "chosen before, as long as no two connections are the same.",
                             "__inet_hash_connect()"},
    [RULE_ADDRESS_IN_USE] = {"address-in-use",
                             "A socket that listens on the address and port shares them only by "
                             "SO_REUSEPORT on both: SO_REUSEADDR does not help.",
                             "inet_bind_conflict()"},
    [RULE_WILDCARD_VS_SPECIFIC] = {"wildcard-vs-specific",
                                   "The wildcard address means every address: it meets a listener "
                                   "on any of them, and a listener on it meets every address.",
                                   "inet_rcv_saddr_equal(), inet_bhash2_addr_any_conflict()"},
    [RULE_DUAL_STACK] = {"dual-stack",
                         "An IPv6 socket without IPV6_V6ONLY on [::], or one accepted there, takes "
                         "the IPv4 port too.",
                         "ipv6_rcv_saddr_equal(), ipv4_rcv_saddr_equal()"},
    [RULE_BIND_TWICE_LISTEN_ONCE] = {"bind-twice-listen-once",
                                     "listen() asks for the port once more: of the sockets that "
                                     "share it by SO_REUSEADDR only one may listen.",
                                     "inet_csk_listen_start()"},
    [RULE_REUSEPORT_UID] = {"reuseport-uid",
                            "SO_REUSEPORT shares a port among sockets of one user only.",
                            "inet_bind_conflict()"},
    [RULE_BOUND_BUT_IDLE] = {"bound-but-idle",
                             "A socket that is bound and does nothing has the port, unless both "
                             "have SO_REUSEADDR, or both SO_REUSEPORT and one user.",
                             "inet_bind_conflict()"},
    [RULE_LIVE_CONNECTION] = {"live-connection",
                              "A connection has its local port, unless both have SO_REUSEADDR, or "
                              "both SO_REUSEPORT and one user; an accepted one has the listener's.",
                              "inet_bind_conflict(), __inet_inherit_port()"},
    [RULE_TIME_WAIT_REBIND] = {"time-wait-rebind",
                               "A connection in TIME-WAIT keeps the port, and the options that its "
                               "socket had: both sockets need SO_REUSEADDR, or both SO_REUSEPORT.",
                               "inet_bind_conflict(), inet_twsk_alloc()"},
    [RULE_EPHEMERAL_BIND] =
        {"ephemeral-bind",
         "bind() to port 0 takes no port on which any socket meets it, whatever "
         "their options; with none left it answers EADDRINUSE.",
         "inet_csk_find_open_port()"},
    [RULE_FIXED_CLIENT_PORT] = {"fixed-client-port",
                                "No two connections have the same addresses and ports; one in "
                                "TIME-WAIT yields to connect() from its port if it had TCP "
                                "timestamps.",
                                "__inet_check_established(), tcp_twsk_unique()"},
    [RULE_EPHEMERAL_EXHAUSTION] =
        {"ephemeral-exhaustion",
         "connect() without bind() takes no port from which the same "
         "connection exists, unless tcp_tw_reuse lets it recycle TIME-WAIT; "
         "with none left it answers EADDRNOTAVAIL.",
         "__inet_hash_connect()"},
    [RULE_POISONED_PORT] = {"poisoned-port",
                            "connect() without bind() leaves alone a port with any socket whose "
                            "port connect() did not choose.",
                            "__inet_hash_connect(), inet_bind_bucket_destroy()"},
};

const struct rule_text *rule_text(enum rule rule) {
    return &texts[rule < RULE_COUNT ? rule : RULE_FREE];
}

bool rule_refuses(enum rule rule) {
    return rule >= RULE_ADDRESS_IN_USE && rule < RULE_COUNT;
}
