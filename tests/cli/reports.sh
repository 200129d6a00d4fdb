#!/bin/sh
# The reports: the text is the same from run to run, the JSON is sound and says the same.
# shellcheck source=lib.sh
. "$(dirname "$0")/../lib.sh"

as=
if users_may; then
  as=as_user
else
  skip "reports for an ordinary user" "ordinary users may have no private namespace here"
fi
for name in address-in-use time-wait-rebind ephemeral-exhaustion fixed-client-port ephemeral-bind; do
  run "$portreuse" run $name
  ok "$name passes" status_is 0
  cp "$work/out" "$work/first"
  run "$portreuse" run $name
  ok "its report is the same the next time" cmp "$work/first" "$work/out"
  run $as "$portreuse" run $name
  ok "and again${as:+, for an ordinary user}" cmp "$work/first" "$work/out"
  ok "why and what to do are told" out_matches '^Why$'
done
run "$portreuse" run time-wait-rebind
ok "the first line has at most 80 bytes" sh -c '[ "$(head -n 1 "$1" | wc -c)" -le 81 ]' - "$work/out"
ok "the setup is told once" sh -c '[ "$(grep -c "plain   bind" "$1")" = 1 ]' - "$work/out"
ok "TIME-WAIT is named, and who left it" out_has \
  "in the way: TIME-WAIT 127.0.0.1:1215 to 127.0.0.1:*, left by plain.peer"
ok "so is the cause" out_has "cause:      time-wait-rebind: "
ok "and that the old socket lacked the option" out_has "cause:      time-wait-old-without-reuse: "
run "$portreuse" run -v time-wait-rebind
ok "-v has the time left in TIME-WAIT" out_matches '(60|59) s left$'
run "$portreuse" run slow-connect
ok "a timed block has a table of the times of its rounds" sh -c \
  '[ "$(grep -cE "^ +(1|1801)\.\.[0-9]+( +[0-9.]+[mu]s){3}$" "$1")" = 4 ]' - "$work/out"
run "$portreuse" run -v ephemeral-exhaustion
ok "with -v so has each block of 100 rounds" out_matches '^ +91\.\.100( +[0-9.]+[mu]s){3}$'
run "$portreuse" run ephemeral-exhaustion
ok "without it it has not" sh -c '! grep -q "% within" "$1"' - "$work/out"
ok "a full range is told" out_has "in the way: all 100 ports of 40000-40099, used by open connections"
run "$portreuse" run ephemeral-bind
ok "bind() to port 0 on a full range has its own cause" out_has "cause:      ephemeral-bind: "
run "$portreuse" run fixed-client-port
ok "so has a connection that exists already" out_has "cause:      fixed-client-port: a connection with the"

# What is said once.
run "$portreuse" run time-wait-rebind
sed -n '/^    \$ portreuse run time-wait-rebind$/,/^[^ ]/p' "$here/../../README.md" | sed '1d;$d;s/^    //' |
  sed '$d' >"$work/readme"
# A line `...` stands for those that are left out there.
ok "README shows this report" awk '
  NR == FNR {line[++lines] = $0; next}
  $0 == "..." {skipping = 1; next}
  {at++; while (skipping && at <= lines && line[at] != $0) at++
   skipping = 0
   if (at > lines || line[at] != $0) {print "not so: " $0; wrong = 1; exit}}
  END {exit wrong || lines < 20 || FNR < 20 || at != lines}' "$work/out" "$work/readme"
ok "a report longer than a screen ends with the verdict" \
  test "$(tail -n 1 "$work/out")" = "$(head -n 1 "$work/out")"
ok "below an empty line" test -z "$(tail -n 2 "$work/out" | head -n 1)"
run "$portreuse" run time-wait-rebind:remedy
ok "one of 24 lines and more does" test "$(grep -c '^PASS time' "$work/out")" = 2
printf 'title t\ncase c\n a socket s\ncase d\n a socket s SO_REUSEADDR\n a bind s 127.0.0.1:80\n' >"$work/short.scenario"
run "$portreuse" run "$work/short.scenario"
ok "a short one does not" test "$(grep -c '^PASS short' "$work/out")" = 1
ok "a socket without options is not shown" out_lacks "socket s  "
ok "one with options is" out_matches '^  a socket s SO_REUSEADDR +ok$'
run "$portreuse" run -v "$work/short.scenario"
ok "with -v both are" sh -c '[ "$(grep -c "a socket s" "$1")" = 2 ]' - "$work/out"
run "$portreuse" run address-in-use
ok "evidence that stands above is only named" sh -c '
  [ "$(grep -c "cause:      address-in-use: " "$1")" = 1 ] &&
  [ "$(grep -c "cause:      address-in-use (as above)$" "$1")" = 2 ] &&
  [ "$(grep -c "in the way: LISTEN 127.0.0.1:1215, held by first.listener$" "$1")" = 2 ]' - "$work/out"
