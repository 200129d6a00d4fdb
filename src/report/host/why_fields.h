/* Fields of the table of causes that are part of the remedies. Each function prints the one of its
 * name, and nothing if there is nothing to say. */
#ifndef PORTREUSE_REPORT_HOST_WHY_FIELDS_H
#define PORTREUSE_REPORT_HOST_WHY_FIELDS_H

#include <stdio.h>

#include "diagnose/why.h"

/* Writes where a suspect is, with its device as ss(8) writes it: `0.0.0.0%eth0:80`. Returns `text`
 * (ENDPOINT_TEXT_SIZE bytes). */
const char *why_fields_local(const struct suspect *suspect, char *text);

void why_fields_addresses(FILE *out, const struct why *why);
void why_fields_apart(FILE *out, const struct why *why);
void why_fields_closing(FILE *out, const struct why *why);
void why_fields_device(FILE *out, const struct why *why);
void why_fields_destination(FILE *out, const struct why *why);
void why_fields_by(FILE *out, const struct why *why);
void why_fields_holder(FILE *out, const struct why *why);
void why_fields_release(FILE *out, const struct why *why);
void why_fields_release_price(FILE *out, const struct why *why);
void why_fields_see_budget(FILE *out, const struct why *why);
void why_fields_ss(FILE *out, const struct why *why);
void why_fields_expires(FILE *out, const struct why *why);
void why_fields_family(FILE *out, const struct why *why);
void why_fields_given_up(FILE *out, const struct why *why);
void why_fields_inside(FILE *out, const struct why *why);
void why_fields_no_address(FILE *out, const struct why *why);
void why_fields_no_route(FILE *out, const struct why *why, bool with_advice);
void why_fields_nonlocal(FILE *out, const struct why *why);
void why_fields_netns(FILE *out, const struct why *why);
void why_fields_peer(FILE *out, const struct why *why);
void why_fields_reuse_or_stop(FILE *out, const struct why *why);
void why_fields_reuse_or_wait(FILE *out, const struct why *why);
void why_fields_reserved_for_servers(FILE *out, const struct why *why);
void why_fields_sharing_option(FILE *out, const struct why *why);
void why_fields_sockets(FILE *out, const struct why *why);
void why_fields_still_reserved(FILE *out, const struct why *why);
void why_fields_time_left(FILE *out, const struct why *why);
void why_fields_wait_for_old(FILE *out, const struct why *why);
void why_fields_wide_range(FILE *out, const struct why *why);

#endif
