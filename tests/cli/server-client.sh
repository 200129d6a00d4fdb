#!/bin/sh
# The two programs by hand: each call with its errno, who is in the way, how they end.
#
# All of it in a network namespace of its own, so that the ports are free whoever uses them outside.
if [ -z "${IN_NETNS:-}" ]; then
  IN_NETNS=1 "$2/netns" "$0" "$@"
  rc=$?
  [ $rc = 77 ] || exit $rc
fi
# shellcheck source=lib.sh
. "$(dirname "$0")/../lib.sh"
if [ -z "${IN_NETNS:-}" ]; then
  skip "server and client" "no private namespace is to be had"
  finish
fi
PATH=$work:$PATH

# wait_for FILE TEXT: until the file has it.
wait_for() { await grep -qF -e "$2" "$1"; }

# serve ARGUMENT...: a server in the background that listens; its output goes to the file served.
serve() {
  rm -f "$work/served"
  portreuse server "$@" >"$work/served" 2>&1 &
  server=$!
  wait_for "$work/served" 'wait  '
}

# end_server SIGNAL: its exit status goes to $rc.
end_server() {
  kill -s "$1" $server
  rc=0
  wait $server || rc=$?
  cp "$work/served" "$work/out"
}

# --- two servers ---

for address in 127.0.0.1:1215 '[::1]:1215'; do
  serve -l "$address"
  run portreuse server -l "$address"
  ok "$address: a second server is refused, exit 1" status_is 1
  ok "$address: EADDRINUSE" out_matches '^bind +[^ ]+ +EADDRINUSE: Address already in use$'
  ok "$address: the listener is in the way, with its process" out_says \
    "in the way: LISTEN $address, held by portreuse (pid $server)"
  ok "$address: the cause" out_has "cause:      address-in-use: "
  ok "$address: and what to do" out_says "kill $server"
  ok "$address: and its scenario" out_has "portreuse run address-in-use"
  end_server INT
  ok "$address: Ctrl-C ends a server well" status_is 0
  ok "$address: it closes" out_matches '^close .* ok$'
done

# --- TIME-WAIT at the server ---

for address in 127.0.0.1:1215 '[::1]:1215'; do
  serve -l "$address" -w 0.2s
  run portreuse client -e "$address" -w 500ms
  ok "$address: a client that is well served, exit 0" status_is 0
  ok "$address: it is told that the server closed first" out_has "eof"
  rc=0
  wait $server || rc=$?
  ok "$address: the server ends by itself, exit 0" status_is 0
  run portreuse server -l "$address" --no-reuse-addr
  ok "$address: without SO_REUSEADDR it is refused" out_matches '^bind .*EADDRINUSE'
  ok "$address: TIME-WAIT is in the way, with its time" out_matches \
    'in the way: TIME-WAIT .*:1215 to .*, (60|5[0-9]) s left$'
  ok "$address: and nothing else" sh -c '[ "$(grep -c "TIME-WAIT .*:1215 to" "$1")" = 1 ]' - "$work/out"
  ok "$address: the cause" out_has "cause:      time-wait-rebind: "
  run portreuse server -l "$address" -w 0
  ok "$address: with SO_REUSEADDR on both it is not" status_is 0
  ok "$address: which is told" out_matches '^setsockopt +SO_REUSEADDR 1 +ok$'
done

# --- many clients ---

serve -l 127.0.0.1:1217
clients=
for i in 1 2 3 4 5; do
  portreuse client -e 127.0.0.1:1217 -w 1m >"$work/client$i" &
  clients="$clients $!"
  wait_for "$work/client$i" 'wait  '
done
ok "five clients at once are accepted" wait_for "$work/served" "accept"
ok "all of them" sh -c '[ "$(grep -c "^accept .* ok" "$1")" = 5 ]' - "$work/served"
# shellcheck disable=SC2086 # the clients are many
kill -TERM $clients
for client in $clients; do
  rc=0
  wait "$client" || rc=$?
  ok "SIGTERM ends the wait of a client" status_is 0
done
ok "and it closes" grep -q '^close .* ok$' "$work/client1"
ok "the server sees each of them close" await \
  sh -c '[ "$(grep -c "^close .* ok" "$1")" = 5 ]' - "$work/served"
end_server TERM
ok "SIGTERM ends a server well" status_is 0

rm "$work/served"
# Without the right to raise the limit again, which root has.
setpriv --bounding-set=-sys_resource sh -c 'ulimit -n 12; exec portreuse server -l 127.0.0.1:1218' \
  >"$work/served" 2>&1 &
