#!/bin/sh
# A client that cannot connect: what people really have, and the right answer. Each row makes it for
# real; its remedies are pasted, and the question is asked again.
# shellcheck source=field/lib.sh
. "$(dirname "$0")/../field/lib.sh"

dial=$field_helpers/dial

# --- making it ---

# keep ARGUMENT...: a dial that stays until the row ends; its process goes to $pid.
keep() {
  kept=$((${kept:-0} + 1))
  [ -p hold ] || { mkfifo hold && exec 9<>hold; }
  $where "$dial" "$@" <hold >"kept.$kept" 9>&- &
  pid=$!
  until_ok test -s "kept.$kept"
}
where=
range() { sysctl -qw net.ipv4.ip_local_port_range="$1 $2"; }
# reads: whether who asks can read in the kernel which TIME-WAIT had timestamps.
reads() { ! "$field_helpers/unit/test_time_wait" 2>&1 | grep -q SKIPPED; }
time_waits() { [ "$(ss -Htan state time-wait | wc -l)" -ge "$1" ]; }
# closed N ARGUMENT...: leaves N connections, which this end has closed.
closed() {
  closed_count=$1
  shift
  for _ in $(seq "$closed_count"); do "$dial" real "$@" wait >/dev/null; done
}
# host: another host, 192.0.2.2 and 2001:db8::2, behind v0, which has 192.0.2.1 and 2001:db8::1. `there`
# runs a command on it.
host() {
  unshare -n sleep 1000 9>&- &
  other=$!
  ip link add v0 type veth peer name v1
  until_ok sh -c "ip link set v1 netns $other && ! ip link show v1"
  ip addr add 192.0.2.1/24 dev v0
  ip addr add 2001:db8::1/64 dev v0 nodad
  ip link set v0 up
  there ip link set lo up
  there ip addr add 192.0.2.2/24 dev v1
  there ip link set v1 up
}
there() { nsenter -t "$other" -n "$@"; }

# --- asking ---

client() { ask --as client "$@"; }

# both ADDRESS...: as root, and as an ordinary user: the first line is the same.
both() {
  client "$@"
  head -n 1 "$work/out" >root-line
  if [ "$(wc -l </proc/self/uid_map)" = 1 ] && as_other true 2>/dev/null; then
    as=as_other
    client "$@"
    as=
    holds "$label: an ordinary user is told the same" same_verdict
    client "$@"
  fi
}
# Only who has a socket may be missing.
same_verdict() { [ "$(cut -d : -f 1 <root-line)" = "$(head -n 1 "$work/out" | cut -d : -f 1)" ]; }

# paste PATTERN: pastes the remedies that match, as root; each must succeed.
paste() {
  json '.remedies[]' | grep -v '^#' | grep -E -e "$1" >pasted
  holds "$label: $asked: to paste: $1" test -s pasted
  while read -r line; do
    holds "$label: '$line' runs as printed" sh -c "$line" </dev/null
  done <pasted
}
# again: the question once more, which is now answered by FREE.
again() {
  # shellcheck disable=SC2086 # several words
  run $as "$portreuse" why $asked
  asked="$asked again"
  holds "$label: $asked: it is free" status_is 0
  first "FREE .*"
}
source_is() { holds "$label: $asked: the source is $1" test "$(json .client.source)" = "$1"; }
tried() { holds "$label: $asked: tried: $1" test "$(json .client.tried)" = "$1"; }
listens() { holds "$label: $asked: listens: $1" test "$(json .client.listens)" = "$1"; }

# --- ports ---

row_poisoned() {
  range 40000 40019
  keep listen 127.0.0.1:3000
  keep listen 127.0.0.1:3001
  keep fill 127.0.0.1:3000 from 127.0.0.1:0
  both 127.0.0.1:3001
  first "EADDRNOTAVAIL 127.0.0.1:3001( from 127.0.0.1)?: ports were bound by dial \($pid\).*"
  cause poisoned-port
  source_is 127.0.0.1:0
  tried true
  owner dial
  holds "$label: who, and how many" test "$(json '.holders[0] | "\(.pid) \(.sockets)"')" = "$pid 20"
  remedy '# .*IP_BIND_ADDRESS_NO_PORT.*'
  paste '^sysctl -w net.ipv4.ip_local_port_range'
  asked="--as client 127.0.0.1:3001"
  again
  # The client that leaves the port to connect() is not better off here, as the ports have owners.
  range 40000 40019
  client --from 127.0.0.1 127.0.0.1:3001
  first "EADDRINUSE 127.0.0.1: .*"
  cause ephemeral-bind
  client --from 127.0.0.1 --no-port 127.0.0.1:3001
  first "EADDRNOTAVAIL 127.0.0.1:3001 from 127.0.0.1: .*"
  client --from 127.0.0.2 --no-port 127.0.0.1:3001
  exits 1
}

