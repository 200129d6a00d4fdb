/* Stories of UDP sockets: the same moves as those of TCP as far as UDP has them, judged by
 * model/udp.h. What an open socket looks like is asked of the socket itself; the order in which the
 * kernel looks at the sockets of a port is kept here, and compared with that of sock_diag now and
 * then. The scenario that is printed has the steps of UDP. */
#include "udp.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/errnames.h"
#include "kernel/sockdiag.h"
#include "kernel/socket.h"
#include "kernel/sysctl.h"
#include "model/udp.h"

enum { OTHER_USER = 65534, DISCARD = 9, CHECK_EVERY = 64 };

struct udp_actor {
    int fd; /* -1: none */
    sa_family_t family;
    uint32_t uid;
    unsigned place; /* in the order of the kernel: the less, the earlier */
};

struct udp_world {
    struct udp_actor actors[SLOTS];
    unsigned first, last; /* the places in use */
    uint16_t base;
    FILE *script;
    struct outcome *outcome;
};

/* --- what the sockets look like --- */

static struct socket_view view_of(const struct udp_actor *actor) {
    struct socket_view view = {0};
    socket_look(&view, actor->fd);
    return view;
}

static bool has_port(const struct udp_actor *actor) {
    return actor->fd >= 0 && view_of(actor).local.port != 0;
}

static struct occupant occupant_of(const struct udp_actor *actor) {
    struct socket_view view = view_of(actor);
    return (struct occupant){.socket = {.protocol = PROTOCOL_UDP,
                                        .state = view.has_peer ? STATE_ESTABLISHED : STATE_CLOSED,
                                        .local = view.local,
                                        .inode = view.inode,
                                        .uid = actor->uid,
                                        .interface = view.interface,
                                        .v6only = view.v6only,
                                        .v6only_known = true},
                             .reuseaddr = knowledge_of(view.reuseaddr),
                             .reuseport = knowledge_of(view.reuseport)};
}

static int compare_places(const void *left, const void *right) {
    const struct udp_actor *const *a = left, *const *b = right;
    return ((*a)->place > (*b)->place) - ((*a)->place < (*b)->place);
}

/* Gathers the sockets that have a port, in the kernel's order. */
static size_t gather(const struct udp_world *world, struct occupant *occupants) {
    const struct udp_actor *bound[SLOTS];
    size_t count = 0;
    for (unsigned i = 0; i < SLOTS; i++)
        if (has_port(&world->actors[i]))
            bound[count++] = &world->actors[i];
    qsort(bound, count, sizeof bound[0], compare_places);
    for (size_t i = 0; i < count; i++)
        occupants[i] = occupant_of(bound[i]);
    return count;
}

/* A socket gets a port: it becomes the first of the list, or the last (sk_add_node_rcu()). */
static void enter_list(struct udp_world *world, struct udp_actor *actor) {
    bool to_the_end = actor->family == AF_INET6 && view_of(actor).reuseport;
    actor->place = to_the_end ? ++world->last : --world->first;
}

/* --- answers --- */

static const char *role_of(const struct udp_actor *actor) {
    return actor->uid == 0 ? "one" : "two";
}

static void say_step(const struct udp_world *world, const struct udp_actor *actor, const char *verb,
                     const char *rest, int error) {
    char name[ERRNAME_SIZE];
    if (world->script != NULL)
        fprintf(world->script, "  %s %-8s s%d %s%s%s\n", role_of(actor), verb,
                (int)(actor - world->actors), rest, error == 0 ? "" : " -> ",
                error == 0 ? "" : errname(error, name));
}

static void part(struct udp_world *world, const char *call, enum rule rule, int want, int got,
                 const char *more) {
    char wanted[ERRNAME_SIZE], given[ERRNAME_SIZE];
    snprintf(world->outcome->text, sizeof world->outcome->text,
             "%s: the model says %s (%s), the kernel %s%s", call,
             want == 0 ? "ok" : errname(want, wanted), rules_text(rule)->name,
             got == 0 ? "ok" : errname(got, given), more);
    if (world->script != NULL)
        fprintf(world->script, "  # ^ %s\n", world->outcome->text);
}

