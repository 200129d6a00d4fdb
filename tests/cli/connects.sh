#!/bin/sh
# What connect() answers, in many set-ups: a connect() that sends nothing (kernel/silent.h) and
# `portreuse why --as client` must say the same as a real one, which is made last.
#
# Each set-up has a network namespace of its own.
# shellcheck source=lib.sh
. "$(dirname "$0")/../lib.sh"

cp "$helpers/dial" "$work/dial"
chmod 755 "$work" "$work/dial"
if ! command -v ip >/dev/null || ! command -v jq >/dev/null; then
  skip "what connect() answers" "ip or jq is not installed"
  finish
fi
if ! "$helpers/netns" true 2>/dev/null; then
  skip "what connect() answers" "namespaces cannot be made here"
  finish
fi

# What the set-ups use. `keep` starts a dial that stays until the set-up ends; `pair` makes a device v0
# with 192.0.2.1/24 and 2001:db8::1/64 whose other end is in a namespace with 192.0.2.2 and
# 2001:db8::2, in which `there` runs a command.
cat >"$work/tools" <<'EOF'
set -u
cd "$work"
mkfifo "$fifo" && exec 9<>"$fifo"
dial=$work/dial
keep() {
  kept=$((${kept:-0} + 1))
  $where "$dial" "$@" <"$fifo" >"$fifo.$kept" 9>&- &
  await [ -s "$fifo.$kept" ]
}
range() { sysctl -qw net.ipv4.ip_local_port_range="$1 $2"; }
pair() {
  unshare -n setpriv --pdeathsig KILL sleep 1000 9>&- & other=$!
  ip link add v0 type veth peer name v1
  until ip link set v1 netns "$other" 2>/dev/null && ! ip link show v1 2>/dev/null; do sleep 0.05; done
  sysctl -qw net.ipv6.conf.v0.accept_dad=0
  ip addr add 192.0.2.1/24 dev v0
  ip addr add 2001:db8::1/64 dev v0 nodad
  ip link set v0 up
  there ip link set lo up
  there ip addr add 192.0.2.2/24 dev v1
  there ip addr add 2001:db8::2/64 dev v1 nodad
  there ip link set v1 up
  until ip -6 addr show dev v0 scope link | grep -q fe80 && ! ip -6 addr show dev v0 | grep -q tentative; do
    sleep 0.05
  done
}
where=
keep_there() { where="nsenter -t $other -n" && keep "$@" && where=; }
there() { nsenter -t "$other" -n "$@"; }
closed() { # ADDRESS:PORT FROM...: leaves a connection in TIME-WAIT
  "$dial" real "$@" wait >/dev/null
}
# await COMMAND...: waits until it succeeds.
await() {
  for _ in $(seq 1500); do
    ! "$@" >/dev/null 2>&1 || return 0
    sleep 0.02
  done
  echo "in vain: $*" >&2
}
waits() { [ "$(ss -Htan state time-wait | wc -l)" -ge "${1:-1}" ]; }
EOF

# why_options OPTION...: the options of `why` for those of dial; to $options.
why_options() {
  options="--as client"
  fixed=''
  reuse=''
  while [ $# -gt 0 ]; do
    case $1 in
    from)
      case $2 in *:0) options="$options --from ${2%:0}" ;; *) options="$options --from $2" fixed=yes ;; esac
      shift
      ;;
    range) options="$options --port-range $2" && shift ;;
    device) options="$options --device $2" && shift ;;
    no-port) options="$options --no-port" ;;
    reuse-addr) options="$options --reuse-addr" reuse=yes ;;
    reuse-port) options="$options --reuse-port" ;;
    v6only) options="$options --v6only" ;;
    udp) options="$options --protocol udp" ;;
    take) options="$options --try-time-wait" ;;
    esac
    shift
  done
  [ -z "$fixed" ] || [ -n "$reuse" ] || options="$options --no-reuse-addr"
}