row_other_source() {
  range 40000 40003
  keep listen 0.0.0.0:3000
  keep fill 127.0.0.1:3000
  both 127.0.0.1:3000
  first "EADDRNOTAVAIL 127.0.0.1:3000( from 127.0.0.1)?: open connections use every port.*"
  cause ephemeral-exhaustion-established
  says "4 of dial (pid $pid)"
  client --from 127.0.0.5 127.0.0.1:3000
  first "EADDRINUSE|FREE 127.0.0.1:3000 from 127.0.0.5: .*"
  source_is 127.0.0.5:0
  client --from 127.0.0.5 --no-port 127.0.0.1:3000
  first "FREE 127.0.0.1:3000 from 127.0.0.5: connect\(\) would get a local port"
  client '[::ffff:127.0.0.1]:3000'
  first "EADDRNOTAVAIL .*"
  client 0.0.0.0:3000
  first "EADDRNOTAVAIL .*"
  client --port-range 40000-40001 127.0.0.1:3000
  first "EADDRNOTAVAIL .*"
  cause port-range-per-socket
}

row_close_wait() {
  range 40000 40009
  keep slam 127.0.0.1:3000
  keep fill 127.0.0.1:3000 wait
  until_ok sh -c '[ "$(ss -Htan state close-wait | wc -l)" = 10 ]'
  both 127.0.0.1:3000
  first "EADDRNOTAVAIL 127.0.0.1:3000( from 127.0.0.1)?: dial \($pid\) leaks CLOSE-WAIT sockets.*"
  cause close-wait-leak
  owner dial
  first_remedy "kill $pid"
  paste "^kill $pid\$"
  wait "$pid"
  asked="--as client 127.0.0.1:3000"
  again
}

row_close_wait_aborted() {
  range 40000 40003
  keep slam 127.0.0.1:3000
  keep fill 127.0.0.1:3000 wait
  until_ok sh -c '[ "$(ss -Htan state close-wait | wc -l)" = 4 ]'
  client 127.0.0.1:3000
  if ! json '.remedies[]' | grep -q '^ss -tK'; then
    skip "$label" "this kernel cannot end connections"
    return
  fi
  paste '^ss -tK'
  asked="--as client 127.0.0.1:3000"
  again
  holds "$label: the program lives" kill -0 "$pid"
}

row_fin_wait_2() {
  range 40000 40003
  keep listen 127.0.0.1:3000
  closed 4 127.0.0.1:3000
  both 127.0.0.1:3000
  first "EADDRNOTAVAIL 127.0.0.1:3000( from 127.0.0.1)?: orphans in FIN-WAIT-2 have the ports.*"
  cause fin-wait-2-orphan
  remedy 'sysctl -w net.ipv4.tcp_fin_timeout=10'
  if json '.remedies[]' | grep -q '^ss -tK'; then
    paste '^ss -tK'
    asked="--as client 127.0.0.1:3000"
    again
  fi
}

# Only time, or tcp_tw_reuse=1, which is offered with its price.
row_time_wait() {
  range 40000 40003
  host
  where="nsenter -t $other -n" && keep serve 192.0.2.2:3000 && where=
  closed 4 192.0.2.2:3000
  until_ok time_waits 4
  both 192.0.2.2:3000
  first "EADDRNOTAVAIL 192.0.2.2:3000 from 192.0.2.1: no local port is left.*"
  cause ephemeral-exhaustion
  remedy 'sysctl -w net.ipv4.tcp_tw_reuse=1'
  remedy '# .*TCP timestamps on both.*'
  sysctl -qw net.ipv4.tcp_tw_reuse_delay=1 2>/dev/null || sleep 1.2
  paste '^sysctl -w net.ipv4.tcp_tw_reuse=1'
  asked="--as client 192.0.2.2:3000"
  again
  if reads; then
    first "FREE 192.0.2.2:3000 from 192.0.2.1: connect\(\) would take over a TIME-WAIT"
    run "$portreuse" budget 192.0.2.2:3000
    first "OK 192.0.2.2:3000 from 192.0.2.1: 4 of 4 ports left"
  else
    first "FREE 192.0.2.2:3000 from 192.0.2.1: connect\(\) may take over a TIME-WAIT.*"
    run "$portreuse" budget 192.0.2.2:3000
    first "WARNING 192.0.2.2:3000 from 192.0.2.1: 0 to 4 of 4 ports left.*"
    says "--try-time-wait ends one of them to find out"
  fi
  holds "$label: nothing in TIME-WAIT was touched" time_waits 4
  client --try-time-wait 192.0.2.2:3000
  tried true
  exits 0
}

