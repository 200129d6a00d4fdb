#!/bin/sh
# Fuzzes the parsers with clang's libFuzzer, under ASan and UBSan. What it finds is kept in
# build-fuzz/, and can be given to the fuzzer again.
#
# usage: tests/fuzz/run.sh [SECONDS]   (60 each, unless told)
set -eu
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
seconds=${1:-60}
build=$top/build-fuzz
mkdir -p "$build/corpus-parse" "$build/corpus-sockdiag"

for name in parse sockdiag; do
  # shellcheck disable=SC2046 # no name has blanks
  clang -std=gnu11 -D_GNU_SOURCE -g -O1 -fsanitize=fuzzer,address,undefined \
    -fno-sanitize-recover=all -I"$top/include" -I"$top/src" -o "$build/fuzz_$name" "$here/fuzz_$name.c" \
    $(find "$top/src/base" "$top/src/kernel" "$top/src/model" "$top/src/scenario" -name '*.c' ! -name catalogue.c) \
    "$top/src/engine/board.c" "$top/src/engine/result.c"
done

# The words of the language help the fuzzer to find its way.
show_words() {
  cat "$top"/scenarios/*.scenario "$top"/tests/cli/scenarios/*.scenario |
    tr -s '[:blank:]' '\n' | grep -E '^[]A-Za-z0-9_.:$*=>|[-]{2,24}$' | sort -u |
    sed 's/\\/\\\\/g; s/.*/"&"/'
}
show_words >"$build/words"

cp "$top"/scenarios/*.scenario "$top"/tests/cli/scenarios/*.scenario "$build/corpus-parse"
cd "$build"
./fuzz_parse -max_total_time="$seconds" -max_len=20000 -timeout=10 -rss_limit_mb=2048 \
  -dict=words -print_final_stats=1 corpus-parse 2>&1 | grep -vE '^#|^NEW|^\s+NEW' | tail -n 30
./fuzz_sockdiag -max_total_time="$seconds" -max_len=4096 -timeout=10 -print_final_stats=1 \
  corpus-sockdiag 2>&1 | grep -vE '^#' | tail -n 30
# A pipe hides the fuzzer's own status; what it found lies in a file.
for found in crash-* leak-* timeout-* oom-*; do
  if [ -e "$found" ]; then
    echo "found: $build/$found"
    exit 1
  fi
done
