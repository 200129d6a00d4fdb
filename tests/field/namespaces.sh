#!/bin/sh
# Users, namespaces, settings and addresses.
# shellcheck source=field/lib.sh
. "$(dirname "$0")/lib.sh"

row_privileged() {
  if ! as_other true 2>/dev/null; then
    skip "$label" "only root can ask as another user"
    return
  fi
  py 's = server("0.0.0.0", 80)
done()'
  made
  ask --uid "$other_uid" :80
  first "EACCES .*\\($pid\\).* has (it|the port).*"
  cause privileged-port
  exits 1
  as=as_other
  ask :80
  as=
  first 'EACCES .*a process of root.* has (it|the port).*'
  cause privileged-port
  ask --uid "$other_uid" :81
  first 'EACCES .*CAP_NET_BIND_SERVICE.*'
  lacks "($pid)"
}

row_own_server_of_a_user() {
  if ! as_other true 2>/dev/null; then
    skip "$label" "only root can ask as another user"
    return
  fi
  up as_other "$python" -m http.server --bind 127.0.0.1 8080
  listening 8080
  pid=$(pgrep -x -U "$other_uid" python3 || pgrep -U "$other_uid")
  as=as_other
  in_use 127.0.0.1:8080 "http\.server \\($pid\\)" http.server
  as=
  remedy "kill $pid"
}

# in_another NAME: in the namespace `other`, NAME as a cause that sysctl and --watch belong to.
in_another() {
  ip netns add other
  ip -n other link set lo up
  ip netns exec other sysctl -qw net.ipv4.ip_local_port_range='40000 40003'
  # An outgoing connection has the server's port.
  up ip netns exec other "$python" -c 'import socket, time
l = socket.socket(); l.bind(("127.0.0.1", 3000)); l.listen()
c = [socket.create_connection(("127.0.0.1", 3000)) for i in range(4)]
open("done", "w").close()
time.sleep(1000)'
  made
}
row_netns() {
  in_another
  ask --netns other 127.0.0.1:40001
  cause stolen-port
  remedy '(sudo )?ip netns exec other sysctl -w net\.ipv4\.ip_local_reserved_ports=40001.*'
  no_remedy '^(sudo )?sysctl|^portreuse why [^-]'
  ask --pid "$pid" 127.0.0.1:40001
  cause stolen-port
  remedy "(sudo )?nsenter (-t $pid|--net=\\S+|--target $pid) .*sysctl -w net\.ipv4\.ip_local_reserved_ports=40001.*"
  ask --all-netns 127.0.0.1:40001
  first 'EADDRINUSE .*other.*'
  ask 127.0.0.1:40001
  exits 0
}

row_netns_watch() {
  ip netns add other
  ip -n other link set lo up
  up ip netns exec other "$python" -c 'import socket, time
s = socket.socket(); s.bind(("127.0.0.1", 8080)); s.listen()
c = socket.create_connection(("127.0.0.1", 8080))
a = s.accept()[0]
a.close(); time.sleep(0.1); c.close(); s.close()
open("done", "w").close()
time.sleep(1000)'
  made
  ask --netns other 127.0.0.1:8080
  cause time-wait-old-without-reuse
  no_remedy '^portreuse why (--watch )?[0-9]'
  remedy '(sudo )?portreuse why --watch --netns other 127\.0\.0\.1:8080|(sudo )?portreuse why --netns other --watch 127\.0\.0\.1:8080'
}

row_namespace_of_another() {
  if ! as_other true 2>/dev/null; then
    skip "$label" "only root can ask as another user"
    return
  fi
  in_another
  as=as_other
  ask --pid "$pid" 127.0.0.1:40001
  as=
  exits 2
  holds "$label: needs root" grep -qi root "$work/out" "$work/err"
  lacks '  ok'
  as=as_other
  ask --all-netns 127.0.0.1:40001
  as=
  lacks '  ok'
}