# run_row SETUP ADDRESS [OPTION...]: in a namespace, asks all three; to the files silent, why, real.
rows=0
run_row() {
  setup=$1
  shift
  rows=$((rows + 1))
  why_options "$@"
  # shellcheck disable=SC2016,SC2097,SC2098 # the inner shell expands it
  work=$work fifo=$work/fifo.$rows portreuse=$portreuse setup=$setup dialled="$*" options=$options \
    as_whom=$as_whom "$helpers/netns" sh -c '
    . "$work/tools"
    eval "$setup" >"$work/log" 2>&1 || { echo "unavailable"; exit 0; }
    address=${dialled%% *}
    $as_whom "$dial" silent $dialled
    $as_whom "$portreuse" why --format json $options "$address" |
      jq -r "if .verdict == \"free\" then \"ok \" + (.client.source // \"-\")
             elif .verdict == \"refused\" then .error + \" \" + .call else .verdict end"
    $as_whom "$dial" real $dialled
    kill ${other:-} 2>/dev/null
    exec 9>&-
  ' >"$work/out" 2>"$work/err" </dev/null
  sed -n 1p "$work/out" >"$work/silent"
  sed -n 2p "$work/out" | sed -E 's/:[0-9]+$//; s/^ok \[(.*)\]$/ok \1/' >"$work/why"
  sed -n 3p "$work/out" >"$work/real"
}

# row NAME SETUP ADDRESS [OPTION...]: all three must have the same answer. $expected, if it is set, is
# what a real connect() must say, so that the set-up is what it should be.
same() { [ -s "$work/real" ] && [ "$(sed 's/^time-wait //' "$work/$1")" = "$(cat "$work/real")" ]; }
row() {
  name=$1
  shift
  run_row "$@"
  if grep -qx unavailable "$work/silent"; then
    skip_kernel "$name" "this kernel or host lacks what it needs: $(tail -n 1 "$work/log")"
    expected=
    return
  fi
  ok "$name: the silent connect() is right" same silent
  ok "$name: so is why" same why
  [ -z "$expected" ] || ok "$name: it is $expected" grep -qx "$expected" "$work/real"
  expected=
}

as_whom=
expected=

# --- routes and addresses ---

expected="ENETUNREACH connect" row "no route" : 203.0.113.1:80
expected="ENETUNREACH connect" row "no route of IPv6" : "[2001:db8:ffff::1]:80"
expected="ok 127.0.0.1" row "loopback" : 127.0.0.1:80
expected="ok 127.0.0.1" row "another loopback address" : 127.9.8.7:80
row "IPv6 loopback" : "[::1]:80"
row "IPv4 by an IPv6 socket" : "[::ffff:127.0.0.1]:80"
row "IPv4 by an IPv6 socket that sets IPV6_V6ONLY" : "[::ffff:127.0.0.1]:80" v6only
row "bindv6only=1" "sysctl -qw net.ipv6.bindv6only=1" "[::ffff:127.0.0.1]:80"
# connect() begins; that it ends with ETIMEDOUT is told at once.
row "lo is down" "ip addr flush dev lo; ip link set lo down" 127.0.0.1:80
row "lo is down, IPv6" "ip link set lo down" "[::1]:80"
row "IPv6 is switched off" "sysctl -qw net.ipv6.conf.all.disable_ipv6=1" "[::1]:80"
row "the wildcard address" : 0.0.0.0:80
row "the wildcard address of IPv6" : "[::]:80"
row "the wildcard address, from another one" : 0.0.0.0:80 from 127.0.0.9:0
row "another host" pair 192.0.2.2:80
row "another host, IPv6" pair "[2001:db8::2]:80"
row "an own address" pair 192.0.2.1:80
expected="ENETUNREACH connect" row "a broadcast address" pair 192.0.2.255:80
expected="ENETUNREACH connect" row "255.255.255.255" pair 255.255.255.255:80
expected="ENETUNREACH connect" row "a multicast address" "pair; ip route add default dev v0" 224.0.0.1:80
expected="ENETUNREACH connect" row "a multicast address of IPv6" pair "[ff02::1]:80"
expected="EACCES connect" row "a route of type prohibit" "ip route add prohibit 203.0.113.0/24" 203.0.113.1:80
expected="EINVAL connect" row "a route of type blackhole" "ip route add blackhole 203.0.113.0/24" 203.0.113.1:80
expected="EHOSTUNREACH connect" row "a route of type unreachable" \
  "ip route add unreachable 203.0.113.0/24" 203.0.113.1:80
