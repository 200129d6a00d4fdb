/* Commands that set a sysctl: at once, and from the next boot on. */
#ifndef PORTREUSE_REPORT_HOST_SETTING_H
#define PORTREUSE_REPORT_HOST_SETTING_H

#include <stdbool.h>

#include "inspect/namespaces.h"

/* Where the setting is to be made, and who asked about it. */
struct setting_place {
    const struct namespace *where;
    bool is_first_netns; /* the namespace of process 1, which sysctl.d(5) is for */
    bool asked_by_root;
};

/* Called with each line: a command to paste, or a remark, which begins with `# `. */
typedef void setting_visit(void *context, const char *line);

/* Visits the command that sets `NAME=VALUE`, and the one that keeps it; where no file keeps it, a
 * remark, unless `*said_how_to_keep`, which is then true. All settings are kept at the end of one
 * file: of two that have the same name, the one that was pasted last counts. */
void setting_visit_lines(const struct setting_place *place, const char *setting,
                         bool *said_how_to_keep, setting_visit *visit, void *context);

#endif
