/* What to do about a budget of local ports. */
#ifndef PORTREUSE_REPORT_HOST_BUDGET_ADVICE_H
#define PORTREUSE_REPORT_HOST_BUDGET_ADVICE_H

#include "diagnose/budget_figures.h"

/* Called with each line: a command to paste, or a remark, which begins with `# `. */
typedef void budget_advice_visit(void *context, const char *line);

/* Visits what helps the first route, the best first; nothing if its ports are neither short nor in
 * danger. `is_short`: the state is not OK. */
void budget_advice(const struct budget *budget, bool is_short, budget_advice_visit *visit,
                   void *context);

#endif
