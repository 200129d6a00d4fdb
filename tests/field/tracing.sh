#!/bin/sh
# portreuse trace with real programs: each call that fails is told once, with the right cause, and the
# program does as without trace.
# shellcheck source=field/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=shown.sh
. "$here/../shown.sh"

# traced NAME COMMAND...: runs it, with the report in the file json; standard input is empty.
traced() {
  label=$1
  shift
  run timeout 60 "$portreuse" trace --output "$work/json:json" --output "$work/text:text" -- "$@"
}
# told FILTER WANT: what the filter makes of each failed TCP or UDP call, on a line each.
told() {
  jq -r "[.calls[] | select(.error and .protocol != \"Unix\") | $1] | join(\" \")" json >got
  ok "$label: $1 is '$2'" [ "$(cat got)" = "$2" ]
}
# shows FILE COMMAND: what it has printed is what the document shows for this command.
shows() {
  block "$1" "$2"
  ok "$1: $2" as_told err
}
found() {
  ok "$label: finds $1" jq -e ".findings[] | select(.finding == \"$1\")" json
}

row_nginx() {
  has nginx || return
  mkdir -p ngx
  cat >ngx/conf <<END
worker_processes 2; daemon off; pid $work/ngx/pid; error_log stderr;
events {} http { access_log off; server { listen 80; listen [::]:80 ipv6only=off; } }
END
  traced nginx nginx -c "$work/ngx/conf"
  ok "nginx ends as without trace" status_is 1
  told .call bind
  told .address '[::]:80'
  told .cause bound-twice
  told .times 5
  told .program nginx
  shows README.md "portreuse trace -- nginx"
  sed -i "s,$work/ngx/conf,/etc/nginx/nginx.conf," err
  shows docs/trace.md "portreuse trace -- nginx -c /etc/nginx/nginx.conf"
}

# The same with a daemon that works: it is stopped by a signal to trace, and its workers end too.
row_nginx_stops() {
  has nginx curl || return
  label="nginx with workers"
  mkdir -p ngx
  cat >ngx/conf <<END
worker_processes 2; daemon off; pid $work/ngx/pid; error_log stderr;
events {} http { access_log off; server { listen 80; location / { return 200 hello; } } }
END
  "$portreuse" trace --output json:json -- nginx -c "$work/ngx/conf" >out 2>err &
  tracer=$!
  until_ok curl -s -o /dev/null http://127.0.0.1/
  ok "$label: it serves" [ "$(curl -s http://127.0.0.1/)" = hello ]
  kill -TERM "$tracer"
  rc=0
  wait "$tracer" || rc=$?
  ok "$label: SIGTERM for trace ends it" status_is 0
  told .call ""
}

row_node() {
  has node || return
  cat >srv.js <<'END'
const http = require('http');
http.createServer(() => {}).listen(8099, () => {
  const second = http.createServer();
  second.on('error', e => { console.log(e.code, e.address, e.port); process.exit(3); });
  second.listen(8099, '127.0.0.1');
});
END
  traced node node srv.js
  ok "node ends as without trace" status_is 3
  ok "its output is its own" out_has "EADDRINUSE 127.0.0.1 8099"
  told .address 127.0.0.1:8099
  told .cause bound-twice
  told .program srv.js
}

row_node_cluster() {
  has node || return
  cat >cluster.js <<'END'
const cluster = require('cluster'), http = require('http');
if (cluster.isPrimary) {
  http.createServer(() => {}).listen(8098, () => {
    for (let i = 0; i < 3; i++) cluster.fork();
    let ended = 0;
    cluster.on('exit', () => { if (++ended === 3) process.exit(0); });
  });
} else {
  const server = http.createServer();
  server.on('error', e => process.exit(4));
  server.listen(8098);
}
END
  traced "node cluster" node cluster.js
  ok "$label ends as without trace" status_is 0
  told '.cause' bound-twice
  told '.error' EADDRINUSE
}

row_gunicorn() {
  has gunicorn || return
  cat >app.py <<'END'
def app(environ, start):
    start("200 OK", [])
    return [b"hello"]
END
  up gunicorn -b 127.0.0.1:8000 -w 2 app:app
  listening 8000
  traced gunicorn gunicorn -b 127.0.0.1:8000 -w 2 app:app
  ok "gunicorn ends as without trace" status_is 1
  told .address 127.0.0.1:8000
  told .cause address-in-use
  ok "it tries again, which is counted" jq -e '.calls[] | select(.error) | .times >= 5' json
  ok "the server with its workers is named" grep -q 'gunicorn ([0-9]*) and 2 workers listen' text
}

row_python_time_wait() {
  cat >server.py <<'END'
import socket
s = socket.socket()
s.bind(("127.0.0.1", 8083))
s.listen()
c = socket.create_connection(("127.0.0.1", 8083))
a, _ = s.accept()
a.close()
c.close()
s.close()
t = socket.socket()
try:
    t.bind(("127.0.0.1", 8083))
except OSError as e:
    print(e.errno)
END
  traced python "$python" server.py
  ok "its output is its own" out_has 98
  told .cause time-wait-old-without-reuse
  ok "what the program did not set is told" sh -c \
    'tr -s " \n" " " <text | grep -q "EADDRINUSE; TIME-WAIT, [0-9]* s left; this program did not set SO_REUSEADDR"'
  found no-reuseaddr
  shows docs/trace.md "portreuse trace -- python3 server.py"
}

row_npm() {
  has node npm || return
  echo '{"name": "own", "version": "1.0.0", "scripts": {"test": "node server.test.js"}}' >package.json
  echo 'const s = require("http").createServer().listen(40123, "0.0.0.0", () => s.close());' >server.test.js
  HOME=$work traced "npm test" npm test
  ok "$label ends as without trace" status_is 0
  shows docs/trace.md "portreuse trace --output trace.xml -- npm test"
}

