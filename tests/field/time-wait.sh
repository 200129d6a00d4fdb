#!/bin/sh
# What closed connections leave behind.
# shellcheck source=field/lib.sh
. "$(dirname "$0")/lib.sh"

# closed OPTION: a server, with this option, closes its connection first and exits.
closed() {
  py "s = server('127.0.0.1', 8080$1)
c = socket.create_connection(('127.0.0.1', 8080))
a = s.accept()[0]
a.close(); time.sleep(0.05); c.close(); s.close()
done()"
  made
  kill -KILL "$pid"
  wait "$pid" 2>/dev/null
  until_ok tcp 8080 06
}

row_reuseaddr() {
  closed ', ADDR'
  for address in 127.0.0.1:8080 :8080 8080; do
    ask "$address"
    first 'FREE .*with SO_REUSEADDR.*without.*TIME-WAIT, (60|5[0-9]) ?s.*'
    exits 0
  done
  ask --no-reuse-addr 127.0.0.1:8080
  first 'EADDRINUSE .*TIME-WAIT, (60|5[0-9]) ?s.*SO_REUSEADDR.*'
  cause time-wait-rebind
  exits 1
}

row_without_reuseaddr() {
  closed ''
  ask 127.0.0.1:8080
  first 'EADDRINUSE .*TIME-WAIT.*(60|5[0-9]) ?s.*'
  cause time-wait-old-without-reuse
  remedy '(sudo )?ss -tK .*'
  exits 1
  # What it advises frees the port.
  if ss -K dst 127.0.0.9 >/dev/null 2>&1; then
    kills=$(json '.remedies[]' | grep -E '^(sudo )?ss -tK' | head -n 1)
    sh -c "sudo() { \"\$@\"; }; $kills" >/dev/null 2>&1
    ask 127.0.0.1:8080
    exits 0
  fi
}

row_reuseport() {
  closed ', REUSEPORT'
  ask 127.0.0.1:8080
  first '(EADDRINUSE|FREE) .*SO_REUSEPORT.*'
  says 'TIME-WAIT'
  lacks 'share the connections'
}

row_live_connection() {
  py 's = server("127.0.0.1", 8080, ADDR)
c = socket.create_connection(("127.0.0.1", 8080))
a = s.accept()[0]
s.close()
done()'
  made
  ask 127.0.0.1:8080
  first 'FREE .*with SO_REUSEADDR.*without.*'
  exits 0
  ask --no-reuse-addr 127.0.0.1:8080
  first 'EADDRINUSE .*connection.*'
  cause live-connection
  exits 1
}

row_live_connection_without() {
  py 's = server("127.0.0.1", 8080)
c = socket.create_connection(("127.0.0.1", 8080))
a = s.accept()[0]
s.close()
done()'
  made
  ask 127.0.0.1:8080
  first "EADDRINUSE .*: .*\\($pid\\) .*connection.*"
  cause live-connection
  remedy "(sudo )?kill $pid|(sudo )?ss -tK .*"
  exits 1
}

# fin_wait_2 OPTION: the peer, a process of this host, never closes.
fin_wait_2() {
  py "s = server('127.0.0.1', 8080$1)
if os.fork() == 0:
    c = socket.create_connection(('127.0.0.1', 8080))
    s.close()
    open('peer', 'w').write(str(os.getpid()))
    time.sleep(1000)
a = s.accept()[0]
time.sleep(0.1)
a.close(); s.close()
open('done', 'w').close()"
  made
  until_ok tcp 8080 05
}
row_fin_wait_2() {
  fin_wait_2 ''
  ask 127.0.0.1:8080
  first 'EADDRINUSE .*'
  cause fin-wait-2-orphan
  says tcp_fin_timeout
  # How long, and whose the other end is.
  holds "$label: the time left" out_matches '(60|5[0-9]) ?s'
  says "$(cat peer)"
  remedy '(sudo )?ss -tK .*'
}
row_fin_wait_2_reuseaddr() {
  fin_wait_2 ', ADDR'
  ask :8080
  first 'FREE .*with SO_REUSEADDR.*without.*'
  exits 0
}

