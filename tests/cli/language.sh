#!/bin/sh
# The language, by the real binary: everything in it runs, and what is wrong is refused.
# shellcheck source=lib.sh
. "$(dirname "$0")/../lib.sh"
# LeakSanitizer does not work under ptrace, which watches the programs of exec.
export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0"

run "$portreuse" run --must-run "$scenarios/every-verb.scenario"
ok "every verb, option and form of expectation runs" first_line_starts \
  "PASS every-verb: "
run "$portreuse" run --must-run "$scenarios/data.scenario"
ok "send and recv take what there is, and what their line expects" first_line_is \
  "PASS data: 9 cases, all as expected"
run "$portreuse" run --must-run "$scenarios/hosts.scenario"
ok "hosts: each is alone, is cut off, fails and comes back" first_line_is \
  "PASS hosts: 14 cases, all as expected"
run "$portreuse" run --net=current -q "$scenarios/hosts.scenario"
ok "they are no matter of the current namespace" first_line_starts \
  "SKIP hosts: needs hosts: they are private namespaces, without --net=current"
cp "$helpers/dial" "$work/dial"
PATH=$work:$PATH
run "$portreuse" run --must-run "$scenarios/programs.scenario"
ok "programs: their calls are seen, and they die with the case" first_line_is \
  "PASS programs: 20 cases, all as expected"
scenario given <<'S'
title The program of the command line
needs program
case it is printed where the case fails
  r exec sh -c "echo begins; \"$@\"" sh $program
  r wait -> exit 0
S
run "$portreuse" run "$file"
ok "a program that is needed and not given is a SKIP" first_line_is \
  "SKIP given: needs program: portreuse run given -- PROGRAM ARG..."
run "$portreuse" run "$file" -- echo -v two
ok "options behind -- are the program's" first_line_is "PASS given: 1 case, as expected"
ok "what it prints is not shown where all is well" out_lacks "output:"
run "$portreuse" run "$file" -- sh -c 'echo it fails; exit 3'
ok "its end is judged" first_line_is "FAIL given: line 5: want exit 0, got exit 3"
ok "and its output shown" out_says "output: begins it fails"
run "$portreuse" run "$file" -- sh -c 'seq 100000; echo it ends >&2; exit 3'
ok "a program may print without end: the end is kept" out_says "99999 100000 it ends"
ok "and what is left out is said" out_says "output: (588667 bytes are left out here) 99962"
ok "40 lines are enough" sh -c '[ "$(wc -l <"$1")" -lt 60 ]' - "$work/out"
run "$portreuse" run time-wait-rebind -- true
ok "a program that no scenario needs is refused" status_is 2
run "$portreuse" run "$file" --
ok "so is none behind --" err_has "name a program after '--'"
for name in counters datagrams unix streams wire; do
  run "$portreuse" run --must-run -j "$scenarios/$name.scenario"
  ok "odd uses of the language: $name" first_line_starts "PASS $name: "
  users_may || continue
  run as_user "$portreuse" run -j "$scenarios/$name.scenario"
  ok "$name, as an ordinary user" first_line_starts "PASS $name: "
done
scenario here <<'S'
title The settings of where it is run
case they are as there
  sysctl net.ipv4.ip_local_port_range 41000 42000
  sysctl net.ipv4.ip_local_reserved_ports 41000-41500,41700
  sysctl net.ipv4.ip_local_port_range $here
  sysctl net.ipv4.ip_local_reserved_ports $here
  ephemeral 127.0.0.1:50051 -> 1
  ephemeral 127.0.0.1:50050 -> 0
  ephemeral 127.0.0.1:41600 -> 0
  ephemeral [::1]:50059 -> 1
case the kernel's own
  ephemeral *:32767 -> 0
  ephemeral *:32768 -> 1
  ephemeral *:60999 -> 1
  ephemeral *:61000 -> 0
  sysctl net.ipv4.no_such_sysctl $here -> ENOENT
S
if unshare -rn true 2>/dev/null; then
  run unshare -rn sh -c 'cd /proc/sys/net/ipv4; echo 50000 50100 >ip_local_port_range
    echo 50050,50052 >ip_local_reserved_ports; exec "$@"' sh "$portreuse" run --must-run "$file"
  ok "\$here: a sysctl as where it is run" first_line_is "PASS here: 2 cases, all as expected"
  scenario long <<'S'
title A list that is longer than a page
case its last ports are there, too
  sysctl net.ipv4.ip_local_port_range 60000 60001
  sysctl net.ipv4.ip_local_reserved_ports $here
  r socket s
  r bind s 127.0.0.1:0 -> EADDRINUSE
