#!/bin/sh
# What an audit says about the servers of a host, made for real.
# shellcheck source=field/lib.sh
. "$(dirname "$0")/lib.sh"

# look: runs audit, in JSON and in text.
look() {
  asked=audit
  run $as "$portreuse" audit --format json
  cp "$work/out" "$work/json"
  run $as "$portreuse" audit
}
is() { holds "$label: $asked: $1 is $2" test "$(json "$1")" = "$2"; }

row_udp_server_in_the_range() {
  py 's = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("0.0.0.0", 40000))
c = socket.socket(socket.AF_INET, socket.SOCK_DGRAM) # a client: the kernel chooses the port
c.sendto(b"", ("127.0.0.1", 9))
t = server("127.0.0.1", 40001)
done()'
  made
  look
  first "WARNING 2 unreserved server ports"
  is '[.endangered[] | "\(.port)/\(.protocol)"] | sort | join(" ")' "40000/udp 40001/tcp"
  says "40000/udp, pid $pid"
  says "ip_local_reserved_ports=40000-40001"
  sysctl -qw net.ipv4.ip_local_reserved_ports=40000-40001
  look
  first "OK no server port is in danger"
}

row_two_scripts_of_one_interpreter() {
  cat >web.py <<'END'
import socket, sys, time
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
s.bind(("127.0.0.1", 8080))
s.listen()
open("done." + sys.argv[1], "w").close()
time.sleep(1000)
END
  cp web.py api.py
  up "$python" "$PWD/web.py" 1
  up "$python" "$PWD/web.py" 2
  until_ok test -e done.1 -a -e done.2
  look
  first "OK no server port is in danger"
  up "$python" "$PWD/api.py" 3
  until_ok test -e done.3
  look
  first "WARNING 1 shared port"
  is '[.shared[0].processes[].program] | sort | join(" ")' "api.py web.py"
}

row_devices_share_no_port() {
  has ip || return
  ip link add dev0 type veth peer name dev1 || return
  ip link set dev0 up
  ip link set dev1 up
  cat >device.py <<'END'
import socket, sys, time
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, sys.argv[1].encode())
s.bind(("0.0.0.0", 8080))
s.listen()
open("done." + sys.argv[2], "w").close()
time.sleep(1000)
END
  cp device.py other.py
  up "$python" "$PWD/device.py" dev0 1
  up "$python" "$PWD/other.py" dev1 2
  until_ok test -e done.1 -a -e done.2
  look
  first "OK no server port is in danger"
  up "$python" "$PWD/other.py" dev0 3
  until_ok test -e done.3
  look
  first "WARNING 1 shared port"
  says "0.0.0.0%dev0:8080"
  is '.shared[0].device' dev0
}

row_many_ports_are_a_range() {
  py 'all = [server("127.0.0.1", 40000 + i) for i in range(300)]
all.append(server("127.0.0.1", 45000))
done()'
  made
  look
  first "WARNING 301 unreserved server ports"
  says "40000-40299, pid $pid"
  says "45000, pid $pid"
  says "ip_local_reserved_ports=40000-40299,45000"
}

# What could not be read is told: nothing was found there, but not because nothing is there.
row_settings_that_cannot_be_read() {
  is_root || return
  has setpriv || return
  mount -t tmpfs tmpfs /etc/sysctl.d
  echo "net.ipv4.tcp_rfc1337 = 1" >/etc/sysctl.d/10-hidden.conf
  chmod 600 /etc/sysctl.d/10-hidden.conf
  look
  is '.unread | length' 0
  as="setpriv --reuid=$other_uid --regid=$other_uid --clear-groups"
  look
  is '.unread[0].path' /etc/sysctl.d/10-hidden.conf
  is '.unread[0].error' EACCES
  says "Settings that could not be read: /etc/sysctl.d/10-hidden.conf (Permission denied)"
  as=
  chmod 700 /etc/sysctl.d
  as="setpriv --reuid=$other_uid --regid=$other_uid --clear-groups"
  look
  is '.unread[0].path' /etc/sysctl.d
}

rows