# far OPTION: a connection to another host (a namespace), whose network then fails.
far() {
  ip netns add far 2>/dev/null || return 1
  ip link add up0 type veth peer name far0 netns far && ip link set up0 up || return 1
  ip address add 10.9.8.1/24 dev up0
  ip -n far link set far0 up
  ip -n far address add 10.9.8.2/24 dev far0
  py "s = server('10.9.8.1', 8080$1)
open('listens', 'w').close()
a = s.accept()[0]
while not os.path.exists('close'): time.sleep(0.01)
a.close(); s.close()
done()"
  until_ok test -e listens
  ip netns exec far "$python" -c "import socket, time, os
c = socket.create_connection(('10.9.8.1', 8080))
open('connected', 'w').close()
while not os.path.exists('peer-closes'): time.sleep(0.01)
c.close()
open('closed', 'w').close()
time.sleep(1000)" &
  until_ok test -e connected
}

row_fin_wait_1() {
  if ! far ''; then
    skip "$label" "no veth here"
    return
  fi
  ip -n far link set far0 down
  : >close
  until_ok tcp 8080 04
  ask 10.9.8.1:8080
  first 'EADDRINUSE .*'
  says FIN-WAIT-1
  says tcp_orphan_retries
  lacks tcp_fin_timeout
  remedy '(sudo )?ss -tK .*'
}

row_last_ack() {
  if ! far ''; then
    skip "$label" "no veth here"
    return
  fi
  : >peer-closes
  until_ok tcp 8080 08
  ip -n far link set far0 down
  : >close
  until_ok tcp 8080 09
  ask 10.9.8.1:8080
  first 'EADDRINUSE .*'
  says LAST-ACK
  remedy '(sudo )?ss -tK .*'
}

row_close_wait() {
  py 's = server("127.0.0.1", 8080)
c = socket.create_connection(("127.0.0.1", 8080))
a = s.accept()[0]
s.close(); c.close()
done()'
  made
  ask 127.0.0.1:8080
  first "EADDRINUSE .*: .*\\($pid\\) .*CLOSE-WAIT.*"
  cause close-wait-leak
  remedy "(sudo )?kill $pid"
}

# The kernel finds a socket that is bound to a device only if it is asked for that device, and the other
# end can be bound to another one, or to none.
row_on_a_device() {
  port=8080
  for ends in 'lo ' ' lo' 'lo lo'; do
    py 'server_device, client_device = (device.encode() for device in sys.argv[1].split(" "))
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, ADDR, 1)
if server_device: s.setsockopt(socket.SOL_SOCKET, 25, server_device)
s.bind(("127.0.0.1", int(sys.argv[2]))); s.listen()
c = socket.socket()
if client_device: c.setsockopt(socket.SOL_SOCKET, 25, client_device)
c.connect(("127.0.0.1", int(sys.argv[2])))
a = s.accept()[0]
s.close()
open("done", "w").close()
for end, name in ((a, "close-server"), (c, "close-client")):
    while not os.path.exists(name): time.sleep(0.01)
    end.close()
    os.remove(name)
time.sleep(1000)' "$ends" "$port"
    made
    ask --no-reuse-addr "127.0.0.1:$port"
    cause live-connection
    first 'EADDRINUSE .*connection.*'
    : >close-server
    until_ok tcp "$port" 05
    ask --no-reuse-addr "127.0.0.1:$port"
    cause fin-wait-2-orphan
    first 'EADDRINUSE .*FIN-WAIT-2.*'
    says "($pid) has the other end"
    : >close-client
    until_ok tcp "$port" 06
    ask --no-reuse-addr "127.0.0.1:$port"
    cause time-wait-rebind
    first 'EADDRINUSE .*TIME-WAIT.*'
    kill -KILL "$pid"
    wait "$pid" 2>/dev/null
    port=$((port + 1))
  done
}

rows
