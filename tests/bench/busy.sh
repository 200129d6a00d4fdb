#!/bin/sh
# The questions of a busy host, each beside ss about the same port, as root and as an ordinary user.
# run.sh starts it on a host with very many sockets, processes, descriptors and network namespaces.
# A fast wrong answer is worth nothing: the line `answer` is checked, and the status is 1 if one is
# wrong.
#
# usage: busy.sh BUILD PAIRS, within host(1) and crowd(1)
set -eu
PATH=$PATH:/usr/sbin
build=$1
pairs=$2
user="setpriv --reuid=65534 --regid=65534 --clear-groups"

# What why answers: the verdict, the cause, and the process; or that there is none, if the search for
# it was complete.
field() { # NAME INDENTATION
  value=$(sed -n "s/^ \{$2\}\"$1\": \(.*\),\$/\1/p" "$work/json" | head -n 1 | sed 's/^"\(.*\)"$/\1/')
  echo "${value:--}"
}
answer() { # COMMAND...
  "$@" why --format json "$address" >"$work/json" || :
  pid=$(field pid 8)
  [ "$pid" != - ] || [ "$(field processes_search 6)" != complete ] || pid=none
  echo "$(field verdict 2) $(field cause 2) $pid"
}

verdict() { # GOT EXPECTED WORDS
  if [ "$1" = "$2" ]; then
    echo "  answer                 right: $3"
  else
    echo "  answer                 WRONG: $1; it is $2"
    touch "$work/wrong"
  fi
}

# What is expected, with the owner for `%`: an ordinary user is told the same, but not whose it is.
check() { # COMMAND...
  got=$(answer "$@")
  expected=$(echo "$want" | sed "s/%/$owner/")
  if [ "$who" = user ]; then
    expected=$(echo "$want" | sed "s/%/-/; s/held-by-no-process none/$listener -/")
  fi
  verdict "$got" "$expected" "$(field summary 2)"
}

# question NAME ADDRESS WANT SS...
question() {
  name=$1 address=$2 want=$3
  shift 3
  for who in root user; do
    as=
    [ $who = root ] || as=$user
    echo "$name, asked by $who: why $address / ss $*"
    # shellcheck disable=SC2086 # several words
    check $as "$work"/portreuse
    # shellcheck disable=SC2086
    "$work"/pairs "$pairs" -- $as "$work"/portreuse why "$address" -- $as ss -H "$@"
    echo
  done
}

listener=wildcard-vs-specific
if [ $# -gt 2 ]; then # within place
  # shellcheck disable=SC2153 # place sets OWNER
  work=$3 owner=$OWNER
  shift 3
  question "$@"
  exit
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
cp "$build/portreuse" "$build/pairs" "$build/place" "$work"

placed() { # KIND NAME WANT
  "$work"/place "$1" 3001 "$0" "$build" "$pairs" "$work" "$2" :3001 "$3" -tlnp "sport = :3001"
}

owner=$CROWD
question "a port with a listener and 9000 connections" 127.0.0.1:2001 \
  "refused address-in-use %" -tlnp "sport = :2001"
question "the same on every address" :2001 "refused $listener %" -tlnp "sport = :2001"
question "a free port" :1500 "free null -" -tlnp "sport = :1500"
placed low "a listener at a low descriptor" "refused $listener %"
placed high "a listener at the last of 18,000 descriptors" "refused $listener %"
placed workers "a listener that 200 workers inherited" "refused $listener %"
placed reuseport "64 listeners (SO_REUSEPORT)" "refused $listener %"
placed threads "a listener in a process of 1000 threads" "refused $listener %"
placed table "a listener in the descriptor table of one of 1000 threads" "refused $listener %"
placed flight "a listener in a message (SCM_RIGHTS)" "refused held-by-no-process none"
placed bound "a socket that is bound and idle" "free bound-but-idle %"
placed connections "9000 connections, no listener" "free live-connection %"
placed waiting "9000 connections in TIME-WAIT, no listener" "free time-wait-rebind none"
"$work"/place udp 3001 "$0" "$build" "$pairs" "$work" "a UDP socket" udp/3001 \
  "refused udp-port-taken %" -ulnp "sport = :3001"
"$work"/place unix "$work/socket" "$0" "$build" "$pairs" "$work" "a Unix socket" "$work/socket" \
  "refused unix-socket-in-use %" -xlp "src $work/socket"

for who in root user; do
  "$(dirname "$0")/budget.sh" "$build" "$pairs" "on this host" $who || touch "$work/wrong"
done

# ss needs a process for each namespace, and is timed in a few of them, without -p: with it, it would
# read all of /proc each time. Every tenth namespace has a listener (host.c), and so has this one.
now_ms() { echo $(($(date +%s%N) / 1000000)); }
sample=50
lsns -t net -n -o PID >"$work/pids"
namespaces=$(wc -l <"$work/pids")
echo "all namespaces: why --all-netns :2001 / ss -tln in one after the other, without the processes"
begin=$(now_ms)
"$work"/portreuse why --all-netns :2001 >"$work/all" || :
middle=$(now_ms)
for pid in $(head -n $sample "$work/pids"); do
  nsenter -t "$pid" -n ss -Htln "sport = :2001"
done >/dev/null
end=$(now_ms)
refused=$(tail -n +2 "$work/all" | grep -c '^EADDRINUSE')
# shellcheck disable=SC2153 # host(1) sets NAMESPACES
verdict "$refused" $((NAMESPACES / 10 + 1)) "EADDRINUSE in $refused of $namespaces namespaces"
echo "  A, each namespace      $(((middle - begin) / namespaces)) ms"
echo "  B, each namespace      $(((end - middle) / sample)) ms"
[ ! -e "$work/wrong" ]
