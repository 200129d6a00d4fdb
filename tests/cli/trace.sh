#!/bin/sh
# portreuse trace: each call that fails is reported once, with its cause, and the program does not
# notice. tests/field/tracing.sh has real programs.
# shellcheck source=lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=private.sh
. "$here/../private.sh"

# A program that is traced cannot look for its leaks, as that needs ptrace(2).
export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0"

caller=$(cd "$helpers" && pwd)/caller

# trace WORD...: runs the helper of that name, with the report in JSON in the file json.
trace() {
  run timeout 20 "$portreuse" trace --output "$work/json:json" -- "$caller" "$@"
}

# same WORD...: the helper says the same, and exits with the same status, as without trace.
same() {
  "$caller" "$@" >"$work/want" 2>&1
  want=$?
  trace "$@"
  ok "$*: the program does the same" diff "$work/want" "$work/out"
  ok "$*: and exits with the same status" status_is "$want"
}

# calls JQ-FILTER WANT: what the filter makes of each failed call, joined by blanks.
calls() {
  [ -n "$jq" ] || return 0
  got=$(jq -r "[.calls[] | select(.error) | $1] | join(\" \")" "$work/json")
  ok "$test_about: $1 is $2" [ "$got" = "$2" ]
}
findings() { # WANT
  [ -n "$jq" ] || return 0
  got=$(jq -r '[.findings[].finding] | join(" ")' "$work/json")
  ok "$test_about: the findings are '$1'" [ "$got" = "$1" ]
}
about() {
  test_about=$*
  same "$@"
}
listens() { "$portreuse" why ":$1" | grep -q listens; } # PORT
jq=$(command -v jq)
# Not a shell script that chooses among several.
python=/usr/bin/python3
[ -x $python ] || python=python3
[ -n "$jq" ] || skip "what the JSON says" "jq is not installed"

# --- nothing fails ---

about exit=0
ok "a program without sockets: nothing is said" err_is_empty
about exit=77
about tcp4 reuseaddr bind=80 listen
ok "calls that succeed are not told" err_is_empty
calls .call ""

# --- who is in the way ---

about tcp4 bind=80 listen tcp4 bind=80
calls .call bind
calls .error EADDRINUSE
calls .address 127.0.0.1:80
calls .protocol TCP
calls .cause bound-twice
calls .program caller
calls '.sockets[0].state' LISTEN
calls '.conflict' true
ok "the text says it, too" err_has "bind(127.0.0.1:80): EADDRINUSE; the program has bound it twice"
ok "a process that the tracer has stopped is not told to be stopped" sh -c '! grep -q stopped "$1"' - "$work/err"

about tcp4 reuseaddr bind=any:80 listen tcp6 reuseaddr bind=any:80
calls .cause bound-twice
calls .address '[::]:80'
about tcp4 bind=80 tcp4 fork bind=80
calls .cause bound-twice
calls .parent_program caller
about tcp4 bind=80 tcp4 vfork bind=80
calls .cause bound-twice
about tcp4 bind=80 tcp4 thread bind=80
calls .cause bound-twice
about udp4 bind=53 udp4 bind=53
calls .protocol UDP
calls .cause bound-twice
about tcp4 bind=80 bind=81
calls .error EINVAL
calls .cause ""
ok "that a socket is bound already is said" err_has "EINVAL; the socket is bound already, to"
about tcp4 reuseaddr bind=80 tcp4 reuseaddr bind=80 listen tcp4 connect=80
calls .call ""

# listen() fails if another socket with the same address listens first.
about tcp4 reuseaddr bind=80 tcp4 reuseaddr bind=80 exit=0
"$caller" tcp4 reuseaddr bind=80 listen pause >/dev/null &
server=$!
until_ok listens 80
about tcp4 bind=80
calls .cause address-in-use
calls '.sockets[0].processes[0].pid' $server
ok "another program is named" err_has "EADDRINUSE; caller ($server) listens; stop it"
ok "with the command that stops it" err_has "kill $server"
run "$portreuse" trace --output "$work/r.html" -- "$caller" tcp4 bind=80
ok "in a page, a click selects it" grep -q ">  <span class=\"copy\">kill $server</span>" "$work/r.html"
ok "and nothing else" [ "$(grep -c 'class="copy"' "$work/r.html")" = 1 ]
about tcp4 bind=any:80
calls .cause wildcard-vs-specific
about tcp4 reuseport bind=80
calls .cause reuseport-all-or-none
calls '.options.reuseport' true
kill $server
wait $server 2>/dev/null

