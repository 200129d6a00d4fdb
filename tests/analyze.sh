#!/bin/sh
# What the analyzers find in the sources, and valgrind in the unit tests. Prints TAP.
#
# usage: tests/analyze.sh [TOOL...]    (default: all of them)
#
#   cppcheck   cppcheck: warnings, performance, portability
#   gcc        gcc -fanalyzer
#   clang      clang --analyze: the checks of scan-build (most of them are in the step `tidy`, too)
#   valgrind   memcheck, with leaks, on each unit test; those that take long are left out but for
#              `tests/analyze.sh valgrind-all`
#
# Each tool must also find the faults in tests/analyze/wrong.c. What is found and is no fault stands, with
# the reason, in tests/analyze/, or beside the line in the source. A tool that is missing is skipped.
# shellcheck disable=SC2086 # $flags is to be split
set -u
top=$(cd "$(dirname "$0")/.." && pwd)
cd "$top" || exit 1
jobs=$(nproc 2>/dev/null || echo 2)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
count=0
failures=0
wrong=tests/analyze/wrong.c
flags="-D_GNU_SOURCE -Iinclude -Isrc"

# ok NAME COMMAND...: passes if the command succeeds; what it prints is shown if it fails.
ok() {
  name=$1
  shift
  count=$((count + 1))
  if "$@" >"$work/log" 2>&1; then
    echo "ok $count - $name"
  else
    failures=$((failures + 1))
    echo "not ok $count - $name"
    grep -E '(error|warning): ' "$work/log" | head -n 40 | sed 's/^/# /'
    grep -vE '^\[|^--|^Scanning|^make' "$work/log" | head -n 60 | sed 's/^/# | /'
  fi
}
skip() {
  count=$((count + 1))
  echo "ok $count - $1 # SKIP $2"
}

# finds TEXT COMMAND...: the command fails, and prints that.
finds() {
  text=$1
  shift
  ! "$@" >"$work/found" 2>&1 && grep -q -e "$text" "$work/found"
}

# has TOOL [NAME]: whether it is here; otherwise it is skipped.
has() {
  command -v "$1" >/dev/null && return 0
  skip "$1" "it is not installed"
  return 1
}

# sources COMMAND...: runs the command with all sources, some at a time.
sources() {
  find src -name '*.c' -print0 | sort -z | xargs -0 -n 1 -P "$jobs" "$@"
}

analyze_cppcheck() {
  has cppcheck || return
  mkdir -p build-analyze/cppcheck
  set -- cppcheck --quiet --std=c11 --platform=unix64 --enable=warning,performance,portability --inline-suppr \
    --library=tests/analyze/cppcheck.cfg --suppressions-list=tests/analyze/cppcheck.txt \
    --error-exitcode=1 --template=gcc $flags -D__linux__ -D__x86_64__ '-DPORTREUSE_VERSION="0"'
  ok "cppcheck finds the faults that are there to be found" finds nullPointer "$@" $wrong
  ok "cppcheck finds nothing" "$@" -j "$jobs" --cppcheck-build-dir=build-analyze/cppcheck src
}

# What gcc has found that is not in tests/analyze/gcc.txt, as FILE FUNCTION WARNING.
gcc_news() {
  export LC_ALL=C
  if ! sources gcc -fanalyzer "$@" -S -o /dev/null >"$work/gcc" 2>&1; then
    cat "$work/gcc"
    return 1
  fi
  awk '
    NR == FNR { if ($1 != "#" && NF > 0) known[$1 " " $2 " " $3] = 1; next }
    / In function / { in_function = $NF; gsub(/[^a-z0-9_]/, "", in_function) }
    /: (warning|error): / {
      split($1, place, ":")
      what = $NF
      gsub(/[][]/, "", what)
      if (!((place[1] " " in_function " " what) in known)) {
        print place[1], in_function, what
        print
        news++
      }
    }
    END { exit news > 0 }' tests/analyze/gcc.txt "$work/gcc"
}

analyze_gcc() {
  has gcc || return
  if ! echo 'int main(void) { return 0; }' | gcc -fanalyzer -x c - -o "$work/none" 2>/dev/null; then
    skip "gcc -fanalyzer" "this gcc does not have it"
    return
  fi
  ok "gcc -fanalyzer finds the faults that are there to be found" finds double-free \
    gcc -fanalyzer -Werror -c $wrong -o "$work/wrong.o"
  ok "gcc -fanalyzer finds nothing new" gcc_news -std=gnu11 $flags '-DPORTREUSE_VERSION="0"'
}

analyze_clang() {
  has clang || return
  set -- --analyze --analyzer-output text -Xclang -analyzer-werror -std=gnu11 $flags \
    '-DPORTREUSE_VERSION="0"' -Xclang -analyzer-disable-checker -Xclang valist.Uninitialized
  ok "clang --analyze finds the faults that are there to be found" finds 'Dereference of null pointer' \
    clang "$@" $wrong
  ok "clang --analyze finds nothing" sources clang "$@"
}

# memcheck PROGRAM: exit status 99 if valgrind finds something, in the program or in a child of it. What
# the tests themselves say is for `plain`: some are too slow for their own deadlines here.
memcheck() {
  timeout 1800 valgrind --quiet --error-exitcode=99 --leak-check=full --log-file="$work/memcheck.%p" \
    --show-leak-kinds=definite,indirect --errors-for-leak-kinds=definite,indirect \
    --suppressions=tests/analyze/valgrind.supp "$@" >/dev/null 2>&1
  memcheck_rc=$?
  cat "$work"/memcheck.* >&2
  # What it says of itself: a call that it does not know, a limit of descriptors that the test has set.
  of_itself='Warning: noted but unhandled ioctl|failed to move log file descriptor'
  [ $memcheck_rc != 124 ] && ! grep -hvE "$of_itself" "$work"/memcheck.* | grep -qE '^==[0-9]+== [^ ]'
}

slow="test_host_program test_remedies test_time_wait test_typed"
analyze_valgrind_all() {
  slow=
  analyze_valgrind
}

analyze_valgrind() {
  has valgrind || return
  gcc -g $wrong -o "$work/wrong" 2>/dev/null
  ok "valgrind finds the faults that are there to be found" finds 'definitely lost' memcheck "$work/wrong"
  export PORTREUSE_ROUNDS=3 # of test_clients, which has 150
  export PORTREUSE_UNDER_VALGRIND=1
  for program in build/tests/unit/test_*; do
    case " $slow " in *" ${program##*/} "*) continue ;; esac
    rm -f "$work"/memcheck.*
    ok "valgrind finds nothing in ${program##*/}" memcheck "$program"
  done
}

[ $# != 0 ] || set -- cppcheck gcc clang valgrind
for tool; do
  case $tool in
    cppcheck | gcc | clang | valgrind) "analyze_$tool" ;;
    valgrind-all) analyze_valgrind_all ;;
    *)
      echo "$0: unknown tool '$tool'" >&2
      exit 2
      ;;
  esac
done
echo "1..$count"
[ "$failures" = 0 ]
