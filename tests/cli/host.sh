#!/bin/sh
# portreuse trace --host: every call of the host that fails is told once, with its cause, and nothing
# is left on the host however the watch ends. Other programs of this machine may fail meanwhile: the
# tests look at their own calls alone.
# shellcheck source=lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=private.sh
. "$here/../private.sh"
# shellcheck source=shown.sh
. "$here/../shown.sh"

export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0"
# A name that no other program of this machine has.
caller=$work/hc$$
cp "$helpers/caller" "$caller"
chmod 755 "$caller"
name=$(basename "$caller")

# --- what is refused ---

refuses() { # NAME TEXT OPTION...
  about=$1
  text=$2
  shift 2
  run timeout 20 "$portreuse" trace "$@"
  ok "$about is refused" status_is 2
  ok "$about: it says why" err_says "$text"
}
refuses "--host with a program" "--host watches every program: leave out the program" --host -- true
refuses "--host with --pid" "--host watches every process: leave out --pid" --host --pid 1
refuses "--host with -v" "--host does not see the calls that succeed" --host -v
refuses "--host with --net" "--net=private is for a program that is started" --host --net=private
refuses "--format without --host" "standard output is the program's" --format json -- true
refuses "--interval without --host" "--interval is for --host" --interval 3 -- true
refuses "--interval 0" "a time is expected" --host --interval 0

run as_user timeout 20 "$portreuse" trace --host
ok "an ordinary user is refused" status_is 2
ok "an ordinary user is told what to do" err_says "needs root: use sudo; portreuse trace -- PROGRAM needs none of that"

if ! is_root; then
  skip "what is seen of the host" "needs root"
  finish
fi
run timeout -s INT 2 "$portreuse" trace --host
if [ "$rc" = 2 ]; then
  skip_kernel "what is seen of the host" "$(cat "$work/err")"
  finish
fi
if command -v unshare >/dev/null; then
  run unshare -p -f --mount-proc timeout -s INT 5 "$portreuse" trace --host
  ok "in another pid namespace it is refused" status_is 2
  ok "and why is said" err_says "this is not the pid namespace of the host"
fi
# narrow: no line of the refusal is wider than a terminal.
narrow() { ! grep -qE '.{81}' "$work/err"; }
# kernel_refuses NAME TEXT COMMAND...: in these surroundings it is refused, with these words.
kernel_refuses() {
  about=$1
  text=$2
  shift 2
  run timeout -s INT 20 "$@" "$portreuse" trace --host
  ok "$about: refused" status_is 2
  ok "$about: it says why, and what to do instead" err_says "$text; portreuse trace -- PROGRAM needs none of that"
  ok "$about: in lines that fit" narrow
}
container="most likely to a container: it needs CAP_SYS_ADMIN and CAP_SYS_PTRACE, and the pid namespace of the host (docker run --privileged --pid=host)"
kernel_refuses "bpf() is refused" "$container" "$helpers/refuse" bpf
kernel_refuses "no bpf()" "this kernel has no bpf(2), which watching the host needs" "$helpers/refuse" no-bpf
kernel_refuses "an old kernel" "watching the host needs Linux 5.8, with CONFIG_BPF_EVENTS" "$helpers/refuse" old-bpf
if setpriv --bounding-set=-sys_admin true 2>/dev/null; then
  kernel_refuses "root without CAP_SYS_ADMIN" "$container" setpriv --bounding-set=-sys_admin --inh-caps=-all
fi
if unshare -m sh -c 'mount -t tmpfs none /sys/kernel/btf' 2>/dev/null; then
  # shellcheck disable=SC2016 # the inner shell expands it
  kernel_refuses "no types" "this kernel does not describe its types (/sys/kernel/btf/vmlinux, CONFIG_DEBUG_INFO_BTF), which watching the host needs" \
    unshare -m sh -c 'mount -t tmpfs none /sys/kernel/btf && exec "$@"' -
fi
if unshare -m mount -t tmpfs none /sys/kernel/security 2>/dev/null; then
  # shellcheck disable=SC2016
  kernel_refuses "lockdown" "the kernel is locked down (lockdown=confidentiality), which forbids watching the host" \
    "$helpers/refuse" bpf unshare -m sh -c 'mount -t tmpfs none /sys/kernel/security &&
      echo "none integrity [confidentiality]" >/sys/kernel/security/lockdown && exec "$@"' -
