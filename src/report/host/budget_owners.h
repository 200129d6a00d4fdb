/* Whose connections use up the ports of a route, as text and as JSON. */
#ifndef PORTREUSE_REPORT_HOST_BUDGET_OWNERS_H
#define PORTREUSE_REPORT_HOST_BUDGET_OWNERS_H

#include <stdio.h>

#include "diagnose/holders.h"
#include "diagnose/makers_book.h"
#include "report/shared/json.h"

/* Prints a line or more for each owner, with this indent. */
void budget_owners_print(FILE *out, const struct budget_owners *owners, unsigned indent);

/* Prints `processes of root in nginx.service that were not found`, for those of which no more is
 * known. `cgroup` is the control group, or "". */
void budget_owners_print_hidden(FILE *out, const struct owner *owner, const char *cgroup);

/* Writes the keys `owner_count`, `owners` and what was not found of a destination. */
void budget_owners_json(struct json *json, const struct budget_owners *owners);

/* Prints who left ports in TIME-WAIT, if that was watched and somebody did; writes the key
 * `time_wait`. */
void budget_owners_print_makers(FILE *out, const struct makers *makers);
void budget_owners_json_makers(struct json *json, const struct makers *makers);

#endif
