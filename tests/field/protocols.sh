#!/bin/sh
# UDP and Unix sockets.
# shellcheck source=field/lib.sh
. "$(dirname "$0")/lib.sh"

row_dnsmasq() {
  has dnsmasq || return
  up dnsmasq --keep-in-foreground --conf-file=/dev/null --user=root --group=root --pid-file --no-resolv \
    --listen-address=127.0.0.1 --bind-interfaces --port=53
  until_ok udp 53
  for address in udp/53 53/udp 127.0.0.1:53/udp; do
    ask "$address"
    first "EADDRINUSE .*udp.*dnsmasq \\($pid\\).*|EADDRINUSE .*dnsmasq \\($pid\\).*UDP.*|EADDRINUSE .*: dnsmasq \\($pid\\) .*"
    remedy "(sudo )?kill $pid"
    exits 1
  done
  ask 127.0.0.1:53
  first "EADDRINUSE .*: dnsmasq \\($pid\\) .*listens.*"
  if as_other true 2>/dev/null; then
    as=as_other
    ask 127.0.0.1:53/udp
    as=
    first 'EACCES .*: needs CAP_NET_BIND_SERVICE, and a process of root has it'
    says 'On TCP, a process of root has 127.0.0.1:53'
  fi
}

row_udp_alone() {
  py 's = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("0.0.0.0", 51820))
done()'
  made
  ask udp/51820
  first "EADDRINUSE .*\\($pid\\).*"
  remedy "(sudo )?kill $pid"
  # Asked about TCP: it is free, and UDP has it.
  ask tcp/51820
  first 'FREE .*'
  says UDP
  ask :51820
  exits 0
  says UDP
  says "$pid"
}

# Multicast DNS: several receivers, all with SO_REUSEADDR.
row_mdns() {
  py 's = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for i in range(2)]
for t in s:
    t.setsockopt(socket.SOL_SOCKET, ADDR, 1); t.bind(("0.0.0.0", 5353))
done()'
  made
  ask udp/5353
  first "EADDRINUSE .*\\($pid\\).*"
  says SO_REUSEADDR
  ask --reuse-addr udp/5353
  exits 0
}

# A kernel's own socket: no process has it.
row_kernel() {
  if ! ip link add vx0 type vxlan id 1 dstport 51820 local 127.0.0.1 2>/dev/null || ! ip link set vx0 up; then
    skip "$label" "this kernel has no VXLAN"
    return
  fi
  ip link add vx1 type vxlan id 2 dstport 4789 local 127.0.0.1 && ip link set vx1 up
  ask udp/51820
  first 'EADDRINUSE 0\.0\.0\.0:51820/udp: the kernel has it for VXLAN device vx0.*'
  cause kernel-socket
  remedy '(sudo )?ip link delete vx0'
  exits 1
  if as_other true 2>/dev/null; then
    as=as_other
    ask udp/51820
    as=
    first 'EADDRINUSE .*: the kernel has it for VXLAN device vx0.*'
    remedy 'sudo ip link delete vx0'
  fi
  sh -c "$(json '.remedies[]' | grep -o 'ip link .*')"
  ask udp/51820
  exits 0
  holds "$label: the other device stays" ip link show vx1
}

# A port of an endpoint of MPTCP's path manager: the kernel listens.
row_mptcp_endpoint() {
  if ! ip mptcp endpoint add 127.0.0.1 port 8090 signal 2>/dev/null; then
    skip "$label" "this kernel has no MPTCP, or ip does not know it"
    return
  fi
  ask 127.0.0.1:8090
  first 'EADDRINUSE 127\.0\.0\.1:8090: the kernel has it for MPTCP endpoint 1.*'
  cause kernel-socket
  remedy '(sudo )?ip mptcp endpoint delete id 1'
  sh -c "$(json '.remedies[]' | grep '^ip mptcp')"
  ask 127.0.0.1:8090
  exits 0
}

row_unix_live() {
  py 's = socket.socket(socket.AF_UNIX); s.bind("web.sock"); s.listen(5)
done()'
  made
  for address in ./web.sock "$work/web.sock" "unix:$work/web.sock"; do
    ask "$address"
    first "EADDRINUSE .*\\($pid\\) (listens|has the socket).*"
    remedy "(sudo )?kill $pid"
    no_remedy '^(sudo )?rm'
    exits 1
  done
}

row_unix_stale() {
  py 's = socket.socket(socket.AF_UNIX); s.bind("web.sock"); s.listen(5)
done()'
  made
  kill -KILL "$pid"
  wait "$pid" 2>/dev/null
  ask "$work/web.sock"
  first 'EADDRINUSE .*(stale|nobody|no process|a server that has ended left the file).*'
  remedy "(sudo )?rm (-- )?$work/web.sock"
  exits 1
  sh -c "sudo() { \"\$@\"; }; $(json '.remedies[]' | grep -E '^(sudo )?rm' | head -n 1)"
  ask "$work/web.sock"
  exits 0
}

row_unix_abstract() {
  py 's = socket.socket(socket.AF_UNIX); s.bind("\0web"); s.listen(5)
done()'
  made
  ask @web
  first "EADDRINUSE .*@web.*\\($pid\\) (listens|has the socket).*"
  remedy "(sudo )?kill $pid"
  ask @webb
  exits 0
}

row_unix_other_files() {
  : >plain
  ask "$work/plain"
  first 'EADDRINUSE .*(file|socket).*'
  no_remedy '^(sudo )?rm -r'
  ask "$work/nothing/web.sock"
  first 'ENOENT .*'
}

row_unix_php_fpm() {
  fpm=$(command -v php-fpm || command -v php-fpm8.2 || command -v php-fpm8.4 || echo php-fpm)
  has "$fpm" || return
  cat >fpm.conf <<C
[global]
error_log = $work/fpm.log
daemonize = no
[www]
listen = $work/fpm.sock
user = nobody
group = nogroup
pm = static
pm.max_children = 2
C
  up "$fpm" -F -y "$work/fpm.conf"
  until_ok test -S fpm.sock
  sleep 0.3
  ask "$work/fpm.sock"
  first "EADDRINUSE .*php-fpm[0-9.]* \\($pid\\) and 2 workers (listen|have the socket).*"
  remedy "(sudo )?kill $pid"
}

rows
