#!/bin/sh
# What people type and paste.
# shellcheck source=field/lib.sh
. "$(dirname "$0")/lib.sh"

# A server on all addresses, for what is typed.
row_typed() {
  printf '127.0.0.1 localhost\n::1 localhost ip6-localhost\n127.0.0.1 web.test\n' >hosts
  mount --bind hosts /etc/hosts || return
  py 's = server("::", 8080); t = server("0.0.0.0", 80); u = server("0.0.0.0", 3000)
done()'
  made
  while read -r typed; do
    asked=$typed
    run "$portreuse" why "$typed"
    first "EADDRINUSE .*\\($pid\\) listens.*"
    exits 1
    case $typed in
    unix:* | @* | -*) ;;
    *)
      run "$portreuse" "$typed"
      asked="(without why) $typed"
      first "EADDRINUSE .*\\($pid\\) listens.*"
      ;;
    esac
  done <<'C'
8080
:8080
localhost:8080
localhost:http
:http
8080/tcp
tcp/8080
tcp://127.0.0.1:8080
tcp:8080
http://localhost:8080/index.html?a=b
http://localhost/
https://127.0.0.1:8080
http://127.0.0.1:3000/#top
ws://localhost:3000/socket
:::8080
*:3000
0.0.0.0:80
[::1]:8080
[::]:8080
web.test:8080
127.0.0.1:8080
redis://localhost:3000/0
port 8080
*.8080
127.0.0.1.8080
127.0.0.1 8080
localhost 8080
* 8080
0.0.0.0 port 8080
tcp 8080
8080:80
0.0.0.0:8080->80/tcp
TCP-LISTEN:8080,fork
localhost:8080/index.html
'localhost:8080',
LISTEN 0 4096 0.0.0.0:8080 0.0.0.0:* users:(("java",pid=4711,fd=12))
tcp 0 0 0.0.0.0:8080 0.0.0.0:* LISTEN 1033/python
tcp4 0 0 *.8080 *.* LISTEN
bind(3, {sa_family=AF_INET, sin_port=htons(8080), sin_addr=inet_addr("127.0.0.1")}, 16) = -1 EADDRINUSE (Address already in use)
C
  for words in "localhost 8080" "127.0.0.1 8080" "port 8080" "tcp 8080" "0.0.0.0 port 8080"; do
    asked="$words, in several words"
    # shellcheck disable=SC2086
    run "$portreuse" why $words
    first "EADDRINUSE .*\\($pid\\) listens.*"
    # shellcheck disable=SC2086
    run "$portreuse" $words
    first "EADDRINUSE .*\\($pid\\) listens.*"
  done
}

# Both families of localhost: ::1 is in use, 127.0.0.1 is not.
row_localhost() {
  py 's = server("::1", 8080)
done()'
  made
  ask localhost:8080
  first "EADDRINUSE .*\[::1\]:8080.*\\($pid\\) listens.*"
}

