#!/bin/sh
# Guards against a program that becomes slower or larger bit by bit. Counts what does not depend on the
# other work of the machine: the instructions and the peak of heap memory of some commands, under valgrind,
# and the size of the program. What is more than 5 % above the recorded number has failed. Prints TAP.
#
# The numbers depend on the compiler and on the C library, some also on the kernel: recorded.tsv names them.
# With others, up to 30 % more are allowed, and what depends on the kernel is not compared. To compare with
# a commit, on any machine: --against. The sizes of the static files are guarded by tests/install/static.sh.
#
# usage: tests/bench/guard.sh [BUILD]      compares a release build with recorded.tsv
#        tests/bench/guard.sh --record     replaces the rows of this compiler, C library and kernel
#        tests/bench/guard.sh --against COMMIT
#        (BUILD: its directory; without one, it is made in build-bench)
set -eu
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
cd "$top"
recorded=$here/recorded.tsv
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

not_here() {
  echo "ok 1 - instructions, memory and size # SKIP $1"
  echo 1..1
  exit
}

for tool in valgrind cmake ip ss unshare size; do
  command -v "$tool" >/dev/null || not_here "$tool is not installed"
done
unshare -rnpf --mount-proc true 2>/dev/null || not_here "no private namespaces"

build() { # SOURCE DIRECTORY
  cmake -S "$1" -B "$2" -DCMAKE_BUILD_TYPE=Release >/dev/null &&
    cmake --build "$2" -j "$(nproc)" --target portreuse >/dev/null
}

# x86_64-linux-gnu gcc-12 glibc-2.36
toolchain() { # BUILD
  compiler=$(sed -n 's/^CMAKE_C_COMPILER:[A-Z]*=//p' "$1/CMakeCache.txt")
  name=gcc
  "$compiler" --version | grep -q clang && name=clang
  library=$(getconf GNU_LIBC_VERSION 2>/dev/null | tr ' ' -)
  case $compiler in *musl*) library=musl ;; esac
  echo "$("$compiler" -dumpmachine) $name-$("$compiler" -dumpversion | cut -d. -f1) ${library:-other}"
}

