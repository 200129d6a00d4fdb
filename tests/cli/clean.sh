#!/bin/sh
# Nothing is left behind, however a run ends: no process, no network namespace, no file.
#
# Where it may, it runs in a namespace of process ids of its own: what other programs start and end
# meanwhile is then not counted.
if [ -z "${CLEAN_ALONE:-}" ] && unshare -pf --mount-proc true 2>/dev/null; then
  CLEAN_ALONE=1 exec unshare -pf --kill-child --mount-proc "$0" "$@"
fi
# shellcheck source=lib.sh
. "$(dirname "$0")/../lib.sh"

# A case that would run for a long time, with a role that serves, one that was forked, one that
# blocks, and connections in every direction.
scenario lasting <<'S'
title  A case that lasts
case one
  server   socket   l
  server   bind     l 127.0.0.1:4000
  server   listen   l
  server   fork     heir
  server   serve
    accept l p
    recv   p -> eof
  end
  client   socket   c
  client   connect  c 127.0.0.1:4000
  heir     socket   other
  heir     bind     other 127.0.0.1:4001
  heir     listen   other
  heir     accept   other p
S

# The network namespaces that our processes are in, and those that any process is in. Others may make
# namespaces meanwhile: only ours are looked for.
our_namespaces() {
  our_processes | while read -r exe; do readlink "${exe%/exe}/ns/net"; done |
    grep -vxF "$(readlink /proc/self/ns/net)" | sort -u
}
namespaces() { readlink /proc/[0-9]*/ns/net 2>/dev/null | sort -u; }
files() {
  find /tmp /var/tmp /dev/shm -mindepth 1 -maxdepth 1 -newer "$work/portreuse" -name '*portreuse*' \
    2>/dev/null
}

nothing_left() { [ -z "$(our_processes)" ]; }
no_namespace_left() { [ -n "$ours" ] && ! namespaces | grep -qxF "$ours"; }
# Roles of the case: the runner, the stage, server, client, heir.
all_run() { [ "$(our_processes | wc -l)" = 5 ]; }
has_ended() { ! readlink "/proc/$runner/exe" >/dev/null; }
# $ours is what our processes had last, as a case may end before a busy machine has seen all of its roles.
look_at_namespaces() {
  seen=$(our_namespaces)
  ours=${seen:-$ours}
}
all_run_or_ended() {
  look_at_namespaces
  all_run || has_ended
}

touch "$work/out" "$work/err" "$work/ok"
sleep 0.01 # files made from here on are newer than the copy of the program
cd "$work" || exit 1
find . -mindepth 1 | sort >"$work.list"

run "$portreuse" run -q address-in-use time-wait-rebind
ok "a run that ends leaves no process" nothing_left

start_lasting() { # [COMMAND...]: starts it in the background with signals as in a terminal
  env --default-signal=INT,TERM,HUP "$@" "$portreuse" run --timeout "${timeout:-60s}" "$file" \
    >"$work/out" 2>"$work/err" &
  runner=$!
  ours=
  await all_run_or_ended
  look_at_namespaces
}

for signal in INT TERM HUP; do
  start_lasting
  ok "before SIG$signal the case runs with all its roles" all_run
  kill -s $signal $runner
  rc=0
  wait $runner || rc=$?
  ok "SIG$signal leaves no process" nothing_left
  ok "and no namespace" no_namespace_left
  ok "the exit status tells the signal" test "$rc" = $((128 + $(kill -l $signal 2>/dev/null |
    grep -E '^[0-9]+$' || case $signal in INT) echo 2 ;; TERM) echo 15 ;; *) echo 1 ;; esac)))
  ok "the report says that it was interrupted" first_line_is "ERROR lasting: interrupted"
done

start_lasting
ok "before SIGKILL the case runs with all its roles" all_run
kill -9 $runner
wait $runner 2>/dev/null
ok "SIGKILL of the runner leaves no process" await nothing_left
ok "and no namespace" await no_namespace_left

start_lasting
stage=$(pgrep -P $runner)
kill -9 "$stage"
rc=0
wait $runner || rc=$?
ok "SIGKILL of a case's process is an ERROR" status_is 2
ok "and told" first_line_starts "ERROR lasting: the case's process was killed"
ok "and leaves no process" nothing_left

start_lasting
role=$(pgrep -P "$(pgrep -P $runner)" | head -n 1)
kill -9 "$role"
rc=0
wait $runner || rc=$?
ok "SIGKILL of a role is an ERROR" status_is 2
ok "and leaves no process" nothing_left

timeout=5s start_lasting
rc=0
wait $runner || rc=$?
ok "a case that is cut off at its deadline is a FAIL" status_is 1
ok "it leaves no process" nothing_left
ok "and no namespace" no_namespace_left

timeout=1s start_lasting
kill -STOP "$(pgrep -P $runner)"
rc=0
wait $runner || rc=$?
ok "a case's process that keeps no deadline is killed, and the step is told" first_line_starts \
  "ERROR lasting: line 16: accept did not end in time (--timeout)"
ok "which is an ERROR, and leaves no process" sh -c '[ "$1" = 2 ] && [ -z "$2" ]' - "$rc" "$(our_processes)"

if is_root && users_may; then
  start_lasting setpriv --reuid=65534 --regid=65534 --clear-groups
  ok "as an ordinary user it runs" all_run
  kill -9 "$(our_processes | head -n 1 | cut -d/ -f3)"
  kill -9 $runner 2>/dev/null
  wait $runner 2>/dev/null
  ok "and leaves no process after SIGKILL" await nothing_left
fi

# A child that the program did not start, but inherited with exec, is neither waited for nor killed.
sh -c 'sleep 30 & echo $! >"$1"; exec "$2" run -q address-in-use' - "$work/pid" "$portreuse" \
  >"$work/out" 2>"$work/err"
ok "somebody else's child is not killed" kill -0 "$(cat "$work/pid")"
kill "$(cat "$work/pid")"

ok "no file is left in the usual places" test -z "$(files)"
rm -f "$work/pid"
find . -mindepth 1 | sort | diff - "$work.list" >"$work.new"
ok "nor where it was run" test ! -s "$work.new"
rm "$work.list" "$work.new"
finish
