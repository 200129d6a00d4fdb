#!/bin/sh
# What portreuse trace costs a program, beside no tracer and beside strace: system calls that are not
# looked at, and a build by make. Each pair of commands runs in turn; the ratios are what counts.
#
# usage: tests/bench/trace.sh [PAIRS]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
pairs=${1:-10}
build=$top/build-bench
cmake -S "$top" -B "$build" -DCMAKE_BUILD_TYPE=Release >/dev/null
cmake --build "$build" -j "$(nproc)" --target portreuse >/dev/null
for program in pairs calls; do
  cc -O2 -D_GNU_SOURCE -o "$build/$program" "$here/$program.c"
done
portreuse=$build/portreuse

# shellcheck source=bench/compare.sh
. "$here/compare.sh"
beside_strace() { # NAME COMMAND...
  name=$1
  shift
  compare "$name, traced / not traced" "$pairs" "$portreuse" trace "$@" -- "$@"
  case $1 in
    "$calls") # what the kernel makes any filter cost, one that allows everything, too
      compare "$name, an empty filter / not traced" "$pairs" env EMPTY_FILTER=1 "$@" -- "$@"
      compare "$name, traced / an empty filter" "$pairs" "$portreuse" trace "$@" -- env EMPTY_FILTER=1 "$@"
      ;;
  esac
  command -v strace >/dev/null || return 0
  compare "$name, strace -f -e trace=bind,listen,connect --seccomp-bpf / not traced" "$pairs" \
    strace -f -o /dev/null -e trace=bind,listen,connect --seccomp-bpf "$@" -- "$@"
  compare "$name, strace -f -e trace=bind,listen,connect / not traced" "$pairs" \
    strace -f -o /dev/null -e trace=bind,listen,connect "$@" -- "$@"
}

calls=$build/calls
beside_strace "1,000,000 times pread() of 4096 bytes" "$calls" read 1000000
beside_strace "500,000 bytes through a pipe, 1,000,000 calls" "$calls" pipe 500000
beside_strace "1,000,000 times getppid(), the cheapest call" "$calls" null 1000000

# What it would cost to watch sendto(), which is why it is not watched.
command -v strace >/dev/null &&
  compare "100,000 datagrams, strace -f -e trace=sendto --seccomp-bpf / not traced" "$pairs" \
    strace -f -o /dev/null -e trace=sendto --seccomp-bpf "$calls" send 100000 -- "$calls" send 100000

# A build: 60 files of C, each a shell, a compiler and an assembler.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
i=0
while [ $i -lt 60 ]; do
  cp "$here/calls.c" "$work/f$i.c"
  i=$((i + 1))
done
printf 'all: $(patsubst %%.c,%%.o,$(wildcard *.c))\n%%.o: %%.c\n\tgcc -O1 -D_GNU_SOURCE -c -o $@ $<\n' \
  >"$work/Makefile"
beside_strace "make -j2 of 60 files" make -s -B -j 2 -C "$work"
exit "$wrong"
