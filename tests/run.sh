#!/bin/sh
# Builds portreuse and runs all its tests. Installs what they need if it may (tests/deps.sh). The last
# line is `N passed, N failed`. Exit status 0 if none failed.
#
# usage: tests/run.sh [STEP...]   (default: all steps; `kernels` only with CI=true)
#        tests/run.sh -n BUILD    (list the tests that `plain` runs with this build directory)
#
#   plain      the tests of the usual build: what `ctest` runs too
#   sanitize   the same with ASan and UBSan
#   clang      a build with clang
#   portable   builds for musl, 32 bits, a big-endian processor, and with tcc
#   install    the installed files work without the tree; the static builds, the Debian package, and
#              the build as part of another project
#   format     clang-format finds nothing to change
#   tidy       clang-tidy finds nothing
#   analyze    cppcheck, gcc -fanalyzer and valgrind find nothing (with clang: tests/analyze.sh)
#   guard      what commands cost, in instructions and memory, is at most 5 % above what was recorded
#   shell      shellcheck finds nothing in the scripts
#   field      the situations that people really have, made with real servers (nginx, redis ...)
#   mutation   cases of some scenarios fail without what they claim to depend on (all: tests/mutation/run.sh)
#   kernels    two other kernels in QEMU, if there is a mirror of Debian (more: tests/kernels/run.sh)
#   pages      the pages and pictures, laid out by Chromium at three widths
#   fault      system calls that fail (needs strace), processes that are killed, looks at what comes and
#              goes, the catalogue under stress
#   fuzz       a short run of the fuzzers: of the parsers (needs clang with libFuzzer), and end to end
#
# All builds treat warnings as errors. A step whose tool is missing is reported as skipped; with
# CI=true that is a failure.
set -u
top=$(cd "$(dirname "$0")/.." && pwd)
cd "$top" || exit 1
passed=0
failed=0
skipped=0
jobs=$(nproc 2>/dev/null || echo 2)
work=$(mktemp -d)
log=$work/log
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

note() {
  if [ "$1" = 0 ]; then
    passed=$((passed + 1))
    echo "ok - $2"
  else
    failed=$((failed + 1))
    echo "not ok - $2"
  fi
}

# skip NAME REASON
skip() {
  if [ "${CI:-}" = true ]; then
    note 1 "$1: skipped, which CI=true does not allow: $2"
  else
    skipped=$((skipped + 1))
    echo "skipped - $1: $2"
  fi
}

# check NAME COMMAND...: one test; its output is shown if it fails.
check() {
  check_name=$1
  shift
  if "$@" >"$log" 2>&1; then
    note 0 "$check_name"
  else
    note 1 "$check_name"
    tail -n 60 "$log"
  fi
}

# The tests that take minutes begin first, so that no processor waits for them at the end.
long="restart|packages|hardening|static|subproject|matrix|connects|width|why_client|churn|valgrind"

# together <LIST: tests that print TAP, as many at a time as there are processors. LIST has a line for
# each: name, program and its arguments, separated by tabs. Each of their results counts; a test that
# left no sum counts as failed.
together() {
  rm -rf "$work/tests"
  mkdir "$work/tests"
  cat >"$work/tests/list"
  for first in "" -v; do
    # shellcheck disable=SC2086 # no word, or one
    grep -n $first -E "^[^	]*/($long)(\.sh)?	" "$work/tests/list" | cut -d : -f 1
  done >"$work/tests/numbers"
  xargs -P "$jobs" -I '{}' tests/one.sh "$work/tests" '{}' <"$work/tests/numbers"
  while read -r number; do
    sum="0 passed, 1 failed, 0 skipped"
    [ ! -s "$work/tests/$number.sum" ] || sum=$(cat "$work/tests/$number.sum")
    # shellcheck disable=SC2086 # to be split
    set -- $sum
    passed=$((passed + $1))
    failed=$((failed + $3))
    skipped=$((skipped + $5))
  done <"$work/tests/numbers"
}

# build DIRECTORY OPTION...
build() {
  directory=$1
  shift
  if cmake -S . -B "$directory" -DPORTREUSE_WERROR=ON "$@" >"$log" 2>&1 &&
    cmake --build "$directory" -j "$jobs" >>"$log" 2>&1; then
    note 0 "$directory builds without warnings"
  else
    note 1 "$directory builds without warnings"
    grep -E -A 8 'error|warning|Error' "$log" | head -n 60
    return 1
  fi
}

