#!/bin/sh
# Fuzzes what parses with clang's libFuzzer, under ASan and UBSan. The inputs begin with those in
# corpus/; what is found besides is kept in build-fuzz/found, and what goes wrong in build-fuzz/wrong.
# Prints how many inputs there were. Exit status 1 if something went wrong.
#
# usage: tests/fuzz/run.sh [fast] [SECONDS [TARGET...]]   (60 s for each target, all of them, unless told)
#        tests/fuzz/run.sh merge          (makes corpus/ the smallest that reaches all that corpus/ and
#                                          found/ reach)
#
# `fast` fuzzes without the sanitizers, which is many times as fast; then the inputs that it has kept
# are run with the sanitizers.
set -eu
# shellcheck source=fuzz/build.sh
. "$(dirname "$0")/build.sh"
parts=parts
if [ "${1:-}" = fast ]; then
  parts=fast
  shift
fi
seconds=${1:-60}
[ $# = 0 ] || shift
[ $# = 0 ] || targets=$*
sanitizers=address,undefined
coverage="-O2 -fsanitize-coverage=inline-8bit-counters,pc-table"

build_parts parts "$coverage" $sanitizers
[ "$parts" = parts ] || build_parts fast "$coverage" ""
for target in $targets; do
  build_fuzzer parts "$target" -fsanitize=$sanitizers -fno-sanitize-recover=all
  [ "$parts" = parts ] || build_fuzzer fast "$target"
done

# limits TARGET: options of libFuzzer. Complaints are not shown. To weigh the corpus by rare features, as
# it does by default, takes longer than the fast inputs themselves.
limits() {
  [ "$parts" = parts ] || echo "-entropic=0"
  case $1 in
    scenario) echo "-max_len=4000" ;;
    reply) echo "-max_len=6000" ;;
    options) echo "-max_len=400 -close_fd_mask=3 -dict=$here/words.dict" ;;
    json) echo "-max_len=2000 -dict=$here/words.dict" ;;
    *) echo "-max_len=1000 -dict=$here/words.dict" ;;
  esac
}

merge() {
  for target in $targets; do
    smallest=$build/smallest/$target
    rm -rf "$smallest"
    mkdir -p "$smallest" "$build/found/$target" "$here/corpus/$target"
    # shellcheck disable=SC2046 # to be split into words
    "$build/parts/fuzz_$target" -merge=1 $(limits "$target") -timeout=10 "$smallest" \
      "$here/corpus/$target" "$build/found/$target" >"$smallest.log" 2>&1
    rm -rf "$here/corpus/$target"
    cp -r "$smallest" "$here/corpus/$target"
    echo "$target: $(find "$smallest" -type f | wc -l) files, $(cat "$smallest"/* | wc -c) bytes"
  done
}

# fuzz TARGET: prints a line. Returns 1 if the fuzzer has stopped early, or the sanitizers find something in
# what it has kept.
fuzz() {
  mkdir -p "$build/found/$1" "$build/wrong"
  log=$build/$1.log
  failed=
  # shellcheck disable=SC2046 # to be split into words
  "$build/$parts/fuzz_$1" -max_total_time="$seconds" $(limits "$1") -timeout=10 -rss_limit_mb=2048 \
    -print_final_stats=1 -artifact_prefix="$build/wrong/$1-" "$build/found/$1" "$here/corpus/$1" \
    >"$log" 2>&1 </dev/null || failed=yes
  awk -v target="$1" -v seconds="$seconds" '
    /number_of_executed_units/ { runs = $2 }
    /cov: / { for (i = 1; i < NF; i++) { if ($i == "cov:") edges = $(i + 1); if ($i == "corp:") files = $(i + 1) } }
    END { printf "%-9s %10d inputs in %d s, %d edges, %s in the corpus\n", target, runs, seconds, edges, files }' "$log"
  # shellcheck disable=SC2046 # to be split into words
  [ "$parts" = parts ] || [ -n "$failed" ] ||
    "$build/parts/fuzz_$1" -runs=0 $(limits "$1") -timeout=10 -artifact_prefix="$build/wrong/$1-" \
      "$build/found/$1" >"$log" 2>&1 </dev/null || failed=yes
  [ -z "$failed" ] || tail -n 40 "$log"
  [ -z "$failed" ]
}

if [ "$seconds" = merge ]; then
  merge
  exit
fi
wrong=0
for target in $targets; do
  fuzz "$target" || wrong=1
done
exit $wrong