fi
jq=$(command -v jq) || {
  skip "what is seen of the host" "jq is not installed"
  finish
}

# --- watching ---

# watch OPTION...: begins to watch; $watcher is its process.
watch() {
  : >"$work/err"
  rm -f "$work/json"
  "$portreuse" trace --host --output "$work/json:json" "$@" >"$work/out" 2>"$work/err" &
  watcher=$!
  until_ok err_has "watching this host"
}
# unwatch: ends it; its status is in $rc.
unwatch() {
  kill -TERM $watcher
  rc=0
  wait $watcher || rc=$?
}
# said TEXT: the watcher says that, sooner or later.
said() { ok "$1 is told" await err_says "$1"; }
# valid: the document, and each line of standard output, are as the schema says.
schema_python=
for candidate in python3 /usr/bin/python3; do
  if "$candidate" -c 'import jsonschema' 2>/dev/null; then
    schema_python=$candidate
    break
  fi
done
valid() {
  [ -n "$schema_python" ] || return 0
  ok "$about: the JSON is as docs/trace.schema.json says" "$schema_python" -c 'import json, sys, jsonschema
schema = json.load(open(sys.argv[1]))
jsonschema.validate(json.load(open(sys.argv[2])), schema)
row = dict(schema["properties"]["calls"]["items"])
for line in open(sys.argv[3]):
    if line.startswith("{") and json.loads(line)["event"] == "call":
        jsonschema.validate(json.loads(line), row)' "$here/../../docs/trace.schema.json" "$work/json" "$work/out"
}
# calls FILTER WANT: what the filter makes of each of our failed calls, joined by blanks.
calls() {
  got=$("$jq" -r --arg name "$name" "[.calls[] | select(.program == \$name) | $1] | join(\" \")" \
    "$work/json")
  ok "$about: $1 is $2" [ "$got" = "$2" ]
}

about="one port of two servers"
"$caller" tcp4 reuseaddr bind=80 listen pause >"$work/server" &
server=$!
until_ok grep -q listen "$work/server"
watch
"$caller" tcp4 bind=80 pause >/dev/null &
loser=$!
said "bind(127.0.0.1:80): EADDRINUSE; $name ($server) listens"
kill $loser
wait $loser 2>/dev/null
ok "it is said how long afterwards it was looked" err_says "ms afterwards"
ok "it is said what to do" err_has "kill $server"
unwatch
ok "$about: it ends well" status_is 0
calls .call bind
calls .address 127.0.0.1:80
calls .error EADDRINUSE
calls .cause address-in-use
calls .protocol TCP
calls .pid $loser
calls .conflict true
calls .times 1
calls .options.reuseaddr false
calls '.looked_after_ms | type' number
calls .process_ended false
calls '.sockets[0].state' LISTEN
calls '.sockets[0].processes[0].pid' $server
valid
ok "$about: the document is about the host" "$jq" -e '.host and .lost == 0' "$work/json"

about="a program that is gone at once"
watch
"$caller" tcp4 bind=80 >/dev/null
said "bind(127.0.0.1:80): EADDRINUSE"
unwatch
calls .address 127.0.0.1:80
calls .cause address-in-use
kill $server
wait $server 2>/dev/null

# What it had open goes with it; that one of its own sockets was in the way was seen at the call.
about="a program that binds twice, and is gone at once"
watch --only EADDRINUSE --only bind
for _ in 1 2 3 4 5; do
  "$caller" tcp4 bind=88 tcp4 bind=88 >/dev/null
  "$caller" tcp4 reuseaddr bind=89 listen tcp6 reuseaddr bind=any:89 >/dev/null
  "$caller" udp4 bind=90 tcp4 bind=90 udp6 bind=any:90 >/dev/null
  "$caller" tcp4 reuseaddr bind=91 tcp4 reuseaddr bind=91 listen tcp4 reuseaddr bind=91 >/dev/null
