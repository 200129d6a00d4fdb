#!/bin/sh
# Servers that nobody chose for this project: each listens, is asked about as root and as an ordinary
# user, and what the answer advises is pasted: the port is free then, and the same program on another
# port still serves.
# shellcheck disable=SC2034 # lib.sh reads it
field_lacks=skip_kernel
# shellcheck source=field/lib.sh
. "$(dirname "$0")/lib.sh"

if [ -z "${FIELD_ROW:-}" ] && ! is_root; then
  skip daemons "most of these servers change their user: only root can start them"
  finish
fi

# alone COMMAND...: in a session of its own: lighttpd ends its whole process group.
alone() { up setsid "$@"; }

# cured ADDRESS: pastes every kill of the last answer, and asks again.
cured() {
  json '.remedies[]' | grep -E '^(sudo )?kill ' | sed 's/^sudo //' >pasted.sh
  ok "$label: $1: a command frees it" test -s pasted.sh
  sh pasted.sh >pasted.out 2>&1 </dev/null
  ok "$label: $1: $(tr '\n' ';' <pasted.sh) frees it" await freed "$1"
}
freed() { "$portreuse" why -q "$1"; }

# tried ADDRESS WHO PROGRAM: what every row does. WHO is a pattern.
tried() {
  in_use "$1" "$2" "$3"
  no_remedy CLOEXEC
  others "$1" "${4:-root}"
  ask "$1"
  cured "$1"
}

row_lighttpd() {
  has lighttpd || return
  mkdir -p www
  for port in 8080 8081; do
    printf 'server.document-root = "%s/www"\nserver.port = %s\nserver.bind = "0.0.0.0"\nserver.max-worker = %s\n' \
      "$work" "$port" "$((port == 8080 ? 2 : 0))" >"l$port.conf"
    alone lighttpd -D -f "l$port.conf"
    [ "$port" = 8080 ] && main=$pid
  done
  listening 8080
  listening 8081
  sleep 0.3
  tried :8080 "lighttpd \\($main\\) and 2 workers" lighttpd
  ok "$label: the other one serves" tcp 8081
}

