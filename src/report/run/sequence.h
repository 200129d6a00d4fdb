/* The steps of a case as a sequence diagram in SVG, part of a page. */
#ifndef PORTREUSE_REPORT_RUN_SEQUENCE_H
#define PORTREUSE_REPORT_RUN_SEQUENCE_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/result.h"
#include "report/shared/page.h"

/* Draws `count` steps of a case's result from `first` on. */
void sequence_draw(const struct page *page, const struct scenario_result *scenario, size_t index,
                   size_t first, size_t count, bool verbose);

#endif
