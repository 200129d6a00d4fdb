#!/bin/sh
# Names that are made to deceive, in every format of every command: programs, their arguments, users,
# units, supervisors, containers, devices, files, scenarios, roles, what programs print, network
# namespaces, Unix sockets, reports. harmless.py reads each format as what it is for does.
# shellcheck source=lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=private.sh
. "$here/../private.sh"

# Files of /etc, /run and /proc get hostile contents: in a mount namespace of our own.
if [ "${PORTREUSE_MOUNTS:-}" != 1 ]; then
  if unshare -m true 2>/dev/null; then
    rm -rf "$work"
    PORTREUSE_MOUNTS=1 exec unshare -m "$0" "$@"
  fi
  skip "hostile users, units and namespaces" "no private mount namespace: unshare -m"
fi
if ! command -v python3 >/dev/null; then
  skip "hostile names in every format" "python3 is not installed"
  finish
fi
judge=$here/harmless.py
server=
trap 'kill -KILL $server 2>/dev/null; rm -rf "$work"' EXIT

# harmless FORMAT: of the last `run`; nothing on standard error does harm, either.
harmless() { python3 "$judge" "$1" "$work/out" text "$work/err"; }

# tells: the hostile name is in the output, so that the test has something to judge.
tells() { grep -qaF evil "$work/out"; }

# every NAME COMMAND [ARG...]: all formats of one look. Those in must_tell have the name.
must_tell="text json html"
every() {
  name_of_test=$1
  command=$2
  shift 2
  formats=$("$portreuse" "$command" --format x 2>&1 | sed 's/.*expected //; s/, / /g; s/ or / /')
  rm -f "$work/report."*
  for format in $formats; do
    set -- --output "$work/report.$format:$format" "$@"
  done
  run timeout 60 "$portreuse" "$command" "$@"
  set -- text "$work/out" text "$work/err"
  for format in $formats; do
    [ ! -e "$work/report.$format" ] || set -- "$@" "$format" "$work/report.$format"
  done
  ok "$name_of_test: no format does harm" python3 "$judge" "$@"
  for format in $must_tell; do
    [ ! -e "$work/report.$format" ] ||
      ok "$name_of_test: $format has the name" grep -qaF evil "$work/report.$format"
  done
}

# One piece for each way of doing harm. A file name can have all of it; a control character that is not
# ASCII, and a byte that is no UTF-8, are in it, too.
payload=$(printf 'a\033[31mevil\r\nevil\n::error::evil\n::add-mask::evil ##[error]evil\n%%0A::error::evil ]]>--><evil onevil="1">\047 onevil="1" `evil`[evil](evil)|evil=1;evil;# skip evil $(evil)\\\n--- # \302\2331mevil\342\200\256\377')
line=$(printf '%s' "$payload" | tr -d '\n')

# begin PROGRAM [ARG...]: a helper that listens on port 2000; it is the program of that name.
begin() {
  program=$1
  shift
  cp "$helpers/mover" "$program"
  : >"$work/ready"
  "$program" "$@" <"$work/hold" >"$work/ready" 2>/dev/null &
  server=$!
  exec 9>"$work/hold"
  until_ok grep -q ready "$work/ready"
}
end() {
  exec 9>&-
  wait "$server"
}
mkfifo "$work/hold"
# so that the port is one that a client can take
{ echo 1990 2010 >/proc/sys/net/ipv4/ip_local_port_range; } 2>/dev/null || true

# --- a server whose program, and whose arguments, have such names ---

begin "$work/$payload" named evil "$payload" "--label=$payload"
every "why" why 127.0.0.1:2000
every "why --verbose" why --verbose 127.0.0.1:2000
every "audit" audit
must_tell=
every "budget" budget # it may tell of no process
must_tell="text json html"
cp "$portreuse" "$work/x$payload"
every "trace" trace -- "$work/x$payload" server --listen 127.0.0.1:2000
run timeout 20 "$portreuse" server --listen 127.0.0.1:2000
ok "server: it tells who has the port, and does no harm" harmless text

