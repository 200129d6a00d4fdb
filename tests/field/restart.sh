#!/bin/sh
# `portreuse run server-restart`: the verdict on real servers, and on bad ones of each kind.
#
# usage: tests/field/restart.sh PORTREUSE HELPERS [NAME...]   (default: all)
# shellcheck source=lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=shown.sh
. "$here/../shown.sh"
[ $# -lt 2 ] || shift 2
names=" $* "
export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0"
cd "$work" || exit 1
chmod 1777 "$work"
python=/usr/bin/python3
[ -x $python ] || python=python3

# judge NAME VERDICTS PROGRAM ARG...: the first letters of the verdicts, in the order of the cases:
#
#   idle, open connections, TIME-WAIT, killed, killed alone, left behind, second instance, port taken,
#   port in the range, IPv6, dual stack
#
# A program that is not installed is skipped. $options are for portreuse, $as is who runs it.
judge() {
  name=$1 verdicts=$2
  shift 2
  judged=
  [ "$names" = "  " ] || case "$names" in *" $name "*) ;; *) return ;; esac
  if ! command -v "$1" >/dev/null; then
    skip "$name" "$1 is not installed"
    return
  fi
  # shellcheck disable=SC2086 # options
  run ${as:-} "$portreuse" run ${options:-} server-restart -- "$@"
  # The first line is the verdict of all; below a long report it stands again.
  got=$(sed -n '/^[A-Z]* server-restart: /d; s/^\(P\)ASS .*/\1/p; s/^\(F\)AIL .*/\1/p; s/^\(S\)KIP .*/\1/p; s/^\(E\)RROR.*/\1/p' \
    "$work/out" | tr -d '\n')
  ok "$name: $verdicts" [ "$got" = "$verdicts" ]
  judged=yes
}

# shows COMMAND: what the last one printed is what docs/server-restart.md shows for this command.
shows() {
  [ -n "$judged" ] || return
  block docs/server-restart.md "portreuse run server-restart -- $1*"
  ok "$name: docs/server-restart.md shows this" as_told "$work/out"
}

safe=PPPPPPPPPPP  # on both families
safe4=PPPPPPPPPSS # on IPv4

# --- real servers ---

nginx_conf() { # FILE LISTEN...
  conf=$1
  shift
  {
    echo "worker_processes 2; daemon off; pid $work/ngx.pid; error_log stderr; events {} http {"
    echo "access_log off; client_body_temp_path $work/ngx; server {"
    for listen; do echo "listen $listen;"; done
    echo '} }'
  } >"$conf"
}
nginx_conf ngx.conf 8080 '[::]:8080 ipv6only=on'
nginx_conf ngxr.conf '8080 reuseport'
sed 's/daemon off; //' ngx.conf >ngxd.conf
if is_root; then
  judge nginx $safe nginx -c "$work/ngx.conf"
  shows nginx
  [ "$names" != "  " ] || ok "it says that the workers of a dead nginx keep the port" out_matches \
    '^      seen: LISTEN .*, held by nginx \(pid [0-9]+\)'
  judge nginx-reuseport PPPPPPFPPSS nginx -c "$work/ngxr.conf"
  judge nginx-daemon E nginx -c "$work/ngxd.conf"
else
  skip "nginx" "its workers change their user: it needs root"
fi
judge redis $safe redis-server --port 6379 --save ''
shows redis-server
cat >hap.cfg <<'C'
defaults
  mode http
  timeout connect 1s
  timeout client 30s
  timeout server 30s
frontend f
  bind :8080
  http-request return status 200