server=$!
wait_for "$work/served" 'wait  '
run portreuse client -e 127.0.0.1:1218 --count 12 --no-close -w 30ms
ok "a client is not refused where the server has no descriptor left" status_is 0
wait_for "$work/served" EMFILE
await sh -c '[ "$(grep -c "^accept .* ok" "$1")" = 12 ]' - "$work/served"
end_server TERM
ok "a server without descriptors goes on when one is free" sh -c \
  '[ "$(grep -c "^accept .* ok" "$1")" = 12 ]' - "$work/out"
ok "and says by its exit status that it was short of something" status_is 2
ok "without turning round and round" sh -c '[ "$(grep -c EMFILE "$1")" -lt 12 ]' - "$work/out"

# --- waiting that fails ---

if strace -f -qq -o /dev/null -e trace=poll true 2>"$work/err"; then
  # failing CALL ARGUMENT...: such a call answers ENOMEM.
  failing() {
    call=$1
    shift
    # A leak check under a tracer ends the program with a status of its own.
    run env ASAN_OPTIONS=detect_leaks=0 timeout 20 strace -qq -o /dev/null -e trace="$call" -e inject="$call:error=ENOMEM" portreuse "$@"
  }
  failing epoll_wait,epoll_pwait server -l 127.0.0.1:1218
  ok "a server that cannot wait is exit 2" status_is 2
  ok "and says so" err_has "cannot wait for connections: Cannot allocate memory"
  serve -l 127.0.0.1:1219
  failing poll,ppoll client -e 127.0.0.1:1219
  ok "so is a client" status_is 2
  ok "and says so" err_has "cannot wait for data: Cannot allocate memory"
  end_server TERM
else
  skip "waiting that fails" "strace cannot trace here"
fi

# --- reconnecting ---

echo 0 >/proc/sys/net/ipv4/tcp_tw_reuse
echo 40000 40009 >/proc/sys/net/ipv4/ip_local_port_range
serve -l 127.0.0.1:1215
run portreuse client -e 127.0.0.1:1215 --count 30
ok "a client that reconnects runs out of ports, exit 1" status_is 1
ok "EADDRNOTAVAIL" out_matches '^connect +127.0.0.1:1215 +EADDRNOTAVAIL: '
ok "the range is in the way" out_matches 'in the way: all 10 ports of 40000-40009: '
ok "the cause" out_has "cause:      ephemeral-exhaustion: "
ok "it tells how many it made" out_matches '^made +1[0-9] of 30 connections$'
run portreuse client -e 127.0.0.1:1215 -s 127.0.0.1:0
ok "bind() to port 0 finds none either" out_matches '^bind +127.0.0.1:0 +EADDRINUSE: '
run portreuse client -e 127.0.0.1:1215 -s 127.0.0.2:0 --no-port -w 0
ok "IP_BIND_ADDRESS_NO_PORT and another source address help" status_is 0
ok "the kernel chooses at connect()" out_matches '^bind +127.0.0.2:0 +ok$'
run portreuse client -e 127.0.0.1:1215 -s 127.0.0.1:1216 -w 0
ok "a source port of one's own helps" status_is 0
ok "and is used" out_matches '^connect .* ok, from 127.0.0.1:1216$'
run portreuse client -e 127.0.0.1:1215 -s 127.0.0.1:1216 -w 0
ok "once" out_matches '^bind +127.0.0.1:1216 +EADDRINUSE: '
ok "the cause is told by the two ends" out_has "cause:      fixed-client-port: "
run portreuse client -e 127.0.0.1:1215 -s :1216 -w 0
ok "also where the source is the wildcard" out_has "cause:      fixed-client-port: "
echo 40000 49999 >/proc/sys/net/ipv4/ip_local_port_range
run portreuse client -e 127.0.0.1:1215 --linger 0 --count 2
ok "a reset at close() is told to the server" wait_for "$work/served" ECONNRESET
end_server TERM
ok "whose exit status is then 1" status_is 1

start=$(date +%s%N)
serve -l 127.0.0.1:1215
run portreuse client -e 127.0.0.1:1215 --count 4 --rate 10
took=$((($(date +%s%N) - start) / 1000000))
ok "--rate spreads connections: 4 of 10 a second take 300 ms, not less" test $took -ge 300
ok "and all succeed" out_has "made       4 of 4 connections"
run portreuse client -e 127.0.0.1:1215 --no-close -w 0
ok "--no-close closes nothing" out_lacks "close "
end_server TERM

serve -l 127.0.0.1:1215 --no-close
run portreuse client -e 127.0.0.1:1215 -w 0
wait_for "$work/served" eof
run portreuse server -l 127.0.0.1:1216 -w 0
run portreuse server -l 127.0.0.1:1215 --no-reuse-addr
ok "a server with --no-close does not close at the end of its client" out_matches \
  'CLOSE-WAIT 127.0.0.1:1215 to .*, held by'
end_server TERM

# --- sharing ---

