#!/bin/sh
# PASS, FAIL, SKIP and ERROR: each is reported as what it is, with its exit code.
# shellcheck source=lib.sh
. "$(dirname "$0")/../lib.sh"

scenario good <<'S'
title  A bind that works, and one that does not
setup
  one  socket  s
  one  bind    s 127.0.0.1:4000
case the port is taken
  two  socket  s
  two  bind    s 127.0.0.1:4000 -> EADDRINUSE
case another one is not
  two  socket  s
  two  bind    s 127.0.0.1:4001
S
good=$file
run "$portreuse" run "$good"
ok "PASS is exit 0" status_is 0
ok "the first line is the verdict" first_line_is "PASS good: 2 cases, all as expected"
ok "the errno is told as expected" out_has "EADDRINUSE (expected)"
ok "the socket in the way is told, with its state and its role" \
  out_has "in the way: BOUND 127.0.0.1:4000, held by one.s"
ok "the cause has its stable name" out_has "cause:      bound-but-idle: "
ok "nothing goes to standard error" err_is_empty

sed 's/4001/4001 -> EADDRINUSE/; s/:4000 -> EADDRINUSE/:4000/' "$good" >"$work/wrong.scenario"
run "$portreuse" run "$work/wrong.scenario"
ok "a wrong expectation is exit 1" status_is 1
ok "the verdict line has want and got" first_line_is \
  "FAIL wrong: 2 of 2 cases, first: line 7: want ok, got EADDRINUSE"
ok "so has the step: want" out_matches '^ +want: ok$'
ok "and got, with the errno's text" out_matches '^ +got:  EADDRINUSE \(Address (already )?in use\)$'
ok "an errno that did not come is a FAIL too" out_matches '^ +want: EADDRINUSE$'

scenario stops <<'S'
title  A case ends at its first unexpected answer
case one
  one  socket  s
  one  connect s 127.0.0.1:4000
  one  close   s
case two
  one  socket  s
S
run "$portreuse" run "$file"
ok "the steps behind it are not run" out_matches 'close +s +not run'
ok "the next case is" out_has "PASS  two"
ok "one case of two failed" first_line_is \
  "FAIL stops: 1 of 2 cases, first: line 4: want ok, got ECONNREFUSED"

scenario setup <<'S'
title  The setup fails
setup
  one  socket  s
  one  connect s 127.0.0.1:4000
case one
  one  close   s
S
run "$portreuse" run "$file"
ok "a setup that fails fails the case" status_is 1
ok "and is shown with it" out_matches 'connect s 127.0.0.1:4000 +ECONNREFUSED  <- not as expected'

scenario old <<'S'
title  A kernel of the future
needs  kernel >= 99.1
case one
  one  socket  s
S
run "$portreuse" run "$file"
ok "SKIP is exit 0" status_is 0
ok "its reason is in the first line" first_line_starts "SKIP old: needs kernel >= 99.1; this is "
run "$portreuse" run --must-run "$file"
ok "--must-run makes it exit 2" status_is 2
ok "and an ERROR" first_line_starts "ERROR old: needs kernel >= 99.1; this is "
run "$portreuse" run "$file" "$good"
ok "PASS beside SKIP is PASS" first_line_is \
  "PASS 2 scenarios: 2 cases, all as expected; 1 skipped"

scenario dead <<'S'
title  An address that cannot be known
case one
  a  socket  c
  a  connect c 127.0.0.1:4000 -> ECONNREFUSED | ok
  b  socket  d
  b  connect d $a.c.peer
S
run "$portreuse" run "$file"
ok "ERROR is exit 2" status_is 2
ok "and says what broke" first_line_starts "ERROR dead: line 6: the socket that the address is taken"
run "$portreuse" run "$file" "$work/wrong.scenario"
ok "ERROR outweighs FAIL" status_is 2

scenario hangs <<'S'
title  Nobody connects
case one
  one  socket  s
  one  bind    s 127.0.0.1:0
  one  listen  s
  one  accept  s peer
  one  close   s
