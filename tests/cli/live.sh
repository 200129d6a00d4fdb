#!/bin/sh
# portreuse budget and audit, and the formats for monitors, in network namespaces that are made for it
# (situation.c).
# shellcheck source=lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=situation.sh
. "$here/../situation.sh"

look() { run "$portreuse" "$@" --pid "$pid"; }
json_is() { ! command -v jq >/dev/null || [ "$(jq -r "$1" "$work/out")" = "$2" ]; }
short() { [ "$(head -n 1 "$work/out" | wc -c)" -le 81 ]; }

begin clients
if [ "$pid" = 0 ]; then
  skip "budget, audit and monitors" "$(cat "$work/trouble")"
  end
  finish
fi
look budget
ok "the busiest destination comes first" first_line_is "OK 127.0.0.1:3000 from 127.0.0.1: 14 of 20 ports left"
ok "exit 0" status_is 0
ok "the states are told" out_has "connections: 5 ESTABLISHED, 1 TIME-WAIT"
ok "whose they are" out_matches "^    5 of them: pid ${pid}[,:].*situation"
ok "ports that bind() asked for" out_has "taken by explicit binds, for any destination: 1 (connections: 1)"
ok "and those that bind() to port 0 took from connect()" out_has "IP_BIND_ADDRESS_NO_PORT"
ok "how much TIME-WAIT allows: (14 left + 1 in it) in 60 s" out_has "at most 0.2 new connections per second"
look budget 127.0.0.1:3001
ok "another destination has all but the explicit ones, and that of bind() to port 0" first_line_is \
  "OK 127.0.0.1:3001 from 127.0.0.1: 18 of 20 ports left"
look budget --warn 30% 127.0.0.1:3000
ok "30% are used: a warning" first_line_starts "WARNING 127.0.0.1:3000"
ok "exit 1" status_is 1
look budget --warn 10 --critical 30 127.0.0.1:3000
ok "or critical" first_line_starts "CRITICAL"
look budget --warn 31 127.0.0.1:3000
ok "and not 31%" status_is 0
look budget --format json 127.0.0.1:3000
ok "JSON: ports left" json_is '.destinations[0].left' 14
ok "JSON: ports used" json_is '.destinations[0].used' 6
ok "JSON: states" json_is '.destinations[0].states["TIME-WAIT"]' 1
ok "JSON: by bind() to port 0" json_is '.destinations[0].by_bind_to_port_0' 1
look budget --format html
ok "a page: a bar is named by both ends, as two bars can be of one destination" out_matches '>127\.0\.0\.1:[0-9]+ from 127\.0\.0\.1<'
look budget --format nagios --warn 30 --critical 90 127.0.0.1:3000
ok "Nagios: a warning is exit 1" status_is 1
ok "Nagios: the line" first_line_starts "PORTREUSE WARNING - WARNING 127.0.0.1:3000 from 127.0.0.1: 14 of 20 ports left |"
ok "Nagios: performance data with thresholds" out_has " budget_ports_used_127.0.0.1:3000_127.0.0.1:*=6;6;18;;"
# The destination is typed, or pasted, as for why.
asks() { # asks NAME FIRST_LINE ARGUMENT...
  name=$1 line=$2
  shift 2
  look budget --interval 0 "$@"
  ok "$name" first_line_is "$line"
}
left="OK 127.0.0.1:3000 from 127.0.0.1: 14 of 20 ports left"
asks "a bare port is one of this host, the address with the fewest ports left" "$left" 3000
asks "so is :PORT" "$left" :3000
asks "a name" "$left" localhost:3000
asks "words" "$left" localhost 3000
asks "a URL" "$left" redis://user@127.0.0.1:3000/0
asks "an error message of a client" "$left" \
  "dial tcp 127.0.0.1:3000: connect: cannot assign requested address"
ok "what it was taken for" out_has "The text was taken for a TCP connect() to 127.0.0.1:3000."
asks "one of node" "$left" "Error: connect EADDRNOTAVAIL 127.0.0.1:3000 - Local (0.0.0.0:0)"
asks "an IPv4-mapped address" "$left" "[::ffff:127.0.0.1]:3000"
asks "with a source of the same family" \
  "OK 127.0.0.1:3000 from 127.0.0.9: 18 of 20 ports left" --from 127.0.0.9 "[::ffff:127.0.0.1]:3000"
