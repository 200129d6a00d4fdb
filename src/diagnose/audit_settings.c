/* The table has a row for each sysctl that old guides recommend. What a row says was measured by a
 * scenario, or comes from the kernel's Documentation/networking/ip-sysctl.rst or its source. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/units.h"
#include "diagnose/audit.h"
#include "kernel/sysctl.h"

/* Returns whether there is something to say about this value. */
typedef bool setting_test(const struct audit *audit, const char *value);

struct row {
    const char *name;
    setting_test *test;
    bool harmful;
    const char *words, *source;
};

static bool is_any(const struct audit *audit, const char *value) {
    (void)audit;
    return value[0] != '\0';
}

static bool is_one(const struct audit *audit, const char *value) {
    (void)audit;
    return strcmp(value, "1") == 0;
}

static bool is_zero(const struct audit *audit, const char *value) {
    (void)audit;
    return strcmp(value, "0") == 0;
}

static bool is_not_60(const struct audit *audit, const char *value) {
    (void)audit;
    return strcmp(value, "60") != 0;
}

/* Without a default to compare with, nothing is said. */
static bool is_below_default(const struct audit *audit, const char *value) {
    return strtoul(value, NULL, 10) < audit->default_tw_buckets;
}

/* The sysctl was carried back to 5.10 stable, without what it turns on. */
static bool is_in_vain(const struct audit *audit, const char *value) {
    static const struct kernel_release migrates = {{5, 14, 0}};
    return strcmp(value, "1") == 0 && !release_at_least(audit->release, migrates);
}

/* Both ends included, a range of one parity has an odd number of ports. connect() then leaves out
 * the lowest or the highest, which does no harm if neither may be used anyway. */
static bool is_odd_range(const struct audit *audit, const char *value) {
    char *end;
    unsigned long low = strtoul(value, &end, 10), high = strtoul(end, NULL, 10);
    const struct port_set *reserved = &audit->range.reserved;
    return low < high && (high - low) % 2 == 0 &&
           !(port_set_has(reserved, (uint16_t)low) && port_set_has(reserved, (uint16_t)high));
}

static bool is_low_range(const struct audit *audit, const char *value) {
    (void)audit;
    enum { UNPRIVILEGED = 1024 };
    return strtoul(value, NULL, 10) < UNPRIVILEGED;
}

static const struct row rows[] = {
    {"net.ipv4.tcp_tw_recycle", is_any, true,
     "no longer exists: Linux 4.12 removed it because it broke connections from clients behind "
     "NAT. "
     "Setting it in a file only causes an error message",
     "kernel commit 4396e46187ca"},
    {"net.ipv4.tcp_fin_timeout", is_not_60, false,
     "does not shorten TIME-WAIT, which always lasts 60 s. It limits how long a connection that no "
     "process has open stays in FIN-WAIT-2",
     "portreuse run --slow time-wait-is-60s; ip-sysctl.rst"},
    {"net.ipv4.tcp_tw_reuse", is_one, false,
     "lets connect() take local ports in TIME-WAIT after a second, if the old connection had TCP "
     "timestamps: it helps clients whose ports run out. It does not help a server to bind() its "
     "port, which needs SO_REUSEADDR. The kernel's documentation says not to change it without "
     "expert advice",
     "ip-sysctl.rst; portreuse run tw-reuse-loopback time-wait-rebind"},
    {"net.ipv4.tcp_timestamps", is_zero, true,
     "without timestamps no port in TIME-WAIT is reused: tcp_tw_reuse has no effect, and a client "
     "with a fixed port cannot reconnect for 60 s",
     "portreuse run fixed-client-port-no-timestamps"},
    {"net.ipv4.tcp_max_tw_buckets", is_below_default, true,
     "is below this machine's default: once as many sockets are in TIME-WAIT, further connections "
     "skip it, and segments of an old connection can reach a new one. The kernel's documentation "
     "says not to lower it",
     "ip-sysctl.rst; portreuse run max-tw-buckets"},
    {"net.ipv4.ip_local_port_range", is_odd_range, false,
     "has an odd number of ports. connect() leaves out the lowest or the highest, by chance: once "
     "the others are taken, it can fail although that port is free, and trying again then does not "
     "help. Make one end odd and the other even",
     "ip-sysctl.rst; net/ipv4/sysctl_net_ipv4.c"},
    {"net.ipv4.ip_local_port_range", is_low_range, true,
     "starts below 1024: outgoing connections can take the ports of privileged servers",
     "ip-sysctl.rst; portreuse run stolen-port"},
    {"net.ipv4.ip_nonlocal_bind", is_one, false,
     "lets every program bind addresses that this host does not have: a mistyped address is no "
     "longer refused",
     "portreuse run address-not-local; ip-sysctl.rst"},
    {"net.ipv4.ip_autobind_reuse", is_one, true,
     "lets bind() to port 0 choose a port that another socket uses, if both have SO_REUSEADDR. The "
     "kernel's documentation warns that only experts should set it, as connect() can then fail",
     "ip-sysctl.rst; portreuse run autobind-reuse"},
    {"net.ipv4.tcp_migrate_req", is_in_vain, false,
     "has no effect on this kernel: Linux before 5.14 resets the connections in the queue of a "
     "listener that is closed, whatever the setting",
     "portreuse run reuseport-reload-drops; kernel commit f9ac779f881c"},
};