# --- its user, and its unit ---

if [ "${PORTREUSE_MOUNTS:-}" = 1 ]; then
  printf '%s:x:%s:0::/:/bin/sh\n' "$(printf '%s' "$line" | tr -d ':' | cut -c -60)" "$(stat -c %u "/proc/$server")" >"$work/passwd"
  if mount --bind "$work/passwd" /etc/passwd 2>/dev/null; then
    every "why: a hostile user" why 127.0.0.1:2000
    umount /etc/passwd
  fi
  n=0
  while IFS= read -r place; do
    n=$((n + 1))
    printf '0::%s\n' "$place" >"$work/cgroup"
    if mount --bind "$work/cgroup" "/proc/$server/cgroup" 2>/dev/null; then
      every "why: a hostile unit $n" why 127.0.0.1:2000
      umount "/proc/$server/cgroup"
    fi
  done <<END
/system.slice/$line.service
/user.slice/user-0.slice/user@0.service/app.slice/$line.service
/lxc/$line
/machine.slice/libpod-$line.scope
/docker/$line
/kubepods.slice/kubepods-pod$line.slice/cri-containerd-$line.scope
END
fi
end

# --- what keeps it running ---

begin "$work/conmon" named conmon -n "$payload"
every "why: a hostile name of a container" why 127.0.0.1:2000
end
begin "$work/docker-proxy" named docker-proxy -container-ip "$line" -container-port "$line"
must_tell=
every "why: hostile arguments of docker-proxy" why 127.0.0.1:2000
must_tell="text json html"
end
cp "$(command -v dash || command -v sh)" "$work/supervisord"
printf '"$1" named evil <"$2" >"$3" 2>/dev/null &\nwait\n' >"$work/keep"
for what in SUPERVISOR_PROCESS_NAME SUPERVISOR_GROUP_NAME; do
  : >"$work/ready"
  env SUPERVISOR_PROCESS_NAME=evil "$what=$line" \
    "$work/supervisord" "$work/keep" "$work/$payload" "$work/hold" "$work/ready" &
  server=$!
  exec 9>"$work/hold"
  until_ok grep -q ready "$work/ready"
  every "why: a hostile $what" why 127.0.0.1:2000
  end
done

# --- scenarios: titles, comments, words, roles, files, and what a program prints ---

cat >"$work/printer" <<'S'
#!/bin/sh
cat "$1"
exit 1
S
chmod 755 "$work/printer"
printf '%s\n::error::evil\n##[error]evil\n' "$payload" >"$work/printed"
hostile="$work/$payload.scenario"
evil='<evil onevil=1> `evil` [evil](evil) |evil| ::error::evil ##[error]evil ]]> # skip evil'
{
  printf 'title An %s\ntags bind\nwhy\n  <evil>\n  ::error::evil\n  | evil |\n  evil\n' "$evil"
  printf 'fix\n  `evil` [evil](evil) <evil onevil=1>\n'
  printf 'case evil "%s"\n' "$evil"
  printf '  a socket evil\n  a exec %s %s # %s\n  a wait -> exit 0\n' "$work/printer" "$work/printed" "$evil"
  printf 'case ::error::evil\n  a socket l\n  a listen l -> EINVAL # %s\n' "$evil"
  printf 'case b # skip evil\n  b socket l\n  b listen l -> EINVAL, else SKIP "no %s"\n' "$evil"
  printf 'case c\n  b socket l\n  b listen l -> EINVAL, else ERROR "no %s"\n' "$evil"
  printf 'case %s\n  b socket l\n  b bind l 127.0.0.1:99\n  a socket k\n  a bind k 127.0.0.1:99\n' \
    "$(printf 'evil %.0s' $(seq 900))"
} >"$hostile"
run "$portreuse" check "$hostile"
ok "check: the scenario is valid" status_is 0
ok "check: it does no harm" harmless text
every "run" run "$hostile"
every "run --verbose" run --verbose "$hostile"
every "run: several scenarios" run "$hostile" address-in-use "$hostile"
run "$portreuse" show "$hostile"
ok "show: the text as it is" cmp -s "$hostile" "$work/out"
# Names of roles and sockets, in the order in which the language lets them be.
n=0
while IFS= read -r name; do
  n=$((n + 1))
  printf 'title t\nhost h 10.0.0.1/24\ncase c\n %s on h\n %s socket %s\n %s bind %s 10.0.0.1:99\n b on h\n b socket l\n b bind l 10.0.0.1:99\n' \
    "$name" "$name" "$name" "$name" "$name" >"$work/role.scenario"
  if "$portreuse" check "$work/role.scenario" >/dev/null 2>&1; then
    every "run: a hostile role $n" run -v "$work/role.scenario"
  else
    run "$portreuse" check "$work/role.scenario"
    ok "check: a hostile role $n" harmless text
  fi
