#!/bin/sh
# What a caller may leave to portreuse: signals that are ignored, children, streams, a working directory
# that is gone, a /proc that is not all there. No answer is another one for that, and nothing hangs.
# shellcheck source=lib.sh
. "$(dirname "$0")/../lib.sh"

scenario lasting <<'END'
title a case that lasts
case it waits
  sleep 4s
END
lasting=$file
children() { cat "/proc/$1/task/$1/children" 2>/dev/null; }
# has_stage NUMBER: the runner has so many children, the last of which is a stage.
has_stage() {
  stage=$(children "$runner" | cut -d' ' -f"$1")
  [ -n "$stage" ]
}
ended() { ! kill -0 "$1" 2>/dev/null || grep -q '^State:.Z' "/proc/$1/status"; }
# end NAME: what runs in the background ends.
end() {
  ok "$1: it ends" await ended "$runner"
  rc=0
  kill -KILL "$runner" 2>/dev/null
  wait "$runner" || rc=$?
}

# --- signals ---

# Of a child nothing is left then, as if it had ended well.
if env --ignore-signal=CHLD true 2>/dev/null; then
  start() {
    env --ignore-signal=CHLD "$portreuse" run "$lasting" >"$work/out" 2>"$work/err" </dev/null &
    runner=$!
    until_ok has_stage 1
  }
  start
  kill -KILL "$stage"
  end "SIGCHLD is ignored, and the case's process is killed"
  ok "that is an ERROR" first_line_starts "ERROR lasting: the case's process was killed by SIGKILL"
  ok "exit 2" status_is 2
  start
  kill -TERM "$runner"
  end "SIGCHLD is ignored, and the run is interrupted"
  ok "that is an ERROR, too" first_line_starts "ERROR lasting: interrupted"
else
  skip "SIGCHLD is ignored" "this env(1) has no --ignore-signal"
fi

# --- children of the caller, which exec leaves to us ---

sh -c 'sleep 100 & echo $! >"$1"; exec "$2" run "$3"' - "$work/other" "$portreuse" "$lasting" \
  >"$work/out" 2>"$work/err" </dev/null &
runner=$!
until_ok has_stage 2
kill -TERM "$runner"
end "a run beside another child is interrupted"
ok "it is not killed for that" status_is 143
ok "and says so" first_line_starts "ERROR lasting: interrupted"
kill "$(cat "$work/other")"

# traces WHICH: beside another child, the one that `trace` watches is the first or the second.
traces() {
  rm -f "$work/watched" "$work/other"
  # shellcheck disable=SC2016 # it is the other shell's
  sh -c 'sleep 100 & first=$!; sleep 100 & second=$!
    if [ "$1" = first ]; then watched=$first other=$second; else watched=$second other=$first; fi
    echo $watched >"$2/watched"; echo $other >"$2/other"; exec "$3" trace --pid $watched' \
    - "$1" "$work" "$portreuse" >"$work/out" 2>"$work/err" </dev/null &
  runner=$!
  await grep -q "watching process" "$work/err"
}
if traces first; then
  kill -TERM "$runner"
  end "trace --pid of a child is told to end"
  ok "with status 0" status_is 0
  ok "the child goes on, unwatched" grep -q '^TracerPid:.0$' "/proc/$(cat "$work/watched")/status"
  kill "$(cat "$work/watched")" "$(cat "$work/other")"
  traces second
  kill "$(cat "$work/watched")"
  end "the child that trace --pid watches ends before another one"
  ok "that is its end, too" status_is 0
  kill "$(cat "$work/other")"
else
  kill "$(cat "$work/watched")" "$(cat "$work/other")"
  wait "$runner"
  skip "trace --pid of a child" "it cannot be traced here"
fi

# --- streams ---

python=/usr/bin/python3
[ -x $python ] || python=python3
if command -v $python >/dev/null; then
  cat >"$work/slow" <<'END'
import fcntl, os, subprocess, sys, time
reader, writer = os.pipe()
fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
os.set_blocking(writer, False)
child = subprocess.Popen(sys.argv[1:], stdout=writer)
time.sleep(0.3)
if os.get_blocking(writer):
    print("the flag has changed")
os.close(writer)
sys.stdout.buffer.write(open(reader, "rb").read())
sys.stdout.flush()
sys.exit(child.wait())
END
  "$portreuse" list --format json >"$work/want"
  run timeout 20 $python "$work/slow" "$portreuse" list --format json
  ok "a pipe that is O_NONBLOCK, with a slow reader: exit 0" status_is 0
  ok "all of it arrives" cmp "$work/want" "$work/out"
else
  skip "a pipe that is O_NONBLOCK" "python3 is not installed"
fi
if command -v $python >/dev/null; then
  cat >"$work/late" <<'END'
import os, subprocess, sys, time
reader, writer = os.pipe()
os.set_blocking(reader, False)
child = subprocess.Popen(sys.argv[1:], stdin=reader)
time.sleep(0.3)
os.write(writer, b"bind: 127.0.0.1:1: Permission denied\n")
os.close(writer)
sys.exit(child.wait())
END
  run timeout 20 $python "$work/late" "$portreuse" why -q -
  ok "one with a slow writer is read to its end" out_has " 127.0.0.1:1"
fi
run sh -c 'exec "$1" why - <"$2"' - "$portreuse" "$work"
ok "standard input that cannot be read: exit 2" status_is 2
ok "it is not called empty" err_has "portreuse why: reading standard input: Is a directory"

# --- the working directory ---

mkdir "$work/gone"
run sh -c 'cd "$1" && rmdir "$1" && exec "$2" why unix:sock' - "$work/gone" "$portreuse"
ok "no file can be made in a directory that was removed" first_line_starts "ENOENT sock: "

# --- /proc ---

if ! unshare -rm true 2>/dev/null; then
  skip "without /proc" "no mount namespace could be made to try it in"
elif ! grep -q __asan_init "$portreuse"; then # a sanitizer does not begin without /proc
  run unshare -rm sh -c 'mount -t tmpfs none /proc && exec "$1" why --all-netns 127.0.0.1:1' - "$portreuse"
  ok "without /proc, nobody has looked in all network namespaces" status_is 2
  ok "that is told" err_says "--all-netns: listing the processes in /proc: No such file or directory"
fi
if is_root && unshare -npfm true 2>/dev/null && command -v ip >/dev/null; then
  # hidden ARGUMENT...: as an ordinary user, from whom /proc hides the processes of root. One listens.
  hidden() {
    # shellcheck disable=SC2016 # it is the other shell's
    run unshare -npfm --kill-child sh -c 'mount -t proc -o hidepid=2 proc /proc && ip link set lo up || exit 99
      "$0" server 127.0.0.1:1215 >"$1" & shift
      until grep -q ":04BF 00000000:0000 0A" /proc/net/tcp; do sleep 0.01; done
      setpriv --reuid=65534 --regid=65534 --clear-groups "$0" "$@"' "$portreuse" "$work/served" "$@"
  }
  hidden why --pid 1 :80
  ok "hidepid: a process that is hidden is not called absent" err_has \
    "--pid 1: there is no such process, or /proc hides it (hidepid)"
  hidden trace --pid 1
  ok "trace knows that it is there" err_says "process 1 cannot be traced: it belongs to another user"
  hidden audit
  ok "audit says what it did not find" out_says \
    "The processes of some sockets were not found: /proc hides the processes of other users (hidepid)."
  hidden why -q --all-netns 127.0.0.1:1
  ok "and --all-netns what it may have left out" err_says "(hidepid): their network namespaces may be left out"
else
  skip "hidepid" "no namespaces could be made to try it in"
fi

finish
