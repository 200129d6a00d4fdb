#!/bin/sh
# The benchmarks: portreuse (A) against something else (B), in turn, in one run. The times are those
# of this machine at this moment; the ratios are what counts.
#
# usage: tests/bench/run.sh [PAIRS]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
pairs=${1:-50}
build=$top/build-bench

cmake -S "$top" -B "$build" -DCMAKE_BUILD_TYPE=Release >/dev/null
cmake --build "$build" -j "$(nproc)" >/dev/null
for program in bare matrix pairs; do
  cc -O2 -D_GNU_SOURCE -o "$build/$program" "$here/$program.c"
done
portreuse=$build/portreuse
bare=$build/bare

compare() { # NAME N COMMAND... -- OTHER...
  echo "$1"
  shift
  "$build/pairs" "$@"
  echo
}

compare "run: two cases in TIME-WAIT / a bare C program with the same namespaces, forks and calls" \
  "$pairs" -- "$portreuse" run -q "$here/rebind.scenario" -- "$bare" rebind
compare "list / a C program that does nothing" \
  "$pairs" -- "$portreuse" list -- "$bare" nothing
compare "run: all scenarios, for the peak of memory / a C program that does nothing" \
  1 -- "$portreuse" run --all -q -- "$bare" nothing
compare "repeat: 5000 connections / a bare C loop of the same calls" \
  "$pairs" -- "$portreuse" run -q "$here/connect.scenario" -- "$bare" connect 5000
compare "repeat: 200000 binds / a bare C loop of the same calls" \
  "$pairs" -- "$portreuse" run -q "$here/bind.scenario" -- "$bare" bind 200000
bound=$("$portreuse" matrix --format csv | sed 's/"[^"]*"/x/g' | cut -d, -f7 | grep -cx ok)
compare "matrix: all pairs, and a report / a bare C program with the same calls" \
  "$pairs" -- "$portreuse" matrix -- "$build/matrix" "$bound"
if command -v python3 >/dev/null && command -v ip >/dev/null; then
  compare "run: two cases in TIME-WAIT / a Python script under 'unshare -rn'" \
    "$pairs" -- "$portreuse" run -q "$here/rebind.scenario" -- python3 "$here/rebind.py"
fi