row_memcached() {
  has memcached || return
  alone memcached -u nobody -l 127.0.0.1 -p 11212
  alone memcached -u nobody -l 127.0.0.1 -p 11211 -U 11211
  listening 11211
  listening 11212
  tried 127.0.0.1:11211 "memcached \\($pid\\)" memcached nobody
  ok "$label: the other one serves" tcp 11212
}
row_memcached_udp() {
  has memcached || return
  alone memcached -u nobody -l 127.0.0.1 -p 0 -U 11211
  until_ok udp 11211
  ask 127.0.0.1:11211/udp
  first "EADDRINUSE .*: memcached \\($pid\\) has .*"
  cured 127.0.0.1:11211/udp
}
row_memcached_unix() {
  has memcached || return
  alone memcached -u nobody -s "$work/m.sock"
  until_ok test -S m.sock
  ask "$work/m.sock"
  first "EADDRINUSE .*: memcached \\($pid\\) has the socket.*"
}
row_mosquitto() {
  has mosquitto || return
  printf 'listener 1883 127.0.0.1\nallow_anonymous true\nuser root\n' >mo.conf
  alone mosquitto -c mo.conf
  listening 1883
  tried 127.0.0.1:1883 "mosquitto \\($pid\\)" mosquitto
}
row_tinyproxy() {
  has tinyproxy || return
  printf 'Port 8888\nListen 127.0.0.1\nMaxClients 10\n' >tp.conf
  alone tinyproxy -d -c tp.conf
  listening 8888
  sleep 0.3
  tried 127.0.0.1:8888 "tinyproxy \\($pid\\).*" tinyproxy
}
row_dropbear() {
  has dropbear || return
  alone dropbear -F -R -E -p 127.0.0.1:2222 -r "$work/hk"
  dropbearkey -t ed25519 -f hk >/dev/null 2>&1
  listening 2222
  tried 127.0.0.1:2222 "dropbear \\($pid\\)" dropbear
}
row_sshd() {
  has /usr/sbin/sshd ssh-keygen || return
  ssh-keygen -q -t ed25519 -N '' -f hostkey
  mkdir -p /run/sshd
  alone /usr/sbin/sshd -D -f /dev/null -h "$work/hostkey" -p 2222 -o ListenAddress=127.0.0.1
  listening 2222
  # A session that is going on: a child of the server.
  py 's = socket.create_connection(("127.0.0.1", 2222)); s.recv(100)
done()'
  made
  main=$(pgrep -o -x sshd)
  tried 127.0.0.1:2222 "sshd \\($main\\)" sshd
}
row_vsftpd() {
  has vsftpd || return
  mkdir -p /run/vsftpd/empty
  printf 'listen=YES\nlisten_port=2121\nlisten_address=127.0.0.1\nbackground=NO\n' >ftp.conf
  chown root ftp.conf
  alone vsftpd "$work/ftp.conf"
  listening 2121
  tried 127.0.0.1:2121 "vsftpd \\($pid\\)" vsftpd
}
# The second service is given its listener: a server of its own, which inetd waits for.
row_inetd() {
  has inetd || return
  echo '127.0.0.1:7777 stream tcp nowait root /bin/cat cat' >inetd.conf
  echo "127.0.0.1:7778 stream tcp wait root $python python3 $work/waiting.py" >>inetd.conf
  echo 'import time; time.sleep(1000)' >waiting.py
  alone inetd -i "$work/inetd.conf"
  listening 7777
  listening 7778
  main=$pid
  py 'a, b = (socket.create_connection(("127.0.0.1", port)) for port in (7777, 7778))
done()'
  made
  until_ok pgrep -f waiting.py
  in_use 127.0.0.1:7777 "inetd \\($main\\)" inetd
  remedy "(sudo )?kill $main"
  in_use 127.0.0.1:7778 "inetd \\($main\\) and 1 worker" inetd
  remedy "(sudo )?kill $main $(pgrep -f waiting.py)"
  cured 127.0.0.1:7778
}
row_iperf3() {
  has iperf3 || return
  alone iperf3 -s -p 5202
  alone iperf3 -s -p 5201
  listening 5201
  listening 5202
  tried :5201 "iperf3 \\($pid\\)" iperf3
  ok "$label: the other one serves" tcp 5202
}
row_epmd() {
  has epmd || return
  alone epmd -port 4369
  listening 4369
  tried :4369 "epmd \\($pid\\)" epmd
}
row_stunnel() {
  has stunnel4 openssl || return
  openssl req -x509 -newkey rsa:2048 -nodes -keyout k.pem -out c.pem -subj /CN=x -days 2 >/dev/null 2>&1
  printf 'foreground=yes\npid=\n[web]\naccept=127.0.0.1:8443\nconnect=127.0.0.1:80\ncert=%s/c.pem\nkey=%s/k.pem\n' "$work" "$work" >st.conf
  alone stunnel4 st.conf
  listening 8443
  tried 127.0.0.1:8443 "stunnel4? \\($pid\\)" "$(cat "/proc/$pid/comm")"
}
row_ncat() {
  has ncat || return
  alone ncat -l -k 127.0.0.1 4444
  listening 4444
  tried 127.0.0.1:4444 "ncat \\($pid\\)" ncat
}
row_socat_fork() {
  has socat || return
  alone socat TCP-LISTEN:4445,bind=127.0.0.1,fork,reuseaddr EXEC:/bin/cat
  listening 4445
  py 'a = [socket.create_connection(("127.0.0.1", 4445)) for i in range(3)]
for s in a: s.send(b"x"); s.recv(1)
done()'
  made
  main=$(pgrep -o -x socat)
  in_use 127.0.0.1:4445 "socat \\($main\\).*" socat
  ask 127.0.0.1:4445
  cured 127.0.0.1:4445
}
row_varnish() {
  has varnishd || return
  alone varnishd -F -a 127.0.0.1:6081 -T 127.0.0.1:6082 -b 127.0.0.1:80 -n "$work/vn" -s malloc,8m
  listening 6081
  sleep 0.5
  tried 127.0.0.1:6081 "varnishd \\($pid\\) and 1 worker" varnishd
}
row_squid() {
  has squid || return
  mkdir -p sq
  chmod 777 sq
  printf 'http_port 127.0.0.1:3128\npid_filename %s/sq/pid\ncache_log %s/sq/log\naccess_log none\ncoredump_dir %s/sq\nhttp_access allow all\npinger_enable off\n' "$work" "$work" "$work" >sq.conf
  alone squid --foreground -f sq.conf
  listening 3128
  sleep 0.5
  tried 127.0.0.1:3128 "squid \\($pid\\) and 1 worker" squid '(root|proxy)'
}
row_unbound() {
  has unbound || return
  printf 'server:\n interface: 127.0.0.1@5353\n do-daemonize: no\n username: ""\n chroot: ""\n pidfile: ""\n use-syslog: no\n num-threads: 4\nremote-control:\n control-enable: no\n' >ub.conf
  alone unbound -d -c "$work/ub.conf"
  listening 5353
  ask 127.0.0.1:5353/udp
  first "EADDRINUSE .*: unbound \\($pid\\) has .*"
  says "On TCP, unbound (pid $pid) has 127.0.0.1:5353."
  holds "$label: and says it once" test "$(grep -c 'On TCP' "$work/out")" = 1
  cured 127.0.0.1:5353/udp
}
row_named() {
  has named || return
  mkdir -p bind
  printf 'options { directory "%s/bind"; pid-file none; listen-on port 5353 { 127.0.0.1; }; listen-on-v6 { none; }; session-keyfile none; };\ncontrols { };\n' "$work" >named.conf
  alone named -g -c "$work/named.conf"
  listening 5353
  ask 127.0.0.1:5353/udp
  first "EADDRINUSE .*: named \\($pid\\) has .*"
  says "On TCP, named (pid $pid) has 127.0.0.1:5353."
  holds "$label: and says it once" test "$(grep -c 'On TCP' "$work/out")" = 1
  cured 127.0.0.1:5353/udp
}
row_uwsgi() {
  has uwsgi-core || return
  alone uwsgi-core --http-socket 127.0.0.1:9090 --master --processes 3
  listening 9090
  sleep 0.5
  tried 127.0.0.1:9090 "uwsgi[-a-z]* \\($pid\\) and 3 workers" "$(cat "/proc/$pid/comm")"
}
row_uwsgi_http() {
  has uwsgi-core || return
  if [ ! -e /usr/lib/uwsgi/plugins/http_plugin.so ]; then
    skip "$label" "the http plugin of uwsgi is not installed"
    return
  fi
  alone uwsgi-core --plugin http --http 127.0.0.1:9090 --master --processes 2
  listening 9090
  sleep 0.5
  ask 127.0.0.1:9090
  first "EADDRINUSE .*: uwsgi-core \\($pid\\) and 1 worker listen"
  remedy "(sudo )?kill -INT $pid"
  cured 127.0.0.1:9090
}
row_rpcbind() {
  has rpcbind || return
  alone rpcbind -f -w
  listening 111
  ask :111/udp
  first "EADDRINUSE .*: rpcbind \\($pid\\) has .*"
  in_use :111 "rpcbind \\($pid\\)" rpcbind
  cured :111
}
row_mariadb() {
  has mariadbd || return
  mkdir -p db
  chown -R mysql db
  export TMPDIR="$work/db"
  mariadb-install-db --no-defaults --datadir="$work/db" --user=mysql --skip-test-db --auth-root-authentication-method=normal >/dev/null 2>&1
  alone mariadbd --no-defaults --datadir="$work/db" --user=mysql --tmpdir="$work/db" --port=3306 --bind-address=127.0.0.1 --socket="$work/my.sock" --pid-file="$work/db/pid"
  listening 3306
  ask "$work/my.sock"
  first "EADDRINUSE .*: mariadbd \\($pid\\) has the socket"
  tried 127.0.0.1:3306 "mariadbd \\($pid\\)" mariadbd mysql
}
row_postgres() {
  pg=$(find /usr/lib/postgresql -mindepth 2 -maxdepth 2 -name bin 2>/dev/null | tail -n 1)
  has "$pg/postgres" || return
  mkdir -p pg
  chown nobody pg
  setpriv --reuid=nobody --regid=nogroup --clear-groups "$pg/initdb" -A trust -D "$work/pg/d" >/dev/null 2>&1
  alone setpriv --reuid=nobody --regid=nogroup --clear-groups "$pg/postgres" -D "$work/pg/d" -p 5433 -h 127.0.0.1 -k "$work/pg"
  listening 5433
  sleep 1
  ask "$work/pg/.s.PGSQL.5433"
  tried 127.0.0.1:5433 "postgres \\($pid\\).*" postgres nobody
}
row_daphne() {
  has daphne || return
  printf 'async def app(scope, receive, send): pass\n' >asgi.py
  alone env PYTHONPATH=. daphne -b 127.0.0.1 -p 8000 asgi:app
  listening 8000
  tried 127.0.0.1:8000 "daphne \\($pid\\)" daphne
}
row_screen() {
  has screen || return
  export SCREENDIR="$work/scr"
  mkdir -m 700 scr
  screen -dmS web "$python" -m http.server --bind 127.0.0.1 8080
  listening 8080
  ask 127.0.0.1:8080
  first "EADDRINUSE .*: http\.server \\([0-9]+\\) listens.*"
  cured 127.0.0.1:8080
}
row_tmux() {
  has tmux || return
  TMUX_TMPDIR=$work tmux new-session -d "$python -m http.server --bind 127.0.0.1 8080"
  listening 8080
  ask 127.0.0.1:8080
  first "EADDRINUSE .*: http\.server \\([0-9]+\\) listens.*"
  cured 127.0.0.1:8080
}
row_sudo() {
  has sudo || return
  alone sudo -n "$python" -m http.server --bind 127.0.0.1 8080
  listening 8080
  ask 127.0.0.1:8080
  first "EADDRINUSE .*: http\.server \\([0-9]+\\) listens.*"
  cured 127.0.0.1:8080
}
# kept PROGRAM COMMAND: a supervisor runs the service sv/web; COMMAND stops it, and for good.
kept() {
  mkdir -p sv/web
  printf '#!/bin/sh\nexec %s -m http.server --bind 127.0.0.1 8080\n' "$python" >sv/web/run
  chmod +x sv/web/run
  alone "$1" "$work/sv/web"
  listening 8080
  ask 127.0.0.1:8080
  stops_for_good "$2 $work/sv/web" 1.5
}
# stops_for_good COMMAND SECONDS: it is what the answer advises, and nothing listens after this time.
stops_for_good() {
  remedy "(sudo )?$1"
  no_remedy '^(sudo )?kill [0-9]+$'
  json '.remedies[]' | sed 's/^sudo //' | grep -xF "$1" | sh >pasted.out 2>&1
  ok "$label: $1 frees it" await freed 127.0.0.1:8080
  sleep "$2"
  ok "$label: for good" freed 127.0.0.1:8080
}
row_real_runit() { ! has runsv sv || kept runsv 'sv stop'; }
row_real_s6() { ! has s6-supervise || kept s6-supervise 's6-svc -d'; }
row_real_daemontools() { ! has supervise svc || kept supervise 'svc -d'; }

