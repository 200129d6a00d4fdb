#!/bin/sh
# What people type and paste: with and without the word why, in one word or several, and on standard
# input.
# shellcheck source=lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=situation.sh
. "$here/../situation.sh"

begin listener
in_netns() { run $as "$portreuse" --pid "$pid" "$@"; }

# asked FIRST-LINE WORD...: the words are understood; the first line starts like that.
asked() {
  want=$1
  shift
  in_netns "$@"
  ok "portreuse $* is $want" first_line_starts "$want"
}

asked "EADDRINUSE 0.0.0.0:2000: " 2000
asked "EADDRINUSE 0.0.0.0:2000: " :2000
asked "EADDRINUSE 0.0.0.0:2000: " '*:2000'
asked "EADDRINUSE 0.0.0.0:2000: " 2000/tcp
asked "EADDRINUSE 0.0.0.0:2000: " tcp/2000
asked "EADDRINUSE 127.0.0.1:2000: " 127.0.0.1:2000
asked "EADDRINUSE 127.0.0.1:2000: " localhost:2000
asked "EADDRINUSE 127.0.0.1:2000: " http://localhost:2000/path
asked "EADDRINUSE 127.0.0.1:2000: " tcp://127.0.0.1:2000
asked "EADDRINUSE [::]:2000: " :::2000
asked "FREE [::1]:2000: " '[::1]:2000'
asked "FREE :80: " :http
asked "FREE :53/udp: " udp/domain
asked "FREE :2000/udp: " udp/2000
asked "FREE :2000/udp: " 2000/udp
asked "FREE /tmp/nowhere.sock: " /tmp/nowhere.sock
asked "FREE /tmp/nowhere.sock: " unix:/tmp/nowhere.sock
asked "FREE @nobody: " @nobody
asked "FREE @a b\": " 'unix:@a b"'
touch "$work/file'"
asked "EADDRINUSE " "unix:$work/file'"
asked "FREE /tmp/nowhere.sock: " 'unix:/tmp/nowhere.sock;'
asked "EADDRINUSE 0.0.0.0:2000: " --v6only :2000 -q
ok "options without the word why" test "$(wc -l <"$work/out")" = 1

run "$portreuse" why --pid "$pid" 2000
ok "with the word why" first_line_starts "EADDRINUSE 0.0.0.0:2000: "

# Lines of programs.
asked "EADDRINUSE 0.0.0.0:2000: " 端口2000已被占用，请更换端口
asked "EADDRINUSE 0.0.0.0:2000: " why why is 2000 taken
asked "EADDRINUSE 127.0.0.1:2000: " "listen tcp 127.0.0.1:2000: bind: address already in use"
asked "EADDRINUSE [::]:2000: " Error: listen EADDRINUSE: address already in use :::2000
asked "EADDRINUSE 0.0.0.0:2000: " nginx: '[emerg] bind() to 0.0.0.0:2000 failed (98: Address already in use)'
asked "EADDRINUSE 0.0.0.0:2000: " "[ERROR] Connection in use: ('0.0.0.0', 2000)"
asked "EADDRINUSE 127.0.0.1:2000: " "bind [127.0.0.1]:2000: Address already in use"
ok "what the text was taken for is said" out_says \
  "The text was taken for TCP bind() to 127.0.0.1:2000; --as client asks about connect()."
asked "FREE 127.0.0.1:9 from 127.0.0.1: a local port is free, but " "dial tcp 127.0.0.1:9: connect: cannot assign requested address"
ok "a line about connect()" out_says "The text was taken for TCP connect() to 127.0.0.1:9"
asked "FREE 0.0.0.0:2001: " "bind() to 0.0.0.0:2001 failed (98: Address already in use)"
ok "what was reported and is over" out_says "The text reports EADDRINUSE, but the address is free now"
asked "EADDRINUSE 0.0.0.0:2000: " Starting server on 0.0.0.0:2000
in_netns "Starting server on 0.0.0.0:2000
bind: Address already in use"
ok "a guess is called one" out_says "The error itself names no port; another line names 0.0.0.0:2000."
in_netns "bind() to 0.0.0.0:2000 failed (98: Address already in use)
bind() to [::]:443 failed (98: Address already in use)"
ok "another address is named" out_says "It also complains about [::]:443."
asked "EADDRINUSE 127.0.0.1:2000: " 127.0.0.1 2000
asked "EADDRINUSE 0.0.0.0:2000: " '*.2000'
asked "EADDRINUSE 0.0.0.0:2000: " 2000:80
ok "which port is whose" out_says "2000 is the port of this host, and 80 that of the container."
printf 'starting\nlisten tcp :2000: bind: address already in use\nbye\n' >"$work/log"
rc=0
"$portreuse" why --pid "$pid" - <"$work/log" >"$work/out" 2>"$work/err" || rc=$?
ok "on standard input" first_line_starts "EADDRINUSE 0.0.0.0:2000: "
rc=0
{ head -c 300000 /dev/zero | tr '\0' 'x' && cat "$work/log"; } |
  "$portreuse" why --pid "$pid" - >"$work/out" 2>"$work/err" || rc=$?
