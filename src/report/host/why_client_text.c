/* A client's answer has more to it than the errno: the source address, whether the kernel gave the
 * answer, and whether somebody listens. */
#include "report/host/why_client_text.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <string.h>

#include "base/errnames.h"
#include "report/host/budget_owners.h"
#include "report/shared/layout.h"
#include "report/shared/sockets.h"

enum { NOTE_SIZE = 480 };

static bool is_client(const struct why *why) {
    return why->asked.remote.family != 0;
}

/* --- the line --- */

/* An address without a port has no brackets either. */
static void print_source(FILE *out, const struct endpoint *from) {
    char text[ENDPOINT_TEXT_SIZE];
    if (from->port == 0 && inet_ntop(from->family, from->address, text, sizeof text) != NULL)
        fputs(text, out);
    else
        fputs(endpoint_text(from, text), out);
}

void why_client_text_from(FILE *out, const struct why *why) {
    const struct endpoint *from =
        why->client.from.family != 0 ? &why->client.from : &why->asked.local;
    bool about_source = why->call != NULL && strcmp(why->call, "bind") == 0;
    if (!is_client(why) || from->family == 0 || about_source)
        return;
    fputs(" from ", out);
    print_source(out, from);
}

/* A local port is free, but packets do not arrive, or seem not to. */
static void print_path(FILE *out, const struct why *why, bool whole) {
    const struct why_path *path = &why->client.path;
    if (path->fault == PATH_SILENT) {
        fputs(whole ? "a local port is free, but the next hop is silent; expect EHOSTUNREACH"
                    : "the next hop is silent",
              out);
        return;
    }
    fputs("a local port is free, but ", out);
    layout_text(out, path->device);
    fputs(path->fault == PATH_DOWN ? " is down" : " has no carrier", out);
}

/* IPv4 refuses that: EINVAL. IPv6 sends the SYN, and no answer finds its way back. */
static bool leaves_from_loopback(const struct why_client *client) {
    return client->from.family == AF_INET6 && endpoint_is_loopback(&client->from) &&
           !client->to_this_host;
}

void why_client_text_free(FILE *out, const struct why *why, bool whole) {
    const struct why_client *client = &why->client;
    bool fixed = why->asked.local.port != 0;
    if (client->to_itself)
        fputs("the socket would be connected to itself", out);
    else if (client->path.fault != PATH_OPEN)
        print_path(out, why, whole);
    else if (leaves_from_loopback(client))
        fprintf(out, "a local port is free, but no answer gets back%s",
                whole ? " to a loopback address" : "");
    else if (client->listens == KNOWN_NO)
        fprintf(out, "%sbut nothing listens there%s",
                !fixed  ? "a local port is free, "
                : whole ? "the port is free, "
                        : "",
                whole && !fixed ? "; expect ECONNREFUSED" : "");
    else if (client->takes_time_wait)
        fprintf(out, "connect() %s take over a TIME-WAIT%s",
                client->to_this_host || client->timestamps == KNOWN_YES ? "would" : "may",
                whole && !client->stamps_read ? "; see the note on timestamps" : "");
    else if (fixed)
        fputs("bind() and connect() can use the port", out);
    else
        fprintf(out, "connect() would get a local port%s",
                client->tried || !whole ? "" : "; counted, not tried");
}

/* --- the question --- */

bool why_client_text_reuses(const struct why_question *asked) {
    return asked->protocol == PROTOCOL_TCP && (asked->remote.family == 0 || asked->local.port != 0);
}

void why_client_text_options(FILE *out, const struct why *why) {
    const struct why_question *asked = &why->asked;
    char text[ENDPOINT_TEXT_SIZE];
    if (!is_client(why))
        return;
    if (asked->local.family != 0)
        fprintf(out, asked->local.family == AF_INET6 ? "--from '%s' " : "--from %s ",
                endpoint_text(&asked->local, text));
    if (asked->no_port)
        fputs("--no-port ", out);
    if (asked->range_low != 0 || asked->range_high != 0)
        fprintf(out, "--port-range %u-%u ", asked->range_low, asked->range_high);
    if (asked->try_time_wait)
        fputs("--try-time-wait ", out);
}

/* --- notes --- */

static const char *listens_text(const struct why_address *address) {
    return address->listens == KNOWN_NO ? "a local port is free, but nothing listens there"
                                        : "connect() would succeed";
}

