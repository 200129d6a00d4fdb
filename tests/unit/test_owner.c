/* How people call a program. */
#include "test.h"

#include <string.h>

#include "inspect/owner.h"

/* The words of `arguments` are separated by `|`. */
static const struct {
    const char *name, *executable, *arguments, *program;
} rows[] = {
    {"nginx", "/usr/sbin/nginx", "nginx: master process /usr/sbin/nginx", "nginx"},
    {"gunicorn", "/usr/bin/python3.11", "/usr/bin/python3|/usr/bin/gunicorn|app:app", "gunicorn"},
    {"python3", "/usr/bin/python3.11", "python3|-m|http.server|8000", "http.server"},
    {"python3", "/usr/bin/python3.11", "python3|-um|http.server", "http.server"},
    {"python3", "/usr/bin/python3.11", "python3|-X|dev|-W|ignore|/srv/a b/app.py|x", "app.py"},
    {"python", "/usr/bin/python3.11", "/venv/bin/python|manage.py|runserver", "manage.py"},
    {"python3", "/usr/bin/python3.11", "python3|-c|import x", "python3 -c"},
    {"python3", "/usr/bin/python3.11", "python3", "python3"},
    {"python3", "/usr/bin/python3.11", "myapp: worker 1", "myapp"},
    {"python3", "/usr/bin/python3.11", "", "python3"},
    {"node", "/usr/bin/node", "node|--inspect=9229|-r|dotenv/config|server.js", "server.js"},
    {"MainThread", "/usr/bin/node", "node|/srv/app/server.js", "server.js"},
    {"MainThread", "/opt/thing", "/opt/thing", "MainThread"},
    {"node", "/usr/bin/node", "node|-e|x", "node -e"},
    {"ruby3.1", "/usr/bin/ruby3.1", "ruby|-rsocket|-e|x", "ruby3.1 -e"},
    {"ruby", "/usr/bin/ruby3.1", "ruby|-I|lib|bin/rails|server", "rails"},
    {"puma 5.6.5 (tcp", "/usr/bin/ruby3.1", "puma 5.6.5 (tcp://0.0.0.0:80) [app]", "puma"},
    {"perl", "/usr/bin/perl", "perl|-MIO::Socket::INET|-we|x", "perl -e"},
    {"perl", "/usr/bin/perl", "perl|-MTime|-w|server.pl", "server.pl"},
    {"java", "/usr/lib/jvm/bin/java", "java|-Xmx1g|-cp|a:b|-jar|/opt/x.jar|-v", "x.jar"},
    {"java", "/usr/lib/jvm/bin/java", "java|-cp|a.jar|org.example.Main|8080", "org.example.Main"},
    {"java", "/usr/lib/jvm/bin/java", "java|@args|-m|mod/org.example.Main", "org.example.Main"},
    {"php", "/usr/bin/php8.2", "php|-S|127.0.0.1:80|-t|public", "php -S"},
    {"php", "/usr/bin/php8.2", "php|-d|x=y|artisan|serve", "artisan"},
    {"php-fpm8.2", "/usr/sbin/php-fpm8.2", "php-fpm: master process (/etc/php)", "php-fpm8.2"},
    {"bash", "/usr/bin/bash", "bash|-e|/srv/start.sh", "start.sh"},
    {"bash", "/usr/bin/bash", "-bash", "bash"},
    {"sh", "/usr/bin/dash", "sh|-c|exec x", "sh -c"},
    {"start.sh", "/usr/bin/bash", "/bin/bash|/srv/start.sh", "start.sh"},
    {"deno", "/usr/bin/deno", "deno|run|-A|main.ts", "main.ts"},
    {"bun", "/usr/bin/bun", "bun|run|index.ts", "index.ts"},
    {"dotnet", "/usr/bin/dotnet", "dotnet|/app/Web.dll", "Web.dll"},
    {"systemd-socket-", "/usr/bin/systemd-socket-activate", "x|-l|80", "systemd-socket-activate"},
    {"a-long-script-w", "/usr/bin/python3.11", "/usr/bin/python3|/srv/a-long-script-with-a-name",
     "a-long-script-with-a-name"},
    {"tmux: server", "/usr/bin/tmux", "tmux", "tmux"},
    {"my server", "/opt/my server", "/opt/my server", "my server"},
    {"my server.pl", "/usr/bin/perl", "/usr/bin/perl|./my server.pl", "my server.pl"},
    {"my long server ", "/usr/bin/perl", "/usr/bin/perl|/srv/my long server a.pl",
     "my long server a.pl"},
    {"puma 5.6.5 (uni", "/usr/bin/ruby3.1", "puma 5.6.5 (unix:///srv/puma 5.sock) [a]", "puma"},
    {"", "/opt/app", "/opt/app", "app"},
    {"   ", "/opt/app", "/opt/app", "app"},
    {"", "", "", "process"},
};

