#!/bin/sh
# Guards against a program that becomes slower or larger bit by bit: counts what does not depend on the
# other work of the machine, the instructions of some commands and their peak of heap memory, and
# compares. More than 5 % above the recorded number is a failure. The sizes of the static files are
# guarded by tests/install/static.sh.
#
# The numbers depend on the compiler and on the C library: recorded.tsv has rows for some of them. With
# others there is nothing to compare with, unless an earlier commit is built beside.
#
# trace is not among them: valgrind has no seccomp filters.
#
# usage: tests/bench/guard.sh             compares with recorded.tsv; status 77 if it has no such rows
#        tests/bench/guard.sh --record    replaces the rows of this compiler and C library
#        tests/bench/guard.sh --against COMMIT    compares with that commit, on any machine
set -eu
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
recorded=$here/recorded.tsv
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
mode=${1:-}

for tool in valgrind cmake; do
  command -v "$tool" >/dev/null || { echo "$0: $tool is not installed"; exit 77; }
done

build() { # SOURCE DIRECTORY
  cmake -S "$1" -B "$2" -DCMAKE_BUILD_TYPE=Release >/dev/null &&
    cmake --build "$2" -j "$(nproc)" --target portreuse >/dev/null
}

# What the numbers depend on: x86_64-linux-gnu, gcc 12, glibc 2.36.
toolchain() { # BUILD
  compiler=$(sed -n 's/^CMAKE_C_COMPILER:[A-Z]*=//p' "$1/CMakeCache.txt")
  name=gcc
  "$compiler" --version | grep -q clang && name=clang
  echo "$("$compiler" -dumpmachine) $name-$("$compiler" -dumpversion | cut -d. -f1)" \
    "$(getconf GNU_LIBC_VERSION 2>/dev/null | tr ' ' - || echo libc)"
}

# The commands: a name, what stands before the program, and its arguments. None depends on what else
# runs on the machine: the sockets are those of a new network namespace, and the processes those of a
# new process namespace.
commands() {
  cat <<END
list||list
help||help run
version||version
show||show time-wait-rebind
check||check scenarios/time-wait-rebind.scenario
check-all||check scenarios/*.scenario
run||run -q tests/bench/rebind.scenario
why-free|alone|why 127.0.0.1:1215
why-listener|with_listener|why 127.0.0.1:1215
budget|alone|budget --interval 0
END
}

cat >"$work/alone" <<'END'
#!/bin/sh
exec unshare -rnpf --mount-proc sh -c 'ip link set lo up && exec "$@"' - "$@"
END
cat >"$work/with_listener" <<'END'
#!/bin/sh
exec unshare -rnpf --mount-proc sh -c 'ip link set lo up
  "$PORTREUSE" server 127.0.0.1:1215 >/dev/null 2>&1 &
  until ss -Hltn | grep -q :1215; do :; done
  "$@"; status=$?; kill $!; exit $status' - "$@"
END
chmod 755 "$work/alone" "$work/with_listener"

# Runs the program under a tool of valgrind; its files are $work/tool.PID, one for each process that
# ended by itself.
under() { # TOOL BEFORE PROGRAM ARGUMENT...
  tool=$1 before=$2 program=$3
  shift 3
  rm -f "$work"/tool.*
  rc=0
  # shellcheck disable=SC2086 # nothing, or one word
  env -i PATH="$PATH" LC_ALL=C PORTREUSE="$program" ${before:+"$work/$before"} \
    valgrind -q --tool="$tool" "--$tool-out-file=$work/tool.%p" "$program" "$@" \
    >/dev/null 2>"$work/err" </dev/null || rc=$?
  [ "$rc" -le 1 ] || { cat "$work/err" >&2; return 1; }
}

# NAME, instructions, bytes of heap.
measure() { # SOURCE PROGRAM
  commands | while IFS='|' read -r name before arguments; do
    cd "$1"
    # shellcheck disable=SC2086 # several words
    under callgrind "$before" "$2" $arguments || { echo "not counted: $name" >&2; continue; }
    instructions=$(cat "$work"/tool.* | awk '$1 == "totals:" { sum += $2 } END { print sum + 0 }')
    # shellcheck disable=SC2086
    under massif "$before" "$2" $arguments || { echo "not counted: $name" >&2; continue; }
    heap=$(cat "$work"/tool.* | awk -F= '/^mem_heap_B/ && $2 > most { most = $2 } END { print most + 0 }')
    printf '%s\t%s\t%s\n' "$name" "$instructions" "$heap"
  done
}

# Compares the files $work/now and $work/before.
compare() {
  awk -F '\t' '
    function judge(what, now, before) {
      if (before == 0) return
      change = (now - before) * 100 / before
      bad = now > before * 1.05 && now > before + 4096
      printf "%s %-14s %-12s %12d  recorded %12d  %+6.1f %%\n", bad ? "not ok" : "ok    ", $1, what, now, before, change
      failed += bad
    }
    NR == FNR { instructions[$1] = $2; heap[$1] = $3; next }
    $1 in instructions { judge("instructions", $2, instructions[$1]); judge("heap", $3, heap[$1]); next }
    { print "new    " $1 }
    END { exit failed > 0 }' "$work/before" "$work/now"
}

build "$top" "$top/build-bench"
key=$(toolchain "$top/build-bench")
measure "$top" "$top/build-bench/portreuse" >"$work/now"
case $mode in
  --record)
    { grep -v "^$key	" "$recorded" 2>/dev/null || true; } >"$work/recorded"
    sed "s/^/$key	/" "$work/now" >>"$work/recorded"
    sort "$work/recorded" >"$recorded"
    ;;
  --against)
    git -C "$top" worktree add --detach "$work/tree" "$2" >/dev/null 2>&1
    trap 'git -C "$top" worktree remove --force "$work/tree"; rm -rf "$work"' EXIT
    build "$work/tree" "$work/build"
    measure "$top" "$work/build/portreuse" >"$work/before"
    compare
    ;;
  *)
    sed -n "s/^$key	//p" "$recorded" >"$work/before"
    if [ ! -s "$work/before" ]; then
      cat "$work/now"
      echo "nothing is recorded for $key: tests/bench/guard.sh --record, or --against COMMIT"
      exit 77
    fi
    compare
    ;;
esac