S
  echo "$(seq -s , 40001 2 59997),60000-60001" >"$work/list"
  # shellcheck disable=SC2016 # of the inner shell
  run unshare -rn sh -c 'cat "$1" >/proc/sys/net/ipv4/ip_local_reserved_ports; shift; exec "$@"' sh \
    "$work/list" "$portreuse" run --must-run "$file"
  ok "\$here: a list of 10,000 ports" first_line_is "PASS long: 1 case, as expected"
  scenario list <<S
title A list of 700 bytes
case its last ports are there
  sysctl net.ipv4.ip_local_port_range 60000 60001
  sysctl net.ipv4.ip_local_reserved_ports $(seq -s , 40001 2 40230),60000-60001
  r socket s
  r bind s 127.0.0.1:0 -> EADDRINUSE
S
  run "$portreuse" run --must-run "$file"
  ok "a long list in the text of a scenario" first_line_is "PASS list: 1 case, as expected"
  scenario name <<S
title A name of 300 bytes
case the kernel has no such sysctl
  sysctl net.$(printf 'a.%.0s' $(seq 150))b 1
S
  run "$portreuse" run "$file"
  ok "a long name of a sysctl is not there, either" first_line_starts "SKIP name: line 3: this kernel has no"
  file=$work/here.scenario
  run unshare -rn sh -c 'cd /proc/sys/net/ipv4; echo 50000 50100 >ip_local_port_range; exec "$@"' sh \
    "$portreuse" run "$file"
  ok "an answer of 'ephemeral' that was not expected is explained" out_says \
    "found: port 50050 is in ip_local_port_range (50000-50100): an outgoing connection can take it"
  ok "with what to do" out_says "sysctl -w net.ipv4.ip_local_reserved_ports=50050"
else
  skip "\$here: a sysctl as where it is run" "there is no private namespace here"
fi
scenario else <<'S'
title Another answer is no failure
case a reason not to go on
  r socket s
  r getsockopt s SO_REUSEADDR -> 1, else SKIP "it is 0"
S
run "$portreuse" run "$file"
ok "another answer may be a SKIP" first_line_is "SKIP else: it is 0"
sed -i 's/SKIP/ERROR/; s/-> 1/-> 1 | 0 within 9s/' "$file"
run "$portreuse" run "$file"
ok "but not the one that is wanted" first_line_is "PASS else: 1 case, as expected"
sed -i 's/| 0//' "$file"
run "$portreuse" run "$file"
ok "or an ERROR" first_line_is "ERROR else: it is 0"
ok "which is exit 2" status_is 2
scenario judged <<'S'
title The program of the command line
needs program
setup
  r exec $program
  r listens l within 30s -> ok, else ERROR "it does not listen"
case it ends
  r signal SIGTERM
  r wait -> SIGTERM
case its port stays
  r signal SIGKILL
  await no LISTEN *:4000 within 50ms -> ok | ETIMEDOUT
S
run "$portreuse" run -j "$file" -- sh -c 'sleep 1000 | dial listen 127.0.0.1:4000'
ok "a line for each case, without its steps" out_lacks "signal"
ok "but with what was seen if the first answer did not come" out_matches \
  '^PASS  its port stays$'
ok "and who has the socket" out_matches '^      seen: LISTEN 127.0.0.1:4000, held by dial \(pid [0-9]+\)$'
run "$portreuse" run -v "$file" -- sh -c 'sleep 1000 | dial listen 127.0.0.1:4000'
ok "the steps with -v" out_has "r signal  SIGTERM"
run "$portreuse" run --port 4001 "$file" -- sh -c 'dial listen 127.0.0.1:4000 </dev/zero & sleep 1000 | dial listen 127.0.0.1:4001'
ok "--port names one of several listeners" first_line_starts "PASS judged: "
begun=$(date +%s)
run "$portreuse" run --port 4002 "$file" -- sh -c 'sleep 1000 | dial listen 127.0.0.1:4000'
ok "a wrong one is an ERROR" first_line_is "ERROR judged: 2 of 2 cases, first: it does not listen"
ok "that says what the program does" out_has "seen:       listen 127.0.0.1:4000"
ok "soon, and once for all cases" [ $(($(date +%s) - begun)) -lt 10 ]
run "$portreuse" run --port 4000 time-wait-rebind
ok "--port without a program" err_has "--port: no scenario here needs a program"
run "$portreuse" run -j "$file" -- sh -c 'mkdir "$0" || exit; trap "rmdir $0; trap - TERM; kill 0" TERM
  sleep 1000 | dial listen 127.0.0.1:4000 & while :; do wait; done' "$work/alone"
