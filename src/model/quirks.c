/* One row per quirk: the releases that have it. */
#include "model/quirks.h"

/* A quirk came with a release, and went with another. */
struct span {
    struct kernel_release from, until;
};

static bool in_span(struct kernel_release release, struct span span) {
    return release_at_least(release, span.from) && !release_at_least(release, span.until);
}

struct kernel_quirks quirks_of(struct kernel_release release) {
    /* Mended in 6.8 (commit 5e07e672412b, "tcp: Use bhash2 for v4-mapped-v6 non-wildcard address"),
     * and carried back to 6.6.131, but not to 6.1 (6.1.192 has it). */
    static const struct span mapped_wildcard = {{{6, 1, 0}}, {{6, 6, 131}}};
    static const struct span mapped_wildcard_later = {{{6, 7, 0}}, {{6, 8, 0}}};
    static const struct span first_bind = {{{1, 0, 0}}, {{6, 8, 0}}};
    /* Carried back to 6.17.8. */
    static const struct span stays_poisoned = {{{1, 0, 0}}, {{6, 17, 8}}};
    return (struct kernel_quirks){.mapped_wildcard = in_span(release, mapped_wildcard) ||
                                                     in_span(release, mapped_wildcard_later),
                                  .first_bind = in_span(release, first_bind),
                                  .stays_poisoned = in_span(release, stays_poisoned)};
}

bool quirks_any(struct kernel_quirks quirks) {
    return quirks.mapped_wildcard || quirks.first_bind || quirks.stays_poisoned;
}