row_nonsense() {
  for typed in nonsense '' 99999 :99999 127.0.0.1: 300.1.1.1:80 'http://' 'no-such-name.invalid:80' ':no-such-service'; do
    asked="'$typed'"
    run "$portreuse" why "$typed"
    exits 2
    part=${typed#:}
    holds "$label: $asked: the error names it" grep -qF -e "${part%:80}" "$work/err"
    holds "$label: $asked: in one or two lines" test "$(wc -l <"$work/err")" -le 3
  done
}

row_users() {
  if ! is_root || ! as_other true 2>/dev/null; then
    skip "$label" "only root can ask for another user"
    return
  fi
  ask --uid nobody :80
  first 'EACCES .*'
}

# pasted PORT: the error is on standard input, in the file `error`, and also an argument.
pasted() {
  asked="$label, on standard input"
  run sh -c '"$1" why - <"$2"' - "$portreuse" "$work/error"
  first "EADDRINUSE .*[^0-9]$1(/tcp)?: .*\\($pid\\) .*listen.*"
  exits 1
  [ "$rc" = 1 ] || sed 's/^/# pasted: /' "$work/error"
  line=$(grep -m 1 -iE 'in use|EADDRINUSE|\(98\)|BindException|AddrInUse' "$work/error")
  asked="$label, pasted: $line"
  run "$portreuse" why "$line"
  first "EADDRINUSE .*[^0-9]$1(/tcp)?: .*\\($pid\\) .*listen.*"
}

# A server has port 8080 on all addresses, and the real programs complain.
occupied() {
  py 's = server("::", 8080)
done()'
  made
}
row_error_of_nginx() {
  has nginx || return
  occupied
  mkdir -p ngx
  echo "pid $work/ngx/pid; error_log stderr; events {} http { access_log off; server { listen 8080; } }" >ngx/conf
  timeout 5 nginx -c "$work/ngx/conf" >error 2>&1
  pasted 8080
}
row_error_of_apache() {
  has apache2 || return
  occupied
  modules=/usr/lib/apache2/modules
  printf 'ServerRoot %s\nPidFile %s/a.pid\nErrorLog /dev/null\nListen 8080\nLoadModule mpm_event_module %s/mod_mpm_event.so\n' \
    "$work" "$work" "$modules" >apache.conf
  printf 'LoadModule authz_core_module %s/mod_authz_core.so\n' "$modules" >>apache.conf
  timeout 5 apache2 -X -d "$work" -f "$work/apache.conf" >error 2>&1
  pasted 8080
}
row_error_of_gunicorn() {
  has gunicorn || return
  occupied
  echo 'def app(environ, start): pass' >app.py
  timeout 4 gunicorn -b 0.0.0.0:8080 app:app >error 2>&1
  pasted 8080
}
row_error_of_puma() {
  has puma || return
  occupied
  echo 'run lambda { |e| [200, {}, []] }' >config.ru
  timeout 5 puma -b tcp://0.0.0.0:8080 config.ru >error 2>&1
  pasted 8080
}
row_error_of_php_fpm() {
  fpm=$(command -v php-fpm || command -v php-fpm8.2 || command -v php-fpm8.4 || echo php-fpm)
  has "$fpm" || return
  occupied
  printf '[global]\nerror_log = /dev/stderr\n[w]\nlisten = 127.0.0.1:8080\nuser = nobody\npm = static\npm.max_children = 1\n' >fpm.conf
  timeout 5 "$fpm" -F -y "$work/fpm.conf" >error 2>&1
  pasted 8080
}
row_error_of_php() {
  has php || return
  occupied
  timeout 5 php -S 127.0.0.1:8080 >error 2>&1
  pasted 8080
}
row_error_of_haproxy() {
  has haproxy || return
  occupied
  printf 'defaults\n mode http\n timeout client 1s\n timeout server 1s\n timeout connect 1s\nfrontend f\n bind 127.0.0.1:8080\n' >haproxy.conf
  timeout 5 haproxy -f haproxy.conf >error 2>&1
  pasted 8080
}
row_error_of_redis() {
  has redis-server || return
  occupied
  timeout 5 redis-server --port 8080 --save '' >error 2>&1
  pasted 8080
}
row_error_of_node() {
  has node || return
  occupied
  timeout 5 node -e 'require("http").createServer().listen(8080)' >error 2>&1
  pasted 8080
}
row_error_of_java() {
  has java || return
  occupied
  cat >Main.java <<'C'
public class Main { public static void main(String[] a) throws Exception {
  java.nio.channels.ServerSocketChannel.open().bind(new java.net.InetSocketAddress(8080)); } }
C
  timeout 20 java Main.java >error 2>&1
  if ! grep -qE ':8080|8080' error; then
    # Java names no port: it says so, and asks for one.
    asked='the error of Java'
    run sh -c '"$1" why - <"$2"' - "$portreuse" "$work/error"
    exits 2
    holds "$label: it says that the port is missing" grep -qi port "$work/err"
    return
  fi
  pasted 8080
}
row_error_of_perl() {
  has perl || return
  occupied
  timeout 5 perl -MIO::Socket::INET -e 'IO::Socket::INET->new(LocalAddr => "127.0.0.1:8080", Listen => 1) or die "127.0.0.1:8080: $!\n"' >error 2>&1
  pasted 8080
}
row_error_of_ruby() {
  has ruby || return
  occupied
  printf 'require "socket"\nTCPServer.new("127.0.0.1", 8080)\n' >server.rb
  timeout 5 ruby server.rb >error 2>&1
  pasted 8080
}
row_error_of_python() {
  occupied
  timeout 5 "$python" -c 'import asyncio
async def main(): await asyncio.start_server(lambda r, w: None, "127.0.0.1", 8080)
asyncio.run(main())' >error 2>&1
  pasted 8080
}
row_error_of_socat() {
  has socat || return
  occupied
  timeout 5 socat TCP-LISTEN:8080 - >error 2>&1
  asked='the error of socat'
  run sh -c '"$1" why - <"$2"' - "$portreuse" "$work/error"
  # socat prints `bind(5, {AF=2 0.0.0.0:8080}, 16): Address already in use`.
  first "EADDRINUSE .*8080.*\\($pid\\) .*listen.*"
}
row_error_of_dnsmasq() {
  has dnsmasq || return
  py 's = server("127.0.0.1", 8080)
t = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); t.bind(("127.0.0.1", 8080))
done()'
  made
  timeout 5 dnsmasq --keep-in-foreground --conf-file=/dev/null --user=root --group=root --pid-file --no-resolv \
    --listen-address=127.0.0.1 --bind-interfaces --port=8080 >error 2>&1
  # dnsmasq names the address alone: "failed to create listening socket for 127.0.0.1: Address already in use".
  asked='the error of dnsmasq'
  run sh -c '"$1" why - <"$2"' - "$portreuse" "$work/error"
  exits 2
  holds "$label: it says that the port is missing" grep -qi port "$work/err"
}