# With tcp_tw_reuse=1, and a peer without timestamps: only root of the host, or a trial, can tell.
row_no_timestamps() {
  range 40000 40003
  host
  there sysctl -qw net.ipv4.tcp_timestamps=0
  where="nsenter -t $other -n" && keep serve 192.0.2.2:3000 && where=
  closed 4 192.0.2.2:3000
  until_ok time_waits 4
  sysctl -qw net.ipv4.tcp_tw_reuse=1
  sysctl -qw net.ipv4.tcp_tw_reuse_delay=1 2>/dev/null || sleep 1.2
  client 192.0.2.2:3000
  if reads; then
    first "EADDRNOTAVAIL 192.0.2.2:3000 from 192.0.2.1: .*"
  else
    says "if the peer uses TCP timestamps"
  fi
  client --try-time-wait 192.0.2.2:3000
  first "EADDRNOTAVAIL 192.0.2.2:3000 from 192.0.2.1: .*"
  no_remedy 'tcp_tw_reuse=1'
  # A live connection shows it, without a trial.
  range 40000 40005
  keep hold 192.0.2.2:3000 wait
  keep hold 192.0.2.2:3000 wait
  client 192.0.2.2:3000
  first "EADDRNOTAVAIL 192.0.2.2:3000 from 192.0.2.1: .*"
}

# --- routes and addresses ---

row_lo_down() {
  ip link set lo down
  ip addr flush dev lo
  both 127.0.0.1:3000
  first "ENETUNREACH 127.0.0.1:3000: the device lo is down; set it up"
  cause no-route
  first_remedy 'ip link set lo up'
  paste '^ip link set lo up'
  asked="--as client 127.0.0.1:3000"
  again
}

# The routes of lo stay when it is set down: connect() gets its port, and hangs.
row_lo_set_down() {
  host
  keep serve 127.0.0.1:3000
  client 127.0.0.1:3000
  first "FREE 127.0.0.1:3000 from 127.0.0.1: connect\(\) would get a local port"
  ip link set lo down
  sysctl -qw net.ipv4.tcp_syn_retries=1
  for address in 127.0.0.1 192.0.2.1; do
    both "$address:3000"
    first "ETIMEDOUT $address:3000 from $address: the device lo is down; set it up"
    cause no-route
  done
  fails_with ETIMEDOUT 127.0.0.1
  client udp/127.0.0.1:3000
  first "FREE 127.0.0.1:3000/udp from 127.0.0.1: a local port is free, but lo is down"
  client 127.0.0.1:3000
  first_remedy 'ip link set lo up'
  paste '^ip link set lo up'
  again
  listens null
}

# fails_with ERROR ADDRESS: what a real connect() there ends with.
fails_with() {
  holds "$label: connect() to $2 really fails with $1" "$python" -c '
import errno, socket, sys
try: socket.create_connection((sys.argv[2], 3000))
except OSError as e: sys.exit(errno.errorcode[e.errno] != sys.argv[1])
sys.exit(1)' "$@"
}

