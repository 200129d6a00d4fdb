# For the scripts of this folder: `. "$(dirname "$0")/lib.sh"`, functions row_NAME, and `rows` at the end.
#
# Each row_NAME makes a situation for real, with the real program where it is installed, and checks what
# `portreuse why` says. It runs alone in network, process and mount namespaces of its own, in which it is
# process 1: no port of the host is touched, and every process ends with the row.
#
# usage: tests/field/X.sh PORTREUSE HELPERS [NAME...]   (default: all rows)
#        FIELD_SHOW=1 prints the answers, too
#
# shellcheck shell=sh
# shellcheck disable=SC2034 # some variables are for the scripts

field_self=$0
field_helpers=$(cd "${2:-.}" && pwd)
field_names=$(echo "$*" | cut -d ' ' -f 3-)
# shellcheck source=lib.sh
. "$(dirname "$0")/../lib.sh"

python=/usr/bin/python3
[ -x $python ] || python=python3
other_uid=12345
as=
label=${FIELD_ROW:-}

# --- the rows ---

# rows: runs them all, each in its own namespaces.
rows() {
  if [ -n "${FIELD_ROW:-}" ]; then
    ip link set lo up
    mount -t tmpfs tmpfs /run
    "row_$FIELD_ROW"
    echo "$count $failures" >"$FIELD_RESULT"
    exit 0
  fi
  user=
  is_root || user=-r
  # shellcheck disable=SC2086 # $user may be empty
  if ! command -v ip >/dev/null || ! unshare $user -npmf --mount-proc true 2>/dev/null; then
    skip "$(basename "$field_self" .sh)" "namespaces cannot be made here, or ip is not installed"
    finish
  fi
  [ -n "$field_names" ] || field_names=$(sed -n 's/^row_\([a-z0-9_]*\)() .*/\1/p' "$field_self")
  for name in $field_names; do
    rm -f "$work/result"
    FIELD_ROW=$name FIELD_RESULT=$work/result FIELD_COUNT=$count FIELD_FAILURES=$failures TMPDIR=$work \
      unshare $user --net --pid --mount --fork --kill-child --mount-proc \
      "$field_self" "$portreuse" "$field_helpers" </dev/null
    [ -z "${FIELD_SHOW:-}" ] || echo "# $name ended at $(cut -d ' ' -f 1 /proc/uptime)"
    if [ -s "$work/result" ]; then
      before=$count
      read -r count failures <"$work/result"
      [ "$count" -gt "$before" ] || ${field_lacks:-skip} "$name" "the situation cannot be made here"
    else
      ok "$name: the row ends" false
    fi
  done
  finish
}

if [ -n "${FIELD_ROW:-}" ]; then
  [ $$ = 1 ] || exit 1
  count=$FIELD_COUNT
  failures=$FIELD_FAILURES
  cd "$work" || exit 1
  chmod 1777 "$work"
fi

# has PROGRAM...: returns whether all are installed; otherwise reports the row as skipped. With
# field_lacks=skip_kernel it is only a remark in CI, which does not install them all.
has() {
  for program; do
    if ! command -v "$program" >/dev/null; then
      ${field_lacks:-skip} "$label" "$program is not installed"
      return 1
    fi
  done
}

# holds NAME COMMAND...: like ok; but in a row that begins with `known FAULT` a check that fails is only
# mentioned, until the fault is fixed.
known_fault=
known() { known_fault=$1; }
holds() {
  held=$1
  shift
  if [ -n "$known_fault" ] && ! "$@" >/dev/null 2>&1; then
    echo "# known fault ($known_fault): $held"
  else
    ok "$held" "$@"
  fi
}

# --- making situations ---

# up COMMAND...: starts it in the background; its process goes to $pid.
up() {
  "$@" >"$work/log" 2>&1 </dev/null &
  pid=$!
}

# until_ok COMMAND...: waits until it succeeds; that it does is a test.
until_ok() {
  await "$@" && return
  ok "$label: waiting for: $*" false
  quote 20 "$work/log"
  return 1
}

# tcp PORT [STATE]: returns whether a TCP socket has this local port, in this state (default: LISTEN).
tcp() {
  grep -qhE "^ *[0-9]+: [0-9A-F]+:$(printf '%04X' "$1") [0-9A-F:]+ ${2:-0A} " /proc/net/tcp /proc/net/tcp6
}
udp() { grep -qhE "^ *[0-9]+: [0-9A-F]+:$(printf '%04X' "$1") " /proc/net/udp /proc/net/udp6; }
listening() { until_ok tcp "$1"; }

