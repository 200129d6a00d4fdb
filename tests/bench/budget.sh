#!/bin/sh
# budget among the sockets of crowd(1), beside ss, which lists the same sockets and looks for no
# process. The answer is checked; the status is 1 if it is wrong.
#
# usage: budget.sh BUILD PAIRS WHERE root|user|- [ARGUMENT...], within crowd(1)    -: whoever starts it
set -eu
PATH=$PATH:/usr/sbin
build=$1
pairs=$2
where=$3
who=$4
shift 4
as=
[ "$who" != user ] || as="setpriv --reuid=65534 --regid=65534 --clear-groups"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
cp "$build/portreuse" "$build/pairs" "$work"

asker=
[ "$who" = - ] || asker=", asked by $who"
echo "budget, $where$asker: budget${*:+ }$* / ss -Htan"
# Each destination has 9000 connections, each from a port of its own, of 55,001 ports. No port of
# another one may be left to a guess.
# shellcheck disable=SC2086 # several words
$as "$work/portreuse" budget --format json "$@" >"$work/json" || :
got=$(sed -n 's/^      "\(left\|counted\)": \([0-9]*\),$/\1 \2/p' "$work/json" | head -n 2 | xargs)
summary=$(sed -n 's/^  "summary": "\(.*\)",$/\1/p' "$work/json")
if [ "$got" = "left 46001 counted 0" ]; then
  echo "  answer                 right: $summary"
else
  echo "  answer                 WRONG: $got; $summary"
fi
# shellcheck disable=SC2086
"$work/pairs" "$pairs" -- $as "$work/portreuse" budget "$@" -- $as ss -Htan
echo
[ "$got" = "left 46001 counted 0" ]
