#!/bin/sh
# portreuse matrix: the kernel and the model agree, in every format, and what was narrowed or changed.
# shellcheck source=lib.sh
. "$(dirname "$0")/../lib.sh"

refuse=$work/refuse
cp "$helpers/refuse" "$refuse"
chmod 755 "$refuse"

run "$portreuse" matrix
ok "the kernel answers as the model says" status_is 0
ok "the first line is the verdict" out_matches '^PASS matrix: [0-9]+ pairs of sockets, as the model says$'
ok "no line is wider than 80 columns" sh -c '! grep -qE "^.{81}" "$1"' - "$work/out"
# With one user alone, TIME-WAIT differs from no other state.
time_wait=TIME-WAIT lines=12
! out_has "Sockets of another user are left out" || time_wait=ESTABLISHED lines=11
ok "there is a line for each state that differs" sh -c \
  '[ "$(grep -cE "^[A-Z0-9-]+ +([.b+]{4} ){4}" "$1")" -ge "$2" ]' - "$work/out" $lines
ok "and a word for each that does not" out_has "OUT-PORT-0            a socket bound to port 0, then connected: as OUT-BOUND"
ok "it is a summary" sh -c '[ "$(wc -l <"$1")" -lt 90 ]' - "$work/out"
ok "no pair disagrees" sh -c '! grep -qE "^[A-Z0-9-]+ +[.b+! ]*[!]" "$1"' - "$work/out"
# On a busy machine a pair can be made again, and the report says so.
but_for_remarks() { sed "/^Made again/,/^\$/d" "$work/out"; }
but_for_remarks >"$work/first"
run "$portreuse" matrix
but_for_remarks >"$work/second"
ok "it is the same the next time" cmp "$work/first" "$work/second"

if users_may; then
  run as_user "$portreuse" matrix
  ok "an ordinary user can measure it" status_is 0
  ok "and is told that other users are left out" out_has "Sockets of another user are left out"
else
  skip "an ordinary user can measure it" "ordinary users may have no private namespace here"
fi

# --- one pair ---

one() { # FIRST SECOND
  run "$portreuse" matrix --state TIME-WAIT --first "$1" --second "$2"
}
one 127.0.0.1,none 127.0.0.1,REUSEADDR
ok "SO_REUSEADDR on the new socket alone does not bind over TIME-WAIT" out_has "bind EADDRINUSE"
ok "the rule is named" out_has "time-wait-rebind: A connection in TIME-WAIT keeps the port"
one 127.0.0.1,REUSEADDR 127.0.0.1,none
ok "on the old one alone neither" out_has "bind EADDRINUSE"
one 127.0.0.1,REUSEADDR 127.0.0.1,SO_REUSEADDR
ok "on both it does" out_has "bind ok, listen ok"
one 127.0.0.1,REUSEPORT 127.0.0.1,REUSEADDR
ok "one option each does not" out_has "bind EADDRINUSE"
run "$portreuse" matrix --state LISTEN --first '[::],none' --second 0.0.0.0,none
ok "[::] takes the IPv4 port" out_has "dual-stack: "
ok "unless it is v6only" out_has "v6only none, then 0.0.0.0 none"
run "$portreuse" matrix --state BOUND --first 0.0.0.0,REUSEADDR --second 0.0.0.0,REUSEADDR
ok "two may bind by SO_REUSEADDR" out_has "both-reuseaddr: "

# The client of a dual-stack listener decides what its connections overlap.
run "$portreuse" matrix --state TIME-WAIT --first ::,IPv4,none --second 127.0.0.1,none
ok "what an IPv4 client left on [::] blocks IPv4" out_has "bind EADDRINUSE"
ok "and the row is named after the client" out_has "TIME-WAIT :: (IPv4 client) none, then 127.0.0.1"
run "$portreuse" matrix --state TIME-WAIT --first ::,IPv6,none --second 127.0.0.1,none
ok "what an IPv6 client left does not block 127.0.0.1" out_has "bind ok, listen ok"
run "$portreuse" matrix --state TIME-WAIT --state ESTABLISHED
ok "in the grids both rows are there" sh -c \
  '[ "$(grep -cE "^over IPv[46] " "$1")" -ge 4 ]' - "$work/out"
