/* What is said of a client's connect(): parts of the line, of the report and of the JSON. */
#ifndef PORTREUSE_REPORT_HOST_WHY_CLIENT_TEXT_H
#define PORTREUSE_REPORT_HOST_WHY_CLIENT_TEXT_H

#include <stdio.h>

#include "diagnose/why.h"
#include "report/shared/json.h"

/* Prints the source that the answer is about, as ` from 192.0.2.1`; with its port, if that was
 * asked for. Nothing if it is not known, or if the line is about the source itself. */
void why_client_text_from(FILE *out, const struct why *why);

/* Prints what FREE means: `connect() would get a local port`. The part behind a semicolon can be
 * left out. */
void why_client_text_free(FILE *out, const struct why *why, bool whole);

/* Prints the options of the question that only a client has, each with a blank behind it. */
void why_client_text_options(FILE *out, const struct why *why);

/* Returns whether a program that is asked about without an option for it sets SO_REUSEADDR: a
 * server of TCP, and a client of TCP that binds a port. */
bool why_client_text_reuses(const struct why_question *asked);

/* Calls `note` with each remark on a client. */
void why_client_text_notes(const struct why *why, void (*note)(void *context, const char *text),
                           void *context);

/* Prints who has the ports of the range, in lines with this indent. */
void why_client_text_holders(FILE *out, const struct why *why, unsigned indent);

/* Writes the same as the members `client` and `holders`. */
void why_client_text_json(struct json *json, const struct why *why);

#endif