# --- connect() ---

about tcp4 connect=81
calls .error ECONNREFUSED
calls .cause ""
calls .conflict false
about tcp4 reuseaddr bind=82 listen tcp4 nonblock connect=82
calls .call ""
sysctl -qw net.ipv4.ip_local_port_range="40000 40001" 2>/dev/null ||
  echo "40000 40001" >/proc/sys/net/ipv4/ip_local_port_range
about tcp4 reuseaddr bind=82 listen tcp4 connect=82 tcp4 connect=82 tcp4 connect=82
calls .error EADDRNOTAVAIL
calls .cause ephemeral-exhaustion-established
about tcp4 bind=0 tcp4 bind=0 tcp4 bind=0
calls .error EADDRINUSE
calls .cause ephemeral-bind
about udp4 bind=0 udp4 bind=0 udp4 connect=9
calls .error EAGAIN
calls .cause ephemeral-bind
echo "32768 60999" >/proc/sys/net/ipv4/ip_local_port_range

# From here on, connect() is refused by the host itself.
if command -v $python >/dev/null; then
  cat >"$work/refused" <<'END'
import errno, socket
def call(name, function, *arguments):
    try:
        function(*arguments)
    except OSError as e:
        print(name, errno.errorcode[e.errno])
def tcp():
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return s
call("route", tcp().connect, ("192.0.2.1", 80))
call("udp", socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect, ("192.0.2.1", 80))
call("address", tcp().bind, ("192.0.2.7", 80))
first, second = tcp(), tcp()
first.bind(("127.0.0.1", 70))
second.bind(("127.0.0.1", 70))
first.listen()
call("listen", second.listen)
old, new = tcp(), tcp()
old.bind(("127.0.0.1", 7777))
old.connect(("127.0.0.1", 70))
new.bind(("127.0.0.1", 7777))
call("connect", new.connect, ("127.0.0.1", 70))
wrong = tcp()
wrong.bind(("127.0.0.1", 0))
call("source", wrong.connect, ("192.0.2.2", 80))
END
  $python "$work/refused" >"$work/want"
  run timeout 60 "$portreuse" trace --output "$work/json:json" -- $python "$work/refused"
  test_about="refusals of connect() and others"
  ok "$test_about: the program sees the same" diff "$work/want" "$work/out"
  # The UDP socket may come last: it could have been one of getaddrinfo().
  calls 'select(.protocol == "UDP") | .cause' no-route
  calls 'select(.protocol == "TCP") | .cause' "no-route address-not-local bound-twice fixed-client-port $(
    grep -q 'source EINVAL' "$work/want" && echo wrong-source || echo no-route)"
  calls 'select(.protocol == "TCP") | .conflict' "false false true true false"
  ok "$test_about: the program is not told to be stopped" sh -c '! grep -q "^ *kill [0-9]" "$1"' - "$work/err"
fi

# A socket stays in the network namespace that it was made in, wherever its process or thread goes.
if command -v $python >/dev/null; then
  cat >"$work/moves" <<'END'
import ctypes, os, socket, sys, threading
unshare = ctypes.CDLL(None, use_errno=True).unshare
def pair():
    first, second = socket.socket(), socket.socket()
    for s in first, second:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    first.bind(("0.0.0.0", 60))
    first.listen()
    return first, second
def refuse(second):
    try:
        second.bind(("0.0.0.0", 60))
    except OSError as e:
        print(e.errno)
if sys.argv[1] == "process":
    first, second = pair()
    if unshare(0x40000000) == 0:
        refuse(second)
else:
    def work():
        if unshare(0x40000000) == 0:
            first, second = pair()
            refuse(second)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
END
  for who in process thread; do
    run timeout 60 "$portreuse" trace --output "$work/json:json" -- $python "$work/moves" $who
    test_about="a $who in another network namespace than its socket or its process"
    ok "$test_about: the program sees the same" out_has 98
    calls .cause bound-twice
  done