# py CODE [ARGUMENT...]: Python that knows some names, in the background.
py() {
  py_code="import os, sys, socket, time, subprocess, struct, threading, ctypes, signal
def server(host, port, *options, backlog=16):
    s = socket.socket(socket.AF_INET6 if ':' in host else socket.AF_INET)
    for option in options: s.setsockopt(socket.SOL_SOCKET, option, 1)
    s.bind((host, port)); s.listen(backlog)
    return s
ADDR, REUSEPORT = socket.SO_REUSEADDR, socket.SO_REUSEPORT
def done():
    open('done', 'w').close()
    time.sleep(1000)
$1"
  shift
  rm -f "done"
  up "$python" -c "$py_code" "$@"
}
made() { until_ok test -e "done"; }

# cgroup PATH PID: puts the process into a control group with this path, as a container engine does.
cgroup() {
  cgroup_root=
  for folder in /sys/fs/cgroup/unified /sys/fs/cgroup/systemd /sys/fs/cgroup; do
    if [ -e "$folder/cgroup.procs" ] && mkdir -p "$folder/portreuse-test/$1" 2>/dev/null; then
      cgroup_root=$folder
      echo "$2" >"$folder/portreuse-test/$1/cgroup.procs" && return
    fi
  done
  return 1
}

# Ends the process in $pid and removes the control groups.
leave_groups() {
  [ -z "${pid:-}" ] || kill -KILL "$pid" 2>/dev/null
  wait "$pid" 2>/dev/null
  for folder in /sys/fs/cgroup/unified /sys/fs/cgroup/systemd /sys/fs/cgroup; do
    [ ! -d "$folder/portreuse-test" ] || find "$folder/portreuse-test" -depth -type d -exec rmdir {} +
  done
}

# --- asking ---

as_other() { setpriv --reuid=$other_uid --regid=$other_uid --clear-groups "$@"; }

# ask ARGUMENT...: asks in JSON and in text, as $as; checks what every answer must have.
ask() {
  asked=$*
  run $as "$portreuse" why --format json "$@"
  cp "$work/out" "$work/json"
  run $as "$portreuse" why "$@"
  if [ -n "${FIELD_SHOW:-}" ]; then
    echo "# $label: $as why $asked"
    sed 's/^/#   | /' "$work/out" "$work/err"
    [ "$FIELD_SHOW" = 1 ] || sed 's/^/#   json | /' "$work/json"
  fi
  holds "$label: $asked: the first line fits" fits
  [ "$rc" = 2 ] || holds "$label: $asked: JSON says the same" test "$(head -n 1 "$work/out" | timeless)" = "$(json .summary | timeless)"
  [ "$rc" != 1 ] || holds "$label: $asked: it says what to do" test "$(json '.remedies | length')" -gt 0
}
# Seconds can pass between the two answers.
timeless() { sed -E 's/(^|[ ,])[0-9]+ s([ ,;]|$)/\1some s\2/'; }
fits() { [ "$(head -n 1 "$work/out" | wc -m)" -le 81 ]; }
json() { jq -r "$1" "$work/json"; }

# What the answer must say. REGEX is for the whole of the first line, or a whole remedy.
first() { holds "$label: $asked: first line: $1" first_is "$1"; }
first_is() { head -n 1 "$work/out" | grep -qxE -e "$1"; }
cause() { holds "$label: $asked: the cause is $1" test "$(json .cause)" = "$1"; }
# owner NAME: the program that is named for the first socket.
owner() { holds "$label: $asked: the owner is $1" test "$(json '.sockets[0].server.program')" = "$1"; }
remedy() { holds "$label: $asked: what to do: $1" remedy_is "$1"; }
remedy_is() { json '.remedies[]' | grep -qxE -e "$1"; }
no_remedy() { holds "$label: $asked: never: $1" remedy_is_not "$1"; }
remedy_is_not() { ! json '.remedies[]' | grep -qE -e "$1"; }
first_remedy() { holds "$label: $asked: to do first: $1" first_remedy_is "$1"; }
first_remedy_is() { json '.remedies[0]' | grep -qxE -e "$1"; }
says() { holds "$label: $asked: says '$1'" out_says "$1"; }
lacks() { holds "$label: $asked: does not say '$1'" out_lacks "$1"; }
exits() { holds "$label: $asked: exit $1" status_is "$1"; }

# others ADDRESS [USER]: an ordinary user, who is not the owner's (default: root), asks.
others() {
  if [ "$(wc -l </proc/self/uid_map)" != 1 ] || ! as_other true 2>/dev/null; then
    skip "$label: asked by another user" "only root can ask as another user"
    return
  fi
  as=as_other
  ask "$1"
  as=
  first "EADDRINUSE .*: a process of ${2:-root} (listens|has it|has bound it).*"
  first_remedy "sudo portreuse why .*"
  exits 1
}

# --- one server: most rows are like this one ---

# in_use ADDRESS WHO PROGRAM: it is in use by a server that listens.
in_use() {
  ask "$1"
  first "EADDRINUSE .*: $2 listen.*"
  cause address-in-use
  owner "$3"
  exits 1
}