scripts_of() { # FOLDER BUILD
  for script in "$1"/*.sh; do
    if [ -x "$script" ]; then
      printf '%s\t%s\t%s\t%s\n' "$script" "$script" "$2/portreuse" "$2/tests"
    fi
  done >"$work/scripts"
  together <"$work/scripts"
}

# tests_of BUILD: the tests that CMake has registered there. `trace --host` hears of every bind() that fails on
# the machine, so that its test runs alone.
tests_of() {
  for alone in -v -e; do
    grep $alone '^cli/host	' "$1/tests/registry" >"$work/chosen"
    together <"$work/chosen"
  done
}

step_plain() {
  build build -DPORTREUSE_TESTS=ON && tests_of build
}

step_sanitize() {
  build build-sanitize -DPORTREUSE_TESTS=ON -DCMAKE_BUILD_TYPE=Debug \
    -DPORTREUSE_SANITIZE=address,undefined && tests_of build-sanitize
}

step_clang() {
  if command -v clang >/dev/null; then
    build build-clang -DPORTREUSE_TESTS=ON -DCMAKE_C_COMPILER=clang
  else
    skip "a build with clang" "clang is not installed"
  fi
}

# portable NAME COMPILER: a static build for another machine or library, in build-portable/COMPILER.
portable() {
  if ! command -v "$2" >/dev/null; then
    skip "a build for $1" "$2 is not installed"
    false
  else
    build "build-portable/$2" -DCMAKE_C_COMPILER="$2" -DPORTREUSE_STATIC=ON
  fi
}

step_portable() {
  portable musl musl-gcc &&
    check "all scenarios pass with musl" build-portable/musl-gcc/portreuse run --all
  portable "32 bits" i686-linux-gnu-gcc &&
    check "all scenarios pass with 32 bits" build-portable/i686-linux-gnu-gcc/portreuse run --all
  # QEMU's user mode has no sock_diag, and the addresses in /proc/net are in the order of bytes of the
  # machine: only what needs no evidence runs.
  if portable "a big-endian processor" s390x-linux-gnu-gcc; then
    if command -v qemu-s390x-static >/dev/null; then
      set -- qemu-s390x-static build-portable/s390x-linux-gnu-gcc/portreuse
      check "a big-endian processor reads all scenarios" "$@" check scenarios/*.scenario
      check "and runs some" "$@" run --must-run autobind-reuse udp-port-taken
    else
      skip "running on a big-endian processor" "qemu-s390x-static is not installed"
    fi
  fi
  if command -v tcc >/dev/null; then
    build build-portable/tcc -DCMAKE_C_COMPILER=tcc &&
      check "all scenarios pass with tcc" build-portable/tcc/portreuse run --all
  else
    skip "a build with tcc" "it is not installed"
  fi
}

c_files() {
  find src include tests -name '*.[ch]'
}

step_install() {
  [ -e build/portreuse ] || build build -DPORTREUSE_TESTS=ON
  scripts_of tests/install build
}

step_format() {
  if command -v clang-format >/dev/null; then
    # shellcheck disable=SC2046 # no name has blanks
    check "clang-format finds nothing to change" clang-format --dry-run -Werror $(c_files)
  else
    skip "clang-format" "it is not installed"
  fi
}

step_tidy() {
  if ! command -v clang-tidy >/dev/null; then
    skip "clang-tidy" "it is not installed"
    return
  fi
  [ -e build/compile_commands.json ] || build build -DPORTREUSE_TESTS=ON
  # The exit status tells. Counts of warnings go to standard error, and what several print at once comes in pieces.
  check "clang-tidy finds nothing" sh -c \
    'find src tests -name "*.c" ! -path "tests/fuzz/*" ! -path "tests/bench/*" ! -path "tests/analyze/*" -print0 |
      xargs -0 -n 4 -P "$1" clang-tidy --quiet -p build 2>"$2" && exit 0
    grep -v "warnings* generated\.$" "$2"
    exit 1' - "$jobs" "$work/tidy"
}

# The checks of clang --analyze are among those of clang-tidy.
step_analyze() {
  [ -e build/portreuse ] || build build -DPORTREUSE_TESTS=ON
  for tool in valgrind gcc cppcheck; do
    printf 'analyze/%s\ttests/analyze.sh\t%s\n' $tool $tool
  done >"$work/scripts"
  together <"$work/scripts"
}

step_guard() {
  [ -e build/portreuse ] || build build -DPORTREUSE_TESTS=ON
  printf 'bench/guard\ttests/bench/guard.sh\tbuild\n' >"$work/scripts"
  together <"$work/scripts"
}

step_shell() {
  if command -v shellcheck >/dev/null; then
    check "shellcheck finds nothing" sh -c \
      'shellcheck $(find tests src -name "*.sh" -o -name "*.bash") .ci/run'
  else
    skip "shellcheck" "it is not installed"
  fi
}

step_fault() {
  if command -v strace >/dev/null; then
    scripts_of tests/fault build
  else
    skip "system calls that fail" "strace is not installed"
  fi
}

step_field() {
  [ -e build/portreuse ] || build build -DPORTREUSE_TESTS=ON
  if command -v jq >/dev/null; then
    scripts_of tests/field build
  else
    skip "the situations of the field" "jq is not installed"
  fi
}

step_mutation() {
  [ -e build/portreuse ] || build build -DPORTREUSE_TESTS=ON
  for name in address-in-use dual-stack ephemeral-exhaustion fixed-client-port reuseport-all-or-none \
    stolen-port-time-wait time-wait-rebind; do
    printf 'mutation/%s\ttests/mutation/run.sh\tbuild/portreuse\tbuild/tests\t%s\n' $name $name
  done >"$work/scripts"
  together <"$work/scripts"
}

step_pages() {
  [ -e build/portreuse ] || build build -DPORTREUSE_TESTS=ON
  printf 'pages\ttests/pages/run.sh\tbuild/portreuse\n' >"$work/scripts"
  together <"$work/scripts"
}

# A machine without QEMU or without a mirror is not thought able to: even with CI=true that is no failure.
step_kernels() {
  timeout 1500 tests/kernels/run.sh --short bookworm:6.1 trixie:6.12 >"$log.kernels" 2>&1
  kernels_rc=$?
  if [ $kernels_rc = 77 ]; then
    echo "# not run: other kernels: $(tail -n 1 "$log.kernels")"
  else
    check "the scenarios and the matrix on Linux 6.1 and 6.12" sh -c 'cat "$1"; exit "$2"' - "$log.kernels" $kernels_rc
  fi
}

step_fuzz() {
  if echo 'int LLVMFuzzerTestOneInput(const char *d, unsigned long n) { return d && n > 9; }' |
    clang -fsanitize=fuzzer -x c - -o "$log.fuzzer" 2>/dev/null; then # root could replace /dev/null
    rm -f "$log.fuzzer"
    check "the fuzzers find nothing in 10 s each" tests/fuzz/run.sh 10
    if command -v llvm-cov >/dev/null; then
      check "their corpus reaches 90 % of the parsers" tests/fuzz/coverage.sh
    else
      skip "the coverage of the fuzzers' corpus" "llvm-cov is not installed"
    fi
  else
    skip "fuzzing" "clang with libFuzzer is not installed"
  fi
  if command -v python3 >/dev/null && command -v ip >/dev/null &&
    { unshare -n -m -p -f --mount-proc true || unshare -r -n -m -p -f --mount-proc true; } 2>/dev/null; then
    check "the whole program keeps its promises for 40 s" tests/fuzz/end_to_end.sh 40
  else
    skip "end-to-end fuzzing" "no python3, no ip, or no private namespaces"
  fi
}

if [ "${1:-}" = -n ]; then
  cut -f 1 "$2/tests/registry"
  exit
fi
tests/deps.sh tests || exit 1
if [ $# = 0 ]; then
  set -- plain sanitize clang portable install format tidy analyze guard shell field mutation pages fault fuzz
  [ "${CI:-}" != true ] || set -- "$@" kernels # it fetches 100 MB, and takes minutes
fi
for step; do
  case $step in
    plain | sanitize | clang | portable | install | format | tidy | analyze | guard | shell | field | mutation | pages | kernels | fault | fuzz)
      "step_$step"
      ;;
    *)
      echo "$0: unknown step '$step'" >&2
      exit 2
      ;;
  esac
done
[ "$skipped" = 0 ] || echo "$skipped skipped"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
