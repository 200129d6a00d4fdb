#!/bin/sh
# The catalogue, again and again, several cases at a time; a part of the runs beside a program that
# keeps all processors busy. No case may be FAIL or ERROR.
#
# usage: tests/fault/repeat.sh PORTREUSE HELPERS [N]
#
# N (default 2) is the number of runs of the whole catalogue without its slow scenarios. The cases wait
# more than they compute: with eight at a time per processor a run takes six seconds on two processors.
# Every second one runs under stress. Every 50 runs a remark says how many there were; so does an end
# before its time.
# shellcheck source=lib.sh
. "$(dirname "$0")/../lib.sh"
runs=${3:-2}
cases=0
wrong=0
stressed=0

if refuses_namespaces; then
  skip "the catalogue, repeated" "this machine refuses network namespaces"
  finish
fi

# busy: as many endless loops as there are processors, and as many that make processes; $load has them.
busy() {
  load=
  for _ in $(seq "$(nproc)"); do
    sh -c 'while :; do :; done' &
    load="$load $!"
    sh -c 'while :; do /bin/true; done' &
    load="$load $!"
  done
}
# calm: ends the loops. A signal to the whole process group has ended them already.
# shellcheck disable=SC2086 # to be split
calm() {
  [ -z "$load" ] || kill $load 2>/dev/null
  wait $load 2>/dev/null
  load=
}
tally() {
  echo "# $ended runs, $stressed of them under stress, $cases cases passed, $wrong runs with FAIL or ERROR"
}
ended=0
load=
trap 'calm; rm -rf "$work"' EXIT
trap 'tally; exit 130' INT TERM

for number in $(seq "$runs"); do
  if [ $((number % 2)) = 0 ]; then
    busy
  fi
  run timeout 900 "$portreuse" run --all -j "$((8 * $(nproc)))" --output "$work/all:tap" --output "$work/all.txt"
  [ -z "$load" ] || stressed=$((stressed + 1))
  calm
  ended=$number
  passed=$(grep '^ok' "$work/all" | grep -vc '# SKIP')
  cases=$((cases + passed))
  if [ "$rc" != 0 ]; then
    wrong=$((wrong + 1))
    echo "# run $number: exit status $rc"
    grep -A 30 -E '^(FAIL|ERROR)' "$work/all.txt" | head -n 60 | awk '{ print "# | " $0 }'
  fi
  [ $((number % 50)) != 0 ] || tally
done
ok "$runs runs of the catalogue, $stressed of them under stress: no FAIL, no ERROR" test "$wrong" = 0
tally
finish