/* Asks the model about a call that gives the socket a port, makes it, and compares. `refused` is
 * the errno of a full range. */
static void judge(struct udp_world *world, struct udp_actor *actor, const char *call,
                  const struct endpoint *local, const struct endpoint *remote, int refused,
                  const char *text) {
    struct socket_view view = view_of(actor);
    struct occupant occupants[SLOTS];
    bool eligible[STORY_PORTS / 2];
    struct sockaddr_storage address;
    size_t count = gather(world, occupants);
    struct claim claim = {.protocol = PROTOCOL_UDP,
                          .local = *local,
                          .reuseaddr = view.reuseaddr,
                          .reuseport = view.reuseport,
                          .v6only = view.v6only,
                          .uid = actor->uid,
                          .interface = view.interface,
                          .range_low = (uint16_t)(world->base + STORY_PORTS / 2),
                          .range_high = (uint16_t)(world->base + STORY_PORTS - 1)};
    struct range_ruling range = {0};
    struct port_ruling port = {0};
    if (local->port == 0)
        range = udp_range(&claim, occupants, count, eligible);
    else
        port = udp_port(&claim, occupants, count);
    int want = local->port == 0                     ? (range.error == 0 ? 0 : refused)
               : port.ruling.in_the_way == KNOWN_NO ? 0
                                                    : EADDRINUSE;
    socklen_t size = endpoint_to_sockaddr(remote != NULL ? remote : local, &address);
    int failed = remote != NULL ? connect(actor->fd, (struct sockaddr *)&address, size)
                                : bind(actor->fd, (struct sockaddr *)&address, size);
    int got = failed < 0 ? errno : 0;
    say_step(world, actor, call, text, got);
    uint16_t chosen = view_of(actor).local.port;
    unsigned index = (unsigned)(chosen - claim.range_low);
    if (remote != NULL && chosen != 0)
        got = 0; /* it got a port, although it cannot connect: its family does not fit */
    if (got == 0)
        enter_list(world, actor);
    if (local->port != 0 && port.ruling.in_the_way == NOT_KNOWN)
        part(world, call, port.ruling.rule, want, got, ", and nothing should be unknown");
    else if (want != got)
        part(world, call, local->port == 0 ? range.rule : port.ruling.rule, want, got, "");
    else if (got == 0 && local->port == 0 && (index >= STORY_PORTS / 2 || !eligible[index]))
        part(world, call, range.rule, want, got, ", on a port that is not free");
}

/* --- the order of sock_diag --- */

struct listing {
    uint32_t inodes[SLOTS];
    size_t count;
    uint16_t port;
};

static bool list_one(void *context, const struct inet_socket *socket) {
    struct listing *listing = context;
    if (listing->count < SLOTS)
        listing->inodes[listing->count++] = socket->inode;
    return true;
}

/* Compares the order of the sockets on one port. Where UDP cannot be listed, nothing is said. */
static void check_order(struct udp_world *world, uint16_t port) {
    struct occupant occupants[SLOTS];
    struct listing listing = {0};
    struct diag_query query = sockdiag_query(1U << STATE_ESTABLISHED | 1U << STATE_CLOSED);
    size_t count = gather(world, occupants), at = 0;
    int diag = sockdiag_open(NETNS_HERE);
    query.protocol = PROTOCOL_UDP;
    query.local = (struct endpoint_pattern){.any_address = true, .endpoint = {.port = port}};
    bool listed = diag >= 0 && sockdiag_dump(diag, &query, list_one, &listing) == 0;
    if (diag >= 0)
        close(diag);
    for (size_t i = 0; listed && i < count; i++)
        if (occupants[i].socket.local.port == port &&
            (at >= listing.count || listing.inodes[at++] != occupants[i].socket.inode)) {
            part(world, "bind", RULE_FREE, 0, 0, ", and sock_diag has another order");
            return;
        }
}

