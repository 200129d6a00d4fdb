#!/bin/sh
# Each system call and each allocation of the commands fails once, and all their reads and writes are
# short: no answer that was not found out, no crash, no end without a word, no process left.
#
# usage: tests/fault/faults.sh PORTREUSE HELPERS [all [NAME]]
#
# Without `all` it tries a few calls of each kind, which takes a minute or two; with it every one, and each
# also with all later ones of its kind. NAME is the one command to try, as in `trace` below.
if [ -z "${FAULTS_ALONE:-}" ] && unshare -rpfmn --mount-proc true 2>/dev/null; then
  FAULTS_ALONE=1 exec unshare -rpfmn --kill-child --mount-proc "$0" "$@"
fi
# shellcheck source=lib.sh
. "$(dirname "$0")/../lib.sh"
all=${3:-}
only=${4:-}
helpers=$(cd "$helpers" && pwd)
faults=$helpers/faults
mkdir "$work/empty" "$work/tmp"
cd "$work/empty" || exit 1

if [ -z "${FAULTS_ALONE:-}" ] || ! ip link set lo up; then
  skip "what fails once" "no namespaces may be made here"
  finish
fi

scenario short <<'END'
title a short case
setup
  server socket l SO_REUSEADDR
  server bind l 127.0.0.1:1215
  server listen l
case it is taken
  client socket c
  client bind c 127.0.0.1:1215 -> EADDRINUSE
  why 127.0.0.1:1215 -> address-in-use
case it answers
  sysctl net.ipv4.tcp_fin_timeout 30
  client socket c
  client connect c 127.0.0.1:1215
  server accept l p
  client send c 10 -> 10
  server recv p -> 10
  client close c
  server recv p -> eof
END
short=$file

"$portreuse" server -l 127.0.0.1:2000 >"$work/server" 2>&1 </dev/null &
server=$!
"$portreuse" server -l '[::1]:2002' >"$work/ipv6" 2>&1 </dev/null &
ipv6=$!
trap 'kill $server $ipv6 2>/dev/null; rm -rf "$work"' EXIT
until_ok grep -q '^wait' "$work/server"

# tried NAME ARGUMENT...: one run of `faults`; its last line is a remark.
tried() {
  tried_name=$1
  shift
  run timeout 3000 "$faults" -t 20 "$@"
  if [ "$rc" = 77 ]; then
    skip "$tried_name" "nothing can fail here"
    return
  fi
  ok "$tried_name" status_is 0
  echo "# $(tail -n 1 "$work/out")"
}

# command NAME [OPTION...] -- COMMAND...: everything of one command. A sanitizer has allocations of its
# own, and maps memory as it likes. Of the calls that fail for ever, some leave no choice: a wait that is
# interrupted is made again, and what cannot be written cannot be said.
command() {
  name=$1
  shift
  [ -z "$only" ] || [ "$name" = "$only" ] || return 0
  options=
  while [ "$1" != -- ]; do
    options="$options $1"
    shift
  done
  shift
  few="-m 2"
  many="-m 12"
  [ -z "$all" ] || few="" many=""
  # shellcheck disable=SC2086 # to be split
  {
    grep -q __asan_init "$portreuse" || tried "$name: system calls" $options $few "$portreuse" "$@"
    [ -z "$all" ] || tried "$name: all later calls" $options -s -n 3 -x wait4,waitid,write "$portreuse" "$@"
    if [ -e "$helpers/libfaults.so" ]; then
      tried "$name: allocations" $options -a "$helpers/libfaults.so" $many "$portreuse" "$@"
      [ -z "$all" ] || tried "$name: all later allocations" $options -s -a "$helpers/libfaults.so" "$portreuse" "$@"
      tried "$name: short reads and writes" $options -r "$helpers/libfaults.so" "$portreuse" "$@"
    fi
  }
}

command "run" -- run "$short"
# What the runner and its stages say to each other, and what is asked over netlink; how `trace` reads the
# process in the way, and resumes a program.
if [ -z "$all" ] && ! grep -q __asan_init "$portreuse"; then
  for call in sendto recvfrom; do
    tried "run: each $call" -c $call "$portreuse" run "$short"
    tried "why of a client: each $call" -c $call "$portreuse" why --as client localhost:2000
  done
  for call in read readlink; do
    tried "trace: each $call" -2 -c $call "$portreuse" trace -- "$helpers/caller" tcp4 bind=2000
  done
  # Whether there is IPv6 at all.
  if await grep -q '^wait' "$work/ipv6"; then
    tried "why of every address: each socket" -c socket "$portreuse" why :2002
  fi
  tried "trace: all later ptrace" -2 -s -c ptrace "$portreuse" trace -- "$helpers/caller" tcp4 bind=2000
fi
command "why of a port that is taken" -- why 127.0.0.1:2000
command "why of a free port" -- why 127.0.0.1:2001
command "why of a client" -- why --as client 127.0.0.1:2000
command "budget" -- budget
command "audit" -- audit
# What it writes is what cannot be written.
command "trace" -2 -x write,wait4,waitid -- trace -- "$helpers/caller" tcp4 bind=2000
command "matrix" -- matrix --protocol tcp --state LISTEN --first 127.0.0.1,none --second 127.0.0.1,none
command "server" -- server -l 127.0.0.1:3000 -w 10ms
command "client" -- client -e 127.0.0.1:2000 -w 10ms
if [ -n "$all" ]; then
  command "run with JSON" -- run --format json "$short"
  command "why of every address" -- why :2002
  command "why of all namespaces" -- why --all-netns 127.0.0.1:2000
  command "why of port 0" -- why 127.0.0.1:0
  command "why with a file" -- why --output /dev/null:json 127.0.0.1:2000
  command "why of a Unix socket" -- why unix:none
  command "check" -- check "$short"
  command "list" -- list
  command "version" -- version -v
fi

finish