fi

# --- Unix sockets ---

"$caller" unix bind="$work/s" >/dev/null
about unix bind="$work/s"
calls .cause unix-stale-socket
calls .address "unix:$work/s"
about unix connect="$work/s"
calls .error ECONNREFUSED
calls .cause unix-stale-socket
about unix connect="$work/none"
calls .cause unix-no-socket
about unix bind="$work/none/s"
calls .cause unix-no-directory
about unix bind=@name listen unix bind=@name
calls .cause bound-twice
calls .address unix:@name
(
  cd "$work" || exit
  rm -f s
  run timeout 20 "$portreuse" trace -- "$caller" unix bind=s unix bind=s
)
ok "a relative path is that of the program" err_has "bind(unix:s): EADDRINUSE; the program has bound it twice"
(
  cd "$work" || exit
  run timeout 20 "$portreuse" trace -- "$caller" unix bind=s
)
ok "what to do with it works from everywhere" err_has "rm $work/s"

# What the C library looks for by itself, as getpwuid() does where HOME is not set.
for server in /var/run/nscd/socket /run/avahi-daemon/socket /dev/log; do
  [ ! -S $server ] || continue # somebody answers
  about unix connect=$server
  calls .call ""
  ok "$test_about: nothing is said" err_is_empty
  run timeout 20 "$portreuse" trace -v --output "$work/json:json" -- "$caller" unix connect=$server
  ok "$test_about: -v tells it" err_says "connect(unix:$server)"
  [ -z "$jq" ] || ok "$test_about: in the file, too" jq -e --arg a "unix:$server" \
    '.calls[] | select(.call == "connect" and .address == $a)' "$work/json"
done
about unix connect="$work/nscd/socket"
calls .cause unix-no-socket

# How getaddrinfo() sorts addresses: it connects UDP sockets and sends nothing. It is known by the
# port, or by the TCP connection to one of the addresses that comes next; all else is told.
if command -v $python >/dev/null; then
  cat >"$work/sorts" <<'END'
import socket, sys, time
def connect(kind, address, port):
    s = socket.socket(socket.AF_INET, kind)
    s.connect_ex((address, port))
    return s
for word in sys.argv[1:]:
    kind, _, port = word.partition(":")
    if kind == "pause":
        print(kind, flush=True)
        time.sleep(60)
    elif kind == "tcp":
        connect(socket.SOCK_STREAM, "192.0.2.2", int(port))
    elif kind == "option":
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.connect_ex(("192.0.2.2", int(port)))
    else:
        for address in "192.0.2.1", "127.0.0.1", "192.0.2.2":
            connect(socket.SOCK_DGRAM, address, int(port))
END
  sorts() { # WORDS WANT [OPTION]: the protocols and ports of the calls that are told
    # shellcheck disable=SC2086 # words and options are several
    run timeout 20 "$portreuse" trace ${3:-} --output "$work/json:json" -- $python "$work/sorts" $1
    test_about="sorting of addresses: $1 ${3:-}"
    [ -n "$jq" ] || return 0
    # What is held back comes later, or not, as the machine is busy.
    got=$(jq -r '[.calls[] | select(.error) | "\(.protocol):\(.address | split(":") | last)"] | sort | join(" ")' \
      "$work/json")
    ok "$test_about: '$2' is told" [ "$got" = "$2" ]
  }
  sorts "udp:0 udp:65535" ""
  ok "$test_about: nothing is said" err_is_empty
  sorts "udp:443 tcp:443" TCP:443
  sorts "udp:9 tcp:443" TCP:443
  sorts "udp:443" "UDP:443 UDP:443"
  sorts "udp:443 tcp:80" "TCP:80 UDP:443 UDP:443"
  sorts "option:443 tcp:443" "TCP:443 UDP:443"
  sorts "udp:443 tcp:443" "TCP:443 UDP:443 UDP:443" -v
  sorts "udp:65535" "UDP:65535 UDP:65535" -v
  "$portreuse" trace -- $python "$work/sorts" udp:443 pause >"$work/out" 2>"$work/err" &
  tracer=$!
  until_ok out_has pause
  ok "sorting of addresses: a failure is not held back for long" await err_has "connect(192.0.2.2:443/udp): ENETUNREACH"
  kill $tracer
  wait $tracer 2>/dev/null