ok "a socket that is another one is shown" out_has "in the way: LISTEN 127.0.0.1:1215, held by first.again"
ok "another cause has its sockets, too" sh -c '
  grep -A1 "held by first.listener" "$1" | grep -q "cause:      wildcard-vs-specific: "' - "$work/out"
ok "a question is not shown that has the cause above it" out_lacks " why "
run "$portreuse" run -v address-in-use
ok "with -v all is shown" sh -c '
  [ "$(grep -c "cause:      address-in-use: " "$1")" -ge 3 ] && grep -q " why " "$1"' - "$work/out"
cat >"$work/fails.scenario" <<'S'
title  Two cases fail in the same way
setup
  one  socket  s
  one  bind    s 127.0.0.1:4000
case first
  two  socket  s
  two  bind    s 127.0.0.1:4000
case second
  two  socket  s
  two  bind    s 127.0.0.1:4000
S
run "$portreuse" run "$work/fails.scenario"
ok "a failure has its place, at the start of a line" sh -c '
  grep -A1 "^FAIL  second" "$1" | tail -n 1 | grep -qxF "$2:10: want ok, got EADDRINUSE"' - "$work/out" "$work/fails.scenario"
ok "cases that failed are in full" sh -c '[ "$(grep -c "cause:      bound-but-idle: " "$1")" = 2 ]' - "$work/out"
run "$portreuse" run "$work/fails.scenario:7"
ok "the place names the case to run again" first_line_is "FAIL fails: line 7: want ok, got EADDRINUSE"
run "$portreuse" run "$work/fails.scenario" address-in-use
ok "of several scenarios one that passed is a line" out_matches '^PASS  address-in-use  8 cases$'
ok "and failures have their place" out_has "$work/fails.scenario:7: want ok, got EADDRINUSE"
printf 'title t\ncase c\n a socket s\n a connect s 127.0.0.1:4001 -> ECONNREFUSED | ok\n b socket t\n b connect t $a.s.peer\n' \
  >"$work/error.scenario"
run "$portreuse" run "$work/error.scenario"
ok "an ERROR has its place" out_matches "^$work/error.scenario:6: the socket that the address is taken from"

# What cannot run here.
printf 'title t\nneeds kernel >= 99.0\ncase c\n a socket s\ncase d\n a socket s\n' >"$work/skip.scenario"
cp "$work/skip.scenario" "$work/skip2.scenario"
run "$portreuse" run "$work/skip.scenario"
ok "the reason of a SKIP stands once, in the first line" sh -c '[ "$(grep -c "needs kernel" "$1")" = 1 ]' - "$work/out"
ok "standard error says that nothing ran" err_has \
  "portreuse run: all cases were skipped; --must-run makes that an error"
run "$portreuse" run "$work/skip.scenario" "$work/skip2.scenario" address-in-use
ok "of several scenarios it stands once" sh -c '[ "$(grep -c "needs kernel" "$1")" = 1 ]' - "$work/out"
ok "and the others refer to it" out_matches '^SKIP  skip2 +2 cases \(as above\)$'
ok "if something ran, standard error is silent" err_is_empty
run "$portreuse" run --format json "$work/skip.scenario:c"
ok "also in other formats" err_has "portreuse run: the only case was skipped; --must-run makes that an error"
run "$portreuse" run --must-run "$work/skip.scenario"
ok "with --must-run it is an error, and told as one" err_is_empty

# The height of a terminal decides there.
if command -v script >/dev/null; then
  run script -qec "stty rows 100; '$portreuse' run --color=never address-in-use" /dev/null
  ok "on a terminal of 100 lines the verdict stands once" sh -c '[ "$(grep -c "PASS address-in-use: 8 cases" "$1")" = 1 ]' - "$work/out"
  run script -qec "stty rows 50; '$portreuse' run --color=never address-in-use" /dev/null
  ok "on one of 50 twice" sh -c '[ "$(grep -c "PASS address-in-use: 8 cases" "$1")" = 2 ]' - "$work/out"
fi

docs=$here/../../docs
ok "docs/exit-codes-and-formats.md names every cause" sh -c \
  'sed -n "s/.*\[CAUSE_.*\] = \"\(.*\)\",/\1/p" "$1" | while read -r cause; do
     grep -qE "^\| .*$cause" "$2" || { echo "$cause"; exit 1; }
   done' - "$here/../../src/model/cause.c" "$docs/exit-codes-and-formats.md"

# The schema has to hold for whatever kind of report.
validator=
for python in python3 /usr/bin/python3; do
  if "$python" -c 'import jsonschema' 2>/dev/null; then validator=$python; fi
