#!/bin/sh
# Sockets and their owners are found: wherever the descriptor is, and while things change.
# shellcheck source=field/lib.sh
. "$(dirname "$0")/lib.sh"

unshare_files='libc = ctypes.CDLL(None)
def own_table(): # CLONE_FILES
    assert libc.unshare(0x400) == 0'

row_thread_with_own_table() {
  py "$unshare_files"'
def run():
    global s
    own_table()
    s = server("127.0.0.1", 8080)
    open("done", "w").close()
    time.sleep(1000)
threading.Thread(target=run).start()'
  made
  ask 127.0.0.1:8080
  first "EADDRINUSE .*: .*\\($pid\\) listens.*"
  cause address-in-use
}

row_leader_has_exited() {
  py 'def run():
    time.sleep(0.2)
    open("done", "w").close()
    time.sleep(1000)
s = server("127.0.0.1", 8080)
threading.Thread(target=run).start()
ctypes.CDLL(None).syscall(60 if os.uname().machine == "x86_64" else 93, 0) # exit() of the leader alone'
  made
  ask 127.0.0.1:8080
  first "EADDRINUSE .*: .*\\($pid\\) listens.*"
  cause address-in-use
  remedy "(sudo )?kill $pid"
}

# The socket is in no descriptor: an io_uring alone has it (IORING_REGISTER_FILES).
row_io_uring() {
  py 'libc = ctypes.CDLL(None, use_errno=True)
params = ctypes.create_string_buffer(120)
ring = libc.syscall(425, 4, params)
if ring < 0:
    open("none", "w").close()
    done()
s = server("127.0.0.1", 8080)
fds = (ctypes.c_int * 1)(s.fileno())
assert libc.syscall(427, ring, 2, fds, 1) == 0
s.close()
done()'
  made
  if [ -e none ]; then
    skip "$label" "this kernel has no io_uring"
    return
  fi
  ask 127.0.0.1:8080
  first "EADDRINUSE .*: .*\\($pid\\) listens.*"
  cause address-in-use
}

# A descriptor that waits in a Unix socket: no process has it, and that is what it says.
row_in_flight() {
  py 's = server("127.0.0.1", 8080)
a, b = socket.socketpair(socket.AF_UNIX)
a.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack("i", s.fileno()))])
s.close()
done()'
  made
  ask 127.0.0.1:8080
  first 'EADDRINUSE .*: (no process has|a process of root) .*'
  exits 1
}

# Handed over by fork, from process to process, while we look.
row_relay() {
  py 's = server("127.0.0.1", 8080)
open("done", "w").close()
while True:
    if os.fork() != 0:
        os._exit(0)
    os.setpgid(0, 0)
    time.sleep(0.001)'
  made
  wrong=0
  looks=0
  while [ "$looks" -lt 30 ]; do
    looks=$((looks + 1))
    "$portreuse" why --format json 127.0.0.1:8080 >one
    case $(jq -r .cause one) in
      address-in-use) ;;
      held-by-no-process) [ "$(jq -r '.sockets[0].processes_search' one)" = partial ] || wrong=$((wrong + 1)) ;;
      leaked-listener | *) wrong=$((wrong + 1)) ;;
    esac
  done
  asked="$looks looks"
  holds "$label: $asked: a wrong cause in none ($wrong)" test "$wrong" = 0
}

# A holder of many descriptors with several sockets in the way.
row_many_descriptors() {
  py 'import resource
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
n = min(hard, 18000) - 100
files = [os.open("/dev/null", os.O_RDONLY) for i in range(n)]
s = [server("127.0.0.%d" % i, 8080) for i in range(1, 6)]
done()'
  until_ok tcp 8080
  made
  ask :8080
  first "EADDRINUSE .*: .*\\($pid\\) listens.*"
  holds "$label: each socket has its owner" test "$(json '[.sockets[].server.pid] | unique | join(" ")')" = "$pid"
  holds "$label: all five" test "$(json '.sockets | length')" = 5
}

