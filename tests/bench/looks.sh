#!/bin/sh
# why and budget among the sockets of crowd(1), beside what one would use instead. Half of the sockets are
# in TIME-WAIT, and gone after a minute: what depends on these comes first.
#
# usage: looks.sh BUILD PAIRS ss|others, within crowd(1)
set -eu
PATH=$PATH:/usr/sbin
build=$1
pairs=$2
portreuse=$build/portreuse

# shellcheck source=bench/compare.sh
. "$(dirname "$0")/compare.sh"

if [ "$3" = ss ]; then
  compare "why, a port with 9000 connections in TIME-WAIT / ss of that port" "$pairs" \
    "$portreuse" why 127.0.0.1:2010 -- ss -Htan 'sport = :2010'
  compare "why, a free port / ss of that port" "$pairs" \
    "$portreuse" why 127.0.0.1:1500 -- ss -Htan 'sport = :1500'
  compare "why, a port with a listener and 9000 connections / ss -p of that port, which names the process, too" "$pairs" \
    "$portreuse" why 127.0.0.1:2001 -- ss -Htanp 'sport = :2001'
  # What a monitor such as node-problem-detector starts every so many seconds: the processor time counts.
  plugin='ss -Htan | sort -k 5,5 | uniq -cf 4 | sort -rn | head -n 1'
  compare "budget as a monitor / a shell script with ss that counts the connections to each destination" "$pairs" \
    "$portreuse" budget --format line --interval 0 -- sh -c "$plugin"
  exit "$wrong"
fi
if command -v lsof >/dev/null; then
  compare "why, a port with a listener and 9000 connections / lsof of that port" "$pairs" \
    "$portreuse" why 127.0.0.1:2001 -- lsof -nPi TCP:2001
fi
if command -v fuser >/dev/null; then
  compare "why, a port with a listener and 9000 connections / fuser of that port" "$pairs" \
    "$portreuse" why 127.0.0.1:2001 -- sh -c 'fuser -s -n tcp 2001 2>/dev/null'
fi
exit "$wrong"
