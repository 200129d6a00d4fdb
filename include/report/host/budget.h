/* The report of portreuse budget: how many local ports are left. */
#ifndef PORTREUSE_REPORT_HOST_BUDGET_H
#define PORTREUSE_REPORT_HOST_BUDGET_H

#include "diagnose/budget_figures.h"
#include "report/subject.h"

/* All is borrowed. The thresholds are the percentages of used ports from which the state is
 * a warning, or critical. */
struct budget_findings {
    const struct budget *budget;
    const char *taken; /* what the question was taken for, in sentences; "" if nothing is to say */
    int64_t warn_percent, critical_percent;
};

extern const struct subject subject_budget;

#endif