asks "the source chooses among the addresses of a name" \
  "OK 127.0.0.1:3000 from 127.0.0.9: 18 of 20 ports left" --from 127.0.0.9 localhost:3000
asks "the zone of a link-local address stands where it is typed" \
  "CRITICAL [fe80::1%lo]:3000: 0 of 20 ports left: ENETUNREACH" "[fe80::1%lo]:3000"
asks "so does the device of the sockets" \
  "CRITICAL [fe80::1%lo]:3000: 0 of 20 ports left: ENETUNREACH" --device lo "[fe80::1]:3000"
refuses() { # refuses NAME ERROR ARGUMENT...
  name=$1 line=$2
  shift 2
  look budget "$@"
  ok "$name" status_is 2
  ok "$name: says what to do" err_has "$line"
}
refuses "UDP is not counted" "why --as client" 53/udp
refuses "nor Unix sockets" "portreuse why" unix:/run/x.sock
refuses "the error of a server" "about bind()" "bind: address already in use 127.0.0.1:3000"
refuses "two families" "one of the two addresses is IPv4" --from ::1 127.0.0.1:3000
refuses "two devices" "another device" --device lo "127.0.0.1%v0:3000"
look budget --format line 127.0.0.1:3000
ok "line: one line" test "$(wc -l <"$work/out")" = 1
end

begin exhausted
look budget
ok "no port is left" first_line_is \
  "CRITICAL 127.0.0.1:3000 from 127.0.0.1: 0 of 4 ports left"
ok "exit 1" status_is 1
look budget --format nagios
ok "Nagios: critical is exit 2" status_is 2
look why --as client 127.0.0.1:3000
ok "why --as client: connect() gets no port" first_line_starts "EADDRNOTAVAIL "
ok "its cause" out_has "  ephemeral-exhaustion-established: "
look why --as client 127.0.0.1:3001
ok "to another port it does" first_line_is \
  "FREE 127.0.0.1:3001: a local port is free, but nothing listens there"
end

begin growing
look budget --interval 400ms 127.0.0.1:3000
ok "a rate that lasts some time only is told with its end" out_matches '^OK .* ports left, none in [0-9]+ (s|min|h|days)$'
end

begin stolen
look audit --ports 2000,3000,4000
ok "a given port in the range is in danger" first_line_starts "WARNING 1 unreserved server port"
ok "exit 1" status_is 1
ok "which" out_has "2000, given, not listening now"
ok "the command that fixes it" out_has "sysctl -w net.ipv4.ip_local_reserved_ports=2000"
look audit --format json --ports 2000
ok "JSON: the port" json_is '.endangered[0].port' 2000
ok "JSON: what fixes it" json_is .ip_local_reserved_ports 2000
end
begin listener
look audit
ok "a listener outside of the range is in no danger" first_line_is "OK no server port is in danger"
printf 'web 40000/tcp www # a server\ndns 40001/udp\n# 40002/tcp\nx\n' >"$work/services"
look audit --services "$work/services"
ok "a services file is read, TCP and UDP" out_has "40000-40001, given"
ok "and no comments" out_lacks 40002
{
  printf '# %0600d web 40001/tcp\nweb 40002/tcp %0600d 40003/tcp\ndns 40004/udp\r\n' 1 2
  printf 'last 40005/tcp'
} >"$work/services"
look audit --services "$work/services"
ok "long lines, lines that end as in DOS, a last line without an end" first_line_starts "WARNING 3 "
ok "each port of them" out_has "ip_local_reserved_ports=40002,40004-40005"
look audit --ports 40000-40099
ok "ports in a row are told as a range" out_has "  40000-40099, given, not listening now"
ok "and each is counted" first_line_is "WARNING 100 unreserved server ports"
ports=$(seq 40001 2 40199 | tr '\n' ,)
look audit --ports "${ports%,}"
ok "a long list is shortened, and says so" out_has "and 36 more"
look audit --format json --ports 40000-40099
ok "in JSON they are single" json_is '.endangered | length' 100
look audit --ports nonsense
ok "a wrong list is exit 2" status_is 2
end
begin shared
look audit
ok "different programs on a port" first_line_starts "WARNING 1 shared port"
ok "which" out_has "  127.0.0.1:2000"
ok "and by which processes" out_matches '^    pid [0-9]+, .*situation shared$'
ok "the other one" out_matches '^    pid [0-9]+, .*sleep 1000$'
end
begin old-guide
look audit
ok "settings from old guides" first_line_starts "WARNING 1 harmful sysctl"
ok "tcp_timestamps=0 is harmful" out_has "net.ipv4.tcp_timestamps = 0, harmful"
ok "tcp_fin_timeout is not TIME-WAIT" out_has "net.ipv4.tcp_fin_timeout = 10"
ok "an odd number of ports" out_has "net.ipv4.ip_local_port_range = "
ok "of which one may be left out again and again" out_says "trying again then does not help"
end

