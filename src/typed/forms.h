/* The forms in which people and programs write addresses. Each function takes the whole piece, and
 * returns whether it has that form; it then fills in what the piece says. */
#ifndef PORTREUSE_TYPED_FORMS_H
#define PORTREUSE_TYPED_FORMS_H

#include <stdbool.h>

#include "typed/span.h"
#include "typed/typed.h"

/* `tcp`, `udp6`, `tcpv4`: the protocol and the family. */
bool forms_protocol(struct span word, struct typed *typed);

/* Host and port: `HOST:PORT`, `[V6%device]:PORT`, `:::PORT`, `*:PORT`, `:PORT`, `*%device:PORT` as
 * ss(8) writes it, `127.0.0.1#53`, `127.0.0.1@53`, and `*.PORT`, `127.0.0.1.PORT` as netstat does
 * on BSD. The port is a number or the name of a service. */
bool forms_endpoint(struct span text, struct typed *typed);

/* The host of an endpoint: a name, an address with or without brackets and %device, or what stands
 * for every address. */
bool forms_host(struct span text, struct typed *typed);

/* `SCHEME://...`; without a port it is that of the scheme, "" if it is not known. */
bool forms_url(struct span text, struct typed *typed);

/* The path of a Unix socket, or an abstract name: it begins with a slash, a dot or `@`. */
bool forms_path(struct span text, struct typed *typed);

/* The addresses of libp2p: `/ip4/127.0.0.1/tcp/4001`, `/dns/localhost/udp/53/quic`. */
bool forms_multiaddr(struct span text, struct typed *typed);

/* Any of these, `PORT`, `PORT/tcp`, `tcp:ADDRESS`, `unix:PATH`, `/dev/tcp/HOST/PORT`, or an address
 * of socat(1): `TCP-LISTEN:8080,fork`. */
bool forms_word(struct span text, struct typed *typed);

#endif
