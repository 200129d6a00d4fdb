#!/bin/sh
# Want of memory, of descriptors or of processes is an ERROR with exit status 2, never a SKIP or a
# FAIL: it says nothing about the kernel or the host.
# shellcheck source=lib.sh
. "$(dirname "$0")/../lib.sh"

# sound: PASS, or exit status 2 and the errno.
sound() {
  case $rc in
    0) first_line_starts "PASS " ;;
    2) out_matches "$1" || err_says "Too many open files" || err_says "Cannot allocate memory" ||
      err_says "out of memory" || err_says "Resource temporarily unavailable" ;;
    127) err_has "error while loading shared libraries" ;; # before the program begins
    *) false ;;
  esac
}
limited="setpriv --bounding-set=-sys_resource" # root could raise the limit again
$limited true 2>/dev/null || limited=
for most in 4 5 6 7 8 9 10 11 12 16; do
  # shellcheck disable=SC2086 # the words are many
  run $limited sh -c 'ulimit -n "$1" && exec "$2" run time-wait-rebind' - $most "$portreuse"
  ok "at most $most descriptors: PASS, or exit 2 with the errno" sound EMFILE
done
# A leak check forks; and a sanitizer maps more than these limits.
export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0"
for most in 6000 8000 12000; do
  ! grep -q __asan_init "$portreuse" || continue
  run sh -c 'ulimit -v "$1" && exec "$2" run time-wait-rebind' - $most "$portreuse"
  ok "at most $most KiB of memory: PASS, or exit 2" sound ENOMEM
done
if is_root; then
  # A user that nobody is has no other process.
  run setpriv --reuid=4321 --regid=4321 --clear-groups \
    prlimit --nproc=1:1 "$portreuse" run time-wait-rebind
  ok "at most one process: exit 2" status_is 2
  ok "with the errno" sound EAGAIN
  ok "of every case" sh -c '! grep -q "not run" "$1"' - "$work/out"
  for command in "why --uid 4321 127.0.0.1:0" "trace -- true" "version -v" \
    "matrix --state BOUND --first 127.0.0.1 --second 127.0.0.1"; do
    # shellcheck disable=SC2086 # the words are many
    run setpriv --reuid=4321 --regid=4321 --clear-groups prlimit --nproc=1:1 "$portreuse" $command
    ok "$command: exit 2" status_is 2
    ok "with the errno" sound EAGAIN
  done
fi

if ! strace -f -qq -o /dev/null -e trace=unshare "$portreuse" run -q address-in-use >"$work/out" 2>&1; then
  skip "single calls that fail" "strace cannot trace here"
  finish
fi

# failing CALL ERRNO[:when=N] FILE_OR_NAME [STRACE_OPTION...]: runs it with such calls failing.
failing() {
  call=$1
  how=$2
  what=$3
  shift 3
  run timeout 60 strace -f -qq -o /dev/null "$@" -e trace="$call" -e inject="$call:error=$how" \
    "$portreuse" run "$what"
}
is_error() { [ "$rc" = 2 ] && first_line_starts "ERROR "; }

scenario sysctl <<'END'
title a sysctl
case it is written
  sysctl net.ipv4.tcp_fin_timeout 30
case another answer is expected
  sysctl net.ipv4.tcp_timestamps x -> EINVAL
END
run "$portreuse" run "$file"
ok "the sysctl can be written" status_is 0
for error in EMFILE ENFILE ENOMEM EIO; do
  failing openat $error "$file" -P /proc/sys/net/ipv4/tcp_fin_timeout
  ok "a sysctl that cannot be opened for $error: ERROR" is_error
  ok "with the file and the errno" out_says "the file of net.ipv4.tcp_fin_timeout could not be written: $error"
done

scenario needs <<'END'
title what is needed
needs ipv6
needs uids
needs IP_LOCAL_PORT_RANGE
case it is here
  a socket s tcp6
END
run "$portreuse" run "$file"
if [ "$rc" = 0 ] && first_line_starts PASS; then
  for when in 1 2 3 4; do
    failing socket EMFILE:when=$when "$file"
    ok "socket() number $when of a process fails with EMFILE: ERROR or PASS" sound EMFILE
    failing socket ENOBUFS:when=$when "$file"
    ok "and with ENOBUFS" sound ENOBUFS
  done
  failing clone EAGAIN:when=2+ "$file"
  ok "no process to try another user with: ERROR" is_error
else
  skip "what is needed and cannot be tried" "it is not here"
fi

scenario files <<'END'
title a file
case bind
  a socket s unix
  a bind s unix:x
END
failing unshare EMFILE:when=2 "$file"
ok "no directory for want of descriptors: ERROR" sound EMFILE
failing fsopen ENOMEM "$file"
ok "or of memory" sound ENOMEM

# What this kernel offers, if it cannot be asked.
for call in recvfrom setsockopt; do
  run timeout 60 strace -f -qq -o /dev/null -e trace=$call -e inject=$call:error=ENOBUFS "$portreuse" version -v
  ok "version -v: $call fails: exit 2" status_is 2
  ok "with the errno, and not as if the kernel lacked something" err_says "No buffer space available"
done

# A signal that comes in between changes no answer.
scenario datagram <<'END'
title a datagram
case it is sent
  a socket s udp4
  a bind s 127.0.0.1:1215
  b socket t udp4
  b send t 10 127.0.0.1:1215 -> 10
  a recv s -> 10
END
failing sendto EINTR:when=1 "$file"
ok "sendto() goes on after EINTR" status_is 0

# The errno of a step, too.
for error in ENOMEM ENOBUFS EIO EINTR; do
  failing listen $error time-wait-rebind
  ok "listen() that fails with $error: ERROR, not FAIL" is_error
done
failing clone3,clone EAGAIN:when=4 reuseport-balance
ok "a fork that fails with EAGAIN: ERROR" sound EAGAIN

# Waiting that fails.
scenario pieces <<'END'
title more is expected
setup
  server socket l
  server bind l 127.0.0.1:1215
  server listen l
case it does not come
  client socket c
  client connect c 127.0.0.1:1215
  server accept l d
  client send c 10
  server recv d 20 -> 20
END
nothing_is_left() { ! find /proc/[0-9]*/exe -lname "$portreuse" 2>/dev/null | grep .; }
failing ppoll ENOMEM "$file"
ok "the runner cannot wait: ERROR" is_error
ok "with the call and the errno" out_has "waiting for the case, ppoll(): ENOMEM"
ok "no process is left" nothing_is_left
failing poll ENOMEM "$file"
ok "a role cannot wait for more: ERROR, not FAIL" is_error
ok "with the errno" sound ENOMEM

finish
