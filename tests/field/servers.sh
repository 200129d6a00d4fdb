#!/bin/sh
# Real servers: who listens, as one server with its workers, and what stops it.
# shellcheck source=field/lib.sh
. "$(dirname "$0")/lib.sh"

nginx_conf() { # LISTEN...
  mkdir -p ngx
  {
    echo "worker_processes 2; pid $work/ngx/pid; error_log /dev/null; events {} http { access_log off; server {"
    for listen; do echo "listen $listen;"; done
    echo '} }'
  } >ngx/conf
}

row_nginx() {
  has nginx || return
  nginx_conf 8080
  up nginx -c "$work/ngx/conf"
  listening 8080
  until_ok test -s ngx/pid
  main=$(cat ngx/pid)
  sleep 0.2
  in_use :8080 "nginx \\($main\\) and 2 workers" nginx
  remedy "(sudo )?kill $main"
  no_remedy CLOEXEC
  others :8080
  ask '[::]:8080'
  first "EADDRINUSE .*: nginx \\($main\\) and 2 workers listen on 0\.0\.0\.0.*"
  remedy "(sudo )?kill $main"
  says IPV6_V6ONLY
  ask 127.0.0.1:8080
  first "EADDRINUSE .*: nginx \\($main\\) and 2 workers listen on 0\.0\.0\.0.*"
  cause wildcard-vs-specific
  # The master dies, its workers live.
  kill -KILL "$main"
  sleep 0.1
  ask :8080
  first "EADDRINUSE .*: 2 orphaned workers of nginx \\([0-9]+\\) listen.*"
  cause address-in-use
  remedy "(sudo )?kill [0-9]+ [0-9]+"
}

row_apache() {
  has apache2 || return
  mkdir -p apache
  modules=/usr/lib/apache2/modules
  cat >apache/conf <<C
ServerRoot $work/apache
ServerName here
PidFile $work/apache/pid
ErrorLog $work/apache/log
Listen 8080
LoadModule mpm_event_module $modules/mod_mpm_event.so
LoadModule authz_core_module $modules/mod_authz_core.so
StartServers 2
C
  up apache2 -d "$work/apache" -f "$work/apache/conf"
  listening 8080
  sleep 0.3
  main=$(cat apache/pid)
  # Apache listens on [::], dual stack; a second instance asks for that, too.
  in_use :8080 "apache2 \\($main\\) and [0-9]+ workers?" apache2
  remedy "(sudo )?kill $main"
  no_remedy 'IPV6_V6ONLY|CLOEXEC'
  others :8080
}

row_gunicorn() {
  has gunicorn || return
  echo 'def app(environ, start): pass' >app.py
  up gunicorn -w 3 -b 127.0.0.1:8080 app:app
  listening 8080
  sleep 1
  in_use 127.0.0.1:8080 "gunicorn \\($pid\\) and 3 workers" gunicorn
  remedy "(sudo )?kill $pid"
  ask :8080
  first "EADDRINUSE .*: gunicorn \\($pid\\) and 3 workers listen.*"
  cause wildcard-vs-specific
}

row_puma() {
  has puma || return
  echo 'run lambda { |e| [200, {}, []] }' >config.ru
  up puma -w 2 -b tcp://127.0.0.1:8080 config.ru
  listening 8080
  until_ok sh -c 'grep -q "Worker 1 (P" "$1"' - "$work/log"
  ask 127.0.0.1:8080
  first "EADDRINUSE .*: puma \\($pid\\) and 2 workers listen.*"
  cause address-in-use
  remedy "(sudo )?kill $pid"
}

