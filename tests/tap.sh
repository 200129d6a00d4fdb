#!/bin/sh
# Runs a test program that prints TAP, for ctest and tests/run.sh alike, and sums up what it prints.
#
# usage: tests/tap.sh COMMAND...
#
# The last line is `N passed, N failed, N skipped`. Exit status 0 if nothing failed, 77 if all tests
# were skipped, 1 otherwise. With CI=true a skipped test counts as failed: the machine is known to be
# able to run it.
set -u
log=$(mktemp)
trap 'rm -f "$log" "$log.status"' EXIT
trap 'exit 130' INT TERM
{
  CMOCKA_MESSAGE_OUTPUT=TAP "$@"
  echo $? >"$log.status"
} 2>&1 | tee "$log"
status=$(cat "$log.status")

count() { grep -cE "$1" "$log"; }
# cmocka before 1.1.6 prints a skipped test as `not ok 1 # SKIP`.
skipped=$(count '^(not )?ok .*# SKIP')
passed=$(($(count '^ok ') - $(count '^ok .*# SKIP')))
failed=$(($(count '^not ok ') - $(count '^not ok .*# SKIP')))
planned=$(sed -n 's/^1\.\.\([0-9][0-9]*\)$/\1/p' "$log" | tail -n 1)
if [ "$failed" = 0 ] && [ "$status" != 0 ] && [ "$status" != 77 ]; then
  echo "# failed: exit status $status"
  failed=1
elif [ "$failed" = 0 ] && [ "$((passed + skipped))" != "${planned:-none}" ]; then
  echo "# failed: $((passed + skipped)) results, but the plan (1..N) says ${planned:-nothing}"
  failed=1
fi
if [ "${CI:-}" = true ] && [ "$skipped" != 0 ]; then
  echo "# failed: tests were skipped, and CI=true does not allow that"
  failed=$((failed + skipped))
  skipped=0
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] || exit 1
[ "$passed" != 0 ] || exit 77