# A container's namespace: the settings are those of the container.
row_container_settings() {
  in_another
  if ! cgroup "docker/0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" "$pid"; then
    skip "$label" "control groups cannot be made here"
    return
  fi
  ask --pid "$pid" 127.0.0.1:40001
  cause stolen-port
  says 'docker run --sysctl'
  leave_groups
}

# More than 256 namespaces, and the last one has the port.
row_many_namespaces() {
  py 'libc = ctypes.CDLL(None)
for i in range(270):
    r, w = os.pipe()
    if os.fork() == 0:
        assert libc.unshare(0x40000000) == 0
        if i == 269:
            s = server("0.0.0.0", 8080)
            open("last", "w").write(str(os.getpid()))
        os.write(w, b"x")
        time.sleep(1000)
    os.read(r, 1); os.close(r); os.close(w)
done()'
  made
  ask --all-netns 0.0.0.0:8080
  first "EADDRINUSE .*\\($(cat last)\\).*"
  holds "$label: the first line names the namespace" sh -c 'head -n 1 "$1" | grep -qE "namespace|netns|net:"' - "$work/out"
  exits 1
  holds "$label: the report is about that one" test "$(wc -l <"$work/out")" -lt 80
  ask --all-netns 0.0.0.0:8081
  exits 0
}

# Namespaces come and go meanwhile.
row_vanishing_namespaces() {
  py 'libc = ctypes.CDLL(None)
s = server("0.0.0.0", 8080)
open("done", "w").close()
while True:
    p = os.fork()
    if p == 0:
        libc.unshare(0x40000000); time.sleep(0.01); os._exit(0)
    time.sleep(0.003)
    while True:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0: break
        except ChildProcessError: break'
  made
  looks=0
  while [ "$looks" -lt 20 ]; do
    looks=$((looks + 1))
    "$portreuse" why --all-netns --format json 0.0.0.0:8080 >one
    jq -r .verdict one
  done >all
  asked="$looks looks"
  holds "$label: $asked: all are answered" sh -c '! grep -vx refused "$1"' - all
}

row_sysctls_unreadable() {
  py 's = server("127.0.0.1", 8080)
done()'
  made
  mount -t tmpfs tmpfs /proc/sys/net || return
  for command in "budget" "budget 127.0.0.1:80" "audit" "why :0" "why udp/0"; do
    asked=$command
    # shellcheck disable=SC2086
    run "$portreuse" $command
    exits 2
    first 'UNKNOWN .*'
    holds "$label: $asked: says which file" \
      grep -q '/proc/sys/net/ipv4/.*ENOENT\|net\.ipv4\..*ENOENT' "$work/out" "$work/err"
    lacks 32768
  done
  # The trial shows what the settings would not; no list of ports is made from an unknown one.
  ask 127.0.0.1:8080
  first "EADDRINUSE .*\\($pid\\) listens.*"
  says '/proc/sys/net/ipv4/ip_local_port_range: ENOENT'
  no_remedy 'sysctl'
}

# One of them cannot be read: each is found.
row_one_sysctl_unreadable() {
  # To open a socket as a file is ENXIO; what is no number is EINVAL.
  "$python" -c 'import socket; s = socket.socket(socket.AF_UNIX); s.bind("socket-file")'
  for name in ip_local_port_range ip_local_reserved_ports tcp_tw_reuse tcp_timestamps; do
    mount --bind socket-file "/proc/sys/net/ipv4/$name" || return
    asked="budget without $name"
    run "$portreuse" budget
    exits 2
    first "UNKNOWN .*"
    holds "$label: $asked: says which file" grep -q "/proc/sys/net/ipv4/$name: ENXIO" "$work/out"
    umount "/proc/sys/net/ipv4/$name"
  done
  mount --bind /dev/null /proc/sys/net/ipv4/ip_local_port_range || return
  asked="why with an empty range"
  run "$portreuse" why 127.0.0.1:0
  exits 2
  first "UNKNOWN .*"
  holds "$label: $asked: says which file" grep -q "ip_local_port_range: EINVAL" "$work/out"
}