# Errors without a port: it says so.
row_error_without_port() {
  while read -r line; do
    asked=$line
    run "$portreuse" why "$line"
    exits 2
    holds "$label: $asked: it says that the port is missing" grep -qi port "$work/err"
  done <<'C'
bind: Address already in use
OSError: [Errno 98] Address already in use
Error: That port is already in use.
java.net.BindException: Address already in use
Can't start server: Bind on TCP/IP port: Address already in use
C
}

# Lines of programs that need not be installed.
row_error_lines() {
  occupied
  while read -r line; do
    echo "$line" >error
    asked=$line
    run "$portreuse" why "$line"
    first "EADDRINUSE .*[^0-9]8080(/tcp)?: .*\\($pid\\) .*listen.*"
  done <<'C'
listen tcp :8080: bind: address already in use
2026/11/26 10:00:00 listen tcp 127.0.0.1:8080: bind: address already in use
2026/11/26 10:00:00 main.go:12: listen tcp4 0.0.0.0:8080: bind: address already in use
listen tcp [::1]:8080: bind: address already in use
panic: listen tcp :8080: bind: address already in use
level=fatal msg="failed to start" err="listen tcp 0.0.0.0:8080: bind: address already in use"
{"level":"fatal","ts":1732600000.1,"msg":"server","error":"listen tcp :8080: bind: address already in use"}
Error: listen EADDRINUSE: address already in use :::8080
Error: listen EADDRINUSE: address already in use 127.0.0.1:8080
docker: Error response from daemon: driver failed programming external connectivity on endpoint web (0123): Error starting userland proxy: listen tcp4 0.0.0.0:8080: bind: address already in use.
Bind for 0.0.0.0:8080 failed: port is already allocated
Error: Os { code: 98, kind: AddrInUse, message: "Address already in use" }: 127.0.0.1:8080
thread 'main' panicked at src/main.rs:4:46: cannot bind 127.0.0.1:8080: Os { code: 98, kind: AddrInUse, message: "Address already in use" }
error: [Errno 98] error while attempting to bind on address ('127.0.0.1', 8080): address already in use
ERROR:    [Errno 98] error while attempting to bind on address ('0.0.0.0', 8080): [errno 98] address already in use
OSError: [Errno 98] Address already in use: ('', 8080)
Address already in use - bind(2) for "127.0.0.1" port 8080 (Errno::EADDRINUSE)
Failed to listen on 127.0.0.1:8080 (reason: Address already in use)
Web server failed to start. Port 8080 was already in use.
Caused by: java.net.BindException: Address already in use: bind 0.0.0.0/0.0.0.0:8080
org.eclipse.jetty.io: Failed to bind to 0.0.0.0/0.0.0.0:8080
nginx: [emerg] bind() to 0.0.0.0:8080 failed (98: Address already in use)
nginx: [emerg] bind() to [::]:8080 failed (98: Address already in use)
(98)Address already in use: AH00072: make_sock: could not bind to address [::]:8080
[ALERT] 330/100000 (7) : Starting frontend f: cannot bind socket (Address already in use) [0.0.0.0:8080]
Warning: Could not create server TCP listening socket *:8080: bind: Address already in use
error: Bind to port 8080 on 0.0.0.0 failed: Address already in use.
LOG:  could not bind IPv4 address "127.0.0.1": Address already in use HINT: Is another postmaster already running on port 8080?
memcached: bind(): Address already in use, port 8080
bind: Address already in use (port 8080)
Do you already have another mysqld server running on port: 8080 ?
System.IO.IOException: Failed to bind to address http://127.0.0.1:8080: address already in use.
Nov 26 10:00:00 host caddy[123]: Error: loading initial config: http: listen tcp :8080: bind: address already in use
caddy: listening on :8080: listen tcp :8080: bind: address already in use
envoy: cannot bind '0.0.0.0:8080': Address already in use
[::]:8080: bind failed: EADDRINUSE
Port 8080 is in use by another program. Either identify and stop that program, or start the server with a different port.
Something is already running on port 8080.
socat[123] E bind(5, {AF=2 0.0.0.0:8080}, 16): Address already in use
kubectl: Unable to listen on port 8080: Listeners failed to create with the following errors: [unable to create listener: Error listen tcp4 127.0.0.1:8080: bind: address already in use]
bind [127.0.0.1]:8080: Address already in use
channel_setup_fwd_listener_tcpip: cannot listen to port: 8080
rclone: ERROR : Failed to start HTTP server: listen tcp 127.0.0.1:8080: bind: address already in use
C
}

