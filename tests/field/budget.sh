#!/bin/sh
# How many ports real clients leave, who they are, and whether what the report advises helps: haproxy
# with a source address, nginx without keepalive to its upstream, redis-benchmark -k 0, ab, wrk, hey,
# h2load, siege.
# shellcheck source=field/lib.sh
. "$(dirname "$0")/lib.sh"

# A namespace behind a veth pair, 10.9.0.2, and 200 ports here to reach it.
far() {
  ip netns add far && ip link add v0 type veth peer name v1 netns far || return
  ip address add 10.9.0.1/24 dev v0
  ip address add 10.9.0.11/24 dev v0
  ip link set v0 up
  ip netns exec far ip address add 10.9.0.2/24 dev v1
  ip netns exec far ip link set v1 up
  ip netns exec far ip link set lo up
  sysctl -qw net.ipv4.ip_local_port_range="40000 40199"
}

# backend [SECONDS [AT_ONCE]]: an HTTP server in the other namespace that leaves it to the client to
# close, and answers after so many seconds; but so many requests at once, and then closes first.
backend() {
  cat >backend.py <<'END'
import socket, sys, threading, time
l = socket.socket()
l.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
l.bind(("10.9.0.2", 9000))
l.listen(1000)
seconds, at_once = float(sys.argv[1]), int(sys.argv[2])
def serve(c, at_once):
    try:
        while c.recv(65536):
            time.sleep(0 if at_once else seconds)
            c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            if at_once:
                break
    except OSError:
        pass
    c.close()
while True:
    c, _ = l.accept()
    threading.Thread(target=serve, args=(c, at_once > 0), daemon=True).start()
    at_once -= 1
END
  ip netns exec far "$python" "$PWD/backend.py" "${1:-0}" "${2:-0}" >"$work/log" 2>&1 </dev/null &
  until_ok ip netns exec far sh -c 'ss -Htln | grep -q :9000'
}

# budget ARGUMENT...: asks, in JSON and in text.
budget() {
  asked="budget $*"
  run $as "$portreuse" budget --format json "$@"
  cp "$work/out" "$work/json"
  run $as "$portreuse" budget "$@"
  [ -z "${FIELD_SHOW:-}" ] || sed "s/^/#   | /" "$work/out"
}

# connects ADDRESS PORT [SOURCE]: how many connections succeed until one fails. They end with a
# reset, which leaves no TIME-WAIT.
connects() {
  "$python" -c '
import socket, struct, sys
all = []
while len(all) < 1000:
    s = socket.socket()
    if len(sys.argv) > 3:
        s.setsockopt(socket.IPPROTO_IP, 24, 1) # IP_BIND_ADDRESS_NO_PORT
        s.bind((sys.argv[3], 0))
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    try:
        s.connect((sys.argv[1], int(sys.argv[2])))
    except OSError:
        break
    all.append(s)
print(len(all))' "$@"
}

# left_is ADDRESS PORT [SOURCE]: the number that was told is the number that connects.
left_is() {
  told=$(json '.destinations[0].left')
  holds "$label: $asked: $told ports left, as many connections succeed" \
    test "$told" = "$(connects "$@")"
}
owner_is() {
  holds "$label: $asked: the owner is $1" test "$(json '.destinations[0].owners[0].program')" = "$1"
}
# maker_is PROGRAM: it made TIME-WAIT. Root of the host knows of nearly all; the others are closed
# before the watch begins.
maker_is() {
  holds "$label: $asked: TIME-WAIT is made by $1" test "$(json '.time_wait.makers[0].program')" = "$1"
  if [ "$(json .time_wait.all_events)" = true ]; then
    holds "$label: $asked: and known of nearly all" \
      test "$(json '.time_wait | .attributed >= .closed * .8')" = true
  fi
}
# typed REGEX: runs the remedy that this describes, as it is printed.
typed() {
  remedy "$1"
  json '.remedies[]' | grep -xE -e "$1" | head -n 1 >typed
  holds "$label: $asked: it works when typed: $(cat typed)" sh -c '[ -s typed ] && sh typed'
}
widen='sysctl -w net.ipv4.ip_local_port_range="10000 65535"'

