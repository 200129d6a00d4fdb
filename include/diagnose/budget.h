/* How many local ports are left for connections from this host: to one destination, or to the ones
 * that have the fewest. */
#ifndef PORTREUSE_DIAGNOSE_BUDGET_H
#define PORTREUSE_DIAGNOSE_BUDGET_H

#include "diagnose/budget_figures.h"

/* Measures the budget; for another namespace, in a child process. */
void budget_look(const struct budget_question *question, const struct namespace *where,
                 struct budget *budget);

#endif
