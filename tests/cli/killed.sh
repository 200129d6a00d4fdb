#!/bin/sh
# Processes of a run that somebody kills or stops: the run ends, says what has happened, and calls it
# an ERROR.
# shellcheck source=lib.sh
. "$(dirname "$0")/../lib.sh"

scenario lasting <<'END'
title a case that lasts
setup
  server socket l SO_REUSEADDR
  server bind l 127.0.0.1:1215
  server listen l
  client socket c
case it waits
  sleep 4s
  client connect c 127.0.0.1:1215
END

children() { cat "/proc/$1/task/$1/children" 2>/dev/null; }
child() { # NUMBER PID
  children "$2" | cut -d' ' -f"$1"
}
has_roles() {
  stage=$(child 1 "$runner")
  [ -n "$stage" ] && second=$(child 2 "$stage") && [ -n "$second" ] && first=$(child 1 "$stage")
}
# start [OPTION...]: a run in the background; its runner, stage and roles.
start() {
  "$portreuse" run "$@" "$file" >"$work/out" 2>"$work/err" </dev/null &
  runner=$!
  until_ok has_roles
}
gone() { ! kill -0 "$1" 2>/dev/null; }
end() {
  rc=0
  wait "$runner" || rc=$?
  ok "$1: no process is left" await gone "$stage"
}

start
kill -KILL "$stage"
end "the case's process is killed"
ok "exit 2" status_is 2
ok "the signal is told, and who has not sent it" out_says \
  "the case's process was killed by SIGKILL, not by portreuse (pid $stage)"

start
kill -TERM "$stage"
end "the case's process is terminated"
ok "another signal, too" out_says "was killed by SIGTERM, not by portreuse"

# The role that listens is not asked for anything when it dies.
start
kill -KILL "$first"
end "a role is killed"
ok "exit 2" status_is 2
ok "that is no FAIL of connect()" first_line_starts "ERROR lasting: "
ok "the role and the signal are told" out_says \
  "the process of role 'server' was killed by SIGKILL, which no step has sent"

start
kill -KILL "$second"
end "the role whose turn comes is killed"
ok "it is told, too" out_says "the process of role 'client' was killed by SIGKILL"

start --timeout 5s
kill -STOP "$second"
end "a role is stopped"
ok "exit 2" status_is 2
ok "that is no FAIL of connect(), either" first_line_starts "ERROR lasting: "
ok "the role and the signal are told" out_says \
  "the process of role 'client' is stopped by SIGSTOP, which no step has sent"
start --timeout 6s
kill -STOP "$first"
end "a role that is not asked for anything is stopped"
ok "exit 2" status_is 2
ok "it is told, too" out_says "the process of role 'server' is stopped by SIGSTOP"
start --timeout 6s
kill -STOP "$second"
sleep 0.2
kill -CONT "$second"
end "a role is stopped, and goes on"
ok "that changes nothing" status_is 0
start --timeout 5s
kill -STOP "$stage"
end "the case's process is stopped"
ok "the deadline is told, and what was done" out_says "did not end in time (--timeout): the case was killed by SIGKILL"

# A program, and the process that watches it.
scenario program <<'END'
title a program that lasts
case it waits
  app exec sleep 97
  app calls bind within 100ms -> timeout
  sleep 2s
END
find_program() {
  for app in $(children "$stage"); do
    ! grep -q '^sleep$' "/proc/$app/comm" || break
  done
  tracer=$(sed -n 's/^TracerPid:[[:space:]]*//p' "/proc/$app/status")
}
has_program() {
  has_roles && find_program && grep -q '^sleep$' "/proc/$app/comm" && [ "${tracer:-0}" != 0 ]
}
# start_program: the same with a program; its process, and its tracer.
start_program() {
  "$portreuse" run "$file" >"$work/out" 2>"$work/err" </dev/null &
  runner=$!
  until_ok has_program
}
for signal in KILL TERM; do
  start_program
  kill -s $signal "$app"
  end "SIG$signal for a program"
  ok "exit 2" status_is 2
  ok "it is told" out_says "the program of role 'app' was killed by SIG$signal, which no step has sent"
done
start_program
kill -KILL "$tracer"
end "the tracer of a program is killed"
ok "exit 2" status_is 2
ok "it is told" out_says \
  "the tracer of the program of role 'app' was killed by SIGKILL, which no step has sent"
ok "the program is gone" await gone "$app"
start_program
for reader in $(children "$stage"); do
  [ "$reader" = "$app" ] || [ "$reader" = "$tracer" ] || break
done
kill -KILL "$reader"
end "who reads the output of a program is killed"
ok "exit 2" status_is 2
ok "it is told" out_says \
  "the reader of the output of the program of role 'app' was killed by SIGKILL, which no step has sent"
cat >>"$file" <<'END'
case another one says how a program of the same role ends
  app exec true
  app wait -> exit 0
END
start_program
kill -KILL "$app"
end "a program is killed whose end only another case expects"
ok "exit 2" status_is 2
ok "it is told" out_says "the program of role 'app' was killed by SIGKILL, which no step has sent"
sed -i '/^case another/,$d' "$file"
start_program
kill -STOP "$app"
end "a program is stopped"
ok "exit 2" status_is 2
ok "it is told" out_says "the program of role 'app' is stopped by SIGSTOP, which no step has sent"
start_program
kill -STOP "$tracer"
end "the tracer of a program is stopped"
ok "exit 2" status_is 2
ok "it is told" out_says "the tracer of the program of role 'app' is stopped by SIGSTOP"
sed -i '$a \  app wait within 1s -> SIGTERM' "$file"
start_program
kill -TERM "$app"
end "a program whose end is expected"
ok "that is no error" status_is 0

# The tracer of `trace` is told to end while the program runs: the program cannot go on without it.
"$portreuse" trace -- sleep 97 >"$work/out" 2>"$work/err" </dev/null &
runner=$!
is_traced() {
  for app in $(children "$runner"); do
    tracer=$(sed -n 's/^TracerPid:[[:space:]]*//p' "/proc/$app/status")
    [ "${tracer:-0}" = 0 ] || ! grep -q '^sleep$' "/proc/$app/comm" || return 0
  done
  return 1
}
until_ok is_traced
stage=$app
kill -TERM "$tracer"
end "the tracer of trace is told to end"
ok "the program was killed, which is not its own end" status_is 2
ok "and that is told" err_has "portreuse trace: the tracer had to end; the program was killed with it"

# Another process has the stage's end of the socket to the runner.
keep_socket() { # PID: a copy of descriptor 200, until standard input ends
  exec python3 -c 'import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
pidfd = libc.syscall(434, int(sys.argv[1]), 0)
sys.exit(1) if libc.syscall(438, pidfd, 200, 0) < 0 else print("has it", flush=True)
sys.stdin.read()' "$1"
}
file=$work/lasting.scenario
start
mkfifo "$work/until"
keep_socket "$stage" <"$work/until" >"$work/keeper" 2>/dev/null &
exec 8>"$work/until"
if command -v python3 >/dev/null && await test -s "$work/keeper"; then
  kill -KILL "$stage"
  ended() { ! kill -0 "$runner" 2>/dev/null || grep -q '^State:.Z' "/proc/$runner/status"; }
  ok "the run ends although the socket stays open" await ended
else
  kill -KILL "$stage"
  skip "the run ends although the socket stays open" "no process may take the socket (python3, Yama)"
fi
exec 8>&-
end "the socket stays open"
ok "it is told what has happened" out_says "was killed by SIGKILL, not by portreuse"

finish
