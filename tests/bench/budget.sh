#!/bin/sh
# budget among the sockets of crowd(1), beside ss, which lists the same sockets and looks for no
# process. Each answer is checked; the status is 1 if one is wrong.
#
# usage: budget.sh BUILD PAIRS WHERE root|user|- [ARGUMENTS...], within crowd(1)
#   -: whoever starts it; ARGUMENTS: those of one row, by default three rows
set -eu
PATH=$PATH:/usr/sbin
build=$1
pairs=$2
where=$3
who=$4
shift 4
[ $# -gt 0 ] || set -- 127.0.0.1:2001 "--interval 0 127.0.0.1:2001" ""
as=
[ "$who" != user ] || as="setpriv --reuid=65534 --regid=65534 --clear-groups"
asker=
[ "$who" = - ] || asker=", asked by $who"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
cp "$build/portreuse" "$build/pairs" "$work"

# Each destination has 9000 connections, each from a port of its own, of 55,001 ports. No port of
# another one may be left to a guess.
# shellcheck disable=SC2086 # several words
check() { # ARGUMENT...
  $as "$work/portreuse" budget --format json "$@" >"$work/json" || :
  got=$(sed -n 's/^      "\(left\|counted\)": \([0-9]*\),$/\1 \2/p' "$work/json" | head -n 2 | xargs)
  summary=$(sed -n 's/^  "summary": "\(.*\)",$/\1/p' "$work/json")
  if [ "$got" = "left 46001 counted 0" ]; then
    echo "  answer                 right: $summary"
  else
    echo "  answer                 WRONG: $got; $summary"
    touch "$work/wrong"
  fi
}

for arguments in "$@"; do
  echo "budget, $where$asker: budget${arguments:+ }$arguments / ss -Htan"
  # shellcheck disable=SC2086
  check $arguments
  # shellcheck disable=SC2086
  "$work/pairs" "$pairs" -- $as "$work/portreuse" budget $arguments -- $as ss -Htan
  echo
done
[ ! -e "$work/wrong" ]