row_real_monit() {
  has monit || return
  printf '#!/bin/sh\ncd %s; %s -m http.server --bind 127.0.0.1 8080 >/dev/null 2>&1 & echo $! >%s/web.pid\n' "$work" "$python" "$work" >start
  printf '#!/bin/sh\nkill $(cat %s/web.pid)\n' "$work" >stop
  chmod +x start stop
  printf 'set daemon 1\nset httpd unixsocket %s/monit.sock\n allow root:x\nset pidfile %s/mo.pid\nset statefile %s/mo.state\nset idfile %s/mo.id\ncheck process web with pidfile %s/web.pid\n start program = "%s/start"\n stop program = "%s/stop"\n' "$work" "$work" "$work" "$work" "$work" "$work" "$work" >monitrc
  chmod 600 monitrc
  alone monit -I -c "$work/monitrc"
  listening 8080
  ask 127.0.0.1:8080
  until_ok test -S monit.sock
  stops_for_good "monit -c $work/monitrc stop web" 2.5
}
row_node_cluster() {
  has node || return
  echo 'const c=require("cluster");if(c.isPrimary){for(let i=0;i<3;i++)c.fork()}else require("http").createServer().listen(3000)' >cl.js
  alone node cl.js
  listening 3000
  sleep 0.5
  ask :3000
  first "EADDRINUSE .*: cl\.js \\($pid\\).*listens?.*"
  cured :3000
}
row_nginx_stream() {
  has nginx || return
  [ -e /usr/lib/nginx/modules/ngx_stream_module.so ] && mod="load_module /usr/lib/nginx/modules/ngx_stream_module.so;"
  [ -n "${mod:-}" ] || nginx -V 2>&1 | grep -Eq -- '--with-stream( |$)' || return # it has no `stream`
  echo "${mod:-} daemon off; worker_processes 2; pid $work/np; error_log /dev/null; events {} stream { server { listen 127.0.0.1:5300 udp; proxy_pass 127.0.0.1:53; } server { listen 127.0.0.1:5300; proxy_pass 127.0.0.1:53; } }" >st.conf
  alone nginx -c "$work/st.conf"
  listening 5300
  sleep 0.3
  ask 127.0.0.1:5300/udp
  tried 127.0.0.1:5300 "nginx \\($pid\\) and 2 workers" nginx
}
row_postfix() {
  has postfix || return
  mkdir -p pf/spool pf/data
  chown postfix pf/data
  cp -r /etc/postfix pf/etc 2>/dev/null
  printf 'compatibility_level=3.6\nqueue_directory=%s/pf/spool\ndata_directory=%s/pf/data\ncommand_directory=/usr/sbin\ndaemon_directory=/usr/lib/postfix/sbin\ninet_interfaces=127.0.0.1\nmynetworks=127.0.0.0/8\nmaillog_file=/dev/stdout\n' "$work" "$work" >pf/etc/main.cf
  sed -i '/^smtp  *inet/d' pf/etc/master.cf
  printf '127.0.0.1:2525 inet n - n - - smtpd\n' >>pf/etc/master.cf
  alone postfix -c "$work/pf/etc" start-fg
  listening 2525
  py 's = socket.create_connection(("127.0.0.1", 2525)); s.recv(100)
done()'
  made
  ask 127.0.0.1:2525
  main=$(pgrep -o -x master)
  first "EADDRINUSE .*: master \\($main\\).*listen.*"
  cured 127.0.0.1:2525
}
row_dovecot() {
  has dovecot || return
  printf 'base_dir=%s/dc\nstate_dir=%s/dc\nprotocols=imap\nssl=no\nlisten=127.0.0.1\nlog_path=/dev/stderr\ndefault_internal_user=nobody\ndefault_login_user=nobody\ndefault_internal_group=nogroup\nservice imap-login {\n inet_listener imap {\n port=1143\n }\n process_min_avail=2\n chroot=\n}\n' "$work" "$work" >dc.conf
  alone dovecot -F -c "$work/dc.conf"
  listening 1143
  sleep 0.5
  ask 127.0.0.1:1143
  first "EADDRINUSE .*: dovecot \\($pid\\).*listen.*"
  cured 127.0.0.1:1143
}

rows
