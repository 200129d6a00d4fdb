/* Plays a story with real sockets, and asks the model before each bind(), listen() and connect().
 *
 * What a socket that is open looks like is asked of the socket itself. Of those that no descriptor
 * has any more, only remnants stay on a port (TIME-WAIT, and the orphan in FIN-WAIT-2 that comes
 * before it): they are kept here, as the peers' moves make and end them. */
#include "world.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/errnames.h"
#include "kernel/sysctl.h"

/* --- what is said in the scenario --- */

static const char *role_of(const struct actor *actor) {
    return actor->uid == 0 ? "one" : "two";
}

__attribute__((format(printf, 2, 3))) static void say(const struct world *world, const char *format,
                                                      ...) {
    va_list values;
    if (world->script == NULL)
        return;
    va_start(values, format);
    vfprintf(world->script, format, values);
    va_end(values);
}

static int slot_of(const struct world *world, const struct actor *actor) {
    return (int)(actor - world->actors);
}

/* A step with its answer. */
static void say_step(const struct world *world, const struct actor *actor, const char *verb,
                     const char *place, int error) {
    char name[ERRNAME_SIZE];
    say(world, "  %s %-8s s%d %s%s%s\n", role_of(actor), verb, slot_of(world, actor), place,
        error == 0 ? "" : " -> ", error == 0 ? "" : errname(error, name));
}

/* Compares the answers, and the port that the kernel chose. */
static void compare(struct world *world, const char *call, const struct want *want, int got,
                    bool automatic, uint16_t port) {
    struct outcome *outcome = world->outcome;
    char wanted[ERRNAME_SIZE], given[ERRNAME_SIZE];
    unsigned place = (unsigned)(port - world->base - STORY_PORTS / 2);
    bool chose_well = !automatic || got != 0 || (place < STORY_PORTS / 2 && want->eligible[place]);
    if (want->error == got && chose_well)
        return;
    outcome->move = world->move;
    snprintf(outcome->text, sizeof outcome->text, "%s: the model says %s (%s), the kernel %s%s",
             call, want->error == 0 ? "ok" : errname(want->error, wanted),
             rules_text(want->rule)->name, got == 0 ? "ok" : errname(got, given),
             chose_well ? "" : ", on a port that is not free");
    say(world, "  # ^ %s\n", outcome->text);
}

static void leave_story(struct world *world, const char *why, int error) {
    char name[ERRNAME_SIZE];
    world->outcome->odd = true;
    snprintf(world->outcome->text, sizeof world->outcome->text, "%s: %s", why,
             errname(error, name));
}

/* --- the moves --- */

static void close_fd(struct actor *actor) {
    close(actor->fd);
    *actor = (struct actor){.fd = -1, .peer = -1, .ghost = -1};
}

/* Keeps what a closed connection leaves on its port; returns its index. */
static int leave_remnant(struct world *world, const struct actor *actor) {
    struct occupant *remnant = &world->remnants[world->remnant_count];
    *remnant = occupant_of(actor);
    remnant->socket.state = STATE_TIME_WAIT;
    remnant->socket.inode = 0;
    return (int)world->remnant_count++;
}

/* A connection has ended while its descriptor is open: a port that bind() named stays. */
static void end_connection(struct actor *actor) {
    actor->bound = actor->locked;
    actor->by_connect = false;
}

/* Has the other end acknowledge at once the FIN that it was sent: else it could take 40 ms, and who
 * sent it would stay in FIN-WAIT-1 for as long. */
static void hurry_peer(const struct world *world, int peer) {
    int one = 1;
    char byte;
    if (peer < 0)
        return;
    recv(world->actors[peer].fd, &byte, 1, MSG_DONTWAIT);
    setsockopt(world->actors[peer].fd, IPPROTO_TCP, TCP_QUICKACK, &one, sizeof one);
    say(world, "  await no FIN-WAIT-1 *:*\n");
}

static void part(struct world *world, struct actor *actor) {
    if (actor->peer >= 0)
        world->actors[actor->peer].peer = -1;
    actor->peer = -1;
    actor->ghost = -1;
}