# More sockets in the way than are shown: each that is shown has its owner.
row_many_owners() {
  for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
    up "$python" -m http.server --bind "127.0.0.$i" 8080
  done
  until_ok sh -c '[ "$(grep -c ":1F90 .* 0A " /proc/net/tcp)" = 12 ]'
  ask :8080
  exits 1
  holds "$label: each has its owner" test "$(json '[.sockets[] | select(.server.program != "http.server")] | length')" = 0
  holds "$label: all that are shown are stopped by what it says" sh -c '
    for pid in $(jq -r ".sockets[].server.pid" "$1"); do
      jq -r ".remedies[]" "$1" | grep -qE "kill .*\b$pid\b" || exit 1
    done' - "$work/json"
}

row_mptcp() {
  py 's = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262)
s.bind(("127.0.0.1", 8080)); s.listen()
done()'
  if ! await sh -c '[ -e done ] || ! kill -0 "$1"' - "$pid" || ! tcp 8080; then
    skip "$label" "this kernel has no MPTCP"
    return
  fi
  ask 127.0.0.1:8080
  first "EADDRINUSE .*: .*\\($pid\\) listens.*"
  cause address-in-use
  remedy "(sudo )?kill $pid"
}

# The kernel itself listens: a port of the MPTCP path manager.
row_mptcp_endpoint() {
  if ! ip mptcp endpoint add 127.0.0.1 port 8080 signal 2>/dev/null || ! tcp 8080; then
    skip "$label" "no MPTCP endpoint with a port here"
    return
  fi
  ask 127.0.0.1:8080
  # In a process namespace of our own it cannot know that no process has it.
  first 'EADDRINUSE .*'
  exits 1
}

row_bound_idle() {
  py 's = socket.socket(); s.bind(("127.0.0.1", 8080))
done()'
  made
  ask 127.0.0.1:8080
  first "EADDRINUSE .*: .*\\($pid\\) .*bound.*idle.*"
  cause bound-but-idle
  remedy "(sudo )?kill $pid"
}

# A server that crashes in a loop.
row_crash_loop() {
  py 'open("done", "w").close()
while True:
    s = socket.socket(); s.bind(("127.0.0.1", 8080)); s.listen()
    time.sleep(0.0005); s.close(); time.sleep(0.0005)'
  made
  wrong=0
  looks=0
  while [ "$looks" -lt 30 ]; do
    looks=$((looks + 1))
    "$portreuse" why --format json 127.0.0.1:8080 >one
    jq -r '[.verdict, .cause, (.changed | tostring)] | join(" ")' one
    jq -r .summary one >>lines
  done >all
  sort all | uniq -c | sed 's/^/# /'
  asked="$looks looks"
  holds "$label: $asked: it is address-in-use, free, or changed while looking" sh -c \
    '! grep -vE "^free |refused address-in-use |refused bound-but-idle |true$" "$1"' - "$work/all"
  holds "$label: $asked: it says that the socket comes and goes" grep -qE 'changed while looking' lines
}

# Nothing that a look does refuses a server that is just starting: it binds with SO_REUSEADDR, as most do,
# while we look. Its descriptors are out of sight here. To read a link in /proc/PID/fd keeps the socket open
# for that moment, whoever does it: of 700000 such starts about 10 are refused beside `ss -tlnp` or
# `ls -l /proc/PID/fd` in a loop, and as many beside `why`.
row_starting() {
  rm -f stop
  py 'ctypes.CDLL(None).prctl(4, 0) # PR_SET_DUMPABLE: only CAP_SYS_PTRACE sees the descriptors
failed = n = 0
while not os.path.exists("stop"):
    s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, ADDR, 1)
    n += 1
    try: s.bind(("0.0.0.0", 8080)); s.listen()
    except OSError: failed += 1
    s.close()
open("failed", "w").write("%d of %d" % (failed, n))
done()'
  looks=0
  while [ "$looks" -lt "${LOOKS:-150}" ]; do
    looks=$((looks + 1))
    setpriv --bounding-set=-sys_ptrace "$portreuse" why -q :8080 >/dev/null
  done
  : >stop
  made
  echo "# $(cat failed) starts were refused"
  holds "$label: no start was refused" grep -q '^0 of' failed
}