S
run "$portreuse" run --timeout 2s "$file"
ok "a call that never returns ends at the deadline, exit 1" status_is 1
ok "and is told as no answer" first_line_is "FAIL hangs: line 6: want ok, got no answer"

scenario waits <<'S'
title  What is awaited does not come
case one
  one    socket  s
  one    bind    s 127.0.0.1:4000
  await  LISTEN 127.0.0.1:4000 within 30ms
S
run "$portreuse" run "$file"
ok "await that waits in vain is a FAIL" first_line_is "FAIL waits: line 5: want ok, got ETIMEDOUT"
ok "and says what was there instead" out_has "seen there: BOUND 127.0.0.1:4000"

scenario slowly <<'S'
title  Time
case too slow
  sleep 30ms -> ok within 1ms
case too fast
  sleep 1ms -> ok in 10s..20s
case in time
  sleep 1ms -> ok in 1ms..9s
S
run "$portreuse" run "$file"
ok "an answer out of its time is a FAIL" first_line_starts "FAIL slowly: 2 of 3 cases"
ok "and one in time is not" out_has "PASS  in time"

scenario serving <<'S'
title  A serve block meets an answer that its line does not expect
setup
  server  socket  l
  server  bind    l 127.0.0.1:4000
  server  listen  l
  server  serve
    accept l p
    recv   p -> 5
  end
  client  socket  c
  client  connect c 127.0.0.1:4000
case found when the case ends
  client  close   c
  await   no ESTABLISHED *:*
case found while another role waits
  client  shutdown c write
  client  recv    c
case found when its role exits
  client  close   c
  server  exit
case found at the stop
  client  close   c
  await   no ESTABLISHED *:*
  server  stop -> eof at recv after 0
S
run "$portreuse" run "$file"
ok "a serve block that broke fails its case" first_line_is \
  "FAIL serving: 3 of 4 cases, first: line 8: want 5, got eof at recv after 0"
ok "also while another role waits for it" out_matches 'recv +c +not run'
ok "and before its role exits" out_matches 'server exit +not run'
ok "unless its stop expects that" out_has "PASS  found at the stop"

run "$portreuse" run --repeat 3 "$good"
ok "--repeat tells how often" first_line_is "PASS good: 2 cases, all as expected 3 times"
ok "case by case" out_has "PASS  the port is taken: 3 of 3 runs passed"
run "$portreuse" run -q "$good" "$work/wrong.scenario"
ok "-q is one line" sh -c '[ "$(wc -l <"$1")" = 1 ]' - "$work/out"
ok "-q keeps the exit code" status_is 1
run "$portreuse" run -v "$good"
ok "-v shows process ids" out_matches 'held by one.s \(pid [0-9]+\)'
ok "-v shows times" out_matches 'EADDRINUSE \(expected\)  \[[0-9.]+[um]?s\]'
run "$portreuse" run -j 4 --repeat 20 "$good"
ok "-j runs several at a time" first_line_is "PASS good: 2 cases, all as expected 20 times"
run "$portreuse" run -j --tag seed
ok "-j without a number does too" first_line_starts "PASS "
printf 'title t\ncase short\n sleep 1ms\ncase brief\n sleep 1ms\ncase long\n sleep 50ms\n' >"$work/order.scenario"
run "$portreuse" run -j 2 --format ndjson --output "$work/order.tap" "$work/order.scenario"
ok "with -j the case that may wait longest begins first" sh -c \
  'grep "case begin" "$1" | head -n 1 | grep -q "\"long\""' - "$work/out"
ok "and is reported in its place" grep -q "^ok 3 - order: long" "$work/order.tap"
run "$portreuse" run --format ndjson "$work/order.scenario"
ok "without -j the cases run as they are given" sh -c \
  'grep "case begin" "$1" | head -n 1 | grep -q "\"short\""' - "$work/out"

finish