row "a route of type prohibit, IPv6" "ip -6 route add prohibit 2001:db8:1::/64" "[2001:db8:1::1]:80"
row "a route of type blackhole, IPv6" "ip -6 route add blackhole 2001:db8:1::/64" "[2001:db8:1::1]:80"
row "a route of type throw" "ip route add throw 203.0.113.0/24" 203.0.113.1:80
row "a rule for the destination" "pair; ip rule add to 192.0.2.2 prohibit" 192.0.2.2:80
row "a rule for TCP" "pair; ip rule add to 192.0.2.2 ipproto tcp prohibit" 192.0.2.2:80
row "a rule for the port" "pair; ip rule add to 192.0.2.2 dport 80 unreachable" 192.0.2.2:80
row "a rule for another port" "pair; ip rule add to 192.0.2.2 dport 81 unreachable" 192.0.2.2:80
row "a rule for the user" "pair; ip rule add uidrange 0-0 to 192.0.2.2 blackhole" 192.0.2.2:80
row "a route with a source of its own" \
  "pair; ip addr add 192.0.2.77/24 dev v0; ip route add 203.0.113.0/24 via 192.0.2.2 src 192.0.2.77" 203.0.113.5:80
row "the device is down" "pair; ip link set v0 down" 192.0.2.2:80
row "a rule for the port, with a source" \
  "pair; ip addr add 192.0.2.77/24 dev v0; ip rule add to 192.0.2.2 ipproto tcp dport 80 lookup 77
   ip route add table 77 192.0.2.2/32 dev v0 src 192.0.2.77" 192.0.2.2:80
row "a rule for the source" "pair; ip addr add 192.0.2.77/24 dev v0; ip rule add from 192.0.2.77 prohibit" 192.0.2.2:80 \
  from 192.0.2.77:0
row "a rule for the source port" "pair; ip rule add to 192.0.2.2 ipproto tcp sport 5000 prohibit" 192.0.2.2:80 \
  from 192.0.2.1:5000
row "a rule for any source port" "pair; ip rule add to 192.0.2.2 ipproto tcp sport 1-65534 prohibit" 192.0.2.2:80
row "a rule for what is sent from here" "pair; ip rule add iif lo to 192.0.2.2 unreachable" 192.0.2.2:80
row "a rule for the device" "pair; ip rule add oif v0 to 192.0.2.2 prohibit" 192.0.2.2:80 device v0
row "a rule before that of local addresses" \
  "ip rule add pref 0 to 127.0.0.9 prohibit; ip rule del pref 0 lookup local; ip rule add pref 1 lookup local" 127.0.0.9:80
row "the other end of the device is down" \
  "pair; sysctl -qw net.ipv4.conf.all.ignore_routes_with_linkdown=1; there ip link set v1 down
   for n in \$(seq 100); do ip route show dev v0 | grep -q linkdown && break; sleep 0.05; done" 192.0.2.2:80
row "lo has no address" "ip addr flush dev lo" 127.0.0.1:80
row "lo has no address, IPv6" "ip addr flush dev lo" "[::1]:80"
row "lo has no address, another device has one" "pair; ip addr flush dev lo" 127.0.0.1:80
row "IPv6 is switched off for the device" "pair; sysctl -qw net.ipv6.conf.v0.disable_ipv6=1" "[2001:db8::2]:80"
row "IPv6 is switched off for lo" "sysctl -qw net.ipv6.conf.lo.disable_ipv6=1" "[::1]:80"
row "0.1.2.3" "pair; ip route add default via 192.0.2.2" 0.1.2.3:80
row "240.0.0.1" "pair; ip route add default via 192.0.2.2" 240.0.0.1:80
row "the first address of the network" pair 192.0.2.0:80
row "a multicast address of IPv6, with the device" pair "[ff02::1]:80" device v0
row "port 0" : 127.0.0.1:0

