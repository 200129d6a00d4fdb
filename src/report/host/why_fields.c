/* Each is a text, or a command's argument, from what was found. */
#include "report/host/why_fields.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "report/host/wide_range.h"
#include "report/shared/layout.h"
#include "report/shared/place.h"
#include "report/shared/sockets.h"

const char *why_fields_local(const struct suspect *suspect, char *text) {
    endpoint_text(&suspect->occupant.socket.local, text);
    char *port = strrchr(text, ':');
    size_t used = (size_t)(port - text), size = strlen(suspect->device) + 1;
    if (suspect->device[0] == '\0' || used + size + strlen(port) >= ENDPOINT_TEXT_SIZE)
        return text;
    memmove(port + size, port, strlen(port) + 1);
    memcpy(port + 1, suspect->device, size - 1);
    *port = '%';
    return text;
}

static const struct suspect *blamed(const struct why *why) {
    return why->evidence.suspect_count > 0 ? &why->evidence.suspects[0] : NULL;
}

/* The option that names the namespace, with a blank behind it. */
void why_fields_netns(FILE *out, const struct why *why) {
    place_print_option(out, &why->where);
}

void why_fields_inside(FILE *out, const struct why *why) {
    place_print_inside(out, &why->where);
}

/* `a` without the ports of the range, unless `keep` has them. */
static struct port_set outside(const struct port_range *range, const struct port_set *keep) {
    struct port_set set = range->reserved;
    for (unsigned port = range->low; port <= range->high; port++)
        if (!port_set_has(keep, (uint16_t)port))
            set.bits[port / 8] &= (uint8_t) ~(1U << port % 8);
    return set;
}

/* The reserved ports but for those of the range where nobody listens. */
void why_fields_still_reserved(FILE *out, const struct why *why) {
    struct port_set set = outside(&why->range, &why->hints.servers);
    port_set_print(&set, out);
}

void why_fields_given_up(FILE *out, const struct why *why) {
    const struct port_range *range = &why->range;
    struct port_set set = {0};
    for (unsigned port = range->low; port <= range->high; port++)
        if (port_set_has(&range->reserved, (uint16_t)port) &&
            !port_set_has(&why->hints.servers, (uint16_t)port))
            port_set_add(&set, (uint16_t)port);
    port_set_print(&set, out);
}

void why_fields_wide_range(FILE *out, const struct why *why) {
    fprintf(out, "%u %u", wide_range_low(&why->range, why->privileged_below),
            (unsigned)WIDE_RANGE_HIGH);
}

/* The reserved ports, and those with a server that the wider range has. */
void why_fields_reserved_for_servers(FILE *out, const struct why *why) {
    struct port_set set = why->range.reserved;
    unsigned low = wide_range_low(&why->range, why->privileged_below);
    for (unsigned port = low; port <= WIDE_RANGE_HIGH; port++)
        if (port_set_has(&why->hints.servers, (uint16_t)port))
            port_set_add(&set, (uint16_t)port);
    port_set_print(&set, out);
}

static void print_endpoint(FILE *out, const char *name, const struct endpoint *endpoint) {
    char text[ENDPOINT_TEXT_SIZE];
    fprintf(out, endpoint->family == AF_INET6 ? " %s '%s'" : " %s %s", name,
            endpoint_text(endpoint, text));
}

static void print_ss_state(FILE *out, enum tcp_state state) {
    const char *name = state == STATE_SYN_RECEIVED ? "syn-recv" : socket_state_name(state);
    fputs("state ", out);
    for (; *name != '\0'; name++)
        fputc(tolower((unsigned char)*name), out);
}

/* Of a full range: the connections to the destination, whatever their ports. */
static void print_destination(FILE *out, const struct why *why) {
    const struct endpoint *to = &why->client.to;
    print_endpoint(out, "dst", to->family != 0 ? to : &why->asked.remote);
}

/* What tells ss(8) the connections in the way: the only one by its endpoints; several by their
 * states and the address that was asked for. */
void why_fields_sockets(FILE *out, const struct why *why) {
    const struct evidence *evidence = &why->evidence;
    const struct endpoint *local = &why->asked.local;
    unsigned states = 0;
    for (unsigned i = 0; i < evidence->suspect_count; i++) {
        enum tcp_state state = evidence->suspects[i].occupant.socket.state;
        if (state == STATE_LISTEN || state == STATE_BOUND || (states & 1U << state) != 0)
            continue;
        fputs(states == 0 ? "" : " ", out);
        print_ss_state(out, state);
        states |= 1U << state;
    }
    if (evidence->automatic) {
        print_destination(out, why);
    } else if (evidence->total == 1) {
        print_endpoint(out, "src", &evidence->suspects[0].occupant.socket.local);
        print_endpoint(out, "dst", &evidence->suspects[0].occupant.socket.remote);
    } else if (local->family != 0 && !endpoint_is_wildcard(local)) {
        print_endpoint(out, "src", local);
    } else {
        fprintf(out, " 'sport = :%u'", local->port);
    }
}

