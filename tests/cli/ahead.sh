#!/bin/sh
# The next case is prepared while one is under way, and its stage is ended behind the run's back: the
# results are in order, and each case is on its own.
# shellcheck source=lib.sh
. "$(dirname "$0")/../lib.sh"

if ! command -v jq >/dev/null; then
  skip "what is prepared ahead" "jq is not installed"
  finish
fi

# Cases that differ in how they end, among them ones that cannot run here.
cat >"$work/mixed.scenario" <<'END'
title  Cases that end in every way
case one
  sysctl net.ipv4.ip_local_port_range 40000 40009
  a socket l
  a bind   l 127.0.0.1:1215
case two
  a socket l
  a bind   l 127.0.0.1:0
case three fails
  a socket l
  a bind   l 127.0.0.1:1215                      -> EADDRINUSE
case four has the port of the first
  a socket l
  a bind   l 127.0.0.1:1215
  a listen l
case five has it too
  b socket l
  b bind   l 127.0.0.1:1215
END
run "$portreuse" run --format tap "$work/mixed.scenario"
ok "one of five fails" status_is 1
ok "the results are in order" sh -c \
  'grep -E "^(not )?ok" "$1" | grep -o "one\|two\|three fails\|four\|five" | tr "\n" " " | grep -qx "one two three fails four five "' - "$work/out"
ok "the case that fails is the third" out_matches "^not ok 3 "
run "$portreuse" run --repeat 30 --format json "$work/mixed.scenario"
ok "each is repeated on its own" test "$(jq -c '[.scenarios[0].cases[].runs]' "$work/out")" = "[30,30,30,30,30]"
ok "and always answers the same" test "$(jq -c '[.scenarios[0].cases[].passed]' "$work/out")" = "[30,30,0,30,30]"

# The events of one case at a time do not overlap.
run "$portreuse" run --format ndjson "$work/mixed.scenario"
ok "a case begins when the one before has ended" test \
  "$(jq -r .event "$work/out" | grep '^case' | tr '\n' ,)" = \
  "$(yes 'case begin,case end,' | head -n 5 | tr -d '\n')"

# Nothing is begun that --fail-fast forbids, though it is prepared.
run "$portreuse" run --fail-fast "$work/mixed.scenario"
ok "--fail-fast runs no case after the third" out_has "--fail-fast"
ok "no process is left" [ -z "$(our_processes)" ]

# A case and the next one do not share a processor, so that neither waits for the other; the processes of
# one case do.
mkdir -m 777 "$work/at"
cat >"$work/place.scenario" <<END
title  Where two cases are
case one
  a exec sh -c "grep Cpus_allowed_list: /proc/self/status >$work/at/one-a"
  b exec sh -c "grep Cpus_allowed_list: /proc/self/status >$work/at/one-b"
  a wait -> exit 0
  b wait -> exit 0
case two
  a exec sh -c "grep Cpus_allowed_list: /proc/self/status >$work/at/two-a"
  a wait -> exit 0
END
if [ "$(nproc)" = 1 ]; then
  skip "two cases are on two processors" "there is one processor"
else
  run "$portreuse" run "$work/place.scenario"
  ok "the processes of a case are on one processor" sh -c \
    'cmp "$1/one-a" "$1/one-b" && grep -E "[[:blank:]][0-9]+$" "$1/one-a"' - "$work/at"
  ok "the next case is on another one" sh -c '! cmp "$1/one-a" "$1/two-a"' - "$work/at"
fi

# What was prepared waits: its time starts when it begins, and its roles are there.
cat >"$work/waits.scenario" <<'END'
title  A case that takes its time, and one after it
case one
  sleep 1500ms
case two
  a socket l
  b socket l
  a bind   l 127.0.0.1:1215
  b bind   l 127.0.0.1:1215                      -> EADDRINUSE
END
run "$portreuse" run --timeout 1700ms --format json "$work/waits.scenario"
ok "the time limit of a case starts when it begins" status_is 0
ok "so does the time that it took" test "$(jq '.scenarios[0].cases[1].seconds < 1' "$work/out")" = true

# A name that is used twice: what its first socket has left is in the way, and is told.
cat >"$work/twice.scenario" <<'END'
title  Two connections of one name
case the first is in TIME-WAIT
  s socket l SO_REUSEADDR
  s bind   l 127.0.0.1:1215
  s listen l
  c socket k
  c connect k 127.0.0.1:1215
  s accept l p
  s close  p
  c recv   k -> eof
  c close  k
  c socket k
  c connect k 127.0.0.1:1215
  s accept l p
  c close  k
  s recv   p -> eof
  s close  p
  s close  l
  await TIME-WAIT 127.0.0.1:1215
  n socket l
  n bind   l 127.0.0.1:1215 -> EADDRINUSE
END
run "$portreuse" run --format json "$work/twice.scenario"
ok "a socket that has lost its name is found" \
  test "$(jq -c '[.scenarios[0].cases[0].steps[-1].evidence.sockets[] | .state + " " + .local] | unique' "$work/out")" = \
  '["TIME-WAIT 127.0.0.1:1215"]'

# A connection that nobody has accepted has no name on its side.
cat >"$work/unaccepted.scenario" <<'END'
title  A connection without a name
case it outlives its listener's name
  s socket l
  s bind   l 127.0.0.1:1215
  s listen l
  c socket k
  c connect k 127.0.0.1:1215
  n socket l
  n bind   l 127.0.0.1:1215 -> EADDRINUSE
END
run "$portreuse" run -v --format json "$work/unaccepted.scenario"
ok "one that waits for accept() is found" \
  test "$(jq -c '[.scenarios[0].cases[0].steps[-1].evidence.sockets[].state] | sort' "$work/out")" = \
  '["ESTABLISHED","LISTEN"]'

# Where only so many namespaces may be, what cannot be prepared beside another case is done after it.
if is_root && unshare -U true 2>/dev/null; then
  run unshare -Ur sh -c 'echo 1 >/proc/sys/user/max_net_namespaces && exec "$@"' - \
    "$portreuse" run --must-run "$work/mixed.scenario"
  ok "with one namespace at a time all cases run" out_matches "^FAIL .*1 of 5"
else
  skip "with one namespace at a time all cases run" "no user namespace can be made"
fi

finish
