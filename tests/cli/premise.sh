#!/bin/sh
# The questions of the catalogue are about what its stories make: asked in an empty namespace, each of
# them that names a cause, or how many connections are left, has another answer.
#
# tests/cli/inversion.sh shows that each answer is looked at; this shows what it is an answer to.
# shellcheck source=lib.sh
. "$(dirname "$0")/../lib.sh"

if ! command -v jq >/dev/null; then
  skip "each question has another answer where nothing is" "jq is not installed"
  finish
fi

# What is missing in a story, an address or a route, is there; root asks; a socket's own address becomes
# one.
alone() { # SCENARIO: a case for each question, with nothing else
  awk '
    /^case / { title = $0 }
    /^title |^needs ipv6|^host / { print }
    /^ *(on [^ ]+ +)?(why|budget) / && title != "" && !/-> *free/ {
      sub(/ +#.*/, "")
      sub(/ as [a-z]+/, "")
      sub(/\$[a-z.]+/, "127.0.0.1:40000")
      print title " (line " NR ")"
      print "  address 192.0.2.1"
      if (/-> *no-route/) print "  address 203.0.113.2/24 eth0\n  address 198.51.100.1/16 eth1"
      print
    }' "$1"
}

mkdir "$work/alone"
for file in "$here"/../../scenarios/*.scenario; do
  ! grep -q '^needs  *program' "$file" || continue # what it asks is about the program
  alone "$file" >"$work/alone/$(basename "$file")"
  grep -q '^case ' "$work/alone/$(basename "$file")" || rm "$work/alone/$(basename "$file")"
done
run "$portreuse" check "$work"/alone/*.scenario
ok "the questions alone are sound" status_is 0
asked=$(cat "$work"/alone/*.scenario | grep -c '^case ')
ok "there are many" [ "$asked" -gt 80 ]
run "$portreuse" run -j --format json "$work"/alone/*.scenario
ok "a run of them is exit 1" status_is 1
json() { jq -e "$1" "$work/out"; }
ok "each is a FAIL" json '[.scenarios[] | .name as $name | .cases[] |
  select(.verdict != "FAIL") | "\($name): \(.title): \(.verdict)"] |
  if . == [] then true else error(tostring) end'
ok "because the answer differs" json '[.scenarios[].cases[].steps[] | select(.status == "fail")] |
  all(.verb == "why" or .verb == "budget")'

finish