done
"$caller" tcp4 bind=92 tcp4 bind=92 >/dev/null
said "bind(127.0.0.1:92): EADDRINUSE"
unwatch
ok "$about: each call is counted once" [ "$("$jq" --arg name "$name" \
  '[.calls[] | select(.program == $name) | .times] | add' "$work/json")" = 21 ]
# Where very many other calls of the machine fail meanwhile, it is not looked (null).
ok "$about: the cause is never another one" [ "$("$jq" -r --arg name "$name" \
  '[.calls[] | select(.program == $name) | .cause // empty] | unique | join(" ")' "$work/json")" = bound-twice ]
ok "$about: so is the socket" "$jq" -e --arg name "$name" '[.calls[] | select(.program == $name)
  | select(.cause).sockets[0].local] | all(test("127.0.0.1:(88|89|90|91|92)$"))' "$work/json"
ok "$about: nothing is said of trials that met other sockets" "$jq" -e --arg name "$name" \
  '[.calls[] | select(.program == $name) | .remedies[]? | tostring] | all(test("has just worked") | not)' "$work/json"
valid

about="different calls"
watch
"$caller" tcp4 reuseaddr bind=any:81 listen tcp6 reuseaddr bind=any:81 tcp4 connect=82 \
  udp6 bind=83 udp6 bind=83 unix connect=@nobody tcp4 nonblock connect=81 \
  tcp4 thread bind=81 pause >"$work/many" &
many=$!
until_ok sh -c '[ "$(wc -l <"$1")" -ge 9 ]' - "$work/many"
said "bind(127.0.0.1:81): EADDRINUSE"
kill $many
wait $many 2>/dev/null
unwatch
calls .call "bind connect bind connect bind"
calls .address "[::]:81 127.0.0.1:82 [::1]:83 unix:@nobody 127.0.0.1:81"
calls .error "EADDRINUSE ECONNREFUSED EADDRINUSE ECONNREFUSED EADDRINUSE"
calls .protocol "TCP TCP UDP Unix TCP"
calls .cause "bound-twice  bound-twice unix-no-socket bound-twice"
calls .options.reuseaddr "true false false false false"
valid
calls '.pid == '$many "true true true true true"

about="listen() that fails"
watch
"$caller" tcp4 reuseaddr bind=84 tcp4 reuseaddr bind=84 listen pause >"$work/one" &
one=$!
until_ok grep -q listen "$work/one"
"$caller" unix listen pause >/dev/null &
two=$!
said "listen("
kill $one $two
wait $one $two 2>/dev/null
unwatch
calls .call listen
calls .error EINVAL

# A program of 32 bits, for which the numbers of the calls are others; and by socketcall(2).
about="a 32-bit program"
cat >"$work/narrow.c" <<'END'
static int call(int number, int a, int b, int c) {
    int result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(a), "c"(b), "d"(c) : "memory");
    return result;
}
struct { unsigned short family, port; unsigned address, rest[2]; } to = {2, 0x5500, 0x0100007f, {0, 0}};
void _start(void) {
    int words[3] = {0, (int)&to, 16};
    int one = call(359, 2, 1, 0), two = call(359, 2, 1, 0);
    call(361, one, (int)&to, 16);
    call(363, one, 1, 0);
    call(361, two, (int)&to, 16);
    words[0] = two;
    call(102, 2, (int)words, 0);
    call(29, 0, 0, 0);
    call(1, 0, 0, 0);
}
END
if [ "$(uname -m)" = x86_64 ] &&
  cc -m32 -O1 -nostdlib -static -fno-pie -no-pie -fno-stack-protector -o "$work/$name.32" "$work/narrow.c" 2>/dev/null &&
  sh -c '"$1" & sleep 0.2; kill $!' - "$work/$name.32" 2>/dev/null; then
  cp "$work/$name.32" "$caller"
  watch
  "$caller" &
  narrow=$!
  said "bind(127.0.0.1:85): EADDRINUSE; the program has bound it twice"
  sleep 0.5
  kill $narrow
  wait $narrow 2>/dev/null
  unwatch
  calls .call bind
  calls .times 2
  calls .cause bound-twice
  cp "$helpers/caller" "$caller"
else
  skip "$about" "it cannot be built or run here"
fi

# --- in another network namespace ---