# Monitors.
begin time-wait
look why --format nagios 127.0.0.1:2000
ok "why, Nagios: exit 2" status_is 2
# "The output of a plugin" of the plugin development guidelines: text, a bar, label=value;w;c;min;max
ok "the output is as the guidelines want it" out_matches \
  "^PORTREUSE (OK|WARNING|CRITICAL|UNKNOWN) - [^|]+\|( [^ '=;|]+=-?[0-9.]+(s|c|);[0-9]*;[0-9]*;;)+$"
ok "a time has its unit" out_matches " why_time_wait_seconds_127.0.0.1:2000_[^ =]+=[0-9.]+s;;;;$"
ok "no label has the cause or the errno" sh -c '! sed "s/.*|//" "$1" | grep -E "EADDRINUSE|time-wait-old"' - "$work/out"
ok "the text has the errno" out_matches "^PORTREUSE CRITICAL - EADDRINUSE "
look why --format html 127.0.0.1:2000
ok "why, a page: the verdict is its title" out_matches '^<title>EADDRINUSE 127.0.0.1:2000: TIME-WAIT'
ok "what the text says is in it" out_has '<h2>In the way</h2>'
ok "a click selects a whole command, and no remark" sh -c 'grep -q "<span class=\"line\"><span class=\"copy\">portreuse why <span class=\"whole\">--watch" "$1" && ! grep "class=\"copy\">#" "$1"' - "$work/out"
ok "sentences are a paragraph, not lines" sh -c 'grep -A1 "^<h2>Cause</h2>" "$1" | grep -q "^<p><span class=\"whole\">time-wait-"' - "$work/out"
ok "it needs nothing else" sh -c '! grep -iE "<(script|link|img|iframe)|(src|href)=|url\(|https?:" "$1"' - "$work/out"
look budget --format html
ok "budget, a page: a bar for each destination" out_matches '<rect class="used"'
run "$portreuse" trace --output "$work/trace.html" -- true
ok "trace, a page" grep -q '<h1><span class=' "$work/trace.html"
look audit --format html
ok "audit, a page" out_has '<h1><span class='
look why --format line 127.0.0.1:2000
ok "why, line" short
ok "exit 1, as node-problem-detector wants a problem" status_is 1
look why -q --output "$work/why.prom" --output "$work/why.json" 127.0.0.1:2000
ok "files beside the verdict" test -s "$work/why.prom" -a -s "$work/why.json"
ok "no temporary file is left" sh -c '! ls "$1" | grep -q "\.tmp"' - "$work"
ok "the metrics name the cause" grep -q '^portreuse_why_info{address="127.0.0.1:2000",netns="[^"]*",cause="time-wait-old-without-reuse",error="EADDRINUSE"} 1$' "$work/why.prom"
ok "the series of the answer do not" grep -q '^portreuse_why_bindable{address="127.0.0.1:2000",netns="[^"]*"} 0$' "$work/why.prom"
look why -q --output "$work/free.prom" 127.0.0.1:2999
ok "without a cause there is none" sh -c '! grep -q why_info "$1"' - "$work/free.prom"
for address in :2000 :2999 :53/udp /tmp/nowhere.sock @nobody; do
  look why --format prometheus "$address"
  ok "$address: the label is the address that was asked for" out_has "why_bindable{address=\"$address\",netns="
  ok "$address: the verdict has it, too" out_has "why_state{address=\"$address\",netns="
