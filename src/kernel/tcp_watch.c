/* One event of perf_event_open(2) for each processor, with a buffer of its own. The same event
 * reports the processes that begin and the programs that they execute: so a process that has ended
 * before anybody could look into it still has a name and a parent. */
#include "kernel/tcp_watch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/shared.h"
#include "base/units.h"

/* The same on every architecture that Linux 5.4 runs on, but for Alpha. */
#ifndef SYS_fsopen
#define SYS_fsopen   430
#define SYS_fsconfig 431
#define SYS_fsmount  432
#endif
#define SAMPLE_CGROUP (1U << 21) /* PERF_SAMPLE_CGROUP, <linux/perf_event.h>, Linux 5.7 */

struct tcp_ring {
    int fd;
    struct perf_event_mmap_page *page; /* the data is behind it */
};

/* --- the tracepoint --- */

static unsigned field_at(const char *text, const char *name) {
    char key[32];
    unsigned offset = 0;
    snprintf(key, sizeof key, " %s;", name);
    const char *found = strstr(text, key);
    if (found == NULL) {
        snprintf(key, sizeof key, " %s[", name);
        found = strstr(text, key);
    }
    found = found == NULL ? NULL : strstr(found, "offset:");
    if (found != NULL)
        offset = (unsigned)strtoul(found + strlen("offset:"), NULL, 10);
    return offset;
}

bool tcp_event_format(const char *text, struct tcp_event_fields *fields) {
    *fields = (struct tcp_event_fields){.newstate = field_at(text, "newstate"),
                                        .sport = field_at(text, "sport"),
                                        .dport = field_at(text, "dport"),
                                        .saddr = field_at(text, "saddr_v6"),
                                        .daddr = field_at(text, "daddr_v6")};
    return fields->newstate != 0 && fields->sport != 0 && fields->dport != 0 &&
           fields->saddr != 0 && fields->daddr != 0;
}

/* Opens the root of tracefs, which need not be mounted anywhere. Returns a descriptor, or -1. */
static int open_tracefs(void) {
    enum { CREATE = 6, CLOEXEC = 1 };
    int tracefs = open("/sys/kernel/tracing", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (tracefs >= 0 && faccessat(tracefs, "events/sock", R_OK, 0) == 0)
        return tracefs;
    if (tracefs >= 0)
        close(tracefs);
    int context = (int)syscall(SYS_fsopen, "tracefs", CLOEXEC);
    if (context < 0)
        return -1;
    tracefs = -1;
    if (syscall(SYS_fsconfig, context, CREATE, NULL, NULL, 0) == 0)
        tracefs = (int)syscall(SYS_fsmount, context, CLOEXEC, 0);
    int error = errno;
    close(context);
    errno = error;
    return tracefs;
}

/* Returns 0 or an errno. */
static int read_file(int folder, const char *name, char *text, size_t room) {
    size_t used = 0;
    ssize_t got = 1;
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno;
    while (got > 0 && used < room - 1) {
        got = read(fd, text + used, room - 1 - used);
        used += got > 0 ? (size_t)got : 0;
    }
    int error = got < 0 ? errno : 0;
    text[used] = '\0';
    close(fd);
    return error;
}

/* Finds the number of the tracepoint, and its fields. Returns 0 or an errno. */
static int find_tracepoint(struct tcp_event_fields *fields, uint64_t *number) {
    char text[8192];
    int tracefs = open_tracefs();
    if (tracefs < 0)
        return errno;
    int error = read_file(tracefs, "events/sock/inet_sock_set_state/id", text, sizeof text);
    *number = strtoull(text, NULL, 10);
    if (error == 0)
        error = read_file(tracefs, "events/sock/inet_sock_set_state/format", text, sizeof text);
    if (error == 0 && !tcp_event_format(text, fields))
        error = ENOENT;
    close(tracefs);
    return error;
}

/* --- opening --- */

enum { SYN_SENT = 2, FIN_WAIT_1 = 4 };

/* Returns 0 or an errno. */
static int open_ring(struct tcp_watch *watch, struct perf_event_attr *attr, int processor,
                     const char *filter) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    struct tcp_ring *ring = &watch->rings[watch->count];
    ring->fd = (int)syscall(SYS_perf_event_open, attr, -1, processor, -1, PERF_FLAG_FD_CLOEXEC);
    if (ring->fd < 0)
        return errno;
    ring->page =
        mmap(NULL, page + watch->ring_size, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, 0);
    if (ring->page == MAP_FAILED || ioctl(ring->fd, PERF_EVENT_IOC_SET_FILTER, filter) < 0 ||
        ioctl(ring->fd, PERF_EVENT_IOC_ENABLE, 0) < 0) {
        int error = errno;
        if (ring->page != MAP_FAILED)
            munmap(ring->page, page + watch->ring_size);
        close(ring->fd);
        return error;
    }
    watch->count++;
    return 0;
}

