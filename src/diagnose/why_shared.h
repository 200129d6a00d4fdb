/* A port that is free because others share it. */
#ifndef PORTREUSE_DIAGNOSE_WHY_SHARED_H
#define PORTREUSE_DIAGNOSE_WHY_SHARED_H

#include "diagnose/finding.h"

/* Finds the sockets with which a program shares the port, if the options that it sets are what lets
 * it bind: SO_REUSEPORT beside a listener, on UDP SO_REUSEADDR too. Sets why->shared, with these in
 * the evidence, or leaves both empty. Of a free port, whose sockets have been counted. */
void why_shared_find(struct why *why);

#endif