# The commands: a name, whether the number depends on the kernel, what stands before the program, and its
# arguments. None depends on what else runs on the machine: the sockets are those of a new network namespace,
# and the processes those of a new process namespace.
commands() { # PROGRAM
  cat <<END
list|-||list
help|-||help run
version|-||version
show|-||show time-wait-rebind
check|-||check scenarios/time-wait-rebind.scenario
check-all|-||check scenarios/*.scenario
run|kernel||run -q tests/bench/rebind.scenario
why-free|kernel|alone|why 127.0.0.1:1215
why-listener|kernel|with_listener|why 127.0.0.1:1215
budget|kernel|alone|budget --interval 0
trace|kernel|with_listener|trace $1 server 127.0.0.1:1215
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
cc -O2 -D_GNU_SOURCE -shared -fPIC -o "$work/filter.so" "$here/filter.c" -ldl

# The C library is to use the same functions on each processor, not those that are best there.
plain=AVX,AVX2,AVX_Usable,AVX2_Usable,AVX_Fast_Unaligned_Load,BMI2,ERMS,SSE4_2,SSE4_1,SSSE3
plain=glibc.cpu.hwcaps=-$(echo "$plain" | sed 's/,/,-/g')

# Runs the program under a tool of valgrind; its files are $work/tool.PID, one for each process that
# ended by itself.
under() { # TOOL BEFORE PROGRAM ARGUMENT...
  tool=$1 before=$2 program=$3
  shift 3
  rm -f "$work"/tool.*
  rc=0
  preload=
  [ "$1" != trace ] || preload=$work/filter.so
  # shellcheck disable=SC2086 # nothing, or one word
  env -i PATH="$PATH" LC_ALL=C PORTREUSE="$program" GLIBC_TUNABLES="$plain" ${before:+"$work/$before"} \
    env LD_PRELOAD="$preload" valgrind -q --tool="$tool" "--$tool-out-file=$work/tool.%p" "$program" "$@" \
    >/dev/null 2>"$work/err" </dev/null || rc=$?
  [ "$rc" -le 1 ] || { sed 's/^/# /' "$work/err" >&2; return 1; }
}

# Lines of NAME, `kernel` or -, what is counted, and the number; separated by tabs.
measure() { # BUILD
  commands "$1/portreuse" | while IFS='|' read -r name kernel before arguments; do
    # shellcheck disable=SC2086 # several words
    under callgrind "$before" "$1/portreuse" $arguments || { echo "# not counted: $name" >&2; continue; }
    number=$(cat "$work"/tool.* | awk '$1 == "totals:" { sum += $2 } END { print sum + 0 }')
    printf '%s\t%s\tinstructions\t%s\n' "$name" "$kernel" "$number"
    # shellcheck disable=SC2086
    under massif "$before" "$1/portreuse" $arguments || { echo "# not counted: $name" >&2; continue; }
    number=$(cat "$work"/tool.* | awk -F= '/^mem_heap_B/ && $2 > most { most = $2 } END { print most + 0 }')
    printf '%s\t%s\tbytes of heap\t%s\n' "$name" "$kernel" "$number"
  done
  printf 'portreuse\t-\tbytes of code and data\t%s\n' "$(size "$1/portreuse" | awk 'NR == 2 { print $1 + $2 }')"
}

# Compares $work/now with $work/before. A row that only one of them has is a failure, too.
compare() { # PERCENT
  awk -F '\t' -v percent="$1" '
    function ok(good, text) {
      printf "%sok %d - %s\n", good ? "" : "not ", ++count, text
      failed += !good
    }
    { row = $1 ": " $3 }
    NR == FNR { before[row] = $4; next }
    !(row in before) { ok(0, row " have no recorded number: tests/bench/guard.sh --record"); next }
    {
      change = before[row] > 0 ? ($4 - before[row]) * 100 / before[row] : 0
      ok(change <= percent || $4 <= before[row] + 4096,
         sprintf("%s are at most %d %% more: %d, recorded %d (%+.1f %%)", row, percent, $4, before[row], change))
      delete before[row]
    }
    END {
      for (row in before)
        ok(0, row " could not be counted")
      print "1.." count
      exit failed > 0
    }' "$work/before" "$work/now"
}

# The recorded rows, of a toolchain and a kernel.
rows_of() { # TOOLCHAIN KERNEL
  awk -F '\t' -v toolchain="$1" -v kernel="$2" -v OFS='\t' \
    '$1 == toolchain && ($2 == kernel || $2 == "-") { print $3, $2 == "-" ? "-" : "kernel", $4, $5 }' "$recorded"
}
same_rows() { # FILE: rows of `now` that it has not are dropped, if they depend on the kernel
  grep -q "	kernel	" "$1" || { grep -v "	kernel	" "$work/now" >"$work/pure" && mv "$work/pure" "$work/now"; }
}

build=$top/build-bench
case ${1:-} in
  "" | --*) build "$top" "$build" ;;
  *) build=$(cd "$1" && pwd) ;;
esac
[ "$(sed -n 's/^CMAKE_BUILD_TYPE:[A-Z]*=//p' "$build/CMakeCache.txt")" = Release ] ||
  not_here "$build is no release build"
key=$(toolchain "$build")
kernel=linux-$(uname -r | cut -d. -f1-2)
measure "$build" >"$work/now"
case ${1:-} in
  --record)
    awk -F '\t' -v toolchain="$key" -v kernel="$kernel" \
      '!($1 == toolchain && ($2 == kernel || $2 == "-"))' "$recorded" >"$work/recorded"
    sed "s/	kernel	/	$kernel	/; s/^\([^	]*\)	\([^	]*\)	/$key	\2	\1	/" "$work/now" >>"$work/recorded"
    sort "$work/recorded" >"$recorded"
    ;;
  --against)
    git -C "$top" worktree add --detach "$work/tree" "$2" >/dev/null 2>&1
    trap 'git -C "$top" worktree remove --force "$work/tree"; rm -rf "$work"' EXIT
    build "$work/tree" "$work/build"
    measure "$work/build" >"$work/before"
    compare 5
    ;;
  *)
    allowed=5
    rows_of "$key" "$kernel" >"$work/before"
    if [ ! -s "$work/before" ]; then
      other=$(grep "^${key%% *} " "$recorded" | head -n 1 | cut -f 1)
      [ -n "$other" ] || not_here "nothing is recorded for this processor"
      echo "# note: compared with $other, as nothing is recorded for $key"
      allowed=30
      rows_of "$other" - >"$work/before"
    fi
    same_rows "$work/before"
    compare "$allowed"
    ;;
esac
