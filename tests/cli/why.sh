#!/bin/sh
# portreuse why: makes each cause in a network namespace (situation.c) and checks that it is named, in
# text and in JSON, as the current user and as an ordinary user.
# shellcheck source=lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=situation.sh
. "$here/../situation.sh"

why() { run $as "$portreuse" why --pid "$pid" "$@"; }

short() { [ "$(head -n 1 "$work/out" | wc -c)" -le 81 ]; }
json_is() { ! command -v jq >/dev/null || [ "$(jq -r "$1" "$work/out")" = "$2" ]; }

# cause NAME WANT [OPTION...] ADDRESS: makes the situation and asks; WANT is the name of the cause.
cause() {
  situation_name=$1
  want=$2
  shift 2
  begin "$situation_name"
  if [ "$pid" = 0 ]; then
    skip "$label$situation_name is $want" "$(cat "$work/trouble")"
    end
    return
  fi
  why "$@"
  ok "$label$situation_name is $want" out_has "  $want: "
  ok "$label$situation_name: exit 1" status_is 1
  ok "$label$situation_name: a short first line with the errno" short
  ok "$label$situation_name: that errno" first_line_starts "$errno "
  why --format json "$@"
  ok "$label$situation_name: in JSON" json_is .cause "$want"
  documents=$((documents + 1))
  cp "$work/out" "$work/document.$documents"
  ok "$label$situation_name: with errno and call" json_is '.error + .call' "${errno}bind"
  end
}

documents=0
every_cause() {
  errno=EADDRINUSE
  cause listener address-in-use 127.0.0.1:2000
  cause listener wildcard-vs-specific :2000
  cause wildcard wildcard-vs-specific 127.0.0.1:2000
  cause dual-stack dual-stack 127.0.0.1:2000
  cause dual-stack address-in-use '[::]:2000'
  cause idle bound-but-idle 127.0.0.1:2000
  cause inherited address-in-use 127.0.0.1:2000
  cause leaked leaked-listener 127.0.0.1:2000
  cause time-wait time-wait-old-without-reuse 127.0.0.1:2000
  cause time-wait time-wait-old-without-reuse --reuse-addr 127.0.0.1:2000
  cause time-wait-reuse time-wait-rebind --no-reuse-addr 127.0.0.1:2000
  cause stolen stolen-port 127.0.0.1:2000
  cause stolen-time-wait stolen-port-time-wait 127.0.0.1:2000
  cause fixed-client fixed-client-port 127.0.0.1:2000
  cause self-connected self-connect 127.0.0.1:2000
  cause close-wait close-wait-leak 127.0.0.1:2000
  cause established live-connection 127.0.0.1:2000
  cause fin-wait fin-wait-2-orphan 127.0.0.1:2000
  cause fin-wait-1 fin-wait-1-orphan 127.0.0.1:2000
  cause last-ack last-ack-orphan 127.0.0.1:2000
  cause unread fin-wait-1-orphan 127.0.0.1:2000
  cause full-range ephemeral-bind 127.0.0.1:0
  cause reserved-range reserved-ports 127.0.0.1:0
  errno=EADDRNOTAVAIL
  cause nothing address-not-local 192.0.2.1:2000
  if command -v ip >/dev/null; then
    cause tentative address-tentative '[2001:db8::1]:2000'
  else
    skip "a tentative address" "ip is not installed"
  fi
}

if ! command -v jq >/dev/null; then
  skip "what JSON says" "jq is not installed"
fi
label=
every_cause
if is_root; then
  errno=EADDRINUSE
  cause other-user reuseport-uid --reuse-port 127.0.0.1:2000
  cause in-flight held-by-no-process 127.0.0.1:2000
  errno=EACCES
  cause nothing privileged-port --uid 65534 127.0.0.1:80
else
  skip "what only root can make or see" "we are not root"
fi
if is_root && users_may; then
  as=as_user
  label="as a user: "
  every_cause
  as=
  label=
fi

# All of these documents are as the schema wants them.
validator=
for python in python3 /usr/bin/python3; do
  if "$python" -c 'import jsonschema' 2>/dev/null; then validator=$python; fi
done
if [ -n "$validator" ]; then
  # shellcheck disable=SC2046 # the names of the files are to be parted
  ok "the JSON is as docs/why.schema.json says" "$validator" -m jsonschema \
    $(printf -- '-i %s ' "$work"/document.*) "$here/../../docs/why.schema.json"
else
  skip "JSON as docs/why.schema.json says" "python3-jsonschema is not installed"
fi

# The details.
begin inherited
why 127.0.0.1:2000
ok "a process and its child are one server" first_line_starts \
  "EADDRINUSE 127.0.0.1:2000: situation ($pid) and 1 worker listen"