# --- the source ---

expected="EADDRNOTAVAIL bind" row "an address that is missing" : 127.0.0.1:80 from 203.0.113.9:0
row "an address that is missing, ip_nonlocal_bind=1" "sysctl -qw net.ipv4.ip_nonlocal_bind=1" 127.0.0.1:80 \
  from 203.0.113.9:0
expected="EINVAL connect" row "from loopback to another host" pair 192.0.2.2:80 from 127.0.0.1:0
row "the same, route_localnet=1" "pair; sysctl -qw net.ipv4.conf.all.route_localnet=1" 192.0.2.2:80 from 127.0.0.1:0
row "from an address of the device" pair 192.0.2.2:80 from 192.0.2.1:0
row "from it, to loopback" pair 127.0.0.1:80 from 192.0.2.1:0
row "from the wildcard" pair 192.0.2.2:80 from 0.0.0.0:0
row "IPv6, from a missing address" pair "[2001:db8::2]:80" from "[2001:db8::99]:0"
row "IPv6, from ::1" pair "[2001:db8::2]:80" from "[::1]:0"
row "a tentative address" \
  "pair; ip link add t0 type veth peer name t1; sysctl -qw net.ipv6.conf.t0.dad_transmits=100 net.ipv6.conf.t0.accept_dad=1
   ip link set t0 up; ip link set t1 up; ip addr add 2001:db8:5::1/64 dev t0" "[2001:db8:5::2]:80" from "[2001:db8:5::1]:0"
row "bound to a device" pair 192.0.2.2:80 device v0
row "bound to a device that has no route" pair 192.0.2.2:80 device lo
row "a VRF" "pair && ip link add red type vrf table 10 && ip link set red up && ip link set v0 master red" \
  192.0.2.2:80 device red
row "outside of a VRF" "pair && ip link add red type vrf table 10 && ip link set red up && ip link set v0 master red" \
  192.0.2.2:80
row "from the wildcard, IPv6" pair "[2001:db8::2]:80" from "[::]:0"
row "mapped, from a mapped address" pair "[::ffff:192.0.2.2]:80" from "[::ffff:192.0.2.1]:0"
expected="ok 192.0.2.1" row "from a broadcast address" pair 192.0.2.2:80 from 192.0.2.255:0
expected="ok 192.0.2.1" row "from a multicast address" pair 192.0.2.2:80 from 224.0.0.5:0
row "IPv6, from a missing address, ip_nonlocal_bind=1" "sysctl -qw net.ipv6.ip_nonlocal_bind=1" "[::1]:80" \
  from "[2001:db8::77]:0"
row "the wildcard address, mapped" : "[::ffff:0.0.0.0]:80"
row "the wildcard address by a device" pair 0.0.0.0:80 device v0
row "loopback by another device" pair 127.0.0.1:80 device v0
row "IPv6 loopback by another device" pair "[::1]:80" device v0
row "an own address by its device" pair 192.0.2.1:80 device v0
row "an own address by lo" pair 192.0.2.1:80 device lo

# --- ports that are named ---

row "a named port" : 127.0.0.1:80 from 127.0.0.1:5000
row "a named port of the wildcard" : 127.0.0.1:80 from 0.0.0.0:5000
row "the port of a listener" "keep listen 127.0.0.1:5000" 127.0.0.1:80 from 127.0.0.1:5000
row "the port of a listener, SO_REUSEADDR" "keep listen 127.0.0.1:5000 reuse-addr" 127.0.0.1:80 \
  from 127.0.0.1:5000 reuse-addr
row "the port of a listener on another address" "keep listen 127.0.0.2:5000" 127.0.0.1:80 from 127.0.0.1:5000
row "a bound, idle socket" "keep bind 127.0.0.1:5000" 127.0.0.1:80 from 127.0.0.1:5000
expected="EADDRINUSE bind" row "a connection from it, without SO_REUSEADDR" \
  "keep listen 127.0.0.1:80; keep hold 127.0.0.1:80 from 127.0.0.1:5000" 127.0.0.1:80 from 127.0.0.1:5000
