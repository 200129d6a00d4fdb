#!/bin/sh
# Fuzzes the whole program: runs it, built with ASan and UBSan, on scenarios and command lines that
# chance has made, in namespaces of its own. These must hold: no signal, no report of a sanitizer, an
# exit status that is documented, a complaint whenever it is 2; `check` and `run` agree about the
# language; the same verdict when run twice; text and the other formats agree; no process, file or mount
# is left. Exit status 1 if something was wrong; the last lines say how much was tried.
#
# usage: tests/fuzz/end_to_end.sh [SECONDS [SEED [NUMBER]]]   (60 s; seed 1; NUMBER: that one alone)
#
# PORTREUSE=FILE tries that program instead, such as one without sanitizers, which is faster.
set -eu
# shellcheck source=fuzz/build.sh
. "$(dirname "$0")/build.sh"
program=${PORTREUSE:-}
if [ -z "$program" ]; then
  program=$build/whole/portreuse
  mkdir -p "$build/whole"
  if ! { cmake -S "$top" -B "$build/whole" -DCMAKE_BUILD_TYPE=Debug -DPORTREUSE_SANITIZE=address,undefined &&
    cmake --build "$build/whole" -j "$jobs" --target portreuse; } >"$build/whole.log" 2>&1; then
    tail -n 30 "$build/whole.log" >&2
    exit 1
  fi
fi
program=$(realpath "$program")
enter="unshare -n -m -p -f --mount-proc"
[ "$(id -u)" = 0 ] || enter="unshare -r -n -m -p -f --mount-proc"
if ! $enter true 2>/dev/null; then
  echo "$0: no private namespaces: $enter" >&2
  exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
# In a pid namespace nothing of what it starts outlives it.
# shellcheck disable=SC2016 # for the inner shell
$enter sh -c 'ip link set lo up; cd "$1" && shift && exec python3 "$@"' - "$work" \
  "$here/end_to_end.py" "$program" "${1:-60}" "${2:-1}" ${3:+"$3"}