run "$portreuse" matrix --second ::,IPv4
ok "the second socket has no client" status_is 2

# --- the first one listens later ---

later() { # FIRST SECOND
  run "$portreuse" matrix --state LISTEN-LATER --first "$1" --second "$2"
}
later 127.0.0.1,REUSEADDR 127.0.0.1,REUSEADDR
ok "two may bind, and the one that listens first refuses the other" out_has "bind ok, listen EADDRINUSE"
ok "the rule is named" out_has "bind-twice-listen-once: "
later 127.0.0.1,REUSEPORT 0.0.0.0,REUSEPORT
ok "SO_REUSEPORT lets both listen" out_has "bind ok, listen ok"
run "$portreuse" matrix --state LISTEN-LATER
ok "the grid has the mark of bind only" grep -qE " \.b\.b( |$)" "$work/out"

# --- the other states, by what the kernel answered ---

line() { # STATE MARKS
  ok "$1 is $2" grep -qE "^$1 +$(echo "$2" | sed 's/[.+]/\\&/g')" "$work/first"
}
line BOUND ".... .+.+ ..++ .+++"
line LISTEN ".... .... ..++ ..++"
line OUT-CONNECT ".... .+.+ ..++ .+++"
line CLEARED ".... .... ..++ ..++"
line SECOND-CLEARED ".... .b.b ..bb .bbb"
line JOINED ".... .+++ ..++ .+++"
line JOINED-LISTEN ".... ..++ ..++ ..++"
like() { # STATE OTHER
  ok "$1 is as $2" sh -c \
    'tr -s "\n " " " <"$1" | grep -qE "(^| )$2 [A-Za-z][^:]*: as $3 [A-Z]"' - "$work/first" "$1" "$2"
}
like WITH-LISTENER LISTEN
like CLOSE-WAIT ESTABLISHED
like FIN-WAIT-2-OPEN ESTABLISHED
like FIN-WAIT-2 $time_wait
like SYN-SENT OUT-CONNECT
like OUT-BOUND-TIME-WAIT $time_wait
like SET-LATER BOUND
ok "where the order of calls matters is said" \
  grep -q "There is more to CLEARED, LISTEN-CLEARED, JOINED and JOINED-LISTEN" "$work/first"

# Three sockets: one that has both options lets a third with SO_REUSEPORT in beside one that has not.
run "$portreuse" matrix --state JOINED --first 127.0.0.1,REUSEADDR --second 127.0.0.1,REUSEPORT
ok "a third socket can listen beside one without SO_REUSEPORT" out_has "bind ok, listen ok"
ok "as the kernel looks at the last one alone" out_has "same-reuseport: "
run "$portreuse" matrix --state OUT-PORT-0 --first 127.0.0.1,none --second 127.0.0.1,REUSEADDR
ok "a connected client's port is taken" out_has "bind EADDRINUSE"
ok "and the rule is that of connections" out_has "live-connection: "

# --- other calls ---

call() { # CALL STATE FIRST SECOND
  run "$portreuse" matrix --call "$1" --state "$2" --first "$3" --second "$4"
}
call port-0 BOUND 127.0.0.1,both 127.0.0.1,both
ok "bind() to port 0 shares with nobody" out_has "bind EADDRINUSE"
ok "whatever the options" out_has "ephemeral-bind: "
call connect OUT-CONNECT 0.0.0.0,none 127.0.0.1,none
ok "connect() makes no connection twice" out_has "connect EADDRNOTAVAIL"
call connect OUT-CONNECT 0.0.0.0,none 127.0.0.2,none
ok "but shares the port of another one" out_has "connect ok"
call connect OUT-PORT-0 127.0.0.1,none 127.0.0.2,none
ok "which bind() to port 0 does not" out_has "poisoned-port: "
call bind-connect OUT-BOUND 127.0.0.1,both 127.0.0.1,both
ok "nor does a bound socket make it" out_has "bind ok, connect EADDRNOTAVAIL"
call bind-connect OUT-BOUND-TIME-WAIT 127.0.0.1,both 127.0.0.1,both
ok "unless the other is in TIME-WAIT" out_has "bind ok, connect ok"

