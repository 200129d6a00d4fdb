/* What a budget of local ports consists of: the question, the routes with their numbers, and the
 * settings that these depend on. */
#ifndef PORTREUSE_DIAGNOSE_BUDGET_FIGURES_H
#define PORTREUSE_DIAGNOSE_BUDGET_FIGURES_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/endpoint.h"
#include "base/memory.h"
#include "base/ports.h"
#include "diagnose/holders.h"
#include "diagnose/makers_book.h"
#include "inspect/namespaces.h"
#include "model/cause.h"
#include "model/rules.h"
#include "model/socket.h"

/* The question. All zero but `remote`: connect() without anything before it. */
struct budget_question {
    struct endpoint remote; /* family 0: the destinations with the fewest ports left. An IPv4-mapped
                               address means an IPv6 socket */
    struct endpoint local;  /* the source address; family 0: the kernel's choice */
    char device[IF_NAMESIZE]; /* of SO_BINDTODEVICE, or the zone of a link-local address; or "" */
    uint16_t low, high;       /* IP_LOCAL_PORT_RANGE; 0 and 0: none */
    bool bind_first;          /* bind() to port 0 comes first, without IP_BIND_ADDRESS_NO_PORT */
    bool reuseaddr;           /* SO_REUSEADDR is set before that */
    uint16_t named_low, named_high; /* each port of this range is named to bind(), one after the
                                       other; 0 and 0: none */
    bool ends_time_wait;  /* one TIME-WAIT of the route may be ended to find out whether connect()
                             can take it over */
    uint64_t interval_ns; /* between the two samples for the growth; 0: one sample */
};

/* How many routes are listed. All of them are counted. */
enum { BUDGET_ROUTES = 8 };

/* The connections from one local address to one destination, by sockets that are bound to a device
 * or not. Each has a port of its own. */
struct budget_route {
    struct endpoint local;  /* port 0; family 0: not known */
    struct endpoint remote; /* never IPv4-mapped */
    uint32_t interface;     /* index of the device that its sockets are bound to, or 0 */
    char device[IF_NAMESIZE];
    uint32_t states[STATE_COUNT]; /* sockets on ports of the range */
    uint32_t used; /* ports that connect() cannot choose: used by these, and kept by others */
    uint32_t left; /* ports that it can choose: the number of connections that succeed now */
    uint32_t left_least, left_most; /* where that is not certain: chance decides (a range with an
                                       odd number of ports), or `reuse` is not known, or ports were
                                       not tried; else both are `left` */
    uint32_t blocked;               /* of those used: by connections of this route */
    uint32_t kept;     /* of those used: kept from every destination, see budget.kept_ports */
    uint32_t kept_own; /* ports of connections of this route that are kept as well: bind() or
                          accept() has them */
    uint32_t by_bind;  /* of these: bind() to port 0 chose them, and the program then connected */
    uint32_t shared; /* of those used: ports that bind() to port 0 may choose all the same, if none
                        is free (ip_autobind_reuse); chance decides */
    uint32_t tried, counted; /* ports with sockets that are not connections of this route and whose
                                answer is a trial of the kernel, or not */
    uint32_t waiting;        /* sockets in TIME-WAIT */
    uint32_t taken_over;     /* of these: not among `blocked`, as connect() takes them over, if they
                                had TCP timestamps and nothing keeps their port */
    uint32_t reusable;    /* ports in TIME-WAIT that connect() can choose again now: if `reuse` is
                             not known, at most */
    uint32_t may_reuse;   /* ports in TIME-WAIT that it could choose with tcp_tw_reuse=1: those,
                             and others */
    uint32_t closed;      /* sockets that entered TIME-WAIT in the last BUDGET_RECENT_S seconds */
    uint32_t ending;      /* sockets in TIME-WAIT that have less than that to go */
    enum knowledge reuse; /* whether its connections had TCP timestamps, which that needs */
    bool reuse_assumed;   /* which is so if the setting was the same then */
    bool reuse_tried;     /* which is so of one of them, and assumed of the others */
    bool loopback;        /* for which tcp_tw_reuse=2 is enough */
    struct budget_owners owners;
};

enum { BUDGET_RECENT_S = 10 };

struct budget {
    struct namespace where;
    struct budget_question asked;
    const char *failure; /* what could not be done, static, and `error` why; else NULL */
    int error;
    struct port_range range;  /* in which the kernel chooses: that of the question, if it has one */
    bool own_range;           /* it is the question's */
    int refused;              /* the errno of connect() to the asked destination for another reason
                                 than its port, or 0: nothing is left then */
    const char *refused_call; /* static */
    const char *not_tried;    /* why no port was tried, static; NULL: they were */
    uint32_t explicit_ports;  /* ports of the range that a listener or an idle bound socket has, or
                                  that were given to bind(): connect() chooses none of them, whatever
                                  the destination */
    uint32_t explicit_sockets; /* connections among them: bind() to a port, then connect() */
    uint32_t kept_ports; /* those, and the ports that a trial showed to be kept likewise: by bind()
                            to port 0, or accepted from a listener that is closed, also in TIME-WAIT
                            */
    uint32_t by_bind_ports;                    /* of them: bind() to port 0 surely chose them */
    uint32_t route_count;                      /* all routes */
    struct budget_route routes[BUDGET_ROUTES]; /* that of the question first, else the one with the
                                                  fewest ports left; at least one if one is asked */
    unsigned known;                            /* how many are listed */
    unsigned tw_reuse;                         /* tcp_tw_reuse: 0, 1, or 2 (only loopback) */
    uint32_t tw_reuse_delay_ms;
    bool timestamps;         /* tcp_timestamps is not 0 */
    bool autobind_reuse;     /* ip_autobind_reuse is 1 */
    bool from_proc;          /* /proc/net was read instead of sock_diag */
    bool is_local;           /* the destination of the first route is this namespace itself */
    struct port_set servers; /* all ports with a listener */
    bool asked_by_root;      /* whoever asks needs no sudo(8) */
    bool is_first_netns;     /* the namespace is that of process 1, which sysctl.d(5) is for */
    double rate;   /* new connections per second that the first route allows in the long run, each
                      with its port until its TIME-WAIT is over; 0: no limit */
    double growth; /* ports per second by which the first route grows */
    double exhausted_s;        /* until no port is left at this growth; negative: never */
    unsigned fin_timeout_s;    /* tcp_fin_timeout */
    unsigned privileged_below; /* ip_unprivileged_port_start */
    struct owner peer;    /* with fin-wait-2-orphan on the first route: a process of this namespace
                             that has the other end of one of them; pid 0: none is known */
    struct makers makers; /* who closed connections of the first route between the two samples */
    unsigned unseen;      /* processes of this namespace that could not be looked into */
};

/* Returns whether connections of the route had TCP timestamps, as far as is known. */
bool budget_figures_timestamps(const struct budget *budget, const struct budget_route *route);

/* Returns whether connect() takes over the TIME-WAIT of connections of the route, once they are
 * older than tcp_tw_reuse_delay, as far as is known. */
bool budget_figures_reuse(const struct budget *budget, const struct budget_route *route);

/* Returns what fills a route of which half of the ports or more are used, if most of its
 * connections should have ended: CAUSE_CLOSE_WAIT_LEAK if its program does not close what the peer
 * has closed, CAUSE_FIN_WAIT_2_ORPHAN if the peer does not close what was closed here; else
 * CAUSE_UNKNOWN. */
enum cause budget_figures_cause(const struct budget *budget, const struct budget_route *route);

#endif