done
look budget -q --output "$work/budget.prom"
look audit -q --output "$work/audit.prom"
for command in budget audit; do
  run $as "$portreuse" $command --netns "/proc/$pid/ns/net" -q --output "$work/netns.prom"
  ok "$command, a network namespace with a name: it is a label of all metrics" sh -c \
    'grep -q "_state{netns=\"" "$1" && ! grep -v "^#" "$1" | grep -v "{netns=\""' - "$work/netns.prom"
done
run "$portreuse" run -q --output "$work/run.prom" address-in-use
ok "run writes metrics, too" grep -q '^portreuse_run_cases{verdict="PASS"} 8$' "$work/run.prom"
if command -v promtool >/dev/null; then
  for command in why budget audit run; do
    ok "promtool finds nothing in those of $command" promtool check metrics <"$work/$command.prom"
  done
else
  skip "promtool reads the metrics" "prometheus is not installed"
fi
run "$portreuse" run --format nagios address-in-use
ok "run, Nagios: OK" first_line_starts "PORTREUSE OK - PASS address-in-use"
ok "exit 0" status_is 0
printf 'title t\ncase c\n a socket s -> EINVAL\n' >"$work/fails.scenario"
run "$portreuse" run --format nagios "$work/fails.scenario"
ok "FAIL is CRITICAL, exit 2" status_is 2
run "$portreuse" run --format line "$work/fails.scenario"
ok "and as one line, exit 1" status_is 1
end

# Free in the end: the watch ends with it.
begin fleeting
look why --watch=20s 127.0.0.1:2000
ok "--watch waits until the port is free" first_line_starts "FREE 127.0.0.1:2000"
ok "and has told what for" err_has "EADDRINUSE 127.0.0.1:2000: situation"
ok "in 80 columns" sh -c '! grep -qE "^.{81}" "$1"' - "$work/err"
end
begin listener
look why --watch=1s 127.0.0.1:2000
ok "--watch=TIME gives up" status_is 1
end

# The schemas in docs/.
schema_python=
for candidate in python3 /usr/bin/python3; do
  "$candidate" -c 'import jsonschema' 2>/dev/null && schema_python=$candidate
done
# valid COMMAND ARGUMENT...: what it says in JSON is as its schema says.
valid() {
  look "$1" --format json "$2"
  ok "$1 $2 is as docs/$1.schema.json says" "$schema_python" -c 'import json, sys, jsonschema
jsonschema.validate(json.load(open(sys.argv[1])), json.load(open(sys.argv[2])))' \
    "$work/out" "$here/../../docs/$1.schema.json"
}
if [ -n "$schema_python" ]; then
  for name in nothing time-wait inherited full-range; do
    begin $name
    valid why 127.0.0.1:2000
    valid why 127.0.0.1:0
    valid budget 127.0.0.1:3000
    valid audit --ports=2000,40000
    end
  done
  begin shared
  valid audit --ports=1
  end
  begin clients
  valid budget --warn=1
  end
else
  skip "JSON as the schemas say" "python3-jsonschema is not installed"
fi

# In a network namespace of a user namespace, a setting goes with it: the files of the host are for another.
if unshare -rn true 2>/dev/null; then
  run unshare -rn "$portreuse" audit --ports 40000
  ok "a setting to paste" out_has "  sysctl -w net.ipv4.ip_local_reserved_ports=40000"
  ok "goes into no file of the host" out_lacks "/etc/sysctl.d"
else
  skip "a setting in a network namespace of a user namespace" "none could be made"
fi

