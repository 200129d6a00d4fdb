#include "diagnose/budget_figures.h"

bool budget_figures_timestamps(const struct budget *budget, const struct budget_route *route) {
    return route->reuse == KNOWN_YES || (route->reuse == NOT_KNOWN && budget->timestamps);
}

/* If bind() names the port, SO_REUSEADDR decides in the place of tcp_tw_reuse. */
bool budget_figures_reuse(const struct budget *budget, const struct budget_route *route) {
    bool is_set = budget->tw_reuse == 1 || (budget->tw_reuse == 2 && route->loopback);
    if (budget->asked.named_high != 0)
        is_set = budget->asked.reuseaddr;
    return is_set && budget_figures_timestamps(budget, route);
}

enum cause budget_figures_cause(const struct budget *budget, const struct budget_route *route) {
    uint32_t total = 0;
    for (unsigned i = 0; i < STATE_COUNT; i++)
        total += route->states[i];
    if (total == 0 || route->used * 2 < port_range_size(&budget->range) ||
        route->blocked * 2 < route->used)
        return CAUSE_UNKNOWN;
    if (route->states[STATE_CLOSE_WAIT] * 2 > total)
        return CAUSE_CLOSE_WAIT_LEAK;
    return route->states[STATE_FIN_WAIT_2] * 2 > total ? CAUSE_FIN_WAIT_2_ORPHAN : CAUSE_UNKNOWN;
}