static void a_program_has_the_name_that_people_know(void **state) {
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        char arguments[256], program[OWNER_PROGRAM_SIZE];
        size_t size = strlen(rows[i].arguments);
        memcpy(arguments, rows[i].arguments, size + 1);
        for (size_t at = 0; at < size; at++)
            if (arguments[at] == '|')
                arguments[at] = '\0';
        const struct owner_words words = {rows[i].name, rows[i].executable, arguments,
                                          size == 0 ? 0 : size + 1};
        assert_string_equal(owner_program(&words, program), rows[i].program);
    }
}

static void a_command_line_that_is_cut_is_not_read_beyond_its_end(void **state) {
    static const char *const texts[] = {"python3\0-m", "python3\0-", "java\0-jar\0", "sh\0-o"};
    static const size_t sizes[] = {10, 9, 10, 5};
    static const char *const names[] = {"python3", "python3", "java", "sh"};
    (void)state;
    for (size_t i = 0; i < ROWS(texts); i++) {
        char program[OWNER_PROGRAM_SIZE];
        const struct owner_words words = {names[i], "/x", texts[i], sizes[i]};
        assert_string_equal(owner_program(&words, program), names[i]);
    }
}

static void programs_are_compared(void **state) {
    struct owner a = {.name = "python3", .program = "a.py", .executable = "/usr/bin/python3"};
    struct owner b = a;
    (void)state;
    assert_true(owner_same_program(&a, &b));
    strcpy(b.program, "b.py");
    assert_false(owner_same_program(&a, &b));
    strcpy(b.program, "python3 -c");
    assert_false(owner_same_program(&a, &b));
    /* A process that was made to run a function. */
    strcpy(b.command, "python3 -c from multiprocessing.spawn import spawn_main; ...");
    assert_true(owner_same_program(&a, &b));
    strcpy(b.executable, "/usr/bin/node");
    assert_false(owner_same_program(&a, &b));
    b.executable[0] = '\0'; /* of another user */
    assert_true(owner_same_program(&a, &b));
    struct owner shell = {.name = "sh", .program = "sh", .executable = "/bin/busybox"};
    struct owner httpd = {.name = "httpd", .program = "httpd", .executable = "/bin/busybox"};
    assert_false(owner_same_program(&shell, &httpd));
    assert_true(owner_same_program(&httpd, &httpd));
    struct owner_words words = {"busybox", "/bin/busybox", "busybox\0httpd\0-f", 17};
    assert_string_equal(owner_program(&words, httpd.program), "httpd");
    struct owner god = {.name = "PM2 v5.3.0: God", .program = "PM2", .executable = "/usr/bin/node"};
    struct owner app = {.name = "node", .program = "app.js", .executable = "/usr/bin/node"};
    assert_false(owner_same_program(&god, &app));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_program_has_the_name_that_people_know),
        cmocka_unit_test(a_command_line_that_is_cut_is_not_read_beyond_its_end),
        cmocka_unit_test(programs_are_compared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