row_ipv6_disabled() {
  sysctl -qw net.ipv6.conf.all.disable_ipv6=1 || return
  ask '[::1]:8080'
  first 'EADDRNOTAVAIL .*disable_ipv6=1.*'
  no_remedy ip_nonlocal_bind
  exits 1
  # By port alone: IPv4 is what a server gets there.
  ask :8080
  exits 0
}

row_link_local() {
  ip link add up0 type dummy 2>/dev/null || ip link add up0 type veth peer name up1 || return
  ip link set up0 up
  ip -6 address add fe80::1/64 dev up0 nodad 2>/dev/null
  ask '[fe80::1]:8080'
  exits 2
  holds "$label: $asked: it says how to write the device" err_has '%'
  ask '[fe80::1%up0]:8080'
  exits 0
  ask 192.0.2.1:8080
  first 'EADDRNOTAVAIL .*'
  cause address-not-local
  says 127.0.0.1
}

# The kernel answers EINVAL, which alone says nothing.
row_invalid_address() {
  ask '[ff02::1%lo]:8080'
  first 'UNKNOWN .*: TCP takes no IPv6 multicast address: EINVAL'
  exits 2
  ask '[ff05::1]:8080'
  first 'UNKNOWN .*: TCP takes no IPv6 multicast address: EINVAL'
  ask 'udp/[ff05::1]:8080'
  exits 0
  ask --v6only '[::ffff:127.0.0.1]:8080'
  first 'UNKNOWN .*: IPV6_V6ONLY excludes it: EINVAL'
  ask '[::ffff:127.0.0.1]:8080'
  exits 0
}

row_all_reserved() {
  sysctl -qw net.ipv4.ip_local_port_range='40000 40003' net.ipv4.ip_local_reserved_ports=80,8080,40000-40003
  ask 127.0.0.1:0
  cause reserved-ports
  remedy '(sudo )?sysctl -w net\.ipv4\.ip_local_reserved_ports=80,8080'
  sysctl -qw net.ipv4.ip_local_reserved_ports=40000-40003
  ask 127.0.0.1:0
  cause reserved-ports
  no_remedy 'ip_local_reserved_ports=("")?$'
}

row_full_range() {
  sysctl -qw net.ipv4.ip_local_port_range='40000 40003'
  py 's = [server("127.0.0.1", 40000 + i) for i in range(4)]
t = server("127.0.0.1", 8080)
done()'
  made
  ask 127.0.0.1:0
  cause ephemeral-bind
  holds "$label: $asked: the caution and the reservation come before the wider range" sh -c '
    jq -r ".remedies[]" "$1" | grep -nE "ip_local_(port_range|reserved_ports)=|reserve|NodePort|30000" >order
    grep -q "ip_local_port_range=" order && head -n 1 order | grep -vq "ip_local_port_range="' - "$work/json"
}

row_device() {
  ip link add up0 type dummy 2>/dev/null || ip link add up0 type veth peer name up1 || return
  ip link set up0 up
  py 's = socket.socket(); s.setsockopt(socket.SOL_SOCKET, 25, b"up0")
s.bind(("0.0.0.0", 8080)); s.listen()
done()'
  made
  ask :8080
  first "EADDRINUSE .*\\($pid\\) listens.*"
  says '0.0.0.0%up0:8080'
  ask --device lo :8080
  exits 0
  ask --device up0 :8080
  exits 1
  ask 127.0.0.1:8080
  first "EADDRINUSE .*\\($pid\\) listens on 0\.0\.0\.0%up0:8080.*"
  # As ss(8) writes it.
  ask '0.0.0.0%lo:8080'
  exits 0
  ask '*%up0:8080'
  exits 1
}

row_second_user_of_reuseport() {
  if ! as_other true 2>/dev/null; then
    skip "$label" "only root can ask as another user"
    return
  fi
  py 'os.setuid(4321)
s = server("127.0.0.1", 8080, REUSEPORT)
done()'
  made
  ask --reuse-port 127.0.0.1:8080
  cause reuseport-uid
  first "EADDRINUSE .*\\($pid\\).*user.*"
}

rows