expected="EADDRNOTAVAIL connect" row "the same connection, with SO_REUSEADDR" \
  "keep listen 127.0.0.1:80; keep hold 127.0.0.1:80 from 127.0.0.1:5000 reuse-addr wait" 127.0.0.1:80 \
  from 127.0.0.1:5000 reuse-addr
row "the same from the wildcard" \
  "keep listen 127.0.0.1:80; keep hold 127.0.0.1:80 from 0.0.0.0:5000 reuse-addr wait" 127.0.0.1:80 \
  from 0.0.0.0:5000 reuse-addr
row "a connection to another destination, with SO_REUSEADDR" \
  "keep listen 127.0.0.1:80; keep listen 127.0.0.1:81; keep hold 127.0.0.1:81 from 127.0.0.1:5000 reuse-addr" \
  127.0.0.1:80 from 127.0.0.1:5000 reuse-addr
row "the port of the destination: connected to itself" : 127.0.0.1:5000 from 127.0.0.1:5000
row "a listener that is its own destination" "keep listen 127.0.0.1:5000 reuse-addr" 127.0.0.1:5000 \
  from 127.0.0.1:5000 reuse-addr

# --- ports that are chosen ---

four="range 40000 40003; keep listen 127.0.0.1:80; keep listen 127.0.0.1:81"
expected="EADDRNOTAVAIL connect" row "a full range" "$four; keep fill 127.0.0.1:80" 127.0.0.1:80
expected="EADDRNOTAVAIL connect" row "a full range, by an IPv6 socket" "$four; keep fill 127.0.0.1:80" \
  "[::ffff:127.0.0.1]:80"
row "a full range, another destination" "$four; keep fill 127.0.0.1:80" 127.0.0.1:81
row "a full range, another source" "$four; keep fill 127.0.0.1:80" 127.0.0.1:80 from 127.0.0.5:0 no-port
row "a full range, all but one" "$four; keep fill 127.0.0.1:80 most 3" 127.0.0.1:80
expected="EADDRNOTAVAIL connect" row "a range that bind() to port 0 has used up" \
  "$four; keep fill 127.0.0.1:80 from 127.0.0.1:0" 127.0.0.1:81
expected="EADDRINUSE bind" row "the same, with bind()" "$four; keep fill 127.0.0.1:80 from 127.0.0.1:0" \
  127.0.0.1:81 from 127.0.0.1:0
row "the same, with IP_BIND_ADDRESS_NO_PORT" "$four; keep fill 127.0.0.1:80 from 127.0.0.1:0" \
  127.0.0.1:81 from 127.0.0.1:0 no-port
row "a full range, with IP_BIND_ADDRESS_NO_PORT" "$four; keep fill 127.0.0.1:80" 127.0.0.1:80 from 127.0.0.1:0 no-port
row "a full range of connect(), with bind()" "$four; keep fill 127.0.0.1:80" 127.0.0.1:81 from 127.0.0.1:0
row "listeners on every port of the range" \
  "$four; for p in 0 1 2 3; do keep listen 127.0.0.1:4000\$p; done" 127.0.0.1:80
row "listeners on every port, on another address" \
  "$four; for p in 0 1 2 3; do keep listen 127.0.0.7:4000\$p; done" 127.0.0.1:80
expected="EADDRNOTAVAIL connect" row "every port is reserved" \
  "$four; sysctl -qw net.ipv4.ip_local_reserved_ports=40000-40003" 127.0.0.1:80
row "all but one is reserved" "$four; sysctl -qw net.ipv4.ip_local_reserved_ports=40000-40002" 127.0.0.1:80
row "a range of its own" "$four; keep fill 127.0.0.1:80" 127.0.0.1:80 range 40001-40002
row "a range of its own that reaches out" "range 40000 40009; keep listen 127.0.0.1:80; keep fill 127.0.0.1:80 range 40008-40009" \
  127.0.0.1:80 range 40008-50000
