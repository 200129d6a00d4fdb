/* Any text as a file of the host: hosts, services, users, sysctl.conf, units of systemd; and BTF
 * and the records of tracepoints, which are no text. The first byte chooses. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/names.h"
#include "diagnose/audit.h"
#include "inspect/keeper.h"
#include "inspect/owner.h"
#include "kernel/btf.h"
#include "kernel/tcp_watch.h"
#include "require.h"
#include "world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_names(unsigned how) {
    struct endpoint found[4];
    uint16_t port = 0;
    size_t count = 0;
    if (how % 2 == 0 && names_service("http-alt", "tcp", &port))
        require(port != 0);
    if (how % 2 == 1) {
        names_host("web", how % 3 == 0 ? AF_INET : 0, found, 4, &count);
        require(count <= 4);
    }
}

static void read_audit(void) {
    struct audit audit = {0};
    size_t size;
    const uint8_t *piece = world_piece(&size);
    FILE *file = size == 0 ? NULL : fmemopen((void *)piece, size, "r");
    if (file == NULL)
        return;
    audit_settings_file(&audit, file, "/etc/sysctl.conf");
    fclose(file);
    audit_free(&audit);
}

static char folder[] = "/tmp/fuzz-unit-XXXXXX", unit_file[64];

static void remove_folder(void) {
    unlink(unit_file);
    rmdir(folder);
}

static void read_unit(void) {
    static bool made;
    const char *const folders[] = {folder, NULL};
    char unit[KEEPER_NAME_SIZE];
    if (!made) {
        made = true;
        if (mkdtemp(folder) == NULL)
            abort();
        snprintf(unit_file, sizeof unit_file, "%s/a.socket", folder);
        world_end();
        FILE *file = fopen(unit_file, "w");
        if (file != NULL)
            fclose(file);
        atexit(remove_folder);
        return;
    }
    if (keeper_socket_unit(folders, 80, unit))
        require(strcmp(unit, "a.socket") == 0);
}

static void read_user(void) {
    char user[OWNER_USER_SIZE];
    owner_user(1000, user);
    require(memchr(user, '\0', sizeof user) != NULL);
}

static void read_btf(const uint8_t *data, size_t size) {
    static int file = -1;
    struct btf btf = {0};
    struct btf_place place;
    char path[32];
    if (file < 0)
        file = memfd_create("btf", MFD_CLOEXEC);
    if (file < 0 || ftruncate(file, 0) < 0 || pwrite(file, data, size, 0) < 0)
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    if (btf_open(&btf, path) != 0)
        return;
    if (btf_find(&btf, "s", "a.b", &place))
        require(place.bits != 0);
    btf_find(&btf, "sock", "__sk_common.skc_net.net", &place);
    btf_function(&btf, "f");
    btf_close(&btf);
}

static void read_tracepoint(const uint8_t *data, size_t size) {
    struct tcp_watch watch = {.fields = {16, 24, 26, 32, 48}, .with_cgroup = size % 2 == 0};
    struct tcp_event event = {0};
    uint64_t *record = malloc(size + 8);
    char *text = world_text();
    if (record == NULL)
        abort();
    memcpy(record, data, size);
    tcp_event_format(text, &watch.fields);
    free(text);
    watch.fields.newstate %= 64;
    watch.fields.sport %= 64;
    watch.fields.dport %= 64;
    watch.fields.saddr %= 64;
    watch.fields.daddr %= 64;
    if (tcp_event_read(&watch, record, size, &event))
        require(event.kind <= TCP_NAMED && memchr(event.name, '\0', sizeof event.name) != NULL);
    free(record);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    enum { READERS = 7 };
    if (size == 0)
        return 0;
    unsigned who = data[0] % READERS, how = data[0] / READERS;
    world_begin(data + 1, size - 1);
    switch (who) {
    case 0:
    case 1:
        read_names(how);
        break;
    case 2:
        read_audit();
        break;
    case 3:
        read_unit();
        break;
    case 4:
        read_user();
        break;
    case 5:
        read_btf(data + 1, size - 1);
        break;
    default:
        read_tracepoint(data + 1, size - 1);
        break;
    }
    world_end();
    return 0;
}
