#include "report/shared/place.h"

#include <ctype.h>
#include <string.h>

#include "inspect/keeper.h"

/* What cannot be typed in quotes is made by printf(1), in any shell. */
static void print_by_printf(FILE *out, const char *word, size_t size) {
    fputs("\"$(printf '", out);
    for (size_t i = 0; i < size; i++)
        if (isalnum((unsigned char)word[i]) ||
            strchr(i > 0 ? "@_+=:,./-" : "@_+=:,./", word[i]) != NULL)
            fputc(word[i], out);
        else
            fprintf(out, "\\%03o", (unsigned char)word[i]);
    fputs("')\"", out);
}

void place_print_word(FILE *out, const char *word) {
    char quoted[NAMESPACE_PATH_SIZE + 64];
    if (stop_quote(word, quoted, sizeof quoted))
        fputs(quoted, out);
    else
        print_by_printf(out, word, strlen(word));
}

void place_print_path(FILE *out, const char *path, size_t size) {
    bool plain = path[0] != '-', typed = true;
    size = strnlen(path, size);
    for (size_t i = 0; i < size; i++) {
        plain &= isalnum((unsigned char)path[i]) || strchr("/._+-:@%,=", path[i]) != NULL;
        typed &= !iscntrl((unsigned char)path[i]);
    }
    fputs(path[0] == '-' ? "./" : "", out);
    if (!typed) {
        print_by_printf(out, path, size);
        return;
    }
    fputs(plain ? "" : "'", out);
    for (size_t i = 0; i < size; i++)
        fputs(path[i] == '\'' && !plain ? "'\\''" : (const char[]){path[i], '\0'}, out);
    fputs(plain ? "" : "'", out);
}

void place_print_value(FILE *out, const char *option, const char *value) {
    if (value[0] == '\0')
        return;
    fprintf(out, "%s ", option);
    place_print_word(out, value);
    fputc(' ', out);
}

/* Returns the name that ip-netns(8) has for the namespace, or NULL if it has none. */
static const char *netns_name(const struct namespace *where) {
    static const char folder[] = "/run/netns/";
    const char *path = where->path;
    if (strncmp(path, "/var/run/", strlen("/var/run/")) == 0)
        path += strlen("/var");
    return strncmp(path, folder, strlen(folder)) == 0 ? path + strlen(folder) : NULL;
}

void place_print_option(FILE *out, const struct namespace *where) {
    const char *name = netns_name(where);
    place_print_value(out, "--netns", name != NULL ? name : where->path);
}

/* Returns the process whose namespace it is, in decimal digits, or NULL. */
static const char *process_of(const struct namespace *where, int *digits) {
    static const char folder[] = "/proc/";
    const char *pid = where->path + strlen(folder);
    if (strncmp(where->path, folder, strlen(folder)) != 0)
        return NULL;
    *digits = (int)strspn(pid, "0123456789");
    return *digits > 0 && strcmp(pid + *digits, "/ns/net") == 0 ? pid : NULL;
}

void place_print_inside(FILE *out, const struct namespace *where) {
    const char *name = netns_name(where);
    int digits;
    const char *pid = process_of(where, &digits);
    if (where->path[0] == '\0')
        return;
    if (name != NULL) {
        fputs("ip netns exec ", out);
        place_print_word(out, name);
    } else if (pid != NULL) {
        fprintf(out, "nsenter -t %.*s -n", digits, pid);
    } else {
        fputs("nsenter --net=", out);
        place_print_word(out, where->path);
    }
    fputc(' ', out);
}

bool place_is_named(const struct namespace *where) {
    return where->path[0] != '\0' && strncmp(where->name, "pid ", 4) != 0;
}
