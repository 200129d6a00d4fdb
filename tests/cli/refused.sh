#!/bin/sh
# Surroundings that refuse what a run needs: SKIP with the reason and the way out, never PASS or FAIL.
# shellcheck source=lib.sh
. "$(dirname "$0")/../lib.sh"
cp "$helpers/refuse" "$work/refuse"
chmod 755 "$work/refuse"
refuse=$work/refuse

run as_user "$refuse" seccomp "$portreuse" run time-wait-rebind
ok "under a seccomp filter it is a SKIP" status_is 0
ok "whose first line says why" first_line_starts \
  "SKIP time-wait-rebind: no private namespace, a seccomp filter refuses it: "
ok "the report names the call" out_has "(unshare(CLONE_NEWUSER | CLONE_NEWNET):"
ok "and the ways out" out_has "cap-add=SYS_ADMIN"
run as_user "$refuse" seccomp "$portreuse" run --must-run time-wait-rebind
ok "--must-run makes it exit 2" status_is 2
ok "and an ERROR" first_line_starts "ERROR time-wait-rebind: "
run as_user "$refuse" seccomp "$portreuse" run --net=current --must-run address-in-use
ok "--net=current runs what needs no sysctl" first_line_is \
  "PASS address-in-use: 8 cases, all as expected"
run as_user "$refuse" seccomp "$portreuse" run --net=current --must-run time-wait-rebind
ok "case after case on the same ports, without any right" first_line_is \
  "PASS time-wait-rebind: 4 cases, all as expected"
run as_user "$refuse" seccomp "$portreuse" run --net=current ephemeral-exhaustion
ok "what writes sysctls is skipped there" first_line_starts "SKIP ephemeral-exhaustion: line "
ok "because it would change the host" out_has ": 'sysctl' would change the host"
run as_user "$refuse" seccomp "$portreuse" version -v
ok "version -v says it too" out_has "no private namespace, a seccomp filter"

# A kernel without IPv6.
run as_user "$refuse" ipv6 "$portreuse" run dual-stack
ok "without IPv6, what is about IPv6 is a SKIP" first_line_starts "SKIP dual-stack: needs ipv6: "
run as_user "$refuse" ipv6 "$portreuse" run --tag bind -q
ok "what is not, passes" status_is 0
run as_user "$refuse" ipv6 "$portreuse" matrix
ok "the matrix leaves IPv6 out" out_has "IPv6 is left out"
run as_user "$refuse" ipv6 "$portreuse" why '[::1]:2000'
ok "why says so" first_line_is \
  "UNKNOWN [::1]:2000: no IPv6 here (boot parameter ipv6.disable): EAFNOSUPPORT"

run as_user "$refuse" userns "$portreuse" run time-wait-rebind
if [ "$rc" = 99 ]; then
  skip "with user.max_user_namespaces=0 it is a SKIP" "no user namespace could be made to try it in"
else
  ok "with user.max_user_namespaces=0 it is a SKIP" first_line_starts \
    "SKIP time-wait-rebind: no private namespace, user.max_user_namespaces is 0: "
  ok "exit 0" status_is 0
fi

# One namespace at a time: the kernel counts each for a while after its last process has left it.
if unshare -r sh -c 'echo 1 >/proc/sys/user/max_net_namespaces' 2>/dev/null; then
  run unshare -r sh -c 'echo 1 >/proc/sys/user/max_net_namespaces && exec "$@"' - \
    "$portreuse" run -q -j1 address-in-use
  ok "with user.max_net_namespaces=1 each case gets its namespace" first_line_is \
    "PASS address-in-use: 8 cases, all as expected"
else
  skip "user.max_net_namespaces=1" "no user namespace could be made to try it in"
fi

run "$refuse" netlink "$portreuse" run time-wait-rebind
ok "without sock_diag, what asks it is skipped" first_line_starts \
  "SKIP time-wait-rebind: the kernel does not list its TCP sockets here"
run "$refuse" netlink "$portreuse" run address-in-use
ok "and what does not runs" first_line_is "PASS address-in-use: 8 cases, all as expected"
ok "with evidence from /proc/net" out_has "in the way: LISTEN 127.0.0.1:1215"

if unshare -rm true 2>/dev/null; then
  run unshare -rm sh -c 'mount -t tmpfs none /proc/sys && exec "$@"' - "$portreuse" run ephemeral-bind
  ok "without /proc/sys, what writes sysctls is skipped" first_line_starts \
    "SKIP ephemeral-bind: there is no /proc/sys here"
  run unshare -rm sh -c 'mount --bind /proc/sys /proc/sys && mount -o remount,ro,bind /proc/sys &&
    exec "$@"' - "$portreuse" run ephemeral-bind
  ok "so it is where /proc/sys is read-only" first_line_starts \
    "SKIP ephemeral-bind: /proc/sys is read-only here, as in a container"
else
  skip "a /proc/sys that cannot be written" "no mount namespace could be made to try it in"
fi

scenario sysctl <<'S'
title  It touches the host
case a sysctl
  sysctl net.ipv4.tcp_tw_reuse 0
case a socket is destroyed
  destroy *:22
case an address
  address 192.0.2.1
case many connections
  client repeat 1001
    socket  c
    connect c 127.0.0.1:1 -> ECONNREFUSED
    close   c
  end
case a port that somebody has
  one    socket s
  one    bind   s 127.0.0.1:0
case a good one
  one    socket s
S
run "$portreuse" run --net=current "$file"
ok "in the current namespace only what is harmless is run" first_line_is \
  "PASS sysctl: 2 cases, all as expected; 4 skipped"