C
sed '1i global\n  noreuseport' hap.cfg >hapn.cfg
judge haproxy PPPPPPFPPSS haproxy -db -f hap.cfg
shows haproxy
judge haproxy-alone $safe4 haproxy -db -f hapn.cfg
judge haproxy-master $safe4 haproxy -W -db -f hapn.cfg
judge http.server $safe4 $python -m http.server 8000
shows 'python3 -m http.server'
echo "require('http').createServer((q, r) => r.end('ok')).listen(3000)" >app.js
judge node $safe node app.js
shows node
judge socat PFFFPPPPPSS socat TCP-LISTEN:8000,fork EXEC:cat
judge socat-reuseaddr $safe4 socat TCP-LISTEN:8000,fork,reuseaddr EXEC:cat
judge socat-once PFFFPPPPPSS socat TCP-LISTEN:8000 EXEC:cat
echo "server.port = 8080 server.document-root = \"$work\"" | sed 's/ server.doc/\nserver.doc/' >lig.conf
judge lighttpd $safe4 lighttpd -D -f lig.conf
cat >app.py <<'P'
def app(environ, start_response):
    start_response("200 OK", [])
    return [b"ok"]
P
# A worker that waits for a client stops only after 30 s.
judge gunicorn PPPPPSPPPSS gunicorn -b 127.0.0.1:8000 app:app

# --- bad ones, and odd ones ---

awk '/^```python$/ { on = 1; next } /^```$/ { on = 0 } on' "$here/../../docs/server-restart.md" >server.py
judge documented PFFFPPPPPSS $python server.py
shows 'python3 server.py'

cat >bad.py <<'P'
import os, signal, socket, struct, sys, threading, time
kind = sys.argv[1]
REUSE = socket.SO_REUSEADDR

def make(port=8000, options=(REUSE,), family=socket.AF_INET, host="0.0.0.0"):
    made = socket.socket(family)
    for option in options:
        made.setsockopt(socket.SOL_SOCKET, option, 1)
    return made, (host, port)

def up(**how):
    made, address = make(**how)
    made.bind(address)
    made.listen()
    return made

def hold(c):
    c.recv(100)
    time.sleep(1000)

def serve(listener, prepare=lambda c: None):
    while True:
        c, _ = listener.accept()
        prepare(c)
        threading.Thread(target=hold, args=(c,), daemon=True).start()

if kind == "good":
    serve(up())
if kind == "no-reuseaddr":
    serve(up(options=()))
if kind == "never-reads":
    listener, kept = up(options=()), []
    while True:
        kept.append(listener.accept())
if kind == "greets":
    serve(up(options=()), lambda c: c.sendall(b"220 hello\r\n"))
if kind == "reuseport":
    serve(up(options=(REUSE, socket.SO_REUSEPORT)))
if kind == "resets":
    serve(up(options=()), lambda c: c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)))
if kind == "ignores-sigterm":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    serve(up())
if kind == "crashes":
    kept = []
    signal.signal(signal.SIGTERM, lambda *_: os.abort() if kept else sys.exit(0))
    listener = up()
    while True:
        kept.append(listener.accept())
if kind == "leaves-child":
    listener = up()
    if os.fork() == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(1000)
    serve(listener)
if kind == "child-per-connection":
    listener = up()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        c, _ = listener.accept()
        if os.fork() == 0:
            hold(c)
        c.close()
if kind == "ephemeral":
    serve(up(port=40000))
if kind in ("exits-0", "ignores-error", "retries"):
    made, address = make()
    while True:
        try:
            made.bind(address)
            break
        except OSError:
            if kind == "exits-0":
                sys.exit(0)
            if kind == "ignores-error":
                break
            time.sleep(0.2)
    made.listen()
    serve(made)
if kind == "next-port":
    for port in range(8000, 9000):
        made, address = make(port)
        try:
            made.bind(address)
            break
        except OSError:
            pass
    made.listen()
    serve(made)
if kind == "late":
    time.sleep(2)
    serve(up())
if kind == "accepts-late":
    listener = up()
    time.sleep(1)
    serve(listener)
if kind == "two-ports":
    listener = up()
    threading.Thread(target=serve, args=(up(port=9000, options=()),), daemon=True).start()
    serve(listener)