fi

# --- other ways to make a call ---

about filter tcp4 bind=80 tcp4 bind=80
calls .cause bound-twice
run timeout 20 "$portreuse" trace -- "$caller" exec=exit=5
ok "a thread that executes another program" status_is 5
if "$caller" mptcp4 >/dev/null 2>&1; then
  about mptcp4 bind=80 listen mptcp4 bind=80
  calls .protocol MPTCP
  calls .cause bound-twice
else
  skip "MPTCP" "this kernel has none"
fi

# --- findings ---

about tcp4 bind=80 listen
findings no-reuseaddr
about tcp4 reuseaddr bind=40000 listen
findings port-in-range
ok "a finding is told at the end" err_has "port-in-range: caller has 127.0.0.1:40000"
about udp4 bind=40000
findings port-in-range
about tcp4 reuseaddr bind=0 listen
findings ""
about tcp4 bind=80 reuseaddr listen
findings late-option
about tcp4 reuseaddr bind=80 listen tcp4 reuseaddr bind=80 listen
findings error-ignored
run timeout 20 "$portreuse" trace --output "$work/json:json" -- \
  "$caller" tcp4 reuseaddr bind=80 listen exec=exit=0
test_about="another program is executed"
findings ""
cat >"$work/inherit" <<'END'
import os, socket
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("127.0.0.1", 80))
s.listen()
s.set_inheritable(True)
os.spawnlp(os.P_WAIT, "true", "true")
END
if command -v $python >/dev/null; then
  run timeout 20 "$portreuse" trace --output "$work/json:json" -- $python "$work/inherit"
  test_about="a child gets the listener"
  findings listener-inherited
fi

# What is done through io_uring is not seen, which is said; it is no warning.
if "$caller" ring | grep -q "ring 0"; then
  about ring
  findings io-uring
  ok "io_uring: it is said" err_says "io-uring: caller uses io_uring: bind(), listen() and connect() calls that it makes through it are not seen"
  run "$portreuse" trace --output "$work/report:line" -- "$caller" ring
  ok "io_uring: no warning" grep -q '^OK 0 of 0 calls failed, 1 finding$' "$work/report"
  "$caller" ring pause >"$work/out" &
  server=$!
  until_ok out_has ring
  "$portreuse" trace --pid $server --output "$work/json:json" 2>"$work/err" &
  tracer=$!
  until_ok err_has "watching process"
  kill -TERM $tracer
  wait $tracer
  test_about="--pid of a program with io_uring"
  findings io-uring
  kill $server
  wait $server 2>/dev/null
else
  skip "io_uring" "it is not allowed here"
fi
about filter ring

# What the program has started itself is not to be stopped: it is part of the same run.
cat >"$work/run" <<'END'
$1 tcp4 reuseaddr bind=80 listen pause >"$2" &
until grep -q listen "$2"; do sleep 0.05; done
$1 tcp4 bind=80
kill $!
END
run timeout 20 "$portreuse" trace --output "$work/json:json" -- sh "$work/run" "$caller" "$work/one"
test_about="two programs of one run"
calls .cause address-in-use
calls '[.steps[].command | select(.)] | length' 0
ok "$test_about: it is said" err_says "listens; the same run started it"
ok "$test_about: and what to do" err_says "was started by the same run: let each have"

# --- retries ---

i=0
set --
while [ $i -lt 12 ]; do
  set -- "$@" tcp4 bind=80
  i=$((i + 1))
done
trace "$@"
test_about="a program that tries again"
calls .times 11
ok "it is told once, and how often at the end" [ "$(grep -c 'bind(127.0.0.1:80): EADDRINUSE' "$work/err")" = 1 ]
ok "with the number" err_has "has failed 11 times"

# --- the program is not there ---

run "$portreuse" trace -- "$work/none"
ok "a program that does not exist: 127" status_is 127
ok "and why" err_has "portreuse trace: $work/none: No such file or directory"
run "$portreuse" trace -- "$work"
ok "one that cannot be executed: 126" status_is 126
run "$portreuse" trace
ok "no program" status_is 2
run "$portreuse" trace --only nonsense -- true
ok "an option that is wrong" status_is 2
run "$portreuse" trace -v true --help
ok "what follows the program is the program's" status_is 0

