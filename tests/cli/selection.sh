#!/bin/sh
# Which cases run: NAME:CASE, --filter and --fail-fast.
# shellcheck source=lib.sh
. "$(dirname "$0")/../lib.sh"
cd "$work" || exit 1

cat >three.scenario <<'T'
title  Three cases
setup
  one  socket  s
  one  bind    s 127.0.0.1:4000

case first: it works
  two  socket  s

case second: it fails
  two  socket  s
  two  bind    s 127.0.0.1:4000
  two  close   s

case 7
  two  socket  s
  two  repeat 2
    socket r
    close  r
  end
T

# cases TITLE...: exactly these cases were run, by the JSON.
cases() {
  printf '%s\n' "$@" >want
  sed -n '/"steps"/d; s/^ *"title": "\(.*\)",$/\1/p' out | grep -vx 'Three cases' | cmp - want
}
runs() { # WORD TITLE...
  word=$1
  shift
  run "$portreuse" run --format json "$word"
  ok "$word runs: $*" cases "$@"
}
runs three.scenario "first: it works" "second: it fails" 7
runs "three.scenario:first: it works" "first: it works"
runs three.scenario:WORKS "first: it works"
runs "three.scenario:: it" "first: it works" "second: it fails"
runs three.scenario:7 7
runs three.scenario:9 "second: it fails"
runs three.scenario:11 "second: it fails"
runs three.scenario:12 "second: it fails"
runs three.scenario:14 7
runs three.scenario:17 7
runs three.scenario:4 "first: it works" "second: it fails" 7
run "$portreuse" run -q three.scenario:works
ok "the verdict is about that case" first_line_is "PASS three: 1 case, as expected"
ok "and so is the exit code" status_is 0
run "$portreuse" run time-wait-rebind:remedy
ok "a built-in scenario, too" first_line_is "PASS time-wait-rebind: 1 case, as expected"
ok "with its setup" out_has "await   TIME-WAIT 127.0.0.1:1215"
ok "and no other case" out_lacks "SO_REUSEADDR on neither socket"
cp three.scenario a:b.scenario
cp three.scenario three.scenario:works
runs a:b.scenario "first: it works" "second: it fails" 7
runs a:b.scenario:second "second: it fails"
runs three.scenario:works "first: it works" "second: it fails" 7
rm three.scenario:works

refused() { # NAME TEXT ARGUMENT...
  refused_name=$1 refused_text=$2
  shift 2
  run "$portreuse" run "$@"
  ok "$refused_name is exit 2" status_is 2
  ok "$refused_name is told" err_says "$refused_text"
  ok "$refused_name: nothing runs" out_is_empty
}
refused "a case that there is not" \
  "three.scenario: no case has 'nonsense' in its title; line and title of each: 6 first: it works 9 second" \
  three.scenario:nonsense
refused "an empty case" "no case has '' in its title" three.scenario:
refused "a line behind the end" "three.scenario: line 20 is in no case" three.scenario:20
refused "a misspelt name" "time-wait-rebnid: error: no scenario has this name; did you mean 'time-wait-rebind'?" \
  time-wait-rebnid:remedy
refused "a wrong expression" "--filter '(': not an extended regular expression: " --filter '('
refused "a filter that nothing matches" "no case matches --filter; slow scenarios need --slow" \
  --filter no-such-thing
refused "a filter that nothing of these matches" "no case of these matches --filter" \
  --filter no-such-thing three.scenario
refused "a tag that there is not" "no scenario has the tag 'no-such-tag'" --tag no-such-tag --filter .
refused "a misspelt tag" "no scenario has the tag 'sede'; did you mean 'seed'?" --tag time-wait --tag sede

# --filter, over `NAME:CASE`.
run "$portreuse" run --format json --filter '^three:.*it (works|fails)$' three.scenario
ok "--filter selects by name and case" cases "first: it works" "second: it fails"
run "$portreuse" run -q --filter '^three:first' three.scenario address-in-use
ok "a scenario without a case left is left out" first_line_is "PASS three: 1 case, as expected"
run "$portreuse" run -q --filter first --filter '^three:7$' three.scenario
ok "the last --filter counts" first_line_is "PASS three: 1 case, as expected"
run "$portreuse" run -q --filter '^time-wait-(re|old).*:remedy'
ok "without names it selects from the built-in scenarios" first_line_starts "PASS 2 scenarios: "
run "$portreuse" run -q --tag seed --filter ':remedy: SO_REUSEADDR on both$'
ok "with --tag from those" first_line_is "PASS time-wait-rebind: 1 case, as expected"

# --fail-fast
cat >fast.scenario <<'T'
title  The second fails
case one
  a socket s
case two
  a socket s -> EPERM
case three
  a socket s
T
run "$portreuse" run --format tap --fail-fast fast.scenario three.scenario
ok "--fail-fast is exit 1" status_is 1
ok "what passed before did" out_has "ok 1 - fast: one"
ok "what failed is told" out_has "not ok 2 - fast: two"
reason="not run, because another case did not pass (--fail-fast)"
ok "what comes after is not run" out_has "ok 3 - fast: three # SKIP $reason"
ok "nor in other scenarios" sh -c '[ "$(grep -c "SKIP not run, because another" out)" = 4 ]'
run "$portreuse" run -q --fail-fast --must-run fast.scenario
ok "--must-run does not make that an error" status_is 1
run "$portreuse" run -q --fail-fast address-in-use
ok "if all pass, all run" first_line_is "PASS address-in-use: 8 cases, all as expected"
run "$portreuse" run --format json --fail-fast --repeat 3 fast.scenario
ok "with --repeat the first failure ends it" sh -c '
  grep -E "^ +\"(runs|passed)\"" out | tr -d " \n" | grep -qxF "\"runs\":3,\"passed\":3,\"runs\":1,\"passed\":0,\"runs\":0,\"passed\":0,"'
run "$portreuse" run -q --fail-fast -j 4 fast.scenario
ok "with -j the failure is told, too" first_line_starts "FAIL fast: 1 of 3 cases, first: line 5: want EPERM"

finish