ok "with its command" out_matches "^    pid $pid, .*situation inherited"
ok "and who started it" out_says "> situation ($pid), 1 worker"
ok "with what it takes to stop it" out_has "  kill $pid"
ok "the options of the other socket are shown" out_has "LISTEN 127.0.0.1:2000, no SO_REUSEADDR"
ok "trials that all agree are not shown" out_lacks "Trials of bind()"
why -v 127.0.0.1:2000
ok "-v shows every trial" out_matches '^  SO_REUSEADDR and SO_REUSEPORT  EADDRINUSE$'
why 127.0.0.1:2000
ok "and the scenario that shows it" sh -c \
  '! "$1" show address-in-use >/dev/null 2>&1 || grep -qF "portreuse run address-in-use" "$2"' - \
  "$portreuse" "$work/out"
why --format json 127.0.0.1:2000
ok "JSON has both processes" json_is '.sockets[0].process_count' 2
ok "JSON has the server" json_is '.sockets[0].server | .shape + " " + (.workers | tostring)' "server 1"
ok "JSON has the command that frees the port" json_is \
  '.sockets[0].server.stop[0].command | test("^kill '"$pid"' [0-9]+$")' true
ok "JSON has how far they were searched" json_is '.sockets[0].processes_search | test("partial|complete")' true
ok "JSON has the trials" json_is '[.trials[].error] | unique | join(" ")' EADDRINUSE
why -q 127.0.0.1:2000
ok "-q is the first line" test "$(wc -l <"$work/out")" = 1
why 127.0.0.1:2001
ok "another port is free" first_line_is "FREE 127.0.0.1:2001: bind() and listen() would succeed now"
ok "exit 0" status_is 0
why 127.0.0.5:2000
ok "another address, too" status_is 0
why 224.0.0.1:2001
ok "a multicast address can be bound" status_is 0
ok "but the note says what that is worth" out_has "This is a multicast address: bind() takes it"
why 127.255.255.255:2001
ok "so can a broadcast address" out_has "This is a broadcast address: bind() takes it"
why 127.0.0.2:2001
ok "the address of one host has no such note" out_lacks "bind() takes it"
why :2001
ok "any address: free in both families" first_line_starts "FREE :2001:"
end

# SO_REUSEADDR, which nearly all servers set.
begin time-wait-reuse
why 127.0.0.1:2000
ok "TIME-WAIT is no obstacle to a server that sets SO_REUSEADDR" first_line_starts \
  "FREE with SO_REUSEADDR (most servers set it); without: TIME-WAIT, "
ok "which is exit 0" status_is 0
ok "what is in the way without it is shown" out_has "In the way without SO_REUSEADDR"
ok "with its cause" out_has "  time-wait-rebind: "
ok "and how to wait" out_has "portreuse why --watch --no-reuse-addr --pid $pid 127.0.0.1:2000"
why -v 127.0.0.1:2000
ok "with -v, the trials that differ" out_matches '^  without options                EADDRINUSE$'
why --format json 127.0.0.1:2000
ok "in JSON it is free" json_is '[.verdict, .error, .needs_reuseaddr, .cause] | join(" ")' \
  "free  true time-wait-rebind"
why :2000
ok "asked by port alone, likewise" first_line_starts "FREE :2000 with SO_REUSEADDR"
why --reuse-addr 127.0.0.1:2000
ok "--reuse-addr is the default" status_is 0
why --no-reuse-addr 127.0.0.1:2000
ok "--no-reuse-addr asks for the others" status_is 1
ok "the trial that works is shown" out_has \
  "# set SO_REUSEADDR before bind(): a trial with it has just worked"
ok "and the time left" out_matches '^EADDRINUSE .*: TIME-WAIT, [56][0-9]? s left; set SO_REUSEADDR'
end

# Both families, as a server would bind them: the most telling answer.
begin dual-stack
why :2000
ok "a dual-stack listener, asked by port: it listens" first_line_starts "EADDRINUSE [::]:2000: situation"
ok "that is address-in-use" out_has "  address-in-use: "
end
begin wildcard
why '[::]:2000'
ok "an IPv4 listener, asked about [::]" first_line_starts \
  "EADDRINUSE [::]:2000: situation ($pid) listens on 0.0.0.0:2000"
why :2000
ok "asked by port: address-in-use" out_has "  address-in-use: "
why localhost:2000
ok "localhost is both families" out_has "[::1]:2000 is free."
end
begin reuseport-time-wait
why 127.0.0.1:2000
ok "TIME-WAIT of a socket with SO_REUSEPORT" first_line_starts "EADDRINUSE 127.0.0.1:2000: TIME-WAIT, "
ok "SO_REUSEPORT is the way out" out_matches '^EADDRINUSE .*set SO_REUSEPORT or wait'
ok "which shares no connections" out_lacks "share the connections"
end

# Of many connections one is in the way, as its socket alone has no SO_REUSEADDR.
begin crowd
why 127.0.0.1:2000
ok "the one among many is found" out_matches '^  ESTABLISHED 127.0.0.1:2000 to .*, no SO_REUSEADDR'
ok "the others are not blamed" test "$(grep -c '^  ESTABLISHED' "$work/out")" = 1
ok "nor counted" out_lacks "more sockets"
end