# --- what can be refused ---

refused() { # WHAT WORD...
  what=$1
  shift
  run timeout 20 "$helpers/refuse" "$what" "$portreuse" trace --output "$work/json:json" -- "$caller" "$@"
}
refused ptrace tcp4 bind=80
ok "ptrace() is refused: the program does not run" status_is 2
ok "and says nothing" out_is_empty
ok "why, and the way out" err_says "tracing the program: the container does not allow it: run it with --cap-add=SYS_PTRACE"
refused filter tcp4 bind=80
ok "no seccomp filters: the program does not run" status_is 2
ok "and why" err_has "installing a seccomp filter for the program: Invalid argument"
refused reading tcp4 bind=80 tcp4 bind=80
ok "process_vm_readv() is refused: the address is read otherwise" \
  err_has "bind(127.0.0.1:80): EADDRINUSE; the program has bound it twice"
refused pidfd tcp4 bind=80 tcp4 bind=80
ok "pidfd_getfd() is missing: the call is told" err_has "bind(127.0.0.1:80): EADDRINUSE; the sockets in the way"
ok "and that nothing was looked at" err_has "its options could not be read (needs Linux 5.6)"
test_about="without pidfd_getfd()"
calls '.options == null' true
calls .cause ""
refused memory tcp4 bind=80
ok "no memory for getsockopt(): exit 2" status_is 2
ok "and why" err_says "portreuse trace: looking at a socket: Cannot allocate memory"
refused memory tcp4 bind=80 tcp4 bind=80
ok "no memory for getsockopt(): a call that fails is told" err_has "bind(127.0.0.1:80): EADDRINUSE"
ok "and why nothing is known of its socket" err_says "its options could not be read: ENOMEM"

# --- options ---

run "$portreuse" trace --fail -- "$caller" tcp4 bind=80 tcp4 bind=80
ok "--fail: a conflict fails" status_is 1
run "$portreuse" trace --fail -- "$caller" tcp4 connect=1
ok "--fail: a server that is not there is no conflict" status_is 0
run "$portreuse" trace --fail -- "$caller" tcp4 bind=80 tcp4 bind=80 exit=7
ok "--fail: the program's own status goes first" status_is 7
run "$portreuse" trace --only connect -- "$caller" tcp4 bind=80 tcp4 bind=80 tcp4 connect=1
ok "--only: another call is left out" sh -c '! grep -q "bind(127.0.0.1:80): EADDR" "$1"' - "$work/err"
ok "--only: this call is told" err_has "connect(127.0.0.1:1): ECONNREFUSED"
run "$portreuse" trace --only EADDRINUSE -- "$caller" tcp4 bind=80 tcp4 bind=80 tcp4 connect=1
ok "--only: an errno" err_has "bind(127.0.0.1:80): EADDRINUSE"
ok "--only: not another one" sh -c '! grep -q connect "$1"' - "$work/err"
run "$portreuse" trace -v -- "$caller" tcp4 bind=80
ok "-v: calls that succeed" err_has "bind(127.0.0.1:80): ok"
"$caller" tcp4 reuseaddr bind=80 listen pause >/dev/null &
server=$!
until_ok listens 80
run "$portreuse" trace --net=private -- "$caller" tcp4 bind=80
if err_has "no private namespace"; then
  skip "--net=private" "no private namespace"
else
  ok "--net=private: the port is free there" out_has "bind 0"
  as_user "$portreuse" trace --net=private -- sh -c 'id -u' >"$work/out" 2>"$work/err"
  ok "--net=private: the user stays the same" [ "$(cat "$work/out")" = "$(as_user id -u 2>/dev/null)" ]
fi
kill $server
wait $server 2>/dev/null
if as_user true 2>/dev/null; then
  run as_user "$portreuse" trace -- "$caller" tcp4 bind=80
  ok "an ordinary user: a privileged port" err_says "EACCES; ports below 1024 need CAP_NET_BIND_SERVICE"
else
  skip "an ordinary user" "no other user can be become here"
fi

# --- formats ---