row_haproxy_source() {
  has haproxy ip || return
  far && backend 600 || return
  cat >haproxy.cfg <<'END'
defaults
  mode tcp
  timeout connect 5s
  timeout client 600s
  timeout server 600s
listen proxy
  bind 127.0.0.1:8000
  source 10.9.0.11
  server far 10.9.0.2:9000
END
  haproxy -f haproxy.cfg >"$work/log" 2>&1 </dev/null &
  listening 8000
  py 'all = []
for i in range(120):
    s = socket.create_connection(("127.0.0.1", 8000), source_address=("127.0.0.1", 2000 + i))
    s.send(b"GET / HTTP/1.0\r\n\r\n")
    all.append(s)
done()'
  made
  until_ok sh -c '[ "$(ss -Htn state established dport = :9000 | wc -l)" = 120 ]'
  budget
  first "WARNING 10\\.9\\.0\\.2:9000 from 10\\.9\\.0\\.11: 80 of 200 ports left"
  owner_is haproxy
  left_is 10.9.0.2 9000 10.9.0.11
  budget 10.9.0.2:9000
  first "OK 10\\.9\\.0\\.2:9000 from 10\\.9\\.0\\.1: 200 of 200 ports left"
  left_is 10.9.0.2 9000
  budget --from 10.9.0.11 10.9.0.2:9000
  first "WARNING 10\\.9\\.0\\.2:9000 from 10\\.9\\.0\\.11: 80 of 200 ports left"
  typed "$widen"
  budget --from 10.9.0.11 10.9.0.2:9000
  first "OK 10\\.9\\.0\\.2:9000 from 10\\.9\\.0\\.11: 5541[56] of 55536 ports left"
}

