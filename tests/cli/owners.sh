#!/bin/sh
# Who has a port: real servers in a private network namespace, alone, with workers, without their
# master, stopped, under a supervisor; and programs that only inherited a socket.
# shellcheck source=lib.sh
. "$(dirname "$0")/../lib.sh"

# shellcheck source=private.sh
. "$here/../private.sh"

processes=
trap 'kill -KILL $processes 2>/dev/null; rm -rf "$work"' EXIT

has() {
  command -v "$1" >/dev/null && return
  skip "$1" "$1 is not installed"
  return 1
}

# start PORT COMMAND...: starts it in the background, as $server, and waits until it has the port.
start() {
  port=$1
  shift
  "$@" >"$work/server" 2>&1 &
  server=$!
  processes="$processes $server"
  until_taken "$port"
}

until_taken() { until_ok is_taken "$1" || quote 3 "$work/server"; }
is_taken() { ! "$portreuse" why -q ":$1"; }

why() { run "$portreuse" why "$@"; }
first_line_has() { head -n 1 "$work/out" | grep -qE -e "$1"; }

# frees PORT: pastes the command that JSON gives, and asks again.
json() { "$portreuse" why --format json ":$1" | tr -d '\n'; }
stop_of() { json "$1" | sed -n 's/.*"stop": *\[ *{ *"command": *"\([^"]*\)".*/\1/p'; }
is_free() { "$portreuse" why -q ":$1" >"$work/out" 2>&1; }
frees() {
  sh -c "$(stop_of "$1")"
  await is_free "$1"
}

# --- names ---

if has python3; then
  start 2001 python3 -m http.server 2001
  why :2001
  ok "a module of python" first_line_has "http.server \($server\) listens"
  printf 'import socket,time\ns=socket.socket();s.bind(("",2002));s.listen();time.sleep(99)\n' \
    >"$work/app.py"
  start 2002 python3 "$work/app.py"
  why :2002
  ok "a script of python" first_line_has "app.py \($server\) listens"
  frees 2002
  ok "and its command frees the port" is_free 2002
  { echo "#!$(command -v python3)" && cat "$work/app.py"; } >"$work/a-script-with-a-long-name"
  chmod +x "$work/a-script-with-a-long-name"
  start 2002 "$work/a-script-with-a-long-name"
  why :2002
  ok "a script with a long name, in full" first_line_has "a-script-with-a-long-name \($server\)"
fi
if has node; then
  echo 'require("net").createServer().listen(2003)' >"$work/app.js"
  start 2003 node "$work/app.js"
  why :2003
  ok "a script of node" first_line_has "app.js \($server\) listens"
fi
if has perl; then
  echo 'use IO::Socket::INET; my $s = IO::Socket::INET->new(Listen=>5,LocalPort=>2004); sleep 99' \
    >"$work/app.pl"
  start 2004 perl -w "$work/app.pl"
  why :2004
  ok "a script of perl" first_line_has "app.pl \($server\) listens"
fi
if has ruby; then
  start 2005 ruby -rsocket -e 's=TCPServer.new(2005); sleep 99'
  why :2005
  ok "program text in the command line of ruby" first_line_has "ruby[0-9.]* -e \($server\) listens"
fi
if has php; then
  start 2006 php -S 127.0.0.1:2006
  why 127.0.0.1:2006
  ok "php -S" first_line_has "php[0-9.]* -S \($server\) listens"
fi
if has redis-server; then
  start 2007 redis-server --port 2007 --save ''
  why :2007
  ok "redis, which writes over its command line" first_line_has "redis-server \($server\) listens"
  kill -STOP "$server"
  why :2007
  ok "one that is stopped" first_line_has "redis-server \($server, stopped\) listens"
  ok "needs another signal" out_has "kill -KILL $server"
  ok "and its command frees the port" frees 2007
fi

# --- masters and workers ---

if has nginx; then
  cat >"$work/nginx.conf" <<'END'