for format in text json ndjson junit markdown github line; do
  run "$portreuse" trace --output "$work/report:$format" -- "$caller" tcp4 bind=80 tcp4 bind=80
  ok "$format is written" grep -q "EADDRINUSE" "$work/report"
  ok "$format: standard output is the program's" out_has "bind 98"
done
ok "the first line" [ "$(cat "$work/report")" = \
  "CRITICAL 1 conflict: bind(127.0.0.1:80): EADDRINUSE, bound-twice" ]
run "$portreuse" trace --output "$work/none/report:json" -- "$caller" tcp4
ok "a file that cannot be written: the program does not run" status_is 2
ok "and says so" out_is_empty
if command -v xmllint >/dev/null; then
  run "$portreuse" trace --output "$work/r.xml" -- "$caller" tcp4 bind=80 tcp4 bind=80 tcp4 connect=1
  ok "the XML is as the schema says" xmllint --noout --schema "$here/junit.xsd" "$work/r.xml"
fi
for candidate in python3 /usr/bin/python3; do
  "$candidate" -c 'import jsonschema' 2>/dev/null || continue
  run "$portreuse" trace --output "$work/r.json" -- "$caller" tcp4 bind=80 listen tcp4 bind=80 tcp4 connect=1 \
    unix bind="$work/none/s" tcp4 bind=81 bind=82
  ok "the JSON is as docs/trace.schema.json says" "$candidate" -c 'import json, sys, jsonschema
jsonschema.validate(json.load(open(sys.argv[1])), json.load(open(sys.argv[2])))' \
    "$work/r.json" "$here/../../docs/trace.schema.json"
  break
done

# --- datagrams ---

# sends WORD...: like about, with --sendto.
sends() {
  test_about=$*
  "$caller" "$@" >"$work/want" 2>&1
  run timeout 20 "$portreuse" trace --sendto $verbose --output "$work/json:json" -- "$caller" "$@"
  ok "$*: the program does the same" diff "$work/want" "$work/out"
}
verbose=
echo "40000 40001" >/proc/sys/net/ipv4/ip_local_port_range
sends udp4 bind=0 udp4 bind=0 udp4 sendto=9
calls .call sendto
calls .error EAGAIN
calls .address 127.0.0.1:9
calls .cause ephemeral-bind
calls .conflict true
about udp4 bind=0 udp4 bind=0 udp4 sendto=9
calls .call ""
echo "32768 60999" >/proc/sys/net/ipv4/ip_local_port_range
sends udp4 sendto=9 sendto=9 sendto=9 udp4 connect=9 sendto=9
calls .call ""
verbose=-v
sends udp4 sendto=9 sendto=9 sendto=9
[ -z "$jq" ] || ok "-v: the datagram that takes a port is told, the others not" \
  "$jq" -e '[.calls[] | select(.call == "sendto")] == [.calls[0]] and .calls[0].times == 1' "$work/json"

# --- signals ---

run "$portreuse" trace -- sh -c 'kill -TERM $$'
ok "a program that is killed by a signal: so ends trace" status_is 143
run "$portreuse" trace -- sh -c 'kill -KILL $$'
ok "also by SIGKILL" status_is 137

# A parent that ignores SIGCHLD passes that on to what it starts (a shell cannot be asked for it).
if command -v $python >/dev/null; then
  cat >"$work/ignores" <<'END'
import os, signal, sys
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
os.execvp(sys.argv[1], sys.argv[1:])
END
  run timeout 20 $python "$work/ignores" "$portreuse" trace -- sh -c 'grep SigIgn /proc/self/status; exit 3'
  cp "$work/out" "$work/traced"
  ok "SIGCHLD is ignored: the end of the program is noticed" status_is 3
  run timeout 20 $python "$work/ignores" sh -c 'grep SigIgn /proc/self/status'
  ok "and the program finds it ignored" diff "$work/traced" "$work/out"
fi

# told_to SIGNAL TRAP...: sends the signal to trace alone, and shows what the program does.
"$portreuse" trace -- sh -c 'trap "echo usr1; exit 3" USR1; echo $$ >"$0"; while :; do sleep 0.05; done' \
  "$work/pid" >"$work/out" 2>"$work/err" &