# --- devices ---

run "$portreuse" matrix --device other --state LISTEN --first 127.0.0.1,none --second 127.0.0.1,none
ok "sockets on two devices share everything" out_has "bind ok, listen ok"
ok "the rule is named" out_has "other-device: "
run "$portreuse" matrix --device second --state LISTEN --first 127.0.0.1,none --second 127.0.0.1,none
ok "a device of one of them changes nothing" out_has "bind EADDRINUSE"
ok "the summary says so" grep -q "the second on lo  *as without" "$work/first"
ok "and what two devices do" grep -q "another device  *+ throughout" "$work/first"

# --- UDP ---

run "$portreuse" matrix --protocol udp
ok "the kernel answers for UDP as the model says" status_is 0
ok "the verdict names UDP" out_matches '^PASS matrix: [0-9]+ pairs of UDP sockets, as the model says$'
ok "there are the states of UDP" out_matches "^UNCONN +a bound socket$"
ok "and no others" out_lacks "LISTEN"
ok "only CLEARED and JOINED differ from a bound socket" sh -c \
  '[ "$(grep -cE "^[A-Z0-9-]+ +([.+]{4} ){4}" "$1")" = 4 ]' - "$work/out"
ok "no line is wider than 80 columns" sh -c '! grep -qE "^.{81}" "$1"' - "$work/out"
run "$portreuse" matrix --protocol udp --state UNCONN --first 127.0.0.1,REUSEADDR \
  --second 127.0.0.1,REUSEADDR
ok "SO_REUSEADDR lets two UDP sockets bind" out_has "    bind ok"
ok "and listen() is not asked" out_lacks "listen ok"
ok "the rule is one of UDP" out_has "udp-both-reuseaddr: "
run "$portreuse" matrix --protocol udp --state LISTEN
ok "UDP sockets do not listen" status_is 2
run "$portreuse" matrix --protocol udp --format csv
ok "the CSV of UDP says so" sh -c '[ "$(tail -n +2 "$1" | grep -vc ",UDP,")" = 0 ]' - "$work/out"
run "$portreuse" matrix --protocol udp --format json
cp "$work/out" "$work/udp.json"
ok "the JSON has the protocol" out_has '"protocol": "UDP"'
run "$portreuse" matrix --protocol udp --diff "$work/udp.json"
ok "nothing has changed" status_is 0
run "$portreuse" matrix --diff "$work/udp.json"
ok "TCP is not compared with UDP" status_is 2
run "$portreuse" matrix --protocol udp --format markdown
ok "so has Markdown" out_has "# Which UDP sockets may share a port"
run "$portreuse" matrix --protocol udp --format svg
ok "and SVG" out_has "Which UDP sockets may share a port"

# --- data ---

run "$portreuse" matrix --format csv
records=$(($(wc -l <"$work/out") - 1))
ok "the CSV has a record for each pair" sh -c 'head -n 1 "$1" | grep -q "^PASS matrix: $2 pairs"' - \
  "$work/first" "$records"
ok "each record has as many fields as the first" sh -c \
  '[ "$(sed "s/\"[^\"]*\"/x/g" "$1" | awk -F, "{ print NF }" | sort -u)" = 16 ]' - "$work/out"
run "$portreuse" matrix --format json
cp "$work/out" "$work/before.json"
ok "the JSON has them too" sh -c '[ "$(grep -c "\"first_address\"" "$1")" = "$2" ]' - "$work/out" "$records"
run "$portreuse" matrix --format markdown
ok "the Markdown has a table for each state" sh -c \
  '[ "$(grep -cE "^## (BOUND|LISTEN|ESTABLISHED|TIME-WAIT)$" "$1")" = 4 ]' - "$work/out"
