#!/bin/sh
# The steps that ask the tool itself: they find what there is in the case's own namespace, and every
# report says what they found where that was not expected.
# shellcheck source=lib.sh
. "$(dirname "$0")/../lib.sh"

listener='title t
case c
  server   socket   l
  server   bind     l 127.0.0.1:1215
  server   listen   l'

# asks NAME CAUSE: what follows the listener is on standard input.
asks() {
  { echo "$listener"; cat; } | scenario asked
  run "$portreuse" run -q "$work/asked.scenario"
  ok "$1" first_line_is "$2"
}
asks "a listener is found" "PASS asked: 1 case, as expected" <<'S'
  why 127.0.0.1:1215 -> address-in-use
  why 127.0.0.1:1216 -> free
S
asks "it is not free" "FAIL asked: line 6: want free, got address-in-use" <<'S'
  why 127.0.0.1:1215 -> free
S
asks "another cause is not this one" "FAIL asked: line 6: want stolen-port, got address-in-use" <<'S'
  why 127.0.0.1:1215 -> stolen-port
S
asks "without the listener nothing is found" "FAIL asked: line 7: want address-in-use, got free" <<'S'
  server close l
  why 127.0.0.1:1215 -> address-in-use
S
asks "the line is not cut: of two long causes only one is named" \
  "FAIL asked: line 6: got address-in-use" <<'S'
  why 127.0.0.1:1215 -> ephemeral-exhaustion-established | unix-directory-not-writable
S
asks "a device that does not exist is an error" \
  "ERROR asked: line 6: finding the network device: ENODEV" <<'S'
  why 127.0.0.1:1215 SO_BINDTODEVICE=nowhere -> free
S
asks "a namespace of its own: the sockets of others are not there" "PASS asked: 1 case, as expected" <<'S'
  count ANY *:* -> 1
  why *:22 -> free
  why 127.0.0.1:22 udp -> free
S

asks "the budget is what is left for one destination" "PASS asked: 1 case, as expected" <<'S'
  sysctl net.ipv4.ip_local_port_range 40000 40009
  client socket   one
  client connect  one 127.0.0.1:1215
  client socket   two
  client bind     two 127.0.0.9:40009     # no connect() chooses this port
  budget 127.0.0.1:1215                   -> 8
  budget 127.0.0.1:1215 from 127.0.0.2    -> 9
  budget 127.0.0.1:1216                   -> 5..9
S
asks "and no other number" "FAIL asked: line 7: want 11..20, got 10" <<'S'
  sysctl net.ipv4.ip_local_port_range 40000 40009
  budget 127.0.0.1:1215                   -> 11..20
S
run "$portreuse" run "$work/asked.scenario"
ok "text: how many ports are left of how many" out_says \
  "found: 10 of the 10 ports of 40000-40009 are left (in use towards it: 0, kept by bound sockets: 0)"

# --- who asks ---

if is_root; then
  scenario asker <<'S'
title t
case c
  user     uid      65534
  user     socket   s
  user     bind     s 127.0.0.1:80    -> EACCES
  why 127.0.0.1:80 as user            -> privileged-port
  why 127.0.0.1:80                    -> free
S
  run "$portreuse" run -q --must-run "$file"
  ok "a role asks with its own rights" first_line_is "PASS asker: 1 case, as expected"
else
  skip "a role asks with its own rights" "root alone takes user ids"
fi
if users_may; then
  file=$work/user.scenario
  { echo "$listener"; echo "  why 127.0.0.1:1215 as server -> address-in-use"; } >"$file"
  chmod 644 "$file"
  run as_user "$portreuse" run -q --must-run "$file"
  ok "an ordinary user may ask" first_line_is "PASS user: 1 case, as expected"
else
  skip "an ordinary user may ask" "ordinary users may have no private namespace here"
fi

# --- what the reports say ---

scenario wrong <<'S'
title t
case as expected
  server   socket   l
  server   bind     l 127.0.0.1:1215
  server   listen   l
  why 127.0.0.1:1215 -> address-in-use
case not as expected
  server   socket   l
  server   bind     l 127.0.0.1:1215
  server   listen   l
  why 127.0.0.1:1215 -> free
