#!/bin/sh
# The catalogue, again and again, several cases at a time; a part of the runs beside a program that
# keeps all processors busy. No case may be FAIL or ERROR.
#
# usage: tests/fault/repeat.sh PORTREUSE HELPERS [N]
#
# N (default 2) is the number of runs of the whole catalogue without its slow scenarios. A run takes
# some ten seconds. Every second one runs under stress.
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
calm() {
  # shellcheck disable=SC2086 # to be split
  [ -z "$load" ] || kill $load
  load=
}
load=
trap 'calm; rm -rf "$work"' EXIT

for number in $(seq "$runs"); do
  if [ $((number % 2)) = 0 ]; then
    busy
    stressed=$((stressed + 1))
  fi
  run timeout 900 "$portreuse" run --all -j --output "$work/report.json" --output "$work/all.txt"
  calm
  passed=$(grep -c '"verdict": *"PASS"' "$work/report.json")
  cases=$((cases + passed))
  if [ "$rc" != 0 ]; then
    wrong=$((wrong + 1))
    echo "# run $number: exit status $rc"
    grep -A 30 -E '^(FAIL|ERROR)' "$work/all.txt" | head -n 60 | awk '{ print "# | " $0 }'
  fi
done
ok "$runs runs of the catalogue, $stressed of them under stress: no FAIL, no ERROR" test "$wrong" = 0
echo "# $runs runs, $stressed of them under stress, $wrong with FAIL or ERROR"
finish