ok "no sysctl" out_has "'sysctl' would change the host"
ok "no SOCK_DESTROY" out_has "'destroy' would change the host"
ok "no address" out_has "'address' would change the host"
ok "no flood" out_says "up to 1001 connections on the host, and the limit is 1000"

# A port that somebody else has there is told, and not blamed on the kernel. The port is one that was
# free a moment ago.
scenario free <<'S'
title  A free port
case one
  one  socket      s
  one  bind        s 127.0.0.1:0
  one  getsockname s -> any
S
run "$portreuse" run -v --net=current "$file"
port=$(sed -n 's/.*getsockname s *127.0.0.1:\([0-9]*\).*/\1/p' "$work/out")
printf 'title Holds a port\ncase one\n  a socket s\n  a bind s 127.0.0.1:%s\n  a listen s\n  sleep 30s\n' \
  "$port" >"$work/holder.scenario"
printf 'title Wants it\ncase one\n  a socket s\n  a bind s 127.0.0.1:%s\n' "$port" \
  >"$work/wants.scenario"
"$portreuse" run --net=current "$work/holder.scenario" >/dev/null &
holder=$!
until_ok grep -q "$(printf ':%04X 00000000:0000 0A' "$port")" /proc/net/tcp
run "$portreuse" run --net=current "$work/wants.scenario"
ok "a port that is taken in the current namespace is a SKIP" first_line_starts \
  "SKIP wants: port $port is in use in this namespace (LISTEN)"
kill $holder

# A case that fails where the namespace is set up otherwise than a new one says so, and blames nobody.
if unshare -rn true 2>/dev/null; then
  run unshare -rn "$portreuse" run --net=current time-wait-rebind
  ok "a namespace whose lo is down is a SKIP" first_line_starts \
    "SKIP time-wait-rebind: the device lo is down: ip link set lo up"
  run unshare -rn "$portreuse" run --net=current --must-run time-wait-rebind
  ok "with --must-run an ERROR" first_line_starts "ERROR time-wait-rebind: the device lo is down"
  run unshare -rn "$portreuse" run --net=current unix-stale-socket
  ok "what passes there passes" first_line_is "PASS unix-stale-socket: 8 cases, all as expected"
  scenario odd <<'S'
title A case that fails, and one that passes
case a failure
  one socket s
  one bind   s 127.0.0.1:80 -> ENOENT
case a success
  one socket s
  one bind   s 127.0.0.1:8080
S
  set -- sh -c 'echo 0 >/proc/sys/net/ipv4/ip_unprivileged_port_start; exec "$@"' sh
  run "$helpers/netns" "$@" "$portreuse" run --net=current "$file"
  ok "so is one with another setting, for what fails alone" first_line_is \
    "PASS odd: 1 case, as expected; 1 skipped"
  ok "and it is named" out_says "this namespace has net.ipv4.ip_unprivileged_port_start = 0, \
where the default is 1024: run it without --net=current"
  run "$helpers/netns" "$portreuse" run --net=current "$file"
  ok "where all is as usual, a failure is one" first_line_starts "FAIL odd: 1 of 2 cases"
else
  skip "a namespace whose lo is down is a SKIP" "there is no private namespace here"
fi

# What a case leaves in TIME-WAIT is gone when it ends, also what a block has made; the connections of
# others are not. A case of Multipath TCP is no worse off.
if unshare -rn true 2>/dev/null; then
  for name in first second; do
    printf '%s\n' "title $name" 'case one' '  s socket l mptcp4' '  s bind l *:4000' '  s listen l' \
      '  s serve' '    accept l p' '    recv p -> eof' '    close p' '  end' '  c repeat 20' \
      '    socket k' '    connect k 127.0.0.1:4000' '    close k' '  end' '  s stop -> 20' \
      >"$work/$name.scenario"
  done
  printf '%s\n' 'title others' 'case one' '  s socket l' '  s bind l 127.0.0.1:4001' '  s listen l' \
    '  c socket k' '  c connect k $s.l' '  s accept l p' '  c close k' '  s close p' \
    '  await TIME-WAIT *:* 127.0.0.1:4001' '  w socket s' '  w bind s 127.0.0.1:4002' \
    '  w exec "$PORTREUSE" run --net=current "$WORK/first.scenario" "$WORK/second.scenario"' \
    '  w wait -> exit 0' '  count TIME-WAIT *:4000 -> 0' '  count TIME-WAIT *:* *:4000 -> 0' \
    '  count TIME-WAIT *:* 127.0.0.1:4001 -> 1' |
    sed "s|\$PORTREUSE|$portreuse|; s|\$WORK|$work|g" >"$work/others.scenario"
  # The check for leaks of a sanitized build does not work under ptrace.
  run env ASAN_OPTIONS=detect_leaks=0 "$portreuse" run "$work/others.scenario"
  ok "with --net=current a case leaves nothing in TIME-WAIT" first_line_is \
    "PASS others: 1 case, as expected"
else
  skip "with --net=current a case leaves nothing in TIME-WAIT" "there is no private namespace here"
fi

# A call that fails because the process has too few descriptors is no answer of the kernel.
scenario few <<'S'
title  Many sockets
case in a block
  a repeat 200
    socket s
  end
case a block that serves
  a socket l
  a bind l 127.0.0.1:0
  a listen l
  a serve
    accept l p
  end
  b repeat 200
    socket k
    connect k $a.l
  end
S
run sh -c 'ulimit -n 100; exec "$@"' - "$portreuse" run "$file"
ok "too few descriptors are an error, not an answer" first_line_starts \
  "ERROR few: line 4: a process may have too few descriptors"
ok "which says what to do" out_says "a process may have too few descriptors: see ulimit -n (EMFILE)"

finish
