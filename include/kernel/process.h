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

/* Called for each process id; false ends the visits. */
typedef bool process_visit(void *context, pid_t pid);

/* Visits the processes that /proc shows. Returns 0 or an errno: that of opening /proc. */
int process_each(process_visit *visit, void *context);

/* Returns whether /proc can show every process of the host: this one is in the initial pid
 * namespace. */
bool process_sees_all(void);

/* Reads at most `size` - 1 bytes of /proc/PID/NAME into `text` and ends them with a NUL. Returns
 * how many bytes were read, or -1 with errno set; `text` is then "". */
ssize_t process_read(pid_t pid, const char *name, char *text, size_t size);

/* Called with the inode of each socket that a process has open, and its descriptor there; false
 * ends the visits. */
typedef bool process_socket_visit(void *context, uint32_t inode, int fd);

/* Visits the sockets among the descriptors of a process: the lowest, about `most` of them (UINT_MAX
 * for all). Returns 0 or an errno: ENOENT if there is no such process or no /proc, EACCES without
 * permission. */
int process_sockets(pid_t pid, unsigned most, process_socket_visit *visit, void *context);

/* Returns the inode of the socket behind one descriptor of a process; 0 if it is not a socket, or
 * cannot be seen. */
uint32_t process_socket_at(pid_t pid, int fd);

/* Returns about how many descriptors a process has; 0 if it cannot be seen. */
unsigned process_descriptor_count(pid_t pid);

/* Duplicates the descriptor `fd` of a process, by pidfd_open(2) and pidfd_getfd(2) (Linux 5.6), if
 * it is the socket with this inode. Returns a descriptor that the caller closes, or -1 with errno
 * set: EPERM without ptrace rights, EBADF or ESTALE if it was closed meanwhile. */
int process_borrow(pid_t pid, int fd, uint32_t inode);

#endif
