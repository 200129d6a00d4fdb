#!/bin/sh
# portreuse why --protocol udp and unix, MPTCP, and a kernel without sock_diag.
# shellcheck source=lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=situation.sh
. "$here/../situation.sh"

why() { run $as "$portreuse" why --pid "$pid" "$@"; }
line_is() { [ "$(head -n 1 "$work/out" | sed 's/([0-9][0-9]*)/(PID)/')" = "$1" ]; }

# --- UDP and MPTCP ---

begin udp
if [ "$pid" = 0 ]; then
  skip "UDP" "$(cat "$work/trouble")"
else
  why --protocol udp 127.0.0.1:2000
  ok "a UDP socket has the port" line_is \
    "EADDRINUSE 127.0.0.1:2000/udp: situation (PID) has it; stop it"
  ok "the cause is udp-port-taken" out_has "  udp-port-taken: another UDP socket has the port"
  why -v --protocol udp 127.0.0.1:2000
  ok "the trials are of UDP sockets" out_has "of a UDP socket"
  why --protocol udp 127.0.0.1:2000
  ok "one is made, without the options, which would share the port" out_lacks "  SO_REUSEADDR  "
  ok "exit 1" status_is 1
  why --protocol udp 0.0.0.0:2000
  ok "the wildcard address is said to be one" out_has "the wildcard address means every address"
  ok "the remedy is about the wildcard" out_has "or bind both to specific addresses"
  why --protocol udp 127.0.0.2:2000
  ok "another address is free" line_is "FREE 127.0.0.2:2000/udp: bind() would succeed now"
  ok "what has the port elsewhere is counted" out_has "1 UNCONN on the port, not in the way."
  why 127.0.0.1:2000
  ok "for TCP it is free" status_is 0
  ok "and UDP is mentioned" out_has "  On UDP, situation (pid $pid) has 127.0.0.1:2000."
  why --protocol udp 127.0.0.1:2001
  ok "and TCP in the answer for UDP" out_has "  On TCP, situation (pid $pid) has 127.0.0.1:2001."
  why --protocol udp 0.0.0.0:53
  ok "the stub of systemd-resolved is known" out_has "systemd-resolved's stub"
  why --protocol udp --as client 127.0.0.1:2000
  ok "a UDP client has a port, and somebody to send to" first_line_starts \
    "FREE 127.0.0.1:2000/udp from 127.0.0.1: connect() would get a local port"
fi
end

begin mptcp
if [ "$pid" = 0 ]; then
  skip "MPTCP" "this kernel has none, or no namespace"
else
  why 127.0.0.1:2000
  ok "an MPTCP listener is found, and stays one" first_line_starts EADDRINUSE
  ok "as MPTCP" out_has "  MPTCP LISTEN 127.0.0.1:2000"
  ok "and its process" out_has "    pid $pid, "
  ok "nothing changed" out_lacks "changed while looking"
fi
end

# --- without sock_diag ---

begin listener
if [ "$pid" = 0 ]; then
  skip "a kernel without sock_diag" "$(cat "$work/trouble")"
else
  run "$helpers/refuse" netlink "$portreuse" why --pid "$pid" 127.0.0.1:2000
  ok "/proc/net shows the listener" out_has "  LISTEN 127.0.0.1:2000"
  ok "and how to see more" out_has "load tcp_diag (modprobe tcp_diag)"
  ok "nothing changed" out_lacks "changed while looking"
fi
end
begin idle
if [ "$pid" = 0 ]; then
  skip "a bound, idle socket without sock_diag" "$(cat "$work/trouble")"
else
  run "$helpers/refuse" netlink "$portreuse" why --pid "$pid" 127.0.0.1:2000
  ok "an idle socket is not shown, and that is said" out_has "this kernel has no tcp_diag"
  ok "nothing changed" out_lacks "changed while looking"
fi
end

# --- Unix sockets ---

chmod 755 "$work"
file=$work/server.sock
ask() { run "$portreuse" why --protocol unix "$@"; }
export SITUATION_SOCKET="$file"
ask "$file"
ok "no file: free" first_line_starts "FREE "
ask --as client "$file"
ok "no file: a client has no server" out_has "  unix-no-socket: "
begin unix
if [ "$pid" = 0 ]; then
  skip "a server at a Unix socket" "$(cat "$work/trouble")"