static void open_socket(struct world *world, struct actor *actor, const struct move *move) {
    static const struct timeval patience = {.tv_usec = 50000L};
    int one = 1, device = move->device;
    actor->family = move->options & WITH_IPV6 ? AF_INET6 : AF_INET;
    bool v6only = actor->family == AF_INET6 && (move->options & WITH_V6ONLY);
    if (device != LOOPBACK && actor->family == AF_INET6)
        device = 0; /* bind() to an IPv6 address looks for the device; one will do to tell apart */
    actor->uid = move->other_user ? OTHER_USER : 0;
    setfsuid(actor->uid);
    actor->fd = socket(actor->family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setfsuid(0);
    actor->device = (uint32_t)device;
    if (move->options & WITH_REUSEADDR)
        setsockopt(actor->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (move->options & WITH_REUSEPORT)
        setsockopt(actor->fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
    if (v6only)
        setsockopt(actor->fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
    if (device != 0)
        setsockopt(actor->fd, SOL_SOCKET, SO_BINDTOIFINDEX, &device, sizeof device);
    setsockopt(actor->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    say(world, "  %s socket   s%d %s%s%s%s%s\n", role_of(actor), slot_of(world, actor),
        actor->family == AF_INET6 ? "tcp6" : "tcp4",
        move->options & WITH_REUSEADDR ? " SO_REUSEADDR" : "",
        move->options & WITH_REUSEPORT ? " SO_REUSEPORT" : "", v6only ? " IPV6_V6ONLY" : "",
        device == LOOPBACK ? " SO_BINDTODEVICE=lo"
        : device != 0      ? " # and another device"
                           : "");
}

static void set_option(struct world *world, struct actor *actor, const struct move *move) {
    int option = move->options & WITH_V6ONLY ? SO_REUSEADDR : SO_REUSEPORT;
    int value = move->options & 1;
    char text[40];
    setsockopt(actor->fd, SOL_SOCKET, option, &value, sizeof value);
    snprintf(text, sizeof text, "%s=%d", option == SO_REUSEADDR ? "SO_REUSEADDR" : "SO_REUSEPORT",
             value);
    say_step(world, actor, "setsockopt", text, 0);
}

/* One of the family's addresses; with port 0 in text. */
static struct endpoint address_of(sa_family_t family, bool v6only, unsigned index) {
    static const char *const four[] = {"0.0.0.0:0", "127.0.0.1:0", "127.0.0.2:0"};
    static const char *const six[] = {"[::]:0", "[::1]:0", "[::]:0", "[::ffff:0.0.0.0]:0",
                                      "[::ffff:127.0.0.1]:0"};
    struct endpoint_pattern pattern;
    const char *at;
    endpoint_parse(family == AF_INET ? four[index % 3] : six[index % (v6only ? 3 : 5)], &pattern,
                   &at);
    return pattern.endpoint;
}

static void do_bind(struct world *world, struct actor *actor, const struct move *move) {
    struct endpoint local = address_of(actor->family, is_v6only(actor), move->address);
    struct sockaddr_storage address;
    char text[ENDPOINT_TEXT_SIZE];
    local.port = move->port == PORT_ANY ? 0 : (uint16_t)(world->base + move->port);
    struct claim claim = claim_of(world, actor, &local);
    struct want want = ask_model(world, CALL_BIND, actor, &claim);
    socklen_t size = endpoint_to_sockaddr(&local, &address);
    int error = bind(actor->fd, (struct sockaddr *)&address, size) < 0 ? errno : 0;
    world->outcome->binds++;
    actor->bound = error == 0;
    actor->locked = error == 0 && local.port != 0;
    say_step(world, actor, "bind", endpoint_text(&local, text), error);
    compare(world, "bind", &want, error, local.port == 0, local_of(actor).port);
    claim.local.port = local_of(actor).port;
    if (error == 0)
        remember(world, &claim);
}

static void do_listen(struct world *world, struct actor *actor) {
    struct endpoint local = local_of(actor);
    struct claim claim = claim_of(world, actor, &local);
    struct want want = ask_model(world, CALL_LISTEN, actor, &claim);
    int error = listen(actor->fd, 16) < 0 ? errno : 0;
    world->outcome->listens++;
    actor->bound = actor->bound || error == 0;
    if (error == 0)
        fcntl(actor->fd, F_SETFL, O_NONBLOCK);
    say_step(world, actor, "listen", "", error);
    compare(world, "listen", &want, error, local.port == 0, local_of(actor).port);
    claim.local.port = local_of(actor).port;
    claim.reuseaddr = false; /* a listener has it for nobody */
    if (error == 0)
        remember(world, &claim);
}

/* Where a client finds a listener. False if it cannot, or if a device is in it: connect() takes the
 * ports of a connection on a device for free, so that two have the same addresses and ports, and
 * what becomes of them is TCP's affair. */
static bool find_target(const struct actor *client, const struct actor *listener,
                        struct endpoint *target) {
    struct endpoint local = local_of(client), place = local_of(listener);
    bool four = place.family == AF_INET || endpoint_is_mapped(&place) ||
                (client->family == AF_INET && !is_v6only(listener));
    unsigned index = four ? (client->family == AF_INET ? 1 : 4) : 1;
    if ((!four && client->family == AF_INET) || (four && is_v6only(client)) ||
        (!four && (client->mapped || listener->mapped)) || listener->device != 0 ||
        client->device != 0 || local.port == place.port)
        return false;
    if (client->bound && client->family == AF_INET6 &&
        (endpoint_is_mapped(&local) ? !four : four && !endpoint_is_wildcard(&local)))
        return false;
    *target = address_of(client->family, false, index);
    struct endpoint plain = endpoint_unmapped(&place);
    if (four && !endpoint_is_wildcard(&place))
        memcpy(target->address + (client->family == AF_INET ? 0 : 12), plain.address, 4);
    target->port = place.port;
    return true;
}

static bool same_place(const struct endpoint *a, const struct endpoint *b) {
    struct endpoint left = endpoint_unmapped(a), right = endpoint_unmapped(b);
    return endpoint_equal(&left, &right);
}

/* Ends the remnants at this place that had a connection to that one. */
static void end_remnants(struct world *world, const struct endpoint *local,
                         const struct endpoint *remote) {
    for (unsigned i = 0; i < world->remnant_count; i++)
        if (same_place(&world->remnants[i].socket.local, local) &&
            same_place(&world->remnants[i].socket.remote, remote))
            world->gone[i] = true;
}

/* Whether an open end at the target would answer in place of the listener. */
static bool end_is_open(const struct world *world, const struct endpoint *local,
                        const struct endpoint *remote) {
    for (unsigned i = 0; i < SLOTS; i++) {
        struct endpoint mine, theirs;
        if (world->actors[i].fd < 0 || !world->actors[i].connected)
            continue;
        mine = local_of(&world->actors[i]);
        theirs = remote_of(&world->actors[i]);
        if (same_place(&mine, local) && same_place(&theirs, remote))
            return true;
    }
    return false;
}

static struct actor *free_actor(struct world *world) {
    for (unsigned i = 0; i < SLOTS; i++)
        if (world->actors[i].fd < 0)
            return &world->actors[i];
    return NULL;
}

static bool is_mapped(const struct actor *actor) {
    struct endpoint local = local_of(actor);
    return endpoint_is_mapped(&local);
}

/* Has the listener that got the connection accept it: of several the kernel chooses one. */
static bool accept_one(struct world *world, struct actor *client, struct actor *accepted) {
    for (unsigned i = 0; i < SLOTS; i++) {
        struct actor *listener = &world->actors[i];
        if (listener->fd < 0 || !listener->bound || state_of(listener) != STATE_LISTEN)
            continue;
        setfsuid(listener->uid);
        int fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC);
        setfsuid(0);
        if (fd < 0)
            continue;
        *accepted = (struct actor){.fd = fd,
                                   .family = listener->family,
                                   .uid = listener->uid,
                                   .device = listener->device,
                                   .bound = true,
                                   .connected = true,
                                   .peer = slot_of(world, client),
                                   .ghost = -1};
        client->peer = slot_of(world, accepted);
        client->mapped = is_mapped(client);
        accepted->mapped = is_mapped(accepted);
        say(world, "  %s accept   s%u s%d\n", role_of(listener), i, slot_of(world, accepted));
        return true;
    }
    return false;
}

/* The port is said to be the listener's: the kernel may have chosen it. */
static void say_connect(const struct world *world, const struct actor *client,
                        const struct endpoint *target, const struct actor *listener, int error) {
    char text[ENDPOINT_TEXT_SIZE], place[2 * ENDPOINT_TEXT_SIZE];
    int size = (int)(strrchr(endpoint_text(target, text), ':') - text);
    snprintf(place, sizeof place, "%.*s:$%s.s%d.port", size, text, role_of(listener),
             slot_of(world, listener));
    say_step(world, client, "connect", place, error);
}

/* Whether connect() takes a bound socket from the wildcard to an address of which connect() has
 * chosen the same port for another one: the port then forgets, with the next socket that leaves it,
 * that it was bound. docs/bind-rules.md has that under narrowed-bind. */
static bool narrows_into_connects(const struct world *world, const struct actor *client,
                                  const struct endpoint *source) {
    struct occupant occupants[OCCUPANTS];
    size_t count = client->bound ? gather(world, client, occupants) : 0;
    for (size_t i = 0; i < count; i++)
        if (occupants[i].by_connect == KNOWN_YES && same_place(&occupants[i].socket.local, source))
            return true;
    return false;
}

static void do_connect(struct world *world, struct actor *client, struct actor *listener) {
    struct endpoint target, source = local_of(client);
    struct actor *accepted = free_actor(world);
    struct sockaddr_storage address;
    if (accepted == NULL || !find_target(client, listener, &target))
        return;
    bool automatic = !client->bound;
    if (endpoint_is_wildcard(&source)) { /* which one the route would have */
        source = address_of(client->family, false,
                            client->family == AF_INET || !endpoint_is_mapped(&target) ? 1 : 4);
        source.port = local_of(client).port;
    }
    if (narrows_into_connects(world, client, &source))
        return;
    struct claim claim = claim_of(world, client, &source);
    claim.remote = target;
    struct want want = ask_model(world, CALL_CONNECT, client, &claim);
    if (!automatic && want.error == 0 && end_is_open(world, &target, &source))
        return;
    socklen_t size = endpoint_to_sockaddr(&target, &address);
    int error = connect(client->fd, (struct sockaddr *)&address, size) < 0 ? errno : 0;
    if (error != 0 && error != EADDRNOTAVAIL) {
        leave_story(world, "connect", error);
        return;
    }
    world->outcome->connects++;
    say_connect(world, client, &target, listener, error);
    client->connected = error == 0;
    client->by_connect = automatic && error == 0;
    client->bound = error == 0 || client->locked;
    source = local_of(client);
    compare(world, "connect", &want, error, automatic, source.port);
    if (error != 0)
        return;
    if (automatic)
        remember_connect(world, source.port);
    end_remnants(world, &source, &target);
    end_remnants(world, &target, &source);
    if (!accept_one(world, client, accepted))
        leave_story(world, "accept", EAGAIN);
}

/* The peer of a connection hears its last FIN: if it has sent its own, it leaves TIME-WAIT, and a
 * descriptor that is still open is of no connection any more. */
static void hear_last_fin(struct world *world, struct actor *actor) {
    if (actor->peer < 0)
        return;
    struct actor *peer = &world->actors[actor->peer];
    leave_remnant(world, peer);
    end_connection(peer);
}

/* The remnant has to be drawn up before the kernel changes the peer. */
static void send_last_fin(struct world *world, struct actor *actor, bool close_it) {
    hear_last_fin(world, actor);
    part(world, actor);
    if (close_it) {
        close_fd(actor);
    } else {
        shutdown(actor->fd, SHUT_WR);
        end_connection(actor);
    }
}

static void do_close(struct world *world, struct actor *actor) {
    enum tcp_state state = state_of(actor);
    int peer = actor->peer;
    say_step(world, actor, "close", "", 0);
    if (state == STATE_CLOSE_WAIT) {
        send_last_fin(world, actor, true);
        return;
    }
    if (state == STATE_ESTABLISHED || state == STATE_FIN_WAIT_2) {
        int remnant = leave_remnant(world, actor);
        if (actor->peer >= 0)
            world->actors[actor->peer].ghost = remnant;
    } else if (state != STATE_CLOSED && state != STATE_LISTEN) {
        leave_story(world, socket_state_name(state), EINPROGRESS);
    }
    part(world, actor);
    close_fd(actor);
    hurry_peer(world, peer);
}

static void do_shutdown(struct world *world, struct actor *actor) {
    enum tcp_state state = state_of(actor);
    if (state == STATE_LISTEN) {
        say_step(world, actor, "shutdown", "both", 0);
        shutdown(actor->fd, SHUT_RDWR);
        fcntl(actor->fd, F_SETFL, 0);
        end_connection(actor);
    } else if (state == STATE_CLOSE_WAIT) {
        say_step(world, actor, "shutdown", "write", 0);
        send_last_fin(world, actor, false);
    } else if (state == STATE_ESTABLISHED) {
        say_step(world, actor, "shutdown", "write", 0);
        shutdown(actor->fd, SHUT_WR);
        hurry_peer(world, actor->peer);
    }
}

/* A reset ends the other end too. */
static void do_disconnect(struct world *world, struct actor *actor) {
    static const struct sockaddr none = {.sa_family = AF_UNSPEC};
    bool resets = state_of(actor) != STATE_CLOSED;
    say_step(world, actor, "disconnect", "", 0);
    if (resets && actor->ghost >= 0)
        world->gone[actor->ghost] = true;
    if (resets && actor->peer >= 0)
        end_connection(&world->actors[actor->peer]);
    part(world, actor);
    if (connect(actor->fd, &none, sizeof none) < 0)
        leave_story(world, "disconnect", errno);
    end_connection(actor);
    actor->connected = false;
}

/* --- which slot a move fits --- */

static bool is_idle(const struct actor *actor) {
    return actor->fd >= 0 && !actor->connected && state_of(actor) == STATE_CLOSED;
}

static bool fits(const struct actor *actor, enum move_kind kind) {
    switch (kind) {
    case MOVE_SOCKET:
        return actor->fd < 0;
    case MOVE_BIND:
        return is_idle(actor) && !actor->bound;
    case MOVE_LISTEN:
    case MOVE_CONNECT:
        return is_idle(actor);
    case MOVE_SHUTDOWN:
        return actor->fd >= 0 && (actor->connected || state_of(actor) == STATE_LISTEN);
    case MOVE_DISCONNECT:
        return actor->fd >= 0 && actor->connected;
    default:
        return actor->fd >= 0;
    }
}

static struct actor *find_fitting(struct world *world, unsigned from, enum move_kind kind) {
    for (unsigned i = 0; i < SLOTS; i++)
        if (fits(&world->actors[(from + i) % SLOTS], kind))
            return &world->actors[(from + i) % SLOTS];
    return NULL;
}

static struct actor *find_listener(struct world *world, unsigned from) {
    for (unsigned i = 0; i < SLOTS; i++) {
        struct actor *actor = &world->actors[(from + i) % SLOTS];
        if (actor->fd >= 0 && state_of(actor) == STATE_LISTEN)
            return actor;
    }
    return NULL;
}

static void make_move(struct world *world, const struct move *move) {
    struct actor *actor = find_fitting(world, move->slot, move->kind);
    struct actor *listener = find_listener(world, move->other);
    if (actor == NULL)
        return;
    switch (move->kind) {
    case MOVE_SOCKET:
        open_socket(world, actor, move);
        break;
    case MOVE_OPTION:
        set_option(world, actor, move);
        break;
    case MOVE_BIND:
        do_bind(world, actor, move);
        break;
    case MOVE_LISTEN:
        do_listen(world, actor);
        break;
    case MOVE_CONNECT:
        if (listener != NULL)
            do_connect(world, actor, listener);
        break;
    case MOVE_SHUTDOWN:
        do_shutdown(world, actor);
        break;
    case MOVE_DISCONNECT:
        do_disconnect(world, actor);
        break;
    default:
        do_close(world, actor);
    }
    forget(world);
}

/* --- all of it --- */

static void begin(struct world *world) {
    char range[16];
    snprintf(range, sizeof range, "%d %d", world->base + STORY_PORTS / 2,
             world->base + STORY_PORTS - 1);
    sysctl_write(NETNS_HERE, "net.ipv4.ip_local_port_range", range);
    if (sysctl_write(NETNS_HERE, "net.ipv4.ip_autobind_reuse", world->autobind_reuse ? "1" : "0") !=
        0)
        world->autobind_reuse = false; /* the kernel has none */
    say(world,
        "title  The model and the kernel part\nneeds  ipv6\nneeds  uids\n\nsetup\n"
        "  sysctl   net.ipv4.ip_local_port_range %s\n  sysctl   net.ipv4.tcp_tw_reuse 0\n"
        "  sysctl   net.ipv4.ip_autobind_reuse %d\n  two uid %d\n\ncase it happens\n",
        range, world->autobind_reuse, OTHER_USER);
    for (unsigned i = 0; i < SLOTS; i++)
        world->actors[i] = (struct actor){.fd = -1, .peer = -1, .ghost = -1};
}

struct outcome world_play(const struct story *story, uint16_t base, FILE *script) {
    struct outcome outcome = {0};
    struct world world = {.base = base,
                          .autobind_reuse = story->autobind_reuse,
                          .script = script,
                          .outcome = &outcome};
    begin(&world);
    for (; world.move < story->count && outcome.text[0] == '\0'; world.move++)
        make_move(&world, &story->moves[world.move]);
    for (unsigned i = 0; i < SLOTS; i++)
        if (world.actors[i].fd >= 0)
            close(world.actors[i].fd);
    return outcome;
}

bool world_prepare(void) {
    return sysctl_write(NETNS_HERE, "net.ipv4.tcp_tw_reuse", "0") == 0 &&
           sysctl_write(NETNS_HERE, "net.ipv4.tcp_max_tw_buckets", "1000000") == 0;
}