/* What of the kernel has the port, and how it gives it up. */
static const struct {
    const char *name, *release, *price;
} holders[] = {
    [HOLDER_NONE] = {"something", "", ""},
    [HOLDER_VXLAN] = {"VXLAN device ", "ip link delete ",
                      "this removes the network device, and what goes through it:"},
    [HOLDER_GENEVE] = {"GENEVE device ", "ip link delete ",
                       "this removes the network device, and what goes through it:"},
    [HOLDER_BAREUDP] = {"bareudp device ", "ip link delete ",
                        "this removes the network device, and what goes through it:"},
    [HOLDER_MPTCP] = {"MPTCP endpoint ", "ip mptcp endpoint delete id ",
                      "peers of MPTCP connections are no longer told this address and port:"},
    [HOLDER_NFSD] = {"its NFS server", "systemctl stop nfs-server.service",
                     "the clients of all exports then wait until it is started again:"},
    [HOLDER_LOCKD] = {"its NFS lock manager", "systemctl stop nfs-server.service",
                      "the clients of all exports then wait; the lock manager also stays while an "
                      "NFSv3 file system is mounted here:"},
};

void why_fields_holder(FILE *out, const struct why *why) {
    fputs(holders[why->holder.kind].name, out);
    layout_text(out, why->holder.name);
}

void why_fields_release(FILE *out, const struct why *why) {
    fputs(holders[why->holder.kind].release, out);
    place_print_word(out, why->holder.name);
}

void why_fields_release_price(FILE *out, const struct why *why) {
    fputs(holders[why->holder.kind].price, out);
}

/* budget counts the ports of TCP alone. */
void why_fields_see_budget(FILE *out, const struct why *why) {
    fputs(why->asked.protocol == PROTOCOL_UDP ? "use fewer UDP sockets" : "see portreuse budget",
          out);
}

/* ss(8) with what it takes to show the sockets of this protocol and their owners. */
void why_fields_ss(FILE *out, const struct why *why) {
    fputs(why->asked.protocol == PROTOCOL_UDP ? "ss -Hulnep" : "ss -Htlnep", out);
}

void why_fields_expires(FILE *out, const struct why *why) {
    const struct suspect *suspect = blamed(why);
    fprintf(out, "%" PRIu32 " s",
            suspect == NULL ? 0 : (suspect->occupant.socket.expires_ms + 999) / 1000);
}

/* How far the close of a connection has come. */
void why_fields_closing(FILE *out, const struct why *why) {
    const struct suspect *suspect = blamed(why);
    enum tcp_state state = suspect == NULL ? STATE_FIN_WAIT_2 : suspect->occupant.socket.state;
    if (why->evidence.automatic) {
        fputs("orphans in FIN-WAIT-2 have the ports", out);
        return;
    }
    fputs(socket_state_name(state), out);
    if (state != STATE_FIN_WAIT_2) {
        fputs(", the peer does not acknowledge it", out);
        return;
    }
    if (suspect != NULL && suspect->occupant.socket.expires_ms > 0) {
        fputs(", ", out);
        why_fields_expires(out, why);
        fputs(" left", out);
    }
    fputs(", not closed by the peer", out);
}

void why_fields_peer(FILE *out, const struct why *why) {
    const struct owner *peer = &why->hints.peer;
    sockets_print_program(out, peer);
    fprintf(out, " (%d)", (int)peer->pid);
}

void why_fields_no_address(FILE *out, const struct why *why) {
    fputs((why->when & WHEN_NO_IPV6) != 0   ? "IPv6 is switched off (disable_ipv6=1)"
          : (why->when & WHEN_CONNECT) != 0 ? "no address here can be the source"
                                            : "no interface here has this address",
          out);
}

/* Who has the sockets in the way of a range, if a process is known: ` by nginx (4711)`. */
void why_fields_by(FILE *out, const struct why *why) {
    const struct budget_owners *owners = &why->holders.owners;
    if (owners->known == 0 || owners->list[0].owner.pid == 0)
        return;
    fputs(" by ", out);
    sockets_print_program(out, &owners->list[0].owner);
    fprintf(out, " (%d)", (int)owners->list[0].owner.pid);
}

