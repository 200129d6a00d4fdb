/* A process: what /proc/PID shows, a descriptor borrowed from it, and the processor of our own. */
#ifndef PORTREUSE_KERNEL_PROCESS_H
#define PORTREUSE_KERNEL_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Keeps this process, and those that it forks from now on, on its present processor. A segment on
 * loopback waits in a queue of the sender's processor: with two processors a late segment can
 * arrive after its socket is gone, cause a reset, and so end a TIME-WAIT (RFC 1337). On a single
 * processor the order is kept, and a scenario runs the same way each time. If the kernel refuses
 * this, nothing happens. */
void process_stay_on_processor(void);

/* Moves this process to that processor, or with `elsewhere` to any other that it may use. If there
 * is none, or the kernel refuses this, nothing happens. */
void process_go_to_processor(int processor, bool elsewhere);

/* Moves this process into a new, empty directory in memory (tmpfs), which no path leads to and
 * every user may write to. It has a mount namespace of its own from then on, and is gone, with the
 * files in it, when the last process in it ends, however that ends. Returns 0 or an errno: EPERM
 * without CAP_SYS_ADMIN in its user namespace, ENOSYS before Linux 5.2. */
int process_enter_directory(void);

/* --- /proc --- */

/* Reads another tree than /proc, for the tests. `path` is borrowed; NULL is /proc again. */
void process_use_root(const char *path);

/* Called for each process id; false ends the visits. */
typedef bool process_visit(void *context, pid_t pid);

/* From now on process_each() visits the processes of this process group alone; 0: all of them. It
 * is for whoever knows that the others have nothing to do with a question, however many there are.
 */
void process_use_group(pid_t group);

/* The same for the processes in the network namespace that this process is in; false: all of them.
 */
void process_use_namespace(bool only);

/* Visits the processes that /proc shows. Returns 0 or an errno: that of opening /proc. */
int process_each(process_visit *visit, void *context);

/* Returns whether /proc can show every process of the host: this one is in the initial pid
 * namespace. */
bool process_sees_all(void);

/* Returns whether /proc hides processes of other users from this one (hidepid, systemd's
 * ProtectProc): process 1 exists, but has no directory. */
bool process_hides_others(void);

/* Reads at most `size` - 1 bytes of /proc/PID/NAME into `text` and ends them with a NUL. Returns
 * how many bytes were read, or -1 with errno set; `text` is then "". */
ssize_t process_read(pid_t pid, const char *name, char *text, size_t size);

/* Reads all of /proc/PID/NAME, whose length others decide about: a user in hundreds of groups, for
 * one, makes /proc/PID/status long. The caller frees `*text`. Returns as process_read() does. */
ssize_t process_read_all(pid_t pid, const char *name, char **text);

/* Returns the number behind a key in the text of /proc/PID/status, such as "TracerPid"; 0 if it is
 * not there. The other one reads that file itself; 0 if it cannot be read. */
long process_status_number(const char *status, const char *key);
long process_status(pid_t pid, const char *key);

/* Reads where the link /proc/PID/NAME leads, such as `exe`, into `text`, with a NUL. A file that
 * was deleted since is named without the kernel's " (deleted)". Returns the length, or -1 with
 * errno set; `text` is then "". */
ssize_t process_link(pid_t pid, const char *name, char *text, size_t size);

/* What /proc/PID/stat tells. */
struct process_stat {
    char state; /* R, S, D; T stopped by a signal, t by a debugger other than us; Z exited */
    pid_t parent, group;
    unsigned threads;
    uint64_t started; /* clock ticks since the machine started */
    uint64_t stack;   /* where its stack began at execve(2), which is another place each time; 0 if
                         that may not be read */
};

/* Returns false if there is no such process; `found` is then zero. */
bool process_stat(pid_t pid, struct process_stat *found);

/* How long and how often a process has run. */
struct process_runs {
    uint64_t ns, times;
};

/* Returns whether the process has one thread, and that sleeps; `runs` is then set. While it stays
 * the same, the process has not run, and so its descriptors are what they were. Where the kernel
 * does not count (CONFIG_SCHED_INFO), false. */
bool process_sleeps(pid_t pid, struct process_runs *runs);

/* Returns the user whose /proc/PID is: that of the process, or root if it may not be dumped.
 * Returns false if there is no such process. */
bool process_user(pid_t pid, uint32_t *uid);

/* Returns whether a signal does nothing to the process: it ignores the signal, or it is the first
 * of its pid namespace and does not catch it. False if that cannot be read. */
