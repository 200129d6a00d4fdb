/* The stage: the process in which one case runs. It enters a network namespace, forks the roles,
 * drives them step by step, and writes what it finds on the board.
 *
 *   stage.c              what the case needs, and its course
 *   stage_needs.c        what the case needs and the kernel may lack
 *   stage_roles.c        the roles: forked, asked, ended
 *   stage_program.c      the roles that have become programs
 *   stage_quiet.c        all processes of such a program
 *   stage_hosts.c        the hosts: their namespaces, and the wire between them
 *   stage_environment.c  the steps of the environment
 *   stage_question.c     the steps that ask the tool itself
 *   stage_evidence.c     what was in the way of a call
 *   stage_known.c        the connections that there can be
 *   stage_table.c        a table of TCP connections for the case alone
 *   stage_unix.c         Unix sockets: await and count, why, evidence
 */
#ifndef PORTREUSE_ENGINE_STAGE_H
#define PORTREUSE_ENGINE_STAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/units.h"
#include "engine/board.h"
#include "engine/limits.h"
#include "engine/program.h"
#include "engine/protocol.h"
#include "kernel/netns.h"
#include "kernel/sockdiag.h"
#include "scenario/scenario.h"

struct stage_options {
    bool current; /* stay in the current namespace */
    bool timed;   /* the deadline is the one of --timeout */
    struct limits limits;
    uint64_t began_ns, deadline_ns; /* of the case, on the monotonic clock */
    int runner;                     /* a socket to the runner, for struct stage_event */
    bool tells_steps;
    bool ahead;    /* other cases are under way: make all that the case needs, say that it is ready,
                      and wait for word */
    int processor; /* to be on; -1: the kernel chooses */
    bool elsewhere; /* on another one, if there is one */
};

/* What the stage says to the runner; one message each. */
enum stage_event_kind {
    STAGE_READY,       /* all that the case needs is made; with `ahead` it waits for word */
    STAGE_STEP_BEGINS, /* with `tells_steps` */
    STAGE_STEP_ENDS,
    STAGE_DONE, /* the result is final; what is left is to end the roles. Not where the next case
                   has to wait for that: in the current namespace, and with programs */
};

struct stage_event {
    enum stage_event_kind kind;
    uint32_t step_index;         /* of a step, as what follows */
    uint64_t at_ns;              /* on the monotonic clock */
    struct step_outcome outcome; /* if it has ended; that of a serve block changes when it breaks */
};

/* The runner's word to a stage that was made ahead: the case begins now. */
struct stage_word {
    uint64_t began_ns, deadline_ns;
};

/* Runs the case of the board in the calling process, a fresh fork of the runner, and leaves the
 * result on the board. Every role is dead when it returns. With `ahead` the times in the options
 * become those of the runner's word; where the case could not be prepared while others were under
 * way, it returns without a word. */
void stage_run(struct board *board, struct stage_options *options);

/* --- for the parts of the stage --- */

enum stage_role_state {
    STAGE_ROLE_UNBORN,
    STAGE_ROLE_RUNS,
    STAGE_ROLE_SERVES,
    STAGE_ROLE_PROGRAM, /* its channel is closed */
    STAGE_ROLE_ENDED,
};

struct stage_role {
    enum stage_role_state state;
    pid_t pid;
    int status;               /* once it has ended: its wait status */
    int host;                 /* where it was forked, an index, or NO_HOST */
    int channel;              /* owned while it runs or serves */
    const struct step *serve; /* the block that it serves, or served last */

    /* A program, or what was to become one; stage_program.c */
    struct program_log *log;
    pid_t tracer;            /* or 0 */
    pid_t listener;          /* who reads what the program prints, or 0 */
    const struct step *exec; /* by which it has become a program */
    unsigned next_call[SOCKET_CALL_COUNT], next_listener; /* of the log, for the next step */
};

struct stage_host {
    struct netns ns; /* owned; fd -1 while it is off */
    int diag;        /* owned: a sock_diag socket in it, or -1 */
    unsigned port;   /* of the bridge */
    bool cut;        /* off the wire */
};