ok "its rows have one width" sh -c \
  '[ "$(grep -E "^\| [0-9:]" "$1" | sed "s/[^|]//g" | sort -u | wc -l)" = 1 ]' - "$work/out"
# What was tried with a few addresses only has no table, but it is there.
cp "$work/out" "$work/markdown"
run "$portreuse" matrix
sed -n '/^both on 127/,$p' "$work/out" >"$work/summary"
ok "it says in short what the text says" sh -c '[ -s "$1" ] && ! grep -vxF -f "$2" "$1"' - \
  "$work/summary" "$work/markdown"
run "$portreuse" matrix --state OUT-CONNECT --call connect --format markdown
ok "a choice is shown as tables alone" out_lacks "In short"
ok "and what a refusal of connect() is" out_has 'connect() without bind() fails with EADDRNOTAVAIL'
# A square of the panels has 8 pixels; those of the key are larger.
marks() { grep -E '^\| [0-9:]' "$work/all.md" | sed 's/^| [^|]*|//' | tr -cd "$1" | wc -c; }
squares() { grep "^<path class=\"$2\"" "$1" | grep -o 'h8v8h-8z' | wc -l; }
as_many() { # FILE: as squares as there are marks in the Markdown
  [ "$(marks +)" -gt 1000 ] && [ "$(marks +)" = "$(squares "$1" yes)" ] &&
    [ "$(marks .b)" = "$(squares "$1" no)" ] && [ "$(marks b)" = "$(grep '^<path class="part"' "$1" | grep -o 'v8h8z' | wc -l)" ]
}
run "$portreuse" matrix --output "$work/all.md" --output "$work/all.svg" --output "$work/all.html"
ok "the SVG has a square for each mark of the Markdown" as_many "$work/all.svg"
ok "and so has the page" as_many "$work/all.html"
ok "neither has the square of a disagreement" sh -c '! grep "class=\"wrong\"" "$1/all.svg" "$1/all.html"' - "$work"
ok "the SVG shows its title" grep -q '<text [^>]*class="title">Which TCP sockets may share a port<' "$work/all.svg"
ok "it says that there are more states than panels" grep -q "states without a panel" "$work/all.svg"
ok "and so does the page" grep -q "states without a panel" "$work/all.html"
# An address has 16 squares for each of the eight others, also where another user tried only four of them.
whole() { [ $((($(squares "$1" yes) + $(squares "$1" no) + $(squares "$1" untried)) % 128)) = 0 ]; }
if [ $lines = 12 ]; then
  ok "each block is whole" whole "$work/all.svg"
  ok "the key says what an empty square means" grep -q '>not tried<' "$work/all.svg"
fi
if users_may; then
  run as_user "$portreuse" matrix --state BOUND --format svg
  ok "of which an ordinary user has none" sh -c 'grep -q "every call" "$1" && ! grep "not tried\|untried\" d" "$1"' - "$work/out"
else
  skip "of which an ordinary user has none" "an ordinary user may not make namespaces"
fi
ok "its colours need no variables" sh -c '! grep -q "var(" "$1/all.svg"' - "$work"
ok "the page needs nothing else" sh -c \
  '! grep -iE "<(script|link|img|iframe|object|embed|base)|(src|href|action)=|url\(|@import|https?:" "$1/all.html"' - "$work"
if command -v xmllint >/dev/null; then
  ok "the SVG is sound XML" xmllint --noout "$work/all.svg"
else
  skip "the SVG is sound XML" "xmllint is not installed"
fi

# --- what has changed ---

run "$portreuse" matrix --diff "$work/before.json"
ok "nothing has changed since a moment ago" status_is 0
ok "all pairs were compared" out_has "PASS matrix: 0 of $records pairs differ from Linux "
# Version 1 had only the IPv6 client of [::], and version 2 neither other calls nor devices.
run "$portreuse" matrix --state TIME-WAIT --state LISTEN --format json
sed 's/:: (IPv6 client)/::/; /"call": /d; /"device": /d; /"connect": /d' "$work/out" >"$work/version-1.json"
run "$portreuse" matrix --diff "$work/version-1.json"
ok "the JSON of older versions can be read" out_matches "^PASS matrix: 0 of 2[0-9]+ pairs differ "
# Of the first record of TIME-WAIT the old kernel said something else.
sed '/"state": "TIME-WAIT"/,/"bind"/ s/"bind": "EADDRINUSE"/"bind": "EACCES"/
  s/"kernel": ".*"/"kernel": "5.10"/' "$work/before.json" >"$work/other.json"