/* The buffers of all processors together have some MiB. */
static size_t size_of_rings(long processors) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE), size = (size_t)1 << 18;
    while (size > page && size * (size_t)processors > (size_t)1 << 22)
        size /= 2;
    return size;
}

/* Opens the event for each processor; those that are offline have none. Returns 0 or an errno. */
static int open_rings(struct tcp_watch *watch, struct perf_event_attr *attr, uint16_t port) {
    long processors = sysconf(_SC_NPROCESSORS_CONF);
    char filter[80];
    int error = 0;
    snprintf(filter, sizeof filter, "dport == %u && (newstate == %d || newstate == %d)", port,
             SYN_SENT, FIN_WAIT_1);
    if (processors < 1 || (watch->rings = calloc((size_t)processors, sizeof *watch->rings)) == NULL)
        return ENOMEM;
    watch->ring_size = size_of_rings(processors);
    for (int i = 0; error == 0 && i < processors; i++) {
        error = open_ring(watch, attr, i, filter);
        if (error == EINVAL && watch->with_cgroup) { /* before Linux 5.7 */
            watch->with_cgroup = false;
            attr->sample_type &= ~(uint64_t)SAMPLE_CGROUP;
            error = open_ring(watch, attr, i, filter);
        }
        if (error == ENODEV)
            error = 0;
    }
    return error == 0 && watch->count == 0 ? ENODEV : error;
}

int tcp_watch_open(struct tcp_watch *watch, uint16_t remote_port) {
    uint64_t number;
    *watch = (struct tcp_watch){.with_cgroup = true};
    int error = find_tracepoint(&watch->fields, &number);
    if (error != 0)
        return error;
    struct perf_event_attr attr = {.type = PERF_TYPE_TRACEPOINT,
                                   .size = PERF_ATTR_SIZE_VER5,
                                   .config = number,
                                   .sample_period = 1,
                                   .sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_TIME |
                                                  PERF_SAMPLE_RAW | SAMPLE_CGROUP,
                                   .disabled = 1,
                                   .comm = 1,
                                   .task = 1,
                                   .use_clockid = 1,
                                   .wakeup_events = 1,
                                   .clockid = CLOCK_MONOTONIC};
    return open_rings(watch, &attr, remote_port);
}

void tcp_watch_close(struct tcp_watch *watch) {
    for (unsigned i = 0; i < watch->count; i++) {
        munmap(watch->rings[i].page, (size_t)sysconf(_SC_PAGESIZE) + watch->ring_size);
        close(watch->rings[i].fd);
    }
    free(watch->rings);
    watch->rings = NULL;
    watch->count = 0;
}

/* --- reading --- */

/* A record of PERF_RECORD_SAMPLE has the process, the time, the tracepoint's data with its size
 * before it, and the control group. */
static bool read_sample(const struct tcp_watch *watch, const char *body, size_t size,
                        struct tcp_event *event) {
    const struct tcp_event_fields *fields = &watch->fields;
    enum { RAW = 20 };
    uint32_t pid, raw_size, state;
    if (size < RAW)
        return false;
    memcpy(&pid, body, sizeof pid);
    memcpy(&event->time_ns, body + 8, sizeof event->time_ns);
    memcpy(&raw_size, body + 16, sizeof raw_size);
    const char *raw = body + RAW;
    size_t room = size - RAW, address = sizeof event->local.address;
    if (raw_size > room || raw_size < fields->daddr + address ||
        raw_size < fields->saddr + address || raw_size < fields->newstate + sizeof state)
        return false;
    memcpy(&state, raw + fields->newstate, sizeof state);
    event->kind = state == SYN_SENT ? TCP_OPENED : TCP_CLOSED_FIRST;
    event->pid = (pid_t)pid;
    event->local.family = event->remote.family = AF_INET6;
    memcpy(&event->local.port, raw + fields->sport, sizeof event->local.port);
    memcpy(&event->remote.port, raw + fields->dport, sizeof event->remote.port);
    memcpy(event->local.address, raw + fields->saddr, address);
    memcpy(event->remote.address, raw + fields->daddr, address);
    event->local = endpoint_unmapped(&event->local);
    event->remote = endpoint_unmapped(&event->remote);
    if (watch->with_cgroup && room - raw_size >= sizeof event->cgroup)
        memcpy(&event->cgroup, raw + raw_size, sizeof event->cgroup);
    return state == SYN_SENT || state == FIN_WAIT_1;
}

