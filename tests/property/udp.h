/* Stories of UDP sockets. */
#ifndef PORTREUSE_TESTS_PROPERTY_UDP_H
#define PORTREUSE_TESTS_PROPERTY_UDP_H

#include "story.h"

/* As world_play(), with UDP sockets. */
struct outcome udp_play(const struct story *story, uint16_t base, FILE *script);

#endif