/* The value of a sysctl where portreuse was started: `$here`. */
struct outside_value {
    char *text;
    int error; /* why it could not be read, or 0 */
};

struct stage {
    const struct scenario *scenario;
    struct board *board;
    const struct stage_options *options;
    bool has_tried;       /* what the case needs of the kernel */
    bool entered;         /* it has its namespaces */
    int diag;             /* a sock_diag socket where the stage is, or -1: owned without hosts */
    int diag_error;       /* why it cannot be used, or 0 */
    sa_family_t families; /* of the sockets that can exist: AF_INET, or 0 for both */
    struct stage_role *roles;      /* owned, by the role's index */
    struct outside_value *outside; /* owned, by the step's index */
    struct stage_host *hosts;      /* owned, by the host's index; NULL: the scenario has none */
    struct netns middle;           /* owned, with hosts: where the bridge is */
    unsigned ports;                /* how many ports the bridge has had */
    int here;                      /* the host where the stage is; NO_HOST: in the middle */
};

/* Sets the case's reason; returns `outcome`. */
enum outcome stage_reason(struct stage *stage, enum outcome outcome, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* What to make of an errno that says that something cannot be had here: ERROR for want of memory,
 * descriptors or processes, which is no property of this host; otherwise SKIP. */
enum outcome stage_refusal(int error);

/* The same as stage_reason() where the case needs sock_diag, which does not work here. */
enum outcome stage_no_diag(struct stage *stage, int error);

/* The same where the socket that an address is taken from has no endpoint. */
enum outcome stage_no_endpoint(struct stage *stage, const struct step *step);

/* The time left until the case's deadline, in nanoseconds; 0 when it is over. */
uint64_t stage_time_left(const struct stage *stage);

/* The index of a step in the scenario. */
uint32_t stage_index(const struct stage *stage, const struct step *step);

/* Returns whether the answer to a step is as expected, but for the time that it took. */
bool stage_met(const struct stage *stage, const struct step *step, const struct reply *reply);

/* --- stage_needs.c --- */

/* Tries what the header of the scenario needs. SKIP if something is not here. */
enum outcome stage_probe_needs(struct stage *stage);

/* Returns SKIP if the kernel has not this sysctl, or has not taken the value: `error` is what
 * writing it gave. For a step that expects `ok`. */
enum outcome stage_check_sysctl(struct stage *stage, const struct step *step, const char *wrote,
                                int error);

/* Returns SKIP if a socket option is unknown, or MPTCP; ERROR if the call failed for want of memory
 * or descriptors. For an answer that is not as expected. */
enum outcome stage_check_answer(struct stage *stage, const struct reply *reply);

/* Returns SKIP if the case has not gone as expected in a namespace that is not private, and that is
 * set up otherwise than one in which every case must pass. */
enum outcome stage_check_surroundings(struct stage *stage);

/* --- stage_known.c --- */

/* Returns whether all TCP connections in the case's namespace are ones that a socket of the roles
 * has or had. */
bool stage_knows_connections(const struct stage *stage);

/* Where they are known: visits those that the query asks for, and the sockets that are bound and
 * idle, but no listeners. Returns 0 or an errno. */
int stage_visit_known(const struct stage *stage, const struct diag_query *query,
                      sockdiag_visit *visit, void *context);

/* --- stage_table.c --- */

/* Has the namespaces that are made from now on in the present one have tables of their own. Returns
 * 0 or an errno: ENOENT where the kernel has no such tables. */
int stage_want_own_tables(void);

/* The kernel derives some limits from the size of the table: in the present namespace they become
 * those of `middle`, as they would be without a table of its own. */
void stage_keep_limits(struct netns middle);

/* In a private namespace: goes to a further one, with a table of its own, if the case gains by
 * that. Returns 0 or an errno. */
int stage_enter_own_table(const struct stage *stage);

/* --- stage_unix.c --- */

/* Visits the Unix sockets that a step asks for, in these states. Each has its state and its inode,
 * but no endpoint. Returns 0 or an errno. */
int stage_dump_unix(const struct stage *stage, const struct step *step, uint32_t states,
                    sockdiag_visit *visit, void *context);

/* Returns whether the address is that of a Unix socket. */
bool stage_is_unix(const struct stage *stage, const struct address *address);

/* Finds out why bind(), or for a client connect(), to the name of a Unix socket is refused, and
 * keeps it as evidence, without the roles that have the socket (stage_name_owners()). Returns the
 * errno, or 0 if it would succeed now. */
int stage_why_unix(const struct stage *stage, const struct address *address, bool client,
                   struct evidence *evidence);

/* --- stage_roles.c --- */

/* Has the role do the step, forking it first if it does not exist, and waits for its reply until
 * the deadline (ANSWER_NONE). */
enum outcome stage_ask(struct stage *stage, const struct step *step, struct reply *reply);

/* Receives what a serving role has said without being asked: its block met an unexpected answer,
 * which is then in `reply`. Does not wait. `*role` is its index, or NO_ROLE if no role has said
 * anything. */
enum outcome stage_poll_serving(struct stage *stage, int *role, struct reply *reply);

/* Has a serving role stop, and fills `reply` with what its block has answered, as an answer to
 * `step`. */
enum outcome stage_stop_serving(struct stage *stage, int role, const struct step *step,
                                struct reply *reply);

/* ERROR if a role has died that no step has ended: no answer counts then. */
enum outcome stage_check_roles(struct stage *stage);

/* Forks the roles that the case has from the start, where there are no hosts: so no step has to
 * wait for that. One that cannot be forked now is tried again when its first step comes. */
void stage_raise_roles(struct stage *stage);

/* Kills and reaps every role; or those that are on a host. */
void stage_end_roles(struct stage *stage);
void stage_end_roles_on(struct stage *stage, int host);

/* Has the role do a step after which it may be gone for the stage: `*left` says whether it has
 * closed its channel instead of a reply. `fd` goes with the request. */
enum outcome stage_ask_to_leave(struct stage *stage, const struct step *step, int fd,
                                struct reply *reply, bool *left);

/* Waits for a role that is ending or dead, unless that is done, and returns its wait status. */
int stage_reap(struct stage *stage, int role);

/* --- stage_program.c --- */

/* Ends all roles, and all that the programs have started, and keeps what those have printed if the
 * case has not passed. */
void stage_end_programs(struct stage *stage);

/* --- stage_hosts.c --- */

/* Makes the hosts of the scenario, if it has any, and goes to the first one. _try tries for a
 * scenario without hosts whether they could be made. SKIP where they cannot. */
enum outcome stage_make_hosts(struct stage *stage);
enum outcome stage_try_hosts(struct stage *stage);

/* Goes to a host, or to the middle. Does nothing in a scenario without hosts. */
enum outcome stage_go(struct stage *stage, int host);

/* Returns whether a step is done on a host that is off: there are no sockets. */
bool stage_is_off(const struct stage *stage, const struct step *step);

/* Closes what the hosts have open, when the roles are dead. */
void stage_end_hosts(struct stage *stage);

/* --- stage_environment.c --- */

/* Reads the sysctls that the case takes over from the namespace that the stage is about to leave.
 * The values are the arena's. */
void stage_read_outside(struct stage *stage, struct arena *arena);

/* Has the kernel destroy all sockets in these states, as far as it can. */
void stage_abort_sockets(int diag, uint32_t states);

/* --- stage_evidence.c --- */

/* Finds out what was in the way of a call that failed with EADDRINUSE or EADDRNOTAVAIL: `call` is
 * the step, in a block one of its body, that made it. */
void stage_evidence(struct stage *stage, const struct step *call, int error,
                    struct evidence *evidence);

/* Names the roles that have or had the sockets of this evidence, instead of their processes. */
void stage_name_owners(struct stage *stage, struct evidence *evidence);

#endif