# A whole log on standard input: the line with the error counts, not the first with a port.
row_log() {
  occupied
  cat >error <<'C'
10:00:00 INFO  connecting to postgres at 10.0.0.5:5432
10:00:00 INFO  metrics on :9090
10:00:01 ERROR server: listen tcp 0.0.0.0:8080: bind: address already in use
10:00:01 INFO  shutting down in 5000 ms
C
  pasted 8080
}

# Much else before it, of all kinds; other endings of lines; no end of the last line.
row_long_log() {
  occupied
  i=0
  while [ "$i" -lt 300 ]; do
    i=$((i + 1))
    printf '10:00:%02d INFO  GET http://192.0.2.1:8443/x 200 12ms (cache.go:88, pid 4711)\n' $((i % 60))
    printf '\033[32mconnected\033[0m to 10.0.0.5:5432 after %d ms \377\001\n' "$i"
  done >noise
  error='listen tcp 0.0.0.0:8080: bind: address already in use'
  { cat noise && printf '%s' "$error"; } >error
  pasted 8080
  { sed 's/$/\r/' noise && printf '%s\r\n' "$error" && sed 's/$/\r/' noise; } >error
  pasted 8080
  { cat noise && head -c 3000 /dev/urandom && printf '\n%s\n' "$error"; } >error
  asked='after binary data'
  run sh -c '"$1" why - <"$2"' - "$portreuse" "$work/error"
  first "EADDRINUSE .*8080.*\\($pid\\) .*listen.*"
  { cat noise && echo 'bind: Address already in use'; } >error
  asked='no address beside the error'
  run sh -c '"$1" why - <"$2"' - "$portreuse" "$work/error"
  exits 2
  holds "$label: $asked: it says that the port is missing" grep -qi port "$work/err"
}

# The text does not say that it is about UDP.
row_udp_unsaid() {
  py 't = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); t.bind(("127.0.0.1", 8080))
done()'
  made
  asked='could not bind to 127.0.0.1:8080: Address already in use'
  run "$portreuse" why "$asked"
  first "EADDRINUSE 127.0.0.1:8080/udp: .*\\($pid\\).*"
  exits 1
  asked='listen tcp 127.0.0.1:8080: bind: Address already in use'
  run "$portreuse" why "$asked"
  first "FREE .*"
}

rows
