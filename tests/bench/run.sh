#!/bin/sh
# The benchmarks: portreuse (A) against something else (B), in turn, in one run. The times are those
# of this machine at this moment; the ratios are what counts.
#
# usage: tests/bench/run.sh [PAIRS [busy|budget]]
#   busy: the busy host alone, in full size; budget: what is said of budget alone
set -eu
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
pairs=${1:-50}
build=$top/build-bench
begin=$(date +%s)

cmake -S "$top" -B "$build" -DCMAKE_BUILD_TYPE=Release >/dev/null
cmake --build "$build" -j "$(nproc)" >/dev/null
for program in bare calls matrix pairs host place; do
  cc -O2 -pthread -D_GNU_SOURCE -o "$build/$program" "$here/$program.c"
done
cc -O2 -pthread -D_GNU_SOURCE -I"$top/include" -o "$build/crowd" "$here/crowd.c" "$build/libportreuse_parts.a"
portreuse=$build/portreuse
bare=$build/bare

# On a host with so many processes, descriptors of two of them, network namespaces, and open and
# closed connections; an open one is two sockets. busy.sh checks the answers as well.
busy() { # PROCESSES DESCRIPTORS NAMESPACES OPEN CLOSED PAIRS
  echo "busy host: $1 processes, $2 descriptors, $3 namespaces, $((2 * $4 + $5)) sockets"
  "$build/host" "$1" "$2" "$3" "$build/crowd" "$4" "$5" "$here/busy.sh" "$build" "$6"
}
if [ "${2:-}" = busy ]; then
  busy 5000 18000 2000 100000 0 "$pairs"
  exit
fi

# budget among 200,000 sockets: the clients name their ports to bind(), or connect() chooses them; and
# with 5000 processes besides. What is in TIME-WAIT is gone after a minute, so there are few pairs.
few=$((pairs < 5 ? pairs : 5))
some=$((pairs < 20 ? pairs : 20)) # of what takes a good part of a second
# shellcheck source=bench/compare.sh
. "$here/compare.sh"
budgets() {
  users=-
  [ "$(id -u)" != 0 ] || users="root user"
  for who in $users; do
    "$build/crowd" 50000 100000 "$here/budget.sh" "$build" "$few" \
      "ports named to bind()" "$who" || wrong=1
    "$build/crowd" -c 50000 100000 "$here/budget.sh" "$build" "$few" \
      "ports chosen by connect()" "$who" || wrong=1
    [ "$who" = - ] || "$build/host" 5000 8 0 "$build/crowd" -c 50000 100000 "$here/budget.sh" \
      "$build" "$few" "ports chosen by connect(), 5000 processes" "$who" 127.0.0.1:2001 || wrong=1
  done
}
if [ "${2:-}" = budget ]; then
  budgets
  exit "$wrong"
fi

# When a program has ended, workers of the kernel free its network namespaces, and would take a processor
# from the next one.
apart=$pairs,50
compare "run: two cases in TIME-WAIT / a bare C program with the same namespaces, forks and calls" \
  "$apart" "$portreuse" run -q "$here/rebind.scenario" -- "$bare" rebind 2
compare "run: ten cases / the same" \
  "$apart" "$portreuse" run -q "$here/rebind-10.scenario" -- "$bare" rebind 10
compare "run -j: ten cases / the same" \
  "$apart" "$portreuse" run -j -q "$here/rebind-10.scenario" -- "$bare" rebind 10
for command in list "show time-wait-rebind" "check time-wait-rebind" "help run" version; do
  # shellcheck disable=SC2086 # several words
  compare "$command / a C program that does nothing" \
    "$pairs" "$portreuse" $command -- "$bare" nothing
done
compare "run: all scenarios with -j, for the time and the peak of memory / a C program that does nothing" \
  3 "$portreuse" run --all -j -q -- "$bare" nothing
compare "repeat: 5000 connections / a bare C loop of the same calls" \
  "$pairs" "$portreuse" run -q "$here/connect.scenario" -- "$bare" connect 5000
compare "repeat: 200000 binds / a bare C loop of the same calls" \
  "$some" "$portreuse" run -q "$here/bind.scenario" -- "$bare" bind 200000
if command -v ip >/dev/null; then
  compare "hosts: 20 roles on 4 hosts, and a partition / the same hosts alone, made with ip(8)" \
    "$some" "$portreuse" run -q "$here/partition.scenario" -- sh "$here/partition.sh"
fi
states="--state BOUND --state LISTEN --state ESTABLISHED --state TIME-WAIT"
# shellcheck disable=SC2086 # the options are to be parted
bound=$("$portreuse" matrix $states --format csv | sed 's/"[^"]*"/x/g' | cut -d, -f7 | grep -cx ok)
# shellcheck disable=SC2086
compare "matrix: four states, and a report / a bare C program with the same calls" \
  "$some" "$portreuse" matrix $states -- "$build/matrix" "$bound"
if command -v ss >/dev/null; then
  "$build/crowd" 50000 100000 "$here/looks.sh" "$build" "$few" ss || wrong=1
  "$build/crowd" 50000 100000 "$here/looks.sh" "$build" 3 others || wrong=1
  budgets
fi
if [ "$(id -u)" = 0 ] && command -v ss >/dev/null; then
  busy 500 4000 50 9000 10000 "$few" || wrong=1
fi
if command -v python3 >/dev/null && command -v ip >/dev/null; then
  # When a program has ended, workers of the kernel free its network namespaces, and would take a processor
# from the next one.
apart=$pairs,50
compare "run: two cases in TIME-WAIT / a Python script under 'unshare -rn'" \
    "$some" "$portreuse" run -q "$here/rebind.scenario" -- python3 "$here/rebind.py"
fi
if command -v strace >/dev/null; then
  watched="-f -o /dev/null -e trace=bind,listen,connect --seccomp-bpf"
  # shellcheck disable=SC2086 # several words
  compare "trace, a program with 1,000,000 calls that are not watched / strace $watched" \
    "$few" "$portreuse" trace "$build/calls" read 1000000 -- strace $watched "$build/calls" read 1000000
fi
echo "The table took $(($(date +%s) - begin)) s. Processor time of the shell, and of all else (user, system):"
times
exit "$wrong"
