/* The parts of the JSON report, for itself and for the report in lines: objects in the words of
 * docs/report.schema.json. */
#ifndef PORTREUSE_REPORT_RUN_JSON_PARTS_H
#define PORTREUSE_REPORT_RUN_JSON_PARTS_H

#include "engine/result.h"
#include "probe/capabilities.h"
#include "report/subject.h"
#include "report/shared/json.h"

/* "surroundings" */
void json_surroundings(struct json *json, const struct capabilities *found);

/* A step, and what became of it; with NULL for that, only what stands in the script. */
void json_step(struct json *json, const char *key, const struct scenario *scenario,
               const struct step *step, const struct step_result *result);

/* "cases": how many had each verdict. */
void json_counts(struct json *json, const struct run_result *run);

#endif