/* A thread that begins has the number of its process as its parent's. */
static bool read_task(uint32_t type, const char *body, size_t size, struct tcp_event *event) {
    uint32_t numbers[2];
    if (size < sizeof numbers)
        return false;
    memcpy(numbers, body, sizeof numbers);
    event->kind = type == PERF_RECORD_FORK ? TCP_FORKED : TCP_NAMED;
    event->pid = (pid_t)numbers[0];
    event->other = type == PERF_RECORD_FORK ? (pid_t)numbers[1] : 0;
    if (type == PERF_RECORD_COMM)
        snprintf(event->name, sizeof event->name, "%.*s", (int)(size - sizeof numbers),
                 body + sizeof numbers);
    return (numbers[0] == numbers[1]) == (type == PERF_RECORD_COMM);
}

bool tcp_event_read(const struct tcp_watch *watch, const void *record, size_t size,
                    struct tcp_event *event) {
    struct perf_event_header header;
    const char *body = (const char *)record + sizeof header;
    *event = (struct tcp_event){.pid = 0};
    if (size < sizeof header)
        return false;
    memcpy(&header, record, sizeof header);
    if (header.type == PERF_RECORD_SAMPLE)
        return read_sample(watch, body, size - sizeof header, event);
    if (header.type == PERF_RECORD_FORK || header.type == PERF_RECORD_COMM)
        return read_task(header.type, body, size - sizeof header, event);
    return false;
}

/* Copies from the ring, around its end. */
static void copy_out(const struct tcp_watch *watch, const struct tcp_ring *ring, uint64_t from,
                     void *to, size_t size) {
    const char *data = (const char *)ring->page + sysconf(_SC_PAGESIZE);
    size_t place = (size_t)from & (watch->ring_size - 1);
    size_t first = size < watch->ring_size - place ? size : watch->ring_size - place;
    memcpy(to, data + place, first);
    memcpy((char *)to + first, data, size - first);
}

static void read_ring(struct tcp_watch *watch, struct tcp_ring *ring, tcp_watch_visit *visit,
                      void *context) {
    uint64_t head = shared_acquire(&ring->page->data_head);
    uint64_t tail = ring->page->data_tail;
    while (head - tail >= sizeof(struct perf_event_header)) {
        struct perf_event_header header;
        char record[512];
        struct tcp_event event;
        copy_out(watch, ring, tail, &header, sizeof header);
        if (header.size < sizeof header || header.size > head - tail)
            break;
        if (header.size <= sizeof record) {
            copy_out(watch, ring, tail, record, header.size);
            if (tcp_event_read(watch, record, header.size, &event))
                visit(context, &event);
        }
        tail += header.size;
    }
    shared_release(&ring->page->data_tail, tail);
}

void tcp_watch_read(struct tcp_watch *watch, tcp_watch_visit *visit, void *context) {
    for (unsigned i = 0; i < watch->count; i++)
        read_ring(watch, &watch->rings[i], visit, context);
}

void tcp_watch_wait(const struct tcp_watch *watch, uint64_t end_ns) {
    uint64_t now_ns = units_now_ns();
    struct pollfd *fds = calloc(watch->count, sizeof *fds);
    if (fds == NULL || now_ns >= end_ns) {
        free(fds);
        return;
    }
    for (unsigned i = 0; i < watch->count; i++)
        fds[i] = (struct pollfd){.fd = watch->rings[i].fd, .events = POLLIN};
    uint64_t left_ns = end_ns - now_ns;
    struct timespec left = {(time_t)(left_ns / NS_PER_S), (long)(left_ns % NS_PER_S)};
    ppoll(fds, watch->count, &left, NULL);
    free(fds);
}