worker_processes 2; daemon off; error_log /dev/null; pid nginx.pid;
events {} http { access_log off; server { listen 2010; } }
END
  start 2010 nginx -p "$work" -c nginx.conf
  workers() { [ "$(pgrep -c -P "$server")" = 2 ]; }
  until_ok workers
  why :2010
  ok "nginx and its workers are one" first_line_has "nginx \($server\) and 2 workers listen"
  ok "address-in-use" out_has "  address-in-use: "
  ok "the master is to be stopped" test "$(stop_of 2010)" = "kill $server"
  children=$(pgrep -P "$server")
  processes="$processes $children"
  kill -KILL "$server"
  orphaned() { "$portreuse" why :2010 | grep -q orphaned; }
  until_ok orphaned
  why :2010
  ok "without the master: the workers" first_line_has "2 orphaned workers of nginx \([0-9]*\) listen"
  ok "and that it is gone" out_has "The process that started the workers is gone."
  ok "one command stops all of them" frees 2010
fi
if has gunicorn; then
  printf 'def app(e, s):\n    s("200 OK", [])\n    return [b"x"]\n' >"$work/wsgi.py"
  start 2011 gunicorn --chdir "$work" -w 2 -b :2011 wsgi:app
  until_ok workers
  why :2011
  ok "gunicorn" first_line_has "gunicorn \($server\) and 2 workers listen"
  ok "and its command frees the port" frees 2011
fi
if has haproxy; then
  printf 'defaults\n timeout connect 1s\n timeout client 1s\n timeout server 1s\n mode tcp\n%s\n' \
    "frontend x
 bind :2012" >"$work/haproxy.cfg"
  start 2012 haproxy -W -f "$work/haproxy.cfg"
  why :2012
  ok "haproxy" first_line_has "haproxy \([0-9]+\)"
  ok "and its command frees the port" frees 2012
fi
if has supervisord && has python3; then
  cat >"$work/supervisor.conf" <<END
[supervisord]
nodaemon=true
logfile=/dev/null
logfile_maxbytes=0
pidfile=$work/supervisord.pid
[unix_http_server]
file=$work/supervisor.sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://$work/supervisor.sock
[program:web]
command=python3 -m http.server 2013
END
  start 2013 supervisord -c "$work/supervisor.conf"
  why :2013
  chain_has() { tr -s ' \n' ' ' <"$work/out" | grep -qF -e "$1"; }
  ok "the chain has the supervisor" chain_has "> supervisord ($server) > http.server"
  ok "supervisorctl is to stop it" test "$(stop_of 2013)" = \
    "supervisorctl -c $work/supervisor.conf stop web"
  ok "and frees the port" frees 2013
fi

# --- inherited ---

if has python3; then
  cat >"$work/leak.py" <<'END'
import os, socket, subprocess, sys, time
port, then = int(sys.argv[1]), sys.argv[2]
s = socket.socket()
s.bind(("127.0.0.1", port))
s.listen()
s.set_inheritable(True)
subprocess.Popen(["sleep", "99.%d" % port], close_fds=False)
if then == "end":
    os._exit(0)
if then == "close":
    s.close()
time.sleep(99)
END
  start 2019 python3 -W "ignore:$(printf '%01100d' 0)" "$work/leak.py" 2019 keep
  processes="$processes $(pgrep -n -f '^sleep 99.2019$')"
  why 127.0.0.1:2019
  ok "a program whose name stands far behind in its command line" first_line_has "leak.py \($server\) listens"
  heir() { pgrep -n -f "^sleep 99.$1\$"; }
  start 2020 python3 "$work/leak.py" 2020 end
  wait "$server"
  processes="$processes $(heir 2020)"
  why 127.0.0.1:2020
  ok "a leak" out_has "  leaked-listener: "
  ok "names the program that has it" first_line_has "sleep \($(heir 2020)\) inherited"
  ok "which is to be stopped" frees 2020
  start 2021 python3 "$work/leak.py" 2021 close
  # shellcheck disable=SC2015 # until the parent has closed it
  closed() { "$portreuse" why 127.0.0.1:2021 | grep -q leaked-listener; }
  until_ok closed
  processes="$processes $(heir 2021)"
  why 127.0.0.1:2021
  ok "a leak of a program that lives" out_has "  leaked-listener: "
  ok "is that of its child" test "$(stop_of 2021)" = "kill $(heir 2021)"
  ok "and the parent need not be stopped" out_has "need not be stopped"
  ok "as stopping the child shows" frees 2021
  ok "the parent still lives" kill -0 "$server"
  start 2022 python3 "$work/leak.py" 2022 keep
  processes="$processes $(heir 2022)"
  why 127.0.0.1:2022
  ok "a server beside its heir" out_has "  address-in-use: "
  ok "is named" first_line_has "leak.py \($server\) listens"
  ok "the heir too" out_matches "sleep \([0-9]+\) inherited the socket too"