/* Each address of a name, where they do not all have one answer. */
static void note_addresses(const struct why *why, void (*note)(void *, const char *),
                           void *context) {
    char text[NOTE_SIZE], endpoint[ENDPOINT_TEXT_SIZE], name[ERRNAME_SIZE];
    for (unsigned i = 0; i < why->address_count; i++) {
        const struct why_address *address = &why->addresses[i];
        snprintf(text, sizeof text, "%s: %s.", endpoint_text(&address->remote, endpoint),
                 address->verdict == WHY_FREE ? listens_text(address)
                                              : errname(address->error, name));
        note(context, text);
    }
}

static void note_time_wait(const struct why *why, void (*note)(void *, const char *),
                           void *context) {
    note(context,
         why->client.stamps_read
             ? "Only by taking over a connection in TIME-WAIT that had TCP timestamps, as the "
               "kernel's memory shows. A trial would end that TIME-WAIT, and was not made; "
               "--try-time-wait makes it."
         : why->client.timestamps == KNOWN_YES && !why->client.to_this_host
             ? "Only by taking over a connection in TIME-WAIT, which needs TCP timestamps: the "
               "live connections to this peer have them. A trial would end that TIME-WAIT, and "
               "was not made; --try-time-wait makes it."
         : why->client.to_this_host
             ? "Only by taking over a connection in TIME-WAIT, which has TCP timestamps if they "
               "were on when it was opened, as they are now (net.ipv4.tcp_timestamps=1). A trial "
               "would end that TIME-WAIT, and was not made; --try-time-wait makes it."
             : "Only by taking over a connection in TIME-WAIT, which connect() can do if the peer "
               "uses TCP timestamps. Most do, but some load balancers and Windows do not. A trial "
               "would end that TIME-WAIT, and was not made; --try-time-wait makes it.");
}

static void note_path(const struct why *why, void (*note)(void *, const char *), void *context) {
    const struct why_path *path = &why->client.path;
    char text[NOTE_SIZE], hop[INET6_ADDRSTRLEN] = "";
    inet_ntop(path->next_hop.family, path->next_hop.address, hop, sizeof hop);
    if (path->fault == PATH_SILENT)
        snprintf(
            text, sizeof text,
            "The next hop %s on %s did not answer when the kernel last asked for its address "
            "(%s; FAILED in 'ip neighbour'). If it still does not, connect() of TCP fails with "
            "EHOSTUNREACH, and what UDP sends is lost.",
            hop, path->device, path->next_hop.family == AF_INET6 ? "neighbour discovery" : "ARP");
    else
        snprintf(text, sizeof text,
                 "connect() of UDP sends nothing, and succeeds; but the device %s %s, and what is "
                 "sent is lost.",
                 path->device, path->fault == PATH_DOWN ? "is down" : "has no carrier");
    note(context, text);
}

void why_client_text_notes(const struct why *why, void (*note)(void *context, const char *text),
                           void *context) {
    const struct why_client *client = &why->client;
    char text[NOTE_SIZE];
    bool udp = why->asked.protocol == PROTOCOL_UDP;
    if (!is_client(why) || why->verdict == WHY_UNKNOWN)
        return;
    if (client->not_tried != NULL && !client->takes_time_wait) {
        snprintf(text, sizeof text, "Counted, not tried: %s.", client->not_tried);
        note(context, text);
    }
    if (client->takes_time_wait)
        note_time_wait(why, note, context);
    if (client->to_itself)
        note(context, "Nothing listens there, but the client has the port of its destination: "
                      "connect() would succeed, and the socket would receive what it sends "
                      "(portreuse run self-connect).");
    else if (why->verdict == WHY_FREE && client->path.fault != PATH_OPEN)
        note_path(why, note, context);
    else if (why->verdict == WHY_FREE && client->listens == KNOWN_NO)
        note(context,
             udp ? "No UDP socket has the port on this host: expect ECONNREFUSED after the first "
                   "send(), unless the packet filter redirects it (DNAT)."
                 : "No TCP socket listens on that port of this host: expect ECONNREFUSED, unless "
                   "the packet filter redirects the connection (DNAT), as for a published port of "
                   "a container.");
    else if (why->verdict == WHY_FREE && !client->to_this_host && client->from.family != 0)
        note(context, udp ? "Only this end was looked at: connect() of UDP sends nothing."
                          : "Only this end was looked at: nothing was sent, so that what a packet "
                            "filter or the destination does is not known.");
    if (why->verdict == WHY_FREE && client->listens == KNOWN_NO && !udp && !client->to_itself &&
        why->asked.local.port == 0 && port_range_has(&why->range, client->to.port))
        note(context, "That port is one that connect() itself can choose: some day the client "
                      "gets it, and is connected to itself (portreuse run self-connect).");
    note_addresses(why, note, context);
}