row_php_fpm() {
  fpm=$(command -v php-fpm || command -v php-fpm8.2 || command -v php-fpm8.4 || echo php-fpm)
  has "$fpm" || return
  cat >fpm.conf <<C
[global]
error_log = $work/fpm.log
daemonize = no
[www]
listen = 127.0.0.1:9000
user = nobody
group = nogroup
pm = static
pm.max_children = 3
C
  up "$fpm" -F -y "$work/fpm.conf"
  listening 9000
  sleep 0.3
  in_use 127.0.0.1:9000 "php-fpm[0-9.]* \\($pid\\) and 3 workers" "$(cat "/proc/$pid/comm")"
  remedy "(sudo )?kill $pid"
}

# The worker alone has the socket; the master starts another one if that ends.
row_haproxy() {
  has haproxy || return
  printf 'defaults\n mode http\n timeout client 1s\n timeout server 1s\n timeout connect 1s\nfrontend f\n bind 127.0.0.1:8080\n' >haproxy.conf
  up haproxy -W -f haproxy.conf
  listening 8080
  sleep 0.3
  ask 127.0.0.1:8080
  first "EADDRINUSE .*: haproxy \\($pid\\) and 1 worker listen.*"
  remedy "(sudo )?kill $pid"
  # haproxy sets SO_REUSEPORT. To set it, too, would split its connections in silence: last, if at all.
  first_remedy '([^R]|R[^E])*'
  holds "$label: once, and last" test "$(json '.remedies | map(test("SO_REUSEPORT")) | [index(true), length - 1] | unique | length')" = 1
  ask --reuse-port 127.0.0.1:8080
  first "FREE 127\.0\.0\.1:8080, but shared with haproxy \\($pid\\) and 1 worker.*"
  says 'nothing, if both are instances of one server'
  remedy "(sudo )?kill $pid"
  exits 0
  others_share 127.0.0.1:8080
  kill "$pid"
  until_ok sh -c '! grep -q ":1F90 .* 0A " /proc/net/tcp'
  ask 127.0.0.1:8080
  exits 0
}

# Another user cannot share it.
others_share() {
  as_other true 2>/dev/null || return 0
  as=as_other
  ask --reuse-port "$1"
  as=
  first 'EADDRINUSE .*: a process of root listens.*'
  first_remedy 'sudo portreuse why --reuse-port .*'
}

row_nginx_reuseport() {
  has nginx || return
  nginx_conf '8080 reuseport'
  up nginx -c "$work/ngx/conf"
  listening 8080
  until_ok test -s ngx/pid
  main=$(cat ngx/pid)
  sleep 0.2
  ask :8080
  first "EADDRINUSE .*: nginx \\($main\\) and 2 workers listen.*"
  remedy "(sudo )?kill $main"
  holds "$label: one command" test "$(json '.remedies | map(select(startswith("kill"))) | length')" = 1
}

# More servers than the report shows: each address of the port has one.
many() { # COUNT
  cat >one.py <<'C'
import socket, sys, time
s = socket.create_server((sys.argv[1], 8080))
time.sleep(1000)
C
  i=0
  while [ "$i" -lt "$1" ]; do
    i=$((i + 1))
    "$python" -S -E one.py "127.0.0.$i" >log 2>&1 </dev/null &
  done
}
until_many() { test "$1" = "$(grep -c ':1F90 00000000:0000 0A' /proc/net/tcp)"; }
# Pastes what to do.
paste() {
  json '.remedies[]' | grep -v '^ *#' >remedies
  while read -r line; do
    sh -c "sudo() { \"\$@\"; }; $line" </dev/null >pasted 2>&1
  done <remedies
  sleep 0.1
}
row_many_servers() {
  many 12
  until_ok until_many 12
  ask :8080
  first 'EADDRINUSE 0\.0\.0\.0:8080: one\.py \([0-9]+\) and 11 other servers listen.*'
  paste
  ask :8080
  exits 0
}
# So many that not even all of the commands have room.
row_very_many_servers() {
  many 70
  until_ok until_many 70
  ask :8080
  first '(changed while looking; )?EADDRINUSE .* and 63 other servers listen.*'
  says '6 more sockets are in the way'
  paste
  ask :8080
  exits 1
  paste
  ask :8080
  exits 0
}

