#!/bin/sh
# Writes docs/catalogue.md from the scenarios that are built into the program; the causes are those
# that a run of each shows, here and now.
#
# usage: tests/catalogue.sh PORTREUSE [RUN.json] >docs/catalogue.md
#
# RUN.json is what `portreuse run --all --format json` has said; without it that is run. Needs jq.
# What is slow is not run: its causes are left out.
set -eu
portreuse=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ $# -gt 1 ]; then
  cp "$2" "$work/run.json"
else
  "$portreuse" run --all -j --format json >"$work/run.json"
fi

cat <<'TEXT'
# The catalogue

Every built-in scenario: what it tells, why it is so, what to do, its cases, and the causes that its
evidence names. `portreuse show NAME` prints its steps, `portreuse run NAME` runs it. A cause in any
report is the name of the scenario that reproduces it.

This file is made by `tests/catalogue.sh build/portreuse >docs/catalogue.md`; a test fails if it is
stale.
TEXT

# The names in the order of the list, each behind the heading of its group.
"$portreuse" list | sed -n 's/^\([a-z-]*\): \(.*\)/group \1 \2/p; s/^  \([a-z0-9-]\{1,\}\)\( .*\)*$/name \1/p' \
  >"$work/list"

# A line for each group, with its scenarios.
awk '
  $1 == "group" { printf "\n- **%s**:", $2; comma = "" }
  $1 == "name"  { printf "%s [%s](#%s)", comma, $2, $2; comma = "," }
  END           { print "" }' "$work/list"

# What the header of a scenario says, and the titles of its cases.
tell() {
  "$portreuse" show "$1" | awk '
    function safe(text) { gsub(/[*<]/, "\\\\&", text); return text }
    /^[^ \t]/ { prose = 0 }
    /^title / { sub(/^title +/, ""); print safe($0) "." }
    /^slow/   { print "\nIt is slow: `--slow` has it run." }
    /^needs / { sub(/^needs +/, ""); print "\nIt needs " $0 "." }
    /^why/    { print "\n**Why.**"; prose = 1; next }
    /^fix/    { print "\n**What to do.**"; prose = 1; next }
    /^case /  { if (!cases++) print "\n**Cases**\n"; sub(/^case +/, ""); print "- " safe($0) }
    prose && NF { sub(/^ +/, ""); print safe($0) }'
}

jq -r '.scenarios[] | "\(.name) \([.cases[].steps[].evidence.cause // empty] | unique |
  map("[\(.)](#\(.))") | join(", "))"' "$work/run.json" >"$work/causes"

while read -r kind name title; do
  if [ "$kind" = group ]; then
    printf '\n## %s: %s\n' "$name" "$title"
  else
    printf '\n### %s\n\n' "$name"
    tell "$name"
    sed -n "s/^$name \(..*\)/\nCauses: \1/p" "$work/causes"
  fi
done <"$work/list"
