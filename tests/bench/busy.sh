#!/bin/sh
# The questions of a busy host, each beside `ss -tlnp` about the same port. run.sh starts it on a host
# with 200,000 sockets, 5000 processes, eight of them with 18,000 descriptors, and 2000 network
# namespaces; the line `answer` shows that what is found there is right.
#
# usage: busy.sh BUILD PAIRS
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
cp "$1/portreuse" "$1/pairs" "$1/place" "$work"
PATH=$PATH:/usr/sbin
pairs=$2
user="setpriv --reuid=65534 --regid=65534 --clear-groups"

# question NAME ADDRESS PORT [ss OPTION]
question() {
  for who in root user; do
    as=
    [ $who = root ] || as=$user
    echo "$1, asked by $who: $2 / ss ${4:--tlnp}"
    # shellcheck disable=SC2086 # several words
    echo "  answer                 $($as "$work"/portreuse why "$2" | head -n 1)"
    # shellcheck disable=SC2086
    "$work"/pairs "$pairs" -- $as "$work"/portreuse why "$2" -- $as ss -H "${4:--tlnp}" "sport = :$3"
    echo
  done
}

if [ $# -gt 2 ]; then # within place
  shift 2
  question "$@"
  exit
fi
question "a port with a listener and 9000 connections" 127.0.0.1:2001 2001
question "the same on every address" :2001 2001
question "a free port" :1500 1500
for kind in low high workers reuseport bound flight waiting connections; do
  "$work"/place $kind 3001 "$0" "$1" "$pairs" "$kind" :3001 3001
done
"$work"/place udp 3001 "$0" "$1" "$pairs" udp udp/3001 3001 -ulnp

echo "all namespaces / ss -tln in each, without the processes"
"$work"/portreuse why --all-netns :2001 >"$work/all" || :
echo "  answer                 $(head -n 1 "$work/all"); $(grep -c '^EADDRINUSE' "$work/all") of EADDRINUSE"
cat >"$work/each" <<'END'
for pid in $(lsns -t net -n -o PID); do nsenter -t "$pid" -n ss -Htln "sport = :2001"; done
END
"$work"/pairs 1 -- "$work"/portreuse why --all-netns :2001 -- sh "$work/each"