# nginx_here: nginx on 8000, which passes all on to the backend.
nginx_here() {
  mkdir -p nginx
  cat >nginx.conf <<END
daemon off;
user root;
pid $PWD/nginx.pid;
error_log $PWD/nginx/error.log;
events { worker_connections 500; }
http {
  access_log off;
  client_body_temp_path $PWD/nginx/body;
  proxy_temp_path $PWD/nginx/proxy;
  fastcgi_temp_path $PWD/nginx/fastcgi;
  uwsgi_temp_path $PWD/nginx/uwsgi;
  scgi_temp_path $PWD/nginx/scgi;
  server {
    listen 127.0.0.1:8000;
    location / { proxy_pass http://10.9.0.2:9000; }
  }
}
END
  nginx -c "$PWD/nginx.conf" >"$work/log" 2>&1 </dev/null &
  listening 8000
}

# get COUNT [PAUSE]: so many requests to nginx, over one connection.
get() {
  "$python" -c '
import http.client, sys, time
c = http.client.HTTPConnection("127.0.0.1", 8000)
for i in range(int(sys.argv[1])):
    c.request("GET", "/")
    assert c.getresponse().read() == b"ok"
    time.sleep(float(sys.argv[2]))' "$1" "${2:-0}"
}

row_nginx_without_keepalive() {
  has nginx ip || return
  far && backend && nginx_here || return
  get 120
  budget --interval 0
  first "WARNING 10\\.9\\.0\\.2:9000 from 10\\.9\\.0\\.1: 80 of 200 ports left.*"
  left_is 10.9.0.2 9000
  says "120 TIME-WAIT"
  says "upstream of nginx"
  get 60 0.03 &
  getter=$!
  until_ok sh -c '[ "$(ss -Htan state time-wait dport = :9000 | wc -l)" -gt 120 ]' || return
  budget --interval 1s 10.9.0.2:9000
  maker_is nginx
  wait "$getter"
  typed "sysctl -w net.ipv4.tcp_tw_reuse=1"
  sleep 1.2
  budget --interval 0 10.9.0.2:9000
  holds "$label: $asked: then all can be used" test "$(json '.destinations[0].left')" = 200
  left_is 10.9.0.2 9000
}

row_redis_benchmark_without_keepalive() {
  has redis-benchmark redis-server ip || return
  far || return
  ip netns exec far redis-server --bind 10.9.0.2 --port 6379 --save '' --protected-mode no \
    >"$work/log" 2>&1 </dev/null &
  until_ok ip netns exec far sh -c 'ss -Htln | grep -q :6379'
  redis-benchmark -h 10.9.0.2 -k 0 -n 110 -c 2 -t ping_mbulk -q >/dev/null 2>&1
  budget --interval 0 10.9.0.2:6379
  first "WARNING 10\\.9\\.0\\.2:6379 from 10\\.9\\.0\\.1: [0-9]+ of 200 ports left.*"
  left_is 10.9.0.2 6379
  typed "$widen"
  redis-benchmark -h 10.9.0.2 -k 0 -n 30000 -c 5 -t ping_mbulk -q >/dev/null 2>&1 &
  pid=$!
  until_ok sh -c '[ "$(ss -Htan state time-wait dport = :6379 | wc -l)" -gt 500 ]'
  budget --interval 500ms 10.9.0.2:6379
  maker_is redis-benchmark
  kill "$pid"
}

# A client that lives for some milliseconds, again and again.
row_curl_in_a_loop() {
  has curl ip || return
  far && backend || return
  sysctl -qw net.ipv4.ip_local_port_range="40000 49999"
  sh -c 'while :; do curl -s http://10.9.0.2:9000/ >/dev/null; done' &
  pid=$!
  until_ok sh -c '[ "$(ss -Htan state time-wait dport = :9000 | wc -l)" -gt 5 ]'
  budget --interval 2s 10.9.0.2:9000
  maker_is curl
  if [ "$(json .time_wait.all_events)" = true ]; then
    holds "$label: $asked: and who starts it" \
      test "$(json '.time_wait.makers[0].started_by')" = "$pid"
  fi
  kill "$pid"
}

# A program that opens, uses and closes one connection after the other.
row_script_without_keepalive() {
  has ip || return
  far && backend || return
  sysctl -qw net.ipv4.ip_local_port_range="40000 49999"
  cat >client.py <<'END'
import socket
while True:
    s = socket.create_connection(("10.9.0.2", 9000))
    s.send(b"GET / HTTP/1.0\r\n\r\n")
    s.recv(100)
    s.close()
END
  "$python" client.py &
  pid=$!
  until_ok sh -c '[ "$(ss -Htan state time-wait dport = :9000 | wc -l)" -gt 50 ]'
  budget --interval 1s 10.9.0.2:9000
  maker_is client.py
  kill "$pid"
}

row_ab() {
  has ab ip || return
  # ab waits for its first answer before it opens the other connections.
  far && backend 600 1 || return
  ab -n 121 -c 120 -s 600 http://10.9.0.2:9000/ >"$work/log" 2>&1 </dev/null &
  until_ok sh -c '[ "$(ss -Htn state established dport = :9000 | wc -l)" = 120 ]'
  budget
  first "WARNING 10\\.9\\.0\\.2:9000 from 10\\.9\\.0\\.1: 80 of 200 ports left"
  owner_is ab
  left_is 10.9.0.2 9000
  typed "$widen"
  budget
  first "OK 10\\.9\\.0\\.2:9000 from 10\\.9\\.0\\.1: 5541[56] of 55536 ports left"
}

# open_by NAME COMMAND...: the command has 120 connections open to the backend, each for itself.
open_by() {
  name=$1
  shift
  has "$1" ip || return
  far && backend 600 1 || return
  "$@" >"$work/log" 2>&1 </dev/null &
  until_ok sh -c '[ "$(ss -Htn state established dport = :9000 | wc -l)" -ge 119 ]' || return
  sleep 0.3
  budget
  first "WARNING 10\\.9\\.0\\.2:9000 from 10\\.9\\.0\\.1: (79|80|81) of 200 ports left"
  owner_is "$name"
  left_is 10.9.0.2 9000
  typed "$widen"
  budget
  first "OK 10\\.9\\.0\\.2:9000 from 10\\.9\\.0\\.1: 554[0-9][0-9] of 55536 ports left"
}
row_wrk() { open_by wrk wrk -t 1 -c 120 -d 600 --timeout 600 http://10.9.0.2:9000/; }
row_hey() { open_by hey hey -c 120 -n 120 -t 600 http://10.9.0.2:9000/; }
row_h2load() { open_by h2load h2load --h1 -c 120 -n 120 http://10.9.0.2:9000/; }

# closed_by NAME COMMAND...: the command opens and closes one connection after the other, each closed
# by the client first.
closed_by() {
  name=$1
  shift
  has "$1" ip || return
  far && backend || return
  sysctl -qw net.ipv4.ip_local_port_range="40000 41999"
  "$@" >"$work/log" 2>&1 </dev/null &
  pid=$!
  until_ok sh -c '[ "$(ss -Htan state time-wait dport = :9000 | wc -l)" -gt 50 ]' || return
  budget --interval 1s 10.9.0.2:9000
  maker_is "$name"
  until_ok sh -c '[ "$(ss -Htan state time-wait dport = :9000 | wc -l)" -gt 1200 ]' || return
  kill -STOP "$pid"
  sleep 1.5
  budget --interval 0 10.9.0.2:9000
  first "(WARNING|CRITICAL) 10\\.9\\.0\\.2:9000 from 10\\.9\\.0\\.1: [0-9]+ of 2000 ports left.*"
  says "upstream of nginx"
  typed "sysctl -w net.ipv4.tcp_tw_reuse=1"
  budget --interval 0 10.9.0.2:9000
  holds "$label: $asked: then nearly all can be used" test "$(json '.destinations[0].left')" -ge 1950
  kill -KILL "$pid"
}
row_hey_without_keepalive() { closed_by hey hey -disable-keepalive -c 2 -n 100000 http://10.9.0.2:9000/; }
row_siege() {
  echo 'connection = close' >siegerc
  closed_by siege siege -R siegerc -b -c 2 -t 600S http://10.9.0.2:9000/
}

rows
