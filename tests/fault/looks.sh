#!/bin/sh
# System calls that fail under why, budget and audit: strace lets them. Whatever fails, there is an
# answer, and never one that was not found out.
# shellcheck source=lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=situation.sh
. "$here/../situation.sh"

# fails CALL INJECTION COMMAND...: runs the command with the call failing so.
fails() {
  call=$1
  injection=$2
  shift 2
  run timeout 20 strace -f -qq -o /dev/null -e trace="$call" -e inject="$call:$injection" \
    "$portreuse" "$@" --pid "$pid"
}

begin inherited
run timeout 20 strace -f -qq -o /dev/null -e trace=bind "$portreuse" why -q --pid "$pid" 127.0.0.1:2000
if [ "$rc" != 1 ]; then
  skip "system calls that fail" "strace cannot trace here"
  end
  finish
fi
for injection in error=EPERM error=ENOSYS; do
  fails pidfd_getfd $injection why 127.0.0.1:2000
  ok "without pidfd_getfd ($injection) the cause is the same" out_has "  address-in-use: "
  ok "and of the socket's options nothing is said" out_matches "LISTEN 127.0.0.1:2000\$"
done
fails recvfrom error=EIO why 127.0.0.1:2000
ok "without sock_diag nobody knows what is in the way" first_line_starts \
  "UNKNOWN 127.0.0.1:2000: listing the sockets in the way: EIO"
ok "and nothing is said of what this kernel lists" out_lacks "this kernel"
fails socket error=EMFILE:when=3 why 127.0.0.1:2000
ok "a look that failed was no change" first_line_starts "EADDRINUSE 127.0.0.1:2000: "
fails readlinkat error=EIO why 127.0.0.1:2000
ok "where processes cannot be read that is told" out_says "the processes could not all be read: EIO"
fails getdents64 error=EIO why 127.0.0.1:2000
ok "without /proc the listener is" out_has "  address-in-use: "
for command in "why 127.0.0.1:2000" budget audit; do
  # shellcheck disable=SC2086 # the words are to be parted
  for what in "setns error=EPERM" "clone error=EAGAIN"; do
    fails ${what% *} ${what#* } $command
    ok "${command%% *}: $what: exit 2" status_is 2
    ok "${command%% *}: $what: UNKNOWN" first_line_starts UNKNOWN
  done
done
for command in budget audit; do
  fails recvfrom error=ENOBUFS $command
  ok "$command: without sock_diag it is UNKNOWN" first_line_starts "UNKNOWN listing the TCP sockets"
done
fails recvfrom error=ENOMEM:when=3 audit
ok "audit: UDP servers that could not be listed are told with the errno" first_line_starts \
  "UNKNOWN listing the UDP sockets (sock_diag): ENOMEM"
fails recvfrom error=ENOMEM:when=4 why 127.0.0.1:2001
ok "what could not be listed on a free port, too" out_says "not known: listing them failed: ENOMEM"
# The file of a Unix socket, or its directory, that cannot be looked at for want of memory is not absent.
for what in file directory; do
  path=$work/none.sock
  [ $what = file ] || path=$work
  run timeout 20 strace -f -qq -o /dev/null -P "$path" -e trace=newfstatat,faccessat,faccessat2 \
    -e inject=newfstatat,faccessat,faccessat2:error=ENOMEM "$portreuse" why "unix:$work/none.sock"
  ok "a look at the $what that fails is no answer" first_line_is \
    "UNKNOWN $work/none.sock: looking at the file of the socket: ENOMEM"
done
# unread NAME COMMAND...: the command cannot read this setting.
unread() {
  setting=/proc/sys/net/ipv4/$1
  shift
  run timeout 20 strace -f -qq -o /dev/null -P "$setting" -e trace=openat -e inject=openat:error=EACCES \
    "$portreuse" "$@" --pid "$pid"
}
unread ip_local_port_range why 127.0.0.1:0
ok "a range that cannot be read: UNKNOWN, with the file" first_line_starts \
  "UNKNOWN port 0: reading /proc/sys/net/ipv4/ip_local_port_range: EACCES"
ok "and exit 2" status_is 2
unread ip_local_port_range why --as client 127.0.0.1:2000
ok "a client too" first_line_starts "UNKNOWN port 2000: reading /proc/sys/net/ipv4/ip_local_port_range: EACCES"
unread ip_local_port_range why 127.0.0.1:40000
ok "of a port that is given the answer stands" first_line_starts "FREE 127.0.0.1:40000: "
ok "but not that it is in a range that nobody knows" out_lacks "is in the range"
ok "and what could not be read is told" out_says "default: reading /proc/sys/net/ipv4/ip_local_port_range: EACCES"
for command in budget audit; do
  unread ip_local_port_range $command
  ok "$command too" first_line_starts "UNKNOWN reading /proc/sys/net/ipv4/ip_local_port_range: EACCES"
done
fails socket error=EMFILE:when=1+ why 127.0.0.1:2000
ok "without descriptors it is UNKNOWN" first_line_starts "UNKNOWN 127.0.0.1:2000: socket: EMFILE"
end

# Where all local ports are taken, the source address is asked for by another socket.
begin exhausted
never_the_address() {
  for when in $(seq 20); do
    fails socket error=EMFILE:when="$when" why --as client 127.0.0.1:3000
    out_lacks "no address here can be the source" || return 1
  done
}
run "$portreuse" why --as client --pid "$pid" 127.0.0.1:3000
ok "all local ports are taken" first_line_starts "EADDRNOTAVAIL"
ok "that is not called a want of an address if a socket could not be made" never_the_address
end

finish
