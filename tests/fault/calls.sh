#!/bin/sh
# System calls that fail: strace lets them. Whatever fails, the run ends in time, with ERROR or SKIP
# and a reason, and leaves nothing behind.
# shellcheck source=lib.sh
. "$(dirname "$0")/../lib.sh"

our_processes() {
  for exe in /proc/[0-9]*/exe; do
    [ "$(readlink "$exe" 2>/dev/null)" = "$portreuse" ] && echo "$exe"
  done
  true
}
nothing_left() { [ -z "$(our_processes)" ]; }
not_a_verdict_of_the_kernel() { [ "$rc" = 2 ] || first_line_starts "SKIP "; }

# broken CALL ERRNO WHEN: each call of the WHENth on fails, in every process.
broken() {
  run timeout 20 strace -f -qq -o /dev/null -e trace="$1" -e inject="$1:error=$2:when=$3" \
    "$portreuse" run --timeout 5s time-wait-rebind
  ok "$1 fails with $2 ($3): it ends in time" test "$rc" != 124
  ok "$1 fails with $2 ($3): neither PASS nor FAIL" not_a_verdict_of_the_kernel
  ok "$1 fails with $2 ($3): a reason is told" out_matches '^(ERROR|SKIP) time-wait-rebind: .{8,}'
  ok "$1 fails with $2 ($3): no process is left" nothing_left
}

run timeout 20 strace -f -qq -o /dev/null -e trace=unshare "$portreuse" run -q time-wait-rebind
if [ "$rc" != 0 ]; then
  skip "system calls that fail" "strace cannot trace here"
  finish
fi
broken unshare EPERM 1+
broken unshare ENOSPC 1+
broken socketpair EMFILE 1+
broken socketpair EMFILE 3+
broken clone EAGAIN 1+
broken clone EAGAIN 2+
broken clone EAGAIN 4+
broken ioctl EPERM 1+
broken sendmsg ENOBUFS 1+
broken sendmsg EPIPE 3
broken recvmsg EBADF 2
broken recvmsg ENOMEM 2
ok "recvmsg fails with ENOMEM (2): the errno is told" out_has ENOMEM
broken recvfrom ENOBUFS 1+

# What is refused once, while other stages are there, is tried again when they are gone.
passes_once() { # CALL ERRNO WHEN
  run timeout 20 strace -f -qq -o /dev/null -e trace="$1" -e inject="$1:error=$2:when=$3" \
    "$portreuse" run --timeout 5s time-wait-rebind
  ok "$1 fails with $2 once ($3): it is tried again" first_line_is \
    "PASS time-wait-rebind: 4 cases, all as expected"
  ok "$1 fails with $2 once ($3): no process is left" nothing_left
}
passes_once socketpair EMFILE 3
passes_once clone EAGAIN 4

# What a report in JSON says of the machine is not made up.
run timeout 20 strace -f -qq -o /dev/null -e trace=clone -e inject=clone:error=EAGAIN:when=1 \
  "$portreuse" run --format json time-wait-rebind
ok "a machine that cannot be looked at: no report" out_is_empty
ok "exit 2" status_is 2
ok "and why" err_has "portreuse run: looking at what this machine allows: making a process: Resource temporarily unavailable"
run timeout 20 strace -f -qq -o /dev/null -e trace=socket -e inject=socket:error=EMFILE \
  "$portreuse" run --format json time-wait-rebind
ok "no descriptors to look with: exit 2" status_is 2
ok "and why, instead of a kernel without sock_diag" err_has \
  "looking at what this machine allows: trying what is possible: Too many open files"

# What fails beside the case is told beside it.
run timeout 20 strace -f -qq -o /dev/null -e trace=prlimit64 -e inject=prlimit64:error=EPERM \
  "$portreuse" run -q time-wait-rebind
ok "a limit that cannot be raised does no harm" first_line_starts "PASS"
run timeout 20 strace -f -qq -o /dev/null -e trace=sched_setaffinity \
  -e inject=sched_setaffinity:error=EPERM "$portreuse" run -q address-in-use
ok "nor does a processor that cannot be chosen" first_line_starts "PASS"
run timeout 20 strace -f -qq -o /dev/null -e trace=getsockopt -e inject=getsockopt:error=ENOPROTOOPT \
  "$portreuse" run -q time-wait-rebind
ok "nor an option that this kernel does not know" first_line_starts "PASS"

finish