# Workers that have a socket each, of a master that is not known, and of none.
cluster='def work():
    s = server("127.0.0.1", 8080, REUSEPORT)
    time.sleep(1000)
children = []
for i in range(int(sys.argv[1])):
    child = os.fork()
    if child == 0: work()
    children.append(child)
open("children", "w").write(" ".join(map(str, children)))'
row_reuseport_cluster() {
  py "$cluster
time.sleep(0.3)
done()" 4
  made
  ask 127.0.0.1:8080
  first "EADDRINUSE .*: python[0-9.]* -c \\($pid\\) and 4 workers listen.*"
  remedy "(sudo )?kill $pid $(cat children)"
  ask --reuse-port 127.0.0.1:8080
  first 'FREE .*, but shared with python[0-9.]* -c .* and 4 workers.*'
}

# Processes that Python starts to run a function, with a socket each.
row_multiprocessing() {
  cat >pool.py <<'C'
import multiprocessing, socket, time
def serve():
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    s.bind(("127.0.0.1", 8080))
    s.listen(5)
    time.sleep(1000)
if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")
    for process in [multiprocessing.Process(target=serve) for i in range(3)]:
        process.start()
    time.sleep(1000)
C
  up "$python" pool.py
  until_ok sh -c 'test "$(grep -c ":1F90 00000000:0000 0A" /proc/net/tcp)" = 3'
  ask 127.0.0.1:8080
  first "EADDRINUSE .*: pool\.py \\($pid\\) and 3 workers listen.*"
  remedy "(sudo )?kill $pid [0-9]+ [0-9]+ [0-9]+"
}

# A development server that starts itself again: its child has the socket alone.
row_reloader() {
  cat >manage.py <<'C'
import os, socket, subprocess, sys, time
if os.environ.get("CHILD"):
    s = socket.create_server(("127.0.0.1", 8080))
    time.sleep(1000)
subprocess.run([sys.executable] + sys.argv, env=dict(os.environ, CHILD="1"))
C
  up "$python" manage.py runserver
  listening 8080
  ask 127.0.0.1:8080
  first "EADDRINUSE .*: manage\.py \\($pid\\) and 1 worker listen.*"
  remedy "(sudo )?kill $pid [0-9]+"
}

# A program that ignores SIGTERM, and the first process of a container.
row_ignores_term() {
  py 'signal.signal(signal.SIGTERM, signal.SIG_IGN)
s = server("127.0.0.1", 8080)
done()'
  made
  ask 127.0.0.1:8080
  remedy "(sudo )?kill -KILL $pid"
  says 'ignores SIGTERM'
}
row_first_process() {
  up unshare --pid --fork --kill-child "$python" -m http.server --bind 127.0.0.1 8080
  listening 8080
  ask 127.0.0.1:8080
  first 'EADDRINUSE .*: http\.server \([0-9]+\) listens.*'
  remedy '(sudo )?kill -KILL [0-9]+'
  says 'ignores SIGTERM'
}

# A binary upgrade: the old master has started a new one.
row_nginx_upgrade() {
  has nginx || return
  nginx_conf 8080
  up "$(command -v nginx)" -c "$work/ngx/conf"
  listening 8080
  until_ok test -s ngx/pid
  main=$(cat ngx/pid)
  sleep 0.2
  kill -USR2 "$main"
  until_ok test -s ngx/pid.oldbin -a -s ngx/pid
  until_ok sh -c '[ "$(cat ngx/pid)" != "$1" ]' - "$main"
  sleep 0.3
  ask :8080
  first "EADDRINUSE .*: nginx \\($main\\) and [0-9]+ workers listen.*"
  remedy "(sudo )?kill $main $(cat ngx/pid)"
}

row_redis() {
  has redis-server || return
  up redis-server --port 6379 --save ''
  listening 6379
  # Redis listens on 0.0.0.0 and [::].
  in_use :6379 "redis-server \\($pid\\)" redis-server
  remedy "(sudo )?kill $pid"
  in_use 6379 "redis-server \\($pid\\)" redis-server
  others :6379
}

