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
if command -v ip >/dev/null; then
  compare "hosts: 20 roles on 4 hosts, and a partition / the same hosts alone, made with ip(8)" \
    "$pairs" -- "$portreuse" run -q "$here/partition.scenario" -- sh "$here/partition.sh"
fi
bound=$("$portreuse" matrix --format csv | sed 's/"[^"]*"/x/g' | cut -d, -f7 | grep -cx ok)
compare "matrix: all pairs, and a report / a bare C program with the same calls" \
  "$pairs" -- "$portreuse" matrix -- "$build/matrix" "$bound"
# Among 200,000 sockets, of which half are in TIME-WAIT, and so gone after a minute.
cc -O2 -D_GNU_SOURCE -I"$top/include" -o "$build/crowd" "$here/crowd.c" "$build/libportreuse_parts.a"
if command -v ss >/dev/null; then
  crowd() { # NAME COMMAND... -- OTHER...
    echo "$1"
    shift
    "$build/crowd" 50000 100000 "$build/pairs" 20 -- "$@"
    echo
  }
  crowd "why, a port with a listener and 9000 connections / ss of that port" \
    "$portreuse" why 127.0.0.1:2001 -- ss -Htan 'sport = :2001'
  crowd "why, a port with 9000 connections in TIME-WAIT / ss of that port" \
    "$portreuse" why 127.0.0.1:2010 -- ss -Htan 'sport = :2010'
  crowd "why, a free port / ss of that port" \
    "$portreuse" why 127.0.0.1:1500 -- ss -Htan 'sport = :1500'
  crowd "budget / ss of all sockets" "$portreuse" budget -- ss -Htan
  crowd "budget towards one destination / ss of all sockets" \
    "$portreuse" budget 127.0.0.1:2010 -- ss -Htan
fi
# The same on a busy host: 5000 processes, two with 18,000 descriptors, 2000 network namespaces.
cc -O2 -D_GNU_SOURCE -o "$build/host" "$here/host.c"
if [ "$(id -u)" = 0 ] && command -v ss >/dev/null; then
  host() { # NAME COMMAND... -- OTHER...
    echo "$1"
    shift
    "$build/host" 5000 18000 2000 "$build/crowd" 50000 100000 "$build/pairs" 5 -- "$@"
    echo
  }
  host "busy host: why, a port with a listener and 9000 connections / ss -tlnp of that port" \
    "$portreuse" why 127.0.0.1:2001 -- ss -Htlnp 'sport = :2001'
  host "busy host: why, a free port / ss -tlnp of that port" \
    "$portreuse" why 127.0.0.1:1500 -- ss -Htlnp 'sport = :1500'
  # shellcheck disable=SC2016 # for the inner shell
  host "busy host: why --all-netns / ss -tlnp in each namespace" \
    "$portreuse" why --all-netns 127.0.0.1:2001 -- sh -c '
      for pid in $(lsns -t net -n -o PID); do nsenter -t "$pid" -n ss -Htlnp "sport = :2001"; done'
fi
if command -v python3 >/dev/null && command -v ip >/dev/null; then
  compare "run: two cases in TIME-WAIT / a Python script under 'unshare -rn'" \
    "$pairs" -- "$portreuse" run -q "$here/rebind.scenario" -- python3 "$here/rebind.py"
fi