ok "one case at a time, and the program may clean up behind it" out_lacks "ERROR"
scenario data-short <<'S'
title Less comes than is expected
case a pair
  server socket l
  server bind l 127.0.0.1:1
  server listen l
  client socket c
  client connect c $server.l
  server accept l p
  client send c 5
  server recv p 1024 -> 6
S
run "$portreuse" run "$file"
ok "where less comes than is expected, it says so" first_line_is \
  "FAIL data-short: line 10: want 6, got 5"
if users_may; then
  run as_user "$portreuse" run -q "$scenarios/every-verb.scenario"
  ok "also as an ordinary user" first_line_starts "PASS every-verb: "
  run as_user "$portreuse" run -q "$scenarios/hosts.scenario"
  ok "an ordinary user has hosts, too" first_line_is "PASS hosts: 14 cases, all as expected"
  run as_user "$portreuse" run -q "$scenarios/programs.scenario"
  ok "and programs" first_line_is "PASS programs: 20 cases, all as expected"
  run as_user "$portreuse" run "$scenarios/uids.scenario"
  ok "where there is no other user ID, that is a SKIP" first_line_starts \
    "SKIP uids: needs uids: "
else
  skip "as an ordinary user" "ordinary users may have no private namespace here"
fi

sed -n '/^```$/,/^```$/p' "$here/../../docs/scenario-language.md" | sed '1d;/^```$/q' |
  sed '$d' >"$work/example.scenario"
run "$portreuse" run "$work/example.scenario"
ok "the example of docs/scenario-language.md runs as it stands" first_line_is \
  "PASS example: 2 cases, all as expected"

awk '/^A scenario is a text file/ {on = 1; next} on && /^    / {print substr($0, 5); seen = 1; next}
     on && seen {exit}' "$here/../../README.md" >"$work/readme.scenario"
run "$portreuse" run "$work/readme.scenario"
ok "so does that of the README" first_line_is "PASS readme: 2 cases, all as expected"

if is_root; then
  run "$portreuse" run --must-run "$scenarios/uids.scenario"
  ok "roles take user ids" first_line_is "PASS uids: 4 cases, all as expected"
fi
run "$portreuse" check "$scenarios/ten-errors.scenario"
ok "a file with errors is exit 2" status_is 2
ok "ten errors give ten messages" sh -c '[ "$(grep -c ": error: " "$1")" = 10 ]' - "$work/err"
ok "each with file, line and column" sh -c \
  '[ "$(grep -cE "^[^ ]*ten-errors.scenario:[0-9]+:[0-9]+: error: " "$1")" = 10 ]' - "$work/err"
ok "in the order of the lines" sh -c \
  'grep -oE "scenario:[0-9]+" "$1" | cut -d: -f2 | sort -nc' - "$work/err"
ok "with a caret" sh -c '[ "$(grep -cE "^ *\^$" "$1")" = 10 ]' - "$work/err"
ok "and a suggestion" err_has "unknown verb 'bnid'; did you mean 'bind'?"
cp "$work/err" "$work/checked"
run "$portreuse" run "$scenarios/ten-errors.scenario" address-in-use
ok "run says the same and starts nothing" cmp "$work/err" "$work/checked"
ok "not even the sound one" out_is_empty
ok "exit 2" status_is 2
run "$portreuse" check "$here"/../../scenarios/*.scenario "$scenarios/every-verb.scenario"
ok "check of sound files is exit 0" status_is 0

# Whatever stands in titles and names: it comes out, and does nothing to the terminal.
long=$(printf '%4096s' '' | tr ' ' x)
printf 'title \033[31mred\033[0m "quoted" ]]> \377 %s\ncase \001\002 %s\n  "r\303\244le \033[0m%s" socket "s # 1"\n' \
  "$long" "$long" "$long" >"$work/odd.scenario"
run "$portreuse" run "$work/odd.scenario"
ok "odd text in titles and names runs" status_is 0
ok "control characters are shown, not sent" sh -c '! grep -q "$(printf "\033")" "$1"' - "$work/out"
run "$portreuse" run --format json "$work/odd.scenario"
if command -v jq >/dev/null; then
  ok "and JSON stays valid" jq -e '.verdict == "PASS"' "$work/out"
else
  skip "and JSON stays valid" "jq is not installed"
fi

finish