S
found="bind() would answer EADDRINUSE"
run "$portreuse" run "$file"
ok "text: what was wanted and what was found" out_says "want: free got: address-in-use found: $found"
ok "text: whose socket is in the way" out_has "in the way: LISTEN 127.0.0.1:1215, held by server.l"
ok "text: the cause in a sentence" out_says "cause: address-in-use: another socket listens there"
ok "text: what was as expected needs no more words" sh -c '[ "$(grep -c "cause:" "$1")" = 1 ]' - "$work/out"
cp "$work/out" "$work/first"
run "$portreuse" run "$file"
ok "text: it is the same each time" cmp "$work/out" "$work/first"
run "$portreuse" run -v "$file"
ok "text: with -v it is said of each" sh -c '[ "$(grep -c "cause:" "$1")" = 2 ]' - "$work/out"
run "$portreuse" run --format markdown "$file"
ok "markdown has it" sh -c 'for part; do grep -qF -e "$part" "$0" || exit 1; done' "$work/out" \
  "- line 11, found: bind() would answer EADDRINUSE" "- line 11, cause: **address-in-use**: " \
  "- line 11, in the way: LISTEN 127.0.0.1:1215, held by server.l"
ok "markdown: what was as expected needs no more words" out_lacks "- line 6"
run "$portreuse" run --format tap "$file"
ok "tap has it" sh -c 'for part; do grep -qF -e "$part" "$0" || exit 1; done' "$work/out" \
  "seen: \"$found\"" "cause: address-in-use" '- "LISTEN 127.0.0.1:1215, held by server.l"'
run "$portreuse" run --format junit "$file"
ok "JUnit has it" out_says "found: $found in the way: LISTEN 127.0.0.1:1215, held by server.l"
run "$portreuse" run --format mermaid "$file"
ok "mermaid has the question, and the answer" sh -c \
  'grep -A1 "Note over k: why 127.0.0.1:1215" "$1" | grep -q "Note over k: address-in-use$"' - "$work/out"
ok "mermaid has the sockets" sh -c \
  'grep -q "Note over k: in the way<br/>LISTEN 127.0.0.1:1215, held by server.l<br/>cause: address-in-use" "$1"' \
  - "$work/out"
if command -v jq >/dev/null; then
  run "$portreuse" run --format json "$file"
  ok "json has the evidence of both" sh -c 'jq -e "[.scenarios[].cases[].steps[] | select(.verb == \"why\")] |
    length == 2 and all(.got == \"address-in-use\" and .evidence.cause == .got and .role == null and
      .evidence.sockets[0].holders[0].role == \"server\")" "$1"' - "$work/out"
else
  skip "json has the evidence of both" "jq is not installed"
fi

# --- the time it takes ---

scenario time <<'S'
title t
setup
  server   socket   l
  server   bind     l 127.0.0.1:1215
  server   listen   l
case c
  why 127.0.0.1:1215 -> address-in-use within 1s
  why 127.0.0.1:1216 -> free within 1s
S
run "$portreuse" run -q "$file"
ok "an answer comes soon" first_line_is "PASS time: 1 case, as expected"

# The command of a program needs no quotes, also if one of its options is none of ours.
run "$portreuse" why nc -l 127.0.0.1 8081
ok "a command with an option that why does not have" out_has "127.0.0.1:8081: "
run "$portreuse" why :8081 --vrbose
ok "behind an address it is a misspelt option of why" err_has "did you mean '--verbose'?"
run "$portreuse" why nc --vrbose
ok "and so it is if there is no port" status_is 2
run "$portreuse" why sleep -z 'a b'
ok "a command without a port is an error" status_is 2
ok "and the way to see it fail is told" err_has "  to run it and see why it fails: portreuse trace -- sleep -z 'a b'"
for word in '' .; do
  run "$portreuse" why "$word"
  ok "'$word' is no program" sh -c '! grep -q "to run it" "$1"' - "$work/err"
done
for name in unix: "unix:$(printf '%0109d' 0)" "/$(printf '%0108d' 0)"; do
  run "$portreuse" why "$name"
  ok "$name: how long the name of a Unix socket can be" err_has "': the name of a Unix socket has 1 to 108 bytes"
done
run "$portreuse" why sleep
ok "also without options" err_has ": portreuse trace -- sleep"
run "$portreuse" why -z sleep
ok "not for an option of our own" sh -c '! grep -q trace "$1"' - "$work/err"
run "$portreuse" why localhost -z
ok "nor for a name that is no program" sh -c '! grep -q trace "$1"' - "$work/err"

finish