row_node() {
  has node || return
  echo 'require("http").createServer().listen(3000)' >server.js
  up node server.js
  listening 3000
  ask :3000
  first "EADDRINUSE .*: (node|server\.js) \\($pid\\) listens.*"
  cause address-in-use
  remedy "(sudo )?kill $pid"
  no_remedy IPV6_V6ONLY
  ask :::3000
  first "EADDRINUSE .*: (node|server\.js) \\($pid\\) listens.*"
  others :3000
}

row_java() {
  has java || return
  cat >Main.java <<'C'
public class Main { public static void main(String[] a) throws Exception {
  new java.net.ServerSocket(8080); Thread.sleep(1000000); } }
C
  if command -v javac >/dev/null && javac Main.java 2>/dev/null; then
    up java -Xshare:auto -cp . Main
  else
    up java Main.java
  fi
  if ! await tcp 8080; then
    skip "$label" "java cannot run this"
    return
  fi
  ask :8080
  first "EADDRINUSE .*: (java|Main) \\($pid\\) listens.*"
  cause address-in-use
  remedy "(sudo )?kill $pid"
  no_remedy IPV6_V6ONLY
}

# Scripts have the name of the script.
script() { # NAME INTERPRETER WANT: the program is on standard input
  cat >"$1"
  has "$2" || return
  up "$2" "$1"
  listening 8080
  ask 127.0.0.1:8080
  first "EADDRINUSE .*: $3 \\($pid\\) listens.*"
  cause address-in-use
}
row_python_script() {
  script 'my app.py' "$python" 'my app\.py' <<'C'
import socket, time
s = socket.create_server(("127.0.0.1", 8080))
time.sleep(1000)
C
}
row_python_module() {
  up "$python" -m http.server --bind 127.0.0.1 8080
  listening 8080
  in_use 127.0.0.1:8080 "http\.server \\($pid\\)" http.server
}
row_perl_script() {
  script web.pl perl 'web\.pl' <<'C'
use IO::Socket::INET;
my $s = IO::Socket::INET->new(LocalAddr => "127.0.0.1:8080", Listen => 5) or die;
sleep 1000;
C
}
row_ruby_script() {
  script web.rb ruby 'web\.rb' <<'C'
require "socket"
s = TCPServer.new("127.0.0.1", 8080)
sleep 1000
C
}
row_php_script() {
  script web.php php 'web\.php' <<'C'
<?php $s = stream_socket_server("tcp://127.0.0.1:8080"); sleep(1000);
C
}
# A program changes its name to nothing, or to something that tries to write on the terminal.
row_no_name() {
  py 's = server("127.0.0.1", 8080)
open("/proc/self/comm", "w").write("")
done()'
  made
  ask 127.0.0.1:8080
  first "EADDRINUSE .*: [^ ]+.* \\($pid\\) listens.*"
}
row_hostile_name() {
  py 's = server("127.0.0.1", 8080)
open("/proc/self/comm", "wb").write(b"a\033[2J\n\xe2\x80\xaeb")
done()'
  made
  ask 127.0.0.1:8080
  holds "$label: nothing that a terminal obeys" sh -c '! LC_ALL=C grep -qE "$(printf "[\001-\011\013-\037]|\342\200\256")" "$1"' - "$work/out"
  exits 1
}

# One program binds the port twice itself: nobody has it when we look.
row_twice_itself() {
  has nginx || return
  nginx_conf 8080 '[::]:8080 ipv6only=off'
  nginx -c "$work/ngx/conf" 2>error
  holds "$label: nginx fails" grep -q 'Address already in use' error
  run sh -c '"$1" why - <"$2"' - "$portreuse" "$work/error"
  asked='why -'
  exits 0
  says 'portreuse trace -- PROGRAM'
}

rows