done <<'END'
"::error::evil"
"<evil onevil=1>"
"##[error]evil"
"evil|evil`evil`"
evil
END
printf 'title t\nneeds program\ncase c\n a exec $program\n a listens l\n' >"$work/needs.scenario"
cp "$work/printer" "$work/p$payload"
must_tell="text json" # a picture has $program
every "run -- PROGRAM" run "$work/needs.scenario" -- "$work/p$payload" "$work/printed"
for command in check run show; do
  printf '\000\033[31mevil' >"$work/binary$payload"
  run "$portreuse" $command "$work/binary$payload"
  ok "$command: a file that is no text" harmless text
  ok "$command: and that is an error" status_is 2
  run "$portreuse" $command "/nowhere/$payload"
  ok "$command: a file that is not there" harmless text
done
printf 'title %s\ncase %s\n a bnid l "%s"\n::error::evil\n##[error]evil x\n' "$line" "$line" "$line" >"$work/wrong.scenario"
run "$portreuse" check "$work/wrong.scenario"
ok "check: mistakes in hostile lines" harmless text
cp "$work/wrong.scenario" "$work/::error::evil"
run sh -c 'cd "$1" && "$2" check ::error::evil' - "$work" "$portreuse"
ok "check: mistakes in a file whose name is a command" harmless text

# --- what is typed ---

for command in why budget list show run check server client trace; do
  run timeout 20 "$portreuse" $command "$payload"
  ok "$command: a hostile operand" harmless text
done
run "$portreuse" "$payload"
ok "a hostile command" harmless text
for option in --netns --output --format --uid --pid --from --device --port-range "--$payload"; do
  run timeout 20 "$portreuse" why "$option" "$payload" :80
  ok "why: a hostile value of an option: $(printf %.12s "$option" | tr -cd a-z-)" harmless text
done
run "$portreuse" audit --services "/nowhere/$payload"
ok "audit: a hostile file" harmless text
printf '%s 1999/tcp\n' "$(printf '%s' "$line" | tr -d '# ')" >"$work/services"
begin "$work/mover" named evil
every "audit --services" audit --services "$work/services" --ports 1995
for text in "bind: Address already in use $payload" \
  "listen tcp 127.0.0.1:2000: bind: address already in use $payload" "$payload 127.0.0.1:2000"; do
  printf '%s' "$text" >"$work/pasted"
  must_tell=
  run sh -c '"$1" why - <"$2"' - "$portreuse" "$work/pasted"
  ok "why: a hostile line on standard input" harmless text
  every "why: a hostile line" why "$text"
  must_tell="text json html"
done
end

# --- reports that are read back ---

for text in "$(printf '%s' "$payload" | tr -d '\377')" evil; do
  python3 -c 'import json, sys