# As another process; on a device.
begin listener
why --device lo 127.0.0.1:2000
ok "a socket on a device meets one on none" status_is 1
why --device no-such-dev 127.0.0.1:2000
ok "a device that is not there" first_line_is \
  "UNKNOWN 127.0.0.1:2000: finding the network device: ENODEV"
end
if command -v ip >/dev/null; then
  begin devices
  if [ "$pid" != 0 ]; then
    why --device up0 0.0.0.0:2000
    ok "a socket on another device is not in the way" status_is 0
    why --device lo 0.0.0.0:2000
    ok "one on the same device is" status_is 1
    why '[fe80::1%up0]:2001'
    ok "a link-local address with its device" first_line_is \
      "FREE [fe80::1%up0]:2001: bind() and listen() would succeed now"
    why '[fe80::1%lo]:2001'
    ok "with another device" first_line_starts "EADDRNOTAVAIL [fe80::1%lo]:2001: "
  else
    skip "devices" "$(cat "$work/trouble")"
  fi
  end
fi
begin long-fin-wait
why 127.0.0.1:2000
ok "of a long FIN-WAIT-2 the time left is not known" first_line_is \
  "EADDRINUSE 127.0.0.1:2000: FIN-WAIT-2, not closed by the peer; wait"
ok "and no part of it is told" out_lacks " 60 s"
end
if is_root; then
  begin unprivileged
  why :80
  ok "--pid asks as that process: no privilege" first_line_starts "EACCES 0.0.0.0:80: ports below 1024"
  run "$portreuse" why --netns "/proc/$pid/ns/net" :80
  ok "--netns only moves" status_is 0
  end
  begin nothing
  why --uid nobody :80
  ok "--uid takes a name" first_line_starts EACCES
  end
  begin privileged
  why --uid nobody :80
  ok "a privileged port that is taken anyway" first_line_is \
    "EACCES 0.0.0.0:80: needs CAP_NET_BIND_SERVICE, and situation ($pid) has it"
  ok "names who has it" out_has "LISTEN 0.0.0.0:80"
  end
fi
run "$portreuse" why --uid no-such-user :80
ok "a user that is not there" err_has "expected a user ID, or a name in /etc/passwd"

begin dual-stack
why 0.0.0.0:2000
ok "[::] and 0.0.0.0: dual stack" out_has "  dual-stack: "
why --v6only '[::]:2000'
ok "and with --v6only still one too many" status_is 1
end
begin stolen
why 127.0.0.1:2000
ok "the remedy keeps the port for servers" out_has "sysctl -w net.ipv4.ip_local_reserved_ports=2000"
end

# One that shares the port beside one that does not: what is known of the one is never held against the
# other, in whichever order the kernel lists them.
answers=
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14; do
  begin stolen-beside-fixed
  why --reuse-addr 0.0.0.0:2000
  answers="$answers$(sed -n '/^Cause$/{n;s/^  \([a-z-]*\): .*/\1/p;}' "$work/out") "
  end
done
ok "of two connections the one in the way is blamed, each time" \
  test "$(printf '%s' "$answers" | tr ' ' '\n' | sort | uniq -c | tr -s ' ')" = " 14 stolen-port"

# All network namespaces.
begin listener
if is_root; then
  run "$portreuse" why --all-netns 127.0.0.1:2000
  ok "the first line names the namespace" out_matches '^EADDRINUSE .*2000 in the netns of pid [0-9]+: '
  ok "so does that of each" out_matches "^EADDRINUSE .*2000 in the netns of pid $pid: (situation|pid)"
  ok "namespaces in which it is free are counted" out_matches '^FREE in [0-9]+ other network namespace'
else
  skip "all network namespaces" "we are not root"
fi
end

# Errors.
run "$portreuse" why
ok "without an address it is exit 2" status_is 2
run "$portreuse" why 127.0.0.1
ok "the port is needed" err_has "port is missing"
run "$portreuse" why --as nobody :1
ok "--as has two values" err_has "expected 'server' or 'client'"
run "$portreuse" why --pid 2147483647 :1
ok "a process that is gone" err_has "--pid 2147483647: No such process"
run "$portreuse" why --netns no-such-namespace :1
ok "a namespace that is not there" err_has "--netns no-such-namespace: No such file or directory"

# An ordinary user does not see whose it is, and says so.
if is_root && users_may; then
  begin listener
  run as_user nsenter --version
  run nsenter -t "$pid" -n setpriv --reuid=65534 --regid=65534 --clear-groups \
    "$portreuse" why 127.0.0.1:2000
  ok "without rights the cause is named" out_has "  address-in-use: "
  ok "the user of the socket is shown" out_has "not found: processes of other users cannot be searched; user ID 0"
  ok "and what root would add" out_matches 'process(es)? could not be searched. As root'
  end
else
  skip "somebody else's socket" "it needs root and a user"
fi

finish
