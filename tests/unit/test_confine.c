/* The filter that a role installs: which calls it refuses. */
#include <errno.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/confine.h"
#include "run_filter.h"

/* Some that are refused: the first and the last of the list, and neighbours. */
static const long refused[] = {SYS_pivot_root,
                               SYS_chroot,
                               SYS_unshare,
                               SYS_setns,
                               SYS_ptrace,
                               SYS_process_vm_readv,
                               SYS_process_vm_writev,
                               SYS_kcmp,
                               SYS_bpf,
                               SYS_perf_event_open,
                               SYS_init_module,
                               SYS_finit_module,
                               SYS_delete_module,
                               SYS_reboot,
                               SYS_swapon,
                               SYS_swapoff,
                               SYS_acct,
                               SYS_quotactl,
                               SYS_sethostname,
                               SYS_setdomainname,
                               SYS_syslog,
                               SYS_add_key,
                               SYS_request_key,
                               SYS_keyctl,
                               SYS_open_by_handle_at,
                               SYS_personality,
                               SYS_seccomp,
                               425,
                               428,
                               429,
                               430,
                               431,
                               432,
                               438,
                               442};

static const long allowed[] = {SYS_read,
                               SYS_write,
                               SYS_close,
                               SYS_socket,
                               SYS_bind,
                               SYS_listen,
                               SYS_connect,
                               SYS_accept4,
                               SYS_sendmsg,
                               SYS_recvmsg,
                               SYS_setsockopt,
                               SYS_getsockopt,
                               SYS_exit_group,
                               SYS_setuid,
                               SYS_prctl,
                               SYS_getpid,
                               424,
                               426,
                               427,
                               433,
                               437,
                               439,
                               441,
                               443,
                               0x3fffffff};

static uint32_t run(uint32_t arch, long number) {
    struct seccomp_instruction program[CONFINE_MOST_INSTRUCTIONS];
    unsigned count = confine_program(program);
    struct seccomp_data data = {.nr = (int)number, .arch = arch};
    if (count == 0)
        skip();
    assert_in_range(count, 1, CONFINE_MOST_INSTRUCTIONS);
    return run_filter(program, count, &data);
}

static uint32_t own_arch(void) {
    struct seccomp_instruction program[CONFINE_MOST_INSTRUCTIONS];
    return confine_program(program) == 0 ? 0 : program[1].value;
}

static void the_list_is_refused_and_nothing_else(void **state) {
    (void)state;
    uint32_t arch = own_arch();
    unsigned count = 0;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        assert_int_equal(run(arch, refused[i]), SECCOMP_RET_ERRNO | EPERM);
    for (size_t i = 0; i < sizeof allowed / sizeof allowed[0]; i++)
        assert_int_equal(run(arch, allowed[i]), SECCOMP_RET_ALLOW);
    for (long number = 0; number < 2048; number++)
        count += run(arch, number) != SECCOMP_RET_ALLOW;
    assert_in_range(count, sizeof refused / sizeof refused[0], 42);
}

static void other_architectures_are_refused(void **state) {
    (void)state;
    assert_int_equal(run(own_arch() ^ 1, SYS_read), SECCOMP_RET_ERRNO | EPERM);
    assert_int_equal(run(own_arch(), 0x40000000L | SYS_read), SECCOMP_RET_ERRNO | EPERM); /* x32 */
}

/* personality(0xffffffff) only asks. A kernel without filters refuses nothing. */
static void the_kernel_refuses_them(void **state) {
    enum { NO_FILTERS = 77 };
    int status;
    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        bool allowed_before = personality(0xffffffffUL) >= 0;
        int error = confine((struct confine_needs){0});
        if (prctl(PR_GET_SECCOMP) != SECCOMP_MODE_FILTER)
            _exit(NO_FILTERS);
        bool refused_now = personality(0xffffffffUL) < 0 && errno == EPERM;
        _exit(error != 0 ? 1 : !allowed_before ? 2 : !refused_now ? 3 : 0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == NO_FILTERS)
        skip();
    assert_int_equal(status, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_list_is_refused_and_nothing_else),
        cmocka_unit_test(other_architectures_are_refused),
        cmocka_unit_test(the_kernel_refuses_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