void audit_setting(struct audit *audit, const char *name, const char *value, const char *where) {
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct row *row = &rows[i];
        if (strcmp(row->name, name) != 0 || !row->test(audit, value))
            continue;
        audit->settings = arena_grow(&audit->arena, audit->settings, audit->setting_count,
                                     sizeof *audit->settings);
        audit->settings[audit->setting_count++] =
            (struct audit_setting){.name = row->name,
                                   .value = arena_copy(&audit->arena, value, strlen(value)),
                                   .where = arena_copy(&audit->arena, where, strlen(where)),
                                   .harmful = row->harmful,
                                   .words = row->words,
                                   .source = row->source};
    }
}

/* --- files --- */

/* Cuts the blanks around a text, in place. */
static char *trimmed(char *text) {
    text += strspn(text, " \t-"); /* with a dash, sysctl(8) ignores an error */
    size_t size = strlen(text);
    while (size > 0 && strchr(" \t\r\n", text[size - 1]) != NULL)
        text[--size] = '\0';
    return text;
}

/* `name = value`, where the name may have slashes in place of dots. */
static void judge_line(struct audit *audit, char *line, const char *path) {
    char *equals = strchr(line, '=');
    if (equals == NULL || strchr("#;", *trimmed(line)) != NULL)
        return;
    *equals = '\0';
    char *name = trimmed(line);
    for (char *c = name; *c != '\0'; c++)
        *c = *c == '/' ? '.' : *c;
    audit_setting(audit, name, trimmed(equals + 1), path);
}

void audit_settings_file(struct audit *audit, FILE *file, const char *path) {
    char *line = NULL;
    size_t size = 0;
    while (getline(&line, &size, file) >= 0)
        judge_line(audit, line, path);
    free(line);
}

/* What is not there is no failure. */
static void note_unread(struct audit *audit, const char *path, int error) {
    if (error == ENOENT)
        return;
    audit->unread =
        arena_grow(&audit->arena, audit->unread, audit->unread_count, sizeof *audit->unread);
    audit->unread[audit->unread_count++] =
        (struct audit_unread){arena_copy(&audit->arena, path, strlen(path)), error};
}

static void judge_path(struct audit *audit, const char *path) {
    const char *why;
    errno = EINVAL; /* what a file is that has no end */
    FILE *file = file_stream_plain(path, &why);
    if (file == NULL) {
        note_unread(audit, path, errno);
        return;
    }
    audit_settings_file(audit, file, path);
    fclose(file);
}

static int is_conf(const struct dirent *entry) {
    const char *extension = strrchr(entry->d_name, '.');
    return extension != NULL && strcmp(extension, ".conf") == 0;
}

static void judge_directory(struct audit *audit, const char *directory) {
    struct dirent **entries;
    int count = scandir(directory, &entries, is_conf, alphasort);
    if (count < 0)
        note_unread(audit, directory, errno);
    for (int i = 0; i < count; i++) {
        judge_path(audit, arena_format(&audit->arena, "%s/%s", directory, entries[i]->d_name));
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
}

/* The kernel's default is half the size of its table of connections (tcp_sk_init() in
 * net/ipv4/tcp_ipv4.c), which a namespace shows since Linux 6.1: negative where it uses the table
 * of the initial namespace (Documentation/networking/ip-sysctl.rst, tcp_ehash_entries). */
static unsigned long default_tw_buckets(void) {
    char value[32];
    if (sysctl_read(NETNS_HERE, "net.ipv4.tcp_ehash_entries", value, sizeof value) != 0)
        return 0;
    return (unsigned long)labs(strtol(value, NULL, 10)) / 2;
}

void audit_settings(struct audit *audit, struct sysctl_failure *unread) {
    static const char *const directories[] = {"/etc/sysctl.d", "/run/sysctl.d",
                                              "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d"};
    char value[64];
    const char *previous = "";
    audit->default_tw_buckets = default_tw_buckets();
    audit->release = release_running();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(rows[i].name, previous) == 0)
            continue;
        int error = sysctl_read(NETNS_HERE, rows[i].name, value, sizeof value);
        if (error == 0)
            audit_setting(audit, rows[i].name, value, "");
        else if (error != ENOENT) /* not every kernel has each of them */
            sysctl_note_failure(unread, rows[i].name, error);
        previous = rows[i].name;
    }
    judge_path(audit, "/etc/sysctl.conf");
    for (size_t i = 0; i < sizeof directories / sizeof directories[0]; i++)
        judge_directory(audit, directories[i]);
}