run "$portreuse" matrix --diff "$work/other.json" --first 127.0.0.1,none --second 127.0.0.1,none
ok "what has changed fails" status_is 1
ok "the other kernel is named" out_matches '^FAIL matrix: [1-9][0-9]* of .* pairs differ from Linux 5.10$'
ok "and the pair, before" out_has "was bind EACCES"
ok "and after" out_has "is  bind EADDRINUSE"
run "$portreuse" matrix --diff "$work/nothing.json"
ok "a file that is not there is named" err_has "nothing.json: cannot read this file: No such file"
ok "and that is trouble" status_is 2
echo '{"pairs": [' >"$work/broken.json"
run "$portreuse" matrix --diff "$work/broken.json"
ok "so is one that is broken" status_is 2
echo '{"pairs": []}' >"$work/empty.json"
run "$portreuse" matrix --diff "$work/empty.json" --first 127.0.0.1,none --second 127.0.0.1,none
ok "and one of whose pairs none can be compared: nothing has passed" status_is 2
ok "which it says" err_has "none of its pairs was measured now"
sed '/"state": "TIME-WAIT"/,/"bind"/ s/"bind": "EADDRINUSE"/"bind": "EUNHEARDOF"/' "$work/before.json" >"$work/unknown.json"
run "$portreuse" matrix --diff "$work/unknown.json" --first 127.0.0.1,none --second 127.0.0.1,none
ok "an errno that nobody knows is not taken for ok" out_lacks "was bind ok"
ok "the other pairs are compared" out_matches "^PASS matrix: 0 of [1-9][0-9]* pairs differ"
echo '{"cases": []}' >"$work/wrong.json"
run "$portreuse" matrix --diff "$work/wrong.json"
ok "and one without pairs, which says how to make one" err_has "portreuse matrix --format json"

# --- what is wrong ---

run "$portreuse" matrix --state TIMEWAIT
ok "an unknown state is refused" err_has "--state 'TIMEWAIT': TCP sockets have no such state; did you mean 'TIME-WAIT'?"
run "$portreuse" matrix --call listen
ok "so is a call" err_has "expected 'bind', 'port-0', 'connect' or 'bind-connect'"
run "$portreuse" matrix --device lo
ok "and a device" status_is 2
run "$portreuse" matrix --first 10.0.0.1
ok "an address that it has not is refused" status_is 2
run "$portreuse" matrix --second 127.0.0.1,v6only
ok "so is one that cannot be" status_is 2
run "$portreuse" matrix --state BOUND --output "$work/m.csv" --output "$work/m.json"
ok "one measurement goes to several files" sh -c \
  '[ "$(wc -l <"$1/m.csv")" -gt 100 ] && grep -q "\"pairs\"" "$1/m.json"' - "$work"
run "$portreuse" matrix --format yaml
ok "and a format" err_has "expected text, json, csv, markdown, html or svg"
run "$portreuse" matrix now
ok "and a word" status_is 2

if users_may; then
  run as_user "$refuse" seccomp "$portreuse" matrix
  ok "without a namespace it is skipped" status_is 0
  ok "with the reason" out_has "SKIP matrix: no private namespace, a seccomp filter refuses it"
  run as_user "$refuse" seccomp "$portreuse" matrix --must-run
  ok "--must-run makes that an error" status_is 2
  ok "and says so" out_has "ERROR matrix: "
  run as_user "$refuse" seccomp "$portreuse" matrix --format json
  ok "the JSON has the verdict" out_has '"verdict": "SKIP"'
else
  skip "without a namespace it is skipped" "ordinary users may have no private namespace here"
fi

finish