# Why it is so. A trial has SO_REUSEADDR, and so shares the port with a socket that is about to listen. And
# where the links may not be read, the directory is not listed either, as that alone keeps each file open for a
# moment: 1 start in 4000 looks was refused.
row_starting_undisturbed() {
  has strace || return
  py 'ctypes.CDLL(None).prctl(4, 0)
s = server("0.0.0.0", 8080, ADDR)
done()'
  made
  strace -f -qq -o calls -e trace=openat,readlink,readlinkat,setsockopt,bind \
    setpriv --bounding-set=-sys_ptrace "$portreuse" why -q :8080 >one
  if [ ! -s calls ]; then
    skip "$label" "strace cannot trace here"
    return
  fi
  holds "$label: it is refused" grep -q '^EADDRINUSE .* listens' one
  holds "$label: the server is looked at" grep -q "\"/proc/$pid/" calls
  holds "$label: its descriptors are not" sh -c '! grep -E "\"/proc/$1/(task/[0-9]+/)?fd" calls' - "$pid"
  holds "$label: each trial has SO_REUSEADDR" test \
    "$(grep -c 'SO_REUSEADDR, \[1\]' calls)" = "$(grep -c ' bind(.*sin6*_port=htons(8080)' calls)"
}

# A process that nobody may look into: hidepid, for an ordinary user.
row_hidepid() {
  if ! as_other true 2>/dev/null; then
    skip "$label" "only root can ask as another user"
    return
  fi
  py 's = server("127.0.0.1", 8080)
done()'
  made
  mount -o remount,hidepid=2 /proc || return
  others 127.0.0.1:8080
  says 'hidepid'
}

# --- processes of one's own that may not be looked into ---

# unreadable HOW: a server of the other user whose descriptors that user may not read.
unreadable() {
  cat >own.py <<EOF
import ctypes, os, socket, time
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(('127.0.0.1', 8007))
s.listen(5)
$1
time.sleep(1000)
EOF
  chmod a+r own.py
}
other="setpriv --reuid=$other_uid --regid=$other_uid --clear-groups"
become_other="os.setgroups([]); os.setgid($other_uid); os.setuid($other_uid)"

# shellcheck disable=SC2086 # $other is several words
row_own_process_not_dumpable() {
  as_other true 2>/dev/null || { skip "$label" "only root can ask as another user" && return; }
  unreadable 'ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)'
  up $other "$python" "$work/own.py"
  listening 8007 || return
  as=as_other
  ask 127.0.0.1:8007
  first "EADDRINUSE 127.0.0.1:8007: most likely own.py \($pid\) listens.*"
  says "a process of your own cannot be searched"
  lacks "processes of other users"
  first_remedy "sudo portreuse why 127.0.0.1:8007"
  remedy "# or, if process $pid has it, as is most likely: kill $pid"
  holds "$label: JSON names it" test "$(json '.sockets[0].own_process.pid')" = "$pid"
  # A second one of them: either can have it.
  up $other "$python" -c 'import ctypes, time
ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)
open("ready", "w").close()
time.sleep(1000)'
  until_ok test -e ready
  ask 127.0.0.1:8007
  first "EADDRINUSE 127.0.0.1:8007: a process of your own listens.*"
  says "some processes of your own cannot be searched"
  no_remedy 'kill'
  as=
  ask 127.0.0.1:8007
  first "EADDRINUSE 127.0.0.1:8007: own.py .*"
  asked="server 8007"
  run as_other "$portreuse" server 8007
  says "LISTEN 127.0.0.1:8007; its owner: a process of your own"
}

row_own_process_that_was_root() {
  as_other true 2>/dev/null || { skip "$label" "only root can ask as another user" && return; }
  unreadable "$become_other"
  up "$python" "$work/own.py"
  listening 8007 || return
  until_ok sh -c "[ \$(stat -c %u /proc/$pid) = $other_uid ]"
  as=as_other
  ask 127.0.0.1:8007
  first "EADDRINUSE 127.0.0.1:8007: a process of root or your own listens.*"
  says "if root started it, it can be yours: pid $pid"
  as="setpriv --reuid=12346 --regid=12346 --clear-groups"
  ask 127.0.0.1:8007
  first "EADDRINUSE 127.0.0.1:8007: a process of root listens.*"
  lacks "it can be yours"
  as=
}

rows