# Nothing is at the other end of the device, or the next hop is gone.
row_dead_way() {
  host
  client 192.0.2.2:3000
  first "FREE 192.0.2.2:3000 from 192.0.2.1: connect\(\) would get a local port"
  there ip link set v1 down
  ip route add 198.51.100.0/24 via 192.0.2.254
  for address in 192.0.2.2 198.51.100.7; do
    both "$address:3000"
    first "EHOSTUNREACH $address:3000( from .*)?: v0 has no carrier(; see what it leads to)?"
    cause no-route
    holds "$label: JSON has the fault" test "$(json .client.path.fault)" = no-carrier
  done
  paste '^ip -details link'
  fails_with EHOSTUNREACH 198.51.100.7
  client '[2001:db8::7]:3000'
  first "EHOSTUNREACH \[2001:db8::7\]:3000( from .*)?: v0 has no carrier(; see what it leads to)?"
  client 192.0.2.1:3000
  first "FREE 192.0.2.1:3000( from 192.0.2.1)?: a local port is free, but nothing listens there.*"
  sysctl -qw net.ipv4.conf.v0.ignore_routes_with_linkdown=1
  both 192.0.2.2:3000
  first "ENETUNREACH 192.0.2.2:3000( from .*)?: v0 has no carrier(; see what it leads to)?"
  sysctl -qw net.ipv4.conf.v0.ignore_routes_with_linkdown=0
  # A neighbour that is not asked for: TCP itself gives up.
  sysctl -qw net.ipv4.tcp_syn_retries=1
  ip neigh replace 192.0.2.2 lladdr 02:00:00:00:00:01 nud permanent dev v0
  both 192.0.2.2:3000
  first "ETIMEDOUT 192.0.2.2:3000( from .*)?: v0 has no carrier(; see what it leads to)?"
  fails_with ETIMEDOUT 192.0.2.2
  ip neigh del 192.0.2.2 dev v0
  sysctl -qw net.ipv4.tcp_syn_retries=6
  there ip link set v1 up
  until_ok sh -c 'ip link show v0 | grep -q LOWER_UP'
  fails_with EHOSTUNREACH 198.51.100.7
  both 198.51.100.7:3000
  first "FREE 198.51.100.7:3000( from 192.0.2.1)?: (a local port is free, but )?the next hop is silent.*"
  says "next hop 192.0.2.254 on v0"
  client 192.0.2.2:3000
  first "FREE 192.0.2.2:3000 from 192.0.2.1: connect\(\) would get a local port"
  ip link set v0 down
  both 192.0.2.2:3000
  first "ENETUNREACH 192.0.2.2:3000: v0 is down; set it up"
  paste '^ip link set v0 up'
  again
}

row_no_ipv6() {
  sysctl -qw net.ipv6.conf.all.disable_ipv6=1
  both '[::1]:3000'
  first "EADDRNOTAVAIL \[::1\]:3000: IPv6 is switched off \(disable_ipv6=1\)"
  cause address-not-local
  mount --bind "$work/hosts" /etc/hosts 2>/dev/null ||
    { echo '::1 myhost' >"$work/hosts" && mount --bind "$work/hosts" /etc/hosts; }
  client myhost:3000
  first "EADDRNOTAVAIL \[::1\]:3000: IPv6 is switched off.*"
  client localhost:3000
  first "FREE localhost:3000: a local port is free, but nothing listens there"
  says "[::1]:3000: EADDRNOTAVAIL."
  client '[::1]:3000'
  paste '^sysctl -w net.ipv6.conf.all.disable_ipv6=0'
  asked="--as client [::1]:3000"
  again
}

row_no_route() {
  both 203.0.113.1:80
  first "ENETUNREACH 203.0.113.1:80: no route leads there"
  cause no-route
  paste '^ip '
  host
  ip route add prohibit 203.0.113.0/24
  both 203.0.113.1:80
  first "EACCES 203.0.113.1:80: a route or routing rule refuses it"
  ip route replace blackhole 203.0.113.0/24
  both 203.0.113.1:80
  first "EINVAL 203.0.113.1:80: a route or routing rule refuses it"
  client 192.0.2.255:80
  first "ENETUNREACH 192.0.2.255:80 from 192.0.2.1: not the address of one host"
  client --from 127.0.0.1 192.0.2.2:80
  first "EINVAL 192.0.2.2:80 from 127.0.0.1: packets from there cannot leave the host.*"
  cause wrong-source
  client 192.0.2.2:80
  first "FREE 192.0.2.2:80 from 192.0.2.1: connect\(\) would get a local port"
  listens null
}

