#!/bin/sh
# Looks of why, audit and budget at a host on which sockets and processes come and go: none crashes,
# and none is wrong about what is known. See churn.c.
#
# usage: tests/fault/churn.sh PORTREUSE HELPERS [N]
#
# 280 looks take 15 seconds; 10,000 some ten minutes.
if [ -z "${CHURN_ALONE:-}" ] && unshare -rpfmn --mount-proc true 2>/dev/null; then
  CHURN_ALONE=1 exec unshare -rpfmn --kill-child --mount-proc "$0" "$@"
fi
# shellcheck source=lib.sh
. "$(dirname "$0")/../lib.sh"
looks=${3:-280}

if [ -z "${CHURN_ALONE:-}" ] || ! ip link set lo up; then
  skip "looks at what comes and goes" "no namespaces may be made here"
  finish
fi
run timeout 7200 "$helpers/churn" "$looks" "$portreuse"
if [ "$rc" = 77 ]; then
  skip "looks at what comes and goes" "$(head -n 1 "$work/err")"
  finish
fi
ok "$looks looks at what comes and goes: none is wrong" status_is 0
quote 40 "$work/out" "# "
finish