fi

# --- each process counts once ---

if has python3; then
  # A server with so many listeners of its port, further descriptors for the last one, threads that
  # alone have it (in tables of their own), and children. With "flight" there is one more listener,
  # which no process has: it is in a message, so that all processes are looked at again and again.
  cat >"$work/many.py" <<'END'
import array, ctypes, os, socket, sys, threading, time
port, listeners, descriptors, threads, children = map(int, sys.argv[1:6])
CLONE_FILES = 0x400
def bound():
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    s.bind(("127.0.0.1", port))
    return s
if sys.argv[6:] == ["flight"]:
    message = socket.socketpair()
    s = bound()
    s.listen()
    rights = array.array("i", [s.fileno()])
    message[0].sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
    s.close()
sockets = [bound() for _ in range(listeners)]
s = sockets[-1]
for i in range(descriptors):
    os.dup2(s.fileno(), 100 * (i + 1))
for _ in range(children):
    if os.fork() == 0:
        time.sleep(99)
        os._exit(0)
begun = threading.Barrier(threads + 1)
def thread():
    ctypes.CDLL(None).unshare(CLONE_FILES)
    begun.wait()
    time.sleep(99)
for _ in range(threads):
    threading.Thread(target=thread, daemon=True).start()
for s in sockets:
    s.listen()
begun.wait()
if threads:
    s.close()
time.sleep(99)
END
  listens() { "$portreuse" why "127.0.0.1:$1" | grep -q "^  LISTEN"; }
  workers() {
    "$portreuse" why --format json "127.0.0.1:$1" | sed -n 's/.*"workers": \([0-9]*\).*/\1/p' | sort -u
  }
  # counts NAME WORKERS PORT LISTENERS DESCRIPTORS THREADS CHILDREN
  counts() {
    name=$1 expected=$2
    shift 2
    python3 "$work/many.py" "$@" >"$work/server" 2>&1 &
    server=$!
    processes="$processes $server"
    until_ok listens "$1"
    processes="$processes $(pgrep -P "$server" | tr '\n' ' ')"
    why "127.0.0.1:$1"
    ok "$name: $expected workers" test "$(workers "$1")" = "$expected"
    ok "$name: the server is named once" test "$(grep -c "^    pid $server," "$work/out")" = 1
  }
  counts "several descriptors" 0 2025 1 9 0 0
  counts "several threads have it" 0 2028 1 0 3 0
  counts "children with several descriptors" 100 2026 1 9 0 100
  counts "two listeners" 70 2027 2 0 0 70
  counts "beside a listener in a message" 70 2029 1 2 0 70 flight
fi

# --- what cannot be seen ---

if is_root && has python3 && has setpriv; then
  start 2030 python3 -m http.server 2030
  chmod 755 "$work"
  run as_user "$portreuse" why :2030
  ok "of another user: as whom it listens" first_line_has "a process of root listens"
  ok "and why it is not named" out_has "not found: processes of other users cannot be searched"
  hidden() {
    run unshare -m sh -c 'mount -t proc -o hidepid=2 proc /proc && exec setpriv --reuid=65534 \
      --regid=65534 --clear-groups "$@"' - "$portreuse" why :2030
  }
  hidden
  ok "hidepid: it is not held by no process" out_has "  address-in-use: "
  ok "and it is said that /proc hides processes" out_has "/proc hides the processes of other users"
  run unshare -m sh -c 'mount -t tmpfs none /proc && exec "$@"' - "$portreuse" why :2030
  ok "without /proc nothing is said about processes" out_has "no /proc"
else
  skip "what an ordinary user cannot see" "we are not root"
fi
finish