done
if [ -n "$validator" ]; then
  printf 'title t\nneeds kernel >= 99.0\ncase c\n a socket s\n' >"$work/skip.scenario"
  printf 'title t\ncase c\n await LISTEN *:1 within 1ms\n a socket s\n' >"$work/fail.scenario"
  for what in time-wait-rebind ephemeral-exhaustion "$scenarios/every-verb.scenario" \
    "$work/skip.scenario" "$work/fail.scenario" "--net=current address-in-use" \
    "--repeat 2 address-in-use ephemeral-bind" "--timeout 1us address-in-use"; do
    # shellcheck disable=SC2086 # the words are to be parted
    run "$portreuse" run --format json $what
    ok "the JSON of 'run $(basename -- "$what")' is as docs/report.schema.json says" \
      "$validator" -m jsonschema -i "$work/out" "$docs/report.schema.json"
  done
else
  skip "JSON as docs/report.schema.json says" "python3-jsonschema is not installed"
fi

if ! command -v jq >/dev/null; then
  skip "JSON" "jq is not installed"
  finish
fi
run "$portreuse" run --format json time-wait-rebind ephemeral-exhaustion
ok "JSON keeps the exit code" status_is 0
json() { jq -e "$1" "$work/out"; }
ok "it is one document with the verdict" json '.verdict == "PASS"'
ok "its summary is the first line of the text" json \
  '.summary == "PASS 2 scenarios: 14 cases, all as expected"'
ok "it holds the surroundings" json \
  '.surroundings.kernel and .surroundings.sysctl["net.ipv4.tcp_tw_reuse"] == "2"'
ok "each step has want and got" json \
  '[.scenarios[].cases[].steps[] | select(.status == "pass") | .want and .got] | all'
ok "each EADDRINUSE and EADDRNOTAVAIL of bind, connect and listen has evidence" json \
  '[.scenarios[].cases[].steps[] | select(.got // "" | test("^EADDR")) | .evidence.cause] |
   length > 10 and all(. != null and . != "unknown")'
ok "the evidence has states, ends and holders" json \
  '[.scenarios[0].cases[].steps[].evidence | select(.) | .sockets[0]] |
   all(.state == "TIME-WAIT" and .local and .remote and .time_left_ms > 50000 and
       .holding == "left" and (.holders[0].role | test("plain|reuse")))'
ok "blocks keep the time of each round" json \
  '[.scenarios[1].cases[0].steps[] | select(.verb == "repeat") | .rounds_ns | length] == [100]'
ok "those of serve too" json \
  '[.scenarios[1].cases[0].steps[] | select(.verb == "serve") | .rounds_ns | length] == [100]'
ok "also where no stop asked" json \
  '[.scenarios[1].cases[5].steps[] | select(.verb == "serve") | .rounds_ns | length] == [200]'
sed 's/-> EADDRINUSE//' "$here/../../scenarios/time-wait-rebind.scenario" >"$work/wrong.scenario"
run "$portreuse" run --format json "$work/wrong.scenario"
ok "a FAIL is exit 1" status_is 1
ok "and told with want and got" json \
  '[.scenarios[0].cases[] | select(.verdict == "FAIL") | .steps[] | select(.status == "fail") |
    .want == "ok" and .got == "EADDRINUSE"] | length == 3 and all'

# --- width ---

scenario wide <<'S'
title A title that has so many words that it cannot stand in one line of a terminal of eighty columns
case another title of many words, which must be continued below without a break inside one of its words
  sysctl net.ipv4.ip_local_port_range 40000 40099   # a remark that is too long for what is left of it
  a-role-with-a-long-name socket s SO_REUSEADDR SO_KEEPALIVE SO_LINGER=off SO_RCVTIMEO=200ms SO_SNDTIMEO=200ms
  a-role-with-a-long-name bind s 127.0.0.1:1215
  a-role-with-a-long-name repeat 300
    socket t                                        # a remark in a block that does not fit in the line
    bind t 127.0.0.1:1215 -> EADDRINUSE | EADDRNOTAVAIL | EACCES | EPERM | EINVAL | ENOBUFS | ENOMEM
    close t
  end
  other-role socket s
  other-role bind s 127.0.0.1:1215 -> EINVAL | EACCES | EPERM | ENOBUFS | ENOMEM | EAFNOSUPPORT | EFAULT
S
narrow() { ! LC_ALL=C.UTF-8 grep -qE '^.{81}' "$work/out"; }
for options in "" -v "-v --repeat 2"; do
  # shellcheck disable=SC2086 # options are words
  run "$portreuse" run $options "$file"
  ok "run $options: the case fails" status_is 1
  ok "run $options: no line is wider than 80 columns" narrow
done
ok "what does not fit stands below" out_says "# a remark that is too long for what is left of it"
ok "no option is left out" out_says \
  "s SO_REUSEADDR SO_KEEPALIVE SO_LINGER=off SO_RCVTIMEO=200ms SO_SNDTIMEO=200ms"
ok "no result is left out" out_says \
  "want: EINVAL | EACCES | EPERM | ENOBUFS | ENOMEM | EAFNOSUPPORT | EFAULT"

finish
