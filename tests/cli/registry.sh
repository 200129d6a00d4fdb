#!/bin/sh
# ctest and tests/run.sh run the same tests, and every test of the tree is one of them.
# shellcheck source=lib.sh
. "$(dirname "$0")/../lib.sh"
top=$(cd "$here/../.." && pwd)
build=$(dirname "$helpers")

(cd "$build" && ctest -N) | sed -n 's/^ *Test *#[0-9]*: //p' | sort >"$work/ctest"
"$top/tests/run.sh" -n "$build" | sort >"$work/run"
{
  echo property
  for file in "$top"/tests/unit/test_*.c "$top"/tests/cli/*.sh; do
    name=${file#"$top/tests/"}
    name=${name%.*}
    echo "$name" | sed 's,^unit/test_,unit/,'
  done
} | sort >"$work/tree"
ok "ctest has tests" test -s "$work/ctest"
ok "tests/run.sh plain runs exactly what ctest runs" diff "$work/run" "$work/ctest"
ok "both run every test of the tree (if not: run cmake again)" diff "$work/tree" "$work/ctest"
ok "every script can be executed (chmod +x)" sh -c \
  'for file; do [ -x "$file" ] || { echo "$file"; exit 1; }; done' - "$top"/tests/cli/*.sh

# How tap.sh judges: a program that prints $1 and exits with status $2.
judge() { run env CI="${3:-}" "$top/tests/tap.sh" sh -c 'printf "$1"; exit "$2"' - "$1" "$2"; }
sum_is() { [ "$(tail -n 1 "$work/out")" = "$1" ]; }

judge 'ok 1 - a\nok 2 - b # SKIP no\n1..2\n' 0
ok "a test that passes, with one part skipped, passes" status_is 0
ok "and the part is counted" sum_is "1 passed, 0 failed, 1 skipped"
judge '1..1\nnot ok 1 # SKIP\n' 0
ok "cmocka 1.1.5 writes a skip as 'not ok'" sum_is "0 passed, 0 failed, 1 skipped"
ok "if all is skipped, so is the test" status_is 77
judge '1..1\nok 1 # SKIP\n' 0
ok "later ones write it as 'ok'" sum_is "0 passed, 0 failed, 1 skipped"
ok "which is the same to us" status_is 77
judge '1..1\nok 1 # SKIP\n' 0 true
ok "with CI=true a skip is a failure" status_is 1
ok "counted as one" sum_is "0 passed, 1 failed, 0 skipped"
judge 'ok 1 - a\nnot ok 2 - b\nok 3 - c # SKIP no\n1..3\n' 1
ok "a failure beside a skip is a failure" status_is 1
judge 'ok 1 - a\n1..1\n' 9
ok "so is a bad exit status" sum_is "1 passed, 1 failed, 0 skipped"
judge 'ok 1 - a\n' 0
ok "and a test that ends before it says how many it has" status_is 1
judge '' 0
ok "and one that prints nothing" status_is 1

finish