# getaddrinfo() connects UDP sockets to sort the addresses, which fails where there is no route.
row_getaddrinfo() {
  printf '192.0.2.1 two.test\n2001:db8::1 two.test\n198.51.100.7 two.test\n' >hosts
  mount --bind hosts /etc/hosts || return
  cat >client.py <<'END'
import socket
try:
    socket.create_connection(("two.test", 443))
except OSError as e:
    print(e.errno)
END
  traced getaddrinfo "$python" client.py
  ok "its output is its own" out_has 101
  told .protocol "TCP TCP TCP"
  told .cause "no-route no-route no-route"
  traced getent getent ahosts two.test
  told .protocol ""
  has curl || return
  traced curl curl -s -m 5 https://two.test/
  told '.protocol + .address' "TCP[2001:db8::1]:443 TCP192.0.2.1:443 TCP198.51.100.7:443"
}

row_threads() {
  cat >threads.py <<'END'
import socket, threading
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("127.0.0.1", 81))
s.listen()
failed = []
def work():
    t = socket.socket()
    try:
        t.bind(("127.0.0.1", 81))
    except OSError as e:
        failed.append(e.errno)
threads = [threading.Thread(target=work) for i in range(50)]
for t in threads: t.start()
for t in threads: t.join()
print(len(failed))
END
  traced threads "$python" threads.py
  ok "all 50 threads fail" out_has 50
  told .cause bound-twice
  told .times 50
}

row_shell() {
  cat >chain.sh <<'END'
$1 tcp4 bind=80 tcp4 bind=80 | cat
(exec $1 tcp4 bind=81 tcp4 bind=81) &
wait
exec $1 tcp4 bind=82 tcp4 bind=82 exit=9
END
  traced "a chain of shells" sh -c '. ./chain.sh' sh "$field_helpers/caller"
  ok "$label ends as without trace" status_is 9
  told .address "127.0.0.1:80 127.0.0.1:81 127.0.0.1:82"
  told .times "1 1 1"
}

row_make() {
  has make || return
  {
    printf 'all:'
    i=0
    while [ "$i" -lt 100 ]; do
      printf ' t%s' "$i"
      i=$((i + 1))
    done
    printf '\nt%%:\n\t@%s tcp4 reuseaddr bind=%s tcp4 bind=%s >/dev/null\n' "$field_helpers/caller" \
      '$$((1000 + $*))' '$$((1000 + $*))'
  } >Makefile
  traced "make with 100 children" make -j 8 all
  ok "$label ends as without trace" status_is 0
  ok "$label: each of them is told" [ "$(jq '[.calls[] | select(.error) | .times] | add' json)" = 100 ]
  ok "$label: all with this cause" [ "$(jq -r '[.calls[] | select(.error) | .cause] | unique[]' json)" = bound-twice ]
}

row_spawn() {
  cat >spawn.py <<'END'
import os, socket, subprocess, sys
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("127.0.0.1", 83))
s.listen()
code = "import socket; t = socket.socket(); t.bind(('127.0.0.1', 83))"
pid = os.posix_spawn(sys.executable, [sys.executable, "-c", code], os.environ)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
print(subprocess.run([sys.executable, "-c", code], stderr=subprocess.DEVNULL).returncode)
END
  traced posix_spawn "$python" spawn.py
  ok "both children fail" [ "$(tr '\n' ' ' <out)" = "1 1 " ]
  told .cause address-in-use
  told .times 2
}

row_java() {
  has java || return
  cat >Twice.java <<'END'
import java.net.*;
public class Twice {
    public static void main(String[] a) throws Exception {
        ServerSocket first = new ServerSocket(8070);
        try {
            new ServerSocket(8070);
        } catch (BindException e) {
            System.out.println(e.getMessage());
            System.exit(5);
        }
    }
}
END
  traced java java Twice.java
  ok "java ends as without trace" status_is 5
  told .cause bound-twice
}

row_redis() {
  has redis-server || return
  up redis-server --port 6399
  listening 6399
  traced redis redis-server --port 6399
  ok "redis ends as without trace" status_is 1
  told .cause address-in-use
}

row_haproxy() {
  has haproxy || return
  cat >ha.cfg <<END
defaults
  mode http
  timeout client 1s
  timeout server 1s
  timeout connect 1s
frontend a
  bind 127.0.0.1:8060
frontend b
  bind 127.0.0.1:8060
END
  nc=$(timeout 5 haproxy -f ha.cfg >/dev/null 2>&1; echo $?)
  traced haproxy timeout 5 haproxy -f ha.cfg
  ok "haproxy ends as without trace" status_is "$nc"
}

# A program that conflicts half of the time: every failure is told, none is invented.
row_thousand() {
  cat >half.sh <<'END'
i=0
while [ $i -lt 500 ]; do
  $1 tcp4 reuseaddr bind=84 tcp4 bind=84
  $1 tcp4 reuseaddr bind=84 tcp4 bind=85
  i=$((i + 1))
done
END
  run timeout 300 "$portreuse" trace --output "$work/json:json" -- sh half.sh "$field_helpers/caller"
  label="1000 programs"
  told .times 500
  told .address 127.0.0.1:84
  ok "the programs saw the same" [ "$(grep -c 'bind 98' out)" = 500 ]
}

# A debugger and another tracer.
row_refused() {
  has strace || return
  label=refused
  run strace -f -o /dev/null "$portreuse" trace -- true
  ok "a program that strace has: not traced" status_is 2
  ok "and why" err_says "a debugger or tracer, has it"
}

rows