print(json.dumps({"kernel": sys.argv[1], "protocol": "TCP", "pairs": [{"state": sys.argv[1]}]}))' "$text" >"$work/old.json"
  run timeout 100 "$portreuse" matrix --first 127.0.0.1 --second 127.0.0.1 --state LISTEN --diff "$work/old.json"
  ok "matrix --diff: the kernel of a hostile report" harmless text
done
must_tell=
every "matrix" matrix --first 127.0.0.1 --second 127.0.0.1 --state LISTEN
must_tell="text json html"

# --- Unix sockets, devices, network namespaces ---

cat >"$work/listener.py" <<'S'
import os, socket, sys
kind, name = os.fsencode(sys.argv[1]), os.fsencode(sys.argv[2])
if kind == b"unix":
    s = socket.socket(socket.AF_UNIX)
    s.bind(b"\0" + name[1:] if name[:1] == b"@" else name)
else:
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, name)
    s.bind(("0.0.0.0", 2000))
s.listen()
print("ready", flush=True)
sys.stdin.read()
S
# listen KIND NAME
listen() {
  : >"$work/ready"
  python3 "$work/listener.py" "$1" "$2" <"$work/hold" >"$work/ready" 2>/dev/null &
  server=$!
  exec 9>"$work/hold"
  until_ok grep -q ready "$work/ready"
}
name=$(printf 'evil\033[31m\n::error::<evil>"`evil`|\377')
cd "$work" || exit 1
must_tell=json # a line of text may be too short for it
for path in "./$name" "@$name" "@::error::evil"; do
  listen unix "$path"
  every "why: a Unix socket" why --protocol unix "$path"
  every "why: a client of it" why --as client --protocol unix "$path"
  end
done
must_tell="text json html"
device=$(printf 'evil\033|<"`$\377')
if ip link add "$device" type dummy 2>/dev/null || ip link add "$device" type veth peer name evil1 2>/dev/null; then
  ip addr add 10.7.0.1/24 dev "$device" && ip link set "$device" up
  listen device "$device"
  every "why: a hostile device" why --device "$device" 10.7.0.1:2000
  every "why: a socket on a hostile device" why :2000
  must_tell=
  every "budget: a hostile device" budget --device "$device" 10.7.0.2:80
  every "why: a client on a hostile device" why --as client --device "$device" 10.7.0.2:80
  every "audit: a hostile device" audit --ports 2000
  must_tell="text json html"
  end
fi
# Commands to paste have the name as one word of the shell.
cat >"$work/paste.py" <<'S'
import json, os, subprocess, sys
steps = [step["command"] for step in json.load(open(sys.argv[1]))["steps"] if step.get("command", "").startswith("ip netns exec ")]
for step in steps:
    got = subprocess.run(["sh", "-c", 'ip() { printf %s "$3"; }; ' + step], capture_output=True).stdout
    assert got == os.fsencode(sys.argv[2]), (step, got)
assert steps
S
if [ "${PORTREUSE_MOUNTS:-}" = 1 ] && mount -t tmpfs none /run 2>/dev/null; then
  mkdir /run/netns
  must_tell=json
  for name in "$payload" "::error::evil" "##[error]evil" "evil'\$(id)"; do
    unshare -n sh -c 'ip link set lo up; exec sleep 60' &
    sleeper=$!
    await grep -q '^sleep' "/proc/$sleeper/comm"
    : >"/run/netns/$name"
    mount --bind "/proc/$sleeper/ns/net" "/run/netns/$name"
    kill $sleeper
    every "why --netns" why --netns "$name" 10.99.0.1:80
    ok "why --netns: what is to be pasted is quoted" python3 "$work/paste.py" "$work/report.json" "$name"
    every "audit --netns" audit --netns "$name"
    every "why --all-netns" why --all-netns :80
    umount "/run/netns/$name"
    rm "/run/netns/$name"
  done
fi
server=
finish