ok "after much else" first_line_starts "EADDRINUSE 0.0.0.0:2000: "
end

# What is not understood.
run "$portreuse" why 'bind: Address already in use'
ok "a line without a port says so" err_has "the text says EADDRINUSE, but names no port"
ok "and how to ask" err_has "portreuse why :PORT"
ok "exit 2" status_is 2
run "$portreuse" why 'listening on :8000
listening on :9000
bind: Address already in use'
ok "two guesses are none" err_has "it names :9000 and :8000: ask with one of them"
rc=0
"$portreuse" why - </dev/null >"$work/out" 2>"$work/err" || rc=$?
ok "an empty text" err_has "standard input is empty"
ok "exit 2 for it" status_is 2
run "$portreuse" why nothing to see here
ok "no port at all" err_has "no port was found in the text; write :PORT, ADDRESS:PORT"
run "$portreuse" why no-such-service
ok "a name that is no service" err_has "'no-such-service': no service in /etc/services has this name"
run "$portreuse" why '[fe80::1]:80'
ok "a link-local address needs a device" err_has "[fe80::1%DEVICE]:80"
run "$portreuse" why --device lo '[fe80::1]:8080'
ok "--device is one" first_line_starts "EADDRNOTAVAIL [fe80::1%lo]:8080: "
for command in why budget; do
  run "$portreuse" $command --device other '[fe80::1%lo]:80'
  ok "$command: two devices" err_has "the address names another device than --device"
done
run "$portreuse" why 65536
ok "a port that is too large" err_has "a port is a number from 0 to 65535"
run "$portreuse" 127.0.0.1
ok "an address without a port" err_has "write 127.0.0.1:PORT"
run "$portreuse" rnu
ok "a misspelt command is one" err_has "unknown command 'rnu'; did you mean 'run'?"
run "$portreuse" lisst --tag x
ok "also with an option" err_has "did you mean 'list'?"
run "$portreuse" why --protocol udp --as client 127.0.0.1:9
ok "a UDP client can be asked about" first_line_starts "FREE 127.0.0.1:9/udp: "


# Options that do not go together, and what to do instead.
refused() {
  want=$1
  shift
  run "$portreuse" "$@"
  ok "refused: $*" err_has "$want"
  ok "exit 2: $*" status_is 2
}
refused "both say where to look" why --netns /proc/self/ns/net --pid $$ :80
refused "both say where to look" why --all-netns --netns /proc/self/ns/net :80
refused "--watch waits in one network namespace" why --all-netns --watch :80
refused "a Unix socket has no device" why --device lo /run/x.sock
refused "a Unix socket has no device" why --reuse-port unix:x
refused "or ask --as client" why --as server --from 127.0.0.1 :80
refused "leave out --v6only" why --v6only 127.0.0.1:80
refused "another device" why --device lo '127.0.0.1%eth0:80'
refused "a port needs no option: portreuse why 8080" why --port 8080
refused "a port needs no option: portreuse why 8080" why -p 8080
refused "one command at a time" help why what
refused "neither a command nor an address" nginx
refused "portreuse trace -- PROGRAM" nginx
refused "unknown option '--foo'" --foo
refused "did you mean 'why'?" wyh :80
refused "No such process" why --pid 999999999 :80
refused "make one with 'portreuse matrix --format json >FILE'" matrix --diff /etc/passwd
run "$portreuse" why --device no-such-dev :80
ok "a device that is not there is named" out_says "There is no network device 'no-such-dev'"

finish
