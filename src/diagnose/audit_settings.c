/* A row of the table for each sysctl that old guides have. What a row says is measured by the
 * scenarios, or is from Documentation/networking/ip-sysctl.rst of the kernel, or from its source.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "diagnose/audit.h"
#include "kernel/sysctl.h"

/* Whether a value of the setting is one to speak of; of a file's it is asked too. */
typedef bool setting_test(const char *value);

struct row {
    const char *name;
    setting_test *test;
    bool harmful;
    const char *words, *source;
};

static bool is_any(const char *value) {
    return value[0] != '\0';
}

static bool is_one(const char *value) {
    return strcmp(value, "1") == 0;
}

static bool is_zero(const char *value) {
    return strcmp(value, "0") == 0;
}

static bool is_not_60(const char *value) {
    return strcmp(value, "60") != 0;
}

static bool is_few(const char *value) {
    enum { FEW = 4096 };
    return strtoul(value, NULL, 10) < FEW;
}

/* Both ends included, a range of one parity has an odd number of ports. */
static bool is_odd_range(const char *value) {
    char *end;
    unsigned long low = strtoul(value, &end, 10), high = strtoul(end, NULL, 10);
    return low < high && (high - low) % 2 == 0;
}

static bool is_low_range(const char *value) {
    enum { UNPRIVILEGED = 1024 };
    return strtoul(value, NULL, 10) < UNPRIVILEGED;
}

static const struct row rows[] = {
    {"net.ipv4.tcp_tw_recycle", is_any, true,
     "does not exist any more: Linux 4.12 removed it, as it broke connections from behind NAT; a "
     "sysctl.conf that sets it reports an error and does nothing",
     "kernel commit 4396e46187ca"},
    {"net.ipv4.tcp_fin_timeout", is_not_60, false,
     "does not shorten TIME-WAIT, which is 60 s whatever this says; it is how long a connection "
     "that no process has any more stays in FIN-WAIT-2",
     "portreuse run --slow time-wait-is-60s; ip-sysctl.rst"},
    {"net.ipv4.tcp_tw_reuse", is_one, false,
     "is for outgoing connections only: it does not help a server to bind() its port; that takes "
     "SO_REUSEADDR",
     "ip-sysctl.rst; portreuse run time-wait-rebind"},
    {"net.ipv4.tcp_timestamps", is_zero, true,
     "without timestamps no port in TIME-WAIT is reused: tcp_tw_reuse does nothing, and a client "
     "with a fixed port cannot reconnect for 60 s",
     "portreuse run fixed-client-port-no-timestamps"},
    {"net.ipv4.tcp_max_tw_buckets", is_few, true,
     "is so low that TIME-WAIT is cut short for connections beyond it: then segments of an old "
     "connection can reach a new one; the documentation asks not to lower it",
     "ip-sysctl.rst; portreuse run max-tw-buckets"},
    {"net.ipv4.ip_local_port_range", is_odd_range, false,
     "has an odd number of ports, and one of them is never used by connect(): let one end be odd "
     "and the other even",
     "ip-sysctl.rst; net/ipv4/sysctl_net_ipv4.c"},
    {"net.ipv4.ip_local_port_range", is_low_range, true,
     "begins below 1024: outgoing connections take the ports of privileged servers",
     "ip-sysctl.rst; portreuse run stolen-port"},
    {"net.ipv4.ip_nonlocal_bind", is_one, false,
     "lets every program bind addresses that are not here: a mistyped one is not refused any more",
     "portreuse run address-not-local; ip-sysctl.rst"},
    {"net.ipv4.ip_autobind_reuse", is_one, true,
     "lets bind() to port 0 give a port that another socket has, if both have SO_REUSEADDR: the "
     "documentation leaves it to experts, as connect() can then fail",
     "ip-sysctl.rst; portreuse run autobind-reuse"},
};

static void add_setting(struct audit *audit, const struct row *row, const char *value,
                        const char *where) {
    if (audit->setting_count == AUDIT_SETTINGS)
        return;
    struct audit_setting *setting = &audit->settings[audit->setting_count++];
    *setting = (struct audit_setting){
        .name = row->name, .harmful = row->harmful, .words = row->words, .source = row->source};
    snprintf(setting->value, sizeof setting->value, "%.*s", (int)sizeof setting->value - 1, value);
    snprintf(setting->where, sizeof setting->where, "%.*s", (int)sizeof setting->where - 1, where);
}

static void judge(struct audit *audit, const char *name, const char *value, const char *where) {
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (strcmp(rows[i].name, name) == 0 && rows[i].test(value))
            add_setting(audit, &rows[i], value, where);
}

/* --- files --- */

/* Cuts the blanks around a text, in place. */
static char *trimmed(char *text) {
    text += strspn(text, " \t-"); /* a dash lets sysctl(8) go on where the name is unknown */
    size_t size = strlen(text);
    while (size > 0 && strchr(" \t\r\n", text[size - 1]) != NULL)
        text[--size] = '\0';
    return text;
}

/* `name = value`, where the name may have slashes for its dots. */
static void judge_line(struct audit *audit, char *line, const char *file) {
    char *equals = strchr(line, '=');
    if (equals == NULL || strchr("#;", *trimmed(line)) != NULL)
        return;
    *equals = '\0';
    char *name = trimmed(line);
    for (char *c = name; *c != '\0'; c++)
        *c = *c == '/' ? '.' : *c;
    judge(audit, name, trimmed(equals + 1), file);
}

static void judge_file(struct audit *audit, const char *path) {
    char line[512];
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return;
    while (fgets(line, sizeof line, file) != NULL)
        judge_line(audit, line, path);
    fclose(file);
}

static int is_conf(const struct dirent *entry) {
    const char *end = strrchr(entry->d_name, '.');
    return end != NULL && strcmp(end, ".conf") == 0;
}

static void judge_directory(struct audit *audit, const char *directory) {
    struct dirent **entries;
    char path[AUDIT_WHERE_SIZE];
    int count = scandir(directory, &entries, is_conf, alphasort);
    for (int i = 0; i < count; i++) {
        int size = snprintf(path, sizeof path, "%s/%s", directory, entries[i]->d_name);
        if ((size_t)size < sizeof path)
            judge_file(audit, path);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
}

void audit_settings(struct audit *audit) {
    static const char *const directories[] = {"/etc/sysctl.d", "/run/sysctl.d",
                                              "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d"};
    char value[64];
    const char *previous = "";
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(rows[i].name, previous) != 0 &&
            sysctl_read(NETNS_HERE, rows[i].name, value, sizeof value) == 0)
            judge(audit, rows[i].name, value, "");
        previous = rows[i].name;
    }
    judge_file(audit, "/etc/sysctl.conf");
    for (size_t i = 0; i < sizeof directories / sizeof directories[0]; i++)
        judge_directory(audit, directories[i]);
}