/* --- who has the ports --- */

void why_client_text_holders(FILE *out, const struct why *why, unsigned indent) {
    const struct budget_owners *owners = &why->holders.owners;
    for (unsigned i = 0; i < owners->known; i++) {
        const struct budget_owner *found = &owners->list[i];
        const struct owner *owner = &found->owner;
        fprintf(out, "%*s%s%" PRIu32 " of ", (int)indent, "", found->estimated ? "about " : "",
                found->sockets);
        if (owner->pid == 0) {
            budget_owners_print_hidden(out, owner, found->cgroup);
            fputc('\n', out);
            continue;
        }
        sockets_print_program(out, owner);
        fprintf(out, " (pid %d)", (int)owner->pid);
        if (found->workers > 0)
            fprintf(out, " and %u worker%s", found->workers, found->workers == 1 ? "" : "s");
        if (owner->unit[0] != '\0') {
            fputs(", ", out);
            layout_text(out, owner->unit);
        }
        fputc('\n', out);
    }
    if (owners->count > owners->known)
        fprintf(out, "%*sand of %" PRIu32 " more\n", (int)indent, "",
                owners->count - owners->known);
    if (owners->nobody > 0)
        fprintf(out, "%*s%" PRIu32 " of no process\n", (int)indent, "", owners->nobody);
}

/* --- JSON --- */

static void write_knowledge(struct json *json, const char *key, enum knowledge known) {
    if (known == NOT_KNOWN)
        json_string(json, key, NULL);
    else
        json_bool(json, key, known == KNOWN_YES);
}

static void write_addresses(struct json *json, const struct why *why) {
    static const char *const verdicts[] = {
        [WHY_FREE] = "free", [WHY_REFUSED] = "refused", [WHY_UNKNOWN] = "unknown"};
    json_array(json, "addresses");
    for (unsigned i = 0; i < why->address_count; i++) {
        const struct why_address *address = &why->addresses[i];
        json_object(json, NULL);
        sockets_json_endpoint(json, "remote", &address->remote);
        json_string(json, "verdict", verdicts[address->verdict]);
        json_errno(json, "error", address->error);
        write_knowledge(json, "listens", address->listens);
        json_end(json);
    }
    json_end(json);
}

/* What is wrong with the way, or null. */
static void write_path(struct json *json, const struct why_path *path) {
    static const char *const faults[] = {
        [PATH_DOWN] = "down", [PATH_NO_CARRIER] = "no-carrier", [PATH_SILENT] = "silent-next-hop"};
    if (path->fault == PATH_OPEN) {
        json_string(json, "path", NULL);
        return;
    }
    json_object(json, "path");
    json_string(json, "fault", faults[path->fault]);
    json_string(json, "device", path->device);
    sockets_json_endpoint(json, "next_hop", &path->next_hop);
    json_end(json);
}

static void write_client(struct json *json, const struct why *why) {
    const struct why_client *client = &why->client;
    if (!is_client(why)) {
        json_string(json, "client", NULL);
        return;
    }
    json_object(json, "client");
    sockets_json_endpoint(json, "source", &client->from);
    json_bool(json, "tried", client->tried);
    json_string(json, "not_tried", client->not_tried);
    json_bool(json, "this_host", client->to_this_host);
    write_knowledge(json, "listens", client->listens);
    write_path(json, &client->path);
    json_bool(json, "takes_time_wait", client->takes_time_wait);
    write_addresses(json, why);
    json_end(json);
}

static void write_holders(struct json *json, const struct why *why) {
    const struct budget_owners *owners = &why->holders.owners;
    json_array(json, "holders");
    for (unsigned i = 0; i < owners->known; i++) {
        if (owners->list[i].owner.pid == 0)
            continue;
        json_object(json, NULL);
        sockets_json_process(json, &owners->list[i].owner);
        json_number(json, "sockets", owners->list[i].sockets);
        json_end(json);
    }
    json_end(json);
}

void why_client_text_json(struct json *json, const struct why *why) {
    write_client(json, why);
    write_holders(json, why);
}