/* --- the moves --- */

static void open_socket(struct udp_world *world, struct udp_actor *actor, const struct move *move) {
    int one = 1, device = move->device;
    bool six = (move->options & WITH_IPV6) != 0;
    bool v6only = six && (move->options & WITH_V6ONLY) != 0;
    if (device > 1 && six)
        device = 0; /* bind() to an IPv6 address looks for the device */
    *actor = (struct udp_actor){.family = six ? AF_INET6 : AF_INET,
                                .uid = move->other_user ? OTHER_USER : 0};
    setfsuid(actor->uid);
    actor->fd = socket(actor->family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    setfsuid(0);
    if (move->options & WITH_REUSEADDR)
        setsockopt(actor->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (move->options & WITH_REUSEPORT)
        setsockopt(actor->fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
    if (v6only)
        setsockopt(actor->fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
    if (device != 0)
        setsockopt(actor->fd, SOL_SOCKET, SO_BINDTOIFINDEX, &device, sizeof device);
    if (world->script != NULL)
        fprintf(world->script, "  %s socket   s%d %s%s%s%s%s\n", role_of(actor),
                (int)(actor - world->actors), six ? "udp6" : "udp4",
                move->options & WITH_REUSEADDR ? " SO_REUSEADDR" : "",
                move->options & WITH_REUSEPORT ? " SO_REUSEPORT" : "", v6only ? " IPV6_V6ONLY" : "",
                device == 1   ? " SO_BINDTODEVICE=lo"
                : device != 0 ? " # and another device"
                              : "");
}

static void set_option(struct udp_world *world, struct udp_actor *actor, const struct move *move) {
    int option = move->options & WITH_V6ONLY ? SO_REUSEADDR : SO_REUSEPORT;
    int value = move->options & 1;
    setsockopt(actor->fd, SOL_SOCKET, option, &value, sizeof value);
    char text[40];
    snprintf(text, sizeof text, "%s=%d", option == SO_REUSEADDR ? "SO_REUSEADDR" : "SO_REUSEPORT",
             value);
    say_step(world, actor, "setsockopt", text, 0);
}

static struct endpoint address_of(const struct udp_actor *actor, const char *const *four,
                                  size_t fours, const char *const *six, size_t sixes,
                                  unsigned index) {
    struct endpoint_pattern pattern;
    const char *at;
    /* A socket that is IPv6 only can have no mapped address; these come last. */
    if (actor->family == AF_INET6 && view_of(actor).v6only)
        sixes -= 2;
    endpoint_parse(actor->family == AF_INET ? four[index % fours] : six[index % sixes], &pattern,
                   &at);
    return pattern.endpoint;
}

static void do_bind(struct udp_world *world, struct udp_actor *actor, const struct move *move) {
    static const char *const four[] = {"0.0.0.0:0", "127.0.0.1:0", "127.0.0.2:0"};
    static const char *const six[] = {"[::]:0", "[::1]:0", "[::ffff:0.0.0.0]:0",
                                      "[::ffff:127.0.0.1]:0"};
    struct endpoint local = address_of(actor, four, 3, six, 4, move->address);
    char text[ENDPOINT_TEXT_SIZE];
    local.port = move->port == PORT_ANY ? 0 : (uint16_t)(world->base + move->port);
    judge(world, actor, "bind", &local, NULL, EADDRINUSE, endpoint_text(&local, text));
    if (world->outcome->text[0] == '\0' && world->outcome->binds++ % CHECK_EVERY == 0)
        check_order(world, local.port != 0 ? local.port : view_of(actor).local.port);
}

/* A connected socket has the address from which it would send. Nothing is sent. */
static void do_connect(struct udp_world *world, struct udp_actor *actor, const struct move *move) {
    static const char *const four[] = {"127.0.0.1:9", "127.0.0.2:9"};
    static const char *const six[] = {"[::1]:9", "[::ffff:127.0.0.1]:9", "[::ffff:127.0.0.2]:9"};
    struct endpoint remote = address_of(actor, four, 2, six, 3, move->address);
    struct endpoint local = view_of(actor).local;
    struct sockaddr_storage address;
    char text[ENDPOINT_TEXT_SIZE];
    socklen_t size = endpoint_to_sockaddr(&remote, &address);
    remote.port = DISCARD;
    endpoint_text(&remote, text);
    if (view_of(actor).interface > 1)
        return; /* nothing can be reached there */
    world->outcome->connects++;
    if (local.port == 0) { /* the address may be that of an earlier bind() to port 0 */
        judge(world, actor, "connect", &local, &remote, EAGAIN, text);
        return;
    }
    int error = connect(actor->fd, (struct sockaddr *)&address, size) < 0 ? errno : 0;
    say_step(world, actor, "connect", text, error); /* the families may not fit */
}

/* That clears SO_BINDTODEVICE too (__udp_disconnect()). */
static void do_disconnect(struct udp_world *world, struct udp_actor *actor) {
    static const struct sockaddr none = {.sa_family = AF_UNSPEC};
    say_step(world, actor, "disconnect", "", 0);
    (void)connect(actor->fd, &none, sizeof none); /* cannot fail */
}

static void do_close(struct udp_world *world, struct udp_actor *actor) {
    say_step(world, actor, "close", "", 0);
    close(actor->fd);
    actor->fd = -1;
}

static bool fits(const struct udp_actor *actor, enum move_kind kind) {
    if (kind == MOVE_SOCKET)
        return actor->fd < 0;
    if (kind == MOVE_BIND)
        return actor->fd >= 0 && !has_port(actor) && !view_of(actor).has_peer;
    return actor->fd >= 0 && kind != MOVE_LISTEN && kind != MOVE_SHUTDOWN;
}

static void make_move(struct udp_world *world, const struct move *move) {
    struct udp_actor *actor = NULL;
    for (unsigned i = 0; i < SLOTS && actor == NULL; i++)
        if (fits(&world->actors[(move->slot + i) % SLOTS], move->kind))
            actor = &world->actors[(move->slot + i) % SLOTS];
    if (actor == NULL)
        return;
    if (move->kind == MOVE_SOCKET)
        open_socket(world, actor, move);
    else if (move->kind == MOVE_OPTION)
        set_option(world, actor, move);
    else if (move->kind == MOVE_BIND)
        do_bind(world, actor, move);
    else if (move->kind == MOVE_CONNECT)
        do_connect(world, actor, move);
    else if (move->kind == MOVE_DISCONNECT)
        do_disconnect(world, actor);
    else
        do_close(world, actor);
}

struct outcome udp_play(const struct story *story, uint16_t base, FILE *script) {
    struct outcome outcome = {0};
    struct udp_world world = {.first = UINT32_MAX / 2,
                              .last = UINT32_MAX / 2,
                              .base = base,
                              .script = script,
                              .outcome = &outcome};
    char range[16];
    snprintf(range, sizeof range, "%d %d", base + STORY_PORTS / 2, base + STORY_PORTS - 1);
    sysctl_write(NETNS_HERE, "net.ipv4.ip_local_port_range", range);
    if (script != NULL)
        fprintf(script,
                "title  The model and the kernel part\nneeds  ipv6\nneeds  uids\n\nsetup\n"
                "  sysctl   net.ipv4.ip_local_port_range %s\n  two uid %d\n\ncase it happens\n",
                range, OTHER_USER);
    for (unsigned i = 0; i < SLOTS; i++)
        world.actors[i].fd = -1;
    for (unsigned i = 0; i < story->count && outcome.text[0] == '\0'; i++) {
        outcome.move = i;
        make_move(&world, &story->moves[i]);
    }
    for (unsigned i = 0; i < SLOTS; i++)
        if (world.actors[i].fd >= 0)
            close(world.actors[i].fd);
    return outcome;
}