row_nobody_listens() {
  host
  for address in 127.0.0.1 127.0.0.9 192.0.2.1 0.0.0.0; do
    both "$address:3000"
    first "FREE $address:3000( from .*)?: a local port is free, but nothing listens there.*"
    says "expect ECONNREFUSED"
    listens false
    exits 0
  done
  client '[::1]:3000'
  first "FREE .*, but nothing listens there.*"
  client :3000
  first "FREE :3000.*, but nothing listens there.*"
  client --protocol udp 127.0.0.1:3000
  first "FREE 127.0.0.1:3000/udp.*, but nothing listens there.*"
  client --from 127.0.0.1:5000 127.0.0.1:5000
  first "FREE 127.0.0.1:5000 from 127.0.0.1:5000: the socket would be connected to itself"
  client --from 127.0.0.1:5000 127.0.0.1:3000
  first "FREE 127.0.0.1:3000 from 127.0.0.1:5000: but nothing listens there"
  client 127.0.0.1:40000
  says "is connected to itself"
  keep listen '[::]:3000'
  for address in 127.0.0.1 192.0.2.1 '[::1]'; do
    client "$address:3000"
    first "FREE .*: connect\(\) would get a local port"
    listens true
  done
}

# Every port of the range has a UDP socket: the same ports are free for TCP.
row_udp_range() {
  range 40000 40003
  keep fill 127.0.0.1:5353 udp
  both 127.0.0.1:53/udp
  first "EAGAIN 127.0.0.1:53/udp from 127.0.0.1: none of 4 ports is free"
  cause ephemeral-bind
  says "every port of the ephemeral range has a UDP socket in the way"
  lacks "bind() to port 0 found"
  lacks "IP_BIND_ADDRESS_NO_PORT"
  lacks "portreuse budget"
  remedy "kill $pid"
  client --from 127.0.0.1 127.0.0.1:53/udp
  first "EADDRINUSE 127.0.0.1: none of 4 ports is free.*"
  client 127.0.0.1:3000
  first "FREE .*"
  keep listen 127.0.0.1:3000
  keep fill 127.0.0.1:3000
  both 127.0.0.1:3000
  first "EADDRNOTAVAIL 127.0.0.1:3000 from 127.0.0.1: open connections use every port.*"
  cause ephemeral-exhaustion-established
  source_is 127.0.0.1:0
  client 127.0.0.1:53/udp
  paste '^sysctl -w net.ipv4.ip_local_port_range'
  asked="--as client 127.0.0.1:53/udp"
  again
}

# --- a port that is named ---

row_fixed_port() {
  keep serve 127.0.0.1:3000
  closed 1 127.0.0.1:3000 from 127.0.0.1:5000 reuse-addr
  until_ok time_waits 1
  both --from 127.0.0.1:5000 127.0.0.1:3000
  first "FREE .*127.0.0.1:5000 with SO_REUSEADDR; without: TIME-WAIT, [0-9]+ s"
  exits 0
  client --reuse-addr --from 127.0.0.1:5000 127.0.0.1:3000
  exits 0
  client --no-reuse-addr --from 127.0.0.1:5000 127.0.0.1:3000
  first "EADDRINUSE 127.0.0.1:5000: .*"
  remedy 'portreuse why --watch --as client --from 127.0.0.1:5000 --no-reuse-addr 127.0.0.1:3000'
  holds "$label: the TIME-WAIT was not touched" time_waits 1
  sysctl -qw net.ipv4.tcp_timestamps=0
  closed 1 127.0.0.1:3000 from 127.0.0.1:5001 reuse-addr
  until_ok time_waits 2
  both --reuse-addr --from 127.0.0.1:5001 127.0.0.1:3000
  first "EADDRNOTAVAIL 127.0.0.1:3000 from 127.0.0.1:5001: an earlier connection has it.*"
  cause fixed-client-port
  sysctl -qw net.ipv4.tcp_timestamps=1
  client --try-time-wait --reuse-addr --from 127.0.0.1:5000 127.0.0.1:3000
  tried true
  first "FREE .*"
}

