#include "report/host/setting.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "report/shared/place.h"

/* Prints the command that sets it now; a value with a blank is quoted. */
static void print_now(FILE *out, const struct setting_place *place, const char *setting) {
    int name = (int)strcspn(setting, "=");
    const char *value = setting + name + 1;
    const char *quote = strchr(value, ' ') == NULL ? "" : "\"";
    fputs(place->asked_by_root ? "" : "sudo ", out);
    place_print_inside(out, place->where);
    fprintf(out, "sysctl -w %.*s=%s%s%s", name, setting, quote, value, quote);
}

/* Prints the command that sets it from the next boot on. */
static void print_kept(FILE *out, const struct setting_place *place, const char *setting) {
    int name = (int)strcspn(setting, "=");
    fprintf(out, "echo '%.*s = %s' %s/etc/sysctl.d/90-ports.conf", name, setting,
            setting + name + 1, place->asked_by_root ? ">>" : "| sudo tee -a ");
}

void setting_visit_lines(const struct setting_place *place, const char *setting,
                         bool *said_how_to_keep, setting_visit *visit, void *context) {
    struct composed line;
    print_now(compose_begin(&line), place, setting);
    visit(context, compose_end(&line));
    compose_free(&line);
    if (place->is_first_netns && place->where->path[0] == '\0') {
        visit(context, "# the same from the next boot on:");
        print_kept(compose_begin(&line), place, setting);
        visit(context, compose_end(&line));
        compose_free(&line);
    } else if (!*said_how_to_keep) {
        visit(context, "# this lasts as long as the network namespace; to keep it for a container: "
                       "docker run --sysctl; for a pod: sysctls in its securityContext");
        *said_how_to_keep = true;
    }
}
