/* The processes that have a socket, as one server. The processes are those of a tree that looks
 * like /proc. */
#include "test.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "inspect/server.h"
#include "kernel/process.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static char tree[64];

/* --- the tree --- */

static void make_folder(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void make_folder(const char *format, ...) {
    char path[256];
    va_list values;
    va_start(values, format);
    vsnprintf(path, sizeof path, format, values);
    va_end(values);
    assert_true(mkdir(path, 0755) == 0 || errno == EEXIST);
}

static void write_bytes(pid_t pid, const char *name, const char *bytes, size_t size) {
    char path[256];
    snprintf(path, sizeof path, "%s/%d/%s", tree, (int)pid, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fwrite(bytes, 1, size, file);
    fclose(file);
}

static void write_text(pid_t pid, const char *name, const char *text) {
    write_bytes(pid, name, text, strlen(text));
}

static void make_link(pid_t pid, const char *name, const char *target) {
    char path[256];
    snprintf(path, sizeof path, "%s/%d/%s", tree, (int)pid, name);
    unlink(path);
    assert_int_equal(symlink(target, path), 0);
}

/* A process of the tree. The words of `command` and `environment` are separated by `|`. */
struct fake {
    pid_t pid, parent;
    const char *name, *file, *command, *cgroup, *environment;
    char state;
};

static void write_words(pid_t pid, const char *name, const char *words) {
    char bytes[1024];
    size_t size = strlen(words) + 1;
    memcpy(bytes, words, size);
    for (size_t i = 0; i < size; i++)
        if (bytes[i] == '|')
            bytes[i] = '\0';
    write_bytes(pid, name, bytes, size == 1 ? 0 : size);
}

static void make_process(const struct fake *fake) {
    char text[512];
    pid_t pid = fake->pid;
    make_folder("%s/%d", tree, (int)pid);
    make_folder("%s/%d/fdinfo", tree, (int)pid);
    snprintf(text, sizeof text, "%d (%s) %c %d %d 0 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 %d 0 0\n",
             (int)pid, fake->name, fake->state == 0 ? 'S' : fake->state, (int)fake->parent,
             (int)pid, (int)pid * 10);
    write_text(pid, "stat", text);
    snprintf(text, sizeof text, "%s\n", fake->name);
    write_text(pid, "comm", text);
    write_words(pid, "cmdline", fake->command == NULL ? fake->name : fake->command);
    write_words(pid, "environ", fake->environment == NULL ? "" : fake->environment);
    snprintf(text, sizeof text, "0::%s\n", fake->cgroup == NULL ? "/" : fake->cgroup);
    write_text(pid, "cgroup", text);
    write_text(pid, "fdinfo/3", "pos:\t0\nflags:\t02\nmnt_id:\t9\n");
    snprintf(text, sizeof text, "/usr/bin/%s", fake->file == NULL ? fake->name : fake->file);
    make_link(pid, "exe", text);
}

static int begin_tree(void **state) {
    static const struct fake init = {.pid = 1, .name = "systemd", .file = "systemd"};
    (void)state;
    strcpy(tree, "/tmp/portreuse-server-XXXXXX");
    if (mkdtemp(tree) == NULL)
        return 1;
    process_use_root(tree);
    make_process(&init);
    return 0;
}

static int end_tree(void **state) {
    char command[128];
    (void)state;
    process_use_root(NULL);
    snprintf(command, sizeof command, "rm -rf %s", tree);
    return system(command);
}

/* Makes the processes, up to one with pid 0; those from number `first` on have the socket. */
static struct server describe(const struct fake *fakes, size_t first) {
    const struct inet_socket socket = {
        .state = STATE_LISTEN, .local = {.family = AF_INET, .port = 8080}, .receive_queue = 2};
    struct owners owners = {.search = OWNERS_SEARCHED};
    struct server server;
    for (size_t i = 0; fakes[i].pid != 0; i++) {
        make_process(&fakes[i]);
        if (i < first)
            continue;
        owners.fds[owners.count] = 3;
        owners.pids[owners.count++] = fakes[i].pid;
    }
    server_describe(&(struct server_socket){&owners, &socket}, 1, &server);
    return server;
}

static void check_stop(const struct server *server, const char *want) {
    assert_int_not_equal(server->stops.count, 0);
    assert_string_equal(server->stops.list[0].line, want);
}

/* --- shapes --- */

static void nobody(void **state) {
    struct owners owners = {.search = OWNERS_DENIED};
    const struct inet_socket socket = {.state = STATE_LISTEN};
    struct server server;
    (void)state;
    server_describe(&(struct server_socket){&owners, &socket}, 1, &server);
    assert_int_equal(server.shape, SERVER_NOT_FOUND);
    assert_int_equal(server.stops.count, 0);
}

static void a_master_and_its_workers_are_one(void **state) {
    const struct fake fakes[] = {
        {100, 1, "nginx", "nginx", "nginx: master process nginx", NULL, NULL, 0},
        {101, 100, "nginx", "nginx", "nginx: worker process", NULL, NULL, 0},
        {102, 100, "nginx", "nginx", "nginx: worker process", NULL, NULL, 0},
        {0}};
    (void)state;
    struct server server = describe(fakes, 0);
    assert_int_equal(server.shape, SERVER_ONE);
    assert_int_equal(server.main.pid, 100);
    assert_int_equal(server.workers, 2);
    assert_int_equal(server.waiting, 2);
    assert_int_equal(server.chain_count, 1);
    assert_string_equal(server.chain[0].program, "systemd");
    check_stop(&server, "kill 100");
}

static void a_master_that_left_the_socket_to_its_workers(void **state) {
    const struct fake fakes[] = {{200, 1, "apache2", NULL, NULL, NULL, NULL, 0},
                                 {201, 200, "apache2", NULL, NULL, NULL, NULL, 0},
                                 {202, 200, "apache2", NULL, NULL, NULL, NULL, 0},
                                 {0}};
    (void)state;
    struct server server = describe(fakes, 1);
    assert_int_equal(server.shape, SERVER_ONE);
    assert_int_equal(server.main.pid, 200);
    assert_int_equal(server.workers, 2);
    check_stop(&server, "kill 200");
}

/* The only process that has the socket is a worker: haproxy -W, a program that forks. */
static void a_single_worker_has_the_socket(void **state) {
    const struct fake known[] = {
        {210, 1, "haproxy", NULL, "haproxy|-sf|9|-x|sockpair@4|-W|-f|x", NULL, NULL, 0},
        {211, 210, "haproxy", NULL, "haproxy|-W|-f|x", NULL, NULL, 0},
        {0}};
    const struct fake script[] = {
        {220, 1, "python3", "python3.11", "python3|manage.py|runserver", NULL, NULL, 0},
        {221, 220, "python3", "python3.11", "/usr/bin/python3|manage.py|runserver", NULL, NULL, 0},
        {0}};
    const struct fake session[] = {{230, 1, "sshd", NULL, "sshd: /usr/sbin/sshd -D", NULL, NULL, 0},
                                   {231, 230, "sshd", NULL, "sshd: root@pts/0", NULL, NULL, 0},
                                   {0}};
    /* The parent has other children, which do something else. */
    const struct fake app[] = {{290, 1, "app", NULL, NULL, NULL, NULL, 0},
                               {291, 290, "app", NULL, NULL, NULL, NULL, 0},
                               {292, 290, "app", NULL, NULL, NULL, NULL, 0},
                               {0}};
    /* An unknown program has forked, and nothing shows that the parent has a part in it. */
    const struct fake forked[] = {{295, 1, "app", NULL, "app|-x", NULL, NULL, 0},
                                  {296, 295, "app", NULL, "app|-x", NULL, NULL, 0},
                                  {0}};
    const struct fake titled[] = {{297, 1, "app", NULL, "app|-x", NULL, NULL, 0},
                                  {298, 297, "app", NULL, "app: worker", NULL, NULL, 0},
                                  {0}};
    const struct fake shell[] = {{240, 1, "sh", "busybox", NULL, NULL, NULL, 0},
                                 {241, 240, "httpd", "busybox", "httpd|-f", NULL, NULL, 0},
                                 {0}};
    (void)state;
    struct server server = describe(known, 1);
    assert_int_equal(server.main.pid, 210);
    assert_int_equal(server.workers, 1);
    check_stop(&server, "kill 210");
    server = describe(script, 1);
    assert_int_equal(server.main.pid, 220);
    check_stop(&server, "kill 220 221"); /* the worker of an unknown master can stay behind */
    assert_non_null(strstr(server.stops.list[0].price, "220 does not have the socket itself"));
    check_stop((server = describe(session, 1), &server), "kill 231");
    check_stop((server = describe(shell, 1), &server), "kill 241");
    check_stop((server = describe(app, 2), &server), "kill 292");
    check_stop((server = describe(forked, 1), &server), "kill 296");
    assert_int_equal(server.workers, 0);
    check_stop((server = describe(titled, 1), &server), "kill 297 298");
    assert_int_equal(server.workers, 1);
}

/* Each worker has a socket of its own (SO_REUSEPORT). */
static void sockets_of_one_master_have_one_server(void **state) {
    const struct fake fakes[] = {{250, 1, "app", NULL, NULL, NULL, NULL, 0},
                                 {251, 250, "app", NULL, NULL, NULL, NULL, 0},
                                 {252, 250, "app", NULL, NULL, NULL, NULL, 0},
                                 {260, 1, "other", NULL, NULL, NULL, NULL, 0},
                                 {0}};
    const struct inet_socket socket = {.state = STATE_LISTEN, .receive_queue = 1};
    struct owners owners[3] = {{.count = 1, .fds = {3}, .pids = {251}},
                               {.count = 1, .fds = {3}, .pids = {260}},
                               {.count = 1, .fds = {3}, .pids = {252}}};
    const struct server_socket sockets[3] = {
        {&owners[0], &socket}, {&owners[1], &socket}, {&owners[2], &socket}};
    struct server servers[3];
    (void)state;
    for (int i = 0; fakes[i].pid != 0; i++)
        make_process(&fakes[i]);
    server_describe(sockets, 3, servers);
    for (int i = 0; i < 3; i += 2) {
        assert_int_equal(servers[i].main.pid, 250);
        assert_int_equal(servers[i].workers, 2);
        assert_int_equal(servers[i].waiting, 1);
        check_stop(&servers[i], "kill 250 251 252");
    }
    assert_int_equal(servers[1].main.pid, 260);
    assert_int_equal(servers[1].workers, 0);
}

/* The new master is a child of the old one (SIGUSR2). */
static void both_masters_of_an_upgrade_are_stopped(void **state) {
    const struct fake fakes[] = {{270, 1, "nginx", NULL, "nginx: master", NULL, NULL, 0},
                                 {271, 270, "nginx", NULL, "nginx: worker", NULL, NULL, 0},
                                 {272, 270, "nginx", NULL, "nginx: master", NULL, NULL, 0},
                                 {273, 272, "nginx", NULL, "nginx: worker", NULL, NULL, 0},
                                 {0}};
    (void)state;
    struct server server = describe(fakes, 0);
    assert_int_equal(server.workers, 3);
    check_stop(&server, "kill 270 272");
}

static void workers_whose_master_is_gone(void **state) {
    const struct fake fakes[] = {
        {300, 1, "gunicorn", "python3.11", "/usr/bin/python3|/usr/bin/gunicorn", NULL, NULL, 0},
        {301, 1, "gunicorn", "python3.11", "/usr/bin/python3|/usr/bin/gunicorn", NULL, NULL, 0},
        {0}};
    const struct fake one[] = {{310, 1, "nginx", NULL, "nginx: worker process", NULL, NULL, 0},
                               {0}};
    const struct fake daemon[] = {{320, 1, "redis-server", NULL, NULL, NULL, NULL, 0}, {0}};
    (void)state;
    struct server server = describe(fakes, 0);
    assert_int_equal(server.shape, SERVER_ORPHANS);
    check_stop(&server, "kill 300 301");
    assert_int_equal(server.stops.count, 1);
    assert_int_equal(describe(one, 0).shape, SERVER_ORPHANS);
    assert_int_equal(describe(daemon, 0).shape, SERVER_ONE);
}

static void a_program_that_cannot_listen_is_a_leak(void **state) {
    const struct fake orphan[] = {{400, 1, "sleep", NULL, "sleep|1000", NULL, NULL, 0}, {0}};
    const struct fake child[] = {{410, 1, "python3", "python3.11", "python3|app.py", NULL, NULL, 0},
                                 {411, 410, "job.sh", "bash", "/bin/bash|/x/job.sh", NULL, NULL, 0},
                                 {412, 411, "rsync", NULL, "rsync|-a|a|b", NULL, NULL, 0},
                                 {0}};
    const struct fake daemon[] = {{420, 1, "rsync", NULL, "rsync|--daemon", NULL, NULL, 0}, {0}};
    (void)state;
    struct server server = describe(orphan, 0);
    assert_int_equal(server.shape, SERVER_LEAK);
    assert_false(server.parent_alive);
    check_stop(&server, "kill 400");
    server = describe(child, 1);
    assert_int_equal(server.shape, SERVER_LEAK);
    assert_int_equal(server.main.pid, 411);
    assert_true(server.parent_alive);
    check_stop(&server, "kill 411 412");
    assert_int_equal(describe(daemon, 0).shape, SERVER_ONE);
}

static void a_child_of_another_program_is_an_heir(void **state) {
    const struct fake fakes[] = {{500, 1, "app", NULL, NULL, NULL, NULL, 0},
                                 {501, 500, "app", NULL, NULL, NULL, NULL, 0},
                                 {502, 500, "backup", NULL, NULL, NULL, NULL, 0},
                                 {0}};
    (void)state;
    struct server server = describe(fakes, 0);
    assert_int_equal(server.shape, SERVER_ONE);
    assert_int_equal(server.main.pid, 500);
    assert_int_equal(server.workers, 1);
    assert_int_equal(server.heirs, 1);
    assert_int_equal(server.heir.pid, 502);
    assert_int_equal(server.stops.count, 2);
    assert_string_equal(server.stops.list[0].line, "kill 500 501");
    assert_string_equal(server.stops.list[1].line, "kill 502");
}

static void a_child_that_was_given_the_socket_is_a_worker(void **state) {
    const struct fake told[] = {{600, 1, "einhorn", "ruby3.1", NULL, NULL, NULL, 0},
                                {601, 600, "web", NULL, NULL, NULL, "EINHORN_FD_COUNT=1|X=y", 0},
                                {0}};
    const struct fake polling[] = {{610, 1, "launcher", NULL, NULL, NULL, NULL, 0},
                                   {611, 610, "web", NULL, NULL, NULL, NULL, 0},
                                   {0}};
    (void)state;
    struct server server = describe(told, 0);
    assert_int_equal(server.workers, 1);
    assert_int_equal(server.heirs, 0);
    make_process(&polling[1]);
    write_text(611, "fdinfo/5", "pos:\t0\nflags:\t02\ntfd:        3 events:       19 data: 3\n");
    server = describe(polling, 0);
    assert_int_equal(server.workers, 1);
    assert_int_equal(server.heirs, 0);
}

static void a_variable_of_any_length_tells_of_sockets(void **state) {
    char many[400] = "EINHORN_FDS=3";
    while (strlen(many) < sizeof many - 2)
        strcat(many, " 3");
    const struct fake told[] = {{605, 1, "einhorn", "ruby3.1", NULL, NULL, NULL, 0},
                                {606, 605, "web", NULL, NULL, NULL, many, 0},
                                {0}};
    (void)state;
    struct server server = describe(told, 0);
    assert_int_equal(server.workers, 1);
    assert_int_equal(server.heirs, 0);
}

/* dovecot(1): process 1 is its parent, and that does not make it an orphan of its own workers. */
static void a_master_with_workers_of_another_program(void **state) {
    const struct fake fakes[] = {{330, 1, "dovecot", NULL, NULL, NULL, NULL, 0},
                                 {331, 330, "imap-login", NULL, NULL, NULL, "LISTEN_FDS=1", 0},
                                 {332, 330, "imap-login", NULL, NULL, NULL, "LISTEN_FDS=1", 0},
                                 {0}};
    (void)state;
    struct server server = describe(fakes, 0);
    assert_int_equal(server.shape, SERVER_ONE);
    assert_int_equal(server.main.pid, 330);
    assert_int_equal(server.workers, 2);
    check_stop(&server, "kill 330");
}

static void scripts_of_one_interpreter_are_different_programs(void **state) {
    const struct fake fakes[] = {{700, 1, "python3", "python3.11", "python3|a.py", NULL, NULL, 0},
                                 {701, 700, "python3", "python3.11", "python3|b.py", NULL, NULL, 0},
                                 {702, 700, "python3", "python3.11",
                                  "python3|-c|from multiprocessing.spawn import spawn_main", NULL,
                                  NULL, 0},
                                 {0}};
    (void)state;
    struct server server = describe(fakes, 0);
    assert_string_equal(server.main.program, "a.py");
    assert_int_equal(server.workers, 1);
    assert_int_equal(server.heirs, 1);
    assert_int_equal(server.heir.pid, 701);
}

static void a_stopped_process_needs_another_signal(void **state) {
    const struct fake fakes[] = {{800, 1, "app", NULL, NULL, NULL, NULL, 'T'}, {0}};
    (void)state;
    struct server server = describe(fakes, 0);
    assert_true(server.stopped);
    check_stop(&server, "kill -KILL 800");
    assert_non_null(strstr(server.stops.list[0].price, "kill -CONT 800"));
}

/* SIGTERM is not what stops these. */
static void the_signal_is_one_that_stops_the_program(void **state) {
    static const struct {
        const char *name, *status, *stop, *price;
    } rows[] = {
        {"uwsgi_python311", "", "kill -INT 810", "start its workers again"},
        {"postgres", "", "kill -INT 810", "ends all sessions"},
        {"app", "Name:\tapp\nSigIgn:\t0000000000004000\nSigCgt:\t0000000000000000\n",
         "kill -KILL 810", "ignores SIGTERM"},
        {"app", "Name:\tapp\nNSpid:\t810\t1\nSigIgn:\t0000000000000000\n", "kill -KILL 810",
         "ignores SIGTERM"},
        {"app", "Name:\tapp\nNSpid:\t810\t1\nSigCgt:\t0000000000004000\n", "kill 810", ""},
        {"app", "Name:\tapp\nNSpid:\t810\t11\nSigIgn:\t0000000000001000\n", "kill 810", ""},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        const struct fake fakes[] = {{810, 1, rows[i].name, NULL, NULL, NULL, NULL, 0}, {0}};
        make_process(&fakes[0]);
        write_text(810, "status", rows[i].status);
        struct server server = describe(fakes, 0);
        check_stop(&server, rows[i].stop);
        assert_non_null(strstr(server.stops.list[0].price, rows[i].price));
    }
}

/* More than one command has room for, or than were listed. */
static void very_many_processes_are_found_by_the_command(void **state) {
    struct owners owners = {.inode = 77, .count = OWNERS_PIDS + 1};
    const struct inet_socket socket = {.state = STATE_LISTEN};
    struct server server;
    (void)state;
    for (int i = 0; i < OWNERS_PIDS; i++) {
        const struct fake fake = {.pid = 2000 + i, .parent = 1, .name = "app"};
        make_process(&fake);
        owners.pids[i] = fake.pid;
    }
    server_describe(&(struct server_socket){&owners, &socket}, 1, &server);
    assert_int_equal(server.shape, SERVER_ORPHANS);
    assert_int_equal(server.workers, OWNERS_PIDS); /* and the first */
    check_stop(&server, "kill $(find /proc/[0-9]*/fd -lname 'socket:\\[77\\]' 2>/dev/null | "
                        "cut -d / -f 3 | sort -u)");
}

static void a_long_chain_is_shortened_in_the_middle(void **state) {
    struct fake fakes[12] = {{0}};
    (void)state;
    for (int i = 0; i < 11; i++)
        fakes[i] = (struct fake){
            .pid = 900 + i, .parent = i == 0 ? 1 : 899 + i, .name = i == 10 ? "web" : "app"};
    struct server server = describe(fakes, 10);
    assert_int_equal(server.chain_count, SERVER_LINKS);
    assert_true(server.chain_shortened);
    assert_int_equal(server.chain[0].pid, 1);
    assert_int_equal(server.chain[SERVER_LINKS - 1].pid, 909);
}

/* --- what keeps it running --- */

static const struct {
    struct fake fakes[4]; /* the last one has the socket */
    enum keeper_kind kind;
    const char *name, *stop;
} kept[] = {
    {{{1000, 1, "nginx", NULL, NULL, "/system.slice/nginx.service", NULL, 0}},
     KEEPER_SERVICE,
     "nginx.service",
     "systemctl stop nginx.service"},
    {{{1000, 1, "sh", "dash", "sh|-c|node x.js", "/system.slice/web.service", NULL, 0},
      {1001, 1000, "node", NULL, "node|x.js", "/system.slice/web.service", NULL, 0}},
     KEEPER_SERVICE,
     "web.service",
     "systemctl stop web.service"},
    {{{1000, 1, "sshd", NULL, NULL, "/system.slice/ssh.service", NULL, 0},
      {1001, 1000, "bash", NULL, NULL, "/system.slice/ssh.service", NULL, 0},
      {1002, 1001, "app", NULL, NULL, "/system.slice/ssh.service", NULL, 0}},
     KEEPER_NONE,
     "",
     "kill 1002"},
    {{{1000, 1, "java", NULL, "java|-jar|jenkins.war", "/system.slice/jenkins.service", NULL, 0},
      {1001, 1000, "app", NULL, NULL, "/system.slice/jenkins.service", NULL, 0}},
     KEEPER_NONE,
     "",
     "kill 1001"},
    {{{1000, 1, "app", NULL, NULL, "/user.slice/user-1000.slice/session-3.scope", NULL, 0}},
     KEEPER_NONE,
     "",
     "kill 1000"},
    {{{1000, 1, "systemd", NULL, "/lib/systemd/systemd|--user",
       "/user.slice/user-71.slice/user@71.service/init.scope", NULL, 0},
      {1001, 1000, "app", NULL, NULL,
       "/user.slice/user-71.slice/user@71.service/app.slice/web.service", NULL, 0}},
     KEEPER_USER_SERVICE,
     "web.service",
     "systemctl --user --machine=71@ stop web.service"},
    {{{1000, 1, "web", NULL, NULL, "/system.slice/web.service", "LISTEN_FDS=1", 0}},
     KEEPER_SERVICE,
     "web.service",
     "systemctl stop web.socket web.service"},
    {{{1000, 1, "supervisord", "python3.11", "python3|/usr/bin/supervisord|-c|/etc/s.conf", NULL,
       NULL, 0},
      {1001, 1000, "app", NULL, NULL, NULL,
       "A=b|SUPERVISOR_PROCESS_NAME=web|SUPERVISOR_GROUP_NAME=web", 0}},
     KEEPER_SUPERVISORD,
     "web",
     "supervisorctl -c /etc/s.conf stop web"},
    {{{1000, 1, "supervisord", "python3.11", "python3|/usr/bin/supervisord", NULL, NULL, 0},
      {1001, 1000, "app", NULL, NULL, NULL, "SUPERVISOR_PROCESS_NAME=w 0|SUPERVISOR_GROUP_NAME=web",
       0}},
     KEEPER_SUPERVISORD,
     "web:w 0",
     "supervisorctl stop 'web:w 0'"},
    {{{1000, 1, "supervisord", "python3.11", "python3|/usr/bin/supervisord", NULL, NULL, 0},
      {1001, 1000, "app", NULL, NULL, NULL, NULL, 0}},
     KEEPER_SUPERVISORD,
     "",
     "supervisorctl status"},
    {{{1000, 1, "runsv", NULL, "runsv|web", NULL, NULL, 0},
      {1001, 1000, "app", NULL, NULL, NULL, NULL, 0}},
     KEEPER_RUNIT,
     "web",
     "sv stop web"},
    {{{1000, 1, "s6-supervise", NULL, "s6-supervise|web", NULL, NULL, 0},
      {1001, 1000, "app", NULL, NULL, NULL, NULL, 0}},
     KEEPER_S6,
     "web",
     "s6-svc -d web"},
    {{{1000, 1, "PM2 v5.3.0: God", "node", "PM2 v5.3.0: God Daemon (/root/.pm2)", NULL, NULL, 0},
      {1001, 1000, "node", NULL, "node|/srv/app.js", NULL, "pm_id=0|name=api", 0}},
     KEEPER_PM2,
     "api",
     "pm2 stop api"},
    {{{1000, 1, "monit", NULL, NULL, NULL, NULL, 0},
      {1001, 1000, "app", NULL, NULL, NULL, NULL, 0}},
     KEEPER_MONIT,
     "",
     "monit status"},
    {{{1000, 1, "monit", NULL, "/usr/bin/monit|-c|/etc/m", NULL, NULL, 0},
      {1001, 1, "app", NULL, NULL, NULL, "MONIT_SERVICE=web", 0}},
     KEEPER_MONIT,
     "web",
     "monit -c /etc/m stop web"},
    {{{1000, 1, "sh", NULL, NULL, NULL, NULL, 0},
      {1001, 1, "app", NULL, NULL, NULL, "MONIT_SERVICE=web", 0}},
     KEEPER_NONE,
     "",
     "kill 1001"},
    {{{1000, 1, "docker-proxy", NULL, "/usr/bin/docker-proxy|-proto|tcp|-host-port|8080",
       "/system.slice/docker.service", NULL, 0}},
     KEEPER_DOCKER,
     "",
     "docker stop $(docker ps -q --filter publish=8080)"},
    {{{1000, 1, "docker-proxy", NULL,
       "/usr/bin/docker-proxy|-container-ip|172.17.0.2|-container-port|80",
       "/system.slice/docker.service", NULL, 0}},
     KEEPER_DOCKER,
     "172.17.0.2:80",
     "docker stop $(docker ps -q --filter publish=8080)"},
    {{{1000, 1, "kube-proxy", NULL, "kube-proxy|--config=x", NULL, NULL, 0}},
     KEEPER_POD,
     "",
     "kubectl get services --all-namespaces | grep 8080"},
    {{{1000, 1, "conmon", NULL, "/usr/bin/conmon|-c|0123|-n|web|-r|/usr/bin/crun",
       "/machine.slice/libpod-conmon-0123.scope", NULL, 0}},
     KEEPER_PODMAN,
     "",
     "podman stop web"},
    {{{1000, 1, "nginx", NULL, NULL, "/system.slice/docker-" ID ".scope", NULL, 0}},
     KEEPER_DOCKER,
     "0123456789ab",
     "docker stop 0123456789ab"},
    {{{1000, 1, "supervisord", "python3.11", "python3|/usr/bin/supervisord",
       "/system.slice/docker-" ID ".scope", NULL, 0},
      {1001, 1000, "app", NULL, NULL, "/system.slice/docker-" ID ".scope",
       "SUPERVISOR_PROCESS_NAME=web|SUPERVISOR_GROUP_NAME=web", 0}},
     KEEPER_SUPERVISORD,
     "web",
     "docker exec 0123456789ab supervisorctl stop web"},
    {{{1000, 1, "nginx", NULL, NULL,
       "/kubepods.slice/kubepods-pod1.slice/cri-containerd-" ID ".scope", NULL, 0}},
     KEEPER_POD,
     "0123456789ab",
     "crictl ps --id 0123456789ab"},
    {{{1000, 1, "nginx", NULL, NULL, "/lxc.payload.web/system.slice/nginx.service", NULL, 0}},
     KEEPER_LXC,
     "web",
     "lxc-attach -n web -- systemctl stop nginx.service"},
    {{{1000, 1, "nginx", NULL, NULL, "/lxc.payload.web", NULL, 0}},
     KEEPER_LXC,
     "web",
     "lxc-stop -n web"},
    {{{1000, 1, "nginx", NULL, NULL, "/machine.slice/machine-deb.scope/payload", NULL, 0}},
     KEEPER_MACHINE,
     "deb",
     "machinectl poweroff deb"},
};

static void what_keeps_it_running_stops_it(void **state) {
    (void)state;
    for (size_t i = 0; i < ROWS(kept); i++) {
        struct fake fakes[5] = {{0}};
        size_t count = 0;
        for (; count < 4 && kept[i].fakes[count].pid != 0; count++)
            fakes[count] = kept[i].fakes[count];
        struct server server = describe(fakes, count - 1);
        if (server.keeper.kind != kept[i].kind || server.stops.count == 0 ||
            strcmp(server.stops.list[0].line, kept[i].stop) != 0)
            fail_msg("row %zu: keeper %d, %s, want: %s", i, (int)server.keeper.kind,
                     server.stops.count == 0 ? "no command" : server.stops.list[0].line,
                     kept[i].stop);
        if (kept[i].kind != KEEPER_PODMAN)
            assert_string_equal(server.keeper.name, kept[i].name);
    }
}

static void systemd_listens_for_a_socket_unit(void **state) {
    /* the first process can be called after /sbin/init */
    static const char *const names[] = {"systemd", "init"};
    (void)state;
    for (size_t i = 0; i < ROWS(names); i++) {
        const struct fake fakes[] = {{1, 0, names[i], "systemd", "/sbin/init", NULL, NULL, 0},
                                     {1100, 1, "web", NULL, NULL, NULL, NULL, 0},
                                     {0}};
        struct server server = describe(fakes, 0);
        assert_int_equal(server.main.pid, 1);
        assert_int_equal(server.shape, SERVER_SOCKET_UNIT);
        assert_int_equal(server.keeper.kind, KEEPER_SOCKET_UNIT);
        assert_null(strstr(server.stops.list[0].line, "kill"));
    }
}

static void a_program_that_calls_itself_systemd_is_none(void **state) {
    const struct fake fakes[] = {{1200, 1, "systemd", "miner", "systemd", NULL, NULL, 0}, {0}};
    (void)state;
    struct server server = describe(fakes, 0);
    assert_int_equal(server.shape, SERVER_ONE);
    assert_int_equal(server.keeper.kind, KEEPER_NONE);
    check_stop(&server, "kill 1200");
}

static void write_unit(const char *folder, const char *name, const char *text) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void the_socket_unit_of_a_port_is_found(void **state) {
    char a[80], b[80], unit[KEEPER_NAME_SIZE];
    (void)state;
    snprintf(a, sizeof a, "%s/a", tree);
    snprintf(b, sizeof b, "%s/b", tree);
    make_folder("%s", a);
    make_folder("%s", b);
    const char *const folders[] = {a, b, "/does/not/exist", NULL};
    write_unit(a, "one.socket", "[Socket]\nListenStream=127.0.0.1:8080\n");
    write_unit(b, "one.socket", "[Socket]\nListenStream=8080\n");
    write_unit(a, "two.socket", "[Socket]\nListenStream = [::]:80\nListenStream=/run/x\n");
    write_unit(a, "three.socket", "[Socket]\n#ListenStream=8081\nListenStream=18080\n");
    write_unit(a, "four.service", "[Socket]\nListenStream=80\n");
    assert_true(keeper_socket_unit(folders, 8080, unit));
    assert_string_equal(unit, "one.socket");
    assert_true(keeper_socket_unit(folders, 80, unit));
    assert_string_equal(unit, "two.socket");
    assert_false(keeper_socket_unit(folders, 8081, unit));
    assert_string_equal(unit, "");
    write_unit(b, "five.socket", "[Socket]\nListenStream=80\n");
    assert_false(keeper_socket_unit(folders, 80, unit));
}

static void words_from_outside_are_quoted(void **state) {
    static const char *const rows[][2] = {
        {"web", "web"},         {"a b", "'a b'"},      {"x;reboot", "'x;reboot'"},
        {"it's", "'it'\\''s'"}, {"$(id)", "'$(id)'"},  {"a\nb", NULL},
        {"-rf", NULL},          {"\xe2\x80\xae", NULL}};
    char quoted[16];
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        assert_int_equal(stop_quote(rows[i][0], quoted, sizeof quoted), rows[i][1] != NULL);
        assert_string_equal(quoted, rows[i][1] == NULL ? "" : rows[i][1]);
    }
    assert_false(stop_quote("a word that is too long", quoted, sizeof quoted));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody),
        cmocka_unit_test(a_master_and_its_workers_are_one),
        cmocka_unit_test(a_master_that_left_the_socket_to_its_workers),
        cmocka_unit_test(a_single_worker_has_the_socket),
        cmocka_unit_test(sockets_of_one_master_have_one_server),
        cmocka_unit_test(both_masters_of_an_upgrade_are_stopped),
        cmocka_unit_test(workers_whose_master_is_gone),
        cmocka_unit_test(a_program_that_cannot_listen_is_a_leak),
        cmocka_unit_test(a_child_of_another_program_is_an_heir),
        cmocka_unit_test(a_child_that_was_given_the_socket_is_a_worker),
        cmocka_unit_test(a_variable_of_any_length_tells_of_sockets),
        cmocka_unit_test(a_master_with_workers_of_another_program),
        cmocka_unit_test(scripts_of_one_interpreter_are_different_programs),
        cmocka_unit_test(a_stopped_process_needs_another_signal),
        cmocka_unit_test(the_signal_is_one_that_stops_the_program),
        cmocka_unit_test(very_many_processes_are_found_by_the_command),
        cmocka_unit_test(a_long_chain_is_shortened_in_the_middle),
        cmocka_unit_test(what_keeps_it_running_stops_it),
        cmocka_unit_test(systemd_listens_for_a_socket_unit),
        cmocka_unit_test(a_program_that_calls_itself_systemd_is_none),
        cmocka_unit_test(the_socket_unit_of_a_port_is_found),
        cmocka_unit_test(words_from_outside_are_quoted),
    };
    return cmocka_run_group_tests(tests, begin_tree, end_tree);
}