row_fixed_port_in_use() {
  keep listen 127.0.0.1:3000
  keep listen 127.0.0.1:5000
  both --from 127.0.0.1:5000 127.0.0.1:3000
  first "EADDRINUSE 127.0.0.1:5000: dial \($pid\) listens.*"
  cause address-in-use
  paste "^kill $pid"
  wait "$pid"
  asked="--as client --from 127.0.0.1:5000 127.0.0.1:3000"
  again
  keep hold 127.0.0.1:3000 from 127.0.0.1:5000 reuse-addr wait
  client --from 127.0.0.1:5000 127.0.0.1:3000
  first "EADDRNOTAVAIL 127.0.0.1:3000 from 127.0.0.1:5000: an earlier connection has it.*"
  cause fixed-client-port
  lacks "set SO_REUSEADDR"
  remedy 'portreuse why --watch --as client --from 127.0.0.1:5000 127.0.0.1:3000'
  client --from 127.0.0.1:80 --uid 12345 127.0.0.1:3000
  [ "$(wc -l </proc/self/uid_map)" != 1 ] || first "EACCES 127.0.0.1:80: ports below 1024 need .*|UNKNOWN.*"
}

# --- elsewhere, and what cannot be known ---

row_elsewhere() {
  host
  name=$(readlink "/proc/$other/ns/net")
  client --pid "$other" 192.0.2.1:80
  first "FREE 192.0.2.1:80 from 192.0.2.2: .*"
  client --netns "/proc/$other/ns/net" 192.0.2.1:80
  first "FREE 192.0.2.1:80 from 192.0.2.2: .*"
  client --netns "/proc/$other/ns/net" 203.0.113.1:80
  first "ENETUNREACH 203.0.113.1:80: .*"
  remedy "nsenter -t $other -n ip -4 route show table all"
  paste '^nsenter'
  client --all-netns 203.0.113.1:80
  first "ENETUNREACH .*"
  client --uid 12345 192.0.2.2:80
  [ "$(wc -l </proc/self/uid_map)" != 1 ] || first "FREE 192.0.2.2:80 from 192.0.2.1: .*"
  client --device v0 192.0.2.2:80
  first "FREE 192.0.2.2:80 from 192.0.2.1: .*"
  client --device nosuch 192.0.2.2:80
  first "UNKNOWN 192.0.2.2:80: .*ENODEV"
  exits 2
  : "$name"
}

# IPv4 refuses connect() from a loopback address to another host; IPv6 does not, and no answer comes.
row_from_loopback() {
  host
  there ip addr add 2001:db8::2/64 dev v1 nodad
  client --from 127.0.0.1 192.0.2.2:80
  cause wrong-source
  exits 1
  client --from '[::1]' '[2001:db8::2]:80'
  first 'FREE \[2001:db8::2\]:80 from ::1: a local port is free, but no answer gets back.*'
  client '[2001:db8::2]:80'
  lacks 'no answer'
  client --from '[::1]' '[2001:db8::1]:80'
  lacks 'no answer'
  holds "$label: so it is" test "$("$python" -c 'import socket
s = socket.socket(socket.AF_INET6)
s.settimeout(0.5)
try: s.connect(("2001:db8::2", 80))
except OSError as error: print(type(error).__name__, end=" ")
s = socket.socket(socket.AF_INET6)
s.bind(("::1", 0))
s.settimeout(0.5)
try: s.connect(("2001:db8::2", 80))
except OSError as error: print(type(error).__name__)')" = "ConnectionRefusedError TimeoutError"
}

row_counted() {
  range 40000 40003
  keep listen 127.0.0.1:3000
  sysctl -qw net.ipv4.tcp_fastopen=2
  both 127.0.0.1:3000
  tried false
  first "FREE 127.0.0.1:3000.*"
  says "Counted, not tried: net.ipv4.tcp_fastopen lacks 0x1 (client)."
  keep fill 127.0.0.1:3000
  both 127.0.0.1:3000
  first "EADDRNOTAVAIL 127.0.0.1:3000.*: open connections use every port.*"
  says "Counted, not tried"
  both 203.0.113.1:80
  first "ENETUNREACH 203.0.113.1:80: no route leads there"
  client --reuse-addr --from 127.0.0.1:5000 127.0.0.1:3000
  exits 0
}

# The connection of a client that is bound to a device is another one to the kernel than that of a client
# that is not, and it is the same one to a client of the same device.
row_counted_device() {
  keep listen 127.0.0.1:3000
  keep hold 127.0.0.1:3000 from 127.0.0.1:5000 device lo reuse-addr
  sysctl -qw net.ipv4.tcp_fastopen=2
  client --reuse-addr --from 127.0.0.1:5000 --device lo 127.0.0.1:3000
  tried false
  cause fixed-client-port
  exits 1
  client --reuse-addr --from 127.0.0.1:5000 127.0.0.1:3000
  exits 0
}

rows