else
  # It is in another network namespace, which a file does not care about.
  ask "$file"
  ok "a live server" out_has "  unix-socket-in-use: "
  ok "its exit status" status_is 1
  if [ "$(id -u)" = 0 ]; then
    ok "its process" out_has "    pid $pid, "
    ok "its namespace" out_has "belongs to another network namespace"
  fi
  ask --as client "$file"
  ok "a client finds it" status_is 0
  run "$portreuse" why --pid "$pid" --protocol unix "$file"
  ok "the backlog is shown" out_has "Unix LISTEN, 0 waiting, backlog 5"
  run "$portreuse" why --pid "$pid" --protocol unix @situation
  ok "an abstract name" first_line_starts "EADDRINUSE @situation: situation "
  ok "which has no file to speak of" out_lacks "the file"
  ask @situation
  ok "which is another network namespace's" first_line_starts "FREE @situation"
fi
end
if [ -S "$file" ]; then
  ask "$file"
  ok "a dead server's file is stale" out_has "  unix-stale-socket: "
  ok "what to do" out_has "  rm $file"
  ask --as client "$file"
  ok "a client is refused" first_line_starts "ECONNREFUSED "
  mv "$file" "$work/a b's.sock"
  ask "$work/a b's.sock"
  ok "the remedy is quoted for the shell" out_has "  rm '$work/a b'\\''s.sock'"
  sed -n 's/^  \(rm .*\)/\1/p' "$work/out" >"$work/remedy"
  sh "$work/remedy"
  ask "$work/a b's.sock"
  ok "and works" status_is 0
fi
odd=$(printf "%s/a\nb'%%é.sock" "$work")
: >"$odd"
ask "$odd"
sed -n 's/^  \(ls .*\)/\1/p' "$work/out" >"$work/remedy"
ok "a path with a newline is written for the shell, too" sh -e "$work/remedy"
ask "$work"
ok "a directory is no socket" out_has "  unix-not-a-socket: "
ask "$work/nowhere/x.sock"
ok "a directory that is missing" first_line_starts "ENOENT "
ok "is made" out_has "  mkdir -p $work/nowhere"
ask "$work/ready/x.sock"
ok "a file in place of the directory" first_line_starts "ENOTDIR "
ok "is not one to be made" out_lacks mkdir
ask "$work/new/"
ok "a path that ends in a slash" first_line_starts "ENOENT "
ok "is told so" out_has "  unix-ends-in-slash: "
ok "and no directory is to be made" out_lacks mkdir
ask "@situation/"
ok "an abstract name may end so" first_line_starts "FREE @situation/"

# What a call of a path answers; a path that it makes is removed again.
answer_of() {
  number=$("$helpers/caller" unix "$1=$2" | cut -d ' ' -f 2)
  [ "$1" = connect ] || [ "$number" != 0 ] || rm "$2"
  case $number in 0) echo FREE ;; 2) echo ENOENT ;; 13) echo EACCES ;; 20) echo ENOTDIR ;; 40) echo ELOOP ;;
    98) echo EADDRINUSE ;; 111) echo ECONNREFUSED ;; *) echo "errno $number" ;; esac
}
mkdir "$work/u" "$work/u/dir" "$work/u/read-only"
: >"$work/u/file"
"$helpers/caller" unix bind="$work/u/stale" >"$work/out"
ln -s nowhere "$work/u/dangling"
ln -s loop "$work/u/loop"
ln -s dir "$work/u/link"
chmod 555 "$work/u/read-only"
for path in new new/ new// nowhere/x nowhere/x/ dir dir/ dir/. file file/ file/x file/x/ stale stale/ dangling \
  dangling/ loop loop/ loop/x loop/x/ link link/ read-only/x read-only/x/; do
  for call in bind connect; do
    set --
    [ $call = bind ] || set -- --as client
    ask "$@" "unix:$work/u/$path"
    ok "$call() of $path: as the kernel answers" first_line_starts "$(answer_of $call "$work/u/$path") "
  done
done
ask "$work/u/stale/"
ok "the remedy for a file with a slash behind it is one for the file" grep -qx "  rm $work/u/stale" "$work/out"
ask "$(printf '%0200d' 0)"
ok "a name that is too long" status_is 2
run "$portreuse" why --protocol tpc :80
ok "an unknown protocol" status_is 2

finish
