#!/bin/sh
# Every case of the catalogue can fail: with one expectation turned round, each is a FAIL.
#
# An expected errno becomes `ok`, and a cause `free`; any other expectation, and the `ok` of a step that
# has none, becomes an errno or a cause that nothing answers. It is done at each step with an errno, at
# each question to the tool itself, and at the last one that is judged, which carries the claim. What
# may be either (`|`) has no contrary.
# shellcheck source=lib.sh
. "$(dirname "$0")/../lib.sh"

if ! command -v jq >/dev/null; then
  skip "each case fails when it is turned round" "jq is not installed"
  finish
fi

invert() { # SCENARIO: with a case for each step that can be turned round, instead of each case
  awk '
    function expects(text) { return match(text, /->/) ? substr(text, RSTART + 3) : "" }
    function is_claim(text) {
      return text ~ / (bind|listen|connect|accept|send|recv|shutdown|disconnect) / ||
        text ~ / (stop|getsockopt|setsockopt|getsockname|getpeername)( |$)/ ||
        text ~ /^ *(on [^ ]+ +)?(await|count|destroy) / || text ~ /^ *end( |$)/ || is_question(text)
    }
    function is_question(text) { return text ~ /^ *(on [^ ]+ +)?(why|budget|ephemeral) / }
    function turned(text) {
      if (text ~ /^ *(on [^ ]+ +)?why /) { sub(/->.*/, expects(text) ~ /^ *free/ ? "-> unknown" : "-> free", text); return text }
      if (expects(text) ~ /^ *E[A-Z]/) { sub(/->.*/, "-> ok", text); return text }
      sub(/ *->.*/, "", text)
      return text " -> ENXIO"
    }
    function print_turned(at,   i) {
      print title " (line " first + at ")"
      for (i = 1; i <= count; i++) print i == at ? turned(line[i]) : line[i]
    }
    function print_case(   i, last) {
      for (i = 1; i <= count; i++) if (can[i]) last = i
      for (i = 1; i <= count; i++)
        if (can[i] && (i == last || is_question(line[i]) || expects(line[i]) ~ /^ *E[A-Z]/)) print_turned(i)
      count = 0
    }
    { plain = $0; sub(/ +#.*/, "", plain) }
    /^case / { print_case(); title = $0; first = NR; in_block = 0; next }
    title == "" { print; next }
    {
      line[++count] = plain
      if (plain ~ / (repeat|serve)( |$)/) { in_block = 1; serves = plain ~ / serve/ }
      closes = plain ~ /^ *end( |$)/
      can[count] = is_claim(plain) && expects(plain) !~ /\|/ && (closes ? !serves : !in_block)
      if (closes) in_block = serves = 0
    }
    END { print_case() }' "$1"
}

mkdir "$work/turned"
for file in "$here"/../../scenarios/*.scenario; do
  if ! grep -q '^slow' "$file"; then
    invert "$file" >"$work/turned/$(basename "$file")"
    grep '^case ' "$file" >>"$work/cases"
  fi
done
cat "$work"/turned/*.scenario | sed -n '/^case /s/ (line [0-9]*)$//p' | uniq >"$work/cases.turned"
run "$portreuse" check "$work"/turned/*.scenario
ok "what is turned round is still sound" status_is 0
run "$portreuse" run -j --format json "$work"/turned/*.scenario
ok "a run of it is exit 1" status_is 1
json() { jq -e "$1" "$work/out"; }
ok "no case is left out" sh -c 'diff "$1" "$2"' - "$work/cases" "$work/cases.turned"
ok "each is a FAIL" json '[.scenarios[] | .name as $name | .cases[] |
  select(.verdict != "FAIL" and .verdict != "SKIP") | "\($name): \(.title): \(.verdict)"] |
  if . == [] then true else error(tostring) end'
ok "at the step that was turned round" json '[.scenarios[].cases[].steps[] | select(.status == "fail")] |
  all(.want == "ENXIO" or (.verb == "why" and (.want == "free" or .want == "unknown")) or (.want == "ok" and (.got | test("^E[A-Z]"))))'
ok "most are not skipped" json '[.scenarios[].cases[].verdict] |
  (map(select(. == "FAIL")) | length) > 0.75 * length'

finish