row "CLOSE-WAIT in the whole range" "range 40000 40003; keep slam 127.0.0.1:80; keep fill 127.0.0.1:80 wait" 127.0.0.1:80
row "FIN-WAIT-2 in the whole range" \
  "$four; for i in 1 2 3 4; do closed 127.0.0.1:80; done" 127.0.0.1:80
row "a range of its own outside" "range 40000 40003" 127.0.0.1:80 range 100-200
row "a range of its own, and a named port" "range 40000 40003" 127.0.0.1:80 from 127.0.0.1:5000 range 40000-40001
row "a range of one port" "range 40001 40001; keep listen 127.0.0.1:80" 127.0.0.1:80
row "bind() with SO_REUSEADDR on both" "$four; keep fill 127.0.0.1:81 from 127.0.0.1:0 reuse-addr" 127.0.0.1:80 \
  from 127.0.0.1:0 reuse-addr
row "the same with ip_autobind_reuse=1" \
  "sysctl -qw net.ipv4.ip_autobind_reuse=1 && { $four; keep fill 127.0.0.1:81 from 127.0.0.1:0 reuse-addr; }" \
  127.0.0.1:80 from 127.0.0.1:0 reuse-addr
busy="pair; range 40000 40003; for p in 0 1 2 3; do keep bind 0.0.0.0:4000\$p device v0; done"
row "idle sockets of another device" "$busy" 127.0.0.1:80 from 127.0.0.1:0 device lo
row "idle sockets of a device" "$busy" 192.0.2.2:80
row "a named port with SO_REUSEPORT" \
  "keep listen 127.0.0.1:80; keep listen 127.0.0.1:81; keep hold 127.0.0.1:81 from 127.0.0.1:5000 reuse-port" \
  127.0.0.1:80 from 127.0.0.1:5000 reuse-port

# --- TIME-WAIT ---

# A trial leaves these alone: what is tried is only what is certain without it.
row "TIME-WAIT of the same port, without SO_REUSEADDR" \
  "keep serve 127.0.0.1:80; closed 127.0.0.1:80 from 127.0.0.1:5000 reuse-addr; await waits" 127.0.0.1:80 \
  from 127.0.0.1:5000
own="keep serve 127.0.0.1:80; closed 127.0.0.1:80 from 127.0.0.1:5000 reuse-addr; await waits"
expected="ok 127.0.0.1" row "TIME-WAIT of the same port, taken over" "$own" 127.0.0.1:80 from 127.0.0.1:5000 reuse-addr take
expected="EADDRNOTAVAIL connect" row "the same without timestamps" "sysctl -qw net.ipv4.tcp_timestamps=0; $own" \
  127.0.0.1:80 from 127.0.0.1:5000 reuse-addr take
row "the same without timestamps, and without touching it" "sysctl -qw net.ipv4.tcp_timestamps=0; $own" \
  127.0.0.1:80 from 127.0.0.1:5000 reuse-addr
row "TIME-WAIT of another port" "$own" 127.0.0.1:80 from 127.0.0.1:5001 reuse-addr
three="keep serve 127.0.0.1:80; for i in 1 2 3 4; do closed 127.0.0.1:80; done; await waits 4"
row "TIME-WAIT in the whole range, tcp_tw_reuse=0" "range 40000 40003; sysctl -qw net.ipv4.tcp_tw_reuse=0; $three" \
  127.0.0.1:80
expected="ok 127.0.0.1" row "TIME-WAIT in the whole range, old enough" \
  "range 40000 40003; sysctl -qw net.ipv4.tcp_tw_reuse_delay=10 && { $three; sleep 0.1; }" 127.0.0.1:80 take