# In all namespaces: of a pid namespace of our own, so that nobody else's are looked into.
all_netns() {
  # shellcheck disable=SC2086
  unshare -rnpf --mount-proc sh -c '
    : >"$3.ready"
    "$1" "$4" <"$3" >>"$3.ready" &
    exec 9>"$3"
    until grep -q ready "$3.ready"; do sleep 0.01; done
    "$2" why --all-netns '"$1"' 127.0.0.1:2000
    status=$?
    exec 9>&-
    exit $status' - "$work/situation" "$portreuse" "$work/hold-all" "$2"
}
mkfifo "$work/hold-all"
if unshare -rnpf --mount-proc true 2>/dev/null; then
  run all_netns -q listener
  ok "--all-netns finds it in another namespace" first_line_starts "EADDRINUSE 127.0.0.1:2000"
  ok "exit 1" status_is 1
  run all_netns "" listener
  ok "the others are counted" out_has "FREE in 1 other network namespace"
  ok "by name" sh -c 'sed -n "/^--- pid [0-9]*$/{n;p;}" "$1" | grep -q "^EADDRINUSE"' - "$work/out"
  run all_netns "--format json" listener
  ok "in JSON, too" json_is '[.namespaces[].verdict] | sort | join(" ")' "free refused"
  run all_netns "--format json" many-namespaces
  ok "of 302 namespaces, none is left out" json_is '.namespaces | length' 302
  ok "the last is looked into, too" json_is '[.namespaces[] | select(.verdict == "refused")] | length' 1
  ok "with the port taken in one, it is exit 1" status_is 1
else
  skip "--all-netns" "no pid namespace could be made to try it in"
fi

# Descriptors that are not searched first.
begin high-descriptors
for port in 2000 2001; do
  look why 127.0.0.1:$port
  ok "sockets at high descriptors have their owner" out_has "pid $pid,"
  ok "and none is said to have no process" out_lacks "no process"
  look why --format json 127.0.0.1:$port
  ok "each of them" json_is '[.sockets[].processes[].pid] | join(" ")' "$pid $pid"
done
end

# What changes during the look.
begin restless
answers=0
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
  look why -q 127.0.0.1:2000
  if [ "$rc" -le 1 ] && out_matches '^(changed( while looking)?; )?(FREE|EADDRINUSE) .*2000'; then
    answers=$((answers + 1))
  fi
done
ok "a listener that comes and goes: always an answer" test "$answers" = 20
end

# What vanishes during the look.
begin listener
gone=$pid
end
run "$portreuse" why --pid "$gone" 127.0.0.1:2000
ok "a namespace that is gone is exit 2" status_is 2
run "$portreuse" budget --netns /proc/self/status
ok "what is no namespace, too" status_is 2
run "$portreuse" budget --format junit
ok "formats of runs are not to be had of a live host" err_has "unknown format 'junit'"
for share in 101 -1 99.5 % '' 123456789; do
  run "$portreuse" budget --warn "$share"
  ok "--warn '$share' is no share" err_has "--warn '$share': expected a percentage of the ports, such as 80%"
done

# Whether a TIME-WAIT had TCP timestamps is assumed by those who may not read it in the kernel.
cat >"$work/waiting" <<'END'
ip link set lo up || exit
"$1" server -l 127.0.0.1:80 >/dev/null 2>&1 &
until grep -q ':0050 00000000:0000 0A' /proc/net/tcp; do sleep 0.05; done
"$1" client -e 127.0.0.1:80 --count 3 >/dev/null
sleep 1.2
"$1" budget --format json 127.0.0.1:80
"$1" budget --try-time-wait 127.0.0.1:80
kill $!
END
if users_may && command -v ip >/dev/null && command -v jq >/dev/null; then
  run as_user unshare -rn sh "$work/waiting" "$portreuse"
  ok "that tcp_timestamps was not changed is assumed, and said in JSON" sh -c \
    '[ "$(jq -c ".destinations[0] | [.reusable, .reuse_assumed]" "$1" 2>/dev/null | head -n 1)" = "[3,true]" ]' - "$work/out"
  ok "a trial of one TIME-WAIT tells of that one" out_has "if all of them are like the one that was tried"
fi

finish