about="another network namespace"
watch
unshare -n sh -c 'ip link set lo up; exec "$1" tcp4 bind=86 tcp4 bind=86 pause' - "$caller" >"$work/other" &
other=$!
said "bind(127.0.0.1:86): EADDRINUSE; the program has bound it twice"
kill $other
wait $other 2>/dev/null
unwatch
calls .cause bound-twice
calls '.sockets[0].local' 127.0.0.1:86

# As docs/trace.md tells it: the metrics count other programs of this machine, too.
about="docs/trace.md"
if command -v nginx >/dev/null && command -v redis-server >/dev/null; then
  mkdir "$work/ngx"
  cat >"$work/ngx/conf" <<END
daemon off; pid $work/ngx/pid; error_log stderr;
events {} http { access_log off; server { listen 127.0.0.1:8090; } }
END
  watch --only EADDRINUSE --output "$work/host.prom"
  # shellcheck disable=SC2016 # the inner shell expands it
  unshare -n sh -c 'ip link set lo up; cd "$1" || exit
    redis-server --bind 127.0.0.1 --port 8090 --save "" & redis=$!
    trap "kill $redis" TERM
    until grep -q :1F9A /proc/net/tcp; do sleep 0.1; done
    nginx -c "$1/conf"
    wait' - "$work/ngx" >"$work/other" 2>&1 &
  other=$!
  ok "$about: nginx gives up" await grep -q "still could not bind" "$work/other"
  kill $other
  wait $other 2>/dev/null
  unwatch
  block docs/trace.md "sudo portreuse trace --host --only*"
  sed -i -e 's/^\^C$/.../' -e 's/ends it$/&\n.../' "$work/want" # other programs fail, too
  ok "$about: $shown" as_told "$work/err"
  block docs/trace.md "grep errno*"
  grep errno "$work/host.prom" >"$work/out"
  ok "$about: $shown" grep -q "^$(sed 's/ [0-9]*$//' "$work/want") [0-9]*$" "$work/out"
else
  skip "$about" "nginx or redis is not installed"
fi

# --- outputs ---

about="formats"
watch --format ndjson --output "$work/metrics.prom" --interval 200ms --fail
"$caller" tcp4 bind=87 tcp4 bind=87 tcp4 bind=87 pause >"$work/three" &
three=$!
until_ok sh -c '[ "$(wc -l <"$1")" -ge 3 ]' - "$work/three"
ok "a line of JSON, as it happens" await sh -c '"$1" -e --arg name "$2" "select(.program == \$name) | .event == \"call\"" "$3" | grep -q true' - "$jq" "$name" "$work/out"
metric='portreuse_failed_calls_total{call="bind",errno="EADDRINUSE",cause="bound-twice"} '
ok "the metrics are rewritten meanwhile" await grep -qF "$metric" "$work/metrics.prom"
ok "it is a counter" grep -q '^# TYPE portreuse_failed_calls_total counter' "$work/metrics.prom"
ok "with --format ndjson there is no text" sh -c '! grep -q EADDRINUSE "$1"' - "$work/err"
kill $three
wait $three 2>/dev/null
unwatch
ok "--fail: a conflict is exit status 1" status_is 1
calls .times 2
valid
command -v promtool >/dev/null &&
  ok "promtool accepts the metrics" sh -c 'promtool check metrics <"$1"' - "$work/metrics.prom"
ok "the last line is the end" [ "$(tail -n 1 "$work/out" | "$jq" -r .event)" = end ]

# --- the end ---

nobody_runs() { # this copy of portreuse
  for file in /proc/[0-9]*/exe; do
    [ "$(readlink "$file")" != "$portreuse" ] || return 1
  done
}
instances() { unshare -m sh -c 'mount -t tracefs tracefs /mnt && ls /mnt/instances /mnt/dynamic_events && cat /mnt/set_event /mnt/dynamic_events' 2>/dev/null; }
before=$(instances)
watch
ok "nothing of tracefs is touched" [ "$(instances)" = "$before" ]
kill -KILL $watcher
wait $watcher 2>/dev/null
ok "after SIGKILL no process is left" await nobody_runs
watch
ok "it can be started again" err_has "watching this host"
unwatch
ok "and ended" status_is 0

finish