far="keep_there serve 192.0.2.2:80; closed 192.0.2.2:80 from 192.0.2.1:5000 reuse-addr; await waits"
expected="ok 192.0.2.1" row "TIME-WAIT of another host" "pair; $far" 192.0.2.2:80 from 192.0.2.1:5000 reuse-addr take
expected="EADDRNOTAVAIL connect" row "another host that has no timestamps" \
  "pair; there sysctl -qw net.ipv4.tcp_timestamps=0; $far" 192.0.2.2:80 from 192.0.2.1:5000 reuse-addr take

# Without touching it, only root of the host can tell, who reads in the kernel which of these had
# timestamps.
# row_read NAME SETUP ADDRESS [OPTION...]: `why` must have the answer of a real connect().
row_read() {
  name=$1
  shift
  run_row "$@"
  ok "$name: why is right without touching it" same why
  [ -z "$expected" ] || ok "$name: it is $expected" grep -qx "$expected" "$work/real"
  expected=
}
off="sysctl -qw net.ipv4.tcp_timestamps=0"
on="sysctl -qw net.ipv4.tcp_timestamps=1"
two="range 40000 40003; keep serve 127.0.0.1:80; for i in 1 2 3 4; do closed 127.0.0.1:80; done; await waits 4"
far_two="keep_there serve 192.0.2.2:80; for i in 1 2 3 4; do closed 192.0.2.2:80; done; await waits 4; sleep 1.2"
far_range="range 40000 40003; sysctl -qw net.ipv4.tcp_tw_reuse=1; pair"
if "$helpers/unit/test_time_wait" 2>&1 | grep -q SKIPPED; then
  skip "TIME-WAIT that is not touched" "only root of the host can read the kernel's memory, on Linux 5.8"
else
  expected="ok 127.0.0.1" row_read "TIME-WAIT of the same port" "$own" 127.0.0.1:80 from 127.0.0.1:5000 reuse-addr
  expected="ok 127.0.0.1" row_read "TIME-WAIT of the same port, timestamps switched off since" "$own; $off" 127.0.0.1:80 \
    from 127.0.0.1:5000 reuse-addr
  expected="EADDRNOTAVAIL connect" row_read "TIME-WAIT of the same port, timestamps switched on since" \
    "$off; $own; $on" 127.0.0.1:80 from 127.0.0.1:5000 reuse-addr
  expected="ok 127.0.0.1" row_read "TIME-WAIT in the whole range, timestamps switched off since" \
    "$two; $off; sleep 1.2" 127.0.0.1:80
  expected="EADDRNOTAVAIL connect" row_read "TIME-WAIT in the whole range, timestamps switched on since" \
    "$off; $two; $on; sleep 1.2" 127.0.0.1:80
  expected="ok 192.0.2.1" row_read "TIME-WAIT of another host" "pair; $far" 192.0.2.2:80 from 192.0.2.1:5000 reuse-addr
  expected="EADDRNOTAVAIL connect" row_read "TIME-WAIT of another host that has no timestamps" \
    "pair; there $off; $far" 192.0.2.2:80 from 192.0.2.1:5000 reuse-addr
  expected="ok 192.0.2.1" row_read "TIME-WAIT of another host in the whole range" "$far_range; $far_two" 192.0.2.2:80
  expected="EADDRNOTAVAIL connect" row_read "the same without timestamps" "$far_range; there $off; $far_two" 192.0.2.2:80
fi

# --- users ---

row "UDP" : 127.0.0.1:53 udp
row "UDP without a route" : 203.0.113.1:53 udp
row "UDP to a broadcast address" pair 192.0.2.255:53 udp
row "UDP from a missing address" : 127.0.0.1:53 udp from 203.0.113.1:0
row "UDP, a full range" "range 40000 40003; for p in 0 1 2 3; do keep bind 127.0.0.1:4000\$p udp; done" 127.0.0.1:53 udp
row "UDP, a full range of connected sockets" "range 40000 40003; keep fill 127.0.0.1:5353 udp" 127.0.0.1:53 udp
row "UDP, a full range, with a source" "range 40000 40003; keep fill 127.0.0.1:5353 udp" 127.0.0.1:53 udp from 127.0.0.1:0
row "UDP, a full range, from another source" "range 40000 40003; keep fill 127.0.0.1:5353 udp" 127.0.0.1:53 udp from 127.0.0.9:0
row "TCP, the ranges of both are full" \
  "range 40000 40003; keep fill 127.0.0.1:5353 udp; keep serve 127.0.0.1:81; keep fill 127.0.0.1:81" 127.0.0.1:81
