#!/bin/sh
# The causes: docs/causes.md is that of the table of causes, and a range of ports that is full gets the
# cause that most of its sockets stand for.
# shellcheck source=lib.sh
. "$(dirname "$0")/../lib.sh"

# fill LIVE BOUND: a scenario whose last connect() finds so many ports taken by live connections to
# the same place, and by sockets that were bound.
fill() {
  cat >"$work/filled.scenario" <<EOF
title t
case c
  sysctl net.ipv4.ip_local_port_range 40000 $((40000 + $1 + $2 - 1))
  server socket listener
  server bind listener 127.0.0.1:80
  server listen listener
  bound repeat $2
    socket s
    bind s 127.0.0.1:0
  end
  client repeat $1
    socket s
    connect s 127.0.0.1:80
  end
  client socket last
  client connect last 127.0.0.1:80 -> EADDRNOTAVAIL
EOF
  run "$portreuse" run "$work/filled.scenario"
}

fill 6 2
ok "a range of live connections and two bound sockets is full" status_is 0
ok "most are live connections" out_has "cause:      ephemeral-exhaustion-established: "
fill 2 6
ok "a range of bound sockets and two live connections is full" status_is 0
ok "most were bound" out_has "cause:      poisoned-port: "

# A bound of the socket's own range that lies outside of the namespace's does not count.
cat >"$work/half.scenario" <<'EOF'
title t
case c
  sysctl net.ipv4.ip_local_port_range 40000 40009
  client repeat
    socket s IP_LOCAL_PORT_RANGE=40008-50009
    bind s 127.0.0.1:0
  end -> EADDRINUSE at bind after 2 | ENOPROTOOPT at socket
EOF
run "$portreuse" run "$work/half.scenario"
if out_has ENOPROTOOPT; then
  skip "a socket's own range" "needs kernel >= 6.3"
else
  ok "the range that counts is shown" out_has "all 2 ports of 40008-40009"
  ok "and the cause that it is the socket's own" out_has "cause:      port-range-per-socket: "
fi

# More roles than there are groups: each socket is counted all the same.
if command -v jq >/dev/null; then
  {
    printf 'title t\ncase c\n  sysctl net.ipv4.ip_local_port_range 40000 40059\n'
    printf '  server socket s\n  server bind s 127.0.0.1:80\n  server listen s\n'
    for role in $(seq 60); do
      printf '  r%s socket s\n  r%s connect s 127.0.0.1:80\n' "$role" "$role"
    done
    printf '  last socket s\n  last connect s 127.0.0.1:80 -> EADDRNOTAVAIL\n'
  } >"$work/crowd.scenario"
  run "$portreuse" run --format json "$work/crowd.scenario"
  ok "of 60 roles every socket is in a group" test \
    "$(jq '[.. | .evidence? // empty | [.groups[].count] | add] | max' "$work/out")" = 60
else
  skip "the groups of many roles" "jq is not installed"
fi

# docs/causes.md
page=$here/../../docs/causes.md
"$helpers/causes" >"$work/causes.md"
ok "docs/causes.md is fresh: build/tests/causes >docs/causes.md" diff "$page" "$work/causes.md"
"$helpers/causes" names | sed 's/ .*//' >"$work/names"
ok "and has every cause" sh -c '[ "$(grep -c "^## " "$1")" = "$(wc -l <"$2")" ]' - "$page" "$work/names"
sed -n 's/^- Scenario: \[\([a-z0-9-]*\)\].*/\1/p' "$page" >"$work/scenarios"
ok "each scenario that it names exists" sh -c '
  while read -r name; do "$1" show "$name" >/dev/null || exit 1; done <"$2"' - "$portreuse" "$work/scenarios"

finish