serve -l 127.0.0.1:1215 --reuse-port
run portreuse server -l 127.0.0.1:1215 --reuse-port -w 0
ok "--reuse-port on both lets both listen" status_is 0
run portreuse server -l 127.0.0.1:1215 -w 0
ok "on one it does not" status_is 1
end_server TERM

# --- what the kernel refuses otherwise ---

run portreuse client -e 127.0.0.1:1
ok "nobody listens: exit 1" status_is 1
ok "ECONNREFUSED" out_matches '^connect +127.0.0.1:1 +ECONNREFUSED: Connection refused$'
run portreuse server -l 192.0.2.1:1215
ok "an address that is not here" out_matches '^bind +192.0.2.1:1215 +EADDRNOTAVAIL: '
ok "is explained" out_has "cause:      address-not-local: "
run portreuse client -e 127.0.0.1:1 --port-range 40000-40009
ok "--port-range is the kernel's to take" out_matches \
  '^setsockopt +IP_LOCAL_PORT_RANGE 40000-40009 +(ok|ENOPROTOOPT: .*)$'

# --- addresses, and where they come from ---

run portreuse server -l 127.0.0.1:0 -w 0
ok "port 0 is chosen by the kernel, and told" out_matches \
  '^bind +127.0.0.1:0 +ok, 127.0.0.1:[1-9][0-9]+$'
run portreuse server -l :1215 -w 0
ok ":PORT is every IPv4 address" out_matches '^bind +0.0.0.0:1215 +ok$'
TCP_CONNECTION_LISTEN_ADDR='[::1]:1215' run portreuse server -w 0
ok "TCP_CONNECTION_LISTEN_ADDR is listened on" out_matches '^bind +\[::1\]:1215 +ok$'
TCP_CONNECTION_LISTEN_ADDR=127.0.0.1:1215 run portreuse server -l 127.0.0.1:1216 -w 0
ok "and goes before -l" out_matches '^bind +127.0.0.1:1215 +ok$'
ok "which is said" err_has "TCP_CONNECTION_LISTEN_ADDR=127.0.0.1:1215 overrides -l 127.0.0.1:1216"
serve 1218
run portreuse client -w 0 1218
ok "a port alone is :PORT" out_matches '^connect +127.0.0.1:1218 +ok, from 127.0.0.1:[0-9]+$'
end_server TERM
serve -l 127.0.0.1:1219
TCP_CONNECTION_ENDPOINT=:1219 run portreuse client -w 0
ok "TCP_CONNECTION_ENDPOINT is connected to; :PORT is on 127.0.0.1" out_matches \
  '^connect +127.0.0.1:1219 +ok, from 127.0.0.1:[0-9]+$'
end_server TERM

wrong() { # ERROR ARGUMENT...
  error=$1
  shift
  run portreuse "$@"
  ok "$*: exit 2" status_is 2
  ok "$*: says so" err_has "$error"
  ok "$*: nothing was begun" out_is_empty
}
wrong "to wait 2 s before it closes, use -w 2" server -l 127.0.0.1:1215 -s 2
wrong "listen with -l 127.0.0.1:1" server -s 127.0.0.1:1
wrong "to keep the connection open for 5 s, use -w 5" client -e 127.0.0.1:1215 -s 5
wrong "to keep the connection open for 5 s, use -w 5" client -s 5
wrong "an address is missing: -l" server -w 1
wrong "an address is missing: -e" client -w 1
wrong "'70000': a port is a number from 0 to 65535" server -l 70000
wrong "names are not looked up" client -e localhost:1215
wrong "write an IPv6 address in brackets" client -e ::1:1215
wrong "a port is missing" server -l '127.0.0.1:*'
wrong "use both IPv4, or both IPv6" client -e '[::1]:1215' -s 127.0.0.1:1216
wrong "a time such as" client -e :1215 -w soon
wrong "--linger 'x': expected a number of seconds" server -l :1215 --linger x
wrong "--port-range '4': expected a range of ports" client -e :1215 --port-range 4
wrong "--count '0': expected a number from 1" client -e :1215 --count 0
wrong "did you mean '--no-close'?" server -l :1215 -no-close
wrong "unexpected 'now'" client -e :1215 now
wrong "unexpected 'now'" client :1215 now
wrong "'1215x': " server 1215x

# --- output ---

# shellcheck disable=SC2016 # it is the other shell's
sh -c 'echo $$ >"$1"; exec portreuse server 127.0.0.1:1215' - "$work/server" |
  cat >"$work/piped" &
ok "lines come at once also through a pipe" wait_for "$work/piped" 'wait  '
kill -TERM "$(cat "$work/server")"
wait
run sh -c 'portreuse server -l 127.0.0.1:1215 -w 0 >/dev/full'
ok "a full disk is exit 2" status_is 2

finish