/* A fact, and what to do. */
void why_fields_no_route(FILE *out, const struct why *why, bool with_advice) {
    bool down = (why->when & (WHEN_LO_DOWN | WHEN_LINK_DOWN)) != 0;
    bool loose = (why->when & WHEN_NO_CARRIER) != 0;
    if ((why->when & WHEN_LO_DOWN) != 0)
        fputs("the device lo", out);
    else if (down || loose)
        layout_text(out, why->client.path.device);
    fputs(down                                    ? " is down"
          : loose                                 ? " has no carrier"
          : (why->when & WHEN_NOT_UNICAST) != 0   ? "not the address of one host"
          : (why->when & WHEN_ROUTE_REFUSES) != 0 ? "a route or routing rule refuses it"
                                                  : "no route leads there",
          out);
    if (with_advice)
        fputs(down ? "; set it up" : loose ? "; see what it leads to" : "", out);
}

/* The device that leads to the destination, as a word of a command. */
void why_fields_device(FILE *out, const struct why *why) {
    place_print_word(out, why->client.path.device);
}

/* Between an IPv4 socket and one on [::]: depends on which of them has the port. */
void why_fields_apart(FILE *out, const struct why *why) {
    fputs(why->asked.local.family == AF_INET6 ? "stop it, or set IPV6_V6ONLY on yours"
                                              : "[::] includes IPv4: set IPV6_V6ONLY on it",
          out);
}

void why_fields_family(FILE *out, const struct why *why) {
    fputs(endpoint_is_ipv4(&why->asked.remote) ? "-4" : "-6", out);
}

void why_fields_addresses(FILE *out, const struct why *why) {
    const char *addresses = why->hints.addresses;
    layout_text(out, addresses[0] == '\0' ? "no addresses" : addresses);
}

void why_fields_nonlocal(FILE *out, const struct why *why) {
    fprintf(out, "net.ipv%c.ip_nonlocal_bind", why->asked.local.family == AF_INET6 ? '6' : '4');
}

/* How long the last TIME-WAIT in the way lasts. */
void why_fields_time_left(FILE *out, const struct why *why) {
    fprintf(out, "%" PRIu32 " s", (why->time_left_ms + 999) / 1000);
}

static bool option_helps(const struct why *why, unsigned option) {
    return (why->tried & 1U << option) != 0 && why->trials[option].error == 0;
}

/* With SO_REUSEPORT alone, or beside SO_REUSEADDR, which does not help. */
static bool reuseport_helps(const struct why *why) {
    return option_helps(why, WHY_REUSEPORT) ||
           (option_helps(why, WHY_REUSEADDR | WHY_REUSEPORT) && !option_helps(why, WHY_REUSEADDR));
}

/* The option with which a trial succeeded. */
static const char *helpful_option(const struct why *why) {
    return option_helps(why, WHY_REUSEADDR) ? "SO_REUSEADDR"
           : reuseport_helps(why)           ? "SO_REUSEPORT"
                                            : NULL;
}

/* The option by which the port is shared. */
void why_fields_sharing_option(FILE *out, const struct why *why) {
    fputs(why->asked.reuseport ? "SO_REUSEPORT" : "SO_REUSEADDR", out);
}

static void print_reuse_or(FILE *out, const struct why *why, const char *otherwise) {
    const char *option = helpful_option(why);
    if (option != NULL)
        fprintf(out, "set %s", option);
    if (option == NULL || strcmp(otherwise, "wait") == 0)
        fprintf(out, "%s%s", option == NULL ? "" : " or ", otherwise);
}

/* For connect(), no option that is set before bind() helps. */
void why_fields_reuse_or_stop(FILE *out, const struct why *why) {
    const struct suspect *suspect = blamed(why);
    bool connects = why->call != NULL && strcmp(why->call, "connect") == 0;
    if (!connects)
        print_reuse_or(out, why, "stop it");
    else if (suspect != NULL && suspect->occupant.socket.state == STATE_TIME_WAIT) {
        fputs("wait ", out);
        why_fields_time_left(out, why);
    } else
        fputs("use another port", out);
}

void why_fields_reuse_or_wait(FILE *out, const struct why *why) {
    print_reuse_or(out, why, "wait");
}

/* What is in TIME-WAIT had no SO_REUSEADDR. */
void why_fields_wait_for_old(FILE *out, const struct why *why) {
    fputs(reuseport_helps(why) ? "set SO_REUSEPORT or wait" : "wait (it had no SO_REUSEADDR)", out);
}

/* Where a client connects to, as `portreuse budget` takes it. */
void why_fields_destination(FILE *out, const struct why *why) {
    char text[ENDPOINT_TEXT_SIZE];
    why_fields_netns(out, why);
    fputs(
        endpoint_text(why->asked.remote.family != 0 ? &why->asked.remote : &why->asked.local, text),
        out);
}