tracer=$!
until_ok [ -s "$work/pid" ]
kill -USR1 $tracer
rc=0
wait $tracer || rc=$?
ok "a signal for trace is passed on to the program" status_is 3
ok "once" [ "$(cat "$work/out")" = usr1 ]

# A stop of the program stops trace, and the other way round when it goes on.
state_of() { sed 's/.*) //; s/ .*//' "/proc/$1/stat" 2>/dev/null; }
is_in_state() { state_of "$1" | grep -q "[$2]"; }
until_state() { await is_in_state "$@"; } # PID STATES
rm -f "$work/pid"
"$portreuse" trace -- sh -c 'echo $$ >"$0"; while :; do sleep 0.05; done' "$work/pid" >"$work/out" 2>"$work/err" &
tracer=$!
until_ok [ -s "$work/pid" ]
program=$(cat "$work/pid")
kill -STOP "$program"
ok "trace stops with the program" until_state $tracer T
kill -CONT "$program"
ok "and goes on with it" until_state $tracer S
kill -STOP "$program"
until_state $tracer T
kill -CONT $tracer
ok "the program goes on with trace" until_state "$program" SR
# If trace is killed, nothing is left: not the program, not its tracer, not a stopped process.
others=$(pgrep -s 0 -f "portreuse trace" 2>/dev/null; echo "$program")
kill -KILL $tracer
wait $tracer 2>/dev/null
gone() {
  for pid in $others; do
    [ ! -e "/proc/$pid" ] || [ "$(state_of "$pid")" = Z ] || return 1
  done
}
ok "if trace is killed, the program is gone" await gone

# --- a process that runs already ---

is_free() { grep -q '^TracerPid:.0$' "/proc/$1/status" && until_state "$1" SR; }
until_said() { await err_has "$1"; } # TEXT
"$caller" tcp4 reuseaddr bind=90 listen pause >/dev/null &
server=$!
until_ok listens 90
sh -c 'while :; do "$0" tcp4 bind=90; sleep 0.05; done' "$caller" >"$work/loop" 2>&1 &
looping=$!
for end in INT KILL; do
  : >"$work/err"
  "$portreuse" trace --pid $looping --output "$work/json:json" >"$work/out" 2>"$work/err" &
  tracer=$!
  ok "--pid: a call of a child is told" until_said "bind(127.0.0.1:90): EADDRINUSE; caller ($server) listens"
  if [ $end = INT ]; then # a shell starts what is in the background with SIGINT ignored
    kill -TERM $tracer
    rc=0
    wait $tracer || rc=$?
    ok "--pid: it ends" status_is 0
    test_about=--pid
    calls .cause address-in-use
  else
    kill -KILL $tracer
    wait $tracer 2>/dev/null
    sleep 0.2
  fi
  ok "SIG$end for trace: the process goes on" is_free $looping
done
lines=$(wc -l <"$work/loop")
ok "and works" await sh -c '[ "$(wc -l <"$1")" -gt "$2" ]' - "$work/loop" "$lines"
ok "its calls were not disturbed" [ "$(sort -u "$work/loop")" = "bind 98" ]
kill $looping $server
wait $looping 2>/dev/null
run "$portreuse" trace --pid 999999999
ok "--pid: no such process" status_is 2
ok "--pid: it says so" err_has "there is no such process"
run "$portreuse" trace --pid 1 true
ok "--pid and a program" status_is 2

# The program's input and output end when it closes them.
run timeout 20 sh -c '"$0" trace -- sh -c "exec >&-; sleep 1; echo late >$1" | { cat; [ ! -e "$1" ]; }' \
  "$portreuse" "$work/late"
ok "standard output ends when the program closes it" status_is 0

# What the program leaves behind is waited for.
run "$portreuse" trace -- sh -c '(sleep 0.4; echo late) & echo early'
ok "a process that was left behind is waited for" out_has late

# 40 children, half of which conflict. (Where a host has very many processes, to find the owner of a
# socket takes long.)
run timeout 300 "$portreuse" trace --output "$work/json:json" -- sh -c '
  for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    "$1" tcp4 bind=80 >/dev/null
    "$1" tcp4 reuseaddr bind=81 tcp4 bind=81 >/dev/null
  done' - "$caller"
test_about="40 programs"
calls .times 20
calls .cause bound-twice

finish