row "a port below 1024" : 127.0.0.1:80 from 127.0.0.1:500
if is_root; then
  as_whom="setpriv --reuid=65534 --regid=65534 --clear-groups"
  chmod 755 "$work"
  expected="EACCES bind" row "a port below 1024, as an ordinary user" : 127.0.0.1:80 from 127.0.0.1:500
  row "below ip_unprivileged_port_start" "sysctl -qw net.ipv4.ip_unprivileged_port_start=400" 127.0.0.1:80 from 127.0.0.1:500
  row "a rule for a user" "pair; ip rule add uidrange 65534-65534 to 192.0.2.2 prohibit" 192.0.2.2:80
  row "a full range, as an ordinary user" "$four; keep fill 127.0.0.1:80" 127.0.0.1:80
  row "another host, as an ordinary user" pair 192.0.2.2:80
fi
as_whom=

# --- silence ---

# What leaves this host, and what arrives at the other one. Without IPv6, which sends of its own accord.
# shellcheck disable=SC2016,SC2097,SC2098 # the inner shell expands it
work=$work fifo=$work/fifo.silence portreuse=$portreuse "$helpers/netns" sh -c '
  . "$work/tools"
  counts() {
    cat /proc/net/snmp /proc/net/netstat
    there cat /proc/net/snmp /proc/net/netstat
    grep " *[a-z0-9]*:" /proc/net/dev
    there grep " *[a-z0-9]*:" /proc/net/dev
  }
  {
    pair
    sysctl -qw net.ipv6.conf.all.disable_ipv6=1
    there sysctl -qw net.ipv6.conf.all.disable_ipv6=1
    keep_there listen 192.0.2.2:80
    range 40000 40019
    keep fill 192.0.2.2:80 from 192.0.2.1:0 most 5 # whose ports budget tries
    # Neighbours that are looked for again would be packets, too.
    there ip neigh replace 192.0.2.1 dev v1 nud permanent lladdr "$(ip -o link show v0 | sed "s/.*ether \\([^ ]*\\).*/\\1/")"
    ip neigh replace 192.0.2.2 dev v0 nud permanent lladdr "$(there ip -o link show v1 | sed "s/.*ether \\([^ ]*\\).*/\\1/")"
    "$dial" real 192.0.2.2:80 wait
    sleep 0.3
  } >"$work/log" 2>&1
  counts >"$work/before"
  for _ in 1 2 3 4 5; do
    "$dial" silent 192.0.2.2:80
    "$dial" silent 192.0.2.2:80 from 192.0.2.1:5000
    "$dial" silent 192.0.2.2:99
    "$dial" silent "[::ffff:192.0.2.2]:80"
    "$dial" silent 192.0.2.2:53 udp
    "$portreuse" why --as client 192.0.2.2:80
    "$portreuse" why --as client --from 192.0.2.1:5000 192.0.2.2:80
    "$portreuse" budget --interval 0 192.0.2.2:80
    "$portreuse" budget --interval 0
    "$portreuse" budget --interval 0 --range 5000-5009 192.0.2.2:80
  done
  counts >"$work/after"
  "$dial" real 192.0.2.2:80 wait
  counts >"$work/louder"
  kill $other
' >"$work/out" 2>"$work/err" </dev/null
ok "50 questions about another host leave no trace in its counters, nor in ours" \
  diff "$work/before" "$work/after"
ok "a real connection does" sh -c "! diff '$work/after' '$work/louder'"

# --- what a packet alone can find out is not claimed ---

row "the packet filter rejects it" \
  "pair && nft 'add table ip t; add chain ip t out { type filter hook output priority 0; }; add rule ip t out reject'" \
  192.0.2.2:80

finish