if kind == "daemon":
    listener = up()
    if os.fork():
        os._exit(0)
    os.setsid()
    serve(listener)
if kind == "daemon-early":
    if os.fork():
        os._exit(0)
    os.setsid()
    time.sleep(0.3)
    serve(up())
if kind == "lock-file":
    import fcntl
    lock = open("lock", "a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        sys.exit("already running")
    serve(up())
if kind == "stale-file":
    if os.path.exists("stale"):
        sys.exit("already running")
    open("stale", "w")
    signal.signal(signal.SIGTERM, lambda *_: (os.unlink("stale"), sys.exit(0)))
    serve(up())
if kind in ("dual", "dual-no-reuseaddr", "ipv6-alone"):
    made, address = make(family=socket.AF_INET6, host="::", options=() if "no" in kind else (REUSE,))
    made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, kind == "ipv6-alone")
    made.bind(address)
    made.listen()
    serve(made)
if kind == "ipv6-no-reuseaddr":  # and goes on without it
    listener = up()
    made, address = make(family=socket.AF_INET6, host="::", options=())
    made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    try:
        made.bind(address)
        made.listen()
        threading.Thread(target=serve, args=(made,), daemon=True).start()
    except OSError as error:
        print("no IPv6:", error)
    serve(listener)
if kind == "ends":
    sys.exit("no configuration")
P
bad() { judge "$1" "$2" $python bad.py "$1"; }
bad good $safe4
bad no-reuseaddr PFFFPPPPPSS
bad never-reads PFFFPPPPPSS
bad greets PFFFPPPPPSS
bad reuseport PPPPPPFPPSS
bad resets PPSPPPPPPSS
bad ignores-sigterm FPPPPSPPPSS
bad crashes PFPPPSPPPSS
bad leaves-child PPPPPFPPPSS
bad child-per-connection PPPPPFPPPSS
bad ephemeral PPPPPPPPFSS
[ "$names" != "  " ] || ok "what to do about it" out_says 'sysctl -w net.ipv4.ip_local_reserved_ports=40000'
# What the administrator has reserved, or taken out of the range, is no fault of the server.
elsewhere() {
  unshare -rn sh -c 'echo $setting >"/proc/sys/net/ipv4/$sysctl"; exec "$@"' sh "$@"
}
if unshare -rn true 2>/dev/null; then
  export sysctl=ip_local_reserved_ports setting=40000
  as=elsewhere bad ephemeral $safe4
  sysctl=ip_local_port_range setting='50000 60000'
  as=elsewhere bad ephemeral $safe4
  sysctl=ip_local_port_range setting='1024 60000'
  as=elsewhere bad good PPPPPPPPFSS
fi
bad exits-0 PPPPPPFFPSS
bad ignores-error PPPPPPFFPSS
bad retries PPPPPPFFPSS
bad next-port PPPPPPFFPSS
bad late $safe4
bad accepts-late $safe4
bad two-ports $safe4
options='--port 9000' bad two-ports PFFFPPPPPSS
options='--port 7' bad two-ports E
[ "$names" != "  " ] || ok "what it listens on instead" out_has 'listen 0.0.0.0:9000'
bad daemon E
bad daemon-early E
bad lock-file $safe4
bad stale-file PPPFEEEEEEE
rm -f stale
bad dual $safe
bad dual-no-reuseaddr PFFFPPPPPFF
bad ipv6-alone PPPPPPPPPPS
bad ipv6-no-reuseaddr PPPPPPPPPFF
bad ends E
[ "$names" != "  " ] || ok "what it has printed" out_has 'no configuration'
judge never-listens E sh -c 'exit 3'
[ "$names" != "  " ] || ok "is exit 2" status_is 2
if is_root && users_may; then
  as=as_user
  bad good $safe4
  bad no-reuseaddr PFFFPPPPPSS
  judge redis $safe redis-server --port 6379 --save ''
fi

finish
