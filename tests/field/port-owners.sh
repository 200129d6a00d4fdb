#!/bin/sh
# Whose connections use up the local ports: by process, by user and control group, and who leaves ports
# in TIME-WAIT.
# shellcheck source=field/lib.sh
. "$(dirname "$0")/lib.sh"

range() { sysctl -qw net.ipv4.ip_local_port_range="$1" 2>/dev/null; }

# budget ARGUMENT...: asks, in JSON and in text.
budget() {
  asked="budget $*"
  run $as "$portreuse" budget --format json "$@"
  cp "$work/out" "$work/json"
  run $as "$portreuse" budget "$@"
  [ -z "${FIELD_SHOW:-}" ] || sed "s/^/#   | /" "$work/out"
}
# is FILTER VALUE
is() { holds "$label: $asked: $1 is $2" test "$(json "$1")" = "$2"; }

# The server at port 9000, which accepts and then closes nothing (or everything: `closes`).
serve="l = server('127.0.0.1', 9000, ADDR, backlog=4000)
import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
def accepting(closes):
    held = []
    while True:
        a = l.accept()[0]
        if closes: a.close()
        else: held.append(a)
def connect(): return socket.create_connection(('127.0.0.1', 9000))
def serving(closes):
    child = os.fork()
    if child == 0: accepting(closes)
    l.close()
    return child"

# More connections than the descriptors that any process has low; two children share them, and a third
# program has inherited them.
row_exact() {
  range "40000 41999"
  py "$serve
serving(False)
mine = [connect() for i in range(900)]
for s in mine: s.set_inheritable(True)
if os.fork() == 0: time.sleep(1000)
subprocess.Popen(['sleep', '1000'], close_fds=False)
if os.fork() == 0:
    for s in mine: s.close()
    theirs = [connect() for i in range(600)]
    done()
time.sleep(1000)"
  made || return
  budget 127.0.0.1:9000
  is '.destinations[0].states.ESTABLISHED' 1500
  is '[.destinations[0].owners[].sockets] | add' 1500
  is '.destinations[0].owners | length' 1
  is '.destinations[0].owners[0].pid' "$pid"
  is '.destinations[0].owners[0].workers' 1
  is '.destinations[0].owners[0].estimated' false
  is '.destinations[0].sockets_not_found' 0
}

# The peer has closed them, the program has not: to restart it gives the ports back.
row_close_wait_leak() {
  range "40000 40099"
  py "$serve
serving(True)
mine = []
try:
    while True: mine.append(connect())
except OSError: done()"
  made || return
  until_ok sh -c 'test "$(ss -Htn state close-wait | wc -l)" = 100'
  budget 127.0.0.1:9000
  is '.destinations[0].cause' close-wait-leak
  is '.destinations[0].owners[0].pid' "$pid"
  is '.destinations[0].owners[0].close_wait' 100
  is '.destinations[0].left' 0
  says "has not: it must call close() when recv() returns 0"
  command=$(json '.remedies[] | select(startswith("kill "))')
  holds "$label: a command stops it" test "$command" = "kill $pid"
  sh -c "$command"
  wait "$pid"
  budget 127.0.0.1:9000
  is '.destinations[0].left' 100
}

# They were closed here, and the server does not close them.
row_fin_wait_2_orphan() {
  range "40000 40099"
  py "$serve
child = serving(False)
open('server', 'w').write(str(child))
try:
    while True: connect().close()
except OSError: done()"
  made || return
  until_ok sh -c 'test "$(ss -Htn state fin-wait-2 | wc -l)" = 100'
  budget 127.0.0.1:9000
  is '.destinations[0].cause' fin-wait-2-orphan
  is '.destinations[0].sockets_of_no_process' 100
  says "($(cat server)) has the other end"
  says "tcp_fin_timeout lets each keep its port for up to 60 s"
}

empty() { ! grep -q . "$1"; }

# Processes that may not be looked into are told by user and control group, with the number.
row_other_user() {
  if [ "$(wc -l </proc/self/uid_map)" != 1 ] || ! as_other true 2>/dev/null; then
    skip "$label: asked by another user" "only root can ask as another user"
    return
  fi
  range "40000 40099"
  py "$serve
open('server', 'w').write(str(serving(False)))
while not os.path.exists('go'): time.sleep(.01)
mine = [connect() for i in range(30)]
done()"
  in_group=
  cgroup system.slice/shop.service "$pid" && [ "$(basename "$cgroup_root")" != systemd ] && in_group=yes
  : >go
  made || return
  as=as_other
  budget 127.0.0.1:9000
  is '.destinations[0].owners | length' 0
  is '.destinations[0].sockets_not_found' 30
  is '.destinations[0].not_found[0].uid' 0
  is '.destinations[0].not_found[0].sockets' 30
  says "could not be searched. As root"
  [ -z "$in_group" ] || is '.destinations[0].not_found[0].unit' shop.service
  as=
  budget 127.0.0.1:9000
  is '.destinations[0].owners[0].sockets' 30
  lacks "could not be searched"
  kill -KILL "$pid" "$(cat server)"
  [ -z "$in_group" ] || until_ok empty "$cgroup_root/portreuse-test/system.slice/shop.service/cgroup.procs"
  leave_groups
}

# So many sockets that one datagram of sock_diag cannot list them, and a look that ends before the last.
row_many_in_time_wait() {
  range "40000 41999"
  py "$serve
if os.fork() == 0:
    while True:
        a = l.accept()[0]
        a.recv(1)
        a.close()
for i in range(1000): connect().close()
l2 = server('127.0.0.1', 9001, ADDR, backlog=4000)
mine = [socket.create_connection(('127.0.0.1', 9001)) for i in range(900)]
time.sleep(1.3)
done()"
  made || return
  for _ in 1 2 3; do
    budget 127.0.0.1:9000
    is '.failure' null
    is '.destinations[0].sockets_not_found' 0
  done
}

# Each connection is open for some 200 ms, then its client closes it: asked by root, by the same user and
# by another one.
row_time_wait_makers() {
  range "40000 49999"
  py "$serve
def echo():
    while True:
        a = l.accept()[0]
        threading.Thread(target=lambda: (a.recv(1), a.close())).start()
threading.Thread(target=echo, daemon=True).start()
if os.fork() == 0:
    l.close()
    open('maker', 'w').write(str(os.getpid()))
    done_once = False
    while True:
        some = [connect() for i in range(5)]
        time.sleep(.2)
        for s in some: s.close()
        if not done_once: open('done', 'w').close(); done_once = True
time.sleep(1000)"
  made || return
  # On a busy machine a look can come too late for a process: then the user is told.
  turns=0
  until budget --interval 1s 127.0.0.1:9000 && named "$(cat maker)" || [ "$turns" = 8 ]; do
    turns=$((turns + 1))
  done
  holds "$label: $asked: the maker is named" named "$(cat maker)"
  is '.time_wait.attributed == ([.time_wait.makers[].closed] | add)' true
  is '.time_wait.attributed <= .time_wait.closed' true
  says "went to TIME-WAIT:"
  if [ "$(wc -l </proc/self/uid_map)" = 1 ] && as_other true 2>/dev/null; then
    as=as_other
    budget --interval 1s 127.0.0.1:9000
    is '[.time_wait.makers[].pid] | unique == [null]' true
    is '[.time_wait.makers[].uid] | unique == [0]' true
    is '.time_wait.attributed > 0' true
    as=
  fi
}
named() { test "$(json ".time_wait.makers[] | select(.pid == $1) | .closed > 0")" = true; }

rows
