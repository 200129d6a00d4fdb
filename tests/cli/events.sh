#!/bin/sh
# What is told while a run goes on: events in lines of JSON, and progress on a terminal.
# shellcheck source=lib.sh
. "$(dirname "$0")/../lib.sh"
cd "$work" || exit 1
docs=$here/../../docs

scenario waits <<'S'
title  It takes a while
case one
  one    socket  s
  one    bind    s 127.0.0.1:4000
  sleep  1500ms
case two
  sleep  1ms
S
waits=$file
scenario breaks <<'S'
title  A serve block breaks
case one
  server  socket  l
  server  bind    l 127.0.0.1:4000
  server  listen  l
  server  serve
    accept l p
    recv   p -> 5
  end
  client  socket  c
  client  connect c 127.0.0.1:4000
  client  close   c
  await   no ESTABLISHED *:*
case two
  client  socket  c
S
breaks=$file

# As it happens.
"$portreuse" run --format ndjson "$waits" >events 2>err &
runner=$!
ok "a step is told when it begins" await grep -q '"step begin".*"sleep"' events
ok "and not before it ends that it has ended" sh -c '! grep -q "\"step end\".*\"sleep\"" events'
kill -TERM $runner
wait $runner
ok "the last line of a run that was interrupted says so" sh -c \
  'tail -n 1 events | grep -q "\"run end\".*\"interrupted\": true"'

run "$portreuse" run -j 2 --repeat 2 --output all.ndjson --output all.json "$breaks" time-wait-rebind
ok "events of several cases at a time keep the exit code" status_is 1
run "$portreuse" run --output one.jsonl --output one.json time-wait-rebind
printf 'title t\nneeds kernel >= 99.0\ncase c\n a socket s\n' >skip.scenario
run "$portreuse" run --format ndjson skip.scenario "$here/scenarios/every-verb.scenario"
cp out every.ndjson

if command -v jq >/dev/null; then
  events() { jq -s -e "$1" all.ndjson; }
  ok "first the run begins" events '.[0].event == "run begin" and .[0].surroundings.kernel'
  ok "it names what is run" events '[.[0].scenarios[] | .name, .cases] == ["breaks", 2, "time-wait-rebind", 4]'
  ok "at last it ends" events '.[-1].event == "run end" and .[-1].verdict == "FAIL"'
  ok "with what the text begins with" events '.[-1].summary | startswith("FAIL 2 scenarios: 1 of 6 cases")'
  ok "each case begins and ends twice" events \
    '[.[] | select(.event == "case begin" or .event == "case end")] | length == 24'
  ok "in order" events 'group_by([.scenario, .case, .run])[] | select(.[0].case) | map(.event) |
    .[0] == "case begin" and .[-1] == "case end"'
  ok "and the time goes on" events 'group_by([.scenario, .case, .run]) | all(map(.seconds) | . == sort)'
  ok "a block that breaks later ends again" events \
    '[.[] | select(.event == "step end" and .step.verb == "serve" and .run == 1) | .step.status] == ["pass", "fail"]'
  ok "steps end as the JSON has them" sh -c '
    jq -s -c "[.[] | select(.event == \"step end\") | .step]" one.jsonl >a
    jq -c "[.scenarios[].cases[].steps[] | select(.status != \"not run\")]" one.json >b
    [ "$(wc -c <a)" -gt 10000 ] && cmp a b'
  ok "each begins before it ends" sh -c '
    jq -s -c "[.[] | select(.event == \"step begin\") | .step]" one.jsonl >a
    jq -c "[.scenarios[].cases[].steps[] | select(.status != \"not run\") | {line, role, verb, arguments, want}]" one.json >b
    cmp a b'
else
  skip "what events say" "jq is not installed"
fi

validator=
for python in python3 /usr/bin/python3; do
  if "$python" -c 'import jsonschema' 2>/dev/null; then validator=$python; fi
done
if [ -n "$validator" ]; then
  cat >validate.py <<'P'
import json, sys, jsonschema
docs = sys.argv[1]
def load(name):
    with open(docs + "/" + name) as file:
        return json.load(file)
schema, report = load("events.schema.json"), load("report.schema.json")
resolver = jsonschema.RefResolver(schema["$id"], schema, store={report["$id"]: report})
kind = getattr(jsonschema, "Draft202012Validator", jsonschema.Draft7Validator)
validator = kind(schema, resolver=resolver)
for name in sys.argv[2:]:
    for line in open(name):
        validator.validate(json.loads(line))
P
  ok "every event is as docs/events.schema.json says" \
    "$validator" -W ignore validate.py "$docs" all.ndjson one.jsonl every.ndjson events
  echo '{"event": "step begin", "seconds": 1}' >wrong
  ok "and a wrong one is not" sh -c '! "$1" -W ignore validate.py "$2" wrong' - "$validator" "$docs"
else
  skip "events as docs/events.schema.json says" "python3-jsonschema is not installed"
fi

# Progress: `script` gives the program a terminal.
if ! command -v script >/dev/null; then
  skip "progress on a terminal" "script (util-linux) is not installed"
  finish
fi
on_terminal() { # COMMAND LINE: what the terminal got goes to the file out
  TERM=xterm NO_COLOR=1 run script -qec "$1" terminal
}
escape=$(printf '\033')
clear=$(printf '\r\033[K')
on_terminal "$portreuse run $waits"
ok "on a terminal, what is waited for is told, and for how long" out_matches \
  '0 of 2 cases done in 1 s; waits: sleep 1500ms, for [01] s'
ok "and taken away before the report" out_has "${clear}PASS waits: 2 cases, all as expected"
ok "only what has changed is written" sh -c '[ "$(tr "\r" "\n" <out | grep -c "sleep 1500ms, for")" -le 4 ]'
# On a machine that is busy enough no run is fast; one of some is.
any_of() { for try; do "$try" && return; done; }
fast() { on_terminal "$portreuse run -q address-in-use" && out_lacks "$escape"; }
ok "a fast run shows none of it" any_of fast fast fast fast fast
on_terminal "$portreuse run $waits 2>err"
ok "nor a run whose standard error is a file" out_lacks "$escape"
ok "in which nothing is" sh -c '[ ! -s err ]'
on_terminal "$portreuse run $waits >report"
ok "but one whose standard output is a file does" out_has "sleep 1500ms, for"
ok "in which nothing of it is" sh -c '! grep -q "$1" report' - "$escape"
on_terminal "TERM=dumb $portreuse run $waits"
ok "a terminal that cannot take it back is not bothered" out_lacks "of 2 cases done"
on_terminal "$portreuse run --format ndjson $waits"
ok "nor one on which events scroll by" out_lacks "of 2 cases done"
on_terminal "stty columns 30; $portreuse run -q $waits"
ok "the line is cut to the terminal's width" sh -c \
  'tr "\r" "\n" <out | grep "cases done" | sed "s/$1\[K//" | awk "length > 29 { exit 1 }"' - "$escape"
scenario rounds <<'S'
title  Many rounds
case one
  one repeat 1000000
    socket s
    close  s
  end
S
on_terminal "$portreuse run -q --timeout 1s $file"
ok "of a block the rounds are told" out_matches 'one repeat 1000000, [1-9][0-9]* rounds, for [01] s'

finish