bool process_ignores(pid_t pid, int signal);

/* Returns 1 if the process is in the network namespace of this one, 0 if not, -1 if it is gone. No
 * right to look into it is needed. */
int process_in_namespace(pid_t pid);

/* Returns the number of the network namespace of the process, for comparing; 0 if it is gone. */
uint64_t process_namespace(pid_t pid);

/* Visits the children of a process, its zombies too. Where the kernel does not list them
 * (CONFIG_PROC_CHILDREN), all processes are visited. Returns 0 or an errno. */
int process_children(pid_t pid, process_visit *visit, void *context);

/* Called with each thread of a process other than its first, the leader; false ends the visits. */
typedef bool process_thread_visit(void *context, pid_t pid, pid_t thread);

/* Visits the threads that do not share the descriptors of the leader: they have a table of their
 * own (unshare(2) with CLONE_FILES), or the leader has exited. Where kcmp(2) is refused, all
 * threads are visited. Returns 0 or an errno: that of listing the threads. */
int process_own_tables(pid_t pid, process_thread_visit *visit, void *context);

/* --- descriptors --- */

/* Closes every descriptor of this process but the three streams and this one, which gets a high
 * number: the next ones that are opened are 3, 4, ..., as in any program. Returns that number. */
int process_keep_only(int fd);

/* Raises the limit of open descriptors as far as this process may, for those that it forks. A role
 * cannot do it itself: in a user namespace the hard limit cannot be raised (setrlimit(2)). */
void process_raise_limits(void);

/* Called with the inode of each socket that a process has open, and its descriptor there; false
 * ends the visits. */
typedef bool process_socket_visit(void *context, uint32_t inode, int fd);

/* Which descriptors to look at. */
struct process_walk {
    pid_t pid;
    pid_t thread;   /* with a table of its own; 0: the descriptors of the process */
    unsigned first; /* from this one on */
    unsigned most;  /* the lowest of these, about so many; UINT_MAX for all */
    bool rings; /* also the sockets that are registered with an io_uring, whose descriptor is then
                   that of the ring (io_uring_register_files(3)) */
    bool complete; /* set by the walk: there are no other descriptors */
    bool moved;    /* set by the walk: a descriptor was closed meanwhile, and may be another now */
};

/* Visits the sockets among the descriptors of a process. Returns 0 or an errno: ENOENT if there is
 * no such process or no /proc, EACCES without the right to look at all of them, EMFILE or the like
 * if not all could be looked at. */
int process_walk(struct process_walk *walk, process_socket_visit *visit, void *context);

/* The same for the lowest descriptors of a process. */
int process_sockets(pid_t pid, unsigned most, process_socket_visit *visit, void *context);

/* Returns whether a descriptor of a process lacks O_CLOEXEC, so that a program that the process
 * executes gets it; false if that cannot be read. */
bool process_passes_on(pid_t pid, int fd);

/* Returns the inode of the socket behind one descriptor of a process; 0 if it is not a socket, or
 * cannot be seen. */
uint32_t process_socket_at(pid_t pid, int fd);

/* Returns whether the process, or a thread of it with a table of its own if `thread` is not 0, has
 * the socket at the descriptor, or registered with the io_uring there. */
bool process_has_socket(pid_t pid, pid_t thread, int fd, uint32_t inode);

/* Returns how many descriptors were sent to the Unix socket behind this one and wait to be
 * received; 0 if that cannot be read. `thread` as above. */
unsigned process_awaited_descriptors(pid_t pid, pid_t thread, int fd);

/* Returns whether a process has a descriptor of io_uring(7); false too if it cannot be seen. */
bool process_has_ring(pid_t pid);

/* Returns about how many descriptors a process has; 0 if it cannot be seen. */
unsigned process_descriptor_count(pid_t pid);

/* Opens a descriptor that can be read, says poll(2), when the process has ended. Returns -1 with
 * errno set. The caller closes it. */
int process_pidfd(pid_t pid);

/* Duplicates the descriptor `fd` of a thread of a process, by pidfd_open(2) and pidfd_getfd(2)
 * (Linux 5.6); before Linux 6.9 that of the process, if the thread has a table of its own. Returns
 * a descriptor that the caller closes, or -1 with errno set: EPERM without ptrace rights, EBADF. */
int process_duplicate(pid_t pid, pid_t thread, int fd);

/* The same for a descriptor of the process, if it is the socket with this inode: else ESTALE, or
 * EBADF, as it was closed meanwhile. */
int process_borrow(pid_t pid, int fd, uint32_t inode);

#endif
