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

finish
